//! Paths that name a value inside a document: `$`, `.name`, `["any key"]`, `[3]`.

use crate::canonical::push_escaped;
use std::fmt::Write as _;

/// Appends a member: `.name` for `[A-Za-z_][A-Za-z0-9_]*`, else `["json-escaped"]`.
pub(crate) fn push_member(path: &mut String, key: &str) {
    let mut bytes = key.bytes();
    let simple = bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if simple {
        path.push('.');
        path.push_str(key);
    } else {
        path.push_str("[\"");
        push_escaped(path, key);
        path.push_str("\"]");
    }
}

/// Appends an array index, `[3]`.
pub(crate) fn push_index(path: &mut String, index: usize) {
    // Writing to a String cannot fail.
    let _ = write!(path, "[{index}]");
}
