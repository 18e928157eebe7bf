//! UTF-8 from and to the forms that the interpreter copies strings in.
//!
//! The interpreter's UTF-8 codec looks at each character by itself. Texts of
//! services are ASCII with some other letters, so here 16 characters are looked
//! at together, and copied together as far as they are ASCII. 90 kB with a
//! quarter of the words in other letters, µs, the codec and this with the interpreter's
//! copy: in 68 and 30, out 46 and 33; Latin-1 alone, in 69 and 25, out 14 and 13.

/// Characters that are looked at together.
const BLOCK: usize = 16;

/// Characters that are converted before more room is made.
const CHUNK: usize = 4096;

/// What the characters of a text have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repertoire {
    /// All are below U+0080.
    Ascii,
    /// All are below U+0100, some are not ASCII.
    Latin1,
    /// All are below U+10000, some beyond Latin-1.
    Basic,
    /// Some are beyond U+FFFF.
    Any,
}

impl Repertoire {
    /// A character that a text of this repertoire needs as much room for as for
    /// the widest of its own; none for ASCII.
    pub(crate) fn widest(self) -> Option<char> {
        match self {
            Repertoire::Ascii => None,
            Repertoire::Latin1 => Some('\u{FF}'),
            Repertoire::Basic => Some('\u{FFFF}'),
            Repertoire::Any => Some('\u{10FFFF}'),
        }
    }

    pub(crate) fn of(text: &str) -> Repertoire {
        // The lead byte of a character is above all of its other bytes, and
        // grows with the character.
        match text.bytes().max() {
            None | Some(..0x80) => Repertoire::Ascii,
            Some(..0xC4) => Repertoire::Latin1,
            Some(..0xF0) => Repertoire::Basic,
            Some(_) => Repertoire::Any,
        }
    }
}

/// How many bytes at the start of a block are ASCII.
#[inline(always)]
fn ascii_bytes(block: &[u8; BLOCK]) -> usize {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_mm_loadu_si128, _mm_movemask_epi8};
        // SAFETY: SSE2 is part of x86-64 itself, and 16 bytes are read from a
        // reference to 16 bytes, without need of alignment.
        let high = unsafe { _mm_movemask_epi8(_mm_loadu_si128(block.as_ptr().cast())) };
        (high.cast_unsigned() | 1 << BLOCK).trailing_zeros() as usize
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let high = u128::from_le_bytes(*block) & u128::from_ne_bytes([0x80; BLOCK]);
        high.trailing_zeros() as usize / 8
    }
}

/// The bytes of a block of characters, each right if it is ASCII, and how many
/// at the start are.
#[inline(always)]
fn ascii_characters(block: &[u32; BLOCK]) -> ([u8; BLOCK], usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{
            __m128i, _mm_adds_epu16, _mm_loadu_si128, _mm_movemask_epi8, _mm_packs_epi16,
            _mm_packs_epi32, _mm_packus_epi16, _mm_set1_epi16, _mm_storeu_si128,
        };
        let mut bytes = [0; BLOCK];
        // SAFETY: SSE2 is part of x86-64 itself; four times 16 bytes are read
        // from a reference to 64 and 16 are written to one to 16.
        let others = unsafe {
            let at = block.as_ptr().cast::<__m128i>();
            // Saturated, so what is beyond 16 bits stays beyond ASCII.
            let first = _mm_packs_epi32(_mm_loadu_si128(at), _mm_loadu_si128(at.add(1)));
            let second = _mm_packs_epi32(_mm_loadu_si128(at.add(2)), _mm_loadu_si128(at.add(3)));
            _mm_storeu_si128(bytes.as_mut_ptr().cast(), _mm_packus_epi16(first, second));
            // From 0x80 on the sum has its high bit, which saturation keeps.
            let more = _mm_set1_epi16(0x7F80);
            let first = _mm_adds_epu16(first, more);
            let second = _mm_adds_epu16(second, more);
            _mm_movemask_epi8(_mm_packs_epi16(first, second))
        };
        let plain = (others.cast_unsigned() | 1 << BLOCK).trailing_zeros() as usize;
        (bytes, plain)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let plain = block.iter().take_while(|unit| **unit < 0x80).count();
        (block.map(|unit| unit as u8), plain)
    }
}

/// Writes some values behind what is there, of which the first `counted` are kept.
///
/// # Safety
/// The vector has room for all of them, and `counted` is at most `N`.
#[inline(always)]
unsafe fn put<T, const N: usize>(out: &mut Vec<T>, values: [T; N], counted: usize) {
    debug_assert!(out.capacity() - out.len() >= N && counted <= N);
    // SAFETY: the caller vouches for the room; what is counted was written.
    unsafe {
        let end = out.as_mut_ptr().add(out.len());
        end.cast::<[T; N]>().write_unaligned(values);
        out.set_len(out.len() + counted);
    }
}

/// Appends code points to a text; `false` when one of them is a surrogate, or
/// none at all.
pub(crate) fn push_code_points(text: &mut String, source: &[u32]) -> bool {
    // SAFETY: only whole characters are appended, none of them a surrogate.
    let out = unsafe { text.as_mut_vec() };
    for chunk in source.chunks(CHUNK) {
        out.reserve(4 * chunk.len() + BLOCK);
        let mut rest = chunk;
        // SAFETY: a character becomes at most four bytes, so what is left of the
        // chunk still has its room, and a block more is behind that.
        unsafe {
            loop {
                let plain = match rest.first_chunk::<BLOCK>() {
                    Some(block) => {
                        let (bytes, plain) = ascii_characters(block);
                        put(out, bytes, plain);
                        if plain == BLOCK {
                            rest = rest.get(BLOCK..).unwrap_or_default();
                            continue;
                        }
                        plain
                    }
                    None => match rest.first() {
                        Some(character @ ..0x80) => {
                            put(out, [*character as u8], 1);
                            1
                        }
                        Some(_) => 0,
                        None => break,
                    },
                };
                rest = rest.get(plain..).unwrap_or_default();
                while let [character @ (0x80..), behind @ ..] = rest {
                    let last = 0x80 | character & 0x3F;
                    let middle = 0x80 | character >> 6 & 0x3F;
                    match character {
                        ..0x800 => {
                            let bytes = 0xC0 | character >> 6 | last << 8;
                            put(out, bytes.to_le_bytes(), 2);
                        }
                        0xD800..0xE000 => return false,
                        ..0x1_0000 => {
                            let bytes = 0xE0 | character >> 12 | middle << 8 | last << 16;
                            put(out, bytes.to_le_bytes(), 3);
                        }
                        0x11_0000.. => return false,
                        _ => {
                            let second = 0x80 | character >> 12 & 0x3F;
                            let first = 0xF0 | character >> 18 & 7;
                            let bytes = first | second << 8 | middle << 16 | last << 24;
                            put(out, bytes.to_le_bytes(), 4);
                        }
                    }
                    rest = behind;
                }
            }
        }
    }
    true
}

/// The UTF-16 units of a text whose [`Repertoire`] is not [`Repertoire::Any`].
pub(crate) fn to_utf16(source: &str) -> Vec<u16> {
    let mut rest = source.as_bytes();
    let mut out = Vec::with_capacity(rest.len() + BLOCK);
    // SAFETY: a unit takes at least one byte of the source, so what is left of
    // it still has its room, and a block more is behind that.
    unsafe {
        loop {
            let plain = match rest.first_chunk::<BLOCK>() {
                Some(block) => {
                    let plain = ascii_bytes(block);
                    put(&mut out, block.map(u16::from), plain);
                    if plain == BLOCK {
                        rest = rest.get(BLOCK..).unwrap_or_default();
                        continue;
                    }
                    plain
                }
                None => match rest.first() {
                    Some(byte @ ..0x80) => {
                        put(&mut out, [u16::from(*byte)], 1);
                        1
                    }
                    Some(_) => 0,
                    None => break,
                },
            };
            rest = rest.get(plain..).unwrap_or_default();
            loop {
                match rest {
                    [a @ 0xC0..0xE0, b, behind @ ..] => {
                        put(
                            &mut out,
                            [u16::from(a & 0x1F) << 6 | u16::from(b & 0x3F)],
                            1,
                        );
                        rest = behind;
                    }
                    [a @ 0xE0..0xF0, b, c, behind @ ..] => {
                        let unit =
                            u16::from(*a) << 12 | u16::from(b & 0x3F) << 6 | u16::from(c & 0x3F);
                        put(&mut out, [unit], 1);
                        rest = behind;
                    }
                    // A longer character: not one of this repertoire.
                    [(0x80..), ..] => return source.encode_utf16().collect(),
                    _ => break,
                }
            }
        }
    }
    out
}

/// The Latin-1 bytes of a text whose [`Repertoire`] is [`Repertoire::Latin1`].
pub(crate) fn to_latin1(source: &str) -> Vec<u8> {
    let mut rest = source.as_bytes();
    let mut out = Vec::with_capacity(rest.len() + BLOCK);
    // SAFETY: a character takes at least one byte of the source, so what is
    // left of it still has its room, and a block more is behind that.
    unsafe {
        loop {
            let plain = match rest.first_chunk::<BLOCK>() {
                Some(block) => {
                    let plain = ascii_bytes(block);
                    put(&mut out, *block, plain);
                    if plain == BLOCK {
                        rest = rest.get(BLOCK..).unwrap_or_default();
                        continue;
                    }
                    plain
                }
                None => match rest.first() {
                    Some(byte @ ..0x80) => {
                        put(&mut out, [*byte], 1);
                        1
                    }
                    Some(_) => 0,
                    None => break,
                },
            };
            rest = rest.get(plain..).unwrap_or_default();
            while let [a @ (0x80..), b, behind @ ..] = rest {
                put(&mut out, [a << 6 | b & 0x3F], 1);
                rest = behind;
            }
        }
    }
    out
}
