//! What the tests start from: a small roster, a claim, and a transparent port for PHI.

use std::sync::Arc;

use bytes::Bytes;
use domain::ids::derive;
use domain::lifecycle::Clocks;
use domain::messages::{Ask, Context, IdentityTask, IdentityWork, Lane, MemberRecord, PayerRole, Workflow};
use domain::partner::{Partner, Registry};
use domain::person::{ConsentPolicy, Coverage, Dossier, MemberClaim, PersonName, RosterMember};
use domain::phi::{Phi, PhiError, Purpose, Sealed};
use domain::worker::Table;
use domain::{
    Decision, ExchangeId, Input, Memory, Message, Moment, Overlay, Poison, Record, RecordId, RequestId, Timestamp,
    Token, Trace, View, Worker,
};

use crate::{Entry, Identity, Key, Policy, Rollout, decide};

/// 2026-03-02T09:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp(1_772_442_000_000);

pub(crate) const REQUEST: RequestId = RequestId([7; 16]);

const PARTNER: &str = r#"
id = "evergreen"
name = "Evergreen Health Plan"
adapter = "rest"
base_url = "https://evergreen.example"
deduplicates = true
status_query = true
completion = "poll"
buckets = 3
limits = { outstanding_max = 9, timeout_ms = 1000 }
retry = { attempts_max = 5, backoff_ms = 100, backoff_ms_max = 5000 }
"#;

/// The deployed policy.
pub(crate) fn policy() -> Policy {
    Policy::parse(include_str!("../../../deploy/policy/identity.toml")).expect("the deployed policy")
}

/// The deployed matching policy.
pub(crate) fn matching_policy() -> matching::Policy {
    matching::Policy::parse(include_str!("../../../deploy/policy/matching.toml")).expect("the deployed policy")
}

/// Identity with one partner and nobody on its roster.
pub(crate) fn identity() -> Identity {
    let partner: Partner = toml::from_str(PARTNER).expect("a partner");
    let partners = Arc::new(Registry::new([partner]).expect("a registry"));
    Identity::new(Rollout::of(policy(), matching_policy()), Clocks::STANDARD, partners, Arc::new(Transparent))
}

/// A claim of this name and birth date.
pub(crate) fn claim(given: &str, family: &str, born: &str) -> MemberClaim {
    let name = PersonName { family: family.into(), given: vec![given.into()], ..PersonName::default() };
    MemberClaim { name, birth_date: Some(born.into()), ..MemberClaim::default() }
}

/// A coverage with our own ids.
pub(crate) fn coverage(member_id: &str, subscriber_id: &str) -> Coverage {
    let id = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Coverage {
        payer: "aurora".into(),
        member_id: id(member_id),
        subscriber_id: id(subscriber_id),
        ..Coverage::default()
    }
}

/// Somebody on the roster.
pub(crate) fn person(member: MemberClaim, coverage: Coverage) -> RosterMember {
    RosterMember { member, coverages: vec![coverage], ..RosterMember::default() }
}

/// What a request says: this member, under this coverage of ours.
pub(crate) fn dossier(member: MemberClaim, coverage: Coverage) -> Dossier {
    Dossier { member, coverage_to_link: Some(coverage), ..Dossier::default() }
}

/// A request for a member's data, due in a week.
pub(crate) fn context() -> Context {
    Context {
        request_id: REQUEST,
        exchange_id: ExchangeId([8; 16]),
        parent_request_id: None,
        source: "enrolment".into(),
        workflow: Workflow::RequestData,
        role: PayerRole::Requester,
        lane: Lane::Standard,
        counterparty: "evergreen".into(),
        consent: ConsentPolicy::Regular,
        due_by: Timestamp(NOW.0 + 7 * 86_400_000),
        consent_end: None,
        correlation_id: None,
    }
}

/// The trace of the `number`-th input.
pub(crate) fn trace(number: u8) -> Trace {
    Trace::root(RecordId([number; 16]))
}

/// A moment for the `number`-th input.
pub(crate) fn moment(number: u8) -> Moment {
    Moment { now: NOW, id: RecordId([number; 16]), trace: trace(number) }
}

/// Identity at work: what each decision remembers, the next one knows.
pub(crate) struct Desk {
    pub(crate) identity: Identity,
    pub(crate) memory: Memory<Key, Entry>,
    pub(crate) inputs: u8,
}

// === impl Desk ===

impl Desk {
    /// With these people on the roster, learnt in this order.
    pub(crate) fn with(people: &[(&str, RosterMember)]) -> Self {
        let mut desk = Self { identity: identity(), memory: Memory::default(), inputs: 0 };
        for (offset, (member_key, member)) in people.iter().enumerate() {
            desk.learn(member_key, Some(member), offset as u64);
        }
        desk
    }

    pub(crate) fn learn(&mut self, member_key: &str, member: Option<&RosterMember>, offset: u64) {
        let message = member.map(|member| {
            let member = Transparent.seal_member(member_key, member).expect("it seals");
            Message::Member(Box::new(MemberRecord { member_key: member_key.into(), member, updated_at: NOW }))
        });
        self.identity.learn((Table::Members, member_key.as_bytes()), message.as_ref(), offset);
    }

    pub(crate) fn resolve(&mut self, dossier: &Dossier) -> Decision<Key, Entry> {
        self.resolve_as(context(), dossier)
    }

    pub(crate) fn resolve_as(&mut self, context: Context, dossier: &Dossier) -> Decision<Key, Entry> {
        let dossier = Transparent.seal_dossier(context.request_id, RecordId::default(), dossier).expect("it seals");
        let ask = Ask { resource_types: vec!["Condition".into()], ..Ask::default() };
        self.take(IdentityWork { context, task: IdentityTask::Resolve { dossier, ask } }).expect("a decision")
    }

    pub(crate) fn order(&mut self, task: IdentityTask) -> Decision<Key, Entry> {
        self.take(IdentityWork { context: context(), task }).expect("a decision")
    }

    /// The entries that a change of this row stirs are looked at.
    pub(crate) fn stir(&mut self, member_key: &str) -> Vec<Decision<Key, Entry>> {
        let keys = self.identity.stirred(Some((Table::Members, member_key.as_bytes())), &self.memory);
        keys.iter().map(|key| self.fire(key, NOW)).collect()
    }

    /// A timer fires.
    pub(crate) fn fire(&mut self, key: &Key, now: Timestamp) -> Decision<Key, Entry> {
        self.inputs += 1;
        let (overlay, moment) = (Overlay::default(), Moment { now, ..moment(self.inputs) });
        let decision = decide(&self.identity, &View::new(&self.memory, &overlay), Input::Timer(key), &moment);
        let decision = decision.expect("a decision");
        for change in decision.remember.clone() {
            self.memory.apply(change);
        }
        decision
    }

    pub(crate) fn take(&mut self, work: IdentityWork) -> Result<Decision<Key, Entry>, Poison> {
        self.take_at(work, NOW)
    }

    pub(crate) fn take_at(&mut self, work: IdentityWork, now: Timestamp) -> Result<Decision<Key, Entry>, Poison> {
        self.inputs += 1;
        let moment = Moment { now, ..moment(self.inputs) };
        let record = Record {
            message: Message::Identity(Box::new(work)),
            lane: Some(Lane::Standard),
            trace: moment.trace,
            signature: None,
            schema_id: 1,
            value: Bytes::new(),
            offset: u64::from(self.inputs),
        };
        let overlay = Overlay::default();
        let decision = decide(&self.identity, &View::new(&self.memory, &overlay), Input::Record(&record), &moment)?;
        for change in decision.remember.clone() {
            self.memory.apply(change);
        }
        Ok(decision)
    }
}

/// Seals by writing JSON bound to its subject, and tokenises by an unkeyed hash.
pub(crate) struct Transparent;

// === impl Transparent ===

impl Phi for Transparent {
    fn seal_dossier(&self, request: RequestId, _: RecordId, dossier: &Dossier) -> Result<Sealed<Dossier>, PhiError> {
        let content = serde_json::to_vec(dossier).map_err(|_| PhiError::Undecodable)?;
        Ok(Sealed::new(request.to_string(), Bytes::new(), content.into()))
    }

    fn open_dossier(&self, request: RequestId, sealed: &Sealed<Dossier>) -> Result<Dossier, PhiError> {
        if sealed.key_id != request.to_string() {
            return Err(PhiError::Forged);
        }
        serde_json::from_slice(&sealed.ciphertext).map_err(|_| PhiError::Undecodable)
    }

    fn seal_member(&self, member_key: &str, member: &RosterMember) -> Result<Sealed<RosterMember>, PhiError> {
        let content = serde_json::to_vec(member).map_err(|_| PhiError::Undecodable)?;
        Ok(Sealed::new(member_key.to_owned(), Bytes::new(), content.into()))
    }

    fn open_member(&self, member_key: &str, sealed: &Sealed<RosterMember>) -> Result<RosterMember, PhiError> {
        if sealed.key_id != member_key {
            return Err(PhiError::Forged);
        }
        serde_json::from_slice(&sealed.ciphertext).map_err(|_| PhiError::Undecodable)
    }

    fn token(&self, purpose: Purpose, parts: &[&[u8]]) -> Token {
        let purpose = format!("{purpose:?}");
        let parts: Vec<&[u8]> = [purpose.as_bytes()].into_iter().chain(parts.iter().copied()).collect();
        Token(derive(&parts))
    }
}
