//! What stands in for `brokers` in a program that was built without Kafka: the embedded log is the only one there is.

use std::convert::Infallible;
use std::path::Path;

use fleet::bus::TopicSpec;
use toml::Table;

use crate::bus::Opened;
use crate::cli::{Schemas, Topics};
use crate::commands::doctor::Finding;
use crate::config::{Config, Reader};
use crate::exit::Failure;

/// There is none.
pub(crate) type KafkaConfig = Infallible;

/// Refuses a configuration that names brokers.
pub(crate) fn read<E: Fn(&str) -> Option<String>>(
    read: &mut Reader<E>,
    _base: &Path,
    is_the_bus: bool,
) -> Option<KafkaConfig> {
    read.ignore(&["kafka.", "registry."]);
    read.require("bus", !is_the_bus, "this program was built without Kafka; build it with its default features");
    None
}

/// Never called: there is no such configuration.
pub(crate) fn open(_config: &Config, kafka: &KafkaConfig) -> Result<Opened, Failure> {
    match *kafka {}
}

/// Never called.
pub(crate) fn sections(kafka: &KafkaConfig) -> Table {
    match *kafka {}
}

/// Never called.
pub(crate) fn prepare(_config: &Config, kafka: &KafkaConfig, _specs: &[TopicSpec]) -> Result<(), Failure> {
    match *kafka {}
}

/// Never called.
pub(crate) fn findings(_config: &Config, kafka: &KafkaConfig) -> Vec<Finding> {
    match *kafka {}
}

/// There are none on brokers.
pub(crate) fn about_topics(_verb: Topics, _config: &Config, _json: bool) -> Result<(), Failure> {
    Err(without_kafka())
}

/// There are none at a registry.
pub(crate) fn about_schemas(_verb: Schemas, _config: &Config, _json: bool) -> Result<(), Failure> {
    Err(without_kafka())
}

fn without_kafka() -> Failure {
    Failure::Input("this program was built without Kafka; build it with its default features".into())
}
