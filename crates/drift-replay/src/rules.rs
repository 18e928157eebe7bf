//! What may differ between a recording and a replay: the published forms
//! (UUIDs, timestamps, dates, epochs, JWTs), field names and patterns, and
//! rules by JSONPath (RFC 9535). Every pattern is compiled once, here; how two
//! bodies are walked is in `compare`.

use crate::tree::{Json, Number};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use drift_rust_core::path::{push_index, push_member};
use regex::Regex;
use serde_json_path::{JsonPath, PathElement};
use std::collections::HashMap;
use std::sync::LazyLock;

/// A rule that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// The JSONPath is not one of RFC 9535. The caller's fault; mend the path.
    #[error("`{path}` is not a JSONPath (RFC 9535) at byte {offset}: {reason}{hint}")]
    JsonPath {
        /// As it was given.
        path: String,
        /// Where it stops being one.
        offset: usize,
        /// What the library says.
        reason: String,
        /// `; did you mean …?`, or nothing.
        hint: String,
    },
    /// The regular expression does not compile. The caller's fault.
    #[error("`{pattern}` is not a regular expression: {reason}")]
    Pattern {
        /// As it was given.
        pattern: String,
        /// What the library says, on one line.
        reason: String,
    },
    /// A tolerance is negative or not finite. The caller's fault.
    #[error("a tolerance must be 0 or more, not {value}")]
    Tolerance {
        /// As it was given.
        value: f64,
    },
}

impl RuleError {
    /// The permanent name of the fault.
    pub fn code(&self) -> &'static str {
        match self {
            RuleError::JsonPath { .. } => "invalid_json_path",
            RuleError::Pattern { .. } => "invalid_pattern",
            RuleError::Tolerance { .. } => "invalid_tolerance",
        }
    }
}

/// Compiles a pattern; the error is one line.
pub(crate) fn pattern(text: &str) -> Result<Regex, RuleError> {
    Regex::new(text).map_err(|error| {
        let message = error.to_string();
        let reason = message
            .lines()
            .rev()
            .find_map(|line| line.trim().strip_prefix("error: "))
            .unwrap_or_else(|| message.lines().next().unwrap_or_default())
            .to_owned();
        RuleError::Pattern {
            pattern: text.to_owned(),
            reason,
        }
    })
}

/// Which published forms are accepted when both sides have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forms {
    /// `comparison.ignore_uuids`: two UUIDs, 8-4-4-4-12.
    pub uuids: bool,
    /// `comparison.ignore_timestamps`: two ISO 8601 times with a `T`.
    pub timestamps: bool,
    /// `comparison.ignore_dates`: two dates `YYYY-MM-DD`, `dd/dd/yyyy` or `dd-dd-yyyy`.
    pub dates: bool,
    /// `comparison.ignore_epoch_timestamps`: two numbers (or whole ones as texts)
    /// within 1e9..=4102444800 seconds, or both within that range in milliseconds.
    pub epochs: bool,
    /// `comparison.ignore_jwt_fields`: two JWTs with the same claims, each equal
    /// or acceptable by these rules; `jti` may differ.
    pub jwts: bool,
}

impl Default for Forms {
    /// All on, as published.
    fn default() -> Self {
        Forms {
            uuids: true,
            timestamps: true,
            dates: true,
            epochs: true,
            jwts: true,
        }
    }
}

/// What a rule lets differ.
#[derive(Clone, Debug)]
pub enum Allowance {
    /// Anything at the path, presence and absence too.
    Ignore,
    /// Both values (texts, or scalars as their JSON text) match the pattern.
    Regex(Regex),
    /// Two numbers at most so far apart: `absolute`, or `relative` times the
    /// larger magnitude; one of them suffices. Exact decimal arithmetic.
    Tolerance {
        /// In units of the value.
        absolute: f64,
        /// 0.01 is one per cent.
        relative: f64,
    },
    /// The items of two arrays may stand in any order; duplicates count.
    Unordered,
    /// There must be a value on both sides, any value.
    Presence,
}

impl Allowance {
    /// The rule's permanent name in reports.
    pub fn code(&self) -> &'static str {
        match self {
            Allowance::Ignore => "RULE_IGNORE",
            Allowance::Regex(_) => "RULE_REGEX",
            Allowance::Tolerance { .. } => "RULE_TOLERANCE",
            Allowance::Unordered => "RULE_UNORDERED",
            Allowance::Presence => "RULE_PRESENCE",
        }
    }
}

/// What a rule is about.
#[derive(Clone, Debug)]
pub enum Target {
    /// Values of a body.
    Path(JsonPath),
    /// A response header, in lower case.
    Header(String),
}

/// One rule by path or by header.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What it is about.
    pub target: Target,
    /// What it lets differ.
    pub allowance: Allowance,
    /// Only tests whose `METHOD /path` matches, when given.
    pub request: Option<Regex>,
    /// The line of the configuration that it stands in.
    pub line: Option<u64>,
    text: String,
}

impl Rule {
    /// A rule for the values that a JSONPath selects, on either side.
    ///
    /// # Errors
    /// [`RuleError::JsonPath`] when the path is not one; [`RuleError::Tolerance`].
    ///
    /// ```
    /// use drift_replay::rules::{Allowance, Rule};
    /// assert!(Rule::at_path("$.items[*].price", Allowance::Ignore).is_ok());
    /// let error = Rule::at_path("items.price", Allowance::Ignore).unwrap_err();
    /// assert!(error.to_string().ends_with("did you mean `$.items.price`?"));
    /// ```
    pub fn at_path(path: &str, allowance: Allowance) -> Result<Rule, RuleError> {
        let compiled = JsonPath::parse(path).map_err(|error| {
            let guess = format!("$.{path}");
            let hint = if !path.starts_with('$') && JsonPath::parse(&guess).is_ok() {
                format!("; did you mean `{guess}`?")
            } else {
                String::new()
            };
            RuleError::JsonPath {
                path: path.to_owned(),
                offset: error.position(),
                reason: error.message().to_owned(),
                hint,
            }
        })?;
        Rule::new(Target::Path(compiled), path, allowance)
    }

    /// A rule for a response header.
    ///
    /// # Errors
    /// [`RuleError::Tolerance`].
    pub fn at_header(name: &str, allowance: Allowance) -> Result<Rule, RuleError> {
        let name = name.to_ascii_lowercase();
        let text = format!("header {name}");
        Rule::new(Target::Header(name), &text, allowance)
    }

    fn new(target: Target, text: &str, allowance: Allowance) -> Result<Rule, RuleError> {
        if let Allowance::Tolerance { absolute, relative } = &allowance
            && let Some(value) = [*absolute, *relative]
                .into_iter()
                .find(|value| !value.is_finite() || *value < 0.0)
        {
            return Err(RuleError::Tolerance { value });
        }
        Ok(Rule {
            target,
            allowance,
            request: None,
            line: None,
            text: text.to_owned(),
        })
    }

    /// The rule in words: `$.price: tolerance 0.01 (line 12)`.
    pub fn describe(&self) -> String {
        let what = match &self.allowance {
            Allowance::Ignore => "ignore".to_owned(),
            Allowance::Regex(regex) => format!("regex {regex}"),
            Allowance::Tolerance { absolute, relative } => match (*absolute, *relative) {
                (absolute, 0.0) => format!("tolerance {absolute}"),
                (0.0, relative) => format!("relative tolerance {relative}"),
                (absolute, relative) => format!("tolerance {absolute}, relative {relative}"),
            },
            Allowance::Unordered => "unordered".to_owned(),
            Allowance::Presence => "presence".to_owned(),
        };
        match self.line {
            Some(line) => format!("{}: {what} (line {line})", self.text),
            None => format!("{}: {what}", self.text),
        }
    }
}

/// Which response headers are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderRules {
    /// Lower-case names whose values are compared.
    pub compared: Vec<String>,
    /// Whether a header that appears or disappears is a deviation, by name.
    pub names: bool,
    /// Lower-case names that are never looked at.
    pub ignored: Vec<String>,
}

/// The headers whose values are compared unless `comparison.headers` says otherwise.
pub const DEFAULT_COMPARED_HEADERS: &[&str] = &[
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "allow",
    "cache-control",
    "content-disposition",
    "content-language",
    "content-type",
    "location",
    "www-authenticate",
];

/// The headers that are never looked at: they belong to the connection, the
/// server's clock, or its mood.
pub const DEFAULT_IGNORED_HEADERS: &[&str] = &[
    "age",
    "alt-svc",
    "connection",
    "content-encoding",
    "content-length",
    "date",
    "keep-alive",
    "proxy-connection",
    "server",
    "server-timing",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-td-trace-id",
];

impl Default for HeaderRules {
    fn default() -> Self {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        HeaderRules {
            compared: owned(DEFAULT_COMPARED_HEADERS),
            names: true,
            ignored: owned(DEFAULT_IGNORED_HEADERS),
        }
    }
}

/// Everything that may differ.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// The published forms.
    pub forms: Forms,
    /// `comparison.ignore_fields`: member names in lower case; what lies under
    /// such a member may differ, be missing or be extra.
    pub ignore_fields: Vec<String>,
    /// `comparison.ignore_patterns`: two scalars that match the same one.
    pub ignore_patterns: Vec<Regex>,
    /// Rules by path and header, in the order of the configuration.
    pub rules: Vec<Rule>,
    /// Which headers are compared.
    pub headers: HeaderRules,
}

/// Why a difference was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reason {
    /// `UUID`, `TIMESTAMP`, `DATE`, `EPOCH`, `JWT`, `IGNORE_FIELD`,
    /// `IGNORE_PATTERN`, `RULE_IGNORE`, `RULE_REGEX`, `RULE_TOLERANCE`,
    /// `RULE_UNORDERED`, `RULE_PRESENCE`, `CONTENT_TYPE_NOT_RECORDED`.
    pub code: &'static str,
    /// Which field, pattern or rule.
    pub detail: String,
}

impl Reason {
    pub(crate) fn new(code: &'static str, detail: impl Into<String>) -> Reason {
        Reason {
            code,
            detail: detail.into(),
        }
    }

    pub(crate) fn of(rule: &Rule) -> Reason {
        Reason::new(rule.allowance.code(), rule.describe())
    }
}

impl Rules {
    /// Rules by which no value may differ.
    pub(crate) fn none() -> Rules {
        Rules {
            forms: Forms {
                uuids: false,
                timestamps: false,
                dates: false,
                epochs: false,
                jwts: false,
            },
            ..Rules::default()
        }
    }

    /// Whether a member name is one of `ignore_fields`.
    pub(crate) fn ignores_field(&self, name: &str) -> bool {
        self.ignore_fields
            .iter()
            .any(|field| field.eq_ignore_ascii_case(name) || *field == name.to_lowercase())
    }

    /// Why two scalars that differ are equal enough, in the published order.
    pub(crate) fn accepts(&self, recorded: &Json, actual: &Json) -> Option<Reason> {
        let texts = recorded.as_str().zip(actual.as_str());
        let forms = self.forms;
        if let Some((a, b)) = texts {
            if forms.uuids && is_uuid(a) && is_uuid(b) {
                return Some(Reason::new("UUID", "two UUIDs"));
            }
            if forms.timestamps && is_timestamp(a) && is_timestamp(b) {
                return Some(Reason::new("TIMESTAMP", "two ISO 8601 times"));
            }
            if forms.dates && is_date(a) && is_date(b) {
                return Some(Reason::new("DATE", "two dates"));
            }
        }
        if forms.epochs
            && let (Some(a), Some(b)) = (epoch_unit(recorded), epoch_unit(actual))
            && a == b
        {
            return Some(Reason::new("EPOCH", format!("two times in {a} since 1970")));
        }
        if let Some((a, b)) = scalar_text(recorded).zip(scalar_text(actual))
            && let Some(found) = self
                .ignore_patterns
                .iter()
                .find(|pattern| pattern.is_match(&a) && pattern.is_match(&b))
        {
            return Some(Reason::new("IGNORE_PATTERN", found.as_str()));
        }
        if let Some((a, b)) = texts
            && forms.jwts
            && self.same_claims(a, b)
        {
            return Some(Reason::new("JWT", "two tokens with the same claims"));
        }
        None
    }

    /// Two JWTs whose claims are the same but for `jti` and what the forms accept.
    fn same_claims(&self, recorded: &str, actual: &str) -> bool {
        let (Some(Json::Object(left)), Some(Json::Object(right))) =
            (claims(recorded), claims(actual))
        else {
            return false;
        };
        left.len() == right.len()
            && left.iter().zip(&right).all(|((key, a), (other, b))| {
                key == other
                    && (a == b || key == "jti" || (!is_jwt(a) && self.accepts(a, b).is_some()))
            })
    }

    /// The rules that hold for a test.
    pub(crate) fn for_request<'r>(&'r self, request: &str) -> Vec<&'r Rule> {
        self.rules
            .iter()
            .filter(|rule| {
                rule.request
                    .as_ref()
                    .is_none_or(|pattern| pattern.is_match(request))
            })
            .collect()
    }
}

fn is_jwt(value: &Json) -> bool {
    value.as_str().is_some_and(|text| claims(text).is_some())
}

/// The values of a body that rules by path name, as paths of the core.
#[derive(Debug, Default)]
pub(crate) struct Selected<'r> {
    by_path: HashMap<String, Vec<&'r Rule>>,
}

impl<'r> Selected<'r> {
    pub(crate) fn of(rules: &[&'r Rule], body: &Json) -> Selected<'r> {
        let mut selected = Selected::default();
        let mut rounded = None;
        for rule in rules {
            let Target::Path(path) = &rule.target else {
                continue;
            };
            let value = rounded.get_or_insert_with(|| body.to_serde_rounded());
            for located in path.query_located(value).iter() {
                let mut key = String::from("$");
                for element in located.location().iter() {
                    match element {
                        PathElement::Name(name) => push_member(&mut key, name),
                        PathElement::Index(index) => push_index(&mut key, *index),
                    }
                }
                selected.by_path.entry(key).or_default().push(rule);
            }
        }
        selected
    }

    pub(crate) fn at(&self, path: &str) -> &[&'r Rule] {
        if self.by_path.is_empty() {
            return &[];
        }
        self.by_path.get(path).map_or(&[], Vec::as_slice)
    }
}

/// Whether two numbers are within a rule's tolerance.
pub(crate) fn within(a: &Number, b: &Number, absolute: f64, relative: f64) -> bool {
    let decimal = |value: f64| Number::Float(value).decimal();
    let (Some(a), Some(b), Some(absolute), Some(relative)) = (
        a.decimal(),
        b.decimal(),
        decimal(absolute),
        decimal(relative),
    ) else {
        return false;
    };
    let distance = a.distance(&b);
    distance.at_most(&absolute) || distance.at_most(&a.larger_magnitude(&b).times(&relative))
}

/// A scalar as the text that patterns see: a string itself, else its JSON.
pub(crate) fn scalar_text(value: &Json) -> Option<String> {
    match value {
        Json::Array(_) | Json::Object(_) => None,
        Json::String(text) => Some(text.clone()),
        other => Some(other.text()),
    }
}

pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| {
            if matches!(index, 8 | 13 | 18 | 23) {
                byte == b'-'
            } else {
                byte.is_ascii_hexdigit()
            }
        })
}

#[allow(
    clippy::expect_used,
    reason = "a literal of this file, compiled by every test that touches a rule"
)]
fn literal(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a literal that compiles")
}

static TIMESTAMP: LazyLock<Regex> = LazyLock::new(|| {
    literal(
        r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d(:[0-6]\d([.,]\d{1,9})?)?(Z|[+-]\d{2}(:?\d{2})?)?$",
    )
});
static DATE: LazyLock<Regex> =
    LazyLock::new(|| literal(r"^(\d{4}-\d{2}-\d{2}|\d{2}/\d{2}/\d{4}|\d{2}-\d{2}-\d{4})$"));

/// What a line of text may hold that varies by itself, each with its code.
static IN_TEXT: LazyLock<[(&'static str, Regex); 4]> = LazyLock::new(|| {
    [
        (
            "JWT",
            literal(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"),
        ),
        (
            "UUID",
            literal(r"(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"),
        ),
        (
            "TIMESTAMP",
            literal(r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?"),
        ),
        (
            "DATE",
            literal(r"\b(\d{4}-\d{2}-\d{2}|\d{2}/\d{2}/\d{4}|\d{2}-\d{2}-\d{4})\b"),
        ),
    ]
});

impl Forms {
    /// A line with the forms that are on replaced by their names, and which there were.
    pub(crate) fn mask(self, line: &str) -> (String, Vec<&'static str>) {
        let mut masked = line.to_owned();
        let mut found = Vec::new();
        for (code, pattern) in IN_TEXT.iter() {
            let on = match *code {
                "JWT" => self.jwts,
                "UUID" => self.uuids,
                "TIMESTAMP" => self.timestamps,
                _ => self.dates,
            };
            if on && pattern.is_match(&masked) {
                // A character that texts do not use: what stands in the text cannot forge it.
                masked = pattern
                    .replace_all(&masked, format!("\u{fdd0}{code}\u{fdd1}"))
                    .into_owned();
                found.push(*code);
            }
        }
        (masked, found)
    }
}

pub(crate) fn is_timestamp(text: &str) -> bool {
    text.len() >= 16 && text.len() <= 40 && TIMESTAMP.is_match(text)
}

pub(crate) fn is_date(text: &str) -> bool {
    text.len() == 10 && DATE.is_match(text)
}

/// The unit of a number that may be a time, by the published ranges. With a fraction
/// too, which the published program does not take: so Python's clock gives it.
pub(crate) fn epoch_unit(value: &Json) -> Option<&'static str> {
    let whole = match value {
        Json::Number(Number::Int(value)) => *value,
        Json::Number(Number::Float(value)) if value.abs() < 1e15 => value.floor() as i64,
        Json::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            text.parse().ok()?
        }
        _ => return None,
    };
    // From 2001-09-09 to 2100-01-01, as the published program has it.
    match whole {
        1_000_000_000..=4_102_444_800 => Some("seconds"),
        1_000_000_000_000..=4_102_444_800_000 => Some("milliseconds"),
        _ => None,
    }
}

/// The claims of a JWT; `None` for anything else.
pub(crate) fn claims(text: &str) -> Option<Json> {
    if !text.starts_with("eyJ") {
        return None;
    }
    let mut parts = text.split('.');
    let (header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let decode = |part: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
        Json::parse(&bytes).filter(|value| matches!(value, Json::Object(_)))
    };
    decode(header)?;
    decode(payload)
}

#[cfg(test)]
mod tests;
