//! From a recorded server span to the request that is sent again.
//!
//! | part | what is sent |
//! | --- | --- |
//! | method | the recorded one |
//! | target | path and query of the recorded one, encoded again where Python's SDK decoded it; host and scheme of an absolute one are dropped, so nothing leaves the machine |
//! | headers | the recorded ones, except those of the connection (`Connection` and what it names, `Keep-Alive`, `Proxy-*`, `TE`, `Trailer`, `Transfer-Encoding`, `Upgrade`, `Expect`, `Host`, `Content-Length`) |
//! | `x-td-trace-id` | the trace id of the test |
//! | `Accept-Encoding` | of the recorded one what we can decode: gzip, deflate, identity |
//! | body | the recorded bytes, from base64 |
//! | `Content-Encoding` | dropped when the bytes are not compressed: SDKs record bodies decompressed |
//! | `Content-Type` | the recorded one; where the SDK lost it (WSGI), what the schema or the bytes say |

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::span::Span;
use crate::target;
use crate::wording::count;

/// The header by which the SDK knows which test it serves.
pub const TRACE_ID_HEADER: &str = "x-td-trace-id";

/// Headers of the connection that was, not of the request.
const NOT_SENT: [&str; 14] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    TRACE_ID_HEADER,
];

/// A request as it is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedRequest {
    /// `GET`.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// In the recorded order, after `x-td-trace-id`; without those that the
    /// connection adds (`Host`, `Content-Length`, `Connection`).
    pub headers: Vec<(String, Vec<u8>)>,
    /// `None` when none was recorded.
    pub body: Option<Vec<u8>>,
    /// What differs from the recording, for people.
    pub notes: Vec<String>,
}

/// Why no request can be made of a span. The recording's fault.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum RequestError {
    /// The root is no HTTP request.
    #[error(
        "the test is a request of the package type {package_type}, and only HTTP and GraphQL can be sent"
    )]
    UnsupportedType {
        /// `PackageType` of the contract.
        package_type: i32,
    },
    /// Its input is not there, or no object.
    #[error("the recorded request cannot be read: {reason}")]
    NoInput {
        /// What is wrong with it.
        reason: String,
    },
    /// Neither the input nor the span names a method that can be sent.
    #[error("{method:?} is not a method that can be sent")]
    BadMethod {
        /// What stands there.
        method: String,
    },
    /// Neither target nor url nor path is there.
    #[error("the recorded request names no target")]
    NoTarget,
    /// The trace id would end its header, and begin another.
    #[error("the trace id {trace_id:?} has control characters, and cannot stand in a header")]
    BadTraceId {
        /// The id.
        trace_id: String,
    },
    /// The body is no text.
    #[error("the recorded body is {found}, and a string is expected")]
    BodyNotText {
        /// The JSON type that stands there.
        found: &'static str,
    },
    /// The body is not base64, as its schema says it is.
    #[error("the recorded body is not base64: {reason}")]
    BodyNotBase64 {
        /// What the decoder said.
        reason: String,
    },
}

impl RequestError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            RequestError::UnsupportedType { .. } => "unsupported_root",
            RequestError::NoInput { .. } => "no_input",
            RequestError::BadMethod { .. } => "bad_method",
            RequestError::NoTarget => "no_target",
            RequestError::BadTraceId { .. } => "bad_trace_id",
            RequestError::BodyNotText { .. } => "body_not_text",
            RequestError::BodyNotBase64 { .. } => "body_not_base64",
        }
    }
}

impl RecordedRequest {
    /// Makes the request of a root span.
    ///
    /// # Errors
    /// [`RequestError`] when the span does not hold one.
    pub fn of_span(root: &Span, trace_id: &str) -> Result<RecordedRequest, RequestError> {
        // 0 unspecified (Node leaves it out), 1 HTTP, 2 GraphQL.
        if !(0..=2).contains(&root.package_type) {
            return Err(RequestError::UnsupportedType {
                package_type: root.package_type,
            });
        }
        if trace_id.contains(char::is_control) {
            return Err(RequestError::BadTraceId {
                trace_id: trace_id.to_owned(),
            });
        }
        let input: Value = match &root.input_value {
            Some(text) => serde_json::from_str(text).map_err(|error| RequestError::NoInput {
                reason: error.to_string(),
            })?,
            None => {
                return Err(RequestError::NoInput {
                    reason: "the span has no input".to_owned(),
                });
            }
        };
        let text = |name: &str| {
            input
                .get(name)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
        };
        let method = text("method").unwrap_or(&root.submodule_name).to_owned();
        if !is_token(&method) || method.eq_ignore_ascii_case("CONNECT") {
            return Err(RequestError::BadMethod { method });
        }
        let target = text("target")
            .or_else(|| text("url"))
            .or_else(|| text("path"))
            .ok_or(RequestError::NoTarget)?;
        let mut request = RecordedRequest {
            method,
            ..RecordedRequest::default()
        };
        request.target = request.local_target(root, target);
        let body_schema = BodySchema::of(root.input_schema.as_deref());
        request.body = match input.get("body") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.is_empty() => None,
            Some(Value::String(text)) => Some(decode_body(text, body_schema.encoding)?),
            Some(other) => {
                return Err(RequestError::BodyNotText {
                    found: type_name(other),
                });
            }
        };
        request.add_headers(input.get("headers"), trace_id);
        request.infer_content_type(body_schema.decoded_type);
        Ok(request)
    }

    /// The first header of this name, as text.
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers
            .iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    }

    fn local_target(&mut self, root: &Span, recorded: &str) -> String {
        let mut target = recorded;
        if let Some(rest) = strip_scheme(recorded) {
            let begin = rest.find(['/', '?']).unwrap_or(rest.len());
            target = rest.get(begin..).unwrap_or_default();
            self.notes.push(format!(
                "the recorded target {recorded:?} is absolute; only its path and query are used"
            ));
        }
        target::sent(root, target)
    }

    fn add_headers(&mut self, headers: Option<&Value>, trace_id: &str) {
        self.headers
            .push((TRACE_ID_HEADER.to_owned(), trace_id.as_bytes().to_vec()));
        let Some(Value::Object(headers)) = headers else {
            return;
        };
        if self.body.is_none()
            && let Some(length) = body_length(headers)
        {
            self.notes.push(format!(
                "a body of {length} was sent and the SDK did not record it, so the test cannot be repeated as it was"
            ));
        }
        let named_by_connection: Vec<String> = headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("connection"))
            .flat_map(|(_, value)| texts(value))
            .flat_map(|value| value.split(','))
            .map(|name| name.trim().to_ascii_lowercase())
            .collect();
        for (name, value) in headers {
            let lower = name.to_ascii_lowercase();
            if NOT_SENT.contains(&lower.as_str()) || named_by_connection.contains(&lower) {
                continue;
            }
            for text in texts(value).into_iter().filter(|text| !text.is_empty()) {
                if !is_token(name) || text.contains(['\r', '\n', '\0']) {
                    self.notes.push(format!(
                        "the recorded header {name:?} cannot stand in a request, and is not sent"
                    ));
                    continue;
                }
                match lower.as_str() {
                    "accept-encoding" => self.add_accept_encoding(name, text),
                    "content-encoding" => self.add_content_encoding(name, text),
                    _ => self.headers.push((name.clone(), header_bytes(text))),
                }
            }
        }
    }

    fn add_accept_encoding(&mut self, name: &str, recorded: &str) {
        let kept: Vec<&str> = recorded
            .split(',')
            .map(str::trim)
            .filter(|coding| {
                let coding = coding.split(';').next().unwrap_or_default().trim();
                ["gzip", "x-gzip", "deflate", "identity"]
                    .iter()
                    .any(|known| coding.eq_ignore_ascii_case(known))
            })
            .collect();
        if !kept.is_empty() {
            self.headers
                .push((name.to_owned(), kept.join(", ").into_bytes()));
        }
    }

    fn add_content_encoding(&mut self, name: &str, recorded: &str) {
        // Of what was not recorded, a note says more.
        let Some(body) = self.body.as_deref() else {
            return;
        };
        if is_still_encoded(body, recorded) {
            self.headers.push((name.to_owned(), header_bytes(recorded)));
        } else {
            self.notes.push(format!(
                "the body was recorded decompressed, so \"{name}: {recorded}\" is not sent"
            ));
        }
    }

    fn infer_content_type(&mut self, decoded_type: Option<i64>) {
        let Some(body) = &self.body else { return };
        if self.header("content-type").is_some() {
            return;
        }
        if let Some(inferred) = content_type_of(body, decoded_type) {
            self.notes.push(format!(
                "no content type was recorded; the body says {inferred}"
            ));
            self.headers
                .push(("Content-Type".to_owned(), inferred.into_bytes()));
        }
    }
}

/// What the schema says of the body.
#[derive(Default)]
struct BodySchema {
    encoding: Option<i64>,
    decoded_type: Option<i64>,
}

impl BodySchema {
    fn of(schema: Option<&str>) -> BodySchema {
        let schema: Option<Value> = schema.and_then(|text| serde_json::from_str(text).ok());
        let Some(body) = schema
            .as_ref()
            .and_then(|schema| schema.pointer("/properties/body"))
        else {
            return BodySchema::default();
        };
        let number = |names: &[&str]| {
            names
                .iter()
                .find_map(|name| body.get(name))
                .and_then(Value::as_i64)
        };
        BodySchema {
            encoding: number(&["encoding"]),
            decoded_type: number(&["decodedType", "decoded_type"]),
        }
    }
}

/// Base64 where the schema says so or says nothing; where it says another
/// encoding, base64 if it is that, and else the text itself.
fn decode_body(text: &str, encoding: Option<i64>) -> Result<Vec<u8>, RequestError> {
    match (STANDARD.decode(text), encoding) {
        (Ok(bytes), _) => Ok(bytes),
        (Err(error), None | Some(1)) => Err(RequestError::BodyNotBase64 {
            reason: error.to_string(),
        }),
        (Err(_), Some(_)) => Ok(text.as_bytes().to_vec()),
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a Boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// The values of a header: one string, or several (Node).
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// How long the body was that was sent, for people; `None` when there was none, or
/// nothing says so.
fn body_length(headers: &serde_json::Map<String, Value>) -> Option<String> {
    let (_, value) = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
    let length: usize = texts(value).first()?.trim().parse().ok()?;
    (length > 0).then(|| count(length, "byte"))
}

/// Both SDKs read header bytes as Latin-1; what cannot be that goes as UTF-8.
fn header_bytes(text: &str) -> Vec<u8> {
    text.chars()
        .map(|letter| u8::try_from(u32::from(letter)))
        .collect::<Result<_, _>>()
        .unwrap_or_else(|_| text.as_bytes().to_vec())
}

/// RFC 9110 section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn strip_scheme(target: &str) -> Option<&str> {
    let (scheme, rest) = target.split_once("://")?;
    let is_scheme = !scheme.is_empty()
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme.then_some(rest)
}

/// Whether bytes begin as their encoding does. Brotli has no mark, so a body of
/// that encoding counts as decompressed.
fn is_still_encoded(body: &[u8], encoding: &str) -> bool {
    let encoding = encoding.rsplit(',').next().unwrap_or_default().trim();
    match encoding.to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => body.starts_with(&[0x1f, 0x8b]),
        "zstd" => body.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]),
        // RFC 1950: method 8, and the two bytes a multiple of 31.
        "deflate" => match body {
            [first, second, ..] => {
                first & 0x0f == 8 && (u16::from(*first) << 8 | u16::from(*second)) % 31 == 0
            }
            _ => false,
        },
        _ => false,
    }
}

/// The content type of a body whose header was lost.
fn content_type_of(body: &[u8], decoded_type: Option<i64>) -> Option<String> {
    if let Some(boundary) = multipart_boundary(body) {
        return Some(format!("multipart/form-data; boundary={boundary}"));
    }
    let by_schema = match decoded_type {
        Some(1) => Some("application/json"),
        Some(2) => Some("text/html"),
        Some(5) => Some("application/xml"),
        Some(6) => Some("application/yaml"),
        Some(7) => Some("text/markdown"),
        Some(8) => Some("text/csv"),
        Some(9) => Some("application/sql"),
        Some(10) => Some("application/graphql"),
        Some(11) => Some("text/plain"),
        Some(12) => Some("application/x-www-form-urlencoded"),
        Some(14) => Some("application/pdf"),
        Some(17) => Some("application/gzip"),
        Some(18) => Some("application/octet-stream"),
        Some(19) => Some("image/jpeg"),
        Some(20) => Some("image/png"),
        Some(21) => Some("image/gif"),
        Some(22) => Some("image/webp"),
        Some(23) => Some("image/svg+xml"),
        Some(24) => Some("application/zip"),
        _ => None,
    };
    if let Some(name) = by_schema {
        return Some(name.to_owned());
    }
    if serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok() {
        return Some("application/json".to_owned());
    }
    is_form(body).then(|| "application/x-www-form-urlencoded".to_owned())
}

/// The boundary of a body in parts: its first line, if the body ends with it too.
fn multipart_boundary(body: &[u8]) -> Option<&str> {
    let rest = body.strip_prefix(b"--")?;
    let end = rest.windows(2).take(72).position(|pair| pair == b"\r\n")?;
    let boundary = std::str::from_utf8(rest.get(..end)?).ok()?;
    // RFC 2046 section 5.1.1, without the characters that would need quotes.
    let fits = (1..=70).contains(&boundary.len())
        && boundary
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"'+_-.".contains(&byte));
    let closing = format!("\r\n--{boundary}--");
    let tail = body.trim_ascii_end();
    (fits && tail.ends_with(closing.as_bytes())).then_some(boundary)
}

/// Names and values as forms encode them: nothing but the characters that may
/// stand there, whole percent signs, one `=` in each pair.
fn is_form(body: &[u8]) -> bool {
    let escapes_are_whole = body.iter().enumerate().all(|(at, byte)| {
        *byte != b'%'
            || body
                .get(at + 1..at + 3)
                .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    let letters =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"*-._~+%!'(),:;/?@$[]".contains(byte);
    escapes_are_whole
        && body.split(|byte| *byte == b'&').all(|pair| {
            let mut parts = pair.split(|byte| *byte == b'=');
            let name = parts.next().unwrap_or_default();
            let value = parts.next();
            !name.is_empty()
                && parts.next().is_none()
                && name.iter().all(letters)
                && value.is_some_and(|value| value.iter().all(letters))
        })
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
