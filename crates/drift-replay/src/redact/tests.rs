//! What a user relies on when a report is handed on.

#![allow(clippy::unwrap_used, reason = "a test may end by a panic")]

use super::*;

fn redactor() -> Redactor {
    Redactor::new(RedactionOptions::default())
}

#[test]
fn every_built_in_pattern_compiles() {
    assert_eq!(IN_TEXT.len(), 17);
}

#[test]
fn equal_secrets_get_equal_placeholders_and_others_do_not() {
    let redactor = redactor();
    assert_eq!(
        redactor.header("Authorization", "Bearer one-secret"),
        "Bearer [redacted 1]"
    );
    assert_eq!(
        redactor.at_path("$.token", r#""one-secret""#),
        r#""[redacted 1]""#
    );
    assert_eq!(
        redactor.at_path("$.token", r#""other""#),
        r#""[redacted 2]""#
    );
    assert_eq!(redactor.text("Bearer one-secret"), "Bearer [redacted 1]");
}

#[test]
fn secrets_leave_headers_bodies_urls_and_texts() {
    let cases = [
        (r#"{"password":"hunter2","user":"ada"}"#, "hunter2"),
        (r#"{"a":{"API-Key":["k1secret",7]}}"#, "k1secret"),
        (r#"{"clientSecret":12345678}"#, "12345678"),
        (
            r#"{"headers":{"Authorization":"Basic dXNlcjpwYXNz"}}"#,
            "dXNlcjpwYXNz",
        ),
        (
            r#"{"note":"use Bearer abcdef123456 please"}"#,
            "abcdef123456",
        ),
        ("postgres://app:s3cr3t@db/orders", "s3cr3t"),
        ("GET /a?page=1&access_token=zzz999&x=1", "zzz999"),
        ("user=ada&password=hunter2", "hunter2"),
        ("key AKIAIOSFODNN7EXAMPLE here", "AKIAIOSFODNN7EXAMPLE"),
        (
            "ghp_0123456789abcdefghij0123456789",
            "ghp_0123456789abcdefghij0123456789",
        ),
        ("sk_live_0123456789abcdef", "sk_live_0123456789abcdef"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
            "MIIE",
        ),
        (
            "token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJl",
            "eyJzdWIiOiI3In0",
        ),
        ("log: password: hunter2", "hunter2"),
    ];
    for (text, secret) in cases {
        let redacted = redactor().text(text);
        assert!(!redacted.contains(secret), "{text} gave {redacted}");
        assert!(redacted.contains("[redacted "), "{text} gave {redacted}");
    }
}

#[test]
fn secrets_leave_encoded_bodies_too_and_other_bodies_stay() {
    let span = |body: &str| format!(r#"{{"inputValue":{{"body":"{}"}}}}"#, STANDARD.encode(body));
    let redacted = redactor().text(&span(r#"{"password":"hunter2"}"#));
    assert_eq!(redacted, span(r#"{"password":"[redacted 1]"}"#));
    let plain = span(r#"{ "user": "ada" }"#);
    assert_eq!(redactor().text(&plain), plain);
}

#[test]
fn what_is_no_secret_stays_as_it_is() {
    for text in [
        r#"{"a":1.50,"total":9007199254740993,"user":"ada"}"#,
        "GET /orders?page=2",
        "SELECT id, token_count FROM usage WHERE name = 'x'",
        "tokens: 7",
        "https://example.test:8443/a",
        r#"{"password":null}"#,
    ] {
        assert_eq!(redactor().text(text), text);
    }
}

#[test]
fn cookies_keep_their_names_and_attributes() {
    assert_eq!(
        redactor().header("Set-Cookie", "sid=abc123; Path=/; HttpOnly; Max-Age=60"),
        "sid=[redacted 1]; Path=/; HttpOnly; Max-Age=60"
    );
    assert_eq!(
        redactor().header("cookie", "a=1; b=1"),
        "a=[redacted 1]; b=[redacted 1]"
    );
}

#[test]
fn the_lists_can_be_extended_and_all_can_be_switched_off() {
    let options = RedactionOptions {
        headers: vec!["X-Internal".to_owned()],
        keys: vec!["iban".to_owned()],
        patterns: vec![Regex::new("CUST-[0-9]+").unwrap()],
        sql_parameters: true,
        ..RedactionOptions::default()
    };
    let redactor = Redactor::new(options);
    assert_eq!(redactor.header("x-internal", "v"), "[redacted 1]");
    assert_eq!(
        redactor.text(r#"{"IBAN":"DE1"}"#),
        r#"{"IBAN":"[redacted 2]"}"#
    );
    assert_eq!(redactor.text("for CUST-77"), "for [redacted 3]");
    assert_eq!(
        redactor.at_path("$.parameters[0]", "7"),
        r#""[redacted 4]""#
    );
    let off = Redactor::new(RedactionOptions {
        enabled: false,
        ..RedactionOptions::default()
    });
    assert_eq!(off.header("authorization", "Bearer x"), "Bearer x");
    assert_eq!(off.text("password=hunter2"), "password=hunter2");
}

#[test]
fn what_was_redacted_once_is_not_redacted_again() {
    let redactor = redactor();
    let once = redactor.text(r#"{"password":"x","url":"a?token=abc"}"#);
    assert_eq!(redactor.text(&once), once);
}

proptest::proptest! {
    #[test]
    fn redacting_twice_is_redacting_once(text in r#"([a-z]{0,5}(password|token|Bearer )?[=:"{}\[\], &?/@.]{0,3}){0,12}"#) {
        let redactor = redactor();
        let once = redactor.text(&text);
        proptest::prop_assert_eq!(redactor.text(&once), once);
    }

    #[test]
    fn a_secret_member_never_shows_its_value(secret in "[a-z]{12,20}", depth in 0usize..4) {
        let mut json = format!(r#"{{"x":1,"Api_Key":["{secret}",{{"y":"{secret}"}}]}}"#);
        for _ in 0..depth {
            json = format!(r#"{{"a":[{json}]}}"#);
        }
        proptest::prop_assert!(!redactor().text(&json).contains(&secret));
    }
}

#[test]
fn passwords_in_commands_statements_and_variables_are_secrets() {
    let redactor = Redactor::new(RedactionOptions::default());
    for text in [
        "redis AUTH hunter2",
        "ioredis auth app hunter2",
        "after redis AUTH hunter2, as the last call",
        "after redis AUTH hunter2 and before redis GET a",
        "after @redis/client AUTH app hunter2, as the last call",
        "before redis HELLO 3 AUTH app hunter2, as the first call",
        "redis CONFIG SET requirepass hunter2",
        "redis MIGRATE up 6379 k 0 50 AUTH2 app hunter2",
        "https://up/a?X-Amz-Signature=hunter2&b=1",
        "PGPASSWORD=hunter2 exec ./start",
        "x-vault-token: hunter2",
        r#"{"headers":{"X-Goog-Api-Key":"hunter2"}}"#,
        r#"{"headers":{"x-amz-signature":["hunter2"]}}"#,
        r#"{"newPassword":"hunter2"}"#,
        r#"{"user_password":"hunter2"}"#,
        r#"{"a":{"userPassword":{"b":"hunter2"}}}"#,
        "new_password=hunter2&a=1",
        "pg UPDATE users SET password = 'hunter2' WHERE id = 1",
        "DB_PASSWORD=hunter2 exec ./start",
        "STRIPE_API_KEY=hunter2 exec ./start",
        r#"{"ENV_VARS":{"DB_PASSWORD":"hunter2"}}"#,
        r#"{"ENV_VARS":{"AWS_SECRET_ACCESS_KEY":"hunter2"}}"#,
        "ALTER ROLE app WITH PASSWORD 'hunter2'",
        "CREATE USER app IDENTIFIED WITH caching_sha2_password BY 'hunter2'",
        r#"{"command":"auth","args":["app","hunter2"]}"#,
        r#"{"command":"AUTH ?","arguments":["AUTH","hunter2"]}"#,
        r#"{"command":"HELLO","args":["3","AUTH","app","hunter2"]}"#,
        r#"{"command":"config","args":["set","requirepass","hunter2"]}"#,
    ] {
        let shown = redactor.text(text);
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("[redacted"), "{shown}");
    }
    assert_eq!(redactor.text("redis GET author"), "redis GET author");
    let once = redactor.text("redis AUTH app hunter2");
    assert_eq!(redactor.text(&once), once);
}

#[test]
fn the_summary_of_a_call_loses_all_words_of_a_password_and_no_other() {
    for (package, summary, expected) in [
        ("redis", "redis AUTH hunter2", "redis AUTH [redacted 1]"),
        (
            "@redis/client",
            "@redis/client HELLO 3 AUTH app hunter2",
            "@redis/client HELLO 3 AUTH [redacted 1] [redacted 2]",
        ),
        (
            "ioredis",
            "ioredis config set requirepass correct horse battery",
            "ioredis config set requirepass [redacted 1] [redacted 2] [redacted 3]",
        ),
        ("redis", "redis SET auth 1", "redis SET auth 1"),
        (
            "ioredis",
            "ioredis HSET user:1 name ann password my hunter2",
            "ioredis HSET user:1 name ann password [redacted 1] [redacted 2]",
        ),
        (
            "ioredis",
            "ioredis HGET user:1 password",
            "ioredis HGET user:1 password",
        ),
        ("pg", "pg SELECT 1", "pg SELECT 1"),
        (
            "http",
            "GET http://up/a?token=hunter2",
            "GET http://up/a?token=[redacted 1]",
        ),
    ] {
        assert_eq!(redactor().summary(package, summary), expected);
    }
    let off = Redactor::new(RedactionOptions {
        enabled: false,
        ..RedactionOptions::default()
    });
    assert_eq!(
        off.summary("redis", "redis AUTH hunter2"),
        "redis AUTH hunter2"
    );
}

#[test]
fn columns_that_are_called_like_a_secret_are_hidden_in_rows_of_lists_and_of_objects() {
    let lists =
        r#"{"description":[{"name":"id"},{"name":"password"}],"rows":[[1,"hunter2"],[2,null]]}"#;
    assert_eq!(
        redactor().text(lists),
        r#"{"description":[{"name":"id"},{"name":"password"}],"rows":[[1,"[redacted 1]"],[2,null]]}"#
    );
    let objects = r#"{"fields":[{"name":"password"}],"rows":[{"password":"hunter2"}]}"#;
    assert!(!redactor().text(objects).contains("hunter2"));
}

#[test]
fn a_command_about_something_called_auth_stays() {
    let command = r#"{"args":["auth","1"],"command":"set"}"#;
    assert_eq!(redactor().text(command), command);
}

#[test]
fn headers_that_came_in_several_lines_are_secrets_too() {
    assert_eq!(
        redactor().text(r#"{"headers":{"cookie":["a=1"],"set-cookie":["sid=x; Path=/","b=y"]}}"#),
        r#"{"headers":{"cookie":["a=[redacted 1]"],"set-cookie":["sid=[redacted 2]; Path=/","b=[redacted 3]"]}}"#
    );
}

#[test]
fn a_span_that_is_shown_has_no_secrets_and_keeps_the_rest() {
    let span = Span {
        span_id: "1f".to_owned(),
        name: "GET /a?token=hunter2".to_owned(),
        input_value: Some(r#"{"query":"SELECT 1","parameters":["hunter2"]}"#.to_owned()),
        output_value: Some(
            r#"{"rows":[{"password":"hunter2","id":12345678901234567890}]}"#.to_owned(),
        ),
        ..Span::default()
    };
    let options = RedactionOptions {
        sql_parameters: true,
        ..RedactionOptions::default()
    };
    let shown = Redactor::new(options).span(&span);
    assert!(!format!("{shown:?}").contains("hunter2"), "{shown:?}");
    assert_eq!(shown.span_id, "1f");
    assert!(shown.output_value.unwrap().contains("12345678901234567890"));
    let off = RedactionOptions {
        enabled: false,
        ..RedactionOptions::default()
    };
    assert_eq!(Redactor::new(off).span(&span), span);
}

#[test]
fn a_key_of_several_words_is_hidden_whole() {
    assert_eq!(redactor().header("X-Api-Key", "my secret"), "[redacted 1]");
    assert_eq!(
        redactor().text(r#"{"apiKey":"my secret"}"#),
        r#"{"apiKey":"[redacted 1]"}"#
    );
}

#[test]
fn values_at_the_places_of_secret_columns_leave_statements() {
    for statement in [
        "INSERT INTO users (name, password) VALUES ('x', 'hunter2')",
        "INSERT INTO users (name, password) VALUES ('x', 'a'), (lower('y'), crypt('hunter2', 's'))",
        r#"insert into "users" ("name", "password") values ('x', 'it''s hunter2')"#,
        "INSERT INTO `users` (`name`, `password`) VALUES (\"x\", \"hunter2\")",
        "REPLACE INTO users (password) VALUE ('hunter2')",
        "INSERT INTO users (id, pin) VALUES (1, 5) , (2, '4711hunter2')",
        "INSERT INTO users (name, password) OVERRIDING SYSTEM VALUE VALUES ('x', E'it\\'s hunter2')",
        "INSERT INTO users (name, password) SELECT 'x', 'hunter2' FROM a UNION ALL SELECT 'y', 'hunter2'",
        "INSERT INTO users (name, password) VALUES ('x', 'hunter2",
        "pg INSERT INTO users (name, password) VALUES ('x', 'my hunter2 i…",
        "INSERT INTO users (name) VALUES ('x') ON CONFLICT (name) DO UPDATE SET password = 'my hunter2'",
        "INSERT INTO users /* don't */ (name, password) VALUES ('x', 'hunter2')",
        "INSERT INTO users -- it's new (name, password) VALUES ('x', 'my hunter2')",
        "MERGE INTO users u USING n ON u.id = n.id WHEN NOT MATCHED THEN INSERT (name, password) VALUES ('x', 'hunter2')",
        "WITH n (name, password) AS (VALUES ('x', 'hunter2')) SELECT 1",
        "UPDATE users SET password = 'my hunter2', name = 'ann' WHERE id = 1",
        "UPDATE users SET (name, password) = ('ann', 'my hunter2') WHERE id = 1",
        "UPDATE users SET password = CASE WHEN id = 1 THEN 'my hunter2' ELSE 'x' END WHERE id = 1",
        "UPDATE users SET password = crypt('my hunter2', gen_salt('bf')) WHERE id = 1",
        "SELECT 1 FROM users u WHERE u.token = 'my hunter2'",
        "SELECT 1 FROM users u WHERE 'my hunter2' = u.token",
        "SELECT 1 FROM users u WHERE crypt('my hunter2', 's') = u.password",
        "SELECT 1 FROM users WHERE lower(token) IN ('a', 'my hunter2')",
        "SELECT 1 FROM users WHERE (name, token) IN (('a', 'my hunter2'))",
        "SELECT 1 FROM users WHERE token LIKE 'my hunter2%'",
        "SELECT 1 FROM users WHERE token BETWEEN 'a' AND 'my hunter2'",
        "SELECT 1 FROM users WHERE data->>'password' = 'my hunter2'",
        "SELECT 'my hunter2' AS password",
        "ALTER USER app IDENTIFIED WITH sha256_password AS 'my hunter2'",
        "SET PASSWORD FOR 'app'@'%' = 'my hunter2'",
        "SET PASSWORD = PASSWORD('my hunter2')",
        "CREATE USER app ENCRYPTED PASSWORD E'my hunter2'",
        r"UPDATE users SET password = 'it\'s my hunter2', name = 'ann'",
        "SELECT 1 FROM users WHERE token IS NOT DISTINCT FROM 'my hunter2'",
        "SELECT 1 FROM users WHERE password COLLATE utf8_bin = 'my hunter2'",
        "SELECT 1 FROM users WHERE CAST(password AS text) = 'my hunter2'",
        "SELECT 1 FROM users WHERE strcmp(token, 'my hunter2') = 0",
        "SELECT 1 FROM users WHERE f(token, password = 'my hunter2')",
        "CREATE USER app IDENTIFIED BY \"my hunter2\"",
        "SELECT 1 FROM users WHERE left(token, 8) = 'my hunter2'",
        "SELECT 1 FROM users WHERE token ~~* 'my hunter2%'",
        "SELECT 1 FROM users WHERE token ^@ 'my hunter2'",
        "SELECT 1 FROM users WHERE token GLOB 'my hunter2*'",
        "SELECT 1 FROM users WHERE 'my hunter2' LIKE token",
        "SELECT 1 FROM users WHERE data->>'$.user.token' = 'my hunter2'",
        "SELECT 1 FROM users WHERE data #>> '{user,token}' = 'my hunter2'",
        "SELECT 1 FROM users WHERE JSON_UNQUOTE(JSON_EXTRACT(data, '$.token')) = 'my hunter2'",
        "INSERT INTO users (id, password) SELECT DISTINCT ON (a) 1, 'my hunter2' FROM t",
        "SET app.token TO 'my hunter2'",
        "SELECT set_config('app.token', 'my hunter2', false)",
        "SELECT json_build_object('name', 'ann', 'password', 'my hunter2')",
        "UPDATE users SET data = JSON_SET(data, '$.password', 'my hunter2') WHERE id = 1",
        r#"UPDATE users SET data = jsonb_set(data, '{password}', '"my hunter2"')"#,
        "UPDATE users u SET hash = v.x FROM (VALUES (1, 'my hunter2')) AS v (id, password)",
        "MERGE INTO users USING (SELECT 1, 'my hunter2') v (id, password) ON true",
    ] {
        let shown = redactor().text(statement);
        assert!(!shown.contains("hunter2"), "{statement} gave {shown}");
        assert!(shown.contains("[redacted"), "{statement} gave {shown}");
        let span = format!(r#"{{"query":{}}}"#, serde_json::json!(statement));
        assert!(!redactor().text(&span).contains("hunter2"));
    }
    assert_eq!(
        redactor().text("INSERT INTO users (name, pin, age) VALUES ('x', 4711, 7), ('y', '', 8)"),
        "INSERT INTO users (name, pin, age) VALUES ('x', '[redacted 1]', 7), ('y', '', 8)"
    );
    assert_eq!(
        redactor()
            .text("UPDATE users SET password = 'a b', age = 7 WHERE token IS NULL AND id = 5"),
        "UPDATE users SET password = '[redacted 1]', age = 7 WHERE token IS NULL AND id = 5"
    );
}

#[test]
fn values_of_other_columns_stay_in_statements() {
    for statement in [
        "INSERT INTO users (name, tokens) VALUES ('x', 7)",
        "INSERT INTO users VALUES ('x', 'y')",
        "SELECT token FROM users WHERE id = 5 AND name = 'ann' LIMIT 10",
        "SELECT u.id FROM token t JOIN users u ON u.id = 5 WHERE t.name = 'ann'",
        "SELECT max(token) FROM users WHERE id IN (1, 2)",
        "INSERT INTO token (id, name) VALUES (1, 'ann')",
        "SELECT a ? 'b' FROM t WHERE a->>'c' = 'd'",
        "SELECT coalesce(token, a) FROM t WHERE b = 'c'",
        "SELECT 1 FROM t WHERE a #>> '{token,kind}' = 'd' AND b ~~ 'c'",
        "SELECT json_build_object('name', 'token', 'kind', 'b')",
        "SELECT 1 FROM (VALUES (1, 'a')) AS v (id, name)",
        "SELECT CAST(token AS text), 'a' FROM t WHERE b = 'c'",
    ] {
        assert_eq!(redactor().text(statement), statement);
    }
}

#[test]
fn lists_in_lists_without_end_are_hidden_whole_and_looked_at_only_so_often() {
    for (unit, hidden) in [
        ("(password) = (('x', ", "'[redacted 1]'"),
        ("(password) VALUES ((my 'x', ", "'[redacted 1]'"),
        ("(password) SELECT (my 'x', ", "'[redacted 1]'"),
    ] {
        // The square of so many takes longer than anybody waits.
        let shown = redactor().text(&format!("select {}", unit.repeat(10_000)));
        assert!(!shown.contains("'x'") && shown.contains(hidden), "{unit}");
    }
}

#[test]
fn redacting_a_statement_twice_is_redacting_it_once() {
    for statement in [
        "INSERT INTO users (name, pin) VALUES ('x', 4711)",
        "UPDATE users SET password = $1, pin = 5, token = $$a b$$ WHERE secret = ?",
        "SELECT 1 WHERE token = password(4711) AND pin = pin",
    ] {
        let redactor = redactor();
        let once = redactor.text(statement);
        assert_eq!(redactor.text(&once), once);
    }
}

#[test]
fn parameters_at_the_places_of_secret_columns_are_secrets() {
    for (input, expected) in [
        (
            r#"{"query":"INSERT INTO users (name, password) VALUES ($1, $2)","values":["ann","hunter2"]}"#,
            r#""values":["ann","[redacted 1]"]"#,
        ),
        (
            r#"{"parameters":["ann","hunter2",5],"query":"UPDATE users SET name = %s, password = %s WHERE id = %s"}"#,
            r#""parameters":["ann","[redacted 1]",5]"#,
        ),
        (
            r#"{"query":"INSERT INTO users (name, password) VALUES (%s, %s)","parameters":[["ann","hunter2"],["bob","x"]]}"#,
            r#""parameters":[["ann","[redacted 1]"],["bob","[redacted 2]"]]"#,
        ),
        (
            r#"{"query":"SELECT 1 FROM users WHERE token = %(one)s AND name = %(two)s","parameters":{"one":"hunter2","two":"ann"}}"#,
            r#""parameters":{"one":"[redacted 1]","two":"ann"}"#,
        ),
        (
            r#"{"query":"SELECT 1 FROM users WHERE token = :one","parameters":{"one":"hunter2"}}"#,
            r#""parameters":{"one":"[redacted 1]"}"#,
        ),
        (
            r#"{"query":"INSERT INTO users (name, password) SELECT * FROM unnest($1::text[], $2::text[])","values":[["ann","bob"],["hunter2","x"]]}"#,
            r#""values":[["ann","bob"],["[redacted 1]","[redacted 2]"]]"#,
        ),
        (
            r#"{"query":"SELECT 1 FROM users WHERE id = $1 AND token = ANY($2)","values":[7,["hunter2"]]}"#,
            r#""values":[7,["[redacted 1]"]]"#,
        ),
        (
            r#"{"query":{"text":"SELECT 1 FROM users WHERE id = ? AND token = ?","values":[7,"hunter2"]}}"#,
            r#""values":[7,"[redacted 1]"]"#,
        ),
    ] {
        let shown = redactor().text(input);
        assert!(shown.contains(expected), "{input} gave {shown}");
    }
}

#[test]
fn names_that_stand_beside_their_values_hide_them() {
    for (text, expected) in [
        (
            r#"{"rawHeaders":["Host","a","Authorization","Bearer hunter2","Cookie","sid=hunter2"]}"#,
            r#"{"rawHeaders":["Host","a","Authorization","Bearer [redacted 1]","Cookie","sid=[redacted 1]"]}"#,
        ),
        (
            r#"{"headers":[["authorization","Bearer hunter2"],["x-api-key",["hunter2"]],["host","a"]]}"#,
            r#"{"headers":[["authorization","Bearer [redacted 1]"],["x-api-key",["[redacted 1]"]],["host","a"]]}"#,
        ),
        (
            r#"[["password","hunter2"],["name","ann"]]"#,
            r#"[["password","[redacted 1]"],["name","ann"]]"#,
        ),
        (
            r#"[{"name":"password","value":"hunter2"},{"Key":"api_key","Value":"hunter2"},{"name":"a","value":"b"}]"#,
            r#"[{"name":"password","value":"[redacted 1]"},{"Key":"api_key","Value":"[redacted 1]"},{"name":"a","value":"b"}]"#,
        ),
        (
            r#"{"headers":["accept","a","cookie","sid=hunter2"]}"#,
            r#"{"headers":["accept","a","cookie","sid=[redacted 1]"]}"#,
        ),
    ] {
        let text = Json::parse(text.as_bytes()).unwrap().text();
        let expected = Json::parse(expected.as_bytes()).unwrap().text();
        assert_eq!(redactor().text(&text), expected);
    }
    for same in [
        r#"[["password"],["token","a","b"]]"#,
        r#"{"name":"password"}"#,
    ] {
        assert_eq!(redactor().text(same), same);
    }
}

#[test]
fn passwords_leave_every_redis_command_that_has_some() {
    for (text, expected) in [
        (
            r#"{"command":"ACL","args":["SETUSER","u","on",">hunter2","~*","<hunter2"]}"#,
            r#"{"args":["SETUSER","u","on",">[redacted 1]","~*","<[redacted 1]"],"command":"ACL"}"#,
        ),
        (
            r#"{"command":"AUTH hunter2"}"#,
            r#"{"command":"AUTH [redacted 1]"}"#,
        ),
        (
            r#"{"commands":[["AUTH","u","hunter2"],["GET","a"],"HELLO 3 AUTH u hunter2"]}"#,
            r#"{"commands":[["AUTH","[redacted 1]","[redacted 2]"],["GET","a"],"HELLO 3 AUTH [redacted 1] [redacted 2]"]}"#,
        ),
        (
            r#"{"command":"MIGRATE","args":["h",6379,"k",0,50,"AUTH","hunter2"]}"#,
            r#"{"args":["h",6379,"k",0,50,"AUTH","[redacted 1]"],"command":"MIGRATE"}"#,
        ),
        (
            r#"{"command":"SENTINEL","args":["SET","m","auth-pass","hunter2"]}"#,
            r#"{"args":["SET","m","auth-pass","[redacted 1]"],"command":"SENTINEL"}"#,
        ),
        (
            "after redis ACL SETUSER u on >hunter2 ~*, as the last call",
            "after redis ACL SETUSER u on >[redacted 1] ~*, as the last call",
        ),
    ] {
        assert_eq!(redactor().text(text), expected);
        let redactor = redactor();
        let once = redactor.text(text);
        assert_eq!(redactor.text(&once), once);
    }
    assert_eq!(
        redactor().summary("redis", "redis ACL SETUSER u on >my hunter2 ~*"),
        "redis ACL SETUSER u on >[redacted 1] [redacted 2] [redacted 3]"
    );
}

/// Each text has a secret, `my hunter2` or `hunter2`, and where it can something ordinary.
fn check(texts: &[&str]) {
    let mut wrong = Vec::new();
    for text in texts {
        let redactor = redactor();
        let shown = redactor.text(text);
        let is_right = !shown.contains("hunter2")
            && shown.contains("[redacted")
            && shown.matches("ann").count() == text.matches("ann").count()
            && redactor.text(&shown) == shown;
        if !is_right {
            wrong.push(format!("{text}\n   gave {shown}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_value_in_quotes_is_hidden_up_to_their_end() {
    check(&[
        r#"log: {"password": "my hunter2", "name": "ann"}"#,
        r#"log: {"password": "my \"hunter2\"", "name": "ann"}"#,
        r#"log: "{\"password\":\"my hunter2\",\"name\":\"ann\"}""#,
        r#"log: "{\"a\":\"{\\\"password\\\":\\\"my hunter2\\\"}\",\"name\":\"ann\"}""#,
        r#"{"password": "my hunter2 that was cut"#,
        "host=h password='my hunter2' user=ann",
        r"host=h password='it\'s hunter2' user=ann",
        r#"Server=h;Uid=ann;Pwd="my ""hunter2""";"#,
        r#""password" => "my hunter2", "name" => "ann""#,
        "{'password': 'my hunter2', 'name': 'ann'}",
        "export PGPASSWORD='my hunter2' PGUSER=ann",
        "start --name ann --password 'my hunter2'",
        "start --password hunter2 --name ann",
    ]);
}

#[test]
fn documents_within_documents_are_read_as_what_they_are() {
    check(&[
        r#"{"body":"{\"password\":\"my hunter2\",\"name\":\"ann\"}"}"#,
        r#"{"body":"{\"password\":{\"a\":[\"my hunter2\"]},\"name\":\"ann\"}"}"#,
        r#"{"a":"{\"b\":\"{\\\"password\\\":\\\"my hunter2\\\"}\",\"name\":\"ann\"}"}"#,
        "<user><name>ann</name><password>my hunter2</password></user>",
        r#"<user name="ann" password="my hunter2"/>"#,
        r#"<ns:Password xsi:type="string"><![CDATA[my hunter2]]></ns:Password><name>ann</name>"#,
        r#"<add key="ApiKey" value="my hunter2"/><add key="name" value="ann"/>"#,
        r#"<input type="password" name="p" value="my hunter2"/><input name="q" value="ann"/>"#,
        r#"<property name="password">my <b>hunter2</b></property><b>ann</b>"#,
        "--x\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nmy hunter2\r\n--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nann\r\n--x--",
        "--x\nContent-Disposition: form-data; name=token\nContent-Type: text/plain\n\nmy\nhunter2\n--x--",
        "name=ann&pass%77ord=hunter2",
        "user%5Bpassword%5D=hunter2&user%5Bname%5D=ann",
        "user[password][]=hunter2&user[name]=ann",
    ]);
    let body = r#"{"body":"{ \"name\": \"ann\" }"}"#;
    assert_eq!(redactor().text(body), body);
}

#[test]
fn what_was_cut_within_a_secret_does_not_show_its_begin() {
    check(&[
        r#"{"name":"ann","a":{"password":["my hunter2","my hunt"#,
        r#"log: {"password": {"a": "my hunter2"}, "name": "ann"}"#,
        "<user><name>ann</name><password>my hunter2",
        "<password>my hunter2",
        "postgres://ann:hunter2",
        "Key (email, token)=(ann, hunter2",
        "UPDATE users SET name = 'ann', password = $tag$my hunter2",
        "Authorization: Basic my hunter2",
        "start --name ann --password 'my hunter2",
    ]);
    for same in ["http://h:8080", "http://[::1]:80", "use <token> for it"] {
        assert_eq!(redactor().text(same), same);
    }
}

#[test]
fn lines_of_secret_headers_are_hidden_whole_within_a_text() {
    check(&[
        "GET /ann HTTP/1.1\r\nAuthorization: Token hunter2\r\nHost: ann\r\n\r\n",
        "Authorization: Digest username=\"x\", response=\"hunter2\"\nHost: ann",
        "curl -H 'Authorization: Token hunter2' https://ann",
        "Cookie: sid=hunter2; theme=hunter2\nHost: ann",
        "Set-Cookie: sid=hunter2; Path=/ann",
        r#"{"headers":{"X-Custom-Token":"hunter2","x-auth":"hunter2","host":"ann"}}"#,
        r#"{"headers":["Authorization: Token hunter2","Host: ann"]}"#,
    ]);
    assert_eq!(
        redactor().text("Cookie: sid=x; theme=y\nHost: a"),
        "Cookie: sid=[redacted 1]; theme=[redacted 2]\nHost: a"
    );
}

#[test]
fn names_whose_last_word_is_a_secrets_are_secrets_but_those_of_pages() {
    check(&[
        r#"{"stripeToken":"hunter2","webhook_secret":"hunter2","userPass":"hunter2","pageToken":"ann"}"#,
        r#"{"nextPageToken":"ann","continuation_token":"ann","tokenCount":"ann","token":"hunter2"}"#,
        "DB_PASS=hunter2 SLACK_BOT_TOKEN=hunter2 COMPASS=ann",
        r#"{"auth":{"user":"ann","pass":"hunter2"}}"#,
        r#"{"options":{"auth":"ann:hunter2"}}"#,
        "AccountName=ann;AccountKey=hunter2==;EndpointSuffix=a",
        "https://h/a?sig=hunter2&name=ann",
        "https://h/a?X-Amz-Credential=hunter2&X-Amz-Security-Token=hunter2&name=ann",
    ]);
    let same = r#"{"bypass":"a","compass":"b","pass":5,"tokens":"c"}"#;
    assert_eq!(redactor().text(same), same);
}

#[test]
fn tokens_in_addresses_and_tokens_without_a_signature_are_secrets() {
    check(&[
        "https://hunter2@github.com/ann",
        "git clone https://hunter2:x-oauth-basic@github.com/ann",
        "https://hooks.slack.com/services/T0000/B0000/hunter2hunter2hunter2 ann",
        "https://api.telegram.org/bot1234567:AAhunter2hunter2hunter2/sendMessage?x=ann",
        "curl -u ann:hunter2 https://h",
        "ann eyJhbGciOiJub25lIn0.eyJodW50ZXIyIjoxfQhunter2",
        "ann eyJhbGciOiJSU0EtT0FFUCJ9.key.iv.hunter2.hunter2",
    ]);
    let same = "postgres://ann@h/d";
    assert_eq!(redactor().text(same), same);
}

#[test]
fn errors_of_databases_do_not_show_the_value_that_was_there_twice() {
    check(&[
        "duplicate key value violates unique constraint \"a\" Key (email, token)=(ann, hunter2) already exists.",
        "Key (lower(token))=(hunter2) already exists. ann",
        "Duplicate entry 'hunter2' for key 'users.token' ann",
        "Violation of UNIQUE KEY constraint 'UQ_users_token'. Cannot insert duplicate key in object 'ann'. The duplicate key value is (hunter2).",
    ]);
    let same = "Key (email)=(ann) already exists.";
    assert_eq!(redactor().text(same), same);
}

#[test]
fn arguments_and_variables_of_graphql_are_secrets_by_their_names() {
    check(&[
        r#"{"query":"mutation { login(name: \"ann\", password: \"my hunter2\") { id } }"}"#,
        r#"mutation { login(name: "ann", token: """my hunter2""") { id } }"#,
        r#"{"query":"mutation($p: String!) { login(password: $p) { id } }","variables":{"p":"hunter2","name":"ann"}}"#,
        r#"{"query":"mutation L($password: String = \"my hunter2\") { a }","variables":{"name":"ann"}}"#,
    ]);
    let same = r#"{"query":"mutation($p: String!) { login(password: $p) { id } }"}"#;
    assert_eq!(redactor().text(same), same);
}

#[test]
fn redis_fields_and_rows_of_lists_are_secrets_by_their_names() {
    check(&[
        r#"{"command":"HSET","args":["user:1","name","ann","password","hunter2"]}"#,
        r#"{"command":"SET","args":["user:ann:token","hunter2"]}"#,
        r#"{"command":"CONFIG","args":["SET","tls-key-file-pass","hunter2"]}"#,
        r#"{"commands":[{"name":"auth","args":["hunter2"]},{"name":"get","args":["ann"]}]}"#,
        r#"{"cmd":"AUTH hunter2","name":"ann"}"#,
        r#"{"fields":["name","token"],"rows":[["ann","hunter2"]]}"#,
        r#"{"description":[["name",25],["token",25]],"rows":[["ann","hunter2"]]}"#,
    ]);
}

#[test]
fn a_long_text_of_documents_is_read_in_time_that_grows_with_its_length() {
    for unit in [
        "<password>",
        "<a:password><b:password>",
        "content-disposition: form-data; name=\"password\"\n\nx\n",
        "Content-Disposition: form-data; name=\"password\"",
        "query password: $a ",
        "password=\\\"a ",
        "password: \"",
        "--password ",
        "Key (password)=(a, ",
        "Duplicate entry 'a",
        "authorization: ",
        "%5Bpassword%5D=",
    ] {
        // The square of so many takes longer than anybody waits.
        let text = format!("</ where {}", unit.repeat(4_000));
        assert!(!redactor().text(&text).is_empty(), "{unit}");
    }
    let elements: String = (0..4_000).map(|at| format!("<a{at}:password>")).collect();
    assert!(!redactor().text(&format!("</ {elements}")).is_empty());
}

#[test]
fn a_text_without_secrets_stays_byte_for_byte() {
    let redactor = redactor();
    for text in [
        r#"{"a": 1}"#,
        r#"{"b":1.0, "a":1e2}"#,
        r#"[ {"a": "\u00e9 \": :"} ]"#,
        r#" {"note": "{\"a\": 1}"}"#,
    ] {
        assert_eq!(redactor.text(text), text);
    }
    assert_eq!(
        redactor.text(r#"{"token": "t0psecret", "b": 1}"#),
        r#"{"b":1,"token":"[redacted 1]"}"#
    );
    // Of two values of one name the last counts, and the first is not shown.
    let twice = redactor.text(r#"{"a": {"token": "t0psecret"}, "a": 1}"#);
    assert_eq!(twice, r#"{"a":1}"#);
    let nested = redactor.text(r#"{"x": "{\"a\": {\"token\": \"t0psecret\"}, \"a\": 1}"}"#);
    assert!(!nested.contains("t0psecret"), "{nested}");
}
