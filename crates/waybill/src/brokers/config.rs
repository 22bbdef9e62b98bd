//! The brokers and the registry, where the bus is Kafka.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kafka::{Mechanism, Sasl, Security, Settings, Tls, TokenSource};
use registry::Credentials;
use toml::{Table, Value};

use crate::config::{Mistake, Reader};

/// How to reach Kafka and the schema registry. Secrets lie in files of their own, which are read when they are needed.
#[derive(Clone, Debug)]
pub(crate) struct KafkaConfig {
    bootstrap: String,
    security: SecurityKind,
    sasl: SaslKind,
    username: Option<String>,
    password_file: Option<PathBuf>,
    token_file: Option<PathBuf>,
    tls: Tls,
    replication: Option<u16>,
    compression: Compression,
    registry: RegistryConfig,
}

/// How to reach the schema registry.
#[derive(Clone, Debug)]
struct RegistryConfig {
    urls: Vec<String>,
    username: Option<String>,
    password_file: Option<PathBuf>,
    token_file: Option<PathBuf>,
    ca: Option<PathBuf>,
    timeout: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum SecurityKind {
    Plaintext,
    Tls,
    SaslPlaintext,
    SaslTls,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum SaslKind {
    ScramSha512,
    ScramSha256,
    OauthBearer,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Compression {
    Lz4,
    Zstd,
    None,
}

const SECURITY: [(&str, SecurityKind); 4] = [
    ("plaintext", SecurityKind::Plaintext),
    ("tls", SecurityKind::Tls),
    ("sasl-plaintext", SecurityKind::SaslPlaintext),
    ("sasl-tls", SecurityKind::SaslTls),
];
const SASL: [(&str, SaslKind); 3] = [
    ("scram-sha-512", SaslKind::ScramSha512),
    ("scram-sha-256", SaslKind::ScramSha256),
    ("oauthbearer", SaslKind::OauthBearer),
];
const COMPRESSION: [(&str, Compression); 3] =
    [("lz4", Compression::Lz4), ("zstd", Compression::Zstd), ("none", Compression::None)];

/// Reads both sections. What only Kafka needs is asked for only where it is the bus.
pub(crate) fn read<E: Fn(&str) -> Option<String>>(
    read: &mut Reader<E>,
    base: &Path,
    is_the_bus: bool,
) -> Option<KafkaConfig> {
    let file = |read: &mut Reader<E>, path: &str| read.optional_text(path).map(|name| base.join(name));
    let bootstrap = read.optional_text("kafka.bootstrap");
    let security = read.choice("kafka.security", &SECURITY);
    let sasl = read.choice("kafka.sasl", &SASL);
    let username = read.optional_text("kafka.username");
    let password_file = file(read, "kafka.password_file");
    let token_file = file(read, "kafka.token_file");
    let tls = Tls {
        ca: file(read, "kafka.ca_file"),
        certificate: file(read, "kafka.certificate_file"),
        key: file(read, "kafka.key_file"),
    };
    let replication = read.number("kafka.replication", 0, 0..=100);
    let compression = read.choice("kafka.compression", &COMPRESSION);
    let registry = registry(read, base);
    if !is_the_bus {
        return None;
    }
    let with_sasl = matches!(security, SecurityKind::SaslPlaintext | SecurityKind::SaslTls);
    let with_password = with_sasl && sasl != SaslKind::OauthBearer;
    read.require("kafka.bootstrap", bootstrap.is_some(), "name some brokers as host:port, separated by commas");
    read.require("registry.url", !registry.urls.is_empty(), "name the schema registry; it gives schemas their ids");
    read.require("kafka.username", !with_password || username.is_some(), "SCRAM needs a name");
    read.require("kafka.password_file", !with_password || password_file.is_some(), "SCRAM needs a password");
    let with_token = with_sasl && sasl == SaslKind::OauthBearer;
    read.require("kafka.token_file", !with_token || token_file.is_some(), "OAUTHBEARER needs a token");
    Some(KafkaConfig {
        bootstrap: bootstrap.unwrap_or_default(),
        security,
        sasl,
        username,
        password_file,
        token_file,
        tls,
        replication: u16::try_from(replication).ok().filter(|copies| 0 < *copies),
        compression,
        registry,
    })
}

fn registry<E: Fn(&str) -> Option<String>>(read: &mut Reader<E>, base: &Path) -> RegistryConfig {
    let file = |read: &mut Reader<E>, path: &str| read.optional_text(path).map(|name| base.join(name));
    let urls = read.optional_text("registry.url").unwrap_or_default();
    RegistryConfig {
        urls: urls.split(',').map(str::trim).filter(|url| !url.is_empty()).map(str::to_owned).collect(),
        username: read.optional_text("registry.username"),
        password_file: file(read, "registry.password_file"),
        token_file: file(read, "registry.token_file"),
        ca: file(read, "registry.ca_file"),
        timeout: Duration::from_millis(read.number("registry.timeout_ms", 15_000, 10..=60_000)),
    }
}

// === impl KafkaConfig ===

impl KafkaConfig {
    /// Where the brokers are, as it was configured.
    pub(crate) fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Where the registry is, as it was configured.
    pub(crate) fn registry_urls(&self) -> String {
        self.registry.urls.join(", ")
    }

    /// The sections of a configuration that lead to the same brokers and registry, from any folder.
    pub(crate) fn sections(&self) -> Table {
        let security = SECURITY.iter().find(|(_, kind)| *kind == self.security).map(|(name, _)| *name);
        let sasl = SASL.iter().find(|(_, kind)| *kind == self.sasl).map(|(name, _)| *name);
        let registry = &self.registry;
        let kafka = [
            ("bootstrap", Some(self.bootstrap.clone())),
            ("security", security.map(str::to_owned)),
            ("sasl", sasl.map(str::to_owned)),
            ("username", self.username.clone()),
            ("password_file", absolute(self.password_file.as_deref())),
            ("token_file", absolute(self.token_file.as_deref())),
            ("ca_file", absolute(self.tls.ca.as_deref())),
            ("certificate_file", absolute(self.tls.certificate.as_deref())),
            ("key_file", absolute(self.tls.key.as_deref())),
        ];
        let registry = [
            ("url", Some(registry.urls.join(","))),
            ("username", registry.username.clone()),
            ("password_file", absolute(registry.password_file.as_deref())),
            ("token_file", absolute(registry.token_file.as_deref())),
            ("ca_file", absolute(registry.ca.as_deref())),
        ];
        let mut sections = Table::new();
        sections.insert("bus".into(), "kafka".into());
        sections.insert("kafka".into(), section(&kafka));
        sections.insert("registry".into(), section(&registry));
        sections
    }

    /// What the client needs to know. `client_id` is how this process calls itself in the brokers' logs.
    pub(crate) fn settings(&self, client_id: &str) -> Result<Settings, Mistake> {
        let security = match self.security {
            SecurityKind::Plaintext => Security::Plaintext,
            SecurityKind::Tls => Security::Tls(self.tls.clone()),
            SecurityKind::SaslPlaintext => Security::Sasl { sasl: self.who()?, tls: None },
            SecurityKind::SaslTls => Security::Sasl { sasl: self.who()?, tls: Some(self.tls.clone()) },
        };
        Ok(Settings {
            security,
            replication: self.replication,
            compression: self.compression.to_string(),
            header_names: contracts::headers::NAMES,
            ..Settings::new(self.bootstrap.clone(), client_id)
        })
    }

    /// What the registry's client needs to know.
    pub(crate) fn registry(&self) -> Result<registry::Settings, Mistake> {
        let RegistryConfig { urls, username, password_file, token_file, ca, timeout } = &self.registry;
        let credentials = match (username, password_file, token_file) {
            (Some(username), Some(file), _) => {
                Credentials::Basic { username: username.clone(), password: secret(file)? }
            }
            (_, _, Some(file)) => Credentials::Bearer(secret(file)?),
            (_, _, None) => Credentials::None,
        };
        Ok(registry::Settings { urls: urls.clone(), credentials, ca: ca.clone(), timeout: *timeout })
    }

    fn who(&self) -> Result<Sasl, Mistake> {
        let scram = |mechanism| {
            let password = self.password_file.as_deref().map(secret).transpose()?.unwrap_or_default();
            Ok(Sasl::Scram { mechanism, username: self.username.clone().unwrap_or_default(), password })
        };
        match self.sasl {
            SaslKind::ScramSha512 => scram(Mechanism::Sha512),
            SaslKind::ScramSha256 => scram(Mechanism::Sha256),
            SaslKind::OauthBearer => {
                Ok(Sasl::OauthBearer(TokenSource::File(self.token_file.clone().unwrap_or_default())))
            }
        }
    }
}

fn section(keys: &[(&str, Option<String>)]) -> Value {
    let set = keys.iter().filter_map(|(key, value)| Some(((*key).to_owned(), Value::from(value.clone()?))));
    Value::Table(set.collect())
}

fn absolute(path: Option<&Path>) -> Option<String> {
    Some(std::path::absolute(path?).ok()?.display().to_string())
}

/// What a file of one secret holds, without the end of its line.
fn secret(file: &Path) -> Result<String, Mistake> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Mistake::file(file, &format!("can't be read: {error}; it holds a secret on one line")))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
            Self::None => "none",
        })
    }
}
