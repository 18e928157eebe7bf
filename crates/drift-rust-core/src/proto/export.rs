//! `tusk.drift.backend.v1.ExportSpansRequest` bytes.

use crate::error::ExportError;
use crate::proto::check::check_span;
use crate::proto::fields::export;
use crate::proto::wire::{WireType, write_varint};

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
    Ok(ExportRequest::check(header, spans)?.to_vec())
}

/// An export request that was checked and not yet written, so that a binding
/// can write it where its host keeps the bytes.
///
/// ```
/// use drift_rust_core::{ExportHeader, ExportRequest};
/// let header = ExportHeader { environment: "test", ..Default::default() };
/// let spans = [&b"\x0a\x01a"[..]];
/// let request = ExportRequest::check(&header, &spans)?;
/// let mut bytes = Vec::with_capacity(request.len());
/// request.for_each_piece(|piece| bytes.extend_from_slice(piece));
/// assert_eq!(bytes, b"\x12\x04test\x2a\x03\x0a\x01a");
/// assert_eq!(bytes.len(), request.len());
/// # Ok::<(), drift_rust_core::ExportError>(())
/// ```
#[derive(Debug)]
pub struct ExportRequest<'a, S> {
    header: &'a ExportHeader<'a>,
    spans: &'a [S],
    length: usize,
}

impl<'a, S: AsRef<[u8]>> ExportRequest<'a, S> {
    /// Checks the spans as [`build_export_spans_request_bytes`] does.
    ///
    /// # Errors
    /// [`ExportError::Protobuf`] at the first bad span, with its index.
    pub fn check(
        header: &'a ExportHeader<'a>,
        spans: &'a [S],
    ) -> Result<ExportRequest<'a, S>, ExportError> {
        for (index, span) in spans.iter().enumerate() {
            check_span(span.as_ref()).map_err(|source| ExportError::Protobuf { index, source })?;
        }
        Ok(ExportRequest::known_good(header, spans))
    }

    /// The same without the check, for spans that are known to be good.
    pub(crate) fn known_good(header: &'a ExportHeader<'a>, spans: &'a [S]) -> ExportRequest<'a, S> {
        let mut request = ExportRequest {
            header,
            spans,
            length: 0,
        };
        let mut length = 0;
        request.for_each_piece(|piece| length += piece.len());
        request.length = length;
        request
    }

    /// The length of the request in bytes.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether the request has no bytes: no string and no span is given.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Hands out the request piece by piece, from its start to its end.
    pub fn for_each_piece(&self, mut put: impl FnMut(&[u8])) {
        let mut field = |number: u32, bytes: &[u8]| {
            // A tag of one byte and a length of at most ten.
            let mut prefix = [0; 11];
            let [tag, length @ ..] = &mut prefix;
            *tag = (number << 3 | WireType::Length as u32) as u8;
            let used = 1 + write_varint(length, bytes.len() as u64);
            put(prefix.get(..used).unwrap_or_default());
            put(bytes);
        };
        let header = self.header;
        for (number, value) in [
            (export::OBSERVABLE_SERVICE_ID, header.observable_service_id),
            (export::ENVIRONMENT, header.environment),
            (export::SDK_VERSION, header.sdk_version),
            (export::SDK_INSTANCE_ID, header.sdk_instance_id),
        ] {
            if !value.is_empty() {
                field(number, value.as_bytes());
            }
        }
        for span in self.spans {
            field(export::SPANS, span.as_ref());
        }
    }

    /// The request in a vector of its own.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.length);
        self.for_each_piece(|piece| out.extend_from_slice(piece));
        out
    }
}
