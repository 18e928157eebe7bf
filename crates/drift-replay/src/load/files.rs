//! Which files a recording has, and their bytes.
//!
//! Plain files are read in pieces and never mapped: a recorder may be
//! appending to them, and a mapped file that another process truncates ends
//! the program with SIGBUS, which no check before can exclude. A span is read
//! again from its place when it is needed. Compressed files are kept in memory
//! as decompressed, since a place in the middle of one cannot be read alone.

use super::error::{LoadError, Problem};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Plain,
    Gzip,
    Zstd,
}

/// A trace file that was found.
#[derive(Clone, Debug)]
pub(crate) struct FoundFile {
    pub(crate) path: Arc<PathBuf>,
    pub(crate) packing: Packing,
    /// Bytes on disk when it was found.
    pub(crate) length: u64,
}

fn packing_of(name: &str) -> Option<Packing> {
    let name = name.to_ascii_lowercase();
    if name.ends_with(".jsonl") {
        Some(Packing::Plain)
    } else if name.ends_with(".jsonl.gz") {
        Some(Packing::Gzip)
    } else if name.ends_with(".jsonl.zst") {
        Some(Packing::Zstd)
    } else {
        None
    }
}

const NOT_A_FILE: &str = "a pipe, socket or device, not a file";

/// All trace files of the paths: of a directory those below it, in the lexical
/// order of their paths; a file that is named is taken whatever its name. A
/// file that is reached twice counts once.
pub(crate) fn find(
    paths: &[PathBuf],
    problems: &mut Vec<Problem>,
) -> Result<Vec<FoundFile>, LoadError> {
    let mut found: Vec<FoundFile> = Vec::new();
    for path in paths {
        let metadata = std::fs::metadata(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => LoadError::NotFound { path: path.clone() },
            _ => LoadError::Unreadable {
                path: path.clone(),
                source,
            },
        })?;
        if metadata.is_dir() {
            walk(path, problems, &mut found).map_err(|source| LoadError::Unreadable {
                path: path.clone(),
                source,
            })?;
        } else if !metadata.is_file() {
            return Err(LoadError::Unreadable {
                path: path.clone(),
                source: io::Error::other(NOT_A_FILE),
            });
        } else {
            let name = path.to_string_lossy();
            found.push(FoundFile {
                path: Arc::new(path.clone()),
                packing: packing_of(&name).unwrap_or(Packing::Plain),
                length: metadata.len(),
            });
        }
    }
    // Below one directory a file can only be reached twice through links, and
    // then its spans are reported as such.
    if paths.len() > 1 {
        let mut seen = std::collections::HashSet::new();
        found.retain(|file| {
            let identity = std::fs::canonicalize(file.path.as_path())
                .unwrap_or_else(|_| file.path.as_ref().clone());
            seen.insert(identity)
        });
    }
    Ok(found)
}

/// Walks a directory. Links to directories are followed as long as they lead
/// to no directory that is being walked.
fn walk(root: &Path, problems: &mut Vec<Problem>, found: &mut Vec<FoundFile>) -> io::Result<()> {
    let mut open: Vec<PathBuf> = Vec::new();
    walk_into(root, &mut open, problems, found)
}

fn walk_into(
    directory: &Path,
    open: &mut Vec<PathBuf>,
    problems: &mut Vec<Problem>,
    found: &mut Vec<FoundFile>,
) -> io::Result<()> {
    let identity = std::fs::canonicalize(directory)?;
    if open.contains(&identity) {
        return Ok(());
    }
    open.push(identity);
    let mut entries = std::fs::read_dir(directory)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let packing = packing_of(&entry.file_name().to_string_lossy());
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {
                if let Err(error) = walk_into(&path, open, problems, found) {
                    problems.push(unreadable(&path, &error));
                }
            }
            // Reading a pipe would wait for a writer.
            Ok(metadata) if !metadata.is_file() => {
                if packing.is_some() {
                    problems.push(unreadable(&path, &io::Error::other(NOT_A_FILE)));
                }
            }
            Ok(metadata) => {
                if let Some(packing) = packing {
                    found.push(FoundFile {
                        path: Arc::new(path),
                        packing,
                        length: metadata.len(),
                    });
                }
            }
            Err(error) => {
                if packing.is_some() {
                    problems.push(unreadable(&path, &error));
                }
            }
        }
    }
    open.pop();
    Ok(())
}

pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Problem {
    Problem {
        file: Arc::new(path.to_owned()),
        line: None,
        code: "unreadable",
        message: format!("left out: {error}"),
    }
}

/// Why a compressed file was not read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UnpackFault {
    Damaged(String),
    TooLarge,
}

/// Unpacks a compressed file; what could be read of it, and why not more.
pub(crate) fn unpack(
    file: &FoundFile,
    max_bytes: u64,
) -> io::Result<(Vec<u8>, Option<UnpackFault>)> {
    let source = BufReader::new(File::open(file.path.as_path())?);
    let mut unpacked = Unpacked {
        bytes: Vec::new(),
        max_bytes,
    };
    let result = match file.packing {
        Packing::Plain => unpacked.take(source),
        Packing::Gzip => unpacked.take(flate2::bufread::MultiGzDecoder::new(source)),
        Packing::Zstd => unpack_zstd(source, &mut unpacked),
    };
    unpacked.bytes.shrink_to_fit();
    Ok((unpacked.bytes, result.err()))
}

struct Unpacked {
    bytes: Vec<u8>,
    max_bytes: u64,
}

impl Unpacked {
    fn take(&mut self, source: impl Read) -> Result<(), UnpackFault> {
        let left = self.max_bytes.saturating_sub(self.bytes.len() as u64);
        let result = source.take(left + 1).read_to_end(&mut self.bytes);
        if self.bytes.len() as u64 > self.max_bytes {
            self.bytes.truncate(self.max_bytes as usize);
            return Err(UnpackFault::TooLarge);
        }
        match result {
            Ok(_) => Ok(()),
            Err(error) => Err(UnpackFault::Damaged(error.to_string())),
        }
    }
}

/// All frames of a zstd file, one after the other; skippable ones are skipped.
fn unpack_zstd(mut source: impl io::BufRead, unpacked: &mut Unpacked) -> Result<(), UnpackFault> {
    use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
    let damaged = |error: &dyn std::fmt::Display| UnpackFault::Damaged(error.to_string());
    loop {
        if source
            .fill_buf()
            .map_err(|error| damaged(&error))?
            .is_empty()
        {
            return Ok(());
        }
        match ruzstd::decoding::StreamingDecoder::new(&mut source) {
            Ok(decoder) => unpacked.take(decoder)?,
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length,
                ..
            })) => {
                let mut skipped = (&mut source).take(u64::from(length));
                io::copy(&mut skipped, &mut io::sink()).map_err(|error| damaged(&error))?;
            }
            Err(error) => return Err(damaged(&error)),
        }
    }
}
