//! A request that makes drift read a long trace: it says so before, it is
//! answered all the same, and nobody else waits for it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test is what a panic is for"
)]

mod sdk;
mod support;

use std::sync::Arc;

use drift_replay::Matcher;
use drift_replay::matcher::MAX_READ_AT_ONCE;
use drift_replay::server::{Server, ServerOptions};
use sdk::recorded::*;
use sdk::{Client, Question};
use support::{Call, matcher_of, number_of, trace_id};
use tusk_drift_schemas::tusk::drift::core::v1 as contract;

fn post(place: usize, id: usize) -> Call {
    Call::http(
        "POST",
        &format!("/{place}"),
        "{}",
        &format!("{{\"id\":{id}}}"),
    )
}

/// Calls to different places, numbered from 1.
fn calls(count: usize) -> Vec<Call> {
    (1..=count).map(|place| post(place, place)).collect()
}

/// A call that equals none of these: the one to the same place answers it.
fn changed(place: usize) -> Call {
    post(place, 0)
}

fn number(matcher: &Matcher, answer: &drift_replay::Answer) -> Option<usize> {
    number_of(matcher, answer).map(|number| number as usize)
}

#[test]
fn a_request_that_makes_drift_read_a_long_trace_says_so_and_marks_nothing() {
    let last = MAX_READ_AT_ONCE + 1;
    let (_directory, matcher) = matcher_of("long-trace", &[(1, calls(last))]);
    let request = changed(last).request(Some(1));
    for _ in 0..2 {
        assert_eq!(matcher.answer_at_once(&request), None);
    }
    assert_eq!(matcher.unused(&trace_id(1)).len(), last);
    // What an equal call answers needs no guard.
    let equal = matcher.answer_at_once(&post(1, 1).request(Some(1)));
    assert_eq!(equal.and_then(|equal| number(&matcher, &equal)), Some(1));
    let answer = matcher.answer(&request);
    assert_eq!(number(&matcher, &answer), Some(last));
    // It was read once, for all requests to come.
    matcher.begin_test(&trace_id(1));
    assert_eq!(matcher.answer_at_once(&request), Some(answer));
}

#[test]
fn a_request_that_makes_drift_read_a_short_trace_is_answered_at_once() {
    let (_directory, matcher) = matcher_of(
        "short-trace",
        &[(1, calls(MAX_READ_AT_ONCE)), (2, calls(MAX_READ_AT_ONCE))],
    );
    for (trace, first) in [(1, 0), (2, MAX_READ_AT_ONCE)] {
        let request = changed(7).request(Some(trace));
        let at_once = matcher.answer_at_once(&request).unwrap();
        assert_eq!(number(&matcher, &at_once), Some(first + 7));
        matcher.begin_test(&trace_id(trace));
        assert_eq!(at_once, matcher.answer(&request));
    }
}

#[test]
fn a_request_that_makes_drift_read_all_calls_of_a_long_start_says_so() {
    for (count, at_once) in [(MAX_READ_AT_ONCE, true), (MAX_READ_AT_ONCE + 1, false)] {
        let boot: Vec<Call> = calls(count).into_iter().map(Call::before_start).collect();
        // Calls after the start are not read for it.
        let (_directory, matcher) = matcher_of("long-start", &[(1, boot), (2, calls(200))]);
        let request = changed(7).before_start().request(None);
        assert_eq!(matcher.answer_at_once(&request).is_some(), at_once);
        assert_eq!(number(&matcher, &matcher.answer(&request)), Some(7));
        assert!(matcher.answer_at_once(&request).is_some());
    }
}

/// The message that an SDK sends for a call.
fn message(request_id: &str, call: &Call) -> contract::SdkMessage {
    contract::SdkMessage {
        r#type: 2,
        request_id: request_id.to_owned(),
        payload: Some(Question::GetMockRequest(call.message(request_id, Some(1)))),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn requests_that_waited_for_a_long_trace_are_answered_before_those_behind_them() {
    const REQUESTS: usize = 40;
    // All to one place, so that the recorded order alone tells which answers which.
    let recorded = (1..=MAX_READ_AT_ONCE * 10).map(|id| post(1, id)).collect();
    let (_directory, matcher) = matcher_of("in-order", &[(1, recorded)]);
    let (server, _events) =
        Server::start(&loopback(), Arc::new(matcher), ServerOptions::default()).unwrap();
    let address = server.address().clone();
    blocking(move || {
        let mut client = Client::new(&address);
        for number in 1..=REQUESTS {
            client.send(&message(&format!("{number}"), &changed(1)));
        }
        for number in 1..=REQUESTS {
            let answer = client.receive_mock();
            assert_eq!(answer.request_id, format!("{number}"));
            assert_eq!(answer.matched_span_id, format!("{number:016x}"));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_request_that_makes_drift_read_a_long_trace_is_answered_on_its_socket() {
    let last = MAX_READ_AT_ONCE * 10;
    let (_directory, matcher) = matcher_of("served", &[(1, calls(last))]);
    let (server, _events) =
        Server::start(&loopback(), Arc::new(matcher), ServerOptions::default()).unwrap();
    let address = server.address().clone();
    blocking(move || {
        let mut client = Client::new(&address);
        // Both wait for one reading of the trace.
        for place in [last - 1, last] {
            client.send(&message(&format!("{place}"), &changed(place)));
        }
        for place in [last - 1, last] {
            let answer = client.receive_mock();
            assert_eq!(answer.request_id, format!("{place}"));
            assert_eq!(answer.matched_span_id, format!("{place:016x}"));
        }
    })
    .await;
}
