//! JSON text (RFC 8259) to a document, in one pass and without recursion.

use crate::document::{Assembler, Document, Node, RepeatedKeys};
use crate::error::JsonError;
use crate::number;
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

struct Frame {
    is_object: bool,
    /// Where the container's children start on the pending stack.
    start: usize,
    /// Where its keys start in `key_offsets`.
    keys_start: usize,
}

struct Parser<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    profile: Profile,
    max_depth: usize,
    assembler: Assembler,
    frames: Vec<Frame>,
    /// Offsets of the keys of open objects, kept only where a repeated key is an error.
    key_offsets: Vec<usize>,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, options: ValueOptions, repeated: RepeatedKeys) -> Parser<'t> {
        let mut assembler = Assembler::new(options.profile, repeated);
        // A node takes 16 bytes and most values 4 bytes of text and more.
        assembler.arena.nodes.reserve(text.len() / 6);
        Parser {
            text,
            bytes: text.as_bytes(),
            at: 0,
            profile: options.profile,
            max_depth: options.max_depth(),
            assembler,
            frames: Vec::new(),
            key_offsets: Vec::new(),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_white_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
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
                Some(b'{') => {
                    self.open(true)?;
                    self.skip_white_space();
                    if self.peek() == Some(b'}') {
                        self.close()?
                    } else {
                        self.key("a key or '}'")?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.open(false)?;
                    self.skip_white_space();
                    if self.peek() == Some(b']') {
                        self.close()?
                    } else if self.at_value_start() {
                        continue;
                    } else {
                        return self.expected("a value or ']'");
                    }
                }
                Some(b'"') => self.string()?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.literal("true", Node::boolean(true))?,
                Some(b'f') => self.literal("false", Node::boolean(false))?,
                Some(b'n') => self.literal("null", Node::NULL)?,
                _ => return self.expected("a value"),
            };
            // The value is complete; it may complete its containers.
            loop {
                self.skip_white_space();
                let Some(frame) = self.frames.last() else {
                    if self.at < self.bytes.len() {
                        return self.expected("the end of the text");
                    }
                    self.assembler.arena.root = node;
                    return Ok(self.assembler.arena);
                };
                let is_object = frame.is_object;
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

    fn open(&mut self, is_object: bool) -> Result<(), JsonError> {
        if self.frames.len() >= self.max_depth {
            return Err(JsonError::DepthExceeded {
                offset: self.at,
                limit: self.max_depth,
            });
        }
        self.at += 1;
        self.frames.push(Frame {
            is_object,
            start: self.assembler.pending.len(),
            keys_start: self.key_offsets.len(),
        });
        Ok(())
    }

    /// Closes the innermost container; the bracket stands at the current place.
    fn close(&mut self) -> Result<Node, JsonError> {
        let Some(frame) = self.frames.pop() else {
            return self.expected("a value");
        };
        self.at += 1;
        if !frame.is_object {
            return Ok(self.assembler.close_array(frame.start));
        }
        match self.assembler.close_object(self.text, frame.start) {
            Ok(node) => {
                self.key_offsets.truncate(frame.keys_start);
                Ok(node)
            }
            Err(place) => Err(JsonError::DuplicateKey {
                offset: self
                    .key_offsets
                    .get(frame.keys_start + place)
                    .copied()
                    .unwrap_or(self.at),
            }),
        }
    }

    /// A key, its colon, and the place of its value.
    fn key(&mut self, expected: &'static str) -> Result<(), JsonError> {
        if self.peek() != Some(b'"') {
            return self.expected(expected);
        }
        if self.profile == Profile::Rfc8785 {
            self.key_offsets.push(self.at);
        }
        let key = self.string()?;
        self.assembler.pending.push(key);
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

    fn digits(&mut self) {
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
    }

    fn number(&mut self) -> Result<Node, JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return self.expected("a digit"),
        }
        let mut is_integer = true;
        if self.peek() == Some(b'.') {
            is_integer = false;
            self.at += 1;
            if !matches!(self.peek(), Some(b'0'..=b'9')) {
                return self.expected("a digit");
            }
            self.digits();
        }
        if let Some(b'e' | b'E') = self.peek() {
            is_integer = false;
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            if !matches!(self.peek(), Some(b'0'..=b'9')) {
                return self.expected("a digit");
            }
            self.digits();
        }
        let token = self.text.get(start..self.at).unwrap_or_default();
        if is_integer && self.profile == Profile::Drift {
            return Ok(match token {
                "-0" => Node::float(-0.0),
                _ => Node::digits(start, token.len(), false),
            });
        }
        let value = number::parse_f64(token);
        // Merges skip unknown members unread, so there an infinity is a fault
        // only where it is read.
        if value.is_infinite() && self.assembler.repeated_keys != RepeatedKeys::Keep {
            return Err(JsonError::NumberOutOfRange { offset: start });
        }
        let canonical = self.profile == Profile::Drift && number::is_canonical_float(token);
        Ok(match u8::try_from(token.len()) {
            Ok(length) if canonical => Node::float_at(value, start, length),
            _ => Node::float(value),
        })
    }

    /// Moves over the bytes of a string that stand for themselves.
    fn skip_plain(&mut self) {
        // Eight bytes at a time: a byte is special when it is below 0x20, a
        // quote or a backslash; the classic "has a zero byte" trick finds any.
        const ONES: u64 = 0x0101_0101_0101_0101;
        const HIGH: u64 = 0x8080_8080_8080_8080;
        while let Some(chunk) = self
            .bytes
            .get(self.at..)
            .and_then(|rest| rest.first_chunk::<8>())
        {
            let word = u64::from_le_bytes(*chunk);
            let zero_in = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
            let below_space = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
            let special = below_space
                | zero_in(word ^ (ONES * u64::from(b'"')))
                | zero_in(word ^ (ONES * u64::from(b'\\')));
            // The lowest flag is exact; higher ones may be carries of it.
            self.at += special.trailing_zeros() as usize / 8;
            if special != 0 {
                return;
            }
        }
        while let Some(byte) = self.peek() {
            if byte < 0x20 || byte == b'"' || byte == b'\\' {
                return;
            }
            self.at += 1;
        }
    }

    /// A string; its opening quote stands at the current place.
    fn string(&mut self) -> Result<Node, JsonError> {
        self.at += 1;
        let start = self.at;
        self.skip_plain();
        if self.peek() == Some(b'"') {
            let length = self.at - start;
            self.at += 1;
            return Ok(Node::string(start, length, false, true));
        }
        let scratch_start = self.assembler.arena.scratch.len();
        let mut run_start = start;
        loop {
            self.skip_plain();
            let run = self.text.get(run_start..self.at).unwrap_or_default();
            self.assembler.arena.scratch.push_str(run);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
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
