//! `drift hash`: the core on the command line.

use super::{name, read_text};
use crate::Exit;
use crate::args::{HashArguments, ProfileName};
use crate::terminal::{BOLD, CAUTION, note, out, styled};
use anyhow::{Context as _, bail};
use drift_replay::spelling::nearest;
use drift_rust_core::{
    Document, HashAlgorithm, Profile, SchemaMerges, Value, ValueOptions, normalize_and_hash_as,
    process_export_payload,
};
use std::io::Write as _;
use std::path::Path;

pub(crate) fn run(arguments: &HashArguments) -> anyhow::Result<Exit> {
    let file = arguments.file.as_deref().unwrap_or(Path::new("-"));
    let text = read_text(file)?;
    let facts = facts(arguments, &text).with_context(|| name(file))?;
    let mut out = out();
    if arguments.canonical {
        let canonical = facts
            .iter()
            .rev()
            .find(|(key, _)| key.ends_with("canonical"));
        writeln!(out, "{}", canonical.map_or("", |(_, value)| value))?;
    } else if arguments.json {
        let object: serde_json::Map<String, serde_json::Value> = facts
            .into_iter()
            .map(|(key, value)| (key.replace(' ', "_"), value.into()))
            .collect();
        writeln!(out, "{}", serde_json::Value::Object(object))?;
    } else {
        let width = facts.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
        for (key, value) in facts {
            writeln!(out, "{}  {value}", styled(format!("{key:width$}"), BOLD))?;
        }
    }
    Ok(Exit::Same)
}

/// What there is to say about a value, by name, in the order of printing.
fn facts(arguments: &HashArguments, text: &[u8]) -> anyhow::Result<Vec<(&'static str, String)>> {
    if arguments.profile == ProfileName::Rfc8785 {
        let (canonical, hash) =
            normalize_and_hash_as(text, Profile::Rfc8785, HashAlgorithm::Sha256)?;
        return Ok(vec![("canonical", canonical), ("value hash", hash)]);
    }
    if let Some(merges) = &arguments.merges {
        check_merges(merges, text)?;
    }
    let payload = process_export_payload(text, arguments.merges.as_deref())?;
    let mut facts = vec![("canonical", payload.normalized_json.to_string())];
    if !payload.decoded_is_normalized() {
        facts.push(("decoded canonical", payload.decoded_json().to_owned()));
    }
    facts.push(("value hash", payload.decoded_value_hash));
    facts.push(("schema", payload.decoded_schema_json));
    facts.push(("schema hash", payload.decoded_schema_hash));
    Ok(facts)
}

/// Merges that say something without effect: the core skips what it does not know,
/// because the SDKs rely on it; here it is somebody's slip. What is not JSON at all,
/// or of a wrong type, is the core's to say.
fn check_merges(merges: &str, text: &[u8]) -> anyhow::Result<()> {
    let options = ValueOptions::default;
    let Ok(merges) = Document::parse(merges, options()) else {
        return Ok(());
    };
    let Value::Object(entries) = merges.root() else {
        return Ok(());
    };
    let payload = Document::parse(text, options()).ok();
    for (key, entry) in entries.iter() {
        if let Value::Object(members) = entry {
            let unknown = members
                .iter()
                .find(|(name, _)| !SchemaMerges::reads_member(name));
            if let Some((name, _)) = unknown {
                bail!(
                    "--merges: unknown member `{name}` of `{key}`; {}known are {}",
                    guess(name, &SchemaMerges::MEMBERS),
                    SchemaMerges::MEMBERS.join(", ")
                );
            }
        }
        if let Some(Value::Object(members)) = payload.as_ref().map(Document::root) {
            let known: Vec<&str> = members.iter().map(|(name, _)| name).collect();
            if !known.contains(&key) {
                note(format!(
                    "{} --merges: the value has no member `{key}`; {}what is said of it changes nothing",
                    styled("notice:", CAUTION),
                    guess(key, &known)
                ));
            }
        }
    }
    Ok(())
}

fn guess(name: &str, known: &[&str]) -> String {
    nearest(name, known).map_or_else(String::new, |near| format!("did you mean `{near}`? "))
}
