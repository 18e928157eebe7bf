//! What a user relies on when outbound calls are judged.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may end by a panic"
)]

use super::*;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn root() -> Span {
    Span {
        trace_id: TRACE.to_owned(),
        span_id: "root".to_owned(),
        name: "GET /orders".to_owned(),
        kind: SpanKind::Server,
        is_root_span: true,
        start_unix_nanos: Some(0),
        duration_nanos: Some(1_000_000_000),
        ..Span::default()
    }
}

/// A recorded HTTP call that began at a millisecond and took one, to the microsecond.
fn http(id: &str, path: &str, start_ms: i128) -> Span {
    Span {
        trace_id: TRACE.to_owned(),
        span_id: id.to_owned(),
        parent_span_id: "root".to_owned(),
        name: format!("GET {path}"),
        package_name: "http".to_owned(),
        submodule_name: "GET".to_owned(),
        package_type: 1,
        kind: SpanKind::Client,
        start_unix_nanos: Some(start_ms * 1_000_000 + 1_000),
        duration_nanos: Some(500_000),
        input_value: Some(format!(
            r#"{{"method":"GET","protocol":"http","hostname":"up","port":80,"path":"{path}","headers":{{}}}}"#
        )),
        ..Span::default()
    }
}

fn level(kind: MatchType) -> MatchLevel {
    MatchLevel {
        match_type: kind as i32,
        match_scope: MatchScope::Trace as i32,
        match_description: "described".to_owned(),
        ..MatchLevel::default()
    }
}

/// The same call again, answered by its recording.
fn live(span: &Span) -> LiveCall {
    LiveCall {
        span: Span {
            span_id: String::new(),
            start_unix_nanos: None,
            duration_nanos: None,
            ..span.clone()
        },
        matched: Some(MatchedSpan {
            trace_id: span.trace_id.clone(),
            span_id: span.span_id.clone(),
            level: level(MatchType::InputValueHash),
            is_pre_app_start: false,
        }),
        why: String::new(),
    }
}

fn check(recorded: &[Span], calls: &[LiveCall]) -> OutboundReport {
    check_outbound(
        recorded,
        calls,
        &OutboundOptions::default(),
        &Rules::default(),
    )
}

fn descriptions(report: &OutboundReport) -> Vec<&str> {
    report
        .deviations
        .iter()
        .map(|one| one.description.as_str())
        .collect()
}

fn states(report: &OutboundReport) -> Vec<&'static str> {
    report
        .calls
        .iter()
        .map(|call| call.state.as_str())
        .collect()
}

#[test]
fn calls_as_recorded_are_no_deviation() {
    let recorded = [root(), http("b", "/b", 20), http("a", "/a", 10)];
    let calls = [live(&recorded[2]), live(&recorded[1])];
    let report = check(&recorded, &calls);
    assert_eq!(report.deviations, []);
    assert_eq!(states(&report), ["matched", "matched"]);
    assert_eq!(report.calls[0].summary, "GET http://up/a");
    assert_eq!(report.calls[0].parent.as_deref(), Some("GET /orders"));
}

#[test]
fn a_missing_call_is_named_with_its_place_in_the_trace() {
    let recorded = [
        root(),
        http("a", "/a", 10),
        http("b", "/b", 20),
        http("c", "/c", 30),
    ];
    let calls = [live(&recorded[1]), live(&recorded[3])];
    let report = check(&recorded, &calls);
    assert_eq!(
        descriptions(&report),
        [
            "recorded call 2 is not made any more: GET http://up/b in GET /orders, after GET http://up/a and before GET http://up/c"
        ]
    );
    assert_eq!(states(&report), ["matched", "missing", "matched"]);
    assert_eq!(report.deviations[0].call, Some(1));
}

#[test]
fn a_new_call_is_named_where_it_came() {
    let recorded = [root(), http("a", "/a", 10), http("b", "/b", 20)];
    let new = LiveCall {
        matched: None,
        why: "no recorded call has this path".to_owned(),
        ..live(&http("x", "/x", 0))
    };
    let calls = [live(&recorded[1]), new, live(&recorded[2])];
    let report = check(&recorded, &calls);
    assert_eq!(
        descriptions(&report),
        [
            "new call: GET http://up/x, after GET http://up/a and before GET http://up/b; nothing recorded answers it"
        ]
    );
    assert_eq!(report.calls[1].why, "no recorded call has this path");
}

#[test]
fn a_call_that_only_another_trace_has_is_new_and_one_from_the_start_is_not() {
    let recorded = [root()];
    let mut other = live(&http("z", "/z", 0));
    other.matched.as_mut().unwrap().trace_id = "f".repeat(32);
    let report = check(&recorded, std::slice::from_ref(&other));
    assert_eq!(
        descriptions(&report),
        [format!(
            "new call: GET http://up/z, the only call; it was answered from trace {}",
            "f".repeat(32)
        )]
    );
    other.matched.as_mut().unwrap().is_pre_app_start = true;
    assert_eq!(check(&recorded, &[other]).deviations, []);
}

#[test]
fn one_poll_more_is_a_call_made_more_often() {
    let recorded = [root(), http("a", "/poll", 10), http("b", "/poll", 20)];
    let again = live(&recorded[2]);
    let calls = [live(&recorded[1]), live(&recorded[2]), again];
    let report = check(&recorded, &calls);
    assert_eq!(
        descriptions(&report),
        ["call made more often than recorded: GET http://up/poll in GET /orders"]
    );
    assert_eq!(states(&report), ["matched", "matched", "more_often"]);
}

#[test]
fn the_one_call_that_moved_is_named_and_not_those_it_passed() {
    let recorded = [
        root(),
        http("a", "/a", 10),
        http("b", "/b", 20),
        http("c", "/c", 30),
    ];
    let calls = [live(&recorded[3]), live(&recorded[1]), live(&recorded[2])];
    let report = check(&recorded, &calls);
    assert_eq!(
        descriptions(&report),
        [
            "call in another order: GET http://up/c in GET /orders was recorded after GET http://up/b, as the last call, now it is call 1"
        ]
    );
}

#[test]
fn calls_that_ran_at_the_same_time_have_no_order() {
    let mut recorded = [root(), http("a", "/a", 10), http("b", "/b", 11)];
    recorded[1].duration_nanos = Some(5_000_000);
    let swapped = [live(&recorded[2]), live(&recorded[1])];
    assert_eq!(check(&recorded, &swapped).deviations, []);
    recorded[1].duration_nanos = Some(1);
    assert_eq!(check(&recorded, &swapped).deviations.len(), 1);
    // Times without a duration say nothing about an order either.
    recorded[1].duration_nanos = None;
    assert_eq!(check(&recorded, &swapped).deviations, []);
}

/// A recorded call of a database's driver: its name is `PACKAGE.SUBMODULE`.
fn driver(id: &str, parent: &str, name: &str, start_ms: i128) -> Span {
    let (package, submodule) = name.split_once('.').unwrap();
    Span {
        parent_span_id: parent.to_owned(),
        package_name: package.to_owned(),
        name: name.to_owned(),
        submodule_name: submodule.rsplit('.').next().unwrap().to_owned(),
        package_type: 4,
        input_value: Some(r#"{"query":"SELECT 1"}"#.to_owned()),
        duration_nanos: Some(3_000_000),
        ..http(id, "/", start_ms)
    }
}

#[test]
fn spans_that_sdks_never_ask_for_are_not_missing() {
    let snapshot = Span {
        name: "ENV_VARS_SNAPSHOT".to_owned(),
        ..http("env", "/", 1)
    };
    let internal = Span {
        kind: SpanKind::Internal,
        ..http("work", "/", 1)
    };
    let boot = Span {
        is_pre_app_start: true,
        ..http("boot", "/", 1)
    };
    let recorded = [
        root(),
        driver("outer", "root", "pg-pool.query", 10),
        driver("connect", "outer", "pg-pool.connect", 10),
        driver("pgconnect", "connect", "pg.connect", 11),
        driver("inner", "outer", "pg.query", 12),
        snapshot,
        internal,
        boot,
    ];
    let report = check(&recorded, &[live(&recorded[1])]);
    assert_eq!(report.deviations, []);
    assert_eq!(report.not_asked, 3);
    // A query of its own, outside any pool query, is asked for.
    let alone = [root(), driver("own", "root", "pg.query", 10)];
    assert_eq!(check(&alone, &[]).deviations.len(), 1);
    // A missing outer call is one deviation, not two.
    assert_eq!(check(&recorded, &[]).deviations.len(), 1);
}

#[test]
fn whether_a_query_is_inside_another_does_not_depend_on_times() {
    // The clock was set while the queries ran, or the outer span has no times.
    for (start_ms, duration_nanos) in [
        (-5_000, Some(2_000_000)),
        (5_000, Some(2_000_000)),
        (12, Some(0)),
        (0, None),
    ] {
        let mut recorded = [
            root(),
            driver("outer", "root", "pg-pool.query", start_ms),
            driver("connect", "outer", "pg-pool.connect", 10),
            driver("pgconnect", "connect", "pg.connect", 11),
            driver("inner", "pgconnect", "pg.query", 40),
            // The next query finds the connection idle.
            driver("again", "root", "pg-pool.query", start_ms + 20),
            driver("idle", "again", "pg-pool.connect", 50),
            driver("inner2", "idle", "pg.query", 60),
        ];
        for outer in [1, 5] {
            recorded[outer].duration_nanos = duration_nanos;
        }
        let report = check(&recorded, &[live(&recorded[1]), live(&recorded[5])]);
        assert_eq!(report.deviations, [], "{start_ms} {duration_nanos:?}");
        assert_eq!(report.not_asked, 5);
    }
}

#[test]
fn a_query_that_waited_for_the_connection_of_another_one_is_not_missing() {
    // With one connection the second query begins where the first one gives it back:
    // below the span that opened it, which is over as the first query is.
    let recorded = [
        root(),
        driver("first", "root", "pg-pool.query", 10),
        driver("connect1", "first", "pg-pool.connect", 10),
        driver("pgconnect", "connect1", "pg.connect", 10),
        driver("inner1", "pgconnect", "pg.query", 12),
        driver("second", "root", "pg-pool.query", 10),
        driver("connect2", "second", "pg-pool.connect", 10),
        driver("inner2", "pgconnect", "pg.query", 40),
    ];
    let calls = [live(&recorded[1]), live(&recorded[5])];
    assert_eq!(check(&recorded, &calls).deviations, []);
    // The connection may also be given back by the program itself, in the request.
    let mut recorded = vec![
        root(),
        driver("pooled", "root", "pg-pool.query", 10),
        driver("waiting", "pooled", "pg-pool.connect", 10),
        driver("inner", "root", "pg.query", 40),
    ];
    let pooled = live(&recorded[1]);
    assert_eq!(
        check(&recorded, std::slice::from_ref(&pooled)).deviations,
        []
    );
    // A query of the program with the same statement is asked for, whichever of the
    // two spans answers it.
    recorded.push(driver("own", "root", "pg.query", 50));
    for answering in [3, 4] {
        let calls = [pooled.clone(), live(&recorded[answering])];
        assert_eq!(check(&recorded, &calls).deviations, []);
    }
    assert_eq!(check(&recorded, &[pooled]).deviations.len(), 1);
    // Also where the program itself asked for the connection.
    let recorded = [
        root(),
        driver("connect", "root", "pg-pool.connect", 10),
        driver("pgconnect", "connect", "pg.connect", 10),
        driver("of another request", "pgconnect", "pg.query", 40),
    ];
    assert_eq!(check(&recorded, &[]).deviations, []);
}

#[test]
fn a_query_whose_parent_was_lost_is_inside_the_one_with_its_statement() {
    let outer = driver("outer", "root", "pg-pool.query", 10);
    let inner = driver("inner", "lost", "pg.query", 12);
    let recorded = [root(), outer.clone(), inner.clone()];
    assert_eq!(check(&recorded, &[live(&outer)]).deviations, []);
    let other = Span {
        input_value: Some(r#"{"query":"SELECT 2"}"#.to_owned()),
        ..inner.clone()
    };
    let recorded = [root(), outer.clone(), other];
    assert_eq!(check(&recorded, &[live(&outer)]).deviations.len(), 1);
    assert_eq!(check(&[root(), inner], &[]).deviations.len(), 1);
}

#[test]
fn a_removed_query_is_named_however_soon_it_came_after_its_connection() {
    // Callbacks run below the span that they were given to.
    for (name, query) in [
        ("pg-pool.connect", "pg.query"),
        ("mysql.pool.getConnection", "mysql.query"),
        ("mysql2.pool.getConnection", "mysql2.connection.query"),
    ] {
        let recorded = [
            root(),
            driver("pooled", "root", name, 10),
            driver("own", "pooled", query, 11),
        ];
        assert_eq!(
            states(&check(&recorded, &[])),
            ["not_asked", "missing"],
            "{query}"
        );
    }
    // So does the next query of a pool; and the next request, before the response of
    // the first has been read.
    let recorded = [
        root(),
        driver("first", "root", "pg-pool.query", 10),
        driver("next", "first", "pg-pool.query", 11),
    ];
    let report = check(&recorded, &[live(&recorded[1])]);
    assert_eq!(states(&report), ["matched", "missing"]);
    // And a query on a connection of the program's own.
    let mut own = driver("own", "first", "pg.query", 12);
    own.input_value = Some(r#"{"query":"DELETE FROM a"}"#.to_owned());
    let first = driver("first", "root", "pg-pool.query", 10);
    let inner = driver("inner", "first", "pg.query", 11);
    let recorded = [root(), first, inner, own];
    let report = check(&recorded, &[live(&recorded[1])]);
    assert_eq!(states(&report), ["matched", "not_asked", "missing"]);
    let mut next = http("b", "/b", 10);
    next.parent_span_id = "a".to_owned();
    let recorded = [root(), http("a", "/a", 10), next];
    let report = check(&recorded, &[live(&recorded[1])]);
    assert_eq!(states(&report), ["matched", "missing"]);
}

#[test]
fn what_one_library_does_for_another_is_not_missing() {
    let of_http = |id: &str, parent: &str, instrumentation: &str| Span {
        parent_span_id: parent.to_owned(),
        instrumentation_name: instrumentation.to_owned(),
        ..http(id, "/a", 10)
    };
    let pairs = [
        [
            driver("outer", "root", "sqlalchemy.query", 10),
            driver("inner", "outer", "psycopg2.query", 50),
        ],
        [
            driver("outer", "root", "@prisma/client.findMany", 10),
            driver("inner", "outer", "pg.query", 50),
        ],
        [
            driver("outer", "root", "mysql2.pool.execute", 10),
            driver("inner", "outer", "mysql2.poolConnection.execute", 50),
        ],
        [
            driver("outer", "root", "ioredis.pipeline-exec", 10),
            driver("inner", "outer", "ioredis.set", 50),
        ],
        [
            driver("outer", "root", "jsonwebtoken.verify", 10),
            of_http("inner", "outer", "HttpInstrumentation"),
        ],
        [
            of_http("outer", "root", "RequestsInstrumentation"),
            of_http("inner", "outer", "Urllib3Instrumentation"),
        ],
    ];
    for [outer, inner] in pairs {
        let recorded = [root(), outer, inner];
        let report = check(&recorded, &[live(&recorded[1])]);
        assert_eq!(report.deviations, [], "{}", recorded[1].name);
        // The other way round both are calls of the program.
        let [root, mut outer, mut inner] = recorded;
        inner.input_value = Some(r#"{"query":"SELECT 2"}"#.to_owned());
        inner.parent_span_id = "root".to_owned();
        outer.parent_span_id = "inner".to_owned();
        let recorded = [root, inner, outer];
        assert_eq!(check(&recorded, &[]).deviations.len(), 2);
    }
}

#[test]
fn requests_that_follow_a_redirect_are_not_missing_and_those_of_a_hook_are() {
    let of = |id: &str, parent: &str, status: i32, body: &str| Span {
        parent_span_id: parent.to_owned(),
        instrumentation_name: "RequestsInstrumentation".to_owned(),
        output_value: Some(format!(r#"{{"statusCode":{status},"body":"{body}"}}"#)),
        ..http(id, &format!("/{id}"), 10)
    };
    let recorded = [
        root(),
        of("outer", "root", 200, "aGk="),
        of("hop", "outer", 307, ""),
        of("last", "outer", 200, "aGk="),
        of("hook", "outer", 200, "aG8="),
    ];
    let report = check(&recorded, &[live(&recorded[1])]);
    assert_eq!(
        states(&report),
        ["matched", "not_asked", "not_asked", "missing"]
    );
    // A hook that posts to another place and gets the same short answer, or none.
    for answer in [
        r#"{"statusCode":200,"body":"e30="}"#,
        r#"{"statusCode":204}"#,
    ] {
        let of = |id: &str, parent: &str, body: &str| Span {
            parent_span_id: parent.to_owned(),
            instrumentation_name: "RequestsInstrumentation".to_owned(),
            input_value: Some(format!(
                r#"{{"method":"POST","path":"/{id}","body":"{body}"}}"#
            )),
            output_value: Some(answer.to_owned()),
            ..http(id, &format!("/{id}"), 10)
        };
        let recorded = [
            root(),
            of("outer", "root", "YQ=="),
            of("hook", "outer", "Yg=="),
        ];
        assert_eq!(
            states(&check(&recorded, &[live(&recorded[1])])),
            ["matched", "missing"]
        );
    }
    // A redirect that leads to no answer of the call is not its own.
    let alone = [
        root(),
        of("outer", "root", 200, "aGk="),
        of("moved", "outer", 301, ""),
    ];
    assert_eq!(
        states(&check(&alone, &[live(&alone[1])])),
        ["matched", "missing"]
    );
    // The answer alone makes no call part of another one.
    let both = [
        root(),
        of("a", "root", 200, "aGk="),
        of("b", "root", 200, "aGk="),
    ];
    assert_eq!(
        states(&check(&both, &[live(&both[1])])),
        ["matched", "missing"]
    );
}

#[test]
fn what_manages_connections_is_not_missing() {
    for name in [
        "ioredis.connect",
        "mysql.beginTransaction",
        "mysql.pool.getConnection",
        "mysql2.connection.connectEvent",
        "mysql2.connection.changeUser",
        "mysql2.connection.end",
        "mysql2.connection.ping",
        "mysql2.connection.prepare",
        "mysql2.pool.getConnection",
    ] {
        let mut span = driver("one", "root", name, 10);
        if name == "mysql.beginTransaction" {
            span.submodule_name = "transaction".to_owned();
        }
        // The handshake of a connection that is opened while a request is answered.
        let shaken = driver("two", "one", "ioredis.info", 5_000);
        let mut recorded = vec![root(), span];
        if name == "ioredis.connect" {
            recorded.push(shaken);
        }
        assert_eq!(check(&recorded, &[]).deviations, [], "{name}");
    }
    for name in ["postgres.begin", "ioredis.info", "mysql2.connection.query"] {
        let recorded = [root(), driver("one", "root", name, 10)];
        assert_eq!(check(&recorded, &[]).deviations.len(), 1, "{name}");
    }
}

#[test]
fn spans_that_are_each_others_parents_are_calls_of_their_own() {
    let recorded = [
        root(),
        driver("a", "b", "pg.query", 10),
        driver("b", "a", "pg.query", 10),
        driver("c", "c", "pg.query", 10),
    ];
    assert_eq!(check(&recorded, &[]).deviations.len(), 3);
}

#[test]
fn a_call_after_its_parent_call_ended_is_a_call_of_its_own() {
    let mut late = http("late", "/late", 50);
    late.parent_span_id = "a".to_owned();
    let recorded = [root(), http("a", "/a", 10), late];
    let report = check(&recorded, &[live(&recorded[1])]);
    assert_eq!(states(&report), ["matched", "missing"]);
}

#[test]
fn a_loose_match_shows_how_the_input_differs_and_is_a_deviation_on_request() {
    let body = |text: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(text)
    };
    let mut recorded = http("a", "/a", 10);
    recorded.input_value = Some(format!(
        r#"{{"method":"POST","url":"http://up/a","headers":{{}},"body":"{}"}}"#,
        body(r#"{"total":1,"at":"2026-11-21T02:24:50Z"}"#)
    ));
    let mut call = live(&recorded);
    call.span.input_value = Some(format!(
        r#"{{"method":"POST","url":"http://up/a","headers":{{}},"body":"{}"}}"#,
        body(r#"{"total":2,"at":"2026-11-25T02:24:50Z"}"#)
    ));
    call.matched.as_mut().unwrap().level = level(MatchType::InputSchemaHash);
    let recorded = [root(), recorded];
    let report = check(&recorded, std::slice::from_ref(&call));
    assert_eq!(report.deviations, []);
    let shown: Vec<(&str, Option<&str>)> = report.calls[0]
        .input_differences
        .iter()
        .map(|one| (one.path.as_str(), one.accepted_by))
        .collect();
    assert_eq!(
        shown,
        [("$.body.at", Some("TIMESTAMP")), ("$.body.total", None)]
    );
    assert_eq!(report.calls[0].match_type, Some("input_schema_hash"));
    let options = OutboundOptions {
        changed: true,
        ..OutboundOptions::default()
    };
    let report = check_outbound(&recorded, &[call], &options, &Rules::default());
    assert_eq!(report.deviations[0].code.as_str(), "CALL_CHANGED");
}

#[test]
fn each_finding_can_be_switched_off_and_calls_can_be_left_out() {
    let recorded = [
        root(),
        http("a", "/a", 10),
        http("b", "/b", 20),
        http("c", "/c", 30),
    ];
    let new = LiveCall {
        matched: None,
        ..live(&http("x", "/x", 0))
    };
    let again = live(&recorded[3]);
    let calls = [live(&recorded[3]), live(&recorded[1]), again, new];
    let count = |change: &dyn Fn(&mut OutboundOptions)| {
        let mut options = OutboundOptions::default();
        change(&mut options);
        check_outbound(&recorded, &calls, &options, &Rules::default())
            .deviations
            .len()
    };
    assert_eq!(count(&|_| ()), 4);
    assert_eq!(count(&|options| options.missing = false), 3);
    assert_eq!(count(&|options| options.new = false), 3);
    assert_eq!(count(&|options| options.more_often = false), 3);
    assert_eq!(count(&|options| options.order = false), 3);
    let all = |options: &mut OutboundOptions| {
        options.ignore = vec![OutboundIgnore {
            package: Some("http".to_owned()),
            name: None,
        }];
    };
    assert_eq!(count(&all), 0);
    let some = |options: &mut OutboundOptions| {
        options.ignore = vec![OutboundIgnore {
            package: None,
            name: Some(Regex::new("/x$").unwrap()),
        }];
    };
    assert_eq!(count(&some), 3);
}

#[test]
fn calls_have_a_summary_that_people_recognise() {
    let of = |package: &str, input: &str| {
        summary(&Span {
            package_name: package.to_owned(),
            submodule_name: "POST".to_owned(),
            name: "the name".to_owned(),
            input_value: Some(input.to_owned()),
            ..Span::default()
        })
    };
    assert_eq!(
        of(
            "psycopg2",
            r#"{"query":"SELECT *\n  FROM t","parameters":[1]}"#
        ),
        "psycopg2 SELECT * FROM t"
    );
    assert_eq!(
        of("redis", r#"{"command":"GET","args":["user:1"]}"#),
        "redis GET user:1"
    );
    assert_eq!(
        of("fetch", r#"{"url":"https://a/b?c=1","method":"PUT"}"#),
        "PUT https://a/b?c=1"
    );
    assert_eq!(
        of(
            "https",
            r#"{"hostname":"a","port":8443,"path":"/b","protocol":"https:"}"#
        ),
        "POST https://a:8443/b"
    );
    assert_eq!(
        of(
            "ioredis",
            r#"{"commands":[{"command":"set","args":["a","1"]},{"command":"incr","args":["a"]}]}"#
        ),
        "ioredis pipeline of 2: SET a; INCR a"
    );
    assert_eq!(
        of(
            "redis",
            r#"{"command":"PIPELINE: PING SET","commands":[["PING"],["SET","b",1]]}"#
        ),
        "redis pipeline of 2: PING; SET b"
    );
    let keys: Vec<String> = (0..100)
        .map(|key| format!(r#"["GET","key:{key}"]"#))
        .collect();
    let many = of("redis", &format!(r#"{{"commands":[{}]}}"#, keys.join(",")));
    assert!(
        many.starts_with("redis pipeline of 100: GET key:0; GET key:1;"),
        "{many}"
    );
    assert!(many.ends_with('…') && many.chars().count() == 300, "{many}");
    assert_eq!(of("grpc", r#"{"x":1}"#), "grpc the name");
    assert_eq!(of("grpc", "broken"), "grpc the name");
}

#[test]
fn the_summary_of_a_pipeline_has_no_passwords() {
    let redactor = crate::redact::Redactor::new(crate::redact::RedactionOptions::default());
    for commands in [
        r#"[["AUTH","u","hunter2"],["CONFIG","SET","requirepass","hunter2"],["SET","a","hunter2"]]"#,
        r#"[{"command":"auth","args":["hunter2"]},{"command":"acl","args":["SETUSER","u",">hunter2"]}]"#,
        r#"["HELLO 3 AUTH u hunter2","SENTINEL SET m auth-pass hunter2"]"#,
        r#"[["MIGRATE","up","6379","k","0","50","AUTH","hunter2"],["GET","a"]]"#,
        r#"[["GET","session?token=hunter2"]]"#,
    ] {
        let span = Span {
            package_name: "redis".to_owned(),
            input_value: Some(format!(r#"{{"commands":{commands}}}"#)),
            ..Span::default()
        };
        let shown = [
            redactor.summary("redis", &summary(&span)),
            summary(&redactor.span(&span)),
        ];
        for shown in shown {
            assert!(shown.starts_with("redis pipeline of "), "{shown}");
            assert!(!shown.contains("hunter2"), "{commands}: {shown}");
        }
    }
}
