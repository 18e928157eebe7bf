//! Which literals of a statement are hidden, and that all others are shown.

#![allow(clippy::unwrap_used, reason = "a test may end by a panic")]

use crate::redact::{RedactionOptions, Redactor};

fn shown(text: &str) -> String {
    Redactor::new(RedactionOptions::default()).text(text)
}

/// Each statement has a secret, `my hunter2`, and where it can an ordinary literal, `ann`.
fn check(statements: &[&str]) {
    let mut wrong = Vec::new();
    for statement in statements {
        let shown = shown(statement);
        let is_right = !shown.contains("hunter2")
            && shown.contains("[redacted")
            && shown.matches("ann").count() == statement.matches("ann").count();
        if !is_right {
            wrong.push(format!("{statement}\n   gave {shown}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_comparison_hides_the_side_that_faces_a_secret() {
    check(&[
        "SELECT 1 FROM users WHERE (email, password) = ('ann', 'my hunter2')",
        "SELECT 1 FROM users WHERE ('ann', 'my hunter2') = (email, password)",
        "SELECT 1 FROM users WHERE ROW('ann', 'my hunter2') = ROW(email, password)",
        "SELECT 1 FROM users WHERE ('ann', 'my hunter2') IN ((email, password), (name, token))",
        "SELECT 1 FROM users WHERE ('ann', 'my hunter2') NOT IN (SELECT email, password FROM old)",
        "SELECT 1 FROM users WHERE (email, token) IN (SELECT 'ann', 'my hunter2')",
        "SELECT 1 FROM users WHERE (email, token) IN (VALUES ('ann', 'x'), ('ann', 'my hunter2'))",
        "SELECT 1 FROM users WHERE (email, token) = ANY (ARRAY[('ann', 'my hunter2')])",
        "SELECT 1 FROM users WHERE (lower(email), lower(token)) = ('ann', 'my hunter2')",
        "SELECT 1 FROM users WHERE (name, token) = ('ann', 'my hunter2') OR (token, name) = ('x', 'ann')",
        "SELECT 1 FROM users WHERE name = 'ann' AND 'my hunter2' IN (password, token)",
        "SELECT 1 FROM users WHERE name = 'ann' AND 'my hunter2' IN (SELECT token FROM old WHERE name = 'ann')",
        "SELECT 1 FROM users WHERE name = 'ann' AND 'my hunter2' = ANY (ARRAY[token, password])",
        "SELECT 1 FROM users WHERE name = 'ann' AND 'my ' || 'hunter2' = users.token",
        "SELECT 1 FROM users WHERE name = 'ann' AND token = left('my hunter2', 5)",
        "SELECT 1 FROM users WHERE name = 'ann' AND 'my hunter2' BETWEEN token AND password",
        "SELECT 1 FROM users WHERE name = 'ann' AND 'my hunter2' IS NOT DISTINCT FROM token",
        "SELECT 1 FROM users WHERE name = 'ann' AND strcmp('my hunter2', token) = 0",
        "SELECT 1 FROM users WHERE name = 'ann' AND starts_with(token, 'my hunter2')",
        "SELECT 1 FROM users WHERE name = 'ann' AND position('my hunter2' IN token) > 0",
        "SELECT 1 FROM users WHERE name = 'ann' AND (SELECT token FROM old WHERE name = 'ann') = 'my hunter2'",
        "SELECT 1 FROM users WHERE name = 'ann' AND token || 'x' = 'my hunter2'",
        "SELECT 1 FROM users WHERE name = 'ann' AND token % 'my hunter2'",
        "SELECT 1 FROM users WHERE name = 'ann' AND token <-> 'my hunter2' < 5",
        "SELECT 1 FROM users WHERE name = 'ann' AND to_tsvector(token) @@ to_tsquery('my hunter2')",
        "SELECT 1 FROM users WHERE name = 'ann' AND token && ARRAY['my hunter2']",
        "SELECT 1 FROM users WHERE token ='my hunter2'OR name ='ann'",
        "SELECT nullif(token, 'my hunter2'), 'ann' FROM users WHERE name = 'ann'",
        "SELECT 1 FROM users WHERE name = 'ann' AND [token] = N'my hunter2'",
        "SELECT CASE token WHEN 'my hunter2' THEN 'ann' END FROM users",
        "SELECT CASE WHEN name = 'ann' AND token = 'my hunter2' THEN 'ann' END FROM users",
        "UPDATE users SET password = CASE WHEN name = 'ann' THEN 'my hunter2' ELSE 'x' END, nick = 'ann'",
        "UPDATE users SET password = CASE WHEN id = 1 THEN 'my hunter2",
        "UPDATE users SET password = (SELECT 'my hunter2' FROM old WHERE name = 'ann'), nick = 'ann'",
        "UPDATE users SET (nick, password) = (SELECT 'ann', 'my hunter2' FROM old WHERE name = 'ann')",
        "UPDATE users SET (nick, tags, password) = ('ann', ARRAY['a', 'b'], 'my hunter2')",
    ]);
}

#[test]
fn an_alias_with_or_without_as_hides_all_of_its_item() {
    check(&[
        "SELECT 'my hunter2' password",
        "SELECT 'ann' name, 'my hunter2' password, 'ann' nick FROM users WHERE name = 'ann'",
        "SELECT 'ann' AS name, 'my ' || 'hunter2' AS password FROM users",
        "SELECT 'ann' name, crypt('my hunter2', 'x') `password` FROM users",
        "SELECT 'ann' name, 'my hunter2'::text \"password\" FROM users",
        "SELECT 'ann' name, N'my hunter2' [password] FROM users",
        "SELECT 'ann' AS [name], N'my hunter2' AS [password] FROM users",
        "SELECT 'ann' name, CASE WHEN name = 'ann' THEN 'my hunter2' END password FROM users",
        "SELECT u.* FROM (SELECT 'ann' name, 'my hunter2' password) u WHERE u.name = 'ann'",
        "DELETE FROM users WHERE name = 'ann' RETURNING 'ann' name, 'my hunter2' password",
        "SELECT 'ann', 'my hunter2' INTO @nick, @password",
        "SELECT 'ann' AS 'name', 'my hunter2' AS 'password'",
        "SELECT password FROM unnest(ARRAY['my hunter2']) AS password",
    ]);
}

#[test]
fn values_line_up_with_a_list_of_columns_wherever_they_come_from() {
    check(&[
        "INSERT INTO users (email, password) SELECT * FROM (VALUES ('ann', 'my hunter2'))",
        "INSERT INTO users (email, password) SELECT v.* FROM (VALUES ('ann', 'my hunter2'), ('ann', 'x')) AS v WHERE name = 'ann'",
        "INSERT INTO users (id, email, password) SELECT 1, v.* FROM (VALUES ('ann', 'my hunter2')) AS v",
        "INSERT INTO users (email, password) SELECT * FROM (SELECT 'ann', 'my hunter2') AS v",
        "INSERT INTO users (email, password) SELECT * FROM (SELECT * FROM (VALUES ('ann', 'my hunter2')) a) b",
        "INSERT INTO users (email, password) (SELECT 'ann', 'my hunter2')",
        "INSERT INTO users (email, password) SELECT * FROM (SELECT 'ann') a, (SELECT 'my hunter2') b",
        "COPY users (name, password) FROM STDIN;\nb\thunter2\n\\.\n",
        "INSERT INTO users (email, password) SELECT * FROM unnest(ARRAY['ann', 'ann'], ARRAY['my hunter2', 'x'])",
        "INSERT INTO users (email, password) SELECT unnest(ARRAY['ann']), unnest(ARRAY['my hunter2'])",
        "SELECT 1 FROM unnest(ARRAY['ann'], ARRAY['my hunter2']) AS v (email, password)",
        "SELECT 1 FROM unnest(ARRAY['ann'], ARRAY['my hunter2']) WITH ORDINALITY AS v (email, password, n)",
        "INSERT INTO users (email, password) WITH n AS (SELECT 'ann', 'my hunter2') SELECT * FROM n",
        "WITH n AS (VALUES ('ann', 'my hunter2')) INSERT INTO users (email, password) SELECT * FROM n",
        "WITH n (email, password) AS (SELECT 'ann', 'my hunter2') SELECT 1",
        "INSERT INTO users (email, tags, password) VALUES ('ann', ARRAY['ann', 'b'], 'my hunter2')",
        "INSERT INTO users (email, data, password) VALUES ('ann', CASE WHEN 1 = 1 THEN 'ann' END, 'my hunter2')",
        "INSERT INTO users (email, password(10)) VALUES ('ann', 'my hunter2')",
        "INSERT INTO users ([email], [password]) OUTPUT inserted.id, inserted.email VALUES ('ann', 'my hunter2')",
        "INSERT INTO users (email, password) VALUES ('ann', 'x') UNION SELECT 'ann', 'my hunter2'",
        "INSERT INTO users (email, password) VALUES ('ann', :1), ('ann', 'my hunter2')",
        "INSERT INTO users SET name = 'ann', password = 'my hunter2'",
    ]);
}

#[test]
fn what_a_secret_is_when_nothing_else_is_said_is_a_secret() {
    check(&[
        "CREATE TABLE users (name text DEFAULT 'ann', password text NOT NULL DEFAULT 'my hunter2', nick text DEFAULT 'ann')",
        "CREATE TABLE users (password varchar(20) COLLATE utf8_bin DEFAULT 'my hunter2') COMMENT = 'ann'",
        "CREATE TABLE token (name text DEFAULT 'ann', token text DEFAULT 'my hunter2')",
        "ALTER TABLE users ADD COLUMN name text DEFAULT 'ann', ADD COLUMN password text DEFAULT 'my hunter2'",
        "ALTER TABLE users ALTER COLUMN password SET DEFAULT 'my hunter2'",
        "ALTER TABLE users ALTER password SET DEFAULT 'my hunter2'",
        "ALTER TABLE token ALTER COLUMN name SET DEFAULT 'ann', ALTER COLUMN token SET DEFAULT 'my hunter2'",
        "ALTER TABLE users MODIFY password varchar(20) DEFAULT 'my hunter2', MODIFY name text DEFAULT 'ann'",
        "ALTER TABLE users CHANGE old password varchar(20) DEFAULT 'my hunter2'",
        "ALTER TABLE users ADD CONSTRAINT d DEFAULT 'my hunter2' FOR password",
        "CREATE FUNCTION f(name text DEFAULT 'ann', password text DEFAULT 'my hunter2') RETURNS int AS 'ann'",
    ]);
}

#[test]
fn variables_and_named_arguments_are_names_like_columns() {
    check(&[
        "DECLARE @name VARCHAR(20) = 'ann', @password VARCHAR(20) = 'my hunter2'",
        "DECLARE password VARCHAR(20) DEFAULT 'my hunter2'",
        "DECLARE password text := 'my hunter2'; name text := 'ann'",
        "SET @password = 'my hunter2', @name = 'ann'",
        "SET @password := 'my hunter2'",
        "SET SESSION app.token = 'my hunter2'",
        "SET PASSWORD = 'my hunter2'",
        "SET PASSWORD FOR 'ann'@'%' = 'my hunter2'",
        "ALTER ROLE app SET app.token TO 'my hunter2'",
        "EXEC add_user @name = 'ann', @password = 'my hunter2'",
        "EXEC token @name = 'ann', @password = 'my hunter2'",
        "EXECUTE dbo.add_user @password = N'my hunter2'",
        "CALL add_user(name => 'ann', password => 'my hunter2')",
        "SELECT add_user(name := 'ann', password := 'my hunter2')",
    ]);
}

#[test]
fn commands_that_give_somebody_a_password_hide_it() {
    check(&[
        "ALTER USER ann IDENTIFIED BY 'my new' REPLACE 'my hunter2'",
        "ALTER USER ann IDENTIFIED BY \"my hunter2\" REPLACE \"my hunter2\"",
        "ALTER USER ann IDENTIFIED BY hunter2 REPLACE hunter2",
        "ALTER USER ann IDENTIFIED BY VALUES 'my hunter2'",
        "CREATE USER 'ann'@'%' IDENTIFIED WITH mysql_native_password AS 'my hunter2'",
        "CREATE USER 'ann'@'%' IDENTIFIED VIA ed25519 USING 'my hunter2'",
        "CREATE USER 'ann' IDENTIFIED BY 'x', 'annie' IDENTIFIED BY 'my hunter2' COMMENT 'ann'",
        "ALTER USER 'ann' IDENTIFIED BY 'x' REPLACE 'my hunter2' RETAIN CURRENT PASSWORD REQUIRE SUBJECT 'ann'",
        "GRANT ALL ON a.* TO 'ann'@'%' IDENTIFIED BY 'my hunter2'",
        "ALTER LOGIN ann WITH PASSWORD = 'my hunter2' OLD_PASSWORD = 'my hunter2'",
        "BACKUP DATABASE a TO DISK = 'ann' WITH PASSWORD = 'my hunter2'",
        "CREATE DATABASE SCOPED CREDENTIAL c WITH IDENTITY = 'ann', SECRET = 'my hunter2'",
        "CREATE USER MAPPING FOR ann SERVER s OPTIONS (user 'ann', password 'my hunter2')",
        "CREATE ROLE ann PASSWORD 'my hunter2' VALID UNTIL 'annually'",
    ]);
}

#[test]
fn a_text_that_no_dialect_can_read_is_hidden_from_where_reading_ends() {
    check(&[
        "INSERT INTO users (name, password) VALUES ('ann', 'my hunter2'), (@- 'x, 'my hunter2')",
        "SELECT 1 FROM a WHERE name = 'ann' @- it and password = 'my hunter2' and '",
        "INSERT INTO users (name, password) VALUES ('ann', $tag$my hunter2",
        "SELECT 'ann' @- \" WHERE token = 'my hunter2'",
        r"UPDATE a SET name = 'ann', x = E'\u00zz', password = 'my hunter2'",
        "it's a statement: INSERT INTO users (name, password) VALUES ('ann', 'my hunter2')",
    ]);
    for same in [
        // Nothing in here is called like a secret.
        "SELECT 1 FROM a WHERE name = 'ann' @- it and nick = 'ann' and '",
        // No statements, but sentences with words of some.
        "the client's token wasn't set with what 'ann' has",
        "a token where nobody's been, and don't call it 5",
    ] {
        assert_eq!(shown(same), same);
    }
}

#[test]
fn columns_that_a_secret_comes_from_are_secret_where_they_are_made() {
    check(&[
        "INSERT INTO users (email, password) SELECT e, p FROM unnest(ARRAY['ann'], ARRAY['my hunter2']) AS u(e, p)",
        "INSERT INTO users (email, password) SELECT u.e, u.p FROM (VALUES ('ann', 'my hunter2')) AS u(e, p)",
        "WITH n AS (SELECT 'ann' AS e, 'my hunter2' AS p) INSERT INTO users (email, password) SELECT e, p FROM n",
        "WITH n (e, p) AS (VALUES ('ann', 'my hunter2')) INSERT INTO users (email, password) SELECT e, p FROM n",
        "UPDATE users SET password = v.x FROM (VALUES (1, 'my hunter2')) AS v (id, x) WHERE users.name = 'ann'",
        "INSERT INTO users (password) SELECT b.y FROM (SELECT a.x AS y FROM (SELECT 'ann' AS n, 'my hunter2' AS x) a) b",
        "SELECT name, password FROM users WHERE name = 'ann' UNION ALL SELECT 'ann', 'my hunter2'",
        "SELECT 'ann', 'my hunter2' UNION SELECT name, password FROM users",
    ]);
}

#[test]
fn settings_are_secrets_by_the_name_beside_them() {
    check(&[
        "INSERT INTO settings (key, value) VALUES ('theme', 'ann'), ('api_key', 'my hunter2')",
        "INSERT INTO settings (id, value, name) VALUES (1, 'my hunter2', 'smtp.password'), (2, 'ann', 'theme')",
        "UPDATE settings SET value = 'my hunter2' WHERE key = 'api_key' AND owner = 'ann'",
        "SELECT 1 FROM settings WHERE name = 'api_key' AND value = 'my hunter2' AND owner = 'ann'",
    ]);
}

#[test]
fn statements_and_documents_in_literals_are_looked_into() {
    check(&[
        "EXEC('UPDATE users SET password = ''my hunter2'' WHERE name = ''ann''')",
        "PREPARE s FROM 'SELECT 1 FROM users WHERE name = ''ann'' AND ''my hunter2'' = token'",
        "EXECUTE IMMEDIATE 'ALTER USER ann IDENTIFIED BY hunter2'",
        "DO $$ BEGIN UPDATE users SET password = 'my hunter2' WHERE name = 'ann'; END $$",
        "SELECT dblink_exec('host=h user=ann password=''my hunter2''', 'SELECT 1')",
        r#"SELECT 1 FROM users WHERE data @> '{"name": "ann", "password": ["my hunter2"]}'"#,
        r#"INSERT INTO users (data) VALUES ('{"name": "ann", "token": {"a": "it''s hunter2"}}')"#,
    ]);
}

#[test]
fn keys_that_encrypt_are_secrets() {
    check(&[
        "PRAGMA key = 'my hunter2'",
        "ATTACH DATABASE 'ann.db' AS enc KEY 'my hunter2'",
        "SELECT pgp_sym_decrypt(data, 'my hunter2') FROM users WHERE name = 'ann'",
        "INSERT INTO users (name, data) VALUES ('ann', AES_ENCRYPT('x', 'my hunter2'))",
        "SELECT name = 'ann' FROM users WHERE hash = crypt('my hunter2', hash)",
    ]);
}

#[test]
fn literals_that_stand_for_no_secret_are_shown() {
    for statement in [
        "SELECT 1 FROM users WHERE (email, name) = ('a', 'b') AND token IS NULL",
        "SELECT 1 FROM users WHERE ('a', 'b') = (email, name)",
        "SELECT 1 FROM users WHERE 'a' IN (email, name)",
        "SELECT 1 FROM users WHERE id IN (SELECT id FROM old WHERE token IS NULL AND name = 'a')",
        "SELECT 1 FROM token WHERE name = 'a' AND kind IN ('b', 'c')",
        "SELECT 1 FROM token t JOIN users ON users.name = 'a' AND t.kind = 'b'",
        "SELECT 1 FROM users JOIN token USING (id) WHERE name = 'a'",
        "SELECT 'a' name, token FROM users",
        "SELECT 'a' AS name, token AS hash, 'b' kind FROM users",
        "SELECT max(token), (SELECT 'a') FROM users",
        "SELECT TOP 5 token FROM users WHERE name = 'a'",
        "SELECT x.id FROM (SELECT 'a' AS name) token WHERE x.id = 5",
        "SELECT x.id FROM (SELECT 'a' AS name) AS token WHERE x.id = 5",
        "INSERT INTO token (id, name) SELECT * FROM (VALUES (1, 'a'))",
        "INSERT INTO users (id, name) SELECT * FROM unnest(ARRAY[1], ARRAY['a'])",
        "CREATE TABLE users (name text DEFAULT 'a', token text, kind text DEFAULT 'b')",
        "CREATE TABLE users (id int, password text) ENGINE = 'a' COMMENT = 'b'",
        "ALTER TABLE token ADD COLUMN kind text DEFAULT 'a'",
        "ALTER TABLE token ALTER COLUMN kind SET DEFAULT 'a'",
        "DECLARE @name VARCHAR(20) = 'a', @token VARCHAR(20)",
        "EXEC token @name = 'a'",
        "EXEC [dbo].[token] @name = 'a'",
        "SET @name = 'a'",
        "SET SESSION AUTHORIZATION 'a'",
        "SELECT jsonb_build_object('name', name, 'token', token, 'kind', 'a') FROM users",
        "INSERT INTO users (id, password) SELECT id, name FROM old WHERE kind = 'a'",
        "UPDATE users SET password = (SELECT name FROM old WHERE kind = 'b') WHERE name = 'a'",
        "UPDATE users SET password = CASE WHEN name = 'a' THEN hash END WHERE name = 'a'",
        "INSERT INTO settings (name, value) VALUES ('theme', 'a'), ('kind', 'b')",
        "UPDATE settings SET value = 'a' WHERE name = 'theme'",
        "SELECT id, token FROM users UNION SELECT 5, kind FROM old WHERE kind = 'a'",
        "SELECT 'INSERT INTO users (name) VALUES (''a'')'",
        "CREATE USER 'a' IDENTIFIED EXTERNALLY",
        "SELECT 1 FROM users WHERE CASE WHEN token IS NULL THEN 'a' ELSE 'b' END = 'b'",
        "SELECT 1 FROM users WHERE token IS NOT NULL AND (kind = 'a' OR kind = 'b') ORDER BY token LIMIT 5",
        "UPDATE users SET token = NULL, name = 'a' WHERE kind = 'b'",
        "UPDATE token SET name = 'a' WHERE kind = 'b'",
        "SELECT 1 FROM users WHERE token = $1 AND password = ? AND secret = :one AND pin = %s",
        "INSERT INTO \"token\" (\"id\", \"name\") VALUES (1, 'a')",
        "SELECT \"hash\" AS \"password\", 'a' AS \"name\" FROM \"users\" AS \"User\"",
        "level=info where=5 msg='a' calls=7 with=8",
    ] {
        assert_eq!(shown(statement), statement);
    }
}

#[test]
fn names_of_types_and_lengths_stay_where_a_literal_beside_them_is_hidden() {
    for (statement, expected) in [
        (
            "SELECT f(password := 'x') FROM users WHERE token = ('y') AND pin = /* a */ 5",
            "SELECT f(password := '[redacted 1]') FROM users WHERE token = ('[redacted 2]') AND pin = /* a */ '[redacted 3]'",
        ),
        (
            "DECLARE @password VARCHAR(20) = 'x'",
            "DECLARE @password VARCHAR(20) = '[redacted 1]'",
        ),
        (
            "UPDATE users SET password = crypt('x', 'y'), pin = N'z' WHERE id = 5",
            "UPDATE users SET password = crypt('[redacted 1]', '[redacted 2]'), pin = N'[redacted 3]' WHERE id = 5",
        ),
        (
            "SELECT 1 FROM users WHERE left(token, 8) = 'x' AND id = 5",
            "SELECT 1 FROM users WHERE left(token, 8) = '[redacted 1]' AND id = 5",
        ),
        (
            "CREATE TABLE users (pin numeric(8, 2) DEFAULT 4711, age int DEFAULT 5)",
            "CREATE TABLE users (pin numeric(8, 2) DEFAULT '[redacted 1]', age int DEFAULT 5)",
        ),
    ] {
        assert_eq!(shown(statement), expected);
    }
}

#[test]
fn of_a_long_text_no_more_is_hidden_than_of_a_short_one() {
    for (unit, expected) in [
        (
            "select=5 where=6 token='a' ",
            "select=5 where=6 token='[redacted 1]' ",
        ),
        (
            "INSERT INTO users (name, pin) VALUES ('a', 5), ('b', 6); ",
            "INSERT INTO users (name, pin) VALUES ('a', '[redacted 1]'), ('b', '[redacted 2]'); ",
        ),
        (
            "SELECT name FROM users WHERE name = 'a' AND (id = 5 OR token IN ('x')) UNION ",
            "SELECT name FROM users WHERE name = 'a' AND (id = 5 OR token IN ('[redacted 1]')) UNION ",
        ),
        (
            "(id = 5 AND token = 'x') OR ",
            "(id = 5 AND token = '[redacted 1]') OR ",
        ),
    ] {
        assert_eq!(
            shown(&format!("where {}", unit.repeat(1_000))),
            format!("where {}", expected.repeat(1_000))
        );
    }
}

#[test]
fn a_long_text_is_read_in_time_that_grows_with_its_length() {
    for unit in [
        "select=5 where=6 password=a1 ",
        "password = ",
        "a = 1 ",
        "CASE token WHEN 'x' THEN ",
        "CASE WHEN token = 'x' THEN ",
        "(SELECT password FROM (",
        "(password) SELECT * FROM (",
        "f(token, ",
        "[token, ",
        "JSON_OBJECT('password', ",
        "IDENTIFIED BY 'x' ",
        "SELECT 'x' INTO password ",
        "password AS password ",
        "a (token) AS (SELECT * FROM a), ",
        "x AS (SELECT * FROM x UNION SELECT * FROM x) (password) SELECT * FROM x ",
        "@- ",
    ] {
        // The square of so many takes longer than anybody waits.
        let text = format!("select {}", unit.repeat(4_000));
        assert!(text.len() < super::MAX_BYTES);
        assert!(!shown(&text).is_empty(), "{unit}");
    }
}

/// Statements with a secret literal `{s}` and an ordinary one `{o}`, of columns that are
/// called `{p}` and `{c}`.
const FAMILIES: &[&str] = &[
    "SELECT 1 FROM {t} WHERE {p} = {s} AND {c} = {o}",
    "SELECT 1 FROM {t} x WHERE x.{c} = {o} AND {s} = x.{p} ORDER BY {p}",
    "SELECT 1 FROM {t} WHERE {c} = {o} AND lower({p}) IN ({s}, {s})",
    "SELECT 1 FROM {t} WHERE {c} = {o} AND {s} IN ({p}, old_password)",
    "SELECT 1 FROM {t} WHERE ({c}, {p}) = ({o}, {s})",
    "SELECT 1 FROM {t} WHERE ({o}, {s}) = ({c}, {p})",
    "SELECT 1 FROM {t} WHERE ({o}, {s}) IN (({c}, {p}), ({c}, {p}))",
    "SELECT 1 FROM {t} WHERE ({c}, {p}) NOT IN (SELECT {o}, {s} FROM {t} WHERE {c} = {o})",
    "SELECT 1 FROM {t} WHERE ({p}, {c}) IN (({s}, {o}), ({s}, {o}))",
    "SELECT 1 FROM {t} WHERE {c} LIKE {o} OR {p} LIKE {s} AND {p} BETWEEN {s} AND {s}",
    "SELECT 1 FROM {t} WHERE {s} = (SELECT {p} FROM {t} WHERE {c} = {o} LIMIT 1)",
    "SELECT 1 FROM {t} WHERE {p} = (SELECT {s} FROM {t} WHERE {c} = {o})",
    "SELECT CASE {p} WHEN {s} THEN {o} ELSE {o} END FROM {t}",
    "SELECT CASE WHEN {p} = {s} AND {c} = {o} THEN 1 END FROM {t}",
    "SELECT {o} {c}, {s} {p} FROM {t} WHERE {c} = {o}",
    "SELECT {o} AS {c}, {s} AS {p}, {o} AS x FROM {t}",
    "SELECT {o} AS {c}, concat({s}, upper({s})) {p} FROM {t}",
    "SELECT * FROM (SELECT {s} {p}, {o} {c}) x WHERE x.{c} = {o}",
    "INSERT INTO {t} ({c}, {p}) VALUES ({o}, {s}), ({o}, {s})",
    "INSERT INTO {t} ({p}, {c}) VALUES (concat({s}, 'x'), concat({o}, 'x'))",
    "INSERT INTO {t} ({c}, {p}(10)) VALUES ({o}, {s})",
    "INSERT INTO {t} ({c}, {p}) SELECT {o}, {s} UNION ALL SELECT {o}, {s}",
    "INSERT INTO {t} ({c}, {p}) SELECT * FROM (VALUES ({o}, {s}), ({o}, {s})) AS x WHERE 1 = 1",
    "INSERT INTO {t} ({c}, {p}) SELECT x.* FROM (SELECT {o}, {s}) x",
    "INSERT INTO {t} ({c}, {p}) SELECT * FROM unnest(ARRAY[{o}, {o}], ARRAY[{s}, {s}])",
    "SELECT 1 FROM unnest(ARRAY[{s}], ARRAY[{o}]) AS x ({p}, {c})",
    "WITH n ({c}, {p}) AS (VALUES ({o}, {s})) SELECT 1 FROM n WHERE {c} = {o}",
    "WITH n AS (SELECT {o}, {s}) INSERT INTO {t} ({c}, {p}) SELECT * FROM n",
    "MERGE INTO {t} a USING (VALUES ({o}, {s})) b ({c}, {p}) ON a.{c} = {o} WHEN NOT MATCHED THEN INSERT ({c}, {p}) VALUES ({o}, {s})",
    "UPDATE {t} SET {p} = {s}, {c} = {o} WHERE {c} = {o}",
    "UPDATE {t} SET ({c}, {p}) = ({o}, {s}) WHERE {c} = {o}",
    "UPDATE {t} SET {p} = CASE WHEN {c} = {o} THEN {s} ELSE {s} END WHERE {c} = {o}",
    "INSERT INTO {t} ({c}) VALUES ({o}) ON CONFLICT ({c}) DO UPDATE SET {p} = {s}",
    "INSERT INTO {t} ({c}) VALUES ({o}) ON DUPLICATE KEY UPDATE {c} = {o}, {p} = {s}",
    "DELETE FROM {t} WHERE {c} = {o} AND NOT ({p} <> {s}) RETURNING {o} x, {s} {p}",
    "CREATE TABLE {t} ({c} varchar(20) DEFAULT {o}, {p} varchar(20) NOT NULL DEFAULT {s})",
    "ALTER TABLE {t} ADD COLUMN {p} text DEFAULT {s}, ADD COLUMN {c} text DEFAULT {o}",
    "ALTER TABLE {t} ALTER COLUMN {p} SET DEFAULT {s}, ALTER COLUMN {c} SET DEFAULT {o}",
    "DECLARE @name VARCHAR(20) = {o}, @password VARCHAR(20) = {s}",
    "SET @password = {s}, @name = {o}",
    "EXEC {t} @name = {o}, @password = {s}, @nick = {o}",
    "CALL f(name => {o}, password => {s})",
    "SET PASSWORD FOR {o} = {s}",
    "CREATE USER {o} IDENTIFIED BY {s}",
    "ALTER USER {o} IDENTIFIED BY {s} REPLACE {s}",
    "SELECT JSON_OBJECT('name', {o}, 'password', {s}) FROM {t} WHERE {c} = {o}",
];

/// How a dialect begins and ends names and texts.
const SPELLINGS: [[&str; 4]; 8] = [
    ["", "", "'", "'"],
    ["\"", "\"", "'", "'"],
    ["`", "`", "'", "'"],
    ["`", "`", "\"", "\""],
    ["[", "]", "N'", "'"],
    ["\"", "\"", "E'", "'"],
    ["", "", "$$", "$$"],
    ["", "", "$a$", "$a$"],
];

/// A sequence that is the same in every run (the generator of Knuth's MMIX).
struct Sequence(u64);

impl Sequence {
    fn one_of<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let index = usize::try_from(self.0 >> 33).unwrap() % all.len();
        all.get(index).unwrap()
    }
}

#[test]
fn of_many_statements_no_secret_is_shown_and_every_ordinary_literal_is() {
    let mut sequence = Sequence(7);
    let mut wrong = Vec::new();
    for _ in 0..60 {
        for family in FAMILIES {
            let [open_name, close_name, open, close] = sequence.one_of(&SPELLINGS);
            let text = |inside: &str| match *close {
                "'" | "\"" => format!("{open}{}{close}", inside.replace(close, &close.repeat(2))),
                _ => format!("{open}{inside}{close}"),
            };
            let name = |inside: &str| format!("{open_name}{inside}{close_name}");
            let secret = sequence.one_of(&[
                "hunter2",
                "my hunter2",
                "a, hunter2) VALUES (",
                "it's hunter2",
                "a', 'hunter2",
                "x -- hunter2",
                "/* hunter2 */",
                "? hunter2 $1 %s",
                "SELECT hunter2 FROM users",
                "say \"hunter2\"",
                "password = hunter2",
                "häx [hunter2]",
                "{\"a\": \"hunter2\"}",
            ]);
            let ordinary = sequence.one_of(&["ann", "ann b", "o'ann", "ann, (b", "ä ann"]);
            let column = sequence.one_of(&["password", "token", "api_key", "user_password", "pin"]);
            let other = sequence.one_of(&["name", "email", "kind", "tokens", "pins"]);
            let table = sequence.one_of(&["users", "token", "app.users"]);
            let table: Vec<String> = table.split('.').map(name).collect();
            let mut statement = family
                .replace("{t}", &table.join("."))
                .replace("{p}", &name(column))
                .replace("{c}", &name(other))
                .replace("{o}", &text(ordinary))
                .replace("{s}", &text(secret));
            match sequence.one_of(&[0, 1, 2, 3, 4]) {
                1 => statement = statement.to_lowercase(),
                2 => statement = statement.replace(" FROM ", "\n  FROM\t"),
                3 => statement = format!("pg {statement};"),
                _ => {}
            }
            let redactor = Redactor::new(RedactionOptions::default());
            let once = redactor.text(&statement);
            let count = |text: &str| text.matches("ann").count();
            if once.contains("hunter2")
                || count(&once) != count(&statement)
                || redactor.text(&once) != once
            {
                wrong.push(format!("{statement}\n   gave {once}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
