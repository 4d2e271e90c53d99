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
swift format lint --strict --recursive Package.swift Sources Tests

step "the browser client under node"
node --test Tests/Client/*.test.js

step "building the tests"
swift build --build-tests

step "units, state machines and integration over real sockets"
swift test --skip-build

step "building the release"
swift build --configuration release --static-swift-stdlib --product crier
swift build --configuration release --static-swift-stdlib --product crier-echo

step "other people's programs: Chromium, curl, apprise, a CloudEvents SDK"
scripts/interop.sh

step "Autobahn's fuzzing client"
scripts/autobahn.sh

step "the Dockerfile's steps"
scripts/prove-dockerfile.sh --binary .build/release/crier

step "all passed"
