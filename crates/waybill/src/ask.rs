//! What may be asked of a deployment, one variant per verb. The command line asks a running process over its admin endpoint, or
//! carries out the same by itself when none runs; both speak this.

use std::fmt;

use domain::ids::OperatorId;
use domain::messages::{AttemptRef, CommandAction, CommandTarget, Verdict};
use domain::{Code, Lane, LetterId, PartnerId, RecordId, RequestId, SourceId, State, Timestamp};
use serde::{Deserialize, Serialize};

use crate::cli::By;

/// One question or instruction, as JSON tagged by `verb`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
pub(crate) enum Ask {
    /// Send submissions to intake, all of them or none.
    Submit {
        /// The lane's topic to produce to; that of each submission's service class, if none.
        lane: Option<Lane>,
        /// One `IntakeRequest` a line.
        lines: Lines,
    },
    /// Publish roster records.
    LoadMembers {
        /// One member a line.
        lines: Lines,
    },
    /// What a source was told.
    Outcomes {
        /// The source.
        source: SourceId,
        /// Only about this request or submission.
        id: Option<RecordId>,
        /// The newest so many.
        limit: usize,
    },
    /// Give a command.
    Command(Intent),
    /// Counts by state, what is pending and how far each stage lags.
    Status,
    /// Requests by what they have in common, those that have been in their state longest first.
    Requests {
        /// The state.
        state: Option<State>,
        /// The reason.
        code: Option<Code>,
        /// The source.
        source: Option<SourceId>,
        /// The other payer.
        partner: Option<PartnerId>,
        /// Only those that have not ended.
        open: bool,
        /// So many.
        limit: u32,
        /// How things stood then; now, if none.
        as_of: Option<Timestamp>,
    },
    /// One request's timeline.
    Trace {
        /// The request, or the submission that was refused.
        request_id: RequestId,
        /// How things stood then; now, if none.
        as_of: Option<Timestamp>,
    },
    /// The same, by what its source calls it.
    TraceKey {
        /// The source.
        source: SourceId,
        /// Its idempotency key.
        key: String,
        /// How things stood then; now, if none.
        as_of: Option<Timestamp>,
    },
    /// Dead letters, the newest first.
    Letters {
        /// Also those a person has settled.
        settled: bool,
        /// The newest so many.
        limit: u32,
    },
    /// Dead letters by cause.
    LetterGroups,
    /// One dead letter.
    Letter {
        /// The letter.
        letter_id: LetterId,
    },
    /// Reviews that wait for a decision, with their candidates.
    Reviews,
    /// What a review is about, in the clear, once it is on record who looks.
    OpenReview {
        /// The request.
        request_id: RequestId,
        /// Who looks.
        look: Look,
    },
    /// Why identity decided as it did; with a look also what the claim says, and how it is judged today.
    Explain {
        /// The request.
        request_id: RequestId,
        /// Who looks at what is sealed; nobody, if none.
        look: Option<Look>,
    },
    /// Make the projections once more from the log, prove them equal to the live ones, and put them in their place.
    RebuildProjections,
    /// Put a matching policy in force, or rehearse it.
    PublishPolicy {
        /// Its text.
        text: String,
        /// Whether it is rehearsed only.
        rehearsed: bool,
        /// Who wants it.
        operator: OperatorId,
        /// Also if its version is not newer than that of the policy in force.
        again: bool,
    },
    /// Let the rehearsed policy act on a share of the requests.
    RollOutPolicy {
        /// On so many of a hundred.
        percent: u8,
        /// On those of these payers.
        partners: Vec<PartnerId>,
        /// Who wants it.
        operator: OperatorId,
    },
    /// Take something of the matching policies back.
    TakeBackPolicy {
        /// What.
        what: TakeBack,
    },
    /// Which matching policies there are and for whom.
    Policies,
    /// What was rehearsed, and where it differs from what was decided.
    Rehearsals {
        /// From this moment on; since the rehearsal began, if none.
        since: Option<Timestamp>,
    },
    /// Decide what came to identity once more, by another policy.
    ReplayPolicy {
        /// The policy's text.
        text: String,
        /// From this moment on.
        since: Timestamp,
        /// Up to this one; to the end, if none.
        until: Option<Timestamp>,
    },
    /// How well members are identified.
    IdentityReport {
        /// From this moment on; the last 30 days, if none.
        since: Option<Timestamp>,
        /// By what it is broken down.
        by: Option<By>,
    },
    /// Whose words stand on the roster.
    Sources,
    /// Matches that were withdrawn.
    Withdrawals {
        /// From this moment on; all, if none.
        since: Option<Timestamp>,
        /// So many.
        limit: u32,
    },
    /// What left us or came about a member.
    Disclosures {
        /// The enrolment system's key of one of their accounts.
        member_key: String,
    },
    /// Who is taken to be guessing.
    Guesses,
}

/// What is taken back of the matching policies.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TakeBack {
    /// The share that the rehearsed policy acts on.
    Share,
    /// The rehearsal, and with it its share.
    Rehearsal,
    /// The rehearsal, or where there is none the activated policy.
    LastStep,
    /// The rehearsal and the activated policy.
    All,
}

/// Who looks at what is sealed, and why; both go on record before anything is opened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Look {
    /// Who looks.
    pub(crate) operator: OperatorId,
    /// Why, in the operator's words; no PHI. Looking is reason enough where it is empty.
    pub(crate) reason: String,
}

/// What a person wants done, and why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Intent {
    /// What it is about.
    pub(crate) target: CommandTarget,
    /// What is wanted.
    pub(crate) action: CommandAction,
    /// Who wants it.
    pub(crate) operator: OperatorId,
    /// Why, in the operator's words; no PHI.
    pub(crate) reason: String,
    /// The answer, where the action asks for one.
    pub(crate) verdict: Option<Verdict>,
    /// The state the operator saw.
    pub(crate) expected_state: Option<State>,
    /// The attempt whose outcome is unknown, where it is that which is told.
    #[serde(default)]
    pub(crate) about: Option<AttemptRef>,
}

/// JSON lines as they were handed in. They carry PHI, so they are never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Lines(pub(crate) String);

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lines({} bytes)", self.0.len())
    }
}

impl Ask {
    /// Reads the JSON of an ask; the error says what is wrong without repeating content.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, String> {
        let value: serde_json::Value =
            serde_json::from_slice(text).map_err(|error| format!("no JSON at column {}", error.column()))?;
        contracts::json::from_json(value.clone()).map_err(|_| crate::service::lines::fault::<Self>(&value))
    }

    /// Whether it reads and computes much.
    pub(crate) fn is_long(&self) -> bool {
        matches!(self, Self::ReplayPolicy { .. } | Self::Sources)
    }

    /// Whether it leaves something on the log for workers to do.
    pub(crate) fn is_work(&self) -> bool {
        matches!(self, Self::Submit { .. } | Self::Command(_))
    }

    /// The JSON of this ask.
    pub(crate) fn to_json(&self) -> Result<String, serde_json::Error> {
        contracts::json::to_json(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_reads_back_from_its_json() {
        let intent = |target, action, verdict| {
            Ask::Command(Intent {
                target,
                action,
                operator: "sam".into(),
                reason: "asked by telephone".into(),
                verdict,
                expected_state: Some(State::InReview),
                about: None,
            })
        };
        let request_id = RequestId([1; 16]);
        let member = Verdict::IsMember { member_token: domain::Token([2; 16]) };
        let asks = [
            Ask::Submit { lane: Some(Lane::Bulk), lines: Lines("{}".into()) },
            Ask::LoadMembers { lines: Lines("{}".into()) },
            Ask::Outcomes { source: "enrolment".into(), id: Some(RecordId([3; 16])), limit: 7 },
            intent(CommandTarget::RequestTarget { request_id }, CommandAction::DecideReview, Some(member)),
            intent(CommandTarget::LetterTarget { letter_id: LetterId([4; 16]) }, CommandAction::ReplayLetter, None),
            Ask::Status,
            Ask::Requests {
                state: Some(State::Exception),
                code: Some(Code::CountMismatch),
                source: Some("enrolment".into()),
                partner: None,
                open: true,
                limit: 3,
                as_of: Some(Timestamp(5)),
            },
            Ask::Trace { request_id, as_of: None },
            Ask::TraceKey { source: "enrolment".into(), key: "k".into(), as_of: None },
            Ask::Letters { settled: true, limit: 9 },
            Ask::LetterGroups,
            Ask::Letter { letter_id: LetterId([4; 16]) },
            Ask::Reviews,
            Ask::OpenReview { request_id, look: Look { operator: "sam".into(), reason: String::new() } },
            Ask::Explain { request_id, look: None },
            Ask::RebuildProjections,
            Ask::PublishPolicy { text: "version = 2".into(), rehearsed: true, operator: "sam".into(), again: false },
            Ask::RollOutPolicy { percent: 5, partners: vec!["evergreen".into()], operator: "sam".into() },
            Ask::TakeBackPolicy { what: TakeBack::LastStep },
            Ask::Policies,
            Ask::Rehearsals { since: Some(Timestamp(5)) },
            Ask::ReplayPolicy { text: "version = 2".into(), since: Timestamp(5), until: None },
            Ask::IdentityReport { since: None, by: Some(By::Partner) },
            Ask::Sources,
            Ask::Withdrawals { since: Some(Timestamp(5)), limit: 7 },
            Ask::Disclosures { member_key: "M-1".into() },
            Ask::Guesses,
        ];
        for ask in asks {
            let json = ask.to_json().expect("JSON");
            assert_eq!(Ask::parse(json.as_bytes()), Ok(ask), "{json}");
        }
    }

    #[test]
    fn a_wrong_ask_is_told_what_is_wrong_and_nothing_of_it_is_repeated() {
        let told = |text: &str| Ask::parse(text.as_bytes()).expect_err("wrong");
        assert_eq!(told("{\"verb\""), "no JSON at column 7");
        assert!(told("{\"verb\": \"Smith\"}").contains("expected one of `submit`, `load_members`"));
        assert!(told("{\"verb\": \"trace\"}").contains("missing field `request_id`"));
        let id = told("{\"verb\": \"trace\", \"request_id\": \"Smith\"}");
        assert!(id.contains("expected a UUID") && !id.contains("Smith"), "{id}");
        assert!(!told("{\"verb\": \"Smith, expected x\"}").contains("Smith"));
    }

    #[test]
    fn lines_are_never_shown() {
        let ask = Ask::LoadMembers { lines: Lines("{\"family\": \"Okonkwo\"}".into()) };
        assert!(!format!("{ask:?}").contains("Okonkwo"));
    }
}
