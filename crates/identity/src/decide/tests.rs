use domain::messages::{CommandAction, Stage, Verdict, Workflow};
use domain::person::RosterMember;
use domain::{CommandId, RequestId, Timestamp, Worker};
use proptest::prelude::*;

use super::*;
use crate::given::{Desk, NOW, REQUEST, claim, context, coverage, dossier, moment, person, trace};
use crate::memory::Review;

mod members;
mod reviewers;
mod sources;

const COMMAND: CommandId = CommandId([9; 16]);

fn ngozi() -> RosterMember {
    person(claim("Ngozi", "Okafor", "1984-02-29"), coverage("W12345678901", "W123456789"))
}

fn claimed() -> Dossier {
    dossier(claim("Ngozi", "Okafor", "1984-02-29"), coverage("W12345678901", ""))
}

/// Two people of one contract who are called alike and born on one day, and what somebody says who leaves out which of them.
fn twins() -> [(&'static str, RosterMember); 2] {
    let twin = person(claim("Ngozi", "Okafor", "1984-02-29"), coverage("W12345678902", "W123456789"));
    [("a", ngozi()), ("b", twin)]
}

fn either() -> Dossier {
    dossier(claim("Ngozi", "Okafor", "1984-02-29"), coverage("", "W123456789"))
}

/// A desk with one open review, since both of two people fit, and the second one's token.
fn in_review() -> (Desk, Token) {
    let mut desk = Desk::with(&twins());
    desk.resolve(&either());
    let token = review(&desk).candidates[1].member_token;
    desk.order(verdict(Verdict::Look {}));
    (desk, token)
}

fn review(desk: &Desk) -> &Review {
    match desk.memory.get(&Key::Review(REQUEST)) {
        Some(Entry::OpenReview(review)) => review,
        other => panic!("no review but {other:?}"),
    }
}

fn is_in_review(desk: &Desk) -> bool {
    desk.memory.get(&Key::Review(REQUEST)).is_some()
}

/// What a member's token is a match of, as the ground of the request's match says.
fn grounds(desk: &Desk) -> usize {
    desk.memory.iter().filter(|(key, _)| matches!(key, Key::Ground(_, REQUEST))).count()
}

fn verdict(verdict: Verdict) -> IdentityTask {
    said_by("rev-12", verdict)
}

fn said_by(operator: &str, verdict: Verdict) -> IdentityTask {
    IdentityTask::DecideReview { command_id: COMMAND, operator: operator.into(), verdict, reason: "looked at".into() }
}

fn bodies(decision: &Deciding) -> Vec<&EventBody> {
    decision.events.iter().map(|draft| &draft.body).collect()
}

fn sends(decision: &Deciding) -> usize {
    decision.forward.iter().filter(|forward| matches!(forward.message, Message::Dispatch(_))).count()
}

fn sent(decision: &Deciding) -> (&DispatchWork, &Destination) {
    let [Forward { to, message: Message::Dispatch(work), .. }] = &decision.forward[..] else {
        panic!("{:?}", decision.forward)
    };
    (work, to)
}

#[test]
fn one_person_who_fits_is_the_member_and_the_request_goes_on() {
    let mut desk = Desk::with(&[
        ("zadie", person(claim("Zadie", "Smith", "1975-10-25"), coverage("W98765432101", ""))),
        ("ngozi", ngozi()),
    ]);
    let decision = desk.resolve(&claimed());

    let (work, to) = sent(&decision);
    let route = Route::of(&"evergreen".into(), 3, REQUEST);
    assert_eq!((&work.route, to), (&route, &Destination::Dispatch(context().lane, route.clone())));
    assert_eq!(work.operation_id, OperationId::of_send(REQUEST));
    let DispatchTask::Send { dossier, member_token, .. } = &work.task else { panic!("{:?}", work.task) };
    assert_eq!(desk.identity.phi.open_dossier(REQUEST, dossier), Ok(claimed()));
    let [EventBody::IdentityMatched { member_token: told, rule, candidates: 1, policy, roster_version: 1, evidence }] =
        bodies(&decision)[..]
    else {
        panic!("{:?}", decision.events)
    };
    assert_eq!((told, rule.as_str()), (member_token, "given+family+birth-date+card"));
    assert_eq!(*policy, desk.identity.rollout.acting().reference);
    assert_eq!(*member_token, desk.identity.phi.token(Purpose::Member, &[b"ngozi"]));
    let evidence = evidence.as_deref().expect("evidence");
    assert!(990_000 < evidence.probability_ppm && evidence.rehearsed.is_none(), "{evidence:?}");
    let said: Vec<_> = evidence.fields.iter().map(|said| (said.field.as_str(), said.agreement.as_str())).collect();
    assert_eq!(said, [("given", "exact"), ("family", "exact"), ("birth-date", "exact"), ("card", "member")]);
    assert_eq!(grounds(&desk), 1, "what it rests on is remembered");
}

#[test]
fn nobody_who_fits_ends_the_request() {
    let mut desk = Desk::with(&[("ngozi", ngozi())]);
    for (seeking, code, candidates) in [
        (dossier(claim("Zadie", "Smith", "1975-10-25"), coverage("W55512312301", "")), Code::NoCandidate, 0),
        (dossier(claim("Zadie", "Smith", "1975-10-25"), coverage("W12345678901", "")), Code::CandidatesDisagree, 1),
    ] {
        let decision = desk.resolve(&seeking);
        let [EventBody::IdentityUnmatched { code: told, candidates: among, .. }] = bodies(&decision)[..] else {
            panic!("{:?}", decision.events)
        };
        assert_eq!((*told, *among), (code, candidates));
        assert!(decision.remember.is_empty(), "{decision:?}");
    }
}

#[test]
fn the_workflow_says_which_coverage_is_ours() {
    let mut desk = Desk::with(&[("ngozi", ngozi())]);
    let both = Dossier { coverage_to_match: Some(coverage("W55512312301", "")), ..claimed() };
    assert_eq!(desk.resolve(&both).forward.len(), 1);
    let answer = Context { workflow: Workflow::AnswerMatch, ..context() };
    assert!(matches!(bodies(&desk.resolve_as(answer, &both))[..], [EventBody::IdentityUnmatched { .. }]));
}

#[test]
fn several_who_fit_open_a_review_that_keeps_the_work() {
    let (mut desk, token) = in_review();
    let Review { context: kept, code, candidates, due_by, held, trace: thread, .. } = review(&desk);
    assert_eq!((kept, *code, *held, *thread), (&context(), Code::SeveralCandidates, false, trace(1)));
    assert_eq!(*due_by, Timestamp(NOW.0 + 86_400_000));
    let keys: Vec<_> = candidates.iter().map(|candidate| candidate.member_key.as_str()).collect();
    assert_eq!((keys, candidates[1].member_token), (vec!["a", "b"], token));
    assert_eq!(desk.resolve(&either()), Decision::nothing(), "work that comes again changes nothing");
}

#[test]
fn a_review_is_due_no_later_than_its_request() {
    let mut desk = Desk::with(&twins());
    let soon = Timestamp(NOW.0 + 1);
    let decision = desk.resolve_as(Context { due_by: soon, ..context() }, &either());
    let [EventBody::ReviewOpened { code: Code::SeveralCandidates, candidates: 2, due_by, .. }] = bodies(&decision)[..]
    else {
        panic!("{:?}", decision.events)
    };
    assert_eq!(*due_by, soon);
}

#[test]
fn a_reviewer_who_finds_the_member_sends_the_request_on_in_its_own_trace() {
    let (mut desk, member_token) = in_review();
    let chosen = Verdict::IsMember { member_token };
    let decision = desk.order(verdict(chosen));
    let reason = Some("looked at".to_owned());
    let decided = EventBody::ReviewDecided { command_id: COMMAND, operator: "rev-12".into(), verdict: chosen, reason };
    let matched = EventBody::IdentityMatched {
        member_token,
        rule: "reviewed".into(),
        candidates: 2,
        policy: desk.identity.rollout.acting().reference,
        roster_version: 1,
        evidence: None,
    };
    assert_eq!(bodies(&decision), [&decided, &matched]);
    assert_eq!(sent(&decision).0.operation_id, OperationId::of_send(REQUEST));
    let traces = decision.events.iter().map(|draft| draft.trace).chain([decision.forward[0].trace]);
    assert!(traces.into_iter().all(|thread| thread == Some(trace(1))));
    assert_eq!((is_in_review(&desk), grounds(&desk)), (false, 1));

    let late = desk.order(verdict(Verdict::IsNobody {}));
    assert_eq!(bodies(&late), [&refused(Code::NoOpenReview)], "the second of two reviewers comes too late");
}

#[test]
fn a_reviewer_who_finds_nobody_ends_the_request() {
    let (mut desk, _) = in_review();
    let decision = desk.order(verdict(Verdict::IsNobody {}));
    let [
        EventBody::ReviewDecided { .. },
        EventBody::IdentityUnmatched { code: Code::ReviewedNobody, candidates: 2, .. },
    ] = bodies(&decision)[..]
    else {
        panic!("{:?}", decision.events)
    };
    assert!(decision.forward.is_empty() && desk.memory.is_empty());
}

#[test]
fn a_verdict_that_answers_another_question_is_refused_and_the_review_stays() {
    let (mut desk, _) = in_review();
    for (given, code) in [
        (Verdict::IsMember { member_token: Token([1; 16]) }, Code::NotACandidate),
        (Verdict::TookEffect {}, Code::VerdictMissing),
        (Verdict::TookNoEffect {}, Code::VerdictMissing),
    ] {
        let decision = desk.order(verdict(given));
        assert_eq!(bodies(&decision), [&refused(code)]);
        assert_eq!((decision.forward.len(), is_in_review(&desk)), (0, true));
    }
}

#[test]
fn a_held_review_waits_for_its_release() {
    let (mut desk, member_token) = in_review();
    assert!(desk.order(IdentityTask::HoldIdentity { command_id: COMMAND }).events.is_empty());
    let early = desk.order(verdict(Verdict::IsMember { member_token }));
    assert_eq!(bodies(&early), [&refused(Code::NotInThisState)]);
    assert!(desk.order(IdentityTask::ReleaseIdentity { command_id: COMMAND }).events.is_empty());
    assert_eq!(desk.order(verdict(Verdict::IsMember { member_token })).forward.len(), 1);
}

#[test]
fn a_review_that_is_released_or_decided_goes_on_with_the_time_that_comes_with_it() {
    let later = Timestamp(NOW.0 + 30 * 86_400_000);
    let given_time = |task| IdentityWork { context: Context { due_by: later, ..context() }, task };
    let (mut desk, member_token) = in_review();
    desk.order(IdentityTask::HoldIdentity { command_id: COMMAND });
    desk.take(given_time(IdentityTask::ReleaseIdentity { command_id: COMMAND })).expect("a decision");
    let Review { context: kept, due_by, .. } = review(&desk);
    assert_eq!((kept.due_by, *due_by), (later, Timestamp(NOW.0 + 86_400_000)), "the reviewer begins anew");
    let decision = desk.order(verdict(Verdict::IsMember { member_token }));
    assert_eq!(sent(&decision).0.context.due_by, later);

    let (mut desk, member_token) = in_review();
    let decision = desk.take(given_time(verdict(Verdict::IsMember { member_token }))).expect("a decision");
    assert_eq!(sent(&decision).0.context.due_by, later);
}

#[test]
fn a_cancel_ends_an_open_review_held_or_not() {
    for hold in [false, true] {
        let (mut desk, _) = in_review();
        if hold {
            desk.order(IdentityTask::HoldIdentity { command_id: COMMAND });
        }
        let decision = desk.order(IdentityTask::CancelIdentity { command_id: COMMAND });
        let cancelled = EventBody::Cancelled { command_id: COMMAND, stage: Stage::Identity };
        assert_eq!(bodies(&decision), [&cancelled]);
        assert!(desk.memory.is_empty());
    }
}

#[test]
fn a_command_that_comes_after_the_request_has_left_is_reported() {
    let mut desk = Desk::with(&[("ngozi", ngozi())]);
    desk.resolve(&claimed());
    for (task, action) in [
        (IdentityTask::CancelIdentity { command_id: COMMAND }, CommandAction::Cancel),
        (IdentityTask::HoldIdentity { command_id: COMMAND }, CommandAction::Hold),
        (IdentityTask::ReleaseIdentity { command_id: COMMAND }, CommandAction::Release),
    ] {
        assert_eq!(
            bodies(&desk.order(task)),
            [&EventBody::CommandPassed { command_id: COMMAND, action, review: None }]
        );
    }
}

#[test]
fn a_dossier_that_does_not_open_is_a_letter() {
    let mut desk = Desk::with(&[]);
    let foreign = desk.identity.phi.seal_dossier(RequestId([1; 16]), moment(1).id, &claimed()).expect("it seals");
    let task = IdentityTask::Resolve { dossier: foreign, ask: Ask::default() };
    let poison = desk.take(IdentityWork { context: context(), task }).expect_err("forged");
    assert_eq!((poison.code, poison.place.as_str()), (Code::SealBroken, "dossier: forged"));
}

#[test]
fn a_partner_that_left_the_registry_is_a_letter() {
    let mut desk = Desk::with(&[("ngozi", ngozi())]);
    let dossier = desk.identity.phi.seal_dossier(REQUEST, moment(1).id, &claimed()).expect("it seals");
    let gone = Context { counterparty: "gone".into(), ..context() };
    let task = IdentityTask::Resolve { dossier, ask: Ask::default() };
    let poison = desk.take(IdentityWork { context: gone, task }).expect_err("no route");
    assert_eq!(poison.code, Code::PartnerUnknown);
}

#[test]
fn the_roster_follows_the_members_topic() {
    let mut desk = Desk::with(&[]);
    desk.learn("ngozi", Some(&ngozi()), 4);
    assert_eq!(desk.resolve(&claimed()).forward.len(), 1);
    assert_eq!(desk.identity.roster.version(), 4);
    desk.learn("ngozi", None, 5);
    let gone = desk.resolve(&claimed());
    assert!(matches!(bodies(&gone)[..], [EventBody::IdentityUnmatched { candidates: 0, .. }]), "a tombstone: {gone:?}");

    desk.learn("ngozi", Some(&ngozi()), 6);
    let sealed_for_another = desk.identity.phi.seal_member("zadie", &ngozi()).expect("it seals");
    let record =
        domain::messages::MemberRecord { member_key: "ngozi".into(), member: sealed_for_another, updated_at: NOW };
    desk.identity.learn((domain::worker::Table::Members, b"ngozi"), Some(&Message::Member(Box::new(record))), 7);
    assert!(desk.identity.roster.is_empty(), "what does not open is not on the roster");
}

fn refused(code: Code) -> EventBody {
    refused_to("rev-12", code)
}

fn refused_to(operator: &str, code: Code) -> EventBody {
    let (action, operator) = (CommandAction::DecideReview, Some(operator.into()));
    EventBody::CommandRefused { command_id: COMMAND, action, code, operator }
}

fn tasks() -> impl Strategy<Value = IdentityTask> {
    let command_id = COMMAND;
    let verdicts = prop_oneof![
        Just(Verdict::IsNobody {}),
        Just(Verdict::TookEffect {}),
        Just(Verdict::IsMember { member_token: in_review().1 }),
        any::<[u8; 16]>().prop_map(|token| Verdict::IsMember { member_token: Token(token) }),
        Just(Verdict::Look {}),
        Just(Verdict::Take {}),
        Just(Verdict::AskMore {}),
        Just(Verdict::Appeal {}),
    ];
    let dossier = in_review().0.identity.phi.seal_dossier(REQUEST, moment(1).id, &either()).expect("it seals");
    prop_oneof![
        Just(IdentityTask::Resolve { dossier, ask: Ask::default() }),
        verdicts.prop_map(verdict),
        Just(IdentityTask::CancelIdentity { command_id }),
        Just(IdentityTask::HoldIdentity { command_id }),
        Just(IdentityTask::ReleaseIdentity { command_id }),
    ]
}

proptest! {
    /// In whatever order work and commands come: the same decision twice, what has left leaves no review behind, and a command is
    /// answered by exactly one fact unless it only holds or releases.
    #[test]
    fn every_order_of_commands_is_defined(tasks in proptest::collection::vec(tasks(), 1..12)) {
        let mut desk = Desk::with(&twins());
        for task in tasks {
            let mut twin = Desk::with(&twins());
            (twin.memory, twin.inputs) = (desk.memory.clone(), desk.inputs);
            let decision = desk.order(task.clone());
            prop_assert_eq!(&decision, &twin.order(task.clone()));
            prop_assert!(sends(&decision) == 0 || !is_in_review(&desk));
            let facts = match task {
                IdentityTask::HoldIdentity { .. } | IdentityTask::ReleaseIdentity { .. } => 0..=1,
                IdentityTask::CancelIdentity { .. } => 1..=1,
                IdentityTask::DecideReview { .. } => 1..=2,
                IdentityTask::Resolve { .. } => 0..=1,
                IdentityTask::Tally { .. } => 0..=0,
            };
            prop_assert!(facts.contains(&decision.events.len()));
        }
    }
}
