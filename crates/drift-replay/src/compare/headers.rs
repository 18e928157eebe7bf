//! Response headers: which are compared, and how.

use super::body::media_type_of_decoded;
use super::{Accepted, ActualResponse, Comparison, Deviation, DeviationCode, Recorded};
use crate::rules::{Allowance, Reason, Rule, Rules, Target, within};
use crate::tree::{Json, Number};
use std::collections::BTreeMap;

pub(super) fn value_text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.text(),
    }
}

/// What happened to a header, with its values.
pub(crate) fn sentence(name: &str, recorded: Option<&str>, actual: Option<&str>) -> String {
    match (recorded, actual) {
        (None, actual) => format!("header {name} is new: {}", actual.unwrap_or_default()),
        (Some(recorded), None) => format!("header {name} is gone; recorded was {recorded}"),
        (Some(recorded), Some(actual)) => {
            format!("header {name} was {recorded}, now it is {actual}")
        }
    }
}

/// Values of one name; those of a list header that came in several lines stay apart.
type Headers = BTreeMap<String, Vec<String>>;

fn collect(pairs: impl IntoIterator<Item = (String, String)>) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in pairs {
        headers
            .entry(name)
            .or_default()
            .push(value.trim().to_owned());
    }
    headers
}

pub(super) fn compare(
    recorded: &Recorded,
    actual: &ActualResponse,
    rules: &Rules,
    request: &str,
    comparison: &mut Comparison,
) {
    let known = recorded.headers();
    if known.as_ref().is_none_or(Vec::is_empty) {
        if !actual.headers.is_empty() {
            comparison
                .notices
                .push("no response headers were recorded, so none are compared".to_owned());
        }
        return;
    }
    let left = collect(known.unwrap_or_default());
    let right = collect(
        actual
            .headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.clone())),
    );
    let for_request = rules.for_request(request);
    let mut names: Vec<&String> = left.keys().chain(right.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        let header_rules: Vec<&Rule> = for_request
            .iter()
            .copied()
            .filter(|rule| matches!(&rule.target, Target::Header(header) if header == name))
            .collect();
        // A rule about a header that is ignored by default asks for it.
        if rules.headers.ignored.contains(name) && header_rules.is_empty() {
            continue;
        }
        let case = Case {
            name,
            recorded: left.get(name),
            actual: right.get(name),
            rules,
            header_rules,
            decoded_type: recorded.body_schema("decodedType", "decoded_type"),
        };
        case.compare(comparison);
    }
}

struct Case<'c> {
    name: &'c str,
    recorded: Option<&'c Vec<String>>,
    actual: Option<&'c Vec<String>>,
    rules: &'c Rules,
    header_rules: Vec<&'c Rule>,
    decoded_type: Option<i64>,
}

impl Case<'_> {
    fn compare(&self, comparison: &mut Comparison) {
        let is_compared = self
            .rules
            .headers
            .compared
            .iter()
            .any(|name| name == self.name || name == "*")
            || !self.header_rules.is_empty();
        let equal = match (self.recorded, self.actual) {
            (Some(a), Some(b)) => !is_compared || self.same(a, b),
            (None, None) => true,
            _ => !(is_compared || self.rules.headers.names),
        };
        if equal {
            return;
        }
        let part = format!("headers.{}", self.name);
        let text = |values: Option<&Vec<String>>| values.map(|values| values.join(", "));
        if let Some(reason) = self.accepted() {
            comparison.accepted.push(Accepted {
                part,
                path: None,
                recorded: text(self.recorded),
                actual: text(self.actual),
                reason,
                named: None,
            });
            return;
        }
        let (recorded, actual) = (text(self.recorded), text(self.actual));
        let code = match (&recorded, &actual) {
            (None, _) => DeviationCode::HeaderAdded,
            (_, None) => DeviationCode::HeaderRemoved,
            (Some(a), Some(b)) if self.name == "content-type" && media_type(a) != media_type(b) => {
                DeviationCode::ContentTypeChanged
            }
            _ => DeviationCode::HeaderChanged,
        };
        let description = sentence(self.name, recorded.as_deref(), actual.as_deref());
        let deviation = Deviation::new(code, part, recorded, actual, description);
        comparison.deviations.push(deviation);
    }

    fn same(&self, recorded: &[String], actual: &[String]) -> bool {
        match self.name {
            "content-type" => {
                let normal = |values: &[String]| -> Vec<_> {
                    values.iter().map(|value| content_type(value)).collect()
                };
                normal(recorded) == normal(actual)
            }
            // One line for each cookie; others are lists, however they were cut into lines.
            "set-cookie" => recorded == actual,
            _ => recorded.join(", ") == actual.join(", "),
        }
    }

    fn accepted(&self) -> Option<Reason> {
        for rule in &self.header_rules {
            if self.allows(rule) {
                return Some(Reason::of(rule));
            }
        }
        if self.rules.ignores_field(self.name) {
            return Some(Reason::new("IGNORE_FIELD", self.name));
        }
        match (self.recorded, self.actual) {
            (Some(a), Some(b)) => self
                .rules
                .accepts(&Json::String(a.join(", ")), &Json::String(b.join(", "))),
            (None, Some(now)) if self.name == "content-type" => {
                // Some recorders lose headers that are set late; the type that
                // the body was recorded with says what the header was.
                let known = media_type_of_decoded(self.decoded_type?)?;
                let now = media_type(now.first()?);
                known(&now).then(|| {
                    Reason::new(
                        "CONTENT_TYPE_NOT_RECORDED",
                        "the body was recorded as this type",
                    )
                })
            }
            _ => None,
        }
    }

    fn allows(&self, rule: &Rule) -> bool {
        match &rule.allowance {
            Allowance::Ignore => true,
            Allowance::Presence => self.recorded.is_some() && self.actual.is_some(),
            Allowance::Regex(pattern) => match (self.recorded, self.actual) {
                (Some(a), Some(b)) => {
                    pattern.is_match(&a.join(", ")) && pattern.is_match(&b.join(", "))
                }
                _ => false,
            },
            Allowance::Tolerance { absolute, relative } => {
                let number = |values: Option<&Vec<String>>| -> Option<Number> {
                    match Json::parse(values?.join(", ").as_bytes())? {
                        Json::Number(number) => Some(number),
                        _ => None,
                    }
                };
                match (number(self.recorded), number(self.actual)) {
                    (Some(a), Some(b)) => within(&a, &b, *absolute, *relative),
                    _ => false,
                }
            }
            Allowance::Unordered => {
                let sorted = |values: Option<&Vec<String>>| -> Option<Vec<String>> {
                    let joined = values?.join(",");
                    let mut items: Vec<String> = joined
                        .split(',')
                        .map(|item| item.trim().to_owned())
                        .collect();
                    items.sort();
                    Some(items)
                };
                self.recorded.is_some() && sorted(self.recorded) == sorted(self.actual)
            }
        }
    }
}

/// `text/html` of `Text/HTML; charset=utf-8`.
pub(super) fn media_type(value: &str) -> String {
    value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

/// A content type without what does not matter: case, spaces, order and
/// quotes of parameters, the boundary of multipart.
fn content_type(value: &str) -> (String, Vec<(String, String)>) {
    let mut parameters: Vec<(String, String)> = value
        .split(';')
        .skip(1)
        .filter_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            let name = name.trim().to_ascii_lowercase();
            let value = value.trim().trim_matches('"').to_ascii_lowercase();
            (name != "boundary").then_some((name, value))
        })
        .collect();
    parameters.sort();
    (media_type(value), parameters)
}
