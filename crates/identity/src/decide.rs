//! What becomes of a request whose member is sought. Reviews have their own file, [`review`].

mod review;

use domain::lifecycle::workflow::{self, LookedUp};
use domain::messages::{Ask, Context, DispatchTask, DispatchWork, IdentityTask, IdentityWork, Route};
use domain::person::Dossier;
use domain::phi::{PhiError, Purpose, Sealed};
use domain::worker::{Draft, Forward};
use domain::{
    Code, Decision, Destination, EventBody, FailureClass, Input, Message, Moment, OperationId, Poison, Token, Trace,
    View,
};

use crate::resolve::{Resolution, Resolved, resolve};
use crate::{Entry, Identity, Key, Profile};

type Deciding = Decision<Key, Entry>;

/// Decides one input.
pub fn decide(
    identity: &Identity,
    view: &View<'_, Key, Entry>,
    input: Input<'_, Key>,
    moment: &Moment,
) -> Result<Deciding, Poison> {
    let record = match input {
        Input::Record(record) => record,
        Input::Timer(_) | Input::Answer(_) => return Err(Poison::misdirected()),
    };
    let Message::Identity(work) = &record.message else { return Err(Poison::misdirected()) };
    let IdentityWork { context, task } = &**work;
    let review = view.get(&Key::Review(context.request_id));
    match task {
        // Work that comes again while its review is open changes nothing: the review has it already.
        IdentityTask::Resolve { .. } if review.is_some() => Ok(Decision::nothing()),
        IdentityTask::Resolve { dossier, ask } => Item { context, dossier, ask, trace: None }.resolve(identity, moment),
        IdentityTask::DecideReview { command_id, operator, verdict } => {
            review::decide(identity, context, review, *command_id, operator, *verdict)
        }
        IdentityTask::CancelIdentity { command_id } => Ok(review::cancel(context, review, *command_id)),
        IdentityTask::HoldIdentity { command_id } => Ok(review::hold(context, review, *command_id)),
        IdentityTask::ReleaseIdentity { command_id } => {
            Ok(review::release(identity, context, review, *command_id, moment.now))
        }
    }
}

/// A request's work: as it came, or as its review kept it, then with the trace it came with.
#[derive(Clone, Copy)]
struct Item<'a> {
    context: &'a Context,
    dossier: &'a Sealed<Dossier>,
    ask: &'a Ask,
    trace: Option<Trace>,
}

// === impl Item ===

impl Item<'_> {
    fn resolve(self, identity: &Identity, moment: &Moment) -> Result<Deciding, Poison> {
        let opened = identity.phi.open_dossier(self.context.request_id, self.dossier).map_err(unopened)?;
        let coverage = match workflow::steps(self.context.workflow).looked_up {
            LookedUp::ToLink => opened.coverage_to_link.as_ref(),
            LookedUp::ToMatch => opened.coverage_to_match.as_ref(),
        };
        let claim = Profile::of_claim(&opened.member, coverage);
        let Resolved { candidates, resolution } = resolve(&identity.policy, &identity.roster, &claim);
        let mut decision = Decision::nothing();
        match resolution {
            Resolution::Matched { account, rule } => {
                self.pass_on(identity, &mut decision, member_token(identity, account), rule, candidates)?;
            }
            Resolution::Uncertain { code, choices } => {
                review::open(identity, self, &mut decision, moment, code, &choices);
            }
            Resolution::Nobody { code } => self.give_up(identity, &mut decision, code, candidates),
        }
        Ok(decision)
    }

    /// The member is known: the request goes to its partner.
    fn pass_on(
        self,
        identity: &Identity,
        decision: &mut Deciding,
        member_token: Token,
        rule: &str,
        candidates: u32,
    ) -> Result<(), Poison> {
        let context = self.context;
        let partner = identity.partners.get(&context.counterparty).ok_or_else(unroutable)?;
        let route = Route::of(&partner.id, partner.buckets, context.request_id);
        self.event(
            decision,
            EventBody::IdentityMatched {
                member_token,
                rule: rule.to_owned(),
                candidates,
                policy: identity.policy.reference,
                roster_version: identity.roster.version(),
            },
        );
        let work = DispatchWork {
            context: context.clone(),
            route: route.clone(),
            operation_id: OperationId::of_send(context.request_id),
            task: DispatchTask::Send { dossier: self.dossier.clone(), ask: self.ask.clone(), member_token },
        };
        let to = Destination::Dispatch(context.lane, route);
        decision.forward.push(Forward { to, message: Message::Dispatch(Box::new(work)), trace: self.trace });
        Ok(())
    }

    /// It is nobody of ours: the request ends here.
    fn give_up(self, identity: &Identity, decision: &mut Deciding, code: Code, candidates: u32) {
        let (policy, roster_version) = (identity.policy.reference, identity.roster.version());
        self.event(decision, EventBody::IdentityUnmatched { code, candidates, policy, roster_version });
    }

    fn event(self, decision: &mut Deciding, body: EventBody) {
        decision.events.push(Draft { request_id: self.context.request_id, body, trace: self.trace });
    }
}

/// The token of a member, for ever the same for the same account.
fn member_token(identity: &Identity, account: &str) -> Token {
    identity.phi.token(Purpose::Member, &[account.as_bytes()])
}

fn unopened(error: PhiError) -> Poison {
    let (class, place) = match error {
        PhiError::UnknownKey => (FailureClass::Permanent, "dossier: key unknown"),
        PhiError::Erased => (FailureClass::Permanent, "dossier: key erased"),
        PhiError::Forged => (FailureClass::Permanent, "dossier: forged"),
        PhiError::Undecodable => (FailureClass::Schema, "dossier: undecodable"),
        PhiError::Unavailable => (FailureClass::Transport, "dossier: vault unavailable"),
    };
    Poison { class, code: Code::SealBroken, place: place.to_owned() }
}

fn unroutable() -> Poison {
    Poison { class: FailureClass::Permanent, code: Code::PartnerUnknown, place: "context.counterparty".to_owned() }
}

#[cfg(test)]
mod tests;
