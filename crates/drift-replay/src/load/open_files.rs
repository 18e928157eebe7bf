//! Files that are read from again and again stay open.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// How many stay open: a test reads one file, and few tests run at once. Far
/// below the 1,024 that a process has by default, which connections need too.
const OPEN_FILES: usize = 64;

/// The files that were read from last, at most [`OPEN_FILES`].
#[derive(Debug)]
pub(super) struct OpenFiles {
    /// A file has one slot, by its number, and shares it with every 64th other.
    slots: Box<[Mutex<Option<Open>>]>,
}

#[derive(Debug)]
struct Open {
    number: u32,
    file: Arc<File>,
}

impl Default for OpenFiles {
    fn default() -> Self {
        OpenFiles {
            slots: (0..OPEN_FILES).map(|_| Mutex::default()).collect(),
        }
    }
}

impl OpenFiles {
    /// Reads a part of a file; less than asked for at its end. Whoever reads at
    /// the same time does not wait.
    pub(super) fn read(
        &self,
        number: u32,
        path: &Path,
        offset: u64,
        length: usize,
    ) -> io::Result<Vec<u8>> {
        let file = self.file(number, || File::open(path))?;
        let mut bytes = vec![0; length];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    fn file(&self, number: u32, open: impl Fn() -> io::Result<File>) -> io::Result<Arc<File>> {
        let Some(slot) = self.slots.get(number as usize % OPEN_FILES) else {
            return open().map(Arc::new);
        };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = slot.as_ref().filter(|open| open.number == number) {
            return Ok(Arc::clone(&open.file));
        }
        let mut opened = open();
        if has_no_more_files(&opened) && slot.take().is_some() {
            opened = open();
        }
        // Without waiting: who holds a slot may want another one as well.
        for other in &self.slots {
            if has_no_more_files(&opened)
                && let Ok(mut other) = other.try_lock()
                && other.take().is_some()
            {
                opened = open();
            }
        }
        let file = Arc::new(opened?);
        *slot = Some(Open {
            number,
            file: Arc::clone(&file),
        });
        Ok(file)
    }
}

/// Whether the process, or the system, has as many files open as it may: then what
/// is kept open here without need is in the way.
fn has_no_more_files(opened: &io::Result<File>) -> bool {
    let code = opened.as_ref().err().and_then(io::Error::raw_os_error);
    matches!(code, Some(libc::EMFILE | libc::ENFILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_read_from_is_still_there_when_its_name_is_gone() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("a");
        std::fs::write(&path, "0123456789").expect("it is written");
        let files = OpenFiles::default();
        let read = |offset, length| files.read(7, &path, offset, length);
        assert_eq!(read(2, 3).expect("it is there"), b"234");
        std::fs::remove_file(&path).expect("it is there");
        assert_eq!(read(8, 5).expect("it is open"), b"89");
        assert_eq!(read(20, 5).expect("it is open"), b"");
    }

    #[test]
    fn files_that_stay_open_do_not_keep_another_from_being_read() {
        let files = OpenFiles::default();
        let open = |limit: usize| {
            let is_open = |slot: &&Mutex<Option<Open>>| {
                // The one that is to be filled is locked meanwhile, and empty by then.
                slot.try_lock().is_ok_and(|slot| slot.is_some())
            };
            match files.slots.iter().filter(is_open).count() < limit {
                true => tempfile::tempfile(),
                false => Err(io::Error::from_raw_os_error(libc::EMFILE)),
            }
        };
        for number in 0..200 {
            assert!(files.file(number, || open(5)).is_ok(), "{number}");
        }
        // Where nothing is left to close, the error is told.
        assert!(files.file(200, || open(0)).is_err());
        assert!(files.file(201, || open(5)).is_ok());
    }

    #[test]
    fn more_files_than_stay_open_are_all_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let files = OpenFiles::default();
        for _ in 0..2 {
            for number in 0..3 * OPEN_FILES as u32 {
                let path = directory.path().join(number.to_string());
                std::fs::write(&path, number.to_string()).expect("it is written");
                let bytes = files.read(number, &path, 0, 10).expect("it is there");
                assert_eq!(bytes, number.to_string().as_bytes());
            }
        }
        let open = |slot: &Mutex<Option<Open>>| slot.lock().expect("no panic").is_some();
        assert_eq!(files.slots.iter().filter(|slot| open(slot)).count(), 64);
    }
}
