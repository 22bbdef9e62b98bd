//! `waybill identity`: how well members are identified, and who is taken to be guessing.

use crate::ask::Ask;
use crate::cli::{IdentityVerb, ReportArgs};
use crate::client;
use crate::config::Config;
use crate::exit::Failure;
use crate::show;

/// Asks, and prints the answer.
pub(super) fn carry_out(verb: &IdentityVerb, config: &Config, json: bool) -> Result<(), Failure> {
    let ask = match *verb {
        IdentityVerb::Report(ReportArgs { since, by }) => Ask::IdentityReport { since, by },
        IdentityVerb::Guard => Ask::Guesses,
    };
    show::print(&client::ask(config, &ask)?, json)
}
