//! The Node package `@use-tusk/drift-core-node`: each function reads its
//! arguments, makes one call of the core and converts the result.
//!
//! No rule about values is here; the types that the declarations name are in
//! `types.d.ts`.

mod batch;
mod external;
mod factory;
mod failure;
mod js;
mod kept;
mod operation;
mod payload;
mod read;
mod span;
mod transcode;

use batch::{BuildExport, BuildExportHandles, ProcessSpans, ProcessSpansHandles};
use drift_rust_core as core;
use factory::NORMALIZE_AND_HASH;
use failure::{Failure, run};
use js::{Js, Value};
use napi::bindgen_prelude::{Env, Unknown};
use napi_derive::napi;
use operation::{Operation, start};
use payload::{PayloadInput, ProcessPayload};
use read::{CanonicalOptions, Copied, InPlace, Source as _, Text, canonical_options};
use span::{BuildSpan, BuildSpanHandles, ProcessSpan, SpanHandles, Unread};
use std::borrow::Cow;

/// What every function gives to napi-rs.
type Returned<'s> = napi::Result<Unknown<'s>>;

/// Runs one function of the core on a text in place.
fn with_text<'s, T>(
    js: &Js<'s>,
    text: Value<'s>,
    call: impl FnOnce(&Text<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let text = InPlace(js)
        .text(text)
        .map_err(|unfit| unfit.of_argument("payloadJson"))?;
    call(&text)
}

/// Runs one function of the core on a text in place, by the options.
fn with_options<'s, T>(
    js: &mut Js<'s>,
    text: Value<'s>,
    options: Value<'s>,
    call: impl FnOnce(&Text<'_>, CanonicalOptions) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let options = canonical_options(js, options)?;
    with_text(js, text, |text| call(text, options))
}

/// Runs one function of the core on protobuf bytes in place.
fn with_bytes<'s, T>(
    js: &Js<'s>,
    name: &str,
    bytes: Value<'s>,
    call: impl FnOnce(&[u8]) -> Result<T, Failure>,
) -> Result<T, Failure> {
    call(&bytes_of(js, name, bytes)?)
}

fn bytes_of<'a, 's>(
    js: &'a Js<'s>,
    name: &str,
    bytes: Value<'s>,
) -> Result<Cow<'a, [u8]>, Failure> {
    InPlace(js)
        .bytes(bytes)
        .map_err(|unfit| unfit.of_argument(name))
}

/// The canonical form of a JSON text.
#[napi(
    ts_args_type = "payloadJson: JsonText, options?: CanonicalOptions | undefined | null",
    ts_return_type = "string"
)]
pub fn normalize_json<'s>(
    env: &'s Env,
    payload_json: Unknown<'s>,
    options: Unknown<'s>,
) -> Returned<'s> {
    run(env, |js| {
        let (text, options) = (js.argument(payload_json), js.argument(options));
        let normalized = with_options(js, text, options, |text, options| {
            Ok(core::normalize_json_as(text.json(), options.profile)?)
        })?;
        js.end_texts();
        js.string_of(normalized)
    })
}

/// The digest of the canonical form, 64 characters of lower-case hex.
#[napi(
    ts_args_type = "payloadJson: JsonText, options?: CanonicalOptions | undefined | null",
    ts_return_type = "string"
)]
pub fn deterministic_hash<'s>(
    env: &'s Env,
    payload_json: Unknown<'s>,
    options: Unknown<'s>,
) -> Returned<'s> {
    run(env, |js| {
        let (text, options) = (js.argument(payload_json), js.argument(options));
        let hash = with_options(js, text, options, |text, options| {
            let CanonicalOptions { profile, algorithm } = options;
            Ok(core::normalize_and_hash_as(text.json(), profile, algorithm)?.1)
        })?;
        js.string(&hash)
    })
}

/// The canonical form and its digest.
#[napi(
    ts_args_type = "payloadJson: JsonText, options?: CanonicalOptions | undefined | null",
    ts_return_type = "NormalizeAndHashResult"
)]
pub fn normalize_and_hash<'s>(
    env: &'s Env,
    payload_json: Unknown<'s>,
    options: Unknown<'s>,
) -> Returned<'s> {
    run(env, |js| {
        let (text, options) = (js.argument(payload_json), js.argument(options));
        let (normalized, hash) = with_options(js, text, options, |text, options| {
            let CanonicalOptions { profile, algorithm } = options;
            Ok(core::normalize_and_hash_as(
                text.json(),
                profile,
                algorithm,
            )?)
        })?;
        js.end_texts();
        let values = [js.string_of(normalized)?, js.string(&hash)?];
        js.shaped(&NORMALIZE_AND_HASH, values)
    })
}

/// `google.protobuf.Struct` bytes of a JSON text; none for a text that is not an object.
#[napi(ts_args_type = "payloadJson: JsonText", ts_return_type = "Buffer")]
pub fn object_to_protobuf_struct_bytes<'s>(
    env: &'s Env,
    payload_json: Unknown<'s>,
) -> Returned<'s> {
    run(env, |js| {
        let bytes = with_text(js, js.argument(payload_json), |text| {
            Ok(core::object_to_protobuf_struct_bytes(text.json())?)
        })?;
        js.end_texts();
        js.buffer_of(bytes)
    })
}

/// The number of distinct top-level keys, 0 for anything but an object.
#[napi(ts_args_type = "payloadJson: JsonText", ts_return_type = "number")]
pub fn object_to_protobuf_struct_field_count<'s>(
    env: &'s Env,
    payload_json: Unknown<'s>,
) -> Returned<'s> {
    run(env, |js| {
        let count = with_text(js, js.argument(payload_json), |text| {
            Ok(core::object_to_protobuf_struct_field_count(text.json())?)
        })?;
        js.number(count as f64)
    })
}

/// Normalises a payload, decodes it by its merges, and gives its hashes,
/// schema and Struct bytes.
#[napi(
    ts_args_type = "payloadJson: JsonText, schemaMergesJson?: JsonText | undefined | null",
    ts_return_type = "ProcessExportPayloadResult"
)]
pub fn process_export_payload<'s>(
    env: &'s Env,
    payload_json: Unknown<'s>,
    schema_merges_json: Unknown<'s>,
) -> Returned<'s> {
    run(env, |js| {
        let (payload, merges) = (js.argument(payload_json), js.argument(schema_merges_json));
        let input = PayloadInput::read(&InPlace(js), payload, merges)?;
        let output = ProcessPayload::compute(&input);
        drop(input);
        js.end_texts();
        ProcessPayload::convert(js, output?)
    })
}

/// The same off the event loop; buffers are copied first.
#[napi(
    ts_args_type = "payloadJson: JsonText, schemaMergesJson?: JsonText | undefined | null",
    ts_return_type = "Promise<ProcessExportPayloadResult>"
)]
pub fn process_export_payload_async<'s>(
    env: &'s Env,
    payload_json: Unknown<'s>,
    schema_merges_json: Unknown<'s>,
) -> Returned<'s> {
    start::<ProcessPayload>(env, |js| {
        let (payload, merges) = (js.argument(payload_json), js.argument(schema_merges_json));
        PayloadInput::read(&Copied(js), payload, merges)
    })
}

/// Span bytes of a span whose payloads were processed before.
#[napi(
    ts_args_type = "input: BuildSpanProtoBytesInput",
    ts_return_type = "Buffer"
)]
pub fn build_span_proto_bytes<'s>(env: &'s Env, input: Unknown<'s>) -> Returned<'s> {
    run(env, |js| {
        let handles = BuildSpanHandles::read(js, js.argument(input))?;
        let input = handles.resolve(&InPlace(js))?;
        let output = BuildSpan::compute(&input)?;
        BuildSpan::convert(js, output)
    })
}

/// The same off the event loop; buffers are copied first.
#[napi(
    ts_args_type = "input: BuildSpanProtoBytesInput",
    ts_return_type = "Promise<Buffer>"
)]
pub fn build_span_proto_bytes_async<'s>(env: &'s Env, input: Unknown<'s>) -> Returned<'s> {
    start::<BuildSpan>(env, |js| {
        let handles = BuildSpanHandles::read(js, js.argument(input))?;
        handles.resolve(&Copied(js))
    })
}

/// An export request: its four strings and the spans' bytes laid in as they are.
#[napi(
    ts_args_type = "observableServiceId: string, environment: string, sdkVersion: string, sdkInstanceId: string, spans: Array<Buffer | Uint8Array>",
    ts_return_type = "Buffer"
)]
pub fn build_export_spans_request_bytes<'s>(
    env: &'s Env,
    observable_service_id: Unknown<'s>,
    environment: Unknown<'s>,
    sdk_version: Unknown<'s>,
    sdk_instance_id: Unknown<'s>,
    spans: Unknown<'s>,
) -> Returned<'s> {
    let header = [
        observable_service_id,
        environment,
        sdk_version,
        sdk_instance_id,
    ];
    run(env, |js| {
        let header = header.map(|text| js.argument(text));
        let handles = BuildExportHandles::read(js, header, js.argument(spans))?;
        BuildExport::call(js, handles)
    })
}

/// The same off the event loop; buffers are copied first.
#[napi(
    ts_args_type = "observableServiceId: string, environment: string, sdkVersion: string, sdkInstanceId: string, spans: Array<Buffer | Uint8Array>",
    ts_return_type = "Promise<Buffer>"
)]
pub fn build_export_spans_request_bytes_async<'s>(
    env: &'s Env,
    observable_service_id: Unknown<'s>,
    environment: Unknown<'s>,
    sdk_version: Unknown<'s>,
    sdk_instance_id: Unknown<'s>,
    spans: Unknown<'s>,
) -> Returned<'s> {
    let header = [
        observable_service_id,
        environment,
        sdk_version,
        sdk_instance_id,
    ];
    start::<BuildExport>(env, |js| {
        let header = header.map(|text| js.argument(text));
        let handles = BuildExportHandles::read(js, header, js.argument(spans))?;
        handles.resolve(&Copied(js))
    })
}

/// A whole span in one call: its raw payloads and fields in, its bytes,
/// hashes, schemas and normalised values out.
#[napi(ts_args_type = "span: SpanInput", ts_return_type = "ProcessedSpan")]
pub fn process_span<'s>(env: &'s Env, span: Unknown<'s>) -> Returned<'s> {
    run(env, |js| {
        let handles = SpanHandles::read(js, js.argument(span))?;
        let input = handles.resolve(&InPlace(js))?;
        let output = ProcessSpan::compute(&input);
        input.give_back(js);
        ProcessSpan::convert(js, output?)
    })
}

/// The same off the event loop; buffers are copied first.
#[napi(
    ts_args_type = "span: SpanInput",
    ts_return_type = "Promise<ProcessedSpan>"
)]
pub fn process_span_async<'s>(env: &'s Env, span: Unknown<'s>) -> Returned<'s> {
    start::<ProcessSpan>(env, |js| {
        let handles = SpanHandles::read(js, js.argument(span))?;
        handles.resolve(&Copied(js)).map_err(Unread::into)
    })
}

/// A whole batch in one call: spans, raw or encoded, in, an export request
/// out. Bad spans are reported by index and left out, unless `strict`.
#[napi(
    ts_args_type = "spans: Array<SpanInput | Buffer | Uint8Array>, options?: ProcessSpansOptions | undefined | null",
    ts_return_type = "ProcessedBatch"
)]
pub fn process_spans<'s>(env: &'s Env, spans: Unknown<'s>, options: Unknown<'s>) -> Returned<'s> {
    run(env, |js| {
        ProcessSpans::call(js, js.argument(spans), js.argument(options))
    })
}

/// The same off the event loop; buffers are copied first.
#[napi(
    ts_args_type = "spans: Array<SpanInput | Buffer | Uint8Array>, options?: ProcessSpansOptions | undefined | null",
    ts_return_type = "Promise<ProcessedBatch>"
)]
pub fn process_spans_async<'s>(
    env: &'s Env,
    spans: Unknown<'s>,
    options: Unknown<'s>,
) -> Returned<'s> {
    start::<ProcessSpans>(env, |js| {
        let (spans, options) = (js.argument(spans), js.argument(options));
        let handles = ProcessSpansHandles::read(js, spans, options)?;
        handles.resolve(&Copied(js))
    })
}

/// An encoded span as the canonical JSON of a trace line.
#[napi(
    ts_args_type = "spanBytes: Buffer | Uint8Array",
    ts_return_type = "string"
)]
pub fn span_to_json<'s>(env: &'s Env, span_bytes: Unknown<'s>) -> Returned<'s> {
    run(env, |js| {
        let json = with_bytes(js, "spanBytes", js.argument(span_bytes), |bytes| {
            Ok(core::span_to_json(bytes)?)
        })?;
        js.string_of(json)
    })
}

/// An encoded export request as canonical JSON, its spans as `spanToJson` gives them.
#[napi(
    ts_args_type = "requestBytes: Buffer | Uint8Array",
    ts_return_type = "string"
)]
pub fn export_request_to_json<'s>(env: &'s Env, request_bytes: Unknown<'s>) -> Returned<'s> {
    run(env, |js| {
        let json = with_bytes(js, "requestBytes", js.argument(request_bytes), |bytes| {
            Ok(core::export_request_to_json(bytes)?)
        })?;
        js.string_of(json)
    })
}

/// `google.protobuf.Struct` bytes as canonical JSON.
#[napi(
    ts_args_type = "structBytes: Buffer | Uint8Array",
    ts_return_type = "string"
)]
pub fn struct_to_json<'s>(env: &'s Env, struct_bytes: Unknown<'s>) -> Returned<'s> {
    run(env, |js| {
        let json = with_bytes(js, "structBytes", js.argument(struct_bytes), |bytes| {
            Ok(core::struct_to_json(bytes)?)
        })?;
        js.string_of(json)
    })
}

/// The differences between two JSON texts, depth first in canonical key order.
#[napi(
    ts_args_type = "leftJson: JsonText, rightJson: JsonText",
    ts_return_type = "Array<Difference>"
)]
pub fn diff_json<'s>(
    env: &'s Env,
    left_json: Unknown<'s>,
    right_json: Unknown<'s>,
) -> Returned<'s> {
    run(env, |js| {
        let source = InPlace(js);
        let text = |name, value| {
            source
                .text(js.argument(value))
                .map_err(|unfit| unfit.of_argument(name))
        };
        let left = text("leftJson", left_json)?;
        let right = text("rightJson", right_json)?;
        let found = core::diff_json(left.json(), right.json())?;
        differences(js, &found)
    })
}

/// The differences between two encoded spans, as their trace lines; the order
/// of map entries is none.
#[napi(
    ts_args_type = "leftBytes: Buffer | Uint8Array, rightBytes: Buffer | Uint8Array",
    ts_return_type = "Array<Difference>"
)]
pub fn diff_spans<'s>(
    env: &'s Env,
    left_bytes: Unknown<'s>,
    right_bytes: Unknown<'s>,
) -> Returned<'s> {
    run(env, |js| {
        let left = bytes_of(js, "leftBytes", js.argument(left_bytes))?;
        let right = bytes_of(js, "rightBytes", js.argument(right_bytes))?;
        let found = core::diff_spans(&left, &right)?;
        differences(js, &found)
    })
}

/// The differences between two encoded export requests, spans by index.
#[napi(
    ts_args_type = "leftBytes: Buffer | Uint8Array, rightBytes: Buffer | Uint8Array",
    ts_return_type = "Array<Difference>"
)]
pub fn diff_export_requests<'s>(
    env: &'s Env,
    left_bytes: Unknown<'s>,
    right_bytes: Unknown<'s>,
) -> Returned<'s> {
    run(env, |js| {
        let left = bytes_of(js, "leftBytes", js.argument(left_bytes))?;
        let right = bytes_of(js, "rightBytes", js.argument(right_bytes))?;
        let found = core::diff_export_requests(&left, &right)?;
        differences(js, &found)
    })
}

fn differences<'s>(js: &Js<'s>, found: &[core::Difference]) -> Result<Value<'s>, Failure> {
    let side = |json: &Option<String>| match json {
        Some(json) => js.string(json),
        None => js.null(),
    };
    let list = found.iter().map(|difference| {
        js.object([
            (c"kind", js.string(difference.kind.as_str())?),
            (c"path", js.string(&difference.path)?),
            (c"left", side(&difference.left)?),
            (c"right", side(&difference.right)?),
        ])
    });
    js.array(&list.collect::<Result<Vec<_>, Failure>>()?)
}
