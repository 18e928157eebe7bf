//! One search for an answer: what it has looked at, what it could not read, and
//! how much it may read.

use super::Step;
use crate::load::LoadError;
use crate::wording::with_causes;

/// How many spans [`answer_at_once`](super::Matcher::answer_at_once) reads for
/// their guards: 1 to 2 ms, at 15 µs a span (`drift-replay-bench --part choose`).
pub const MAX_READ_AT_ONCE: usize = 100;

/// The search has to read more than may be read at once.
#[derive(Debug)]
pub(super) struct TakesLong;

/// A recorded call that may answer, and could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The permanent code: [`LoadError::code`].
    pub code: &'static str,
    /// Why, with the file.
    pub message: String,
}

impl Unread {
    pub(super) fn of(error: &LoadError) -> Unread {
        Unread {
            code: error.code(),
            message: with_causes(error),
        }
    }
}

/// Whether a search changes what is used, and whether it may take long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Mark,
    MarkAtOnce,
    Look,
}

/// One search for an answer.
#[derive(Debug)]
pub(super) struct Search {
    mode: Mode,
    /// The classes that were looked at, in order.
    pub(super) steps: Vec<Step>,
    /// The first that could not be read of those that may answer.
    pub(super) unread: Option<Unread>,
}

impl Search {
    pub(super) fn new(mode: Mode) -> Search {
        Search {
            mode,
            steps: Vec::new(),
            unread: None,
        }
    }

    pub(super) fn marks(&self) -> bool {
        matches!(self.mode, Mode::Mark | Mode::MarkAtOnce)
    }

    pub(super) fn is_at_once(&self) -> bool {
        self.mode == Mode::MarkAtOnce
    }

    /// Keeps why one that may answer could not be read.
    pub(super) fn could_not_read(&mut self, why: impl FnOnce() -> Unread) {
        self.unread.get_or_insert_with(why);
    }
}
