//! A buffer written from its end: a message's length is known when its tag is
//! due, so nothing is measured beforehand and nothing is moved.

use crate::memory;
use crate::pieces::PieceWriter;
use crate::proto::wire::WireType;
use std::ops::Deref;

/// Encoded protobuf bytes.
///
/// They lie at the end or at the start of a larger buffer; reading them copies
/// nothing. When they are dropped the buffer serves the next call.
#[derive(Default)]
pub struct EncodedBytes {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl EncodedBytes {
    /// The bytes as a vector of their own.
    pub fn into_vec(mut self) -> Vec<u8> {
        if self.is_exact() {
            std::mem::take(&mut self.buffer)
        } else {
            self.to_vec()
        }
    }

    /// Hands out the bytes in pieces of at most so many, the last piece first,
    /// and gives the memory of each back before the next: whoever copies large
    /// bytes to another place does not have them twice.
    ///
    /// ```
    /// let bytes = drift_rust_core::EncodedBytes::from(b"abcde".to_vec());
    /// let mut pieces = Vec::new();
    /// bytes.hand_out_from_end(2, |piece| pieces.push(piece.to_vec()));
    /// assert_eq!(pieces, [&b"de"[..], b"bc", b"a"]);
    /// ```
    pub fn hand_out_from_end(mut self, piece_bytes: usize, mut put: impl FnMut(&[u8])) {
        while !self.is_empty() {
            let from = self.len().saturating_sub(piece_bytes.max(1));
            put(self.get(from..).unwrap_or_default());
            self.cut_to(from);
        }
    }

    /// Bytes of this length and more are worth moving with
    /// [`move_to`](Self::move_to): the memory of shorter ones serves the next call.
    pub const MOVED_FROM: usize = 4 << 20;

    /// Writes the bytes from their end, in pieces whose memory is given back
    /// before the next, so that no more than a piece is there twice.
    ///
    /// ```
    /// use drift_rust_core::{EncodedBytes, PieceWriter};
    /// use std::mem::MaybeUninit;
    /// let mut memory = [MaybeUninit::uninit(); 3];
    /// let mut writer = PieceWriter::new(&mut memory);
    /// EncodedBytes::from(b"abc".to_vec()).move_to(&mut writer);
    /// assert!(writer.is_complete());
    /// ```
    pub fn move_to(self, writer: &mut PieceWriter<'_>) {
        self.hand_out_from_end(EncodedBytes::MOVED_FROM, |piece| writer.put_last(piece));
    }

    /// Forgets what stands from this place on, and gives its memory back.
    pub(crate) fn cut_to(&mut self, length: usize) {
        self.end = self.end.min(self.start + length);
        self.buffer.truncate(self.end);
        self.buffer.shrink_to_fit();
    }
}

impl EncodedBytes {
    /// The first bytes of a buffer.
    pub(crate) fn at_start(buffer: Vec<u8>, end: usize) -> EncodedBytes {
        EncodedBytes {
            buffer,
            start: 0,
            end,
        }
    }

    /// The bytes of a buffer from a place on.
    fn from_start(buffer: Vec<u8>, start: usize) -> EncodedBytes {
        EncodedBytes {
            end: buffer.len(),
            start,
            buffer,
        }
    }

    /// Nothing else stands in the buffer.
    fn is_exact(&self) -> bool {
        self.start == 0 && self.end == self.buffer.len()
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
        if !self.is_exact() {
            memory::give_back(std::mem::take(&mut self.buffer));
        }
    }
}

impl Deref for EncodedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }
}

impl AsRef<[u8]> for EncodedBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl From<Vec<u8>> for EncodedBytes {
    fn from(buffer: Vec<u8>) -> Self {
        EncodedBytes::from_start(buffer, 0)
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

    /// Where the written bytes start: what the writers of many short pieces keep
    /// in a register and pass to the calls whose names end with `_to`. In the
    /// buffer it would be stored and loaded again for every piece, and each would
    /// wait for the one before it.
    #[inline(always)]
    pub(crate) fn place(&self) -> usize {
        self.start
    }

    /// Takes a place as the start of what is written.
    #[inline(always)]
    pub(crate) fn set_place(&mut self, place: usize) {
        self.start = place.min(self.buffer.len());
    }

    /// The number of bytes written up to a place.
    #[inline(always)]
    pub(crate) fn len_at(&self, place: usize) -> usize {
        self.buffer.len().wrapping_sub(place)
    }

    /// The end of what is free before a place.
    #[inline(always)]
    fn free<const SIZE: usize>(&mut self, place: usize) -> Option<&mut [u8; SIZE]> {
        self.buffer.get_mut(..place)?.last_chunk_mut()
    }

    /// A short piece: the last `length` bytes of a block of eight.
    ///
    /// A block is made as a number, in a register: bytes put together in memory
    /// and read back as a whole wait for the stores (measured: half of the time
    /// of all writing).
    #[inline(always)]
    pub(crate) fn block_to(&mut self, place: usize, block: u64, length: usize) -> usize {
        // What is in front of the piece is free and written over next.
        match self.free(place) {
            Some(slot) => {
                *slot = block.to_le_bytes();
                place - length
            }
            None => {
                let block = block.to_le_bytes();
                let piece = block.get(block.len() - length..).unwrap_or_default();
                self.put_to(place, piece)
            }
        }
    }

    /// Bytes, with more room when there is none.
    #[cold]
    #[inline(never)]
    fn put_to(&mut self, place: usize, bytes: &[u8]) -> usize {
        self.set_place(place);
        self.prepend(bytes);
        self.start
    }

    #[inline(always)]
    pub(crate) fn block(&mut self, block: u64, length: usize) {
        self.start = self.block_to(self.start, block, length);
    }

    /// One byte.
    #[inline(always)]
    pub(crate) fn byte_to(&mut self, place: usize, byte: u8) -> usize {
        match self.free(place) {
            Some([slot]) => {
                *slot = byte;
                place - 1
            }
            None => self.put_to(place, &[byte]),
        }
    }

    /// A piece of a larger source: short ones as blocks, whatever their length,
    /// since a branch on it would be a guess.
    #[inline(always)]
    pub(crate) fn piece_to(
        &mut self,
        place: usize,
        source: &[u8],
        from: usize,
        length: usize,
    ) -> usize {
        if length <= BLOCK
            && let Some(block) = last_block::<BLOCK>(source, from + length)
            && let Some(slot) = self.free(place)
        {
            // What is in front of the piece is free and written over next.
            *slot = *block;
            place - length
        } else {
            self.long_piece_to(place, source, from, length)
        }
    }

    #[inline(never)]
    fn long_piece_to(&mut self, place: usize, source: &[u8], from: usize, length: usize) -> usize {
        if length <= LONG_BLOCK
            && let Some(block) = last_block::<LONG_BLOCK>(source, from + length)
            && let Some(slot) = self.free(place)
        {
            *slot = *block;
            place - length
        } else {
            self.set_place(place);
            self.prepend(source.get(from..from + length).unwrap_or_default());
            self.start
        }
    }

    #[inline(always)]
    pub(crate) fn varint_to(&mut self, place: usize, value: u64) -> usize {
        if value < 0x80 {
            self.byte_to(place, value as u8)
        } else if value < 0x4000 {
            self.block_to(place, (value & 0x7F | 0x80) << 48 | (value >> 7) << 56, 2)
        } else {
            self.long_varint_to(place, value)
        }
    }

    #[inline(never)]
    fn long_varint_to(&mut self, place: usize, mut value: u64) -> usize {
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
        self.set_place(place);
        self.prepend(bytes.get(..length).unwrap_or_default());
        self.start
    }

    fn varint(&mut self, value: u64) {
        self.start = self.varint_to(self.start, value);
    }

    /// Turns all that was written since `mark` (an earlier
    /// [`len_at`](Self::len_at)) into the content of a length-delimited field.
    #[inline(always)]
    pub(crate) fn close_message_to(&mut self, place: usize, field: u32, mark: usize) -> usize {
        let length = (self.len_at(place) - mark) as u64;
        let tag = u64::from(field << 3 | WireType::Length as u32);
        if field < 16 && length < 0x80 {
            return self.block_to(place, tag << 48 | length << 56, 2);
        }
        let place = self.varint_to(place, length);
        self.varint_to(place, tag)
    }

    pub(crate) fn tag(&mut self, field: u32, wire_type: WireType) {
        self.varint(u64::from(field << 3 | wire_type as u32));
    }

    /// Turns all that was written since `mark` (an earlier [`len`](Self::len))
    /// into the content of a length-delimited field.
    #[inline]
    pub(crate) fn close_message(&mut self, field: u32, mark: usize) {
        self.start = self.close_message_to(self.start, field, mark);
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
        // What was never written to takes no memory in a buffer that is too large to
        // have served another call.
        if self.buffer.len() > 2 * self.len() + 256 && memory::is_kept(&self.buffer) {
            return EncodedBytes::from(self.as_slice().to_vec());
        }
        EncodedBytes::from_start(std::mem::take(&mut self.buffer), self.start)
    }
}

impl Drop for ReverseBuffer {
    fn drop(&mut self) {
        memory::give_back(std::mem::take(&mut self.buffer));
    }
}
