//! What a configuration must be before its keys are read: YAML, one document, not
//! nested without end, and every key once. The library's loader recurses and names
//! no key, its events do neither, so they are read first.

use super::yaml::dotted;
use super::{ConfigProblem, ConfigProblemCode, MAX_CONFIG_DEPTH};
use saphyr_parser::Event;
use std::collections::HashMap;

/// A block or list that is open.
struct Open {
    /// Its dotted name; a list has that of its key.
    path: String,
    /// The keys of a block so far, with their lines; `None` in a list.
    keys: Option<HashMap<String, usize>>,
    /// In a block: the key whose value comes next. `Some(None)` after a key that is
    /// no plain text.
    key: Option<Option<String>>,
}

impl Open {
    /// The dotted name of what comes next.
    fn path_of_next(&self) -> String {
        match &self.key {
            Some(Some(key)) => dotted(&self.path, key),
            _ => self.path.clone(),
        }
    }
}

/// Refuses what is not YAML, what is nested beyond [`MAX_CONFIG_DEPTH`], and a key
/// that stands twice in its block.
pub(super) fn check(text: &str) -> Result<(), ConfigProblem> {
    let mut open: Vec<Open> = Vec::new();
    for event in saphyr_parser::Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| scan_problem(&error))?;
        let (line, column) = (span.start.line(), span.start.col() + 1);
        let problem = |message| yaml_problem(line as u64, column as u64, message);
        match event {
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                if open.len() >= MAX_CONFIG_DEPTH {
                    return Err(problem(format!(
                        "more than {MAX_CONFIG_DEPTH} blocks and lists inside each other"
                    )));
                }
                open.push(Open {
                    path: open.last().map_or_else(String::new, Open::path_of_next),
                    keys: matches!(event, Event::MappingStart(..)).then(HashMap::new),
                    key: None,
                });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                open.pop();
                node_ended(open.last_mut(), None);
            }
            Event::Scalar(text, ..) => {
                if let Some(Open {
                    path,
                    keys: Some(keys),
                    key: None,
                }) = open.last_mut()
                    && let Some(first) = keys.insert(text.to_string(), line)
                {
                    return Err(problem(format!(
                        "key `{}` is there twice, first in line {first}; keep one of them",
                        dotted(path, &text)
                    )));
                }
                node_ended(open.last_mut(), Some(text.to_string()));
            }
            Event::Alias(_) => node_ended(open.last_mut(), None),
            _ => {}
        }
    }
    Ok(())
}

/// In a block a key and its value take turns.
fn node_ended(parent: Option<&mut Open>, text: Option<String>) {
    if let Some(Open {
        keys: Some(_), key, ..
    }) = parent
    {
        *key = match key {
            None => Some(text),
            Some(_) => None,
        };
    }
}

pub(super) fn yaml_problem(line: u64, column: u64, message: String) -> ConfigProblem {
    ConfigProblem {
        line,
        column,
        code: ConfigProblemCode::InvalidYaml,
        key: String::new(),
        message,
    }
}

pub(super) fn scan_problem(error: &saphyr::ScanError) -> ConfigProblem {
    let marker = error.marker();
    yaml_problem(
        marker.line() as u64,
        marker.col() as u64 + 1,
        format!("not YAML: {}", error.info()),
    )
}
