#![doc = include_str!("../README.md")]

mod encoding;
pub mod filter;
pub mod forms;
pub mod guard;
mod index;
pub mod load;
pub mod matcher;
pub mod request;
pub mod similarity;
pub mod span;

pub use guard::{Guard, GuardKey, Mismatch, MismatchPart};
pub use load::{LoadError, LoadOptions, LoadProgress, Problem, Recording, SpanIndex, Trace};
pub use matcher::{Answer, Explanation, Found, MatchOptions, Matcher, Owner};
pub use request::{MockRequest, RequestError};
pub use span::{Span, SpanKind};
