//! Everything at once, by seed: slots that end, leave and come back, commits that fail or succeed unheard, answers that come late or
//! never, clocks that jump. When the storm is over the accounts balance.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use contracts::Topic;
use dispatch::Entry;
use dispatch::memory::Phase;
use domain::Lane;
use fleet::Slot;
use fleet::bus::{BusError, Delivered};
use fleet::probe::Point;

use crate::bus::Verdict;
use crate::toy::Toy;
use crate::world::{World, remembered, settle, survives};

const INSTANCES: [&str; 3] = ["one", "two", "three"];
const OPERATIONS: u8 = 12;
const STEPS: usize = 400;
const SEEDS: u64 = 100;

struct Storm {
    world: World,
    slots: BTreeMap<&'static str, Slot<Toy>>,
    told: Vec<(u8, String)>,
    dice: u64,
    crashes_left: u32,
    aborts_left: u32,
}

#[test]
fn nothing_is_lost_repeated_or_left_hanging() {
    // Every record counts once, in order; every call is made at most once and has one end; nothing waits for ever.
    for seed in 0..SEEDS {
        let storm = Storm::rage(seed);
        let balanced = catch_unwind(AssertUnwindSafe(|| storm.assert_accounts()));
        assert!(balanced.is_ok(), "the accounts of seed {seed} don't balance");
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    // Record for record, offset for offset, in every topic.
    for seed in [1, 2, 3] {
        let [one, other] = [(); 2].map(|()| Storm::rage(seed).everything());
        assert!(one.len() > 100);
        assert_eq!(one, other);
    }
}

impl Storm {
    fn rage(seed: u64) -> Self {
        let dice = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let (world, slots) = (World::new(), BTreeMap::new());
        let mut storm = Self { world, slots, told: Vec::new(), dice, crashes_left: 5, aborts_left: 2 };
        storm.world.records_max = 8;
        for _ in 0..STEPS {
            storm.step();
        }
        storm.calm();
        storm
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        self.dice % bound
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).expect("a small number")]
    }

    fn step(&mut self) {
        let instance = self.pick(&INSTANCES);
        match self.below(100) {
            0..25 => {
                let number = self.pick(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, OPERATIONS]);
                let wish = self.pick(&["count", "count", "call", "call", "call:twice", "wait:700"]);
                let tag = self.world.tell(Lane::Standard, number, wish);
                self.told.push((number, tag));
            }
            25..75 => self.turn(instance),
            75..80 => {
                let join = self.world.join_later(instance);
                self.slots.entry(instance).or_insert_with(join);
            }
            80..83 => self.leave(instance),
            83..86 if 0 < self.crashes_left => {
                self.crashes_left -= 1;
                let point = self.pick(&Point::ALL);
                self.world.trap.crash_at(point);
            }
            86..90 => self.spoil(),
            90..93 => self.world.caller.answer_all(),
            93 => self.world.caller.drop_all(),
            94 => self.world.clock.advance(Duration::from_secs(11)),
            _ => {
                let span = self.below(900);
                self.world.clock.advance(Duration::from_millis(span));
            }
        }
    }

    fn turn(&mut self, instance: &'static str) {
        let Some(slot) = self.slots.get_mut(instance) else { return };
        let turned = survives(|| {
            slot.turn(Duration::ZERO).expect("a slot that goes on");
        });
        if turned.is_none() {
            self.slots.remove(instance);
        }
    }

    fn leave(&mut self, instance: &'static str) {
        if let Some(mut slot) = self.slots.remove(instance) {
            slot.close();
            survives(move || {
                slot.turn(Duration::ZERO).expect("a slot that goes on");
                slot.leave().expect("left");
            });
        }
    }

    /// The next commit fails, or succeeds unheard.
    fn spoil(&mut self) {
        let unavailable = Verdict::Fail(BusError::Unavailable("not now".into()));
        let verdict = match self.below(3) {
            0 if 0 < self.aborts_left => {
                self.aborts_left -= 1;
                Verdict::Fail(BusError::Abort("spoilt".into()))
            }
            1 => Verdict::CommitUnheard,
            _ => unavailable,
        };
        let mut next = Some(verdict);
        self.world.faults.judge_commits(move |_| next.take().unwrap_or(Verdict::Commit));
    }

    /// Faults end, everybody is there, time passes.
    fn calm(&mut self) {
        self.world.trap.disarm();
        self.world.faults.pass_commits();
        for instance in INSTANCES {
            let join = self.world.join_later(instance);
            self.slots.entry(instance).or_insert_with(join);
        }
        for _ in 0..40 {
            for slot in self.slots.values_mut() {
                settle(slot);
            }
            self.world.caller.answer_all();
            self.world.clock.advance(Duration::from_secs(1));
        }
    }

    fn assert_accounts(&self) {
        assert_eq!(self.world.letters().len(), 0);
        let made = self.world.caller.made();
        assert_eq!(made.iter().collect::<BTreeSet<_>>().len(), made.len(), "a call was made twice");
        for number in 1..=OPERATIONS {
            let facts = self.world.facts(number);
            let (counts, others): (Vec<String>, Vec<String>) =
                facts.into_iter().partition(|fact| fact.starts_with('t') && fact != "timer");
            let tags = self.told.iter().filter(|(told, _)| *told == number);
            let wanted: Vec<String> = tags.zip(1..).map(|((_, tag), count)| format!("{tag}:{count}")).collect();
            assert_eq!(counts, wanted, "operation {number}");
            let ends = others.iter().filter(|fact| *fact != "timer");
            assert!(ends.clone().all(|end| ["answered", "lost", "not-made"].contains(&end.as_str())), "{others:?}");
            let Some(Entry::Underway { operation }) = self.remembered(number) else { continue };
            assert_eq!(ends.count(), operation.attempt as usize, "every call has one end");
            assert!(matches!(operation.phase, Phase::Held {}), "operation {number} still waits: {:?}", operation.phase);
        }
        let outstanding: usize = self.slots.values().map(|slot| slot.pending().outstanding).sum();
        assert_eq!(outstanding, 0);
    }

    fn remembered(&self, number: u8) -> Option<Entry> {
        self.slots.values().find_map(|slot| remembered(slot, number))
    }

    fn everything(&self) -> Vec<Delivered> {
        Topic::fixed().flat_map(|topic| self.world.read(&topic)).collect()
    }
}
