//! A deployment on Kafka: its configuration, its connection, its schemas' ids, and what an administrator does before its first
//! start. Built with the feature `kafka`; `no_brokers.rs` stands here without it.

mod config;
mod doctor;
mod schemas;
mod topics;

use std::sync::Arc;
use std::time::Duration;

use contracts::Codec;
use fleet::bus::{Bus as _, TopicSpec};
use kafka::{Kafka, Settings};
use registry::{Cache, IdResolver, Limits, Registry, RegistryError};
use tokio::runtime::Builder;
use toml::Table;

use crate::bus::Opened;
use crate::cli::{Schemas, Topics};
use crate::config::{Config, Mistake};
use crate::exit::Failure;
use crate::secrets::described;

pub(crate) use config::{KafkaConfig, read};
pub(crate) use doctor::findings;

/// Gets ready to work with the brokers.
pub(crate) fn open(config: &Config, kafka: &KafkaConfig) -> Result<Opened, Failure> {
    Ok(Opened { bus: Arc::new(connect(config, kafka)?), codec: codec(config, kafka)? })
}

/// What `waybill topics` asks for.
pub(crate) fn about_topics(verb: Topics, config: &Config, json: bool) -> Result<(), Failure> {
    topics::carry_out(verb, config, config.kafka.as_ref().ok_or_else(not_on_kafka)?, json)
}

/// What `waybill schemas` asks for.
pub(crate) fn about_schemas(verb: Schemas, config: &Config, json: bool) -> Result<(), Failure> {
    schemas::carry_out(verb, config, config.kafka.as_ref().ok_or_else(not_on_kafka)?, json)
}

/// The sections of a configuration that lead to the same brokers.
pub(crate) fn sections(kafka: &KafkaConfig) -> Table {
    kafka.sections()
}

/// What has to be there before the first start: the schemas at the registry and the topics on the brokers.
pub(crate) fn prepare(config: &Config, kafka: &KafkaConfig, specs: &[TopicSpec]) -> Result<(), Failure> {
    ask_registry(kafka, async |registry| registry.register().await)?;
    Ok(connect(config, kafka)?.create_topics(specs)?)
}

fn not_on_kafka() -> Failure {
    Failure::Input(
        "the log is embedded: its topics and schemas come with it; set bus = \"kafka\" for one on brokers".into(),
    )
}

/// A connection to the brokers.
fn connect(config: &Config, kafka: &KafkaConfig) -> Result<Kafka, Failure> {
    let settings = kafka.settings(&config.writer(config.process_name())).map_err(mistaken)?;
    Ok(Kafka::connect(Settings { transaction_timeout: transaction_timeout(config.fleet.session_timeout), ..settings })?)
}

/// How long a transaction may stay open. Whoever takes partitions over waits for the session of the process that has gone, and for
/// what it left open, so one is not to last longer than the other; a large turn on a busy machine has to get through all the same.
fn transaction_timeout(session_timeout: Duration) -> Duration {
    session_timeout.clamp(TRANSACTION_MIN, Settings::TRANSACTION_TIMEOUT)
}

const TRANSACTION_MIN: Duration = Duration::from_secs(5);

/// A runtime and a client for one conversation with the registry.
fn ask_registry<T>(
    kafka: &KafkaConfig,
    conversation: impl AsyncFnOnce(Registry) -> Result<T, RegistryError>,
) -> Result<T, Failure> {
    let settings = kafka.registry().map_err(mistaken)?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| Failure::Other(error.into()))?;
    let registry = Registry::new(&settings).map_err(|error| failed(&error))?;
    runtime.block_on(conversation(registry)).map_err(|error| failed(&error))
}

/// What values are written and read with: the registry's ids, or those it gave when it last answered.
fn codec(config: &Config, kafka: &KafkaConfig) -> Result<Codec, Failure> {
    let cache = Cache::in_directory(&config.data_dir);
    let opened = ask_registry(kafka, async |registry| registry::open(&registry, &cache).await)?;
    let settings = kafka.registry().map_err(mistaken)?;
    let resolver = IdResolver::start(&settings, Some(cache), Limits::default()).map_err(|error| failed(&error))?;
    Ok(Codec::new(opened.catalogue).with_resolver(Arc::new(resolver)))
}

fn mistaken(mistake: Mistake) -> Failure {
    Failure::Config(vec![mistake])
}

fn failed(error: &RegistryError) -> Failure {
    let message = described(error);
    match error {
        RegistryError::Settings(_) => Failure::Config(vec![Mistake { path: "registry".into(), message }]),
        RegistryError::Unavailable(_)
        | RegistryError::Unauthorised(_)
        | RegistryError::Unexpected(_)
        | RegistryError::Refused { .. }
        | RegistryError::Unregistered { .. }
        | RegistryError::NoIds { .. } => Failure::Unavailable(message),
        RegistryError::Thread(_) | RegistryError::Catalogue(_) => Failure::Other(anyhow::anyhow!(message)),
    }
}
