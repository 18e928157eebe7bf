//! Batches of spans over several threads.

use drift_rust_core::{
    BatchOptions, BatchSpan, ExportHeader, SpanInput, ValueSource, process_spans,
};

/// Spans of 8 kB and more; every seventh is bad, every fifth is encoded already.
fn spans(texts: &[String]) -> Vec<BatchSpan<'_>> {
    texts
        .iter()
        .enumerate()
        .map(|(place, text)| match place {
            place if place % 7 == 3 => BatchSpan::Input(Box::new(SpanInput {
                input: ValueSource::Json(text[1..].into()),
                ..SpanInput::default()
            })),
            place if place % 5 == 1 => BatchSpan::Encoded(b"\x0a\x01a"),
            _ => BatchSpan::Input(Box::new(SpanInput {
                input: ValueSource::Json(text.into()),
                output: ValueSource::Json(r#"{"b":1,"a":[true,null]}"#.into()),
                ..SpanInput::default()
            })),
        })
        .collect()
}

#[test]
fn a_batch_gives_the_same_bytes_and_errors_on_any_number_of_threads() {
    let texts: Vec<String> = (0..120)
        .map(|place| {
            let key = format!("key_{}", place % 13);
            format!(
                r#"{{"z":{place},"{key}":"{}","a":[{{"n":1.5}}]}}"#,
                "é".repeat(4000 + place)
            )
        })
        .collect();
    let spans = spans(&texts);
    let header = ExportHeader {
        environment: "test",
        ..ExportHeader::default()
    };
    let on = |threads| {
        let options = BatchOptions {
            threads,
            ..BatchOptions::default()
        };
        process_spans(&header, &spans, options)
    };
    let alone = on(0);
    assert_eq!(alone.errors.len(), 17);
    assert_eq!(alone.message_depths.len(), 120);
    for threads in [1, 2, 3, 8, 1000] {
        assert_eq!(on(threads), alone, "{threads} threads");
    }
}

#[test]
fn a_small_batch_takes_no_threads_and_an_empty_one_is_empty() {
    let options = BatchOptions {
        threads: 8,
        ..BatchOptions::default()
    };
    let batch = process_spans(&ExportHeader::default(), &[], options);
    assert_eq!(batch.request_bytes, b"");
    let small = [BatchSpan::Encoded(b"\x0a\x01a")];
    let batch = process_spans(&ExportHeader::default(), &small, options);
    assert_eq!(batch.request_bytes, b"\x2a\x03\x0a\x01a");
}
