#!/usr/bin/env bash
# Builds the fuzz targets with clang and libFuzzer and runs them all at once, SECONDS long (60):  tools/fuzz.sh [SECONDS]
# What is found lands in out/fuzz/findings, the grown corpora in out/fuzz/corpus. Exit code 1 if anything was found.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
case $seconds in *[!0-9]* | '') echo "fuzz: not a number of seconds, got $seconds" >&2; exit 2 ;; esac
export ASAN_OPTIONS=quarantine_size_mb=64

python=$(tools/setup/venv.sh)
plotly=$("$python" -c 'import plotly; print(plotly.__path__[0])')/package_data/plotly.min.js
mkdir -p build out/fuzz/findings
cmake --preset fuzz -DBHROUTE_PLOTLY_JS="$plotly" > build/configure-fuzz.log 2>&1 || { cat build/configure-fuzz.log >&2; exit 1; }
cmake --build --preset fuzz -j "${JOBS:-$(nproc)}"

for folder in tests/fuzz/corpus/*/; do
  name=$(basename "$folder")
  mkdir -p "out/fuzz/corpus/$name"
  "build/fuzz/bin/fuzz_$name" "out/fuzz/corpus/$name" "$folder" -max_total_time="$seconds" -max_len=65536 \
      -dict=tests/fuzz/dictionary.txt -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="out/fuzz/findings/$name-" > "out/fuzz/$name.log" 2>&1 &
done
wait

found=0
for folder in tests/fuzz/corpus/*/; do
  name=$(basename "$folder")
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "out/fuzz/$name.log")
  findings=$(find out/fuzz/findings -name "$name-*" | wc -l)
  found=$((found + findings))
  [ -n "$executions" ] || found=$((found + 1))  # it did not even start
  printf '%-10s %12s executions, %s findings\n' "$name" "${executions:-no}" "$findings"
done
[ "$found" -eq 0 ] || { echo "fuzz: the inputs are in out/fuzz/findings, what each does at the end of out/fuzz/NAME.log" >&2; exit 1; }
