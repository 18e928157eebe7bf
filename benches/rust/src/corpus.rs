//! The documents of one payload, as `benches/payloads.py` wrote them, with
//! what the core makes of them, which is what the limit hashes and writes.

use drift_rust_core::{ProcessedPayload, normalize_and_hash, process_export_payload};
use std::error::Error;
use std::fs;
use std::path::Path;

/// One document and its results.
#[derive(Debug)]
pub struct Entry {
    /// The JSON text.
    pub text: String,
    /// Its canonical form.
    pub canonical: String,
    /// What `process_export_payload` makes of it.
    pub processed: ProcessedPayload,
    /// The base64 text that the merges decode, and the JSON in it.
    pub body: Option<(String, Vec<u8>)>,
}

/// All documents of one payload.
#[derive(Debug)]
pub struct Corpus {
    /// The text of the merges.
    pub merges: Option<String>,
    /// The documents, in order.
    pub entries: Vec<Entry>,
}

impl Corpus {
    /// Reads `NAME.0.json` and so on, and `NAME.merges.json` where it is.
    ///
    /// # Errors
    /// A file that cannot be read, or a text that the core refuses.
    pub fn read(folder: &Path, name: &str) -> Result<Corpus, Box<dyn Error>> {
        let merges_file = folder.join(format!("{name}.merges.json"));
        let merges = match merges_file.exists() {
            true => Some(fs::read_to_string(merges_file)?),
            false => None,
        };
        let mut entries = Vec::new();
        loop {
            let file = folder.join(format!("{name}.{}.json", entries.len()));
            if !file.exists() {
                break;
            }
            entries.push(Entry::new(fs::read_to_string(file)?, merges.as_deref())?);
        }
        match entries.is_empty() {
            true => Err(format!("there is no payload {name} in {}", folder.display()).into()),
            false => Ok(Corpus { merges, entries }),
        }
    }

    /// UTF-8 bytes of all documents.
    pub fn size(&self) -> usize {
        self.entries.iter().map(|entry| entry.text.len()).sum()
    }
}

impl Entry {
    fn new(text: String, merges: Option<&str>) -> Result<Entry, Box<dyn Error>> {
        let (canonical, _) = normalize_and_hash(text.as_str())?;
        let processed = process_export_payload(text.as_str(), merges)?;
        let body = match merges {
            Some(_) => Some(read_body(&text)?),
            None => None,
        };
        Ok(Entry {
            text,
            canonical,
            processed,
            body,
        })
    }
}

/// The member `body`, which is the one that the generator encodes.
fn read_body(text: &str) -> Result<(String, Vec<u8>), Box<dyn Error>> {
    let value: serde_json::Value = serde_json::from_str(text)?;
    let encoded = value.get("body").and_then(|body| body.as_str());
    let encoded = encoded.ok_or("a payload with merges has no text in `body`")?;
    let decoded = base64_simd::STANDARD.decode_to_vec(encoded)?;
    Ok((encoded.to_owned(), decoded))
}
