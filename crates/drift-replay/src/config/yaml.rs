//! Typed reading of a YAML tree that knows where each node stands. Every fault
//! is collected with its line, so that one run names them all; what the keys
//! mean is in the parent module.

use super::{ConfigNotice, ConfigProblem, ConfigProblemCode};
use crate::spelling::nearest;
use saphyr::{MarkedYamlOwned, ScalarOwned, YamlDataOwned};
use std::time::Duration;

/// A node with its dotted name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<'y> {
    pub(crate) node: &'y MarkedYamlOwned,
    /// The line its key stands in, from 1.
    pub(crate) line: u64,
    pub(crate) column: u64,
}

/// The members of one block, by their names.
#[derive(Debug, Default)]
pub(crate) struct Block<'y> {
    pub(crate) path: String,
    members: Vec<(String, Field<'y>)>,
}

impl<'y> Block<'y> {
    /// The member, unless it is absent or null.
    pub(crate) fn get(&self, name: &str) -> Option<Field<'y>> {
        self.members
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, field)| *field)
            .filter(|field| !matches!(scalar(field.node), Some(ScalarOwned::Null)))
    }

    pub(crate) fn name_of(&self, name: &str) -> String {
        dotted(&self.path, name)
    }
}

pub(crate) fn dotted(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn scalar(node: &MarkedYamlOwned) -> Option<&ScalarOwned> {
    match &node.data {
        YamlDataOwned::Value(value) => Some(value),
        YamlDataOwned::Tagged(_, inner) => scalar(inner),
        _ => None,
    }
}

/// What to do with keys that are not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// They are problems.
    Refuse,
    /// The block is another program's as well: a notice.
    Mention,
}

/// Collects problems and notices while a tree is read.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    pub(crate) problems: Vec<ConfigProblem>,
    pub(crate) notices: Vec<ConfigNotice>,
}

impl Reader {
    pub(crate) fn problem(
        &mut self,
        field: Field<'_>,
        code: ConfigProblemCode,
        key: &str,
        message: String,
    ) {
        self.problem_at((field.line, field.column), code, key, message);
    }

    /// The same of a place.
    pub(crate) fn problem_at(
        &mut self,
        (line, column): (u64, u64),
        code: ConfigProblemCode,
        key: &str,
        message: String,
    ) {
        self.problems.push(ConfigProblem {
            line,
            column,
            code,
            key: key.to_owned(),
            message,
        });
    }

    pub(crate) fn expected(&mut self, field: Field<'_>, key: &str, expected: &str) {
        let message = format!("{key}: expected {expected}, found {}", describe(field.node));
        self.problem(field, ConfigProblemCode::WrongType, key, message);
    }

    /// The members of a mapping; keys outside `known` are named with the nearest.
    pub(crate) fn block<'y>(
        &mut self,
        field: Field<'y>,
        path: &str,
        known: &[&str],
        unknown: Unknown,
    ) -> Block<'y> {
        let mut block = Block {
            path: path.to_owned(),
            members: Vec::new(),
        };
        let mut node = field.node;
        while let YamlDataOwned::Tagged(_, inner) = &node.data {
            node = inner;
        }
        let YamlDataOwned::Mapping(members) = &node.data else {
            if !matches!(scalar(node), Some(ScalarOwned::Null)) {
                let name = if path.is_empty() {
                    "the configuration"
                } else {
                    path
                };
                self.expected(field, name, "a block of keys");
            }
            return block;
        };
        for (key, value) in members {
            let place = Field {
                node: value,
                line: key.span.start.line() as u64,
                column: key.span.start.col() as u64 + 1,
            };
            let Some(name) = text_of(key) else {
                self.expected(
                    Field { node: key, ..place },
                    path,
                    "keys that are plain text",
                );
                continue;
            };
            if known.contains(&name.as_str()) {
                block.members.push((name, place));
            } else if !name.starts_with("x-") {
                self.unknown(place, path, &name, known, unknown);
            }
        }
        block
    }

    /// The members of an item of a list that is nothing but a block; `None`, with one
    /// problem that shows how it is written, for another.
    pub(crate) fn block_item<'y>(
        &mut self,
        field: Field<'y>,
        path: &str,
        known: &[&str],
        example: &str,
    ) -> Option<Block<'y>> {
        let mut node = field.node;
        while let YamlDataOwned::Tagged(_, inner) = &node.data {
            node = inner;
        }
        if !matches!(node.data, YamlDataOwned::Mapping(_)) {
            self.expected(field, path, &format!("a block of keys, such as {example}"));
            return None;
        }
        Some(self.block(field, path, known, Unknown::Refuse))
    }

    fn unknown(
        &mut self,
        place: Field<'_>,
        path: &str,
        name: &str,
        known: &[&str],
        unknown: Unknown,
    ) {
        let full = dotted(path, name);
        let nearest = nearest(name, known);
        let hint = match nearest {
            None if name == "<<" => {
                "merge keys are not read: write the keys out that it would bring".to_owned()
            }
            Some(near) => format!("did you mean `{}`?", dotted(path, near)),
            None => format!("known here: {}", known.join(", ")),
        };
        match unknown {
            Unknown::Refuse => self.problem(
                place,
                ConfigProblemCode::UnknownKey,
                &full,
                format!("unknown key `{full}`; {hint}"),
            ),
            Unknown::Mention => self.notices.push(ConfigNotice {
                line: place.line,
                key: full.clone(),
                message: format!("key `{full}` is not known here and left to the SDKs; {hint}"),
            }),
        }
    }

    pub(crate) fn string(&mut self, block: &Block<'_>, name: &str) -> Option<String> {
        let field = block.get(name)?;
        let found = text_of(field.node);
        if found.is_none() {
            self.expected(field, &block.name_of(name), "text");
        }
        found
    }

    pub(crate) fn boolean(&mut self, block: &Block<'_>, name: &str) -> Option<bool> {
        let field = block.get(name)?;
        let found = match scalar(field.node) {
            Some(ScalarOwned::Boolean(value)) => Some(*value),
            // YAML 1.1 spelled them so, and the published program reads YAML 1.1.
            Some(ScalarOwned::String(text)) => match text.to_ascii_lowercase().as_str() {
                "yes" | "on" => Some(true),
                "no" | "off" => Some(false),
                _ => None,
            },
            _ => None,
        };
        if found.is_none() {
            self.expected(field, &block.name_of(name), "true or false");
        }
        found
    }

    /// A whole number within a range.
    pub(crate) fn integer(
        &mut self,
        block: &Block<'_>,
        name: &str,
        least: i64,
        most: i64,
    ) -> Option<i64> {
        let field = block.get(name)?;
        let found = integer_of(field.node).filter(|value| (least..=most).contains(value));
        if found.is_none() {
            let expected = format!("a whole number from {least} to {most}");
            self.expected(field, &block.name_of(name), &expected);
        }
        found
    }

    /// A list of whole numbers within a range; one alone is a list of one.
    pub(crate) fn integers(
        &mut self,
        block: &Block<'_>,
        name: &str,
        least: i64,
        most: i64,
    ) -> Option<Vec<i64>> {
        let field = block.get(name)?;
        let key = block.name_of(name);
        let mut numbers = Vec::new();
        for item in self.items(field, &key, true)? {
            match integer_of(item.node).filter(|value| (least..=most).contains(value)) {
                Some(number) => numbers.push(number),
                None => {
                    let expected = format!("whole numbers from {least} to {most}");
                    self.expected(item, &key, &expected);
                }
            }
        }
        Some(numbers)
    }

    /// A number as text, so that its digits stay: `0.1` is not rounded.
    pub(crate) fn number(&mut self, block: &Block<'_>, name: &str) -> Option<f64> {
        let field = block.get(name)?;
        let found = match scalar(field.node) {
            Some(ScalarOwned::Integer(value)) => Some(*value as f64),
            Some(ScalarOwned::FloatingPoint(value)) => Some(value.into_inner()),
            _ => None,
        }
        .filter(|value| value.is_finite());
        if found.is_none() {
            self.expected(field, &block.name_of(name), "a number");
        }
        found
    }

    /// A duration in Go's spelling (`30s`, `1m30s`, `500ms`). Nothing can be done
    /// within no time, so zero is none.
    pub(crate) fn duration(&mut self, block: &Block<'_>, name: &str) -> Option<Duration> {
        let field = block.get(name)?;
        let found = text_of(field.node)
            .and_then(|text| parse_duration(&text))
            .filter(|duration| !duration.is_zero());
        if found.is_none() {
            self.expected(
                field,
                &block.name_of(name),
                "a duration such as 30s, 1m30s or 500ms",
            );
        }
        found
    }

    /// A list of texts; one text alone is a list of one.
    pub(crate) fn strings(
        &mut self,
        block: &Block<'_>,
        name: &str,
    ) -> Option<Vec<(String, u64, u64)>> {
        let field = block.get(name)?;
        let key = block.name_of(name);
        let mut texts = Vec::new();
        for item in self.items(field, &key, true)? {
            match text_of(item.node) {
                Some(text) => texts.push((text, item.line, item.column)),
                None => self.expected(item, &key, "a list of texts"),
            }
        }
        Some(texts)
    }

    /// The items of a list, each with its place.
    pub(crate) fn items<'y>(
        &mut self,
        field: Field<'y>,
        key: &str,
        one_alone: bool,
    ) -> Option<Vec<Field<'y>>> {
        let mut node = field.node;
        while let YamlDataOwned::Tagged(_, inner) = &node.data {
            node = inner;
        }
        match &node.data {
            YamlDataOwned::Sequence(items) => Some(
                items
                    .iter()
                    .map(|item| Field {
                        node: item,
                        line: item.span.start.line() as u64,
                        column: item.span.start.col() as u64 + 1,
                    })
                    .collect(),
            ),
            YamlDataOwned::Value(_) if one_alone => Some(vec![field]),
            _ => {
                self.expected(field, key, "a list");
                None
            }
        }
    }

    /// One of a few words.
    pub(crate) fn word<T: Copy>(
        &mut self,
        block: &Block<'_>,
        name: &str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let field = block.get(name)?;
        let text = text_of(field.node).unwrap_or_default();
        let found = words
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(&text))
            .map(|(_, value)| *value);
        if found.is_none() {
            let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.expected(
                field,
                &block.name_of(name),
                &format!("one of {}", all.join(", ")),
            );
        }
        found
    }
}

fn integer_of(node: &MarkedYamlOwned) -> Option<i64> {
    match scalar(node)? {
        ScalarOwned::Integer(value) => Some(*value),
        // `3e3`; below 2^53, so the conversion is exact.
        ScalarOwned::FloatingPoint(value) if value.fract() == 0.0 && value.abs() < 9e15 => {
            Some(value.into_inner() as i64)
        }
        ScalarOwned::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// A scalar as text, whatever YAML takes it for: `id: 7` is the text `7`.
pub(crate) fn text_of(node: &MarkedYamlOwned) -> Option<String> {
    match scalar(node)? {
        ScalarOwned::String(text) => Some(text.clone()),
        ScalarOwned::Integer(value) => Some(value.to_string()),
        ScalarOwned::Boolean(value) => Some(value.to_string()),
        ScalarOwned::FloatingPoint(value) => Some(value.to_string()),
        ScalarOwned::Null => None,
    }
}

fn describe(node: &MarkedYamlOwned) -> String {
    match &node.data {
        YamlDataOwned::Sequence(_) => "a list".to_owned(),
        YamlDataOwned::Mapping(_) => "a block of keys".to_owned(),
        YamlDataOwned::Tagged(_, inner) => describe(inner),
        _ => match text_of(node) {
            Some(text) if text.trim().is_empty() => "an empty text".to_owned(),
            Some(text) => {
                let short: String = text.chars().take(40).collect();
                let more = if short.len() < text.len() { "…" } else { "" };
                format!("`{short}{more}`")
            }
            None => "nothing".to_owned(),
        },
    }
}

/// Go's `time.ParseDuration`, without signs: a sequence of decimal numbers with
/// units `ns`, `us`, `µs`, `ms`, `s`, `m`, `h`; `0` needs no unit.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .filter(|end| *end > 0)?;
        let (number, tail) = rest.split_at(digits);
        let unit_end = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, after) = tail.split_at(unit_end);
        let nanos_per_unit: u64 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60 * 1_000_000_000,
            "h" => 3_600 * 1_000_000_000,
            _ => return None,
        };
        total = total.checked_add(scaled(number, nanos_per_unit)?)?;
        rest = after;
    }
    Some(total)
}

/// A decimal number of units, in whole nanoseconds.
fn scaled(number: &str, nanos_per_unit: u64) -> Option<Duration> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let mut nanos = whole.checked_mul(nanos_per_unit)?;
    let mut place = nanos_per_unit;
    for digit in fraction.bytes() {
        place /= 10;
        nanos = nanos.checked_add(u64::from(digit - b'0') * place)?;
    }
    Some(Duration::from_nanos(nanos))
}
