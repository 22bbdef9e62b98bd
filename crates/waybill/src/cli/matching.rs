//! The commands about member matching on files.

use std::path::PathBuf;

use clap::Args;

/// Which member of a roster each row of a file speaks of.
#[derive(Clone, Debug, Args)]
pub(crate) struct MatchArgs {
    /// The roster: CSV with a header.
    #[arg(long)]
    pub(crate) roster: PathBuf,
    /// The claims: CSV with a header.
    #[arg(long, required_unless_present = "within", conflicts_with = "within")]
    pub(crate) queries: Option<PathBuf>,
    /// Find the rows of the roster that speak of the same person, instead of judging claims. The answers are pairs of rows, each once,
    /// that match or need a review.
    #[arg(long, conflicts_with = "explain")]
    pub(crate) within: bool,
    /// Where the answers go: `query_id,member_id,probability,decision`, in the order of the claims.
    #[arg(long, required_unless_present = "explain")]
    pub(crate) out: Option<PathBuf>,
    /// The matching policy; without it the one this program was built with.
    #[arg(long)]
    pub(crate) policy: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) columns: ColumnsArgs,
    /// How many threads judge; as many as there are processors unless said. The answers are the same for any number.
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    /// Explain the judgement of this one claim, by its id, instead of judging all.
    #[arg(long, value_name = "QUERY", conflicts_with = "out")]
    pub(crate) explain: Option<String>,
}

/// What the columns of the files are called.
#[derive(Clone, Debug, Args)]
pub(crate) struct ColumnsArgs {
    /// A TOML file that names the columns: tables `roster` and `queries`, each with `key` and the fields, every one a column or a
    /// list of columns to be joined.
    #[arg(long, conflicts_with = "febrl")]
    pub(crate) columns: Option<PathBuf>,
    /// The columns are those of the FEBRL data sets, and so is the policy unless another is named.
    #[arg(long)]
    pub(crate) febrl: bool,
}

/// What to estimate a policy from.
#[derive(Clone, Debug, Args)]
pub(crate) struct FitArgs {
    /// The roster: CSV with a header.
    #[arg(long)]
    pub(crate) roster: PathBuf,
    /// Claims against it: CSV with a header.
    #[arg(long)]
    pub(crate) queries: Option<PathBuf>,
    /// Where the policy goes, its fit report above it.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// The policy to start from; without it the one this program was built with.
    #[arg(long)]
    pub(crate) policy: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) columns: ColumnsArgs,
}
