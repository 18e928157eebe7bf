//! The errors of every family of operations, and their stable codes.
//!
//! The enums are exhaustive on purpose: a language binding maps
//! [`ErrorCode`] in a match without a wildcard, so a new code does not compile
//! until every language has decided what it becomes.

use std::fmt;

/// The stable code of an error; the same string in Rust, Python and Node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The text is not JSON (RFC 8259). The caller's data is at fault.
    InvalidJson,
    /// The bytes are not UTF-8. The caller's data is at fault.
    InvalidUtf8,
    /// More nested arrays and objects than the limit. The caller's data is at fault.
    DepthExceeded,
    /// A number whose nearest double is infinite. The caller's data is at fault.
    NumberOutOfRange,
    /// A key stands twice in one object (profile `rfc8785` only).
    DuplicateKey,
    /// An unpaired surrogate (profile `rfc8785` only).
    LoneSurrogate,
    /// A native value that JSON has no form for.
    UnsupportedType,
    /// A native mapping has a key that is not a string.
    InvalidKey,
    /// A native container contains itself.
    Cycle,
    /// The schema merges are malformed.
    InvalidMerges,
    /// An enum number outside the contract's range.
    InvalidEnum,
    /// An argument of the call is out of its range or of the wrong kind.
    InvalidArgument,
    /// Bytes that are not the protobuf message they should be.
    InvalidProtobuf,
    /// An invariant of this library is broken: a bug of ours, please report it.
    Internal,
}

impl ErrorCode {
    /// Every code, in the order of the contract.
    pub const ALL: [ErrorCode; 14] = [
        ErrorCode::InvalidJson,
        ErrorCode::InvalidUtf8,
        ErrorCode::DepthExceeded,
        ErrorCode::NumberOutOfRange,
        ErrorCode::DuplicateKey,
        ErrorCode::LoneSurrogate,
        ErrorCode::UnsupportedType,
        ErrorCode::InvalidKey,
        ErrorCode::Cycle,
        ErrorCode::InvalidMerges,
        ErrorCode::InvalidEnum,
        ErrorCode::InvalidArgument,
        ErrorCode::InvalidProtobuf,
        ErrorCode::Internal,
    ];

    /// The code as the permanent string that users match on.
    ///
    /// ```
    /// assert_eq!(drift_rust_core::ErrorCode::InvalidJson.as_str(), "invalid_json");
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            ErrorCode::InvalidJson => "invalid_json",
            ErrorCode::InvalidUtf8 => "invalid_utf8",
            ErrorCode::DepthExceeded => "depth_exceeded",
            ErrorCode::NumberOutOfRange => "number_out_of_range",
            ErrorCode::DuplicateKey => "duplicate_key",
            ErrorCode::LoneSurrogate => "lone_surrogate",
            ErrorCode::UnsupportedType => "unsupported_type",
            ErrorCode::InvalidKey => "invalid_key",
            ErrorCode::Cycle => "cycle",
            ErrorCode::InvalidMerges => "invalid_merges",
            ErrorCode::InvalidEnum => "invalid_enum",
            ErrorCode::InvalidArgument => "invalid_argument",
            ErrorCode::InvalidProtobuf => "invalid_protobuf",
            ErrorCode::Internal => "internal",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What every error of this crate can say about itself.
pub trait Fault: std::error::Error {
    /// The stable code.
    fn code(&self) -> ErrorCode;
    /// The path of the value at fault (`$.rows[3].when`), for native values,
    /// merges and span fields.
    fn path(&self) -> Option<String>;
    /// The offset of the fault in UTF-8 bytes, for text and protobuf bytes.
    fn offset(&self) -> Option<usize>;
    /// The index of the span at fault, for export requests and batches.
    fn index(&self) -> Option<usize> {
        None
    }
}

macro_rules! inherent_fault {
    ($($name:ident),+) => {$(
        impl $name {
            /// The stable code; see [`ErrorCode`].
            pub fn code(&self) -> ErrorCode {
                Fault::code(self)
            }
            /// The path of the value at fault, if the fault has one.
            pub fn path(&self) -> Option<String> {
                Fault::path(self)
            }
            /// The offset of the fault in UTF-8 bytes, if the fault has one.
            pub fn offset(&self) -> Option<usize> {
                Fault::offset(self)
            }
        }
    )+};
}

/// Why a JSON text was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON. `offset` is the first byte at which no continuation could
    /// make a valid document; at a premature end it is the text's length.
    #[error("invalid json at byte {offset}: expected {expected}")]
    InvalidJson {
        /// Bytes of the text before the fault.
        offset: usize,
        /// What would have been valid there.
        expected: &'static str,
    },
    /// Not UTF-8 (an encoded surrogate is not UTF-8 either).
    #[error("text is not utf-8 at byte {offset}; encode it as utf-8 without surrogates")]
    InvalidUtf8 {
        /// Length of the longest valid prefix.
        offset: usize,
    },
    /// Too many nested arrays and objects.
    #[error("nesting at byte {offset} exceeds the limit of {limit} levels; flatten the value")]
    DepthExceeded {
        /// Where the bracket of the surplus level stands.
        offset: usize,
        /// The limit that was broken.
        limit: usize,
    },
    /// The nearest double of the number is infinite.
    #[error("number at byte {offset} is beyond the range of a double; send it as a string")]
    NumberOutOfRange {
        /// Where the number's token starts.
        offset: usize,
    },
    /// A key stands twice in an object; only the profile `rfc8785` refuses that.
    #[error("repeated key at byte {offset}; rfc 8785 allows each key once in an object")]
    DuplicateKey {
        /// The opening quote of the first repeated occurrence.
        offset: usize,
    },
    /// An unpaired surrogate; only the profile `rfc8785` refuses that.
    #[error("unpaired surrogate at byte {offset}; rfc 8785 allows only whole characters")]
    LoneSurrogate {
        /// Where the escape, or the replaced surrogate, starts.
        offset: usize,
    },
}

impl Fault for JsonError {
    fn code(&self) -> ErrorCode {
        match self {
            JsonError::InvalidJson { .. } => ErrorCode::InvalidJson,
            JsonError::InvalidUtf8 { .. } => ErrorCode::InvalidUtf8,
            JsonError::DepthExceeded { .. } => ErrorCode::DepthExceeded,
            JsonError::NumberOutOfRange { .. } => ErrorCode::NumberOutOfRange,
            JsonError::DuplicateKey { .. } => ErrorCode::DuplicateKey,
            JsonError::LoneSurrogate { .. } => ErrorCode::LoneSurrogate,
        }
    }
    fn path(&self) -> Option<String> {
        None
    }
    fn offset(&self) -> Option<usize> {
        match self {
            JsonError::InvalidJson { offset, .. }
            | JsonError::InvalidUtf8 { offset }
            | JsonError::DepthExceeded { offset, .. }
            | JsonError::NumberOutOfRange { offset }
            | JsonError::DuplicateKey { offset }
            | JsonError::LoneSurrogate { offset } => Some(*offset),
        }
    }
}

/// Why a native value could not become a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// Too many nested arrays and objects.
    #[error("{path}: nesting exceeds the limit of {limit} levels; flatten the value")]
    DepthExceeded {
        /// The path of the container that is one level too deep.
        path: String,
        /// The limit that was broken.
        limit: usize,
    },
    /// A type that JSON has no form for.
    #[error(
        "{path}: a value of type {type_name} has no JSON form; convert it to str, int, float, bool, None, dict or list"
    )]
    UnsupportedType {
        /// The path of the value.
        path: String,
        /// The host language's name of its type.
        type_name: String,
    },
    /// A mapping key that is not a string.
    #[error("{path}: keys must be strings, not {type_name}; convert the key to a string")]
    InvalidKey {
        /// The path of the mapping.
        path: String,
        /// The host language's name of the key's type.
        type_name: String,
    },
    /// A container inside itself.
    #[error("{path}: the {type_name} contains itself; break the cycle")]
    Cycle {
        /// The path at which the container occurs again.
        path: String,
        /// The host language's name of its type.
        type_name: String,
    },
    /// The nearest double of an integer is infinite (profile `rfc8785` only).
    #[error("{path}: number is beyond the range of a double; send it as a string")]
    NumberOutOfRange {
        /// The path of the number.
        path: String,
    },
    /// A key stands twice (profile `rfc8785` only).
    #[error("{path}: repeated key; rfc 8785 allows each key once in an object")]
    DuplicateKey {
        /// The path of the object.
        path: String,
    },
    /// The calls on the builder were not balanced: a bug of the caller.
    #[error("{path}: document builder: {reason}")]
    Internal {
        /// Where the builder stood.
        path: String,
        /// The rule that the calls broke.
        reason: &'static str,
    },
}

impl Fault for BuildError {
    fn code(&self) -> ErrorCode {
        match self {
            BuildError::DepthExceeded { .. } => ErrorCode::DepthExceeded,
            BuildError::UnsupportedType { .. } => ErrorCode::UnsupportedType,
            BuildError::InvalidKey { .. } => ErrorCode::InvalidKey,
            BuildError::Cycle { .. } => ErrorCode::Cycle,
            BuildError::NumberOutOfRange { .. } => ErrorCode::NumberOutOfRange,
            BuildError::DuplicateKey { .. } => ErrorCode::DuplicateKey,
            BuildError::Internal { .. } => ErrorCode::Internal,
        }
    }
    fn path(&self) -> Option<String> {
        match self {
            BuildError::DepthExceeded { path, .. }
            | BuildError::UnsupportedType { path, .. }
            | BuildError::InvalidKey { path, .. }
            | BuildError::Cycle { path, .. }
            | BuildError::NumberOutOfRange { path }
            | BuildError::DuplicateKey { path }
            | BuildError::Internal { path, .. } => Some(path.clone()),
        }
    }
    fn offset(&self) -> Option<usize> {
        None
    }
}

/// Why schema merges were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergesError {
    /// The merges are not an object of `{encoding, decoded_type, match_importance}`.
    #[error("schema merges at {path}: {reason}")]
    InvalidMerges {
        /// The path of the part at fault, `$` for the whole.
        path: String,
        /// What is wrong and what would be right.
        reason: String,
        /// Where the text is not JSON, if that is the fault.
        offset: Option<usize>,
    },
}

impl Fault for MergesError {
    fn code(&self) -> ErrorCode {
        match self {
            MergesError::InvalidMerges { .. } => ErrorCode::InvalidMerges,
        }
    }
    fn path(&self) -> Option<String> {
        match self {
            MergesError::InvalidMerges { path, .. } => Some(path.clone()),
        }
    }
    fn offset(&self) -> Option<usize> {
        match self {
            MergesError::InvalidMerges { offset, .. } => *offset,
        }
    }
}

/// Why a payload could not be processed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// The payload's text is at fault.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The native payload is at fault.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The merges are at fault.
    #[error(transparent)]
    Merges(#[from] MergesError),
}

impl PayloadError {
    fn inner(&self) -> &dyn Fault {
        match self {
            PayloadError::Json(error) => error,
            PayloadError::Build(error) => error,
            PayloadError::Merges(error) => error,
        }
    }
}

impl Fault for PayloadError {
    fn code(&self) -> ErrorCode {
        self.inner().code()
    }
    fn path(&self) -> Option<String> {
        self.inner().path()
    }
    fn offset(&self) -> Option<usize> {
        self.inner().offset()
    }
}

/// Why protobuf bytes were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtobufError {
    /// The bytes are not the message they should be.
    #[error("invalid protobuf at byte {offset}: {reason}")]
    InvalidProtobuf {
        /// Bytes before the fault.
        offset: usize,
        /// What is wrong there.
        reason: &'static str,
    },
    /// Deeper than anything this library writes.
    #[error("invalid protobuf: messages nested beyond the limit of {limit} levels")]
    DepthExceeded {
        /// The limit that was broken, in levels of the value or schema.
        limit: usize,
    },
}

impl Fault for ProtobufError {
    fn code(&self) -> ErrorCode {
        match self {
            ProtobufError::InvalidProtobuf { .. } => ErrorCode::InvalidProtobuf,
            ProtobufError::DepthExceeded { .. } => ErrorCode::DepthExceeded,
        }
    }
    fn path(&self) -> Option<String> {
        None
    }
    fn offset(&self) -> Option<usize> {
        match self {
            ProtobufError::InvalidProtobuf { offset, .. } => Some(*offset),
            ProtobufError::DepthExceeded { .. } => None,
        }
    }
}

/// Why a span could not be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpanError {
    /// The JSON text of a member is at fault.
    #[error("span field {field}: {source}")]
    Json {
        /// The member, by its published (snake case) name.
        field: &'static str,
        /// What is wrong with it.
        source: JsonError,
    },
    /// The native value of a member is at fault.
    #[error("span field {field}: {source}")]
    Build {
        /// The member, by its published (snake case) name.
        field: &'static str,
        /// What is wrong with it.
        source: BuildError,
    },
    /// The merges of a payload are at fault.
    #[error("span field {field}: {source}")]
    Merges {
        /// The member, by its published (snake case) name.
        field: &'static str,
        /// What is wrong with it.
        source: MergesError,
    },
    /// Struct bytes that are not a message.
    #[error("span field {field}: {source}")]
    Protobuf {
        /// The member, by its published (snake case) name.
        field: &'static str,
        /// What is wrong with it.
        source: ProtobufError,
    },
    /// An enum number outside the contract.
    #[error("span field {field}: {value} is not a value of the enum; use {range}")]
    InvalidEnum {
        /// The member, by its published (snake case) name.
        field: &'static str,
        /// The number given.
        value: i64,
        /// The numbers allowed.
        range: &'static str,
    },
    /// A member of the wrong type, or one that does not exist.
    #[error("span field {field}: {reason}")]
    InvalidArgument {
        /// The member, by its published (snake case) name.
        field: String,
        /// What is wrong and what would be right.
        reason: String,
    },
}

impl SpanError {
    fn nested(&self) -> Option<&dyn Fault> {
        match self {
            SpanError::Json { source, .. } => Some(source),
            SpanError::Build { source, .. } => Some(source),
            SpanError::Merges { source, .. } => Some(source),
            SpanError::Protobuf { source, .. } => Some(source),
            SpanError::InvalidEnum { .. } | SpanError::InvalidArgument { .. } => None,
        }
    }
    fn field(&self) -> &str {
        match self {
            SpanError::Json { field, .. }
            | SpanError::Build { field, .. }
            | SpanError::Merges { field, .. }
            | SpanError::Protobuf { field, .. }
            | SpanError::InvalidEnum { field, .. } => field,
            SpanError::InvalidArgument { field, .. } => field,
        }
    }
}

impl Fault for SpanError {
    fn code(&self) -> ErrorCode {
        match self {
            SpanError::Json { source, .. } => source.code(),
            SpanError::Build { source, .. } => source.code(),
            SpanError::Merges { source, .. } => source.code(),
            SpanError::Protobuf { source, .. } => source.code(),
            SpanError::InvalidEnum { .. } => ErrorCode::InvalidEnum,
            SpanError::InvalidArgument { .. } => ErrorCode::InvalidArgument,
        }
    }
    /// `$.input_value.rows[3]`: the member, then the path inside it.
    fn path(&self) -> Option<String> {
        let mut path = String::from("$");
        crate::path::push_member(&mut path, self.field());
        if let Some(inner) = self.nested().and_then(Fault::path) {
            path.push_str(inner.strip_prefix('$').unwrap_or(&inner));
        }
        Some(path)
    }
    fn offset(&self) -> Option<usize> {
        self.nested().and_then(Fault::offset)
    }
}

/// Why an export request or a batch failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// Span bytes that are not a span.
    #[error("span {index}: {source}")]
    Protobuf {
        /// The span's place in the list, from 0.
        index: usize,
        /// What is wrong with it.
        source: ProtobufError,
    },
    /// A span that could not be built.
    #[error("span {index}: {source}")]
    Span {
        /// The span's place in the list, from 0.
        index: usize,
        /// What is wrong with it.
        source: SpanError,
    },
    /// A span nested deeper than the caller's `max_message_depth`.
    #[error(
        "span {index}: {message_depth} nested messages exceed max_message_depth {limit}; \
         many receivers refuse a whole request beyond 100"
    )]
    MessageDepth {
        /// The span's place in the list, from 0.
        index: usize,
        /// Nested messages below the export request.
        message_depth: usize,
        /// The caller's limit.
        limit: usize,
    },
}

impl Fault for ExportError {
    fn code(&self) -> ErrorCode {
        match self {
            ExportError::Protobuf { source, .. } => source.code(),
            ExportError::Span { source, .. } => source.code(),
            ExportError::MessageDepth { .. } => ErrorCode::DepthExceeded,
        }
    }
    fn path(&self) -> Option<String> {
        match self {
            ExportError::Span { source, .. } => source.path(),
            ExportError::Protobuf { .. } | ExportError::MessageDepth { .. } => None,
        }
    }
    fn offset(&self) -> Option<usize> {
        match self {
            ExportError::Protobuf { source, .. } => source.offset(),
            ExportError::Span { source, .. } => source.offset(),
            ExportError::MessageDepth { .. } => None,
        }
    }
    fn index(&self) -> Option<usize> {
        match self {
            ExportError::Protobuf { index, .. }
            | ExportError::Span { index, .. }
            | ExportError::MessageDepth { index, .. } => Some(*index),
        }
    }
}

/// Why two documents could not be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiffError {
    /// One side is not JSON.
    #[error("{side}: {source}")]
    Json {
        /// Which argument.
        side: Side,
        /// What is wrong with it.
        source: JsonError,
    },
    /// One side is not the protobuf message it should be.
    #[error("{side}: {source}")]
    Protobuf {
        /// Which argument.
        side: Side,
        /// What is wrong with it.
        source: ProtobufError,
    },
}

/// One of the two arguments of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The first argument.
    Left,
    /// The second argument.
    Right,
}

impl fmt::Display for Side {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Side::Left => "left",
            Side::Right => "right",
        })
    }
}

impl Fault for DiffError {
    fn code(&self) -> ErrorCode {
        match self {
            DiffError::Json { source, .. } => source.code(),
            DiffError::Protobuf { source, .. } => source.code(),
        }
    }
    fn path(&self) -> Option<String> {
        None
    }
    fn offset(&self) -> Option<usize> {
        match self {
            DiffError::Json { source, .. } => source.offset(),
            DiffError::Protobuf { source, .. } => source.offset(),
        }
    }
}

impl ExportError {
    /// The index of the span at fault, from 0.
    pub fn index(&self) -> Option<usize> {
        Fault::index(self)
    }
}

inherent_fault!(
    JsonError,
    BuildError,
    MergesError,
    PayloadError,
    ProtobufError,
    SpanError,
    ExportError,
    DiffError
);
