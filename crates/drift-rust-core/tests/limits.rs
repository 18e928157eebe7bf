//! Limits are refused one step beyond, and pass one step below.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test is what a panic is for"
)]

use drift_rust_core::*;
use prost::Message as _;
use tusk_drift_schemas::tusk::drift::backend::v1::ExportSpansRequest;

fn objects(levels: usize) -> String {
    format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels))
}

fn arrays(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

#[test]
fn a_payload_of_127_levels_passes_and_one_of_128_is_refused() {
    for text in [objects(MAX_DEPTH), arrays(MAX_DEPTH)] {
        assert_eq!(normalize_json(&text).unwrap(), text);
        assert_eq!(
            process_export_payload(&text, None::<&str>)
                .unwrap()
                .normalized_json,
            text
        );
    }
    let refused = normalize_json(&arrays(MAX_DEPTH + 1)).unwrap_err();
    assert_eq!(
        refused,
        JsonError::DepthExceeded {
            offset: MAX_DEPTH,
            limit: MAX_DEPTH
        }
    );
    let refused = normalize_json(&objects(MAX_DEPTH + 1)).unwrap_err();
    assert_eq!(refused.offset(), Some(5 * MAX_DEPTH));
}

#[test]
fn a_native_value_of_128_levels_is_refused_with_its_path() {
    let value = |levels| (0..levels).fold(serde_json::Value::Null, |v, _| serde_json::json!([v]));
    assert!(process_export_payload_value(&value(MAX_DEPTH), None).is_ok());
    let refused = process_export_payload_value(&value(MAX_DEPTH + 1), None).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::DepthExceeded);
    assert_eq!(
        refused.path().unwrap(),
        format!("${}", "[0]".repeat(MAX_DEPTH))
    );
}

#[test]
fn a_text_nested_a_hundred_thousand_deep_is_an_error_and_no_crash() {
    for text in ["[".repeat(100_000), r#"{"a":"#.repeat(100_000)] {
        assert_eq!(
            normalize_json(&text).unwrap_err().code(),
            ErrorCode::DepthExceeded
        );
    }
}

#[test]
fn the_depth_limit_of_the_rust_api_is_an_option_with_a_ceiling() {
    let options = ValueOptions::default().with_max_depth(100_000);
    assert_eq!(options.max_depth(), MAX_DEPTH_LIMIT);
    let text = objects(MAX_DEPTH_LIMIT);
    let document = Document::parse(&text, options).unwrap();
    assert_eq!(document.to_canonical_json(), text);
    let bytes = Payload::new(document, &SchemaMerges::none()).struct_bytes();
    assert_eq!(struct_to_json(&bytes).unwrap(), text);
    assert!(Document::parse(&objects(3), ValueOptions::default().with_max_depth(2)).is_err());
}

#[test]
fn the_schema_of_the_deepest_payload_is_taken_as_an_argument_and_read_back() {
    let text = objects(MAX_DEPTH);
    let payload = process_export_payload(&text, None::<&str>).unwrap();
    let schema = payload.decoded_schema_json;
    let document = Document::parse(&schema, ValueOptions::for_schema()).unwrap();
    let schema_argument = Schema::from_document(&document);
    assert_eq!(schema_argument.to_canonical_json(), schema);
    let bytes = build_span_proto_bytes(
        &SpanFields::default(),
        &SpanContents {
            input_schema: Some(&schema_argument),
            input_value: StructSource::Bytes(&payload.protobuf_struct_bytes),
            ..Default::default()
        },
    )
    .unwrap();
    let read = span_to_json(&bytes).unwrap();
    assert!(read.contains(&schema));
    assert!(read.contains(&text));
}

#[test]
fn a_decoded_body_counts_its_levels_from_its_own_root() {
    let body = arrays(MAX_DEPTH);
    let payload = format!(r#"{{"body":"{body}"}}"#);
    let merges = r#"{"body":{"decoded_type":1}}"#;
    let processed = process_export_payload(&payload, Some(merges)).unwrap();
    assert_eq!(processed.decoded_json(), format!(r#"{{"body":{body}}}"#));
    // One level more stays text.
    let payload = format!(r#"{{"body":"{}"}}"#, arrays(MAX_DEPTH + 1));
    let processed = process_export_payload(&payload, Some(merges)).unwrap();
    assert!(processed.decoded_is_normalized());
}

#[test]
fn a_span_of_34_object_levels_no_longer_takes_the_export_request_with_it() {
    let deep = objects(34);
    let span = process_span(&SpanInput {
        input: ValueSource::Json((&deep).into()),
        ..Default::default()
    })
    .unwrap();
    assert_eq!(span.message_depth, 1 + 3 * 34);
    let shallow = process_span(&SpanInput::default()).unwrap().span_bytes;
    let request = build_export_spans_request_bytes(
        &ExportHeader::default(),
        &[&span.span_bytes[..], &shallow],
    )
    .unwrap();
    assert!(export_request_to_json(&request).unwrap().contains(&deep));
    // What many receivers do with it, and what max_message_depth is for.
    assert!(ExportSpansRequest::decode(&request[..]).is_err());
    let spans = [
        BatchSpan::Encoded(&span.span_bytes),
        BatchSpan::Encoded(&shallow),
    ];
    let options = BatchOptions {
        max_message_depth: Some(100),
        ..BatchOptions::default()
    };
    let batch = process_spans(&ExportHeader::default(), &spans, options);
    assert_eq!(batch.errors.len(), 1);
    assert_eq!(batch.errors[0].index(), Some(0));
    assert_eq!(batch.message_depths, [Some(103), Some(2)]);
    assert_eq!(
        ExportSpansRequest::decode(&batch.request_bytes[..])
            .unwrap()
            .spans
            .len(),
        1
    );
}

#[test]
fn a_span_within_a_hundred_nested_messages_is_taken_by_a_receiver_with_that_limit() {
    for levels in 1..=33 {
        let text = objects(levels);
        let span = process_span(&SpanInput {
            input: ValueSource::Json((&text).into()),
            ..Default::default()
        })
        .unwrap();
        assert!(span.message_depth <= 100);
        let request =
            build_export_spans_request_bytes(&ExportHeader::default(), &[&span.span_bytes[..]]);
        assert!(
            ExportSpansRequest::decode(&request.unwrap()[..]).is_ok(),
            "{levels} levels"
        );
    }
}

#[test]
fn the_depth_of_encoded_spans_is_the_one_that_the_writer_counted() {
    let texts = [
        "{}",
        r#"{"a":1}"#,
        r#"{"a":{}}"#,
        r#"{"a":[]}"#,
        r#"{"a":[[{"b":[1]}]],"c":null}"#,
        r#"{"":{"":{}}}"#,
    ];
    for text in texts {
        let span = process_span(&SpanInput {
            output: ValueSource::Json(text.into()),
            ..Default::default()
        })
        .unwrap();
        let batch = process_spans(
            &ExportHeader::default(),
            &[BatchSpan::Encoded(&span.span_bytes)],
            BatchOptions::default(),
        );
        assert_eq!(batch.message_depths, [Some(span.message_depth)], "{text}");
    }
}

#[test]
fn integers_of_any_size_keep_every_digit() {
    let digits = "9".repeat(20_000);
    let text = format!(r#"{{"n":{digits},"m":-{digits}}}"#);
    let payload = process_export_payload(&text, None::<&str>).unwrap();
    assert_eq!(
        payload.normalized_json,
        format!(r#"{{"m":-{digits},"n":{digits}}}"#)
    );
    let read = struct_to_json(&payload.protobuf_struct_bytes).unwrap();
    assert_eq!(
        read,
        r#"{"m":-1.7976931348623157e+308,"n":1.7976931348623157e+308}"#
    );
    let rfc8785 = normalize_json_as(&digits, Profile::Rfc8785).unwrap_err();
    assert_eq!(rfc8785.code(), ErrorCode::NumberOutOfRange);
}

#[test]
fn a_million_keys_are_sorted_and_the_last_of_a_repeated_one_wins() {
    let members: Vec<_> = (0..500_000u32)
        .rev()
        .map(|n| format!(r#""key{:06}":{n}"#, n / 2 * 2))
        .collect();
    let text = format!("{{{}}}", members.join(","));
    let normalized = normalize_json(&text).unwrap();
    assert!(normalized.starts_with(r#"{"key000000":0,"key000002":2,"#));
    assert_eq!(
        object_to_protobuf_struct_field_count(&text).unwrap(),
        250_000
    );
}

#[test]
fn keys_that_differ_only_in_normalisation_stay_two_keys() {
    let text = "{\"e\u{301}\":1,\"\u{e9}\":2}";
    assert_eq!(normalize_json(text).unwrap(), text);
}

#[test]
fn empty_everything_is_fine() {
    for (text, field_count) in [
        ("{}", 0),
        ("[]", 0),
        (r#""""#, 0),
        (r#"{"":""}"#, 1),
        (r#"{"":{}}"#, 1),
    ] {
        let payload = process_export_payload(text, Some("{}")).unwrap();
        assert_eq!(payload.normalized_json, text);
        assert_eq!(
            object_to_protobuf_struct_field_count(text).unwrap(),
            field_count
        );
    }
    // Absent fields read back as their defaults; only metadata shows whether it was there.
    let built = build_span_proto_bytes(&SpanFields::default(), &SpanContents::default()).unwrap();
    let read = span_to_json(&built).unwrap();
    assert_eq!(
        span_to_json(b"").unwrap(),
        read.replace(r#""metadata":{},"#, "")
    );
    assert_eq!(struct_to_json(b"").unwrap(), "{}");
    assert!(
        build_export_spans_request_bytes(&ExportHeader::default(), &[b""; 0])
            .unwrap()
            .is_empty()
    );
    assert_eq!(normalize_json("").unwrap_err().offset(), Some(0));
}

/// A field of bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = content.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(content);
    out
}

#[test]
fn struct_bytes_nested_beyond_reason_are_an_error_and_no_crash() {
    // Each level is an object in an object; in the second form each is also
    // replaced by a string, and so read only to be thrown away.
    for replaced in [&b""[..], b"\x1a\x01x"] {
        let mut bytes = Vec::new();
        for _ in 0..2_000 {
            let mut value = field(5, &bytes);
            value.extend_from_slice(replaced);
            bytes = field(1, &field(2, &value));
        }
        let refused = struct_to_json(&bytes).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::DepthExceeded);
    }
    // Lists in lists, and schemas in schemas.
    let mut list = Vec::new();
    let mut items = Vec::new();
    let mut properties = Vec::new();
    for _ in 0..2_000 {
        list = field(6, &field(1, &list));
        items = field(3, &items);
        properties = field(2, &field(2, &properties));
    }
    let bytes = field(1, &field(2, &list));
    assert!(struct_to_json(&bytes).is_err());
    assert!(span_to_json(&field(11, &items)).is_err());
    assert!(span_to_json(&field(11, &properties)).is_err());
}

#[test]
fn the_deepest_documents_fit_the_stack_of_a_small_thread() {
    // 1 MiB is what Python threads have on Alpine Linux; a debug build needs
    // more than a release does, so there it is the default of a Rust thread.
    let stack_bytes = if cfg!(debug_assertions) {
        2 << 20
    } else {
        1 << 19
    };
    let work = || {
        let options = ValueOptions::default().with_max_depth(MAX_DEPTH_LIMIT);
        let text = objects(MAX_DEPTH_LIMIT);
        let payload = Payload::new(
            Document::parse(&text, options).unwrap(),
            &SchemaMerges::none(),
        );
        let processed = payload.process();
        let read = struct_to_json(&processed.protobuf_struct_bytes).unwrap();
        let schema = payload.schema();
        let span = build_span_proto_bytes(
            &SpanFields::default(),
            &SpanContents {
                input_schema: Some(&schema),
                ..Default::default()
            },
        )
        .unwrap();
        assert!(
            span_to_json(&span)
                .unwrap()
                .contains(&processed.decoded_schema_json)
        );
        assert_eq!(diff_spans(&span, &span).unwrap(), []);
        assert_eq!(read, text);
    };
    let thread = std::thread::Builder::new().stack_size(stack_bytes);
    thread.spawn(work).unwrap().join().unwrap();
}

#[test]
fn an_exponent_of_any_length_is_counted_whole() {
    let zeros = |count| "0".repeat(count);
    let cases = [
        (format!("0.{}1e655360", zeros(655_359)), "1.0"),
        (format!("-0.{}25E+0655360", zeros(655_360)), "-0.25"),
        (format!("1{}e-700000", zeros(700_000)), "1.0"),
        (format!("1{}.5e-1000000", zeros(1_000_000)), "1.0"),
        (format!("0.{}1e1000001", zeros(1_000_000)), "1.0"),
        (format!("0.{}1e655361", zeros(655_359)), "10.0"),
        ("1e-99999999999999999999".to_owned(), "0.0"),
        ("-1e-999999".to_owned(), "-0.0"),
        ("0e99999999999999999999".to_owned(), "0.0"),
        ("0.000e-99999999999999999999".to_owned(), "0.0"),
        (
            "17976931348623157e0000000292".to_owned(),
            "1.7976931348623157e+308",
        ),
        ("5e-000000324".to_owned(), "5e-324"),
        ("2e-000000324".to_owned(), "0.0"),
    ];
    for (token, expected) in cases {
        let shown = token.get(..40).unwrap_or(&token);
        assert_eq!(normalize_json(&token).as_deref(), Ok(expected), "{shown}");
    }
    for token in ["1e999999", "-1e99999999999999999999", "1.8e0000000308"] {
        assert_eq!(
            normalize_json(token).unwrap_err(),
            JsonError::NumberOutOfRange { offset: 0 }
        );
    }
}
