#!/bin/bash
# Proves the Dockerfile on a Debian 12 machine that has no Docker engine: parses it, carries out its steps, and runs the result.
#
#   build stage    on this machine's Swift, which stands in for the swift image, in a copy of the files that .dockerignore lets through
#   runtime stage  in a root made by debootstrap from this machine's Debian mirror: `minbase`, which the slim image is, less its manuals
#   ENTRYPOINT     as USER, alone in namespaces of its own as in a container: process 1, its own network, nothing of the host's but the kernel
#
# Not proven: what the swift image has installed beyond what scripts/install-packages.sh asks for.
#
#   --binary PATH  stands in for what the build step makes, where that was built with the same flags already: skips the long steps
#
# Needs root. Leaves nothing behind but SwiftPM's caches and the packages that it installs where they are missing: debootstrap, iproute2,
# curl.
set -euo pipefail
cd "$(dirname "$0")/.."

binary=
while [ $# -gt 0 ]; do
    case $1 in
        --binary) binary=$(realpath "${2:?--binary needs a path}") && shift 2 ;;
        *) echo "usage: $0 [--binary PATH]" >&2 && exit 64 ;;
    esac
done
if [ "$(id -u)" -ne 0 ]; then
    echo "prove-dockerfile: needs root, for chroot and namespaces" >&2
    exit 1
fi

passed=0
failed=0
container=
work=$(mktemp -d -t crier-image.XXXXXX)
chmod 755 "$work"

# Every mount is made in a namespace that ends with its process, so there is nothing to unmount.
clean_up() {
    status=$?
    trap - EXIT
    # unshare's own --kill-child is lost when the server changes its user; with its process 1 the namespace ends.
    for job in $(jobs -p); do
        # shellcheck disable=SC2046 # a list of numbers
        kill -KILL $(pgrep -P "$job") "$job" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    if [ $status -ne 0 ] && [ -s "$work/log" ]; then
        echo "--- the end of the last step's output"
        tail -n 30 "$work/log"
    fi
    rm -rf --one-file-system "$work"
    exit $status
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

ok() { passed=$((passed + 1)) && echo "ok      $*"; }
not_ok() { failed=$((failed + 1)) && echo "FAILED  $*"; }
check() { if "${@:2}" >>"$work/log" 2>&1; then ok "$1"; else not_ok "$1"; fi; }
# For what nothing after it makes sense without.
die() {
    not_ok "$*"
    summary
    exit 1
}
summary() { echo "$passed passed, $failed failed"; }

need() {
    command -v "$1" >/dev/null 2>&1 && return
    echo "installing $2"
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$2" >"$work/log" 2>&1 \
        || { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$2"; } \
            >>"$work/log" 2>&1 || die "$2 can be installed"
}
need debootstrap debootstrap
need ip iproute2
need curl curl

# --- The Dockerfile's instructions, one a line, continuations joined.

instructions() {
    sed -e '/^[[:space:]]*#/d' -e '/^[[:space:]]*$/d' "$1" | sed -e ':join' -e '/\\$/{N;s/\\\n[[:space:]]*/ /;b join' -e '}'
}
words() { grep -o '"[^"]*"' <<<"$1" | tr -d '"'; }

# --- The context: what git tracks or would track, less what .dockerignore leaves out. The last pattern that matches decides.

ignore_patterns=()
while IFS= read -r line; do
    case $line in
        '' | '#'*) ;;
        *'**'*) die "the pattern $line of .dockerignore is known to this script" ;;
        *) ignore_patterns+=("$line") ;;
    esac
done <.dockerignore

is_ignored() {
    local pattern verdict=1
    for pattern in "${ignore_patterns[@]}"; do
        local outcome=0
        if [ "${pattern#!}" != "$pattern" ]; then outcome=1 && pattern=${pattern#!}; fi
        # shellcheck disable=SC2053 # a pattern
        if [[ $1 == $pattern || $1 == $pattern/* ]]; then verdict=$outcome; fi
    done
    return $verdict
}

mkdir -p "$work/context"
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
    if [ -f "$file" ] && ! is_ignored "$file"; then printf '%s\0' "$file"; fi
done >"$work/files"
tar --null -T "$work/files" --owner=0 --group=0 -cf - | tar -xf - -C "$work/context"
echo "context: $(tr -cd '\0' <"$work/files" | wc -c) files, $(du -sh "$work/context" | cut -f1)"

# --- Steps. A stage is its name, its root, its working directory and its environment.

stage=0
base_size=0
name=
root=
workdir=/
environment=()
user=0:0
entrypoint=()
command=()
port=
signal=SIGTERM
declare -A roots

begin_stage() {
    local image=$1
    stage=$((stage + 1))
    name=
    if [ "${2:-}" = AS ]; then name=$3; fi
    root=$work/${name:-final}
    workdir=/
    environment=()
    user=0:0
    mkdir -p "$root"
    if [ -n "$name" ]; then roots[$name]=$root; fi
    case $image in
        swift:*)
            local wanted=${image#swift:}
            check "this machine stands in for $image" is_toolchain "${wanted%-*}" "${wanted##*-}"
            ;;
        debian:*)
            local suite=${image#debian:}
            make_root "${suite%-slim}"
            ;;
        *) die "the image $image is known to this script" ;;
    esac
}

is_toolchain() {
    # shellcheck source=/dev/null
    swift --version 2>&1 | grep -q "Swift version $1[. ]" && (. /etc/os-release && [ "$VERSION_CODENAME" = "$2" ])
}

make_root() {
    local mirror
    mirror=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' \
        | sed -n "s/^$1 //p" | head -n 1)
    [ -n "$mirror" ] || die "this machine's apt has a mirror of Debian $1"
    echo "making the root of Debian $1 from this machine's mirror"
    unshare --mount debootstrap --variant=minbase "$1" "$root" "$mirror" >"$work/log" 2>&1 \
        || die "debootstrap makes the root"
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
    base_size=$(size "$root")
}

size() { du -sx --block-size=1 "$1" | cut -f1; }
mebibytes() { awk -v bytes="$1" 'BEGIN { printf "%.1f MiB", bytes / 1048576 }'; }
absolute() { case $1 in /*) echo "$1" ;; *) echo "${workdir%/}/${1#./}" ;; esac; }

# Whether the stage is this machine's, and not a root of its own.
is_host() { [ "$name" = build ]; }

run_step() {
    if is_host; then
        if [ -n "$binary" ] && [[ $1 == "swift "* ]]; then
            if [[ $1 == "swift build "* ]]; then
                echo "instead  RUN $1: $binary, whose flags this run does not prove"
                mkdir -p "$root$workdir/.build/release"
                cp "$binary" "$root$workdir/.build/release/crier"
            else
                echo "skipped  RUN $1"
            fi
            return
        fi
        echo "RUN $1"
        (cd "$root$workdir" && nice env "${environment[@]}" /bin/sh -c "$1") >"$work/log" 2>&1 || die "RUN $1"
    else
        echo "RUN $1"
        enter "$user" /bin/sh -c "$1" >"$work/log" 2>&1 || die "RUN $1"
    fi
}

# Runs a command in the stage's root, its /proc mounted as long as it runs.
enter() {
    # shellcheck disable=SC2016 # expanded by the inner shell
    unshare --mount --pid --fork --kill-child /bin/sh -c '
        root=$1 user=$2 directory=$3
        shift 3
        mount -t proc proc "$root/proc"
        exec chroot --userspec="$user" "$root" /usr/bin/env -i --chdir="$directory" "$@"' \
        enter "$root" "$1" "$workdir" "${image_path[@]}" "${environment[@]}" "${@:2}"
}
image_path=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)

copy_step() {
    echo "COPY $*"
    local base=$work/context from= target source
    if [[ $1 == --from=* ]]; then
        from=${1#--from=}
        base=${roots[$from]:?the stage $from}
        shift
    fi
    target=$root$(absolute "${!#}")
    case ${!#} in */ | . | ./) mkdir -p "$target" ;; *) mkdir -p "$(dirname "$target")" ;; esac
    local found=0 path match
    for source in "${@:1:$#-1}"; do
        path=$base/${source#/}
        # What no step made the build's image had: here, this machine has it.
        if [ -n "$from" ] && [ ! -e "$path" ]; then path=$source; fi
        for match in $path; do
            [ -e "$match" ] || continue
            found=1
            if [ -d "$match" ]; then
                mkdir -p "$target" && cp -R --preserve=mode,timestamps "$match/." "$target/"
            else
                cp --preserve=mode,timestamps "$match" "$target"
            fi
        done
    done
    [ $found -eq 1 ] || die "COPY finds its files"
}

while IFS= read -r -u 3 line; do
    instruction=${line%% *}
    rest=${line#* }
    # shellcheck disable=SC2086 # a list of words
    case $instruction in
        FROM) begin_stage $rest ;;
        WORKDIR) workdir=$(absolute "$rest") && mkdir -p "$root$workdir" ;;
        COPY) set -f && set -- $rest && set +f && copy_step "$@" ;;
        RUN) run_step "$rest" ;;
        ENV) environment+=($rest) ;;
        USER) user=$rest ;;
        EXPOSE) port=$rest ;;
        STOPSIGNAL) signal=$rest ;;
        ENTRYPOINT) mapfile -t entrypoint < <(words "$rest") ;;
        CMD) mapfile -t command < <(words "$rest") ;;
        *) die "the instruction $instruction is known to this script" ;;
    esac
done 3< <(instructions Dockerfile)
[ $stage -eq 2 ] && ok "every step of both stages succeeds" || not_ok "the Dockerfile has two stages"

# --- The image as it is.

if [ ${#entrypoint[@]} -eq 0 ] || [ ${#command[@]} -eq 0 ]; then die "ENTRYPOINT and CMD are of the exec form"; fi
ok "ENTRYPOINT and CMD are of the exec form: ${entrypoint[*]} ${command[*]}"

has_libraries() {
    enter 0:0 ldd "${entrypoint[0]}" >"$work/libraries" && ! grep -q 'not found' "$work/libraries" \
        && ! grep -qi 'swift\|foundation\|dispatch' "$work/libraries"
}
is_numeric_user() { [[ $user =~ ^[1-9][0-9]*:[1-9][0-9]*$ ]]; }
is_read_only() {
    ! enter "$user" /usr/bin/touch "$workdir/written" && ! enter "$user" /usr/bin/touch "${entrypoint[0]}" \
        && [ -z "$(enter "$user" /usr/bin/find "$workdir" -writable)" ]
}
check "every library of the binary is in the image, and Swift's are in the binary" has_libraries
check "USER is a number and not root: $user" is_numeric_user
check "that user can write nothing in $workdir" is_read_only

# --- The image as it runs.

# shellcheck disable=SC2016 # expanded by the inner shell
unshare --mount --pid --net --ipc --uts --fork --kill-child /bin/sh -c '
    root=$1 user=$2 directory=$3
    shift 3
    ip link set lo up
    mount -t proc proc "$root/proc"
    exec chroot --userspec="$user" "$root" /usr/bin/env -i --chdir="$directory" "$@"' \
    container "$root" "$user" "$workdir" "${image_path[@]}" "${environment[@]}" "${entrypoint[@]}" "${command[@]}" \
    >"$work/server.log" 2>&1 &
container=$!

# Polls until the condition holds, for at most so many tenths of a second.
within() {
    local tenths=$1
    shift
    while ! "$@"; do
        tenths=$((tenths - 1))
        [ $tenths -gt 0 ] || return 1
        sleep 0.1
    done
}
find_server() { server=$(pgrep -P "$container") && [ "$(readlink "/proc/$server/exe")" = "$root${entrypoint[0]}" ]; }
inside() { nsenter --target "$server" --net curl --silent --show-error --fail --max-time 10 "$@"; }
url=http://127.0.0.1:$port
answers() { inside "$url/health" >/dev/null 2>&1; }
has() { grep -q -- "$2" "$1"; }

within 100 find_server || { cat "$work/server.log" && die "ENTRYPOINT starts"; }
within 100 answers || { cat "$work/server.log" && die "GET /health answers on the exposed port $port"; }
ok "GET /health answers on the exposed port $port"

runs_as() { [ "$(awk '/^Uid:/ { print $2":"$3":"$4":"$5 }' "/proc/$server/status")" = "$1:$1:$1:$1" ]; }
is_first() { [ "$(awk '/^NSpid:/ { print $NF }' "/proc/$server/status")" = 1 ]; }
check "the server runs as user ${user%%:*}" runs_as "${user%%:*}"
check "the server is process 1" is_first

is_ready() { inside "$url/ready" | grep -q '"status":"ready"'; }
check "GET /ready says ready" within 100 is_ready

serves() { inside --dump-header "$work/head" --output "$work/body" "$url$1" && grep -qi "^content-type: $2" "$work/head" && cmp "$work/body" "$3"; }
check "GET /page.css is the page's" serves /page.css text/css Public/page.css
# The VM writes its id and region into the pages.
names_itself() { inside --output "$work/body" "$url/" && grep -q 'data-region="local"' "$work/body" && ! grep -q '{{' "$work/body"; }
check "GET / is the page, and says who serves it" names_itself
check "GET /crier.js is the browser client" serves /crier.js text/javascript Public/crier.js
speaks_ipv6() { inside --globoff "http://[::1]:$port/health"; }
if [ -e /proc/sys/net/ipv6 ]; then check "it answers on IPv6 too" speaks_ipv6; fi

nsenter --target "$server" --net curl --silent --no-buffer --max-time 60 "$url/image-proof/sse" >"$work/events" 2>/dev/null &
reader=$!
publishes() { within 100 has "$work/events" '^event: open' && inside --data 'out of the image' "$url/image-proof" && within 100 has "$work/events" '"message":"out of the image"'; }
check "a publish reaches a reader" publishes

drain=$(sed -n 's/.*Setting("DRAIN_SECONDS", standard: "\([0-9]*\)".*/\1/p; /Setting($/{N;s/.*"DRAIN_SECONDS", standard: "\([0-9]*\)".*/\1/p}' \
    Sources/Gateway/Configuration/Setting.swift)
# The server gives those that stay 6 seconds of grace after the drain.
bound=$((${drain:-10} + 6))
echo "resident memory with one reader: $(awk '/^VmRSS:/ { print $2 / 1024 " MiB" }' "/proc/$server/status")"
began=$(date +%s%N)
kill -s "${signal#SIG}" "$server"
is_over() { [ ! -e "/proc/$container" ] || grep -q '^State:[[:space:]]*Z' "/proc/$container/status" 2>/dev/null; }
if within $((bound * 10)) is_over; then
    code=0
    wait "$container" || code=$?
    elapsed=$((($(date +%s%N) - began) / 1000000))
    check "$signal ends it with 0 within $bound s (it took $elapsed ms)" test $code -eq 0
else
    not_ok "$signal ends it within $bound s"
fi
wait "$reader" 2>/dev/null || true
check "the reader was told that the server leaves" has "$work/events" '^event: drain'
no_mounts() { ! grep -q " $work" /proc/self/mountinfo; }
check "nothing stays mounted" no_mounts

if [ $failed -gt 0 ]; then
    echo "--- the server's log"
    tail -n 30 "$work/server.log"
fi
echo "binary: $(mebibytes "$(stat -c %s "$root${entrypoint[0]}")"), loads: $(awk '{ print $1 }' "$work/libraries" | xargs -n 1 basename | sort | xargs)"
image_size=$(size "$root")
echo "image: $(mebibytes "$image_size") unpacked, $(mebibytes $((image_size - base_size))) of it on top of Debian's"
summary
[ $failed -eq 0 ]
