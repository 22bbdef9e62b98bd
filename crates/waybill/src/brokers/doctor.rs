//! Whether brokers and registry are fit for a start.

use contracts::Topics;
use domain::messages::Stage;
use fleet::bus::Bus as _;
use kafka::Kafka;

use super::topics::differences;
use super::{KafkaConfig, ask_registry, connect};
use crate::commands::doctor::Finding;
use crate::config::Config;
use crate::exit::Failure;
use crate::tables::Tables;
use crate::topics;

/// The assignor of all workers' groups.
const ASSIGNOR: &str = "range";

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
    vec![there, topics, groups(config, &brokers)]
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
