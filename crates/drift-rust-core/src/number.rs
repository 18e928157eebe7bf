//! Number text: reading tokens correctly rounded, printing the shortest digits.
//!
//! The digits come from `zmij` (shortest, then nearest, then even); the layout
//! is ours, so that another version of that library cannot change a hash.

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

/// Whether a float token is already what [`push_float`] prints for its value.
///
/// Decimals of at most 15 significant digits are told apart by doubles, so
/// such a token is the shortest text of its value; what remains to check is
/// the layout. A `false` only costs time: the number is printed anew.
pub(crate) fn is_canonical_float(token: &str) -> bool {
    let body = token.strip_prefix('-').unwrap_or(token);
    let Some((whole, fraction)) = body.split_once('.') else {
        return false;
    };
    if fraction.bytes().any(|byte| !byte.is_ascii_digit()) {
        return false; // an exponent
    }
    if whole == "0" {
        let zeros = fraction.bytes().take_while(|byte| *byte == b'0').count();
        return fraction == "0"
            || (zeros <= 4 && fraction.len() - zeros <= 15 && !fraction.ends_with('0'));
    }
    let significant = whole.len() + if fraction == "0" { 0 } else { fraction.len() };
    significant <= 15 && (fraction == "0" || !fraction.ends_with('0'))
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
    fn push_point_form(&self, out: &mut String, fraction_if_none: &str) {
        let digits = self.digits();
        if self.point <= 0 {
            out.push_str("0.");
            out.extend(std::iter::repeat_n('0', self.point.unsigned_abs() as usize));
            out.push_str(digits);
            return;
        }
        match digits.split_at_checked(self.point.unsigned_abs() as usize) {
            Some((whole, fraction)) if !fraction.is_empty() => {
                out.push_str(whole);
                out.push('.');
                out.push_str(fraction);
            }
            _ => {
                out.push_str(digits);
                let zeros = (self.point.unsigned_abs() as usize).saturating_sub(digits.len());
                out.extend(std::iter::repeat_n('0', zeros));
                out.push_str(fraction_if_none);
            }
        }
    }

    /// Exponent form: `d.ddde±x`, no leading zero in the exponent.
    fn push_exponent_form(&self, out: &mut String) {
        let digits = self.digits();
        match digits.split_at_checked(1) {
            Some((first, rest)) if !rest.is_empty() => {
                out.push_str(first);
                out.push('.');
                out.push_str(rest);
            }
            _ => out.push_str(digits),
        }
        let exponent = self.point - 1;
        out.push('e');
        out.push(if exponent < 0 { '-' } else { '+' });
        push_u64(out, u64::from(exponent.unsigned_abs()));
    }
}

/// Appends a finite double in the drift form: point form from 1e-5 to below
/// 1e16 with a digit after the point, else exponent form.
pub(crate) fn push_float(out: &mut String, value: f64) {
    if value == 0.0 {
        out.push_str(if value.is_sign_negative() {
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
            out.push_str(printed);
            return;
        }
    }
    let shortest = Shortest::of(value);
    if shortest.negative {
        out.push('-');
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
pub(crate) fn push_float_ecmascript(out: &mut String, value: f64) {
    if value == 0.0 {
        out.push('0');
        return;
    }
    let shortest = Shortest::of(value);
    if shortest.negative {
        out.push('-');
    }
    if (-5..=21).contains(&shortest.point) {
        shortest.push_point_form(out, "");
    } else {
        shortest.push_exponent_form(out);
    }
}

/// Appends a decimal integer.
pub(crate) fn push_i64(out: &mut String, value: i64) {
    if value < 0 {
        out.push('-');
    }
    push_u64(out, value.unsigned_abs());
}

fn push_u64(out: &mut String, mut value: u64) {
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
    out.push_str(std::str::from_utf8(digits).unwrap_or_default());
}
