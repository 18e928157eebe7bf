//! The service under replay: started in a process group of its own, watched
//! until it is ready, and stopped with everything that it started.
//!
//! What this module leaves out: talking to the service.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io::{self, Read, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use crate::process_group::{POLL, ProcessGroup};
use crate::wording::seconds;

mod environment;
mod port_holder;
mod sandbox;

pub use environment::{environment_for, is_never_applied, is_only_applied_where_unset};
pub use port_holder::port_holder;
pub use sandbox::{NoSandbox, Sandbox};

/// How often a port is looked at until it accepts.
pub const PORT_INTERVAL: Duration = Duration::from_millis(20);

/// How long one attempt to connect or one health check may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// How many lines of output an error shows.
const SHOWN_LINES: usize = 20;
/// What is kept of the output of a readiness command.
const COMMAND_OUTPUT_BYTES: usize = 64 << 10;

/// How to start, recognise and stop a service.
#[derive(Clone, Debug)]
pub struct ServiceSpec {
    /// Given to `/bin/sh -c`.
    pub command: String,
    /// Where it runs; the current directory if `None`.
    pub directory: Option<PathBuf>,
    /// The port that it listens on, on this machine.
    pub port: u16,
    /// How to tell that it is ready.
    pub readiness: Readiness,
    /// How long it may take to be ready.
    pub ready_timeout: Duration,
    /// Run before the processes are told to end (`docker compose down`).
    pub stop_command: Option<String>,
    /// How long it may take to end after SIGTERM.
    pub stop_grace: Duration,
    /// How much of the end of its output is kept.
    pub output_limit_bytes: usize,
    /// Where all of its output goes too, behind what is there.
    pub log_file: Option<PathBuf>,
    /// What it and all that it starts may connect to; `None` for everything. The
    /// readiness and the stop command are ours, and not confined.
    pub sandbox: Option<Sandbox>,
}

impl Default for ServiceSpec {
    fn default() -> Self {
        ServiceSpec {
            command: String::new(),
            directory: None,
            port: 3000,
            readiness: Readiness::PortAccepts {
                interval: PORT_INTERVAL,
            },
            ready_timeout: Duration::from_secs(30),
            stop_command: None,
            stop_grace: Duration::from_secs(3),
            output_limit_bytes: 256 * 1024,
            log_file: None,
            sandbox: None,
        }
    }
}

/// How to tell that a service is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Its port accepts a connection.
    PortAccepts {
        /// The pause between two attempts.
        interval: Duration,
    },
    /// A command for `/bin/sh -c` ends with the status 0.
    Command {
        /// The command.
        command: String,
        /// The pause between two attempts.
        interval: Duration,
    },
}

/// Why a service did not start. The project's fault in each case but the last.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Something listens on its port already, and would be tested in its place.
    #[error("port {port} is in use by {}; stop it, or set service.port to the port of the service", holder.as_deref().unwrap_or("another program"))]
    PortInUse {
        /// The port.
        port: u16,
        /// Which program, if that could be found out.
        holder: Option<String>,
    },
    /// It ended.
    #[error(
        "the start command {command:?} ended ({status}) before the service was ready; {}",
        shown(output)
    )]
    ExitedEarly {
        /// The start command.
        command: String,
        /// How, for people: `exit status: 1`, `signal: 9`.
        status: String,
        /// What it ended with; `None` after a signal.
        exit_code: Option<i32>,
        /// The end of its output.
        output: String,
    },
    /// It runs, and did not become ready in time.
    #[error("the service was not ready after {}: {reason}{}", seconds(*timeout), of_both(check_output.as_deref(), output))]
    NotReady {
        /// How long was waited.
        timeout: Duration,
        /// What was missing.
        reason: String,
        /// The end of what the readiness command printed, where there is one.
        check_output: Option<String>,
        /// The end of its output.
        output: String,
    },
    /// The log file cannot be written.
    #[error("the log file {path:?} cannot be written", path = .path)]
    LogFile {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system cannot keep its sandbox; nothing was started.
    #[error(transparent)]
    NoSandbox(#[from] NoSandbox),
    /// The system did not start the shell.
    #[error("/bin/sh could not be started for {command:?}")]
    CannotStart {
        /// The start command.
        command: String,
        /// What the system said.
        source: io::Error,
    },
}

impl ServiceError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            ServiceError::PortInUse { .. } => "port_in_use",
            ServiceError::ExitedEarly { .. } => "service_exited",
            ServiceError::NotReady { .. } => "service_not_ready",
            ServiceError::LogFile { .. } => "log_file",
            ServiceError::NoSandbox(_) => "no_sandbox",
            ServiceError::CannotStart { .. } => "cannot_start",
        }
    }
}

/// What a readiness command printed, and then the service, so that it is clear whose
/// the lines are.
fn of_both(check: Option<&str>, service: &str) -> String {
    match check {
        None => format!("; {}", shown(service)),
        Some(check) => format!("; {}\nof the service, {}", shown(check), shown(service)),
    }
}

/// What stands between a reason and the output that belongs to it.
const LAST_OUTPUT: &str = "its last output:";
/// What stands there when there is none.
const NO_OUTPUT: &str = "it printed nothing";

/// A reason in one line, without the output that belongs to it.
pub(crate) fn without_output(reason: &str) -> &str {
    let first = reason.lines().next().unwrap_or_default();
    [LAST_OUTPUT, NO_OUTPUT]
        .iter()
        .find_map(|end| first.strip_suffix(end)?.strip_suffix("; "))
        .unwrap_or(first)
}

/// The last lines of an output, or that there are none.
pub(crate) fn shown(output: &str) -> String {
    let lines: Vec<&str> = output.trim_end().lines().collect();
    if lines.is_empty() {
        return NO_OUTPUT.to_owned();
    }
    let begin = lines.len().saturating_sub(SHOWN_LINES);
    let mut text = LAST_OUTPUT.to_owned();
    for line in lines.get(begin..).unwrap_or_default() {
        // Writing to a string cannot fail.
        let _written = write!(text, "\n  {line}");
    }
    text
}

/// How a service ended when it was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// It had ended before.
    AlreadyEnded,
    /// It ended after SIGTERM (or the stop command).
    Ended,
    /// It had to be killed.
    Killed,
}

/// A service that was started. Dropping it kills all its processes.
#[derive(Debug)]
pub struct ServiceProcess {
    spec: ServiceSpec,
    environment: BTreeMap<OsString, OsString>,
    group: ProcessGroup,
    output: Arc<Output>,
}

impl ServiceProcess {
    /// Starts the service with exactly this environment ([`environment_for`]
    /// makes it), after a look at its port.
    ///
    /// # Errors
    /// [`ServiceError`]; of these `PortInUse`, `LogFile`, `NoSandbox`, `CannotStart`.
    pub async fn start(
        spec: ServiceSpec,
        mut environment: BTreeMap<OsString, OsString>,
    ) -> Result<ServiceProcess, ServiceError> {
        if is_port_in_use(spec.port).await {
            return Err(ServiceError::PortInUse {
                port: spec.port,
                holder: port_holder(spec.port),
            });
        }
        let log = match &spec.log_file {
            Some(path) => Some(create_log(path).map_err(|source| ServiceError::LogFile {
                path: path.clone(),
                source,
            })?),
            None => None,
        };
        let cannot_start = |source| ServiceError::CannotStart {
            command: spec.command.clone(),
            source,
        };
        let output = Arc::new(Output::default());
        let mut command = shell(&spec.command, spec.directory.as_deref(), &environment);
        let reader = piped(&mut command).map_err(cannot_start)?;
        let started = match &spec.sandbox {
            Some(sandbox) => sandbox.around(|| ProcessGroup::start(&mut command))?,
            None => ProcessGroup::start(&mut command),
        };
        let group = started.map_err(cannot_start)?;
        // It holds the ends of the pipe that are the service's.
        drop(command);
        // Of the readiness and stop commands too, so that what outlives them is found.
        environment.extend(group.mark());
        let service = ServiceProcess {
            spec,
            environment,
            group,
            output: Arc::clone(&output),
        };
        let limit_bytes = service.spec.output_limit_bytes;
        collect(&output, reader, log, limit_bytes).map_err(|source| ServiceError::CannotStart {
            command: service.spec.command.clone(),
            source,
        })?;
        Ok(service)
    }

    /// Waits until it is ready.
    ///
    /// # Errors
    /// `ExitedEarly` and `NotReady`, with the end of its output, and `PortInUse` where
    /// Linux shows that another program listens in its place. It is still to be stopped
    /// then.
    pub async fn wait_ready(&mut self) -> Result<(), ServiceError> {
        let deadline = Instant::now() + self.spec.ready_timeout;
        loop {
            if let Some(status) = self.ended() {
                // It may have found its port taken; then the holder says more.
                self.not_replaced()?;
                return Err(self.exited(status).await);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let checked = self.check(left.max(POLL)).await;
            let Err(unready) = checked else {
                // What answered may be of another program, if ours has ended meanwhile or
                // is about to: it may not have found out yet that its port is taken.
                self.not_replaced()?;
                return match self.ended() {
                    Some(status) => Err(self.exited(status).await),
                    None => Ok(()),
                };
            };
            let pause = match &self.spec.readiness {
                Readiness::PortAccepts { interval } | Readiness::Command { interval, .. } => {
                    // None at all would keep a processor busy.
                    POLL.max(*interval)
                }
            };
            if Instant::now() + pause >= deadline {
                return Err(ServiceError::NotReady {
                    timeout: self.spec.ready_timeout,
                    reason: unready.reason,
                    check_output: unready.output,
                    output: self.output(),
                });
            }
            // In short steps, so that its end is seen at once.
            let until = Instant::now() + pause;
            while Instant::now() < until && self.ended().is_none() {
                tokio::time::sleep(POLL.min(until.saturating_duration_since(Instant::now()))).await;
            }
        }
    }

    /// That no other program has taken its port since it was looked at.
    fn not_replaced(&self) -> Result<(), ServiceError> {
        match port_holder::stranger(self.spec.port, &self.group) {
            Some(holder) => Err(ServiceError::PortInUse {
                port: self.spec.port,
                holder: Some(holder),
            }),
            None => Ok(()),
        }
    }

    /// Whether any of its processes runs: the shell, or, after that ended well,
    /// what it left running.
    pub fn is_alive(&mut self) -> bool {
        self.ended().is_none()
    }

    /// Whether it runs and answers its readiness check.
    pub async fn is_healthy(&mut self) -> bool {
        self.is_alive() && self.check(CHECK_TIMEOUT).await.is_ok() && self.is_alive()
    }

    /// The end of its output, both streams in order; what is not UTF-8 replaced.
    pub fn output(&self) -> String {
        self.output.text()
    }

    /// All bytes that it printed, also those that were not kept.
    pub fn output_bytes(&self) -> u64 {
        self.output.total_bytes.load(Ordering::Relaxed)
    }

    /// How it ended, for people; `None` while it runs.
    pub fn exit_status(&mut self) -> Option<String> {
        self.ended().map(|status| status.to_string())
    }

    /// Ends all its processes: the stop command if there is one, SIGTERM to all,
    /// SIGKILL to what is left after the grace.
    pub async fn stop(mut self) -> Stopped {
        self.end().await
    }

    /// [`ServiceProcess::stop`], for who wants its output afterwards.
    pub async fn end(&mut self) -> Stopped {
        let had_ended = self.group.is_gone();
        if let Some(command) = &self.spec.stop_command {
            let timeout = self.spec.stop_grace.max(Duration::from_secs(10));
            // How it went does not matter: what is left is ended below.
            let _status = run_command(
                command,
                self.spec.directory.as_deref(),
                &self.environment,
                timeout,
                None,
            )
            .await;
        }
        let mut stopping = self.group.begin_stop(self.spec.stop_grace);
        let killed = loop {
            if let Some(killed) = stopping.look(&self.group) {
                break killed;
            }
            tokio::time::sleep(POLL).await;
        };
        self.output.wait_complete().await;
        match (killed, had_ended) {
            (true, _) => Stopped::Killed,
            (false, true) => Stopped::AlreadyEnded,
            (false, false) => Stopped::Ended,
        }
    }

    /// Its exit, when nothing of it runs any more.
    fn ended(&self) -> Option<ExitStatus> {
        let status = self.group.leader_status()?;
        let left_running = status.success() && self.group.any_alive();
        (!left_running).then_some(status)
    }

    async fn exited(&self, status: ExitStatus) -> ServiceError {
        self.output.wait_complete().await;
        ServiceError::ExitedEarly {
            command: self.spec.command.clone(),
            status: status.to_string(),
            exit_code: status.code(),
            output: self.output(),
        }
    }

    async fn check(&self, timeout: Duration) -> Result<(), Unready> {
        let command = match &self.spec.readiness {
            Readiness::PortAccepts { .. } => {
                let port = self.spec.port;
                let connected = connect_local(port, timeout.min(CHECK_TIMEOUT)).await;
                return connected.map(drop).map_err(|error| Unready {
                    reason: format!(
                        "nothing accepts on port {port} of localhost ({error}); is service.port right?"
                    ),
                    output: None,
                });
            }
            Readiness::Command { command, .. } => command,
        };
        let output = Arc::new(Output::default());
        let ended = run_command(
            command,
            self.spec.directory.as_deref(),
            &self.environment,
            timeout,
            Some(&output),
        )
        .await;
        let how = match ended {
            Ok(status) if status.success() => return Ok(()),
            Ok(status) => format!(" ended with {status}"),
            Err(error) => format!(": {error}"),
        };
        output.wait_complete().await;
        Err(Unready {
            reason: format!("the readiness command {command:?}{how}"),
            output: Some(output.text()),
        })
    }
}

/// Why a service is not ready yet.
struct Unready {
    reason: String,
    /// Of the readiness command.
    output: Option<String>,
}

fn shell(
    command: &str,
    directory: Option<&std::path::Path>,
    environment: &BTreeMap<OsString, OsString>,
) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell
        .arg("-c")
        .arg(command)
        .env_clear()
        .envs(environment)
        .stdin(Stdio::null());
    if let Some(directory) = directory {
        shell.current_dir(directory);
    }
    shell
}

/// Runs a command to its end, or kills its group after `timeout`. Where nobody wants its
/// output, it goes nowhere.
async fn run_command(
    command: &str,
    directory: Option<&std::path::Path>,
    environment: &BTreeMap<OsString, OsString>,
    timeout: Duration,
    output: Option<&Arc<Output>>,
) -> io::Result<ExitStatus> {
    let deadline = Instant::now() + timeout;
    let mut shell = shell(command, directory, environment);
    let reader = match output {
        Some(_) => Some(piped(&mut shell)?),
        None => {
            shell.stdout(Stdio::null()).stderr(Stdio::null());
            None
        }
    };
    // Dropped, also when the caller is given up, it is killed.
    let group = ProcessGroup::start_unmarked(&mut shell)?;
    // It holds the ends of the pipe that are the command's.
    drop(shell);
    if let (Some(output), Some(reader)) = (output, reader) {
        collect(output, reader, None, COMMAND_OUTPUT_BYTES)?;
    }
    loop {
        if let Some(status) = group.leader_status() {
            group.release();
            return Ok(status);
        }
        if Instant::now() >= deadline {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("not done after {}", seconds(timeout)),
            ));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Connects to a port of this machine, over IPv4 or else IPv6.
///
/// # Errors
/// That of the last attempt.
pub(crate) async fn connect_local(port: u16, timeout: Duration) -> io::Result<TcpStream> {
    let mut last = None;
    for address in [
        SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        SocketAddr::from((Ipv6Addr::LOCALHOST, port)),
    ] {
        match tokio::time::timeout(timeout, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => match unless_to_itself(stream) {
                Some(stream) => return Ok(stream),
                None => last = last.or(Some(io::ErrorKind::ConnectionRefused.into())),
            },
            // A machine without IPv6 says so of the second; the first says more.
            Ok(Err(error)) => last = last.or(Some(error)),
            Err(_) => last = last.or(Some(io::ErrorKind::TimedOut.into())),
        }
    }
    Err(last.unwrap_or_else(|| io::ErrorKind::NotFound.into()))
}

/// A connection, unless it is its own other end: the system may give it the very port
/// that it goes to, when that is one of those for connections and nobody listens there.
fn unless_to_itself(stream: TcpStream) -> Option<TcpStream> {
    match (stream.local_addr(), stream.peer_addr()) {
        (Ok(own), Ok(peer)) if own == peer => {
            // Ended at once: waiting for late packets, as connections do, it would keep
            // the service from its port for a minute.
            let _ended = stream.set_zero_linger();
            None
        }
        _ => Some(stream),
    }
}

/// Whether a port is in use, and not only while another `drift` looks at it as this
/// one does.
async fn is_port_in_use(port: u16) -> bool {
    const LOOKS: usize = 3;
    for look in 0..LOOKS {
        if look > 0 {
            tokio::time::sleep(POLL).await;
        }
        if !is_port_in_use_now(port).await {
            return false;
        }
    }
    true
}

async fn is_port_in_use_now(port: u16) -> bool {
    if connect_local(port, CHECK_TIMEOUT).await.is_ok() {
        return true;
    }
    // A listener whose queue is full does not accept, and cannot be bound beside.
    matches!(
        std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse
    )
}

fn create_log(path: &std::path::Path) -> io::Result<std::fs::File> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    // A service that is started again after a crash must not take away what it said of it.
    std::fs::File::options()
        .create(true)
        .append(true)
        .open(path)
}

/// Gives a command one pipe for both streams, which keeps their order.
fn piped(command: &mut Command) -> io::Result<io::PipeReader> {
    let (reader, writer) = io::pipe()?;
    let second = writer.try_clone()?;
    command.stdout(writer).stderr(second);
    Ok(reader)
}

/// Collects output until nobody holds the pipe any more.
fn collect(
    output: &Arc<Output>,
    reader: io::PipeReader,
    log: Option<std::fs::File>,
    limit_bytes: usize,
) -> io::Result<()> {
    let output = Arc::clone(output);
    std::thread::Builder::new()
        .name("service output".to_owned())
        .spawn(move || output.collect(reader, log, limit_bytes))
        .map(drop)
}

/// The end of what a service printed.
#[derive(Debug, Default)]
struct Output {
    end: Mutex<VecDeque<u8>>,
    total_bytes: AtomicU64,
    complete: AtomicBool,
}

impl Output {
    fn collect(&self, mut reader: io::PipeReader, mut log: Option<std::fs::File>, limit: usize) {
        let mut buffer = [0; 8192];
        loop {
            let read = match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => buffer.get(..count).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => break,
            };
            let written = log.as_mut().map(|file| file.write_all(read));
            if matches!(written, Some(Err(_))) {
                // A full disk must not stop the service; its output is still kept here.
                log = None;
            }
            let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
            end.extend(read);
            let beyond = end.len().saturating_sub(limit);
            end.drain(..beyond);
            drop(end);
            self.total_bytes
                .fetch_add(u64::try_from(read.len()).unwrap_or(0), Ordering::Relaxed);
        }
        self.complete.store(true, Ordering::Release);
    }

    fn text(&self) -> String {
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = end.iter().copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until all was read, but not for long: something may hold the pipe open.
    async fn wait_complete(&self) {
        let deadline = Instant::now() + Duration::from_millis(500);
        while !self.complete.load(Ordering::Acquire) && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn own_variable(name: &OsStr) -> &str {
    name.to_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may end by a panic")]
    use super::*;

    #[tokio::test]
    async fn a_connection_with_itself_is_no_service_and_keeps_none_from_its_port() {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let own = socket.local_addr().unwrap();
        let stream = socket.connect(own).await.unwrap();
        assert!(unless_to_itself(stream).is_none());

        let listener = tokio::net::TcpListener::bind(own).await.unwrap();
        assert!(connect_local(own.port(), CHECK_TIMEOUT).await.is_ok());
        drop(listener);
    }
}
