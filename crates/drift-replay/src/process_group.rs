//! A process and everything that it starts, as one: started, watched and ended
//! together.
//!
//! Its processes are found by their group, and on Linux also by a variable in
//! their environment, so that one which left the group is not left behind.

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, test_kill_process_group,
    waitid,
};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How often a group that was asked to leave is looked at.
pub(crate) const POLL: Duration = Duration::from_millis(20);

/// How long a killed group may take to be gone; only what hangs inside the kernel
/// takes longer.
const KILL_LIMIT: Duration = Duration::from_secs(2);

/// The variable by which a process that left its group is recognised.
const MARK: &str = "DRIFT_SERVICE_MARK";

/// A process group. Whatever is left of it is killed when this is dropped.
///
/// Its leader is reaped no earlier: until then no other process or group can have
/// its number, and a signal reaches nobody else.
#[derive(Debug)]
pub struct ProcessGroup {
    leader: Child,
    /// The value of [`MARK`]; `None` for a group that is found by its number alone.
    mark: Option<String>,
    /// Kills the group should this program be killed, which can do nothing then.
    guard: Option<Child>,
    is_released: bool,
}

impl ProcessGroup {
    /// Starts a command as the leader of a group of its own, with a mark in its
    /// environment that everything which it starts inherits.
    ///
    /// # Errors
    /// Those of starting a process.
    pub fn start(command: &mut Command) -> io::Result<ProcessGroup> {
        let mark = new_mark();
        command.env(MARK, &mark);
        let mut group = ProcessGroup::start_unmarked(command)?;
        group.mark = Some(mark);
        // Without it all is as it should be as long as this program lives.
        group.guard = start_guard(group.id()).ok();
        Ok(group)
    }

    /// Starts a command whose environment is left as it is: that of a helper of
    /// another group, to which what outlives the helper belongs.
    ///
    /// # Errors
    /// Those of starting a process.
    pub(crate) fn start_unmarked(command: &mut Command) -> io::Result<ProcessGroup> {
        Ok(ProcessGroup {
            leader: command.process_group(0).spawn()?,
            mark: None,
            guard: None,
            is_released: false,
        })
    }

    /// The number of the leader and of the group.
    pub fn id(&self) -> u32 {
        self.leader.id()
    }

    /// The variable that marks its processes.
    pub(crate) fn mark(&self) -> Option<(OsString, OsString)> {
        let mark = self.mark.as_ref()?;
        Some((MARK.into(), mark.into()))
    }

    /// How the leader ended, where it has.
    pub fn leader_status(&self) -> Option<ExitStatus> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(self.pid()), options).ok()??;
        // The form of wait(2): the signal in the low seven bits, else the code above them.
        let raw = match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => (code & 0xff) << 8,
            (None, Some(signal)) => signal & 0x7f,
            (None, None) => return None,
        };
        Some(ExitStatus::from_raw(raw))
    }

    /// Whether a process of the group runs, the ended leader aside.
    ///
    /// A process that is starting another program has no environment for a moment,
    /// so "none" counts only when it was seen three times.
    pub(crate) fn any_alive(&self) -> bool {
        const LOOKS: usize = 3;
        const MOMENT: Duration = Duration::from_millis(2);
        for look in 0..LOOKS {
            if look > 0 {
                std::thread::sleep(MOMENT);
            }
            let any = match self.members() {
                Some(members) => !members.is_empty(),
                // Without /proc the ended leader itself counts as a member until it is
                // reaped, so the answer may be a late one.
                None => test_kill_process_group(self.pid()).is_ok(),
            };
            if any {
                return true;
            }
        }
        false
    }

    /// Whether nothing of it runs any more.
    pub(crate) fn is_gone(&self) -> bool {
        self.leader_status().is_some() && !self.any_alive()
    }

    /// Asks all of it to leave, waits, and kills what is left; true if something
    /// had to be killed.
    pub fn stop(&self, grace: Duration) -> bool {
        let mut stopping = self.begin_stop(grace);
        loop {
            if let Some(killed) = stopping.look(self) {
                return killed;
            }
            std::thread::sleep(POLL);
        }
    }

    /// The same for who waits in another way: [`Stopping::look`] every [`POLL`].
    pub(crate) fn begin_stop(&self, grace: Duration) -> Stopping {
        self.signal(Signal::TERM);
        Stopping {
            until: Instant::now() + grace,
            kills: false,
        }
    }

    /// Reaps the leader, which has ended, and lets what it left run on.
    pub(crate) fn release(mut self) {
        self.is_released = true;
    }

    /// Signals the group, and what left it.
    fn signal(&self, signal: Signal) {
        // What has ended meanwhile needs no signal.
        let _sent = kill_process_group(self.pid(), signal);
        if self.mark.is_some() {
            for (member, group) in self.members().unwrap_or_default() {
                if group != self.pid().as_raw_pid() {
                    let _sent = kill_process(member, signal);
                }
            }
        }
    }

    /// Whether a process belongs to it: by its group or mark, or because it descends from
    /// one that does, as what `sudo` starts, whose environment is another.
    pub(crate) fn holds(&self, number: i32) -> bool {
        const GENERATIONS: usize = 32;
        let leader = self.pid().as_raw_pid();
        let mut number = number;
        for _ in 0..GENERATIONS {
            let Some((_, parent, group)) = stat(number) else {
                return false;
            };
            let is_marked = || {
                let mark = self.mark.as_ref();
                mark.is_some_and(|mark| mark_of(number).as_deref() == Some(mark.as_bytes()))
            };
            if number == leader || group == leader || is_marked() {
                return true;
            }
            number = parent;
        }
        false
    }

    /// Whether a process belongs to a group that was started with another mark.
    pub(crate) fn is_of_another_run(&self, number: i32) -> bool {
        let own = self.mark.as_deref().map(str::as_bytes);
        !self.holds(number) && mark_of(number).is_some_and(|mark| Some(mark.as_slice()) != own)
    }

    /// Its running processes, with their groups; `None` where there is no /proc.
    fn members(&self) -> Option<Vec<(Pid, i32)>> {
        let leader = self.pid().as_raw_pid();
        let mark = self.mark.as_deref().map(str::as_bytes);
        let mut members = Vec::new();
        let mut seen_any = false;
        for entry in fs::read_dir("/proc").ok()?.flatten() {
            let Some(number) = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok())
            else {
                continue;
            };
            let Some((state, _, group)) = stat(number) else {
                continue;
            };
            seen_any = true;
            if matches!(state, 'Z' | 'X' | 'x') {
                continue;
            }
            let is_marked = || mark.is_some_and(|mark| mark_of(number).as_deref() == Some(mark));
            if group == leader || is_marked() {
                members.extend(Pid::from_raw(number).map(|found| (found, group)));
            }
        }
        seen_any.then_some(members)
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.leader)
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        const LOOKS: usize = 20;
        const MOMENT: Duration = Duration::from_millis(5);
        if !self.is_released {
            self.signal(Signal::KILL);
        }
        // Before the leader is reaped, whose number the guard knows, and before the guard
        // is waited for, which closes its pipe.
        if let Some(mut guard) = self.guard.take()
            && guard.kill().is_ok()
        {
            let _status = guard.wait();
        }
        // A killed process leaves at once, except inside the kernel; one that hangs
        // there is left to the system.
        for _ in 0..LOOKS {
            if !matches!(self.leader.try_wait(), Ok(None)) {
                break;
            }
            std::thread::sleep(MOMENT);
        }
    }
}

/// A group that was asked to leave.
#[derive(Debug)]
pub(crate) struct Stopping {
    until: Instant,
    kills: bool,
}

impl Stopping {
    /// Kills when it is time to; once it is over, whether something had to be killed.
    pub(crate) fn look(&mut self, group: &ProcessGroup) -> Option<bool> {
        if group.is_gone() {
            return Some(self.kills);
        }
        if Instant::now() >= self.until {
            if self.kills {
                return Some(true);
            }
            self.kills = true;
            self.until = Instant::now() + KILL_LIMIT;
        }
        if self.kills {
            // At every look: a process may have been started meanwhile.
            group.signal(Signal::KILL);
        }
        None
    }
}

/// `exit code 1`, `signal 9`.
pub fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}

/// Starts a process that reads from us until we are gone, however that comes about, and
/// then kills the group. It is in a group of its own, which no Ctrl-C reaches.
fn start_guard(group: u32) -> io::Result<Child> {
    Command::new("/bin/sh")
        .args(["-c", "read -r _; kill -KILL \"-$1\"", "sh"])
        .arg(group.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}

/// A value that no other group has.
fn new_mark() -> String {
    static STARTED: AtomicU64 = AtomicU64::new(0);
    let nanos = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    format!("{}-{nanos}-{number}", std::process::id())
}

/// State, parent and group of a process: fields of /proc/PID/stat, counted after the
/// name, which may hold anything.
fn stat(number: i32) -> Option<(char, i32, i32)> {
    let stat = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    Some((state, parent, group))
}

/// The value of the mark in the environment of a process.
fn mark_of(number: i32) -> Option<Vec<u8>> {
    let variables = fs::read(format!("/proc/{number}/environ")).ok()?;
    let mut variables = variables.split(|byte| *byte == 0);
    variables.find_map(|variable| {
        let value = variable.strip_prefix(MARK.as_bytes())?;
        Some(value.strip_prefix(b"=")?.to_vec())
    })
}
