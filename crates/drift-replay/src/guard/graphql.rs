//! GraphQL: the parsed document, in which white space, comments, commas, the
//! order of arguments and of fields, and literal numbers and strings are free.

use std::sync::{Arc, LazyLock};

use apollo_parser::cst::CstNode as _;
use apollo_parser::{Lexer, Parser, SyntaxElement, SyntaxKind, SyntaxNode, TokenKind};
use drift_rust_core::{Object, Value};

use super::cache::FormCache;
use super::{KeyWriter, Mismatch, MismatchPart, first_text_of, shortened, text_of};

/// The operations of one request; more than one in a batch.
#[derive(Clone, Debug)]
pub(super) struct GraphqlCall {
    operations: Vec<Operation>,
}

#[derive(Clone, Debug)]
struct Operation {
    form: Arc<GraphqlForm>,
    /// `operationName`, where the document leaves a choice.
    selected: Option<String>,
}

#[derive(Debug)]
struct GraphqlForm {
    /// Equal for documents of equal structure.
    normal: String,
    /// Whether the text is a GraphQL document at all.
    parsed: bool,
    operation_count: usize,
}

/// Documents up to this length are parsed; longer ones are compared by their tokens.
const MAX_PARSED_BYTES: usize = 256 << 10;

/// Brackets of any kind within each other.
const MAX_NESTING: usize = 60;

/// Requests in one batch; a longer one is not taken for GraphQL.
const MAX_BATCH: usize = 1000;

/// Whether a text may be a document, by how it begins.
pub(super) fn looks_like_document(text: &str) -> bool {
    let text = text.trim_start();
    text.contains('{')
        && ["{", "query", "mutation", "subscription", "fragment", "#"]
            .iter()
            .any(|start| text.starts_with(start))
}

impl GraphqlCall {
    /// Of a span whose input is the request itself.
    pub(super) fn of_input(input: Object<'_>) -> Option<GraphqlCall> {
        GraphqlCall::of_request(Value::Object(input), true).or_else(|| {
            let text = first_text_of(input, &["document", "source", "body"])?;
            GraphqlCall::of_document(text, text_of(input, "operationName"), true)
        })
    }

    /// Of a JSON body: a request, or a batch of them. `certain` when
    /// something else says that it is GraphQL: then a query that does not
    /// parse is compared by its tokens.
    pub(super) fn of_request(json: Value<'_>, certain: bool) -> Option<GraphqlCall> {
        match json {
            Value::Object(request) => {
                Operation::of_request(request, certain).map(|operation| GraphqlCall {
                    operations: vec![operation],
                })
            }
            Value::Array(requests) if !requests.is_empty() && requests.len() <= MAX_BATCH => {
                let operations: Option<Vec<Operation>> = requests
                    .iter()
                    .map(|request| match request {
                        Value::Object(request) => Operation::of_request(request, certain),
                        _ => None,
                    })
                    .collect();
                operations.map(|operations| GraphqlCall { operations })
            }
            _ => None,
        }
    }

    /// Of a document's text.
    pub(super) fn of_document(
        text: &str,
        operation_name: Option<&str>,
        certain: bool,
    ) -> Option<GraphqlCall> {
        Operation::of_document(text, operation_name, certain).map(|operation| GraphqlCall {
            operations: vec![operation],
        })
    }

    pub(super) fn write_key(&self, key: &mut KeyWriter) {
        key.count(self.operations.len());
        for operation in &self.operations {
            key.part(&operation.form.normal);
            key.part(operation.selected.as_deref().unwrap_or_default());
        }
    }

    pub(super) fn mismatch(&self, live: &GraphqlCall) -> Option<Mismatch> {
        let count = |call: &GraphqlCall| format!("{} operations", call.operations.len());
        Mismatch::unless_equal(MismatchPart::Graphql, &count(live), &count(self)).or_else(|| {
            self.operations
                .iter()
                .zip(&live.operations)
                .find_map(|(recorded, live)| {
                    Mismatch::of_texts(
                        MismatchPart::Graphql,
                        &live.form.normal,
                        &recorded.form.normal,
                    )
                    .or_else(|| {
                        Mismatch::unless_equal(
                            MismatchPart::Graphql,
                            live.selected.as_deref().unwrap_or_default(),
                            recorded.selected.as_deref().unwrap_or_default(),
                        )
                    })
                })
        })
    }

    pub(super) fn describe(&self) -> String {
        let first = self.operations.first();
        shortened(first.map_or("", |operation| &operation.form.normal), 200)
    }
}

impl Operation {
    fn of_request(request: Object<'_>, certain: bool) -> Option<Operation> {
        let name = text_of(request, "operationName");
        if let Some(text) = text_of(request, "query").filter(|text| !text.is_empty()) {
            return Operation::of_document(text, name, certain);
        }
        // A persisted query is named by its hash.
        let Some(Value::Object(extensions)) = request.get("extensions") else {
            return None;
        };
        let Some(Value::Object(persisted)) = extensions.get("persistedQuery") else {
            return None;
        };
        let hash = text_of(persisted, "sha256Hash")?;
        Some(Operation {
            form: Arc::new(GraphqlForm {
                normal: format!("persisted query {hash}"),
                parsed: true,
                operation_count: 2,
            }),
            selected: name.map(str::to_owned),
        })
    }

    fn of_document(text: &str, name: Option<&str>, certain: bool) -> Option<Operation> {
        let form = GraphqlForm::remembered(text);
        if !form.parsed && !certain {
            return None;
        }
        let selected = name
            .filter(|_| form.operation_count != 1)
            .map(str::to_owned);
        Some(Operation { form, selected })
    }
}

static FORMS: LazyLock<FormCache<GraphqlForm>> = LazyLock::new(FormCache::new);

impl GraphqlForm {
    fn remembered(text: &str) -> Arc<GraphqlForm> {
        FORMS.get_or_make(0, text, || GraphqlForm::of(text), |form| form.normal.len())
    }

    fn of(text: &str) -> GraphqlForm {
        GraphqlForm::parse(text).unwrap_or_else(|| GraphqlForm {
            normal: format!("tokens: {}", tokens_of(text)),
            parsed: false,
            operation_count: 0,
        })
    }

    fn parse(text: &str) -> Option<GraphqlForm> {
        if text.len() > MAX_PARSED_BYTES || !nesting_is_within(text, MAX_NESTING) {
            return None;
        }
        let tree = Parser::new(text)
            .recursion_limit(2 * MAX_NESTING)
            .token_limit(MAX_PARSED_BYTES)
            .parse();
        if tree.errors().len() > 0 {
            return None;
        }
        let document = tree.document();
        let mut definitions = Vec::new();
        let mut operation_count = 0;
        for definition in document.syntax().children() {
            match definition.kind() {
                SyntaxKind::OPERATION_DEFINITION => operation_count += 1,
                SyntaxKind::FRAGMENT_DEFINITION => {}
                // A schema is no request.
                _ => return None,
            }
            definitions.push(normal(&definition, Selections::Sorted));
        }
        if operation_count == 0 {
            return None;
        }
        definitions.sort_unstable();
        Some(GraphqlForm {
            normal: definitions.join(" "),
            parsed: true,
            operation_count,
        })
    }
}

fn nesting_is_within(text: &str, limit: usize) -> bool {
    let mut depth = 0_usize;
    for token in Lexer::new(text).flatten() {
        match token.kind() {
            TokenKind::LCurly | TokenKind::LBracket | TokenKind::LParen => depth += 1,
            TokenKind::RCurly | TokenKind::RBracket | TokenKind::RParen => {
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
        if depth > limit {
            return false;
        }
    }
    true
}

/// The tokens that count, one space between them.
fn tokens_of(text: &str) -> String {
    let tokens: Vec<&str> = Lexer::new(text)
        .flatten()
        .filter(|token| {
            !matches!(
                token.kind(),
                TokenKind::Whitespace | TokenKind::Comment | TokenKind::Comma | TokenKind::Eof
            )
        })
        .map(|token| token.data())
        .collect();
    // What the lexer refuses is compared as it stands.
    if tokens.is_empty() {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    } else {
        tokens.join(" ")
    }
}

/// Whether the fields of a selection may be sorted: those of a mutation are
/// executed one after the other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Selections {
    Sorted,
    AsWritten,
}

fn normal(node: &SyntaxNode, selections: Selections) -> String {
    match node.kind() {
        SyntaxKind::OPERATION_DEFINITION => operation(node),
        SyntaxKind::SELECTION_SET => list(node, "{", "}", selections),
        SyntaxKind::ARGUMENTS | SyntaxKind::VARIABLE_DEFINITIONS => {
            list(node, "(", ")", Selections::Sorted)
        }
        SyntaxKind::OBJECT_VALUE => list(node, "{", "}", Selections::Sorted),
        SyntaxKind::LIST_VALUE => {
            let mut items: Vec<String> = node
                .children()
                .map(|item| normal(&item, Selections::Sorted))
                .collect();
            if items.iter().all(|item| is_free(item)) {
                items.dedup();
            }
            format!("[ {} ]", items.join(" "))
        }
        SyntaxKind::INT_VALUE | SyntaxKind::FLOAT_VALUE => "0".to_owned(),
        SyntaxKind::STRING_VALUE => "\"\"".to_owned(),
        _ => in_order(node, Selections::Sorted),
    }
}

fn is_free(value: &str) -> bool {
    matches!(value, "0" | "\"\"")
}

/// `{ a }` is short for `query { a }`.
fn operation(node: &SyntaxNode) -> String {
    let kind = node
        .children()
        .find(|child| child.kind() == SyntaxKind::OPERATION_TYPE)
        .map_or("query".to_owned(), |kind| {
            in_order(&kind, Selections::Sorted)
        });
    let selections = if kind == "mutation" {
        Selections::AsWritten
    } else {
        Selections::Sorted
    };
    let mut parts = vec![kind];
    parts.extend(
        node.children()
            .filter(|child| child.kind() != SyntaxKind::OPERATION_TYPE)
            .map(|child| normal(&child, selections)),
    );
    parts.join(" ")
}

fn list(node: &SyntaxNode, open: &str, close: &str, order: Selections) -> String {
    let mut items: Vec<String> = node
        .children()
        .map(|item| normal(&item, Selections::Sorted))
        .collect();
    if order == Selections::Sorted {
        items.sort_unstable();
    }
    format!("{open} {} {close}", items.join(" "))
}

fn in_order(node: &SyntaxNode, selections: Selections) -> String {
    let parts: Vec<String> = node
        .children_with_tokens()
        .filter_map(|element| match element {
            SyntaxElement::Node(child) => Some(normal(&child, selections)),
            SyntaxElement::Token(token) => match token.kind() {
                SyntaxKind::WHITESPACE | SyntaxKind::COMMENT | SyntaxKind::COMMA => None,
                _ => Some(token.text().to_owned()),
            },
        })
        .collect();
    parts.join(" ")
}
