//! Random histories of a consume-transform-produce stage, compared with a model of a few vectors: whatever happens in between,
//! each input record is carried over exactly once, in order, and the group stands where the output says.

use std::sync::Arc;
use std::time::Duration;

use fleet::bus::{BusError, Limit, Producer, TopicPartition};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::bench::Bench;
use crate::stage::{Member, Stage, record, values};

const PARTITIONS: u32 = 3;
const HISTORIES: u32 = 48;

#[derive(Clone, Debug)]
enum Step {
    /// A source appends, or gives up.
    Append { partition: u32, count: usize, commits: bool },
    /// A worker joins, if it is not there.
    Join(usize),
    /// A worker goes, if it is there.
    Leave(usize),
    /// A worker takes some records and carries them over.
    Work { worker: usize, most: usize, end: End },
    /// The process ends and starts again.
    Restart,
}

/// How a piece of work ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Commit,
    Abort,
    /// Another holder of its transactional id shows up first.
    Fenced,
    /// It is gone before the commit, and comes back.
    Crash,
}

#[derive(Default)]
struct Model {
    /// What each input partition holds.
    input: Vec<Vec<String>>,
    /// How much of it was carried over.
    done: Vec<usize>,
    appended: usize,
}

struct World {
    bench: Box<dyn Bench>,
    stage: Option<Stage>,
    input: Arc<str>,
    output: Arc<str>,
    workers: [Option<Worker>; 2],
    model: Model,
}

struct Worker {
    member: Member,
    producer: Box<dyn Producer>,
}

/// Runs histories from a fixed seed on fresh buses.
pub(crate) fn agrees(bench: impl Fn() -> Box<dyn Bench>) {
    let config = Config { cases: HISTORIES, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let history = |steps: Vec<Step>| {
        let mut world = World::new(bench());
        for step in steps {
            world.step(&step);
        }
        world.check();
        Ok(())
    };
    if let Err(error) = runner.run(&prop::collection::vec(steps(), 1..40), history) {
        panic!("{error}\n{runner}");
    }
}

fn steps() -> impl Strategy<Value = Step> {
    let end = prop_oneof![3 => Just(End::Commit), 1 => Just(End::Abort), 1 => Just(End::Fenced), 1 => Just(End::Crash)];
    prop_oneof![
        4 => (0..PARTITIONS, 1..6_usize, prop::bool::weighted(0.8))
            .prop_map(|(partition, count, commits)| Step::Append { partition, count, commits }),
        2 => (0..2_usize).prop_map(Step::Join),
        1 => (0..2_usize).prop_map(Step::Leave),
        6 => (0..2_usize, 1..10_usize, end).prop_map(|(worker, most, end)| Step::Work { worker, most, end }),
        1 => Just(Step::Restart),
    ]
}

// === impl World ===

impl World {
    fn new(bench: Box<dyn Bench>) -> Self {
        let stage = Stage::new(&*bench);
        let (input, output) = (stage.topic("input", PARTITIONS), stage.topic("output", PARTITIONS));
        let model = Model { input: vec![Vec::new(); 3], done: vec![0; 3], appended: 0 };
        Self { bench, stage: Some(stage), input, output, workers: [None, None], model }
    }

    fn stage(&self) -> &Stage {
        self.stage.as_ref().expect("there is one except during a restart")
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Append { partition, count, commits } => self.append(partition, count, commits),
            Step::Join(worker) => {
                if self.workers[worker].is_none() {
                    self.workers[worker] = Some(self.worker(worker));
                }
            }
            Step::Leave(worker) => {
                if let Some(leaver) = self.workers[worker].take() {
                    leaver.member.consumer.leave().unwrap();
                }
            }
            Step::Work { worker, most, end } => {
                if self.workers[worker].is_some() {
                    self.work(worker, most, end);
                }
            }
            Step::Restart => {
                let workers = std::mem::take(&mut self.workers);
                workers.into_iter().flatten().for_each(|worker| worker.member.consumer.leave().unwrap());
                let stage = self.stage.take().expect("there is one except during a restart");
                self.stage = Some(stage.across(|| {
                    self.bench.restart();
                    self.bench.bus()
                }));
            }
        }
    }

    fn append(&mut self, partition: u32, count: usize, commits: bool) {
        let texts: Vec<String> = (0..count).map(|nth| (self.model.appended + nth).to_string()).collect();
        let values: Vec<&str> = texts.iter().map(String::as_str).collect();
        self.model.appended += count;
        if commits {
            self.stage().append(&self.input, partition, &values);
            self.model.input[partition as usize].extend(texts);
        } else {
            self.stage().append_in_vain(&self.input, partition, &values);
        }
    }

    fn worker(&self, number: usize) -> Worker {
        let name = format!("worker-{number}");
        Worker { member: self.stage().join("group", &name, &[&self.input]), producer: self.stage().producer(&name) }
    }

    fn work(&mut self, number: usize, most: usize, end: End) {
        self.settle();
        let mut worker = self.workers[number].take().expect("asked before");
        let limit = Limit { records: most, bytes: 1 << 20 };
        worker.member.taken.clear();
        worker.member.consumer.take(&self.input, limit, &mut worker.member.taken).unwrap();
        let taken = std::mem::take(&mut worker.member.taken);
        let mut carried = vec![0; 3];
        for (record_in, value) in taken.iter().zip(values(&taken)) {
            let partition = record_in.partition as usize;
            let expected = &self.model.input[partition][self.model.done[partition] + carried[partition]];
            assert_eq!(&value, expected);
            carried[partition] += 1;
            worker.producer.send(record(&self.output, record_in.partition, &value)).unwrap();
        }
        match end {
            End::Commit => {
                worker.member.commit(&mut *worker.producer).unwrap();
                self.model.done.iter_mut().zip(carried).for_each(|(done, carried)| *done += carried);
            }
            End::Abort => worker.producer.abort().unwrap(),
            End::Fenced => {
                let successor = self.stage().producer(&format!("worker-{number}"));
                assert_eq!(worker.member.commit(&mut *worker.producer), Err(BusError::Fenced));
                worker.producer = successor;
            }
            End::Crash => {
                drop(worker);
                worker = self.worker(number);
            }
        }
        for record in taken.iter().rev().filter(|_| matches!(end, End::Abort | End::Fenced)) {
            worker.member.consumer.seek(&record.topic_partition(), record.offset).unwrap();
        }
        self.workers[number] = Some(worker);
    }

    /// Lets the workers go on until they own everything together.
    fn settle(&mut self) {
        let stage = self.stage.as_ref().expect("there is one except during a restart");
        stage.until("the workers own everything", || {
            let workers = self.workers.iter_mut().flatten();
            workers
                .map(|worker| {
                    worker.member.step(Duration::ZERO);
                    worker.member.owned.len()
                })
                .sum::<usize>()
                == PARTITIONS as usize
        });
    }

    fn check(&self) {
        for partition in 0..PARTITIONS {
            let (input, done) = (&self.model.input[partition as usize], self.model.done[partition as usize]);
            assert_eq!(&self.stage().values(&self.output, partition), &input[..done]);
            let records = self.stage().read(&self.input, partition);
            assert_eq!(&values(&records), input);
            let committed = self.stage().committed("group", &self.input, partition).unwrap_or(0);
            assert_eq!(records.iter().filter(|record| record.offset < committed).count(), done);
            let marks = self.stage().bus.watermarks(&TopicPartition::new(self.input.clone(), partition)).unwrap();
            assert!(committed <= marks.stable && marks.stable <= marks.high);
        }
    }
}
