#!/bin/bash
# Builds a load capture out of the recorded sessions of sessions.list, and times wirescribe and its peers on it; then one
# large FTP transfer, one large mail and many mails (transfers.py), and WebSocket messages, TLS records and handshakes (protocols.py).
#
#   bench.sh [--long]        --long: once more with a load ten times as long
#
# Environment:
#   WIRESCRIBE               the program to measure (default: ./wirescribe)
#   MAKE_LOAD                the load maker (default: ./tests/bench/make_load, else built with ${CC:-cc})
#   BENCH_DIR                keeps the loads between runs (default: ${TMPDIR:-/tmp}/wirescribe-bench)
#   BENCH_TESTS              the folder of the cases (default: the one above this script)
#   BENCH_SESSIONS           the list of cases to multiply (default: sessions.list beside this script)
#   BENCH_MEGABYTES          size of the load (default: 500)
#   BENCH_ROUNDS             times each program runs (default: 5); BENCH_LONG_ROUNDS on the long load (default: 1)
#   BENCH_TCPFLOW=0, BENCH_TSHARK=0, BENCH_NDPIREADER=0
#                            leave that peer out
#   BENCH_MAX_WALL_RATIO     most wall time, as a multiple of tcpdump's (default: 3)
#   BENCH_MAX_CPU_RATIO      most CPU time, as a multiple of ndpiReader's (default: 1.5)
#   BENCH_MAX_RSS_MB         most memory (default: 200)
#   BENCH_TRANSFER_ROUNDS    times each transfer, and each load of one protocol, is read (default: 3)
#   BENCH_MIN_FTP_MBS, BENCH_MIN_MAIL_MBS, BENCH_MIN_MAILS_MBS
#                            least speed of the worker on them (default: 1000, 300, and 200 for many mails), where there are
#                            SHA instructions
#   BENCH_MAX_HANDSHAKE_US   most time of the worker for a TLS session without keys (default: 50)
#   BENCH_MAX_GROWTH_MB      most memory that a large transfer takes above a small one (default: 8)
#
# Exit status: 0 within the limits, 1 a limit is exceeded or a program failed, 2 cannot be run.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
wirescribe=${WIRESCRIBE:-./wirescribe}
directory=${BENCH_DIR:-${TMPDIR:-/tmp}/wirescribe-bench}
tests=${BENCH_TESTS:-$(dirname "$here")}
sessions=${BENCH_SESSIONS:-$here/sessions.list}
megabytes=${BENCH_MEGABYTES:-500}
with_long_load=no

give_up() {
    echo "bench: $1" >&2
    exit 2
}

case ${1:-} in
    '') ;;
    --long) with_long_load=yes ;;
    *) give_up "unknown option '$1'" ;;
esac

[ -x "$wirescribe" ] || give_up "$wirescribe cannot be run; build it, or set WIRESCRIBE"
command -v tcpdump >/dev/null || give_up "tcpdump is not installed"
mkdir -p "$directory"

load_maker() {
    local maker=${MAKE_LOAD:-./tests/bench/make_load}
    if [ ! -x "$maker" ]; then
        [ -z "${MAKE_LOAD:-}" ] || give_up "$MAKE_LOAD cannot be run"
        maker=$directory/make_load
        "${CC:-cc}" -std=c11 -O2 -o "$maker" "$here"/make_load.c "$here"/load_*.c -lssl -lcrypto -lz
    fi
    echo "$maker"
}

captures=()
while read -r name; do
    case $name in '' | '#'*) continue ;; esac
    capture=$tests/$name/capture.pcap
    [ -r "$capture" ] || give_up "$sessions names $name, but there is no $capture"
    captures+=("$capture")
done <"$sessions"
[ ${#captures[@]} -gt 0 ] || give_up "$sessions names no cases"

maker=$(load_maker)
sources=$(cat "$here"/make_load.c "$here"/load.h "$here"/load_*.c "${captures[@]}" | sha256sum | cut -c1-16)

# Makes the load of so many megabytes, or finds it made already, and measures on it with so many rounds.
measure() {
    local load=$directory/load-$1-$sources.pcap
    if [ ! -s "$load" ] || [ ! -s "$load.txt" ]; then
        rm -f "$directory"/load-"$1"-*.pcap "$directory"/load-"$1"-*.txt
        "$maker" -o "$directory/load.part" --megabytes "$1" "${captures[@]}" 2>"$load.txt" ||
            give_up "$(cat "$load.txt")"
        mv "$directory/load.part" "$load"
    fi
    python3 "$here/measure.py" --wirescribe "$wirescribe" --load "$load" --directory "$directory" --rounds "$2" "${@:3}"
}

status=0
measure "$megabytes" "${BENCH_ROUNDS:-5}" || status=$?
if [ $with_long_load = yes ]; then
    echo
    measure "$((megabytes * 10))" "${BENCH_LONG_ROUNDS:-1}" --without tcpflow,tshark || status=$?
fi
echo
python3 "$here/transfers.py" --wirescribe "$wirescribe" --make-load "$maker" --directory "$directory" --name "$sources" \
    --rounds "${BENCH_TRANSFER_ROUNDS:-3}" || status=$?
echo
python3 "$here/protocols.py" --wirescribe "$wirescribe" --make-load "$maker" --directory "$directory" --name "$sources" \
    --rounds "${BENCH_TRANSFER_ROUNDS:-3}" || status=$?
exit "$status"
