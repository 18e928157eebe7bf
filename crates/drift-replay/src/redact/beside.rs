//! Secrets that only what stands beside them tells: the column of a row, the statement
//! of a parameter, the name of a value.

use super::sql::{Slot, secrets_of};
use super::{Redactor, simple};
use crate::guard::STATEMENT_MEMBERS;
use crate::tree::Json;
use regex::Regex;
use std::collections::HashSet;
use std::sync::LazyLock;

impl Redactor {
    /// Rows of a query whose values stand in lists, by the names of their columns.
    pub(super) fn rows(&self, members: &mut [(String, Json)]) {
        let columns = members.iter().find_map(|(key, value)| match value {
            Json::Array(columns) if COLUMN_MEMBERS.contains(&simple(key).as_str()) => Some(columns),
            _ => None,
        });
        let secret: Vec<usize> = columns
            .into_iter()
            .flatten()
            .enumerate()
            .filter(|(_, column)| {
                // An object with a name, a list that begins with it, or the name alone.
                let name = match column {
                    Json::Array(column) => column.first().and_then(Json::as_str),
                    Json::String(name) => Some(name.as_str()),
                    column => column.get("name").and_then(Json::as_str),
                };
                name.is_some_and(|name| self.is_secret_key(name))
            })
            .map(|(index, _)| index)
            .collect();
        for (key, rows) in members {
            let Json::Array(rows) = rows else { continue };
            if !matches!(key.as_str(), "rows" | "values") {
                continue;
            }
            for row in rows {
                let Json::Array(values) = row else { continue };
                for index in &secret {
                    if let Some(value) = values.get_mut(*index) {
                        self.hide(value);
                    }
                }
            }
        }
    }

    /// Parameters that stand at the places of secrets in the statement beside them.
    pub(super) fn parameters(&self, members: &mut [(String, Json)]) {
        let is_statement = |key: &str| STATEMENT_MEMBERS.contains(&key);
        let statement = members.iter().find_map(|(key, value)| {
            let text = value.as_str().filter(|_| is_statement(key))?;
            let secrets = secrets_of(text, &|name| self.is_secret_key(name));
            Some((secrets, takes_arrays(text)))
        });
        let Some((secrets, takes_arrays)) = statement else {
            return;
        };
        for (key, parameters) in members {
            if !PARAMETER_MEMBERS.contains(&key.as_str()) {
                continue;
            }
            for slot in &secrets.placeholders {
                self.parameter(parameters, slot, takes_arrays);
                // A list of rows, each with its own.
                if let Json::Array(rows) = parameters {
                    for row in rows {
                        let has_arrays = match (&*row, slot) {
                            (Json::Array(row), Slot::Position(index)) => {
                                matches!(row.get(*index), Some(Json::Array(_)))
                            }
                            _ => true,
                        };
                        // What is an array for the statement is no row of it.
                        if has_arrays || !takes_arrays {
                            self.parameter(row, slot, takes_arrays);
                        }
                    }
                }
            }
        }
    }

    fn parameter(&self, parameters: &mut Json, slot: &Slot, takes_arrays: bool) {
        let found = match (parameters, slot) {
            (Json::Array(items), Slot::Position(index)) => {
                let is_row = |item: &Json| matches!(item, Json::Array(row) if row.len() > *index);
                // An array among parameters that are none is one itself.
                let are_rows = items
                    .iter()
                    .all(|item| is_row(item) || matches!(item, Json::Object(_)));
                items.get_mut(*index).filter(|_| takes_arrays || !are_rows)
            }
            (Json::Object(members), Slot::Name(name)) => members
                .iter_mut()
                .find_map(|(key, value)| (key == name).then_some(value)),
            _ => None,
        };
        if let Some(value) = found {
            self.hide(value);
        }
    }

    /// Variables of GraphQL that stand for secrets: `login(password: $p)`.
    pub(super) fn variables(&self, members: &mut [(String, Json)]) {
        let Some(pattern) = VARIABLE.as_ref() else {
            return;
        };
        let query = members.iter().find_map(|(key, value)| {
            value
                .as_str()
                .filter(|_| STATEMENT_MEMBERS.contains(&key.as_str()))
        });
        let found = query
            .into_iter()
            .flat_map(|query| pattern.captures_iter(query));
        let secret: HashSet<String> = found
            .filter_map(|found| {
                let is_secret = self.is_secret_key(found.name("k")?.as_str());
                is_secret.then(|| found.name("v").map(|name| name.as_str().to_owned()))?
            })
            .collect();
        for (key, value) in members {
            if let ("variables", Json::Object(variables)) = (key.as_str(), value) {
                for (name, value) in variables {
                    if secret.contains(name) {
                        self.hide(value);
                    }
                }
            }
        }
    }

    /// `{"user": "ann", "pass": "…"}`, `{"auth": "ann:…"}`: alone, what is called so is
    /// seldom a password.
    pub(super) fn pass_of_user(&self, members: &mut [(String, Json)]) {
        for (key, value) in members.iter_mut() {
            if let ("auth", Json::String(text)) = (key.as_str(), value)
                && let Some((user, secret)) = text.split_once(':')
                && !secret.is_empty()
                && !secret.starts_with("//")
                && !text.contains(char::is_whitespace)
            {
                *text = format!("{user}:{}", self.placeholder(secret));
            }
        }
        let is_user = |key: &str| matches!(simple(key).as_str(), "user" | "username" | "login");
        if !members.iter().any(|(key, _)| is_user(key)) {
            return;
        }
        for (key, value) in members {
            if simple(key) == "pass" && !matches!(value, Json::Bool(_)) {
                self.hide(value);
            }
        }
    }

    /// `{"name": "password", "value": "…"}`, as forms, headers and settings are often
    /// written.
    pub(super) fn named_value(&self, members: &mut [(String, Json)]) {
        let name = name_beside(members).map(str::to_owned);
        let Some(name) = name else { return };
        for (key, value) in members {
            if is_value_member(key) {
                self.named(&name, value);
            }
        }
    }

    /// A flat list of names and values in turn, as Node gives headers.
    pub(super) fn raw_headers(&self, members: &mut [(String, Json)]) {
        for (key, value) in members {
            let Json::Array(items) = value else { continue };
            if !matches!(
                simple(key).as_str(),
                "headers" | "rawheaders" | "rawtrailers" | "trailers"
            ) {
                continue;
            }
            for pair in items.chunks_mut(2) {
                if let [
                    Json::String(name),
                    value @ (Json::String(_) | Json::Array(_)),
                ] = pair
                {
                    self.named(name, value);
                }
            }
        }
    }

    /// `[["authorization", "…"]]`: a list in which all are pairs with a name.
    pub(super) fn pairs_of_lists(&self, items: &mut [Json]) {
        let is_pair = |item: &Json| matches!(item, Json::Array(pair) if matches!(pair.as_slice(), [Json::String(_), _]));
        if !items.iter().all(is_pair) {
            return;
        }
        for item in items {
            if let Json::Array(pair) = item
                && let [Json::String(name), value] = pair.as_mut_slice()
            {
                self.named(name, value);
            }
        }
    }

    /// A value whose name stands beside it.
    fn named(&self, name: &str, value: &mut Json) {
        if self.is_secret_header(name) {
            self.header_values(name, value);
        } else if self.is_secret_key(name) {
            self.hide(value);
        }
    }
}

/// Whether the parameters of a statement may be arrays: `unnest($1)`, `ANY($1)`,
/// `$1::text[]`.
fn takes_arrays(statement: &str) -> bool {
    let lower = statement.to_ascii_lowercase();
    ["unnest", "any(", "any (", "[]"]
        .iter()
        .any(|sign| lower.contains(sign))
}

/// An argument of GraphQL that is a variable.
static VARIABLE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?<k>[A-Za-z_][A-Za-z0-9_]*)\s*:\s*\$(?<v>[A-Za-z_][A-Za-z0-9_]*)").ok()
});

/// Members with the columns of rows.
const COLUMN_MEMBERS: [&str; 4] = ["description", "fields", "columns", "columnnames"];

/// Members with the parameters of a statement.
const PARAMETER_MEMBERS: [&str; 5] = ["parameters", "values", "params", "bindings", "args"];

/// Members with the name, and with the value, of something that has both.
const NAMING_MEMBERS: [&str; 5] = ["name", "key", "k", "field", "header"];
const VALUE_MEMBERS: [&str; 3] = ["value", "values", "v"];

/// The name of what these members give a name and a value.
pub(crate) fn name_beside(members: &[(String, Json)]) -> Option<&str> {
    members.iter().find_map(|(key, value)| {
        let name = value.as_str()?;
        NAMING_MEMBERS
            .contains(&simple(key).as_str())
            .then_some(name)
    })
}

/// Whether a member is the name of what stands beside it.
pub(super) fn is_naming_member(key: &str) -> bool {
    NAMING_MEMBERS.contains(&simple(key).as_str())
}

/// Whether a member is the value beside a name.
pub(crate) fn is_value_member(key: &str) -> bool {
    VALUE_MEMBERS.contains(&simple(key).as_str())
}

/// Whether the name of a value in here may not be enough to know that it is a secret.
pub(crate) fn needs_surroundings(value: &Json) -> bool {
    match value {
        Json::Array(items) => items.iter().any(|item| match item {
            // A pair with a name.
            Json::Array(pair) if matches!(pair.as_slice(), [Json::String(_), _]) => true,
            other => needs_surroundings(other),
        }),
        Json::Object(members) => members.iter().any(|(key, value)| {
            let name = simple(key);
            matches!(
                key.as_str(),
                "command" | "commands" | "cmd" | "rows" | "pass" | "auth"
            ) || STATEMENT_MEMBERS.contains(&key.as_str())
                || NAMING_MEMBERS.contains(&name.as_str())
                || (matches!(value, Json::Array(_)) && name.ends_with("headers"))
                || needs_surroundings(value)
        }),
        _ => false,
    }
}
