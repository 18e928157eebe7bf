//! A buffer for text whose size is nearly known: short pieces are copied as whole
//! blocks, whatever their length, and the next piece overwrites what was too much.
//! What stands in it is hashed along when that is asked for.

use crate::hash::HashAlgorithm;
use crate::memory;
use crate::proto::EncodedBytes;
use crate::simd;
use sha2::{Digest as _, Sha256};

/// Pieces of other sources are written as blocks of this size, longer ones as
/// blocks of that.
pub(crate) const BLOCK: usize = 32;
const LONG_BLOCK: usize = 96;

/// What is hashed at once: one block of SHA-256.
const HASHED_AT_ONCE: usize = 64;

/// The writer.
pub(crate) struct Out {
    bytes: Vec<u8>,
    length: usize,
    /// The hash of what stands before `hashed`.
    hasher: Sha256,
    hashed: usize,
    /// How long the text is when the next part is to be hashed.
    due: usize,
}

impl Out {
    pub(crate) fn with_capacity(capacity: usize) -> Out {
        Out {
            bytes: memory::take(capacity + LONG_BLOCK),
            length: 0,
            hasher: Sha256::new(),
            hashed: 0,
            due: usize::MAX,
        }
    }

    /// The same, and what is written is hashed with SHA-256 meanwhile: the steps
    /// of a hash wait for each other, so the processor writes in between.
    pub(crate) fn hashing(capacity: usize) -> Out {
        let mut out = Out::with_capacity(capacity);
        out.due = HASHED_AT_ONCE;
        out
    }

    /// Hashes on when enough was written up to a place.
    #[inline(always)]
    pub(crate) fn hash_to(&mut self, place: usize) {
        if place >= self.due {
            self.hash_some();
        }
    }

    #[inline(never)]
    fn hash_some(&mut self) {
        let end = self.hashed + HASHED_AT_ONCE;
        self.hasher
            .update(self.bytes.get(self.hashed..end).unwrap_or_default());
        self.hashed = end;
        self.due = end + HASHED_AT_ONCE;
    }

    /// The hash so far, and the bytes that are not in it yet.
    pub(crate) fn hash_and_rest(&self) -> (Sha256, &[u8]) {
        let rest = self.as_slice().get(self.hashed..).unwrap_or_default();
        (self.hasher.clone(), rest)
    }

    /// The digest of all that was written.
    pub(crate) fn digest(&self, algorithm: HashAlgorithm) -> String {
        match algorithm {
            HashAlgorithm::Sha256 if self.hashed > 0 => {
                let (mut hasher, rest) = self.hash_and_rest();
                hasher.update(rest);
                crate::hash::hex(&hasher.finalize())
            }
            _ => algorithm.hex(self.as_slice()),
        }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, more: usize) {
        let size = (self.length + more + LONG_BLOCK).max(self.bytes.len() * 3 / 2);
        self.bytes.resize(size, 0);
    }

    /// How much is written: what the writers of many short pieces keep in a
    /// register and pass to the calls whose names end with `_to`. In the buffer
    /// it would be stored and loaded again for every piece, and each would wait
    /// for the one before it.
    #[inline(always)]
    pub(crate) fn place(&self) -> usize {
        self.length
    }

    /// Takes a place as the end of what is written.
    #[inline(always)]
    pub(crate) fn set_place(&mut self, place: usize) {
        self.length = place.min(self.bytes.len());
    }

    /// What is free at a place, when so many bytes have room there.
    #[inline(always)]
    fn free<const SIZE: usize>(&mut self, place: usize) -> Option<&mut [u8; SIZE]> {
        self.bytes.get_mut(place..)?.first_chunk_mut()
    }

    #[inline(always)]
    pub(crate) fn byte_to(&mut self, place: usize, byte: u8) -> usize {
        match self.bytes.get_mut(place) {
            Some(slot) => {
                *slot = byte;
                place + 1
            }
            None => self.put_to(place, &[byte]),
        }
    }

    /// A short piece: the first `length` bytes of a word.
    #[inline(always)]
    pub(crate) fn word_to(&mut self, place: usize, word: [u8; 8], length: usize) -> usize {
        match self.free(place) {
            // What is behind the piece is free and written over next.
            Some(slot) => {
                *slot = word;
                place + length
            }
            None => self.put_to(place, word.get(..length).unwrap_or_default()),
        }
    }

    /// Bytes, with more room when there is none.
    #[cold]
    #[inline(never)]
    fn put_to(&mut self, place: usize, bytes: &[u8]) -> usize {
        self.set_place(place);
        self.put(bytes);
        self.length
    }

    /// A piece of a larger source: short ones as blocks, whatever their length,
    /// since a branch on it would be a guess.
    #[inline(always)]
    pub(crate) fn piece_to(
        &mut self,
        place: usize,
        source: &[u8],
        start: usize,
        length: usize,
    ) -> usize {
        if length <= BLOCK
            && let Some(block) = block_at::<BLOCK>(source, start)
            && let Some(slot) = self.free(place)
        {
            // What is behind the piece is free and written over next.
            *slot = *block;
            place + length
        } else {
            self.long_piece_to(place, source, start, length)
        }
    }

    #[inline(never)]
    fn long_piece_to(&mut self, place: usize, source: &[u8], start: usize, length: usize) -> usize {
        if length <= LONG_BLOCK
            && let Some(block) = block_at::<LONG_BLOCK>(source, start)
            && let Some(slot) = self.free(place)
        {
            *slot = *block;
            place + length
        } else {
            self.set_place(place);
            self.put(source.get(start..start + length).unwrap_or_default());
            self.length
        }
    }

    #[inline]
    pub(crate) fn byte(&mut self, byte: u8) {
        self.length = self.byte_to(self.length, byte);
    }

    /// A literal piece.
    #[inline]
    pub(crate) fn put(&mut self, piece: &[u8]) {
        if self.bytes.len() - self.length < piece.len() {
            self.grow(piece.len());
        }
        if let Some(slot) = self.bytes.get_mut(self.length..self.length + piece.len()) {
            slot.copy_from_slice(piece);
            self.length += piece.len();
        }
    }

    fn put_piece(&mut self, source: &[u8], start: usize, length: usize) {
        self.length = self.piece_to(self.length, source, start, length);
    }

    /// A JSON string with its quotes. Only `"`, `\` and U+0000..U+001F are
    /// escaped, the latter in the short form where there is one.
    #[inline(never)]
    pub(crate) fn quoted(&mut self, value: &[u8]) {
        self.byte(b'"');
        let mut at = 0;
        while at < value.len() {
            let plain = plain_run(value, at);
            self.put_piece(value, at, plain - at);
            at = plain;
            if let Some(byte) = value.get(at) {
                self.escaped(*byte);
                at += 1;
            }
        }
        self.byte(b'"');
    }

    fn escaped(&mut self, byte: u8) {
        let short = match byte {
            b'"' => b'"',
            b'\\' => b'\\',
            0x08 => b'b',
            0x0C => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            _ => {
                self.put(if byte < 0x10 { b"\\u000" } else { b"\\u001" });
                let digit = byte & 0xF;
                self.byte(if digit < 10 {
                    b'0' + digit
                } else {
                    b'a' - 10 + digit
                });
                return;
            }
        };
        self.put(&[b'\\', short]);
    }

    /// Forgets what was written; only of a text that is not hashed along.
    pub(crate) fn clear(&mut self) {
        self.length = 0;
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// What was written, in a buffer that is not much larger.
    pub(crate) fn finish(mut self) -> EncodedBytes {
        // What was never written to takes no memory in a buffer that is too large to
        // have served another call.
        if self.bytes.len() > 2 * self.length + 256 && memory::is_kept(&self.bytes) {
            return EncodedBytes::from(self.as_slice().to_vec());
        }
        EncodedBytes::at_start(std::mem::take(&mut self.bytes), self.length)
    }

    /// What was written, as text.
    pub(crate) fn into_string(mut self) -> String {
        let bytes = if memory::is_kept(&self.bytes) {
            self.as_slice().to_vec()
        } else {
            // Too large to serve another call: the text keeps its memory instead
            // of being there twice.
            let mut bytes = std::mem::take(&mut self.bytes);
            bytes.truncate(self.length);
            bytes.shrink_to_fit();
            bytes
        };
        // All pieces are text, so this is never the lossy way; should it be, a
        // replaced character is seen at once, where undefined behaviour is not.
        simd::into_string(bytes)
            .unwrap_or_else(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        memory::give_back(std::mem::take(&mut self.bytes));
    }
}

#[inline(always)]
fn block_at<const SIZE: usize>(source: &[u8], at: usize) -> Option<&[u8; SIZE]> {
    source.get(at..)?.first_chunk()
}

/// Where the first byte from `at` on stands that cannot stand for itself in a
/// JSON string; the length when there is none.
#[inline(always)]
pub(crate) fn plain_run(bytes: &[u8], mut at: usize) -> usize {
    // 32 at once: most strings are shorter, so that no branch has to guess
    // where they end.
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<32>()) {
        let special = special_bytes_of_two(chunk);
        if special != 0 {
            return at + special.trailing_zeros() as usize;
        }
        at += 32;
    }
    plain_run_at_end(bytes, at)
}

#[inline(always)]
fn special_bytes_of_two(chunk: &[u8; 32]) -> u32 {
    match chunk.as_chunks::<16>() {
        ([low, high], _) => simd::special_bytes(low) | simd::special_bytes(high) << 16,
        // 32 bytes are two times 16.
        _ => 0,
    }
}

fn plain_run_at_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        if *byte < 0x20 || *byte == b'"' || *byte == b'\\' {
            break;
        }
        at += 1;
    }
    at
}
