//! The tests and environments of a recording.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{DEFAULT_ENVIRONMENT, PlannedTest, Roots};
use crate::load::{LoadError, Recording, SpanIndex, Trace, flags};
use crate::span::Span;

impl Roots for Recording {
    fn root(&self, test: &PlannedTest) -> Result<Span, String> {
        let root = self
            .trace(&test.trace_id)
            .and_then(|trace| trace.root)
            .ok_or_else(|| format!("the recording has no root span of {}", test.trace_id))?;
        self.span(root).map_err(|error| error.to_string())
    }
}

/// The traces that are tests: those with a root span that `wanted` takes.
pub fn planned_tests(recording: &Recording, wanted: impl Fn(&Trace) -> bool) -> Vec<PlannedTest> {
    recording
        .traces()
        .iter()
        .filter(|trace| trace.root.is_some() && wanted(trace))
        .map(|trace| PlannedTest {
            trace_id: trace.trace_id.clone(),
            file: Arc::clone(&trace.file),
            environment: trace.environment.clone(),
        })
        .collect()
}

/// The recorded environment variables, by environment: those of its newest
/// snapshot. A snapshot without an environment is that of
/// [`DEFAULT_ENVIRONMENT`].
///
/// # Errors
/// [`LoadError`] when a snapshot can no longer be read.
pub fn recorded_environments(
    recording: &Recording,
) -> Result<BTreeMap<String, BTreeMap<String, String>>, LoadError> {
    let mut newest: BTreeMap<String, (Option<i128>, BTreeMap<String, String>)> = BTreeMap::new();
    for (entry, number) in recording.entries().iter().zip(0..) {
        if entry.flags & flags::ENVIRONMENT_SNAPSHOT == 0 {
            continue;
        }
        let span = recording.span(SpanIndex(number))?;
        let name = span
            .environment
            .as_deref()
            .filter(|name| !name.is_empty())
            .unwrap_or(DEFAULT_ENVIRONMENT);
        let known = newest.get(name).map(|(time, _)| *time);
        // Of two of the same time the later one in the recording.
        if known.is_none_or(|time| span.start_unix_nanos >= time) {
            let variables = variables_of(&span);
            newest.insert(name.to_owned(), (span.start_unix_nanos, variables));
        }
    }
    Ok(newest
        .into_iter()
        .map(|(name, (_, variables))| (name, variables))
        .collect())
}

/// `{ENV_VARS: {NAME: VALUE}}`; what is not text is left out.
fn variables_of(snapshot: &Span) -> BTreeMap<String, String> {
    let output: Option<serde_json::Value> = snapshot
        .output_value
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok());
    let Some(serde_json::Value::Object(variables)) =
        output.as_ref().and_then(|output| output.get("ENV_VARS"))
    else {
        return BTreeMap::new();
    };
    variables
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}
