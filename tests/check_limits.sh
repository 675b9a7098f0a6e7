#!/bin/bash
# Captures that try to exhaust the program (tests/floods.py): memory stays within --memory, the time goes with the number of
# packets and not with its square, what was given up is told, and what is not part of the flood is read as ever. Large files
# (tests/bench/make_load) pass through a pipe in no more memory than small ones, and come out with the digests they went in with.
# The last line is "N passed, N failed, N skipped". Environment: WIRESCRIBE, MAKE_LOAD (the programs).
set -uo pipefail
tests=$(cd "$(dirname "$0")" && pwd)
wirescribe=${WIRESCRIBE:-$tests/../build/wirescribe}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0
failed=0
skipped=0
make_load=${MAKE_LOAD:-$tests/../build/tests/bench/make_load}
memory_mb=112
is_sanitized=false
grep -q __asan_init "$wirescribe" 2> /dev/null && is_sanitized=true

check() # check WHAT COMMAND...
{
    local what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $what: $*"
    fi
}

ask() { "$wirescribe" sql "$scratch/out.db" "$1" --format csv | tail -n 1 | tr -d '\r'; }

# run CAPTURE: reads it ('-': standard input), sets $milliseconds (of processor time) and $peak_kb
run()
{
    rm -f "$scratch/out.db"
    python3 -c "
import resource, subprocess, sys
program, capture, database, memory = sys.argv[1:]
status = subprocess.run([program, 'read', '-q', '--threads', '1', '--memory', memory + 'M', capture, '-o', database]).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(status, int((used.ru_utime + used.ru_stime) * 1000), used.ru_maxrss)" "$wirescribe" "$1" "$scratch/out.db" "$memory_mb" > "$scratch/cost"
    read -r status milliseconds peak_kb < "$scratch/cost"
}

# flood KIND COUNT [MEGABYTES]: reads half of it and the whole
flood()
{
    local kind=$1 count=$2 half

    memory_mb=${3:-112}
    python3 "$tests/floods.py" "$kind" $((count / 2)) "$scratch/half.pcap"
    python3 "$tests/floods.py" "$kind" "$count" "$scratch/whole.pcap"
    run "$scratch/half.pcap"
    half=$milliseconds
    run "$scratch/whole.pcap"
    check "$kind: exit status" [ "$status" = 0 ]
    check "$kind: time for half: $half ms, for the whole" [ "$milliseconds" -le $((half * 3 + 300)) ]
    if $is_sanitized; then
        skipped=$((skipped + 1))
    else
        check "$kind: KB in use at the most, of $memory_mb MB" [ "$peak_kb" -le $((memory_mb * 1024)) ]
    fi
    rm -f "$scratch"/*.pcap
}

flood half-open 300000
check 'half-open: one row for each' [ "$(ask "SELECT count(*) FROM flows WHERE state = 'S0'")" = 300000 ]
check 'half-open: what was given up is counted' [ "$(ask "SELECT count(*) FROM anomalies WHERE name = 'flows_given_up' AND packets > 0")" = 1 ]

flood holes 200000
check 'holes: every byte that is there, and every one that is not' \
    [ "$(ask "SELECT client_bytes || ' ' || client_missing FROM flows")" = '200000 200000' ]

flood fragments 100000
check 'fragments: all are counted' [ "$(ask "SELECT packets FROM anomalies WHERE name = 'fragments_incomplete'")" = 100000 ]

# much of the memory serves first half-open connections, then what is said on them
flood sessions 90000 144
check 'sessions: each has its client' [ "$(ask "SELECT count(DISTINCT helo) FROM smtp_sessions")" = 90000 ]

flood resets 60000
check 'resets: the stream is whole and nothing else' [ "$(ask "SELECT client_bytes || ' ' || client_missing || ' ' || state FROM flows")" = '60000 0 S1' ]

flood overlaps 60000
check 'overlaps: told once' [ "$(ask "SELECT count(*) FROM findings WHERE name = 'tcp_overlap_differs'")" = 1 ]

# transfer SCENE SMALL LARGE: reads so many megabytes of it from a pipe
transfer()
{
    local scene=$1 small=$2 large=$3 small_kb digest size name

    if [ ! -x "$make_load" ]; then
        skipped=$((skipped + 3))
        return
    fi
    run - < <("$make_load" -o - --scene "$scene" --megabytes "$small" 2> /dev/null)
    small_kb=$peak_kb
    run - < <("$make_load" -o - --scene "$scene" --megabytes "$large" --files "$scratch/files" 2> /dev/null)
    check "$scene: exit status" [ "$status" = 0 ]
    read -r digest size name < "$scratch/files"
    check "$scene: the row of $name" [ "$(ask "SELECT sha256 || ' ' || size || ' ' || complete FROM files WHERE name = '$name'")" = "$digest $size 1" ]
    if $is_sanitized; then
        skipped=$((skipped + 1))
    else
        check "$scene: $large MB take $peak_kb KB at the most, $small MB $small_kb" [ "$peak_kb" -le $((small_kb + 6144)) ]
    fi
}

transfer mail 4 40
transfer ftp 4 100

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
