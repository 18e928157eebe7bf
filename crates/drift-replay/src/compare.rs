//! A recorded response against the one that the service gives now: status,
//! headers, body. What may differ is in `rules`; calls that the service makes
//! are in `outbound`.

mod body;
mod headers;
mod json;
mod learn;
mod lines;

pub use body::BodyKind;
pub use json::diff_json;
pub use learn::{Learned, LearnedRule, LearnedTest, learn};
pub use lines::{DiffLine, LineSide, partners};

use crate::rules::{Reason, Rules};
use crate::span::Span;
use crate::tree::Json;
pub(crate) use body::decode_text;
pub(crate) use headers::sentence as header_sentence;
pub(crate) use json::differences;

/// How many differences of one body are kept; further ones are counted.
pub const MAX_DIFFERENCES: usize = 1_000;

/// The response of the service, as its client received it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActualResponse {
    /// The status code.
    pub status: u16,
    /// The headers in the order they came, names as they came.
    pub headers: Vec<(String, String)>,
    /// The body after its transfer and content encodings were undone.
    pub body: Vec<u8>,
}

/// What happened, seen from the recording: `Added` is what only the replay has.
pub use drift_rust_core::DifferenceKind as Change;

/// What kind of deviation it is; the names are permanent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DeviationCode {
    /// Another status code.
    StatusChanged,
    /// A response header that the recording lacks.
    HeaderAdded,
    /// A recorded response header that is gone.
    HeaderRemoved,
    /// A response header with another value.
    HeaderChanged,
    /// The media type of the body changed.
    ContentTypeChanged,
    /// A value of a JSON or form body is new.
    BodyAdded,
    /// A value of a JSON or form body is gone.
    BodyRemoved,
    /// A value of a JSON or form body differs.
    BodyChanged,
    /// The body is of another kind: no longer JSON, no longer text, absent.
    BodyKindChanged,
    /// Lines of a text body differ.
    BodyTextChanged,
    /// The bytes of a binary body differ.
    BodyBinaryChanged,
    /// The service gave no response.
    NoResponse,
    /// A recorded outbound call is not made any more.
    CallMissing,
    /// An outbound call that the recording of this test does not have.
    CallNew,
    /// A recorded outbound call is made more often than recorded.
    CallMoreOften,
    /// A recorded outbound call is made at another place in the order.
    CallOrder,
    /// A recorded outbound call is made with another input.
    CallChanged,
}

impl DeviationCode {
    /// Every code.
    pub const ALL: &'static [DeviationCode] = &[
        DeviationCode::StatusChanged,
        DeviationCode::HeaderAdded,
        DeviationCode::HeaderRemoved,
        DeviationCode::HeaderChanged,
        DeviationCode::ContentTypeChanged,
        DeviationCode::BodyAdded,
        DeviationCode::BodyRemoved,
        DeviationCode::BodyChanged,
        DeviationCode::BodyKindChanged,
        DeviationCode::BodyTextChanged,
        DeviationCode::BodyBinaryChanged,
        DeviationCode::NoResponse,
        DeviationCode::CallMissing,
        DeviationCode::CallNew,
        DeviationCode::CallMoreOften,
        DeviationCode::CallOrder,
        DeviationCode::CallChanged,
    ];

    /// The permanent name.
    pub const fn as_str(self) -> &'static str {
        match self {
            DeviationCode::StatusChanged => "STATUS_CHANGED",
            DeviationCode::HeaderAdded => "HEADER_ADDED",
            DeviationCode::HeaderRemoved => "HEADER_REMOVED",
            DeviationCode::HeaderChanged => "HEADER_CHANGED",
            DeviationCode::ContentTypeChanged => "CONTENT_TYPE_CHANGED",
            DeviationCode::BodyAdded => "BODY_ADDED",
            DeviationCode::BodyRemoved => "BODY_REMOVED",
            DeviationCode::BodyChanged => "BODY_CHANGED",
            DeviationCode::BodyKindChanged => "BODY_KIND_CHANGED",
            DeviationCode::BodyTextChanged => "BODY_TEXT_CHANGED",
            DeviationCode::BodyBinaryChanged => "BODY_BINARY_CHANGED",
            DeviationCode::NoResponse => "NO_RESPONSE",
            DeviationCode::CallMissing => "CALL_MISSING",
            DeviationCode::CallNew => "CALL_NEW",
            DeviationCode::CallMoreOften => "CALL_MORE_OFTEN",
            DeviationCode::CallOrder => "CALL_ORDER",
            DeviationCode::CallChanged => "CALL_CHANGED",
        }
    }

    /// The `field` of the published results: `response.status`, `response.body`, …
    pub const fn published_field(self) -> &'static str {
        match self {
            DeviationCode::StatusChanged | DeviationCode::NoResponse => "response.status",
            DeviationCode::HeaderAdded
            | DeviationCode::HeaderRemoved
            | DeviationCode::HeaderChanged
            | DeviationCode::ContentTypeChanged => "response.headers",
            DeviationCode::BodyAdded
            | DeviationCode::BodyRemoved
            | DeviationCode::BodyChanged
            | DeviationCode::BodyKindChanged
            | DeviationCode::BodyTextChanged
            | DeviationCode::BodyBinaryChanged => "response.body",
            DeviationCode::CallMissing
            | DeviationCode::CallNew
            | DeviationCode::CallMoreOften
            | DeviationCode::CallOrder
            | DeviationCode::CallChanged => "outbound",
        }
    }
}

/// One deviation from the recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// What kind it is.
    pub code: DeviationCode,
    /// What happened.
    pub change: Change,
    /// `status`, `headers.location`, `body`, `outbound`.
    pub part: String,
    /// The path inside a JSON or form body, as [`drift_rust_core::Difference`] spells it.
    pub path: Option<String>,
    /// The recorded value: JSON inside JSON bodies, else plain text.
    pub recorded: Option<String>,
    /// The value now.
    pub actual: Option<String>,
    /// One sentence for people.
    pub description: String,
    /// The changed lines of a text body with their surroundings.
    pub lines: Vec<DiffLine>,
    /// The call of a deviation in outbound calls: its index in
    /// [`OutboundReport::calls`](crate::outbound::OutboundReport::calls).
    pub call: Option<usize>,
    /// The name that stands beside the value in the body: `{"name": …, "value": …}`.
    pub named: Option<String>,
}

impl Deviation {
    /// A deviation with what every kind has; what only one side has was added or removed.
    pub fn new(
        code: DeviationCode,
        part: impl Into<String>,
        recorded: Option<String>,
        actual: Option<String>,
        description: String,
    ) -> Deviation {
        let change = match (&recorded, &actual) {
            (None, _) => Change::Added,
            (_, None) => Change::Removed,
            _ => Change::Changed,
        };
        Deviation {
            code,
            change,
            part: part.into(),
            path: None,
            recorded,
            actual,
            description,
            lines: Vec::new(),
            call: None,
            named: None,
        }
    }
}

/// A difference that a rule accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// `headers.etag`, `body`, …
    pub part: String,
    /// The path inside the body.
    pub path: Option<String>,
    /// The recorded value.
    pub recorded: Option<String>,
    /// The value now.
    pub actual: Option<String>,
    /// The rule that accepted it.
    pub reason: Reason,
    /// As of a [`Deviation`].
    pub named: Option<String>,
}

/// The result of one comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// What is not as recorded; empty when all is.
    pub deviations: Vec<Deviation>,
    /// What differs and may.
    pub accepted: Vec<Accepted>,
    /// Differences beyond [`MAX_DIFFERENCES`] that were only counted.
    pub more: usize,
    /// What the reader should know about how it was compared.
    pub notices: Vec<String>,
}

/// Compares the response that a root span recorded with the one of today.
///
/// Status: `statusCode` (or `status`, as fetch has it), 200 when there is none.
/// Headers and body: `docs/comparing.md`. Deviations come in the order status,
/// headers by name, body in canonical key order: the same input gives the same
/// list, whatever the threads.
///
/// ```
/// use drift_replay::Span;
/// use drift_replay::compare::{ActualResponse, compare_response};
/// use drift_replay::rules::Rules;
/// let recorded = Span {
///     output_value: Some(r#"{"statusCode":200,"body":"eyJhIjoxfQ=="}"#.to_owned()),
///     ..Span::default()
/// };
/// let actual = ActualResponse { status: 200, headers: vec![], body: br#"{"a":2}"#.to_vec() };
/// let comparison = compare_response(&recorded, &actual, &Rules::default());
/// assert_eq!(comparison.deviations[0].path.as_deref(), Some("$.a"));
/// ```
pub fn compare_response(root: &Span, actual: &ActualResponse, rules: &Rules) -> Comparison {
    let recorded = Recorded::of(root);
    let request = request_name(root);
    let mut comparison = Comparison::default();
    if root.output_value.is_some() && recorded.output.is_none() {
        comparison
            .notices
            .push("the recorded output is not JSON; it counts as an empty response".to_owned());
    }
    status(&recorded, actual, &mut comparison);
    headers::compare(&recorded, actual, rules, &request, &mut comparison);
    body::compare(&recorded, actual, rules, &request, &mut comparison);
    comparison
}

/// The deviation of a test whose request got no response.
pub fn no_response(root: &Span, why: &str) -> Deviation {
    Deviation::new(
        DeviationCode::NoResponse,
        "status",
        Some(Recorded::of(root).status.to_string()),
        None,
        format!("the service gave no response: {why}"),
    )
}

/// `GET /orders/7?full=1`: what the `request` of a rule is matched with.
pub fn request_name(root: &Span) -> String {
    let input = input_of(root);
    let method = input
        .as_ref()
        .and_then(|input| input.get("method")?.as_str());
    match (method, request_target(root)) {
        (Some(method), Some(target)) => format!("{method} {target}"),
        _ => span_name(root),
    }
}

/// Path and query of a recorded request, as people read them: those that WSGI
/// decoded as Latin-1 are UTF-8.
pub fn request_target(root: &Span) -> Option<String> {
    let input = input_of(root)?;
    let text = |key: &str| input.get(key).and_then(Json::as_str);
    let recorded = text("target").or_else(|| text("url"))?;
    Some(crate::target::readable(root, recorded))
}

/// The name of a span, as people read it: in one of WSGI stands a path.
pub fn span_name(span: &Span) -> String {
    crate::target::readable(span, &span.name)
}

fn input_of(root: &Span) -> Option<Json> {
    Json::parse(root.input_value.as_deref()?.as_bytes())
}

/// The status that a root span recorded, 200 when it has none.
pub fn recorded_status(root: &Span) -> i64 {
    Recorded::of(root).status
}

/// What a root span recorded of its response.
pub(crate) struct Recorded {
    output: Option<Json>,
    schema: Option<Json>,
    status: i64,
}

impl Recorded {
    fn of(root: &Span) -> Recorded {
        let parse = |text: &Option<String>| {
            text.as_deref()
                .and_then(|text| Json::parse(text.as_bytes()))
        };
        let output = parse(&root.output_value);
        let status = ["statusCode", "status"]
            .iter()
            .find_map(|key| output.as_ref()?.get(key)?.as_int())
            .unwrap_or(200);
        Recorded {
            output,
            schema: parse(&root.output_schema),
            status,
        }
    }

    fn member(&self, key: &str) -> Option<&Json> {
        self.output
            .as_ref()?
            .get(key)
            .filter(|value| **value != Json::Null)
    }

    /// The header values by lower-case name; `None` when none were recorded.
    fn headers(&self) -> Option<Vec<(String, String)>> {
        let Some(Json::Object(members)) = self.member("headers") else {
            return None;
        };
        let mut all = Vec::new();
        for (name, value) in members {
            let name = name.to_ascii_lowercase();
            match value {
                Json::Array(items) => {
                    for item in items {
                        all.push((name.clone(), headers::value_text(item)));
                    }
                }
                other => all.push((name, headers::value_text(other))),
            }
        }
        Some(all)
    }

    /// What the schema says of the body; both SDKs' spellings.
    fn body_schema(&self, camel: &str, snake: &str) -> Option<i64> {
        schema_number(self.schema.as_ref(), "body", camel, snake)
    }
}

/// A number that a schema holds for a top-level member, in either spelling.
pub(crate) fn schema_number(
    schema: Option<&Json>,
    member: &str,
    camel: &str,
    snake: &str,
) -> Option<i64> {
    let property = schema?.get("properties")?.get(member)?;
    property
        .get(camel)
        .or_else(|| property.get(snake))?
        .as_int()
}

fn status(recorded: &Recorded, actual: &ActualResponse, comparison: &mut Comparison) {
    if recorded.status == i64::from(actual.status) {
        return;
    }
    let (old, new) = (recorded.status.to_string(), actual.status.to_string());
    let description = format!("status {old} was recorded, now it is {new}");
    comparison.deviations.push(Deviation::new(
        DeviationCode::StatusChanged,
        "status",
        Some(old),
        Some(new),
        description,
    ));
}

#[cfg(test)]
mod body_tests;
#[cfg(test)]
mod tests;
