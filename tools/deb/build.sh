#!/usr/bin/env bash
# Builds the Debian package, for any CPU of this kind: out/bhroute_VERSION_ARCHITECTURE.deb. Prints its path (last line of stdout).
# BHROUTE_LLAMA_DIR names a llama.cpp to pack in place of the pinned one, which is built anew without -march=native (once).
set -euo pipefail
cd "$(dirname "$0")/../.."
BHROUTE_PYTHON=$(tools/setup/venv.sh)
export BHROUTE_PYTHON
BHROUTE_LLAMA_DIR=${BHROUTE_LLAMA_DIR:-$(BHROUTE_LLAMA_FLAGS=-DGGML_NATIVE=OFF tools/setup/llama_cpp.sh)}
export BHROUTE_LLAMA_DIR

tools/setup/configure.sh deb
cmake --build --preset deb -j "${JOBS:-$(nproc)}" >&2
rm -f build/deb/bhroute_*.deb out/bhroute_*.deb
(cd build/deb && cpack -G DEB) >&2
mkdir -p out
cp build/deb/bhroute_*.deb out/
ls out/bhroute_*.deb
