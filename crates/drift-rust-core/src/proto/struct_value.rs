//! `google.protobuf.Struct` of a document.

use crate::document::{Document, Kind, Node};
use crate::proto::EncodedBytes;
use crate::proto::fields::structure;
use crate::proto::reverse::ReverseBuffer;
use crate::shapes::Shapes;

/// The Struct of a document; empty for one that is not an object.
pub(crate) fn encode_struct(document: &Document<'_>) -> EncodedBytes {
    let mut writer = StructWriter::new(ReverseBuffer::with_capacity(document.size_hint() * 2));
    writer.object(document, document.root_node(), 0);
    writer.buffer.finish()
}

/// Writes Structs and keeps the depth of the deepest message.
pub(crate) struct StructWriter {
    pub(crate) buffer: ReverseBuffer,
    pub(crate) deepest: usize,
}

impl StructWriter {
    pub(crate) fn new(buffer: ReverseBuffer) -> StructWriter {
        StructWriter { buffer, deepest: 0 }
    }

    pub(crate) fn reached(&mut self, depth: usize) {
        self.deepest = self.deepest.max(depth);
    }

    /// The entries of an object; `depth` is that of the Struct message.
    pub(crate) fn object(&mut self, document: &Document<'_>, object: Node, depth: usize) {
        let (text, scratch) = document.sources();
        let source = Source {
            document,
            shapes: document.shapes(),
            text,
            scratch,
        };
        if object.kind() == Kind::Object {
            self.entries(&source, object, depth);
        }
    }

    fn entries(&mut self, source: &Source<'_>, object: Node, depth: usize) {
        self.reached(depth);
        let document = source.document;
        if let (Some(layout), Some(shapes)) = (object.layout(), source.shapes) {
            let members = shapes.members(shapes.layout_at(layout));
            let values = document.children(object);
            for (member, value) in members.iter().zip(values).rev() {
                let entry = self.buffer.len();
                self.value(source, *value, depth + 2);
                // The length of the value, behind its tag in the fragment.
                self.buffer.varint((self.buffer.len() - entry) as u64);
                self.buffer.prepend_piece(
                    shapes.fragments(),
                    member.proto_start as usize,
                    member.proto_length as usize,
                );
                self.buffer.close_message(structure::FIELDS, entry);
            }
            return;
        }
        for (key, value) in document.members(object).rev() {
            let entry = self.buffer.len();
            self.value(source, value, depth + 2);
            self.buffer.close_message(structure::ENTRY_VALUE, entry);
            self.buffer.string_field(structure::ENTRY_KEY, key);
            self.buffer.close_message(structure::FIELDS, entry);
        }
    }

    /// The content of a Value message of this depth.
    fn value(&mut self, source: &Source<'_>, value: Node, depth: usize) {
        self.reached(depth);
        let mark = self.buffer.len();
        match value.kind() {
            Kind::Null => self.buffer.present_int_field(structure::NULL_VALUE, 0),
            Kind::False => self.buffer.present_int_field(structure::BOOL_VALUE, 0),
            Kind::True => self.buffer.present_int_field(structure::BOOL_VALUE, 1),
            Kind::Digits | Kind::Int | Kind::Float => self
                .buffer
                .double_field(structure::NUMBER_VALUE, source.document.double_of(value)),
            Kind::Str => {
                let (start, in_scratch) = value.start();
                let bytes = if in_scratch {
                    source.scratch
                } else {
                    source.text
                };
                self.buffer.prepend_piece(bytes, start, value.len());
                self.buffer.close_message(structure::STRING_VALUE, mark);
            }
            Kind::Object => {
                self.entries(source, value, depth + 1);
                self.buffer.close_message(structure::STRUCT_VALUE, mark);
            }
            Kind::Array => {
                self.reached(depth + 1);
                for item in source.document.children(value).iter().rev() {
                    let item_mark = self.buffer.len();
                    self.value(source, *item, depth + 2);
                    self.buffer.close_message(structure::LIST_VALUES, item_mark);
                }
                self.buffer.close_message(structure::LIST_VALUE, mark);
            }
        }
    }
}

/// A document with what its values are read from at hand.
struct Source<'d> {
    document: &'d Document<'d>,
    shapes: Option<&'d Shapes>,
    text: &'d [u8],
    scratch: &'d [u8],
}
