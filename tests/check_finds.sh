#!/bin/bash
# Runs the fuzz targets over the seeds that the recorded cases give, and over what fuzzing once found (tests/fuzz/finds/TARGET/).
# The last line is "N passed, N failed, N skipped". Environment: FUZZ_REPLAY (the program tests/fuzz/replay).
set -uo pipefail
tests=$(cd "$(dirname "$0")" && pwd)
replay=$(realpath "${FUZZ_REPLAY:-$tests/../build/tests/fuzz/replay}")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0
failed=0

python3 -B "$tests/fuzz/make_seeds.py" "$scratch/seeds" || exit 1
for target in capture decode fragments ftp http http2 rdp reassembly smtp ssh tls websocket; do
    for inputs in "$scratch/seeds/$target" "$tests/fuzz/finds/$target"; do
        [ -d "$inputs" ] || continue
        if said=$("$replay" "$target" "$inputs" 2>&1); then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            echo "FAIL $target: $(tr '\r' '\n' <<< "$said" | tail -n 30)"
        fi
    done
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
