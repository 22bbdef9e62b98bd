//! What readers ask, one file per question. Every answer serialises as it stands, for the command line and its `--json`. Times are
//! milliseconds since the epoch, ids UUID text.

pub mod accounts;
pub mod attention;
pub mod command;
pub mod counts;
pub mod disclosures;
pub mod exchange;
pub mod letters;
pub mod partners;
pub mod request;
pub mod stages;
pub mod submission;
pub mod timeline;
pub mod withdrawals;
