#!/usr/bin/env bash
# Compiles streams/naming_ndpi.c against the declarations of newer versions of nDPI, whose signatures differ from the installed one's.
set -euo pipefail
cd "$(dirname "$0")/.."

passed=0
failed=0
for version in 4.12 5.0; do
    if ${CC:-cc} -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only -I. "-Itests/ndpi/$version" streams/naming_ndpi.c; then
        passed=$((passed + 1))
    else
        echo "FAIL ndpi: naming_ndpi.c does not compile against nDPI $version"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
