//! The processes of the fleet and who of them goes on next, in one thread. A process that sleeps in the middle of its turn lets the
//! others go on from there: it holds what it holds, as a stopped process does.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fleet::clock::Clock;
use fleet::sync::locked;
use fleet::{Report, SlotError};

use crate::bus::Client;
use crate::chance::Chance;
use crate::clock::VirtualClock;
use crate::faults::{Crash, Faults};
use crate::machines::Machine;
use crate::partners::Partners;
use crate::plan::{PROCESSES, Who};
use crate::station::{Station, Turning};

/// All processes.
pub struct Crew {
    pub(crate) time: Arc<VirtualClock>,
    pub(crate) partners: Arc<Partners>,
    pub(crate) chance: Chance,
    pub(crate) faults: Arc<Faults>,
    pub(crate) stations: Mutex<Vec<Station>>,
    /// Processes that don't know yet that another one has their name.
    ghosts: Mutex<Vec<(usize, Box<dyn Turning>)>>,
    /// How many processes sleep in the middle of their turns.
    asleep: AtomicUsize,
}

/// No more processes sleep inside each other's turns than this.
const ASLEEP_MAX: usize = 3;
/// After so many busy rounds time passes all the same.
const BUSY_MAX: u32 = 20;
/// A sleep has at least about so many moments in which the others look around.
const NAPS: u32 = 50;
/// However long there is nothing to do, a process looks around after this time, as production does.
const WAKES_AFTER: Duration = Duration::from_millis(100);
/// How long a process that closes may take.
const CLOSES_WITHIN: Duration = Duration::from_secs(5);
/// How long it takes to start the next version.
const STARTS_WITHIN: Duration = Duration::from_secs(2);

/// A slot, whose turns it takes, and what the brokers have seen before this one.
type InHand = (Box<dyn Turning>, (u32, Option<u64>));

// === impl Crew ===

impl Crew {
    pub(crate) fn new(
        seed: u64,
        (time, partners): (Arc<VirtualClock>, Arc<Partners>),
        faults: &Arc<Faults>,
        stations: Vec<Station>,
    ) -> Arc<Self> {
        let crew = Arc::new(Self {
            time,
            partners,
            chance: Chance::new(seed ^ 0xc4e3),
            faults: Arc::clone(faults),
            stations: Mutex::new(stations),
            ghosts: Mutex::default(),
            asleep: AtomicUsize::new(0),
        });
        faults.lead(&crew);
        crew
    }

    /// How many processes there may be.
    pub fn len(&self) -> usize {
        locked(&self.stations).len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One step of one process, chosen by chance; whether anything happened.
    pub fn step(&self) -> bool {
        let index = self.chance.below(self.len());
        self.turn(index)
    }

    /// A step of everybody; how many of them moved.
    pub fn sweep(&self) -> usize {
        let first = self.chance.below(self.len());
        let count = self.len();
        let moved = (0..count).filter(|nth| self.turn((first + nth) % count)).count();
        moved + self.haunt()
    }

    /// One step of one process.
    pub(crate) fn turn(&self, index: usize) -> bool {
        let Some((mut slot, (epoch, changes))) = self.take(index) else { return false };
        let turned = catch_unwind(AssertUnwindSafe(|| slot.turn()));
        match turned {
            Ok(Ok(report)) => {
                let has_moved = report != Report::default();
                let rest = (!has_moved).then(|| slot.idle(WAKES_AFTER));
                self.put_back((index, epoch), slot, !report.undone);
                if let Some(idle) = rest {
                    let now = self.time.since_boot();
                    locked(&self.stations)[index].rest((now, idle), changes);
                }
                has_moved
            }
            Ok(Err(SlotError::Replaced)) => {
                self.gone(index, epoch, Duration::ZERO);
                true
            }
            Ok(Err(error)) => panic!("a slot stopped: {error:?}"),
            Err(payload) => match payload.downcast::<Crash>() {
                Ok(crash) => {
                    drop(slot);
                    self.gone(index, epoch, crash.down);
                    locked(&self.stations)[index].machine.iter().for_each(Machine::may_fail);
                    true
                }
                Err(payload) => resume_unwind(payload),
            },
        }
    }

    /// Takes a slot in hand; starts it if it is down and may be up. With it comes whose turns it takes, and what the brokers have
    /// seen before this one.
    fn take(&self, index: usize) -> Option<InHand> {
        let now = self.time.since_boot();
        let mut stations = locked(&self.stations);
        let station = &mut stations[index];
        if station.is_busy || now < station.down_until {
            return None;
        }
        let is_over = station.visits_until.is_some_and(|until| until <= now);
        if station.is_resting(now) && station.slot.is_some() && !(is_over && station.closes_by.is_none()) {
            return None;
        }
        station.rests = None;
        if station.slot.is_none() {
            if is_over {
                return None;
            }
            match (station.start)(station.version) {
                Ok(slot) => station.slot = Some(slot),
                Err(_) => {
                    station.down_until = now + Duration::from_secs(1);
                    return None;
                }
            }
            station.is_sound = false;
        }
        if is_over && station.closes_by.is_none() {
            station.closes_by = Some(now + CLOSES_WITHIN);
            station.slot.iter_mut().for_each(|slot| slot.close());
        }
        station.is_busy = true;
        let changes = station.changes();
        station.slot.take().map(|slot| (slot, (station.epoch, changes)))
    }

    fn put_back(&self, (index, epoch): (usize, u32), slot: Box<dyn Turning>, is_sound: bool) {
        let now = self.time.since_boot();
        let mut stations = locked(&self.stations);
        let station = &mut stations[index];
        if station.epoch != epoch {
            drop(stations);
            locked(&self.ghosts).push((index, slot));
            return;
        }
        (station.is_busy, station.is_sound) = (false, is_sound);
        if station.closes_by.is_some_and(|by| by <= now || slot.is_drained()) {
            station.closes_by = None;
            station.version += 1;
            station.down_until = now + STARTS_WITHIN;
            drop(stations);
            // Who can't say goodbye is missed when its session ends.
            let _ = slot.leave();
            return;
        }
        station.slot = Some(slot);
    }

    /// A process has ended.
    fn gone(&self, index: usize, epoch: u32, down: Duration) {
        let mut stations = locked(&self.stations);
        let station = &mut stations[index];
        if station.epoch == epoch {
            (station.is_busy, station.closes_by) = (false, None);
            station.down_until = self.time.since_boot() + down;
        }
    }

    /// Processes whose names others have go on until they hear of it; how many moved.
    fn haunt(&self) -> usize {
        let ghosts = std::mem::take(&mut *locked(&self.ghosts));
        let mut moved = 0;
        for (index, mut ghost) in ghosts {
            match catch_unwind(AssertUnwindSafe(|| ghost.turn())) {
                Ok(Ok(report)) => {
                    moved += usize::from(report != Report::default());
                    locked(&self.ghosts).push((index, ghost));
                }
                Ok(Err(SlotError::Replaced)) => {
                    let who = locked(&self.stations)[index].who;
                    self.faults.came_of(who, "made room");
                    moved += 1;
                }
                Ok(Err(error)) => panic!("a slot stopped: {error:?}"),
                Err(payload) if payload.is::<Crash>() => moved += 1,
                Err(payload) => resume_unwind(payload),
            }
        }
        moved
    }

    /// The process whose turn it is sleeps for so long, and the others go on.
    pub(crate) fn pause(&self, who: Who, span: Duration, is_replaced: bool) {
        if ASLEEP_MAX <= self.asleep.load(Ordering::Relaxed) {
            return;
        }
        let index = self.place(who);
        let epoch = self.lay_down(index, is_replaced);
        self.asleep.fetch_add(1, Ordering::Relaxed);
        let until = self.time.since_boot() + span;
        let mut busy = 0;
        while self.time.since_boot() < until {
            let moved = self.partners.deliver() + self.sweep();
            busy = if moved == 0 { 0 } else { busy + 1 };
            // Work takes time too, so that somebody who never rests lets the sleeper wake nevertheless.
            if moved == 0 || BUSY_MAX < busy {
                let left = until.saturating_sub(self.time.since_boot());
                // Some look again every few milliseconds as long as the sleeper holds them up.
                self.advance(self.idle(left).max(span / NAPS));
            }
        }
        self.asleep.fetch_sub(1, Ordering::Relaxed);
        let station = &mut locked(&self.stations)[index];
        if station.epoch == epoch {
            station.is_asleep = false;
        }
    }

    fn lay_down(&self, index: usize, is_replaced: bool) -> u32 {
        let station = &mut locked(&self.stations)[index];
        let epoch = station.epoch;
        if is_replaced {
            station.epoch += 1;
            (station.is_busy, station.closes_by) = (false, None);
        } else {
            station.is_asleep = true;
        }
        epoch
    }

    /// Lets time pass. Processes that are not asleep send their heartbeats meanwhile.
    pub fn advance(&self, span: Duration) {
        self.time.advance(span);
        let stations = locked(&self.stations);
        let awake = stations.iter().filter(|station| (station.slot.is_some() || station.is_busy) && !station.is_asleep);
        awake.filter_map(|station| station.client.as_ref()).for_each(Client::beat);
    }

    /// How long there is nothing to do, at most `left`.
    pub fn idle(&self, left: Duration) -> Duration {
        let now = self.time.since_boot();
        let answer =
            self.partners.next_ms().map(|at| domain::Timestamp(at).since(domain::Timestamp(self.time.now_ms())));
        let stations = locked(&self.stations);
        let slots = stations.iter().map(|station| match &station.slot {
            Some(slot) => slot.idle(left),
            None if station.down_until <= now => left,
            None => station.down_until.saturating_sub(now),
        });
        slots.chain(answer).fold(left, Duration::min)
    }

    /// When somebody looks again who was brought less than there was, or who has not taken over yet what is theirs.
    pub fn looks_again(&self) -> Option<Duration> {
        let stations = locked(&self.stations);
        let looks = |station: &Station| {
            let has_more = station.client.as_ref().is_some_and(Client::has_more);
            station.slot.as_ref().is_some_and(|slot| has_more || !slot.is_ready())
        };
        stations.iter().any(looks).then_some(WAKES_AFTER)
    }

    /// Who of the processes wakes first by itself, and in how long.
    pub fn restless(&self) -> Option<(Arc<str>, Duration)> {
        let day = Duration::from_secs(86_400);
        let stations = locked(&self.stations);
        let idle =
            stations.iter().filter_map(|station| Some((Arc::clone(&station.name), station.slot.as_ref()?.idle(day))));
        idle.min_by_key(|(_, idle)| *idle)
    }

    /// Whether somebody is down, or not ready yet, who should be there, or there who should not.
    pub fn is_in_disorder(&self) -> bool {
        let stations = locked(&self.stations);
        let is_settled = |station: &Station| match station.visits_until {
            None => station.slot.as_ref().is_some_and(|slot| slot.is_ready()) && station.closes_by.is_none(),
            Some(_) => station.slot.is_none(),
        };
        !stations.iter().all(is_settled) || !locked(&self.ghosts).is_empty()
    }

    /// Where a process stands.
    pub(crate) fn place(&self, who: Who) -> usize {
        let found = locked(&self.stations).iter().position(|station| station.who == who);
        found.expect("a process of this crew")
    }

    /// A process stops in an orderly way, and its next version starts.
    pub(crate) fn upgrade(&self, who: Who) {
        let now = self.time.since_boot();
        let place = self.place(who);
        let station = &mut locked(&self.stations)[place];
        if let Some(slot) = &mut station.slot
            && station.closes_by.is_none()
        {
            slot.close();
            station.closes_by = Some(now + CLOSES_WITHIN);
            station.rests = None;
        }
    }

    /// A process ends without a word, and is not started again for so long.
    pub(crate) fn halt(&self, who: Who, span: Duration) {
        let index = self.place(who);
        let station = &mut locked(&self.stations)[index];
        station.down_until = self.time.since_boot() + span;
        (station.slot, station.closes_by) = (None, None);
        station.machine.iter().for_each(Machine::may_fail);
    }

    /// A third process of a stage is there for so long.
    pub(crate) fn invite(&self, who: Who, span: Duration) {
        let until = self.time.since_boot() + span;
        let place = self.place(Who { number: PROCESSES, ..who });
        locked(&self.stations)[place].visits_until = Some(until);
    }
}
