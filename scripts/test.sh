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

step "units, state machines and integration over real sockets"
swift test --skip-build

step "building the release"
make build echo

step "other people's programs: Chromium, curl, apprise, a CloudEvents SDK"
make interop

step "Autobahn's fuzzing client"
make autobahn

step "the Dockerfile's steps"
make dockerfile

step "all passed"
