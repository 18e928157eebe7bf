//! Semantic differences: two documents, to a list of what changed where.

use crate::document::{Document, Kind, Node};
use crate::error::{DiffError, JsonError, ProtobufError, Side};
use crate::out::Out;
use crate::proto::read;
use crate::{JsonText, ValueOptions, path};
use std::cmp::Ordering;

/// What happened at a path, seen from left to right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DifferenceKind {
    /// Only the right side has it.
    Added,
    /// Only the left side has it.
    Removed,
    /// Both have it, with different canonical bytes.
    Changed,
}

impl DifferenceKind {
    /// `added`, `removed` or `changed`.
    pub const fn as_str(self) -> &'static str {
        match self {
            DifferenceKind::Added => "added",
            DifferenceKind::Removed => "removed",
            DifferenceKind::Changed => "changed",
        }
    }
}

/// One difference between two documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What happened.
    pub kind: DifferenceKind,
    /// Where: `$`, `.name`, `["any key"]`, `[3]`.
    pub path: String,
    /// The left value's canonical JSON; `None` when it was added.
    pub left: Option<String>,
    /// The right value's canonical JSON; `None` when it was removed.
    pub right: Option<String>,
}

/// The differences between two JSON texts.
///
/// Two values are equal when their canonical bytes (profile `drift`) are.
/// Arrays are compared by index; the order is depth first, members in
/// canonical key order.
///
/// # Errors
/// [`DiffError::Json`] naming the side that is not JSON.
///
/// ```
/// let differences = drift_rust_core::diff_json(r#"{"a":1,"b":[1,2]}"#, r#"{"b":[1,3]}"#)?;
/// let shown: Vec<_> = differences.iter().map(|d| (d.kind.as_str(), d.path.as_str())).collect();
/// assert_eq!(shown, [("removed", "$.a"), ("changed", "$.b[1]")]);
/// assert!(drift_rust_core::diff_json("{}", "{").is_err());
/// # Ok::<(), drift_rust_core::DiffError>(())
/// ```
pub fn diff_json<'a>(
    left: impl Into<JsonText<'a>>,
    right: impl Into<JsonText<'a>>,
) -> Result<Vec<Difference>, DiffError> {
    let parse = |side, text| {
        Document::parse(text, ValueOptions::default())
            .map_err(|source: JsonError| DiffError::Json { side, source })
    };
    let left = parse(Side::Left, left.into())?;
    let right = parse(Side::Right, right.into())?;
    Ok(diff_documents(&left, &right))
}

/// The differences between two encoded spans, as their trace lines
/// ([`span_to_json`](crate::span_to_json)); the order of map entries is none.
///
/// # Errors
/// [`DiffError::Protobuf`] naming the side that is not a span.
pub fn diff_spans(left: &[u8], right: &[u8]) -> Result<Vec<Difference>, DiffError> {
    diff_messages(left, right, read::read_span)
}

/// The differences between two encoded export requests, spans by index.
///
/// # Errors
/// [`DiffError::Protobuf`] naming the side that is not an export request.
pub fn diff_export_requests(left: &[u8], right: &[u8]) -> Result<Vec<Difference>, DiffError> {
    diff_messages(left, right, read::read_export_request)
}

fn diff_messages(
    left: &[u8],
    right: &[u8],
    read: impl Fn(&[u8]) -> Result<Document<'static>, ProtobufError>,
) -> Result<Vec<Difference>, DiffError> {
    let decode = |side, bytes| read(bytes).map_err(|source| DiffError::Protobuf { side, source });
    let left = decode(Side::Left, left)?;
    let right = decode(Side::Right, right)?;
    Ok(diff_documents(&left, &right))
}

/// The differences between two documents of one profile.
pub fn diff_documents(left: &Document<'_>, right: &Document<'_>) -> Vec<Difference> {
    let mut comparison = Comparison {
        left,
        right,
        path: String::from("$"),
        differences: Vec::new(),
        scratch: (Out::with_capacity(64), Out::with_capacity(64)),
    };
    comparison.values(left.root_node(), right.root_node());
    comparison.differences
}

struct Comparison<'d> {
    left: &'d Document<'d>,
    right: &'d Document<'d>,
    path: String,
    differences: Vec<Difference>,
    scratch: (Out, Out),
}

impl Comparison<'_> {
    fn values(&mut self, left: Node, right: Node) {
        match (left.kind(), right.kind()) {
            (Kind::Object, Kind::Object) => self.objects(left, right),
            (Kind::Array, Kind::Array) => self.arrays(left, right),
            _ => {
                if !self.equal(left, right) {
                    self.report(Some(left), Some(right));
                }
            }
        }
    }

    fn equal(&mut self, left: Node, right: Node) -> bool {
        let (left_text, right_text) = &mut self.scratch;
        left_text.clear();
        right_text.clear();
        self.left.append_canonical(left_text, left);
        self.right.append_canonical(right_text, right);
        left_text.as_slice() == right_text.as_slice()
    }

    fn report(&mut self, left: Option<Node>, right: Option<Node>) {
        self.differences.push(Difference {
            kind: match (left, right) {
                (None, _) => DifferenceKind::Added,
                (_, None) => DifferenceKind::Removed,
                _ => DifferenceKind::Changed,
            },
            path: self.path.clone(),
            left: left.map(|node| self.left.canonical_of(node)),
            right: right.map(|node| self.right.canonical_of(node)),
        });
    }

    /// Runs a step with the path extended, and takes the extension back.
    fn below(&mut self, extend: impl FnOnce(&mut String), step: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        extend(&mut self.path);
        step(self);
        self.path.truncate(length);
    }

    fn objects(&mut self, left: Node, right: Node) {
        let (left_document, right_document) = (self.left, self.right);
        let mut left_members = left_document.members(left).peekable();
        let mut right_members = right_document.members(right).peekable();
        loop {
            let order = match (left_members.peek(), right_members.peek()) {
                (None, None) => return,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((left_key, _)), Some((right_key, _))) => left_key.cmp(right_key),
            };
            let from_left = (order != Ordering::Greater)
                .then(|| left_members.next())
                .flatten();
            let from_right = (order != Ordering::Less)
                .then(|| right_members.next())
                .flatten();
            let key = match (from_left, from_right) {
                (Some((key, _)), _) | (None, Some((key, _))) => key,
                (None, None) => return,
            };
            self.below(
                |path| path::push_member(path, key),
                |this| match (from_left, from_right) {
                    (Some((_, left)), Some((_, right))) => this.values(left, right),
                    _ => this.report(
                        from_left.map(|(_, value)| value),
                        from_right.map(|(_, value)| value),
                    ),
                },
            );
        }
    }

    fn arrays(&mut self, left: Node, right: Node) {
        let left_items = self.left.children(left);
        let right_items = self.right.children(right);
        for index in 0..left_items.len().max(right_items.len()) {
            let (left, right) = (left_items.get(index), right_items.get(index));
            self.below(
                |path| path::push_index(path, index),
                |this| match (left, right) {
                    (Some(left), Some(right)) => this.values(*left, *right),
                    _ => this.report(left.copied(), right.copied()),
                },
            );
        }
    }
}
