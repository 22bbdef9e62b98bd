//! What can go wrong with a registry, and what to do about it.

use contracts::{CatalogueError, Subject};

/// Why something about the registry failed. None of these shows credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// The settings can't be used.
    #[error("the registry's settings can't be used: {0}")]
    Settings(String),
    /// Nobody answers, or not in time, or only that it can't.
    #[error(
        "the registry does not answer ({0}); start it, or look at its addresses and the authorities it is trusted by"
    )]
    Unavailable(String),
    /// It does not let us.
    #[error("the registry does not let us in ({0}); look at the credentials and what they may do")]
    Unauthorised(String),
    /// It says what no registry should.
    #[error("the registry can't be understood ({0}); look at its addresses: Apicurio's end in /apis/ccompat/v7")]
    Unexpected(String),
    /// A schema is refused.
    #[error(
        "the registry refuses {subject} version {version} ({reason}); `waybill schemas diff` shows what it has under {}",
        subject.schema_name()
    )]
    Refused {
        /// What it describes.
        subject: Subject,
        /// The version of that.
        version: u32,
        /// What the registry says.
        reason: String,
    },
    /// A schema of this build is not registered.
    #[error("{subject} version {version} is not registered under {}; run `waybill schemas register`", subject.schema_name())]
    Unregistered {
        /// What it describes.
        subject: Subject,
        /// The version of that.
        version: u32,
    },
    /// There is neither a registry nor a cache to start from.
    #[error(
        "there are no schema ids: the registry does not answer ({outage}), and {cache}; start the registry, and run \
         `waybill schemas register` if it is new"
    )]
    NoIds {
        /// What became of the call.
        outage: String,
        /// Why the cache is of no use.
        cache: String,
    },
    /// The thread that looks up ids can't be started.
    #[error("the thread that looks up schema ids can't be started: {0}")]
    Thread(String),
    /// The ids make no catalogue.
    #[error("the registry's ids make no catalogue: {0}")]
    Catalogue(#[from] CatalogueError),
}
