#!/bin/sh
# Runs the tests of train/ in the environment that holds PyTorch and transformers; without one they skip (77).
#   run_tests.sh ROOT
root=$1
python=${BHROUTE_PYTHON_VENV:+$BHROUTE_PYTHON_VENV/bin/python}
if [ -z "$python" ] && [ -x "$root/tools/setup/python_venv.sh" ]; then
  python=$("$root/tools/setup/python_venv.sh") || exit 1
fi
[ -n "$python" ] || python=python3
"$python" -c 'import gguf, pytest, tokenizers, torch, transformers' 2> /dev/null || {
  echo "train: $python lacks one of gguf, pytest, tokenizers, torch, transformers: skipped"
  exit 77
}
cd "$root/train" && OMP_NUM_THREADS=1 PYTHONPATH=. exec "$python" -B -m pytest -q -p no:cacheprovider -rs tests
