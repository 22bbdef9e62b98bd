//! The commands about how members are identified.

use clap::{Args, Subcommand, ValueEnum};
use domain::Timestamp;
use serde::{Deserialize, Serialize};

use super::operations::{ExplainArgs, moment};

/// How members are identified.
#[derive(Debug, Subcommand)]
pub(crate) enum IdentityVerb {
    /// Why a request was matched, was not, or went to review: fields, agreement, weights, the likeliest alternative.
    Explain(ExplainArgs),
    /// How well members are identified: rates, what reviewers said against what the machine thought, withdrawals, and the change against
    /// the time before.
    #[command(after_help = DEFINITIONS)]
    Report(ReportArgs),
    /// Matches that the roster no longer bears out, the newest first: whether the request was closed by then, and whom data went to that may
    /// be somebody else's. Nobody is told by the machine of one that was closed.
    Withdrawn(WithdrawnArgs),
    /// What left us or came to us about a member, in time's order: the accounting they may ask for. Whichever of their accounts is named,
    /// what was matched to an account that was merged into theirs is told as well. Reads the whole roster.
    Disclosures {
        /// The enrolment system's key of the account.
        member_key: String,
    },
    /// Whose word stands on the roster where sources differ, part by part of a record. Reads the whole roster, and shows numbers alone.
    Sources,
    /// Who is taken to be guessing and is not answered for a while: until when, what was varied, and how many values were tried.
    Guard,
}

const DEFINITIONS: &str = "\
A request counts in the time in which the machine decided it; what a reviewer said counts with it, whenever that came.
  judged       requests the machine decided; those of a caller who is not answered for guessing are `throttled` and not among them
  found        a review that ended in a member
  likeliest    a review that ended in the member whom the machine held for the likeliest
  withdrawn    a match that the roster no longer bore out later
  precision    of the matches, the share that was not withdrawn: what came to light, so an upper bound
  recall       of all who were found to be ours, by the machine and not withdrawn or by a reviewer, the share the machine found alone
  from ppm     reviews whose probability was at least so much: which share ended in a member (precision), and which share of all reviews
               that did these are (recall), as if the machine had matched from there on
Undecided reviews are in neither precision nor recall.";

/// Over which time, and by what.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct ReportArgs {
    /// Decisions from this moment on: 2026-11-26T18:00Z, or a day. The last 30 days unless said. The time before, of the same length, is
    /// what they are compared with.
    #[arg(long, value_parser = moment)]
    pub(crate) since: Option<Timestamp>,
    /// Break the figures down.
    #[arg(long, value_enum)]
    pub(crate) by: Option<By>,
}

/// Which withdrawals.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct WithdrawnArgs {
    /// Withdrawn from this moment on: 2026-11-26T18:00Z, or a day. All unless said.
    #[arg(long, value_parser = moment)]
    pub(crate) since: Option<Timestamp>,
    /// The newest so many.
    #[arg(long, default_value_t = 100)]
    pub(crate) limit: u32,
}

/// What figures are broken down by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    /// The upstream system.
    Source,
    /// The other payer.
    Partner,
    /// What is to be done with the request.
    Kind,
}
