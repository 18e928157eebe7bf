//! What a user relies on when bodies come compressed, or become another thing.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may end by a panic"
)]

use super::tests::{answer, recorded, shown};
use super::*;
use std::io::Write as _;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_body_that_was_recorded_compressed_is_compared_as_what_it_says() {
    let compare = |body: &[u8], encoding: &str, now: &[u8]| {
        compare_response(
            &recorded(
                200,
                &format!(r#"{{"Content-Encoding":"{encoding}"}}"#),
                body,
                Some(1),
            ),
            &answer(200, &[("content-encoding", encoding)], now),
            &Rules::default(),
        )
    };
    let old = gzip(br#"{"a":1}"#);
    assert_eq!(compare(&old, "gzip", br#"{"a":1}"#), Comparison::default());
    assert_eq!(
        shown(&compare(&old, "gzip", br#"{"a":2}"#)),
        ["BODY_CHANGED $.a 1 2"]
    );
    // Node's SDK records what was before the encoding, beside the same header.
    let plain = compare(br#"{"a":1}"#, "gzip", br#"{"a":2}"#);
    assert_eq!(shown(&plain), ["BODY_CHANGED $.a 1 2"]);
    // Both sides of an encoding that cannot be decoded are bytes.
    assert_eq!(compare(&[0xff, 1], "br", &[0xff, 1]), Comparison::default());
}

#[test]
fn a_path_that_wsgi_recorded_as_latin_1_is_named_as_it_reads() {
    let name = |instrumentation: &str, target: &str| {
        request_name(&Span {
            instrumentation_name: instrumentation.to_owned(),
            input_value: Some(format!(r#"{{"method":"GET","target":"{target}"}}"#)),
            ..Span::default()
        })
    };
    let flask = |target| name("FlaskInstrumentation", target);
    assert_eq!(flask("/caf\u{c3}\u{a9}"), "GET /caf\u{e9}");
    assert_eq!(flask("/\u{e9}"), "GET /\u{e9}");
    assert_eq!(flask("/\u{6771}"), "GET /\u{6771}");
    assert_eq!(
        name("FastAPIInstrumentation", "/\u{c3}\u{a9}"),
        "GET /\u{c3}\u{a9}"
    );
}
