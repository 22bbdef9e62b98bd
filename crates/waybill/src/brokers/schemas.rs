//! `waybill schemas`: this version's schemas at the registry.

use contracts::Topics;
use serde::Serialize;
use serde_json::json;

use super::{KafkaConfig, ask_registry};
use crate::cli::Schemas;
use crate::config::Config;
use crate::exit::Failure;
use crate::show;

/// Registers, or looks.
pub(super) fn carry_out(verb: Schemas, config: &Config, kafka: &KafkaConfig, json: bool) -> Result<(), Failure> {
    match verb {
        Schemas::Register => {
            let registered = ask_registry(kafka, async |registry| registry.register().await)?;
            tell(&registered, json)
        }
        Schemas::Check => check(kafka, json),
        Schemas::Diff => diff(kafka, &Topics::new(&config.prefix, config.partitions), json),
    }
}

fn check(kafka: &KafkaConfig, json: bool) -> Result<(), Failure> {
    let check = ask_registry(kafka, async |registry| registry.check().await)?;
    if json {
        tell(&check, true)?;
    } else {
        let row = |row: &registry::CheckRow| {
            let findings: Vec<String> = row.findings.iter().map(ToString::to_string).collect();
            let finding = if findings.is_empty() { "as it should be".to_owned() } else { findings.join(", ") };
            json!({"subject": row.subject, "version": row.version, "id": row.id, "compatibility": row.compatibility, "finding": finding})
        };
        show::print(&check.rows.iter().map(row).collect(), false)?;
    }
    if check.is_clean() {
        return Ok(());
    }
    Err(Failure::Other(anyhow::anyhow!("the registry is not as it should be; `waybill schemas register` mends it")))
}

fn diff(kafka: &KafkaConfig, topics: &Topics, json: bool) -> Result<(), Failure> {
    let diff = ask_registry(kafka, async |registry| registry.diff(topics).await)?;
    if json {
        return tell(&diff, true);
    }
    let row = |row: &registry::DiffRow| {
        let differences: Vec<String> = row.differences.iter().map(ToString::to_string).collect();
        json!({"registered_as": row.registered_as, "only": row.side, "version": row.version, "id": row.id, "differences": differences.join("; ")})
    };
    show::print(&diff.rows.iter().map(row).collect(), false)
}

fn tell<T: Serialize>(answer: &T, json: bool) -> Result<(), Failure> {
    let answer = serde_json::to_value(answer).map_err(|error| Failure::Other(error.into()))?;
    show::print(&answer, json)
}
