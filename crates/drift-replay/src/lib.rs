#![doc = include_str!("../README.md")]

pub mod filter;
pub mod forms;
pub mod load;
pub mod span;

pub use load::{LoadError, LoadOptions, LoadProgress, Problem, Recording, SpanIndex, Trace};
pub use span::{Span, SpanKind};
