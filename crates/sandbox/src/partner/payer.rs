//! What a payer is like: what it can do, how fast it is, how it misbehaves.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::fault::{FaultLevel, FaultRates};
use super::wire::ProblemKind;
use crate::dice::{Dice, Draw};

/// How a payer finishes an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Completion {
    /// The answer to the request carries the result.
    Immediate,
    /// The request is accepted; the result is fetched by polling.
    Poll,
    /// The request is accepted; the payer calls back when it is done. Polling works as well.
    Callback,
}

/// How long a payer takes to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// Most answers take between half of this and one and a half times it.
    pub typical_ms: u64,
    /// The same for the answers in the tail.
    pub tail_ms: u64,
}

/// Which share of the operations a payer refuses, per mille; decided by the operation id alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusalRates {
    /// The member is not known.
    pub no_match: u32,
    /// Several members fit.
    pub multiple_matches: u32,
    /// The consent does not suffice.
    pub consent: u32,
}

/// One simulated payer. All durations are as the payer keeps them; see [`Payer::scaled`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payer {
    /// The partner id, also the first segment of its path.
    pub id: String,
    /// The name shown to people.
    pub name: String,
    /// Whether a repeated `Idempotency-Key` gets the stored first answer; otherwise keys are ignored.
    pub deduplicates: bool,
    /// Whether it can be asked for an exchange by idempotency key.
    pub status_query: bool,
    /// How it finishes an exchange.
    pub completion: Completion,
    /// How long an answer takes.
    pub latency: Latency,
    /// How long the work takes after it was accepted, typically.
    pub work_ms: u64,
    /// How long a poller is told to wait; also the unit of the waits after throttling.
    pub retry_after_ms: u64,
    /// How much later than due a late callback comes, typically.
    pub callback_late_ms: u64,
    /// How long a caller should wait for an answer; an answer that hangs takes half as long again.
    pub timeout_ms: u64,
    /// The first pause a caller should make before a retry.
    pub backoff_ms: u64,
    /// The longest pause a caller should make before a retry.
    pub backoff_ms_max: u64,
    /// What it refuses.
    pub refusals: RefusalRates,
    /// How it misbehaves.
    pub faults: FaultRates,
    /// The secret its callbacks are signed with, `whsec_` and base64.
    pub callback_secret: String,
    /// How many operations it remembers with their keys and exchanges; older ones keep only their counts.
    pub remembered_max: usize,
}

/// What a payer makes of an operation, before any fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The work is done and data is delivered.
    Fulfil,
    /// Refused at once.
    Refuse(ProblemKind),
    /// Accepted, and found out later that it has to be refused.
    FailLater(ProblemKind),
}

/// Eight payers on a normal day, one for each combination of abilities that matters; half of them ignore idempotency
/// keys. The seed sets how fast and how faulty each one is, and its callback secret.
pub fn standard_payers(seed: u64) -> Vec<Payer> {
    use Completion::{Callback, Immediate, Poll};
    [
        ("evergreen", "Evergreen Health Plan", true, true, Immediate),
        ("harborlight", "Harborlight Mutual", true, true, Poll),
        ("summitcrest", "Summitcrest Care Alliance", true, false, Callback),
        ("ironbridge", "Ironbridge Benefit Trust", true, false, Immediate),
        ("prairiewind", "Prairiewind Community Health", false, true, Immediate),
        ("lakehollow", "Lakehollow Advantage", false, false, Poll),
        ("cedarfall", "Cedarfall Family Health", false, true, Callback),
        ("junipergate", "Junipergate Health Cooperative", false, false, Immediate),
    ]
    .into_iter()
    .map(|(id, name, deduplicates, status_query, completion)| {
        let dice = Dice::new(seed).at_name(id);
        Payer {
            id: id.to_owned(),
            name: name.to_owned(),
            deduplicates,
            status_query,
            completion,
            latency: Latency { typical_ms: dice.draw(0).around(40), tail_ms: 1_500 },
            work_ms: dice.draw(1).around(2_000),
            retry_after_ms: 1_000,
            callback_late_ms: 20_000,
            timeout_ms: 2_000,
            backoff_ms: 100,
            backoff_ms_max: 5_000,
            refusals: RefusalRates { no_match: 20, multiple_matches: 8, consent: 12 },
            faults: FaultRates::USUAL.times(75 + dice.draw(2).below(51) as u32),
            callback_secret: secret(dice.at(3)),
            remembered_max: 50_000,
        }
    })
    .collect()
}

// === impl Payer ===

impl Payer {
    /// The same payer at another level of misbehaviour, relative to what it has now.
    #[must_use]
    pub fn at_level(mut self, level: FaultLevel) -> Self {
        self.faults = self.faults.times(level.percent());
        self
    }

    /// The same payer with every wait multiplied by `scale`, so that a demo need not sit through real waits. The waits
    /// that a caller measures keep a floor below which a busy machine would mistake its own delay for the payer's.
    #[must_use]
    pub fn scaled(mut self, scale: f64) -> Self {
        let times = |ms: u64| (ms as f64 * scale).round() as u64;
        self.latency = Latency { typical_ms: times(self.latency.typical_ms), tail_ms: times(self.latency.tail_ms) };
        self.work_ms = times(self.work_ms);
        self.retry_after_ms = times(self.retry_after_ms);
        self.callback_late_ms = times(self.callback_late_ms);
        self.timeout_ms = times(self.timeout_ms).max(500);
        self.backoff_ms = times(self.backoff_ms).max(5);
        self.backoff_ms_max = times(self.backoff_ms_max).max(50);
        self
    }

    /// What this payer makes of the operation for which `draw` was drawn.
    pub(super) fn verdict(&self, draw: Draw) -> Verdict {
        let RefusalRates { no_match, multiple_matches, consent } = self.refusals;
        let height = draw.below(1000);
        let (no_match, multiple_matches, consent) =
            (u64::from(no_match), u64::from(multiple_matches), u64::from(consent));
        let kind = if height < no_match {
            ProblemKind::NoMatch
        } else if height < no_match + multiple_matches {
            ProblemKind::MultipleMatches
        } else if height < no_match + multiple_matches + consent {
            ProblemKind::Consent
        } else {
            return Verdict::Fulfil;
        };
        let found_late = self.completion != Completion::Immediate && draw.value().is_multiple_of(2);
        if found_late { Verdict::FailLater(kind) } else { Verdict::Refuse(kind) }
    }
}

fn secret(dice: Dice) -> String {
    let key: Vec<u8> = (0..4).flat_map(|part| dice.draw(part).value().to_be_bytes()).collect();
    format!("whsec_{}", STANDARD.encode(key))
}
