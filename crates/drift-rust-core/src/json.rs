//! Canonical JSON of a document and of its schema, written from start to end, so
//! that it is hashed while it is written.
//!
//! Leaves out the Struct (`writer`), which is written from its end.

use crate::document::{Document, Kind, Node};
use crate::out::Out;
use crate::shapes::Shapes;
use crate::{Profile, number};

/// Appends the canonical JSON of a value.
pub(crate) fn append_json(document: &Document<'_>, node: Node, out: &mut Out) {
    let place = out.place();
    let place = Walk::new(document, out).value(place, node);
    out.set_place(place);
}

/// Appends the canonical form of a value's schema, as `Schema::infer` and its
/// `to_canonical_json` give it for a value without merges, but without building it.
pub(crate) fn append_schema(document: &Document<'_>, node: Node, out: &mut Out) {
    let place = out.place();
    let place = Walk::new(document, out).schema(place, node);
    out.set_place(place);
}

/// A document with what its values are read from at hand, and what it is written to.
struct Walk<'w> {
    document: &'w Document<'w>,
    shapes: Option<&'w Shapes>,
    text: &'w [u8],
    scratch: &'w [u8],
    out: &'w mut Out,
}

impl<'w> Walk<'w> {
    fn new(document: &'w Document<'w>, out: &'w mut Out) -> Walk<'w> {
        let (text, scratch) = document.sources();
        Walk {
            document,
            shapes: document.shapes(),
            text,
            scratch,
            out,
        }
    }
}

/// Each call takes the place that it writes to, and gives the one behind it.
impl Walk<'_> {
    #[inline(always)]
    fn value(&mut self, place: usize, node: Node) -> usize {
        match node.kind() {
            Kind::Str => self.quoted(place, node),
            kind @ (Kind::Int | Kind::Float | Kind::Digits) => self.number(place, node, kind),
            Kind::Null => self.out.word_to(place, *b"null\0\0\0\0", 4),
            Kind::False => self.out.word_to(place, *b"false\0\0\0", 5),
            Kind::True => self.out.word_to(place, *b"true\0\0\0\0", 4),
            Kind::Object | Kind::Array => self.container(place, node),
        }
    }

    #[inline(always)]
    fn number(&mut self, place: usize, node: Node, kind: Kind) -> usize {
        if kind == Kind::Digits {
            let (start, in_scratch) = node.start();
            let source = if in_scratch { self.scratch } else { self.text };
            return self.out.piece_to(place, source, start, node.len());
        }
        match node.number_text() {
            (_, 0) => self.printed_number(place, node, kind),
            (start, length) => self.out.piece_to(place, self.text, start, length),
        }
    }

    #[inline(never)]
    fn printed_number(&mut self, place: usize, node: Node, kind: Kind) -> usize {
        self.out.set_place(place);
        match (kind, self.document.profile()) {
            (Kind::Int, _) => number::push_i64(self.out, node.as_int()),
            (_, Profile::Drift) => number::push_float(self.out, node.as_float()),
            (_, Profile::Rfc8785) => number::push_float_ecmascript(self.out, node.as_float()),
        }
        self.out.place()
    }

    #[inline(always)]
    fn quoted(&mut self, place: usize, node: Node) -> usize {
        let (start, in_scratch) = node.start();
        if node.escape_free() && !in_scratch {
            // The quotes stand in the text too.
            let (start, length) = (start.wrapping_sub(1), node.len() + 2);
            return self.out.piece_to(place, self.text, start, length);
        }
        let source = if in_scratch { self.scratch } else { self.text };
        let value = source.get(start..start + node.len()).unwrap_or_default();
        self.out.set_place(place);
        self.out.quoted(value);
        self.out.place()
    }

    /// A container: as it stands in the text where that is canonical.
    fn container(&mut self, place: usize, container: Node) -> usize {
        let (start, end) = self.document.header(container);
        if end > 0 {
            self.out.piece_to(place, self.text, start, end - start)
        } else if container.kind() == Kind::Object {
            self.members(place, container)
        } else {
            self.items(place, container)
        }
    }

    fn members(&mut self, mut place: usize, object: Node) -> usize {
        let (Some(layout), Some(shapes)) = (object.layout(), self.shapes) else {
            return self.members_with_keys(place, object);
        };
        let document = self.document;
        let members = shapes.members(shapes.layout_at(layout));
        let values = document.children(object);
        if members.is_empty() {
            place = self.out.byte_to(place, b'{');
        }
        for (member, value) in members.iter().zip(values) {
            place = self.out.piece_to(
                place,
                shapes.fragments(),
                member.json_start as usize,
                member.json_length as usize,
            );
            place = self.value(place, *value);
            self.out.hash_to(place);
        }
        self.out.byte_to(place, b'}')
    }

    /// The members of an object that keeps its own keys.
    fn members_with_keys(&mut self, mut place: usize, object: Node) -> usize {
        let document = self.document;
        let (members, _) = document.children(object).as_chunks::<2>();
        let mut before = b'{';
        for [key, value] in members {
            place = self.out.byte_to(place, before);
            before = b',';
            place = self.member(place, *key, *value);
            self.out.hash_to(place);
        }
        if members.is_empty() {
            place = self.out.byte_to(place, b'{');
        }
        self.out.byte_to(place, b'}')
    }

    /// A member with its key: one piece where both stand in the text as they are
    /// written, with nothing but the colon between them.
    #[inline(always)]
    fn member(&mut self, place: usize, key: Node, value: Node) -> usize {
        let (start, in_scratch) = key.start();
        if key.escape_free() && !in_scratch {
            // Behind the key stand its quote and, if there is no white space, the colon.
            let behind = start + key.len() + 2;
            if let Some(end) = self.end_of_canonical(value, behind) {
                let start = start.wrapping_sub(1);
                return self.out.piece_to(place, self.text, start, end - start);
            }
        }
        let place = self.quoted(place, key);
        let place = self.out.byte_to(place, b':');
        self.value(place, value)
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

    fn items(&mut self, mut place: usize, array: Node) -> usize {
        let document = self.document;
        let mut before = b'[';
        let items = document.children(array);
        for item in items {
            place = self.out.byte_to(place, before);
            before = b',';
            place = self.value(place, *item);
            self.out.hash_to(place);
        }
        if items.is_empty() {
            place = self.out.byte_to(place, b'[');
        }
        self.out.byte_to(place, b']')
    }
}

/// What stands in the schemas of all values, each piece at the start of a block.
mod pieces {
    use crate::out::BLOCK;
    use tusk_drift_schemas::tusk::drift::core::v1::JsonSchemaType;

    pub(super) struct Piece {
        pub(super) block: [u8; BLOCK],
        pub(super) length: usize,
    }

    const fn piece(text: &str) -> Piece {
        let mut block = [0; BLOCK];
        let (mut rest, _) = block.split_at_mut(text.len());
        let mut from = text.as_bytes();
        while let ([slot, slots @ ..], [byte, bytes @ ..]) = (rest, from) {
            *slot = *byte;
            rest = slots;
            from = bytes;
        }
        Piece {
            block,
            length: text.len(),
        }
    }

    /// A piece that ends with a type and a brace.
    const fn typed(text: &str, code: JsonSchemaType) -> Piece {
        let mut piece = piece(text);
        let (before, _) = piece.block.split_at_mut(text.len());
        if let [.., digit, _] = before {
            // All types have one digit.
            *digit = b'0' + code as u8;
        }
        piece
    }

    const LEAF: &str = r#"{"properties":{},"type":0}"#;
    pub(super) static NULL: Piece = typed(LEAF, JsonSchemaType::Null);
    pub(super) static BOOLEAN: Piece = typed(LEAF, JsonSchemaType::Boolean);
    pub(super) static NUMBER: Piece = typed(LEAF, JsonSchemaType::Number);
    pub(super) static STRING: Piece = typed(LEAF, JsonSchemaType::String);
    pub(super) static EMPTY_LIST: Piece = typed(LEAF, JsonSchemaType::OrderedList);
    pub(super) static EMPTY_OBJECT: Piece = typed(LEAF, JsonSchemaType::Object);
    pub(super) static LIST_START: Piece = piece(r#"{"items":"#);
    pub(super) static LIST_END: Piece =
        typed(r#","properties":{},"type":0}"#, JsonSchemaType::OrderedList);
    pub(super) static OBJECT_START: Piece = piece(r#"{"properties":"#);
    pub(super) static OBJECT_END: Piece = typed(r#"},"type":0}"#, JsonSchemaType::Object);
}

impl Walk<'_> {
    #[inline(always)]
    fn piece(&mut self, place: usize, piece: &pieces::Piece) -> usize {
        self.out.piece_to(place, &piece.block, 0, piece.length)
    }

    /// The canonical form of a value's schema.
    fn schema(&mut self, place: usize, node: Node) -> usize {
        let leaf = match node.kind() {
            Kind::Null => &pieces::NULL,
            Kind::False | Kind::True => &pieces::BOOLEAN,
            Kind::Digits | Kind::Int | Kind::Float => &pieces::NUMBER,
            Kind::Str => &pieces::STRING,
            Kind::Array => match self.document.first_item(node) {
                Some(first) => {
                    let place = self.piece(place, &pieces::LIST_START);
                    let place = self.schema(place, first);
                    return self.piece(place, &pieces::LIST_END);
                }
                None => &pieces::EMPTY_LIST,
            },
            Kind::Object => match self.document.member_count(node) {
                0 => &pieces::EMPTY_OBJECT,
                _ => return self.schema_of_members(place, node),
            },
        };
        self.piece(place, leaf)
    }

    fn schema_of_members(&mut self, place: usize, object: Node) -> usize {
        let mut place = self.piece(place, &pieces::OBJECT_START);
        let document = self.document;
        let children = document.children(object);
        if let (Some(layout), Some(shapes)) = (object.layout(), self.shapes) {
            let members = shapes.members(shapes.layout_at(layout));
            for (member, value) in members.iter().zip(children) {
                place = self.out.piece_to(
                    place,
                    shapes.fragments(),
                    member.json_start as usize,
                    member.json_length as usize,
                );
                place = self.schema(place, *value);
            }
        } else {
            let (members, _) = children.as_chunks::<2>();
            let mut before = b'{';
            for [key, value] in members {
                place = self.out.byte_to(place, before);
                before = b',';
                place = self.quoted(place, *key);
                place = self.out.byte_to(place, b':');
                place = self.schema(place, *value);
            }
        }
        self.piece(place, &pieces::OBJECT_END)
    }
}
