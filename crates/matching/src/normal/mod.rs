//! Normalising: what a record says, brought once into the form in which it is compared. Each room tells what it takes for the same,
//! and what it takes for nothing.

mod word;
mod vocabulary;
mod placeholder;
pub(crate) mod name;
pub(crate) mod nickname;
pub(crate) mod date;
mod address;
mod contact;
pub(crate) mod identifier;
mod record;
pub(crate) mod sound;

pub(crate) use identifier::spell;
pub use record::{Normal, Sex, Suffix};
pub use word::Word;
pub(crate) use word::mix;
