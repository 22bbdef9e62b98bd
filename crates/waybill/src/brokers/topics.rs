//! `waybill topics`: what an administrator does before the first start on Kafka.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use contracts::Topics as Names;
use contracts::topics::access;
use fleet::bus::{Bus, Cleanup, TopicSpec};
use serde::Serialize;

use super::{KafkaConfig, connect};
use crate::cli::Topics;
use crate::config::Config;
use crate::exit::Failure;
use crate::show;
use crate::tables::Tables;
use crate::topics;

/// How a topic on the brokers differs from the table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Difference {
    /// It is not there.
    Missing,
    /// It has another number of partitions.
    Partitions(u32),
    /// Its records live for another time.
    Cleanup(Cleanup),
}

/// A topic, as it is wanted and as it is.
#[derive(Serialize)]
struct Line {
    topic: String,
    partitions: u32,
    kept: String,
    finding: String,
}

/// Makes the topics, or looks at them.
pub(super) fn carry_out(verb: Topics, config: &Config, kafka: &KafkaConfig, json: bool) -> Result<(), Failure> {
    let tables = Tables::load(config).map_err(Failure::Config)?;
    let names = Names::new(&config.prefix, config.partitions);
    if verb == Topics::Acls {
        return acls(&names, &tables, json);
    }
    let brokers = connect(config, kafka)?;
    let specs = topics::specs(&names, &tables.sources);
    let before = differences(&brokers, &specs)?;
    if verb == Topics::Apply {
        brokers.create_topics(&specs)?;
    }
    let lines: Vec<Line> = before.iter().map(|(spec, difference)| line(verb, spec, difference.as_ref())).collect();
    let answer = serde_json::to_value(&lines).map_err(|error| Failure::Other(error.into()))?;
    show::print(&answer, json)?;
    let after = if verb == Topics::Apply { differences(&brokers, &specs)? } else { before };
    match after.iter().filter(|(_, difference)| difference.is_some()).count() {
        0 => Ok(()),
        wrong => Err(Failure::Other(anyhow::anyhow!(
            "{wrong} topics are not as they should be; missing ones are made by `waybill topics apply`, how long records are kept \
             is changed with Kafka's own tools, and partitions are chosen once"
        ))),
    }
}

/// Kafka's own tool makes them: whoever may do that is no worker of ours.
fn acls(names: &Names, tables: &Tables, json: bool) -> Result<(), Failure> {
    let grants = access::all(names, tables.sources.ids());
    if json {
        let answer = serde_json::to_value(&grants).map_err(|error| Failure::Other(error.into()))?;
        return show::print(&answer, true);
    }
    let runs = access::commands(&grants, |role| role.principal(access::PRINCIPAL_PREFIX));
    let lines = runs.iter().map(|arguments| format!("kafka-acls {}\n", arguments.join(" ")));
    show::tell(&lines.collect::<String>())
}

fn line(verb: Topics, spec: &TopicSpec, difference: Option<&Difference>) -> Line {
    let finding = match (difference, verb) {
        (None, _) => "as it should be".to_owned(),
        (Some(Difference::Missing), Topics::Apply) => "made".to_owned(),
        (Some(difference), _) => difference.to_string(),
    };
    Line { topic: spec.name.to_string(), partitions: spec.partitions, kept: kept(spec.cleanup), finding }
}

/// How each topic differs from what is there; none where it does not.
pub(super) fn differences(bus: &dyn Bus, specs: &[TopicSpec]) -> Result<Vec<(TopicSpec, Option<Difference>)>, Failure> {
    let found: BTreeMap<Arc<str>, TopicSpec> =
        bus.topics()?.into_iter().map(|spec| (Arc::clone(&spec.name), spec)).collect();
    let differs = |spec: &TopicSpec| match found.get(&spec.name) {
        None => Some(Difference::Missing),
        Some(found) if found.partitions != spec.partitions => Some(Difference::Partitions(found.partitions)),
        Some(found) if found.cleanup != spec.cleanup => Some(Difference::Cleanup(found.cleanup)),
        Some(_) => None,
    };
    Ok(specs.iter().map(|spec| (spec.clone(), differs(spec))).collect())
}

/// How long records are kept, for people.
fn kept(cleanup: Cleanup) -> String {
    let days = |retention: Duration| retention.as_secs() / 86_400;
    match cleanup {
        Cleanup::Keep => "for ever".into(),
        Cleanup::Delete { retention } => format!("{} days", days(retention)),
        Cleanup::Compact => "compacted".into(),
        Cleanup::CompactDelete { retention } => format!("compacted, {} days", days(retention)),
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("missing"),
            Self::Partitions(found) => write!(f, "has {found} partitions"),
            Self::Cleanup(found) => write!(f, "kept {}", kept(*found)),
        }
    }
}
