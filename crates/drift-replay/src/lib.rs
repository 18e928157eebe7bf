#![doc = include_str!("../README.md")]

pub mod coverage;
#[cfg(unix)]
pub mod drive;
mod encoding;
pub mod filter;
pub mod forms;
pub mod guard;
mod index;
pub mod load;
pub mod matcher;
pub mod protocol;
pub mod request;
#[cfg(unix)]
pub mod server;
#[cfg(unix)]
pub mod service;
pub mod similarity;
pub mod span;

pub use guard::{Guard, GuardKey, Mismatch, MismatchPart};
pub use load::{LoadError, LoadOptions, LoadProgress, Problem, Recording, SpanIndex, Trace};
pub use matcher::{Answer, Explanation, Found, MatchOptions, Matcher, Owner};
pub use request::{MockRequest, RequestError};
pub use span::{Span, SpanKind};
