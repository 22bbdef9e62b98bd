//! What identity decided, as the log tells it: one case for each request, with what a reviewer said of it and what became of it.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use contracts::Topic;
use domain::lifecycle::PolicyRef;
use domain::lifecycle::evidence::{MatchEvidence, Rehearsed};
use domain::messages::Verdict;
use domain::{Code, EventBody, LifecycleEvent, Message, PartnerId, RequestId, SourceId, Timestamp, Token, Workflow};
use matching::Outcome;

use crate::compose::Plant;
use crate::exit::Failure;
use crate::log::Tail;

/// What the machine decided about a request.
pub(super) struct Case {
    pub(super) request_id: RequestId,
    pub(super) at: Timestamp,
    pub(super) about: Option<Arc<About>>,
    pub(super) outcome: Outcome,
    /// The member that was matched.
    pub(super) member: Option<Token>,
    /// Whom the machine held for the likeliest, where it matched nobody.
    pub(super) likeliest: Option<Token>,
    pub(super) policy: PolicyRef,
    /// How likely it was the likeliest member, in parts per million; none where nothing was judged.
    pub(super) probability_ppm: Option<u32>,
    pub(super) rehearsed: Option<Rehearsed>,
    /// Its caller is taken to be guessing, and it was not judged.
    pub(super) throttled: bool,
    /// What a reviewer said.
    pub(super) reviewed: Option<Reviewed>,
    /// The roster no longer bore the match out.
    pub(super) withdrawn: bool,
}

/// Whom a request is from and about what.
pub(super) struct About {
    pub(super) source: SourceId,
    pub(super) partner: PartnerId,
    pub(super) workflow: Workflow,
}

/// How a review ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reviewed {
    /// It is this member.
    Member(Token),
    /// It is nobody of ours.
    Nobody,
}

/// The cases as they come together.
#[derive(Default)]
struct Cases {
    about: HashMap<RequestId, Arc<About>>,
    cases: BTreeMap<RequestId, Case>,
}

/// How long before a decision its request may have been received: its work waits at identity no longer than that is kept.
const WAITED_MAX: Duration = Duration::from_secs(7 * 86_400);

/// The cases that were decided within a time, with all that is known of them today.
pub(super) fn decided(plant: &Plant, within: &Range<Timestamp>) -> Result<Vec<Case>, Failure> {
    let mut cases = Cases::default();
    Tail::since(plant, Topic::Events, within.start - WAITED_MAX)?.each(|(_, message)| {
        if let Some(Message::Event(event)) = message {
            cases.take(*event, within);
        }
    })?;
    Ok(cases.cases.into_values().collect())
}

// === impl Case ===

impl Case {
    /// The partner, as reports name it.
    pub(super) fn partner(&self) -> &str {
        self.about.as_ref().map_or("unknown", |about| about.partner.as_str())
    }
}

// === impl Cases ===

impl Cases {
    fn take(&mut self, event: LifecycleEvent, within: &Range<Timestamp>) {
        let (request_id, at) = (event.request_id, event.at);
        if let EventBody::Received { source, counterparty, workflow, .. } = event.body {
            self.about.insert(request_id, Arc::new(About { source, partner: counterparty, workflow }));
        } else if let EventBody::ReviewDecided { verdict, .. } = event.body {
            self.reviewed(request_id, verdict);
        } else if let EventBody::VerificationFailed { withdrawn: Some(_), .. } = event.body {
            if let Some(case) = self.cases.get_mut(&request_id) {
                case.withdrawn = true;
            }
        } else if within.contains(&at)
            && let Some(case) = self.judged((request_id, at), event.body)
            && self.cases.get(&request_id).is_none_or(|case| case.reviewed.is_none())
        {
            // What follows a review is the reviewer's decision, and no case of the machine's.
            self.cases.insert(request_id, case);
        }
    }

    fn reviewed(&mut self, request_id: RequestId, verdict: Verdict) {
        let reviewed = match verdict {
            Verdict::IsMember { member_token } => Reviewed::Member(member_token),
            Verdict::IsNobody {} => Reviewed::Nobody,
            Verdict::TookEffect {}
            | Verdict::TookNoEffect {}
            | Verdict::Look {}
            | Verdict::Take {}
            | Verdict::AskMore {}
            | Verdict::Appeal {} => return,
        };
        if let Some(case) = self.cases.get_mut(&request_id) {
            case.reviewed = Some(reviewed);
        }
    }

    fn judged(&self, (request_id, at): (RequestId, Timestamp), body: EventBody) -> Option<Case> {
        let case = |outcome, policy, evidence: Option<Box<MatchEvidence>>| {
            let likeliest = evidence.as_ref().and_then(|it| it.likeliest);
            let (probability_ppm, rehearsed) = evidence.map(|it| (it.probability_ppm, it.rehearsed)).unzip();
            Case {
                request_id,
                at,
                about: self.about.get(&request_id).cloned(),
                outcome,
                member: None,
                likeliest,
                policy,
                probability_ppm,
                rehearsed: rehearsed.flatten(),
                throttled: false,
                reviewed: None,
                withdrawn: false,
            }
        };
        if let EventBody::IdentityMatched { member_token, policy, evidence, .. } = body {
            let member = Some(member_token);
            Some(Case { member, ..case(Outcome::Match, policy, evidence) })
        } else if let EventBody::IdentityUnmatched { code, policy, evidence, .. } = body {
            let throttled = code == Code::TooManyAttempts;
            Some(Case { throttled, ..case(Outcome::NoMatch, policy, evidence) })
        } else if let EventBody::ReviewOpened { policy, evidence, .. } = body {
            Some(case(Outcome::Review, policy, evidence))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::messages::Stage;
    use domain::{CommandId, RecordId};

    use super::*;

    fn event(at: i64, body: EventBody) -> LifecycleEvent {
        let (request_id, cause) = (RequestId([1; 16]), RecordId([2; 16]));
        LifecycleEvent { request_id, at: Timestamp(at), by: Stage::Identity, version: "1".into(), cause, body }
    }

    fn opened() -> EventBody {
        let (policy, due_by) = (PolicyRef::default(), Timestamp(99));
        let evidence = Some(Box::new(MatchEvidence { probability_ppm: 700_000, ..MatchEvidence::default() }));
        EventBody::ReviewOpened {
            code: Code::PartialAgreement,
            candidates: 1,
            policy,
            due_by,
            roster_version: None,
            evidence,
        }
    }

    fn decided(verdict: Verdict) -> EventBody {
        EventBody::ReviewDecided { command_id: CommandId([3; 16]), operator: "sam".into(), verdict, reason: None }
    }

    fn unmatched(code: Code) -> EventBody {
        let (policy, roster_version) = (PolicyRef::default(), 0);
        EventBody::IdentityUnmatched { code, candidates: 1, policy, roster_version, evidence: None }
    }

    fn case(events: Vec<LifecycleEvent>) -> Option<Case> {
        let mut cases = Cases::default();
        events.into_iter().for_each(|event| cases.take(event, &(Timestamp(10)..Timestamp(20))));
        cases.cases.into_values().next()
    }

    #[test]
    fn a_reviewers_decision_belongs_to_the_case_it_decides_whenever_it_comes() {
        let token = Token([4; 16]);
        let reviewed = case(vec![
            event(12, opened()),
            event(50, decided(Verdict::Look {})),
            event(51, decided(Verdict::IsMember { member_token: token })),
            event(60, decided(Verdict::TookEffect {})),
        ]);
        let reviewed = reviewed.expect("a case");
        assert_eq!((reviewed.outcome, reviewed.reviewed), (Outcome::Review, Some(Reviewed::Member(token))));
        assert_eq!(reviewed.probability_ppm, Some(700_000));
        let nobody = vec![
            event(12, opened()),
            event(13, decided(Verdict::IsNobody {})),
            event(13, unmatched(Code::ReviewedNobody)),
        ];
        let nobody = case(nobody).expect("a case");
        assert_eq!(
            (nobody.outcome, nobody.reviewed),
            (Outcome::Review, Some(Reviewed::Nobody)),
            "not a case of its own"
        );
    }

    #[test]
    fn what_was_decided_at_another_time_is_no_case_and_who_guesses_was_not_judged() {
        assert!(case(vec![event(9, opened())]).is_none() && case(vec![event(20, opened())]).is_none());
        assert!(case(vec![event(12, unmatched(Code::TooManyAttempts))]).is_some_and(|case| case.throttled));
        assert!(case(vec![event(12, unmatched(Code::NoCandidate))]).is_some_and(|case| !case.throttled));
    }
}
