//! Loads a suite of a million spans, and asks it for answers.
//!
//! `drift-replay-bench DIRECTORY [--spans N] [--part NAME] [--json FILE]` writes the
//! suite below the directory where it is not there yet (1.7 GB for a million spans in
//! some 35,000 trace files), and prints how fast it loads, what it takes in memory, and
//! what answers cost: chosen, and over a Unix socket. Beside each stands its target
//! and the limit, the least work that anyone could do. It ends with status 1 when
//! a recorded call is not answered, not when a target is missed.

mod loading;
mod matching;
mod process;
mod rows;
mod serving;
mod suite;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rows::Rows;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Changes with what the suite holds, so that an older one is made anew.
const SUITE_VERSION: u32 = 2;

/// Writes the suite where it is not there yet; gives its directory and its bytes.
fn suite(directory: &Path, spans: u64) -> Result<(PathBuf, u64), Failure> {
    let suite = directory.join(format!("suite-{SUITE_VERSION}-{spans}"));
    // Written last: without it the suite is not whole.
    let size = suite.with_extension("size");
    let known = std::fs::read_to_string(&size).ok();
    if let Some(bytes) = known.and_then(|text| text.trim().parse().ok()) {
        return Ok((suite, bytes));
    }
    if suite.exists() {
        std::fs::remove_dir_all(&suite)?;
    }
    std::fs::create_dir_all(&suite)?;
    let bytes = suite::write(&suite, spans)?;
    std::fs::write(&size, bytes.to_string())?;
    Ok((suite, bytes))
}

fn main() -> Result<(), Failure> {
    let mut directory: Option<PathBuf> = None;
    let mut json: Option<PathBuf> = None;
    let mut part: Option<String> = None;
    let mut spans = 1_000_000;
    let mut out = std::io::stdout().lock();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--spans" => spans = arguments.next().ok_or("--spans takes a number")?.parse()?,
            // One of `load`, `packed`, `choose` and `serve`; all by default.
            "--part" => part = Some(arguments.next().ok_or("--part takes a name")?),
            "--json" => json = Some(arguments.next().ok_or("--json takes a file")?.into()),
            // A process of its own, see `loading`.
            "--load" => {
                let directory = arguments.next().ok_or("--load takes a directory")?;
                return loading::load_once(Path::new(&directory), &mut out);
            }
            _ => directory = Some(PathBuf::from(argument)),
        }
    }
    let directory = directory.ok_or("give a directory to write the suite into")?;
    let (suite, bytes) = suite(&directory, spans)?;
    let mut rows = Rows::new(&mut out);
    // This one is asked, and it brings the files into the page cache.
    let matcher = Arc::new(loading::load(&suite)?);
    let wanted = |name: &str| part.as_deref().is_none_or(|part| part == name);
    if wanted("load") {
        rows.heading("Loading, the files in the page cache")?;
        loading::measure(&matcher, &suite, bytes, &mut rows)?;
    }
    if wanted("packed") {
        rows.heading("Loading packed files")?;
        loading::measure_packed(&matcher, &directory.join("packed"), &mut rows)?;
    }
    if wanted("choose") {
        rows.heading("Choosing an answer, on one thread")?;
        matching::measure_lengths(&matcher, &mut rows)?;
        matching::measure_first_unequal(&matcher, &mut rows)?;
        matching::measure(&matcher, &mut rows)?;
    }
    if wanted("serve") {
        rows.heading("A mock request over a Unix socket, the clients on the same processors")?;
        serving::measure(&matcher, &mut rows)?;
    }
    if let Some(json) = json {
        rows.save(&json, spans)?;
    }
    Ok(())
}
