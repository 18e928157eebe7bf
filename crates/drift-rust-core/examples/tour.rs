//! A tour of the core: `cargo run --example tour`.

#![allow(clippy::print_stdout, reason = "an example prints")]

use drift_rust_core::{
    SpanInput, ValueSource, diff_json, normalize_and_hash, process_span, span_to_json,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for text in [
        r#"{"total": 3, "id": 12345678901234567890}"#,
        r#"{"id":12345678901234567890,"total":3}"#,
    ] {
        let (canonical, hash) = normalize_and_hash(text)?;
        println!("{text}\n  canonical {canonical}\n  hash      {hash}");
    }

    let mut input = SpanInput::default();
    input.fields.name = "GET /orders";
    input.input = ValueSource::Json(r#"{"path": "/orders", "query": {"page": "2"}}"#.into());
    input.output = ValueSource::Json(r#"{"status": 200, "rows": [{"id": 1}]}"#.into());
    let span = process_span(&input)?;
    println!(
        "\nspan of {} bytes, input schema {}\nread back: {}",
        span.span_bytes.len(),
        span.input.schema_json,
        span_to_json(&span.span_bytes)?
    );

    println!("\nwhat changed between two responses:");
    for difference in diff_json(
        r#"{"status": 200, "rows": [{"id": 1}]}"#,
        r#"{"status": 200, "rows": [{"id": 1, "name": "a"}]}"#,
    )? {
        println!(
            "  {} {} {:?} -> {:?}",
            difference.kind.as_str(),
            difference.path,
            difference.left,
            difference.right
        );
    }
    Ok(())
}
