//! JSON in: values, canonical forms, hash, schema, Struct bytes and refusals as the reference has them.
#![no_main]

#[path = "../../crates/drift-rust-core/tests/checks/mod.rs"]
mod checks;
#[path = "../../crates/drift-rust-core/tests/reference/mod.rs"]
mod reference;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::text(bytes));
