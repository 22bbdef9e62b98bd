//! The claim of a request: where it lies sealed, and the look at it. A look is a command; what is sealed is opened only once the
//! event log says who looked.

use contracts::Topic;
use domain::ids::OperatorId;
use domain::messages::{CommandAction, CommandTarget, Context, IdentityTask, Verdict};
use domain::person::Dossier;
use domain::phi::{Phi as _, Sealed};
use domain::{Lane, Message, RequestId};
use fleet::partitioner::partition_of;

use super::{Service, intents};
use crate::ask::{Intent, Look};
use crate::compose::Plant;
use crate::exit::Failure;
use crate::log::Tail;

/// A claim in the clear.
pub(super) struct Claim {
    pub(super) context: Context,
    pub(super) dossier: Dossier,
}

/// Puts on record that somebody looks at what is sealed about a request, and waits until the event log says so: as the step of an open
/// review, or as a look where none is.
///
/// # Errors
/// [`Failure::Unavailable`] where nobody has judged the command yet; [`Failure::Refused`] where there is no such request, since nothing
/// stands on its timeline then.
pub(super) fn look(service: &Service, request_id: RequestId, look: Look) -> Result<(), Failure> {
    let Look { operator, reason } = look;
    let given = intents::give(service, intent(request_id, operator, reason))?;
    if given.is_judged() { Ok(()) } else { Err(Failure::Unavailable(UNJUDGED.into())) }
}

const UNJUDGED: &str = "that you want to look is on record, and nobody has judged it yet. Nothing was opened; look again once the \
                        workers run";

fn intent(request_id: RequestId, operator: OperatorId, reason: String) -> Intent {
    Intent {
        target: CommandTarget::RequestTarget { request_id },
        action: CommandAction::DecideReview,
        operator,
        reason,
        verdict: Some(Verdict::Look {}),
        expected_state: None,
        about: None,
    }
}

/// What identity was given to resolve for a request, its dossier still sealed; none where that is no longer kept.
pub(super) fn sealed(plant: &Plant, request_id: RequestId) -> Result<Option<(Context, Sealed<Dossier>)>, Failure> {
    let key = request_id.to_string();
    for lane in Lane::ALL {
        let topic = Topic::Identity(lane);
        let partition = partition_of(key.as_bytes(), plant.topics.partitions(&topic));
        let mut found = None;
        Tail::of_partitions(plant, topic, [partition])?.each(|(_, message)| {
            if let Some(Message::Identity(work)) = message
                && work.context.request_id == request_id
                && let IdentityTask::Resolve { dossier, .. } = work.task
            {
                found = Some((work.context, dossier));
            }
        })?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

// === impl Claim ===

impl Claim {
    /// Opens a claim. For those alone whose look is on record.
    pub(super) fn open(plant: &Plant, context: Context, sealed: &Sealed<Dossier>) -> Result<Self, Failure> {
        let opened = plant.vault.open_dossier(context.request_id, sealed);
        let dossier = opened.map_err(|error| Failure::Unavailable(format!("the claim does not open: {error}")))?;
        Ok(Self { context, dossier })
    }
}
