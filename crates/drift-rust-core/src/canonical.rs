//! Canonical bytes: a document written in its profile, in one pass.

use crate::document::{Document, Kind, Node};
use crate::{Profile, number};

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
        let mut out = String::with_capacity(self.size_hint());
        self.push_canonical(&mut out, self.root_node());
        out
    }

    pub(crate) fn push_canonical(&self, out: &mut String, node: Node) {
        match node.kind() {
            Kind::Null => out.push_str("null"),
            Kind::False => out.push_str("false"),
            Kind::True => out.push_str("true"),
            Kind::Digits => out.push_str(self.string_of(node)),
            Kind::Int => number::push_i64(out, node.as_int()),
            Kind::Float => match (self.float_text(node), self.profile()) {
                (Some(text), _) => out.push_str(text),
                (None, Profile::Drift) => number::push_float(out, node.as_float()),
                (None, Profile::Rfc8785) => number::push_float_ecmascript(out, node.as_float()),
            },
            Kind::Str => self.push_string(out, node),
            Kind::Array => {
                out.push('[');
                for (index, item) in self.children(node).iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    self.push_canonical(out, *item);
                }
                out.push(']');
            }
            Kind::Object => {
                out.push('{');
                for (index, (key, value)) in self.members(node).enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    self.push_string(out, key);
                    out.push(':');
                    self.push_canonical(out, value);
                }
                out.push('}');
            }
        }
    }

    pub(crate) fn push_string(&self, out: &mut String, node: Node) {
        let value = self.string_of(node);
        if node.escape_free() {
            out.push('"');
            out.push_str(value);
            out.push('"');
        } else {
            push_quoted(out, value);
        }
    }
}

/// Appends a JSON string with its quotes.
pub(crate) fn push_quoted(out: &mut String, value: &str) {
    out.push('"');
    push_escaped(out, value);
    out.push('"');
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
