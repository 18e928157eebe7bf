//! Takes connections in, and backs off when the system has none to give.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Shared, connection};
use crate::wording::seconds;

/// How long the first pause after a failed accept is; each further one is twice
/// as long, up to a second.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long connections may take to send what waits for them when the server stops.
const STOP_DEADLINE: Duration = Duration::from_secs(1);

/// A listening socket of either kind.
pub(super) enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
}

/// A connection of either kind.
pub(super) enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Stream {
    pub(super) async fn ready(&self, interest: Interest) -> io::Result<tokio::io::Ready> {
        match self {
            Stream::Unix(stream) => stream.ready(interest).await,
            Stream::Tcp(stream) => stream.ready(interest).await,
        }
    }

    pub(super) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Unix(stream) => stream.try_read(buffer),
            Stream::Tcp(stream) => stream.try_read(buffer),
        }
    }

    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Unix(stream) => stream.try_write(bytes),
            Stream::Tcp(stream) => stream.try_write(bytes),
        }
    }
}

/// Gives connections; a trait so that its failures can be tested.
pub(super) trait Accept: Send + 'static {
    fn accept(&mut self) -> impl Future<Output = io::Result<Stream>> + Send;
}

impl Accept for Listener {
    async fn accept(&mut self) -> io::Result<Stream> {
        match self {
            Listener::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                Ok(Stream::Unix(stream))
            }
            Listener::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // An answer must not wait for the next one to fill a packet.
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
        }
    }
}

/// Waits until the server stops.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // The sender lives as long as the server does; without it this is over too.
    let _stopped = stop.wait_for(|stop| *stop).await;
}

/// Serves all connections until the server stops.
pub(super) async fn accept_all(mut listener: impl Accept, shared: Arc<Shared>) {
    let mut stop = shared.stop.subscribe();
    let mut connections = JoinSet::new();
    let mut next = 1;
    let mut pause = FIRST_PAUSE;
    loop {
        while connections.try_join_next().is_some() {}
        let room = connections.len() < shared.options.max_connections;
        tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            _ = connections.join_next(), if !room => {}
            accepted = listener.accept(), if room => match accepted {
                Ok(stream) => {
                    pause = FIRST_PAUSE;
                    connections.spawn(connection::serve(Arc::clone(&shared), stream, next));
                    next += 1;
                }
                Err(error) => {
                    // Mostly no file descriptor is left: trying at once would spin.
                    shared.problem(
                        None,
                        "accept_failed",
                        format!("no connection could be accepted ({error}); trying again in {}", seconds(pause)),
                    );
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    // The rest is aborted when the set is dropped.
    let _in_time = tokio::time::timeout(STOP_DEADLINE, ended).await;
}

#[cfg(test)]
#[path = "accept_tests.rs"]
mod tests;
