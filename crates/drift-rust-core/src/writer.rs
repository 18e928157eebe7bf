//! `google.protobuf.Struct` of a document, written from its end to its start.
//!
//! Protobuf wants the length of a message in front of it, so it is written
//! backwards. While a Struct is written, text that stands already is hashed
//! along, some blocks at a time: the steps of SHA-256 wait for each other, so the
//! processor writes in between (measured: a quarter of the time of both).

use crate::document::{Document, FOLDED_BLOCK, Folded, Kind, Node};
use crate::hash;
use crate::out::Out;
use crate::parse::read_numbers;
use crate::proto::fields::structure;
use crate::proto::reverse::ReverseBuffer;
use crate::proto::wire::WireType;
use crate::shapes::{Member, Shapes};
use sha2::{Digest as _, Sha256};

pub(crate) mod released;

/// Prepends the Struct of an object and hashes along; gives the depth of the
/// deepest message, `depth` being that of the Struct.
pub(crate) fn prepend_struct(
    document: &Document<'_>,
    object: Node,
    depth: usize,
    proto: &mut ReverseBuffer,
    along: &mut HashAlong<'_>,
) -> usize {
    let place = proto.place();
    let mut walk = Walk::new(document, proto, along);
    walk.deepest = depth;
    let place = walk.members(place, object, depth);
    let deepest = walk.deepest;
    proto.set_place(place);
    deepest
}

/// SHA-256 of a text, or of a text and another one, a part at a time.
pub(crate) struct HashAlong<'h> {
    text: Hashed<'h>,
    other: Hashed<'h>,
    /// How long the other buffer is when the next part is due.
    due: usize,
}

/// A text, and how far it is hashed.
struct Hashed<'h> {
    hasher: Sha256,
    rest: &'h [u8],
}

/// What is hashed at once: one block, about as long as writing two values.
const HASHED_AT_ONCE: usize = 64;

impl Hashed<'_> {
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
    pub(crate) fn nothing() -> HashAlong<'static> {
        HashAlong::made((Sha256::new(), &[]), &[], usize::MAX)
    }

    /// What is not hashed yet of a text.
    pub(crate) fn of(text: &'h Out) -> HashAlong<'h> {
        HashAlong::made(text.hash_and_rest(), &[], 0)
    }

    /// The same and another text. They are hashed at the end, both at once: the
    /// rounds of one do not wait for those of the other, so each goes along with
    /// the other better than with anything else (measured: 20 of 520 us).
    pub(crate) fn of_both(text: &'h Out, other: &'h [u8]) -> HashAlong<'h> {
        HashAlong::made(text.hash_and_rest(), other, usize::MAX)
    }

    fn made(text: (Sha256, &'h [u8]), other: &'h [u8], due: usize) -> HashAlong<'h> {
        let (hasher, rest) = text;
        HashAlong {
            text: Hashed { hasher, rest },
            other: Hashed {
                hasher: Sha256::new(),
                rest: other,
            },
            due,
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
        self.due = match self.text.go_on() {
            true => written + HASHED_AT_ONCE,
            false => usize::MAX,
        };
    }

    /// The digest of the text, lower-case hex.
    pub(crate) fn finish(self) -> String {
        self.text.finish()
    }

    /// The digests of both texts.
    pub(crate) fn finish_both(mut self) -> [String; 2] {
        while self.text.go_on() & self.other.go_on() {}
        [self.text.finish(), self.other.finish()]
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

/// Each call takes the place that the bytes are written in front of, and gives
/// the one where they start.
impl Walk<'_, '_> {
    /// A value inside a container: its `Value` message of this depth with the
    /// length in front of it, and with `ITEM` the tag of a list's item.
    #[inline(always)]
    fn value<const ITEM: bool>(&mut self, place: usize, node: Node, depth: usize) -> usize {
        let item = usize::from(ITEM);
        match node.kind() {
            Kind::Str => {
                let (start, in_scratch) = node.start();
                let source = if in_scratch { self.scratch } else { self.text };
                let (mark, length) = (self.out.len_at(place), node.len());
                let place = self.out.piece_to(place, source, start, length);
                if length < 126 {
                    let list = tag(structure::LIST_VALUES, WireType::Length);
                    let string = tag(structure::STRING_VALUE, WireType::Length);
                    let length = length as u8;
                    let head = block([list, length + 2, string, length]);
                    self.out.block_to(place, head, 3 + item)
                } else {
                    let place = self
                        .out
                        .close_message_to(place, structure::STRING_VALUE, mark);
                    self.close_value::<ITEM>(place, mark)
                }
            }
            Kind::Digits => {
                let double = self.document.double_of(node);
                let place = self.out.block_to(place, double.to_bits(), 8);
                self.out.block_to(place, NUMBER_HEAD, 2 + item)
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
                let place = self
                    .out
                    .block_to(place, double, if is_number { 8 } else { 0 });
                self.out
                    .block_to(place, head, if is_number { 2 } else { 3 } + item)
            }
            Kind::Object => {
                let mark = self.out.len_at(place);
                let place = self.members(place, node, depth + 1);
                self.close_container::<ITEM>(place, structure::STRUCT_VALUE, mark)
            }
            Kind::Array => {
                let mark = self.out.len_at(place);
                let place = self.items(place, node, depth + 1);
                self.close_container::<ITEM>(place, structure::LIST_VALUE, mark)
            }
        }
    }

    /// The lengths and tags of a container and of the `Value` message it stands in.
    #[inline(always)]
    fn close_container<const ITEM: bool>(
        &mut self,
        place: usize,
        field: u32,
        mark: usize,
    ) -> usize {
        let place = self.out.close_message_to(place, field, mark);
        self.close_value::<ITEM>(place, mark)
    }

    /// The length of a `Value` message, and an item's tag.
    #[inline(always)]
    fn close_value<const ITEM: bool>(&mut self, place: usize, mark: usize) -> usize {
        if ITEM {
            self.out
                .close_message_to(place, structure::LIST_VALUES, mark)
        } else {
            // Its tag stands behind the key.
            let length = self.out.len_at(place) - mark;
            self.out.varint_to(place, length as u64)
        }
    }

    /// The members of an object; `depth` is that of its Struct message.
    fn members(&mut self, mut place: usize, object: Node, depth: usize) -> usize {
        let (Some(layout), Some(shapes)) = (object.layout(), self.shapes) else {
            return self.members_with_keys(place, object, depth);
        };
        let document = self.document;
        let members = shapes.members(shapes.layout_at(layout));
        let values = document.children(object);
        for (member, value) in members.iter().zip(values).rev() {
            let entry = self.out.len_at(place);
            place = self.value::<false>(place, *value, depth + 2);
            place = self.close_known_member(place, shapes, member, entry);
        }
        self.reached(members.is_empty(), depth, 2);
        place
    }

    /// The key of a member whose value was written since `entry`.
    #[inline(always)]
    fn close_known_member(
        &mut self,
        place: usize,
        shapes: &Shapes,
        member: &Member,
        entry: usize,
    ) -> usize {
        let place = self.out.piece_to(
            place,
            shapes.fragments(),
            member.proto_start as usize,
            member.proto_length as usize,
        );
        self.close_entry(place, entry)
    }

    #[inline(always)]
    fn close_entry(&mut self, place: usize, entry: usize) -> usize {
        let place = self.out.close_message_to(place, structure::FIELDS, entry);
        self.along.go_on(self.out.len_at(place));
        place
    }

    /// The members of an object that keeps its own keys.
    #[inline(never)]
    fn members_with_keys(&mut self, mut place: usize, object: Node, depth: usize) -> usize {
        let document = self.document;
        let (members, _) = document.children(object).as_chunks::<2>();
        for [key, value] in members.iter().rev() {
            let entry = self.out.len_at(place);
            place = self.value::<false>(place, *value, depth + 2);
            place = self.close_own_member(place, *key, entry);
        }
        self.reached(members.is_empty(), depth, 2);
        place
    }

    /// The same for a key that the object keeps itself.
    #[inline(always)]
    fn close_own_member(&mut self, mut place: usize, key: Node, entry: usize) -> usize {
        let (start, in_scratch) = key.start();
        let source = if in_scratch { self.scratch } else { self.text };
        let value_tag = tag(structure::ENTRY_VALUE, WireType::Length);
        place = self.out.byte_to(place, value_tag);
        if key.len() > 0 {
            let mark = self.out.len_at(place);
            place = self.out.piece_to(place, source, start, key.len());
            place = self.out.close_message_to(place, structure::ENTRY_KEY, mark);
        }
        self.close_entry(place, entry)
    }

    /// The items of an array; `depth` is that of its `ListValue` message.
    #[inline(never)]
    fn items(&mut self, mut place: usize, array: Node, depth: usize) -> usize {
        let document = self.document;
        if let Some(folded) = document.folded(array) {
            return self.folded_items(place, folded, depth);
        }
        let items = document.children(array);
        for item in items.iter().rev() {
            place = self.value::<true>(place, *item, depth + 1);
            self.along.go_on(self.out.len_at(place));
        }
        self.reached(items.is_empty(), depth, 1);
        place
    }

    /// The items of an array that are left in the text.
    #[cold]
    #[inline(never)]
    fn folded_items(&mut self, mut place: usize, folded: &Folded, depth: usize) -> usize {
        let mut items = Vec::with_capacity(FOLDED_BLOCK);
        for (start, count) in folded.blocks().rev() {
            items.clear();
            read_numbers(self.document.text(), start, count, &mut items);
            for item in items.iter().rev() {
                place = self.value::<true>(place, *item, depth + 1);
                self.along.go_on(self.out.len_at(place));
            }
        }
        self.reached(false, depth, 1);
        place
    }

    /// Notes the depth of a container's message, or of the messages of its
    /// children, so many below it.
    #[inline]
    fn reached(&mut self, is_empty: bool, depth: usize, below: usize) {
        self.deepest = self
            .deepest
            .max(if is_empty { depth } else { depth + below });
    }
}
