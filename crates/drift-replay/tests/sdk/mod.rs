//! A hand-made SDK, which can also do what no SDK does.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    unreachable_pub,
    reason = "a failed test is what a panic is for, and not every test file uses all of it"
)]

#[path = "../support/free_port.rs"]
pub(crate) mod ports;
pub mod recorded;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use drift_replay::server::{Address, Event};
use prost::Message;
use tokio::sync::mpsc::Receiver;
use tusk_drift_schemas::tusk::drift::core::v1 as contract;

pub use contract::cli_message::Payload as Answer;
pub use contract::sdk_message::Payload as Question;

/// The longest that anything may take in a test.
pub const DEADLINE: Duration = Duration::from_secs(30);

pub trait Socket: Read + Write + Send {
    fn read_timeout(&self, timeout: Duration);
    fn close_writing(&self);
    fn another(&self) -> Box<dyn Socket>;
}

impl Socket for UnixStream {
    fn read_timeout(&self, timeout: Duration) {
        self.set_read_timeout(Some(timeout)).unwrap();
    }
    fn close_writing(&self) {
        self.shutdown(std::net::Shutdown::Write).unwrap();
    }
    fn another(&self) -> Box<dyn Socket> {
        Box::new(self.try_clone().unwrap())
    }
}

impl Socket for TcpStream {
    fn read_timeout(&self, timeout: Duration) {
        self.set_read_timeout(Some(timeout)).unwrap();
    }
    fn close_writing(&self) {
        self.shutdown(std::net::Shutdown::Write).unwrap();
    }
    fn another(&self) -> Box<dyn Socket> {
        Box::new(self.try_clone().unwrap())
    }
}

/// A connection to the server.
pub struct Client {
    pub socket: Box<dyn Socket>,
}

impl Client {
    pub fn new(address: &Address) -> Client {
        let socket: Box<dyn Socket> = match address {
            Address::Unix(path) => Box::new(UnixStream::connect(path).unwrap()),
            Address::Tcp(address) => Box::new(TcpStream::connect(address).unwrap()),
        };
        socket.read_timeout(DEADLINE);
        Client { socket }
    }

    /// A connection that has shaken hands.
    pub fn connected(address: &Address, runtime: contract::Runtime) -> Client {
        let mut client = Client::new(address);
        let answer = client.connect(runtime, "0.1.29", "0.1.0");
        assert!(answer.success, "{answer:?}");
        client
    }

    pub fn connect(
        &mut self,
        runtime: contract::Runtime,
        sdk_version: &str,
        min_cli_version: &str,
    ) -> contract::ConnectResponse {
        self.send(&contract::SdkMessage {
            r#type: 1,
            request_id: "hello".to_owned(),
            payload: Some(Question::ConnectRequest(contract::ConnectRequest {
                service_id: "shop".to_owned(),
                sdk_version: sdk_version.to_owned(),
                min_cli_version: min_cli_version.to_owned(),
                metadata: None,
                runtime: runtime.into(),
            })),
        });
        let message = self.receive();
        assert_eq!((message.r#type, message.request_id.as_str()), (1, "hello"));
        match message.payload {
            Some(Answer::ConnectResponse(answer)) => answer,
            other => panic!("{other:?}"),
        }
    }

    pub fn write(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).unwrap();
    }

    pub fn send(&mut self, message: &contract::SdkMessage) {
        self.write(&frame(&message.encode_to_vec()));
    }

    pub fn receive(&mut self) -> contract::CliMessage {
        receive(&mut *self.socket).expect("the server closed the connection")
    }

    pub fn receive_mock(&mut self) -> contract::GetMockResponse {
        let message = self.receive();
        assert_eq!(message.r#type, 2);
        match message.payload {
            Some(Answer::GetMockResponse(answer)) => {
                assert_eq!(answer.request_id, message.request_id);
                answer
            }
            other => panic!("{other:?}"),
        }
    }

    pub fn ask(
        &mut self,
        request_id: &str,
        test_id: &str,
        name: &str,
    ) -> contract::GetMockResponse {
        self.send(&mock_request(request_id, test_id, name));
        self.receive_mock()
    }

    /// Waits until the server has closed the connection.
    pub fn expect_closed(&mut self) {
        let mut rest = [0; 4096];
        let begin = Instant::now();
        loop {
            match self.socket.read(&mut rest) {
                Ok(0) => return,
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return,
                Ok(_) => {}
                Err(error) => panic!("not closed: {error}"),
            }
            assert!(begin.elapsed() < DEADLINE, "not closed");
        }
    }
}

pub fn receive(socket: &mut (impl Read + ?Sized)) -> Option<contract::CliMessage> {
    let mut prefix = [0; 4];
    socket.read_exact(&mut prefix).ok()?;
    let mut body = vec![0; u32::from_be_bytes(prefix) as usize];
    socket.read_exact(&mut body).unwrap();
    Some(contract::CliMessage::decode(&body[..]).unwrap())
}

pub fn frame(body: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend_from_slice(body);
    bytes
}

pub fn mock_request(request_id: &str, test_id: &str, name: &str) -> contract::SdkMessage {
    contract::SdkMessage {
        r#type: 2,
        request_id: request_id.to_owned(),
        payload: Some(Question::GetMockRequest(contract::GetMockRequest {
            request_id: request_id.to_owned(),
            test_id: test_id.to_owned(),
            outbound_span: Some(contract::Span {
                name: name.to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        })),
    }
}

pub fn inbound_span(request_id: &str, trace_id: &str) -> contract::SdkMessage {
    contract::SdkMessage {
        r#type: 3,
        request_id: request_id.to_owned(),
        payload: Some(Question::SendInboundSpanForReplayRequest(
            contract::SendInboundSpanForReplayRequest {
                span: Some(contract::Span {
                    trace_id: trace_id.to_owned(),
                    name: "GET /".to_owned(),
                    is_root_span: true,
                    ..Default::default()
                }),
            },
        )),
    }
}

/// The next event that `wanted` takes, before the deadline.
pub async fn expect_event<T>(
    events: &mut Receiver<Event>,
    what: &str,
    mut wanted: impl FnMut(&Event) -> Option<T>,
) -> T {
    let found = async {
        loop {
            let event = events.recv().await.expect("the server goes on");
            if let Some(found) = wanted(&event) {
                return found;
            }
        }
    };
    tokio::time::timeout(DEADLINE, found)
        .await
        .unwrap_or_else(|_| panic!("no {what} came"))
}

/// The next problem with this code.
pub async fn expect_problem(events: &mut Receiver<Event>, wanted: &str) -> String {
    expect_event(events, wanted, |event| match event {
        Event::Problem { code, message, .. } if *code == wanted => Some(message.clone()),
        _ => None,
    })
    .await
}

/// Waits for a condition.
pub async fn until(what: &str, condition: impl Fn() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < DEADLINE, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
