//! What each may do who is let in: what the topic table gives, and nothing else.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use contracts::topics::access::{Role, grants};
use contracts::{Topic, Topics};
use domain::{Lane, Stage};
use fleet::bus::{Bus, BusError, Isolation, Membership, TopicPartition};
use kafka::{Kafka, Sasl, TokenSource};

use super::{
    PATIENCE, administrator, connect, connect_as, deployment, give, make, read, refused, turn, usual, withdraw, write,
};
use crate::stage::{A_MOMENT, PLENTY};

/// A deployment whose workers have their grants.
fn topics() -> &'static Topics {
    static TOPICS: OnceLock<Topics> = OnceLock::new();
    TOPICS.get_or_init(|| {
        let topics = Topics::new(&format!("{}.", deployment()), 1);
        let all = Topic::fixed().chain([Topic::Outcomes("portal".into())]);
        make(&administrator(), all.map(|topic| topics.name(&topic)));
        let workers = [Stage::Intake, Stage::Identity].map(Role::Worker);
        give(&workers.iter().flat_map(|role| grants(&topics, role)).collect::<Vec<_>>(), usual);
        topics
    })
}

fn name(topic: &Topic) -> Arc<str> {
    topics().name(topic)
}

/// A worker's group and the name of its first slot.
fn worker(stage: Stage) -> [String; 2] {
    let (deployment, stage) = (deployment(), stage.as_str());
    [format!("{deployment}.{stage}"), format!("{deployment}-{stage}-0")]
}

/// Takes from one of its inputs, writes to all the table lets it write to, and reads its memory and tables back.
fn does_its_work(bus: &Kafka, stage: Stage, input: &Topic) {
    let input = name(input);
    write(&administrator(), &format!("{}-upstream-{}", deployment(), stage.as_str()), &[&input], "work").unwrap();
    let party = contracts::topics::Party::Worker(stage);
    let all = Topic::fixed().chain([Topic::Outcomes("portal".into())]);
    let written = all.filter(|topic| topic.row().writers.contains(&party)).chain([Topic::Memory(stage)]);
    let written: Vec<Arc<str>> = written.map(|topic| name(&topic)).collect();
    assert!(written.contains(&name(&Topic::Events)), "{written:?}");
    let [group, slot] = worker(stage);
    let taken = turn(bus, [&group, &slot], &input, &written.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!(taken, ["work"]);
    assert_eq!(read(bus, &name(&Topic::Memory(stage))).unwrap(), ["written"]);
    for table in Topic::tables(stage) {
        read(bus, &name(&table)).unwrap();
    }
    assert_eq!(bus.committed(&group, &TopicPartition::new(input, 0)).unwrap(), Some(1));
}

/// One with a token, one with a password. Intake comes second: it writes to what identity takes from.
#[test]
fn workers_do_their_work_with_their_own_credentials() {
    let source = TokenSource::Unsigned { principal: "waybill-identity".into() };
    does_its_work(&connect(Sasl::OauthBearer(source)), Stage::Identity, &Topic::Identity(Lane::Urgent));
    does_its_work(&connect_as("waybill-intake"), Stage::Intake, &Topic::Intake(Lane::Standard));
}

#[test]
fn a_worker_with_another_s_credentials_is_refused() {
    let (memory, input) = (name(&Topic::Memory(Stage::Identity)), name(&Topic::Identity(Lane::Bulk)));
    let bus = connect_as("waybill-intake");
    let [group, slot] = worker(Stage::Identity);
    for refusal in [
        refused(read_until_told(&bus, &memory)),
        refused(turn(&bus, [&group, &slot], &input, &[])),
        refused(bus.producer(&slot).map(drop)),
        refused(bus.committed(&group, &TopicPartition::new(input.clone(), 0))),
        refused(join_until_told(&bus, &group, &input)),
    ] {
        println!("{refusal}");
        assert!(refusal.contains("waybill topics acls"), "{refusal}");
    }
}

/// The watermarks are no secret, the records are.
fn read_until_told(bus: &Kafka, topic: &Arc<str>) -> Result<(), BusError> {
    let at = TopicPartition::new(topic.clone(), 0);
    let mut reader = bus.reader(Isolation::ReadCommitted)?;
    reader.assign(&[(at, 0)])?;
    let (begun, mut records) = (Instant::now(), Vec::new());
    while records.is_empty() && begun.elapsed() < PATIENCE {
        reader.read(PLENTY, A_MOMENT, &mut records)?;
    }
    Ok(())
}

fn join_until_told(bus: &Kafka, group: &str, topic: &Arc<str>) -> Result<(), BusError> {
    let mut consumer = bus.consumer(Membership {
        group: group.to_owned(),
        instance: "intruder".into(),
        topics: vec![topic.clone()],
        session_timeout: Duration::from_secs(6),
    })?;
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        consumer.wait(A_MOMENT)?;
    }
    Ok(())
}

/// The memory of others, what only people may write, and work that is not its own to give. The whole transaction goes.
#[test]
fn a_transaction_with_what_is_not_granted_is_refused() {
    let forbidden = [Topic::Memory(Stage::Identity), Topic::Commands, Topic::Dispatch(Lane::Bulk), Topic::Members];
    let bus = connect_as("waybill-intake");
    let (allowed, id) = (name(&Topic::Intake(Lane::Bulk)), format!("{}-intake-careless", deployment()));
    for topic in forbidden {
        // A broker that was told of no partition has nothing to abort, which ends the client: so each has a producer of its own.
        let refusal = refused(write(&bus, &id, &[&allowed, &name(&topic)], "not granted"));
        println!("{refusal}");
        assert!(refusal.contains("waybill topics acls"), "{refusal}");
    }
    write(&bus, &id, &[&allowed], "granted").unwrap();
    let theirs: Vec<String> =
        read(&bus, &allowed).unwrap().into_iter().filter(|value| value.contains("granted")).collect();
    assert_eq!(theirs, ["granted"]);
}

/// A worker that waits for records it may not read any more would wait for ever.
#[test]
fn a_member_whose_grants_are_withdrawn_is_told() {
    let topics = Topics::new(&format!("{}-withdrawn.", deployment()), 1);
    let role = Role::Worker(Stage::Dispatch);
    let input = topics.name(&Topic::Dispatch(Lane::Urgent));
    let at = TopicPartition::new(input.clone(), 0);
    make(&administrator(), [input.clone()]);
    let all = grants(&topics, &role);
    give(&all, usual);
    let bus = connect_as("waybill-dispatch");
    let group = format!("{}-withdrawn.dispatch", deployment());
    let (session_timeout, instance) = (Duration::from_secs(6), "dispatch".to_owned());
    let membership = Membership { group, instance, topics: vec![input], session_timeout };
    let mut consumer = bus.consumer(membership).unwrap();
    let begun = Instant::now();
    while consumer.assignment() != [at.clone()] {
        consumer.wait(A_MOMENT).unwrap();
        assert!(begun.elapsed() < PATIENCE, "it is not let in");
    }
    withdraw(&all, usual);
    let withdrawn = Instant::now();
    let told = loop {
        if let Err(error) = consumer.wait(A_MOMENT) {
            break error;
        }
        assert!(withdrawn.elapsed() < PATIENCE, "it still waits");
    };
    println!("{told} after {:?}", withdrawn.elapsed());
    assert!(refused(Err::<(), _>(told)).contains("waybill topics acls"));
}

/// Whoever makes the topics and looks at them needs nothing else, and may write to none of them.
#[test]
fn an_administrator_makes_topics_with_its_own_grants() {
    let topics = Topics::new(&format!("{}-made.", deployment()), 1);
    give(&grants(&topics, &Role::Administrator), |_| "User:waybill-triage".to_owned());
    let bus = connect_as("waybill-triage");
    let events = topics.name(&Topic::Events);
    make(&bus, [events.clone()]);
    assert!(bus.topics().unwrap().iter().any(|spec| spec.name == events));
    let elsewhere = fleet::bus::TopicSpec {
        name: format!("{}-elsewhere", deployment()).into(),
        partitions: 1,
        cleanup: fleet::bus::Cleanup::Keep,
    };
    refused(bus.create_topics(&[elsewhere]));
    refused(write(&bus, "any", &[&events], "not granted"));
    refused(read_until_told(&bus, &events));
}
