//! The schema of a value: inferred, read from a document, written as JSON.

use crate::document::{Document, Kind, Node};
use crate::merges::SchemaMerge;
use crate::out::Out;
use crate::{Value, number};
use tusk_drift_schemas::tusk::drift::core::v1::JsonSchemaType;

/// The types that inference gives (`JsonSchemaType` in the contract).
const NUMBER: i32 = JsonSchemaType::Number as i32;
const STRING: i32 = JsonSchemaType::String as i32;
const BOOLEAN: i32 = JsonSchemaType::Boolean as i32;
const NULL: i32 = JsonSchemaType::Null as i32;
const OBJECT: i32 = JsonSchemaType::Object as i32;
const ORDERED_LIST: i32 = JsonSchemaType::OrderedList as i32;

/// A schema: inferred from a value, or read from a document.
///
/// ```
/// use drift_rust_core::{Payload, SchemaMerges};
/// let payload = Payload::parse(r#"{"a": [1]}"#, &SchemaMerges::none())?;
/// assert_eq!(
///     payload.schema().to_canonical_json(),
///     r#"{"properties":{"a":{"items":{"properties":{},"type":1},"properties":{},"type":7}},"type":6}"#
/// );
/// # Ok::<(), drift_rust_core::PayloadError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Schema<'d> {
    nodes: Vec<SchemaNode>,
    properties: Vec<(&'d str, usize)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct SchemaNode {
    type_code: i32,
    first_property: usize,
    property_count: usize,
    items: Option<usize>,
    merge: SchemaMerge,
}

/// One node of a [`Schema`], for reading.
#[derive(Clone, Copy, Debug)]
pub struct SchemaRef<'s> {
    schema: &'s Schema<'s>,
    node: SchemaNode,
}

impl<'s> SchemaRef<'s> {
    /// `JsonSchema.type`, 0 when it is absent.
    pub fn type_code(&self) -> i32 {
        self.node.type_code
    }
    /// `JsonSchema.encoding`.
    pub fn encoding(&self) -> Option<i32> {
        self.node.merge.encoding
    }
    /// `JsonSchema.decoded_type`.
    pub fn decoded_type(&self) -> Option<i32> {
        self.node.merge.decoded_type
    }
    /// `JsonSchema.match_importance`.
    pub fn match_importance(&self) -> Option<f64> {
        self.node.merge.match_importance
    }
    /// `JsonSchema.items`.
    pub fn items(&self) -> Option<SchemaRef<'s>> {
        self.node.items.map(|index| self.schema.at(index))
    }
    /// `JsonSchema.properties` in the order of the keys' UTF-8 bytes.
    pub fn properties(
        &self,
    ) -> impl DoubleEndedIterator<Item = (&'s str, SchemaRef<'s>)> + ExactSizeIterator + use<'s>
    {
        let schema = self.schema;
        let first = self.node.first_property;
        schema
            .properties
            .get(first..first + self.node.property_count)
            .unwrap_or_default()
            .iter()
            .map(move |(key, index)| (*key, schema.at(*index)))
    }
}

impl<'d> Schema<'d> {
    /// The outermost node.
    pub fn root(&self) -> SchemaRef<'_> {
        // Children come before their parents, so the root is the last one.
        self.at(self.nodes.len().wrapping_sub(1))
    }

    fn at(&self, index: usize) -> SchemaRef<'_> {
        SchemaRef {
            schema: self,
            node: self.nodes.get(index).copied().unwrap_or_default(),
        }
    }

    fn push(&mut self, node: SchemaNode) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// Infers the schema of a value; `member_at` may replace the value of the
    /// top-level member at a place and add merges to its schema.
    pub(crate) fn infer(
        document: &'d Document<'_>,
        mut member_at: impl FnMut(usize) -> (Option<&'d Document<'static>>, SchemaMerge),
    ) -> Schema<'d> {
        let mut schema = Schema::default();
        let root = document.root_node();
        if root.kind() != Kind::Object {
            schema.infer_node(document, root);
            return schema;
        }
        let count = document.member_count(root);
        let first_property = schema.reserve_properties(count);
        for (place, (key, value)) in document.members(root).enumerate() {
            let (replacement, merge) = member_at(place);
            let child = match replacement {
                Some(decoded) => schema.infer_node(decoded, decoded.root_node()),
                None => schema.infer_node(document, value),
            };
            if let Some(node) = schema.nodes.get_mut(child) {
                node.merge = merge;
            }
            schema.set_property(first_property + place, key, child);
        }
        schema.push(SchemaNode {
            type_code: OBJECT,
            first_property,
            property_count: count,
            ..SchemaNode::default()
        });
        schema
    }

    fn reserve_properties(&mut self, count: usize) -> usize {
        let first = self.properties.len();
        self.properties.resize(first + count, ("", 0));
        first
    }

    fn set_property(&mut self, place: usize, key: &'d str, child: usize) {
        if let Some(slot) = self.properties.get_mut(place) {
            *slot = (key, child);
        }
    }

    fn infer_node(&mut self, document: &'d Document<'_>, node: Node) -> usize {
        let mut inferred = SchemaNode {
            type_code: match node.kind() {
                Kind::Null => NULL,
                Kind::False | Kind::True => BOOLEAN,
                Kind::Digits | Kind::Int | Kind::Float => NUMBER,
                Kind::Str => STRING,
                Kind::Array => ORDERED_LIST,
                Kind::Object => OBJECT,
            },
            ..SchemaNode::default()
        };
        match node.kind() {
            Kind::Object => {
                inferred.property_count = document.member_count(node);
                inferred.first_property = self.reserve_properties(inferred.property_count);
                for (place, (key, value)) in document.members(node).enumerate() {
                    let child = self.infer_node(document, value);
                    self.set_property(inferred.first_property + place, key, child);
                }
            }
            Kind::Array => {
                inferred.items = document
                    .first_item(node)
                    .map(|first| self.infer_node(document, first));
            }
            _ => {}
        }
        self.push(inferred)
    }

    /// Reads a schema from a document: unknown members are ignored, members
    /// of the wrong type or outside 32 bits count as absent, what is not an
    /// object is an empty schema.
    pub fn from_document(document: &'d Document<'_>) -> Schema<'d> {
        let mut schema = Schema::default();
        schema.read_node(document, document.root_node());
        schema
    }

    fn read_node(&mut self, document: &'d Document<'_>, node: Node) -> usize {
        let mut read = SchemaNode::default();
        for (key, value) in document.members(node) {
            match key {
                "type" => read.type_code = integer(document.value(value)).unwrap_or(0),
                "encoding" => read.merge.encoding = integer(document.value(value)),
                "decoded_type" => read.merge.decoded_type = integer(document.value(value)),
                "match_importance" => {
                    read.merge.match_importance = match value.kind() {
                        Kind::Digits | Kind::Int | Kind::Float => Some(document.double_of(value)),
                        _ => None,
                    };
                }
                "items" => {
                    read.items = Some(self.read_node(document, value));
                }
                "properties" if value.kind() == Kind::Object => {
                    read.property_count = document.member_count(value);
                    read.first_property = self.reserve_properties(read.property_count);
                    for (place, (name, property)) in document.members(value).enumerate() {
                        let child = self.read_node(document, property);
                        self.set_property(read.first_property + place, name, child);
                    }
                }
                _ => {}
            }
        }
        self.push(read)
    }

    /// The schema's canonical form (profile `drift`), whose hash is the schema hash.
    pub fn to_canonical_json(&self) -> String {
        let mut out = Out::with_capacity(self.nodes.len() * 40);
        push_json(&mut out, self.root());
        out.into_string()
    }
}

fn integer(value: Value<'_>) -> Option<i32> {
    match value {
        Value::Int(value) => i32::try_from(value).ok(),
        _ => None,
    }
}

fn push_json(out: &mut Out, schema: SchemaRef<'_>) {
    // The members in canonical order; `properties` and `type` are always there.
    out.byte(b'{');
    if let Some(code) = schema.decoded_type() {
        out.put(b"\"decoded_type\":");
        number::push_i64(out, i64::from(code));
        out.byte(b',');
    }
    if let Some(code) = schema.encoding() {
        out.put(b"\"encoding\":");
        number::push_i64(out, i64::from(code));
        out.byte(b',');
    }
    if let Some(items) = schema.items() {
        out.put(b"\"items\":");
        push_json(out, items);
        out.byte(b',');
    }
    if let Some(importance) = schema.match_importance() {
        out.put(b"\"match_importance\":");
        number::push_float(out, importance);
        out.byte(b',');
    }
    out.put(b"\"properties\":{");
    for (index, (key, property)) in schema.properties().enumerate() {
        if index > 0 {
            out.byte(b',');
        }
        out.quoted(key.as_bytes());
        out.byte(b':');
        push_json(out, property);
    }
    out.put(b"},\"type\":");
    number::push_i64(out, i64::from(schema.type_code()));
    out.byte(b'}');
}
