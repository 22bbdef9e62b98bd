//! Who may do what on brokers that ask: the grants each role needs, derived from the topic table.
//!
//! [`grants`] says them, [`commands`] writes them as arguments of Kafka's own tool, which an administrator runs. Kafka lets whoever
//! may read or write also describe, so describing is granted only where nothing else is. No grant on the cluster is needed: who may
//! write under a transactional id is given an idempotent producer with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use domain::{SourceId, Stage};
use serde::{Serialize, Serializer};

use super::table::{OUTCOMES, Party};
use super::{Topic, Topics};

/// Somebody with credentials of their own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Role {
    /// One of the five workers.
    Worker(Stage),
    /// An upstream system. If it reads its outcomes as a group, that is called `source.` and its id, after the deployment's prefix.
    Source(SourceId),
    /// The system that keeps enrolment.
    Enrolment,
    /// The HTTP doors.
    Gateway,
    /// The operations pages.
    Console,
    /// The command line, and the process that answers it.
    CommandLine,
    /// The projections.
    Projections,
    /// The ledger.
    Ledger,
    /// Whoever verifies the log.
    Verifiers,
    /// Whoever makes the topics, and writes none.
    Administrator,
}

/// That a role may do something.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Grant {
    /// Who.
    pub role: Role,
    /// On what kind of thing.
    pub resource: Resource,
    /// Its name, or how its name begins.
    pub name: String,
    /// Which of the two.
    pub pattern: Pattern,
    /// What.
    pub operation: Operation,
}

/// A kind of thing that is guarded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resource {
    /// A topic.
    Topic,
    /// A consumer group.
    Group,
    /// A transactional id.
    TransactionalId,
}

/// How a name is meant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pattern {
    /// This one.
    Literal,
    /// All that begin with it.
    Prefixed,
}

/// What is done to a thing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// Reading a topic; being a member of a group and committing its offsets.
    Read,
    /// Writing to a topic, or under a transactional id.
    Write,
    /// Making a topic.
    Create,
    /// Seeing that it is there, and where it or its offsets stand.
    Describe,
    /// Seeing its properties.
    DescribeConfigs,
}

/// How principals are called unless told otherwise: `User:waybill-intake`.
pub const PRINCIPAL_PREFIX: &str = "User:waybill-";

/// What a role needs on a deployment, and nothing else.
pub fn grants(topics: &Topics, role: &Role) -> Vec<Grant> {
    let mut grants = on_topics(topics, role);
    let mut grant = |resource, pattern, name: String, operation| {
        grants.push(Grant { role: role.clone(), resource, name, pattern, operation });
    };
    let (prefix, writer) = (&topics.prefix, topics.prefix.trim_end_matches('.'));
    let group = |stage: Stage| format!("{prefix}{}", stage.as_str());
    match role {
        Role::Worker(stage) => {
            grant(Resource::Group, Pattern::Literal, group(*stage), Operation::Read);
            // It leaves bulk waiting while the supervisor is behind.
            if *stage == Stage::Intake {
                grant(Resource::Group, Pattern::Literal, group(Stage::Reconciliation), Operation::Describe);
            }
        }
        Role::Source(source) => {
            grant(Resource::Group, Pattern::Literal, format!("{prefix}source.{source}"), Operation::Read);
        }
        // It tells how far the workers have come.
        Role::CommandLine => Stage::ALL.into_iter().for_each(|stage| {
            grant(Resource::Group, Pattern::Literal, group(stage), Operation::Describe);
        }),
        Role::Administrator => grant(Resource::Topic, Pattern::Prefixed, prefix.to_string(), Operation::Create),
        Role::Enrolment | Role::Gateway | Role::Console | Role::Projections | Role::Ledger | Role::Verifiers => {}
    }
    if let Some(name) = writes_as(role) {
        // A slot or a process is told by what follows.
        grant(Resource::TransactionalId, Pattern::Prefixed, format!("{writer}-{name}"), Operation::Write);
    }
    if is_ours(role) {
        // Held against the table at each start. What is shown is names, counts and ends, never a record.
        grant(Resource::Topic, Pattern::Prefixed, prefix.to_string(), Operation::Describe);
        grant(Resource::Topic, Pattern::Prefixed, prefix.to_string(), Operation::DescribeConfigs);
        // Readers outside groups ask for one named after their process, which has neither members nor offsets.
        grant(Resource::Group, Pattern::Prefixed, format!("{writer}-"), Operation::Describe);
    }
    grants.sort();
    grants.dedup();
    grants
}

/// What every role of a deployment with these sources needs.
pub fn all<'a>(topics: &Topics, sources: impl IntoIterator<Item = &'a SourceId>) -> Vec<Grant> {
    let sources = sources.into_iter().cloned().map(Role::Source);
    Role::fixed().chain(sources).flat_map(|role| grants(topics, &role)).collect()
}

/// The arguments with which `kafka-acls` makes these grants, one list for each run of it; `--bootstrap-server` and the like go before
/// them. `principal` says who holds a role, as in `User:name`: one may hold several, and then has what each of them needs.
pub fn commands(grants: &[Grant], principal: impl Fn(&Role) -> String) -> Vec<Vec<String>> {
    /// What one run of the tool can't vary.
    type Run = (String, Resource, Pattern, Operation);
    let mut runs: BTreeMap<Run, BTreeSet<&str>> = BTreeMap::new();
    for Grant { role, resource, name, pattern, operation } in grants {
        runs.entry((principal(role), *resource, *pattern, *operation)).or_default().insert(name);
    }
    let arguments = |((principal, resource, pattern, operation), names): (Run, BTreeSet<&str>)| {
        let what = ["--add", "--allow-principal", &principal, "--operation", operation.as_str()];
        let which = names.into_iter().flat_map(|name| [resource.option(), name]);
        let how = ["--resource-pattern-type", pattern.as_str()];
        what.into_iter().chain(which).chain(how).map(str::to_owned).collect()
    };
    runs.into_iter().map(arguments).collect()
}

/// Reading and writing, topic by topic. A role's own part of the outcomes is one topic; whoever answers all sources, or shows what
/// they were answered, has them by their common beginning, since sources come and go.
fn on_topics(topics: &Topics, role: &Role) -> Vec<Grant> {
    let grant =
        |(name, pattern, operation)| Grant { role: role.clone(), resource: Resource::Topic, name, pattern, operation };
    let sides = |writers: &[Party], readers: &[Party], topic: &Topic| {
        let is_among = |parties: &[Party]| parties.iter().any(|party| is_held_by(*party, role, topic));
        [(is_among(writers), Operation::Write), (is_among(readers), Operation::Read)]
            .into_iter()
            .filter_map(|(is_granted, operation)| is_granted.then_some(operation))
    };
    let literal = Topic::fixed().chain(role.source().cloned().map(Topic::Outcomes)).flat_map(|topic| {
        let row = topic.row();
        let name = topics.name(&topic).to_string();
        sides(row.writers, row.readers, &topic).map(move |operation| (name.clone(), Pattern::Literal, operation))
    });
    let any = Topic::Outcomes(SourceId::from(""));
    let prefixed = sides(OUTCOMES.writers, OUTCOMES.readers, &any)
        .filter(|_| role.source().is_none())
        .map(|operation| (topics.name(&any).to_string(), Pattern::Prefixed, operation));
    literal.chain(prefixed).map(grant).collect()
}

/// Whether a role is who the table means, at this topic.
fn is_held_by(party: Party, role: &Role, topic: &Topic) -> bool {
    match party {
        Party::Upstream => role.source().is_some(),
        Party::Source => matches!((role, topic), (Role::Source(source), Topic::Outcomes(its)) if source == its),
        Party::Enrolment => *role == Role::Enrolment,
        Party::Gateway => *role == Role::Gateway,
        Party::Console => *role == Role::Console,
        Party::CommandLine => *role == Role::CommandLine,
        Party::Worker(stage) => *role == Role::Worker(stage),
        Party::ItsWorker => matches!((role, topic), (Role::Worker(stage), Topic::Memory(its)) if stage == its),
        Party::Projections => *role == Role::Projections,
        Party::Ledger => *role == Role::Ledger,
        Party::Verifiers => *role == Role::Verifiers,
    }
}

/// How the transactional ids of a role begin, after the deployment's name. Systems of others write without transactions.
fn writes_as(role: &Role) -> Option<&'static str> {
    match role {
        Role::Worker(stage) => Some(stage.as_str()),
        Role::Gateway => Some("callbacks"),
        Role::Console => Some("console"),
        Role::CommandLine => Some("operations"),
        Role::Ledger => Some("ledger"),
        Role::Source(_) | Role::Enrolment | Role::Projections | Role::Verifiers | Role::Administrator => None,
    }
}

/// Whether it is this program that works under the role.
fn is_ours(role: &Role) -> bool {
    match role {
        Role::Worker(_)
        | Role::Gateway
        | Role::Console
        | Role::CommandLine
        | Role::Projections
        | Role::Ledger
        | Role::Administrator => true,
        Role::Source(_) | Role::Enrolment | Role::Verifiers => false,
    }
}

// === impl Role ===

impl Role {
    /// Every role but those of sources.
    pub fn fixed() -> impl Iterator<Item = Self> {
        let others = [Self::Enrolment, Self::Gateway, Self::Console, Self::CommandLine];
        let behind = [Self::Projections, Self::Ledger, Self::Verifiers, Self::Administrator];
        Stage::ALL.into_iter().map(Self::Worker).chain(others).chain(behind)
    }

    /// Its principal, where all are called alike; see [`PRINCIPAL_PREFIX`].
    pub fn principal(&self, prefix: &str) -> String {
        format!("{prefix}{self}")
    }

    fn source(&self) -> Option<&SourceId> {
        match self {
            Self::Source(source) => Some(source),
            Self::Worker(_)
            | Self::Enrolment
            | Self::Gateway
            | Self::Console
            | Self::CommandLine
            | Self::Projections
            | Self::Ledger
            | Self::Verifiers
            | Self::Administrator => None,
        }
    }
}

/// Its name. A source's can't be taken for another role's.
impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worker(stage) => f.write_str(stage.as_str()),
            Self::Source(source) => write!(f, "source-{source}"),
            Self::Enrolment => f.write_str("enrolment"),
            Self::Gateway => f.write_str("gateway"),
            Self::Console => f.write_str("console"),
            Self::CommandLine => f.write_str("command-line"),
            Self::Projections => f.write_str("projections"),
            Self::Ledger => f.write_str("ledger"),
            Self::Verifiers => f.write_str("verifiers"),
            Self::Administrator => f.write_str("administrator"),
        }
    }
}

impl Serialize for Role {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

// === impl Resource ===

impl Resource {
    /// The option that names one.
    fn option(self) -> &'static str {
        match self {
            Self::Topic => "--topic",
            Self::Group => "--group",
            Self::TransactionalId => "--transactional-id",
        }
    }
}

// === impl Pattern ===

impl Pattern {
    /// As Kafka's tool calls it.
    fn as_str(self) -> &'static str {
        match self {
            Self::Literal => "literal",
            Self::Prefixed => "prefixed",
        }
    }
}

// === impl Operation ===

impl Operation {
    /// As Kafka's tool calls it.
    fn as_str(self) -> &'static str {
        match self {
            Self::Read => "Read",
            Self::Write => "Write",
            Self::Create => "Create",
            Self::Describe => "Describe",
            Self::DescribeConfigs => "DescribeConfigs",
        }
    }
}

#[cfg(test)]
mod tests;
