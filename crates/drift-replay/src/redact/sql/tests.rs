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
fn a_long_text_is_read_in_time_that_grows_with_its_length() {
    for unit in [
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
        let text = format!("select {}", unit.repeat(8_000));
        assert!(text.len() < super::MAX_BYTES);
        assert!(!shown(&text).is_empty(), "{unit}");
    }
}
