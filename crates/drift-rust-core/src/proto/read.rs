//! Reading back: span, export-request and Struct bytes to documents.
//!
//! The documents have the form of the SDKs' trace lines. A singular message
//! that occurs more than once is merged, of a scalar the last one counts, and
//! unknown fields are skipped, as protobuf asks.

use crate::document::{Document, DocumentBuilder};
use crate::error::{BuildError, ProtobufError};
use crate::proto::fields::{export, json_schema, span, span_status, structure, time};
use crate::proto::wire::{Content, Field, Fields, Slice};
use crate::{MAX_DEPTH_LIMIT, ValueOptions};

/// Levels of the documents that are read: a span in a request adds three to
/// the deepest schema that the options of the Rust API let one write.
const READ_MAX_DEPTH: usize = 2 * MAX_DEPTH_LIMIT + 8;

/// The integers that a double holds without loss.
const EXACT_INTEGERS: f64 = 9_007_199_254_740_992.0;

/// Reads Struct bytes.
pub(crate) fn read_struct(bytes: &[u8]) -> Result<Document<'static>, ProtobufError> {
    document(|builder| write_struct(builder, &[Slice { bytes, offset: 0 }]))
}

/// Reads span bytes.
pub(crate) fn read_span(bytes: &[u8]) -> Result<Document<'static>, ProtobufError> {
    document(|builder| write_span(builder, Slice { bytes, offset: 0 }))
}

/// Reads export-request bytes.
pub(crate) fn read_export_request(bytes: &[u8]) -> Result<Document<'static>, ProtobufError> {
    document(|builder| write_export_request(builder, Slice { bytes, offset: 0 }))
}

fn document(
    write: impl FnOnce(&mut DocumentBuilder) -> Result<(), ProtobufError>,
) -> Result<Document<'static>, ProtobufError> {
    let mut builder = DocumentBuilder::new(ValueOptions::default().with_any_depth(READ_MAX_DEPTH));
    write(&mut builder)?;
    builder.finish().map_err(too_deep)
}

fn too_deep(_: BuildError) -> ProtobufError {
    // The builder refuses nothing else: this module closes what it opens.
    ProtobufError::DepthExceeded {
        limit: READ_MAX_DEPTH,
    }
}

fn fault<T>(offset: usize, reason: &'static str) -> Result<T, ProtobufError> {
    Err(ProtobufError::InvalidProtobuf { offset, reason })
}

fn message<'b>(field: &Field<'b>) -> Result<Slice<'b>, ProtobufError> {
    match field.content {
        Content::Length(slice) => Ok(slice),
        _ => fault(field.offset, "a known field has another wire type"),
    }
}

fn string<'b>(field: &Field<'b>) -> Result<&'b str, ProtobufError> {
    let slice = message(field)?;
    match simdutf8::compat::from_utf8(slice.bytes) {
        Ok(text) => Ok(text),
        Err(error) => fault(
            slice.offset + error.valid_up_to(),
            "a string that is not utf-8",
        ),
    }
}

fn varint(field: &Field<'_>) -> Result<u64, ProtobufError> {
    match field.content {
        Content::Varint(value) => Ok(value),
        _ => fault(field.offset, "a known field has another wire type"),
    }
}

fn int64(field: &Field<'_>) -> Result<i64, ProtobufError> {
    Ok(varint(field)?.cast_signed())
}

/// `int32` and enums: protobuf keeps the low 32 bits.
fn int32(field: &Field<'_>) -> Result<i64, ProtobufError> {
    Ok(i64::from((varint(field)? as u32).cast_signed()))
}

fn boolean(field: &Field<'_>) -> Result<bool, ProtobufError> {
    Ok(varint(field)? != 0)
}

fn double(field: &Field<'_>) -> Result<f64, ProtobufError> {
    match field.content {
        Content::Fixed64(bits) => Ok(f64::from_bits(bits)),
        _ => fault(field.offset, "a known field has another wire type"),
    }
}

fn each_field<'b>(
    parts: &[Slice<'b>],
    mut visit: impl FnMut(&Field<'b>) -> Result<(), ProtobufError>,
) -> Result<(), ProtobufError> {
    for part in parts {
        for field in Fields::of(*part) {
            visit(&field?)?;
        }
    }
    Ok(())
}

/// A container that is being read: a Struct or a ListValue.
struct Open<'b> {
    is_object: bool,
    /// The parts that are still to be read, the last one first.
    waiting: Vec<Slice<'b>>,
    fields: Fields<'b>,
}

impl<'b> Open<'b> {
    fn new(is_object: bool, mut parts: Vec<Slice<'b>>) -> Open<'b> {
        parts.reverse();
        let first = parts.pop().unwrap_or(Slice {
            bytes: &[],
            offset: 0,
        });
        Open {
            is_object,
            waiting: parts,
            fields: Fields::of(first),
        }
    }

    fn next_field(&mut self) -> Option<Result<Field<'b>, ProtobufError>> {
        loop {
            if let Some(field) = self.fields.next() {
                return Some(field);
            }
            self.fields = Fields::of(self.waiting.pop()?);
        }
    }
}

fn write_struct(builder: &mut DocumentBuilder, parts: &[Slice<'_>]) -> Result<(), ProtobufError> {
    write_container(builder, true, parts.to_vec())
}

/// Reads a Struct or a ListValue with all that is in it. Bytes from outside
/// may be nested to the limit, so containers wait on a stack of our own.
fn write_container(
    builder: &mut DocumentBuilder,
    is_object: bool,
    parts: Vec<Slice<'_>>,
) -> Result<(), ProtobufError> {
    let begin = |builder: &mut DocumentBuilder, is_object| {
        if is_object {
            builder.begin_object()
        } else {
            builder.begin_array()
        }
        .map_err(too_deep)
    };
    begin(builder, is_object)?;
    let mut stack = vec![Open::new(is_object, parts)];
    while let Some(open) = stack.last_mut() {
        let Some(field) = open.next_field() else {
            builder.end();
            stack.pop();
            continue;
        };
        let field = field?;
        let values = match (open.is_object, field.number) {
            (true, structure::FIELDS) => {
                let (key, values) = map_entry(message(&field)?)?;
                builder.key(key);
                values
            }
            (false, structure::LIST_VALUES) => vec![message(&field)?],
            _ => continue,
        };
        let (value, replaced) = one_value(&values)?;
        check_replaced(replaced, builder.remaining_depth())?;
        match value {
            OneValue::Null => builder.null(),
            OneValue::Bool(value) => builder.bool(value),
            OneValue::Str(value) => builder.string(value),
            OneValue::Number(value) => {
                let integral = value.trunc() == value && value.abs() <= EXACT_INTEGERS;
                if integral && !(value == 0.0 && value.is_sign_negative()) {
                    builder.int(value as i64);
                } else {
                    builder.float(value);
                }
            }
            OneValue::Struct(parts) => {
                begin(builder, true)?;
                stack.push(Open::new(true, parts));
            }
            OneValue::List(parts) => {
                begin(builder, false)?;
                stack.push(Open::new(false, parts));
            }
        }
    }
    Ok(())
}

/// The key and the parts of the value of a map entry.
fn map_entry(entry: Slice<'_>) -> Result<(&str, Vec<Slice<'_>>), ProtobufError> {
    let mut key = "";
    let mut values = Vec::new();
    each_field(&[entry], |field| {
        match field.number {
            structure::ENTRY_KEY => key = string(field)?,
            structure::ENTRY_VALUE => values.push(message(field)?),
            _ => {}
        }
        Ok(())
    })?;
    Ok((key, values))
}

enum OneValue<'b> {
    Null,
    Number(f64),
    Str(&'b str),
    Bool(bool),
    Struct(Vec<Slice<'b>>),
    List(Vec<Slice<'b>>),
}

/// A container that another kind of the same oneof replaces.
struct Replaced<'b> {
    is_object: bool,
    parts: Vec<Slice<'b>>,
}

/// Opens a container if one more level is left; keeps how many are left then.
fn open_checked<'b>(
    stack: &mut Vec<(Open<'b>, usize)>,
    container: Replaced<'b>,
    depth: usize,
) -> Result<(), ProtobufError> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(ProtobufError::DepthExceeded {
            limit: READ_MAX_DEPTH,
        });
    };
    stack.push((Open::new(container.is_object, container.parts), depth));
    Ok(())
}

/// Reads replaced containers: they count for nothing, but they must be well
/// formed and within the depth that is left, like all that is in them.
fn check_replaced(replaced: Vec<Replaced<'_>>, depth: usize) -> Result<(), ProtobufError> {
    let mut stack = Vec::new();
    for container in replaced.into_iter().rev() {
        open_checked(&mut stack, container, depth)?;
    }
    while let Some((open, depth)) = stack.last_mut() {
        let depth = *depth;
        let Some(field) = open.next_field() else {
            stack.pop();
            continue;
        };
        let field = field?;
        let values = match (open.is_object, field.number) {
            (true, structure::FIELDS) => map_entry(message(&field)?)?.1,
            (false, structure::LIST_VALUES) => vec![message(&field)?],
            _ => continue,
        };
        let (value, replaced) = one_value(&values)?;
        match value {
            OneValue::Struct(parts) => {
                let is_object = true;
                open_checked(&mut stack, Replaced { is_object, parts }, depth)?;
            }
            OneValue::List(parts) => {
                let is_object = false;
                open_checked(&mut stack, Replaced { is_object, parts }, depth)?;
            }
            OneValue::Null | OneValue::Number(_) | OneValue::Str(_) | OneValue::Bool(_) => {}
        }
        for container in replaced.into_iter().rev() {
            open_checked(&mut stack, container, depth)?;
        }
    }
    Ok(())
}

/// The value of the parts of a Value message: the last kind set counts, the
/// containers before it are replaced.
fn one_value<'b>(parts: &[Slice<'b>]) -> Result<(OneValue<'b>, Vec<Replaced<'b>>), ProtobufError> {
    let mut replaced = Vec::new();
    let mut value = OneValue::Null;
    each_field(parts, |field| {
        let next = match field.number {
            structure::NULL_VALUE => {
                varint(field)?;
                OneValue::Null
            }
            structure::NUMBER_VALUE => {
                let number = double(field)?;
                if !number.is_finite() {
                    return fault(
                        field.offset,
                        "NaN or an infinity, which JSON has no form for",
                    );
                }
                OneValue::Number(number)
            }
            structure::STRING_VALUE => OneValue::Str(string(field)?),
            structure::BOOL_VALUE => OneValue::Bool(boolean(field)?),
            structure::STRUCT_VALUE => match &mut value {
                // A message that comes again is merged, not replaced.
                OneValue::Struct(parts) => {
                    parts.push(message(field)?);
                    return Ok(());
                }
                _ => OneValue::Struct(vec![message(field)?]),
            },
            structure::LIST_VALUE => match &mut value {
                OneValue::List(parts) => {
                    parts.push(message(field)?);
                    return Ok(());
                }
                _ => OneValue::List(vec![message(field)?]),
            },
            _ => return Ok(()),
        };
        match std::mem::replace(&mut value, next) {
            OneValue::Struct(parts) => replaced.push(Replaced {
                is_object: true,
                parts,
            }),
            OneValue::List(parts) => replaced.push(Replaced {
                is_object: false,
                parts,
            }),
            OneValue::Null | OneValue::Number(_) | OneValue::Str(_) | OneValue::Bool(_) => {}
        }
        Ok(())
    })?;
    Ok((value, replaced))
}

/// What is left to do while a schema is read.
enum SchemaStep<'b> {
    Schema(Vec<Slice<'b>>),
    Key(&'b str),
    /// `match_importance` and where it stands; looked at last, as protobuf's
    /// last occurrence counts.
    Importance(f64, usize),
    End,
}

/// Reads a JsonSchema with all that is in it. Like values, schemas from outside
/// may be nested to the limit, so what is left to do waits on a stack of our own.
fn write_schema(builder: &mut DocumentBuilder, parts: &[Slice<'_>]) -> Result<(), ProtobufError> {
    let mut steps = vec![SchemaStep::Schema(parts.to_vec())];
    while let Some(step) = steps.pop() {
        match step {
            SchemaStep::Schema(parts) => open_schema(builder, &parts, &mut steps)?,
            SchemaStep::Key(key) => builder.key(key),
            SchemaStep::Importance(value, offset) => {
                if !value.is_finite() {
                    return fault(offset, "NaN or an infinity, which JSON has no form for");
                }
                builder.key("match_importance");
                builder.float(value);
            }
            SchemaStep::End => builder.end(),
        }
    }
    Ok(())
}

fn open_schema<'b>(
    builder: &mut DocumentBuilder,
    parts: &[Slice<'b>],
    steps: &mut Vec<SchemaStep<'b>>,
) -> Result<(), ProtobufError> {
    let (mut type_code, mut encoding, mut decoded_type, mut importance) = (0, None, None, None);
    let mut items = Vec::new();
    let mut properties = Vec::new();
    each_field(parts, |field| {
        match field.number {
            json_schema::TYPE => type_code = int32(field)?,
            json_schema::PROPERTIES => properties.push(map_entry(message(field)?)?),
            json_schema::ITEMS => items.push(message(field)?),
            json_schema::ENCODING => encoding = Some(int32(field)?),
            json_schema::DECODED_TYPE => decoded_type = Some(int32(field)?),
            json_schema::MATCH_IMPORTANCE => importance = Some((double(field)?, field.offset)),
            _ => {}
        }
        Ok(())
    })?;
    builder.begin_object().map_err(too_deep)?;
    builder.key("type");
    builder.int(type_code);
    for (name, code) in [("encoding", encoding), ("decoded_type", decoded_type)] {
        if let Some(code) = code {
            builder.key(name);
            builder.int(code);
        }
    }
    builder.key("properties");
    builder.begin_object().map_err(too_deep)?;
    // The last step first: properties, then items, then the importance.
    steps.push(SchemaStep::End);
    if let Some((value, offset)) = importance {
        steps.push(SchemaStep::Importance(value, offset));
    }
    if !items.is_empty() {
        steps.push(SchemaStep::Schema(items));
        steps.push(SchemaStep::Key("items"));
    }
    steps.push(SchemaStep::End);
    for (key, parts) in properties.into_iter().rev() {
        steps.push(SchemaStep::Schema(parts));
        steps.push(SchemaStep::Key(key));
    }
    Ok(())
}

/// The members of a trace line that are strings: name, field, always there.
const STRINGS: [(&str, u32, bool); 13] = [
    ("traceId", span::TRACE_ID, true),
    ("spanId", span::SPAN_ID, true),
    ("parentSpanId", span::PARENT_SPAN_ID, true),
    ("name", span::NAME, true),
    ("packageName", span::PACKAGE_NAME, true),
    ("instrumentationName", span::INSTRUMENTATION_NAME, true),
    ("submoduleName", span::SUBMODULE_NAME, true),
    ("inputSchemaHash", span::INPUT_SCHEMA_HASH, true),
    ("outputSchemaHash", span::OUTPUT_SCHEMA_HASH, true),
    ("inputValueHash", span::INPUT_VALUE_HASH, true),
    ("outputValueHash", span::OUTPUT_VALUE_HASH, true),
    ("environment", span::ENVIRONMENT, false),
    ("id", span::ID, false),
];

fn write_span(builder: &mut DocumentBuilder, span_bytes: Slice<'_>) -> Result<(), ProtobufError> {
    let mut strings = [None; STRINGS.len()];
    let (mut package_type, mut kind) = (0, 0);
    let (mut is_pre_app_start, mut is_root_span) = (false, false);
    let (mut input, mut output, mut metadata) = (Vec::new(), Vec::new(), None);
    let (mut input_schema, mut output_schema) = (Vec::new(), Vec::new());
    let (mut status, mut timestamp, mut duration) = (Vec::new(), Vec::new(), Vec::new());
    each_field(&[span_bytes], |field| {
        let known_string = STRINGS
            .iter()
            .position(|(_, number, _)| *number == field.number);
        if let Some(slot) = known_string.and_then(|place| strings.get_mut(place)) {
            *slot = Some(string(field)?);
            return Ok(());
        }
        match field.number {
            span::PACKAGE_TYPE => package_type = int32(field)?,
            span::KIND => kind = int32(field)?,
            span::IS_PRE_APP_START => is_pre_app_start = boolean(field)?,
            span::IS_ROOT_SPAN => is_root_span = boolean(field)?,
            span::INPUT_VALUE => input.push(message(field)?),
            span::OUTPUT_VALUE => output.push(message(field)?),
            span::INPUT_SCHEMA => input_schema.push(message(field)?),
            span::OUTPUT_SCHEMA => output_schema.push(message(field)?),
            span::STATUS => status.push(message(field)?),
            span::TIMESTAMP => timestamp.push(message(field)?),
            span::DURATION => duration.push(message(field)?),
            span::METADATA => metadata.get_or_insert_with(Vec::new).push(message(field)?),
            _ => {}
        }
        Ok(())
    })?;

    builder.begin_object().map_err(too_deep)?;
    for ((name, _, always), value) in STRINGS.iter().zip(strings) {
        if let Some(value) = value.or(always.then_some("")) {
            builder.key(name);
            builder.string(value);
        }
    }
    builder.key("packageType");
    builder.int(package_type);
    builder.key("kind");
    builder.int(kind);
    builder.key("isPreAppStart");
    builder.bool(is_pre_app_start);
    builder.key("isRootSpan");
    builder.bool(is_root_span);
    builder.key("status");
    write_status(builder, &status)?;
    builder.key("timestamp");
    write_time(builder, &timestamp)?;
    builder.key("duration");
    write_time(builder, &duration)?;
    builder.key("inputValue");
    write_struct(builder, &input)?;
    builder.key("outputValue");
    write_struct(builder, &output)?;
    builder.key("inputSchema");
    write_schema(builder, &input_schema)?;
    builder.key("outputSchema");
    write_schema(builder, &output_schema)?;
    if let Some(metadata) = metadata {
        builder.key("metadata");
        write_struct(builder, &metadata)?;
    }
    builder.end();
    Ok(())
}

fn write_status(builder: &mut DocumentBuilder, parts: &[Slice<'_>]) -> Result<(), ProtobufError> {
    let (mut code, mut text) = (0, "");
    each_field(parts, |field| {
        match field.number {
            span_status::CODE => code = int32(field)?,
            span_status::MESSAGE => text = string(field)?,
            _ => {}
        }
        Ok(())
    })?;
    builder.begin_object().map_err(too_deep)?;
    builder.key("code");
    builder.int(code);
    builder.key("message");
    builder.string(text);
    builder.end();
    Ok(())
}

fn write_time(builder: &mut DocumentBuilder, parts: &[Slice<'_>]) -> Result<(), ProtobufError> {
    let (mut seconds, mut nanos) = (0, 0);
    each_field(parts, |field| {
        match field.number {
            time::SECONDS => seconds = int64(field)?,
            time::NANOS => nanos = int32(field)?,
            _ => {}
        }
        Ok(())
    })?;
    builder.begin_object().map_err(too_deep)?;
    builder.key("seconds");
    builder.int(seconds);
    builder.key("nanos");
    builder.int(nanos);
    builder.end();
    Ok(())
}

fn write_export_request(
    builder: &mut DocumentBuilder,
    request: Slice<'_>,
) -> Result<(), ProtobufError> {
    let mut strings = [""; 4];
    let mut spans = Vec::new();
    each_field(&[request], |field| {
        let place = match field.number {
            export::OBSERVABLE_SERVICE_ID => 0,
            export::ENVIRONMENT => 1,
            export::SDK_VERSION => 2,
            export::SDK_INSTANCE_ID => 3,
            export::SPANS => {
                spans.push(message(field)?);
                return Ok(());
            }
            _ => return Ok(()),
        };
        if let Some(slot) = strings.get_mut(place) {
            *slot = string(field)?;
        }
        Ok(())
    })?;
    builder.begin_object().map_err(too_deep)?;
    let names = [
        "observableServiceId",
        "environment",
        "sdkVersion",
        "sdkInstanceId",
    ];
    for (name, value) in names.into_iter().zip(strings) {
        builder.key(name);
        builder.string(value);
    }
    builder.key("spans");
    builder.begin_array().map_err(too_deep)?;
    for span in spans {
        write_span(builder, span)?;
    }
    builder.end();
    builder.end();
    Ok(())
}
