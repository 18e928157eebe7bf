//! Who holds a port of this machine, as far as Linux shows it to us.

use std::fs;

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
