//! Recording: runs a service in RECORD mode, follows the trace files that its
//! SDK appends to, and stops it when nothing is on its way to them any more.

use crate::Span;
use crate::load::{BYTE_ORDER_MARK, parse_line};
use crate::process_group::{self, ProcessGroup};
use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How often the trace files are looked at.
const POLL: Duration = Duration::from_millis(200);

/// How long a service has to leave after SIGTERM, before SIGKILL.
const GRACE: Duration = Duration::from_secs(3);

/// Variables that would make the SDK do something else than record.
const REMOVED: [&str; 4] = [
    "TUSK_MOCK_SOCKET",
    "TUSK_MOCK_HOST",
    "TUSK_MOCK_PORT",
    "TUSK_COVERAGE",
];

/// What to record, where it goes, and until when.
#[derive(Clone, Debug)]
pub struct RecordOptions {
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// Where its SDK writes traces.
    pub trace_dir: PathBuf,
    /// Which part of the requests is recorded, from 0 to 1.
    pub sampling_rate: f64,
    /// How long the files must not have grown before the service is stopped.
    /// The Node SDK writes every 5 seconds.
    pub settle: Duration,
    /// Stop after this time.
    pub limit: Option<Duration>,
    /// Stop when so many new traces have a root.
    pub traces: Option<usize>,
}

/// What happens during a recording.
#[derive(Debug)]
pub enum RecordEvent<'a> {
    /// The service was started.
    Started {
        /// Of the process, and of its group.
        process: u32,
    },
    /// A trace is there: its root was written.
    Trace {
        /// The request that the trace is about.
        root: &'a Span,
        /// The calls of it that were written before its root, as most are.
        calls: usize,
    },
    /// A line that is not a span.
    BrokenLine {
        /// Its file.
        file: &'a Path,
        /// From 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing more is asked of the service; the files are watched until they
    /// have not grown for the time to settle.
    Settling,
    /// The service did not leave on SIGTERM and was killed.
    Killed,
}

/// What was recorded.
#[derive(Clone, Debug, Default)]
pub struct RecordOutcome {
    /// New traces with a root.
    pub traces: usize,
    /// New spans.
    pub spans: usize,
    /// Bytes that the files grew by.
    pub bytes: u64,
    /// How the service ended, where it did by itself.
    pub ended: Option<ExitStatus>,
}

/// Why nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The command is empty.
    #[error("there is no command to run")]
    NoCommand,
    /// No folder of traces can be where one is to be.
    #[error("no traces can be in {}", folder.display())]
    Folder {
        /// Where it was to be.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The command is a whole line in one word, and no program is called so.
    #[error(
        "cannot start `{line}`: no program has this name; leave out the quotes (`drift record -- {line}`), or let a shell read the line (`drift record -- sh -c '…'`)"
    )]
    LineAsProgram {
        /// The line.
        line: String,
    },
    /// The command could not be started.
    #[error("cannot start `{program}`")]
    Start {
        /// What was to be run.
        program: String,
        /// Why not.
        source: io::Error,
    },
}

impl RecordError {
    /// Permanent, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            RecordError::NoCommand => "no_command",
            RecordError::Folder { .. } => "trace_folder",
            RecordError::LineAsProgram { .. } => "line_as_program",
            RecordError::Start { .. } => "command_not_started",
        }
    }
}

/// Runs the command and follows its traces until one of the ends in the options, a
/// message on `stops`, or its own end. A command that ends with 0 and leaves processes
/// running has not ended.
///
/// The first message stops the service when its files have settled, the second one
/// kills it; what its SDK has not written is lost then. The command runs in a process
/// group of its own, so that a Ctrl-C in the terminal reaches the caller alone;
/// whatever is left of the group, and on Linux of what left the group, is killed.
///
/// # Errors
/// [`RecordError`] where the command cannot be started or the folder cannot be.
pub fn record(
    options: &RecordOptions,
    stops: &Receiver<()>,
    on_event: &mut dyn FnMut(RecordEvent<'_>),
) -> Result<RecordOutcome, RecordError> {
    let folder = &options.trace_dir;
    can_be_a_folder(folder).map_err(|source| RecordError::Folder {
        folder: folder.clone(),
        source,
    })?;
    let mut watcher = Watcher::new(folder);
    let group = ProcessGroup::start(&mut command(options)?)
        .map_err(|source| not_started(options, source))?;
    on_event(RecordEvent::Started {
        process: group.id(),
    });
    let started = Instant::now();
    let mut outcome = RecordOutcome::default();
    let mut stop_asked = false;
    let mut hurried = false;
    let mut settling_since = None::<Instant>;
    loop {
        if is_asked(stops, POLL) {
            hurried = stop_asked;
            stop_asked = true;
        }
        watcher.poll(&mut outcome, on_event);
        if let Some(status) = group.leader_status()
            && !(status.success() && group.any_alive())
        {
            outcome.ended = Some(status);
            break;
        }
        let is_enough = stop_asked
            || options
                .limit
                .is_some_and(|limit| started.elapsed() >= limit)
            || options
                .traces
                .is_some_and(|traces| outcome.traces >= traces);
        if is_enough && settling_since.is_none() {
            on_event(RecordEvent::Settling);
            settling_since = Some(Instant::now());
        }
        if hurried {
            break;
        }
        if let Some(since) = settling_since {
            let quiet_since = watcher.last_growth.map_or(since, |grown| grown.max(since));
            if quiet_since.elapsed() >= options.settle {
                break;
            }
        }
    }
    if !hurried {
        let mut stopping = group.begin_stop(GRACE);
        loop {
            if let Some(killed) = stopping.look(&group) {
                if killed {
                    on_event(RecordEvent::Killed);
                }
                break;
            }
            // Who asks while the service is being stopped does not want to wait for it.
            if is_asked(stops, process_group::POLL) {
                if stop_asked {
                    break;
                }
                stop_asked = true;
            }
        }
    }
    // What is left of it is killed.
    drop(group);
    watcher.poll(&mut outcome, on_event);
    watcher.finish(&mut outcome, on_event);
    Ok(outcome)
}

/// That traces can be written where they are expected. A folder that is not there yet is
/// made to see that it can be, and taken away again: who writes into it makes it.
fn can_be_a_folder(folder: &Path) -> io::Result<()> {
    let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    let missing: Vec<&Path> = folder.ancestors().take_while(is_missing).collect();
    if missing.is_empty() && !folder.as_os_str().is_empty() && !folder.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let made = std::fs::create_dir_all(folder);
    for path in missing {
        // One that somebody has written into meanwhile stays.
        let _removed = std::fs::remove_dir(path);
    }
    made
}

fn not_started(options: &RecordOptions, source: io::Error) -> RecordError {
    let words = options.command.iter().map(|word| word.to_string_lossy());
    let words: Vec<_> = words.collect();
    match words.as_slice() {
        [line] if source.kind() == io::ErrorKind::NotFound && line.trim().contains(' ') => {
            RecordError::LineAsProgram {
                line: line.trim().to_owned(),
            }
        }
        words => RecordError::Start {
            program: words.first().map(ToString::to_string).unwrap_or_default(),
            source,
        },
    }
}

/// Whether the caller says to stop, within a time.
fn is_asked(stops: &Receiver<()>, wait: Duration) -> bool {
    match stops.recv_timeout(wait) {
        Ok(()) => true,
        Err(RecvTimeoutError::Timeout) => false,
        // Nobody is left to say when.
        Err(RecvTimeoutError::Disconnected) => {
            std::thread::sleep(wait);
            false
        }
    }
}

fn command(options: &RecordOptions) -> Result<Command, RecordError> {
    let (program, arguments) = options
        .command
        .split_first()
        .ok_or(RecordError::NoCommand)?;
    let mut command = Command::new(program);
    command.args(arguments);
    for name in REMOVED {
        command.env_remove(name);
    }
    command.env("TUSK_DRIFT_MODE", "RECORD");
    // The two SDKs read their rate from two variables.
    for name in ["TUSK_SAMPLING_RATE", "TUSK_RECORDING_SAMPLING_RATE"] {
        command.env(name, options.sampling_rate.to_string());
    }
    Ok(command)
}

/// The trace files of a folder, and how far each was read.
struct Watcher {
    folder: PathBuf,
    files: HashMap<PathBuf, Followed>,
    last_growth: Option<Instant>,
}

#[derive(Default)]
struct Followed {
    /// What was there before, and is not looked at.
    old_bytes: u64,
    read_bytes: u64,
    /// Lines that were read.
    lines: u64,
    /// The end of what was read, where it is not a whole line yet.
    rest: Vec<u8>,
    calls: usize,
}

impl Watcher {
    /// What is in the folder now is not looked at.
    fn new(folder: &Path) -> Watcher {
        let mut watcher = Watcher {
            folder: folder.to_owned(),
            files: HashMap::new(),
            last_growth: None,
        };
        for (path, length) in watcher.listing() {
            let followed = Followed {
                old_bytes: length,
                read_bytes: length,
                ..Followed::default()
            };
            watcher.files.insert(path, followed);
        }
        watcher
    }

    /// The trace files and their lengths, by name. A folder or file that is not
    /// there, or not any more, has none.
    fn listing(&self) -> Vec<(PathBuf, u64)> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten();
        let mut files: Vec<(PathBuf, u64)> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "jsonl")
            })
            .filter_map(|path| {
                let length = path.metadata().ok()?.len();
                Some((path, length))
            })
            .collect();
        files.sort();
        files
    }

    fn poll(&mut self, outcome: &mut RecordOutcome, on_event: &mut dyn FnMut(RecordEvent<'_>)) {
        for (path, length) in self.listing() {
            let followed = self.files.entry(path.clone()).or_default();
            if length <= followed.read_bytes {
                continue;
            }
            // A file that cannot be read now is read the next time.
            let Ok(appended) = read_from(&path, followed.read_bytes) else {
                continue;
            };
            let grown = u64::try_from(appended.len()).unwrap_or(u64::MAX);
            followed.read_bytes += grown;
            outcome.bytes += grown;
            self.last_growth = Some(Instant::now());
            followed.rest.extend_from_slice(&appended);
            followed.take_lines(&path, outcome, on_event);
        }
    }
}

impl Watcher {
    /// After the last poll: what the files end with.
    fn finish(&mut self, outcome: &mut RecordOutcome, on_event: &mut dyn FnMut(RecordEvent<'_>)) {
        let mut files: Vec<_> = self.files.iter_mut().collect();
        files.sort_by_key(|(path, _)| *path);
        for (path, followed) in files {
            followed.take_rest(path, outcome, on_event);
        }
    }
}

impl Followed {
    fn take_lines(
        &mut self,
        path: &Path,
        outcome: &mut RecordOutcome,
        on_event: &mut dyn FnMut(RecordEvent<'_>),
    ) {
        let text = std::mem::take(&mut self.rest);
        let mut lines = text.split_inclusive(|byte| *byte == b'\n').peekable();
        while let Some(line) = lines.next() {
            if lines.peek().is_none() && !line.ends_with(b"\n") {
                self.rest = line.to_vec();
                break;
            }
            self.take_line(line, path, outcome, on_event);
        }
    }

    /// What the file ends with, when nothing more comes: a line without its end, or a
    /// part of one.
    fn take_rest(
        &mut self,
        path: &Path,
        outcome: &mut RecordOutcome,
        on_event: &mut dyn FnMut(RecordEvent<'_>),
    ) {
        let rest = std::mem::take(&mut self.rest);
        self.take_line(&rest, path, outcome, on_event);
    }

    fn take_line(
        &mut self,
        line: &[u8],
        path: &Path,
        outcome: &mut RecordOutcome,
        on_event: &mut dyn FnMut(RecordEvent<'_>),
    ) {
        self.lines += 1;
        let line = match line.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) if self.lines == 1 && self.old_bytes == 0 => rest,
            _ => line,
        };
        if line.trim_ascii().is_empty() {
            return;
        }
        match parse_line(line) {
            Ok(span) => {
                outcome.spans += 1;
                if span.is_root_span {
                    outcome.traces += 1;
                    on_event(RecordEvent::Trace {
                        root: &span,
                        calls: self.calls,
                    });
                } else {
                    self.calls += 1;
                }
            }
            Err(error) => on_event(RecordEvent::BrokenLine {
                file: path,
                line: lines_before(path, self.old_bytes) + self.lines,
                reason: error.to_string(),
            }),
        }
    }
}

/// The lines of a file that was there before; counted only when one is to be named.
fn lines_before(path: &Path, old_bytes: u64) -> u64 {
    let Ok(file) = std::fs::File::open(path) else {
        return 0;
    };
    let old = io::BufReader::new(file).take(old_bytes).bytes();
    let newlines = old.filter(|byte| matches!(byte, Ok(b'\n'))).count();
    u64::try_from(newlines).unwrap_or(u64::MAX)
}

fn read_from(path: &Path, offset: u64) -> io::Result<Vec<u8>> {
    let mut file = std::fs::File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}
