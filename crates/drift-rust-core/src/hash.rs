//! Digests of canonical bytes, as lower-case hex.

use sha2::{Digest as _, Sha256};

/// The digest of a hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HashAlgorithm {
    /// SHA-256 (FIPS 180-4): what spans carry.
    #[default]
    Sha256,
    /// BLAKE3 with 256 bits of output.
    Blake3,
}

impl HashAlgorithm {
    /// The algorithm of a name, `sha256` or `blake3`.
    pub fn from_name(name: &str) -> Option<HashAlgorithm> {
        match name {
            "sha256" => Some(HashAlgorithm::Sha256),
            "blake3" => Some(HashAlgorithm::Blake3),
            _ => None,
        }
    }

    /// The digest of bytes, 64 characters of lower-case hex.
    ///
    /// ```
    /// use drift_rust_core::HashAlgorithm;
    /// assert!(HashAlgorithm::Sha256.hex(b"{}").starts_with("44136fa355b3678a"));
    /// ```
    pub fn hex(self, bytes: &[u8]) -> String {
        match self {
            HashAlgorithm::Sha256 => hex(&Sha256::digest(bytes)),
            HashAlgorithm::Blake3 => hex(blake3::hash(bytes).as_bytes()),
        }
    }
}

fn hex(digest: &[u8]) -> String {
    let nibble = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    digest
        .iter()
        .flat_map(|byte| [nibble(byte >> 4), nibble(byte & 0xF)])
        .collect()
}
