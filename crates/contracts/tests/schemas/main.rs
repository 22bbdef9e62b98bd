//! Holds three things together: the schemas under `schemas/`, the Rust shapes, and the Avro reference implementation.

mod datum;
mod documents;
mod changes;
mod compatibility;
mod evolution;
mod foreign;
mod examples;
mod hostile;
mod marks;
mod names;
mod reference;
mod subjects;
