//! A payload, the byte 0xFF and merges: against the reference, with tables warm and cold.
#![no_main]

#[path = "../../crates/drift-rust-core/tests/checks/mod.rs"]
mod checks;
#[path = "../../crates/drift-rust-core/tests/generator/mod.rs"]
mod generator;
#[path = "../../crates/drift-rust-core/tests/reference/mod.rs"]
mod reference;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (payload, merges) = checks::split_merges(bytes);
    checks::merges_and_tables(payload, merges);
});
