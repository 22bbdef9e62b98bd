//! What a person decides about a letter. Every command has a defined outcome: carried out, or refused with a reason that is a fact
//! on the log.

use domain::ids::OperatorId;
use domain::messages::{Command, CommandAction, CommandTarget, SealedOriginal};
use domain::worker::Replay;
use domain::{Code, CommandId, Decision, Draft, EventBody, LetterId, Moment, RequestId, Timestamp, View};

use crate::memory::{SettledLetter, Settlement, WaitingLetter};
use crate::{Entry, Key, letters};

/// Judges a command about a letter; those about a request are the supervisor's.
pub(crate) fn on_command(view: &View<'_, Key, Entry>, command: &Command, moment: &Moment) -> Decision<Key, Entry> {
    let CommandTarget::LetterTarget { letter_id } = command.target else {
        return Decision::nothing();
    };
    let entry = view.get(&Key::Letter(letter_id));
    match judge(entry, command) {
        Judgement::Settled(letter, settlement) => settle(view, (letter_id, letter), command, (settlement, moment.now)),
        Judgement::Repeated => Decision::nothing(),
        Judgement::Refused(code) => {
            let mut decision = Decision::nothing();
            let Command { command_id, action, ref operator, .. } = *command;
            let request_id = subject(entry.and_then(request_of), letter_id);
            decision.event(
                request_id,
                EventBody::CommandRefused { command_id, action, code, operator: Some(operator.clone()) },
            );
            decision
        }
    }
}

/// What becomes of a command.
enum Judgement<'a> {
    /// The letter is settled in this way.
    Settled(&'a WaitingLetter, Settlement),
    /// It was carried out when it came first.
    Repeated,
    /// It has no place.
    Refused(Code),
}

fn judge<'a>(entry: Option<&'a Entry>, command: &Command) -> Judgement<'a> {
    let wanted = match command.action {
        CommandAction::ReplayLetter => Settlement::Replayed,
        CommandAction::DiscardLetter => Settlement::Discarded,
        CommandAction::Cancel
        | CommandAction::Hold
        | CommandAction::Release
        | CommandAction::DecideReview
        | CommandAction::ResolveUnknown => return Judgement::Refused(Code::NotInThisState),
    };
    match entry {
        // A timer or an answer failed: there is no record to send back.
        Some(Entry::WaitingLetter(letter)) if wanted == Settlement::Replayed && letter.topic.is_empty() => {
            Judgement::Refused(Code::NothingToReplay)
        }
        Some(Entry::WaitingLetter(letter)) => Judgement::Settled(letter, wanted),
        Some(Entry::SettledLetter(letter)) if letter.command_id == command.command_id => Judgement::Repeated,
        Some(Entry::SettledLetter(letter)) if letter.settlement == wanted => Judgement::Refused(Code::AlreadyDone),
        Some(Entry::SettledLetter(_)) => Judgement::Refused(Code::NotInThisState),
        Some(Entry::LetterGroup(_)) | None => Judgement::Refused(Code::TargetUnknown),
    }
}

/// Sends the letter's record back to its stage, or puts it aside. Either way the stage lets the request's successors go on.
fn settle(
    view: &View<'_, Key, Entry>,
    (letter_id, letter): (LetterId, &WaitingLetter),
    command: &Command,
    (settlement, at): (Settlement, Timestamp),
) -> Decision<Key, Entry> {
    let mut decision = Decision::nothing();
    let Command { command_id, ref operator, .. } = *command;
    let operator = operator.clone();
    match settlement {
        Settlement::Replayed => {
            let body = EventBody::LetterReplayed { letter_id, command_id, operator };
            state(&mut decision, (letter_id, letter), body);
            send_back(&mut decision, (letter_id, letter), Some(letter.original.clone()));
        }
        Settlement::Discarded => discard(&mut decision, (letter_id, letter), (command_id, operator)),
    }
    let settled = SettledLetter {
        signature: letter.signature,
        request_id: letter.request_id,
        settlement,
        command_id,
        at,
        forget_at: letter.forget_at,
    };
    decision.put(Key::Letter(letter_id), Entry::SettledLetter(Box::new(settled)));
    letters::no_longer_waits(&mut decision, view, letter.signature);
    decision
}

/// Puts a letter aside for good: whatever waits behind it goes on without it.
pub(crate) fn discard(
    decision: &mut Decision<Key, Entry>,
    letter: (LetterId, &WaitingLetter),
    (command_id, operator): (CommandId, OperatorId),
) {
    state(decision, letter, EventBody::LetterDiscarded { letter_id: letter.0, command_id, operator });
    if letter.1.request_id.is_some() {
        send_back(decision, letter, None);
    }
}

fn state(decision: &mut Decision<Key, Entry>, (letter_id, letter): (LetterId, &WaitingLetter), body: EventBody) {
    let request_id = subject(letter.request_id, letter_id);
    decision.events.push(Draft { request_id, body, trace: Some(letter.trace) });
}

/// Sends the record back to its stage, or without it the mark that lifts the block. A timer or an answer came from nowhere.
fn send_back(
    decision: &mut Decision<Key, Entry>,
    (letter_id, letter): (LetterId, &WaitingLetter),
    original: Option<SealedOriginal>,
) {
    if !letter.topic.is_empty() {
        decision.replay.push(Replay {
            letter_id,
            request_id: letter.request_id,
            topic: letter.topic.clone(),
            partition: letter.partition,
            attempts: letter.attempts,
            original,
        });
    }
}

fn request_of(entry: &Entry) -> Option<RequestId> {
    match entry {
        Entry::WaitingLetter(letter) => letter.request_id,
        Entry::SettledLetter(letter) => letter.request_id,
        Entry::LetterGroup(_) => None,
    }
}

/// What the fact is about: the letter's request, or the letter where its record let none be known.
fn subject(request_id: Option<RequestId>, letter_id: LetterId) -> RequestId {
    request_id.unwrap_or(RequestId(letter_id.0))
}
