#!/usr/bin/env bash
# Feeds readers with damaged input under libFuzzer and the address and undefined-behaviour sanitizers (Clang):
#
#   scripts/fuzz.sh [RUNS [TARGET ...]]     1000000 inputs of each target; `all` or none: every target
#
# Installs what is missing and builds what it needs in build/fuzz. Stops at the first input that a reader does not answer in ten seconds and 2 GiB
# with a documented error, and says where it lies.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
runs=${1:-1000000}
[ $# -gt 0 ] && shift
targets=("$@")
if [ ${#targets[@]} -eq 0 ] || [ "${targets[0]}" = all ]; then
  targets=(model spec checkpoint csv npy npz idx cifar uci config words onnx gzip schema)
fi

cd "$root"
scripts/setup.sh build check fuzz
cmake --preset fuzz --log-level=NOTICE -Wno-dev
cmake --build --preset fuzz --target scalemix_fuzz

export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
for target in "${targets[@]}"; do
  corpus=build/fuzz/corpus/$target
  mkdir -p "$corpus"
  echo "fuzz: $target"
  SCALEMIX_FUZZ=$target SCALEMIX_FUZZ_CORPUS=$corpus build/fuzz/scalemix_fuzz -runs=0 "$corpus" >/dev/null 2>&1
  SCALEMIX_FUZZ=$target OMP_NUM_THREADS=1 build/fuzz/scalemix_fuzz -runs="$runs" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
    -artifact_prefix="build/fuzz/$target-" -verbosity=0 -print_final_stats=1 "$corpus"
done
