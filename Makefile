# make demo    records two real services, replays them offline, changes them, and shows all of it
# make test    all tests; its parts are targets of their own (CONTRIBUTING.md)
# make lint    format, lints, type checks, policies; make fmt mends the format
# make bench   ours beside the published packages and the limit, in one run; the replay engine
# make packages  the wheel and the Node packages for old glibc, checked
# make clean   removes all that these made
#
# Everything is set up inside the tree: environments under target/env, data of
# running tests under .run, which they remove.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
export PYTHON ?= python3
# Caches of the tools stay under target too.
export PYTHONDONTWRITEBYTECODE := 1
export PYTEST_ADDOPTS := -p no:cacheprovider
export RUFF_CACHE_DIR := $(CURDIR)/target/env/ruff
export MYPY_CACHE_DIR := $(CURDIR)/target/env/mypy
COUNT ?= 3000
SEED ?= 20261121
SECONDS ?= 60
ONLY ?=
PASSES ?= 15
CALLS ?= 1
MEGABYTES ?= 100
SPANS ?= 1000000

OURS := target/env/python/bin/python
PUBLISHED := target/env/published-python/bin/python
NODE := bindings/node
PUBLISHED_NODE := target/env/published-node/node_modules/@use-tusk/drift-core-node
BENCH_OPTIONS = --only '$(ONLY)' --passes $(PASSES) --calls $(CALLS)
SIDES = --ours-rust target/release/drift-bench-worker --ours-python $(OURS) --published-python $(PUBLISHED) \
  --ours-node $(NODE) --published-node $(PUBLISHED_NODE)

.PHONY: demo test lint fmt bench bench-memory bench-profile bench-replay bench-report bench-worker packages clean \
  python node published answer drift \
  test-rust test-replay test-oracle test-python test-node test-parity test-compat test-e2e test-report test-sanitizer \
  test-baseline test-arm instructions fuzz

demo: node drift
	tests/e2e/setup.sh
	target/env/e2e-python/bin/python scripts/demo.py
	target/env/e2e-python/bin/python scripts/demo_replay.py

test: test-rust test-replay test-oracle test-python test-node test-parity test-compat test-e2e test-report \
  test-baseline instructions

# What the targets below need; each does nothing when it is up to date.
python:
	scripts/venv.sh python bindings/python/requirements-dev.txt
	scripts/python-binding.sh python

node:
	scripts/node-binding.sh

published:
	scripts/published.sh

drift:
	cargo build --quiet --locked --package drift-cli

answer:
	cargo build --quiet --release --locked --package drift-rust-core --example answer

test-rust:
	cargo test --locked --package drift-rust-core

test-replay:
	cargo test --locked --package drift-replay --package drift-cli

test-oracle: python
	$(OURS) parity-fixtures/generate.py --check

test-python: python
	$(OURS) -m pytest bindings/python/tests

test-node: node
	cargo test --quiet --locked --package drift-core-node
	npm test --prefix $(NODE) --silent

test-parity: python node answer
	$(OURS) tests/parity/run.py --count $(COUNT) --seed $(SEED)

test-compat: python node published
	$(OURS) tests/compat/run.py --ours-python $(OURS) --published-python $(PUBLISHED) \
	  --ours-node $(NODE) --published-node $(PUBLISHED_NODE) --count $(COUNT) --seed $(SEED)

test-e2e: node drift
	scripts/servers.sh
	tests/e2e/setup.sh
	target/env/e2e-python/bin/python -m pytest tests/e2e

# The report page in a real Chromium; REPORT_PICTURES=DIR leaves pictures of it.
test-report: python
	scripts/report-page.sh $(OURS)

test-baseline:
	scripts/debian-package.sh qemu-x86_64 qemu-user
	scripts/baseline.sh

# Not part of `make test`: it compiles everything once more, for 64-bit ARM.
test-arm:
	scripts/debian-package.sh qemu-aarch64 qemu-user
	scripts/debian-package.sh aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu libc6-dev-arm64-cross
	scripts/arm.sh

# Instructions of the core's calls beside the committed figures; UPDATE=1 writes those.
instructions:
	scripts/debian-package.sh valgrind valgrind
	$(PYTHON) scripts/instructions.py $(if $(UPDATE),--update)

# These two are not part of `make test`: they need a nightly toolchain.
# `make fuzz SECONDS=600` runs every target for so long, on one core, one by one.
fuzz:
	scripts/fuzz.sh $(SECONDS)

test-sanitizer: python node
	scripts/sanitizer.sh

lint: python node
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --locked --package drift-rust-core --package drift-replay
	$(OURS) -m ruff format --check .
	$(OURS) -m ruff check .
	cd bindings/python && ../../$(OURS) -m mypy
	cd target/env && python/bin/python -m mypy.stubtest drift_core --mypy-config-file ../../bindings/python/pyproject.toml
	npm run --prefix $(NODE) --silent lint
	$(OURS) scripts/check_versions.py
	$(OURS) scripts/check_dependencies.py
	$(OURS) scripts/check_docs.py
	scripts/cargo-deny.sh

fmt: python
	cargo fmt --all
	$(OURS) -m ruff format .

# `make bench ONLY='Python process_span' PASSES=9 CALLS=2`: ONLY is a pattern of
# `LANGUAGE CALL PAYLOAD`, PASSES rounds a row, CALLS times the calls a round.
# Without ONLY the replay engine is measured too.
bench: python node published bench-worker
	$(OURS) benches/run.py $(SIDES) $(BENCH_OPTIONS) --json target/bench.json
	$(if $(ONLY),,$(MAKE) --no-print-directory bench-replay)

# The peak of memory of MEGABYTES of rows and of numbers.
bench-memory: python node published bench-worker
	$(OURS) benches/memory.py $(SIDES) --megabytes $(MEGABYTES) --json target/bench-memory.json

# Where the time of each call goes, by step.
bench-profile: python node published bench-worker
	$(OURS) benches/steps.py $(SIDES) $(BENCH_OPTIONS) --json target/bench-profile.json

# All of them, twenty minutes, and their tables and plot into docs.
bench-report: bench bench-memory bench-profile
	$(OURS) benches/report.py target/bench.json target/bench-memory.json target/bench-profile.json \
	  target/bench-replay.json

bench-worker:
	cargo build --quiet --release --locked --package drift-benches --bin drift-bench-worker
	cargo build --quiet --release --locked --package drift-bench-host

# A suite of SPANS spans, 1.7 GB for a million, written once under target: how fast
# it loads, what it takes in memory, what answers cost, also over a Unix socket.
bench-replay:
	cargo build --quiet --release --locked --package drift-benches --bin drift-replay-bench
	target/release/drift-replay-bench target/bench-replay --spans $(SPANS) --json target/bench-replay.json

# The release packages of this platform, for glibc 2.17, checked and tried.
packages:
	scripts/build-wheel.sh
	scripts/check-wheel.sh
	scripts/build-node.sh
	scripts/check-node.sh

clean:
	rm -rf target .run bindings/node/node_modules bindings/node/*.node bindings/python/python/drift_core/*.so
