//! `tusk.drift.backend.v1.ExportSpansRequest` bytes.

use crate::error::ExportError;
use crate::proto::check::check_span;
use crate::proto::fields::export;
use crate::proto::wire::{WireType, push_varint, varint_len};

/// The four strings of an export request.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExportHeader<'a> {
    /// The service's id at the backend.
    pub observable_service_id: &'a str,
    /// `production`, `staging`, …
    pub environment: &'a str,
    /// The SDK's version.
    pub sdk_version: &'a str,
    /// The id of the running SDK instance.
    pub sdk_instance_id: &'a str,
}

/// The bytes of an export request: its four strings and the spans' bytes laid
/// in as they are.
///
/// Of each span only the top-level fields are checked: tags and lengths are
/// complete, a known field has its wire type, there is no field 0 and no group.
///
/// # Errors
/// [`ExportError::Protobuf`] at the first bad span, with its index.
///
/// ```
/// use drift_rust_core::{ExportHeader, build_export_spans_request_bytes};
/// let header = ExportHeader { environment: "test", ..Default::default() };
/// assert_eq!(build_export_spans_request_bytes(&header, &[&b""[..]])?, b"\x12\x04test\x2a\x00");
/// let error = build_export_spans_request_bytes(&header, &[&b""[..], b"\x07"]).unwrap_err();
/// assert_eq!((error.code().as_str(), error.index()), ("invalid_protobuf", Some(1)));
/// # Ok::<(), drift_rust_core::ExportError>(())
/// ```
pub fn build_export_spans_request_bytes(
    header: &ExportHeader<'_>,
    spans: &[impl AsRef<[u8]>],
) -> Result<Vec<u8>, ExportError> {
    for (index, span) in spans.iter().enumerate() {
        check_span(span.as_ref()).map_err(|source| ExportError::Protobuf { index, source })?;
    }
    Ok(lay_in(header, spans))
}

/// The same without the check, for spans that are known to be good.
pub(crate) fn lay_in(header: &ExportHeader<'_>, spans: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let strings = [
        (export::OBSERVABLE_SERVICE_ID, header.observable_service_id),
        (export::ENVIRONMENT, header.environment),
        (export::SDK_VERSION, header.sdk_version),
        (export::SDK_INSTANCE_ID, header.sdk_instance_id),
    ];
    let field_len = |length: usize| 1 + varint_len(length as u64) + length;
    let capacity = strings
        .iter()
        .map(|(_, value)| field_len(value.len()))
        .chain(spans.iter().map(|span| field_len(span.as_ref().len())))
        .sum();
    let mut out = Vec::with_capacity(capacity);
    let mut field = |number: u32, bytes: &[u8]| {
        push_varint(&mut out, u64::from(number << 3 | WireType::Length as u32));
        push_varint(&mut out, bytes.len() as u64);
        out.extend_from_slice(bytes);
    };
    for (number, value) in strings {
        if !value.is_empty() {
            field(number, value.as_bytes());
        }
    }
    for span in spans {
        field(export::SPANS, span.as_ref());
    }
    out
}
