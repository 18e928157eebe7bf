//! Two JSON trees, by path: all differences, and which of them a rule accepts.

use super::{Change, MAX_DIFFERENCES};
use crate::redact::{is_value_member, name_beside};
use crate::rules::{Allowance, Reason, Rule, Rules, Selected, scalar_text, within};
use crate::tree::Json;
use drift_rust_core::path::{push_index, push_member};
use drift_rust_core::{DiffError, Difference, Document, Side, ValueOptions};
use similar::{Algorithm, DiffOp, capture_diff_slices};
use std::cmp::Ordering;
use std::collections::HashMap;

/// One difference between two trees.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JsonDifference {
    pub(crate) change: Change,
    pub(crate) path: String,
    /// Where the value is on the side of what is now; they part where arrays are
    /// aligned or unordered.
    pub(crate) actual_path: String,
    pub(crate) recorded: Option<Json>,
    pub(crate) actual: Option<Json>,
    /// The rule that accepts it; `None` for a deviation.
    pub(crate) reason: Option<Reason>,
    /// A sentence, where the values alone do not say it.
    pub(crate) note: Option<String>,
    /// The name that stands beside it: `{"name": …, "value": …}`.
    pub(crate) named: Option<String>,
}

/// The differences of two trees, and how many more there were.
#[derive(Debug, Default)]
pub(crate) struct JsonDifferences {
    pub(crate) all: Vec<JsonDifference>,
    pub(crate) more: usize,
    pub(crate) notices: Vec<String>,
}

/// Items of unordered arrays that are compared pair by pair, at most: their
/// product, since each pair may be a whole tree. Equal items are paired before,
/// by their canonical text, at any number.
const MAX_PAIRS: usize = 10_000;
/// Items of two arrays of different length that are aligned, at most.
const MAX_ALIGNED: usize = 5_000;

/// The differences of two JSON texts without any rule, all of them: values are
/// compared by their canonical form, and arrays aligned as in responses.
///
/// # Errors
/// [`DiffError::Json`] naming the side that is not JSON.
///
/// ```
/// let found = drift_replay::compare::diff_json(b"[1,2,3]", b"[0,1,2,3]")?;
/// let shown: Vec<_> = found.iter().map(|one| (one.kind.as_str(), one.path.as_str())).collect();
/// assert_eq!(shown, [("added", "$[0]")]);
/// assert!(drift_replay::compare::diff_json(b"{}", b"{").is_err());
/// # Ok::<(), drift_rust_core::DiffError>(())
/// ```
pub fn diff_json(left: &[u8], right: &[u8]) -> Result<Vec<Difference>, DiffError> {
    let tree = |side, text: &[u8]| match Document::parse(text, ValueOptions::default()) {
        Ok(document) => Ok(Json::of(document.root())),
        Err(source) => Err(DiffError::Json { side, source }),
    };
    let (left, right) = (tree(Side::Left, left)?, tree(Side::Right, right)?);
    let none = Selected::default();
    let rules = Rules::none();
    let mut walk = Walk::new(&rules, [&none, &none], usize::MAX);
    walk.values(Some(&left), Some(&right));
    let difference = |one: JsonDifference| Difference {
        kind: one.change,
        path: one.path,
        left: one.recorded.as_ref().map(Json::text),
        right: one.actual.as_ref().map(Json::text),
    };
    Ok(walk.found.all.into_iter().map(difference).collect())
}

/// All differences of two trees under rules; `request` chooses the rules.
pub(crate) fn differences(
    recorded: &Json,
    actual: &Json,
    rules: &Rules,
    request: &str,
) -> JsonDifferences {
    let chosen = rules.for_request(request);
    let left = Selected::of(&chosen, recorded);
    let right = Selected::of(&chosen, actual);
    let mut walk = Walk::new(rules, [&left, &right], MAX_DIFFERENCES);
    walk.values(Some(recorded), Some(actual));
    walk.found
}

struct Walk<'r, 's> {
    rules: &'r Rules,
    selected: [&'s Selected<'r>; 2],
    /// The path on each side; they part where arrays are aligned or unordered.
    paths: [String; 2],
    /// The nearest member name above.
    field: Option<String>,
    /// The name that stands beside this value or one above it.
    named: Option<String>,
    found: JsonDifferences,
    /// Stop at the first deviation: only whether there is one.
    quiet: bool,
    deviations: usize,
    accepted: usize,
    /// Differences of each kind that are kept; further ones are counted.
    most: usize,
}

impl<'r, 's> Walk<'r, 's> {
    fn new(rules: &'r Rules, selected: [&'s Selected<'r>; 2], most: usize) -> Walk<'r, 's> {
        Walk {
            rules,
            selected,
            paths: [String::from("$"), String::from("$")],
            field: None,
            named: None,
            found: JsonDifferences::default(),
            quiet: false,
            deviations: 0,
            accepted: 0,
            most,
        }
    }

    /// The rules whose path selects the value on either side.
    fn rules_here(&self) -> Vec<&'r Rule> {
        let [left, right] = self.selected;
        let [left_path, right_path] = &self.paths;
        let mut here = left.at(left_path).to_vec();
        for rule in right.at(right_path) {
            if !here.iter().any(|known| std::ptr::eq(*known, *rule)) {
                here.push(rule);
            }
        }
        here
    }

    fn report(
        &mut self,
        recorded: Option<&Json>,
        actual: Option<&Json>,
        reason: Option<Reason>,
        note: Option<String>,
    ) {
        // Each kind has its own limit: accepted differences never crowd a deviation out.
        let is_deviation = reason.is_none();
        let count = if is_deviation {
            &mut self.deviations
        } else {
            &mut self.accepted
        };
        *count += 1;
        if *count > self.most {
            self.found.more += usize::from(is_deviation);
            return;
        }
        let change = match (recorded, actual) {
            (None, _) => Change::Added,
            (_, None) => Change::Removed,
            _ => Change::Changed,
        };
        let [left, right] = &self.paths;
        let path = if change == Change::Added { right } else { left };
        self.found.all.push(JsonDifference {
            change,
            path: path.clone(),
            actual_path: right.clone(),
            recorded: recorded.cloned(),
            actual: actual.cloned(),
            reason,
            note,
            named: self.named.clone(),
        });
    }

    fn values(&mut self, recorded: Option<&Json>, actual: Option<&Json>) {
        if self.quiet && self.deviations > 0 {
            return;
        }
        if recorded == actual {
            return;
        }
        let here = self.rules_here();
        if let Some(rule) = here.iter().find(|rule| allows(rule, recorded, actual)) {
            self.report(recorded, actual, Some(Reason::of(rule)), None);
            return;
        }
        if let Some(field) = &self.field
            && self.rules.ignores_field(field)
        {
            let reason = Reason::new("IGNORE_FIELD", field.clone());
            self.report(recorded, actual, Some(reason), None);
            return;
        }
        match (recorded, actual) {
            (Some(Json::Object(left)), Some(Json::Object(right))) => self.objects(left, right),
            (Some(Json::Array(left)), Some(Json::Array(right))) => {
                match here.iter().find(|rule| is_unordered(rule)) {
                    Some(rule) => self.unordered(left, right, rule),
                    None => self.arrays(left, right),
                }
            }
            (Some(left), Some(right)) => {
                let reason = self.rules.accepts(left, right);
                let note = reason.is_none().then(|| note(left, right)).flatten();
                self.report(recorded, actual, reason, note);
            }
            _ => self.report(recorded, actual, None, None),
        }
    }

    /// Runs a step with both paths extended, and takes the extensions back.
    fn below(&mut self, extend: impl Fn(&mut String, usize), step: impl FnOnce(&mut Self)) {
        let lengths = [self.paths[0].len(), self.paths[1].len()];
        for (side, path) in self.paths.iter_mut().enumerate() {
            extend(path, side);
        }
        step(self);
        for (path, length) in self.paths.iter_mut().zip(lengths) {
            path.truncate(length);
        }
    }

    fn objects(&mut self, left: &[(String, Json)], right: &[(String, Json)]) {
        let named = name_beside(left).or_else(|| name_beside(right));
        let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
        loop {
            let order = match (left.peek(), right.peek()) {
                (None, None) => return,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((a, _)), Some((b, _))) => a.as_bytes().cmp(b.as_bytes()),
            };
            let a = (order != Ordering::Greater).then(|| left.next()).flatten();
            let b = (order != Ordering::Less).then(|| right.next()).flatten();
            let Some((key, _)) = a.or(b) else { return };
            let outer = self.field.replace(key.clone());
            let outer_named = self.named.clone();
            if let Some(name) = named.filter(|_| is_value_member(key)) {
                self.named = Some(name.to_owned());
            }
            self.below(
                |path, _| push_member(path, key),
                |walk| walk.values(a.map(|(_, value)| value), b.map(|(_, value)| value)),
            );
            self.field = outer;
            self.named = outer_named;
        }
    }

    fn item(&mut self, left: Option<(usize, &Json)>, right: Option<(usize, &Json)>) {
        let indices = [
            left.or(right).map_or(0, |(index, _)| index),
            right.or(left).map_or(0, |(index, _)| index),
        ];
        self.below(
            |path, side| push_index(path, indices.get(side).copied().unwrap_or(0)),
            |walk| {
                walk.values(left.map(|(_, item)| item), right.map(|(_, item)| item));
            },
        );
    }

    /// By position; arrays of different lengths are aligned first, so that one
    /// item more in front is one difference.
    fn arrays(&mut self, left: &[Json], right: &[Json]) {
        if left.len() == right.len() || left.len() + right.len() > MAX_ALIGNED {
            for index in 0..left.len().max(right.len()) {
                // `["password", "x"]`: a pair of a list of pairs.
                if let ([Json::String(name), _], 1) = (left, index) {
                    let outer = self.named.replace(name.clone());
                    self.item(
                        left.get(1).map(|item| (1, item)),
                        right.get(1).map(|item| (1, item)),
                    );
                    self.named = outer;
                    continue;
                }
                self.item(
                    left.get(index).map(|item| (index, item)),
                    right.get(index).map(|item| (index, item)),
                );
            }
            return;
        }
        let texts = |items: &[Json]| items.iter().map(Json::text).collect::<Vec<_>>();
        let (left_texts, right_texts) = (texts(left), texts(right));
        for op in capture_diff_slices(Algorithm::Myers, &left_texts, &right_texts) {
            if matches!(op, DiffOp::Equal { .. }) {
                continue;
            }
            let mut old = op.old_range().filter_map(|at| Some((at, left.get(at)?)));
            let mut new = op.new_range().filter_map(|at| Some((at, right.get(at)?)));
            loop {
                let (a, b) = (old.next(), new.next());
                if a.is_none() && b.is_none() {
                    break;
                }
                self.item(a, b);
            }
        }
    }

    /// As multisets: equal items first, then pairs that are equal under the
    /// rules (as many as can be paired at all), then what is left over, the
    /// most alike together.
    fn unordered(&mut self, left: &[Json], right: &[Json], rule: &'r Rule) {
        let mut places: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, item) in right.iter().enumerate().rev() {
            places.entry(item.text()).or_default().push(index);
        }
        let mut used = vec![false; right.len()];
        let mut open_left = Vec::new();
        let mut moved = false;
        for (index, item) in left.iter().enumerate() {
            match places.get_mut(&item.text()).and_then(Vec::pop) {
                Some(place) => {
                    moved |= place != index;
                    if let Some(slot) = used.get_mut(place) {
                        *slot = true;
                    }
                }
                None => open_left.push((index, item)),
            }
        }
        let open_right: Vec<(usize, &Json)> = right
            .iter()
            .enumerate()
            .filter(|(index, _)| !used.get(*index).copied().unwrap_or(true))
            .collect();
        let pairs = if open_left.len() * open_right.len() > MAX_PAIRS {
            self.found.notices.push(format!(
                "{}: {} recorded and {} new items without an equal one are too many to pair; they were compared in their order",
                self.paths[0],
                open_left.len(),
                open_right.len()
            ));
            (0..open_left.len().min(open_right.len()))
                .map(|index| (index, index))
                .collect()
        } else {
            self.pair(&open_left, &open_right)
        };
        let mut left_done = vec![false; open_left.len()];
        let mut right_done = vec![false; open_right.len()];
        let before = self.found.all.len();
        for (a, b) in pairs {
            let (Some(x), Some(y)) = (open_left.get(a), open_right.get(b)) else {
                continue;
            };
            moved |= x.0 != y.0;
            if let (Some(a), Some(b)) = (left_done.get_mut(a), right_done.get_mut(b)) {
                (*a, *b) = (true, true);
            }
            self.item(Some(*x), Some(*y));
        }
        for (item, _) in open_left.iter().zip(&left_done).filter(|(_, done)| !**done) {
            self.item(Some(*item), None);
        }
        for (item, _) in open_right
            .iter()
            .zip(&right_done)
            .filter(|(_, done)| !**done)
        {
            self.item(None, Some(*item));
        }
        if moved {
            // Once for the array: each item that moved would say the same.
            let reason = Reason::of(rule);
            let (a, b) = (Json::Array(left.to_vec()), Json::Array(right.to_vec()));
            let end = self.found.all.len();
            self.report(Some(&a), Some(&b), Some(reason), None);
            // Before what was found inside the array, as containers are.
            if self.found.all.len() > end
                && let Some(inside) = self.found.all.get_mut(before..)
            {
                inside.rotate_right(1);
            }
        }
    }

    /// Deviations between two items, in a walk of their own.
    fn distance(&self, a: (usize, &Json), b: (usize, &Json), quiet: bool) -> usize {
        let mut trial = Walk {
            paths: self.paths.clone(),
            field: self.field.clone(),
            quiet,
            ..Walk::new(self.rules, self.selected, self.most)
        };
        trial.item(Some(a), Some(b));
        trial.deviations
    }

    /// Indices that belong together: first a largest set of pairs without a
    /// deviation (augmenting paths), then the most alike of the rest.
    fn pair(&self, left: &[(usize, &Json)], right: &[(usize, &Json)]) -> Vec<(usize, usize)> {
        let fits: Vec<Vec<usize>> = left
            .iter()
            .map(|a| {
                (0..right.len())
                    .filter(|b| {
                        right
                            .get(*b)
                            .is_some_and(|b| self.distance(*a, *b, true) == 0)
                    })
                    .collect()
            })
            .collect();
        let mut owner: Vec<Option<usize>> = vec![None; right.len()];
        for start in 0..left.len() {
            let mut seen = vec![false; right.len()];
            augment(start, &fits, &mut owner, &mut seen);
        }
        let mut pairs: Vec<(usize, usize)> = owner
            .iter()
            .enumerate()
            .filter_map(|(b, a)| Some(((*a)?, b)))
            .collect();
        pairs.sort_unstable();
        let mut rest: Vec<(usize, usize, usize)> = Vec::new();
        for (a, item) in left.iter().enumerate() {
            if pairs.iter().any(|(done, _)| *done == a) {
                continue;
            }
            for (b, other) in right.iter().enumerate() {
                if owner.get(b).is_some_and(Option::is_none) {
                    rest.push((self.distance(*item, *other, false), a, b));
                }
            }
        }
        rest.sort_unstable();
        for (_, a, b) in rest {
            if !pairs.iter().any(|(x, y)| *x == a || *y == b) {
                pairs.push((a, b));
            }
        }
        pairs
    }
}

/// Kuhn's step. The depth is at most the number of open items on the shorter
/// side, 100 by [`MAX_PAIRS`], unless the other side has less than 100.
fn augment(a: usize, fits: &[Vec<usize>], owner: &mut [Option<usize>], seen: &mut [bool]) -> bool {
    for b in fits.get(a).map_or(&[][..], Vec::as_slice) {
        let Some(slot) = seen.get_mut(*b) else {
            continue;
        };
        if std::mem::replace(slot, true) {
            continue;
        }
        let holder = owner.get(*b).copied().flatten();
        if holder.is_none_or(|other| augment(other, fits, owner, seen)) {
            if let Some(slot) = owner.get_mut(*b) {
                *slot = Some(a);
            }
            return true;
        }
    }
    false
}

fn is_unordered(rule: &Rule) -> bool {
    matches!(rule.allowance, Allowance::Unordered)
}

/// Whether a rule lets this pair differ (unordered arrays are walked instead).
fn allows(rule: &Rule, recorded: Option<&Json>, actual: Option<&Json>) -> bool {
    match (&rule.allowance, recorded, actual) {
        (Allowance::Ignore, _, _) => true,
        (Allowance::Presence, Some(_), Some(_)) => true,
        (Allowance::Regex(pattern), Some(a), Some(b)) => {
            let matches =
                |value: &Json| scalar_text(value).is_some_and(|text| pattern.is_match(&text));
            matches(a) && matches(b)
        }
        (
            Allowance::Tolerance { absolute, relative },
            Some(Json::Number(a)),
            Some(Json::Number(b)),
        ) => within(a, b, *absolute, *relative),
        _ => false,
    }
}

/// What the two values alone do not say.
fn note(recorded: &Json, actual: &Json) -> Option<String> {
    match (recorded, actual) {
        (Json::Number(a), Json::Number(b)) if a.is_integer() != b.is_integer() => {
            let same = within(a, b, 0.0, 0.0);
            let text = format!("{} became {}", recorded.kind(), actual.kind());
            Some(if same {
                format!("{text} of the same size")
            } else {
                text
            })
        }
        _ if std::mem::discriminant(recorded) != std::mem::discriminant(actual) => {
            Some(format!("{} became {}", recorded.kind(), actual.kind()))
        }
        _ => None,
    }
}
