# make demo    what the project does, shown
# make test    all tests
# make lint    format, lints and policies; make fmt mends the format
# make bench   ours beside the published packages, in one run
# make clean   removes all that these made

.PHONY: demo test lint fmt bench clean

demo:
	cargo run --quiet --package drift-rust-core --example tour

test:
	cargo test --workspace --locked

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

fmt:
	cargo fmt --all

bench:
	@echo "nothing is measured yet"

clean:
	rm -rf target .run
