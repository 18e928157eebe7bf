//! The sandbox of a service under replay: which TCP ports its processes may
//! connect to. Linux keeps it (Landlock, from 6.7 on): no privilege is needed and
//! no other program, and whatever the service starts inherits it.
//!
//! What this leaves out, because Landlock does: addresses (a port is allowed on
//! every host), UDP, and TCP in other clothes (Multipath TCP, SCTP, Fast Open, which
//! sends without a connect). Unix sockets and listening stay free.

use std::collections::BTreeSet;
use std::fmt;

/// The only TCP ports that a service may connect to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sandbox {
    ports: BTreeSet<u16>,
}

/// This system cannot confine a service; the environment's matter.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "this system cannot confine a service: that takes Linux 6.7 or newer with Landlock among its security modules ({reason})"
)]
pub struct NoSandbox {
    reason: String,
}

impl Sandbox {
    /// A sandbox with these ports open.
    pub fn new(ports: impl IntoIterator<Item = u16>) -> Sandbox {
        Sandbox {
            ports: ports.into_iter().collect(),
        }
    }

    /// Whether this system can confine a service; nothing is confined by asking.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn support() -> Result<(), NoSandbox> {
        system::support().map_err(|reason| NoSandbox { reason })
    }

    /// Runs something that starts a process, which is confined from its first
    /// instruction on.
    ///
    /// Landlock confines a thread and what it starts, for good. So a thread is made
    /// for it, and the others, which serve and send, stay free.
    ///
    /// # Errors
    /// [`NoSandbox`], and nothing was run.
    pub(crate) fn around<T: Send>(&self, start: impl FnOnce() -> T + Send) -> Result<T, NoSandbox> {
        let confined = || -> Result<T, String> {
            system::confine_this_thread(&self.ports)?;
            Ok(start())
        };
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new()
                .name("sandbox".to_owned())
                .spawn_scoped(scope, confined)
                .map_err(|error| format!("no thread could be started: {error}"))?;
            match thread.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
        .map_err(|reason| NoSandbox { reason })
    }
}

/// `TCP to port 3000 only`.
impl fmt::Display for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ports: Vec<String> = self.ports.iter().map(u16::to_string).collect();
        match ports.as_slice() {
            [] => f.write_str("no TCP"),
            [port] => write!(f, "TCP to port {port} only"),
            [most @ .., last] => {
                write!(f, "TCP to ports {} and {last} only", most.join(", "))
            }
        }
    }
}

#[cfg(target_os = "linux")]
mod system {
    use landlock::{
        AccessNet, CompatLevel, Compatible as _, NetPort, Ruleset, RulesetAttr as _,
        RulesetCreated, RulesetCreatedAttr as _, RulesetError, RulesetStatus,
    };
    use std::collections::BTreeSet;

    pub(super) fn support() -> Result<(), String> {
        rules(&BTreeSet::new())
            .map(drop)
            .map_err(|error| with_sources(&error))
    }

    pub(super) fn confine_this_thread(ports: &BTreeSet<u16>) -> Result<(), String> {
        let status = rules(ports)
            .and_then(RulesetCreated::restrict_self)
            .map_err(|error| with_sources(&error))?;
        match status.ruleset {
            RulesetStatus::FullyEnforced => Ok(()),
            // Each of the rules is a hard requirement, so this cannot be.
            other => Err(format!("Landlock says {other:?}")),
        }
    }

    fn rules(ports: &BTreeSet<u16>) -> Result<RulesetCreated, RulesetError> {
        let mut rules = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessNet::ConnectTcp)?
            .create()?;
        for port in ports {
            rules = rules.add_rule(NetPort::new(*port, AccessNet::ConnectTcp))?;
        }
        Ok(rules)
    }

    fn with_sources(error: &dyn std::error::Error) -> String {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(inner) = source {
            let said = inner.to_string();
            if !text.contains(&said) {
                text = format!("{text}: {said}");
            }
            source = inner.source();
        }
        text
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::collections::BTreeSet;

    pub(super) fn support() -> Result<(), String> {
        Err("this is another system".to_owned())
    }

    pub(super) fn confine_this_thread(_: &BTreeSet<u16>) -> Result<(), String> {
        support()
    }
}
