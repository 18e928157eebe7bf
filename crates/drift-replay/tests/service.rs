//! Services of all kinds, as real processes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test is what a panic is for"
)]

mod sdk;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use drift_replay::service::{
    Readiness, Sandbox, ServiceError, ServiceProcess, ServiceSpec, Stopped, environment_for,
};
use sdk::{DEADLINE, ports::free_port, until};

/// Accepts connections on the port of its first argument, for ever.
const LISTENER: &str = "import socket,sys,time
s=socket.socket()
s.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1)
s.bind(('127.0.0.1',int(sys.argv[1])))
s.listen()
print('listening',flush=True)
while True: s.accept()[0].close()
";

/// Connects to each of its arguments, ports and paths, and prints how that went.
const CONNECTS: &str = "import socket,sys
for place in sys.argv[1:]:
    try:
        if place.startswith('/'): socket.socket(socket.AF_UNIX).connect(place)
        else: socket.create_connection(('127.0.0.1',int(place)),20).close()
        print(place,'open',flush=True)
    except OSError as error: print(place,error.strerror,flush=True)
";

fn environment() -> BTreeMap<OsString, OsString> {
    environment_for(std::env::vars_os(), &BTreeMap::new(), &[])
}

fn spec(directory: &Path, port: u16, command: &str) -> ServiceSpec {
    std::fs::write(directory.join("listen.py"), LISTENER).unwrap();
    ServiceSpec {
        command: command.replace("PORT", &port.to_string()),
        directory: Some(directory.to_owned()),
        port,
        ..Default::default()
    }
}

async fn start(spec: ServiceSpec) -> ServiceProcess {
    ServiceProcess::start(spec, environment()).await.unwrap()
}

/// The number that a process wrote into a file.
async fn pid_in(file: &Path) -> u32 {
    until("the file of the process", || {
        std::fs::read_to_string(file).is_ok_and(|text| text.ends_with('\n'))
    })
    .await;
    std::fs::read_to_string(file)
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}

/// Whether a process runs; one that only waits to be reaped does not.
fn runs(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit_once(')').unwrap().1.starts_with(" Z"))
}

#[tokio::test]
async fn a_service_is_ready_when_its_port_accepts_and_gone_after_the_stop() {
    let directory = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut service = start(spec(directory.path(), port, "python3 listen.py PORT")).await;
    service.wait_ready().await.unwrap();
    assert!(service.is_alive() && service.is_healthy().await);
    until("its output", || service.output() == "listening\n").await;
    assert_eq!(service.stop().await, Stopped::Ended);
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[tokio::test]
async fn a_readiness_command_decides_when_there_is_one() {
    let directory = tempfile::tempdir().unwrap();
    let mut wanted = spec(
        directory.path(),
        free_port(),
        "sleep 0.2; touch ready; sleep 60",
    );
    wanted.readiness = Readiness::Command {
        command: "test -e ready".to_owned(),
        interval: Duration::from_millis(10),
    };
    let mut service = start(wanted).await;
    service.wait_ready().await.unwrap();
    assert!(directory.path().join("ready").exists());
    service.stop().await;
}

#[tokio::test]
async fn a_port_in_use_is_named_with_the_program_that_holds_it() {
    let directory = tempfile::tempdir().unwrap();
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let error = ServiceProcess::start(spec(directory.path(), port, "touch started"), environment())
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("port {port} is in use by ")),
        "{text}"
    );
    if cfg!(target_os = "linux") {
        let me = format!("(process {})", std::process::id());
        assert!(text.contains(&me), "{text}");
    }
    assert!(!directory.path().join("started").exists());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_service_of_another_run_on_the_port_is_not_taken_for_the_own_one() {
    let listens = "exec python3 listen.py PORT";
    // Ours finds its port taken, or has not come to it yet.
    for command in [listens, "sleep 600"] {
        let directory = tempfile::tempdir().unwrap();
        let port = free_port();
        let slow = format!("until test -e go; do sleep 0.02; done; {command}");
        let mut service = start(spec(directory.path(), port, &slow)).await;
        let other = start(spec(directory.path(), port, listens)).await;
        until("the other listens", || other.output_bytes() > 0).await;
        std::fs::write(directory.path().join("go"), "").unwrap();
        let error = service.wait_ready().await.unwrap_err();
        let text = error.to_string();
        assert_eq!(error.code(), "port_in_use", "{text}");
        assert!(text.contains("listen.py"), "{text}");
        assert!(text.contains("which another `drift` has started"), "{text}");
        service.stop().await;
        other.stop().await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_program_that_took_the_port_while_the_service_started_is_not_taken_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut service = start(spec(directory.path(), port, "sleep 600")).await;
    let _other = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let error = service.wait_ready().await.unwrap_err();
    assert_eq!(error.code(), "port_in_use");
    let me = format!("(process {})", std::process::id());
    assert!(error.to_string().contains(&me), "{error}");
    service.stop().await;
}

#[tokio::test]
async fn a_start_command_that_fails_is_shown_with_its_last_output() {
    let directory = tempfile::tempdir().unwrap();
    let command = "echo first; echo 'no module named shop' >&2; exit 3";
    let mut service = start(spec(directory.path(), free_port(), command)).await;
    let begin = Instant::now();
    let error = service.wait_ready().await.unwrap_err();
    assert!(begin.elapsed() < DEADLINE / 2);
    assert_eq!(error.code(), "service_exited");
    assert_eq!(
        error.to_string(),
        format!(
            "the start command {command:?} ended (exit status: 3) before the service was ready; its last output:\n  first\n  no module named shop"
        )
    );
    assert_eq!(service.stop().await, Stopped::AlreadyEnded);
}

#[tokio::test]
async fn a_command_that_is_not_there_is_shown_as_the_shell_says_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = start(spec(directory.path(), free_port(), "no-such-program")).await;
    let text = service.wait_ready().await.unwrap_err().to_string();
    assert!(
        text.contains("exit status: 127") && text.contains("not found"),
        "{text}"
    );
}

#[tokio::test]
async fn a_service_that_never_listens_and_prints_nothing_is_told_so() {
    let directory = tempfile::tempdir().unwrap();
    let mut wanted = spec(directory.path(), free_port(), "sleep 60");
    wanted.ready_timeout = Duration::from_millis(200);
    let port = wanted.port;
    let mut service = start(wanted).await;
    let error = service.wait_ready().await.unwrap_err();
    assert!(matches!(error, ServiceError::NotReady { .. }));
    let text = error.to_string();
    assert!(
        text.contains(&format!("nothing accepts on port {port}")),
        "{text}"
    );
    assert!(text.ends_with("it printed nothing"), "{text}");
    service.stop().await;
}

#[tokio::test]
async fn a_readiness_command_that_fails_is_shown_with_what_it_printed() {
    let directory = tempfile::tempdir().unwrap();
    let mut wanted = spec(directory.path(), free_port(), "echo booting; sleep 60");
    wanted.ready_timeout = Duration::from_millis(200);
    let command = "echo trying; echo no route to the shop >&2; exit 7";
    wanted.readiness = Readiness::Command {
        command: command.to_owned(),
        interval: Duration::from_millis(10),
    };
    let mut service = start(wanted).await;
    let text = service.wait_ready().await.unwrap_err().to_string();
    assert_eq!(
        text,
        format!(
            "the service was not ready after 0.2 s: the readiness command {command:?} ended with \
             exit status: 7; its last output:\n  trying\n  no route to the shop\n\
             of the service, its last output:\n  booting"
        )
    );
    service.stop().await;
}

#[tokio::test]
async fn a_readiness_command_that_hangs_does_not_hang_the_run() {
    let directory = tempfile::tempdir().unwrap();
    let mut wanted = spec(directory.path(), free_port(), "sleep 60");
    wanted.ready_timeout = Duration::from_millis(200);
    wanted.readiness = Readiness::Command {
        command: "echo $$ > checking; sleep 60".to_owned(),
        interval: Duration::from_millis(10),
    };
    let mut service = start(wanted).await;
    let text = service.wait_ready().await.unwrap_err().to_string();
    assert!(text.contains("not done after"), "{text}");
    let checking = pid_in(&directory.path().join("checking")).await;
    until("the end of the readiness command", || !runs(checking)).await;
    service.stop().await;
}

#[tokio::test]
async fn a_service_that_ignores_the_signal_is_killed_after_the_grace() {
    let directory = tempfile::tempdir().unwrap();
    let command = "trap '' TERM; echo $$ > shell; python3 -c \"
import os,signal,time
signal.signal(signal.SIGTERM,signal.SIG_IGN)
open('child','w').write(str(os.getpid())+chr(10))
time.sleep(600)\"";
    let mut wanted = spec(directory.path(), free_port(), command);
    wanted.stop_grace = Duration::from_millis(200);
    let service = start(wanted).await;
    let shell = pid_in(&directory.path().join("shell")).await;
    let child = pid_in(&directory.path().join("child")).await;
    assert!(runs(shell) && runs(child));
    assert_eq!(service.stop().await, Stopped::Killed);
    assert!(!runs(shell) && !runs(child));
}

#[tokio::test]
async fn a_service_that_forks_and_lets_its_shell_end_is_alive_and_is_stopped_whole() {
    let directory = tempfile::tempdir().unwrap();
    let port = free_port();
    let command = "(echo started; exec python3 listen.py PORT) & echo $! > child";
    let mut service = start(spec(directory.path(), port, command)).await;
    service.wait_ready().await.unwrap();
    let child = pid_in(&directory.path().join("child")).await;
    assert!(service.is_alive());
    assert_eq!(service.stop().await, Stopped::Ended);
    assert!(!runs(child));
}

#[tokio::test]
async fn a_daemon_that_left_the_process_group_is_stopped_too() {
    let directory = tempfile::tempdir().unwrap();
    let port = free_port();
    let command = "setsid python3 -c \"
import os
open('child','w').write(str(os.getpid())+chr(10))
os.execvp('python3',['python3','listen.py','PORT'])\" & exit 0";
    let mut service = start(spec(directory.path(), port, command)).await;
    let child = pid_in(&directory.path().join("child")).await;
    if cfg!(target_os = "linux") {
        service.wait_ready().await.unwrap();
        service.stop().await;
        assert!(!runs(child));
    }
}

#[tokio::test]
async fn what_a_dead_shell_left_behind_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let command = "sleep 600 & echo $! > child; exit 1";
    let mut service = start(spec(directory.path(), free_port(), command)).await;
    assert_eq!(
        service.wait_ready().await.unwrap_err().code(),
        "service_exited"
    );
    let child = pid_in(&directory.path().join("child")).await;
    assert!(runs(child));
    service.stop().await;
    assert!(!runs(child));
}

#[tokio::test]
async fn a_service_that_is_dropped_leaves_no_process() {
    let directory = tempfile::tempdir().unwrap();
    let command = "sleep 600 & echo $! > child; wait";
    let service = start(spec(directory.path(), free_port(), command)).await;
    let child = pid_in(&directory.path().join("child")).await;
    drop(service);
    until("the end of the child", || !runs(child)).await;
}

#[tokio::test]
async fn a_stop_command_runs_before_the_signal() {
    let directory = tempfile::tempdir().unwrap();
    let command =
        "trap 'test -e asked && touch polite; exit 0' TERM; touch up; while :; do sleep 0.01; done";
    let mut wanted = spec(directory.path(), free_port(), command);
    wanted.stop_command = Some("touch asked".to_owned());
    let service = start(wanted).await;
    until("the start", || directory.path().join("up").exists()).await;
    assert_eq!(service.stop().await, Stopped::Ended);
    assert!(directory.path().join("polite").exists());
}

#[tokio::test]
async fn the_end_of_the_output_is_kept_and_all_of_it_goes_to_the_log_file() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("logs/service.log");
    let command =
        "i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done; printf 'caf\\303'";
    let mut wanted = spec(directory.path(), free_port(), command);
    wanted.output_limit_bytes = 1000;
    wanted.log_file = Some(log.clone());
    let mut service = start(wanted).await;
    let error = service.wait_ready().await.unwrap_err().to_string();
    assert!(error.contains("exit status: 0"), "{error}");
    let output = service.output();
    assert!(output.ends_with("line 4999\ncaf\u{fffd}"), "{output}");
    assert!(output.len() <= 1002 && !output.contains("line 100\n"));
    let logged = std::fs::read(&log).unwrap();
    assert!(logged.starts_with(b"line 0\nline 1\n"));
    assert_eq!(service.output_bytes(), u64::try_from(logged.len()).unwrap());
    service.stop().await;
}

#[tokio::test]
async fn a_service_gets_exactly_the_environment_it_is_given() {
    let directory = tempfile::tempdir().unwrap();
    let own = [
        ("PATH".into(), std::env::var_os("PATH").unwrap()),
        ("TUSK_MOCK_PORT".into(), "9".into()),
    ];
    let environment = environment_for(
        own,
        &BTreeMap::from([("REGION".to_owned(), "eu".to_owned())]),
        &[("TUSK_DRIFT_MODE".to_owned(), "REPLAY".to_owned())],
    );
    let wanted = spec(directory.path(), free_port(), "env | sort");
    let mut service = ServiceProcess::start(wanted, environment).await.unwrap();
    let _ended = service.wait_ready().await;
    let output = service.output();
    let names: Vec<&str> = output
        .lines()
        .filter_map(|line| line.split_once('=').map(|(name, _)| name))
        .filter(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name))
        .collect();
    assert_eq!(
        names,
        ["DRIFT_SERVICE_MARK", "PATH", "REGION", "TUSK_DRIFT_MODE"]
    );
}

/// A service that connects to an allowed port, another one and a Unix socket, by
/// itself and through a child in a session of its own, and then listens.
async fn connecting(sandboxed: bool) -> (Result<String, ServiceError>, Vec<String>) {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("connects.py"), CONNECTS).unwrap();
    let listener = || std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (allowed, other) = (listener(), listener());
    let port_of = |listener: &std::net::TcpListener| listener.local_addr().unwrap().port();
    let socket = directory.path().join("socket");
    let _unix = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let places = [
        port_of(&allowed).to_string(),
        port_of(&other).to_string(),
        socket.display().to_string(),
    ];
    let connects = format!("python3 connects.py {}", places.join(" "));
    let command = format!("{connects}; setsid sh -c '{connects}'; exec python3 listen.py PORT");
    let mut wanted = spec(directory.path(), free_port(), &command);
    wanted.sandbox = sandboxed.then(|| Sandbox::new([port_of(&allowed), wanted.port]));
    let output = match ServiceProcess::start(wanted, environment()).await {
        Ok(mut service) => {
            service.wait_ready().await.unwrap();
            until("its output", || service.output().ends_with("listening\n")).await;
            // The sandbox is the service's alone.
            std::net::TcpStream::connect(other.local_addr().unwrap()).unwrap();
            let output = service.output();
            service.stop().await;
            Ok(output)
        }
        Err(error) => Err(error),
    };
    (output, places.to_vec())
}

#[tokio::test]
async fn a_service_in_a_sandbox_and_its_children_reach_only_the_allowed_ports_and_unix_sockets() {
    let (output, places) = connecting(true).await;
    match Sandbox::support() {
        Ok(()) => {
            let once = format!(
                "{} open\n{} Permission denied\n{} open\n",
                places[0], places[1], places[2]
            );
            assert_eq!(output.unwrap(), format!("{once}{once}listening\n"));
        }
        Err(unsupported) => {
            let error = output.unwrap_err();
            assert_eq!(error.code(), "no_sandbox");
            assert_eq!(error.to_string(), unsupported.to_string());
            assert!(unsupported.to_string().contains("Linux 6.7"));
        }
    }
}

#[tokio::test]
async fn a_service_without_a_sandbox_reaches_every_port() {
    let (output, places) = connecting(false).await;
    let once: String = places.iter().map(|it| format!("{it} open\n")).collect();
    assert_eq!(output.unwrap(), format!("{once}{once}listening\n"));
}
