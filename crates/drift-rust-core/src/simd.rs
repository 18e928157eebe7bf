//! The four places where the core asks the compiler to trust it.
//!
//! Leaves out everything else: the rest of the crate denies unsafe code.
#![allow(
    unsafe_code,
    reason = "each block is proved beside it and runs under a sanitizer (scripts/sanitizer.sh)"
)]

use crate::proto::EncodedBytes;

/// Which of 16 bytes cannot stand for themselves in a JSON string: a quote, a
/// backslash or a control character. Bit `n` is byte `n`.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn special_bytes(chunk: &[u8; 16]) -> u32 {
    use std::arch::x86_64::{
        _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128,
        _mm_set1_epi8,
    };
    // SAFETY: SSE2 is part of x86-64 itself, and 16 bytes are read from a
    // reference to 16 bytes, without need of alignment.
    unsafe {
        let bytes = _mm_loadu_si128(chunk.as_ptr().cast());
        let quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"'.cast_signed()));
        let backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\'.cast_signed()));
        let control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1F)), bytes);
        let any = _mm_or_si128(_mm_or_si128(quote, backslash), control);
        _mm_movemask_epi8(any).cast_unsigned()
    }
}

/// The same without vector instructions.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
pub(crate) fn special_bytes(chunk: &[u8; 16]) -> u32 {
    special_bytes_portable(chunk)
}

/// Eight bytes at a time: a byte is special when its high bit is set in a sum
/// that carries nothing from one byte to the next.
#[cfg(any(test, not(target_arch = "x86_64")))]
pub(crate) fn special_bytes_portable(chunk: &[u8; 16]) -> u32 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let (words, _) = chunk.as_chunks::<8>();
    words.iter().rev().fold(0, |mask, word| {
        let word = u64::from_le_bytes(*word);
        let low = word & !HIGH;
        // Below 0x80, adding 0x80 - n sets the high bit of all bytes from n on.
        let at_least_space = low + ONES * (0x80 - 0x20);
        let not_quote = (low ^ (ONES * u64::from(b'"'))) + ONES * 0x7F;
        let not_backslash = (low ^ (ONES * u64::from(b'\\'))) + ONES * 0x7F;
        let special = !(at_least_space & not_quote & not_backslash | word) & HIGH;
        // Gathers the high bits: byte n's bit becomes bit n.
        let bits = ((special >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32;
        mask << 8 | bits
    })
}

/// Which of 16 bytes are no decimal digits. Bit `n` is byte `n`; the upper half is 0.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn bytes_but_digits(chunk: &[u8; 16]) -> u32 {
    use std::arch::x86_64::{
        _mm_cmpgt_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8, _mm_xor_si128,
    };
    // A digit becomes the lowest ten of all signed numbers: its low bits with
    // the top bit set.
    const DIGIT: i8 = (b'0' ^ 0x80).cast_signed();
    const NINE: i8 = 0x89_u8.cast_signed();
    // SAFETY: SSE2 is part of x86-64 itself, and 16 bytes are read from a
    // reference to 16 bytes, without need of alignment.
    unsafe {
        let bytes = _mm_xor_si128(_mm_loadu_si128(chunk.as_ptr().cast()), _mm_set1_epi8(DIGIT));
        _mm_movemask_epi8(_mm_cmpgt_epi8(bytes, _mm_set1_epi8(NINE))).cast_unsigned()
    }
}

/// The same without vector instructions.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
pub(crate) fn bytes_but_digits(chunk: &[u8; 16]) -> u32 {
    bytes_but_digits_portable(chunk)
}

/// Eight bytes at a time, as above.
#[cfg(any(test, not(target_arch = "x86_64")))]
pub(crate) fn bytes_but_digits_portable(chunk: &[u8; 16]) -> u32 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let (words, _) = chunk.as_chunks::<8>();
    words.iter().rev().fold(0, |mask, word| {
        // A digit becomes its value; adding 0x80 - n sets the high bit of all
        // bytes from n on, and of those below 0x80 nothing is carried.
        let word = u64::from_le_bytes(*word) ^ (ONES * u64::from(b'0'));
        let at_least_ten = (word & !HIGH) + ONES * (0x80 - 10);
        let other = (at_least_ten | word) & HIGH;
        let bits = ((other >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32;
        mask << 8 | bits
    })
}

/// The text of bytes that should be UTF-8; gives the bytes back when they are not.
pub(crate) fn into_string(bytes: Vec<u8>) -> Result<String, Vec<u8>> {
    if simdutf8::basic::from_utf8(&bytes).is_err() {
        return Err(bytes);
    }
    // SAFETY: these very bytes were just seen to be UTF-8.
    Ok(unsafe { String::from_utf8_unchecked(bytes) })
}

/// Bytes that were seen to be UTF-8.
#[derive(Clone, Default)]
pub(crate) struct Utf8(EncodedBytes);

impl Utf8 {
    /// Gives the bytes back when they are not UTF-8.
    pub(crate) fn new(bytes: EncodedBytes) -> Result<Utf8, EncodedBytes> {
        match simdutf8::basic::from_utf8(&bytes) {
            Ok(_) => Ok(Utf8(bytes)),
            Err(_) => Err(bytes),
        }
    }

    #[inline]
    pub(crate) fn as_str(&self) -> &str {
        // SAFETY: a value is made by `new`, which looks at all bytes, and by
        // `default`, which has none; the field is private to this module, which
        // only cuts them off between characters, and a clone has the same ones.
        unsafe { std::str::from_utf8_unchecked(&self.0) }
    }

    /// Forgets the text from this place on, and the rest of the character that
    /// the place is in, and gives its memory back.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.0.cut_to(self.as_str().floor_char_boundary(length));
    }
}

#[cfg(test)]
#[allow(
    clippy::indexing_slicing,
    reason = "the test names places of its own array"
)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_find_the_same_special_bytes() {
        let mut chunk = [b'a'; 16];
        for place in 0..16 {
            for byte in 0..=255 {
                for neighbour in [0, 0x1F, 0x20, b'"', b'\\', 0x7F, 0x80, 0xFF] {
                    chunk[place] = byte;
                    chunk[(place + 1) % 16] = neighbour;
                    let expected = chunk.iter().enumerate().fold(0, |mask, (at, byte)| {
                        let special = matches!(byte, 0..=0x1F | b'"' | b'\\');
                        mask | u32::from(special) << at
                    });
                    assert_eq!(special_bytes(&chunk), expected, "{chunk:?}");
                    assert_eq!(special_bytes_portable(&chunk), expected, "{chunk:?}");
                    chunk = [b'a'; 16];
                }
            }
        }
    }

    #[test]
    fn both_ways_find_the_same_bytes_but_digits() {
        let mut chunk = [b'7'; 16];
        for place in 0..16 {
            for byte in 0..=255 {
                for neighbour in [0, b'0' - 1, b'0', b'9', b'9' + 1, 0x7F, 0x80, 0xB0, 0xFF] {
                    chunk[place] = byte;
                    chunk[(place + 1) % 16] = neighbour;
                    let expected = chunk.iter().enumerate().fold(0, |mask, (at, byte)| {
                        mask | u32::from(!byte.is_ascii_digit()) << at
                    });
                    assert_eq!(bytes_but_digits(&chunk), expected, "{chunk:?}");
                    assert_eq!(bytes_but_digits_portable(&chunk), expected, "{chunk:?}");
                    chunk = [b'7'; 16];
                }
            }
        }
    }

    #[test]
    fn bytes_that_are_not_text_come_back() {
        assert_eq!(into_string(vec![0xFF]), Err(vec![0xFF]));
        assert_eq!(into_string("é".into()), Ok("é".to_owned()));
        assert!(Utf8::new(vec![b'a', 0xC3].into()).is_err());
        assert_eq!(Utf8::default().as_str(), "");
        let text = Utf8::new("é".to_owned().into_bytes().into());
        assert_eq!(
            text.ok()
                .map(|text| text.clone().as_str().to_owned())
                .as_deref(),
            Some("é")
        );
    }
}
