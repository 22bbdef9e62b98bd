//! Trials: among the inputs of a turn that can't be committed is one that spoils it for the others. They are tried again in parts,
//! apart from everything else, until the culprit stands alone.

use std::collections::VecDeque;

use domain::Worker;

use crate::bus::TopicPartition;
use crate::pace::APPETITE_MIN;
use crate::turn::{Tally, Turn};

/// Inputs on trial.
#[derive(Debug)]
pub(super) struct Trial {
    /// Answers and timers still to be tried; they come first.
    others: usize,
    /// Partitions with records still to be tried, one after the other, and the offset each is tried up to.
    runs: VecDeque<(TopicPartition, u64)>,
    /// How many records may still be tried.
    records_left: usize,
    /// Each record is tried alone, and the attempt is written down first: it may end the process.
    pub(super) is_on_record: bool,
}

impl Trial {
    /// Everything a turn had taken.
    pub(super) fn of<W: Worker>(turn: &Turn<W>) -> Self {
        let runs = turn.taken.iter().map(|(at, span)| (at.clone(), span.next)).collect();
        Self { others: turn.tally.answers + turn.tally.timers, runs, records_left: usize::MAX, is_on_record: false }
    }

    /// The records at which the process may have ended: as many as the first turn after a start takes.
    pub(super) fn on_record(runs: VecDeque<(TopicPartition, u64)>) -> Self {
        let records_left = APPETITE_MIN * runs.len();
        Self { others: 0, runs, records_left, is_on_record: true }
    }

    /// Adds what another trial would try.
    pub(super) fn join(&mut self, other: Self) {
        self.runs.extend(other.runs);
        self.records_left = self.records_left.saturating_add(other.records_left);
        self.is_on_record |= other.is_on_record;
    }

    /// The one partition whose records are tried now; none while answers and timers are.
    pub(super) fn focus(&self) -> Option<&TopicPartition> {
        if self.others == 0 { self.runs.front().map(|(at, _)| at) } else { None }
    }

    /// A turn of the trial has committed, or found nothing to try. Answers whether the trial is over.
    pub(super) fn advance(&mut self, tally: &Tally, position: impl Fn(&TopicPartition) -> u64) -> bool {
        if 0 < self.others {
            let tried = tally.answers + tally.timers;
            self.others = if tried == 0 { 0 } else { self.others.saturating_sub(tried) };
        } else if let Some((at, until)) = self.runs.front() {
            self.records_left = self.records_left.saturating_sub(tally.records);
            if tally.records == 0 || *until <= position(at) {
                self.runs.pop_front();
            }
        }
        self.others == 0 && (self.runs.is_empty() || self.records_left == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_tried_before_records_and_runs_one_after_the_other() {
        let runs = [("a", 5), ("b", 3)].map(|(topic, until)| (TopicPartition::new(topic, 0), until));
        let mut trial = Trial { others: 3, runs: runs.into(), records_left: usize::MAX, is_on_record: false };
        let tally = |answers, timers, records| Tally { answers, timers, records, ..Tally::default() };
        assert_eq!(trial.focus(), None);
        assert!(!trial.advance(&tally(1, 1, 0), |_| 0));
        assert_eq!(trial.focus(), None);
        assert!(!trial.advance(&tally(0, 1, 0), |_| 0));
        assert_eq!(trial.focus(), Some(&TopicPartition::new("a", 0)));
        assert!(!trial.advance(&tally(0, 0, 2), |_| 4));
        assert_eq!(trial.focus(), Some(&TopicPartition::new("a", 0)));
        assert!(!trial.advance(&tally(0, 0, 1), |_| 5));
        assert_eq!(trial.focus(), Some(&TopicPartition::new("b", 0)));
        assert!(trial.advance(&tally(0, 0, 0), |_| 0), "what is not there any more is not waited for");
    }

    #[test]
    fn a_trial_on_record_ends_after_as_many_records_as_the_first_turn_takes() {
        let mut trial = Trial::on_record([(TopicPartition::new("a", 0), 1_000)].into());
        let one = Tally { records: 1, ..Tally::default() };
        let tried = (1..).take_while(|_| !trial.advance(&one, |_| 0)).count() + 1;
        assert_eq!(tried, APPETITE_MIN);
    }
}
