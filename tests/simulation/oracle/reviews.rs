//! What people may do with a review, and that every command gets its one verdict: written from the rules of reviews, not from how
//! identity keeps them.

use std::collections::{BTreeMap, BTreeSet};

use domain::messages::{Command, CommandAction, CommandTarget, Stage, Verdict};
use domain::person::ConsentPolicy;
use domain::{Code, CommandId, EventBody, LifecycleEvent, RequestId, Token};

use super::grounds::Grounds;

/// The commands that were given, and the reviews they were about.
#[derive(Default)]
pub(super) struct Reviews {
    commands: BTreeMap<CommandId, Given>,
    reviews: BTreeMap<RequestId, Review>,
    /// How often something was met that many runs must have met.
    pub(super) met: BTreeMap<&'static str, u64>,
}

/// A command, and how often somebody said what became of it.
struct Given {
    command: Command,
    verdicts: u32,
}

#[derive(Default)]
struct Review {
    is_sensitive: bool,
    is_open: bool,
    opened_by: BTreeSet<String>,
    owner: Option<String>,
    first: Option<(String, Verdict)>,
    decided: Option<Verdict>,
    /// Whom the first of two has chosen, if the second has named another account: they may have been merged since.
    first_chosen: Option<Token>,
}

const DISAGREE: &str = "two people have decided that don't agree";

// === impl Reviews ===

impl Reviews {
    /// Takes a command in.
    pub(super) fn given(&mut self, command: Command) {
        self.commands.entry(command.command_id).or_insert(Given { command, verdicts: 0 });
    }

    /// Takes a fact in; what is wrong with it.
    pub(super) fn judge(&mut self, event: &LifecycleEvent, grounds: &Grounds) -> Option<String> {
        if let Some(wrong) = verdict_on(event).and_then(|command| self.count(command, is_about_nothing(event))) {
            return Some(wrong);
        }
        let said = command_of(&event.body).and_then(|id| self.commands.get(&id)).map(|given| &given.command);
        let (by, verdict) = said.map(|said| (said.operator.as_str().to_owned(), said.verdict)).unwrap_or_default();
        let review = self.reviews.entry(event.request_id).or_default();
        let met = &mut self.met;
        match &event.body {
            EventBody::Validated { consent, .. } => {
                review.is_sensitive = *consent == ConsentPolicy::Sensitive;
                None
            }
            EventBody::ReviewOpened { .. } => {
                review.is_open = true;
                None
            }
            // Steps that waited behind a letter are taken until the review itself is ended.
            EventBody::Cancelled { .. } => {
                review.is_open = false;
                None
            }
            EventBody::CommandPassed { review: Some(step), .. } => {
                if step.operator.as_str() != by {
                    return Some("a step of a review was taken in another's name".to_owned());
                }
                review.step(&step.step, (by, verdict), met)
            }
            EventBody::CommandRefused { code, .. } => {
                count(met, code.as_str());
                if *code == Code::VerdictsDisagree {
                    let first = review.first.take();
                    let agrees = first.is_none_or(|(operator, first)| operator == by || Some(first) == verdict);
                    return agrees.then(|| "two verdicts count as contradicting that don't".to_owned());
                }
                None
            }
            EventBody::ReviewDecided { verdict, .. } if verdict.is_of_review() => review.decide((by, *verdict), met),
            EventBody::IdentityMatched { rule, member_token, .. } => {
                let stands_for = |chosen| grounds.stands_for(chosen, event) == *member_token;
                review.matched(rule, stands_for)
            }
            EventBody::IdentityUnmatched { code, .. } => {
                count(met, code.as_str());
                review.unmatched(*code)
            }
            EventBody::VerificationFailed { withdrawn: Some(_), .. } => {
                count(met, "match withdrawn");
                None
            }
            _ => None,
        }
    }

    /// Commands that nobody has answered in the end. `is_moot` tells of requests whose work people have put aside.
    pub(super) fn unanswered(&self, is_moot: impl Fn(RequestId) -> bool) -> Vec<String> {
        let is_open = |given: &&Given| {
            let about = match given.command.target {
                CommandTarget::RequestTarget { request_id } => is_moot(request_id),
                CommandTarget::LetterTarget { .. } => true,
            };
            given.verdicts == 0 && !about
        };
        let told = |given: &Given| format!("nobody has said what became of {:?}", given.command);
        self.commands.values().filter(is_open).map(told).collect()
    }

    fn count(&mut self, command: CommandId, is_about_nothing: bool) -> Option<String> {
        let given = self.commands.get_mut(&command)?;
        given.verdicts += 1;
        // Of what concerns nothing nothing is remembered: that may be said again.
        (1 < given.verdicts && !is_about_nothing)
            .then(|| format!("a command to {} was answered twice", given.command.action.as_str()))
    }
}

// === impl Review ===

impl Review {
    fn step(
        &mut self,
        step: &str,
        (by, verdict): (String, Option<Verdict>),
        met: &mut BTreeMap<&'static str, u64>,
    ) -> Option<String> {
        // A look where no review is open, or none that goes on, is on record, and gives nobody a right.
        if (step, verdict) == ("looked", Some(Verdict::Look {})) {
            return None;
        }
        if !self.is_open {
            return Some(format!("{step} in a review that is none"));
        }
        let (name, wrong) = match (step, verdict) {
            ("opened", Some(Verdict::Look {})) => {
                self.opened_by.insert(by);
                ("review looked at", None)
            }
            ("taken", Some(Verdict::Take {})) => {
                self.owner = Some(by);
                ("review taken", self.decided.map(|_| "taken after it was decided".to_owned()))
            }
            ("asked", Some(Verdict::AskMore {})) => ("review asked", None),
            ("appealed", Some(Verdict::Appeal {})) => {
                self.first = None;
                let is_so = self.decided.take() == Some(Verdict::IsNobody {});
                ("review appealed", (!is_so).then(|| "appealed though it was not decided".to_owned()))
            }
            ("first_verdict", Some(verdict)) => {
                let wrong = if !self.is_sensitive {
                    Some("a second person is asked though one is enough".to_owned())
                } else if self.first.is_some() {
                    Some("two first verdicts".to_owned())
                } else {
                    self.objection(&by)
                };
                self.first = Some((by, verdict));
                ("first of two verdicts", wrong)
            }
            (step, verdict) => ("", Some(format!("{step} by a command that says {verdict:?}"))),
        };
        count(met, name);
        wrong
    }

    fn matched(&mut self, rule: &str, stands_for: impl Fn(Token) -> bool) -> Option<String> {
        if rule != "reviewed" {
            return self.is_open.then(|| "matched by the machine while people decide".to_owned());
        }
        // Where the account was merged since, the one that stands for it is meant.
        if !self.first_chosen.take().is_none_or(&stands_for) {
            return Some(DISAGREE.to_owned());
        }
        let is_so = matches!(self.decided, Some(Verdict::IsMember { member_token }) if stands_for(member_token));
        (!is_so).then(|| "matched as nobody has decided".to_owned())
    }

    fn unmatched(&mut self, code: Code) -> Option<String> {
        if code != Code::ReviewedNobody {
            return None;
        }
        self.is_open = false;
        (self.decided != Some(Verdict::IsNobody {})).then(|| "nobody has decided that it is nobody".to_owned())
    }

    fn decide(&mut self, (by, verdict): (String, Verdict), met: &mut BTreeMap<&'static str, u64>) -> Option<String> {
        let wrong = if self.decided.is_some() {
            Some("two verdicts act in one review".to_owned())
        } else if self.is_sensitive {
            match &self.first {
                None => Some("one person has decided where two have to".to_owned()),
                Some((first, _)) if *first == by => Some("one person has decided twice".to_owned()),
                Some((_, first)) => match (*first, verdict) {
                    (Verdict::IsMember { member_token: first }, Verdict::IsMember { member_token: second }) => {
                        self.first_chosen = Some(first).filter(|first| *first != second);
                        self.objection(&by)
                    }
                    (first, second) if first == second => self.objection(&by),
                    _ => Some(DISAGREE.to_owned()),
                },
            }
        } else {
            self.objection(&by)
        };
        count(met, if self.is_sensitive { "review decided by two" } else { "review decided by one" });
        self.decided = Some(verdict);
        wrong
    }

    /// Why somebody may not give a verdict. The second of two is another person than the owner, who has given the first.
    fn objection(&self, by: &str) -> Option<String> {
        if !self.opened_by.contains(by) {
            Some("decided by somebody who has not looked".to_owned())
        } else if self.first.is_none() && self.owner.as_ref().is_some_and(|owner| owner != by) {
            Some("decided by somebody who does not own the review".to_owned())
        } else {
            None
        }
    }
}

/// Whether a command was refused since nobody knows what it is about.
fn is_about_nothing(event: &LifecycleEvent) -> bool {
    matches!(event.body, EventBody::CommandRefused { code: Code::TargetUnknown, .. })
}

fn count(met: &mut BTreeMap<&'static str, u64>, name: &'static str) {
    *met.entry(name).or_default() += 1;
}

/// The command that a fact is the verdict on: carried out, or refused. What a stage says of it later is what came of it.
fn verdict_on(event: &LifecycleEvent) -> Option<CommandId> {
    match &event.body {
        EventBody::CancelRequested { command_id, .. }
        | EventBody::Held { command_id, .. }
        | EventBody::Released { command_id, .. }
        | EventBody::ReviewDecided { command_id, .. }
        | EventBody::LetterReplayed { command_id, .. }
        | EventBody::LetterDiscarded { command_id, .. }
        | EventBody::CommandPassed { command_id, review: Some(_), .. } => Some(*command_id),
        EventBody::CommandRefused { command_id, action, .. } => {
            let is_of_stage = event.by == Stage::Dispatch && *action == CommandAction::ResolveUnknown;
            (!is_of_stage).then_some(*command_id)
        }
        _ => None,
    }
}

fn command_of(body: &EventBody) -> Option<CommandId> {
    match body {
        EventBody::ReviewDecided { command_id, .. }
        | EventBody::CommandPassed { command_id, .. }
        | EventBody::CommandRefused { command_id, .. } => Some(*command_id),
        _ => None,
    }
}
