//! `replay.sandbox`, and the file that it may name.

use super::yaml::{Block, Field, Reader, Unknown};
use super::{Config, ConfigError};
use std::path::{Path, PathBuf};

/// Whether the service under replay is confined to its sandbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SandboxMode {
    /// It is, or there is no replay.
    Strict,
    /// It is where the system can and the service comes up in it.
    #[default]
    Auto,
    /// It is not.
    Off,
}

impl SandboxMode {
    /// As the configuration and the command line spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            SandboxMode::Strict => "strict",
            SandboxMode::Auto => "auto",
            SandboxMode::Off => "off",
        }
    }
}

/// `replay.sandbox`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SandboxConfig {
    /// `replay.sandbox.mode`.
    pub mode: SandboxMode,
    /// `replay.sandbox.allow_ports`, ours: more TCP ports that it may connect to.
    pub allow_ports: Vec<u16>,
    /// `replay.sandbox.config_path`: a file of the published sandbox.
    pub config_path: Option<PathBuf>,
}

/// What a file of the published sandbox says that holds here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SandboxFile {
    /// `network.allowLocalOutboundPorts`, where `network.allowLocalOutbound` holds.
    pub allow_ports: Vec<u16>,
    /// The other keys of the file, dotted.
    pub not_read: Vec<String>,
}

impl SandboxConfig {
    pub(super) fn read(reader: &mut Reader, replay: &Block<'_>, base: &Path) -> SandboxConfig {
        let Some(field) = replay.get("sandbox") else {
            return SandboxConfig::default();
        };
        let block = reader.block(
            field,
            "replay.sandbox",
            &["mode", "config_path", "allow_ports"],
            Unknown::Mention,
        );
        let modes = [SandboxMode::Strict, SandboxMode::Auto, SandboxMode::Off]
            .map(|mode| (mode.as_str(), mode));
        SandboxConfig {
            mode: reader.word(&block, "mode", &modes).unwrap_or_default(),
            allow_ports: ports(reader, &block, "allow_ports"),
            config_path: reader
                .string(&block, "config_path")
                .filter(|path| !path.is_empty())
                .map(|path| base.join(path)),
        }
    }
}

fn ports(reader: &mut Reader, block: &Block<'_>, name: &str) -> Vec<u16> {
    reader
        .integers(block, name, 1, 65_535)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|port| u16::try_from(port).ok())
        .collect()
}

impl SandboxFile {
    /// Reads a file of the published sandbox: JSON with comments. Of all it can say,
    /// ports are what holds here.
    ///
    /// # Errors
    /// [`ConfigError`], naming every fault of what is read with its line.
    pub fn load(file: &Path) -> Result<SandboxFile, ConfigError> {
        let text = without_comments(&Config::read_text(file)?);
        let mut reader = Reader::default();
        let mut found = SandboxFile::default();
        super::read_yaml(&text, file, &mut reader, |reader, root| {
            found = SandboxFile::read(reader, root);
        })?;
        reader.notices.sort_by_key(|notice| notice.line);
        found.not_read = reader.notices.drain(..).map(|notice| notice.key).collect();
        Ok(found)
    }

    fn read(reader: &mut Reader, root: Field<'_>) -> SandboxFile {
        let top = reader.block(root, "", &["$schema", "network"], Unknown::Mention);
        let Some(field) = top.get("network") else {
            return SandboxFile::default();
        };
        let network = reader.block(
            field,
            "network",
            &[
                "allowLocalBinding",
                "allowLocalOutbound",
                "allowLocalOutboundPorts",
            ],
            Unknown::Mention,
        );
        let binding = reader.boolean(&network, "allowLocalBinding");
        let outbound = reader.boolean(&network, "allowLocalOutbound");
        let ports = ports(reader, &network, "allowLocalOutboundPorts");
        let holds = outbound.or(binding).unwrap_or(false);
        SandboxFile {
            allow_ports: if holds { ports } else { Vec::new() },
            not_read: Vec::new(),
        }
    }
}

/// The same text with spaces for `// …` and `/* … */` outside of strings, so that
/// every place keeps its line and column.
fn without_comments(text: &str) -> String {
    enum Within {
        Nothing,
        String,
        Line,
        Block,
    }
    let mut within = Within::Nothing;
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let next = characters.peek().copied();
        let mut take_next = false;
        let mut hidden = true;
        match within {
            Within::Nothing => match (character, next) {
                ('/', Some('/')) => within = Within::Line,
                ('/', Some('*')) => {
                    within = Within::Block;
                    take_next = true;
                }
                _ => {
                    hidden = false;
                    if character == '"' {
                        within = Within::String;
                    }
                }
            },
            Within::String => {
                hidden = false;
                match character {
                    '\\' => take_next = true,
                    '"' => within = Within::Nothing,
                    _ => {}
                }
            }
            Within::Line if character == '\n' => within = Within::Nothing,
            Within::Block if character == '*' && next == Some('/') => {
                within = Within::Nothing;
                take_next = true;
            }
            Within::Line | Within::Block => {}
        }
        let second = if take_next { characters.next() } else { None };
        for shown in std::iter::once(character).chain(second) {
            plain.push(if hidden && shown != '\n' { ' ' } else { shown });
        }
    }
    plain
}

#[cfg(test)]
mod tests;
