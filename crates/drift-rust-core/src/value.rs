//! `serde_json::Value` in and out.

use crate::document::{Document, DocumentBuilder, Value};
use crate::error::BuildError;
use crate::{SchemaRef, ValueOptions};
use serde_json::{Map, Number, Value as SerdeValue};

impl Document<'static> {
    /// Builds a document from a `serde_json::Value`.
    ///
    /// # Errors
    /// [`BuildError::DepthExceeded`] beyond the depth limit of the options.
    ///
    /// ```
    /// use drift_rust_core::{Document, ValueOptions};
    /// let value = serde_json::json!({"b": 1.0, "a": [null]});
    /// let document = Document::from_value(&value, ValueOptions::default())?;
    /// assert_eq!(document.to_canonical_json(), r#"{"a":[null],"b":1.0}"#);
    /// # Ok::<(), drift_rust_core::BuildError>(())
    /// ```
    pub fn from_value(
        value: &SerdeValue,
        options: ValueOptions,
    ) -> Result<Document<'static>, BuildError> {
        let mut builder = DocumentBuilder::new(options);
        build(&mut builder, value)?;
        builder.finish()
    }
}

fn build(builder: &mut DocumentBuilder, value: &SerdeValue) -> Result<(), BuildError> {
    match value {
        SerdeValue::Null => builder.null(),
        SerdeValue::Bool(value) => builder.bool(*value),
        SerdeValue::String(value) => builder.string(value),
        SerdeValue::Number(number) => build_number(builder, number),
        SerdeValue::Array(items) => {
            builder.begin_array()?;
            for item in items {
                build(builder, item)?;
            }
            builder.end();
        }
        SerdeValue::Object(members) => {
            builder.begin_object()?;
            for (key, member) in members {
                builder.key(key);
                build(builder, member)?;
            }
            builder.end();
        }
    }
    Ok(())
}

fn build_number(builder: &mut DocumentBuilder, number: &Number) {
    // With serde_json's feature `arbitrary_precision`, which another crate of
    // the program may have turned on, a number is its text, of any size.
    let text = number.to_string();
    let is_integer = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'-');
    if !is_integer || text == "-0" {
        builder.float(text.parse().unwrap_or(f64::NAN));
    } else {
        match text.parse() {
            Ok(value) => builder.int(value),
            Err(_) => builder.big_int(&text),
        }
    }
}

/// A `serde_json::Value` of a document's value. Integers beyond 64 bits become
/// the nearest double there unless serde_json has `arbitrary_precision`.
pub(crate) fn to_serde(value: Value<'_>) -> SerdeValue {
    match value {
        Value::Null => SerdeValue::Null,
        Value::Bool(value) => SerdeValue::Bool(value),
        Value::Int(value) => SerdeValue::from(value),
        Value::BigInt(digits) => serde_json::from_str(digits).unwrap_or(SerdeValue::Null),
        Value::Float(value) => SerdeValue::from(value),
        Value::Str(value) => SerdeValue::from(value),
        Value::Array(items) => items.iter().map(to_serde).collect(),
        Value::Object(members) => SerdeValue::Object(
            members
                .iter()
                .map(|(key, value)| (key.to_owned(), to_serde(value)))
                .collect(),
        ),
    }
}

/// A schema as a `serde_json::Value`.
pub(crate) fn schema_to_serde(schema: SchemaRef<'_>) -> SerdeValue {
    let mut members = Map::new();
    members.insert("type".to_owned(), schema.type_code().into());
    let properties = schema
        .properties()
        .map(|(key, property)| (key.to_owned(), schema_to_serde(property)))
        .collect();
    members.insert("properties".to_owned(), SerdeValue::Object(properties));
    if let Some(items) = schema.items() {
        members.insert("items".to_owned(), schema_to_serde(items));
    }
    if let Some(code) = schema.encoding() {
        members.insert("encoding".to_owned(), code.into());
    }
    if let Some(code) = schema.decoded_type() {
        members.insert("decoded_type".to_owned(), code.into());
    }
    if let Some(importance) = schema.match_importance() {
        members.insert("match_importance".to_owned(), importance.into());
    }
    SerdeValue::Object(members)
}
