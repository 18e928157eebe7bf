//! What a user relies on when the message of an SDK becomes a request.

mod support;

use drift_replay::{MockRequest, SpanKind};
use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};
use support::levels::*;
use support::{Call, matcher_of, trace_id};
use tusk_drift_schemas::tusk::drift::core::v1::{
    GetMockRequest, JsonSchema, JsonSchemaType, Span as WireSpan,
};

fn string(text: &str) -> Value {
    Value {
        kind: Some(Kind::StringValue(text.to_owned())),
    }
}

fn number(value: f64) -> Value {
    Value {
        kind: Some(Kind::NumberValue(value)),
    }
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Struct {
    Struct {
        fields: fields
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    }
}

#[test]
fn the_message_of_an_sdk_matches_the_line_that_it_recorded() {
    let recorded = Call::new(
        "psycopg2",
        r#"{"query":"SELECT 1","parameters":[1,2.5,9007199254740992,null,true]}"#,
        r#"{"type":6,"properties":{"query":{"type":2,"properties":{}},"parameters":{"type":7,"properties":{},"items":{"type":1,"properties":{}},"match_importance":0.0}}}"#,
    )
    .unhashed();
    let list = [
        number(1.0),
        number(2.5),
        number(9_007_199_254_740_992.0),
        Value {
            kind: Some(Kind::NullValue(0)),
        },
        Value {
            kind: Some(Kind::BoolValue(true)),
        },
    ];
    let schema = |of: JsonSchemaType| JsonSchema {
        r#type: of.into(),
        ..JsonSchema::default()
    };
    let message = GetMockRequest {
        request_id: "1".to_owned(),
        test_id: trace_id(1),
        outbound_span: Some(WireSpan {
            package_name: "psycopg2".to_owned(),
            // As npm 0.1.27 numbers CLIENT.
            kind: 2,
            input_value: Some(object([
                ("query", string("SELECT 1")),
                (
                    "parameters",
                    Value {
                        kind: Some(Kind::ListValue(ListValue {
                            values: list.to_vec(),
                        })),
                    },
                ),
            ])),
            input_schema: Some(JsonSchema {
                properties: [
                    ("query".to_owned(), schema(JsonSchemaType::String)),
                    (
                        "parameters".to_owned(),
                        JsonSchema {
                            match_importance: Some(0.0),
                            ..schema(JsonSchemaType::OrderedList)
                        },
                    ),
                ]
                .into(),
                ..schema(JsonSchemaType::Object)
            }),
            ..WireSpan::default()
        }),
        stack_trace: "at main".to_owned(),
        ..GetMockRequest::default()
    };
    let request = MockRequest::from_message(&message).expect("the message is whole");
    assert_eq!(request.span.kind, SpanKind::Client);
    assert_eq!(request.span.stack_trace, "at main");
    assert_eq!(request.span.output_value, None);
    let (_directory, matcher) = matcher_of("message", &[(1, vec![recorded])]);
    assert_eq!(level(&matcher, &matcher.answer(&request)), with(VALUE, 1));
}

#[test]
fn a_number_that_json_does_not_have_is_the_null_that_was_recorded_for_it() {
    let recorded = Call::new("redis", r#"{"n":[null]}"#, "{}").unhashed();
    let list = ListValue {
        values: vec![number(f64::NAN)],
    };
    let message = GetMockRequest {
        test_id: trace_id(1),
        outbound_span: Some(WireSpan {
            package_name: "redis".to_owned(),
            input_value: Some(object([(
                "n",
                Value {
                    kind: Some(Kind::ListValue(list)),
                },
            )])),
            ..WireSpan::default()
        }),
        ..GetMockRequest::default()
    };
    let request = MockRequest::from_message(&message).expect("the message is whole");
    let (_directory, matcher) = matcher_of("not-a-number", &[(1, vec![recorded])]);
    assert_eq!(level(&matcher, &matcher.answer(&request)), with(VALUE, 1));
}

#[test]
fn a_message_without_a_span_or_a_package_is_an_error_and_never_a_panic() {
    let code = |outbound_span: Option<WireSpan>| {
        let message = GetMockRequest {
            outbound_span,
            ..GetMockRequest::default()
        };
        MockRequest::from_message(&message)
            .map(|_| ())
            .map_err(|error| error.code())
    };
    assert_eq!(code(None), Err("no_outbound_span"));
    assert_eq!(code(Some(WireSpan::default())), Err("no_package_name"));
    let named = WireSpan {
        package_name: "http".to_owned(),
        ..WireSpan::default()
    };
    assert_eq!(code(Some(named.clone())), Ok(()));
    let not_a_number = WireSpan {
        input_value: Some(object([
            ("n", number(f64::NAN)),
            ("i", number(f64::INFINITY)),
        ])),
        kind: 99,
        package_type: -5,
        ..named
    };
    assert_eq!(code(Some(not_a_number)), Ok(()));
}
