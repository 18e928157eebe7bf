//! Number text: reading tokens correctly rounded, printing the shortest digits.
//!
//! The digits come from `zmij` (shortest, then nearest, then even); the layout
//! is ours, so that another version of that library cannot change a hash.

use crate::out::Out;

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
    /// The nearest double, where one division gives it.
    pub(crate) fn to_f64(&self) -> Option<f64> {
        if self.whole + self.fraction > 19 || self.digits > 1 << 53 {
            return None;
        }
        // Both operands are exact, so the one rounding of the division is the
        // rounding of the value (Clinger, "How to read floating point numbers
        // accurately", 1990).
        let value = self.digits as f64 / EXACT_POWERS.get(self.fraction)?;
        Some(if self.negative { -value } else { value })
    }

    /// Whether the token is what [`push_float`] prints for its value.
    ///
    /// Decimals of at most 15 significant digits are told apart by doubles, so
    /// such a token is the shortest text of its value and only its layout is
    /// left to check. Longer ones are printed and compared.
    pub(crate) fn is_canonical(&self, token: &str, value: f64) -> bool {
        if self.whole + self.fraction > 19 {
            // Also tokens of zeros, `0.000…1`: they cost a second printing.
            return false;
        }
        if self.fraction == 0 {
            return false;
        }
        let ends_in_zero = self.digits.is_multiple_of(10);
        if self.fraction == 1 && ends_in_zero {
            return self.whole <= 15;
        }
        if ends_in_zero {
            return false;
        }
        // Below 1e-5 it is written with an exponent.
        let large_enough = || value.abs() >= 1e-5;
        if self.digits < 1_000_000_000_000_000 {
            return large_enough();
        }
        let mut buffer = zmij::Buffer::new();
        large_enough() && value.abs() < 1e16 && buffer.format_finite(value) == token
    }
}

/// The number of eight digits, `None` when a byte is not a digit.
#[inline]
pub(crate) fn eight_digits(chunk: [u8; 8]) -> Option<u64> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_le_bytes(chunk);
    // A digit has 3 as its upper half, also when 6 is added to it.
    let upper = ONES * 0xF0;
    if word & upper != ONES * 0x30 || (word.wrapping_add(ONES * 6)) & upper != ONES * 0x30 {
        return None;
    }
    // Neighbours are added up in pairs, the pairs in pairs, and so on.
    let word = word - ONES * 0x30;
    let word = (word * 10 + (word >> 8)) & 0x00FF_00FF_00FF_00FF;
    let word = (word * 100 + (word >> 16)) & 0x0000_FFFF_0000_FFFF;
    Some((word * 10_000 + (word >> 32)) & 0xFFFF_FFFF)
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
