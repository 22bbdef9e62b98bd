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
            now: began(plant)?,
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
                let mut record = self.feed.intake_record(lane, key, submission.request.clone())?;
                if let Some(garbled) = &submission.garbled {
                    record.value = Some(garbled.clone().into());
                }
                records.push(record);
            }
        }
        self.feed.append(records)?;
        Ok(batch.len())
    }

    /// How many submissions there are.
    pub(crate) fn count(&self) -> usize {
        self.submissions.len()
    }

    /// How many submissions are withheld to spoil the accounts.
    pub(crate) fn withheld(&self) -> usize {
        usize::from(self.skip.is_some())
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

/// When the demo in this directory first began: the traffic is made for that time, so that a resumed run sends the same.
fn began(plant: &Plant) -> Result<Timestamp, Failure> {
    let path = plant.config.data_dir.join("began");
    if let Some(began) = std::fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok()) {
        return Ok(Timestamp(began));
    }
    let now = plant.clock.now_ms();
    std::fs::write(&path, now.to_string())
        .map_err(|error| Failure::Disk(format!("{} can't be written: {error}", path.display())))?;
    Ok(Timestamp(now))
}
