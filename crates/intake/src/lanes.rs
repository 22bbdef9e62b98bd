//! Which lane an accepted request takes, and what that costs its source's share.

use std::num::NonZeroU32;

use domain::Timestamp;
use domain::lifecycle::workflow;
use domain::messages::{IntakeRequest, Lane};

use crate::memory::MINUTE_MS;
use crate::{Entry, Source};

/// The lane given, and what is to be remembered of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Admission {
    /// The lane the request keeps for good.
    pub lane: Lane,
    /// The use of the source's share with this request, where it has one and took of it.
    pub used: Option<Entry>,
}

/// The lane a request asks for: that of its service class, held back by its source's registration and by the topic it was
/// produced to. Of several wishes the slowest counts, so that nobody overtakes by mixing them.
pub fn asked(request: &IntakeRequest, topic: Option<Lane>, source: &Source) -> Lane {
    workflow::lane(request.sla).max(source.lane).max(topic.unwrap_or(Lane::Urgent))
}

/// Grants the lane asked for while the source's share of this minute lasts, and bulk after that. Bulk takes nothing of the share.
pub fn admit(asked: Lane, source: &Source, used: Option<&Entry>, partitions: NonZeroU32, now: Timestamp) -> Admission {
    let Some(share) = source.share_per_min.filter(|_| asked != Lane::Bulk) else {
        return Admission { lane: asked, used: None };
    };
    let this_minute = now.0.div_euclid(MINUTE_MS);
    let accepted = match used {
        Some(Entry::UsedShare { minute, accepted }) if *minute == this_minute => *accepted,
        Some(Entry::UsedShare { .. } | Entry::AcceptedRequest { .. }) | None => 0,
    };
    if accepted < share.div_ceil(partitions.get()) {
        let used = Entry::UsedShare { minute: this_minute, accepted: accepted + 1 };
        Admission { lane: asked, used: Some(used) }
    } else {
        Admission { lane: Lane::Bulk, used: None }
    }
}
