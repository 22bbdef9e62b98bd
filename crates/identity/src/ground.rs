//! What a match rests on, and whether the roster still bears it out.
//!
//! Kept of each match are the account, the weights of the fields that spoke for it, and keyed digests of what the roster said in them;
//! not the claim, which may be long gone. A field that the roster says otherwise today speaks for nobody: if what is left is no match
//! by the thresholds of the day, the match is withdrawn. So a correction towards what the claim said may withdraw a match that would be
//! made again; a person sees to it, and a wrong disclosure weighs more.

use domain::ids::derive;
use domain::lifecycle::evidence::{MatchField, Withdrawal};
use domain::phi::Purpose;
use domain::{Code, Decision, Draft, EventBody, Memory, RequestId, Timestamp, Token, Trace};
use matching::evidence::{FieldWeight, Ranked};
use matching::explain::shifted;
use matching::levels::Field;

use crate::decide::{Deciding, member_token};
use crate::memory::{Ground, GroundField};
use crate::roster::Leads;
use crate::{Entry, Identity, Key, Roster};

/// A match that was made.
pub(crate) struct Match<'a> {
    /// The account that fitted.
    pub(crate) account: &'a str,
    /// The account that stands for it, and its token.
    pub(crate) member: (&'a str, Token),
    /// What the fields say.
    pub(crate) fields: &'a [FieldWeight],
    /// By how many centibits the weight exceeds that of the likeliest other explanation.
    pub(crate) margin: i32,
    /// From which probability on it was a match.
    pub(crate) match_ppm: u32,
    /// The others that it may have spoken of, as far as they were looked at.
    pub(crate) ranked: &'a [Ranked<'a>],
}

/// Half in parts per million: as likely as not.
const EVEN: u32 = 500_000;

/// Fields that tell people apart.
pub(crate) const IDENTIFYING: [Field; 9] = [
    Field::Given,
    Field::Family,
    Field::BirthDate,
    Field::Address,
    Field::Phone,
    Field::Email,
    Field::Ssn,
    Field::Mbi,
    Field::Card,
];

/// What the roster has of an account in the fields that identify, each of the same weight.
pub(crate) fn whoever_is_there(identity: &Identity, account: &str) -> Vec<FieldWeight> {
    let members = identity.roster.members();
    let held = |field| Some((field, members.held(account, field).into_iter().find(|held| *held != 0)?));
    let fields = IDENTIFYING.into_iter().filter_map(held);
    fields.map(|(field, held)| FieldWeight { field, level: "", weight: 1, held }).collect()
}

/// Remembers what a match rests on.
pub(crate) fn remember(
    identity: &Identity,
    decision: &mut Deciding,
    request: RequestId,
    found: &Match<'_>,
    (now, trace): (Timestamp, Trace),
) {
    let policy = identity.rollout.identity();
    if policy.remember.is_zero() {
        return;
    }
    let digests = Digests::of(identity, found.account);
    let speaking = found.fields.iter().filter(|said| 0 < said.weight && said.held != 0);
    let fields = speaking.map(|said| GroundField {
        field: said.field.as_str().into(),
        weight: said.weight,
        digest: digests.digest(said.field, said.held),
    });
    let (member, token) = found.member;
    let ground = Ground {
        account: found.account.to_owned(),
        member_key: member.to_owned(),
        offset: identity.roster.offset(found.account).unwrap_or_default(),
        member_token: token,
        margin: found.margin,
        match_ppm: found.match_ppm,
        fields: fields.collect(),
        as_one: as_one(found),
        heir: None,
        awaited_until: None,
        until: now + policy.remember,
        trace,
    };
    let account = if found.account == member { token } else { member_token(identity, found.account) };
    let key = Key::Ground(account, request);
    decision.put(key, Entry::Ground(Box::new(ground)));
}

/// The accounts that it was a match with because they are merged: were they somebody else's, nothing would tell who is meant.
fn as_one(found: &Match<'_>) -> Vec<String> {
    let weight = found.ranked.iter().find(|ranked| ranked.account == found.account).map(|ranked| ranked.weight);
    let is_rival = |other: &&Ranked<'_>| {
        let left = weight.map(|weight| shifted(EVEN, weight.saturating_sub(other.weight)));
        other.is_merged_only && left.is_some_and(|left| left < found.match_ppm)
    };
    found.ranked.iter().filter(is_rival).map(|other| other.account.to_owned()).collect()
}

/// The grounds that a change of an account may have shaken: its own, those of accounts merged into it, and those of whom it was one with.
pub(crate) fn shaken_by(identity: &Identity, account: &str, memory: &Memory<Key, Entry>) -> Vec<Key> {
    let accounts = identity.roster.concerned_by(account).into_iter();
    let tokens = accounts.map(|account| member_token(identity, account));
    tokens.flat_map(|token| among(identity, (token, token), memory)).collect()
}

/// The grounds of all accounts that have changed since they were looked at.
pub(crate) fn shaken(identity: &Identity, memory: &Memory<Key, Entry>) -> Vec<Key> {
    among(identity, (Token([0; 16]), Token([0xff; 16])), memory)
}

fn among(identity: &Identity, (first, last): (Token, Token), memory: &Memory<Key, Entry>) -> Vec<Key> {
    let (first, last) = (Key::Ground(first, RequestId([0; 16])), Key::Ground(last, RequestId([0xff; 16])));
    let is_shaken = |entry: &Entry| match entry {
        Entry::Ground(ground) => is_shaken(identity, ground),
        Entry::OpenReview(_) | Entry::Watch(_) => false,
    };
    memory.range(&first, &last).filter(|(_, entry)| is_shaken(entry)).map(|(key, _)| *key).collect()
}

fn is_shaken(identity: &Identity, ground: &Ground) -> bool {
    let is_otherwise = match Stands::today(identity, ground) {
        Stands::For(member) => ground.stands_for() != member || ground.awaited_until.is_some(),
        Stands::Awaiting => ground.awaited_until.is_none(),
        Stands::ForNobody => true,
    };
    is_otherwise || identity.roster.offset(&ground.account) != Some(ground.offset)
}

/// A ground has come due: it is too old to matter, the roster has changed, or an account did not come that was waited for.
pub(crate) fn look(identity: &Identity, (key, request): (Key, RequestId), ground: &Ground, now: Timestamp) -> Deciding {
    let mut decision = Decision::nothing();
    if ground.until <= now {
        decision.forget(key);
        return decision;
    }
    let stands = Stands::today(identity, ground);
    let awaited_until = match stands {
        Stands::Awaiting => Some(ground.awaited_until.unwrap_or(now + identity.rollout.identity().await_heir)),
        Stands::For(_) | Stands::ForNobody => None,
    };
    let is_lost = stands == Stands::ForNobody || awaited_until.is_some_and(|until| until <= now);
    let (lost, left) = if is_lost { (Vec::new(), 0) } else { standing(identity, ground) };
    if left < ground.match_ppm {
        let withdrawn = Withdrawal {
            member_token: ground.member_token,
            roster_version: identity.roster.version(),
            fields: lost.iter().map(|field| MatchField::of(field.as_str())).collect(),
            probability_ppm: left,
        };
        let body = EventBody::VerificationFailed { code: Code::MatchWithdrawn, withdrawn: Some(withdrawn) };
        decision.events.push(Draft { request_id: request, body, trace: Some(ground.trace) });
        decision.forget(key);
        return decision;
    }
    let offset = identity.roster.offset(&ground.account).unwrap_or(ground.offset);
    let heir = match stands {
        Stands::For(member) => Some(member).filter(|member| *member != ground.member_key).map(str::to_owned),
        Stands::Awaiting | Stands::ForNobody => ground.heir.clone(),
    };
    let today = Ground { offset, heir, awaited_until, ..ground.clone() };
    if today != *ground {
        decision.put(key, Entry::Ground(Box::new(today)));
    }
    decision
}

/// Which of the fields no longer speak for the member, and what is left of the probability without them.
fn standing(identity: &Identity, ground: &Ground) -> (Vec<Field>, u32) {
    let Ground { account, margin, fields, .. } = ground;
    let digests = Digests::of(identity, account);
    let (mut lost, mut left) = (Vec::new(), *margin);
    for GroundField { field, weight, digest } in fields {
        let known = Field::ALL.into_iter().find(|known| known.as_str() == *field);
        let stands = known.is_none_or(|known| {
            let held = identity.roster.members().held(account, known);
            held.into_iter().any(|held| digests.digest(known, held) == *digest)
        });
        if !stands {
            left = left.saturating_sub(*weight);
            lost.extend(known);
        }
    }
    (lost, shifted(EVEN, left))
}

/// For whom a match stands by today's roster.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stands<'a> {
    /// For this account: the one that fitted leads to where the one leads that was matched.
    For(&'a str),
    /// One of them was merged into an account that has not come yet. Until it does, or its time is over, that is no ground to withdraw
    /// anything.
    Awaiting,
    /// One of them is gone, or the account that stood for them is, or they were taken apart.
    ForNobody,
}

// === impl Stands ===

impl<'a> Stands<'a> {
    fn today(identity: &'a Identity, ground: &'a Ground) -> Self {
        let roster = &identity.roster;
        match (roster.leads(&ground.account), roster.leads(&ground.member_key)) {
            (Leads::To(survivor), Leads::To(member)) if survivor == member => Self::with_all(roster, ground, member),
            (Leads::To(_), Leads::To(_)) | (Leads::Gone, _) | (_, Leads::Gone) => Self::ForNobody,
            (Leads::Astray, _) | (_, Leads::Astray) if roster.has(ground.stands_for()) => Self::Awaiting,
            (Leads::Astray, _) | (_, Leads::Astray) => Self::ForNobody,
        }
    }

    /// The same for a match that has a member, who must be one with all who were taken for the same person. One of them that is gone is
    /// nobody else.
    fn with_all(roster: &Roster, ground: &Ground, member: &'a str) -> Self {
        let mut today = Self::For(member);
        for other in &ground.as_one {
            match roster.leads(other) {
                Leads::To(survivor) if survivor == member => {}
                Leads::To(_) => return Self::ForNobody,
                Leads::Astray => today = Self::Awaiting,
                Leads::Gone => {}
            }
        }
        today
    }
}

// === impl Ground ===

impl Ground {
    /// The account that stood for the member when it was last looked at.
    fn stands_for(&self) -> &str {
        self.heir.as_deref().unwrap_or(&self.member_key)
    }
}

/// Digests of what the roster says of one account, under a secret of its own.
struct Digests(Token);

impl Digests {
    fn of(identity: &Identity, account: &str) -> Self {
        Self(identity.phi.token(Purpose::Ground, &[account.as_bytes()]))
    }

    fn digest(&self, field: Field, held: u64) -> i64 {
        let [a, b, c, d, e, f, g, h, ..] = derive(&[&self.0.0, field.as_str().as_bytes(), &held.to_le_bytes()]);
        i64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

#[cfg(test)]
mod tests;
