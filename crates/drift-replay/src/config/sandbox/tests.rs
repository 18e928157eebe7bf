//! What a user relies on when a file of the published sandbox is given.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may end by a panic"
)]

use super::*;

fn load(text: &str) -> Result<SandboxFile, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fence.json");
    std::fs::write(&file, text).unwrap();
    SandboxFile::load(&file)
}

#[test]
fn the_local_ports_of_the_published_file_are_read_and_its_other_keys_are_named() {
    let found = load(
        "{\n\t// databases /* that stay */\n\t\"$schema\": \"https://x/y.json\",\n\t\"network\": {\n\t\t\"allowLocalOutbound\": true, /* two\nlines */\n\t\t\"allowLocalOutboundPorts\": [5432, 6379,],\n\t\t\"allowedDomains\": [\"http://a//b\", \"\\\"//\"],\n\t},\n\t\"filesystem\": {\"denyRead\": [\"~\"]},\n}\n",
    )
    .unwrap();
    assert_eq!(found.allow_ports, [5432, 6379]);
    assert_eq!(found.not_read, ["network.allowedDomains", "filesystem"]);
}

#[test]
fn local_ports_hold_only_where_the_published_file_lets_the_service_out() {
    for (switches, open) in [
        ("", false),
        (r#""allowLocalOutbound": false,"#, false),
        (r#""allowLocalBinding": true,"#, true),
        (
            r#""allowLocalBinding": true, "allowLocalOutbound": false,"#,
            false,
        ),
        (
            r#""allowLocalBinding": false, "allowLocalOutbound": true,"#,
            true,
        ),
    ] {
        let text = format!(r#"{{"network": {{{switches} "allowLocalOutboundPorts": [5432]}}}}"#);
        let found = load(&text).unwrap();
        assert_eq!(!found.allow_ports.is_empty(), open, "{switches}");
    }
}

#[test]
fn a_fault_of_the_file_has_its_line_whatever_comments_stand_above_it() {
    let text = "// one\n/* two\nthree */ {\"network\": {\n  \"allowLocalOutboundPorts\": [70000]}}";
    let error = load(text).unwrap_err().to_string();
    assert!(error.contains("fence.json:4:"), "{error}");
    assert!(error.contains("whole numbers from 1 to 65535"), "{error}");
}
