//! What reconciliation remembers: every request it watches, and for a while what became of those that have ended.

use bytes::Bytes;
use domain::ids::OperatorId;
use domain::messages::{AttemptRef, Command, CommandAction, CommandTarget, Context, Route, Verdict, Workflow};
use domain::{
    Code, CommandId, CorrelationId, LetterId, Lifecycle, MemoryEntry, MemoryKey, RequestId, SourceId, State,
    TerminalOutcome, Timestamp, Trace,
};
use serde::{Deserialize, Serialize};

/// The key of an entry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Key {
    /// A request, from its first event until it is forgotten.
    Request(RequestId),
    /// The commands about a request that came before what gives them their place was read.
    Early(RequestId),
}

/// An entry.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Entry {
    /// A request that is open, or has ended while an effect of it may still come to light.
    WatchedRequest(Box<WatchedRequest>),
    /// A request that has ended for good: enough to repeat its outcome to a source that asks again.
    EndedRequest(Box<EndedRequest>),
    /// Commands that can't be carried out by what was read so far.
    EarlyCommands(Box<EarlyCommands>),
}

/// All there is to know for supervising one request.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct WatchedRequest {
    /// What its stages need to know, for work sent back to them. `due_by` moves when a hold is released.
    pub context: Context,
    /// What the log says, as far as it was read.
    pub lifecycle: Lifecycle,
    /// What the log will say once the supervisor's own facts have come back; none when all have.
    pub ahead: Option<Box<Ahead>>,
    /// The trace of the submission; whatever the supervisor does belongs to it.
    pub trace: Trace,
    /// Where dispatch works on it, once it does.
    pub route: Option<Route>,
    /// The partner's own reference, once there is one.
    pub reference: Option<String>,
    /// The letter that blocks it.
    pub blocked_by: Option<LetterId>,
    /// Since when its work stands still by command, whatever state lies over the hold.
    pub held_since: Option<Timestamp>,
    /// Whether a person has to find out how an attempt ended.
    pub unresolved: bool,
    /// Which attempt that is; none where it was remembered by a version that did not tell. Few requests have one.
    #[serde(default)]
    pub unknown: Option<Box<AttemptRef>>,
    /// Whether the request's own clock has run out; it does so once.
    pub overdue: bool,
    /// Whether its match was taken back: nothing that still comes of it fulfils it.
    #[serde(default)]
    pub withdrawn: bool,
    /// How often the exception has moved to a next owner.
    pub tier: u32,
    /// Why it is in exception, or why it has ended.
    pub code: Option<Code>,
    /// How it has ended, as the source was told.
    pub ended: Option<TerminalOutcome>,
    /// How far an effect that came after the end is undone.
    pub undo: Undo,
    /// When undoing it began, or else when the request was closed.
    pub settled_at: Timestamp,
    /// The last state its source was told.
    pub told: Option<State>,
    /// The last commands judged; one that comes again is not judged again.
    pub commands: Vec<CommandId>,
    /// When it is to be looked at again.
    pub wake: Timestamp,
}

/// The supervisor's own facts that were written and not yet read back, as what they lead to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ahead {
    /// The lifecycle with those facts folded in. Its running hash means nothing: the values are not known yet.
    pub lifecycle: Lifecycle,
    /// How many facts are still to come back.
    pub unread: u32,
}

/// How far an effect that came after the end is undone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undo {
    /// There is none.
    #[default]
    None,
    /// Dispatch is undoing it.
    Running,
    /// It was undone.
    Done,
    /// It could not be undone by machine; an owner was named.
    Failed,
}

/// What is left of a request that has ended for good.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EndedRequest {
    /// The upstream system.
    pub source: SourceId,
    /// What it was to do.
    pub workflow: Workflow,
    /// How it ended.
    pub outcome: TerminalOutcome,
    /// Why, where there is something to explain.
    pub code: Option<Code>,
    /// When it must have ended.
    pub due_by: Timestamp,
    /// When it ended.
    pub at: Timestamp,
    /// When this is forgotten.
    pub forget_at: Timestamp,
    /// The last commands judged.
    pub commands: Vec<CommandId>,
    /// The source's own thread, repeated in every outcome.
    pub correlation_id: Option<CorrelationId>,
}

/// Commands that wait until the log was read to its end: only then is it certain that they have no place.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct EarlyCommands {
    /// When they are judged at the earliest: then the log was read to where it ended at that moment.
    pub judge_at: Timestamp,
    /// The commands, in the order they came.
    pub commands: Vec<EarlyCommand>,
}

/// A command.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EarlyCommand {
    /// The intent.
    pub command_id: CommandId,
    /// What is wanted.
    pub action: CommandAction,
    /// Who wants it.
    pub operator: OperatorId,
    /// When it was given.
    pub issued_at: Timestamp,
    /// The answer, where the action asks for one.
    pub verdict: Option<Verdict>,
    /// The state the operator saw.
    pub expected_state: Option<State>,
    /// Why, in the operator's words; no PHI.
    #[serde(default)]
    pub reason: String,
    /// The attempt the operator speaks of.
    #[serde(default)]
    pub about: Option<AttemptRef>,
}

// === impl EarlyCommand ===

impl EarlyCommand {
    /// What is to be remembered of a command.
    pub(crate) fn of(command: &Command) -> Self {
        let Command { command_id, action, ref operator, issued_at, verdict, expected_state, ref reason, about, .. } =
            *command;
        let (operator, reason) = (operator.clone(), reason.clone());
        Self { command_id, action, operator, issued_at, verdict, expected_state, reason, about }
    }

    /// The command again.
    pub(crate) fn to_command(&self, request_id: RequestId) -> Command {
        let Self { command_id, action, ref operator, issued_at, verdict, expected_state, ref reason, about } = *self;
        let target = CommandTarget::RequestTarget { request_id };
        let (operator, reason) = (operator.clone(), reason.clone());
        Command { command_id, target, action, operator, reason, issued_at, verdict, expected_state, about }
    }
}

// === impl Key ===

const REQUEST: u8 = b'r';
const EARLY: u8 = b'e';

impl Key {
    /// The request it is about.
    pub fn request_id(self) -> RequestId {
        match self {
            Self::Request(id) | Self::Early(id) => id,
        }
    }
}

impl MemoryKey for Key {
    fn encode(&self) -> Bytes {
        let (kind, id) = match self {
            Self::Request(id) => (REQUEST, id),
            Self::Early(id) => (EARLY, id),
        };
        [&[kind], id.0.as_slice()].concat().into()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first()? {
            (&REQUEST, id) => Some(Self::Request(RequestId(id.try_into().ok()?))),
            (&EARLY, id) => Some(Self::Early(RequestId(id.try_into().ok()?))),
            _ => None,
        }
    }
}

// === impl Entry ===

impl MemoryEntry for Entry {}

impl Entry {
    /// When it is to be looked at again, or forgotten.
    pub fn due(&self) -> Timestamp {
        match self {
            Self::WatchedRequest(watched) => watched.wake,
            Self::EndedRequest(ended) => ended.forget_at,
            Self::EarlyCommands(early) => early.judge_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back_and_others_do_not() {
        for key in [Key::Request(RequestId([7; 16])), Key::Early(RequestId([7; 16]))] {
            assert_eq!(Key::decode(&key.encode()), Some(key));
        }
        for broken in [b"".as_slice(), b"r1234", b"x0123456789abcdef"] {
            assert_eq!(Key::decode(broken), None);
        }
    }

    #[test]
    fn an_open_request_fits_in_400_bytes_and_an_ended_one_in_128() {
        let node = size_of::<Key>() + size_of::<Entry>();
        assert!(node + size_of::<WatchedRequest>() <= 400, "{} bytes", node + size_of::<WatchedRequest>());
        assert!(node + size_of::<EndedRequest>() <= 128 + node, "{} bytes", node + size_of::<EndedRequest>());
    }
}
