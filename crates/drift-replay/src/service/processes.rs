//! Finding and signalling the processes of a service, and who holds a port.

use std::fs;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, test_kill_process_group,
    waitid,
};

/// The variable by which a process that left its group is recognised.
const MARK: &str = "DRIFT_SERVICE_MARK";

/// A name and a value that no other run has.
pub(super) fn new_mark() -> (&'static str, String) {
    static STARTED: AtomicU64 = AtomicU64::new(0);
    let nanos = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    (MARK, format!("{}-{nanos}-{number}", std::process::id()))
}

/// The processes that a shell started.
#[derive(Debug)]
pub(super) struct ProcessGroup {
    leader: Option<Pid>,
    mark: String,
}

impl ProcessGroup {
    pub(super) fn new(leader: u32, mark: String) -> ProcessGroup {
        ProcessGroup {
            leader: pid(leader),
            mark,
        }
    }

    /// How the shell ended, without taking note of it: as long as it is not
    /// reaped, no other process or group can have its number.
    pub(super) fn leader_status(&self) -> Option<ExitStatus> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(self.leader?), options).ok()??;
        if let Some(code) = status.exit_status() {
            return Some(super::exit_status(code, false));
        }
        let signal = status.terminating_signal()?;
        Some(super::exit_status(signal, true))
    }

    /// Whether a process of the service runs, the ended shell aside.
    ///
    /// A process that is starting another program has no environment for a moment,
    /// so "none" counts only when it was seen three times.
    pub(super) fn any_alive(&self) -> bool {
        const LOOKS: usize = 3;
        const MOMENT: Duration = Duration::from_millis(2);
        for look in 0..LOOKS {
            if look > 0 {
                std::thread::sleep(MOMENT);
            }
            let any = match self.members() {
                Some(members) => !members.is_empty(),
                // Without /proc the ended shell itself counts as a member until it is
                // reaped, so the answer may be a late one.
                None => self
                    .leader
                    .is_some_and(|leader| test_kill_process_group(leader).is_ok()),
            };
            if any {
                return true;
            }
        }
        false
    }

    /// Signals the group, and what left it.
    pub(super) fn signal(&self, signal: Signal) {
        // What has ended meanwhile needs no signal.
        if let Some(leader) = self.leader {
            let _sent = kill_process_group(leader, signal);
        }
        for (member, group) in self.members().unwrap_or_default() {
            if Some(group) != self.leader.map(Pid::as_raw_pid) {
                let _sent = kill_process(member, signal);
            }
        }
    }

    /// Its running processes, with their groups; `None` where there is no /proc.
    fn members(&self) -> Option<Vec<(Pid, i32)>> {
        let leader = self.leader?.as_raw_pid();
        let mark = format!("{MARK}={}", self.mark);
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
            let Some((state, group)) = state_and_group(number) else {
                continue;
            };
            seen_any = true;
            if matches!(state, 'Z' | 'X' | 'x') {
                continue;
            }
            if group == leader || is_marked(number, &mark) {
                members.extend(pid(number).map(|found| (found, group)));
            }
        }
        seen_any.then_some(members)
    }
}

/// Kills a group whose leader was started here and is not reaped.
pub(super) fn kill_group(leader: u32) {
    if let Some(leader) = pid(leader) {
        // It may have ended.
        let _sent = kill_process_group(leader, Signal::KILL);
    }
}

fn pid(number: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(number).ok()?)
}

/// The third and fifth field of /proc/PID/stat, counted after the name, which may
/// hold anything.
fn state_and_group(number: u32) -> Option<(char, i32)> {
    let stat = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let group = fields.nth(1)?.parse().ok()?;
    Some((state, group))
}

fn is_marked(number: u32, mark: &str) -> bool {
    fs::read(format!("/proc/{number}/environ")).is_ok_and(|variables| {
        variables
            .split(|byte| *byte == 0)
            .any(|v| v == mark.as_bytes())
    })
}

/// The program that listens on a port of this machine, with its number, as far as
/// Linux shows it to us.
pub fn port_holder(port: u16) -> Option<String> {
    let sockets: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listening_sockets(&table, port))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    if sockets.is_empty() {
        return None;
    }
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let number = entry.file_name();
        // There are links too: `self`, `thread-self`.
        if !number.as_encoded_bytes().iter().all(u8::is_ascii_digit) {
            continue;
        }
        let path = entry.path();
        let Ok(files) = fs::read_dir(path.join("fd")) else {
            continue;
        };
        let holds = files.flatten().any(|file| {
            fs::read_link(file.path()).is_ok_and(|target| {
                sockets
                    .iter()
                    .any(|socket| target.as_os_str() == socket.as_str())
            })
        });
        if holds {
            let command = fs::read(path.join("cmdline")).ok()?;
            let command = String::from_utf8_lossy(&command)
                .split('\0')
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join(" ");
            let shown: String = command.chars().take(80).collect();
            return Some(format!("{shown:?} (process {})", number.display()));
        }
    }
    None
}

/// The inodes of the sockets that listen on a port, of a table of /proc/net.
fn listening_sockets(table: &str, port: u16) -> Vec<String> {
    const LISTEN: &str = "0A";
    let suffix = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut fields = line.split_ascii_whitespace();
            let local = fields.nth(1)?;
            let state = fields.nth(1)?;
            let inode = fields.nth(5)?;
            (local.ends_with(&suffix) && state == LISTEN).then(|| inode.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_that_listens_on_a_port_is_found_in_the_table_of_the_kernel() {
        let table = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 61112 1 0000000000000000 100 0 0 10 0
   1: 0100007F:0BB8 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 61113 1 0000000000000000 20 4 30 10 -1
   2: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 61114 1 0000000000000000 100 0 0 10 0
";
        assert_eq!(listening_sockets(table, 3000), ["61112"]);
        assert_eq!(listening_sockets(table, 8080), ["61114"]);
        assert!(listening_sockets(table, 50000).is_empty());
    }
}
