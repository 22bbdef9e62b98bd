//! Whether all arrived: what came against what the partner says it sent.

use domain::messages::{Manifest, ReceivedData};
use domain::{Code, EventBody, State, TerminalOutcome};

use crate::case::Case;

impl Case<'_> {
    /// A delivery that agrees with its manifest fulfils the request; any other needs an owner, and so does one whose match was taken
    /// back while it was under way.
    pub(crate) fn verify(&mut self, manifest: &Manifest, received: &ReceivedData) {
        let withdrawn = self.is_withdrawn().then_some(Code::MatchWithdrawn);
        match withdrawn.or_else(|| disagreement(manifest, received)) {
            None => self.close(TerminalOutcome::Fulfilled, None),
            Some(code) => {
                self.write(EventBody::VerificationFailed { code, withdrawn: None });
                match self.request.ended {
                    None => self.raise(code),
                    // It stands on the log before the end that was written.
                    Some(TerminalOutcome::Escalated) => {}
                    Some(_) => self.close(TerminalOutcome::Escalated, Some(code)),
                }
            }
        }
    }

    /// Identity takes a match back: nothing more may be sent for it, and somebody has to see to what was.
    pub(crate) fn match_withdrawn(&mut self) {
        let log = &self.request.lifecycle;
        let stood_first = log.state != State::Closed && log.outcome == Some(TerminalOutcome::Escalated);
        match self.request.ended {
            None => {
                self.request.withdrawn = true;
                self.raise(Code::MatchWithdrawn);
                self.request.code = Some(Code::MatchWithdrawn);
                self.stop();
            }
            // It stands on the log before the end that was written: the source is told what the log says.
            Some(TerminalOutcome::Fulfilled) if stood_first => {
                self.close(TerminalOutcome::Escalated, Some(Code::MatchWithdrawn));
            }
            Some(_) => {}
        }
    }
}

/// What disagrees, if anything. The count comes first: it says more to whoever looks into it.
fn disagreement(manifest: &Manifest, received: &ReceivedData) -> Option<Code> {
    if manifest.records != received.records {
        return Some(Code::CountMismatch);
    }
    (manifest.sha256 != received.sha256).then_some(Code::DigestMismatch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn count_and_digest_have_to_agree() {
        let manifest = Manifest { records: 3, sha256: [7; 32] };
        let received = |records, byte| ReceivedData { records, sha256: [byte; 32], evidence: None };
        assert_eq!(disagreement(&manifest, &received(3, 7)), None);
        assert_eq!(disagreement(&manifest, &received(2, 7)), Some(Code::CountMismatch));
        assert_eq!(disagreement(&manifest, &received(4, 8)), Some(Code::CountMismatch));
        assert_eq!(disagreement(&manifest, &received(3, 8)), Some(Code::DigestMismatch));
    }
}
