//! Redis: the command, its keys and the number of its arguments.

use drift_rust_core::{Object, Value};

use super::{KeyWriter, Mismatch, MismatchPart, first_text_of, shortened};
use crate::span::Span;

/// The commands of one call; more than one in a pipeline.
#[derive(Clone, Debug)]
pub(super) struct RedisCall {
    package: String,
    commands: Vec<Command>,
    /// Whether they were recorded as a list, which can have a single one.
    is_pipeline: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Command {
    /// Upper case; with the subcommand, where there is one.
    name: String,
    keys: Vec<String>,
    argument_count: usize,
}

impl RedisCall {
    /// `None` for an input without a command: a connect.
    pub(super) fn of(span: &Span, input: Object<'_>) -> Option<RedisCall> {
        let package = span.package_name.to_ascii_lowercase();
        let pipeline = ["commands", "pipeline"]
            .iter()
            .find_map(|member| match input.get(member) {
                Some(Value::Array(commands)) if !commands.is_empty() => Some(commands),
                _ => None,
            });
        let is_pipeline = pipeline.is_some();
        let commands = match pipeline {
            Some(commands) => commands
                .iter()
                .map(|command| match command {
                    Value::Object(command) => Command::of_object(command),
                    Value::Array(words) => Command::of_words(words.iter().map(word).collect()),
                    Value::Str(text) => Command::of_words(split(text)),
                    _ => None,
                })
                .collect::<Option<Vec<Command>>>()?,
            None => vec![Command::of_object(input)?],
        };
        Some(RedisCall {
            package,
            commands,
            is_pipeline,
        })
    }

    pub(super) fn write_key(&self, key: &mut KeyWriter) {
        key.part(&self.package);
        key.count(self.commands.len());
        for command in &self.commands {
            key.part(&command.name);
            key.parts(command.keys.iter().map(String::as_str));
            key.count(command.argument_count);
        }
    }

    pub(super) fn mismatch(&self, live: &RedisCall) -> Option<Mismatch> {
        Mismatch::unless_equal(MismatchPart::Package, &live.package, &self.package)
            .or_else(|| {
                self.commands
                    .iter()
                    .zip(&live.commands)
                    .find_map(|(recorded, live)| recorded.mismatch(live))
            })
            .or_else(|| {
                let count = |call: &RedisCall| format!("{} commands", call.commands.len());
                Mismatch::unless_equal(MismatchPart::RedisCommand, &count(live), &count(self))
            })
    }

    pub(super) fn describe(&self) -> String {
        shortened(&self.names_and_keys(3), 200)
    }

    /// The commands of a pipeline without their values.
    pub(super) fn pipeline(&self) -> Option<String> {
        self.is_pipeline.then(|| {
            let count = self.commands.len();
            format!("pipeline of {count}: {}", self.names_and_keys(count))
        })
    }

    fn names_and_keys(&self, most: usize) -> String {
        let commands: Vec<String> = self
            .commands
            .iter()
            .take(most)
            .map(|command| {
                let line = format!("{} {}", command.name, command.keys.join(" "));
                line.trim_end().to_owned()
            })
            .collect();
        commands.join("; ")
    }
}

/// An argument as text.
fn word(value: Value<'_>) -> String {
    match value {
        Value::Str(text) | Value::BigInt(text) => text.to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Null => String::new(),
        // Bytes that an SDK could not write as text, and nested lists.
        Value::Array(_) | Value::Object(_) => "[…]".to_owned(),
    }
}

fn split(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Commands of which the second word says what they do.
fn has_subcommand(name: &str) -> bool {
    matches!(
        name,
        "ACL"
            | "CLIENT"
            | "CLUSTER"
            | "COMMAND"
            | "CONFIG"
            | "FUNCTION"
            | "LATENCY"
            | "MEMORY"
            | "MODULE"
            | "OBJECT"
            | "PUBSUB"
            | "SCRIPT"
            | "SLOWLOG"
            | "XGROUP"
            | "XINFO"
    )
}

impl Command {
    fn of_object(input: Object<'_>) -> Option<Command> {
        let name = first_text_of(input, &["command", "cmd", "commandName", "name"])?;
        let arguments = ["arguments", "args", "commandArgs"]
            .iter()
            .find_map(|member| match input.get(member) {
                Some(Value::Array(arguments)) => Some((*member, arguments)),
                _ => None,
            });
        let words = split(name);
        let Some((member, arguments)) = arguments else {
            return Command::of_words(words);
        };
        let mut arguments: Vec<String> = arguments.iter().map(word).collect();
        // Python's SDK writes `GET ?` as the command and names it again as
        // the first argument, sometimes with its subcommand: `CONFIG GET`.
        if member == "arguments" || words.len() > 1 {
            let repeated = arguments
                .first()
                .map(|first| split(first))
                .unwrap_or_default();
            if let (Some(command), Some(first)) = (words.first(), repeated.first())
                && command.eq_ignore_ascii_case(first)
            {
                arguments.splice(..1, repeated);
                return Command::of_words(arguments);
            }
        }
        // Else the command's own words come first, without the marks of arguments.
        let mut line: Vec<String> = words.into_iter().filter(|word| word != "?").collect();
        line.truncate(2);
        line.append(&mut arguments);
        Command::of_words(line)
    }

    fn of_words(words: Vec<String>) -> Option<Command> {
        let mut words = words.into_iter();
        let mut name = words.next()?.to_ascii_uppercase();
        let mut arguments: Vec<String> = words.collect();
        if has_subcommand(&name) && !arguments.is_empty() {
            name = format!("{name} {}", arguments.remove(0).to_ascii_uppercase());
        }
        Some(Command {
            keys: keys_of(&name, &arguments),
            argument_count: arguments.len(),
            name,
        })
    }

    fn mismatch(&self, live: &Command) -> Option<Mismatch> {
        Mismatch::unless_equal(MismatchPart::RedisCommand, &live.name, &self.name)
            .or_else(|| {
                Mismatch::unless_equal(
                    MismatchPart::RedisKeys,
                    &live.keys.join(" "),
                    &self.keys.join(" "),
                )
            })
            .or_else(|| {
                // One key with a space in it is not two keys.
                (live.keys != self.keys).then(|| Mismatch {
                    part: MismatchPart::RedisKeys,
                    live: format!("{:?}", live.keys),
                    recorded: format!("{:?}", self.keys),
                })
            })
            .or_else(|| {
                Mismatch::unless_equal(
                    MismatchPart::RedisArgumentCount,
                    &live.argument_count.to_string(),
                    &self.argument_count.to_string(),
                )
            })
    }
}

/// Which arguments are keys, by the key specifications of Redis 7.
fn keys_of(name: &str, arguments: &[String]) -> Vec<String> {
    let numbered = |at: usize| -> Vec<String> {
        let count = arguments.get(at).and_then(|count| count.parse().ok());
        arguments
            .iter()
            .skip(at + 1)
            .take(count.unwrap_or(0))
            .cloned()
            .collect()
    };
    match name {
        "PING" | "ECHO" | "AUTH" | "SELECT" | "HELLO" | "INFO" | "TIME" | "DBSIZE" | "FLUSHALL"
        | "FLUSHDB" | "MULTI" | "EXEC" | "DISCARD" | "UNWATCH" | "QUIT" | "SCAN" | "WAIT"
        | "RANDOMKEY" | "KEYS" => match (name, arguments) {
            // The pattern says what is asked for, as a key does.
            ("KEYS", [pattern, ..]) => vec![pattern.clone()],
            ("SCAN", [_, options @ ..]) => option_after(options, "MATCH"),
            _ => Vec::new(),
        },
        "DEL" | "UNLINK" | "EXISTS" | "TOUCH" | "MGET" | "WATCH" | "SDIFF" | "SINTER"
        | "SUNION" | "SDIFFSTORE" | "SINTERSTORE" | "SUNIONSTORE" | "PFCOUNT" | "PFMERGE"
        | "SUBSCRIBE" | "PSUBSCRIBE" | "UNSUBSCRIBE" | "PUNSUBSCRIBE" => arguments.to_vec(),
        "MSET" | "MSETNX" => arguments.iter().step_by(2).cloned().collect(),
        "BLPOP" | "BRPOP" | "BZPOPMIN" | "BZPOPMAX" => arguments
            .split_last()
            .map(|(_, keys)| keys.to_vec())
            .unwrap_or_default(),
        "RENAME" | "RENAMENX" | "RPOPLPUSH" | "BRPOPLPUSH" | "LMOVE" | "BLMOVE" | "SMOVE"
        | "COPY" | "GEOSEARCHSTORE" | "ZRANGESTORE" => arguments.iter().take(2).cloned().collect(),
        "BITOP" => arguments.iter().skip(1).cloned().collect(),
        // The script, by text or digest, is part of what is asked for.
        "EVAL" | "EVALSHA" | "EVAL_RO" | "EVALSHA_RO" | "FCALL" | "FCALL_RO" => arguments
            .first()
            .cloned()
            .into_iter()
            .chain(numbered(1))
            .collect(),
        "ZUNION" | "ZINTER" | "ZDIFF" | "SINTERCARD" | "ZINTERCARD" | "LMPOP" | "ZMPOP" => {
            numbered(0)
        }
        "ZUNIONSTORE" | "ZINTERSTORE" | "ZDIFFSTORE" => arguments
            .first()
            .cloned()
            .into_iter()
            .chain(numbered(1))
            .collect(),
        "BLMPOP" | "BZMPOP" => numbered(1),
        "XREAD" | "XREADGROUP" => {
            let streams = arguments
                .iter()
                .position(|argument| argument.eq_ignore_ascii_case("STREAMS"))
                .map_or(arguments.len(), |at| at + 1);
            let streams = arguments.get(streams..).unwrap_or_default();
            streams.iter().take(streams.len() / 2).cloned().collect()
        }
        // The field is what is read, as a key is.
        "HGET" | "HEXISTS" | "HSTRLEN" | "HINCRBY" | "HINCRBYFLOAT" | "HSETNX" => {
            arguments.iter().take(2).cloned().collect()
        }
        "HMGET" | "HDEL" => arguments.to_vec(),
        "HSET" | "HMSET" => arguments
            .first()
            .cloned()
            .into_iter()
            .chain(arguments.iter().skip(1).step_by(2).cloned())
            .collect(),
        _ => arguments.iter().take(1).cloned().collect(),
    }
}

fn option_after(options: &[String], name: &str) -> Vec<String> {
    options
        .iter()
        .position(|option| option.eq_ignore_ascii_case(name))
        .and_then(|at| options.get(at + 1))
        .cloned()
        .into_iter()
        .collect()
}
