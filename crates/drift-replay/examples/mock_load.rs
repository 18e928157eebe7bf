//! Measures the mock server: a recording of so many spans is made and loaded,
//! then clients of the same process ask over a Unix socket.
//!
//! `cargo run --release --example mock_load -- 1000000 5` (spans, seconds for each
//! measurement; 0 spans answer without a recording, which leaves the server alone)

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a program for measuring: a failure ends it, and its result is printed"
)]

use std::io::{BufWriter, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use drift_replay::server::{Answered, Answering, Listen, Server, ServerOptions};
use drift_replay::{LoadOptions, MatchOptions, Matcher, Recording};
use prost::Message;
use prost_types::{Struct, Value, value::Kind};
use tusk_drift_schemas::tusk::drift::core::v1 as contract;

const SPANS_A_TRACE: usize = 50;
const CLIENTS: usize = 8;
const IN_FLIGHT: usize = 32;

/// Answers everything at once.
struct Everything;

impl Answering for Everything {
    fn answer(&self, _: &contract::GetMockRequest) -> Answered {
        let answer = contract::GetMockResponse {
            found: true,
            ..Default::default()
        };
        answer.into()
    }
    fn begin_test(&self, _: &str) {}
}

fn write_recording(file: &Path, spans: usize) {
    let mut out = BufWriter::new(std::fs::File::create(file).unwrap());
    let body = "eyJhIjoxLCJiIjoyfQ==".repeat(40);
    for number in 0..spans {
        let trace = number / SPANS_A_TRACE;
        writeln!(
            out,
            "{{\"traceId\":\"{trace:032x}\",\"spanId\":\"{number:016x}\",\"packageName\":\"http\",\
             \"name\":\"GET /items\",\"kind\":3,\"packageType\":1,\"submoduleName\":\"GET\",\
             \"inputValue\":{{\"method\":\"GET\",\"url\":\"http://api.local/items/{number}\",\
             \"headers\":{{\"accept\":\"*/*\",\"user-agent\":\"python-requests/2.34\"}}}},\
             \"outputValue\":{{\"statusCode\":200,\"headers\":{{\"content-type\":\"text/plain\"}},\"body\":\"{body}\"}},\
             \"timestamp\":{{\"seconds\":{},\"nanos\":5}}}}",
            1_700_000_000 + number
        )
        .unwrap();
    }
    out.flush().unwrap();
}

fn request(number: usize) -> Vec<u8> {
    fn text(text: String) -> Value {
        Value {
            kind: Some(Kind::StringValue(text)),
        }
    }
    let headers = Struct {
        fields: [
            ("accept".to_owned(), text("*/*".to_owned())),
            (
                "user-agent".to_owned(),
                text("python-requests/2.34".to_owned()),
            ),
        ]
        .into(),
    };
    let input = Struct {
        fields: [
            ("method".to_owned(), text("GET".to_owned())),
            (
                "url".to_owned(),
                text(format!("http://api.local/items/{number}")),
            ),
            (
                "headers".to_owned(),
                Value {
                    kind: Some(Kind::StructValue(headers)),
                },
            ),
        ]
        .into(),
    };
    let request_id = format!("r{number}");
    let message = contract::SdkMessage {
        r#type: contract::MessageType::MockRequest.into(),
        request_id: request_id.clone(),
        payload: Some(contract::sdk_message::Payload::GetMockRequest(
            contract::GetMockRequest {
                request_id,
                test_id: format!("{:032x}", number / SPANS_A_TRACE),
                outbound_span: Some(contract::Span {
                    name: "GET /items".to_owned(),
                    package_name: "http".to_owned(),
                    submodule_name: "GET".to_owned(),
                    kind: contract::SpanKind::Client.into(),
                    package_type: contract::PackageType::Http.into(),
                    input_value: Some(input),
                    ..Default::default()
                }),
                ..Default::default()
            },
        )),
    };
    let body = message.encode_to_vec();
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&length[..], &body].concat()
}

fn receive(socket: &mut UnixStream, buffer: &mut Vec<u8>) {
    let mut length = [0; 4];
    socket.read_exact(&mut length).unwrap();
    buffer.resize(u32::from_be_bytes(length) as usize, 0);
    socket.read_exact(buffer).unwrap();
}

/// Asks one request after the other; gives the time of each.
fn one_at_a_time(
    socket: &Path,
    requests: &[Vec<u8>],
    begin: usize,
    time: Duration,
) -> Vec<Duration> {
    let mut socket = UnixStream::connect(socket).unwrap();
    let mut buffer = Vec::new();
    let mut times = Vec::new();
    let start = Instant::now();
    for request in requests.iter().cycle().skip(begin) {
        let sent = Instant::now();
        if sent - start > time {
            break;
        }
        socket.write_all(request).unwrap();
        receive(&mut socket, &mut buffer);
        times.push(sent.elapsed());
    }
    let last = contract::CliMessage::decode(&buffer[..]).unwrap();
    assert!(
        matches!(last.payload, Some(contract::cli_message::Payload::GetMockResponse(answer)) if answer.found)
    );
    times
}

/// Keeps some requests in flight; gives how many were answered.
fn many_at_a_time(socket: &Path, requests: &[Vec<u8>], begin: usize, time: Duration) -> usize {
    let mut socket = UnixStream::connect(socket).unwrap();
    let mut buffer = Vec::new();
    let mut answered = 0;
    let start = Instant::now();
    let mut next = requests.iter().cycle().skip(begin);
    while start.elapsed() < time {
        let batch: Vec<u8> = next.by_ref().take(IN_FLIGHT).flatten().copied().collect();
        socket.write_all(&batch).unwrap();
        for _ in 0..IN_FLIGHT {
            receive(&mut socket, &mut buffer);
        }
        answered += IN_FLIGHT;
    }
    answered
}

fn on_threads<T: Send + 'static>(
    clients: usize,
    work: impl Fn(usize) -> T + Send + Sync + 'static,
) -> Vec<T> {
    let work = Arc::new(work);
    let threads: Vec<_> = (0..clients)
        .map(|client| {
            let work = Arc::clone(&work);
            std::thread::spawn(move || work(client))
        })
        .collect();
    threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect()
}

fn main() {
    let numbers: Vec<usize> = std::env::args()
        .skip(1)
        .map(|text| text.parse().expect("numbers: spans and seconds"))
        .collect();
    let spans = numbers.first().copied().unwrap_or(100_000);
    let seconds = numbers.get(1).copied().unwrap_or(5);
    let time = Duration::from_secs(seconds as u64);

    let directory = tempfile::tempdir().unwrap();
    let answering: Arc<dyn Answering> = if spans == 0 {
        Arc::new(Everything)
    } else {
        write_recording(&directory.path().join("spans.jsonl"), spans);
        let begin = Instant::now();
        let options = LoadOptions::new([directory.path()]);
        let recording = Recording::load(&options, &|_| {}).unwrap();
        let bytes = recording.byte_count();
        let matcher = Matcher::new(Arc::new(recording), MatchOptions::default());
        let took = begin.elapsed();
        println!(
            "{spans} spans, {} MB, loaded and indexed in {took:.2?}: {:.0} MB/s",
            bytes / 1_000_000,
            bytes as f64 / 1e6 / took.as_secs_f64()
        );
        Arc::new(matcher)
    };

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listen = Listen::Unix(directory.path().join("engine"));
    let options = ServerOptions {
        max_recorded_requests: 1000,
        ..Default::default()
    };
    let (server, mut events) = {
        let _inside = runtime.enter();
        Server::start(&listen, answering, options).unwrap()
    };
    runtime.spawn(async move { while events.recv().await.is_some() {} });
    let socket = Arc::new(server.socket_path().unwrap().clone());
    let spread = spans.max(10_000);
    let requests: Arc<Vec<_>> =
        Arc::new((0..20_000).map(|at| request(at * 7919 % spread)).collect());

    for clients in [1, CLIENTS] {
        let (socket, requests) = (Arc::clone(&socket), Arc::clone(&requests));
        let times = on_threads(clients, move |client| {
            one_at_a_time(&socket, &requests, client * 1000, time)
        });
        let mut times = times.concat();
        times.sort_unstable();
        let percentile = |part: usize| times[(times.len() - 1) * part / 1000];
        println!(
            "{clients} connections, one request at a time: {} a second, median {:.1?}, 99th percentile {:.1?}, 99.9th {:.1?}",
            times.len() / seconds,
            percentile(500),
            percentile(990),
            percentile(999)
        );
    }
    let answered = on_threads(CLIENTS, move |client| {
        many_at_a_time(&socket, &requests, client * 1000, time)
    });
    println!(
        "{CLIENTS} connections, {IN_FLIGHT} requests in flight each: {} a second",
        answered.iter().sum::<usize>() / seconds
    );
    runtime.block_on(server.stop());
}
