//! `drift explain`: why a call is answered as it is.

use super::explain_json::explanation_as_json;
use super::last_run;
use crate::Exit;
use crate::args::ExplainArguments;
use crate::describe::what;
use crate::terminal::{
    ACCENT, Align, BAD, BOLD, CAUTION, DIM, GOOD, clean, count, cut, note, out, styled, table,
};
use anyhow::bail;
use drift_replay::load::{Recording, Trace};
use drift_replay::matcher::{Explanation, MAX_EXPLAINED, Outcome};
use drift_replay::outbound::without_answer;
use drift_replay::redact::Redactor;
use drift_replay::replay::matcher;
use drift_replay::{MockRequest, Span};
use std::io::Write as _;

pub(crate) fn run(arguments: &ExplainArguments) -> anyhow::Result<Exit> {
    let loaded = super::load(&arguments.place)?;
    let redactor = Redactor::new(loaded.config.redaction.clone());
    let trace = super::find_trace(
        &loaded.recording,
        &arguments.trace,
        &loaded.place,
        &redactor,
    )?;
    let live = last_run::find(&loaded.config.base_dir, &trace.trace_id, &arguments.span);
    let live = live.unwrap_or_else(|error| {
        note(format!("{} {error:#}", styled("notice:", CAUTION)));
        Vec::new()
    });
    let mut asked = with_id(&loaded.recording, trace, &arguments.span, live)?;
    let asked = match asked.len() {
        0 => {
            let next = match loaded.place.show(&trace.trace_id) {
                Ok(command) => format!("; `{command}` lists the recorded ones"),
                Err(_) => String::new(),
            };
            bail!(
                "neither trace {} nor the last replay of it has a span whose id begins with {:?}{next}",
                trace.trace_id,
                arguments.span
            )
        }
        1 => asked.swap_remove(0),
        _ => {
            let shown = |one: &Asked| {
                let span = redactor.span(&one.request.span);
                format!("{} {} ({})", span.span_id, what(&span), one.origin)
            };
            let lines: Vec<String> = asked.iter().map(shown).collect();
            return Err(super::ambiguous(
                "span",
                &arguments.span,
                asked.len(),
                &lines,
            ));
        }
    };
    if !asked.is_call {
        bail!(
            "span {} is no outbound call, so nobody asks for it",
            asked.request.span.span_id
        );
    }
    let matcher = matcher(&loaded.recording);
    matcher.begin_test(&trace.trace_id);
    let explanation = matcher.explain(&asked.request);
    let span = redactor.span(&asked.request.span);
    let recording = &loaded.recording;
    if arguments.json {
        let value = explanation_as_json(&span, asked.origin, &explanation, recording, &redactor)?;
        writeln!(out(), "{value:#}")?;
    } else {
        let text = text(&span, asked.origin, &explanation, recording, &redactor)?;
        write!(out(), "{text}")?;
    }
    Ok(Exit::Same)
}

/// A call that an id can mean.
struct Asked {
    request: MockRequest,
    origin: &'static str,
    is_call: bool,
}

/// Every call of a trace whose id begins so, those of the last replay first; of an
/// id that is given whole, the one that it is.
fn with_id(
    recording: &Recording,
    trace: &Trace,
    span_id: &str,
    live: Vec<MockRequest>,
) -> anyhow::Result<Vec<Asked>> {
    let mut found: Vec<Asked> = Vec::new();
    let mut add = |asked: Asked| {
        let id = &asked.request.span.span_id;
        // A replay can ask twice for one span; the answer is the same.
        if !found.iter().any(|known| known.request.span.span_id == *id) {
            found.push(asked);
        }
    };
    for request in live {
        add(Asked {
            request,
            origin: "of the last replay",
            is_call: true,
        });
    }
    for index in trace.spans() {
        let span = recording.span(index)?;
        if span.span_id.starts_with(span_id) {
            add(Asked {
                is_call: recording.is_outbound(index),
                origin: "as recorded",
                request: MockRequest {
                    test_id: Some(trace.trace_id.clone()),
                    span,
                },
            });
        }
    }
    let whole = found
        .iter()
        .position(|one| one.request.span.span_id == span_id);
    if let Some(place) = whole {
        return Ok(vec![found.swap_remove(place)]);
    }
    Ok(found)
}

fn text(
    span: &Span,
    origin: &str,
    explanation: &Explanation,
    recording: &Recording,
    redactor: &Redactor,
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
        lines.push(format!("has to share: {}", redactor.text(guard)));
    }
    if let Some(problem) = &explanation.problem {
        lines.push(styled(redactor.text(problem), BAD));
    }
    if let Some(unread) = &explanation.unread {
        let why = clean(&unread.message);
        lines.push(styled(
            format!("a recorded call that may answer could not be read: {why}"),
            BAD,
        ));
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
        let why = redactor.text(&found.level.match_description);
        lines.push(format!("  {why}"));
        if let Some(why) = without_answer(&answer) {
            lines.push(styled(format!("  {}", redactor.text(&why)), CAUTION));
        }
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
            match explanation.candidate_count {
                all @ ..=MAX_EXPLAINED => {
                    format!(
                        "the nearest of {} of this package and kind:",
                        count(all, "call")
                    )
                }
                all => format!(
                    "the nearest of {MAX_EXPLAINED} among {} of this package and kind, those of an \
                     equal value or schema before others:",
                    count(all, "call")
                ),
            },
            BOLD,
        ));
        for candidate in &explanation.candidates {
            let colour = if candidate.answers { GOOD } else { DIM };
            lines.push(format!(
                "  {} {:.2}  {}  {}",
                candidate.span_id,
                candidate.similarity,
                cut(&redactor.text(&candidate.name), 40),
                styled(redactor.text(&candidate.why()), colour)
            ));
        }
    }
    Ok(lines.join("\n") + "\n")
}
