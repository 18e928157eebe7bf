//! A server whose answers a test chooses by the names of its spans.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use drift_replay::server::{
    Answered, Answering, Event, Listen, Server, ServerHandle, ServerOptions,
};
use prost_types::value::Kind;
use prost_types::{Struct, Value};
use tokio::sync::mpsc::Receiver;
use tusk_drift_schemas::tusk::drift::core::v1 as contract;

use super::DEADLINE;

/// Answers by the name of the span: `miss`, `panic`, `large BYTES`, `wait`
/// (until the test lets it go), `long` (the same, and it says so), anything else
/// is found.
#[derive(Default)]
pub struct Recorded {
    pub begun: Mutex<Vec<String>>,
    pub gate: Mutex<Option<std::sync::mpsc::Receiver<()>>>,
}

impl Answering for Recorded {
    fn answer(&self, request: &contract::GetMockRequest) -> Answered {
        let name = &request.outbound_span.as_ref().unwrap().name;
        let text = match name.split(' ').collect::<Vec<_>>()[..] {
            ["miss"] => {
                return contract::GetMockResponse {
                    error: "no recorded call".to_owned(),
                    ..Default::default()
                }
                .into();
            }
            ["panic"] => panic!("as the test wants"),
            ["wait" | "long", ..] => {
                let gate = self.gate.lock().unwrap().take().unwrap();
                gate.recv_timeout(DEADLINE).unwrap();
                "waited".to_owned()
            }
            ["large", bytes] => "x".repeat(bytes.parse().unwrap()),
            _ => name.clone(),
        };
        let value = Value {
            kind: Some(Kind::StringValue(text)),
        };
        contract::GetMockResponse {
            found: true,
            matched_span_id: "feed".to_owned(),
            response_data: Some(Struct {
                fields: BTreeMap::from([("body".to_owned(), value)])
                    .into_iter()
                    .collect(),
            }),
            ..Default::default()
        }
        .into()
    }

    fn answer_at_once(&self, request: &contract::GetMockRequest) -> Option<Answered> {
        let span = request.outbound_span.as_ref().unwrap();
        (!span.name.starts_with("long")).then(|| self.answer(request))
    }

    fn begin_test(&self, trace_id: &str) {
        self.begun.lock().unwrap().push(trace_id.to_owned());
    }
}

pub fn loopback() -> Listen {
    Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 0)))
}

pub fn start(listen: &Listen, options: ServerOptions) -> (ServerHandle, Receiver<Event>) {
    Server::start(listen, Arc::new(Recorded::default()), options).unwrap()
}

pub fn body(answer: &contract::GetMockResponse) -> &str {
    let data = answer.response_data.as_ref().unwrap();
    match &data.fields["body"].kind {
        Some(Kind::StringValue(text)) => text,
        other => panic!("{other:?}"),
    }
}

/// Runs what blocks beside the server.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let work = tokio::task::spawn_blocking(work);
    tokio::time::timeout(DEADLINE * 2, work)
        .await
        .expect("it ends in time")
        .unwrap()
}
