use std::collections::BTreeSet;

use domain::messages::Route;
use domain::{RequestId, SubmissionId};

use super::*;

#[test]
fn names_are_distinct_and_read_back() {
    let topics = Topics::new("pilot.", 12);
    let all: Vec<_> = Topic::fixed().chain([Topic::Outcomes("enrolment.eu".into())]).collect();
    let names: BTreeSet<_> = all.iter().map(|topic| topics.name(topic)).collect();
    assert_eq!(names.len(), all.len());
    for topic in &all {
        assert_eq!(topics.parse(&topics.name(topic)).as_ref(), Some(topic));
    }
    assert_eq!(&*topics.name(&Topic::Memory(Stage::Triage)), "pilot.memory.triage");
    for foreign in ["", "pilot.", "pilot.outcomes.", "events", "waybill.events", "pilot.intake.soon"] {
        assert_eq!(topics.parse(foreign), None, "{foreign}");
    }
}

#[test]
fn the_table_has_a_row_for_every_topic_and_a_topic_for_every_row() {
    let used: BTreeSet<_> =
        Topic::fixed().chain([Topic::Outcomes("any".into())]).map(|topic| topic.row().pattern).collect();
    let rows: BTreeSet<_> = TABLE.iter().map(|row| row.pattern).collect();
    assert_eq!(used, rows);
    assert_eq!(rows.len(), TABLE.len());
}

#[test]
fn workers_consume_what_the_table_lets_them_read() {
    for stage in Stage::ALL {
        let reads = |topic: &Topic, reading| {
            let row = topic.row();
            row.reading == reading && row.readers.contains(&Party::Worker(stage))
        };
        assert!(Topic::inputs(stage).iter().all(|topic| reads(topic, Reading::Stream)), "{stage:?}");
        let tables: Vec<_> = Topic::fixed().filter(|topic| reads(topic, Reading::Table)).collect();
        assert_eq!(Topic::tables(stage), tables, "{stage:?}");
    }
}

/// A worker finds its memory beside its input: same key, same count, same partition.
#[test]
fn a_worker_s_inputs_and_memory_are_partitioned_alike() {
    let topics = Topics::new("waybill.", 12);
    for stage in Stage::ALL {
        let memory = topics.partitions(&Topic::Memory(stage));
        assert!(Topic::inputs(stage).iter().all(|topic| topics.partitions(topic) == memory), "{stage:?}");
    }
    assert_eq!(topics.partitions(&Topic::Policies), 1);
}

#[test]
fn memory_topics_hold_their_worker_s_entries_and_the_fleet_s() {
    let identity = Topic::Memory(Stage::Identity);
    let held: Vec<_> = Subject::ALL.into_iter().filter(|subject| identity.holds(*subject)).collect();
    assert_eq!(held, [Subject::MemoryIdentity, Subject::MemoryFleet]);
}

#[test]
fn forwarded_messages_get_the_topic_and_key_of_their_destination() {
    let request = RequestId([0x42; 16]);
    let route = Route { partner: "evergreen".into(), bucket: 3 };
    let submission = SubmissionId([7; 16]);
    let uuid = "42424242-4242-4242-4242-424242424242";
    for (to, topic, key) in [
        (Destination::Identity(Lane::Urgent, request), Topic::Identity(Lane::Urgent), uuid.to_owned()),
        (Destination::Dispatch(Lane::Bulk, route), Topic::Dispatch(Lane::Bulk), "evergreen/3".to_owned()),
        (
            Destination::Outcomes("portal".into(), submission.0),
            Topic::Outcomes("portal".into()),
            submission.to_string(),
        ),
    ] {
        assert_eq!(address(&to), (topic, key.into()));
    }
}
