//! A buffer written from its end: a message's length is known when its tag is
//! due, so nothing is measured beforehand and nothing is moved.

use crate::memory;
use crate::proto::wire::WireType;
use crate::simd;
use std::ops::Deref;

/// Encoded protobuf bytes.
///
/// They lie at the end of a larger buffer; reading them copies nothing. When
/// they are dropped the buffer serves the next call.
#[derive(Default)]
pub struct EncodedBytes {
    buffer: Vec<u8>,
    start: usize,
}

impl EncodedBytes {
    /// The bytes as a vector of their own.
    pub fn into_vec(mut self) -> Vec<u8> {
        if self.start == 0 {
            std::mem::take(&mut self.buffer)
        } else {
            self.to_vec()
        }
    }
}

impl EncodedBytes {
    /// Cuts off what is behind so many bytes and gives its memory back.
    pub(crate) fn truncate(&mut self, length: usize) {
        if length < self.len() {
            self.buffer.truncate(self.start + length);
            self.buffer.shrink_to_fit();
        }
    }

    /// Writes over bytes that were prepended last when the buffer's length had
    /// become `from_end`.
    pub(crate) fn overwrite(&mut self, from_end: usize, bytes: &[u8]) {
        let place = self
            .buffer
            .len()
            .checked_sub(from_end)
            .and_then(|start| self.buffer.get_mut(start..))
            .and_then(|rest| rest.get_mut(..bytes.len()));
        if let Some(place) = place {
            place.copy_from_slice(bytes);
        }
    }
}

impl Clone for EncodedBytes {
    fn clone(&self) -> EncodedBytes {
        EncodedBytes::from(self.to_vec())
    }
}

impl Drop for EncodedBytes {
    fn drop(&mut self) {
        // A buffer of the exact size came from outside or was copied out.
        if self.start > 0 {
            memory::give_back(std::mem::take(&mut self.buffer));
        }
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

/// Pieces of other sources are written as blocks of this size, longer ones as
/// blocks of that.
const BLOCK: usize = 32;
const LONG_BLOCK: usize = 96;

#[inline(always)]
fn last_block<const SIZE: usize>(source: &[u8], end: usize) -> Option<&[u8; SIZE]> {
    source.get(..end)?.last_chunk()
}

/// The writer; what is prepended last stands first.
pub(crate) struct ReverseBuffer {
    buffer: Vec<u8>,
    /// Where the written bytes start.
    start: usize,
}

impl ReverseBuffer {
    /// A buffer with room for so many bytes; it grows when that is too little.
    pub(crate) fn with_capacity(capacity: usize) -> ReverseBuffer {
        let buffer = memory::take(capacity + 2 * BLOCK);
        ReverseBuffer {
            start: buffer.len(),
            buffer,
        }
    }

    /// The number of bytes written so far.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// What was written so far.
    pub(crate) fn as_slice(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Forgets what was written.
    pub(crate) fn clear(&mut self) {
        self.start = self.buffer.len();
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, needed: usize) {
        let written = self.len();
        let capacity = (written + needed + 2 * BLOCK).max(self.buffer.len() * 2);
        let mut larger = vec![0; capacity];
        let start = capacity - written;
        if let (Some(target), Some(source)) =
            (larger.get_mut(start..), self.buffer.get(self.start..))
        {
            target.copy_from_slice(source);
        }
        memory::give_back(std::mem::replace(&mut self.buffer, larger));
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

    /// The free place, as far as blocks end.
    #[inline(always)]
    fn free(&mut self) -> Option<&mut [u8]> {
        self.buffer.get_mut(..self.start)
    }

    /// A short piece: the last `length` bytes of a block of eight.
    ///
    /// A block is made as a number, in a register: bytes put together in memory
    /// and read back as a whole wait for the stores (measured: half of the time
    /// of all writing).
    #[inline(always)]
    pub(crate) fn block(&mut self, block: u64, length: usize) {
        // What is in front of the piece is free and written over next.
        match self.free().and_then(|free| free.last_chunk_mut()) {
            Some(slot) => {
                *slot = block.to_le_bytes();
                self.start -= length;
            }
            None => self.grow_for_block(block, length),
        }
    }

    #[cold]
    #[inline(never)]
    fn grow_for_block(&mut self, block: u64, length: usize) {
        self.grow(BLOCK);
        let block = block.to_le_bytes();
        self.prepend(block.get(block.len() - length..).unwrap_or_default());
    }

    /// One byte.
    #[inline(always)]
    pub(crate) fn byte(&mut self, byte: u8) {
        match self.free().and_then(|free| free.last_mut()) {
            Some(slot) => {
                *slot = byte;
                self.start -= 1;
            }
            None => self.prepend(&[byte]),
        }
    }

    /// A piece of a larger source: short ones as blocks, whatever their length,
    /// since a branch on it would be a guess.
    #[inline(always)]
    pub(crate) fn prepend_piece(&mut self, source: &[u8], from: usize, length: usize) {
        if length <= BLOCK
            && let Some(block) = last_block::<BLOCK>(source, from + length)
            && let Some(slot) = self.free().and_then(|free| free.last_chunk_mut())
        {
            // What is in front of the piece is free and written over next.
            *slot = *block;
            self.start -= length;
        } else {
            self.prepend_long_piece(source, from, length);
        }
    }

    #[inline(never)]
    fn prepend_long_piece(&mut self, source: &[u8], from: usize, length: usize) {
        if length <= LONG_BLOCK
            && let Some(block) = last_block::<LONG_BLOCK>(source, from + length)
            && let Some(slot) = self.free().and_then(|free| free.last_chunk_mut())
        {
            *slot = *block;
            self.start -= length;
        } else {
            self.prepend(source.get(from..from + length).unwrap_or_default());
        }
    }

    #[inline]
    pub(crate) fn varint(&mut self, value: u64) {
        if value < 0x80 {
            self.byte(value as u8);
        } else if value < 0x4000 {
            self.block((value & 0x7F | 0x80) << 48 | (value >> 7) << 56, 2);
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
            let tag = u64::from(field << 3 | WireType::Length as u32);
            return self.block(tag << 48 | length << 56, 2);
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
            let tag = u64::from(field << 3 | WireType::Varint as u32);
            return self.block(tag << 48 | value.cast_unsigned() << 56, 2);
        }
        self.varint(value.cast_unsigned());
        self.tag(field, WireType::Varint);
    }

    pub(crate) fn double_field(&mut self, field: u32, value: f64) {
        self.block(value.to_bits(), 8);
        self.tag(field, WireType::Fixed64);
    }

    /// What was written, in a buffer that is not much larger.
    pub(crate) fn finish(mut self) -> EncodedBytes {
        if self.buffer.len() > 2 * self.len() + 256 {
            return EncodedBytes::from(self.as_slice().to_vec());
        }
        EncodedBytes {
            start: self.start,
            buffer: std::mem::take(&mut self.buffer),
        }
    }

    /// What was written, as text.
    pub(crate) fn into_string(mut self) -> String {
        let bytes = if memory::is_kept(&self.buffer) {
            self.as_slice().to_vec()
        } else {
            // Too large to serve another call: the text moves to the front of
            // its own memory instead of being there twice.
            let mut bytes = std::mem::take(&mut self.buffer);
            let start = std::mem::take(&mut self.start);
            let length = bytes.len() - start;
            bytes.copy_within(start.., 0);
            bytes.truncate(length);
            bytes.shrink_to_fit();
            bytes
        };
        // All pieces are text, so this is never the lossy way; should it be, a
        // replaced character is seen at once, where undefined behaviour is not.
        simd::into_string(bytes)
            .unwrap_or_else(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl Drop for ReverseBuffer {
    fn drop(&mut self) {
        memory::give_back(std::mem::take(&mut self.buffer));
    }
}
