//! What is peculiar to files: somebody has them open, or they are no databases.

use projections::queries::request;
use projections::{Database, RebuildError, StoreError, rebuild};

use crate::history;
use crate::stage::Theatre;

/// Renaming over a file that another program has open would ruin it.
#[test]
fn a_file_that_somebody_has_open_is_not_replaced() {
    let mut theatre = Theatre::new(2);
    theatre.log.append(history::fulfilled(&theatre.log.codec.clone(), 1));
    theatre.catch_up(10);
    let elsewhere = theatre.run(Database::open(theatre.database.location())).expect("another program");
    let refused = theatre.run(rebuild(&theatre.log.log(), &theatre.database, |_| {})).expect_err("it is in use");
    assert!(matches!(refused, RebuildError::Store(StoreError::InUse { .. })), "{refused}");
    theatre.run(elsewhere.close());
    theatre.run(rebuild(&theatre.log.log(), &theatre.database, |_| {})).expect("it is free now");
    let found = theatre.run(request::by_id(&theatre.database, history::request(1))).expect("an answer");
    assert_eq!(found.expect("a request").state, "closed");
}

#[test]
fn what_is_damaged_is_put_aside_and_made_anew() {
    let mut theatre = Theatre::new(2);
    theatre.log.append(history::fulfilled(&theatre.log.codec.clone(), 1));
    let path = theatre.engine.folder().join("damaged.sqlite");
    std::fs::write(&path, b"this is no database, however long it may be".repeat(200)).expect("room");
    let refused = theatre.run(Database::open(&path)).err().expect("it is no database");
    assert!(matches!(refused, StoreError::Damaged(_)), "{refused}");
    let aside = theatre.run(Database::set_aside(&path)).expect("it can be moved");
    assert!(std::path::Path::new(&aside.to_string()).exists() && !path.exists());
    let anew = theatre.run(Database::open(&path)).expect("a new one");
    let report = theatre.run(rebuild(&theatre.log.log(), &anew, |_| {})).expect("nothing to compare with");
    assert_eq!((report.records, report.live), (7, None));
}

/// Damage that shows only when it is met: the projector puts the file aside and goes on from the log's first record.
#[test]
fn projections_that_turn_out_to_be_damaged_are_made_anew_under_way() {
    let mut theatre = Theatre::new(2);
    let codec = theatre.log.codec.clone();
    theatre.log.append(history::fulfilled(&codec, 1));
    theatre.catch_up(10);
    theatre.run(theatre.database.close());
    let path = theatre.engine.path();
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
