//! A flood: how long urgent requests take while a backlog of bulk is drained, beside how long the same fleet takes when nothing else
//! is to be done.

use domain::messages::{Lane, SlaClass};
use sandbox::upstream::Submission;
use serde::{Deserialize, Serialize};

use super::latency::{Waits, until_closed};
use super::part::{Order, Part};
use super::{Run, fleet, stamped, trickle};
use crate::plant::PARTNER;
use crate::upstream::{Upstream, submissions};

/// What a flood does to urgent requests.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Flood {
    /// Bulk requests that were queued at once.
    pub(crate) queued: u64,
    pub(crate) urgent_per_s: u32,
    /// Until urgent requests were closed: alone, and in the flood.
    pub(crate) quiet: Waits,
    pub(crate) flooded: Waits,
}

const QUEUED: u64 = 100_000;
const URGENT_PER_S: u32 = 50;
/// How long urgent requests are sent, before the flood and in it: less than the flood lasts.
const SECONDS: u64 = 8;
/// The first of all do not count: the group and connections settle with them.
const SETTLING: usize = 100;

impl Run {
    /// Urgent requests by themselves, then the same while bulk floods.
    pub(super) fn flood(&self) -> Flood {
        let (prefix, broker) = (self.prefix("flood"), self.address.clone());
        let plant = stamped(&self.address, &prefix);
        let mut upstream = Upstream::new(&plant);
        upstream.enrol(&plant);
        let (queued, each) = (self.scaled(QUEUED), u64::from(URGENT_PER_S) * SECONDS);
        let requests = queued + 2 * each;
        let mut all = submissions(&plant, &[PARTNER], requests);
        let (urgent, bulk) = all.split_at_mut(2 * usize::try_from(each).expect("few"));
        urgent.iter_mut().for_each(|submission| ask_for(submission, (Lane::Urgent, SlaClass::Urgent)));
        bulk.iter_mut().for_each(|submission| ask_for(submission, (Lane::Bulk, SlaClass::Bulk)));
        let (quiet, flooded) = urgent.split_at(urgent.len() / 2);
        let order = fleet::Order { broker, prefix, requests, payers: None, projections: None };
        let mut part = Part::start(&Order::Fleet(order));
        part.ready();
        trickle::send(&self.address, &plant, &upstream, quiet, URGENT_PER_S);
        upstream.send(&plant, bulk);
        trickle::send(&self.address, &plant, &upstream, flooded, URGENT_PER_S);
        let _: fleet::Run = part.answer();
        let quiet = until_closed(&plant, &quiet[SETTLING..]);
        let flooded = until_closed(&plant, flooded);
        self.sweep("flood");
        Flood { queued, urgent_per_s: URGENT_PER_S, quiet, flooded }
    }
}

fn ask_for(submission: &mut Submission, (lane, sla): (Lane, SlaClass)) {
    (submission.lane, submission.request.sla) = (lane, sla);
}
