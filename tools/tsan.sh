#!/usr/bin/env bash
# The plugin's tests under ThreadSanitizer:  tools/tsan.sh [JOBS]
# The engine is built with it too, and without OpenMP: the sanitizer does not see libgomp's barriers, nor the atomics of code
# built without it, and would take every hand-over between ggml's threads for a race. So nothing has to be suppressed.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$(tools/setup/venv.sh)
flags="-DGGML_OPENMP=OFF -DGGML_SANITIZE_THREAD=ON -DLLAMA_SANITIZE_THREAD=ON"
BHROUTE_LLAMA_DIR=$(BHROUTE_PYTHON=$python BHROUTE_LLAMA_FLAGS=$flags tools/setup/llama_cpp.sh)
export BHROUTE_LLAMA_DIR
tools/setup/configure.sh tsan
cmake --build --preset tsan -j "${1:-$(nproc)}" --target test_ggml
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
tools/test.sh tsan -L "^ggml$" -E "^ggml\\."
