//! The guard: what two calls must share before the answer of one may serve the
//! other, when they are not equal by hash. `docs/matching.md` has each rule
//! with an example.
//!
//! A guard is made of one span and knows nothing of hashes, times or use; which
//! candidate wins is decided elsewhere.

mod cache;
mod graphql;
mod http;
mod others;
mod redis;
mod sql;

use std::fmt;

use drift_rust_core::{Document, Object, Value, ValueOptions};

use crate::span::{Span, SpanKind};

pub(crate) use sql::{STATEMENT_MEMBERS, is_literal, tokens_before_fault, tokens_of};

/// `PackageType` of the contract, as far as a guard depends on it.
mod package_type {
    pub(super) const HTTP: i32 = 1;
    pub(super) const GRAPHQL: i32 = 2;
    pub(super) const GRPC: i32 = 3;
    pub(super) const PG: i32 = 4;
    pub(super) const MYSQL: i32 = 5;
    pub(super) const MONGODB: i32 = 6;
    pub(super) const REDIS: i32 = 7;
    pub(super) const PRISMA: i32 = 11;
}

/// 16 bytes of a digest of what a guard demands: compatible guards have equal keys.
///
/// The reverse does not hold to the letter: two calls that both name a port
/// have equal keys and are told apart by [`Guard::compatible`]. Keys are stable
/// within one version of this crate and are not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GuardKey(pub [u8; 16]);

/// What a call must share with another one before either may answer for the other.
///
/// ```
/// use drift_replay::guard::Guard;
/// use drift_replay::{Span, SpanKind};
/// let call = |path: &str| Span {
///     package_name: "https".to_owned(),
///     package_type: 1,
///     kind: SpanKind::Client,
///     input_value: Some(format!(r#"{{"method":"GET","hostname":"api","path":"{path}"}}"#)),
///     ..Span::default()
/// };
/// let recorded = Guard::of(&call("/orders/2?page=1"));
/// assert!(recorded.compatible(&Guard::of(&call("/orders/2?page=7"))).is_ok());
/// let mismatch = recorded.compatible(&Guard::of(&call("/orders/1?page=1"))).unwrap_err();
/// assert_eq!(mismatch.to_string(), "path /orders/1, recorded /orders/2");
/// ```
#[derive(Clone, Debug)]
pub struct Guard {
    key: GuardKey,
    direction: Direction,
    call: Call,
}

/// Who called: an inbound request never answers for an outbound call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Inbound,
    Outbound,
}

impl Direction {
    fn of(kind: SpanKind) -> Direction {
        match kind {
            SpanKind::Server | SpanKind::Consumer => Direction::Inbound,
            SpanKind::Unspecified | SpanKind::Internal | SpanKind::Client | SpanKind::Producer => {
                Direction::Outbound
            }
        }
    }

    fn name(self) -> &'static str {
        match self {
            Direction::Inbound => "inbound",
            Direction::Outbound => "outbound",
        }
    }
}

#[derive(Clone, Debug)]
enum Call {
    Http(Box<http::HttpCall>),
    Graphql(graphql::GraphqlCall),
    Sql(sql::SqlCall),
    Redis(redis::RedisCall),
    Grpc(others::GrpcCall),
    Mongo(others::MongoCall),
    Prisma(others::PrismaCall),
    Other(others::OtherCall),
}

impl Call {
    fn of(span: &Span, input: Option<Object<'_>>) -> Call {
        Call::recognise(span, input).unwrap_or_else(|| Call::Other(others::OtherCall::of(span)))
    }

    /// By the package type first, then by the package's name, then by the
    /// shape of the input; `None` when the input lacks what its kind needs.
    fn recognise(span: &Span, input: Option<Object<'_>>) -> Option<Call> {
        let package = span.package_name.as_str();
        let input = input?;
        let by_type = match span.package_type {
            package_type::GRPC => others::GrpcCall::of(span, input).map(Call::Grpc),
            package_type::MONGODB => others::MongoCall::of(span, input).map(Call::Mongo),
            package_type::REDIS => redis::RedisCall::of(span, input).map(Call::Redis),
            package_type::PG | package_type::MYSQL | package_type::PRISMA => {
                Call::of_database(span, input)
            }
            package_type::HTTP => http::HttpCall::of(span, input).map(|c| Call::Http(Box::new(c))),
            package_type::GRAPHQL => Call::of_graphql(span, input),
            _ => None,
        };
        if by_type.is_some() {
            return by_type;
        }
        let lower = package.to_ascii_lowercase();
        if sql::is_sql_package(&lower) || lower == "prisma" || lower == "@prisma/client" {
            return Call::of_database(span, input);
        }
        match lower.as_str() {
            "redis" | "ioredis" | "@redis/client" | "aioredis" | "valkey" | "iovalkey" => {
                redis::RedisCall::of(span, input).map(Call::Redis)
            }
            "grpc" | "grpcio" | "@grpc/grpc-js" => {
                others::GrpcCall::of(span, input).map(Call::Grpc)
            }
            "mongodb" | "mongoose" | "pymongo" | "motor" => {
                others::MongoCall::of(span, input).map(Call::Mongo)
            }
            "graphql" => Call::of_graphql(span, input),
            // Kafka's, AMQP's and Firestore's inputs are never HTTP's.
            _ if span.package_type > package_type::GRAPHQL => None,
            _ => http::HttpCall::of(span, input).map(|call| Call::Http(Box::new(call))),
        }
    }

    fn of_database(span: &Span, input: Object<'_>) -> Option<Call> {
        sql::SqlCall::of(span, input)
            .map(Call::Sql)
            .or_else(|| others::PrismaCall::of(span, input).map(Call::Prisma))
    }

    /// A GraphQL call is an HTTP request where the input says so.
    fn of_graphql(span: &Span, input: Object<'_>) -> Option<Call> {
        http::HttpCall::of(span, input)
            .map(|call| Call::Http(Box::new(call)))
            .or_else(|| graphql::GraphqlCall::of_input(input).map(Call::Graphql))
    }

    fn name(&self) -> &'static str {
        match self {
            Call::Http(_) => "HTTP request",
            Call::Graphql(_) => "GraphQL operation",
            Call::Sql(_) => "SQL statement",
            Call::Redis(_) => "Redis command",
            Call::Grpc(_) => "gRPC call",
            Call::Mongo(_) => "MongoDB command",
            Call::Prisma(_) => "Prisma operation",
            Call::Other(_) => "call",
        }
    }

    fn write_key(&self, key: &mut KeyWriter) {
        key.part(self.name());
        match self {
            Call::Http(call) => call.write_key(key),
            Call::Graphql(call) => call.write_key(key),
            Call::Sql(call) => call.write_key(key),
            Call::Redis(call) => call.write_key(key),
            Call::Grpc(call) => call.write_key(key),
            Call::Mongo(call) => call.write_key(key),
            Call::Prisma(call) => call.write_key(key),
            Call::Other(call) => call.write_key(key),
        }
    }

    fn mismatch(&self, live: &Call) -> Option<Mismatch> {
        match (self, live) {
            (Call::Http(recorded), Call::Http(live)) => recorded.mismatch(live),
            (Call::Graphql(recorded), Call::Graphql(live)) => recorded.mismatch(live),
            (Call::Sql(recorded), Call::Sql(live)) => recorded.mismatch(live),
            (Call::Redis(recorded), Call::Redis(live)) => recorded.mismatch(live),
            (Call::Grpc(recorded), Call::Grpc(live)) => recorded.mismatch(live),
            (Call::Mongo(recorded), Call::Mongo(live)) => recorded.mismatch(live),
            (Call::Prisma(recorded), Call::Prisma(live)) => recorded.mismatch(live),
            (Call::Other(recorded), Call::Other(live)) => recorded.mismatch(live),
            (recorded, live) => {
                Mismatch::unless_equal(MismatchPart::Protocol, live.name(), recorded.name())
            }
        }
    }
}

impl Guard {
    /// The guard of a span, from its package, its kind and its input.
    ///
    /// Never fails: an input that is absent, no JSON, or without the members
    /// that its protocol needs is guarded by package, submodule and name. Its
    /// time is bounded by the input's size; statements and GraphQL documents
    /// that came before are not parsed again.
    pub fn of(span: &Span) -> Guard {
        let document = span
            .input_value
            .as_deref()
            .and_then(|text| Document::parse(text, ValueOptions::default()).ok());
        Guard::with_input(span, document.as_ref().map(Document::root))
    }

    /// [`Guard::of`] for an input that was parsed already; the span's own
    /// `input_value` is not looked at.
    pub fn with_input(span: &Span, input: Option<Value<'_>>) -> Guard {
        let input = match input {
            Some(Value::Object(object)) => Some(object),
            _ => None,
        };
        let direction = Direction::of(span.kind);
        let call = Call::of(span, input);
        let mut key = KeyWriter::new();
        key.part(direction.name());
        call.write_key(&mut key);
        Guard {
            key: key.finish(),
            direction,
            call,
        }
    }

    /// The commands of a pipeline of Redis, by their names and keys; their values,
    /// among them every password, are left out.
    pub(crate) fn pipeline(&self) -> Option<String> {
        match &self.call {
            Call::Redis(call) => call.pipeline(),
            _ => None,
        }
    }

    /// Where to look for candidates: compatible guards have equal keys.
    pub fn key(&self) -> GuardKey {
        self.key
    }

    /// Whether the call that this guard was recorded with may answer `live`.
    ///
    /// Symmetric, apart from the words.
    ///
    /// # Errors
    /// The first part that differs, with both sides.
    pub fn compatible(&self, live: &Guard) -> Result<(), Mismatch> {
        if let Some(mismatch) = Mismatch::unless_equal(
            MismatchPart::Direction,
            live.direction.name(),
            self.direction.name(),
        ) {
            return Err(mismatch);
        }
        match self.call.mismatch(&live.call) {
            Some(mismatch) => Err(mismatch),
            // The parts are what the key is made of, so this is never reached
            // with unequal keys; a digest is no place to prove that.
            None if self.key != live.key => Err(Mismatch {
                part: MismatchPart::Other,
                live: live.call.name().to_owned(),
                recorded: self.call.name().to_owned(),
            }),
            None => Ok(()),
        }
    }

    /// Whether a part of the guard stands in the headers of a request: the
    /// operation of `X-Amz-Target`, a host that nothing else names.
    ///
    /// SDKs mark headers as of no importance, so such calls can be equal in all
    /// that is of importance and still ask for different things.
    pub fn reads_headers(&self) -> bool {
        match &self.call {
            Call::Http(call) => call.reads_headers(),
            Call::Graphql(_)
            | Call::Sql(_)
            | Call::Redis(_)
            | Call::Grpc(_)
            | Call::Mongo(_)
            | Call::Prisma(_)
            | Call::Other(_) => false,
        }
    }

    /// One line for people: `GET api.example.com/orders/1?page`, a statement's
    /// structure, `GET user:1`.
    pub fn describe(&self) -> String {
        match &self.call {
            Call::Http(call) => call.describe(),
            Call::Graphql(call) => call.describe(),
            Call::Sql(call) => call.describe(),
            Call::Redis(call) => call.describe(),
            Call::Grpc(call) => call.describe(),
            Call::Mongo(call) => call.describe(),
            Call::Prisma(call) => call.describe(),
            Call::Other(call) => call.describe(),
        }
    }
}

/// Which part of two calls differs; [`MismatchPart::code`] is permanent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MismatchPart {
    /// One was received by the service, the other sent by it.
    Direction,
    /// They are not of one protocol.
    Protocol,
    /// They were made through different libraries.
    Package,
    /// The HTTP method.
    Method,
    /// The host of a request.
    Host,
    /// The port, where both name one.
    Port,
    /// The path of a request.
    Path,
    /// The set of query keys of a request.
    QueryKeys,
    /// What an RPC over HTTP calls: `X-Amz-Target`, `SOAPAction`, the method of JSON-RPC.
    Operation,
    /// The parsed query of GraphQL.
    Graphql,
    /// The kind of a SQL statement: `SELECT`, `INSERT`.
    SqlStatement,
    /// The tables of a SQL statement.
    SqlTables,
    /// Anything else in the structure of a SQL statement.
    SqlStructure,
    /// The name of a Redis command.
    RedisCommand,
    /// The keys of a Redis command.
    RedisKeys,
    /// The number of its arguments.
    RedisArgumentCount,
    /// Service and method of gRPC.
    GrpcMethod,
    /// Collection of MongoDB.
    MongoCollection,
    /// Command of MongoDB.
    MongoCommand,
    /// Which members and operators its filter has.
    MongoFilter,
    /// Prisma's model.
    PrismaModel,
    /// Prisma's action.
    PrismaAction,
    /// Which members Prisma's arguments have.
    PrismaArguments,
    /// The operation of a library that has no rules of its own.
    Submodule,
    /// The name of such a span.
    Name,
    /// None of these.
    Other,
}

impl MismatchPart {
    /// A permanent name for programs.
    pub fn code(self) -> &'static str {
        match self {
            MismatchPart::Direction => "direction",
            MismatchPart::Protocol => "protocol",
            MismatchPart::Package => "package",
            MismatchPart::Method => "method",
            MismatchPart::Host => "host",
            MismatchPart::Port => "port",
            MismatchPart::Path => "path",
            MismatchPart::QueryKeys => "query_keys",
            MismatchPart::Operation => "operation",
            MismatchPart::Graphql => "graphql",
            MismatchPart::SqlStatement => "sql_statement",
            MismatchPart::SqlTables => "sql_tables",
            MismatchPart::SqlStructure => "sql_structure",
            MismatchPart::RedisCommand => "redis_command",
            MismatchPart::RedisKeys => "redis_keys",
            MismatchPart::RedisArgumentCount => "redis_argument_count",
            MismatchPart::GrpcMethod => "grpc_method",
            MismatchPart::MongoCollection => "mongo_collection",
            MismatchPart::MongoCommand => "mongo_command",
            MismatchPart::MongoFilter => "mongo_filter",
            MismatchPart::PrismaModel => "prisma_model",
            MismatchPart::PrismaAction => "prisma_action",
            MismatchPart::PrismaArguments => "prisma_arguments",
            MismatchPart::Submodule => "submodule",
            MismatchPart::Name => "name",
            MismatchPart::Other => "other",
        }
    }

    /// What stands before the live side in a sentence.
    fn label(self) -> &'static str {
        match self {
            MismatchPart::Direction => "direction",
            MismatchPart::Protocol => "kind of call",
            MismatchPart::Package => "package",
            MismatchPart::Method => "method",
            MismatchPart::Host => "host",
            MismatchPart::Port => "port",
            MismatchPart::Path => "path",
            MismatchPart::QueryKeys => "query keys",
            MismatchPart::Operation => "operation",
            MismatchPart::Graphql => "GraphQL differs:",
            MismatchPart::SqlStatement => "SQL differs: statement",
            MismatchPart::SqlTables => "SQL differs: table",
            MismatchPart::SqlStructure => "SQL differs:",
            MismatchPart::RedisCommand => "command",
            MismatchPart::RedisKeys => "key",
            MismatchPart::RedisArgumentCount => "number of arguments",
            MismatchPart::GrpcMethod => "gRPC method",
            MismatchPart::MongoCollection => "collection",
            MismatchPart::MongoCommand => "command",
            MismatchPart::MongoFilter => "filter",
            MismatchPart::PrismaModel => "model",
            MismatchPart::PrismaAction => "action",
            MismatchPart::PrismaArguments => "arguments",
            MismatchPart::Submodule => "operation",
            MismatchPart::Name => "name",
            MismatchPart::Other => "call",
        }
    }
}

/// Why one call may not answer another: the first part that differs.
///
/// The text reads `path /orders/1, recorded /orders/2`; long sides are shortened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What differs.
    pub part: MismatchPart,
    /// What the call has that wants an answer.
    pub live: String,
    /// What the recorded call has.
    pub recorded: String,
}

impl Mismatch {
    fn unless_equal(part: MismatchPart, live: &str, recorded: &str) -> Option<Mismatch> {
        (live != recorded).then(|| Mismatch {
            part,
            live: live.to_owned(),
            recorded: recorded.to_owned(),
        })
    }

    /// The places where two normal forms part, with a little before them.
    fn of_texts(part: MismatchPart, live: &str, recorded: &str) -> Option<Mismatch> {
        if live == recorded {
            return None;
        }
        let common = live
            .char_indices()
            .zip(recorded.chars())
            .find(|((_, a), b)| a != b)
            .map_or(live.len().min(recorded.len()), |((at, _), _)| at);
        // From the word before the first that differs, so that it can be found.
        let before = live.get(..common).unwrap_or_default();
        let start_of_word = |text: &str| text.trim_end().rfind(' ').map_or(0, |at| at + 1);
        let mut from = start_of_word(before);
        if !before.ends_with(' ') {
            from = start_of_word(live.get(..from).unwrap_or_default());
        }
        Some(Mismatch {
            part,
            live: excerpt(live.get(from..).unwrap_or(live)),
            recorded: excerpt(recorded.get(from..).unwrap_or(recorded)),
        })
    }
}

fn excerpt(text: &str) -> String {
    if text.is_empty() {
        "(end)".to_owned()
    } else {
        shortened(text, 60)
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}, recorded {}",
            self.part.label(),
            shown(&self.live),
            shown(&self.recorded)
        )
    }
}

/// The longest side of a mismatch that is shown, in characters.
const MAX_SHOWN: usize = 120;

fn shown(text: &str) -> String {
    if text.is_empty() {
        "(none)".to_owned()
    } else {
        shortened(text, MAX_SHOWN)
    }
}

fn shortened(text: &str, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or(text)),
    }
}

/// Digests parts one by one, each with its length before it, so that no two
/// lists of parts are one text.
struct KeyWriter {
    hasher: blake3::Hasher,
}

impl KeyWriter {
    fn new() -> KeyWriter {
        KeyWriter {
            hasher: blake3::Hasher::new(),
        }
    }

    fn part(&mut self, text: &str) {
        self.count(text.len());
        self.hasher.update(text.as_bytes());
    }

    fn count(&mut self, count: usize) {
        self.hasher.update(&(count as u64).to_le_bytes());
    }

    fn parts<'a>(&mut self, texts: impl ExactSizeIterator<Item = &'a str>) {
        self.count(texts.len());
        for text in texts {
            self.part(text);
        }
    }

    fn finish(self) -> GuardKey {
        let mut key = [0; 16];
        self.hasher.finalize_xof().fill(&mut key);
        GuardKey(key)
    }
}

/// The text of a string member.
fn text_of<'d>(object: Object<'d>, key: &str) -> Option<&'d str> {
    match object.get(key) {
        Some(Value::Str(text)) => Some(text),
        _ => None,
    }
}

/// The first of several string members that is there and not empty.
fn first_text_of<'d>(object: Object<'d>, keys: &[&str]) -> Option<&'d str> {
    keys.iter()
        .find_map(|key| text_of(object, key).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests;
