//! A JSON value as a tree that keeps every digit, made from the core's documents.
//! The paths that name its parts are the core's; what may differ is in `rules`.

use drift_rust_core::{
    Document, DocumentBuilder, MAX_DEPTH_LIMIT, Value, ValueOptions, push_json_string,
};
use num_bigint::BigInt;

/// A value; members in canonical key order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// A number; an integer and a decimal are two values, as in the canonical form.
#[derive(Clone, Debug)]
pub(crate) enum Number {
    Int(i64),
    /// The digits of an integer beyond 64 bits.
    Big(String),
    Float(f64),
}

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        match (self, other) {
            (Number::Int(a), Number::Int(b)) => a == b,
            (Number::Big(a), Number::Big(b)) => a == b,
            (Number::Float(a), Number::Float(b)) => a.to_bits() == b.to_bits(),
            _ => false,
        }
    }
}

// Decimals are compared by their bits, so that each is equal to itself.
impl Eq for Number {}

impl Number {
    /// The canonical text.
    pub(crate) fn text(&self) -> String {
        match self {
            Number::Int(value) => value.to_string(),
            Number::Big(digits) => digits.clone(),
            Number::Float(value) => {
                let mut builder = DocumentBuilder::new(ValueOptions::default());
                builder.float(*value);
                match builder.finish() {
                    Ok(document) => document.to_canonical_json(),
                    // A lone scalar has no depth to exceed.
                    Err(_) => value.to_string(),
                }
            }
        }
    }

    pub(crate) fn is_integer(&self) -> bool {
        !matches!(self, Number::Float(_))
    }

    pub(crate) fn decimal(&self) -> Option<Decimal> {
        Decimal::parse(&self.text())
    }
}

impl Json {
    /// Reads a text, up to the core's largest depth; `None` when it is not JSON.
    pub(crate) fn parse(text: &[u8]) -> Option<Json> {
        let options = ValueOptions::default().with_max_depth(MAX_DEPTH_LIMIT);
        let document = Document::parse(text, options).ok()?;
        Some(Json::of(document.root()))
    }

    /// The tree of a document's value.
    pub(crate) fn of(value: Value<'_>) -> Json {
        match value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(value),
            Value::Int(value) => Json::Number(Number::Int(value)),
            Value::BigInt(digits) => Json::Number(Number::Big(digits.to_owned())),
            Value::Float(value) => Json::Number(Number::Float(value)),
            Value::Str(value) => Json::String(value.to_owned()),
            Value::Array(items) => Json::Array(items.iter().map(Json::of).collect()),
            Value::Object(members) => Json::Object(
                members
                    .iter()
                    .map(|(key, value)| (key.to_owned(), Json::of(value)))
                    .collect(),
            ),
        }
    }

    /// For libraries that take nothing else; digits beyond a double are lost.
    pub(crate) fn to_serde_rounded(&self) -> serde_json::Value {
        match self {
            Json::Null => serde_json::Value::Null,
            Json::Bool(value) => (*value).into(),
            Json::Number(Number::Int(value)) => (*value).into(),
            Json::Number(Number::Float(value)) => (*value).into(),
            Json::Number(Number::Big(digits)) => {
                serde_json::from_str(digits).unwrap_or(serde_json::Value::Null)
            }
            Json::String(value) => value.as_str().into(),
            Json::Array(items) => items.iter().map(Json::to_serde_rounded).collect(),
            Json::Object(members) => serde_json::Value::Object(
                members
                    .iter()
                    .map(|(key, value)| (key.clone(), value.to_serde_rounded()))
                    .collect(),
            ),
        }
    }

    /// The canonical text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) {
        match self {
            Json::Null => text.push_str("null"),
            Json::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
            Json::Number(number) => text.push_str(&number.text()),
            Json::String(value) => push_json_string(text, value),
            Json::Array(items) => {
                text.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        text.push(',');
                    }
                    item.write(text);
                }
                text.push(']');
            }
            Json::Object(members) => {
                text.push('{');
                for (index, (key, value)) in members.iter().enumerate() {
                    if index > 0 {
                        text.push(',');
                    }
                    push_json_string(text, key);
                    text.push(':');
                    value.write(text);
                }
                text.push('}');
            }
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Json> {
        match self {
            Json::Object(members) => members
                .iter()
                .find(|(name, _)| name == key)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Json> {
        match self {
            Json::Object(members) => members
                .iter_mut()
                .find(|(name, _)| name == key)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Json::String(value) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn as_int(&self) -> Option<i64> {
        match self {
            Json::Number(Number::Int(value)) => Some(*value),
            Json::Number(Number::Float(value)) if value.fract() == 0.0 && value.abs() < 1e15 => {
                Some(*value as i64)
            }
            _ => None,
        }
    }

    /// What it is, for people.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "a Boolean",
            Json::Number(number) if number.is_integer() => "an integer",
            Json::Number(_) => "a decimal number",
            Json::String(_) => "a text",
            Json::Array(_) => "an array",
            Json::Object(_) => "an object",
        }
    }
}

/// A decimal number, exact: `mantissa * 10^-scale`.
#[derive(Clone, Debug)]
pub(crate) struct Decimal {
    mantissa: BigInt,
    scale: i32,
}

impl Decimal {
    /// Reads `-12.5e-3`; exponents of doubles only.
    pub(crate) fn parse(text: &str) -> Option<Decimal> {
        let (number, exponent) = match text.find(['e', 'E']) {
            Some(at) => {
                let (number, tail) = text.split_at(at);
                (number, tail.get(1..)?.parse::<i32>().ok()?)
            }
            None => (text, 0),
        };
        if exponent.abs() > 400 {
            return None;
        }
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = format!("{whole}{fraction}");
        Some(Decimal {
            mantissa: digits.parse().ok()?,
            scale: i32::try_from(fraction.len()).ok()? - exponent,
        })
    }

    fn at_scale(&self, scale: i32) -> BigInt {
        let shift = u32::try_from(scale - self.scale).unwrap_or(0);
        &self.mantissa * BigInt::from(10).pow(shift)
    }

    fn absolute(&self) -> Decimal {
        let mantissa = if self.mantissa.sign() == num_bigint::Sign::Minus {
            -&self.mantissa
        } else {
            self.mantissa.clone()
        };
        Decimal {
            mantissa,
            scale: self.scale,
        }
    }

    pub(crate) fn distance(&self, other: &Decimal) -> Decimal {
        let scale = self.scale.max(other.scale);
        Decimal {
            mantissa: self.at_scale(scale) - other.at_scale(scale),
            scale,
        }
        .absolute()
    }

    pub(crate) fn at_most(&self, other: &Decimal) -> bool {
        let scale = self.scale.max(other.scale);
        self.at_scale(scale) <= other.at_scale(scale)
    }

    /// The product.
    pub(crate) fn times(&self, other: &Decimal) -> Decimal {
        Decimal {
            mantissa: &self.mantissa * &other.mantissa,
            scale: self.scale + other.scale,
        }
    }

    /// The larger of two magnitudes.
    pub(crate) fn larger_magnitude(&self, other: &Decimal) -> Decimal {
        let (a, b) = (self.absolute(), other.absolute());
        if a.at_most(&b) { b } else { a }
    }
}
