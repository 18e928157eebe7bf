//! JSON text (RFC 8259) to a document, in one pass and without recursion.

use crate::document::{Assembler, Document, Kind, Node, Open, RepeatedKeys};
use crate::error::JsonError;
use crate::number;
use crate::out::plain_run;
use crate::{JsonText, Profile, ValueOptions};
use std::borrow::Cow;

impl<'a> Document<'a> {
    /// Reads one JSON text.
    ///
    /// # Errors
    /// Every variant of [`JsonError`]; each has the offset of the fault in bytes.
    pub fn parse(
        text: impl Into<JsonText<'a>>,
        options: ValueOptions,
    ) -> Result<Document<'a>, JsonError> {
        let text = text.into();
        if let (Profile::Rfc8785, Some(offset)) = (options.profile, text.replaced_surrogate()) {
            return Err(JsonError::LoneSurrogate { offset });
        }
        let text = text.to_utf8()?;
        let arena = Parser::new(text, options, repeated_keys(options)).run()?;
        Ok(Document::from_parts(Cow::Borrowed(text), arena))
    }

    /// Reads a text that the document then owns; gives the text back when it
    /// is not JSON.
    pub(crate) fn parse_owned(
        text: String,
        options: ValueOptions,
    ) -> Result<Document<'static>, String> {
        match Parser::new(&text, options, repeated_keys(options)).run() {
            Ok(arena) => Ok(Document::from_parts(Cow::Owned(text), arena)),
            Err(_) => Err(text),
        }
    }

    /// Reads a text and keeps every member of repeated keys.
    pub(crate) fn parse_keeping_repeated_keys(
        text: JsonText<'a>,
        options: ValueOptions,
    ) -> Result<Document<'a>, JsonError> {
        let text = text.to_utf8()?;
        let arena = Parser::new(text, options, RepeatedKeys::Keep).run()?;
        Ok(Document::from_parts(Cow::Borrowed(text), arena))
    }
}

fn repeated_keys(options: ValueOptions) -> RepeatedKeys {
    match options.profile {
        Profile::Drift => RepeatedKeys::LastWins,
        Profile::Rfc8785 => RepeatedKeys::Refuse,
    }
}

/// Reads numbers again that stand in a text one behind the other, with nothing but
/// commas between them, the first at a place.
pub(crate) fn read_numbers(text: &str, mut at: usize, count: usize, items: &mut Vec<Node>) {
    let mut parser = Parser {
        text,
        bytes: text.as_bytes(),
        profile: Profile::Drift,
        max_depth: 0,
        assembler: Assembler::new(Profile::Drift, RepeatedKeys::Keep),
        not_canonical: 0,
        refuse_infinity: false,
        key_offsets: Vec::new(),
    };
    for _ in 0..count {
        // They were read before, so this is always a number.
        let (number, behind) = parser.number(at).unwrap_or((Node::NULL, at));
        items.push(number);
        at = behind + 1;
    }
}

struct Parser<'t> {
    text: &'t str,
    bytes: &'t [u8],
    profile: Profile,
    max_depth: usize,
    assembler: Assembler,
    /// Behind the last place at which the text was not canonical: a container
    /// that starts at or after it can be copied as it stands.
    not_canonical: usize,
    /// Infinities are faults (merges skip unknown members unread).
    refuse_infinity: bool,
    /// For each open object, outermost first, the offsets of its keys; kept
    /// only where a repeated key is an error.
    key_offsets: Vec<Vec<usize>>,
}

/// What was read, and the offset behind it.
///
/// The offset goes from call to call by value: in a field it would be stored
/// and loaded again for every token, each time some cycles on the one path that
/// everything waits for.
type Read<T> = Result<(T, usize), JsonError>;

#[cold]
#[inline(never)]
fn expected<T>(offset: usize, expected: &'static str) -> Result<T, JsonError> {
    Err(JsonError::InvalidJson { offset, expected })
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, options: ValueOptions, repeated: RepeatedKeys) -> Parser<'t> {
        let mut assembler = Assembler::new(options.profile, repeated);
        // A node takes 16 bytes and most values 8 bytes of text and more.
        assembler.arena.nodes.reserve(text.len() / 8);
        Parser {
            text,
            bytes: text.as_bytes(),
            profile: options.profile,
            max_depth: options.max_depth(),
            assembler,
            not_canonical: 0,
            refuse_infinity: repeated != RepeatedKeys::Keep,
            key_offsets: Vec::new(),
        }
    }

    #[inline(always)]
    fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// The offset behind white space.
    #[inline(always)]
    fn white_space(&mut self, at: usize) -> usize {
        match self.byte(at) {
            Some(0..=b' ') => self.some_white_space(at),
            _ => at,
        }
    }

    #[inline(never)]
    fn some_white_space(&mut self, mut at: usize) -> usize {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.byte(at) {
            at += 1;
        }
        self.not_canonical = at;
        at
    }

    fn run(mut self) -> Result<crate::document::Arena, JsonError> {
        let mut at = self.white_space(0);
        loop {
            // A value starts here; containers that open without closing at
            // once go round again for their first child.
            let mut node;
            match self.byte(at) {
                Some(b'"') => (node, at) = self.string(at)?,
                Some(b'-' | b'0'..=b'9') => (node, at) = self.number(at)?,
                Some(b'{') => {
                    self.check_depth(at)?;
                    self.assembler.open_object(at);
                    if self.profile == Profile::Rfc8785 {
                        self.key_offsets.push(Vec::new());
                    }
                    at = self.white_space(at + 1);
                    if self.byte(at) == Some(b'}') {
                        (node, at) = self.close(at)?;
                    } else {
                        at = self.key(at, "a key or '}'")?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.check_depth(at)?;
                    self.assembler.open_array(at);
                    at = self.white_space(at + 1);
                    match self.byte(at) {
                        Some(b']') => (node, at) = self.close(at)?,
                        Some(b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
                            continue;
                        }
                        _ => return expected(at, "a value or ']'"),
                    }
                }
                Some(b't') => (node, at) = self.literal(at, "true", Node::true_at(at))?,
                Some(b'f') => (node, at) = self.literal(at, "false", Node::false_at(at))?,
                Some(b'n') => (node, at) = self.literal(at, "null", Node::null_at(at))?,
                Some(b' ' | b'\n' | b'\r' | b'\t') => {
                    at = self.some_white_space(at);
                    continue;
                }
                _ => return expected(at, "a value"),
            }
            // The value is complete; it may complete its containers.
            'complete: loop {
                let Some(frame) = self.assembler.frames.last() else {
                    at = self.white_space(at);
                    if at < self.bytes.len() {
                        return expected(at, "the end of the text");
                    }
                    self.assembler.arena.root = node;
                    return Ok(self.assembler.finish());
                };
                let is_object = !matches!(frame.open, Open::Array);
                self.assembler.pending.push(node);
                // White space is looked for where nothing else fits.
                loop {
                    match self.byte(at) {
                        Some(b',') => {
                            at += 1;
                            if is_object {
                                at = self.key(at, "a key")?;
                            }
                            break 'complete;
                        }
                        Some(b'}') if is_object => {
                            (node, at) = self.close(at)?;
                            continue 'complete;
                        }
                        Some(b']') if !is_object => {
                            (node, at) = self.close(at)?;
                            continue 'complete;
                        }
                        Some(b' ' | b'\n' | b'\r' | b'\t') => at = self.some_white_space(at),
                        _ if is_object => return expected(at, "',' or '}'"),
                        _ => return expected(at, "',' or ']'"),
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn check_depth(&self, at: usize) -> Result<(), JsonError> {
        if self.assembler.frames.len() >= self.max_depth {
            return Err(JsonError::DepthExceeded {
                offset: at,
                limit: self.max_depth,
            });
        }
        Ok(())
    }

    /// Closes the innermost container; its bracket stands here.
    #[inline(always)]
    fn close(&mut self, at: usize) -> Read<Node> {
        let node = self.closed(at);
        match self.assembler.repetition {
            None => Ok((node, at + 1)),
            Some(place) => self.repeated_key(place, at + 1),
        }
    }

    #[inline(never)]
    fn closed(&mut self, at: usize) -> Node {
        // It is called at a bracket that closes the innermost frame.
        let Some(origin) = self.assembler.frames.last().map(|frame| frame.origin) else {
            return Node::NULL;
        };
        let node = self.assembler.close(self.text, at + 1, self.not_canonical);
        if !self.assembler.in_order {
            // Whatever holds this object cannot be copied; what comes
            // after it can.
            self.not_canonical = self.not_canonical.max(origin + 1);
        }
        if node.kind() == Kind::Object && self.assembler.repetition.is_none() {
            self.key_offsets.pop();
        }
        node
    }

    #[cold]
    fn repeated_key(&mut self, place: usize, behind: usize) -> Read<Node> {
        let offsets = self.key_offsets.pop();
        Err(JsonError::DuplicateKey {
            offset: offsets
                .and_then(|offsets| offsets.get(place).copied())
                .unwrap_or(behind),
        })
    }

    /// A key and its colon; gives a place before its value.
    #[inline(always)]
    fn key(&mut self, at: usize, wanted: &'static str) -> Result<usize, JsonError> {
        match self.expected_key(at) {
            Some(at) => Ok(at),
            None => self.other_key(at, wanted),
        }
    }

    /// Most often it is the key that followed last time.
    #[inline(always)]
    fn expected_key(&mut self, at: usize) -> Option<usize> {
        let frame = self.assembler.frames.last_mut()?;
        let Open::Shape(shape) = frame.open else {
            return None;
        };
        let shapes = self.assembler.arena.shapes.get()?;
        let next = shapes.next_of(shape, frame.context);
        let length = shapes.token_at(next, self.bytes, at)?;
        frame.open = Open::Shape(next);
        Some(at + length)
    }

    #[inline(never)]
    fn other_key(&mut self, mut at: usize, wanted: &'static str) -> Result<usize, JsonError> {
        if let Some(b' ' | b'\n' | b'\r' | b'\t') = self.byte(at) {
            at = self.some_white_space(at);
            if let Some(at) = self.expected_key(at) {
                return Ok(at);
            }
        }
        if self.byte(at) != Some(b'"') {
            return expected(at, wanted);
        }
        if let Some(offsets) = self.key_offsets.last_mut() {
            offsets.push(at);
        }
        let (key, at) = self.string(at)?;
        self.assembler.key(self.text, key);
        let at = self.white_space(at);
        if self.byte(at) != Some(b':') {
            return expected(at, "':'");
        }
        Ok(at + 1)
    }

    fn literal(&self, at: usize, word: &'static str, node: Node) -> Read<Node> {
        let rest = self.bytes.get(at..).unwrap_or_default();
        if rest.starts_with(word.as_bytes()) {
            return Ok((node, at + word.len()));
        }
        let equal = rest.iter().zip(word.bytes()).take_while(|(a, b)| **a == *b);
        expected(at + equal.count(), word)
    }

    #[inline(always)]
    fn number(&mut self, start: usize) -> Read<Node> {
        let negative = self.byte(start) == Some(b'-');
        let whole_start = start + usize::from(negative);
        if let Some(chunk) = self.chunk(whole_start) {
            let whole = number::count_digits(chunk);
            let at = whole_start + whole;
            let behind = self.byte(at);
            let is_common = (1..=16).contains(&whole)
                && (chunk.first() != Some(&b'0') || whole == 1)
                && self.profile == Profile::Drift;
            if is_common && behind == Some(b'.') {
                if let Some(read) = self.short_decimal(start, chunk, whole) {
                    return Ok(read);
                }
            } else if is_common && whole <= 8 && !matches!(behind, Some(b'e' | b'E')) {
                let value = number::number_of(chunk, whole).cast_signed();
                if value != 0 || !negative {
                    let value = if negative { -value } else { value };
                    return Ok((Node::int_at(value, start, (at - start) as u8), at));
                }
            }
        }
        self.any_number(start, negative)
    }

    #[inline(always)]
    fn chunk(&self, at: usize) -> Option<&'t [u8; 32]> {
        self.bytes.get(at..)?.first_chunk()
    }

    /// A number with a point, before which so many digits stand, and without
    /// an exponent.
    #[inline(always)]
    fn short_decimal(
        &mut self,
        start: usize,
        chunk: &[u8; 32],
        whole: usize,
    ) -> Option<(Node, usize)> {
        let negative = self.byte(start) == Some(b'-');
        let behind_point = start + usize::from(negative) + whole + 1;
        let fraction_chunk = self.chunk(behind_point)?;
        let fraction = number::count_digits(fraction_chunk);
        let at = behind_point + fraction;
        if fraction == 0 || whole + fraction > 19 || matches!(self.byte(at), Some(b'e' | b'E')) {
            return None;
        }
        let decimal = number::Decimal {
            negative,
            digits: number::number_of(chunk, whole)
                .wrapping_mul(*number::INTEGER_POWERS.get(fraction)?)
                .wrapping_add(number::number_of(fraction_chunk, fraction)),
            whole,
            fraction,
        };
        let (value, is_canonical) = decimal.read()?;
        if is_canonical {
            // At most 21 bytes.
            return Some((Node::float_at(value, start, (at - start) as u8), at));
        }
        self.not_canonical = at;
        Some((Node::float(value), at))
    }

    #[inline(never)]
    fn any_number(&mut self, start: usize, negative: bool) -> Read<Node> {
        let whole_start = start + usize::from(negative);
        let (digits, at) = match self.byte(whole_start) {
            Some(b'0') => (0, whole_start + 1),
            Some(b'1'..=b'9') => number::digits(self.bytes, whole_start, 0),
            _ => return expected(whole_start, "a digit"),
        };
        let whole = at - whole_start;
        // 18 digits fit 64 bits, whatever their sign.
        if whole > 18
            || matches!(self.byte(at), Some(b'.' | b'e' | b'E'))
            || negative && digits == 0
            || self.profile == Profile::Rfc8785
        {
            return self.other_number(start, negative, digits, whole);
        }
        let value = digits.cast_signed();
        let value = if negative { -value } else { value };
        Ok((Node::int_at(value, start, (at - start) as u8), at))
    }

    /// A number that is not a short integer: its whole part is read already.
    #[inline(never)]
    fn other_number(
        &mut self,
        start: usize,
        negative: bool,
        mut digits: u64,
        whole: usize,
    ) -> Read<Node> {
        let mut at = start + usize::from(negative) + whole;
        let mut fraction = 0;
        let mut is_integer = true;
        let mut has_exponent = false;
        if self.byte(at) == Some(b'.') {
            is_integer = false;
            let fraction_start = at + 1;
            if !matches!(self.byte(fraction_start), Some(b'0'..=b'9')) {
                return expected(fraction_start, "a digit");
            }
            (digits, at) = number::digits(self.bytes, fraction_start, digits);
            fraction = at - fraction_start;
        }
        if let Some(b'e' | b'E') = self.byte(at) {
            is_integer = false;
            has_exponent = true;
            at += 1;
            if let Some(b'+' | b'-') = self.byte(at) {
                at += 1;
            }
            if !matches!(self.byte(at), Some(b'0'..=b'9')) {
                return expected(at, "a digit");
            }
            (_, at) = number::digits(self.bytes, at, 0);
        }
        let length = at - start;
        if is_integer && self.profile == Profile::Drift {
            return Ok((
                if whole > 18 {
                    Node::digits(start, length, false)
                } else {
                    // The one short integer that comes here.
                    self.not_canonical = at;
                    Node::float(-0.0)
                },
                at,
            ));
        }
        let decimal = number::Decimal {
            negative,
            digits,
            whole,
            fraction,
        };
        let (value, is_canonical) = match decimal.read() {
            Some(read) if !has_exponent => read,
            _ => {
                let token = self.text.get(start..at).unwrap_or_default();
                (number::parse_f64(token), false)
            }
        };
        if value.is_infinite() && self.refuse_infinity {
            return Err(JsonError::NumberOutOfRange { offset: start });
        }
        if is_canonical
            && self.profile == Profile::Drift
            && let Ok(length) = u8::try_from(length)
        {
            return Ok((Node::float_at(value, start, length), at));
        }
        self.not_canonical = at;
        Ok((Node::float(value), at))
    }

    /// A string; its opening quote stands here.
    #[inline(always)]
    fn string(&mut self, at: usize) -> Read<Node> {
        let start = at + 1;
        let end = plain_run(self.bytes, start);
        if self.byte(end) == Some(b'"') {
            return Ok((Node::string(start, end - start, false, true), end + 1));
        }
        self.escaped_string(start, end)
    }

    /// A string that does not stand for itself: it does up to `at`.
    #[inline(never)]
    fn escaped_string(&mut self, start: usize, mut at: usize) -> Read<Node> {
        let scratch_start = self.assembler.arena.scratch.len();
        let mut run_start = start;
        let mut is_canonical = true;
        loop {
            let run = self.text.get(run_start..at).unwrap_or_default();
            self.assembler.arena.scratch.push_str(run);
            match self.byte(at) {
                Some(b'"') => {
                    let behind = at + 1;
                    if !is_canonical {
                        self.not_canonical = behind;
                    }
                    let length = self.assembler.arena.scratch.len() - scratch_start;
                    return Ok((Node::string(scratch_start, length, true, false), behind));
                }
                Some(b'\\') => {
                    let character;
                    let escape_start = at;
                    (character, at) = self.escape(at)?;
                    is_canonical = is_canonical
                        && self
                            .bytes
                            .get(escape_start..at)
                            .is_some_and(is_canonical_escape);
                    self.assembler.arena.scratch.push(character);
                    run_start = at;
                }
                Some(_) => return expected(at, "an escaped control character"),
                None => return expected(at, "'\"'"),
            }
            at = plain_run(self.bytes, at);
        }
    }

    /// An escape; its backslash stands here.
    fn escape(&mut self, start: usize) -> Read<char> {
        let character = match self.byte(start + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{C}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(start),
            _ => return expected(start + 1, "an escape: one of \"\\/bfnrtu"),
        };
        Ok((character, start + 2))
    }

    fn hex4(&self, start: usize) -> Read<u32> {
        let mut unit = 0;
        for at in start..start + 4 {
            let digit = self.byte(at).and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else {
                return expected(at, "a hexadecimal digit");
            };
            unit = unit << 4 | digit;
        }
        Ok((unit, start + 4))
    }

    /// A `\u` escape, with a second one where both are one character; its
    /// backslash stands at `start`.
    fn unicode_escape(&self, start: usize) -> Read<char> {
        let (unit, at) = self.hex4(start + 2)?;
        if let Some(character) = char::from_u32(unit) {
            return Ok((character, at));
        }
        let follows_escape = self
            .bytes
            .get(at..)
            .is_some_and(|rest| rest.starts_with(b"\\u"));
        if unit < 0xDC00 && follows_escape {
            let (low, behind) = self.hex4(at + 2)?;
            if (0xDC00..0xE000).contains(&low) {
                let scalar = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                let character = char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER);
                return Ok((character, behind));
            }
            // Not a pair: the second escape is read again for itself.
        }
        match self.profile {
            Profile::Drift => Ok((char::REPLACEMENT_CHARACTER, at)),
            Profile::Rfc8785 => Err(JsonError::LoneSurrogate { offset: start }),
        }
    }
}

/// Whether an escape is what is written for its character: the short form of
/// `"`, `\` and five control characters, lower-case hex for the other ones.
fn is_canonical_escape(escape: &[u8]) -> bool {
    match escape {
        [_, short] => *short != b'/',
        [_, b'u', b'0', b'0', b'0', low] => {
            matches!(low, b'0'..=b'7' | b'b' | b'e' | b'f')
        }
        [_, b'u', b'0', b'0', b'1', low] => matches!(low, b'0'..=b'9' | b'a'..=b'f'),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_canonical_escape;
    use crate::canonical::push_escaped;

    #[test]
    fn an_escape_is_canonical_when_it_is_the_one_that_is_written() {
        let short = [
            ("\\\"", '"'),
            ("\\\\", '\\'),
            ("\\/", '/'),
            ("\\b", '\u{8}'),
            ("\\f", '\u{c}'),
            ("\\n", '\n'),
            ("\\r", '\r'),
            ("\\t", '\t'),
        ];
        let long = (0..=0xFFu8).flat_map(|byte| {
            [format!("\\u{byte:04x}"), format!("\\u{byte:04X}")].map(|escape| (escape, byte.into()))
        });
        let short = short.map(|(escape, character)| (escape.to_owned(), character));
        for (escape, character) in short.into_iter().chain(long) {
            let mut written = String::new();
            push_escaped(&mut written, character.encode_utf8(&mut [0; 4]));
            assert_eq!(
                is_canonical_escape(escape.as_bytes()),
                written == escape,
                "{escape}"
            );
        }
    }
}
