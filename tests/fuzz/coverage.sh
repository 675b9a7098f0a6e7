#!/bin/bash
# Which lines the corpora of `make fuzz` reach, for each folder: coverage.sh, in the folder where make fuzz was run (or FUZZ_CORPUS).
# Builds once more, by clang with coverage, in fuzz/coverage.
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
corpora=$(realpath "${FUZZ_CORPUS:-fuzz/corpus}")
mkdir -p fuzz/coverage
cd fuzz/coverage
if [ ! -f Makefile ]; then
    "$source/configure" --quiet CC=clang CFLAGS='-O1 -g -fprofile-instr-generate -fcoverage-mapping' > configure.log 2>&1
fi
make -s -j2 tests/fuzz/replay > build.log 2>&1
python3 -B "$source/tests/fuzz/make_seeds.py" seeds
rm -f ./*.profraw
for target in capture decode fragments ftp http2 rdp reassembly smtp ssh tls websocket; do
    for inputs in "seeds/$target" "$corpora/$target" "$source/tests/fuzz/finds/$target"; do
        [ -d "$inputs" ] || continue
        LLVM_PROFILE_FILE="$target-%p.profraw" tests/fuzz/replay "$target" "$inputs" > /dev/null 2>&1
    done
done
profdata=$(command -v llvm-profdata || command -v llvm-profdata-14)
cov=$(command -v llvm-cov || command -v llvm-cov-14)
"$profdata" merge -sparse ./*.profraw -o all.profdata
for folder in base capture streams dissectors; do
    "$cov" report tests/fuzz/replay -instr-profile=all.profdata "$source/$folder" 2> /dev/null |
        awk -v folder="$folder" '$1 == "TOTAL" { printf "%-11s %s of %s lines, %s\n", folder, $8 - $9, $8, $10 }'
done
