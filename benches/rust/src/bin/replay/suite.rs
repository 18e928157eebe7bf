//! The generated suite: seeded, so that it is the same everywhere.
//!
//! HTTP through requests and fetch, SQL through psycopg2 and pg, Redis, in the
//! spellings of both SDKs; one trace a file. Beside traces of 2 to 48 spans there
//! are some of the lengths in [`LENGTHS`], and one that makes the same call
//! [`REPEATED`] times.

use drift_rust_core::{HashAlgorithm, process_export_payload};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Failure;

const SEED: u64 = 20_261_125;
/// Spans of a trace, and how many such traces there are: of each length about as
/// many spans can be asked for.
pub(crate) const LENGTHS: [(u64, u64); 5] =
    [(10, 200), (100, 20), (1_000, 2), (10_000, 1), (100_000, 1)];
/// Spans of the trace of one call that is made again and again, its root among them.
pub(crate) const REPEATED: u64 = 5_000;
/// Most spans of any other trace.
const LARGEST_TRACE: u64 = 48;

/// SplitMix64: enough for a mix that is the same everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new() -> Random {
        Random(SEED)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    fn word(&mut self) -> &'static str {
        const WORDS: [&str; 16] = [
            "alpha",
            "order",
            "customer",
            "invoice",
            "shipped",
            "pending",
            "refund",
            "north",
            "account",
            "payment",
            "cancelled",
            "warehouse",
            "express",
            "größe",
            "東京",
            "window",
        ];
        let place = self.below(WORDS.len() as u64) as usize;
        WORDS.get(place).copied().unwrap_or_default()
    }

    fn words(&mut self, count: u64) -> String {
        let words: Vec<&str> = (0..count).map(|_| self.word()).collect();
        words.join(" ")
    }
}

/// One call: what a line holds beside what all lines have.
struct Call {
    package: &'static str,
    package_type: u32,
    instrumentation: &'static str,
    submodule: &'static str,
    name: String,
    input: String,
    output: String,
    merges: &'static str,
    output_merges: &'static str,
    node: bool,
}

const HTTP_MERGES: &str =
    r#"{"headers":{"match_importance":0.0},"body":{"encoding":1,"decoded_type":1}}"#;
const SQL_MERGES: &str = r#"{"parameters":{"match_importance":0.0}}"#;

fn base64(text: &str) -> String {
    base64_simd::STANDARD.encode_to_string(text)
}

fn rows(random: &mut Random, count: u64) -> String {
    let rows: Vec<String> = (0..count)
        .map(|_| {
            format!(
                "{{\"id\":{},\"name\":\"{}\",\"total\":{}.{:02}}}",
                random.below(1 << 40),
                random.words(3),
                random.below(10_000),
                random.below(100),
            )
        })
        .collect();
    format!("[{}]", rows.join(","))
}

fn call(random: &mut Random) -> Call {
    let id = random.below(1_000_000);
    match random.below(10) {
        0..2 => {
            let path = format!("/api/v1/{}/{id}", random.word());
            let count = u64::from(random.below(4) == 0);
            let body = format!(
                "{{\"ids\":[{id},{}],\"rows\":{}}}",
                id + 1,
                rows(random, count)
            );
            let count = 1;
            let answer = format!("{{\"ok\":true,\"rows\":{}}}", rows(random, count));
            Call {
                package: "http",
                package_type: 1,
                instrumentation: "RequestsInstrumentation",
                submodule: "POST",
                name: format!("POST {path}"),
                input: format!(
                    "{{\"method\":\"POST\",\"url\":\"http://orders.internal:8080{path}\",\"protocol\":\"http\",\
                     \"hostname\":\"orders.internal\",\"port\":8080,\"path\":\"{path}\",\"headers\":{{\
                     \"User-Agent\":\"python-requests/2.34.2\",\"Accept\":\"*/*\",\"X-Request-Id\":\"{:016x}\"}},\
                     \"query\":{{}},\"body\":\"{}\",\"bodySize\":{}}}",
                    random.next(),
                    base64(&body),
                    body.len()
                ),
                output: format!(
                    "{{\"statusCode\":200,\"statusMessage\":\"OK\",\"headers\":{{\"Content-Type\":\"application/json\"}},\
                     \"body\":\"{}\",\"bodySize\":{}}}",
                    base64(&answer),
                    answer.len()
                ),
                merges: HTTP_MERGES,
                output_merges: HTTP_MERGES,
                node: false,
            }
        }
        2 => {
            let count = 1;
            let answer = format!("{{\"items\":{}}}", rows(random, count));
            Call {
                package: "fetch",
                package_type: 1,
                instrumentation: "FetchInstrumentation",
                submodule: "GET",
                name: format!("https://stock.internal/items/{id}"),
                input: format!(
                    "{{\"url\":\"https://stock.internal/items/{id}?page={}\",\"method\":\"GET\",\
                     \"headers\":{{\"authorization\":\"Bearer {:016x}{:016x}\"}}}}",
                    random.below(9),
                    random.next(),
                    random.next()
                ),
                output: format!(
                    "{{\"status\":200,\"statusText\":\"OK\",\"headers\":{{\"content-type\":\"application/json\"}},\
                     \"body\":\"{}\",\"bodySize\":{}}}",
                    base64(&answer),
                    answer.len()
                ),
                merges: HTTP_MERGES,
                output_merges: HTTP_MERGES,
                node: true,
            }
        }
        3..6 => {
            let count = 1;
            Call {
                package: "psycopg2",
                package_type: 4,
                instrumentation: "Psycopg2Instrumentation",
                submodule: "query",
                name: "psycopg2.query".to_owned(),
                input: format!(
                    "{{\"query\":\"SELECT id, name, total FROM orders_{} WHERE customer_id = %s ORDER BY id LIMIT 50\",\
                     \"parameters\":[{id}]}}",
                    random.below(40)
                ),
                output: format!(
                    "{{\"rowcount\":{count},\"description\":[[\"id\",20],[\"name\",25],[\"total\",1700]],\"rows\":{}}}",
                    rows(random, count)
                ),
                merges: SQL_MERGES,
                output_merges: "{}",
                node: false,
            }
        }
        6..9 => Call {
            package: "redis",
            package_type: 7,
            instrumentation: "RedisInstrumentation",
            submodule: "GET",
            name: "redis.GET".to_owned(),
            input: format!("{{\"command\":\"GET\",\"args\":[\"session:{id}\"]}}"),
            output: format!("{{\"result\":\"{}\"}}", random.words(20)),
            merges: "{}",
            output_merges: "{}",
            node: false,
        },
        _ => {
            let count = 1;
            Call {
                package: "pg",
                package_type: 4,
                instrumentation: "PgInstrumentation",
                submodule: "query",
                name: "pg.query".to_owned(),
                input: format!(
                    "{{\"query\":\"UPDATE stock_{} SET amount = amount - $1 WHERE item = $2 RETURNING *\",\"values\":[{},{id}]}}",
                    random.below(40),
                    1 + random.below(5)
                ),
                output: format!("{{\"rowCount\":{count},\"rows\":{}}}", rows(random, count)),
                merges: "{}",
                output_merges: "{}",
                node: true,
            }
        }
    }
}

/// The root span of a trace.
fn inbound(random: &mut Random) -> Call {
    let path = format!("/{}/{}", random.word(), random.below(100_000));
    let count = 1;
    let answer = rows(random, count);
    Call {
        package: "flask",
        package_type: 1,
        instrumentation: "FlaskInstrumentation",
        submodule: "GET",
        name: format!("GET {path}"),
        input: format!(
            "{{\"method\":\"GET\",\"url\":\"http://127.0.0.1:3000{path}\",\"target\":\"{path}\",\
             \"headers\":{{\"Host\":\"127.0.0.1:3000\",\"Accept\":\"*/*\"}},\"httpVersion\":\"1.1\",\
             \"remoteAddress\":\"127.0.0.1\",\"remotePort\":{}}}",
            40_000 + random.below(20_000)
        ),
        output: format!(
            "{{\"statusCode\":200,\"statusMessage\":\"OK\",\"headers\":{{\"Content-Type\":\"application/json\"}},\
             \"body\":\"{}\",\"bodySize\":{}}}",
            base64(&answer),
            answer.len()
        ),
        merges: r#"{"headers":{"match_importance":0.0}}"#,
        output_merges: HTTP_MERGES,
        node: false,
    }
}

fn push_line(
    text: &mut String,
    call: &Call,
    trace: u128,
    span: u64,
    nanos: u64,
    root: bool,
) -> Result<(), Failure> {
    let input = process_export_payload(call.input.as_str(), Some(call.merges))?;
    let output = process_export_payload(call.output.as_str(), Some(call.output_merges))?;
    let spell = |schema: &str| match call.node {
        true => schema
            .replace("decoded_type", "decodedType")
            .replace("match_importance", "matchImportance"),
        false => schema.to_owned(),
    };
    let schema_hash = |spelt: &str, python: &str| match call.node {
        true => HashAlgorithm::Sha256.hex(spelt.as_bytes()),
        false => python.to_owned(),
    };
    let (input_schema, output_schema) = (
        spell(&input.decoded_schema_json),
        spell(&output.decoded_schema_json),
    );
    writeln!(
        text,
        "{{\"traceId\":\"{trace:032x}\",\"spanId\":\"{span:016x}\",\"parentSpanId\":\"{}\",\"name\":\"{}\",\
         \"packageName\":\"{}\",\"instrumentationName\":\"{}\",\"submoduleName\":\"{}\",\"inputValue\":{},\
         \"outputValue\":{},\"inputSchema\":{input_schema},\"outputSchema\":{output_schema},\
         \"inputSchemaHash\":\"{}\",\"outputSchemaHash\":\"{}\",\"inputValueHash\":\"{}\",\"outputValueHash\":\"{}\",\
         \"kind\":{},\"status\":{{\"code\":1,\"message\":\"\"}},\"isPreAppStart\":false,\
         \"timestamp\":{{\"seconds\":{},\"nanos\":{}}},\"duration\":{{\"seconds\":0,\"nanos\":{}}},\
         \"isRootSpan\":{root},\"packageType\":{},\"environment\":\"development\"{}}}",
        if root { "" } else { "00f067aa0ba902b7" },
        call.name,
        call.package,
        call.instrumentation,
        call.submodule,
        call.input,
        call.output,
        schema_hash(&input_schema, &input.decoded_schema_hash),
        schema_hash(&output_schema, &output.decoded_schema_hash),
        input.decoded_value_hash,
        output.decoded_value_hash,
        if root { 2 } else { 3 },
        1_795_227_890 + nanos / 1_000_000_000,
        nanos % 1_000_000_000,
        1_000_000 + span % 1_000_000,
        call.package_type,
        if call.node {
            ""
        } else {
            ",\"isUsed\":true,\"stackTrace\":\"\""
        },
    )?;
    Ok(())
}

/// A trace: its first span, how many it has, and whether it repeats one call.
struct Planned {
    first: u64,
    size: u64,
    repeats: bool,
}

/// All traces. The long ones come first, as far as there is room for them.
fn plan(spans: u64) -> Vec<Planned> {
    let mut random = Random::new();
    let mut traces = Vec::new();
    let mut first = 0;
    let long = LENGTHS.into_iter().rev();
    for (size, count, repeats) in long
        .map(|(size, count)| (size, count, false))
        .chain([(REPEATED, 1, true)])
    {
        for _ in 0..count {
            if first + size <= spans {
                traces.push(Planned {
                    first,
                    size,
                    repeats,
                });
                first += size;
            }
        }
    }
    while first < spans {
        let size = (2 + random.below(LARGEST_TRACE - 1)).min(spans - first);
        traces.push(Planned {
            first,
            size,
            repeats: false,
        });
        first += size;
    }
    traces
}

/// Writes the suite below a directory; gives its bytes.
pub(crate) fn write(directory: &Path, spans: u64) -> Result<u64, Failure> {
    let traces = plan(spans);
    let bytes = AtomicU64::new(0);
    let next = AtomicU64::new(0);
    let work = || -> Result<(), Failure> {
        let mut text = String::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(planned) = traces.get(number as usize) else {
                return Ok(());
            };
            let mut random = Random(SEED ^ (number + 1).wrapping_mul(0xA24B_AED4_963E_E407));
            let trace = u128::from(random.next()) << 64 | u128::from(random.next());
            let start = number * 1_000_000_000;
            text.clear();
            let mut asked_before: Option<Call> = None;
            for place in 1..planned.size {
                // Now and then the same call again: a poll loop, a cache that is not there.
                let call = match asked_before.take() {
                    Some(call) if planned.repeats || random.below(8) == 0 => call,
                    _ => call(&mut random),
                };
                push_line(
                    &mut text,
                    &call,
                    trace,
                    planned.first + place,
                    start + place * 40_000,
                    false,
                )?;
                asked_before = Some(call);
            }
            let root = inbound(&mut random);
            push_line(&mut text, &root, trace, planned.first, start, true)?;
            let folder = directory.join(format!("{:03}", number / 1000));
            std::fs::create_dir_all(&folder)?;
            std::fs::write(
                folder.join(format!("{number:06}_trace_{trace:032x}.jsonl")),
                &text,
            )?;
            bytes.fetch_add(text.len() as u64, Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(work);
        let own = work();
        other
            .join()
            .map_err(|_| Failure::from("a writer panicked"))??;
        own
    })?;
    Ok(bytes.into_inner())
}
