//! What an HTTP outcome means: the one place where statuses, problems and broken connections become failure classes. Pure.
//!
//! The question behind every row is whether the partner may have acted. A request that never left, or that the partner turned away
//! before acting, is `transport` or `throttled`: safe to repeat anywhere. A request that left without an answer, or that the partner
//! broke over, is `timeout` or `outcome-unknown` where it was meant to have an effect; where it only reads, repeating is always safe
//! and the class is `transport`. A success that can't be read is `schema`.

use std::time::{Duration, SystemTime};

use domain::{CallResult, FailureClass};

/// What a request is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Errand {
    /// Ask for the data.
    Send,
    /// Ask by reference how an exchange stands.
    Status,
    /// Ask the same by idempotency key.
    Query,
    /// Fetch the data.
    Data,
    /// Take an exchange back.
    Cancel,
    /// Undo an exchange.
    Compensate,
}

/// How a request failed without an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Breakdown {
    /// No connection came to be.
    Connect,
    /// The time was over before there was an answer.
    Timeout,
    /// The connection broke after the request had left, or in the middle of the answer.
    Broken,
    /// The request could not even be made.
    Unmakable,
}

/// The longest time a partner can make us wait.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(7 * 86_400);
const CODE_LENGTH_MAX: usize = 60;

/// What an answer with a status other than 2xx means. `code` is the problem's, where it has one.
pub fn refusal(errand: Errand, status: u16, code: Option<String>, retry_after: Option<Duration>) -> CallResult {
    let code = code.unwrap_or_else(|| format!("http-{status}"));
    let class = match status {
        401 | 407 => FailureClass::Authentication,
        403 => FailureClass::Authorisation,
        408 => FailureClass::Transport,
        409 if errand == Errand::Cancel => return CallResult::CancelTooLate,
        409 | 425 | 429 => FailureClass::Throttled,
        422 => FailureClass::BusinessRule,
        503 if retry_after.is_some() => FailureClass::Throttled,
        501 | 505 => FailureClass::Permanent,
        500..=599 if errand.is_unsafe() => FailureClass::OutcomeUnknown,
        500..=599 => FailureClass::Transport,
        _ => FailureClass::Permanent,
    };
    let judged = matches!(class, FailureClass::BusinessRule | FailureClass::Permanent);
    match errand {
        // A query that is refused leaves its question open.
        Errand::Query => CallResult::Failed { class, code, retry_after },
        // What was completed has data; that it can't be had now says nothing about later.
        Errand::Data if judged => CallResult::Failed { class: FailureClass::Transport, code, retry_after },
        Errand::Send | Errand::Status | Errand::Cancel | Errand::Compensate if judged => {
            CallResult::Refused { class, code }
        }
        Errand::Send | Errand::Status | Errand::Data | Errand::Cancel | Errand::Compensate => {
            CallResult::Failed { class, code, retry_after }
        }
    }
}

/// What a request without an answer means.
pub fn breakdown(errand: Errand, breakdown: Breakdown) -> CallResult {
    let (class, code) = match breakdown {
        Breakdown::Connect => (FailureClass::Transport, "not-connected"),
        Breakdown::Timeout => (FailureClass::Timeout, "no-answer-in-time"),
        Breakdown::Broken if errand.is_unsafe() => (FailureClass::OutcomeUnknown, "connection-broken"),
        Breakdown::Broken => (FailureClass::Transport, "connection-broken"),
        Breakdown::Unmakable => (FailureClass::Defect, "request-unmakable"),
    };
    failed(class, code)
}

/// A success whose content does not have the agreed shape.
pub fn unreadable(code: &'static str) -> CallResult {
    failed(FailureClass::Schema, code)
}

/// A call that ended on our side before anything was asked of the partner, and may be tried again.
pub fn not_asked(code: &'static str) -> CallResult {
    failed(FailureClass::Throttled, code)
}

/// A failure with a code of ours.
pub fn failed(class: FailureClass, code: &'static str) -> CallResult {
    CallResult::Failed { class, code: code.to_owned(), retry_after: None }
}

/// The stable code in a problem's type: the last segment of its URI, as a slug. None where there is no such thing, or where it
/// has so many digits that it may name a person or an occasion instead of a kind.
pub fn problem_code(kind: &str) -> Option<String> {
    let path = kind.split(['?', '#']).next().unwrap_or_default();
    let segment = path.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
    let words = segment.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug = words.collect::<Vec<_>>().join("-").to_ascii_lowercase();
    let digits = slug.bytes().filter(u8::is_ascii_digit).count();
    let known = !slug.is_empty() && slug != "blank" && slug.len() <= CODE_LENGTH_MAX && digits < 4;
    known.then_some(slug)
}

/// How long a `Retry-After` asks us to wait: seconds, fractions tolerated, or a date.
pub fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let wait = match value.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok()?,
        Err(_) => httpdate::parse_http_date(value).ok()?.duration_since(now).unwrap_or_default(),
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

// === impl Errand ===

impl Errand {
    /// Whether the partner may act on it, so that not knowing matters. A cancel may be repeated without harm.
    pub fn is_unsafe(self) -> bool {
        match self {
            Self::Send | Self::Compensate => true,
            Self::Status | Self::Query | Self::Data | Self::Cancel => false,
        }
    }

    /// The name in log lines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Status => "status",
            Self::Query => "query",
            Self::Data => "data",
            Self::Cancel => "cancel",
            Self::Compensate => "compensate",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use Errand::{Cancel, Compensate, Data, Query, Send, Status};
    use FailureClass as Class;

    /// Statuses, on these errands, with this `Retry-After`, have this class.
    type Row = (&'static [u16], &'static [Errand], Option<Duration>, FailureClass);

    #[test]
    fn statuses_have_their_classes() {
        let wait = Some(Duration::from_secs(3));
        let unsafe_ones = [Send, Compensate].as_slice();
        let safe_ones = [Status, Query, Data, Cancel].as_slice();
        let all = [Send, Compensate, Status, Query, Data, Cancel].as_slice();
        let rows: [Row; 11] = [
            (&[401, 407], all, None, Class::Authentication),
            (&[403], all, None, Class::Authorisation),
            (&[408], all, None, Class::Transport),
            (&[429, 425], all, wait, Class::Throttled),
            (&[503], all, wait, Class::Throttled),
            (&[409], &[Send, Compensate, Status, Query, Data], wait, Class::Throttled),
            (&[422], &[Send, Compensate, Status, Query, Cancel], None, Class::BusinessRule),
            (&[500, 502, 503, 504, 599], unsafe_ones, None, Class::OutcomeUnknown),
            (&[500, 502, 503, 504, 599], safe_ones, None, Class::Transport),
            (
                &[400, 404, 410, 413, 415, 301, 307, 100, 501, 505],
                &[Send, Compensate, Status, Query, Cancel],
                None,
                Class::Permanent,
            ),
            (&[400, 404, 410, 422, 301, 501], &[Data], None, Class::Transport),
        ];
        for (statuses, errands, retry_after, wanted) in rows {
            for (status, errand) in
                statuses.iter().flat_map(|status| errands.iter().map(move |errand| (*status, *errand)))
            {
                let judged = matches!(wanted, Class::BusinessRule | Class::Permanent) && errand != Query;
                let code = format!("http-{status}");
                let refused = CallResult::Refused { class: wanted, code: code.clone() };
                let failed = CallResult::Failed { class: wanted, code, retry_after };
                let wanted = if judged { refused } else { failed };
                assert_eq!(refusal(errand, status, None, retry_after), wanted, "{errand:?} {status}");
            }
        }
        assert_eq!(refusal(Cancel, 409, None, None), CallResult::CancelTooLate);
        let code = Some("no-match".to_owned());
        let refused = CallResult::Refused { class: Class::BusinessRule, code: "no-match".into() };
        assert_eq!(refusal(Send, 422, code, None), refused);
    }

    #[test]
    fn a_broken_connection_matters_where_the_partner_may_have_acted() {
        for (errand, wanted) in [
            (Send, Class::OutcomeUnknown),
            (Compensate, Class::OutcomeUnknown),
            (Status, Class::Transport),
            (Query, Class::Transport),
            (Data, Class::Transport),
            (Cancel, Class::Transport),
        ] {
            let class = |result| if let CallResult::Failed { class, .. } = result { Some(class) } else { None };
            assert_eq!(class(breakdown(errand, Breakdown::Broken)), Some(wanted));
            assert_eq!(class(breakdown(errand, Breakdown::Connect)), Some(Class::Transport));
            assert_eq!(class(breakdown(errand, Breakdown::Timeout)), Some(Class::Timeout));
            assert_eq!(class(breakdown(errand, Breakdown::Unmakable)), Some(Class::Defect));
        }
    }

    #[test]
    fn codes_are_slugs_of_kinds() {
        let long = format!("urn:problem:{}", "x".repeat(61));
        let rows = [
            ("https://partner.example/problems/no-match", Some("no-match")),
            ("https://partner.example/problems/Consent_Expired/", Some("consent-expired")),
            ("urn:problem:Multiple Matches?member=1", Some("multiple-matches")),
            ("rule-42", Some("rule-42")),
            ("about:blank", None),
            ("", None),
            ("https://partner.example/problems/member-19800229", None),
            (long.as_str(), None),
        ];
        for (kind, wanted) in rows {
            assert_eq!(problem_code(kind).as_deref(), wanted, "{kind}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let rows = [
            ("120", Some(Duration::from_secs(120))),
            (" 0.05 ", Some(Duration::from_millis(50))),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(Duration::from_secs(30))),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(Duration::ZERO)),
            ("99999999999", Some(RETRY_AFTER_MAX)),
            ("-1", None),
            ("NaN", None),
            ("inf", None),
            ("soon", None),
        ];
        for (value, wanted) in rows {
            assert_eq!(retry_after(value, now), wanted, "{value}");
        }
    }
}
