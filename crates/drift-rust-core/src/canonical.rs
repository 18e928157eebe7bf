//! Canonical bytes: a document written in its profile, in one pass.

use crate::document::{Document, Kind, Node};
use crate::proto::reverse::ReverseBuffer;
use crate::writer::prepend_json;

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

    /// The canonical bytes where no text is needed.
    pub(crate) fn canonical_bytes(&self) -> ReverseBuffer {
        let mut json = ReverseBuffer::with_capacity(self.size_hint());
        self.prepend_canonical(&mut json, self.root_node());
        json
    }

    pub(crate) fn canonical_of(&self, node: Node) -> String {
        let mut json = ReverseBuffer::with_capacity(if node.kind() == Kind::Str {
            node.len() + 2
        } else {
            self.size_hint()
        });
        self.prepend_canonical(&mut json, node);
        json.into_string()
    }

    pub(crate) fn prepend_canonical(&self, json: &mut ReverseBuffer, node: Node) {
        prepend_json(self, node, json);
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
