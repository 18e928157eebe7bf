//! Where the secrets of a statement stand: literals and placeholders at the place of
//! a column that is called like one. By tokens, not by the parsed statement: what is
//! shown is often cut, and what does not parse must not keep its secrets.

use made::Made;
use reading::{Clause, Reading};
use regex::Regex;
use sqlparser::dialect::{Dialect, GenericDialect, MySqlDialect, OracleDialect};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;
use std::cell::RefCell;
use std::ops::Range;
use std::sync::LazyLock;

mod aligned;
mod made;
mod operands;
mod reading;

/// How often the origin of a column is looked for.
const MAX_ORIGINS: usize = 3;

/// Longer texts are left to the patterns of any text.
const MAX_BYTES: usize = 1 << 20;

/// The secrets of one text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SqlSecrets {
    /// Literals, by their place in the text, with quotes; in order, none in another.
    pub(super) literals: Vec<Range<usize>>,
    pub(super) placeholders: Vec<Slot>,
    /// The other literals that are texts: they may have secrets of their own.
    pub(super) texts: Vec<Range<usize>>,
    /// From where on nobody knows what is a literal, and all is hidden.
    pub(super) rest: Option<usize>,
}

/// Which parameter a placeholder stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// From 0.
    Position(usize),
    Name(String),
}

static STATEMENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:insert|replace|update|select|delete|merge|values|set|where|having|alter|create|exec|execute|call|with|declare|grant|identified|change|copy|attach|pragma|unnest)\b",
    )
    .ok()
});

/// What hardly stands in a sentence that is none.
static SURE_STATEMENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?is)\b(?:(?:insert|replace|merge)\s+into\b|update\b.*\bset\b|select\b.*\bfrom\b|select\s*'|values\s*\(|where\b.*=|(?:create|alter)\s+(?:user|role|login|table)\b|set\s+\S+\s*:?=)",
    )
    .ok()
});

/// Whether a text is a statement, and no sentence with words of one.
pub(super) fn is_sure_statement(text: &str) -> bool {
    SURE_STATEMENT
        .as_ref()
        .is_some_and(|sign| sign.is_match(text))
}

/// Whether what stands behind `password =` in a statement, and before a rest, is no value
/// that could be a secret: nothing, a placeholder, or what stands before a literal.
pub(super) fn is_no_value(value: &str, rest: &str) -> bool {
    let matches = |pattern: &LazyLock<Option<Regex>>| {
        pattern
            .as_ref()
            .is_some_and(|pattern| pattern.is_match(value))
    };
    matches(&NO_VALUE) || (rest.starts_with(['\'', '"', '$']) && matches(&BEFORE_LITERAL))
}

static NO_VALUE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^(?:=+|/\*|\(*(?:select|values|case|null|default|true|false|\$\d+|\?\d*|%s|%\(\w+\)s|:\w+)[),]*)$").ok()
});

/// `N` of `N'x'`, `crypt(` of `crypt('x')`.
static BEFORE_LITERAL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)^\(*(?:\w+\()*(?:[nebxrq]|u&|_\w+)?$").ok());

/// The secrets of what may be a statement, or a part of one.
pub(super) fn secrets_of(text: &str, is_secret: &dyn Fn(&str) -> bool) -> SqlSecrets {
    let mut found = SqlSecrets::default();
    let may_be = STATEMENT.as_ref().is_some_and(|word| word.is_match(text));
    if !may_be || text.len() > MAX_BYTES {
        return found;
    }
    // How a text is to be read is not always known, and the wrong way takes what is
    // inside of quotes for the outside: what is secret in any way is secret.
    let bare;
    let mut ways: Vec<(&str, &dyn Dialect)> = vec![(text, &GenericDialect {})];
    if text.contains(['\\', '#']) {
        ways.push((text, &MySqlDialect {}));
    }
    if text.contains("q'") || text.contains("Q'") {
        ways.push((text, &OracleDialect {}));
    }
    // A summary is one line, so that a comment seems to go on to its end; and a text
    // whose quotes are no pairs may be a sentence with a statement in it.
    let has_comments = text.contains("--") || text.contains("/*");
    if has_comments || text.matches('\'').count() % 2 == 1 {
        bare = without_comment_marks(text);
        ways.push((&bare, &GenericDialect {}));
    }
    let read = ways
        .iter()
        .map(|(text, dialect)| Reading::of(text, *dialect, is_secret));
    let readings: Vec<Reading<'_>> = read.collect();
    let faults = readings.iter().map(|reading| reading.fault);
    let fault = faults.min().flatten();
    // A sentence with apostrophes is no statement that cannot be read.
    let is_sure = || {
        SURE_STATEMENT
            .as_ref()
            .is_some_and(|sign| sign.is_match(text))
    };
    if let Some(fault) = fault.filter(|_| is_sure()) {
        let rest = text.get(fault..).unwrap_or_default();
        let is_named = readings
            .iter()
            .any(|reading| reading.names_secret(&(0..reading.len())))
            || rest
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .any(is_secret);
        found.rest = is_named.then_some(fault);
    }
    for (reading, (text, dialect)) in readings.iter().zip(ways) {
        let rules = Rules::new(reading, Made::default());
        rules.collect(&mut found);
        let mut made = rules.made.take();
        // Columns may come from columns in turn.
        for _ in 0..MAX_ORIGINS {
            if made.is_empty() {
                break;
            }
            let names = made.clone();
            let is_secret = |name: &str| is_secret(name) || names.names(name);
            let reading = Reading::of(text, dialect, &is_secret);
            let rules = Rules::new(&reading, made.clone());
            rules.collect_made(&mut found);
            let more = rules.made.take();
            if more == made {
                break;
            }
            made = more;
        }
    }
    if let Some(reading) = readings.first() {
        found.texts = reading.texts();
    }
    merge(&mut found.literals);
    if let Some(rest) = found.rest {
        found.literals.retain(|range| range.end <= rest);
    }
    found
}

/// The same text with spaces for what begins and ends comments, and for the
/// apostrophes of words (`it's`), of which comments are made and statements are not.
fn without_comment_marks(text: &str) -> String {
    let mut bare = ["--", "/*", "*/"]
        .iter()
        .fold(text.to_owned(), |text, mark| text.replace(mark, "  "))
        .into_bytes();
    for at in 2..bare.len() {
        let is_letter = |at: usize| bare.get(at).is_some_and(u8::is_ascii_alphabetic);
        let in_word = is_letter(at - 2) && is_letter(at - 1) && is_letter(at + 1);
        if let Some(byte) = bare.get_mut(at).filter(|byte| **byte == b'\'' && in_word) {
            *byte = b' ';
        }
    }
    // Only whole characters were replaced, so this is the text as it was.
    String::from_utf8(bare).unwrap_or_default()
}

/// Sorts ranges and makes one of those that overlap.
fn merge(ranges: &mut Vec<Range<usize>>) {
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges.drain(..) {
        match merged.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    *ranges = merged;
}

/// A literal with its secret replaced: quotes stay, and what had none gets them.
pub(super) fn without_secret(literal: &str, placeholder: impl Fn(&str) -> String) -> String {
    // Before the quote stands a sign of its kind at most: `N'x'`, `U&'x'`, `_utf8'x'`.
    let is_kind = |c: char| c.is_ascii_alphanumeric() || matches!(c, '&' | '_' | ' ');
    let open = literal.find(|c| !is_kind(c));
    let Some(open) = open.filter(|at| literal.get(*at..).is_some_and(begins_with_quote)) else {
        return format!("'{}'", placeholder(without_dollars(literal)));
    };
    let (before, rest) = literal.split_at(open);
    let quote = rest.chars().next().unwrap_or('\'');
    let inside = rest.strip_prefix(quote).unwrap_or(rest);
    // The end of a text that was cut has no quote.
    let (inside, end) = match inside.strip_suffix(quote) {
        Some(inside) => (inside, quote.to_string()),
        None => (inside, String::new()),
    };
    if inside.is_empty() {
        return literal.to_owned();
    }
    format!("{before}{quote}{}{end}", placeholder(inside))
}

/// A literal with another inside, or `None` where that stays as it is; only of one that
/// may be a statement or a document itself.
pub(super) fn with_inside(literal: &str, shown: impl Fn(&str) -> String) -> Option<String> {
    let (begin, inside, end) = if literal.starts_with('$') {
        let inside = without_dollars(literal);
        let begin = literal.find(inside)?;
        let end = begin + inside.len();
        (literal.get(..begin)?, inside, literal.get(end..)?)
    } else {
        let open = literal.find(['\'', '"'])?;
        let quote = literal.get(open..=open)?;
        let inside = literal.get(open + 1..)?;
        let cut = inside.strip_suffix(quote);
        (
            literal.get(..=open)?,
            cut.unwrap_or(inside),
            if cut.is_some() { quote } else { "" },
        )
    };
    let is_document = inside.trim_start().starts_with(['{', '[']);
    let is_statement = STATEMENT.as_ref().is_some_and(|word| word.is_match(inside));
    let has_quotes = inside.contains("''");
    if !is_document && !is_statement && !has_quotes {
        return None;
    }
    let is_escaped = end == "'" || begin.ends_with('\'');
    let bare = if is_escaped {
        inside.replace("''", "'")
    } else {
        inside.to_owned()
    };
    let redacted = shown(&bare);
    if redacted == bare {
        return None;
    }
    let redacted = if is_escaped {
        redacted.replace('\'', "''")
    } else {
        redacted
    };
    Some(format!("{begin}{redacted}{end}"))
}

fn begins_with_quote(text: &str) -> bool {
    text.starts_with(['\'', '"'])
}

/// `$$x$$` and `$tag$x$tag$` without their quotes.
fn without_dollars(literal: &str) -> &str {
    let Some((tag, rest)) = literal
        .strip_prefix('$')
        .and_then(|rest| rest.split_once('$'))
    else {
        return literal;
    };
    let inside = rest
        .strip_suffix('$')
        .and_then(|rest| rest.strip_suffix(tag));
    inside
        .and_then(|rest| rest.strip_suffix('$'))
        .unwrap_or(rest)
}

/// What hides the literals of a text.
struct Rules<'r> {
    reading: &'r Reading<'r>,
    tables: aligned::Tables,
    /// Whether names stand in double quotes, and so no texts of MySQL.
    quotes_names: bool,
    /// The names that turn out to be a secret's.
    made: RefCell<Made>,
}

impl<'r> Rules<'r> {
    fn new(reading: &'r Reading<'r>, made: Made) -> Rules<'r> {
        let is_quoted = |at| matches!(reading.token(at), Some(Token::Word(word)) if word.quote_style == Some('"'));
        let quotes_names = (0..reading.len()).any(|at| {
            let stands_for_table = matches!(
                reading.keyword_before(at),
                Some(Keyword::FROM | Keyword::INTO | Keyword::UPDATE | Keyword::JOIN)
            );
            is_quoted(at) && (stands_for_table || self::is_part_of_path(reading, at))
        });
        Rules {
            tables: Self::tables(reading),
            reading,
            quotes_names,
            made: RefCell::new(made),
        }
    }

    fn collect(&self, found: &mut SqlSecrets) {
        let reading = self.reading;
        let mut gives_rights = false;
        for at in 0..reading.len() {
            if reading.is_secret_name(at) {
                self.behind_name(at, found);
                self.before_alias(at, found);
            }
            if let Some(close) = reading.closing(at) {
                match reading.token(at) {
                    Some(Token::LParen) => {
                        self.list(at, close, found);
                        self.settings(at, close, found);
                        self.members(at, close, found);
                        self.condition(at, close, found);
                    }
                    Some(Token::LBrace) => self.pairs(at + 1..close, None, found),
                    Some(Token::Word(_)) => self.case_of(at, close, found),
                    _ => {}
                }
            }
            if reading.is_comparison(at) {
                let (left, right) = (reading.operand_before(at), reading.operand_after(at));
                self.compare(left, right, reading.clause(at) != Clause::Set, found);
            }
            match reading.keyword(at) {
                Some(Keyword::CREATE | Keyword::ALTER | Keyword::GRANT) => gives_rights = true,
                Some(Keyword::IDENTIFIED) => self.identified(at, gives_rights, found),
                Some(Keyword::FOR) => self.default_for(at, found),
                Some(Keyword::SELECT) => self.unions(at, found),
                _ if reading.is(at, &Token::SemiColon) => gives_rights = false,
                _ => {}
            }
        }
        for (into, select) in &reading.intos {
            self.into(*into, *select, found);
        }
        if reading.is_exhausted() {
            // Not all was looked at: any value may be a secret.
            (0..reading.len()).for_each(|at| self.hide(at, found));
        }
    }

    fn hide(&self, at: usize, found: &mut SqlSecrets) {
        let reading = self.reading;
        let Some(piece) = reading.pieces.get(at) else {
            return;
        };
        let before = reading.before(at);
        match (&piece.token, &piece.slot) {
            (_, Some(slot)) => {
                found.placeholders.push(slot.clone());
            }
            // `:name`, `:1`
            (Token::Word(word), _) if before == Some(&Token::Colon) => {
                found.placeholders.push(Slot::Name(word.value.clone()));
            }
            (Token::Number(number, _), _) if before == Some(&Token::Colon) => {
                let position = number.parse::<usize>().unwrap_or(0);
                found
                    .placeholders
                    .push(Slot::Position(position.saturating_sub(1)));
            }
            // MySQL's texts stand in double quotes too.
            (Token::Word(word), _)
                if word.quote_style == Some('"') && !is_part_of_path(reading, at) =>
            {
                found.literals.push(piece.range.clone());
            }
            // `[redacted 3]`, put there without quotes before.
            (Token::Number(..), _) if matches!(before, Some(Token::Word(word)) if word.value == "redacted") =>
                {}
            _ if reading.is_literal(at) && !reading.is_name_of_member(at) => {
                found.literals.push(piece.range.clone());
            }
            _ => {}
        }
    }

    /// Hides what is no number: that is a length or a place in a function.
    fn hide_texts(&self, range: Range<usize>, found: &mut SqlSecrets) {
        for at in range {
            if !self.reading.look() {
                return;
            }
            if !self.reading.is_number(at) {
                self.hide(at, found);
            }
        }
    }

    /// `PASSWORD 'x'`, `PASSWORD('x')`, `'x' AS password`.
    fn behind_name(&self, name: usize, found: &mut SqlSecrets) {
        let reading = self.reading;
        if let Some(close) = reading.closing(name + 1) {
            if reading.is(name + 1, &Token::LParen) && !self.is_table(name) {
                self.hide_texts(name + 2..close, found);
            }
        } else if reading.is_value(name + 1)
            // `SET SESSION AUTHORIZATION 'ann'` names a user.
            && reading.keyword(name) != Some(Keyword::AUTHORIZATION)
        {
            self.hide(name + 1, found);
        }
    }

    /// Whether a name is that of a table with the list of its columns.
    fn is_table(&self, name: usize) -> bool {
        let mut first = name;
        while first >= 2 && self.reading.before(first) == Some(&Token::Period) {
            first -= 2;
        }
        matches!(
            self.reading.keyword_before(first),
            Some(
                Keyword::INTO
                    | Keyword::TABLE
                    | Keyword::EXISTS
                    | Keyword::REFERENCES
                    | Keyword::ON
                    | Keyword::AS
            )
        )
    }

    /// `'x' AS password`, `'x' password`, `crypt('x') [password]`.
    fn before_alias(&self, name: usize, found: &mut SqlSecrets) {
        let reading = self.reading;
        let in_brackets = reading.before(name) == Some(&Token::LBracket)
            && reading.is(name + 1, &Token::RBracket);
        let (first, last) = if in_brackets {
            (name - 1, name + 1)
        } else {
            (name, name)
        };
        let Some(before) = first.checked_sub(1) else {
            return;
        };
        let has_as = reading.keyword(before) == Some(Keyword::AS);
        let item = reading.item_before(if has_as { before } else { first });
        let is_operand = reading.is_literal(before)
            || reading.opening(before).is_some()
            || matches!(
                reading.token(before),
                Some(Token::Word(_) | Token::Placeholder(_))
            );
        let ends_item = reading.item_end(last) == last + 1;
        match reading.clause(first) {
            Clause::Select if has_as || (ends_item && is_operand) => {
                self.note_column(&item);
                self.hide_selected(item, found);
            }
            // `unnest(ARRAY['x']) AS password` is a table of one column.
            Clause::From
                if (has_as || ends_item)
                    && self.is_call(item.start + 1)
                    && reading.next(item.start + 1) == item.end =>
            {
                self.hide_selected(item, found);
            }
            // Of a statement whose begin was cut.
            Clause::Other if has_as && item.start + 1 == item.end => self.hide_operand(item, found),
            _ => {}
        }
    }

    /// `DEFAULT 'x' FOR password`.
    fn default_for(&self, at: usize, found: &mut SqlSecrets) {
        let reading = self.reading;
        let value = reading.operand_before(at);
        let column = reading.last_of_path(at + 1);
        if reading.keyword_before(value.start) == Some(Keyword::DEFAULT)
            && reading.names_secret(&(at + 1..column + 1))
        {
            self.hide_operand(value, found);
        }
    }

    /// `IDENTIFIED WITH plugin BY 'x' REPLACE 'y'`, and Oracle's passwords without quotes.
    fn identified(&self, from: usize, gives_rights: bool, found: &mut SqlSecrets) {
        let reading = self.reading;
        let is_command = match reading.token(from + 1) {
            Some(Token::Word(word)) => ["by", "with", "via", "as", "using"]
                .iter()
                .any(|known| word.value.eq_ignore_ascii_case(known)),
            _ => false,
        };
        if !is_command {
            return;
        }
        for at in reading.top(from + 1..reading.len()) {
            let word = match reading.token(at) {
                Some(Token::Word(word)) => word,
                Some(Token::Comma | Token::SemiColon) => return,
                _ if reading.opening(at).is_some() => return,
                _ => {
                    let end = reading.next(at).min(reading.len());
                    self.hide_texts(at..end, found);
                    continue;
                }
            };
            let is_value = matches!(
                reading.keyword_before(at),
                Some(Keyword::BY | Keyword::REPLACE)
            );
            match word.keyword {
                Keyword::IDENTIFIED
                | Keyword::REQUIRE
                | Keyword::COMMENT
                | Keyword::ACCOUNT
                | Keyword::DEFAULT => return,
                Keyword::VALUES | Keyword::PASSWORD => {}
                _ if word.value.eq_ignore_ascii_case("random") => {}
                _ if word.value.eq_ignore_ascii_case("attribute") => return,
                _ if word.quote_style == Some('"') => self.hide(at, found),
                _ if is_value && gives_rights => {
                    found
                        .literals
                        .extend(reading.pieces.get(at).map(|piece| piece.range.clone()));
                }
                _ => {}
            }
        }
    }

    /// A function that compares, or has one argument for the other; in a condition, any: `starts_with(token, 'x')`.
    fn condition(&self, open: usize, close: usize, found: &mut SqlSecrets) {
        let reading = self.reading;
        let compares = match reading.before(open) {
            Some(Token::Word(function)) => {
                let is_known = |known: &&str| function.value.eq_ignore_ascii_case(known);
                COMPARING.iter().any(is_known)
            }
            _ => false,
        };
        if (reading.clause(open) != Clause::Where && !compares)
            || !reading.names_secret(&(open..close))
            || !self.is_call(open)
        {
            return;
        }
        let items = reading.items(open + 1..close);
        let is_column = |item: &Range<usize>| {
            let is_path = |at| {
                matches!(
                    reading.token(at),
                    Some(Token::Word(_) | Token::Period | Token::LBracket | Token::RBracket)
                )
            };
            reading.names_secret(item) && item.clone().all(is_path) && self.is_secret(item)
        };
        if items.iter().any(is_column) {
            for item in items {
                self.hide_beside_name(item, found);
            }
        }
    }

    /// Whether a parenthesis begins the arguments of a function, and no list.
    fn is_call(&self, open: usize) -> bool {
        if !self.reading.is(open, &Token::LParen) {
            return false;
        }
        match self.reading.before(open) {
            Some(Token::Word(word)) => !matches!(
                word.keyword,
                Keyword::WHERE
                    | Keyword::AND
                    | Keyword::OR
                    | Keyword::NOT
                    | Keyword::ON
                    | Keyword::HAVING
                    | Keyword::WHEN
                    | Keyword::THEN
                    | Keyword::ELSE
                    | Keyword::SET
                    | Keyword::IN
                    | Keyword::ROW
                    | Keyword::SELECT
                    | Keyword::FROM
                    | Keyword::JOIN
                    | Keyword::USING
                    | Keyword::LATERAL
                    | Keyword::VALUES
                    | Keyword::AS
                    | Keyword::EXISTS
                    | Keyword::ANY
                    | Keyword::ALL
                    | Keyword::SOME
                    | Keyword::BY
                    | Keyword::DISTINCT
                    | Keyword::UNION
                    | Keyword::EXCEPT
                    | Keyword::INTERSECT
            ),
            _ => false,
        }
    }

    /// Values beside their names in the arguments of a function:
    /// `json_build_object('password', 'x')`, `JSON_SET(data, '$.password', 'x')`.
    fn members(&self, open: usize, close: usize, found: &mut SqlSecrets) {
        let Some(Token::Word(function)) = self.reading.before(open) else {
            return;
        };
        let function = function.value.to_ascii_lowercase();
        if function.contains("crypt") || function == "hmac" {
            // Which of them is the key, each function says for itself.
            self.hide_texts(open + 1..close, found);
            return;
        }
        // `JSON_SET` and its like have the document first.
        let first = match function.as_str() {
            "set_config" | "json_object" | "json_build_object" | "jsonb_build_object"
            | "hstore" | "map" | "named_struct" | "object_construct" => 0,
            _ if function.starts_with("json") => 1,
            _ => return,
        };
        self.pairs(open + 1..close, Some(first), found);
    }

    /// `'password', 'x'` where names and values take turns from an item on, and
    /// `'password': 'x'`, `KEY 'password' VALUE 'x'` anywhere.
    fn pairs(&self, range: Range<usize>, first: Option<usize>, found: &mut SqlSecrets) {
        let reading = self.reading;
        let is_secret = |at: usize| match reading.token(at) {
            Some(Token::SingleQuotedString(path)) => {
                let name = path.rsplit(['.', ',', '{']).next().unwrap_or(path);
                reading.is_secret(name.trim_matches(['"', '}']))
            }
            _ => false,
        };
        let mut follows_name = false;
        for (index, item) in reading.items(range).into_iter().enumerate() {
            let value = std::mem::take(&mut follows_name);
            if value {
                self.hide_operand(item.clone(), found);
            }
            let name = item.start + usize::from(reading.keyword(item.start) == Some(Keyword::KEY));
            let is_pair = reading.is(name + 1, &Token::Colon)
                || reading.keyword(name + 1) == Some(Keyword::VALUE);
            if is_pair {
                if is_secret(name) {
                    self.hide_operand(name + 2..item.end, found);
                }
            } else if first.is_some_and(|first| index % 2 == first) && item.len() == 1 {
                follows_name = is_secret(name);
            }
        }
    }
}

/// Functions that give one argument for another, or tell whether they are alike.
const COMPARING: [&str; 14] = [
    "coalesce", "decode", "greatest", "ifnull", "iif", "instr", "isnull", "least", "locate",
    "nullif", "nvl", "replace", "strcmp", "strpos",
];

fn is_part_of_path(reading: &Reading<'_>, at: usize) -> bool {
    reading.before(at) == Some(&Token::Period) || reading.is(at + 1, &Token::Period)
}

#[cfg(test)]
mod tests;
