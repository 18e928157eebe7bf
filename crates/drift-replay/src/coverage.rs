//! Code coverage of a run: the snapshots of the SDKs added up, and written as
//! LCOV.
//!
//! An SDK counts the branches of a line without saying which of them ran, so of
//! two snapshots the larger count of a line holds: it is a lower bound.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use tusk_drift_schemas::tusk::drift::core::v1 as contract;

mod selection;

pub use selection::{Selection, SelectionError, check_pattern};

/// More branches than a line of source can have; each becomes a line of LCOV, so
/// a wrong number must not become billions of them.
const MAX_BRANCHES: u32 = 10_000;

/// What was executed, by file. Files and lines are in order, so that equal runs
/// give equal texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    files: BTreeMap<String, FileCoverage>,
}

/// What was executed of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileCoverage {
    /// How often each line ran, by its number from 1; 0 for one that could have.
    pub lines: BTreeMap<u32, u64>,
    /// The branches that begin at each line.
    pub branches: BTreeMap<u32, Branches>,
}

/// The branches of one line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Branches {
    /// How many there are.
    pub total: u32,
    /// How many of them ran at least.
    pub covered: u32,
}

impl Coverage {
    /// Adds a snapshot: counts of lines add up. Numbers that make no sense (a line
    /// that is no number, a negative count) are left out.
    pub fn add(&mut self, snapshot: &HashMap<String, contract::FileCoverageData>) {
        for (path, data) in snapshot {
            let file = self.files.entry(path.clone()).or_default();
            for (line, count) in &data.lines {
                if let (Ok(line), Ok(count)) = (line.parse(), u64::try_from(*count)) {
                    let sum: &mut u64 = file.lines.entry(line).or_default();
                    *sum = sum.saturating_add(count);
                }
            }
            for (line, data) in &data.branches {
                if let (Ok(line), Ok(total), Ok(covered)) = (
                    line.parse(),
                    u32::try_from(data.total),
                    u32::try_from(data.covered),
                ) {
                    let branches: &mut Branches = file.branches.entry(line).or_default();
                    branches.total = branches.total.max(total.min(MAX_BRANCHES));
                    branches.covered = branches.covered.max(covered).min(branches.total);
                }
            }
        }
    }

    /// Adds another coverage, as [`Coverage::add`] does.
    pub fn merge(&mut self, other: &Coverage) {
        for (path, data) in &other.files {
            let file = self.files.entry(path.clone()).or_default();
            for (line, count) in &data.lines {
                let sum: &mut u64 = file.lines.entry(*line).or_default();
                *sum = sum.saturating_add(*count);
            }
            for (line, more) in &data.branches {
                let branches: &mut Branches = file.branches.entry(*line).or_default();
                branches.total = branches.total.max(more.total);
                branches.covered = branches.covered.max(more.covered);
            }
        }
    }

    /// The files, by path.
    pub fn files(&self) -> &BTreeMap<String, FileCoverage> {
        &self.files
    }

    /// Keeps the files whose path `keep` takes.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.files.retain(|path, _| keep(path));
    }

    /// Lines that ran, and lines that could have.
    pub fn line_totals(&self) -> (usize, usize) {
        self.files.values().fold((0, 0), |(hit, found), file| {
            (hit + file.lines_hit(), found + file.lines.len())
        })
    }

    /// The LCOV text. `strip_prefix` is taken off the paths that begin with it.
    pub fn to_lcov(&self, strip_prefix: &str) -> String {
        let mut text = String::new();
        for (path, file) in &self.files {
            let path = path.strip_prefix(strip_prefix).unwrap_or(path);
            // Writing to a string cannot fail.
            let _written = file.write_lcov(path, &mut text);
        }
        text
    }
}

impl FileCoverage {
    fn lines_hit(&self) -> usize {
        self.lines.values().filter(|count| **count > 0).count()
    }

    fn write_lcov(&self, path: &str, text: &mut String) -> std::fmt::Result {
        writeln!(text, "TN:\nSF:{path}")?;
        let (mut found, mut hit) = (0u64, 0u64);
        for (line, branches) in &self.branches {
            let ran = self.lines.get(line).is_none_or(|count| *count > 0);
            for branch in 0..branches.total {
                let taken = match (ran, branch < branches.covered) {
                    (false, false) => "-",
                    (_, true) => "1",
                    (true, false) => "0",
                };
                writeln!(text, "BRDA:{line},0,{branch},{taken}")?;
            }
            found += u64::from(branches.total);
            hit += u64::from(branches.covered);
        }
        if found > 0 {
            writeln!(text, "BRF:{found}\nBRH:{hit}")?;
        }
        for (line, count) in &self.lines {
            writeln!(text, "DA:{line},{count}")?;
        }
        let (found, hit) = (self.lines.len(), self.lines_hit());
        writeln!(text, "LF:{found}\nLH:{hit}\nend_of_record")
    }
}

#[cfg(test)]
#[path = "coverage/tests.rs"]
mod tests;
