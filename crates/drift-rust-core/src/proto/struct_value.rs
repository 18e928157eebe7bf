//! `google.protobuf.Struct` of a document.

use crate::document::{Document, Kind, Node};
use crate::proto::EncodedBytes;
use crate::proto::fields::structure;
use crate::proto::reverse::ReverseBuffer;

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
        self.reached(depth);
        for (key, value) in document.members(object).rev() {
            let entry = self.buffer.len();
            self.value(document, value, depth + 2);
            self.buffer.close_message(structure::ENTRY_VALUE, entry);
            self.buffer
                .string_field(structure::ENTRY_KEY, document.string_of(key));
            self.buffer.close_message(structure::FIELDS, entry);
        }
    }

    /// The content of a Value message of this depth.
    fn value(&mut self, document: &Document<'_>, value: Node, depth: usize) {
        self.reached(depth);
        let mark = self.buffer.len();
        match value.kind() {
            Kind::Null => self.buffer.present_int_field(structure::NULL_VALUE, 0),
            Kind::False => self.buffer.present_int_field(structure::BOOL_VALUE, 0),
            Kind::True => self.buffer.present_int_field(structure::BOOL_VALUE, 1),
            Kind::Digits | Kind::Int | Kind::Float => self
                .buffer
                .double_field(structure::NUMBER_VALUE, document.double_of(value)),
            Kind::Str => self.buffer.bytes_field(
                structure::STRING_VALUE,
                document.string_of(value).as_bytes(),
            ),
            Kind::Object => {
                self.object(document, value, depth + 1);
                self.buffer.close_message(structure::STRUCT_VALUE, mark);
            }
            Kind::Array => {
                self.reached(depth + 1);
                for item in document.children(value).iter().rev() {
                    let item_mark = self.buffer.len();
                    self.value(document, *item, depth + 2);
                    self.buffer.close_message(structure::LIST_VALUES, item_mark);
                }
                self.buffer.close_message(structure::LIST_VALUE, mark);
            }
        }
    }
}
