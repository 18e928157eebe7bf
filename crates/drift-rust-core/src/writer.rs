//! Canonical JSON and `google.protobuf.Struct`, both from one walk over a
//! document, from its end to its start.
//!
//! Protobuf wants the length of a message in front of it, so it is written
//! backwards; the JSON goes along, because the walk, more than the writing, is
//! what costs. A caller chooses what it needs by two constants.

use crate::Profile;
use crate::document::{Document, Kind, Node};
use crate::number;
use crate::out::{Out, plain_run};
use crate::proto::fields::structure;
use crate::proto::reverse::ReverseBuffer;
use crate::proto::wire::WireType;
use crate::shapes::Shapes;

/// Writes documents: JSON to one buffer, Structs to the other.
pub(crate) struct Writer<'b> {
    pub(crate) json: &'b mut ReverseBuffer,
    pub(crate) proto: &'b mut ReverseBuffer,
    /// The depth of the deepest message written.
    pub(crate) deepest: usize,
}

impl Writer<'_> {
    /// A value: its canonical JSON with `JSON`, and with `STRUCT` the content
    /// of its Struct, which has entries only for an object. `depth` is that of
    /// the Struct message.
    pub(crate) fn root<const JSON: bool, const STRUCT: bool>(
        &mut self,
        document: &Document<'_>,
        root: Node,
        depth: usize,
    ) {
        let (text, scratch) = document.sources();
        let mut walk = Walk {
            document,
            shapes: document.shapes(),
            text,
            scratch,
            json: self.json,
            proto: self.proto,
            number: Out::empty(),
            deepest: self.deepest,
        };
        if root.kind() != Kind::Object {
            if JSON {
                walk.value::<true, false, false>(root, 0);
            }
            return;
        }
        walk.object::<JSON, STRUCT>(root, depth);
        self.deepest = walk.deepest;
    }
}

/// A document with what its values are read from at hand.
struct Walk<'d, 'b> {
    document: &'d Document<'d>,
    shapes: Option<&'d Shapes>,
    text: &'d [u8],
    scratch: &'d [u8],
    json: &'b mut ReverseBuffer,
    proto: &'b mut ReverseBuffer,
    /// Where numbers are printed.
    number: Out,
    deepest: usize,
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
    /// A value inside a container: with `STRUCT` its `Value` message of this
    /// depth with the length in front of it, and with `ITEM` the tag of a
    /// list's item.
    #[inline(always)]
    fn value<const JSON: bool, const STRUCT: bool, const ITEM: bool>(
        &mut self,
        node: Node,
        depth: usize,
    ) {
        let item = usize::from(ITEM);
        match node.kind() {
            Kind::Str => {
                let (start, in_scratch) = node.start();
                let source = if in_scratch { self.scratch } else { self.text };
                if JSON {
                    self.quoted(node);
                }
                if STRUCT {
                    let mark = self.proto.len();
                    self.proto.prepend_piece(source, start, node.len());
                    let length = node.len();
                    if length < 126 {
                        let list = tag(structure::LIST_VALUES, WireType::Length);
                        let string = tag(structure::STRING_VALUE, WireType::Length);
                        let length = length as u8;
                        let head = block([list, length + 2, string, length]);
                        self.proto.block(head, 3 + item);
                    } else {
                        self.proto.close_message(structure::STRING_VALUE, mark);
                        self.close_value::<ITEM>(mark);
                    }
                }
            }
            kind @ (Kind::Int | Kind::Float | Kind::Digits) => {
                if JSON {
                    self.number_text(node, kind);
                }
                if STRUCT {
                    let double = self.document.double_of(node);
                    self.proto.block(double.to_bits(), 8);
                    self.proto.block(NUMBER_HEAD, 2 + item);
                }
            }
            Kind::Null => self.constant::<JSON, STRUCT>((NULL, 4), NULL_VALUE, item),
            Kind::False => self.constant::<JSON, STRUCT>((FALSE, 5), FALSE_VALUE, item),
            Kind::True => self.constant::<JSON, STRUCT>((TRUE, 4), TRUE_VALUE, item),
            Kind::Object => {
                let mark = self.proto.len();
                self.object::<JSON, STRUCT>(node, depth + 1);
                if STRUCT {
                    self.proto.close_message(structure::STRUCT_VALUE, mark);
                    self.close_value::<ITEM>(mark);
                }
            }
            Kind::Array => {
                let mark = self.proto.len();
                self.array::<JSON, STRUCT>(node, depth + 1);
                if STRUCT {
                    self.proto.close_message(structure::LIST_VALUE, mark);
                    self.close_value::<ITEM>(mark);
                }
            }
        }
    }

    #[inline(always)]
    fn constant<const JSON: bool, const STRUCT: bool>(
        &mut self,
        (word, length): (u64, usize),
        value: u64,
        item: usize,
    ) {
        if JSON {
            self.json.block(word, length);
        }
        if STRUCT {
            self.proto.block(value, 3 + item);
        }
    }

    /// The length of a `Value` message, and an item's tag.
    #[inline]
    fn close_value<const ITEM: bool>(&mut self, mark: usize) {
        if ITEM {
            self.proto.close_message(structure::LIST_VALUES, mark);
        } else {
            // Its tag stands behind the key.
            self.proto.varint((self.proto.len() - mark) as u64);
        }
    }

    fn number_text(&mut self, node: Node, kind: Kind) {
        let (start, length) = match kind {
            Kind::Digits => {
                let (start, in_scratch) = node.start();
                let source = if in_scratch { self.scratch } else { self.text };
                return self.json.prepend_piece(source, start, node.len());
            }
            _ => node.number_text(),
        };
        if length > 0 {
            return self.json.prepend_piece(self.text, start, length);
        }
        self.number.clear();
        match (kind, self.document.profile()) {
            (Kind::Int, _) => number::push_i64(&mut self.number, node.as_int()),
            (_, Profile::Drift) => number::push_float(&mut self.number, node.as_float()),
            (_, Profile::Rfc8785) => {
                number::push_float_ecmascript(&mut self.number, node.as_float());
            }
        }
        self.json.prepend(self.number.as_slice());
    }

    /// A string as JSON.
    #[inline(always)]
    fn quoted(&mut self, node: Node) {
        let (start, in_scratch) = node.start();
        if node.escape_free() && !in_scratch {
            // The quotes stand in the text too.
            self.json
                .prepend_piece(self.text, start.wrapping_sub(1), node.len() + 2);
        } else {
            let source = if in_scratch { self.scratch } else { self.text };
            let value = source.get(start..start + node.len()).unwrap_or_default();
            quote(self.json, &mut self.number, value);
        }
    }

    /// An object; `depth` is that of its Struct message.
    fn object<const JSON: bool, const STRUCT: bool>(&mut self, object: Node, depth: usize) {
        let (start, end) = self.document.header(object);
        if JSON && end > 0 {
            self.json.prepend_piece(self.text, start, end - start);
            if STRUCT {
                self.members::<false, true>(object, depth);
            }
        } else {
            self.members::<JSON, STRUCT>(object, depth);
        }
    }

    fn members<const JSON: bool, const STRUCT: bool>(&mut self, object: Node, depth: usize) {
        let (Some(layout), Some(shapes)) = (object.layout(), self.shapes) else {
            return self.members_with_keys::<JSON, STRUCT>(object, depth);
        };
        if JSON {
            self.json.byte(b'}');
        }
        let document = self.document;
        let members = shapes.members(shapes.layout_at(layout));
        let values = document.children(object);
        for (member, value) in members.iter().zip(values).rev() {
            let entry = self.proto.len();
            self.value::<JSON, STRUCT, false>(*value, depth + 2);
            if STRUCT {
                self.proto.prepend_piece(
                    shapes.fragments(),
                    member.proto_start as usize,
                    member.proto_length as usize,
                );
                self.proto.close_message(structure::FIELDS, entry);
            }
            if JSON {
                self.json.prepend_piece(
                    shapes.fragments(),
                    member.json_start as usize,
                    member.json_length as usize,
                );
            }
        }
        let is_empty = members.is_empty();
        if JSON && is_empty {
            self.json.byte(b'{');
        }
        self.deepest = self.deepest.max(if is_empty { depth } else { depth + 2 });
    }

    /// The members of an object that keeps its own keys.
    fn members_with_keys<const JSON: bool, const STRUCT: bool>(
        &mut self,
        object: Node,
        depth: usize,
    ) {
        if JSON {
            self.json.byte(b'}');
        }
        let document = self.document;
        let (members, _) = document.children(object).as_chunks::<2>();
        for (rank, [key, value]) in members.iter().enumerate().rev() {
            let entry = self.proto.len();
            self.value::<JSON, STRUCT, false>(*value, depth + 2);
            if STRUCT {
                let (start, in_scratch) = key.start();
                let source = if in_scratch { self.scratch } else { self.text };
                self.proto
                    .byte(tag(structure::ENTRY_VALUE, WireType::Length));
                if key.len() > 0 {
                    let mark = self.proto.len();
                    self.proto.prepend_piece(source, start, key.len());
                    self.proto.close_message(structure::ENTRY_KEY, mark);
                }
                self.proto.close_message(structure::FIELDS, entry);
            }
            if JSON {
                self.json.byte(b':');
                self.quoted(*key);
                self.json.byte(if rank == 0 { b'{' } else { b',' });
            }
        }
        let is_empty = members.is_empty();
        if JSON && is_empty {
            self.json.byte(b'{');
        }
        self.deepest = self.deepest.max(if is_empty { depth } else { depth + 2 });
    }

    /// An array; `depth` is that of its `ListValue` message.
    fn array<const JSON: bool, const STRUCT: bool>(&mut self, array: Node, depth: usize) {
        let (start, end) = self.document.header(array);
        if JSON && end > 0 {
            self.json.prepend_piece(self.text, start, end - start);
            if STRUCT {
                self.items::<false, true>(array, depth);
            }
        } else {
            self.items::<JSON, STRUCT>(array, depth);
        }
    }

    fn items<const JSON: bool, const STRUCT: bool>(&mut self, array: Node, depth: usize) {
        if JSON {
            self.json.byte(b']');
        }
        let document = self.document;
        let items = document.children(array);
        for (rank, item) in items.iter().enumerate().rev() {
            self.value::<JSON, STRUCT, true>(*item, depth + 1);
            if JSON && rank > 0 {
                self.json.byte(b',');
            }
        }
        if JSON {
            self.json.byte(b'[');
        }
        self.deepest = self
            .deepest
            .max(if items.is_empty() { depth } else { depth + 1 });
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
