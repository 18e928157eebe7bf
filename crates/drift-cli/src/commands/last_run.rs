//! The outbound calls of the last replay, kept for `drift explain`.

use anyhow::Context as _;
use drift_replay::drive::RunOutcome;
use drift_replay::request::MockRequest;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// The first line, also of a run without calls: an empty file is not one of ours.
const FIRST_LINE: &str = "drift last replay 1\n";

/// Beside the traces, and like them not for a repository: values are in it as they were sent.
fn file(project: &Path) -> PathBuf {
    project.join(".tusk/last-replay.bin")
}

/// Keeps the requests of a run in place of those of the run before: after the first
/// line, for each the number of its bytes, hexadecimal, on a line, then the bytes of
/// the message.
pub(super) fn save(project: &Path, outcome: &RunOutcome) -> anyhow::Result<()> {
    let path = file(project);
    let failed = || format!("cannot write {}", path.display());
    if !project.join(".tusk").is_dir() {
        return Ok(());
    }
    let mut open = std::fs::OpenOptions::new();
    // Values are in it as they were sent: for its owner alone.
    open.write(true).create(true).truncate(true).mode(0o600);
    let mut writer = BufWriter::new(open.open(&path).with_context(failed)?);
    writer
        .write_all(FIRST_LINE.as_bytes())
        .with_context(failed)?;
    for test in &outcome.tests {
        for event in test.record.mocks.iter().chain(&test.late.mocks) {
            let bytes = prost::Message::encode_to_vec(&event.request);
            writeln!(writer, "{:x}", bytes.len()).with_context(failed)?;
            writer.write_all(&bytes).with_context(failed)?;
        }
    }
    writer.flush().with_context(failed)
}

/// The requests of a test whose span's id begins so.
pub(super) fn find(
    project: &Path,
    trace_id: &str,
    span_id: &str,
) -> anyhow::Result<Vec<MockRequest>> {
    let path = file(project);
    let open = match std::fs::File::open(&path) {
        Ok(open) => open,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", path.display()));
        }
    };
    let broken = || {
        format!(
            "{} is not what drift replay wrote; run it again",
            path.display()
        )
    };
    let mut reader = BufReader::new(open);
    let mut found = Vec::new();
    let mut line = String::new();
    reader.read_line(&mut line).with_context(broken)?;
    anyhow::ensure!(line == FIRST_LINE, broken());
    line.clear();
    while reader.read_line(&mut line).with_context(broken)? > 0 {
        let length = u64::from_str_radix(line.trim_end(), 16).with_context(broken)?;
        let mut bytes = Vec::new();
        let mut part = std::io::Read::take(&mut reader, length);
        std::io::Read::read_to_end(&mut part, &mut bytes).with_context(broken)?;
        anyhow::ensure!(u64::try_from(bytes.len()).ok() == Some(length), broken());
        let message =
            <tusk_drift_schemas::tusk::drift::core::v1::GetMockRequest as prost::Message>::decode(
                bytes.as_slice(),
            )
            .with_context(broken)?;
        if let Ok(request) = MockRequest::from_message(&message) {
            let is_meant = request.test_id.as_deref() == Some(trace_id)
                && request.span.span_id.starts_with(span_id);
            if is_meant {
                found.push(request);
            }
        }
        line.clear();
    }
    Ok(found)
}
