//! A small real service without an SDK, a recording of it, and the program `drift`.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    dead_code,
    reason = "a test that cannot go on fails with where and why, and not every test file uses all of it"
)]

#[path = "../../../drift-replay/tests/support/free_port.rs"]
mod ports;

use ports::free_port;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A service that answers every request with its path, and what it does besides.
pub(crate) const SERVICE: &str = r#"
import http.server, json, os, signal, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"path": self.path, "version": os.environ.get("VERSION", "1")}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments): pass
if os.environ.get("STUBBORN"): signal.signal(signal.SIGTERM, signal.SIG_IGN)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"#;

pub(crate) fn span(trace: char, start: u64, target: &str, body: &str) -> String {
    let id = trace.to_string().repeat(32);
    let encoded = base64(body);
    format!(
        r#"{{"traceId":"{id}","spanId":"{}","parentSpanId":"","name":"GET {target}","packageName":"http","submoduleName":"GET","packageType":1,"kind":2,"status":{{"code":1,"message":""}},"timestamp":{{"seconds":{start},"nanos":0}},"duration":{{"seconds":0,"nanos":1500000}},"isPreAppStart":false,"isRootSpan":true,"environment":"test","inputValue":{{"method":"GET","target":"{target}","headers":{{}}}},"outputValue":{{"statusCode":200,"headers":{{"content-type":"application/json"}},"body":"{encoded}"}},"inputSchema":{{"type":6,"properties":{{}}}},"outputSchema":{{"type":6,"properties":{{"body":{{"type":6,"properties":{{}},"encoding":1,"decodedType":1}}}}}}}}"#,
        trace.to_string().repeat(16)
    )
}

fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            if place <= chunk.len() {
                encoded.push(char::from(
                    LETTERS[(bits >> (18 - 6 * place)) as usize & 63],
                ));
            } else {
                encoded.push('=');
            }
        }
    }
    encoded
}

pub(crate) struct Project {
    folder: tempfile::TempDir,
    pub(crate) port: u16,
}

impl Project {
    /// Two recorded requests of the service.
    pub(crate) fn new() -> Project {
        let project = Project {
            folder: tempfile::tempdir().unwrap(),
            port: free_port(),
        };
        let traces = project.path().join(".tusk/traces");
        std::fs::create_dir_all(&traces).unwrap();
        std::fs::write(project.path().join("service.py"), SERVICE).unwrap();
        for (trace, target) in [('a', "/orders"), ('b', "/products/1")] {
            let body = format!(r#"{{"version": "1", "path": "{target}"}}"#);
            let start = if trace == 'a' {
                1_795_227_890
            } else {
                1_795_227_900
            };
            std::fs::write(
                traces.join(format!("{trace}.jsonl")),
                span(trace, start, target, &body) + "\n",
            )
            .unwrap();
        }
        project.configure("exec python3 service.py $PORT");
        project
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn configure(&self, command: &str) {
        let config = format!(
            "service:\n  port: {}\n  start:\n    command: {}\n",
            self.port,
            command.replace("$PORT", &self.port.to_string())
        );
        std::fs::write(self.path().join(".tusk/config.yaml"), config).unwrap();
    }

    /// Every request for a product is never answered.
    pub(crate) fn hang(&self) {
        let hanging = SERVICE.replace(
            "        body = json",
            "        import time\n        if 'products' in self.path: time.sleep(600)\n        body = json",
        );
        std::fs::write(self.path().join("service.py"), hanging).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        drift(arguments, self.path())
    }

    pub(crate) fn drift(&self, arguments: &[&str]) -> Ran {
        Ran::of(&mut self.command(arguments))
    }

    /// What a command says when it ends as wrong use.
    pub(crate) fn refused(&self, arguments: &[&str]) -> String {
        let ran = self.drift(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.errors);
        ran.errors
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    pub(crate) fn accepts(&self) -> bool {
        std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok()
    }
}

/// How a command ended, and what it said.
pub(crate) struct Ran {
    pub(crate) output: String,
    pub(crate) errors: String,
    pub(crate) code: i32,
}

impl Ran {
    /// Runs a command to its end.
    pub(crate) fn of(command: &mut Command) -> Ran {
        Ran::from(command.output().unwrap())
    }
}

impl From<Output> for Ran {
    fn from(ended: Output) -> Ran {
        Ran {
            output: text(&ended.stdout),
            errors: text(&ended.stderr),
            code: ended.status.code().expect("it ended by itself"),
        }
    }
}

/// The program, to be run in a folder and at home there.
pub(crate) fn drift(arguments: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drift"));
    command.args(arguments);
    at_home_in(folder, &mut command);
    command
}

/// Lets a command run in a folder and be at home there, without input.
pub(crate) fn at_home_in(folder: &Path, command: &mut Command) {
    command
        .current_dir(folder)
        .env("HOME", folder)
        .stdin(Stdio::null());
}

/// The first line that a child prints, and where the rest comes from.
pub(crate) fn first_line(child: &mut Child) -> (String, BufReader<ChildStdout>) {
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    (line, output)
}

pub(crate) fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "waited in vain for {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn interrupt(child: &Child) {
    signal(child, "-INT");
}

pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
