#!/bin/bash
# Records every case afresh from real servers and clients, reads the captures with wirescribe and
# compares with what the servers' own logs said. Needs root and the packages that
# tests/record/install.sh installs.
#
#   check-servers.sh [CASE...]               CASE: smtp/starttls, or a whole protocol: smtp
#   check-servers.sh --recorded [CASE...]    the captures of the tree, nothing is recorded
#
# WIRESCRIBE names the program (default ./wirescribe). One line a case, the last one counts.
# Exit status 0, 1 for a difference, 77 where this machine cannot record.
set -euo pipefail

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
wirescribe=$(readlink -f "${WIRESCRIBE:-./wirescribe}")
if [ ! -x "$wirescribe" ]; then
    echo "check-servers: no program at ${WIRESCRIBE:-./wirescribe}; build it or set WIRESCRIBE" >&2
    exit 1
fi

compare() {
    /usr/bin/python3 "$tests/record/compare.py" --wirescribe "$wirescribe" "$@"
}

if [ "${1-}" = --recorded ]; then
    shift
    compare "$tests" "$@"
    exit
fi

if [ "$(id -u)" -ne 0 ]; then
    echo "check-servers: recording in network namespaces needs root" >&2
    exit 77
fi
if ! "$tests/record/install.sh" --check >&2; then
    echo "check-servers: run tests/record/install.sh first" >&2
    exit 77
fi

scratch=$(mktemp -d "${TMPDIR:-/tmp}/wirescribe-servers.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mapfile -t cases < <("$tests/record/record.sh" --list "$@")
[ "${#cases[@]}" -gt 0 ] || exit 2
# A case that could not be recorded fails in the comparison.
"$tests/record/record.sh" --out "$scratch" "$@" >&2 || true
status=0
compare "$scratch" "${cases[@]}" | tee "$scratch/compared" || status=1

# A small batch of SSH sessions, whose contents are guessed: one mistake among so few weighs 7 to 15 %, so that two are forgiven.
# Its four questions are counted with the cases.
if [[ " ${cases[*]} " == *" ssh/"* ]]; then
    if "$tests/record/ssh_sessions.sh" --out "$scratch/sessions" --seed "${RECORD_SEED:-$RANDOM}" --sessions 14 --largest 20000 >&2; then
        python3 "$tests/ssh_confusion.py" --wirescribe "$wirescribe" --least-right 90 --least-answered 60 --forgive 2 --errors "$scratch/sessions" |
            tee "$scratch/examined" || status=1
    else
        echo 'FAIL ssh sessions: they were not recorded'
        echo '0 passed, 1 failed, 0 skipped' >"$scratch/examined"
        status=1
    fi
    cat "$scratch/compared" "$scratch/examined" | awk '/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { passed += $1; failed += $3; skipped += $5 }
        END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped }'
fi
exit "$status"
