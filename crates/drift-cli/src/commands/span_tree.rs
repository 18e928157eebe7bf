//! One trace as a tree: who called what, when, and how long it took.

use crate::describe::{self, what};
use crate::terminal::{BAD, CAUTION, DIM, GOOD, clean, cut, duration, styled, width};
use drift_replay::Span;
use std::collections::{HashMap, HashSet};

/// The columns of the bar that shows when a span ran.
const BAR_COLUMNS: usize = 30;
/// The columns of a span's description, its indentation counted in.
const TREE_COLUMNS: usize = 64;

/// Spans under their parents.
pub(super) struct Tree<'s> {
    spans: &'s [Span],
    /// By the parent's id, places among the spans.
    children: HashMap<&'s str, Vec<usize>>,
    /// Spans whose parent is not in the trace.
    tops: Vec<usize>,
    start: i128,
    nanos: i128,
}

/// A span after what stands before it.
struct Line<'s> {
    prefix: String,
    span: &'s Span,
    /// Why it stands where it does, when that is not as it should be.
    note: Option<String>,
}

impl<'s> Tree<'s> {
    /// The tree of spans in the order in which they are to appear.
    pub(super) fn new(spans: &'s [Span]) -> Tree<'s> {
        let known: HashSet<&str> = spans.iter().map(|span| span.span_id.as_str()).collect();
        let mut children: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut tops = Vec::new();
        for (place, span) in spans.iter().enumerate() {
            let parent = span.parent_span_id.as_str();
            if !parent.is_empty() && known.contains(parent) {
                children.entry(parent).or_default().push(place);
            } else {
                tops.push(place);
            }
        }
        let started = spans.iter().filter_map(|span| span.start_unix_nanos);
        let start = started.min().unwrap_or(0);
        let ended = spans.iter().filter_map(end).max();
        Tree {
            spans,
            children,
            tops,
            start,
            nanos: (ended.unwrap_or(start) - start).max(1),
        }
    }

    /// The lines of the tree. Every span is there once: those that no way leads to,
    /// because their parents go in a circle, follow the others.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut shown = vec![false; self.spans.len()];
        let mut lines = Vec::new();
        for top in self.tops.iter().copied() {
            self.branch(top, None, &mut shown, &mut lines);
        }
        for place in 0..self.spans.len() {
            let note = "its parents go in a circle".to_owned();
            self.branch(place, Some(note), &mut shown, &mut lines);
        }
        lines.iter().map(|line| self.text(line)).collect()
    }

    /// A span with all below it that was not shown before.
    fn branch(
        &self,
        top: usize,
        note: Option<String>,
        shown: &mut [bool],
        lines: &mut Vec<Line<'s>>,
    ) {
        let mut is_new = |place: usize| {
            let known = shown.get_mut(place);
            known.is_some_and(|known| !std::mem::replace(known, true))
        };
        if !is_new(top) {
            return;
        }
        // What is still to come, the next one last.
        let mut waiting = vec![(String::new(), String::new(), top)];
        while let Some((before, below, place)) = waiting.pop() {
            let Some(span) = self.spans.get(place) else {
                continue;
            };
            let note = if place == top { note.clone() } else { None };
            lines.push(Line {
                prefix: before,
                span,
                note: note.or_else(|| self.orphan(span)),
            });
            let children = self.children.get(span.span_id.as_str());
            let children = children.map(Vec::as_slice).unwrap_or_default();
            let children: Vec<usize> = children.iter().copied().filter(|at| is_new(*at)).collect();
            for (at, child) in children.iter().enumerate().rev() {
                let is_last = at + 1 == children.len();
                let (before, under) = if is_last {
                    ("└─ ", "   ")
                } else {
                    ("├─ ", "│  ")
                };
                waiting.push((
                    format!("{below}{before}"),
                    format!("{below}{under}"),
                    *child,
                ));
            }
        }
    }

    /// What is missing above a span. Of a root, it is the caller's own span.
    fn orphan(&self, span: &Span) -> Option<String> {
        let parent = span.parent_span_id.as_str();
        let is_orphan =
            !span.is_root_span && !parent.is_empty() && !self.children.contains_key(parent);
        is_orphan.then(|| format!("its parent {} is not in the trace", clean(parent)))
    }

    fn text(&self, line: &Line<'_>) -> String {
        let Line { prefix, span, note } = line;
        let package = format!("{} ", clean(&span.package_name));
        let status =
            describe::status(span).map_or_else(String::new, |status| format!(" → {status}"));
        let beside = width(prefix) + width(&package) + width(&status);
        let text = cut(&what(span), TREE_COLUMNS.saturating_sub(beside).max(12));
        let gap = " ".repeat(TREE_COLUMNS.saturating_sub(beside + width(&text)));
        let failed = span.status_code == 2;
        let status = styled(status, if failed { BAD } else { GOOD });
        let took = span.duration_nanos.map(duration).unwrap_or_default();
        let note = note
            .as_ref()
            .map_or_else(String::new, |note| format!("  {note}"));
        format!(
            "{prefix}{}{text}{status}{gap}  {took:>9}  {}  {}{}",
            styled(package, DIM),
            styled(self.bar(span), if failed { BAD } else { CAUTION }),
            styled(clean(&span.span_id), DIM),
            styled(note, CAUTION)
        )
    }

    fn bar(&self, span: &Span) -> String {
        let Some(start) = span.start_unix_nanos else {
            return " ".repeat(BAR_COLUMNS);
        };
        let end = end(span).unwrap_or(start);
        let column = |at: i128| {
            let columns = i128::try_from(BAR_COLUMNS).unwrap_or(i128::MAX);
            let column = (at - self.start).saturating_mul(columns) / self.nanos;
            usize::try_from(column).unwrap_or(0).min(BAR_COLUMNS)
        };
        let from = column(start).min(BAR_COLUMNS - 1);
        let to = column(end).max(from + 1);
        format!(
            "{}{}{}",
            "·".repeat(from),
            "━".repeat(to - from),
            "·".repeat(BAR_COLUMNS - to)
        )
    }
}

fn end(span: &Span) -> Option<i128> {
    Some(span.start_unix_nanos? + i128::from(span.duration_nanos.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(id: &str, parent: &str) -> Span {
        Span {
            span_id: id.to_owned(),
            parent_span_id: parent.to_owned(),
            name: format!("call-{id}"),
            ..Span::default()
        }
    }

    /// How often each span stands in the tree, and the lines.
    fn drawn(spans: &[Span]) -> (Vec<usize>, Vec<String>) {
        let lines: Vec<String> = Tree::new(spans)
            .lines()
            .iter()
            .map(|line| anstream::adapter::strip_str(line).to_string())
            .collect();
        let times = |span: &Span| {
            lines
                .iter()
                .filter(|line| line.contains(&span.name))
                .count()
        };
        (spans.iter().map(times).collect(), lines)
    }

    #[test]
    fn every_span_is_drawn_once_whatever_its_parents_are() {
        let cases: [(&str, Vec<Span>); 5] = [
            (
                "a chain",
                vec![span("1", ""), span("2", "1"), span("3", "2")],
            ),
            ("its own parent", vec![span("1", ""), span("2", "2")]),
            (
                "a circle with a tail",
                vec![
                    span("1", ""),
                    span("2", "4"),
                    span("3", "2"),
                    span("4", "3"),
                    span("5", "4"),
                ],
            ),
            ("only a circle", vec![span("1", "2"), span("2", "1")]),
            (
                "parents that are not there",
                vec![span("1", "x"), span("2", "y")],
            ),
        ];
        for (name, spans) in cases {
            let (times, lines) = drawn(&spans);
            assert_eq!(times, vec![1; spans.len()], "{name}: {lines:#?}");
        }
    }

    #[test]
    fn a_span_that_stands_where_it_should_not_says_why() {
        let (_, lines) = drawn(&[span("1", ""), span("2", "gone"), span("3", "3")]);
        let all = lines.join("\n");
        assert!(all.contains("its parent gone is not in the trace"), "{all}");
        assert!(all.contains("its parents go in a circle"), "{all}");
        assert!(lines.first().is_some_and(|first| !first.contains("parent")));
    }

    #[test]
    fn two_spans_of_one_id_share_their_children_without_drawing_them_twice() {
        let mut twin = span("1", "");
        twin.name = "twin".to_owned();
        let (times, lines) = drawn(&[span("1", ""), twin, span("2", "1")]);
        assert_eq!(times, [1, 1, 1], "{lines:#?}");
    }
}
