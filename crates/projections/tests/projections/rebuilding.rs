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

#[test]
fn opening_twice_changes_nothing() {
    let mut theatre = Theatre::new(2);
    theatre.log.append(history::fulfilled(&theatre.log.codec.clone(), 1));
    theatre.catch_up(10);
    let again = theatre.run(Database::open(theatre.database.location())).expect("migrated already");
    let found = theatre.run(request::by_id(&again, history::request(1))).expect("an answer").expect("a request");
    assert_eq!((found.state.as_str(), found.events), ("closed", 7));
}

/// Another version's rows are no use: they are put aside, and whoever opens the same place finds nothing there.
#[test]
fn what_another_version_made_is_put_aside_and_made_anew() {
    let mut theatre = Theatre::new(2);
    theatre.log.append(history::fulfilled(&theatre.log.codec.clone(), 1));
    theatre.catch_up(10);
    theatre.sql("UPDATE meta SET value = 'another' WHERE name = 'projection_version'");
    let location = theatre.database.location();
    let refused = theatre.run(Database::open(location)).err().expect("another version's");
    assert!(matches!(refused, StoreError::OtherVersion), "{refused}");
    theatre.run(theatre.database.close());
    let aside = theatre.run(Database::set_aside(location)).expect("it can be moved");
    assert_ne!(aside.to_string(), location.to_string());
    let refused = theatre.run(Database::open(&aside)).err().expect("it is as it was");
    assert!(matches!(refused, StoreError::OtherVersion), "{refused}");
    let anew = theatre.run(Database::open(location)).expect("a new one");
    let report = theatre.run(rebuild(&theatre.log.log(), &anew, |_| {})).expect("nothing to compare with");
    assert_eq!((report.records, report.live), (7, None));
    let found = theatre.run(request::by_id(&anew, history::request(1))).expect("an answer");
    assert_eq!(found.expect("a request").state, "closed");
}
