//! Deciding many claims: several are under way at a time, each a step behind what it has asked memory for, so that nobody waits alone.

use crate::Person;
use crate::claim::{Claim, Said};
use crate::decide::{Decision, Matcher};
use crate::gather::Gathered;

/// How many claims are under way at a time: as many as the reads keep busy that a core can have open.
const LANES: usize = 12;

/// One of the claims under way.
#[derive(Default)]
pub(crate) struct Lane {
    said: Said,
    claim: Option<Claim>,
    gathered: Gathered,
}

// === impl Matcher ===

impl<'r> Matcher<'r> {
    /// Judges many claims, each as [`decide`](Self::decide) does, in less time.
    pub fn decide_all<'p>(&mut self, people: impl IntoIterator<Item = Person<'p>>) -> Vec<Decision<'r>> {
        let mut people = people.into_iter();
        let mut decisions = Vec::with_capacity(people.size_hint().0);
        let mut lanes = std::mem::take(&mut self.lanes);
        lanes.resize_with(LANES, Lane::default);
        loop {
            let mut count = 0;
            for (lane, person) in lanes.iter_mut().zip(&mut people) {
                lane.said = Said::of(&person);
                lane.said.prefetch_places(&self.roster.lexicons);
                count += 1;
            }
            self.advance(&mut lanes[..count], &mut decisions);
            if count < LANES {
                break;
            }
        }
        self.lanes = lanes;
        decisions
    }

    /// Takes the claims of all lanes through the steps, one step after the other.
    fn advance(&mut self, lanes: &mut [Lane], decisions: &mut Vec<Decision<'r>>) {
        let roster = self.roster;
        lanes.iter().for_each(|lane| lane.said.prefetch_words(&roster.lexicons));
        for Lane { said, claim, gathered } in lanes.iter_mut() {
            gathered.aim(claim.insert(Claim::of_said(said, &roster.lexicons)), roster);
        }
        lanes.iter_mut().for_each(|lane| lane.gathered.locate(roster));
        lanes.iter_mut().for_each(|lane| lane.gathered.collect(roster));
        lanes.iter().for_each(|lane| lane.gathered.approach(roster));
        for Lane { claim, gathered, .. } in lanes.iter_mut() {
            gathered.sift(roster, &mut self.seen);
            decisions.extend(claim.as_ref().map(|claim| self.judge_gathered(claim, gathered)));
        }
    }
}
