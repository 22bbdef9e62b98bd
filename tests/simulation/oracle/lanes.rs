//! Whether urgent records wait behind bulk: one turn of it at most.

use std::collections::{BTreeMap, BTreeSet};

use contracts::Topic;
use domain::Lane;
use domain::messages::Stage;
use fleet::bus::TopicPartition;
use tests::World;
use tests::hiring::group;
use tests::plan::{Kind, Plan};
use tests::world::PARTITIONS;

/// What was seen of the lanes of each partition.
pub(super) struct Lanes {
    /// The stages of which something may be on trial: suspects and spoilt turns are tried apart from everything else, and urgent
    /// records wait meanwhile.
    disturbed: BTreeSet<Stage>,
    seen: BTreeMap<(Stage, u32), Seen>,
}

#[derive(Clone, Copy, Default)]
struct Seen {
    urgent: Option<u64>,
    bulk: Option<u64>,
    urgent_waiting: usize,
    /// How many turns of bulk were committed while the same urgent record waited.
    passed: u32,
}

/// The stages whose inputs have lanes.
const STAGES: [Stage; 3] = [Stage::Intake, Stage::Identity, Stage::Dispatch];

// === impl Lanes ===

impl Lanes {
    pub(super) fn new(plan: &Plan) -> Self {
        let disturbed = plan.0.iter().filter_map(|fault| match fault.kind {
            Kind::Abort { who } | Kind::Crash { who, .. } | Kind::Replace { who, .. } => Some(who.stage),
            // Starts that bring nothing are suspicious, whatever has led to them.
            Kind::Upgrade { stage } | Kind::Halt { stage, .. } | Kind::Visit { stage, .. } => Some(stage),
            _ => None,
        });
        Self { disturbed: disturbed.collect(), seen: BTreeMap::new() }
    }

    /// Looks at where the groups stand now; what is wrong with it.
    pub(super) fn look(&mut self, world: &World) -> Vec<String> {
        let mut wrong = Vec::new();
        let Some(brokers) = world.brokers() else { return wrong };
        for stage in STAGES.into_iter().filter(|stage| !self.disturbed.contains(stage)) {
            let topic = |lane| match stage {
                Stage::Intake => Topic::Intake(lane),
                Stage::Identity => Topic::Identity(lane),
                Stage::Dispatch | Stage::Reconciliation | Stage::Triage => Topic::Dispatch(lane),
            };
            for partition in 0..PARTITIONS {
                let at = |lane| TopicPartition::new(world.topics.name(&topic(lane)), partition);
                let committed = |lane| world.bus.committed(&group(stage), &at(lane)).ok().flatten();
                let now = Seen {
                    urgent: committed(Lane::Urgent),
                    bulk: committed(Lane::Bulk),
                    urgent_waiting: brokers.waiting(&group(stage), &at(Lane::Urgent)).unwrap_or(0),
                    passed: 0,
                };
                let seen = self.seen.entry((stage, partition)).or_default();
                let waits = 0 < seen.urgent_waiting && 0 < now.urgent_waiting && seen.urgent == now.urgent;
                let passed = if waits { seen.passed + u32::from(seen.bulk != now.bulk) } else { 0 };
                if 1 < passed {
                    wrong.push(format!("urgent records of {} wait behind {passed} turns of bulk", stage.as_str()));
                }
                *seen = Seen { passed, ..now };
            }
        }
        wrong
    }
}
