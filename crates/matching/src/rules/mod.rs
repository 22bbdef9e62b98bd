//! The deterministic path: the rules of the CMS Patient Matching Proposal, from a versioned policy file.
//!
//! ```
//! use matching::rules::{Nicknames, Outcome, Reader, Record, Roster, RuleBook};
//! # let (policy, names) = (include_str!("../../../../deploy/policy/cms-matching.toml"), include_str!("../../../../deploy/policy/nicknames.txt"));
//! let book = std::sync::Arc::new(RuleBook::parse(policy).expect("a policy"));
//! let reader = Reader::new(&book, Nicknames::parse(names), 20_784);
//! let roster = Roster::new(book.clone(), [("m-1".into(), reader.read(&Record::default()))]);
//! assert_eq!(roster.judge(&reader.read(&Record::default())).outcome, Outcome::InsufficientFields);
//! ```
//!
//! A [`Record`] is read into [`Values`], a [`Roster`] of them is indexed by what the book's rules can be looked up by, and judges
//! claims: a [`Verdict`] with the outcome, and for each candidate the rules that fired, how their fields agree and the product of
//! their chances. The same book, roster and claim give the same verdict whatever the order of the roster.
//!
//! A rule that fires is evidence. Rules look at pairs; twins, namesakes and relatives who are not on the roster are beyond them, so a
//! decision may demote what they approve and must not promote what they don't. `README.md` beside this file has the figures, and
//! every difference from the published reference.

mod agreement;
mod book;
mod diff;
mod directory;
mod explain;
mod field;
mod judge;
mod keys;
mod product;
mod reading;
mod record;
mod roster;
mod symbols;
mod values;
mod verdict;

#[cfg(test)]
mod tests;

pub use book::{Fuzzy, GivenNames, Odds, Placeholders, PolicyError, ReadingPolicy, Rule, RuleBook, RuleId, Twins};
pub use diff::differences;
pub use explain::explain;
pub use field::{Field, FieldSet};
pub use product::Product;
pub use reading::{Nicknames, Reader};
pub use record::{Address, Identifier, Kind, Name, Record};
pub use roster::Roster;
pub use values::{Generations, Values};
pub use verdict::{Agreement, Approval, Candidate, Objection, Outcome, Outcomes, Verdict, Withdrawal};
