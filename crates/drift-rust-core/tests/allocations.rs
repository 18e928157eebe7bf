//! How often a call takes memory, counted: a small payload costs less than a
//! microsecond, of which every allocation is a few percent.
//!
//! The counts are the same on every run and machine. They are bounds: fewer is
//! better, and then the bound here goes down with them.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    unsafe_code,
    reason = "a failed test is what a panic is for, the numbers are for people, and an allocator is unsafe code"
)]

use drift_rust_core::*;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// What one thread has taken so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Taken {
    /// Blocks taken or made larger.
    calls: usize,
    /// Blocks taken and not given back.
    kept: isize,
}

thread_local! {
    static TAKEN: Cell<Taken> = const { Cell::new(Taken { calls: 0, kept: 0 }) };
}

fn count(calls: usize, kept: isize) {
    // The last blocks of a thread are given back when its variables are gone.
    let _ = TAKEN.try_with(|taken| {
        let before = taken.get();
        taken.set(Taken {
            calls: before.calls + calls,
            kept: before.kept + kept,
        });
    });
}

struct Counting;

// SAFETY: every method hands its arguments to the system's allocator unchanged,
// under the caller's own promises, and returns what that returned; counting
// touches a variable of the thread only and takes no memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, 1);
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(1, 1);
        // SAFETY: as promised by the caller.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(1, 0);
        // SAFETY: as promised by the caller.
        unsafe { System.realloc(block, layout, size) }
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(0, -1);
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The allocations of one call after the same call was made four times, when
/// the tables know its shapes (they learn a key when it comes for the second
/// time) and have their size; it must give back all that it took.
fn warm<T>(call: impl Fn() -> T) -> usize {
    for _ in 0..4 {
        drop(call());
    }
    let before = TAKEN.get();
    let result = call();
    let calls = TAKEN.get().calls - before.calls;
    drop(result);
    assert_eq!(
        TAKEN.get().kept,
        before.kept,
        "a warm call keeps nothing more"
    );
    calls
}

/// An HTTP request as an SDK records it, 341 bytes.
const REQUEST: &str = concat!(
    r#"{"method":"POST","url":"http://127.0.0.1:8080/api/v1/orders/4","headers":{"#,
    r#""User-Agent":"python-requests/2.34.2","Accept":"application/json","#,
    r#""X-Request-Id":"5f3a9c0e7b1d48f2a6c4e8d09b7f1a35","Accept-Encoding":"gzip, deflate","#,
    r#""Content-Type":"application/json"},"protocol":"http","#,
    r#""query":{"page":"2","note":"delta invoice north"},"bodySize":27}"#
);
const MERGES: &str = r#"{"headers":{"match_importance":0.0}}"#;

#[test]
fn a_small_payload_takes_memory_a_few_times_only() {
    assert_eq!(REQUEST.len(), 341);
    let payload = || process_export_payload::<_, &str>(REQUEST, None).unwrap();
    let with_merges = || process_export_payload(REQUEST, Some(MERGES)).unwrap();
    let span = || {
        process_span(&SpanInput {
            fields: SpanFields {
                trace_id: "0af7651916cd43dd8448eb211c80319c",
                name: "POST /api/v1/orders",
                kind: 2,
                ..SpanFields::default()
            },
            input: ValueSource::Json(REQUEST.into()),
            input_merges: MergesSource::Json(MERGES.into()),
            output: ValueSource::Json(r#"{"statusCode":200,"body":"ok"}"#.into()),
            ..SpanInput::default()
        })
        .unwrap()
    };
    let counts = [
        (
            "deterministic_hash",
            warm(|| deterministic_hash(REQUEST).unwrap()),
            1,
        ),
        (
            "normalize_and_hash",
            warm(|| normalize_and_hash(REQUEST).unwrap()),
            2,
        ),
        ("process_export_payload", warm(payload), 3),
        ("process_export_payload with merges", warm(with_merges), 10),
        ("process_span", warm(span), 17),
    ];
    for (call, count, bound) in counts {
        println!("{call}: {count} allocations (at most {bound})");
    }
    for (call, count, bound) in counts {
        assert!(
            count <= bound,
            "{call}: {count} allocations, more than {bound}"
        );
    }
}
