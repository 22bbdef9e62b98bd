//! What was last heard against us while nothing was answered: by it an error says more than that nobody answers.

use std::time::{Duration, Instant};

use fleet::bus::BusError;
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::errors::remedy;

/// What a client has heard since brokers last answered it.
#[derive(Default)]
pub(crate) struct Complaint {
    refusal: Option<Refusal>,
    /// Why the last connection was lost or not made.
    outage: Option<String>,
    /// What was said of it, and when.
    said: Option<(Code, Instant)>,
}

/// That brokers want nothing of us, or we of them.
struct Refusal {
    reason: String,
    heard: Instant,
}

/// What librdkafka says where a connection ended at its first word, as those do that are met with something else than was expected:
/// plaintext at a listener of TLS above all.
const AT_ONCE: &str = "in state APIVERSION_QUERY";
/// What librdkafka says where a broker does not offer the mechanism.
const NOT_OFFERED: &str = "Unsupported SASL mechanism";
/// What librdkafka says where a connection ended before TLS was agreed on: a broker that stops does that, as well as one that speaks
/// something else.
const ENDED: [&str; 2] = ["Disconnected", "Connection reset"];

/// How long the same thing is not said again. librdkafka tells of brokers that are away with each connection it tries.
const SAID_AGAIN: Duration = Duration::from_secs(30);

// === impl Complaint ===

impl Complaint {
    /// Hears an error of the client. Whether it is a refusal.
    pub(crate) fn hear(&mut self, code: Code, reason: &str) -> bool {
        // librdkafka has one code for all that fails about SASL.
        let code = if reason.contains(NOT_OFFERED) { Code::UnsupportedSASLMechanism } else { code };
        if code == Code::SSL && ENDED.iter().any(|end| reason.contains(end)) {
            return false;
        }
        let remedy = remedy(code);
        if let Some(remedy) = remedy {
            self.refuse(format!("{reason}; {remedy}"));
        }
        remedy.is_some()
    }

    /// Whether an error that passes by itself is worth a line. Why a connection was lost or not made stands in one of its own already.
    pub(crate) fn is_news(&mut self, code: Code) -> bool {
        let is_old = self.said.is_some_and(|(said, at)| said == code && at.elapsed() < SAID_AGAIN);
        let is_news = !is_old && !matches!(code, Code::BrokerTransportFailure | Code::Resolve);
        if is_news {
            self.said = Some((code, Instant::now()));
        }
        is_news
    }

    /// Notes why a connection was lost or not made, as librdkafka logs it: after the name of its thread.
    pub(crate) fn lose(&mut self, line: &str) {
        let reason = line.split_once("]: ").filter(|_| line.starts_with("[thrd:")).map_or(line, |(_, reason)| reason);
        self.outage = Some(reason.to_owned());
    }

    /// Notes a refusal that needs no remedy beside what it says.
    pub(crate) fn refuse(&mut self, reason: String) {
        self.refusal = Some(Refusal { reason, heard: Instant::now() });
    }

    /// Whether somebody has refused since anything was answered.
    pub(crate) fn is_refusal(&self) -> bool {
        self.refusal.is_some()
    }

    /// The refusal of a member whose last sign of life was heard as long ago as this, if it has been refused since.
    pub(crate) fn refused_within(&self, age: Duration) -> Option<BusError> {
        let refusal = self.refusal.as_ref().filter(|refusal| refusal.heard.elapsed() < age)?;
        Some(BusError::Refused(refusal.reason.clone()))
    }

    /// The same error with what is behind it. Who is only away may come back; who refuses has answered.
    pub(crate) fn explain(&self, error: BusError) -> BusError {
        let refusal = self.refusal.as_ref().map(|refusal| &refusal.reason);
        match (error, refusal, &self.outage) {
            (BusError::Unavailable(_), Some(reason), _) => BusError::Refused(reason.clone()),
            (BusError::Unavailable(what), None, Some(reason)) => {
                let is_at_once = reason.contains(AT_ONCE);
                let remedy =
                    if is_at_once { "choose the security this listener wants" } else { "see that brokers run there" };
                BusError::Unavailable(format!("{what}; {reason}; {remedy}"))
            }
            (BusError::OutcomeUnknown(what), Some(reason), _)
            | (BusError::OutcomeUnknown(what), None, Some(reason)) => {
                BusError::OutcomeUnknown(format!("{what}; {reason}"))
            }
            (error, _, _) => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(code: Code, reason: &str) -> Complaint {
        let mut complaint = Complaint::default();
        complaint.hear(code, reason);
        complaint
    }

    fn nobody() -> BusError {
        BusError::Unavailable("events: nobody answers".into())
    }

    #[test]
    fn a_refusal_is_told_for_what_it_is() {
        for code in [Code::SaslAuthenticationFailed, Code::SSL, Code::GroupAuthorizationFailed] {
            let told = after(code, "one:9092: no").explain(nobody());
            assert!(matches!(&told, BusError::Refused(reason) if reason.starts_with("one:9092: no; ")), "{told}");
        }
    }

    #[test]
    fn the_same_trouble_is_told_once() {
        let mut complaint = Complaint::default();
        let told = [Code::AllBrokersDown, Code::AllBrokersDown, Code::OperationTimedOut, Code::BrokerTransportFailure];
        assert_eq!(told.map(|code| complaint.is_news(code)), [true, false, true, false]);
    }

    #[test]
    fn a_broker_that_is_away_stays_unavailable() {
        let gone = [
            (Code::BrokerTransportFailure, "one:9092: Connection refused"),
            (Code::SSL, "one:9092: SSL handshake failed: Disconnected"),
        ];
        for (code, reason) in gone {
            let mut complaint = after(code, reason);
            complaint.lose(&format!("[thrd:one:9092]: {reason}"));
            let told = complaint.explain(nobody());
            assert!(matches!(&told, BusError::Unavailable(what) if what.contains(&format!("; {reason};"))), "{told}");
        }
        assert_eq!(after(Code::AllBrokersDown, "1/1 brokers are down").explain(nobody()), nobody());
    }

    #[test]
    fn who_is_cut_off_at_once_is_told_to_look_at_the_security() {
        let mut complaint = Complaint::default();
        complaint.lose("[thrd:one:9092]: one:9092: Disconnected (after 1ms in state APIVERSION_QUERY)");
        let told = complaint.explain(nobody()).to_string();
        assert!(told.ends_with("APIVERSION_QUERY); choose the security this listener wants"), "{told}");
    }

    #[test]
    fn an_unknown_outcome_stays_one_and_other_errors_are_as_they_were() {
        let complaint = after(Code::SaslAuthenticationFailed, "no");
        let told = complaint.explain(BusError::OutcomeUnknown("committing".into()));
        assert!(matches!(&told, BusError::OutcomeUnknown(what) if what.starts_with("committing; no; ")), "{told}");
        assert_eq!(complaint.explain(BusError::Fenced), BusError::Fenced);
    }

    #[test]
    fn a_member_is_refused_only_since_it_was_last_heard() {
        let complaint = after(Code::SaslAuthenticationFailed, "no");
        assert!(complaint.refused_within(Duration::ZERO).is_none());
        assert!(matches!(complaint.refused_within(Duration::from_secs(60)), Some(BusError::Refused(_))));
        assert!(Complaint::default().refused_within(Duration::from_secs(60)).is_none());
    }
}
