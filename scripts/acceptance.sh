#!/bin/sh
# The acceptance run (docs/reliability.md). Builds crier-acceptance, and crier-faulty for the controls, and runs them on the release of crier.
#   scripts/acceptance.sh            everything, some twenty-five minutes on two cores; writes the tables into docs/reliability.md
#   scripts/acceptance.sh --short    a short form, without controls and tables; `make test` runs it, some five minutes
#   scripts/acceptance.sh OPTION...  whatever `crier-acceptance --help` tells
# Google's emulator of Pub/Sub is not Debian's: where it is not installed the run says so, does without that bus, and leaves its table as it is.
#   CRIER_BIN   the binary (default .build/release/crier)
set -eu
cd "$(dirname "$0")/.."
crier=${CRIER_BIN:-.build/release/crier}
swift build --configuration release --static-swift-stdlib --product crier-acceptance
ulimit -n "$(ulimit -Hn)"

if [ $# -eq 0 ]; then
    swift build --configuration release --static-swift-stdlib --product crier-faulty
    set -- --controls --table docs/reliability.md
fi
exec .build/release/crier-acceptance --crier "$crier" "$@"
