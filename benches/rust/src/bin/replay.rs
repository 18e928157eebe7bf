//! Loads a suite of a million spans, and asks it for answers.
//!
//! `drift-replay-bench DIRECTORY [--spans N] [--keep]` writes the suite below the
//! directory (seeded; 1.7 GB for a million spans in some 40,000 trace files, one
//! of them with 10,000 spans), loads it, prints speed and memory, asks for
//! recorded calls again, and removes the suite. It ends with status 1 when a
//! recorded call is not answered by itself.

use drift_replay::load::{LoadOptions, SpanIndex};
use drift_replay::{MatchOptions, Matcher, MockRequest, Recording, Span};
use drift_rust_core::{HashAlgorithm, process_export_payload};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const SEED: u64 = 20_261_125;
/// Spans of the one long trace.
const LONG_TRACE: u64 = 10_000;
/// Most spans of any other trace.
const LARGEST_TRACE: u64 = 48;
const ASKED: usize = 100_000;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// SplitMix64: enough for a mix that is the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
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

/// The sizes of all traces, and where each one's spans start.
fn plan(spans: u64) -> Vec<(u64, u64)> {
    let mut random = Random(SEED);
    let mut traces = Vec::new();
    let mut first = 0;
    while first < spans {
        let size = match traces.len() {
            7 => LONG_TRACE,
            _ => 2 + random.below(LARGEST_TRACE - 1),
        };
        let size = size.min(spans - first);
        traces.push((first, size));
        first += size;
    }
    traces
}

fn write_suite(directory: &Path, spans: u64) -> Result<u64, Failure> {
    let traces = plan(spans);
    let bytes = AtomicU64::new(0);
    let next = AtomicU64::new(0);
    let work = || -> Result<(), Failure> {
        let mut text = String::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some((first, size)) = traces.get(number as usize) else {
                return Ok(());
            };
            let mut random = Random(SEED ^ (number + 1).wrapping_mul(0xA24B_AED4_963E_E407));
            let trace = u128::from(random.next()) << 64 | u128::from(random.next());
            let start = number * 1_000_000_000;
            text.clear();
            let mut asked_before: Option<Call> = None;
            for place in 1..*size {
                // Now and then the same call again: a poll loop, a cache that is not there.
                let call = match asked_before.take() {
                    Some(call) if random.below(8) == 0 => call,
                    _ => call(&mut random),
                };
                push_line(
                    &mut text,
                    &call,
                    trace,
                    first + place,
                    start + place * 40_000,
                    false,
                )?;
                asked_before = Some(call);
            }
            let root = inbound(&mut random);
            push_line(&mut text, &root, trace, *first, start, true)?;
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

/// Seconds of all processors that the process has used.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // User and system time are the 12th and 13th behind the name in brackets,
    // in hundredths of a second.
    let fields = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace();
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    ticks as f64 / 100.0
}

/// Bytes of a line of `/proc/self/status`.
fn memory(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = status.lines().find_map(|line| {
        line.strip_prefix(name)?
            .trim()
            .strip_suffix(" kB")?
            .parse()
            .ok()
    });
    kilobytes.unwrap_or(0_u64) * 1024
}

fn request_of(span: &Span, trace_id: &str) -> MockRequest {
    MockRequest {
        test_id: Some(trace_id.to_owned()),
        span: Span {
            output_value: None,
            output_schema: None,
            place: None,
            ..span.clone()
        },
    }
}

/// Times of single calls, sorted.
struct Times(Vec<Duration>);

impl Times {
    fn of(mut times: Vec<Duration>) -> Times {
        times.sort_unstable();
        Times(times)
    }

    fn percentile(&self, share: f64) -> f64 {
        let place = ((self.0.len() as f64 - 1.0) * share) as usize;
        self.0
            .get(place)
            .map_or(0.0, |time| time.as_secs_f64() * 1e6)
    }

    fn per_second(&self) -> f64 {
        self.0.len() as f64 / self.0.iter().sum::<Duration>().as_secs_f64()
    }
}

/// Asks for spans of the recording again; all must be answered, and by an equal call.
fn ask(
    matcher: &Matcher,
    spans: &[SpanIndex],
    change: impl Fn(&mut Span),
    with_data: bool,
) -> Result<Times, Failure> {
    let recording = matcher.recording();
    let requests = spans
        .iter()
        .map(|span| {
            let trace = recording.trace_of(*span).ok_or("a span has a trace")?;
            let mut request = request_of(&recording.span(*span)?, &trace.trace_id);
            change(&mut request.span);
            Ok(request)
        })
        .collect::<Result<Vec<MockRequest>, Failure>>()?;
    let mut times = Vec::with_capacity(requests.len());
    for request in &requests {
        let start = Instant::now();
        let answer = matcher.answer(request);
        let found = answer.found.ok_or("a recorded call is not answered")?;
        if with_data {
            recording.response_data(found.span)?;
        }
        times.push(start.elapsed());
    }
    Ok(Times::of(times))
}

fn report(out: &mut impl std::io::Write, name: &str, times: &Times) -> std::io::Result<()> {
    writeln!(
        out,
        "{name:<58} {:>9.0} a second on one thread, 50% {:>6.1} us, 99% {:>6.1} us",
        times.per_second(),
        times.percentile(0.5),
        times.percentile(0.99)
    )
}

fn measure(directory: &Path, bytes: u64, out: &mut impl std::io::Write) -> Result<(), Failure> {
    let before = memory("VmRSS:");
    let processors_before = processor_seconds();
    let start = Instant::now();
    let recording = Recording::load(&LoadOptions::new([directory]), &|_| {})?;
    let loaded = start.elapsed();
    let matcher = Matcher::new(Arc::new(recording), MatchOptions::default());
    let ready = start.elapsed();
    let processors = processor_seconds() - processors_before;
    let recording = matcher.recording();
    let (held, peak) = (memory("VmRSS:") - before, memory("VmHWM:") - before);
    let rate = |time: Duration| bytes as f64 / 1e6 / time.as_secs_f64();
    writeln!(
        out,
        "{} spans of {} traces, {:.0} MB, {} problems",
        recording.span_count(),
        recording.traces().len(),
        bytes as f64 / 1e6,
        recording.problems().len()
    )?;
    writeln!(
        out,
        "loaded in {:.2} s ({:.0} MB/s), with its index in {:.2} s ({:.0} MB/s), {processors:.2} s of all processors",
        loaded.as_secs_f64(),
        rate(loaded),
        ready.as_secs_f64(),
        rate(ready)
    )?;
    writeln!(
        out,
        "memory: {:.0} MB held, {:.0} MB at the peak: {:.2} and {:.2} of the size of the files; {:.0} bytes a span",
        held as f64 / 1e6,
        peak as f64 / 1e6,
        held as f64 / bytes as f64,
        peak as f64 / bytes as f64,
        held as f64 / recording.span_count().max(1) as f64
    )?;
    if !recording.problems().is_empty() {
        return Err("the suite has problems".into());
    }

    let long = recording
        .traces()
        .iter()
        .max_by_key(|trace| trace.span_count())
        .ok_or("the suite has traces")?;
    let mut random = Random(SEED);
    let outbound = |span: &SpanIndex| recording.is_outbound(*span);
    let asked: Vec<SpanIndex> = (0..ASKED)
        .map(|_| SpanIndex(random.below(recording.span_count() as u64) as u32))
        .filter(outbound)
        .collect();
    let of_long: Vec<SpanIndex> = long.spans().filter(outbound).collect();
    report(
        out,
        "the same call, answer chosen",
        &ask(&matcher, &asked, |_| {}, false)?,
    )?;
    report(
        out,
        "the same call, answer chosen and read",
        &ask(&matcher, &asked, |_| {}, true)?,
    )?;
    report(
        out,
        &format!("the same call in a trace of {}", long.span_count()),
        &ask(&matcher, &of_long, |_| {}, false)?,
    )?;
    // Everything there is used by now.
    report(
        out,
        "the same, all of them used",
        &ask(&matcher, &of_long, |_| {}, false)?,
    )?;
    let changed = |span: &mut Span| {
        span.input_value_hash.clear();
        if let Some(input) = &mut span.input_value {
            *input = input.replace("X-Request-Id\":\"", "X-Request-Id\":\"f");
            *input = input.replace("Bearer ", "Bearer f");
        }
    };
    let few: Vec<SpanIndex> = asked.iter().copied().take(ASKED / 5).collect();
    report(out, "another header", &ask(&matcher, &few, changed, false)?)?;

    let start = Instant::now();
    let requests: Vec<MockRequest> = asked
        .iter()
        .filter_map(|span| {
            let trace = recording.trace_of(*span)?;
            Some(request_of(&recording.span(*span).ok()?, &trace.trace_id))
        })
        .collect();
    let read = asked.len() as f64 / start.elapsed().as_secs_f64();
    writeln!(
        out,
        "{:<58} {read:>9.0} a second on one thread",
        "a span read from its file"
    )?;
    let threads = std::thread::available_parallelism()?.get();
    let start = Instant::now();
    std::thread::scope(|scope| {
        for number in 0..threads {
            // Each begins elsewhere, as connections of different tests do.
            let (first, rest) = requests.split_at(requests.len() * number / threads);
            let matcher = &matcher;
            scope.spawn(move || {
                for request in rest.iter().chain(first) {
                    drop(matcher.answer(request));
                }
            });
        }
    });
    let rate = (requests.len() * threads) as f64 / start.elapsed().as_secs_f64();
    writeln!(
        out,
        "{:<58} {rate:>9.0} a second on {threads} threads",
        "the same call, answer chosen"
    )?;
    Ok(())
}

fn main() -> Result<(), Failure> {
    let mut directory: Option<PathBuf> = None;
    let (mut spans, mut keep) = (1_000_000, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--spans" => spans = arguments.next().ok_or("--spans takes a number")?.parse()?,
            "--keep" => keep = true,
            _ => directory = Some(PathBuf::from(argument)),
        }
    }
    let directory = directory
        .ok_or("give a directory to write the suite into")?
        .join(format!("suite-{spans}"));
    let mut out = std::io::stdout().lock();
    let size = directory.join("size");
    let known = std::fs::read_to_string(&size).ok();
    let bytes = match known.and_then(|text| text.trim().parse().ok()) {
        Some(bytes) => bytes,
        None => {
            if directory.exists() {
                std::fs::remove_dir_all(&directory)?;
            }
            std::fs::create_dir_all(&directory)?;
            let bytes = write_suite(&directory, spans)?;
            std::fs::write(&size, bytes.to_string())?;
            bytes
        }
    };
    let measured = measure(&directory, bytes, &mut out);
    if !keep {
        std::fs::remove_dir_all(&directory)?;
    }
    measured
}
