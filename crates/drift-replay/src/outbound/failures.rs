//! Recorded calls that hold no answer, since they failed. SDKs take no failure from
//! the mock server, so that in replay the service gets an empty answer instead.

use crate::span::{Span, SpanKind};
use crate::tree::Json;
use tusk_drift_schemas::tusk::drift::core::v1::PackageType;

/// Span status `ERROR` of the contract.
const ERROR: i32 = 2;

/// Why a recorded call holds no answer, for people; `None` of one that has one.
///
/// An answer of HTTP has a status, whatever that is: one of 500 is given to the
/// service as it was, though its span is an error.
pub fn without_answer(span: &Span) -> Option<String> {
    let output = span
        .output_value
        .as_deref()
        .and_then(|text| Json::parse(text.as_bytes()));
    let has = |key: &str| {
        output
            .as_ref()
            .is_some_and(|output| output.get(key).is_some())
    };
    let is = |kind: PackageType| span.package_type == kind as i32;
    let is_client = span.kind == SpanKind::Client;
    let says_nothing = match span.status_code {
        _ if is(PackageType::Http) && is_client => !has("statusCode") && !has("status"),
        // Their failures are outputs, which the SDK gives back.
        ERROR if is(PackageType::Grpc) || span.package_name == "jsonwebtoken" => !has("error"),
        code => code == ERROR,
    };
    if !says_nothing {
        return None;
    }
    let how = match (span.status_code, span.status_message.trim()) {
        (ERROR, "") => "it failed".to_owned(),
        (ERROR, message) => format!("it failed with {message:?}"),
        _ => "the SDK recorded no status of it, as of one that failed".to_owned(),
    };
    Some(format!(
        "the recording of this call holds no answer: {how}, and the SDK cannot be given a failure"
    ))
}
