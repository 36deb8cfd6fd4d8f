#!/usr/bin/env bash
# Installs the Python package of ROOT into FOLDER as a person does:  install_package.sh ROOT FOLDER
# The build's own folder stays beside it, so a second run compiles what has changed.
set -euo pipefail
root=$1 folder=$2
python=$("$root/tools/setup/python_venv.sh")
export PATH=${python%/*}:$PATH CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}
rm -rf "$folder"
"$python" -m pip install --disable-pip-version-check --no-build-isolation --no-deps --no-index --target "$folder" \
    --config-settings=build-dir="$folder-build" "$root"
"$python" -c "import sys; sys.path.insert(0, '$folder'); import bhroute; print('bhroute', bhroute.__version__)"
