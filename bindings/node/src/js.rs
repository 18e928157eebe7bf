//! The JavaScript side of one call: reading values and making values.
//!
//! All calls of Node-API are in this file; it knows nothing of spans and
//! payloads.
//!
//! Invariant: while bytes of a `Buffer` are borrowed, no JavaScript runs. What
//! may run JavaScript (getters, proxies) takes `&mut Js`, and a borrow of bytes
//! holds `&Js`; so nothing can detach, resize or write what is being read.

use crate::external::{self, Ascii};
use crate::factory::{BUFFER_ALLOCATOR, Shape};
use crate::failure::{Class, Failure, Report};
use crate::kept::{Kept, Scratch, Texts};
use crate::transcode::{self, Released, Width};
use drift_rust_core::{EncodedBytes, ErrorCode, PieceWriter};
use napi::bindgen_prelude::{Env, FromNapiValue, JsValue, Unknown};
use napi::sys;
use std::borrow::Cow;
use std::ffi::CStr;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicU8, Ordering};

/// Room for the units of most strings, so that their length need not be asked
/// for first.
const FEW_UNITS: usize = 1 << 12;

/// Up to here, exclusively, Node takes a buffer from its pool (half of
/// `Buffer.poolSize`).
pub(crate) const POOLED_BYTES: usize = 4096;

/// Where in a text (in UTF-8 bytes) the first unpaired surrogate was, by now
/// U+FFFD.
pub(crate) type FirstSurrogate = Option<usize>;

/// A JavaScript value, held by the scope of the call it belongs to.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Value<'s> {
    raw: sys::napi_value,
    scope: PhantomData<&'s Env>,
}

/// What a value is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Undefined,
    Null,
    Boolean,
    Number,
    String,
    Symbol,
    Object,
    Function,
    BigInt,
    Other,
}

impl Kind {
    /// As JavaScript's `typeof` and people call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Undefined => "undefined",
            Kind::Null => "null",
            Kind::Boolean => "a boolean",
            Kind::Number => "a number",
            Kind::String => "a string",
            Kind::Symbol => "a symbol",
            Kind::Object => "an object",
            Kind::Function => "a function",
            Kind::BigInt => "a bigint",
            Kind::Other => "a value of another kind",
        }
    }
}

/// Where the bytes of a view lie.
struct View {
    data: *const u8,
    length: usize,
    /// Backed by a `SharedArrayBuffer`: other threads may write while we read.
    shared: bool,
}

/// One call from JavaScript.
pub(crate) struct Js<'s> {
    env: &'s Env,
    kept: Option<&'s Kept>,
    texts: Texts,
}

/// Made values are plain data properties, whatever stands on `Object.prototype`.
const PLAIN: sys::napi_property_attributes = sys::PropertyAttributes::writable
    | sys::PropertyAttributes::enumerable
    | sys::PropertyAttributes::configurable;

impl<'s> Js<'s> {
    pub(crate) fn new(env: &'s Env) -> Js<'s> {
        Js {
            env,
            kept: Kept::of(env.raw()),
            texts: Texts::default(),
        }
    }

    fn raw(&self) -> sys::napi_env {
        self.env.raw()
    }

    /// An argument of the call.
    pub(crate) fn argument(&self, argument: Unknown<'s>) -> Value<'s> {
        self.value(argument.raw())
    }

    /// The value as napi-rs returns it.
    pub(crate) fn unknown(&self, value: Value<'s>) -> napi::Result<Unknown<'s>> {
        // SAFETY: a `Value<'s>` is a live handle of this environment.
        unsafe { Unknown::from_napi_value(self.raw(), value.raw) }
    }

    /// A value that napi-rs made for this call.
    ///
    /// # Safety
    /// `raw` is a live handle of this environment and scope.
    pub(crate) unsafe fn adopt(&self, raw: sys::napi_value) -> Value<'s> {
        self.value(raw)
    }

    fn value(&self, raw: sys::napi_value) -> Value<'s> {
        Value {
            raw,
            scope: PhantomData,
        }
    }

    /// Runs one Node-API function and reads its result.
    fn made(
        &self,
        call: impl FnOnce(&mut sys::napi_value) -> sys::napi_status,
    ) -> Result<Value<'s>, Failure> {
        let mut raw = ptr::null_mut();
        self.check(call(&mut raw))?;
        Ok(self.value(raw))
    }

    fn check(&self, status: sys::napi_status) -> Result<(), Failure> {
        match status {
            sys::Status::napi_ok => Ok(()),
            sys::Status::napi_pending_exception | sys::Status::napi_cannot_run_js => {
                Err(Failure::Pending)
            }
            _ => Err(self.refused(status)),
        }
    }

    #[cold]
    fn refused(&self, status: sys::napi_status) -> Failure {
        let mut pending = false;
        // SAFETY: the environment is live during the call.
        unsafe { sys::napi_is_exception_pending(self.raw(), &mut pending) };
        if pending {
            return Failure::Pending;
        }
        Failure::from(Report::new(
            ErrorCode::Internal,
            format!("node-api refused a value with status {status}; please report it"),
        ))
    }

    // ---- reading; none of these runs JavaScript ----

    pub(crate) fn kind(&self, value: Value<'s>) -> Kind {
        let mut kind = -1;
        // SAFETY: the value is a live handle of this environment.
        unsafe { sys::napi_typeof(self.raw(), value.raw, &mut kind) };
        match kind {
            sys::ValueType::napi_undefined => Kind::Undefined,
            sys::ValueType::napi_null => Kind::Null,
            sys::ValueType::napi_boolean => Kind::Boolean,
            sys::ValueType::napi_number => Kind::Number,
            sys::ValueType::napi_string => Kind::String,
            sys::ValueType::napi_symbol => Kind::Symbol,
            sys::ValueType::napi_object => Kind::Object,
            sys::ValueType::napi_function => Kind::Function,
            sys::ValueType::napi_bigint => Kind::BigInt,
            _ => Kind::Other,
        }
    }

    /// Appends a string's text, each unpaired surrogate as U+FFFD; `None` when
    /// the value is no string, else where in `out` the first of these stands.
    fn append_text(
        &self,
        value: Value<'s>,
        out: &mut String,
    ) -> Result<Option<FirstSurrogate>, Failure> {
        self.with_scratch(
            |kept| &kept.units,
            |units| {
                let is_string = self.read_units(value, units)?;
                Ok(is_string.then(|| transcode::append_utf8(units, out)))
            },
        )
    }

    fn with_scratch<T: 's, R>(
        &self,
        which: impl Fn(&'s Kept) -> &'s Scratch<T>,
        call: impl FnOnce(&mut Vec<T>) -> R,
    ) -> R {
        let scratch = self.kept.map(which);
        let mut items = scratch.map(Scratch::take).unwrap_or_default();
        let result = call(&mut items);
        if let Some(scratch) = scratch {
            scratch.give_back(items);
        }
        result
    }

    /// Fills an empty vector with a string's units; false when the value is no
    /// string.
    fn read_units(&self, value: Value<'s>, units: &mut Vec<u16>) -> Result<bool, Failure> {
        units.reserve(FEW_UNITS);
        loop {
            let (room, mut written) = (units.capacity(), 0);
            // SAFETY: the vector has room for as many units; one of them is for
            // the NUL that Node-API appends.
            let status = unsafe {
                sys::napi_get_value_string_utf16(
                    self.raw(),
                    value.raw,
                    units.as_mut_ptr(),
                    room,
                    &mut written,
                )
            };
            if status == sys::Status::napi_string_expected {
                return Ok(false);
            }
            self.check(status)?;
            let mut length = written;
            if written + 1 >= room {
                // All of the string, or as much as there was room for.
                // SAFETY: without a buffer, Node-API only measures.
                self.check(unsafe {
                    sys::napi_get_value_string_utf16(
                        self.raw(),
                        value.raw,
                        ptr::null_mut(),
                        0,
                        &mut length,
                    )
                })?;
            }
            if length <= written {
                // SAFETY: Node-API wrote `written` units, fewer than the room.
                unsafe { units.set_len(written.min(room)) };
                return Ok(true);
            }
            units.reserve_exact(length + 1);
        }
    }

    /// A string's text in memory of the place, which is to be given back;
    /// `None` when the value is no string.
    pub(crate) fn taken_text(
        &self,
        place: usize,
        value: Value<'s>,
    ) -> Result<Option<(String, FirstSurrogate)>, Failure> {
        let scratch = self.kept.and_then(|kept| kept.texts.get(place));
        let bytes = scratch.map(Scratch::take).unwrap_or_default();
        // No bytes are a text.
        let mut text = String::from_utf8(bytes).unwrap_or_default();
        match self.append_text(value, &mut text)? {
            Some(first) => Ok(Some((text, first))),
            None => {
                self.give_back(place, text);
                Ok(None)
            }
        }
    }

    /// Keeps the memory of a text for the next one in its place.
    pub(crate) fn give_back(&self, place: usize, text: String) {
        if let Some(scratch) = self.kept.and_then(|kept| kept.texts.get(place)) {
            scratch.give_back(text.into_bytes());
        }
    }

    /// Appends the text of a string that is likely to be short; false when it is
    /// no string.
    pub(crate) fn append_short_text(
        &self,
        value: Value<'s>,
        out: &mut String,
    ) -> Result<bool, Failure> {
        const ROOM: usize = 256;
        let (mut units, mut written) = ([0_u16; ROOM], 0);
        // SAFETY: there is room for as many units; one of them is for the NUL
        // that Node-API appends.
        let status = unsafe {
            sys::napi_get_value_string_utf16(
                self.raw(),
                value.raw,
                units.as_mut_ptr(),
                ROOM,
                &mut written,
            )
        };
        if status == sys::Status::napi_string_expected {
            return Ok(false);
        }
        self.check(status)?;
        match units.get(..written) {
            Some([]) => {}
            Some(units) if written + 1 < ROOM => {
                transcode::append_utf8(units, out);
            }
            _ => {
                self.append_text(value, out)?;
            }
        }
        Ok(true)
    }

    /// A number's double; `None` for anything else.
    pub(crate) fn if_double(&self, value: Value<'s>) -> Option<f64> {
        let mut double = 0.0;
        // SAFETY: the value is a live handle of this environment.
        let status = unsafe { sys::napi_get_value_double(self.raw(), value.raw, &mut double) };
        (status == sys::Status::napi_ok).then_some(double)
    }

    /// A Boolean; `None` for anything else.
    pub(crate) fn if_boolean(&self, value: Value<'s>) -> Option<bool> {
        let mut boolean = false;
        // SAFETY: the value is a live handle of this environment.
        let status = unsafe { sys::napi_get_value_bool(self.raw(), value.raw, &mut boolean) };
        (status == sys::Status::napi_ok).then_some(boolean)
    }

    /// The arguments of a callback that JavaScript called.
    ///
    /// # Safety
    /// `info` is that of the callback that runs now.
    pub(crate) unsafe fn arguments<const N: usize>(
        &self,
        info: sys::napi_callback_info,
    ) -> Result<[Value<'s>; N], Failure> {
        let (mut raw, mut count) = ([ptr::null_mut(); N], N);
        // SAFETY: there is room for `N` arguments; Node-API fills what is not
        // given with undefined.
        self.check(unsafe {
            sys::napi_get_cb_info(
                self.raw(),
                info,
                &mut count,
                raw.as_mut_ptr(),
                ptr::null_mut(),
                ptr::null_mut(),
            )
        })?;
        Ok(raw.map(|raw| self.value(raw)))
    }

    /// `true`, as a callback returns it.
    pub(crate) fn truth(&self) -> sys::napi_value {
        let mut truth = ptr::null_mut();
        // SAFETY: the environment is live; without it null stays, undefined.
        unsafe { sys::napi_get_boolean(self.raw(), true, &mut truth) };
        truth
    }

    /// What is kept for the environment.
    pub(crate) fn kept(&self) -> Option<&'s Kept> {
        self.kept
    }

    /// A string as text of its own; `None` when the value is no string.
    pub(crate) fn owned_text(
        &self,
        value: Value<'s>,
    ) -> Result<Option<(String, FirstSurrogate)>, Failure> {
        let mut text = String::new();
        let first_surrogate = self.append_text(value, &mut text)?;
        Ok(first_surrogate.map(|first| (text, first)))
    }

    /// The same in memory that is kept for the next call, as far as it goes.
    pub(crate) fn text<'a>(
        &'a self,
        value: Value<'s>,
    ) -> Result<Option<(Cow<'a, str>, FirstSurrogate)>, Failure> {
        let kept = self.kept.into_iter().flat_map(|kept| &kept.texts);
        let free = self
            .texts
            .iter()
            .zip(kept)
            .find(|(text, _)| text.get().is_none());
        let Some((place, scratch)) = free else {
            let owned = self.owned_text(value)?;
            return Ok(owned.map(|(text, first)| (Cow::Owned(text), first)));
        };
        // No bytes are a text.
        let mut text = String::from_utf8(scratch.take()).unwrap_or_default();
        let first_surrogate = self.append_text(value, &mut text)?;
        let text = place.get_or_init(|| text);
        Ok(first_surrogate.map(|first| (Cow::Borrowed(text.as_str()), first)))
    }

    pub(crate) fn boolean(&self, value: Value<'s>) -> Result<bool, Failure> {
        let mut boolean = false;
        // SAFETY: the value is a live handle of this environment.
        self.check(unsafe { sys::napi_get_value_bool(self.raw(), value.raw, &mut boolean) })?;
        Ok(boolean)
    }

    pub(crate) fn double(&self, value: Value<'s>) -> Result<f64, Failure> {
        let mut double = 0.0;
        // SAFETY: the value is a live handle of this environment.
        self.check(unsafe { sys::napi_get_value_double(self.raw(), value.raw, &mut double) })?;
        Ok(double)
    }

    /// A bigint, `None` beyond 64 bits.
    pub(crate) fn bigint(&self, value: Value<'s>) -> Result<Option<i64>, Failure> {
        let (mut integer, mut lossless) = (0, false);
        // SAFETY: the value is a live handle of this environment.
        self.check(unsafe {
            sys::napi_get_value_bigint_int64(self.raw(), value.raw, &mut integer, &mut lossless)
        })?;
        Ok(lossless.then_some(integer))
    }

    /// The bytes of a `Uint8Array` (a `Buffer` is one), `None` for anything
    /// else. Read in place, but for memory that other threads may write to.
    pub(crate) fn bytes<'a>(&'a self, value: Value<'s>) -> Result<Option<Cow<'a, [u8]>>, Failure> {
        let Some(view) = self.view(value)? else {
            return Ok(None);
        };
        Ok(Some(if view.length == 0 {
            // Detached buffers come here too, with a null pointer.
            Cow::Borrowed(&[])
        } else if view.shared {
            Cow::Owned(copy_shared(&view))
        } else {
            // SAFETY: Node-API gave pointer and length of the view's memory,
            // which the handle `value` keeps alive. Only JavaScript of this
            // thread can write, detach or resize it, and none runs while the
            // result borrows `self` (see the invariant above).
            Cow::Borrowed(unsafe { std::slice::from_raw_parts(view.data, view.length) })
        }))
    }

    fn view(&self, value: Value<'s>) -> Result<Option<View>, Failure> {
        let (mut element, mut length, mut data) = (-1, 0, ptr::null_mut());
        let (mut memory, mut offset) = (ptr::null_mut(), 0);
        // SAFETY: the value is a live handle of this environment; Node-API
        // itself looks whether it is a typed array.
        let status = unsafe {
            sys::napi_get_typedarray_info(
                self.raw(),
                value.raw,
                &mut element,
                &mut length,
                &mut data,
                &mut memory,
                &mut offset,
            )
        };
        if status == sys::Status::napi_invalid_arg {
            return Ok(None);
        }
        self.check(status)?;
        if element != sys::TypedarrayType::uint8_array {
            return Ok(None);
        }
        let mut unshared = false;
        // SAFETY: `memory` is the handle that Node-API has just made.
        self.check(unsafe { sys::napi_is_arraybuffer(self.raw(), memory, &mut unshared) })?;
        Ok(Some(View {
            data: data.cast_const().cast(),
            length: if data.is_null() { 0 } else { length },
            shared: !unshared,
        }))
    }

    pub(crate) fn is_array(&self, value: Value<'s>) -> Result<bool, Failure> {
        let mut is_array = false;
        // SAFETY: the value is a live handle of this environment.
        self.check(unsafe { sys::napi_is_array(self.raw(), value.raw, &mut is_array) })?;
        Ok(is_array)
    }

    pub(crate) fn array_length(&self, array: Value<'s>) -> Result<u32, Failure> {
        let mut length = 0;
        // SAFETY: the value is a live handle of this environment.
        self.check(unsafe { sys::napi_get_array_length(self.raw(), array.raw, &mut length) })?;
        Ok(length)
    }

    // ---- reading; these may run JavaScript ----

    /// A member of an object; getters and proxies run.
    pub(crate) fn member(&mut self, object: Value<'s>, name: &CStr) -> Result<Value<'s>, Failure> {
        // SAFETY: handle and name are live; a thrown exception stays pending.
        self.made(|raw| unsafe {
            sys::napi_get_named_property(self.raw(), object.raw, name.as_ptr(), raw)
        })
    }

    /// An element of an array; getters and proxies run.
    pub(crate) fn element(&mut self, array: Value<'s>, index: u32) -> Result<Value<'s>, Failure> {
        // SAFETY: the handle is live; a thrown exception stays pending.
        self.made(|raw| unsafe { sys::napi_get_element(self.raw(), array.raw, index, raw) })
    }

    /// The names of an object's own enumerable members; proxies run.
    pub(crate) fn names(&mut self, object: Value<'s>) -> Result<Vec<String>, Failure> {
        // SAFETY: the handle is live; a thrown exception stays pending.
        let names = self.made(|raw| unsafe {
            sys::napi_get_all_property_names(
                self.raw(),
                object.raw,
                sys::KeyCollectionMode::own_only,
                sys::KeyFilter::enumerable | sys::KeyFilter::skip_symbols,
                sys::KeyConversion::numbers_to_strings,
                raw,
            )
        })?;
        (0..self.array_length(names)?)
            .map(|index| {
                let name = self.element(names, index)?;
                let name = self.owned_text(name)?;
                Ok(name.map(|(name, _)| name).unwrap_or_default())
            })
            .collect()
    }

    /// The error of a failure; an exception that is pending no longer is.
    pub(crate) fn caught(&mut self, failure: Failure) -> Result<Value<'s>, Failure> {
        match failure {
            Failure::Pending => self.made(|raw| {
                // SAFETY: the environment is live; gives undefined when none is pending.
                unsafe { sys::napi_get_and_clear_last_exception(self.raw(), raw) }
            }),
            Failure::Fault(report) => self.error(&report),
        }
    }

    // ---- making ----

    /// A string; one byte per character where that is enough.
    pub(crate) fn string(&self, text: &str) -> Result<Value<'s>, Failure> {
        let made = match transcode::width(text) {
            Width::Ascii => self.latin1_string(text.as_bytes()),
            Width::Latin1 => self.with_scratch(
                |kept| &kept.bytes,
                |bytes| {
                    transcode::to_latin1(text, bytes);
                    self.latin1_string(bytes)
                },
            ),
            Width::Utf16 => self.with_scratch(
                |kept| &kept.units,
                |units| {
                    transcode::to_utf16(text, units);
                    self.utf16_string(units)
                },
            ),
        };
        made.map_err(|failure| too_long(failure, text.len()))
    }

    /// A string of a text that nothing else needs, which is free as soon as it
    /// is copied; a long one is not, but becomes the string.
    pub(crate) fn string_of<T: Released>(&self, text: T) -> Result<Value<'s>, Failure> {
        let (env, length) = (self.raw(), text.as_ref().len());
        if length < external::LEAST_BYTES / 2 {
            return self.string(text.as_ref());
        }
        let made = match transcode::width(text.as_ref()) {
            // Beyond ASCII a character of one byte has two in UTF-8, and one of
            // two bytes at most three.
            Width::Ascii | Width::Latin1 if length < external::LEAST_BYTES => {
                return self.string(text.as_ref());
            }
            Width::Ascii => match external::string(env, Ascii(text)) {
                Ok(made) => Ok(self.value(made)),
                Err(Ascii(text)) => self.latin1_string(text.as_ref().as_bytes()),
            },
            Width::Latin1 => {
                let mut bytes = Vec::new();
                transcode::to_latin1(text.as_ref(), &mut bytes);
                drop(text);
                match external::string(env, bytes) {
                    Ok(made) => Ok(self.value(made)),
                    Err(bytes) => self.latin1_string(&bytes),
                }
            }
            Width::Utf16 => match external::string(env, transcode::into_utf16(text)) {
                Ok(made) => Ok(self.value(made)),
                Err(units) => self.utf16_string(&units),
            },
        };
        made.map_err(|failure| too_long(failure, length))
    }

    fn utf16_string(&self, units: &[u16]) -> Result<Value<'s>, Failure> {
        // SAFETY: pointer and length are those of `units`.
        self.made(|raw| unsafe {
            sys::napi_create_string_utf16(
                self.raw(),
                units.as_ptr(),
                units.len().cast_signed(),
                raw,
            )
        })
    }

    fn latin1_string(&self, bytes: &[u8]) -> Result<Value<'s>, Failure> {
        // SAFETY: pointer and length are those of `bytes`.
        self.made(|raw| unsafe {
            sys::napi_create_string_latin1(
                self.raw(),
                bytes.as_ptr().cast(),
                bytes.len().cast_signed(),
                raw,
            )
        })
    }

    pub(crate) fn number(&self, number: f64) -> Result<Value<'s>, Failure> {
        // SAFETY: the environment is live.
        self.made(|raw| unsafe { sys::napi_create_double(self.raw(), number, raw) })
    }

    pub(crate) fn null(&self) -> Result<Value<'s>, Failure> {
        // SAFETY: the environment is live.
        self.made(|raw| unsafe { sys::napi_get_null(self.raw(), raw) })
    }

    /// A `Buffer` with a copy of the bytes, from Node's pool when it is small.
    /// A copy is cheaper than handing over the vector: the collector's
    /// book-keeping for foreign memory costs more.
    pub(crate) fn buffer(&mut self, bytes: &[u8]) -> Result<Value<'s>, Failure> {
        if bytes.len() < POOLED_BYTES
            && let Some(buffer) = self.pooled_buffer(bytes)?
        {
            return Ok(buffer);
        }
        // SAFETY: pointer and length are those of `bytes`.
        self.made(|raw| unsafe {
            sys::napi_create_buffer_copy(
                self.raw(),
                bytes.len(),
                bytes.as_ptr().cast(),
                ptr::null_mut(),
                raw,
            )
        })
    }

    /// A `Buffer` of bytes that are not needed any more: of large ones no more
    /// than a piece is there twice.
    pub(crate) fn buffer_of(&mut self, bytes: EncodedBytes) -> Result<Value<'s>, Failure> {
        if bytes.len() < EncodedBytes::MOVED_FROM {
            return self.buffer(&bytes);
        }
        self.buffer_filled(bytes.len(), |writer| bytes.move_to(writer))
    }

    /// A `Buffer` of a length that is written where it lies. It runs no
    /// JavaScript, so what is written may be borrowed bytes.
    pub(crate) fn buffer_filled(
        &self,
        length: usize,
        fill: impl FnOnce(&mut PieceWriter<'_>),
    ) -> Result<Value<'s>, Failure> {
        let mut data = ptr::null_mut();
        // SAFETY: the environment is live.
        let buffer = self
            .made(|raw| unsafe { sys::napi_create_buffer(self.raw(), length, &mut data, raw) })?;
        let free: &mut [MaybeUninit<u8>] = if data.is_null() {
            // As a buffer of no bytes may have it.
            &mut []
        } else {
            // SAFETY: the buffer has `length` bytes from this address on, which the
            // handle keeps alive. It is new and no JavaScript has run, so nothing
            // else refers to them, and `MaybeUninit` reads none.
            unsafe { std::slice::from_raw_parts_mut(data.cast(), length) }
        };
        let mut writer = PieceWriter::new(free);
        fill(&mut writer);
        if writer.is_complete() {
            return Ok(buffer);
        }
        Err(Report::new(
            ErrorCode::Internal,
            format!("other than the {length} bytes of a buffer were written; please report it"),
        )
        .into())
    }

    fn pooled_buffer(&mut self, bytes: &[u8]) -> Result<Option<Value<'s>>, Failure> {
        let Some(allocate) = self.function(BUFFER_ALLOCATOR) else {
            return Ok(None);
        };
        let length = self.number(bytes.len() as f64)?;
        let buffer = self.call(allocate, &[length])?;
        let (mut is_buffer, mut room, mut data) = (false, 0, ptr::null_mut());
        // SAFETY: the value is a live handle of this environment.
        self.check(unsafe { sys::napi_is_buffer(self.raw(), buffer.raw, &mut is_buffer) })?;
        if !is_buffer {
            return Ok(None);
        }
        // SAFETY: the value was just seen to be a buffer.
        self.check(unsafe {
            sys::napi_get_buffer_info(self.raw(), buffer.raw, &mut data, &mut room)
        })?;
        if room != bytes.len() || data.is_null() {
            return Ok(None);
        }
        // SAFETY: `data` has room for as many bytes, is not ours, and no
        // JavaScript has run since it was asked for.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), data.cast(), bytes.len()) };
        Ok(Some(buffer))
    }

    /// One of the functions of `factory.rs`.
    fn function(&self, place: usize) -> Option<sys::napi_value> {
        self.kept?.function(self.raw(), place)
    }

    /// Calls one of them.
    fn call(
        &mut self,
        function: sys::napi_value,
        arguments: &[Value<'s>],
    ) -> Result<Value<'s>, Failure> {
        let mut receiver = ptr::null_mut();
        // SAFETY: the environment is live.
        self.check(unsafe { sys::napi_get_undefined(self.raw(), &mut receiver) })?;
        // SAFETY: `Value` is a transparent handle, so the slice is one of handles.
        self.made(|raw| unsafe {
            sys::napi_call_function(
                self.raw(),
                receiver,
                function,
                arguments.len(),
                arguments.as_ptr().cast(),
                raw,
            )
        })
    }

    /// Calls the function at a place, which runs JavaScript; `None` where there
    /// is no such function.
    pub(crate) fn call_at(
        &mut self,
        place: usize,
        arguments: &[Value<'s>],
    ) -> Result<Option<Value<'s>>, Failure> {
        self.function(place)
            .map(|function| self.call(function, arguments))
            .transpose()
    }

    /// A plain object of a known shape.
    pub(crate) fn shaped<const N: usize>(
        &mut self,
        shape: &Shape<N>,
        values: [Value<'s>; N],
    ) -> Result<Value<'s>, Failure> {
        match self.function(shape.place) {
            Some(factory) => self.call(factory, &values),
            None => {
                let mut names = shape.names.into_iter();
                self.object(values.map(|value| (names.next().unwrap_or_default(), value)))
            }
        }
    }

    /// A plain object.
    pub(crate) fn object<const N: usize>(
        &self,
        members: [(&CStr, Value<'s>); N],
    ) -> Result<Value<'s>, Failure> {
        // SAFETY: the environment is live.
        let object = self.made(|raw| unsafe { sys::napi_create_object(self.raw(), raw) })?;
        self.define(object, members)?;
        Ok(object)
    }

    fn define<const N: usize>(
        &self,
        object: Value<'s>,
        members: [(&CStr, Value<'s>); N],
    ) -> Result<(), Failure> {
        let descriptors = members.map(|(name, value)| sys::napi_property_descriptor {
            utf8name: name.as_ptr(),
            name: ptr::null_mut(),
            method: None,
            getter: None,
            setter: None,
            value: value.raw,
            attributes: PLAIN,
            data: ptr::null_mut(),
        });
        // SAFETY: the descriptors and the names in them outlive the call.
        self.check(unsafe {
            sys::napi_define_properties(self.raw(), object.raw, N, descriptors.as_ptr())
        })
    }

    /// An array.
    pub(crate) fn array(&self, elements: &[Value<'s>]) -> Result<Value<'s>, Failure> {
        // SAFETY: the environment is live.
        let array = self.made(|raw| unsafe {
            sys::napi_create_array_with_length(self.raw(), elements.len(), raw)
        })?;
        for (index, element) in (0..).zip(elements) {
            // SAFETY: a new array of plain elements; nothing observes the write.
            self.check(unsafe {
                sys::napi_set_element(self.raw(), array.raw, index, element.raw)
            })?;
        }
        Ok(array)
    }

    /// An `Error` with the report's attributes.
    pub(crate) fn error(&self, report: &Report) -> Result<Value<'s>, Failure> {
        let message = self.string(&report.message)?;
        let code = self.string(report.code.as_str())?;
        let error = self.made(|raw| match report.class {
            // SAFETY: both are live strings of this environment.
            Class::Error => unsafe {
                sys::napi_create_error(self.raw(), code.raw, message.raw, raw)
            },
            // SAFETY: as above.
            Class::TypeError => unsafe {
                sys::napi_create_type_error(self.raw(), code.raw, message.raw, raw)
            },
        })?;
        if let Some(path) = &report.path {
            self.define(error, [(c"path", self.string(path)?)])?;
        }
        if let Some(offset) = report.offset {
            self.define(error, [(c"offset", self.number(offset as f64)?)])?;
        }
        if let Some(index) = report.index {
            self.define(error, [(c"index", self.number(index as f64)?)])?;
        }
        Ok(error)
    }

    /// Makes an exception pending.
    pub(crate) fn throw(&self, error: Value<'s>) {
        // SAFETY: the value is a live handle. It fails only when the
        // environment is going down, and then nobody is left to tell.
        unsafe { sys::napi_throw(self.raw(), error.raw) };
    }

    /// A promise that is rejected already.
    pub(crate) fn rejected(&self, error: Value<'s>) -> Result<Value<'s>, Failure> {
        let mut deferred = ptr::null_mut();
        // SAFETY: the environment is live.
        let promise =
            self.made(|raw| unsafe { sys::napi_create_promise(self.raw(), &mut deferred, raw) })?;
        // SAFETY: `deferred` is that of the promise, and settled this once.
        self.check(unsafe { sys::napi_reject_deferred(self.raw(), deferred, error.raw) })?;
        Ok(promise)
    }
}

impl Js<'_> {
    /// What the texts of the call lay in is kept for the next call, and free
    /// where it is large.
    pub(crate) fn end_texts(&mut self) {
        let kept = self.kept.into_iter().flat_map(|kept| &kept.texts);
        for (text, scratch) in self.texts.iter_mut().zip(kept) {
            match text.take() {
                Some(text) => scratch.give_back(text.into_bytes()),
                None => break,
            }
        }
    }
}

impl Drop for Js<'_> {
    fn drop(&mut self) {
        self.end_texts();
    }
}

/// Why there is no string of a text of so many bytes.
fn too_long(failure: Failure, bytes: usize) -> Failure {
    match failure {
        Failure::Pending => failure,
        Failure::Fault(_) => Failure::from(Report::new(
            ErrorCode::InvalidArgument,
            format!("a result of {bytes} bytes is longer than a JavaScript string can be"),
        )),
    }
}

/// Bytes that other threads may be writing to, copied without a data race: the
/// copy may be torn, but what is read from it is one consistent text.
fn copy_shared(view: &View) -> Vec<u8> {
    (0..view.length)
        .map(|at| {
            // SAFETY: `at` is inside the view; shared memory never shrinks.
            // Atomic loads are what other threads' writes may race with.
            let byte = unsafe { AtomicU8::from_ptr(view.data.cast_mut().add(at)) };
            byte.load(Ordering::Relaxed)
        })
        .collect()
}
