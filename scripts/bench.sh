#!/bin/sh
# Measures fan-out with `crier bench`: a server on one core, the load on the others, at 1,000 and 10,000 sockets. Prints a table of what each run reported.
#   CRIER_BIN   the binary (default .build/release/crier)
#   SOCKETS     how many sockets, for each run (default "1000 10000")
#   SECONDS_EACH  how long each run measures (default 10)
set -eu
cd "$(dirname "$0")/.."
crier=${CRIER_BIN:-.build/release/crier}
sockets=${SOCKETS:-1000 10000}
seconds=${SECONDS_EACH:-10}
ulimit -n "$(ulimit -Hn)"

out=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi; rm -rf "$out"' EXIT

pinned() {
    cores=$1
    shift
    if command -v taskset >/dev/null 2>&1 && [ "$(nproc)" -gt 1 ]; then taskset -c "$cores" "$@"; else "$@"; fi
}

for count in $sockets; do
    PORT=0 HOST=127.0.0.1 RATE_LIMITS=off THREADS=1 DRAIN_SECONDS=0 LOG_LEVEL=warning \
        pinned 0 "$crier" serve >"$out/server" 2>"$out/log" &
    server=$!
    port=
    for _ in $(seq 100); do
        port=$(sed -n 's/.*localhost:\([0-9]*\).*/\1/p' "$out/server")
        [ -n "$port" ] && break
        sleep 0.1
    done
    [ -n "$port" ] || { cat "$out/log" >&2; exit 1; }
    echo "== $count sockets"
    pinned "1-$(($(nproc) - 1))" "$crier" bench --server "http://127.0.0.1:$port" --sockets "$count" --seconds "$seconds" \
        --in-flight 8 --payload 100
    kill "$server"
    wait "$server" || true
    server=
done
