#!/bin/bash
# Runs all tests of `make check` and adds up what they say.
#
# Each part ends with a line "N passed, N failed, N skipped"; one that ends without it has crashed and
# counts as one failure. So does this script: its last line is the sum. Exit status 1 if any failed.
# Environment: WIRESCRIBE (the program), UNIT_TESTS (the unit tests' program), JOBS (2).
set -euo pipefail
tests=$(cd "$(dirname "$0")" && pwd)
export WIRESCRIBE=${WIRESCRIBE:-$tests/../build/wirescribe}
unit_tests=${UNIT_TESTS:-$tests/../build/tests/unit/unit_tests}
# a read behind the end or a leak must not look like one of the program's own exit statuses
export ASAN_OPTIONS=exitcode=99:${ASAN_OPTIONS-}
export UBSAN_OPTIONS=print_stacktrace=1:${UBSAN_OPTIONS-}

if [ ! -x "$WIRESCRIBE" ]; then
    echo "run_all.sh: there is no program at $WIRESCRIBE: build first, or set WIRESCRIBE" >&2
    exit 1
fi

passed=0
failed=0
skipped=0
output=$(mktemp)
trap 'rm -f "$output"' EXIT

# part NAME COMMAND...
part()
{
    local name=$1 last status=0 started=$SECONDS

    shift
    printf '\n---- %s\n' "$name"
    set +e
    "$@" < /dev/null 2>&1 | tee "$output"
    status=${PIPESTATUS[0]}
    set -e
    last=$(tail -n 1 "$output")
    if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
        passed=$((passed + BASH_REMATCH[1]))
        failed=$((failed + BASH_REMATCH[2]))
        skipped=$((skipped + BASH_REMATCH[3]))
        if [ "$status" != 0 ] && [ "${BASH_REMATCH[2]}" = 0 ]; then
            echo "FAIL $name: exit status $status"
            failed=$((failed + 1))
        fi
    else
        echo "FAIL $name: ended with status $status and without its last line"
        failed=$((failed + 1))
    fi
    printf '(%d s)\n' $((SECONDS - started))
}

part 'house rules' "$tests/check_includes.sh"
part 'newer nDPI' "$tests/check_ndpi.sh"
part 'unit tests' "$unit_tests"
part 'fuzz finds' "$tests/check_finds.sh"
part 'bad input' "$tests/check_bad_input.sh"
part 'limits' "$tests/check_limits.sh"
part 'packets of flows' "$tests/check_pcap.sh"
part 'files' "$tests/check_files.sh"
part 'commands' "$tests/check_commands.sh"
part 'recorded cases' python3 "$tests/run_cases.py" --jobs "${JOBS:-2}"
part 'second opinion: tshark' "$tests/check_tshark.sh"
part 'third opinion: Zeek' "$tests/check_zeek.sh"
part 'corpus' "$tests/check_corpus.sh"

printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
