//! The span of a class that is most like a request.

use super::class::{Class, Pick, found};
use super::live::{Live, read_values};
use super::search::{Search, TakesLong, Unread};
use super::{Found, MAX_TOP_CANDIDATES, Matcher, Outcome};
use crate::forms::Form;
use crate::guard::Guard;
use crate::index::{Classes, TestUse};
use crate::load::SpanIndex;
use crate::similarity;
use std::sync::{Mutex, PoisonError};

/// A candidate that was compared.
pub(super) struct Scored {
    pub(super) position: u32,
    pub(super) span: u32,
    pub(super) span_id: String,
    /// What counts first, and what counts between equals.
    pub(super) score: f64,
    pub(super) second: f64,
}

impl Matcher {
    /// The span of a class that is most like the request: among the unused ones,
    /// else among the used ones.
    pub(super) fn most_alike<C: Classes>(
        &self,
        live: &Live<'_>,
        uses: &Mutex<TestUse>,
        class: &Class<'_, C>,
        guarded: bool,
        search: &mut Search,
    ) -> Result<Option<Found>, TakesLong> {
        if live.forms.key(class.form).is_none() {
            search.steps.push(class.step(Outcome::NoForm));
            return Ok(None);
        }
        if class.len() == 0 {
            search.steps.push(class.step(Outcome::Nothing));
            return Ok(None);
        }
        loop {
            let (unused, more) = {
                let mut uses = uses.lock().unwrap_or_else(PoisonError::into_inner);
                let (unused, more) = self.unused_of(&mut uses, class);
                if let ([only], false, 0) = (unused.as_slice(), guarded, more) {
                    let Some(span) = class.classes.span_at(*only) else {
                        return Ok(None);
                    };
                    // For its answer.
                    search.may_read(&self.recording, [SpanIndex(span)])?;
                    if search.marks() {
                        uses.mark(span);
                        set_last(&mut uses, class, *only);
                    }
                    search.steps.push(class.step(Outcome::Answers));
                    let pick = Pick {
                        span,
                        replayed: false,
                    };
                    return Ok(Some(found(class, pick, None, Vec::new(), 0)));
                }
                (unused, more)
            };
            // Reading and comparing candidates needs no lock.
            let compared = unused.len();
            let mut scored = self.score(live, class, &unused, guarded, search)?;
            let mut replayed = false;
            let mut more = more;
            if scored.is_empty() {
                // Nothing unused, or nothing of it compatible: the last ones.
                let last = self.last_of(class);
                more = class.len() - last.len();
                scored = self.score(live, class, &last, guarded, search)?;
                replayed = true;
                // Of equals the last one answers: a poll loop stays in its last state.
                sort(&mut scored, |left, right| {
                    right.position.cmp(&left.position)
                });
            } else {
                sort(&mut scored, |left, right| {
                    left.position.cmp(&right.position)
                });
            }
            if scored.is_empty() {
                search.steps.push(class.step(Outcome::NoneCompatible));
                return Ok(None);
            }
            let mut uses = uses.lock().unwrap_or_else(PoisonError::into_inner);
            let winner = scored
                .iter()
                .position(|candidate| replayed || !uses.is_used(candidate.span));
            // All were taken by other requests meanwhile: look again. Each
            // round uses up spans, so there are few rounds.
            let Some(winner) = winner else { continue };
            let winner = scored.remove(winner);
            let was_used = uses.is_used(winner.span);
            if search.marks() {
                uses.mark(winner.span);
                set_last(&mut uses, class, winner.position);
            }
            drop(uses);
            search.steps.push(class.step(Outcome::Answers));
            let only_one = compared <= 1 && !replayed && more == 0;
            let similarity = (!only_one).then_some(winner.score);
            scored.truncate(MAX_TOP_CANDIDATES);
            let pick = Pick {
                span: winner.span,
                replayed: was_used,
            };
            return Ok(Some(found(class, pick, similarity, scored, more)));
        }
    }

    /// Unused positions of a class, at most as many as are compared: the ones
    /// that follow the last used one in recorded order, then from the first
    /// one on; and how many positions of the class were not looked at.
    fn unused_of<C: Classes>(&self, uses: &mut TestUse, class: &Class<'_, C>) -> (Vec<u32>, usize) {
        let mut unused = Vec::new();
        let mut left = 0;
        for range in &class.ranges {
            let anchor = match uses.last_of(class.id, range.start) {
                Some(last) => last + 1,
                None => range.start,
            };
            for part in [anchor..range.end, range.start..anchor.min(range.end)] {
                let mut at = part.start;
                while let Some(position) = uses.next_unused(class.id, class.classes, at..part.end) {
                    if unused.len() == self.max_scored {
                        left += (part.end - position) as usize;
                        break;
                    }
                    unused.push(position);
                    at = position + 1;
                }
            }
        }
        (unused, left)
    }

    /// The last positions of a class, at most as many as are compared.
    fn last_of<C: Classes>(&self, class: &Class<'_, C>) -> Vec<u32> {
        let ranges = class.ranges.iter().flat_map(|range| range.clone().rev());
        ranges.take(self.max_scored).collect()
    }

    /// Compares candidates; leaves out those whose guard excludes them, and
    /// those that can no longer be read.
    fn score<C: Classes>(
        &self,
        live: &Live<'_>,
        class: &Class<'_, C>,
        positions: &[u32],
        guarded: bool,
        search: &mut Search,
    ) -> Result<Vec<Scored>, TakesLong> {
        let spans = positions.iter();
        let spans = spans.filter_map(|position| class.classes.span_at(*position));
        // The one that answers is read once more for its answer.
        search.may_read(&self.recording, spans.map(SpanIndex))?;
        let scored = positions
            .iter()
            .filter_map(|position| {
                let number = class.classes.span_at(*position)?;
                let span = match self.recording.span(SpanIndex(number)) {
                    Ok(span) => span,
                    Err(error) => {
                        search.could_not_read(|| Unread::of(&error));
                        return None;
                    }
                };
                if guarded && Guard::of(&span).compatible(live.guard()).is_err() {
                    return None;
                }
                let (score, second) = if positions.len() == 1 {
                    (1.0, 1.0)
                } else {
                    let values = read_values(&span);
                    let whole = similarity::score(&live.values().whole, &values.whole);
                    match class.form {
                        // What counts is equal; what differs is what was dropped.
                        Form::ReducedValue => (whole, whole),
                        _ => (
                            similarity::score(live.values().reduced(), values.reduced()),
                            whole,
                        ),
                    }
                };
                Some(Scored {
                    position: *position,
                    span: number,
                    span_id: span.span_id,
                    score,
                    second,
                })
            })
            .collect();
        Ok(scored)
    }
}

/// The best first; between equals, `between` decides.
fn sort(scored: &mut [Scored], between: impl Fn(&Scored, &Scored) -> std::cmp::Ordering) {
    scored.sort_by(|left, right| {
        right
            .score
            .total_cmp(&left.score)
            .then(right.second.total_cmp(&left.second))
            .then_with(|| between(left, right))
    });
}

fn set_last<C: Classes>(uses: &mut TestUse, class: &Class<'_, C>, position: u32) {
    for range in &class.ranges {
        if range.contains(&position) {
            uses.set_last(class.id, range.start, position);
        }
    }
}
