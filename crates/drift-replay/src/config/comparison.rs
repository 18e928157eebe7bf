//! The keys of `comparison`: what may differ between a recorded and a live response.

use super::yaml::{Block, Field, Reader, Unknown};
use super::{ConfigProblemCode, rule_problem};
use crate::rules::{Allowance, Forms, HeaderRules, Rule, RuleError, Rules, pattern};

pub(super) fn read_comparison(reader: &mut Reader, field: Field<'_>) -> Rules {
    let block = reader.block(
        field,
        "comparison",
        &[
            "ignore_fields",
            "ignore_patterns",
            "ignore_uuids",
            "ignore_timestamps",
            "ignore_dates",
            "ignore_epoch_timestamps",
            "ignore_jwt_fields",
            "headers",
            "header_names",
            "ignore_headers",
            "rules",
        ],
        Unknown::Refuse,
    );
    let mut rules = Rules::default();
    let mut switch = |name: &str| reader.boolean(&block, name).unwrap_or(true);
    rules.forms = Forms {
        uuids: switch("ignore_uuids"),
        timestamps: switch("ignore_timestamps"),
        dates: switch("ignore_dates"),
        epochs: switch("ignore_epoch_timestamps"),
        jwts: switch("ignore_jwt_fields"),
    };
    let place = |line: u64, column: u64| Field {
        node: field.node,
        line,
        column,
    };
    for (name, line, column) in reader.strings(&block, "ignore_fields").unwrap_or_default() {
        if !name.starts_with('$') {
            rules.ignore_fields.push(name.to_lowercase());
            continue;
        }
        // The published documents write paths here; its program never matched one.
        match Rule::at_path(&name, Allowance::Ignore) {
            Ok(mut rule) => {
                rule.line = Some(line);
                rules.rules.push(rule);
            }
            Err(error) => {
                rule_problem(
                    reader,
                    place(line, column),
                    "comparison.ignore_fields",
                    &error,
                );
            }
        }
    }
    for (text, line, column) in reader
        .strings(&block, "ignore_patterns")
        .unwrap_or_default()
    {
        match pattern(&text) {
            Ok(compiled) => rules.ignore_patterns.push(compiled),
            Err(error) => rule_problem(
                reader,
                place(line, column),
                "comparison.ignore_patterns",
                &error,
            ),
        }
    }
    rules.headers = read_headers(reader, &block);
    if let Some(field) = block.get("rules") {
        for item in reader
            .items(field, "comparison.rules", false)
            .unwrap_or_default()
        {
            if let Some(rule) = read_rule(reader, item) {
                rules.rules.push(rule);
            }
        }
    }
    rules
}

fn read_headers(reader: &mut Reader, block: &Block<'_>) -> HeaderRules {
    let mut headers = HeaderRules::default();
    let lower = |texts: Vec<(String, u64, u64)>| -> Vec<String> {
        texts
            .into_iter()
            .map(|(text, ..)| text.to_ascii_lowercase())
            .collect()
    };
    if let Some(names) = reader.strings(block, "headers").map(lower) {
        headers.ignored.retain(|name| !names.contains(name));
        headers.compared = names;
    }
    if let Some(names) = reader.boolean(block, "header_names") {
        headers.names = names;
    }
    if let Some(names) = reader.strings(block, "ignore_headers").map(lower) {
        headers.ignored.extend(names);
    }
    headers
}

const RULE_KEYS: &[&str] = &[
    "path",
    "header",
    "request",
    "ignore",
    "regex",
    "tolerance",
    "relative_tolerance",
    "unordered",
    "presence",
];

fn read_rule(reader: &mut Reader, field: Field<'_>) -> Option<Rule> {
    let name = "comparison.rules";
    let faults = reader.problems.len();
    let block = reader.block_item(field, name, RULE_KEYS, "`{path: $.id, ignore: true}`")?;
    // What a rule lacks may be what an unknown key was meant to be.
    let has_unknown = reader.problems.len() > faults;
    let path = reader.string(&block, "path");
    let header = reader.string(&block, "header");
    let place = |key: &str| block.get(key).unwrap_or(field);
    let allowance = read_allowance(reader, &block, field, has_unknown);
    let request = reader
        .string(&block, "request")
        .and_then(|text| match pattern(&text) {
            Ok(compiled) => Some(compiled),
            Err(error) => {
                rule_problem(reader, place("request"), "comparison.rules.request", &error);
                None
            }
        });
    let (key, made) = match (path, header, allowance) {
        (Some(path), None, Some(allowance)) => ("path", Rule::at_path(&path, allowance)),
        (None, Some(header), Some(allowance)) => ("header", Rule::at_header(&header, allowance)),
        (Some(_), None, None) | (None, Some(_), None) => return None,
        _ if has_unknown => return None,
        _ => {
            let message =
                format!("{name}: a rule needs a `path` (JSONPath) or a `header`, one of them");
            reader.problem(field, ConfigProblemCode::InvalidRule, name, message);
            return None;
        }
    };
    match made {
        Ok(mut rule) => {
            rule.line = Some(field.line);
            rule.request = request;
            (reader.problems.len() == faults).then_some(rule)
        }
        Err(error) => {
            let absolute = block.get("tolerance").is_some()
                && reader
                    .number(&block, "tolerance")
                    .is_some_and(|it| it < 0.0);
            let key = match &error {
                RuleError::Tolerance { .. } if absolute => "tolerance",
                RuleError::Tolerance { .. } => "relative_tolerance",
                _ => key,
            };
            rule_problem(reader, place(key), &format!("{name}.{key}"), &error);
            None
        }
    }
}

/// What a rule lets differ: exactly one of the kinds.
fn read_allowance(
    reader: &mut Reader,
    block: &Block<'_>,
    field: Field<'_>,
    has_unknown: bool,
) -> Option<Allowance> {
    let name = "comparison.rules";
    let faults = reader.problems.len();
    let mut found = Vec::new();
    for (key, allowance) in [
        ("ignore", Allowance::Ignore),
        ("unordered", Allowance::Unordered),
        ("presence", Allowance::Presence),
    ] {
        if reader.boolean(block, key) == Some(true) {
            found.push(allowance);
        }
    }
    if let Some(text) = reader.string(block, "regex") {
        match pattern(&text) {
            Ok(compiled) => found.push(Allowance::Regex(compiled)),
            Err(error) => {
                let place = block.get("regex").unwrap_or(field);
                rule_problem(reader, place, "comparison.rules.regex", &error);
            }
        }
    }
    let absolute = reader.number(block, "tolerance");
    let relative = reader.number(block, "relative_tolerance");
    if absolute.is_some() || relative.is_some() {
        found.push(Allowance::Tolerance {
            absolute: absolute.unwrap_or(0.0),
            relative: relative.unwrap_or(0.0),
        });
    }
    if reader.problems.len() > faults {
        return None;
    }
    let count = found.len();
    match (found.pop(), count) {
        (Some(allowance), 1) => Some(allowance),
        (None, _) if has_unknown => None,
        _ => {
            let message = format!(
                "{name}: a rule says one of ignore, regex, tolerance (or relative_tolerance), unordered, presence; this one says {count}"
            );
            reader.problem(field, ConfigProblemCode::InvalidRule, name, message);
            None
        }
    }
}
