#!/bin/bash
# Reads every capture of a folder of captures, whatever state they are in: the exit status must be 0 or 1 (what could be
# read is kept), within a time limit, without a crash or a sanitizer's report. Each capture is one test.
#
#   check_corpus.sh [FOLDER]     else $WIRESCRIBE_CORPUS, else ../shared/corpus beside the source tree
#
# Environment: WIRESCRIBE (the program), CORPUS_SECONDS (60; the limit for one capture), CORPUS_SAMPLE (1; N: every Nth capture).
set -euo pipefail
tests=$(cd "$(dirname "$0")" && pwd)
export wirescribe=${WIRESCRIBE:-$tests/../build/wirescribe}
folder=${1:-${WIRESCRIBE_CORPUS:-$tests/../../shared/corpus}}
export seconds=${CORPUS_SECONDS:-60}
export ASAN_OPTIONS=exitcode=99:${ASAN_OPTIONS-}

if [ ! -d "$folder" ]; then
    echo "there is no folder of captures: $folder"
    echo '0 passed, 0 failed, 1 skipped'
    exit 0
fi

scratch=$(mktemp -d)
export scratch
trap 'rm -rf "$scratch"' EXIT

# read_one CAPTURE: prints why it failed, or nothing but a dot's worth: "pass"
read_one()
{
    local capture=$1 status=0 name database messages

    name=$(basename "$capture")
    database=$(mktemp -u "$scratch/XXXXXXXXXX")
    messages=$database.messages
    timeout -k 5 "$seconds" "$wirescribe" read "$capture" -o "$database" -q > /dev/null 2> "$messages" < /dev/null || status=$?
    if [ "$status" = 124 ] || [ "$status" = 137 ]; then
        echo "FAIL corpus: $capture: not done after $seconds seconds"
    elif [ "$status" -gt 1 ] || grep -qE 'Sanitizer|runtime error:' "$messages"; then
        echo "FAIL corpus: $capture: status $status"
        head -n 40 "$messages"
    elif [ "$status" = 1 ] && [ ! -s "$messages" ]; then
        echo "FAIL corpus: $capture: status 1 without a message"
    elif [ "$status" = 0 ] && [ ! -s "$database" ]; then
        echo "FAIL corpus: $capture ($name): status 0 without a database"
    else
        echo pass
    fi
    rm -f "$database" "$database"*
}
export -f read_one

find -L "$folder" -type f \( -name '*.pcap' -o -name '*.pcapng' -o -name '*.cap' -o -name '*.dmp' -o -name '*.trace' -o -name '*.pcap.gz' \
    -o -name '*.pcapng.gz' -o -name '*.pcap.zst' \) -print0 | LC_ALL=C sort -z |
    sed -z -n "0~${CORPUS_SAMPLE:-1}p" |
    xargs -0 -r -n 1 -P "${JOBS:-2}" bash -c 'read_one "$1"' read_one > "$scratch/outcomes" || true

passed=$(grep -cx pass "$scratch/outcomes" || true)
failed=$(grep -c '^FAIL corpus' "$scratch/outcomes" || true)
grep -vx pass "$scratch/outcomes" || true
skipped=0
if [ $((passed + failed)) = 0 ]; then
    echo "no capture in $folder"
    skipped=1
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
