//! From librdkafka's errors to what the fleet has to do about them. None of them shows what was in a record.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "of librdkafka's two hundred codes only those are named that ask for something of their own"
)]

use fleet::bus::{BusError, RECORD_LIMIT_BYTES, TopicPartition};
use rdkafka::error::{KafkaError, RDKafkaError};
use rdkafka::types::RDKafkaErrorCode as Code;

/// What an error outside of transactions means.
pub(crate) fn failed(what: &str, error: &KafkaError) -> BusError {
    match error.rdkafka_error_code() {
        Some(code) => failed_by(what, code),
        None => match error {
            KafkaError::ClientConfig(_, reason, name, _) => {
                BusError::Refused(format!("librdkafka takes no such setting {name}: {reason}"))
            }
            KafkaError::ClientCreation(reason) => BusError::Refused(format!("{what}: {reason}; mend the settings")),
            KafkaError::AdminOp(code) => failed_by(what, *code),
            _ => BusError::Unavailable(format!("{what}: {error}")),
        },
    }
}

/// The same, by code.
pub(crate) fn failed_by(what: &str, code: Code) -> BusError {
    if let Some(remedy) = remedy(code) {
        return BusError::Refused(format!("{what}: {code}; {remedy}"));
    }
    match code {
        Code::FencedInstanceId | Code::ProducerFenced | Code::Fenced | Code::InvalidProducerEpoch => BusError::Fenced,
        Code::IllegalGeneration | Code::UnknownMemberId | Code::RebalanceInProgress => BusError::StaleGeneration,
        Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition => {
            BusError::UnknownPartition(what.to_owned())
        }
        Code::MessageSizeTooLarge => BusError::TooLarge { bytes: RECORD_LIMIT_BYTES, limit: RECORD_LIMIT_BYTES },
        Code::InvalidTopic | Code::PolicyViolation | Code::InvalidReplicationFactor | Code::InvalidConfig => {
            BusError::Refused(format!("{what}: {code}"))
        }
        Code::BadMessage | Code::InvalidMessage | Code::BadCompression => {
            BusError::Damaged(format!("{what}: {code}; restore the partition from a replica"))
        }
        _ => BusError::Unavailable(format!("{what}: {code}")),
    }
}

/// What helps where brokers refuse us, or we them; none where a code is no refusal.
pub(crate) fn remedy(code: Code) -> Option<&'static str> {
    match code {
        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed => Some(
            "grant this principal what it asks for, if it is its own: `waybill topics acls` prints what each role needs",
        ),
        Code::Authentication | Code::SaslAuthenticationFailed => {
            Some("look at the name and the password, or at the token, and whether the brokers know them")
        }
        Code::UnsupportedSASLMechanism | Code::IllegalSASLState => {
            Some("choose a SASL mechanism that the brokers offer on this listener")
        }
        Code::SSL => Some(
            "look at the authority that is trusted here (ca), at the name the broker's certificate is for, and whether the listener \
             speaks TLS at all",
        ),
        _ => None,
    }
}

/// What somebody has to do about an error that no waiting mends, although the client goes on trying.
pub(crate) fn advice(code: Code) -> Option<&'static str> {
    let stranger = "end the member that is none of waybill's: it has joined this worker's group with another assignor";
    (code == Code::InconsistentGroupProtocol).then_some(stranger)
}

/// Whether a code says that brokers don't answer or can't write: whatever is to be written has no part in it.
pub(crate) fn is_outage(code: Code) -> bool {
    matches!(
        code,
        Code::AllBrokersDown
            | Code::BrokerNotAvailable
            | Code::BrokerTransportFailure
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::DestroyBroker
            | Code::KafkaStorageError
            | Code::LeaderNotAvailable
            | Code::MessageTimedOut
            | Code::NetworkException
            | Code::NotCoordinator
            | Code::NotEnoughReplicas
            | Code::NotEnoughReplicasAfterAppend
            | Code::NotLeaderForPartition
            | Code::OperationTimedOut
            | Code::PurgeInflight
            | Code::PurgeQueue
            | Code::QueueFull
            | Code::RequestTimedOut
            | Code::TimedOutQueue
    )
}

/// What an error of a transaction means. `fatal` is what the client says has ended it, if anything has.
pub(crate) fn transaction_failed(what: &str, error: &RDKafkaError, fatal: Option<(Code, String)>) -> BusError {
    match error.code() {
        // Only the group's generation can be stale here; the producer itself is well once it has aborted.
        Code::IllegalGeneration | Code::UnknownMemberId | Code::FencedInstanceId | Code::RebalanceInProgress => {
            return BusError::StaleGeneration;
        }
        Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch => return BusError::Fenced,
        _ => {}
    }
    // However the transaction stands, trying it again helps nobody. The error names the topic or group.
    if let Some(remedy) = remedy(error.code()) {
        return BusError::Refused(format!("{what}: {error}; {remedy}"));
    }
    if let Some(fatal) = fatal {
        return ended(what, fatal);
    }
    if error.txn_requires_abort() && !is_outage(error.code()) {
        return BusError::Abort(format!("{what}: {error}"));
    }
    failed_by(what, error.code())
}

/// What an error of sending a record means: whatever it met, the transaction has to go.
pub(crate) fn sending_failed(what: &str, error: &KafkaError, fatal: Option<(Code, String)>) -> BusError {
    if let KafkaError::Transaction(error) = error {
        return transaction_failed(what, error, fatal);
    }
    if let Some(fatal) = fatal {
        return ended(what, fatal);
    }
    let is_outage = error.rdkafka_error_code().is_some_and(is_outage);
    let error = failed(what, error);
    if matches!(error, BusError::Unavailable(_)) && !is_outage { BusError::Abort(error.to_string()) } else { error }
}

/// What the failure of a record on its way means for its transaction.
pub(crate) fn undelivered(code: Code, fatal: Option<(Code, String)>) -> BusError {
    if let Some(fatal) = fatal {
        return ended("a record", fatal);
    }
    let error = failed_by("a record", code);
    let speaks_for_itself = matches!(error, BusError::Refused(_) | BusError::Fenced | BusError::TooLarge { .. });
    if speaks_for_itself || is_outage(code) { error } else { BusError::Abort(error.to_string()) }
}

/// What it means that a commit failed: if nobody has answered, it may have gone through.
pub(crate) fn commit_failed(error: BusError) -> BusError {
    if matches!(error, BusError::Unavailable(_)) { BusError::OutcomeUnknown(error.to_string()) } else { error }
}

/// The error, if asking again does not mend it.
pub(crate) fn lasting(error: BusError) -> Result<(), BusError> {
    if matches!(error, BusError::Refused(_) | BusError::Damaged(_) | BusError::Fatal(_)) {
        return Err(error);
    }
    tracing::debug!(%error, "asking again");
    Ok(())
}

/// What it means that a producer has ended.
pub(crate) fn ended(what: &str, (code, reason): (Code, String)) -> BusError {
    match code {
        Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch => BusError::Fenced,
        code if remedy(code).is_some() => failed_by(what, code),
        // The broker has forgotten the id, or a record is missing in its sequence: a new producer starts a new one.
        _ => BusError::OutcomeUnknown(format!("{what}: {reason}")),
    }
}

/// A partition nobody knows.
pub(crate) fn unknown(partition: &TopicPartition) -> BusError {
    BusError::UnknownPartition(partition.to_string())
}

/// A partition number as librdkafka counts.
pub(crate) fn number(partition: u32) -> i32 {
    i32::try_from(partition).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_that_are_away_are_not_the_fault_of_a_record() {
        // What may be the fault of what was written is tried in parts, and ends as a dead letter.
        let away = [
            Code::MessageTimedOut,
            Code::NotEnoughReplicas,
            Code::NotLeaderForPartition,
            Code::KafkaStorageError,
            Code::BrokerTransportFailure,
        ];
        for code in away {
            let error = undelivered(code, None);
            assert!(matches!(error, BusError::Unavailable(_)) && !error.may_blame_content(), "{error}");
        }
        assert!(undelivered(Code::InvalidRecord, None).may_blame_content());
        assert!(undelivered(Code::MessageSizeTooLarge, None).may_blame_content());
    }
}
