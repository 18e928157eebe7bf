#![allow(clippy::unwrap_used, reason = "a test may end by a panic")]

use super::*;
use std::path::Path;

fn snapshot(
    path: &str,
    lines: &[(&str, i32)],
    branches: &[(&str, i32, i32)],
) -> HashMap<String, contract::FileCoverageData> {
    let data = contract::FileCoverageData {
        lines: lines
            .iter()
            .map(|(line, count)| ((*line).to_owned(), *count))
            .collect(),
        branches: branches
            .iter()
            .map(|(line, total, covered)| {
                let info = contract::BranchInfo {
                    total: *total,
                    covered: *covered,
                };
                ((*line).to_owned(), info)
            })
            .collect(),
        ..Default::default()
    };
    HashMap::from([(path.to_owned(), data)])
}

#[test]
fn snapshots_of_a_run_add_up_to_one_lcov_text() {
    let mut coverage = Coverage::default();
    coverage.add(&snapshot(
        "/app/b.py",
        &[("1", 0), ("2", 0), ("10", 0)],
        &[("2", 2, 0), ("10", 2, 0)],
    ));
    coverage.add(&snapshot("/app/a.py", &[("1", 1)], &[]));
    coverage.add(&snapshot(
        "/app/b.py",
        &[("1", 1), ("2", 3)],
        &[("2", 2, 1)],
    ));
    coverage.add(&snapshot("/app/b.py", &[("2", 2)], &[("2", 2, 1)]));
    assert_eq!(
        coverage.to_lcov("/app/"),
        "TN:\nSF:a.py\nDA:1,1\nLF:1\nLH:1\nend_of_record\n\
         TN:\nSF:b.py\nBRDA:2,0,0,1\nBRDA:2,0,1,0\nBRDA:10,0,0,-\nBRDA:10,0,1,-\nBRF:4\nBRH:1\n\
         DA:1,1\nDA:2,5\nDA:10,0\nLF:3\nLH:2\nend_of_record\n"
    );
    assert_eq!(coverage.line_totals(), (3, 4));
    coverage.retain(|path| path.ends_with("a.py"));
    assert_eq!(coverage.line_totals(), (1, 1));
}

#[test]
fn counts_that_make_no_sense_are_left_out() {
    let mut coverage = Coverage::default();
    coverage.add(&snapshot(
        "a.py",
        &[("one", 1), ("-2", 1), ("3", -1), ("4", i32::MAX)],
        &[("4", 2, 9), ("5", -1, 0)],
    ));
    assert_eq!(
        coverage.to_lcov(""),
        "TN:\nSF:a.py\nBRDA:4,0,0,1\nBRDA:4,0,1,1\nBRF:2\nBRH:2\nDA:4,2147483647\nLF:1\nLH:1\nend_of_record\n"
    );
}

#[test]
fn patterns_choose_files_below_the_folder_of_the_configuration() {
    // Pattern, path, whether it is named.
    let cases = [
        ("src/*.py", "/app/src/a.py", true),
        ("src/*.py", "/app/src/deep/a.py", false),
        ("src/**/*.py", "/app/src/deep/a.py", true),
        ("src/**/*.py", "/app/src/a.py", true),
        ("src/*.py", "/other/src/a.py", false),
        ("*_pb2.py", "/app/deep/down/shop_pb2.py", true),
        ("*_pb2.py", "/app/shop_pb2.py/a.py", false),
        ("/lib/**", "/lib/node/a.js", true),
        ("src/{a,b}.py", "/app/src/b.py", true),
        ("src/[ab].py", "/app/src/c.py", false),
    ];
    let folder = Path::new("/app");
    for (pattern, path, named) in cases {
        let patterns = [pattern.to_owned()];
        let only = Selection::new(&patterns, &[], folder).unwrap();
        assert_eq!(only.keeps(path), named, "{pattern} {path}");
        let without = Selection::new(&[], &patterns, folder).unwrap();
        assert_eq!(without.keeps(path), !named, "{pattern} {path}");
    }
    let both = Selection::new(&["src/**".to_owned()], &["*.js".to_owned()], folder).unwrap();
    assert!(both.keeps("/app/src/a.py") && !both.keeps("/app/src/a.js"));
    let error = Selection::new(&[], &["src/[".to_owned()], folder).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("`src/[` is not a glob pattern: "),
        "{error}"
    );
}
