#!/bin/sh
# Runs the interop tests: the real server against programs that were written elsewhere. Arguments go to pytest.
#   CRIER_BIN    the binary (default .build/release/crier)
#   CRIER_SHOTS  a directory for screenshots of the page (default: none are taken)
set -eu
cd "$(dirname "$0")/.."
scripts/install-packages.sh test
scripts/python-env.sh
export PYTHONDONTWRITEBYTECODE=1
exec .venv/interop/bin/python -m pytest -c Tests/Interop/pytest.ini --rootdir Tests/Interop "${@:-Tests/Interop}"
