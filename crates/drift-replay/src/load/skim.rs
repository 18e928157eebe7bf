//! The members of one JSON object as slices of its text, without reading them.
//!
//! Only the outermost object is understood here; what lies in its members is
//! stepped over by counting brackets outside strings. Whoever uses a member
//! reads it with the core, which refuses what is not JSON.

use super::blocks::{Brackets, Scan, quotes_and_backslashes};
use memchr::memchr2;

/// Where a text stopped being an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) offset: usize,
    pub(crate) reason: &'static str,
}

/// The members of an object, in the order of the text.
pub(crate) struct Members<'t> {
    text: &'t str,
    at: usize,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    AfterMember,
    Done,
}

/// A key between its quotation marks, escapes and all, and the text of its value.
pub(crate) struct Member<'t> {
    pub(crate) key: &'t str,
    pub(crate) value: &'t str,
    /// Where the value starts in the text.
    pub(crate) offset: usize,
}

impl<'t> Members<'t> {
    pub(crate) fn of(text: &'t str) -> Members<'t> {
        Members {
            text,
            at: 0,
            state: State::Start,
        }
    }

    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                byte => return Some(*byte),
            }
        }
        None
    }

    fn fault<T>(&mut self, reason: &'static str) -> Result<T, Fault> {
        self.state = State::Done;
        Err(Fault {
            offset: self.at.min(self.text.len()),
            reason,
        })
    }

    fn step(&mut self) -> Result<Option<Member<'t>>, Fault> {
        match self.state {
            State::Done => return Ok(None),
            State::Start => {
                if self.peek() != Some(b'{') {
                    return self.fault("an object must start with {");
                }
                self.at += 1;
                if self.peek() == Some(b'}') {
                    return self.finish();
                }
            }
            State::AfterMember => match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => return self.finish(),
                _ => return self.fault("a comma or } must follow a member"),
            },
        }
        if self.peek() != Some(b'"') {
            return self.fault("a member must start with its name in quotation marks");
        }
        let key_start = self.at + 1;
        let Some(key_end) = string_end(self.text.as_bytes(), self.at) else {
            self.at = self.text.len();
            return self.fault("a string is not closed");
        };
        self.at = key_end;
        if self.peek() != Some(b':') {
            return self.fault("a colon must follow the name of a member");
        }
        self.at += 1;
        if self.peek().is_none() {
            return self.fault("a value is missing");
        }
        let offset = self.at;
        let Some(end) = value_end(self.text.as_bytes(), offset) else {
            self.at = self.text.len();
            return self.fault("a value is not closed");
        };
        self.at = end;
        if end == offset {
            return self.fault("a value is missing");
        }
        self.state = State::AfterMember;
        Ok(Some(Member {
            key: self.text.get(key_start..key_end - 1).unwrap_or_default(),
            value: self.text.get(offset..end).unwrap_or_default(),
            offset,
        }))
    }

    fn finish(&mut self) -> Result<Option<Member<'t>>, Fault> {
        self.at += 1;
        if self.peek().is_some() {
            return self.fault("something follows the object");
        }
        self.state = State::Done;
        Ok(None)
    }
}

impl<'t> Iterator for Members<'t> {
    type Item = Result<Member<'t>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}

/// The end (exclusive) of the string that starts at `start`.
#[inline]
pub(crate) fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    // Most strings are short: the first bytes are looked at here, and a longer
    // one is searched with wider vectors.
    let mut steps = SHORT_STRING_STEPS;
    loop {
        let rest = bytes.get(at..)?;
        let found = match rest.first_chunk() {
            Some(chunk) if steps > 0 => {
                steps -= 1;
                let mask = quotes_and_backslashes(chunk);
                if mask == 0 {
                    at += chunk.len();
                    continue;
                }
                at + mask.trailing_zeros() as usize
            }
            _ => at + memchr2(b'"', b'\\', rest)?,
        };
        match bytes.get(found) {
            Some(b'"') => return Some(found + 1),
            _ => at = found + 2,
        }
    }
}

/// Steps of 16 bytes before a string counts as long.
const SHORT_STRING_STEPS: u32 = 6;

/// The end (exclusive) of the value that starts at `start`.
#[inline]
fn value_end(bytes: &[u8], start: usize) -> Option<usize> {
    match bytes.get(start)? {
        b'"' => string_end(bytes, start),
        b'{' | b'[' => match container_end(bytes.get(start..)?) {
            ContainerEnd::At(length) => Some(start + length),
            ContainerEnd::Open => None,
            ContainerEnd::NotJson => container_end_by_bytes(bytes, start),
        },
        _ => {
            let rest = bytes.get(start..)?;
            let length = rest
                .iter()
                .position(|byte| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n'))
                .unwrap_or(rest.len());
            Some(start + length)
        }
    }
}

/// Where a container ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ContainerEnd {
    /// Its length in bytes.
    At(usize),
    Open,
    /// It has a backslash outside strings.
    NotJson,
}

/// The end of the container that the bytes start with.
fn container_end(bytes: &[u8]) -> ContainerEnd {
    let mut scan = Scan::default();
    let mut depth = 0;
    let (blocks, rest) = bytes.as_chunks();
    let mut last = [b' '; 64];
    for (padded, byte) in last.iter_mut().zip(rest) {
        *padded = *byte;
    }
    for (number, block) in blocks.iter().chain([&last]).enumerate() {
        let Some(brackets) = scan.brackets(block) else {
            return ContainerEnd::NotJson;
        };
        if let Some(place) = depth_reaches_zero(&mut depth, brackets) {
            return ContainerEnd::At(number * last.len() + place + 1);
        }
    }
    ContainerEnd::Open
}

/// Counts the brackets of a block; the place of the one that closes the
/// outermost container.
fn depth_reaches_zero(depth: &mut u64, brackets: Brackets) -> Option<usize> {
    let Brackets { opening, closing } = brackets;
    // One by one: sums of bits would take an instruction that not every
    // processor of the baseline has.
    let mut left = opening | closing;
    while left != 0 {
        let bit = left & left.wrapping_neg();
        left ^= bit;
        if closing & bit == 0 {
            *depth += 1;
            continue;
        }
        // The first bracket of a container opens it, so this is at least 1.
        *depth = depth.saturating_sub(1);
        if *depth == 0 {
            return Some(bit.trailing_zeros() as usize);
        }
    }
    None
}

/// The same a byte at a time, for what is no JSON: a bracket is matched all the
/// same, and whoever uses the value refuses it.
fn container_end_by_bytes(bytes: &[u8], start: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = start;
    loop {
        match bytes.get(at)? {
            b'"' => {
                at = string_end(bytes, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(text: &str) -> Result<Vec<(&str, &str)>, Fault> {
        Members::of(text)
            .map(|member| member.map(|member| (member.key, member.value)))
            .collect()
    }

    #[test]
    fn members_come_as_they_stand_in_the_text() {
        let cases: [(&str, &[(&str, &str)]); 4] = [
            ("{}", &[]),
            (" { \"a\" : 1 } ", &[("a", "1")]),
            (
                r#"{"a":{"b":"}\"]"},"c":[1,{"d":[]}],"e":"\\","f":-1.5e3}"#,
                &[
                    ("a", r#"{"b":"}\"]"}"#),
                    ("c", r#"[1,{"d":[]}]"#),
                    ("e", r#""\\""#),
                    ("f", "-1.5e3"),
                ],
            ),
            (
                r#"{"a\"b":null,"é":true}"#,
                &[(r#"a\"b"#, "null"), ("é", "true")],
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(members(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_object_is_refused_where_it_stops_being_one() {
        let cases = [
            ("", 0),
            ("[1]", 0),
            ("{", 1),
            (r#"{"a"}"#, 4),
            (r#"{"a":}"#, 5),
            (r#"{"a":1"#, 6),
            (r#"{"a":1,}"#, 7),
            (r#"{"a":[1"#, 7),
            (r#"{"a":"\"}"#, 9),
            (r#"{"a":1} x"#, 8),
            (r#"{a:1}"#, 1),
        ];
        for (text, offset) in cases {
            assert_eq!(
                members(text).map_err(|fault| fault.offset),
                Err(offset),
                "{text}"
            );
        }
    }

    #[test]
    fn a_text_of_a_million_brackets_takes_no_stack() {
        let text = format!(
            "{{\"a\":{}{}}}",
            "[".repeat(1_000_000),
            "]".repeat(1_000_000)
        );
        assert_eq!(members(&text).map(|members| members.len()), Ok(1));
    }

    /// Seeded (xorshift), so that a failure comes again.
    #[test]
    fn a_container_ends_where_a_count_of_its_brackets_byte_by_byte_says() {
        let letters = br#""\{}[]"\\aa  ,:{}[]{}{{[["#;
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as usize
        };
        let mut ended = 0;
        for _ in 0..20_000 {
            let length = next() % 200;
            let mut text = vec![b'{'];
            // Few of all letters at a time, so that some texts are deep and some
            // have long strings.
            let kinds = 1 + next() % letters.len();
            let first = next();
            text.extend((0..length).map(|_| {
                let place = (first + next() % kinds) % letters.len();
                letters.get(place).copied().unwrap_or_default()
            }));
            let expected = container_end_by_bytes(&text, 0);
            assert_eq!(
                value_end(&text, 0),
                expected,
                "{}",
                String::from_utf8_lossy(&text)
            );
            ended += usize::from(expected.is_some());
        }
        assert!(ended > 2_000, "{ended} texts were closed");
    }
}
