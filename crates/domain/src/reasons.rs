//! The catalogue of reasons: every stable code a source, an operator or an auditor can meet, with what it means and what to do.
//!
//! Codes are never renumbered or reused. A reader that meets a code newer than itself keeps going: it reads [`Code::Unknown`].

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A part of the catalogue: whose answer a code is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Chapter {
    /// Nobody's here: a newer version's.
    Newer,
    /// Any stage's, about a record, a timer or an answer that it could not decide; a dead letter's.
    Record,
    /// Intake's, to a source.
    Intake,
    /// Identity's.
    Identity,
    /// Dispatch's.
    Dispatch,
    /// Reconciliation's.
    Reconciliation,
    /// To an operator, about a command.
    Command,
}

macro_rules! codes {
    ($($chapter:ident { $($variant:ident $slug:literal $meaning:literal $remedy:literal)* })*) => {
        /// A stable reason code.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Code {
            $($(#[doc = $meaning] $variant,)*)*
        }

        impl Code {
            /// All codes, in catalogue order.
            pub const ALL: &'static [Self] = &[$($(Self::$variant,)*)*];

            /// The code as it is written.
            pub fn as_str(self) -> &'static str {
                match self { $($(Self::$variant => $slug,)*)* }
            }

            /// Whose answer it is.
            pub fn chapter(self) -> Chapter {
                match self { $($(Self::$variant => Chapter::$chapter,)*)* }
            }

            /// What it means.
            pub fn meaning(self) -> &'static str {
                match self { $($(Self::$variant => $meaning,)*)* }
            }

            /// What to do about it.
            pub fn remedy(self) -> &'static str {
                match self { $($(Self::$variant => $remedy,)*)* }
            }

            /// The code of a text; [`Code::Unknown`] where this version knows none.
            pub fn of(text: &str) -> Self {
                match text { $($($slug => Self::$variant,)*)* _ => Self::Unknown }
            }
        }
    };
}

codes! {
    Newer {
        Unknown "unknown" "A code of a newer version of Waybill." "Upgrade this process."
    }

    Record {
        // Records that can't be read or committed.
        NotFramed "not-framed" "The value is not in the Confluent wire format (magic byte 0 and a schema id)." "Produce with an Avro serializer that uses the schema registry."
        SchemaUnknown "schema-unknown" "No schema of this id is known." "Register the schema, then replay the letter."
        SchemaUnexpected "schema-unexpected" "The schema is known but belongs to another topic." "Produce this message to its own topic."
        Undecodable "undecodable" "The bytes do not fit the schema they name." "Correct the producer; the bytes were kept."
        ValueMissing "value-missing" "The record has no value." "Produce a message; a tombstone means nothing here."
        TooLarge "too-large" "The record, or what it leads to, exceeds the message limit." "Send less in one record; the original payload can be left out."
        Misdirected "misdirected" "The message is of a kind this stage does not take." "Produce it to its own topic."
        DecidePanicked "decide-panicked" "The worker failed on this record." "Report the letter; replay it after the fix."
        TurnFailed "turn-failed" "The record could not be committed, alone and repeatedly." "Report the letter; replay it after the fix."
        TimerFailed "timer-failed" "What had come due at its time could not be decided or committed; no record failed, and none can be replayed." "Report the letter with its place. After the fix start the worker again, where it comes due once more; then discard the letter."
        AnswerFailed "answer-failed" "A partner's answer could not be decided or committed; no record failed, and none can be replayed." "Report the letter with its place. The call counts as lost and is settled as such; then discard the letter."
        CrashLoop "crash-loop" "The process ended again and again at this record." "Report the letter; replay it after the fix."
        SealBroken "seal-broken" "The sealed part does not open: altered, foreign or its key was erased." "Submit the request again."
    }

    Intake {
        // Who speaks.
        SourceUnregistered "source-unregistered" "The source is not registered." "Register the source under deploy/sources, or correct the field."
        SignatureMissing "signature-missing" "The source must sign its submissions and this one is not signed." "Sign the value and send the waybill-signature headers."
        SignatureKeyUnknown "signature-key-unknown" "The signing key is not registered for the source." "Register the key, or sign with a registered one."
        SignatureWrong "signature-wrong" "The signature does not fit the value." "Sign the length of the key id in one byte, the key id, then the exact bytes of the value as produced."
        WorkflowUnavailable "workflow-unavailable" "This version of Waybill does not carry out the workflow yet." "Submit request_data or refresh, or wait for the version that carries it out."
        WorkflowNotAllowed "workflow-not-allowed" "The source is not registered for this workflow." "Have the workflow added to the source's registration."

        // Which request.
        KeyMissing "key-missing" "The idempotency key is empty." "Give the business key that names the request for ever."
        KeyTooLong "key-too-long" "The idempotency key has more than 200 characters." "Use a shorter business key."
        KeyMalformed "key-malformed" "The idempotency key holds control characters." "Use printable characters."
        KeyConflict "key-conflict" "The idempotency key was accepted before with another payload." "Use a new key for a new request, or send the first payload again."
        ParentMissing "parent-missing" "The workflow refers to an earlier request and names none." "Give parent_request_id."
        OccurredInFuture "occurred-in-future" "occurred_at lies more than five minutes ahead." "Check the source's clock."
        DueByPast "due-by-past" "due_by has passed already." "Give a later due_by, or none."
        TextTooLong "text-too-long" "A text field has more than 1,000 characters." "Shorten the field."
        ListTooLong "list-too-long" "A list has more than 50 entries." "Send fewer entries."
        CallbackMalformed "callback-malformed" "The callback is no https URL." "Give an https URL, or none."
        PayloadTooLarge "payload-too-large" "The original payload exceeds 512 KiB." "Send a smaller payload, or none: the fields beside it suffice."
        PayloadFormatMissing "payload-format-missing" "The original payload has no format." "Name its media type."
        SourceVersionMissing "source-version-missing" "The source does not say its own version." "Give source_version."
        ProvenanceMissing "provenance-missing" "The submission does not say which system it comes from." "Give provenance.system."

        // About whom.
        NameMissing "name-missing" "The member has no family name or no given name." "Give both."
        BirthDateMissing "birth-date-missing" "The member has no birth date." "Give it as YYYY-MM-DD."
        BirthDateMalformed "birth-date-malformed" "The birth date is no day of the calendar." "Give it as YYYY-MM-DD."
        BirthDateImplausible "birth-date-implausible" "The birth date lies ahead or more than 130 years back." "Correct it."
        PhoneMalformed "phone-malformed" "A phone number has other than 7 to 20 digits, or characters that belong in none." "Correct it, or leave it out."
        EmailMalformed "email-malformed" "An email address is not of the form name@domain." "Correct it, or leave it out."
        IdentifierIncomplete "identifier-incomplete" "An identifier lacks its system or its value." "Give both, or leave it out."
        CoverageToMatchMissing "coverage-to-match-missing" "The coverage under which the other payer knows the member is missing." "Give coverage_to_match."
        CoverageToLinkMissing "coverage-to-link-missing" "The coverage under which the requesting payer knows the member is missing." "Give coverage_to_link."
        CoveragePayerMissing "coverage-payer-missing" "The coverage names no payer." "Give the payer."
        CoveragePayerMismatch "coverage-payer-mismatch" "The coverage to match is not one of the other payer's." "Give the coverage under which the counterparty knows the member, with the counterparty as its payer."
        CoverageIdentifierMissing "coverage-identifier-missing" "The coverage has neither member id nor subscriber id." "Give one of them."
        CoveragePeriodMalformed "coverage-period-malformed" "The coverage period is no pair of calendar days, or ends before it starts." "Give start and end as YYYY-MM-DD."

        // By what right.
        ConsentMissing "consent-missing" "The workflow needs the member's consent." "Send the consent."
        ConsentPeriodMalformed "consent-period-malformed" "The consent period is no pair of calendar days, or ends before it starts." "Give start and end as YYYY-MM-DD."
        ConsentNotYetValid "consent-not-yet-valid" "The consent begins later." "Submit again once it is valid."
        ConsentExpired "consent-expired" "The consent has ended." "Obtain a new consent."
        OptedInInFuture "opted-in-in-future" "opted_in_at lies more than five minutes ahead." "Check the source's clock."
        ConsentReferenceMissing "consent-reference-missing" "The consent does not say where the signed form lies." "Give the reference."
        ConsentPerformerMissing "consent-performer-missing" "The consent does not say who consented." "Give the performer."
        ConsentRecipientMissing "consent-recipient-missing" "The consent does not name the requesting payer as recipient." "Obtain a consent that names it."
        AttestationMissing "attestation-missing" "The workflow needs the enrolment attestation." "Send the attestation."
        AttestationIncomplete "attestation-incomplete" "The attestation lacks the attester or the statement." "Complete it."
        AttestedInFuture "attested-in-future" "attested_at lies more than five minutes ahead." "Check the source's clock."

        // What is asked of whom.
        CounterpartyMissing "counterparty-missing" "No other payer is named." "Give counterparty."
        CounterpartyUnknown "counterparty-unknown" "The other payer is not in the partner registry." "Register the partner, or correct the field."
        ResourceTypeUnknown "resource-type-unknown" "A resource type is none of FHIR R4." "Correct it."
        SinceInFuture "since-in-future" "ask.since lies more than five minutes ahead: nothing can have changed since." "Give an earlier time, or none."
        ServiceWindowMalformed "service-window-malformed" "The service-date window is no pair of calendar days, or ends before it starts." "Give both as YYYY-MM-DD."
    }

    Identity {
        NoCandidate "no-candidate" "Nobody on the roster fits." "Check the coverage and the demographics with the member."
        CandidatesDisagree "candidates-disagree" "The identifier is known but the demographics are another person's." "Check the card and the birth date with the member."
        SeveralCandidates "several-candidates" "Several people on the roster fit." "Decide the review."
        PartialAgreement "partial-agreement" "One person fits in part." "Decide the review."
        ReviewedNobody "reviewed-nobody" "A reviewer found that it is nobody of ours." "Check the claim with the member."
        NoOpenReview "no-open-review" "The request has no open review." "Look at the request's state."
        TooManyAttempts "too-many-attempts" "The same person was asked for with many cards, or the same card with many people: such claims are not answered for a while." "Wait until the guard's verdict has run out; see `waybill identity guard`."
        SecondReviewerMissing "second-reviewer-missing" "The same person can't give both verdicts on a sensitive request." "Have somebody else give the second one."
        VerdictsDisagree "verdicts-disagree" "The second verdict is not the first one." "Settle it between the two reviewers; the review begins anew."
        NotOpened "not-opened" "A review is decided by somebody who has looked at what it is about." "Open it first, with `waybill review open`."
        NotTheOwner "not-the-owner" "Somebody else has taken the review." "Have its owner decide, or take it over."
        NotACandidate "not-a-candidate" "The member named is none of the review's candidates." "Decide for one of those shown."
    }

    Dispatch {
        PartnerUnknown "partner-unknown" "The partner is not in the registry any more." "Register the partner, then replay the letter."
        PartnerRefused "partner-refused" "The partner refused for good." "See the partner's code in the timeline."
        AttemptsExhausted "attempts-exhausted" "All attempts failed." "Look at the partner; then cancel the request and have it submitted again."
        OutcomeUnknownUnresolved "outcome-unknown-unresolved" "Nobody can say by machine whether the effect took place." "Ask the partner, then say so with `waybill resolve`."
        EffectTookPlace "effect-took-place" "The effect had taken place before it could be stopped." "Reverse it with a reversal request, if it must not stand."
        AnswerUnreadable "answer-unreadable" "The partner's answer does not have the agreed shape." "Look at the partner's version."
    }

    Reconciliation {
        StageOverdue "stage-overdue" "A stage took longer than it may." "See the runbook of the stage."
        RequestOverdue "request-overdue" "The request took longer than it may." "See the runbook of the stage it stands in."
        HoldOverdue "hold-overdue" "A hold has lasted longer than it may." "Release it or cancel the request."
        LetterOverdue "letter-overdue" "A dead letter has waited longer than it may." "Replay or discard the letter."
        SettleOverdue "settle-overdue" "A cancel or compensation has not come to an end." "Ask the partner."
        NobodyActed "nobody-acted" "The last tier of escalation was reached." "The named owner decides outside the system."
        CountMismatch "count-mismatch" "Fewer or more records came than the partner's manifest says." "Settle it with the partner, then end the request with `waybill release`."
        DigestMismatch "digest-mismatch" "The records that came are not those of the partner's manifest." "Settle it with the partner, then end the request with `waybill release`."
        MatchWithdrawn "match-withdrawn" "The roster no longer bears out the match the request rests on." "Look at `waybill identity explain`; settle with the partner what was sent, then cancel or release the request."
        EffectAfterEnd "effect-after-end" "An effect took place after the request had ended otherwise." "It is being undone."
        CompensationFailed "compensation-failed" "An effect could not be undone by machine." "Ask the partner to undo it."
        CancelledByOperator "cancelled-by-operator" "A person cancelled the request." "Submit a new request if it is wanted after all."
        LetterDiscarded "letter-discarded" "A person put the request's dead letter aside." "Submit the request again if it is wanted after all."
    }

    Command {
        TargetUnknown "target-unknown" "No open request or letter of this id is known." "Check the id."
        StateStale "state-stale" "The request is no longer in the state the operator saw." "Look again, then decide again."
        NotInThisState "not-in-this-state" "The command has no place in the request's state." "Look at the request's state."
        OnHold "on-hold" "The request is on hold." "Release it first, with `waybill release`."
        VerdictMissing "verdict-missing" "The command needs a verdict and brings none, or the wrong kind, or does not say of which attempt." "Give the verdict, and of an unknown outcome the attempt it is about, as `waybill trace` shows it."
        NothingToReplay "nothing-to-replay" "The letter is of a timer or of a partner's answer, which no topic holds: there is no record to send back." "After the fix start the worker again: what is due comes due once more, and calls without an answer count as lost. Then discard the letter."
        AlreadyDone "already-done" "It was done before." "Nothing is to be done."
    }
}

impl Chapter {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Newer => "newer",
            Self::Record => "record",
            Self::Intake => "intake",
            Self::Identity => "identity",
            Self::Dispatch => "dispatch",
            Self::Reconciliation => "reconciliation",
            Self::Command => "command",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Code;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a reason code")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Code, E> {
                Ok(Code::of(text))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_is_its_own_and_reads_back() {
        let slugs: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(slugs.len(), Code::ALL.len());
        for code in Code::ALL {
            assert_eq!(Code::of(code.as_str()), *code);
            assert!(code.meaning().ends_with('.') && code.remedy().ends_with('.'), "{code}");
        }
        assert_eq!(Code::of("from-the-future"), Code::Unknown);
    }
}
