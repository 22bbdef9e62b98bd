//! What the policy in rehearsal said of live requests, beside the one that acted.

use std::time::Duration;

use domain::Timestamp;
use domain::lifecycle::PolicyRef;
use matching::Outcome;
use serde::Serialize;

use super::cases::{self, Case};
use super::flips::{Flips, KindRow, PartnerRow, kind, percent};
use super::policies::Book;
use crate::compose::Plant;
use crate::exit::Failure;

/// Where two policies differ on the same requests.
#[derive(Serialize)]
pub(super) struct Rehearsal {
    since: String,
    before: Option<String>,
    after: Option<String>,
    requests: u64,
    acted_on: u64,
    agree: u64,
    differ: u64,
    differ_percent: f64,
    /// Requests since then on which other policies were rehearsed.
    of_others: u64,
    kinds: Vec<KindRow>,
    partners: Vec<PartnerRow>,
}

/// The two policies of a rehearsal: the one that was in force before, and the one that may follow it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Pair {
    before: PolicyRef,
    after: PolicyRef,
}

/// How far back is looked where nothing is rehearsed now.
const LOOKED_BACK: Duration = Duration::from_secs(30 * 86_400);

/// Holds the decisions of the policy in rehearsal against those of the one before it, whichever of the two acted. Where nothing is
/// rehearsed any more, it is about the newest pair that was.
pub(super) fn report(plant: &Plant, since: Option<Timestamp>) -> Result<Rehearsal, Failure> {
    let (now, book) = (Timestamp(plant.clock.now_ms()), Book::read(plant)?);
    let rehearsed = book.rehearsed();
    let began = rehearsed.as_ref().map(|(_, record)| record.activated_at);
    let since = since.or(began).unwrap_or(now - LOOKED_BACK);
    let cases = cases::decided(plant, &(since..Timestamp(i64::MAX)))?;
    let newest = cases.iter().filter(|case| case.rehearsed.is_some()).max_by_key(|case| case.at);
    let wanted = match &rehearsed {
        Some((next, _)) => Some(Pair { before: book.in_force().reference, after: next.reference }),
        None => newest.and_then(Pair::of),
    };
    let (mut flips, mut acted_on, mut of_others) = (Flips::default(), 0, 0);
    for case in cases.iter().filter(|case| case.rehearsed.is_some()) {
        let Some((before, after, same_member)) = wanted.and_then(|pair| pair.outcomes(case)) else {
            of_others += 1;
            continue;
        };
        acted_on += u64::from(wanted.is_some_and(|pair| pair.after == case.policy));
        flips.count(case.partner(), case.request_id, kind(before, after, same_member));
    }
    let named = |policy: PolicyRef| format!("version {}, {} in events", policy.version, hex::encode(policy.digest));
    Ok(Rehearsal {
        since: since.to_string(),
        before: wanted.map(|pair| named(pair.before)),
        after: wanted.map(|pair| named(pair.after)),
        requests: flips.requests(),
        acted_on,
        agree: flips.agree(),
        differ: flips.differ(),
        differ_percent: percent(flips.differ(), flips.requests()),
        of_others,
        kinds: flips.kinds(),
        partners: flips.partners(),
    })
}

// === impl Pair ===

impl Pair {
    /// The two policies that judged a request, the older version first.
    fn of(case: &Case) -> Option<Self> {
        let (acted, rehearsed) = (case.policy, case.rehearsed.as_ref()?.policy);
        let is_acted_on = rehearsed.version < acted.version;
        let (before, after) = if is_acted_on { (rehearsed, acted) } else { (acted, rehearsed) };
        Some(Self { before, after })
    }

    /// What the policy before and the one after it said of a request; none if others judged it. On its share the one after it acts.
    fn outcomes(self, case: &Case) -> Option<(Outcome, Outcome, bool)> {
        let rehearsed = case.rehearsed.as_ref()?;
        let all = [Outcome::Match, Outcome::Review, Outcome::NoMatch];
        let other = all.into_iter().find(|outcome| outcome.as_str() == rehearsed.outcome)?;
        match (case.policy, rehearsed.policy) {
            (acted, next) if (acted, next) == (self.before, self.after) => {
                Some((case.outcome, other, rehearsed.same_member))
            }
            (acted, before) if (acted, before) == (self.after, self.before) => {
                Some((other, case.outcome, rehearsed.same_member))
            }
            (..) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::lifecycle::evidence::Rehearsed;
    use domain::{RequestId, Timestamp};

    use super::*;

    fn policy(version: u32) -> PolicyRef {
        PolicyRef { version, digest: [version as u8; 8] }
    }

    /// A request that one policy matched, and that another one would have reviewed.
    fn case(acted: u32, other: u32) -> Case {
        Case {
            request_id: RequestId([0; 16]),
            at: Timestamp(0),
            about: None,
            outcome: Outcome::Match,
            member: None,
            likeliest: None,
            policy: policy(acted),
            probability_ppm: Some(990_000),
            rehearsed: Some(Rehearsed {
                policy: policy(other),
                outcome: "review".into(),
                same_member: true,
                probability_ppm: 900_000,
            }),
            throttled: false,
            reviewed: None,
            withdrawn: false,
        }
    }

    #[test]
    fn a_flip_leads_from_the_policy_before_to_the_one_after_it_whichever_acted() {
        let pair = Pair { before: policy(1), after: policy(2) };
        assert_eq!(pair.outcomes(&case(1, 2)), Some((Outcome::Match, Outcome::Review, true)));
        assert_eq!(pair.outcomes(&case(2, 1)), Some((Outcome::Review, Outcome::Match, true)));
        assert_eq!(pair.outcomes(&case(1, 3)), None, "that was another rehearsal");
        assert!(Pair::of(&case(2, 1)) == Some(pair) && Pair::of(&case(1, 2)) == Some(pair));
        let back = Pair { before: policy(2), after: policy(1) };
        assert_eq!(back.outcomes(&case(2, 1)), Some((Outcome::Match, Outcome::Review, true)), "to an older one, too");
    }
}
