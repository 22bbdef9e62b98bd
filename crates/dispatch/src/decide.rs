//! Decides one input: takes it apart, finds the operation it is about, and hands it to the judgement that fits.

mod answer;
mod command;
mod desk;
mod failure;

use domain::messages::{DispatchTask, DispatchWork, PartnerMessage};
use domain::{Answer, Code, Decision, FailureClass, Input, Message, Moment, Poison, Record, View};

use self::desk::{Case, Desk};
use crate::Dispatch;
use crate::admission::Health;
use crate::memory::{Entry, Key, Phase, Step};

type Decided = Result<Decision<Key, Entry>, Poison>;

/// Decides one input.
///
/// # Errors
/// A record of another stage, and work for a partner that is not registered, become dead letters.
pub fn decide<'a>(
    dispatch: &'a Dispatch,
    view: &'a View<'a, Key, Entry>,
    input: Input<'a, Key>,
    moment: &'a Moment,
) -> Decided {
    match input {
        Input::Record(record) => match &record.message {
            Message::Dispatch(work) => work_arrived(dispatch, view, work, record, moment),
            Message::Partner(message) => Ok(partner_called(dispatch, view, message, moment)),
            Message::Intake(_)
            | Message::Identity(_)
            | Message::Command(_)
            | Message::Event(_)
            | Message::Outcome(_)
            | Message::Letter(_)
            | Message::Member(_)
            | Message::Policy(_)
            | Message::Guard(_) => Err(Poison::misdirected()),
        },
        Input::Timer(key) => Ok(time_came(dispatch, view, key, moment)),
        Input::Answer(answer) => Ok(partner_answered(dispatch, view, answer, moment)),
    }
}

fn work_arrived<'a>(
    dispatch: &'a Dispatch,
    view: &'a View<'a, Key, Entry>,
    work: &'a DispatchWork,
    record: &'a Record,
    moment: &'a Moment,
) -> Decided {
    let step = match &work.task {
        DispatchTask::Send { .. } => Step::Send,
        DispatchTask::Compensate { .. } => Step::Compensate,
        DispatchTask::CancelDispatch { .. }
        | DispatchTask::HoldDispatch { .. }
        | DispatchTask::ReleaseDispatch { .. }
        | DispatchTask::ResolveUnknown { .. } => return Ok(command::decide(dispatch, view, work, moment)),
    };
    if dispatch.registry.get(&work.route.partner).is_none() {
        let place = "route.partner".into();
        return Err(Poison { class: FailureClass::Permanent, code: Code::PartnerUnknown, place });
    }
    let mut desk = Desk::new(dispatch, view, moment, &work.route);
    let case = Case::new(work, record.trace, step);
    match view.get(&Key::Operation(work.operation_id)) {
        None => desk.begin(case),
        Some(Entry::Early { cancel, held, .. }) => desk.begin_late(case, *cancel, *held),
        // The same operation again is the same operation.
        Some(
            Entry::Underway { .. }
            | Entry::Ended { .. }
            | Entry::Asked { .. }
            | Entry::Loaded { .. }
            | Entry::Queuing { .. },
        ) => {}
    }
    Ok(desk.close())
}

/// A callback makes us look; what it says is read from the partner itself. So it need not be trusted to be the first, the last or
/// the only one, and one that comes again does no harm.
fn partner_called<'a>(
    dispatch: &'a Dispatch,
    view: &'a View<'a, Key, Entry>,
    message: &'a PartnerMessage,
    moment: &'a Moment,
) -> Decision<Key, Entry> {
    match Case::find(view, message.operation_id) {
        Some(case) if case.work.context.request_id == message.request_id => {
            let mut desk = Desk::new(dispatch, view, moment, &case.work.route);
            desk.called_back(case, message);
            desk.close()
        }
        // After its end, or about something that is not ours: nothing follows.
        Some(_) | None => Decision::nothing(),
    }
}

fn partner_answered<'a>(
    dispatch: &'a Dispatch,
    view: &'a View<'a, Key, Entry>,
    answer: &'a Answer,
    moment: &'a Moment,
) -> Decision<Key, Entry> {
    let Some(case) = Case::find(view, answer.operation_id) else { return Decision::nothing() };
    let awaited = matches!(case.operation.phase, Phase::Calling { .. }) && case.operation.attempt == answer.attempt;
    if !awaited {
        return Decision::nothing();
    }
    let mut desk = Desk::new(dispatch, view, moment, &case.work.route);
    let probing = desk.settle(Health::of(&answer.result));
    desk.answered(case, &answer.result, probing);
    desk.close()
}

fn time_came<'a>(
    dispatch: &'a Dispatch,
    view: &'a View<'a, Key, Entry>,
    key: &'a Key,
    moment: &'a Moment,
) -> Decision<Key, Entry> {
    let due = view.get(key).filter(|entry| entry.due().is_some_and(|due| due <= moment.now));
    match (key, due) {
        (Key::Route(route), Some(_)) => {
            let mut desk = Desk::new(dispatch, view, moment, route);
            desk.load.probe(moment.now);
            desk.release();
            desk.close()
        }
        (Key::Operation(id), Some(Entry::Underway { .. })) => {
            let Some(case) = Case::find(view, *id) else { return Decision::nothing() };
            let mut desk = Desk::new(dispatch, view, moment, &case.work.route);
            desk.unqueue(&case);
            if matches!(case.operation.phase, Phase::Unresolved { .. }) {
                desk.give_up_asking(case);
            } else {
                desk.go(case);
            }
            desk.close()
        }
        (Key::Operation(_), Some(Entry::Ended { .. } | Entry::Early { .. })) => {
            let mut decision = Decision::nothing();
            decision.forget(key.clone());
            decision
        }
        (Key::Operation(_) | Key::Work(_) | Key::Queue { .. }, _) | (Key::Route(_), None) => Decision::nothing(),
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
