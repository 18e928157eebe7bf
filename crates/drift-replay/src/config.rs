//! The configuration: `.tusk/config.yaml` as the published program reads it,
//! and our own keys beside it. Leaves out everything that happens with it.

mod comparison;
mod sandbox;
mod syntax;
mod yaml;

pub use sandbox::{SandboxConfig, SandboxFile, SandboxMode};
pub use yaml::parse_duration;

use crate::outbound::{OutboundIgnore, OutboundOptions};
use crate::redact::RedactionOptions;
use crate::rules::{RuleError, Rules, pattern};
use saphyr::{LoadableYamlNode as _, MarkedYamlOwned};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use yaml::{Block, Field, Reader, Unknown};

/// The names under which a configuration is looked for in each directory,
/// the first that is there.
pub const CONFIG_NAMES: &[&str] = &[
    ".tusk/config.yaml",
    ".tusk/config.yml",
    "tusk.yaml",
    "tusk.yml",
];

/// Bytes that a configuration may have.
pub const MAX_CONFIG_BYTES: usize = 1 << 20;

/// Nested blocks and lists that a configuration may have.
pub const MAX_CONFIG_DEPTH: usize = 64;

/// How the service reaches the mock server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CommunicationKind {
    /// TCP when the start command runs docker, a unix socket otherwise.
    #[default]
    Auto,
    /// A unix socket.
    Unix,
    /// TCP.
    Tcp,
}

/// `service.readiness_check`. Its defaults are those of the published program where
/// there is a command; without one the port is looked at, often and longer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadinessCheck {
    /// Ready when it ends with 0; without one, when the port accepts.
    pub command: Option<String>,
    /// How long the service may take to be ready.
    pub timeout: Option<Duration>,
    /// How long between two tries.
    pub interval: Option<Duration>,
}

/// `service`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceConfig {
    /// `service.id`.
    pub id: Option<String>,
    /// `service.name`.
    pub name: Option<String>,
    /// `service.port`, default 3000.
    pub port: u16,
    /// `service.start.command`.
    pub start_command: Option<String>,
    /// `service.stop.command`.
    pub stop_command: Option<String>,
    /// `service.readiness_check`.
    pub readiness_check: ReadinessCheck,
    /// `service.communication.type`.
    pub communication: CommunicationKind,
    /// `service.communication.tcp_port`, default 9001.
    pub tcp_port: u16,
}

impl Default for ServiceConfig {
    fn default() -> Self {
        ServiceConfig {
            id: None,
            name: None,
            port: 3000,
            start_command: None,
            stop_command: None,
            readiness_check: ReadinessCheck::default(),
            communication: CommunicationKind::Auto,
            tcp_port: 9001,
        }
    }
}

/// `test_execution`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestExecution {
    /// Tests at a time, default 1.
    pub concurrency: usize,
    /// For one request, default 30 s.
    pub timeout: Duration,
}

impl Default for TestExecution {
    fn default() -> Self {
        TestExecution {
            concurrency: 1,
            timeout: Duration::from_secs(30),
        }
    }
}

/// `recording`: what the SDKs read; kept for what starts them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordingConfig {
    /// `recording.sampling.base_rate`, else `recording.sampling_rate`, 0 to 1.
    pub sampling_rate: Option<f64>,
    /// `recording.export_spans`.
    pub export_spans: Option<bool>,
    /// `recording.enable_env_var_recording`.
    pub enable_env_var_recording: Option<bool>,
    /// `recording.exclude_paths`.
    pub exclude_paths: Vec<String>,
}

/// `coverage`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CoverageConfig {
    /// `coverage.enabled`, default false.
    pub enabled: bool,
    /// `coverage.include`: glob patterns.
    pub include: Vec<String>,
    /// `coverage.exclude`: glob patterns.
    pub exclude: Vec<String>,
    /// `coverage.strip_path_prefix`.
    pub strip_path_prefix: Option<String>,
}

/// Something that works, and that the user should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigNotice {
    /// The line, from 1; 0 when it is about the environment.
    pub line: u64,
    /// The key, dotted.
    pub key: String,
    /// A sentence.
    pub message: String,
}

/// A configuration, defaults filled in.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file; `None` when there is none and all is default.
    pub file: Option<PathBuf>,
    /// The directory that relative directories are taken from: the one that
    /// holds `.tusk` or `tusk.yaml`; the working directory for `~/.tusk`.
    pub base_dir: PathBuf,
    /// `service`.
    pub service: ServiceConfig,
    /// `test_execution`.
    pub test_execution: TestExecution,
    /// `comparison`.
    pub comparison: Rules,
    /// `outbound`, ours.
    pub outbound: OutboundOptions,
    /// `redaction`, ours.
    pub redaction: RedactionOptions,
    /// `recording`.
    pub recording: RecordingConfig,
    /// `replay.sandbox`.
    pub sandbox: SandboxConfig,
    /// `traces.dir`, or `TUSK_TRACES_DIR`; default `.tusk/traces`.
    pub traces_dir: PathBuf,
    /// `results.dir`, or `TUSK_RESULTS_DIR`; default `.tusk/results`.
    pub results_dir: PathBuf,
    /// `coverage`.
    pub coverage: CoverageConfig,
    /// What the user should know.
    pub notices: Vec<ConfigNotice>,
}

/// What is wrong at one place; the names are permanent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigProblemCode {
    /// It is not YAML.
    InvalidYaml,
    /// A key that nothing reads.
    UnknownKey,
    /// A value of another type or outside its range.
    WrongType,
    /// A JSONPath that is none.
    InvalidJsonPath,
    /// A regular expression that is none.
    InvalidPattern,
    /// A rule that says nothing, or two things.
    InvalidRule,
}

impl ConfigProblemCode {
    /// The permanent name.
    pub const fn as_str(self) -> &'static str {
        match self {
            ConfigProblemCode::InvalidYaml => "invalid_yaml",
            ConfigProblemCode::UnknownKey => "unknown_key",
            ConfigProblemCode::WrongType => "wrong_type",
            ConfigProblemCode::InvalidJsonPath => "invalid_json_path",
            ConfigProblemCode::InvalidPattern => "invalid_pattern",
            ConfigProblemCode::InvalidRule => "invalid_rule",
        }
    }
}

/// One fault of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// The line, from 1.
    pub line: u64,
    /// The column, from 1.
    pub column: u64,
    /// What kind it is.
    pub code: ConfigProblemCode,
    /// The key, dotted; empty for the file.
    pub key: String,
    /// A sentence with the remedy.
    pub message: String,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read: the environment's fault; see the source.
    #[error("{}: cannot be read", .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is larger than [`MAX_CONFIG_BYTES`], so it is some other file.
    #[error("{}: {bytes} bytes are more than the {MAX_CONFIG_BYTES} that a configuration may have", .file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// It was read and has faults: the user's to mend, all of them are listed.
    #[error("{}", ProblemList { file, problems })]
    Invalid {
        /// The file.
        file: PathBuf,
        /// All faults, by line.
        problems: Vec<ConfigProblem>,
    },
}

impl ConfigError {
    /// The permanent name of the fault.
    pub fn code(&self) -> &'static str {
        match self {
            ConfigError::Read { .. } => "config_unreadable",
            ConfigError::TooLarge { .. } => "config_too_large",
            ConfigError::Invalid { .. } => "config_invalid",
        }
    }
}

struct ProblemList<'e> {
    file: &'e Path,
    problems: &'e [ConfigProblem],
}

impl fmt::Display for ProblemList<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(out)?;
            }
            write!(
                out,
                "{}:{}:{}: {}",
                self.file.display(),
                problem.line,
                problem.column,
                problem.message
            )?;
        }
        Ok(())
    }
}

/// Reads an environment variable; `std::env::var(name).ok()` in a program.
pub type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

impl Config {
    /// The first of [`CONFIG_NAMES`] in a directory or one above it; then
    /// `.tusk/config.yaml` or `.yml` in the home directory.
    pub fn find(start: &Path, home: Option<&Path>) -> Option<PathBuf> {
        let upward = start
            .ancestors()
            .flat_map(|directory| CONFIG_NAMES.iter().map(|name| directory.join(name)));
        let at_home = home
            .into_iter()
            .flat_map(|directory| CONFIG_NAMES.iter().take(2).map(|name| directory.join(name)));
        upward.chain(at_home).find(|file| file.is_file())
    }

    /// The configuration that holds in a directory: of the file that
    /// [`Config::find`] finds, or the defaults.
    ///
    /// # Errors
    /// [`ConfigError`], naming every fault of the file with its line.
    pub fn discover(
        start: &Path,
        home: Option<&Path>,
        environment: Environment<'_>,
    ) -> Result<Config, ConfigError> {
        let Some(file) = Config::find(start, home) else {
            return Ok(Config::defaults(start, environment));
        };
        // One configuration for all projects: their directories are their own.
        let of_home = home.is_some_and(|home| file.parent() == Some(&home.join(".tusk")));
        let base = if of_home {
            start.to_owned()
        } else {
            project_of(&file, start)
        };
        Config::read_file(&file, &base, start, environment)
    }

    /// Reads one file; its project is the directory that holds it, or that
    /// holds its `.tusk`. `working_dir` is where a relative file name and the
    /// directories of the environment start.
    ///
    /// # Errors
    /// [`ConfigError`], naming every fault of the file with its line.
    pub fn load(
        file: &Path,
        working_dir: &Path,
        environment: Environment<'_>,
    ) -> Result<Config, ConfigError> {
        let base = project_of(file, working_dir);
        Config::read_file(file, &base, working_dir, environment)
    }

    fn read_file(
        file: &Path,
        base: &Path,
        working_dir: &Path,
        environment: Environment<'_>,
    ) -> Result<Config, ConfigError> {
        let text = Config::read_text(file)?;
        Config::parse_in(&text, file, base, working_dir, environment)
    }

    /// The text of a file that is not larger than a configuration may be.
    fn read_text(file: &Path) -> Result<String, ConfigError> {
        let read_error = |source| ConfigError::Read {
            file: file.to_owned(),
            source,
        };
        let bytes = std::fs::metadata(file).map_err(read_error)?.len();
        if bytes > MAX_CONFIG_BYTES as u64 {
            return Err(ConfigError::TooLarge {
                file: file.to_owned(),
                bytes,
            });
        }
        std::fs::read_to_string(file).map_err(read_error)
    }

    /// Reads a text as the contents of a file.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`], naming every fault with its line.
    ///
    /// ```
    /// use drift_replay::Config;
    /// use std::path::Path;
    /// let read = |text| Config::parse(text, Path::new("tusk.yaml"), Path::new("."), &|_| None);
    /// assert_eq!(read("service:\n  port: 8080\n").map(|config| config.service.port).ok(), Some(8080));
    /// let error = read("service:\n  prot: 8080\n").unwrap_err();
    /// assert_eq!(error.to_string(), "tusk.yaml:2:3: unknown key `service.prot`; did you mean `service.port`?");
    /// ```
    pub fn parse(
        text: &str,
        file: &Path,
        working_dir: &Path,
        environment: Environment<'_>,
    ) -> Result<Config, ConfigError> {
        let base = project_of(file, working_dir);
        Config::parse_in(text, file, &base, working_dir, environment)
    }

    fn parse_in(
        text: &str,
        file: &Path,
        base: &Path,
        working_dir: &Path,
        environment: Environment<'_>,
    ) -> Result<Config, ConfigError> {
        let mut config = Config::defaults(working_dir, environment);
        config.file = Some(file.to_owned());
        config.base_dir = base.to_owned();
        let mut reader = Reader::default();
        let mut dirs = (None, None);
        read_yaml(text, file, &mut reader, |reader, root| {
            dirs = config.read(reader, root);
        })?;
        config.notices.append(&mut reader.notices);
        config.set_directories(dirs, working_dir, environment);
        Ok(config)
    }

    /// No file: everything at its default, directories under the working one.
    pub fn defaults(working_dir: &Path, environment: Environment<'_>) -> Config {
        let mut config = Config {
            file: None,
            base_dir: working_dir.to_owned(),
            service: ServiceConfig::default(),
            test_execution: TestExecution::default(),
            comparison: Rules::default(),
            outbound: OutboundOptions::default(),
            redaction: RedactionOptions::default(),
            recording: RecordingConfig::default(),
            sandbox: SandboxConfig::default(),
            traces_dir: PathBuf::new(),
            results_dir: PathBuf::new(),
            coverage: CoverageConfig::default(),
            notices: Vec::new(),
        };
        config.set_directories((None, None), working_dir, environment);
        config
    }

    fn set_directories(
        &mut self,
        (traces, results): (Option<String>, Option<String>),
        working_dir: &Path,
        environment: Environment<'_>,
    ) {
        let choose = |name: &str, configured: Option<String>, default: &str| match environment(name)
            .filter(|value| !value.is_empty())
        {
            Some(value) => working_dir.join(value),
            None => self.base_dir.join(configured.as_deref().unwrap_or(default)),
        };
        let traces = choose("TUSK_TRACES_DIR", traces, ".tusk/traces");
        let results = choose("TUSK_RESULTS_DIR", results, ".tusk/results");
        self.traces_dir = traces;
        self.results_dir = results;
    }

    /// Reads the whole tree; gives `traces.dir` and `results.dir`.
    fn read(&mut self, reader: &mut Reader, root: Field<'_>) -> (Option<String>, Option<String>) {
        let top = reader.block(
            root,
            "",
            &[
                "service",
                "test_execution",
                "comparison",
                "outbound",
                "redaction",
                "recording",
                "replay",
                "traces",
                "results",
                "coverage",
                "transforms",
                "tusk_api",
            ],
            Unknown::Refuse,
        );
        let block = |reader: &mut Reader, name: &str, known: &[&str], unknown| match top.get(name) {
            Some(field) => reader.block(field, name, known, unknown),
            None => Block::default(),
        };
        if let Some(field) = top.get("service") {
            self.read_service(reader, field);
        }
        let tests = block(
            reader,
            "test_execution",
            &["concurrency", "timeout"],
            Unknown::Refuse,
        );
        if let Some(value) = reader.integer(&tests, "concurrency", 1, 1024) {
            self.test_execution.concurrency = usize::try_from(value).unwrap_or(1);
        }
        if let Some(value) = reader.duration(&tests, "timeout") {
            self.test_execution.timeout = value;
        }
        if let Some(field) = top.get("comparison") {
            self.comparison = comparison::read_comparison(reader, field);
        }
        if let Some(field) = top.get("outbound") {
            self.outbound = read_outbound(reader, field);
        }
        if let Some(field) = top.get("redaction") {
            self.redaction = read_redaction(reader, field);
        }
        if let Some(field) = top.get("recording") {
            self.read_recording(reader, field);
        }
        let replay = block(reader, "replay", &["sandbox"], Unknown::Refuse);
        self.sandbox = SandboxConfig::read(reader, &replay, &self.base_dir);
        let traces = block(reader, "traces", &["dir"], Unknown::Refuse);
        let results = block(reader, "results", &["dir"], Unknown::Refuse);
        let coverage = block(
            reader,
            "coverage",
            &["enabled", "include", "exclude", "strip_path_prefix"],
            Unknown::Refuse,
        );
        let texts = |reader: &mut Reader, name: &str| {
            let found = reader.strings(&coverage, name).unwrap_or_default();
            let mut patterns = Vec::new();
            for (text, line, column) in found {
                if let Err(error) = crate::coverage::check_pattern(&text) {
                    let key = format!("coverage.{name}");
                    let message = format!("{key}: {error}");
                    let code = ConfigProblemCode::InvalidPattern;
                    reader.problem_at((line, column), code, &key, message);
                }
                patterns.push(text);
            }
            patterns
        };
        self.coverage = CoverageConfig {
            include: texts(reader, "include"),
            exclude: texts(reader, "exclude"),
            enabled: reader.boolean(&coverage, "enabled").unwrap_or(false),
            strip_path_prefix: reader.string(&coverage, "strip_path_prefix"),
        };
        (
            reader.string(&traces, "dir"),
            reader.string(&results, "dir"),
        )
    }

    fn read_service(&mut self, reader: &mut Reader, field: Field<'_>) {
        let service = reader.block(
            field,
            "service",
            &[
                "id",
                "name",
                "port",
                "start",
                "stop",
                "readiness_check",
                "communication",
            ],
            Unknown::Refuse,
        );
        let below = |reader: &mut Reader, name: &str, known: &[&str]| match service.get(name) {
            Some(field) => reader.block(field, &service.name_of(name), known, Unknown::Refuse),
            None => Block::default(),
        };
        let target = &mut self.service;
        target.id = reader.string(&service, "id");
        target.name = reader.string(&service, "name");
        let port = |value: i64| u16::try_from(value).ok();
        if let Some(value) = reader.integer(&service, "port", 1, 65_535).and_then(port) {
            target.port = value;
        }
        let start = below(reader, "start", &["command"]);
        target.start_command = reader.string(&start, "command");
        if let (Some(command), Some(field)) = (&target.start_command, start.get("command"))
            && command.trim().is_empty()
        {
            reader.expected(
                field,
                &start.name_of("command"),
                "the command that starts the service",
            );
        }
        let stop = below(reader, "stop", &["command"]);
        target.stop_command = optional_command(reader, &stop);
        let ready = below(
            reader,
            "readiness_check",
            &["command", "timeout", "interval"],
        );
        target.readiness_check = ReadinessCheck {
            command: optional_command(reader, &ready),
            timeout: reader.duration(&ready, "timeout"),
            interval: reader.duration(&ready, "interval"),
        };
        let communication = below(reader, "communication", &["type", "tcp_port"]);
        let kinds = [
            ("auto", CommunicationKind::Auto),
            ("unix", CommunicationKind::Unix),
            ("tcp", CommunicationKind::Tcp),
        ];
        if let Some(kind) = reader.word(&communication, "type", &kinds) {
            target.communication = kind;
        }
        if let Some(value) = reader
            .integer(&communication, "tcp_port", 1, 65_535)
            .and_then(port)
        {
            target.tcp_port = value;
        }
    }

    fn read_recording(&mut self, reader: &mut Reader, field: Field<'_>) {
        let recording = reader.block(
            field,
            "recording",
            &[
                "sampling_rate",
                "sampling",
                "export_spans",
                "enable_env_var_recording",
                "exclude_paths",
            ],
            Unknown::Mention,
        );
        let sampling = match recording.get("sampling") {
            Some(field) => reader.block(
                field,
                "recording.sampling",
                &["mode", "base_rate", "min_rate", "log_transitions"],
                Unknown::Mention,
            ),
            None => Block::default(),
        };
        let old = reader.number(&recording, "sampling_rate");
        let rate = reader.number(&sampling, "base_rate");
        let exclude = reader.strings(&recording, "exclude_paths");
        self.recording = RecordingConfig {
            sampling_rate: rate.or(old),
            export_spans: reader.boolean(&recording, "export_spans"),
            enable_env_var_recording: reader.boolean(&recording, "enable_env_var_recording"),
            exclude_paths: exclude
                .unwrap_or_default()
                .into_iter()
                .map(|(text, ..)| text)
                .collect(),
        };
    }
}

/// Reads a text that is one YAML document; all faults are named at once.
fn read_yaml(
    text: &str,
    file: &Path,
    reader: &mut Reader,
    read: impl FnOnce(&mut Reader, Field<'_>),
) -> Result<(), ConfigError> {
    let invalid = |problems| ConfigError::Invalid {
        file: file.to_owned(),
        problems,
    };
    // A byte order mark, as some editors write it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    syntax::check(text).map_err(|problem| invalid(vec![problem]))?;
    let documents = MarkedYamlOwned::load_from_str(text)
        .map_err(|error| invalid(vec![syntax::scan_problem(&error)]))?;
    if let Some(root) = documents.first() {
        let field = Field {
            node: root,
            line: root.span.start.line() as u64,
            column: root.span.start.col() as u64 + 1,
        };
        read(reader, field);
    }
    if let Some(second) = documents.get(1) {
        reader.problems.push(syntax::yaml_problem(
            second.span.start.line() as u64,
            1,
            "a second document (`---`); a configuration is one".to_owned(),
        ));
    }
    if reader.problems.is_empty() {
        return Ok(());
    }
    let mut problems = std::mem::take(&mut reader.problems);
    problems.sort_by_key(|problem| (problem.line, problem.column));
    Err(invalid(problems))
}

/// A command that may be left out; an empty one is left out.
fn optional_command(reader: &mut Reader, block: &Block<'_>) -> Option<String> {
    reader
        .string(block, "command")
        .filter(|command| !command.trim().is_empty())
}

/// The directory of the project that a configuration belongs to.
fn project_of(file: &Path, working_dir: &Path) -> PathBuf {
    let parent = file.parent().unwrap_or(Path::new(""));
    let base = if parent.file_name().is_some_and(|name| name == ".tusk") {
        parent.parent().unwrap_or(Path::new(""))
    } else {
        parent
    };
    // A relative file is relative to the working directory.
    working_dir.join(base)
}

fn rule_problem(reader: &mut Reader, field: Field<'_>, key: &str, error: &RuleError) {
    let code = match error {
        RuleError::JsonPath { .. } => ConfigProblemCode::InvalidJsonPath,
        RuleError::Pattern { .. } => ConfigProblemCode::InvalidPattern,
        RuleError::Tolerance { .. } => ConfigProblemCode::InvalidRule,
    };
    reader.problem(field, code, key, format!("{key}: {error}"));
}

fn read_outbound(reader: &mut Reader, field: Field<'_>) -> OutboundOptions {
    let block = reader.block(
        field,
        "outbound",
        &["missing", "new", "more_often", "order", "changed", "ignore"],
        Unknown::Refuse,
    );
    let mut options = OutboundOptions::default();
    for (name, target) in [
        ("missing", &mut options.missing),
        ("new", &mut options.new),
        ("more_often", &mut options.more_often),
        ("order", &mut options.order),
        ("changed", &mut options.changed),
    ] {
        if let Some(value) = reader.boolean(&block, name) {
            *target = value;
        }
    }
    if let Some(field) = block.get("ignore") {
        for item in reader
            .items(field, "outbound.ignore", false)
            .unwrap_or_default()
        {
            let name = "outbound.ignore";
            let faults = reader.problems.len();
            let example = "`{package: redis}`";
            let Some(block) = reader.block_item(item, name, &["package", "name"], example) else {
                continue;
            };
            let package = reader.string(&block, "package");
            let text = reader.string(&block, "name");
            let compiled = text.map(|text| pattern(&text)).transpose();
            match compiled {
                Ok(None) if package.is_none() && reader.problems.len() > faults => {}
                Ok(None) if package.is_none() => reader.problem(
                    item,
                    ConfigProblemCode::InvalidRule,
                    name,
                    format!(
                        "{name}: an entry needs a `package`, a `name` (regular expression), or both"
                    ),
                ),
                Ok(name) => options.ignore.push(OutboundIgnore { package, name }),
                Err(error) => {
                    let place = block.get("name").unwrap_or(item);
                    rule_problem(reader, place, "outbound.ignore.name", &error);
                }
            }
        }
    }
    options
}

fn read_redaction(reader: &mut Reader, field: Field<'_>) -> RedactionOptions {
    let block = reader.block(
        field,
        "redaction",
        &["enabled", "headers", "keys", "patterns", "sql_parameters"],
        Unknown::Refuse,
    );
    let mut options = RedactionOptions::default();
    if let Some(value) = reader.boolean(&block, "enabled") {
        options.enabled = value;
    }
    if let Some(value) = reader.boolean(&block, "sql_parameters") {
        options.sql_parameters = value;
    }
    let texts = |found: Option<Vec<(String, u64, u64)>>| -> Vec<String> {
        found
            .unwrap_or_default()
            .into_iter()
            .map(|(text, ..)| text)
            .collect()
    };
    options.headers = texts(reader.strings(&block, "headers"));
    options.keys = texts(reader.strings(&block, "keys"));
    for (text, line, column) in reader.strings(&block, "patterns").unwrap_or_default() {
        match pattern(&text) {
            Ok(compiled) => options.patterns.push(compiled),
            Err(error) => {
                let place = Field {
                    node: field.node,
                    line,
                    column,
                };
                rule_problem(reader, place, "redaction.patterns", &error);
            }
        }
    }
    options
}

#[cfg(test)]
mod tests;
