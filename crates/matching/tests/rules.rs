//! The rules over generated households: the reference's frozen verdicts, the index beside a look at everybody, and what exact rules
//! alone get wrong.

mod cms;

use std::sync::Arc;

use cms::{Case, book, fingerprint, line, reader, roster};
use matching::rules::{Outcome, Record, Roster, Values};
use proptest::prelude::*;

/// The reference's verdicts on the first cases, as of 2026-11-27; `make cms-differential FREEZE=1` writes them anew.
const FROZEN: &str = include_str!("cms/verdicts.txt");

#[test]
fn verdicts_are_the_references() {
    let book = book();
    let reader = reader(&book);
    let mut lines = FROZEN.lines();
    let cases = FROZEN.lines().count() as u64 - 1;
    let same = "the generator writes other cases than those frozen: run make cms-differential FREEZE=1";
    assert_eq!(lines.next(), Some(&*fingerprint(0..cases)), "{same}");
    let mut differing = 0;
    for (number, frozen) in lines.enumerate() {
        let case = Case::numbered(number as u64);
        let ours = line(&roster(&book, &reader, &case.roster).judge(&reader.read(&case.claim)));
        let expected = frozen.split_once('~').map_or(frozen, |(_, ours)| ours);
        differing += usize::from(frozen.contains('~'));
        assert_eq!(ours, expected, "case {number}");
    }
    assert!(differing * 20 < cases as usize, "{differing} of {cases} differ by design");
}

/// The rosters of some cases as one, under their own ids, and the claims.
fn town(cases: std::ops::Range<u64>) -> (Vec<(Arc<str>, Values)>, Vec<Values>) {
    let reader = reader(&book());
    let cases: Vec<Case> = cases.map(Case::numbered).collect();
    let records = cases.iter().flat_map(|case| &case.roster).enumerate();
    let members = records.map(|(at, record)| (at.to_string().into(), reader.read(record))).collect();
    (members, cases.iter().map(|case| reader.read(&case.claim)).collect())
}

#[test]
fn the_index_misses_nobody() {
    let (members, claims) = town(50_000..50_400);
    let roster = Roster::new(book(), members);
    for claim in &claims {
        assert!(roster.judge(claim) == roster.judge_without_index(claim), "an index that changes a verdict");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 4, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn verdicts_do_not_depend_on_the_rosters_order(seed in 100_000_u64..200_000, turn in 0_usize..100) {
        let (mut members, claims) = town(seed..seed + 3);
        let before = Roster::new(book(), members.clone());
        let by = turn % members.len();
        members.rotate_left(by);
        members.reverse();
        let after = Roster::new(book(), members);
        for claim in &claims {
            prop_assert_eq!(before.judge(claim), after.judge(claim));
        }
    }

    /// A roster that was changed judges as one that was built so: members added, records replaced, members gone.
    #[test]
    fn a_changed_roster_judges_as_a_new_one(seed in 100_000_u64..200_000, changes in prop::collection::vec((0_usize..99, 0_usize..99, 0_usize..3), 0..12)) {
        let (members, claims) = town(seed..seed + 3);
        let mut now: std::collections::BTreeMap<Arc<str>, Vec<Values>> = std::collections::BTreeMap::new();
        let (built, later) = members.split_at(members.len() / 2);
        built.iter().for_each(|(id, values)| now.entry(id.clone()).or_default().push(values.clone()));
        let mut changed = Roster::new(book(), built.to_vec());
        for (which, what, count) in changes {
            let id = &members[which % members.len()].0;
            let records: Vec<Values> = later.iter().cycle().skip(what % later.len()).take(count).map(|(_, values)| values.clone()).collect();
            changed.replace(id, records.clone());
            now.insert(id.clone(), records);
        }
        let members: Vec<_> = now.into_iter().flat_map(|(id, all)| all.into_iter().map(move |values| (id.clone(), values))).collect();
        let fresh = Roster::new(book(), members);
        prop_assert_eq!(changed.len(), fresh.len());
        for claim in &claims {
            prop_assert_eq!(changed.judge(claim), fresh.judge(claim));
            prop_assert_eq!(changed.judge(claim), changed.judge_without_index(claim));
        }
    }

    #[test]
    fn reading_twice_changes_nothing(seed in 100_000_u64..200_000) {
        let reader = reader(&book());
        let case = Case::numbered(seed);
        let json = serde_json::to_string(&case.claim).expect("JSON");
        let again: Record = serde_json::from_str(&json).expect("a record");
        prop_assert!(reader.read(&case.claim) == reader.read(&again));
    }
}

/// Why an approval is no decision: relatives who are not on the roster. The generator has more of them than any payer, so only the
/// kind of mistake carries over, not its rate.
#[test]
fn exact_rules_alone_merge_strangers() {
    let book = book();
    let reader = reader(&book);
    let (mut right, mut wrong, mut wrong_exactly) = (0, 0, 0);
    for number in 200_000..202_000 {
        let case = Case::numbered(number);
        let verdict = roster(&book, &reader, &case.roster).judge(&reader.read(&case.claim));
        let [candidate] = verdict.approved.as_slice() else { continue };
        assert_eq!(verdict.outcome, Outcome::Match);
        let is_right = case.same[candidate.id.parse::<usize>().expect("a number")];
        right += usize::from(is_right);
        wrong += usize::from(!is_right);
        wrong_exactly += usize::from(!is_right && candidate.approvals.iter().any(|approval| approval.is_exact()));
    }
    println!("of 2,000 claims {right} matched rightly, {wrong} wrongly, {wrong_exactly} of them by an exact rule");
    assert!(0 < wrong_exactly && wrong < right, "{right} {wrong} {wrong_exactly}");
}
