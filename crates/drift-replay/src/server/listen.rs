//! Where the server listens: a Unix socket whose path is short enough, or TCP.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::accept::Listener;

/// The longest path of a socket, in bytes: 104 with the closing zero on macOS,
/// 108 on Linux. One limit for both, so that a project works on either.
pub const MAX_SOCKET_PATH_BYTES: usize = 103;

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A Unix socket of this path.
    Unix(PathBuf),
    /// A Unix socket for the project in this directory: `.tusk/.s` in it when
    /// `.tusk` is there, `.t.sock` in it, or `.t-HASH` in a directory above or in the
    /// temporary one, the first that is short enough, writable and not in use.
    UnixFor(PathBuf),
    /// TCP. Port 0 takes a free one.
    Tcp(SocketAddr),
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket.
    Unix(PathBuf),
    /// TCP.
    Tcp(SocketAddr),
}

impl Address {
    /// The variables that make an SDK connect here. `host` is the name under
    /// which the service reaches a TCP server: `None` for a service on this
    /// machine, `host.docker.internal` for one in a container.
    pub fn environment(&self, host: Option<&str>) -> Vec<(String, String)> {
        match self {
            Address::Unix(path) => vec![(
                "TUSK_MOCK_SOCKET".to_owned(),
                path.to_string_lossy().into_owned(),
            )],
            Address::Tcp(address) => {
                let ip = if address.ip().is_unspecified() {
                    "127.0.0.1".to_owned()
                } else {
                    address.ip().to_string()
                };
                vec![
                    ("TUSK_MOCK_HOST".to_owned(), host.map_or(ip, str::to_owned)),
                    ("TUSK_MOCK_PORT".to_owned(), address.port().to_string()),
                ]
            }
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Address::Unix(path) => path.display().fmt(f),
            Address::Tcp(address) => address.fmt(f),
        }
    }
}

/// Why there is nowhere to listen. The environment's fault in each case.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The path does not fit a socket address.
    #[error("the socket path {path:?} has {length_bytes} bytes, and at most {MAX_SOCKET_PATH_BYTES} are possible; choose a shorter one", path = .path)]
    PathTooLong {
        /// The path.
        path: PathBuf,
        /// How long it is.
        length_bytes: usize,
    },
    /// Another program listens there.
    #[error("another program listens on {address}; stop it or choose another address")]
    InUse {
        /// Where.
        address: Address,
    },
    /// There is a file of that name that is no socket.
    #[error("{path:?} is there and is not a socket; remove it or choose another path", path = .path)]
    NotASocket {
        /// Its path.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot listen on {address}")]
    Refused {
        /// Where.
        address: Address,
        /// What it said.
        source: io::Error,
    },
    /// None of the places of a project can be used.
    #[error("no socket can be made for the project in {directory:?}: {tried}", directory = .directory)]
    NoPlace {
        /// The project.
        directory: PathBuf,
        /// Each place and why not.
        tried: String,
    },
}

impl ListenError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            ListenError::PathTooLong { .. } => "socket_path_too_long",
            ListenError::InUse { .. } => "address_in_use",
            ListenError::NotASocket { .. } => "not_a_socket",
            ListenError::Refused { .. } => "cannot_listen",
            ListenError::NoPlace { .. } => "no_socket_place",
        }
    }
}

/// A socket that was made, and is removed at the end if it still is that one.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    identity: Option<(u64, u64)>,
}

impl SocketFile {
    fn of(path: &Path) -> SocketFile {
        SocketFile {
            path: path.to_owned(),
            identity: identity(path),
        }
    }

    pub(super) fn remove(&self) {
        if self.identity.is_some() && identity(&self.path) == self.identity {
            // It may be gone by now, and there is nobody left to tell.
            let _removed = std::fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let data = std::fs::symlink_metadata(path).ok()?;
    Some((data.dev(), data.ino()))
}

/// A socket that listens.
pub(super) struct Bound {
    pub(super) listener: Listener,
    pub(super) address: Address,
    pub(super) socket_file: Option<SocketFile>,
}

impl Listen {
    pub(super) fn bind(&self) -> Result<Bound, ListenError> {
        match self {
            Listen::Unix(path) => bind_unix(path),
            Listen::UnixFor(directory) => bind_unix_for(directory),
            Listen::Tcp(address) => bind_tcp(*address),
        }
    }
}

fn bind_tcp(address: SocketAddr) -> Result<Bound, ListenError> {
    let refused = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse {
            address: Address::Tcp(address),
        },
        _ => ListenError::Refused {
            address: Address::Tcp(address),
            source,
        },
    };
    let listener = std::net::TcpListener::bind(address).map_err(refused)?;
    listener.set_nonblocking(true).map_err(refused)?;
    let listener = tokio::net::TcpListener::from_std(listener).map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok(Bound {
        listener: Listener::Tcp(listener),
        address: Address::Tcp(address),
        socket_file: None,
    })
}

fn bind_unix(path: &Path) -> Result<Bound, ListenError> {
    let length_bytes = path.as_os_str().len();
    if length_bytes > MAX_SOCKET_PATH_BYTES {
        return Err(ListenError::PathTooLong {
            path: path.to_owned(),
            length_bytes,
        });
    }
    let address = Address::Unix(path.to_owned());
    let refused = |source: io::Error| ListenError::Refused {
        address: Address::Unix(path.to_owned()),
        source,
    };
    if let Ok(data) = std::fs::symlink_metadata(path) {
        if !data.file_type().is_socket() {
            return Err(ListenError::NotASocket {
                path: path.to_owned(),
            });
        }
        // What a server that was killed left behind refuses connections. Anything
        // else (also a socket of another user) is left alone.
        match std::os::unix::net::UnixStream::connect(path) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                std::fs::remove_file(path).map_err(refused)?;
            }
            _ => return Err(ListenError::InUse { address }),
        }
    }
    let listener = tokio::net::UnixListener::bind(path).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse {
            address: Address::Unix(path.to_owned()),
        },
        _ => refused(source),
    })?;
    let socket_file = SocketFile::of(path);
    // Recordings hold what the service's users sent: for this user only.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(refused)?;
    Ok(Bound {
        listener: Listener::Unix(listener),
        address,
        socket_file: Some(socket_file),
    })
}

fn bind_unix_for(directory: &Path) -> Result<Bound, ListenError> {
    let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    let mut tried = String::new();
    for place in places(&directory) {
        match bind_unix(&place) {
            Ok(bound) => return Ok(bound),
            Err(error) => {
                let cause = std::error::Error::source(&error)
                    .map_or_else(String::new, |cause| format!(" ({cause})"));
                let separator = if tried.is_empty() { "" } else { "; " };
                // Writing to a string cannot fail.
                let _written = write!(tried, "{separator}{error}{cause}");
            }
        }
    }
    Err(ListenError::NoPlace { directory, tried })
}

fn places(directory: &Path) -> Vec<PathBuf> {
    let mut places = Vec::new();
    let tusk = directory.join(".tusk");
    if tusk.is_dir() {
        places.push(tusk.join(".s"));
    }
    places.push(directory.join(".t.sock"));
    let digest = Sha256::digest(directory.as_os_str().as_encoded_bytes());
    let name = digest
        .iter()
        .take(6)
        .fold(".t-".to_owned(), |mut name, byte| {
            // Writing to a string cannot fail.
            let _written = write!(name, "{byte:02x}");
            name
        });
    places.extend(directory.ancestors().skip(1).map(|above| above.join(&name)));
    places.push(std::env::temp_dir().join(&name));
    places
}
