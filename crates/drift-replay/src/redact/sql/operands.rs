//! Operands: what they may be, and what faces a secret where two of them are compared or
//! one of them gets the other.

use super::{Rules, SqlSecrets};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;
use std::ops::Range;

impl Rules<'_> {
    /// Goes through what an operand may be: not the conditions of its `CASE`, and of a
    /// query only what that selects.
    pub(super) fn operand(&self, range: Range<usize>, mut visit: impl FnMut(usize)) {
        let reading = self.reading;
        let mut parts = vec![range];
        while let Some(part) = parts.pop() {
            let mut at = part.start;
            while at < part.end.min(reading.len()) && reading.look() {
                if let Some(close) = reading.closing(at) {
                    let inside = if reading.keyword(at) == Some(Keyword::CASE) {
                        Some(self.results_of_case(at, close))
                    } else if begins_select(reading.keyword(at + 1)) {
                        Some(self.select_lists(at + 1, close))
                    } else {
                        None
                    };
                    if let Some(inside) = inside {
                        parts.push(close + 1..part.end);
                        parts.extend(inside);
                        break;
                    }
                }
                visit(at);
                at += 1;
            }
        }
    }

    /// What a `CASE` gives, behind each `THEN` and `ELSE`.
    fn results_of_case(&self, case: usize, end: usize) -> Vec<Range<usize>> {
        let reading = self.reading;
        let mut results = Vec::new();
        let mut begin = None;
        for at in reading.top(case + 1..end) {
            let word = reading.keyword(at);
            if let Some(Keyword::THEN | Keyword::ELSE | Keyword::WHEN) = word {
                results.extend(begin.take().map(|begin| begin..at));
                begin = (word != Some(Keyword::WHEN)).then_some(at + 1);
            }
        }
        results.extend(begin.map(|begin| begin..end));
        results
    }

    /// What the queries select that begin here and end with a group.
    fn select_lists(&self, from: usize, end: usize) -> Vec<Range<usize>> {
        let reading = self.reading;
        let mut lists = Vec::new();
        let mut query = Some(from);
        while let Some(mut at) = query.filter(|at| *at < end && reading.look()) {
            if reading.keyword(at) == Some(Keyword::WITH) {
                at = reading.end_of(at + 1, |word| word == Keyword::SELECT);
            }
            let (items, behind) = self.select_list(at + 1);
            let first = items.first().map_or(behind, |item| item.start);
            lists.push(first..behind.min(end));
            query = self.united(behind);
        }
        lists
    }

    pub(super) fn hide_operand(&self, range: Range<usize>, found: &mut SqlSecrets) {
        self.operand(range, |at| self.hide(at, found));
    }

    /// The same, of what a query selects: there, names in double quotes are columns.
    pub(super) fn hide_selected(&self, range: Range<usize>, found: &mut SqlSecrets) {
        self.operand(range, |at| {
            let is_name = matches!(self.reading.token(at), Some(Token::Word(_)));
            if !(is_name && self.quotes_names) {
                self.hide(at, found);
            }
        });
    }

    /// Whether what an operand may be has the name of a secret.
    pub(super) fn is_secret(&self, range: &Range<usize>) -> bool {
        let reading = self.reading;
        let mut is_secret = false;
        if reading.names_secret(range) {
            self.operand(range.clone(), |at| {
                // Of `token.id`, the column counts.
                is_secret |= reading.is_secret_name(at) && !reading.is(at + 1, &Token::Period);
            });
        }
        is_secret
    }

    /// Operands that face each other: what stands where the other has the name of a
    /// secret is one. `password = 'x'`, `'x' IN (password, token)`, `(name, token) IN
    /// (('a', 'x'))`, `'x' = ANY (SELECT token FROM users)`, `strcmp(token, 'x') = 0`.
    pub(super) fn compare(
        &self,
        left: Range<usize>,
        right: Range<usize>,
        left_has_values: bool,
        found: &mut SqlSecrets,
    ) {
        self.note_setting(&left, &right);
        if !self.reading.names_secret(&left) && !self.reading.names_secret(&right) {
            return;
        }
        let (left_rows, right_rows) = (self.rows_of(&left), self.rows_of(&right));
        let (in_left, in_right) = (
            self.secret_items(&left_rows),
            self.secret_items(&right_rows),
        );
        let is_aligned = in_left.len() == in_right.len();
        for (secret, rows, other) in [
            (&in_left, &right_rows, &right),
            (&in_right, &left_rows, &left),
        ] {
            if is_aligned {
                for row in rows {
                    for (item, _) in row.iter().zip(secret).filter(|(_, is_secret)| **is_secret) {
                        self.note_column(item);
                    }
                    self.aligned(row, secret, found);
                }
            } else if secret.contains(&true) {
                self.hide_operand(other.clone(), found);
            }
        }
        // `strcmp(token, 'x') = 0`, `token || 'x' = 'y'`.
        let left_rows = left_rows.iter().filter(|_| left_has_values);
        let own = (left_rows.map(|row| (row, &in_left)))
            .chain(right_rows.iter().map(|row| (row, &in_right)));
        for (row, secret) in own {
            for (item, is_secret) in row.iter().zip(secret) {
                if *is_secret {
                    self.hide_beside_name(item.clone(), found);
                }
            }
        }
    }

    /// Hides the texts of an operand with a secret name, but not its names.
    pub(super) fn hide_beside_name(&self, range: Range<usize>, found: &mut SqlSecrets) {
        self.operand(range, |at| {
            let reading = self.reading;
            if reading.is_literal(at) && !reading.is_number(at) && reading.name(at).is_none() {
                self.hide(at, found);
            }
        });
    }

    /// The rows of an operand, each with its items: `(a, b)` is one with two, so are a
    /// query and `ROW(a, b)`; `((a, b), (c, d))` are two.
    fn rows_of(&self, operand: &Range<usize>) -> Vec<Vec<Range<usize>>> {
        let reading = self.reading;
        let mut range = operand.clone();
        while range.end > range.start && reading.keyword_before(range.end) == Some(Keyword::NOT) {
            range.end -= 1;
        }
        loop {
            let begin = self.inner(&range);
            let close = reading
                .closing(begin)
                .filter(|_| matches!(reading.token(begin), Some(Token::LParen | Token::LBracket)));
            let Some(close) = close.filter(|close| close + 1 >= range.end && reading.look()) else {
                return vec![vec![range]];
            };
            let mut inside = begin + 1..close;
            if begins_select(reading.keyword(inside.start)) {
                let lists = self.select_lists(inside.start, close).into_iter();
                return lists.map(|list| reading.items(list)).collect();
            }
            if reading.keyword(inside.start) == Some(Keyword::VALUES) {
                inside.start += 1;
            }
            let mut items = reading.items(inside);
            if items.len() > 1 {
                let is_row = |item: &Range<usize>| {
                    let begin = self.inner(item);
                    reading.is(begin, &Token::LParen)
                        && reading
                            .closing(begin)
                            .is_some_and(|close| close + 1 >= item.end)
                };
                if !items.iter().all(is_row) {
                    return vec![items];
                }
                let rows = items.iter().map(|item| {
                    let begin = self.inner(item);
                    let close = reading.closing(begin).unwrap_or(item.end);
                    reading.items(begin + 1..close)
                });
                return rows.collect();
            }
            let Some(item) = items.pop() else {
                return Vec::new();
            };
            range = item;
        }
    }

    /// Where an operand begins behind the words that only say what is done with it.
    fn inner(&self, range: &Range<usize>) -> usize {
        let mut at = range.start;
        while at < range.end
            && matches!(
                self.reading.keyword(at),
                Some(
                    Keyword::NOT
                        | Keyword::DISTINCT
                        | Keyword::FROM
                        | Keyword::ANY
                        | Keyword::ALL
                        | Keyword::SOME
                        | Keyword::ARRAY
                        | Keyword::ROW
                )
            )
        {
            at += 1;
        }
        at
    }

    fn secret_items(&self, rows: &[Vec<Range<usize>>]) -> Vec<bool> {
        let width = rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut secret = vec![false; width];
        for (index, item) in rows.iter().flat_map(|row| row.iter().enumerate()) {
            if let Some(secret) = secret.get_mut(index) {
                *secret |= self.is_secret(item);
            }
        }
        secret
    }

    /// `CASE token WHEN 'x' THEN …`, `CASE 'x' WHEN token THEN …`.
    pub(super) fn case_of(&self, case: usize, end: usize, found: &mut SqlSecrets) {
        let reading = self.reading;
        if reading.keyword(case + 1) == Some(Keyword::WHEN) || !reading.names_secret(&(case..end)) {
            return;
        }
        let mut subject = None;
        let mut when = None;
        for at in reading.top(case + 1..end) {
            match reading.keyword(at) {
                Some(Keyword::WHEN) => {
                    subject.get_or_insert(case + 1..at);
                    when = Some(at);
                }
                Some(Keyword::THEN) => {
                    if let (Some(subject), Some(when)) = (&subject, when) {
                        self.compare(subject.clone(), when + 1..at, true, found);
                    }
                }
                _ => {}
            }
        }
    }
}

fn begins_select(word: Option<Keyword>) -> bool {
    matches!(word, Some(Keyword::SELECT | Keyword::WITH))
}
