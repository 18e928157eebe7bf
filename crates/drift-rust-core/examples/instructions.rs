//! What `make instructions` counts: each call on each payload, once, warm.
//!
//! Prints one line a measurement, in the order in which they run; valgrind
//! writes one part of its profile for each run of `measured`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measuring tool: it ends at a fault, and its output is what it is for"
)]

use drift_rust_core::*;
use std::fmt::Write as _;
use std::hint::black_box;

/// The function that is counted. What stands behind the call keeps it from
/// becoming a jump, of which valgrind would not see the end.
#[inline(never)]
fn measured(call: &dyn Fn()) {
    call();
    black_box(());
}

/// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number
/// generators", 2014): the same numbers everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ mixed >> 31) % limit
    }
    fn pick<'w>(&mut self, words: &[&'w str]) -> &'w str {
        words
            .get(self.below(words.len() as u64) as usize)
            .unwrap_or(&"")
    }
    fn words(&mut self, count: u64) -> String {
        let words: Vec<&str> = (0..count).map(|_| self.pick(&WORDS)).collect();
        words.join(" ")
    }
    /// A decimal of so many digits behind the point, as SDKs print doubles.
    fn decimal(&mut self, whole: u64, digits: u32) -> String {
        let fraction = self.below(10u64.pow(digits - 1)) * 10 + 1 + self.below(9);
        let whole = self.below(whole);
        format!("{whole}.{fraction:0width$}", width = digits as usize)
    }
}

const WORDS: [&str; 16] = [
    "alpha",
    "beta",
    "gamma",
    "delta",
    "order",
    "customer",
    "invoice",
    "shipped",
    "pending",
    "refund",
    "north",
    "account",
    "größe",
    "東京",
    "résumé",
    "emoji🙂",
];

fn request(random: &mut Random) -> String {
    format!(
        concat!(
            r#"{{"method":"POST","url":"http://127.0.0.1:8080/api/v1/orders/{}","headers":{{"#,
            r#""User-Agent":"python-requests/2.34.2","Accept":"application/json","#,
            r#""X-Request-Id":"{:016x}{:016x}","Accept-Encoding":"gzip, deflate","#,
            r#""Content-Type":"application/json"}},"protocol":"http","#,
            r#""query":{{"page":"2","note":"{}"}},"bodySize":{}}}"#
        ),
        random.below(1_000_000),
        random.below(u64::MAX),
        random.below(u64::MAX),
        random.words(3),
        random.below(1000),
    )
}

fn rows(random: &mut Random, count: usize) -> String {
    let mut text = format!(r#"{{"rowCount":{count},"command":"SELECT","rows":["#);
    for row in 0..count {
        let comma = if row == 0 { "" } else { "," };
        write!(
            text,
            concat!(
                r#"{}{{"id":{},"customer_name":"{}","email":"user{}@example.com","#,
                r#""created_at":"2026-{:02}-{:02}T10:{:02}:00.123Z","amount":{},"quantity":{},"#,
                r#""active":{},"parent_id":null,"description":"{}","score":{},"#,
                r#""tags":["{}","{}","{}"]}}"#
            ),
            comma,
            random.below(1_000_000_000),
            random.words(2),
            random.below(100_000),
            random.below(12) + 1,
            random.below(28) + 1,
            random.below(60),
            random.decimal(10_000, 2),
            random.below(100),
            random.below(2) == 0,
            random.words(8),
            random.decimal(1, 16),
            random.words(1),
            random.words(1),
            random.words(1),
        )
        .unwrap();
    }
    text + "]}"
}

/// Objects of changing keys in changing order, lists, and all kinds of leaves.
fn nested(random: &mut Random, depth: usize) -> String {
    if depth == 0 {
        return match random.below(6) {
            0 => random.below(1000).to_string(),
            1 => random.decimal(1, 16),
            2 => "true".to_owned(),
            3 => "null".to_owned(),
            4 => format!("\"{}\\n\\\"quoted\\\"\"", random.words(3)),
            _ => format!("\"{}\"", random.words(4)),
        };
    }
    if random.below(10) < 4 {
        let items: Vec<String> = (0..2 + random.below(4))
            .map(|_| nested(random, depth - 1))
            .collect();
        return format!("[{}]", items.join(","));
    }
    let mut keys = vec![
        "zeta", "id", "name", "items", "meta", "status", "value", "children", "alpha",
    ];
    let members: Vec<String> = (0..5)
        .map(|_| {
            let key = keys.remove(random.below(keys.len() as u64) as usize);
            format!("\"{key}\":{}", nested(random, depth - 1))
        })
        .collect();
    format!("{{{}}}", members.join(","))
}

fn large_nested(random: &mut Random) -> String {
    let mut sections = Vec::new();
    let mut size = 0;
    while size < 105_000 {
        let section = format!("\"section_{}\":{}", sections.len(), nested(random, 4));
        size += section.len() + 1;
        sections.push(section);
    }
    format!("{{{}}}", sections.join(","))
}

fn base64(bytes: &[u8]) -> String {
    const SYMBOLS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let at = |place: usize| u32::from(chunk.get(place).copied().unwrap_or(0));
        let block = at(0) << 16 | at(1) << 8 | at(2);
        for symbol in 0..4 {
            let value = block >> (18 - 6 * symbol) & 63;
            let known = SYMBOLS.get(value as usize).copied().unwrap_or(b'=');
            text.push(if symbol <= chunk.len() {
                known as char
            } else {
                '='
            });
        }
    }
    text
}

fn main() {
    let mut random = Random(20_261_121);
    let request = request(&mut random);
    let rows = rows(&mut random, 24);
    let nested = large_nested(&mut random);
    let body = format!(
        r#"{},"body":"{}"}}"#,
        &request.trim_end_matches('}'),
        base64(rows.as_bytes())
    );
    let merges = r#"{"headers":{"match_importance":0.0},"body":{"encoding":1,"decoded_type":1}}"#;
    let payloads = [
        ("request", request.as_str(), None),
        ("rows", &rows, None),
        ("nested", &nested, None),
        ("base64 body", &body, Some(merges)),
    ];
    for (name, text, merges) in payloads {
        let hash = || drop(black_box(normalize_and_hash(black_box(text)).unwrap()));
        let payload = || {
            drop(black_box(
                process_export_payload(black_box(text), merges).unwrap(),
            ))
        };
        let span = || {
            let input = SpanInput {
                fields: SpanFields {
                    trace_id: "0af7651916cd43dd8448eb211c80319c",
                    span_id: "b7ad6b7169203331",
                    name: "POST /api/v1/orders",
                    package_name: "http",
                    kind: 2,
                    ..SpanFields::default()
                },
                input: ValueSource::Json(black_box(request.as_str()).into()),
                output: ValueSource::Json(black_box(text).into()),
                output_merges: merges
                    .map_or(MergesSource::Absent, |text| MergesSource::Json(text.into())),
                ..SpanInput::default()
            };
            drop(black_box(process_span(&input).unwrap()));
        };
        let calls: [(&str, &dyn Fn()); 3] = [
            ("normalize_and_hash", &hash),
            ("process_export_payload", &payload),
            ("process_span", &span),
        ];
        for (label, call) in calls {
            // The tables know the shapes after the first few times.
            for _ in 0..8 {
                call();
            }
            measured(call);
            println!("{label}\t{name}\t{}", text.len());
        }
    }
}
