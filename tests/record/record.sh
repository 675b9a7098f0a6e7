#!/bin/bash
# Records test cases from real servers and clients, inside network namespaces (needs root).
#
#   record.sh [--out DIR] [CASE...]     CASE: smtp/starttls, or a whole protocol: smtp
#   record.sh --list [CASE...]          names the cases that this would record
#
# Each case becomes DIR/<protocol>/<case>/{capture.pcap,truth.json,README.md}; DIR is tests/
# unless --out is given. Derived cases (cut, reordered, hostile) are computed, not recorded.
set -euo pipefail

record_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$(dirname "$record_folder")
protocols=(smtp ssh http websocket http2 rdp ftp tls)

all_cases() {
    local protocol name
    for protocol in "${protocols[@]}"; do
        sed -n "s/^${protocol}_cases=(\(.*\))\$/\1/p" "$record_folder/$protocol.sh" | tr ' ' '\n' |
            sed "s|^|$protocol/|"
        /usr/bin/python3 "$record_folder/derive.py" --list "$protocol"
        /usr/bin/python3 "$record_folder/hostile.py" --list "$protocol"
    done
}

requested=()
only_list=
while [ $# -gt 0 ]; do
    case $1 in
        --out) out=$(mkdir -p "$2" && cd "$2" && pwd); shift ;;
        --list) only_list=yes ;;
        -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
        -*) echo "record.sh: unknown option $1" >&2; exit 2 ;;
        *) requested+=("$1") ;;
    esac
    shift
done
mapfile -t known < <(all_cases)
chosen=()
if [ "${#requested[@]}" -eq 0 ]; then
    chosen=("${known[@]}")
fi
for request in "${requested[@]}"; do
    count=${#chosen[@]}
    for name in "${known[@]}"; do
        if [ "$name" = "$request" ] || [ "${name%%/*}" = "$request" ]; then
            chosen+=("$name")
        fi
    done
    [ "${#chosen[@]}" -gt "$count" ] || { echo "record.sh: no such case: $request" >&2; exit 2; }
done

derived=" $(for protocol in "${protocols[@]}"; do
    /usr/bin/python3 "$record_folder/derive.py" --list "$protocol"
done | tr '\n' ' ') "

is_derived() {
    [[ $derived == *" $1 "* ]]
}

# A derived case needs the case that it is made from.
steps=()
for name in "${chosen[@]}"; do
    if is_derived "$name"; then
        base=$(/usr/bin/python3 "$record_folder/derive.py" --base "$name")
        [ -s "$out/$base/capture.pcap" ] || [[ " ${steps[*]} " == *" $base "* ]] || steps+=("$base")
    fi
    [[ " ${steps[*]} " == *" $name "* ]] || steps+=("$name")
done

if [ -n "$only_list" ]; then
    printf '%s\n' "${chosen[@]}"
    exit 0
fi
[ "$(id -u)" -eq 0 ] || { echo "record.sh: network namespaces need root" >&2; exit 1; }

# record_step CASE
record_step() {
    local name=$1 protocol=${1%%/*} case_name=${1#*/} step
    if is_derived "$name"; then
        step=(/usr/bin/python3 "$record_folder/derive.py" --out "$out" "$name")
    elif [ "$case_name" = hostile ]; then
        step=(/usr/bin/python3 "$record_folder/hostile.py" --out "$out" "$name")
    else
        step=(bash "$record_folder/case.sh" "$protocol" "$case_name" "$out/$protocol/$case_name")
    fi
    # On a busy machine a key may come before the window that it is meant for: one more attempt.
    if "${step[@]}" || { waits "$name" && echo "again    $name" >&2 && "${step[@]}"; }; then
        echo "recorded $name: $(cat "$out/$name"/capture.* | wc -c) bytes"
    else
        echo "FAILED   $name" >&2
        return 1
    fi
}

# Recorded sessions mostly wait - for a server, somebody who types, a screen, the last packet -, each in namespaces of its own: they are recorded
# side by side. What is computed comes after what it is made from.
waits() {
    [[ $1 != */hostile ]] && ! is_derived "$1"
}

# settle [ROOM]: waits until fewer than ROOM steps are left in the background, none without it; what failed is counted.
settle() {
    while [ "$running" -ge "${1-1}" ]; do
        wait -n || failed=$((failed + 1))
        running=$((running - 1))
    done
}

failed=0
running=0
trap 'mapfile -t pids < <(jobs -p); [ "${#pids[@]}" -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true' EXIT
for name in "${steps[@]}"; do
    if waits "$name"; then
        settle "${RECORD_JOBS:-6}"
        record_step "$name" &
        running=$((running + 1))
    else
        settle
        record_step "$name" || failed=$((failed + 1))
    fi
done
settle
[ "$failed" -eq 0 ]
