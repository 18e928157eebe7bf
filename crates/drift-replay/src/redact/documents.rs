//! Secrets of documents within a text: XML, forms in parts, the errors of databases.

use super::Redactor;
use super::beside::{is_naming_member, is_value_member};
use regex::{Captures, Regex};
use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

/// The begin of an element, with its attributes.
static ELEMENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"<(?<q>(?:[A-Za-z_][\w.-]*:)?(?<k>[A-Za-z_][\w.-]*))(?<a>(?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(?<empty>/)?>"#).ok()
});

static ATTRIBUTE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?:[\w.-]+:)?(?<k>[\w.-]+)\s*=\s*(?:"(?<v>[^"<]*)"|'(?<w>[^'<]*)')"#).ok()
});

/// The head of a part of a form.
static PART: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?i)content-disposition:[^\r\n]*?\bname="?(?<k>[^";\r\n]+)[^\r\n]*(?:\r?\n[^\r\n]+)*\r?\n\r?\n"#).ok()
});

/// PostgreSQL's `Key (email, token)=(ann, x) already exists.`
static KEY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\bKey \((?<k>[^()]*(?:\([^()]*\)[^()]*)*)\)=\((?<v>[^\n]*?)(?:\) (?:already exists|is (?:not present|still referenced|duplicated)|conflicts)|$)").ok()
});

/// MySQL's `Duplicate entry 'x' for key 'users.token'`.
static ENTRY: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"Duplicate entry '(?<v>[^\n]*?)' for key '(?<k>[^'\n]*)'").ok());

/// SQL Server's `… constraint 'UQ_token'. … The duplicate key value is (x).`
static VALUE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?:constraint|index) '(?<k>[^'\n]*)'[^\n]*?The duplicate key value is \((?<v>[^\n]*?)\)(?:\.|$)").ok()
});

/// Elements with different names whose end is looked for in vain.
const MAX_ENDLESS: usize = 64;

impl Redactor {
    /// A text without the secrets of the documents in it.
    pub(super) fn documents(&self, text: &str) -> String {
        let mut result = text.to_owned();
        let is_document = result.trim_start().starts_with('<');
        if is_document || result.contains("</") || result.contains("/>") {
            result = self.elements(&result);
        }
        if let Some(pattern) = PART.as_ref().filter(|part| part.is_match(&result)) {
            result = self.parts(pattern, &result);
        }
        let is_part_of_name = |name: &str| {
            name.split(|c: char| !c.is_alphanumeric())
                .any(|part| self.is_secret_key(part))
                || self.is_secret_key(name)
        };
        for pattern in [&*ENTRY, &*VALUE] {
            result = self.replaced(pattern.as_ref(), &result, |found, value| {
                is_part_of_name(found.name("k")?.as_str()).then(|| self.placeholder(value))
            });
        }
        self.replaced(KEY.as_ref(), &result, |found, value| {
            let columns: Vec<&str> = found.name("k")?.as_str().split(", ").collect();
            if !columns.iter().any(|column| is_part_of_name(column)) {
                return None;
            }
            let values: Vec<&str> = value.split(", ").collect();
            if values.len() != columns.len() {
                return Some(self.placeholder(value));
            }
            let shown = columns.iter().zip(values).map(|(column, value)| {
                if is_part_of_name(column) {
                    self.placeholder(value)
                } else {
                    value.to_owned()
                }
            });
            Some(shown.collect::<Vec<_>>().join(", "))
        })
    }

    /// A text whose groups `v` are replaced.
    fn replaced(
        &self,
        pattern: Option<&Regex>,
        text: &str,
        shown: impl Fn(&Captures<'_>, &str) -> Option<String>,
    ) -> String {
        // Few texts are such errors, and each pattern takes its time.
        if !["Key (", "Duplicate entry", "duplicate key"]
            .iter()
            .any(|sign| text.contains(sign))
        {
            return text.to_owned();
        }
        let found = pattern
            .into_iter()
            .flat_map(|pattern| pattern.captures_iter(text));
        let hidden = found.filter_map(|found| {
            let value = found.name("v")?;
            Some((value.range(), shown(&found, value.as_str())?))
        });
        with_ranges(text, hidden.collect())
    }

    /// `<password>x</password>`, `<user password="x"/>`, `<add key="password" value="x"/>`.
    fn elements(&self, text: &str) -> String {
        let (Some(element), Some(attribute)) = (ELEMENT.as_ref(), ATTRIBUTE.as_ref()) else {
            return text.to_owned();
        };
        let is_document = text.trim_start().starts_with('<');
        let mut hidden = Vec::new();
        // Ends that were not found once are nowhere behind.
        let mut endless = HashSet::new();
        let mut at = 0;
        while let Some(found) = element.captures_at(text, at) {
            let (Some(whole), Some(qualified), Some(name), Some(attributes)) = (
                found.get(0),
                found.name("q"),
                found.name("k"),
                found.name("a"),
            ) else {
                break;
            };
            at = whole.end();
            let mut is_secret = self.is_secret_key(name.as_str());
            let pairs: Vec<_> = attribute
                .captures_iter(attributes.as_str())
                .filter_map(|pair| {
                    let value = pair.name("v").or_else(|| pair.name("w"))?;
                    let begin = attributes.start() + value.start();
                    Some((pair.name("k")?.as_str(), begin..begin + value.len()))
                })
                .collect();
            let says_secret = pairs.iter().any(|(key, range)| {
                let value = text.get(range.clone()).unwrap_or_default();
                // `<input type="password" value="…">` of HTML.
                (is_naming_member(key) && self.is_secret_key(value))
                    || (*key == "type" && value.eq_ignore_ascii_case("password"))
            });
            is_secret |= says_secret;
            for (key, range) in pairs {
                if self.is_secret_key(key) || (says_secret && is_value_member(key)) {
                    self.push(text, range, &mut hidden);
                }
            }
            if !is_secret || found.name("empty").is_some() || endless.contains(qualified.as_str()) {
                continue;
            }
            let end = format!("</{}", qualified.as_str());
            match text.get(at..).and_then(|rest| rest.find(&end)) {
                Some(length) => {
                    self.push(text, at..at + length, &mut hidden);
                    at += length;
                }
                // What was cut goes on to its end; and no document has so many elements
                // without one, each of which takes a look at all of the text.
                None if is_document || endless.len() >= MAX_ENDLESS => {
                    self.push(text, at..text.len(), &mut hidden);
                    break;
                }
                None => {
                    endless.insert(qualified.as_str());
                }
            }
        }
        with_ranges(text, hidden)
    }

    /// The contents of a form's part that has the name of a secret.
    fn parts(&self, pattern: &Regex, text: &str) -> String {
        let mut hidden = Vec::new();
        for found in pattern.captures_iter(text) {
            let (Some(head), Some(name)) = (found.get(0), found.name("k")) else {
                continue;
            };
            if self.is_secret_key(name.as_str()) {
                let rest = text.get(head.end()..).unwrap_or_default();
                let end = rest.find("\n--");
                let length = end.unwrap_or(rest.len());
                let value = rest.get(..length).unwrap_or_default().trim_end();
                self.push(text, head.end()..head.end() + value.len(), &mut hidden);
                if end.is_none() {
                    break;
                }
            }
        }
        with_ranges(text, hidden)
    }

    fn push(&self, text: &str, range: Range<usize>, hidden: &mut Vec<(Range<usize>, String)>) {
        let inside = text.get(range.clone()).unwrap_or_default();
        let secret = inside.trim();
        let secret = secret
            .strip_prefix("<![CDATA[")
            .and_then(|secret| secret.strip_suffix("]]>"))
            .unwrap_or(secret);
        let begin = range.start + inside.find(secret).unwrap_or(0);
        if !secret.is_empty() {
            hidden.push((begin..begin + secret.len(), self.placeholder(secret)));
        }
    }
}

/// A text with other texts in place of ranges, which are in order.
pub(super) fn with_ranges(text: &str, ranges: Vec<(Range<usize>, String)>) -> String {
    let mut result = String::with_capacity(text.len());
    let mut copied = 0;
    for (range, shown) in ranges {
        if range.start >= copied {
            result.push_str(text.get(copied..range.start).unwrap_or_default());
            result.push_str(&shown);
            copied = range.end;
        }
    }
    result.push_str(text.get(copied..).unwrap_or_default());
    result
}
