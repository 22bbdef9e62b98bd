//! How long to wait: before a retry, before the next poll.

use std::time::Duration;

use domain::partner::{Completion, Partner, Retry};
use domain::{RecordId, Timestamp};

/// How many times the longest backoff a promised callback is waited for before the partner is asked after all.
const CALLBACK_PATIENCE: u32 = 10;

/// The pause before a retry: exponential with full jitter, so that many operations that failed together do not return together.
/// The jitter comes from the input's identity: the same input always waits equally long.
///
/// `retry_after` is what the partner asks for; the pause is never shorter.
pub fn pause(retry: &Retry, failures: u32, retry_after: Option<Duration>, seed: RecordId) -> Duration {
    let doublings = failures.saturating_sub(1).min(63);
    let ceiling = retry.backoff_ms.saturating_mul(1 << doublings).min(retry.backoff_ms_max);
    let [a, b, c, d, ..] = seed.0;
    let draw = u64::from(u32::from_be_bytes([a, b, c, d]));
    let jitter = Duration::from_millis((((u128::from(ceiling) + 1) * u128::from(draw)) >> 32) as u64);
    match retry_after {
        Some(asked) => asked + jitter,
        None => jitter,
    }
}

/// When to ask next how an accepted operation stands. What the partner asks for counts, within reason: at least the first backoff,
/// and at the latest so that one call still fits before `due_by`.
pub fn next_poll(partner: &Partner, retry_after: Option<Duration>, now: Timestamp, due_by: Timestamp) -> Timestamp {
    let shortest = Duration::from_millis(partner.retry.backoff_ms);
    let longest = Duration::from_millis(partner.retry.backoff_ms_max);
    let wait = match partner.completion {
        Completion::Immediate | Completion::Poll => retry_after.unwrap_or(longest),
        Completion::Callback => retry_after.unwrap_or_default().max(longest * CALLBACK_PATIENCE),
    };
    let next = now + wait.max(shortest);
    let last = due_by - partner.timeout();
    if now < last { next.min(last) } else { next.min(due_by) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::partner;

    const RETRY: Retry = Retry { attempts_max: 5, backoff_ms: 100, backoff_ms_max: 1_000 };

    fn seed(draw: u32) -> RecordId {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&draw.to_be_bytes());
        RecordId(id)
    }

    #[test]
    fn the_pause_is_anything_up_to_a_ceiling_that_doubles() {
        let ceilings = [(0, 100), (1, 100), (2, 200), (3, 400), (4, 800), (5, 1_000), (200, 1_000)];
        for (failures, ceiling) in ceilings {
            assert_eq!(pause(&RETRY, failures, None, seed(0)), Duration::ZERO);
            assert_eq!(pause(&RETRY, failures, None, seed(u32::MAX)), Duration::from_millis(ceiling));
            assert_eq!(pause(&RETRY, failures, None, seed(1 << 31)), Duration::from_millis(ceiling / 2));
        }
    }

    #[test]
    fn the_pause_is_never_shorter_than_the_partner_asks() {
        let asked = Duration::from_secs(7);
        assert_eq!(pause(&RETRY, 1, Some(asked), seed(0)), asked);
        assert_eq!(pause(&RETRY, 1, Some(asked), seed(u32::MAX)), asked + Duration::from_millis(100));
    }

    #[test]
    fn polls_keep_to_the_partner_and_to_the_deadline() {
        let poller = partner("a", Completion::Poll);
        let caller = partner("a", Completion::Callback);
        let (now, far) = (Timestamp(0), Timestamp(10_000_000));
        let second = Some(Duration::from_secs(1));
        assert_eq!(next_poll(&poller, second, now, far), Timestamp(1_000));
        assert_eq!(next_poll(&poller, Some(Duration::ZERO), now, far), Timestamp(100));
        assert_eq!(next_poll(&poller, None, now, far), Timestamp(5_000));
        assert_eq!(next_poll(&caller, second, now, far), Timestamp(50_000));
        assert_eq!(next_poll(&caller, second, now, Timestamp(20_000)), Timestamp(18_000), "one call still fits");
        assert_eq!(next_poll(&caller, second, Timestamp(18_000), Timestamp(20_000)), Timestamp(20_000));
    }
}
