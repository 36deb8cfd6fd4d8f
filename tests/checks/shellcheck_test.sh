#!/usr/bin/env bash
# Every shell script of the project is clean by shellcheck:  shellcheck_test.sh PROJECT_ROOT
set -euo pipefail
cd "$1"
if ! command -v shellcheck > /dev/null; then
  echo "skipped: shellcheck is not installed (apt-get install shellcheck)"
  exit 77
fi
shellcheck -x .ci/run tools/*.sh tools/setup/*.sh tools/deb/*.sh tools/deb/preinst tests/checks/*.sh
