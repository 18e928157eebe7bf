//! The differences of two calls without secrets. Whether a value is one may be
//! said by what stands beside it: the command of an argument, the columns of a row.

use super::InputDifference;
use crate::redact::Redactor;
use crate::tree::Json;
use drift_rust_core::path::{push_index, push_member};
use std::sync::Arc;

/// Where a value of a difference stands: what is around it says whether it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(super) root: Arc<Json>,
    pub(super) path: String,
}

/// Takes the secrets out of what is shown of differences; compared the values
/// were with them.
pub fn redact_differences(differences: &mut [InputDifference], redactor: &Redactor) {
    // The differences of one pair of calls share their two roots.
    let mut roots: Vec<(Arc<Json>, Json)> = Vec::new();
    for difference in differences {
        let sides = [&mut difference.recorded, &mut difference.actual];
        for (shown, place) in sides.into_iter().zip(&difference.places) {
            let Some(json) = shown.take() else { continue };
            let around = place
                .as_ref()
                .and_then(|place| at(without_secrets(&mut roots, place, redactor), &place.path))
                .map(Json::text);
            *shown = Some(redactor.at_path(&difference.path, &around.unwrap_or(json)));
        }
        difference.places = [None, None];
    }
}

fn without_secrets<'r>(
    roots: &'r mut Vec<(Arc<Json>, Json)>,
    place: &Place,
    redactor: &Redactor,
) -> Option<&'r Json> {
    let known = roots
        .iter()
        .position(|(root, _)| Arc::ptr_eq(root, &place.root));
    let index = known.unwrap_or_else(|| {
        let mut redacted = Json::clone(&place.root);
        redactor.whole(&mut redacted);
        roots.push((Arc::clone(&place.root), redacted));
        roots.len() - 1
    });
    roots.get(index).map(|(_, redacted)| redacted)
}

/// The value at a path, as differences name it.
fn at<'j>(root: Option<&'j Json>, path: &str) -> Option<&'j Json> {
    let mut value = root?;
    let mut rest = path.strip_prefix('$')?;
    while !rest.is_empty() {
        let mut step = String::new();
        let is_next = |step: &str| {
            rest.strip_prefix(step)
                .is_some_and(|after| after.is_empty() || after.starts_with(['.', '[']))
        };
        value = match value {
            Json::Object(members) => members.iter().find_map(|(key, value)| {
                step.clear();
                push_member(&mut step, key);
                is_next(&step).then_some(value)
            })?,
            Json::Array(items) => {
                let (index, _) = rest.strip_prefix('[')?.split_once(']')?;
                let index = index.parse().ok()?;
                push_index(&mut step, index);
                items.get(index)?
            }
            _ => return None,
        };
        rest = rest.strip_prefix(step.as_str())?;
    }
    Some(value)
}
