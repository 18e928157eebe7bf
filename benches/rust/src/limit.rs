//! The limit of a call: a SIMD parse of the text, SHA-256 of the canonical
//! value (and of the schema), and one write of each output. Where merges decode
//! a body: its base64 and a parse of it too. A native value is not parsed, and its
//! canonical form is no output, yet written before it is hashed.
//!
//! Nothing is sorted, escaped, inferred or encoded here: the bytes to hash and
//! to write are ready, so no implementation can reach the limit itself.

use crate::corpus::Entry;
use sha2::{Digest, Sha256};
use std::hint::black_box;

/// The calls that have a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Everything.
    ProcessExportPayload,
    /// The same of a native value.
    ProcessExportPayloadPyobject,
    /// Parse, hash of the canonical form, one write of it.
    NormalizeAndHash,
    /// Parse, hash of the canonical form.
    DeterministicHash,
}

impl Call {
    /// The call of a name, in snake case.
    pub fn from_name(name: &str) -> Option<Call> {
        match name {
            "process_export_payload" => Some(Call::ProcessExportPayload),
            "process_export_payload_pyobject" => Some(Call::ProcessExportPayloadPyobject),
            "normalize_and_hash" => Some(Call::NormalizeAndHash),
            "deterministic_hash" => Some(Call::DeterministicHash),
            _ => None,
        }
    }

    fn decodes_a_body(self) -> bool {
        match self {
            Call::ProcessExportPayload | Call::ProcessExportPayloadPyobject => true,
            Call::NormalizeAndHash | Call::DeterministicHash => false,
        }
    }
}

/// A part of the limit, timed by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All parts, one after the other.
    Whole,
    /// The parses, and base64.
    Parse,
    /// The digests.
    Hash,
    /// The outputs.
    Write,
}

/// Does the work of a part of a call's limit once.
pub fn spend(call: Call, part: Part, entry: &Entry) {
    if matches!(part, Part::Whole | Part::Parse) {
        if call != Call::ProcessExportPayloadPyobject {
            parse(entry.text.as_bytes());
        }
        if let (true, Some((encoded, body))) = (call.decodes_a_body(), &entry.body) {
            black_box(base64_simd::STANDARD.decode_to_vec(encoded).is_ok());
            parse(body);
        }
    }
    let processed = &entry.processed;
    if matches!(part, Part::Whole | Part::Hash) {
        match call {
            Call::ProcessExportPayload | Call::ProcessExportPayloadPyobject => {
                hash(processed.decoded_json());
                hash(&processed.decoded_schema_json);
            }
            Call::NormalizeAndHash | Call::DeterministicHash => hash(&entry.canonical),
        }
    }
    if matches!(part, Part::Whole | Part::Write) {
        match call {
            Call::ProcessExportPayload => {
                // A result holds all its outputs at once, so none takes the memory of another.
                let decoded = match processed.decoded_is_normalized() {
                    true => "",
                    false => processed.decoded_json(),
                };
                black_box((
                    write(processed.normalized_json.as_bytes()),
                    write(decoded.as_bytes()),
                    write(processed.decoded_schema_json.as_bytes()),
                    write(&processed.protobuf_struct_bytes),
                ));
            }
            Call::ProcessExportPayloadPyobject => {
                black_box((
                    write(processed.decoded_json().as_bytes()),
                    write(processed.decoded_schema_json.as_bytes()),
                    write(&processed.protobuf_struct_bytes),
                ));
            }
            Call::NormalizeAndHash => {
                black_box(write(entry.canonical.as_bytes()));
            }
            Call::DeterministicHash => {}
        }
    }
}

fn parse(text: &[u8]) {
    black_box(sonic_rs::from_slice::<sonic_rs::Value>(black_box(text)).is_ok());
}

fn hash(text: &str) {
    black_box(Sha256::digest(black_box(text.as_bytes())));
}

/// One output: memory of its own and one copy.
fn write(bytes: &[u8]) -> Vec<u8> {
    black_box(bytes).to_vec()
}
