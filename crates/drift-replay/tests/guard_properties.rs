//! Guards of generated calls: statements that differ in what is free are
//! compatible, those that differ in anything else are not, and no input at all
//! makes a guard panic, unequal to itself or unsymmetric.

use drift_replay::guard::Guard;
use drift_replay::{Span, SpanKind};
use proptest::prelude::*;
use serde_json::json;

fn call(package: &str, package_type: i32, input: &serde_json::Value) -> Guard {
    Guard::of(&Span {
        package_name: package.to_owned(),
        package_type,
        kind: SpanKind::Client,
        input_value: Some(input.to_string()),
        ..Span::default()
    })
}

/// Symmetric, and with equal keys where compatible.
fn compatible(left: &Guard, right: &Guard) -> bool {
    let there = left.compatible(right);
    let back = right.compatible(left);
    assert_eq!(there.is_ok(), back.is_ok(), "{there:?} {back:?}");
    match there {
        Ok(()) => assert_eq!(left.key(), right.key()),
        Err(mismatch) => assert!(!mismatch.to_string().is_empty()),
    }
    back.is_ok()
}

/// A statement in parts that count; `Free` is where a literal stands.
#[derive(Clone, Debug, PartialEq)]
enum Part {
    Word(String),
    Name(String),
    Free,
    /// A list of literals.
    List,
}

fn words(text: &str) -> Vec<Part> {
    text.split(' ')
        .map(|word| Part::Word(word.to_owned()))
        .collect()
}

fn name() -> impl Strategy<Value = Part> {
    prop_oneof![
        "[a-f][a-z_]{0,6}x[0-9]".prop_map(Part::Name),
        Just(Part::Name("id".to_owned())),
        Just(Part::Name("total".to_owned())),
    ]
}

fn condition() -> impl Strategy<Value = Vec<Part>> {
    let one = prop_oneof![
        (name(), prop_oneof!["=", "<", ">", "<=", ">=", "<>", "LIKE"])
            .prop_map(|(name, operator)| vec![name, Part::Word(operator), Part::Free]),
        name().prop_map(|name| [vec![name], words("IN ("), vec![Part::List], words(")")].concat()),
        name().prop_map(|name| [vec![name], words("IS NOT NULL")].concat()),
        name().prop_map(|name| {
            [
                vec![name],
                words("BETWEEN"),
                vec![Part::Free],
                words("AND"),
                vec![Part::Free],
            ]
            .concat()
        }),
    ];
    (
        one.clone(),
        prop::collection::vec((prop_oneof!["AND", "OR"], one), 0..4),
    )
        .prop_map(|(first, rest)| {
            let mut parts = first;
            for (join, condition) in rest {
                parts.push(Part::Word(join));
                parts.extend(condition);
            }
            parts
        })
}

fn names() -> impl Strategy<Value = Vec<Part>> {
    prop::collection::vec(name(), 1..4).prop_map(|names| {
        let mut parts = Vec::new();
        for name in names {
            if !parts.is_empty() {
                parts.push(Part::Word(",".to_owned()));
            }
            parts.push(name);
        }
        parts
    })
}

fn statement() -> impl Strategy<Value = Vec<Part>> {
    let select = (names(), name(), condition(), any::<bool>(), any::<bool>()).prop_map(
        |(columns, table, condition, ordered, limited)| {
            let mut parts = [
                words("SELECT"),
                columns,
                words("FROM"),
                vec![table],
                words("WHERE"),
                condition,
            ]
            .concat();
            if ordered {
                parts.extend(words("ORDER BY total DESC"));
            }
            if limited {
                parts.extend([words("LIMIT"), vec![Part::Free]].concat());
            }
            parts
        },
    );
    let nested =
        (names(), name(), name(), condition()).prop_map(|(columns, table, key, condition)| {
            [
                words("SELECT"),
                columns,
                words("FROM"),
                vec![table],
                words("WHERE"),
                vec![key],
                words("IN ( SELECT id FROM inner_table WHERE"),
                condition,
                words(")"),
            ]
            .concat()
        });
    let update = (name(), name(), condition()).prop_map(|(table, column, condition)| {
        [
            words("UPDATE"),
            vec![table],
            words("SET"),
            vec![column],
            words("="),
            vec![Part::Free],
            words("WHERE"),
            condition,
        ]
        .concat()
    });
    let delete = (name(), condition()).prop_map(|(table, condition)| {
        [words("DELETE FROM"), vec![table], words("WHERE"), condition].concat()
    });
    let insert = (name(), name()).prop_map(|(table, column)| {
        [
            words("INSERT INTO"),
            vec![table],
            words("("),
            vec![column],
            words(", other ) VALUES ("),
            vec![Part::Free],
            words(","),
            vec![Part::Free],
            words(")"),
        ]
        .concat()
    });
    prop_oneof![select, nested, update, delete, insert]
}

/// How to write a statement: everything here is free.
#[derive(Clone, Debug)]
struct Writing {
    literals: Vec<u8>,
    lower: bool,
    comment: bool,
    space: &'static str,
    quoted: bool,
}

fn writing() -> impl Strategy<Value = Writing> {
    (
        prop::collection::vec(any::<u8>(), 8),
        any::<bool>(),
        any::<bool>(),
        prop_oneof![Just(" "), Just("\n  "), Just("\t")],
        any::<bool>(),
    )
        .prop_map(|(literals, lower, comment, space, quoted)| Writing {
            literals,
            lower,
            comment,
            space,
            quoted,
        })
}

fn write(parts: &[Part], writing: &Writing, package: &str) -> String {
    let (placeholder, quote) = match package {
        "psycopg2" => ("%s", "\""),
        "sqlalchemy" => (":value", "\""),
        "mysql2" => ("?", "`"),
        _ => ("$1", "\""),
    };
    let mut choices = writing.literals.iter().cycle();
    let mut next = || *choices.next().unwrap_or(&0);
    let mut literal = || match next() % 6 {
        0 => placeholder.to_owned(),
        1 => format!("{}", next()),
        2 => format!("-{}.5", next()),
        3 => "'it''s -- no /* comment */ ( )'".to_owned(),
        4 => "NULL".to_owned(),
        _ => "TRUE".to_owned(),
    };
    let mut out: Vec<String> = Vec::new();
    let mut length = 0;
    for part in parts {
        out.push(match part {
            Part::Word(word) if writing.lower => word.to_lowercase(),
            Part::Word(word) => word.clone(),
            Part::Name(name) if writing.quoted => format!("{quote}{name}{quote}"),
            Part::Name(name) if writing.lower => name.clone(),
            Part::Name(name) => name.to_uppercase(),
            Part::Free => literal(),
            Part::List => {
                length += 1;
                let count =
                    1 + usize::from(writing.literals.first().copied().unwrap_or(0)) % 4 + length;
                (0..count).map(|_| literal()).collect::<Vec<_>>().join(", ")
            }
        });
    }
    if writing.comment {
        out.insert(1, "/* trace='00-1' */".to_owned());
        out.push("-- end\n;".to_owned());
    }
    out.join(writing.space)
}

const PACKAGES: [(&str, i32, &str); 4] = [
    ("psycopg2", 4, "query"),
    ("sqlalchemy", 4, "query"),
    ("mysql2", 5, "sql"),
    ("pg", 4, "text"),
];

fn guard(parts: &[Part], writing: &Writing, package: usize) -> Guard {
    let (package, package_type, member) = PACKAGES.get(package % 4).copied().unwrap_or_default();
    call(
        package,
        package_type,
        &json!({member: write(parts, writing, package)}),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn statements_that_differ_in_what_is_free_are_compatible(
        parts in statement(), left in writing(), right in writing(), package in 0..4_usize
    ) {
        let (left, right) = (guard(&parts, &left, package), guard(&parts, &right, package));
        prop_assert!(!left.describe().starts_with("tokens:"), "not parsed: {}", left.describe());
        prop_assert!(compatible(&left, &right), "{}\n{}", left.describe(), right.describe());
    }

    #[test]
    fn statements_that_differ_in_one_name_or_word_are_not_compatible(
        parts in statement(), left in writing(), right in writing(), package in 0..4_usize,
        at in any::<prop::sample::Index>()
    ) {
        let mut changed = parts.clone();
        let places: Vec<usize> = parts
            .iter()
            .enumerate()
            .filter(|(_, part)| match part {
                Part::Name(_) => true,
                Part::Word(word) => matches!(word.as_str(), "=" | "<" | ">" | "<=" | ">=" | "LIKE" | "AND" | "OR"),
                _ => false,
            })
            .map(|(place, _)| place)
            .collect();
        let place = *at.get(&places);
        // AND of BETWEEN cannot be changed: what is changed must stay a statement.
        let between = matches!(parts.get(place.saturating_sub(2)), Some(Part::Word(word)) if word == "BETWEEN");
        prop_assume!(!between);
        if let Some(part) = changed.get_mut(place) {
            *part = match part {
                Part::Name(_) => Part::Name("changed".to_owned()),
                Part::Word(word) if word == "AND" => Part::Word("OR".to_owned()),
                Part::Word(word) if word == "OR" => Part::Word("AND".to_owned()),
                Part::Word(_) if matches!(parts.first(), Some(Part::Word(word)) if word == "UPDATE") => Part::Name("changed".to_owned()),
                _ => Part::Word("<>".to_owned()),
            };
        }
        let (left, right) = (guard(&parts, &left, package), guard(&changed, &right, package));
        prop_assert!(!compatible(&left, &right), "{}\n{}", left.describe(), right.describe());
    }

    #[test]
    fn no_text_makes_a_guard_panic_or_differ_from_itself(
        tokens in prop::collection::vec(
            prop_oneof![
                "(SELECT|FROM|WHERE|IN|VALUES|INSERT|UPDATE|SET|CASE|WHEN|END|JOIN|ON|WITH|AS|NOT|NULL|query|mutation|fragment|on)",
                r#"[(){}\[\],;:$%?!@.'"`*/#=<>|&^~\\-]{1,3}"#,
                "[a-z0-9]{1,3}",
                "\\PC{0,4}",
            ],
            0..40,
        ),
        package in prop_oneof!["pg", "psycopg2", "mysql2", "sqlalchemy", "graphql", "redis", "http", "fetch", "grpc", "mongodb", "x"],
        package_type in 0..13_i32,
        member in prop_oneof!["query", "text", "sql", "body", "url", "path", "command", "args", "method"],
    ) {
        let text = tokens.join(" ");
        let inputs = [
            json!({&member: text, "method": "POST", "path": "/x"}),
            json!({&member: [text, 1, null], "method": text}),
            json!({"url": format!("http://h/{text}"), "method": "GET", "headers": {"host": text}}),
            json!({"method": "POST", "url": "http://h/", "body": json!({"query": text, "operationName": text}).to_string()}),
        ];
        let guards: Vec<Guard> = inputs.iter().map(|input| call(&package, package_type, input)).collect();
        for (left, input) in guards.iter().zip(&inputs) {
            prop_assert!(compatible(left, &call(&package, package_type, input)));
            for right in &guards {
                compatible(left, right);
            }
            let _ = left.describe();
        }
    }
}
