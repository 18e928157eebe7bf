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
        // Their failures are outputs, which the SDK gives back.
        _ if gives_failures_back(span, &has) => false,
        _ if is(PackageType::Http) && is_client => !has("statusCode") && !has("status"),
        ERROR if is(PackageType::Grpc) || span.package_name == "jsonwebtoken" => !has("error"),
        code => code == ERROR,
    };
    if !says_nothing {
        return None;
    }
    let how = match (span.status_code, span.status_message.trim()) {
        (ERROR, "") => "it failed".to_owned(),
        // At the end, for a secret may take the rest of its line with it.
        (ERROR, message) => format!("it failed with {}", first_line(message)),
        _ => "the SDK recorded no status of it, as of one that failed".to_owned(),
    };
    Some(format!(
        "the recording of this call holds no answer, and the SDK cannot be given a failure: {how}"
    ))
}

/// Whether a recorded output is a failure that the published SDKs (Python 0.1.29, Node
/// 0.1.27) raise again in replay.
fn gives_failures_back(span: &Span, has: &impl Fn(&str) -> bool) -> bool {
    match span.package_name.as_str() {
        "psycopg" | "psycopg2" | "sqlalchemy" => has("errorMessage") || has("errorName"),
        "@prisma/client" => has("_tdOriginalFormat"),
        // `HTTPError` alone, of all that urllib raises; it has the status as its code.
        _ => {
            span.instrumentation_name == "UrllibInstrumentation"
                && has("errorName")
                && span.status_message.starts_with("HTTP Error ")
        }
    }
}

/// What a failure says first: the rest is a trace, or an answer.
fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or_default().trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(package: &str, instrumentation: &str, message: &str, output: &str) -> Span {
        Span {
            package_name: package.to_owned(),
            instrumentation_name: instrumentation.to_owned(),
            package_type: 1,
            kind: SpanKind::Client,
            status_code: ERROR,
            status_message: message.to_owned(),
            output_value: Some(output.to_owned()),
            ..Span::default()
        }
    }

    #[test]
    fn a_failure_that_the_sdk_raises_again_is_an_answer() {
        let gone = r#"{"errorName":"HTTPError","errorMessage":"HTTP Error 404: Not Found"}"#;
        let given_back = [
            failed(
                "urllib",
                "UrllibInstrumentation",
                "HTTP Error 404: Not Found",
                gone,
            ),
            failed(
                "psycopg2",
                "Psycopg2Instrumentation",
                "x",
                r#"{"errorMessage":"x"}"#,
            ),
            failed(
                "@prisma/client",
                "PrismaInstrumentation",
                "x",
                r#"{"_tdOriginalFormat":"error"}"#,
            ),
        ];
        for span in &given_back {
            assert_eq!(without_answer(span), None, "{span:?}");
        }
        let refused = r#"{"errorName":"URLError","errorMessage":"refused"}"#;
        let lost = failed("urllib", "UrllibInstrumentation", "refused", refused);
        assert!(without_answer(&lost).is_some());
    }

    #[test]
    fn of_a_message_the_first_line_is_said_behind_the_rest() {
        let span = failed(
            "http",
            "HttpInstrumentation",
            "Unauthorized\nset-cookie: sid=1",
            "{}",
        );
        let said = without_answer(&span).unwrap_or_default();
        assert!(said.ends_with(": it failed with Unauthorized"), "{said}");
    }
}
