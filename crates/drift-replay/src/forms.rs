//! The six forms by which an input is compared: of recorded spans and of live
//! requests by the same code, whatever the SDK computed.
//!
//! A form is a digest of a canonical text of the core. The rules are in
//! `docs/matching.md`; equal forms mean equal texts. Leaves out where forms are
//! looked up (`index`) and in which order (`matcher`).

use crate::load::skim::{Members, string_end};
use drift_rust_core::{
    BuildError, Document, DocumentBuilder, HashAlgorithm, JsonError, Payload, SchemaMerges,
    SchemaRef, Value, ValueOptions,
};
use foldhash::HashMap;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

/// How an input is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Form {
    /// `inputValueHash` as it was recorded or received.
    RecordedValue,
    /// The decoded value, hashed by the core.
    Value,
    /// The decoded value without what its schema gives importance 0.
    ReducedValue,
    /// `inputSchemaHash` as it was recorded or received.
    RecordedSchema,
    /// The schema of the decoded value, in one spelling.
    Schema,
    /// That schema without what has importance 0.
    ReducedSchema,
}

impl Form {
    /// All forms, in the order of the classes.
    pub const ALL: [Form; 6] = [
        Form::RecordedValue,
        Form::Value,
        Form::ReducedValue,
        Form::RecordedSchema,
        Form::Schema,
        Form::ReducedSchema,
    ];

    /// The number of forms.
    pub const COUNT: usize = Form::ALL.len();

    /// For people and for JSON.
    pub fn name(self) -> &'static str {
        match self {
            Form::RecordedValue => "recorded_value_hash",
            Form::Value => "value_hash",
            Form::ReducedValue => "reduced_value_hash",
            Form::RecordedSchema => "recorded_schema_hash",
            Form::Schema => "schema_hash",
            Form::ReducedSchema => "reduced_schema_hash",
        }
    }

    pub(crate) fn position(self) -> usize {
        self as usize
    }
}

/// The first 16 bytes of a form's digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FormKey(u128);

impl FormKey {
    /// Of a recorded hash; `None` when there is none. What is no SHA-256 in hex
    /// is hashed as text, so that an unknown scheme still compares equal.
    pub(crate) fn of_recorded(hash: &str) -> Option<FormKey> {
        if hash.is_empty() {
            return None;
        }
        if hash.len() == 64 && is_lower_hex(hash.as_bytes()) {
            return Some(FormKey::of_hex(hash));
        }
        Some(FormKey::of_text(hash))
    }

    pub(crate) fn of_text(text: &str) -> FormKey {
        FormKey::of_hex(&HashAlgorithm::Sha256.hex(text.as_bytes()))
    }

    /// Of a digest's lower-case hex digits.
    fn of_hex(hex: &str) -> FormKey {
        let digits = hex.as_bytes().get(..32).unwrap_or_default();
        // In 64-bit halves, and without a branch for each digit: this is done six
        // times for a span that is loaded.
        let (first, last) = digits.split_at(digits.len() / 2);
        let number = u128::from(hex_number(first)) << 64 | u128::from(hex_number(last));
        // Zero is kept for absent forms; one input in 2^128 is taken for another.
        FormKey(number.max(1))
    }

    pub(crate) fn number(self) -> u128 {
        self.0
    }

    pub(crate) fn from_number(number: u128) -> Option<FormKey> {
        (number != 0).then_some(FormKey(number))
    }
}

/// Whether all bytes are lower-case hex digits.
pub(crate) fn is_lower_hex(text: &[u8]) -> bool {
    text.iter().fold(true, |all, byte| {
        // Not `&&`: without branches the bytes are compared many at a time.
        all & (byte.is_ascii_digit() | matches!(byte, b'a'..=b'f'))
    })
}

/// The number of lower-case hex digits, 16 at most.
pub(crate) fn hex_number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |number, digit| {
        let letter = digit >> 6;
        number << 4 | u64::from((digit & 0xF) + 9 * letter)
    })
}

impl fmt::Display for FormKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The forms of one input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forms {
    keys: [Option<FormKey>; Form::COUNT],
    reduced_is_empty: bool,
}

impl Forms {
    /// The key of a form; `None` when the input has no value or no schema for
    /// it, and then it equals nothing.
    pub fn key(&self, form: Form) -> Option<FormKey> {
        self.keys.get(form.position()).copied().flatten()
    }

    /// Whether nothing of the input is left in its reduced form, so that
    /// equality of reduced values says nothing.
    pub fn reduced_is_empty(&self) -> bool {
        self.reduced_is_empty
    }

    fn set(&mut self, form: Form, key: Option<FormKey>) {
        if let Some(slot) = self.keys.get_mut(form.position()) {
            *slot = key;
        }
    }
}

/// Which text an error is about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// The input value is not JSON, or deeper than the core reads. The data's fault.
    #[error("the input value: {0}")]
    Value(JsonError),
    /// The input schema is not JSON, or deeper than the core reads. The data's fault.
    #[error("the input schema: {0}")]
    Schema(JsonError),
    /// A form cannot be built; not for input that could be read. Our fault.
    #[error("a form cannot be built: {0}")]
    Internal(String),
}

impl FormError {
    /// The permanent code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            FormError::Value(_) => "invalid_input_value",
            FormError::Schema(_) => "invalid_input_schema",
            FormError::Internal(_) => "internal",
        }
    }
}

impl From<BuildError> for FormError {
    fn from(error: BuildError) -> Self {
        FormError::Internal(error.to_string())
    }
}

/// What matching reads in a schema: which parts are decoded, and which are
/// without importance. Both spellings.
#[derive(Debug, Default)]
pub(crate) struct InputSchema {
    root: SchemaNode,
    merges: SchemaMerges,
    drops: Drops,
    /// The reduced form of an inferred schema, by the key of that: a call site
    /// infers the same few schemas again and again.
    reduced: RefCell<HashMap<FormKey, FormKey>>,
}

/// What a schema gives importance 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Drops {
    #[default]
    Nothing,
    /// Whole members of the outermost object, as the SDKs do.
    Members,
    /// Something else too.
    Deeper,
}

#[derive(Debug, Default)]
struct SchemaNode {
    encoding: Option<i32>,
    decoded_type: Option<i32>,
    importance: Option<f64>,
    /// Sorted by name.
    properties: Vec<(Box<str>, SchemaNode)>,
    items: Option<Box<SchemaNode>>,
}

impl SchemaNode {
    fn read(value: Value<'_>) -> SchemaNode {
        let mut node = SchemaNode::default();
        let Value::Object(members) = value else {
            return node;
        };
        for (name, value) in members.iter() {
            match name {
                "encoding" => node.encoding = int32(value),
                "decodedType" | "decoded_type" => node.decoded_type = int32(value),
                "matchImportance" | "match_importance" => node.importance = double(value),
                "items" => node.items = Some(Box::new(SchemaNode::read(value))),
                "properties" => {
                    if let Value::Object(properties) = value {
                        let read =
                            |(name, value): (&str, _)| (name.into(), SchemaNode::read(value));
                        node.properties = properties.iter().map(read).collect();
                    }
                }
                _ => {}
            }
        }
        node
    }

    fn is_ignored(&self) -> bool {
        self.importance == Some(0.0)
    }

    fn drops(&self) -> bool {
        self.is_ignored()
            || self.properties.iter().any(|(_, property)| property.drops())
            || self.items.as_ref().is_some_and(|items| items.drops())
    }

    /// What the outermost node drops.
    fn drops_of_root(&self) -> Drops {
        let deeper = self.is_ignored()
            || self.items.as_ref().is_some_and(|items| items.drops())
            || self
                .properties
                .iter()
                .any(|(_, property)| !property.is_ignored() && property.drops());
        if deeper {
            Drops::Deeper
        } else if self.drops() {
            Drops::Members
        } else {
            Drops::Nothing
        }
    }

    fn property(&self, name: &str) -> Option<&SchemaNode> {
        let place = self
            .properties
            .binary_search_by(|(known, _)| known.as_ref().cmp(name))
            .ok()?;
        self.properties.get(place).map(|(_, property)| property)
    }
}

fn int32(value: Value<'_>) -> Option<i32> {
    match value {
        Value::Int(value) => i32::try_from(value).ok(),
        // Node writes enums as JavaScript numbers, which a Struct makes doubles.
        Value::Float(value) if value.fract() == 0.0 && value.abs() < 2e9 => Some(value as i32),
        _ => None,
    }
}

fn double(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Int(value) => Some(value as f64),
        Value::Float(value) => Some(value),
        _ => None,
    }
}

impl InputSchema {
    pub(crate) fn parse(text: &str) -> Result<InputSchema, FormError> {
        let document =
            Document::parse(text, ValueOptions::for_schema()).map_err(FormError::Schema)?;
        let root = SchemaNode::read(document.root());
        let mut merges = DocumentBuilder::new(ValueOptions::default());
        merges.begin_object()?;
        for (name, property) in &root.properties {
            // Flask's server spans and old Node versions say that a body is
            // base64 and not what it holds; then JSON is tried, as Node does.
            let decoded_type = match (property.encoding, property.decoded_type) {
                (Some(1), None) => Some(1),
                (_, decoded_type) => decoded_type,
            };
            merges.key(name);
            merges.begin_object()?;
            for (name, code) in [
                ("encoding", property.encoding),
                ("decoded_type", decoded_type),
            ] {
                if let Some(code) = code {
                    merges.key(name);
                    merges.int(i64::from(code));
                }
            }
            if let Some(importance) = property.importance.filter(|value| value.is_finite()) {
                merges.key("match_importance");
                merges.float(importance);
            }
            merges.end();
        }
        merges.end();
        let merges = SchemaMerges::from_document(&merges.finish()?)
            .map_err(|error| FormError::Internal(error.to_string()))?;
        Ok(InputSchema {
            drops: root.drops_of_root(),
            merges,
            root,
            reduced: RefCell::default(),
        })
    }
}

/// Computes forms; keeps the schemas that it has read, for a service has few.
#[derive(Debug, Default)]
pub(crate) struct FormReader {
    schemas: HashMap<Box<str>, Rc<InputSchema>>,
}

/// Schemas that a reader keeps; more than a service has call sites.
const KEPT_SCHEMAS: usize = 4096;
/// Longer ones are hardly seen twice.
const KEPT_SCHEMA_BYTES: usize = 16 * 1024;

/// An input, decoded.
#[derive(Debug)]
pub(crate) struct Input {
    /// Canonical, bodies decoded, every number in one spelling.
    pub(crate) json: String,
    /// The same without what has importance 0; `None` when nothing has.
    pub(crate) reduced_json: Option<String>,
    value: FormKey,
    reduced_value: FormKey,
    /// `None` when the input has no schema; then there are no reduced forms.
    schemas: Option<SchemaKeys>,
}

#[derive(Clone, Copy, Debug)]
struct SchemaKeys {
    whole: FormKey,
    reduced: FormKey,
}

impl FormReader {
    pub(crate) fn schema(&mut self, text: &str) -> Result<Rc<InputSchema>, FormError> {
        if let Some(schema) = self.schemas.get(text) {
            return Ok(Rc::clone(schema));
        }
        let schema = match InputSchema::parse(text) {
            // Deeper than the core reads: nothing is known of the value then.
            Err(FormError::Schema(JsonError::DepthExceeded { .. })) => InputSchema::default(),
            parsed => parsed?,
        };
        let schema = Rc::new(schema);
        if text.len() <= KEPT_SCHEMA_BYTES {
            if self.schemas.len() >= KEPT_SCHEMAS {
                self.schemas.clear();
            }
            self.schemas.insert(text.into(), Rc::clone(&schema));
        }
        Ok(schema)
    }

    /// Whether a schema's text was read, and is kept.
    pub(crate) fn knows_schema(&self, text: &str) -> bool {
        self.schemas.contains_key(text)
    }

    /// Keeps a schema's text whose form is known to be right.
    pub(crate) fn keep_schema(&mut self, text: &str) {
        // A fault was reported by whoever read it before.
        let _ = self.schema(text);
    }

    /// The decoded texts of an input; `None` when there is no value.
    pub(crate) fn input(
        &mut self,
        value: Option<&str>,
        schema: Option<&str>,
    ) -> Result<Option<Input>, FormError> {
        let schema = schema.map(|text| self.schema(text)).transpose()?;
        let Some(value) = value else {
            return Ok(None);
        };
        Input::read(value, schema.as_deref()).map(Some)
    }

    /// All forms of an input.
    pub(crate) fn forms(
        &mut self,
        value: Option<&str>,
        schema: Option<&str>,
        value_hash: &str,
        schema_hash: &str,
    ) -> Result<Forms, FormError> {
        let input = self.input(value, schema)?;
        Ok(Forms::of(input.as_ref(), value_hash, schema_hash))
    }
}

impl Forms {
    pub(crate) fn of(input: Option<&Input>, value_hash: &str, schema_hash: &str) -> Forms {
        let mut forms = Forms::default();
        forms.set(Form::RecordedValue, FormKey::of_recorded(value_hash));
        forms.set(Form::RecordedSchema, FormKey::of_recorded(schema_hash));
        let Some(input) = input else {
            return forms;
        };
        forms.set(Form::Value, Some(input.value));
        if let Some(schemas) = input.schemas {
            forms.set(Form::ReducedValue, Some(input.reduced_value));
            forms.set(Form::Schema, Some(schemas.whole));
            forms.set(Form::ReducedSchema, Some(schemas.reduced));
            let reduced = input.reduced_json.as_deref().unwrap_or(&input.json);
            forms.reduced_is_empty = matches!(reduced, "{}" | "[]" | "null");
        }
        forms
    }
}

impl Input {
    pub(crate) fn read(value: &str, schema: Option<&InputSchema>) -> Result<Input, FormError> {
        let document = Document::parse(value, ValueOptions::default()).map_err(FormError::Value)?;
        let none = SchemaMerges::none();
        let merges = schema.map_or(&none, |schema| &schema.merges);
        let payload = Payload::borrowed(&document, merges);
        let decoded = payload.decode();
        let (json, value) = match may_have_uneven_numbers(decoded.json.as_bytes()) {
            false => (
                String::from(decoded.json),
                FormKey::of_hex(&decoded.value_hash),
            ),
            true => {
                let json = copied(&decoded.json, None)?;
                let key = FormKey::of_text(&json);
                (json, key)
            }
        };
        let mut input = Input {
            json,
            reduced_json: None,
            value,
            reduced_value: value,
            schemas: None,
        };
        let Some(schema) = schema else {
            return Ok(input);
        };
        let whole = FormKey::of_hex(&decoded.schema_hash);
        let mut reduced = whole;
        if schema.drops != Drops::Nothing {
            let json = match schema.drops {
                Drops::Members => without_members(&input.json, &schema.root),
                _ => None,
            };
            let json = match json {
                Some(json) => json,
                None => copied(&input.json, Some(&schema.root))?,
            };
            input.reduced_value = FormKey::of_text(&json);
            input.reduced_json = Some(json);
            reduced = schema.reduced_schema(whole, &payload)?;
        }
        input.schemas = Some(SchemaKeys { whole, reduced });
        Ok(input)
    }
}

/// Reduced schemas that are kept of one recorded schema.
const KEPT_REDUCED: usize = 256;

impl InputSchema {
    fn reduced_schema(&self, whole: FormKey, payload: &Payload<'_>) -> Result<FormKey, FormError> {
        let mut known = self.reduced.borrow_mut();
        if let Some(reduced) = known.get(&whole) {
            return Ok(*reduced);
        }
        let inferred = payload.schema();
        let mut builder = DocumentBuilder::new(ValueOptions::for_schema());
        copy_schema(&mut builder, inferred.root(), Some(&self.root))?;
        let reduced = FormKey::of_text(&builder.finish()?.to_canonical_json());
        if known.len() >= KEPT_REDUCED {
            known.clear();
        }
        known.insert(whole, reduced);
        Ok(reduced)
    }
}

/// A canonical text with its numbers in one spelling and, with a schema,
/// without what that gives importance 0.
fn copied(json: &str, schema: Option<&SchemaNode>) -> Result<String, FormError> {
    // A decoded body may be a level deeper than the value that it was in.
    let deep = ValueOptions::default().with_max_depth(drift_rust_core::MAX_DEPTH_LIMIT);
    let document = Document::parse(json, deep).map_err(FormError::Value)?;
    let mut builder = DocumentBuilder::new(deep);
    copy(&mut builder, document.root(), schema)?;
    Ok(builder.finish()?.to_canonical_json())
}

/// A canonical object without those of its members that have importance 0, cut
/// from its text; `None` when it is no object, or a name has to be unescaped.
fn without_members(json: &str, schema: &SchemaNode) -> Option<String> {
    let mut kept = String::with_capacity(json.len());
    kept.push('{');
    for member in Members::of(json) {
        let member = member.ok()?;
        if member.key.contains('\\') {
            return None;
        }
        if schema
            .property(member.key)
            .is_some_and(SchemaNode::is_ignored)
        {
            continue;
        }
        if kept.len() > 1 {
            kept.push(',');
        }
        kept.push('"');
        kept.push_str(member.key);
        kept.push_str("\":");
        kept.push_str(member.value);
    }
    kept.push('}');
    Some(kept)
}

/// The integers that a double holds without loss: beyond them an SDK's request,
/// which travels as doubles, has lost digits that the recording still has.
const EXACT_INTEGERS: f64 = 9_007_199_254_740_992.0;

/// Whether a number of a canonical text may be spelt otherwise in the forms: an
/// integral double (`1.0`, `1e+16`), or an integer of 16 digits and more.
fn may_have_uneven_numbers(json: &[u8]) -> bool {
    let mut at = 0;
    let mut digits = 0;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => {
                let Some(end) = string_end(json, at) else {
                    return true;
                };
                at = end;
                digits = 0;
                continue;
            }
            b'0'..=b'9' => {
                digits += 1;
                if digits >= 16 {
                    return true;
                }
            }
            b'+' => return true,
            b'.' => {
                let fraction = json.get(at + 1..).unwrap_or_default();
                if let [b'0', next, ..] = fraction
                    && !next.is_ascii_digit()
                {
                    return true;
                }
                if let [b'0'] = fraction {
                    return true;
                }
                // The digits of a fraction are no integer.
                let count = fraction
                    .iter()
                    .take_while(|byte| byte.is_ascii_digit())
                    .count();
                at += count;
                digits = 0;
            }
            _ => digits = 0,
        }
        at += 1;
    }
    false
}

/// A number as both sides have it: the nearest double; an integer where that
/// is one within 2^53, `-0` is `0`.
fn number(builder: &mut DocumentBuilder, value: f64) {
    if value.fract() == 0.0 && value.abs() <= EXACT_INTEGERS {
        builder.int(value as i64);
    } else {
        builder.float(value);
    }
}

/// Copies a value; with a schema, without what it gives importance 0.
fn copy(
    builder: &mut DocumentBuilder,
    value: Value<'_>,
    schema: Option<&SchemaNode>,
) -> Result<(), BuildError> {
    let ignored = schema.is_some_and(SchemaNode::is_ignored);
    match value {
        Value::Array(items) => {
            let item_schema = schema.and_then(|schema| schema.items.as_deref());
            let dropped = ignored || item_schema.is_some_and(SchemaNode::is_ignored);
            builder.begin_array()?;
            for item in items.iter().filter(|_| !dropped) {
                copy(builder, item, item_schema)?;
            }
            builder.end();
        }
        Value::Object(members) => {
            builder.begin_object()?;
            for (name, member) in members.iter().filter(|_| !ignored) {
                let member_schema = schema.and_then(|schema| schema.property(name));
                if member_schema.is_some_and(SchemaNode::is_ignored) {
                    continue;
                }
                builder.key(name);
                copy(builder, member, member_schema)?;
            }
            builder.end();
        }
        _ if ignored => builder.null(),
        Value::Null => builder.null(),
        Value::Bool(value) => builder.bool(value),
        Value::Str(value) => builder.string(value),
        Value::Int(value) if value.unsigned_abs() <= EXACT_INTEGERS as u64 => builder.int(value),
        Value::Int(value) => number(builder, value as f64),
        Value::Float(value) => number(builder, value),
        Value::BigInt(digits) => match digits.parse::<f64>() {
            Ok(value) if value.is_finite() => number(builder, value),
            // A Struct holds the largest double of the sign.
            _ if digits.starts_with('-') => number(builder, f64::MIN),
            _ => number(builder, f64::MAX),
        },
    }
    Ok(())
}

/// Copies an inferred schema without what the recorded one gives importance 0.
fn copy_schema(
    builder: &mut DocumentBuilder,
    inferred: SchemaRef<'_>,
    recorded: Option<&SchemaNode>,
) -> Result<(), BuildError> {
    if recorded.is_some_and(SchemaNode::is_ignored) {
        builder.null();
        return Ok(());
    }
    builder.begin_object()?;
    builder.key("type");
    builder.int(i64::from(inferred.type_code()));
    builder.key("properties");
    builder.begin_object()?;
    for (name, property) in inferred.properties() {
        let known = recorded.and_then(|schema| schema.property(name));
        if known.is_some_and(SchemaNode::is_ignored) {
            continue;
        }
        builder.key(name);
        copy_schema(builder, property, known)?;
    }
    builder.end();
    if let Some(items) = inferred.items() {
        let known = recorded.and_then(|schema| schema.items.as_deref());
        if !known.is_some_and(SchemaNode::is_ignored) {
            builder.key("items");
            copy_schema(builder, items, known)?;
        }
    }
    for (name, code) in [
        ("encoding", inferred.encoding()),
        ("decoded_type", inferred.decoded_type()),
    ] {
        if let Some(code) = code {
            builder.key(name);
            builder.int(i64::from(code));
        }
    }
    if let Some(importance) = inferred.match_importance() {
        builder.key("match_importance");
        builder.float(importance);
    }
    builder.end();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the quick ways must give, done by the slow one.
    fn slowly(value: &str, schema: &InputSchema) -> (String, String) {
        let payload = Payload::parse(value, &schema.merges).expect("a test's input is JSON");
        let decoded = payload
            .decoded_json()
            .unwrap_or_else(|| payload.normalized_json());
        let whole = copied(&decoded, None).expect("it was written by the core");
        let reduced = copied(&whole, Some(&schema.root)).expect("it was written by the core");
        (whole, reduced)
    }

    #[test]
    fn a_recorded_hash_is_known_by_its_digits_and_any_other_text_by_its_digest() {
        // SHA-256 of nothing; then of "x", by sha256sum.
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let x = "2d711642b726b04401627ca9fbac32f5";
        let known = |hash: &str| FormKey::of_recorded(hash).map(|key| key.to_string());
        assert_eq!(known(""), None);
        assert_eq!(known(empty).as_deref(), empty.get(..32));
        assert_eq!(known("x").as_deref(), Some(x));
        let upper = empty.to_uppercase();
        let no_hex = empty.replace('e', "g");
        for other in [
            upper.as_str(),
            no_hex.as_str(),
            empty.trim_start_matches('e'),
        ] {
            assert_eq!(
                FormKey::of_recorded(other),
                Some(FormKey::of_text(other)),
                "{other}"
            );
            assert_ne!(FormKey::of_recorded(other), FormKey::of_recorded(empty));
        }
        assert_eq!(hex_number(b"ffffffffffffffff"), u64::MAX);
        assert_eq!(hex_number(b"00000000000000af"), 0xAF);
    }

    #[test]
    fn texts_that_are_cut_are_the_texts_that_are_built() {
        let schemas = [
            "{}",
            r#"{"properties":{"headers":{"matchImportance":0}}}"#,
            r#"{"properties":{"headers":{"match_importance":0.0},"body":{"encoding":1,"decoded_type":1}}}"#,
            r#"{"properties":{"body":{"encoding":1,"properties":{"a":{"match_importance":0}}}}}"#,
            r#"{"items":{"match_importance":0}}"#,
            r#"{"match_importance":0}"#,
            r#"{"properties":{"a\"b":{"match_importance":0},"é":{"match_importance":0}}}"#,
        ];
        let values = [
            "null",
            "[1,2]",
            "1e16",
            "{}",
            r#"{"headers":{"a":"1.0"},"x":1}"#,
            r#"{"headers":1,"body":"eyJhIjoxLjAsImIiOjJ9","z":[1.5,-0.0,100000000000000000,0.1234567890123456]}"#,
            r#"{"a\"b":1,"é":2,"c":1e300,"d":1e-7,"e":"1.0 \" .0"}"#,
            r#"{"n":[10.0]}"#,
            r#"{"n":10.05}"#,
            r#"{"n":123456789012345}"#,
            r#"{"n":9007199254740993}"#,
        ];
        for schema in schemas {
            let schema = InputSchema::parse(schema).expect("a test's schema is JSON");
            for value in values {
                let (whole, reduced) = slowly(value, &schema);
                let input = Input::read(value, Some(&schema)).expect("a test's input is JSON");
                assert_eq!(input.json, whole);
                assert_eq!(input.value, FormKey::of_text(&whole));
                assert_eq!(
                    input.reduced_json.as_deref().unwrap_or(&input.json),
                    reduced
                );
                assert_eq!(input.reduced_value, FormKey::of_text(&reduced));
            }
        }
    }
}
