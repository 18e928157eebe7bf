//! Rules learnt from several replays of one unchanged service: what varies by
//! itself may vary.

use super::{ActualResponse, Comparison, Deviation, DeviationCode, compare_response, request_name};
use crate::redact::Redactor;
use crate::rules::{Rules, epoch_unit, is_date, is_timestamp, is_uuid};
use crate::span::Span;
use crate::tree::Json;
use drift_rust_core::path::{push_index, push_member};
use drift_rust_core::push_json_string;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;

/// One test of one run.
#[derive(Clone, Copy, Debug)]
pub struct LearnedTest<'r> {
    /// The recorded root span.
    pub root: &'r Span,
    /// What the service answered in this run.
    pub actual: &'r ActualResponse,
}

/// One proposed rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LearnedRule {
    /// `$.items[*].id`, or `header etag`.
    pub target: String,
    /// The line of YAML below the target: `regex: '^…$'`, `presence: true`,
    /// or, for a published form, the switch: `ignore_uuids: true`.
    pub rule: String,
    /// Why: what was seen.
    pub why: String,
    /// Up to three of the values.
    pub examples: Vec<String>,
    /// The requests whose responses vary there, at most three.
    pub requests: Vec<String>,
    /// The names that stand beside the values, each once, as of a [`Deviation`].
    pub named: BTreeSet<String>,
}

/// What several runs taught.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Learned {
    /// The proposals, by target.
    pub rules: Vec<LearnedRule>,
    /// What varies and no rule can cover: a status, a body of another kind.
    pub unlearnable: Vec<String>,
    /// What differs from the recording in all runs alike: a change of the
    /// service, no noise; `METHOD /path: description`.
    pub constant: Vec<String>,
}

impl Learned {
    /// The same without secrets in its examples and requests.
    #[must_use]
    pub fn redact(&self, redactor: &Redactor) -> Learned {
        let mut learned = self.clone();
        for rule in &mut learned.rules {
            for example in &mut rule.examples {
                *example = match rule.target.strip_prefix("header ") {
                    Some(name) => redactor.header(name, example),
                    None => redactor.at_path_named(
                        &rule.target,
                        rule.named.iter().map(String::as_str),
                        example,
                    ),
                };
            }
            for request in &mut rule.requests {
                *request = redactor.text(request);
            }
        }
        for text in learned.unlearnable.iter_mut().chain(&mut learned.constant) {
            *text = redactor.text(text);
        }
        learned
    }

    /// The proposals as YAML to paste under `comparison`; empty when there are none.
    pub fn to_yaml(&self) -> String {
        if self.rules.is_empty() {
            return String::new();
        }
        let mut yaml = String::from("comparison:\n");
        let (switches, rules): (Vec<_>, Vec<_>) = self
            .rules
            .iter()
            .partition(|rule| rule.rule.starts_with("ignore_"));
        for switch in switches {
            // Writing to a String cannot fail.
            let _ = writeln!(yaml, "  # {}", comment(switch));
            let _ = writeln!(yaml, "  {}", switch.rule);
        }
        if !rules.is_empty() {
            yaml.push_str("  rules:\n");
        }
        for rule in rules {
            let _ = writeln!(yaml, "    # {}", comment(rule));
            let (key, target) = match rule.target.strip_prefix("header ") {
                Some(name) => ("header", name),
                None => ("path", rule.target.as_str()),
            };
            let _ = writeln!(yaml, "    - {key}: {}", quote(target));
            let _ = writeln!(yaml, "      {}", rule.rule);
        }
        yaml
    }
}

fn comment(rule: &LearnedRule) -> String {
    let examples = rule.examples.join(", ");
    let requests = rule.requests.join(", ");
    // One line, whatever the values hold.
    let shown = if examples.is_empty() {
        String::new()
    } else {
        format!(" ({examples})")
    };
    format!("{}{shown} in {requests}", rule.why)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(200)
        .collect()
}

/// A YAML scalar in single quotes; only control characters need double ones.
fn quote(text: &str) -> String {
    if text.chars().any(char::is_control) {
        let mut quoted = String::new();
        push_json_string(&mut quoted, text);
        return quoted;
    }
    format!("'{}'", text.replace('\'', "''"))
}

/// What was seen at one place over all runs.
#[derive(Default)]
struct Seen {
    /// JSON texts (bodies) or plain texts (headers), the recorded one too.
    values: Vec<Option<String>>,
    known: HashSet<Option<String>>,
    requests: Vec<String>,
    named: BTreeSet<String>,
    in_header: bool,
    /// An array whose items only changed their places.
    reordered: bool,
    /// Whether it only grew, or only fell, from the recording to the last run, wherever
    /// there were enough runs to tell.
    counts: Option<bool>,
}

impl Seen {
    fn add(&mut self, value: Option<&String>, request: &str) {
        let value = value.cloned();
        if self.known.insert(value.clone()) {
            self.values.push(value);
        }
        if self.requests.len() < 3 && !self.requests.iter().any(|known| known == request) {
            self.requests.push(request.to_owned());
        }
    }
}

/// Proposes rules for what differs between runs of one unchanged service.
///
/// A run is its tests; the same test has the same trace id in every run. What
/// the rules in force accept already is not proposed again. Fewer than two
/// runs teach nothing. Preferred, in this order: the switch of a published
/// form, `unordered`, a regular expression, a tolerance (not for what counts),
/// presence; `ignore` only for what is not always there. Array indices become `[*]`.
pub fn learn(runs: &[Vec<LearnedTest<'_>>], rules: &Rules) -> Learned {
    let mut places: BTreeMap<String, Seen> = BTreeMap::new();
    let mut learned = Learned::default();
    let Some((first, others)) = runs.split_first() else {
        return learned;
    };
    let others: Vec<HashMap<&str, &LearnedTest<'_>>> = others
        .iter()
        .map(|run| {
            run.iter()
                .map(|test| (test.root.trace_id.as_str(), test))
                .collect()
        })
        .collect();
    for test in first {
        let request = request_name(test.root);
        let again: Vec<&LearnedTest<'_>> = others
            .iter()
            .filter_map(|run| run.get(test.root.trace_id.as_str()).copied())
            .collect();
        if again.is_empty() {
            continue;
        }
        let against_recording: Vec<Comparison> = std::iter::once(test)
            .chain(again.iter().copied())
            .map(|run| compare_response(test.root, run.actual, rules))
            .collect();
        constant(&against_recording, &request, &mut learned.constant);
        for other in &again {
            let baseline = as_recorded(test);
            let between = compare_response(&baseline, other.actual, rules);
            let mut moved = Vec::new();
            if let (Some(a), Some(b)) = (
                Json::parse(&test.actual.body),
                Json::parse(&other.actual.body),
            ) {
                reordered(&a, &b, &mut String::from("$"), &mut moved);
            }
            for deviation in &between.deviations {
                let inside = deviation.path.as_deref().and_then(|path| {
                    moved.iter().find(|array: &&String| {
                        path.strip_prefix(array.as_str())
                            .is_some_and(|rest| rest.starts_with('['))
                    })
                });
                match inside {
                    Some(array) => {
                        let seen = places.entry(generalise(array)).or_default();
                        seen.reordered = true;
                        seen.add(None, &request);
                    }
                    None => note(deviation, &request, &mut places, &mut learned.unlearnable),
                }
            }
        }
        // The recording has to pass the rule too.
        for deviation in against_recording.iter().flat_map(|one| &one.deviations) {
            if let Some(seen) = target_of(deviation)
                .and_then(|target| places.get_mut(&target))
                .filter(|seen| !seen.reordered)
            {
                seen.add(deviation.recorded.as_ref(), &request);
                seen.add(deviation.actual.as_ref(), &request);
            }
        }
        for (path, counts) in counted(&against_recording) {
            if let Some(seen) = places.get_mut(&generalise(path)) {
                seen.counts = Some(counts && seen.counts.unwrap_or(true));
            }
        }
    }
    for (target, seen) in places {
        learned.rules.push(propose(target, seen, rules));
    }
    merge_switches(&mut learned.rules);
    learned.unlearnable.sort();
    learned.unlearnable.dedup();
    learned
}

/// The arrays that hold the same items in another order.
fn reordered(a: &Json, b: &Json, path: &mut String, found: &mut Vec<String>) {
    match (a, b) {
        (Json::Array(left), Json::Array(right)) if left.len() == right.len() && a != b => {
            let sorted = |items: &[Json]| {
                let mut texts: Vec<String> = items.iter().map(Json::text).collect();
                texts.sort_unstable();
                texts
            };
            if sorted(left) == sorted(right) {
                found.push(path.clone());
                return;
            }
            for (index, (x, y)) in left.iter().zip(right).enumerate() {
                let length = path.len();
                push_index(path, index);
                reordered(x, y, path, found);
                path.truncate(length);
            }
        }
        (Json::Object(left), Json::Object(_)) => {
            for (key, x) in left {
                if let Some(y) = b.get(key) {
                    let length = path.len();
                    push_member(path, key);
                    reordered(x, y, path, found);
                    path.truncate(length);
                }
            }
        }
        _ => {}
    }
}

/// The values that every run has changed, and whether they only grew or only fell.
///
/// Fewer than three runs tell nothing: of values without any order a third are so then,
/// of those of three runs one in twelve.
fn counted(runs: &[Comparison]) -> Vec<(&str, bool)> {
    const RUNS: usize = 3;
    let Some(first) = runs.first().filter(|_| runs.len() >= RUNS) else {
        return Vec::new();
    };
    let at = |run: &Comparison, path: &str| {
        let mut changed = run
            .deviations
            .iter()
            .filter(|deviation| deviation.code == DeviationCode::BodyChanged);
        let deviation = changed.find(|deviation| deviation.path.as_deref() == Some(path))?;
        deviation.actual.as_deref()?.parse::<f64>().ok()
    };
    let counts = |deviation: &Deviation, path: &str| -> Option<bool> {
        let mut values = vec![deviation.recorded.as_deref()?.parse::<f64>().ok()?];
        for run in runs {
            values.push(at(run, path)?);
        }
        Some(
            values.is_sorted_by(|earlier, later| earlier < later)
                || values.is_sorted_by(|earlier, later| earlier > later),
        )
    };
    first
        .deviations
        .iter()
        .filter_map(|deviation| {
            let path = deviation.path.as_deref()?;
            Some((path, counts(deviation, path).unwrap_or(false)))
        })
        .collect()
}

/// A run's response in the place of the recorded one.
fn as_recorded(test: &LearnedTest<'_>) -> Span {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let mut headers: BTreeMap<String, Vec<Json>> = BTreeMap::new();
    for (name, value) in &test.actual.headers {
        headers
            .entry(name.to_ascii_lowercase())
            .or_default()
            .push(Json::String(value.clone()));
    }
    let headers = headers
        .into_iter()
        .map(|(name, values)| (name, Json::Array(values)))
        .collect();
    let output = Json::Object(vec![
        (
            "body".to_owned(),
            Json::String(STANDARD.encode(&test.actual.body)),
        ),
        ("headers".to_owned(), Json::Object(headers)),
        (
            "statusCode".to_owned(),
            Json::Number(crate::tree::Number::Int(i64::from(test.actual.status))),
        ),
    ]);
    Span {
        output_value: Some(output.text()),
        ..test.root.clone()
    }
}

/// Deviations that every run has alike.
fn constant(runs: &[Comparison], request: &str, found: &mut Vec<String>) {
    let Some((first, others)) = runs.split_first() else {
        return;
    };
    for deviation in &first.deviations {
        if others
            .iter()
            .all(|run| run.deviations.iter().any(|other| other == deviation))
        {
            found.push(format!("{request}: {}", deviation.description));
        }
    }
}

/// The place that a rule for this deviation names.
fn target_of(deviation: &Deviation) -> Option<String> {
    match deviation.code {
        DeviationCode::BodyAdded | DeviationCode::BodyRemoved | DeviationCode::BodyChanged => {
            Some(generalise(deviation.path.as_deref()?))
        }
        DeviationCode::BodyTextChanged => Some("$".to_owned()),
        DeviationCode::HeaderAdded
        | DeviationCode::HeaderRemoved
        | DeviationCode::HeaderChanged => {
            let name = deviation.part.strip_prefix("headers.")?;
            Some(format!("header {name}"))
        }
        _ => None,
    }
}

fn note(
    deviation: &Deviation,
    request: &str,
    places: &mut BTreeMap<String, Seen>,
    unlearnable: &mut Vec<String>,
) {
    let Some(target) = target_of(deviation) else {
        unlearnable.push(format!("{request}: {}", deviation.description));
        return;
    };
    let seen = places.entry(target).or_default();
    seen.in_header = deviation.path.is_none();
    seen.named.extend(deviation.named.clone());
    seen.add(deviation.recorded.as_ref(), request);
    seen.add(deviation.actual.as_ref(), request);
}

/// `$.items[3].id` to `$.items[*].id`; quoted member names stay.
fn generalise(path: &str) -> String {
    let mut general = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('[') {
        let (before, tail) = rest.split_at(at);
        general.push_str(before);
        if let Some(quoted) = tail.strip_prefix("[\"") {
            // To the closing quote that no backslash escapes.
            let mut escaped = false;
            let end = quoted
                .char_indices()
                .find(|(_, c)| {
                    let closing = *c == '"' && !escaped;
                    escaped = *c == '\\' && !escaped;
                    closing
                })
                .map_or(tail.len(), |(at, _)| (at + 4).min(tail.len()));
            let (name, after) = tail.split_at(end);
            general.push_str(name);
            rest = after;
        } else {
            general.push_str("[*]");
            rest = tail.split_once(']').map_or("", |(_, after)| after);
        }
    }
    general.push_str(rest);
    general
}

fn propose(target: String, seen: Seen, rules: &Rules) -> LearnedRule {
    let (rule, why) = choose(&seen, rules);
    let examples = seen
        .values
        .iter()
        .filter(|_| !seen.reordered)
        .take(3)
        .map(|value| match value {
            Some(text) => text.chars().take(40).collect(),
            None => "absent".to_owned(),
        })
        .collect();
    LearnedRule {
        target,
        rule,
        why,
        examples,
        requests: seen.requests,
        named: seen.named,
    }
}

fn choose(seen: &Seen, rules: &Rules) -> (String, String) {
    if seen.reordered {
        return (
            "unordered: true".to_owned(),
            "the same items in another order".to_owned(),
        );
    }
    let values: Vec<&String> = seen.values.iter().flatten().collect();
    if values.len() < seen.values.len() {
        return ("ignore: true".to_owned(), "not always there".to_owned());
    }
    let trees: Vec<Json> = values
        .iter()
        .map(|text| {
            if seen.in_header {
                Json::String((*text).clone())
            } else {
                Json::parse(text.as_bytes()).unwrap_or_else(|| Json::String((*text).clone()))
            }
        })
        .collect();
    if let Some(switch) = switched_off(&trees, rules) {
        return switch;
    }
    let texts: Option<Vec<&str>> = trees.iter().map(Json::as_str).collect();
    if let Some(pattern) = texts.as_deref().and_then(pattern_of) {
        return (
            format!("regex: {}", quote(&pattern)),
            "texts of one form".to_owned(),
        );
    }
    // A tolerance would hold for a few runs more.
    if seen.counts == Some(true) {
        return (
            "presence: true".to_owned(),
            "a counter or a clock, further in every run".to_owned(),
        );
    }
    if let Some(rule) = tolerance(&trees) {
        return rule;
    }
    (
        "presence: true".to_owned(),
        "varies without a form".to_owned(),
    )
}

/// The published form that all values have, when its switch is off.
fn switched_off(trees: &[Json], rules: &Rules) -> Option<(String, String)> {
    let all = |is: fn(&str) -> bool| trees.iter().all(|value| value.as_str().is_some_and(is));
    let forms = rules.forms;
    let (name, what) = if !forms.uuids && all(is_uuid) {
        ("ignore_uuids", "UUIDs")
    } else if !forms.timestamps && all(is_timestamp) {
        ("ignore_timestamps", "ISO 8601 times")
    } else if !forms.dates && all(is_date) {
        ("ignore_dates", "dates")
    } else if !forms.epochs && trees.iter().all(|value| epoch_unit(value).is_some()) {
        ("ignore_epoch_timestamps", "times since 1970")
    } else if !forms.jwts && all(|text| crate::rules::claims(text).is_some()) {
        ("ignore_jwt_fields", "JWTs")
    } else {
        return None;
    };
    Some((format!("{name}: true"), format!("{what} vary")))
}

/// One switch covers all its places.
fn merge_switches(rules: &mut Vec<LearnedRule>) {
    let mut seen: Vec<String> = Vec::new();
    rules.retain(|rule| {
        if !rule.rule.starts_with("ignore_") {
            return true;
        }
        let fresh = !seen.contains(&rule.rule);
        seen.push(rule.rule.clone());
        fresh
    });
}

/// Numbers that lie close together: a tolerance of twice their spread.
fn tolerance(trees: &[Json]) -> Option<(String, String)> {
    let numbers: Vec<f64> = trees
        .iter()
        .map(|value| match value {
            Json::Number(number) => number.text().parse().ok(),
            _ => None,
        })
        .collect::<Option<_>>()?;
    let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    let most = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let spread = most - least;
    // Numbers whose spread is more than half of their size are random, not noisy.
    if !spread.is_finite() || spread > 0.5 * least.abs().max(most.abs()) {
        return None;
    }
    // Two digits are enough for a bound, and rounded up it holds for what was seen.
    let exponent = (2.0 * spread).log10().floor() - 1.0;
    let unit = 10f64.powf(exponent);
    let bound = (2.0 * spread / unit).ceil() * unit;
    let bound: f64 = format!("{bound:.2e}").parse().ok()?;
    (bound > 0.0).then(|| {
        (
            format!("tolerance: {bound}"),
            format!("numbers from {least} to {most}"),
        )
    })
}

/// A regular expression for texts that share their ends and have one class of
/// characters between; `None` when they have too little in common.
fn pattern_of(texts: &[&str]) -> Option<String> {
    let first = *texts.first()?;
    if texts.iter().any(|text| text.is_empty() || text.len() > 300) {
        return None;
    }
    let characters: Vec<Vec<char>> = texts.iter().map(|text| text.chars().collect()).collect();
    let shortest = characters.iter().map(Vec::len).min()?;
    let same = |at: usize, from_end: bool| {
        let pick = |text: &Vec<char>| {
            let index = if from_end { text.len() - 1 - at } else { at };
            text.get(index).copied()
        };
        let wanted = characters.first().and_then(pick);
        characters.iter().all(|text| pick(text) == wanted)
    };
    let mut prefix = (0..shortest).take_while(|at| same(*at, false)).count();
    let mut suffix = (0..shortest - prefix)
        .take_while(|at| same(*at, true))
        .count();
    // What is random may agree by chance: ends stop at a separator.
    let head: Vec<char> = first.chars().take(prefix).collect();
    prefix = head
        .iter()
        .rposition(|c| !c.is_alphanumeric())
        .map_or(0, |at| at + 1);
    let length = first.chars().count();
    let tail: Vec<char> = first.chars().skip(length - suffix).collect();
    suffix = tail
        .iter()
        .position(|c| !c.is_alphanumeric())
        .map_or(0, |at| suffix - at);
    let middles: Vec<String> = characters
        .iter()
        .map(|text| {
            text.iter()
                .skip(prefix)
                .take(text.len() - prefix - suffix)
                .collect()
        })
        .collect();
    let class = class_of(&middles)?;
    let least = middles.iter().map(|text| text.chars().count()).min()?;
    let most = middles.iter().map(|text| text.chars().count()).max()?;
    let count = if least == most {
        format!("{{{least}}}")
    } else {
        "+".to_owned()
    };
    if least == 0 {
        return None;
    }
    let ends = |part: String| regex::escape(&part);
    Some(format!(
        "^{}{class}{count}{}$",
        ends(first.chars().take(prefix).collect()),
        ends(first.chars().skip(length - suffix).collect())
    ))
}

fn class_of(texts: &[String]) -> Option<&'static str> {
    let all = |is: fn(char) -> bool| texts.iter().all(|text| text.chars().all(is));
    if all(|c| c.is_ascii_digit()) {
        Some("[0-9]")
    } else if all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c)) {
        Some("[0-9a-f]")
    } else if all(|c| c.is_ascii_hexdigit()) {
        Some("[0-9A-Fa-f]")
    } else if all(|c| c.is_ascii_lowercase()) {
        // Words differ for a reason: a form of letters alone says too little.
        None
    } else if all(|c| c.is_ascii_alphanumeric()) && texts.iter().all(|text| text.len() >= 8) {
        Some("[0-9A-Za-z]")
    } else if all(|c| c.is_ascii_alphanumeric() || "-_+/=".contains(c))
        && texts.iter().all(|text| text.len() >= 16)
    {
        Some("[0-9A-Za-z_+/=-]")
    } else {
        None
    }
}
