#!/usr/bin/env bash
# Runs one file of the package's tests:  run_tests.sh ROOT PACKAGE FILE. 77: everything in it was skipped, with reasons.
set -euo pipefail
root=$1 package=$2 file=$3
python=$("$root/tools/setup/python_venv.sh")
code=0
# shellcheck disable=SC2086  # NAME=VALUE words, for a sanitized module
PYTHONPATH=$package PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=1 \
  env ${BHROUTE_PRELOAD:-} "$python" -m pytest -q -rs -p no:cacheprovider "$file" || code=$?
[ "$code" -ne 5 ] || exit 77  # pytest's word for no test: the file skipped itself
exit "$code"
