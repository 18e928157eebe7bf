//! `drift inspect`: span, export-request and Struct bytes read back.

use super::{name, read};
use crate::Exit;
use crate::args::{InspectArguments, MessageName};
use crate::terminal::out;
use anyhow::{Context as _, anyhow, bail};
use drift_replay::encoding::blank_byte_order_mark;
use drift_replay::load::parse_line;
use drift_rust_core::{
    Document, ProtobufError, ValueOptions, export_request_to_json, span_to_json, struct_to_json,
};
use std::io::Write as _;
use std::path::Path;

/// In the order in which they are tried, see [`is_certain`].
const MESSAGES: [MessageName; 3] = [MessageName::Span, MessageName::Export, MessageName::Struct];

pub(crate) fn run(arguments: &InspectArguments) -> anyhow::Result<Exit> {
    let file = arguments.file.as_deref().unwrap_or(Path::new("-"));
    let mut bytes = read(file)?;
    if arguments.hex {
        blank_byte_order_mark(&mut bytes);
        bytes = from_hex(&bytes).with_context(|| name(file))?;
    }
    let json = match arguments.message {
        Some(message) => decode(message, &bytes).map_err(|error| {
            let hint = other_kind(&bytes).map_or_else(String::new, |kind| format!("; {kind}"));
            anyhow!("{}: {error}{hint}", name(file))
        })?,
        None => guess(&bytes).with_context(|| name(file))?,
    };
    let mut out = out();
    if arguments.compact {
        writeln!(out, "{json}")?;
    } else {
        writeln!(out, "{}", pretty(&json))?;
    }
    Ok(Exit::Same)
}

fn decode(message: MessageName, bytes: &[u8]) -> Result<String, ProtobufError> {
    match message {
        MessageName::Export => export_request_to_json(bytes),
        MessageName::Span => span_to_json(bytes),
        MessageName::Struct => struct_to_json(bytes),
    }
}

fn guess(bytes: &[u8]) -> anyhow::Result<String> {
    if bytes.is_empty() {
        bail!("there are no bytes");
    }
    let mut reasons = Vec::new();
    for message in MESSAGES {
        // Nearly everything can be read as a Struct of unknown fields, text too.
        if message == MessageName::Struct
            && let Some(kind) = other_kind(bytes)
        {
            bail!("{kind}");
        }
        match decode(message, bytes) {
            Ok(json) if is_certain(message, &json) => return Ok(json),
            Ok(_) => reasons.push(format!("as {message:?}: {}", doubt(message)).to_lowercase()),
            Err(error) => reasons.push(format!("as {message:?}: {error}").to_lowercase()),
        }
    }
    bail!(
        "neither a span nor an export request nor a Struct ({}); where it is one all the same, name it with --as",
        reasons.join("; ")
    )
}

/// Many bytes read as more than one message, because readers skip what they do
/// not know. A span has ids of hexadecimal digits, an export request has such spans,
/// and a Struct that has any bytes has fields.
fn is_certain(message: MessageName, json: &str) -> bool {
    let Ok(value) = serde_json::from_str::<serde_json::Value>(json) else {
        return false;
    };
    match message {
        MessageName::Span => is_span(&value),
        MessageName::Export => value
            .get("spans")
            .and_then(|spans| spans.as_array())
            .is_some_and(|spans| !spans.is_empty() && spans.iter().all(is_span)),
        MessageName::Struct => value.as_object().is_some_and(|fields| !fields.is_empty()),
    }
}

/// Whether the ids of a span are ids: any bytes at their places would be texts.
fn is_span(value: &serde_json::Value) -> bool {
    let hexadecimal = |member: &str| {
        let id = value.get(member).and_then(|id| id.as_str())?;
        id.bytes()
            .all(|byte| byte.is_ascii_hexdigit())
            .then_some(id)
    };
    let has_trace = hexadecimal("traceId").is_some_and(|id| !id.is_empty());
    has_trace && (value.get("spanId").is_none() || hexadecimal("spanId").is_some())
}

/// What bytes are that somebody took for a message, and what reads them.
fn other_kind(bytes: &[u8]) -> Option<&'static str> {
    let mut bytes = bytes.to_vec();
    blank_byte_order_mark(&mut bytes);
    let bytes = bytes.as_slice();
    let first_line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let text = bytes.trim_ascii();
    let has = |magic: &[u8]| bytes.starts_with(magic);
    Some(if has(&[0x1f, 0x8b]) || has(&[0x28, 0xb5, 0x2f, 0xfd]) {
        "these bytes are compressed: unpack them first (gunzip, unzstd)"
    } else if parse_line(first_line).is_ok() {
        "this is a trace file, JSON lines of spans: read it with `drift traces --trace-dir FILE`"
    } else if is_all(text, |byte| {
        byte.is_ascii_hexdigit() || byte.is_ascii_whitespace()
    }) {
        "these are hexadecimal digits: say --hex"
    } else if Document::parse(bytes, ValueOptions::default()).is_ok() {
        "this is JSON text, not the bytes of a message: `drift hash FILE` prints its canonical form, \
         its hashes and its schema"
    } else if is_all(text, |byte| {
        byte.is_ascii_alphanumeric() || b"+/=-_".contains(&byte)
    }) {
        "this looks like base64: decode it first (base64 -d)"
    } else {
        return None;
    })
}

/// Whether a text of some length has nothing but such bytes.
fn is_all(text: &[u8], of: impl Fn(u8) -> bool) -> bool {
    text.len() >= 4 && text.iter().all(|byte| of(*byte))
}

fn doubt(message: MessageName) -> &'static str {
    match message {
        MessageName::Span => "no trace id of hexadecimal digits",
        MessageName::Export => "no spans with a trace id of hexadecimal digits",
        MessageName::Struct => "no fields",
    }
}

fn from_hex(text: &[u8]) -> anyhow::Result<Vec<u8>> {
    let digits: Vec<u8> = text
        .iter()
        .enumerate()
        .filter(|(_, byte)| !byte.is_ascii_whitespace())
        .map(|(at, byte)| {
            let digit = char::from(*byte).to_digit(16);
            let digit = digit.and_then(|digit| u8::try_from(digit).ok());
            digit.with_context(|| format!("byte {at} is not a hexadecimal digit"))
        })
        .collect::<Result<_, _>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        bail!("an odd number of hexadecimal digits: {}", digits.len());
    }
    Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// Indented by two, the digits of numbers as they are. The text is canonical,
/// so that outside its strings it has no white space.
fn pretty(json: &str) -> String {
    let mut indented = String::with_capacity(json.len() * 2);
    let mut level = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    let mut characters = json.chars().peekable();
    let break_line = |text: &mut String, level: usize| {
        text.push('\n');
        text.extend(std::iter::repeat_n("  ", level));
    };
    while let Some(character) = characters.next() {
        if in_string {
            indented.push(character);
            in_string = escaped || character != '"';
            escaped = !escaped && character == '\\';
            continue;
        }
        match character {
            '{' | '[' => {
                indented.push(character);
                let closing = characters.next_if(|next| matches!(next, '}' | ']'));
                match closing {
                    Some(closing) => indented.push(closing),
                    None => {
                        level += 1;
                        break_line(&mut indented, level);
                    }
                }
            }
            '}' | ']' => {
                level = level.saturating_sub(1);
                break_line(&mut indented, level);
                indented.push(character);
            }
            ',' => {
                indented.push(character);
                break_line(&mut indented, level);
            }
            ':' => indented.push_str(": "),
            _ => {
                in_string = character == '"';
                indented.push(character);
            }
        }
    }
    indented
}

#[cfg(test)]
mod tests {
    use super::pretty;

    #[test]
    fn indenting_changes_nothing_but_white_space_outside_strings() {
        let json = r#"{"a":[],"b":{},"c":["x\\\"{,:",12345678901234567890,{"d":null}]}"#;
        let expected = "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": [\n    \"x\\\\\\\"{,:\",\n    12345678901234567890,\n    {\n      \"d\": null\n    }\n  ]\n}";
        assert_eq!(pretty(json), expected);
    }
}
