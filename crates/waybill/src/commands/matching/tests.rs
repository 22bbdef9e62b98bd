//! Files in, files out: the same answers for any number of threads, and errors that say what to do.

use std::path::{Path, PathBuf};

use super::run;
use crate::cli::{ColumnsArgs, MatchArgs};
use crate::exit::Failure;

const ROSTER: &str = "member_id,subscriber_id,given,family,dob,sex,street,zip,phone\n\
    W10000000101,W100000001,Robert,Okafor,1984-02-28,M,12 Main Street,98101,2063331234\n\
    W10000000102,W100000001,Ngozi,Okafor,1986-07-03,F,12 Main Street,98101,2063331234\n\
    W20000000201,W200000002,Ana,García-López,1990-11-05,F,7 Fifth Ave,97201,5035557788\n";
const QUERIES: &str = "query_id,member_id,given,family,dob,street,zip,phone\n\
    Q1,w100000001-01,Bob,OKAFOR,02/28/1984,12 Main St.,98101,\n\
    Q2,,Ana,Garcia,1990-11-05,7 5th Avenue,97201,(503) 555-7788\n\
    Q3,,Zelda,Nobody,1955-01-09,,,\n";

fn arguments(folder: &Path) -> MatchArgs {
    MatchArgs {
        roster: folder.join("roster.csv"),
        queries: Some(folder.join("queries.csv")),
        within: false,
        out: Some(folder.join("out.csv")),
        policy: None,
        columns: ColumnsArgs { columns: None, febrl: false },
        threads: Some(1),
        explain: None,
    }
}

fn folder(roster: &str, queries: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_owned();
    std::fs::write(path.join("roster.csv"), roster).expect("the roster");
    std::fs::write(path.join("queries.csv"), queries).expect("the queries");
    (folder, path)
}

fn answers(arguments: &MatchArgs) -> String {
    run(arguments, true).expect("answers");
    std::fs::read_to_string(arguments.out.as_ref().expect("a file")).expect("the answers")
}

#[test]
fn every_claim_has_its_answer_for_any_number_of_threads() {
    let (_kept, path) = folder(ROSTER, QUERIES);
    let one = answers(&arguments(&path));
    let lines: Vec<&str> = one.lines().collect();
    assert_eq!(lines[0], "query_id,member_id,probability,decision");
    assert!(lines[1].starts_with("Q1,W10000000101,") && lines[1].ends_with(",match"), "{one}");
    assert!(lines[2].starts_with("Q2,W20000000201,") && lines[2].ends_with(",match"), "{one}");
    assert!(lines[3].starts_with("Q3,") && lines[3].ends_with(",no_match"), "{one}");
    assert_eq!(answers(&MatchArgs { threads: Some(3), ..arguments(&path) }), one);
}

#[test]
fn rows_of_one_file_that_speak_of_the_same_person_are_found_once_each() {
    let twice = format!("{ROSTER}X1,,Bob,Okafor,1984-02-28,M,12 Main St.,98101,2063331234\n");
    let (_kept, path) = folder(&twice, "");
    let within = MatchArgs { queries: None, within: true, ..arguments(&path) };
    let found = answers(&within);
    let lines: Vec<&str> = found.lines().collect();
    assert_eq!(lines.len(), 2, "the heading and one pair, none of a row with itself: {found}");
    assert!(lines[1].starts_with("W10000000101,X1,0.9") && lines[1].ends_with(",match"), "{found}");
    assert_eq!(answers(&MatchArgs { threads: Some(2), ..within }), found);
}

#[test]
fn other_columns_can_be_named() {
    let (_kept, path) = folder(
        "id,first,last,born,no,road\nA,Ana,Lopez,1990-11-05,7,Oak St\n",
        "id,first,last,born,no,road\nB,Ana,Lopez,1990-11-05,7,Oak St\n",
    );
    let table = "key = 'id'\ngiven = 'first'\nfamily = 'last'\ndob = 'born'\nstreet = ['no', 'road']\n";
    std::fs::write(path.join("columns.toml"), format!("[roster]\n{table}[queries]\n{table}")).expect("the columns");
    let columns = ColumnsArgs { columns: Some(path.join("columns.toml")), febrl: false };
    assert!(answers(&MatchArgs { columns, ..arguments(&path) }).contains("\nB,A,"));
}

#[test]
fn what_is_wrong_is_told_with_file_row_and_remedy() {
    let told = |roster: &str, queries: &str| {
        let (_kept, path) = folder(roster, queries);
        match run(&arguments(&path), true) {
            Err(failure @ Failure::Input(_)) => failure.message(),
            other => panic!("{other:?}"),
        }
    };
    let short = told(ROSTER, "query_id,given\nQ1\n");
    assert!(short.contains("queries.csv") && short.contains("row 2") && short.contains("quote"), "{short}");
    let keyless = told("given,family\nAna,Lopez\n", QUERIES);
    assert!(
        keyless.contains("roster.csv") && keyless.contains("member_id") && keyless.contains("--columns"),
        "{keyless}"
    );
    let (_kept, path) = folder(ROSTER, QUERIES);
    let missing = MatchArgs { roster: path.join("nowhere.csv"), ..arguments(&path) };
    assert!(matches!(run(&missing, true), Err(Failure::NotFound(_))));
    let unknown = MatchArgs { explain: Some("Q9".into()), out: None, ..arguments(&path) };
    assert!(matches!(run(&unknown, true), Err(Failure::NotFound(_))));
}
