//! A live request of an SDK, in the form of a recorded span.

use crate::load::{LineError, parse_live};
use crate::span::{Span, SpanKind};
use drift_rust_core::ProtobufError;
use prost::Message as _;
use prost_types::value::Kind;
use prost_types::{Struct, Value};
use tusk_drift_schemas::tusk::drift::core::v1::{GetMockRequest, Span as WireSpan};

/// What an SDK asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MockRequest {
    /// The trace identifier of the inbound request that the call belongs to;
    /// `None` before the service is ready, and outside any request.
    pub test_id: Option<String>,
    /// The call, without an answer.
    pub span: Span,
}

/// Why a request cannot be answered, whatever was recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// There is no call in it. The SDK's fault.
    #[error("the mock request has no outbound span")]
    NoSpan,
    /// The call does not say through which library it is made. The SDK's fault.
    #[error("the outbound span of the mock request has no package name")]
    NoPackage,
    /// Its values are nested too deep, or hold what JSON cannot. The SDK's fault.
    #[error("the outbound span of the mock request cannot be read: {0}")]
    Unreadable(ProtobufError),
    /// It cannot be read as a span. Our fault.
    #[error("the outbound span of the mock request cannot be read: {0}")]
    Invalid(LineError),
}

impl RequestError {
    /// The permanent code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            RequestError::NoSpan => "no_outbound_span",
            RequestError::NoPackage => "no_package_name",
            RequestError::Unreadable(_) => "unreadable_span",
            RequestError::Invalid(_) => "invalid_span",
        }
    }
}

impl MockRequest {
    /// Reads the message of an SDK.
    ///
    /// The call is read by the code that reads trace lines. Its numbers come as
    /// doubles; integral ones within 2^53 become integers, as they were before
    /// the SDK put them into a Struct. What is asked for is a call that the
    /// service makes: an SDK that says SERVER, or nothing, counts kinds as npm
    /// 0.1.27 does, and means CLIENT.
    ///
    /// # Errors
    /// [`RequestError`] for a message without a call, and for a call without a
    /// package name or that cannot be read.
    pub fn from_message(message: &GetMockRequest) -> Result<MockRequest, RequestError> {
        let outbound = message.outbound_span.as_ref().ok_or(RequestError::NoSpan)?;
        if outbound.package_name.is_empty() {
            return Err(RequestError::NoPackage);
        }
        let json = match drift_rust_core::span_to_json(&outbound.encode_to_vec()) {
            Ok(json) => json,
            // JSON has no NaN and no infinities: a recorder wrote null for them.
            Err(error) => {
                let finite = WireSpan {
                    input_value: outbound.input_value.clone().map(without_infinities),
                    output_value: None,
                    metadata: None,
                    ..outbound.clone()
                };
                drift_rust_core::span_to_json(&finite.encode_to_vec())
                    .map_err(|_| RequestError::Unreadable(error))?
            }
        };
        let mut span = parse_live(json.as_bytes()).map_err(RequestError::Invalid)?;
        // The text has empty objects for what the message does not have.
        for (text, absent) in [
            (&mut span.input_value, outbound.input_value.is_none()),
            (&mut span.output_value, outbound.output_value.is_none()),
            (&mut span.input_schema, outbound.input_schema.is_none()),
            (&mut span.output_schema, outbound.output_schema.is_none()),
        ] {
            if absent {
                *text = None;
            }
        }
        span.duration_nanos = outbound.duration.as_ref().and(span.duration_nanos);
        span.kind = match span.kind {
            SpanKind::Server | SpanKind::Unspecified => SpanKind::Client,
            kind => kind,
        };
        if span.stack_trace.is_empty() {
            span.stack_trace.clone_from(&message.stack_trace);
        }
        Ok(MockRequest {
            test_id: (!message.test_id.is_empty()).then(|| message.test_id.clone()),
            span,
        })
    }
}

/// The same with null for numbers that are not finite. Not deeper than prost
/// decodes, so recursion has a bound.
fn without_infinities(mut structure: Struct) -> Struct {
    fn mend(value: &mut Value) {
        match &mut value.kind {
            Some(Kind::NumberValue(number)) if !number.is_finite() => {
                value.kind = Some(Kind::NullValue(0));
            }
            Some(Kind::StructValue(structure)) => structure.fields.values_mut().for_each(mend),
            Some(Kind::ListValue(list)) => list.values.iter_mut().for_each(mend),
            _ => {}
        }
    }
    structure.fields.values_mut().for_each(mend);
    structure
}
