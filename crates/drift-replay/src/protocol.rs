//! Frames and versions of the protocol between the SDKs and the engine: a
//! length of four bytes (big-endian) and so many bytes of protobuf, both ways.
//!
//! Nothing here reads or writes a socket; [`FrameDecoder`] takes what was read,
//! in whatever pieces it came.

use std::fmt;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint};
use tusk_drift_schemas::tusk::drift::core::v1 as contract;

use crate::wording::count;

/// The longest message that is read, in bytes: 10 MiB, as the published program.
pub const MAX_FRAME_BYTES: u32 = 10 * 1024 * 1024;

/// How much of a message that is too long is kept, to answer it.
const HEAD_BYTES: usize = 1024;

/// The length before each message.
const PREFIX_BYTES: usize = 4;

/// What [`FrameDecoder::next_frame`] found.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// A whole message.
    Frame(Bytes),
    /// A message longer than the limit. It is passed over, and never held.
    Oversize {
        /// What its prefix said, in bytes.
        length_bytes: u32,
        /// Who to answer, when its first kibibyte says so.
        envelope: Option<Envelope>,
    },
}

/// The beginning of a message: enough to answer it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// `MessageType` of the contract, as a number.
    pub message_type: i32,
    /// What an answer has to carry.
    pub request_id: String,
}

/// Cuts what was read into messages.
///
/// It holds at most one message of the limit and what was read with it; of a
/// longer one, one kibibyte.
#[derive(Debug)]
pub struct FrameDecoder {
    buffer: BytesMut,
    limit_bytes: u32,
    /// What is still to pass over of a message that is too long.
    skip_bytes: u64,
    /// Its head, until that is reported, and its length.
    head: Option<(Vec<u8>, u32)>,
}

impl Default for FrameDecoder {
    fn default() -> Self {
        FrameDecoder::new(MAX_FRAME_BYTES)
    }
}

impl FrameDecoder {
    /// A decoder for messages of up to `limit_bytes`.
    pub fn new(limit_bytes: u32) -> Self {
        FrameDecoder {
            buffer: BytesMut::new(),
            limit_bytes,
            skip_bytes: 0,
            head: None,
        }
    }

    /// Takes what was read.
    pub fn push(&mut self, mut read: &[u8]) {
        if self.skip_bytes > 0 {
            read = self.pass_over(read);
        }
        self.buffer.extend_from_slice(read);
    }

    /// The next message that is there whole, or the head of one that is too
    /// long; `None` until more is pushed.
    pub fn next_frame(&mut self) -> Option<Incoming> {
        loop {
            if let Some(found) = self.reported_head() {
                return Some(found);
            }
            if self.skip_bytes > 0 {
                return None;
            }
            let prefix = self.buffer.first_chunk::<PREFIX_BYTES>()?;
            let length_bytes = u32::from_be_bytes(*prefix);
            if length_bytes > self.limit_bytes {
                self.buffer.advance(PREFIX_BYTES);
                self.skip_bytes = u64::from(length_bytes);
                self.head = Some((Vec::new(), length_bytes));
                let held = self.buffer.split();
                let rest = self.pass_over(&held).len();
                let begin = held.len().saturating_sub(rest);
                self.buffer
                    .extend_from_slice(held.get(begin..).unwrap_or_default());
                continue;
            }
            let length = usize::try_from(length_bytes).unwrap_or(usize::MAX);
            if self.buffer.len() - PREFIX_BYTES < length {
                // Room for the rest at once, but no more than doubles what has come: a
                // prefix alone must not reserve ten mebibytes.
                let missing = length + PREFIX_BYTES - self.buffer.len();
                self.buffer
                    .reserve(missing.min(self.buffer.len().max(4096)));
                return None;
            }
            self.buffer.advance(PREFIX_BYTES);
            return Some(Incoming::Frame(self.buffer.split_to(length).freeze()));
        }
    }

    /// Whether a message has begun and is not complete.
    pub fn is_inside_a_frame(&self) -> bool {
        self.skip_bytes > 0 || self.head.is_some() || !self.buffer.is_empty()
    }

    fn reported_head(&mut self) -> Option<Incoming> {
        let (head, length_bytes) = self.head.as_ref()?;
        if self.skip_bytes > 0 && head.len() < HEAD_BYTES {
            return None;
        }
        let found = Incoming::Oversize {
            length_bytes: *length_bytes,
            envelope: Envelope::of_head(head),
        };
        self.head = None;
        Some(found)
    }

    /// What remains of `read` after the message that is passed over.
    fn pass_over<'a>(&mut self, read: &'a [u8]) -> &'a [u8] {
        let skip = usize::try_from(self.skip_bytes).unwrap_or(usize::MAX);
        let (skipped, rest) = read.split_at_checked(skip).unwrap_or((read, &[]));
        self.skip_bytes -= u64::try_from(skipped.len()).unwrap_or(u64::MAX);
        if let Some((head, _)) = &mut self.head {
            let room = HEAD_BYTES - head.len();
            head.extend_from_slice(skipped.get(..room).unwrap_or(skipped));
        }
        rest
    }
}

impl Envelope {
    /// Reads type and request id from the beginning of an `SDKMessage`; `None`
    /// when either does not stand before its payload.
    pub fn of_head(mut head: &[u8]) -> Option<Envelope> {
        let mut message_type = None;
        let mut request_id = None;
        while let (None, _) | (_, None) = (&message_type, &request_id) {
            let (tag, wire_type) = prost::encoding::decode_key(&mut head).ok()?;
            match (tag, wire_type) {
                (1, prost::encoding::WireType::Varint) => {
                    let number = prost::encoding::decode_varint(&mut head).ok()?;
                    message_type = Some(i32::try_from(number).ok()?);
                }
                (2, prost::encoding::WireType::LengthDelimited) => {
                    let length = prost::encoding::decode_varint(&mut head).ok()?;
                    let text = head.get(..usize::try_from(length).ok()?)?;
                    request_id = Some(std::str::from_utf8(text).ok()?.to_owned());
                    head.advance(text.len());
                }
                _ => return None,
            }
        }
        Some(Envelope {
            message_type: message_type?,
            request_id: request_id?,
        })
    }
}

/// Appends `message` as one frame.
pub fn encode_frame(message: &impl Message, out: &mut BytesMut) {
    let length = message.encoded_len();
    out.reserve(PREFIX_BYTES + length);
    put_length(length, out);
    message.encode_raw(out);
}

/// Appends a mock response as one frame. `response_data` is the message's own
/// member of that name, a `google.protobuf.Struct`, encoded already; the message
/// has none then. It is copied once, and not decoded.
pub fn encode_mock_response(
    request_id: String,
    response: &contract::GetMockResponse,
    response_data: Option<&[u8]>,
    out: &mut BytesMut,
) {
    /// Field numbers of `GetMockResponse.response_data` and `CLIMessage.get_mock_response`.
    const RESPONSE_DATA: u32 = 3;
    const GET_MOCK_RESPONSE: u32 = 4;
    let field_len = |number, length: usize| {
        prost::encoding::key_len(number) + encoded_len_varint(length as u64) + length
    };
    let message = contract::CliMessage {
        r#type: contract::MessageType::MockRequest.into(),
        request_id,
        payload: None,
    };
    let data_len = response_data.map_or(0, |data| field_len(RESPONSE_DATA, data.len()));
    let response_len = response.encoded_len() + data_len;
    let length = message.encoded_len() + field_len(GET_MOCK_RESPONSE, response_len);
    out.reserve(PREFIX_BYTES + length);
    put_length(length, out);
    message.encode_raw(out);
    encode_key(GET_MOCK_RESPONSE, WireType::LengthDelimited, out);
    encode_varint(response_len as u64, out);
    response.encode_raw(out);
    if let Some(data) = response_data {
        encode_key(RESPONSE_DATA, WireType::LengthDelimited, out);
        encode_varint(data.len() as u64, out);
        out.put_slice(data);
    }
}

fn put_length(length: usize, out: &mut BytesMut) {
    // A message beyond four gibibytes cannot be built: its parts would not fit in memory before.
    out.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
}

/// What [`read_sdk_message`] could not use.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum FrameError {
    /// The bytes are no `SDKMessage`. The SDK's fault, or a version of the
    /// protocol that we do not know; the connection goes on.
    #[error("the message of {} is not an SDKMessage of the protocol: {reason}", count(*.length_bytes, "byte"))]
    Malformed {
        /// How long it was.
        length_bytes: usize,
        /// What the decoder said.
        reason: String,
        /// Who to answer, when its beginning says so.
        envelope: Option<Envelope>,
    },
}

impl FrameError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            FrameError::Malformed { .. } => "malformed_frame",
        }
    }
}

/// Reads one message of an SDK.
///
/// # Errors
/// [`FrameError::Malformed`] for what is not protobuf of that form.
pub fn read_sdk_message(frame: Bytes) -> Result<contract::SdkMessage, FrameError> {
    contract::SdkMessage::decode(frame.clone()).map_err(|error| FrameError::Malformed {
        length_bytes: frame.len(),
        reason: cut(error.to_string()),
        envelope: Envelope::of_head(&frame),
    })
}

/// A decoder names every level above a fault: of a deep message, thousands of words.
fn cut(mut reason: String) -> String {
    const MOST: usize = 200;
    if let Some(start) = reason.len().checked_sub(MOST) {
        let start = reason.ceil_char_boundary(start);
        reason.replace_range(..start, "…");
    }
    reason
}

/// A version as the handshake compares it: three numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u64, pub u64, pub u64);

impl Version {
    /// Reads `1.2.3`, `v1.2.3`, `1.2.3-rc.1` (the part after the numbers does not
    /// count) and `dev`, which is newer than all. `None` for anything else.
    pub fn parse(text: &str) -> Option<Version> {
        let text = text.trim();
        let text = text.strip_prefix('v').unwrap_or(text);
        if text == "dev" {
            return Some(Version(999, 999, 999));
        }
        let mut parts = text.splitn(3, '.');
        let major = parts.next()?.parse().ok()?;
        let minor = parts.next()?.parse().ok()?;
        let last = parts.next()?;
        let end = last
            .find(|letter: char| !letter.is_ascii_digit())
            .unwrap_or(last.len());
        let patch = last.get(..end)?.parse().ok()?;
        Some(Version(major, minor, patch))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// Why a handshake was refused. The SDK's version has to change, or ours.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum VersionMismatch {
    /// The SDK asks for a newer engine.
    #[error("the SDK asks for drift {wanted} or newer, and this is {own}; update drift")]
    EngineTooOld {
        /// Its `min_cli_version`.
        wanted: String,
        /// Our own.
        own: String,
    },
    /// The SDK is older than what this engine serves.
    #[error("the SDK is {sdk}, and drift serves {minimum} or newer; update the SDK")]
    SdkTooOld {
        /// Its `sdk_version`.
        sdk: String,
        /// The oldest one served.
        minimum: String,
    },
}

impl VersionMismatch {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            VersionMismatch::EngineTooOld { .. } => "engine_too_old",
            VersionMismatch::SdkTooOld { .. } => "sdk_too_old",
        }
    }
}

/// Compares both versions of a handshake. An empty one is not checked; one
/// that cannot be read does not pass.
///
/// # Errors
/// A [`VersionMismatch`] with both versions.
pub fn check_versions(
    request: &contract::ConnectRequest,
    own: &str,
    minimum_sdk: &str,
) -> Result<(), VersionMismatch> {
    if is_older(own, &request.min_cli_version) {
        return Err(VersionMismatch::EngineTooOld {
            wanted: request.min_cli_version.clone(),
            own: own.to_owned(),
        });
    }
    if !request.sdk_version.is_empty() && is_older(&request.sdk_version, minimum_sdk) {
        return Err(VersionMismatch::SdkTooOld {
            sdk: request.sdk_version.clone(),
            minimum: minimum_sdk.to_owned(),
        });
    }
    Ok(())
}

/// Whether `version` is not known to be `wanted` or newer.
pub(crate) fn is_older(version: &str, wanted: &str) -> bool {
    if wanted.is_empty() {
        return false;
    }
    match (Version::parse(version), Version::parse(wanted)) {
        (Some(version), Some(wanted)) => version < wanted,
        _ => true,
    }
}

#[cfg(test)]
#[path = "protocol/tests.rs"]
mod tests;
