#![allow(clippy::unwrap_used, reason = "a failed test is what a panic is for")]

use super::*;
use crate::server::{Answering, ServerOptions};

struct Finds;

impl Answering for Finds {
    fn answer(&self, _: &contract::GetMockRequest) -> Answered {
        Answered::default()
    }
    fn begin_test(&self, _: &str) {}
}

fn frame(request_id: &str, test_id: &str) -> Bytes {
    let request = contract::GetMockRequest {
        request_id: request_id.to_owned(),
        test_id: test_id.to_owned(),
        outbound_span: Some(contract::Span::default()),
        ..Default::default()
    };
    let mut bytes = BytesMut::new();
    let message = contract::SdkMessage {
        r#type: contract::MessageType::MockRequest.into(),
        request_id: request_id.to_owned(),
        payload: Some(Question::GetMockRequest(request)),
    };
    encode_frame(&message, &mut bytes);
    bytes.freeze()
}

#[tokio::test]
async fn a_request_that_lost_its_turn_is_not_passed_by_a_newer_one_of_its_connection() {
    let (events, mut receiver) = mpsc::channel(16);
    let options = ServerOptions {
        total_out_limit_bytes: 1000,
        ..Default::default()
    };
    let shared = Arc::new(Shared::new(Arc::new(Finds), options, events));
    let (push, _pushed) = mpsc::channel(1);
    let mut connection = Connection::new(Arc::clone(&shared), 1, push);
    let ahead = shared.order.wait("t", &Arc::default());
    connection.decoder.push(&frame("older", "t"));
    assert!(connection.answer_some().is_ok_and(|more| !more));
    // An answer waits here, and too much for others.
    connection.decoder.push(&frame("another test", "u"));
    assert!(connection.answer_some().is_ok_and(|more| !more));
    let mut others = Share::of(&shared.waiting);
    others.set(1000);
    assert!(connection.out_room() == Room::NotForAll);
    connection.slow.lose_places();
    drop(ahead);
    assert!(!shared.order.has_to_wait("t"));
    // There is room again at whatever moment, here the one before it is looked for.
    others.set(0);
    connection.decoder.push(&frame("newer", "t"));
    assert!(connection.answer_some().is_ok_and(|more| !more));
    assert!(!connection.next_slow() && connection.slow.is_empty());
    let mut answered = Vec::new();
    while let Ok(Event::Mock(mock)) = receiver.try_recv() {
        answered.push(mock.request.request_id.clone());
    }
    assert_eq!(answered, ["another test", "older", "newer"]);
}
