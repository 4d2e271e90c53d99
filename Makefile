# `make run` serves on port 8080 (PORT), `make cluster` runs five VMs on one bus, `make test` runs every test. All install what they need.

PORT ?= 8080
CRIER := .build/release/crier
# As the Dockerfile builds it, so that one build serves both.
SWIFT_BUILD := swift build --configuration release --static-swift-stdlib

.PHONY: run build echo cluster test unit client interop autobahn acceptance lint bench bench-buses dockerfile clean

run: build
	PORT=$(PORT) $(CRIER) serve

build:
	scripts/install-packages.sh build
	$(SWIFT_BUILD) --product crier

## Five regions on this machine behind a stand-in for Fly's proxy, on BUS=redis, BUS=postgres or BUS=google (Google's emulator), until Ctrl-C.
BUS ?= redis
cluster: build
	scripts/install-packages.sh cluster
	BUS=$(BUS) scripts/cluster.sh

test:
	scripts/test.sh

## The parts of `make test`

unit:
	swift test

client:
	node --test Tests/Client/*.test.js

interop: build
	scripts/interop.sh

echo:
	scripts/install-packages.sh build
	$(SWIFT_BUILD) --product crier-echo

autobahn: echo
	scripts/install-packages.sh test
	scripts/autobahn.sh

## Every fault of docs/reliability.md on each bus that is installed, with readers whose logs are audited, and the controls: some twenty-five minutes.
acceptance: build
	scripts/install-packages.sh test
	scripts/acceptance.sh

lint:
	swift format lint --strict --recursive Package.swift Sources Tests

## Fan-out beside uWebSockets, NATS, nchan, Node's ws and a relay in C, in one run: some twenty minutes. BENCH="--quick" for two.
BENCH ?=
bench: build
	scripts/install-packages.sh bench
	$(SWIFT_BUILD) --product bare-hummingbird
	scripts/bench.sh $(BENCH)

## The buses with 1, 4 and 8 VMs, beside what they are made of alone.
bench-buses: build
	scripts/install-packages.sh cluster
	python3 Benchmarks/buses.py

dockerfile: build
	scripts/prove-dockerfile.sh --binary $(CRIER)

clean:
	swift package clean
	rm -rf .venv
