//! JSON text (RFC 8259) to a document, in one pass and without recursion.

use crate::document::{Assembler, Document, Node, Open, RepeatedKeys};
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

struct Parser<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
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

impl<'t> Parser<'t> {
    fn new(text: &'t str, options: ValueOptions, repeated: RepeatedKeys) -> Parser<'t> {
        let mut assembler = Assembler::new(options.profile, repeated);
        // A node takes 16 bytes and most values 8 bytes of text and more.
        assembler.arena.nodes.reserve(text.len() / 8);
        Parser {
            text,
            bytes: text.as_bytes(),
            at: 0,
            profile: options.profile,
            max_depth: options.max_depth(),
            assembler,
            not_canonical: 0,
            refuse_infinity: repeated != RepeatedKeys::Keep,
            key_offsets: Vec::new(),
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn skip_white_space(&mut self) {
        if let Some(0..=b' ') = self.peek() {
            self.skip_some_white_space();
        }
    }

    fn skip_some_white_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
        self.not_canonical = self.at;
    }

    fn expected<T>(&self, expected: &'static str) -> Result<T, JsonError> {
        Err(JsonError::InvalidJson {
            offset: self.at,
            expected,
        })
    }

    fn run(mut self) -> Result<crate::document::Arena, JsonError> {
        loop {
            self.skip_white_space();
            // A value starts here; containers that open without closing at
            // once go round again for their first child.
            let mut node = match self.peek() {
                Some(b'"') => self.string()?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b'{') => {
                    self.check_depth()?;
                    self.assembler.open_object(self.at);
                    if self.profile == Profile::Rfc8785 {
                        self.key_offsets.push(Vec::new());
                    }
                    self.at += 1;
                    self.skip_white_space();
                    if self.peek() == Some(b'}') {
                        self.close()?
                    } else {
                        self.key("a key or '}'")?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.check_depth()?;
                    self.assembler.open_array(self.at);
                    self.at += 1;
                    self.skip_white_space();
                    if self.peek() == Some(b']') {
                        self.close()?
                    } else if self.at_value_start() {
                        continue;
                    } else {
                        return self.expected("a value or ']'");
                    }
                }
                Some(b't') => self.literal("true", Node::boolean(true))?,
                Some(b'f') => self.literal("false", Node::boolean(false))?,
                Some(b'n') => self.literal("null", Node::NULL)?,
                _ => return self.expected("a value"),
            };
            // The value is complete; it may complete its containers.
            loop {
                self.skip_white_space();
                let Some(frame) = self.assembler.frames.last() else {
                    if self.at < self.bytes.len() {
                        return self.expected("the end of the text");
                    }
                    self.assembler.arena.root = node;
                    return Ok(self.assembler.arena);
                };
                let is_object = frame.open != Open::Array;
                self.assembler.pending.push(node);
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        if is_object {
                            self.skip_white_space();
                            self.key("a key")?;
                        }
                        break;
                    }
                    Some(b'}') if is_object => node = self.close()?,
                    Some(b']') if !is_object => node = self.close()?,
                    _ => {
                        return self.expected(if is_object {
                            "',' or '}'"
                        } else {
                            "',' or ']'"
                        });
                    }
                }
            }
        }
    }

    fn at_value_start(&self) -> bool {
        matches!(
            self.peek(),
            Some(b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n')
        )
    }

    #[inline]
    fn check_depth(&self) -> Result<(), JsonError> {
        if self.assembler.frames.len() >= self.max_depth {
            return Err(JsonError::DepthExceeded {
                offset: self.at,
                limit: self.max_depth,
            });
        }
        Ok(())
    }

    /// Closes the innermost container; the bracket stands at the current place.
    fn close(&mut self) -> Result<Node, JsonError> {
        let Some(frame) = self.assembler.frames.pop() else {
            return self.expected("a value");
        };
        self.at += 1;
        let end = if self.not_canonical <= frame.origin {
            self.at
        } else {
            0
        };
        let key_offsets = match frame.open {
            Open::Array => None,
            Open::Shape(_) | Open::WithKeys => self.key_offsets.pop(),
        };
        match self.assembler.close(frame, self.text, end) {
            Ok(closed) => {
                if !closed.in_order {
                    // Whatever holds this object cannot be copied; what comes
                    // after it can.
                    self.not_canonical = self.not_canonical.max(frame.origin + 1);
                }
                Ok(closed.node)
            }
            Err(place) => Err(JsonError::DuplicateKey {
                offset: key_offsets
                    .and_then(|offsets| offsets.get(place).copied())
                    .unwrap_or(self.at),
            }),
        }
    }

    /// A key, its colon, and the place of its value.
    #[inline]
    fn key(&mut self, expected: &'static str) -> Result<(), JsonError> {
        // Most often it is the key that followed last time.
        if let Some(frame) = self.assembler.frames.last_mut()
            && let Open::Shape(shape) = frame.open
            && let Some(shapes) = self.assembler.arena.shapes.get()
        {
            let next = shapes.next_of(shape);
            if let Some(length) = shapes.token_at(next, self.bytes, self.at) {
                frame.open = Open::Shape(next);
                self.at += length;
                return Ok(());
            }
        }
        self.other_key(expected)
    }

    fn other_key(&mut self, expected: &'static str) -> Result<(), JsonError> {
        if self.peek() != Some(b'"') {
            return self.expected(expected);
        }
        if let Some(offsets) = self.key_offsets.last_mut() {
            offsets.push(self.at);
        }
        let key = self.string()?;
        self.assembler.key(self.text, key);
        self.skip_white_space();
        if self.peek() != Some(b':') {
            return self.expected("':'");
        }
        self.at += 1;
        Ok(())
    }

    fn literal(&mut self, word: &'static str, node: Node) -> Result<Node, JsonError> {
        for byte in word.bytes() {
            if self.peek() != Some(byte) {
                return self.expected(word);
            }
            self.at += 1;
        }
        Ok(node)
    }

    /// Moves over digits and takes them into a number, which counts only
    /// while it has at most 19 of them.
    #[inline]
    fn digits(&mut self, mut number: u64) -> u64 {
        while let Some(chunk) = self
            .bytes
            .get(self.at..)
            .and_then(|rest| rest.first_chunk::<8>())
        {
            let Some(eight) = number::eight_digits(*chunk) else {
                break;
            };
            number = number.wrapping_mul(100_000_000).wrapping_add(eight);
            self.at += 8;
        }
        while let Some(byte @ b'0'..=b'9') = self.peek() {
            number = number.wrapping_mul(10).wrapping_add(u64::from(byte & 0xF));
            self.at += 1;
        }
        number
    }

    fn number(&mut self) -> Result<Node, JsonError> {
        let start = self.at;
        let negative = self.peek() == Some(b'-');
        if negative {
            self.at += 1;
        }
        let whole_start = self.at;
        let mut digits = match self.peek() {
            Some(b'0') => {
                self.at += 1;
                0
            }
            Some(b'1'..=b'9') => self.digits(0),
            _ => return self.expected("a digit"),
        };
        let whole = self.at - whole_start;
        let mut fraction = 0;
        let mut is_integer = true;
        let mut has_exponent = false;
        if self.peek() == Some(b'.') {
            is_integer = false;
            self.at += 1;
            let fraction_start = self.at;
            if !matches!(self.peek(), Some(b'0'..=b'9')) {
                return self.expected("a digit");
            }
            digits = self.digits(digits);
            fraction = self.at - fraction_start;
        }
        if let Some(b'e' | b'E') = self.peek() {
            is_integer = false;
            has_exponent = true;
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            if !matches!(self.peek(), Some(b'0'..=b'9')) {
                return self.expected("a digit");
            }
            self.digits(0);
        }
        let length = self.at - start;
        if is_integer && self.profile == Profile::Drift {
            // 18 digits fit 64 bits, whatever their sign.
            return Ok(if whole > 18 {
                Node::digits(start, length, false)
            } else if negative && digits == 0 {
                self.not_canonical = self.at;
                Node::float(-0.0)
            } else {
                let value = digits.cast_signed();
                Node::int_at(if negative { -value } else { value }, start, length as u8)
            });
        }
        let token = self.text.get(start..self.at).unwrap_or_default();
        let decimal = number::Decimal {
            negative,
            digits,
            whole,
            fraction,
        };
        let value = match decimal.to_f64() {
            Some(value) if !has_exponent => value,
            _ => number::parse_f64(token),
        };
        if value.is_infinite() && self.refuse_infinity {
            return Err(JsonError::NumberOutOfRange { offset: start });
        }
        if self.profile == Profile::Drift
            && !has_exponent
            && let Ok(length) = u8::try_from(length)
            && decimal.is_canonical(token, value)
        {
            return Ok(Node::float_at(value, start, length));
        }
        self.not_canonical = self.at;
        Ok(Node::float(value))
    }

    /// A string; its opening quote stands at the current place.
    #[inline]
    fn string(&mut self) -> Result<Node, JsonError> {
        let start = self.at + 1;
        self.at = plain_run(self.bytes, start);
        if self.peek() == Some(b'"') {
            let length = self.at - start;
            self.at += 1;
            return Ok(Node::string(start, length, false, true));
        }
        self.escaped_string(start)
    }

    /// The rest of a string that does not stand for itself up to its end.
    fn escaped_string(&mut self, start: usize) -> Result<Node, JsonError> {
        let scratch_start = self.assembler.arena.scratch.len();
        let mut run_start = start;
        loop {
            let run = self.text.get(run_start..self.at).unwrap_or_default();
            self.assembler.arena.scratch.push_str(run);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    self.not_canonical = self.at;
                    let length = self.assembler.arena.scratch.len() - scratch_start;
                    return Ok(Node::string(scratch_start, length, true, false));
                }
                Some(b'\\') => {
                    let character = self.escape()?;
                    self.assembler.arena.scratch.push(character);
                    run_start = self.at;
                }
                Some(_) => return self.expected("an escaped control character"),
                None => return self.expected("'\"'"),
            }
            self.at = plain_run(self.bytes, self.at);
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let start = self.at;
        self.at += 1;
        let character = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{C}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode_escape(start);
            }
            _ => return self.expected("an escape: one of \"\\/bfnrtu"),
        };
        self.at += 1;
        Ok(character)
    }

    fn hex4(&mut self) -> Result<u32, JsonError> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else {
                return self.expected("a hexadecimal digit");
            };
            unit = unit << 4 | digit;
            self.at += 1;
        }
        Ok(unit)
    }

    /// The rest of a `\u` escape whose backslash stands at `start`.
    fn unicode_escape(&mut self, start: usize) -> Result<char, JsonError> {
        let unit = self.hex4()?;
        if let Some(character) = char::from_u32(unit) {
            return Ok(character);
        }
        let follows_escape = self
            .bytes
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(b"\\u"));
        if unit < 0xDC00 && follows_escape {
            let second = self.at;
            self.at += 2;
            let low = self.hex4()?;
            if (0xDC00..0xE000).contains(&low) {
                let scalar = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                return Ok(char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            // Not a pair: the second escape is read again for itself.
            self.at = second;
        }
        match self.profile {
            Profile::Drift => Ok(char::REPLACEMENT_CHARACTER),
            Profile::Rfc8785 => Err(JsonError::LoneSurrogate { offset: start }),
        }
    }
}
