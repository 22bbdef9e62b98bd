//! `waybill identity`: why a request was decided as it was, how well members are identified, and who is taken to be guessing.

use super::reviews;
use crate::ask::Ask;
use crate::cli::{IdentityVerb, ReportArgs, WithdrawnArgs};
use crate::client;
use crate::config::Config;
use crate::exit::Failure;
use crate::show;

/// Asks, and prints the answer.
pub(super) fn carry_out(verb: IdentityVerb, config: &Config, json: bool) -> Result<(), Failure> {
    let ask = match verb {
        IdentityVerb::Explain(args) => reviews::explain(args),
        IdentityVerb::Report(ReportArgs { since, by }) => Ask::IdentityReport { since, by },
        IdentityVerb::Withdrawn(WithdrawnArgs { since, limit }) => Ask::Withdrawals { since, limit },
        IdentityVerb::Disclosures { member_key } => Ask::Disclosures { member_key },
        IdentityVerb::Sources => Ask::Sources,
        IdentityVerb::Guard => Ask::Guesses,
    };
    let answer = client::ask(config, &ask, json)?;
    if !json && matches!(ask, Ask::Explain { .. }) {
        show::tell(&reviews::explanation(&answer))
    } else {
        show::print(&answer, json)
    }
}
