//! The matcher as what answers on the server.

use tusk_drift_schemas::tusk::drift::core::v1 as contract;

use super::{Answered, Answering};
use crate::matcher::{Answer, Matcher, Owner, Unread};
use crate::request::MockRequest;
use crate::wording::with_causes;

impl Answering for Matcher {
    fn answer(&self, request: &contract::GetMockRequest) -> Answered {
        match MockRequest::from_message(request) {
            Ok(mock) => answered(self, &mock, Matcher::answer(self, &mock)),
            Err(error) => failure(error.code(), error.to_string()).into(),
        }
    }

    fn answer_at_once(&self, request: &contract::GetMockRequest) -> Option<Answered> {
        match MockRequest::from_message(request) {
            Ok(mock) => Some(answered(self, &mock, Matcher::answer_at_once(self, &mock)?)),
            Err(error) => Some(failure(error.code(), error.to_string()).into()),
        }
    }

    fn begin_test(&self, trace_id: &str) {
        Matcher::begin_test(self, trace_id);
    }

    fn begin_boot(&self) {
        Matcher::begin_boot(self);
    }
}

fn answered(matcher: &Matcher, mock: &MockRequest, answer: Answer) -> Answered {
    let mut response_data = None;
    let response = match &answer.found {
        Some(found) => match matcher.recording().response_data(found.span) {
            Ok(data) => {
                response_data = Some(data.struct_bytes);
                contract::GetMockResponse {
                    found: true,
                    matched_span_id: data.span_id,
                    match_level: Some(found.level.clone()),
                    ..Default::default()
                }
            }
            Err(error) => {
                matcher.give_back(mock, found);
                failure(error.code(), with_causes(&error))
            }
        },
        None => {
            let miss = miss(mock, &answer.explanation.owner);
            match &answer.explanation.unread {
                Some(Unread { code, message }) => failure(
                    code,
                    format!("{miss}; one that may answer could not be read: {message}"),
                ),
                None => failure("mock_not_found", miss),
            }
        }
    };
    Answered {
        response,
        response_data,
        matched: Some(Box::new(answer)),
    }
}

fn failure(code: &str, error: String) -> contract::GetMockResponse {
    contract::GetMockResponse {
        error,
        error_code: code.to_owned(),
        ..Default::default()
    }
}

fn miss(mock: &MockRequest, owner: &Owner) -> String {
    let span = &mock.span;
    let during = match owner {
        Owner::Test { trace_id } => format!("in the test {trace_id}"),
        Owner::Boot => "outside of tests".to_owned(),
        Owner::Unknown { test_id } => {
            format!("in the test {test_id:?}, which the recording does not have")
        }
    };
    format!(
        "no recorded call answers {:?} of the package {:?} {during}",
        span.name, span.package_name
    )
}
