//! Answers a fixture: the one place of the Rust tests that knows the API.
//!
//! A fixture is `{"call": …, "args": {…}}` with strings of JSON text or hex
//! (`parity-fixtures/README.md`); the answer has the form of its `expect`.

use drift_rust_core::*;
use serde_json::{Map, Value as Json, json};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex"))
        .collect()
}

/// The arguments of one call.
struct Args<'a>(&'a Map<String, Json>);

impl<'a> Args<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        match self.0.get(name) {
            None | Some(Json::Null) => None,
            Some(value) => Some(value.as_str().unwrap_or_else(|| panic!("{name} is text"))),
        }
    }
    fn string(&self, name: &str) -> &'a str {
        self.text(name).unwrap_or_default()
    }
    fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        match self.text(&format!("{name}_hex")) {
            Some(hex) => Some(unhex(hex)),
            None => self.text(name).map(|text| text.as_bytes().to_vec()),
        }
    }
    fn hex(&self, name: &str) -> Vec<u8> {
        unhex(
            self.text(name)
                .unwrap_or_else(|| panic!("{name} is missing")),
        )
    }
    fn integer(&self, name: &str) -> i64 {
        match self.0.get(name) {
            None | Some(Json::Null) => 0,
            Some(Json::String(digits)) => digits.parse().expect("an integer"),
            Some(value) => value.as_i64().expect("an integer"),
        }
    }
    fn integer32(&self, name: &str) -> i32 {
        i32::try_from(self.integer(name)).expect("an integer of 32 bits")
    }
    fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Json::as_bool).unwrap_or(false)
    }
    fn span_fields(&self) -> SpanFields<'a> {
        SpanFields {
            trace_id: self.string("trace_id"),
            span_id: self.string("span_id"),
            parent_span_id: self.string("parent_span_id"),
            name: self.string("name"),
            package_name: self.string("package_name"),
            instrumentation_name: self.string("instrumentation_name"),
            submodule_name: self.string("submodule_name"),
            package_type: self.integer32("package_type"),
            environment: self.text("environment"),
            kind: self.integer32("kind"),
            status_code: self.integer32("status_code"),
            status_message: self.string("status_message"),
            is_pre_app_start: self.flag("is_pre_app_start"),
            is_root_span: self.flag("is_root_span"),
            timestamp_seconds: self.integer("timestamp_seconds"),
            timestamp_nanos: self.integer32("timestamp_nanos"),
            duration_seconds: self.integer("duration_seconds"),
            duration_nanos: self.integer32("duration_nanos"),
        }
    }
    fn header(&self) -> ExportHeader<'a> {
        ExportHeader {
            observable_service_id: self.string("observable_service_id"),
            environment: self.string("environment"),
            sdk_version: self.string("sdk_version"),
            sdk_instance_id: self.string("sdk_instance_id"),
        }
    }
}

fn refusal(error: &dyn Fault) -> Json {
    let mut members = Map::new();
    members.insert("error".into(), error.code().as_str().into());
    if let Some(offset) = error.offset() {
        members.insert("offset".into(), offset.into());
    }
    if let Some(path) = error.path() {
        members.insert("path".into(), path.into());
    }
    if let Some(index) = error.index() {
        members.insert("index".into(), index.into());
    }
    members.into()
}

fn or_refusal<T, E: Fault>(result: Result<T, E>, show: impl FnOnce(T) -> Json) -> Json {
    match result {
        Ok(value) => show(value),
        Err(error) => refusal(&error),
    }
}

/// The answer to one fixture.
pub(crate) fn answer(call: &str, args: &Map<String, Json>) -> Json {
    let args = Args(args);
    match call {
        "normalize" => {
            let input = args.bytes("input").expect("input");
            let profile = Profile::from_name(args.text("profile").unwrap_or("drift"));
            let profile = profile.expect("a known profile");
            let sha256 = normalize_and_hash_as(&input, profile, HashAlgorithm::Sha256);
            or_refusal(sha256, |(normalized, sha256)| {
                let blake3 = HashAlgorithm::Blake3.hex(normalized.as_bytes());
                json!({"normalized": normalized, "sha256": sha256, "blake3": blake3})
            })
        }
        "payload" => {
            let input = args.bytes("input").expect("input");
            let merges = args.bytes("merges");
            or_refusal(process_export_payload(&input, merges.as_ref()), |payload| {
                json!({
                    "normalized": &*payload.normalized_json,
                    "decoded": payload.decoded_json(),
                    "value_hash": payload.decoded_value_hash,
                    "schema": payload.decoded_schema_json,
                    "schema_hash": payload.decoded_schema_hash,
                    "struct_hex": hex(&payload.protobuf_struct_bytes),
                    "field_count": object_to_protobuf_struct_field_count(&input)
                        .expect("a payload that was taken"),
                })
            })
        }
        "span" => or_refusal(build_span(&args), |bytes| json!({"span_hex": hex(&bytes)})),
        "export" => {
            let spans: Vec<_> = spans(&args, "spans_hex")
                .iter()
                .map(|span| unhex(span.as_str().expect("hex")))
                .collect();
            let request = build_export_spans_request_bytes(&args.header(), &spans);
            or_refusal(request, |bytes| json!({"request_hex": hex(&bytes)}))
        }
        "read_span" => read(span_to_json(&args.hex("hex"))),
        "read_export" => read(export_request_to_json(&args.hex("hex"))),
        "read_struct" => read(struct_to_json(&args.hex("hex"))),
        "diff_json" => {
            let (left, right) = (args.bytes("left"), args.bytes("right"));
            let (left, right) = (left.expect("left"), right.expect("right"));
            differences(diff_json(&left, &right))
        }
        "diff_spans" => differences(diff_spans(&args.hex("left_hex"), &args.hex("right_hex"))),
        "diff_export_requests" => differences(diff_export_requests(
            &args.hex("left_hex"),
            &args.hex("right_hex"),
        )),
        "process_span" => {
            let span = args.0.get("span").and_then(Json::as_object);
            let owned = OwnedSpan::of(Args(span.unwrap_or(args.0)));
            or_refusal(process_span(&owned.input()), |span| {
                json!({
                    "span_hex": hex(&span.span_bytes),
                    "input_value_hash": span.input.value_hash,
                    "output_value_hash": span.output.value_hash,
                    "input_schema_hash": span.input.schema_hash,
                    "output_schema_hash": span.output.schema_hash,
                    "input_schema_json": span.input.schema_json,
                    "output_schema_json": span.output.schema_json,
                    "input_normalized_json": &*span.input.normalized_json,
                    "output_normalized_json": &*span.output.normalized_json,
                    "message_depth": span.message_depth,
                })
            })
        }
        "process_spans" => batch(&args),
        _ => panic!("unknown call {call}"),
    }
}

fn spans<'a>(args: &Args<'a>, name: &str) -> &'a [Json] {
    let list = args.0.get(name).and_then(Json::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}

fn read(result: Result<String, ProtobufError>) -> Json {
    or_refusal(result, |json| json!({"json": json}))
}

fn differences(result: Result<Vec<Difference>, DiffError>) -> Json {
    or_refusal(result, |differences| {
        let list: Vec<_> = differences
            .into_iter()
            .map(|difference| {
                json!({
                    "kind": difference.kind.as_str(),
                    "path": difference.path,
                    "left": difference.left,
                    "right": difference.right,
                })
            })
            .collect();
        json!({"differences": list})
    })
}

fn build_span(args: &Args<'_>) -> Result<Vec<u8>, SpanError> {
    fn document<'t>(
        field: &'static str,
        text: &'t Option<Vec<u8>>,
        options: ValueOptions,
    ) -> Result<Option<Document<'t>>, SpanError> {
        text.as_ref()
            .map(|text| Document::parse(text, options))
            .transpose()
            .map_err(|source| SpanError::Json { field, source })
    }
    let values = ValueOptions::default();
    let schemas = ValueOptions::for_schema();
    let texts = [
        "input_schema",
        "output_schema",
        "metadata",
        "input_value",
        "output_value",
    ]
    .map(|name| args.bytes(name));
    let [input_schema, output_schema, metadata, input, output] = &texts;
    let input_schema = document("input_schema", input_schema, schemas)?;
    let output_schema = document("output_schema", output_schema, schemas)?;
    let metadata = document("metadata", metadata, values)?;
    let input = document("input_value", input, values)?;
    let output = document("output_value", output, values)?;
    let input_bytes = args.bytes("input_value_proto_struct");
    let output_bytes = args.bytes("output_value_proto_struct");
    let input_schema = input_schema.as_ref().map(Schema::from_document);
    let output_schema = output_schema.as_ref().map(Schema::from_document);
    fn source<'a>(
        bytes: &'a Option<Vec<u8>>,
        document: &'a Option<Document<'a>>,
    ) -> StructSource<'a> {
        match (bytes, document) {
            (Some(bytes), _) => StructSource::Bytes(bytes),
            (None, Some(document)) => StructSource::Document(document),
            (None, None) => StructSource::Empty,
        }
    }
    let contents = SpanContents {
        input_schema: input_schema.as_ref(),
        output_schema: output_schema.as_ref(),
        input_schema_hash: args.string("input_schema_hash"),
        output_schema_hash: args.string("output_schema_hash"),
        input_value_hash: args.string("input_value_hash"),
        output_value_hash: args.string("output_value_hash"),
        metadata: source(&None, &metadata),
        input_value: source(&input_bytes, &input),
        output_value: source(&output_bytes, &output),
    };
    Ok(build_span_proto_bytes(&args.span_fields(), &contents)?.into_vec())
}

/// A span's texts, which its input borrows.
struct OwnedSpan<'a> {
    fields: SpanFields<'a>,
    texts: [Option<Vec<u8>>; 5],
}

impl<'a> OwnedSpan<'a> {
    fn of(args: Args<'a>) -> OwnedSpan<'a> {
        OwnedSpan {
            fields: args.span_fields(),
            texts: [
                "input_json",
                "input_merges",
                "output_json",
                "output_merges",
                "metadata_json",
            ]
            .map(|name| args.bytes(name)),
        }
    }

    fn input(&self) -> SpanInput<'_> {
        fn value(text: &Option<Vec<u8>>) -> ValueSource<'_> {
            text.as_ref()
                .map_or(ValueSource::Absent, |text| ValueSource::Json(text.into()))
        }
        fn merges(text: &Option<Vec<u8>>) -> MergesSource<'_> {
            text.as_ref()
                .map_or(MergesSource::Absent, |text| MergesSource::Json(text.into()))
        }
        let [input, input_merges, output, output_merges, metadata] = &self.texts;
        SpanInput {
            fields: self.fields,
            input: value(input),
            input_merges: merges(input_merges),
            output: value(output),
            output_merges: merges(output_merges),
            metadata: value(metadata),
        }
    }
}

fn batch(args: &Args<'_>) -> Json {
    enum Owned<'a> {
        Encoded(Vec<u8>),
        Input(Box<OwnedSpan<'a>>),
    }
    let owned: Vec<_> = spans(args, "spans")
        .iter()
        .map(|span| match span {
            Json::String(text) => Owned::Encoded(unhex(text)),
            Json::Object(members) => match members.get("encoded_hex") {
                Some(text) => Owned::Encoded(unhex(text.as_str().expect("hex"))),
                None => Owned::Input(Box::new(OwnedSpan::of(Args(members)))),
            },
            _ => panic!("a span is an object or hex"),
        })
        .collect();
    let list: Vec<_> = owned
        .iter()
        .map(|span| match span {
            Owned::Encoded(bytes) => BatchSpan::Encoded(bytes),
            Owned::Input(span) => BatchSpan::Input(Box::new(span.input())),
        })
        .collect();
    let options = BatchOptions {
        max_message_depth: args
            .0
            .get("max_message_depth")
            .and_then(Json::as_u64)
            .map(|limit| limit as usize),
        ..BatchOptions::default()
    };
    let batch = process_spans(&args.header(), &list, options);
    if let (true, Some(first)) = (args.flag("strict"), batch.errors.first()) {
        return refusal(first);
    }
    let errors: Vec<_> = batch.errors.iter().map(|error| refusal(error)).collect();
    json!({
        "request_hex": hex(&batch.request_bytes),
        "message_depths": batch.message_depths,
        "errors": errors,
    })
}
