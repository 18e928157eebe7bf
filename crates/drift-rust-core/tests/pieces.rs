//! Outputs that are handed out piece by piece.

#![allow(clippy::unwrap_used, reason = "a failed test is what a panic is for")]

use drift_rust_core::{
    EncodedBytes, Payload, PieceWriter, SchemaMerges, object_to_protobuf_struct_bytes,
    process_export_payload,
};
use std::mem::MaybeUninit;

/// Texts with characters of one to four bytes; none of them is canonical, so
/// that outputs are not views of them.
fn texts() -> Vec<String> {
    let letters = ["a", "é", "東", "😀", "aé東😀"];
    (0..20)
        .flat_map(|length| {
            letters.map(|letter| format!(r#"{{ "key":"{}"}}"#, letter.repeat(length)))
        })
        .collect()
}

#[test]
fn the_pieces_of_a_text_are_the_text() {
    for text in texts() {
        for piece_bytes in [0, 1, 2, 3, 4, 5, 7, 16, 1000, usize::MAX] {
            let payload = process_export_payload::<_, &str>(&text, None).unwrap();
            let whole = payload.normalized_json.to_string();
            let pieces = payload.normalized_json.into_pieces(piece_bytes);
            assert_eq!(pieces.concat(), whole);
            for piece in pieces {
                assert!(!piece.is_empty());
                // A character may stick out.
                assert!(piece.len() <= piece_bytes.max(1).saturating_add(3));
            }
        }
    }
}

#[test]
fn bytes_that_are_handed_out_from_their_end_are_the_bytes() {
    for text in texts() {
        for piece_bytes in [0, 1, 2, 7, 16, 1000, usize::MAX] {
            let bytes = object_to_protobuf_struct_bytes(&text).unwrap();
            let whole = bytes.to_vec();
            let mut pieces = Vec::new();
            bytes.hand_out_from_end(piece_bytes, |piece| pieces.push(piece.to_vec()));
            assert!(pieces.iter().all(|piece| piece.len() <= piece_bytes.max(1)));
            pieces.reverse();
            assert_eq!(pieces.concat(), whole);
        }
    }
}

#[test]
fn bytes_that_are_moved_are_the_bytes_whatever_their_length() {
    const FROM: usize = EncodedBytes::MOVED_FROM;
    for length in [0, 1, FROM - 1, FROM, FROM + 1, 2 * FROM, 2 * FROM + 1] {
        let expected: Vec<u8> = (0..length).map(|place| (place % 251) as u8).collect();
        let mut memory = vec![MaybeUninit::new(0xFF); length];
        let mut writer = PieceWriter::new(&mut memory);
        EncodedBytes::from(expected.clone()).move_to(&mut writer);
        assert!(writer.is_complete());
        // SAFETY: all of it was set when it was made.
        let moved: Vec<u8> = memory
            .iter()
            .map(|byte| unsafe { byte.assume_init() })
            .collect();
        assert!(moved == expected, "{length} bytes");
    }
}

#[test]
fn a_writer_of_pieces_is_complete_when_each_had_room_and_nothing_is_free() {
    for (pieces, complete) in [
        (vec![], false),
        (vec![("put", "abc")], true),
        (vec![("put_last", "abc")], true),
        (
            vec![("put_last", "c"), ("put", "a"), ("put_last", "b")],
            true,
        ),
        (vec![("put", "ab")], false),
        (vec![("put", "ab"), ("put_last", "bc")], false),
        (vec![("put_last", "abcd")], false),
        (vec![("put", "abc"), ("put", "")], true),
    ] {
        let mut memory = [MaybeUninit::uninit(); 3];
        let mut writer = PieceWriter::new(&mut memory);
        for (call, piece) in &pieces {
            match *call {
                "put" => writer.put(piece.as_bytes()),
                _ => writer.put_last(piece.as_bytes()),
            }
        }
        assert_eq!(writer.is_complete(), complete, "{pieces:?}");
        if complete {
            // SAFETY: a complete writer has written all of it.
            assert_eq!(memory.map(|byte| unsafe { byte.assume_init() }), *b"abc");
        }
    }
}

/// Of a large payload the document goes while the Struct is written.
#[test]
fn a_large_payload_comes_out_as_one_whose_document_stays() {
    let row = |place: usize| format!(r#"{{"id":{place},"b":[1.5,"é"],"a":{{"z":null,"b":[]}}}}"#);
    let rows = (0..50_000).map(row).collect::<Vec<_>>().join(",");
    let body = r#""eyJiIjpbMSwyXX0=""#;
    let text = format!(r#"{{"rows":[{rows}],"body":{body},"all":[{rows}],"end":true}}"#);
    for merges in [None, Some(r#"{"body":{"encoding":1,"decoded_type":1}}"#)] {
        let read = merges.map_or_else(SchemaMerges::none, |text| {
            SchemaMerges::parse(text).unwrap()
        });
        let expected = Payload::parse(&text, &read).unwrap().process();
        assert_eq!(expected.decoded_is_normalized(), merges.is_none());
        assert!(process_export_payload(&text, merges).unwrap() == expected);
    }
}
