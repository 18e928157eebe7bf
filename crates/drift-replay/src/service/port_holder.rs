//! Who holds a port of this machine, as far as Linux shows it to us.

use crate::process_group::ProcessGroup;
use std::fs;
use std::path::Path;

/// The program that listens on a port of this machine, with its number, as far as
/// Linux shows it to us.
pub fn port_holder(port: u16) -> Option<String> {
    described(*holders(port).first()?)
}

/// A program that listens on a port in place of the processes of this group: one of
/// another run, or, where none of these holds the port, one that was there before them.
/// `None` also where the system does not show who holds it.
///
/// Whoever came later may be the service though nothing tells so: a container of the
/// host's network, or a daemon whose title hides its environment. And whoever hands a
/// port on into a container was there before, and is no stranger.
pub(super) fn stranger(port: u16, group: &ProcessGroup) -> Option<String> {
    let holders = holders(port);
    let of_another_run = |holder: &&i32| group.is_of_another_run(**holder);
    if let Some(holder) = holders.iter().find(of_another_run) {
        let program = described(*holder)?;
        return Some(format!("{program}, which another `drift` has started"));
    }
    if holders.iter().any(|holder| group.holds(*holder)) {
        return None;
    }
    let ours = started(group.pid().as_raw_pid());
    let was_there_before = |holder: i32| match (started(holder), ours) {
        (Some(theirs), Some(ours)) => theirs < ours,
        // Ours has ended: it may have found its port taken.
        _ => true,
    };
    holders
        .into_iter()
        .find(|holder| was_there_before(*holder) && !hands_into_a_container(*holder))
        .and_then(described)
}

/// The processes that listen on a port.
fn holders(port: u16) -> Vec<i32> {
    let sockets: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listening_sockets(&table, port))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    if sockets.is_empty() {
        return Vec::new();
    }
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let holds = |folder: &Path| {
        let files = fs::read_dir(folder.join("fd"));
        files.into_iter().flatten().flatten().any(|file| {
            fs::read_link(file.path()).is_ok_and(|target| {
                sockets
                    .iter()
                    .any(|socket| target.as_os_str() == socket.as_str())
            })
        })
    };
    entries
        .filter_map(|entry| {
            // There are links too: `self`, `thread-self`.
            let number = entry.file_name().to_str()?.parse().ok()?;
            holds(&entry.path()).then_some(number)
        })
        .collect()
}

/// The command line of a process, with its number.
fn described(number: i32) -> Option<String> {
    let command = fs::read(format!("/proc/{number}/cmdline")).ok()?;
    let command = String::from_utf8_lossy(&command)
        .split('\0')
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let shown: String = command.chars().take(80).collect();
    Some(format!("{shown:?} (process {number})"))
}

/// When a process was started, in clock ticks since the system was: field 22 of proc(5),
/// the 20th behind its name, which may hold spaces and brackets.
fn started(number: i32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    let (_, behind_name) = text.rsplit_once(')')?;
    behind_name.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// Whether a process is one of those by which container engines hand on a port; the
/// kernel keeps 15 characters of a name.
fn hands_into_a_container(number: i32) -> bool {
    const PROXIES: [&str; 9] = [
        "com.docker",
        "docker-proxy",
        "dockerd",
        "rootlesskit",
        "rootlessport",
        "conmon",
        "slirp4netns",
        "pasta",
        "containerd",
    ];
    fs::read_to_string(format!("/proc/{number}/comm")).is_ok_and(|name| {
        PROXIES
            .iter()
            .any(|proxy| name.trim_end().starts_with(proxy))
    })
}

/// The inodes of the sockets that listen on a port, of a table of /proc/net.
fn listening_sockets(table: &str, port: u16) -> Vec<String> {
    const LISTEN: &str = "0A";
    // 127.0.0.1, all of IPv4, ::1, all of IPv6, and the first two as IPv6 has them; the
    // words of an address are in the byte order of the machine, as on all that are
    // supported little-endian.
    const REACHED: [&str; 6] = [
        "0100007F",
        "00000000",
        "00000000000000000000000001000000",
        "00000000000000000000000000000000",
        "0000000000000000FFFF00000100007F",
        "0000000000000000FFFF000000000000",
    ];
    let suffix = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut fields = line.split_ascii_whitespace();
            let local = fields.nth(1)?;
            let state = fields.nth(1)?;
            let inode = fields.nth(5)?;
            let address = local.strip_suffix(&suffix)?;
            (REACHED.contains(&address) && state == LISTEN).then(|| inode.to_owned())
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
   2: 0200007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 61115 1 0000000000000000 100 0 0 10 0
   3: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 61114 1 0000000000000000 100 0 0 10 0
";
        assert_eq!(listening_sockets(table, 3000), ["61112"]);
        assert_eq!(listening_sockets(table, 8080), ["61114"]);
        assert!(listening_sockets(table, 50000).is_empty());
    }
}
