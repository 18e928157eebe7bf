//! What was measured, as lines for people and as JSON for the page.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use crate::Failure;

/// One measurement.
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) ours: String,
    /// What it should be, and whether it is.
    target: Option<(String, bool)>,
    /// The least that anyone could do, and its share of what we do.
    limit: Option<(String, f64)>,
}

/// Which way a figure is better.
#[derive(Clone, Copy)]
pub(crate) enum Better {
    More,
    Less,
}

impl Row {
    pub(crate) fn new(what: impl Into<String>, ours: impl Into<String>) -> Row {
        Row {
            what: what.into(),
            ours: ours.into(),
            target: None,
            limit: None,
        }
    }

    /// With a target in words.
    pub(crate) fn target(mut self, text: &str, value: f64, better: Better, wanted: f64) -> Row {
        let reached = match better {
            Better::More => value >= wanted,
            Better::Less => value <= wanted,
        };
        self.target = Some((text.to_owned(), reached));
        self
    }

    /// With the limit in words; the share is 1 where ours is as good.
    pub(crate) fn limit(mut self, text: impl Into<String>, share: f64) -> Row {
        self.limit = Some((text.into(), share));
        self
    }

    fn cells(&self) -> [String; 5] {
        let (target, reached) = match &self.target {
            Some((target, reached)) => (target.clone(), if *reached { "yes" } else { "no" }),
            None => (String::new(), ""),
        };
        let (limit, share) = match &self.limit {
            Some((limit, share)) => (limit.clone(), format!("{:.0}%", share * 100.0)),
            None => (String::new(), String::new()),
        };
        [self.ours.clone(), target, reached.to_owned(), limit, share]
    }
}

/// The rows as they come: each is printed at once, for the whole takes minutes.
pub(crate) struct Rows<'o> {
    out: &'o mut dyn Write,
    rows: Vec<Row>,
}

impl Rows<'_> {
    pub(crate) fn new(out: &mut dyn Write) -> Rows<'_> {
        Rows {
            out,
            rows: Vec::new(),
        }
    }

    pub(crate) fn heading(&mut self, text: &str) -> Result<(), Failure> {
        writeln!(self.out, "\n{text}")?;
        Ok(self.out.flush()?)
    }

    pub(crate) fn push(&mut self, row: Row) -> Result<(), Failure> {
        let [ours, target, reached, limit, share] = row.cells();
        write!(self.out, "  {:<58} {ours}", row.what)?;
        if !target.is_empty() {
            write!(self.out, "   target {target}: {reached}")?;
        }
        if !limit.is_empty() {
            write!(self.out, "   limit {limit}: {share} of it")?;
        }
        writeln!(self.out)?;
        self.out.flush()?;
        self.rows.push(row);
        Ok(())
    }

    /// Writes all rows for `benches/report.py`.
    pub(crate) fn save(&self, file: &Path, spans: u64) -> Result<(), Failure> {
        let rows: Vec<Vec<String>> = self
            .rows
            .iter()
            .map(|row| {
                std::iter::once(row.what.clone())
                    .chain(row.cells())
                    .collect()
            })
            .collect();
        let text = serde_json::json!({"spans": spans, "rows": rows}).to_string();
        Ok(std::fs::write(file, text)?)
    }
}

/// Times of single calls, sorted.
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn of(mut times: Vec<Duration>) -> Times {
        times.sort_unstable();
        Times(times)
    }

    /// In microseconds, for a share from 0 to 1.
    pub(crate) fn percentile(&self, share: f64) -> f64 {
        let place = ((self.0.len() as f64 - 1.0) * share) as usize;
        self.0
            .get(place)
            .map_or(0.0, |time| time.as_secs_f64() * 1e6)
    }

    /// As many a second as follow each other without a pause.
    pub(crate) fn per_second(&self) -> f64 {
        self.0.len() as f64 / self.0.iter().sum::<Duration>().as_secs_f64()
    }

    /// The two percentiles that all rows show.
    pub(crate) fn shown(&self) -> String {
        format!(
            "50% {:.1} µs, 99% {:.1} µs",
            self.percentile(0.5),
            self.percentile(0.99)
        )
    }
}

/// A number with its thousands apart.
pub(crate) fn count(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
