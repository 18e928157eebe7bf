//! Protobuf in: what is read and what is refused, as the reference has it, and round trips.
#![no_main]

#[path = "../../crates/drift-rust-core/tests/checks/mod.rs"]
mod checks;
#[path = "../../crates/drift-rust-core/tests/generator/mod.rs"]
mod generator;
#[path = "../../crates/drift-rust-core/tests/reference/mod.rs"]
mod reference;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::protobuf(bytes));
