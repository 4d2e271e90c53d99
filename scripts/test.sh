#!/bin/sh
# All tests, from the quickest to the slowest; the first failure ends the run.
set -eu
cd "$(dirname "$0")/.."

begin=$(date +%s)
step() {
    echo
    echo "== $1 ($(($(date +%s) - begin)) s)"
}

step "Debian packages"
scripts/install-packages.sh build
scripts/install-packages.sh test

step "formatting"
make lint

step "the browser client under node"
make client

step "building the tests"
swift build --build-tests

# Apart, so that what works the processor for half a minute keeps nobody's connection waiting.
step "units, state machines and integration over real sockets"
swift test --skip-build --skip Simulation --skip AccessTokensTests --skip RedisBusTests --skip PostgresBusTests

step "tokens of an issuer, whose answers have five seconds"
swift test --skip-build --filter AccessTokensTests

step "seeded simulations"
swift test --skip-build --filter Simulation

step "the Redis bus on redis-server"
swift test --skip-build --filter RedisBusTests

step "the PostgreSQL bus on PostgreSQL, and behind PgBouncer"
swift test --skip-build --filter PostgresBusTests

step "building the release"
make build echo

step "other people's programs, and VMs behind a stand-in for Fly's proxy: Chromium, curl, apprise, a CloudEvents SDK"
make interop

step "whole deployments under faults, in short, on both buses"
scripts/acceptance.sh --short

step "Autobahn's fuzzing client"
make autobahn

step "the Dockerfile's steps"
make dockerfile

step "all passed"
