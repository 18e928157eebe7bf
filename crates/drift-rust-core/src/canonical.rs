//! Canonical bytes: a document written in its profile, in one pass.

use crate::document::{Document, Kind, Node};
use crate::json::append_json;
use crate::number::push_float;
use crate::out::Out;
use crate::simd::Utf8;
use std::fmt;
use std::ops::Deref;

impl Document<'_> {
    /// The canonical form of the document in its profile.
    ///
    /// Stable: the same value gives the same bytes in every version.
    ///
    /// ```
    /// use drift_rust_core::{Document, Profile, ValueOptions};
    /// let options = ValueOptions::default().with_profile(Profile::Rfc8785);
    /// let document = Document::parse("[1.0, 1e21]", options)?;
    /// assert_eq!(document.to_canonical_json(), "[1,1e+21]");
    /// # Ok::<(), drift_rust_core::JsonError>(())
    /// ```
    pub fn to_canonical_json(&self) -> String {
        self.canonical_of(self.root_node())
    }

    /// The canonical form, as it is written.
    pub(crate) fn canonical_text(&self) -> Out {
        self.written_to(Out::with_capacity(self.size_hint()))
    }

    /// The same, hashed with SHA-256 as far as that went along.
    pub(crate) fn hashed_text(&self) -> Out {
        self.written_to(Out::hashing(self.size_hint()))
    }

    fn written_to(&self, mut json: Out) -> Out {
        self.append_canonical(&mut json, self.root_node());
        json
    }

    pub(crate) fn canonical_of(&self, node: Node) -> String {
        let mut json = Out::with_capacity(if node.kind() == Kind::Str {
            node.len() + 2
        } else {
            self.size_hint()
        });
        self.append_canonical(&mut json, node);
        json.into_string()
    }

    pub(crate) fn append_canonical(&self, json: &mut Out, node: Node) {
        append_json(self, node, json);
    }
}

/// Canonical JSON as it was written; reading it copies nothing.
///
/// It is a `str` in every way, and `String::from` makes one of it.
///
/// ```
/// let payload = drift_rust_core::process_export_payload::<_, &str>(r#"{"b": "é"}"#, None)?;
/// assert_eq!(payload.normalized_json, r#"{"b":"é"}"#);
/// assert_eq!(payload.normalized_json.len(), 10);
/// assert_eq!(String::from(payload.normalized_json), "{\"b\":\"é\"}");
/// # Ok::<(), drift_rust_core::PayloadError>(())
/// ```
#[derive(Clone, Default)]
pub struct CanonicalText(Utf8);

impl CanonicalText {
    pub(crate) fn new(json: Out) -> CanonicalText {
        // All pieces are text, so this is never the lossy way; should it be, a
        // replaced character is seen at once, where undefined behaviour is not.
        CanonicalText(Utf8::new(json.finish()).unwrap_or_else(|bytes| {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            Utf8::new(text.into_bytes().into()).unwrap_or_default()
        }))
    }

    /// The text in pieces of about so many bytes, each in memory of its own:
    /// whoever copies a large text to another place can free what is copied.
    ///
    /// ```
    /// let text = drift_rust_core::process_export_payload::<_, &str>(r#"["é"]"#, None)?;
    /// assert_eq!(text.normalized_json.into_pieces(4), ["[\"é", "\"]"]);
    /// # Ok::<(), drift_rust_core::PayloadError>(())
    /// ```
    pub fn into_pieces(self, piece_bytes: usize) -> Vec<String> {
        let CanonicalText(mut text) = self;
        let mut starts = Vec::new();
        let mut start = 0;
        while start < text.as_str().len() {
            starts.push(start);
            let next = start.saturating_add(piece_bytes.max(1));
            start = text.as_str().ceil_char_boundary(next);
        }
        // From the end, where a vector gives memory back.
        let mut pieces: Vec<String> = starts
            .into_iter()
            .rev()
            .map(|start| {
                let piece = text.as_str().get(start..).unwrap_or_default().to_owned();
                text.truncate(start);
                piece
            })
            .collect();
        pieces.reverse();
        pieces
    }
}

impl CanonicalText {
    /// Cuts the text to so many bytes, rounded down to a whole character, and
    /// gives the memory behind them back: a caller that copies a large text from
    /// its end needs no memory for both.
    ///
    /// ```
    /// let payload = drift_rust_core::process_export_payload::<_, &str>(r#"{"b":"é"}"#, None)?;
    /// let mut text = payload.normalized_json;
    /// text.truncate(7);
    /// assert_eq!(text, r#"{"b":""#);
    /// text.truncate(70);
    /// assert_eq!(text, r#"{"b":""#);
    /// # Ok::<(), drift_rust_core::PayloadError>(())
    /// ```
    pub fn truncate(&mut self, length_bytes: usize) {
        self.0.truncate(length_bytes);
    }
}

impl Deref for CanonicalText {
    type Target = str;

    fn deref(&self) -> &str {
        self.0.as_str()
    }
}

impl AsRef<str> for CanonicalText {
    fn as_ref(&self) -> &str {
        self
    }
}

impl From<CanonicalText> for String {
    fn from(text: CanonicalText) -> String {
        (*text).to_owned()
    }
}

impl PartialEq for CanonicalText {
    fn eq(&self, other: &CanonicalText) -> bool {
        **self == **other
    }
}

impl Eq for CanonicalText {}

impl PartialEq<str> for CanonicalText {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl PartialEq<&str> for CanonicalText {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl PartialEq<String> for CanonicalText {
    fn eq(&self, other: &String) -> bool {
        **self == **other
    }
}

impl fmt::Display for CanonicalText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self)
    }
}

impl fmt::Debug for CanonicalText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, formatter)
    }
}

/// Appends a string in canonical spelling, in quotation marks.
///
/// ```
/// let mut text = String::new();
/// drift_rust_core::push_json_string(&mut text, "say \"é\"\n");
/// assert_eq!(text, r#""say \"é\"\n""#);
/// ```
pub fn push_json_string(out: &mut String, value: &str) {
    out.push('"');
    push_escaped(out, value);
    out.push('"');
}

/// Appends a finite double in canonical spelling; NaN and the infinities, which
/// JSON has no form for, are `null`.
///
/// ```
/// let mut text = String::new();
/// for value in [1.0, -0.0, 1e300, f64::NAN] {
///     drift_rust_core::push_json_float(&mut text, value);
///     text.push(' ');
/// }
/// assert_eq!(text, "1.0 -0.0 1e+300 null ");
/// ```
pub fn push_json_float(out: &mut String, value: f64) {
    match value.is_finite() {
        true => push_float(out, value),
        false => out.push_str("null"),
    }
}

/// Appends the inside of a JSON string: only `"`, `\` and U+0000..U+001F are
/// escaped, the latter in the short form where there is one.
pub(crate) fn push_escaped(out: &mut String, value: &str) {
    let mut clean_from = 0;
    for (at, byte) in value.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(value.get(clean_from..at).unwrap_or_default());
        clean_from = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            0x08 => out.push_str("\\b"),
            0x0C => out.push_str("\\f"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => {
                out.push_str(if byte < 0x10 { "\\u000" } else { "\\u001" });
                out.push(char::from_digit(u32::from(byte & 0xF), 16).unwrap_or('0'));
            }
        }
    }
    out.push_str(value.get(clean_from..).unwrap_or_default());
}
