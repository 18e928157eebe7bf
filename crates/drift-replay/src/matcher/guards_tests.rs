//! How often what cannot be read is tried again.

use super::super::search::Mode;
use super::*;
use crate::index::Classes as _;
use crate::load::LoadOptions;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;

/// A recording of calls in some files, and which of the files can be read.
struct Files {
    _directory: tempfile::TempDir,
    recording: Recording,
    gone: RefCell<HashSet<u32>>,
    damaged: RefCell<HashSet<u32>>,
    reads: Cell<usize>,
}

impl Files {
    fn new(files: usize, calls_each: usize) -> Files {
        let directory = tempfile::tempdir().expect("a directory");
        for file in 0..files {
            let lines: String = (0..calls_each)
                .map(|call| {
                    format!(
                        "{{\"traceId\":\"{:032x}\",\"spanId\":\"{:016x}\",\"packageName\":\"http\",\"kind\":3,\"inputValue\":{{\"id\":1}},\"inputSchema\":{{\"type\":6}}}}\n",
                        1,
                        file * calls_each + call + 1
                    )
                })
                .collect();
            let path = directory.path().join(format!("{file:04}.jsonl"));
            std::fs::write(path, lines).expect("it is written");
        }
        let recording = Recording::load(&LoadOptions::new([directory.path()]), &|_| {})
            .expect("the recording loads");
        Files {
            _directory: directory,
            recording,
            gone: RefCell::default(),
            damaged: RefCell::default(),
            reads: Cell::new(0),
        }
    }

    fn spans(&self) -> Vec<SpanIndex> {
        (0..self.recording.span_count() as u32)
            .map(SpanIndex)
            .collect()
    }

    fn read(&self, span: SpanIndex) -> Result<GuardKey, LoadError> {
        self.reads.set(self.reads.get() + 1);
        let file = file_of(&self.recording, span);
        if self.gone.borrow().contains(&file) || self.damaged.borrow().contains(&span.0) {
            return Err(LoadError::Unreadable {
                path: file.to_string().into(),
                source: std::io::Error::from_raw_os_error(libc::EMFILE),
            });
        }
        Ok(Guard::of(&self.recording.span(span)?).key())
    }

    fn make(&self) -> Made {
        Made::new(&self.recording, &self.spans(), &|span| self.read(span), 0)
    }

    /// Tries again; how many spans were read for it.
    fn try_again(&self, made: &mut Made) -> usize {
        self.reads.set(0);
        made.read_again(&self.recording, &|span| self.read(span));
        self.reads.get()
    }
}

#[test]
fn a_file_that_is_gone_costs_one_attempt_for_each_request() {
    let files = Files::new(2, 1000);
    files.gone.borrow_mut().insert(0);
    let mut made = files.make();
    assert_eq!(files.reads.get(), 2000);
    assert_eq!((made.guards.len(), made.left()), (1000, 1000));
    for _ in 0..5 {
        assert_eq!(files.try_again(&mut made), 1);
        assert_eq!(made.index.generation, 0);
    }
    files.gone.borrow_mut().clear();
    assert_eq!(files.try_again(&mut made), 1000);
    assert_eq!((made.guards.len(), made.left()), (2000, 0));
    assert_eq!(made.index.generation, 1);
    assert!(made.index.unread.is_empty());
}

#[test]
fn a_damaged_place_of_a_file_leaves_the_rest_of_it_readable() {
    let files = Files::new(1, 100);
    files.damaged.borrow_mut().extend([3, 50]);
    let mut made = files.make();
    assert_eq!((made.guards.len(), made.left()), (98, 2));
    assert_eq!(files.try_again(&mut made), 1);
    // The other one is tried first now.
    files.damaged.borrow_mut().remove(&50);
    assert_eq!(files.try_again(&mut made), 2);
    assert_eq!((made.guards.len(), made.left()), (99, 1));
}

#[test]
fn of_many_files_that_are_gone_some_are_tried_and_others_the_next_time() {
    let count = MAX_FILES_TRIED_AGAIN * 2 + 10;
    let files = Files::new(count, 2);
    files.gone.borrow_mut().extend(0..count as u32);
    let mut made = files.make();
    assert_eq!(files.try_again(&mut made), MAX_FILES_TRIED_AGAIN);
    files.gone.borrow_mut().clear();
    for _ in 0..3 {
        assert!(files.try_again(&mut made) <= 2 * MAX_FILES_TRIED_AGAIN);
    }
    assert_eq!((made.guards.len(), made.left()), (2 * count, 0));
}

#[test]
fn an_index_is_kept_as_complete_only_when_nothing_is_left_to_read() {
    let files = Files::new(1, 3);
    let indexes = GuardIndexes::new(&files.recording);
    let path = files
        .recording
        .place(SpanIndex(0))
        .expect("it has spans")
        .file;
    let away = path.with_extension("away");
    std::fs::rename(&*path, &away).expect("it is there");
    let of = |mode| {
        let mut search = Search::new(mode);
        indexes
            .of(&files.recording, Pool::Trace(0), &mut search)
            .expect("three spans")
    };
    let is_complete = || indexes.slot(Pool::Trace(0)).complete.get().is_some();
    assert!(!of(Mode::MarkAtOnce).unread.is_empty());
    assert!(!is_complete());
    std::fs::rename(&away, &*path).expect("it is there");
    assert!(of(Mode::MarkAtOnce).unread.is_empty());
    assert!(is_complete());
    std::fs::write(&*path, "{}\n").expect("it is written");
    assert!(Arc::ptr_eq(&of(Mode::Mark), &of(Mode::Look)));
}

#[test]
fn a_fault_while_spans_are_read_leaves_none_out() {
    let files = Files::new(1, 3);
    let indexes = GuardIndexes::new(&files.recording);
    let slot = indexes.slot(Pool::Trace(0));
    let fault = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut made = slot.made.lock().expect("nobody failed before");
        *made = Some(Made::default());
        std::panic::resume_unwind(Box::new("a fault"));
    }));
    assert!(fault.is_err());
    let mut search = Search::new(Mode::Look);
    let index = indexes
        .of(&files.recording, Pool::Trace(0), &mut search)
        .expect("there is time");
    let schemas = index.spans.of(Form::Schema);
    assert!((0..3).all(|place| schemas.span_at(place).is_some()));
    assert_eq!(index.generation, 1);
}
