//! Whether brokers and registry are fit for a start.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use contracts::Topics;
use domain::messages::Stage;
use fleet::bus::{Bus as _, BusError, Isolation, Limit, TopicPartition, TopicSpec};
use fleet::clock::Clock as _;
use kafka::Kafka;

use super::topics::differences;
use super::{KafkaConfig, ask_registry, connect};
use crate::clock::SystemClock;
use crate::commands::doctor::Finding;
use crate::config::Config;
use crate::exit::Failure;
use crate::tables::Tables;
use crate::topics;

/// The assignor of all workers' groups.
const ASSIGNOR: &str = "range";

/// A worker's transactions end within seconds, and its coordinator ends those of a worker that is gone.
const OPEN_MAX_MS: i64 = 60_000;
/// How long the records behind which readers wait may take to come.
const LOOKING: Duration = Duration::from_secs(10);

/// What was found of the brokers, the topics on them, and the registry.
pub(crate) fn findings(config: &Config, kafka: &KafkaConfig) -> Vec<Finding> {
    let mut findings = brokers(config, kafka);
    findings.push(registry(kafka));
    findings
}

fn brokers(config: &Config, kafka: &KafkaConfig) -> Vec<Finding> {
    let found = connect(config, kafka).and_then(|brokers| {
        let count = brokers.topics()?.len();
        Ok((brokers, count))
    });
    let (brokers, count) = match found {
        Ok(found) => found,
        Err(failure) => {
            let remedy = "start them, or look at kafka.bootstrap, the credentials and the authorities";
            return vec![Finding::wrong("brokers", &failure.message(), remedy)];
        }
    };
    let there = Finding::fine("brokers", format!("{} answers, with {count} topics", kafka.bootstrap()));
    let Ok(tables) = Tables::load(config) else { return vec![there] };
    let specs = topics::specs(&Topics::new(&config.prefix, config.partitions), &tables.sources);
    let topics = match differences(&brokers, &specs) {
        Err(failure) => {
            Finding::wrong("topics", &failure.message(), "ask an administrator for the right to describe topics")
        }
        Ok(differences) => {
            let wrong = differences.iter().filter_map(|(spec, difference)| Some((spec, difference.as_ref()?)));
            let wrong: Vec<String> = wrong.map(|(spec, difference)| format!("{} {difference}", spec.name)).collect();
            match wrong.first() {
                None => Finding::fine("topics", format!("{} topics, as the topic table has them", specs.len())),
                Some(first) => Finding::wrong(
                    "topics",
                    &format!("{} are not as they should be: {first}", wrong.len()),
                    "run `waybill topics apply` for those that are missing; `waybill topics check` lists all",
                ),
            }
        }
    };
    vec![there, topics, transactions(&brokers, &specs), groups(config, &brokers)]
}

/// Whoever reads what is committed waits at the first record whose transaction is open: at one without an end for ever.
fn transactions(brokers: &Kafka, specs: &[TopicSpec]) -> Finding {
    let held = match held(brokers, specs) {
        Ok(held) => held,
        Err(error) => {
            return Finding::wrong("transactions", &error, "see that this user may read the topics, and ask again");
        }
    };
    let mut endless = held.iter().filter(|(_, (_, age_ms))| OPEN_MAX_MS < *age_ms);
    let Some((at, (offset, age_ms))) = endless.next() else {
        return Finding::fine("transactions", "nothing waits for the end of one".into());
    };
    let what = format!(
        "{at} waits at offset {offset} for the end of a transaction of {} s ago, {} more partitions as long",
        age_ms / 1000,
        endless.count()
    );
    Finding::wrong(
        "transactions",
        &what,
        "its coordinator may have lost its end: `kafka-transactions.sh find-hanging` lists such, `abort` ends one; abort \
         all of the same producer, then restart the workers",
    )
}

/// The partitions with an open transaction: where it begins, and how old it is.
fn held(brokers: &Kafka, specs: &[TopicSpec]) -> Result<BTreeMap<TopicPartition, (u64, i64)>, BusError> {
    // What is missing is told by the check of the topics.
    let there: Vec<TopicSpec> = brokers.topics()?;
    let ours = there.iter().filter(|found| specs.iter().any(|spec| spec.name == found.name));
    let mut starts = Vec::new();
    for spec in ours {
        for number in 0..spec.partitions {
            let at = TopicPartition::new(spec.name.clone(), number);
            let marks = brokers.watermarks(&at)?;
            if marks.stable < marks.high {
                starts.push((at, marks.stable));
            }
        }
    }
    let (mut reader, mut held) = (brokers.reader(Isolation::ReadUncommitted)?, BTreeMap::new());
    reader.assign(&starts)?;
    let began = Instant::now();
    while held.len() < starts.len() && began.elapsed() < LOOKING {
        let mut records = Vec::new();
        reader.read(Limit { records: 1_000, bytes: 8 << 20 }, Duration::from_millis(100), &mut records)?;
        for record in records {
            let age_ms = SystemClock.now_ms() - record.timestamp_ms;
            held.entry(record.topic_partition()).or_insert((record.offset, age_ms));
        }
    }
    match starts.iter().find(|(at, _)| !held.contains_key(at)) {
        Some((at, offset)) => Err(BusError::Unavailable(format!("{at}: what waits at offset {offset} can't be read"))),
        None => Ok(held),
    }
}

/// The assignor must give equal partition numbers of all a worker's topics to one member, as `range` does: any other, brought in
/// by a stranger in the group, parts a worker from its memory.
fn groups(config: &Config, brokers: &Kafka) -> Finding {
    let mut members = 0;
    for stage in Stage::ALL {
        let group = config.group(stage);
        match brokers.group(&group) {
            Ok(None) => {}
            Ok(Some(found)) if found.assignor.is_empty() || found.assignor == ASSIGNOR => members += found.members,
            Ok(Some(found)) => {
                let what = format!("group {group} assigns partitions by {}, not by {ASSIGNOR}", found.assignor);
                return Finding::wrong("groups", &what, "end the member that is none of waybill's: it takes work away");
            }
            Err(error) => return Finding::wrong("groups", &error, "ask for the right to describe the workers' groups"),
        }
    }
    Finding::fine("groups", format!("{members} members, all by the {ASSIGNOR} assignor"))
}

fn registry(kafka: &KafkaConfig) -> Finding {
    match ask_registry(kafka, async |registry| registry.check().await) {
        Ok(check) if check.is_clean() => {
            Finding::fine("registry", format!("{} has all {} schemas", kafka.registry_urls(), check.rows.len()))
        }
        Ok(_) => {
            let what = "schemas are missing, or held to another compatibility";
            Finding::wrong("registry", &what, "run `waybill schemas register`; `waybill schemas check` lists them")
        }
        Err(failure @ Failure::Config(_)) => {
            Finding::wrong("registry", &failure.message(), "correct the configuration")
        }
        Err(failure) => Finding::wrong("registry", &failure.message(), "start it, or look at registry.url"),
    }
}
