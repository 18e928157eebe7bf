//! Where spans are found by the forms of their inputs, and which of them a
//! test has used. Leaves out in which order classes are asked (`matcher`).
//!
//! A class is all spans of one form key. An index holds the spans of all
//! classes one after the other, within a class those after the start of the
//! service first, and these in recorded order; so the spans of a class, of a
//! class within a trace, or of a class before the start, are one range, found
//! by binary search within one bucket.

use crate::forms::Form;
use crate::guard::GuardKey;
use crate::load::{Recording, SpanIndex};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Spans by the key of their class.
pub(crate) trait Classes {
    /// The span at a position.
    fn span_at(&self, position: u32) -> Option<u32>;
    /// The positions of a class's spans, all before the start of the service or
    /// all after it, whose numbers are in a range.
    fn range(&self, key: u128, is_pre_app_start: bool, spans: &Range<u32>) -> Range<u32>;
}

/// The spans of a whole recording by the keys of one form.
#[derive(Debug, Default)]
pub(crate) struct FormIndex {
    spans: Vec<u32>,
    /// By the first bits of a key: where those keys begin. One more at the end.
    buckets: Vec<u32>,
    shift: u32,
}

impl FormIndex {
    fn new(recording: &Recording, form: Form) -> FormIndex {
        let keys = recording.keys(form);
        let found = || {
            keys.iter()
                .zip(recording.entries())
                .zip(0_u32..)
                .filter(|((key, entry), _)| **key != 0 && entry.is_candidate())
                .map(|((key, entry), span)| (*key, entry.is_pre_app_start(), span))
        };
        // About eight keys a bucket: keys are digests, so they spread evenly.
        let bits = found()
            .count()
            .checked_ilog2()
            .unwrap_or(0)
            .saturating_sub(3)
            .clamp(1, 24);
        let shift = u128::BITS - bits;
        let mut buckets = vec![0_u32; (1 << bits) + 1];
        for (key, _, _) in found() {
            if let Some(count) = buckets.get_mut((key >> shift) as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for count in &mut buckets {
            sum += *count;
            *count = sum;
        }
        // Each span into its bucket, and then the few of a bucket by what they
        // are found by: sorting all at once takes three times as long, and room
        // for a million keys.
        let mut spans = vec![0_u32; sum as usize];
        let mut filled = buckets.clone();
        for (key, _, span) in found() {
            let Some(place) = filled.get_mut((key >> shift) as usize) else {
                continue;
            };
            if let Some(slot) = spans.get_mut(*place as usize) {
                *slot = span;
            }
            *place += 1;
        }
        let mut ranked = Vec::new();
        for range in buckets.windows(2) {
            let &[start, end] = range else { continue };
            let Some(own) = spans.get_mut(start as usize..end as usize) else {
                continue;
            };
            if own.len() < 2 {
                continue;
            }
            ranked.clear();
            ranked.extend(own.iter().map(|span| rank(recording, keys, *span)));
            ranked.sort_unstable();
            for (slot, (_, _, span)) in own.iter_mut().zip(&ranked) {
                *slot = *span;
            }
        }
        FormIndex {
            spans,
            buckets,
            shift,
        }
    }
}

/// What the spans of an index are sorted by.
fn rank(recording: &Recording, keys: &[u128], span: u32) -> (u128, bool, u32) {
    let key = keys.get(span as usize).copied().unwrap_or(0);
    let entry = recording.entry(SpanIndex(span));
    let is_pre_app_start = entry.is_some_and(|entry| entry.is_pre_app_start());
    (key, is_pre_app_start, span)
}

/// All form indexes of a recording.
#[derive(Debug)]
pub(crate) struct Index {
    forms: [FormIndex; Form::COUNT],
}

impl Index {
    pub(crate) fn new(recording: &Recording, threads: usize) -> Index {
        let mut forms: [FormIndex; Form::COUNT] = Default::default();
        let mut work: Vec<(Form, &mut FormIndex)> =
            Form::ALL.into_iter().zip(forms.iter_mut()).collect();
        let share = work.len().div_ceil(threads.clamp(1, Form::COUNT));
        std::thread::scope(|scope| {
            for part in work.chunks_mut(share) {
                scope.spawn(move || {
                    for (form, index) in part {
                        **index = FormIndex::new(recording, *form);
                    }
                });
            }
        });
        Index { forms }
    }

    pub(crate) fn of<'i>(&'i self, recording: &'i Recording, form: Form) -> FormClasses<'i> {
        FormClasses {
            index: self.forms.get(form.position()),
            keys: recording.keys(form),
            recording,
        }
    }
}

/// A form index with the keys it is sorted by.
pub(crate) struct FormClasses<'i> {
    index: Option<&'i FormIndex>,
    keys: &'i [u128],
    recording: &'i Recording,
}

impl Classes for FormClasses<'_> {
    fn span_at(&self, position: u32) -> Option<u32> {
        self.index?.spans.get(position as usize).copied()
    }

    fn range(&self, key: u128, is_pre_app_start: bool, spans: &Range<u32>) -> Range<u32> {
        let Some(index) = self.index.filter(|_| key != 0) else {
            return 0..0;
        };
        let bucket = (key >> index.shift) as usize;
        let (Some(start), Some(end)) = (index.buckets.get(bucket), index.buckets.get(bucket + 1))
        else {
            return 0..0;
        };
        let own = index
            .spans
            .get(*start as usize..*end as usize)
            .unwrap_or_default();
        let rank = |span: &u32| rank(self.recording, self.keys, *span);
        let first = own.partition_point(|span| rank(span) < (key, is_pre_app_start, spans.start));
        let rest = own.get(first..).unwrap_or_default();
        let count = rest.partition_point(|span| rank(span) < (key, is_pre_app_start, spans.end));
        let first = *start + first as u32;
        first..first + count as u32
    }
}

/// The forms that are compared under a guard.
pub(crate) const GUARDED_FORMS: [Form; 3] =
    [Form::RecordedSchema, Form::Schema, Form::ReducedSchema];

/// The spans of one trace, or all before the start of the service, by form key
/// and guard key.
#[derive(Debug, Default)]
pub(crate) struct GuardIndex {
    forms: [Vec<(u128, bool, u32)>; Form::COUNT],
}

impl GuardIndex {
    /// From the guard keys of spans.
    pub(crate) fn new(recording: &Recording, guards: &[(SpanIndex, GuardKey)]) -> GuardIndex {
        let mut index = GuardIndex::default();
        for form in GUARDED_FORMS {
            let Some(sorted) = index.forms.get_mut(form.position()) else {
                continue;
            };
            for (span, guard) in guards {
                let (Some(key), Some(entry)) = (recording.key(form, *span), recording.entry(*span))
                else {
                    continue;
                };
                sorted.push((
                    guarded(key.number(), *guard),
                    entry.is_pre_app_start(),
                    span.0,
                ));
            }
            sorted.sort_unstable();
        }
        index
    }

    pub(crate) fn of(&self, form: Form) -> GuardClasses<'_> {
        GuardClasses(self.forms.get(form.position()).map_or(&[], Vec::as_slice))
    }
}

/// One key for a form and a guard: the digests are independent, so two pairs
/// with one key are as likely as two equal digests.
pub(crate) fn guarded(form_key: u128, guard: GuardKey) -> u128 {
    match form_key {
        0 => 0,
        key => (key ^ u128::from_be_bytes(guard.0)).max(1),
    }
}

/// One form of a guard index.
pub(crate) struct GuardClasses<'i>(&'i [(u128, bool, u32)]);

impl Classes for GuardClasses<'_> {
    fn span_at(&self, position: u32) -> Option<u32> {
        self.0.get(position as usize).map(|(_, _, span)| *span)
    }

    fn range(&self, key: u128, is_pre_app_start: bool, spans: &Range<u32>) -> Range<u32> {
        if key == 0 {
            return 0..0;
        }
        let before = |end: u32| {
            self.0
                .partition_point(|ranked| *ranked < (key, is_pre_app_start, end)) as u32
        };
        before(spans.start)..before(spans.end)
    }
}

/// Which index a position is of. One that was made anew has another one, for the
/// positions of its spans are others.
pub(crate) type IndexId = u32;

/// What a test has used.
#[derive(Debug, Default)]
pub(crate) struct TestUse {
    used: HashSet<u32>,
    /// From a position to a later one, with nothing unused between them; paths
    /// are shortened as they are walked, so that a look-up costs the same
    /// however much of its class is used.
    next: HashMap<(IndexId, u32), u32>,
    /// By the first position of a class: the one that answered last.
    last: HashMap<(IndexId, u32), u32>,
}

impl TestUse {
    pub(crate) fn is_used(&self, span: u32) -> bool {
        self.used.contains(&span)
    }

    /// Marks a span; whether it was unused.
    pub(crate) fn mark(&mut self, span: u32) -> bool {
        self.used.insert(span)
    }

    /// Takes back that a span is used: its answer could not be read.
    pub(crate) fn unmark(&mut self, span: u32) {
        if self.used.remove(&span) {
            // Paths may lead past it; they are walked anew.
            self.next.clear();
        }
    }

    /// The first unused position of a range.
    pub(crate) fn next_unused(
        &mut self,
        id: IndexId,
        classes: &impl Classes,
        range: Range<u32>,
    ) -> Option<u32> {
        let mut at = range.start;
        let mut walked = Vec::new();
        while at < range.end {
            let next = match self.next.get(&(id, at)) {
                Some(next) => *next,
                None if classes.span_at(at).is_some_and(|span| self.is_used(span)) => at + 1,
                None => break,
            };
            walked.push(at);
            at = next;
        }
        // A path beyond the range stays correct: it only leads further.
        for position in walked {
            self.next.insert((id, position), at);
        }
        (at < range.end).then_some(at)
    }

    pub(crate) fn last_of(&self, id: IndexId, class: u32) -> Option<u32> {
        self.last.get(&(id, class)).copied()
    }

    pub(crate) fn set_last(&mut self, id: IndexId, class: u32, position: u32) {
        self.last.insert((id, class), position);
    }
}
