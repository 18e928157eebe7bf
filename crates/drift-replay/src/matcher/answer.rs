//! An answer: whose request it was, which classes were looked at, and which
//! span answers.

use super::Explanation;
use crate::forms::Form;
use crate::load::SpanIndex;
use std::fmt;
use tusk_drift_schemas::tusk::drift::core::v1::MatchLevel;

/// Whose request it is, and so whose use of spans counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A test: the trace that the request names.
    Test {
        /// Its identifier.
        trace_id: String,
    },
    /// No test: the service called before it was ready, or outside a request.
    Boot,
    /// The request names a trace that was not recorded; only other traces can
    /// answer it.
    Unknown {
        /// As named.
        test_id: String,
    },
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Owner::Test { trace_id } => write!(f, "test {trace_id}"),
            Owner::Boot => write!(
                f,
                "no test (before the service was ready, or outside a request)"
            ),
            Owner::Unknown { test_id } => {
                write!(f, "test {test_id}, which names no recorded trace")
            }
        }
    }
}

/// Which spans a class is looked for among.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// The trace of the request's test.
    Trace,
    /// All traces, spans that are on the same side of the service's start.
    Suite,
    /// All spans before the service's start.
    Boot,
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reach::Trace => "in the trace",
            Reach::Suite => "in all traces",
            Reach::Boot => "among the calls before the service was ready",
        })
    }
}

/// One class that was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Among which spans.
    pub reach: Reach,
    /// By which form.
    pub form: Form,
    /// Spans of the class: of the same package and kind, with the same form
    /// and, where a guard is asked for, an equal guard key.
    pub candidates: usize,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The request has no such form: no value, or no schema.
    NoForm,
    /// No span has the same.
    Nothing,
    /// All of them were used; a later class, or the last of them, may answer.
    AllUsed,
    /// None of those that were compared has a compatible guard, or could be read.
    NoneCompatible,
    /// One of them answers.
    Answers,
}

/// The chosen span.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The span.
    pub span: SpanIndex,
    /// As the contract has it.
    pub level: MatchLevel,
    /// Whether it had answered before in this test.
    pub replayed: bool,
    /// Candidates of its class that were not compared, see [`MAX_SCORED`](super::MAX_SCORED);
    /// used ones may be among them.
    pub not_compared: usize,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// `None`: nothing recorded answers it.
    pub found: Option<Found>,
    /// Why.
    pub explanation: Explanation,
}
