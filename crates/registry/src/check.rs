//! `waybill schemas check`: whether a registry knows what this build writes and reads. Changes nothing.

use std::fmt;

use contracts::Subject;
use contracts::catalogue::BUNDLED;
use serde::Serialize;

use crate::client::Registry;
use crate::error::RegistryError;

/// What a registry has of this build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// One row for each bundled schema.
    pub rows: Vec<CheckRow>,
}

/// A bundled schema, as it stands in the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckRow {
    /// What it describes.
    pub subject: &'static str,
    /// The subject's name in the registry.
    pub registered_as: &'static str,
    /// The version, as we count.
    pub version: u32,
    /// Its id, if it is registered.
    pub id: Option<u32>,
    /// What the registry holds the subject to, if it was told.
    pub compatibility: Option<String>,
    /// What it should hold it to.
    pub compatibility_wanted: &'static str,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
}

/// Something that is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// The schema is not registered; the registry would take it.
    Unregistered,
    /// The schema is not registered, and would be refused by the compatibility set now.
    WouldBeRefused,
    /// No compatibility is set for the subject.
    CompatibilityUnset,
    /// Another compatibility is set for the subject.
    CompatibilityDiffers,
}

// === impl Registry ===

impl Registry {
    /// Holds every bundled schema against the registry.
    pub async fn check(&self) -> Result<Check, RegistryError> {
        let mut rows = Vec::with_capacity(BUNDLED.len());
        for subject in Subject::ALL {
            let (name, wanted) = (subject.schema_name(), subject.compatibility().as_str());
            let compatibility = self.level(name).await?;
            for bundled in BUNDLED.iter().filter(|row| row.subject == subject) {
                let id = self.find(bundled).await?;
                let mut findings = Vec::new();
                if id.is_none() {
                    let would = self.would_take(bundled).await?;
                    findings.push(if would { Finding::Unregistered } else { Finding::WouldBeRefused });
                }
                match compatibility.as_deref() {
                    None => findings.push(Finding::CompatibilityUnset),
                    Some(found) if found != wanted => findings.push(Finding::CompatibilityDiffers),
                    Some(_) => {}
                }
                rows.push(CheckRow {
                    subject: subject.as_str(),
                    registered_as: name,
                    version: bundled.version,
                    id,
                    compatibility: compatibility.clone(),
                    compatibility_wanted: wanted,
                    findings,
                });
            }
        }
        Ok(Check { rows })
    }
}

// === impl Check ===

impl Check {
    /// Whether everything is as it should be. If not, `waybill schemas register` mends it, unless something would be refused.
    pub fn is_clean(&self) -> bool {
        self.rows.iter().all(|row| row.findings.is_empty())
    }
}

// === impl Finding ===

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Unregistered => "not registered",
            Self::WouldBeRefused => "not registered, and would be refused",
            Self::CompatibilityUnset => "no compatibility set",
            Self::CompatibilityDiffers => "another compatibility set",
        })
    }
}
