//! UTF-16 to UTF-8, and UTF-8 to Latin-1 and UTF-16, in blocks of 16 bytes.
//!
//! V8 keeps strings as Latin-1 or UTF-16 and converts them unit by unit. Of
//! 107,000 units with many letters beyond ASCII it takes 290 µs to read the
//! UTF-8 and up to 1,050 µs to make the string, more than all else of a call.
//! `encoding_rs` is made for ASCII with a stray letter and gains a third on such
//! texts; `simdutf` is a C++ library, whose run-time library a package for many
//! systems cannot count on.
//!
//! On x86-64 with SSE4.1 and POPCNT (all since 2008 but a few) the vectors do
//! the work, elsewhere the code without them, which is right by itself.

use drift_rust_core::CanonicalText;

/// What V8 keeps a text in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    /// One byte a character, and the bytes are the text's own.
    Ascii,
    /// One byte a character: all are below U+0100.
    Latin1,
    /// Two bytes a unit.
    Utf16,
}

/// The narrowest form that can hold a text.
pub(crate) fn width(text: &str) -> Width {
    /// U+0100 starts with it; what is below starts with C2 or C3.
    const BEYOND: u8 = 0xC4;
    if text.is_ascii() {
        return Width::Ascii;
    }
    // The largest byte of a chunk is found without branches, by vectors.
    let narrow = |chunk: &[u8]| chunk.iter().copied().fold(0, u8::max) < BEYOND;
    if text.as_bytes().chunks(256).all(narrow) {
        Width::Latin1
    } else {
        Width::Utf16
    }
}

/// Appends the UTF-8 of UTF-16 units, each unpaired surrogate as U+FFFD; gives
/// the offset in `out` (in bytes) of the first of these.
pub(crate) fn append_utf8(units: &[u16], out: &mut String) -> Option<usize> {
    let mut bytes = std::mem::take(out).into_bytes();
    let units = append_ascii(units, &mut bytes);
    bytes.reserve_exact(room_for(units) + SLACK);
    let mut sink = Utf8Sink { bytes, first: None };
    #[cfg(target_arch = "x86_64")]
    let units = if vector::available() {
        // SAFETY: the processor was just seen to have the instructions.
        unsafe { vector::append_utf8(units, &mut sink) }
    } else {
        units
    };
    scalar::append_utf8(units, usize::MAX, &mut sink);
    // SAFETY: it was a string, and both ways append whole characters only: a
    // unit below 0x80 as one byte, one below 0x800 as two, a pair of surrogates
    // as four, a surrogate alone as U+FFFD, and any other as three.
    *out = unsafe { String::from_utf8_unchecked(sink.bytes) };
    sink.first
}

/// Appends the blocks that are ASCII up to the first that is not, and gives the
/// rest: most texts need no more memory than they have letters.
fn append_ascii<'u>(units: &'u [u16], bytes: &mut Vec<u8>) -> &'u [u16] {
    const BLOCK: usize = 32;
    bytes.reserve_exact(units.len() + SLACK);
    let (blocks, _) = units.as_chunks::<BLOCK>();
    let mut done = 0;
    for block in blocks {
        if block.iter().fold(0, |all, unit| all | unit) >= 0x80 {
            break;
        }
        put(bytes, block.map(|unit| unit as u8), BLOCK);
        done += BLOCK;
    }
    units.get(done..).unwrap_or_default()
}

/// At least as many bytes as the units take. A unit takes three at most (a pair
/// takes four); memory that is not touched costs nothing, so it is not worth
/// counting before there is a lot of it.
fn room_for(units: &[u16]) -> usize {
    const MANY_UNITS: usize = 1 << 20;
    if units.len() < MANY_UNITS {
        return units.len() * 3;
    }
    let bytes = |unit: &u16| 1 + usize::from(*unit >= 0x80) + usize::from(*unit >= 0x800);
    units.iter().map(bytes).sum()
}

/// Replaces `out` with the Latin-1 of a text of that width.
pub(crate) fn to_latin1(text: &str, out: &mut Vec<u8>) {
    out.clear();
    out.reserve(text.len() + SLACK);
    #[cfg(target_arch = "x86_64")]
    let text = if vector::available() {
        // SAFETY: the processor was just seen to have the instructions.
        unsafe { vector::to_latin1(text, out) }
    } else {
        text
    };
    scalar::to_latin1(text, out);
}

/// Replaces `out` with the UTF-16 of a text.
pub(crate) fn to_utf16(text: &str, out: &mut Vec<u16>) {
    out.clear();
    out.reserve(text.len() + SLACK);
    #[cfg(target_arch = "x86_64")]
    let text = if vector::available() {
        // SAFETY: the processor was just seen to have the instructions.
        unsafe { vector::to_utf16(text, out) }
    } else {
        text
    };
    scalar::to_utf16(text, out);
}

/// A text that gives its memory back from its end.
pub(crate) trait Released: AsRef<str> + Send + 'static {
    /// Cuts the text to so many bytes, between two characters.
    fn release_behind(&mut self, length: usize);
}

impl Released for String {
    fn release_behind(&mut self, length: usize) {
        self.truncate(length);
        self.shrink_to_fit();
    }
}

impl Released for CanonicalText {
    fn release_behind(&mut self, length: usize) {
        self.truncate(length);
    }
}

/// The UTF-16 of a text that nothing else needs. A text beyond this size is
/// transcoded from its end and released on the way, so that no more than the
/// larger of both is there at any time.
pub(crate) fn into_utf16(text: impl Released) -> Vec<u16> {
    const LARGE: usize = 1 << 24;
    const RELEASED: usize = 1 << 22;
    into_utf16_by(text, LARGE, RELEASED)
}

fn into_utf16_by(mut text: impl Released, large: usize, released: usize) -> Vec<u16> {
    /// Stays in the processor's cache.
    const PIECE: usize = 1 << 15;
    let mut units = Vec::new();
    if text.as_ref().len() < large {
        to_utf16(text.as_ref(), &mut units);
        return units;
    }
    // Zeroed memory of that size comes from the system when it is written.
    let mut all = vec![0; utf16_length(text.as_ref())];
    let mut end = all.len();
    loop {
        let whole = text.as_ref();
        let keep = whole.floor_char_boundary(whole.len().saturating_sub(released));
        let mut rest = whole;
        while rest.len() > keep {
            let from = rest.floor_char_boundary(rest.len().saturating_sub(PIECE).max(keep));
            let (before, piece) = rest.split_at_checked(from).unwrap_or(("", rest));
            to_utf16(piece, &mut units);
            let start = end.saturating_sub(units.len());
            if let Some(place) = all.get_mut(start..end) {
                // Both are as long: the length counts what the other makes.
                place.copy_from_slice(units.get(..end - start).unwrap_or_default());
            }
            (end, rest) = (start, before);
        }
        if keep == 0 {
            return all;
        }
        text.release_behind(keep);
    }
}

/// How many units a text has: one for each first byte of a character, two for
/// that of a character of four bytes.
fn utf16_length(text: &str) -> usize {
    let units = |byte: &u8| u8::from((*byte).cast_signed() >= -0x40) + u8::from(*byte >= 0xF0);
    // Sums of up to 255 bytes are below 256 twice, so they are kept in 16 bits.
    let chunk = |bytes: &[u8]| bytes.iter().map(|byte| u16::from(units(byte))).sum::<u16>();
    text.as_bytes()
        .chunks(255)
        .map(|bytes| usize::from(chunk(bytes)))
        .sum()
}

/// Room behind the last item that counts, for the rest of its block.
const SLACK: usize = 16;

struct Utf8Sink {
    bytes: Vec<u8>,
    /// Where the first unpaired surrogate stands.
    first: Option<usize>,
}

/// Appends a block of which only the first `used` items count; the others are
/// overwritten by the next block.
#[inline]
fn put<T: Copy, const N: usize>(out: &mut Vec<T>, block: [T; N], used: usize) {
    let length = out.len();
    if out.capacity() - length < N {
        out.reserve(N);
    }
    // SAFETY: there is room for `N` items behind the length, all of them are
    // written, and no more than these are added to the length.
    unsafe {
        out.as_mut_ptr()
            .add(length)
            .cast::<[T; N]>()
            .write_unaligned(block);
        out.set_len(length + used.min(N));
    }
}

/// A block at a time where the compiler finds the vectors, else a character.
mod scalar {
    use super::{Utf8Sink, put};

    /// Converts units until `enough` of them are done; gives the rest.
    pub(super) fn append_utf8<'u>(
        units: &'u [u16],
        enough: usize,
        sink: &mut Utf8Sink,
    ) -> &'u [u16] {
        let goal = units.len().saturating_sub(enough);
        let mut rest = units;
        while rest.len() > goal {
            if let Some((block, after)) = rest.split_first_chunk::<8>()
                && block.iter().fold(0, |all, unit| all | unit) < 0x80
            {
                put(&mut sink.bytes, block.map(|unit| unit as u8), 8);
                rest = after;
                continue;
            }
            let [unit, after @ ..] = rest else { break };
            rest = after;
            let unit = u32::from(*unit);
            let last = |code: u32| 0x80 | (code & 0x3F) as u8;
            match (unit, after) {
                (..0x80, _) => put(&mut sink.bytes, [unit as u8], 1),
                (..0x800, _) => {
                    let block = [0xC0 | (unit >> 6) as u8, last(unit)];
                    put(&mut sink.bytes, block, 2);
                }
                (0xD800..0xDC00, [low @ 0xDC00..0xE000, after @ ..]) => {
                    rest = after;
                    let code = 0x1_0000 + ((unit - 0xD800) << 10) + (u32::from(*low) - 0xDC00);
                    let block = [
                        0xF0 | (code >> 18) as u8,
                        last(code >> 12),
                        last(code >> 6),
                        last(code),
                    ];
                    put(&mut sink.bytes, block, 4);
                }
                (0xD800..0xE000, _) => {
                    sink.first.get_or_insert(sink.bytes.len());
                    put(&mut sink.bytes, [0xEF, 0xBF, 0xBD], 3);
                }
                _ => {
                    let block = [0xE0 | (unit >> 12) as u8, last(unit >> 6), last(unit)];
                    put(&mut sink.bytes, block, 3);
                }
            }
        }
        rest
    }

    pub(super) fn to_latin1(text: &str, out: &mut Vec<u8>) {
        out.extend(text.chars().map(|character| character as u8));
    }

    pub(super) fn to_utf16(text: &str, out: &mut Vec<u16>) {
        let mut rest = text;
        while let Some(byte) = rest.as_bytes().first() {
            if let Some(block) = rest.as_bytes().first_chunk::<8>()
                && block.is_ascii()
            {
                put(out, block.map(u16::from), 8);
                rest = rest.get(8..).unwrap_or_default();
            } else if byte.is_ascii() {
                put(out, [u16::from(*byte)], 1);
                rest = rest.get(1..).unwrap_or_default();
            } else {
                let mut characters = rest.chars();
                if let Some(character) = characters.next() {
                    out.extend_from_slice(character.encode_utf16(&mut [0; 2]));
                }
                rest = characters.as_str();
            }
        }
    }
}

/// Each function converts what it can and gives the rest, which starts with a
/// whole character.
#[cfg(target_arch = "x86_64")]
mod vector {
    use super::tables::{NONE, ONE_OR_TWO, ONE_TO_THREE, PAIRS, SINGLES};
    use super::{Utf8Sink, put, scalar};
    use std::arch::x86_64::*;

    pub(super) fn available() -> bool {
        is_x86_feature_detected!("sse4.1") && is_x86_feature_detected!("popcnt")
    }

    #[target_feature(enable = "sse4.1,popcnt")]
    #[inline]
    fn bytes_of(vector: __m128i) -> [u8; 16] {
        let mut bytes = [0; 16];
        // SAFETY: 16 bytes are written to a place of 16 bytes.
        unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), vector) };
        bytes
    }

    #[target_feature(enable = "sse4.1,popcnt")]
    #[inline]
    fn units_of(vector: __m128i) -> [u16; 8] {
        let mut units = [0; 8];
        // SAFETY: 16 bytes are written to a place of 16 bytes.
        unsafe { _mm_storeu_si128(units.as_mut_ptr().cast(), vector) };
        units
    }

    #[target_feature(enable = "sse4.1,popcnt")]
    #[inline]
    fn load_bytes(bytes: &[u8; 16]) -> __m128i {
        // SAFETY: 16 bytes are read from a reference to 16 bytes.
        unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
    }

    #[target_feature(enable = "sse4.1,popcnt")]
    #[inline]
    fn load_units(units: &[u16; 8]) -> __m128i {
        // SAFETY: 16 bytes are read from a reference to 16 bytes.
        unsafe { _mm_loadu_si128(units.as_ptr().cast()) }
    }

    #[target_feature(enable = "sse4.1,popcnt")]
    #[inline]
    fn repeat(byte: u8) -> __m128i {
        _mm_set1_epi8(byte.cast_signed())
    }

    #[target_feature(enable = "sse4.1,popcnt")]
    #[inline]
    fn repeat_unit(unit: u16) -> __m128i {
        _mm_set1_epi16(unit.cast_signed())
    }

    /// The bytes of a vector in the order of a table's entry.
    #[target_feature(enable = "sse4.1,popcnt")]
    #[inline]
    fn shuffled(vector: __m128i, table: &[[u8; 16]; 256], entry: u32) -> __m128i {
        // Taken as a byte, the entry is one of the 256.
        let order = table.get(usize::from(entry as u8)).unwrap_or(&[NONE; 16]);
        _mm_shuffle_epi8(vector, load_bytes(order))
    }

    #[target_feature(enable = "sse4.1,popcnt")]
    pub(super) fn append_utf8<'u>(units: &'u [u16], sink: &mut Utf8Sink) -> &'u [u16] {
        let mut rest = units;
        loop {
            let not_ascii = repeat_unit(0xFF80);
            if let Some((block, after)) = rest.split_first_chunk::<16>() {
                let [low, high] = halves(block);
                if _mm_testz_si128(_mm_or_si128(low, high), not_ascii) == 1 {
                    put(&mut sink.bytes, bytes_of(_mm_packus_epi16(low, high)), 16);
                    rest = after;
                    continue;
                }
            }
            let Some((block, after)) = rest.split_first_chunk::<8>() else {
                return rest;
            };
            let units = load_units(block);
            if _mm_testz_si128(units, repeat_unit(0xF800)) == 1 {
                // All below 0x800: a leading byte and another, or ASCII.
                let ascii = _mm_cmpgt_epi16(repeat_unit(0x80), units);
                let leading = _mm_or_si128(_mm_srli_epi16::<6>(units), repeat_unit(0x80C0));
                let other = _mm_and_si128(_mm_slli_epi16::<8>(units), repeat_unit(0x3F00));
                let lanes = _mm_blendv_epi8(_mm_or_si128(leading, other), units, ascii);
                let mask = _mm_movemask_epi8(_mm_packs_epi16(ascii, _mm_setzero_si128()));
                let mask = mask.cast_unsigned();
                let used = 16 - mask.count_ones() as usize;
                let bytes = bytes_of(shuffled(lanes, &ONE_OR_TWO, mask));
                put(&mut sink.bytes, bytes, used);
                rest = after;
                continue;
            }
            let kind = _mm_and_si128(units, repeat_unit(0xF800));
            let surrogates = _mm_cmpeq_epi16(kind, repeat_unit(0xD800));
            if _mm_testz_si128(surrogates, surrogates) == 0 {
                rest = scalar::append_utf8(rest, 8, sink);
                continue;
            }
            let zero = _mm_setzero_si128();
            let below = |bound: u16| {
                // Saturating: what is below the bound becomes 0.
                _mm_cmpeq_epi16(_mm_subs_epu16(units, repeat_unit(bound - 1)), zero)
            };
            let (ascii, two) = (below(0x80), below(0x800));
            // Three bytes as if each took three; the last one or two of them
            // are those of a shorter character.
            let first = _mm_or_si128(_mm_srli_epi16::<12>(units), repeat_unit(0x80E0));
            let second = _mm_and_si128(_mm_slli_epi16::<2>(units), repeat_unit(0x3F00));
            let leads = _mm_and_si128(two, repeat_unit(0x4000));
            let front = _mm_or_si128(_mm_or_si128(first, second), leads);
            let other = _mm_or_si128(_mm_and_si128(units, repeat_unit(0x3F)), repeat_unit(0x80));
            let last = _mm_blendv_epi8(other, units, ascii);
            let masks = _mm_movemask_epi8(_mm_packs_epi16(ascii, two)).cast_unsigned();
            let (ascii, two) = (masks & 0xFF, masks >> 8);
            for (lanes, mask) in [
                (
                    _mm_unpacklo_epi16(front, last),
                    ascii & 0xF | two << 4 & 0xF0,
                ),
                (_mm_unpackhi_epi16(front, last), ascii >> 4 | two & 0xF0),
            ] {
                let used = 12 - mask.count_ones() as usize;
                let bytes = bytes_of(shuffled(lanes, &ONE_TO_THREE, mask));
                put(&mut sink.bytes, bytes, used);
            }
            rest = after;
        }
    }

    #[target_feature(enable = "sse4.1,popcnt")]
    #[inline]
    fn halves(block: &[u16; 16]) -> [__m128i; 2] {
        // SAFETY: twice 16 bytes are read from a reference to 32 bytes.
        unsafe {
            let start = block.as_ptr().cast::<__m128i>();
            [_mm_loadu_si128(start), _mm_loadu_si128(start.add(1))]
        }
    }

    /// Appends those of 16 bytes whose bit is set.
    #[target_feature(enable = "sse4.1,popcnt")]
    #[inline]
    fn put_singles(out: &mut Vec<u8>, bytes: __m128i, mask: u32) {
        for (bytes, mask) in [
            (bytes, mask & 0xFF),
            (_mm_unpackhi_epi64(bytes, bytes), mask >> 8),
        ] {
            let used = mask.count_ones() as usize;
            put(out, bytes_of(shuffled(bytes, &SINGLES, mask)), used);
        }
    }

    /// Every byte is made what it is if it is the last of its character; then
    /// the others are left out.
    #[target_feature(enable = "sse4.1,popcnt")]
    pub(super) fn to_latin1<'t>(text: &'t str, out: &mut Vec<u8>) -> &'t str {
        let bytes = text.as_bytes();
        // A byte must stand before the first block.
        let mut at = text.chars().next().map_or(0, char::len_utf8);
        scalar::to_latin1(text.get(..at).unwrap_or_default(), out);
        while let Some(window) = bytes
            .get(at.wrapping_sub(1)..)
            .and_then(<[u8]>::first_chunk)
        {
            let [before, here] = windows::<17, 2>(window);
            let ascii_mask = !_mm_movemask_epi8(here).cast_unsigned() & 0xFFFF;
            if ascii_mask == 0xFFFF {
                put(out, bytes_of(here), 16);
            } else {
                let top = _mm_and_si128(_mm_slli_epi16::<6>(before), repeat(0xC0));
                let other = _mm_or_si128(_mm_and_si128(here, repeat(0x3F)), top);
                let leading = _mm_cmpeq_epi8(_mm_max_epu8(here, repeat(0xC0)), here);
                // The sign of a byte is what tells it from ASCII.
                let bytes = _mm_blendv_epi8(here, other, here);
                let mask = !_mm_movemask_epi8(leading).cast_unsigned() & 0xFFFF;
                put_singles(out, bytes, mask);
            }
            at += 16;
        }
        // The leading byte of a character that was cut has given nothing.
        text.get(text.floor_char_boundary(at)..).unwrap_or_default()
    }

    /// The same for units. Of a character of four bytes, the third makes the
    /// high surrogate and the last the low one.
    #[target_feature(enable = "sse4.1,popcnt")]
    pub(super) fn to_utf16<'t>(text: &'t str, out: &mut Vec<u16>) -> &'t str {
        let bytes = text.as_bytes();
        // Three bytes must stand before the first block.
        let Some((mut at, _)) = text.char_indices().nth(3) else {
            return text;
        };
        scalar::to_utf16(text.get(..at).unwrap_or_default(), out);
        let zero = _mm_setzero_si128();
        while let Some(window) = bytes
            .get(at.wrapping_sub(3)..)
            .and_then(<[u8]>::first_chunk)
        {
            at += 16;
            let [third_before, second_before, before, here, next] = windows::<20, 5>(window);
            if _mm_movemask_epi8(here) == 0 {
                put(out, units_of(_mm_unpacklo_epi8(here, zero)), 8);
                put(out, units_of(_mm_unpackhi_epi8(here, zero)), 8);
                continue;
            }
            // Continuing bytes are below 0xC0 and, as signed ones, the lowest.
            let continues = |bytes| _mm_cmpgt_epi8(repeat(0xC0), bytes);
            let leads_four = |bytes| _mm_cmpeq_epi8(_mm_max_epu8(bytes, repeat(0xF0)), bytes);
            let ascii = _mm_cmpgt_epi8(here, repeat(0xFF));
            // Low and high byte of each unit.
            let payload = _mm_and_si128(here, repeat(0x3F));
            let low = _mm_or_si128(
                payload,
                _mm_and_si128(_mm_slli_epi16::<6>(before), repeat(0xC0)),
            );
            let top = _mm_and_si128(_mm_slli_epi16::<4>(second_before), repeat(0xF0));
            let high = _mm_or_si128(
                _mm_and_si128(_mm_srli_epi16::<2>(before), repeat(0x0F)),
                // Of a character of two bytes the one before it is a stranger.
                _mm_and_si128(top, continues(before)),
            );
            let mut low = _mm_blendv_epi8(low, here, ascii);
            let mut high = _mm_andnot_si128(ascii, high);
            let mut emitted = !_mm_movemask_epi8(continues(next)).cast_unsigned() & 0xFFFF;
            let third = leads_four(second_before);
            let fourth = leads_four(third_before);
            let four = _mm_or_si128(third, fourth);
            if _mm_testz_si128(four, four) == 0 {
                // 0xD7C0 is 0xD800 less the 0x10000 that pairs do not count.
                let bits = _mm_or_si128(
                    _mm_and_si128(_mm_slli_epi16::<2>(before), repeat(0xFC)),
                    _mm_and_si128(_mm_srli_epi16::<4>(here), repeat(0x03)),
                );
                let sum = _mm_add_epi8(bits, repeat(0xC0));
                // The sum of two bytes is below each of them when it carries.
                let carries = _mm_cmpeq_epi8(_mm_max_epu8(bits, sum), bits);
                let pair_high = _mm_sub_epi8(
                    _mm_add_epi8(_mm_and_si128(second_before, repeat(0x07)), repeat(0xD7)),
                    carries,
                );
                low = _mm_blendv_epi8(low, sum, third);
                high = _mm_blendv_epi8(high, pair_high, third);
                let pair_low = _mm_or_si128(_mm_and_si128(high, repeat(0x03)), repeat(0xDC));
                high = _mm_blendv_epi8(high, pair_low, fourth);
                emitted |= _mm_movemask_epi8(third).cast_unsigned();
            }
            for (units, mask) in [
                (_mm_unpacklo_epi8(low, high), emitted & 0xFF),
                (_mm_unpackhi_epi8(low, high), emitted >> 8),
            ] {
                let used = mask.count_ones() as usize;
                put(out, units_of(shuffled(units, &PAIRS, mask)), used);
            }
        }
        let whole = text.floor_char_boundary(at);
        if at - whole == 3 {
            // The third byte of a character that was cut has given its unit.
            out.pop();
        }
        text.get(whole..).unwrap_or_default()
    }

    /// The vectors that start at each of the first `N` places.
    #[target_feature(enable = "sse4.1,popcnt")]
    #[inline]
    fn windows<const LENGTH: usize, const N: usize>(bytes: &[u8; LENGTH]) -> [__m128i; N] {
        const { assert!(N + 15 == LENGTH) };
        let mut vectors = [_mm_setzero_si128(); N];
        for (place, vector) in vectors.iter_mut().enumerate() {
            // SAFETY: 16 bytes from a place below `N` on end before
            // `N + 15`, which is the length.
            *vector = unsafe { _mm_loadu_si128(bytes.as_ptr().add(place).cast()) };
        }
        vectors
    }
}

/// What of a vector's bytes goes where.
#[cfg(target_arch = "x86_64")]
#[allow(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which accepts no place outside"
)]
mod tables {
    /// No byte of a shuffled vector comes from here.
    pub(super) const NONE: u8 = 0x80;

    /// The shuffle that keeps `keeps[i]` bytes of the i-th lane, from the
    /// lane's byte `from[i]` on.
    const fn shuffle<const LANES: usize>(
        width: usize,
        from: [usize; LANES],
        keeps: [usize; LANES],
    ) -> [u8; 16] {
        let mut order = [NONE; 16];
        let (mut to, mut lane) = (0, 0);
        while lane < LANES {
            let mut byte = 0;
            while byte < keeps[lane] {
                order[to] = (lane * width + from[lane] + byte) as u8;
                to += 1;
                byte += 1;
            }
            lane += 1;
        }
        order
    }

    const fn bit(mask: usize, place: usize) -> usize {
        mask >> place & 1
    }

    /// By a mask of the units below 0x80: these give one of their two bytes.
    pub(super) static ONE_OR_TWO: [[u8; 16]; 256] = {
        let mut table = [[NONE; 16]; 256];
        let mut mask = 0;
        while mask < 256 {
            let mut keeps = [2; 8];
            let mut lane = 0;
            while lane < 8 {
                keeps[lane] -= bit(mask, lane);
                lane += 1;
            }
            table[mask] = shuffle(2, [0; 8], keeps);
            mask += 1;
        }
        table
    };

    /// By a mask of the units below 0x80 (four bits) and below 0x800 (four
    /// more): the last one, two or three of three bytes.
    pub(super) static ONE_TO_THREE: [[u8; 16]; 256] = {
        let mut table = [[NONE; 16]; 256];
        let mut mask = 0;
        while mask < 256 {
            let (mut from, mut keeps) = ([0; 4], [3; 4]);
            let mut lane = 0;
            while lane < 4 {
                from[lane] = bit(mask, lane) + bit(mask, lane + 4);
                keeps[lane] -= from[lane];
                lane += 1;
            }
            table[mask] = shuffle(4, from, keeps);
            mask += 1;
        }
        table
    };

    /// By a mask of eight lanes: those of the mask, of two bytes each.
    pub(super) static PAIRS: [[u8; 16]; 256] = {
        let mut table = [[NONE; 16]; 256];
        let mut mask = 0;
        while mask < 256 {
            let mut keeps = [0; 8];
            let mut lane = 0;
            while lane < 8 {
                keeps[lane] = 2 * bit(mask, lane);
                lane += 1;
            }
            table[mask] = shuffle(2, [0; 8], keeps);
            mask += 1;
        }
        table
    };

    /// The same of one byte each.
    pub(super) static SINGLES: [[u8; 16]; 256] = {
        let mut table = [[NONE; 16]; 256];
        let mut mask = 0;
        while mask < 256 {
            let mut keeps = [0; 8];
            let mut lane = 0;
            while lane < 8 {
                keeps[lane] = bit(mask, lane);
                lane += 1;
            }
            table[mask] = shuffle(1, [0; 8], keeps);
            mask += 1;
        }
        table
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Characters on both sides of each boundary.
    const CHARACTERS: [char; 20] = [
        'a',
        '\0',
        '\u{7F}',
        '\u{80}',
        '\u{BF}',
        '\u{C0}',
        'é',
        '\u{FF}',
        '\u{100}',
        'п',
        '\u{7FF}',
        '\u{800}',
        '東',
        '\u{D7FF}',
        '\u{E000}',
        '\u{FFFD}',
        '\u{FFFF}',
        '\u{10000}',
        '😀',
        '\u{10FFFF}',
    ];

    /// A generator of Marsaglia's, seeded.
    struct Random(u64);

    impl Random {
        fn below(&mut self, bound: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 >> 16) as usize % bound
        }
    }

    fn check_text(text: &str) {
        let expected: Vec<u16> = text.encode_utf16().collect();
        let mut units = vec![7; 3];
        to_utf16(text, &mut units);
        assert_eq!(units, expected, "{text:?}");
        units.clear();
        scalar::to_utf16(text, &mut units);
        assert_eq!(units, expected, "{text:?}");
        check_units(&expected);
        let widest = text.chars().max().unwrap_or_default();
        let expected = match widest {
            ..'\u{80}' => Width::Ascii,
            ..'\u{100}' => Width::Latin1,
            _ => Width::Utf16,
        };
        assert_eq!(width(text), expected, "{text:?}");
        if expected != Width::Utf16 {
            let expected: Vec<u8> = text.chars().map(|character| character as u8).collect();
            let mut bytes = vec![7; 3];
            to_latin1(text, &mut bytes);
            assert_eq!(bytes, expected, "{text:?}");
        }
    }

    fn check_units(units: &[u16]) {
        let (mut expected, mut first) = ("already ".to_owned(), None);
        for character in char::decode_utf16(units.iter().copied()) {
            if character.is_err() {
                first.get_or_insert(expected.len());
            }
            expected.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let mut text = "already ".to_owned();
        assert_eq!(append_utf8(units, &mut text), first, "{units:?}");
        assert_eq!(text.as_bytes(), expected.as_bytes(), "{units:?}");
        let mut sink = Utf8Sink {
            bytes: b"already ".to_vec(),
            first: None,
        };
        assert!(scalar::append_utf8(units, usize::MAX, &mut sink).is_empty());
        assert_eq!(
            (sink.bytes, sink.first),
            (expected.into_bytes(), first),
            "{units:?}"
        );
    }

    #[test]
    fn every_character_converts_at_every_place_of_a_block() {
        let characters =
            ('\0'..='\u{10FFFF}').filter(|c| *c < '\u{3000}' || (*c as u32).is_multiple_of(251));
        for (index, character) in characters.chain(CHARACTERS).enumerate() {
            let before = "xyzabcdefghijklmnopqrstu"
                .get(..index % 24)
                .unwrap_or_default();
            for filler in ["0123456789abcdef0123456", "é東п😀éééé東東東東"] {
                check_text(&format!("{before}{character}{filler}"));
            }
        }
    }

    #[test]
    fn boundary_characters_convert_at_every_place_and_length() {
        for character in CHARACTERS {
            for neighbour in ['a', 'é', 'п', '東', '😀'] {
                for before in 0..36 {
                    for after in [0, 1, 2, 3, 7, 12, 13, 15, 16, 17, 30] {
                        let mut text: String = std::iter::repeat_n(neighbour, before).collect();
                        text.push(character);
                        text.extend(std::iter::repeat_n('b', after));
                        check_text(&text);
                    }
                }
            }
        }
    }

    #[test]
    fn a_text_is_released_while_it_is_converted_and_comes_out_whole() {
        for filler in ["a", "é", "東", "😀", "aé東😀"] {
            for (length, released) in [
                (0, 10),
                (1, 10),
                (9, 1),
                (500, 7),
                (40_000, 10_001),
                (200_000, 1 << 16),
            ] {
                let text = format!("{}東", filler.repeat(length));
                let expected: Vec<u16> = text.encode_utf16().collect();
                assert_eq!(utf16_length(&text), expected.len());
                assert!(
                    into_utf16_by(text.clone(), 0, released) == expected,
                    "{filler} {length}"
                );
                assert!(into_utf16_by(text, usize::MAX, released) == expected);
            }
        }
    }

    #[test]
    fn random_mixtures_convert() {
        let mut random = Random(20_261_121);
        for round in 0..6_000 {
            let kinds = 1 + random.below(CHARACTERS.len());
            let from = random.below(CHARACTERS.len());
            let text: String = (0..random.below(90))
                .filter_map(|_| CHARACTERS.iter().cycle().nth(from + random.below(kinds)))
                .collect();
            check_text(&text);
            let narrow: String = text
                .chars()
                .filter(|c| *c < '\u{100}' || round % 2 == 0)
                .collect();
            check_text(&narrow);
            // Any units, so surrogates in any order.
            let mut units: Vec<u16> = text.encode_utf16().collect();
            for _ in 0..random.below(4) {
                let place = random.below(units.len() + 1);
                let lone = [0xD800, 0xDBFF, 0xDC00, 0xDFFF]
                    .into_iter()
                    .cycle()
                    .nth(random.below(4));
                units.insert(place, lone.unwrap_or_default());
            }
            check_units(&units);
        }
    }

    #[test]
    fn all_pairs_of_a_surrogate_and_a_neighbour_convert() {
        for high in (0xD7F0..=0xE010).chain([0x61, 0xFFFF]) {
            for low in [0xD7FF, 0xD800, 0xDBFF, 0xDC00, 0xDFFF, 0xE000, 0x61, 0xE9] {
                for before in [0, 5, 6, 7, 8, 14, 15] {
                    let mut units = vec![0x62; before];
                    units.extend([high, low]);
                    check_units(&units);
                    units.extend([0x62; 20]);
                    check_units(&units);
                }
            }
        }
    }

    #[test]
    fn every_pair_of_surrogates_is_its_character_and_back() {
        for code in (0x1_0000..=0x10_FFFF_u32).step_by(29) {
            let character = char::from_u32(code).unwrap_or_default();
            check_text(&format!("ab{character}cdefghijklmnopqrst"));
        }
    }
}
