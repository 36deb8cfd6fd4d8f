#!/usr/bin/env bash
# Runs the tests of build/<preset>:  tools/test.sh PRESET [ctest's arguments]
# BHROUTE_SEED_TABLES names a folder of the original system's pickles for the tests that read them.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
shift
BHROUTE_PYTHON=$(tools/setup/venv.sh)
export BHROUTE_PYTHON
exec ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$(nproc)" "$@"
