//! The guard against guessing (HRex member match: "the server SHALL … guard against brute force"): whoever asks for one person with
//! many cards, or with one card for many people, and finds nobody for certain, is not answered for a while.
//!
//! Attempts that found nobody for certain are counted where their key is at home: an HMAC of the caller and what is held fixed. What is
//! varied is kept as an HMAC too. A verdict goes to everybody by `guard`.

use std::collections::{BTreeMap, BTreeSet};

use domain::messages::{Context, GuardVerdict, IdentityTask, IdentityWork, PayerRole, Probe};
use domain::person::{Coverage, MemberClaim};
use domain::phi::{Phi, Purpose};
use domain::worker::{Destination, Forward};
use domain::{Decision, Message, Timestamp, Token};
use matching::normal::Word;

use crate::decide::Deciding;
use crate::memory::{Attempt, Watch};
use crate::policy::GuardPolicy;
use crate::{Entry, Identity, Key};

/// Who guesses, as far as it was found out.
#[derive(Clone, Debug, Default)]
pub struct Verdicts(BTreeMap<Token, GuardVerdict>);

/// What a claim holds, as far as somebody may guess it.
pub(crate) struct Fingerprint<'a> {
    phi: &'a dyn Phi,
    caller: &'a str,
    /// Given name, family name, birth date.
    person: [Word; 3],
    /// Member and subscriber id.
    card: [Word; 2],
}

// === impl Verdicts ===

impl Verdicts {
    /// Takes in a record of `guard`. Those that have run out by when it was given are forgotten.
    pub fn learn(&mut self, verdict: &GuardVerdict) {
        self.0.retain(|_, other| verdict.since < other.until);
        self.0.insert(verdict.fixed, verdict.clone());
    }

    /// Whether nobody is known to guess.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn stands(&self, fixed: Token, now: Timestamp) -> bool {
        self.0.get(&fixed).is_some_and(|verdict| now < verdict.until)
    }
}

// === impl Fingerprint ===

impl<'a> Fingerprint<'a> {
    /// What a claim holds.
    pub(crate) fn of(phi: &'a dyn Phi, context: &'a Context, claim: &MemberClaim, coverage: Option<&Coverage>) -> Self {
        let word = |text: Option<&String>| text.map(|text| Word::of(text)).unwrap_or_default();
        let ids = [coverage.and_then(|it| it.member_id.as_ref()), coverage.and_then(|it| it.subscriber_id.as_ref())];
        let person = [claim.name.given.first(), Some(&claim.name.family), claim.birth_date.as_ref()].map(word);
        Self { phi, caller: caller(context), person, card: ids.map(word) }
    }

    /// What is held fixed and what is varied, of either probe. Of a claim without a card, or without name and birth date, nothing can
    /// be varied.
    fn probes(&self) -> Vec<(Probe, Token, Token)> {
        let token = |kind: &[u8], words: &[Word]| {
            let parts: Vec<&[u8]> = [kind].into_iter().chain(words.iter().map(Word::bytes)).collect();
            words.iter().any(|word| !word.is_empty()).then(|| self.phi.token(Purpose::Guard, &parts))
        };
        let held = token(b"person", &self.person).zip(token(b"card", &self.card));
        let Some((person, card)) = held else { return Vec::new() };
        let fixed = |what: Token| self.phi.token(Purpose::Guard, &[b"fixed", self.caller.as_bytes(), &what.0]);
        vec![(Probe::Card, fixed(person), card), (Probe::Person, fixed(card), person)]
    }

    /// Whether the caller is guessing at this very person or card.
    pub(crate) fn is_guessed(&self, verdicts: &Verdicts, now: Timestamp) -> bool {
        !verdicts.is_empty() && self.probes().iter().any(|(_, fixed, _)| verdicts.stands(*fixed, now))
    }

    /// Has an attempt counted that found nobody for certain.
    pub(crate) fn count(&self, context: &Context, decision: &mut Deciding, at: Timestamp) {
        for (probe, fixed, varied) in self.probes() {
            let task = IdentityTask::Tally { probe, fixed, varied, at };
            let message = Message::Identity(Box::new(IdentityWork { context: context.clone(), task }));
            decision.forward.push(Forward { to: Destination::Tally(context.lane, fixed), message, trace: None });
        }
    }
}

/// Counts an attempt; with one too many the caller is taken to be guessing.
///
/// Attempts come to be counted in any order: lanes are read at their own pace, and a stage that was away counts what it had decided
/// before among what it decides now. So whether one too many was made follows from what was tried and when, not from what was counted
/// first, as long as it is counted within a window's time. A verdict that has run out by now is not given: as far as clocks agree,
/// nobody would be held up by it.
pub(crate) fn tally(
    identity: &Identity,
    watch: Option<&Entry>,
    context: &Context,
    (probe, fixed, attempt): (Probe, Token, Attempt),
    now: Timestamp,
) -> Deciding {
    let policy = &identity.rollout.identity().guard;
    let mut attempts = match watch {
        Some(Entry::Watch(watch)) => watch.attempts.clone(),
        Some(Entry::OpenReview(_) | Entry::Ground(_)) | None => Vec::new(),
    };
    // A worker of another version may have left them in order of arrival.
    attempts.sort_by_key(|attempt| attempt.at);
    let before = policy.one_too_many(&attempts);
    let place = attempts.partition_point(|other| other.at <= attempt.at);
    attempts.insert(place, attempt);
    let latest = policy.one_too_many(&attempts);
    let mut decision = Decision::nothing();
    if let Some((since, distinct)) = latest
        && before.is_none_or(|(before, _)| before < since)
        && now < since + policy.throttle
    {
        let until = since + policy.throttle;
        let verdict = GuardVerdict { fixed, probe, caller: caller(context).to_owned(), distinct, since, until };
        decision.send(Destination::Guard(fixed), Message::Guard(Box::new(verdict)));
    }
    policy.keep_needed(&mut attempts, latest.map(|(since, _)| since), now);
    let Some(last) = attempts.last() else {
        decision.forget(Key::Watch(fixed));
        return decision;
    };
    let forget_at = last.at + policy.window * 2;
    let watch = Watch { caller: caller(context).to_owned(), attempts, forget_at };
    decision.put(Key::Watch(fixed), Entry::Watch(watch));
    decision
}

// === impl GuardPolicy ===

impl GuardPolicy {
    /// When an attempt was last one too many within the window, and how many different ones there were then. Attempts are in time's
    /// order.
    fn one_too_many(&self, attempts: &[Attempt]) -> Option<(Timestamp, u32)> {
        let ending_at = |(index, last): (usize, &Attempt)| {
            let within = attempts[..=index].iter().filter(|attempt| last.at < attempt.at + self.window);
            let distinct: BTreeSet<_> = within.map(|attempt| attempt.varied).collect();
            (last.at, u32::try_from(distinct.len()).unwrap_or(u32::MAX))
        };
        attempts.iter().enumerate().rev().map(ending_at).find(|(_, distinct)| self.distinct_max < *distinct)
    }

    /// Leaves those attempts that a later verdict than the latest can follow from, together with others that may be counted up to a
    /// window's time late.
    fn keep_needed(&self, attempts: &mut Vec<Attempt>, latest: Option<Timestamp>, now: Timestamp) {
        attempts.retain(|attempt| now < attempt.at + self.window * 2);
        if let Some(latest) = latest {
            // A window that ends later and holds the oldest of these holds one too many, whatever else is in it.
            let (mut different, most) = (BTreeSet::new(), self.distinct_max as usize + 1);
            let is_needed = |attempt: &Attempt| {
                latest < attempt.at
                    || (latest < attempt.at + self.window && different.len() < most && different.insert(attempt.varied))
            };
            // The newest first.
            let needed: Vec<_> = attempts.iter().copied().rev().filter(is_needed).collect();
            *attempts = needed.into_iter().rev().collect();
        }
        // Of three of a kind whose first and last are less than a window apart, each window that holds the second holds another. What
        // is lost is that a verdict could have run from that repetition; it runs from another attempt then.
        let mut index = 0;
        while let Some(attempt) = attempts.get(index) {
            let is_same = |other: &&Attempt| other.varied == attempt.varied;
            let before = attempts[..index].iter().rev().find(is_same);
            let after = attempts[index + 1..].iter().find(is_same);
            if before.zip(after).is_some_and(|(before, after)| after.at < before.at + self.window) {
                attempts.remove(index);
            } else {
                index += 1;
            }
        }
    }
}

/// Who asks: our own source, or the payer who wants something of us.
fn caller(context: &Context) -> &str {
    match context.role {
        PayerRole::Requester => context.source.as_str(),
        PayerRole::Responder => context.counterparty.as_str(),
    }
}

#[cfg(test)]
mod tests;
