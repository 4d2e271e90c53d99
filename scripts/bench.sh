#!/bin/sh
# Measures fan-out beside the fastest peers and the raw C floor in one run: see Benchmarks/fanout and docs/benchmarks.md. Arguments are passed on
# (`--quick`, `--only SCENARIO`, `--peers uws,nchan`, `--help`).
#   CRIER_BIN   the binary (default .build/release/crier)
set -eu
cd "$(dirname "$0")/.."
# A socket is a file, in the load tool as in the servers, which inherit this.
ulimit -n "$(ulimit -Hn)"
exec python3 Benchmarks/fanout --crier "${CRIER_BIN:-.build/release/crier}" "$@"
