//! Batches of spans over several threads.

use drift_rust_core::{
    BatchOptions, BatchSpan, ExportHeader, SpanInput, ValueSource, process_spans, with_batch,
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

fn texts() -> Vec<String> {
    (0..120)
        .map(|place| {
            let key = format!("key_{}", place % 13);
            // Some spans are larger than the buffers that a thread moves them out of.
            let letters = if place % 10 == 0 {
                40_000
            } else {
                4000 + place
            };
            format!(
                r#"{{"z":{place},"{key}":"{}","a":[{{"n":1.5}}]}}"#,
                "é".repeat(letters)
            )
        })
        .collect()
}

#[test]
fn a_batch_gives_the_same_bytes_and_errors_on_any_number_of_threads() {
    let texts = texts();
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

#[test]
fn a_batch_that_is_worked_on_while_it_is_read_gives_the_same() {
    let texts = texts();
    let spans = spans(&texts);
    let header = ExportHeader::default();
    for threads in [0, 1, 2, 8] {
        let options = BatchOptions {
            max_message_depth: Some(4),
            threads,
        };
        let whole = process_spans(&header, &spans, options);
        let processed = with_batch(options, |mut batch| {
            for span in &spans {
                // Reading takes as long as the work on a span.
                process_spans(&header, std::slice::from_ref(span), options);
                batch.add(span);
            }
            batch.finish()
        });
        let mut request_bytes = Vec::new();
        processed
            .request(&header)
            .for_each_piece(|piece| request_bytes.extend_from_slice(piece));
        assert_eq!(request_bytes, whole.request_bytes);
        assert_eq!(processed.message_depths, whole.message_depths);
        assert_eq!(processed.errors, whole.errors);
    }
}

#[test]
fn a_batch_that_is_given_up_ends_its_threads() {
    let texts = texts();
    let spans = spans(&texts);
    for given_up_after in [0, 1, 60, 120] {
        let options = BatchOptions {
            threads: 4,
            ..BatchOptions::default()
        };
        // It would not return if a thread still waited for spans.
        let given_up = with_batch(options, |mut batch| {
            spans
                .iter()
                .take(given_up_after)
                .for_each(|span| batch.add(span));
            drop(batch);
            "given up"
        });
        assert_eq!(given_up, "given up");
    }
}
