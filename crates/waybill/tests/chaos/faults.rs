//! What befalls a fleet, in an order that follows from a seed.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The workers.
pub(crate) const ROLES: [&str; 5] = ["intake", "identity", "dispatch", "reconciliation", "triage"];
/// How many brokers there are.
const BROKERS: usize = 3;

/// Something that befalls a fleet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Fault {
    /// A worker's process ends by SIGKILL and is started again.
    Kill {
        /// Which worker.
        role: &'static str,
        /// Which of its two processes.
        second: bool,
    },
    /// A worker's process stands still for longer than its session lasts, then wakes.
    Freeze {
        /// Which worker.
        role: &'static str,
    },
    /// A broker ends by SIGKILL and comes back.
    KillBroker(usize),
    /// The database ends and comes back.
    RestartPostgres,
    /// The registry can't be reached for a while.
    CutRegistry,
    /// No partner can be reached for a while.
    CutPartners,
    /// Every process is told to end, one after the other, and its successor takes over.
    RollingRestart,
}

/// The kinds of faults of a seed, without end: each kind comes round before any comes again.
pub(crate) struct Schedule {
    seed: u64,
    count: u64,
    round: Vec<u64>,
    /// What the names of all kinds begin with: nothing, for every kind.
    only: String,
}

const KINDS: u64 = 7;

// === impl Fault ===

impl Fault {
    /// What kind it is, for tables.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Kill { .. } => "worker killed",
            Self::Freeze { .. } => "worker frozen, woken",
            Self::KillBroker(_) => "broker killed",
            Self::RestartPostgres => "Postgres restarted",
            Self::CutRegistry => "registry cut off",
            Self::CutPartners => "partners cut off",
            Self::RollingRestart => "rolling restart",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill { role, second } => {
                write!(f, "{}: {role}, {}", self.kind(), if *second { "second" } else { "first" })
            }
            Self::Freeze { role } => write!(f, "{}: {role}", self.kind()),
            Self::KillBroker(number) => write!(f, "{}: {number}", self.kind()),
            Self::RestartPostgres | Self::CutRegistry | Self::CutPartners | Self::RollingRestart => {
                f.write_str(self.kind())
            }
        }
    }
}

// === impl Schedule ===

impl Schedule {
    /// That of a seed; of the kinds alone whose names begin like this.
    pub(crate) fn new(seed: u64, only: &str) -> Self {
        Self { seed, count: 0, round: Vec::new(), only: only.to_owned() }
    }

    /// A number below `bound` that follows from the seed.
    fn draw(&mut self, bound: usize) -> usize {
        let mut hasher = DefaultHasher::new();
        self.count += 1;
        (self.seed, self.count).hash(&mut hasher);
        usize::try_from(hasher.finish() % bound as u64).expect("below a bound")
    }

    /// The next of all kinds.
    fn any(&mut self) -> Fault {
        if self.round.is_empty() {
            self.round = (0..KINDS).collect();
        }
        let place = self.draw(self.round.len());
        // Triage, the last, has next to nothing to do: that it is served again could not be seen.
        let role = ROLES[self.draw(ROLES.len() - 1)];
        match self.round.remove(place) {
            0 => Fault::Kill { role, second: self.draw(2) == 1 },
            1 => Fault::Freeze { role },
            2 => Fault::KillBroker(1 + self.draw(BROKERS)),
            3 => Fault::RestartPostgres,
            4 => Fault::CutRegistry,
            5 => Fault::CutPartners,
            _ => Fault::RollingRestart,
        }
    }
}

impl Iterator for Schedule {
    type Item = Fault;

    fn next(&mut self) -> Option<Fault> {
        // A name that nothing begins with ends the schedule at once.
        for _ in 0..2 * KINDS {
            let fault = self.any();
            if fault.kind().starts_with(&self.only) {
                return Some(fault);
            }
        }
        None
    }
}
