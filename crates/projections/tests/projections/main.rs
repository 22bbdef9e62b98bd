//! Projections over a real log and a real database.

mod anything;
mod event_log;
mod following;
mod history;
mod rebuilding;
mod stage;
mod asking;
mod documented;
