//! Projections over a real log and a real database, a SQLite file. `tests/postgres` runs the same cases over Postgres.

mod anything;
mod as_of;
mod engine;
mod event_log;
mod files;
mod following;
mod history;
mod rebuilding;
mod stage;
mod asking;
mod documented;
