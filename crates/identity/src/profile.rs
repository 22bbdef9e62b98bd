//! A person made comparable: the same form for a claim and for a roster record. PHI, so `Debug` shows nothing of it.

use std::fmt;

use domain::person::{Address, Coverage, Identifier, MemberClaim, PersonName, RosterMember};
use domain::time::Date;

use crate::normalise::{self, Suffix};

/// What a record says about somebody, normalised.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// Family names, the current one first.
    pub families: Vec<String>,
    /// First given names, the current one first.
    pub givens: Vec<String>,
    /// The generation, where a name tells it.
    pub suffix: Option<Suffix>,
    /// The birth date, where it is a full one.
    pub born: Option<Date>,
    /// Member ids of all coverages. The roster is our own, so they need no payer beside them.
    pub member_ids: Vec<String>,
    /// Subscriber ids of all coverages, each shared by a family.
    pub subscriber_ids: Vec<String>,
    /// Medicare beneficiary identifiers.
    pub mbis: Vec<String>,
    /// Street and postal code of all addresses.
    pub addresses: Vec<String>,
    /// Phone numbers.
    pub phones: Vec<u64>,
}

// === impl Profile ===

impl Profile {
    /// The profile of a claim under the coverage by which our roster should know the member.
    pub fn of_claim(claim: &MemberClaim, coverage: Option<&Coverage>) -> Self {
        Self::of(claim, coverage.into_iter())
    }

    /// The profile of somebody on the roster, under all of their coverages.
    pub fn of_member(member: &RosterMember) -> Self {
        Self::of(&member.member, member.coverages.iter())
    }

    fn of<'a>(claim: &MemberClaim, coverages: impl Iterator<Item = &'a Coverage> + Clone) -> Self {
        let mut profile = Self {
            born: claim.birth_date.as_deref().and_then(Date::parse),
            member_ids: identifiers(coverages.clone().map(|coverage| &coverage.member_id)),
            subscriber_ids: identifiers(coverages.map(|coverage| &coverage.subscriber_id)),
            mbis: claim
                .identifiers
                .iter()
                .filter(|id| is_mbi(id))
                .filter_map(|id| normalise::identifier(&id.value))
                .collect(),
            addresses: claim.addresses.iter().filter_map(address).collect(),
            phones: claim.phones.iter().filter_map(|phone| normalise::phone(phone)).collect(),
            ..Self::default()
        };
        std::iter::once(&claim.name).chain(&claim.other_names).for_each(|name| profile.add_name(name));
        profile
    }

    fn add_name(&mut self, name: &PersonName) {
        let (family, written) = normalise::family(&name.family);
        let given = name.given.first().map(|given| normalise::name(given)).unwrap_or_default();
        let suffix = name.suffix.as_deref().and_then(normalise::suffix).or(written);
        self.suffix = self.suffix.or(suffix);
        for (names, name) in [(&mut self.families, family), (&mut self.givens, given)] {
            if !name.is_empty() && !names.contains(&name) {
                names.push(name);
            }
        }
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Profile(secret)")
    }
}

fn identifiers<'a>(ids: impl Iterator<Item = &'a Option<String>>) -> Vec<String> {
    let mut plain: Vec<_> = ids.flatten().filter_map(|id| normalise::identifier(id)).collect();
    plain.sort_unstable();
    plain.dedup();
    plain
}

fn is_mbi(identifier: &Identifier) -> bool {
    identifier.kind == "MC" || identifier.system == "http://hl7.org/fhir/sid/us-mbi"
}

fn address(address: &Address) -> Option<String> {
    normalise::address(address.lines.first()?, address.postal_code.as_deref()?)
}
