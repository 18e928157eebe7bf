//! A slow implementation of the contract (`docs/canonical-form.md`), written to
//! be obviously right. It shares no code with the core: a recursive-descent
//! parser over characters, `BTreeMap`s for order, the standard library for
//! decimal and binary numbers, messages put together from the inside out.
//!
//! Leaves out what only bindings can do (native values that JSON has no form
//! for), and where in protobuf bytes a fault stands.

#![allow(
    dead_code,
    reason = "each program that includes this uses a part of it"
)]

use sha2::Digest as _;
use std::collections::BTreeMap;

/// A value as its text has it: members in text order, repeated ones included.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// An integer's digits, with its sign.
    Integer(String),
    Float(f64),
    String(String),
    Array(Vec<Value>),
    Object(Vec<(String, Value)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    Drift,
    Rfc8785,
    /// Those of drift, except that a number beyond the range of a double is
    /// an infinity: merges refuse it only where they read it.
    Merges,
}

/// A refusal: code and offset of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) offset: usize,
}

impl Value {
    /// The members of an object, each key once, the last one of it, by the
    /// keys' UTF-8 bytes (the order of `String`).
    pub(crate) fn members(&self) -> BTreeMap<&str, &Value> {
        match self {
            Value::Object(members) => members
                .iter()
                .map(|(key, value)| (key.as_str(), value))
                .collect(),
            _ => BTreeMap::new(),
        }
    }

    pub(crate) fn is_object(&self) -> bool {
        matches!(self, Value::Object(_))
    }
}

// ---------------------------------------------------------------- UTF-8

/// Decodes UTF-8 (Unicode, table 3-7): the text with one U+FFFD for each
/// maximal invalid subpart, and the offset of the first one.
pub(crate) fn decode_utf8(bytes: &[u8]) -> (String, Option<usize>) {
    let mut text = String::new();
    let mut first_fault = None;
    let mut at = 0;
    while at < bytes.len() {
        let lead = bytes[at];
        let (mut low, mut high, more) = match lead {
            0x00..=0x7F => (0, 0, 0),
            0xC2..=0xDF => (0x80, 0xBF, 1),
            0xE0 => (0xA0, 0xBF, 2),
            0xED => (0x80, 0x9F, 2),
            0xE1..=0xEF => (0x80, 0xBF, 2),
            0xF0 => (0x90, 0xBF, 3),
            0xF4 => (0x80, 0x8F, 3),
            0xF1..=0xF3 => (0x80, 0xBF, 3),
            _ => {
                first_fault.get_or_insert(at);
                text.push('\u{FFFD}');
                at += 1;
                continue;
            }
        };
        let mut scalar = match more {
            0 => u32::from(lead),
            1 => u32::from(lead & 0x1F),
            2 => u32::from(lead & 0x0F),
            _ => u32::from(lead & 0x07),
        };
        let start = at;
        at += 1;
        let mut missing = more;
        while missing > 0 && at < bytes.len() && (low..=high).contains(&bytes[at]) {
            scalar = scalar << 6 | u32::from(bytes[at] & 0x3F);
            (low, high) = (0x80, 0xBF);
            missing -= 1;
            at += 1;
        }
        if missing == 0 {
            text.push(char::from_u32(scalar).expect("table 3-7 has scalar values only"));
        } else {
            first_fault.get_or_insert(start);
            text.push('\u{FFFD}');
        }
    }
    (text, first_fault)
}

// ---------------------------------------------------------------- reading

/// Reads a JSON text that should be UTF-8.
pub(crate) fn parse(bytes: &[u8], rules: Rules, max_depth: usize) -> Result<Value, Refusal> {
    let (text, fault) = decode_utf8(bytes);
    if let Some(offset) = fault {
        return Err(Refusal {
            code: "invalid_utf8",
            offset,
        });
    }
    let mut parser = Parser {
        characters: text.chars().collect(),
        place: 0,
        offset: 0,
        rules,
        max_depth,
    };
    parser.white_space();
    let value = parser.value(0)?;
    parser.white_space();
    match parser.peek() {
        None => Ok(value),
        Some(_) => Err(parser.invalid()),
    }
}

struct Parser {
    characters: Vec<char>,
    place: usize,
    /// The bytes before `place`.
    offset: usize,
    rules: Rules,
    max_depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.place).copied()
    }

    fn next(&mut self) {
        self.offset += self.characters[self.place].len_utf8();
        self.place += 1;
    }

    fn invalid(&self) -> Refusal {
        self.refusal("invalid_json", self.offset)
    }

    fn refusal(&self, code: &'static str, offset: usize) -> Refusal {
        Refusal { code, offset }
    }

    fn white_space(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.next();
        }
    }

    fn expect(&mut self, expected: char) -> Result<(), Refusal> {
        if self.peek() != Some(expected) {
            return Err(self.invalid());
        }
        self.next();
        Ok(())
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Refusal> {
        for expected in word.chars() {
            self.expect(expected)?;
        }
        Ok(value)
    }

    /// The value inside so many containers.
    fn value(&mut self, depth: usize) -> Result<Value, Refusal> {
        match self.peek() {
            Some('n') => self.word("null", Value::Null),
            Some('t') => self.word("true", Value::Bool(true)),
            Some('f') => self.word("false", Value::Bool(false)),
            Some('"') => Ok(Value::String(self.string()?)),
            Some('-' | '0'..='9') => self.number(),
            Some('[' | '{') if depth == self.max_depth => {
                Err(self.refusal("depth_exceeded", self.offset))
            }
            Some('[') => self.array(depth + 1),
            Some('{') => self.object(depth + 1),
            _ => Err(self.invalid()),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, Refusal> {
        let mut items = Vec::new();
        self.expect('[')?;
        self.white_space();
        if self.peek() == Some(']') {
            self.next();
            return Ok(Value::Array(items));
        }
        loop {
            self.white_space();
            items.push(self.value(depth)?);
            self.white_space();
            if self.peek() == Some(']') {
                self.next();
                return Ok(Value::Array(items));
            }
            self.expect(',')?;
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, Refusal> {
        let mut members: Vec<(String, Value)> = Vec::new();
        let mut keys = std::collections::BTreeSet::new();
        let mut first_repetition = None;
        self.expect('{')?;
        self.white_space();
        if self.peek() == Some('}') {
            self.next();
            return Ok(Value::Object(members));
        }
        loop {
            self.white_space();
            let key_offset = self.offset;
            if self.peek() != Some('"') {
                return Err(self.invalid());
            }
            let key = self.string()?;
            if !keys.insert(key.clone()) {
                first_repetition.get_or_insert(key_offset);
            }
            self.white_space();
            self.expect(':')?;
            self.white_space();
            let value = self.value(depth)?;
            members.push((key, value));
            self.white_space();
            if self.peek() == Some('}') {
                self.next();
                break;
            }
            self.expect(',')?;
        }
        match first_repetition {
            Some(offset) if self.rules == Rules::Rfc8785 => {
                Err(self.refusal("duplicate_key", offset))
            }
            _ => Ok(Value::Object(members)),
        }
    }

    fn digits(&mut self, token: &mut String) -> Result<(), Refusal> {
        if !matches!(self.peek(), Some('0'..='9')) {
            return Err(self.invalid());
        }
        while let Some(digit @ '0'..='9') = self.peek() {
            token.push(digit);
            self.next();
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Value, Refusal> {
        let start = self.offset;
        let mut token = String::new();
        if self.peek() == Some('-') {
            token.push('-');
            self.next();
        }
        if self.peek() == Some('0') {
            token.push('0');
            self.next();
        } else {
            self.digits(&mut token)?;
        }
        let mut is_integer = true;
        if self.peek() == Some('.') {
            is_integer = false;
            token.push('.');
            self.next();
            self.digits(&mut token)?;
        }
        if let Some('e' | 'E') = self.peek() {
            is_integer = false;
            token.push('e');
            self.next();
            if let Some(sign @ ('+' | '-')) = self.peek() {
                token.push(sign);
                self.next();
            }
            self.digits(&mut token)?;
        }
        if self.rules != Rules::Rfc8785 && is_integer {
            return Ok(match token.as_str() {
                "-0" => Value::Float(-0.0),
                _ => Value::Integer(token),
            });
        }
        let value = nearest_double(&token);
        if value.is_infinite() && self.rules != Rules::Merges {
            return Err(self.refusal("number_out_of_range", start));
        }
        Ok(Value::Float(value))
    }

    fn string(&mut self) -> Result<String, Refusal> {
        let mut text = String::new();
        self.expect('"')?;
        loop {
            match self.peek() {
                None | Some('\0'..='\u{1F}') => return Err(self.invalid()),
                Some('"') => {
                    self.next();
                    return Ok(text);
                }
                Some('\\') => text.push(self.escape()?),
                Some(character) => {
                    text.push(character);
                    self.next();
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, Refusal> {
        let start = self.offset;
        self.expect('\\')?;
        let character = match self.peek() {
            Some('"') => '"',
            Some('\\') => '\\',
            Some('/') => '/',
            Some('b') => '\u{8}',
            Some('f') => '\u{C}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => return self.unicode(start),
            _ => return Err(self.invalid()),
        };
        self.next();
        Ok(character)
    }

    fn unicode(&mut self, start: usize) -> Result<char, Refusal> {
        self.expect('u')?;
        let unit = self.four_hexadecimal_digits()?;
        if let Some(character) = char::from_u32(unit) {
            return Ok(character);
        }
        let high = unit < 0xDC00;
        if high && self.characters[self.place..].starts_with(&['\\', 'u']) {
            let before = (self.place, self.offset);
            self.next();
            self.next();
            let low = self.four_hexadecimal_digits()?;
            if (0xDC00..=0xDFFF).contains(&low) {
                let scalar = 0x10000 + (unit - 0xD800) * 0x400 + (low - 0xDC00);
                return Ok(char::from_u32(scalar).expect("a pair is a scalar value"));
            }
            // Not its other half: read again, for itself.
            (self.place, self.offset) = before;
        }
        match self.rules {
            Rules::Rfc8785 => Err(self.refusal("lone_surrogate", start)),
            Rules::Drift | Rules::Merges => Ok('\u{FFFD}'),
        }
    }

    fn four_hexadecimal_digits(&mut self) -> Result<u32, Refusal> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|digit| digit.to_digit(16));
            unit = unit * 16 + digit.ok_or_else(|| self.invalid())?;
            self.next();
        }
        Ok(unit)
    }
}

// ---------------------------------------------------------------- numbers

/// The double nearest to a JSON number token, infinite beyond the range.
///
/// The token goes to the standard library as `0.digits e point`, with a small
/// exponent, since that library stops counting exponents at 65,535.
pub(crate) fn nearest_double(token: &str) -> f64 {
    let (sign, token) = match token.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, token),
    };
    let (mantissa, exponent) = token.split_once('e').unwrap_or((token, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return 0.0 * sign;
    }
    let negative = exponent.starts_with('-');
    let exponent = exponent.trim_start_matches(['+', '-']);
    let exponent = match exponent.trim_start_matches('0') {
        "" => 0,
        // No text is long enough to move the point back by so much.
        digits if digits.len() > 17 => 10i64.pow(17),
        digits => digits.parse().expect("up to 17 digits fit"),
    };
    let exponent = if negative { -exponent } else { exponent };
    let leading_zeros = (digits.len() - significant.len()) as i64;
    let point = exponent + whole.len() as i64 - leading_zeros;
    let magnitude = match point {
        400.. => f64::INFINITY,
        ..-400 => 0.0,
        _ => format!("0.{significant}e{point}")
            .parse()
            .expect("a decimal number"),
    };
    sign * magnitude
}

/// An integer's nearest double, the largest finite one if that is infinite.
pub(crate) fn clamped_double(integer: &str) -> f64 {
    nearest_double(integer).clamp(f64::MIN, f64::MAX)
}

/// The shortest digits that read back as a positive double, of these the
/// nearest to it, on a tie the even ones; and the exponent of the first digit.
fn shortest_digits(value: f64) -> (String, i32) {
    let short = format!("{value:e}");
    let (mantissa, _) = short.split_once('e').expect("exponent form");
    let count = mantissa.bytes().filter(u8::is_ascii_digit).count();
    // The standard library's count is right; which digits they are is decided
    // here, from all digits that the double has.
    let exact = format!("{value:.800e}");
    let (mantissa, exponent) = exact.split_once('e').expect("exponent form");
    let exponent: i32 = exponent.parse().expect("an exponent");
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let (kept, rest) = digits.split_at(count);
    let floor: u64 = kept.parse().expect("at most 17 digits");
    let half = format!("5{}", "0".repeat(rest.len() - 1));
    let up_is_nearer = match rest.cmp(&half) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => !floor.is_multiple_of(2),
    };
    let nearest = floor + u64::from(up_is_nearer);
    let other = floor + u64::from(!up_is_nearer);
    let shift = exponent - (count as i32 - 1);
    for candidate in [nearest, other] {
        if format!("{candidate}e{shift}").parse() == Ok(value) {
            let text = candidate.to_string();
            // 99.. rounded up has one digit more.
            let exponent = shift + text.len() as i32 - 1;
            let text = text.trim_end_matches('0').to_owned();
            return (text, exponent);
        }
    }
    panic!("no {count} digits read back as {value:e}");
}

/// A double as the profile `drift` prints it.
pub(crate) fn drift_float(value: f64) -> String {
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let magnitude = value.abs();
    if magnitude == 0.0 {
        return format!("{sign}0.0");
    }
    let (digits, exponent) = shortest_digits(magnitude);
    let body = if (1e-5..1e16).contains(&magnitude) {
        match point_form(&digits, exponent) {
            text if text.contains('.') => text,
            text => format!("{text}.0"),
        }
    } else {
        exponent_form(&digits, exponent)
    };
    format!("{sign}{body}")
}

/// A double as ECMAScript prints it (ECMA-262, Number::toString).
pub(crate) fn ecmascript_float(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let (digits, exponent) = shortest_digits(value.abs());
    let body = if (-6..21).contains(&exponent) {
        point_form(&digits, exponent)
    } else {
        exponent_form(&digits, exponent)
    };
    format!("{sign}{body}")
}

fn point_form(digits: &str, exponent: i32) -> String {
    if exponent < 0 {
        let zeros = "0".repeat(exponent.unsigned_abs() as usize - 1);
        return format!("0.{zeros}{digits}");
    }
    let whole = exponent as usize + 1;
    if digits.len() <= whole {
        let zeros = "0".repeat(whole - digits.len());
        return format!("{digits}{zeros}");
    }
    format!("{}.{}", &digits[..whole], &digits[whole..])
}

fn exponent_form(digits: &str, exponent: i32) -> String {
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    format!("{first}{point}{rest}e{exponent:+}")
}

// ---------------------------------------------------------------- canonical form

pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{C}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1F}' => out.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}

/// The canonical form; `Rules::Merges` has none.
pub(crate) fn canonical(value: &Value, rules: Rules) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Integer(digits) => digits.clone(),
        Value::Float(value) if rules == Rules::Rfc8785 => ecmascript_float(*value),
        Value::Float(value) => drift_float(*value),
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| canonical(item, rules)).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(_) => {
            let mut members: Vec<_> = value.members().into_iter().collect();
            if rules == Rules::Rfc8785 {
                members.sort_by_key(|(key, _)| key.encode_utf16().collect::<Vec<_>>());
            }
            let members: Vec<_> = members
                .into_iter()
                .map(|(key, value)| format!("{}:{}", quoted(key), canonical(value, rules)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
    }
}

pub(crate) fn sha256(text: &str) -> String {
    let digest = sha2::Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

// ---------------------------------------------------------------- merges, decoding

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Merge {
    pub(crate) encoding: Option<i32>,
    pub(crate) decoded_type: Option<i32>,
    pub(crate) match_importance: Option<f64>,
}

/// A refusal of merges: the path, and the offset where the text is not JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MergesRefusal {
    pub(crate) path: String,
    pub(crate) offset: Option<usize>,
}

pub(crate) type Merges = BTreeMap<String, Merge>;

pub(crate) fn path_member(path: &str, key: &str) -> String {
    let letter = |character: char| character.is_ascii_alphabetic() || character == '_';
    let plain = key.starts_with(letter)
        && key
            .chars()
            .all(|character| letter(character) || character.is_ascii_digit());
    match plain {
        true => format!("{path}.{key}"),
        false => format!("{path}[{}]", quoted(key)),
    }
}

pub(crate) fn merges(bytes: &[u8], max_depth: usize) -> Result<Merges, MergesRefusal> {
    let fault = |path: String| Err(MergesRefusal { path, offset: None });
    let document = parse(bytes, Rules::Merges, max_depth).map_err(|refusal| MergesRefusal {
        path: "$".to_owned(),
        offset: Some(refusal.offset),
    })?;
    let Value::Object(entries) = document else {
        return fault("$".to_owned());
    };
    let mut merges = Merges::new();
    for (key, entry) in entries {
        let path = path_member("$", &key);
        let mut merge = Merge::default();
        match entry {
            Value::Object(members) => {
                let mut seen = Vec::new();
                for (name, value) in members {
                    let place = match name.as_str() {
                        "encoding" => 0,
                        "decoded_type" => 1,
                        "match_importance" => 2,
                        _ => continue,
                    };
                    let path = path_member(&path, &name);
                    if seen.contains(&place) || !read_merge_member(&mut merge, place, &value) {
                        return fault(path);
                    }
                    seen.push(place);
                }
            }
            Value::Array(items) => {
                for (place, value) in items.iter().enumerate() {
                    if !read_merge_member(&mut merge, place, value) {
                        return fault(format!("{path}[{place}]"));
                    }
                }
            }
            _ => return fault(path),
        }
        merges.insert(key, merge);
    }
    Ok(merges)
}

fn read_merge_member(merge: &mut Merge, place: usize, value: &Value) -> bool {
    match (place, value) {
        (0..=2, Value::Null) => {}
        (0 | 1, Value::Integer(digits)) => {
            let Ok(code) = digits.parse() else {
                return false;
            };
            if place == 0 {
                merge.encoding = Some(code);
            } else {
                merge.decoded_type = Some(code);
            }
        }
        (2, Value::Integer(digits)) => merge.match_importance = Some(clamped_double(digits)),
        (2, Value::Float(value)) if value.is_finite() => merge.match_importance = Some(*value),
        _ => return false,
    }
    true
}

/// Base64 of RFC 4648 section 4, strictly.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    let symbols = text.trim_end_matches('=');
    let padding = text.len() - symbols.len();
    if !text.len().is_multiple_of(4) || padding > 2 {
        return None;
    }
    let mut bits = Vec::new();
    for symbol in symbols.chars() {
        let code = match symbol {
            'A'..='Z' => symbol as u32 - 'A' as u32,
            'a'..='z' => symbol as u32 - 'a' as u32 + 26,
            '0'..='9' => symbol as u32 - '0' as u32 + 52,
            '+' => 62,
            '/' => 63,
            _ => return None,
        };
        bits.extend((0..6).rev().map(|place| code >> place & 1));
    }
    let whole = bits.len() / 8 * 8;
    let (bytes, trailing) = bits.split_at(whole);
    if trailing.len() >= 6 || trailing.contains(&1) {
        return None;
    }
    let byte = |bits: &[u32]| bits.iter().fold(0, |byte, bit| byte << 1 | *bit as u8);
    Some(bytes.chunks(8).map(byte).collect())
}

fn decode_member(value: &Value, merge: &Merge) -> Value {
    let Value::String(text) = value else {
        return value.clone();
    };
    let mut text = text.clone();
    if merge.encoding == Some(1)
        && let Some(bytes) = base64(&text)
    {
        text = decode_utf8(&bytes).0;
    }
    if merge.decoded_type == Some(1)
        && let Ok(value) = parse(text.as_bytes(), Rules::Drift, 127)
    {
        return value;
    }
    Value::String(text)
}

/// The decoded value of a payload.
pub(crate) fn decode(value: &Value, merges: &Merges) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(key, member)| match merges.get(key) {
                    Some(merge) => (key.clone(), decode_member(member, merge)),
                    None => (key.clone(), member.clone()),
                })
                .collect(),
        ),
        _ => value.clone(),
    }
}

// ---------------------------------------------------------------- schema

/// A schema; `type_code` 0 is that of an empty one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Schema {
    pub(crate) type_code: i32,
    pub(crate) properties: BTreeMap<String, Schema>,
    pub(crate) items: Option<Box<Schema>>,
    pub(crate) merge: Merge,
}

/// The schema of a value, without merges.
pub(crate) fn schema_of(value: &Value) -> Schema {
    let mut schema = Schema {
        type_code: match value {
            Value::Integer(_) | Value::Float(_) => 1,
            Value::String(_) => 2,
            Value::Bool(_) => 3,
            Value::Null => 4,
            Value::Object(_) => 6,
            Value::Array(_) => 7,
        },
        ..Schema::default()
    };
    for (key, member) in value.members() {
        schema.properties.insert(key.to_owned(), schema_of(member));
    }
    if let Value::Array(items) = value {
        schema.items = items.first().map(|first| Box::new(schema_of(first)));
    }
    schema
}

/// The schema of a decoded value with the merges in it.
pub(crate) fn merged_schema(decoded: &Value, merges: &Merges) -> Schema {
    let mut schema = schema_of(decoded);
    for (key, property) in &mut schema.properties {
        if let Some(merge) = merges.get(key) {
            property.merge = *merge;
        }
    }
    schema
}

/// A schema given as an argument.
pub(crate) fn schema_argument(value: &Value) -> Schema {
    let members = value.members();
    let code = |name: &str| match members.get(name) {
        Some(Value::Integer(digits)) => digits.parse().ok(),
        _ => None,
    };
    Schema {
        type_code: code("type").unwrap_or(0),
        properties: match members.get("properties") {
            Some(properties) => properties
                .members()
                .into_iter()
                .map(|(key, property)| (key.to_owned(), schema_argument(property)))
                .collect(),
            None => BTreeMap::new(),
        },
        items: members
            .get("items")
            .map(|items| Box::new(schema_argument(items))),
        merge: Merge {
            encoding: code("encoding"),
            decoded_type: code("decoded_type"),
            match_importance: match members.get("match_importance") {
                Some(Value::Integer(digits)) => Some(clamped_double(digits)),
                Some(Value::Float(value)) => Some(*value),
                _ => None,
            },
        },
    }
}

/// A schema as the JSON value that is hashed.
pub(crate) fn schema_value(schema: &Schema) -> Value {
    let integer = |code: i32| Value::Integer(code.to_string());
    let properties = schema
        .properties
        .iter()
        .map(|(key, property)| (key.clone(), schema_value(property)))
        .collect();
    let mut members = vec![
        ("type".to_owned(), integer(schema.type_code)),
        ("properties".to_owned(), Value::Object(properties)),
    ];
    if let Some(items) = &schema.items {
        members.push(("items".to_owned(), schema_value(items)));
    }
    let Merge {
        encoding,
        decoded_type,
        match_importance,
    } = schema.merge;
    members.extend(encoding.map(|code| ("encoding".to_owned(), integer(code))));
    members.extend(decoded_type.map(|code| ("decoded_type".to_owned(), integer(code))));
    members
        .extend(match_importance.map(|value| ("match_importance".to_owned(), Value::Float(value))));
    Value::Object(members)
}

// ---------------------------------------------------------------- protobuf

fn varint(mut number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while number > 127 {
        out.push(number as u8 & 127 | 128);
        number >>= 7;
    }
    out.push(number as u8);
    out
}

pub(crate) fn message_field(number: u64, content: &[u8]) -> Vec<u8> {
    [
        varint(number << 3 | 2),
        varint(content.len() as u64),
        content.to_vec(),
    ]
    .concat()
}

fn string_field(number: u64, text: &str) -> Vec<u8> {
    match text {
        "" => Vec::new(),
        _ => message_field(number, text.as_bytes()),
    }
}

fn present_integer_field(number: u64, value: i64) -> Vec<u8> {
    [varint(number << 3), varint(value as u64)].concat()
}

fn integer_field(number: u64, value: i64) -> Vec<u8> {
    match value {
        0 => Vec::new(),
        _ => present_integer_field(number, value),
    }
}

fn double_field(number: u64, value: f64) -> Vec<u8> {
    [varint(number << 3 | 1), value.to_le_bytes().to_vec()].concat()
}

fn map_entry(number: u64, key: &str, value: &[u8]) -> Vec<u8> {
    let value = match value {
        [] => Vec::new(),
        _ => message_field(2, value),
    };
    message_field(number, &[string_field(1, key), value].concat())
}

/// `google.protobuf.Struct`; empty for what is not an object.
pub(crate) fn struct_bytes(value: &Value) -> Vec<u8> {
    value
        .members()
        .into_iter()
        .map(|(key, member)| map_entry(1, key, &struct_value(member)))
        .collect::<Vec<_>>()
        .concat()
}

fn struct_value(value: &Value) -> Vec<u8> {
    match value {
        Value::Null => present_integer_field(1, 0),
        Value::Integer(digits) => double_field(2, clamped_double(digits)),
        Value::Float(value) => double_field(2, *value),
        Value::String(text) => message_field(3, text.as_bytes()),
        Value::Bool(value) => present_integer_field(4, i64::from(*value)),
        Value::Object(_) => message_field(5, &struct_bytes(value)),
        Value::Array(items) => {
            let items: Vec<_> = items
                .iter()
                .map(|item| message_field(1, &struct_value(item)))
                .collect();
            message_field(6, &items.concat())
        }
    }
}

/// The nested messages of a Struct, itself one.
pub(crate) fn struct_depth(value: &Value) -> usize {
    let deepest = value.members().into_values().map(struct_value_depth).max();
    1 + deepest.map_or(0, |deepest| 1 + deepest)
}

fn struct_value_depth(value: &Value) -> usize {
    match value {
        Value::Object(_) => 1 + struct_depth(value),
        Value::Array(items) => 2 + items.iter().map(struct_value_depth).max().unwrap_or(0),
        _ => 1,
    }
}

/// `tusk.drift.core.v1.JsonSchema`.
pub(crate) fn schema_bytes(schema: &Schema) -> Vec<u8> {
    let mut out = integer_field(1, i64::from(schema.type_code));
    for (key, property) in &schema.properties {
        out.extend(map_entry(2, key, &schema_bytes(property)));
    }
    if let Some(items) = &schema.items {
        out.extend(message_field(3, &schema_bytes(items)));
    }
    if let Some(code) = schema.merge.encoding {
        out.extend(present_integer_field(4, i64::from(code)));
    }
    if let Some(code) = schema.merge.decoded_type {
        out.extend(present_integer_field(5, i64::from(code)));
    }
    if let Some(value) = schema.merge.match_importance {
        out.extend(double_field(6, value));
    }
    out
}

/// The nested messages of a schema, itself one.
pub(crate) fn schema_depth(schema: &Schema) -> usize {
    let items = schema.items.as_ref().map(|items| schema_depth(items));
    let properties =
        schema
            .properties
            .values()
            .map(|property| match schema_bytes(property).is_empty() {
                true => 1,
                false => 1 + schema_depth(property),
            });
    1 + properties.chain(items).max().unwrap_or(0)
}

/// The values and schemas of a span, one payload each.
pub(crate) struct Processed {
    pub(crate) normalized: String,
    pub(crate) decoded: String,
    pub(crate) value_hash: String,
    pub(crate) schema: Schema,
    pub(crate) schema_json: String,
    pub(crate) schema_hash: String,
    pub(crate) struct_bytes: Vec<u8>,
}

/// Everything of a payload (contract, section 5).
pub(crate) fn process(value: &Value, merges: &Merges) -> Processed {
    let decoded = decode(value, merges);
    let schema = merged_schema(&decoded, merges);
    let decoded = canonical(&decoded, Rules::Drift);
    let schema_json = canonical(&schema_value(&schema), Rules::Drift);
    Processed {
        normalized: canonical(value, Rules::Drift),
        value_hash: sha256(&decoded),
        decoded,
        schema_hash: sha256(&schema_json),
        schema,
        schema_json,
        struct_bytes: struct_bytes(value),
    }
}

/// `tusk.drift.core.v1.Span` with a name, kind 2, input, output and metadata.
pub(crate) fn span_bytes(
    name: &str,
    input: &Processed,
    output: &Processed,
    metadata: &Value,
) -> Vec<u8> {
    [
        string_field(4, name),
        message_field(9, &input.struct_bytes),
        message_field(10, &output.struct_bytes),
        message_field(11, &schema_bytes(&input.schema)),
        message_field(12, &schema_bytes(&output.schema)),
        string_field(13, &input.schema_hash),
        string_field(14, &output.schema_hash),
        string_field(15, &input.value_hash),
        string_field(16, &output.value_hash),
        present_integer_field(17, 2),
        message_field(18, &[]),
        message_field(20, &[]),
        message_field(21, &[]),
        message_field(23, &struct_bytes(metadata)),
    ]
    .concat()
}

/// What a Struct of the value reads back as: doubles, the integral ones up to
/// 2^53 printed as integers; what is not an object is an empty one.
pub(crate) fn read_back(value: &Value) -> Value {
    match value {
        Value::Object(_) => read_back_value(value),
        _ => Value::Object(Vec::new()),
    }
}

/// A double of a Struct: the integral ones up to 2^53 are integers.
fn read_back_double(value: f64) -> Value {
    let integral = value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0;
    match integral && value.to_bits() != (-0.0f64).to_bits() {
        true => Value::Integer(format!("{value:.0}")),
        false => Value::Float(value),
    }
}

fn read_back_value(value: &Value) -> Value {
    match value {
        Value::Integer(digits) => read_back_double(clamped_double(digits)),
        Value::Float(value) => read_back_double(*value),
        Value::Array(items) => Value::Array(items.iter().map(read_back_value).collect()),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(key, member)| (key.clone(), read_back_value(member)))
                .collect(),
        ),
        _ => value.clone(),
    }
}

// ---------------------------------------------------------------- reading protobuf

/// Levels of JSON that are read from bytes (`DESIGN.md`).
const READ_LEVELS: usize = 520;

#[derive(Clone)]
enum Content {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(Vec<u8>),
    Fixed32,
}

/// The fields of a message with their numbers. A message that occurs more than
/// once is merged: its fields are those of all occurrences, one after the other.
type Fields = Vec<(u64, Content)>;

/// `None` for bytes that are no message, or one with groups.
fn fields(bytes: &[u8]) -> Option<Fields> {
    let mut rest = bytes;
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let tag = take_varint(&mut rest)?;
        let number = tag >> 3;
        if tag > u64::from(u32::MAX) || number == 0 {
            return None;
        }
        let content = match tag & 7 {
            0 => Content::Varint(take_varint(&mut rest)?),
            1 => Content::Fixed64(take(&mut rest, 8)?.try_into().ok()?),
            2 => {
                let length = take_varint(&mut rest)?;
                Content::Bytes(take(&mut rest, length)?)
            }
            5 => {
                take(&mut rest, 4)?;
                Content::Fixed32
            }
            _ => return None,
        };
        fields.push((number, content));
    }
    Some(fields)
}

fn take(rest: &mut &[u8], count: u64) -> Option<Vec<u8>> {
    let count = usize::try_from(count).ok()?;
    if count > rest.len() {
        return None;
    }
    let taken = rest[..count].to_vec();
    *rest = &rest[count..];
    Some(taken)
}

fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0u128;
    for place in 0..10 {
        let byte = take(rest, 1)?[0];
        number += u128::from(byte & 127) << (7 * place);
        if byte < 128 {
            return u64::try_from(number).ok();
        }
    }
    None
}

impl Content {
    fn bytes(&self) -> Option<&[u8]> {
        match self {
            Content::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    fn message(&self) -> Option<Fields> {
        fields(self.bytes()?)
    }

    fn text(&self) -> Option<String> {
        match decode_utf8(self.bytes()?) {
            (text, None) => Some(text),
            (_, Some(_)) => None,
        }
    }

    fn number(&self) -> Option<u64> {
        match self {
            Content::Varint(number) => Some(*number),
            _ => None,
        }
    }

    /// An `int32` or an enum: the low 32 bits.
    fn int32(&self) -> Option<Value> {
        Some(Value::Integer((self.number()? as i32).to_string()))
    }

    fn finite_double(&self) -> Option<f64> {
        match self {
            Content::Fixed64(bytes) => Some(f64::from_le_bytes(*bytes)).filter(|x| x.is_finite()),
            _ => None,
        }
    }
}

/// The key of a map entry, and the fields of its value.
fn read_entry(entry: &Content) -> Option<(String, Fields)> {
    let (mut key, mut value) = (String::new(), Vec::new());
    for (number, content) in entry.message()? {
        match number {
            1 => key = content.text()?,
            2 => value.extend(content.message()?),
            _ => {}
        }
    }
    Some((key, value))
}

fn read_struct_fields(fields: &Fields, levels: usize) -> Option<Value> {
    let inside = levels.checked_sub(1)?;
    let mut members = Vec::new();
    for (_, content) in fields.iter().filter(|(number, _)| *number == 1) {
        let (key, value) = read_entry(content)?;
        members.push((key, read_value_fields(&value, inside)?));
    }
    Some(Value::Object(members))
}

fn read_list_fields(fields: &Fields, levels: usize) -> Option<Value> {
    let inside = levels.checked_sub(1)?;
    let mut items = Vec::new();
    for (_, content) in fields.iter().filter(|(number, _)| *number == 1) {
        items.push(read_value_fields(&content.message()?, inside)?);
    }
    Some(Value::Array(items))
}

/// A Value: the kind that was set last counts. What was set before must be well
/// formed all the same.
fn read_value_fields(fields: &Fields, levels: usize) -> Option<Value> {
    enum Set {
        Scalar(Value),
        Struct(Fields),
        List(Fields),
    }
    let mut set = Vec::new();
    for (number, content) in fields {
        match (number, set.last_mut()) {
            (1, _) => {
                content.number()?;
                set.push(Set::Scalar(Value::Null));
            }
            (2, _) => set.push(Set::Scalar(read_back_double(content.finite_double()?))),
            (3, _) => set.push(Set::Scalar(Value::String(content.text()?))),
            (4, _) => set.push(Set::Scalar(Value::Bool(content.number()? != 0))),
            (5, Some(Set::Struct(fields))) => fields.extend(content.message()?),
            (5, _) => set.push(Set::Struct(content.message()?)),
            (6, Some(Set::List(fields))) => fields.extend(content.message()?),
            (6, _) => set.push(Set::List(content.message()?)),
            _ => {}
        }
    }
    let mut value = Value::Null;
    for set in set {
        value = match set {
            Set::Scalar(value) => value,
            Set::Struct(fields) => read_struct_fields(&fields, levels)?,
            Set::List(fields) => read_list_fields(&fields, levels)?,
        };
    }
    Some(value)
}

fn read_schema_fields(fields: &Fields, levels: usize) -> Option<Value> {
    // A schema and its properties are a level each.
    let inside = levels.checked_sub(2)?;
    let mut members = vec![("type".to_owned(), Value::Integer("0".to_owned()))];
    let (mut properties, mut items, mut importance) = (Vec::new(), None, None);
    for (number, content) in fields {
        match number {
            1 => members.push(("type".to_owned(), content.int32()?)),
            2 => {
                let (key, schema) = read_entry(content)?;
                properties.push((key, read_schema_fields(&schema, inside)?));
            }
            3 => items
                .get_or_insert_with(Vec::new)
                .extend(content.message()?),
            4 => members.push(("encoding".to_owned(), content.int32()?)),
            5 => members.push(("decoded_type".to_owned(), content.int32()?)),
            6 => match content {
                Content::Fixed64(_) => importance = Some(content.finite_double()),
                _ => return None,
            },
            _ => {}
        }
    }
    members.push(("properties".to_owned(), Value::Object(properties)));
    if let Some(items) = items {
        let items = read_schema_fields(&items, inside + 1)?;
        members.push(("items".to_owned(), items));
    }
    if let Some(importance) = importance {
        members.push(("match_importance".to_owned(), Value::Float(importance?)));
    }
    Some(Value::Object(members))
}

/// The members of a message of numbers and texts: their names and fields, each
/// with what it is when it is absent.
fn read_flat(
    fields: &Fields,
    names: &[(&str, u64, Option<Value>)],
    read: impl Fn(&Content, &Value) -> Option<Value>,
) -> Option<Vec<(String, Value)>> {
    let mut members = Vec::new();
    for (name, number, absent) in names {
        let kind = absent.clone().unwrap_or(Value::String(String::new()));
        let mut value = absent.clone();
        for (_, content) in fields.iter().filter(|(found, _)| found == number) {
            value = Some(read(content, &kind)?);
        }
        members.extend(value.map(|value| ((*name).to_owned(), value)));
    }
    Some(members)
}

fn read_scalar(content: &Content, kind: &Value) -> Option<Value> {
    match kind {
        Value::String(_) => content.text().map(Value::String),
        Value::Bool(_) => content.number().map(|number| Value::Bool(number != 0)),
        _ => content.int32(),
    }
}

fn read_span_fields(fields: &Fields, levels: usize) -> Option<Value> {
    let inside = levels.checked_sub(1)?;
    let text = || Some(Value::String(String::new()));
    let zero = || Some(Value::Integer("0".to_owned()));
    let no = || Some(Value::Bool(false));
    let mut members = read_flat(
        fields,
        &[
            ("traceId", 1, text()),
            ("spanId", 2, text()),
            ("parentSpanId", 3, text()),
            ("name", 4, text()),
            ("packageName", 5, text()),
            ("instrumentationName", 6, text()),
            ("submoduleName", 7, text()),
            ("packageType", 8, zero()),
            ("inputSchemaHash", 13, text()),
            ("outputSchemaHash", 14, text()),
            ("inputValueHash", 15, text()),
            ("outputValueHash", 16, text()),
            ("kind", 17, zero()),
            ("isPreAppStart", 19, no()),
            ("isRootSpan", 22, no()),
            ("environment", 24, None),
            ("id", 25, None),
        ],
        read_scalar,
    )?;
    let merged = |number: u64| {
        let mut merged = Vec::new();
        for (_, content) in fields.iter().filter(|(found, _)| *found == number) {
            merged.extend(content.message()?);
        }
        Some(merged)
    };
    let has_metadata = fields.iter().any(|(number, _)| *number == 23);
    for (name, number) in [("inputValue", 9), ("outputValue", 10), ("metadata", 23)] {
        let value = read_struct_fields(&merged(number)?, inside)?;
        if number != 23 || has_metadata {
            members.push((name.to_owned(), value));
        }
    }
    for (name, number) in [("inputSchema", 11), ("outputSchema", 12)] {
        members.push((
            name.to_owned(),
            read_schema_fields(&merged(number)?, inside)?,
        ));
    }
    let status = [("code", 1, zero()), ("message", 2, text())];
    let status = read_flat(&merged(18)?, &status, read_scalar)?;
    members.push(("status".to_owned(), Value::Object(status)));
    for (name, number) in [("timestamp", 20), ("duration", 21)] {
        let time = merged(number)?;
        let mut read = read_flat(&time, &[("seconds", 1, zero())], |content, _| {
            Some(Value::Integer((content.number()? as i64).to_string()))
        })?;
        read.extend(read_flat(&time, &[("nanos", 2, zero())], read_scalar)?);
        members.push((name.to_owned(), Value::Object(read)));
    }
    Some(Value::Object(members))
}

/// Struct bytes read back; `None` when they are refused.
pub(crate) fn read_struct(bytes: &[u8]) -> Option<Value> {
    read_struct_fields(&fields(bytes)?, READ_LEVELS)
}

/// Span bytes read back, likewise.
pub(crate) fn read_span(bytes: &[u8]) -> Option<Value> {
    read_span_fields(&fields(bytes)?, READ_LEVELS)
}

/// The bytes of an export request read back, likewise.
pub(crate) fn read_export_request(bytes: &[u8]) -> Option<Value> {
    let fields = fields(bytes)?;
    let text = || Some(Value::String(String::new()));
    let names = [
        ("observableServiceId", 1, text()),
        ("environment", 2, text()),
        ("sdkVersion", 3, text()),
        ("sdkInstanceId", 4, text()),
    ];
    let mut members = read_flat(&fields, &names, read_scalar)?;
    let mut spans = Vec::new();
    for (_, content) in fields.iter().filter(|(number, _)| *number == 5) {
        spans.push(read_span_fields(&content.message()?, READ_LEVELS - 2)?);
    }
    members.push(("spans".to_owned(), Value::Array(spans)));
    Some(Value::Object(members))
}

/// Whether the top-level fields of a span are as section 8 asks.
pub(crate) fn is_span(bytes: &[u8]) -> bool {
    has_fields(bytes, |number, content| match number {
        8 | 17 | 19 | 22 => matches!(content, Content::Varint(_)),
        1..=25 => matches!(content, Content::Bytes(_)),
        _ => true,
    })
}

/// Likewise of a Struct.
pub(crate) fn is_struct(bytes: &[u8]) -> bool {
    has_fields(bytes, |number, content| {
        number != 1 || matches!(content, Content::Bytes(_))
    })
}

fn has_fields(bytes: &[u8], is_right: impl Fn(u64, &Content) -> bool) -> bool {
    fields(bytes).is_some_and(|fields| {
        fields
            .iter()
            .all(|(number, content)| is_right(*number, content))
    })
}

// ---------------------------------------------------------------- differences

/// A difference: kind, path, and the canonical texts of both sides.
pub(crate) type Difference = (&'static str, String, Option<String>, Option<String>);

pub(crate) fn differences(left: &Value, right: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("$", Some(left), Some(right), &mut found);
    found
}

fn compare(path: &str, left: Option<&Value>, right: Option<&Value>, found: &mut Vec<Difference>) {
    if let (Some(left @ Value::Object(_)), Some(right @ Value::Object(_))) = (left, right) {
        let (left, right) = (left.members(), right.members());
        let keys: std::collections::BTreeSet<_> = left.keys().chain(right.keys()).collect();
        for key in keys {
            let path = path_member(path, key);
            compare(
                &path,
                left.get(*key).copied(),
                right.get(*key).copied(),
                found,
            );
        }
        return;
    }
    if let (Some(Value::Array(left)), Some(Value::Array(right))) = (left, right) {
        for index in 0..left.len().max(right.len()) {
            let path = format!("{path}[{index}]");
            compare(&path, left.get(index), right.get(index), found);
        }
        return;
    }
    let left = left.map(|value| canonical(value, Rules::Drift));
    let right = right.map(|value| canonical(value, Rules::Drift));
    let kind = match (&left, &right) {
        (None, _) => "added",
        (_, None) => "removed",
        _ => "changed",
    };
    if left != right {
        found.push((kind, path.to_owned(), left, right));
    }
}
