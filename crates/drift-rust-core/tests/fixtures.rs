//! Every parity fixture, answered by the core.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test is what a panic is for"
)]

#[path = "support/answer.rs"]
mod support;

use serde_json::Value as Json;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../parity-fixtures")
}

fn read(file: &Path) -> Json {
    let text = std::fs::read_to_string(file)
        .unwrap_or_else(|error| panic!("{} cannot be read: {error}", file.display()));
    serde_json::from_str(&text).unwrap()
}

/// Whether an answer has all that is expected. An expectation may leave out
/// what it does not pin (the offset in protobuf bytes, say), the answer may not.
fn meets(expect: &Json, answer: &Json) -> bool {
    match (expect, answer) {
        (Json::Object(expect), Json::Object(answer)) => expect
            .iter()
            .all(|(name, value)| meets(value, answer.get(name).unwrap_or(&Json::Null))),
        (Json::Array(expect), Json::Array(answer)) => {
            expect.len() == answer.len()
                && expect
                    .iter()
                    .zip(answer)
                    .all(|(expect, answer)| meets(expect, answer))
        }
        _ => expect == answer,
    }
}

#[test]
fn every_fixture_gets_the_expected_answer() {
    let manifest = read(&folder().join("manifest.json"));
    let files = manifest["files"].as_object().unwrap();
    let (mut run, mut expected, mut failures) = (0, 0, Vec::new());
    for (file, entry) in files {
        let fixtures = read(&folder().join(file));
        let fixtures = fixtures.as_array().unwrap();
        expected += entry["count"].as_u64().unwrap();
        for fixture in fixtures {
            run += 1;
            let call = fixture["call"].as_str().unwrap();
            let answer = support::answer(call, fixture["args"].as_object().unwrap());
            if !meets(&fixture["expect"], &answer) {
                failures.push(format!(
                    "{file}: {}\n  expected {}\n  got      {answer}",
                    fixture["name"], fixture["expect"]
                ));
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {run} fixtures:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert_eq!(
        run, expected,
        "the manifest counts other fixtures than the files hold"
    );
    assert!(run >= 200, "only {run} fixtures");
}
