//! One search for an answer: what it has looked at, what it could not read, and
//! how much it may still read.

use super::Step;
use crate::load::{LoadError, Recording, SpanIndex};
use crate::wording::with_causes;

/// How many spans [`answer_at_once`](super::Matcher::answer_at_once) reads for
/// their guards: 1 to 2 ms, at 15 µs a span (`drift-replay-bench --part choose`).
pub const MAX_READ_AT_ONCE: usize = 100;

/// How many bytes of recorded lines [`answer_at_once`](super::Matcher::answer_at_once)
/// lets be read, for guards, for similarity and for the answer together: 2 ms, at the
/// 130 MB/s that one processor reads and hashes (`drift-replay-bench --part load`). So
/// much have [`MAX_READ_AT_ONCE`] spans of 2.6 kB, and a recorded one has 1.8 kB.
pub const MAX_BYTES_AT_ONCE: usize = 256 * 1024;

/// What a line counts at least, for a short one takes 10 µs too.
const LEAST_BYTES: usize = 1024;

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
    /// What is left of [`MAX_BYTES_AT_ONCE`].
    left_bytes: usize,
    /// The classes that were looked at, in order.
    pub(super) steps: Vec<Step>,
    /// The first that could not be read of those that may answer.
    pub(super) unread: Option<Unread>,
}

impl Search {
    pub(super) fn new(mode: Mode) -> Search {
        Search {
            mode,
            left_bytes: MAX_BYTES_AT_ONCE,
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

    /// To be asked first where many spans may be read, for to add their lengths takes
    /// long as well.
    pub(super) fn may_read_so_many(&self, spans: usize) -> Result<(), TakesLong> {
        match self.is_at_once() && spans > MAX_READ_AT_ONCE {
            true => Err(TakesLong),
            false => Ok(()),
        }
    }

    /// To be asked before the lines of spans are read, whose lengths are known.
    pub(super) fn may_read(
        &mut self,
        recording: &Recording,
        spans: impl IntoIterator<Item = SpanIndex>,
    ) -> Result<(), TakesLong> {
        if !self.is_at_once() {
            return Ok(());
        }
        for span in spans {
            let length_bytes = recording
                .entry(span)
                .map_or(0, |entry| entry.length as usize);
            let left_bytes = self.left_bytes.checked_sub(length_bytes.max(LEAST_BYTES));
            self.left_bytes = left_bytes.ok_or(TakesLong)?;
        }
        Ok(())
    }

    /// Keeps why one that may answer could not be read.
    pub(super) fn could_not_read(&mut self, why: impl FnOnce() -> Unread) {
        self.unread.get_or_insert_with(why);
    }
}
