//! Misspelt names: of keys, of members, of filters.

/// The known name that a misspelt one is closest to, if any is close.
///
/// ```
/// use drift_replay::spelling::nearest;
/// assert_eq!(nearest("methd", &["path", "method"]), Some("method"));
/// assert_eq!(nearest("colour", &["path", "method"]), None);
/// ```
pub fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let simple = |text: &str| text.to_ascii_lowercase().replace(['-', ' '], "_");
    known
        .iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&simple(name), &simple(candidate)),
                *candidate,
            )
        })
        // A third of the name may be wrong: more is another word.
        .filter(|(distance, candidate)| *distance <= (candidate.len().max(name.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
