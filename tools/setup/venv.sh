#!/usr/bin/env bash
# Makes .venv from tools/requirements.txt and prints its Python (last line of stdout). Done again only when the
# requirements or the Python change.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
venv=${BHROUTE_VENV:-$root/.venv}
requirements=$root/tools/requirements.txt
python=/usr/bin/python3  # the one that the packages python3-venv and python3-pip belong to
[ -x "$python" ] || python=python3

say() { printf 'venv: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

wanted=$({ echo "$venv"; "$python" --version; cat "$requirements"; } | sha256sum)
if [ "$(cat "$venv/.made-from" 2> /dev/null)" != "$wanted" ]; then
  say "making $venv from tools/requirements.txt"
  "$python" -m venv --clear "$venv" >&2 || die "cannot make a virtual environment with $python"
  "$venv/bin/python" -m pip install --disable-pip-version-check --only-binary :all: -r "$requirements" >&2 ||
    die "pip could not install the packages of tools/requirements.txt; its own message above says which"
  printf '%s\n' "$wanted" > "$venv/.made-from"  # last: an interrupted run is made again
fi
printf '%s\n' "$venv/bin/python"
