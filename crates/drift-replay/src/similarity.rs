//! How alike two inputs are, to rank candidates that share a guard. The rules
//! are those of the published program, with strings compared in order at every
//! length and bodies decoded first; `docs/matching.md` has them with examples.

use std::cell::Cell;
use std::hash::{BuildHasher as _, Hasher as _};

use base64::Engine as _;
use rapidfuzz::distance::levenshtein;
use serde_json::{Map, Value};

use crate::encoding::LENIENT_BASE64;

/// Strings of up to this many characters are compared character by character,
/// after what they have in common at both ends was cut off; longer ones word
/// by word.
pub const MAX_EXACT_CHARS: usize = 512;

/// The longest sequence of words that is compared; longer texts are compared
/// in pieces of several words.
pub const MAX_PIECES: usize = 512;

/// Levels of arrays and objects that are compared member by member; what is
/// deeper is compared as JSON text.
pub const MAX_LEVELS: usize = 5;

/// Values (members, items, scalars) that one score looks at; beyond it two
/// values are alike only if they are equal.
pub const MAX_VALUES: usize = 10_000;

/// Strings that one score compares by edit distance, counted in characters of
/// the longer one without what they have in common at both ends, and a long one
/// as 2,048; beyond it strings are alike only if they are equal.
pub const MAX_COMPARED_CHARS: usize = 64 << 10;

/// How alike two inputs are: 1 for equal values, 0 for nothing in common.
///
/// Symmetric; 1 only when the values are equal, where a `body` that is base64
/// counts as what it decodes to. Deterministic, and its cost is bounded:
/// linear in the size of both values, plus at most [`MAX_COMPARED_CHARS`]
/// characters that are compared by edit distance in sequences of at most
/// [`MAX_EXACT_CHARS`] or [`MAX_PIECES`].
///
/// ```
/// use drift_replay::similarity::score;
/// use serde_json::json;
/// let live = json!({"method": "POST", "id": 17});
/// assert_eq!(score(&live, &live), 1.0);
/// let near = score(&live, &json!({"method": "POST", "id": 18}));
/// let far = score(&live, &json!({"method": "POST", "name": "x"}));
/// assert!(1.0 > near && near > far && far > 0.0);
/// ```
pub fn score(live: &Value, recorded: &Value) -> f64 {
    let decoded = (with_decoded_body(live), with_decoded_body(recorded));
    let (live, recorded) = match &decoded {
        // A body that only one side can decode is compared as it stands.
        (Some(live), Some(recorded)) => (live, recorded),
        _ => (live, recorded),
    };
    if live == recorded {
        return 1.0;
    }
    let budget = Budget {
        values: Cell::new(MAX_VALUES),
        chars: Cell::new(MAX_COMPARED_CHARS),
    };
    let score = value_score(live, recorded, 0, &budget);
    // Rounding, and edit distances between pieces of text, may say 1. The sum of
    // nothing is -0.0, which would be printed as such; with 0.0 added it is 0.0.
    score.clamp(0.0, 1.0 - f64::EPSILON) + 0.0
}

/// What one score may still spend. Both sides always pay together, so that
/// the score is symmetric.
struct Budget {
    values: Cell<usize>,
    chars: Cell<usize>,
}

impl Budget {
    fn take_value(&self) -> bool {
        take(&self.values, 1)
    }

    fn take_chars(&self, count: usize) -> bool {
        take(&self.chars, count)
    }
}

fn take(left: &Cell<usize>, count: usize) -> bool {
    match left.get().checked_sub(count) {
        Some(rest) => {
            left.set(rest);
            true
        }
        None => false,
    }
}

/// The input with its `body` as JSON or text; `None` when there is no body
/// that is base64 of text.
fn with_decoded_body(input: &Value) -> Option<Value> {
    let Value::Object(members) = input else {
        return None;
    };
    let Some(Value::String(body)) = members.get("body") else {
        return None;
    };
    if body.is_empty() {
        return None;
    }
    let text = String::from_utf8(LENIENT_BASE64.decode(body).ok()?).ok()?;
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    let decoded: Map<String, Value> = members
        .iter()
        .map(|(key, value)| {
            let value = if key == "body" {
                body.clone()
            } else {
                value.clone()
            };
            (key.clone(), value)
        })
        .collect();
    Some(Value::Object(decoded))
}

fn value_score(live: &Value, recorded: &Value, level: usize, budget: &Budget) -> f64 {
    if live == recorded {
        return 1.0;
    }
    if !budget.take_value() {
        return 0.0;
    }
    match (live, recorded) {
        (Value::Object(_), Value::Object(_)) | (Value::Array(_), Value::Array(_))
            if level >= MAX_LEVELS =>
        {
            text_score(&live.to_string(), &recorded.to_string(), budget)
        }
        (Value::Object(live), Value::Object(recorded)) => {
            let mut common: Vec<(&String, &Value, &Value)> = live
                .iter()
                .filter_map(|(key, live)| Some((key, live, recorded.get(key)?)))
                .collect();
            // Both directions add up, and spend the budget, in one order;
            // maps are sorted unless a crate elsewhere makes them keep theirs.
            if !common.is_sorted_by_key(|(key, _, _)| *key) {
                common.sort_unstable_by_key(|(key, _, _)| *key);
            }
            let keys = live.len() + recorded.len() - common.len();
            let sum: f64 = common
                .into_iter()
                .map(|(_, live, recorded)| value_score(live, recorded, level + 1, budget))
                .sum();
            sum / keys.max(1) as f64
        }
        (Value::Array(live), Value::Array(recorded)) => {
            let sum: f64 = live
                .iter()
                .zip(recorded)
                .map(|(live, recorded)| value_score(live, recorded, level + 1, budget))
                .sum();
            sum / live.len().max(recorded.len()).max(1) as f64
        }
        (Value::String(live), Value::String(recorded)) => text_score(live, recorded, budget),
        (Value::Number(live), Value::Number(recorded)) => {
            text_score(&live.to_string(), &recorded.to_string(), budget)
        }
        (Value::Bool(live), Value::Bool(recorded)) => {
            text_score(&live.to_string(), &recorded.to_string(), budget)
        }
        _ => 0.0,
    }
}

/// How alike two texts are.
///
/// 1 minus the edit distance over the longer length, in characters; where the
/// lengths alone bound that below 0.3, the bound. What is equal at both ends
/// costs nothing to compare, and the rest is compared in words if it is long.
fn text_score(live: &str, recorded: &str, budget: &Budget) -> f64 {
    if live == recorded {
        return 1.0;
    }
    let lengths = (live.chars().count(), recorded.chars().count());
    let longer = lengths.0.max(lengths.1);
    let bound = lengths.0.min(lengths.1) as f64 / longer as f64;
    if bound < 0.3 {
        return bound;
    }
    let (live, recorded) = without_common_ends(live, recorded);
    let rest = live.chars().count().max(recorded.chars().count());
    if !budget.take_chars(rest.min(MAX_CHARGED_CHARS)) {
        return 0.0;
    }
    let unlike = if rest <= MAX_SMALL_CHARS {
        small_distance(live, recorded) as f64
    } else if rest <= MAX_EXACT_CHARS {
        levenshtein::distance(live.chars(), recorded.chars()) as f64
    } else {
        let (live, recorded) = (Pieces::of(live), Pieces::of(recorded));
        live.distance(&recorded) * rest as f64
    };
    1.0 - unlike / longer as f64
}

/// Texts as short as that are compared without preparing anything.
const MAX_SMALL_CHARS: usize = 16;

/// What a long text costs of [`MAX_COMPARED_CHARS`]: it is compared in at most
/// twice [`MAX_PIECES`] pieces, however long it is.
const MAX_CHARGED_CHARS: usize = 4 * MAX_PIECES;

/// The edit distance of two texts of at most [`MAX_SMALL_CHARS`] characters:
/// the textbook's table, row by row, on the stack.
fn small_distance(left: &str, right: &str) -> usize {
    let mut row = [0_usize; MAX_SMALL_CHARS + 1];
    for (position, cell) in row.iter_mut().enumerate() {
        *cell = position;
    }
    for (number, a) in left.chars().enumerate() {
        let mut diagonal = number;
        let mut before = number + 1;
        let mut cells = row.iter_mut();
        if let Some(first) = cells.next() {
            *first = before;
        }
        for (b, cell) in right.chars().zip(cells) {
            let above = *cell;
            before = (above + 1)
                .min(before + 1)
                .min(diagonal + usize::from(a != b));
            diagonal = above;
            *cell = before;
        }
    }
    row.get(right.chars().count()).copied().unwrap_or_default()
}

/// The texts without what they share at the start and then at the end.
fn without_common_ends<'t>(left: &'t str, right: &'t str) -> (&'t str, &'t str) {
    let start = left
        .char_indices()
        .zip(right.chars())
        .find(|((_, a), b)| a != b)
        .map_or(left.len().min(right.len()), |((at, _), _)| at);
    let left = left.get(start..).unwrap_or_default();
    let right = right.get(start..).unwrap_or_default();
    let end: usize = left
        .chars()
        .rev()
        .zip(right.chars().rev())
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum();
    (
        left.get(..left.len() - end).unwrap_or_default(),
        right.get(..right.len() - end).unwrap_or_default(),
    )
}

/// A long text as a sequence of digests: of its words and of what stands
/// between them, joined to longer pieces where there are too many. Where a
/// piece ends depends on the text around that place alone, so that an
/// insertion moves the pieces behind it and changes none of them.
struct Pieces {
    words: Vec<u64>,
}

impl Pieces {
    fn of(text: &str) -> Pieces {
        let hasher = FixedState;
        let mut words = Vec::new();
        let mut word = hasher.build_hasher();
        let mut in_word = false;
        for (at, c) in text.char_indices() {
            let is_word = c.is_alphanumeric();
            if at > 0 && !(is_word && in_word) {
                words.push(word.finish());
                word = hasher.build_hasher();
            }
            in_word = is_word;
            word.write_u32(u32::from(c));
        }
        words.push(word.finish());
        Pieces { words }
    }

    /// The sequence with pieces of `words_per_piece` words on average.
    fn joined(&self, words_per_piece: usize) -> Vec<u64> {
        let mut pieces = Vec::new();
        let mut piece = FixedState.build_hasher();
        let mut is_open = false;
        for word in &self.words {
            piece.write_u64(*word);
            is_open = true;
            if word % words_per_piece as u64 == 0 {
                pieces.push(piece.finish());
                piece = FixedState.build_hasher();
                is_open = false;
            }
        }
        if is_open {
            pieces.push(piece.finish());
        }
        pieces.truncate(2 * MAX_PIECES);
        pieces
    }

    /// The edit distance in pieces, as a share of the longer sequence.
    fn distance(&self, other: &Pieces) -> f64 {
        let longer = self.words.len().max(other.words.len());
        let (left, right) = if longer <= MAX_PIECES {
            (self.words.clone(), other.words.clone())
        } else {
            let words_per_piece = longer.div_ceil(MAX_PIECES);
            (self.joined(words_per_piece), other.joined(words_per_piece))
        };
        levenshtein::normalized_distance(left, right)
    }
}

/// FNV-1a with a final mix: the same in every process, unlike the standard
/// library's state.
struct FixedState;

struct Fnv(u64);

impl std::hash::BuildHasher for FixedState {
    type Hasher = Fnv;

    fn build_hasher(&self) -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl std::hash::Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        // The low bits decide where a piece ends; without this they depend on
        // the last character most of all.
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        mixed ^ (mixed >> 32)
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_documentation_has_the_bounds_that_hold() {
        let page = include_str!("../../../docs/matching.md");
        let thousands = |number: usize| format!("{},{:03}", number / 1000, number % 1000);
        for text in [
            format!("up to {MAX_EXACT_CHARS} characters"),
            format!("than {MAX_PIECES} words"),
            format!("below {MAX_LEVELS} levels"),
            format!("after {} values", thousands(MAX_VALUES)),
            format!("{} characters", thousands(MAX_COMPARED_CHARS)),
            thousands(MAX_CHARGED_CHARS),
        ] {
            assert!(page.contains(&text), "{text}");
        }
    }

    fn text_pair(live: &str, recorded: &str) -> f64 {
        score(&json!(live), &json!(recorded))
    }

    #[test]
    fn nothing_in_common_is_zero_and_not_a_negative_one() {
        for (live, recorded) in [(json!({"a": 1}), json!({"b": 1})), (json!([]), json!([1]))] {
            assert_eq!(format!("{:.2}", score(&live, &recorded)), "0.00");
        }
    }

    #[test]
    fn the_published_rules_hold_for_small_values() {
        // (live, recorded, score) by the rules in section "Similarity" of docs/matching.md, by hand.
        let cases = [
            (json!(null), json!(null), 1.0),
            (json!(null), json!(0), 0.0),
            (json!("a"), json!(1), 0.0),
            (json!({}), json!({"a": 1}), 0.0),
            (json!([]), json!([1]), 0.0),
            (json!({}), json!([]), 0.0),
            (json!({"a": 1, "b": 2}), json!({"a": 1}), 0.5),
            (json!({"a": 1, "b": 2}), json!({"a": 1, "c": 2}), 1.0 / 3.0),
            (json!([1, 2, 3, 4]), json!([1, 2]), 0.5),
            (json!("abcd"), json!("abce"), 0.75),
            (json!(1234), json!(1235), 0.75),
            (json!(true), json!(false), 0.2),
            // Lengths alone say 0.2.
            (json!("a"), json!("bcdef"), 0.2),
            (json!({"x": {"y": "ab"}}), json!({"x": {"y": "ac"}}), 0.5),
        ];
        for (live, recorded, expected) in cases {
            let actual = score(&live, &recorded);
            assert!(
                (actual - expected).abs() < 1e-9,
                "{live} {recorded}: {actual}"
            );
        }
    }

    #[test]
    fn a_long_text_with_its_parts_swapped_is_less_alike_than_one_with_a_word_changed() {
        let words: Vec<String> = (0..400).map(|number| format!("word{number}")).collect();
        let text = words.join(" ");
        let changed = text.replace("word200", "other");
        let mut swapped_words = words.clone();
        swapped_words.reverse();
        let swapped = swapped_words.join(" ");
        assert!(text_pair(&text, &changed) > 0.95);
        assert!(text_pair(&text, &swapped) < 0.7);
    }

    #[test]
    fn a_change_in_a_text_longer_than_all_bounds_leaves_it_alike() {
        let text = "0123456789abcdef".repeat(100_000);
        let mut changed = text.clone();
        changed.replace_range(70_000..70_001, "x");
        changed.replace_range(900_000..900_001, "y");
        let alike = text_pair(&text, &changed);
        assert!(alike > 0.4 && alike < 1.0, "{alike}");
        let once = text.replacen("f0", "f-", 1);
        assert!(text_pair(&text, &once) > 0.999);
    }

    #[test]
    fn an_insertion_at_the_start_of_a_huge_text_leaves_it_alike() {
        let words: Vec<String> = (0..6_000)
            .map(|number| format!("{}", number * 7919))
            .collect();
        let text = words.join(" ");
        let changed = format!("start {} end", text.replace(" 7919 ", " - "));
        let alike = text_pair(&text, &changed);
        assert!(alike > 0.9, "{alike}");
    }

    #[test]
    fn bodies_are_compared_by_what_they_decode_to() {
        let body = |text: &str| json!({"method": "POST", "body": STANDARD.encode(text)});
        let recorded = body(r#"{"id":1,"name":"pen","tags":["a","b"]}"#);
        assert_eq!(
            score(
                &body(r#"{ "name": "pen", "id": 1, "tags": ["a","b"] }"#),
                &recorded
            ),
            1.0
        );
        let other_id = score(
            &body(r#"{"id":2,"name":"pen","tags":["a","b"]}"#),
            &recorded,
        );
        // Method equal, and the body 2/3 equal.
        assert!(
            (other_id - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-9,
            "{other_id}"
        );
        assert!(score(&body("plain text"), &body("plain test")) > 0.9);
    }

    #[test]
    fn a_value_of_many_members_costs_no_more_than_the_bound() {
        let many = |from: usize| {
            let members: Map<String, Value> = (0..50_000)
                .map(|number| (format!("k{number}"), json!(from + number)))
                .collect();
            Value::Object(members)
        };
        let alike = score(&many(0), &many(1));
        // Ten thousand members are looked at, the others count as different.
        assert!(alike > 0.0 && alike < 0.25, "{alike}");
    }

    #[test]
    fn two_texts_without_a_word_in_common_score_near_nothing() {
        let text = |letter: &str| vec![letter.repeat(9); 2_000].join("-");
        assert!(text_pair(&text("a"), &text("b")) < 0.6);
        assert!(text_pair(&"a".repeat(5_000), &"b".repeat(5_000)) < 1e-9);
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-c]{0,6}".prop_map(Value::from),
            "[a-d é𝄞-]{0,40}".prop_map(Value::from),
            "([a-c]{1,4} ){100,300}".prop_map(Value::from),
        ];
        leaf.prop_recursive(7, 40, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("(a|b|body|query)", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn the_score_is_symmetric_within_0_and_1_and_1_only_for_equal(
            left in values(), right in values()
        ) {
            let score_of = score(&left, &right);
            prop_assert_eq!(score_of.to_bits(), score(&right, &left).to_bits());
            prop_assert!((0.0..=1.0).contains(&score_of));
            prop_assert_eq!(score(&left, &left), 1.0);
            if score_of == 1.0 {
                let decoded = |value: &Value| with_decoded_body(value).unwrap_or(value.clone());
                prop_assert_eq!(decoded(&left), decoded(&right));
            }
        }

        #[test]
        fn a_short_text_scores_as_a_plain_table_of_edit_distances_says(
            left in "[ab é]{0,24}", right in "[ab é]{0,24}"
        ) {
            let (a, b): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
            let longer = a.len().max(b.len()) as f64;
            let expected = if left == right {
                1.0
            } else {
                let bound = a.len().min(b.len()) as f64 / longer;
                if bound < 0.3 { bound } else { 1.0 - table_distance(&a, &b) as f64 / longer }
            };
            prop_assert!((text_pair(&left, &right) - expected).abs() < 1e-9);
        }
    }

    /// The textbook's table, one row at a time.
    fn table_distance(left: &[char], right: &[char]) -> usize {
        let mut row: Vec<usize> = (0..=right.len()).collect();
        for (number, a) in left.iter().enumerate() {
            let mut next = vec![number + 1];
            for ((above, pair), b) in row.iter().skip(1).zip(row.windows(2)).zip(right) {
                let diagonal = pair.first().copied().unwrap_or(0) + usize::from(a != b);
                let left_of = next.last().copied().unwrap_or(0) + 1;
                next.push((above + 1).min(left_of).min(diagonal));
            }
            row = next;
        }
        row.last().copied().unwrap_or(0)
    }
}
