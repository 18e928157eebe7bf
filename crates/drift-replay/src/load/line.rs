//! One line of a trace file: every spelling that a recorder has used, read
//! into one form. Leaves out what needs the rest of the file (the repair of
//! kinds) and what the values say (`forms`).

use super::error::LineError;
use super::skim::Members;
use super::time;
use crate::span::{Span, SpanKind};
use drift_rust_core::{Document, JsonError, Value, ValueOptions};
use std::borrow::Cow;
use tusk_drift_schemas::tusk::drift::core::v1::{
    PackageType, SpanKind as ContractKind, StatusCode,
};

/// The name of the span that holds the recorded environment.
pub(crate) const ENV_VARS_SNAPSHOT: &str = "ENV_VARS_SNAPSHOT";

/// A line as it stands: texts borrowed, values unread.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line<'t> {
    pub(crate) trace_id: Cow<'t, str>,
    pub(crate) span_id: Cow<'t, str>,
    pub(crate) parent_span_id: Cow<'t, str>,
    pub(crate) name: Cow<'t, str>,
    pub(crate) package_name: Cow<'t, str>,
    pub(crate) instrumentation_name: Cow<'t, str>,
    pub(crate) submodule_name: Cow<'t, str>,
    pub(crate) package_type: i32,
    pub(crate) kind: i32,
    pub(crate) status_code: i32,
    pub(crate) status_message: Cow<'t, str>,
    pub(crate) start_unix_nanos: Option<i128>,
    pub(crate) duration_nanos: Option<u64>,
    pub(crate) is_pre_app_start: bool,
    pub(crate) is_root_span: bool,
    pub(crate) environment: Option<Cow<'t, str>>,
    pub(crate) input_value: Option<Part<'t>>,
    pub(crate) output_value: Option<Part<'t>>,
    pub(crate) input_schema: Option<Part<'t>>,
    pub(crate) output_schema: Option<Part<'t>>,
    pub(crate) input_value_hash: Cow<'t, str>,
    pub(crate) input_schema_hash: Cow<'t, str>,
    pub(crate) output_value_hash: Cow<'t, str>,
    pub(crate) output_schema_hash: Cow<'t, str>,
    pub(crate) metadata: Option<Part<'t>>,
    pub(crate) transform_metadata: Option<Part<'t>>,
    pub(crate) stack_trace: Cow<'t, str>,
}

/// The text of a member's value, and where it stands in the line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'t> {
    pub(crate) text: &'t str,
    pub(crate) offset: usize,
}

impl<'t> Line<'t> {
    /// Reads the line of a recorded span.
    pub(crate) fn read(bytes: &'t [u8]) -> Result<Line<'t>, LineError> {
        let mut line = Line::default();
        let known = line.take_members(bytes)?;
        for (field, value) in [("traceId", &line.trace_id), ("spanId", &line.span_id)] {
            if value.is_empty() {
                let nothing = line.trace_id.is_empty() && line.span_id.is_empty();
                return Err(match nothing && !known {
                    true => LineError::NotASpan,
                    false => LineError::Missing { field },
                });
            }
        }
        Ok(line)
    }

    /// Takes all members of a line, whatever it lacks, and says whether it has one
    /// that hardly another tool writes. The values are not looked at, but for the
    /// brackets.
    fn take_members(&mut self, bytes: &'t [u8]) -> Result<bool, LineError> {
        let text = simdutf8::compat::from_utf8(bytes).map_err(|error| LineError::InvalidUtf8 {
            offset: error.valid_up_to(),
        })?;
        let mut known = false;
        for member in Members::of(text) {
            let member = member.map_err(|fault| {
                if fault.offset >= text.trim_end().len() {
                    LineError::Truncated { length: text.len() }
                } else {
                    LineError::InvalidJson {
                        offset: fault.offset,
                        reason: fault.reason.to_owned(),
                    }
                }
            })?;
            let key = match member.key.contains('\\') {
                false => Cow::Borrowed(member.key),
                true => match unescape(&format!("\"{}\"", member.key)) {
                    Some(key) => Cow::Owned(key),
                    None => continue,
                },
            };
            let part = Part {
                text: member.value,
                offset: member.offset,
            };
            known |= self.take(&key, part)?;
        }
        Ok(known)
    }

    /// Takes a member; whether it is one that hardly another tool has.
    fn take(&mut self, key: &str, part: Part<'t>) -> Result<bool, LineError> {
        let raw = part.text;
        if raw == "null" {
            // As if it were not there.
            return Ok(false);
        }
        match key {
            "traceId" | "trace_id" => self.trace_id = string("traceId", raw)?,
            "spanId" | "span_id" => self.span_id = string("spanId", raw)?,
            "parentSpanId" | "parent_span_id" => {
                self.parent_span_id = string("parentSpanId", raw)?;
            }
            "name" => self.name = string("name", raw)?,
            "packageName" | "package_name" => {
                self.package_name = string("packageName", raw)?;
                return Ok(true);
            }
            "instrumentationName" | "instrumentation_name" => {
                self.instrumentation_name = string("instrumentationName", raw)?;
            }
            "submoduleName" | "submodule_name" => {
                self.submodule_name = string("submoduleName", raw)?;
            }
            "packageType" | "package_type" => {
                self.package_type = enumeration("packageType", raw, "PACKAGE_TYPE_", |name| {
                    PackageType::from_str_name(name).map(i32::from)
                })?;
            }
            "kind" => {
                self.kind = enumeration("kind", raw, "SPAN_KIND_", |name| {
                    ContractKind::from_str_name(name).map(i32::from)
                })?;
            }
            "status" => self.take_status(raw)?,
            "timestamp" => self.start_unix_nanos = timestamp(raw)?,
            "duration" => self.duration_nanos = duration(raw)?,
            "isPreAppStart" | "is_pre_app_start" => {
                self.is_pre_app_start = boolean("isPreAppStart", raw)?;
            }
            "isRootSpan" | "is_root_span" => self.is_root_span = boolean("isRootSpan", raw)?,
            "environment" => self.environment = Some(string("environment", raw)?),
            "inputValue" | "input_value" => {
                self.input_value = Some(part);
                return Ok(true);
            }
            "outputValue" | "output_value" => {
                self.output_value = Some(part);
                return Ok(true);
            }
            "inputSchema" | "input_schema" => {
                self.input_schema = Some(object("inputSchema", part)?);
            }
            "outputSchema" | "output_schema" => {
                self.output_schema = Some(object("outputSchema", part)?);
            }
            "inputValueHash" | "input_value_hash" => {
                self.input_value_hash = string("inputValueHash", raw)?;
            }
            "inputSchemaHash" | "input_schema_hash" => {
                self.input_schema_hash = string("inputSchemaHash", raw)?;
            }
            "outputValueHash" | "output_value_hash" => {
                self.output_value_hash = string("outputValueHash", raw)?;
            }
            "outputSchemaHash" | "output_schema_hash" => {
                self.output_schema_hash = string("outputSchemaHash", raw)?;
            }
            "metadata" => self.metadata = Some(part),
            "transformMetadata" | "transform_metadata" => self.transform_metadata = Some(part),
            "stackTrace" | "stack_trace" => self.stack_trace = string("stackTrace", raw)?,
            _ => {}
        }
        Ok(false)
    }

    fn take_status(&mut self, raw: &'t str) -> Result<(), LineError> {
        for member in members_of("status", "an object with code and message", raw)? {
            match member {
                ("code", raw) if raw != "null" => {
                    self.status_code = enumeration("status.code", raw, "STATUS_CODE_", |name| {
                        StatusCode::from_str_name(name).map(i32::from)
                    })?;
                }
                ("message", raw) if raw != "null" => {
                    self.status_message = string("status.message", raw)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads the values that matching does not read, so that what is not JSON
    /// is found when the file is loaded and not in the middle of a run.
    pub(crate) fn check_unmatched_values(&self) -> Result<(), LineError> {
        let values = [self.output_value, self.metadata, self.transform_metadata];
        for part in values.into_iter().flatten() {
            Document::parse(part.text, ValueOptions::default())
                .map_err(|error| in_line(part, &error))?;
        }
        Ok(())
    }

    /// The same for the schema of the output.
    pub(crate) fn check_output_schema(&self) -> Result<(), LineError> {
        if let Some(part) = self.output_schema {
            check_schema(part)?;
        }
        Ok(())
    }

    /// The same for the input.
    pub(crate) fn check_input(&self) -> Result<(), LineError> {
        if let Some(part) = self.input_value {
            Document::parse(part.text, ValueOptions::default())
                .map_err(|error| in_line(part, &error))?;
        }
        if let Some(part) = self.input_schema {
            check_schema(part)?;
        }
        Ok(())
    }

    /// The span, its kind as written but for the snapshot of the environment.
    pub(crate) fn to_span(&self) -> Span {
        let text = |part: Option<Part<'_>>| part.map(|part| part.text.to_owned());
        Span {
            trace_id: self.trace_id.to_string(),
            span_id: self.span_id.to_string(),
            parent_span_id: self.parent_span_id.to_string(),
            name: self.name.to_string(),
            package_name: self.package_name.to_string(),
            instrumentation_name: self.instrumentation_name.to_string(),
            submodule_name: self.submodule_name.to_string(),
            package_type: self.package_type,
            kind: match self.name.as_ref() {
                ENV_VARS_SNAPSHOT => SpanKind::Internal,
                _ => SpanKind::from_number(self.kind),
            },
            status_code: self.status_code,
            status_message: self.status_message.to_string(),
            start_unix_nanos: self.start_unix_nanos,
            duration_nanos: self.duration_nanos,
            is_pre_app_start: self.is_pre_app_start,
            is_root_span: self.is_root_span,
            environment: self.environment.as_ref().map(|text| text.to_string()),
            input_value: text(self.input_value),
            output_value: text(self.output_value),
            input_schema: text(self.input_schema),
            output_schema: text(self.output_schema),
            input_value_hash: self.input_value_hash.to_string(),
            input_schema_hash: self.input_schema_hash.to_string(),
            output_value_hash: self.output_value_hash.to_string(),
            output_schema_hash: self.output_schema_hash.to_string(),
            metadata: text(self.metadata).or_else(|| text(self.transform_metadata)),
            stack_trace: self.stack_trace.to_string(),
            place: None,
        }
    }
}

/// A fault of a value, placed in its line.
pub(crate) fn in_line(part: Part<'_>, error: &JsonError) -> LineError {
    LineError::InvalidJson {
        offset: part.offset + error.offset().unwrap_or(0),
        reason: error.to_string(),
    }
}

fn wrong(field: &str, expected: &'static str, raw: &str) -> LineError {
    const SHOWN: usize = 40;
    let mut found: String = raw.chars().take(SHOWN).collect();
    if found.len() < raw.len() {
        found.push('…');
    }
    LineError::WrongType {
        field: field.to_owned(),
        expected,
        found,
    }
}

/// The characters of a JSON string with escapes; the core reads them, so that
/// an unpaired surrogate becomes what it is everywhere else.
fn unescape(raw: &str) -> Option<String> {
    let document = Document::parse(raw, ValueOptions::default()).ok()?;
    match document.root() {
        Value::Str(text) => Some(text.to_owned()),
        _ => None,
    }
}

fn string<'t>(field: &'static str, raw: &'t str) -> Result<Cow<'t, str>, LineError> {
    let inner = raw
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .ok_or_else(|| wrong(field, "a string", raw))?;
    if !inner.contains('\\') {
        return Ok(Cow::Borrowed(inner));
    }
    match unescape(raw) {
        Some(text) => Ok(Cow::Owned(text)),
        None => Err(wrong(field, "a string", raw)),
    }
}

/// A schema that is deeper than the core reads is left aside where it is needed:
/// the schema of a body of 128 levels is, and a recorder without the core writes it.
fn check_schema(part: Part<'_>) -> Result<(), LineError> {
    match Document::parse(part.text, ValueOptions::for_schema()) {
        Ok(_) | Err(JsonError::DepthExceeded { .. }) => Ok(()),
        Err(error) => Err(in_line(part, &error)),
    }
}

fn boolean(field: &'static str, raw: &str) -> Result<bool, LineError> {
    match raw {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(wrong(field, "true or false", raw)),
    }
}

/// An integer as a number, `3` or `3.0`, or as its digits in a string, as
/// protobuf's own JSON has 64-bit ones.
fn integer(raw: &str) -> Option<i64> {
    let digits = raw
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(raw);
    if let Ok(value) = digits.parse::<i64>() {
        return Some(value);
    }
    match raw.parse::<f64>() {
        // Below 2^53, so the conversion is exact.
        Ok(value) if value.fract() == 0.0 && value.abs() < 9e15 => Some(value as i64),
        _ => None,
    }
}

/// An enum as its number, or as its name with or without the prefix.
fn enumeration(
    field: &'static str,
    raw: &str,
    prefix: &str,
    number_of: impl Fn(&str) -> Option<i32>,
) -> Result<i32, LineError> {
    const EXPECTED: &str = "a number or a name of the contract";
    if let Some(number) = integer(raw) {
        return i32::try_from(number).map_err(|_| wrong(field, EXPECTED, raw));
    }
    let name = string(field, raw).map_err(|_| wrong(field, EXPECTED, raw))?;
    let upper = name.to_ascii_uppercase();
    number_of(&upper)
        .or_else(|| number_of(&format!("{prefix}{upper}")))
        .ok_or_else(|| wrong(field, EXPECTED, raw))
}

fn object<'t>(field: &'static str, part: Part<'t>) -> Result<Part<'t>, LineError> {
    match part.text.starts_with('{') {
        true => Ok(part),
        false => Err(wrong(field, "an object", part.text)),
    }
}

/// The members of a small object, which is one as a whole.
fn members_of<'t>(
    field: &'static str,
    expected: &'static str,
    raw: &'t str,
) -> Result<impl Iterator<Item = (&'t str, &'t str)>, LineError> {
    // Looked through twice, so that what is wrong is said of all of it, and nothing
    // is kept in between.
    if Members::of(raw).any(|member| member.is_err()) {
        return Err(wrong(field, expected, raw));
    }
    let members = Members::of(raw).filter_map(Result::ok);
    Ok(members.map(|member| (member.key, member.value)))
}

fn seconds_and_nanos(
    field: &'static str,
    expected: &'static str,
    raw: &str,
) -> Result<i128, LineError> {
    let mut nanos = 0_i128;
    for (key, raw) in members_of(field, expected, raw)? {
        let unit = match key {
            "seconds" => time::NANOS_PER_SECOND,
            "nanos" => 1,
            _ => continue,
        };
        let count = integer(raw).ok_or_else(|| wrong(field, expected, raw))?;
        nanos += i128::from(count) * unit;
    }
    Ok(nanos)
}

/// `{seconds, nanos}`, or RFC 3339. Zero is what the contract's writers put
/// where there is no time.
fn timestamp(raw: &str) -> Result<Option<i128>, LineError> {
    const EXPECTED: &str = "an object with seconds and nanos, or a time as RFC 3339 has it";
    let nanos = if raw.starts_with('"') {
        let text = string("timestamp", raw)?;
        time::parse_rfc3339(&text).ok_or_else(|| wrong("timestamp", EXPECTED, raw))?
    } else {
        seconds_and_nanos("timestamp", EXPECTED, raw)?
    };
    Ok((nanos != 0).then_some(nanos))
}

/// `{seconds, nanos}`, or seconds as protobuf's JSON has them, `"1.5s"`.
fn duration(raw: &str) -> Result<Option<u64>, LineError> {
    const EXPECTED: &str = "an object with seconds and nanos, or seconds such as \"1.5s\"";
    let nanos = if raw.starts_with('"') {
        let text = string("duration", raw)?;
        time::parse_seconds(&text).ok_or_else(|| wrong("duration", EXPECTED, raw))?
    } else {
        seconds_and_nanos("duration", EXPECTED, raw)?
    };
    // A clock that was set back while the span was open.
    Ok(Some(u64::try_from(nanos.max(0)).unwrap_or(u64::MAX)))
}
