#!/bin/bash
# The rules of the house that a machine can keep:
#   - across folders, #include points only to base/, and base/ includes nothing of the others; main.c and pipeline.c,
#     which stand above the folders and wire them together, are exempt;
#   - included paths are written from the top of the tree;
#   - each library is known only to the stage that it serves, nDPI's interface to one file;
#   - no source file has more than 900 lines;
#   - no word that marks unfinished work.
# Each file is one test.
set -euo pipefail
cd "$(dirname "$0")/.."

most_lines=900
folders=(base capture streams dissectors store reports)
unfinished='TO''DO|FIX''ME|XX''X|HA''CK'
passed=0
failed=0

# Where a header of a library may be included: one regular expression of paths each.
declare -A homes=(
    [pcap.h]='^capture/'
    [pcap/pcap.h]='^capture/'
    [ndpi_api.h]='^streams/naming_ndpi\.c$'
    [ndpi_main.h]='^streams/naming_ndpi\.c$'
    [sqlite3.h]='^(store|reports)/'
    [magic.h]='^dissectors/media_type\.c$'
    [gmime/gmime.h]='^dissectors/'
    [zlib.h]='^((capture|dissectors)/|tests/unit/test_ftp_block\.c$)'
    [brotli/decode.h]='^dissectors/tls_chain\.c$'
    [zstd.h]='^(capture/|dissectors/tls_chain\.c$)'
    [pthread.h]='^(base/(queue|log)\.c|dissectors/tls_(secrets|keylog)\.c|main\.c|pipeline\.c|capture/.*|store/.*)$'
)

# complaints FILE: what is wrong with it, a line each
complaints()
{
    local file=$1 own=${1%%/*} line number=0 path target

    while IFS= read -r line || [ -n "$line" ]; do
        number=$((number + 1))
        if [[ $line =~ ^[[:space:]]*#[[:space:]]*include[[:space:]]*\"([^\"]+)\" ]]; then
            path=${BASH_REMATCH[1]}
            target=${path%%/*}
            if [ ! -e "$path" ]; then
                echo "$file:$number: \"$path\" is not written from the top of the tree"
            elif [[ $file == */* ]] && [ "$target" != base ] && [ "$target" != "$own" ]; then
                echo "$file:$number: $own/ includes \"$path\": across folders, only base/ may be included"
            fi
        elif [[ $line =~ ^[[:space:]]*#[[:space:]]*include[[:space:]]*\<([^>]+)\> ]]; then
            path=${BASH_REMATCH[1]}
            if [ -n "${homes[$path]-}" ] && [[ ! $file =~ ${homes[$path]} ]]; then
                echo "$file:$number: <$path> is not for this file, only for ${homes[$path]}"
            fi
        fi
    done < "$file"
    if [ "$number" -gt $most_lines ]; then
        echo "$file: $number lines, more than $most_lines"
    fi
    grep -nEw "$unfinished" "$file" | sed "s|^|$file:|; s|\$|  (marks unfinished work)|" || true
}

while IFS= read -r file; do
    found=$(complaints "$file")
    if [ -z "$found" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf '%s\n' "$found"
        echo "FAIL house rules: $file"
    fi
done < <(find ./*.[ch] "${folders[@]}" -name '*.[ch]' -o -name '*.sql' | sed 's|^\./||' | LC_ALL=C sort)

# Scripts and tests may not be unfinished either.
while IFS= read -r file; do
    if grep -nEwH "$unfinished" "$file"; then
        failed=$((failed + 1))
        echo "FAIL house rules: $file"
    else
        passed=$((passed + 1))
    fi
done < <(find autogen.sh configure.ac Makefile.am tests -name '*.sh' -o -name '*.py' -o -name '*.c' -o -name '*.h' -o -name '*.ac' -o -name '*.am' |
    LC_ALL=C sort)

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
