#!/usr/bin/env bash
# tools/load.py on the release build, the pinned llama.cpp and the embedded model:  tools/load.sh [MINUTES] [CLIENTS]
set -euo pipefail
cd "$(dirname "$0")/.."
llama=$(sed -n 's/^BHROUTE_LLAMA_DIR:[^=]*=//p' build/release/CMakeCache.txt)
mkdir -p out
python3 -B tools/load.py --bhroute build/release/bin/bhroute --programs "$llama/bin" -m models/olmoe-nano/olmoe-nano-q8_0.gguf \
    -f data/northanger.txt --minutes "${1:-30}" --clients "${2:-16}" --threads "$(nproc)" -o out/load.json
