//! `drift explain`: why a call is answered as it is.

use super::last_run;
use crate::Exit;
use crate::args::ExplainArguments;
use crate::describe::what;
use crate::terminal::{
    ACCENT, Align, BAD, BOLD, CAUTION, DIM, GOOD, clean, count, cut, note, out, styled, table,
};
use anyhow::bail;
use drift_replay::load::{Recording, Trace};
use drift_replay::matcher::{Explanation, Outcome};
use drift_replay::replay::matcher;
use drift_replay::{MockRequest, Span};
use std::io::Write as _;

pub(crate) fn run(arguments: &ExplainArguments) -> anyhow::Result<Exit> {
    let loaded = super::load(&arguments.place)?;
    let trace = loaded.recording.find_trace(&arguments.trace)?;
    let live = last_run::find(&loaded.config.base_dir, &trace.trace_id, &arguments.span);
    let live = live.unwrap_or_else(|error| {
        note(format!("{} {error:#}", styled("notice:", CAUTION)));
        Vec::new()
    });
    let (request, origin) = match live.as_slice() {
        [request, ..] => (request.clone(), "of the last replay"),
        [] => (
            recorded(&loaded.recording, trace, &arguments.span)?,
            "as recorded",
        ),
    };
    let matcher = matcher(&loaded.recording);
    matcher.begin_test(&trace.trace_id);
    let explanation = matcher.explain(&request);
    let mut out = out();
    write!(
        out,
        "{}",
        text(&request.span, origin, &explanation, &loaded.recording)?
    )?;
    Ok(Exit::Same)
}

/// The call that a recorded span was.
fn recorded(recording: &Recording, trace: &Trace, span_id: &str) -> anyhow::Result<MockRequest> {
    let mut found = Vec::new();
    for index in trace.spans() {
        let span = recording.span(index)?;
        if span.span_id.starts_with(span_id) {
            found.push((index, span));
        }
    }
    match found.as_slice() {
        [] => bail!(
            "neither trace {} nor the last replay of it has a span whose id begins with {span_id:?}; \
             `drift traces show {}` lists the recorded ones",
            trace.trace_id,
            trace.trace_id
        ),
        [(index, span)] => {
            if !recording.is_outbound(*index) {
                bail!(
                    "span {} is no outbound call, so nobody asks for it",
                    span.span_id
                );
            }
            Ok(MockRequest {
                test_id: Some(trace.trace_id.clone()),
                span: span.clone(),
            })
        }
        _ => bail!(
            "{} begin with {span_id:?}; give more of it",
            count(found.len(), "span")
        ),
    }
}

fn text(
    span: &Span,
    origin: &str,
    explanation: &Explanation,
    recording: &Recording,
) -> anyhow::Result<String> {
    let mut lines = vec![
        format!(
            "{} {} {}",
            styled(clean(&span.package_name), ACCENT),
            cut(&what(span), 100),
            styled(origin, DIM)
        ),
        format!("asked by {}", explanation.owner),
    ];
    if let Some(guard) = &explanation.guard {
        lines.push(format!("has to share: {guard}"));
    }
    if let Some(problem) = &explanation.problem {
        lines.push(styled(problem, BAD));
    }
    lines.push(String::new());
    let rows: Vec<Vec<String>> = explanation
        .steps
        .iter()
        .map(|step| {
            let (outcome, colour) = match step.outcome {
                Outcome::NoForm => ("the request has none", DIM),
                Outcome::Nothing => ("no recorded call has the same", DIM),
                Outcome::AllUsed => ("all used already", DIM),
                Outcome::NoneCompatible => ("none that may answer", DIM),
                Outcome::Answers => ("answers", GOOD),
            };
            vec![
                step.form.name().to_owned(),
                step.reach.to_string(),
                step.candidates.to_string(),
                styled(outcome, colour),
            ]
        })
        .collect();
    let heads = [
        ("compared by", Align::Left),
        ("", Align::Left),
        ("candidates", Align::Right),
        ("outcome", Align::Left),
    ];
    lines.push(table(&heads, &rows));
    if let Some(found) = &explanation.found {
        let answer = recording.span(found.span)?;
        let place = answer
            .place
            .as_ref()
            .map(|place| format!("{}:{}", place.file.display(), place.line));
        lines.push(format!(
            "{} {} {}",
            styled("answered by", GOOD),
            answer.span_id,
            styled(place.unwrap_or_default(), DIM)
        ));
        lines.push(format!("  {}", found.level.match_description));
        if found.not_compared > 0 {
            lines.push(format!(
                "  {} were not compared",
                count(found.not_compared, "more candidate")
            ));
        }
    } else {
        lines.push(styled("nothing recorded answers it", BAD));
    }
    if !explanation.candidates.is_empty() {
        lines.push(String::new());
        lines.push(styled(
            format!(
                "the nearest of {} of this package and kind:",
                count(explanation.candidate_count, "call")
            ),
            BOLD,
        ));
        for candidate in &explanation.candidates {
            let colour = if candidate.answers { GOOD } else { DIM };
            lines.push(format!(
                "  {} {:.2}  {}  {}",
                candidate.span_id,
                candidate.similarity,
                cut(&candidate.name, 40),
                styled(candidate.why(), colour)
            ));
        }
    }
    Ok(lines.join("\n") + "\n")
}
