//! Requests full of canaries meet every fate the fleet knows.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use contracts::Codec;
use contracts::headers::{KEY_ID, SIGNATURE, event_type};
use domain::messages::{CommandAction, CommandTarget, IntakeRequest, Verdict};
use domain::person::{Payload, RosterMember};
use domain::{Code, EventBody, Lane, Message, RequestId};
use sandbox::partner::{FaultRates, Payer};
use sandbox::upstream::population;
use tests::feed::bare;
use tests::leak::{self, Canary, canaries};
use tests::reading::{events, letters};
use tests::{Feed, PAYER, Setup, World};
use vault::{Keys, Vault, VaultOptions};

const SEED: u64 = 5;
const GOOD: usize = 32;
const SOON: Duration = Duration::from_secs(1800);

/// What must have happened for the search to mean something.
const FATES: [&str; 20] = [
    "waybill.received",
    "waybill.refused",
    "waybill.duplicate-suppressed",
    "waybill.conflict-refused",
    "waybill.identity-matched",
    "waybill.identity-unmatched",
    "waybill.review-opened",
    "waybill.review-decided",
    "waybill.partner-dispatched",
    "waybill.attempt-failed",
    "waybill.outcome-unknown",
    "waybill.acknowledged",
    "waybill.fulfilled",
    "waybill.exception-raised",
    "waybill.deadline-breached",
    "waybill.escalated",
    "waybill.cancel-requested",
    "waybill.dead-lettered",
    "waybill.letter-replayed",
    "waybill.letter-discarded",
];

/// Requests as they would be without canaries.
pub(crate) fn good_requests() -> Vec<IntakeRequest> {
    leak::good_at_start(SEED, 60)
}

/// Everything that happens, with the vault's files in a directory; the world afterwards, and every canary in it.
pub(crate) fn run(directory: &Path) -> (World, Vec<Canary>) {
    let world = World::new(Setup { vault: vault(directory), payers: payers(), ..Setup::rough(SEED) });
    let feed = Feed::open(&world, "upstream");
    let enrolled = population(SEED, PAYER, 1).remove(0).member;
    let mut story = Story { world, feed, good: good_requests(), enrolled, canaries: Vec::new(), told: 0 };
    let first = story.good_ones();
    story.repeated(first);
    story.refused();
    story.not_readable();
    story.world.pass(SOON);
    story.decide();
    story.world.pass(Duration::from_secs(2 * 86_400));
    let Story { world, canaries, .. } = story;
    let happened: BTreeSet<&str> = events(&world).iter().map(|event| event_type(&event.body)).collect();
    let missing: Vec<_> = FATES.into_iter().filter(|fate| !happened.contains(fate)).collect();
    assert!(missing.is_empty(), "nobody met {missing:?}");
    (world, canaries)
}

/// Rough payers; one of them never answers well, and one does its work and says nothing.
fn payers() -> Vec<Payer> {
    let mut payers = Setup::rough(SEED).payers;
    for payer in &mut payers {
        match payer.id.as_str() {
            "ironbridge" => {
                payer.faults = FaultRates { server_error: 1000, attempts_faulty_max: 99, ..FaultRates::NONE }
            }
            "junipergate" => {
                payer.faults = FaultRates { closed_after: 1000, attempts_faulty_max: 99, ..FaultRates::NONE }
            }
            _ => {}
        }
    }
    payers
}

/// A vault whose files lie in a directory.
pub(crate) fn vault(directory: &Path) -> Vault {
    let options = VaultOptions {
        key_file: directory.join("keys.toml"),
        keystore_directory: directory.join("keystore"),
        claim_check_directory: directory.join("evidence"),
        sync_objects: false,
    };
    Keys::generate(&options.key_file).expect("keys");
    Vault::open(&options, Codec::bundled()).expect("a vault")
}

struct Story {
    world: World,
    feed: Feed,
    good: Vec<IntakeRequest>,
    enrolled: RosterMember,
    canaries: Vec<Canary>,
    told: usize,
}

// === impl Story ===

impl Story {
    /// The next request, every marked field a canary.
    fn next(&mut self, name: &str) -> IntakeRequest {
        let good = &self.good[self.told];
        let (request, canaries) = canaries::request(name, good);
        self.canaries.extend(canaries);
        self.told += 1;
        request
    }

    fn enrol(&mut self, story: &str, member_key: &str) {
        let member = canaries::member(story, &self.enrolled);
        self.feed.enrol(&self.world, member_key, &member);
    }

    fn submit(&mut self, request: &IntakeRequest) {
        self.feed.submit(&self.world, Lane::Standard, request.idempotency_key.as_bytes(), request);
    }

    /// Members, somebody who is none, and somebody who has a twin. Partners do the rest.
    fn good_ones(&mut self) -> IntakeRequest {
        let names: Vec<String> = (0..GOOD).map(|number| format!("good {number}")).collect();
        for name in &names {
            self.enrol(name, &name.replace(' ', "-"));
        }
        for name in ["ambiguous", "undecided"] {
            self.enrol(name, &format!("{name}-1"));
            let twin = canaries::twin(name, &self.enrolled);
            self.feed.enrol(&self.world, &format!("{name}-2"), &twin);
        }
        self.feed.commit();
        self.world.pass(Duration::from_secs(1));
        let names = names.iter().map(String::as_str).chain(["nobody's"]);
        let mut requests: Vec<_> = names.map(|name| self.next(name)).collect();
        requests.extend(["ambiguous", "undecided"].map(|name| canaries::of_either_twin(self.next(name))));
        requests.iter().for_each(|request| self.submit(request));
        self.feed.commit();
        self.world.pass(SOON);
        requests[0].clone()
    }

    /// The same again, and under the same key something else.
    fn repeated(&mut self, first: IntakeRequest) {
        self.submit(&first);
        let IntakeRequest { idempotency_key, counterparty, .. } = first;
        let conflict = IntakeRequest { idempotency_key, counterparty, ..self.next("conflict") };
        self.submit(&conflict);
        self.feed.commit();
    }

    /// Canaries where they don't belong, in fields that are looked at closely.
    fn refused(&mut self) {
        for request in leak::misplaced(|name| self.next(name)) {
            self.submit(&request);
        }
        self.feed.commit();
    }

    /// Canaries in bytes that become letters: in the value, in the key and in headers, and too many for a letter to carry.
    fn not_readable(&mut self) {
        let request = self.next("unreadable");
        let name = request.member.name.family.clone();
        let body = Bytes::from(name.repeat(16_000));
        let large =
            IntakeRequest { payload: Some(Payload { format: "text/plain".to_owned(), body }), ..self.next("large") };
        let values = [&request, &large].map(|request| {
            let mut value = Vec::new();
            let message = Message::Intake(Box::new(request.clone()));
            self.world.codec.encode(&message, &mut value).expect("it fits");
            Bytes::from(value)
        });
        let [whole, large] = &values;
        let cut = |value: &Bytes| value.slice(..value.len() - 1);
        for value in [cut(whole), whole.slice(5..), whole.slice(..whole.len() / 2), cut(large)] {
            let mut record =
                bare(&self.world, &contracts::Topic::Intake(Lane::Bulk), Some(name.as_bytes()), Some(value));
            record.headers.push("ce_subject", name.clone());
            record.headers.push(name.clone(), "header");
            record.headers.push(KEY_ID, name.clone());
            record.headers.push(SIGNATURE, name.clone());
            self.feed.send(record).expect("sent");
        }
        self.feed.commit();
    }

    /// An operator decides a review and leaves the other, cancels what failed for good, replays a letter and discards another.
    fn decide(&mut self) {
        let mut commands: Vec<(String, CommandTarget, CommandAction, Option<Verdict>)> = Vec::new();
        let mut of_request = |request_id: RequestId, action, verdict| {
            commands.push((request_id.to_string(), CommandTarget::RequestTarget { request_id }, action, verdict));
        };
        let events = events(&self.world);
        let review = events.iter().find(|event| matches!(event.body, EventBody::ReviewOpened { .. }));
        let review = review.expect("a review").request_id;
        // The second of them is too late where one is enough.
        for verdict in [Verdict::Look {}, Verdict::IsNobody {}] {
            of_request(review, CommandAction::DecideReview, Some(verdict));
        }
        for event in &events {
            if let EventBody::ExceptionRaised { code: Code::AttemptsExhausted, .. } = event.body {
                of_request(event.request_id, CommandAction::Cancel, None);
            }
        }
        let actions = [CommandAction::ReplayLetter, CommandAction::DiscardLetter].into_iter().cycle();
        for (letter, action) in letters(&self.world).into_iter().zip(actions) {
            let target = CommandTarget::LetterTarget { letter_id: letter.letter_id };
            commands.push((letter.signature.to_string(), target, action, None));
        }
        for (key, target, action, verdict) in commands {
            self.feed.command(&self.world, &key, (target, action, verdict));
        }
        self.feed.commit();
    }
}
