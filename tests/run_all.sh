#!/bin/bash
# Runs all tests of `make check` and adds up what they say.
#
# Each part ends with a line "N passed, N failed, N skipped"; one that ends without it has crashed and
# counts as one failure. So does this script: its last line is the sum. Exit status 1 if any failed.
# Environment: WIRESCRIBE (the program), UNIT_TESTS (the unit tests' program), JOBS (2), TEST_SAMPLE: where it is a number N
# above 1, of what is done for very many inputs (cuts of a case, packets of each case) only every Nth is done.
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
kept=$(mktemp)
process_behind=
trap '[ -z "$process_behind" ] || kill "$process_behind" 2> /dev/null; rm -f "$output" "$kept" "$kept.status"' EXIT

# part NAME COMMAND...: runs it and counts what it says
part()
{
    local name=$1 status=0 started=$SECONDS

    shift
    printf '\n---- %s\n' "$name"
    set +e
    "$@" < /dev/null 2>&1 | tee "$output"
    status=${PIPESTATUS[0]}
    set -e
    count_part "$name" "$status" $((SECONDS - started))
}

# behind COMMAND...: runs it beside the parts that follow, with its output kept; counted by part_behind NAME
behind()
{
    local status=0 started=$SECONDS

    "$@" < /dev/null > "$kept" 2>&1 || status=$?
    echo "$status $((SECONDS - started))" > "$kept.status"
}

part_behind()
{
    local status seconds

    printf '\n---- %s\n' "$1"
    wait "$process_behind" || true
    tee "$output" < "$kept"
    read -r status seconds < "$kept.status"
    count_part "$1" "$status" "$seconds"
}

# count_part NAME STATUS SECONDS
count_part()
{
    local name=$1 status=$2 last

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
    printf '(%d s)\n' "$3"
}

part 'house rules' "$tests/check_includes.sh"
part 'newer nDPI' "$tests/check_ndpi.sh"
part 'unit tests' "$unit_tests"
part 'fuzz finds' "$tests/check_finds.sh"
# the longest, beside the others
behind python3 "$tests/run_cases.py" --jobs "${JOBS:-2}" &
process_behind=$!
part 'bad input' "$tests/check_bad_input.sh"
part 'limits' "$tests/check_limits.sh"
part 'packets of flows' "$tests/check_pcap.sh"
part 'files' "$tests/check_files.sh"
part 'commands' "$tests/check_commands.sh"
part 'guesses about SSH sessions' python3 "$tests/ssh_confusion.py" "$tests"/ssh/sessions-*
part 'rules of WebSocket' python3 "$tests/record/websocket_rules.py" --out "$tests" --check
part 'second opinion: tshark' "$tests/check_tshark.sh"
part 'opened with keys, and in plaintext' python3 "$tests/check_opened.py" --jobs "${JOBS:-2}"
part 'third opinion: Zeek' "$tests/check_zeek.sh"
part 'published JA4' python3 "$tests/check_ja4.py"
part 'corpus' "$tests/check_corpus.sh"
part_behind 'recorded cases'
process_behind=

printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
