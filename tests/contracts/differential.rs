//! The same random sequence of operations on two buses shows the same things: what commits, aborts and stale holders are told, what
//! readers see once nothing is open, where groups stand.
//!
//! Each producer has a partition of its own: how transactions lie among each other is a bus's affair. Offsets are left out, since there
//! may be gaps, and so is what can be seen behind an open transaction: brokers hold it
//! back, an embedded log has none.

use std::sync::Arc;

use fleet::bus::{BusError, Consumed, GroupMetadata, Producer, TopicPartition};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::bench::Bench;
use crate::stage::{Member, Stage, record};

/// One for each producer.
const PARTITIONS: u32 = 2;
const PRODUCERS: usize = 2;
const HISTORIES: u32 = 40;

#[derive(Clone, Debug)]
enum Step {
    Send {
        producer: usize,
        count: usize,
    },
    Commit(usize),
    Abort(usize),
    /// Another holder of the id; the earlier one goes on without knowing.
    Replace(usize),
    /// The last earlier holder sends and commits.
    Haunt(usize),
    /// A member takes what there is and commits it with this producer.
    Consume(usize),
    /// The same with a membership of before the group has moved on.
    ConsumeStale(usize),
    /// Everything open is aborted, and everything that can be seen is read.
    Look,
}

/// What happened on one bus.
struct Seen {
    stage: Stage,
    input: Arc<str>,
    output: Arc<str>,
    member: Option<Member>,
    stale: GroupMetadata,
    producers: Vec<Box<dyn Producer>>,
    ghosts: Vec<Option<Box<dyn Producer>>>,
    sent: usize,
    told: Vec<String>,
}

/// Runs histories from a fixed seed on two buses each.
pub(crate) fn agree(one: impl Fn() -> Box<dyn Bench>, other: impl Fn() -> Box<dyn Bench>) {
    let config = Config { cases: HISTORIES, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let history = |steps: Vec<Step>| {
        let (one, other) = (Seen::of(&*one(), &steps), Seen::of(&*other(), &steps));
        prop_assert_eq!(one, other);
        Ok(())
    };
    if let Err(error) = runner.run(&prop::collection::vec(steps(), 1..40), history) {
        panic!("{error}\n{runner}");
    }
}

fn steps() -> impl Strategy<Value = Step> {
    let producer = 0..PRODUCERS;
    prop_oneof![
        5 => (producer.clone(), 1..4_usize).prop_map(|(producer, count)| Step::Send { producer, count }),
        3 => producer.clone().prop_map(Step::Commit),
        2 => producer.clone().prop_map(Step::Abort),
        1 => producer.clone().prop_map(Step::Replace),
        2 => producer.clone().prop_map(Step::Haunt),
        2 => producer.clone().prop_map(Step::Consume),
        1 => producer.prop_map(Step::ConsumeStale),
        2 => Just(Step::Look),
    ]
}

// === impl Seen ===

impl Seen {
    fn of(bench: &dyn Bench, steps: &[Step]) -> Vec<String> {
        let stage = Stage::new(bench);
        let (input, output) = (stage.topic("input", PARTITIONS), stage.topic("output", PARTITIONS));
        // A first member has come and gone, so that there is an earlier generation.
        let first = stage.join_alone("group", "first", &[&input]);
        let stale = first.consumer.group();
        first.consumer.leave().unwrap();
        let member = Some(stage.join_alone("group", "second", &[&input]));
        let producers = (0..PRODUCERS).map(|number| stage.producer(&number.to_string())).collect();
        let ghosts = (0..PRODUCERS).map(|_| None).collect();
        let mut seen = Self { stage, input, output, member, stale, producers, ghosts, sent: 0, told: Vec::new() };
        steps.iter().for_each(|step| seen.step(step));
        seen.look();
        seen.told
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Send { producer, count } => {
                let partition = u32::try_from(producer).unwrap();
                for _ in 0..count {
                    self.sent += 1;
                    let sent = self.producers[producer].send(record(&self.input, partition, &self.sent.to_string()));
                    self.tell("send", &sent);
                }
            }
            Step::Commit(producer) => {
                let committed = self.producers[producer].commit(None);
                self.tell("commit", &committed);
            }
            Step::Abort(producer) => {
                let aborted = self.producers[producer].abort();
                self.tell("abort", &aborted);
            }
            Step::Replace(producer) => {
                let successor = self.stage.producer(&producer.to_string());
                self.ghosts[producer] = Some(std::mem::replace(&mut self.producers[producer], successor));
            }
            Step::Haunt(producer) => {
                let Some(ghost) = &mut self.ghosts[producer] else { return };
                let sent = ghost.send(record(&self.input, 0, "ghost"));
                let ended = sent.and_then(|()| ghost.commit(None));
                self.tell("haunt", &ended);
            }
            Step::Consume(producer) => self.consume(producer, false),
            Step::ConsumeStale(producer) => self.consume(producer, true),
            Step::Look => self.look(),
        }
    }

    /// Carries over what can be taken, alone in its transaction.
    fn consume(&mut self, number: usize, is_stale: bool) {
        self.end_all();
        let mut member = self.member.take().expect("it is put back below");
        self.catch_up(&mut member);
        let next = self.partitions().map(|at| (at.clone(), member.consumer.position(&at).unwrap()));
        let next: Vec<_> = next.collect();
        let producer = &mut self.producers[number];
        for taken in &member.taken {
            let value = String::from_utf8(taken.value.clone().unwrap_or_default().to_vec()).unwrap();
            producer.send(record(&self.output, taken.partition, &value)).unwrap();
        }
        let current = member.consumer.group();
        let group = if is_stale { &self.stale } else { &current };
        let committed = producer.commit(Some(Consumed { group, next: &next }));
        if committed.is_err() {
            producer.abort().unwrap();
            for taken in member.taken.iter().rev() {
                member.consumer.seek(&taken.topic_partition(), taken.offset).unwrap();
            }
        }
        member.taken.clear();
        self.member = Some(member);
        self.tell("consume", &committed);
    }

    /// Takes all that is committed. Nothing is open any more, but brokers take a moment to write down where transactions end.
    fn catch_up(&self, member: &mut Member) {
        self.stage.until("the member has come to the end", || {
            member.step(std::time::Duration::from_millis(1));
            member.take_all();
            self.partitions().all(|at| {
                let marks = self.stage.bus.watermarks(&at).unwrap();
                marks.stable == marks.high && marks.high <= member.consumer.position(&at).unwrap()
            })
        });
    }

    fn look(&mut self) {
        self.end_all();
        for partition in 0..PARTITIONS {
            for topic in [self.input.clone(), self.output.clone()] {
                let values = self.stage.values(&topic, partition);
                self.told
                    .push(format!("partition {partition} of {} holds {values:?}", topic.rsplit('-').next().unwrap()));
            }
            let committed = self.stage.committed("group", &self.input, partition).unwrap_or(0);
            let records = self.stage.read(&self.input, partition);
            let done = records.iter().filter(|record| record.offset < committed).count();
            self.told.push(format!("{done} of partition {partition} are done"));
        }
    }

    fn end_all(&mut self) {
        for producer in &mut self.producers {
            producer.abort().unwrap();
        }
    }

    fn partitions(&self) -> impl Iterator<Item = TopicPartition> + use<> {
        let input = self.input.clone();
        (0..PARTITIONS).map(move |number| TopicPartition::new(input.clone(), number))
    }

    fn tell(&mut self, what: &str, outcome: &Result<(), BusError>) {
        let outcome = match outcome {
            Ok(()) => "succeeds",
            Err(BusError::Fenced) => "is fenced",
            Err(BusError::StaleGeneration) => "is stale",
            Err(_) => "fails",
        };
        self.told.push(format!("{what} {outcome}"));
    }
}
