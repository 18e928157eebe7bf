//! The arguments of every command. Their texts are the manual.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

const EXIT_CODES: &str = "\
Exit codes:
  0    done: everything is as it was recorded, or equal
  1    deviations, tests that failed, or differences
  2    wrong use, or a set-up that does not work
  130  stopped by Ctrl-C; what was done is printed
  143  stopped by SIGTERM, the same (129: the terminal was closed, 131: Ctrl-\\)";

/// A file to write. Standard output has the results already.
fn file(name: &str) -> Result<PathBuf, &'static str> {
    match name {
        "-" => {
            Err("standard output has the results already; name a file (./- for one of this name)")
        }
        name => Ok(PathBuf::from(name)),
    }
}

/// The command line with what the published program takes before its commands,
/// `--debug` and `--config FILE`, behind the command.
pub(crate) fn in_our_order(line: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut line = line.into_iter();
    let mut ordered: Vec<OsString> = line.next().into_iter().collect();
    let mut moved = Vec::new();
    let mut debug = None;
    for argument in line.by_ref() {
        let text = argument.to_string_lossy().into_owned();
        if moved.last().is_some_and(|last| last == "--config") || text.starts_with("--config=") {
            moved.push(argument);
        } else if text == "--debug" {
            debug = Some(argument);
        } else if text == "--config" {
            moved.push(argument);
        } else {
            // The others say no more for it.
            let says_more = matches!(text.as_str(), "run" | "replay");
            ordered.push(argument);
            ordered.extend(debug.filter(|_| says_more));
            break;
        }
    }
    ordered.extend(moved);
    ordered.extend(line);
    ordered
}

/// A number of traces to record.
fn trace_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("give 1 or more, or leave --traces out to record until Ctrl-C".to_owned()),
        parsed => parsed.map_err(|error: std::num::ParseIntError| error.to_string()),
    }
}

/// Records what a service does, replays it offline, and shows what changed.
///
/// A service that is instrumented with a Tusk Drift SDK writes traces while
/// `drift record` runs it. `drift replay` starts it again without its databases
/// and upstreams, sends it the recorded requests, answers its outbound calls
/// from the recording, and shows every difference in what it does.
#[derive(Debug, Parser)]
#[command(name = "drift", version, after_help = EXIT_CODES, max_term_width = 100, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Record(RecordArguments),
    #[command(visible_alias = "list")]
    Traces(TracesArguments),
    #[command(visible_alias = "run")]
    Replay(Box<ReplayArguments>),
    Explain(ExplainArguments),
    Serve(ServeArguments),
    Diff(DiffArguments),
    Hash(HashArguments),
    Inspect(InspectArguments),
}

/// Runs a service in RECORD mode and shows the traces that arrive.
///
/// The command runs with TUSK_DRIFT_MODE=RECORD and a sampling rate of 1, in a
/// process group of its own, with this terminal's output. Ctrl-C ends the
/// recording: drift waits until the trace files have stopped growing (the SDKs
/// write them every 2 to 5 seconds and lose what is not written when they are
/// stopped), and stops the service and its children. A second Ctrl-C does not wait, and kills
/// them. A command that ends with 0 and leaves processes running is still recorded.
///
/// Traces go where the SDK puts them: `traces.dir` of .tusk/config.yaml, else
/// .tusk/traces, seen from the folder that drift runs in.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drift record -- python app.py
  drift record --for 60 -- node server.js     in CI, while something else sends requests
  drift record --traces 20 -- npm start       until twenty traces are recorded

Exit codes:
  0    recorded until --for, --traces, or the command's own end with 0
  2    wrong use, or the command could not be started
  130  ended by Ctrl-C; what came until then is recorded
  143  ended by SIGTERM, the same (129: the terminal was closed, 131: Ctrl-\\)
  else what the command ended with by itself")]
pub(crate) struct RecordArguments {
    /// Stop after so many seconds
    #[arg(long = "for", value_name = "SECONDS")]
    pub(crate) for_seconds: Option<u64>,
    /// Stop when so many new traces are there, at least 1
    #[arg(long, value_name = "COUNT", value_parser = trace_count)]
    pub(crate) traces: Option<usize>,
    /// How long the trace files must not have grown before the service is stopped
    #[arg(long, value_name = "SECONDS", default_value_t = 6)]
    pub(crate) settle: u64,
    /// Which part of the requests the SDK records, from 0 to 1
    #[arg(long, value_name = "RATE", default_value_t = 1.0)]
    pub(crate) sampling_rate: f64,
    /// Where the SDK writes, where that is not what the configuration here says. The SDK is not told: it takes the folder from `traces.dir` of its own .tusk/config.yaml alone
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) trace_dir: Option<PathBuf>,
    /// Print nothing but errors; the service's own output stays
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// The command that starts the service, and its arguments; the `--` may be left out
    #[arg(trailing_var_arg = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<std::ffi::OsString>,
}

/// Where the recording is.
#[derive(Debug, Args)]
pub(crate) struct PlaceArguments {
    /// The folder with the trace files, or one file; `traces.dir` of the configuration, else .tusk/traces
    #[arg(long, value_name = "PATH", global = true)]
    pub(crate) trace_dir: Option<PathBuf>,
    /// The configuration; .tusk/config.yaml of this folder or the nearest one above it
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
}

/// Shows what is recorded: a table of the traces, or one of them as a tree.
///
/// Trace files are those of the SDKs, *.jsonl, also compressed (*.jsonl.gz, *.jsonl.zst). A broken
/// line is reported with its file and line, and left out. Secrets are hidden as in reports, unless
/// redaction.enabled of the configuration is false.
#[derive(Debug, Args)]
#[command(after_help = "\
Filters are key=regex[,key=regex...] and all have to match. Keys: path, name, operation (GraphQL),
type, method, status (success, error), id, file. An expression is found anywhere in the text unless
^ and $ say otherwise; case matters but in type, method and status. Quote an expression that has a
comma.

Examples:
  drift traces
  drift traces --filter 'method=POST,path=^/orders'
  drift traces --json | jq '.tests[].path'
  drift traces show 9af0
  drift traces show 9af0 --json | jq .name

Exit codes:
  0  shown, however many match
  2  wrong use, or there is no recording")]
pub(crate) struct TracesArguments {
    #[command(subcommand)]
    pub(crate) command: Option<TracesCommand>,
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// Only the traces that match
    #[arg(short, long, value_name = "FILTER")]
    pub(crate) filter: Option<String>,
    /// Also the traces without a request, which answer calls and are no tests: what the service
    /// called while it started, and requests that the SDK did not keep
    #[arg(long)]
    pub(crate) all: bool,
    /// JSON on standard output: {count, tests: [...]}; of `show`, one object a span and line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Taken for the published program's sake: no service is started here
    #[arg(long, hide = true)]
    pub(crate) enable_service_logs: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TracesCommand {
    Show(ShowArguments),
}

/// Draws one trace as a tree: who called what, when, and how long it took.
///
/// Spans are in the order of their start. One whose parent is not in the trace stands at the left
/// and says so.
#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The trace's id, or enough of its beginning
    #[arg(value_name = "TRACE", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) trace: String,
}

/// Replays the recording against the service, and shows every difference.
///
/// Starts the service by `service.start.command` of the configuration, without its databases and
/// upstreams: its outbound calls are answered from the recording. Sends it every recorded request,
/// compares the responses and the outbound calls with the recorded ones, and stops it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drift replay
  drift replay --filter 'path=^/orders' --verbose
  drift replay --report report.html --junit junit.xml      in CI
  drift replay --learn 5       five runs of an unchanged service; proposes rules for what varies

Exit codes:
  0    everything is as it was recorded, or no recorded request matches the filter
  1    a test deviated or failed
  2    wrong use, the recording holds no request to replay, or the service could not be started
  130  stopped by Ctrl-C; the service is stopped and what was done is printed
       (a second Ctrl-C kills the service and its stop command)
  143  stopped by SIGTERM, the same (129: the terminal was closed, 131: Ctrl-\\)")]
pub(crate) struct ReplayArguments {
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// Only the tests that match: key=regex[,key=regex...], see `drift traces --help`
    #[arg(short, long, value_name = "FILTER")]
    pub(crate) filter: Option<String>,
    /// Only the trace with this id, or enough of its beginning
    #[arg(long, value_name = "TRACE", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) trace_id: Option<String>,
    /// Only the traces of this file, by its path, or by a name that one file of the recording has; answers may come from all files
    #[arg(long, value_name = "FILE")]
    pub(crate) trace_file: Option<PathBuf>,
    /// Requests under way at once; 1 for Python services, whose clock is set for each test
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) concurrency: Option<u16>,
    /// One self-contained HTML page
    #[arg(long, value_name = "FILE", value_parser = file)]
    pub(crate) report: Option<PathBuf>,
    /// JUnit XML
    #[arg(long, value_name = "FILE", value_parser = file)]
    pub(crate) junit: Option<PathBuf>,
    /// The results as one JSON object on standard output
    #[arg(long, conflicts_with = "output_format")]
    pub(crate) json: bool,
    /// `json`: one object a test on standard output, in the form of the published program
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) output_format: Option<OutputFormat>,
    /// Write a folder run-<time> under the results directory: `json`, results.json in the form of the published program; `agent`, Markdown for a coding agent, a page for each deviating test and index.md
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) save_results: Option<SavedFormat>,
    /// Where --save-results writes; `results.dir` of the configuration, else .tusk/results
    #[arg(long, value_name = "DIRECTORY", requires = "save_results")]
    pub(crate) results_dir: Option<PathBuf>,
    /// Replay so many times against the unchanged service and propose rules for what varies
    #[arg(
        long,
        value_name = "RUNS",
        value_parser = clap::value_parser!(u16).range(2..=100),
        conflicts_with_all = [
            "report", "junit", "json", "output_format", "save_results", "show_coverage", "coverage_output",
        ],
    )]
    pub(crate) learn: Option<u16>,
    /// Keep the service's whole output in .tusk/logs
    #[arg(long)]
    pub(crate) enable_service_logs: bool,
    /// Whether the service may connect only to its own TCP port and the mock server: `strict` requires it, `auto` does it where the system can and the service comes up; `replay.sandbox.mode` of the configuration, else auto
    #[arg(long, value_enum, value_name = "MODE")]
    pub(crate) sandbox_mode: Option<SandboxModeName>,
    /// A configuration of the published program's sandbox (fence); its `allowLocalOutboundPorts` are allowed
    #[arg(long, value_name = "FILE")]
    pub(crate) sandbox_config: Option<PathBuf>,
    /// Collect coverage, where the SDK can, and print its totals
    #[arg(long)]
    pub(crate) show_coverage: bool,
    /// Collect coverage and write it as LCOV
    #[arg(long, value_name = "FILE", value_parser = file)]
    pub(crate) coverage_output: Option<PathBuf>,
    /// Only deviations and the summary
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Also the differences that rules accept, and every outbound call
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// The published program's name for it, which it takes together with --quiet
    #[arg(long, hide = true)]
    pub(crate) debug: bool,
    /// Taken for the published program's sake: this program always prints
    #[arg(short, long, hide = true)]
    pub(crate) print: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SandboxModeName {
    Strict,
    Auto,
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SavedFormat {
    Json,
    Agent,
}

/// Shows what the matcher compares for a call: the classes it looks at, the candidates, and why each lost.
///
/// The call is a recorded one, or one that the service made during the last `drift replay`, which
/// prints the ids of calls that it could not answer exactly. Nothing is counted as used yet. Secrets
/// are hidden as in reports, unless redaction.enabled of the configuration is false.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drift traces show 9af0            shows the ids of the trace's spans
  drift explain 9af0 56d0a5
  drift explain 9af0 56d0a5 --json | jq '.candidates[] | {span_id, why}'

JSON, with --json:
  {call, owner, guard, problem, unread, steps, found, candidates, candidate_count}
  call        {span_id, package_name, summary, origin}
  owner       {kind, trace_id}: kind is test, boot (no test) or unknown (no recorded trace)
  guard       what an answer has to share; problem says what is wrong with the input, or is null
  unread      {code, message}: why a recorded call that may answer could not be read, or null
  steps       [{form, reach, candidates, outcome}], the classes in order: reach is trace, suite or
              boot; outcome is no_form, nothing, all_used, none_compatible or answers
  found       {span_id, trace_id, place, why, replayed, not_compared}, or null; place is {file, line}
  candidates  [{span_id, name, place, similarity, used, answers, differing, ignored, same_schema,
              mismatch, why}], the nearest of candidate_count; mismatch is the code of the part of
              the guard that differs, or null

Exit codes:
  0  shown, whether something answers the call or not
  2  wrong use, no such call, or several whose ids begin so: they are listed")]
pub(crate) struct ExplainArguments {
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// The trace's id, or enough of its beginning
    #[arg(value_name = "TRACE", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) trace: String,
    /// The id of the span that is asked for, or enough of its beginning
    #[arg(value_name = "SPAN", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) span: String,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Serves the recorded answers to a service that is started elsewhere, in a container for instance.
///
/// Prints the variables that the service needs, then what it is asked, until Ctrl-C.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drift serve                                 a Unix socket in this project
  drift serve --tcp localhost:9001
  drift serve --tcp 0.0.0.0:9001              reachable from containers, and from the network

Exit codes:
  2    wrong use, or there is nowhere to listen
  130  ended by Ctrl-C; a second one does not wait for clients that do not read
  143  ended by SIGTERM (129: the terminal was closed, 131: Ctrl-\\)")]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// The Unix socket to listen on
    #[arg(long, value_name = "PATH", conflicts_with = "tcp")]
    pub(crate) socket: Option<PathBuf>,
    /// The address to listen on instead of a Unix socket; a name has to be one of this machine
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) tcp: Option<String>,
    /// Print nothing but the variables and errors
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// Shows what differs between two JSON files, two trace files, or two traces.
///
/// Values are compared by their canonical form: the order of keys and white space do not matter,
/// every digit of an integer does, other numbers are doubles. A file named `-` is standard input,
/// and one may begin with a byte order mark. Arrays of different lengths are aligned, so that one
/// element more is one difference.
///
/// Of traces the calls are paired (method, host and path; the structure of a statement; a command
/// and its key) and their inputs and outputs compared, bodies decoded. Not compared are ids, times,
/// the size and digests of a body that differs, headers that replay never looks at, and calls that
/// replay never asks for: connects of database drivers, and what a library does through another
/// one. What the configuration lets differ is shown as accepted, and secrets are hidden as in
/// reports.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drift diff before.json after.json
  curl -s localhost:3000/orders | drift diff expected.json -
  drift diff 9af04cc1 324355dc                 two traces of the recording
  drift diff old/trace.jsonl new/trace.jsonl
  drift diff 9af04cc1 new/trace.jsonl          a recorded trace and a file

JSON, with --json:
  of JSON files   [{kind, path, left, right}]: kind is added, removed or changed; left and right are
                  the values, absent where a side has none
  of traces       [{call, left_span_id, right_span_id, input, output}], one object a call; input and
                  output are lists as of JSON files, with accepted_by where a rule accepts it

Exit codes:
  0  equal, or what differs is accepted
  1  different
  2  wrong use, or a file that cannot be read")]
pub(crate) struct DiffArguments {
    /// The left side: a JSON file, a trace file (*.jsonl, also .gz and .zst), or a trace's id or
    /// enough of its beginning
    #[arg(value_name = "A")]
    pub(crate) left: PathBuf,
    /// The right side
    #[arg(value_name = "B")]
    pub(crate) right: PathBuf,
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// One JSON array on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Prints the canonical form of a JSON text, its hashes and its schema.
///
/// With --merges the value is decoded first, as the SDKs do it with bodies.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  echo '{\"b\": 1, \"a\": 2.0}' | drift hash
  drift hash --canonical order.json
  drift hash --merges '{\"body\": {\"encoding\": 1, \"decoded_type\": 1}}' request.json

Exit codes:
  0  printed
  2  wrong use, or no JSON")]
pub(crate) struct HashArguments {
    /// A file with one JSON value; standard input when it is absent or `-`
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// What is said about top-level members: an object of them, each with encoding (1 is base64),
    /// decoded_type (1 is JSON) or match_importance (0 to 1)
    #[arg(long, value_name = "JSON", conflicts_with = "profile")]
    pub(crate) merges: Option<String>,
    /// The rules of the canonical form
    #[arg(long, value_enum, default_value_t = ProfileName::Drift)]
    pub(crate) profile: ProfileName,
    /// Print the canonical form alone
    #[arg(long, conflicts_with = "json")]
    pub(crate) canonical: bool,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileName {
    /// What spans are hashed by
    Drift,
    /// JSON Canonicalization Scheme, RFC 8785
    Rfc8785,
}

/// Reads span, export-request and Struct bytes back, as JSON.
///
/// Without --as, bytes with a hexadecimal trace id are a span, bytes with such spans
/// an export request, and others with fields a Struct.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drift inspect span.bin
  drift inspect --as export request.bin | jq '.spans[].name'
  echo 0a0161 | drift inspect --hex -

Exit codes:
  0  printed
  2  wrong use, or the bytes are no such message")]
pub(crate) struct InspectArguments {
    /// A file with the bytes; standard input when it is absent or `-`
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Which message the bytes are
    #[arg(long = "as", value_enum, value_name = "MESSAGE")]
    pub(crate) message: Option<MessageName>,
    /// The input is hexadecimal text
    #[arg(long)]
    pub(crate) hex: bool,
    /// On one line, canonical
    #[arg(long)]
    pub(crate) compact: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MessageName {
    /// tusk.drift.backend.v1.ExportSpansRequest
    Export,
    /// tusk.drift.core.v1.Span
    Span,
    /// google.protobuf.Struct
    Struct,
}
