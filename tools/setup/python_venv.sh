#!/usr/bin/env bash
# Makes the environment of the Python package's tests (PyTorch, transformers: about two minutes and 5 GB) and prints its
# Python (last line of stdout). It lies in the user's cache under a name made of its requirements, so a second clone uses
# it too and changed requirements make their own. BHROUTE_PYTHON_VENV names a ready one instead.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
requirements=$root/tools/requirements-torch.txt
python=/usr/bin/python3  # the one that the packages python3-venv and python3-pip belong to
[ -x "$python" ] || python=python3
cache=${XDG_CACHE_HOME:-$HOME/.cache}/bhroute
key=$({ "$python" --version; cat "$requirements"; } | sha256sum | cut -c1-12)
venv=${BHROUTE_PYTHON_VENV:-$cache/python-$key}

say() { printf 'python_venv: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

make() {
  say "making $venv from tools/requirements-torch.txt (once)"
  "$python" -m venv --clear "$venv" >&2 || die "cannot make a virtual environment with $python"
  "$venv/bin/python" -m pip install --disable-pip-version-check --no-cache-dir --only-binary :all: -r "$requirements" >&2 ||
    die "pip could not install the packages of tools/requirements-torch.txt; its own message above says which"
  touch "$venv/.complete"  # last: an interrupted run is made again
}

if [ -z "${BHROUTE_PYTHON_VENV:-}" ] && [ ! -f "$venv/.complete" ]; then
  mkdir -p "$cache"
  exec 9> "$cache/.python-lock"
  flock 9  # a second clone waits for the first one's instead of repeating it
  [ -f "$venv/.complete" ] || make
fi
printf '%s\n' "$venv/bin/python"
