//! Arguments of the calls: what a value has to be, and how it is read.

use crate::failure::{Failure, Report};
use crate::js::{FirstSurrogate, Js, Kind, Value};
use drift_rust_core::{HashAlgorithm, JsonText, Profile};
use std::borrow::Cow;
use std::ffi::CStr;

/// A text argument.
pub(crate) enum Text<'a> {
    String(Cow<'a, str>, FirstSurrogate),
    /// They should be UTF-8.
    Bytes(Cow<'a, [u8]>),
}

impl Text<'_> {
    pub(crate) fn json(&self) -> JsonText<'_> {
        match self {
            Text::String(text, first) => JsonText::from(&**text).with_replaced_surrogate(*first),
            Text::Bytes(bytes) => JsonText::from(&**bytes),
        }
    }
}

/// Why a value could not be read.
pub(crate) enum Unfit {
    Failure(Failure),
    /// It is not what it has to be; says what that is.
    Reason(String),
}

impl From<Failure> for Unfit {
    fn from(failure: Failure) -> Unfit {
        Unfit::Failure(failure)
    }
}

impl Unfit {
    fn kind(expected: &str, got: Kind) -> Unfit {
        Unfit::Reason(format!("expected {expected}, not {}", got.name()))
    }

    /// An object has a member that it must not have.
    pub(crate) fn unknown_member(name: &str) -> Unfit {
        Unfit::Reason(format!("there is no member {name:?}"))
    }

    /// The failure of the argument of this name.
    pub(crate) fn of_argument(self, name: &str) -> Failure {
        match self {
            Unfit::Failure(failure) => failure,
            Unfit::Reason(reason) => Report::argument(name, &reason).into(),
        }
    }
}

/// Where the bytes of buffers are read: in place during a synchronous call,
/// copied once first for a call that goes on after JavaScript does.
pub(crate) trait Source<'s, 'a> {
    fn js(&self) -> &Js<'s>;
    fn view(&self, value: Value<'s>) -> Result<Option<Cow<'a, [u8]>>, Failure>;

    fn string(&self, value: Value<'s>) -> Result<Option<Text<'a>>, Failure>;

    /// A string, `Buffer` or `Uint8Array`.
    fn text(&self, value: Value<'s>) -> Result<Text<'a>, Unfit> {
        if let Some(text) = self.string(value)? {
            return Ok(text);
        }
        match self.view(value)? {
            Some(bytes) => Ok(Text::Bytes(bytes)),
            None => Err(Unfit::kind(
                "a string, Buffer or Uint8Array",
                self.js().kind(value),
            )),
        }
    }

    /// The same, or `None` for undefined and null.
    fn optional_text(&self, value: Value<'s>) -> Result<Option<Text<'a>>, Unfit> {
        match self.js().kind(value) {
            Kind::Undefined | Kind::Null => Ok(None),
            _ => self.text(value).map(Some),
        }
    }

    /// A `Buffer` or `Uint8Array`.
    fn bytes(&self, value: Value<'s>) -> Result<Cow<'a, [u8]>, Unfit> {
        match self.view(value)? {
            Some(bytes) => Ok(bytes),
            None => Err(Unfit::kind("a Buffer or Uint8Array", self.js().kind(value))),
        }
    }

    /// The same, or `None` for undefined and null.
    fn optional_bytes(&self, value: Value<'s>) -> Result<Option<Cow<'a, [u8]>>, Unfit> {
        match self.js().kind(value) {
            Kind::Undefined | Kind::Null => Ok(None),
            _ => self.bytes(value).map(Some),
        }
    }
}

/// Reads buffers in place.
pub(crate) struct InPlace<'a, 's>(pub(crate) &'a Js<'s>);

impl<'a, 's> Source<'s, 'a> for InPlace<'a, 's> {
    fn js(&self) -> &Js<'s> {
        self.0
    }
    fn view(&self, value: Value<'s>) -> Result<Option<Cow<'a, [u8]>>, Failure> {
        self.0.bytes(value)
    }
    fn string(&self, value: Value<'s>) -> Result<Option<Text<'a>>, Failure> {
        let text = self.0.text(value)?;
        Ok(text.map(|(text, first)| Text::String(text, first)))
    }
}

/// Copies buffers.
pub(crate) struct Copied<'a, 's>(pub(crate) &'a Js<'s>);

impl<'s> Source<'s, 'static> for Copied<'_, 's> {
    fn js(&self) -> &Js<'s> {
        self.0
    }
    fn view(&self, value: Value<'s>) -> Result<Option<Cow<'static, [u8]>>, Failure> {
        let bytes = self.0.bytes(value)?;
        Ok(bytes.map(|bytes| Cow::Owned(bytes.into_owned())))
    }
    fn string(&self, value: Value<'s>) -> Result<Option<Text<'static>>, Failure> {
        let text = self.0.owned_text(value)?;
        Ok(text.map(|(text, first)| Text::String(Cow::Owned(text), first)))
    }
}

/// A string, unpaired surrogates replaced.
pub(crate) fn string<'s>(js: &Js<'s>, value: Value<'s>) -> Result<String, Unfit> {
    match js.owned_text(value)? {
        Some((text, _)) => Ok(text),
        None => Err(Unfit::kind("a string", js.kind(value))),
    }
}

/// The same, or `None` for undefined and null.
pub(crate) fn optional_string<'s>(js: &Js<'s>, value: Value<'s>) -> Result<Option<String>, Unfit> {
    match js.kind(value) {
        Kind::Undefined | Kind::Null => Ok(None),
        _ => string(js, value).map(Some),
    }
}

/// A Boolean.
pub(crate) fn boolean<'s>(js: &Js<'s>, value: Value<'s>) -> Result<bool, Unfit> {
    match js.kind(value) {
        Kind::Boolean => Ok(js.boolean(value)?),
        kind => Err(Unfit::kind("a boolean", kind)),
    }
}

/// A number without its fraction, or a bigint, in 64 bits.
pub(crate) fn integer64<'s>(js: &Js<'s>, value: Value<'s>) -> Result<i64, Unfit> {
    match js.kind(value) {
        Kind::Number => {
            let number = js.double(value)?;
            whole(number).ok_or_else(|| does_not_fit(&number, 64))
        }
        Kind::BigInt => match js.bigint(value)? {
            Some(integer) => Ok(integer),
            None => Err(does_not_fit(&"the bigint", 64)),
        },
        kind => Err(Unfit::kind("a number", kind)),
    }
}

/// A number without its fraction, in 32 bits. As published, no bigint: a
/// double holds every integer of 32 bits.
pub(crate) fn integer32<'s>(js: &Js<'s>, value: Value<'s>) -> Result<i32, Unfit> {
    if js.kind(value) == Kind::BigInt {
        return Err(Unfit::kind("a number", Kind::BigInt));
    }
    let integer = integer64(js, value)?;
    i32::try_from(integer).map_err(|_| does_not_fit(&integer, 32))
}

fn does_not_fit(number: &dyn std::fmt::Display, bits: u32) -> Unfit {
    Unfit::Reason(format!("{number} is no integer of {bits} bits"))
}

/// A double without its fraction; `None` for NaN and beyond 64 bits.
pub(crate) fn whole(number: f64) -> Option<i64> {
    /// 2^63, the first that does not fit; -2^63 is the last that does.
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    let whole = number.trunc();
    (-BOUND..BOUND).contains(&whole).then_some(whole as i64)
}

/// `{profile, algorithm}`.
#[derive(Clone, Copy, Default)]
pub(crate) struct CanonicalOptions {
    pub(crate) profile: Profile,
    pub(crate) algorithm: HashAlgorithm,
}

/// The options object at the end of a call.
pub(crate) fn canonical_options<'s>(
    js: &mut Js<'s>,
    value: Value<'s>,
) -> Result<CanonicalOptions, Failure> {
    let mut options = CanonicalOptions::default();
    match js.kind(value) {
        // `texts.map(normalizeJson)` passes an index here, which the published
        // functions do not look at.
        Kind::Undefined | Kind::Null | Kind::Number => return Ok(options),
        Kind::Object => {}
        kind => return Err(Unfit::kind("an object", kind).of_argument("options")),
    }
    check_names(js, value, &[c"profile", c"algorithm"])
        .map_err(|unfit| unfit.of_argument("options"))?;
    if let Some(name) = option_string(js, value, c"profile")? {
        options.profile = Profile::from_name(&name)
            .ok_or_else(|| unknown_name("profile", &name, "drift or rfc8785"))?;
    }
    if let Some(name) = option_string(js, value, c"algorithm")? {
        options.algorithm = HashAlgorithm::from_name(&name)
            .ok_or_else(|| unknown_name("algorithm", &name, "sha256 or blake3"))?;
    }
    Ok(options)
}

/// An optional string among options.
pub(crate) fn option_string<'s>(
    js: &mut Js<'s>,
    options: Value<'s>,
    name: &CStr,
) -> Result<Option<String>, Failure> {
    let value = js.member(options, name)?;
    optional_string(js, value).map_err(|unfit| unfit.of_argument(&name.to_string_lossy()))
}

fn unknown_name(option: &str, name: &str, known: &str) -> Failure {
    let shortened: String = name.chars().take(40).collect();
    Unfit::Reason(format!("expected {known}, not {shortened:?}")).of_argument(option)
}

/// Refuses an object with members other than these.
pub(crate) fn check_names<'s>(
    js: &mut Js<'s>,
    object: Value<'s>,
    known: &[&CStr],
) -> Result<(), Unfit> {
    for name in js.names(object)? {
        if !known
            .iter()
            .any(|known| known.to_bytes() == name.as_bytes())
        {
            return Err(Unfit::unknown_member(&name));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn doubles_lose_their_fraction_and_must_fit() {
        for (number, expected) in [
            (1.9, Some(1)),
            (-1.9, Some(-1)),
            (-0.5, Some(0)),
            (9_223_372_036_854_774_784.0, Some(9_223_372_036_854_774_784)),
            (9_223_372_036_854_775_808.0, None),
            (-9_223_372_036_854_775_808.0, Some(i64::MIN)),
            (-9_223_372_036_854_777_856.0, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
            (f64::NEG_INFINITY, None),
        ] {
            assert_eq!(whole(number), expected, "{number}");
        }
    }
}
