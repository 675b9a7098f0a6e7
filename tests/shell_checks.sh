# shellcheck shell=bash
# What the shell tests share: running the program, checking what it said, counting. Sourced.
#
#   try ARGUMENTS...          runs the program in $scratch; sets status, out and err
#   expect_status N           and so on: each notes a complaint about the present test
#   ends NAME                 ends the present test: counts it, prints its complaints
#   finish                    prints the last line and exits

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
wirescribe=$(realpath "${WIRESCRIBE:-$tests/../build/wirescribe}")
export ASAN_OPTIONS=exitcode=99:${ASAN_OPTIONS-}
export NO_COLOR=1

scratch=$(mktemp -d)
passed=0
failed=0
skipped=0
complaints=()
status=0
out=
err=

clean_up()
{
    if mountpoint -q "$scratch/small" 2> /dev/null; then
        umount "$scratch/small" || true
    fi
    rm -rf "$scratch"
}
trap clean_up EXIT
cd "$scratch" || exit 1

# Runs the program; its stdin is this function's.
try()
{
    status=0
    timeout -k 5 120 "$wirescribe" "$@" > stdout.text 2> stderr.text || status=$?
    out=$(tr -d '\0' < stdout.text)
    err=$(tr -d '\0' < stderr.text)
    if [ "$status" -gt 2 ] || [[ $err == *Sanitizer* ]] || [[ $err == *'runtime error:'* ]]; then
        complaints+=("wirescribe $*: status $status: $err")
    fi
}

complain()
{
    complaints+=("$1")
}

expect_status()
{
    [ "$status" = "$1" ] || complain "exit status $status instead of $1; it said: $err"
}

# expect_message TEXT: on stderr, in a line of the program's own
expect_message()
{
    grep -F -- "$1" <<< "$err" | grep -q '^wirescribe: ' || complain "no message has '$1'; it said: $err"
}

expect_silence()
{
    [ -z "$err" ] || complain "it should say nothing, but said: $err"
}

expect_output()
{
    [ "$out" = "$1" ] || complain "stdout is '$out' instead of '$1'"
}

expect_no_file()
{
    [ ! -e "$1" ] || complain "$1 was left behind"
}

# Nothing but the named files in a folder: expect_only FOLDER [FILE...]
expect_only()
{
    local folder=$1 found

    shift
    found=$(ls -A "$folder")
    [ "$found" = "$(printf '%s\n' "$@")" ] || complain "$folder holds '$found' instead of '$*'"
}

# expect_sql DATABASE SQL ANSWER: rows as tab-separated lines without the header
expect_sql()
{
    local answer

    answer=$("$wirescribe" sql "$1" "$2" --format tsv 2>&1 | tail -n +2) || true
    [ "$answer" = "$3" ] || complain "$2: '$answer' instead of '$3'"
}

ends()
{
    local complaint

    if [ "${#complaints[@]}" = 0 ]; then
        passed=$((passed + 1))
        [ -z "${VERBOSE-}" ] || echo "passed: $1"
    else
        failed=$((failed + 1))
        echo "FAIL $1"
        for complaint in "${complaints[@]}"; do
            printf '    %s\n' "$complaint"
        done
    fi
    complaints=()
}

skips()
{
    skipped=$((skipped + 1))
    complaints=()
    echo "skipped: $1 ($2)"
}

finish()
{
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ] || exit 1
    exit 0
}
