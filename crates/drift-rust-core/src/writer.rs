//! Canonical JSON and `google.protobuf.Struct` of a document, each written from
//! its end to its start.
//!
//! Protobuf wants the length of a message in front of it, so it is written
//! backwards. While a Struct is written, text that stands already is hashed
//! along, some blocks at a time: the steps of SHA-256 wait for each other, so the
//! processor writes in between (measured: a quarter of the time of both).

use crate::Profile;
use crate::document::{Document, Kind, Node};
use crate::out::{Out, plain_run};
use crate::proto::fields::structure;
use crate::proto::reverse::ReverseBuffer;
use crate::proto::wire::WireType;
use crate::shapes::Shapes;
use crate::{hash, number};
use sha2::{Digest as _, Sha256};

/// Prepends the canonical JSON of a value.
pub(crate) fn prepend_json(document: &Document<'_>, node: Node, json: &mut ReverseBuffer) {
    let mut along = HashAlong::nothing();
    let mut walk = Walk::new(document, json, &mut along);
    walk.value::<true, false>(node, 0);
}

/// Prepends the Struct of an object and hashes along; gives the depth of the
/// deepest message, `depth` being that of the Struct.
pub(crate) fn prepend_struct(
    document: &Document<'_>,
    object: Node,
    depth: usize,
    proto: &mut ReverseBuffer,
    along: &mut HashAlong<'_>,
) -> usize {
    let mut walk = Walk::new(document, proto, along);
    walk.deepest = depth;
    walk.members::<false>(object, depth);
    walk.deepest
}

/// SHA-256 of bytes, a part at a time.
pub(crate) struct HashAlong<'h> {
    hasher: Sha256,
    rest: &'h [u8],
    /// How long the other buffer is when the next part is due.
    due: usize,
}

/// What is hashed at once, in bytes: two blocks, about as long as writing a value.
const HASHED_AT_ONCE: usize = 64;

impl<'h> HashAlong<'h> {
    pub(crate) fn of(bytes: &'h [u8]) -> HashAlong<'h> {
        HashAlong {
            hasher: Sha256::new(),
            rest: bytes,
            due: 0,
        }
    }

    fn nothing() -> HashAlong<'static> {
        HashAlong {
            due: usize::MAX,
            ..HashAlong::of(&[])
        }
    }

    #[inline(always)]
    fn go_on(&mut self, written: usize) {
        if written >= self.due {
            self.hash_some(written);
        }
    }

    #[inline(never)]
    fn hash_some(&mut self, written: usize) {
        match self.rest.split_at_checked(HASHED_AT_ONCE) {
            Some((part, rest)) => {
                self.hasher.update(part);
                self.rest = rest;
                self.due = written + HASHED_AT_ONCE;
            }
            None => self.due = usize::MAX,
        }
    }

    /// The digest of all bytes, lower-case hex.
    pub(crate) fn finish(mut self) -> String {
        self.hasher.update(self.rest);
        hash::hex(&self.hasher.finalize())
    }
}

/// A document with what its values are read from at hand, and what it is written to.
struct Walk<'w, 'h> {
    document: &'w Document<'w>,
    shapes: Option<&'w Shapes>,
    text: &'w [u8],
    scratch: &'w [u8],
    out: &'w mut ReverseBuffer,
    along: &'w mut HashAlong<'h>,
    /// Where numbers are printed.
    number: Out,
    /// The depth of the deepest message written.
    deepest: usize,
}

impl<'w, 'h> Walk<'w, 'h> {
    fn new(
        document: &'w Document<'w>,
        out: &'w mut ReverseBuffer,
        along: &'w mut HashAlong<'h>,
    ) -> Walk<'w, 'h> {
        let (text, scratch) = document.sources();
        Walk {
            document,
            shapes: document.shapes(),
            text,
            scratch,
            out,
            along,
            number: Out::empty(),
            deepest: 0,
        }
    }
}

const fn tag(field: u32, wire_type: WireType) -> u8 {
    // All fields of google/protobuf/struct.proto are below 16.
    (field << 3 | wire_type as u32) as u8
}

/// Four bytes at the end of a block.
const fn block(bytes: [u8; 4]) -> u64 {
    (u32::from_le_bytes(bytes) as u64) << 32
}

/// A `Value` of null, false or true with the lengths and tags in front of it,
/// as an item of a list; as a member it is without the first byte.
const fn constant_value(field: u32, value: u8) -> u64 {
    let list = tag(structure::LIST_VALUES, WireType::Length);
    block([list, 2, tag(field, WireType::Varint), value])
}

const NULL_VALUE: u64 = constant_value(structure::NULL_VALUE, 0);
const FALSE_VALUE: u64 = constant_value(structure::BOOL_VALUE, 0);
const TRUE_VALUE: u64 = constant_value(structure::BOOL_VALUE, 1);

/// What stands in front of a double, with an item's tag.
const NUMBER_HEAD: u64 = block([
    0,
    tag(structure::LIST_VALUES, WireType::Length),
    9,
    tag(structure::NUMBER_VALUE, WireType::Fixed64),
]);

const NULL: u64 = u64::from_le_bytes(*b"\0\0\0\0null");
const FALSE: u64 = u64::from_le_bytes(*b"\0\0\0false");
const TRUE: u64 = u64::from_le_bytes(*b"\0\0\0\0true");

impl Walk<'_, '_> {
    /// A value inside a container: its JSON, or its `Value` message of this depth
    /// with the length in front of it, and with `ITEM` the tag of a list's item.
    #[inline(always)]
    fn value<const JSON: bool, const ITEM: bool>(&mut self, node: Node, depth: usize) {
        let item = usize::from(ITEM);
        match node.kind() {
            Kind::Str if JSON => self.quoted(node),
            Kind::Str => {
                let (start, in_scratch) = node.start();
                let source = if in_scratch { self.scratch } else { self.text };
                let (mark, length) = (self.out.len(), node.len());
                self.out.prepend_piece(source, start, length);
                if length < 126 {
                    let list = tag(structure::LIST_VALUES, WireType::Length);
                    let string = tag(structure::STRING_VALUE, WireType::Length);
                    let length = length as u8;
                    let head = block([list, length + 2, string, length]);
                    self.out.block(head, 3 + item);
                } else {
                    self.out.close_message(structure::STRING_VALUE, mark);
                    self.close_value::<ITEM>(mark);
                }
            }
            kind @ (Kind::Int | Kind::Float | Kind::Digits) => {
                if JSON {
                    self.number_text(node, kind);
                } else {
                    let double = self.document.double_of(node);
                    self.out.block(double.to_bits(), 8);
                    self.out.block(NUMBER_HEAD, 2 + item);
                }
            }
            Kind::Null if JSON => self.out.block(NULL, 4),
            Kind::False if JSON => self.out.block(FALSE, 5),
            Kind::True if JSON => self.out.block(TRUE, 4),
            Kind::Null => self.out.block(NULL_VALUE, 3 + item),
            Kind::False => self.out.block(FALSE_VALUE, 3 + item),
            Kind::True => self.out.block(TRUE_VALUE, 3 + item),
            Kind::Object | Kind::Array if JSON => self.container_json(node),
            Kind::Object => {
                let mark = self.out.len();
                self.members::<false>(node, depth + 1);
                self.out.close_message(structure::STRUCT_VALUE, mark);
                self.close_value::<ITEM>(mark);
            }
            Kind::Array => {
                let mark = self.out.len();
                self.items::<false>(node, depth + 1);
                self.out.close_message(structure::LIST_VALUE, mark);
                self.close_value::<ITEM>(mark);
            }
        }
    }

    /// The length of a `Value` message, and an item's tag.
    #[inline]
    fn close_value<const ITEM: bool>(&mut self, mark: usize) {
        if ITEM {
            self.out.close_message(structure::LIST_VALUES, mark);
        } else {
            // Its tag stands behind the key.
            self.out.varint((self.out.len() - mark) as u64);
        }
    }

    fn number_text(&mut self, node: Node, kind: Kind) {
        let (start, length) = match kind {
            Kind::Digits => {
                let (start, in_scratch) = node.start();
                let source = if in_scratch { self.scratch } else { self.text };
                return self.out.prepend_piece(source, start, node.len());
            }
            _ => node.number_text(),
        };
        if length > 0 {
            return self.out.prepend_piece(self.text, start, length);
        }
        self.number.clear();
        match (kind, self.document.profile()) {
            (Kind::Int, _) => number::push_i64(&mut self.number, node.as_int()),
            (_, Profile::Drift) => number::push_float(&mut self.number, node.as_float()),
            (_, Profile::Rfc8785) => {
                number::push_float_ecmascript(&mut self.number, node.as_float());
            }
        }
        self.out.prepend(self.number.as_slice());
    }

    /// A string as JSON.
    #[inline(always)]
    fn quoted(&mut self, node: Node) {
        let (start, in_scratch) = node.start();
        if node.escape_free() && !in_scratch {
            // The quotes stand in the text too.
            self.out
                .prepend_piece(self.text, start.wrapping_sub(1), node.len() + 2);
        } else {
            let source = if in_scratch { self.scratch } else { self.text };
            let value = source.get(start..start + node.len()).unwrap_or_default();
            quote(self.out, &mut self.number, value);
        }
    }

    /// A container as JSON: as it stands in the text where that is canonical.
    fn container_json(&mut self, container: Node) {
        let (start, end) = self.document.header(container);
        if end > 0 {
            self.out.prepend_piece(self.text, start, end - start);
        } else if container.kind() == Kind::Object {
            self.members::<true>(container, 0);
        } else {
            self.items::<true>(container, 0);
        }
    }

    /// The members of an object; `depth` is that of its Struct message.
    fn members<const JSON: bool>(&mut self, object: Node, depth: usize) {
        let (Some(layout), Some(shapes)) = (object.layout(), self.shapes) else {
            return self.members_with_keys::<JSON>(object, depth);
        };
        if JSON {
            self.out.byte(b'}');
        }
        let document = self.document;
        let members = shapes.members(shapes.layout_at(layout));
        let values = document.children(object);
        for (member, value) in members.iter().zip(values).rev() {
            let entry = self.out.len();
            self.value::<JSON, false>(*value, depth + 2);
            if JSON {
                self.out.prepend_piece(
                    shapes.fragments(),
                    member.json_start as usize,
                    member.json_length as usize,
                );
            } else {
                self.out.prepend_piece(
                    shapes.fragments(),
                    member.proto_start as usize,
                    member.proto_length as usize,
                );
                self.out.close_message(structure::FIELDS, entry);
                self.along.go_on(self.out.len());
            }
        }
        self.close_object::<JSON>(members.is_empty(), depth);
    }

    /// The members of an object that keeps its own keys.
    fn members_with_keys<const JSON: bool>(&mut self, object: Node, depth: usize) {
        if JSON {
            self.out.byte(b'}');
        }
        let document = self.document;
        let (members, _) = document.children(object).as_chunks::<2>();
        for (rank, [key, value]) in members.iter().enumerate().rev() {
            let entry = self.out.len();
            self.value::<JSON, false>(*value, depth + 2);
            if JSON {
                self.out.byte(b':');
                self.quoted(*key);
                self.out.byte(if rank == 0 { b'{' } else { b',' });
            } else {
                let (start, in_scratch) = key.start();
                let source = if in_scratch { self.scratch } else { self.text };
                self.out.byte(tag(structure::ENTRY_VALUE, WireType::Length));
                if key.len() > 0 {
                    let mark = self.out.len();
                    self.out.prepend_piece(source, start, key.len());
                    self.out.close_message(structure::ENTRY_KEY, mark);
                }
                self.out.close_message(structure::FIELDS, entry);
                self.along.go_on(self.out.len());
            }
        }
        self.close_object::<JSON>(members.is_empty(), depth);
    }

    #[inline]
    fn close_object<const JSON: bool>(&mut self, is_empty: bool, depth: usize) {
        if JSON {
            if is_empty {
                self.out.byte(b'{');
            }
        } else {
            self.deepest = self.deepest.max(if is_empty { depth } else { depth + 2 });
        }
    }

    /// The items of an array; `depth` is that of its `ListValue` message.
    fn items<const JSON: bool>(&mut self, array: Node, depth: usize) {
        if JSON {
            self.out.byte(b']');
        }
        let document = self.document;
        let items = document.children(array);
        for (rank, item) in items.iter().enumerate().rev() {
            self.value::<JSON, true>(*item, depth + 1);
            if JSON {
                self.out.byte(if rank == 0 { b'[' } else { b',' });
            } else {
                self.along.go_on(self.out.len());
            }
        }
        if JSON {
            if items.is_empty() {
                self.out.byte(b'[');
            }
        } else {
            self.deepest = self
                .deepest
                .max(if items.is_empty() { depth } else { depth + 1 });
        }
    }
}

/// A string that may need escapes.
pub(crate) fn quote(json: &mut ReverseBuffer, scratch: &mut Out, value: &[u8]) {
    if plain_run(value, 0) == value.len() {
        json.byte(b'"');
        json.prepend_piece(value, 0, value.len());
        json.byte(b'"');
    } else {
        scratch.clear();
        scratch.quoted(value);
        json.prepend(scratch.as_slice());
    }
}
