//! Outputs that are handed out piece by piece.

#![allow(clippy::unwrap_used, reason = "a failed test is what a panic is for")]

use drift_rust_core::{object_to_protobuf_struct_bytes, process_export_payload};

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
