//! The environment of a service under replay.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// Names that belong to the machine or to the user, never taken from a recording.
const NEVER: [&str; 12] = [
    "HOME", "LOGNAME", "OLDPWD", "PATH", "PWD", "SHELL", "SHLVL", "TEMP", "TERM", "TMP", "TMPDIR",
    "USER",
];

/// Beginnings of such names: version managers, and the SDKs' own switches, whose
/// recorded values say `RECORD` and name the recording machine's sockets.
const NEVER_PREFIXES: [&str; 9] = [
    "ASDF_", "FNM_", "NVM_", "PYENV_", "RBENV_", "SDKMAN_", "TUSK_", "UV_", "VOLTA_",
];

/// Names that are taken from a recording only where ours does not set them: they
/// say where things are on a machine, and who sets them here knows better.
const ONLY_WHERE_UNSET: [&str; 10] = [
    "CONDA_PREFIX",
    "HOST",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "NODE_OPTIONS",
    "NODE_PATH",
    "PORT",
    "PYTHONHOME",
    "PYTHONPATH",
    "VIRTUAL_ENV",
];

/// The switches of the SDKs that keep their value in our environment. All others
/// are left over from something else.
const KEPT_SWITCHES: [&str; 1] = ["TUSK_USE_RUST_CORE"];

/// Whether a recorded variable is never applied.
pub fn is_never_applied(name: &str) -> bool {
    NEVER.contains(&name) || NEVER_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether a recorded variable is applied only where ours does not set it.
pub fn is_only_applied_where_unset(name: &str) -> bool {
    ONLY_WHERE_UNSET.contains(&name)
}

/// Ours without what is left of other runs, then the recorded variables, then
/// those of the engine, later ones over earlier ones.
pub fn environment_for(
    own: impl IntoIterator<Item = (OsString, OsString)>,
    recorded: &BTreeMap<String, String>,
    engine: &[(String, String)],
) -> BTreeMap<OsString, OsString> {
    let mut environment: BTreeMap<OsString, OsString> = own
        .into_iter()
        .filter(|(name, _)| {
            let name = super::own_variable(name);
            !name.starts_with("TUSK_") || KEPT_SWITCHES.contains(&name)
        })
        .collect();
    for (name, value) in recorded {
        let usable = !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0');
        let ours_holds = is_only_applied_where_unset(name)
            && environment.contains_key(std::ffi::OsStr::new(name));
        if usable && !is_never_applied(name) && !ours_holds {
            environment.insert(name.into(), value.into());
        }
    }
    for (name, value) in engine {
        environment.insert(name.into(), value.into());
    }
    environment
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        pairs
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }

    #[test]
    fn recorded_variables_apply_except_those_of_the_machine_and_the_engine_has_the_last_word() {
        let own = names(&[
            ("HOME", "/home/me"),
            ("PATH", "/bin"),
            ("PORT", "8080"),
            ("REGION", "here"),
            ("TUSK_MOCK_PORT", "9001"),
            ("TUSK_MOCK_HOST", "stale"),
            ("TUSK_API_KEY", "secret"),
            ("TUSK_USE_RUST_CORE", "0"),
        ]);
        let recorded = [
            ("HOME", "/home/other"),
            ("NODE_OPTIONS", "--import ./tracing.mjs"),
            ("NVM_DIR", "/nvm"),
            ("PORT", "80"),
            ("REGION", "eu"),
            ("TUSK_DRIFT_MODE", "RECORD"),
            ("BAD=NAME", "x"),
            ("BAD_VALUE", "a\0b"),
            ("", "x"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        let engine = [
            ("TUSK_MOCK_SOCKET".to_owned(), "/s".to_owned()),
            ("TUSK_DRIFT_MODE".to_owned(), "REPLAY".to_owned()),
        ];
        let environment: Vec<_> = environment_for(own, &recorded, &engine)
            .into_iter()
            .collect();
        assert_eq!(
            environment,
            names(&[
                ("HOME", "/home/me"),
                ("NODE_OPTIONS", "--import ./tracing.mjs"),
                ("PATH", "/bin"),
                ("PORT", "8080"),
                ("REGION", "eu"),
                ("TUSK_DRIFT_MODE", "REPLAY"),
                ("TUSK_MOCK_SOCKET", "/s"),
                ("TUSK_USE_RUST_CORE", "0"),
            ])
        );
    }
}
