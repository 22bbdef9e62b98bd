//! As of: how things stood at a moment of the log.

use domain::Timestamp;
use projections::queries::{accounts, request};
use projections::{AsOfError, StoreError, as_of};

use crate::history::{self, START_MS, STEP_MS, event, received};
use crate::stage::Theatre;

/// When the `step`-th event of each history was appended.
fn appended(step: i64) -> Timestamp {
    Timestamp(START_MS + step * STEP_MS)
}

#[test]
fn what_was_appended_later_has_not_happened_yet() {
    let mut theatre = Theatre::new(3);
    let codec = theatre.log.codec.clone();
    theatre.log.append((0..20).flat_map(|number| history::fulfilled(&codec, number)));
    theatre.log.append([event(history::request(20), 7, received(20))]);
    let (log, place) = (theatre.log.log(), theatre.engine.location().beside("as_of"));
    let mut seen = Vec::new();
    let then = as_of(&log, &place, appended(3), |progress| seen.push(progress));
    let then = theatre.run(then).expect("a database");
    assert_eq!(seen.last().map(|progress| (progress.done, progress.total)), Some((141, 141)));
    let found = theatre.run(request::by_id(&then, history::request(1))).expect("an answer").expect("a request");
    assert_eq!((found.state.as_str(), found.events, found.outcome), ("partner_dispatched", 4, None));
    assert_eq!(theatre.run(request::by_id(&then, history::request(20))).expect("an answer"), None);
    let account = theatre.run(accounts::of_log(&then)).expect("an answer");
    assert_eq!((account.events, account.anomalies, account.unreadable), (80, 0, 0));
    theatre.run(then.discard()).expect("it is ours");
    let again = as_of(&log, &place, appended(7), |_| {});
    let again = theatre.run(again).expect("the place is free again");
    let account = theatre.run(accounts::of_log(&again)).expect("an answer");
    assert_eq!((account.events, account.alarms), (141, 0));
    theatre.run(again.discard()).expect("it is ours");
}

#[test]
fn nothing_is_as_it_was_before_the_first_record() {
    let mut theatre = Theatre::new(2);
    theatre.log.append(history::fulfilled(&theatre.log.codec.clone(), 1));
    let (log, place) = (theatre.log.log(), theatre.engine.location().beside("as_of"));
    let then = theatre.run(as_of(&log, &place, appended(-1), |_| {})).expect("an empty database");
    assert_eq!(theatre.run(accounts::of_log(&then)).expect("an answer"), accounts::LogAccount::default());
    theatre.run(then.discard()).expect("it is ours");
}

/// The place is the caller's word; what lies there may be somebody's only copy.
#[test]
fn what_lies_at_the_place_already_is_left_alone() {
    let mut theatre = Theatre::new(2);
    theatre.log.append(history::fulfilled(&theatre.log.codec.clone(), 1));
    theatre.catch_up(10);
    let log = theatre.log.log();
    let refused = as_of(&log, theatre.database.location(), appended(2), |_| {});
    let refused = theatre.run(refused).err().expect("the live projections are there");
    assert!(matches!(refused, AsOfError::Store(StoreError::Occupied { .. })), "{refused}");
    let found = theatre.run(request::by_id(&theatre.database, history::request(1))).expect("an answer");
    assert_eq!(found.expect("a request").state, "closed");
}
