//! What a mock request costs over a Unix socket, beside an echo.
//!
//! The clients are threads of this process: with two processors they take their
//! share of what the server could use, and the limit's clients the same.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use drift_replay::server::{Answering, Listen, Server, ServerHandle, ServerOptions};
use drift_replay::{Matcher, Span};
use prost::Message;
use prost_types::Struct;
use serde_json::Value;
use tusk_drift_schemas::tusk::drift::core::v1 as contract;

use crate::Failure;
use crate::matching::{begin_all, some_spans};
use crate::process::{processor_seconds, thread_seconds};
use crate::rows::{Better, Row, Rows, Times, count};

const CLIENTS: usize = 8;
/// Clients that never read.
const STUCK: usize = 50;
/// Requests of a client that asks without waiting.
const IN_FLIGHT: usize = 32;
/// Requests that are made ready.
const REQUESTS: usize = 50_000;
/// How long one measurement takes.
const TIME: Duration = Duration::from_secs(4);
/// What may wait for a client that never reads: 64 MiB by default, and 512 MiB for all
/// of them, which would take long to fill.
const STUCK_BYTES: usize = 1024 * 1024;

/// A schema as the contract has it, from either spelling.
fn schema_of(value: &Value) -> contract::JsonSchema {
    let number = |names: [&str; 2]| {
        names
            .into_iter()
            .find_map(|name| value.get(name)?.as_i64())
            .map(|number| number as i32)
    };
    let properties = value.get("properties").and_then(Value::as_object);
    contract::JsonSchema {
        r#type: number(["type", "type"]).unwrap_or(0),
        properties: properties
            .into_iter()
            .flatten()
            .map(|(name, schema)| (name.clone(), schema_of(schema)))
            .collect(),
        items: value.get("items").map(|items| Box::new(schema_of(items))),
        encoding: number(["encoding", "encoding"]),
        decoded_type: number(["decodedType", "decoded_type"]),
        match_importance: ["matchImportance", "match_importance"]
            .into_iter()
            .find_map(|name| value.get(name)?.as_f64()),
    }
}

/// The frame that an SDK sends for a recorded call.
fn frame_of(span: Span, trace_id: &str, number: usize) -> Result<Vec<u8>, Failure> {
    let input = span.input_value.as_deref().unwrap_or("{}");
    let input = drift_rust_core::object_to_protobuf_struct_bytes(input)?;
    let schema: Option<Value> = span
        .input_schema
        .as_deref()
        .map(serde_json::from_str)
        .transpose()?;
    let request_id = format!("request-{number}");
    let message = contract::SdkMessage {
        r#type: contract::MessageType::MockRequest.into(),
        request_id: request_id.clone(),
        payload: Some(contract::sdk_message::Payload::GetMockRequest(
            contract::GetMockRequest {
                request_id,
                test_id: trace_id.to_owned(),
                outbound_span: Some(contract::Span {
                    name: span.name,
                    package_name: span.package_name,
                    submodule_name: span.submodule_name,
                    kind: contract::SpanKind::Client.into(),
                    package_type: span.package_type,
                    input_value: Some(Struct::decode(&input[..])?),
                    input_schema: schema.as_ref().map(schema_of),
                    input_value_hash: span.input_value_hash,
                    input_schema_hash: span.input_schema_hash,
                    ..Default::default()
                }),
                ..Default::default()
            },
        )),
    };
    let body = message.encode_to_vec();
    let length = u32::try_from(body.len())?.to_be_bytes();
    Ok([&length[..], &body].concat())
}

fn receive(socket: &mut UnixStream, buffer: &mut Vec<u8>) -> std::io::Result<()> {
    let mut length = [0; 4];
    socket.read_exact(&mut length)?;
    buffer.resize(u32::from_be_bytes(length) as usize, 0);
    socket.read_exact(buffer)
}

/// How a client asks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// One request after the other on one connection.
    OneByOne,
    /// A connection for each request, as the Python SDK does.
    Anew,
    /// [`IN_FLIGHT`] requests at a time.
    Many,
}

/// What one client saw.
struct Seen {
    /// Of each request, or of each batch.
    times: Vec<Duration>,
    /// Seconds of a processor that it used itself.
    processor: f64,
}

fn client(socket_path: &Path, frames: &[Vec<u8>], begin: usize, way: Way) -> Result<Seen, Failure> {
    let mut socket = UnixStream::connect(socket_path)?;
    let mut buffer = Vec::new();
    let mut times = Vec::new();
    let mut batch = Vec::new();
    let mut next = frames.iter().cycle().skip(begin);
    let processor = thread_seconds();
    let start = Instant::now();
    loop {
        let sent = Instant::now();
        if sent - start >= TIME {
            break;
        }
        match way {
            Way::OneByOne | Way::Anew => {
                if way == Way::Anew {
                    socket = UnixStream::connect(socket_path)?;
                }
                socket.write_all(next.next().ok_or("there are requests")?)?;
                receive(&mut socket, &mut buffer)?;
            }
            Way::Many => {
                batch.clear();
                batch.extend(next.by_ref().take(IN_FLIGHT).flatten());
                socket.write_all(&batch)?;
                for _ in 0..IN_FLIGHT {
                    receive(&mut socket, &mut buffer)?;
                }
            }
        }
        times.push(sent.elapsed());
    }
    Ok(Seen {
        times,
        processor: thread_seconds() - processor,
    })
}

/// What all clients of a measurement saw together.
struct Sum {
    times: Times,
    per_second: f64,
    /// Microseconds of a processor for each request.
    server_us: f64,
    clients_us: f64,
}

fn clients(number: usize, socket: &Path, frames: &[Vec<u8>], way: Way) -> Result<Sum, Failure> {
    let before = processor_seconds();
    let seen = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..number)
            .map(|at| {
                let begin = at * frames.len() / number;
                scope.spawn(move || client(socket, frames, begin, way))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .map_err(|_| Failure::from("a client panicked"))?
            })
            .collect::<Result<Vec<Seen>, Failure>>()
    })?;
    let all = processor_seconds() - before;
    let own: f64 = seen.iter().map(|seen| seen.processor).sum();
    let times: Vec<Duration> = seen.into_iter().flat_map(|seen| seen.times).collect();
    let requests = times.len() * if way == Way::Many { IN_FLIGHT } else { 1 };
    Ok(Sum {
        per_second: requests as f64 / TIME.as_secs_f64(),
        server_us: (all - own) * 1e6 / requests as f64,
        clients_us: own * 1e6 / requests as f64,
        times: Times::of(times),
    })
}

/// Asks all requests once: each must be answered. Gives the mean length of an answer.
fn check(socket: &Path, frames: &[Vec<u8>]) -> Result<usize, Failure> {
    let mut socket = UnixStream::connect(socket)?;
    let mut buffer = Vec::new();
    let mut bytes = 0;
    for frame in frames {
        socket.write_all(frame)?;
        receive(&mut socket, &mut buffer)?;
        let message = contract::CliMessage::decode(&buffer[..])?;
        match message.payload {
            Some(contract::cli_message::Payload::GetMockResponse(answer)) if answer.found => {}
            other => return Err(format!("a recorded call is not answered: {other:?}").into()),
        }
        bytes += buffer.len();
    }
    Ok(bytes / frames.len().max(1))
}

/// Answers each frame with one of a fixed length: a thread for each connection
/// that reads and writes, and does nothing else.
fn echo(path: &Path, answer_bytes: usize) -> Result<(), Failure> {
    let listener = UnixListener::bind(path)?;
    std::thread::spawn(move || {
        let body = vec![b'x'; answer_bytes];
        let length = u32::try_from(answer_bytes)
            .unwrap_or(u32::MAX)
            .to_be_bytes();
        let answer = Arc::new([&length[..], &body].concat());
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || {
                let mut buffer = Vec::new();
                // Its client is done when it cannot be read.
                while receive(&mut stream, &mut buffer).is_ok() {
                    if stream.write_all(&answer).is_err() {
                        return;
                    }
                }
            });
        }
    });
    Ok(())
}

/// A server, and the runtime that it runs on: as many threads as processors, as
/// in `drift serve`.
struct Serving {
    runtime: tokio::runtime::Runtime,
    server: ServerHandle,
    socket: PathBuf,
}

impl Serving {
    fn start(
        matcher: &Arc<Matcher>,
        socket: PathBuf,
        options: ServerOptions,
    ) -> Result<Serving, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        let answering: Arc<dyn Answering> = Arc::clone(matcher) as Arc<dyn Answering>;
        let (server, mut events) = {
            let _inside = runtime.enter();
            Server::start(&Listen::Unix(socket.clone()), answering, options)?
        };
        runtime.spawn(async move { while events.recv().await.is_some() {} });
        Ok(Serving {
            runtime,
            server,
            socket,
        })
    }

    fn stop(self) {
        self.runtime.block_on(self.server.stop());
    }
}

/// Clients that write requests until nothing is taken from them, and never read.
fn stuck(socket: &Path, frames: &[Vec<u8>]) -> Result<Vec<UnixStream>, Failure> {
    let mut clients = (0..STUCK)
        .map(|_| {
            let client = UnixStream::connect(socket)?;
            client.set_nonblocking(true)?;
            Ok(client)
        })
        .collect::<Result<Vec<UnixStream>, std::io::Error>>()?;
    // What is left of the frame that a client is writing.
    let mut left: Vec<&[u8]> = vec![&[]; STUCK];
    let mut next = frames.iter().cycle();
    let mut last_taken = Instant::now();
    while last_taken.elapsed() < Duration::from_millis(300) {
        for (client, left) in clients.iter_mut().zip(&mut left) {
            if left.is_empty() {
                *left = next.next().ok_or("there are requests")?;
            }
            match client.write(left) {
                Ok(taken) => {
                    *left = left.get(taken..).unwrap_or_default();
                    last_taken = Instant::now();
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(clients)
}

/// Microseconds of a processor that server and client use.
fn processors(sum: &Sum) -> String {
    format!(
        "a processor for {:.1} µs (server) and {:.1} µs (client)",
        sum.server_us, sum.clients_us
    )
}

pub(crate) fn measure(matcher: &Arc<Matcher>, rows: &mut Rows<'_>) -> Result<(), Failure> {
    let recording = matcher.recording();
    let frames = some_spans(matcher, REQUESTS)
        .into_iter()
        .enumerate()
        .map(|(number, span)| {
            let trace = recording.trace_of(span).ok_or("a span has a trace")?;
            frame_of(recording.span(span)?, &trace.trace_id, number)
        })
        .collect::<Result<Vec<Vec<u8>>, Failure>>()?;
    // A path that is short enough for a socket wherever the directory is.
    let folder = std::env::temp_dir().join(format!("drift-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let outcome = measure_in(matcher, &frames, &folder, rows);
    std::fs::remove_dir_all(&folder)?;
    outcome
}

fn measure_in(
    matcher: &Arc<Matcher>,
    frames: &[Vec<u8>],
    folder: &Path,
    rows: &mut Rows<'_>,
) -> Result<(), Failure> {
    // Outside of tests everything is kept up to this; a test keeps its own.
    let options = ServerOptions {
        max_recorded_requests: 1000,
        ..Default::default()
    };
    let serving = Serving::start(matcher, folder.join("server"), options.clone())?;
    let answer_bytes = check(&serving.socket, frames)?;
    let echoing = folder.join("echo");
    echo(&echoing, answer_bytes)?;

    let ask = |number: usize, way: Way| -> Result<(Sum, Sum), Failure> {
        begin_all(matcher);
        let limit = clients(number, &echoing, frames, way)?;
        let ours = clients(number, &serving.socket, frames, way)?;
        Ok((ours, limit))
    };
    let (ours, limit) = ask(1, Way::OneByOne)?;
    let median = |sum: &Sum| sum.times.percentile(0.5);
    rows.push(
        Row::new(
            "one request at a time, one connection",
            format!("{}; {}", ours.times.shown(), processors(&ours)),
        )
        .target(
            "99% below 200 µs",
            ours.times.percentile(0.99),
            Better::Less,
            200.0,
        )
        .limit(
            format!("echo {}; {}", limit.times.shown(), processors(&limit)),
            median(&limit) / median(&ours),
        ),
    )?;
    let (ours, limit) = ask(1, Way::Anew)?;
    rows.push(
        Row::new(
            "the same, a connection for each (Python SDK)",
            ours.times.shown(),
        )
        .limit(
            format!("echo {}", limit.times.shown()),
            median(&limit) / median(&ours),
        ),
    )?;
    for (way, what) in [
        (Way::OneByOne, "8 connections, one request at a time each"),
        (Way::Many, "8 connections, 32 requests in flight each"),
        (Way::Anew, "8 clients, a connection for each request"),
    ] {
        let (ours, limit) = ask(CLIENTS, way)?;
        let mut text = format!("{} a second", count(ours.per_second));
        if way != Way::Many {
            text.push_str(&format!("; {}", ours.times.shown()));
        }
        let mut row = Row::new(what, format!("{text}; {}", processors(&ours)));
        if way != Way::Anew {
            row = row.target(
                "at least 20,000 a second",
                ours.per_second,
                Better::More,
                20_000.0,
            );
        }
        rows.push(row.limit(
            format!("echo {} a second", count(limit.per_second)),
            ours.per_second / limit.per_second,
        ))?;
    }
    serving.stop();

    let options = ServerOptions {
        out_limit_bytes: STUCK_BYTES,
        write_deadline: Duration::from_secs(120),
        ..options
    };
    let serving = Serving::start(matcher, folder.join("stuck"), options)?;
    begin_all(matcher);
    let alone = clients(1, &serving.socket, frames, Way::OneByOne)?;
    let others = stuck(&serving.socket, frames)?;
    let beside = clients(1, &serving.socket, frames, Way::OneByOne)?;
    drop(others);
    rows.push(
        Row::new(
            "one request at a time beside 50 clients that never read",
            beside.times.shown(),
        )
        .target(
            "99% below 200 µs",
            beside.times.percentile(0.99),
            Better::Less,
            200.0,
        )
        .limit(
            format!("without them {}", alone.times.shown()),
            median(&alone) / median(&beside),
        ),
    )?;
    serving.stop();
    Ok(())
}
