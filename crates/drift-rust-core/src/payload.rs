//! Payload processing: normalise, decode by merges, hash, schema, Struct.

use crate::CanonicalText;
use crate::document::{Document, DocumentBuilder, Kind};
use crate::error::PayloadError;
use crate::hash::HashAlgorithm;
use crate::json::append_schema;
use crate::merges::{SchemaMerge, SchemaMerges};
use crate::out::Out;
use crate::proto::EncodedBytes;
use crate::proto::reverse::ReverseBuffer;
use crate::proto::span::schema_message;
use crate::proto::struct_value::{StructWriter, encode_struct};
use crate::schema::Schema;
use crate::schema_cache::{MakeForms, SchemaCache, SchemaForms};
use crate::writer::HashAlong;
use crate::writer::released::LEAST_RELEASED_NODES;
use crate::{JsonText, ValueOptions, simd};
use base64::Engine as _;
use std::ops::Deref;
use std::sync::LazyLock;

/// A payload and what its merges made of it; every output is written from here.
#[derive(Clone, Debug)]
pub struct Payload<'a> {
    document: Source<'a>,
    /// By place of the top-level member; empty when the merges name none.
    members: Vec<Member>,
}

/// A document of the payload's own, or one that its caller keeps.
#[derive(Clone, Debug)]
enum Source<'a> {
    Owned(Document<'a>),
    Borrowed(&'a Document<'a>),
}

impl<'a> Deref for Source<'a> {
    type Target = Document<'a>;

    fn deref(&self) -> &Document<'a> {
        match self {
            Source::Owned(document) => document,
            Source::Borrowed(document) => document,
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Member {
    merge: SchemaMerge,
    /// The decoded value, where decoding changed it.
    decoded: Option<Document<'static>>,
}

/// Everything the SDKs need of a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessedPayload {
    /// The canonical form of the payload.
    pub normalized_json: CanonicalText,
    decoded_json: Option<CanonicalText>,
    /// SHA-256 of the decoded value's canonical form, hex.
    pub decoded_value_hash: String,
    /// The schema of the decoded value, canonical.
    pub decoded_schema_json: String,
    /// SHA-256 of the schema's canonical form, hex.
    pub decoded_schema_hash: String,
    /// `google.protobuf.Struct` of the normalised (not the decoded) value.
    pub protobuf_struct_bytes: EncodedBytes,
}

impl ProcessedPayload {
    /// The canonical form of the decoded value.
    pub fn decoded_json(&self) -> &str {
        self.decoded_json
            .as_deref()
            .unwrap_or(&self.normalized_json)
    }

    /// Takes the normalised text out, and the decoded one where decoding changed
    /// something: a caller that copies them elsewhere can free them before it
    /// goes on to the Struct bytes.
    pub fn take_texts(&mut self) -> (CanonicalText, Option<CanonicalText>) {
        (
            std::mem::take(&mut self.normalized_json),
            self.decoded_json.take(),
        )
    }

    /// Whether decoding changed nothing, so that both texts are one.
    pub fn decoded_is_normalized(&self) -> bool {
        self.decoded_json.is_none()
    }
}

/// The decoded value of a payload, and what it is compared by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodedPayload {
    /// The canonical form of the decoded value.
    pub json: CanonicalText,
    /// SHA-256 of it, hex.
    pub value_hash: String,
    /// SHA-256 of its schema's canonical form, hex.
    pub schema_hash: String,
}

impl<'a> Payload<'a> {
    /// Reads a payload and decodes it by the merges.
    ///
    /// # Errors
    /// [`PayloadError::Json`] for a text that is not JSON.
    pub fn parse(
        text: impl Into<JsonText<'a>>,
        merges: &SchemaMerges,
    ) -> Result<Payload<'a>, PayloadError> {
        let document = Document::parse(text, ValueOptions::default())?;
        Ok(Payload::new(document, merges))
    }

    /// Decodes a document by the merges.
    pub fn new(document: Document<'a>, merges: &SchemaMerges) -> Payload<'a> {
        Payload::decoded(Source::Owned(document), merges)
    }

    /// The same for a document that the caller keeps.
    pub fn borrowed(document: &'a Document<'a>, merges: &SchemaMerges) -> Payload<'a> {
        Payload::decoded(Source::Borrowed(document), merges)
    }

    fn decoded(document: Source<'a>, merges: &SchemaMerges) -> Payload<'a> {
        let root = document.root_node();
        let mut members = Vec::new();
        if !merges.is_empty() && root.kind() == Kind::Object {
            members.extend(document.members(root).map(|(key, value)| {
                let Some(merge) = merges.get(key) else {
                    return Member::default();
                };
                let decoded = match value.kind() {
                    Kind::Str => decode(document.string_of(value), merge),
                    _ => None,
                };
                Member { merge, decoded }
            }));
        }
        Payload { document, members }
    }

    /// The payload as it came in, in canonical member order.
    pub fn document(&self) -> &Document<'a> {
        &self.document
    }

    /// The canonical form of the payload.
    pub fn normalized_json(&self) -> String {
        self.document.to_canonical_json()
    }

    /// The canonical form of the decoded value, or `None` when decoding
    /// changed nothing.
    pub fn decoded_json(&self) -> Option<String> {
        self.write_decoded().map(Out::into_string)
    }

    pub(crate) fn write_decoded(&self) -> Option<Out> {
        if self.members.iter().all(|member| member.decoded.is_none()) {
            return None;
        }
        let decoded_size = |member: &Member| member.decoded.as_ref().map_or(0, Document::size_hint);
        let size = self.members.iter().map(decoded_size).sum::<usize>();
        let mut json = Out::with_capacity(self.document.size_hint() + size);
        let members = self.document.members(self.document.root_node());
        let mut before = b'{';
        for ((key, value), member) in members.zip(&self.members) {
            json.byte(before);
            before = b',';
            json.quoted(key.as_bytes());
            json.byte(b':');
            match &member.decoded {
                Some(decoded) => decoded.append_canonical(&mut json, decoded.root_node()),
                None => self.document.append_canonical(&mut json, value),
            }
        }
        // Something was decoded, so there is a member.
        json.byte(b'}');
        Some(json)
    }

    /// The schema of the decoded value with the merges in it.
    pub fn schema(&self) -> Schema<'_> {
        Schema::infer(&self.document, |place| self.member_at(place))
    }

    fn member_at(&self, place: usize) -> (Option<&Document<'static>>, SchemaMerge) {
        self.members
            .get(place)
            .map_or_else(Default::default, |member| {
                (member.decoded.as_ref(), member.merge)
            })
    }

    /// The schema as it is written and as a message, from the cache where it is known.
    pub(crate) fn schema_forms(&self) -> SchemaForms {
        self.forms(WithMessage(self))
    }

    fn forms(&self, make: impl MakeForms) -> SchemaForms {
        let member_at = |place| self.member_at(place);
        match self.document.shapes().map(|shapes| shapes.schemas.lock()) {
            Some(Ok(mut cache)) => cache.forms(&self.document, member_at, make),
            _ => SchemaCache::default().forms(&self.document, member_at, make),
        }
    }

    /// The canonical form of the schema.
    fn schema_json(&self) -> String {
        let is_plain =
            |member: &Member| member.decoded.is_none() && member.merge == SchemaMerge::default();
        if !self.members.iter().all(is_plain) {
            return self.schema().to_canonical_json();
        }
        // The schema of an array is that of its first item, however many it has.
        let size = self.document.size_hint().min(MAX_FIRST_SCHEMA_BYTES);
        let mut json = Out::with_capacity(size);
        append_schema(&self.document, self.document.root_node(), &mut json);
        json.into_string()
    }

    /// The value hash, the schema, its hash and the Struct bytes: what the
    /// native form of the call gives beside the value.
    pub fn process_native(&self) -> (String, Schema<'_>, String, EncodedBytes) {
        let mut decoded = self.write_decoded();
        let json = decoded.get_or_insert_with(|| self.document.canonical_text());
        let (value_hash, schema, struct_bytes) = self.hashes_and_struct(json);
        (value_hash, self.schema(), schema.hash, struct_bytes)
    }

    /// The hash of a text, the schema with its hash, and the Struct bytes of the
    /// payload; what is to be hashed is hashed while the Struct is written.
    fn hashes_and_struct(&self, hashed: &Out) -> (String, SchemaForms, EncodedBytes) {
        let mut made = None;
        let schema = self.forms(WithStruct {
            payload: self,
            hashed,
            made: &mut made,
        });
        let (value_hash, struct_bytes) = made.unwrap_or_else(|| {
            let mut along = HashAlong::of(hashed);
            let struct_bytes = self.struct_along(&mut along);
            (along.finish(), struct_bytes)
        });
        (value_hash, schema, struct_bytes)
    }

    fn struct_along(&self, along: &mut HashAlong<'_>) -> EncodedBytes {
        let mut writer = self.struct_writer();
        writer.object_and_hash(&self.document, 0, along);
        writer.buffer.finish()
    }

    fn struct_writer(&self) -> StructWriter {
        let size = self.document.struct_size_hint();
        StructWriter::new(ReverseBuffer::with_capacity(size))
    }

    /// `google.protobuf.Struct` of the normalised (not the decoded) value;
    /// empty for a payload that is not an object.
    pub fn struct_bytes(&self) -> EncodedBytes {
        encode_struct(&self.document)
    }

    /// All outputs at once.
    pub fn process(&self) -> ProcessedPayload {
        self.write().into_processed()
    }

    /// The decoded value and its hashes alone: of what [`process`](Self::process)
    /// gives, the part that comparing two payloads takes.
    ///
    /// ```
    /// use drift_rust_core::{Payload, SchemaMerges};
    /// let merges = SchemaMerges::parse(r#"{"body": {"encoding": 1, "decoded_type": 1}}"#)?;
    /// let payload = Payload::parse(r#"{"body": "eyJhIjogMX0="}"#, &merges)?;
    /// let decoded = payload.decode();
    /// assert_eq!(decoded.json, r#"{"body":{"a":1}}"#);
    /// let processed = payload.process();
    /// assert_eq!(decoded.value_hash, processed.decoded_value_hash);
    /// assert_eq!(decoded.schema_hash, processed.decoded_schema_hash);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn decode(&self) -> DecodedPayload {
        let json = self
            .write_decoded()
            .unwrap_or_else(|| self.document.canonical_text());
        let json = CanonicalText::new(json);
        DecodedPayload {
            value_hash: HashAlgorithm::Sha256.hex(json.as_bytes()),
            schema_hash: self.forms(HashOnly(WithNothing(self))).hash,
            json,
        }
    }

    /// The same, and frees the payload before its outputs get their final
    /// form: of a large one not everything is there at the same time.
    pub(crate) fn into_processed(self) -> ProcessedPayload {
        if self.document.node_count() >= LEAST_RELEASED_NODES {
            return self.write_released().into_processed();
        }
        let written = self.write();
        drop(self);
        written.into_processed()
    }

    /// The outputs of a large payload, whose document goes while its Struct is
    /// written.
    fn write_released(mut self) -> Written {
        let json = self.document.canonical_text();
        let decoded = self.write_decoded();
        let schema = self.forms(WithNothing(&self));
        let mut along = HashAlong::of(decoded.as_ref().unwrap_or(&json));
        let mut writer = self.struct_writer();
        match &mut self.document {
            Source::Owned(document) => writer.object_released(document, &mut along),
            Source::Borrowed(document) => writer.object_and_hash(document, 0, &mut along),
        }
        let struct_bytes = writer.buffer.finish();
        Written {
            value_hash: along.finish(),
            struct_bytes,
            schema,
            json,
            decoded,
        }
    }

    fn write(&self) -> Written {
        let json = self.document.canonical_text();
        let decoded = self.write_decoded();
        let (value_hash, schema, struct_bytes) =
            self.hashes_and_struct(decoded.as_ref().unwrap_or(&json));
        Written {
            value_hash,
            struct_bytes,
            schema,
            json,
            decoded,
        }
    }
}

/// What a schema text is first given room for, at most.
const MAX_FIRST_SCHEMA_BYTES: usize = 1 << 20;

/// Makes the forms of a payload's schema, the message among them.
struct WithMessage<'p>(&'p Payload<'p>);

impl MakeForms for WithMessage<'_> {
    fn with_message(&self) -> bool {
        true
    }

    fn make(self) -> SchemaForms {
        let schema = self.0.schema();
        let json = schema.to_canonical_json();
        SchemaForms {
            hash: HashAlgorithm::Sha256.hex(json.as_bytes()),
            json,
            message: Some(schema_message(&schema)),
        }
    }
}

/// Makes the text of a payload's schema and its hash.
struct WithNothing<'p>(&'p Payload<'p>);

impl MakeForms for WithNothing<'_> {
    fn with_message(&self) -> bool {
        false
    }

    fn make(self) -> SchemaForms {
        let json = self.0.schema_json();
        SchemaForms {
            hash: HashAlgorithm::Sha256.hex(json.as_bytes()),
            json,
            message: None,
        }
    }
}

/// The same where nobody reads the text.
struct HashOnly<'p>(WithNothing<'p>);

impl MakeForms for HashOnly<'_> {
    fn with_message(&self) -> bool {
        false
    }

    fn with_json(&self) -> bool {
        false
    }

    fn make(self) -> SchemaForms {
        self.0.make()
    }
}

/// Makes the text of a payload's schema, and its hash together with that of
/// another text while the payload's Struct is written.
struct WithStruct<'p, 'm> {
    payload: &'p Payload<'p>,
    hashed: &'p Out,
    /// The hash of the other text, and the Struct.
    made: &'m mut Option<(String, EncodedBytes)>,
}

impl MakeForms for WithStruct<'_, '_> {
    fn with_message(&self) -> bool {
        false
    }

    fn make(self) -> SchemaForms {
        let json = self.payload.schema_json();
        let mut along = HashAlong::of_both(self.hashed, json.as_bytes());
        let struct_bytes = self.payload.struct_along(&mut along);
        let [value_hash, hash] = along.finish_both();
        *self.made = Some((value_hash, struct_bytes));
        SchemaForms {
            json,
            hash,
            message: None,
        }
    }
}

/// The outputs as they were written.
struct Written {
    json: Out,
    decoded: Option<Out>,
    value_hash: String,
    schema: SchemaForms,
    struct_bytes: EncodedBytes,
}

impl Written {
    fn into_processed(self) -> ProcessedPayload {
        ProcessedPayload {
            decoded_value_hash: self.value_hash,
            decoded_schema_hash: self.schema.hash,
            decoded_schema_json: self.schema.json,
            protobuf_struct_bytes: self.struct_bytes,
            normalized_json: CanonicalText::new(self.json),
            decoded_json: self.decoded.map(CanonicalText::new),
        }
    }
}

/// The standard alphabet, padded, canonical trailing bits, no white space; with
/// vector instructions where the processor has them.
#[cfg(any(
    target_arch = "x86_64",
    all(target_arch = "aarch64", target_feature = "neon")
))]
static BASE64: LazyLock<base64::engine::Simd> =
    LazyLock::new(|| base64::engine::Simd::standard(base64::engine::general_purpose::PAD));
#[cfg(not(any(
    target_arch = "x86_64",
    all(target_arch = "aarch64", target_feature = "neon")
)))]
static BASE64: LazyLock<base64::engine::GeneralPurpose> =
    LazyLock::new(|| base64::engine::general_purpose::STANDARD);

/// The decoded form of a string, `None` when it stays as it is.
fn decode(text: &str, merge: SchemaMerge) -> Option<Document<'static>> {
    let from_base64 = match merge.encoding {
        Some(1) => BASE64
            .decode(text)
            .ok()
            .map(|bytes| match simd::into_string(bytes) {
                Ok(text) => text,
                // One U+FFFD for each maximal invalid subpart.
                Err(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            }),
        _ => None,
    };
    if merge.decoded_type != Some(1) {
        return from_base64.and_then(string_document);
    }
    let was_base64 = from_base64.is_some();
    let candidate = from_base64.unwrap_or_else(|| text.to_owned());
    match Document::parse_owned(candidate, ValueOptions::default()) {
        Ok(document) => Some(document),
        Err(text) if was_base64 => string_document(text),
        Err(_) => None,
    }
}

fn string_document(text: String) -> Option<Document<'static>> {
    let mut builder = DocumentBuilder::new(ValueOptions::default());
    builder.string(&text);
    builder.finish().ok()
}
