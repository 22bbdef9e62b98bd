//! Somebody who guesses: a source of its own that asks for one person with card after card, or with one card for person after person;
//! in some worlds so patiently that it is no guess yet. Nobody of them is enrolled. Beside it the usual source asks for the same, once,
//! and is to be answered.

use domain::messages::Probe;
use domain::person::{Coverage, PersonName};
use domain::{SourceId, Timestamp};
use sandbox::upstream::{Expected, Kind, Submission, Traffic, traffic};
use tests::chance::Chance;
use tests::clock::START_MS;
use tests::{PAYER, SOURCE};

/// The source that guesses.
pub(crate) const GUESSER: &str = "portal";
/// The threads of its requests begin so.
pub(crate) const THREAD: &str = "guess-";
/// `distinct_max` in `deploy/policy/identity.toml`: so many different values are no guess yet.
pub(crate) const DISTINCT_MAX: usize = 6;

/// What it sends, and when.
pub(crate) struct Guess {
    /// In milliseconds since the epoch.
    pub(crate) at_ms: i64,
    /// Asks for somebody.
    pub(crate) submission: Submission,
}

/// Every so many seeds somebody guesses.
const EVERY: u64 = 4;
/// When it begins.
const FROM_MS: i64 = START_MS + 1_200_000;
/// How much later the last guesses come: soon after anybody can know, within the time in which they are not answered, and after it.
const LATER_MS: [i64; 6] = [240_000, 260_000, 600_000, 1_800_000, 2_400_000, 9_000_000];
/// How much later somebody patient goes on, who tries no more within the window than is no guess yet.
const PATIENT_MS: i64 = 3_900_000;
/// When the usual source asks for the same.
const ASKED_MS: i64 = 1_860_000;

/// Whether somebody guesses under this seed, and what is varied.
pub(crate) fn varied(seed: u64) -> Option<Probe> {
    (seed % EVERY == 3).then_some(if (seed / EVERY).is_multiple_of(2) { Probe::Card } else { Probe::Person })
}

/// All guesses of a seed, in time's order, and the honest request among them.
pub(crate) fn guesses(seed: u64, partners: &[domain::PartnerId]) -> Vec<Guess> {
    let Some(varied) = varied(seed) else { return Vec::new() };
    let chance = Chance::new(seed ^ 0x6e55);
    let pause_ms = chance.pick(&[0, 200, 20_000]);
    let is_patient = (seed / EVERY / 2).is_multiple_of(4);
    let at_once = if is_patient { DISTINCT_MAX } else { DISTINCT_MAX + 1 + chance.below(3) };
    let from = |from_ms: i64| (0..).take(at_once).map(move |number: i64| from_ms + pause_ms * number);
    let later = if is_patient { from(PATIENT_MS).collect() } else { LATER_MS.to_vec() };
    let mut all: Vec<(i64, &str)> = from(0).chain(later).map(|later_ms| (FROM_MS + later_ms, GUESSER)).collect();
    all.push((FROM_MS + ASKED_MS, SOURCE));
    all.sort_unstable();
    let plan = |source: &str| Traffic {
        seed,
        source: SourceId::from(source),
        payer: PAYER.to_owned(),
        members: 20,
        partners: partners.to_vec(),
        count: all.len() as u64,
        now: Timestamp(START_MS),
        only_good: true,
    };
    let of = |(number, &(at_ms, source)): (usize, &(i64, &str))| {
        let mut submission = traffic(&plan(source)).swap_remove(number);
        let name = if source == GUESSER { format!("{THREAD}{number}") } else { format!("asked-{number}") };
        submission.request.idempotency_key = format!("{name}-{seed}");
        submission.request.correlation_id = Some(name);
        submission.record_key = submission.request.idempotency_key.clone().into_bytes();
        (submission.kind, submission.expected) = (Kind::Unmatched, Expected::Unmatched);
        about(&mut submission, varied, number);
        Guess { at_ms, submission }
    };
    all.iter().enumerate().map(of).collect()
}

/// Has a submission ask for the person and the card of the `number`-th guess.
fn about(submission: &mut Submission, varied: Probe, number: usize) {
    let (person, card) = match varied {
        Probe::Card => (0, number),
        Probe::Person => (number, 0),
    };
    let letters = ["ab", "cu", "di", "fo", "ge", "hy", "ka", "lu", "mi", "no", "pe", "ru", "sa", "tu", "vi", "zo"];
    let member = &mut submission.request.member;
    let given = vec![format!("Vuq{}", letters[person % letters.len()])];
    member.name = PersonName { family: "Wexquoz".to_owned(), given, prefix: None, suffix: None };
    member.birth_date = Some(format!("19{:02}-05-17", 20 + person));
    (member.addresses, member.phones, member.emails) = (Vec::new(), Vec::new(), Vec::new());
    (member.identifiers, member.other_names) = (Vec::new(), Vec::new());
    if let Some(Coverage { member_id, subscriber_id, .. }) = &mut submission.request.coverage_to_link {
        *member_id = Some(format!("ZZ{:07}", 7_310_001 + 913 * card));
        *subscriber_id = None;
    }
}
