//! The ids a start needs: from the registry, or in an outage from the cache.

use contracts::Catalogue;
use contracts::catalogue::{BUNDLED, Bundled};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::cache::{Cache, Content};
use crate::client::Registry;
use crate::error::RegistryError;

/// A catalogue under a registry's ids.
#[derive(Debug)]
pub struct Opened {
    /// The catalogue, with what is known of other writers.
    pub catalogue: Catalogue,
    /// Where its ids come from.
    pub origin: Origin,
}

/// Where ids come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From the registry, just now. The cache has them too, unless the log says that it could not be written.
    Registry,
    /// From the cache.
    Cache {
        /// Why not from the registry.
        outage: String,
    },
}

/// Looks up the ids of all bundled schemas and keeps them in the cache; if the registry does not answer, takes them from there.
/// Registers nothing.
///
/// # Errors
/// A schema that is not registered; an outage without a cache of this build; a registry that answers, but doesn't let us in or
/// can't be understood: that is no outage, and would not pass by itself.
pub async fn open(registry: &Registry, cache: &Cache) -> Result<Opened, RegistryError> {
    let outage = match registry.ids().await {
        Ok(ids) => {
            let content = Content::renewed(&ids, cache.read().ok());
            if let Err(error) = cache.write(&content) {
                tracing::warn!(file = %cache.path().display(), %error,
                    "the ids of schemas can't be cached: a start while the registry is away will fail");
            }
            return Ok(Opened { catalogue: catalogue(&ids, &content)?, origin: Origin::Registry });
        }
        Err(RegistryError::Unavailable(outage)) => outage,
        Err(lasting) => return Err(lasting),
    };
    let unusable = |cache: String| RegistryError::NoIds { outage: outage.clone(), cache };
    let content = cache.read().map_err(unusable)?;
    let ids = content.ids().map_err(unusable)?;
    tracing::warn!(file = %cache.path().display(), outage, "the registry does not answer: schema ids are taken from the cache");
    Ok(Opened { catalogue: catalogue(&ids, &content)?, origin: Origin::Cache { outage } })
}

/// How many schemas are asked for at once.
const AT_ONCE: usize = 8;

impl Registry {
    /// The id of every bundled schema. Every start waits for these, and so does every command.
    async fn ids(&self) -> Result<Vec<(Bundled, u32)>, RegistryError> {
        let find = async |bundled: &Bundled| {
            let unregistered = || RegistryError::Unregistered { subject: bundled.subject, version: bundled.version };
            Ok((*bundled, self.find(bundled).await?.ok_or_else(unregistered)?))
        };
        stream::iter(BUNDLED).map(find).buffered(AT_ONCE).try_collect().await
    }
}

fn catalogue(ids: &[(Bundled, u32)], content: &Content) -> Result<Catalogue, RegistryError> {
    let catalogue = Catalogue::new(ids.iter().map(|(row, id)| (*id, row.subject, row.version, row.text)))?;
    content.teach(&catalogue);
    Ok(catalogue)
}
