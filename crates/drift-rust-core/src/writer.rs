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

/// Prepends the canonical form of a value's schema, as `Schema::infer` and its
/// `to_canonical_json` give it for a value without merges, but without building it.
pub(crate) fn prepend_schema(document: &Document<'_>, node: Node, json: &mut ReverseBuffer) {
    let mut along = HashAlong::nothing();
    Walk::new(document, json, &mut along).schema(node);
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

/// SHA-256 of one or two texts, a part at a time; of two, both at once.
pub(crate) struct HashAlong<'h> {
    texts: [Hashed<'h>; 2],
    /// How long the other buffer is when the next part is due.
    due: usize,
}

/// A text, and how far it is hashed.
struct Hashed<'h> {
    hasher: Sha256,
    rest: &'h [u8],
}

/// What is hashed at once, in bytes: two blocks, about as long as writing a value.
const HASHED_AT_ONCE: usize = 64;

impl<'h> Hashed<'h> {
    fn of(bytes: &'h [u8]) -> Hashed<'h> {
        Hashed {
            hasher: Sha256::new(),
            rest: bytes,
        }
    }

    /// Hashes the next part; `false` when there is no whole one.
    #[inline]
    fn go_on(&mut self) -> bool {
        match self.rest.split_at_checked(HASHED_AT_ONCE) {
            Some((part, rest)) => {
                self.hasher.update(part);
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn finish(mut self) -> String {
        self.hasher.update(self.rest);
        hash::hex(&self.hasher.finalize())
    }
}

impl<'h> HashAlong<'h> {
    pub(crate) fn of(bytes: &'h [u8]) -> HashAlong<'h> {
        HashAlong::of_both(bytes, &[])
    }

    /// Two texts: their rounds do not wait for each other's, so both together
    /// take little longer than one of them.
    pub(crate) fn of_both(first: &'h [u8], second: &'h [u8]) -> HashAlong<'h> {
        HashAlong {
            texts: [Hashed::of(first), Hashed::of(second)],
            due: match second {
                [] => 0,
                // They are hashed together at the end: each goes along with the
                // other better than with anything else (measured: 20 of 520 us).
                _ => usize::MAX,
            },
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
        let [first, _] = &mut self.texts;
        self.due = match first.go_on() {
            true => written + HASHED_AT_ONCE,
            false => usize::MAX,
        };
    }

    /// The digest of all bytes, lower-case hex.
    pub(crate) fn finish(self) -> String {
        let [first, _] = self.texts;
        first.finish()
    }

    /// The digests of both texts.
    pub(crate) fn finish_both(self) -> [String; 2] {
        let [mut first, mut second] = self.texts;
        while first.go_on() & second.go_on() {}
        [first.finish(), second.finish()]
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
            kind @ (Kind::Int | Kind::Float | Kind::Digits) if JSON => self.number_text(node, kind),
            Kind::Null if JSON => self.out.block(NULL, 4),
            Kind::False if JSON => self.out.block(FALSE, 5),
            Kind::True if JSON => self.out.block(TRUE, 4),
            Kind::Digits => {
                let double = self.document.double_of(node);
                self.out.block(double.to_bits(), 8);
                self.out.block(NUMBER_HEAD, 2 + item);
            }
            // One way for all of these, since what comes next is a guess.
            kind @ (Kind::Int | Kind::Float | Kind::Null | Kind::False | Kind::True) => {
                let is_number = matches!(kind, Kind::Int | Kind::Float);
                let double = match kind {
                    Kind::Int => (node.as_int() as f64).to_bits(),
                    _ => node.as_float().to_bits(),
                };
                let head = match kind {
                    Kind::Null => NULL_VALUE,
                    Kind::False => FALSE_VALUE,
                    Kind::True => TRUE_VALUE,
                    _ => NUMBER_HEAD,
                };
                self.out.block(double, if is_number { 8 } else { 0 });
                self.out.block(head, if is_number { 2 } else { 3 } + item);
            }
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
            if JSON {
                self.member_json(*key, *value);
                self.out.byte(if rank == 0 { b'{' } else { b',' });
            } else {
                let entry = self.out.len();
                self.value::<JSON, false>(*value, depth + 2);
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

    /// A member with its key as JSON: one piece where both stand in the text as
    /// they are written, with nothing but the colon between them.
    #[inline(always)]
    fn member_json(&mut self, key: Node, value: Node) {
        let (start, in_scratch) = key.start();
        if key.escape_free() && !in_scratch {
            // Behind the key stand its quote and, if there is no white space, the colon.
            let behind = start + key.len() + 2;
            if let Some(end) = self.end_of_canonical(value, behind) {
                let start = start.wrapping_sub(1);
                return self.out.prepend_piece(self.text, start, end - start);
            }
        }
        self.value::<true, false>(value, 0);
        self.out.byte(b':');
        self.quoted(key);
    }

    /// Where a value ends that stands in the text at a place just as it is
    /// written; `None` also for a value of which this is not known.
    #[inline(always)]
    fn end_of_canonical(&self, value: Node, at: usize) -> Option<usize> {
        let (start, end) = match value.kind() {
            Kind::Array | Kind::Object => match self.document.header(value) {
                (_, 0) => return None,
                header => header,
            },
            Kind::Digits => return None,
            _ => value.scalar_text()?,
        };
        (start == at).then_some(end)
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

/// What stands in the schemas of all values, with free bytes in front, so that
/// each piece is taken from a block.
mod pieces {
    use tusk_drift_schemas::tusk::drift::core::v1::JsonSchemaType;

    const fn end(code: JsonSchemaType) -> u8 {
        // All types have one digit.
        b'0' + code as u8
    }

    /// The last bytes of a piece of 32, with the type in front of its last one.
    const fn typed(mut piece: [u8; 32], code: JsonSchemaType) -> [u8; 32] {
        piece[30] = end(code);
        piece
    }

    const LEAF: [u8; 32] = *br#"      {"properties":{},"type":0}"#;
    pub(super) const LEAF_LENGTH: usize = 26;
    pub(super) const NULL: [u8; 32] = typed(LEAF, JsonSchemaType::Null);
    pub(super) const BOOLEAN: [u8; 32] = typed(LEAF, JsonSchemaType::Boolean);
    pub(super) const NUMBER: [u8; 32] = typed(LEAF, JsonSchemaType::Number);
    pub(super) const STRING: [u8; 32] = typed(LEAF, JsonSchemaType::String);
    pub(super) const EMPTY_LIST: [u8; 32] = typed(LEAF, JsonSchemaType::OrderedList);
    pub(super) const EMPTY_OBJECT: [u8; 32] = typed(LEAF, JsonSchemaType::Object);
    pub(super) const LIST_START: [u8; 32] = *br#"                       {"items":"#;
    pub(super) const LIST_START_LENGTH: usize = 9;
    pub(super) const LIST_END: [u8; 32] = typed(
        *br#"      ,"properties":{},"type":0}"#,
        JsonSchemaType::OrderedList,
    );
    pub(super) const LIST_END_LENGTH: usize = 26;
    pub(super) const OBJECT_START: [u8; 32] = *br#"                  {"properties":"#;
    pub(super) const OBJECT_START_LENGTH: usize = 14;
    pub(super) const OBJECT_END: [u8; 32] = typed(
        *br#"                     },"type":0}"#,
        JsonSchemaType::Object,
    );
    pub(super) const OBJECT_END_LENGTH: usize = 11;
}

impl Walk<'_, '_> {
    /// A constant piece at the end of its block.
    #[inline(always)]
    fn constant(&mut self, block: &[u8; 32], length: usize) {
        self.out.prepend_piece(block, 32 - length, length);
    }

    /// The canonical form of a value's schema.
    fn schema(&mut self, node: Node) {
        let leaf = match node.kind() {
            Kind::Null => &pieces::NULL,
            Kind::False | Kind::True => &pieces::BOOLEAN,
            Kind::Digits | Kind::Int | Kind::Float => &pieces::NUMBER,
            Kind::Str => &pieces::STRING,
            Kind::Array => match self.document.children(node).first() {
                Some(first) => {
                    let first = *first;
                    self.constant(&pieces::LIST_END, pieces::LIST_END_LENGTH);
                    self.schema(first);
                    return self.constant(&pieces::LIST_START, pieces::LIST_START_LENGTH);
                }
                None => &pieces::EMPTY_LIST,
            },
            Kind::Object => match self.document.member_count(node) {
                0 => &pieces::EMPTY_OBJECT,
                _ => return self.schema_of_members(node),
            },
        };
        self.constant(leaf, pieces::LEAF_LENGTH);
    }

    fn schema_of_members(&mut self, object: Node) {
        self.constant(&pieces::OBJECT_END, pieces::OBJECT_END_LENGTH);
        let document = self.document;
        let children = document.children(object);
        if let (Some(layout), Some(shapes)) = (object.layout(), self.shapes) {
            let members = shapes.members(shapes.layout_at(layout));
            for (member, value) in members.iter().zip(children).rev() {
                self.schema(*value);
                self.out.prepend_piece(
                    shapes.fragments(),
                    member.json_start as usize,
                    member.json_length as usize,
                );
            }
        } else {
            let (members, _) = children.as_chunks::<2>();
            for (rank, [key, value]) in members.iter().enumerate().rev() {
                self.schema(*value);
                self.out.byte(b':');
                self.quoted(*key);
                self.out.byte(if rank == 0 { b'{' } else { b',' });
            }
        }
        self.constant(&pieces::OBJECT_START, pieces::OBJECT_START_LENGTH);
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
