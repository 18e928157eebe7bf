//! The results of a replay as text: one line a test, its deviations below it,
//! and a summary.

use crate::terminal::{
    ACCENT, BAD, BOLD, CAUTION, DIM, GOOD, clean, count, cut, cut_pair, duration, err, out, styled,
};
use drift_replay::compare::{Change, Deviation, DeviationCode, partners};
use drift_replay::outbound::{CallReport, CallState};
use drift_replay::report::{Place, RunResults, TestResult, TestState};
use drift_replay::wording::times;
use std::fmt::{Display, Write as _};
use std::io::{IsTerminal as _, Write as _};

const REQUEST_COLUMNS: usize = 56;
const VALUE_COLUMNS: usize = 70;
/// Lines that are shown of a body which became another thing.
const BODY_LINES: usize = 5;
/// Deviations of a test's response, and of its calls, that are shown without being asked.
const MAX_SHOWN: usize = 20;

/// How much is said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub(crate) verbose: bool,
    pub(crate) quiet: bool,
}

/// Where results appear while the run goes on, with a line of progress below them on a terminal.
pub(crate) struct Shown {
    pub(crate) style: Style,
    pub(crate) prints_tests: bool,
    all: usize,
    has_progress: bool,
}

impl Shown {
    pub(crate) fn new(style: Style, prints_tests: bool, all: usize) -> Shown {
        Shown {
            style,
            prints_tests,
            all,
            has_progress: std::io::stderr().is_terminal(),
        }
    }

    pub(crate) fn test(&self, finished: usize, lines: String) {
        self.clear();
        if self.prints_tests {
            let mut out = out();
            let _gone = write!(out, "{lines}");
            let _gone = out.flush();
        }
        if self.has_progress && finished < self.all {
            let _gone = write!(err(), "{finished} of {}", count(self.all, "test"));
        }
    }

    pub(crate) fn note(&self, text: impl Display) {
        self.clear();
        crate::terminal::note(text);
    }

    /// Takes the line of progress away.
    pub(crate) fn clear(&self) {
        if self.has_progress {
            let _gone = write!(err(), "\r\x1b[K");
        }
    }
}

/// One test: its line, and what deviates below it.
pub(crate) fn test_lines(test: &TestResult, place: &Place, style: Style) -> String {
    let mut text = String::new();
    // Why tests were not run, the summary says once for all of them.
    let says_nothing = matches!(test.state, TestState::Passed | TestState::Cancelled);
    if style.quiet && says_nothing {
        return text;
    }
    let (mark, colour) = match test.state {
        TestState::Passed => ("✓", GOOD),
        TestState::Deviated | TestState::Failed => ("✗", BAD),
        TestState::Cancelled | TestState::Skipped => ("·", CAUTION),
    };
    let name = cut(&test.name, REQUEST_COLUMNS);
    let gap = " ".repeat(REQUEST_COLUMNS.saturating_sub(name.chars().count()));
    let status = test
        .actual_status
        .map_or_else(|| "   ".to_owned(), |status| status.to_string());
    let calls = test
        .calls
        .iter()
        .filter(|call| call.live_position.is_some())
        .count();
    let id: String = test.trace_id.chars().take(8).collect();
    let took = duration(test.duration_ms.saturating_mul(1_000_000));
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{} {name}{gap} {status}  {took:>9}  {:>9}  {}",
        styled(mark, colour),
        count(calls, "call"),
        styled(id, DIM)
    );
    let error = test.error.as_ref();
    if let Some(error) = error.filter(|_| test.state != TestState::Cancelled) {
        let _ = writeln!(text, "    {}", styled(error, BAD));
    }
    let mut hidden = 0;
    if test.error.is_none() {
        let most = if style.verbose { usize::MAX } else { MAX_SHOWN };
        let of_calls = |deviation: &&Deviation| deviation.call.is_some();
        // Of each kind some, so that a long body does not hide the calls.
        let (calls, response): (Vec<_>, Vec<_>) = test.deviations.iter().partition(of_calls);
        for kind in [response, calls] {
            hidden += kind.len().saturating_sub(most);
            for deviation in kind.into_iter().take(most) {
                deviation_lines(&mut text, deviation, test, place);
            }
        }
    }
    if hidden + test.more_deviations > 0 {
        let hint = match (hidden, test.more_deviations) {
            (0, _) => String::new(),
            (_, 0) => " (-v shows all)".to_owned(),
            _ => format!(" (-v shows {} in all)", test.deviations.len()),
        };
        let more = hidden + test.more_deviations;
        let _ = writeln!(
            text,
            "    {}",
            styled(format!("and {more} more{hint}"), DIM)
        );
    }
    if style.verbose {
        verbose_lines(&mut text, test);
    }
    // They may be why the test is not as recorded.
    if style.verbose || matches!(test.state, TestState::Deviated | TestState::Failed) {
        for notice in &test.notices {
            let _ = writeln!(text, "    {}", styled(clean(notice), DIM));
        }
    }
    text
}

fn deviation_lines(text: &mut String, deviation: &Deviation, test: &TestResult, place: &Place) {
    let mark = match deviation.change {
        Change::Added => styled("+", GOOD),
        Change::Removed => styled("-", BAD),
        Change::Changed => styled("~", CAUTION),
    };
    let _ = writeln!(text, "    {mark} {}", cut(&what_deviates(deviation), 160));
    if deviation.code == DeviationCode::BodyKindChanged {
        let begin = deviation.actual.as_deref().unwrap_or_default().lines();
        for line in begin
            .filter(|line| !line.trim().is_empty())
            .take(BODY_LINES)
        {
            let line = format!("+ {}", cut(line, 120));
            let _ = writeln!(text, "        {}", styled(line, GOOD));
        }
    }
    let partners = partners(&deviation.lines);
    for (line, partner) in deviation.lines.iter().zip(partners).take(12) {
        let (sign, colour) = match (line.recorded.is_some(), line.actual.is_some()) {
            (true, false) => ("-", BAD),
            (false, true) => ("+", GOOD),
            _ => (" ", DIM),
        };
        let partner = partner.and_then(|at| deviation.lines.get(at));
        let partner = partner.map_or("", |partner| partner.text.as_str());
        let (shown, _) = cut_pair(&line.text, partner, 120);
        let _ = writeln!(
            text,
            "        {}",
            styled(format!("{sign} {shown}"), colour)
        );
    }
    let call = deviation.call.and_then(|index| test.calls.get(index));
    if let Some(call) = call {
        if !call.why.is_empty() && call.recorded_span_id.is_none() {
            let _ = writeln!(text, "        {}", styled(&call.why, DIM));
        }
        if let Some(hint) = explain_hint(call, test, place) {
            let _ = writeln!(text, "        {}", styled(hint, DIM));
        }
    }
}

/// A value with its path and both sides; anything else in its own words.
fn what_deviates(deviation: &Deviation) -> String {
    let Some(path) = deviation
        .path
        .as_deref()
        .filter(|path| path.starts_with('$'))
    else {
        return deviation.description.clone();
    };
    let side = |value: &Option<String>| value.as_deref().map(|value| cut(value, VALUE_COLUMNS));
    match (side(&deviation.recorded), side(&deviation.actual)) {
        (Some(_), Some(_)) => {
            let (recorded, actual) = both(&deviation.recorded, &deviation.actual, VALUE_COLUMNS);
            format!("{path}  {recorded} → {actual}")
        }
        (Some(recorded), None) => format!("{path}  {recorded} is gone"),
        (None, Some(actual)) => format!("{path}  {actual} is new"),
        (None, None) => deviation.description.clone(),
    }
}

/// Two values that differ, short enough for one line.
fn both(recorded: &Option<String>, actual: &Option<String>, columns: usize) -> (String, String) {
    let side = |side: &'_ Option<String>| side.clone().unwrap_or_else(|| "absent".to_owned());
    cut_pair(&side(recorded), &side(actual), columns)
}

/// What to type to see why a call was answered as it was.
fn explain_hint(call: &CallReport, test: &TestResult, place: &Place) -> Option<String> {
    let span_id = test.live_span_id(call)?;
    let trace: String = test.trace_id.chars().take(8).collect();
    Some(match place.explain(&trace, &span_id) {
        Ok(command) => format!("why: {command}"),
        Err(why) => format!("why: {why}"),
    })
}

fn verbose_lines(text: &mut String, test: &TestResult) {
    for accepted in &test.accepted {
        let place = accepted.path.as_deref().unwrap_or(&accepted.part);
        let (recorded, actual) = both(&accepted.recorded, &accepted.actual, VALUE_COLUMNS / 2);
        let _ = writeln!(
            text,
            "    {}",
            styled(
                format!(
                    "= {place}: {recorded} → {actual}, accepted by {} {}",
                    accepted.reason.code, accepted.reason.detail
                )
                .trim_end(),
                DIM
            )
        );
    }
    for call in &test.calls {
        if call.state == CallState::NotAsked {
            continue;
        }
        let state = call.state.as_str().replace('_', " ");
        let match_type = call
            .match_type
            .map_or_else(String::new, |name| format!(" by {name}"));
        let _ = writeln!(
            text,
            "    {} {} {}{}",
            styled("call", ACCENT),
            cut(&call.summary, VALUE_COLUMNS),
            styled(
                state,
                if call.state == CallState::Matched {
                    GOOD
                } else {
                    CAUTION
                }
            ),
            styled(match_type, DIM)
        );
    }
}

/// The last lines of a run.
pub(crate) fn summary(results: &RunResults, style: Style) -> String {
    let totals = results.totals();
    let mut text = String::new();
    if !style.quiet {
        text.push('\n');
    }
    let mut parts = vec![styled(format!("{} passed", totals.passed), GOOD)];
    for (number, word, colour) in [
        (totals.deviated, "deviated", BAD),
        (totals.failed, "failed", BAD),
        (totals.cancelled, "not run", CAUTION),
        (totals.skipped, "skipped", CAUTION),
    ] {
        if number > 0 {
            parts.push(styled(format!("{number} {word}"), colour));
        }
    }
    let took = duration(results.duration_ms.saturating_mul(1_000_000));
    let _ = writeln!(
        text,
        "{}: {}  {}",
        styled(count(totals.tests, "test"), BOLD),
        parts.join(", "),
        styled(format!("in {took}"), DIM)
    );
    if totals.deviations > 0 {
        let _ = writeln!(
            text,
            "{}",
            styled(count(totals.deviations, "deviation"), BAD)
        );
    }
    if totals.accepted > 0 && !style.quiet {
        let hint = if style.verbose {
            ""
        } else {
            "; --verbose shows them"
        };
        let accepted = count(totals.accepted, "difference");
        let _ = writeln!(
            text,
            "{}",
            styled(format!("{accepted} accepted by rules{hint}"), DIM)
        );
    }
    if results.losses > 0 {
        let lost = format!("the service was lost {}", times(results.losses));
        let _ = writeln!(text, "{}", styled(lost, CAUTION));
    }
    if let Some(how) = &results.sandbox_given_up {
        let what = format!(
            "the service ran without its sandbox, in which it did not come up ({}); --sandbox-mode strict requires it",
            clean(how)
        );
        let _ = writeln!(text, "{}", styled(what, CAUTION));
    }
    for (why, tests) in not_run(results) {
        let what = format!("{} not run: {}", count(tests, "test"), clean(why));
        let _ = writeln!(text, "{}", styled(what, BAD));
    }
    text
}

/// Why tests were not run, and how many for each reason.
fn not_run(results: &RunResults) -> Vec<(&str, usize)> {
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for test in results.tests.iter().filter(|test| test.could_not_run()) {
        let why = test.error.as_deref().unwrap_or_default();
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, tests)) => *tests += 1,
            None => reasons.push((why, 1)),
        }
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;
    use drift_replay::report::MatchEvent;

    #[test]
    fn the_command_that_explains_a_call_names_the_recording_and_quotes_the_ids() {
        let call = CallReport {
            state: CallState::New,
            summary: "GET http://up/".to_owned(),
            package: "http".to_owned(),
            submodule: "GET".to_owned(),
            recorded_span_id: None,
            other_trace_id: None,
            recorded_position: None,
            live_position: Some(1),
            parent: None,
            match_type: None,
            match_scope: None,
            why: String::new(),
            similarity: None,
            runners_up: Vec::new(),
            input_differences: Vec::new(),
            out_of_order: false,
            recorded_duration_nanos: None,
        };
        let mut test = TestResult {
            trace_id: "$(x);rest".to_owned(),
            match_events: vec![MatchEvent {
                replay_span_json: r#"{"spanId":"12"}"#.to_owned(),
                ..MatchEvent::default()
            }],
            ..TestResult::default()
        };
        let place = Place {
            trace_dir: Some("ext".into()),
            ..Place::default()
        };
        assert_eq!(
            explain_hint(&call, &test, &place).as_deref(),
            Some("why: drift explain --trace-dir ext '$(x);res' 12")
        );
        test.trace_id = "a\nb".to_owned();
        let hint = explain_hint(&call, &test, &place).unwrap_or_default();
        assert!(hint.starts_with("why: no command is shown"), "{hint}");
        assert!(!hint.contains('\n'), "{hint}");
    }

    /// A test with a thousand deviations of its body, and two of its calls.
    fn many() -> TestResult {
        let of = |path: String, call: Option<usize>| Deviation {
            path: Some(path),
            call,
            ..Deviation::new(
                DeviationCode::BodyChanged,
                "body",
                Some("1".to_owned()),
                Some("2".to_owned()),
                String::new(),
            )
        };
        let body = (0..1_000).map(|at| of(format!("$[{at}]"), None));
        let calls = (0..2).map(|at| of(format!("$.call{at}"), Some(at)));
        TestResult {
            state: TestState::Deviated,
            deviations: body.chain(calls).collect(),
            notices: vec!["why it may be".to_owned()],
            ..TestResult::default()
        }
    }

    fn shown(test: &TestResult, verbose: bool) -> String {
        let style = Style {
            verbose,
            quiet: false,
        };
        let lines = test_lines(test, &Place::default(), style);
        anstream::adapter::strip_str(&lines).to_string()
    }

    #[test]
    fn of_many_deviations_some_are_shown_and_all_when_asked_for() {
        let mut test = many();
        let few = shown(&test, false);
        assert_eq!(few.matches("1 → 2").count(), 22, "{few}");
        assert!(few.contains("$[19]") && few.contains("$.call1"), "{few}");
        assert!(few.contains("and 980 more (-v shows all)\n"), "{few}");
        let all = shown(&test, true);
        assert_eq!(all.matches("1 → 2").count(), 1_002);
        assert!(!all.contains("more"));
        test.more_deviations = 5;
        assert!(shown(&test, true).contains("and 5 more\n"));
        let few = shown(&test, false);
        assert!(few.contains("and 985 more (-v shows 1002 in all)"), "{few}");
    }

    #[test]
    fn the_notes_of_a_deviating_test_are_shown_without_being_asked_for() {
        let mut test = many();
        assert!(shown(&test, false).contains("why it may be\n"));
        test.state = TestState::Passed;
        assert!(!shown(&test, false).contains("why it may be"));
        assert!(shown(&test, true).contains("why it may be\n"));
    }

    #[test]
    fn of_a_body_that_became_another_thing_the_begin_is_shown() {
        let body = format!("Traceback\n\n{}", "line\n".repeat(9));
        let test = TestResult {
            state: TestState::Deviated,
            deviations: vec![Deviation::new(
                DeviationCode::BodyKindChanged,
                "body",
                Some("{}".to_owned()),
                Some(body),
                "the body was JSON, now it is text".to_owned(),
            )],
            ..TestResult::default()
        };
        let lines = shown(&test, false);
        assert!(lines.contains("now it is text\n        + Traceback\n        + line\n"));
        assert_eq!(lines.matches("+ line").count(), BODY_LINES - 1, "{lines}");
    }
}
