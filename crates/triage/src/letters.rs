//! Letters and the groups they form.

use domain::ids::derive;
use domain::messages::DeadLetter;
use domain::{CommandId, Decision, Token, View};

use crate::memory::{LetterGroup, WaitingLetter};
use crate::{Entry, Key, Triage, commands};

/// Keeps a letter and counts it in its group. One that was kept before changes nothing: the fleet gives a record that fails again
/// after its replay a letter of its own.
pub(crate) fn on_letter(judge: &Triage, view: &View<'_, Key, Entry>, letter: &DeadLetter) -> Decision<Key, Entry> {
    let mut decision = Decision::nothing();
    let key = Key::Letter(letter.letter_id);
    if view.get(&key).is_some() {
        return decision;
    }
    decision.put(key, Entry::WaitingLetter(Box::new(keep(judge, letter))));
    let group = match group(view, letter.signature) {
        Some(group) => LetterGroup {
            count: group.count.saturating_add(1),
            waiting: group.waiting.saturating_add(1),
            first_at: group.first_at.min(letter.failed_at),
            last_at: group.last_at.max(letter.failed_at),
            forget_at: group.forget_at.max(letter.failed_at + judge.keep()),
            ..group.clone()
        },
        None => LetterGroup {
            stage: letter.stage,
            class: letter.class,
            code: letter.code,
            place: letter.place.clone(),
            count: 1,
            waiting: 1,
            first_at: letter.failed_at,
            last_at: letter.failed_at,
            forget_at: letter.failed_at + judge.keep(),
        },
    };
    decision.put(Key::Group(letter.signature), Entry::LetterGroup(Box::new(group)));
    decision
}

/// In whose name a letter is discarded that nobody has dealt with in its time.
const RETENTION: &str = "retention";

/// Forgets what was kept long enough. A letter that nobody has dealt with is discarded as by command: what waits behind it must not
/// wait for ever, and that it will never be done is a fact.
pub(crate) fn on_timer(view: &View<'_, Key, Entry>, key: Key) -> Decision<Key, Entry> {
    let mut decision = Decision::nothing();
    match view.get(&key) {
        Some(Entry::WaitingLetter(letter)) => {
            if let Key::Letter(letter_id) = key {
                let command_id = CommandId(derive(&[RETENTION.as_bytes(), &letter_id.0]));
                commands::discard(&mut decision, (letter_id, letter), (command_id, RETENTION.into()));
            }
            decision.forget(key);
            no_longer_waits(&mut decision, view, letter.signature);
        }
        Some(Entry::SettledLetter(_) | Entry::LetterGroup(_)) => decision.forget(key),
        None => {}
    }
    decision
}

/// One letter fewer of this signature waits.
pub(crate) fn no_longer_waits(decision: &mut Decision<Key, Entry>, view: &View<'_, Key, Entry>, signature: Token) {
    if let Some(group) = group(view, signature) {
        let group = LetterGroup { waiting: group.waiting.saturating_sub(1), ..group.clone() };
        decision.put(Key::Group(signature), Entry::LetterGroup(Box::new(group)));
    }
}

fn group<'a>(view: &View<'a, Key, Entry>, signature: Token) -> Option<&'a LetterGroup> {
    match view.get(&Key::Group(signature)) {
        Some(Entry::LetterGroup(group)) => Some(group),
        Some(Entry::WaitingLetter(_) | Entry::SettledLetter(_)) | None => None,
    }
}

fn keep(judge: &Triage, letter: &DeadLetter) -> WaitingLetter {
    WaitingLetter {
        stage: letter.stage,
        topic: letter.topic.clone(),
        partition: letter.partition,
        signature: letter.signature,
        request_id: letter.request_id,
        class: letter.class,
        code: letter.code,
        attempts: letter.attempts,
        failed_at: letter.failed_at,
        lane: letter.lane,
        trace: letter.trace,
        original: letter.original.clone(),
        forget_at: letter.failed_at + judge.keep(),
    }
}
