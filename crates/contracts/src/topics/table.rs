//! The topic table.

use domain::Stage;

use crate::subject::Subject;

/// A family of topics.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its name without prefix, with the varying part in braces.
    pub pattern: &'static str,
    /// What the record key is.
    pub key: &'static str,
    /// Which values are legal.
    pub subjects: &'static [Subject],
    /// What it shares its partition count with.
    pub spread: Spread,
    /// What becomes of old records.
    pub cleanup: Cleanup,
    /// How its readers read it.
    pub reading: Reading,
    /// Who writes it.
    pub writers: &'static [Party],
    /// Who reads it.
    pub readers: &'static [Party],
}

/// Which partition count a topic has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Spread {
    /// The count of the topics keyed by request, letter or member: a worker finds its memory beside its input.
    Requests,
    /// The count of the topics keyed by partner and bucket.
    Partners,
    /// One partition: few records, whose order matters as a whole.
    Single,
}

/// What becomes of old records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cleanup {
    /// Kept for ever.
    Keep,
    /// Deleted after so many days.
    Delete {
        /// The retention.
        days: u32,
    },
    /// The newest record of each key is kept.
    Compact,
    /// Compacted, and deleted after so many days.
    CompactDelete {
        /// The retention.
        days: u32,
    },
}

/// How a topic is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reading {
    /// Record by record; offsets are committed.
    Stream,
    /// Whole, by everyone who reads it, to hold it as a table.
    Table,
    /// Whole, by the worker whose memory it is, when it takes over a partition.
    Changelog,
}

/// Who writes or reads a topic; access rights follow from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Party {
    /// Upstream systems that submit.
    Upstream,
    /// The upstream system the topic belongs to.
    Source,
    /// The system that keeps enrolment.
    Enrolment,
    /// The HTTP doors, for submissions and for partners' callbacks.
    Gateway,
    /// The operations pages.
    Console,
    /// The command line.
    CommandLine,
    /// One of the five workers.
    Worker(Stage),
    /// The worker the topic belongs to.
    ItsWorker,
    /// The projections.
    Projections,
    /// The ledger.
    Ledger,
    /// Whoever verifies the log.
    Verifiers,
}

const INTAKE_WORKER: Party = Party::Worker(Stage::Intake);
const IDENTITY_WORKER: Party = Party::Worker(Stage::Identity);
const DISPATCH_WORKER: Party = Party::Worker(Stage::Dispatch);
const RECONCILIATION_WORKER: Party = Party::Worker(Stage::Reconciliation);
const TRIAGE_WORKER: Party = Party::Worker(Stage::Triage);
const WORKERS: &[Party] = &[INTAKE_WORKER, IDENTITY_WORKER, DISPATCH_WORKER, RECONCILIATION_WORKER, TRIAGE_WORKER];

/// All rows.
pub const TABLE: [&Row; 14] = [
    &INTAKE,
    &IDENTITY,
    &DISPATCH,
    &PARTNER_MESSAGES,
    &COMMANDS,
    &EVENTS,
    &OUTCOMES,
    &DEAD_LETTERS,
    &MEMBERS,
    &POLICIES,
    &GUARD,
    &REHEARSALS,
    &MEMORY,
    &CHECKPOINTS,
];

// Intake forwards records on the wrong partition to the right one, so it writes its own input; triage replays into any stage.

pub(super) const INTAKE: Row = Row {
    pattern: "intake.{lane}",
    key: "idempotency key, free of PHI or tokenised",
    subjects: &[Subject::IntakeRequest],
    spread: Spread::Requests,
    cleanup: Cleanup::Delete { days: 7 },
    reading: Reading::Stream,
    writers: &[Party::Upstream, Party::Gateway, Party::CommandLine, INTAKE_WORKER, TRIAGE_WORKER],
    readers: &[INTAKE_WORKER],
};

pub(super) const IDENTITY: Row = Row {
    pattern: "identity.{lane}",
    key: "request id; what a caller holds fixed, where an attempt is counted",
    subjects: &[Subject::IdentityWork],
    spread: Spread::Requests,
    cleanup: Cleanup::Delete { days: 7 },
    reading: Reading::Stream,
    writers: &[INTAKE_WORKER, IDENTITY_WORKER, RECONCILIATION_WORKER, TRIAGE_WORKER],
    readers: &[IDENTITY_WORKER, Party::CommandLine],
};

pub(super) const DISPATCH: Row = Row {
    pattern: "dispatch.{lane}",
    key: "partner/bucket",
    subjects: &[Subject::DispatchWork],
    spread: Spread::Partners,
    cleanup: Cleanup::Delete { days: 7 },
    reading: Reading::Stream,
    writers: &[IDENTITY_WORKER, RECONCILIATION_WORKER, TRIAGE_WORKER],
    readers: &[DISPATCH_WORKER],
};

pub(super) const PARTNER_MESSAGES: Row = Row {
    pattern: "partner-messages",
    key: "partner/bucket",
    subjects: &[Subject::PartnerMessage],
    spread: Spread::Partners,
    cleanup: Cleanup::Delete { days: 7 },
    reading: Reading::Stream,
    writers: &[Party::Gateway, TRIAGE_WORKER],
    readers: &[DISPATCH_WORKER],
};

pub(super) const COMMANDS: Row = Row {
    pattern: "commands",
    key: "request id, or the letter's signature",
    subjects: &[Subject::Command],
    spread: Spread::Requests,
    cleanup: Cleanup::Delete { days: 400 },
    reading: Reading::Stream,
    writers: &[Party::Gateway, Party::Console, Party::CommandLine, TRIAGE_WORKER],
    readers: &[RECONCILIATION_WORKER, TRIAGE_WORKER],
};

pub(super) const EVENTS: Row = Row {
    pattern: "events",
    key: "request id",
    subjects: &[Subject::LifecycleEvent],
    spread: Spread::Requests,
    cleanup: Cleanup::Keep,
    reading: Reading::Stream,
    writers: WORKERS,
    readers: &[RECONCILIATION_WORKER, Party::Projections, Party::Ledger, Party::CommandLine],
};

pub(super) const OUTCOMES: Row = Row {
    pattern: "outcomes.{source}",
    key: "request id; submission id where one arrival alone is answered",
    subjects: &[Subject::Outcome],
    spread: Spread::Requests,
    cleanup: Cleanup::CompactDelete { days: 400 },
    reading: Reading::Stream,
    writers: &[INTAKE_WORKER, RECONCILIATION_WORKER],
    readers: &[Party::Source, Party::CommandLine],
};

pub(super) const DEAD_LETTERS: Row = Row {
    pattern: "dead-letters",
    key: "failure signature",
    subjects: &[Subject::DeadLetter],
    spread: Spread::Requests,
    cleanup: Cleanup::Delete { days: 400 },
    reading: Reading::Stream,
    writers: WORKERS,
    readers: &[TRIAGE_WORKER, Party::Projections],
};

pub(super) const MEMBERS: Row = Row {
    pattern: "members",
    key: "member key",
    subjects: &[Subject::MemberRecord],
    spread: Spread::Requests,
    cleanup: Cleanup::Compact,
    reading: Reading::Table,
    writers: &[Party::Enrolment, Party::CommandLine],
    readers: &[IDENTITY_WORKER, Party::CommandLine],
};

pub(super) const POLICIES: Row = Row {
    pattern: "policies",
    key: "policy name",
    subjects: &[Subject::Policy],
    spread: Spread::Single,
    cleanup: Cleanup::Compact,
    reading: Reading::Table,
    writers: &[Party::CommandLine],
    readers: &[
        INTAKE_WORKER,
        IDENTITY_WORKER,
        DISPATCH_WORKER,
        RECONCILIATION_WORKER,
        TRIAGE_WORKER,
        Party::CommandLine,
    ],
};

pub(super) const GUARD: Row = Row {
    pattern: "guard",
    key: "what a caller who guesses holds fixed, tokenised",
    subjects: &[Subject::GuardVerdict],
    spread: Spread::Single,
    cleanup: Cleanup::CompactDelete { days: 7 },
    reading: Reading::Table,
    writers: &[IDENTITY_WORKER],
    readers: &[IDENTITY_WORKER, Party::CommandLine],
};

pub(super) const REHEARSALS: Row = Row {
    pattern: "rehearsals",
    key: "request id",
    subjects: &[Subject::LifecycleEvent, Subject::IdentityWork, Subject::DispatchWork, Subject::Outcome],
    spread: Spread::Requests,
    cleanup: Cleanup::Delete { days: 7 },
    reading: Reading::Stream,
    writers: WORKERS,
    readers: &[Party::CommandLine, TRIAGE_WORKER],
};

pub(super) const MEMORY: Row = Row {
    pattern: "memory.{worker}",
    key: "memory key; its first byte tells the worker's entries from the fleet's",
    subjects: &[
        Subject::MemoryIntake,
        Subject::MemoryIdentity,
        Subject::MemoryDispatch,
        Subject::MemoryReconciliation,
        Subject::MemoryTriage,
        Subject::MemoryFleet,
    ],
    spread: Spread::Requests,
    cleanup: Cleanup::Compact,
    reading: Reading::Changelog,
    writers: &[Party::ItsWorker],
    readers: &[Party::ItsWorker],
};

pub(super) const CHECKPOINTS: Row = Row {
    pattern: "checkpoints",
    key: "log partition",
    subjects: &[],
    spread: Spread::Single,
    cleanup: Cleanup::Keep,
    reading: Reading::Stream,
    writers: &[Party::Ledger],
    readers: &[Party::Verifiers],
};
