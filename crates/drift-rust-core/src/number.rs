//! Number text: reading tokens correctly rounded, printing the shortest digits.
//!
//! The digits come from `zmij` (shortest, then nearest, then even); the layout
//! is ours, so that another version of that library cannot change a hash.

use crate::out::Out;
use crate::simd;

/// What numbers are printed to.
pub(crate) trait Text {
    fn text(&mut self, piece: &str);

    fn zeros(&mut self, count: usize) {
        for _ in 0..count {
            self.text("0");
        }
    }
}

impl Text for String {
    fn text(&mut self, piece: &str) {
        self.push_str(piece);
    }
}

impl Text for Out {
    fn text(&mut self, piece: &str) {
        self.put(piece.as_bytes());
    }
}

/// The nearest double of a JSON number token; infinite when it is beyond.
pub(crate) fn parse_f64(token: &str) -> f64 {
    // The standard library's parser is correctly rounded and takes every
    // token of the JSON grammar, but it stops counting an exponent beyond
    // 65,535 (`0.000…1e655360` with that many zeros is 1, and it says 0).
    match token.split_once(['e', 'E']) {
        Some((mantissa, exponent)) if exponent.len() >= 6 => with_long_exponent(mantissa, exponent),
        _ => token.parse().unwrap_or(f64::INFINITY),
    }
}

/// The same for a token whose exponent has many digits: the point is moved to
/// the first digit that counts, which leaves an exponent that is small or
/// beyond doubt.
fn with_long_exponent(mantissa: &str, exponent: &str) -> f64 {
    let (sign, digits) = match mantissa.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, mantissa),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let zeros = whole
        .bytes()
        .chain(fraction.bytes())
        .take_while(|byte| *byte == b'0')
        .count();
    if zeros == whole.len() + fraction.len() {
        return 0.0 * sign;
    }
    // An exponent that 64 bits do not hold is beyond any text that fits memory.
    let exponent = match exponent.parse::<i64>() {
        Ok(exponent) => exponent,
        Err(_) if exponent.starts_with('-') => return 0.0 * sign,
        Err(_) => return f64::INFINITY * sign,
    };
    // The value is 0.d1d2d3… × 10^point with d1 not 0.
    let length = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    let point = exponent
        .saturating_add(length(whole.len()))
        .saturating_sub(length(zeros));
    // The largest double is below 10^309, half the smallest above 10^-324.
    if point > 310 {
        return f64::INFINITY * sign;
    }
    if point < -330 {
        return 0.0 * sign;
    }
    let significant: String = whole.chars().chain(fraction.chars()).skip(zeros).collect();
    format!("0.{significant}e{point}")
        .parse::<f64>()
        .unwrap_or(f64::INFINITY)
        * sign
}

/// The nearest double of an integer token, clamped to the largest finite one.
pub(crate) fn integer_to_f64_clamped(digits: &str) -> f64 {
    match digits.parse::<i64>() {
        Ok(value) => value as f64,
        Err(_) => parse_f64(digits).clamp(f64::MIN, f64::MAX),
    }
}

/// Powers of ten that a double holds exactly.
const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// A token with a point and without an exponent, as it was read.
pub(crate) struct Decimal {
    pub(crate) negative: bool,
    /// All digits as one number; right only while there are at most 19.
    pub(crate) digits: u64,
    /// Digits before the point.
    pub(crate) whole: usize,
    /// Digits behind the point.
    pub(crate) fraction: usize,
}

impl Decimal {
    /// The nearest double, and whether the token is surely what [`push_float`]
    /// prints for it; `None` for a token of too many digits.
    #[inline(always)]
    pub(crate) fn read(&self) -> Option<(f64, bool)> {
        let digits = self.digits;
        if self.whole + self.fraction > 19 || self.fraction == 0 {
            return None;
        }
        if digits >= SIXTEEN_DIGITS {
            return self.read_long();
        }
        // Both operands are exact, so the one rounding of the division is the
        // rounding of the value (Clinger, "How to read floating point numbers
        // accurately", 1990).
        let value = digits as f64 / EXACT_POWERS.get(self.fraction)?;
        // Doubles tell decimals of at most 15 significant digits apart, so such
        // a token is the shortest text of its value and only its layout is left
        // to check: no zeros at its end but the one of `1.0`, and below 1e-5 it
        // is written with an exponent. (`0.0` and `-0.0` have that one zero.)
        let is_canonical = if digits.is_multiple_of(10) {
            self.fraction == 1
        } else {
            value >= 1e-5
        };
        Some((if self.negative { -value } else { value }, is_canonical))
    }

    /// The same for 16 digits and more: one division.
    #[inline(always)]
    fn read_long(&self) -> Option<(f64, bool)> {
        // The value is digits / 10^fraction. Both are moved up to their top
        // bit, so that the quotient has 64 bits, of which a double holds 53.
        let power = POWERS.get(self.fraction)?;
        let up = self.digits.leading_zeros();
        let dividend = self.digits << up;
        let shift = if dividend < power.divisor { 64 } else { 63 };
        let mut quotient = Quotient::near(dividend, power, shift);
        if quotient.is_near_half() {
            quotient = Quotient::exact(dividend, power, shift)?;
        }
        let mantissa = quotient.rounded();
        // The value is mantissa · 2^exponent, and at least 10^15 / 10^19 and
        // below 10^19: a normal double. The mantissa's top bit, and a carry out
        // of it, count in the exponent's place.
        let exponent = u64::from(power.up + 11) + 1023 - u64::from(up + shift);
        let value = f64::from_bits(((exponent + 51) << 52) + mantissa);
        let unit = power.inverse >> (127 - shift - up);
        let may_be_canonical = self.whole <= 16
            && self.digits < HUNDRED_QUADRILLION
            && !self.digits.is_multiple_of(10)
            && (1e-5..1e16).contains(&value);
        // One token that is not seen to be canonical keeps all that it stands
        // in from being copied, so a no is asked for twice.
        let is_canonical = may_be_canonical
            && (self.is_shortest(mantissa, &quotient, unit) || self.is_printed(value));
        Some((if self.negative { -value } else { value }, is_canonical))
    }

    /// Whether the digits are those that are printed for a value.
    #[inline(never)]
    fn is_printed(&self, value: f64) -> bool {
        let mut buffer = zmij::Buffer::new();
        let printed = buffer.format_finite(value);
        // Where the point stands follows from the value.
        let digits = printed
            .bytes()
            .filter(u8::is_ascii_digit)
            .skip_while(|byte| *byte == b'0');
        let number = digits.fold(0u64, |number, byte| {
            number.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'))
        });
        number == self.digits
    }

    /// Whether no decimal of fewer digits reads back as the same double, and
    /// none of as many is nearer to it. May say no of a token that is; never
    /// yes of one that is not. The last digit counts for `unit` to `unit + 1`
    /// units of the quotient.
    fn is_shortest(&self, mantissa: u64, quotient: &Quotient, unit: u64) -> bool {
        let last_digit = (self.digits % 10).cast_signed();
        // At a power of two the doubles below stand closer than those above.
        if mantissa.is_power_of_two() {
            return false;
        }
        // At most 2^14, as the digits have at least 50 bits.
        let unit = unit.cast_signed();
        // The token's value is at least `low` and below `high` above the double.
        let low = quotient.low.wrapping_sub(mantissa << 11).cast_signed();
        let high = low + Quotient::ERROR;
        // What reads back as this double lies within half of its last bit.
        const HALF: i64 = 1024;
        let to_lower = last_digit * unit - high;
        let to_upper = (10 - last_digit) * unit + low;
        let nearest = 2 * low.abs().max(high.abs()) < unit;
        nearest && to_lower > HALF && to_upper > HALF
    }
}

/// A quotient of 64 bits: the top 53 are those of a double, which is rounded by
/// the other 11.
struct Quotient {
    /// At most the quotient, and less than [`Quotient::ERROR`] below it.
    low: u64,
    /// For an exact one, whether something remains.
    remains: bool,
}

impl Quotient {
    const ERROR: i64 = 4;

    /// dividend · 2^shift / divisor by the inverse of the divisor.
    ///
    /// The inverse is 2^127 / divisor without its fraction, so the product is
    /// less than dividend · 2^(shift - 127) ≤ 2 below the quotient; without the
    /// fractions of both it is less than 4 below.
    fn near(dividend: u64, power: &Power, shift: u32) -> Quotient {
        let product = u128::from(dividend) * u128::from(power.inverse);
        Quotient {
            low: (product >> (127 - shift)) as u64,
            remains: true,
        }
    }

    fn exact(dividend: u64, power: &Power, shift: u32) -> Option<Quotient> {
        let (dividend, divisor) = (u128::from(dividend) << shift, u128::from(power.divisor));
        let quotient = dividend / divisor;
        Some(Quotient {
            low: u64::try_from(quotient).ok()?,
            remains: quotient * divisor != dividend,
        })
    }

    /// Whether the error may decide how to round.
    fn is_near_half(&self) -> bool {
        (1024 - 4..=1024).contains(&(self.low & 2047))
    }

    /// The nearest 53 bits, half to even.
    fn rounded(&self) -> u64 {
        let (truncated, below) = (self.low >> 11, self.low & 2047);
        let rounds_up = below > 1024 || below == 1024 && (self.remains || truncated & 1 == 1);
        truncated + u64::from(rounds_up)
    }
}

/// 10^15, the least number of 16 digits.
const SIXTEEN_DIGITS: u64 = 1_000_000_000_000_000;

/// 10^17: no double needs more than 17 digits.
const HUNDRED_QUADRILLION: u64 = 100_000_000_000_000_000;

/// A power of ten to divide by.
struct Power {
    /// The power, moved up to its top bit.
    divisor: u64,
    /// By how many bits.
    up: u32,
    /// 2^127 / divisor without its fraction.
    inverse: u64,
}

/// Powers of ten that 64 bits hold. The first is not divided by: its inverse
/// would have 65 bits.
static POWERS: [Power; 20] = {
    let mut powers = [const {
        Power {
            divisor: 0,
            up: 0,
            inverse: 0,
        }
    }; 20];
    let mut power = 1u64;
    let (mut rest, _) = powers.split_at_mut(20);
    while let [first, behind @ ..] = rest {
        let up = power.leading_zeros();
        let divisor = power << up;
        *first = Power {
            divisor,
            up,
            inverse: ((1u128 << 127) / (divisor as u128)) as u64,
        };
        power = power.wrapping_mul(10);
        rest = behind;
    }
    powers
};

/// How many digits stand at the start of 32 bytes; 32 for no other byte.
#[inline(always)]
pub(crate) fn count_digits(chunk: &[u8; 32]) -> usize {
    let ([low, high], _) = chunk.as_chunks::<16>() else {
        return 0;
    };
    let others = simd::bytes_but_digits(low) | simd::bytes_but_digits(high) << 16;
    others.trailing_zeros() as usize
}

/// The number that the first `count` bytes make, which are digits, at most 24.
///
/// Unlike [`digits`] it does not look for their end, so that what follows them
/// is read while they are still being added up.
#[inline(always)]
pub(crate) fn number_of(chunk: &[u8; 32], count: usize) -> u64 {
    if count <= 8 {
        return eight_digits(word_at(chunk, 0), count);
    }
    // The last eight, those before and those before them, of which the first
    // may be none: without a branch, since 16 and 17 digits are as frequent.
    let last = eight_digits(word_at(chunk, count - 8), 8);
    let middle = count.min(16) - 8;
    let first = eight_digits(word_at(chunk, 0), count - 8 - middle);
    let middle = eight_digits(word_at(chunk, count - 8 - middle), middle);
    first
        .wrapping_mul(10_000_000_000_000_000)
        .wrapping_add(middle.wrapping_mul(100_000_000))
        .wrapping_add(last)
}

#[inline(always)]
fn word_at(chunk: &[u8; 32], at: usize) -> u64 {
    match chunk.get(at..).and_then(|rest| rest.first_chunk()) {
        Some(word) => u64::from_le_bytes(*word),
        None => 0,
    }
}

/// The number that the first `count` of eight bytes make, which are digits.
#[inline(always)]
fn eight_digits(word: u64, count: usize) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // Zeros in front, so that there are eight.
    add_up((word ^ (ONES * 0x30)).unbounded_shl(64 - 8 * count as u32))
}

/// Moves over the digits at a place and takes them into a number, which counts
/// only while it has at most 19 of them; gives the offset behind them.
#[inline(always)]
pub(crate) fn digits(bytes: &[u8], mut at: usize, mut number: u64) -> (u64, usize) {
    // Eight at a time, without a branch on how many of them are digits.
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let (value, count) = leading_digits(*chunk);
        let Some(power) = SMALL_POWERS.get(count) else {
            break;
        };
        number = number.wrapping_mul(*power).wrapping_add(value);
        at += count;
        if count < 8 {
            return (number, at);
        }
    }
    while let Some(byte @ b'0'..=b'9') = bytes.get(at).copied() {
        number = number.wrapping_mul(10).wrapping_add(u64::from(byte & 0xF));
        at += 1;
    }
    (number, at)
}

const SMALL_POWERS: [u64; 9] = [
    1,
    10,
    100,
    1_000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
];

/// Powers of ten that 64 bits hold.
pub(crate) const INTEGER_POWERS: [u64; 20] = {
    let mut powers = [1u64; 20];
    let mut power = 1u64;
    let (mut rest, _) = powers.split_at_mut(20);
    while let [first, behind @ ..] = rest {
        *first = power;
        power = power.wrapping_mul(10);
        rest = behind;
    }
    powers
};

/// The number that the digits at the start of eight bytes make, and their count.
#[inline(always)]
fn leading_digits(chunk: [u8; 8]) -> (u64, usize) {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // A digit becomes its value; anything else has a bit in its upper half, or
    // gets one when 6 is added. A carry spoils only what follows it.
    let word = u64::from_le_bytes(chunk) ^ (ONES * 0x30);
    let other = (word | word.wrapping_add(ONES * 6)) & (ONES * 0xF0);
    let count = (other.trailing_zeros() / 8) as usize;
    // Zeros in front, so that there are eight; none of them is left where
    // none is a digit.
    let word = match count {
        0 => return (0, 0),
        _ => word << (64 - 8 * count),
    };
    (add_up(word), count)
}

/// The number that eight digits make, each the value of a byte, the first in
/// the lowest.
#[inline(always)]
fn add_up(word: u64) -> u64 {
    // Neighbours are added up in pairs, the pairs in pairs, and so on.
    let word = (word.wrapping_mul(10).wrapping_add(word >> 8)) & 0x00FF_00FF_00FF_00FF;
    let word = (word.wrapping_mul(100).wrapping_add(word >> 16)) & 0x0000_FFFF_0000_FFFF;
    (word.wrapping_mul(10_000).wrapping_add(word >> 32)) & 0xFFFF_FFFF
}

/// The shortest digits of a finite double: `0.d1d2d3… × 10^point`.
struct Shortest {
    negative: bool,
    digits: [u8; 17],
    count: usize,
    point: i32,
}

impl Shortest {
    fn of(value: f64) -> Shortest {
        let mut shortest = Shortest {
            negative: value.is_sign_negative(),
            digits: [b'0'; 17],
            count: 0,
            point: 0,
        };
        let mut buffer = zmij::Buffer::new();
        let printed = buffer.format_finite(value.abs());
        let (mantissa, exponent) = match printed.split_once('e') {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().unwrap_or(0)),
            None => (printed, 0),
        };
        let mut seen_point = false;
        let mut pending_zeros = 0;
        for byte in mantissa.bytes() {
            match byte {
                b'.' => seen_point = true,
                b'0' if shortest.count == 0 => {
                    // A leading zero; behind the point it moves the value down.
                    shortest.point -= i32::from(seen_point);
                }
                _ => {
                    shortest.point += i32::from(!seen_point);
                    if byte == b'0' {
                        pending_zeros += 1;
                    } else {
                        for digit in std::iter::repeat_n(b'0', pending_zeros).chain([byte]) {
                            if let Some(slot) = shortest.digits.get_mut(shortest.count) {
                                *slot = digit;
                                shortest.count += 1;
                            }
                        }
                        pending_zeros = 0;
                    }
                }
            }
        }
        shortest.point += exponent;
        shortest
    }

    fn digits(&self) -> &str {
        self.digits
            .get(..self.count)
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .unwrap_or_default()
    }

    /// Point form: digits, zeros up to the point, `fraction_if_none` when
    /// nothing follows the point.
    fn push_point_form(&self, out: &mut impl Text, fraction_if_none: &str) {
        let digits = self.digits();
        if self.point <= 0 {
            out.text("0.");
            out.zeros(self.point.unsigned_abs() as usize);
            out.text(digits);
            return;
        }
        match digits.split_at_checked(self.point.unsigned_abs() as usize) {
            Some((whole, fraction)) if !fraction.is_empty() => {
                out.text(whole);
                out.text(".");
                out.text(fraction);
            }
            _ => {
                out.text(digits);
                let zeros = (self.point.unsigned_abs() as usize).saturating_sub(digits.len());
                out.zeros(zeros);
                out.text(fraction_if_none);
            }
        }
    }

    /// Exponent form: `d.ddde±x`, no leading zero in the exponent.
    fn push_exponent_form(&self, out: &mut impl Text) {
        let digits = self.digits();
        match digits.split_at_checked(1) {
            Some((first, rest)) if !rest.is_empty() => {
                out.text(first);
                out.text(".");
                out.text(rest);
            }
            _ => out.text(digits),
        }
        let exponent = self.point - 1;
        out.text("e");
        out.text(if exponent < 0 { "-" } else { "+" });
        push_u64(out, u64::from(exponent.unsigned_abs()));
    }
}

/// Appends a finite double in the drift form: point form from 1e-5 to below
/// 1e16 with a digit after the point, else exponent form.
pub(crate) fn push_float(out: &mut impl Text, value: f64) {
    if value == 0.0 {
        out.text(if value.is_sign_negative() {
            "-0.0"
        } else {
            "0.0"
        });
        return;
    }
    if (1e-5..1e16).contains(&value.abs()) {
        // The digits are one and the same whoever prints them, so point form
        // with a point in it is our form; anything else is laid out below.
        let mut buffer = zmij::Buffer::new();
        let printed = buffer.format_finite(value);
        if printed.contains('.') && !printed.contains('e') {
            out.text(printed);
            return;
        }
    }
    let shortest = Shortest::of(value);
    if shortest.negative {
        out.text("-");
    }
    // 1e-5 is 0.1 × 10^-4, 1e16 is 0.1 × 10^17.
    if (-4..=16).contains(&shortest.point) {
        shortest.push_point_form(out, ".0");
    } else {
        shortest.push_exponent_form(out);
    }
}

/// Appends a finite double as ECMAScript's Number::toString prints it
/// (ECMA-262, Number::toString; RFC 8785 section 3.2.2.3).
pub(crate) fn push_float_ecmascript(out: &mut impl Text, value: f64) {
    if value == 0.0 {
        out.text("0");
        return;
    }
    let shortest = Shortest::of(value);
    if shortest.negative {
        out.text("-");
    }
    if (-5..=21).contains(&shortest.point) {
        shortest.push_point_form(out, "");
    } else {
        shortest.push_exponent_form(out);
    }
}

/// Appends a decimal integer.
pub(crate) fn push_i64(out: &mut impl Text, value: i64) {
    if value < 0 {
        out.text("-");
    }
    push_u64(out, value.unsigned_abs());
}

fn push_u64(out: &mut impl Text, mut value: u64) {
    let mut buffer = [0u8; 20];
    let mut used = 0;
    for slot in buffer.iter_mut().rev() {
        *slot = b'0' + (value % 10) as u8;
        used += 1;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    let digits = buffer.get(buffer.len() - used..).unwrap_or_default();
    out.text(std::str::from_utf8(digits).unwrap_or_default());
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod tests {
    use super::*;

    fn decimal(token: &str) -> Decimal {
        let body = token.trim_start_matches('-');
        let (whole, fraction) = body.split_once('.').unwrap();
        Decimal {
            negative: token.starts_with('-'),
            digits: format!("{whole}{fraction}").parse().unwrap(),
            whole: whole.len(),
            fraction: fraction.len(),
        }
    }

    /// Reads a token; gives whether it was seen to be canonical.
    fn check(token: &str) -> bool {
        let (value, is_canonical) = decimal(token).read().unwrap();
        let expected: f64 = token.parse().unwrap();
        assert_eq!(value.to_bits(), expected.to_bits(), "{token}");
        let mut printed = String::new();
        push_float(&mut printed, expected);
        assert!(
            !is_canonical || printed == token,
            "{token} prints {printed}"
        );
        is_canonical
    }

    /// SplitMix64 (Steele, Lea, Flood, 2014).
    fn random(state: &mut u64) -> u64 {
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = *state;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    fn with_point(digits: u64, fraction: usize) -> String {
        let text = format!("{digits:0width$}", width = fraction + 1);
        let (whole, fraction) = text.split_at(text.len() - fraction);
        format!("{whole}.{fraction}")
    }

    #[test]
    fn decimals_of_all_lengths_are_read_as_the_standard_library_reads_them() {
        let mut state = 1;
        for _ in 0..200_000 {
            let length = random(&mut state) % 19 + 1;
            let digits = random(&mut state) % 10u64.pow(length as u32);
            let fraction = (random(&mut state) % 18 + 1) as usize;
            check(&with_point(digits, fraction));
            check(&format!("-{}", with_point(digits, fraction)));
        }
    }

    #[test]
    fn decimals_next_to_the_middle_of_two_doubles_are_read_exactly() {
        let mut state = 2;
        for _ in 0..50_000 {
            // Odd multiples of a half of the last bit of an integer above 2^53,
            // written with a fraction, and their neighbours.
            let middle = (1 << 54) + 2 * (random(&mut state) % (1 << 53)) + 1;
            for digits in middle - 1..=middle + 1 {
                check(&with_point(digits * 10, 1));
                check(&with_point(digits, 1));
                check(&with_point(digits, 16));
            }
        }
    }

    #[test]
    fn what_is_printed_is_seen_to_be_canonical() {
        let mut state = 3;
        for _ in 0..100_000 {
            let random = random(&mut state);
            let value =
                (random >> 11) as f64 / (1u64 << 53) as f64 * 10f64.powi((random % 8) as i32);
            let mut token = String::new();
            push_float(&mut token, value);
            // Longer ones are printed again when they are written.
            if !token.contains('e') && token.len() <= 20 {
                let power_of_two = value.to_bits() << 12 == 0;
                assert!(check(&token) || power_of_two, "{token}");
            }
        }
    }

    #[test]
    fn runs_of_digits_end_at_the_first_other_byte() {
        for count in 0..=19 {
            for end in ["", ",", ".", "/", ":", "e", "\u{0}", "é", "\u{ff}......."] {
                let token = &"1234567890123456789"[..count];
                let text = format!("{token}{end}");
                let expected = token.parse().unwrap_or(0);
                assert_eq!(digits(text.as_bytes(), 0, 0), (expected, count), "{text}");
                let text = format!("{text}        ");
                assert_eq!(digits(text.as_bytes(), 0, 0), (expected, count), "{text}");
            }
        }
    }
}
