//! SQL of every library: the structure of a statement, in which literals,
//! placeholders and the length of their lists are free, and nothing else.

use std::ops::ControlFlow;
use std::sync::{Arc, LazyLock};

use drift_rust_core::{Object, Value};
use sqlparser::ast::{
    BinaryOperator, CloseCursor, Expr, GroupByExpr, Ident, InTarget, ObjectName, OrderByExpr,
    Query, SetExpr, Statement, UnaryOperator, Value as SqlValue, ValueWithSpan, VisitMut,
    VisitorMut,
};
use sqlparser::dialect::{Dialect, GenericDialect, MySqlDialect, PostgreSqlDialect};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use super::cache::FormCache;
use super::{KeyWriter, Mismatch, MismatchPart, package_type, shortened, text_of};
use crate::span::Span;

/// The statements of one call.
#[derive(Clone, Debug)]
pub(super) struct SqlCall {
    package: String,
    statements: Vec<Arc<SqlForm>>,
}

/// The structure of one statement's text.
#[derive(Debug)]
struct SqlForm {
    /// Equal for statements of equal structure.
    normal: String,
    /// `SELECT`, `INSERT`; upper case.
    kind: String,
    /// Sorted, each once.
    tables: Vec<String>,
}

/// Which grammar a text is read by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grammar {
    PostgreSql,
    MySql,
    Generic,
}

/// Statements up to this length are parsed; longer ones are compared by their tokens.
const MAX_PARSED_BYTES: usize = 256 << 10;

/// Texts up to this length are compared by their tokens; longer ones must be equal.
const MAX_TOKENISED_BYTES: usize = 4 << 20;

/// Levels of recursion that the parser may take, and operators in a row: `a OR
/// b OR c` is a tree of one level per operator, which is walked and dropped by
/// recursion too.
#[derive(Clone, Copy)]
struct ParseLimits {
    recursion: usize,
    operators: usize,
}

/// On the caller's stack: one level takes up to 100 kB of it in an unoptimised
/// build, and threads have 2 MB.
const SHALLOW: ParseLimits = ParseLimits {
    recursion: 12,
    operators: 60,
};

/// On a stack of its own; what is deeper is compared by its tokens.
const DEEP: ParseLimits = ParseLimits {
    recursion: 40,
    operators: 600,
};

/// Four times what [`DEEP`] takes in an unoptimised build.
const DEEP_STACK_BYTES: usize = 16 << 20;

/// Members of an input that hold a statement, or an array of them.
pub(crate) const STATEMENT_MEMBERS: [&str; 9] = [
    "query",
    "text",
    "sql",
    "statement",
    "queryText",
    "query_text",
    "queries",
    "statements",
    "sqls",
];

pub(super) fn is_sql_package(lower: &str) -> bool {
    grammar_of_package(lower).is_some()
}

/// `None` for a package that is no SQL library.
fn grammar_of_package(lower: &str) -> Option<Grammar> {
    match lower {
        "psycopg2" | "psycopg" | "psycopg3" | "asyncpg" | "pg" | "pg-pool" | "postgres"
        | "pg-promise" | "pg-native" | "aiopg" => Some(Grammar::PostgreSql),
        "mysql" | "mysql2" | "pymysql" | "mysqlclient" | "mysqldb" | "aiomysql" | "mariadb"
        | "mysql-connector" | "mysql.connector" => Some(Grammar::MySql),
        "sqlalchemy" | "sqlite3" | "better-sqlite3" | "aiosqlite" | "knex" | "sequelize"
        | "typeorm" | "drizzle" | "drizzle-orm" | "kysely" | "mssql" | "pyodbc" | "duckdb" => {
            Some(Grammar::Generic)
        }
        _ => None,
    }
}

/// Python's drivers write parameters as `%s` and `%(name)s`, and `%` as `%%`.
fn has_percent_parameters(lower: &str) -> bool {
    matches!(
        lower,
        "psycopg2"
            | "psycopg"
            | "psycopg3"
            | "aiopg"
            | "sqlalchemy"
            | "pymysql"
            | "mysqlclient"
            | "mysqldb"
            | "aiomysql"
            | "mysql-connector"
            | "mysql.connector"
    )
}

impl SqlCall {
    /// `None` for an input without a statement: a connect, a commit.
    pub(super) fn of(span: &Span, input: Object<'_>) -> Option<SqlCall> {
        let package = span.package_name.to_ascii_lowercase();
        let grammar = grammar_of_package(&package).unwrap_or(match span.package_type {
            package_type::PG => Grammar::PostgreSql,
            package_type::MYSQL => Grammar::MySql,
            _ => Grammar::Generic,
        });
        let percent = has_percent_parameters(&package);
        let mut texts = Vec::new();
        collect_statements(input, 0, &mut texts);
        if texts.is_empty() {
            return None;
        }
        let statements = texts
            .iter()
            .map(|text| SqlForm::remembered(text, grammar, percent))
            .collect();
        Some(SqlCall {
            package,
            statements,
        })
    }

    pub(super) fn write_key(&self, key: &mut KeyWriter) {
        key.part(&self.package);
        key.parts(self.statements.iter().map(|form| form.normal.as_str()));
    }

    pub(super) fn mismatch(&self, live: &SqlCall) -> Option<Mismatch> {
        Mismatch::unless_equal(MismatchPart::Package, &live.package, &self.package)
            .or_else(|| {
                self.statements
                    .iter()
                    .zip(&live.statements)
                    .find_map(|(recorded, live)| recorded.mismatch(live))
            })
            .or_else(|| {
                let count = |call: &SqlCall| format!("{} statements", call.statements.len());
                Mismatch::unless_equal(MismatchPart::SqlStructure, &count(live), &count(self))
            })
    }

    pub(super) fn describe(&self) -> String {
        let texts: Vec<&str> = self
            .statements
            .iter()
            .take(3)
            .map(|form| form.normal.as_str())
            .collect();
        shortened(&texts.join("; "), 200)
    }
}

/// The texts of an input's statements, also where they are in an object of
/// their own (`{"query": {"text": …, "values": …}}`, Prisma's `args`).
fn collect_statements(input: Object<'_>, depth: usize, texts: &mut Vec<String>) {
    const MAX_DEPTH: usize = 3;
    if depth > MAX_DEPTH {
        return;
    }
    for member in STATEMENT_MEMBERS {
        if let Some(value) = input.get(member) {
            collect_statement(value, depth, texts);
        }
        if !texts.is_empty() {
            return;
        }
    }
    // A tagged template: the parts between the parameters.
    if let Some(Value::Array(strings)) = input.get("strings") {
        let parts: Vec<&str> = strings
            .iter()
            .filter_map(|part| match part {
                Value::Str(text) => Some(text),
                _ => None,
            })
            .collect();
        if parts.len() == strings.len() && !parts.is_empty() {
            texts.push(parts.join(" ? "));
            return;
        }
    }
    for member in ["args", "arguments"] {
        match input.get(member) {
            Some(Value::Object(arguments)) => collect_statements(arguments, depth + 1, texts),
            Some(Value::Array(arguments)) if is_raw(input) => {
                if let Some(first) = arguments.iter().next() {
                    collect_statement(first, depth + 1, texts);
                }
            }
            _ => {}
        }
        if !texts.is_empty() {
            return;
        }
    }
}

/// `$queryRaw`, `executeRawUnsafe`: Prisma's actions whose arguments are statements.
fn is_raw(input: Object<'_>) -> bool {
    ["action", "operation", "method"].iter().any(|member| {
        text_of(input, member).is_some_and(|action| action.to_ascii_lowercase().contains("raw"))
    })
}

fn collect_statement(value: Value<'_>, depth: usize, texts: &mut Vec<String>) {
    match value {
        Value::Str(text) if !text.trim().is_empty() => texts.push(text.to_owned()),
        Value::Object(object) => collect_statements(object, depth + 1, texts),
        Value::Array(values) if depth < 3 => {
            for value in values.iter() {
                collect_statement(value, depth + 1, texts);
            }
        }
        _ => {}
    }
}

static FORMS: LazyLock<FormCache<SqlForm>> = LazyLock::new(FormCache::new);

impl SqlForm {
    fn remembered(text: &str, grammar: Grammar, percent: bool) -> Arc<SqlForm> {
        let variant = (grammar as u8) * 2 + u8::from(percent);
        FORMS.get_or_make(
            variant,
            text,
            || SqlForm::of(text, grammar, percent),
            |form| form.normal.len() + form.tables.iter().map(String::len).sum::<usize>(),
        )
    }

    fn of(text: &str, grammar: Grammar, percent: bool) -> SqlForm {
        if text.len() > MAX_TOKENISED_BYTES {
            return SqlForm::exact(text);
        }
        let postgres = PostgreSqlDialect {};
        let mysql = MySqlDialect {};
        let generic = GenericDialect {};
        // What a dialect's grammar lacks, another one may have.
        let dialects: [&(dyn Dialect + Sync); 2] = match grammar {
            Grammar::PostgreSql => [&postgres, &generic],
            Grammar::MySql => [&mysql, &generic],
            Grammar::Generic => [&generic, &postgres],
        };
        if text.len() <= MAX_PARSED_BYTES {
            let parsed = dialects.iter().find_map(|dialect| {
                let tokens = tokens_of(text, *dialect, percent)?;
                SqlForm::parsed(tokens, *dialect)
            });
            if let Some(form) = parsed {
                return form;
            }
        }
        dialects
            .iter()
            .find_map(|dialect| tokens_of(text, *dialect, percent))
            .map_or_else(
                || SqlForm::exact(text),
                |tokens| SqlForm::tokenised(&tokens),
            )
    }

    /// The form of the parsed statement; `None` for one that does not parse
    /// within the limits.
    fn parsed(tokens: Vec<TokenWithSpan>, dialect: &(dyn Dialect + Sync)) -> Option<SqlForm> {
        let operators = tokens
            .iter()
            .filter(|token| is_operator(&token.token))
            .count();
        if operators <= SHALLOW.operators {
            match SqlForm::parsed_here(tokens.clone(), dialect, SHALLOW.recursion) {
                Err(ParserError::RecursionLimitExceeded) => {}
                form => return form.ok().flatten(),
            }
        }
        if operators > DEEP.operators {
            return None;
        }
        std::thread::scope(|scope| {
            std::thread::Builder::new()
                .stack_size(DEEP_STACK_BYTES)
                .spawn_scoped(scope, || {
                    SqlForm::parsed_here(tokens, dialect, DEEP.recursion)
                })
                // Without a thread, or after a panic in it, the tokens count.
                .ok()?
                .join()
                .ok()?
                .ok()?
        })
    }

    fn parsed_here(
        tokens: Vec<TokenWithSpan>,
        dialect: &(dyn Dialect + Sync),
        recursion: usize,
    ) -> Result<Option<SqlForm>, ParserError> {
        let mut statements = Parser::new(dialect)
            .with_recursion_limit(recursion)
            .with_tokens_with_locations(tokens)
            .parse_statements()?;
        if statements.is_empty() {
            return Ok(None);
        }
        let mut normaliser = Normaliser::default();
        let _: ControlFlow<()> = statements.visit(&mut normaliser);
        let texts: Vec<String> = statements.iter().map(Statement::to_string).collect();
        let mut tables = normaliser.tables;
        tables.sort_unstable();
        tables.dedup();
        Ok(Some(SqlForm {
            kind: statements.first().map(kind_of).unwrap_or_default(),
            normal: texts.join("; "),
            tables,
        }))
    }

    fn tokenised(tokens: &[TokenWithSpan]) -> SqlForm {
        let mut words: Vec<String> = tokens
            .iter()
            .filter_map(|token| token_text(&token.token))
            .collect();
        while words.last().is_some_and(|word| word == ";") {
            words.pop();
        }
        let kind = words
            .first()
            .map(|word| word.to_ascii_uppercase())
            .unwrap_or_default();
        let mut tables: Vec<String> = words
            .windows(2)
            .filter_map(|pair| match pair {
                [before, table]
                    if matches!(before.as_str(), "from" | "join" | "into" | "update")
                        && table
                            .starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '"') =>
                {
                    Some(table.clone())
                }
                _ => None,
            })
            .collect();
        tables.sort_unstable();
        tables.dedup();
        SqlForm {
            // A statement's parsed form never begins like this.
            normal: format!("tokens: {}", without_repeats(words).join(" ")),
            kind,
            tables,
        }
    }

    /// A text that no tokeniser reads, or a huge one: a start to show, and a
    /// digest that stands for all of it.
    fn exact(text: &str) -> SqlForm {
        let text = text.trim();
        let normal = if text.len() <= 1024 {
            format!("text: {text}")
        } else {
            let digest = blake3::hash(text.as_bytes());
            format!("text: {} [{digest}]", shortened(text, 200))
        };
        SqlForm {
            normal,
            kind: String::new(),
            tables: Vec::new(),
        }
    }

    fn mismatch(&self, live: &SqlForm) -> Option<Mismatch> {
        if self.normal == live.normal {
            return None;
        }
        Mismatch::unless_equal(MismatchPart::SqlStatement, &live.kind, &self.kind)
            .or_else(|| {
                // What only one side has says more than two long lists.
                let only = |left: &[String], right: &[String]| {
                    let only: Vec<&str> = left
                        .iter()
                        .filter(|table| !right.contains(table))
                        .map(String::as_str)
                        .collect();
                    only.join(", ")
                };
                Mismatch::unless_equal(
                    MismatchPart::SqlTables,
                    &only(&live.tables, &self.tables),
                    &only(&self.tables, &live.tables),
                )
            })
            .or_else(|| Mismatch::of_texts(MismatchPart::SqlStructure, &live.normal, &self.normal))
    }
}

fn kind_of(statement: &Statement) -> String {
    if let Statement::Query(query) = statement {
        return match query.body.as_ref() {
            SetExpr::Insert(_) => "INSERT",
            SetExpr::Update(_) => "UPDATE",
            SetExpr::Delete(_) => "DELETE",
            SetExpr::Merge(_) => "MERGE",
            SetExpr::Values(_) => "VALUES",
            SetExpr::Select(_)
            | SetExpr::Query(_)
            | SetExpr::SetOperation { .. }
            | SetExpr::Table(_) => "SELECT",
        }
        .to_owned();
    }
    let text = statement.to_string();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// The tokens of a text, comments and white space kept (the parser skips
/// them), with every spelling of a placeholder that it does not know made one
/// that it knows.
pub(crate) fn tokens_of(
    text: &str,
    dialect: &dyn Dialect,
    percent: bool,
) -> Option<Vec<TokenWithSpan>> {
    let tokens = Tokenizer::new(dialect, text)
        .tokenize_with_location()
        .ok()?;
    Some(with_placeholders(&tokens, percent))
}

/// The same, as far as the text can be read.
pub(crate) fn tokens_before_fault(
    text: &str,
    dialect: &dyn Dialect,
    percent: bool,
) -> Vec<TokenWithSpan> {
    let mut tokens = Vec::new();
    // What was read stays there if the rest cannot be.
    let _fault = Tokenizer::new(dialect, text).tokenize_with_location_into_buf(&mut tokens);
    with_placeholders(&tokens, percent)
}

fn with_placeholders(tokens: &[TokenWithSpan], percent: bool) -> Vec<TokenWithSpan> {
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut rest = tokens;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match &first.token {
            Token::Mod if percent => {
                if let [next, after @ ..] = tail
                    && next.token == Token::Mod
                {
                    rest = after;
                } else if let Some(after) = after_percent_parameter(tail) {
                    rest = after;
                    out.push(TokenWithSpan::new(placeholder_token(), first.span));
                    continue;
                }
            }
            // PostgreSQL's operator `?` stands after a value; a placeholder
            // stands where a value is wanted.
            Token::Question => {
                let before = out
                    .iter()
                    .rev()
                    .find(|token| !matches!(token.token, Token::Whitespace(_)));
                if before.is_none_or(|token| wants_value_after(&token.token)) {
                    out.push(TokenWithSpan::new(placeholder_token(), first.span));
                    continue;
                }
            }
            _ => {}
        }
        out.push(first.clone());
    }
    out
}

fn placeholder_token() -> Token {
    Token::Placeholder("?".to_owned())
}

/// What follows `s` or `(name)s` after a `%`.
fn after_percent_parameter(tokens: &[TokenWithSpan]) -> Option<&[TokenWithSpan]> {
    let is_format = |token: &TokenWithSpan| match &token.token {
        Token::Word(word) => {
            word.quote_style.is_none() && matches!(word.value.as_str(), "s" | "b" | "t")
        }
        _ => false,
    };
    match tokens {
        [format, rest @ ..] if is_format(format) => Some(rest),
        [open, name, close, format, rest @ ..]
            if open.token == Token::LParen
                && matches!(name.token, Token::Word(_))
                && close.token == Token::RParen
                && is_format(format) =>
        {
            Some(rest)
        }
        _ => None,
    }
}

fn wants_value_after(token: &Token) -> bool {
    match token {
        Token::Word(word) => word.keyword != Keyword::NoKeyword,
        Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::Placeholder(_)
        | Token::RParen
        | Token::RBracket => false,
        _ => true,
    }
}

/// Tokens that can make a tree one level deeper without a parenthesis.
fn is_operator(token: &Token) -> bool {
    match token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::XOR
                | Keyword::NOT
                | Keyword::IS
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::SIMILAR
                | Keyword::BETWEEN
                | Keyword::IN
                | Keyword::UNION
                | Keyword::EXCEPT
                | Keyword::INTERSECT
                | Keyword::MINUS
                | Keyword::COLLATE
                | Keyword::AT
                | Keyword::DIV
                | Keyword::MOD
                | Keyword::REGEXP
                | Keyword::RLIKE
                | Keyword::OVERLAPS
                | Keyword::OPERATOR
                | Keyword::NOTNULL
        ),
        Token::EOF
        | Token::Number(..)
        | Token::Char(_)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::NationalStringLiteral(_)
        | Token::EscapedStringLiteral(_)
        | Token::HexStringLiteral(_)
        | Token::Comma
        | Token::Whitespace(_)
        | Token::LParen
        | Token::RParen
        | Token::Period
        | Token::SemiColon
        | Token::Placeholder(_) => false,
        _ => true,
    }
}

/// Whether a token is a number or a text in quotes.
pub(crate) fn is_literal(token: &Token) -> bool {
    matches!(
        token,
        Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::DoubleQuotedString(_)
            | Token::TripleSingleQuotedString(_)
            | Token::TripleDoubleQuotedString(_)
            | Token::DollarQuotedString(_)
            | Token::SingleQuotedByteStringLiteral(_)
            | Token::DoubleQuotedByteStringLiteral(_)
            | Token::TripleSingleQuotedByteStringLiteral(_)
            | Token::TripleDoubleQuotedByteStringLiteral(_)
            | Token::SingleQuotedRawStringLiteral(_)
            | Token::DoubleQuotedRawStringLiteral(_)
            | Token::TripleSingleQuotedRawStringLiteral(_)
            | Token::TripleDoubleQuotedRawStringLiteral(_)
            | Token::NationalStringLiteral(_)
            | Token::EscapedStringLiteral(_)
            | Token::UnicodeStringLiteral(_)
            | Token::HexStringLiteral(_)
    )
}

/// A token in the tokenised form; `None` for one that does not count.
fn token_text(token: &Token) -> Option<String> {
    Some(match token {
        Token::EOF | Token::Whitespace(_) => return None,
        Token::Word(word) => match (word.quote_style, word.keyword) {
            (None, Keyword::TRUE | Keyword::FALSE | Keyword::NULL) => "?".to_owned(),
            (None, _) => word.value.to_lowercase(),
            (Some(_), _) if is_plain_name(&word.value) => word.value.clone(),
            (Some(_), _) => format!("{:?}", word.value),
        },
        Token::Char(_) | Token::Placeholder(_) => "?".to_owned(),
        literal if is_literal(literal) => "?".to_owned(),
        other => other.to_string(),
    })
}

/// Lists of literals, and lists of equal rows of them, at length one.
fn without_repeats(words: Vec<String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::with_capacity(words.len());
    for word in words {
        out.push(word);
        if let [.., first, comma, second] = out.as_slice()
            && first == "?"
            && comma == ","
            && second == "?"
        {
            out.truncate(out.len() - 2);
        }
        if let [.., a, b, c, comma, d, e, f] = out.as_slice()
            && comma == ","
            && (a.as_str(), b.as_str(), c.as_str()) == ("(", "?", ")")
            && (d.as_str(), e.as_str(), f.as_str()) == ("(", "?", ")")
        {
            out.truncate(out.len() - 4);
        }
    }
    out
}

/// Replaces what is free in a statement by one spelling of it.
#[derive(Default)]
struct Normaliser {
    tables: Vec<String>,
}

fn placeholder() -> SqlValue {
    SqlValue::Placeholder("?".to_owned())
}

/// A literal after normalisation, or a row of such.
fn is_free(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => matches!(value.value, SqlValue::Placeholder(_)),
        Expr::Tuple(items) => items.iter().all(is_free),
        Expr::Nested(inner) => is_free(inner),
        // `$1::int`, `CAST(%s AS uuid)`.
        Expr::Cast { expr, .. } => is_free(expr),
        _ => false,
    }
}

/// A list of literals keeps one item of each kind that it has.
fn shorten_list(items: &mut Vec<Expr>) {
    if items.iter().all(is_free) {
        items.dedup();
    }
}

/// `users` and `"users"` are one name, `Users` is that too, `"Users"` is not.
fn is_plain_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '$')
}

fn fold(ident: &mut Ident) {
    match ident.quote_style {
        None => ident.value = ident.value.to_lowercase(),
        Some('\'') => {}
        Some(_) if is_plain_name(&ident.value) => ident.quote_style = None,
        Some(_) => ident.quote_style = Some('"'),
    }
}

/// A number in `ORDER BY 2` names a column: it is not free.
fn keep_position(expr: &mut Expr) {
    if let Expr::Value(value) = expr
        && let SqlValue::Number(number, _) = &value.value
    {
        *expr = Expr::Identifier(Ident::new(number.clone()));
    }
}

impl VisitorMut for Normaliser {
    type Break = ();

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<()> {
        let mut folded = relation.clone();
        for part in &mut folded.0 {
            if let sqlparser::ast::ObjectNamePart::Identifier(ident) = part {
                fold(ident);
            }
        }
        self.tables.push(folded.to_string());
        ControlFlow::Continue(())
    }

    fn pre_visit_ident(&mut self, ident: &mut Ident) -> ControlFlow<()> {
        fold(ident);
        ControlFlow::Continue(())
    }

    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<()> {
        value.value = placeholder();
        ControlFlow::Continue(())
    }

    fn pre_visit_order_by_expr(&mut self, order: &mut OrderByExpr) -> ControlFlow<()> {
        keep_position(&mut order.expr);
        ControlFlow::Continue(())
    }

    fn pre_visit_group_by(&mut self, group: &mut GroupByExpr) -> ControlFlow<()> {
        if let GroupByExpr::Expressions(columns, _) = group {
            columns.iter_mut().for_each(keep_position);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        // The key in `data->>'email'` says which field is read, like a column.
        if let Expr::BinaryOp {
            op:
                BinaryOperator::Arrow
                | BinaryOperator::LongArrow
                | BinaryOperator::HashArrow
                | BinaryOperator::HashLongArrow,
            right,
            ..
        } = expr
            && let Expr::Value(value) = right.as_ref()
            && let SqlValue::SingleQuotedString(key) = &value.value
        {
            **right = Expr::Identifier(Ident::with_quote('\'', key.clone()));
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::UnaryOp {
                op: UnaryOperator::Minus | UnaryOperator::Plus,
                expr: inner,
            } if matches!(inner.as_ref(), Expr::Value(_)) => {
                *expr = Expr::Value(placeholder().with_empty_span());
            }
            Expr::In {
                target: InTarget::List(list),
                ..
            } => shorten_list(list),
            Expr::Array(array) => shorten_list(&mut array.elem),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        if let SetExpr::Values(values) = query.body.as_mut() {
            values.rows.dedup();
        }
        ControlFlow::Continue(())
    }

    fn post_visit_statement(&mut self, statement: &mut Statement) -> ControlFlow<()> {
        // Names that drivers make up anew in each run.
        match statement {
            Statement::Savepoint { name }
            | Statement::ReleaseSavepoint { name }
            | Statement::Fetch { name, .. }
            | Statement::Close {
                cursor: CloseCursor::Specific { name },
            }
            | Statement::Rollback {
                savepoint: Some(name),
                ..
            } => *name = Ident::new("?"),
            Statement::Declare { stmts, .. } => {
                for name in stmts.iter_mut().flat_map(|declare| &mut declare.names) {
                    *name = Ident::new("?");
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_the_bounds_that_hold() {
        let page = include_str!("../../../../docs/matching.md");
        for text in [
            format!("longer than {} KiB, has more", MAX_PARSED_BYTES >> 10),
            format!("{}\noperators", DEEP.operators),
            format!("about {} levels", DEEP.recursion),
            format!("longer than {} MiB", MAX_TOKENISED_BYTES >> 20),
        ] {
            assert!(page.contains(&text), "{text}");
        }
    }
}
