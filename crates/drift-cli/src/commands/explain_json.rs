//! The explanation of a call as one JSON object, for programs.

use crate::describe::what;
use drift_replay::load::Recording;
use drift_replay::matcher::{Candidate, Explanation, Outcome, Owner, Reach};
use drift_replay::outbound::without_answer;
use drift_replay::redact::Redactor;
use drift_replay::{Span, span::Place};
use serde_json::{Value, json};

/// `span` has no secrets any more; what `redactor` takes is what the text form gives it.
pub(super) fn explanation_as_json(
    span: &Span,
    origin: &str,
    explanation: &Explanation,
    recording: &Recording,
    redactor: &Redactor,
) -> anyhow::Result<Value> {
    let shown = |text: &Option<String>| text.as_deref().map(|text| redactor.text(text));
    let steps: Vec<Value> = explanation
        .steps
        .iter()
        .map(|step| {
            json!({
                "form": step.form.name(),
                "reach": reach(step.reach),
                "candidates": step.candidates,
                "outcome": outcome(step.outcome),
            })
        })
        .collect();
    let found = match &explanation.found {
        Some(found) => {
            let answer = recording.span(found.span)?;
            json!({
                "span_id": answer.span_id,
                "trace_id": answer.trace_id,
                "place": place(answer.place.as_ref()),
                "why": redactor.text(&found.level.match_description),
                "no_answer": without_answer(&answer).map(|why| redactor.text(&why)),
                "replayed": found.replayed,
                "not_compared": found.not_compared,
            })
        }
        None => Value::Null,
    };
    let candidates: Vec<Value> = explanation
        .candidates
        .iter()
        .map(|one| candidate(one, redactor))
        .collect();
    Ok(json!({
        "call": {
            "span_id": span.span_id,
            "package_name": span.package_name,
            "summary": what(span),
            "origin": origin,
        },
        "owner": owner(&explanation.owner),
        "guard": shown(&explanation.guard),
        "problem": shown(&explanation.problem),
        "unread": explanation.unread.as_ref().map(|unread| {
            json!({ "code": unread.code, "message": unread.message })
        }),
        "steps": steps,
        "found": found,
        "candidates": candidates,
        "candidate_count": explanation.candidate_count,
    }))
}

fn owner(owner: &Owner) -> Value {
    match owner {
        Owner::Test { trace_id } => json!({ "kind": "test", "trace_id": trace_id }),
        Owner::Boot => json!({ "kind": "boot", "trace_id": null }),
        Owner::Unknown { test_id } => json!({ "kind": "unknown", "trace_id": test_id }),
    }
}

fn candidate(candidate: &Candidate, redactor: &Redactor) -> Value {
    let names = |names: &[String]| -> Vec<String> {
        names.iter().map(|name| redactor.text(name)).collect()
    };
    json!({
        "span_id": candidate.span_id,
        "name": redactor.text(&candidate.name),
        "place": place(candidate.place.as_ref()),
        "similarity": candidate.similarity,
        "used": candidate.used,
        "answers": candidate.answers,
        "differing": names(&candidate.differing),
        "ignored": names(&candidate.ignored),
        "same_schema": candidate.same_schema,
        // Its values stand in `why`, where what is around them tells secrets.
        "mismatch": candidate.mismatch.as_ref().map(|mismatch| mismatch.part.code()),
        "why": redactor.text(&candidate.why()),
    })
}

fn place(place: Option<&Place>) -> Value {
    place.map_or(
        Value::Null,
        |place| json!({ "file": place.file.display().to_string(), "line": place.line }),
    )
}

fn reach(reach: Reach) -> &'static str {
    match reach {
        Reach::Trace => "trace",
        Reach::Suite => "suite",
        Reach::Boot => "boot",
    }
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::NoForm => "no_form",
        Outcome::Nothing => "nothing",
        Outcome::AllUsed => "all_used",
        Outcome::NoneCompatible => "none_compatible",
        Outcome::Answers => "answers",
    }
}
