//! The commands that ask something of a deployment, whether it runs or not.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use domain::{Code, LetterId, PartnerId, RecordId, RequestId, SourceId, State, Timestamp, Token};

/// Commands that a running process carries out if there is one, and otherwise this one.
#[derive(Debug, Subcommand)]
pub(crate) enum Operation {
    /// Send submissions to intake: one JSON `IntakeRequest` a line, all of them or none.
    Submit(SubmitArgs),
    /// What a source was told about its submissions.
    Outcomes(OutcomesArgs),
    /// Counts by state with the age of the oldest, what waits for a person, and what each stage has before it.
    Status,
    /// Requests by state, reason, source or partner, those that have been there longest first.
    Requests(RequestsArgs),
    /// One request's timeline: what happened, who did it, why, and how long it took.
    Trace(TraceArgs),
    /// The roster that identity searches.
    #[command(subcommand)]
    Members(Members),
    /// Dead letters: records, timers and partners' answers that a stage could not decide.
    #[command(subcommand)]
    Letters(Letters),
    /// Reviews: uncertain identities that a person decides.
    #[command(subcommand)]
    Review(Review),
    /// Ask for a request to end; an effect at the partner is undone.
    Cancel(RequestArgs),
    /// Stop a request until it is released.
    Hold(RequestArgs),
    /// Let a held request go on, or one to its end whose delivery was disputed and is settled.
    Release(RequestArgs),
    /// Say how an unknown outcome at a partner turned out.
    Resolve(ResolveArgs),
    /// What the event log says, as SQL rows.
    #[command(subcommand)]
    Projections(Projections),
}

/// The projections.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum Projections {
    /// Make them once more from the log, prove them equal to the live ones by row hash, and put them in their place.
    Rebuild,
}

/// What to submit.
#[derive(Debug, Args)]
pub(crate) struct SubmitArgs {
    /// A file of JSON lines; `-` reads standard input.
    pub(crate) file: PathBuf,
    /// The lane to produce to, instead of that of each submission's service class.
    #[arg(long, value_enum)]
    pub(crate) lane: Option<LaneName>,
}

/// A lane by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LaneName {
    /// First.
    Urgent,
    /// Next.
    Standard,
    /// Last, with a reserved share.
    Bulk,
}

/// Whose outcomes.
#[derive(Debug, Args)]
pub(crate) struct OutcomesArgs {
    /// The source.
    #[arg(long)]
    pub(crate) source: SourceId,
    /// Only about this request or submission.
    #[arg(long)]
    pub(crate) id: Option<RecordId>,
    /// The newest so many.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: usize,
}

/// Which requests.
#[derive(Debug, Args)]
pub(crate) struct RequestsArgs {
    /// Only those in this state.
    #[arg(long, value_parser = state)]
    pub(crate) state: Option<State>,
    /// Only those in their state for this reason; `waybill reasons` lists them.
    #[arg(long, value_parser = code)]
    pub(crate) code: Option<Code>,
    /// Only those of this source.
    #[arg(long)]
    pub(crate) source: Option<SourceId>,
    /// Only those with this payer.
    #[arg(long)]
    pub(crate) partner: Option<PartnerId>,
    /// Only those that have not ended.
    #[arg(long)]
    pub(crate) open: bool,
    /// So many.
    #[arg(long, default_value_t = 100)]
    pub(crate) limit: u32,
    /// How they stood at this moment, by what was on the log then: 2026-11-26T18:00Z, or a day. Reads the log from its beginning.
    #[arg(long, value_parser = moment)]
    pub(crate) as_of: Option<Timestamp>,
}

/// Which request.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("named").required(true).args(["request", "source"])))]
pub(crate) struct TraceArgs {
    /// The request's id, or that of a refused submission.
    pub(crate) request: Option<RequestId>,
    /// The source that submitted it.
    #[arg(long, requires = "key")]
    pub(crate) source: Option<SourceId>,
    /// The idempotency key that source gave it.
    #[arg(long, requires = "source")]
    pub(crate) key: Option<String>,
    /// How it stood at this moment, by what was on the log then: 2026-11-26T18:00Z, or a day. Reads the log from its beginning.
    #[arg(long, value_parser = moment)]
    pub(crate) as_of: Option<Timestamp>,
}

/// The roster.
#[derive(Debug, Subcommand)]
pub(crate) enum Members {
    /// Publish roster records: one JSON object a line, with `member_key`, `member`, `coverages` and perhaps `merged_into`; `source` and
    /// `as_of` where the record is not the enrolment system's of today, and in `others` what other systems say of the same person.
    Load {
        /// A file of JSON lines; `-` reads standard input.
        file: PathBuf,
    },
}

/// Dead letters.
#[derive(Debug, Subcommand)]
pub(crate) enum Letters {
    /// The letters that wait, the newest first.
    List {
        /// Also those that were replayed or discarded.
        #[arg(long)]
        all: bool,
        /// The newest so many.
        #[arg(long, default_value_t = 1_000)]
        limit: u32,
    },
    /// How many there are of each cause, and how many of them wait.
    Groups,
    /// One letter with everything but its sealed content.
    Show {
        /// The letter.
        letter: LetterId,
    },
    /// Send a letter's record back to its stage. That of a timer or an answer has none, and is refused: its stage takes it up again when
    /// it starts.
    Replay(LetterArgs),
    /// Put a letter aside for good.
    Discard(LetterArgs),
}

/// Which letter, who says so and why.
#[derive(Debug, Args)]
pub(crate) struct LetterArgs {
    /// The letter.
    pub(crate) letter: LetterId,
    #[command(flatten)]
    pub(crate) intent: IntentArgs,
}

/// Reviews.
#[derive(Debug, Subcommand)]
pub(crate) enum Review {
    /// The open reviews, with those there are to choose from.
    List,
    /// Look at one: puts on record that you do, then shows both records side by side. They are protected health information.
    Open(StepArgs),
    /// Take one as its owner: from then on the verdict is yours.
    Take(StepArgs),
    /// Ask the source for more; the reason says what is missing. It decides nothing.
    Ask(AskArgs),
    /// Decide one.
    Decide(DecideArgs),
    /// Have a decision that it is nobody, which has not taken effect yet, taken again.
    Appeal(StepArgs),
}

/// Which request, and whether to look at what is sealed.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The request.
    pub(crate) request: RequestId,
    /// Put on record that you look; then show claim and roster, how the claim is judged today, and what would turn that. It is
    /// protected health information.
    #[arg(long, requires = "operator")]
    pub(crate) open: bool,
    /// Your name as an operator.
    #[arg(long, visible_alias = "as", env = "WAYBILL_OPERATOR", value_parser = said)]
    pub(crate) operator: Option<String>,
    /// Why you look, in your words; nothing that identifies the member.
    #[arg(long, value_parser = said)]
    pub(crate) reason: Option<String>,
}

/// A step of a review: which request, and who does it.
#[derive(Debug, Args)]
pub(crate) struct StepArgs {
    /// The request.
    pub(crate) request: RequestId,
    /// Your name as an operator.
    #[arg(long, visible_alias = "as", env = "WAYBILL_OPERATOR", value_parser = said)]
    pub(crate) operator: String,
    /// Why, in your words; nothing that identifies the member.
    #[arg(long, value_parser = said)]
    pub(crate) reason: Option<String>,
}

/// What is asked of the source.
#[derive(Debug, Args)]
pub(crate) struct AskArgs {
    /// The request.
    pub(crate) request: RequestId,
    /// Your name as an operator.
    #[arg(long, visible_alias = "as", env = "WAYBILL_OPERATOR", value_parser = said)]
    pub(crate) operator: String,
    /// What is missing, in your words; nothing that identifies the member.
    #[arg(long, value_parser = said)]
    pub(crate) reason: String,
}

/// What a review comes to.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("verdict").required(true).args(["member", "nobody"])))]
pub(crate) struct DecideArgs {
    /// The request.
    pub(crate) request: RequestId,
    /// It is this member, by the token that `review list` shows.
    #[arg(long)]
    pub(crate) member: Option<Token>,
    /// It is nobody of ours.
    #[arg(long)]
    pub(crate) nobody: bool,
    #[command(flatten)]
    pub(crate) intent: IntentArgs,
}

/// Which request, who says so and why.
#[derive(Debug, Args)]
pub(crate) struct RequestArgs {
    /// The request.
    pub(crate) request: RequestId,
    #[command(flatten)]
    pub(crate) intent: IntentArgs,
}

/// How an unknown outcome turned out.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("turned-out").required(true).args(["took_effect", "no_effect"])))]
pub(crate) struct ResolveArgs {
    /// The request.
    pub(crate) request: RequestId,
    /// The attempt whose outcome is unknown, as `waybill trace` numbers it.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) attempt: u32,
    /// It is an attempt to undo what the partner did.
    #[arg(long)]
    pub(crate) undoing: bool,
    /// The partner did what it was asked.
    #[arg(long)]
    pub(crate) took_effect: bool,
    /// The partner did not.
    #[arg(long)]
    pub(crate) no_effect: bool,
    #[command(flatten)]
    pub(crate) intent: IntentArgs,
}

/// Who wants something, and why; both go on record.
#[derive(Debug, Args)]
pub(crate) struct IntentArgs {
    /// Why, in your words; nothing that identifies the member.
    #[arg(long, value_parser = said)]
    pub(crate) reason: String,
    /// Your name as an operator.
    #[arg(long, visible_alias = "as", env = "WAYBILL_OPERATOR", value_parser = said)]
    pub(crate) operator: String,
    /// The state you saw; in another one the command is refused as stale.
    #[arg(long, value_parser = state)]
    pub(crate) expected_state: Option<State>,
}

/// What goes on record must say something.
pub(super) fn said(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() { Err("it goes on record, so it can't be blank".to_owned()) } else { Ok(text.to_owned()) }
}

pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).ok_or_else(|| "expected a moment in UTC, as in 2026-11-26T18:00:00Z, or a day".to_owned())
}

fn code(text: &str) -> Result<Code, String> {
    let known = Code::ALL.iter().find(|code| code.as_str() == text);
    known.copied().ok_or_else(|| "no such reason; `waybill reasons` lists them".to_owned())
}

fn state(text: &str) -> Result<State, String> {
    let names = || State::ALL.map(State::as_str).join(", ");
    State::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| format!("expected one of {}", names()))
}
