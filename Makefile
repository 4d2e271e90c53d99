# Two commands: `make run` serves on port 8080 (PORT), `make test` runs every test. Both install what they need.

PORT ?= 8080
CRIER := .build/release/crier
# As the Dockerfile builds it, so that one build serves both.
SWIFT_BUILD := swift build --configuration release --static-swift-stdlib

.PHONY: run build echo test unit client interop autobahn lint bench dockerfile clean

run: build
	PORT=$(PORT) $(CRIER) serve

build:
	scripts/install-packages.sh build
	$(SWIFT_BUILD) --product crier

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

lint:
	swift format lint --strict --recursive Package.swift Sources Tests

bench: build
	scripts/bench.sh

dockerfile: build
	scripts/prove-dockerfile.sh --binary $(CRIER)

clean:
	swift package clean
	rm -rf .venv
