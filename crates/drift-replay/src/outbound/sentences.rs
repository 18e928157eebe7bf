//! What people read of a call: its summary, and what a deviation says of it.

use super::{CallReport, CallState};
use crate::compare::DeviationCode;
use crate::guard::Guard;
use crate::span::Span;
use crate::tree::Json;

/// The calls before and after one, for people.
fn place_in_words(index: usize, calls: &[CallReport], recorded: bool) -> String {
    let has_place = |call: &&CallReport| {
        if recorded {
            call.recorded_position.is_some() && call.state != CallState::NotAsked
        } else {
            call.live_position.is_some()
        }
    };
    let before = calls
        .get(..index)
        .and_then(|calls| calls.iter().rev().find(has_place));
    let after = calls
        .get(index + 1..)
        .and_then(|calls| calls.iter().find(has_place));
    let short = |call: &CallReport| shorten(&call.summary, 60);
    match (before, after) {
        (Some(before), Some(after)) => {
            format!("after {} and before {}", short(before), short(after))
        }
        (Some(before), None) => format!("after {}, as the last call", short(before)),
        (None, Some(after)) => format!("before {}, as the first call", short(after)),
        (None, None) => "the only call".to_owned(),
    }
}

/// What a deviation says of the call at a place in the joint list; `None` where it
/// is not about calls. Made of the calls alone, so that it has no secrets when they
/// have none.
pub(crate) fn sentence(code: DeviationCode, index: usize, calls: &[CallReport]) -> Option<String> {
    let call = calls.get(index)?;
    let what = shorten(&call.summary, 120);
    let inside = match &call.parent {
        Some(parent) => format!(" in {parent}"),
        None => String::new(),
    };
    Some(match code {
        DeviationCode::CallMissing => format!(
            "recorded call {} is not made any more: {what}{inside}, {}",
            call.recorded_position.unwrap_or(0),
            place_in_words(index, calls, true)
        ),
        DeviationCode::CallNew => {
            let answer = match &call.other_trace_id {
                Some(trace) if trace.is_empty() => {
                    "; it was answered from another trace".to_owned()
                }
                Some(trace) => format!("; it was answered from trace {trace}"),
                None if call.recorded_span_id.is_none() => {
                    "; nothing recorded answers it".to_owned()
                }
                None => String::new(),
            };
            let place = place_in_words(index, calls, false);
            format!("new call: {what}, {place}{answer}")
        }
        DeviationCode::CallMoreOften => {
            format!("call made more often than recorded: {what}{inside}")
        }
        DeviationCode::CallChanged => {
            let first = call.input_differences.first();
            let paths = first.map_or_else(String::new, |first| format!(" at {}", first.path));
            format!("call with another input{paths}: {what}{inside}")
        }
        DeviationCode::CallOrder => format!(
            "call in another order: {what}{inside} was recorded {}, now it is call {}",
            place_in_words(index, calls, true),
            call.live_position.unwrap_or(0)
        ),
        _ => return None,
    })
}

pub(crate) fn shorten(text: &str, most: usize) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= most {
        return line;
    }
    let mut short: String = line.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// The statement of a call to a database, as it was recorded.
pub(super) fn statement(span: &Span) -> Option<String> {
    let input = Json::parse(span.input_value.as_deref()?.as_bytes())?;
    statement_in(&input).map(str::to_owned)
}

fn statement_in(input: &Json) -> Option<&str> {
    ["query", "statement", "sql", "text"]
        .iter()
        .filter_map(|key| input.get(key)?.as_str())
        .find(|text| !text.is_empty())
}

/// The commands of a pipeline of Redis.
fn pipeline(span: &Span, input: &Json) -> Option<String> {
    let is_list = |key: &str| matches!(input.get(key), Some(Json::Array(_)));
    // Few calls have one, and only these are read again.
    (is_list("commands") || is_list("pipeline")).then(|| Guard::of(span).pipeline())?
}

/// A call in one line: method and URL, the query, the command and its key, the names
/// and keys of the commands in a pipeline.
pub fn summary(span: &Span) -> String {
    let input = span
        .input_value
        .as_deref()
        .and_then(|text| Json::parse(text.as_bytes()));
    let text = |key: &str| {
        input
            .as_ref()
            .and_then(|input| input.get(key))
            .and_then(Json::as_str)
            .filter(|text| !text.is_empty())
    };
    if let Some(query) = input.as_ref().and_then(statement_in) {
        return format!("{} {}", span.package_name, shorten(query, 300));
    }
    if let Some(commands) = input.as_ref().and_then(|input| pipeline(span, input)) {
        return shorten(&format!("{} {commands}", span.package_name), 300);
    }
    if let Some(command) = text("command") {
        let arguments = input
            .as_ref()
            .and_then(|input| input.get("args").or_else(|| input.get("arguments")));
        let arguments = match arguments {
            Some(Json::Array(items)) => items.as_slice(),
            _ => &[],
        };
        let word = |item: &Json| item.as_str().map_or_else(|| item.text(), str::to_owned);
        let mut words: Vec<String> = arguments.iter().map(word).collect();
        // The Python SDK writes `GET ?` and the command again before its arguments.
        let name = command.split(' ').next().unwrap_or(command);
        if words
            .first()
            .is_none_or(|first| !first.eq_ignore_ascii_case(name))
        {
            words.insert(0, name.to_owned());
        }
        return shorten(&format!("{} {}", span.package_name, words.join(" ")), 300);
    }
    let method = text("method").unwrap_or(&span.submodule_name);
    if let Some(url) = text("url") {
        return shorten(&format!("{method} {url}"), 300);
    }
    if let Some(path) = text("path") {
        let protocol = text("protocol").unwrap_or("http").trim_end_matches(':');
        let host = text("hostname")
            .or_else(|| text("host"))
            .unwrap_or_default();
        let port = input
            .as_ref()
            .and_then(|input| input.get("port"))
            .and_then(Json::as_int)
            .filter(|port| !matches!((protocol, *port), ("http", 80) | ("https", 443)));
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        return shorten(&format!("{method} {protocol}://{host}{port}{path}"), 300);
    }
    shorten(&format!("{} {}", span.package_name, span.name), 300)
}
