use std::time::Duration;

use bytes::Bytes;
use domain::messages::{Command, CommandAction, CommandTarget, DeadLetter, SealedOriginal, Stage};
use domain::{
    Change, Code, CommandId, EventBody, FailureClass, LetterId, Memory, Overlay, Record, RequestId, Timestamp, Token,
    Trace, Worker,
};
use proptest::prelude::*;

use super::*;
use crate::memory::{LetterGroup, Settlement};

const FAILED_AT: Timestamp = Timestamp(1_000);
const REQUEST: RequestId = RequestId([9; 16]);

/// Triage with a memory, taking one input after the other.
#[derive(Default)]
struct Desk {
    memory: Memory<Key, Entry>,
}

impl Desk {
    fn take(&mut self, input: Input<'_, Key>, now: Timestamp) -> Decision<Key, Entry> {
        let overlay = Overlay::default();
        let moment = Moment { now, id: Default::default(), trace: Trace::default() };
        let view = View::new(&self.memory, &overlay);
        let decision = decide(&Triage::default(), &view, input, &moment).expect("a decision");
        decision.remember.iter().cloned().for_each(|change: Change<Key, Entry>| {
            self.memory.apply(change);
        });
        decision
    }

    fn letter(&mut self, letter: DeadLetter) -> Decision<Key, Entry> {
        self.take(Input::Record(&record(Message::Letter(Box::new(letter)))), FAILED_AT)
    }

    fn command(&mut self, command: Command) -> Decision<Key, Entry> {
        self.take(Input::Record(&record(Message::Command(Box::new(command)))), Timestamp(5_000))
    }

    /// What is due by then comes due.
    fn until(&mut self, then: Timestamp) {
        let is_due = |key: &Key, entry: &Entry| Triage::due(key, entry).is_some_and(|due| due <= then);
        let due: Vec<Key> = self.memory.iter().filter(|(key, entry)| is_due(key, entry)).map(|(key, _)| *key).collect();
        for key in due {
            self.take(Input::Timer(&key), then);
        }
    }

    fn group(&self) -> &LetterGroup {
        match self.memory.get(&Key::Group(Token([5; 16]))) {
            Some(Entry::LetterGroup(group)) => group,
            other => panic!("no group but {other:?}"),
        }
    }
}

fn record(message: Message) -> Record {
    Record {
        message,
        lane: None,
        trace: Trace::default(),
        signature: None,
        schema_id: 1,
        value: Bytes::new(),
        offset: 0,
    }
}

fn letter(number: u8) -> DeadLetter {
    DeadLetter {
        letter_id: LetterId([number; 16]),
        stage: Stage::Identity,
        version: "1.0.0".into(),
        topic: "waybill.identity.urgent".into(),
        partition: 3,
        offset: 77,
        record_at: Timestamp(900),
        request_id: Some(REQUEST),
        lane: None,
        schema_id: Some(4),
        class: FailureClass::Schema,
        code: Code::Undecodable,
        place: "context.due_by".into(),
        hint: Code::Undecodable.remedy().into(),
        signature: Token([5; 16]),
        attempts: 1,
        failed_at: FAILED_AT,
        trace: Trace { trace_id: [1; 16], span_id: [2; 8], sampled: true },
        original: SealedOriginal {
            key_id: "letters-1".into(),
            ciphertext: Bytes::from_static(b"sealed"),
            claim_check: None,
        },
    }
}

fn command(number: u8, action: CommandAction, letter: u8) -> Command {
    Command {
        command_id: CommandId([number; 16]),
        target: CommandTarget::LetterTarget { letter_id: LetterId([letter; 16]) },
        action,
        operator: "jo".into(),
        reason: "fixed".into(),
        issued_at: Timestamp(4_000),
        verdict: None,
        expected_state: None,
        about: None,
    }
}

fn refusals(decision: &Decision<Key, Entry>) -> Vec<(RequestId, Code)> {
    let refusal = |draft: &domain::Draft| {
        let EventBody::CommandRefused { code, .. } = draft.body else { return None };
        Some((draft.request_id, code))
    };
    decision.events.iter().filter_map(refusal).collect()
}

#[test]
fn letters_of_one_signature_form_a_group() {
    let mut desk = Desk::default();
    desk.letter(letter(1));
    desk.letter(DeadLetter { failed_at: Timestamp(3_000), ..letter(2) });
    let group = desk.group();
    assert_eq!((group.count, group.waiting), (2, 2));
    assert_eq!((group.first_at, group.last_at), (FAILED_AT, Timestamp(3_000)));
    assert_eq!((group.stage, group.code, group.place.as_str()), (Stage::Identity, Code::Undecodable, "context.due_by"));
}

#[test]
fn a_group_spans_its_letters_in_whatever_order_they_come() {
    let mut desk = Desk::default();
    desk.letter(DeadLetter { failed_at: Timestamp(3_000), ..letter(1) });
    desk.letter(letter(2));
    assert_eq!((desk.group().first_at, desk.group().last_at), (FAILED_AT, Timestamp(3_000)));
}

#[test]
fn a_letter_that_comes_twice_is_one_letter() {
    let mut desk = Desk::default();
    desk.letter(letter(1));
    assert_eq!(desk.letter(letter(1)), Decision::nothing());
    assert_eq!(desk.group().count, 1);
}

#[test]
fn a_replay_sends_the_record_back_and_says_who_asked() {
    let mut desk = Desk::default();
    desk.letter(letter(1));
    let decision = desk.command(command(7, CommandAction::ReplayLetter, 1));
    let [replay] = &decision.replay[..] else { panic!("one replay, not {:?}", decision.replay) };
    assert_eq!((replay.topic.as_str(), replay.partition), ("waybill.identity.urgent", 3));
    assert_eq!(replay.original.as_ref(), Some(&letter(1).original));
    let [fact] = &decision.events[..] else { panic!("one fact, not {:?}", decision.events) };
    assert_eq!((fact.request_id, fact.trace), (REQUEST, Some(letter(1).trace)));
    let (letter_id, command_id) = (LetterId([1; 16]), CommandId([7; 16]));
    assert_eq!(fact.body, EventBody::LetterReplayed { letter_id, command_id, operator: "jo".into() });
    assert_eq!((desk.group().count, desk.group().waiting), (1, 0));
}

#[test]
fn a_letter_is_settled_once() {
    let mut desk = Desk::default();
    desk.letter(letter(1));
    desk.letter(letter(2));
    desk.command(command(7, CommandAction::ReplayLetter, 1));
    desk.command(command(8, CommandAction::DiscardLetter, 2));
    assert_eq!(desk.command(command(7, CommandAction::ReplayLetter, 1)), Decision::nothing(), "the same command");
    for (number, action, target, code) in [
        (9, CommandAction::ReplayLetter, 1, Code::AlreadyDone),
        (10, CommandAction::DiscardLetter, 1, Code::NotInThisState),
        (11, CommandAction::DiscardLetter, 2, Code::AlreadyDone),
        (12, CommandAction::ReplayLetter, 2, Code::NotInThisState),
    ] {
        let decision = desk.command(command(number, action, target));
        assert_eq!(refusals(&decision), [(REQUEST, code)], "{action:?} of {target}");
        assert!(decision.replay.is_empty() && decision.remember.is_empty());
    }
}

#[test]
fn a_discarded_letter_lifts_the_block_without_its_record() {
    let mut desk = Desk::default();
    desk.letter(letter(1));
    let decision = desk.command(command(7, CommandAction::DiscardLetter, 1));
    assert!(matches!(decision.events[0].body, EventBody::LetterDiscarded { .. }));
    let [replay] = &decision.replay[..] else { panic!("one lift, not {:?}", decision.replay) };
    assert_eq!((replay.request_id, &replay.original), (Some(REQUEST), &None));
    match desk.memory.get(&Key::Letter(LetterId([1; 16]))) {
        Some(Entry::SettledLetter(settled)) => assert_eq!(settled.settlement, Settlement::Discarded),
        other => panic!("not settled but {other:?}"),
    }
}

#[test]
fn a_letter_of_no_known_request_is_its_own_subject() {
    let mut desk = Desk::default();
    desk.letter(DeadLetter { request_id: None, ..letter(1) });
    let decision = desk.command(command(7, CommandAction::DiscardLetter, 1));
    assert_eq!(decision.events[0].request_id, RequestId([1; 16]));
    assert!(decision.replay.is_empty(), "nothing waits behind it");
}

#[test]
fn the_record_of_no_known_request_is_sent_back_as_any_other() {
    let mut desk = Desk::default();
    desk.letter(DeadLetter { request_id: None, ..letter(1) });
    let decision = desk.command(command(7, CommandAction::ReplayLetter, 1));
    let [replay] = &decision.replay[..] else { panic!("one replay, not {:?}", decision.replay) };
    assert_eq!((replay.request_id, replay.original.as_ref()), (None, Some(&letter(1).original)));
}

#[test]
fn a_letter_without_record_can_only_be_discarded() {
    let mut desk = Desk::default();
    desk.letter(DeadLetter { topic: String::new(), ..letter(1) });
    let decision = desk.command(command(7, CommandAction::ReplayLetter, 1));
    assert_eq!(refusals(&decision), [(REQUEST, Code::NothingToReplay)]);
    let decision = desk.command(command(8, CommandAction::DiscardLetter, 1));
    assert!(matches!(decision.events[0].body, EventBody::LetterDiscarded { .. }) && decision.replay.is_empty());
}

#[test]
fn commands_without_a_place_are_refused() {
    let mut desk = Desk::default();
    let decision = desk.command(command(7, CommandAction::ReplayLetter, 1));
    assert_eq!(refusals(&decision), [(RequestId([1; 16]), Code::TargetUnknown)]);
    desk.letter(letter(1));
    for action in [
        CommandAction::Cancel,
        CommandAction::Hold,
        CommandAction::Release,
        CommandAction::DecideReview,
        CommandAction::ResolveUnknown,
    ] {
        assert_eq!(refusals(&desk.command(command(8, action, 1))), [(REQUEST, Code::NotInThisState)]);
    }
    let target = CommandTarget::RequestTarget { request_id: REQUEST };
    let other = Command { target, ..command(9, CommandAction::Cancel, 1) };
    assert_eq!(desk.command(other), Decision::nothing(), "the supervisor's");
}

#[test]
fn everything_is_forgotten_in_its_time() {
    let mut desk = Desk::default();
    desk.letter(letter(1));
    desk.letter(letter(2));
    desk.command(command(7, CommandAction::ReplayLetter, 2));
    let end = FAILED_AT + Triage::KEEP;
    let keys: Vec<Key> = desk.memory.iter().map(|(key, _)| *key).collect();
    assert_eq!(keys.len(), 3);
    for key in keys {
        assert_eq!(desk.memory.get(&key).and_then(|entry| Triage::due(&key, entry)), Some(end));
        desk.take(Input::Timer(&key), end);
    }
    assert!(desk.memory.is_empty());
}

#[test]
fn a_group_is_kept_for_as_long_as_the_last_of_its_letters() {
    let later = FAILED_AT + Duration::from_secs(30 * 86_400);
    let (first, last) = (letter(1), DeadLetter { failed_at: later, ..letter(2) });
    for letters in [[first.clone(), last.clone()], [last, first]] {
        let mut desk = Desk::default();
        for letter in letters {
            desk.letter(letter);
        }
        desk.until(FAILED_AT + Triage::KEEP);
        assert_eq!((desk.group().count, desk.group().waiting), (2, 1));
        desk.until(later + Triage::KEEP);
        assert!(desk.memory.is_empty());
    }
}

#[test]
fn a_letter_that_nobody_deals_with_is_discarded_in_its_time() {
    let mut desk = Desk::default();
    let untouched = DeadLetter { attempts: 3, ..letter(1) };
    desk.letter(untouched);
    let decision = desk.take(Input::Timer(&Key::Letter(LetterId([1; 16]))), FAILED_AT + Triage::KEEP);
    let [fact] = &decision.events[..] else { panic!("one fact, not {:?}", decision.events) };
    let EventBody::LetterDiscarded { letter_id, operator, .. } = &fact.body else { panic!("{:?}", fact.body) };
    assert_eq!((*letter_id, operator.as_str(), fact.request_id), (LetterId([1; 16]), "retention", REQUEST));
    let [lift] = &decision.replay[..] else { panic!("one lift, not {:?}", decision.replay) };
    assert_eq!((lift.request_id, &lift.original), (Some(REQUEST), &None));
    assert_eq!(desk.group().waiting, 0);
    let late = desk.command(command(7, CommandAction::ReplayLetter, 1));
    assert_eq!(refusals(&late), [(RequestId([1; 16]), Code::TargetUnknown)]);

    desk.letter(letter(2));
    desk.command(command(8, CommandAction::DiscardLetter, 2));
    let forgotten = desk.take(Input::Timer(&Key::Letter(LetterId([2; 16]))), FAILED_AT + Triage::KEEP);
    assert!(forgotten.events.is_empty() && forgotten.replay.is_empty(), "once is enough");
}

#[test]
fn letters_that_nobody_deals_with_are_discarded_by_a_command_each() {
    let mut desk = Desk::default();
    let [one, another] = [1, 2].map(|number| {
        desk.letter(letter(number));
        let decision = desk.take(Input::Timer(&Key::Letter(LetterId([number; 16]))), FAILED_AT + Triage::KEEP);
        let EventBody::LetterDiscarded { command_id, .. } = decision.events[0].body else { panic!("{decision:?}") };
        command_id
    });
    assert_ne!(one, another);
}

#[test]
fn a_replay_carries_how_often_its_record_was_tried() {
    let mut desk = Desk::default();
    desk.letter(DeadLetter { attempts: 5, ..letter(1) });
    assert_eq!(desk.command(command(7, CommandAction::ReplayLetter, 1)).replay[0].attempts, 5);
}

#[test]
fn other_messages_are_misdirected() {
    let memory = Memory::default();
    let overlay = Overlay::default();
    let moment = Moment { now: FAILED_AT, id: Default::default(), trace: Trace::default() };
    let policy = domain::messages::PolicyRecord {
        name: "clocks".into(),
        version: 1,
        text: String::new(),
        digest: [0; 32],
        activated_by: "jo".into(),
        activated_at: FAILED_AT,
    };
    let record = record(Message::Policy(Box::new(policy)));
    let view = View::new(&memory, &overlay);
    let decided = decide(&Triage::default(), &view, Input::Record(&record), &moment);
    assert_eq!(decided, Err(Poison::misdirected()));
}

#[derive(Clone, Debug)]
enum Step {
    Letter(u8),
    Command(u8, CommandAction, u8),
    Forget(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let action = proptest::sample::select(vec![
        CommandAction::ReplayLetter,
        CommandAction::DiscardLetter,
        CommandAction::Cancel,
    ]);
    prop_oneof![
        (0..6_u8).prop_map(Step::Letter),
        (0..12_u8, action, 0..6_u8).prop_map(|(number, action, letter)| Step::Command(number, action, letter)),
        (0..6_u8).prop_map(Step::Forget),
    ]
}

proptest! {
    /// Whatever comes in whatever order: a letter is replayed at most once, every command has one answer, and a group knows how
    /// many of its letters wait.
    #[test]
    fn letters_are_settled_once_and_groups_stay_true(steps in proptest::collection::vec(step(), 0..60)) {
        let mut desk = Desk::default();
        let mut settled = std::collections::BTreeSet::new();
        for step in steps {
            match step {
                Step::Letter(number) => {
                    if desk.memory.get(&Key::Letter(LetterId([number; 16]))).is_none() {
                        settled.remove(&number);
                    }
                    desk.letter(letter(number));
                }
                Step::Command(number, action, target) => {
                    let decision = desk.command(command(number, action, target));
                    let acted = !decision.remember.is_empty();
                    prop_assert!(!acted || settled.insert(target), "settled twice");
                    prop_assert!(decision.events.len() <= 1);
                    prop_assert_eq!(acted, !decision.replay.is_empty());
                }
                Step::Forget(number) => {
                    desk.take(Input::Timer(&Key::Letter(LetterId([number; 16]))), FAILED_AT + Triage::KEEP);
                }
            }
            let waiting = desk.memory.iter().filter(|(_, entry)| matches!(entry, Entry::WaitingLetter(_))).count();
            prop_assert!(waiting == 0 || waiting == desk.group().waiting as usize);
        }
    }
}
