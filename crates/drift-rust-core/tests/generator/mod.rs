//! JSON texts from a seed, and tables of awkward ones: what a fast parser, a
//! printer of numbers or a memory of object shapes could get wrong.

#![allow(
    dead_code,
    reason = "each program that includes this uses a part of it"
)]

/// The generator of numbers SplitMix64 (Steele, Lea, Flood 2014).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.bits() % bound.max(1) as u64) as usize
    }

    /// True once in `times`.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for place in (1..items.len()).rev() {
            items.swap(place, self.below(place + 1));
        }
    }
}

/// Parts of strings as they stand in JSON text, all valid.
pub(crate) const STRING_PARTS: [&str; 36] = [
    "a",
    "b",
    "Z",
    "0",
    " ",
    "key",
    "user_id",
    "\u{7f}",
    "\u{80}",
    "\u{e9}",
    "e\u{301}",
    "\u{7ff}",
    "\u{800}",
    "\u{2028}",
    "\u{d7ff}",
    "\u{e000}",
    "\u{fffd}",
    "\u{ffff}",
    "\u{10000}",
    "\u{1f600}",
    "\u{10ffff}",
    "\\\"",
    "\\\\",
    "\\/",
    "\\b",
    "\\f",
    "\\n",
    "\\r",
    "\\t",
    "\\u0000",
    "\\u001F",
    "\\u0061",
    "\\u00e9",
    "\\uD83D\\uDE00",
    "\\ud800",
    "\\uDFFF\\ud83d",
];

/// Parts that make a string, or the whole text, invalid.
pub(crate) const BAD_STRING_PARTS: [&[u8]; 25] = [
    b"\0",
    b"\x01",
    b"\x08",
    b"\t",
    b"\n",
    b"\r",
    b"\x1f",
    b"\\",
    b"\\x",
    b"\\u",
    b"\\u1",
    b"\\u12",
    b"\\u123",
    b"\\u12g4",
    b"\\uD800\\u12",
    b"\\uD83D\\u",
    b"\\U0041",
    b"\x80",
    b"\xbf",
    b"\xc0\x80",
    b"\xe2\x82",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xff",
    b"\xf0\x9f\x98",
];

pub(crate) const WHITE_SPACE: [&str; 12] = [
    "",
    "",
    "",
    "",
    "",
    " ",
    "\n",
    "\t",
    "\r",
    "  ",
    "\r\n    ",
    "                                 ",
];

/// A string with its quotes.
pub(crate) fn string(random: &mut Random) -> String {
    let parts = match random.below(8) {
        0 => 0,
        1 => random.below(60),
        _ => 1 + random.below(5),
    };
    let plain = random.once_in(2);
    let mut out = String::from("\"");
    for _ in 0..parts {
        let known = if plain { 7 } else { STRING_PARTS.len() };
        out.push_str(STRING_PARTS[random.below(known)]);
    }
    out.push('"');
    out
}

/// A number token, as a rule within the range of a double.
pub(crate) fn number(random: &mut Random) -> String {
    let sign = if random.once_in(3) { "-" } else { "" };
    match random.below(10) {
        0 => format!("{sign}{}", random.below(20)),
        1 => format!("{sign}{}", random.bits()),
        2 => {
            let near = random.pick(&NEAR);
            format!(
                "{sign}{}",
                near.wrapping_add(random.below(7) as u128).wrapping_sub(3)
            )
        }
        3 => finite(random).to_string(),
        4 => format!("{:e}", finite(random)),
        5 => format!("{:.1$e}", finite(random), random.below(25)),
        6 => format!("{sign}{}.{}", random.below(100_000), random.below(1_000)),
        7 => format!("{sign}0.{:020}", random.bits() >> random.below(64)),
        _ => {
            let count = 1 + random.below(25);
            let digits = &digits(random, count);
            let point = random.below(digits.len() + 4);
            let number = with_point(digits, point);
            format!("{sign}{number}{}", exponent(random))
        }
    }
}

/// Integers around which representations change.
pub(crate) const NEAR: [u128; 12] = [
    10,
    1 << 31,
    1 << 32,
    1 << 53,
    1 << 54,
    1_000_000_000_000_000,
    10_000_000_000_000_000,
    100_000_000_000_000_000,
    1 << 63,
    1 << 64,
    1_000_000_000_000_000_000_000,
    1 << 100,
];

fn finite(random: &mut Random) -> f64 {
    loop {
        let value = f64::from_bits(random.bits());
        if value.is_finite() {
            return value;
        }
    }
}

/// So many digits, the first one not 0.
pub(crate) fn digits(random: &mut Random, count: usize) -> String {
    let style = random.below(4);
    (0..count)
        .map(|place| match (style, place) {
            (0, _) => '9',
            (1, 1..) if place + 1 < count => '0',
            (_, 0) => char::from(b'1' + random.below(9) as u8),
            _ => char::from(b'0' + random.below(10) as u8),
        })
        .collect()
}

/// The digits with a point behind the first `point`, or in none when that is
/// past them; zeros before them for a point in front.
pub(crate) fn with_point(digits: &str, point: usize) -> String {
    match point {
        0 => format!("0.{digits}"),
        _ if point < digits.len() => format!("{}.{}", &digits[..point], &digits[point..]),
        _ if point == digits.len() + 1 => format!("0.00000{digits}"),
        _ if point == digits.len() + 2 => format!("{digits}.0"),
        _ => digits.to_owned(),
    }
}

fn exponent(random: &mut Random) -> String {
    let letter = random.pick(&["e", "E"]);
    let sign = random.pick(&["", "+", "-"]);
    match random.below(6) {
        0 | 1 => String::new(),
        2 => format!("{letter}{sign}{}", random.below(340)),
        3 => format!("{letter}{sign}0{}", random.below(40)),
        _ => format!("{letter}{sign}{}", random.below(30)),
    }
}

/// A document: its text with white space between the tokens.
pub(crate) fn document(random: &mut Random) -> String {
    let spaced = random.once_in(2);
    let mut writer = Writer {
        random,
        out: String::new(),
        spaced,
        budget: 0,
        keys: Vec::new(),
    };
    writer.budget = 1 + writer.random.below(60);
    let distinct = 1 + writer.random.below(12);
    writer.keys = (0..distinct).map(|_| string(writer.random)).collect();
    writer.space();
    match writer.random.below(8) {
        0 => writer.value(5),
        1 => writer.rows(),
        2 | 3 => writer.array(5),
        _ => writer.object(5),
    }
    writer.space();
    writer.out
}

struct Writer<'r> {
    random: &'r mut Random,
    out: String,
    spaced: bool,
    /// Values that may still be written.
    budget: usize,
    /// Keys to draw from, so that shapes come again.
    keys: Vec<String>,
}

impl Writer<'_> {
    fn space(&mut self) {
        if self.spaced {
            let space: &str = self.random.pick::<&str>(&WHITE_SPACE);
            self.out.push_str(space);
        }
    }

    fn token(&mut self, token: &str) {
        self.out.push_str(token);
        self.space();
    }

    fn value(&mut self, levels: usize) {
        self.budget = self.budget.saturating_sub(1);
        let kinds = if levels == 0 || self.budget == 0 {
            6
        } else {
            9
        };
        match self.random.below(kinds) {
            0 => self.token("null"),
            1 => self.token("true"),
            2 => self.token("false"),
            3 | 4 => {
                let number = number(self.random);
                self.token(&number);
            }
            5 => {
                let string = string(self.random);
                self.token(&string);
            }
            6 => self.array(levels - 1),
            _ => self.object(levels - 1),
        }
    }

    fn array(&mut self, levels: usize) {
        self.token("[");
        let count = self.random.below(5);
        for place in 0..count {
            if place > 0 {
                self.token(",");
            }
            self.value(levels);
        }
        self.token("]");
    }

    fn object(&mut self, levels: usize) {
        let count = match self.random.below(12) {
            0 => 9 + self.random.below(80),
            _ => self.random.below(7),
        };
        let keys = (0..count)
            .map(|_| match self.random.below(4) {
                0 => string(self.random),
                _ => self.random.pick(&self.keys).clone(),
            })
            .collect::<Vec<_>>();
        self.object_of(&keys, levels);
    }

    fn object_of(&mut self, keys: &[String], levels: usize) {
        self.token("{");
        for (place, key) in keys.iter().enumerate() {
            if place > 0 {
                self.token(",");
            }
            self.token(key);
            self.token(":");
            self.value(levels);
        }
        self.token("}");
    }

    /// Rows of one shape, a few of them changed a little.
    fn rows(&mut self) {
        let shape: Vec<String> = (0..1 + self.random.below(8))
            .map(|_| string(self.random))
            .collect();
        let count = self.random.below(12);
        self.token("[");
        for place in 0..count {
            if place > 0 {
                self.token(",");
            }
            let mut keys = shape.clone();
            let at = self.random.below(keys.len());
            match self.random.below(9) {
                0 => drop(keys.remove(at)),
                1 => keys.insert(at, string(self.random)),
                2 => keys[at] = string(self.random),
                3 => keys.push(keys[at].clone()),
                4 => self.random.shuffle(&mut keys),
                5 => keys[at].insert_str(1, "\\u0061"),
                _ => {}
            }
            self.budget = self.budget.max(4);
            self.object_of(&keys, 1);
        }
        self.token("]");
    }
}

/// A document with a fault somewhere, most of the time.
pub(crate) fn damaged(random: &mut Random, text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..1 + random.below(2) {
        let at = random.below(bytes.len() + 1);
        match random.below(5) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => drop(bytes.remove(at)),
            2 if at < bytes.len() => bytes[at] = *random.pick(&INTERESTING),
            3 => {
                let part = *random.pick(&BAD_STRING_PARTS);
                bytes.splice(at..at, part.iter().copied());
            }
            _ => bytes.insert(at, *random.pick(&INTERESTING)),
        }
    }
    bytes
}

/// Bytes that mean something in JSON or in UTF-8, and some that do not.
pub(crate) const INTERESTING: [u8; 34] = [
    0, 1, 9, 10, 13, 0x0B, 0x0C, 0x1F, b' ', b'"', b'\\', b'{', b'}', b'[', b']', b',', b':', b'0',
    b'1', b'9', b'-', b'+', b'.', b'e', b'E', b't', b'n', b'u', b'\'', b'/', 0x7F, 0x80, 0xC3,
    0xFF,
];
