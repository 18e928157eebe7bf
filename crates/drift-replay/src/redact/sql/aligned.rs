//! Values that line up with a list of names: the columns of an `INSERT`, of an alias,
//! of a table that a query makes.

use super::reading::Reading;
use super::{Rules, SqlSecrets};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Words between a list of columns and its `VALUES`: `OVERRIDING SYSTEM VALUE`.
const MAX_BETWEEN: usize = 16;

/// The tables that `WITH` makes: where their queries begin, by their names.
pub(super) type Tables = HashMap<String, usize>;

impl Rules<'_> {
    /// `name AS (SELECT …)`, `name (a, b) AS (SELECT …)`.
    pub(super) fn tables(reading: &Reading<'_>) -> Tables {
        let mut tables = Tables::new();
        for at in 0..reading.len() {
            let Some(name) = reading.name(at) else {
                continue;
            };
            let mut next = at + 1;
            if reading.is(next, &Token::LParen) {
                next = reading.next(next);
            }
            if reading.keyword(next) != Some(Keyword::AS) {
                continue;
            }
            next += 1;
            while matches!(
                reading.keyword(next),
                Some(Keyword::NOT | Keyword::MATERIALIZED)
            ) {
                next += 1;
            }
            if reading.is(next, &Token::LParen) && begins_query(reading, next + 1) {
                tables.entry(name.to_lowercase()).or_insert(next + 1);
            }
        }
        tables
    }

    /// Values that belong to a list of names in parentheses.
    pub(super) fn list(&self, open: usize, close: usize, found: &mut SqlSecrets) {
        let reading = self.reading;
        if !reading.names_secret(&(open..close)) {
            return;
        }
        let Some(columns) = self.columns(open + 1..close) else {
            return;
        };
        if !columns.contains(&true) {
            return;
        }
        if let Some(named) = self.named_by(open) {
            // `(VALUES ('a', 'x')) AS v (name, password)`.
            self.line_up(named, &columns, found);
            return;
        }
        let mut has_output = false;
        let mut at = close + 1;
        for _ in 0..MAX_BETWEEN {
            match (reading.token(at), reading.keyword(at)) {
                (_, Some(Keyword::OUTPUT)) => has_output = true,
                // The value of `OVERRIDING SYSTEM VALUE` is none.
                (_, Some(Keyword::VALUE)) if !self.begins_row(at + 1) => {}
                _ if begins_query(reading, at) => {
                    self.line_up(at, &columns, found);
                    return;
                }
                (Some(Token::LParen), _) if begins_query(reading, at + 1) => {
                    self.line_up(at + 1, &columns, found);
                    return;
                }
                (_, Some(Keyword::FROM)) if reading.keyword(at + 1) == Some(Keyword::STDIN) => {
                    // `COPY users (name, password) FROM STDIN;` and its lines.
                    let end = (at + 2..reading.len()).find(|at| reading.is(*at, &Token::SemiColon));
                    let data = end.and_then(|end| Some(reading.pieces.get(end)?.range.end));
                    found.rest = match (found.rest, data) {
                        (Some(rest), Some(data)) => Some(rest.min(data)),
                        (rest, data) => rest.or(data),
                    };
                    return;
                }
                (None | Some(Token::SemiColon | Token::RParen), _) => return,
                (Some(Token::Comma), _) if !has_output => return,
                (_, Some(word)) if ends_list(word) => return,
                _ if reading.is_comparison(at) || reading.is_value(at) => return,
                _ => {}
            }
            at = reading.next(at);
        }
    }

    /// `SELECT 'a', 'x' INTO @name, @password`.
    pub(super) fn into(&self, into: usize, select: usize, found: &mut SqlSecrets) {
        let reading = self.reading;
        let end = reading.end_of(into + 1, |word| {
            matches!(word, Keyword::FROM | Keyword::WHERE | Keyword::USING)
        });
        if !reading.names_secret(&(into..end)) {
            return;
        }
        let Some(columns) = self.columns(into + 1..end) else {
            return;
        };
        let items = reading.items(select + 1..into);
        // One name for several is that of a table.
        if columns.len() == items.len() {
            self.aligned(&items, &columns, found);
        }
    }

    /// Which names of a list are secret; `None` for what is no list of names.
    fn columns(&self, range: Range<usize>) -> Option<Vec<bool>> {
        let reading = self.reading;
        let items = reading.items(range).into_iter();
        items
            .map(|item| {
                let mut at = item.start;
                if reading.is(at, &Token::LBracket) {
                    at += 1;
                }
                loop {
                    reading.name(at)?;
                    // `[dbo].[password]`.
                    let mut next = at + 1;
                    if reading.is(next, &Token::RBracket) {
                        next += 1;
                    }
                    if !reading.is(next, &Token::Period) {
                        break;
                    }
                    at = next + 1;
                    if reading.is(at, &Token::LBracket) {
                        at += 1;
                    }
                }
                (at < item.end).then(|| reading.is_secret_name(at))
            })
            .collect()
    }

    /// The begin of what a list of names stands behind: `(…) AS v (name, password)`,
    /// `unnest(…) WITH ORDINALITY v (password, n)`.
    pub(super) fn named_by(&self, open: usize) -> Option<usize> {
        let reading = self.reading;
        let alias = open.checked_sub(1)?;
        reading
            .name(alias)
            .filter(|_| !reading.is_reserved(alias))?;
        let mut close = open.checked_sub(2)?;
        if reading.keyword(close) == Some(Keyword::AS) {
            close = close.checked_sub(1)?;
        }
        if reading.keyword(close) == Some(Keyword::ORDINALITY) {
            close = close.checked_sub(2)?;
        }
        if !reading.is(close, &Token::RParen) {
            return None;
        }
        let begin = reading.opening(close)?;
        Some(if self.is_call(begin) {
            begin - 1
        } else {
            begin
        })
    }

    fn begins_row(&self, at: usize) -> bool {
        let reading = self.reading;
        reading.is(at, &Token::LParen)
            || (reading.keyword(at) == Some(Keyword::ROW) && reading.is(at + 1, &Token::LParen))
    }

    /// Lines columns up with the table that begins here, and with the tables that it is
    /// made of.
    fn line_up(&self, from: usize, columns: &[bool], found: &mut SqlSecrets) {
        // With the first of the columns: before a `*` there may be others.
        let mut waiting = vec![(from, 0)];
        // A query that selects from itself has no end.
        let mut seen = HashSet::new();
        while let Some((at, first)) = waiting.pop() {
            if let Some(columns) = columns.get(first..)
                && seen.insert((at, first))
                && self.reading.look()
            {
                for (at, skipped) in self.source(at, columns, found) {
                    waiting.push((at, first + skipped));
                }
            }
        }
    }

    /// Hides the values of a query, of rows or of a function, and gives the places of
    /// the tables that it is made of, with the number of columns before theirs.
    fn source(&self, at: usize, columns: &[bool], found: &mut SqlSecrets) -> Vec<(usize, usize)> {
        let reading = self.reading;
        match (reading.token(at), reading.keyword(at)) {
            (_, Some(Keyword::VALUES | Keyword::VALUE)) => {
                let end = self.rows(at + 1, columns, found);
                self.united(end).map(|at| (at, 0)).into_iter().collect()
            }
            (_, Some(Keyword::SELECT)) => self.selected(at + 1, columns, found),
            (_, Some(Keyword::WITH)) => {
                let query = reading.end_of(at + 1, |word| {
                    matches!(word, Keyword::SELECT | Keyword::VALUES)
                });
                vec![(query, 0)]
            }
            (_, Some(Keyword::LATERAL | Keyword::TABLE | Keyword::ONLY)) => vec![(at + 1, 0)],
            (Some(Token::LParen), _) => {
                let is_row = !begins_query(reading, at + 1)
                    && !matches!(reading.token(at + 1), Some(Token::LParen | Token::Word(_)));
                if is_row {
                    self.rows(at, columns, found);
                    return Vec::new();
                }
                vec![(at + 1, 0)]
            }
            (Some(Token::Word(word)), _) => {
                let name = word.value.to_lowercase();
                if reading.is(at + 1, &Token::LParen) {
                    self.function(&name, at + 1, columns, found);
                    return Vec::new();
                }
                let query = self.tables.get(&name);
                query.map(|query| (*query, 0)).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// `unnest(ARRAY['a'], ARRAY['x'])` has a column for each argument; of another
    /// function nobody knows what its columns are made of.
    fn function(&self, name: &str, open: usize, columns: &[bool], found: &mut SqlSecrets) {
        let reading = self.reading;
        let Some(close) = reading.closing(open) else {
            return;
        };
        if name == "unnest" {
            self.aligned(&reading.items(open + 1..close), columns, found);
        } else if columns.contains(&true) {
            self.hide_texts(open + 1..close, found);
        }
    }

    /// `(…), (…)`; gives the place behind them.
    fn rows(&self, mut at: usize, columns: &[bool], found: &mut SqlSecrets) -> usize {
        let reading = self.reading;
        while self.begins_row(at) {
            if reading.keyword(at) == Some(Keyword::ROW) {
                at += 1;
            }
            let Some(close) = reading.closing(at) else {
                return at;
            };
            self.aligned(&reading.items(at + 1..close), columns, found);
            at = close + 1;
            if !reading.is(at, &Token::Comma) {
                break;
            }
            at += 1;
        }
        at
    }

    /// What a query selects; where it selects all of a table, it is made of that too.
    fn selected(
        &self,
        from: usize,
        columns: &[bool],
        found: &mut SqlSecrets,
    ) -> Vec<(usize, usize)> {
        let reading = self.reading;
        let (items, end) = self.select_list(from);
        for (item, is_secret) in items.iter().zip(columns) {
            if *is_secret {
                self.note_column(item);
                self.hide_selected(item.clone(), found);
            }
        }
        let mut parts = Vec::new();
        if reading.keyword(end) == Some(Keyword::FROM)
            && let Some(star) = items.iter().position(|item| self.is_star(item))
        {
            parts.push((end + 1, star));
            if columns
                .get(star..)
                .is_some_and(|columns| columns.contains(&true))
            {
                self.other_tables(end + 1, found);
            }
        }
        parts.extend(self.united(end).map(|at| (at, 0)));
        parts
    }

    /// Hides what tables are made of behind the first: which of the columns are theirs,
    /// nobody knows.
    fn other_tables(&self, from: usize, found: &mut SqlSecrets) {
        let reading = self.reading;
        let end = reading.end_of(from, |word| {
            is_union(word) || matches!(word, Keyword::WHERE | Keyword::ORDER | Keyword::GROUP)
        });
        let mut is_first = true;
        for at in reading.top(from..end) {
            is_first &=
                !reading.is(at, &Token::Comma) && reading.keyword(at) != Some(Keyword::JOIN);
            match reading.closing(at) {
                Some(close) if !is_first && reading.keyword(at + 1) == Some(Keyword::VALUES) => {
                    self.hide_texts(at + 1..close, found);
                }
                Some(close) if !is_first && begins_query(reading, at + 1) => {
                    self.hide_operand(at..close + 1, found);
                }
                _ => {}
            }
        }
    }

    /// The query that is united with one that goes on here.
    pub(super) fn united(&self, from: usize) -> Option<usize> {
        let reading = self.reading;
        // Another query in between belongs to something else.
        let mut at = reading.end_of(from, |word| is_union(word) || word == Keyword::SELECT);
        reading.keyword(at).filter(|word| is_union(*word))?;
        at += 1;
        while matches!(
            reading.keyword(at),
            Some(Keyword::ALL | Keyword::DISTINCT | Keyword::BY | Keyword::NAME)
        ) {
            at += 1;
        }
        Some(at)
    }

    /// The items that a query selects, which begins here, and the place behind them.
    pub(super) fn select_list(&self, from: usize) -> (Vec<Range<usize>>, usize) {
        let reading = self.reading;
        let mut at = from;
        while matches!(reading.keyword(at), Some(Keyword::ALL | Keyword::DISTINCT)) {
            at += 1;
        }
        if reading.keyword(at) == Some(Keyword::ON) && reading.is(at + 1, &Token::LParen) {
            // `DISTINCT ON (…)`.
            at = reading.next(at + 1);
        }
        let end = reading.end_of(at, |word| {
            matches!(
                word,
                Keyword::FROM
                    | Keyword::WHERE
                    | Keyword::INTO
                    | Keyword::SELECT
                    | Keyword::ON
                    | Keyword::RETURNING
                    | Keyword::ORDER
                    | Keyword::LIMIT
            ) || is_union(word)
        });
        (reading.items(at..end), end)
    }

    /// `*`, `v.*`.
    fn is_star(&self, item: &Range<usize>) -> bool {
        let last = item.end.checked_sub(1);
        last.is_some_and(|last| self.reading.is(last, &Token::Mul))
            && (item.len() == 1 || self.reading.before(item.end - 1) == Some(&Token::Period))
    }

    /// Hides the items whose columns are secret.
    pub(super) fn aligned(&self, items: &[Range<usize>], columns: &[bool], found: &mut SqlSecrets) {
        for (item, is_secret) in items.iter().zip(columns) {
            if *is_secret {
                self.hide_operand(item.clone(), found);
            }
        }
    }
}

fn begins_query(reading: &Reading<'_>, at: usize) -> bool {
    matches!(
        reading.keyword(at),
        Some(Keyword::SELECT | Keyword::VALUES | Keyword::VALUE | Keyword::WITH | Keyword::TABLE)
    )
}

fn is_union(word: Keyword) -> bool {
    matches!(
        word,
        Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::MINUS
    )
}

/// Words that stand between no list of names and its values.
fn ends_list(word: Keyword) -> bool {
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
            | Keyword::UNION
            | Keyword::EXCEPT
            | Keyword::INTERSECT
            | Keyword::WHEN
            | Keyword::THEN
            | Keyword::ELSE
            | Keyword::END
            | Keyword::SET
            | Keyword::JOIN
            | Keyword::FOR
    )
}
