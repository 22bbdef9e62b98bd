//! What a request waits for, and what follows when it has waited long enough.

use domain::lifecycle::Deadline;
use domain::lifecycle::event::Clock;
use domain::{Code, Decision, EventBody, State, TerminalOutcome, Timestamp};

use crate::case::Case;
use crate::memory::Undo;
use crate::{Entry, Key};

/// What an entry waits for. There is always something: nothing hangs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wait {
    /// A clock of the open request.
    Clock(Deadline),
    /// Its end to be read back.
    End(Timestamp),
    /// An effect that came too late to be undone.
    Undo(Timestamp),
    /// Being forgotten.
    Forget(Timestamp),
}

/// Judges an entry whose time has come.
pub(crate) fn on_timer(mut case: Case<'_>) -> Decision<Key, Entry> {
    let wait = case.wait();
    if wait.due() > case.now {
        // Another policy holds by now: the entry only gets its new time.
        return case.finish();
    }
    match wait {
        Wait::Clock(deadline) => case.clock_ran_out(deadline),
        Wait::End(_) => case.end_again(),
        Wait::Undo(due) => {
            case.write(EventBody::DeadlineBreached { clock: Clock::Stage, due });
            case.undo_failed(Code::SettleOverdue);
        }
        Wait::Forget(_) => {
            case.decision.forget(Key::Request(case.id()));
            return case.decision;
        }
    }
    case.finish()
}

impl Wait {
    /// When it has lasted long enough.
    pub(crate) fn due(self) -> Timestamp {
        match self {
            Self::Clock(Deadline { due, .. }) | Self::End(due) | Self::Undo(due) | Self::Forget(due) => due,
        }
    }
}

impl Case<'_> {
    /// What the request waits for.
    pub(crate) fn wait(&self) -> Wait {
        let (request, policy) = (&self.request, &self.policy().clocks);
        let lane = request.context.lane;
        let settle = policy.clocks.settle.of(lane);
        if request.lifecycle.state == State::Closed {
            return match request.undo {
                Undo::Running => Wait::Undo(request.settled_at + settle),
                Undo::None | Undo::Done | Undo::Failed => Wait::Forget(request.settled_at + policy.remember_closed),
            };
        }
        let due_by = if request.overdue { Timestamp::NEVER } else { request.context.due_by };
        match policy.clocks.next(self.shown(), lane, due_by) {
            Some(Deadline { clock: Clock::Exception, due }) => {
                let climbed = policy.clocks.exception.of(lane).saturating_mul(request.tier);
                Wait::Clock(Deadline { clock: Clock::Exception, due: due + climbed })
            }
            Some(deadline) => Wait::Clock(deadline),
            None => Wait::End(self.shown().since + settle),
        }
    }

    fn clock_ran_out(&mut self, Deadline { clock, due }: Deadline) {
        let state = self.shown().state;
        self.write(EventBody::DeadlineBreached { clock, due });
        match clock {
            Clock::Stage => self.raise(overdue(state)),
            Clock::Request => {
                self.request.overdue = true;
                self.raise(Code::RequestOverdue);
            }
            Clock::Exception => self.escalate(),
        }
    }

    /// The end that was written has not come back although the log was read to its end: it is lost, and written again.
    fn end_again(&mut self) {
        self.request.ahead = None;
        let outcome = self.request.ended.or(self.shown().outcome).unwrap_or(TerminalOutcome::Escalated);
        self.request.ended = Some(outcome);
        self.write_end(outcome, self.request.code);
    }
}

/// What it means that the clock of this state ran out.
fn overdue(state: State) -> Code {
    match state {
        State::Held => Code::HoldOverdue,
        State::DeadLettered => Code::LetterOverdue,
        State::Cancelling | State::Compensating => Code::SettleOverdue,
        State::Received
        | State::Validated
        | State::InReview
        | State::IdentityMatched
        | State::PartnerDispatched
        | State::Acknowledged
        | State::Fulfilled
        | State::Closed
        | State::Rejected
        | State::Exception
        | State::Cancelled
        | State::Superseded
        | State::Compensated => Code::StageOverdue,
    }
}
