//! Strings and texts of Python as UTF-8.
//!
//! A surrogate code point, which only a Python string can hold, is replaced
//! on the way; the core says by what.

use crate::errors;
use crate::symbols;
use crate::transcode::{self, Repertoire};
use drift_rust_core::{CanonicalText, JsonText, replace_surrogates};
use pyo3::exceptions::PyUnicodeEncodeError;
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView, PyString};
use std::ops::Deref;

/// The UTF-8 of a Python string, or the bytes of a bytes object.
pub(crate) enum Text<'py> {
    /// UTF-8 inside the interpreter: of the string itself, or cached by it.
    InString {
        start: *const u8,
        length: usize,
        /// Keeps the UTF-8 alive.
        owner: Bound<'py, PyString>,
    },
    /// UTF-8 that the interpreter encoded for us.
    Encoded(Bound<'py, PyBytes>, Bound<'py, PyString>),
    /// UTF-8 that we encoded.
    Transcoded(String, Bound<'py, PyString>),
    /// A string that held surrogates, with the offset of the first.
    Replaced(String, Option<usize>),
    /// Bytes, read in place.
    Bytes(Bound<'py, PyBytes>),
}

/// A shorter argument that is not ASCII is left to the interpreter's codec.
const READ_HERE_FROM: usize = 128;

/// A shorter result likewise.
const MADE_HERE_FROM: usize = 512;

/// Code points that are taken out of a string at once: four bytes each, the
/// whole of a longer string would be four times its text.
const CODE_POINTS: usize = 1 << 16;

/// So many code points are looked at to see whether a text is mostly in other
/// letters, which the interpreter's codec is faster at: when more than so many
/// of them are not ASCII.
const LOOKED_AT: usize = 1024;
const OTHERS: usize = LOOKED_AT / 4;

impl<'py> Text<'py> {
    /// The text of a string object; overridden methods of subclasses are not called.
    pub(crate) fn of_string(object: &Bound<'py, PyString>) -> PyResult<Text<'py>> {
        let py = object.py();
        if let Some(text) = transcoded(object)? {
            return Ok(Text::Transcoded(text, object.clone()));
        }
        let encoded = match symbols::as_utf8_and_size(py) {
            Some(as_utf8_and_size) => {
                let mut length: ffi::Py_ssize_t = 0;
                // SAFETY: the object is a str and the interpreter lock is held.
                let start = unsafe { as_utf8_and_size(object.as_ptr(), &raw mut length) };
                if !start.is_null() {
                    return Ok(Text::InString {
                        start: start.cast(),
                        length: usize::try_from(length).unwrap_or(0),
                        owner: object.clone(),
                    });
                }
                Err(PyErr::fetch(py))
            }
            None => {
                // SAFETY: the object is a str; the call gives a new reference to
                // a bytes object, or null with an exception set.
                unsafe {
                    Bound::from_owned_ptr_or_err(py, ffi::PyUnicode_AsUTF8String(object.as_ptr()))
                }
            }
        };
        match encoded {
            Ok(bytes) => Ok(Text::Encoded(bytes.cast_into::<PyBytes>()?, object.clone())),
            Err(error) if error.is_instance_of::<PyUnicodeEncodeError>(py) => {
                let (text, first) = without_surrogates(object)?;
                Ok(Text::Replaced(text, first))
            }
            Err(error) => Err(error),
        }
    }

    /// A string object with what became of this text: when that is the text
    /// itself, the object that it came from, if that is an exact str. Otherwise
    /// a new one; this text is freed before that is made.
    pub(crate) fn same_or_new(
        self,
        py: Python<'py>,
        result: impl IntoPieces,
    ) -> PyResult<Bound<'py, PyString>> {
        match &self {
            Text::InString { owner, .. } | Text::Encoded(_, owner) | Text::Transcoded(_, owner)
                if self.bytes() == result.as_bytes() && is_exact(owner) =>
            {
                return Ok(owner.clone());
            }
            _ => {}
        }
        drop(self);
        string_of(py, result)
    }

    /// The bytes: UTF-8 unless they came from a bytes object.
    fn bytes(&self) -> &[u8] {
        match self {
            // SAFETY: the interpreter gave start and length of the UTF-8 form of
            // `owner`, which lives as long as this value, and strings do not change.
            Text::InString { start, length, .. } => unsafe {
                std::slice::from_raw_parts(*start, *length)
            },
            Text::Encoded(bytes, _) | Text::Bytes(bytes) => bytes.as_bytes(),
            Text::Transcoded(text, _) | Text::Replaced(text, _) => text.as_bytes(),
        }
    }

    /// The string.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Text::Transcoded(text, _) | Text::Replaced(text, _) => text,
            // SAFETY: both were made by the interpreter's own UTF-8 encoder,
            // which refuses surrogates.
            Text::InString { .. } | Text::Encoded(..) => unsafe {
                std::str::from_utf8_unchecked(self.bytes())
            },
            // Strings only are asked for; bytes go through `as_json`.
            Text::Bytes(bytes) => std::str::from_utf8(bytes.as_bytes()).unwrap_or_default(),
        }
    }

    /// The text for a parser.
    pub(crate) fn as_json(&self) -> JsonText<'_> {
        match self {
            Text::InString { .. } | Text::Encoded(..) | Text::Transcoded(..) => {
                self.as_str().into()
            }
            Text::Replaced(text, first) => JsonText::from(text).with_replaced_surrogate(*first),
            Text::Bytes(bytes) => bytes.as_bytes().into(),
        }
    }

    /// The length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.bytes().len()
    }

    /// Whether a surrogate was replaced.
    pub(crate) fn is_replaced(&self) -> bool {
        matches!(self, Text::Replaced(..))
    }
}

fn is_exact(object: &Bound<'_, PyString>) -> bool {
    // SAFETY: asks for the type of a living object.
    unsafe { ffi::PyUnicode_CheckExact(object.as_ptr()) != 0 }
}

/// The UTF-8 of a long string that is not ASCII and not mostly in other
/// letters, and of any very long one that is not ASCII; `None` for any other,
/// also one with surrogates. Unlike the interpreter's it is not kept in the string.
fn transcoded(object: &Bound<'_, PyString>) -> PyResult<Option<String>> {
    let py = object.py();
    // SAFETY: the object is a str.
    let length = unsafe { ffi::PyUnicode_GetLength(object.as_ptr()) };
    let length = usize::try_from(length).unwrap_or(0);
    if length < READ_HERE_FROM || !is_exact(object) {
        return Ok(None);
    }
    if is_ascii(object)? {
        return Ok(None);
    }
    let mut text = String::with_capacity(length + length / 8);
    let mut code_points = Vec::new();
    if length <= 2 * CODE_POINTS {
        read_code_points(object, length, &mut code_points)?;
        let is_read =
            !is_mostly_other(&code_points) && transcode::push_code_points(&mut text, &code_points);
        return Ok(is_read.then_some(text));
    }
    let as_utf8 = symbols::as_utf8_and_size(py);
    for start in (0..length).step_by(CODE_POINTS) {
        let end = length.min(start + CODE_POINTS);
        // SAFETY: the object is a str; the call gives a new reference to one
        // of its own characters, or null with an exception set.
        let part = unsafe {
            let (start, end) = (start as ffi::Py_ssize_t, end as ffi::Py_ssize_t);
            let part = ffi::PyUnicode_Substring(object.as_ptr(), start, end);
            Bound::from_owned_ptr_or_err(py, part)?.cast_into_unchecked::<PyString>()
        };
        read_code_points(&part, end - start, &mut code_points)?;
        // The codec keeps what it encodes in the string: in the part, which goes.
        let is_read = if is_mostly_other(&code_points) {
            with_plain_str(as_utf8, &part, |part| text.push_str(part)).is_some()
        } else {
            transcode::push_code_points(&mut text, &code_points)
        };
        if !is_read {
            return Ok(None);
        }
    }
    Ok(Some(text))
}

fn is_ascii(object: &Bound<'_, PyString>) -> PyResult<bool> {
    let py = object.py();
    match symbols::is_ascii(py) {
        Some(is_ascii) => Ok(is_ascii.of(object)),
        None => object.call_method0(intern!(py, "isascii"))?.is_truthy(),
    }
}

/// Whether the interpreter's codec is faster.
fn is_mostly_other(code_points: &[u32]) -> bool {
    let looked_at = code_points.get(..LOOKED_AT).unwrap_or_default();
    let is_other = |character: &&u32| **character >= 0x80;
    looked_at.iter().filter(is_other).count() > OTHERS
}

/// Puts the code points of a string of this length into a vector.
fn read_code_points(
    object: &Bound<'_, PyString>,
    length: usize,
    code_points: &mut Vec<u32>,
) -> PyResult<()> {
    code_points.clear();
    code_points.reserve(length);
    // SAFETY: the vector has room for so many code points. The call writes as
    // many as the string has, or gives null with an exception set when there
    // are more; a string does not change its length.
    unsafe {
        let written = ffi::PyUnicode_AsUCS4(
            object.as_ptr(),
            code_points.as_mut_ptr(),
            length as ffi::Py_ssize_t,
            0,
        );
        if written.is_null()
            || ffi::PyUnicode_GetLength(object.as_ptr()) != length as ffi::Py_ssize_t
        {
            return Err(PyErr::fetch(object.py()));
        }
        code_points.set_len(length);
    }
    Ok(())
}

/// A text that is not needed any more once it is copied.
pub(crate) trait IntoPieces: Deref<Target = str> {
    /// The text in pieces, each freed when it is dropped.
    fn into_pieces(self, piece_bytes: usize) -> impl Iterator<Item = String>;
}

impl IntoPieces for CanonicalText {
    fn into_pieces(self, piece_bytes: usize) -> impl Iterator<Item = String> {
        CanonicalText::into_pieces(self, piece_bytes).into_iter()
    }
}

impl IntoPieces for String {
    fn into_pieces(mut self, piece_bytes: usize) -> impl Iterator<Item = String> {
        let mut pieces = Vec::new();
        // From the end, where a string gives memory back.
        while self.len() > piece_bytes {
            let start = self.floor_char_boundary(self.len() - piece_bytes);
            pieces.push(self.split_off(start));
            self.shrink_to_fit();
        }
        pieces.push(self);
        pieces.into_iter().rev()
    }
}

/// A larger text that is not ASCII becomes a string piece by piece: as a whole
/// it would be there twice more, as it was and as what is converted to what the
/// interpreter copies.
const IN_PIECES_FROM: usize = 4 << 20;

/// What is converted at once of such a text.
const PIECE_BYTES: usize = 1 << 20;

/// A new string object of a text that is not needed any more.
pub(crate) fn string_of<'py>(
    py: Python<'py>,
    text: impl IntoPieces,
) -> PyResult<Bound<'py, PyString>> {
    if text.len() < IN_PIECES_FROM {
        return new_string(py, &text);
    }
    match Repertoire::of(&text).widest() {
        None => Ok(PyString::new(py, &text)),
        // Growing a string can mean moving its pages, so of a larger text the
        // pieces are larger.
        Some(widest) => {
            let piece_bytes = PIECE_BYTES.max(text.len() / 64);
            joined(py, widest, text.into_pieces(piece_bytes))
        }
    }
}

/// A string of pieces that together have more than two characters, `widest`
/// being as wide as the widest of them.
fn joined<'py>(
    py: Python<'py>,
    widest: char,
    pieces: impl Iterator<Item = String>,
) -> PyResult<Bound<'py, PyString>> {
    // It begins with two of these in place of its own first two characters, so
    // that it is as wide as it will be, and grows where it is. One alone might
    // be an object that the interpreter keeps.
    let mut string = PyString::new(py, &String::from_iter([widest; 2])).into_ptr();
    let mut first_two = Vec::with_capacity(2);
    for piece in pieces {
        let mut rest = piece.chars();
        while first_two.len() < 2
            && let Some(character) = rest.next()
        {
            first_two.push(character);
        }
        let piece = new_string(py, rest.as_str())?;
        // SAFETY: the first is a str, of which this holds the only reference;
        // the call takes it over and puts a new one in its place, or null with
        // an exception set. The second is a str.
        unsafe { ffi::PyUnicode_Append(&raw mut string, piece.as_ptr()) };
        if string.is_null() {
            return Err(PyErr::fetch(py));
        }
    }
    // SAFETY: the reference that `PyUnicode_Append` gave, or `into_ptr`.
    let string: Bound<'py, PyString> =
        unsafe { Bound::from_owned_ptr(py, string).cast_into_unchecked() };
    for (place, character) in first_two.into_iter().enumerate() {
        // SAFETY: the string is new, nobody else has it and its hash was not
        // asked for, so it can be changed; it has at least these two characters.
        let result = unsafe {
            let place = place as ffi::Py_ssize_t;
            ffi::PyUnicode_WriteChar(string.as_ptr(), place, u32::from(character))
        };
        if result != 0 {
            return Err(PyErr::fetch(py));
        }
    }
    Ok(string)
}

/// A new string object.
pub(crate) fn new_string<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyString>> {
    if text.len() < MADE_HERE_FROM {
        return Ok(PyString::new(py, text));
    }
    let object = match Repertoire::of(text) {
        // The codec sees that it is ASCII; beyond U+FFFF it is the fastest way.
        Repertoire::Ascii | Repertoire::Any => return Ok(PyString::new(py, text)),
        Repertoire::Latin1 => {
            let bytes = transcode::to_latin1(text);
            // SAFETY: start and length are those of the bytes; the call gives a
            // new reference, or null with an exception set.
            unsafe {
                ffi::PyUnicode_DecodeLatin1(
                    bytes.as_ptr().cast(),
                    bytes.len() as ffi::Py_ssize_t,
                    std::ptr::null(),
                )
            }
        }
        Repertoire::Basic => {
            let units = transcode::to_utf16(text);
            // Not 0, which would take a first U+FEFF for a mark.
            let mut byte_order = if cfg!(target_endian = "little") {
                -1
            } else {
                1
            };
            // SAFETY: start and length in bytes are those of the units; the call
            // gives a new reference, or null with an exception set.
            unsafe {
                ffi::PyUnicode_DecodeUTF16(
                    units.as_ptr().cast(),
                    size_of_val(units.as_slice()) as ffi::Py_ssize_t,
                    std::ptr::null(),
                    &raw mut byte_order,
                )
            }
        }
    };
    // SAFETY: the object is new, and a str, or it is null.
    Ok(unsafe { Bound::from_owned_ptr_or_err(py, object)?.cast_into_unchecked() })
}

/// Reads the strings of one value, one after the other.
pub(crate) struct StringReader {
    as_utf8: Option<symbols::AsUtf8AndSize>,
    is_ascii: Option<symbols::IsAscii>,
    /// A string that is not ASCII was read: from then on each is asked first.
    has_others: bool,
    code_points: Vec<u32>,
    text: String,
}

/// The UTF-8 of an ASCII string stands in the object, behind its head. Where it
/// is further away it was encoded, into memory of its own.
const HEAD_OF_STRING: usize = 256;

/// A shorter string of a value is left to the interpreter's codec.
const ENCODED_HERE_FROM: ffi::Py_ssize_t = 48;

impl StringReader {
    pub(crate) fn new(py: Python<'_>) -> StringReader {
        StringReader {
            as_utf8: symbols::as_utf8_and_size(py),
            is_ascii: symbols::is_ascii(py),
            has_others: false,
            code_points: Vec::new(),
            text: String::new(),
        }
    }

    /// Calls `work` with the text of a string, as [`with_plain_str`] does.
    ///
    /// A long string that is not ASCII is encoded here: the interpreter would
    /// take memory for its UTF-8, and keep it until the string goes.
    #[inline]
    pub(crate) fn with<R>(
        &mut self,
        object: &Bound<'_, PyString>,
        work: impl FnOnce(&str) -> R,
    ) -> Option<R> {
        if self.has_others && self.is_ours(object) {
            return self.encode(object).then(|| work(&self.text));
        }
        let has_others = &mut self.has_others;
        with_plain_str(self.as_utf8, object, |text| {
            let distance = text.as_ptr().addr().wrapping_sub(object.as_ptr().addr());
            *has_others |= distance > HEAD_OF_STRING;
            work(text)
        })
    }

    /// Whether a string is long enough, and not ASCII.
    fn is_ours(&self, object: &Bound<'_, PyString>) -> bool {
        // SAFETY: the object is a str.
        let length = unsafe { ffi::PyUnicode_GetLength(object.as_ptr()) };
        length >= ENCODED_HERE_FROM && self.is_ascii.is_some_and(|is_ascii| !is_ascii.of(object))
    }

    /// Puts the string into `text`; `false` when it has a surrogate, or there is
    /// no memory.
    #[inline(never)]
    fn encode(&mut self, object: &Bound<'_, PyString>) -> bool {
        // SAFETY: the object is a str.
        let length = unsafe { ffi::PyUnicode_GetLength(object.as_ptr()) };
        let length = usize::try_from(length).unwrap_or(0);
        self.text.clear();
        if length > CODE_POINTS {
            return match transcoded(object) {
                Ok(Some(text)) => {
                    self.text = text;
                    true
                }
                Ok(None) => {
                    let text = &mut self.text;
                    with_plain_str(self.as_utf8, object, |plain| text.push_str(plain)).is_some()
                }
                Err(error) => {
                    drop(error);
                    false
                }
            };
        }
        match read_code_points(object, length, &mut self.code_points) {
            Ok(()) => transcode::push_code_points(&mut self.text, &self.code_points),
            Err(error) => {
                drop(error);
                false
            }
        }
    }
}

/// Calls `work` with the text of a string object, without taking a reference to
/// it; `None` when it has a surrogate, or there is no memory. Nothing runs
/// after that but what the caller does.
#[inline]
pub(crate) fn with_plain_str<R>(
    as_utf8: Option<symbols::AsUtf8AndSize>,
    object: &Bound<'_, PyString>,
    work: impl FnOnce(&str) -> R,
) -> Option<R> {
    let Some(as_utf8_and_size) = as_utf8 else {
        // SAFETY: the object is a str; the call gives a new reference to a
        // bytes object, or null with an exception set.
        let encoded = unsafe {
            Bound::from_owned_ptr_or_opt(object.py(), ffi::PyUnicode_AsUTF8String(object.as_ptr()))
        };
        let Some(bytes) = encoded else {
            clear_error(object.py());
            return None;
        };
        let bytes = bytes.cast::<PyBytes>().ok()?;
        return std::str::from_utf8(bytes.as_bytes()).ok().map(work);
    };
    let mut length: ffi::Py_ssize_t = 0;
    // SAFETY: the object is a str and the interpreter lock is held.
    let start = unsafe { as_utf8_and_size(object.as_ptr(), &raw mut length) };
    if start.is_null() {
        clear_error(object.py());
        return None;
    }
    // SAFETY: start and length of the string's UTF-8 form, made by the
    // interpreter's encoder, which refuses surrogates; the caller's reference
    // keeps it alive, and strings do not change.
    let text = unsafe {
        std::str::from_utf8_unchecked(std::slice::from_raw_parts(
            start.cast(),
            usize::try_from(length).unwrap_or(0),
        ))
    };
    Some(work(text))
}

#[cold]
fn clear_error(_py: Python<'_>) {
    // SAFETY: the interpreter lock is held.
    unsafe { ffi::PyErr_Clear() }
}

/// The text of a string that holds surrogates, and the offset of the first.
fn without_surrogates(object: &Bound<'_, PyString>) -> PyResult<(String, Option<usize>)> {
    let py = object.py();
    // SAFETY: the object is a str, the names are terminated C strings; the call
    // gives a new reference to a bytes object, or null with an exception set.
    let bytes = unsafe {
        Bound::from_owned_ptr_or_err(
            py,
            ffi::PyUnicode_AsEncodedString(
                object.as_ptr(),
                c"utf-8".as_ptr(),
                c"surrogatepass".as_ptr(),
            ),
        )
    }?
    .cast_into::<PyBytes>()?;
    replace_surrogates(bytes.as_bytes().to_vec()).map_err(|error| errors::to_python(py, &error))
}

/// A string argument.
pub(crate) fn string<'py>(name: &str, object: &Bound<'py, PyAny>) -> PyResult<Text<'py>> {
    match object.cast::<PyString>() {
        Ok(string) => Text::of_string(string),
        Err(_) => Err(expected(name, "str", object)),
    }
}

/// A JSON text argument: `str`, or UTF-8 as `bytes`, `bytearray` or `memoryview`.
pub(crate) fn json<'py>(name: &str, object: &Bound<'py, PyAny>) -> PyResult<Text<'py>> {
    match object.cast::<PyString>() {
        Ok(string) => Text::of_string(string),
        Err(_) => Ok(Text::Bytes(bytes_like(
            name,
            "str, bytes, bytearray or memoryview",
            object,
        )?)),
    }
}

/// A bytes argument: `bytes` as it is, `bytearray` and `memoryview` copied,
/// because other threads may write to them while we read.
pub(crate) fn bytes<'py>(name: &str, object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    bytes_like(name, "bytes, bytearray or memoryview", object)
}

fn bytes_like<'py>(
    name: &str,
    wanted: &str,
    object: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyBytes>> {
    let py = object.py();
    if let Ok(bytes) = object.cast::<PyBytes>() {
        return Ok(bytes.clone());
    }
    if let Ok(view) = object.cast::<PyMemoryView>()
        && !is_contiguous_bytes(view).unwrap_or(false)
    {
        return Err(errors::wrong_type(
            py,
            &format!("argument '{name}': the memoryview must be contiguous bytes"),
        ));
    }
    if object.is_instance_of::<PyByteArray>() || object.is_instance_of::<PyMemoryView>() {
        // SAFETY: the object has the buffer protocol; the call copies it into a
        // new bytes object, or gives null with an exception set.
        let copy =
            unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyBytes_FromObject(object.as_ptr())) }?;
        return Ok(copy.cast_into::<PyBytes>()?);
    }
    Err(expected(name, wanted, object))
}

/// A memoryview cannot be subclassed, so its attributes are its own. A
/// released one raises here.
fn is_contiguous_bytes(view: &Bound<'_, PyMemoryView>) -> PyResult<bool> {
    Ok(view.getattr("c_contiguous")?.extract::<bool>()?
        && view.getattr("itemsize")?.extract::<usize>()? == 1)
}

/// The error of an argument of the wrong type.
pub(crate) fn expected(name: &str, wanted: &str, object: &Bound<'_, PyAny>) -> PyErr {
    errors::wrong_type(
        object.py(),
        &format!(
            "argument '{name}': expected {wanted}, not {}",
            errors::type_name(object)
        ),
    )
}
