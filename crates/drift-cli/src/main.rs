//! The program `drift`: arguments, progress, printing and exit codes. What it
//! does is in the library crates.

mod args;
mod cloud;
mod commands;
mod describe;
mod files;
mod results;
mod signals;
mod terminal;

use clap::Parser as _;
use std::process::ExitCode;

/// How a run of the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: done; everything is as recorded, or equal.
    Same,
    /// 1: there are deviations, or differences.
    Different,
    /// 128 and its number: stopped by a signal, what was done is printed.
    Signal(u8),
    /// What the recorded command ended with, when it ended by itself.
    Of(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        match exit {
            Exit::Same => ExitCode::SUCCESS,
            Exit::Different => ExitCode::from(1),
            Exit::Signal(number) => ExitCode::from(128 + number),
            Exit::Of(code) => ExitCode::from(code),
        }
    }
}

/// Wrong use, or a set-up that does not work.
const WRONG_USE: u8 = 2;

fn main() -> ExitCode {
    let arguments = match args::Arguments::try_parse_from(args::in_our_order(std::env::args_os())) {
        Ok(arguments) => arguments,
        Err(error) => match cloud::next_step(&error) {
            Some(next_step) => {
                terminal::error(&anyhow::Error::msg(next_step));
                return ExitCode::from(WRONG_USE);
            }
            None => error.exit(),
        },
    };
    match commands::run(arguments) {
        Ok(exit) => exit.into(),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::error(&error);
            ExitCode::from(WRONG_USE)
        }
    }
}

/// Whether whoever read our output has gone, as `head` does: no fault of ours.
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}
