//! A world with one log, one clock, one caller, and as many slots as a test joins.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use contracts::{Codec, Topic, Topics};
use dispatch::{Entry, Key};
use domain::messages::{Context, DeadLetter, DispatchTask, DispatchWork, PayerRole, Route, SealedOriginal};
use domain::person::ConsentPolicy;
use domain::phi::PhiError;
use domain::{
    CommandId, EventBody, ExchangeId, Lane, LetterId, LifecycleEvent, Message, OperationId, RecordId, RequestId, Stage,
    Timestamp, Token, Trace, Worker, Workflow,
};
use fleet::bus::{Bus, Cleanup, Delivered, Isolation, Limit, Outgoing, TopicPartition, TopicSpec};
use fleet::clock::Clock;
use fleet::originals::{Original, Originals};
use fleet::probe::{Point, Probe};
use fleet::shelf::Shelves;
use fleet::{GateOptions, Ports, Postman, Report, Slot, SlotOptions};
use local::Local;

use crate::bus::{Faults, FaultyBus};
use crate::caller::ScriptedCaller;
use crate::clock::VirtualClock;
use crate::toy::{PatientToy, Toy};

pub(crate) const PARTITIONS: u32 = 2;
pub(crate) const SESSION: Duration = Duration::from_secs(10);
/// How long after its last heartbeat a slot may make calls.
pub(crate) const LEASE: Duration = Duration::from_secs(8);
pub(crate) const DRAIN: Duration = Duration::from_secs(5);

/// Everything around the slots.
pub(crate) struct World {
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) bus: FaultyBus,
    pub(crate) faults: Arc<Faults>,
    pub(crate) caller: Arc<ScriptedCaller>,
    pub(crate) is_broken: Arc<AtomicBool>,
    pub(crate) topics: Topics,
    pub(crate) codec: Codec,
    pub(crate) trap: Arc<Trap>,
    pub(crate) records_max: usize,
    pub(crate) gate: Option<GateOptions>,
    pub(crate) shelves: Option<Arc<dyn Shelves>>,
    originals: Arc<Kept>,
    told: u64,
}

/// What a process ends with when a test wants it to.
pub(crate) struct Crash;

/// Does something when a point of a turn is reached.
#[derive(Default)]
pub(crate) struct Trap(Mutex<Option<(Point, Spring)>>);

/// What a trap does when it is sprung.
type Spring = Box<dyn FnMut() + Send>;

/// Originals in memory; too large for any letter.
#[derive(Default)]
struct Kept(Mutex<BTreeMap<LetterId, Original>>);

impl World {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(VirtualClock::default());
        let log = Local::in_memory(local::Options::new(clock.clone())).expect("a log in memory");
        let topics = Topics::new("waybill.", PARTITIONS);
        let spec = |topic: Topic| TopicSpec {
            name: topics.name(&topic),
            partitions: topics.partitions(&topic),
            cleanup: Cleanup::Keep,
        };
        log.create_topics(&Topic::fixed().map(spec).collect::<Vec<_>>()).expect("topics");
        let faults: Arc<Faults> = Arc::default();
        Self {
            bus: FaultyBus { log, faults: faults.clone(), clock: clock.clone() },
            clock,
            faults,
            caller: Arc::default(),
            is_broken: Arc::default(),
            topics,
            codec: Codec::bundled(),
            trap: Arc::default(),
            records_max: 64,
            gate: None,
            shelves: None,
            originals: Arc::default(),
            told: 0,
        }
    }

    pub(crate) fn toy(&self) -> Toy {
        Toy { is_broken: self.is_broken.clone() }
    }

    /// Breaks the toy, or mends it.
    pub(crate) fn set_broken(&self, is_broken: bool) {
        self.is_broken.store(is_broken, Ordering::Relaxed);
    }

    /// A slot of the toy's group.
    pub(crate) fn join(&self, instance: &str) -> Slot<Toy> {
        self.join_as(self.toy(), instance)
    }

    pub(crate) fn join_patient(&self, instance: &str) -> Slot<PatientToy> {
        self.join_as(PatientToy(self.toy()), instance)
    }

    /// The same, for whenever it is called.
    pub(crate) fn join_later(&self, instance: &str) -> impl Fn() -> Slot<Toy> + Send + use<> {
        let (toy, (ports, options)) = (self.toy(), self.ports::<Toy>(instance));
        move || Slot::join(toy.clone(), ports.clone(), options.clone()).expect("a slot")
    }

    pub(crate) fn join_as<W: Worker>(&self, worker: W, instance: &str) -> Slot<W> {
        let (ports, options) = self.ports::<W>(instance);
        Slot::join(worker, ports, options).expect("a slot")
    }

    fn ports<W: Worker>(&self, instance: &str) -> (Ports, SlotOptions) {
        let ports = Ports {
            bus: Arc::new(self.bus.clone()),
            codec: self.codec.clone(),
            topics: self.topics.clone(),
            clock: self.clock.clone(),
            caller: self.caller.clone(),
            originals: self.originals.clone(),
            probe: self.trap.clone(),
            shelves: self.shelves.clone(),
        };
        let options = SlotOptions {
            instance: instance.to_owned(),
            group: W::STAGE.as_str().to_owned(),
            version: "test".to_owned(),
            session_timeout: SESSION,
            lease_margin: SESSION - LEASE,
            records_max: self.records_max,
            bytes_max: 4 << 20,
            turn_target: Duration::from_millis(20),
            drain: DRAIN,
            gate: self.gate.clone(),
        };
        (ports, options)
    }

    /// Tells the toy a wish for operation `number`; facts about it carry a tag of its own, which is answered.
    pub(crate) fn tell(&mut self, lane: Lane, number: u8, wish: &str) -> String {
        self.told += 1;
        let tag = format!("t{}", self.told);
        let key = route(number).key();
        let record = self.record(lane, &key, work(number, wish, &tag));
        self.write([record]);
        tag
    }

    pub(crate) fn record(&self, lane: Lane, key: &str, work: DispatchWork) -> Outgoing {
        let id = RecordId(domain::ids::derive(&[b"test", work.context.counterparty.as_str().as_bytes()]));
        let postman = Postman::named(self.codec.clone(), self.topics.clone(), "/test");
        let at = Timestamp(self.clock.now_ms());
        let message = Message::Dispatch(Box::new(work));
        postman.write(&Topic::Dispatch(lane), key.as_bytes(), &message, at, id, Trace::root(id)).expect("a record")
    }

    pub(crate) fn write(&self, records: impl IntoIterator<Item = Outgoing>) {
        let mut producer = self.bus.log.producer("test").expect("a producer");
        records.into_iter().for_each(|record| producer.send(record).expect("sent"));
        producer.commit(None).expect("committed");
    }

    /// Everything in a topic, partition by partition.
    pub(crate) fn read(&self, topic: &Topic) -> Vec<Delivered> {
        let name = self.topics.name(topic);
        let from: Vec<_> =
            (0..self.topics.partitions(topic)).map(|number| (TopicPartition::new(name.clone(), number), 0)).collect();
        let mut reader = self.bus.log.reader(Isolation::ReadCommitted).expect("a reader");
        reader.assign(&from).expect("assigned");
        let mut records = Vec::new();
        let limit = Limit { records: 100_000, bytes: 1 << 30 };
        reader.read(limit, Duration::ZERO, &mut records).expect("read");
        records.sort_by_key(|record| (record.partition, record.offset));
        records
    }

    /// What the facts about an operation say, in order.
    pub(crate) fn facts(&self, number: u8) -> Vec<String> {
        self.events().iter().filter(|event| event.request_id.0 == [number; 16]).filter_map(said).collect()
    }

    pub(crate) fn events(&self) -> Vec<LifecycleEvent> {
        let decode = |record: Delivered| match self.codec.decode(&Topic::Events, &record.value.expect("a value")) {
            Ok((_, Message::Event(event))) => *event,
            other => panic!("no event but {other:?}"),
        };
        self.read(&Topic::Events).into_iter().map(decode).collect()
    }

    pub(crate) fn letters(&self) -> Vec<DeadLetter> {
        let decode = |record: Delivered| match self.codec.decode(&Topic::DeadLetters, &record.value.expect("a value")) {
            Ok((_, Message::Letter(letter))) => *letter,
            other => panic!("no letter but {other:?}"),
        };
        self.read(&Topic::DeadLetters).into_iter().map(decode).collect()
    }

    /// The changelog beside an input partition.
    pub(crate) fn changelog(&self, partition: u32) -> TopicPartition {
        TopicPartition::new(self.topics.name(&Topic::Memory(Stage::Dispatch)), partition)
    }
}

/// What a fact of the toy says.
fn said(event: &LifecycleEvent) -> Option<String> {
    match &event.body {
        EventBody::Acknowledged { reference, .. } => Some(reference.clone()),
        EventBody::DeadLettered { code, .. } => Some(format!("letter {code}")),
        _ => None,
    }
}

// === slots ===

/// Turns until nothing happens any more; time stands still.
pub(crate) fn settle<W: Worker>(slot: &mut Slot<W>) -> Vec<Report> {
    let mut reports = Vec::new();
    let mut quiet = 0;
    while quiet < 4 {
        let report = slot.turn(Duration::ZERO).expect("a slot that goes on");
        quiet = if report == Report::default() { quiet + 1 } else { 0 };
        reports.push(report);
        assert!(reports.len() < 10_000, "a slot that never rests");
    }
    reports
}

/// The same, letting rests pass.
pub(crate) fn settle_in_time<W: Worker>(world: &World, slot: &mut Slot<W>) {
    for _ in 0..60 {
        settle(slot);
        world.clock.advance(Duration::from_millis(100));
    }
    settle(slot);
}

/// Turns until the process ends at a trap.
pub(crate) fn settle_until_crash<W: Worker>(slot: &mut Slot<W>) {
    assert!(survives(|| settle(slot)).is_none(), "the trap was not reached");
}

/// What comes of this, unless the process ends.
pub(crate) fn survives<T>(act: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(act)) {
        Ok(done) => Some(done),
        Err(payload) if payload.is::<Crash>() => None,
        Err(payload) => resume_unwind(payload),
    }
}

// === what the toy is told ===

pub(crate) fn route(number: u8) -> Route {
    Route { partner: "toy".into(), bucket: u32::from(number) }
}

/// The partition on which an operation is at home.
pub(crate) fn home(number: u8) -> u32 {
    fleet::partitioner::partition_of(route(number).key().as_bytes(), PARTITIONS)
}

/// Operations at home on a partition.
pub(crate) fn at_home(partition: u32) -> impl Iterator<Item = u8> {
    (1..=250).filter(move |number| home(*number) == partition)
}

pub(crate) fn context(number: u8, wish: &str, tag: &str) -> Context {
    Context {
        request_id: RequestId([number; 16]),
        exchange_id: ExchangeId([number; 16]),
        parent_request_id: None,
        source: wish.into(),
        workflow: Workflow::RequestData,
        role: PayerRole::Requester,
        lane: Lane::Standard,
        counterparty: tag.into(),
        consent: ConsentPolicy::Regular,
        due_by: Timestamp::NEVER,
        consent_end: None,
        correlation_id: None,
    }
}

pub(crate) fn work(number: u8, wish: &str, tag: &str) -> DispatchWork {
    DispatchWork {
        context: context(number, wish, tag),
        route: route(number),
        operation_id: OperationId([number; 16]),
        task: DispatchTask::CancelDispatch { command_id: CommandId([0; 16]) },
    }
}

/// What the toy remembers of an operation.
pub(crate) fn remembered<W: Worker<Key = Key, Entry = Entry>>(slot: &Slot<W>, number: u8) -> Option<Entry> {
    slot.memory(home(number))?.get(&Key::Operation(OperationId([number; 16]))).cloned()
}

// === ports ===

impl Trap {
    /// Ends the process at a point, once.
    pub(crate) fn crash_at(&self, point: Point) {
        self.at(point, || std::panic::panic_any(Crash));
    }

    /// Does something at a point, once.
    pub(crate) fn at(&self, point: Point, act: impl FnMut() + Send + 'static) {
        *self.0.lock().expect("no trap panics while it is set") = Some((point, Box::new(act)));
    }

    /// Does nothing after all.
    pub(crate) fn disarm(&self) {
        *self.0.lock().expect("no trap panics while it is set") = None;
    }
}

impl Probe for Trap {
    fn reached(&self, stage: Stage, point: Point, _calls_outstanding: usize) {
        if stage != Stage::Dispatch {
            return;
        }
        let mut trap = self.0.lock().expect("no trap panics while it is set");
        if trap.as_ref().is_some_and(|(at, _)| *at == point)
            && let Some((_, mut act)) = trap.take()
        {
            drop(trap);
            act();
        }
    }
}

impl Originals for Kept {
    fn seal(&self, letter: LetterId, original: &Original) -> Result<SealedOriginal, PhiError> {
        self.0.lock().expect("nobody panics here").insert(letter, original.clone());
        let claim_check = Some(letter.to_string());
        Ok(SealedOriginal { key_id: "kept".into(), ciphertext: bytes::Bytes::new(), claim_check })
    }

    fn open(&self, letter: LetterId, _sealed: &SealedOriginal) -> Result<Original, PhiError> {
        self.0.lock().expect("nobody panics here").get(&letter).cloned().ok_or(PhiError::Erased)
    }

    fn attest(&self, parts: &[&[u8]]) -> Token {
        Token(domain::ids::derive(&[&[&b"a secret"[..]], parts].concat()))
    }
}
