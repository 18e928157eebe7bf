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

/// Bytes as lower-case hex.
pub(crate) fn hex(digest: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| {
        let [digit, ..] = DIGITS.get(usize::from(value)..).unwrap_or_default() else {
            return '0';
        };
        char::from(*digit)
    };
    let mut text = String::with_capacity(2 * digest.len());
    for byte in digest {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 0xF));
    }
    text
}
