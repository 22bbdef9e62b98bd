//! Where the brokers are, who we are to them, and how much is fetched and kept.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::client_config::TRANSACTION_TIMEOUT;

/// How to reach Kafka. [`Settings::new`] gives what production uses, without encryption.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `host:port` of some brokers, separated by commas.
    pub bootstrap: String,
    /// How this process calls itself in the brokers' logs and quotas. Readers ask for the group `{client_id}-reader`, which never
    /// has members; where access is controlled they need to be allowed to describe it, as the grants of the topic table have it for
    /// all ids that begin with the deployment's name and a hyphen.
    pub client_id: String,
    /// How the connection is secured.
    pub security: Security,
    /// After how long the broker aborts a transaction that its producer has not ended, and how long a commit may take. A killed
    /// worker's successor under another name waits this long, and until the coordinator looks: every ten seconds unless brokers are told
    /// otherwise.
    pub transaction_timeout: Duration,
    /// How long a member may take to give up its partitions before the group goes on without it. More than any drain.
    pub rebalance_timeout: Duration,
    /// How long calls other than commits wait for a broker.
    pub request_timeout: Duration,
    /// How long a broker waits for a record before it answers a fetch with nothing: what a partition that was just sought or
    /// assigned may wait behind an idle fetch.
    pub fetch_wait: Duration,
    /// How much is fetched ahead of each partition, in bytes; up to twice as much for a moment. A slot holds this for each partition
    /// of each topic it owns; readers, which mostly catch up with something, fetch four times as much.
    pub prefetch_bytes: usize,
    /// How long records of a transaction are gathered into batches before the first goes out; it counts inside every transaction.
    pub linger: Duration,
    /// How the records of a batch are compressed: `none`, `lz4`, `zstd`, `gzip`, `snappy`.
    pub compression: String,
    /// The copies of each partition of topics made here; the broker's default, if none.
    pub replication: Option<u16>,
    /// Properties of topics made here, beyond what their cleanup says: `min.insync.replicas`, `segment.ms` and so on.
    pub topic_properties: BTreeMap<String, String>,
    /// Header names that are handed out without an allocation.
    pub header_names: &'static [&'static str],
    /// Properties of librdkafka for every client, over everything that is derived from the above. Never shown.
    pub overrides: Overrides,
}

/// Properties of librdkafka by name. `Debug` shows the names only: there may be passwords among the values.
#[derive(Clone, Default)]
pub struct Overrides(pub BTreeMap<String, String>);

/// How a connection is secured. What a listener wants is the brokers' to say: who speaks otherwise gets no answer, and is told what
/// the client has heard. Credentials that are refused are [`fleet::bus::BusError::Refused`].
#[derive(Clone, Debug)]
pub enum Security {
    /// Neither encrypted nor authenticated: one machine, or a network nobody else is on.
    Plaintext,
    /// Encrypted; authenticated by certificate where a client certificate is given.
    Tls(Tls),
    /// Authenticated by SASL; encrypted, if `tls` is there.
    Sasl {
        /// Who we are.
        sasl: Sasl,
        /// How it is encrypted.
        tls: Option<Tls>,
    },
}

/// The files of a TLS connection, all PEM.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// The authorities that sign the brokers' certificates; the system's, if none. A certificate has to be for the name in
    /// `bootstrap`, and for those under which the brokers make themselves known.
    pub ca: Option<PathBuf>,
    /// Our certificate, followed by those between it and the authority.
    pub certificate: Option<PathBuf>,
    /// Our private key.
    pub key: Option<PathBuf>,
}

/// Who we are to SASL. `Debug` shows no secrets.
#[derive(Clone)]
pub enum Sasl {
    /// A name and a password, of which only proofs travel.
    Scram {
        /// The hash function.
        mechanism: Mechanism,
        /// The name.
        username: String,
        /// The password.
        password: String,
    },
    /// A bearer token.
    OauthBearer(TokenSource),
}

/// Which hash function SCRAM uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// SCRAM-SHA-256.
    Sha256,
    /// SCRAM-SHA-512.
    Sha512,
}

/// Where bearer tokens come from.
#[derive(Clone, Debug)]
pub enum TokenSource {
    /// A file with a JSON web token that somebody else keeps fresh, as projected service account tokens are. It is read again
    /// before the token in use ends.
    File(PathBuf),
    /// Tokens made here for this name, which nobody has signed. For tests: brokers take them only when told to.
    Unsigned {
        /// The name.
        principal: String,
    },
}

// === impl Settings ===

impl Settings {
    /// How long transactions last at most, unless told otherwise.
    pub const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);

    /// The settings of production on an unsecured connection: transactions of at most 10 seconds, 60 seconds to give up partitions,
    /// 512 KiB fetched ahead of each partition.
    pub fn new(bootstrap: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self {
            bootstrap: bootstrap.into(),
            client_id: client_id.into(),
            security: Security::Plaintext,
            transaction_timeout: Self::TRANSACTION_TIMEOUT,
            rebalance_timeout: Duration::from_secs(60),
            request_timeout: Duration::from_secs(10),
            fetch_wait: Duration::from_millis(100),
            prefetch_bytes: 512 << 10,
            linger: Duration::from_micros(500),
            compression: "lz4".into(),
            replication: None,
            topic_properties: BTreeMap::new(),
            header_names: &[],
            overrides: Overrides::default(),
        }
    }

    /// After how long brokers end a transaction of ours, overrides included.
    pub(crate) fn transaction_allowed(&self) -> Duration {
        let overridden = self.overrides.0.get(TRANSACTION_TIMEOUT).and_then(|millis| millis.parse().ok());
        overridden.map_or(self.transaction_timeout, Duration::from_millis)
    }

    /// Where bearer tokens come from, if any are wanted.
    pub(crate) fn token_source(&self) -> Option<&TokenSource> {
        match &self.security {
            Security::Sasl { sasl: Sasl::OauthBearer(source), .. } => Some(source),
            Security::Sasl { sasl: Sasl::Scram { .. }, .. } | Security::Plaintext | Security::Tls(_) => None,
        }
    }

    /// The group readers ask for offsets of, which they never do.
    pub(crate) fn readers_group(&self) -> String {
        format!("{}-reader", self.client_id)
    }
}

// === impl Overrides ===

impl fmt::Debug for Overrides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

// === impl Sasl ===

impl fmt::Debug for Sasl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scram { mechanism, username, .. } => write!(f, "Scram({mechanism:?}, {username})"),
            Self::OauthBearer(source) => write!(f, "OauthBearer({source:?})"),
        }
    }
}
