//! Command lines that reports show, to be typed as they stand: an id is whatever a
//! trace file says it is, so nothing of it may act on the shell.

use crate::config::SandboxMode;
use std::path::{Path, PathBuf};

/// Where a run found its recording and its configuration, as far as its user named
/// them; what the user did not name, the same command finds again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// `--trace-dir`.
    pub trace_dir: Option<PathBuf>,
    /// `--config`.
    pub config: Option<PathBuf>,
    /// What else changes a replay.
    pub replay: ReplayFlags,
}

/// What the user of a replay said of the service, so that one test alone would run
/// otherwise without it. What only chooses tests, or how many run at once, does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayFlags {
    /// `--sandbox-mode`.
    pub sandbox_mode: Option<SandboxMode>,
    /// `--sandbox-config`.
    pub sandbox_config: Option<PathBuf>,
    /// Whether coverage is collected: the service runs with what measures it.
    pub coverage: bool,
}

/// Why a command cannot be shown.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "no command is shown: {what} has line breaks, control characters or bytes that are no text"
)]
pub struct NoCommand {
    what: &'static str,
}

impl Place {
    /// The command that runs one test again.
    ///
    /// # Errors
    /// [`NoCommand`], here and below, when a part cannot stand in a line of text.
    pub fn replay(&self, trace_id: &str) -> Result<String, NoCommand> {
        let mut words = vec!["drift replay".to_owned()];
        self.add(&mut words)?;
        if let Some(mode) = self.replay.sandbox_mode {
            words.push(format!("--sandbox-mode {}", mode.as_str()));
        }
        add_path(&mut words, "--sandbox-config", &self.replay.sandbox_config)?;
        if self.replay.coverage {
            words.push("--show-coverage".to_owned());
        }
        words.push(option("--trace-id", "the id of the trace", trace_id)?);
        Ok(words.join(" "))
    }

    /// A command about the whole recording: `drift traces`.
    ///
    /// # Errors
    /// As above.
    pub fn whole(&self, command: &str) -> Result<String, NoCommand> {
        self.about(command, &[])
    }

    /// The command that lists all traces.
    ///
    /// # Errors
    /// As above.
    pub fn list(&self) -> Result<String, NoCommand> {
        Ok(format!("{} --all", self.whole("drift traces")?))
    }

    /// The command that shows one trace.
    ///
    /// # Errors
    /// As above.
    pub fn show(&self, trace_id: &str) -> Result<String, NoCommand> {
        self.about("drift traces show", &[("the id of the trace", trace_id)])
    }

    /// The command that explains one call.
    ///
    /// # Errors
    /// As above.
    pub fn explain(&self, trace_id: &str, span_id: &str) -> Result<String, NoCommand> {
        let ids = [
            ("the id of the trace", trace_id),
            ("the id of the span", span_id),
        ];
        self.about("drift explain", &ids)
    }

    fn about(&self, command: &str, ids: &[(&'static str, &str)]) -> Result<String, NoCommand> {
        let mut words = vec![command.to_owned()];
        self.add(&mut words)?;
        if ids.iter().any(|(_, id)| id.starts_with('-')) {
            words.push("--".to_owned());
        }
        for (what, id) in ids {
            words.push(quoted(what, id)?);
        }
        Ok(words.join(" "))
    }

    fn add(&self, words: &mut Vec<String>) -> Result<(), NoCommand> {
        add_path(words, "--trace-dir", &self.trace_dir)?;
        add_path(words, "--config", &self.config)
    }
}

fn add_path(
    words: &mut Vec<String>,
    name: &'static str,
    path: &Option<PathBuf>,
) -> Result<(), NoCommand> {
    if let Some(path) = path.as_deref().map(Path::to_str) {
        let path = path.ok_or(NoCommand { what: name })?;
        words.push(option(name, name, path)?);
    }
    Ok(())
}

/// An option with its value, which may begin as an option does.
fn option(name: &str, what: &'static str, value: &str) -> Result<String, NoCommand> {
    let separator = if value.starts_with('-') { '=' } else { ' ' };
    Ok(format!("{name}{separator}{}", quoted(what, value)?))
}

/// A word of a POSIX shell. Within single quotes nothing acts but a single quote.
fn quoted(what: &'static str, word: &str) -> Result<String, NoCommand> {
    // Marks of direction and separators of lines make a reader see another command.
    let misleads =
        |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if word.contains(misleads) {
        return Err(NoCommand { what });
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return Ok(word.to_owned());
    }
    Ok(format!("'{}'", word.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test is what a panic is for")]

    use super::*;

    #[test]
    fn an_id_or_a_path_that_would_act_on_a_shell_is_quoted() {
        let place = Place {
            trace_dir: Some("it's here".into()),
            config: Some("-c.yaml".into()),
            ..Place::default()
        };
        assert_eq!(
            place.replay("$(touch pwned); echo").as_deref(),
            Ok(
                r"drift replay --trace-dir 'it'\''s here' --config='-c.yaml' --trace-id '$(touch pwned); echo'"
            )
        );
        let place = Place::default();
        for (id, line) in [
            ("9aF0_-", "drift explain 9aF0_- 12"),
            ("-x", "drift explain -- -x 12"),
            ("", "drift explain '' 12"),
            ("a`b`\"", "drift explain 'a`b`\"' 12"),
            ("é", "drift explain 'é' 12"),
        ] {
            assert_eq!(place.explain(id, "12").as_deref(), Ok(line));
        }
        assert_eq!(
            place.replay("-x").as_deref(),
            Ok("drift replay --trace-id=-x")
        );
    }

    #[test]
    fn a_replay_is_repeated_with_what_changes_it_and_other_commands_without() {
        let place = Place {
            replay: ReplayFlags {
                sandbox_mode: Some(SandboxMode::Off),
                sandbox_config: Some("my fence.json".into()),
                coverage: true,
            },
            ..Place::default()
        };
        assert_eq!(
            place.replay("1f").as_deref(),
            Ok(
                "drift replay --sandbox-mode off --sandbox-config 'my fence.json' --show-coverage --trace-id 1f"
            )
        );
        assert_eq!(place.show("1f").as_deref(), Ok("drift traces show 1f"));
    }

    #[test]
    fn the_list_is_of_the_same_recording() {
        let place = Place {
            trace_dir: Some("other traces".into()),
            ..Place::default()
        };
        let line = "drift traces --trace-dir 'other traces' --all";
        assert_eq!(place.list().as_deref(), Ok(line));
    }

    #[test]
    fn no_command_is_shown_whose_id_or_path_breaks_its_line_or_acts_on_a_terminal() {
        for id in ["a\nb", "a\rb", "\u{1b}[2K", "\0", "\u{202e}x", "\u{2028}"] {
            let error = Place::default().show(id).unwrap_err().to_string();
            assert!(
                error.contains("the id of the trace has line breaks"),
                "{error}"
            );
            let error = Place::default().explain("1", id).unwrap_err().to_string();
            assert!(error.contains("the id of the span"), "{error}");
        }
        let place = Place {
            config: Some("a\nb".into()),
            ..Place::default()
        };
        let error = place.show("1").unwrap_err().to_string();
        assert!(error.contains("--config"), "{error}");
    }
}
