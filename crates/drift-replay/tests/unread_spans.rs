//! Recorded calls whose files cannot be read, for a moment or for good.

#![allow(clippy::unwrap_used, reason = "a failed test is what a panic is for")]

mod support;

use drift_replay::forms::Form;
use drift_replay::matcher::{MAX_READ_AT_ONCE, Outcome};
use drift_replay::server::Answering;
use drift_replay::{MatchOptions, Matcher};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use support::levels::*;
use support::{Call, Directory, matcher_of, number_of, trace_id};

fn post(id: usize) -> Call {
    Call::http("POST", "/a", "{}", &format!("{{\"id\":{id}}}"))
}

/// Takes a file away, so that nothing can be read from it.
fn take_away(file: &Path) -> PathBuf {
    let away = file.with_extension("away");
    std::fs::rename(file, &away).unwrap();
    away
}

/// One trace in two files, its spans in turn from one and from the other.
fn in_two_files(calls: usize) -> (Directory, Matcher) {
    let directory = Directory::new("two-files");
    let lines = |rest: usize| -> String {
        (1..=calls)
            .filter(|number| number % 2 == rest)
            .map(|number| post(number).at(number as i64).line(1, number as u32))
            .collect()
    };
    directory.write("odd.jsonl", lines(1));
    directory.write("even.jsonl", lines(0));
    let matcher = Matcher::new(Arc::new(directory.load()), MatchOptions::default());
    (directory, matcher)
}

#[test]
fn a_trace_that_could_not_be_read_for_a_moment_answers_as_soon_as_it_can() {
    for calls in [3, MAX_READ_AT_ONCE + 1] {
        // All alike, so that the recorded order decides.
        let recorded = vec![post(1); calls];
        let (directory, matcher) = matcher_of("for-a-moment", &[(1, recorded)]);
        let file = directory.path().join("001.jsonl");
        let away = take_away(&file);
        for _ in 0..3 {
            assert_eq!(ask(&matcher, &post(0), Some(1)), None);
        }
        std::fs::rename(away, file).unwrap();
        assert_eq!(ask(&matcher, &post(0), Some(1)), with(SCHEMA, 1));
        assert_eq!(ask(&matcher, &post(0), Some(1)), with(SCHEMA, 2));
        // What was read is there for all requests to come.
        assert!(matcher.answer_at_once(&post(0).request(Some(1))).is_some());
    }
}

#[test]
fn a_call_that_was_found_and_could_not_be_read_answers_the_next_request() {
    // Of an equal value; of an equal schema, the only one and one of two.
    for (recorded, asked) in [(vec![1, 1], 1), (vec![1], 2), (vec![1, 1], 2)] {
        let calls: Vec<Call> = recorded.into_iter().map(post).collect();
        let count = calls.len();
        let (directory, matcher) = matcher_of("found-unread", &[(1, calls)]);
        let message = post(asked).message("1", Some(1));
        let file = directory.path().join("001.jsonl");
        let away = take_away(&file);
        for _ in 0..2 {
            let refused = Answering::answer(&matcher, &message).response;
            assert_eq!(
                (refused.found, refused.error_code.as_str()),
                (false, "unreadable")
            );
        }
        assert_eq!(matcher.unused(&trace_id(1)).len(), count);
        std::fs::rename(away, file).unwrap();
        for number in 1..=count {
            let answer = Answering::answer(&matcher, &message).response;
            assert_eq!(answer.matched_span_id, format!("{number:016x}"));
        }
        assert!(matcher.unused(&trace_id(1)).is_empty());
    }
}

#[test]
fn calls_that_answered_before_the_others_could_be_read_are_used_and_the_others_are_not() {
    let (directory, matcher) = in_two_files(8);
    let file = directory.path().join("odd.jsonl");
    let away = take_away(&file);
    let mut answers = vec![
        ask(&matcher, &post(0), Some(1)),
        ask(&matcher, &post(0), Some(1)),
    ];
    assert_eq!(answers, [with(SCHEMA, 2), with(SCHEMA, 4)]);
    std::fs::rename(away, file).unwrap();
    answers.extend((0..6).map(|_| ask(&matcher, &post(0), Some(1))));
    let numbers: BTreeSet<u32> = answers
        .iter()
        .flatten()
        .map(|(_, _, number)| *number)
        .collect();
    assert_eq!(numbers, (1..=8).collect());
    assert!(matcher.unused(&trace_id(1)).is_empty());
    let replayed = matcher.answer(&post(0).request(Some(1)));
    assert!(replayed.found.is_some_and(|found| found.replayed));
}

#[test]
fn calls_of_a_file_that_is_gone_for_good_leave_the_others_to_answer() {
    let (directory, matcher) = in_two_files(8);
    take_away(&directory.path().join("odd.jsonl"));
    let answers: Vec<_> = (0..5)
        .map(|_| number_of(&matcher, &matcher.answer(&post(0).request(Some(1)))))
        .collect();
    assert_eq!(answers, [2, 4, 6, 8, 8].map(Some));
}

#[test]
fn a_call_that_only_unreadable_ones_may_answer_is_told_why() {
    let (directory, matcher) = matcher_of("told", &[(1, vec![post(1), post(2)])]);
    let file = directory.path().join("001.jsonl");
    let message = post(0).message("1", Some(1));
    let other = Call::http("POST", "/a", "{}", "{\"name\":\"other\"}").message("2", Some(1));
    let away = take_away(&file);
    for _ in 0..2 {
        let answered = Answering::answer(&matcher, &message);
        assert_eq!(answered.response.error_code, "unreadable");
        let error = answered.response.error;
        assert!(
            error.contains("001.jsonl: cannot be read: No such file"),
            "{error}"
        );
        let explanation = matcher.explain(&post(0).request(Some(1)));
        assert!(
            explanation
                .unread
                .is_some_and(|unread| error.contains(&unread.message))
        );
        let schema = explanation
            .steps
            .iter()
            .find(|step| step.form == Form::Schema);
        assert!(schema.is_some_and(|step| step.outcome == Outcome::NoneCompatible));
    }
    // Nothing that could not be read is of its shape.
    let answered = Answering::answer(&matcher, &other);
    assert_eq!(answered.response.error_code, "mock_not_found");
    std::fs::rename(away, file).unwrap();
    let answered = Answering::answer(&matcher, &message);
    assert!(answered.response.found, "{}", answered.response.error);
    assert_eq!(matcher.explain(&post(0).request(Some(1))).unread, None);
}

#[test]
fn an_answer_that_was_chosen_without_unreadable_ones_says_so() {
    let (directory, matcher) = in_two_files(4);
    let away = take_away(&directory.path().join("odd.jsonl"));
    let description = || {
        let found = matcher.answer(&post(0).request(Some(1))).found.unwrap();
        found.level.match_description
    };
    let said = description();
    assert!(said.ends_with("of those that could be read"), "{said}");
    std::fs::rename(away, directory.path().join("odd.jsonl")).unwrap();
    let said = description();
    assert!(!said.contains("could be read"), "{said}");
}

#[test]
fn a_file_that_is_another_one_now_is_told_as_such() {
    // Before its spans are read for their guards, and after.
    for asked_before in [false, true] {
        let (directory, matcher) = matcher_of("changed", &[(1, vec![post(1), post(2)])]);
        if asked_before {
            assert_eq!(ask(&matcher, &post(0), Some(1)), with(SCHEMA, 1));
        }
        std::fs::write(directory.path().join("001.jsonl"), "{}\n").unwrap();
        for _ in 0..2 {
            let answered = Answering::answer(&matcher, &post(0).message("1", Some(1)));
            assert_eq!(answered.response.error_code, "file_changed");
            let error = answered.response.error;
            assert!(
                error.contains("the file has changed since it was loaded"),
                "{error}"
            );
        }
    }
}
