//! In which order the requests of one test are answered where one of them takes long.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test is what a panic is for"
)]

mod sdk;
mod support;

use std::collections::{HashMap, HashSet};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use drift_replay::matcher::MAX_READ_AT_ONCE;
use drift_replay::server::{
    Address, Answered, Answering, Event, Listen, Server, ServerHandle, ServerOptions,
};
use sdk::recorded::*;
use sdk::*;
use support::{Call, matcher_of, trace_id};
use tokio::sync::mpsc::Receiver;
use tusk_drift_schemas::tusk::drift::core::v1 as contract;

/// A server on which the request `long` waits until the test lets it go.
fn gated(listen: &Listen, options: ServerOptions) -> (ServerHandle, Receiver<Event>, Sender<()>) {
    let recorded = Arc::new(Recorded::default());
    let (open, gate) = std::sync::mpsc::channel();
    *recorded.gate.lock().unwrap() = Some(gate);
    let (server, events) = Server::start(listen, recorded, options).unwrap();
    server.begin_test("t");
    (server, events, open)
}

/// Sends a request, and waits until the server has taken it.
fn send(client: &mut Client, request_id: &str, span: &str) {
    client.send(&mock_request(request_id, "t", span));
    let another = client.ask("another test", "other", "x");
    assert_eq!(another.request_id, "another test");
}

/// In which order the requests of the test were answered.
fn answered(server: &ServerHandle) -> Vec<String> {
    let record = server.end_test("t");
    let ids = record
        .mocks
        .iter()
        .map(|mock| mock.request.request_id.clone());
    ids.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_comes_behind_a_request_that_takes_long_is_answered_behind_it_on_all_connections() {
    const BEHIND: usize = 200;
    const OTHERS: usize = 20;
    // It says so, or it is large.
    for takes_long in ["long".to_owned(), format!("wait {}", "x".repeat(100_000))] {
        let directory = tempfile::tempdir().unwrap();
        let listen = Listen::Unix(directory.path().join("s"));
        let (server, _events, open) = gated(&listen, ServerOptions::default());
        let address = server.address().clone();
        blocking(move || {
            let mut first = Client::new(&address);
            send(&mut first, "first", &takes_long);
            for number in 0..BEHIND {
                send(&mut first, &format!("behind {number}"), "x");
            }
            let mut others: Vec<Client> = (0..OTHERS).map(|_| Client::new(&address)).collect();
            for (number, other) in others.iter_mut().enumerate() {
                send(other, &format!("{number}"), "x");
            }
            open.send(()).unwrap();
            assert_eq!(first.receive_mock().request_id, "first");
            for number in 0..BEHIND {
                assert_eq!(first.receive_mock().request_id, format!("behind {number}"));
            }
            for (number, other) in others.iter_mut().enumerate() {
                assert_eq!(other.receive_mock().request_id, format!("{number}"));
            }
        })
        .await;
        let mut expected = vec!["first".to_owned()];
        expected.extend((0..BEHIND).map(|number| format!("behind {number}")));
        expected.extend((0..OTHERS).map(|number| format!("{number}")));
        assert_eq!(answered(&server), expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_is_closed_while_it_waits_keeps_nobody_behind_it_waiting() {
    let (server, mut events, open) = gated(&loopback(), ServerOptions::default());
    let address = server.address().clone();
    let (mut first, mut last) = blocking(move || {
        let mut first = Client::new(&address);
        send(&mut first, "first", "long");
        let mut closed = Client::new(&address);
        send(&mut closed, "closed", "x");
        let mut last = Client::new(&address);
        send(&mut last, "last", "x");
        // What has no readable beginning closes its connection.
        closed.write(&[b'x'; 2048]);
        closed.expect_closed();
        (first, last)
    })
    .await;
    expect_problem(&mut events, "oversize_frame").await;
    blocking(move || {
        open.send(()).unwrap();
        assert_eq!(first.receive_mock().request_id, "first");
        assert_eq!(last.receive_mock().request_id, "last");
    })
    .await;
    assert_eq!(answered(&server), ["first", "last"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_never_reads_loses_its_turn_to_those_that_do() {
    let directory = tempfile::tempdir().unwrap();
    let options = ServerOptions {
        out_limit_bytes: 1024 * 1024,
        write_deadline: Duration::from_secs(3600),
        ..Default::default()
    };
    let (server, mut events, open) = gated(&Listen::Unix(directory.path().join("s")), options);
    let address = server.address().clone();
    let (_stuck, mut open_client) = blocking(move || {
        let mut stuck = Client::new(&address);
        send(&mut stuck, "long", "long");
        send(&mut stuck, "behind", "x");
        for number in 0..30 {
            let large = mock_request(&format!("u{number}"), "other", "large 100000");
            stuck.send(&large);
        }
        let mut client = Client::new(&address);
        send(&mut client, "reads", "x");
        (stuck, client)
    })
    .await;
    // Until more than a mebibyte of answers waits for it.
    let mut count: HashMap<u64, usize> = HashMap::new();
    expect_event(&mut events, "many answers", |event| {
        if let Event::Mock(mock) = event {
            *count.entry(mock.connection).or_default() += 1;
        }
        count.values().any(|count| *count > 12).then_some(())
    })
    .await;
    blocking(move || {
        open.send(()).unwrap();
        assert_eq!(open_client.receive_mock().request_id, "reads");
    })
    .await;
}

fn post(id: usize) -> Call {
    Call::http("POST", "/1", "{}", &format!("{{\"id\":{id}}}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_of_many_connections_for_one_long_trace_get_its_spans_in_their_order() {
    const CLIENTS: usize = 30;
    // All to one place, so that the recorded order alone tells which answers which.
    let recorded = (1..=MAX_READ_AT_ONCE * 10).map(|_| post(1)).collect();
    let (_directory, matcher) = matcher_of("many-connections", &[(1, recorded)]);
    let (server, _events) =
        Server::start(&loopback(), Arc::new(matcher), ServerOptions::default()).unwrap();
    let address = server.address().clone();
    blocking(move || {
        let mut clients: Vec<Client> = (0..CLIENTS).map(|_| Client::new(&address)).collect();
        for (number, client) in clients.iter_mut().enumerate() {
            let request_id = format!("{number}");
            let asked = post(0).message(&request_id, Some(1));
            client.send(&contract::SdkMessage {
                r#type: 2,
                request_id,
                payload: Some(Question::GetMockRequest(asked)),
            });
            // Of a test that is not recorded: answered as soon as the one before is taken.
            assert!(!client.ask("another test", &trace_id(9), "x").found);
        }
        for (number, client) in clients.iter_mut().enumerate() {
            let answer = client.receive_mock();
            assert_eq!(answer.request_id, format!("{number}"));
            assert_eq!(answer.matched_span_id, format!("{:016x}", number + 1));
        }
    })
    .await;
}

/// Answers at once, except for `long NAME`: that waits until the test opens this gate.
#[derive(Default)]
struct Gates {
    state: Mutex<GatesState>,
    changed: Condvar,
}

#[derive(Default)]
struct GatesState {
    open: HashSet<String>,
    /// How many wait, and the most that ever did.
    waiting: usize,
    most: usize,
}

impl Gates {
    fn open(&self, name: &str) {
        self.state.lock().unwrap().open.insert(name.to_owned());
        self.changed.notify_all();
    }

    /// Waits while this holds.
    fn wait_while(&self, holds: impl Fn(&GatesState) -> bool) {
        let state = self.state.lock().unwrap();
        let waited = self
            .changed
            .wait_timeout_while(state, DEADLINE, |state| holds(state));
        assert!(!waited.unwrap().1.timed_out(), "it did not change");
    }
}

impl Answering for Gates {
    fn answer(&self, request: &contract::GetMockRequest) -> Answered {
        let name = &request.outbound_span.as_ref().unwrap().name;
        if let Some(gate) = name.strip_prefix("long ") {
            let mut state = self.state.lock().unwrap();
            state.waiting += 1;
            state.most = state.most.max(state.waiting);
            drop(state);
            self.changed.notify_all();
            self.wait_while(|state| !state.open.contains(gate));
            self.state.lock().unwrap().waiting -= 1;
        }
        contract::GetMockResponse {
            found: true,
            ..Default::default()
        }
        .into()
    }

    fn answer_at_once(&self, request: &contract::GetMockRequest) -> Option<Answered> {
        let span = request.outbound_span.as_ref().unwrap();
        (!span.name.starts_with("long ")).then(|| self.answer(request))
    }

    fn begin_test(&self, _: &str) {}
}

/// Runs a test with clients that block, and with the gates that it opens.
async fn with_gates(test: impl FnOnce(&Address, &Gates) + Send + 'static) {
    let gates = Arc::new(Gates::default());
    let options = ServerOptions::default();
    let (server, _events) = Server::start(&loopback(), gates.clone(), options).unwrap();
    let address = server.address().clone();
    blocking(move || test(&address, &gates)).await;
}

/// Sends requests, each with its test and what is asked, which names it, and waits until
/// the server has taken them.
fn send_all(client: &mut Client, requests: &[(&str, &str)]) {
    for (test_id, name) in requests {
        client.send(&mock_request(&format!("{test_id} {name}"), test_id, name));
    }
    let another = client.ask("another test", "another", "x");
    assert_eq!(another.request_id, "another test");
}

fn expect(client: &mut Client, request_ids: &[&str]) {
    for request_id in request_ids {
        assert_eq!(client.receive_mock().request_id, *request_id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_whose_turn_has_come_does_not_wait_for_a_long_one_of_another_test() {
    for requests in [
        [("T", "small"), ("U", "long u")],
        [("U", "long u"), ("T", "small")],
    ] {
        with_gates(move |address, gates| {
            let mut first = Client::new(address);
            send_all(&mut first, &[("T", "long t")]);
            let mut both = Client::new(address);
            send_all(&mut both, &requests);
            let mut behind = Client::new(address);
            send_all(&mut behind, &[("T", "behind")]);
            gates.open("t");
            expect(&mut first, &["T long t"]);
            expect(&mut both, &["T small"]);
            expect(&mut behind, &["T behind"]);
            gates.open("u");
            expect(&mut both, &["U long u"]);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_goes_on_with_each_of_its_tests_while_those_of_others_take_long() {
    with_gates(|address, gates| {
        let mut client = Client::new(address);
        let tests = [
            ("T", "long 1"),
            ("U", "long 2"),
            ("T", "small"),
            ("T", "long 3"),
            ("T", "last"),
            ("U", "last"),
        ];
        send_all(&mut client, &tests);
        gates.open("1");
        expect(&mut client, &["T long 1", "T small"]);
        // What turns out to take long when its turn has come keeps it.
        gates.open("3");
        expect(&mut client, &["T long 3", "T last"]);
        gates.open("2");
        expect(&mut client, &["U long 2", "U last"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_long_requests_of_a_connection_are_answered_at_once_and_one_of_a_test() {
    with_gates(|address, gates| {
        let mut client = Client::new(address);
        let first = [
            ("1", "long 1"),
            ("1", "long 1 again"),
            ("2", "long 2"),
            ("3", "long 3"),
            ("4", "long 4"),
            ("5", "long 5"),
            ("5", "small"),
        ];
        send_all(&mut client, &first);
        gates.wait_while(|state| state.waiting < 4);
        // Nothing keeps the fifth but that there are four.
        gates.open("5");
        gates.open("3");
        expect(&mut client, &["3 long 3", "5 long 5", "5 small"]);
        gates.open("1");
        expect(&mut client, &["1 long 1"]);
        gates.open("1 again");
        expect(&mut client, &["1 long 1 again"]);
        gates.open("4");
        expect(&mut client, &["4 long 4"]);
        gates.open("2");
        expect(&mut client, &["2 long 2"]);
        assert_eq!(gates.state.lock().unwrap().most, 4);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_may_send_more_than_may_wait_behind_a_long_request_before_it_reads() {
    // More bytes than may wait, and more requests.
    for (requests, name) in [(300, "x".repeat(60_000)), (3_000, "x".to_owned())] {
        with_gates(move |address, gates| {
            let mut first = Client::new(address);
            send_all(&mut first, &[("T", "long t")]);
            let mut client = Client::new(address);
            let mut writer = client.socket.another();
            let writing = std::thread::spawn(move || {
                for number in 0..requests {
                    let request = mock_request(&format!("{number}"), "T", &name);
                    let bytes = frame(&prost::Message::encode_to_vec(&request));
                    writer.write_all(&bytes).unwrap();
                }
            });
            // As soon as some of it has come.
            gates.open("t");
            expect(&mut first, &["T long t"]);
            for number in 0..requests {
                expect(&mut client, &[&format!("{number}")]);
            }
            writing.join().unwrap();
        })
        .await;
    }
}
