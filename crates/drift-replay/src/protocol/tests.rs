#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::unreachable,
    reason = "a failed test is what a panic is for"
)]

use super::*;

fn frame(body: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend_from_slice(body);
    bytes
}

fn all_frames(decoder: &mut FrameDecoder) -> Vec<Incoming> {
    std::iter::from_fn(|| decoder.next_frame()).collect()
}

#[test]
fn frames_are_found_in_whatever_pieces_they_come() {
    let stream = [
        frame(b"one"),
        frame(b""),
        frame(&[7; 40]),
        frame(&[8; 3000]),
        frame(b"last"),
    ]
    .concat();
    let whole = {
        let mut decoder = FrameDecoder::new(64);
        decoder.push(&stream);
        all_frames(&mut decoder)
    };
    assert_eq!(whole.len(), 5);
    assert_eq!(whole[0], Incoming::Frame(Bytes::from_static(b"one")));
    assert!(matches!(
        whole[3],
        Incoming::Oversize {
            length_bytes: 3000,
            envelope: None
        }
    ));
    assert_eq!(whole[4], Incoming::Frame(Bytes::from_static(b"last")));
    for piece in 1..80 {
        let mut decoder = FrameDecoder::new(64);
        let mut found = Vec::new();
        for part in stream.chunks(piece) {
            decoder.push(part);
            found.extend(all_frames(&mut decoder));
        }
        assert_eq!(found, whole, "in pieces of {piece}");
        assert!(!decoder.is_inside_a_frame());
    }
}

#[test]
fn a_prefix_alone_reserves_no_memory_for_its_message() {
    let mut decoder = FrameDecoder::default();
    decoder.push(&MAX_FRAME_BYTES.to_be_bytes());
    assert_eq!(decoder.next_frame(), None);
    assert!(decoder.buffer.capacity() < 64 * 1024);
    assert!(decoder.is_inside_a_frame());
}

#[test]
fn a_message_of_the_limit_is_read_and_one_byte_more_is_not() {
    let mut decoder = FrameDecoder::new(100);
    decoder.push(&frame(&[1; 100]));
    decoder.push(&frame(&[1; 101]));
    assert!(matches!(decoder.next_frame(), Some(Incoming::Frame(body)) if body.len() == 100));
    assert!(matches!(
        decoder.next_frame(),
        Some(Incoming::Oversize {
            length_bytes: 101,
            ..
        })
    ));
    assert_eq!(decoder.next_frame(), None);
}

#[test]
fn the_head_of_a_long_message_tells_who_to_answer_before_its_end_has_come() {
    let message = contract::SdkMessage {
        r#type: 2,
        request_id: "abc123".to_owned(),
        payload: Some(contract::sdk_message::Payload::GetMockRequest(
            contract::GetMockRequest {
                request_id: "abc123".to_owned(),
                test_id: "t".repeat(5000),
                ..Default::default()
            },
        )),
    };
    let mut decoder = FrameDecoder::new(4000);
    let bytes = frame(&message.encode_to_vec());
    decoder.push(&bytes[..2000]);
    let Some(Incoming::Oversize { envelope, .. }) = decoder.next_frame() else {
        unreachable!("the message is longer than the limit")
    };
    assert_eq!(
        envelope,
        Some(Envelope {
            message_type: 2,
            request_id: "abc123".to_owned()
        })
    );
    assert!(decoder.is_inside_a_frame());
    decoder.push(&bytes[2000..]);
    assert!(!decoder.is_inside_a_frame());
}

#[test]
fn versions_are_three_numbers_and_what_follows_does_not_count() {
    for (text, expected) in [
        ("0.1.27", Some(Version(0, 1, 27))),
        ("v2.0.1", Some(Version(2, 0, 1))),
        ("1.2.3-rc.1+build.5", Some(Version(1, 2, 3))),
        ("1.2.3rc1", Some(Version(1, 2, 3))),
        ("0.0.0.dev", Some(Version(0, 0, 0))),
        ("dev", Some(Version(999, 999, 999))),
        ("1.2", None),
        ("1.2.", None),
        ("one.two.three", None),
        ("", None),
    ] {
        assert_eq!(Version::parse(text), expected, "{text}");
    }
}

#[test]
fn a_handshake_is_checked_both_ways() {
    for (min_cli_version, sdk_version, expected) in [
        ("0.1.0", "0.1.29", None),
        ("", "", None),
        ("0.2.0", "", None),
        ("0.2.1", "0.1.29", Some("engine_too_old")),
        ("dev", "0.1.29", Some("engine_too_old")),
        ("later", "0.1.29", Some("engine_too_old")),
        ("0.1.0", "0.0.9", Some("sdk_too_old")),
        ("0.1.0", "0.0.0.dev", Some("sdk_too_old")),
        ("0.1.0", "mine", Some("sdk_too_old")),
        ("0.1.0", "dev", None),
    ] {
        let request = contract::ConnectRequest {
            min_cli_version: min_cli_version.to_owned(),
            sdk_version: sdk_version.to_owned(),
            ..Default::default()
        };
        let answer = check_versions(&request, "0.2.0", "0.1.0");
        assert_eq!(
            answer.err().map(|error| error.code()),
            expected,
            "{min_cli_version} {sdk_version}"
        );
    }
}

#[test]
fn a_mock_response_with_encoded_data_is_the_message_with_that_data() {
    let data = prost_types::Struct {
        fields: [(
            "response".to_owned(),
            prost_types::Value {
                kind: Some(prost_types::value::Kind::StringValue("x".repeat(300))),
            },
        )]
        .into(),
    };
    let without_data = contract::GetMockResponse {
        request_id: "inner".to_owned(),
        found: true,
        matched_span_id: "feed".to_owned(),
        ..Default::default()
    };
    for data in [None, Some(prost_types::Struct::default()), Some(data)] {
        let encoded = data.as_ref().map(prost::Message::encode_to_vec);
        let mut out = BytesMut::from(&b"before"[..]);
        encode_mock_response(
            "outer".to_owned(),
            &without_data,
            encoded.as_deref(),
            &mut out,
        );
        let mut decoder = FrameDecoder::default();
        decoder.push(out.strip_prefix(b"before").unwrap());
        let [Incoming::Frame(frame)] = &all_frames(&mut decoder)[..] else {
            unreachable!("one frame");
        };
        let message = contract::CliMessage {
            r#type: contract::MessageType::MockRequest.into(),
            request_id: "outer".to_owned(),
            payload: Some(contract::cli_message::Payload::GetMockResponse(
                contract::GetMockResponse {
                    response_data: data,
                    ..without_data.clone()
                },
            )),
        };
        assert_eq!(
            contract::CliMessage::decode(frame.clone()),
            Ok(message.clone())
        );
        assert_eq!(frame.len(), message.encoded_len());
    }
}
