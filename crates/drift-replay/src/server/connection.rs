//! One connection: reads frames, answers them, sends the answers in as few
//! writes as the socket takes.
//!
//! One task does all of it, without a task or a wake-up for each request. It
//! goes on reading while answers wait to be sent, so a client may send
//! everything before it reads anything.

use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::Interest;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tusk_drift_schemas::tusk::drift::core::v1 as contract;

use contract::cli_message::Payload as Answer;
use contract::sdk_message::Payload as Question;

use super::accept::{Stream, stopped};
use super::order::Place;
use super::queue::{MockQuestion, Patience, Queue};
use super::waiting::Share;
use super::{Answered, ConnectionId, Event, MockEvent, Peer, Sdk, SdkReply, Shared, lock};
use crate::protocol::{
    Envelope, FrameDecoder, FrameError, Incoming, check_versions, encode_frame,
    encode_mock_response, read_sdk_message,
};
use crate::wording::{count, seconds};

/// How much is read at once.
const READ_BYTES: usize = 32 * 1024;

/// After so many frames others get their turn, and answers are sent.
const FRAMES_A_TURN: usize = 128;

/// Questions of ours that wait to be sent on one connection.
const PUSH_CAPACITY: usize = 16;

/// How many requests of one connection that take long are answered at once, so that one of
/// a test does not wait for those of others. At most one is of the same test: the others
/// have their places behind it.
const WORKERS: usize = 4;

pub(super) async fn serve(shared: Arc<Shared>, stream: Stream, id: ConnectionId) {
    let (push, pushed) = mpsc::channel(PUSH_CAPACITY);
    let mut connection = Connection::new(shared, id, push);
    if let Err(end) = connection.run(&stream, pushed).await {
        connection.shared.problem(Some(id), end.code, end.message);
    }
    connection.leave();
}

/// Why a connection was closed by us, or broke.
struct End {
    code: &'static str,
    message: String,
}

/// Whether another answer may wait to be sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    There,
    /// As much waits on this connection as may.
    NotHere,
    /// As much waits on all connections as may.
    NotForAll,
}

struct Connection {
    shared: Arc<Shared>,
    id: ConnectionId,
    decoder: FrameDecoder,
    /// What waits to be sent.
    out: BytesMut,
    /// The same, as part of what waits on all connections.
    share: Share,
    /// Requests that take long, or wait behind one.
    slow: Queue,
    /// Those that are being answered, each on a thread; it gives the answer, and the place
    /// that the request kept until then.
    working: JoinSet<(BytesMut, Option<Place>)>,
    push: mpsc::Sender<Bytes>,
    shook_hands: bool,
}

impl Connection {
    fn new(shared: Arc<Shared>, id: ConnectionId, push: mpsc::Sender<Bytes>) -> Connection {
        Connection {
            decoder: FrameDecoder::new(shared.options.max_frame_bytes),
            out: BytesMut::new(),
            share: Share::of(&shared.waiting),
            slow: Queue::new(&shared.order, shared.options.slow_request_bytes),
            working: JoinSet::new(),
            push,
            shook_hands: false,
            shared,
            id,
        }
    }

    async fn run(&mut self, stream: &Stream, mut pushed: mpsc::Receiver<Bytes>) -> Result<(), End> {
        let mut buffer = vec![0; READ_BYTES];
        let mut stop = self.shared.stop.subscribe();
        let turns = self.slow.turns();
        let mut stopping = false;
        let mut reading = true;
        let mut last_read = Instant::now();
        let mut last_write = last_read;
        loop {
            let more = self.answer_some()?;
            let mut more_slow = false;
            if self.write(stream)? {
                last_write = Instant::now();
            }
            let mut room = self.out_room();
            if room == Room::There {
                self.begin_waiting(&mut last_write);
                more_slow = self.next_slow();
                room = self.out_room();
            }
            if room != Room::There {
                self.slow.lose_places();
            }
            let idle = self.out.is_empty() && self.working.is_empty() && self.slow.is_empty();
            if idle && !more && (stopping || !reading) {
                return Ok(());
            }
            let has_room = room == Room::There && !self.slow.is_full();
            if (more_slow && room == Room::There) || (more && has_room) {
                tokio::task::yield_now().await;
                continue;
            }
            let read = reading && !stopping && has_room;
            if !read {
                // A pause of ours is no silence of the client's.
                last_read = Instant::now();
            }
            let interest = match (read, self.out.is_empty()) {
                (true, true) => Some(Interest::READABLE),
                (true, false) => Some(Interest::READABLE | Interest::WRITABLE),
                (false, false) => Some(Interest::WRITABLE),
                (false, true) => None,
            };
            let write_deadline =
                (!self.out.is_empty()).then(|| last_write + self.shared.options.write_deadline);
            let frame_deadline = (read && self.decoder.is_inside_a_frame())
                .then(|| last_read + self.shared.options.frame_deadline);
            let deadline = [write_deadline, frame_deadline].into_iter().flatten().min();
            tokio::select! {
                biased;
                () = stopped(&mut stop), if !stopping => stopping = true,
                Some(frame) = pushed.recv() => {
                    self.begin_waiting(&mut last_write);
                    self.out.extend_from_slice(&frame);
                }
                Some(done) = self.working.join_next() => {
                    self.begin_waiting(&mut last_write);
                    // It catches panics itself, and is aborted only with the connection.
                    if let Ok((frames, place)) = done {
                        self.out.unsplit(frames);
                        // Now what is behind it on this connection leaves behind it too.
                        drop(place);
                    }
                }
                ready = async { match interest { Some(interest) => stream.ready(interest).await, None => std::future::pending().await } } => {
                    let ready = ready.map_err(broken)?;
                    if read && (ready.is_readable() || ready.is_read_closed()) {
                        match stream.try_read(&mut buffer) {
                            Ok(0) => {
                                reading = false;
                                if self.decoder.is_inside_a_frame() {
                                    self.shared.problem(Some(self.id), "truncated_frame", "the connection was closed in the middle of a frame".to_owned());
                                    self.decoder = FrameDecoder::new(self.shared.options.max_frame_bytes);
                                }
                            }
                            Ok(count) => {
                                last_read = Instant::now();
                                self.begin_waiting(&mut last_write);
                                self.decoder.push(buffer.get(..count).unwrap_or_default());
                            }
                            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                            // A process that ended without closing, and waits for nothing.
                            Err(error)
                                if error.kind() == io::ErrorKind::ConnectionReset
                                    && self.out.is_empty() =>
                            {
                                reading = false;
                            }
                            Err(error) => return Err(broken(error)),
                        }
                    }
                }
                () = self.shared.waiting.has_room(), if room == Room::NotForAll => {}
                () = turns.wait(), if room == Room::There && !self.slow.is_empty() => {}
                () = async { match deadline { Some(deadline) => tokio::time::sleep_until(deadline).await, None => std::future::pending().await } } => {
                    let now = Instant::now();
                    if write_deadline.is_some_and(|deadline| deadline <= now) {
                        return Err(self.not_read());
                    }
                    return Err(End {
                        code: "frame_timeout",
                        message: format!("no byte came for {} in the middle of a frame", seconds(self.shared.options.frame_deadline)),
                    });
                }
            }
        }
    }

    /// The time that a client has to take an answer begins when there is one.
    fn begin_waiting(&self, last_write: &mut Instant) {
        if self.out.is_empty() {
            *last_write = Instant::now();
        }
    }

    /// Whether another answer may wait here. Where nothing waits it always may: a
    /// client that reads is served however much waits for others.
    fn out_room(&mut self) -> Room {
        self.share.set(self.out.len());
        if self.out.len() >= self.shared.options.out_limit_bytes {
            Room::NotHere
        } else if !self.out.is_empty() && self.shared.waiting.is_full() {
            Room::NotForAll
        } else {
            Room::There
        }
    }

    /// Answers what is there, up to a turn; whether there may be more.
    fn answer_some(&mut self) -> Result<bool, End> {
        for _ in 0..FRAMES_A_TURN {
            if self.out_room() != Room::There {
                return Ok(true);
            }
            // Before what comes now may pass those that have lost theirs: there may be
            // room again since a moment ago.
            self.slow.take_places();
            if self.slow.is_full() {
                return Ok(true);
            }
            match self.decoder.next_frame() {
                None => return Ok(false),
                Some(Incoming::Frame(frame)) => self.answer_frame(frame),
                Some(Incoming::Oversize {
                    length_bytes,
                    envelope,
                }) => self.answer_oversize(length_bytes, envelope)?,
            }
        }
        Ok(true)
    }

    /// Sends what the socket takes; whether it took any.
    fn write(&mut self, stream: &Stream) -> Result<bool, End> {
        let mut any = false;
        while !self.out.is_empty() {
            match stream.try_write(&self.out) {
                Ok(count) => {
                    any |= count > 0;
                    self.out.advance(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(broken(error)),
            }
        }
        Ok(any)
    }

    fn answer_frame(&mut self, frame: Bytes) {
        let length_bytes = frame.len();
        match read_sdk_message(frame) {
            Ok(message) => {
                self.answer_message(message, length_bytes);
            }
            Err(error) => {
                self.shared
                    .problem(Some(self.id), error.code(), error.to_string());
                let FrameError::Malformed { envelope, .. } = &error;
                if let Some(envelope) = envelope {
                    self.answer_error(envelope, error.code(), &error.to_string());
                }
            }
        }
    }

    fn answer_oversize(
        &mut self,
        length_bytes: u32,
        envelope: Option<Envelope>,
    ) -> Result<(), End> {
        let message = format!(
            "a message of {length_bytes} bytes came, and at most {} are read",
            self.shared.options.max_frame_bytes
        );
        let Some(envelope) = envelope else {
            return Err(End {
                code: "oversize_frame",
                message: format!(
                    "{message}; its beginning does not say what it is, so the connection was closed"
                ),
            });
        };
        self.shared
            .problem(Some(self.id), "oversize_frame", message.clone());
        self.answer_error(&envelope, "oversize_frame", &message);
        Ok(())
    }

    /// The error answer of a message's type, as far as it has one.
    fn answer_error(&mut self, envelope: &Envelope, code: &'static str, text: &str) {
        let Ok(message_type) = contract::MessageType::try_from(envelope.message_type) else {
            return;
        };
        let payload = match message_type {
            contract::MessageType::SdkConnect => {
                Answer::ConnectResponse(contract::ConnectResponse {
                    success: false,
                    error: text.to_owned(),
                })
            }
            contract::MessageType::MockRequest => {
                Answer::GetMockResponse(mock_error(&envelope.request_id, code, text.to_owned()))
            }
            contract::MessageType::InboundSpan => Answer::SendInboundSpanForReplayResponse(
                contract::SendInboundSpanForReplayResponse { success: false },
            ),
            contract::MessageType::EnvVarRequest => {
                Answer::EnvVarResponse(contract::EnvVarResponse::default())
            }
            contract::MessageType::SetTimeTravel | contract::MessageType::CoverageSnapshot => {
                self.reply(&envelope.request_id, SdkReply::Unusable(text.to_owned()));
                return;
            }
            contract::MessageType::Alert | contract::MessageType::Unspecified => return,
        };
        self.send(message_type, envelope.request_id.clone(), payload);
    }

    fn answer_message(&mut self, message: contract::SdkMessage, length_bytes: usize) {
        let contract::SdkMessage {
            r#type,
            request_id,
            payload,
        } = message;
        use contract::MessageType as Type;
        let payload = payload.or_else(|| match Type::try_from(r#type) {
            // A payload that has only defaults may be left out by its writer.
            Ok(Type::SdkConnect) => {
                Some(Question::ConnectRequest(contract::ConnectRequest::default()))
            }
            Ok(Type::MockRequest) => {
                Some(Question::GetMockRequest(contract::GetMockRequest::default()))
            }
            Ok(Type::InboundSpan) => Some(Question::SendInboundSpanForReplayRequest(
                contract::SendInboundSpanForReplayRequest::default(),
            )),
            Ok(Type::EnvVarRequest) => {
                Some(Question::EnvVarRequest(contract::EnvVarRequest::default()))
            }
            Ok(Type::Alert | Type::SetTimeTravel | Type::CoverageSnapshot | Type::Unspecified)
            | Err(_) => None,
        });
        match payload {
            Some(Question::ConnectRequest(request)) => self.connect(request_id, request),
            Some(Question::GetMockRequest(request)) => {
                let patience = match length_bytes >= self.shared.options.slow_request_bytes {
                    true => Patience::Unlimited,
                    false => Patience::AtOnce,
                };
                let question = MockQuestion {
                    envelope_id: request_id,
                    request,
                    length_bytes,
                    patience,
                    place: None,
                };
                if patience == Patience::Unlimited
                    || self.shared.order.has_to_wait(&question.request.test_id)
                {
                    self.slow.push(question);
                } else if let Some(left) =
                    answer_mock(&self.shared, self.id, question, patience, &mut self.out)
                {
                    self.slow.put_back(left);
                }
            }
            Some(Question::SendInboundSpanForReplayRequest(request)) => {
                let success = request.span.is_some();
                match request.span {
                    Some(span) => {
                        let span = Arc::new(span);
                        self.shared.record_inbound(&span);
                        self.shared.event(Event::InboundSpan {
                            connection: self.id,
                            span,
                        });
                    }
                    None => self.shared.problem(
                        Some(self.id),
                        "missing_span",
                        "an inbound span was announced and is not in the message".to_owned(),
                    ),
                }
                self.send(
                    Type::InboundSpan,
                    request_id,
                    Answer::SendInboundSpanForReplayResponse(
                        contract::SendInboundSpanForReplayResponse { success },
                    ),
                );
            }
            Some(Question::SendAlertRequest(request)) => match alert_text(&request) {
                Some(text) => self.shared.event(Event::Alert {
                    connection: self.id,
                    text,
                }),
                None => self.dropped("empty_alert", "an alert without content".to_owned()),
            },
            Some(Question::EnvVarRequest(_)) => {
                let env_vars = self.shared.options.env_vars.clone().into_iter().collect();
                self.send(
                    Type::EnvVarRequest,
                    request_id,
                    Answer::EnvVarResponse(contract::EnvVarResponse { env_vars }),
                );
            }
            Some(Question::SetTimeTravelResponse(answer)) => {
                self.reply(&request_id, SdkReply::TimeTravel(answer));
            }
            Some(Question::CoverageSnapshotResponse(answer)) => {
                self.reply(&request_id, SdkReply::Coverage(answer));
            }
            None => match Type::try_from(r#type) {
                // An answer that has only defaults: it says no.
                Ok(Type::SetTimeTravel) => self.reply(
                    &request_id,
                    SdkReply::TimeTravel(contract::SetTimeTravelResponse::default()),
                ),
                Ok(Type::CoverageSnapshot) => self.reply(
                    &request_id,
                    SdkReply::Coverage(contract::CoverageSnapshotResponse::default()),
                ),
                _ => self.dropped(
                    "unknown_message",
                    format!("a message of the type {type} without a payload that drift knows", type = r#type),
                ),
            },
        }
    }

    fn dropped(&self, code: &'static str, what: String) {
        self.shared
            .problem(Some(self.id), code, format!("{what} was dropped"));
    }

    fn connect(&mut self, request_id: String, request: contract::ConnectRequest) {
        let options = &self.shared.options;
        let checked = check_versions(&request, &options.own_version, &options.minimum_sdk_version);
        let sdk = Sdk {
            runtime: request.runtime(),
            service_id: request.service_id,
            version: request.sdk_version,
        };
        let connection = self.id;
        let response = match checked {
            Ok(()) => {
                self.shook_hands = true;
                let peer = Peer {
                    sdk: sdk.clone(),
                    push: self.push.clone(),
                };
                lock(&self.shared.peers).insert(connection, peer);
                self.shared.was_connected.store(true, Ordering::Relaxed);
                self.shared.event(Event::Connected { connection, sdk });
                contract::ConnectResponse {
                    success: true,
                    error: String::new(),
                }
            }
            Err(mismatch) => {
                let reason = mismatch.to_string();
                *lock(&self.shared.refusal) = Some(reason.clone());
                self.shared.event(Event::Refused {
                    connection,
                    sdk,
                    reason: reason.clone(),
                });
                contract::ConnectResponse {
                    success: false,
                    error: reason,
                }
            }
        };
        // The response first: an SDK takes the first frame it reads for it, and a
        // question of ours goes through `push`, which is sent after this.
        self.send(
            contract::MessageType::SdkConnect,
            request_id,
            Answer::ConnectResponse(response),
        );
        self.shared.changed.send_replace(());
    }

    fn reply(&self, request_id: &str, reply: SdkReply) {
        match lock(&self.shared.waiters).remove(request_id) {
            // The asker may have given up meanwhile.
            Some(waiter) => drop(waiter.reply.send(reply)),
            None => self.dropped(
                "unexpected_answer",
                format!("an answer to {request_id:?}, which nobody waits for,"),
            ),
        }
    }

    fn send(&mut self, message_type: contract::MessageType, request_id: String, payload: Answer) {
        let message = contract::CliMessage {
            r#type: message_type.into(),
            request_id,
            payload: Some(payload),
        };
        encode_frame(&message, &mut self.out);
    }

    /// Answers what only waited behind another one, is now the first of its test and does
    /// not take long itself, up to a turn; whether there may be more. Then begins with
    /// what takes long and whose turn it is, as far as there are workers.
    fn next_slow(&mut self) -> bool {
        if self.slow.is_empty() {
            return false;
        }
        self.slow.take_places();
        let mut more = true;
        for _ in 0..FRAMES_A_TURN {
            if self.out_room() != Room::There {
                return true;
            }
            let Some(question) = self.slow.next_at_once() else {
                more = false;
                break;
            };
            let patience = question.patience;
            if let Some(left) =
                answer_mock(&self.shared, self.id, question, patience, &mut self.out)
            {
                self.slow.put_back(left);
            }
        }
        while self.working.len() < WORKERS {
            if self.out_room() != Room::There {
                return true;
            }
            let Some(mut question) = self.slow.next_long() else {
                break;
            };
            let shared = Arc::clone(&self.shared);
            let id = self.id;
            self.working.spawn_blocking(move || {
                let mut out = BytesMut::new();
                let place = question.place.take();
                answer_mock(&shared, id, question, Patience::Unlimited, &mut out);
                (out, place)
            });
        }
        more
    }

    fn not_read(&self) -> End {
        End {
            code: "client_does_not_read",
            message: format!(
                "{} of answers were not taken for {}",
                count(self.out.len(), "byte"),
                seconds(self.shared.options.write_deadline)
            ),
        }
    }

    /// Nobody asks this connection any more, and who waits for it is told.
    fn leave(&mut self) {
        lock(&self.shared.peers).remove(&self.id);
        lock(&self.shared.waiters).retain(|_, waiter| waiter.connection != self.id);
        self.shared.event(Event::Disconnected {
            connection: self.id,
            shook_hands: self.shook_hands,
        });
    }
}

fn broken(error: io::Error) -> End {
    End {
        code: "connection_broken",
        message: format!("the connection broke: {error}"),
    }
}

/// Answers one mock request into `out`, records it and tells of it; gives it back
/// when that takes longer than it may.
fn answer_mock(
    shared: &Shared,
    connection: ConnectionId,
    question: MockQuestion,
    patience: Patience,
    out: &mut BytesMut,
) -> Option<MockQuestion> {
    let MockQuestion {
        envelope_id,
        mut request,
        length_bytes,
        patience: came_with,
        place,
    } = question;
    // Each stands in for the other where an SDK fills in only one.
    if request.request_id.is_empty() {
        request.request_id.clone_from(&envelope_id);
    }
    let envelope_id = if envelope_id.is_empty() {
        request.request_id.clone()
    } else {
        envelope_id
    };
    let begin = std::time::Instant::now();
    let answered: Option<Answered> = if request.outbound_span.is_some() {
        // A fault in the matcher must cost one answer, not the connection.
        std::panic::catch_unwind(AssertUnwindSafe(|| match patience {
            Patience::AtOnce => shared.answering.answer_at_once(&request),
            Patience::Unlimited => Some(shared.answering.answer(&request)),
        }))
        .unwrap_or_else(|_| {
            let text = "drift failed inside while it looked for the answer".to_owned();
            shared.problem(Some(connection), "internal", text.clone());
            Some(mock_error(&request.request_id, "internal", text).into())
        })
    } else {
        let text = "the mock request has no outbound span".to_owned();
        shared.problem(Some(connection), "missing_span", text.clone());
        Some(mock_error(&request.request_id, "missing_span", text).into())
    };
    let took = begin.elapsed();
    let Some(Answered {
        response: mut answer,
        response_data,
        matched,
    }) = answered
    else {
        return Some(MockQuestion {
            envelope_id,
            request,
            length_bytes,
            patience: came_with,
            place,
        });
    };
    answer.request_id.clone_from(&request.request_id);
    encode_mock_response(envelope_id, &answer, response_data.as_deref(), out);
    answer.response_data = None;
    let event = Arc::new(MockEvent {
        connection,
        request,
        answer,
        matched,
        took,
    });
    shared.record_mock(&event);
    shared.event(Event::Mock(event));
    // What is behind it finds it marked and recorded.
    drop(place);
    None
}

fn mock_error(request_id: &str, code: &str, error: String) -> contract::GetMockResponse {
    contract::GetMockResponse {
        request_id: request_id.to_owned(),
        found: false,
        error,
        error_code: code.to_owned(),
        ..Default::default()
    }
}

/// An alert, for people.
fn alert_text(request: &contract::SendAlertRequest) -> Option<String> {
    use contract::send_alert_request::Alert;
    Some(match request.alert.as_ref()? {
        Alert::VersionMismatch(alert) => {
            let supported = if alert.supported_versions.is_empty() {
                "none is named".to_owned()
            } else {
                alert.supported_versions.join(", ")
            };
            format!(
                "{} {} is not a version that the SDK {} instruments (supported: {supported}): its calls are neither recorded nor replayed",
                alert.module_name, alert.requested_version, alert.sdk_version
            )
        }
        Alert::UnpatchedDependency(alert) => {
            let place = alert
                .stack_trace
                .lines()
                .map(str::trim)
                .find(|line| !line.is_empty())
                .unwrap_or("no call stack was sent");
            // The SDKs fill this field with the trace id of the test, and with nothing
            // outside of one.
            let when = match alert.trace_test_server_span_id.as_str() {
                "" => "outside of a test".to_owned(),
                trace => format!("while the service answered the request of trace {trace}"),
            };
            format!(
                "a library that the SDK {} does not instrument made a call {when}: {place}",
                alert.sdk_version
            )
        }
    })
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
