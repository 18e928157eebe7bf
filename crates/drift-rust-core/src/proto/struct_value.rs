//! `google.protobuf.Struct` of a document.

use crate::document::Document;
use crate::proto::EncodedBytes;
use crate::proto::reverse::ReverseBuffer;
use crate::writer::Writer;

/// The Struct of a document; empty for one that is not an object.
pub(crate) fn encode_struct(document: &Document<'_>) -> EncodedBytes {
    let mut writer = StructWriter::new(ReverseBuffer::with_capacity(document.size_hint() * 2));
    writer.object(document, 0);
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

    /// The entries of a document's object; `depth` is that of the Struct message.
    pub(crate) fn object(&mut self, document: &Document<'_>, depth: usize) {
        let mut none = ReverseBuffer::none();
        self.write::<false>(document, depth, &mut none);
    }

    /// The same, and the document's canonical JSON to another buffer.
    pub(crate) fn object_and_json(
        &mut self,
        document: &Document<'_>,
        depth: usize,
        json: &mut ReverseBuffer,
    ) {
        self.write::<true>(document, depth, json);
    }

    fn write<const JSON: bool>(
        &mut self,
        document: &Document<'_>,
        depth: usize,
        json: &mut ReverseBuffer,
    ) {
        self.reached(depth);
        let mut writer = Writer {
            json,
            proto: &mut self.buffer,
            deepest: self.deepest,
        };
        writer.root::<JSON, true>(document, document.root_node(), depth);
        self.deepest = writer.deepest;
    }
}
