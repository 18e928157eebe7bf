//! The mock server: it takes the connections of the SDKs, answers their
//! requests from what [`Answering`] finds, and tells the caller what happened.
//!
//! What each frame gets:
//!
//! | frame | answer | event |
//! | --- | --- | --- |
//! | connect request | connect response: success, or the mismatch of versions | `Connected`, `Refused` |
//! | mock request, shaken hands or not | mock response, the same id in envelope and payload | `Mock` |
//! | mock request without a span | mock response with the error code `missing_span` | `Problem` |
//! | inbound span | `{success: true}` | `InboundSpan` |
//! | inbound span message without a span | `{success: false}` | `Problem` |
//! | alert | none, the protocol has none | `Alert` |
//! | request for environment variables | the recorded ones | none |
//! | answer to a question of ours | none | none; `Problem` when nobody asked |
//! | unknown type, or an alert without content | none: dropped | `Problem` |
//! | not protobuf, its beginning readable | the error answer of its type, as far as that has one | `Problem` |
//! | not protobuf at all | none: dropped, the connection goes on | `Problem` |
//! | over 10 MiB, its beginning readable | the error answer of its type; its bytes are passed over | `Problem` |
//! | over 10 MiB, otherwise | none: the connection is closed | `Problem`, `Disconnected` |
//! | half a frame, then silence for [`ServerOptions::frame_deadline`] | none: the connection is closed | `Problem`, `Disconnected` |
//!
//! A client that does not read its answers is no longer read from once
//! [`ServerOptions::out_limit_bytes`] wait for it, or
//! [`ServerOptions::total_out_limit_bytes`] for all clients together, and is closed
//! when it took none for [`ServerOptions::write_deadline`]. Each connection is a
//! task of its own with buffers of its own, and one on which nothing waits is always
//! read from: a client that reads its answers sees nothing of one that does not.
//!
//! Answers leave in the order of their requests, except for what takes long: a
//! request of [`ServerOptions::slow_request_bytes`] or more, and one that
//! [`Answering::answer_at_once`] does not answer. These are answered on other
//! threads, up to four at a time for each connection and one for each test. Requests of
//! the same test wait behind them, on all connections, and get what they would get if
//! nothing took long; those of other tests pass them. A connection is not read from while
//! 1,024 of its requests wait, 16 of `slow_request_bytes`, or 8 MiB.
//!
//! What this module leaves out: which recorded span answers a request.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tusk_drift_schemas::tusk::drift::core::v1 as contract;

use crate::matcher::Answer;
use crate::protocol::{MAX_FRAME_BYTES, encode_frame};
use crate::wording::seconds;
use order::Order;
use waiting::Waiting;

mod accept;
mod answers;
mod connection;
mod listen;
mod order;
mod queue;
mod waiting;

pub use listen::{Address, Listen, ListenError, MAX_SOCKET_PATH_BYTES};

/// Finds the recorded answer to a live request.
pub trait Answering: Send + Sync + 'static {
    /// The answer; its `request_id` is filled in by the server.
    fn answer(&self, request: &contract::GetMockRequest) -> Answered;
    /// The same where it takes no longer than a few milliseconds; `None`, and
    /// nothing changed, where it takes longer: then [`answer`](Self::answer) is
    /// asked on another thread.
    fn answer_at_once(&self, request: &contract::GetMockRequest) -> Option<Answered> {
        Some(self.answer(request))
    }
    /// A test begins: its recorded calls count as unused again.
    fn begin_test(&self, trace_id: &str);
    /// The service starts: the recorded calls of its start count as unused again.
    fn begin_boot(&self) {}
}

/// An answer, and how it was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answered {
    /// What the SDK gets.
    pub response: contract::GetMockResponse,
    /// Its `response_data`, a `google.protobuf.Struct` that is encoded already;
    /// then `response` has none.
    pub response_data: Option<Vec<u8>>,
    /// What the matcher found and compared; `None` when it was not asked.
    pub matched: Option<Box<Answer>>,
}

impl From<contract::GetMockResponse> for Answered {
    fn from(response: contract::GetMockResponse) -> Self {
        Answered {
            response,
            response_data: None,
            matched: None,
        }
    }
}

/// Limits and names of a [`Server`].
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Our version, as the handshake compares it.
    pub own_version: String,
    /// The oldest SDK that is served.
    pub minimum_sdk_version: String,
    /// What requests for environment variables are answered with.
    pub env_vars: BTreeMap<String, String>,
    /// The longest frame that is read.
    pub max_frame_bytes: u32,
    /// From this size on a mock request is answered on another thread.
    pub slow_request_bytes: usize,
    /// How much may wait to be sent on one connection before it is no longer read from.
    pub out_limit_bytes: usize,
    /// How much may wait to be sent on all connections before those on which
    /// something waits are no longer read from. A connection on which nothing waits
    /// is: each may go beyond this by one answer, and by four that take long.
    pub total_out_limit_bytes: usize,
    /// How long a client may leave its answers unread.
    pub write_deadline: Duration,
    /// How long nothing may come in the middle of a frame.
    pub frame_deadline: Duration,
    /// How long a Python process may take to set its clock; the run goes on without.
    pub time_travel_deadline: Duration,
    /// How many connections are served at once; further ones wait to be accepted.
    pub max_connections: usize,
    /// How many events wait for the caller; further ones are dropped and
    /// counted ([`ServerHandle::dropped_events`]). An eighth of the places is kept from
    /// mock requests, so that these do not push out the others. Records of tests
    /// lose nothing by that.
    pub event_capacity: usize,
    /// How many mock requests are kept for one test, and outside of tests;
    /// further ones are answered all the same, and counted.
    pub max_recorded_requests: usize,
}

impl Default for ServerOptions {
    fn default() -> Self {
        ServerOptions {
            own_version: env!("CARGO_PKG_VERSION").to_owned(),
            minimum_sdk_version: "0.1.0".to_owned(),
            env_vars: BTreeMap::new(),
            max_frame_bytes: MAX_FRAME_BYTES,
            slow_request_bytes: 64 * 1024,
            out_limit_bytes: 64 * 1024 * 1024,
            total_out_limit_bytes: 512 * 1024 * 1024,
            write_deadline: Duration::from_secs(10),
            frame_deadline: Duration::from_secs(10),
            time_travel_deadline: Duration::from_secs(5),
            max_connections: 4096,
            event_capacity: 16 * 1024,
            max_recorded_requests: 100_000,
        }
    }
}

/// A connection, numbered from 1 in the order of acceptance.
pub type ConnectionId = u64;

/// One mock request and its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct MockEvent {
    /// Which connection asked.
    pub connection: ConnectionId,
    /// What was asked.
    pub request: contract::GetMockRequest,
    /// What was answered, without `response_data`: `matched_span_id` names the span.
    pub answer: contract::GetMockResponse,
    /// How it was found.
    pub matched: Option<Box<Answer>>,
    /// How long finding it took.
    pub took: Duration,
}

/// An SDK, as it introduced itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sdk {
    /// `service_id`; `unknown` when it has no configuration.
    pub service_id: String,
    /// Its version.
    pub version: String,
    /// Its language.
    pub runtime: contract::Runtime,
}

/// What happened on the server.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// An SDK shook hands.
    Connected {
        /// On which connection.
        connection: ConnectionId,
        /// Which one.
        sdk: Sdk,
    },
    /// An SDK was refused. It goes on without mocks, so a run had better end.
    Refused {
        /// On which connection.
        connection: ConnectionId,
        /// Which one.
        sdk: Sdk,
        /// What was answered.
        reason: String,
    },
    /// A mock request was answered.
    Mock(Arc<MockEvent>),
    /// The service reported the request that it served.
    InboundSpan {
        /// On which connection.
        connection: ConnectionId,
        /// Its trace id is that of the test.
        span: Arc<contract::Span>,
    },
    /// An SDK warned.
    Alert {
        /// On which connection.
        connection: ConnectionId,
        /// For people.
        text: String,
    },
    /// Something was wrong with a frame, a connection, or the listening socket.
    Problem {
        /// On which connection, if on one.
        connection: Option<ConnectionId>,
        /// Stable.
        code: &'static str,
        /// For people.
        message: String,
    },
    /// A connection ended.
    Disconnected {
        /// Which one.
        connection: ConnectionId,
        /// Whether it had shaken hands.
        shook_hands: bool,
    },
    /// The clocks of the Python workers were set, or not.
    TimeTravel {
        /// For which test.
        trace_id: String,
        /// How many workers were asked.
        workers: usize,
        /// One text for each that did not do it.
        failures: Vec<String>,
    },
}

/// What is known of one test.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TestRecord {
    /// Its mock requests, in the order they were answered.
    pub mocks: Vec<Arc<MockEvent>>,
    /// Mock requests that were answered and not kept.
    pub mocks_not_kept: u64,
    /// The request as the service saw it.
    pub inbound_span: Option<Arc<contract::Span>>,
}

/// How [`ServerHandle::wait_connected`] ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// An SDK is connected.
    Connected(Sdk),
    /// None is, and one was refused with this text.
    Refused(String),
    /// None came in time.
    None,
}

/// Begins to serve.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Listens, and serves on the current runtime until the handle is stopped
    /// or dropped. The events come through the receiver.
    ///
    /// # Errors
    /// [`ListenError`] when there is nowhere to listen.
    pub fn start(
        listen: &Listen,
        answering: Arc<dyn Answering>,
        options: ServerOptions,
    ) -> Result<(ServerHandle, mpsc::Receiver<Event>), ListenError> {
        let bound = listen.bind()?;
        let (events, receiver) = mpsc::channel(options.event_capacity.max(1));
        let shared = Arc::new(Shared::new(answering, options, events));
        let accepting = tokio::spawn(accept::accept_all(bound.listener, Arc::clone(&shared)));
        let handle = ServerHandle {
            shared,
            address: bound.address,
            socket_file: bound.socket_file,
            accepting: Some(accepting),
        };
        Ok((handle, receiver))
    }
}

/// What all connections share.
struct Shared {
    answering: Arc<dyn Answering>,
    options: ServerOptions,
    waiting: Arc<Waiting>,
    order: Arc<Order>,
    events: mpsc::Sender<Event>,
    dropped_events: AtomicU64,
    next_id: AtomicU64,
    peers: Mutex<BTreeMap<ConnectionId, Peer>>,
    /// Whether one ever was, also of a service before.
    was_connected: AtomicBool,
    refusal: Mutex<Option<String>>,
    waiters: Mutex<HashMap<String, Waiter>>,
    records: Mutex<Records>,
    /// Told of every handshake and inbound span.
    changed: watch::Sender<()>,
    stop: watch::Sender<bool>,
}

/// A connection that shook hands.
struct Peer {
    sdk: Sdk,
    /// Frames to send.
    push: mpsc::Sender<Bytes>,
}

/// Who waits for an answer to a question of ours.
struct Waiter {
    connection: ConnectionId,
    reply: oneshot::Sender<SdkReply>,
}

/// An answer to a question of ours.
enum SdkReply {
    TimeTravel(contract::SetTimeTravelResponse),
    Coverage(contract::CoverageSnapshotResponse),
    Unusable(String),
}

/// The tests that run, and what came outside of them.
#[derive(Default)]
struct Records {
    running: HashMap<String, TestRecord>,
    ended: HashSet<String>,
    late: HashMap<String, TestRecord>,
    outside: TestRecord,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is guarded is whole between statements, so a panic elsewhere leaves it usable.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn new(
        answering: Arc<dyn Answering>,
        options: ServerOptions,
        events: mpsc::Sender<Event>,
    ) -> Shared {
        Shared {
            answering,
            waiting: Waiting::new(options.total_out_limit_bytes),
            order: Arc::default(),
            options,
            events,
            dropped_events: AtomicU64::new(0),
            next_id: AtomicU64::new(1),
            peers: Mutex::default(),
            was_connected: AtomicBool::new(false),
            refusal: Mutex::default(),
            waiters: Mutex::default(),
            records: Mutex::default(),
            changed: watch::Sender::new(()),
            stop: watch::Sender::new(false),
        }
    }

    fn event(&self, event: Event) {
        // Thousands of mock requests must not push out the one alert.
        let kept_free = match event {
            Event::Mock(_) => self.events.max_capacity() / 8,
            _ => 0,
        };
        if self.events.capacity() <= kept_free || self.events.try_send(event).is_err() {
            self.dropped_events.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn problem(&self, connection: Option<ConnectionId>, code: &'static str, message: String) {
        self.event(Event::Problem {
            connection,
            code,
            message,
        });
    }

    fn record_mock(&self, event: &Arc<MockEvent>) {
        let test_id = event.request.test_id.as_str();
        let limit = self.options.max_recorded_requests;
        let mut records = lock(&self.records);
        let record = records.of_test(test_id);
        if record.mocks.len() < limit {
            record.mocks.push(Arc::clone(event));
        } else {
            record.mocks_not_kept += 1;
        }
    }

    fn record_inbound(&self, span: &Arc<contract::Span>) {
        let mut records = lock(&self.records);
        // The inbound span of no test of ours has nothing to belong to.
        if records.running.contains_key(&span.trace_id) || records.ended.contains(&span.trace_id) {
            records.of_test(&span.trace_id).inbound_span = Some(Arc::clone(span));
        }
        drop(records);
        self.changed.send_replace(());
    }

    /// Sends a question to a peer and waits for its answer.
    async fn ask(
        &self,
        connection: ConnectionId,
        push: &mpsc::Sender<Bytes>,
        mut message: contract::CliMessage,
        timeout: Duration,
    ) -> Result<SdkReply, String> {
        let request_id = format!("drift-{}", self.next_id.fetch_add(1, Ordering::Relaxed));
        message.request_id.clone_from(&request_id);
        let (reply, answer) = oneshot::channel();
        // Before it is sent: the answer of a fast worker must find its waiter.
        lock(&self.waiters).insert(request_id.clone(), Waiter { connection, reply });
        let mut frame = BytesMut::new();
        encode_frame(&message, &mut frame);
        let asked = async {
            push.send(frame.freeze()).await.ok()?;
            answer.await.ok()
        };
        let outcome = tokio::time::timeout(timeout, asked).await;
        lock(&self.waiters).remove(&request_id);
        match outcome {
            Ok(Some(SdkReply::Unusable(reason))) => Err(reason),
            Ok(Some(reply)) => Ok(reply),
            Ok(None) => Err("the connection was closed".to_owned()),
            Err(_) => Err(format!("no answer within {}", seconds(timeout))),
        }
    }

    /// Asks all peers that `wanted` names, at once.
    async fn ask_all(
        self: &Arc<Self>,
        wanted: impl Fn(&Sdk) -> bool,
        message: &contract::CliMessage,
        timeout: Duration,
    ) -> BTreeMap<ConnectionId, Result<SdkReply, String>> {
        let peers: Vec<_> = lock(&self.peers)
            .iter()
            .filter(|(_, peer)| wanted(&peer.sdk))
            .map(|(connection, peer)| (*connection, peer.push.clone()))
            .collect();
        let mut questions = JoinSet::new();
        for (connection, push) in peers {
            let shared = Arc::clone(self);
            let message = message.clone();
            questions.spawn(async move {
                let reply = shared.ask(connection, &push, message, timeout).await;
                (connection, reply)
            });
        }
        questions.join_all().await.into_iter().collect()
    }
}

impl Records {
    fn of_test(&mut self, test_id: &str) -> &mut TestRecord {
        if let Some(record) = self.running.get_mut(test_id) {
            return record;
        }
        if self.ended.contains(test_id) {
            return self.late.entry(test_id.to_owned()).or_default();
        }
        &mut self.outside
    }
}

/// A running server. Dropping it stops it and removes its socket.
pub struct ServerHandle {
    shared: Arc<Shared>,
    address: Address,
    socket_file: Option<listen::SocketFile>,
    accepting: Option<tokio::task::JoinHandle<()>>,
}

impl std::fmt::Debug for ServerHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerHandle")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl ServerHandle {
    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The path of its socket, if it has one.
    pub fn socket_path(&self) -> Option<&PathBuf> {
        match &self.address {
            Address::Unix(path) => Some(path),
            Address::Tcp(_) => None,
        }
    }

    /// The SDKs that are connected, in the order of their connections.
    pub fn connected(&self) -> Vec<Sdk> {
        lock(&self.shared.peers)
            .values()
            .map(|peer| peer.sdk.clone())
            .collect()
    }

    /// Whether an SDK ever connected, of this start of the service or one before.
    pub fn was_connected(&self) -> bool {
        self.shared.was_connected.load(Ordering::Relaxed)
    }

    /// Whether a Python process is connected: its clock is one for all its requests.
    pub fn has_python(&self) -> bool {
        lock(&self.shared.peers)
            .values()
            .any(|peer| peer.sdk.runtime == contract::Runtime::Python)
    }

    /// Events that were dropped because the caller did not take them.
    pub fn dropped_events(&self) -> u64 {
        self.shared.dropped_events.load(Ordering::Relaxed)
    }

    /// Waits until an SDK is connected, or was refused.
    pub async fn wait_connected(&self, timeout: Duration) -> Handshake {
        let mut changed = self.shared.changed.subscribe();
        let found = async {
            loop {
                changed.mark_unchanged();
                if let Some(sdk) = self.connected().into_iter().next() {
                    return Handshake::Connected(sdk);
                }
                if let Some(reason) = lock(&self.shared.refusal).clone() {
                    return Handshake::Refused(reason);
                }
                if changed.changed().await.is_err() {
                    return Handshake::None;
                }
            }
        };
        tokio::time::timeout(timeout, found)
            .await
            .unwrap_or(Handshake::None)
    }

    /// The service starts, or starts again: whoever was connected or refused does
    /// not count any more.
    pub fn begin_service(&self) {
        lock(&self.shared.peers).clear();
        *lock(&self.shared.refusal) = None;
        self.shared.answering.begin_boot();
    }

    /// A test begins: its recorded calls are unused, its record is empty.
    pub fn begin_test(&self, trace_id: &str) {
        self.shared.answering.begin_test(trace_id);
        let mut records = lock(&self.shared.records);
        records.ended.remove(trace_id);
        records.late.remove(trace_id);
        records
            .running
            .insert(trace_id.to_owned(), TestRecord::default());
    }

    /// A test ends: gives its record. What comes later is kept for
    /// [`ServerHandle::take_late`].
    pub fn end_test(&self, trace_id: &str) -> TestRecord {
        let mut records = lock(&self.shared.records);
        records.ended.insert(trace_id.to_owned());
        records.running.remove(trace_id).unwrap_or_default()
    }

    /// What has come for a test since it ended.
    pub fn late_of(&self, trace_id: &str) -> TestRecord {
        let records = lock(&self.shared.records);
        records.late.get(trace_id).cloned().unwrap_or_default()
    }

    /// What came for tests after they had ended.
    pub fn take_late(&self) -> HashMap<String, TestRecord> {
        std::mem::take(&mut lock(&self.shared.records).late)
    }

    /// The mock requests of no test that was begun: those of the start, and of
    /// work in the background.
    pub fn take_outside(&self) -> TestRecord {
        std::mem::take(&mut lock(&self.shared.records).outside)
    }

    /// How many of the mock requests outside of tests are kept now.
    pub(crate) fn outside_count(&self) -> usize {
        lock(&self.shared.records).outside.mocks.len()
    }

    /// Those that came after so many and have no recorded answer.
    pub(crate) fn unanswered_outside(&self, after: usize) -> Vec<Arc<MockEvent>> {
        let records = lock(&self.shared.records);
        let mocks = records.outside.mocks.iter().skip(after);
        mocks.filter(|mock| !mock.answer.found).cloned().collect()
    }

    /// Waits for the inbound span of a running test; whether it came.
    pub async fn wait_inbound_span(&self, trace_id: &str, timeout: Duration) -> bool {
        let mut changed = self.shared.changed.subscribe();
        let found = async {
            loop {
                changed.mark_unchanged();
                let there = lock(&self.shared.records)
                    .running
                    .get(trace_id)
                    .is_some_and(|record| record.inbound_span.is_some());
                if there {
                    return true;
                }
                if changed.changed().await.is_err() {
                    return false;
                }
            }
        };
        tokio::time::timeout(timeout, found).await.unwrap_or(false)
    }

    /// Sets the clocks of all connected Python processes, and waits for them.
    /// Gives one text for each that did not do it within
    /// [`ServerOptions::time_travel_deadline`]; the run can go on.
    pub async fn time_travel(
        &self,
        trace_id: &str,
        timestamp_seconds: f64,
        source: &str,
    ) -> Vec<String> {
        let message = contract::CliMessage {
            r#type: contract::MessageType::SetTimeTravel.into(),
            request_id: String::new(),
            payload: Some(contract::cli_message::Payload::SetTimeTravelRequest(
                contract::SetTimeTravelRequest {
                    timestamp_seconds,
                    trace_id: trace_id.to_owned(),
                    timestamp_source: source.to_owned(),
                },
            )),
        };
        let replies = self
            .shared
            .ask_all(
                |sdk| sdk.runtime == contract::Runtime::Python,
                &message,
                self.shared.options.time_travel_deadline,
            )
            .await;
        let workers = replies.len();
        let failures: Vec<String> = replies
            .into_iter()
            .filter_map(|(connection, reply)| match reply {
                Ok(SdkReply::TimeTravel(answer)) if answer.success => None,
                Ok(SdkReply::TimeTravel(answer)) if !answer.error.is_empty() => {
                    Some(format!("connection {connection}: {}", answer.error))
                }
                Ok(_) => Some(format!("connection {connection}: it answered no")),
                Err(reason) => Some(format!("connection {connection}: {reason}")),
            })
            .collect();
        if workers > 0 {
            self.shared.event(Event::TimeTravel {
                trace_id: trace_id.to_owned(),
                workers,
                failures: failures.clone(),
            });
        }
        failures
    }

    /// Asks every connected process for its coverage since the last time, or
    /// for the baseline. The answers come in the order of the connections.
    pub async fn coverage_snapshot(
        &self,
        baseline: bool,
        timeout: Duration,
    ) -> Vec<Result<HashMap<String, contract::FileCoverageData>, String>> {
        let message = contract::CliMessage {
            r#type: contract::MessageType::CoverageSnapshot.into(),
            request_id: String::new(),
            payload: Some(contract::cli_message::Payload::CoverageSnapshotRequest(
                contract::CoverageSnapshotRequest { baseline },
            )),
        };
        let replies = self.shared.ask_all(|_| true, &message, timeout).await;
        replies
            .into_iter()
            .map(|(connection, reply)| match reply {
                Ok(SdkReply::Coverage(answer)) if answer.success => Ok(answer.coverage),
                Ok(SdkReply::Coverage(answer)) => {
                    Err(format!("connection {connection}: {}", answer.error))
                }
                Ok(_) => Err(format!("connection {connection}: another answer came")),
                Err(reason) => Err(format!("connection {connection}: {reason}")),
            })
            .collect()
    }

    /// Ends all connections after what waits for them was sent, and removes
    /// the socket.
    pub async fn stop(mut self) {
        self.shared.stop.send_replace(true);
        if let Some(accepting) = self.accepting.take() {
            // Its only failure is a panic, which has been reported by then.
            let _ended = accepting.await;
        }
    }
}

impl Drop for ServerHandle {
    fn drop(&mut self) {
        self.shared.stop.send_replace(true);
        if let Some(file) = self.socket_file.take() {
            file.remove();
        }
    }
}
