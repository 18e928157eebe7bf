//! Which queries are those of pools in a recording as a whole. Which query is whose
//! is not recorded, but a pool's query makes one of the driver, somewhere: where
//! there are as many of these as of those, none is the program's own.

use crate::forms::{Form, FormReader, Forms};
use crate::load::{Recording, scope, scoped};
use crate::span::{Span, SpanKind};
use crate::tree::Json;
use std::collections::HashMap;
use std::sync::OnceLock;
use tusk_drift_schemas::tusk::drift::core::v1::StatusCode;

const DRIVER: &str = "pg";
const POOL: &str = "pg-pool";

/// The queries of a recording's driver and of its pools, by their inputs. They are
/// counted when a query is first asked about: most recordings need it never.
#[derive(Debug, Default)]
pub(crate) struct PoolQueries {
    inputs: OnceLock<Inputs>,
}

/// The value keys of all spans of a package that did not fail, sorted.
#[derive(Debug, Default)]
struct Inputs {
    of_driver: Vec<u128>,
    of_pool: Vec<u128>,
}

impl PoolQueries {
    /// Whether every query of the driver with this one's statement and parameters is
    /// one that a pool made, in whichever trace.
    ///
    /// Numbers that differ say nothing. With more of the driver, the program makes such
    /// queries itself; with fewer, some were not recorded, and what is there may be its
    /// own. What failed is not counted: a pool that gets no connection asks nothing.
    pub(crate) fn make_all_like(&self, span: &Span, recording: &Recording) -> bool {
        if span.package_name != DRIVER || span.status_code == StatusCode::Error as i32 {
            return false;
        }
        let Some([own, in_pool]) = value_keys(span) else {
            return false;
        };
        let inputs = self.inputs.get_or_init(|| Inputs::of(recording));
        let of_driver = count(&inputs.of_driver, own);
        of_driver > 0 && of_driver == count(&inputs.of_pool, in_pool)
    }
}

impl Inputs {
    /// Made of what is in memory; no file is read.
    fn of(recording: &Recording) -> Inputs {
        let number_of = |name: &str| {
            let mut packages = recording.packages().iter();
            packages.position(|package| package == name)
        };
        let (driver, pool) = (number_of(DRIVER), number_of(POOL));
        let mut scopes: HashMap<(bool, SpanKind), u128> = HashMap::new();
        let mut inputs = Inputs::default();
        for (entry, key) in recording.entries().iter().zip(recording.keys(Form::Value)) {
            let package = Some(entry.package as usize);
            let is_pool = package == pool;
            if (!is_pool && package != driver) || entry.has_failed() {
                continue;
            }
            // Mixed with its scope twice, a key is what it was before.
            let scope = *scopes.entry((is_pool, entry.kind)).or_insert_with(|| {
                let name = if is_pool { POOL } else { DRIVER };
                scope(name, entry.kind)
            });
            let keys = if is_pool {
                &mut inputs.of_pool
            } else {
                &mut inputs.of_driver
            };
            keys.push(scoped(*key, scope));
        }
        inputs.of_driver.sort_unstable();
        inputs.of_pool.sort_unstable();
        inputs
    }
}

fn count(sorted: &[u128], key: u128) -> usize {
    let first = sorted.partition_point(|one| *one < key);
    let behind = sorted.partition_point(|one| *one <= key);
    behind - first
}

/// The value key of a query, and that which it has as a pool's: inputs differ in
/// `clientType` alone.
fn value_keys(span: &Span) -> Option<[u128; 2]> {
    let text = span.input_value.as_deref()?;
    let mut in_pool = Json::parse(text.as_bytes())?;
    *in_pool.get_mut("clientType")? = Json::String("pool".to_owned());
    let mut reader = FormReader::default();
    let mut key = |value: &str| {
        let input = reader.input(Some(value), span.input_schema.as_deref());
        let forms = Forms::of(input.ok()?.as_ref(), "", "");
        forms.key(Form::Value).map(|key| key.number())
    };
    Some([key(text)?, key(&in_pool.text())?])
}
