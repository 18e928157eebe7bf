//! `google.protobuf.Struct` of a document.

use crate::document::{Document, Kind};
use crate::proto::EncodedBytes;
use crate::proto::reverse::ReverseBuffer;
use crate::writer::released::prepend_struct_released;
use crate::writer::{HashAlong, prepend_struct};

/// The Struct of a document; empty for one that is not an object.
pub(crate) fn encode_struct(document: &Document<'_>) -> EncodedBytes {
    let mut writer = StructWriter::new(ReverseBuffer::with_capacity(document.struct_size_hint()));
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
        self.object_and_hash(document, depth, &mut HashAlong::nothing());
    }

    /// The same, with something hashed along.
    pub(crate) fn object_and_hash(
        &mut self,
        document: &Document<'_>,
        depth: usize,
        along: &mut HashAlong<'_>,
    ) {
        self.reached(depth);
        let root = document.root_node();
        if root.kind() == Kind::Object {
            let deepest = prepend_struct(document, root, depth, &mut self.buffer, along);
            self.reached(deepest);
        }
    }

    /// The same for a large document that is not needed afterwards: it loses its
    /// nodes meanwhile.
    pub(crate) fn object_released(
        &mut self,
        document: &mut Document<'_>,
        along: &mut HashAlong<'_>,
    ) {
        if document.root_node().kind() == Kind::Object {
            let deepest = prepend_struct_released(document, 0, &mut self.buffer, along);
            self.reached(deepest);
        }
    }
}
