//! Holds three things together: the schemas under `schemas/`, the Rust shapes, and the Avro reference implementation.

mod datum;
mod documents;
mod evolution;
mod examples;
mod hostile;
mod marks;
mod names;
mod reference;
mod subjects;
