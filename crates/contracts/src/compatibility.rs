//! Which versions of a subject must be able to read each other. A registry is told so, and then refuses what would break it.

use std::fmt;

use crate::subject::Subject;

/// What a registry holds new versions of a subject to, by its names for it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Compatibility {
    /// Every version reads what any other has written, older or newer.
    FullTransitive,
    /// Every version reads what any older one has written.
    BackwardTransitive,
}

impl Compatibility {
    /// As registries spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FullTransitive => "FULL_TRANSITIVE",
            Self::BackwardTransitive => "BACKWARD_TRANSITIVE",
        }
    }
}

impl fmt::Display for Compatibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Subject {
    /// What its versions owe each other.
    ///
    /// - **Events** tell what has happened to whoever listens, and are kept long: facts, outcomes, dead letters. Sources, auditors
    ///   and other people's tools read them, which are not ours to upgrade first: an old reader has to read a new writer, and a new
    ///   reader what was written years ago.
    /// - **Work** asks for something, tells what our workers have to know, or is a memory. Its readers are our own workers, which are
    ///   rolled out before the first writer of a version. They have to read every older writer; an older reader may be left behind,
    ///   and so work may gain kinds.
    pub fn compatibility(self) -> Compatibility {
        match self {
            Self::LifecycleEvent | Self::Outcome | Self::DeadLetter => Compatibility::FullTransitive,
            Self::IntakeRequest
            | Self::IdentityWork
            | Self::DispatchWork
            | Self::PartnerMessage
            | Self::Command
            | Self::MemberRecord
            | Self::Policy
            | Self::GuardVerdict
            | Self::Dossier
            | Self::RosterMember
            | Self::MemoryIntake
            | Self::MemoryIdentity
            | Self::MemoryDispatch
            | Self::MemoryReconciliation
            | Self::MemoryTriage
            | Self::MemoryFleet => Compatibility::BackwardTransitive,
        }
    }
}
