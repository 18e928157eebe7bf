//! The files whose coverage is wanted: `coverage.include` and `coverage.exclude`.

use globset::{Glob, GlobBuilder, GlobSet};
use std::path::{Path, PathBuf};

/// Which files are kept.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Where relative patterns start, as the configuration gives it and without links.
    folders: Vec<PathBuf>,
    include: Option<GlobSet>,
    exclude: GlobSet,
}

/// A pattern that is none.
#[derive(Debug, thiserror::Error)]
#[error("`{pattern}` is not a glob pattern: {reason}")]
pub struct SelectionError {
    /// The pattern.
    pub pattern: String,
    /// What is wrong with it.
    pub reason: String,
}

impl SelectionError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        "invalid_glob"
    }
}

impl Selection {
    /// Keeps what one of `include` names, all files where it is empty, except what
    /// one of `exclude` names.
    ///
    /// `*` and `?` stop at a `/`, `**` does not; `[ab]` and `{a,b}` are known. A
    /// pattern that begins with `/` is compared with the whole path, one without a
    /// `/` with the name of the file, any other with the path below `folder`.
    ///
    /// # Errors
    /// [`SelectionError`] names the first pattern that is none.
    pub fn new(
        include: &[String],
        exclude: &[String],
        folder: &Path,
    ) -> Result<Selection, SelectionError> {
        let mut folders = vec![folder.to_owned()];
        // SDKs give paths without links.
        folders.extend(folder.canonicalize().ok().filter(|real| real != folder));
        Ok(Selection {
            folders,
            include: match include {
                [] => None,
                patterns => Some(set(patterns)?),
            },
            exclude: set(exclude)?,
        })
    }

    /// Whether the coverage of this file is wanted.
    pub fn keeps(&self, path: &str) -> bool {
        let path = Path::new(path);
        let below = self
            .folders
            .iter()
            .find_map(|folder| path.strip_prefix(folder).ok());
        let is_in =
            |set: &GlobSet| set.is_match(path) || below.is_some_and(|below| set.is_match(below));
        self.include.as_ref().is_none_or(is_in) && !is_in(&self.exclude)
    }
}

/// Whether this is a pattern of [`Selection::new`].
///
/// # Errors
/// [`SelectionError`] when it is none.
pub fn check_pattern(pattern: &str) -> Result<(), SelectionError> {
    glob(pattern).map(drop)
}

fn set(patterns: &[String]) -> Result<GlobSet, SelectionError> {
    let mut set = GlobSet::builder();
    for pattern in patterns {
        set.add(glob(pattern)?);
    }
    set.build()
        .map_err(|error| wrong(&patterns.join(", "), &error))
}

fn glob(pattern: &str) -> Result<Glob, SelectionError> {
    let anywhere = if pattern.contains('/') {
        pattern.to_owned()
    } else {
        format!("**/{pattern}")
    };
    GlobBuilder::new(&anywhere)
        .literal_separator(true)
        .build()
        .map_err(|error| wrong(pattern, &error))
}

fn wrong(pattern: &str, error: &globset::Error) -> SelectionError {
    SelectionError {
        pattern: pattern.to_owned(),
        reason: error.kind().to_string(),
    }
}
