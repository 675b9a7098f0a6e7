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
compare "$scratch" "${cases[@]}"
