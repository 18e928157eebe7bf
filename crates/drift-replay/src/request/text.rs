//! The values and schemas of a message as the canonical JSON that
//! [`drift_rust_core::span_to_json`] gives for its bytes, written from the
//! message that is decoded already.

use drift_rust_core::{MAX_DEPTH_LIMIT, push_json_float, push_json_string};
use prost_types::value::Kind;
use prost_types::{Struct, Value};
use std::fmt::Write as _;
use tusk_drift_schemas::tusk::drift::core::v1::JsonSchema;

/// The integers that a double holds without loss.
const EXACT_INTEGERS: f64 = 9_007_199_254_740_992.0;

/// Nested deeper than this many levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooDeep;

/// A Struct as text. Integral doubles within 2^53 are integers, as they were
/// before the SDK put them into a Struct; NaN and the infinities, which JSON
/// has no form for, are the null that a recorder wrote for them.
pub(super) fn of_struct(structure: &Struct) -> Result<String, TooDeep> {
    let mut out = String::with_capacity(512);
    push_struct(&mut out, structure, MAX_DEPTH_LIMIT)?;
    Ok(out)
}

/// A schema as text, in the spelling of the contract. An importance that is no
/// finite number is left out: nothing is known by it.
pub(super) fn of_schema(schema: &JsonSchema) -> Result<String, TooDeep> {
    let mut out = String::with_capacity(512);
    push_schema(&mut out, schema, MAX_DEPTH_LIMIT)?;
    Ok(out)
}

fn push_struct(out: &mut String, structure: &Struct, depth: usize) -> Result<(), TooDeep> {
    let depth = depth.checked_sub(1).ok_or(TooDeep)?;
    out.push('{');
    // Sorted by their UTF-8 bytes, as the canonical form has them.
    for (place, (key, value)) in structure.fields.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        push_json_string(out, key);
        out.push(':');
        push_value(out, value, depth)?;
    }
    out.push('}');
    Ok(())
}

fn push_value(out: &mut String, value: &Value, depth: usize) -> Result<(), TooDeep> {
    match &value.kind {
        None | Some(Kind::NullValue(_)) => out.push_str("null"),
        Some(Kind::BoolValue(true)) => out.push_str("true"),
        Some(Kind::BoolValue(false)) => out.push_str("false"),
        Some(Kind::StringValue(text)) => push_json_string(out, text),
        Some(Kind::NumberValue(number)) => push_number(out, *number),
        Some(Kind::StructValue(structure)) => push_struct(out, structure, depth)?,
        Some(Kind::ListValue(list)) => {
            let depth = depth.checked_sub(1).ok_or(TooDeep)?;
            out.push('[');
            for (place, item) in list.values.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                push_value(out, item, depth)?;
            }
            out.push(']');
        }
    }
    Ok(())
}

fn push_number(out: &mut String, number: f64) {
    let integral = number.trunc() == number && number.abs() <= EXACT_INTEGERS;
    if !number.is_finite() {
        out.push_str("null");
    } else if integral && !(number == 0.0 && number.is_sign_negative()) {
        push_integer(out, number as i64);
    } else {
        push_json_float(out, number);
    }
}

fn push_integer(out: &mut String, number: i64) {
    // Writing to a String does not fail.
    let _ = write!(out, "{number}");
}

fn push_schema(out: &mut String, schema: &JsonSchema, depth: usize) -> Result<(), TooDeep> {
    let depth = depth.checked_sub(1).ok_or(TooDeep)?;
    out.push('{');
    for (name, code) in [
        ("\"decoded_type\":", schema.decoded_type),
        ("\"encoding\":", schema.encoding),
    ] {
        if let Some(code) = code {
            out.push_str(name);
            push_integer(out, i64::from(code));
            out.push(',');
        }
    }
    if let Some(items) = &schema.items {
        out.push_str("\"items\":");
        push_schema(out, items, depth)?;
        out.push(',');
    }
    if let Some(importance) = schema.match_importance.filter(|value| value.is_finite()) {
        out.push_str("\"match_importance\":");
        push_json_float(out, importance);
        out.push(',');
    }
    out.push_str("\"properties\":{");
    let mut properties: Vec<(&String, &JsonSchema)> = schema.properties.iter().collect();
    properties.sort_unstable_by_key(|(name, _)| *name);
    for (place, (name, property)) in properties.into_iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        push_json_string(out, name);
        out.push(':');
        push_schema(out, property, depth)?;
    }
    out.push_str("},\"type\":");
    push_integer(out, i64::from(schema.r#type));
    out.push('}');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use prost::Message as _;
    use prost_types::ListValue;
    use tusk_drift_schemas::tusk::drift::core::v1::Span;

    /// The text of a member of a span, by the core.
    fn by_the_core(span: &Span, member: &str) -> String {
        let json = drift_rust_core::span_to_json(&span.encode_to_vec()).expect("a readable span");
        let start = json.find(&format!("\"{member}\":")).expect("it is there") + member.len() + 3;
        let rest = &json[start..];
        // A member's text ends where it is a whole value.
        let end = (1..=rest.len())
            .find(|end| {
                rest.is_char_boundary(*end)
                    && rest[..*end].ends_with('}')
                    && serde_json::from_str::<serde::de::IgnoredAny>(&rest[..*end]).is_ok()
            })
            .expect("a whole value");
        rest[..end].to_owned()
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Kind::NullValue(0)),
            any::<bool>().prop_map(Kind::BoolValue),
            any::<f64>()
                .prop_filter("finite", |value| value.is_finite())
                .prop_map(Kind::NumberValue),
            (-1e17..1e17_f64).prop_map(|value| Kind::NumberValue(value.trunc())),
            prop_oneof![
                Just(0.0),
                Just(-0.0),
                Just(1.0),
                Just(9_007_199_254_740_992.0),
                Just(9_007_199_254_740_994.0),
                Just(-9_007_199_254_740_992.0),
                Just(1e-7),
                Just(1e300),
            ]
            .prop_map(Kind::NumberValue),
            any::<String>().prop_map(Kind::StringValue),
        ]
        .prop_map(|kind| Value { kind: Some(kind) });
        leaf.prop_recursive(6, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(|values| Value {
                    kind: Some(Kind::ListValue(ListValue { values })),
                }),
                prop::collection::btree_map(any::<String>(), inner, 0..6).prop_map(|fields| {
                    Value {
                        kind: Some(Kind::StructValue(Struct { fields })),
                    }
                }),
            ]
        })
    }

    fn schema() -> impl Strategy<Value = JsonSchema> {
        let codes = (
            0..9_i32,
            proptest::option::of(0..3_i32),
            proptest::option::of(0..27_i32),
            proptest::option::of(prop_oneof![Just(0.0), Just(1.0), Just(0.25), -1e9..1e9]),
        );
        let plain =
            codes.clone().prop_map(
                |(kind, encoding, decoded_type, match_importance)| JsonSchema {
                    r#type: kind,
                    encoding,
                    decoded_type,
                    match_importance,
                    ..JsonSchema::default()
                },
            );
        plain.prop_recursive(4, 20, 4, move |inner| {
            (
                codes.clone(),
                prop::collection::hash_map(any::<String>(), inner.clone(), 0..4),
                proptest::option::of(inner),
            )
                .prop_map(
                    |((kind, encoding, decoded_type, match_importance), properties, items)| {
                        JsonSchema {
                            r#type: kind,
                            properties,
                            items: items.map(Box::new),
                            encoding,
                            decoded_type,
                            match_importance,
                        }
                    },
                )
        })
    }

    proptest! {
        #[test]
        fn a_value_is_the_text_that_the_core_reads_from_its_bytes(
            fields in prop::collection::btree_map(any::<String>(), value(), 0..6),
        ) {
            let structure = Struct { fields };
            let span = Span { input_value: Some(structure.clone()), ..Span::default() };
            prop_assert_eq!(of_struct(&structure), Ok(by_the_core(&span, "inputValue")));
        }

        #[test]
        fn a_schema_is_the_text_that_the_core_reads_from_its_bytes(schema in schema()) {
            let span = Span { input_schema: Some(schema.clone()), ..Span::default() };
            prop_assert_eq!(of_schema(&schema), Ok(by_the_core(&span, "inputSchema")));
        }
    }

    #[test]
    fn what_json_has_no_form_for_is_null_in_a_value_and_left_out_of_a_schema() {
        let list = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(|number| Value {
            kind: Some(Kind::NumberValue(number)),
        });
        let structure = Struct {
            fields: [(
                "n".to_owned(),
                Value {
                    kind: Some(Kind::ListValue(ListValue {
                        values: list.to_vec(),
                    })),
                },
            )]
            .into(),
        };
        assert_eq!(
            of_struct(&structure).as_deref(),
            Ok("{\"n\":[null,null,null]}")
        );
        let schema = JsonSchema {
            r#type: 1,
            match_importance: Some(f64::NAN),
            ..JsonSchema::default()
        };
        assert_eq!(
            of_schema(&schema).as_deref(),
            Ok("{\"properties\":{},\"type\":1}")
        );
    }

    #[test]
    fn nesting_has_a_limit_and_what_is_beyond_it_is_refused() {
        let nested = |levels: usize| {
            let mut structure = Struct::default();
            for _ in 1..levels {
                structure = Struct {
                    fields: [(
                        "a".to_owned(),
                        Value {
                            kind: Some(Kind::StructValue(structure)),
                        },
                    )]
                    .into(),
                };
            }
            of_struct(&structure).map(|text| text.len())
        };
        assert!(nested(MAX_DEPTH_LIMIT).is_ok());
        assert_eq!(nested(MAX_DEPTH_LIMIT + 1), Err(TooDeep));
    }
}
