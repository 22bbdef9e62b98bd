//! The roster: who our members are, found by what a claim may know of them.
//!
//! Everything identity needs of it is [`Roster::candidates`] and [`Roster::version`]; how it finds them is its own affair.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::time::Date;

use crate::Profile;

/// The members of `members`, normalised and indexed.
#[derive(Debug, Default)]
pub struct Roster {
    accounts: BTreeMap<Arc<str>, Account>,
    index: BTreeSet<(Blocking, Arc<str>)>,
    version: u64,
}

/// Somebody who shares a blocking key with a claim.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The key of the account that stands for them today.
    pub account: &'a Arc<str>,
    /// What one of their records says; there are several where accounts were merged.
    pub profile: &'a Profile,
}

#[derive(Debug)]
struct Account {
    profile: Profile,
    merged_into: Option<Arc<str>>,
    offset: u64,
}

/// What a claim and a record must share for the record to be looked at.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Blocking {
    MemberId(String),
    SubscriberId(String),
    Mbi(String),
    BornAndFamily(Date, String),
}

/// How many merges lead from an account to the one that stands for it, at most.
const MERGES_MAX: usize = 8;

// === impl Roster ===

impl Roster {
    /// Takes in an account's latest record, in place of the one before.
    pub fn put(&mut self, member_key: &str, profile: Profile, merged_into: Option<&str>, offset: u64) {
        self.remove(member_key);
        let key: Arc<str> = Arc::from(member_key);
        self.index.extend(Blocking::of(&profile).map(|blocking| (blocking, Arc::clone(&key))));
        self.version = self.version.wrapping_add(offset);
        self.accounts.insert(key, Account { profile, merged_into: merged_into.map(Arc::from), offset });
    }

    /// Takes an account off the roster.
    pub fn remove(&mut self, member_key: &str) {
        let Some((key, account)) = self.accounts.remove_entry(member_key) else { return };
        for blocking in Blocking::of(&account.profile) {
            self.index.remove(&(blocking, Arc::clone(&key)));
        }
        self.version = self.version.wrapping_sub(account.offset);
    }

    /// Everybody who shares an identifier, or birth date and family name, with the claim; in the order of their accounts. A merged
    /// account leads to the one it was merged into; where that one is not on the roster, to nobody.
    pub fn candidates(&self, claim: &Profile) -> Vec<Found<'_>> {
        let mut found = BTreeSet::new();
        for blocking in Blocking::of(claim) {
            let first = (blocking.clone(), Arc::from(""));
            let block = self.index.range(first..).take_while(|(other, _)| *other == blocking);
            found.extend(block.map(|(_, key)| key));
        }
        let mut found: Vec<_> = found.into_iter().filter_map(|key| self.found(key)).collect();
        found.sort_by_key(|found| found.account);
        found
    }

    /// How much of the roster is known: the sum of the offsets of its records. It depends on what the roster holds, and not on
    /// when or in which order it was read.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How many accounts there are, merged ones included.
    pub fn len(&self) -> usize {
        self.accounts.len()
    }

    /// Whether nobody is on the roster.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    fn found(&self, key: &Arc<str>) -> Option<Found<'_>> {
        let profile = &self.accounts.get(key)?.profile;
        self.survivor(key).map(|account| Found { account, profile })
    }

    /// The account that stands for this one today.
    fn survivor(&self, key: &str) -> Option<&Arc<str>> {
        let (mut key, mut account) = self.accounts.get_key_value(key)?;
        for _ in 0..MERGES_MAX {
            let Some(next) = &account.merged_into else { return Some(key) };
            (key, account) = self.accounts.get_key_value(next)?;
        }
        None
    }
}

// === impl Blocking ===

impl Blocking {
    fn of(profile: &Profile) -> impl Iterator<Item = Self> {
        let Profile { families, born, member_ids, subscriber_ids, mbis, .. } = profile;
        let born_and_family =
            born.iter().flat_map(|born| families.iter().map(|family| Self::BornAndFamily(*born, family.clone())));
        member_ids
            .iter()
            .cloned()
            .map(Self::MemberId)
            .chain(subscriber_ids.iter().cloned().map(Self::SubscriberId))
            .chain(mbis.iter().cloned().map(Self::Mbi))
            .chain(born_and_family)
    }
}

impl std::fmt::Debug for Blocking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Blocking(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(member_id: &str, family: &str) -> Profile {
        Profile {
            families: vec![family.into()],
            born: Date::parse("1984-02-29"),
            member_ids: vec![member_id.into()],
            ..Profile::default()
        }
    }

    fn accounts(roster: &Roster, claim: &Profile) -> Vec<String> {
        roster.candidates(claim).into_iter().map(|found| found.account.to_string()).collect()
    }

    #[test]
    fn a_record_replaces_the_one_before_and_a_tombstone_removes_it() {
        let mut roster = Roster::default();
        roster.put("a", profile("M1", "okafor"), None, 3);
        roster.put("b", profile("M2", "eze"), None, 5);
        assert_eq!(roster.version(), 8);
        roster.put("a", profile("M9", "okafor"), None, 6);
        assert_eq!(accounts(&roster, &profile("M1", "nobody")), [""; 0]);
        assert_eq!(accounts(&roster, &profile("M9", "nobody")), ["a"]);
        assert_eq!(accounts(&roster, &profile("M1", "okafor")), ["a"], "by birth date and family name");
        roster.remove("a");
        roster.remove("a");
        assert_eq!(accounts(&roster, &profile("M9", "okafor")), [""; 0]);
        assert_eq!((roster.len(), roster.version(), roster.index.len()), (1, 5, 2));
    }

    #[test]
    fn merged_accounts_lead_to_the_survivor() {
        let mut roster = Roster::default();
        roster.put("old", profile("M1", "eze"), Some("middle"), 1);
        roster.put("middle", profile("M2", "eze"), Some("new"), 2);
        assert_eq!(accounts(&roster, &profile("M1", "nobody")), [""; 0], "the survivor is not there yet");
        roster.put("new", profile("M3", "okafor"), None, 3);
        assert_eq!(accounts(&roster, &profile("M1", "nobody")), ["new"]);
        assert_eq!(accounts(&roster, &profile("M1", "okafor")), ["new", "new"]);
        roster.put("new", profile("M3", "okafor"), Some("old"), 4);
        assert_eq!(accounts(&roster, &profile("M1", "okafor")), [""; 0], "a circle leads to nobody");
    }
}
