//! Work for identity and dispatch: what is to be done with a request, its dossier sealed.

use serde::{Deserialize, Serialize};

use super::{Ask, Lane, PayerRole, Verdict, Workflow};
use crate::ids::OperatorId;
use crate::person::{ConsentPolicy, Dossier};
use crate::phi::Sealed;
use crate::{CommandId, CorrelationId, ExchangeId, OperationId, PartnerId, RequestId, SourceId, Timestamp, Token};

/// What every stage needs to know of a request. No PHI.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Context {
    /// The request.
    pub request_id: RequestId,
    /// Its exchange.
    pub exchange_id: ExchangeId,
    /// The request it refers to.
    pub parent_request_id: Option<RequestId>,
    /// The upstream system.
    pub source: SourceId,
    /// What is to be done.
    pub workflow: Workflow,
    /// Our side.
    pub role: PayerRole,
    /// The lane it keeps.
    pub lane: Lane,
    /// The other payer.
    pub counterparty: PartnerId,
    /// How much the consent covers.
    pub consent: ConsentPolicy,
    /// When it must have ended: no stage spends time that is gone.
    pub due_by: Timestamp,
    /// The last moment the consent covers: nothing is disclosed after it; none where no consent is needed.
    pub consent_end: Option<Timestamp>,
    /// The source's own thread, repeated in every outcome.
    pub correlation_id: Option<CorrelationId>,
}

/// A record on `identity.{lane}`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct IdentityWork {
    /// The request.
    pub context: Context,
    /// What to do.
    pub task: IdentityTask,
}

/// What identity may be asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum IdentityTask {
    /// Find the member and send the request on.
    Resolve {
        /// Everything secret.
        dossier: Sealed<Dossier>,
        /// What is asked of the partner.
        ask: Ask,
    },
    /// Carry out a person's decision on an open review.
    DecideReview {
        /// The command.
        command_id: CommandId,
        /// Who decided.
        operator: OperatorId,
        /// What.
        verdict: Verdict,
        /// Why, in the operator's words; no PHI.
        #[serde(default)]
        reason: String,
    },
    /// Count an attempt that found nobody for certain: the guard against guessing. Its record key is `fixed`.
    Tally {
        /// What is varied.
        probe: Probe,
        /// HMAC of the caller and what is held fixed.
        fixed: Token,
        /// HMAC of what is varied.
        varied: Token,
        /// When the attempt was made.
        at: Timestamp,
    },
    /// Stop it here if it is still here.
    CancelIdentity {
        /// The command.
        command_id: CommandId,
    },
    /// Do nothing more until released.
    HoldIdentity {
        /// The command.
        command_id: CommandId,
    },
    /// Go on.
    ReleaseIdentity {
        /// The command.
        command_id: CommandId,
    },
}

/// What a caller varies who may be guessing (HRex member match: a server has to guard against attempts by brute force).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// The same person is asked for with other cards.
    Card,
    /// The same card with other people.
    Person,
}

/// Where a dispatch item goes: its key, `partner/bucket`, gives one owner the partner's limits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Route {
    /// The partner.
    pub partner: PartnerId,
    /// Which of the partner's buckets, from 0.
    pub bucket: u32,
}

/// A record on `dispatch.{lane}`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DispatchWork {
    /// The request.
    pub context: Context,
    /// The partner and bucket.
    pub route: Route,
    /// The side effect; its id is the idempotency key of every attempt.
    pub operation_id: OperationId,
    /// What to do.
    pub task: DispatchTask,
}

/// What dispatch may be asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum DispatchTask {
    /// Ask the partner.
    Send {
        /// Everything secret; only the partner edge opens it.
        dossier: Sealed<Dossier>,
        /// What is asked.
        ask: Ask,
        /// The member, as a token.
        member_token: Token,
    },
    /// Stop it if it has not taken effect.
    CancelDispatch {
        /// The command.
        command_id: CommandId,
    },
    /// Undo the effect of another operation.
    Compensate {
        /// The operation to undo.
        undoes: OperationId,
        /// The partner's reference of it, where known.
        reference: Option<String>,
    },
    /// Send nothing more until released.
    HoldDispatch {
        /// The command.
        command_id: CommandId,
    },
    /// Go on.
    ReleaseDispatch {
        /// The command.
        command_id: CommandId,
    },
    /// A person has found out how an unknown outcome ended.
    ResolveUnknown {
        /// The command.
        command_id: CommandId,
        /// Whether the effect took place.
        took_effect: bool,
    },
}

impl Route {
    /// The route of a request's operations: the bucket follows from the request, so that whoever computes it finds the same.
    /// `buckets` is how many the partner has; none counts as one.
    pub fn of(partner: &PartnerId, buckets: u32, request: RequestId) -> Self {
        let [a, b, c, d, ..] = request.0;
        Self { partner: partner.clone(), bucket: u32::from_be_bytes([a, b, c, d]) % buckets.max(1) }
    }

    /// The record key.
    pub fn key(&self) -> String {
        format!("{}/{}", self.partner, self.bucket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_keeps_its_bucket_and_buckets_share_the_load() {
        let partner = PartnerId::from("evergreen");
        let mut filled = [0_u32; 4];
        for number in 0..4_000_u32 {
            let request = RequestId(crate::ids::derive(&[&number.to_be_bytes()]));
            let route = Route::of(&partner, 4, request);
            assert_eq!(route, Route::of(&partner, 4, request));
            filled[route.bucket as usize] += 1;
        }
        assert!(filled.iter().all(|count| (850..1_150).contains(count)), "{filled:?}");
        assert_eq!(Route::of(&partner, 0, RequestId([9; 16])).bucket, 0);
    }
}
