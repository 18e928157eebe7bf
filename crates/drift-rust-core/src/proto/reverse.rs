//! A buffer written from its end: a message's length is known when its tag is
//! due, so nothing is measured beforehand and nothing is moved.

use crate::proto::wire::WireType;
use std::ops::Deref;

/// Encoded protobuf bytes.
///
/// They lie at the end of a larger buffer; reading them copies nothing.
#[derive(Clone, Default)]
pub struct EncodedBytes {
    buffer: Vec<u8>,
    start: usize,
}

impl EncodedBytes {
    /// The bytes as a vector of their own.
    pub fn into_vec(mut self) -> Vec<u8> {
        self.buffer.drain(..self.start.min(self.buffer.len()));
        self.buffer
    }
}

impl Deref for EncodedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }
}

impl AsRef<[u8]> for EncodedBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl From<Vec<u8>> for EncodedBytes {
    fn from(buffer: Vec<u8>) -> Self {
        EncodedBytes { buffer, start: 0 }
    }
}

impl From<EncodedBytes> for Vec<u8> {
    fn from(bytes: EncodedBytes) -> Self {
        bytes.into_vec()
    }
}

impl PartialEq for EncodedBytes {
    fn eq(&self, other: &Self) -> bool {
        self[..] == other[..]
    }
}

impl Eq for EncodedBytes {}

impl std::fmt::Debug for EncodedBytes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "EncodedBytes({:02x?})", &self[..])
    }
}

/// Short pieces are written as blocks of this size.
const BLOCK: usize = 16;

/// The writer; what is prepended last stands first.
pub(crate) struct ReverseBuffer {
    buffer: Vec<u8>,
    /// Where the written bytes start.
    start: usize,
}

impl ReverseBuffer {
    pub(crate) fn with_capacity(capacity: usize) -> ReverseBuffer {
        let capacity = capacity.max(64);
        ReverseBuffer {
            buffer: vec![0; capacity],
            start: capacity,
        }
    }

    /// The number of bytes written so far.
    pub(crate) fn len(&self) -> usize {
        self.buffer.len() - self.start
    }

    #[cold]
    fn grow(&mut self, needed: usize) {
        let written = self.len();
        let capacity = (written + needed).max(self.buffer.len() * 2);
        let mut larger = vec![0; capacity];
        let start = capacity - written;
        if let (Some(target), Some(source)) =
            (larger.get_mut(start..), self.buffer.get(self.start..))
        {
            target.copy_from_slice(source);
        }
        self.buffer = larger;
        self.start = start;
    }

    #[allow(
        clippy::indexing_slicing,
        reason = "start is at least the length after growing, and start is never beyond the buffer"
    )]
    pub(crate) fn prepend(&mut self, bytes: &[u8]) {
        if self.start < bytes.len() {
            self.grow(bytes.len());
        }
        let end = self.start;
        self.start -= bytes.len();
        self.buffer[self.start..end].copy_from_slice(bytes);
    }

    /// Makes room for so many bytes and one block more.
    #[inline]
    fn room(&mut self, more: usize) {
        if self.start < more + BLOCK {
            self.grow(more + BLOCK);
        }
    }

    /// A short piece: the last `length` bytes of a block.
    #[inline]
    fn block(&mut self, block: [u8; BLOCK], length: usize) {
        self.room(length);
        let end = self.start;
        if let Some(slot) = self
            .buffer
            .get_mut(..end)
            .and_then(|free| free.last_chunk_mut::<BLOCK>())
        {
            // What is in front of the piece is free and written over next.
            *slot = block;
            self.start = end - length;
        }
    }

    /// A piece of a larger source.
    #[inline]
    pub(crate) fn prepend_piece(&mut self, source: &[u8], start: usize, length: usize) {
        if length <= BLOCK
            && let Some(block) = source
                .get(..start + length)
                .and_then(|piece| piece.last_chunk::<BLOCK>())
        {
            return self.block(*block, length);
        }
        self.prepend(source.get(start..start + length).unwrap_or_default());
    }

    #[inline]
    pub(crate) fn varint(&mut self, value: u64) {
        let mut block = [0; BLOCK];
        let [.., before, last] = &mut block;
        if value < 0x80 {
            *last = value as u8;
            self.block(block, 1);
        } else if value < 0x4000 {
            *before = value as u8 | 0x80;
            *last = (value >> 7) as u8;
            self.block(block, 2);
        } else {
            self.long_varint(value);
        }
    }

    fn long_varint(&mut self, mut value: u64) {
        let mut bytes = [0u8; 10];
        let mut length = 0;
        for slot in &mut bytes {
            length += 1;
            let last = value < 0x80;
            *slot = value as u8 | if last { 0 } else { 0x80 };
            if last {
                break;
            }
            value >>= 7;
        }
        self.prepend(bytes.get(..length).unwrap_or_default());
    }

    pub(crate) fn tag(&mut self, field: u32, wire_type: WireType) {
        self.varint(u64::from(field << 3 | wire_type as u32));
    }

    /// Turns all that was written since `mark` (an earlier [`len`](Self::len))
    /// into the content of a length-delimited field.
    #[inline]
    pub(crate) fn close_message(&mut self, field: u32, mark: usize) {
        let length = (self.len() - mark) as u64;
        if field < 16 && length < 0x80 {
            let mut block = [0; BLOCK];
            let [.., tag, last] = &mut block;
            *tag = (field << 3 | WireType::Length as u32) as u8;
            *last = length as u8;
            return self.block(block, 2);
        }
        self.varint(length);
        self.tag(field, WireType::Length);
    }

    pub(crate) fn bytes_field(&mut self, field: u32, bytes: &[u8]) {
        let mark = self.len();
        self.prepend(bytes);
        self.close_message(field, mark);
    }

    /// A string, left out when it is empty.
    pub(crate) fn string_field(&mut self, field: u32, value: &str) {
        if !value.is_empty() {
            self.bytes_field(field, value.as_bytes());
        }
    }

    /// An `int32`, `int64` or enum, left out when it is 0; negative ones take
    /// ten bytes, as protobuf sign-extends them.
    pub(crate) fn int_field(&mut self, field: u32, value: i64) {
        if value != 0 {
            self.present_int_field(field, value);
        }
    }

    /// The same for a field with presence: written also when it is 0.
    pub(crate) fn present_int_field(&mut self, field: u32, value: i64) {
        if field < 16 && (0..0x80).contains(&value) {
            let mut block = [0; BLOCK];
            let [.., tag, last] = &mut block;
            *tag = (field << 3 | WireType::Varint as u32) as u8;
            *last = value as u8;
            return self.block(block, 2);
        }
        self.varint(value.cast_unsigned());
        self.tag(field, WireType::Varint);
    }

    pub(crate) fn double_field(&mut self, field: u32, value: f64) {
        if field < 16 {
            let mut block = [0; BLOCK];
            let [.., tag, b0, b1, b2, b3, b4, b5, b6, b7] = &mut block;
            *tag = (field << 3 | WireType::Fixed64 as u32) as u8;
            [*b0, *b1, *b2, *b3, *b4, *b5, *b6, *b7] = value.to_bits().to_le_bytes();
            return self.block(block, 9);
        }
        self.prepend(&value.to_bits().to_le_bytes());
        self.tag(field, WireType::Fixed64);
    }

    pub(crate) fn finish(self) -> EncodedBytes {
        EncodedBytes {
            buffer: self.buffer,
            start: self.start,
        }
    }
}
