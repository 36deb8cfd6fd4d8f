#!/usr/bin/env bash
# Runs every benchmark of build/<preset>, one after the other:  tools/bench.sh [PRESET]
set -euo pipefail
cd "$(dirname "$0")/.."
shopt -s nullglob
benchmarks=("build/${1:-release}/bin/"*_bench)
[ ${#benchmarks[@]} -gt 0 ] || { echo "bench: no benchmark in build/${1:-release}/bin" >&2; exit 1; }
for benchmark in "${benchmarks[@]}"; do
  "$benchmark"
done
