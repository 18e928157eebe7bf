//! Text arguments: JSON as a string or as bytes, and what a host string lost
//! on its way to UTF-8.

use crate::error::JsonError;

/// One JSON text, as a string or as bytes that should be UTF-8.
#[derive(Clone, Copy, Debug)]
pub struct JsonText<'a> {
    source: Source<'a>,
    replaced_surrogate: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
enum Source<'a> {
    Str(&'a str),
    Bytes(&'a [u8]),
}

impl<'a> JsonText<'a> {
    /// Marks a text whose host string held an unpaired surrogate, by now
    /// U+FFFD; `offset` (in UTF-8 bytes) is where the first one stands.
    /// Profile `rfc8785` refuses such a text, `drift` takes it.
    #[must_use]
    pub fn with_replaced_surrogate(mut self, offset: Option<usize>) -> JsonText<'a> {
        self.replaced_surrogate = offset;
        self
    }

    pub(crate) fn replaced_surrogate(self) -> Option<usize> {
        self.replaced_surrogate
    }

    /// The length in bytes.
    pub fn len(self) -> usize {
        match self.source {
            Source::Str(text) => text.len(),
            Source::Bytes(bytes) => bytes.len(),
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    pub(crate) fn to_utf8(self) -> Result<&'a str, JsonError> {
        match self.source {
            Source::Str(text) => Ok(text),
            Source::Bytes(bytes) => {
                simdutf8::compat::from_utf8(bytes).map_err(|error| JsonError::InvalidUtf8 {
                    offset: error.valid_up_to(),
                })
            }
        }
    }
}

impl<'a> From<&'a str> for JsonText<'a> {
    fn from(text: &'a str) -> Self {
        JsonText {
            source: Source::Str(text),
            replaced_surrogate: None,
        }
    }
}

impl<'a> From<&'a String> for JsonText<'a> {
    fn from(text: &'a String) -> Self {
        text.as_str().into()
    }
}

impl<'a> From<&'a [u8]> for JsonText<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        JsonText {
            source: Source::Bytes(bytes),
            replaced_surrogate: None,
        }
    }
}

impl<'a> From<&'a Vec<u8>> for JsonText<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        bytes.as_slice().into()
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for JsonText<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        bytes.as_slice().into()
    }
}

/// The text of WTF-8 bytes (UTF-8 in which unpaired surrogates may stand as
/// three bytes, ED A0..BF xx): each surrogate becomes one U+FFFD. Gives the
/// text and the offset of the first surrogate.
///
/// Python's `str.encode("utf-8", "surrogatepass")` writes such bytes; a Python
/// string has no pairs, so each surrogate is replaced for itself.
///
/// # Errors
/// [`JsonError::InvalidUtf8`] when the bytes are not WTF-8 either.
///
/// ```
/// let (text, first) = drift_rust_core::replace_surrogates(b"a\xED\xA0\x80".to_vec())?;
/// assert_eq!((text.as_str(), first), ("a\u{FFFD}", Some(1)));
/// # Ok::<(), drift_rust_core::JsonError>(())
/// ```
pub fn replace_surrogates(mut bytes: Vec<u8>) -> Result<(String, Option<usize>), JsonError> {
    let mut first = None;
    let mut at = 0;
    while let Some(step) = bytes.get(at..).and_then(position_of_ed) {
        at += step;
        if let Some([_, 0xA0..=0xBF, 0x80..=0xBF]) = bytes.get(at..at + 3) {
            first.get_or_insert(at);
            // U+FFFD is three bytes as well, so nothing moves.
            if let Some(slot) = bytes.get_mut(at..at + 3) {
                slot.copy_from_slice("\u{FFFD}".as_bytes());
            }
        }
        at += 1;
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok((text, first)),
        Err(error) => Err(JsonError::InvalidUtf8 {
            offset: error.utf8_error().valid_up_to(),
        }),
    }
}

/// The first byte that may start an encoded surrogate.
fn position_of_ed(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == 0xED)
}

/// The text of UTF-16 code units, each unpaired surrogate one U+FFFD, and the
/// offset (in UTF-8 bytes) of the first such.
///
/// ```
/// assert_eq!(
///     drift_rust_core::utf16_to_text(&[0x61, 0xDC00]),
///     ("a\u{FFFD}".to_owned(), Some(1))
/// );
/// ```
pub fn utf16_to_text(units: &[u16]) -> (String, Option<usize>) {
    let mut text = String::with_capacity(units.len());
    let mut first = None;
    for unit in char::decode_utf16(units.iter().copied()) {
        match unit {
            Ok(character) => text.push(character),
            Err(_) => {
                first.get_or_insert(text.len());
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
    }
    (text, first)
}
