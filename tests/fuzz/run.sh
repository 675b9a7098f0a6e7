#!/bin/bash
# Fuzzes the targets with libFuzzer, under AddressSanitizer and UndefinedBehaviorSanitizer: run.sh SECONDS [TARGET...]
#
# Builds in fuzz/ of the present folder by clang; corpora grow in fuzz/corpus/TARGET (FUZZ_CORPUS), inputs that fail are kept in
# fuzz/finds/TARGET and named. One line a target; the last line is "N passed, N failed, N skipped".
# Environment: FUZZ_JOBS, how many targets run at a time (default: 1); FUZZ_CORPUS, a folder for the corpora.
set -uo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
seconds=${1:?usage: run.sh SECONDS [TARGET...]}
shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(decode fragments reassembly smtp ssh http websocket http2 rdp ftp tls capture)
jobs=${FUZZ_JOBS:-1}

if ! command -v clang > /dev/null; then
    echo "make fuzz needs clang with its libFuzzer: apt-get install clang" >&2
    echo "0 passed, 0 failed, ${#targets[@]} skipped"
    exit 0
fi

mkdir -p fuzz/build
cd fuzz || exit 1
folder=$(pwd)
corpora=${FUZZ_CORPUS:-$folder/corpus}
(
    cd build || exit 1
    if [ ! -f Makefile ]; then
        "$source/configure" --quiet CC=clang CFLAGS='-O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined' || exit 1
    fi
    make -s -j2 tests/fuzz/fuzz FUZZ_LDFLAGS='-fsanitize=fuzzer,address,undefined'
) > build.log 2>&1 || {
    tail -n 20 build.log >&2
    echo "make fuzz: the build failed; the whole of its output is in $folder/build.log" >&2
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
}
python3 "$source/tests/fuzz/make_seeds.py" seeds || exit 1

# fuzz TARGET: the outcome goes to log/TARGET.outcome
fuzz()
{
    local target=$1 status=0 dictionary=()

    mkdir -p "$corpora/$target" "finds/$target" log "seeds/$target"
    ln -sf build/tests/fuzz/fuzz "fuzz_$target"
    [ -f "$source/tests/fuzz/$target.dict" ] && dictionary=("-dict=$source/tests/fuzz/$target.dict")
    FUZZ_TARGET=$target ASAN_OPTIONS=detect_leaks=1 "./fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
        -print_final_stats=1 -artifact_prefix="finds/$target/" "${dictionary[@]}" "$corpora/$target" "seeds/$target" > "log/$target.log" 2>&1 || status=$?
    echo "$status" > "log/$target.outcome"
}

running=0
for target in "${targets[@]}"; do
    fuzz "$target" &
    running=$((running + 1))
    if [ "$running" -ge "$jobs" ]; then
        wait -n
        running=$((running - 1))
    fi
done
wait

passed=0
failed=0
for target in "${targets[@]}"; do
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "log/$target.log")
    rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "log/$target.log")
    fresh=$(sed -n 's/^stat::new_units_added: *//p' "log/$target.log")
    printf '%-11s %s executions, %s a second, %s new inputs\n' "$target" "${executions:-?}" "${rate:-?}" "${fresh:-?}"
    if [ "$(cat "log/$target.outcome")" = 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL fuzz $target: $(grep -m 1 -E 'ERROR|does not hold|runtime error' "log/$target.log")"
        echo "    input: $(ls -t "finds/$target"/* 2> /dev/null | head -n 1); the report: $folder/log/$target.log"
    fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
