//! The books of the demo: the log and the outcome topic, read as they grow.

use contracts::Topic;
use contracts::headers::{CE_SOURCE, event_type};
use domain::{Message, SourceId};
use sandbox::accounts::Accounts;

use crate::compose::Plant;
use crate::exit::Failure;
use crate::log::Tail;

/// What was read so far.
pub(crate) struct Books {
    plant: Plant,
    events: Tail,
    outcomes: Tail,
    accounts: Accounts,
    answered: usize,
    counts: Counts,
}

/// A few counts for the progress line.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    requests: usize,
    closed: usize,
    letters: usize,
}

impl Books {
    /// Opens the books of one source.
    pub(crate) fn open(plant: &Plant, source: &SourceId) -> Result<Self, Failure> {
        Ok(Self {
            plant: plant.clone(),
            events: Tail::of(plant, Topic::Events)?,
            outcomes: Tail::of(plant, Topic::Outcomes(source.clone()))?,
            accounts: Accounts::default(),
            answered: 0,
            counts: Counts::default(),
        })
    }

    /// Reads what has come since; whether there was anything.
    pub(crate) fn read_on(&mut self) -> Result<bool, Failure> {
        let (events, outcomes) = (self.events.next()?, self.outcomes.next()?);
        let moved = !events.is_empty() || !outcomes.is_empty();
        for (record, message) in events {
            if let (Some(Message::Event(event)), Some(value)) = (message, record.value) {
                self.count(&event.body);
                self.accounts.event(&event, event_type(&event.body), &value);
            }
        }
        for (_, message) in outcomes {
            if let Some(Message::Outcome(outcome)) = message {
                use domain::messages::OutcomeStatus;
                if !matches!(outcome.status, OutcomeStatus::Progress | OutcomeStatus::Final) {
                    self.answered += 1;
                }
                self.accounts.outcome(&outcome);
            }
        }
        Ok(moved)
    }

    /// How many submissions have their answer, or became dead letters without one.
    pub(crate) fn answered(&self) -> usize {
        self.answered + self.accounts.letters()
    }

    /// The accounts so far.
    pub(crate) fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// The accounts, to be completed with the partners' own books; one outcome short where that was asked for.
    pub(crate) fn into_accounts(mut self, one_outcome_short: bool) -> Accounts {
        if one_outcome_short {
            self.accounts.forget_one_answer();
        }
        self.accounts
    }

    /// A line for people.
    pub(crate) fn told(&self) -> String {
        let Counts { requests, closed, letters } = self.counts;
        format!("{requests} requests, {closed} closed, {letters} letters")
    }

    /// How many of the demo's submissions lie on the intake topics.
    pub(crate) fn submissions_on_intake(&self) -> Result<usize, Failure> {
        let mut count = 0;
        for lane in domain::Lane::ALL {
            let records = Tail::of(&self.plant, Topic::Intake(lane))?.all()?;
            let ours = |headers: &fleet::bus::Headers| {
                headers.text(CE_SOURCE) == Some("/waybill/demo-upstream") && headers.get("waybill-record-id").is_none()
            };
            count += records.iter().filter(|(record, _)| ours(&record.headers)).count();
        }
        Ok(count)
    }

    fn count(&mut self, body: &domain::EventBody) {
        use domain::EventBody;
        let counts = &mut self.counts;
        counts.requests += usize::from(matches!(body, EventBody::Received { .. }));
        counts.closed += usize::from(matches!(body, EventBody::Closed { .. }));
        counts.letters += usize::from(matches!(body, EventBody::DeadLettered { .. }));
    }
}
