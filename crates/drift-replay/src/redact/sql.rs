//! Where the secrets of a statement stand: literals and placeholders at the place of
//! a column that is called like one. By tokens, not by the parsed statement: what is
//! shown is often cut, and what does not parse must not keep its secrets.

use crate::guard::{is_literal, tokens_of};
use regex::Regex;
use sqlparser::dialect::{Dialect, GenericDialect, MySqlDialect};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Location, Token};
use std::cell::Cell;
use std::ops::Range;
use std::sync::LazyLock;

/// Longer texts are left to the patterns of any text.
const MAX_BYTES: usize = 1 << 20;

/// Tokens of a left side in parentheses that are looked at.
const MAX_LEFT_SIDE: usize = 1_000;

/// How often each token may be looked at. A statement takes a few; lists in lists
/// without end would take the square of their number.
const MAX_LOOKS: usize = 32;

/// Words between a list of columns and its `VALUES`: `OVERRIDING SYSTEM VALUE`.
const MAX_BETWEEN: usize = 16;

/// The secrets of one text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SqlSecrets {
    /// Literals, by their place in the text, with quotes; in order, none in another.
    pub(super) literals: Vec<Range<usize>>,
    pub(super) placeholders: Vec<Slot>,
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
        r"(?i)\b(?:insert|replace|update|select|delete|merge|values|set|where|having|alter|create|exec|execute|call|with)\b",
    )
    .ok()
});

/// The secrets of what may be a statement, or a part of one.
pub(super) fn secrets_of(text: &str, is_secret: &dyn Fn(&str) -> bool) -> SqlSecrets {
    let mut found = SqlSecrets::default();
    let may_be = STATEMENT.as_ref().is_some_and(|word| word.is_match(text));
    if !may_be || text.len() > MAX_BYTES {
        return found;
    }
    // How a text is to be read is not always known, and the wrong way takes what is
    // inside of quotes for the outside: what is secret in any way is secret.
    let mut ways: Vec<(String, &dyn Dialect)> = vec![(text.to_owned(), &GenericDialect {})];
    if text.contains('\\') {
        ways.push((text.to_owned(), &MySqlDialect {}));
    }
    // A summary is one line, so that a comment seems to go on to its end.
    if text.contains("--") || text.contains("/*") {
        ways.push((without_comment_marks(text), &GenericDialect {}));
    }
    for (text, dialect) in ways {
        Reading::of(&text, dialect, is_secret).collect(&mut found);
    }
    merge(&mut found.literals);
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
    let Some(open) = literal.find(['\'', '"']) else {
        return format!("'{}'", placeholder(literal.trim_matches('$')));
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

/// A token that counts, and where it stands.
struct Piece {
    token: Token,
    range: Range<usize>,
    slot: Option<Slot>,
}

/// A text as one dialect reads it.
struct Reading<'a> {
    pieces: Vec<Piece>,
    /// By the place of a parenthesis, that of the other one; the number of pieces
    /// where there is none.
    partners: Vec<usize>,
    /// Tokens that may still be looked at.
    looks_left: Cell<usize>,
    is_secret: &'a dyn Fn(&str) -> bool,
}

impl<'a> Reading<'a> {
    fn of(text: &str, dialect: &dyn Dialect, is_secret: &'a dyn Fn(&str) -> bool) -> Reading<'a> {
        // A text that was cut may end within a literal, a name or a comment.
        let tokens = ["", "'", "\"", "`", "*/", "$$"]
            .iter()
            .find_map(|end| tokens_of(&format!("{text}{end}"), dialect, true))
            .unwrap_or_default();
        let mut place = Place::new(text);
        let (mut pieces, mut positions): (Vec<Piece>, usize) =
            (Vec::with_capacity(tokens.len()), 0);
        for token in tokens {
            if matches!(token.token, Token::Whitespace(_) | Token::EOF) {
                continue;
            }
            let range = place.offset(token.span.start)..place.offset(token.span.end);
            let mut slot = None;
            if let Token::Placeholder(name) = &token.token {
                let rest = text.get(range.start..).unwrap_or_default();
                slot = Some(slot_of(name, rest, &mut positions));
            }
            pieces.push(Piece {
                token: token.token,
                range,
                slot,
            });
        }
        Reading {
            partners: partners(&pieces),
            looks_left: Cell::new(pieces.len().saturating_mul(MAX_LOOKS)),
            pieces,
            is_secret,
        }
    }

    fn token(&self, at: usize) -> Option<&Token> {
        self.pieces.get(at).map(|piece| &piece.token)
    }

    fn before(&self, at: usize) -> Option<&Token> {
        self.token(at.checked_sub(1)?)
    }

    fn is(&self, at: usize, token: &Token) -> bool {
        self.token(at) == Some(token)
    }

    fn keyword(&self, at: usize) -> Option<Keyword> {
        match self.token(at)? {
            Token::Word(word) if word.quote_style.is_none() => Some(word.keyword),
            _ => None,
        }
    }

    fn before_is(&self, at: usize, keyword: Keyword) -> bool {
        at.checked_sub(1).and_then(|at| self.keyword(at)) == Some(keyword)
    }

    /// The name at a place: of a column or variable, or of a member of a document
    /// (`data->>'password'`, `data['password']`, `data #>> '{user,password}'`,
    /// `JSON_EXTRACT(data, '$.user.password')`).
    fn name(&self, at: usize) -> Option<&str> {
        let name = match self.token(at)? {
            Token::Word(word) => &word.value,
            Token::DoubleQuotedString(name) => name,
            Token::SingleQuotedString(path) => match self.before(at)? {
                Token::Arrow | Token::LongArrow | Token::LBracket | Token::Comma
                    if path.starts_with("$.") =>
                {
                    path.rsplit('.').next()?.trim_matches('"')
                }
                Token::Arrow | Token::LongArrow | Token::LBracket => path,
                Token::HashArrow | Token::HashLongArrow => {
                    path.rsplit(['{', ',']).next()?.trim_end_matches('}')
                }
                _ => return None,
            },
            _ => return None,
        };
        Some(name.trim_start_matches(['@', '$', ':']))
    }

    fn is_secret_name(&self, at: usize) -> bool {
        self.name(at).is_some_and(|name| (self.is_secret)(name))
    }

    fn is_value(&self, at: usize) -> bool {
        self.token(at).is_some_and(|token| match token {
            Token::Placeholder(_) => true,
            other => is_literal(other),
        })
    }

    fn hide(&self, at: usize, found: &mut SqlSecrets) {
        let Some(piece) = self.pieces.get(at) else {
            return;
        };
        let is_name = self.before(at) == Some(&Token::Period) || self.is(at + 1, &Token::Period);
        match (&piece.token, &piece.slot) {
            (_, Some(slot)) => {
                found.placeholders.push(slot.clone());
            }
            // `:name`
            (Token::Word(word), _) if self.before(at) == Some(&Token::Colon) => {
                found.placeholders.push(Slot::Name(word.value.clone()));
            }
            // MySQL's texts stand in double quotes too.
            (Token::Word(word), _) if word.quote_style == Some('"') && !is_name => {
                found.literals.push(piece.range.clone());
            }
            // `[redacted 3]`, put there without quotes before.
            (Token::Number(..), _) if matches!(self.before(at), Some(Token::Word(word)) if word.value == "redacted") =>
                {}
            (token, _) if is_literal(token) => found.literals.push(piece.range.clone()),
            _ => {}
        }
    }

    fn collect(&self, found: &mut SqlSecrets) {
        // All values before this place are hidden.
        let mut hidden = 0;
        let mut open = Vec::new();
        for at in 0..self.pieces.len() {
            if at >= hidden && self.is_secret_name(at) {
                hidden = self.after_name(at, open.last().copied(), found);
            }
            match self.token(at) {
                Some(Token::LParen) => {
                    open.push(at);
                    self.list(at, found);
                    self.members(at, found);
                }
                Some(Token::RParen) => drop(open.pop()),
                _ => {}
            }
            if self.is_comparison(at) || self.keyword(at).is_some_and(stands_before_name) {
                self.before_name(at, found);
            }
        }
        if self.looks_left.get() == 0 {
            // Not all was looked at: any value may be a secret.
            (0..self.pieces.len()).for_each(|at| self.hide(at, found));
        }
    }

    /// `password = 'x'`, `lower(u.token) IN ('x', 'y')`, `left(token, 8) = 'x'`,
    /// `PASSWORD 'x'`, `PASSWORD('x')`; gives the place up to which all values are
    /// hidden. `open` is the parenthesis that the name stands in.
    fn after_name(&self, name: usize, open: Option<usize>, found: &mut SqlSecrets) -> usize {
        let mut at = name + 1;
        if self.is(at, &Token::LParen) {
            let end = self.closing(at);
            self.hide_texts(at, end, found);
            return end;
        }
        if self.keyword(at) == Some(Keyword::FOR) {
            // `SET PASSWORD FOR 'app'@'%' = 'x'`.
            let equals = (at..at + 8).find(|at| self.is(*at, &Token::Eq));
            at = equals.unwrap_or(at);
        }
        let is_argument = self.is(at, &Token::Comma) || self.keyword(at) == Some(Keyword::AS);
        let call = open.filter(|open| is_argument && self.is_call(*open));
        if let Some(open) = call {
            // Of a function, or of `CAST`.
            at = self.closing(open);
        }
        loop {
            match self.token(at) {
                Some(Token::RParen | Token::RBracket) => at += 1,
                Some(Token::DoubleColon) => at += 2,
                _ if self.keyword(at) == Some(Keyword::COLLATE) => at += 2,
                _ => break,
            }
        }
        if at == name + 1 && self.keyword(at) == Some(Keyword::TO) {
            // `SET app.token TO 'x'`.
            at += 1;
            self.hide(at, found);
        } else if at == name + 1 && self.is_value(at) {
            self.hide(at, found);
        }
        if !self.is_comparison(at) && !self.is_comparing_word(at) {
            return name + 1;
        }
        if call.is_some() {
            // `strcmp(password, 'x') = 0`.
            self.hide_texts(name + 1, at, found);
        }
        self.expression(at, found)
    }

    /// Hides what is no number: that is a length or a place in a function.
    fn hide_texts(&self, from: usize, end: usize, found: &mut SqlSecrets) {
        for at in self.looked_at(from, end) {
            if !matches!(self.token(at), Some(Token::Number(..))) {
                self.hide(at, found);
            }
        }
    }

    /// Whether a parenthesis begins the arguments of a function, and no list.
    fn is_call(&self, open: usize) -> bool {
        match open.checked_sub(1).and_then(|at| self.token(at)) {
            Some(Token::Word(word)) => !matches!(
                word.keyword,
                Keyword::WHERE
                    | Keyword::AND
                    | Keyword::OR
                    | Keyword::NOT
                    | Keyword::ON
                    | Keyword::HAVING
                    | Keyword::WHEN
                    | Keyword::SET
                    | Keyword::IN
                    | Keyword::ROW
                    | Keyword::SELECT
            ),
            _ => false,
        }
    }

    /// `'x' = password`, `crypt('x', salt) = u.password`, `'x' AS password`.
    fn before_name(&self, operator: usize, found: &mut SqlSecrets) {
        let mut at = operator + 1;
        while self.name(at).is_some() && self.is(at + 1, &Token::LParen) {
            at += 2;
        }
        while self.is(at + 1, &Token::Period) {
            at += 2;
        }
        if !self.is_secret_name(at) || self.is(at + 1, &Token::LParen) {
            return;
        }
        let Some(mut last) = operator.checked_sub(1) else {
            return;
        };
        if last >= 2 && self.is(last - 1, &Token::DoubleColon) {
            last -= 2;
        }
        if !self.is(last, &Token::RParen) {
            if self.is_value(last) {
                self.hide(last, found);
            }
            return;
        }
        let mut depth = 0_usize;
        for inside in (0..=last).rev().take(MAX_LEFT_SIDE) {
            if self.looked_at(inside, inside + 1).next().is_none() {
                return;
            }
            match self.token(inside) {
                Some(Token::RParen) => depth += 1,
                Some(Token::LParen) => depth -= 1,
                _ => self.hide(inside, found),
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// Values that belong to a list of names: `(name, password) VALUES ('a', 'x')`,
    /// `(name, password) = ('a', 'x')`, `(name, password) SELECT 'a', 'x'`.
    fn list(&self, open: usize, found: &mut SqlSecrets) {
        let Some((columns, end)) = self.columns(open) else {
            return;
        };
        if !columns.contains(&true) {
            return;
        }
        if self.is(end, &Token::Eq) || self.keyword(end) == Some(Keyword::IN) {
            self.rows(end + 1, &columns, found);
            return;
        }
        if let Some(query) = self.named_by(open) {
            // `(VALUES ('a', 'x')) AS v (name, password)`.
            match self.keyword(query) {
                Some(Keyword::VALUES) => self.rows(query + 1, &columns, found),
                Some(Keyword::SELECT) => self.selected(query + 1, &columns, found),
                _ => {}
            }
            return;
        }
        for at in end..end + MAX_BETWEEN {
            match self.keyword(at) {
                Some(Keyword::VALUES | Keyword::VALUE) if self.begins_row(at + 1) => {
                    self.rows(at + 1, &columns, found);
                    return;
                }
                Some(Keyword::SELECT) => {
                    self.selected(at + 1, &columns, found);
                    return;
                }
                Some(word) if ends_expression(word) && word != Keyword::AS => return,
                _ if self.is_value(at) || self.is(at, &Token::SemiColon) => return,
                _ => {}
            }
        }
    }

    /// The first word of what a list of names stands behind: `(…) AS v (name, password)`.
    fn named_by(&self, open: usize) -> Option<usize> {
        let mut close = open.checked_sub(2)?;
        if self.keyword(close) == Some(Keyword::AS) {
            close = close.checked_sub(1)?;
        }
        let is_named = matches!(self.before(open), Some(Token::Word(_)));
        (is_named && self.is(close, &Token::RParen)).then(|| self.closing(close) + 1)
    }

    /// Values beside their names in the arguments of a function:
    /// `json_build_object('password', 'x')`, `JSON_SET(data, '$.password', 'x')`.
    fn members(&self, open: usize, found: &mut SqlSecrets) {
        let Some(Token::Word(function)) = self.before(open) else {
            return;
        };
        let function = function.value.to_ascii_lowercase();
        // `JSON_SET` and its like have the document first.
        let first = match function.as_str() {
            "set_config" | "json_object" | "json_build_object" | "jsonb_build_object" => 0,
            _ if function.starts_with("json") => 1,
            _ => return,
        };
        let (mut depth, mut argument) = (0_usize, 0_usize);
        for at in self.looked_at(open + 1, self.closing(open)) {
            match self.token(at) {
                Some(Token::LParen) => depth += 1,
                Some(Token::RParen) => depth = depth.saturating_sub(1),
                Some(Token::Comma) if depth == 0 => argument += 1,
                Some(Token::SingleQuotedString(path)) if depth == 0 && argument % 2 == first => {
                    let name = path.rsplit(['.', ',', '{']).next().unwrap_or(path);
                    if (self.is_secret)(name.trim_matches(['"', '}'])) {
                        self.expression(at + 2, found);
                    }
                }
                _ => {}
            }
        }
    }

    /// Which names of a list are secret, and what stands behind the list; `None` for
    /// what is no list of names.
    fn columns(&self, open: usize) -> Option<(Vec<bool>, usize)> {
        let mut columns = Vec::new();
        let mut at = open + 1;
        let mut secret = false;
        loop {
            match self.token(at)? {
                Token::Word(_) | Token::DoubleQuotedString(_) => secret = self.is_secret_name(at),
                Token::Period | Token::LBracket | Token::RBracket => {}
                Token::Comma => columns.push(std::mem::take(&mut secret)),
                Token::RParen => {
                    columns.push(secret);
                    return Some((columns, at + 1));
                }
                _ => return None,
            }
            at += 1;
        }
    }

    fn begins_row(&self, at: usize) -> bool {
        self.is(at, &Token::LParen)
            || (self.keyword(at) == Some(Keyword::ROW) && self.is(at + 1, &Token::LParen))
    }

    /// `(…), (…)`, or the same once more in parentheses.
    fn rows(&self, mut at: usize, columns: &[bool], found: &mut SqlSecrets) {
        if self.is(at, &Token::LParen) && self.is(at + 1, &Token::LParen) {
            at += 1;
        }
        if self.is(at, &Token::LParen) && self.keyword(at + 1) == Some(Keyword::SELECT) {
            self.selected(at + 2, columns, found);
            return;
        }
        while self.begins_row(at) {
            if self.keyword(at) == Some(Keyword::ROW) {
                at += 1;
            }
            let end = self.closing(at);
            self.items(at + 1, end, columns, found);
            if !self.is(end + 1, &Token::Comma) {
                return;
            }
            at = end + 2;
        }
    }

    /// What a query selects, and the queries that are united with it.
    fn selected(&self, mut at: usize, columns: &[bool], found: &mut SqlSecrets) {
        loop {
            while matches!(self.keyword(at), Some(Keyword::ALL | Keyword::DISTINCT)) {
                at += 1;
            }
            if self.keyword(at) == Some(Keyword::ON) && self.is(at + 1, &Token::LParen) {
                // `DISTINCT ON (…)`.
                at = self.closing(at + 1) + 1;
            }
            let end = self.end_of(at, |word| {
                matches!(
                    word,
                    Keyword::FROM
                        | Keyword::WHERE
                        | Keyword::UNION
                        | Keyword::EXCEPT
                        | Keyword::INTERSECT
                        | Keyword::ON
                        | Keyword::RETURNING
                )
            });
            self.items(at, end, columns, found);
            let united = self.end_of(end, |word| {
                matches!(word, Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT)
            });
            let next =
                (united + 1..united + 3).find(|at| self.keyword(*at) == Some(Keyword::SELECT));
            let Some(next) = next else { return };
            at = next + 1;
        }
    }

    /// Hides the items of a list whose columns are secret.
    fn items(&self, from: usize, end: usize, columns: &[bool], found: &mut SqlSecrets) {
        let (mut depth, mut index) = (0_usize, 0);
        for at in self.looked_at(from, end) {
            match self.token(at) {
                Some(Token::LParen) => depth += 1,
                Some(Token::RParen) => depth = depth.saturating_sub(1),
                Some(Token::Comma) if depth == 0 => index += 1,
                _ if columns.get(index) == Some(&true) => self.hide(at, found),
                _ => {}
            }
        }
    }

    /// Hides the values of the expression that begins here, and gives its end.
    fn expression(&self, from: usize, found: &mut SqlSecrets) -> usize {
        let (mut depth, mut cases) = (0_usize, 0_usize);
        let mut between = false;
        for at in self.looked_at(from, self.pieces.len()) {
            match self.token(at) {
                Some(Token::LParen) => depth += 1,
                Some(Token::RParen) if depth == 0 => return at,
                Some(Token::RParen) => depth -= 1,
                Some(Token::Comma) if depth == 0 => return at,
                Some(Token::SemiColon) => return at,
                _ => {}
            }
            match self.keyword(at) {
                Some(Keyword::CASE) => cases += 1,
                Some(Keyword::END) if cases > 0 => cases -= 1,
                Some(Keyword::BETWEEN) => between = true,
                Some(Keyword::AND) if between => between = false,
                // `IS DISTINCT FROM 'x'`.
                Some(Keyword::FROM) if self.before_is(at, Keyword::DISTINCT) => {}
                Some(word) if depth == 0 && cases == 0 && ends_expression(word) => return at,
                _ => {}
            }
            self.hide(at, found);
        }
        self.pieces.len()
    }

    /// The place of the parenthesis that closes one, or behind the last token.
    fn closing(&self, open: usize) -> usize {
        self.partners
            .get(open)
            .copied()
            .unwrap_or(self.pieces.len())
    }

    /// The places from one to another, as far as they may still be looked at.
    fn looked_at(&self, from: usize, end: usize) -> impl Iterator<Item = usize> {
        let left = &self.looks_left;
        (from..end.min(self.pieces.len())).take_while(move |_| {
            let next = left.get().checked_sub(1);
            left.set(next.unwrap_or(0));
            next.is_some()
        })
    }

    /// The place of a word that ends what begins here, or where its query ends.
    fn end_of(&self, from: usize, ends: impl Fn(Keyword) -> bool) -> usize {
        let mut depth = 0_usize;
        for at in self.looked_at(from, self.pieces.len()) {
            match self.token(at) {
                Some(Token::LParen) => depth += 1,
                Some(Token::RParen) if depth == 0 => return at,
                Some(Token::RParen) => depth -= 1,
                Some(Token::SemiColon) => return at,
                _ if depth == 0 && self.keyword(at).is_some_and(&ends) => return at,
                _ => {}
            }
        }
        self.pieces.len()
    }

    fn is_comparison(&self, at: usize) -> bool {
        matches!(
            self.token(at),
            Some(
                Token::Eq
                    | Token::DoubleEq
                    | Token::Neq
                    | Token::Lt
                    | Token::Gt
                    | Token::LtEq
                    | Token::GtEq
                    | Token::Spaceship
                    | Token::Assignment
                    | Token::RArrow
                    | Token::Tilde
                    | Token::TildeAsterisk
                    | Token::ExclamationMarkTilde
                    | Token::ExclamationMarkTildeAsterisk
                    | Token::DoubleTilde
                    | Token::DoubleTildeAsterisk
                    | Token::ExclamationMarkDoubleTilde
                    | Token::ExclamationMarkDoubleTildeAsterisk
                    | Token::CaretAt
            )
        )
    }

    fn is_comparing_word(&self, at: usize) -> bool {
        matches!(
            self.keyword(at),
            Some(
                Keyword::LIKE
                    | Keyword::ILIKE
                    | Keyword::RLIKE
                    | Keyword::REGEXP
                    | Keyword::SIMILAR
                    | Keyword::GLOB
                    | Keyword::MATCH
                    | Keyword::AGAINST
                    | Keyword::IN
                    | Keyword::BETWEEN
                    | Keyword::IS
                    | Keyword::NOT
            )
        )
    }
}

/// Words between a value and the name that tells what it is.
fn stands_before_name(word: Keyword) -> bool {
    matches!(
        word,
        Keyword::AS | Keyword::LIKE | Keyword::ILIKE | Keyword::GLOB
    )
}

/// By the place of each parenthesis, that of the other one.
fn partners(pieces: &[Piece]) -> Vec<usize> {
    let mut partners = vec![pieces.len(); pieces.len()];
    let mut opened = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        match piece.token {
            Token::LParen => opened.push(at),
            Token::RParen => {
                let Some(open) = opened.pop() else { continue };
                for (one, other) in [(open, at), (at, open)] {
                    if let Some(partner) = partners.get_mut(one) {
                        *partner = other;
                    }
                }
            }
            _ => {}
        }
    }
    partners
}

/// Words that no expression goes beyond.
fn ends_expression(word: Keyword) -> bool {
    matches!(
        word,
        Keyword::AND
            | Keyword::OR
            | Keyword::WHERE
            | Keyword::FROM
            | Keyword::RETURNING
            | Keyword::ON
            | Keyword::ORDER
            | Keyword::GROUP
            | Keyword::HAVING
            | Keyword::LIMIT
            | Keyword::OFFSET
            | Keyword::UNION
            | Keyword::EXCEPT
            | Keyword::INTERSECT
            | Keyword::WHEN
            | Keyword::THEN
            | Keyword::ELSE
            | Keyword::END
            | Keyword::AS
            | Keyword::SET
            | Keyword::VALUES
            | Keyword::JOIN
            | Keyword::LEFT
            | Keyword::INNER
            | Keyword::FOR
    )
}

/// `$2` and `?2` count from 1, `?` and `%s` in their order; others have names.
fn slot_of(name: &str, text: &str, positions: &mut usize) -> Slot {
    if let Some(named) = text.strip_prefix("%(") {
        let end = named.find(')').unwrap_or(named.len());
        return Slot::Name(named.get(..end).unwrap_or_default().to_owned());
    }
    let name = name.trim_start_matches(['$', '?', ':', '@']);
    if let Ok(number) = name.parse::<usize>() {
        return Slot::Position(number.saturating_sub(1));
    }
    if name.is_empty() {
        *positions += 1;
        return Slot::Position(*positions - 1);
    }
    Slot::Name(name.to_owned())
}

/// Offsets in bytes for places that come in order.
struct Place<'t> {
    text: &'t str,
    offset: usize,
    line: u64,
    column: u64,
}

impl<'t> Place<'t> {
    fn new(text: &'t str) -> Place<'t> {
        Place {
            text,
            offset: 0,
            line: 1,
            column: 1,
        }
    }

    fn offset(&mut self, to: Location) -> usize {
        let rest = self.text.get(self.offset..).unwrap_or_default();
        for c in rest.chars() {
            if (self.line, self.column) >= (to.line, to.column) {
                break;
            }
            self.offset += c.len_utf8();
            (self.line, self.column) = match c {
                '\n' => (self.line + 1, 1),
                _ => (self.line, self.column + 1),
            };
        }
        self.offset
    }
}
