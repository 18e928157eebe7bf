//! The target of a recorded request: as it was sent, and as people read it.
//!
//! Node's SDK records the request line. Python's records what its server made of
//! it: WSGI gives the path decoded, its bytes as Latin-1 (PEP 3333), and the query
//! as it came, as Latin-1 too; ASGI gives the path decoded as UTF-8. Which of both
//! a `%` in such a path was, nobody can tell otherwise: it is one that was decoded.
//! A `?` that was `%3F` cannot be told from the one before the query.

use crate::span::Span;

/// What stands in the target of a span.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The request line's.
    Raw,
    /// A decoded path as Latin-1.
    Wsgi,
    /// A decoded path.
    Asgi,
}

fn form(root: &Span) -> Form {
    match root.instrumentation_name.as_str() {
        "FlaskInstrumentation" | "DjangoInstrumentation" => Form::Wsgi,
        "FastAPIInstrumentation" => Form::Asgi,
        // `WsgiInstrumentation` puts the name of its framework before its own.
        name if name.ends_with("WsgiInstrumentation") => Form::Wsgi,
        _ => Form::Raw,
    }
}

/// The bytes of a target, before what a server did to its escapes.
fn bytes(form: Form, target: &str) -> Vec<u8> {
    let latin = || -> Option<Vec<u8>> {
        target
            .chars()
            .map(|letter| u8::try_from(u32::from(letter)).ok())
            .collect()
    };
    // What no Latin-1 can be, as of Django behind ASGI, was decoded already.
    let decoded = (form == Form::Wsgi).then(latin).flatten();
    decoded.unwrap_or_else(|| target.as_bytes().to_vec())
}

/// A target as it can stand in a request line, with the escapes that a server
/// has undone.
pub(crate) fn sent(root: &Span, target: &str) -> String {
    let form = form(root);
    let mut sent = String::with_capacity(target.len() + 1);
    if !target.starts_with('/') && target != "*" {
        sent.push('/');
    }
    let mut in_path = form != Form::Raw;
    for byte in bytes(form, target) {
        in_path &= byte != b'?';
        // What a server cannot have received in a target is sent in the form it was
        // written before somebody decoded it.
        let is_escaped = byte <= b' ' || byte >= 0x7f || byte == b'#' && form != Form::Raw;
        if is_escaped || in_path && byte == b'%' {
            sent.push_str(&format!("%{byte:02X}"));
        } else {
            sent.push(char::from(byte));
        }
    }
    sent
}

/// A target as people read it: `/café`, where WSGI recorded `/cafÃ©`.
pub(crate) fn readable(root: &Span, target: &str) -> String {
    String::from_utf8(bytes(form(root), target)).unwrap_or_else(|_| target.to_owned())
}
