//! What is left in the workers' memories once every request is long over: nothing that holds a request.

use std::time::Duration;

use domain::Stage;
use fleet::FleetEntry;
use tests::World;
use tests::reading::{remembered, remembered_by_fleet};

use crate::upstream::Upstream;

const DAY: Duration = Duration::from_secs(86_400);
/// Longer than anything is remembered that is not remembered for ever.
const DAYS: u32 = 100;

/// Lets time pass over a world at rest, in which old callbacks still come; what is remembered that should be forgotten by then.
pub(crate) fn remains(world: &mut World, upstream: &mut Upstream) -> Vec<String> {
    for _ in 0..DAYS {
        upstream.carry_callbacks(world);
        world.pass(DAY);
    }
    world.maintain();
    let mut found = Vec::new();
    for entry in remembered::<dispatch::Entry>(world, Stage::Dispatch) {
        if !matches!(entry, dispatch::Entry::Loaded { .. }) {
            found.push(format!("dispatch remembers {entry:?}"));
        }
    }
    for entry in remembered::<identity::Entry>(world, Stage::Identity) {
        found.push(format!("identity remembers {entry:?}"));
    }
    for entry in remembered::<reconciliation::Entry>(world, Stage::Reconciliation) {
        found.push(format!("reconciliation remembers {entry:?}"));
    }
    for stage in Stage::ALL {
        // Marks of where a process once ended are a partition's, not a request's.
        let holds = |entry: &FleetEntry| matches!(entry, FleetEntry::Blocked { .. } | FleetEntry::Parked { .. });
        for entry in remembered_by_fleet(world, stage).into_iter().filter(holds) {
            found.push(format!("the fleet remembers at {}: {entry:?}", stage.as_str()));
        }
    }
    found
}
