//! What the published program has for its cloud service and this one has not:
//! a command line that is moved over is told so, and not only that an option is
//! unknown.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Options of the published `run` and `list` that name something in its cloud.
const OPTIONS: [&str; 10] = [
    "-a",
    "-c",
    "--branch",
    "--ci",
    "--cloud",
    "--commit-sha",
    "--pr-number",
    "--trace-test-id",
    "--validate-suite",
    "--validate-suite-if-default-branch",
];

/// Commands of the published program that ask its cloud.
const COMMANDS: [&str; 1] = ["query"];

/// What to do instead, where the command line asked for the cloud.
pub(crate) fn next_step(error: &clap::Error) -> Option<String> {
    let (kind, known, next): (_, &[&str], _) = match error.kind() {
        ErrorKind::UnknownArgument => (ContextKind::InvalidArg, &OPTIONS, "leave it out"),
        ErrorKind::InvalidSubcommand => {
            let next = "`drift traces` shows what is recorded";
            (ContextKind::InvalidSubcommand, &COMMANDS, next)
        }
        _ => return None,
    };
    let Some(ContextValue::String(asked)) = error.get(kind) else {
        return None;
    };
    let name = asked.split('=').next().unwrap_or(asked);
    known.contains(&name).then(|| {
        format!(
            "{name} belongs to the Tusk cloud, which this program does not use: it works on \
             what is recorded in files; {next}"
        )
    })
}
