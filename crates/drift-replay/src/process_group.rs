//! A process and its children, as one: started, waited for and stopped together.

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

/// How often a group that was asked to leave is looked at.
const POLL: Duration = Duration::from_millis(20);

/// A process group. Whatever is left of it is killed when this is dropped.
#[derive(Debug)]
pub struct ProcessGroup {
    leader: Child,
    status: Option<ExitStatus>,
}

impl ProcessGroup {
    /// Starts a command as the leader of a group of its own.
    ///
    /// # Errors
    /// Those of starting a process.
    pub fn start(command: &mut Command) -> io::Result<ProcessGroup> {
        let leader = command.process_group(0).spawn()?;
        Ok(ProcessGroup {
            leader,
            status: None,
        })
    }

    /// The number of the leader and of the group.
    pub fn id(&self) -> u32 {
        self.leader.id()
    }

    /// How the leader ended, where it has.
    ///
    /// # Errors
    /// Those of `waitpid`.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.status.is_none() {
            self.status = self.leader.try_wait()?;
        }
        Ok(self.status)
    }

    /// Asks the whole group to leave, waits, and kills what is left; true if
    /// something had to be killed.
    ///
    /// # Errors
    /// Those of `waitpid`.
    pub fn stop(&mut self, grace: Duration) -> io::Result<bool> {
        self.signal(Signal::TERM);
        let asked = Instant::now();
        while self.is_alive()? {
            if asked.elapsed() >= grace {
                self.signal(Signal::KILL);
                self.leader.wait()?;
                return Ok(true);
            }
            std::thread::sleep(POLL);
        }
        Ok(false)
    }

    /// Whether the leader or one of its children is.
    fn is_alive(&mut self) -> io::Result<bool> {
        self.try_wait()?;
        Ok(self.has_members())
    }

    /// Whether anybody is left in the group; as long as a member lives, the
    /// kernel gives its number to no other group.
    fn has_members(&self) -> bool {
        test_kill_process_group(self.pid()).is_ok()
    }

    /// That nobody is left to signal is what is wanted.
    fn signal(&self, signal: Signal) {
        let _gone = kill_process_group(self.pid(), signal);
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.leader)
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if self.is_alive().unwrap_or(false) {
            self.signal(Signal::KILL);
        }
        // A killed child leaves at once; one that is gone has been waited for.
        let _status = self.leader.wait();
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
