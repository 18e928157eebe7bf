//! The check of encoded spans and Structs: their top-level fields only.

use crate::error::ProtobufError;
use crate::proto::fields::{span, structure};
use crate::proto::wire::{Fields, Slice, WireType};

/// The wire type of a field of `Span`, `None` for an unknown field.
pub(crate) fn span_wire_type(number: u32) -> Option<WireType> {
    match number {
        span::TRACE_ID
        | span::SPAN_ID
        | span::PARENT_SPAN_ID
        | span::NAME
        | span::PACKAGE_NAME
        | span::INSTRUMENTATION_NAME
        | span::SUBMODULE_NAME
        | span::INPUT_VALUE
        | span::OUTPUT_VALUE
        | span::INPUT_SCHEMA
        | span::OUTPUT_SCHEMA
        | span::INPUT_SCHEMA_HASH
        | span::OUTPUT_SCHEMA_HASH
        | span::INPUT_VALUE_HASH
        | span::OUTPUT_VALUE_HASH
        | span::STATUS
        | span::TIMESTAMP
        | span::DURATION
        | span::METADATA
        | span::ENVIRONMENT
        | span::ID => Some(WireType::Length),
        span::PACKAGE_TYPE | span::KIND | span::IS_PRE_APP_START | span::IS_ROOT_SPAN => {
            Some(WireType::Varint)
        }
        _ => None,
    }
}

fn struct_wire_type(number: u32) -> Option<WireType> {
    (number == structure::FIELDS).then_some(WireType::Length)
}

/// Checks the top-level fields of an encoded span.
pub(crate) fn check_span(bytes: &[u8]) -> Result<(), ProtobufError> {
    check(bytes, span_wire_type)
}

/// Checks the top-level fields of an encoded Struct.
pub(crate) fn check_struct(bytes: &[u8]) -> Result<(), ProtobufError> {
    check(bytes, struct_wire_type)
}

fn check(bytes: &[u8], known: impl Fn(u32) -> Option<WireType>) -> Result<(), ProtobufError> {
    for field in Fields::of(Slice { bytes, offset: 0 }) {
        let field = field?;
        if known(field.number).is_some_and(|wire_type| wire_type != field.content.wire_type()) {
            return Err(ProtobufError::InvalidProtobuf {
                offset: field.offset,
                reason: "a known field has another wire type",
            });
        }
    }
    Ok(())
}
