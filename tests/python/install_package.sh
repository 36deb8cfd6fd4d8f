#!/usr/bin/env bash
# Installs the Python package of ROOT into FOLDER as a person does:  install_package.sh ROOT FOLDER [SANITIZERS]
# The build's own folder stays beside it, so a second run compiles what has changed.
# BHROUTE_PRELOAD: variables for a Python that is to load a sanitized module.
set -euo pipefail
root=$1 folder=$2 sanitizers=${3:-}
python=$("$root/tools/setup/python_venv.sh")
export PATH=${python%/*}:$PATH CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}
settings=("--config-settings=build-dir=$folder-build")
if [ -n "$sanitizers" ]; then
  settings+=("--config-settings=cmake.define.BHROUTE_SANITIZE=$sanitizers" --config-settings=cmake.build-type=RelWithDebInfo
             --config-settings=install.strip=false)
fi
rm -rf "$folder"
"$python" -m pip install --disable-pip-version-check --no-build-isolation --no-deps --no-index --target "$folder" "${settings[@]}" "$root"
if [[ $sanitizers == *address* ]] && ! readelf -d "$folder"/bhroute/_core*.so | grep -q libasan; then
  echo "python-package: _core is not sanitized, want -fsanitize=$sanitizers" >&2
  exit 1
fi
# shellcheck disable=SC2086  # NAME=VALUE words
env ${BHROUTE_PRELOAD:-} "$python" -c "import sys; sys.path.insert(0, '$folder'); import bhroute; print('bhroute', bhroute.__version__)"
