//! The in-memory log with faults on demand: commits that fail, or succeed unheard; reads that fail half way; an open transaction of
//! somebody who is gone. An idle wait passes in virtual time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use fleet::bus::{
    Bus, BusError, Consumed, Consumer, Delivered, GroupMetadata, Isolation, Limit, Membership, Outgoing, Producer,
    Reader, TopicPartition, TopicSpec, Wake, Waker, Watermarks,
};
use local::Local;

use crate::clock::VirtualClock;

/// What becomes of a commit.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    /// It succeeds.
    Commit,
    /// It fails.
    Fail(BusError),
    /// It succeeds, and its producer hears that nobody knows.
    CommitUnheard,
}

type Judge = Box<dyn FnMut(&[Outgoing]) -> Verdict + Send>;
type Watch = Box<dyn FnMut(&str) + Send>;

/// The faults of a log, shared by everything on it.
#[derive(Default)]
pub(crate) struct Faults {
    judge: Mutex<Option<Judge>>,
    /// Takes of a topic that move so many records and then fail.
    failing_takes: Mutex<Vec<(Arc<str>, usize)>>,
    /// Is told the topic of every take beforehand.
    before_takes: Mutex<Option<Watch>>,
    /// So many joinings fail.
    failing_joins: AtomicUsize,
    /// So many times nobody can go to an offset.
    failing_seeks: AtomicUsize,
    /// So many reads fail once they have given what there was.
    failing_reads: AtomicUsize,
    /// So many names are taken, and nobody hears of it.
    unheard_takeovers: AtomicUsize,
    /// How often all producers that there were became useless.
    jams: AtomicUsize,
    /// Who joins from now on is told where the group stood at its beginning, and that this is not settled.
    forgotten: AtomicBool,
    /// How many records readers have got.
    records_read: AtomicUsize,
    /// Partitions with a transaction at their end that will never commit.
    pins: Mutex<BTreeMap<TopicPartition, Pin>>,
}

/// A transaction that will never commit: so many offsets, which readers can't pass while it is open.
#[derive(Clone, Copy)]
struct Pin {
    records: u64,
    is_open: bool,
}

/// The log.
#[derive(Clone)]
pub(crate) struct FaultyBus {
    pub(crate) log: Local,
    pub(crate) faults: Arc<Faults>,
    pub(crate) clock: Arc<VirtualClock>,
}

impl Faults {
    /// Has every commit judged by what it would write.
    pub(crate) fn judge_commits(&self, judge: impl FnMut(&[Outgoing]) -> Verdict + Send + 'static) {
        *locked(&self.judge) = Some(Box::new(judge));
    }

    /// Lets all commits pass.
    pub(crate) fn pass_commits(&self) {
        *locked(&self.judge) = None;
    }

    /// The next joinings fail.
    pub(crate) fn fail_joins(&self, count: usize) {
        self.failing_joins.store(count, Ordering::Relaxed);
    }

    /// The next attempts to go to an offset fail.
    pub(crate) fn fail_seeks(&self, count: usize) {
        self.failing_seeks.store(count, Ordering::Relaxed);
    }

    /// The next reads outside a group that give anything fail afterwards.
    pub(crate) fn fail_reads(&self, count: usize) {
        self.failing_reads.store(count, Ordering::Relaxed);
    }

    /// The next producers take their names, and whoever asked for them is told that brokers can't be reached.
    pub(crate) fn lose_takeovers(&self, count: usize) {
        self.unheard_takeovers.store(count, Ordering::Relaxed);
    }

    /// Producers there are can neither write nor abort any more, as after a commit that was never answered.
    pub(crate) fn jam_producers(&self) {
        self.jams.fetch_add(1, Ordering::Relaxed);
    }

    /// Where the group stands is lost to whoever joins from now on, as by a transaction on its offsets that never ends.
    pub(crate) fn forget_offsets(&self) {
        self.forgotten.store(true, Ordering::Relaxed);
    }

    /// The next take of a topic moves at most so many records, then fails.
    pub(crate) fn fail_take_after(&self, topic: Arc<str>, records: usize) {
        locked(&self.failing_takes).push((topic, records));
    }

    /// Does something before takes.
    pub(crate) fn before_takes(&self, watch: impl FnMut(&str) + Send + 'static) {
        *locked(&self.before_takes) = Some(Box::new(watch));
    }

    /// An open transaction of somebody who is gone holds readers of a partition back.
    pub(crate) fn pin(&self, at: TopicPartition, records: u64) {
        locked(&self.pins).insert(at, Pin { records, is_open: true });
    }

    /// It is aborted: readers pass over it.
    pub(crate) fn unpin(&self) {
        locked(&self.pins).values_mut().for_each(|pin| pin.is_open = false);
    }

    /// How many records of changelogs and tables were read since this was asked.
    pub(crate) fn take_records_read(&self) -> usize {
        self.records_read.swap(0, Ordering::Relaxed)
    }

    fn verdict(&self, records: &[Outgoing]) -> Verdict {
        locked(&self.judge).as_mut().map_or(Verdict::Commit, |judge| judge(records))
    }
}

impl Bus for FaultyBus {
    fn create_topics(&self, topics: &[TopicSpec]) -> Result<(), BusError> {
        self.log.create_topics(topics)
    }

    fn topics(&self) -> Result<Vec<TopicSpec>, BusError> {
        self.log.topics()
    }

    fn partitions(&self, topic: &str) -> Result<Option<u32>, BusError> {
        self.log.partitions(topic)
    }

    fn consumer(&self, membership: Membership) -> Result<Box<dyn Consumer>, BusError> {
        if has_one(&self.faults.failing_joins) {
            return Err(BusError::Unavailable("a broker went away".into()));
        }
        let inner = self.log.consumer(membership)?;
        let is_unsettled = self.faults.forgotten.load(Ordering::Relaxed);
        Ok(Box::new(FaultyConsumer { inner, faults: self.faults.clone(), clock: self.clock.clone(), is_unsettled }))
    }

    fn producer(&self, transactional_id: &str) -> Result<Box<dyn Producer>, BusError> {
        let inner = self.log.producer(transactional_id)?;
        if has_one(&self.faults.unheard_takeovers) {
            return Err(BusError::Unavailable("a broker went away".into()));
        }
        let made_after = self.faults.jams.load(Ordering::Relaxed);
        Ok(Box::new(FaultyProducer { inner, faults: self.faults.clone(), made_after, open: Vec::new() }))
    }

    fn reader(&self, isolation: Isolation) -> Result<Box<dyn Reader>, BusError> {
        let inner = self.log.reader(isolation)?;
        Ok(Box::new(FaultyReader { inner, bus: self.clone() }))
    }

    fn watermarks(&self, partition: &TopicPartition) -> Result<Watermarks, BusError> {
        let marks = self.log.watermarks(partition)?;
        let pinned = locked(&self.faults.pins).get(partition).map_or(0, |pin| pin.records);
        Ok(Watermarks { high: marks.high + pinned, ..marks })
    }

    fn committed(&self, group: &str, partition: &TopicPartition) -> Result<Option<u64>, BusError> {
        self.log.committed(group, partition)
    }
}

struct FaultyConsumer {
    inner: Box<dyn Consumer>,
    faults: Arc<Faults>,
    clock: Arc<VirtualClock>,
    is_unsettled: bool,
}

impl Consumer for FaultyConsumer {
    fn wait(&mut self, timeout: Duration) -> Result<Wake, BusError> {
        let wake = self.inner.wait(Duration::ZERO).inspect_err(|_| self.clock.advance(timeout))?;
        if wake == Wake::TimedOut {
            self.clock.advance(timeout);
        }
        if let (Wake::Assigned(partitions), true) = (&wake, self.is_unsettled) {
            partitions.iter().try_for_each(|partition| self.inner.seek(partition, 0))?;
        }
        Ok(wake)
    }

    fn is_unsettled(&self, _: &TopicPartition) -> bool {
        self.is_unsettled
    }

    fn take(&mut self, topic: &str, limit: Limit, out: &mut Vec<Delivered>) -> Result<(), BusError> {
        if let Some(watch) = locked(&self.faults.before_takes).as_mut() {
            watch(topic);
        }
        let failing = locked(&self.faults.failing_takes).pop_if(|(failing, _)| **failing == *topic);
        let failing = failing.map(|(_, records)| records);
        let records = failing.map_or(limit.records, |records| records.min(limit.records));
        self.inner.take(topic, Limit { records, ..limit }, out)?;
        failing.map_or(Ok(()), |_| Err(BusError::Unavailable("a broker went away".into())))
    }

    fn release(&mut self) -> Result<(), BusError> {
        self.inner.release()
    }

    fn assignment(&self) -> Vec<TopicPartition> {
        self.inner.assignment()
    }

    fn position(&self, partition: &TopicPartition) -> Result<u64, BusError> {
        self.inner.position(partition)
    }

    fn seek(&mut self, partition: &TopicPartition, offset: u64) -> Result<(), BusError> {
        if has_one(&self.faults.failing_seeks) {
            return Err(BusError::Unavailable("a broker went away".into()));
        }
        self.inner.seek(partition, offset)
    }

    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), BusError> {
        self.inner.pause(partitions)
    }

    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), BusError> {
        self.inner.resume(partitions)
    }

    fn group(&self) -> GroupMetadata {
        self.inner.group()
    }

    fn heartbeat_age(&self) -> Duration {
        self.inner.heartbeat_age()
    }

    fn waker(&self) -> Waker {
        self.inner.waker()
    }

    fn leave(self: Box<Self>) -> Result<(), BusError> {
        self.inner.leave()
    }
}

struct FaultyReader {
    inner: Box<dyn Reader>,
    bus: FaultyBus,
}

impl Reader for FaultyReader {
    fn assign(&mut self, from: &[(TopicPartition, u64)]) -> Result<(), BusError> {
        self.inner.assign(from)
    }

    fn read(&mut self, limit: Limit, timeout: Duration, out: &mut Vec<Delivered>) -> Result<(), BusError> {
        let before = out.len();
        let read = self.inner.read(limit, timeout, out);
        self.bus.faults.records_read.fetch_add(out.len() - before, Ordering::Relaxed);
        if before < out.len() && has_one(&self.bus.faults.failing_reads) {
            return Err(BusError::Unavailable("a broker went away".into()));
        }
        read
    }

    fn position(&self, partition: &TopicPartition) -> Result<u64, BusError> {
        let position = self.inner.position(partition)?;
        let at_end = self.bus.log.watermarks(partition)?.high <= position;
        let pin = locked(&self.bus.faults.pins).get(partition).copied().filter(|pin| at_end && !pin.is_open);
        Ok(position + pin.map_or(0, |pin| pin.records))
    }
}

/// Keeps a transaction until its commit was judged.
struct FaultyProducer {
    inner: Box<dyn Producer>,
    faults: Arc<Faults>,
    /// How often producers had become useless by then.
    made_after: usize,
    open: Vec<Outgoing>,
}

impl FaultyProducer {
    fn is_jammed(&self) -> bool {
        self.made_after < self.faults.jams.load(Ordering::Relaxed)
    }

    fn pass(&mut self, consumed: Option<Consumed<'_>>) -> Result<(), BusError> {
        self.open.drain(..).try_for_each(|record| self.inner.send(record))?;
        self.inner.commit(consumed)
    }
}

impl Producer for FaultyProducer {
    fn send(&mut self, record: Outgoing) -> Result<(), BusError> {
        if self.is_jammed() {
            return Err(BusError::Abort("an earlier part of it failed".into()));
        }
        self.open.push(record);
        Ok(())
    }

    fn commit(&mut self, consumed: Option<Consumed<'_>>) -> Result<(), BusError> {
        let named = consumed.map_or(0, |consumed| consumed.next.len());
        assert!(0 < named, "Kafka checks the generation along with offsets and with nothing else");
        match self.faults.verdict(&self.open) {
            Verdict::Commit => self.pass(consumed),
            Verdict::Fail(error) => Err(error),
            Verdict::CommitUnheard => {
                self.pass(consumed).and(Err(BusError::OutcomeUnknown("the connection broke".into())))
            }
        }
    }

    fn abort(&mut self) -> Result<(), BusError> {
        self.open.clear();
        if self.is_jammed() {
            return Err(BusError::OutcomeUnknown("a commit was never answered".into()));
        }
        self.inner.abort()
    }
}

/// Whether there is one left, which is used up.
fn has_one(left: &AtomicUsize) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
