//! Properties that hold for every value, on generated ones.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test is what a panic is for"
)]

use drift_rust_core::*;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use prost::Message as _;
use prost_types::value::Kind;
use serde_json::Value as Json;
use tusk_drift_schemas::tusk::drift::backend::v1::ExportSpansRequest;
use tusk_drift_schemas::tusk::drift::core::v1 as contract;

/// Any JSON value up to some levels, with keys that collide and differ in
/// their normalisation, and characters on both sides of U+E000.
fn json(levels: u32) -> impl Strategy<Value = Json> {
    let text = prop_oneof![
        any::<String>(),
        "[a-c\"\\\\\u{1}\n\u{e9}\u{e000}\u{10000}]{0,6}",
        Just(String::new()),
        Just("e\u{301}".to_owned()),
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        (-1000i32..1000).prop_map(|n| Json::from(f64::from(n) / 8.0)),
        text.clone().prop_map(Json::from),
    ];
    leaf.prop_recursive(levels, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Json::from),
            prop::collection::vec((text.clone(), inner), 0..8)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

fn object(levels: u32) -> impl Strategy<Value = Json> {
    prop::collection::vec(("[a-e]{0,3}", json(levels)), 0..6)
        .prop_map(|members| Json::Object(members.into_iter().collect()))
}

/// The text of a value with its members in reverse order and white space.
fn reversed_text(value: &Json) -> String {
    match value {
        Json::Array(items) => {
            let items: Vec<_> = items.iter().map(reversed_text).collect();
            format!("[ {}\n]", items.join(" ,\t"))
        }
        Json::Object(members) => {
            let members: Vec<_> = members
                .iter()
                .rev()
                .map(|(key, value)| {
                    format!("{} :\r{}", Json::from(key.as_str()), reversed_text(value))
                })
                .collect();
            format!("{{{} }}", members.join(", "))
        }
        leaf => leaf.to_string(),
    }
}

fn same_struct_value(decoded: &prost_types::Value, json: &Json) -> bool {
    match (decoded.kind.as_ref(), json) {
        (Some(Kind::NullValue(0)), Json::Null) => true,
        (Some(Kind::BoolValue(left)), Json::Bool(right)) => left == right,
        (Some(Kind::StringValue(left)), Json::String(right)) => left == right,
        (Some(Kind::NumberValue(left)), Json::Number(right)) => {
            right.as_f64().map(f64::to_bits) == Some(left.to_bits())
        }
        (Some(Kind::ListValue(left)), Json::Array(right)) => {
            left.values.len() == right.len()
                && left
                    .values
                    .iter()
                    .zip(right)
                    .all(|(l, r)| same_struct_value(l, r))
        }
        (Some(Kind::StructValue(left)), Json::Object(_)) => same_struct(left, json),
        _ => false,
    }
}

fn same_struct(decoded: &prost_types::Struct, json: &Json) -> bool {
    let members = json.as_object().unwrap();
    decoded.fields.len() == members.len()
        && members.iter().all(|(key, value)| {
            decoded
                .fields
                .get(key)
                .is_some_and(|field| same_struct_value(field, value))
        })
}

/// 400 cases from a fixed seed; `PROPTEST_CASES` and `PROPTEST_RNG_SEED` ask for others.
fn config() -> ProptestConfig {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    ProptestConfig {
        cases: number("PROPTEST_CASES").map_or(400, |cases: u64| cases as u32),
        rng_seed: RngSeed::Fixed(number("PROPTEST_RNG_SEED").unwrap_or(20_261_121)),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn canonicalising_twice_changes_nothing(value in json(5), rfc8785 in any::<bool>()) {
        let profile = if rfc8785 { Profile::Rfc8785 } else { Profile::Drift };
        let once = normalize_json_as(&value.to_string(), profile).unwrap();
        prop_assert_eq!(normalize_json_as(&once, profile).unwrap(), once);
    }

    #[test]
    fn equal_values_hash_equal_whatever_the_key_order(value in json(5)) {
        prop_assert_eq!(
            normalize_and_hash(&reversed_text(&value)).unwrap(),
            normalize_and_hash(&value.to_string()).unwrap()
        );
    }

    #[test]
    fn text_and_native_values_give_the_same_canonical_form(value in json(5)) {
        let native = Document::from_value(&value, ValueOptions::default()).unwrap();
        prop_assert_eq!(native.to_canonical_json(), normalize_json(&value.to_string()).unwrap());
    }

    #[test]
    fn the_canonical_form_reads_back_as_the_same_value(value in json(5)) {
        let canonical = normalize_json(&value.to_string()).unwrap();
        prop_assert_eq!(serde_json::from_str::<Json>(&canonical).unwrap(), value);
    }

    #[test]
    fn struct_bytes_decode_with_prost_to_the_same_value(value in object(8)) {
        let bytes = object_to_protobuf_struct_bytes(&value.to_string()).unwrap();
        let decoded = prost_types::Struct::decode(&bytes[..]).unwrap();
        prop_assert!(same_struct(&decoded, &value), "{:?}", decoded);
        prop_assert_eq!(decoded.encoded_len(), bytes.len());
    }

    #[test]
    fn struct_bytes_of_up_to_32_levels_decode_with_prost(
        value in object(2), lists in prop::collection::vec(any::<bool>(), 0..29),
    ) {
        // The value inside so many lists and objects, each with a sibling.
        let value = lists.into_iter().fold(value, |inner, list| match list {
            true => Json::from(vec![inner, Json::Null]),
            false => serde_json::json!({"inner": inner, "beside": 0.5}),
        });
        let value = serde_json::json!({"deep": value});
        let bytes = object_to_protobuf_struct_bytes(&value.to_string()).unwrap();
        let decoded = prost_types::Struct::decode(&bytes[..]).unwrap();
        prop_assert!(same_struct(&decoded, &value), "{:?}", decoded);
    }

    #[test]
    fn struct_bytes_read_back_to_the_same_doubles(value in object(8)) {
        let bytes = object_to_protobuf_struct_bytes(&value.to_string()).unwrap();
        let read = struct_to_json(&bytes).unwrap();
        prop_assert_eq!(object_to_protobuf_struct_bytes(&read).unwrap(), bytes);
    }

    #[test]
    fn a_span_decodes_with_the_generated_types(
        input in object(4), output in object(4), metadata in object(2),
        name in any::<String>(), seconds in any::<i64>(), nanos in any::<i32>(),
        kind in 0..6i32, environment in any::<Option<String>>(),
    ) {
        let (input, output) = (input.to_string(), output.to_string());
        let metadata_text = metadata.to_string();
        let span = process_span(&SpanInput {
            fields: SpanFields {
                name: &name,
                kind,
                timestamp_seconds: seconds,
                timestamp_nanos: nanos,
                environment: environment.as_deref(),
                is_root_span: true,
                ..Default::default()
            },
            input: ValueSource::Json((&input).into()),
            output: ValueSource::Json((&output).into()),
            metadata: ValueSource::Json((&metadata_text).into()),
            ..Default::default()
        }).unwrap();
        let decoded = contract::Span::decode(&span.span_bytes[..]).unwrap();
        prop_assert_eq!(decoded.encoded_len(), span.span_bytes.len());
        prop_assert_eq!(&decoded.name, &name);
        prop_assert_eq!(decoded.kind, kind);
        prop_assert_eq!(&decoded.environment, &environment);
        prop_assert!(decoded.is_root_span);
        prop_assert_eq!(decoded.timestamp, Some(prost_types::Timestamp { seconds, nanos }));
        prop_assert_eq!(&decoded.input_value_hash, &deterministic_hash(&input).unwrap());
        prop_assert_eq!(
            &decoded.output_schema_hash,
            &deterministic_hash(&span.output.schema_json).unwrap()
        );
        prop_assert!(same_struct(&decoded.metadata.unwrap(), &metadata));
        let schema = schema_json(&decoded.input_schema.unwrap());
        prop_assert_eq!(normalize_json(&schema.to_string()).unwrap(), span.input.schema_json.clone());

        // In a request, and read back.
        let request = build_export_spans_request_bytes(
            &ExportHeader { sdk_version: "1", ..Default::default() },
            &[&span.span_bytes[..]],
        ).unwrap();
        let decoded = ExportSpansRequest::decode(&request[..]).unwrap();
        prop_assert_eq!(decoded.spans.len(), 1);
        let read = span_to_json(&span.span_bytes).unwrap();
        prop_assert!(export_request_to_json(&request).unwrap().contains(&read));
        prop_assert_eq!(diff_spans(&span.span_bytes, &span.span_bytes).unwrap(), []);
    }

    #[test]
    fn two_values_differ_exactly_when_their_canonical_bytes_do(left in json(3), right in json(3)) {
        let (left, right) = (left.to_string(), right.to_string());
        let differences = diff_json(&left, &right).unwrap();
        prop_assert_eq!(
            differences.is_empty(),
            normalize_json(&left).unwrap() == normalize_json(&right).unwrap()
        );
        let back = diff_json(&right, &left).unwrap();
        prop_assert_eq!(back.len(), differences.len());
        for (there, back) in differences.iter().zip(&back) {
            prop_assert_eq!((&there.left, &there.right), (&back.right, &back.left));
        }
    }

    #[test]
    fn no_bytes_make_a_call_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        exercise(&bytes);
    }

    #[test]
    fn no_damaged_json_makes_a_call_panic(value in json(4), at in any::<usize>(), byte in any::<u8>()) {
        let mut text = value.to_string().into_bytes();
        let at = at % text.len();
        text[at] = byte;
        exercise(&text);
        text.truncate(at);
        exercise(&text);
    }

    #[test]
    fn no_damaged_span_makes_a_call_panic(value in object(4), at in any::<usize>(), byte in any::<u8>()) {
        let text = value.to_string();
        let span = process_span(&SpanInput {
            input: ValueSource::Json((&text).into()),
            ..Default::default()
        }).unwrap();
        let mut bytes = span.span_bytes.into_vec();
        let at = at % bytes.len();
        bytes[at] = byte;
        exercise(&bytes);
        bytes.truncate(at);
        exercise(&bytes);
    }
}

fn schema_json(schema: &contract::JsonSchema) -> Json {
    let properties: serde_json::Map<_, _> = schema
        .properties
        .iter()
        .map(|(key, property)| (key.clone(), schema_json(property)))
        .collect();
    let mut members = serde_json::Map::new();
    members.insert("type".into(), schema.r#type.into());
    members.insert("properties".into(), properties.into());
    if let Some(items) = &schema.items {
        members.insert("items".into(), schema_json(items));
    }
    members.into()
}

/// Calls everything that takes bytes; whatever comes back is fine, and what
/// is accepted must stay accepted when it goes on.
fn exercise(bytes: &[u8]) {
    for profile in [Profile::Drift, Profile::Rfc8785] {
        if let Ok(text) = normalize_json_as(bytes, profile) {
            assert_eq!(normalize_json_as(&text, profile).unwrap(), text);
        }
    }
    let _ = process_export_payload(bytes, Some(bytes));
    let _ = diff_json(bytes, "{}");
    let _ = span_to_json(bytes);
    let _ = export_request_to_json(bytes);
    let _ = diff_export_requests(bytes, bytes);
    if let Ok(json) = struct_to_json(bytes) {
        assert!(normalize_json(&json).is_ok());
    }
    let batch = process_spans(
        &ExportHeader::default(),
        &[BatchSpan::Encoded(bytes)],
        BatchOptions {
            max_message_depth: Some(100),
            ..BatchOptions::default()
        },
    );
    assert_eq!(batch.message_depths.len(), 1);
    let _ = build_export_spans_request_bytes(&ExportHeader::default(), &[bytes]);
    let _ = replace_surrogates(bytes.to_vec());
}
