//! Schema merges: what a caller says about top-level members of a payload.

use crate::document::{Document, DocumentBuilder, Kind, Node, RepeatedKeys};
use crate::error::{JsonError, MergesError};
use crate::{JsonText, Value, ValueOptions, path};

/// What is said about one top-level member.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SchemaMerge {
    /// `JsonSchema.encoding`: 1 is base64.
    pub encoding: Option<i32>,
    /// `JsonSchema.decoded_type`: 1 is JSON.
    pub decoded_type: Option<i32>,
    /// `JsonSchema.match_importance`, from 0 (ignored) to 1.
    pub match_importance: Option<f64>,
}

/// The members' names, in the order of the positional (array) form.
const MEMBERS: [&str; 3] = ["encoding", "decoded_type", "match_importance"];

/// Schema merges by top-level key.
///
/// ```
/// use drift_rust_core::SchemaMerges;
/// let merges = SchemaMerges::parse(r#"{"body": {"encoding": 1}}"#)?;
/// assert_eq!(merges.get("body").and_then(|merge| merge.encoding), Some(1));
/// let error = SchemaMerges::parse(r#"{"body": {"encoding": "1"}}"#).unwrap_err();
/// assert_eq!(error.path().as_deref(), Some("$.body.encoding"));
/// # Ok::<(), drift_rust_core::MergesError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SchemaMerges {
    /// Sorted by key, each key once.
    entries: Vec<(String, SchemaMerge)>,
}

impl SchemaMerges {
    /// The names that an entry can have; others are skipped, as they always were.
    pub const MEMBERS: [&'static str; 3] = MEMBERS;

    /// No merges: the same as an empty object.
    pub const fn none() -> SchemaMerges {
        SchemaMerges {
            entries: Vec::new(),
        }
    }

    /// A builder for native merges, to be read with
    /// [`from_document`](Self::from_document): it keeps members as they come,
    /// so that the first fault is the first in the caller's order.
    pub fn document_builder() -> DocumentBuilder {
        DocumentBuilder::with_repeated_keys(ValueOptions::default(), RepeatedKeys::Keep)
    }

    /// Whether a member of an entry has a meaning; others are skipped unread,
    /// so a binding need not convert their values.
    pub fn reads_member(name: &str) -> bool {
        MEMBERS.contains(&name)
    }

    /// Reads merges from their text: one object of objects, or of arrays read
    /// by position.
    ///
    /// # Errors
    /// [`MergesError::InvalidMerges`] with the path of the fault, and with its
    /// offset where the text is not JSON.
    pub fn parse<'a>(text: impl Into<JsonText<'a>>) -> Result<SchemaMerges, MergesError> {
        let document = Document::parse_keeping_repeated_keys(text.into(), ValueOptions::default())
            .map_err(|error: JsonError| MergesError::InvalidMerges {
                path: "$".to_owned(),
                reason: error.to_string(),
                offset: error.offset(),
            })?;
        SchemaMerges::from_document(&document)
    }

    /// Reads merges from a document.
    ///
    /// # Errors
    /// [`MergesError::InvalidMerges`] with the path of the fault.
    pub fn from_document(document: &Document<'_>) -> Result<SchemaMerges, MergesError> {
        let root = document.root_node();
        if root.kind() != Kind::Object {
            return Err(invalid("$".to_owned(), "must be an object of objects"));
        }
        let mut merges = SchemaMerges::none();
        for (key, entry) in document.members(root) {
            let merge = read_entry(document, key, entry)?;
            merges.entries.push((key.to_owned(), merge));
        }
        // The sort is stable, so the last of a repeated key stands last; it wins.
        merges
            .entries
            .sort_by(|(left, _), (right, _)| left.cmp(right));
        merges.entries.reverse();
        merges
            .entries
            .dedup_by(|(left, _), (right, _)| left == right);
        merges.entries.reverse();
        Ok(merges)
    }

    /// Whether nothing is said about anything.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What is said about a top-level key.
    pub fn get(&self, key: &str) -> Option<SchemaMerge> {
        let place = self
            .entries
            .binary_search_by(|(name, _)| name.as_str().cmp(key))
            .ok()?;
        self.entries.get(place).map(|(_, merge)| *merge)
    }
}

fn invalid(path: String, reason: &str) -> MergesError {
    MergesError::InvalidMerges {
        path,
        reason: reason.to_owned(),
        offset: None,
    }
}

fn read_entry(document: &Document<'_>, key: &str, entry: Node) -> Result<SchemaMerge, MergesError> {
    let mut merge = SchemaMerge::default();
    // A path is made when it is needed.
    let at_entry = || {
        let mut path = String::from("$");
        path::push_member(&mut path, key);
        path
    };
    match entry.kind() {
        Kind::Object => {
            let mut seen = [false; 3];
            for (name, value) in document.members(entry) {
                let Some(place) = MEMBERS.iter().position(|member| *member == name) else {
                    continue;
                };
                let at_member = |reason| {
                    let mut path = at_entry();
                    path::push_member(&mut path, name);
                    invalid(path, reason)
                };
                if let Some(seen) = seen.get_mut(place) {
                    if *seen {
                        return Err(at_member("the member is repeated; give it once"));
                    }
                    *seen = true;
                }
                read_member(&mut merge, place, document.value(value)).map_err(at_member)?;
            }
        }
        Kind::Array => {
            for (place, value) in document.children(entry).iter().enumerate() {
                let at_item = |reason| {
                    let mut path = at_entry();
                    path::push_index(&mut path, place);
                    invalid(path, reason)
                };
                if place >= MEMBERS.len() {
                    return Err(at_item(
                        "an array has at most three items: encoding, decoded_type, match_importance",
                    ));
                }
                read_member(&mut merge, place, document.value(*value)).map_err(at_item)?;
            }
        }
        _ => {
            return Err(invalid(
                at_entry(),
                "must be an object with encoding, decoded_type or match_importance",
            ));
        }
    }
    Ok(merge)
}

/// Reads the member of a place; the error is what is wrong with it.
fn read_member(
    merge: &mut SchemaMerge,
    place: usize,
    value: Value<'_>,
) -> Result<(), &'static str> {
    if place == 2 {
        merge.match_importance = match value {
            Value::Null => None,
            Value::Int(value) => Some(value as f64),
            Value::BigInt(digits) => Some(crate::number::integer_to_f64_clamped(digits)),
            Value::Float(value) if value.is_finite() => Some(value),
            _ => return Err("must be a number within a double's range, or null"),
        };
        return Ok(());
    }
    let code = match value {
        Value::Null => None,
        Value::Int(value) => match i32::try_from(value) {
            Ok(code) => Some(code),
            Err(_) => return Err("must be an integer of 32 bits"),
        },
        _ => return Err("must be an integer of 32 bits or null"),
    };
    if place == 0 {
        merge.encoding = code;
    } else {
        merge.decoded_type = code;
    }
    Ok(())
}
