#!/bin/sh
# Runs a script by the Python that has the tools' packages ($BHROUTE_PYTHON, set by tools/test.sh), else python3.
exec "${BHROUTE_PYTHON:-python3}" -B "$@"
