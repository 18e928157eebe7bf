//! The committed corpus of the fuzz targets, on any toolchain.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test is what a panic is for"
)]

#[path = "checks/mod.rs"]
mod checks;
#[path = "generator/mod.rs"]
mod generator;
#[path = "reference/mod.rs"]
mod reference;

/// The inputs of a target: base64, one a line.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let text = std::fs::read_to_string(folder.join(format!("{target}.txt"))).unwrap();
    let inputs: Vec<_> = text
        .lines()
        .map(|line| reference::base64(line).unwrap())
        .collect();
    assert!(inputs.len() > 100, "{} inputs of {target}", inputs.len());
    inputs
}

#[test]
fn every_json_input_of_the_fuzz_corpus_is_read_as_the_reference_reads_it() {
    for input in corpus("json") {
        checks::text(&input);
    }
}

#[test]
fn every_payload_of_the_fuzz_corpus_is_processed_alike_with_tables_warm_and_cold() {
    for input in corpus("merges") {
        let (payload, merges) = checks::split_merges(&input);
        checks::merges_and_tables(payload, merges);
    }
}

#[test]
fn every_protobuf_input_of_the_fuzz_corpus_is_refused_or_written_again_alike() {
    for input in corpus("protobuf") {
        checks::protobuf(&input);
    }
}

#[test]
fn what_is_checked_of_a_text_takes_as_long_for_one_nested_to_the_limit() {
    for (open, inside, close) in [
        ("[", "", "]"),
        ("{\"a\":", "1", "}"),
        ("[{\"a\":", "1", "}]"),
    ] {
        let levels = drift_rust_core::MAX_DEPTH / open.matches(['[', '{']).count();
        for letter in ["a", "b", "c", "d", "e", "f"] {
            let open = open.replace('a', letter);
            checks::text((open.repeat(levels) + inside + &close.repeat(levels)).as_bytes());
        }
    }
}
