//! Canonical bytes: a document written in its profile, in one pass.

use crate::document::{Document, Kind, Node};
use crate::out::Out;
use crate::shapes::Shapes;
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
        self.canonical_of(self.root_node())
    }

    /// The canonical bytes where no text is needed.
    pub(crate) fn canonical_out(&self) -> Out {
        let mut out = Out::with_capacity(self.size_hint());
        self.push_canonical(&mut out, self.root_node());
        out
    }

    pub(crate) fn canonical_of(&self, node: Node) -> String {
        let mut out = Out::with_capacity(if node.kind() == Kind::Str {
            node.len() + 2
        } else {
            self.size_hint()
        });
        self.push_canonical(&mut out, node);
        out.into_string()
    }

    pub(crate) fn push_canonical(&self, out: &mut Out, node: Node) {
        let (text, scratch) = self.sources();
        let writer = Writer {
            document: self,
            shapes: self.shapes(),
            text,
            scratch,
        };
        writer.value(out, node);
    }
}

struct Writer<'d> {
    document: &'d Document<'d>,
    shapes: Option<&'d Shapes>,
    text: &'d [u8],
    scratch: &'d [u8],
}

impl Writer<'_> {
    fn value(&self, out: &mut Out, node: Node) {
        match node.kind() {
            Kind::Str => self.string(out, node),
            Kind::Null => out.put(b"null"),
            Kind::False => out.put(b"false"),
            Kind::True => out.put(b"true"),
            Kind::Digits => {
                let (start, in_scratch) = node.start();
                let source = if in_scratch { self.scratch } else { self.text };
                out.put_piece(source, start, node.len());
            }
            Kind::Int => match node.number_text() {
                (_, 0) => number::push_i64(out, node.as_int()),
                (start, length) => out.put_piece(self.text, start, length),
            },
            Kind::Float => match (node.number_text(), self.document.profile()) {
                ((_, 0), Profile::Drift) => number::push_float(out, node.as_float()),
                ((_, 0), Profile::Rfc8785) => {
                    number::push_float_ecmascript(out, node.as_float());
                }
                ((start, length), _) => out.put_piece(self.text, start, length),
            },
            Kind::Array => {
                let (start, end) = self.document.header(node);
                if end > 0 {
                    return out.put_piece(self.text, start, end - start);
                }
                out.byte(b'[');
                for (index, item) in self.document.children(node).iter().enumerate() {
                    if index > 0 {
                        out.byte(b',');
                    }
                    self.value(out, *item);
                }
                out.byte(b']');
            }
            Kind::Object => self.object(out, node),
        }
    }

    fn object(&self, out: &mut Out, node: Node) {
        let (start, end) = self.document.header(node);
        if end > 0 {
            return out.put_piece(self.text, start, end - start);
        }
        if let (Some(layout), Some(shapes)) = (node.layout(), self.shapes) {
            let layout = shapes.layout_at(layout);
            if layout.count == 0 {
                return out.put(b"{}");
            }
            let members = shapes.members(layout);
            for (member, value) in members.iter().zip(self.document.children(node)) {
                out.put_piece(
                    shapes.fragments(),
                    member.json_start as usize,
                    member.json_length as usize,
                );
                self.value(out, *value);
            }
            return out.byte(b'}');
        }
        out.byte(b'{');
        for (index, (key, value)) in self.document.members(node).enumerate() {
            if index > 0 {
                out.byte(b',');
            }
            out.quoted(key.as_bytes());
            out.byte(b':');
            self.value(out, value);
        }
        out.byte(b'}');
    }

    #[inline]
    fn string(&self, out: &mut Out, node: Node) {
        let (start, in_scratch) = node.start();
        let source = if in_scratch { self.scratch } else { self.text };
        if node.escape_free() && !in_scratch && start > 0 {
            // The quotes stand in the text too.
            out.put_piece(source, start - 1, node.len() + 2);
        } else {
            out.quoted(source.get(start..start + node.len()).unwrap_or_default());
        }
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
