#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test is what a panic is for"
)]

use super::*;
use serde_json::json;

fn span(input: Value) -> Span {
    Span {
        submodule_name: "POST".to_owned(),
        package_type: 1,
        input_value: Some(input.to_string()),
        ..Span::default()
    }
}

fn request(input: Value) -> RecordedRequest {
    RecordedRequest::of_span(&span(input), "abc").unwrap()
}

fn header_names(request: &RecordedRequest) -> Vec<&str> {
    request
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect()
}

#[test]
fn a_recorded_target_never_leads_away_from_this_machine() {
    for (recorded, sent) in [
        ("/orders?a=1", "/orders?a=1"),
        ("http://api.example.com/orders?a=1", "/orders?a=1"),
        ("https://api.example.com", "/"),
        ("https://api.example.com?x=1", "/?x=1"),
        ("//evil.example.com/x", "//evil.example.com/x"),
        ("orders", "/orders"),
        (
            "/redirect?to=http://example.com/",
            "/redirect?to=http://example.com/",
        ),
        ("*", "*"),
        ("/a b\r\nX: 1/\u{e9}", "/a%20b%0D%0AX:%201/%C3%A9"),
        ("/q?f={\"a\":[1]}|<>", "/q?f={\"a\":[1]}|<>"),
    ] {
        let found = request(json!({"method": "GET", "target": recorded}));
        assert_eq!(found.target, sent, "{recorded}");
    }
}

#[test]
fn a_target_that_a_server_of_python_decoded_is_encoded_again() {
    let of = |instrumentation: &str, target: &str| {
        let root = Span {
            instrumentation_name: instrumentation.to_owned(),
            ..span(json!({"method": "GET", "target": target}))
        };
        RecordedRequest::of_span(&root, "abc").unwrap().target
    };
    for (instrumentation, recorded, sent) in [
        ("FlaskInstrumentation", "/caf\u{c3}\u{a9}", "/caf%C3%A9"),
        (
            "BottleWsgiInstrumentation",
            "/\u{e6}\u{9d}\u{b1}",
            "/%E6%9D%B1",
        ),
        ("BottleWsgiInstrumentation", "/a%41b", "/a%2541b"),
        ("FlaskInstrumentation", "/x#frag", "/x%23frag"),
        (
            "FlaskInstrumentation",
            "/100%?v=%zz&w=a%20b",
            "/100%25?v=%zz&w=a%20b",
        ),
        ("FlaskInstrumentation", "/x?q=\u{c3}\u{a9}", "/x?q=%C3%A9"),
        ("FlaskInstrumentation", "/\u{e9}", "/%E9"),
        // Django puts the path back as it has decoded it, and leaves the query.
        ("DjangoInstrumentation", "/\u{6771}%", "/%E6%9D%B1%25"),
        (
            "DjangoInstrumentation",
            "/caf\u{e9}?q=\u{c3}\u{a9}",
            "/caf%C3%A9?q=%C3%A9",
        ),
        (
            "FastAPIInstrumentation",
            "/caf\u{e9}%41#x",
            "/caf%C3%A9%2541%23x",
        ),
        // Node records the request line.
        ("HttpInstrumentation", "/caf%C3%A9%41#x", "/caf%C3%A9%41#x"),
        ("HttpInstrumentation", "/\u{c3}\u{a9}", "/%C3%83%C2%A9"),
    ] {
        assert_eq!(
            of(instrumentation, recorded),
            sent,
            "{instrumentation} {recorded}"
        );
    }
}

#[test]
fn a_decoded_question_mark_is_told_from_the_query_by_the_name_of_the_span() {
    let of = |name: &str, target: &str| {
        let root = Span {
            name: name.to_owned(),
            instrumentation_name: "FlaskInstrumentation".to_owned(),
            ..span(json!({"method": "GET", "target": target}))
        };
        RecordedRequest::of_span(&root, "abc").unwrap().target
    };
    assert_eq!(of("GET /x?y=1", "/x?y=1"), "/x%3Fy=1");
    assert_eq!(of("GET /x?y", "/x?y?z=1?"), "/x%3Fy?z=1?");
    assert_eq!(of("GET /x", "/x?y=1"), "/x?y=1");
    assert_eq!(of("another", "/x?y=1"), "/x?y=1");
}

#[test]
fn method_and_target_come_from_where_the_sdks_put_them() {
    let found = request(json!({"url": "http://localhost:3000/a?b=1", "method": ""}));
    assert_eq!(
        (found.method.as_str(), found.target.as_str()),
        ("POST", "/a?b=1")
    );
    let found = request(json!({"method": "PATCH", "path": "/p"}));
    assert_eq!(
        (found.method.as_str(), found.target.as_str()),
        ("PATCH", "/p")
    );
}

#[test]
fn headers_are_sent_as_recorded_except_those_of_the_connection() {
    let found = request(json!({"target": "/", "headers": {
        "Host": "shop.example.com", "Connection": "keep-alive, X-Hop", "X-Hop": "1", "Keep-Alive": "timeout=5",
        "Content-Length": "0", "Transfer-Encoding": "chunked", "Expect": "100-continue", "Upgrade": "h2c",
        "X-TD-Trace-Id": "old", "User-Agent": "curl/8", "X-Empty": "", "X-Number": 5,
        "Cookie": ["a=1", "b=2"], "X-Name": "Jos\u{e9}", "X-Wide": "\u{20ac}", "X-Split": "a\r\nb: c", "bad name": "x",
    }}));
    assert_eq!(
        header_names(&found),
        [
            "x-td-trace-id",
            "Cookie",
            "Cookie",
            "User-Agent",
            "X-Name",
            "X-Wide"
        ]
    );
    assert_eq!(found.headers[0].1, b"abc");
    assert_eq!(found.header("cookie").unwrap(), "a=1");
    assert_eq!(found.headers[4].1, b"Jos\xe9");
    assert_eq!(found.headers[5].1, "\u{20ac}".as_bytes());
    assert_eq!(found.notes.len(), 2);
}

#[test]
fn a_body_that_was_sent_and_not_recorded_is_named() {
    let notes = |body: Value, headers: Value| {
        let input = json!({"target": "/", "body": body, "headers": headers});
        let found = request(input);
        assert_eq!(found.header("content-encoding"), None);
        found.notes.into_iter().next().unwrap_or_default()
    };
    let gzip = json!({"content-encoding": "gzip", "content-length": "28"});
    let not_recorded = "a body of 28 bytes was sent and the SDK did not record it, so the test cannot be repeated as it was";
    assert_eq!(notes(Value::Null, gzip.clone()), not_recorded);
    assert_eq!(
        notes(json!("e30="), gzip),
        "the body was recorded decompressed, so \"content-encoding: gzip\" is not sent"
    );
    assert_eq!(notes(Value::Null, json!({"content-length": "0"})), "");
}

#[test]
fn only_encodings_that_can_be_decoded_are_asked_for() {
    for (recorded, sent) in [
        ("gzip, deflate, br, zstd", Some("gzip, deflate")),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", Some("gzip;q=0.8")),
        ("br", None),
    ] {
        let found = request(json!({"target": "/", "headers": {"Accept-Encoding": recorded}}));
        assert_eq!(
            found.header("accept-encoding").as_deref(),
            sent,
            "{recorded}"
        );
    }
}

#[test]
fn bodies_are_sent_as_the_bytes_that_were_recorded() {
    let with_schema = |body: &str, schema: Value| {
        let mut span = span(json!({"target": "/", "body": body}));
        span.input_schema = Some(json!({"type": 6, "properties": {"body": schema}}).to_string());
        RecordedRequest::of_span(&span, "t").map(|request| request.body.unwrap())
    };
    assert_eq!(with_schema("AP/+", json!({})).unwrap(), [0, 255, 254]);
    assert_eq!(
        with_schema("AP/+", json!({"encoding": 1})).unwrap(),
        [0, 255, 254]
    );
    assert_eq!(
        with_schema("plain text", json!({"encoding": 0})).unwrap(),
        b"plain text"
    );
    assert_eq!(
        with_schema("plain text", json!({"encoding": 1}))
            .unwrap_err()
            .code(),
        "body_not_base64"
    );
    assert_eq!(
        with_schema("plain text", json!({})).unwrap_err().code(),
        "body_not_base64"
    );
    assert_eq!(request(json!({"target": "/", "body": ""})).body, None);
    assert_eq!(request(json!({"target": "/", "body": null})).body, None);
}

#[test]
fn the_encoding_of_a_body_that_was_recorded_decompressed_is_not_sent() {
    let encoding = |body: &[u8], encoding: &str| {
        let body = STANDARD.encode(body);
        request(json!({"target": "/", "body": body, "headers": {"Content-Encoding": encoding, "Content-Type": "x/y"}}))
            .header("content-encoding")
    };
    assert_eq!(encoding(b"{\"a\":1}", "gzip"), None);
    assert_eq!(
        encoding(b"\x1f\x8b\x08rest", "gzip").as_deref(),
        Some("gzip")
    );
    assert_eq!(
        encoding(b"\x78\x9crest", "deflate").as_deref(),
        Some("deflate")
    );
    assert_eq!(encoding(b"text", "br"), None);
}

#[test]
fn a_content_type_that_was_not_recorded_is_inferred_from_schema_or_bytes() {
    let multipart =
        "--bound-1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--bound-1--\r\n";
    for (body, decoded_type, expected) in [
        ("{\"a\":1}", None, Some("application/json")),
        ("[1]", None, Some("application/json")),
        (
            "a=1&b=two+words%21&c=",
            None,
            Some("application/x-www-form-urlencoded"),
        ),
        ("a=1", Some(1), Some("application/json")),
        ("a,b\n1,2\n", Some(8), Some("text/csv")),
        (
            multipart,
            None,
            Some("multipart/form-data; boundary=bound-1"),
        ),
        (
            multipart,
            Some(13),
            Some("multipart/form-data; boundary=bound-1"),
        ),
        ("some words", None, None),
        ("a=%zz", None, None),
        ("YWJj==", None, None),
        ("--not closed\r\n", None, None),
        ("\u{1}\u{2}", None, None),
    ] {
        let mut span = span(json!({"target": "/", "body": STANDARD.encode(body)}));
        if let Some(number) = decoded_type {
            let schema = json!({"properties": {"body": {"encoding": 1, "decoded_type": number}}});
            span.input_schema = Some(schema.to_string());
        }
        let found = RecordedRequest::of_span(&span, "t").unwrap();
        assert_eq!(
            found.header("content-type").as_deref(),
            expected,
            "{body:?}"
        );
    }
    let recorded = request(
        json!({"target": "/", "body": STANDARD.encode("{}"), "headers": {"content-type": "text/odd"}}),
    );
    assert_eq!(recorded.header("Content-Type").unwrap(), "text/odd");
    assert_eq!(
        header_names(&request(json!({"target": "/"}))),
        ["x-td-trace-id"]
    );
}

#[test]
fn what_cannot_be_sent_is_refused_with_its_reason() {
    let code = |span: &Span| RecordedRequest::of_span(span, "t").unwrap_err().code();
    let mut grpc = span(json!({"target": "/"}));
    grpc.package_type = 3;
    assert_eq!(code(&grpc), "unsupported_root");
    assert_eq!(code(&Span::default()), "no_input");
    assert_eq!(code(&span(json!({"method": "GET"}))), "no_target");
    assert_eq!(
        code(&span(json!({"method": "G T", "target": "/"}))),
        "bad_method"
    );
    assert_eq!(
        code(&span(json!({"method": "CONNECT", "target": "a:1"}))),
        "bad_method"
    );
    assert_eq!(
        code(&span(json!({"target": "/", "body": {"a": 1}}))),
        "body_not_text"
    );
}

#[test]
fn a_trace_id_that_would_end_its_header_is_an_error_and_adds_none() {
    for id in ["abc\r\nX-Admin: 1", "a\nb", "a\0"] {
        let error = RecordedRequest::of_span(&span(json!({"target": "/"})), id).unwrap_err();
        assert_eq!(error.code(), "bad_trace_id");
        assert!(!error.to_string().contains(char::is_control), "{error}");
    }
}
