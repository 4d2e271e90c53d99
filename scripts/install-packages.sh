#!/bin/sh
# Installs the Debian packages that building Crier (`build`), running several VMs on one machine (`cluster`), testing (`test`) or measuring it beside
# others (`bench`) needs and that are missing.
# A second run finds nothing missing and touches neither apt nor the network.
set -eu

# hiredis and libpq are the buses'; the Swift toolchain brings its own compiler, linker and headers.
BUILD_PACKAGES="ca-certificates git libhiredis-dev libpq-dev zlib1g-dev"
# The tests start their own servers on ports of their own; openssl makes the certificates of those that speak TLS. libatomic1 is for the Node.js
# that Playwright's Python package brings along. gdb shows where a test stands that does not end.
TEST_PACKAGES="chromium curl fonts-dejavu-core gcc gdb libatomic1 libc6-dev openssl pgbouncer postgresql python3-venv redis-server"
# The servers beside which fan-out is measured, and what compiles the floor and the load tool. libuv1 and python3-venv are for uWebSockets' package.
BENCH_PACKAGES="gcc libc6-dev libnginx-mod-nchan libuv1 nats-server nginx-light node-ws python3 python3-venv"
NODE_MAJOR=18
# Google's emulator of Pub/Sub, on which BUS=google is tested and runs on one machine. It is in Google's own package archive, which this script does not add;
# where it is installed all that it may lack is a Java.
EMULATOR_JARS=/usr/lib/google-cloud-sdk/platform/pubsub-emulator/lib/cloud-pubsub-emulator-*.jar

usage() {
    echo "usage: $0 build|cluster|test|bench" >&2
    exit 64
}

java_package() {
    for jar in $EMULATOR_JARS; do
        [ -e "$jar" ] || return 0
        command -v java >/dev/null 2>&1 || echo default-jre-headless
        return 0
    done
}

[ $# -eq 1 ] || usage
case $1 in
    build) wanted=$BUILD_PACKAGES ;;
    cluster) wanted="$BUILD_PACKAGES curl postgresql python3 redis-server $(java_package)" ;;
    bench) wanted="$BUILD_PACKAGES $BENCH_PACKAGES" ;;
    test)
        wanted="$BUILD_PACKAGES $TEST_PACKAGES $(java_package)"
        # Any Node.js from somewhere else will do, if it is new enough.
        node_major=$(node --version 2>/dev/null | sed -n 's/^v\([0-9]*\)\..*/\1/p' || true)
        [ "${node_major:-0}" -ge "$NODE_MAJOR" ] || wanted="$wanted nodejs"
        ;;
    *) usage ;;
esac

if ! command -v dpkg >/dev/null 2>&1; then
    echo "install-packages: this is not Debian; please install by hand what these are called here: $wanted" >&2
    exit 0
fi

missing=
for package in $wanted; do
    dpkg -s "$package" 2>/dev/null | grep -q '^Status: install ok installed' || missing="$missing $package"
done
if [ -z "$missing" ]; then
    echo "install-packages: everything for '$1' is there"
    exit 0
fi

as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "install-packages: missing:$missing; run this as root or install sudo" >&2
        exit 1
    fi
    as_root=sudo
fi

apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 \
        -o DPkg::Lock::Timeout=120 "$@"
}

echo "install-packages: installing$missing"
# The lists on the machine may be absent or name versions that the mirror has replaced: only then they are fetched anew.
# shellcheck disable=SC2086 # a list of words
if ! apt install -y --no-install-recommends $missing >/dev/null 2>&1; then
    echo "install-packages: refreshing the package lists"
    # One broken third-party list must not stand in the way: the second try decides.
    apt update >/dev/null || echo "install-packages: apt-get update had errors" >&2
    apt install -y --no-install-recommends $missing >/dev/null
fi
echo "install-packages: done"
