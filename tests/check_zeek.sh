#!/bin/bash
# A third opinion: what Zeek logged of captures must agree with what wirescribe reads in them, or the difference must be explained in
# compare_zeek.explanations. Each run of Zeek is one test.
#
#   check_zeek.sh [FOLDER]     else zeek-logs in $WIRESCRIBE_CORPUS, else in ../shared/corpus beside the source tree
#
# Environment: WIRESCRIBE (the program), JOBS (2).
set -euo pipefail
tests=$(cd "$(dirname "$0")" && pwd)
wirescribe=${WIRESCRIBE:-$tests/../build/wirescribe}
logs=${1:-${WIRESCRIBE_CORPUS:-$tests/../../shared/corpus}/zeek-logs}

if [ ! -d "$logs" ]; then
    echo "there is no folder of Zeek's logs: $logs"
    echo '0 passed, 0 failed, 1 skipped'
    exit 0
fi
exec python3 -B "$tests/compare_zeek.py" --wirescribe "$wirescribe" --explanations "$tests/compare_zeek.explanations" \
    --jobs "${JOBS:-2}" --tests "$logs"
