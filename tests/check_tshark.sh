#!/bin/bash
# A second opinion on the recorded cases: what tshark reads in them must agree with what wirescribe reads, or the
# difference must be explained in compare_tshark.explanations. Each case is one test. Cases with damage (gaps, one side only,
# hostile) are left out: there tshark guesses in its own way, and its opinion proves nothing.
#
# Where TEST_SAMPLE is a number N above 1, every Nth case: the rows are those of any other build.
# Environment: PLAINTEXT_WIRESCRIBE (the program that also tells what it opened of TLS), WIRESCRIBE, JOBS (2).
set -euo pipefail
tests=$(cd "$(dirname "$0")" && pwd)
wirescribe=${PLAINTEXT_WIRESCRIBE:-${WIRESCRIBE:-$tests/../build/wirescribe}}

cases=()
place=0
for capture in "$tests"/*/*/capture.pcap*; do
    if grep -qs '^Origin: recorded from' "$(dirname "$capture")/README.md"; then
        place=$((place + 1))
        [ $((place % ${TEST_SAMPLE:-1})) != 0 ] || cases+=("$capture")
    fi
done
if ! command -v tshark > /dev/null 2>&1; then
    echo 'tshark is not installed'
    echo "0 passed, 0 failed, ${#cases[@]} skipped"
    exit 0
fi

exec python3 -B "$tests/compare_tshark.py" --wirescribe "$wirescribe" --explanations "$tests/compare_tshark.explanations" \
    --jobs "${JOBS:-2}" --tests "${cases[@]}"
