//! What the benches of the core share: the documents of a payload, and the
//! limit, which is the least work that a call's results take on this machine.

mod corpus;
mod limit;

pub use corpus::{Corpus, Entry};
pub use limit::{Call, Part, spend};
