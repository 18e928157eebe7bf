//! Bodies by their decoded type: JSON and forms by path, texts by line, the
//! rest by digest.

use super::headers::media_type;
use super::json::{JsonDifferences, differences};
use super::{
    Accepted, ActualResponse, Change, Comparison, Deviation, DeviationCode, Recorded, lines,
};
use crate::drive::decode;
use crate::rules::{Allowance, Reason, Rules, Selected};
use crate::tree::Json;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use tusk_drift_schemas::tusk::drift::core::v1::DecodedType;

/// How a body is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// By path.
    Json,
    /// `application/x-www-form-urlencoded`, by name and position.
    Form,
    /// By line.
    Text,
    /// By line, without the boundary.
    Multipart,
    /// By digest and size.
    Binary,
    /// What both sides turn out to be.
    Unknown,
}

impl BodyKind {
    /// The kind of a `decodedType`; 0 and numbers of later contracts are unknown.
    pub fn of_decoded_type(number: i64) -> BodyKind {
        let Some(decoded) = i32::try_from(number)
            .ok()
            .and_then(|number| DecodedType::try_from(number).ok())
        else {
            return BodyKind::Unknown;
        };
        match decoded {
            DecodedType::Unspecified => BodyKind::Unknown,
            DecodedType::Json => BodyKind::Json,
            DecodedType::FormData => BodyKind::Form,
            DecodedType::MultipartForm => BodyKind::Multipart,
            DecodedType::Html
            | DecodedType::Css
            | DecodedType::Javascript
            | DecodedType::Xml
            | DecodedType::Yaml
            | DecodedType::Markdown
            | DecodedType::Csv
            | DecodedType::Sql
            | DecodedType::Graphql
            | DecodedType::PlainText
            | DecodedType::Svg => BodyKind::Text,
            DecodedType::Pdf
            | DecodedType::Audio
            | DecodedType::Video
            | DecodedType::Gzip
            | DecodedType::Binary
            | DecodedType::Jpeg
            | DecodedType::Png
            | DecodedType::Gif
            | DecodedType::Webp
            | DecodedType::Zip => BodyKind::Binary,
        }
    }

    fn of_media_type(media: &str) -> BodyKind {
        if media == "application/json" || media.ends_with("+json") {
            BodyKind::Json
        } else if media == "application/x-www-form-urlencoded" {
            BodyKind::Form
        } else if media == "multipart/form-data" {
            BodyKind::Multipart
        } else if media.starts_with("text/")
            || media.ends_with("+xml")
            || matches!(media, "application/xml" | "application/javascript")
        {
            BodyKind::Text
        } else {
            BodyKind::Unknown
        }
    }

    fn name(self) -> &'static str {
        match self {
            BodyKind::Json => "JSON",
            BodyKind::Form => "a form",
            BodyKind::Text | BodyKind::Multipart => "text",
            BodyKind::Binary => "binary",
            BodyKind::Unknown => "of an unknown type",
        }
    }
}

/// Whether a media type is one that a decoded type stands for; `None` where
/// the decoded type says nothing about it.
pub(super) fn media_type_of_decoded(number: i64) -> Option<fn(&str) -> bool> {
    let decoded = DecodedType::try_from(i32::try_from(number).ok()?).ok()?;
    match decoded {
        DecodedType::Json => Some(|media| media == "application/json" || media.ends_with("+json")),
        DecodedType::Html => Some(|media| media == "text/html"),
        DecodedType::Css => Some(|media| media == "text/css"),
        DecodedType::Xml => Some(|media| media.ends_with("/xml") || media.ends_with("+xml")),
        DecodedType::Csv => Some(|media| media == "text/csv"),
        DecodedType::PlainText => Some(|media| media == "text/plain"),
        DecodedType::FormData => Some(|media| media == "application/x-www-form-urlencoded"),
        _ => None,
    }
}

/// The bytes of a recorded body, and whether it stood there as JSON itself.
enum RecordedBody {
    None,
    Bytes(Vec<u8>),
    Json(Json),
}

fn recorded_bytes(recorded: &Recorded) -> RecordedBody {
    match recorded.member("body") {
        None => RecordedBody::None,
        Some(Json::String(text)) => RecordedBody::Bytes(decode_text(text)),
        Some(other) => RecordedBody::Json(other.clone()),
    }
}

/// A recorded body without its content encoding, as the live one has come to be.
///
/// Node's SDK records what was before the encoding, that of Python what was sent:
/// only the bytes tell, and those that are no such encoding stay.
fn without_encoding(bytes: Vec<u8>, recorded: &Recorded) -> Vec<u8> {
    let encoding = recorded
        .headers()
        .into_iter()
        .flatten()
        .find(|(name, _)| name == "content-encoding");
    let Some((_, encoding)) = encoding else {
        return bytes;
    };
    match decode(&bytes::Bytes::from(bytes.clone()), &encoding) {
        Ok(decoded) => decoded.to_vec(),
        Err(_) => bytes,
    }
}

/// A body is base64, always; what is not base64 was written by hand, and is
/// taken as it stands.
pub(crate) fn decode_text(text: &str) -> Vec<u8> {
    STANDARD
        .decode(text)
        .unwrap_or_else(|_| text.as_bytes().to_vec())
}

/// One side of a comparison, read as its kind.
enum Side {
    Empty,
    Json(Json),
    Text(String),
    Binary(Vec<u8>),
}

impl Side {
    fn read(bytes: &[u8], kind: BodyKind) -> Side {
        if bytes.is_empty() {
            return Side::Empty;
        }
        let text = || std::str::from_utf8(bytes).ok().map(str::to_owned);
        let as_text = || text().map_or_else(|| Side::Binary(bytes.to_vec()), Side::Text);
        match kind {
            BodyKind::Json | BodyKind::Unknown => {
                Json::parse(bytes).map_or_else(as_text, Side::Json)
            }
            BodyKind::Form => match text() {
                Some(text) => Side::Json(form(&text)),
                None => Side::Binary(bytes.to_vec()),
            },
            BodyKind::Text => as_text(),
            BodyKind::Multipart => match text() {
                Some(text) => Side::Text(without_boundary(&text)),
                None => Side::Binary(bytes.to_vec()),
            },
            BodyKind::Binary => Side::Binary(bytes.to_vec()),
        }
    }

    fn name(&self, kind: BodyKind) -> &'static str {
        match self {
            Side::Empty => "empty",
            Side::Json(_) if kind == BodyKind::Form => BodyKind::Form.name(),
            Side::Json(_) => BodyKind::Json.name(),
            Side::Text(_) => BodyKind::Text.name(),
            Side::Binary(_) => BodyKind::Binary.name(),
        }
    }

    fn shown(&self) -> Option<String> {
        match self {
            Side::Empty => None,
            Side::Json(value) => Some(value.text()),
            Side::Text(text) => Some(text.clone()),
            Side::Binary(bytes) => Some(describe_bytes(bytes)),
        }
    }
}

/// `1234 bytes, sha256 9f86d0…`, the digest whole.
fn describe_bytes(bytes: &[u8]) -> String {
    let digest: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{} bytes, sha256 {digest}", bytes.len())
}

pub(super) fn compare(
    recorded: &Recorded,
    actual: &ActualResponse,
    rules: &Rules,
    request: &str,
    comparison: &mut Comparison,
) {
    let kind = kind_of(recorded);
    let (left, right) = match recorded_bytes(recorded) {
        RecordedBody::Json(value) => (Side::Json(value), Side::read(&actual.body, BodyKind::Json)),
        RecordedBody::None => (Side::Empty, Side::read(&actual.body, kind)),
        RecordedBody::Bytes(bytes) => {
            if bytes == actual.body {
                return;
            }
            pair(&without_encoding(bytes, recorded), &actual.body, kind)
        }
    };
    match (&left, &right) {
        (Side::Empty, Side::Empty) => {}
        (Side::Json(a), Side::Json(b)) => {
            add_json(differences(a, b, rules, request), comparison);
        }
        (Side::Text(a), Side::Text(b)) => texts(a, b, rules, request, comparison),
        (Side::Binary(a), Side::Binary(b)) => {
            if a != b && !whole(&left, &right, rules, request, comparison) {
                let (old, new) = (describe_bytes(a), describe_bytes(b));
                push(
                    comparison,
                    DeviationCode::BodyBinaryChanged,
                    Some(old.clone()),
                    Some(new.clone()),
                    format!("the body was {old}; now it is {new}"),
                );
            }
        }
        _ => {
            if whole(&left, &right, rules, request, comparison) {
                return;
            }
            let description = match (&left, &right) {
                (Side::Empty, _) => "a body where none was recorded".to_owned(),
                (_, Side::Empty) => "the recorded body is gone".to_owned(),
                _ => format!(
                    "the body was {}, now it is {}",
                    left.name(kind),
                    right.name(kind)
                ),
            };
            push(
                comparison,
                DeviationCode::BodyKindChanged,
                left.shown(),
                right.shown(),
                description,
            );
        }
    }
}

fn kind_of(recorded: &Recorded) -> BodyKind {
    let by_schema = recorded
        .body_schema("decodedType", "decoded_type")
        .map_or(BodyKind::Unknown, BodyKind::of_decoded_type);
    if by_schema != BodyKind::Unknown {
        return by_schema;
    }
    recorded
        .headers()
        .and_then(|headers| {
            headers
                .into_iter()
                .find(|(name, _)| name == "content-type")
                .map(|(_, value)| BodyKind::of_media_type(&media_type(&value)))
        })
        .unwrap_or(BodyKind::Unknown)
}

fn pair(recorded: &[u8], actual: &[u8], kind: BodyKind) -> (Side, Side) {
    let (left, right) = (Side::read(recorded, kind), Side::read(actual, kind));
    if kind != BodyKind::Unknown {
        return (left, right);
    }
    // Of an unknown type one side may happen to be JSON (`123`): then both are
    // what both can be.
    match (&left, &right) {
        (Side::Json(_), Side::Text(_)) | (Side::Text(_), Side::Json(_)) => {
            let scalar = |side: &Side| {
                matches!(side, Side::Json(value)
                    if !matches!(value, Json::Object(_) | Json::Array(_)))
            };
            if scalar(&left) || scalar(&right) {
                (
                    Side::read(recorded, BodyKind::Text),
                    Side::read(actual, BodyKind::Text),
                )
            } else {
                (left, right)
            }
        }
        _ => (left, right),
    }
}

fn add_json(found: JsonDifferences, comparison: &mut Comparison) {
    comparison.more += found.more;
    comparison.notices.extend(found.notices);
    for difference in found.all {
        let text = |value: &Option<Json>| value.as_ref().map(Json::text);
        let (recorded, actual) = (text(&difference.recorded), text(&difference.actual));
        if let Some(reason) = difference.reason {
            comparison.accepted.push(Accepted {
                part: "body".to_owned(),
                path: Some(difference.path),
                recorded,
                actual,
                reason,
                named: difference.named,
            });
            continue;
        }
        let (code, what) = match difference.change {
            Change::Added => (DeviationCode::BodyAdded, "is new".to_owned()),
            Change::Removed => (DeviationCode::BodyRemoved, "is gone".to_owned()),
            Change::Changed => (
                DeviationCode::BodyChanged,
                difference
                    .note
                    .map_or_else(|| "differs".to_owned(), |note| format!("differs: {note}")),
            ),
        };
        let description = format!("{} {what}", difference.path);
        comparison.deviations.push(Deviation {
            path: Some(difference.path),
            named: difference.named,
            ..Deviation::new(code, "body", recorded, actual, description)
        });
    }
}

/// Rules about `$` and the published forms, on two bodies that are not both JSON.
fn whole(
    left: &Side,
    right: &Side,
    rules: &Rules,
    request: &str,
    comparison: &mut Comparison,
) -> bool {
    let value = |side: &Side| match side {
        Side::Json(value) => Some(value.clone()),
        Side::Text(text) => Some(Json::String(text.clone())),
        Side::Empty | Side::Binary(_) => None,
    };
    let (a, b) = (value(left), value(right));
    let chosen = rules.for_request(request);
    // `$` selects the root of any document.
    let selected = Selected::of(&chosen, &Json::Null);
    let by_rule = selected.at("$").iter().find(|rule| match &rule.allowance {
        Allowance::Ignore => true,
        Allowance::Presence => !matches!(left, Side::Empty) && !matches!(right, Side::Empty),
        Allowance::Regex(pattern) => match (&a, &b) {
            (Some(Json::String(a)), Some(Json::String(b))) => {
                pattern.is_match(a) && pattern.is_match(b)
            }
            _ => false,
        },
        Allowance::Tolerance { .. } | Allowance::Unordered => false,
    });
    let reason = match by_rule {
        Some(rule) => Some(Reason::of(rule)),
        None => a.zip(b).and_then(|(a, b)| rules.accepts(&a, &b)),
    };
    let Some(reason) = reason else { return false };
    comparison.accepted.push(Accepted {
        part: "body".to_owned(),
        path: None,
        recorded: left.shown(),
        actual: right.shown(),
        reason,
        named: None,
    });
    true
}

fn texts(a: &str, b: &str, rules: &Rules, request: &str, comparison: &mut Comparison) {
    if a == b {
        return;
    }
    let (left, right) = (Side::Text(a.to_owned()), Side::Text(b.to_owned()));
    if whole(&left, &right, rules, request, comparison) {
        return;
    }
    let difference = lines::compare(a, b, rules);
    for (line, recorded, actual, reason) in difference.accepted {
        comparison.accepted.push(Accepted {
            part: "body".to_owned(),
            path: Some(format!("line {line}")),
            recorded: Some(recorded),
            actual: Some(actual),
            reason,
            named: None,
        });
    }
    if difference.removed + difference.added == 0 {
        return;
    }
    let description = format!(
        "the text differs: {} {} gone, {} new",
        difference.removed,
        if difference.removed == 1 {
            "line"
        } else {
            "lines"
        },
        difference.added
    );
    push(
        comparison,
        DeviationCode::BodyTextChanged,
        Some(a.to_owned()),
        Some(b.to_owned()),
        description,
    );
    if let Some(last) = comparison.deviations.last_mut() {
        last.lines = difference.lines;
    }
}

fn push(
    comparison: &mut Comparison,
    code: DeviationCode,
    recorded: Option<String>,
    actual: Option<String>,
    description: String,
) {
    comparison
        .deviations
        .push(Deviation::new(code, "body", recorded, actual, description));
}

/// A form as an object: each name has the list of its values.
pub(crate) fn form(text: &str) -> Json {
    let mut members: Vec<(String, Json)> = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (percent_decode(name), Json::String(percent_decode(value)));
        match members.iter_mut().find(|(known, _)| *known == name) {
            Some((_, Json::Array(values))) => values.push(value),
            _ => members.push((name, Json::Array(vec![value]))),
        }
    }
    members.sort_by(|(a, _), (b, _)| a.as_bytes().cmp(b.as_bytes()));
    Json::Object(members)
}

/// `+` is a space, `%41` is `A`; what is not an escape stays.
fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escape = (byte == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escape {
            Some(value) => {
                decoded.push(value);
                at += 3;
            }
            None => {
                decoded.push(if byte == b'+' { b' ' } else { byte });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// A multipart text with its boundary, which every answer chooses anew, replaced.
fn without_boundary(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default().trim_end();
    match first.strip_prefix("--") {
        Some(boundary) if boundary.len() >= 8 => text.replace(boundary, "boundary"),
        _ => text.to_owned(),
    }
}
