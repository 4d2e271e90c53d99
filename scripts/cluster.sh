#!/usr/bin/env bash
# Five regions on this machine: a bus, five VMs (dfw, ams, sin, lax, syd) on ports 8081 to 8085, and in front of them, on port 8080, a stand-in
# for Fly's proxy whose edge is in Dallas. What is killed is started again after a moment, as a supervisor would, with the same id on the same
# port. Ctrl-C stops everything.
#   BUS         redis (default), postgres, or google, which is Google's emulator of Pub/Sub with a Redis beside it for sessions and presence: started here, on free
#               ports of 127.0.0.1, with the data in a folder that goes with them. The emulator keeps nothing when it is killed
#   CRIER_BIN   the binary (default .build/release/crier)
#   FIRST_PORT  the first VM's port (default 8081)
#   FRONT_PORT  the port in front of all (default 8080)
set -euo pipefail
cd "$(dirname "$0")/.."
bus=${BUS:-redis}
crier=${CRIER_BIN:-.build/release/crier}
first_port=${FIRST_PORT:-8081}
front_port=${FRONT_PORT:-8080}
regions=(dfw ams sin lax syd)
# As Fly's: 14 hexadecimal digits.
ids=(da11a500000001 a357e2da300002 519a90e2000003 105a09e1e50004 5d9e7000000005)
names=("Dallas" "Amsterdam" "Singapore" "Los Angeles" "Sydney")

case $bus in
    redis | postgres) servers=("$bus") ;;
    google) servers=(google redis) ;;
    *) echo "usage: BUS=redis|postgres|google $0" >&2 && exit 64 ;;
esac
emulator=$(ls /usr/lib/google-cloud-sdk/platform/pubsub-emulator/lib/cloud-pubsub-emulator-*.jar 2>/dev/null | sort -V | tail -1)
if [ "$bus" = google ] && { [ -z "$emulator" ] || ! command -v java >/dev/null; }; then
    echo "BUS=google needs Google's emulator of Pub/Sub (google-cloud-cli-pubsub-emulator of Google's package archive) and java" >&2
    exit 69
fi

data=$(mktemp -d -t crier-cluster.XXXXXX)
vms=()
began=()
declare -A ports pids
front_pid=

clean_up() {
    status=$?
    trap '' INT TERM
    trap - EXIT
    if [ ${#vms[@]} -gt 0 ]; then
        echo
        echo "stopping ${#vms[@]} VMs"
        kill -TERM "${vms[@]}" 2>/dev/null || true
        wait "${vms[@]}" 2>/dev/null || true
    fi
    # After the VMs, which let their sockets go through it.
    if [ -n "$front_pid" ]; then
        echo "stopping the proxy"
        kill -TERM "$front_pid" 2>/dev/null || true
        wait "$front_pid" 2>/dev/null || true
    fi
    for server in "${!pids[@]}"; do
        echo "stopping $server"
        # PostgreSQL's fast shutdown is SIGINT, which Java ignores where a script has started it.
        signal=INT
        [ "$server" != google ] || signal=TERM
        kill -s "$signal" "${pids[$server]}" 2>/dev/null || true
        wait "${pids[$server]}" 2>/dev/null || true
    done
    rm -rf "$data"
    exit $status
}
trap clean_up EXIT
trap 'exit 0' INT TERM

free_port() {
    for port in $(shuf -i 20000-29999 -n 50); do
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port" && return; }
    done
    echo "no free port" >&2
    return 1
}

# Waits until a command succeeds, for twenty seconds at most.
await() {
    for _ in $(seq 200); do
        "${@:2}" >/dev/null 2>&1 && return
        sleep 0.1
    done
    echo "$1 did not come; its log:" >&2
    tail -n 20 "$data/$1.log" >&2
    exit 1
}

# Runs a program in a session of its own, so that the terminal's Ctrl-C reaches this script only, which then stops all in order.
start() {
    local log=$1
    shift
    setsid "$@" >>"$data/$log.log" 2>&1 &
    started=$!
}

start_redis() {
    local port=${ports[redis]}
    start redis redis-server --port "$port" --bind 127.0.0.1 --dir "$data" --appendonly yes --save ''
    pids[redis]=$started
    await redis redis-cli -p "$port" ping
    export REDIS_URL=redis://127.0.0.1:$port/0
}

start_postgres() {
    local bin as=() port=${ports[postgres]}
    bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
    bin=${bin:+$bin/}
    # PostgreSQL refuses to run as root.
    if [ "$(id -u)" -eq 0 ]; then
        as=(setpriv --reuid postgres --regid postgres --init-groups)
        chown postgres "$data"
    fi
    [ -d "$data/postgres" ] || "${as[@]}" "${bin}initdb" -D "$data/postgres" -U crier -A trust --no-sync >"$data/postgres.log" 2>&1
    start postgres "${as[@]}" "${bin}postgres" -D "$data/postgres" -p "$port" -h 127.0.0.1 -k "$data"
    pids[postgres]=$started
    await postgres "${bin}psql" -h 127.0.0.1 -p "$port" -U crier -d postgres -c 'select 1'
    export DATABASE_URL=postgres://crier@127.0.0.1:$port/postgres
}

start_google() {
    local port=${ports[google]}
    start google java -Xmx256m -XX:MaxDirectMemorySize=2g -XX:+UseSerialGC -XX:-UsePerfData "-Djava.io.tmpdir=$data" -jar "$emulator" --host=127.0.0.1 --port="$port"
    pids[google]=$started
    await google curl -fsS "http://127.0.0.1:$port/v1/projects/crier-cluster/topics"
    export PUBSUB_EMULATOR_HOST=127.0.0.1:$port GOOGLE_CLOUD_PROJECT=crier-cluster
}

start_vm() {
    local region=${regions[$1]}
    FLY_ALLOC_ID=${ids[$1]} FLY_REGION=$region PORT=$((first_port + $1)) start "$region" "$crier" serve
    vms[$1]=$started
    began[$1]=$SECONDS
}

start_front() {
    local index backends=()
    for index in "${!regions[@]}"; do
        backends+=(--backend "id=${ids[$index]},region=${regions[$index]},port=$((first_port + index))")
    done
    start front env PYTHONDONTWRITEBYTECODE=1 python3 Tests/FlyProxy --port "$front_port" --control "$control_port" --region dfw \
        --log "$data/hops.log" "${backends[@]}"
    front_pid=$started
    await front curl -fsS "http://127.0.0.1:$control_port/"
}

control_port=$(free_port)
for server in "${servers[@]}"; do
    ports[$server]=$(free_port)
    "start_$server"
    echo "$server is up"
done
export BUS=$bus HOST=127.0.0.1 DRAIN_SECONDS=2 FLY_APP_NAME=crier
for index in "${!regions[@]}"; do start_vm "$index"; done
for index in "${!regions[@]}"; do
    await "${regions[$index]}" curl -fsS "http://127.0.0.1:$((first_port + index))/ready"
    # By the address: browsers give a host's cookies to all its ports, and one from the proxy asks for a certain VM.
    printf '  %-12s %s   http://127.0.0.1:%d/   %s\n' "${names[$index]}" "${regions[$index]}" $((first_port + index)) "${ids[$index]}"
done
start_front
echo "In front of them, as Fly's proxy: http://localhost:$front_port/, with every hop in $data/hops.log and the controls on port $control_port."
echo "One of them through it: curl 'http://127.0.0.1:$front_port/v1/vms?fly_instance_id=${ids[1]}'"
echo "Raise an alert in one, see it in all. The VMs: $crier vms --server http://127.0.0.1:$first_port. Ctrl-C stops everything."
failures=0
while true; do
    sleep 1 &
    wait $! || true
    for server in "${servers[@]}"; do
        if ! kill -0 "${pids[$server]}" 2>/dev/null; then
            echo "$server has ended; starting it again"
            "start_$server"
        fi
    done
    if ! kill -0 "$front_pid" 2>/dev/null; then
        echo "the proxy has ended; starting it again"
        start_front
    fi
    for index in "${!regions[@]}"; do
        kill -0 "${vms[$index]}" 2>/dev/null && continue
        [ $((SECONDS - began[index])) -lt 5 ] && failures=$((failures + 1)) || failures=0
        if [ "$failures" -gt 10 ]; then
            echo "${regions[$index]} does not stay; its log:" >&2
            tail -n 20 "$data/${regions[$index]}.log" >&2
            exit 1
        fi
        echo "${names[$index]} has ended; starting it again"
        start_vm "$index"
    done
done
