//! The supervisor's judgement: which request an input is about, and who has to say something about it.

use domain::messages::{Command, CommandTarget};
use domain::{
    Code, Decision, EventBody, Input, LifecycleEvent, Message, Moment, Poison, Record, TerminalOutcome, View,
};

use crate::case::Case;
use crate::memory::EndedRequest;
use crate::{Entry, Key, Reconciliation, commands, deadlines, facts, outcomes};

/// Decides one input: an event read back from the log, a command, or a clock that has run out.
pub fn decide(
    judge: &Reconciliation,
    view: &View<'_, Key, Entry>,
    input: Input<'_, Key>,
    moment: &Moment,
) -> Result<Decision<Key, Entry>, Poison> {
    match input {
        Input::Record(record) => match &record.message {
            Message::Event(event) => Ok(on_event(judge, view, (record, event), moment)),
            Message::Command(command) => Ok(on_command(judge, view, command, moment)),
            Message::Intake(_)
            | Message::Identity(_)
            | Message::Dispatch(_)
            | Message::Partner(_)
            | Message::Outcome(_)
            | Message::Letter(_)
            | Message::Member(_)
            | Message::Policy(_)
            | Message::Guard(_) => Err(Poison::misdirected()),
        },
        Input::Timer(key) => Ok(on_timer(judge, view, *key, moment)),
        // The supervisor calls nobody, so nobody answers.
        Input::Answer(_) => Ok(Decision::nothing()),
    }
}

fn on_event(
    judge: &Reconciliation,
    view: &View<'_, Key, Entry>,
    (record, event): (&Record, &LifecycleEvent),
    moment: &Moment,
) -> Decision<Key, Entry> {
    match view.get(&Key::Request(event.request_id)) {
        Some(Entry::WatchedRequest(watched)) => {
            facts::on_event(Case::of(judge, watched.clone(), moment), event, &record.value)
        }
        Some(Entry::EndedRequest(ended)) => on_event_after_the_end(judge, ended, event),
        Some(Entry::EarlyCommands(_)) | None => match Case::begin(judge, event, record.trace, moment) {
            Some(case) => {
                let mut decision = facts::on_event(case, event, &record.value);
                commands::request_is_heard_of(&mut decision, view, event.request_id, moment);
                decision
            }
            None => on_event_of_nobody(judge, event),
        },
    }
}

/// An ended request has nothing more to become, but its source may ask again.
fn on_event_after_the_end(
    judge: &Reconciliation,
    ended: &EndedRequest,
    event: &LifecycleEvent,
) -> Decision<Key, Entry> {
    if let EventBody::DuplicateSuppressed { submission_id } = event.body {
        let mut decision = Decision::nothing();
        outcomes::repeat_end(&mut decision, event.request_id, ended, submission_id);
        return decision;
    }
    match ended.outcome {
        TerminalOutcome::Fulfilled => Decision::nothing(),
        TerminalOutcome::Rejected
        | TerminalOutcome::Cancelled
        | TerminalOutcome::Superseded
        | TerminalOutcome::Escalated => on_event_of_nobody(judge, event),
    }
}

/// An effect of a request that nobody watches: there is nothing left to undo it with, so an owner is named.
fn on_event_of_nobody(judge: &Reconciliation, event: &LifecycleEvent) -> Decision<Key, Entry> {
    let mut decision = Decision::nothing();
    if matches!(event.body, EventBody::Fulfilled { .. }) {
        decision.event(event.request_id, judge.policy().escalation.raised(Code::EffectAfterEnd));
    }
    decision
}

fn on_command(
    judge: &Reconciliation,
    view: &View<'_, Key, Entry>,
    command: &Command,
    moment: &Moment,
) -> Decision<Key, Entry> {
    let CommandTarget::RequestTarget { request_id } = command.target else {
        // Letters are triage's.
        return Decision::nothing();
    };
    commands::on_command(judge, view, (request_id, command), moment)
}

fn on_timer(judge: &Reconciliation, view: &View<'_, Key, Entry>, key: Key, moment: &Moment) -> Decision<Key, Entry> {
    match view.get(&key) {
        Some(Entry::WatchedRequest(watched)) => deadlines::on_timer(Case::of(judge, watched.clone(), moment)),
        Some(Entry::EndedRequest(ended)) if ended.forget_at <= moment.now => {
            let mut decision = Decision::nothing();
            decision.forget(key);
            decision
        }
        Some(Entry::EarlyCommands(early)) => {
            commands::on_early_commands(judge, view, (key.request_id(), early), moment)
        }
        Some(Entry::EndedRequest(_)) | None => Decision::nothing(),
    }
}

#[cfg(test)]
mod tests;
