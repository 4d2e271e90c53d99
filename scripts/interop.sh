#!/bin/sh
# Runs the interop tests: the real server against programs that were written elsewhere. Arguments go to pytest, which runs in
# Tests/Interop. Relative paths in the two variables are taken from the repository.
#   CRIER_BIN    the binary (default .build/release/crier)
#   CRIER_SHOTS  a directory for screenshots of the page (default: none are taken)
set -eu
cd "$(dirname "$0")/.."
scripts/install-packages.sh test
scripts/python-env.sh
export PYTHONDONTWRITEBYTECODE=1
cd Tests/Interop
exec ../../.venv/interop/bin/python -m pytest "$@"
