//! Holds the field table against every field of the generated messages.
//!
//! The messages are written out in full, without `..Default::default()`: a
//! new field in the contract does not compile here until someone has decided.

use crate::proto::check::span_wire_type;
use crate::proto::fields::{export, json_schema, span, span_status, structure, time};
use crate::proto::wire::{Content, Fields, Slice, WireType};
use prost::Message;
use tusk_drift_schemas::tusk::drift::backend::v1::ExportSpansRequest;
use tusk_drift_schemas::tusk::drift::core::v1 as contract;

/// The fields of an encoded message: number, wire type, content as text.
fn fields_of(message: &impl Message) -> Vec<(u32, WireType, String)> {
    let bytes = message.encode_to_vec();
    Fields::of(Slice {
        bytes: &bytes,
        offset: 0,
    })
    .map(|field| {
        let field = field.expect("prost writes valid fields");
        let content = match field.content {
            Content::Varint(value) => value.to_string(),
            Content::Fixed64(bits) => f64::from_bits(bits).to_string(),
            Content::Length(slice) => String::from_utf8_lossy(slice.bytes).into_owned(),
            Content::Fixed32 => String::new(),
        };
        (field.number, field.content.wire_type(), content)
    })
    .collect()
}

fn numbers_of(message: &impl Message) -> Vec<u32> {
    fields_of(message)
        .into_iter()
        .map(|(number, ..)| number)
        .collect()
}

fn full_schema(nested: bool) -> contract::JsonSchema {
    contract::JsonSchema {
        r#type: 7,
        properties: if nested {
            [("key".to_owned(), full_schema(false))].into()
        } else {
            [].into()
        },
        items: nested.then(|| Box::new(full_schema(false))),
        encoding: Some(1),
        decoded_type: Some(2),
        match_importance: Some(0.5),
    }
}

fn full_struct() -> prost_types::Struct {
    prost_types::Struct {
        fields: [("key".to_owned(), prost_types::Value { kind: None })].into(),
    }
}

#[test]
fn the_table_names_every_field_of_a_span() {
    let message = contract::Span {
        trace_id: "trace_id".into(),
        span_id: "span_id".into(),
        parent_span_id: "parent_span_id".into(),
        name: "name".into(),
        package_name: "package_name".into(),
        instrumentation_name: "instrumentation_name".into(),
        submodule_name: "submodule_name".into(),
        package_type: 11,
        input_value: Some(full_struct()),
        output_value: Some(full_struct()),
        input_schema: Some(full_schema(false)),
        output_schema: Some(full_schema(false)),
        input_schema_hash: "input_schema_hash".into(),
        output_schema_hash: "output_schema_hash".into(),
        input_value_hash: "input_value_hash".into(),
        output_value_hash: "output_value_hash".into(),
        kind: 5,
        status: Some(contract::SpanStatus {
            code: 2,
            message: "message".into(),
        }),
        is_pre_app_start: true,
        timestamp: Some(prost_types::Timestamp {
            seconds: 1,
            nanos: 2,
        }),
        duration: Some(prost_types::Duration {
            seconds: 3,
            nanos: 4,
        }),
        is_root_span: true,
        metadata: Some(full_struct()),
        environment: Some("environment".into()),
        id: Some("id".into()),
    };
    let strings = [
        (span::TRACE_ID, "trace_id"),
        (span::SPAN_ID, "span_id"),
        (span::PARENT_SPAN_ID, "parent_span_id"),
        (span::NAME, "name"),
        (span::PACKAGE_NAME, "package_name"),
        (span::INSTRUMENTATION_NAME, "instrumentation_name"),
        (span::SUBMODULE_NAME, "submodule_name"),
        (span::INPUT_SCHEMA_HASH, "input_schema_hash"),
        (span::OUTPUT_SCHEMA_HASH, "output_schema_hash"),
        (span::INPUT_VALUE_HASH, "input_value_hash"),
        (span::OUTPUT_VALUE_HASH, "output_value_hash"),
        (span::ENVIRONMENT, "environment"),
        (span::ID, "id"),
        (span::PACKAGE_TYPE, "11"),
        (span::KIND, "5"),
        (span::IS_PRE_APP_START, "1"),
        (span::IS_ROOT_SPAN, "1"),
    ];
    let messages = [
        span::INPUT_VALUE,
        span::OUTPUT_VALUE,
        span::INPUT_SCHEMA,
        span::OUTPUT_SCHEMA,
        span::STATUS,
        span::TIMESTAMP,
        span::DURATION,
        span::METADATA,
    ];
    let fields = fields_of(&message);
    assert_eq!(fields.len(), strings.len() + messages.len());
    for (number, wire_type, content) in fields {
        assert_eq!(span_wire_type(number), Some(wire_type), "field {number}");
        match strings.iter().find(|(known, _)| *known == number) {
            Some((_, expected)) => assert_eq!(content, *expected, "field {number}"),
            None => assert!(messages.contains(&number), "field {number}"),
        }
    }
}

#[test]
fn the_table_names_every_field_of_the_messages_in_a_span() {
    let status = contract::SpanStatus {
        code: 2,
        message: "message".into(),
    };
    assert_eq!(
        numbers_of(&status),
        [span_status::CODE, span_status::MESSAGE]
    );
    let timestamp = prost_types::Timestamp {
        seconds: 1,
        nanos: 2,
    };
    assert_eq!(numbers_of(&timestamp), [time::SECONDS, time::NANOS]);
    let duration = prost_types::Duration {
        seconds: 1,
        nanos: 2,
    };
    assert_eq!(numbers_of(&duration), [time::SECONDS, time::NANOS]);
    assert_eq!(
        numbers_of(&full_schema(true)),
        [
            json_schema::TYPE,
            json_schema::PROPERTIES,
            json_schema::ITEMS,
            json_schema::ENCODING,
            json_schema::DECODED_TYPE,
            json_schema::MATCH_IMPORTANCE,
        ]
    );
    assert_eq!(numbers_of(&full_struct()), [structure::FIELDS]);
    let list = prost_types::ListValue {
        values: vec![prost_types::Value { kind: None }],
    };
    assert_eq!(numbers_of(&list), [structure::LIST_VALUES]);
}

#[test]
fn the_table_names_every_kind_of_a_value() {
    use prost_types::value::Kind;
    let number = |kind: Kind| {
        // A match without a wildcard: a new kind does not compile.
        let expected = match &kind {
            Kind::NullValue(_) => structure::NULL_VALUE,
            Kind::NumberValue(_) => structure::NUMBER_VALUE,
            Kind::StringValue(_) => structure::STRING_VALUE,
            Kind::BoolValue(_) => structure::BOOL_VALUE,
            Kind::StructValue(_) => structure::STRUCT_VALUE,
            Kind::ListValue(_) => structure::LIST_VALUE,
        };
        let message = prost_types::Value { kind: Some(kind) };
        assert_eq!(numbers_of(&message), [expected]);
    };
    number(Kind::NullValue(0));
    number(Kind::NumberValue(1.0));
    number(Kind::StringValue(String::new()));
    number(Kind::BoolValue(false));
    number(Kind::StructValue(full_struct()));
    number(Kind::ListValue(prost_types::ListValue { values: vec![] }));
}

#[test]
fn the_table_names_every_field_of_an_export_request() {
    let message = ExportSpansRequest {
        observable_service_id: "a".into(),
        environment: "b".into(),
        sdk_version: "c".into(),
        sdk_instance_id: "d".into(),
        spans: vec![contract::Span::default()],
    };
    assert_eq!(
        numbers_of(&message),
        [
            export::OBSERVABLE_SERVICE_ID,
            export::ENVIRONMENT,
            export::SDK_VERSION,
            export::SDK_INSTANCE_ID,
            export::SPANS,
        ]
    );
}
