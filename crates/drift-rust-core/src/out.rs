//! A buffer for text whose size is nearly known: short pieces are copied as
//! blocks of 16 bytes, whatever their length, and the next piece overwrites
//! what was too much.

use crate::simd;

/// What a source should have behind a piece, so that a block may be read.
pub(crate) const SLOP: usize = 16;

/// The writer.
pub(crate) struct Out {
    bytes: Vec<u8>,
    length: usize,
}

impl Out {
    pub(crate) fn with_capacity(capacity: usize) -> Out {
        Out {
            bytes: vec![0; capacity + 2 * SLOP],
            length: 0,
        }
    }

    /// A writer without memory, which it takes when it is written to.
    pub(crate) const fn empty() -> Out {
        Out {
            bytes: Vec::new(),
            length: 0,
        }
    }

    /// Makes room for so many bytes and one block more.
    #[inline]
    fn room(&mut self, more: usize) {
        if self.bytes.len() - self.length < more + SLOP {
            self.grow(more);
        }
    }

    #[cold]
    fn grow(&mut self, more: usize) {
        let size = (self.length + more + SLOP).max(self.bytes.len() * 3 / 2);
        self.bytes.resize(size, 0);
    }

    #[inline]
    pub(crate) fn byte(&mut self, byte: u8) {
        self.room(1);
        if let Some(slot) = self.bytes.get_mut(self.length) {
            *slot = byte;
            self.length += 1;
        }
    }

    /// A literal piece.
    #[inline]
    pub(crate) fn put(&mut self, piece: &[u8]) {
        self.room(piece.len());
        if let Some(slot) = self.bytes.get_mut(self.length..self.length + piece.len()) {
            slot.copy_from_slice(piece);
            self.length += piece.len();
        }
    }

    /// A piece of a larger source.
    #[inline]
    pub(crate) fn put_piece(&mut self, source: &[u8], start: usize, length: usize) {
        self.room(length);
        if length <= 2 * SLOP
            && let Some(from) = block_at(source, start)
            && let Some(to) = block_at_mut(&mut self.bytes, self.length)
        {
            *to = *from;
            if length <= SLOP {
                self.length += length;
                return;
            }
            // The second block ends where the piece ends.
            let rest = length - SLOP;
            if let Some(from) = block_at(source, start + rest)
                && let Some(to) = block_at_mut(&mut self.bytes, self.length + rest)
            {
                *to = *from;
                self.length += length;
                return;
            }
        }
        self.put(source.get(start..start + length).unwrap_or_default());
    }

    /// A JSON string with its quotes. Only `"`, `\` and U+0000..U+001F are
    /// escaped, the latter in the short form where there is one.
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

    pub(crate) fn clear(&mut self) {
        self.length = 0;
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// What was written, as text.
    pub(crate) fn into_string(mut self) -> String {
        self.bytes.truncate(self.length);
        // All pieces are text, so this is never the lossy way; should it be, a
        // replaced character is seen at once, where undefined behaviour is not.
        simd::into_string(self.bytes)
            .unwrap_or_else(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }
}

#[inline]
fn block_at(bytes: &[u8], at: usize) -> Option<&[u8; SLOP]> {
    bytes.get(at..)?.first_chunk()
}

#[inline]
fn block_at_mut(bytes: &mut [u8], at: usize) -> Option<&mut [u8; SLOP]> {
    bytes.get_mut(at..)?.first_chunk_mut()
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
