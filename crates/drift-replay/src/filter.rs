//! Which tests are meant: `key=regex[,key=regex…]`, all of them have to match.

use crate::Span;
use regex::Regex;

/// What a test is called by in a filter, for the messages and the help.
pub const FILTER_KEYS: [&str; 9] = [
    "path",
    "name",
    "operation",
    "type",
    "method",
    "status",
    "id",
    "file",
    "suite_status",
];

/// A filter of tests, read from its text.
///
/// Expressions are those of the crate `regex`, found anywhere in the text of
/// the field. A comma inside `'…'` or `"…"` belongs to the expression.
///
/// ```
/// use drift_replay::filter::Filter;
/// assert!(Filter::parse("method=POST,path='^/orders(,|$)'").is_ok());
/// assert_eq!(
///     Filter::parse("methd=POST").unwrap_err().to_string(),
///     "unknown filter key `methd`; did you mean `method`?"
/// );
/// ```
#[derive(Clone, Debug, Default)]
pub struct Filter {
    conditions: Vec<(Key, Regex)>,
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
    #[error("unknown filter key `{key}`; did you mean `{nearest}`?")]
    UnknownKey {
        /// What was written.
        key: String,
        /// The key that is nearest to it.
        nearest: &'static str,
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

impl FilterError {
    /// Permanent, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            FilterError::NoExpression { .. } => "filter_without_expression",
            FilterError::UnknownKey { .. } => "unknown_filter_key",
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
            let expression = unquoted(expression.trim());
            let expression = Regex::new(expression).map_err(|source| FilterError::Expression {
                key: key_text.to_owned(),
                source,
            })?;
            conditions.push((key, expression));
        }
        Ok(Filter { conditions })
    }

    /// The same filter for the traces of one file, by its name.
    #[must_use]
    pub fn with_file(mut self, name: &str) -> Filter {
        // An escaped text is always an expression.
        if let Ok(expression) = Regex::new(&format!("^{}$", regex::escape(name))) {
            self.conditions.push((Key::File, expression));
        }
        self
    }

    /// Whether a test is meant, by its root span.
    pub fn matches(&self, root: &Span) -> bool {
        self.conditions
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
                let nearest = FILTER_KEYS
                    .into_iter()
                    .min_by_key(|key| strsim::damerau_levenshtein(unknown, key));
                return Err(FilterError::UnknownKey {
                    key: text.to_owned(),
                    nearest: nearest.unwrap_or_default(),
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
                let target = member(&["target", "url"]);
                target.split('?').next().unwrap_or_default().to_owned()
            }
            Key::Name => root.name.clone(),
            Key::Operation => graphql_operation(root).unwrap_or_default(),
            Key::Type => match root.package_type {
                1 => "HTTP".to_owned(),
                2 => "GRAPHQL".to_owned(),
                3 => "GRPC".to_owned(),
                _ => root.package_name.to_uppercase(),
            },
            Key::Method => member(&["method"]),
            Key::Status => {
                let is_error = root.status_code == 2;
                if is_error { "error" } else { "success" }.to_owned()
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
    }
}
