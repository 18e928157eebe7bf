//! Pairs of calls of every protocol, and whether the one may answer for the
//! other; the expected words are written by hand from `docs/matching.md`.

#![allow(
    clippy::indexing_slicing,
    reason = "the lists are written in the tests"
)]

use serde_json::json;

use super::*;

fn span(package: &str, package_type: i32, input: serde_json::Value) -> Span {
    Span {
        package_name: package.to_owned(),
        package_type,
        kind: SpanKind::Client,
        input_value: Some(input.to_string()),
        ..Span::default()
    }
}

/// Every pair is checked in both directions, and its keys too.
fn verdict(live: &Span, recorded: &Span) -> Result<(), String> {
    let (live, recorded) = (Guard::of(live), Guard::of(recorded));
    let there = recorded.compatible(&live);
    let back = live.compatible(&recorded);
    assert_eq!(
        there.is_ok(),
        back.is_ok(),
        "not symmetric: {there:?} {back:?}"
    );
    if there.is_ok() {
        assert_eq!(
            live.key(),
            recorded.key(),
            "compatible, but of unequal keys"
        );
    }
    there.map_err(|mismatch| mismatch.to_string())
}

#[track_caller]
fn accepts(live: &Span, recorded: &Span) {
    assert_eq!(
        verdict(live, recorded),
        Ok(()),
        "live {live:?}\nrecorded {recorded:?}"
    );
}

#[track_caller]
fn refuses(live: &Span, recorded: &Span, reason: &str) {
    assert_eq!(verdict(live, recorded), Err(reason.to_owned()));
}

fn get(path: &str) -> Span {
    span(
        "http",
        1,
        json!({"method": "GET", "hostname": "api", "port": 8080, "path": path}),
    )
}

fn fetch(url: &str) -> Span {
    span("fetch", 1, json!({"method": "GET", "url": url}))
}

#[test]
fn a_request_is_answered_by_one_of_equal_method_host_path_and_query_keys() {
    accepts(&get("/orders/1?page=1"), &get("/orders/1?page=2"));
    accepts(&get("/a?x=1&y=2"), &get("/a?y=3&x=4&x=5"));
    accepts(&get("/a%2fb%41"), &get("/a%2FbA"));
    refuses(
        &get("/orders/1"),
        &get("/orders/2"),
        "path /orders/1, recorded /orders/2",
    );
    refuses(&get("/a?x=1"), &get("/a?y=1"), "query keys x, recorded y");
    refuses(&get("/a?x=1"), &get("/a"), "query keys x, recorded (none)");
    let post = span(
        "http",
        1,
        json!({"method": "post", "hostname": "api", "path": "/orders/1"}),
    );
    refuses(&post, &get("/orders/1"), "method POST, recorded GET");
    let upper = span(
        "http",
        1,
        json!({"method": "POST", "hostname": "API.", "path": "/orders/1"}),
    );
    accepts(&post, &upper);
}

#[test]
fn every_form_that_an_sdk_gives_a_request_is_read() {
    let python = span(
        "https",
        1,
        json!({"method": "GET", "url": "https://api.example.com/v1/items?page=1", "protocol": "https",
            "hostname": "api.example.com", "port": null, "path": "/v1/items", "query": {"page": "1"}}),
    );
    let node = span(
        "https",
        1,
        json!({"method": "GET", "path": "/v1/items?page=3", "protocol": "https:",
            "hostname": "api.example.com"}),
    );
    let node_by_header = span(
        "http",
        1,
        json!({"method": "GET", "path": "/v1/items?page=3", "headers": {"Host": "api.example.com:443"}}),
    );
    accepts(&python, &node);
    accepts(&python, &node_by_header);
    let python_without_query = span(
        "https",
        1,
        json!({"method": "GET", "url": "https://api.example.com/v1/items?page=1",
            "hostname": "api.example.com", "path": "/v1/items", "query": {}}),
    );
    accepts(&python_without_query, &python);
    accepts(
        &fetch("https://user:secret@API.example.com/v1/items?page=1#top"),
        &fetch("https://api.example.com:443/v1/items?page=2"),
    );
    accepts(&fetch("http://[::1]:8080/a"), &fetch("http://[::1]:8080/a"));
    // Answers of fetch have other members than those of http.
    refuses(
        &fetch("https://api.example.com/v1/items?page=1"),
        &python,
        "package fetch, recorded http",
    );
}

#[test]
fn ports_differ_only_where_both_calls_name_one() {
    let with_port = |port: serde_json::Value| {
        span(
            "http",
            1,
            json!({"method": "GET", "hostname": "api", "path": "/", "port": port}),
        )
    };
    accepts(&with_port(json!(8080)), &with_port(json!("8080")));
    accepts(&with_port(json!(8080)), &with_port(json!(null)));
    refuses(
        &with_port(json!(8080)),
        &with_port(json!(8081)),
        "port 8080, recorded 8081",
    );
    // A whole URL names the port of its scheme.
    refuses(
        &fetch("http://api:8080/"),
        &fetch("http://api/"),
        "port 8080, recorded 80 or 443",
    );
    accepts(&fetch("http://api/"), &fetch("https://api/"));
}

#[test]
fn an_inbound_request_never_answers_for_an_outbound_one() {
    let inbound = Span {
        kind: SpanKind::Server,
        ..get("/orders/1")
    };
    refuses(
        &get("/orders/1"),
        &inbound,
        "direction outbound, recorded inbound",
    );
}

fn post(body: &str) -> Span {
    use base64::Engine as _;
    let body = base64::engine::general_purpose::STANDARD.encode(body);
    span(
        "http",
        1,
        json!({"method": "POST", "hostname": "api", "path": "/graphql", "body": body}),
    )
}

fn graphql(query: &str) -> Span {
    post(&json!({"query": query, "variables": {"id": query.len()}}).to_string())
}

#[test]
fn graphql_is_compared_by_its_parsed_query_inside_an_encoded_body() {
    let recorded = graphql("query Q($id: ID!) { user(id: $id) { name email } }");
    accepts(
        &graphql("# who\nquery Q($id: ID!) {\n  user(id: $id) {\n    email,\n    name\n  }\n}\n"),
        &recorded,
    );
    refuses(
        &graphql("query Q($id: ID!) { user(id: $id) { name phone } }"),
        &recorded,
        "GraphQL differs: { name phone } }, recorded { email name } }",
    );
    refuses(
        &graphql("query R($id: ID!) { user(id: $id) { name email } }"),
        &recorded,
        "GraphQL differs: query R ( $ id : ID ! ) { user ( id : $ id ) { email name } …, recorded query Q ( $ id : ID ! ) { user ( id : $ id ) { email name } …",
    );
    accepts(
        &graphql("{ user(id: 1, as: \"x\") { name } }"),
        &graphql("query { user(as: \"y\", id: 22) { name } }"),
    );
    accepts(
        &graphql("{ users(ids: [1, 2]) { id } }"),
        &graphql("{ users(ids: [3]) { id } }"),
    );
    assert!(
        verdict(
            &graphql("{ users(sort: NAME) { id } }"),
            &graphql("{ users(sort: AGE) { id } }")
        )
        .is_err()
    );
    assert!(
        verdict(
            &graphql("{ user { ...F } } fragment F on U { a }"),
            &graphql("{ user { ...F } } fragment F on U { b }")
        )
        .is_err()
    );
    accepts(
        &graphql("fragment F on U { a } query { user { ...F } }"),
        &graphql("{ user { ...F } } fragment F on U { a }"),
    );
    // Fields of a mutation are executed in order.
    accepts(
        &graphql("mutation { a b { c d } }"),
        &graphql("mutation { a b { d c } }"),
    );
    assert!(verdict(&graphql("mutation { a b }"), &graphql("mutation { b a }")).is_err());
    refuses(
        &post("{\"a\":1}"),
        &graphql("{ a }"),
        "GraphQL differs: no GraphQL, recorded query { a }",
    );
}

#[test]
fn a_query_that_is_no_graphql_and_other_bodies_are_free() {
    accepts(
        &post(r#"{"query":"red shoes"}"#),
        &post(r#"{"query":"blue { hat"}"#),
    );
    accepts(&post(r#"{"query":{"match":1}}"#), &post("a=1"));
    let batch = |query: &str| post(&json!([{"query": "{ a }"}, {"query": query}]).to_string());
    accepts(&batch("{ b }"), &batch("{b}"));
    assert!(verdict(&batch("{ b }"), &batch("{ c }")).is_err());
}

#[test]
fn a_document_with_several_operations_is_told_apart_by_the_one_selected() {
    let body = |name: &str| {
        post(&json!({"query": "query A { a } query B { b }", "operationName": name}).to_string())
    };
    accepts(&body("A"), &body("A"));
    refuses(&body("A"), &body("B"), "GraphQL differs: A, recorded B");
    let persisted = |hash: &str| {
        post(&json!({"extensions": {"persistedQuery": {"sha256Hash": hash}}}).to_string())
    };
    accepts(&persisted("aa"), &persisted("aa"));
    assert!(verdict(&persisted("aa"), &persisted("bb")).is_err());
}

#[test]
fn graphql_is_found_in_documents_query_strings_and_spans_of_its_own() {
    let document = |text: &str| {
        span(
            "fetch",
            1,
            json!({"method": "POST", "url": "https://api/graphql",
            "headers": {"Content-Type": "application/graphql"}, "body": text}),
        )
    };
    accepts(&document("{ user { name } }"), &document("{user{name}}"));
    assert!(
        verdict(
            &document("{ user { name } }"),
            &document("{ user { mail } }")
        )
        .is_err()
    );
    accepts(&get("/g?query=%7Buser%7D"), &get("/g?query=%7B+user+%7D"));
    assert!(verdict(&get("/g?query=%7Buser%7D"), &get("/g?query=%7Border%7D")).is_err());
    let own = |text: &str| span("graphql", 2, json!({"query": text, "variables": {}}));
    accepts(&own("{ a }"), &own("{a}"));
    assert!(verdict(&own("{ a }"), &own("{ b }")).is_err());
    // Not even a document: its tokens count.
    accepts(&own("{ a "), &own("{a"));
    assert!(verdict(&own("{ a "), &own("{ b ")).is_err());
}

#[test]
fn an_rpc_on_one_path_is_told_apart_by_the_operation_it_names() {
    let rpc = |method: &str| {
        post(&json!({"jsonrpc": "2.0", "method": method, "params": [method.len()]}).to_string())
    };
    accepts(&rpc("getBalance"), &rpc("getBalance"));
    refuses(
        &rpc("getBalance"),
        &rpc("getBlock"),
        "operation getBalance, recorded getBlock",
    );
    let aws = |target: &str| {
        span(
            "https",
            1,
            json!({"method": "POST", "hostname": "dynamodb", "path": "/",
            "headers": {"X-Amz-Target": target}}),
        )
    };
    refuses(
        &aws("Db.GetItem"),
        &aws("Db.PutItem"),
        "operation Db.GetItem, recorded Db.PutItem",
    );
}

/// The packages whose statements the published SDKs record, in their own form.
fn statement(package: &str, text: &str) -> Span {
    let (package_type, input) = match package {
        "mysql2" | "mysql" => (5, json!({"sql": text, "values": [1]})),
        "pg" | "pg-pool" => (
            4,
            json!({"text": text, "values": [1], "clientType": "client"}),
        ),
        _ => (4, json!({"query": text, "parameters": [1]})),
    };
    span(package, package_type, input)
}

fn pg(text: &str) -> Span {
    statement("pg", text)
}

#[test]
fn only_literals_are_free_in_sql() {
    let recorded =
        pg("SELECT id, name FROM users WHERE id = 1 AND active = true LIMIT 10 OFFSET 20");
    accepts(
        &pg(
            "select id , name\n  from USERS where \"id\" = -5 and active=FALSE /* app='x' */ limit 5 offset 0 -- end\n;",
        ),
        &recorded,
    );
    accepts(
        &pg("SELECT id, name FROM users WHERE id = $1 AND active = $2 LIMIT $3 OFFSET $4"),
        &recorded,
    );
    // (live, recorded, words)
    let refused = [
        (
            "SELECT a FROM users",
            "SELECT a FROM orders",
            "SQL differs: table users, recorded orders",
        ),
        (
            "SELECT a FROM t",
            "DELETE FROM t",
            "SQL differs: statement SELECT, recorded DELETE",
        ),
        (
            "SELECT a FROM t",
            "SELECT b FROM t",
            "SQL differs: SELECT a FROM t, recorded SELECT b FROM t",
        ),
        (
            "SELECT a FROM t WHERE a = 1",
            "SELECT a FROM t WHERE a > 1",
            "SQL differs: a = ?, recorded a > ?",
        ),
        (
            "SELECT a FROM t WHERE a = 1 AND b = 1",
            "SELECT a FROM t WHERE a = 1 OR b = 1",
            "SQL differs: ? AND b = ?, recorded ? OR b = ?",
        ),
        (
            "SELECT a FROM t ORDER BY a",
            "SELECT a FROM t ORDER BY a DESC",
            "SQL differs: BY a, recorded BY a DESC",
        ),
        (
            "SELECT a, b FROM t ORDER BY 1",
            "SELECT a, b FROM t ORDER BY 2",
            "SQL differs: BY 1, recorded BY 2",
        ),
        (
            "SELECT a, count(*) FROM t GROUP BY 1",
            "SELECT a, count(*) FROM t GROUP BY 2",
            "SQL differs: BY 1, recorded BY 2",
        ),
        (
            "SELECT count(a) FROM t",
            "SELECT sum(a) FROM t",
            "SQL differs: SELECT count(a) FROM t, recorded SELECT sum(a) FROM t",
        ),
        (
            "SELECT a FROM t JOIN u ON t.i = u.i",
            "SELECT a FROM t LEFT JOIN u ON t.i = u.i",
            "SQL differs: t JOIN u ON t.i = u.i, recorded t LEFT JOIN u ON t.i = u.i",
        ),
        (
            "INSERT INTO t (a, b) VALUES (1, 2)",
            "INSERT INTO t (a, c) VALUES (1, 2)",
            "SQL differs: (a, b) VALUES (?, ?), recorded (a, c) VALUES (?, ?)",
        ),
        (
            "INSERT INTO t (a) VALUES (1)",
            "INSERT INTO t (a) VALUES (1) RETURNING a",
            "SQL differs: VALUES (?), recorded VALUES (?) RETURNING a",
        ),
        (
            "SELECT d->>'email' FROM t",
            "SELECT d->>'phone' FROM t",
            "SQL differs: ->> 'email' FROM t, recorded ->> 'phone' FROM t",
        ),
        (
            "SELECT a FROM t",
            "SELECT a FROM t LIMIT 1",
            "SQL differs: FROM t, recorded FROM t LIMIT ?",
        ),
        (
            "SELECT \"Users\".a FROM t",
            "SELECT users.a FROM t",
            "SQL differs: SELECT \"Users\".a FROM t, recorded SELECT users.a FROM t",
        ),
        (
            "SELECT a FROM t FOR UPDATE",
            "SELECT a FROM t",
            "SQL differs: FROM t FOR UPDATE, recorded FROM t",
        ),
    ];
    for (live, recorded, reason) in refused {
        refuses(&pg(live), &pg(recorded), reason);
    }
}

#[test]
fn the_length_of_a_list_of_literals_is_free_and_that_of_other_lists_is_not() {
    accepts(
        &pg("SELECT a FROM t WHERE i IN (1, 2, 3)"),
        &pg("SELECT a FROM t WHERE i IN ($1)"),
    );
    accepts(
        &pg("SELECT a FROM t WHERE i IN ((1, 2), (3, 4))"),
        &pg("SELECT a FROM t WHERE i IN ((1, 2))"),
    );
    accepts(
        &pg("SELECT a FROM t WHERE i = ANY(ARRAY[1,2])"),
        &pg("SELECT a FROM t WHERE i = ANY(ARRAY[3])"),
    );
    accepts(
        &pg("INSERT INTO t (a, b) VALUES (1, now()), (2, now())"),
        &pg("INSERT INTO t (a, b) VALUES ($1, now())"),
    );
    assert!(
        verdict(
            &pg("SELECT a FROM t WHERE i IN (1, b)"),
            &pg("SELECT a FROM t WHERE i IN (1)")
        )
        .is_err()
    );
    assert!(verdict(&pg("SELECT f(1, 2) FROM t"), &pg("SELECT f(1) FROM t")).is_err());
    assert!(
        verdict(
            &pg("INSERT INTO t VALUES (1, 2)"),
            &pg("INSERT INTO t VALUES (1, 2, 3)")
        )
        .is_err()
    );
}

#[test]
fn every_sql_package_and_every_placeholder_is_understood() {
    let pairs = [
        (
            "psycopg2",
            "SELECT a FROM t WHERE i=%s AND n = %(name)s",
            "SELECT a FROM t WHERE i = 3 AND n = 'x'",
        ),
        (
            "psycopg2",
            "SELECT a FROM t WHERE n LIKE '%%x' AND i %% 2 = %s",
            "SELECT a FROM t WHERE n LIKE 'y%%' AND i %% 2 = 1",
        ),
        (
            "psycopg",
            "INSERT INTO t (a) VALUES (%s), (%s) ON CONFLICT (a) DO UPDATE SET a = %s",
            "INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2",
        ),
        (
            "sqlalchemy",
            "SELECT a FROM t WHERE i = %(__td_param__)s",
            "SELECT a FROM t WHERE i = %(i_1)s",
        ),
        (
            "sqlalchemy",
            "SELECT a FROM t WHERE i = :id AND j = ?",
            "SELECT a FROM t WHERE i = :other AND j = 1",
        ),
        (
            "pg",
            "SELECT a FROM t WHERE i = $1::int",
            "SELECT a FROM t WHERE i = $2::int",
        ),
        (
            "pg-pool",
            "SELECT a FROM t WHERE d @> $1 AND d ? 'key'",
            "SELECT a FROM t WHERE d @> '{}' AND d ? 'other'",
        ),
        (
            "mysql2",
            "SELECT `a` FROM `t` WHERE i = ? AND n = \"x\"",
            "select a from t where i = 5 and n = 'y'",
        ),
        (
            "mysql",
            "INSERT INTO t SET a = ?",
            "INSERT INTO t SET a = 1",
        ),
        (
            "sqlite3",
            "SELECT a FROM t WHERE i = ?",
            "SELECT a FROM t WHERE i = 2",
        ),
    ];
    for (package, live, recorded) in pairs {
        let (live, recorded) = (statement(package, live), statement(package, recorded));
        accepts(&live, &recorded);
        let described = Guard::of(&live).describe();
        assert!(
            !described.starts_with("tokens:"),
            "{package} was not parsed: {described}"
        );
        let other = statement(package, "SELECT a FROM other");
        assert!(verdict(&live, &other).is_err(), "{package}");
    }
    // One library does not answer for another: their results differ in form.
    refuses(
        &statement("pg", "SELECT 1"),
        &statement("psycopg", "SELECT 1"),
        "package pg, recorded psycopg",
    );
}

#[test]
fn statements_are_found_in_every_form_of_input() {
    let same = [
        json!({"query": "SELECT a FROM t"}),
        json!({"text": "SELECT a FROM t", "values": []}),
        json!({"sql": {"sql": "SELECT a FROM t"}}),
        json!({"statement": "select a from t;"}),
        json!({"queryText": "SELECT a FROM t", "clientType": "x"}),
        json!({"query": {"text": "SELECT a FROM t", "values": []}}),
        json!({"queries": ["SELECT a FROM t"]}),
        json!({"strings": ["SELECT a FROM t"]}),
    ];
    for input in &same {
        for other in &same {
            accepts(
                &span("postgres", 4, input.clone()),
                &span("postgres", 4, other.clone()),
            );
        }
    }
    let two = span(
        "postgres",
        4,
        json!({"queries": ["SELECT a FROM t", "SELECT b FROM t"]}),
    );
    assert!(verdict(&two, &span("postgres", 4, same[0].clone())).is_err());
    let raw = |text: &str| {
        span(
            "@prisma/client",
            11,
            json!({"action": "$queryRaw", "args": {"query": text, "parameters": "[]"}}),
        )
    };
    accepts(
        &raw("SELECT a FROM t WHERE i = $1"),
        &raw("SELECT a FROM t WHERE i = 1"),
    );
    assert!(verdict(&raw("SELECT a FROM t"), &raw("SELECT a FROM u")).is_err());
}

#[test]
fn names_that_drivers_make_up_in_each_run_are_free() {
    accepts(&pg("SAVEPOINT s1403_x1"), &pg("SAVEPOINT s9_x2"));
    accepts(
        &pg("RELEASE SAVEPOINT s1403_x1"),
        &pg("RELEASE SAVEPOINT s9_x2"),
    );
    accepts(
        &pg("ROLLBACK TO SAVEPOINT a1"),
        &pg("ROLLBACK TO SAVEPOINT a2"),
    );
    assert!(verdict(&pg("SAVEPOINT a"), &pg("RELEASE SAVEPOINT a")).is_err());
    accepts(
        &pg("DECLARE c1 CURSOR FOR SELECT a FROM t"),
        &pg("DECLARE c2 CURSOR FOR SELECT a FROM t"),
    );
    assert!(
        verdict(
            &pg("DECLARE c1 CURSOR FOR SELECT a FROM t"),
            &pg("DECLARE c1 CURSOR FOR SELECT a FROM u")
        )
        .is_err()
    );
}

#[test]
fn a_statement_that_no_grammar_reads_is_compared_by_its_tokens() {
    let odd = "VACUMM FREEZZE users WHICH id IS ABOVE";
    accepts(
        &pg(&format!("{odd} 17 /* x */")),
        &pg(&format!("{} 'a'", odd.to_lowercase())),
    );
    refuses(
        &pg(&format!("{odd} 17")),
        &pg(&format!("{} 17", odd.replace("users", "orders"))),
        "SQL differs: freezze users which id is above ?, recorded freezze orders which id is above ?",
    );
    accepts(
        &pg("FROB t IN (1, 2, 3) , (?, 4)"),
        &pg("FROB t IN (1), (2)"),
    );
    // Not even tokens: the text counts.
    accepts(&pg("SELECT 'open"), &pg(" SELECT 'open"));
    assert!(verdict(&pg("SELECT 'open"), &pg("SELECT 'opem")).is_err());
}

#[test]
fn redis_commands_agree_in_name_keys_and_number_of_arguments() {
    let python = |words: &[&str]| {
        let marks = vec!["?"; words.len() - 1].join(" ");
        span(
            "redis",
            7,
            json!({"command": format!("{} {marks}", words[0]), "arguments": words}),
        )
    };
    let node = |words: &[&str]| {
        span(
            "ioredis",
            7,
            json!({"command": words[0].to_lowercase(), "args": words[1..],
            "connectionInfo": {"host": "127.0.0.1", "port": words.len()}}),
        )
    };
    for call in [&python as &dyn Fn(&[&str]) -> Span, &node] {
        accepts(
            &call(&["SET", "user:1", "ann"]),
            &call(&["SET", "user:1", "bob"]),
        );
        refuses(
            &call(&["GET", "user:1"]),
            &call(&["GET", "user:2"]),
            "key user:1, recorded user:2",
        );
        refuses(
            &call(&["GET", "user:1"]),
            &call(&["TTL", "user:1"]),
            "command GET, recorded TTL",
        );
        refuses(
            &call(&["SET", "k", "v", "EX", "60"]),
            &call(&["SET", "k", "v"]),
            "number of arguments 4, recorded 2",
        );
        refuses(
            &call(&["MGET", "a", "b"]),
            &call(&["MGET", "a", "c"]),
            "key a b, recorded a c",
        );
        accepts(
            &call(&["MSET", "a", "1", "b", "2"]),
            &call(&["MSET", "a", "3", "b", "4"]),
        );
        assert!(
            verdict(
                &call(&["MSET", "a", "1", "b", "2"]),
                &call(&["MSET", "a", "1", "c", "2"])
            )
            .is_err()
        );
        accepts(
            &call(&["EVAL", "return 1", "1", "k", "x"]),
            &call(&["EVAL", "return 1", "1", "k", "y"]),
        );
        assert!(
            verdict(
                &call(&["EVAL", "return 1", "1", "k"]),
                &call(&["EVAL", "return 2", "1", "k"])
            )
            .is_err()
        );
        accepts(
            &call(&["XREAD", "COUNT", "5", "STREAMS", "s", "0"]),
            &call(&["XREAD", "COUNT", "9", "STREAMS", "s", "7"]),
        );
        assert!(verdict(&call(&["HGET", "h", "f"]), &call(&["HGET", "h", "g"])).is_err());
        assert!(
            verdict(
                &call(&["CLIENT", "SETINFO", "LIB-NAME", "x"]),
                &call(&["CLIENT", "SETNAME", "LIB-NAME", "x"])
            )
            .is_err()
        );
    }
    let config = |arguments: serde_json::Value| {
        span(
            "redis",
            7,
            json!({"command": "CONFIG GET ?", "arguments": arguments}),
        )
    };
    accepts(
        &config(json!(["CONFIG GET", "a"])),
        &config(json!(["CONFIG", "GET", "a"])),
    );
    // A key may be named like a command.
    accepts(&node(&["SET", "set", "1"]), &node(&["SET", "set", "2"]));
    assert!(verdict(&node(&["SET", "set", "1"]), &node(&["SET", "1", "1"])).is_err());
    let pipeline = |key: &str| {
        span(
            "redis",
            7,
            json!({"command": "PIPELINE: SET INCRBY", "commands": [["SET", key, 1], ["INCRBY", key, 1]]}),
        )
    };
    accepts(&pipeline("a"), &pipeline("a"));
    refuses(&pipeline("a"), &pipeline("b"), "key a, recorded b");
}

#[test]
fn grpc_mongodb_and_prisma_agree_in_what_they_call() {
    let grpc = |service: &str, method: &str, body: i32| {
        span(
            "@grpc/grpc-js",
            3,
            json!({"service": service, "method": method, "body": {"id": body}}),
        )
    };
    accepts(
        &grpc("shop.Orders", "Get", 1),
        &grpc("shop.Orders", "Get", 2),
    );
    refuses(
        &grpc("shop.Orders", "Get", 1),
        &grpc("shop.Orders", "List", 1),
        "gRPC method shop.Orders/Get, recorded shop.Orders/List",
    );
    accepts(
        &grpc("shop.Orders", "Get", 1),
        &span("@grpc/grpc-js", 3, json!({"path": "/shop.Orders/Get"})),
    );

    let mongo = |collection: &str, command: &str, filter: serde_json::Value| {
        span(
            "mongodb",
            6,
            json!({"collection": collection, "command": command, "filter": filter}),
        )
    };
    accepts(
        &mongo("users", "find", json!({"age": {"$gt": 3}})),
        &mongo("users", "find", json!({"age": {"$gt": 9}})),
    );
    refuses(
        &mongo("users", "find", json!({})),
        &mongo("orders", "find", json!({})),
        "collection users, recorded orders",
    );
    assert!(
        verdict(
            &mongo("u", "find", json!({"age": {"$gt": 3}})),
            &mongo("u", "find", json!({"age": {"$lt": 3}}))
        )
        .is_err()
    );
    accepts(
        &mongo("u", "find", json!({"_id": {"$in": [1, 2]}})),
        &mongo("u", "find", json!({"_id": {"$in": [3]}})),
    );

    let prisma = |model: &str, action: &str, args: serde_json::Value| {
        span(
            "@prisma/client",
            11,
            json!({"model": model, "action": action, "args": args}),
        )
    };
    accepts(
        &prisma("User", "findMany", json!({"where": {"id": 1}})),
        &prisma("User", "findMany", json!({"where": {"id": 2}})),
    );
    refuses(
        &prisma("User", "findMany", json!({})),
        &prisma("Order", "findMany", json!({})),
        "model User, recorded Order",
    );
    assert!(
        verdict(
            &prisma("User", "findMany", json!({"select": {"a": true}})),
            &prisma("User", "findMany", json!({"select": {"b": true}}))
        )
        .is_err()
    );
}

#[test]
fn what_has_no_rules_is_told_apart_by_package_submodule_and_name() {
    let call = |package: &str, submodule: &str, name: &str| Span {
        submodule_name: submodule.to_owned(),
        name: name.to_owned(),
        ..span(package, 0, json!({"a": 1}))
    };
    accepts(&call("kafkajs", "send", "x"), &call("kafkajs", "send", "x"));
    refuses(
        &call("kafkajs", "send", "x"),
        &call("kafkajs", "poll", "x"),
        "operation send, recorded poll",
    );
    refuses(
        &call("a", "s", "x"),
        &call("b", "s", "x"),
        "package a, recorded b",
    );
    // A connect has no statement.
    let connect = Span {
        submodule_name: "connect".to_owned(),
        ..span("pg", 4, json!({"clientType": "client"}))
    };
    accepts(&connect, &connect);
    assert!(verdict(&connect, &pg("SELECT 1")).is_err());
}

#[test]
fn bad_input_never_panics_and_still_has_a_guard() {
    let deep_sql = format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000));
    let long_chain = format!("SELECT 1 WHERE {}", vec!["a = 1"; 5_000].join(" OR "));
    let prefixes = format!("SELECT {} 1", "NOT ".repeat(5_000));
    let minus = format!("SELECT {}1", "- ".repeat(5_000));
    let unions = vec!["SELECT 1"; 5_000].join(" UNION ");
    let casts = format!("SELECT 1{}", "::int".repeat(5_000));
    let subscripts = format!("SELECT a{}", "[1]".repeat(5_000));
    let cases = format!(
        "SELECT {}1{}",
        "CASE WHEN 1 THEN ".repeat(3_000),
        " END".repeat(3_000)
    );
    let types = format!(
        "SELECT CAST(1 AS {}int{})",
        "array<".repeat(3_000),
        ">".repeat(3_000)
    );
    let huge_values = format!(
        "INSERT INTO t (a, b) VALUES {}",
        vec!["(1, 'x')"; 30_000].join(", ")
    );
    for text in [
        deep_sql,
        long_chain,
        prefixes,
        minus,
        unions,
        casts,
        subscripts,
        cases,
        types,
        huge_values,
    ] {
        accepts(&pg(&text), &pg(&text));
        accepts(&statement("mysql2", &text), &statement("mysql2", &text));
    }
    // The deepest that is still parsed.
    let chain = |count: usize| {
        format!(
            "SELECT 1 FROM t WHERE {}",
            vec!["a = 1"; count].join(" OR ")
        )
    };
    for count in [10, 30, 31, 100, 300, 301] {
        accepts(&pg(&chain(count)), &pg(&chain(count).replace('1', "2")));
    }
    assert!(
        !Guard::of(&pg(&chain(300)))
            .describe()
            .starts_with("tokens:")
    );
    assert!(
        Guard::of(&pg(&chain(301)))
            .describe()
            .starts_with("tokens:")
    );
    let nested = |depth: usize| {
        format!(
            "{}SELECT 1{}",
            "SELECT a FROM t WHERE a IN (".repeat(depth),
            ")".repeat(depth)
        )
    };
    for depth in 0..40 {
        accepts(&pg(&nested(depth)), &pg(&nested(depth).to_lowercase()));
    }
    assert!(
        !Guard::of(&pg(&nested(10)))
            .describe()
            .starts_with("tokens:")
    );
    // Beyond the parser's bounds the length of lists is free all the same.
    let values = |rows: usize| {
        pg(&format!(
            "INSERT INTO t (a, b) VALUES {}",
            vec!["(1, 'x')"; rows].join(", ")
        ))
    };
    accepts(&values(30_000), &values(40_000));
    let deep_graphql = "{ a ".repeat(5_000);
    let deep_lists = format!("{{ a(b: {}1{}) }}", "[".repeat(5_000), "]".repeat(5_000));
    for text in [deep_graphql, deep_lists] {
        accepts(&graphql(&text), &graphql(&text));
        let own = span("graphql", 2, json!({"query": text}));
        accepts(&own, &own);
    }
    for input in [
        "",
        "null",
        "[]",
        "{",
        "\"x\"",
        r#"{"url":1,"method":[]}"#,
        r#"{"url":"","method":""}"#,
        r#"{"path":"%","hostname":"[","port":99999999999999999999}"#,
        r#"{"url":"://?#","method":"GET","body":"===="}"#,
        r#"{"command":"","args":[]}"#,
        r#"{"query":"","sql":null}"#,
        r#"{"commands":[null]}"#,
    ] {
        for package_type in 0..=12 {
            for package in ["http", "pg", "redis", "graphql", "grpc", "x"] {
                let span = Span {
                    input_value: Some(input.to_owned()),
                    ..span(package, package_type, json!(null))
                };
                accepts(&span, &span);
            }
        }
    }
}
