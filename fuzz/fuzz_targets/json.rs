//! JSON in: values, canonical forms, hash, schema, Struct bytes and refusals of
//! every entry as the reference has them, while the tables learn the shapes.
#![no_main]

#[path = "../../crates/drift-rust-core/tests/checks/mod.rs"]
mod checks;
#[path = "../../crates/drift-rust-core/tests/generator/mod.rs"]
mod generator;
#[path = "../../crates/drift-rust-core/tests/reference/mod.rs"]
mod reference;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::text(bytes));
