//! Paths that name a value inside a document: `$`, `.name`, `["any key"]`, `[3]`.
//!
//! ```
//! use drift_rust_core::path::{push_index, push_member};
//! let mut path = String::from("$");
//! push_member(&mut path, "items");
//! push_index(&mut path, 3);
//! push_member(&mut path, "unit price");
//! assert_eq!(path, r#"$.items[3]["unit price"]"#);
//! ```

use crate::canonical::push_json_string;
use std::fmt::Write as _;

/// Appends a member: `.name` for `[A-Za-z_][A-Za-z0-9_]*`, else `["json-escaped"]`.
pub fn push_member(path: &mut String, key: &str) {
    let mut bytes = key.bytes();
    let simple = bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if simple {
        path.push('.');
        path.push_str(key);
    } else {
        path.push('[');
        push_json_string(path, key);
        path.push(']');
    }
}

/// Appends an array index, `[3]`.
pub fn push_index(path: &mut String, index: usize) {
    // Writing to a String cannot fail.
    let _ = write!(path, "[{index}]");
}
