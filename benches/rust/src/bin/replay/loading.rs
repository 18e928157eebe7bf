//! How fast a suite is loaded, and what it takes in memory.

use std::hint::black_box;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use drift_replay::load::LoadOptions;
use drift_replay::{MatchOptions, Matcher, Recording};
use memchr::memchr_iter;

use crate::Failure;
use crate::process::{memory, processor_seconds};
use crate::rows::{Better, Row, Rows, count};

/// How often the suite is loaded; the middle one counts.
const LOADS: usize = 3;
/// Bytes of the part that is packed.
const PACKED_BYTES: u64 = 200_000_000;
/// What a thread of the limit reads at once.
const PIECE_BYTES: usize = 4 << 20;

fn rate(bytes: u64, seconds: f64) -> f64 {
    bytes as f64 / 1e6 / seconds
}

/// How a load went, as a process of its own tells.
struct Load {
    /// Seconds until the recording was there, and until it could be asked.
    loaded: f64,
    ready: f64,
    /// Seconds of all processors.
    processors: f64,
    held_bytes: f64,
    peak_bytes: f64,
}

/// Loads a directory into a matcher.
pub(crate) fn load(directory: &Path) -> Result<Matcher, Failure> {
    let recording = read(directory)?;
    Ok(Matcher::new(recording, MatchOptions::default()))
}

fn read(directory: &Path) -> Result<Arc<Recording>, Failure> {
    let recording = Recording::load(&LoadOptions::new([directory]), &|_| {})?;
    if let Some(problem) = recording.problems().first() {
        return Err(format!("the suite has problems, the first: {problem:?}").into());
    }
    Ok(Arc::new(recording))
}

/// What the process of one load does: it loads, and prints five numbers.
pub(crate) fn load_once(directory: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    let before = memory("VmRSS:");
    let processors_before = processor_seconds();
    let start = Instant::now();
    let recording = read(directory)?;
    let loaded = start.elapsed().as_secs_f64();
    let matcher = Matcher::new(recording, MatchOptions::default());
    let ready = start.elapsed().as_secs_f64();
    let processors = processor_seconds() - processors_before;
    let (held, peak) = (memory("VmRSS:") - before, memory("VmHWM:") - before);
    drop(black_box(matcher));
    writeln!(out, "{loaded} {ready} {processors} {held} {peak}")?;
    Ok(())
}

/// Loads in a process of its own: memory that this one gave back would hide
/// what a load takes.
fn in_a_process(directory: &Path) -> Result<Load, Failure> {
    let output = Command::new(std::env::current_exe()?)
        .arg("--load")
        .arg(directory)
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<f64> = text
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    match numbers[..] {
        [loaded, ready, processors, held_bytes, peak_bytes] => Ok(Load {
            loaded,
            ready,
            processors,
            held_bytes,
            peak_bytes,
        }),
        _ => Err(format!("a process that loads ended with {}", output.status).into()),
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Prints how fast the suite is loaded, and how large it is then.
pub(crate) fn measure(
    matcher: &Matcher,
    directory: &Path,
    bytes: u64,
    rows: &mut Rows<'_>,
) -> Result<(), Failure> {
    let mut loads = (0..LOADS)
        .map(|_| in_a_process(directory))
        .collect::<Result<Vec<Load>, Failure>>()?;
    loads.sort_by(|left, right| left.ready.total_cmp(&right.ready));
    let Load {
        loaded,
        ready,
        processors: seconds,
        held_bytes,
        peak_bytes,
    } = loads.swap_remove(LOADS / 2);
    let recording = matcher.recording();

    let mut files: Vec<(PathBuf, u64)> = recording
        .traces()
        .iter()
        .map(|trace| {
            let path = trace.file.as_ref().clone();
            let length = std::fs::metadata(&path)?.len();
            Ok((path, length))
        })
        .collect::<Result<_, std::io::Error>>()?;
    // The long ones first, so that no thread ends long after the other.
    files.sort_by_key(|(_, length)| std::cmp::Reverse(*length));
    let split = limit(&files, |lines| {
        black_box(memchr_iter(b'\n', lines).count());
    })?;
    let parsed = limit(&files, |lines| {
        for line in lines.split(|byte| *byte == b'\n') {
            black_box(sonic_rs::from_slice::<sonic_rs::Value>(line).is_ok());
        }
    })?;

    let rate_ready = rate(bytes, ready);
    rows.push(
        Row::new(
            format!(
                "load {} spans of {} traces, {} MB, with the index",
                count(recording.span_count() as f64),
                count(recording.traces().len() as f64),
                count(bytes as f64 / 1e6)
            ),
            format!("{rate_ready:.0} MB/s ({ready:.2} s; {seconds:.1} s of all processors)"),
        )
        .target(
            "at least 300 MB/s on two cores",
            rate_ready,
            Better::More,
            300.0,
        )
        .limit(
            format!("parse each line (sonic-rs) {:.0} MB/s", rate(bytes, parsed)),
            parsed / ready,
        ),
    )?;
    rows.push(
        Row::new(
            "the same without the index",
            format!("{:.0} MB/s", rate(bytes, loaded)),
        )
        .limit(
            format!("read and split (memchr) {:.0} MB/s", rate(bytes, split)),
            split / loaded,
        ),
    )?;
    let share = |part: f64| part / bytes as f64;
    rows.push(
        Row::new(
            "memory over the size of the files, at the peak",
            format!("{:.2} ({} MB)", share(peak_bytes), count(peak_bytes / 1e6)),
        )
        .target("at most 1.2", share(peak_bytes), Better::Less, 1.2),
    )?;
    rows.push(Row::new(
        "the same, held",
        format!(
            "{:.2} ({} MB, {:.0} bytes a span)",
            share(held_bytes),
            count(held_bytes / 1e6),
            held_bytes / recording.span_count().max(1) as f64
        ),
    ))?;
    Ok(())
}

/// Reads all files with all processors, as lines; gives seconds. A file is opened
/// once, as the loader does, but its lines may be cut: that is left out here.
fn limit(files: &[(PathBuf, u64)], work: impl Fn(&[u8]) + Sync) -> Result<f64, Failure> {
    let pieces: Vec<(&PathBuf, u64)> = files
        .iter()
        .flat_map(|(path, length)| {
            (0..length.div_ceil(PIECE_BYTES as u64)).map(move |piece| (path, piece))
        })
        .collect();
    let next = AtomicUsize::new(0);
    let start = Instant::now();
    let read = || -> Result<(), std::io::Error> {
        let mut bytes = Vec::new();
        while let Some((path, piece)) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut file = std::fs::File::open(path)?;
            if *piece > 0 {
                file.seek(SeekFrom::Start(piece * PIECE_BYTES as u64))?;
            }
            bytes.clear();
            file.take(PIECE_BYTES as u64).read_to_end(&mut bytes)?;
            work(&bytes);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..processors()).map(|_| scope.spawn(read)).collect();
        let own = read();
        for other in others {
            other
                .join()
                .map_err(|_| Failure::from("a reader panicked"))??;
        }
        Ok::<(), Failure>(own?)
    })?;
    Ok(start.elapsed().as_secs_f64())
}

/// How a file is packed for this.
#[derive(Clone, Copy)]
enum Packing {
    Gzip,
    Zstd,
}

fn pack(packing: Packing, bytes: &[u8]) -> Result<Vec<u8>, Failure> {
    match packing {
        Packing::Gzip => {
            let mut packer = flate2::read::GzEncoder::new(bytes, flate2::Compression::default());
            let mut packed = Vec::new();
            packer.read_to_end(&mut packed)?;
            Ok(packed)
        }
        Packing::Zstd => Ok(ruzstd::encoding::compress_to_vec(
            bytes,
            ruzstd::encoding::CompressionLevel::Fastest,
        )),
    }
}

/// Packs a part of the suite into another directory, and loads that: many small
/// files, and one large one, which one thread has to unpack.
pub(crate) fn measure_packed(
    matcher: &Matcher,
    directory: &Path,
    rows: &mut Rows<'_>,
) -> Result<(), Failure> {
    let recording = matcher.recording();
    let mut many = Vec::new();
    let mut total = 0;
    for trace in recording.traces().iter().rev() {
        if total >= PACKED_BYTES {
            break;
        }
        total += std::fs::metadata(trace.file.as_path())?.len();
        many.push(trace.file.as_path());
    }
    let longest = recording
        .traces()
        .iter()
        .max_by_key(|trace| trace.span_count())
        .ok_or("the suite has traces")?;
    for (packing, ending, name) in [
        (Packing::Gzip, "gz", "gzip"),
        (Packing::Zstd, "zst", "zstd"),
    ] {
        for (files, what) in [
            (
                many.as_slice(),
                format!("{} files", count(many.len() as f64)),
            ),
            (&[longest.file.as_path()], "one file".to_owned()),
        ] {
            let folder = directory.join(name);
            std::fs::create_dir_all(&folder)?;
            let sizes = pack_all(packing, ending, files, &folder)?;
            let load = in_a_process(&folder)?;
            std::fs::remove_dir_all(&folder)?;
            let (unpacked, packed) = sizes;
            rows.push(Row::new(
                format!(
                    "load {} MB, packed by {name} to {} MB, in {what}",
                    count(unpacked as f64 / 1e6),
                    count(packed as f64 / 1e6)
                ),
                format!(
                    "{:.0} MB/s of what is in them; memory {:.2} of it",
                    rate(unpacked, load.ready),
                    load.held_bytes / unpacked as f64
                ),
            ))?;
        }
    }
    Ok(())
}

/// Packs files on all processors; gives their bytes before and after.
fn pack_all(
    packing: Packing,
    ending: &str,
    files: &[&Path],
    folder: &Path,
) -> Result<(u64, u64), Failure> {
    let next = AtomicUsize::new(0);
    let work = || -> Result<(u64, u64), Failure> {
        let mut sizes = (0, 0);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(number) else {
                return Ok(sizes);
            };
            let bytes = std::fs::read(file)?;
            let packed = pack(packing, &bytes)?;
            sizes.0 += bytes.len() as u64;
            sizes.1 += packed.len() as u64;
            std::fs::write(folder.join(format!("{number:06}.jsonl.{ending}")), packed)?;
        }
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..processors()).map(|_| scope.spawn(work)).collect();
        let (mut unpacked, mut packed) = work()?;
        for other in others {
            let sizes = other
                .join()
                .map_err(|_| Failure::from("a packer panicked"))??;
            unpacked += sizes.0;
            packed += sizes.1;
        }
        Ok((unpacked, packed))
    })
}
