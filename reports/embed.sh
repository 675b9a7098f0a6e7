#!/bin/sh
# embed.sh - turns text files into C: NAME.sql becomes `const char query_NAME[]`, NAME.css `const char style_NAME[]`.
#
#     embed.sh FOLDER FILE... > queries.c        FILEs are named as they stand beneath FOLDER
set -eu

folder=$1
shift
echo '/* Made by reports/embed.sh: change the files that it was made from instead. */'
echo '#include "reports/queries.h"'
for file in "$@"; do
    name=$(basename "$file")
    case $name in
    *.sql) variable=query_${name%.sql} ;;
    *.css) variable=style_${name%.css} ;;
    *)
        echo "embed.sh: $file: neither .sql nor .css" >&2
        exit 1
        ;;
    esac
    echo
    echo "const char $variable[] ="
    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/' "$folder/$file"
    echo '    "";'
done
