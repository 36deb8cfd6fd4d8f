#!/usr/bin/env bash
# Configures build/<preset> with everything the set-up provides:  tools/setup/configure.sh [preset]
# BHROUTE_LLAMA_DIR in the environment names an installed llama.cpp to use instead of the pinned one;
# BHROUTE_WERROR=ON makes any warning an error.
set -euo pipefail
setup=$(cd "$(dirname "$0")" && pwd)
cd "$setup/../.."
preset=${1:-release}

python=$("$setup/venv.sh")
llama=${BHROUTE_LLAMA_DIR:-}
[ -n "$llama" ] || llama=$(BHROUTE_PYTHON=$python "$setup/llama_cpp.sh")
plotly=$("$python" -c 'import plotly; print(plotly.__path__[0])')/package_data/plotly.min.js

mkdir -p build
log=build/configure-$preset.log
cmake --preset "$preset" -DBHROUTE_LLAMA_DIR="$llama" -DBHROUTE_PLOTLY_JS="$plotly" -DBHROUTE_WERROR="${BHROUTE_WERROR:-OFF}" > "$log" 2>&1 ||
  { cat "$log" >&2; echo "configure: cmake failed for the preset $preset" >&2; exit 1; }
