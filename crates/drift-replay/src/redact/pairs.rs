//! Secrets behind their names in a text: `name=value`, `name: "value"`, `--name value`,
//! lines of headers.

use super::{Redactor, keeps_part, sql};
use regex::Regex;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

/// `name=` in queries, forms, cookies and settings, `"name":` in logs and in JSON within
/// a text, `name =>` in dumps.
static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?<k>[A-Za-z](?:[A-Za-z0-9_.\[\]-]|%[0-9A-Fa-f]{2}){1,60})\\*["']?(?:[ \t]{0,20}|\s)(?<sign>=>|=|:)(?:[ \t]{0,20}|\s)"#).ok()
});

/// `--name value` of a command.
static FLAG: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?:^|\s)--?(?<k>[A-Za-z][A-Za-z0-9_-]{2,40})[ \t]+").ok());

/// A value without quotes.
static WORD: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"^[^\s&;,"'<>]{1,4096}"#).ok());

/// The type of a GraphQL variable, and what stands before its default.
static TYPE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[\[\]!A-Za-z0-9_]{1,100}(?<default>\s{0,20}=\s{0,20})?").ok());

/// A variable of GraphQL with its type.
static DECLARED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\$(?<v>[A-Za-z_][A-Za-z0-9_]*)\s*:").ok());

/// Longer values are looked at as far as this.
const MAX_BYTES: usize = 4_096;

impl Redactor {
    /// A text without the values whose names are a secret's.
    pub(super) fn pairs(&self, text: &str) -> String {
        let mut hidden = Hidden::new(text);
        if text.contains(['=', ':']) {
            self.named_values(text, &mut hidden);
        }
        if text.contains('-') {
            self.flags(text, &mut hidden);
        }
        hidden.replaced(self)
    }

    fn named_values(&self, text: &str, hidden: &mut Hidden<'_>) {
        let Some(pattern) = NAME.as_ref() else { return };
        let is_statement = sql::is_sure_statement(text);
        let is_graphql = ["query", "mutation", "subscription"]
            .iter()
            .any(|word| text.contains(word));
        let declared: HashSet<&str> = DECLARED
            .as_ref()
            .filter(|_| is_graphql)
            .into_iter()
            .flat_map(|pattern| pattern.captures_iter(text))
            .filter_map(|found| Some(found.name("v")?.as_str()))
            .collect();
        let mut at = 0;
        while let Some(found) = pattern.captures_at(text, at) {
            let (Some(whole), Some(key), Some(sign)) =
                (found.get(0), found.name("k"), found.name("sign"))
            else {
                return;
            };
            // What follows this name may be a name itself.
            at = key.end();
            let name = decoded(key.as_str());
            let rest = text.get(whole.end()..).unwrap_or_default();
            let is_line = sign.as_str() == ":" && keeps_part(&name);
            let before = text.get(..key.start()).unwrap_or_default();
            if is_line && !rest.starts_with(['"', '\'', '\\']) {
                // `curl -H 'Authorization: …'`
                let quote = before
                    .chars()
                    .next_back()
                    .filter(|c| matches!(c, '"' | '\''));
                let is_end = |c: char| matches!(c, '\r' | '\n') || Some(c) == quote;
                let end = rest.find(is_end).unwrap_or(rest.len());
                let value = rest.get(..end).unwrap_or_default().trim_end();
                if self.is_secret_header(&name) && !value.is_empty() {
                    hidden.push_shown(
                        whole.end()..whole.end() + value.len(),
                        self.header(&name, value),
                    );
                    at = whole.end() + value.len();
                }
                continue;
            }
            if !self.is_secret_path(&name) {
                continue;
            }
            let mut begin = whole.end();
            if is_graphql && before.ends_with('$') {
                // `$password: String = "…"`.
                let typed = TYPE.as_ref().and_then(|pattern| pattern.captures(rest));
                if let Some(found) = typed {
                    let Some(default) = found.name("default") else {
                        continue;
                    };
                    begin += default.end();
                }
            }
            let rest = text.get(begin..).unwrap_or_default();
            let value = quoted(rest).or_else(|| group(rest)).or_else(|| {
                let word = WORD.as_ref()?.find(rest)?;
                let behind = rest.get(word.end()..).unwrap_or_default();
                // `password: $p` of GraphQL: what it is stands elsewhere.
                let is_variable =
                    variable(word.as_str()).is_some_and(|name| declared.contains(name));
                let is_none = is_statement && sql::is_no_value(word.as_str(), behind);
                (!is_variable && !is_none).then(|| word.range())
            });
            let Some(value) = value else { continue };
            let value = begin + value.start..begin + value.end;
            if hidden.push(value.clone()) {
                at = value.end;
            }
        }
    }

    fn flags(&self, text: &str, hidden: &mut Hidden<'_>) {
        let Some(pattern) = FLAG.as_ref() else { return };
        let mut at = 0;
        while let Some(found) = pattern.captures_at(text, at) {
            let (Some(whole), Some(key)) = (found.get(0), found.name("k")) else {
                return;
            };
            at = key.end();
            let rest = text.get(whole.end()..).unwrap_or_default();
            if !self.is_secret_key(key.as_str()) || rest.starts_with(['-', '=', ':']) {
                continue;
            }
            let value = quoted(rest).or_else(|| Some(WORD.as_ref()?.find(rest)?.range()));
            if let Some(value) = value {
                hidden.push(whole.end() + value.start..whole.end() + value.end);
            }
        }
    }

    /// `user.password`, `user[password]`; all that is under a member of a form is what it is.
    fn is_secret_path(&self, name: &str) -> bool {
        let (plain, members) = name.split_once('[').unwrap_or((name, ""));
        let last = plain.rsplit('.').next().unwrap_or(plain);
        let is_secret = |part: &str| self.is_secret_key(part);
        is_secret(last)
            || members
                .split(['[', ']', '.'])
                .any(|part| !part.is_empty() && is_secret(part))
    }
}

/// The ranges of a text that are hidden.
struct Hidden<'t> {
    text: &'t str,
    ranges: Vec<(Range<usize>, Option<String>)>,
}

impl<'t> Hidden<'t> {
    fn new(text: &'t str) -> Hidden<'t> {
        Hidden {
            text,
            ranges: Vec::new(),
        }
    }

    /// Whether there is something to hide that was not hidden before.
    fn push(&mut self, range: Range<usize>) -> bool {
        let value = self.text.get(range.clone()).unwrap_or_default();
        let is_new = !value.is_empty() && !value.starts_with("[redacted");
        if is_new {
            self.ranges.push((range, None));
        }
        is_new
    }

    fn push_shown(&mut self, range: Range<usize>, shown: String) {
        self.ranges.push((range, Some(shown)));
    }

    fn replaced(mut self, redactor: &Redactor) -> String {
        self.ranges
            .sort_by_key(|(range, _)| (range.start, range.end));
        let mut result = String::with_capacity(self.text.len());
        let mut copied = 0;
        for (range, shown) in self.ranges {
            if range.start < copied {
                continue;
            }
            result.push_str(self.text.get(copied..range.start).unwrap_or_default());
            let secret = self.text.get(range.clone()).unwrap_or_default();
            result.push_str(&shown.unwrap_or_else(|| redactor.placeholder(secret)));
            copied = range.end;
        }
        result.push_str(self.text.get(copied..).unwrap_or_default());
        result
    }
}

/// A name without its `%5B`.
fn decoded(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some(byte) = rest.bytes().next() {
        let digits = rest.strip_prefix('%').and_then(|rest| rest.get(..2));
        let escaped = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(escaped.unwrap_or(byte));
        rest = rest
            .get(if escaped.is_some() { 3 } else { 1 }..)
            .unwrap_or_default();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The name of the variable of GraphQL that stands for a value here.
fn variable(word: &str) -> Option<&str> {
    word.trim_end_matches([')', '}', ']', '!'])
        .strip_prefix('$')
}

/// What stands in quotes at the begin of a text, also in those of JSON within JSON
/// (`\"`) and in three. A text that was cut has no end of them.
fn quoted(text: &str) -> Option<Range<usize>> {
    let escapes = text.len() - text.trim_start_matches('\\').len();
    let quote = text.get(escapes..)?.chars().next()?;
    if !matches!(quote, '"' | '\'') {
        return None;
    }
    let three = quote.to_string().repeat(3);
    let begin = if text.starts_with(&three) {
        three.len()
    } else {
        escapes + 1
    };
    let inside = text.get(begin..)?;
    let mut limit = MAX_BYTES.min(inside.len());
    while !inside.is_char_boundary(limit) {
        limit -= 1;
    }
    let inside = inside.get(..limit)?;
    let mut skipped = None;
    for (at, _) in inside.match_indices(quote) {
        let before = inside.get(..at)?;
        let behind = inside.get(at + 1..)?;
        let found = before.len() - before.trim_end_matches('\\').len();
        let is_end = if begin == 3 {
            found % 2 == 0 && behind.starts_with(&quote.to_string().repeat(2))
        } else if escapes > 0 {
            found == escapes
        } else {
            // `it''s` is one text; so is `""` where quotes are doubled.
            let is_doubled = at > 0 && behind.starts_with(quote);
            let is_second = skipped == Some(at);
            if is_doubled && !is_second && found % 2 == 0 {
                skipped = Some(at + 1);
            }
            found % 2 == 0 && !is_second && !is_doubled
        };
        if is_end {
            return Some(begin..begin + at.saturating_sub(if begin == 3 { 0 } else { escapes }));
        }
    }
    Some(begin..begin + limit)
}

/// A list or object at the begin of a text, up to where it is closed or the text was cut.
fn group(text: &str) -> Option<Range<usize>> {
    if !text.starts_with(['[', '{']) || text.starts_with("[redacted ") {
        return None;
    }
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for (at, c) in text.char_indices().take(MAX_BYTES) {
        let was_escaped = std::mem::take(&mut escaped);
        match c {
            '\\' => escaped = !was_escaped,
            '"' if !was_escaped => in_text = !in_text,
            '[' | '{' if !in_text => depth += 1,
            ']' | '}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && !in_text {
            return Some(0..at + c.len_utf8());
        }
    }
    let limit = text.char_indices().nth(MAX_BYTES);
    Some(0..limit.map_or(text.len(), |(at, _)| at))
}
