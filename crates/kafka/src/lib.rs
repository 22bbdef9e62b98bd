//! The bus over Apache Kafka, by librdkafka.
//!
//! - **Implements** [`fleet::bus::Bus`] on brokers of Kafka 3.7 and later: transactions that carry records and a group's offsets,
//!   fencing by stable transactional ids, static membership with the range assignor, read-committed reading.
//! - **Stands on** one librdkafka client for each consumer, producer and reader, and two that only look (one for each isolation).
//!   Their threads belong to librdkafka; here one is started for each producer that consumes offsets and for each member of a group
//!   that ends, since both may take for ever.
//! - **Promises** that a small transaction commits in a few round trips and no wait of a fixed length; that what is fetched ahead is
//!   bounded for each partition, so that one that is flooded or paused holds up no other; that who is refused is told so, in
//!   time and with what to look at, and is not taken for who waits for a broker; that no error, log line or `Debug` shows keys,
//!   values, headers or credentials.
//! - **Never** retries a transaction by itself, subscribes twice under one name, or commits offsets outside a transaction.
//!
//! Order of reading: `settings` says how a client is configured, `kafka` is the bus, then the three who work with it (`consumer`,
//! `producer`, `reader`), and what they share.

mod settings;
mod client_config;

mod kafka;
mod catalogue;
mod observers;
mod groups;

mod consumer;
mod ending;
mod standing;
mod producer;
mod courier;
mod reader;

mod tap;
mod record;
mod passes;
mod holders;
mod pulse;
mod flag;
mod context;
mod complaint;
mod tokens;
mod errors;

pub use groups::GroupStanding;
pub use kafka::Kafka;
pub use settings::{Mechanism, Sasl, Security, Settings, Tls, TokenSource};
