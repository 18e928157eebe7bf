//! What all commands print with: colours that a pipe does not get, tables,
//! and durations.

use anstyle::{AnsiColor, Style};
pub(crate) use drift_replay::wording::count;
use drift_replay::wording::{shown_from, with_causes};
use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
pub(crate) const CAUTION: Style = AnsiColor::Yellow.on_default();
pub(crate) const ACCENT: Style = AnsiColor::Cyan.on_default();

/// A text in a style; [`out`] and [`err`] take the style away again for a pipe.
pub(crate) fn styled(text: impl Display, style: Style) -> String {
    format!("{style}{text}{style:#}")
}

/// Standard output.
pub(crate) fn out() -> impl io::Write {
    Out(anstream::stdout().lock())
}

/// Says of an error that it is of standard output: what the system says names no file.
struct Out(anstream::AutoStream<io::StdoutLock<'static>>);

#[derive(Debug, thiserror::Error)]
#[error("standard output cannot be written")]
struct OutError(#[source] io::Error);

/// Of the same kind, by which a closed pipe is known and an interrupted call repeated.
fn of_out(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), OutError(error))
}

impl io::Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(of_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(of_out)
    }
}

/// Standard error, for everything that is not the result.
pub(crate) fn err() -> anstream::AutoStream<io::StderrLock<'static>> {
    anstream::stderr().lock()
}

/// One line on standard error. That it cannot be written is no reason to stop.
pub(crate) fn note(text: impl Display) {
    let _gone = writeln!(err(), "{text}");
}

/// An error with its causes, on one line, and its next step where one is known.
pub(crate) fn error(error: &anyhow::Error) {
    let text = clean(&with_causes(error.as_ref()));
    note(format!("{} {text}", styled("error:", BAD.bold())));
}

/// How a column is aligned.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Rows under heads, every column as wide as its widest cell. Cells may hold
/// styles; what they do not hold is line ends.
pub(crate) fn table(heads: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = heads
        .iter()
        .enumerate()
        .map(|(at, (head, _))| {
            let cells = rows.iter().filter_map(|row| row.get(at)).map(|c| width(c));
            cells.chain([width(head)]).max().unwrap_or_default()
        })
        .collect();
    let mut text = String::new();
    let mut line = |cells: &mut dyn Iterator<Item = String>| {
        let mut built = String::new();
        for ((cell, width_of_column), (_, align)) in cells.zip(&widths).zip(heads) {
            let gap = " ".repeat(width_of_column.saturating_sub(width(&cell)));
            if !built.is_empty() {
                built.push_str("  ");
            }
            match align {
                Align::Left => built.extend([cell, gap]),
                Align::Right => built.extend([gap, cell]),
            }
        }
        text.push_str(built.trim_end());
        text.push('\n');
    };
    line(&mut heads.iter().map(|(head, _)| styled(head, BOLD)));
    for row in rows {
        line(&mut row.iter().cloned());
    }
    text
}

/// The columns that a text takes on a terminal, its styles left out.
pub(crate) fn width(text: &str) -> usize {
    anstream::adapter::strip_str(text)
        .map(unicode_width::UnicodeWidthStr::width)
        .sum()
}

/// Whether a character would act on a terminal instead of being shown: controls,
/// and those that turn the direction of what follows.
fn is_acting(character: char) -> bool {
    character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text from outside with blanks for what would act on the terminal; its lines stay.
pub(crate) fn clean(text: &str) -> String {
    let shown = |c: char| if c != '\n' && is_acting(c) { ' ' } else { c };
    text.chars().map(shown).collect()
}

/// The first columns of a text, with `…` where something was cut.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    let text: String = text
        .chars()
        .map(|c| if is_acting(c) { ' ' } else { c })
        .collect();
    if width(&text) <= columns {
        return text;
    }
    let mut taken = 0;
    let kept: String = text
        .chars()
        .take_while(|c| {
            taken += unicode_width::UnicodeWidthChar::width(*c).unwrap_or(0);
            taken < columns
        })
        .collect();
    kept + "…"
}

/// Two texts that differ, with `…` where something was cut: where they do so behind
/// the first columns, from somewhat before that.
pub(crate) fn cut_pair(left: &str, right: &str, columns: usize) -> (String, String) {
    let from = shown_from(left, right, columns);
    let side = |text: &str| match from {
        0 => cut(text, columns),
        _ => format!(
            "…{}",
            cut(text.get(from..).unwrap_or_default(), columns - 1)
        ),
    };
    (side(left), side(right))
}

/// `830 µs`, `12.3 ms`, `1.25 s`, `3 min 5 s`.
pub(crate) fn duration(nanos: u64) -> String {
    match nanos {
        0..1_000_000 => format!("{} µs", nanos / 1_000),
        1_000_000..1_000_000_000 => format!("{:.1} ms", nanos as f64 / 1e6),
        1_000_000_000..60_000_000_000 => format!("{:.2} s", nanos as f64 / 1e9),
        _ => {
            let seconds = nanos / 1_000_000_000;
            format!("{} min {} s", seconds / 60, seconds % 60)
        }
    }
}

/// `512 B`, `1.5 kB`, `20.3 MB`: powers of a thousand.
pub(crate) fn bytes(number: u64) -> String {
    match number {
        0..1_000 => format!("{number} B"),
        1_000..1_000_000 => format!("{:.1} kB", number as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", number as f64 / 1e6),
        _ => format!("{:.2} GB", number as f64 / 1e9),
    }
}

/// How far something long has come: one line on standard error that rewrites
/// itself, after half a second, on a terminal only.
pub(crate) struct Progress {
    label: &'static str,
    started: Instant,
    shown: Mutex<Option<Instant>>,
    is_terminal: bool,
}

impl Progress {
    pub(crate) fn new(label: &'static str) -> Progress {
        Progress {
            label,
            started: Instant::now(),
            shown: Mutex::new(None),
            is_terminal: io::stderr().is_terminal(),
        }
    }

    /// How much of it, in bytes, is done.
    pub(crate) fn show(&self, done_bytes: u64, all_bytes: u64) {
        if !self.is_terminal || self.started.elapsed() < Duration::from_millis(500) {
            return;
        }
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.is_some_and(|at| at.elapsed() < Duration::from_millis(100)) {
            return;
        }
        *shown = Some(Instant::now());
        let percent = done_bytes.saturating_mul(100) / all_bytes.max(1);
        let text = format!("{} {percent} % of {}", self.label, bytes(all_bytes));
        let _gone = write!(err(), "\r{text}\x1b[K");
    }

    /// Takes the line away.
    pub(crate) fn clear(&self) {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.is_some() {
            let _gone = write!(err(), "\r\x1b[K");
        }
    }
}
