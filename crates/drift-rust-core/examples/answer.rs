//! Answers fixtures line by line, for `tests/parity`: one JSON object with
//! `call` and `args` in, its answer out.

#![allow(
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test tool: a malformed fixture should end it"
)]

#[path = "../tests/support/answer.rs"]
mod support;

use std::io::{BufRead as _, Write as _};

fn main() -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let request: serde_json::Value = serde_json::from_str(&line?)?;
        let call = request["call"].as_str().unwrap_or_default();
        let args = request["args"].as_object().cloned().unwrap_or_default();
        serde_json::to_writer(&mut out, &support::answer(call, &args))?;
        out.write_all(b"\n")?;
        // The other side waits for the answer before it sends more.
        out.flush()?;
    }
    Ok(())
}
