//! What choosing an answer costs, without a socket.

use std::sync::Arc;
use std::time::{Duration, Instant};

use drift_replay::load::{SpanIndex, Trace};
use drift_replay::{MatchOptions, Matcher, MockRequest, Span};

use crate::Failure;
use crate::rows::{Row, Rows, Times, count};
use crate::suite::{LENGTHS, REPEATED, Random};

/// Spans that are asked for of each length of traces.
const OF_A_LENGTH: usize = 2_000;
/// Spans that are asked for of the whole suite.
const ASKED: usize = 50_000;

/// The request that the SDK makes for a recorded call.
fn request_of(span: Span, trace_id: &str) -> MockRequest {
    MockRequest {
        test_id: Some(trace_id.to_owned()),
        span: Span {
            output_value: None,
            output_schema: None,
            place: None,
            ..span
        },
    }
}

/// Outbound spans of the whole suite, seeded.
pub(crate) fn some_spans(matcher: &Matcher, most: usize) -> Vec<SpanIndex> {
    let recording = matcher.recording();
    let mut random = Random::new();
    (0..most)
        .map(|_| SpanIndex(random.below(recording.span_count() as u64) as u32))
        .filter(|span| recording.is_outbound(*span))
        .collect()
}

/// The tests that were asked begin again.
pub(crate) fn begin_all(matcher: &Matcher) {
    for trace in matcher.recording().traces() {
        matcher.begin_test(&trace.trace_id);
    }
}

fn requests(
    matcher: &Matcher,
    spans: &[SpanIndex],
    change: impl Fn(&mut Span),
) -> Result<Vec<MockRequest>, Failure> {
    let recording = matcher.recording();
    spans
        .iter()
        .map(|number| {
            let trace = recording.trace_of(*number).ok_or("a span has a trace")?;
            let mut span = recording.span(*number)?;
            change(&mut span);
            Ok(request_of(span, &trace.trace_id))
        })
        .collect()
}

/// Asks; all must be answered.
fn ask(matcher: &Matcher, requests: &[MockRequest], with_data: bool) -> Result<Times, Failure> {
    let recording = matcher.recording();
    let mut times: Vec<Duration> = Vec::with_capacity(requests.len());
    for request in requests {
        let start = Instant::now();
        let answer = matcher.answer(request);
        let found = answer.found.ok_or("a recorded call is not answered")?;
        if with_data {
            std::hint::black_box(recording.response_data(found.span)?);
        }
        times.push(start.elapsed());
    }
    Ok(Times::of(times))
}

/// Spans of some traces, at most [`OF_A_LENGTH`], from all over them.
fn spans_of<'t>(matcher: &Matcher, traces: impl Iterator<Item = &'t Trace>) -> Vec<SpanIndex> {
    let recording = matcher.recording();
    let all: Vec<SpanIndex> = traces
        .flat_map(Trace::spans)
        .filter(|span| recording.is_outbound(*span))
        .collect();
    let step = (all.len() / OF_A_LENGTH).max(1);
    all.into_iter().step_by(step).take(OF_A_LENGTH).collect()
}

/// The cost of an exact match by the length of the trace, unused and used.
pub(crate) fn measure_lengths(matcher: &Matcher, rows: &mut Rows<'_>) -> Result<(), Failure> {
    let traces = matcher.recording().traces();
    let mut first: Option<f64> = None;
    for (length, most) in LENGTHS {
        let own = traces
            .iter()
            .filter(|trace| trace.span_count() as u64 == length)
            .take(most as usize);
        let requests = requests(matcher, &spans_of(matcher, own), |_| {})?;
        if requests.is_empty() {
            continue;
        }
        begin_all(matcher);
        let times = ask(matcher, &requests, false)?;
        let again = ask(matcher, &requests, false)?;
        let shortest = *first.get_or_insert(times.percentile(0.5));
        rows.push(
            Row::new(
                format!("exact match in a trace of {} spans", count(length as f64)),
                format!("{}; used before: {}", times.shown(), again.shown()),
            )
            .target(
                "at most twice the shortest's",
                times.percentile(0.5),
                crate::rows::Better::Less,
                2.0 * shortest,
            ),
        )?;
    }
    let repeated = traces
        .iter()
        .filter(|trace| trace.span_count() as u64 == REPEATED)
        .take(1)
        .flat_map(Trace::spans)
        .filter(|span| matcher.recording().is_outbound(*span))
        .collect::<Vec<_>>();
    if !repeated.is_empty() {
        let requests = requests(matcher, &repeated, |_| {})?;
        begin_all(matcher);
        let (first, rest) = requests.split_at(requests.len() / 10);
        let (_, last) = rest.split_at(rest.len() - first.len());
        let begin = ask(matcher, first, false)?;
        let middle = rest.len() - last.len();
        ask(matcher, rest.get(..middle).unwrap_or_default(), false)?;
        let end = ask(matcher, last, false)?;
        rows.push(Row::new(
            format!(
                "the same call {} times in a trace",
                count(requests.len() as f64)
            ),
            format!(
                "the first tenth {}; the last tenth {}",
                begin.shown(),
                end.shown()
            ),
        ))?;
    }
    Ok(())
}

/// Matchers of their own, of which the middle one's time counts.
const ROUNDS: usize = 3;

/// The cost of the first request of a trace that no recorded call equals: the spans of
/// the trace are read for their guards. And of the next one.
pub(crate) fn measure_first_unequal(matcher: &Matcher, rows: &mut Rows<'_>) -> Result<(), Failure> {
    let recording = matcher.recording();
    let own: Vec<&Trace> = LENGTHS
        .iter()
        .filter_map(|(length, _)| {
            let mut traces = recording.traces().iter();
            traces.find(|trace| trace.span_count() as u64 == *length)
        })
        .collect();
    let mut times: Vec<Vec<(Duration, Duration)>> = vec![Vec::new(); own.len()];
    for _ in 0..ROUNDS {
        let fresh = Matcher::new(Arc::clone(recording), MatchOptions::default());
        for (trace, times) in own.iter().zip(&mut times) {
            let spans = trace.spans().find(|span| recording.is_outbound(*span));
            let mut span = recording.span(spans.ok_or("a trace makes calls")?)?;
            span.input_value_hash.clear();
            span.input_schema_hash.clear();
            span.input_schema = None;
            span.input_value =
                Some(r#"{"url":"https://elsewhere.internal/","method":"GET"}"#.to_owned());
            let request = request_of(span, &trace.trace_id);
            let mut took = [Duration::ZERO; 2];
            for took in &mut took {
                let start = Instant::now();
                if fresh.answer(&request).found.is_some() {
                    return Err("a call that was not recorded is answered".into());
                }
                *took = start.elapsed();
            }
            times.push((took[0], took[1]));
        }
    }
    for (trace, mut times) in own.iter().zip(times) {
        times.sort();
        let (first, next) = times.get(ROUNDS / 2).ok_or("there are rounds")?;
        rows.push(Row::new(
            format!(
                "the first request without an equal call, in a trace of {} spans",
                count(trace.span_count() as f64)
            ),
            format!(
                "{:.1} ms; the next one {:.1} µs",
                first.as_secs_f64() * 1e3,
                next.as_secs_f64() * 1e6
            ),
        ))?;
    }
    Ok(())
}

/// Choosing an answer in the whole suite.
pub(crate) fn measure(matcher: &Matcher, rows: &mut Rows<'_>) -> Result<(), Failure> {
    let spans = some_spans(matcher, ASKED);
    let exact = requests(matcher, &spans, |_| {})?;
    for (with_data, what) in [
        (false, "the answer to a recorded call chosen"),
        (true, "the same, and read from its file"),
    ] {
        begin_all(matcher);
        let times = ask(matcher, &exact, with_data)?;
        rows.push(Row::new(
            what,
            format!(
                "{} a second on one thread; {}",
                count(times.per_second()),
                times.shown()
            ),
        ))?;
    }
    let changed = |span: &mut Span| {
        span.input_value_hash.clear();
        if let Some(input) = &mut span.input_value {
            *input = input.replace("X-Request-Id\":\"", "X-Request-Id\":\"f");
            *input = input.replace("Bearer ", "Bearer f");
        }
    };
    let few = spans.get(..spans.len() / 5).unwrap_or_default();
    let others = requests(matcher, few, changed)?;
    begin_all(matcher);
    let times = ask(matcher, &others, false)?;
    rows.push(Row::new(
        "the same call with another header: the answer chosen",
        times.shown(),
    ))?;
    begin_all(matcher);
    Ok(())
}
