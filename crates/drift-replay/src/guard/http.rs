//! HTTP requests of every library: method, host, path, query keys, and the
//! query of GraphQL or the operation of an RPC where the body holds one.

use std::borrow::Cow;
use std::collections::BTreeSet;

use base64::Engine as _;
use drift_rust_core::{Document, Object, Value, ValueOptions};

use super::graphql::{self, GraphqlCall};
use super::{KeyWriter, Mismatch, MismatchPart, first_text_of, package_type, text_of};
use crate::encoding::LENIENT_BASE64;
use crate::span::Span;

#[derive(Clone, Debug)]
pub(super) struct HttpCall {
    /// Libraries whose answers have one form share a name.
    package: String,
    method: String,
    host: String,
    port: Port,
    path: String,
    query_keys: BTreeSet<String>,
    operation: Option<String>,
    graphql: Option<GraphqlCall>,
    /// Whether any of these was read from a header.
    reads_headers: bool,
}

/// The port that a request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Port {
    /// Nothing says which.
    Unknown,
    /// That of the scheme, 80 or 443: `http` and `https` may answer each other.
    Default,
    Number(u16),
}

impl Port {
    fn explicit(number: u16, scheme: &str) -> Port {
        match (number, scheme) {
            (80, "http" | "ws") | (443, "https" | "wss") => Port::Default,
            _ => Port::Number(number),
        }
    }

    fn may_be(self, other: Port) -> bool {
        match (self, other) {
            (Port::Unknown, _) | (_, Port::Unknown) => true,
            (Port::Default, Port::Number(number)) | (Port::Number(number), Port::Default) => {
                matches!(number, 80 | 443)
            }
            (left, right) => left == right,
        }
    }

    fn describe(self) -> String {
        match self {
            Port::Unknown => String::new(),
            Port::Default => "80 or 443".to_owned(),
            Port::Number(number) => number.to_string(),
        }
    }
}

/// A body that could hold a GraphQL or JSON-RPC request is looked at up to
/// this size, decoded; beyond it the request is guarded by its line alone.
const MAX_BODY_BYTES: usize = 1 << 20;

impl HttpCall {
    /// `None` for an input that is no HTTP request.
    pub(super) fn of(span: &Span, input: Object<'_>) -> Option<HttpCall> {
        let url = first_text_of(input, &["url"]).map(Url::parse);
        let path_text = first_text_of(input, &["path", "pathname"]);
        let target = first_text_of(input, &["target"]);
        let method = first_text_of(input, &["method"])
            .or_else(|| {
                let name = span.submodule_name.as_str();
                is_method(name).then_some(name)
            })
            .unwrap_or("GET");
        let declared = span.package_type == package_type::HTTP
            || is_http_package(&span.package_name.to_ascii_lowercase());
        if url.is_none() && path_text.is_none() && target.is_none() {
            return None;
        }
        if !declared && (input.get("method").is_none() || !is_method(method)) {
            return None;
        }

        // One source gives path and query: Node's path carries its query,
        // Python's does not and has a `query` object beside it.
        let (path, query) = match (path_text, &url, target) {
            (Some(path), _, _) => split_target(path),
            (None, Some(url), _) => (url.path, url.query),
            (None, None, Some(target)) => split_target(target),
            (None, None, None) => ("", None),
        };
        let mut query_keys = query_keys(query.unwrap_or_default());
        if path_text.is_some() && query.is_none() {
            match input.get("query") {
                Some(Value::Object(query)) if !query.is_empty() => {
                    query_keys.extend(query.iter().map(|(key, _)| key.to_owned()));
                }
                Some(Value::Str(query)) if !query.is_empty() => {
                    query_keys = self::query_keys(query.trim_start_matches('?'));
                }
                _ => {
                    if let Some(query) = url.as_ref().and_then(|url| url.query) {
                        query_keys = self::query_keys(query);
                    }
                }
            }
        }

        let headers = match input.get("headers") {
            Some(Value::Object(headers)) => Some(headers),
            _ => None,
        };
        let (host, port) = address(input, url.as_ref(), headers);
        let text = body_text(input);
        let body = Body::of(input, text.as_deref());
        let path = normal_path(path);
        let graphql = graphql_of(span, input, body.as_ref(), headers, query);
        let named = headers.and_then(operation_header);
        let reads_headers = named.is_some()
            || first_text_of(input, &["hostname", "host"]).is_none()
                && url.as_ref().is_none_or(|url| url.authority.is_none());
        let operation = named.or_else(|| body.as_ref().and_then(Body::json_rpc_method));
        Some(HttpCall {
            package: package_family(&span.package_name),
            method: method.to_ascii_uppercase(),
            host,
            port,
            path,
            query_keys,
            operation,
            graphql,
            reads_headers,
        })
    }

    pub(super) fn reads_headers(&self) -> bool {
        self.reads_headers
    }

    pub(super) fn write_key(&self, key: &mut KeyWriter) {
        key.part(&self.package);
        key.part(&self.method);
        key.part(&self.host);
        key.part(&self.path);
        key.parts(self.query_keys.iter().map(String::as_str));
        match &self.operation {
            None => key.count(0),
            Some(operation) => {
                key.count(1);
                key.part(operation);
            }
        }
        match &self.graphql {
            None => key.count(0),
            Some(graphql) => {
                key.count(1);
                graphql.write_key(key);
            }
        }
    }

    pub(super) fn mismatch(&self, live: &HttpCall) -> Option<Mismatch> {
        use MismatchPart::{Host, Method, Operation, Package, Path, QueryKeys};
        Mismatch::unless_equal(Package, &live.package, &self.package)
            .or_else(|| Mismatch::unless_equal(Method, &live.method, &self.method))
            .or_else(|| Mismatch::unless_equal(Host, &live.host, &self.host))
            .or_else(|| {
                (!self.port.may_be(live.port)).then(|| Mismatch {
                    part: MismatchPart::Port,
                    live: live.port.describe(),
                    recorded: self.port.describe(),
                })
            })
            .or_else(|| Mismatch::unless_equal(Path, &live.path, &self.path))
            .or_else(|| {
                Mismatch::unless_equal(
                    QueryKeys,
                    &joined(&live.query_keys),
                    &joined(&self.query_keys),
                )
            })
            .or_else(|| {
                Mismatch::unless_equal(
                    Operation,
                    live.operation.as_deref().unwrap_or_default(),
                    self.operation.as_deref().unwrap_or_default(),
                )
            })
            .or_else(|| match (&self.graphql, &live.graphql) {
                (None, None) => None,
                (Some(recorded), Some(live)) => recorded.mismatch(live),
                (recorded, live) => {
                    let describe = |call: &Option<GraphqlCall>| {
                        call.as_ref()
                            .map_or("no GraphQL".to_owned(), GraphqlCall::describe)
                    };
                    Some(Mismatch {
                        part: MismatchPart::Graphql,
                        live: describe(live),
                        recorded: describe(recorded),
                    })
                }
            })
    }

    pub(super) fn describe(&self) -> String {
        let mut text = format!("{} {}{}", self.method, self.host, self.path);
        if !self.query_keys.is_empty() {
            text.push('?');
            text.push_str(&joined(&self.query_keys));
        }
        for part in [
            self.operation.clone(),
            self.graphql.as_ref().map(GraphqlCall::describe),
        ]
        .into_iter()
        .flatten()
        {
            text.push(' ');
            text.push_str(&part);
        }
        text
    }
}

fn joined(keys: &BTreeSet<String>) -> String {
    keys.iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join("&")
}

/// Names under which the SDKs record requests; Python's is the scheme.
fn is_http_package(lower: &str) -> bool {
    matches!(
        lower,
        "http"
            | "https"
            | "fetch"
            | "requests"
            | "httpx"
            | "aiohttp"
            | "urllib"
            | "urllib3"
            | "undici"
            | "axios"
            | "got"
            | "node-fetch"
            | "superagent"
    )
}

/// `http` and `https` answers have one form; `fetch` answers have another.
fn package_family(package: &str) -> String {
    let lower = package.to_ascii_lowercase();
    if lower == "https" {
        "http".to_owned()
    } else {
        lower
    }
}

fn is_method(name: &str) -> bool {
    const METHODS: [&str; 9] = [
        "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT",
    ];
    METHODS
        .iter()
        .any(|method| name.eq_ignore_ascii_case(method))
}

/// The parts of a URL that a guard looks at, as written.
#[derive(Clone, Copy)]
struct Url<'u> {
    scheme: &'u str,
    authority: Option<&'u str>,
    path: &'u str,
    query: Option<&'u str>,
}

impl<'u> Url<'u> {
    fn parse(text: &'u str) -> Url<'u> {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                (scheme, Some(rest))
            }
            _ => ("", text.strip_prefix("//")),
        };
        let (authority, target) = match rest {
            None => (None, text),
            Some(rest) => {
                let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
                let (authority, target) = rest.split_at_checked(end).unwrap_or((rest, ""));
                (Some(authority), target)
            }
        };
        let (path, query) = split_target(target);
        Url {
            scheme,
            authority,
            path,
            query,
        }
    }
}

/// Path and query of a request target; the fragment is never sent.
fn split_target(target: &str) -> (&str, Option<&str>) {
    let target = target.split('#').next().unwrap_or_default();
    match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    }
}

/// Host and port of `user@Host:8080`, `[::1]:80`.
fn split_authority(authority: &str) -> (&str, Option<u16>) {
    let address = authority.rsplit('@').next().unwrap_or_default();
    if let Some(rest) = address.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').unwrap_or((rest, ""));
        return (
            host,
            rest.strip_prefix(':').and_then(|port| port.parse().ok()),
        );
    }
    match address.split_once(':') {
        // More than one colon is an IPv6 address without brackets.
        Some((host, port)) if !port.contains(':') => (host, port.parse().ok()),
        _ => (address, None),
    }
}

/// Host and port: the members of their own first, then the URL, then the `Host` header.
fn address(
    input: Object<'_>,
    url: Option<&Url<'_>>,
    headers: Option<Object<'_>>,
) -> (String, Port) {
    let from_url = url.and_then(|url| url.authority).map(split_authority);
    let named = first_text_of(input, &["hostname", "host"]).map(split_authority);
    let header = headers
        .and_then(|headers| header(headers, "host"))
        .as_deref()
        .map(|text| {
            let (host, port) = split_authority(text);
            (host.to_owned(), port)
        });
    let scheme = url
        .map(|url| url.scheme)
        .filter(|scheme| !scheme.is_empty())
        .or_else(|| text_of(input, "protocol").map(|text| text.trim_end_matches(':')))
        .unwrap_or_default()
        .to_ascii_lowercase();

    let own_port = match input.get("port") {
        Some(Value::Int(port)) => u16::try_from(port).ok().filter(|port| *port != 0),
        Some(Value::Float(port)) if port.fract() == 0.0 && (1.0..65536.0).contains(&port) => {
            Some(port as u16)
        }
        Some(Value::Str(port)) => port.parse().ok(),
        _ => None,
    };
    let host = named
        .map(|(host, _)| host)
        .or(from_url.map(|(host, _)| host))
        .filter(|host| !host.is_empty())
        .map(str::to_owned)
        .or_else(|| header.as_ref().map(|(host, _)| host.clone()))
        .unwrap_or_default();
    let explicit = own_port
        .or(named.and_then(|(_, port)| port))
        .or(from_url.and_then(|(_, port)| port))
        .or_else(|| header.as_ref().and_then(|(_, port)| *port));
    let port = match explicit {
        Some(number) => Port::explicit(number, &scheme),
        // A whole URL without a port means that of its scheme.
        None if from_url.is_some() && matches!(scheme.as_str(), "http" | "https") => Port::Default,
        None => Port::Unknown,
    };
    let host = host.trim_matches(['[', ']']).trim_end_matches('.');
    (host.to_ascii_lowercase(), port)
}

/// A header's value by its lower-case name; the first of several.
fn header<'d>(headers: Object<'d>, lower_name: &str) -> Option<Cow<'d, str>> {
    headers.iter().find_map(|(name, value)| {
        if !name.eq_ignore_ascii_case(lower_name) {
            return None;
        }
        match value {
            Value::Str(text) => Some(Cow::Borrowed(text)),
            Value::Array(texts) => match texts.iter().next() {
                Some(Value::Str(text)) => Some(Cow::Borrowed(text)),
                _ => None,
            },
            _ => None,
        }
    })
}

/// Services that take every call on one path name it in a header.
fn operation_header(headers: Object<'_>) -> Option<String> {
    ["x-amz-target", "soapaction"]
        .into_iter()
        .find_map(|name| header(headers, name))
        .map(|text| text.trim_matches('"').to_owned())
        .filter(|text| !text.is_empty())
}

/// `/` for an empty path; percent escapes in one spelling: those of
/// characters that need none are resolved, the others get upper-case digits.
fn normal_path(path: &str) -> String {
    if path.is_empty() {
        return "/".to_owned();
    }
    let mut normal = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        normal.push_str(before);
        match escape(after) {
            Some((byte, tail)) => {
                if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                    normal.push(char::from(byte));
                } else {
                    normal.push_str(&format!("%{byte:02X}"));
                }
                rest = tail;
            }
            None => {
                normal.push('%');
                rest = after;
            }
        }
    }
    normal.push_str(rest);
    normal
}

/// The byte of two hex digits, and what follows them.
fn escape(text: &str) -> Option<(u8, &str)> {
    let (digits, tail) = text.split_at_checked(2)?;
    digits
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit())
        .then(|| u8::from_str_radix(digits, 16).ok())
        .flatten()
        .map(|byte| (byte, tail))
}

/// The set of keys of a query string, decoded.
fn query_keys(query: &str) -> BTreeSet<String> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| decoded(pair.split('=').next().unwrap_or_default()))
        .collect()
}

/// The values of one key of a query string, decoded.
fn query_value(query: &str, key: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        (decoded(name) == key).then(|| decoded(value))
    })
}

/// `application/x-www-form-urlencoded` text without its escapes.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => match std::str::from_utf8(tail).ok().and_then(escape) {
                Some((byte, after)) => {
                    bytes.push(byte);
                    rest = after.as_bytes();
                }
                None => bytes.push(b'%'),
            },
            byte => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The text of a body that was recorded as a string, its base64 undone.
fn body_text(input: Object<'_>) -> Option<Cow<'_, str>> {
    match input.get("body")? {
        Value::Str(text) if text.is_empty() || text.len() > MAX_BODY_BYTES / 3 * 4 => None,
        Value::Str(text) => match LENIENT_BASE64.decode(text).map(String::from_utf8) {
            Ok(Ok(text)) => Some(Cow::Owned(text)),
            // Text that is no base64 was recorded as it is; bytes that are
            // no text hold no query.
            Ok(Err(_)) => None,
            Err(_) => Some(Cow::Borrowed(text)),
        },
        _ => None,
    }
}

/// A request's body, decoded.
enum Body<'b> {
    /// It was recorded as a value.
    Value(Value<'b>),
    /// It was recorded as text; parsed if it may hold a request.
    Text(&'b str, Option<Document<'b>>),
}

impl<'b> Body<'b> {
    fn of(input: Object<'b>, text: Option<&'b str>) -> Option<Body<'b>> {
        match (input.get("body")?, text) {
            (_, Some(text)) => {
                let json = may_hold_request(text)
                    .then(|| Document::parse(text, ValueOptions::default()))
                    .and_then(Result::ok);
                Some(Body::Text(text, json))
            }
            (Value::Str(_) | Value::Null, None) => None,
            (value, None) => Some(Body::Value(value)),
        }
    }

    fn json(&self) -> Option<Value<'_>> {
        match self {
            Body::Value(value) => Some(*value),
            Body::Text(_, json) => json.as_ref().map(Document::root),
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Body::Value(_) => None,
            Body::Text(text, _) => Some(text),
        }
    }

    fn json_rpc_method(&self) -> Option<String> {
        let of_one = |value: Value<'_>| match value {
            Value::Object(call) if call.get("jsonrpc").is_some() => {
                text_of(call, "method").map(str::to_owned)
            }
            _ => None,
        };
        match self.json()? {
            Value::Array(calls) => {
                let methods: Vec<String> = calls.iter().filter_map(of_one).collect();
                (!methods.is_empty()).then(|| methods.join(","))
            }
            value => of_one(value),
        }
    }
}

/// Whether it is worth parsing a body: only the requests looked for have these members.
fn may_hold_request(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
        && ["\"query\"", "\"jsonrpc\"", "\"persistedQuery\""]
            .iter()
            .any(|member| text.contains(member))
}

/// The GraphQL request in a body or in a query string.
fn graphql_of(
    span: &Span,
    input: Object<'_>,
    body: Option<&Body<'_>>,
    headers: Option<Object<'_>>,
    query: Option<&str>,
) -> Option<GraphqlCall> {
    let certain = span.package_type == package_type::GRAPHQL
        || span.package_name.eq_ignore_ascii_case("graphql");
    if let Some(call) = body
        .and_then(Body::json)
        .and_then(|json| GraphqlCall::of_request(json, certain))
    {
        return Some(call);
    }
    let is_document = headers
        .and_then(|headers| header(headers, "content-type"))
        .is_some_and(|text| text.trim_start().starts_with("application/graphql"));
    if let Some(text) = body.and_then(Body::text)
        && (is_document || certain || graphql::looks_like_document(text))
        && let Some(call) = GraphqlCall::of_document(text, None, is_document || certain)
    {
        return Some(call);
    }
    if let Some(text) = query.and_then(|query| query_value(query, "query"))
        && graphql::looks_like_document(&text)
    {
        return GraphqlCall::of_document(&text, None, false);
    }
    match input.get("query") {
        Some(Value::Str(text)) if graphql::looks_like_document(text) => {
            GraphqlCall::of_document(text, None, false)
        }
        Some(Value::Object(query)) => {
            let text = text_of(query, "query")?;
            graphql::looks_like_document(text)
                .then(|| GraphqlCall::of_document(text, None, false))
                .flatten()
        }
        _ => None,
    }
}
