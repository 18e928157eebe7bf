//! What must hold for any input: one function for each fuzz target, used by
//! the fuzz targets, by the replay of their corpus and by the tests of the
//! generated documents. Each panics with the input when something is wrong.

#![allow(
    dead_code,
    reason = "each program that includes this uses a part of it"
)]

use crate::generator::Random;
use crate::reference::{self, Refusal, Rules, Value as Expected};
use drift_rust_core::*;

const LIMITS: [usize; 2] = [MAX_DEPTH, 3];

fn options(profile: Profile, max_depth: usize) -> ValueOptions {
    if max_depth == SCHEMA_MAX_DEPTH {
        return ValueOptions::for_schema();
    }
    ValueOptions::default()
        .with_profile(profile)
        .with_max_depth(max_depth)
}

/// The start of an input, for messages.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let start = bytes.get(..2_000).unwrap_or(bytes);
    format!("{} ({} bytes)", start.escape_ascii(), bytes.len())
}

fn refusal<T>(result: Result<T, JsonError>) -> Result<T, Refusal> {
    result.map_err(|error| Refusal {
        code: error.code().as_str(),
        offset: error.offset().expect("an error of text has an offset"),
    })
}

/// Reading and canonical form in both profiles, value by value, and each
/// refusal with its code and offset. Gives the value as drift reads it.
pub(crate) fn reading(bytes: &[u8]) -> Result<Expected, Refusal> {
    let drift = read_as(bytes, Profile::Drift, Rules::Drift, MAX_DEPTH);
    read_as(bytes, Profile::Rfc8785, Rules::Rfc8785, MAX_DEPTH).ok();
    drift
}

fn read_as(
    bytes: &[u8],
    profile: Profile,
    rules: Rules,
    max_depth: usize,
) -> Result<Expected, Refusal> {
    let expected = reference::parse(bytes, rules, max_depth);
    let document = refusal(Document::parse(bytes, options(profile, max_depth)));
    match (&expected, &document) {
        (Ok(expected), Ok(document)) => {
            let canonical = reference::canonical(expected, rules);
            assert_eq!(
                document.to_canonical_json(),
                canonical,
                "{profile:?} of {}",
                shown(bytes)
            );
            assert_same_value(expected, document.root(), bytes);
        }
        (Err(expected), Err(refusal)) => {
            assert_eq!(refusal, expected, "{profile:?} of {}", shown(bytes));
        }
        (expected, document) => panic!(
            "{profile:?} of {}\n  expected {expected:?}\n  got {:?}",
            shown(bytes),
            document.as_ref().map(Document::to_canonical_json)
        ),
    }
    expected
}

/// Compares the values that the document hands out, one by one. The members'
/// order is that of the canonical text, which was compared before.
fn assert_same_value(expected: &Expected, value: Value<'_>, input: &[u8]) {
    let same = match (expected, &value) {
        (Expected::Null, Value::Null) => true,
        (Expected::Bool(left), Value::Bool(right)) => left == right,
        (Expected::Integer(left), Value::Int(right)) => *left == right.to_string(),
        (Expected::Integer(left), Value::BigInt(right)) => {
            left == right && left.parse::<i64>().is_err()
        }
        (Expected::Float(left), Value::Float(right)) => left.to_bits() == right.to_bits(),
        (Expected::String(left), Value::Str(right)) => left == right,
        (Expected::Array(left), Value::Array(right)) => {
            assert_eq!(right.is_empty(), left.is_empty());
            assert_eq!(right.iter().len(), left.len(), "items in {}", shown(input));
            for (left, right) in left.iter().zip(right.iter()) {
                assert_same_value(left, right, input);
            }
            left.len() == right.len()
        }
        (Expected::Object(_), Value::Object(right)) => {
            let left = expected.members();
            assert_eq!(right.is_empty(), left.is_empty());
            assert_eq!(right.iter().count(), left.len(), "keys in {}", shown(input));
            for (key, value) in right.iter() {
                let Some(expected) = left.get(key) else {
                    panic!("key {key:?} in {}", shown(input));
                };
                assert_same_value(expected, value, input);
            }
            // Looking up walks the object, so only a few keys are looked up.
            for key in left.keys().take(4).chain(left.keys().rev().take(2)) {
                assert!(right.get(key).is_some(), "key {key:?} in {}", shown(input));
            }
            left.len() == right.len() && right.get("no such key \0").is_none()
        }
        _ => false,
    };
    assert!(same, "{value:?} is not {expected:?} in {}", shown(input));
}

/// Everything that is made of one JSON text.
pub(crate) fn json(bytes: &[u8]) {
    let expected = reading(bytes);
    for max_depth in LIMITS {
        if max_depth != MAX_DEPTH {
            read_as(bytes, Profile::Drift, Rules::Drift, max_depth).ok();
        }
    }
    schema_argument(bytes);
    assert_refused_or(&expected, refusal(normalize_json(bytes)), bytes, |value| {
        reference::canonical(value, Rules::Drift)
    });
    assert_refused_or(
        &expected,
        refusal(deterministic_hash(bytes)),
        bytes,
        |value| reference::sha256(&reference::canonical(value, Rules::Drift)),
    );
    let struct_bytes = refusal(object_to_protobuf_struct_bytes(bytes));
    assert_refused_or(&expected, struct_bytes, bytes, |value| {
        reference::struct_bytes(value).into()
    });
    let field_count = refusal(object_to_protobuf_struct_field_count(bytes));
    assert_refused_or(&expected, field_count, bytes, |value| value.members().len());
    payload(bytes, None);
    let Ok(expected) = expected else {
        assert!(diff_json(bytes, "0").is_err() && diff_json("0", bytes).is_err());
        return;
    };
    let text = std::str::from_utf8(bytes).expect("the reference read it as UTF-8");
    assert_eq!(
        normalize_json(text).as_deref(),
        Ok(reference::canonical(&expected, Rules::Drift).as_str())
    );
    built(&expected, bytes);
    span(&expected, bytes);
    assert_eq!(diff_json(bytes, bytes).expect("it was read before"), []);
    different(bytes, b"{\"a\":[1,{\"b\":null}],\"\":0}");
}

fn assert_refused_or<T: PartialEq + std::fmt::Debug>(
    expected: &Result<Expected, Refusal>,
    got: Result<T, Refusal>,
    input: &[u8],
    make: impl FnOnce(&Expected) -> T,
) {
    let expected = expected.as_ref().map(make).map_err(Clone::clone);
    assert_eq!(got, expected, "{}", shown(input));
}

/// The text as a schema argument: its deeper limit, and what is read of it.
fn schema_argument(bytes: &[u8]) {
    let Ok(value) = read_as(bytes, Profile::Drift, Rules::Drift, SCHEMA_MAX_DEPTH) else {
        return;
    };
    let expected = reference::schema_argument(&value);
    let document = Document::parse(bytes, ValueOptions::for_schema()).expect("read before");
    let schema = Schema::from_document(&document);
    assert_eq!(
        schema.to_canonical_json(),
        reference::canonical(&reference::schema_value(&expected), Rules::Drift),
        "the schema argument {}",
        shown(bytes)
    );
    let contents = SpanContents {
        output_schema: Some(&schema),
        ..SpanContents::default()
    };
    let span = build_span_proto_bytes(&SpanFields::default(), &contents).expect("valid fields");
    let expected_span = [
        reference::message_field(9, &[]),
        reference::message_field(10, &[]),
        reference::message_field(11, &[]),
        reference::message_field(12, &reference::schema_bytes(&expected)),
        reference::message_field(18, &[]),
        reference::message_field(20, &[]),
        reference::message_field(21, &[]),
        reference::message_field(23, &[]),
    ]
    .concat();
    assert_eq!(
        &span[..],
        expected_span,
        "the schema argument {}",
        shown(bytes)
    );
    let depths = process_encoded(&span).message_depths;
    assert_eq!(
        depths,
        [Some(1 + reference::schema_depth(&expected).max(1))]
    );
}

/// The value built by hand, with its members as they stood in the text.
fn built(value: &Expected, input: &[u8]) {
    let processed = reference::process(value, &reference::Merges::new());
    built_of(value, &processed, input);
}

/// The keys that were known when they came, as a binding keeps them: by a few
/// places, so that a key is also offered where other keys stand before it.
type KnownKeys = std::collections::HashMap<(String, u32), KeyStep>;

fn build(builder: &mut DocumentBuilder, value: &Expected, known: &mut Option<KnownKeys>) {
    match value {
        Expected::Null => builder.null(),
        Expected::Bool(value) => builder.bool(*value),
        Expected::Integer(digits) => match digits.parse() {
            Ok(value) => builder.int(value),
            Err(_) => builder.big_int(digits),
        },
        Expected::Float(value) => builder.float(*value),
        Expected::String(text) => builder.string(text),
        Expected::Array(items) => {
            builder.begin_array().expect("within the depth");
            for item in items {
                build(builder, item, known);
            }
            builder.end();
        }
        Expected::Object(members) => {
            builder.begin_object().expect("within the depth");
            for (key, member) in members {
                match known {
                    Some(known) => repeated_key(builder, key, known),
                    None => builder.key(key),
                }
                build(builder, member, known);
            }
            let order = builder.end_object().expect("an object was open");
            let sorted = value.members();
            let places: Vec<usize> = builder.places(order).collect();
            assert_eq!(places.len(), sorted.len());
            for (place, key) in places.iter().zip(sorted.keys()) {
                let last = members.iter().rposition(|(name, _)| name == key);
                assert_eq!(Some(*place), last, "the place of {key:?}");
            }
            let in_order = places.iter().copied().eq(0..members.len());
            assert_eq!(order.in_order(), in_order, "the order of {places:?}");
        }
    }
}

fn repeated_key(builder: &mut DocumentBuilder, key: &str, known: &mut KnownKeys) {
    let slot = (key.to_owned(), builder.keys_so_far() % 4);
    if known
        .get(&slot)
        .is_some_and(|step| builder.repeat_key(*step))
    {
        return;
    }
    if let Some(step) = builder.key_step(key) {
        known.insert(slot, step);
    }
}

fn built_of(value: &Expected, processed: &reference::Processed, input: &[u8]) {
    let mut known = Some(KnownKeys::new());
    // The third time by keys that were kept from the second.
    for way in 0..3 {
        let mut builder = DocumentBuilder::new(ValueOptions::default());
        let keys = if way == 0 { &mut None } else { &mut known };
        build(&mut builder, value, keys);
        let document = builder.finish().expect("balanced calls");
        let normalized = document.to_canonical_json();
        assert_eq!(
            normalized,
            processed.normalized,
            "built from {}",
            shown(input)
        );
        if way == 0 {
            assert_same_value(value, document.root(), input);
        }
        let payload = Payload::new(document, &SchemaMerges::none());
        let struct_bytes = payload.struct_bytes();
        assert_eq!(
            &struct_bytes[..],
            processed.struct_bytes,
            "{}",
            shown(input)
        );
        assert_eq!(payload.schema().to_canonical_json(), processed.schema_json);
    }
}

/// The text as input and metadata of a span: its bytes, depth and reading back.
fn span(value: &Expected, bytes: &[u8]) {
    let empty = Expected::Object(Vec::new());
    let none = reference::Merges::new();
    let input = SpanInput {
        fields: SpanFields {
            name: "n",
            kind: 2,
            ..SpanFields::default()
        },
        input: ValueSource::Json(bytes.into()),
        metadata: ValueSource::Json(bytes.into()),
        ..SpanInput::default()
    };
    let processed = reference::process(value, &none);
    let absent = reference::process(&empty, &none);
    let expected = reference::span_bytes("n", &processed, &absent, value);
    let span = process_span(&input).expect("a valid span");
    assert_eq!(
        &span.span_bytes[..],
        expected,
        "the span of {}",
        shown(bytes)
    );
    assert_eq!(span.input.normalized_json, processed.normalized);
    assert_eq!(span.input.value_hash, processed.value_hash);
    assert_eq!(span.input.schema_json, processed.schema_json);
    assert_eq!(span.input.schema_hash, processed.schema_hash);
    let depth = 1 + reference::struct_depth(value).max(reference::schema_depth(&processed.schema));
    assert_eq!(span.message_depth, depth, "the depth of {}", shown(bytes));
    let batch = process_spans(
        &ExportHeader::default(),
        &[
            BatchSpan::Input(Box::new(input)),
            BatchSpan::Encoded(&span.span_bytes),
        ],
        BatchOptions::default(),
    );
    assert_eq!(batch.errors, []);
    assert_eq!(batch.message_depths, [Some(depth), Some(depth)]);
    let field = reference::message_field(5, &expected);
    assert_eq!(batch.request_bytes, [field.clone(), field].concat());

    let read = reference::canonical(&reference::read_back(value), Rules::Drift);
    assert_eq!(
        struct_to_json(&processed.struct_bytes).as_deref(),
        Ok(read.as_str()),
        "{}",
        shown(bytes)
    );
    let line = span_to_json(&span.span_bytes).expect("we wrote it");
    assert_eq!(
        line,
        trace_line(&processed, &absent, &read),
        "the line of {}",
        shown(bytes)
    );
    assert_eq!(
        diff_spans(&span.span_bytes, &expected).expect("we wrote it"),
        []
    );
}

fn trace_line(input: &reference::Processed, output: &reference::Processed, read: &str) -> String {
    let time = r#"{"nanos":0,"seconds":0}"#;
    format!(
        concat!(
            r#"{{"duration":{},"inputSchema":{},"inputSchemaHash":"{}","inputValue":{},"#,
            r#""inputValueHash":"{}","instrumentationName":"","isPreAppStart":false,"#,
            r#""isRootSpan":false,"kind":2,"metadata":{},"name":"n","outputSchema":{},"#,
            r#""outputSchemaHash":"{}","outputValue":{{}},"outputValueHash":"{}","#,
            r#""packageName":"","packageType":0,"parentSpanId":"","spanId":"","#,
            r#""status":{{"code":0,"message":""}},"submoduleName":"","timestamp":{},"traceId":""}}"#
        ),
        time,
        input.schema_json,
        input.schema_hash,
        read,
        input.value_hash,
        read,
        output.schema_json,
        output.schema_hash,
        output.value_hash,
        time
    )
}

/// The differences between two texts, one by one.
pub(crate) fn different(left: &[u8], right: &[u8]) {
    let parse = |bytes| reference::parse(bytes, Rules::Drift, MAX_DEPTH);
    let got = diff_json(left, right);
    let expected = match (parse(left), parse(right)) {
        (Ok(left), Ok(right)) => reference::differences(&left, &right),
        (Err(refusal), _) | (_, Err(refusal)) => {
            let error = got.expect_err("one side is no JSON");
            assert_eq!(error.code().as_str(), refusal.code, "{}", shown(left));
            assert_eq!(error.offset(), Some(refusal.offset), "{}", shown(left));
            return;
        }
    };
    let got: Vec<reference::Difference> = got
        .expect("both sides are JSON")
        .into_iter()
        .map(|found| (found.kind.as_str(), found.path, found.left, found.right))
        .collect();
    assert_eq!(got, expected, "{}\n{}", shown(left), shown(right));
}

/// A payload and its merges: every output, or the refusal with its place.
pub(crate) fn payload(payload: &[u8], merges_text: Option<&[u8]>) {
    let inputs = || {
        format!(
            "{}\nmerges {}",
            shown(payload),
            shown(merges_text.unwrap_or(b""))
        )
    };
    let expected_payload = reference::parse(payload, Rules::Drift, MAX_DEPTH);
    let expected_merges = match merges_text {
        Some(merges) => reference::merges(merges, MAX_DEPTH),
        None => Ok(reference::Merges::new()),
    };
    let got = process_export_payload(payload, merges_text);
    let (value, merges) = match (expected_payload, expected_merges) {
        (Err(expected), _) => {
            let error = got.expect_err("the payload is no JSON");
            assert_eq!(error.code().as_str(), expected.code, "{}", inputs());
            assert_eq!(error.offset(), Some(expected.offset), "{}", inputs());
            assert_eq!(error.path(), None);
            return;
        }
        (_, Err(expected)) => {
            let Err(error) = got else {
                panic!("{}\n  expected {expected:?}", inputs());
            };
            assert_eq!(error.code().as_str(), "invalid_merges", "{}", inputs());
            assert_eq!(error.path(), Some(expected.path), "{}", inputs());
            assert_eq!(error.offset(), expected.offset, "{}", inputs());
            return;
        }
        (Ok(value), Ok(merges)) => (value, merges),
    };
    let got = match got {
        Ok(got) => got,
        Err(error) => panic!("{}\n  got {error}", inputs()),
    };
    let expected = reference::process(&value, &merges);
    outputs(&got, &expected, inputs);
    let read = merges_text.map(|text| SchemaMerges::parse(text).expect("they were read above"));
    let alone = Payload::parse(payload, &read.unwrap_or_default())
        .expect("it was read above")
        .decode();
    assert_eq!(alone.json, expected.decoded, "{}", inputs());
    assert_eq!(alone.value_hash, expected.value_hash, "{}", inputs());
    assert_eq!(alone.schema_hash, expected.schema_hash, "{}", inputs());
}

fn outputs(got: &ProcessedPayload, expected: &reference::Processed, inputs: impl Fn() -> String) {
    assert_eq!(got.normalized_json, expected.normalized, "{}", inputs());
    assert_eq!(got.decoded_json(), expected.decoded, "{}", inputs());
    assert!(
        !got.decoded_is_normalized() || expected.normalized == expected.decoded,
        "{}",
        inputs()
    );
    assert_eq!(got.decoded_value_hash, expected.value_hash, "{}", inputs());
    assert_eq!(
        got.decoded_schema_json,
        expected.schema_json,
        "{}",
        inputs()
    );
    assert_eq!(
        got.decoded_schema_hash,
        expected.schema_hash,
        "{}",
        inputs()
    );
    assert_eq!(
        &got.protobuf_struct_bytes[..],
        expected.struct_bytes,
        "{}",
        inputs()
    );
}

/// A payload with merges, also as a span's output.
pub(crate) fn merges(payload_text: &[u8], merges_text: &[u8]) {
    payload(payload_text, Some(merges_text));
    let (Ok(value), Ok(merges)) = (
        reference::parse(payload_text, Rules::Drift, MAX_DEPTH),
        reference::merges(merges_text, MAX_DEPTH),
    ) else {
        return;
    };
    let empty = Expected::Object(Vec::new());
    let absent = reference::process(&empty, &reference::Merges::new());
    let processed = reference::process(&value, &merges);
    let span = process_span(&SpanInput {
        fields: SpanFields {
            name: "n",
            kind: 2,
            ..SpanFields::default()
        },
        output: ValueSource::Json(payload_text.into()),
        output_merges: MergesSource::Json(merges_text.into()),
        ..SpanInput::default()
    })
    .expect("a valid span");
    assert_eq!(
        &span.span_bytes[..],
        reference::span_bytes("n", &absent, &processed, &empty),
        "the span of {}\nmerges {}",
        shown(payload_text),
        shown(merges_text)
    );
    let depth = 1 + reference::struct_depth(&value).max(reference::schema_depth(&processed.schema));
    assert_eq!(span.message_depth, depth);
    // What we return, we take: the schema, as an argument, is what it was.
    let document = Document::parse(&processed.schema_json, ValueOptions::for_schema());
    let document = document.expect("our own schema is taken");
    assert_eq!(
        Schema::from_document(&document).to_canonical_json(),
        processed.schema_json
    );
}

/// The fuzz target `json`: what every entry makes of one text, and of one with
/// nearly the same shapes, while the tables learn them: the reference reads it
/// once in each profile. [`json`] asks for more and is slower.
pub(crate) fn text(bytes: &[u8]) {
    let got = process_export_payload(bytes, None::<&str>);
    let expected = reading(bytes);
    let Ok(value) = &expected else {
        let refused = reference_refusal(&expected);
        let error = got.expect_err("the payload is no JSON");
        assert_eq!(error.code().as_str(), refused.code, "{}", shown(bytes));
        assert_eq!(error.offset(), Some(refused.offset), "{}", shown(bytes));
        entries(bytes, &expected, None);
        return;
    };
    let got = got.unwrap_or_else(|error| panic!("{}\n  got {error}", shown(bytes)));
    let none = reference::Merges::new();
    let processed = reference::process(value, &none);
    outputs(&got, &processed, || shown(bytes));
    entries(bytes, &expected, Some(&processed));
    built_of(value, &processed, bytes);

    // The keys are learned by now. What is known must not be taken for what
    // looks like it, nor the schema of one for that of the other.
    let mut random = Random::new(seed_of(bytes));
    let nearly = nearly_the_same(value, &mut random);
    let nearly_text = written(&nearly, &mut random);
    payload(nearly_text.as_bytes(), None);
    for known in [bytes, nearly_text.as_bytes(), bytes] {
        process_export_payload(known, None::<&str>).ok();
    }
    payload(nearly_text.as_bytes(), None);
    let again = process_export_payload(bytes, None::<&str>).expect("it was taken before");
    outputs(&again, &processed, || shown(bytes));
}

fn reference_refusal(expected: &Result<Expected, Refusal>) -> Refusal {
    match expected {
        Err(refusal) => refusal.clone(),
        Ok(value) => panic!("{value:?} is no refusal"),
    }
}

/// The calls that give a part of what `process_export_payload` gives.
fn entries(
    bytes: &[u8],
    expected: &Result<Expected, Refusal>,
    processed: Option<&reference::Processed>,
) {
    let part = |make: fn(&reference::Processed) -> String| {
        move |_: &Expected| processed.map(make).expect("values are processed")
    };
    let normalized = part(|processed| processed.normalized.clone());
    let hash = part(|processed| processed.value_hash.clone());
    assert_refused_or(expected, refusal(normalize_json(bytes)), bytes, normalized);
    assert_refused_or(expected, refusal(deterministic_hash(bytes)), bytes, hash);
    let both = refusal(normalize_and_hash(bytes));
    assert_refused_or(expected, both, bytes, |value| {
        (normalized(value), hash(value))
    });
    let struct_bytes = refusal(object_to_protobuf_struct_bytes(bytes)).map(|bytes| bytes.to_vec());
    assert_refused_or(expected, struct_bytes, bytes, |_| {
        processed
            .map(|processed| processed.struct_bytes.clone())
            .expect("values are processed")
    });
    let field_count = refusal(object_to_protobuf_struct_field_count(bytes));
    assert_refused_or(expected, field_count, bytes, |value| value.members().len());
}

/// The same number for the same input: FNV-1a.
fn seed_of(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |seed, byte| {
        (seed ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

/// The value with a few members left out, repeated, renamed a little, moved or
/// of another kind. What is added is small: a copy in each of 127 levels would
/// be too much.
fn nearly_the_same(value: &Expected, random: &mut Random) -> Expected {
    match value {
        Expected::Object(members) => {
            let mut members: Vec<_> = members
                .iter()
                .map(|(key, member)| (key.clone(), nearly_the_same(member, random)))
                .collect();
            let at = random.below(members.len());
            match random.below(10) {
                0 if !members.is_empty() => drop(members.remove(at)),
                1 if !members.is_empty() => members.push((members[at].0.clone(), Expected::Null)),
                2 if !members.is_empty() => members[at].0.push('a'),
                3 if !members.is_empty() => drop(members[at].0.pop()),
                4 => random.shuffle(&mut members),
                5 => members.insert(at, ("a".to_owned(), Expected::Null)),
                6 if !members.is_empty() => members[at].1 = Expected::String("a".to_owned()),
                _ => {}
            }
            Expected::Object(members)
        }
        Expected::Array(items) => {
            let mut items: Vec<_> = items
                .iter()
                .map(|item| nearly_the_same(item, random))
                .collect();
            match random.below(8) {
                0 => items.reverse(),
                1 => items.push(Expected::Bool(true)),
                _ => {}
            }
            Expected::Array(items)
        }
        scalar if random.once_in(6) => match scalar {
            Expected::Null => Expected::Bool(true),
            Expected::Bool(_) => Expected::Integer("10".to_owned()),
            Expected::Integer(_) => Expected::Float(0.5),
            Expected::Float(_) => Expected::Null,
            _ => Expected::Array(Vec::new()),
        },
        scalar => scalar.clone(),
    }
}

/// A text of the value: its members in their order, some characters escaped,
/// white space between some tokens.
fn written(value: &Expected, random: &mut Random) -> String {
    let spaced = random.once_in(4);
    let escaped = random.once_in(4);
    let mut out = String::new();
    write_value(&mut out, value, &mut |out, token| {
        if escaped && token.starts_with("\"") && random.once_in(4) {
            // The first character, if it stands for itself.
            match token.chars().nth(1) {
                Some(letter @ ('#'..='[' | ']'..='~')) => {
                    out.push_str(&format!("\"\\u{:04X}", u32::from(letter)));
                    out.push_str(&token[2..]);
                }
                _ => out.push_str(token),
            }
        } else {
            out.push_str(token);
        }
        if spaced && random.once_in(3) {
            out.push_str([" ", "\n", "\t\t", "        "][random.below(4)]);
        }
    });
    out
}

fn write_value(out: &mut String, value: &Expected, token: &mut impl FnMut(&mut String, &str)) {
    match value {
        Expected::Array(items) => {
            token(out, "[");
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    token(out, ",");
                }
                write_value(out, item, token);
            }
            token(out, "]");
        }
        Expected::Object(members) => {
            token(out, "{");
            for (place, (key, member)) in members.iter().enumerate() {
                if place > 0 {
                    token(out, ",");
                }
                token(out, &reference::quoted(key));
                token(out, ":");
                write_value(out, member, token);
            }
            token(out, "}");
        }
        scalar => token(out, &reference::canonical(scalar, Rules::Drift)),
    }
}

/// The fuzz target `merges`: a payload and its merges against the reference,
/// with tables that know other payloads and with an empty one, and the span of
/// one call against that of the separate calls.
pub(crate) fn merges_and_tables(payload_text: &[u8], merges_text: &[u8]) {
    payload(payload_text, Some(merges_text));
    let Ok(warm) = process_export_payload(payload_text, Some(merges_text)) else {
        return;
    };
    // Documents that are alive keep their tables; there are eight to be had.
    let others = [(); 8].map(|()| Document::parse("0", ValueOptions::default()));
    let cold = process_export_payload(payload_text, Some(merges_text));
    drop(others);
    let inputs = || format!("{}\nmerges {}", shown(payload_text), shown(merges_text));
    assert_eq!(cold.as_ref(), Ok(&warm), "{}", inputs());

    let fields = SpanFields {
        name: "n",
        ..SpanFields::default()
    };
    let in_one_call = process_span(&SpanInput {
        fields,
        input: ValueSource::Json(payload_text.into()),
        input_merges: MergesSource::Json(merges_text.into()),
        ..SpanInput::default()
    })
    .expect("a valid span");
    let document = Document::parse(&warm.decoded_schema_json, ValueOptions::for_schema());
    let document = document.expect("our own schema is taken");
    let nothing = process_export_payload("{}", None::<&str>).expect("an empty object");
    let empty = Document::parse(&nothing.decoded_schema_json, ValueOptions::for_schema());
    let empty = empty.expect("our own schema is taken");
    let separately = build_span_proto_bytes(
        &fields,
        &SpanContents {
            input_schema: Some(&Schema::from_document(&document)),
            output_schema: Some(&Schema::from_document(&empty)),
            input_schema_hash: &warm.decoded_schema_hash,
            output_schema_hash: &nothing.decoded_schema_hash,
            input_value_hash: &warm.decoded_value_hash,
            output_value_hash: &nothing.decoded_value_hash,
            input_value: StructSource::Bytes(&warm.protobuf_struct_bytes),
            ..SpanContents::default()
        },
    );
    assert_eq!(
        separately.as_ref(),
        Ok(&in_one_call.span_bytes),
        "{}",
        inputs()
    );
    assert_eq!(in_one_call.input.normalized_json, warm.normalized_json);
}

/// The fuzz target `protobuf`: bytes as a Struct, as a span and as an export
/// request, read and refused as the reference reads and refuses them. What is
/// read, written and read again stays the same; a refusal has its place.
pub(crate) fn protobuf(bytes: &[u8]) {
    let read = |got: Result<String, ProtobufError>, expected: Option<Expected>| {
        let expected = expected.map(|value| reference::canonical(&value, Rules::Drift));
        if let Err(error) = &got {
            match error.offset() {
                Some(offset) => {
                    assert_eq!(error.code().as_str(), "invalid_protobuf");
                    assert!(offset <= bytes.len(), "{offset} in {}", shown(bytes));
                }
                None => assert_eq!(error.code().as_str(), "depth_exceeded"),
            }
        }
        assert_eq!(got.as_ref().ok(), expected.as_ref(), "{}", shown(bytes));
        got
    };
    if let Ok(json) = read(struct_to_json(bytes), reference::read_struct(bytes)) {
        written_again(bytes, &json);
    }
    let span = build_span_proto_bytes(
        &SpanFields::default(),
        &SpanContents {
            input_value: StructSource::Bytes(bytes),
            ..SpanContents::default()
        },
    );
    assert_eq!(
        span.is_ok(),
        reference::is_struct(bytes),
        "{}",
        shown(bytes)
    );

    let as_span = read(span_to_json(bytes), reference::read_span(bytes));
    let header = ExportHeader::default();
    let batch = process_encoded(bytes);
    let request = build_export_spans_request_bytes(&header, &[bytes]);
    assert_eq!(
        request.is_ok(),
        reference::is_span(bytes),
        "{}",
        shown(bytes)
    );
    assert_eq!(batch.errors.is_empty(), request.is_ok(), "{}", shown(bytes));
    assert_eq!(diff_spans(bytes, bytes).is_ok(), as_span.is_ok());
    if let Ok(request) = &request {
        assert_eq!(&batch.request_bytes, request, "{}", shown(bytes));
        assert_eq!(*request, reference::message_field(5, bytes));
        let as_request = export_request_to_json(request);
        let expected = reference::read_export_request(request)
            .map(|value| reference::canonical(&value, Rules::Drift));
        assert_eq!(as_request.ok(), expected, "{}", shown(bytes));
    }
    if let Ok(json) = as_span {
        assert!(request.is_ok(), "read but refused: {}", shown(bytes));
        assert_eq!(diff_spans(bytes, bytes).as_deref(), Ok(&[][..]));
        canonical_text(&json, bytes);
    }
    let as_request = read(
        export_request_to_json(bytes),
        reference::read_export_request(bytes),
    );
    if let Ok(json) = as_request {
        assert_eq!(diff_export_requests(bytes, bytes).as_deref(), Ok(&[][..]));
        canonical_text(&json, bytes);
    }
}

/// Reads our own text, which must be canonical; bytes may nest deeper than text.
fn canonical_text<'t>(text: &'t str, input: &[u8]) -> Option<Document<'t>> {
    let options = ValueOptions::default().with_max_depth(MAX_DEPTH_LIMIT);
    match Document::parse(text, options) {
        Ok(document) => {
            assert_eq!(document.to_canonical_json(), text, "{}", shown(input));
            Some(document)
        }
        Err(JsonError::DepthExceeded { .. }) => None,
        Err(error) => panic!("{error} in what was read of {}", shown(input)),
    }
}

fn written_again(bytes: &[u8], read: &str) {
    let Some(document) = canonical_text(read, bytes) else {
        return;
    };
    let written = Payload::new(document, &SchemaMerges::none()).struct_bytes();
    assert_eq!(
        struct_to_json(&written).as_deref(),
        Ok(read),
        "{}",
        shown(bytes)
    );
    let again = canonical_text(read, bytes).expect("it was read before");
    let again = Payload::new(again, &SchemaMerges::none()).struct_bytes();
    assert_eq!(again, written, "{}", shown(bytes));
    let span = build_span_proto_bytes(
        &SpanFields::default(),
        &SpanContents {
            input_value: StructSource::Bytes(bytes),
            ..SpanContents::default()
        },
    );
    let span = span.unwrap_or_else(|error| panic!("{error} for {}", shown(bytes)));
    let json = span_to_json(&span).expect("the Struct was read alone");
    assert!(json.contains(&format!("\"inputValue\":{read},")));
}

/// Splits the input of the fuzz target `merges`: the payload up to the first
/// byte 0xFF, which is in no text, and the merges behind it.
pub(crate) fn split_merges(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.iter().position(|byte| *byte == 0xFF) {
        Some(place) => (&bytes[..place], &bytes[place + 1..]),
        None => (bytes, b"{}"),
    }
}

fn process_encoded(span: &[u8]) -> ProcessedBatch {
    process_spans(
        &ExportHeader::default(),
        &[BatchSpan::Encoded(span)],
        BatchOptions::default(),
    )
}
