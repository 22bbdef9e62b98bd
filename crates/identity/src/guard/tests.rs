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
fn what_was_tried_is_forgotten_when_nothing_can_follow_from_it() {
    let mut desk = desk();
    ask(&mut desk, 1, ("Zadie", "Z99100771"));
    let watches: Vec<_> = desk.memory.iter().map(|(key, entry)| (*key, entry.due().expect("due"))).collect();
    assert_eq!(watches.len(), 2);
    for (key, forget_at) in watches {
        assert_eq!(forget_at, NOW + policy().guard.window * 2);
        desk.fire(&key, forget_at);
    }
    assert!(desk.memory.is_empty());
}

/// When one too many was tried, from all that was and without memory; and whether that one was no repetition.
fn too_many_tried(tried: &[(u8, Timestamp)]) -> Vec<(Timestamp, bool)> {
    let GuardPolicy { distinct_max, window, .. } = policy().guard;
    let is_within = |at: Timestamp, last: Timestamp| at <= last && last < at + window;
    let too_many = |(value, last): &(u8, Timestamp)| {
        let within = tried.iter().filter(|(_, at)| is_within(*at, *last));
        let is_one = (distinct_max as usize) < within.map(|(value, _)| value).collect::<BTreeSet<_>>().len();
        let is_again = |(other, at): &(u8, Timestamp)| other == value && at < last && is_within(*at, *last);
        is_one.then(|| (*last, !tried.iter().any(is_again)))
    };
    tried.iter().filter_map(too_many).collect()
}

proptest! {
    /// Whatever is counted in whatever order, up to a window late: the verdict given last runs from an attempt that was one too many
    /// within the window, and from none before the last that was no repetition; what is remembered has a bound. The watch is forgotten
    /// whenever its time has come.
    #[test]
    fn a_verdict_follows_from_what_was_tried_and_when_in_whatever_order_it_is_counted(
        tries in proptest::collection::vec((0u8..10, 0i64..900, -200i64..3_500), 1..60),
    ) {
        let mut desk = desk();
        let GuardPolicy { distinct_max, throttle, .. } = policy().guard;
        let (fixed, mut now, mut tried, mut told) = (Token([7; 16]), NOW, Vec::new(), None);
        for (value, pause_s, late_s) in tries {
            now = Timestamp(now.0 + pause_s * 1_000);
            let at = Timestamp(now.0 - late_s * 1_000);
            for (key, due) in desk.memory.iter().map(|(key, entry)| (*key, entry.due().expect("due"))).collect::<Vec<_>>() {
                if due <= now {
                    desk.fire(&key, now);
                }
            }
            let task = IdentityTask::Tally { probe: Probe::Card, fixed, varied: Token([value; 16]), at };
            let counted = desk.take_at(IdentityWork { context: context(), task }, now).expect("it is counted");
            tried.push((value, at));
            for forward in &counted.forward {
                let Message::Guard(verdict) = &forward.message else { panic!("{forward:?}") };
                prop_assert!(told < Some(verdict.since) && distinct_max < verdict.distinct);
                told = Some(verdict.since);
            }
            let exact = too_many_tried(&tried);
            prop_assert!(told.is_none_or(|told| exact.iter().any(|(since, _)| *since == told)));
            let owed = exact.iter().filter(|(since, is_new)| *is_new && now < *since + throttle).map(|(since, _)| *since).max();
            prop_assert!(owed <= told, "{owed:?} is owed, {told:?} was told");
            let remembered = match desk.memory.get(&Key::Watch(fixed)) {
                Some(Entry::Watch(watch)) => watch.attempts.len(),
                _ => 0,
            };
            prop_assert!(remembered <= 6 * distinct_max as usize + 1, "{remembered}");
        }
    }
}
