#!/bin/sh
# Runs the Autobahn fuzzing client against an echo server and judges its report.
#   scripts/autobahn.sh [echo server [arguments before the port…]]
# The server is started with a free port as its last argument and prints a line once it listens. Without an argument it is
# .build/release/crier-echo. Exit status 1 when a case failed or was closed wrongly.
set -eu
cd "$(dirname "$0")/.."
scripts/autobahn-env.sh
[ $# -gt 0 ] || set -- .build/release/crier-echo
exec .venv/interop/bin/python Tests/Interop/autobahn.py "$@"
