//! Texts by lines, with the published forms masked.

use crate::rules::{Reason, Rules};
use similar::{Algorithm, DiffOp, capture_diff_slices};
use std::collections::HashMap;

/// Which side a line stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineSide {
    /// On both.
    Both,
    /// Only in the recording.
    Recorded,
    /// Only in the replay.
    Actual,
    /// Lines left out here.
    Gap,
}

impl LineSide {
    /// `both`, `recorded`, `actual` or `gap`.
    pub const fn as_str(self) -> &'static str {
        match self {
            LineSide::Both => "both",
            LineSide::Recorded => "recorded",
            LineSide::Actual => "actual",
            LineSide::Gap => "gap",
        }
    }
}

/// One line of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffLine {
    /// Which side it stands on.
    pub side: LineSide,
    /// Its number in the recording, from 1.
    pub recorded: Option<usize>,
    /// Its number in the replay, from 1.
    pub actual: Option<usize>,
    /// The line without its end; cut at 2000 characters, or, where it differs from
    /// its partner behind them, 1000 after that.
    pub text: String,
}

/// For each line of a difference the one that took its place, or whose it took: of
/// as many recorded lines as new ones behind them.
pub fn partners(lines: &[DiffLine]) -> Vec<Option<usize>> {
    let sides: Vec<LineSide> = lines.iter().map(|line| line.side).collect();
    let mut partners = vec![None; lines.len()];
    for (recorded, actual) in partner_pairs(&sides) {
        for (one, other) in [(recorded, actual), (actual, recorded)] {
            if let Some(slot) = partners.get_mut(one) {
                *slot = Some(other);
            }
        }
    }
    partners
}

/// The places of recorded lines and of the actual ones that took theirs.
fn partner_pairs(sides: &[LineSide]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let run = |from: usize, side: LineSide| {
        let rest = sides.get(from..).unwrap_or_default();
        rest.iter().take_while(|one| **one == side).count()
    };
    let mut at = 0;
    while at < sides.len() {
        let removed = run(at, LineSide::Recorded);
        let added = run(at + removed, LineSide::Actual);
        if removed == added {
            pairs.extend((at..at + removed).map(|place| (place, place + removed)));
        }
        at += (removed + added).max(1);
    }
    pairs
}

/// Characters of a line that are kept.
pub(super) const MAX_LINE: usize = 2_000;
/// Characters behind the first difference of two long lines that are kept.
const BEHIND_DIFFERENCE: usize = 1_000;
/// How many bytes more than [`MAX_LINE`] the lines of one difference may have, so that
/// very long lines that differ late do not fill the memory.
const SPARE_BYTES: usize = 1 << 20;
/// Lines of a difference that are kept.
const MAX_LINES: usize = 400;
const CONTEXT: usize = 3;
/// Lines that differ in the middle of two texts, up to which they are aligned:
/// beyond it the work could be quadratic, and they are shown one under the other.
const MAX_ALIGNED: usize = 5_000;

/// What the comparison of two texts gave.
#[derive(Debug, Default)]
pub(super) struct TextDifference {
    /// Empty when all that differs is accepted.
    pub(super) lines: Vec<DiffLine>,
    pub(super) removed: usize,
    pub(super) added: usize,
    /// Lines that differ only in forms: both lines, and which forms.
    pub(super) accepted: Vec<(usize, String, String, Reason)>,
}

enum Step {
    Equal(usize, usize),
    Removed(usize),
    Added(usize),
}

pub(super) fn compare(recorded: &str, actual: &str, rules: &Rules) -> TextDifference {
    let split = |text: &str| -> Vec<String> {
        text.split('\n')
            .map(|line| line.strip_suffix('\r').unwrap_or(line).to_owned())
            .collect()
    };
    // A line end at the end of both is no empty line more.
    let (recorded, actual) = match (recorded.strip_suffix('\n'), actual.strip_suffix('\n')) {
        (Some(recorded), Some(actual)) => (recorded, actual),
        _ => (recorded, actual),
    };
    let (left, right) = (split(recorded), split(actual));
    let mask = |lines: &[String]| -> Vec<(String, Vec<&'static str>)> {
        lines.iter().map(|line| rules.forms.mask(line)).collect()
    };
    // Only texts that differ are masked, and only they pay for it.
    let (left_masks, right_masks) = (mask(&left), mask(&right));
    let left_keys: Vec<&str> = left_masks.iter().map(|(line, _)| line.as_str()).collect();
    let right_keys: Vec<&str> = right_masks.iter().map(|(line, _)| line.as_str()).collect();

    let mut result = TextDifference::default();
    let mut steps = Vec::new();
    for step in align(&left_keys, &right_keys) {
        let Step::Equal(a, b) = step else {
            steps.push(step);
            continue;
        };
        if let (Some(old), Some(new)) = (left.get(a), right.get(b))
            && old != new
        {
            let forms = left_masks.get(a).map(|(_, forms)| forms.as_slice());
            let code = forms.and_then(|forms| forms.first()).copied();
            result.accepted.push((
                a + 1,
                old.clone(),
                new.clone(),
                Reason::new(
                    code.unwrap_or("UUID"),
                    format!("only {} differ", forms.unwrap_or_default().join(", ")),
                ),
            ));
        }
        steps.push(step);
    }
    let steps = accept_patterns(steps, &left, &right, rules, &mut result);
    result.removed = count(&steps, |step| matches!(step, Step::Removed(_)));
    result.added = count(&steps, |step| matches!(step, Step::Added(_)));
    if result.removed + result.added > 0 {
        result.lines = hunks(&steps, &left, &right);
    }
    result
}

fn count(steps: &[Step], is: impl Fn(&Step) -> bool) -> usize {
    steps.iter().filter(|step| is(step)).count()
}

/// Removed lines followed by as many added ones are pairs; a pair that matches
/// one of `ignore_patterns` on both sides is equal.
fn accept_patterns(
    steps: Vec<Step>,
    left: &[String],
    right: &[String],
    rules: &Rules,
    result: &mut TextDifference,
) -> Vec<Step> {
    if rules.ignore_patterns.is_empty() {
        return steps;
    }
    let mut kept = Vec::with_capacity(steps.len());
    let mut rest = steps.into_iter().peekable();
    while rest.peek().is_some() {
        let (mut removed, mut added) = (Vec::new(), Vec::new());
        while let Some(Step::Removed(index)) = rest.next_if(|step| matches!(step, Step::Removed(_)))
        {
            removed.push(index);
        }
        while let Some(Step::Added(index)) = rest.next_if(|step| matches!(step, Step::Added(_))) {
            added.push(index);
        }
        if removed.len() == added.len() && !removed.is_empty() {
            let (mut old_kept, mut new_kept) = (Vec::new(), Vec::new());
            for (a, b) in removed.into_iter().zip(added) {
                let (Some(old), Some(new)) = (left.get(a), right.get(b)) else {
                    continue;
                };
                let found = rules
                    .ignore_patterns
                    .iter()
                    .find(|pattern| pattern.is_match(old) && pattern.is_match(new));
                match found {
                    Some(pattern) => result.accepted.push((
                        a + 1,
                        old.clone(),
                        new.clone(),
                        Reason::new("IGNORE_PATTERN", pattern.as_str()),
                    )),
                    None => {
                        old_kept.push(Step::Removed(a));
                        new_kept.push(Step::Added(b));
                    }
                }
            }
            kept.extend(old_kept);
            kept.extend(new_kept);
        } else {
            kept.extend(removed.into_iter().map(Step::Removed));
            kept.extend(added.into_iter().map(Step::Added));
        }
        kept.extend(rest.next_if(|step| matches!(step, Step::Equal(..))));
    }
    kept
}

fn align(left: &[&str], right: &[&str]) -> Vec<Step> {
    let start = left.iter().zip(right).take_while(|(a, b)| a == b).count();
    let end = left
        .iter()
        .skip(start)
        .rev()
        .zip(right.iter().skip(start).rev())
        .take_while(|(a, b)| a == b)
        .count();
    let middle_left = left.get(start..left.len() - end).unwrap_or_default();
    let middle_right = right.get(start..right.len() - end).unwrap_or_default();
    let mut steps: Vec<Step> = (0..start).map(|index| Step::Equal(index, index)).collect();
    if middle_left.len() + middle_right.len() > MAX_ALIGNED {
        steps.extend((0..middle_left.len()).map(|index| Step::Removed(start + index)));
        steps.extend((0..middle_right.len()).map(|index| Step::Added(start + index)));
    } else {
        for op in capture_diff_slices(Algorithm::Myers, middle_left, middle_right) {
            push_op(&mut steps, op, start);
        }
    }
    let (left_end, right_end) = (left.len() - end, right.len() - end);
    steps.extend((0..end).map(|index| Step::Equal(left_end + index, right_end + index)));
    steps
}

fn push_op(steps: &mut Vec<Step>, op: DiffOp, start: usize) {
    match op {
        DiffOp::Equal {
            old_index,
            new_index,
            len,
        } => steps
            .extend((0..len).map(|at| Step::Equal(start + old_index + at, start + new_index + at))),
        _ => {
            steps.extend(op.old_range().map(|at| Step::Removed(start + at)));
            steps.extend(op.new_range().map(|at| Step::Added(start + at)));
        }
    }
}

/// The changed lines with [`CONTEXT`] lines around them.
fn hunks(steps: &[Step], left: &[String], right: &[String]) -> Vec<DiffLine> {
    let changed: Vec<usize> = steps
        .iter()
        .enumerate()
        .filter(|(_, step)| !matches!(step, Step::Equal(..)))
        .map(|(index, _)| index)
        .collect();
    let mut shown = Vec::new();
    for index in changed {
        let from = index.saturating_sub(CONTEXT);
        let to = (index + CONTEXT).min(steps.len().saturating_sub(1));
        let next = shown.last().map_or(0, |last| last + 1);
        shown.extend(from.max(next)..=to);
    }
    let gap = || DiffLine {
        side: LineSide::Gap,
        recorded: None,
        actual: None,
        text: String::new(),
    };
    let text_of = |step: &Step| match step {
        Step::Equal(_, b) | Step::Added(b) => right.get(*b),
        Step::Removed(a) => left.get(*a),
    };
    let kept = kept_lengths(steps, &text_of);
    let mut lines = Vec::new();
    let mut expected = 0;
    for index in shown {
        if lines.len() >= MAX_LINES {
            lines.push(gap());
            return lines;
        }
        if index != expected {
            lines.push(gap());
        }
        expected = index + 1;
        let Some(step) = steps.get(index) else {
            continue;
        };
        let (a, b) = match step {
            Step::Equal(a, b) => (Some(*a), Some(*b)),
            Step::Removed(a) => (Some(*a), None),
            Step::Added(b) => (None, Some(*b)),
        };
        let most = kept.get(&index).copied().unwrap_or(MAX_LINE);
        lines.push(DiffLine {
            side: side_of(step),
            recorded: a.map(|at| at + 1),
            actual: b.map(|at| at + 1),
            text: text_of(step)
                .map(|text| text.chars().take(most).collect())
                .unwrap_or_default(),
        });
    }
    if expected < steps.len() {
        lines.push(gap());
    }
    lines
}

fn side_of(step: &Step) -> LineSide {
    match step {
        Step::Equal(..) => LineSide::Both,
        Step::Removed(_) => LineSide::Recorded,
        Step::Added(_) => LineSide::Actual,
    }
}

/// Of how many lines more than [`MAX_LINE`] characters are kept, and how many: of those
/// whose first difference is behind them. They are cut around it only where they are
/// shown, since what is before it may say what is secret behind it.
fn kept_lengths<'s>(
    steps: &[Step],
    text_of: &impl Fn(&Step) -> Option<&'s String>,
) -> HashMap<usize, usize> {
    let sides: Vec<LineSide> = steps.iter().map(side_of).collect();
    let mut kept = HashMap::new();
    let mut spare = SPARE_BYTES;
    for (recorded, actual) in partner_pairs(&sides) {
        let text = |place: usize| steps.get(place).and_then(text_of);
        let (Some(old), Some(new)) = (text(recorded), text(actual)) else {
            continue;
        };
        if old.len().max(new.len()) <= MAX_LINE {
            continue;
        }
        let letters = old.chars().zip(new.chars());
        let length = letters.take_while(|(a, b)| a == b).count() + BEHIND_DIFFERENCE;
        // A character has up to four bytes, and there are two lines.
        let Some(rest) = spare.checked_sub(length.saturating_mul(8)) else {
            continue;
        };
        if length > MAX_LINE {
            spare = rest;
            kept.extend([(recorded, length), (actual, length)]);
        }
    }
    kept
}
