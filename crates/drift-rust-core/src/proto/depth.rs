//! How deep the messages of an encoded span are nested, as a receiver counts.

use crate::proto::fields::{json_schema, span, structure};
use crate::proto::wire::{Content, Fields, Slice};

#[derive(Clone, Copy)]
enum Message {
    Span,
    Struct,
    StructEntry,
    Value,
    ListValue,
    Schema,
    SchemaEntry,
    /// Holds no further message (`SpanStatus`, `Timestamp`, `Duration`).
    Leaf,
}

fn nested(message: Message, field: u32) -> Option<Message> {
    match (message, field) {
        (Message::Span, span::INPUT_VALUE | span::OUTPUT_VALUE | span::METADATA)
        | (Message::Value, structure::STRUCT_VALUE) => Some(Message::Struct),
        (Message::Span, span::INPUT_SCHEMA | span::OUTPUT_SCHEMA)
        | (Message::Schema, json_schema::ITEMS)
        | (Message::SchemaEntry, structure::ENTRY_VALUE) => Some(Message::Schema),
        (Message::Span, span::STATUS | span::TIMESTAMP | span::DURATION) => Some(Message::Leaf),
        (Message::Struct, structure::FIELDS) => Some(Message::StructEntry),
        (Message::StructEntry, structure::ENTRY_VALUE)
        | (Message::ListValue, structure::LIST_VALUES) => Some(Message::Value),
        (Message::Value, structure::LIST_VALUE) => Some(Message::ListValue),
        (Message::Schema, json_schema::PROPERTIES) => Some(Message::SchemaEntry),
        _ => None,
    }
}

/// The depth of the deepest message below an export request that holds this
/// span; the span itself is 1. What is malformed inside is not counted.
pub(crate) fn span_message_depth(bytes: &[u8]) -> usize {
    let mut deepest = 1;
    let mut waiting = vec![(Message::Span, 1, Slice { bytes, offset: 0 })];
    while let Some((message, depth, slice)) = waiting.pop() {
        deepest = deepest.max(depth);
        for field in Fields::of(slice).map_while(Result::ok) {
            if let (Content::Length(inner), Some(kind)) =
                (field.content, nested(message, field.number))
            {
                waiting.push((kind, depth + 1, inner));
            }
        }
    }
    deepest
}
