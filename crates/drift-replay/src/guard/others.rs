//! gRPC, MongoDB, Prisma, and every library without rules of its own.

use std::collections::BTreeSet;

use drift_rust_core::{Object, Value};

use super::{KeyWriter, Mismatch, MismatchPart, first_text_of, shortened};
use crate::span::Span;

/// Service and method; the message is free.
#[derive(Clone, Debug)]
pub(super) struct GrpcCall {
    package: String,
    /// `package.Service/Method`.
    method: String,
}

impl GrpcCall {
    pub(super) fn of(span: &Span, input: Object<'_>) -> Option<GrpcCall> {
        let service = first_text_of(input, &["service", "serviceName", "service_name"]);
        let method = first_text_of(
            input,
            &["method", "methodName", "method_name", "path", "rpc"],
        )
        .or(Some(span.submodule_name.as_str()).filter(|name| name.contains('/')))?;
        let method = method.trim_start_matches('/');
        let method = match service {
            // A full path names its service.
            Some(service) if !method.contains('/') => {
                format!("{}/{method}", service.trim_matches('/'))
            }
            _ => method.to_owned(),
        };
        Some(GrpcCall {
            package: span.package_name.to_ascii_lowercase(),
            method,
        })
    }

    pub(super) fn write_key(&self, key: &mut KeyWriter) {
        key.part(&self.package);
        key.part(&self.method);
    }

    pub(super) fn mismatch(&self, live: &GrpcCall) -> Option<Mismatch> {
        Mismatch::unless_equal(MismatchPart::Package, &live.package, &self.package).or_else(|| {
            Mismatch::unless_equal(MismatchPart::GrpcMethod, &live.method, &self.method)
        })
    }

    pub(super) fn describe(&self) -> String {
        shortened(&self.method, 200)
    }
}

/// Collection, command, and which members and operators the filter has.
#[derive(Clone, Debug)]
pub(super) struct MongoCall {
    package: String,
    collection: String,
    command: String,
    filter: String,
}

impl MongoCall {
    pub(super) fn of(span: &Span, input: Object<'_>) -> Option<MongoCall> {
        let collection = first_text_of(input, &["collection", "collectionName", "ns"]);
        let command = first_text_of(
            input,
            &["command", "commandName", "operation", "method", "action"],
        )
        .or(Some(span.submodule_name.as_str()).filter(|name| !name.is_empty()))?;
        let filter = filter_of(input).or_else(|| {
            input.iter().find_map(|(_, value)| match value {
                Value::Object(inner) => filter_of(inner),
                _ => None,
            })
        });
        Some(MongoCall {
            package: span.package_name.to_ascii_lowercase(),
            collection: collection.unwrap_or_default().to_owned(),
            command: command.to_owned(),
            filter: filter.map(shape).unwrap_or_default(),
        })
    }

    pub(super) fn write_key(&self, key: &mut KeyWriter) {
        for part in [&self.package, &self.collection, &self.command, &self.filter] {
            key.part(part);
        }
    }

    pub(super) fn mismatch(&self, live: &MongoCall) -> Option<Mismatch> {
        use MismatchPart::{MongoCollection, MongoCommand, MongoFilter, Package};
        Mismatch::unless_equal(Package, &live.package, &self.package)
            .or_else(|| Mismatch::unless_equal(MongoCollection, &live.collection, &self.collection))
            .or_else(|| Mismatch::unless_equal(MongoCommand, &live.command, &self.command))
            .or_else(|| Mismatch::unless_equal(MongoFilter, &live.filter, &self.filter))
    }

    pub(super) fn describe(&self) -> String {
        shortened(
            &format!("{}.{} {}", self.collection, self.command, self.filter),
            200,
        )
    }
}

fn filter_of<'d>(object: Object<'d>) -> Option<Value<'d>> {
    ["filter", "query", "selector", "pipeline", "where"]
        .iter()
        .find_map(|member| match object.get(member) {
            Some(value @ (Value::Object(_) | Value::Array(_))) => Some(value),
            _ => None,
        })
}

/// Model, action, and which members the arguments have.
#[derive(Clone, Debug)]
pub(super) struct PrismaCall {
    package: String,
    model: String,
    action: String,
    arguments: String,
}

impl PrismaCall {
    pub(super) fn of(span: &Span, input: Object<'_>) -> Option<PrismaCall> {
        let action = first_text_of(input, &["action", "operation", "method"])?;
        let arguments = ["args", "arguments"]
            .iter()
            .find_map(|member| input.get(member));
        Some(PrismaCall {
            package: span.package_name.to_ascii_lowercase(),
            model: first_text_of(input, &["model", "modelName"])
                .unwrap_or_default()
                .to_owned(),
            action: action.to_owned(),
            arguments: arguments.map(shape).unwrap_or_default(),
        })
    }

    pub(super) fn write_key(&self, key: &mut KeyWriter) {
        for part in [&self.package, &self.model, &self.action, &self.arguments] {
            key.part(part);
        }
    }

    pub(super) fn mismatch(&self, live: &PrismaCall) -> Option<Mismatch> {
        use MismatchPart::{Package, PrismaAction, PrismaArguments, PrismaModel};
        Mismatch::unless_equal(Package, &live.package, &self.package)
            .or_else(|| Mismatch::unless_equal(PrismaModel, &live.model, &self.model))
            .or_else(|| Mismatch::unless_equal(PrismaAction, &live.action, &self.action))
            .or_else(|| Mismatch::unless_equal(PrismaArguments, &live.arguments, &self.arguments))
    }

    pub(super) fn describe(&self) -> String {
        shortened(
            &format!("{}.{} {}", self.model, self.action, self.arguments),
            200,
        )
    }
}

/// Package, submodule and name: all that is known of a library without rules.
#[derive(Clone, Debug)]
pub(super) struct OtherCall {
    package: String,
    submodule: String,
    name: String,
}

impl OtherCall {
    pub(super) fn of(span: &Span) -> OtherCall {
        OtherCall {
            package: span.package_name.to_ascii_lowercase(),
            submodule: span.submodule_name.clone(),
            name: span.name.clone(),
        }
    }

    pub(super) fn write_key(&self, key: &mut KeyWriter) {
        for part in [&self.package, &self.submodule, &self.name] {
            key.part(part);
        }
    }

    pub(super) fn mismatch(&self, live: &OtherCall) -> Option<Mismatch> {
        use MismatchPart::{Name, Package, Submodule};
        Mismatch::unless_equal(Package, &live.package, &self.package)
            .or_else(|| Mismatch::unless_equal(Submodule, &live.submodule, &self.submodule))
            .or_else(|| Mismatch::unless_equal(Name, &live.name, &self.name))
    }

    pub(super) fn describe(&self) -> String {
        shortened(
            &format!("{} {} {}", self.package, self.submodule, self.name),
            200,
        )
    }
}

/// The members of a value without its scalars: `{a:*,b:[{c:*}]}`. An array has
/// the set of its items' shapes, so its length and order are free.
fn shape(value: Value<'_>) -> String {
    match value {
        Value::Object(object) => {
            let members: Vec<String> = object
                .iter()
                .map(|(key, value)| format!("{key:?}:{}", shape(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => {
            let shapes: BTreeSet<String> = items.iter().map(shape).collect();
            let shapes: Vec<String> = shapes.into_iter().collect();
            format!("[{}]", shapes.join(","))
        }
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::BigInt(_)
        | Value::Float(_)
        | Value::Str(_) => "*".to_owned(),
    }
}
