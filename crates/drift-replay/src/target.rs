//! The target of a recorded request: as it was sent, and as people read it.
//!
//! Node's SDK records the request line. Python's records what its server made of
//! it: WSGI gives the path decoded, its bytes as Latin-1 (PEP 3333), and the query
//! as it came, as Latin-1 too; ASGI gives the path decoded as UTF-8, and so does
//! Django, which puts what it has decoded back where WSGI had it. Which of both
//! a `%` in such a path was, nobody can tell otherwise: it is one that was decoded.
//! A `?` that was `%3F` is told by the name of the span, of Flask and WSGI only.

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
    /// A decoded path, and the query as Latin-1.
    Django,
}

fn form(root: &Span) -> Form {
    match root.instrumentation_name.as_str() {
        "FlaskInstrumentation" => Form::Wsgi,
        "DjangoInstrumentation" => Form::Django,
        "FastAPIInstrumentation" => Form::Asgi,
        // `WsgiInstrumentation` puts the name of its framework before its own.
        name if name.ends_with("WsgiInstrumentation") => Form::Wsgi,
        _ => Form::Raw,
    }
}

impl Form {
    fn path_is_latin(self) -> bool {
        self == Form::Wsgi
    }

    fn query_is_latin(self) -> bool {
        matches!(self, Form::Wsgi | Form::Django)
    }
}

/// The bytes of a part of a target, before what a server did to its escapes.
fn bytes(is_latin: bool, part: &str) -> Vec<u8> {
    let latin = || -> Option<Vec<u8>> {
        part.chars()
            .map(|letter| u8::try_from(u32::from(letter)).ok())
            .collect()
    };
    // What no Latin-1 can be was decoded already.
    let decoded = is_latin.then(latin).flatten();
    decoded.unwrap_or_else(|| part.as_bytes().to_vec())
}

/// Where the query begins. The name of a span of WSGI is its method and its path, so
/// that a `?` in that is one that was decoded.
fn path_length(root: &Span, form: Form, target: &str) -> usize {
    let named = root.name.split_once(' ').map(|(_, path)| path);
    let named = named.filter(|path| {
        let rest = target.strip_prefix(path);
        form == Form::Wsgi && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('?'))
    });
    let query = || target.find('?').unwrap_or(target.len());
    named.map_or_else(query, str::len)
}

/// A target as it can stand in a request line, with the escapes that a server
/// has undone.
pub(crate) fn sent(root: &Span, target: &str) -> String {
    let form = form(root);
    let mut sent = String::with_capacity(target.len() + 1);
    if !target.starts_with('/') && target != "*" {
        sent.push('/');
    }
    let (path, query) = target.split_at(path_length(root, form, target));
    let path = bytes(form.path_is_latin(), path);
    let query = bytes(form.query_is_latin(), query);
    let path = path.into_iter().map(|byte| (byte, true));
    let query = query.into_iter().map(|byte| (byte, false));
    for (byte, in_path) in path.chain(query) {
        // What a server cannot have received in a target is sent in the form it was
        // written before somebody decoded it.
        let is_unsendable = byte <= b' ' || byte >= 0x7f;
        let was_decoded =
            form != Form::Raw && (byte == b'#' || in_path && matches!(byte, b'%' | b'?'));
        if is_unsendable || was_decoded {
            sent.push_str(&format!("%{byte:02X}"));
        } else {
            sent.push(char::from(byte));
        }
    }
    sent
}

/// A target as people read it: `/café`, where WSGI recorded `/cafÃ©`.
pub(crate) fn readable(root: &Span, target: &str) -> String {
    let form = form(root);
    let (path, query) = target.split_at(path_length(root, form, target));
    let mut read = bytes(form.path_is_latin(), path);
    read.extend(bytes(form.query_is_latin(), query));
    String::from_utf8(read).unwrap_or_else(|_| target.to_owned())
}
