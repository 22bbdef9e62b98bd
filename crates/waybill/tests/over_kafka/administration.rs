//! What an administrator does, and what is told where something is missing or wrong.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::Value;

use crate::cluster::{Deployment, example, server, until};

#[test]
fn topics_and_schemas_are_made_once_and_then_as_they_should_be() {
    let deployment = Deployment::new();
    let missing = deployment.refusal(1, &["topics", "check"]);
    assert!(missing.contains("intake.urgent") && missing.contains("missing"), "{missing}");
    deployment.done(&["schemas", "register"]);
    deployment.done(&["schemas", "check"]);
    // Others may have registered versions of theirs; none of ours is missing.
    let diff = deployment.answer(&["schemas", "diff"]);
    assert!(diff["rows"].as_array().is_some_and(|rows| rows.iter().all(|row| row["side"] == "there")), "{diff}");
    let made = deployment.answer(&["topics", "apply"]);
    assert!(made.as_array().is_some_and(|topics| topics.iter().all(|topic| topic["finding"] == "made")), "{made}");
    for verb in ["check", "apply"] {
        let there = deployment.answer(&["topics", verb]);
        let is_fine = |topic: &Value| topic["finding"] == "as it should be";
        assert!(there.as_array().is_some_and(|topics| topics.iter().all(is_fine)), "{verb}: {there}");
    }
    let doctor = deployment.done(&["doctor"]);
    for check in ["brokers", "topics", "transactions", "groups", "registry", "projections"] {
        assert!(doctor.contains(check), "{check} is missing in {doctor}");
    }
}

#[test]
fn partitions_that_were_chosen_otherwise_are_a_mistake_of_the_configuration() {
    let mut deployment = Deployment::prepared();
    deployment.set("PARTITIONS", "6");
    let told = deployment.refusal(64, &["run", "intake"]);
    assert!(told.contains("has 4 partitions, 6 are configured"), "{told}");
    let doctor = deployment.refusal(1, &["doctor"]);
    assert!(doctor.contains("has 4 partitions"), "{doctor}");
}

#[test]
fn a_worker_waits_for_topics_and_begins_by_itself() {
    let deployment = Deployment::new();
    deployment.done(&["schemas", "register"]);
    let worker = deployment.start("intake", &["run", "intake"]);
    until("what it waits for", || deployment.logged("intake").contains("waybill topics apply").then_some(()));
    let told = deployment.refusal(69, &["status"]);
    assert!(told.contains("run `waybill topics apply`"), "{told}");
    deployment.done(&["topics", "apply"]);
    until("its start", || deployment.logged("intake").contains("running").then_some(()));
    worker.signal("TERM");
    let mut worker = worker;
    assert!(worker.ends(), "{}", deployment.logged("intake"));
}

#[test]
fn brokers_that_are_not_there_are_told_with_their_address() {
    let mut deployment = Deployment::new();
    deployment.set("KAFKA_BOOTSTRAP", "127.0.0.1:9");
    let told = deployment.refusal(69, &["topics", "check"]);
    assert!(told.contains("topics") || told.contains("127.0.0.1:9"), "{told}");
    let doctor = deployment.refusal(1, &["doctor"]);
    assert!(doctor.contains("look at kafka.bootstrap"), "{doctor}");
}

#[test]
fn a_configuration_for_brokers_names_what_it_lacks() {
    let mut deployment = Deployment::new();
    deployment.set("KAFKA_SECURITY", "sasl-tls");
    let told = deployment.refusal(64, &["run", "intake"]);
    assert!(told.contains("kafka.username: is missing") && told.contains("kafka.password_file: is missing"), "{told}");
}

/// A stranger who has joined a worker's group, and has it assign partitions in its own way.
fn stranger(deployment: &Deployment) -> BaseConsumer {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", server("KAFKA"))
        .set("group.id", format!("{}intake", deployment.prefix()))
        .set("partition.assignment.strategy", "roundrobin")
        .create()
        .expect("a consumer");
    consumer.subscribe(&[&format!("{}intake.standard", deployment.prefix())]).expect("subscribed");
    until("the stranger to be a member", || {
        consumer.poll(Duration::from_millis(50));
        consumer.assignment().is_ok_and(|owned| 0 < owned.count()).then_some(())
    });
    consumer
}

#[test]
fn a_stranger_in_a_workers_group_is_told_and_its_going_is_enough() {
    let deployment = Deployment::prepared();
    let stranger = stranger(&deployment);
    let doctor = deployment.refusal(1, &["doctor"]);
    assert!(doctor.contains("assigns partitions by roundrobin"), "{doctor}");
    let worker = deployment.start("intake", &["run", "intake"]);
    until("the worker to say why it can't begin", || {
        stranger.poll(Duration::from_millis(50));
        deployment.logged("intake").contains("end the member that is none of waybill's").then_some(())
    });
    drop(stranger);
    until("the worker to join", || deployment.done(&["doctor"]).contains("1 members, all by the range").then_some(()));
    drop(worker);
}

/// Brokers that go away may leave a member of a worker's name behind that nobody works for: the answer to its joining was lost. It is
/// no other process, so the worker takes its name back.
#[test]
fn a_worker_that_its_group_mistakes_for_another_goes_on() {
    let deployment = Deployment::prepared();
    let worker = deployment.start("all", &["run", "--all"]);
    until("all to be members", || deployment.done(&["doctor"]).contains("5 members").then_some(()));
    let prefix = deployment.prefix();
    let ghost: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", server("KAFKA"))
        .set("group.id", format!("{prefix}intake"))
        .set("group.instance.id", format!("{}-intake-all-0", prefix.trim_end_matches('.')))
        .set("partition.assignment.strategy", "range")
        .create()
        .expect("a consumer");
    ghost.subscribe(&[&format!("{prefix}intake.standard")]).expect("subscribed");
    until("the worker to notice", || {
        ghost.poll(Duration::from_millis(50));
        deployment.logged("all").contains("it joins again").then_some(())
    });
    drop(ghost);
    deployment.answer(&["submit", &example("requests.jsonl")]);
    until("the submissions to be taken", || (deployment.answer(&["status"])["requests"] == 3).then_some(()));
    drop(worker);
}

/// Brokers can lose the end of a transaction. Its readers wait for ever and look as if they had nothing to do, so somebody has to tell.
#[test]
fn a_transaction_without_an_end_is_told_with_its_place() {
    let deployment = Deployment::prepared();
    let somebody: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", server("KAFKA"))
        .set("transactional.id", format!("{}somebody", deployment.prefix()))
        .create()
        .expect("a producer");
    let patience = Duration::from_secs(30);
    somebody.init_transactions(patience).expect("a producer's epoch");
    somebody.begin_transaction().expect("begun");
    let topic = format!("{}memory.triage", deployment.prefix());
    let ten_minutes_ago =
        SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock that is set") - Duration::from_secs(600);
    let created_ms = i64::try_from(ten_minutes_ago.as_millis()).expect("small");
    let record = BaseRecord::to(&topic).partition(1).key("key").payload("value").timestamp(created_ms);
    somebody.send(record).map_err(|(error, _)| error).expect("sent");
    somebody.flush(patience).expect("written");
    let doctor = deployment.refusal(1, &["doctor"]);
    assert!(doctor.contains(&format!("{topic}-1 waits at offset 0 for the end of a transaction")), "{doctor}");
    assert!(doctor.contains("find-hanging"), "{doctor}");
    somebody.abort_transaction(patience).expect("ended");
    assert!(deployment.done(&["doctor"]).contains("nothing waits for the end of one"));
}

/// Two processes of one worker share its partitions; under one name the second takes the first one's place.
#[test]
fn processes_of_one_worker_need_names_of_their_own() {
    let deployment = Deployment::prepared();
    let ready = |name: &str| until("it to run", || deployment.logged(name).contains("running").then_some(()));
    let mut first = deployment.start("first", &["run", "intake", "--process", "a"]);
    ready("first");
    let second = deployment.start("second", &["run", "intake", "--process", "b"]);
    ready("second");
    let third = deployment.start("third", &["run", "intake", "--process", "a"]);
    ready("third");
    assert!(!first.ends(), "another process has its name");
    assert!(
        deployment.logged("first").contains("fenced") || deployment.logged("first").contains("name"),
        "{}",
        deployment.logged("first")
    );
    drop((second, third));
}
