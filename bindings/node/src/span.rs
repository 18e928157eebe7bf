//! Spans: `buildSpanProtoBytes`, `processSpan`, and the objects they take.

use crate::factory::{PROCESSED_SPAN, SPAN_READER};
use crate::failure::{Failure, Report, guard};
use crate::js::{Js, Kind, Value};
use crate::operation::Operation;
use crate::read::{
    Source, Text, Unfit, boolean, check_names, integer32, integer64, optional_string, string, whole,
};
use drift_rust_core::{
    Document, EncodedBytes, MergesSource, ProcessedSpan, Schema, SpanContents, SpanError,
    SpanFields, SpanInput, StructSource, ValueOptions, ValueSource, build_span_proto_bytes,
    process_span,
};
use napi::bindgen_prelude::Env;
use napi::sys;
use std::borrow::Cow;
use std::ffi::CStr;

/// Why a span could not be read.
pub(crate) enum Unread {
    Failure(Failure),
    /// A member is not what it has to be.
    Member(SpanError),
}

impl From<Unread> for Failure {
    fn from(unread: Unread) -> Failure {
        match unread {
            Unread::Failure(failure) => failure,
            Unread::Member(error) => error.into(),
        }
    }
}

impl From<Failure> for Unread {
    fn from(failure: Failure) -> Unread {
        Unread::Failure(failure)
    }
}

/// The member's name in errors, the same in every language: `inputJson` is
/// `input_json`.
fn contract_name(name: &CStr) -> String {
    let mut contract = String::new();
    for character in name.to_string_lossy().chars() {
        if character.is_ascii_uppercase() {
            contract.push('_');
        }
        contract.push(character.to_ascii_lowercase());
    }
    contract
}

/// The same for the values of `buildSpanProtoBytes`, which the published
/// Python call takes as native ones: `inputSchemaJson` is `input_schema`.
fn value_name(name: &CStr) -> String {
    let contract = contract_name(name);
    match contract.strip_suffix("_json") {
        Some(value) => value.to_owned(),
        None => contract,
    }
}

fn of_field(field: impl FnOnce() -> String) -> impl FnOnce(Unfit) -> Unread {
    move |unfit| match unfit {
        Unfit::Failure(failure) => Unread::Failure(failure),
        Unfit::Reason(reason) => Unread::Member(SpanError::InvalidArgument {
            field: field(),
            reason,
        }),
    }
}

fn of_member(name: &CStr) -> impl FnOnce(Unfit) -> Unread {
    of_field(move || contract_name(name))
}

fn of_value(name: &CStr) -> impl FnOnce(Unfit) -> Unread {
    of_field(move || value_name(name))
}

/// Whether the plain members may be missing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Required,
    Optional,
}

/// Where the members of a span object are found.
enum Members<'s> {
    /// In itself: getters run.
    Object(Value<'s>),
    /// In an array of their values, in the order of reading.
    Values(Value<'s>, std::ops::RangeFrom<u32>),
}

/// Reads the plain members of a span object.
struct Reader<'j, 's> {
    js: &'j mut Js<'s>,
    members: Members<'s>,
    presence: Presence,
}

impl<'s> Reader<'_, 's> {
    fn get<T: Default>(
        &mut self,
        name: &CStr,
        read: impl FnOnce(&Js<'s>, Value<'s>) -> Result<T, Unfit>,
    ) -> Result<T, Unread> {
        let value = self.handle(name)?;
        if self.presence == Presence::Optional
            && matches!(self.js.kind(value), Kind::Undefined | Kind::Null)
        {
            return Ok(T::default());
        }
        read(self.js, value).map_err(of_member(name))
    }
    fn text(&mut self, name: &CStr) -> Result<String, Unread> {
        self.get(name, string)
    }
    fn handle(&mut self, name: &CStr) -> Result<Value<'s>, Unread> {
        Ok(match &mut self.members {
            Members::Object(object) => self.js.member(*object, name)?,
            Members::Values(values, places) => {
                let place = places.next().unwrap_or_default();
                self.js.element(*values, place)?
            }
        })
    }
}

/// Where a span's plain members come from, in the order of [`SPAN_MEMBERS`].
trait PlainMembers {
    /// Why one could not be read.
    type Error;
    fn string(&mut self, name: &CStr, strings: &mut Strings) -> Result<(), Self::Error>;
    /// Says whether it is there.
    fn optional_string(&mut self, name: &CStr, strings: &mut Strings) -> Result<bool, Self::Error>;
    fn int32(&mut self, name: &CStr) -> Result<i32, Self::Error>;
    fn int64(&mut self, name: &CStr) -> Result<i64, Self::Error>;
    fn flag(&mut self, name: &CStr) -> Result<bool, Self::Error>;
}

impl PlainMembers for Reader<'_, '_> {
    type Error = Unread;

    fn string(&mut self, name: &CStr, strings: &mut Strings) -> Result<(), Unread> {
        strings.push(&self.text(name)?);
        Ok(())
    }
    fn optional_string(&mut self, name: &CStr, strings: &mut Strings) -> Result<bool, Unread> {
        let text = self.get(name, optional_string)?;
        strings.push(text.as_deref().unwrap_or_default());
        Ok(text.is_some())
    }
    fn int32(&mut self, name: &CStr) -> Result<i32, Unread> {
        self.get(name, integer32)
    }
    fn int64(&mut self, name: &CStr) -> Result<i64, Unread> {
        self.get(name, integer64)
    }
    fn flag(&mut self, name: &CStr) -> Result<bool, Unread> {
        self.get(name, boolean)
    }
}

/// The strings among a span's plain members, one behind the other: a batch has
/// thousands, and memory for each costs more than reading it.
#[derive(Default)]
struct Strings {
    all: String,
    /// Where each ends, in order.
    ends: [usize; 9],
    count: usize,
}

impl Strings {
    /// Room for the strings of most spans.
    const ROOM: usize = 256;

    fn with_room() -> Strings {
        Strings {
            all: String::with_capacity(Strings::ROOM),
            ..Strings::default()
        }
    }

    /// Ends a string that was appended, or an empty one.
    fn end(&mut self) {
        if let Some(end) = self.ends.get_mut(self.count) {
            *end = self.all.len();
        }
        self.count += 1;
    }

    fn push(&mut self, text: &str) {
        self.all.push_str(text);
        self.end();
    }

    fn get(&self) -> [&str; 9] {
        let mut from = 0;
        self.ends.map(|end| {
            let text = self.all.get(from..end).unwrap_or_default();
            from = end;
            text
        })
    }
}

/// The plain members of a span, read.
pub(crate) struct PlainFields {
    /// Trace, span and parent ids, name, package, instrumentation, submodule,
    /// environment, status message.
    strings: Strings,
    has_environment: bool,
    package_type: i32,
    kind: i32,
    status_code: i32,
    is_pre_app_start: bool,
    is_root_span: bool,
    timestamp_seconds: i64,
    timestamp_nanos: i32,
    duration_seconds: i64,
    duration_nanos: i32,
}

impl PlainFields {
    fn read<M: PlainMembers>(members: &mut M) -> Result<PlainFields, M::Error> {
        let mut strings = Strings::with_room();
        for name in SPAN_MEMBERS.into_iter().take(FIRST_STRINGS) {
            members.string(name, &mut strings)?;
        }
        let package_type = members.int32(c"packageType")?;
        let has_environment = members.optional_string(c"environment", &mut strings)?;
        let kind = members.int32(c"kind")?;
        let status_code = members.int32(c"statusCode")?;
        members.string(c"statusMessage", &mut strings)?;
        Ok(PlainFields {
            strings,
            has_environment,
            package_type,
            kind,
            status_code,
            is_pre_app_start: members.flag(c"isPreAppStart")?,
            is_root_span: members.flag(c"isRootSpan")?,
            timestamp_seconds: members.int64(c"timestampSeconds")?,
            timestamp_nanos: members.int32(c"timestampNanos")?,
            duration_seconds: members.int64(c"durationSeconds")?,
            duration_nanos: members.int32(c"durationNanos")?,
        })
    }

    fn fields(&self) -> SpanFields<'_> {
        let [
            trace_id,
            span_id,
            parent_span_id,
            name,
            package_name,
            instrumentation_name,
            submodule_name,
            environment,
            status_message,
        ] = self.strings.get();
        SpanFields {
            trace_id,
            span_id,
            parent_span_id,
            name,
            package_name,
            instrumentation_name,
            submodule_name,
            package_type: self.package_type,
            environment: self.has_environment.then_some(environment),
            kind: self.kind,
            status_code: self.status_code,
            status_message,
            is_pre_app_start: self.is_pre_app_start,
            is_root_span: self.is_root_span,
            timestamp_seconds: self.timestamp_seconds,
            timestamp_nanos: self.timestamp_nanos,
            duration_seconds: self.duration_seconds,
            duration_nanos: self.duration_nanos,
        }
    }
}

fn require_object<'s>(js: &Js<'s>, name: &str, value: Value<'s>) -> Result<(), Failure> {
    match js.kind(value) {
        Kind::Object | Kind::Function => Ok(()),
        // Where the published package throws a TypeError, so does this one.
        kind @ (Kind::Undefined | Kind::Null) => Err(Report::argument(
            name,
            &format!("expected an object, not {}", kind.name()),
        )
        .into_type_error()
        .into()),
        kind => {
            Err(Report::argument(name, &format!("expected an object, not {}", kind.name())).into())
        }
    }
}

/// `buildSpanProtoBytes`.
pub(crate) struct BuildSpan;

/// The members of its object: the plain ones read, the others still handles,
/// since getters of later members could change the bytes of earlier ones.
pub(crate) struct BuildSpanHandles<'s> {
    plain: PlainFields,
    hashes: [String; 4],
    schemas: [Value<'s>; 2],
    metadata: Value<'s>,
    values: [Value<'s>; 2],
    struct_bytes: [Value<'s>; 2],
}

impl<'s> BuildSpanHandles<'s> {
    pub(crate) fn read(js: &mut Js<'s>, object: Value<'s>) -> Result<Self, Failure> {
        require_object(js, "input", object)?;
        let mut members = Reader {
            js,
            members: Members::Object(object),
            presence: Presence::Required,
        };
        Ok(BuildSpanHandles {
            plain: PlainFields::read(&mut members)?,
            hashes: [
                members.text(c"inputSchemaHash")?,
                members.text(c"outputSchemaHash")?,
                members.text(c"inputValueHash")?,
                members.text(c"outputValueHash")?,
            ],
            schemas: [
                members.handle(c"inputSchemaJson")?,
                members.handle(c"outputSchemaJson")?,
            ],
            metadata: members.handle(c"metadataJson")?,
            values: [
                members.handle(c"inputValueJson")?,
                members.handle(c"outputValueJson")?,
            ],
            struct_bytes: [
                members.handle(c"inputValueProtoStructBytes")?,
                members.handle(c"outputValueProtoStructBytes")?,
            ],
        })
    }

    /// Reads the texts and bytes; no JavaScript runs from here on.
    pub(crate) fn resolve<'a>(
        self,
        source: &impl Source<'s, 'a>,
    ) -> Result<BuildSpanInput<'a>, Failure> {
        let schema = |name, value| source.text(value).map_err(of_value(name));
        let text = |name, value| source.optional_text(value).map_err(of_value(name));
        let bytes = |name, value| source.optional_bytes(value).map_err(of_value(name));
        let [input_schema, output_schema] = self.schemas;
        let [input, output] = self.values;
        let [input_bytes, output_bytes] = self.struct_bytes;
        Ok(BuildSpanInput {
            plain: self.plain,
            hashes: self.hashes,
            schemas: [
                schema(c"inputSchemaJson", input_schema)?,
                schema(c"outputSchemaJson", output_schema)?,
            ],
            metadata: text(c"metadataJson", self.metadata)?,
            values: [
                text(c"inputValueJson", input)?,
                text(c"outputValueJson", output)?,
            ],
            struct_bytes: [
                bytes(c"inputValueProtoStructBytes", input_bytes)?,
                bytes(c"outputValueProtoStructBytes", output_bytes)?,
            ],
        })
    }
}

/// The arguments, read.
pub(crate) struct BuildSpanInput<'a> {
    plain: PlainFields,
    hashes: [String; 4],
    schemas: [Text<'a>; 2],
    metadata: Option<Text<'a>>,
    values: [Option<Text<'a>>; 2],
    struct_bytes: [Option<Cow<'a, [u8]>>; 2],
}

fn build(input: &BuildSpanInput<'_>) -> Result<EncodedBytes, SpanError> {
    fn parse<'t>(
        field: &'static str,
        text: &'t Text<'_>,
        options: ValueOptions,
    ) -> Result<Document<'t>, SpanError> {
        Document::parse(text.json(), options).map_err(|source| SpanError::Json { field, source })
    }
    fn value<'t>(
        field: &'static str,
        text: Option<&'t Text<'_>>,
    ) -> Result<Option<Document<'t>>, SpanError> {
        text.map(|text| parse(field, text, ValueOptions::default()))
            .transpose()
    }
    fn struct_source<'t>(
        bytes: Option<&'t Cow<'_, [u8]>>,
        document: Option<&'t Document<'t>>,
    ) -> StructSource<'t> {
        match (bytes, document) {
            (Some(bytes), _) => StructSource::Bytes(bytes),
            (None, Some(document)) => StructSource::Document(document),
            (None, None) => StructSource::Empty,
        }
    }
    let [input_schema, output_schema] = &input.schemas;
    let [input_value, output_value] = &input.values;
    let [input_bytes, output_bytes] = &input.struct_bytes;
    let input_schema = parse("input_schema", input_schema, ValueOptions::for_schema())?;
    let output_schema = parse("output_schema", output_schema, ValueOptions::for_schema())?;
    let metadata = value("metadata", input.metadata.as_ref())?;
    let input_value = value("input_value", input_value.as_ref())?;
    let output_value = value("output_value", output_value.as_ref())?;
    let [
        input_schema_hash,
        output_schema_hash,
        input_value_hash,
        output_value_hash,
    ] = &input.hashes;
    build_span_proto_bytes(
        &input.plain.fields(),
        &SpanContents {
            input_schema: Some(&Schema::from_document(&input_schema)),
            output_schema: Some(&Schema::from_document(&output_schema)),
            input_schema_hash,
            output_schema_hash,
            input_value_hash,
            output_value_hash,
            metadata: struct_source(None, metadata.as_ref()),
            input_value: struct_source(input_bytes.as_ref(), input_value.as_ref()),
            output_value: struct_source(output_bytes.as_ref(), output_value.as_ref()),
        },
    )
}

impl Operation for BuildSpan {
    type Input<'a> = BuildSpanInput<'a>;
    type Output = EncodedBytes;

    fn compute(input: &BuildSpanInput<'_>) -> Result<EncodedBytes, Report> {
        build(input).map_err(|error| Report::of(&error))
    }

    fn convert<'s>(js: &mut Js<'s>, output: EncodedBytes) -> Result<Value<'s>, Failure> {
        js.buffer_of(output)
    }
}

/// `processSpan`.
pub(crate) struct ProcessSpan;

/// The members of a span object, in the order of reading; more is refused.
pub(crate) const SPAN_MEMBERS: [&CStr; 23] = [
    c"traceId",
    c"spanId",
    c"parentSpanId",
    c"name",
    c"packageName",
    c"instrumentationName",
    c"submoduleName",
    c"packageType",
    c"environment",
    c"kind",
    c"statusCode",
    c"statusMessage",
    c"isPreAppStart",
    c"isRootSpan",
    c"timestampSeconds",
    c"timestampNanos",
    c"durationSeconds",
    c"durationNanos",
    c"inputJson",
    c"inputMerges",
    c"outputJson",
    c"outputMerges",
    c"metadataJson",
];

/// How many members stand first that are strings.
const FIRST_STRINGS: usize = 7;

/// How many stand last that are texts: input, its merges, output, its merges,
/// metadata.
const TEXTS: usize = 5;

/// Their names.
fn text_members() -> impl Iterator<Item = &'static CStr> {
    SPAN_MEMBERS.into_iter().skip(SPAN_MEMBERS.len() - TEXTS)
}

/// A span object whose getters have run.
pub(crate) enum SpanHandles<'s> {
    /// It is read.
    Read(Box<OwnedSpan<'static>>),
    /// The plain members are read, the texts still handles.
    Handles(Box<(PlainFields, TextHandles<'s>)>),
}

/// In the order of [`text_members`], each once it is read.
type TextHandles<'s> = [Option<Value<'s>>; TEXTS];

impl<'s> SpanHandles<'s> {
    pub(crate) fn read(js: &mut Js<'s>, object: Value<'s>) -> Result<Self, Unread> {
        require_object(js, "span", object)?;
        let of_span = of_field(|| "span".to_owned());
        let members = match js.call_at(SPAN_READER, &[object])? {
            Some(answer) => {
                if let Some(span) = js.kept().and_then(|kept| kept.received.take()) {
                    return Ok(SpanHandles::Read(span));
                }
                if let Some((name, _)) = js.owned_text(answer)? {
                    return Err(of_span(Unfit::unknown_member(&name)));
                }
                Members::Values(answer, 0..)
            }
            None => {
                check_names(js, object, &SPAN_MEMBERS).map_err(of_span)?;
                Members::Object(object)
            }
        };
        let mut reader = Reader {
            js,
            members,
            presence: Presence::Optional,
        };
        let plain = PlainFields::read(&mut reader)?;
        let mut texts = TextHandles::default();
        for (slot, name) in texts.iter_mut().zip(text_members()) {
            *slot = Some(reader.handle(name)?);
        }
        Ok(SpanHandles::Handles(Box::new((plain, texts))))
    }

    /// Reads the texts; no JavaScript runs from here on.
    pub(crate) fn resolve<'a>(
        self,
        source: &impl Source<'s, 'a>,
    ) -> Result<Box<OwnedSpan<'a>>, Unread> {
        let (plain, texts) = match self {
            SpanHandles::Read(span) => return Ok(span),
            SpanHandles::Handles(handles) => *handles,
        };
        let handles = texts;
        let mut texts: [Option<Text<'a>>; TEXTS] = Default::default();
        for ((slot, name), value) in texts.iter_mut().zip(text_members()).zip(handles) {
            if let Some(value) = value {
                *slot = source.optional_text(value).map_err(of_member(name))?;
            }
        }
        Ok(Box::new(OwnedSpan { plain, texts }))
    }
}

/// A span object, read; the core's input borrows it.
pub(crate) struct OwnedSpan<'a> {
    plain: PlainFields,
    /// In the order of [`text_members`].
    texts: [Option<Text<'a>>; TEXTS],
}

/// What the reader of `factory.rs` calls with the values of a span's members.
/// Gives true when all are plain (strings, numbers, Booleans, null, undefined),
/// and has read them then. Buffers are not read here, since getters of later
/// spans could change them.
pub(crate) unsafe extern "C" fn receive(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    let env = Env::from_raw(env);
    let js = Js::new(&env);
    // SAFETY: the information is that of this callback.
    let received = guard(|| match unsafe { js.arguments(info) } {
        Ok(values) => received(&js, values),
        Err(_) => Err(NotPlain),
    });
    match (received, js.kept()) {
        (Ok(span), Some(kept)) => {
            kept.received.set(Some(Box::new(span)));
            js.truth()
        }
        // It is read again, by the way that names what is wrong.
        _ => std::ptr::null_mut(),
    }
}

/// A member is of another kind than it is expected to be, or cannot be read.
struct NotPlain;

impl From<Report> for NotPlain {
    fn from(_: Report) -> NotPlain {
        NotPlain
    }
}

impl From<Failure> for NotPlain {
    fn from(_: Failure) -> NotPlain {
        NotPlain
    }
}

/// The values of plain members, which need no names.
struct Received<'j, 's> {
    js: &'j Js<'s>,
    values: std::array::IntoIter<Value<'s>, { SPAN_MEMBERS.len() }>,
}

impl<'s> Received<'_, 's> {
    fn next(&mut self) -> Result<Value<'s>, NotPlain> {
        self.values.next().ok_or(NotPlain)
    }

    fn is_missing(&self, value: Value<'s>) -> bool {
        matches!(self.js.kind(value), Kind::Undefined | Kind::Null)
    }

    /// What was read, or its default where the value is missing.
    fn or_missing<T: Default>(&self, read: Option<T>, value: Value<'s>) -> Result<T, NotPlain> {
        match read {
            Some(read) => Ok(read),
            None if self.is_missing(value) => Ok(T::default()),
            None => Err(NotPlain),
        }
    }
}

impl PlainMembers for Received<'_, '_> {
    type Error = NotPlain;

    fn string(&mut self, name: &CStr, strings: &mut Strings) -> Result<(), NotPlain> {
        self.optional_string(name, strings).map(drop)
    }
    fn optional_string(&mut self, _: &CStr, strings: &mut Strings) -> Result<bool, NotPlain> {
        let value = self.next()?;
        let is_there = self.js.append_short_text(value, &mut strings.all)?;
        strings.end();
        self.or_missing(is_there.then_some(true), value)
    }
    fn int32(&mut self, name: &CStr) -> Result<i32, NotPlain> {
        i32::try_from(self.int64(name)?).map_err(|_| NotPlain)
    }
    fn int64(&mut self, _: &CStr) -> Result<i64, NotPlain> {
        let value = self.next()?;
        match self.js.if_double(value) {
            Some(double) => whole(double).ok_or(NotPlain),
            None => self.or_missing(None, value),
        }
    }
    fn flag(&mut self, _: &CStr) -> Result<bool, NotPlain> {
        let value = self.next()?;
        self.or_missing(self.js.if_boolean(value), value)
    }
}

/// Reads values of plain members.
fn received<'s>(
    js: &Js<'s>,
    values: [Value<'s>; SPAN_MEMBERS.len()],
) -> Result<OwnedSpan<'static>, NotPlain> {
    let mut received = Received {
        js,
        values: values.into_iter(),
    };
    let mut span = OwnedSpan {
        plain: PlainFields::read(&mut received)?,
        texts: Default::default(),
    };
    for (place, slot) in span.texts.iter_mut().enumerate() {
        let value = received.next()?;
        *slot = match js.taken_text(place, value)? {
            Some((text, first)) => Some(Text::String(Cow::Owned(text), first)),
            None => received.or_missing(None, value)?,
        };
    }
    Ok(span)
}

impl OwnedSpan<'_> {
    pub(crate) fn input(&self) -> SpanInput<'_> {
        fn value<'t>(text: &'t Option<Text<'_>>) -> ValueSource<'t> {
            text.as_ref()
                .map_or(ValueSource::Absent, |text| ValueSource::Json(text.json()))
        }
        fn merges<'t>(text: &'t Option<Text<'_>>) -> MergesSource<'t> {
            text.as_ref()
                .map_or(MergesSource::Absent, |text| MergesSource::Json(text.json()))
        }
        let [input, input_merges, output, output_merges, metadata] = &self.texts;
        SpanInput {
            fields: self.plain.fields(),
            input: value(input),
            input_merges: merges(input_merges),
            output: value(output),
            output_merges: merges(output_merges),
            metadata: value(metadata),
        }
    }

    /// Keeps the memory of the texts for the next span.
    pub(crate) fn give_back(self, js: &Js<'_>) {
        for (place, text) in self.texts.into_iter().enumerate() {
            if let Some(Text::String(Cow::Owned(text), _)) = text {
                js.give_back(place, text);
            }
        }
    }
}

impl Operation for ProcessSpan {
    type Input<'a> = Box<OwnedSpan<'a>>;
    type Output = ProcessedSpan;

    fn compute(input: &Box<OwnedSpan<'_>>) -> Result<ProcessedSpan, Report> {
        process_span(&input.input()).map_err(|error| Report::of(&error))
    }

    fn convert<'s>(js: &mut Js<'s>, span: ProcessedSpan) -> Result<Value<'s>, Failure> {
        let values = [
            js.buffer_of(span.span_bytes)?,
            js.string(&span.input.value_hash)?,
            js.string(&span.output.value_hash)?,
            js.string(&span.input.schema_hash)?,
            js.string(&span.output.schema_hash)?,
            js.string_of(span.input.schema_json)?,
            js.string_of(span.output.schema_json)?,
            js.string_of(span.input.normalized_json)?,
            js.string_of(span.output.normalized_json)?,
            js.number(span.message_depth as f64)?,
        ];
        js.shaped(&PROCESSED_SPAN, values)
    }
}

#[cfg(test)]
mod tests {
    use super::{contract_name, value_name};

    #[test]
    fn members_have_one_name_in_errors() {
        for (name, member, value) in [
            (c"traceId", "trace_id", "trace_id"),
            (c"inputSchemaJson", "input_schema_json", "input_schema"),
            (
                c"inputValueProtoStructBytes",
                "input_value_proto_struct_bytes",
                "input_value_proto_struct_bytes",
            ),
        ] {
            assert_eq!(contract_name(name), member);
            assert_eq!(value_name(name), value);
        }
    }
}
