//! Rebuilding: the same rows from the log alone, in place of the live ones.

use projections::queries::{accounts, request};
use projections::{Database, RebuildError, StoreError, rebuild};
use proptest::prelude::*;

use crate::anything;
use crate::following::seeded;
use crate::history;
use crate::stage::Theatre;

/// However the log was cut into transactions, and in whichever order its partitions were read, the rows are the same.
#[test]
fn any_history_projected_live_equals_its_rebuild() {
    let cut = prop::collection::vec(1..15_usize, 1..6);
    seeded(40, (anything::history(), cut, 1..30_usize), |(history, cuts, records)| {
        let mut theatre = Theatre::new(3);
        let mut live = theatre.live(records);
        let mut rest = history.as_slice();
        for cut in cuts {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            theatre.log.append(now.to_vec());
            theatre.reach_end(&mut live);
            rest = later;
        }
        theatre.stop(live);
        let report = theatre.run(rebuild(&theatre.log.log(), &theatre.database, |_| {}));
        prop_assert!(report.is_ok(), "{:?}", report);
        let report = report.expect("just checked");
        prop_assert_eq!(report.live.as_ref(), Some(&report.rebuilt));
        Ok(())
    });
}

#[test]
fn the_live_projector_goes_on_through_a_rebuild() {
    let mut theatre = Theatre::new(3);
    let codec = theatre.log.codec.clone();
    theatre.log.append((0..300).flat_map(|number| history::fulfilled(&codec, number)));
    let mut live = theatre.live(64);
    theatre.run(live.status.wait_for(|status| 0 < status.records)).expect("it runs");
    let mut seen = Vec::new();
    let report = theatre.run(rebuild(&theatre.log.log(), &theatre.database, |progress| seen.push(progress)));
    assert!(report.expect("both are equal").live.is_some());
    assert!(seen.windows(2).all(|pair| pair[0].done <= pair[1].done) && seen.iter().all(|at| at.done <= at.total));
    theatre.log.append((300..400).flat_map(|number| history::fulfilled(&codec, number)));
    let status = theatre.reach_end(&mut live);
    assert_eq!((status.records, status.failures), (2_800, 0));
    theatre.stop(live);
    let accounts = theatre.run(accounts::by_source(&theatre.database)).expect("an answer");
    assert_eq!((accounts[0].accepted, accounts[0].fulfilled), (400, 400));
    let account = theatre.run(accounts::of_log(&theatre.database)).expect("an answer");
    assert_eq!((account.events, account.alarms, account.anomalies), (2_800, 0, 0));
}

#[test]
fn rows_that_differ_are_named_and_both_databases_kept() {
    let mut theatre = Theatre::new(2);
    theatre.log.append(history::fulfilled(&theatre.log.codec.clone(), 1));
    theatre.catch_up(10);
    theatre.sql("UPDATE requests SET outcome = 'cancelled'; DELETE FROM attempts");
    let refused = theatre.run(rebuild(&theatre.log.log(), &theatre.database, |_| {})).expect_err("they differ");
    let RebuildError::Differs { report, rebuilt } = refused else { panic!("{refused}") };
    assert_eq!(report.differing(), ["requests", "attempts"]);
    let altered =
        theatre.run(request::by_id(&theatre.database, history::request(1))).expect("an answer").expect("a request");
    assert_eq!(altered.outcome.as_deref(), Some("cancelled"));
    let sound = theatre.run(Database::open(&rebuilt)).expect("a whole database");
    let sound = theatre.run(request::by_id(&sound, history::request(1))).expect("an answer").expect("a request");
    assert_eq!(sound.outcome.as_deref(), Some("fulfilled"));
}

/// Renaming over a file that another program has open would ruin it.
#[test]
fn a_file_that_somebody_has_open_is_not_replaced() {
    let mut theatre = Theatre::new(2);
    theatre.log.append(history::fulfilled(&theatre.log.codec.clone(), 1));
    theatre.catch_up(10);
    let elsewhere = theatre.run(Database::open(theatre.database.path())).expect("another program");
    let refused = theatre.run(rebuild(&theatre.log.log(), &theatre.database, |_| {})).expect_err("it is in use");
    assert!(matches!(refused, RebuildError::Store(StoreError::InUse { .. })), "{refused}");
    theatre.run(elsewhere.close());
    theatre.run(rebuild(&theatre.log.log(), &theatre.database, |_| {})).expect("it is free now");
    let found = theatre.run(request::by_id(&theatre.database, history::request(1))).expect("an answer");
    assert_eq!(found.expect("a request").state, "closed");
}

#[test]
fn what_is_damaged_or_foreign_is_put_aside_and_made_anew() {
    let mut theatre = Theatre::new(2);
    theatre.log.append(history::fulfilled(&theatre.log.codec.clone(), 1));
    let path = theatre.folder.path().join("damaged.sqlite");
    std::fs::write(&path, b"this is no database, however long it may be".repeat(200)).expect("room");
    let refused = theatre.run(Database::open(&path)).err().expect("it is no database");
    assert!(matches!(refused, StoreError::Damaged(_)), "{refused}");
    let aside = Database::set_aside(&path).expect("it can be moved");
    assert!(aside.exists() && !path.exists());
    let anew = theatre.run(Database::open(&path)).expect("a new one");
    let report = theatre.run(rebuild(&theatre.log.log(), &anew, |_| {})).expect("nothing to compare with");
    assert_eq!((report.records, report.live), (7, None));

    theatre.catch_up(10);
    theatre.sql("UPDATE meta SET value = 'another' WHERE name = 'projection_version'");
    let refused = theatre.run(Database::open(theatre.database.path())).err().expect("another version's");
    assert!(matches!(refused, StoreError::OtherVersion), "{refused}");
}

#[test]
fn opening_twice_changes_nothing() {
    let mut theatre = Theatre::new(2);
    theatre.log.append(history::fulfilled(&theatre.log.codec.clone(), 1));
    theatre.catch_up(10);
    let again = theatre.run(Database::open(theatre.database.path())).expect("migrated already");
    let found = theatre.run(request::by_id(&again, history::request(1))).expect("an answer").expect("a request");
    assert_eq!((found.state.as_str(), found.events), ("closed", 7));
}

/// Damage that shows only when it is met: the projector puts the file aside and goes on from the log's first record.
#[test]
fn projections_that_turn_out_to_be_damaged_are_made_anew_under_way() {
    let mut theatre = Theatre::new(2);
    let codec = theatre.log.codec.clone();
    theatre.log.append(history::fulfilled(&codec, 1));
    theatre.catch_up(10);
    theatre.run(theatre.database.close());
    let path = theatre.database.path().to_owned();
    let mut bytes = std::fs::read(&path).expect("a file");
    bytes[4096..].fill(0x55);
    std::fs::write(&path, &bytes).expect("room");
    theatre.log.append(history::fulfilled(&codec, 2));
    let mut live = theatre.live(10);
    let status = theatre.reach_end(&mut live);
    assert_eq!((status.records, status.failures), (14, 1));
    theatre.stop(live);
    for number in [1, 2] {
        let found = theatre.run(request::by_id(&theatre.database, history::request(number))).expect("an answer");
        assert_eq!(found.expect("a request").state, "closed");
    }
    let aside = std::path::PathBuf::from(format!("{}.aside-1", path.display()));
    assert_eq!(std::fs::read(aside).expect("it was kept"), bytes);
}
