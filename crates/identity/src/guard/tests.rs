use proptest::prelude::*;

use super::*;
use crate::given::{Desk, NOW, claim, context, coverage, dossier, person, policy};
use domain::worker::Table;
use domain::{Code, EventBody, RequestId, Worker};

/// One request after another that asks for this person with this card; what the guard was told in between has reached everybody.
fn ask(desk: &mut Desk, number: u8, (given, card): (&str, &str)) -> Code {
    let request_id = RequestId([number; 16]);
    let claimed = dossier(claim(given, "Okafor", "1984-02-29"), coverage(card, ""));
    let decision = desk.resolve_as(Context { request_id, ..context() }, &claimed);
    let [draft] = &decision.events[..] else { panic!("{:?}", decision.events) };
    let code = if let EventBody::IdentityUnmatched { code, .. } | EventBody::ReviewOpened { code, .. } = &draft.body {
        *code
    } else {
        assert!(matches!(draft.body, EventBody::IdentityMatched { .. }), "{draft:?}");
        Code::AlreadyDone
    };
    for forward in decision.forward {
        if let (Destination::Tally(..), Message::Identity(work)) = (&forward.to, forward.message) {
            let counted = desk.take(*work).expect("it is counted");
            for told in counted.forward {
                let key = told.to;
                assert!(matches!(key, Destination::Guard(_)));
                desk.identity.learn((Table::Guard, b"guard"), Some(&told.message), 0);
            }
        }
    }
    code
}

fn desk() -> Desk {
    Desk::with(&[("ngozi", person(claim("Ngozi", "Okafor", "1984-02-29"), coverage("W123456789", "")))])
}

#[test]
fn who_tries_card_after_card_for_one_person_is_not_answered_even_when_the_last_one_fits() {
    let mut desk = desk();
    let most = policy().guard.distinct_max as u8;
    let cards: Vec<String> = (0..=most).map(|number| format!("Z99{number}00771")).collect();
    for (number, card) in (0..).zip(&cards) {
        assert_eq!(ask(&mut desk, number, ("Zadie", card)), Code::NoCandidate, "{number}");
    }
    assert_eq!(ask(&mut desk, 20, ("Zadie", "Z11111111")), Code::TooManyAttempts);
    assert_eq!(ask(&mut desk, 21, ("Ngozi", "W123456789")), Code::AlreadyDone, "somebody else is still answered");
}

#[test]
fn who_tries_person_after_person_with_one_card_is_not_answered() {
    let mut desk = desk();
    let most = policy().guard.distinct_max as u8;
    for number in 0..=most {
        let given = format!("Zadie{}", ["a", "b", "c", "d", "e", "f", "g", "h"][usize::from(number)]);
        assert_ne!(ask(&mut desk, number, (&given, "Z99100771")), Code::TooManyAttempts);
    }
    assert_eq!(ask(&mut desk, 20, ("Ngozi", "Z99100771")), Code::TooManyAttempts);
    let late = policy().guard.throttle;
    let context = context();
    let (member, card) = (claim("Ngozi", "Okafor", "1984-02-29"), coverage("Z99100771", ""));
    let print = Fingerprint::of(&*desk.identity.phi, &context, &member, Some(&card));
    assert!(print.is_guessed(&desk.identity.verdicts, NOW));
    assert!(!print.is_guessed(&desk.identity.verdicts, NOW + late), "for a while");
}

#[test]
fn the_same_attempt_again_and_again_is_no_guess() {
    let mut desk = desk();
    for number in 0..40 {
        assert_eq!(ask(&mut desk, number, ("Zadie", "Z99100771")), Code::NoCandidate);
    }
}

#[test]
fn what_was_tried_is_forgotten_after_the_window() {
    let mut desk = desk();
    ask(&mut desk, 1, ("Zadie", "Z99100771"));
    let watches: Vec<_> = desk.memory.iter().map(|(key, entry)| (*key, entry.due().expect("due"))).collect();
    assert_eq!(watches.len(), 2);
    for (key, forget_at) in watches {
        assert_eq!(forget_at, NOW + policy().guard.window);
        desk.fire(&key, forget_at);
    }
    assert!(desk.memory.is_empty());
}

proptest! {
    /// Whatever is counted in whatever order: a verdict is given exactly when more than the allowed number of different values were
    /// tried within the window, and no more is remembered than that takes.
    #[test]
    fn a_verdict_follows_from_the_window_alone(tries in proptest::collection::vec((0u8..12, 0i64..2_000), 1..60)) {
        let mut desk = desk();
        let GuardPolicy { distinct_max, window, .. } = policy().guard;
        let (fixed, mut now, mut reference) = (Token([7; 16]), NOW, BTreeMap::<u8, Timestamp>::new());
        for (value, pause_s) in tries {
            now = Timestamp(now.0 + pause_s * 1_000);
            let task = IdentityTask::Tally { probe: Probe::Card, fixed, varied: Token([value; 16]), at: now };
            let counted = desk.take(IdentityWork { context: context(), task }).expect("it is counted");
            reference.retain(|_, at| now < *at + window);
            reference.insert(value, now);
            let is_one_too_many = reference.len() > distinct_max as usize;
            prop_assert_eq!(counted.forward.len(), usize::from(is_one_too_many));
            if is_one_too_many {
                let oldest = reference.iter().min_by_key(|(value, at)| (**at, **value)).map(|(value, _)| *value);
                oldest.and_then(|value| reference.remove(&value));
            }
            let Some(Entry::Watch(watch)) = desk.memory.get(&Key::Watch(fixed)) else { panic!("no watch") };
            prop_assert!(watch.attempts.len() <= distinct_max as usize);
        }
    }
}
