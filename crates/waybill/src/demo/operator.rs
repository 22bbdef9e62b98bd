//! The operator of the demo: decides reviews, and what only a person can find out.

use std::collections::BTreeSet;

use domain::ids::derive;
use domain::messages::{AttemptRef, Command, CommandAction, CommandTarget, Verdict};
use domain::{Code, CommandId, RequestId, Timestamp};
use sandbox::accounts::Story;

use super::accounts::Books;
use crate::compose::Plant;
use crate::exit::Failure;
use crate::feed::Feed;

/// Acts on open requests, once per thing to be decided.
pub(crate) struct Operator {
    plant: Plant,
    feed: Feed,
    acted: BTreeSet<(RequestId, CommandAction, bool)>,
}

impl Operator {
    /// An operator at this plant.
    pub(crate) fn new(plant: &Plant) -> Result<Self, Failure> {
        Ok(Self { plant: plant.clone(), feed: Feed::open(plant, "demo-operator")?, acted: BTreeSet::new() })
    }

    /// Decides what can be decided; how many requests are open without waiting for an owner.
    pub(crate) fn settle(&mut self, books: &Books) -> Result<usize, Failure> {
        let mut open = 0;
        for (request_id, story) in books.accounts().open() {
            open += usize::from(!story.is_owned());
            let Some((action, verdict, reason)) = decision(story) else { continue };
            let about = story.unknown.filter(|_| action == CommandAction::ResolveUnknown);
            let thing = (*request_id, action, story.awaits_second);
            if self.acted.contains(&thing) {
                continue;
            }
            let operator = if story.awaits_second { "second-operator" } else { "demo-operator" };
            if action == CommandAction::DecideReview {
                let look = Some(Verdict::Look {});
                self.give((*request_id, action, None), look, (operator, "both records side by side"))?;
            }
            self.give((*request_id, action, about), verdict, (operator, reason))?;
            // What failed on the way is said again, under the same ids: whoever has heard it takes no notice.
            self.acted.insert(thing);
        }
        Ok(open)
    }

    fn give(
        &self,
        (request_id, action, about): (RequestId, CommandAction, Option<AttemptRef>),
        verdict: Option<Verdict>,
        (operator, reason): (&str, &str),
    ) -> Result<(), Failure> {
        let said = [action.as_str().as_bytes(), operator.as_bytes(), reason.as_bytes()];
        let command = Command {
            command_id: CommandId(derive(&[b"demo", &request_id.0, said[0], said[1], said[2]])),
            target: CommandTarget::RequestTarget { request_id },
            action,
            operator: operator.into(),
            reason: reason.to_owned(),
            issued_at: Timestamp(self.plant.clock.now_ms()),
            verdict,
            expected_state: None,
            about,
        };
        self.feed.command(request_id.to_string().as_bytes(), command)
    }
}

/// What a sensible operator does with an open request.
fn decision(story: &Story) -> Option<(CommandAction, Option<Verdict>, &'static str)> {
    if story.in_review {
        return Some((
            CommandAction::DecideReview,
            Some(Verdict::IsNobody {}),
            "two members fit, and the card is neither's",
        ));
    }
    (story.exception? == Code::OutcomeUnknownUnresolved).then_some((
        CommandAction::ResolveUnknown,
        Some(Verdict::TookEffect {}),
        "the partner was asked by telephone",
    ))
}
