//! The server against a hand-made client, over real sockets: what the SDKs do,
//! and what they cannot do.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test is what a panic is for"
)]

mod sdk;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use drift_replay::server::{
    Address, Answering, Event, Handshake, Listen, ListenError, Server, ServerOptions,
};
use prost::Message;
use prost_types::value::Kind;
use prost_types::{Struct, Value};
use sdk::recorded::*;
use sdk::*;
use tusk_drift_schemas::tusk::drift::core::v1 as contract;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sdks_shake_hands_and_get_mocks_over_both_transports() {
    let directory = tempfile::tempdir().unwrap();
    for listen in [
        loopback(),
        Listen::Unix(directory.path().join("engine.sock")),
    ] {
        let (server, mut events) = start(&listen, ServerOptions::default());
        let address = server.address().clone();
        blocking(move || {
            let mut client = Client::connected(&address, contract::Runtime::Node);
            let answer = client.ask("r-1", "trace", "GET /up");
            assert!(answer.found);
            assert_eq!(body(&answer), "GET /up");
            let answer = client.ask("r-2", "trace", "miss");
            assert!(!answer.found);
            assert_eq!(answer.error, "no recorded call");
        })
        .await;
        let sdk = expect_event(&mut events, "handshake", |event| match event {
            Event::Connected { sdk, .. } => Some(sdk.clone()),
            _ => None,
        })
        .await;
        assert_eq!(
            (sdk.service_id.as_str(), sdk.version.as_str(), sdk.runtime),
            ("shop", "0.1.29", contract::Runtime::Node)
        );
        let asked = expect_event(&mut events, "mock", |event| match event {
            Event::Mock(mock) => Some(Arc::clone(mock)),
            _ => None,
        })
        .await;
        assert_eq!(asked.request.test_id, "trace");
        assert_eq!(asked.answer.matched_span_id, "feed");
        assert_eq!(asked.answer.response_data, None);
        expect_event(&mut events, "end of the connection", |event| {
            matches!(
                event,
                Event::Disconnected {
                    shook_hands: true,
                    ..
                }
            )
            .then_some(())
        })
        .await;
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mismatch_of_versions_is_refused_with_its_reason_and_the_connection_still_served() {
    for (sdk, engine, expected) in [
        (
            "0.0.9",
            "0.1.0",
            "the SDK is 0.0.9, and drift serves 0.1.0 or newer; update the SDK",
        ),
        (
            "0.0.0.dev",
            "0.1.0",
            "the SDK is 0.0.0.dev, and drift serves 0.1.0 or newer; update the SDK",
        ),
        (
            "0.1.29",
            "9.0.0",
            "the SDK asks for drift 9.0.0 or newer, and this is 0.2.0; update drift",
        ),
    ] {
        let options = ServerOptions {
            own_version: "0.2.0".to_owned(),
            ..Default::default()
        };
        let (server, mut events) = start(&loopback(), options);
        let address = server.address().clone();
        let answer = blocking(move || {
            let mut client = Client::new(&address);
            let answer = client.connect(contract::Runtime::Node, sdk, engine);
            // The Node SDK goes on as if nothing had happened.
            assert!(client.ask("r", "", "GET /up").found);
            answer
        })
        .await;
        assert!(!answer.success);
        assert_eq!(answer.error, expected);
        expect_event(&mut events, "refusal", |event| match event {
            Event::Refused { reason, .. } => (reason == expected).then_some(()),
            _ => None,
        })
        .await;
        assert_eq!(
            server.wait_connected(DEADLINE).await,
            Handshake::Refused(expected.to_owned())
        );
        assert!(server.connected().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_sdk_may_shake_hands_again_on_the_same_connection() {
    let (server, _events) = start(&loopback(), ServerOptions::default());
    let address = server.address().clone();
    let _client = blocking(move || {
        let mut client = Client::new(&address);
        let answer = client.connect(contract::Runtime::Python, "0.0.9", "0.1.0");
        assert!(!answer.success);
        let answer = client.connect(contract::Runtime::Python, "0.1.29", "0.1.0");
        assert!(answer.success, "{answer:?}");
        client
    })
    .await;
    assert_eq!(server.connected().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_for_an_sdk_ends_when_it_connects_or_when_its_time_is_over() {
    let (server, _events) = start(&loopback(), ServerOptions::default());
    assert_eq!(
        server.wait_connected(Duration::from_millis(20)).await,
        Handshake::None
    );
    let address = server.address().clone();
    let (found, _client) = tokio::join!(
        server.wait_connected(DEADLINE),
        blocking(move || Client::connected(&address, contract::Runtime::Python))
    );
    assert!(matches!(found, Handshake::Connected(sdk) if sdk.service_id == "shop"));
    assert!(server.has_python());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_never_shook_hands_gets_its_mock() {
    let (server, _events) = start(&loopback(), ServerOptions::default());
    let address = server.address().clone();
    blocking(move || {
        for number in 0..20 {
            let mut client = Client::new(&address);
            assert!(client.ask(&format!("r{number}"), "t", "SELECT 1").found);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_may_come_byte_by_byte_or_many_at_once() {
    let (server, _events) = start(&loopback(), ServerOptions::default());
    let address = server.address().clone();
    blocking(move || {
        let mut client = Client::new(&address);
        for byte in frame(&mock_request("single", "t", "bytes").encode_to_vec()) {
            client.write(&[byte]);
        }
        assert_eq!(client.receive_mock().request_id, "single");
        let many: Vec<u8> = (0..500)
            .flat_map(|number| {
                frame(&mock_request(&format!("m{number}"), "t", "x").encode_to_vec())
            })
            .collect();
        client.write(&many);
        for number in 0..500 {
            assert_eq!(client.receive_mock().request_id, format!("m{number}"));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_requests_of_another_test_pass_a_large_one_that_takes_long() {
    let recorded = Arc::new(Recorded::default());
    let (open, gate) = std::sync::mpsc::channel();
    *recorded.gate.lock().unwrap() = Some(gate);
    let (server, _events) = Server::start(&loopback(), recorded, ServerOptions::default()).unwrap();
    let address = server.address().clone();
    blocking(move || {
        let mut client = Client::new(&address);
        let long = format!("wait {}", "x".repeat(100_000));
        client.send(&mock_request("large", "t", &long));
        client.send(&mock_request("small", "other", "GET /"));
        assert_eq!(client.receive_mock().request_id, "small");
        open.send(()).unwrap();
        let answer = client.receive_mock();
        assert_eq!(
            (answer.request_id.as_str(), body(&answer)),
            ("large", "waited")
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mock_request_without_a_span_gets_an_error() {
    let (server, mut events) = start(&loopback(), ServerOptions::default());
    let address = server.address().clone();
    blocking(move || {
        let mut client = Client::new(&address);
        let mut message = mock_request("r", "t", "x");
        if let Some(Question::GetMockRequest(request)) = &mut message.payload {
            request.outbound_span = None;
        }
        client.send(&message);
        let answer = client.receive_mock();
        assert_eq!(
            (
                answer.found,
                answer.error_code.as_str(),
                answer.error.as_str()
            ),
            (
                false,
                "missing_span",
                "the mock request has no outbound span"
            )
        );
        message.payload = None;
        client.send(&message);
        assert_eq!(client.receive_mock().error_code, "missing_span");
        assert!(client.ask("next", "t", "x").found);
    })
    .await;
    expect_problem(&mut events, "missing_span").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_inside_the_matcher_costs_one_answer() {
    let (server, mut events) = start(&loopback(), ServerOptions::default());
    let address = server.address().clone();
    blocking(move || {
        let mut client = Client::new(&address);
        let answer = client.ask("r", "t", "panic");
        assert_eq!(
            (answer.found, answer.error_code.as_str()),
            (false, "internal")
        );
        assert!(client.ask("next", "t", "x").found);
    })
    .await;
    expect_problem(&mut events, "internal").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_beyond_the_limit_is_answered_with_an_error_and_passed_over() {
    let (server, mut events) = start(&loopback(), ServerOptions::default());
    let address = server.address().clone();
    blocking(move || {
        let mut client = Client::new(&address);
        let large = "x".repeat(11 * 1024 * 1024);
        client.send(&mock_request("large", "t", &large));
        let answer = client.receive_mock();
        assert_eq!(
            (
                answer.request_id.as_str(),
                answer.found,
                answer.error_code.as_str()
            ),
            ("large", false, "oversize_frame")
        );
        assert!(client.ask("next", "t", "x").found);

        let mut span = inbound_span("span", "t");
        if let Some(Question::SendInboundSpanForReplayRequest(request)) = &mut span.payload {
            request.span.as_mut().unwrap().name = large;
        }
        client.send(&span);
        let message = client.receive();
        assert_eq!(message.request_id, "span");
        assert!(matches!(
            message.payload,
            Some(Answer::SendInboundSpanForReplayResponse(answer)) if !answer.success
        ));
    })
    .await;
    let message = expect_problem(&mut events, "oversize_frame").await;
    assert!(message.contains("10485760"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_length_beyond_the_limit_without_a_readable_beginning_closes_the_connection() {
    let (server, mut events) = start(&loopback(), ServerOptions::default());
    let address = server.address().clone();
    blocking(move || {
        let mut client = Client::new(&address);
        client.write(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
        client.write(&[b'x'; 1024]);
        client.expect_closed();
    })
    .await;
    expect_problem(&mut events, "oversize_frame").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_answered_or_dropped_and_the_connection_goes_on() {
    let (server, mut events) = start(&loopback(), ServerOptions::default());
    let address = server.address().clone();
    blocking(move || {
        let mut client = Client::new(&address);
        // Type 2, id "bad", then a payload whose length goes beyond the message.
        client.write(&frame(b"\x08\x02\x12\x03bad\x22\x7f\x01"));
        let answer = client.receive_mock();
        assert_eq!(
            (answer.request_id.as_str(), answer.error_code.as_str()),
            ("bad", "malformed_frame")
        );
        client.write(&frame(b"\xff\xff\xff"));
        client.write(&frame(b""));
        client.write(&frame(b"\x08\x63\x12\x01u"));
        assert!(client.ask("next", "t", "x").found);
    })
    .await;
    let message = expect_problem(&mut events, "malformed_frame").await;
    assert!(
        message.contains("8 bytes") || message.contains("10 bytes"),
        "{message}"
    );
    expect_problem(&mut events, "malformed_frame").await;
    let message = expect_problem(&mut events, "unknown_message").await;
    assert!(message.contains("type 0"), "{message}");
    let message = expect_problem(&mut events, "unknown_message").await;
    assert!(message.contains("type 99"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_nested_deeper_than_is_read_gets_an_error_and_the_connection_goes_on() {
    let (server, mut events) = start(&loopback(), ServerOptions::default());
    let address = server.address().clone();
    blocking(move || {
        let mut client = Client::new(&address);
        let deep = (0..200).fold(Value::default(), |inner, _| Value {
            kind: Some(Kind::StructValue(Struct {
                fields: BTreeMap::from([("a".to_owned(), inner)])
                    .into_iter()
                    .collect(),
            })),
        });
        let mut message = mock_request("deep", "t", "x");
        if let Some(Question::GetMockRequest(request)) = &mut message.payload {
            let Some(Kind::StructValue(input)) = deep.kind else {
                panic!("it was made so")
            };
            request.outbound_span.as_mut().unwrap().input_value = Some(input);
        }
        client.send(&message);
        let answer = client.receive_mock();
        assert_eq!(
            (answer.request_id.as_str(), answer.error_code.as_str()),
            ("deep", "malformed_frame")
        );
        assert!(client.ask("next", "t", "x").found);
    })
    .await;
    expect_problem(&mut events, "malformed_frame").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_is_allowed_between_frames_and_not_inside_one() {
    let options = ServerOptions {
        frame_deadline: Duration::from_millis(100),
        ..Default::default()
    };
    let (server, mut events) = start(&loopback(), options);
    let address = server.address().clone();
    blocking(move || {
        let mut patient = Client::new(&address);
        assert!(patient.ask("r", "t", "x").found);
        let mut stuck = Client::new(&address);
        let bytes = frame(&mock_request("half", "t", "x").encode_to_vec());
        stuck.write(&bytes[..bytes.len() / 2]);
        stuck.expect_closed();
        // By now the other one was silent for longer.
        assert!(patient.ask("r", "t", "x").found);
    })
    .await;
    expect_problem(&mut events, "frame_timeout").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_cut_off_by_its_sender_is_reported() {
    let (server, mut events) = start(&loopback(), ServerOptions::default());
    let mut client = Client::new(server.address());
    client.write(&[0, 0, 1, 0, 8, 2]);
    drop(client);
    expect_problem(&mut events, "truncated_frame").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_closes_its_side_still_gets_its_answers() {
    let (server, _events) = start(&loopback(), ServerOptions::default());
    let address = server.address().clone();
    blocking(move || {
        let mut client = Client::new(&address);
        client.send(&mock_request("large", "t", &"x".repeat(200_000)));
        client.send(&mock_request("small", "t", "x"));
        client.socket.close_writing();
        let ids: HashSet<_> = (0..2).map(|_| client.receive_mock().request_id).collect();
        assert_eq!(ids.len(), 2);
        client.expect_closed();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_environment_variables_are_given_on_request() {
    let options = ServerOptions {
        env_vars: BTreeMap::from([("REGION".to_owned(), "eu".to_owned())]),
        ..Default::default()
    };
    let (server, _events) = start(&loopback(), options);
    let address = server.address().clone();
    blocking(move || {
        let mut client = Client::new(&address);
        client.send(&contract::SdkMessage {
            r#type: 5,
            request_id: "env".to_owned(),
            payload: Some(Question::EnvVarRequest(contract::EnvVarRequest {
                trace_test_server_span_id: "s".to_owned(),
            })),
        });
        let message = client.receive();
        assert_eq!((message.r#type, message.request_id.as_str()), (5, "env"));
        let Some(Answer::EnvVarResponse(answer)) = message.payload else {
            panic!("{message:?}")
        };
        assert_eq!(
            answer.env_vars,
            HashMap::from([("REGION".to_owned(), "eu".to_owned())])
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_test_has_its_own_record_of_requests_and_inbound_span() {
    let recorded = Arc::new(Recorded::default());
    let (server, _events) = Server::start(
        &loopback(),
        Arc::clone(&recorded) as Arc<dyn Answering>,
        ServerOptions::default(),
    )
    .unwrap();
    let server = Arc::new(server);
    let address = server.address().clone();
    let client = Arc::new(Mutex::new(Client::connected(
        &address,
        contract::Runtime::Node,
    )));
    let ask = |test_id: &'static str, name: &'static str| {
        let client = Arc::clone(&client);
        blocking(move || client.lock().unwrap().ask("r", test_id, name))
    };
    ask("", "boot").await;
    server.begin_test("a");
    server.begin_test("b");
    assert_eq!(*recorded.begun.lock().unwrap(), ["a", "b"]);
    ask("b", "b1").await;
    ask("a", "a1").await;
    ask("a", "miss").await;
    ask("other", "stray").await;
    assert!(
        !server
            .wait_inbound_span("a", Duration::from_millis(20))
            .await
    );
    let waiting = {
        let server = Arc::clone(&server);
        tokio::spawn(async move { server.wait_inbound_span("a", DEADLINE).await })
    };
    {
        let client = Arc::clone(&client);
        blocking(move || {
            let mut client = client.lock().unwrap();
            client.send(&inbound_span("s", "a"));
            let message = client.receive();
            assert_eq!((message.r#type, message.request_id.as_str()), (3, "s"));
            assert!(matches!(
                message.payload,
                Some(Answer::SendInboundSpanForReplayResponse(answer)) if answer.success
            ));
        })
        .await;
    }
    assert!(waiting.await.unwrap());
    let names = |record: &drift_replay::server::TestRecord| -> Vec<String> {
        record
            .mocks
            .iter()
            .map(|mock| mock.request.outbound_span.as_ref().unwrap().name.clone())
            .collect()
    };
    let record = server.end_test("a");
    assert_eq!(names(&record), ["a1", "miss"]);
    assert!(record.mocks[0].answer.found && !record.mocks[1].answer.found);
    assert_eq!(record.inbound_span.unwrap().trace_id, "a");
    let record = server.end_test("b");
    assert_eq!(names(&record), ["b1"]);
    assert_eq!(record.inbound_span, None);
    ask("a", "after").await;
    let late = server.take_late();
    assert_eq!(late.len(), 1);
    assert_eq!(names(&late["a"]), ["after"]);
    assert_eq!(names(&server.take_outside()), ["boot", "stray"]);
    assert_eq!(names(&server.take_outside()), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alerts_reach_the_caller_as_text_and_are_not_answered() {
    use contract::send_alert_request::Alert;
    let (server, mut events) = start(&loopback(), ServerOptions::default());
    let address = server.address().clone();
    blocking(move || {
        let mut client = Client::new(&address);
        for alert in [
            Alert::VersionMismatch(contract::InstrumentationVersionMismatchAlert {
                module_name: "ioredis".to_owned(),
                requested_version: "3.0.0".to_owned(),
                supported_versions: vec!["4.11".to_owned(), "5".to_owned()],
                sdk_version: "0.1.27".to_owned(),
            }),
            Alert::UnpatchedDependency(contract::UnpatchedDependencyAlert {
                stack_trace: "\n  at Socket.connect (net.js:1)\n  at main".to_owned(),
                trace_test_server_span_id: "12ab".to_owned(),
                sdk_version: "0.1.27".to_owned(),
            }),
            Alert::UnpatchedDependency(contract::UnpatchedDependencyAlert {
                sdk_version: "0.1.27".to_owned(),
                ..Default::default()
            }),
        ] {
            client.send(&contract::SdkMessage {
                r#type: 4,
                request_id: "alert".to_owned(),
                payload: Some(Question::SendAlertRequest(contract::SendAlertRequest {
                    alert: Some(alert),
                })),
            });
        }
        // The next frame that comes is the answer to this.
        assert_eq!(client.ask("next", "t", "x").request_id, "next");
    })
    .await;
    for expected in [
        "ioredis 3.0.0 is not a version that the SDK 0.1.27 instruments (supported: 4.11, 5): its calls are neither recorded nor replayed",
        "a library that the SDK 0.1.27 does not instrument made a call while the service answered the request of trace 12ab: at Socket.connect (net.js:1)",
        "a library that the SDK 0.1.27 does not instrument made a call outside of a test: no call stack was sent",
    ] {
        let text = expect_event(&mut events, "alert", |event| match event {
            Event::Alert { text, .. } => Some(text.clone()),
            _ => None,
        })
        .await;
        assert_eq!(text, expected);
    }
}

/// Answers one question of the server's, as `reply` says.
fn answer_once(client: &mut Client, reply: impl Fn(&contract::CliMessage) -> Option<Question>) {
    let message = client.receive();
    if let Some(payload) = reply(&message) {
        client.send(&contract::SdkMessage {
            r#type: message.r#type,
            request_id: message.request_id,
            payload: Some(payload),
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_python_workers_travel_and_one_that_does_not_is_a_warning() {
    let options = ServerOptions {
        time_travel_deadline: Duration::from_millis(400),
        ..Default::default()
    };
    let (server, mut events) = start(&loopback(), options);
    assert_eq!(
        server.time_travel("t", 1.5, "server_span").await,
        Vec::<String>::new()
    );
    let address = server.address().clone();
    let clients = blocking(move || {
        let python = [(); 4].map(|()| Client::connected(&address, contract::Runtime::Python));
        (python, Client::connected(&address, contract::Runtime::Node))
    })
    .await;
    let ([mut good, mut refusing, mut silent, closing], mut node) = clients;
    let workers = tokio::task::spawn_blocking(move || {
        drop(closing);
        for (client, success) in [(&mut good, true), (&mut refusing, false)] {
            answer_once(client, |message| {
                let Some(Answer::SetTimeTravelRequest(request)) = &message.payload else {
                    panic!("{message:?}")
                };
                assert_eq!(request.timestamp_seconds, 1_795_227_890.678);
                assert_eq!(
                    (request.trace_id.as_str(), request.timestamp_source.as_str()),
                    ("t", "server_span")
                );
                Some(Question::SetTimeTravelResponse(
                    contract::SetTimeTravelResponse {
                        success,
                        error: if success {
                            String::new()
                        } else {
                            "no time machine".to_owned()
                        },
                    },
                ))
            });
        }
        answer_once(&mut silent, |_| None);
        // Node is not asked, and still served.
        assert!(node.ask("r", "t", "x").found);
        (good, refusing, silent, node)
    });
    let failures = server
        .time_travel("t", 1_795_227_890.678, "server_span")
        .await;
    let kept = workers.await.unwrap();
    assert!(
        failures.contains(&"connection 2: no time machine".to_owned()),
        "{failures:?}"
    );
    assert!(
        failures.contains(&"connection 3: no answer within 0.4 s".to_owned()),
        "{failures:?}"
    );
    assert!(
        !failures
            .iter()
            .any(|text| text.starts_with("connection 1:")),
        "{failures:?}"
    );
    drop(kept);
    expect_event(&mut events, "travel", |event| {
        matches!(event, Event::TimeTravel { trace_id, .. } if trace_id == "t").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coverage_is_asked_of_every_connected_process() {
    let (server, _events) = start(&loopback(), ServerOptions::default());
    let address = server.address().clone();
    let mut clients = blocking(move || {
        [contract::Runtime::Python, contract::Runtime::Node]
            .map(|runtime| Client::connected(&address, runtime))
    })
    .await;
    let workers = tokio::task::spawn_blocking(move || {
        for (client, success) in clients.iter_mut().zip([true, false]) {
            answer_once(client, |message| {
                let Some(Answer::CoverageSnapshotRequest(request)) = &message.payload else {
                    panic!("{message:?}")
                };
                assert!(request.baseline);
                Some(Question::CoverageSnapshotResponse(
                    contract::CoverageSnapshotResponse {
                        success,
                        error: "not here".to_owned(),
                        coverage: HashMap::from([(
                            "/app/a.py".to_owned(),
                            contract::FileCoverageData {
                                lines: HashMap::from([("1".to_owned(), 1)]),
                                ..Default::default()
                            },
                        )]),
                    },
                ))
            });
        }
        clients
    });
    let answers = server.coverage_snapshot(true, DEADLINE).await;
    drop(workers.await.unwrap());
    assert_eq!(answers[0].as_ref().unwrap()["/app/a.py"].lines["1"], 1);
    assert_eq!(answers[1], Err("connection 2: not here".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_nobody_takes_are_dropped_and_counted_and_records_keep_all() {
    let options = ServerOptions {
        event_capacity: 16,
        ..Default::default()
    };
    let (server, mut events) = start(&loopback(), options);
    server.begin_test("t");
    let address = server.address().clone();
    blocking(move || {
        let mut client = Client::new(&address);
        for _ in 0..50 {
            client.ask("r", "t", "x");
        }
        // Silence would not be told of; a message that cannot be read is.
        client.write(&frame(b"\xff"));
        client.ask("r", "t", "x");
    })
    .await;
    assert!(server.dropped_events() >= 36);
    expect_problem(&mut events, "malformed_frame").await;
    assert_eq!(server.end_test("t").mocks.len(), 51);
}

#[tokio::test]
async fn a_socket_left_behind_is_replaced_and_one_in_use_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let (server, _events) = start(&Listen::Unix(path.clone()), ServerOptions::default());
    let second = Listen::Unix(path.clone());
    let error = Server::start(
        &second,
        Arc::new(Recorded::default()),
        ServerOptions::default(),
    )
    .unwrap_err();
    assert_eq!(error.code(), "address_in_use");
    server.stop().await;
    assert!(!path.exists(), "the socket is removed at the end");

    std::fs::write(&path, "notes").unwrap();
    let error = Server::start(
        &second,
        Arc::new(Recorded::default()),
        ServerOptions::default(),
    )
    .unwrap_err();
    assert_eq!(error.code(), "not_a_socket");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "notes");
}

#[tokio::test]
async fn a_socket_that_another_put_in_place_of_ours_is_not_removed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let (server, _events) = start(&Listen::Unix(path.clone()), ServerOptions::default());
    std::fs::remove_file(&path).unwrap();
    let _other = std::os::unix::net::UnixListener::bind(&path).unwrap();
    server.stop().await;
    assert!(path.exists());
}

#[tokio::test]
async fn a_project_gets_the_first_socket_place_that_fits() {
    let directory = tempfile::tempdir().unwrap();
    let project = directory.path().join("project");
    std::fs::create_dir(&project).unwrap();
    let listen = Listen::UnixFor(project.clone());
    let (plain, _events) = start(&listen, ServerOptions::default());
    assert_eq!(plain.socket_path().unwrap(), &project.join(".t.sock"));
    std::fs::create_dir(project.join(".tusk")).unwrap();
    let (in_tusk, _events) = start(&listen, ServerOptions::default());
    assert_eq!(in_tusk.socket_path().unwrap(), &project.join(".tusk/.s"));
    // Both are in use now.
    let (above, _events) = start(&listen, ServerOptions::default());
    let path = above.socket_path().unwrap();
    assert_eq!(path.parent().unwrap(), directory.path());
    assert!(
        path.file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with(".t-")
    );
}

#[tokio::test]
async fn a_project_in_a_deep_directory_gets_a_short_socket_path() {
    let directory = tempfile::tempdir().unwrap();
    let deep = directory.path().join("long-name-of-a-folder/".repeat(8));
    std::fs::create_dir_all(&deep).unwrap();
    let (server, _events) = start(&Listen::UnixFor(deep.clone()), ServerOptions::default());
    let path = server.socket_path().unwrap();
    assert!(path.as_os_str().len() <= 103);
    assert!(deep.starts_with(path.parent().unwrap()));
    let error = Server::start(
        &Listen::Unix(deep.join("s")),
        Arc::new(Recorded::default()),
        ServerOptions::default(),
    )
    .unwrap_err();
    assert!(matches!(error, ListenError::PathTooLong { .. }));
}

#[tokio::test]
async fn a_tcp_port_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = Server::start(
        &Listen::Tcp(address),
        Arc::new(Recorded::default()),
        ServerOptions::default(),
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("another program listens on {address}; stop it or choose another address")
    );
}

#[test]
fn the_address_is_told_to_the_service_by_one_kind_of_variable() {
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    assert_eq!(
        Address::Unix("/run/s".into()).environment(None),
        pairs(&[("TUSK_MOCK_SOCKET", "/run/s")])
    );
    let any = Address::Tcp(SocketAddr::from(([0, 0, 0, 0], 9001)));
    assert_eq!(
        any.environment(None),
        pairs(&[("TUSK_MOCK_HOST", "127.0.0.1"), ("TUSK_MOCK_PORT", "9001")])
    );
    assert_eq!(
        any.environment(Some("host.docker.internal")),
        pairs(&[
            ("TUSK_MOCK_HOST", "host.docker.internal"),
            ("TUSK_MOCK_PORT", "9001")
        ])
    );
}
