//! How members of a group share partitions.

use std::collections::BTreeSet;

use fleet::bus::{BusError, TopicPartition, Wake};

use crate::bench::Bench;
use crate::stage::{A_MOMENT, Member, Stage, values};

pub(crate) fn a_lone_member_owns_everything(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let (one, other) = (stage.topic("one", 3), stage.topic("other", 3));
    let member = stage.join_alone("group", "member", &[&one, &other]);
    let assignment: BTreeSet<TopicPartition> = member.consumer.assignment().into_iter().collect();
    assert_eq!(assignment, stage.partitions(&[&one, &other]));
}

pub(crate) fn members_share_and_equal_numbers_meet(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topics = [stage.topic("one", 5), stage.topic("other", 5), stage.topic("third", 5)];
    let topics: Vec<_> = topics.iter().collect();
    let mut members = ["a", "b"].map(|instance| stage.join("group", instance, &topics));
    settle(&stage, &mut members, &stage.partitions(&topics), 2);
    for member in &members {
        let numbers: BTreeSet<u32> = member.owned.iter().map(|partition| partition.partition).collect();
        assert_eq!(member.owned.len(), numbers.len() * topics.len(), "{:?}", member.owned);
        assert_eq!(member.owned, member.consumer.assignment().into_iter().collect());
    }
}

pub(crate) fn a_newcomer_waits_for_the_release(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic("topic", 2);
    stage.append(&topic, 0, &["a"]);
    stage.append(&topic, 1, &["b"]);
    let mut first = stage.join_alone("group", "first", &[&topic]);
    stage.take(&mut first, 2);
    let mut second = stage.join("group", "second", &[&topic]);
    stage.until("the first is told", || {
        second.step(A_MOMENT);
        match first.consumer.wait(A_MOMENT).unwrap() {
            Wake::Revoked { partitions, lost } => {
                assert!(!lost && !partitions.is_empty());
                true
            }
            Wake::Ready | Wake::Woken | Wake::TimedOut | Wake::Assigned(_) => false,
        }
    });
    second.step(A_MOMENT);
    assert_eq!(second.owned, BTreeSet::new(), "nothing is handed over before the release");
    first.commit(&mut *stage.producer("producer")).expect("the turn under way may still commit");
    first.consumer.release().unwrap();
    first.owned.clear();
    let mut members = [first, second];
    settle(&stage, &mut members, &stage.partitions(&[&topic]), 2);
    members[1].step(A_MOMENT);
    members[1].take_all();
    assert_eq!(members[1].taken, [], "what was committed before the release stays done");
}

pub(crate) fn leaving_hands_over_at_once(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic("topic", 4);
    let mut members = ["a", "b"].map(|instance| stage.join("group", instance, &[&topic]));
    settle(&stage, &mut members, &stage.partitions(&[&topic]), 2);
    let [leaver, stayer] = members;
    leaver.consumer.leave().unwrap();
    settle(&stage, &mut [stayer], &stage.partitions(&[&topic]), 1);
}

pub(crate) fn falling_silent_hands_over_when_the_session_ends(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic("topic", 4);
    let mut members = ["a", "b"].map(|instance| stage.join("group", instance, &[&topic]));
    settle(&stage, &mut members, &stage.partitions(&[&topic]), 2);
    let [silent, stayer] = members;
    drop(silent);
    settle(&stage, &mut [stayer], &stage.partitions(&[&topic]), 1);
}

pub(crate) fn an_instance_that_comes_back_gets_its_partitions_back(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let (topic, output) = (stage.topic("topic", 4), stage.topic("output", 1));
    let mut members = ["a", "b"].map(|instance| stage.join("group", instance, &[&topic]));
    settle(&stage, &mut members, &stage.partitions(&[&topic]), 2);
    let [old, other] = members;
    let back = stage.join("group", "a", &[&topic]);
    let mut members = [back, other];
    settle(&stage, &mut members, &stage.partitions(&[&topic]), 2);
    assert_eq!(members[0].owned, old.owned);
    let mut producer = stage.producer("producer");
    producer.send(crate::stage::record(&output, 0, "zombie")).unwrap();
    let refused = old.commit(&mut *producer).unwrap_err();
    assert!(matches!(refused, BusError::StaleGeneration | BusError::Fenced), "{refused}");
    assert_eq!(stage.values(&output, 0), [""; 0]);
}

pub(crate) fn what_was_committed_is_not_delivered_to_the_successor(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic("topic", 1);
    let mut producer = stage.producer("producer");
    let mut delivered = Vec::new();
    for round in 0..5 {
        stage.append(&topic, 0, &[&format!("{round}")]);
        let mut member = stage.join_alone("group", &format!("member {round}"), &[&topic]);
        stage.take(&mut member, 1);
        delivered.append(&mut member.taken);
        member.commit(&mut *producer).unwrap();
        member.consumer.leave().unwrap();
    }
    assert_eq!(values(&delivered), ["0", "1", "2", "3", "4"]);
}

/// Lets the members go on until they own all of these, each once, and this many of them own something.
fn settle(stage: &Stage, members: &mut [Member], all: &BTreeSet<TopicPartition>, owners: usize) {
    stage.until("the members share all partitions", || {
        members.iter_mut().for_each(|member| drop(member.step(A_MOMENT)));
        let owned = || members.iter().flat_map(|member| &member.owned);
        let is_shared = members.iter().filter(|member| !member.owned.is_empty()).count() == owners;
        is_shared && owned().count() == all.len() && owned().cloned().collect::<BTreeSet<_>>() == *all
    });
}
