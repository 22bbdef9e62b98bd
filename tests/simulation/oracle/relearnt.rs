//! Identity's memory built anew from its changelog, over a roster read from its beginning: it must withdraw nothing that the processes
//! that lived through it all have let stand.

use contracts::Topic;
use domain::worker::Table;
use domain::{
    Decision, EventBody, Input, Memory, MemoryKey, Message, Moment, RecordId, Stage, Timestamp, Trace, View, Worker,
};
use fleet::clock::Clock;
use identity::{Entry, Identity, Key};
use tests::World;
use tests::reading::read;
use tests::world::PARTITIONS;

/// What a rebuilt identity would withdraw now.
pub(super) fn withdrawals(world: &World) -> Vec<String> {
    let identity = relearnt(world);
    let changelog = read(world, &Topic::Memory(Stage::Identity));
    let mut found = Vec::new();
    for partition in 0..PARTITIONS {
        let mut memory = Memory::<Key, Entry>::default();
        for record in changelog.iter().filter(|record| record.partition == partition) {
            let Some((b'w', key)) = record.key.as_deref().and_then(<[u8]>::split_first) else { continue };
            let Some(key) = Key::decode(key) else { continue };
            memory.apply(match &record.value {
                Some(value) => {
                    domain::Change::Put(key, world.codec.decode_entry(Stage::Identity, value).expect("an entry"))
                }
                None => domain::Change::Forget(key),
            });
        }
        for key in identity.stirred(None, &memory) {
            let decision = look(&identity, (&memory, &key), Timestamp(world.clock.now_ms()));
            let withdrawn = decision
                .events
                .iter()
                .filter(|event| matches!(&event.body, EventBody::VerificationFailed { withdrawn: Some(_), .. }));
            found.extend(withdrawn.map(|event| {
                format!("{}: its match would be withdrawn after a restart, and is not", event.request_id)
            }));
        }
    }
    found
}

fn relearnt(world: &World) -> Identity {
    let mut identity = (world.identity)();
    for row in read(world, &Topic::Members) {
        let message: Option<Message> =
            row.value.as_ref().map(|value| world.codec.decode(&Topic::Members, value).expect("a row").1);
        let key = row.key.as_deref().unwrap_or_default();
        identity.learn((Table::Members, key), message.as_ref(), row.offset);
    }
    identity
}

fn look(identity: &Identity, (memory, key): (&Memory<Key, Entry>, &Key), now: Timestamp) -> Decision<Key, Entry> {
    let id = RecordId([7; 16]);
    let overlay = domain::Overlay::default();
    let moment = Moment { now, id, trace: Trace::root(id) };
    identity.decide(&View::new(memory, &overlay), Input::Timer(key), &moment).expect("a decision")
}
