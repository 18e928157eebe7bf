//! One self-contained page: nothing is loaded, nothing is sent. Its data are
//! our JSON form; `page.html`, `page.css` and `page.js` beside this file show it.

use super::RunResults;
use super::json::{Limits, to_json_within};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The results as one HTML page. Redact them first.
///
/// Values are cut to 16 KiB around their first difference, and of a test 200 deviations of the response and
/// 200 accepted differences are listed, the rest counted; our JSON has all.
///
/// The page's policy allows exactly its own style and script, by their hashes,
/// and no network: data that looked like markup could do nothing, even if it
/// were not escaped. It is: `<` never stands in the data, and the script puts
/// it in as text.
pub fn to_html(results: &RunResults) -> String {
    let title = if results.service.is_empty() {
        "Drift replay".to_owned()
    } else {
        format!("{} · Drift replay", results.service)
    };
    let mut page = String::with_capacity(PAGE.len() + STYLE.len() + SCRIPT.len());
    let mut rest = PAGE;
    // One pass over the template: what was put in is not looked at again.
    while let Some((before, tail)) = rest.split_once("{{") {
        page.push_str(before);
        let (name, after) = tail.split_once("}}").unwrap_or((tail, ""));
        match name {
            "title" => page.push_str(&escape(&title)),
            "style" => page.push_str(STYLE),
            "script" => page.push_str(SCRIPT),
            "style-hash" => page.push_str(&hash(STYLE)),
            "script-hash" => page.push_str(&hash(SCRIPT)),
            "data" => page.push_str(&data(results)),
            other => page.push_str(other),
        }
        rest = after;
    }
    page.push_str(rest);
    page
}

fn hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// JSON that can stand in a script element: no `<`, so neither `</script>` nor
/// `<!--`; no line separators, which old parsers trip over.
fn data(results: &RunResults) -> String {
    to_json_within(results, Limits::PAGE)
        .to_string()
        .replace('<', "\\u003c")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}
