//! What goes wrong in a run, as data: each fault has a name, a victim and a time, so that it can be counted, left out, and told.

use std::fmt;

use domain::messages::Stage;
use fleet::probe::Point;

use crate::bus::Step;
use crate::chance::Chance;

/// Everything that goes wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan(pub Vec<Fault>);

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Once the fleet has tried to commit so often. What needs its victim at some place waits until it comes there.
    pub after: u32,
    /// What.
    pub kind: Kind,
}

/// A process of the fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Who {
    /// Its worker's stage.
    pub stage: Stage,
    /// Which of the stage's processes.
    pub number: usize,
}

/// Where in its turn a process is when it is struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// At a named point of the turn.
    At(Point),
    /// In the middle of its transaction.
    In(Step),
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A process ends without a word, and is started again.
    Crash { who: Who, place: Place, down_ms: u32 },
    /// A process sleeps: it sends no heartbeats, and goes on later as if nothing had been.
    Pause { who: Who, place: Place, span_ms: u32 },
    /// A process sleeps for so long that another one is started under its name.
    Replace { who: Who, place: Place, span_ms: u32 },
    /// The brokers abort a commit.
    Abort { who: Who },
    /// A commit succeeds, and its answer is lost.
    Unheard { who: Who },
    /// A commit is lost on its way, and so is the answer.
    Lost { who: Who },
    /// A third process joins a stage and leaves it soon: two rebalances in a row.
    Visit { stage: Stage, span_ms: u32 },
    /// The processes of a stage are replaced by another version each.
    Upgrade { stage: Stage },
    /// All processes of a stage are gone for so long: what they should read piles up, and clocks run out meanwhile.
    Halt { stage: Stage, span_ms: u32 },
    /// A version comes to a stage that can't decide some requests' records, and is mended after so long.
    Flaw { stage: Stage, span_ms: u32 },
    /// Somebody sets the wall clock of a process's machine.
    Jump { who: Who, to_ms: i32 },
    /// The brokers have no room.
    Full { span_ms: u32 },
    /// The brokers can't be reached.
    Unreachable { span_ms: u32 },
    /// Commits are told before their markers are written.
    SlowMarkers { span_ms: u32 },
    /// A payer can't be reached.
    Outage { payer: usize, span_ms: u32 },
    /// A record that nobody can read comes to one of the fleet's own topics.
    Poison { topic: usize },
}

/// Where a process can be struck in its turn.
pub const PLACES: [Place; 7] = [
    Place::In(Step::Sending),
    Place::At(Point::BeforeCommit),
    Place::At(Point::BeforeAnswersCommit),
    Place::In(Step::Committing),
    Place::In(Step::Committed),
    Place::At(Point::BeforeCalls),
    Place::At(Point::AfterCalls),
];
/// How many processes each stage has, a visitor left out.
pub const PROCESSES: usize = 2;

// === impl Plan ===

impl Plan {
    /// The plan of a seed, for a run of about so many commits.
    pub fn of(seed: u64, commits: u32) -> Self {
        let chance = Chance::new(seed ^ 0x91a7_f00d);
        let count = 4 + chance.below(16);
        let within = commits.max(1) as usize;
        let fault = |_| Fault { after: u32::try_from(chance.below(within)).expect("few"), kind: Kind::drawn(&chance) };
        let mut faults: Vec<Fault> = (0..count).map(fault).collect();
        if !seed.is_multiple_of(2) {
            let chance = Chance::new(seed ^ 0x0dd5_0f17);
            let victims: Vec<(u32, Stage)> =
                faults.iter().filter_map(|fault| Some((fault.after, fault.kind.victim()?.0.stage))).collect();
            faults.extend(victims.into_iter().filter_map(|(after, stage)| in_company(&chance, after, stage)));
        }
        faults.sort_by_key(|fault| fault.after);
        // What can't be committed three times, alone, becomes a letter, and rightly.
        let mut aborts: Vec<Who> = Vec::new();
        faults.retain(|fault| match fault.kind {
            Kind::Abort { who } => {
                aborts.push(who);
                aborts.iter().filter(|aborted| **aborted == who).count() < 3
            }
            _ => true,
        });
        Self(faults)
    }
}

/// What goes wrong with a stage that has something go wrong already: that misfortunes come together is rare by chance alone, and what
/// hands partitions on while their last holder sleeps is where most can be lost.
fn in_company(chance: &Chance, after: u32, stage: Stage) -> Option<Fault> {
    let soon = |within| u32::try_from(chance.below(within)).expect("few");
    let who = Who { stage, number: chance.below(PROCESSES) };
    let place = drawn_place(chance, stage);
    let kind = match chance.below(20) {
        0..6 => Kind::Visit { stage, span_ms: chance.pick(&[0, 2_000, 40_000]) + soon(900) },
        6..8 => Kind::Crash { who, place, down_ms: chance.pick(&[100, 3_000, 15_000]) + soon(900) },
        8..10 => Kind::Pause { who, place, span_ms: chance.pick(&[8_500, 12_000, 25_000]) + soon(900) },
        10..11 => Kind::Replace { who, place, span_ms: chance.pick(&[3_000, 12_000, 25_000]) + soon(900) },
        11..12 => Kind::Upgrade { stage },
        _ => return None,
    };
    Some(Fault { after: after + soon(8), kind })
}

// === impl Kind ===

impl Kind {
    fn drawn(chance: &Chance) -> Self {
        let who = Who { stage: drawn_stage(chance), number: chance.below(PROCESSES) };
        let place = drawn_place(chance, who.stage);
        let span = |of: &[u32]| chance.pick(of) + u32::try_from(chance.below(900)).expect("small");
        match chance.below(100) {
            0..24 => Self::Crash { who, place, down_ms: span(&[100, 3_000, 15_000]) },
            24..31 => Self::Pause { who, place, span_ms: span(&[1_000, 8_500, 12_000, 25_000]) },
            31..38 => {
                // The worst moment to fall asleep: with an answer in hand that others will take for lost.
                let (stage, place) = (Stage::Dispatch, Place::At(Point::BeforeAnswersCommit));
                Self::Pause { who: Who { stage, ..who }, place, span_ms: span(&[12_000, 25_000]) }
            }
            38..44 => Self::Replace { who, place, span_ms: span(&[3_000, 12_000, 25_000]) },
            44..50 => Self::Abort { who },
            50..58 => Self::Unheard { who },
            58..63 => Self::Lost { who },
            63..69 => Self::Visit { stage: who.stage, span_ms: span(&[0, 2_000, 40_000]) },
            69..72 => Self::Upgrade { stage: who.stage },
            72..75 => Self::Halt { stage: who.stage, span_ms: span(&[30_000, 3_700_000, 15_000_000]) },
            75..77 => {
                let stage = chance.pick(&[Stage::Identity, Stage::Dispatch, Stage::Dispatch, Stage::Reconciliation]);
                Self::Flaw { stage, span_ms: span(&[1_000, 60_000, 7_200_000]) }
            }
            77..80 => Self::Jump { who, to_ms: chance.pick(&[-90_000, -3_000, 4_000, 120_000]) },
            80..84 => Self::Full { span_ms: span(&[1_000, 60_000]) },
            84..88 => Self::Unreachable { span_ms: span(&[500, 6_000, 30_000]) },
            88..92 => Self::SlowMarkers { span_ms: span(&[5_000, 60_000]) },
            92..97 => Self::Outage { payer: chance.below(8), span_ms: span(&[20_000, 3_600_000, 14_400_000]) },
            _ => Self::Poison { topic: chance.below(POISONED) },
        }
    }

    /// Its name, under which it is counted.
    pub fn name(&self) -> String {
        match self {
            Self::Crash { place, .. } => format!("crash {place}"),
            Self::Pause { place, .. } => format!("pause {place}"),
            Self::Replace { place, .. } => format!("replaced {place}"),
            Self::Abort { .. } => "commit aborted".to_owned(),
            Self::Unheard { .. } => "commit's answer lost".to_owned(),
            Self::Lost { .. } => "commit lost".to_owned(),
            Self::Visit { .. } => "two rebalances in a row".to_owned(),
            Self::Upgrade { .. } => "rolling upgrade".to_owned(),
            Self::Halt { .. } => "whole stage down".to_owned(),
            Self::Flaw { .. } => "flawed version".to_owned(),
            Self::Jump { .. } => "clock set".to_owned(),
            Self::Full { .. } => "brokers full".to_owned(),
            Self::Unreachable { .. } => "brokers unreachable".to_owned(),
            Self::SlowMarkers { .. } => "markers late".to_owned(),
            Self::Outage { .. } => "payer unreachable".to_owned(),
            Self::Poison { .. } => "poison record".to_owned(),
        }
    }

    /// The process it strikes in its turn, and where; none of those that strike the world.
    pub fn victim(&self) -> Option<(Who, Option<Place>)> {
        match *self {
            Self::Crash { who, place, .. } | Self::Pause { who, place, .. } | Self::Replace { who, place, .. } => {
                Some((who, Some(place)))
            }
            Self::Abort { who } | Self::Unheard { who } | Self::Lost { who } => Some((who, None)),
            Self::Visit { .. }
            | Self::Upgrade { .. }
            | Self::Halt { .. }
            | Self::Flaw { .. }
            | Self::Jump { .. }
            | Self::Full { .. }
            | Self::Unreachable { .. }
            | Self::SlowMarkers { .. }
            | Self::Outage { .. }
            | Self::Poison { .. } => None,
        }
    }

    /// The stage it is about.
    pub fn stage(&self) -> &'static str {
        match self {
            Self::Visit { stage, .. }
            | Self::Upgrade { stage }
            | Self::Halt { stage, .. }
            | Self::Flaw { stage, .. } => stage.as_str(),
            Self::Jump { who, .. } => who.stage.as_str(),
            other => other.victim().map_or("all", |(who, _)| who.stage.as_str()),
        }
    }
}

/// How many topics poison may come to.
pub const POISONED: usize = 4;

/// Stages that talk to partners and decide ends have most to lose.
fn drawn_stage(chance: &Chance) -> Stage {
    use Stage::{Dispatch, Identity, Intake, Reconciliation, Triage};
    chance.pick(&[
        Intake,
        Intake,
        Identity,
        Identity,
        Dispatch,
        Dispatch,
        Dispatch,
        Dispatch,
        Reconciliation,
        Reconciliation,
        Triage,
    ])
}

/// Calls and answers are dispatch's alone.
fn drawn_place(chance: &Chance, stage: Stage) -> Place {
    loop {
        let place = chance.pick(&PLACES);
        let is_of_calls = matches!(place, Place::At(Point::BeforeAnswersCommit | Point::AfterCalls));
        if !is_of_calls || stage == Stage::Dispatch {
            return place;
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::At(Point::BeforeCommit) => "before its commit",
            Self::At(Point::BeforeAnswersCommit) => "before it commits answers",
            Self::At(Point::BeforeCalls) => "between commit and calls",
            Self::At(Point::AfterCalls) => "between call and answer",
            Self::In(Step::Sending) => "inside its transaction",
            Self::In(Step::Committing) => "while it commits",
            Self::In(Step::Committed) => "as it hears of its commit",
        })
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.stage.as_str(), self.number + 1)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after {:>3} commits: {}", self.after, self.kind.name())?;
        match self.kind {
            Kind::Crash { who, down_ms, .. } => write!(f, ": {who}, down for {down_ms} ms"),
            Kind::Pause { who, span_ms, .. } | Kind::Replace { who, span_ms, .. } => {
                write!(f, ": {who}, for {span_ms} ms")
            }
            Kind::Abort { who } | Kind::Unheard { who } | Kind::Lost { who } => write!(f, ": {who}"),
            Kind::Visit { stage, span_ms } | Kind::Halt { stage, span_ms } | Kind::Flaw { stage, span_ms } => {
                write!(f, ": {}, for {span_ms} ms", stage.as_str())
            }
            Kind::Upgrade { stage } => write!(f, ": {}", stage.as_str()),
            Kind::Jump { who, to_ms } => write!(f, ": {who}, wrong by {to_ms} ms"),
            Kind::Full { span_ms } | Kind::Unreachable { span_ms } | Kind::SlowMarkers { span_ms } => {
                write!(f, ": for {span_ms} ms")
            }
            Kind::Outage { payer, span_ms } => write!(f, ": number {payer}, for {span_ms} ms"),
            Kind::Poison { topic } => write!(f, ": topic {topic}"),
        }
    }
}
