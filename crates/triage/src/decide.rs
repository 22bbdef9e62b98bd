//! Triage's judgement: a letter comes in, a person says what becomes of it, and long after that it is forgotten.

use domain::{Decision, Input, Message, Moment, Poison, View};

use crate::{Entry, Key, Triage, commands, letters};

/// Decides one input: a letter, a command, or an entry whose time is over.
pub fn decide(
    judge: &Triage,
    view: &View<'_, Key, Entry>,
    input: Input<'_, Key>,
    moment: &Moment,
) -> Result<Decision<Key, Entry>, Poison> {
    match input {
        Input::Record(record) => match &record.message {
            Message::Letter(letter) => Ok(letters::on_letter(judge, view, letter)),
            Message::Command(command) => Ok(commands::on_command(view, command, moment)),
            Message::Intake(_)
            | Message::Identity(_)
            | Message::Dispatch(_)
            | Message::Partner(_)
            | Message::Event(_)
            | Message::Outcome(_)
            | Message::Member(_)
            | Message::Policy(_)
            | Message::Guard(_) => Err(Poison::misdirected()),
        },
        Input::Timer(key) => Ok(letters::on_timer(view, *key)),
        // Triage calls nobody, so nobody answers.
        Input::Answer(_) => Ok(Decision::nothing()),
    }
}

#[cfg(test)]
mod tests;
