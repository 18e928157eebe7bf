//! The server under many requests and connections, and beside clients that do
//! not read: nobody is lost, and nobody waits for another.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test is what a panic is for"
)]

mod sdk;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use drift_replay::server::{Address, Event, Listen, Server, ServerOptions};
use prost::Message;
use sdk::recorded::*;
use sdk::*;
use tokio::sync::mpsc::Receiver;
use tusk_drift_schemas::tusk::drift::core::v1 as contract;

/// What waits for such a client before it is no longer read from, and how long:
/// whoever waited for it would never be answered in a test.
fn patient() -> ServerOptions {
    ServerOptions {
        out_limit_bytes: 1024 * 1024,
        write_deadline: Duration::from_secs(3600),
        ..Default::default()
    }
}

/// Requests of a client that never reads, each answered with 100 kB: more than
/// [`patient`] lets wait and the socket's buffers hold.
const UNREAD: usize = 30;

fn ask_and_never_read(client: &mut Client) {
    for number in 0..UNREAD {
        client.send(&mock_request(&format!("u{number}"), "t", "large 100000"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_clients_that_never_read_keep_nobody_waiting_and_lose_nothing() {
    const STUCK: usize = 50;
    let directory = tempfile::tempdir().unwrap();
    let (server, mut events) = start(&Listen::Unix(directory.path().join("s")), patient());
    let address = server.address().clone();
    let mut stuck = {
        let address = address.clone();
        blocking(move || {
            let mut stuck: Vec<_> = (0..STUCK).map(|_| Client::new(&address)).collect();
            stuck.iter_mut().for_each(ask_and_never_read);
            stuck
        })
        .await
    };
    // Until more than a mebibyte of answers waits for each.
    let mut answered: HashMap<u64, usize> = HashMap::new();
    expect_event(&mut events, "answer to each", |event| {
        if let Event::Mock(mock) = event {
            *answered.entry(mock.connection).or_default() += 1;
        }
        (answered.len() == STUCK && answered.values().all(|count| *count > 10)).then_some(())
    })
    .await;
    blocking(move || {
        let mut open = Client::connected(&address, contract::Runtime::Node);
        for number in 0..200 {
            assert!(open.ask(&format!("r{number}"), "t", "x").found);
            assert!(Client::new(&address).ask("new", "t", "x").found);
        }
        // They were kept all the while, and get what they asked for.
        for client in &mut stuck {
            for number in 0..UNREAD {
                let answer = client.receive_mock();
                assert_eq!(answer.request_id, format!("u{number}"));
                assert_eq!(body(&answer).len(), 100_000);
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_never_reads_is_closed_when_its_time_is_over() {
    let options = ServerOptions {
        write_deadline: Duration::from_millis(300),
        ..patient()
    };
    for over_tcp in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let listen = match over_tcp {
            true => loopback(),
            false => Listen::Unix(directory.path().join("s")),
        };
        let (server, mut events) = start(&listen, options.clone());
        let address = server.address().clone();
        let mut stuck = blocking(move || {
            let mut stuck = Client::new(&address);
            let wish = frame(&mock_request("r", "t", "large 1000000").encode_to_vec());
            // Answers of 20 MB, more than any socket buffer of this machine holds.
            for _ in 0..20 {
                stuck.write(&wish);
            }
            stuck
        })
        .await;
        expect_problem(&mut events, "client_does_not_read").await;
        blocking(move || stuck.expect_closed()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_answer_that_takes_long_keeps_no_request_of_another_test_waiting() {
    let recorded = Arc::new(Recorded::default());
    let (open, gate) = std::sync::mpsc::channel();
    *recorded.gate.lock().unwrap() = Some(gate);
    let (server, _events) = Server::start(&loopback(), recorded, ServerOptions::default()).unwrap();
    let address = server.address().clone();
    blocking(move || {
        let mut waiting = Client::new(&address);
        waiting.send(&mock_request("long", "t", "long"));
        // Answered after the one before was taken, on the one thread that there is.
        assert!(waiting.ask("same connection", "other", "x").found);
        let mut open_before = Client::connected(&address, contract::Runtime::Node);
        for number in 0..200 {
            assert!(open_before.ask(&format!("r{number}"), "other", "x").found);
            assert!(Client::new(&address).ask("new", "other", "x").found);
        }
        open.send(()).unwrap();
        let answer = waiting.receive_mock();
        assert_eq!(
            (answer.request_id.as_str(), body(&answer)),
            ("long", "waited")
        );
    })
    .await;
}

/// Clients that never read, and more than may wait for all together.
const CROWD: usize = 8;
const CROWD_EACH: usize = 20;
/// More than a Unix socket holds.
const CROWD_ANSWER: usize = 1_000_000;

/// Lets four of these answers wait.
fn crowded() -> ServerOptions {
    ServerOptions {
        total_out_limit_bytes: 4 * CROWD_ANSWER,
        write_deadline: Duration::from_secs(3600),
        ..Default::default()
    }
}

fn ask_for_large(client: &mut Client, name: &str, count: usize) {
    for number in 0..count {
        let large = format!("large {CROWD_ANSWER}");
        client.send(&mock_request(&format!("{name}{number}"), "t", &large));
    }
}

fn read_all(client: &mut Client, name: &str, count: usize) {
    for number in 0..count {
        let answer = client.receive_mock();
        assert_eq!(answer.request_id, format!("{name}{number}"));
        assert_eq!(body(&answer).len(), CROWD_ANSWER);
    }
}

/// Clients that never read, for each of which an answer waits.
async fn crowd(address: &Address, events: &mut Receiver<Event>) -> Vec<Client> {
    let address = address.clone();
    let clients = blocking(move || {
        let mut clients: Vec<_> = (0..CROWD).map(|_| Client::new(&address)).collect();
        for client in &mut clients {
            ask_for_large(client, "c", CROWD_EACH);
        }
        clients
    })
    .await;
    let mut answered = HashSet::new();
    expect_event(events, "answer to each", |event| {
        if let Event::Mock(mock) = event {
            answered.insert(mock.connection);
        }
        (answered.len() == CROWD).then_some(())
    })
    .await;
    clients
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_all_clients_has_a_limit_and_one_that_reads_is_served() {
    let directory = tempfile::tempdir().unwrap();
    let (server, mut events) = start(&Listen::Unix(directory.path().join("s")), crowded());
    let address = server.address().clone();
    let mut stuck = crowd(&address, &mut events).await;
    blocking(move || {
        let mut open = Client::connected(&address, contract::Runtime::Node);
        for _ in 0..30 {
            ask_for_large(&mut open, "r", 3);
            read_all(&mut open, "r", 3);
            assert!(Client::new(&address).ask("new", "t", "x").found);
        }
    })
    .await;
    // Four wait, and one more for each; some are in the sockets. Without a limit many
    // more of the crowd's requests were answered by now.
    let mut answered = CROWD;
    while let Ok(event) = events.try_recv() {
        if let Event::Mock(mock) = event {
            answered += usize::from(mock.request.request_id.starts_with('c'));
        }
    }
    assert!(answered <= 3 * CROWD, "{answered}");
    // They were kept all the while, and get what they asked for.
    blocking(move || {
        for client in &mut stuck {
            read_all(client, "c", CROWD_EACH);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_others_left_no_room_is_read_from_again_when_they_are_gone() {
    let directory = tempfile::tempdir().unwrap();
    let (server, mut events) = start(&Listen::Unix(directory.path().join("s")), crowded());
    let address = server.address().clone();
    let stuck = crowd(&address, &mut events).await;
    // It sends all its requests before it reads.
    let mut late = blocking(move || {
        let mut late = Client::new(&address);
        ask_for_large(&mut late, "late", 3);
        late
    })
    .await;
    let answer_to = |wanted: &'static str| {
        move |event: &Event| match event {
            Event::Mock(mock) => (mock.request.request_id == wanted).then_some(()),
            _ => None,
        }
    };
    expect_event(&mut events, "first answer", answer_to("late0")).await;
    drop(stuck);
    expect_event(&mut events, "last answer", answer_to("late2")).await;
    blocking(move || read_all(&mut late, "late", 3)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_does_not_wait_for_a_client_that_never_reads() {
    let directory = tempfile::tempdir().unwrap();
    let (server, mut events) = start(&Listen::Unix(directory.path().join("s")), patient());
    let mut stuck = Client::new(server.address());
    ask_and_never_read(&mut stuck);
    expect_event(&mut events, "answer", |event| {
        matches!(event, Event::Mock(_)).then_some(())
    })
    .await;
    tokio::time::timeout(DEADLINE, server.stop())
        .await
        .expect("it stops");
    blocking(move || stuck.expect_closed()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_requests_may_be_in_flight_on_one_connection() {
    const REQUESTS: usize = 10_000;
    let directory = tempfile::tempdir().unwrap();
    let (server, mut events) = start(
        &Listen::Unix(directory.path().join("s")),
        ServerOptions::default(),
    );
    let address = server.address().clone();
    let draining = tokio::spawn(async move { while events.recv().await.is_some() {} });
    blocking(move || {
        let mut client = Client::connected(&address, contract::Runtime::Node);
        // All are written before one answer is read.
        for number in 0..REQUESTS {
            client.send(&mock_request(&format!("r{number}"), "t", "large 1000"));
        }
        let ids: HashSet<_> = (0..REQUESTS)
            .map(|_| {
                let answer = client.receive_mock();
                assert_eq!(body(&answer).len(), 1000);
                answer.request_id
            })
            .collect();
        assert_eq!(ids.len(), REQUESTS);
    })
    .await;
    server.stop().await;
    draining.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_connections_are_served_at_once() {
    let (server, _events) = start(&loopback(), ServerOptions::default());
    let address = server.address().clone();
    let _clients = blocking(move || {
        let mut clients: Vec<_> = (0..200)
            .map(|_| Client::connected(&address, contract::Runtime::Python))
            .collect();
        for round in 0..5 {
            for (number, client) in clients.iter_mut().enumerate() {
                client.send(&mock_request(&format!("{round}-{number}"), "t", "x"));
            }
            for (number, client) in clients.iter_mut().enumerate() {
                assert_eq!(
                    client.receive_mock().request_id,
                    format!("{round}-{number}")
                );
            }
        }
        clients
    })
    .await;
    assert_eq!(server.connected().len(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_requests_may_be_in_flight_on_two_hundred_connections() {
    const CONNECTIONS: usize = 200;
    const EACH: usize = 50;
    let directory = tempfile::tempdir().unwrap();
    let (server, _events) = start(
        &Listen::Unix(directory.path().join("s")),
        ServerOptions::default(),
    );
    server.begin_test("t");
    let address = server.address().clone();
    blocking(move || {
        // Every second one never shakes hands, as the connections of Python's requests.
        let mut clients: Vec<_> = (0..CONNECTIONS)
            .map(|number| match number % 2 {
                0 => Client::connected(&address, contract::Runtime::Python),
                _ => Client::new(&address),
            })
            .collect();
        // All are written before one answer is read.
        for (place, client) in clients.iter_mut().enumerate() {
            for number in 0..EACH {
                let name = format!("{place}-{number}");
                client.send(&mock_request(&name, "t", &name));
            }
        }
        for (place, client) in clients.iter_mut().enumerate() {
            for number in 0..EACH {
                let answer = client.receive_mock();
                assert_eq!(answer.request_id, format!("{place}-{number}"));
                assert_eq!(body(&answer), answer.request_id);
            }
        }
    })
    .await;
    let record = server.end_test("t");
    assert_eq!(record.mocks.len(), CONNECTIONS * EACH);
}
