//! Which recorded calls an SDK asks for when the service is replayed: by what a
//! span is, below which span it hangs, and by its statement, never by times. Clocks
//! are rounded, set and stopped while a recording is made, and what waits in a
//! pool's queue begins when its caller is long over.

use super::{is_call, parent_of, statement};
use crate::span::Span;
use crate::tree::Json;
use std::collections::{HashMap, HashSet};
use tusk_drift_schemas::tusk::drift::core::v1::PackageType;

/// The ids of those calls that the SDKs record without asking for them in replay.
///
/// What manages connections, and what a library that is asked itself does
/// through another one: `pg.query` in `pg-pool.query`, `psycopg2` in
/// `sqlalchemy`, the commands in a pipeline. Its answer comes from the recording,
/// so that what is inside it does not happen.
///
/// `calls` are those of one trace, `by_id` all its spans, and `is_answered` tells
/// which calls were asked for. `is_any_pools` tells of a query of pg whether all
/// like it in the recording are those of pools; it is asked only where the trace
/// alone does not say whose the query is.
pub fn not_asked<'s>(
    calls: &[&'s Span],
    by_id: &HashMap<&str, &'s Span>,
    is_answered: impl Fn(&Span) -> bool,
    is_any_pools: impl Fn(&Span) -> bool,
) -> HashSet<&'s str> {
    let mut found: HashSet<&str> = calls
        .iter()
        .filter(|span| hangs_where_none_is_asked(span, by_id))
        .map(|span| span.span_id.as_str())
        .collect();
    // A query that waited for a connection runs where another one gave it back,
    // below whatever span did that. Its statement tells that it is a pool's: each
    // query of a pool makes one of the driver.
    let mut without_inner: HashMap<String, usize> = HashMap::new();
    let of_pools = calls.iter().filter(|span| is_query_of_pool(span));
    for text in of_pools.filter_map(|span| statement(span)) {
        *without_inner.entry(text).or_default() += 1;
    }
    let uses_pool = calls.iter().any(|span| span.package_name == "pg-pool");
    if without_inner.is_empty() && !uses_pool {
        return found;
    }
    let of_drivers = calls.iter().filter(|span| is_query_of_pooled_driver(span));
    let (inside, own): (Vec<&Span>, Vec<&Span>) =
        of_drivers.partition(|span| found.contains(span.span_id.as_str()));
    for (span, is_inside) in inside
        .into_iter()
        .map(|span| (span, true))
        .chain(own.into_iter().map(|span| (span, false)))
    {
        if !is_inside && is_answered(span) {
            continue;
        }
        let count = statement(span).and_then(|text| without_inner.get_mut(&text));
        if let Some(count) = count.filter(|count| **count > 0) {
            *count -= 1;
            found.insert(span.span_id.as_str());
        } else if !is_inside && uses_pool && is_any_pools(span) {
            // It waited in another request, and this one gave the connection back.
            found.insert(span.span_id.as_str());
        }
    }
    found
}

/// Whether what a span is, and the spans above it, say that it is not asked for.
fn hangs_where_none_is_asked(span: &Span, by_id: &HashMap<&str, &Span>) -> bool {
    if manages_connections(span) {
        return true;
    }
    let Some(outer) = caller(span, by_id) else {
        return false;
    };
    if !opens_connection(outer) {
        return does(outer, span, by_id) && !is_of_callback(outer, span);
    }
    // What a driver runs where it opened a connection: its handshake, the settings
    // that a hook makes, and whatever waits in the queue for that connection to be
    // free, of other requests too. In replay no connection is opened.
    if !asks_pool(outer) {
        return outer.package_name == span.package_name;
    }
    // A pool connects for a query of its own, and for callbacks of the program. Of
    // those the queries are asked for.
    caller(outer, by_id).is_some_and(|query| does(query, span, by_id))
}

/// Whether a query below one of a pool is what a callback of that asks for. What the
/// pool makes of its own query has the same statement.
fn is_of_callback(outer: &Span, inner: &Span) -> bool {
    outer.package_name == "pg-pool"
        && matches!(
            (statement(outer), statement(inner)),
            (Some(outer), Some(inner)) if outer != inner
        )
}

/// The nearest call above a span, whatever stands between that is no call.
fn caller<'s>(span: &Span, by_id: &HashMap<&str, &'s Span>) -> Option<&'s Span> {
    let mut above = parent_of(span, by_id)?;
    // Of spans that are each other's parents there may be no call. No real ones are
    // so deep.
    for _ in 0..256 {
        if is_call(above) {
            return Some(above);
        }
        above = parent_of(above, by_id)?;
    }
    None
}

/// Packages whose drivers connect when they please: whether a connection is
/// there already is the pool's state, and SDKs do not ask for it in replay.
const CONNECTING_PACKAGES: &[&str] = &[
    "pg",
    "pg-pool",
    "postgres",
    "mysql",
    "mysql2",
    "mongodb",
    "ioredis",
    "redis",
    "psycopg",
    "psycopg2",
    "sqlalchemy",
];

/// Whether a span is about a connection, and not about what is sent over it.
fn manages_connections(span: &Span) -> bool {
    if opens_connection(span) {
        return true;
    }
    match span.package_name.as_str() {
        // `mysql` begins and ends transactions in replay without asking.
        "mysql" => span.submodule_name == "transaction",
        "mysql2" => matches!(
            span.submodule_name.as_str(),
            "changeUser" | "end" | "ping" | "prepare"
        ),
        _ => false,
    }
}

fn opens_connection(span: &Span) -> bool {
    let says = |text: &str| {
        let last = text.rsplit('.').next().unwrap_or(text);
        ["connect", "connectEvent", "getConnection"]
            .iter()
            .any(|word| last.eq_ignore_ascii_case(word))
    };
    CONNECTING_PACKAGES.contains(&span.package_name.as_str())
        && (says(&span.submodule_name) || says(&span.name))
}

/// Whether a span that opens a connection asks a pool for one.
fn asks_pool(span: &Span) -> bool {
    span.package_name == "pg-pool" || span.submodule_name == "getConnection"
}

/// Whether a call is a query that a pool makes through a connection of its choice.
fn is_query_of_pool(span: &Span) -> bool {
    let is_of_pool = span.package_name == "pg-pool" || span.name.starts_with("mysql2.pool.");
    is_of_pool && !manages_connections(span)
}

fn is_query_of_pooled_driver(span: &Span) -> bool {
    matches!(span.package_name.as_str(), "pg" | "mysql2")
        && !is_query_of_pool(span)
        && !manages_connections(span)
}

/// Whether a call is what another one, of a library above it, does.
///
/// A list, since a parent alone says too little: in Node a callback runs below
/// the call that it was given to, and what it calls is a call of its own.
fn does(outer: &Span, inner: &Span, by_id: &HashMap<&str, &Span>) -> bool {
    let is = |kind: PackageType| inner.package_type == kind as i32;
    match outer.package_name.as_str() {
        "pg-pool" => inner.package_name == "pg" && is_query_of_pool(outer),
        "mysql2" => {
            inner.package_name == "mysql2" && is_query_of_pool(outer) && !is_query_of_pool(inner)
        }
        "ioredis" | "redis" => {
            let is_pipeline = |span: &Span| span.submodule_name.starts_with("pipeline");
            inner.package_name == outer.package_name && is_pipeline(outer) && !is_pipeline(inner)
        }
        "sqlalchemy" | "@prisma/client" => {
            inner.package_name != outer.package_name
                && (is(PackageType::Pg) || is(PackageType::Mysql))
        }
        // The keys that a token is verified with are fetched inside.
        "jsonwebtoken" => is(PackageType::Http),
        _ => {
            outer.instrumentation_name == "RequestsInstrumentation"
                && inner.instrumentation_name == "Urllib3Instrumentation"
                || is_of_redirect(outer, inner, by_id)
        }
    }
}

/// Whether a request of Python is one of those that a client made by itself to follow
/// a redirect. They hang below the call, which has the answer of the last one.
///
/// What a hook of the program asks for hangs there too, and is a call of its own. So a
/// request counts only if a redirect can make it, and a redirect as an answer only beside
/// a last one that has the very answer of the call, with its headers and their date.
fn is_of_redirect(outer: &Span, inner: &Span, by_id: &HashMap<&str, &Span>) -> bool {
    let follows = matches!(
        outer.instrumentation_name.as_str(),
        "RequestsInstrumentation" | "Urllib3Instrumentation" | "UrllibInstrumentation"
    );
    if !follows || !may_follow(outer, inner) {
        return false;
    }
    if has_answer_of(outer, inner) {
        return true;
    }
    let status = json(&inner.output_value).and_then(|output| output.get("statusCode")?.as_int());
    matches!(status, Some(301 | 302 | 303 | 307 | 308))
        && by_id.values().any(|last| {
            last.parent_span_id == outer.span_id
                && may_follow(outer, last)
                && has_answer_of(outer, last)
        })
}

fn json(text: &Option<String>) -> Option<Json> {
    Json::parse(text.as_deref()?.as_bytes())
}

/// Whether a redirect of one request can make the other: without a body, or (307 and
/// 308) the same again at another place.
fn may_follow(outer: &Span, inner: &Span) -> bool {
    if inner.instrumentation_name != outer.instrumentation_name {
        return false;
    }
    let (Some(outer), Some(inner)) = (json(&outer.input_value), json(&inner.input_value)) else {
        return false;
    };
    let method = |input: &Json| input.get("method").map(Json::text);
    let body = |input: &Json| {
        let text = input.get("body").map(Json::text);
        text.filter(|text| !matches!(text.as_str(), "null" | "\"\""))
    };
    let without_body =
        body(&inner).is_none() && matches!(method(&inner).as_deref(), Some("\"GET\"" | "\"HEAD\""));
    without_body || (method(&inner) == method(&outer) && body(&inner) == body(&outer))
}

/// Whether both have one answer, all of it.
fn has_answer_of(outer: &Span, inner: &Span) -> bool {
    let (Some(outer), Some(inner)) = (json(&outer.output_value), json(&inner.output_value)) else {
        return false;
    };
    outer.get("statusCode").is_some() && outer == inner
}
