//! The roster: who our members are, which account stands for which, and how much of all that was read.

use std::collections::{BTreeMap, BTreeSet};

use domain::ids::derive;
use domain::messages::MemberRecord;
use domain::person::RosterMember;
use domain::phi::Phi;
use matching::Merges;
use matching::survivorship::Survivorship;

use crate::{Golden, Reading};

/// The members of `members`, indexed for matching.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    members: matching::Roster,
    /// Whose word stands where sources differ.
    survivorship: Survivorship,
    /// The rows whose record depends on that, so that another policy may be abided by: those on whom sources differ.
    disputed: BTreeMap<String, Box<RosterMember>>,
    /// The accounts that were merged into others.
    merged: BTreeMap<String, String>,
    /// The same the other way round.
    absorbed: BTreeSet<(String, String)>,
    /// Accounts and those that they were merged into before, since the roster was read.
    parted: BTreeSet<(String, String)>,
    /// The offset of each account's record, by a digest of its key: rosters have millions of accounts.
    offsets: BTreeMap<[u8; 16], u64>,
    version: u64,
}

/// Where an account leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Leads<'a> {
    /// To this one, which stands for it today: itself, where it was not merged.
    To(&'a str),
    /// It was merged, and nobody stands for it: an account on the way is not on the roster, or the way is a circle. Rows of different
    /// accounts may be read in any order, so that somebody may come yet.
    Astray,
    /// The account is not on the roster.
    Gone,
}

/// How many merges lead from an account to the one that stands for it, at most.
const MERGES_MAX: usize = 8;

// === impl Roster ===

impl Roster {
    /// An empty roster on which these sources' words stand.
    pub fn of(survivorship: &Survivorship) -> Self {
        Self { survivorship: survivorship.clone(), ..Self::default() }
    }

    /// From now on other sources' words stand. Whom that concerns is read anew: the roster is then as if it had been so from the
    /// beginning.
    pub fn abide_by(&mut self, survivorship: &Survivorship) {
        if self.survivorship == *survivorship {
            return;
        }
        self.survivorship = survivorship.clone();
        for (account, member) in std::mem::take(&mut self.disputed) {
            self.index(&account, &member);
        }
    }

    /// Takes in an account's latest record, in place of the one before.
    pub fn put(&mut self, account: &str, member: &RosterMember, offset: u64) {
        self.index(account, member);
        self.take_apart(account);
        if let Some(into) = &member.merged_into {
            self.merged.insert(account.to_owned(), into.clone());
            self.absorbed.insert((into.clone(), account.to_owned()));
        }
        let before = self.offsets.insert(digest(account), offset).unwrap_or(0);
        self.version = self.version.wrapping_sub(before).wrapping_add(offset);
    }

    /// Takes in a row of `members`; none means that the account is gone. One that does not open (its key was erased, or it was altered)
    /// takes the person off the roster: nobody is matched on what can't be read. Answers what was read.
    pub fn learn(
        &mut self,
        phi: &dyn Phi,
        (account, offset): (&str, u64),
        record: Option<&MemberRecord>,
    ) -> Option<RosterMember> {
        let member = record.and_then(|record| open(phi, account, record));
        match &member {
            Some(member) => self.put(account, member, offset),
            None => self.remove(account),
        }
        member
    }

    /// Takes an account off the roster.
    pub fn remove(&mut self, account: &str) {
        self.members.remove(account);
        self.disputed.remove(account);
        self.take_apart(account);
        let before = self.offsets.remove(&digest(account)).unwrap_or(0);
        self.version = self.version.wrapping_sub(before);
    }

    /// The members, for matching.
    pub fn members(&self) -> &matching::Roster {
        &self.members
    }

    /// How much of the roster is known: the sum of the offsets of its records. It depends on what the roster holds, and not on
    /// when or in which order it was read.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How many accounts there are, merged ones included.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether nobody is on the roster.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The offset of an account's record; none where it is not on the roster.
    pub fn offset(&self, account: &str) -> Option<u64> {
        self.offsets.get(&digest(account)).copied()
    }

    /// The accounts that were merged into this one, or into one that was.
    pub fn absorbed(&self, account: &str) -> Vec<&str> {
        let mut found: Vec<&str> = Vec::new();
        let mut next = vec![account];
        while let Some(into) = next.pop() {
            let first = (into.to_owned(), String::new());
            let of_it = self.absorbed.range(first..).take_while(|(other, _)| other == into);
            for (_, merged) in of_it {
                if merged != account && !found.contains(&merged.as_str()) {
                    found.push(merged);
                    next.push(merged);
                }
            }
        }
        found
    }

    /// The accounts whose matches may rest on where this one leads: itself, those merged into it, and all who are with an account that
    /// any of them was merged into before.
    pub fn concerned_by<'a>(&'a self, account: &'a str) -> BTreeSet<&'a str> {
        let with = |of: &'a str| self.absorbed(of).into_iter().chain([of]);
        let parted = |of: &'a str| {
            let from = (of.to_owned(), String::new());
            self.parted.range(from..).take_while(move |(from, _)| *from == *of).map(|(_, into)| &**into)
        };
        let left = with(account).flat_map(parted).map(|into| self.survivor(into).unwrap_or(into));
        std::iter::once(account).chain(left).flat_map(with).collect()
    }

    /// How many accounts' records depend on whose word stands.
    pub fn disputed(&self) -> usize {
        self.disputed.len()
    }

    /// Indexes the record that stands for an account.
    fn index(&mut self, account: &str, member: &RosterMember) {
        let golden = Golden::of(member, &self.survivorship);
        let stands = golden.as_ref().map_or(member, |golden| &golden.member);
        Reading::of_member(stands).with(|person| self.members.put(account, person));
        if golden.is_some_and(|golden| golden.is_disputed) {
            self.disputed.insert(account.to_owned(), Box::new(member.clone()));
        } else {
            self.disputed.remove(account);
        }
    }

    fn take_apart(&mut self, account: &str) {
        if let Some(into) = self.merged.remove(account) {
            let parted = (into, account.to_owned());
            self.absorbed.remove(&parted);
            self.parted.insert((parted.1, parted.0));
        }
    }

    /// The account that stands for this one today; none where it leads to nobody.
    pub fn survivor<'a>(&'a self, account: &'a str) -> Option<&'a str> {
        match self.leads(account) {
            Leads::To(survivor) => Some(survivor),
            Leads::Astray | Leads::Gone => None,
        }
    }

    /// Where an account leads today.
    pub fn leads<'a>(&'a self, account: &'a str) -> Leads<'a> {
        let mut last = account;
        for _ in 0..MERGES_MAX {
            match self.merged.get(last) {
                Some(into) => last = into,
                None if self.has(last) => return Leads::To(last),
                None if last == account => return Leads::Gone,
                None => return Leads::Astray,
            }
        }
        Leads::Astray
    }

    /// Whether an account is on the roster.
    pub fn has(&self, account: &str) -> bool {
        self.offset(account).is_some()
    }
}

/// Opens a row. Its own record is as old as the row where it does not say.
pub fn open(phi: &dyn Phi, account: &str, record: &MemberRecord) -> Option<RosterMember> {
    let member = phi.open_member(account, &record.member).ok()?;
    Some(RosterMember { as_of: member.as_of.or(Some(record.updated_at)), ..member })
}

impl Merges for Roster {
    fn are_one(&self, one: &str, other: &str) -> bool {
        !self.merged.is_empty() && self.survivor(one).is_some_and(|survivor| self.survivor(other) == Some(survivor))
    }
}

fn digest(account: &str) -> [u8; 16] {
    derive(&[b"account", account.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::{claim, coverage, person};

    fn member(merged_into: Option<&str>) -> RosterMember {
        let member = person(claim("Ngozi", "Okafor", "1984-02-29"), coverage("M-1", "S-1"));
        RosterMember { merged_into: merged_into.map(str::to_owned), ..member }
    }

    #[test]
    fn the_version_is_that_of_what_stands_on_the_roster() {
        let mut roster = Roster::default();
        roster.put("a", &member(None), 3);
        roster.put("b", &member(None), 5);
        assert_eq!((roster.version(), roster.len(), roster.offset("a")), (8, 2, Some(3)));
        roster.put("a", &member(None), 6);
        roster.remove("b");
        roster.remove("b");
        assert_eq!((roster.version(), roster.len(), roster.offset("b")), (6, 1, None));
    }

    #[test]
    fn merged_accounts_lead_to_the_survivor() {
        let mut roster = Roster::default();
        roster.put("old", &member(Some("middle")), 1);
        roster.put("middle", &member(Some("new")), 2);
        assert_eq!(roster.survivor("old"), None, "the survivor is not there yet");
        roster.put("new", &member(None), 3);
        assert_eq!((roster.absorbed("new"), roster.absorbed("old")), (vec!["middle", "old"], vec![]));
        assert_eq!((roster.survivor("old"), roster.survivor("new")), (Some("new"), Some("new")));
        roster.put("new", &member(Some("old")), 4);
        assert_eq!(roster.survivor("old"), None, "a circle leads to nobody");
        roster.put("old", &member(None), 5);
        assert_eq!(roster.survivor("middle"), Some("old"), "taken apart again");
    }

    #[test]
    fn an_account_that_is_gone_leads_nowhere_though_it_was_merged() {
        let mut roster = Roster::default();
        roster.put("new", &member(None), 1);
        roster.put("old", &member(Some("new")), 2);
        roster.remove("old");
        assert_eq!((roster.leads("old"), roster.absorbed("new")), (Leads::Gone, vec![]));
    }
}
