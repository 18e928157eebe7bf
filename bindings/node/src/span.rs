//! Spans: `buildSpanProtoBytes`, `processSpan`, and the objects they take.

use crate::factory::PROCESSED_SPAN;
use crate::failure::{Failure, Report};
use crate::js::{Js, Kind, Value};
use crate::operation::Operation;
use crate::read::{
    Source, Text, Unfit, boolean, check_names, integer32, integer64, optional_string, string,
};
use drift_rust_core::{
    Document, EncodedBytes, MergesSource, ProcessedSpan, Schema, SpanContents, SpanError,
    SpanFields, SpanInput, StructSource, ValueOptions, ValueSource, build_span_proto_bytes,
    process_span,
};
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

/// Reads the plain members of a span object.
struct Members<'j, 's> {
    js: &'j mut Js<'s>,
    object: Value<'s>,
    presence: Presence,
}

impl<'s> Members<'_, 's> {
    fn get<T: Default>(
        &mut self,
        name: &CStr,
        read: impl FnOnce(&Js<'s>, Value<'s>) -> Result<T, Unfit>,
    ) -> Result<T, Unread> {
        let value = self.js.member(self.object, name)?;
        if self.presence == Presence::Optional
            && matches!(self.js.kind(value), Kind::Undefined | Kind::Null)
        {
            return Ok(T::default());
        }
        read(self.js, value).map_err(of_member(name))
    }
    fn string(&mut self, name: &CStr) -> Result<String, Unread> {
        self.get(name, string)
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
    fn handle(&mut self, name: &CStr) -> Result<Value<'s>, Unread> {
        Ok(self.js.member(self.object, name)?)
    }
}

/// The plain members of a span, read.
pub(crate) struct PlainFields {
    trace_id: String,
    span_id: String,
    parent_span_id: String,
    name: String,
    package_name: String,
    instrumentation_name: String,
    submodule_name: String,
    package_type: i32,
    environment: Option<String>,
    kind: i32,
    status_code: i32,
    status_message: String,
    is_pre_app_start: bool,
    is_root_span: bool,
    timestamp_seconds: i64,
    timestamp_nanos: i32,
    duration_seconds: i64,
    duration_nanos: i32,
}

impl PlainFields {
    fn read(members: &mut Members<'_, '_>) -> Result<PlainFields, Unread> {
        Ok(PlainFields {
            trace_id: members.string(c"traceId")?,
            span_id: members.string(c"spanId")?,
            parent_span_id: members.string(c"parentSpanId")?,
            name: members.string(c"name")?,
            package_name: members.string(c"packageName")?,
            instrumentation_name: members.string(c"instrumentationName")?,
            submodule_name: members.string(c"submoduleName")?,
            package_type: members.int32(c"packageType")?,
            environment: members.get(c"environment", optional_string)?,
            kind: members.int32(c"kind")?,
            status_code: members.int32(c"statusCode")?,
            status_message: members.string(c"statusMessage")?,
            is_pre_app_start: members.flag(c"isPreAppStart")?,
            is_root_span: members.flag(c"isRootSpan")?,
            timestamp_seconds: members.int64(c"timestampSeconds")?,
            timestamp_nanos: members.int32(c"timestampNanos")?,
            duration_seconds: members.int64(c"durationSeconds")?,
            duration_nanos: members.int32(c"durationNanos")?,
        })
    }

    fn fields(&self) -> SpanFields<'_> {
        SpanFields {
            trace_id: &self.trace_id,
            span_id: &self.span_id,
            parent_span_id: &self.parent_span_id,
            name: &self.name,
            package_name: &self.package_name,
            instrumentation_name: &self.instrumentation_name,
            submodule_name: &self.submodule_name,
            package_type: self.package_type,
            environment: self.environment.as_deref(),
            kind: self.kind,
            status_code: self.status_code,
            status_message: &self.status_message,
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
        let mut members = Members {
            js,
            object,
            presence: Presence::Required,
        };
        Ok(BuildSpanHandles {
            plain: PlainFields::read(&mut members)?,
            hashes: [
                members.string(c"inputSchemaHash")?,
                members.string(c"outputSchemaHash")?,
                members.string(c"inputValueHash")?,
                members.string(c"outputValueHash")?,
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
        js.buffer(&output)
    }
}

/// `processSpan`.
pub(crate) struct ProcessSpan;

/// The members of a span object; more is refused.
const SPAN_MEMBERS: [&CStr; 23] = [
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

/// The members of a span object: the plain ones read, the texts still handles.
pub(crate) struct SpanHandles<'s> {
    plain: PlainFields,
    texts: [(&'static CStr, Value<'s>); 5],
}

impl<'s> SpanHandles<'s> {
    pub(crate) fn read(js: &mut Js<'s>, object: Value<'s>) -> Result<Self, Unread> {
        require_object(js, "span", object)?;
        check_names(js, object, &SPAN_MEMBERS).map_err(of_field(|| "span".to_owned()))?;
        let mut members = Members {
            js,
            object,
            presence: Presence::Optional,
        };
        let plain = PlainFields::read(&mut members)?;
        let mut text = |name| Ok::<_, Unread>((name, members.handle(name)?));
        Ok(SpanHandles {
            plain,
            texts: [
                text(c"inputJson")?,
                text(c"inputMerges")?,
                text(c"outputJson")?,
                text(c"outputMerges")?,
                text(c"metadataJson")?,
            ],
        })
    }

    /// Reads the texts; no JavaScript runs from here on.
    pub(crate) fn resolve<'a>(self, source: &impl Source<'s, 'a>) -> Result<OwnedSpan<'a>, Unread> {
        let [input, input_merges, output, output_merges, metadata] = self.texts;
        let text = |(name, value)| source.optional_text(value).map_err(of_member(name));
        Ok(OwnedSpan {
            plain: self.plain,
            input: text(input)?,
            input_merges: text(input_merges)?,
            output: text(output)?,
            output_merges: text(output_merges)?,
            metadata: text(metadata)?,
        })
    }
}

/// A span object, read; the core's input borrows it.
pub(crate) struct OwnedSpan<'a> {
    plain: PlainFields,
    input: Option<Text<'a>>,
    input_merges: Option<Text<'a>>,
    output: Option<Text<'a>>,
    output_merges: Option<Text<'a>>,
    metadata: Option<Text<'a>>,
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
        SpanInput {
            fields: self.plain.fields(),
            input: value(&self.input),
            input_merges: merges(&self.input_merges),
            output: value(&self.output),
            output_merges: merges(&self.output_merges),
            metadata: value(&self.metadata),
        }
    }
}

impl Operation for ProcessSpan {
    type Input<'a> = OwnedSpan<'a>;
    type Output = ProcessedSpan;

    fn compute(input: &OwnedSpan<'_>) -> Result<ProcessedSpan, Report> {
        process_span(&input.input()).map_err(|error| Report::of(&error))
    }

    fn convert<'s>(js: &mut Js<'s>, span: ProcessedSpan) -> Result<Value<'s>, Failure> {
        let values = [
            js.buffer(&span.span_bytes)?,
            js.string(&span.input.value_hash)?,
            js.string(&span.output.value_hash)?,
            js.string(&span.input.schema_hash)?,
            js.string(&span.output.schema_hash)?,
            js.string(&span.input.schema_json)?,
            js.string(&span.output.schema_json)?,
            js.string(&span.input.normalized_json)?,
            js.string(&span.output.normalized_json)?,
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
