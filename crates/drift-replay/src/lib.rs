#![doc = include_str!("../README.md")]

pub mod compare;
pub mod config;
pub mod coverage;
#[cfg(unix)]
pub mod drive;
pub mod encoding;
pub mod filter;
pub mod forms;
pub mod guard;
mod index;
pub mod load;
pub mod matcher;
pub mod outbound;
#[cfg(unix)]
pub mod process_group;
pub mod protocol;
#[cfg(unix)]
pub mod record;
pub mod redact;
#[cfg(unix)]
pub mod replay;
pub mod report;
pub mod request;
pub mod rules;
#[cfg(unix)]
pub mod server;
#[cfg(unix)]
pub mod service;
pub mod similarity;
pub mod span;
pub mod spelling;
mod target;
pub mod trace_diff;
mod tree;
pub mod wording;

pub use config::{Config, ConfigError};
pub use guard::{Guard, GuardKey, Mismatch, MismatchPart};
pub use load::{LoadError, LoadOptions, LoadProgress, Problem, Recording, SpanIndex, Trace};
pub use matcher::{Answer, Explanation, Found, MatchOptions, Matcher, Owner};
pub use request::{MockRequest, RequestError};
pub use span::{Span, SpanKind};
