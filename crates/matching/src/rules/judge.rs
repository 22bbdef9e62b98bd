//! The rules, asked of candidates: flat ones of each alone, those of two steps of the household first (sections IV and C.7).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::book::{Rule, RuleBook};
use super::directory::Row;
use super::field::{Field, FieldSet};
use super::roster::Roster;
use super::symbols::Symbol;
use super::verdict::{Agreement, Approval, Candidate, Objection, Outcome, Verdict, Withdrawal};

/// A member beside a claim.
pub(super) struct Compared {
    pub(super) row: Row,
    /// What the member has.
    pub(super) present: FieldSet,
    /// What agrees exactly.
    pub(super) exact: FieldSet,
    /// What agrees within the limits of fuzzy comparison only.
    pub(super) fuzzy: FieldSet,
    /// Whether their generations conflict.
    pub(super) conflict: bool,
}

/// A rule that fired for a member.
#[derive(Clone, Copy)]
struct Fired<'a> {
    member: &'a Compared,
    /// Which of its fields agree fuzzily.
    fuzzy: FieldSet,
}

/// Judges.
struct Court<'a> {
    roster: &'a Roster,
    book: &'a RuleBook,
    counted: FieldSet,
    /// What the claim has.
    claim: FieldSet,
    members: &'a [Compared],
    /// Per id the rules that approve, by their place in the book.
    approved: BTreeMap<&'a Arc<str>, BTreeMap<usize, FieldSet>>,
    withdrawn: BTreeSet<(usize, &'a Arc<str>, Objection)>,
}

/// The verdict on a claim that has these fields, of everybody whom a rule may approve.
pub(super) fn judge(roster: &Roster, claim: FieldSet, members: &[Compared]) -> Verdict {
    let book = roster.book();
    let (approved, withdrawn) = (BTreeMap::new(), BTreeSet::new());
    let mut court = Court { roster, book, counted: book.counted(), claim, members, approved, withdrawn };
    let mut tried = Vec::new();
    for (at, rule) in book.rules.iter().enumerate() {
        if !rule.first_step().within(claim) {
            continue;
        }
        tried.push(rule.id.clone());
        match rule.has_two_steps() {
            true => court.try_household(at, rule),
            false => court.try_flat(at, rule),
        }
    }
    court.close(tried)
}

// === impl Rule ===

impl Rule {
    /// What a claim needs for it to be tried.
    pub(super) fn first_step(&self) -> FieldSet {
        if self.has_two_steps() { self.household } else { self.person }
    }

    /// Which fields are fuzzy where the person's fields agree; none where they don't, or too many are fuzzy.
    fn fires(&self, member: &Compared, starred: FieldSet, counted: FieldSet) -> Option<FieldSet> {
        let open = self.person.without(member.exact);
        let within = open.within(member.fuzzy.and(starred)) && open.and(counted).len() <= self.fuzzy_max;
        within.then_some(open)
    }
}

// === impl Court ===

impl<'a> Court<'a> {
    fn try_flat(&mut self, at: usize, rule: &Rule) {
        for member in self.members {
            if let Some(fuzzy) = rule.fires(member, rule.starred, self.counted) {
                self.approve(at, Fired { member, fuzzy });
            }
        }
    }

    fn try_household(&mut self, at: usize, rule: &Rule) {
        let household: Vec<&Compared> =
            self.members.iter().filter(|member| rule.household.within(member.exact)).collect();
        if household.is_empty() || !rule.person.within(self.claim) {
            return;
        }
        let shared = self.shared_birth_dates(&household);
        let mut fired = Vec::new();
        for member in household {
            let is_twin = self.roster.birth_dates(member.row).any(|date| shared.contains(&date));
            let starred = if is_twin { rule.starred.without(self.book.twins.exact) } else { rule.starred };
            fired.extend(rule.fires(member, starred, self.counted).map(|fuzzy| Fired { member, fuzzy }));
        }
        let mut standing: Vec<Fired<'a>> = fired.into_iter().filter(|fired| self.approve(at, *fired)).collect();
        standing.sort_by_key(|fired| self.roster.id(fired.member.row));
        standing.dedup_by_key(|fired| self.roster.id(fired.member.row));
        if let [first, second] = standing.as_slice()
            && !shared.is_empty()
            && let Some((loser, field)) = self.lost_tie(first.member, second.member)
        {
            self.withdrawn.insert((at, self.roster.id(loser.row), Objection::Twin(field)));
        }
    }

    /// Birth dates that several members of a household have.
    fn shared_birth_dates(&self, household: &[&Compared]) -> BTreeSet<Symbol> {
        let mut held: BTreeMap<Symbol, &Arc<str>> = BTreeMap::new();
        let mut shared = BTreeSet::new();
        for member in household {
            let id = self.roster.id(member.row);
            shared.extend(self.roster.birth_dates(member.row).filter(|date| *held.entry(*date).or_insert(id) != id));
        }
        shared
    }

    /// Which of two is not meant, by the first tie break that the claim has; nobody where it tells nothing. A missing middle name is
    /// no other one.
    fn lost_tie(&self, first: &'a Compared, second: &'a Compared) -> Option<(&'a Compared, Field)> {
        let field = *self.book.twins.tie_breaks.iter().find(|field| self.claim.has(**field))?;
        if field == Field::Middle && !(first.present.has(field) && second.present.has(field)) {
            return None;
        }
        match (first.exact.has(field), second.exact.has(field)) {
            (true, false) => Some((second, field)),
            (false, true) => Some((first, field)),
            (true, true) | (false, false) => None,
        }
    }

    /// Notes an approval, unless generations conflict.
    fn approve(&mut self, at: usize, Fired { member, fuzzy }: Fired<'a>) -> bool {
        let id = self.roster.id(member.row);
        let objected = self.book.suffix_conflict_negates && member.conflict;
        if objected {
            self.withdrawn.insert((at, id, Objection::Suffix));
        } else {
            let known = self.approved.entry(id).or_default().entry(at).or_insert(fuzzy);
            if fuzzy.len() < known.len() {
                *known = fuzzy;
            }
        }
        !objected
    }

    fn close(mut self, tried: Vec<super::book::RuleId>) -> Verdict {
        for (_, id, why) in &self.withdrawn {
            if matches!(why, Objection::Twin(_)) {
                self.approved.remove(id);
            }
        }
        let mut approved: Vec<_> = self.approved.into_iter().collect();
        approved.sort_by_key(|(id, rules)| (rules.keys().next().copied(), *id));
        let book = self.book;
        let candidate = |(id, rules): (&Arc<str>, BTreeMap<usize, FieldSet>)| Candidate {
            id: id.clone(),
            approvals: rules.into_iter().map(|(at, fuzzy)| approval(book, &book.rules[at], fuzzy)).collect(),
        };
        let approved: Vec<Candidate> = approved.into_iter().map(candidate).collect();
        let withdrawal =
            |(at, id, why): (usize, &Arc<str>, _)| Withdrawal { id: id.clone(), rule: book.rules[at].id.clone(), why };
        Verdict {
            version: book.version.clone(),
            digest: book.digest.clone(),
            outcome: if tried.is_empty() { Outcome::InsufficientFields } else { book.outcomes.of(approved.len()) },
            approved,
            withdrawn: self.withdrawn.into_iter().map(withdrawal).collect(),
            tried,
        }
    }
}

fn approval(book: &RuleBook, rule: &Rule, fuzzy: FieldSet) -> Approval {
    let agreement = |field| if fuzzy.has(field) { Agreement::Fuzzy } else { Agreement::Exact };
    let fields = rule.fields().iter().map(|field| (field, agreement(field))).collect();
    Approval { rule: rule.id.clone(), fields, product: book.product(rule, fuzzy) }
}
