//! `waybill schemas register`: makes a registry know what this build writes and reads.

use contracts::Subject;
use contracts::catalogue::BUNDLED;
use serde::Serialize;

use crate::client::Registry;
use crate::error::RegistryError;

/// A schema of this build that is registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Registration {
    /// What it describes.
    pub subject: &'static str,
    /// The subject's name in the registry.
    pub registered_as: &'static str,
    /// The version, as we count. The registry counts by itself.
    pub version: u32,
    /// The id that the registry has given it.
    pub id: u32,
    /// Whether it was not there before.
    pub is_new: bool,
    /// What the subject's versions are held to, which is set.
    pub compatibility: &'static str,
}

impl Registry {
    /// Sets the compatibility of every subject and registers every bundled schema that is not there, older versions first. What is
    /// there already stays as it is, so this may be done as often as one likes.
    ///
    /// # Errors
    /// The first schema that is refused, or the outage. What was registered until then stays.
    pub async fn register(&self) -> Result<Vec<Registration>, RegistryError> {
        let mut registrations = Vec::with_capacity(BUNDLED.len());
        for subject in Subject::ALL {
            let (name, wanted) = (subject.schema_name(), subject.compatibility());
            // Before the first version, so that none is ever there unjudged: some registries take anything where nothing is set.
            if self.level(name).await?.as_deref() != Some(wanted.as_str()) {
                self.set_level(name, wanted).await?;
            }
            for bundled in BUNDLED.iter().filter(|row| row.subject == subject) {
                let found = self.find(bundled).await?;
                let id = match found {
                    Some(id) => id,
                    None => self.post(bundled).await?,
                };
                registrations.push(Registration {
                    subject: subject.as_str(),
                    registered_as: name,
                    version: bundled.version,
                    id,
                    is_new: found.is_none(),
                    compatibility: wanted.as_str(),
                });
            }
        }
        Ok(registrations)
    }
}
