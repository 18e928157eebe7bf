//! Protobuf bytes, written directly from documents and read back.
//!
//! The messages are those of the contract crate `tusk-drift-schemas` and of
//! `google/protobuf/struct.proto`.

pub(crate) mod check;
#[cfg(test)]
mod contract_test;
pub(crate) mod depth;
pub(crate) mod export;
pub(crate) mod fields;
pub(crate) mod read;
pub(crate) mod reverse;
pub(crate) mod span;
pub(crate) mod struct_value;
pub(crate) mod wire;

pub use reverse::EncodedBytes;
