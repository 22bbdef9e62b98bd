//! A broker that asks who is there and what they may do: `WAYBILL_TEST_SECURE_KAFKA` names it, `scripts/kafka.sh start --secure`
//! starts one and tells the rest.

mod credentials;
mod rights;

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use contracts::topics::access::{Grant, PRINCIPAL_PREFIX, Role, commands};
use fleet::bus::{Bus, BusError, Cleanup, Consumed, Isolation, Limit, Membership, TopicPartition, TopicSpec, Wake};
use kafka::{Kafka, Mechanism, Sasl, Security, Settings, Tls};

use crate::stage::{A_MOMENT, PLENTY, record, values};

/// How long a case waits for what must happen before it fails.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a question waits for an answer here: what is told of a refusal is told after it.
const ANSWER_MAX: Duration = Duration::from_secs(3);

/// What the environment says of the secured broker.
fn named(what: &str) -> String {
    let name = format!("WAYBILL_TEST_SECURE_KAFKA{what}");
    std::env::var(&name)
        .unwrap_or_else(|_| panic!("{name} is not set: `make broker` starts a secured broker and sets it"))
}

fn settings(security: Security) -> Settings {
    let (request_timeout, transaction_timeout) = (ANSWER_MAX, ANSWER_MAX);
    let client_id = format!("{}-tests", deployment());
    Settings { security, request_timeout, transaction_timeout, ..Settings::new(named(""), client_id) }
}

/// What all names of this run begin with, so that nothing is left of an earlier one.
fn deployment() -> String {
    format!("secure-{}", std::process::id())
}

fn tls() -> Tls {
    Tls { ca: Some(named("_CA").into()), ..Tls::default() }
}

fn scram(username: &str, password: String) -> Sasl {
    Sasl::Scram { mechanism: Mechanism::Sha512, username: username.to_owned(), password }
}

fn password(username: &str) -> String {
    std::fs::read_to_string(PathBuf::from(named("_PASSWORDS")).join(username)).unwrap()
}

fn connect(sasl: Sasl) -> Kafka {
    Kafka::connect(settings(Security::Sasl { sasl, tls: Some(tls()) })).unwrap()
}

/// A connection with somebody's own password.
fn connect_as(username: &str) -> Kafka {
    connect(scram(username, password(username)))
}

/// A connection that may do everything.
fn administrator() -> Kafka {
    connect_as("waybill-administrator")
}

fn make(bus: &Kafka, names: impl IntoIterator<Item = Arc<str>>) {
    let spec = |name| TopicSpec { name, partitions: 1, cleanup: Cleanup::Keep };
    let specs: Vec<TopicSpec> = names.into_iter().map(spec).collect();
    bus.create_topics(&specs).unwrap();
}

/// Makes grants with Kafka's own tool, as an administrator does.
fn give(grants: &[Grant], principal: impl Fn(&Role) -> String) {
    run_tool(commands(grants, principal));
}

/// Takes grants back.
fn withdraw(grants: &[Grant], principal: impl Fn(&Role) -> String) {
    let mut runs = commands(grants, principal);
    for arguments in &mut runs {
        assert_eq!(arguments[0], "--add");
        arguments.splice(..1, ["--remove", "--force"].map(str::to_owned));
    }
    run_tool(runs);
}

/// Runs Kafka's tool for access rights once for each list of arguments. The runs don't wait for each other.
fn run_tool(runs: Vec<Vec<String>>) {
    let run = |arguments: Vec<String>| Command::new(named("_ACLS")).args(arguments).output();
    std::thread::scope(|scope| {
        let under_way: Vec<_> = runs.into_iter().map(|arguments| scope.spawn(|| run(arguments).unwrap())).collect();
        for one in under_way {
            let output = one.join().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    });
}

/// The principal of a role where nothing else is configured.
fn usual(role: &Role) -> String {
    role.principal(PRINCIPAL_PREFIX)
}

/// Writes to topics in one transaction.
fn write(bus: &dyn Bus, transactional_id: &str, topics: &[&Arc<str>], value: &str) -> Result<(), BusError> {
    let mut producer = bus.producer(transactional_id)?;
    topics.iter().try_for_each(|topic| producer.send(record(topic, 0, value)))?;
    producer.commit(None)
}

/// What a topic's only partition holds, by the restore rule.
fn read(bus: &dyn Bus, topic: &Arc<str>) -> Result<Vec<String>, BusError> {
    let at = TopicPartition::new(topic.clone(), 0);
    let marks = bus.watermarks(&at)?;
    let mut reader = bus.reader(Isolation::ReadCommitted)?;
    reader.assign(&[(at.clone(), marks.low)])?;
    let (begun, mut records) = (Instant::now(), Vec::new());
    while reader.position(&at)? < marks.high {
        reader.read(PLENTY, A_MOMENT, &mut records)?;
        assert!(begun.elapsed() < PATIENCE, "{topic} is not read");
    }
    Ok(values(&records))
}

/// A turn as a worker makes it: takes one record as a member of a group, writes to other topics and commits all of it together.
/// Answers what it has taken.
fn turn(bus: &dyn Bus, worker: [&str; 2], input: &Arc<str>, outputs: &[&Arc<str>]) -> Result<Vec<String>, BusError> {
    let [group, instance] = worker;
    let membership = Membership {
        group: group.to_owned(),
        instance: instance.to_owned(),
        topics: vec![input.clone()],
        session_timeout: Duration::from_secs(6),
    };
    let mut consumer = bus.consumer(membership)?;
    let mut producer = bus.producer(instance)?;
    let (begun, mut taken) = (Instant::now(), Vec::new());
    while taken.is_empty() {
        if consumer.wait(A_MOMENT)? == Wake::Ready {
            consumer.take(input, Limit { records: 1, ..PLENTY }, &mut taken)?;
        }
        assert!(begun.elapsed() < PATIENCE, "nothing comes from {input}");
    }
    outputs.iter().try_for_each(|output| producer.send(record(output, 0, "written")))?;
    let next: Vec<_> =
        taken.iter().map(|record| (TopicPartition::new(input.clone(), record.partition), record.offset + 1)).collect();
    producer.commit(Some(Consumed { group: &consumer.group(), next: &next }))?;
    consumer.leave()?;
    Ok(values(&taken))
}

/// The words of a refusal.
#[track_caller]
fn refused<T>(outcome: Result<T, BusError>) -> String {
    match outcome.map(|_| ()) {
        Err(BusError::Refused(reason)) => reason,
        other => panic!("it is not refused: {other:?}"),
    }
}
