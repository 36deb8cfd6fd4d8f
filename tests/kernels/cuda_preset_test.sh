#!/usr/bin/env bash
# What the preset `cuda` builds, without a GPU: the kernels for the oldest and the newest architecture (9.0 compiles the
# same lines as 10.0); then its tests, of which those that need a GPU skip. Of BHROUTE_SOURCE_DIR, in
# BHROUTE_BUILD_DIR/cuda-preset, which stays for the next run.
set -euo pipefail
command -v nvcc > /dev/null || { echo "SKIPPED: no nvcc here"; exit 77; }
nvcc --list-gpu-arch | grep -q compute_100 || { echo "SKIPPED: this nvcc does not know sm_100"; exit 77; }
folder=$BHROUTE_BUILD_DIR/cuda-preset
cmake -S "$BHROUTE_SOURCE_DIR" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release -DBHROUTE_CUDA=ON -DBHROUTE_LLAMA=OFF \
  -DCMAKE_CUDA_ARCHITECTURES="80;100" -DBHROUTE_PLOTLY_JS="$BHROUTE_PLOTLY_JS" > "$folder.log" 2>&1 || { cat "$folder.log"; exit 1; }
cmake --build "$folder" -j "${BHROUTE_JOBS:-$(nproc)}" --target test_kernels_cuda test_kernels_cuda_on_the_host router_cuda_bench
for architecture in 80 100; do
  grep -q "sm_$architecture\b" "$folder/compile_commands.json" || { echo "cuda preset: nothing compiled for sm_$architecture"; exit 1; }
done
ctest --test-dir "$folder" --output-on-failure --no-tests=error -L kernels_cuda
