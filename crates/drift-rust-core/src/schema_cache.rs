//! Schemas in their written forms, kept by the shape of the payload.
//!
//! Services send payloads of the same shapes, whose schemas are the same. A
//! payload's signature says all that its schema is made of: kinds, layouts and
//! merges, in the order of a walk, each entry telling how many follow it. Two
//! signatures that are equal are of one schema; they are compared in full, so a
//! collision of their hashes costs time only. A layout is named by its number
//! and the table it is in, whose number is never used again.

use crate::document::{Document, Kind, Node};
use crate::merges::SchemaMerge;

/// Schemas that one table keeps.
const SLOTS: usize = 32;

/// The size of a signature (in numbers) and of a schema text (in bytes) above
/// which nothing is kept; with [`SLOTS`] this bounds a table to 2 MiB.
const MAX_SIGNATURE: usize = 1 << 12;
const MAX_JSON_BYTES: usize = 1 << 15;

/// A larger schema may take the one place for such.
const MAX_LARGE_SIGNATURE: usize = 1 << 16;
const MAX_LARGE_JSON_BYTES: usize = 1 << 20;

/// A schema as it is written.
#[derive(Clone, Debug)]
pub(crate) struct SchemaForms {
    /// The canonical form.
    pub(crate) json: String,
    /// Its SHA-256.
    pub(crate) hash: String,
    /// The `JsonSchema` message and the depth of the deepest message in it, 0
    /// being the schema itself; only when it was asked for.
    pub(crate) message: Option<(Vec<u8>, usize)>,
}

#[derive(Debug)]
struct Kept {
    signature: Box<[u32]>,
    forms: SchemaForms,
}

/// The schemas of one table of shapes.
#[derive(Debug, Default)]
pub(crate) struct SchemaCache {
    kept: Vec<Option<Kept>>,
    large: Option<Kept>,
    signature: Vec<u32>,
}

/// Makes the forms of a schema that is not known.
pub(crate) trait MakeForms {
    /// Whether the protobuf form is needed.
    fn with_message(&self) -> bool;
    /// Whether the canonical text is needed; without it a kept one is not copied.
    fn with_json(&self) -> bool {
        true
    }
    /// The forms, with the message if it is needed.
    fn make(self) -> SchemaForms;
}

const NULL: u32 = 1;
const BOOLEAN: u32 = 2;
const NUMBER: u32 = 3;
const STRING: u32 = 4;
const EMPTY_ARRAY: u32 = 5;
/// The first item follows.
const ARRAY: u32 = 6;
/// Seven numbers and the value that they are said of follow.
const MERGED: u32 = 7;
/// The two halves of a table's number and a value follow.
const DECODED: u32 = 8;
/// Plus the number of a layout; its values follow.
const OBJECT: u32 = 16;

impl SchemaCache {
    /// The forms of a payload's schema, taken from the last time or made.
    pub(crate) fn forms<'d>(
        &mut self,
        document: &'d Document<'_>,
        member_at: impl Fn(usize) -> (Option<&'d Document<'static>>, SchemaMerge),
        make: impl MakeForms,
    ) -> SchemaForms {
        let mut signature = std::mem::take(&mut self.signature);
        signature.clear();
        let known = sign_root(&mut signature, document, member_at);
        let forms = if known.is_some() && signature.len() <= MAX_LARGE_SIGNATURE {
            self.kept_or_made(&signature, make)
        } else {
            make.make()
        };
        if signature.capacity() <= MAX_LARGE_SIGNATURE {
            self.signature = signature;
        }
        forms
    }

    fn kept_or_made(&mut self, signature: &[u32], make: impl MakeForms) -> SchemaForms {
        let (with_message, with_json) = (make.with_message(), make.with_json());
        if self.kept.is_empty() {
            self.kept.resize_with(SLOTS, || None);
        }
        let small = signature.len() <= MAX_SIGNATURE;
        let place = hash(signature) as usize % SLOTS;
        let slot = match self.kept.get_mut(place) {
            Some(slot) if small => slot,
            _ => &mut self.large,
        };
        if let Some(kept) = slot
            && *kept.signature == *signature
            && (!with_message || kept.forms.message.is_some())
        {
            return SchemaForms {
                json: match with_json {
                    true => kept.forms.json.clone(),
                    false => String::new(),
                },
                hash: kept.forms.hash.clone(),
                message: kept.forms.message.clone().filter(|_| with_message),
            };
        }
        let forms = make.make();
        let limit = if small {
            MAX_JSON_BYTES
        } else {
            MAX_LARGE_JSON_BYTES
        };
        if forms.json.len() <= limit {
            *slot = Some(Kept {
                signature: signature.into(),
                forms: forms.clone(),
            });
        }
        forms
    }
}

fn sign_root<'d>(
    signature: &mut Vec<u32>,
    document: &'d Document<'_>,
    member_at: impl Fn(usize) -> (Option<&'d Document<'static>>, SchemaMerge),
) -> Option<()> {
    let root = document.root_node();
    if root.kind() != Kind::Object {
        return sign(signature, document, root);
    }
    signature.push(OBJECT + root.layout()?);
    for (place, value) in document.children(root).iter().enumerate() {
        let (decoded, merge) = member_at(place);
        if merge != SchemaMerge::default() {
            let number = |code: Option<i32>| {
                [
                    u32::from(code.is_some()),
                    code.unwrap_or_default().cast_unsigned(),
                ]
            };
            let importance = merge.match_importance.map_or(0, f64::to_bits);
            signature.push(MERGED);
            signature.extend(number(merge.encoding));
            signature.extend(number(merge.decoded_type));
            signature.extend([
                u32::from(merge.match_importance.is_some()),
                importance as u32,
                (importance >> 32) as u32,
            ]);
        }
        match decoded {
            Some(decoded) => {
                let table = decoded.shapes()?.number;
                signature.extend([DECODED, table as u32, (table >> 32) as u32]);
                sign(signature, decoded, decoded.root_node())?;
            }
            None => sign(signature, document, *value)?,
        }
    }
    Some(())
}

/// Signs a value; `None` when it holds an object that keeps its own keys.
fn sign(signature: &mut Vec<u32>, document: &Document<'_>, node: Node) -> Option<()> {
    signature.push(match node.kind() {
        Kind::Null => NULL,
        Kind::False | Kind::True => BOOLEAN,
        Kind::Digits | Kind::Int | Kind::Float => NUMBER,
        Kind::Str => STRING,
        Kind::Array => {
            let Some(first) = document.first_item(node) else {
                signature.push(EMPTY_ARRAY);
                return Some(());
            };
            signature.push(ARRAY);
            return sign(signature, document, first);
        }
        Kind::Object => {
            signature.push(OBJECT + node.layout()?);
            for value in document.children(node) {
                sign(signature, document, *value)?;
            }
            return Some(());
        }
    });
    Some(())
}

fn hash(signature: &[u32]) -> u64 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let state = signature
        .iter()
        .fold(signature.len() as u64, |state, number| {
            (state.rotate_left(5) ^ u64::from(*number)).wrapping_mul(FACTOR)
        });
    state >> 32
}
