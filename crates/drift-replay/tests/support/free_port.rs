//! Ports for services that tests start.

use std::sync::atomic::{AtomicU16, Ordering};

/// A port of this machine that nobody listens on. Below those that the system
/// gives to connections, so that none of these takes it before the service does.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let begin = u16::try_from(std::process::id() % 10_000).unwrap();
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 20_000 + (begin + number * 7) % 10_000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
