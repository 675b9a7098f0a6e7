#!/bin/bash
# A second opinion on the recorded cases: what tshark reads in them must agree with what wirescribe reads, or the
# difference must be explained in compare_tshark.explanations. Each case is one test. Cases with damage (gaps, one side only,
# hostile) are left out: there tshark guesses in its own way, and its opinion proves nothing.
set -euo pipefail
tests=$(cd "$(dirname "$0")" && pwd)
wirescribe=${WIRESCRIBE:-$tests/../build/wirescribe}

cases=()
for capture in "$tests"/*/*/capture.pcap*; do
    if grep -qs '^Origin: recorded from' "$(dirname "$capture")/README.md"; then
        cases+=("$capture")
    fi
done
if ! command -v tshark > /dev/null 2>&1; then
    echo 'tshark is not installed'
    echo "0 passed, 0 failed, ${#cases[@]} skipped"
    exit 0
fi

passed=0
failed=0
for capture in "${cases[@]}"; do
    name=${capture#"$tests"/}
    if found=$(python3 -B "$tests/compare_tshark.py" --wirescribe "$wirescribe" --jobs 2 --explanations "$tests/compare_tshark.explanations" "$capture" 2>&1); then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAIL tshark: %s\n%s\n' "$name" "$found"
    fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
