//! Names of secrets that only the text itself tells: those of the columns that a secret
//! comes from, and of settings whose names stand in their rows.

use super::reading::{Clause, Reading};
use super::{Rules, SqlSecrets};
use crate::redact::beside::{is_naming_member, is_value_member};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;
use std::collections::HashSet;
use std::ops::Range;

/// Names that are a secret's in one text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Made {
    /// Columns whose values become those of a secret, in lower case: they name what is
    /// made in the text, `(VALUES ('x')) AS v (p)`, and no column of a table.
    columns: HashSet<String>,
    /// Whether a setting is a secret that the text says the name of.
    has_setting: bool,
}

impl Made {
    pub(super) fn is_empty(&self) -> bool {
        self.columns.is_empty() && !self.has_setting
    }

    pub(super) fn names(&self, name: &str) -> bool {
        (self.has_setting && is_value_member(name)) || self.columns.contains(&name.to_lowercase())
    }
}

impl Rules<'_> {
    /// What the names hide that the text itself made those of secrets.
    pub(super) fn collect_made(&self, found: &mut SqlSecrets) {
        let reading = self.reading;
        for at in 0..reading.len() {
            if reading.is_secret_name(at) && reading.clause(at) == Clause::Select {
                self.before_alias(at, found);
            }
            match (reading.token(at), reading.closing(at)) {
                (Some(Token::LParen), Some(close)) if self.is_list_of_made(at, close) => {
                    self.list(at, close, found);
                }
                _ if self.made.borrow().has_setting && reading.is_comparison(at) => {
                    let (left, right) = (reading.operand_before(at), reading.operand_after(at));
                    self.compare(left, right, false, found);
                }
                _ => {}
            }
        }
    }

    /// `AS v (id, p)`, `WITH v (id, p) AS (…)`.
    fn is_list_of_made(&self, open: usize, close: usize) -> bool {
        let is_table = self.reading.keyword(close + 1) == Some(Keyword::AS);
        is_table || self.named_by(open).is_some()
    }

    /// Remembers the column that a secret comes from, if it comes from one.
    pub(super) fn note_column(&self, item: &Range<usize>) {
        let reading = self.reading;
        let is_path = |at| matches!(reading.token(at), Some(Token::Word(_) | Token::Period));
        let last = item.end.saturating_sub(1);
        if item.clone().all(is_path)
            && !item.is_empty()
            && !reading.is_secret_name(last)
            && let Some(name) = reading.name(last)
        {
            self.made.borrow_mut().columns.insert(name.to_lowercase());
        }
    }

    /// `key = 'api_key'`: what is called `value` in this text is a secret.
    pub(super) fn note_setting(&self, left: &Range<usize>, right: &Range<usize>) {
        for (name, value) in [(left, right), (right, left)] {
            if self.is_naming_column(name) && value.clone().any(|at| self.is_name_of_secret(at)) {
                self.made.borrow_mut().has_setting = true;
            }
        }
    }

    fn is_naming_column(&self, item: &Range<usize>) -> bool {
        let reading = self.reading;
        let last = item.end.saturating_sub(1);
        let is_word = matches!(reading.token(last), Some(Token::Word(_)));
        is_word && !item.is_empty() && reading.name(last).is_some_and(is_naming_member)
    }

    fn is_name_of_secret(&self, at: usize) -> bool {
        match self.reading.token(at) {
            Some(Token::SingleQuotedString(name)) => {
                let last = name.rsplit(['.', ':', '/']).next().unwrap_or(name);
                self.reading.is_secret(last)
            }
            _ => false,
        }
    }

    /// `(name, value) VALUES ('api_key', 'x')`.
    pub(super) fn settings(&self, open: usize, close: usize, found: &mut SqlSecrets) {
        let reading = self.reading;
        if reading.keyword(close + 1) != Some(Keyword::VALUES) {
            return;
        }
        let columns = reading.items(open + 1..close);
        let naming = columns.iter().position(|item| self.is_naming_column(item));
        let value = columns.iter().position(|item| {
            let last = item.end.saturating_sub(1);
            !item.is_empty() && reading.name(last).is_some_and(is_value_member)
        });
        let (Some(naming), Some(value)) = (naming, value) else {
            return;
        };
        let mut at = close + 2;
        while let Some(end) = reading.closing(at).filter(|_| reading.look()) {
            let items = reading.items(at + 1..end);
            let mut name = items.get(naming).cloned().into_iter().flatten();
            if name.any(|at| self.is_name_of_secret(at))
                && let Some(value) = items.get(value)
            {
                self.hide_operand(value.clone(), found);
            }
            if !reading.is(end + 1, &Token::Comma) {
                return;
            }
            at = end + 2;
        }
    }

    /// Queries that are united: what one selects from a secret column, the others select
    /// beside it. `SELECT password FROM users UNION SELECT 'x'`.
    pub(super) fn unions(&self, select: usize, found: &mut SqlSecrets) {
        let reading = self.reading;
        if is_united(reading, select) {
            return;
        }
        let mut lists = Vec::new();
        let mut secret = Vec::new();
        let mut query = Some(select);
        while let Some(at) = query.filter(|at| reading.keyword(*at) == Some(Keyword::SELECT)) {
            let (items, end) = self.select_list(at + 1);
            secret.resize(items.len().max(secret.len()), false);
            for (item, secret) in items.iter().zip(&mut secret) {
                let last = item.end.saturating_sub(1);
                *secret |= !item.is_empty()
                    && reading.is_secret_name(last)
                    && matches!(reading.token(last), Some(Token::Word(_)));
            }
            lists.push(items);
            query = self.united(end).filter(|_| reading.look());
        }
        if lists.len() > 1 && secret.contains(&true) {
            for (item, is_secret) in lists.iter().flat_map(|items| items.iter().zip(&secret)) {
                if *is_secret {
                    self.hide_selected(item.clone(), found);
                }
            }
        }
    }
}

/// Whether a query goes on with what another began.
fn is_united(reading: &Reading<'_>, select: usize) -> bool {
    let before = reading.keyword_before(select);
    before.is_some_and(|word| {
        matches!(
            word,
            Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::MINUS | Keyword::ALL
        )
    })
}
