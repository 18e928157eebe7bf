//! Writes a report page of made-up tests to standard output:
//! `report_page COUNT SEED`. What the tests show is made by the library itself,
//! from recordings and answers of a shop that does not exist.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use drift_replay::compare::{ActualResponse, compare_response, no_response};
use drift_replay::outbound::{LiveCall, MatchedSpan, OutboundOptions, check_outbound};
use drift_replay::redact::{RedactionOptions, Redactor};
use drift_replay::report::{Place, RunResults, TestResult, TestState, to_html};
use drift_replay::rules::{Allowance, Rule, Rules};
use drift_replay::{Span, SpanKind};
use std::io::{self, Write as _};
use tusk_drift_schemas::tusk::drift::core::v1::{MatchLevel, SimilarityCandidate};

/// A generator that gives the same pages everywhere (Knuth's constants).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit.max(1)
    }

    fn hex(&mut self, digits: usize) -> String {
        (0..digits)
            .map(|_| char::from_digit(self.below(16) as u32, 16).unwrap_or('0'))
            .collect()
    }
}

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u64| {
        arguments
            .next()
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    let (count, seed) = (number(1_000), number(7));
    let results = made_up(count, &mut Random(seed));
    let redactor = Redactor::new(RedactionOptions::default());
    io::stdout().write_all(to_html(&results.redact(&redactor)).as_bytes())
}

fn made_up(count: u64, random: &mut Random) -> RunResults {
    let mut rules = Rules::default();
    let tolerance = Allowance::Tolerance {
        absolute: 0.05,
        relative: 0.0,
    };
    if let Ok(rule) = Rule::at_path("$..score", tolerance) {
        rules.rules.push(rule);
    }
    let tests: Vec<TestResult> = (0..count)
        .map(|index| test(index, random, &rules))
        .collect();
    RunResults {
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        service: "orders-api".to_owned(),
        sdk_version: Some("0.1.29".to_owned()),
        runtime: Some("python".to_owned()),
        started_unix_nanos: 1_795_643_090_000_000_000,
        duration_ms: tests.iter().map(|test| test.duration_ms).sum(),
        recording: ".tusk/traces".to_owned(),
        place: Place::default(),
        loaded: (tests.len(), tests.iter().map(|test| test.calls.len() + 1).sum()),
        tests,
        notices: vec![
            ".tusk/traces/2026-11-21T02-24-50_trace_0af7.jsonl, line 3: not JSON at byte 512; the line was left out".to_owned(),
        ],
        interrupted: false,
        ..RunResults::default()
    }
}

const ROUTES: &[(&str, &str)] = &[
    ("GET", "/orders?page=2&per_page=50"),
    ("GET", "/orders/7"),
    ("POST", "/orders"),
    ("GET", "/customers/81/addresses"),
    ("PUT", "/customers/81"),
    ("GET", "/reports/monthly?month=2026-10&format=html"),
    ("POST", "/graphql"),
    ("DELETE", "/carts/0b1f?access_token=abc123def456"),
    ("GET", "/search?q=na%C3%AFve+%3Cscript%3E"),
];

fn test(index: u64, random: &mut Random, rules: &Rules) -> TestResult {
    let (method, target) = ROUTES
        .get(random.below(ROUTES.len() as u64) as usize)
        .copied()
        .unwrap_or(("GET", "/"));
    let trace_id = random.hex(32);
    let kind = match random.below(20) {
        0 => "total",
        1 => "status",
        2 => "html",
        3 => "missing",
        4 => "new",
        5 => "loose",
        6 => "header",
        7 if index.is_multiple_of(3) => "failed",
        _ => "same",
    };
    let (old, new, decoded_type, content_type) = bodies(kind, random);
    let root = Span {
        trace_id: trace_id.clone(),
        span_id: random.hex(16),
        name: format!("{method} {target}"),
        kind: SpanKind::Server,
        is_root_span: true,
        start_unix_nanos: Some(1_000_000_000),
        duration_nanos: Some(48_000_000 + random.below(90_000_000)),
        input_value: Some(format!(r#"{{"method":"{method}","target":"{target}"}}"#)),
        output_value: Some(format!(
            r#"{{"statusCode":200,"headers":{{"Content-Type":"{content_type}","Set-Cookie":"sid=0123456789; Path=/"}},"body":"{}"}}"#,
            STANDARD.encode(&old)
        )),
        output_schema: Some(format!(
            r#"{{"properties":{{"body":{{"encoding":1,"decodedType":{decoded_type}}}}}}}"#
        )),
        ..Span::default()
    };
    let mut headers = vec![
        ("content-type".to_owned(), content_type.to_owned()),
        ("set-cookie".to_owned(), "sid=9876543210; Path=/".to_owned()),
    ];
    if kind == "header" {
        headers.push(("x-cache".to_owned(), "HIT from edge-7".to_owned()));
    }
    let actual = ActualResponse {
        status: if kind == "status" { 500 } else { 200 },
        headers,
        body: new.into_bytes(),
    };
    let comparison = compare_response(&root, &actual, rules);
    let (recorded, live) = calls(kind, &root, random);
    let outbound = check_outbound(&recorded, &live, &OutboundOptions::default(), rules);
    let mut deviations = comparison.deviations;
    deviations.extend(outbound.deviations);
    let mut result = TestResult {
        trace_id: trace_id.clone(),
        name: root.name.clone(),
        method: method.to_owned(),
        target: target.to_owned(),
        file: format!("2026-11-21T02-24-50-892454+00-00_trace_{trace_id}.jsonl"),
        environment: Some("development".to_owned()),
        duration_ms: 20 + random.below(400),
        recorded_duration_ms: root.duration_nanos.map(|nanos| nanos / 1_000_000),
        recorded_status: Some(200),
        actual_status: Some(i64::from(actual.status)),
        accepted: comparison.accepted,
        calls: outbound.calls,
        notices: comparison.notices,
        ..TestResult::default()
    };
    if kind == "failed" {
        let why = "no response within 30 s";
        result.state = TestState::Failed;
        result.error = Some(format!("{why}; the service ended with signal 11"));
        result.actual_status = None;
        result.crashed_server = true;
        result.service_output = Some("Traceback (most recent call last):\n  File \"app.py\", line 41, in create_order\n    total = sum(item[\"price\"] for item in items)\nKeyError: 'price'\n".to_owned());
        deviations = vec![no_response(&root, why)];
    } else if !deviations.is_empty() {
        result.state = TestState::Deviated;
    }
    result.deviations = deviations;
    result
}

/// The recorded body, the body now, the decoded type, the content type.
fn bodies(kind: &str, random: &mut Random) -> (String, String, u8, &'static str) {
    if kind == "html" {
        let page = |heading: &str, total: &str| {
            let rows: Vec<String> = (1..=20)
                .map(|row| format!("    <tr><td>{row}</td><td>{}</td></tr>", row * 7))
                .collect();
            format!(
                "<!doctype html>\n<html>\n<body>\n  <h1>{heading}</h1>\n  <table>\n{}\n  </table>\n  <p>Total: {total}</p>\n  <script>render(\"</script>\")</script>\n</body>\n</html>\n",
                rows.join("\n")
            )
        };
        return (
            page("Orders of October", "1,470.00"),
            page("Orders in October", "1470.00"),
            2,
            "text/html; charset=utf-8",
        );
    }
    let order = |total: &str, extra: &str, id: &str, at: &str, score: &str| {
        format!(
            r#"{{"id":"{id}","created_at":"{at}","total":{total},"score":{score},"customer":{{"name":"Zoë <b>Ærø</b>","email":"zoe@example.test","token":"{id}"}},"items":[{{"sku":"A-1","price":12.50,"tags":["new","sale"]}},{{"sku":"B-7","price":7.25,"tags":[]}}]{extra}}}"#
        )
    };
    let uuid = |random: &mut Random| {
        format!(
            "{}-{}-{}-{}-{}",
            random.hex(8),
            random.hex(4),
            random.hex(4),
            random.hex(4),
            random.hex(12)
        )
    };
    let old = order(
        "9007199254740993",
        r#","currency":"EUR""#,
        &uuid(random),
        "2026-11-21T02:24:50Z",
        "0.91",
    );
    let new = match kind {
        "total" => order(
            "9007199254740992",
            r#","curency":"EUR""#,
            &uuid(random),
            "2026-11-25T21:44:50Z",
            "0.93",
        ),
        "status" => r#"{"error":"internal","detail":"KeyError: 'price'"}"#.to_owned(),
        _ => order(
            "9007199254740993",
            r#","currency":"EUR""#,
            &uuid(random),
            "2026-11-25T21:44:50Z",
            "0.93",
        ),
    };
    (old, new, 1, "application/json")
}

/// Of a pool and, as the SDK records it, of the driver for the pool.
const QUERY: &str = r#"{"query":"SELECT o.id, o.total\n  FROM orders o\n WHERE o.customer_id = $1 AND o.status <> 'void'","parameters":[81]}"#;

fn calls(kind: &str, root: &Span, random: &mut Random) -> (Vec<Span>, Vec<LiveCall>) {
    let mut recorded = vec![root.clone()];
    let call = |position: i128, package: &str, submodule: &str, name: &str, input: String| Span {
        trace_id: root.trace_id.clone(),
        parent_span_id: root.span_id.clone(),
        span_id: format!("{position:016x}"),
        name: name.to_owned(),
        package_name: package.to_owned(),
        submodule_name: submodule.to_owned(),
        kind: SpanKind::Client,
        start_unix_nanos: Some(1_000_000_000 + position * 5_000_123),
        duration_nanos: Some(1_400_000),
        input_value: Some(input),
        ..Span::default()
    };
    recorded.push(call(
        1,
        "redis",
        "GET",
        "redis.GET",
        r#"{"command":"GET","args":["session:81"]}"#.to_owned(),
    ));
    recorded.push(call(
        2,
        "pg-pool",
        "query",
        "pg-pool.query",
        QUERY.to_owned(),
    ));
    let mut inner = call(3, "pg", "query", "pg.query", QUERY.to_owned());
    inner.parent_span_id = format!("{:016x}", 2);
    inner.start_unix_nanos = Some(1_000_000_000 + 2 * 5_000_123 + 100_000);
    recorded.push(inner);
    let body = STANDARD.encode(r#"{"amount":1975,"currency":"EUR"}"#);
    recorded.push(call(
        4,
        "https",
        "POST",
        "POST /v1/charges",
        format!(
            r#"{{"method":"POST","protocol":"https","hostname":"pay.example.test","port":443,"path":"/v1/charges","headers":{{"Authorization":"Bearer abcdef0123456789"}},"body":"{body}"}}"#
        ),
    ));
    let again = |span: &Span, match_type: i32, description: &str| LiveCall {
        span: span.clone(),
        matched: Some(MatchedSpan {
            trace_id: span.trace_id.clone(),
            span_id: span.span_id.clone(),
            level: MatchLevel {
                match_type,
                match_scope: 1,
                match_description: description.to_owned(),
                ..MatchLevel::default()
            },
            is_pre_app_start: false,
        }),
        why: String::new(),
    };
    let asked = [1, 2, 4];
    let mut live: Vec<LiveCall> = asked
        .iter()
        .filter_map(|index| recorded.get(*index))
        .filter(|span| kind != "missing" || span.package_name != "redis")
        .map(|span| again(span, 1, "equal input value, first unused call"))
        .collect();
    match kind {
        "new" => live.insert(
            1,
            LiveCall {
                span: call(
                    9,
                    "https",
                    "GET",
                    "GET /v2/rates",
                    r#"{"method":"GET","url":"https://rates.example.test/v2/rates?api_key=k-123456"}"#.to_owned(),
                ),
                matched: None,
                why: "no recorded call of the package https has the path /v2/rates".to_owned(),
            },
        ),
        "loose" => {
            if let Some(last) = live.last_mut() {
                let body = STANDARD.encode(r#"{"amount":1980,"currency":"EUR","capture":true}"#);
                last.span.input_value = last
                    .span
                    .input_value
                    .as_ref()
                    .map(|text| text.replace(&STANDARD.encode(r#"{"amount":1975,"currency":"EUR"}"#), &body));
                if let Some(matched) = &mut last.matched {
                    matched.level = MatchLevel {
                        match_type: 3,
                        match_scope: 1,
                        match_description: "equal input schema, same method, host and path; best of 3".to_owned(),
                        similarity_score: Some(0.941),
                        top_candidates: vec![
                            SimilarityCandidate { span_id: random.hex(16), score: 0.874 },
                            SimilarityCandidate { span_id: random.hex(16), score: 0.702 },
                        ],
                    };
                }
            }
            live.swap(0, 1);
        }
        _ => {}
    }
    (recorded, live)
}
