//! `waybill schemas diff`: what this build has that a registry has not, and the other way round.

use contracts::catalogue::BUNDLED;
use contracts::{Subject, Topics, schema};
use serde::Serialize;
use serde_json::Value;

use crate::client::{Registry, Version, parsed};
use crate::differences::{Difference, differences};
use crate::error::RegistryError;

/// Where this build and a registry differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// One row for each version that only one of them has.
    pub rows: Vec<DiffRow>,
}

/// A version that only one side has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiffRow {
    /// What it describes.
    pub subject: &'static str,
    /// The subject in the registry.
    pub registered_as: String,
    /// Who has it.
    pub side: Side,
    /// Its version, as the side counts that has it.
    pub version: u32,
    /// Its id in the registry, if it is there.
    pub id: Option<u32>,
    /// The newest version of the other side, as that counts, which it is compared with; none, if there is none.
    pub compared_with: Option<u32>,
    /// How it differs from that.
    pub differences: Vec<Difference>,
}

/// Who has a version that the other has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// This build: `waybill schemas register` would register it.
    Here,
    /// The registry: somebody else wrote it, newer than this build or in their own words.
    There,
}

/// A bundled schema as JSON.
struct Ours {
    version: u32,
    schema: Value,
}

impl Registry {
    /// Compares all bundled schemas with what the registry has of the same records: under their own names, and under those that
    /// clients choose which name subjects by topic.
    pub async fn diff(&self, topics: &Topics) -> Result<Diff, RegistryError> {
        let others = self.subjects().await?;
        let others: Vec<&str> = others.iter().map(String::as_str).filter(|name| by_topic(name, topics)).collect();
        let mut rows = Vec::new();
        for subject in Subject::ALL {
            let ours = ours(subject)?;
            let theirs = self.versions(subject.schema_name()).await?;
            rows.extend(here(subject, &ours, &theirs));
            rows.extend(there(subject, subject.schema_name(), &ours, &theirs));
        }
        for name in others {
            let theirs = self.versions(name).await?;
            for subject in Subject::ALL {
                let of_subject = |version: &&Version| describes(&version.schema) == Some(subject);
                let theirs: Vec<Version> = theirs.iter().filter(of_subject).cloned().collect();
                rows.extend(there(subject, name, &ours(subject)?, &theirs));
            }
        }
        Ok(Diff { rows })
    }
}

/// Whether a subject has a name of the topic's: `{topic}-value`, or `{topic}-{record}`.
fn by_topic(name: &str, topics: &Topics) -> bool {
    let topic = Subject::ALL.iter().find_map(|subject| name.strip_suffix(subject.schema_name())?.strip_suffix('-'));
    topic.or_else(|| name.strip_suffix("-value")).is_some_and(|topic| topics.parse(topic).is_some())
}

fn describes(theirs: &Value) -> Option<Subject> {
    Subject::named(&schema::name(theirs)?)
}

fn ours(subject: Subject) -> Result<Vec<Ours>, RegistryError> {
    let rows = BUNDLED.iter().filter(|row| row.subject == subject);
    rows.map(|row| Ok(Ours { version: row.version, schema: parsed(row.text)? })).collect()
}

/// What of ours the registry has not.
fn here(subject: Subject, ours: &[Ours], theirs: &[Version]) -> Vec<DiffRow> {
    let newest = theirs.last();
    let missing = ours.iter().filter(|ours| theirs.iter().all(|theirs| theirs.schema != ours.schema));
    missing
        .map(|ours| DiffRow {
            subject: subject.as_str(),
            registered_as: subject.schema_name().to_owned(),
            side: Side::Here,
            version: ours.version,
            id: None,
            compared_with: newest.map(|theirs| theirs.version),
            differences: newest.map(|theirs| differences(&ours.schema, &theirs.schema)).unwrap_or_default(),
        })
        .collect()
}

/// What the registry has under a name that is none of ours.
fn there(subject: Subject, name: &str, ours: &[Ours], theirs: &[Version]) -> Vec<DiffRow> {
    let newest = ours.last();
    let strange = theirs.iter().filter(|theirs| ours.iter().all(|ours| ours.schema != theirs.schema));
    strange
        .map(|theirs| DiffRow {
            subject: subject.as_str(),
            registered_as: name.to_owned(),
            side: Side::There,
            version: theirs.version,
            id: Some(theirs.id),
            compared_with: newest.map(|ours| ours.version),
            differences: newest.map(|ours| differences(&ours.schema, &theirs.schema)).unwrap_or_default(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_named_by_our_topics_are_told_from_strangers() {
        let topics = Topics::new("waybill.", 4);
        for ours in ["waybill.intake.standard-value", "waybill.outcomes.enrolment-waybill.Outcome"] {
            assert!(by_topic(ours, &topics), "{ours}");
        }
        for strange in ["navy.intake.standard-value", "waybill.Outcome", "waybill.intake.standard-key", "-value", ""] {
            assert!(!by_topic(strange, &topics), "{strange}");
        }
    }
}
