//! Where two decisions about the same request differ: counted by kind and by partner, with examples.

use std::collections::BTreeMap;

use domain::RequestId;
use matching::Outcome;
use serde::Serialize;

/// Pairs of decisions, counted.
#[derive(Default)]
pub(super) struct Flips {
    agree: u64,
    kinds: BTreeMap<String, Flip>,
    partners: BTreeMap<String, Partner>,
}

#[derive(Default)]
struct Flip {
    requests: u64,
    examples: Vec<String>,
}

#[derive(Default)]
struct Partner {
    requests: u64,
    kinds: BTreeMap<String, u64>,
    examples: Vec<String>,
}

/// A kind of flip.
#[derive(Serialize)]
pub(super) struct KindRow {
    kind: String,
    requests: u64,
    percent: f64,
    examples: Vec<String>,
}

/// The flips of a partner's requests.
#[derive(Serialize)]
pub(super) struct PartnerRow {
    partner: String,
    requests: u64,
    differ: u64,
    percent: f64,
    kinds: String,
    examples: Vec<String>,
}

/// How many examples of each kind are told.
const EXAMPLES: usize = 3;

/// In what two decisions differ; none where they agree. `same_member` says whether they hold the same member for the likeliest.
pub(super) fn kind(before: Outcome, after: Outcome, same_member: bool) -> Option<String> {
    match (before, after) {
        (Outcome::Match, Outcome::Match) if !same_member => Some("other member".to_owned()),
        (before, after) if before == after => None,
        (before, after) => Some(format!("{} -> {}", before.as_str(), after.as_str())),
    }
}

/// A share of all in per cent, to two places.
pub(super) fn percent(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { (part as f64 * 10_000.0 / all as f64).round() / 100.0 }
}

// === impl Flips ===

impl Flips {
    /// Counts a request, and in what its decisions differ.
    pub(super) fn count(&mut self, partner: &str, request: RequestId, kind: Option<String>) {
        let of_partner = self.partners.entry(partner.to_owned()).or_default();
        of_partner.requests += 1;
        let Some(kind) = kind else {
            self.agree += 1;
            return;
        };
        *of_partner.kinds.entry(kind.clone()).or_default() += 1;
        let of_kind = self.kinds.entry(kind).or_default();
        of_kind.requests += 1;
        for examples in [&mut of_kind.examples, &mut of_partner.examples] {
            if examples.len() < EXAMPLES {
                examples.push(request.to_string());
            }
        }
    }

    /// How many requests were counted.
    pub(super) fn requests(&self) -> u64 {
        self.agree + self.differ()
    }

    /// Of how many the decisions agree.
    pub(super) fn agree(&self) -> u64 {
        self.agree
    }

    /// Of how many they differ.
    pub(super) fn differ(&self) -> u64 {
        self.kinds.values().map(|flip| flip.requests).sum()
    }

    /// The flips by kind, the most frequent first.
    pub(super) fn kinds(&self) -> Vec<KindRow> {
        let row = |(kind, flip): (&String, &Flip)| KindRow {
            kind: kind.clone(),
            requests: flip.requests,
            percent: percent(flip.requests, self.requests()),
            examples: flip.examples.clone(),
        };
        let mut rows: Vec<KindRow> = self.kinds.iter().map(row).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.requests));
        rows
    }

    /// The same by partner, those with the most flips first.
    pub(super) fn partners(&self) -> Vec<PartnerRow> {
        let row = |(name, partner): (&String, &Partner)| {
            let differ = partner.kinds.values().sum();
            let kinds: Vec<String> = partner.kinds.iter().map(|(kind, count)| format!("{kind}: {count}")).collect();
            PartnerRow {
                partner: name.clone(),
                requests: partner.requests,
                differ,
                percent: percent(differ, partner.requests),
                kinds: kinds.join(", "),
                examples: partner.examples.clone(),
            }
        };
        let mut rows: Vec<PartnerRow> = self.partners.iter().map(row).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.differ));
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_counted_by_kind_and_partner() {
        let mut flips = Flips::default();
        let decisions = [
            ("a", (Outcome::Match, Outcome::Match, true)),
            ("a", (Outcome::Match, Outcome::Review, true)),
            ("b", (Outcome::Match, Outcome::Match, false)),
            ("b", (Outcome::Review, Outcome::Review, false)),
        ];
        for (number, (partner, (before, after, same))) in (0..).zip(decisions) {
            flips.count(partner, RequestId([number; 16]), kind(before, after, same));
        }
        assert_eq!((flips.requests(), flips.agree(), flips.differ()), (4, 2, 2));
        let kinds: Vec<_> = flips.kinds().into_iter().map(|row| (row.kind, row.requests, row.percent)).collect();
        assert_eq!(kinds, [("match -> review".to_owned(), 1, 25.0), ("other member".to_owned(), 1, 25.0)]);
        let partners: Vec<_> = flips.partners().into_iter().map(|row| (row.partner, row.differ, row.percent)).collect();
        assert_eq!(partners, [("a".to_owned(), 1, 50.0), ("b".to_owned(), 1, 50.0)]);
    }
}
