//! Topics: where every message goes, under which key, and how long it stays. One table; `waybill topics apply` makes them, and
//! [`access`] says who may do what with them.

pub mod access;
mod table;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use domain::ids::uuid_text;
use domain::worker::{Destination, Table};
use domain::{Lane, SourceId, Stage, Token};

use crate::subject::Subject;
pub use table::{Cleanup, Party, Reading, Row, Spread, TABLE};

/// A topic.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Topic {
    /// `intake.{lane}`
    Intake(Lane),
    /// `identity.{lane}`
    Identity(Lane),
    /// `dispatch.{lane}`
    Dispatch(Lane),
    /// `partner-messages`
    PartnerMessages,
    /// `commands`
    Commands,
    /// `events`
    Events,
    /// `outcomes.{source}`
    Outcomes(SourceId),
    /// `dead-letters`
    DeadLetters,
    /// `members`
    Members,
    /// `policies`
    Policies,
    /// `guard`
    Guard,
    /// `rehearsals`
    Rehearsals,
    /// `memory.{worker}`
    Memory(Stage),
    /// `checkpoints`
    Checkpoints,
}

/// The topics of a deployment: their prefix, their names, their partition counts. Clones share the names.
#[derive(Clone, Debug)]
pub struct Topics {
    prefix: Arc<str>,
    partitions: u32,
    names: Arc<Names>,
}

/// The fixed topics' names, both ways.
#[derive(Debug)]
struct Names {
    of: BTreeMap<Topic, Arc<str>>,
    topic: BTreeMap<Arc<str>, Topic>,
    /// The names of outcomes' topics that were asked for: there are as many as sources.
    outcomes: RwLock<BTreeMap<SourceId, Arc<str>>>,
}

// === impl Topic ===

impl Topic {
    /// Every topic but those of sources, in the order of the table.
    pub fn fixed() -> impl Iterator<Item = Self> {
        let lanes = |topic: fn(Lane) -> Self| Lane::ALL.into_iter().map(topic);
        lanes(Self::Intake)
            .chain(lanes(Self::Identity))
            .chain(lanes(Self::Dispatch))
            .chain([Self::PartnerMessages, Self::Commands, Self::Events, Self::DeadLetters])
            .chain([Self::Members, Self::Policies, Self::Guard, Self::Rehearsals])
            .chain(Stage::ALL.into_iter().map(Self::Memory))
            .chain([Self::Checkpoints])
    }

    /// What a worker consumes as a member of its group. Of a stage's lanes the most urgent comes first.
    pub fn inputs(stage: Stage) -> Vec<Self> {
        match stage {
            Stage::Intake => Lane::ALL.map(Self::Intake).into(),
            Stage::Identity => Lane::ALL.map(Self::Identity).into(),
            Stage::Dispatch => [Self::PartnerMessages].into_iter().chain(Lane::ALL.map(Self::Dispatch)).collect(),
            Stage::Reconciliation => vec![Self::Commands, Self::Events],
            Stage::Triage => vec![Self::Commands, Self::DeadLetters],
        }
    }

    /// The shared tables a worker reads whole, beside its inputs.
    pub fn tables(stage: Stage) -> Vec<Self> {
        match stage {
            Stage::Identity => vec![Self::Members, Self::Policies, Self::Guard],
            Stage::Intake | Stage::Dispatch | Stage::Reconciliation | Stage::Triage => vec![Self::Policies],
        }
    }

    /// The table it is to a worker that reads it whole.
    pub fn table(&self) -> Option<Table> {
        match self {
            Self::Members => Some(Table::Members),
            Self::Policies => Some(Table::Policies),
            Self::Guard => Some(Table::Guard),
            Self::Intake(_)
            | Self::Identity(_)
            | Self::Dispatch(_)
            | Self::PartnerMessages
            | Self::Commands
            | Self::Events
            | Self::Outcomes(_)
            | Self::DeadLetters
            | Self::Rehearsals
            | Self::Memory(_)
            | Self::Checkpoints => None,
        }
    }

    /// Its row of the table.
    pub fn row(&self) -> &'static Row {
        match self {
            Self::Intake(_) => &table::INTAKE,
            Self::Identity(_) => &table::IDENTITY,
            Self::Dispatch(_) => &table::DISPATCH,
            Self::PartnerMessages => &table::PARTNER_MESSAGES,
            Self::Commands => &table::COMMANDS,
            Self::Events => &table::EVENTS,
            Self::Outcomes(_) => &table::OUTCOMES,
            Self::DeadLetters => &table::DEAD_LETTERS,
            Self::Members => &table::MEMBERS,
            Self::Policies => &table::POLICIES,
            Self::Guard => &table::GUARD,
            Self::Rehearsals => &table::REHEARSALS,
            Self::Memory(_) => &table::MEMORY,
            Self::Checkpoints => &table::CHECKPOINTS,
        }
    }

    /// Whether values of a subject are legal here.
    pub fn holds(&self, subject: Subject) -> bool {
        match self {
            Self::Memory(stage) => subject == Subject::memory(*stage) || subject == Subject::MemoryFleet,
            Self::Intake(_)
            | Self::Identity(_)
            | Self::Dispatch(_)
            | Self::PartnerMessages
            | Self::Commands
            | Self::Events
            | Self::Outcomes(_)
            | Self::DeadLetters
            | Self::Members
            | Self::Policies
            | Self::Guard
            | Self::Rehearsals
            | Self::Checkpoints => self.row().subjects.contains(&subject),
        }
    }

    /// The lane, where the topic has one.
    pub fn lane(&self) -> Option<Lane> {
        match self {
            Self::Intake(lane) | Self::Identity(lane) | Self::Dispatch(lane) => Some(*lane),
            Self::PartnerMessages
            | Self::Commands
            | Self::Events
            | Self::Outcomes(_)
            | Self::DeadLetters
            | Self::Members
            | Self::Policies
            | Self::Guard
            | Self::Rehearsals
            | Self::Memory(_)
            | Self::Checkpoints => None,
        }
    }

    /// Its name without the deployment's prefix.
    fn suffix(&self) -> String {
        let pattern = self.row().pattern;
        let family = pattern.split('.').next().unwrap_or(pattern);
        match self {
            Self::Intake(lane) | Self::Identity(lane) | Self::Dispatch(lane) => format!("{family}.{}", lane.as_str()),
            Self::Outcomes(source) => format!("{family}.{source}"),
            Self::Memory(stage) => format!("{family}.{}", stage.as_str()),
            Self::PartnerMessages
            | Self::Commands
            | Self::Events
            | Self::DeadLetters
            | Self::Members
            | Self::Policies
            | Self::Guard
            | Self::Rehearsals
            | Self::Checkpoints => family.to_owned(),
        }
    }
}

// === impl Topics ===

impl Topics {
    /// The topics under a prefix such as `waybill.`. `partitions` is the count that request and partner topics share, chosen once.
    pub fn new(prefix: &str, partitions: u32) -> Self {
        let name = |topic: Topic| {
            let name = format!("{prefix}{}", topic.suffix()).into();
            (topic, name)
        };
        let of: BTreeMap<Topic, Arc<str>> = Topic::fixed().map(name).collect();
        let topic = of.iter().map(|(topic, name)| (Arc::clone(name), topic.clone())).collect();
        Self { prefix: prefix.into(), partitions, names: Arc::new(Names { of, topic, outcomes: RwLock::default() }) }
    }

    /// The full name of a topic.
    pub fn name(&self, topic: &Topic) -> Arc<str> {
        let Topic::Outcomes(source) = topic else {
            return self.names.of.get(topic).cloned().unwrap_or_else(|| self.spelt(topic));
        };
        let known = self.names.outcomes.read().unwrap_or_else(PoisonError::into_inner).get(source).cloned();
        known.unwrap_or_else(|| {
            let mut names = self.names.outcomes.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(names.entry(source.clone()).or_insert_with(|| self.spelt(topic)))
        })
    }

    fn spelt(&self, topic: &Topic) -> Arc<str> {
        format!("{}{}", self.prefix, topic.suffix()).into()
    }

    /// The topic of a full name; none if it is none of ours.
    pub fn parse(&self, name: &str) -> Option<Topic> {
        let outcomes = || {
            let source = name.strip_prefix(&*self.prefix)?.strip_prefix("outcomes.")?;
            (!source.is_empty()).then(|| Topic::Outcomes(source.into()))
        };
        self.names.topic.get(name).cloned().or_else(outcomes)
    }

    /// How many partitions a topic has.
    pub fn partitions(&self, topic: &Topic) -> u32 {
        match topic.row().spread {
            Spread::Requests | Spread::Partners => self.partitions,
            Spread::Single => 1,
        }
    }
}

// === keys ===

/// The topic and record key of a forwarded message.
pub fn address(to: &Destination) -> (Topic, Bytes) {
    match to {
        Destination::Identity(lane, request) => (Topic::Identity(*lane), id_key(&request.0)),
        Destination::Dispatch(lane, route) => (Topic::Dispatch(*lane), route.key().into()),
        Destination::Outcomes(source, id) => (Topic::Outcomes(source.clone()), id_key(id)),
        Destination::Tally(lane, fixed) => (Topic::Identity(*lane), guard_key(*fixed)),
        Destination::Guard(fixed) => (Topic::Guard, guard_key(*fixed)),
    }
}

/// What a caller holds fixed as a record key. It must not read as a request's id.
fn guard_key(fixed: Token) -> Bytes {
    [b"guard-", &uuid_text(&fixed.0)[..]].concat().into()
}

/// An id as a record key: the 36 characters of its UUID, so that every Kafka tool shows it.
pub fn id_key(id: &[u8; 16]) -> Bytes {
    Bytes::copy_from_slice(&uuid_text(id))
}

#[cfg(test)]
mod tests;
