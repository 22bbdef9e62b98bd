//! The log that a configuration names, and how what is on it is written.

use std::sync::Arc;

use contracts::Codec;
use fleet::bus::Bus;
use fleet::clock::Clock;
use local::Local;

use crate::brokers;
use crate::config::Config;
use crate::exit::Failure;

/// An open log.
pub(crate) struct Opened {
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) codec: Codec,
}

/// Opens the embedded log, or gets ready to work with the brokers.
pub(crate) fn open(config: &Config, clock: &Arc<dyn Clock>) -> Result<Opened, Failure> {
    if let Some(kafka) = &config.kafka {
        return brokers::open(config, kafka);
    }
    let options = local::Options { durability: config.durability, ..local::Options::new(Arc::clone(clock)) };
    Ok(Opened { bus: Arc::new(Local::open(config.log_dir(), options)?), codec: Codec::bundled() })
}
