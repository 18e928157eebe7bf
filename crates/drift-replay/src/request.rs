//! A live request of an SDK, in the form of a recorded span.

mod text;

use crate::load::{ENV_VARS_SNAPSHOT, NANOS_PER_SECOND};
use crate::span::{Span, SpanKind};
use drift_rust_core::{MAX_DEPTH_LIMIT, ProtobufError};
use prost_types::Struct;
use tusk_drift_schemas::tusk::drift::core::v1::{GetMockRequest, JsonSchema};

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
    /// Its values are nested too deep. The SDK's fault.
    #[error("the outbound span of the mock request cannot be read: {0}")]
    Unreadable(ProtobufError),
}

impl RequestError {
    /// The permanent code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            RequestError::NoSpan => "no_outbound_span",
            RequestError::NoPackage => "no_package_name",
            RequestError::Unreadable(_) => "unreadable_span",
        }
    }
}

impl MockRequest {
    /// Reads the message of an SDK.
    ///
    /// Its values become the texts that trace lines have. Its numbers come as
    /// doubles; integral ones within 2^53 become integers, as they were before
    /// the SDK put them into a Struct, and what JSON has no form for the null
    /// that was recorded for it. What is asked for is a call that the
    /// service makes: an SDK that says SERVER, or nothing, counts kinds as npm
    /// 0.1.27 does, and means CLIENT.
    ///
    /// # Errors
    /// [`RequestError`] for a message without a call, and for a call without a
    /// package name or with a value that is nested deeper than the core reads.
    pub fn from_message(message: &GetMockRequest) -> Result<MockRequest, RequestError> {
        let outbound = message.outbound_span.as_ref().ok_or(RequestError::NoSpan)?;
        if outbound.package_name.is_empty() {
            return Err(RequestError::NoPackage);
        }
        let text = |value: &Option<Struct>| value.as_ref().map(text::of_struct).transpose();
        let schema = |of: &Option<JsonSchema>| of.as_ref().map(text::of_schema).transpose();
        let too_deep = |_: text::TooDeep| {
            RequestError::Unreadable(ProtobufError::DepthExceeded {
                limit: MAX_DEPTH_LIMIT,
            })
        };
        let kind = match outbound.name.as_str() {
            ENV_VARS_SNAPSHOT => SpanKind::Internal,
            _ => SpanKind::from_number(outbound.kind),
        };
        let status = outbound.status.as_ref();
        let span = Span {
            trace_id: outbound.trace_id.clone(),
            span_id: outbound.span_id.clone(),
            parent_span_id: outbound.parent_span_id.clone(),
            name: outbound.name.clone(),
            package_name: outbound.package_name.clone(),
            instrumentation_name: outbound.instrumentation_name.clone(),
            submodule_name: outbound.submodule_name.clone(),
            package_type: outbound.package_type,
            kind: match kind {
                SpanKind::Server | SpanKind::Unspecified => SpanKind::Client,
                kind => kind,
            },
            status_code: status.map_or(0, |status| status.code),
            status_message: status.map_or(String::new(), |status| status.message.clone()),
            // Zero is what the contract's writers put where there is no time.
            start_unix_nanos: outbound
                .timestamp
                .as_ref()
                .map(|time| nanos(time.seconds, time.nanos))
                .filter(|nanos| *nanos != 0),
            // Below zero when a clock was set back while the span was open.
            duration_nanos: outbound.duration.as_ref().map(|time| {
                u64::try_from(nanos(time.seconds, time.nanos).max(0)).unwrap_or(u64::MAX)
            }),
            is_pre_app_start: outbound.is_pre_app_start,
            is_root_span: outbound.is_root_span,
            environment: outbound.environment.clone(),
            input_value: text(&outbound.input_value).map_err(too_deep)?,
            output_value: text(&outbound.output_value).map_err(too_deep)?,
            input_schema: schema(&outbound.input_schema).map_err(too_deep)?,
            output_schema: schema(&outbound.output_schema).map_err(too_deep)?,
            input_value_hash: outbound.input_value_hash.clone(),
            input_schema_hash: outbound.input_schema_hash.clone(),
            output_value_hash: outbound.output_value_hash.clone(),
            output_schema_hash: outbound.output_schema_hash.clone(),
            metadata: text(&outbound.metadata).map_err(too_deep)?,
            stack_trace: message.stack_trace.clone(),
            place: None,
        };
        Ok(MockRequest {
            test_id: (!message.test_id.is_empty()).then(|| message.test_id.clone()),
            span,
        })
    }
}

fn nanos(seconds: i64, nanos: i32) -> i128 {
    i128::from(seconds) * NANOS_PER_SECOND + i128::from(nanos)
}
