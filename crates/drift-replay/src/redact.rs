//! Secrets out of everything that a report shows. Equal secrets get equal
//! placeholders, so that a reader still sees what changed and what did not.
//! Recordings themselves are not touched.

use crate::span::Span;
use crate::tree::Json;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{LazyLock, Mutex, PoisonError};

mod beside;
mod commands;
mod documents;
mod pairs;
mod sql;

pub(crate) use beside::{is_value_member, name_beside, needs_surroundings};

/// Headers whose values are secrets, in lower case.
pub const SECRET_HEADERS: &[&str] = &[
    "authorization",
    "cookie",
    "proxy-authorization",
    "set-cookie",
    "x-access-token",
    "x-amz-security-token",
    "x-amz-signature",
    "x-api-key",
    "x-api-token",
    "x-auth",
    "x-auth-token",
    "x-csrf-token",
    "x-goog-api-key",
    "x-session-token",
    "x-vault-token",
    "x-xsrf-token",
    "api-key",
    "apikey",
];

/// Member names, query parameters and form fields whose values are secrets;
/// compared without case, `-` and `_`. So is each name that ends in `password`, or whose
/// last of several words is `token` (but of a page), `secret` or `pass`.
pub const SECRET_KEYS: &[&str] = &[
    "accesskey",
    "accesskeyid",
    "accesstoken",
    "accountkey",
    "apikey",
    "apitoken",
    "authkey",
    "authorization",
    "authtoken",
    "awsaccesskeyid",
    "bearertoken",
    "cardnumber",
    "clientsecret",
    "connectionstring",
    "credential",
    "credentials",
    "creditcard",
    "creditcardnumber",
    "csrftoken",
    "cvc",
    "cvv",
    "databaseurl",
    "encryptionkey",
    "idtoken",
    "jwt",
    "masterauth",
    "masterkey",
    "otp",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "passwordhash",
    "pin",
    "privatekey",
    "pwd",
    "refreshtoken",
    "requirepass",
    "secret",
    "secretaccesskey",
    "secretkey",
    "sessionid",
    "sessiontoken",
    "setcookie",
    "sharedaccesskey",
    "sig",
    "signature",
    "signingkey",
    "ssn",
    "token",
    "webhooksecret",
    "xamzcredential",
    "xamzsignature",
    "xapikey",
    "xgoogapikey",
    "xvaulttoken",
];

/// Statements in literals of statements are looked into so deep.
const MAX_DEPTH: usize = 3;

/// What counts as a secret besides the built-in lists.
#[derive(Clone, Debug)]
pub struct RedactionOptions {
    /// `redaction.enabled`, default true.
    pub enabled: bool,
    /// `redaction.headers`: more header names.
    pub headers: Vec<String>,
    /// `redaction.keys`: more member names.
    pub keys: Vec<String>,
    /// `redaction.patterns`: what matches inside a text is a secret.
    pub patterns: Vec<Regex>,
    /// `redaction.sql_parameters`: all parameters of queries, default false:
    /// without names they are the data that one wants to see.
    pub sql_parameters: bool,
}

impl Default for RedactionOptions {
    fn default() -> Self {
        RedactionOptions {
            enabled: true,
            headers: Vec::new(),
            keys: Vec::new(),
            patterns: Vec::new(),
            sql_parameters: false,
        }
    }
}

/// Replaces secrets; keep one for one report.
#[derive(Debug)]
pub struct Redactor {
    options: RedactionOptions,
    headers: Vec<String>,
    keys: Vec<String>,
    /// The number of each secret seen, in the order they came: a placeholder
    /// that was made of the secret itself could be guessed back.
    seen: Mutex<HashMap<String, usize>>,
}

/// Secrets in texts: what stands before is kept, the groups `s` and `t` are replaced.
static IN_TEXT: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"(?i)\bbearer\s+(?<s>[A-Za-z0-9._~+/=-]{6,})",
        r"(?i)\bbasic\s+(?<s>[A-Za-z0-9+/=]{8,})",
        // Signed in three parts, encrypted in five, in two without a signature.
        r"(?<s>\beyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?|\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+))",
        r"(?<s>-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.)*?(?:-----END [A-Z ]*PRIVATE KEY-----|$))",
        r"(?<s>\b(?:AKIA|ASIA)[0-9A-Z]{16}\b)",
        r"(?<s>\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}))",
        r"(?<s>\bxox[abeoprs]-[A-Za-z0-9-]{10,})",
        r"(?<s>\b[rs]k_(?:live|test)_[A-Za-z0-9]{10,}|\bwhsec_[A-Za-z0-9+/=]{16,}|\bsk-[A-Za-z0-9_-]{20,})",
        r"(?<s>\bAIza[0-9A-Za-z_-]{35}|\bya29\.[0-9A-Za-z_-]{20,}|\bnpm_[A-Za-z0-9]{30,}|\bpypi-[A-Za-z0-9_-]{30,}|\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,})",
        // `AUTH password`, `AUTH user password` within a sentence: whether a second
        // word is the password cannot be told, so both go.
        r"(?i)redis\S* (?:auth|(?:hello|config set|migrate|sentinel)(?: \S+)*? (?:auth2?|requirepass|masterauth|auth-pass|sentinel-pass)) (?<s>\[redacted \d+\]|\S+)(?: (?<t>\[redacted \d+\]|\S+))?",
        r"(?i)redis\S* acl setuser(?: \S+)*? [><#!](?<s>\[redacted \d+\]|\S+)",
        // `CREATE ROLE app PASSWORD 'password'`, `IDENTIFIED WITH plugin BY 'password'`.
        r#"(?i)\b(?:password|identified\s+(?:with\s+\S+\s+)?(?:by|as)(?:\s+password)?)\s+'(?<s>(?:[^']|'')+)'|(?i)\bidentified\s+(?:with\s+\S+\s+)?(?:by|as)\s+"(?<t>[^"]+)""#,
        // The password of `scheme://user:password@host`.
        r"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#@:]*:(?<s>[^\s/?#@]+)@",
        // The same of a URL that was cut before the host: no port has such a number.
        r"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#@:\[\]]+:(?<s>[^\s/?#@]*[^\s/?#@0-9…][^\s/?#@]*)$",
        // Without a password, what stands there in HTTP is a token.
        r"(?i)\bhttps?://(?<s>[^\s/?#@:]+)(?::(?:x-oauth-basic|\[redacted \d+\])?)?@",
        // Whoever has the address of a hook may write to it.
        r"\b(?:hooks\.slack\.com/services/|discord(?:app)?\.com/api/webhooks/\d+/|api\.telegram\.org/bot)(?<s>[A-Za-z0-9_:/-]{16,}?)(?:/[a-z][A-Za-z]+\b|[^A-Za-z0-9_:/-]|$)",
        r#"\bcurl\s[^\n]*?(?:-u|--user)[ \t=]*["']?[^\s:"']+:(?<s>\[redacted \d+\]|[^\s"']+)"#,
    ]
    .into_iter()
    .filter_map(|pattern| Regex::new(pattern).ok())
    .collect()
});

impl Redactor {
    /// A redactor for one report.
    pub fn new(options: RedactionOptions) -> Redactor {
        let headers = options
            .headers
            .iter()
            .map(|name| name.to_ascii_lowercase())
            .chain(SECRET_HEADERS.iter().map(|name| (*name).to_owned()))
            .collect();
        let keys = options
            .keys
            .iter()
            .map(|key| simple(key))
            .chain(SECRET_KEYS.iter().map(|key| (*key).to_owned()))
            .collect();
        Redactor {
            options,
            headers,
            keys,
            seen: Mutex::new(HashMap::new()),
        }
    }

    /// `[redacted 3]`, the same for the same secret.
    fn placeholder(&self, secret: &str) -> String {
        // A secret that was replaced before stays what it is.
        if secret.starts_with("[redacted ") && secret.ends_with(']') {
            return secret.to_owned();
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let next = seen.len() + 1;
        let number = *seen.entry(secret.to_owned()).or_insert(next);
        format!("[redacted {number}]")
    }

    /// Whether a header's values are secrets.
    pub fn is_secret_header(&self, name: &str) -> bool {
        let lower = name.to_ascii_lowercase();
        self.options.enabled && (self.headers.contains(&lower) || ends_as_secret(name))
    }

    /// Whether the values of a member, parameter, field or variable are secrets.
    pub fn is_secret_key(&self, key: &str) -> bool {
        let is_known = |name: &str| {
            let name = simple(name);
            name.ends_with("password") || self.keys.contains(&name)
        };
        self.options.enabled
            && (is_known(key) || ends_as_secret(key) || variable_endings(key).any(is_known))
    }

    /// A header's value, whole if the header is secret; cookies keep their
    /// names, so that one sees which are there.
    pub fn header(&self, name: &str, value: &str) -> String {
        if !self.is_secret_header(name) {
            return self.text(value);
        }
        if name.eq_ignore_ascii_case("cookie") || name.eq_ignore_ascii_case("set-cookie") {
            // Both `a=1; b=2` and `a=1; Path=/`; attributes are no secrets.
            return value
                .split(';')
                .map(|part| match part.split_once('=') {
                    Some((key, secret)) if !is_cookie_attribute(key.trim()) => {
                        format!("{key}={}", self.placeholder(secret))
                    }
                    _ => part.to_owned(),
                })
                .collect::<Vec<_>>()
                .join(";");
        }
        match value.split_once(' ') {
            Some((scheme, secret))
                if keeps_part(name)
                    && scheme.len() <= 20
                    && scheme.bytes().all(|b| b.is_ascii_alphanumeric()) =>
            {
                format!("{scheme} {}", self.placeholder(secret))
            }
            _ => self.placeholder(value),
        }
    }

    /// A text of any kind: JSON by its members, else what looks like a secret
    /// within it, URLs with credentials and secret parameters too.
    pub fn text(&self, text: &str) -> String {
        if !self.options.enabled {
            return text.to_owned();
        }
        let trimmed = text.trim_start();
        if trimmed.starts_with(['{', '['])
            && let Some(mut value) = Json::parse(text.as_bytes())
        {
            return self.document(text, &mut value);
        }
        self.plain(text)
    }

    /// A text that is JSON, without its secrets; one that has none stays as it was
    /// written, byte for byte.
    fn document(&self, text: &str, value: &mut Json) -> String {
        let whole = value.text();
        let is_all_read = members_in(text) == members_of(value);
        self.tree(value);
        let redacted = value.text();
        // Of a name that comes twice only one value was looked at.
        if redacted != whole || !is_all_read {
            return redacted;
        }
        text.to_owned()
    }

    /// The JSON text of a value at a path: under a secret name it is a secret whole.
    pub fn at_path(&self, path: &str, json: &str) -> String {
        if !self.options.enabled {
            return json.to_owned();
        }
        let parameters = self.options.sql_parameters
            && (path.starts_with("$.parameters") || path.starts_with("$.values"));
        let Some(mut value) = Json::parse(json.as_bytes()) else {
            return if parameters || self.has_secret_name(path) {
                self.placeholder(json)
            } else {
                self.plain(json)
            };
        };
        if let Some(header) = path.strip_prefix("$.headers") {
            for name in names_of(header) {
                if self.is_secret_header(&name) {
                    self.hide(&mut value);
                }
            }
        }
        if parameters || self.has_secret_name(path) {
            self.hide(&mut value);
        } else {
            self.tree(&mut value);
        }
        value.text()
    }

    /// The same, of a value that has names beside it; one cut short is a secret whole.
    pub(crate) fn at_path_named<'n>(
        &self,
        path: &str,
        names: impl IntoIterator<Item = &'n str>,
        json: &str,
    ) -> String {
        let is_secret = |name: &str| self.is_secret_key(name) || self.is_secret_header(name);
        if !names.into_iter().any(is_secret) {
            return self.at_path(path, json);
        }
        let Some(mut value) = Json::parse(json.as_bytes()) else {
            return self.placeholder(json);
        };
        self.hide(&mut value);
        value.text()
    }

    /// Takes the secrets out of the whole input or output of a call.
    pub(crate) fn whole(&self, value: &mut Json) {
        if self.options.enabled {
            self.tree(value);
        }
    }

    /// A span without the secrets of its texts and values, to be shown; what was
    /// hashed or matched is the span as it was.
    #[must_use]
    pub fn span(&self, span: &Span) -> Span {
        if !self.options.enabled {
            return span.clone();
        }
        let value = |text: &String| {
            let Some(mut tree) = Json::parse(text.as_bytes()) else {
                return self.plain(text);
            };
            if self.options.sql_parameters {
                for name in ["parameters", "values"] {
                    if let Some(parameters) = tree.get_mut(name) {
                        self.hide(parameters);
                    }
                }
            }
            self.tree(&mut tree);
            tree.text()
        };
        Span {
            name: self.text(&span.name),
            status_message: self.text(&span.status_message),
            stack_trace: self.text(&span.stack_trace),
            input_value: span.input_value.as_ref().map(value),
            output_value: span.output_value.as_ref().map(value),
            metadata: span.metadata.as_ref().map(value),
            ..span.clone()
        }
    }

    fn has_secret_name(&self, path: &str) -> bool {
        names_of(path).iter().any(|name| self.is_secret_key(name))
    }

    /// All scalars of a value are secrets; null says only that there is none.
    fn hide(&self, value: &mut Json) {
        match value {
            Json::Null => {}
            Json::Array(items) => items.iter_mut().for_each(|item| self.hide(item)),
            Json::Object(members) => members.iter_mut().for_each(|(_, value)| self.hide(value)),
            Json::String(text) => *text = self.placeholder(text),
            other => *other = Json::String(self.placeholder(&other.text())),
        }
    }

    pub(crate) fn tree(&self, value: &mut Json) {
        match value {
            Json::String(text) => *text = self.nested(text, 0),
            Json::Array(items) => {
                self.pairs_of_lists(items);
                items.iter_mut().for_each(|item| self.tree(item));
            }
            Json::Object(members) => {
                self.rows(members);
                self.parameters(members);
                self.variables(members);
                self.pass_of_user(members);
                self.named_value(members);
                self.raw_headers(members);
                self.command(members);
                for (key, value) in members {
                    if self.is_secret_header(key) && (keeps_part(key) || !self.is_secret_key(key)) {
                        self.header_values(key, value);
                    } else if self.is_secret_key(key) {
                        self.hide(value);
                    } else if let ("body", Json::String(text)) = (key.as_str(), &value)
                        && let Some(decoded) = self.encoded(text)
                    {
                        *value = Json::String(decoded);
                    } else {
                        self.tree(value);
                    }
                }
            }
            Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
    }

    /// The values of a secret header: one text, or a list of them.
    fn header_values(&self, name: &str, value: &mut Json) {
        match value {
            Json::String(text) => *text = self.header(name, text),
            Json::Array(items) => {
                for item in items {
                    self.header_values(name, item);
                }
            }
            other => self.hide(other),
        }
    }

    /// A recorded body, base64 of a text, without its secrets; `None` when it
    /// holds none, or is nothing of the kind.
    fn encoded(&self, body: &str) -> Option<String> {
        let text = String::from_utf8(STANDARD.decode(body).ok()?).ok()?;
        let redacted = self.text(&text);
        let same = redacted == text
            || Json::parse(text.as_bytes()).is_some_and(|value| value.text() == redacted);
        (!same).then(|| STANDARD.encode(redacted))
    }

    /// A text without the secrets that it has as a statement, and those that its
    /// literals have, which may be statements and documents themselves.
    fn statement(&self, text: &str, depth: usize) -> String {
        let found = sql::secrets_of(text, &|name| self.is_secret_key(name));
        let end = found.rest.unwrap_or(text.len());
        let is_shown = |range: &Range<usize>| {
            let index = found
                .literals
                .partition_point(|hidden| hidden.end <= range.start);
            let hidden = found.literals.get(index);
            hidden.is_none_or(|hidden| hidden.start >= range.end)
        };
        let mut replaced: Vec<(Range<usize>, String)> = Vec::new();
        for range in found.texts {
            if depth < MAX_DEPTH && range.end <= end && is_shown(&range) {
                let literal = text.get(range.clone()).unwrap_or_default();
                let shown = sql::with_inside(literal, |inside| self.nested(inside, depth + 1));
                replaced.extend(shown.map(|shown| (range, shown)));
            }
        }
        for range in found.literals {
            let literal = text.get(range.clone()).unwrap_or_default();
            let shown = sql::without_secret(literal, |secret| self.placeholder(secret));
            replaced.push((range, shown));
        }
        if let Some(rest) = text.get(end..).filter(|rest| !rest.trim().is_empty()) {
            let blank = rest.len() - rest.trim_start().len();
            replaced.push((end + blank..text.len(), self.placeholder(rest.trim_start())));
        }
        replaced.sort_by_key(|(range, _)| range.start);
        documents::with_ranges(text, replaced)
    }

    /// A text within a document, which may be one itself.
    fn nested(&self, text: &str, depth: usize) -> String {
        if text.trim_start().starts_with(['{', '[', '"'])
            && let Some(mut value) = Json::parse(text.as_bytes())
        {
            return self.document(text, &mut value);
        }
        self.plain_within(text, depth)
    }

    fn plain(&self, text: &str) -> String {
        self.plain_within(text, 0)
    }

    fn plain_within(&self, text: &str, depth: usize) -> String {
        // Before all patterns: of a text in quotes they know no end.
        let mut result = self.documents(&self.statement(text, depth));
        for pattern in IN_TEXT.iter() {
            if pattern.is_match(&result) {
                result = replace(pattern, &result, |secret| self.placeholder(secret));
            }
        }
        for pattern in &self.options.patterns {
            result = pattern
                .replace_all(&result, |found: &regex::Captures<'_>| {
                    found.get(0).map_or_else(String::new, |whole| {
                        if whole.is_empty() {
                            String::new()
                        } else {
                            self.placeholder(whole.as_str())
                        }
                    })
                })
                .into_owned();
        }
        self.pairs(&result)
    }
}

/// Whether the last of several words tells that a name is a secret's: `X-Custom-Token`,
/// `webhookSecret`, `DB_PASS`.
fn ends_as_secret(name: &str) -> bool {
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    let lower = name.to_ascii_lowercase();
    ["token", "secret", "pass"].iter().any(|word| {
        let Some(before) = lower.strip_suffix(word) else {
            return false;
        };
        let begin = name.get(before.len()..).unwrap_or_default();
        let is_word = before.ends_with(['-', '_', '.', ' '])
            || (begin.starts_with(|c: char| c.is_ascii_uppercase())
                && before.ends_with(|c: char| c.is_ascii_alphanumeric())
                && !name.ends_with(|c: char| c.is_ascii_uppercase()));
        // What goes on with a list is what one wants to see.
        let is_of_page = *word == "token"
            && NO_SECRET_TOKENS.iter().any(|kind| {
                before
                    .trim_end_matches(['-', '_', '.', ' '])
                    .ends_with(kind)
            });
        is_word && !is_of_page
    })
}

/// Words before `token` with which it is no secret.
const NO_SECRET_TOKENS: [&str; 8] = [
    "page",
    "next",
    "prev",
    "previous",
    "continuation",
    "sync",
    "skip",
    "resume",
];

/// `AWS_API_KEY` gives `API_KEY` and `KEY`: what a variable of the environment is.
fn variable_endings(name: &str) -> impl Iterator<Item = &str> {
    let is_variable = name
        .chars()
        .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    name.match_indices('_')
        .filter(move |_| is_variable)
        .filter_map(|(at, _)| name.get(at + 1..))
}

fn replace(pattern: &Regex, text: &str, by: impl Fn(&str) -> String) -> String {
    let mut result = String::with_capacity(text.len());
    let mut last = 0;
    for found in pattern.captures_iter(text) {
        for secret in ["s", "t"].iter().filter_map(|group| found.name(group)) {
            result.push_str(text.get(last..secret.start()).unwrap_or_default());
            result.push_str(&by(secret.as_str()));
            last = secret.end();
        }
    }
    result.push_str(text.get(last..).unwrap_or_default());
    result
}

/// Headers of which a part says something and is no secret: the scheme, the names.
fn keeps_part(header: &str) -> bool {
    [
        "authorization",
        "cookie",
        "proxy-authorization",
        "set-cookie",
    ]
    .iter()
    .any(|name| header.eq_ignore_ascii_case(name))
}

fn is_cookie_attribute(name: &str) -> bool {
    [
        "path", "domain", "expires", "max-age", "samesite", "priority",
    ]
    .iter()
    .any(|attribute| name.eq_ignore_ascii_case(attribute))
}

/// Without case, `-`, `_` and spaces: `API-Key`, `api_key` and `apiKey` are one.
fn simple(key: &str) -> String {
    key.chars()
        .filter(|c| !matches!(c, '-' | '_' | ' '))
        .flat_map(char::to_lowercase)
        .collect()
}

/// The member names of a path, outermost first.
pub(crate) fn names_of(path: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = path.strip_prefix('$').unwrap_or(path);
    while !rest.is_empty() {
        if let Some(tail) = rest.strip_prefix('.') {
            let end = tail.find(['.', '[']).unwrap_or(tail.len());
            let (name, after) = tail.split_at(end);
            names.push(name.to_owned());
            rest = after;
        } else if let Some(tail) = rest.strip_prefix("[\"") {
            let mut escaped = false;
            let end = tail
                .char_indices()
                .find(|(_, c)| {
                    let closing = *c == '"' && !escaped;
                    escaped = *c == '\\' && !escaped;
                    closing
                })
                .map_or(tail.len(), |(at, _)| at);
            let (name, after) = tail.split_at(end);
            let quoted = format!("\"{name}\"");
            names.push(match Json::parse(quoted.as_bytes()) {
                Some(Json::String(name)) => name,
                _ => name.to_owned(),
            });
            rest = after.strip_prefix("\"]").unwrap_or("");
        } else {
            rest = rest.split_once(']').map_or("", |(_, after)| after);
        }
    }
    names
}

/// How many members the objects of a JSON text have, those of a name that comes
/// twice too: each has a colon outside of strings.
fn members_in(text: &str) -> usize {
    let (mut members, mut in_string, mut is_escaped) = (0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_string,
            b'"' => in_string = !in_string,
            b':' if !in_string => members += 1,
            _ => {}
        }
    }
    members
}

fn members_of(value: &Json) -> usize {
    match value {
        Json::Array(items) => items.iter().map(members_of).sum(),
        Json::Object(members) => {
            members.len()
                + members
                    .iter()
                    .map(|(_, value)| members_of(value))
                    .sum::<usize>()
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
