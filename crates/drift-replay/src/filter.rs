//! Which tests are meant: `key=regex[,key=regex…]`, all of them have to match.

use crate::Span;
use crate::compare::{request_target, span_name};
use crate::spelling::nearest;
use regex::{Regex, RegexBuilder};
use std::path::{Path, PathBuf};

/// What a test is called by in a filter, for the messages and the help. The
/// published program's `suite_status` is read too; nothing recorded has one.
pub const FILTER_KEYS: [&str; 8] = [
    "path",
    "name",
    "operation",
    "type",
    "method",
    "status",
    "id",
    "file",
];

/// What the status of a test can be.
const STATUSES: [&str; 2] = ["success", "error"];

/// A filter of tests, read from its text.
///
/// Expressions are those of the crate `regex`, found anywhere in the text of
/// the field. A comma inside `'…'` or `"…"` belongs to the expression. Of a
/// method, a type and a status case does not matter: they are words, not data.
///
/// ```
/// use drift_replay::filter::Filter;
/// assert!(Filter::parse("method=POST,path='^/orders(,|$)'").is_ok());
/// assert_eq!(
///     Filter::parse("methd=POST").unwrap_err().to_string(),
///     "unknown filter key `methd`; did you mean `method`? known are path, name, \
///      operation, type, method, status, id, file"
/// );
/// ```
#[derive(Clone, Debug, Default)]
pub struct Filter {
    conditions: Vec<(Key, Regex)>,
    /// The file that a root span has to be of.
    only_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Path,
    Name,
    Operation,
    Type,
    Method,
    Status,
    Id,
    File,
    SuiteStatus,
}

/// Why a filter cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// A part without `=`.
    #[error("`{part}` is not `key=regex`")]
    NoExpression {
        /// The part.
        part: String,
    },
    /// A key that there is not.
    #[error("unknown filter key `{key}`{}", known_keys(.nearest.as_deref()))]
    UnknownKey {
        /// What was written.
        key: String,
        /// The key that was probably meant.
        nearest: Option<&'static str>,
    },
    /// A status that no test has.
    #[error("no test has the status `{expression}`; a status is success or error")]
    UnknownStatus {
        /// The expression, which matches neither.
        expression: String,
    },
    /// A quotation mark that is not closed.
    #[error("the quotation mark {mark} is not closed in `{text}`")]
    OpenQuote {
        /// `'` or `"`.
        mark: char,
        /// The whole filter.
        text: String,
    },
    /// An expression that is none.
    #[error("the expression of `{key}` is not a regular expression")]
    Expression {
        /// The key.
        key: String,
        /// What is wrong.
        source: regex::Error,
    },
}

/// The end of the message about an unknown key.
fn known_keys(nearest: Option<&str>) -> String {
    let guess = nearest.map_or_else(String::new, |nearest| format!("did you mean `{nearest}`? "));
    format!("; {guess}known are {}", FILTER_KEYS.join(", "))
}

impl FilterError {
    /// Permanent, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            FilterError::NoExpression { .. } => "filter_without_expression",
            FilterError::UnknownKey { .. } => "unknown_filter_key",
            FilterError::UnknownStatus { .. } => "unknown_filter_status",
            FilterError::OpenQuote { .. } => "filter_quote_not_closed",
            FilterError::Expression { .. } => "invalid_filter_expression",
        }
    }
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// [`FilterError`] naming the part that is wrong.
    pub fn parse(text: &str) -> Result<Filter, FilterError> {
        let mut conditions = Vec::new();
        for part in split(text)? {
            let part = part.trim();
            let Some((key, expression)) = part.split_once('=') else {
                return Err(FilterError::NoExpression {
                    part: part.to_owned(),
                });
            };
            let key_text = key.trim();
            let key = Key::parse(key_text)?;
            let text = unquoted(expression.trim());
            let expression = RegexBuilder::new(text)
                .case_insensitive(matches!(key, Key::Method | Key::Type | Key::Status))
                .build()
                .map_err(|source| FilterError::Expression {
                    key: key_text.to_owned(),
                    source,
                })?;
            if key == Key::Status && !STATUSES.iter().any(|one| expression.is_match(one)) {
                return Err(FilterError::UnknownStatus {
                    expression: text.to_owned(),
                });
            }
            conditions.push((key, expression));
        }
        Ok(Filter {
            conditions,
            only_file: None,
        })
    }

    /// The same filter for the traces of one file, by its path as the recording has it.
    #[must_use]
    pub fn with_file(mut self, path: &Path) -> Filter {
        self.only_file = Some(path.to_owned());
        self
    }

    /// Whether a test is meant, by its root span.
    pub fn matches(&self, root: &Span) -> bool {
        let is_of_file = self.only_file.as_ref().is_none_or(|only| {
            let place = root.place.as_ref();
            place.is_some_and(|place| *place.file == *only)
        });
        is_of_file
            && self
                .conditions
                .iter()
                .all(|(key, expression)| expression.is_match(&key.of(root)))
    }
}

impl Key {
    fn parse(text: &str) -> Result<Key, FilterError> {
        Ok(match text.to_lowercase().as_str() {
            "path" | "p" => Key::Path,
            "name" | "display" | "display_name" | "n" => Key::Name,
            "operation" | "op" | "operation_name" | "graphql_op" => Key::Operation,
            "type" | "t" => Key::Type,
            "method" | "m" => Key::Method,
            "status" | "s" => Key::Status,
            "id" | "trace" | "trace_id" => Key::Id,
            "file" | "filename" | "f" => Key::File,
            "suite_status" | "suite" => Key::SuiteStatus,
            unknown => {
                return Err(FilterError::UnknownKey {
                    key: text.to_owned(),
                    nearest: nearest(unknown, &FILTER_KEYS),
                });
            }
        })
    }

    fn of(self, root: &Span) -> String {
        let input = || {
            let text = root.input_value.as_deref().unwrap_or_default();
            serde_json::from_str::<serde_json::Value>(text).unwrap_or_default()
        };
        let member = |names: &[&str]| {
            let input = input();
            let mut found = names.iter().filter_map(|name| input.get(name)?.as_str());
            found.next().unwrap_or_default().to_owned()
        };
        match self {
            Key::Path => {
                let target = request_target(root).unwrap_or_default();
                target.split('?').next().unwrap_or_default().to_owned()
            }
            Key::Name => span_name(root),
            Key::Operation => graphql_operation(root).unwrap_or_default(),
            Key::Type => match root.package_type {
                1 => "HTTP".to_owned(),
                2 => "GRAPHQL".to_owned(),
                3 => "GRPC".to_owned(),
                _ => root.package_name.to_uppercase(),
            },
            Key::Method => member(&["method"]),
            Key::Status => {
                let [success, error] = STATUSES;
                let is_error = root.status_code == 2;
                if is_error { error } else { success }.to_owned()
            }
            Key::Id => root.trace_id.clone(),
            Key::File => {
                let file = root.place.as_ref().and_then(|place| place.file.file_name());
                file.map_or_else(String::new, |name| name.to_string_lossy().into_owned())
            }
            // Only suites of the cloud have a state.
            Key::SuiteStatus => String::new(),
        }
    }
}

/// The name of the operation, of a request that is GraphQL.
fn graphql_operation(root: &Span) -> Option<String> {
    if root.package_type != 2 {
        return None;
    }
    root.name.split_whitespace().last().map(str::to_owned)
}

/// The parts between commas that stand in no quotation marks.
fn split(text: &str) -> Result<Vec<&str>, FilterError> {
    let mut parts = Vec::new();
    let mut quote = None;
    let mut rest = text;
    let mut searched = 0;
    while let Some(found) = rest
        .get(searched..)
        .and_then(|tail| tail.find([',', '\'', '"']))
    {
        let at = searched + found;
        let character = rest.get(at..).and_then(|tail| tail.chars().next());
        searched = at + 1;
        match (quote, character) {
            (None, Some(',')) => {
                let (part, tail) = rest.split_at(at);
                parts.push(part);
                rest = tail.trim_start_matches(',');
                searched = 0;
            }
            (None, mark) => quote = mark,
            (Some(open), Some(mark)) if open == mark => quote = None,
            _ => {}
        }
    }
    if let Some(mark) = quote {
        return Err(FilterError::OpenQuote {
            mark,
            text: text.to_owned(),
        });
    }
    parts.push(rest);
    parts.retain(|part| !part.trim().is_empty());
    Ok(parts)
}

fn unquoted(text: &str) -> &str {
    ['\'', '"']
        .into_iter()
        .find_map(|mark| text.strip_prefix(mark)?.strip_suffix(mark))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> Span {
        Span {
            trace_id: "ab12".to_owned(),
            name: "POST /orders".to_owned(),
            package_type: 1,
            status_code: 1,
            input_value: Some(r#"{"method":"POST","target":"/orders,1?x=1"}"#.to_owned()),
            ..Span::default()
        }
    }

    fn matches(filter: &str) -> bool {
        Filter::parse(filter).is_ok_and(|filter| filter.matches(&root()))
    }

    #[test]
    fn every_condition_has_to_match() {
        assert!(matches("method=POST,path=^/orders"));
        assert!(!matches("method=GET,path=^/orders"));
        assert!(matches(""));
    }

    #[test]
    fn a_comma_in_quotation_marks_belongs_to_the_expression() {
        assert!(matches("p='^/orders,1$',m=P"));
        assert!(matches(r#"path="orders,1", type=HTTP"#));
        assert!(!matches("p='orders,2'"));
    }

    #[test]
    fn the_query_is_not_part_of_the_path() {
        assert!(!matches("path=x=1"));
    }

    #[test]
    fn a_wrong_filter_says_which_part_is_wrong() {
        let code = |text| {
            Filter::parse(text)
                .map(|_| ())
                .map_err(|error| error.code())
        };
        assert_eq!(code("orders"), Err("filter_without_expression"));
        assert_eq!(code("pth=x"), Err("unknown_filter_key"));
        assert_eq!(code("path='x"), Err("filter_quote_not_closed"));
        assert_eq!(code("path=("), Err("invalid_filter_expression"));
        assert_eq!(code("status=200"), Err("unknown_filter_status"));
    }

    #[test]
    fn an_unknown_key_is_answered_with_all_keys_and_a_guess_only_where_one_is_near() {
        let said = |text| {
            Filter::parse(text)
                .err()
                .map_or_else(String::new, |error| error.to_string())
        };
        let far = said("colour=red");
        assert!(far.contains("known are path, name,") && far.contains("id, file"));
        assert!(!far.contains("did you mean"), "{far}");
        let near = said("staus=error");
        assert!(near.contains("did you mean `status`? known are"), "{near}");
    }

    #[test]
    fn the_case_of_a_method_a_type_and_a_status_does_not_matter() {
        assert!(matches("method=^post$,type=http,status=SUCC"));
        assert!(!matches("name=^post"));
    }

    #[test]
    fn a_status_is_success_or_error_and_other_words_are_answered_so() {
        assert!(matches("status=^success$"));
        assert!(!matches("status=error"));
        let said = Filter::parse("status=200").map_err(|error| error.to_string());
        assert!(said.is_err_and(|said| said.contains("success or error")));
    }
}
