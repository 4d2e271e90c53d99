#!/bin/sh
# All tests, from the quickest to the slowest; the first failure ends the run.
set -eu
cd "$(dirname "$0")/.."

begin=$(date +%s)
step() {
    echo
    echo "== $1 ($(($(date +%s) - begin)) s)"
}

# What runs tests has a bound each, several times what it takes on two slow cores: 73 minutes together.
bounded() { scripts/bounded.sh "$@"; }

# Six tests at once: each has the processor often enough for what has to come in time, on a machine that is busy with other things too. Line by line,
# so that what was said last is seen.
swift_test() {
    bound=$1
    shift
    bounded "$bound" stdbuf -oL swift test --skip-build --experimental-maximum-parallelization-width 6 "$@"
}
# A process that crashes stands still until this is printed; all of it would take minutes.
export SWIFT_BACKTRACE=threads=crashed,images=none,symbolicate=fast

step "Debian packages"
scripts/install-packages.sh build
scripts/install-packages.sh test

step "formatting"
make lint

step "the browser client under node"
bounded 60 make client

step "building the tests"
swift build --build-tests

# Apart, so that what works the processor for half a minute keeps nobody's connection waiting.
step "units, state machines and integration over real sockets"
swift_test 600 --skip Simulation --skip AccessTokensTests --skip RedisBusTests --skip PostgresBusTests \
    --skip GoogleBusTests

step "tokens of an issuer, whose answers have five seconds"
swift_test 240 --filter AccessTokensTests

step "seeded simulations"
swift_test 300 --filter Simulation

step "the Redis bus on redis-server"
swift_test 480 --filter RedisBusTests

step "the PostgreSQL bus on PostgreSQL, and behind PgBouncer"
swift_test 600 --filter PostgresBusTests

step "the bus on Google Cloud Pub/Sub, on Google's emulator where it is installed"
swift_test 420 --filter GoogleBusTests

step "building the release"
make build echo

step "other people's programs, and VMs behind a stand-in for Fly's proxy: Chromium, curl, apprise, a CloudEvents SDK"
bounded 780 make interop

step "whole deployments under faults, in short, on Redis, PostgreSQL and, where it is installed, Pub/Sub's emulator"
bounded 900 scripts/acceptance.sh --short

step "Autobahn's fuzzing client"
bounded 420 make autobahn

step "the Dockerfile's steps"
make dockerfile

step "all passed"
