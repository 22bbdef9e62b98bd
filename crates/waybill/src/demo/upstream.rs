//! The upstream system of the demo.

use domain::{Lane, Timestamp};
use sandbox::upstream::{Submission, Traffic, population, traffic};

use super::SOURCE;
use super::accounts::Books;
use crate::cli::{DemoArgs, Sabotage};
use crate::compose::Plant;
use crate::exit::Failure;
use crate::feed::Feed;

/// Sends the traffic of a seed, in order; what an interrupted run sent already is not sent again.
pub(crate) struct Upstream {
    feed: Feed,
    payer: String,
    seed: u64,
    submissions: Vec<Submission>,
    skip: Option<usize>,
}

/// How many members the payer has.
const MEMBERS: u64 = 1_000;
/// How many submissions go in one transaction.
const BATCH: usize = 50;

impl Upstream {
    /// The traffic that the arguments ask for.
    pub(crate) fn new(arguments: &DemoArgs, plant: &Plant) -> Result<Self, Failure> {
        let payer = plant.tables.intake.payer_id.clone();
        let plan = Traffic {
            seed: arguments.seed,
            source: SOURCE.into(),
            payer: payer.clone(),
            members: MEMBERS,
            partners: plant.tables.partners.iter().map(|partner| partner.id.clone()).collect(),
            count: arguments.requests,
            now: Timestamp(plant.clock.now_ms()),
            only_good: false,
        };
        let skip = (arguments.sabotage == Some(Sabotage::LostSubmission)).then_some(3);
        let submissions = traffic(&plan);
        Ok(Self { feed: Feed::open(plant, "demo-upstream")?, payer, seed: arguments.seed, submissions, skip })
    }

    /// Publishes the roster.
    pub(crate) fn enrol(&self) -> Result<(), Failure> {
        let people = population(self.seed, &self.payer, MEMBERS);
        for chunk in people.chunks(200) {
            let members = chunk.iter().map(|person| (person.member_key.clone(), person.member.clone()));
            self.feed.load_members(members.collect())?;
        }
        Ok(())
    }

    /// Sends the next batch after `sent` submissions; how many it had.
    pub(crate) fn send(&self, sent: usize) -> Result<usize, Failure> {
        let batch = &self.submissions[sent..(sent + BATCH).min(self.submissions.len())];
        let mut records = Vec::with_capacity(batch.len());
        for (index, submission) in batch.iter().enumerate() {
            if self.skip != Some(sent + index) {
                let (lane, key): (Lane, &[u8]) = (submission.lane, &submission.record_key);
                records.push(self.feed.intake_record(lane, key, submission.request.clone())?);
            }
        }
        self.feed.append(records)?;
        Ok(batch.len())
    }

    /// How many submissions there are.
    pub(crate) fn count(&self) -> usize {
        self.submissions.len()
    }

    /// All submissions.
    pub(crate) fn submissions(&self) -> &[Submission] {
        &self.submissions
    }

    /// How many submissions an interrupted run had sent: they lie on the intake topics.
    pub(crate) fn sent_before(&self, books: &mut Books) -> Result<usize, Failure> {
        books.submissions_on_intake()
    }
}
