//! A text as a dialect reads it: its tokens, what is inside of what, and where each
//! operand and item of a list begins and ends. All of it in a few passes, so that the
//! rules can ask at any place without going through the text again.

use super::Slot;
use crate::guard::{is_literal, tokens_before_fault, tokens_of};
use sqlparser::dialect::Dialect;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Location, Token};
use std::cell::Cell;
use std::ops::Range;

/// How often each token may be looked at. A statement takes a few; lists in lists
/// without end would take the square of their number.
const MAX_LOOKS: usize = 32;

/// A token that counts, and where it stands.
pub(super) struct Piece {
    pub(super) token: Token,
    pub(super) range: Range<usize>,
    pub(super) slot: Option<Slot>,
}

/// What the part of a statement is about that a token stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clause {
    /// What is selected or returned.
    Select,
    /// Tables.
    From,
    /// Conditions.
    Where,
    /// Assignments.
    Set,
    Other,
}

/// Where the operand and the item of a list end that a token stands in.
#[derive(Clone, Copy)]
struct Ends {
    operand: usize,
    item: usize,
}

/// Where they begin.
#[derive(Clone, Copy)]
struct Begins {
    operand: usize,
    item: usize,
    clause: Clause,
    /// Whether a `BETWEEN` waits for its `AND`.
    between: bool,
}

/// What ends at a token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Boundary {
    Nothing,
    Operand,
    /// An item of a list, and with it an operand.
    Item,
    /// An operand, and this token begins the next.
    BeforeOperand,
}

/// A text as one dialect reads it.
pub(super) struct Reading<'a> {
    pub(super) pieces: Vec<Piece>,
    /// Where reading ends, in bytes, if not at the end of the text.
    pub(super) fault: Option<usize>,
    /// By the place of what opens a group, that of what closes it (the number of pieces
    /// where the text ends before); by the place of what closes one, that of its begin.
    partners: Vec<Option<usize>>,
    begins: Vec<Begins>,
    ends: Vec<Ends>,
    /// How many names of secrets stand before each place.
    secrets_before: Vec<usize>,
    /// Places of `INTO` in a query, with that of its `SELECT`.
    pub(super) intos: Vec<(usize, usize)>,
    /// Tokens that may still be looked at.
    looks_left: Cell<usize>,
    is_secret: &'a dyn Fn(&str) -> bool,
}

impl<'a> Reading<'a> {
    pub(super) fn of(
        text: &str,
        dialect: &dyn Dialect,
        is_secret: &'a dyn Fn(&str) -> bool,
    ) -> Reading<'a> {
        // A text that was cut may end within a literal, a name or a comment.
        let whole = ["", "'", "\"", "`", "*/", "$$"].iter().find_map(|end| {
            let tokens = tokens_of(&format!("{text}{end}"), dialect, true)?;
            Some((*end, tokens))
        });
        let (end, tokens) = match whole {
            Some((end, tokens)) => (Some(end), tokens),
            None => (None, tokens_before_fault(text, dialect, true)),
        };
        let mut place = Place::new(text);
        let (mut pieces, mut positions): (Vec<Piece>, usize) =
            (Vec::with_capacity(tokens.len()), 0);
        for token in tokens {
            let range = place.offset(token.span.start)..place.offset(token.span.end);
            if matches!(token.token, Token::Whitespace(_) | Token::EOF) {
                continue;
            }
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
        let fault = match end {
            None => Some(place.offset),
            Some(end) => misquoted(text, &pieces).or_else(|| {
                // What was cut within a name has no quotes in it.
                let last = pieces.last().map(|piece| piece.range.start);
                last.filter(|at| {
                    let rest = text.get(*at..).unwrap_or_default();
                    !matches!(end, "" | "'") && rest.contains('\'')
                })
            }),
        };
        let mut reading = Reading {
            looks_left: Cell::new(pieces.len().saturating_mul(MAX_LOOKS)),
            pieces,
            fault,
            partners: Vec::new(),
            begins: Vec::new(),
            ends: Vec::new(),
            secrets_before: vec![0],
            intos: Vec::new(),
            is_secret,
        };
        reading.find_groups();
        let boundaries = reading.find_begins();
        reading.find_ends(&boundaries);
        let mut secrets = 0;
        for at in 0..reading.pieces.len() {
            let is_named = reading.name(at).is_some_and(is_secret);
            secrets += usize::from(is_named || reading.is_key(at));
            reading.secrets_before.push(secrets);
        }
        reading
    }

    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    pub(super) fn token(&self, at: usize) -> Option<&Token> {
        self.pieces.get(at).map(|piece| &piece.token)
    }

    pub(super) fn before(&self, at: usize) -> Option<&Token> {
        self.token(at.checked_sub(1)?)
    }

    pub(super) fn is(&self, at: usize, token: &Token) -> bool {
        self.token(at) == Some(token)
    }

    pub(super) fn keyword(&self, at: usize) -> Option<Keyword> {
        match self.token(at)? {
            Token::Word(word) if word.quote_style.is_none() => Some(word.keyword),
            _ => None,
        }
    }

    pub(super) fn keyword_before(&self, at: usize) -> Option<Keyword> {
        self.keyword(at.checked_sub(1)?)
    }

    /// The place of what closes the group that is opened here, or the number of pieces.
    pub(super) fn closing(&self, at: usize) -> Option<usize> {
        self.partner(at).filter(|partner| *partner > at)
    }

    /// The place of what opens the group that is closed here.
    pub(super) fn opening(&self, at: usize) -> Option<usize> {
        self.partner(at).filter(|partner| *partner < at)
    }

    fn partner(&self, at: usize) -> Option<usize> {
        self.partners.get(at).copied().flatten()
    }

    /// The place behind a token, or behind the group that it opens.
    pub(super) fn next(&self, at: usize) -> usize {
        self.closing(at).unwrap_or(at) + 1
    }

    pub(super) fn clause(&self, at: usize) -> Clause {
        self.begins
            .get(at)
            .map_or(Clause::Other, |begins| begins.clause)
    }

    /// Where the operand begins that stands before this place.
    pub(super) fn operand_before(&self, at: usize) -> Range<usize> {
        self.begins.get(at).map_or(at, |begins| begins.operand)..at
    }

    /// The operand that begins behind this place.
    pub(super) fn operand_after(&self, at: usize) -> Range<usize> {
        at + 1..self.ends.get(at).map_or(at + 1, |ends| ends.operand)
    }

    /// The part of a list's item that stands before this place.
    pub(super) fn item_before(&self, at: usize) -> Range<usize> {
        self.begins.get(at).map_or(at, |begins| begins.item)..at
    }

    /// Where the item of a list ends that this place stands in.
    pub(super) fn item_end(&self, at: usize) -> usize {
        self.ends.get(at).map_or(at, |ends| ends.item)
    }

    pub(super) fn names_secret(&self, range: &Range<usize>) -> bool {
        let before = |at: usize| {
            let at = at.min(self.pieces.len());
            self.secrets_before.get(at).copied().unwrap_or_default()
        };
        before(range.end) > before(range.start)
    }

    pub(super) fn is_secret(&self, name: &str) -> bool {
        (self.is_secret)(name)
    }

    pub(super) fn is_secret_name(&self, at: usize) -> bool {
        self.names_secret(&(at..at + 1))
    }

    /// The name at a place: of a column or variable, or of a member of a document
    /// (`data->>'password'`, `data['password']`, `data #>> '{user,password}'`,
    /// `JSON_EXTRACT(data, '$.user.password')`).
    pub(super) fn name(&self, at: usize) -> Option<&str> {
        let name = match self.token(at)? {
            Token::Word(word) => &word.value,
            Token::DoubleQuotedString(name) => name,
            // MySQL's alias in quotes.
            Token::SingleQuotedString(name) if self.keyword_before(at) == Some(Keyword::AS) => name,
            Token::SingleQuotedString(path) => match self.before(at)? {
                Token::Arrow | Token::LongArrow | Token::LBracket | Token::Comma
                    if path.starts_with("$.") =>
                {
                    path.rsplit('.').next()?.trim_matches('"')
                }
                // Of an array, not the name of a member.
                Token::LBracket if !self.is_member(at) => return None,
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

    /// `PRAGMA key = 'x'`, `ATTACH 'a.db' AS a KEY 'x'` of SQLite with encryption.
    fn is_key(&self, at: usize) -> bool {
        let before = |count: usize| at.checked_sub(count).and_then(|at| self.keyword(at));
        let is_name = |known: &[&str]| {
            let name = self.name(at).unwrap_or_default();
            known.iter().any(|known| name.eq_ignore_ascii_case(known))
        };
        (before(1) == Some(Keyword::PRAGMA) && is_name(&["key", "rekey", "hexkey"]))
            || (before(2) == Some(Keyword::AS) && self.is_literal(at + 1) && is_name(&["key"]))
    }

    /// Whether a text in brackets is the only one there, and no array.
    fn is_member(&self, at: usize) -> bool {
        let before_bracket = at.checked_sub(2).and_then(|at| self.token(at));
        let is_array = match before_bracket {
            Some(Token::Word(word)) => word.keyword == Keyword::ARRAY,
            Some(Token::RBracket | Token::RParen) => false,
            _ => true,
        };
        self.is(at + 1, &Token::RBracket) && !is_array
    }

    /// Whether a text is the name of a member of a document: `data->>'password'`.
    pub(super) fn is_name_of_member(&self, at: usize) -> bool {
        // `<->` is a distance, and not read as one.
        let is_distance = at.checked_sub(2).and_then(|at| self.token(at)) == Some(&Token::Lt);
        !is_distance
            && matches!(
                self.before(at),
                Some(Token::Arrow | Token::LongArrow | Token::HashArrow | Token::HashLongArrow)
            )
    }

    pub(super) fn is_value(&self, at: usize) -> bool {
        self.is_literal(at) || matches!(self.token(at), Some(Token::Placeholder(_)))
    }

    pub(super) fn is_literal(&self, at: usize) -> bool {
        self.token(at).is_some_and(|token| {
            is_literal(token)
                || matches!(
                    token,
                    Token::QuoteDelimitedStringLiteral(_)
                        | Token::NationalQuoteDelimitedStringLiteral(_)
                )
        })
    }

    /// The literals that are texts.
    pub(super) fn texts(&self) -> Vec<Range<usize>> {
        let texts = (0..self.len()).filter(|at| self.is_literal(*at) && !self.is_number(*at));
        texts
            .filter_map(|at| Some(self.pieces.get(at)?.range.clone()))
            .collect()
    }

    pub(super) fn is_number(&self, at: usize) -> bool {
        matches!(self.token(at), Some(Token::Number(..)))
    }

    /// Takes one of the looks that are left.
    pub(super) fn look(&self) -> bool {
        let left = self.looks_left.get().checked_sub(1);
        self.looks_left.set(left.unwrap_or(0));
        left.is_some()
    }

    pub(super) fn is_exhausted(&self) -> bool {
        self.looks_left.get() == 0 && !self.pieces.is_empty()
    }

    /// The tokens of a range that stand in no group within it, as far as they may
    /// still be looked at.
    pub(super) fn top(&self, range: Range<usize>) -> impl Iterator<Item = usize> {
        let mut next = range.start;
        let end = range.end.min(self.pieces.len());
        std::iter::from_fn(move || {
            let at = next;
            next = self.next(at);
            (at < end && self.look()).then_some(at)
        })
    }

    /// The items of a list.
    pub(super) fn items(&self, range: Range<usize>) -> Vec<Range<usize>> {
        let mut items = Vec::new();
        let mut begin = range.start;
        let end = range.end.min(self.pieces.len());
        for at in self.top(begin..end) {
            if self.is(at, &Token::Comma) {
                items.push(begin..at);
                begin = at + 1;
            }
        }
        items.push(begin..end);
        items
    }

    /// The place of a word that ends what begins here, or where its query ends.
    pub(super) fn end_of(&self, from: usize, ends: impl Fn(Keyword) -> bool) -> usize {
        for at in self.top(from..self.pieces.len()) {
            let is_end = self.opening(at).is_some()
                || self.is(at, &Token::RParen)
                || self.is(at, &Token::SemiColon)
                || self.keyword(at).is_some_and(|word| {
                    // `IS DISTINCT FROM 'x'`.
                    let is_operator =
                        word == Keyword::FROM && self.keyword_before(at) == Some(Keyword::DISTINCT);
                    !is_operator && ends(word)
                });
            if is_end {
                return at;
            }
        }
        self.pieces.len()
    }

    /// Parentheses, brackets and braces, and `CASE` with its `END`.
    fn find_groups(&mut self) {
        self.partners = vec![None; self.pieces.len()];
        let mut open: Vec<(usize, Group, bool)> = Vec::new();
        let mut counts = [0_usize; 4];
        let mut pairs = Vec::new();
        for at in 0..self.pieces.len() {
            let (group, closes) = match self.token(at) {
                Some(Token::LParen) => (Group::Parenthesis, false),
                Some(Token::RParen) => (Group::Parenthesis, true),
                Some(Token::LBracket) => (Group::Bracket, false),
                Some(Token::RBracket) => (Group::Bracket, true),
                Some(Token::LBrace) => (Group::Brace, false),
                Some(Token::RBrace) => (Group::Brace, true),
                _ => match self.keyword(at) {
                    Some(Keyword::CASE) => (Group::Case, false),
                    // The word alone may be anything.
                    Some(Keyword::END) if matches!(open.last(), Some((_, Group::Case, true))) => {
                        (Group::Case, true)
                    }
                    Some(Keyword::WHEN) => {
                        if let Some((_, Group::Case, has_when)) = open.last_mut() {
                            *has_when = true;
                        }
                        continue;
                    }
                    _ => continue,
                },
            };
            let Some(count) = counts.get_mut(group as usize) else {
                continue;
            };
            if !closes {
                *count += 1;
                open.push((at, group, false));
                continue;
            }
            if *count == 0 {
                continue;
            }
            while let Some((opened, other, _)) = open.pop() {
                if let Some(count) = counts.get_mut(other as usize) {
                    *count -= 1;
                }
                if other == group {
                    pairs.push((opened, at));
                    break;
                }
            }
        }
        // What the end of a text leaves open goes on to it.
        let end = self.pieces.len();
        let is_group = |(at, group, has_when)| (group != Group::Case || has_when).then_some(at);
        let unclosed = open.into_iter().filter_map(is_group);
        for (opened, closed) in pairs.into_iter().chain(unclosed.map(|at| (at, end))) {
            for (one, other) in [(opened, closed), (closed, opened)] {
                if let Some(partner) = self.partners.get_mut(one) {
                    *partner = Some(other);
                }
            }
        }
    }

    /// Where the operands and items begin, and what ends at each token.
    fn find_begins(&mut self) -> Vec<Boundary> {
        let outermost = Begins {
            operand: 0,
            item: 0,
            clause: Clause::Other,
            between: false,
        };
        let mut levels = vec![outermost];
        let mut selects = vec![None];
        let mut boundaries = Vec::with_capacity(self.pieces.len());
        let mut procedure = None;
        for at in 0..self.pieces.len() {
            if self.opening(at).is_some() {
                levels.pop();
                selects.pop();
            }
            let mut level = levels.pop().unwrap_or(outermost);
            let boundary = if procedure == Some(at) {
                Boundary::Item
            } else {
                self.boundary(at, &mut level)
            };
            if boundary == Boundary::BeforeOperand {
                level.operand = at;
            }
            self.begins.push(level);
            match boundary {
                Boundary::Operand => level.operand = at + 1,
                Boundary::Item => (level.operand, level.item) = (at + 1, at + 1),
                Boundary::Nothing | Boundary::BeforeOperand => {}
            }
            if boundary == Boundary::Item {
                let select = selects.last_mut();
                match (self.keyword(at), select) {
                    (Some(Keyword::SELECT | Keyword::RETURNING), Some(select)) => {
                        *select = Some(at);
                    }
                    (Some(Keyword::INTO), Some(select)) => {
                        self.intos.extend(select.take().map(|select| (at, select)));
                    }
                    _ => {}
                }
                level.clause = match self.token(at) {
                    Some(Token::SemiColon) => Clause::Other,
                    _ => clause_from(self.keyword(at), level.clause),
                };
            }
            if matches!(
                self.keyword(at),
                Some(Keyword::EXEC | Keyword::EXECUTE | Keyword::CALL)
            ) {
                // The name of a procedure belongs to none of its arguments.
                procedure = Some(self.last_of_path(at + 1));
            }
            boundaries.push(boundary);
            levels.push(level);
            if self.closing(at).is_some() {
                levels.push(Begins {
                    operand: at + 1,
                    item: at + 1,
                    clause: level.clause,
                    between: false,
                });
                selects.push(None);
            }
        }
        boundaries
    }

    /// The place of `c` in `a.b.c`, or of the bracket behind it in `[a].[b].[c]`.
    pub(super) fn last_of_path(&self, first: usize) -> usize {
        let mut at = first;
        loop {
            if self.is(at, &Token::LBracket) {
                at = self.closing(at).unwrap_or(at);
            }
            if !self.is(at + 1, &Token::Period) {
                return at;
            }
            at += 2;
        }
    }

    fn boundary(&self, at: usize, level: &mut Begins) -> Boundary {
        match self.token(at) {
            Some(Token::Comma | Token::SemiColon) => return Boundary::Item,
            // MySQL's `AND`.
            Some(Token::Overlap) => return Boundary::Operand,
            // `SELECT TOP 5`, `SELECT TOP (5)`.
            Some(Token::Number(..) | Token::RParen)
                if self.keyword_before(self.opening(at).unwrap_or(at)) == Some(Keyword::TOP) =>
            {
                return Boundary::Item;
            }
            Some(Token::RParen | Token::RBracket | Token::RBrace) if self.partner(at).is_none() => {
                return Boundary::Item;
            }
            _ if self.is_comparison(at) => {
                if self.keyword(at) == Some(Keyword::BETWEEN) {
                    level.between = true;
                }
                return Boundary::Operand;
            }
            _ => {}
        }
        let is_part_of_path =
            self.before(at) == Some(&Token::Period) || self.is(at + 1, &Token::Period);
        let Some(word) = self.keyword(at).filter(|_| !is_part_of_path) else {
            return Boundary::Nothing;
        };
        let is_call = self.is(at + 1, &Token::LParen);
        match word {
            Keyword::AND if level.between => {
                level.between = false;
                Boundary::Nothing
            }
            // `IS DISTINCT FROM 'x'`.
            Keyword::FROM if self.keyword_before(at) == Some(Keyword::DISTINCT) => {
                Boundary::Nothing
            }
            // `SELECT DISTINCT 'x' password`.
            Keyword::DISTINCT | Keyword::ALL | Keyword::TOP
                if self.keyword_before(at) == Some(Keyword::SELECT) =>
            {
                Boundary::Item
            }
            // `ALTER COLUMN password SET DEFAULT 'x'`.
            Keyword::SET
                if matches!(self.keyword(at + 1), Some(Keyword::DEFAULT | Keyword::DATA)) =>
            {
                Boundary::Nothing
            }
            // `SET PASSWORD FOR 'app'@'%' = 'x'`.
            Keyword::FOR if level.clause == Clause::Set => Boundary::Nothing,
            // Functions, not joins.
            Keyword::LEFT | Keyword::RIGHT if is_call => Boundary::Nothing,
            Keyword::END if self.opening(at).is_some() => Boundary::Nothing,
            // `BACKUP … WITH PASSWORD = 'x'`, and not `timestamp WITH TIME ZONE`.
            Keyword::WITH if self.keyword(at + 1) != Some(Keyword::TIME) => Boundary::Operand,
            _ if begins_item(word) => Boundary::Item,
            _ if ends_operand(word) => Boundary::Operand,
            _ if self.begins_setting(at) => Boundary::BeforeOperand,
            _ => Boundary::Nothing,
        }
    }

    /// Whether a name before `=` has nothing to do with what stands before it: `) COMMENT
    /// = 'x'`, `PASSWORD = 'x' OLD_PASSWORD = 'y'`.
    fn begins_setting(&self, at: usize) -> bool {
        let is_behind_value = self
            .before(at)
            .is_some_and(|token| matches!(token, Token::RParen))
            || at.checked_sub(1).is_some_and(|at| self.is_literal(at));
        let is_operator = matches!(
            self.keyword(at),
            Some(Keyword::COLLATE | Keyword::NOT | Keyword::NULL)
        );
        is_behind_value && !is_operator && self.is(at + 1, &Token::Eq)
    }

    /// Where the operands and items end.
    fn find_ends(&mut self, boundaries: &[Boundary]) {
        let last = self.pieces.len();
        let none = Ends {
            operand: last,
            item: last,
        };
        let unclosed = self
            .partners
            .iter()
            .filter(|partner| **partner == Some(last));
        let mut levels = vec![none; unclosed.count() + 1];
        self.ends = vec![none; last];
        for (at, boundary) in boundaries.iter().enumerate().rev() {
            if self.closing(at).is_some() {
                levels.pop();
            }
            let mut level = levels.pop().unwrap_or(none);
            if let Some(ends) = self.ends.get_mut(at) {
                *ends = level;
            }
            match boundary {
                Boundary::Nothing => {}
                Boundary::Operand | Boundary::BeforeOperand => level.operand = at,
                Boundary::Item => (level.operand, level.item) = (at, at),
            }
            levels.push(level);
            if self.opening(at).is_some() {
                levels.push(Ends {
                    operand: at,
                    item: at,
                });
            }
        }
    }

    /// Whether a word has a meaning of its own, and is no name.
    pub(super) fn is_reserved(&self, at: usize) -> bool {
        let is_word = |word| begins_item(word) || ends_operand(word) || is_comparing_word(word);
        self.keyword(at).is_some_and(is_word)
    }

    /// Whether two operands face each other here: one of them is compared with the
    /// other, or gets it.
    pub(super) fn is_comparison(&self, at: usize) -> bool {
        match self.token(at) {
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
                | Token::AtArrow
                | Token::ArrowAt
                | Token::AtAt
                | Token::TwoWayArrow
                | Token::Mod
                | Token::CustomBinaryOperator(_),
            ) => true,
            // Of arrays; in MySQL it is `AND`.
            Some(Token::Overlap) => {
                self.keyword(at + 1) == Some(Keyword::ARRAY)
                    || self.before(at) == Some(&Token::RBracket)
            }
            _ => match self.keyword(at) {
                // `SET app.token TO 'x'`, and not `SIMILAR TO` or `GRANT … TO`.
                Some(Keyword::TO) => self.clause_before(at) == Clause::Set,
                Some(word) => is_comparing_word(word) && self.before(at) != Some(&Token::Period),
                None => false,
            },
        }
    }

    /// The clause of a token that [`Reading::find_begins`] is about to reach, or of one
    /// that it was at.
    fn clause_before(&self, at: usize) -> Clause {
        let place = if at < self.begins.len() {
            Some(at)
        } else {
            at.checked_sub(1)
        };
        place
            .and_then(|at| self.begins.get(at))
            .map_or(Clause::Other, |begins| begins.clause)
    }
}

/// The place of the first text in quotes that a word follows without a space: it ends
/// where another begins, and all behind it is read the wrong way round.
fn misquoted(text: &str, pieces: &[Piece]) -> Option<usize> {
    let is_misquoted = |(at, piece): &(usize, &Piece)| {
        // `'x'OR name = 'y'` is a statement.
        if let Some(Token::Word(word)) = pieces.get(at + 1).map(|piece| &piece.token)
            && (begins_item(word.keyword) || ends_operand(word.keyword))
        {
            return false;
        }
        let is_quoted = matches!(piece.token, Token::SingleQuotedString(_));
        let rest = text.get(piece.range.end..).unwrap_or_default();
        is_quoted && rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
    };
    let (_, found) = pieces.iter().enumerate().find(is_misquoted)?;
    Some(found.range.start)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    Parenthesis,
    Bracket,
    Brace,
    Case,
}

/// Words behind which an item of a list begins, or something that is no list.
fn begins_item(word: Keyword) -> bool {
    matches!(
        word,
        Keyword::SELECT
            | Keyword::RETURNING
            | Keyword::FROM
            | Keyword::JOIN
            | Keyword::USING
            | Keyword::WHERE
            | Keyword::HAVING
            | Keyword::ON
            | Keyword::SET
            | Keyword::VALUES
            | Keyword::INTO
            | Keyword::INSERT
            | Keyword::UPDATE
            | Keyword::DELETE
            | Keyword::MERGE
            | Keyword::UNION
            | Keyword::EXCEPT
            | Keyword::INTERSECT
            | Keyword::ORDER
            | Keyword::GROUP
            | Keyword::LIMIT
            | Keyword::OFFSET
            | Keyword::CREATE
            | Keyword::ALTER
            | Keyword::ADD
            | Keyword::MODIFY
            | Keyword::CHANGE
            | Keyword::COLUMN
            | Keyword::DECLARE
    )
}

/// Words that no operand goes beyond.
fn ends_operand(word: Keyword) -> bool {
    matches!(
        word,
        Keyword::AND
            | Keyword::OR
            | Keyword::XOR
            | Keyword::WHEN
            | Keyword::THEN
            | Keyword::ELSE
            | Keyword::END
            | Keyword::AS
            | Keyword::FOR
            | Keyword::ESCAPE
            | Keyword::LEFT
            | Keyword::RIGHT
            | Keyword::FULL
            | Keyword::INNER
            | Keyword::CROSS
    )
}

/// Words between operands of which one is compared with the other, or is its value.
fn is_comparing_word(word: Keyword) -> bool {
    matches!(
        word,
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
            | Keyword::DEFAULT
    )
}

/// What the tokens behind a word are about.
fn clause_from(word: Option<Keyword>, before: Clause) -> Clause {
    match word {
        None | Some(Keyword::DISTINCT | Keyword::ALL | Keyword::TOP | Keyword::NoKeyword) => before,
        Some(Keyword::SELECT | Keyword::RETURNING) => Clause::Select,
        Some(Keyword::FROM | Keyword::JOIN | Keyword::USING) => Clause::From,
        Some(Keyword::WHERE | Keyword::HAVING | Keyword::ON) => Clause::Where,
        Some(Keyword::SET) => Clause::Set,
        Some(_) => Clause::Other,
    }
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
