//! Which bytes of a text give JSON its structure, 64 of them at a time: with
//! them a bracket is matched in a tenth of the steps of a byte at a time.
//!
//! Leaves out what the brackets mean (`skim`).

use wide::{u8x16, u8x64};

/// Which of 16 bytes are a quotation mark or a backslash. Bit `n` is byte `n`.
#[inline]
pub(super) fn quotes_and_backslashes(chunk: &[u8; 16]) -> u32 {
    let bytes = u8x16::new(*chunk);
    let equal = |byte| bytes.simd_eq(u8x16::splat(byte));
    (equal(b'"') | equal(b'\\')).to_bitmask()
}

/// One bit a byte, the lowest for the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Masks {
    quotes: u64,
    backslashes: u64,
    /// `{` and `[`.
    opening: u64,
    /// `}` and `]`.
    closing: u64,
}

impl Masks {
    #[inline]
    fn of(block: &[u8; 64]) -> Masks {
        let bytes = u8x64::new(*block);
        // A brace differs from the bracket of its side by this bit alone.
        let folded = bytes | u8x64::splat(0x20);
        let mask = |bytes: u8x64, byte| bytes.simd_eq(u8x64::splat(byte)).to_bitmask();
        Masks {
            quotes: mask(bytes, b'"'),
            backslashes: mask(bytes, b'\\'),
            opening: mask(folded, b'{'),
            closing: mask(folded, b'}'),
        }
    }
}

/// What one block leaves to the next.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scan {
    /// All bits when a string is open, else none.
    in_string: u64,
    /// 1 when the last byte was a backslash that escapes the next one.
    escapes_next: u64,
}

/// The brackets of a block that stand outside strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Brackets {
    pub(super) opening: u64,
    pub(super) closing: u64,
}

impl Scan {
    /// The brackets of the next block; `None` when a backslash stands outside a
    /// string, where it escapes nothing: that is no JSON, and read byte by byte.
    pub(super) fn brackets(&mut self, block: &[u8; 64]) -> Option<Brackets> {
        let masks = Masks::of(block);
        let quotes = masks.quotes & !self.escaped(masks.backslashes);
        // The bits from a quotation mark to before the next one.
        let mut in_string = quotes;
        for shift in [1, 2, 4, 8, 16, 32] {
            in_string ^= in_string << shift;
        }
        in_string ^= self.in_string;
        self.in_string = ((in_string.cast_signed()) >> 63).cast_unsigned();
        if masks.backslashes & !in_string != 0 {
            return None;
        }
        Some(Brackets {
            opening: masks.opening & !in_string,
            closing: masks.closing & !in_string,
        })
    }

    /// The bytes behind an odd number of backslashes: a run that starts at an
    /// odd place carries into the bit behind it when it is added to the mask,
    /// and so tells the parity of its length (simdjson's way, Langdale and
    /// Lemire 2019, section 3.1.1).
    fn escaped(&mut self, backslashes: u64) -> u64 {
        const EVEN: u64 = 0x5555_5555_5555_5555;
        if backslashes == 0 {
            return std::mem::take(&mut self.escapes_next);
        }
        let backslashes = backslashes & !self.escapes_next;
        let follows = backslashes << 1 | self.escapes_next;
        let odd_starts = backslashes & !EVEN & !follows;
        let (even_runs, carried) = odd_starts.overflowing_add(backslashes);
        self.escapes_next = u64::from(carried);
        (EVEN ^ (even_runs << 1)) & follows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seeded (xorshift), so that a failure comes again.
    fn blocks() -> Vec<[u8; 64]> {
        let letters = br#""\{}[]ab ,:[{}]\"\"#;
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let mut blocks: Vec<[u8; 64]> = (0..2_000)
            .map(|_| {
                std::array::from_fn(|_| {
                    let place = next() as usize % letters.len();
                    letters.get(place).copied().unwrap_or_default()
                })
            })
            .collect();
        blocks.extend((0..4).map(|part| std::array::from_fn(|place| (part * 64 + place) as u8)));
        blocks
    }

    fn slowly(bytes: &[u8], is_set: impl Fn(u8) -> bool) -> u64 {
        bytes
            .iter()
            .rev()
            .fold(0, |mask, byte| mask << 1 | u64::from(is_set(*byte)))
    }

    #[test]
    fn the_masks_say_of_each_byte_what_it_is() {
        for block in blocks() {
            let masks = Masks {
                quotes: slowly(&block, |byte| byte == b'"'),
                backslashes: slowly(&block, |byte| byte == b'\\'),
                opening: slowly(&block, |byte| matches!(byte, b'{' | b'[')),
                closing: slowly(&block, |byte| matches!(byte, b'}' | b']')),
            };
            assert_eq!(Masks::of(&block), masks);
            let (chunks, _) = block.as_chunks::<16>();
            for chunk in chunks {
                let mask = slowly(chunk, |byte| matches!(byte, b'"' | b'\\'));
                assert_eq!(u64::from(quotes_and_backslashes(chunk)), mask);
            }
        }
    }
}
