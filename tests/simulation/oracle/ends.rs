//! What is owed at the end of a run.

use std::collections::BTreeMap;

use domain::messages::OutcomeStatus;
use domain::{OperationId, RequestId, TerminalOutcome};
use sandbox::accounts::Rest;
use sandbox::upstream::Submission;

use super::Oracle;

impl Oracle {
    /// Everything that does not balance with what was sent.
    pub(crate) fn balance(&mut self, world: &tests::World, sent: &[Submission], poisoned: usize) -> Vec<String> {
        for (operation, effects) in world.partners.effects() {
            self.accounts.effect(operation, effects);
        }
        let mut wrong: Vec<String> = std::mem::take(&mut self.wrong);
        let expected = "letters name no request";
        let lettered = sent.iter().filter(|one| one.garbled.is_some()).count();
        for imbalance in self.accounts.balance(sent, Rest::Closed) {
            // Rubbish on the fleet's own topics becomes letters too.
            let is_poison = imbalance.0.contains(expected) && self.accounts.letters() == lettered + poisoned;
            if !is_poison {
                wrong.push(self.naming_its_request(imbalance.to_string()));
            }
        }
        if 0 < poisoned && self.accounts.letters() != lettered + poisoned {
            wrong.push(format!(
                "{poisoned} unreadable records and {lettered} garbled ones, and {} letters",
                self.accounts.letters()
            ));
        }
        wrong.extend(self.requests.keys().filter_map(|id| self.end(*id)));
        wrong
    }

    /// What is wrong about an operation, with the request it serves, whose story is told.
    fn naming_its_request(&self, wrong: String) -> String {
        let serves = |id: &&RequestId| {
            let send = OperationId::of_send(**id);
            [send, OperationId::of_compensation(send)]
                .iter()
                .any(|of| wrong.contains(&uuid::Uuid::from_bytes(of.0).to_string()))
        };
        match self.requests.keys().find(serves) {
            Some(id) => format!("{id}: {wrong}"),
            None => wrong,
        }
    }

    /// Effects that stand although their request ended otherwise, and nobody was told to see to it in time.
    pub(crate) fn unowned_effects(&self, world: &tests::World) -> Vec<String> {
        let effects: BTreeMap<_, _> = world.partners.effects().into_iter().collect();
        let stands = |id: &RequestId| {
            let operation = uuid::Uuid::from_bytes(OperationId::of_send(*id).0);
            let undone = uuid::Uuid::from_bytes(OperationId::of_compensation(OperationId::of_send(*id)).0);
            let of = |operation| effects.get(&operation).copied().unwrap_or_default();
            let taken_back = of(operation).cancelled + of(operation).compensated + of(undone).compensated;
            taken_back < of(operation).performed
        };
        let mut found = Vec::new();
        for (id, request) in &self.requests {
            let Some(outcome) = request.closed else { continue };
            if request.owes_undoing {
                found.push(format!("{id} was delivered after its end, and nobody undoes it"));
            }
            let is_to_stand = matches!(outcome, TerminalOutcome::Fulfilled | TerminalOutcome::Escalated);
            if !is_to_stand && !request.is_overtaken && stands(id) && !request.has_had("exception-raised") {
                found.push(format!("{id} was closed as {}, what it did stands, and nobody owns it", outcome.as_str()));
            }
        }
        found
    }

    /// A source hears of the end of its request, and how it ended is what the log says.
    fn end(&self, id: RequestId) -> Option<String> {
        let request = self.requests.get(&id)?;
        let closed = request.closed?;
        let finals = self.finals.get(&id).map_or(&[][..], Vec::as_slice);
        let told = finals.iter().filter(|outcome| outcome.status == OutcomeStatus::Final).count();
        let again = self.repetitions.get(&id).copied().unwrap_or(0);
        if 1 + again + usize::from(request.is_overtaken) < told {
            return Some(format!(
                "{id} was closed, and its source was told {told} times though it asked {again} times"
            ));
        }
        if told == 0 {
            return Some(format!("{id} was closed, and its source was not told"));
        }
        let last = finals.iter().rev().find(|outcome| outcome.status == OutcomeStatus::Final)?;
        let delivered = [TerminalOutcome::Fulfilled, TerminalOutcome::Escalated].map(Some);
        let is_so = last.outcome == Some(closed) || request.is_overtaken && delivered.contains(&last.outcome);
        (!is_so).then(|| format!("{id} was closed as {}, and its source was told {:?}", closed.as_str(), last.outcome))
    }
}
