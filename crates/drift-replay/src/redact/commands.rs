//! The secrets of Redis commands: only the command tells which of its words are some.

use super::Redactor;
use crate::tree::Json;

impl Redactor {
    /// The summary of a call of a package, as [`summary`](crate::outbound::summary)
    /// makes it: of a command, all words from its first secret on are secrets.
    pub fn summary(&self, package: &str, summary: &str) -> String {
        let command = summary
            .strip_prefix(package)
            .and_then(|rest| rest.strip_prefix(' '))
            .filter(|_| self.options.enabled);
        let Some(command) = command else {
            return self.text(summary);
        };
        let words: Vec<&str> = command.split(' ').collect();
        let arguments: Vec<Option<&str>> = words.iter().copied().map(Some).collect();
        let name = words.first().copied().unwrap_or_default();
        let first = first_secret_argument(name, &arguments);
        let Some(first) = first.or_else(|| self.first_field(&words)) else {
            return self.text(summary);
        };
        let (shown, secret) = words.split_at(first.min(words.len()));
        let mut shown = self.text(&format!("{package} {}", shown.join(" ")));
        for word in secret {
            shown.push(' ');
            shown.push_str(&self.argument(word));
        }
        shown
    }

    /// An argument that is a secret; what `ACL SETUSER` does with it stays.
    fn argument(&self, word: &str) -> String {
        // One word of `[redacted 3]`, put there before.
        let bare = word.trim_start_matches(PASSWORD_SIGNS);
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if bare == "[redacted" || bare.strip_suffix(']').is_some_and(is_number) {
            return word.to_owned();
        }
        match word.strip_prefix(PASSWORD_SIGNS) {
            Some(secret) if !secret.is_empty() => {
                let sign = word.strip_suffix(secret).unwrap_or_default();
                format!("{sign}{}", self.placeholder(secret))
            }
            _ => self.placeholder(word),
        }
    }

    /// A command with its arguments, or several in a list, as the SDKs record Redis.
    pub(super) fn command(&self, members: &mut [(String, Json)]) {
        if let Some((_, Json::Array(commands))) =
            members.iter_mut().find(|(key, _)| key == "commands")
        {
            for command in commands {
                match command {
                    Json::Array(words) => {
                        let name = words.first().and_then(Json::as_str).map(str::to_owned);
                        self.arguments(&name.unwrap_or_default(), words);
                    }
                    Json::String(text) => *text = self.written_out(text),
                    _ => {}
                }
            }
        }
        let has_arguments = members
            .iter()
            .any(|(key, _)| matches!(key.as_str(), "args" | "arguments"));
        let name = members.iter_mut().find(|(key, value)| {
            let is_command = |text: &str| {
                COMMANDS_WITH_PASSWORDS
                    .iter()
                    .any(|name| text.starts_with(name))
            };
            match key.as_str() {
                "command" | "cmd" => true,
                "name" => has_arguments,
                // In lower case it may be the begin of a sentence.
                "statement" | "query" | "text" => value.as_str().is_some_and(is_command),
                _ => false,
            }
        });
        let Some((_, Json::String(text))) = name else {
            return;
        };
        let command = text.clone();
        *text = self.written_out(text);
        let arguments = members
            .iter_mut()
            .find(|(key, _)| matches!(key.as_str(), "args" | "arguments"));
        if let Some((_, Json::Array(arguments))) = arguments {
            self.arguments(&command, arguments);
        }
    }

    /// Values behind the name of a secret: of a field of a hash, or of a key
    /// (`user:1:password`).
    fn fields(&self, arguments: &mut [Json]) {
        let mut is_secret = false;
        for argument in arguments {
            if std::mem::take(&mut is_secret) {
                self.hide(argument);
            } else if let Some(name) = argument.as_str() {
                let last = name.rsplit(':').next().unwrap_or(name);
                is_secret = self.is_secret_key(last);
            }
        }
    }

    /// Where in a command that is written out the value of a secret field or key begins.
    fn first_field(&self, words: &[&str]) -> Option<usize> {
        let (name, arguments) = words.split_first()?;
        let is_secret = |word: &&str| {
            let last = word.rsplit(':').next().unwrap_or(word);
            self.is_secret_key(last)
        };
        let field = arguments.iter().position(is_secret)?;
        is(name, &COMMANDS_WITH_FIELDS).then_some(field + 2)
    }

    /// A command with its arguments in one text.
    fn written_out(&self, text: &str) -> String {
        let words: Vec<Option<&str>> = text.split(' ').map(Some).collect();
        let name = words.first().copied().flatten().unwrap_or_default();
        let first = first_secret_argument(name, &words);
        let words: Vec<&str> = words.into_iter().flatten().collect();
        let Some(first) = first.or_else(|| self.first_field(&words)) else {
            return text.to_owned();
        };
        let words = words.into_iter().enumerate();
        let shown = words.map(|(at, word)| match word {
            // What stands for an argument that is recorded beside it.
            "?" => word.to_owned(),
            _ if at < first => word.to_owned(),
            _ => self.argument(word),
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    fn arguments(&self, command: &str, arguments: &mut [Json]) {
        if is(first_word(command), &COMMANDS_WITH_FIELDS) {
            self.fields(arguments);
        }
        let words: Vec<Option<&str>> = arguments.iter().map(Json::as_str).collect();
        let Some(first) = first_secret_argument(command, &words) else {
            return;
        };
        let is_rule_of_user = is(first_word(command), &["acl"]);
        for argument in arguments.iter_mut().skip(first) {
            match argument {
                Json::String(word) if is_rule_of_user => {
                    if word.starts_with(PASSWORD_SIGNS) {
                        *word = self.argument(word);
                    }
                }
                Json::String(word) => *word = self.placeholder(word),
                other => self.hide(other),
            }
        }
    }
}

/// Commands whose arguments are names and values in turn, or a key and its value.
const COMMANDS_WITH_FIELDS: [&str; 8] = [
    "hset", "hmset", "hsetnx", "set", "setnx", "mset", "msetnx", "xadd",
];

/// Commands that have a password, as they are written with their arguments.
const COMMANDS_WITH_PASSWORDS: [&str; 6] = [
    "AUTH ",
    "HELLO ",
    "CONFIG SET ",
    "MIGRATE ",
    "SENTINEL SET ",
    "ACL SETUSER ",
];

/// What `ACL SETUSER` adds and takes away: passwords, and their hashes.
const PASSWORD_SIGNS: [char; 4] = ['>', '<', '#', '!'];

/// Options whose next argument is a password, or a user before it.
const BEFORE_PASSWORDS: [&str; 8] = [
    "auth",
    "auth2",
    "requirepass",
    "masterauth",
    "auth-pass",
    "sentinel-pass",
    "tls-key-file-pass",
    "tls-client-key-file-pass",
];

fn is(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn first_word(command: &str) -> &str {
    command.split([' ', ':']).next().unwrap_or(command)
}

/// Where the secrets of a Redis command begin: behind `AUTH`, alone, in `HELLO` or
/// in `MIGRATE`, behind the names of the passwords that `CONFIG SET` and `SENTINEL
/// SET` give, and at the first password of `ACL SETUSER`.
fn first_secret_argument(command: &str, arguments: &[Option<&str>]) -> Option<usize> {
    let command = first_word(command);
    // The Python SDK writes the command again before its arguments.
    let own_name = arguments
        .first()
        .copied()
        .flatten()
        .is_some_and(|first| first.eq_ignore_ascii_case(command));
    let find = |wanted: &dyn Fn(&str) -> bool| {
        let mut words = arguments.iter();
        words.position(|item| item.is_some_and(wanted))
    };
    match command.to_ascii_lowercase().as_str() {
        "auth" => Some(usize::from(own_name)),
        "hello" | "config" | "migrate" | "sentinel" => {
            find(&|word| is(word, &BEFORE_PASSWORDS)).map(|at| at + 1)
        }
        "acl" => find(&|word| word.starts_with(PASSWORD_SIGNS)),
        _ => None,
    }
}
