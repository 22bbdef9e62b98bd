//! Subjects: the things that have a schema. One subject, one Rust type, one folder under `schemas/`.

use std::fmt;

use domain::{Message, Stage};

/// What a value is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Subject {
    /// A submission of an upstream system.
    IntakeRequest,
    /// Work for identity.
    IdentityWork,
    /// Work for dispatch.
    DispatchWork,
    /// A partner's callback.
    PartnerMessage,
    /// A human intent.
    Command,
    /// A fact on the log.
    LifecycleEvent,
    /// What a source hears.
    Outcome,
    /// A record a stage could not decide.
    DeadLetter,
    /// One person on the roster, sealed.
    MemberRecord,
    /// An activated policy.
    Policy,
    /// What a work item seals.
    Dossier,
    /// What a member record seals.
    RosterMember,
    /// An entry of intake's memory.
    MemoryIntake,
    /// An entry of identity's memory.
    MemoryIdentity,
    /// An entry of dispatch's memory.
    MemoryDispatch,
    /// An entry of reconciliation's memory.
    MemoryReconciliation,
    /// An entry of triage's memory.
    MemoryTriage,
    /// An entry the fleet itself keeps in a worker's memory topic.
    MemoryFleet,
    /// That somebody guesses.
    GuardVerdict,
}

impl Subject {
    /// All subjects, in catalogue order.
    pub const ALL: [Self; 19] = [
        Self::IntakeRequest,
        Self::IdentityWork,
        Self::DispatchWork,
        Self::PartnerMessage,
        Self::Command,
        Self::LifecycleEvent,
        Self::Outcome,
        Self::DeadLetter,
        Self::MemberRecord,
        Self::Policy,
        Self::Dossier,
        Self::RosterMember,
        Self::MemoryIntake,
        Self::MemoryIdentity,
        Self::MemoryDispatch,
        Self::MemoryReconciliation,
        Self::MemoryTriage,
        Self::MemoryFleet,
        Self::GuardVerdict,
    ];

    /// The name of its folder, and what it is called where people read.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IntakeRequest => "intake-request",
            Self::IdentityWork => "identity-work",
            Self::DispatchWork => "dispatch-work",
            Self::PartnerMessage => "partner-message",
            Self::Command => "command",
            Self::LifecycleEvent => "lifecycle-event",
            Self::Outcome => "outcome",
            Self::DeadLetter => "dead-letter",
            Self::MemberRecord => "member-record",
            Self::Policy => "policy",
            Self::GuardVerdict => "guard-verdict",
            Self::Dossier => "dossier",
            Self::RosterMember => "roster-member",
            Self::MemoryIntake => "memory-intake",
            Self::MemoryIdentity => "memory-identity",
            Self::MemoryDispatch => "memory-dispatch",
            Self::MemoryReconciliation => "memory-reconciliation",
            Self::MemoryTriage => "memory-triage",
            Self::MemoryFleet => "memory-fleet",
        }
    }

    /// The name of its schema, which is also that of the subject in a registry: the record's full name or, where the schema is a
    /// union of records and has no name of its own, the namespace they share.
    pub fn schema_name(self) -> &'static str {
        match self {
            Self::IntakeRequest => "waybill.IntakeRequest",
            Self::IdentityWork => "waybill.IdentityWork",
            Self::DispatchWork => "waybill.DispatchWork",
            Self::PartnerMessage => "waybill.PartnerMessage",
            Self::Command => "waybill.Command",
            Self::LifecycleEvent => "waybill.LifecycleEvent",
            Self::Outcome => "waybill.Outcome",
            Self::DeadLetter => "waybill.DeadLetter",
            Self::MemberRecord => "waybill.MemberRecord",
            Self::Policy => "waybill.PolicyRecord",
            Self::GuardVerdict => "waybill.GuardVerdict",
            Self::Dossier => "waybill.Dossier",
            Self::RosterMember => "waybill.RosterMember",
            Self::MemoryIntake => "waybill.memory.intake",
            Self::MemoryIdentity => "waybill.memory.identity",
            Self::MemoryDispatch => "waybill.memory.dispatch",
            Self::MemoryReconciliation => "waybill.memory.reconciliation",
            Self::MemoryTriage => "waybill.memory.triage",
            Self::MemoryFleet => "waybill.memory.fleet",
        }
    }

    /// The subject whose schema has this name.
    pub fn named(schema_name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|subject| subject.schema_name() == schema_name)
    }

    /// The version this build writes. Readers know it and the one before.
    pub fn version(self) -> u32 {
        match self {
            Self::IntakeRequest
            | Self::PartnerMessage
            | Self::DeadLetter
            | Self::MemberRecord
            | Self::Policy
            | Self::GuardVerdict
            | Self::Dossier
            | Self::MemoryIntake
            | Self::MemoryTriage
            | Self::MemoryFleet => 1,
            Self::DispatchWork | Self::Outcome | Self::RosterMember | Self::MemoryDispatch => 2,
            Self::Command | Self::IdentityWork => 3,
            Self::MemoryIdentity => 4,
            Self::LifecycleEvent => 5,
            Self::MemoryReconciliation => 6,
        }
    }

    /// The subject of a message.
    pub fn of(message: &Message) -> Self {
        match message {
            Message::Intake(_) => Self::IntakeRequest,
            Message::Identity(_) => Self::IdentityWork,
            Message::Dispatch(_) => Self::DispatchWork,
            Message::Partner(_) => Self::PartnerMessage,
            Message::Command(_) => Self::Command,
            Message::Event(_) => Self::LifecycleEvent,
            Message::Outcome(_) => Self::Outcome,
            Message::Letter(_) => Self::DeadLetter,
            Message::Member(_) => Self::MemberRecord,
            Message::Policy(_) => Self::Policy,
            Message::Guard(_) => Self::GuardVerdict,
        }
    }

    /// The subject of a worker's memory entries.
    pub fn memory(stage: Stage) -> Self {
        match stage {
            Stage::Intake => Self::MemoryIntake,
            Stage::Identity => Self::MemoryIdentity,
            Stage::Dispatch => Self::MemoryDispatch,
            Stage::Reconciliation => Self::MemoryReconciliation,
            Stage::Triage => Self::MemoryTriage,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
