//! A toy that remembers for ever: which operations it was told of. Of the routes it keeps a count, which is not settled.

use dispatch::memory::{Breaker, Effect, Load, Operation, Step};
use dispatch::{Entry, Key};
use domain::messages::Stage;
use domain::{Decision, EventBody, Input, Message, Moment, Poison, View, Worker};

use crate::world::route;

/// The toy.
#[derive(Clone, Debug)]
pub(crate) struct Keeper;

impl Worker for Keeper {
    const STAGE: Stage = Stage::Dispatch;
    type Key = Key;
    type Entry = Entry;

    fn decide(
        &self,
        view: &View<'_, Key, Entry>,
        input: Input<'_, Key>,
        _moment: &Moment,
    ) -> Result<Decision<Key, Entry>, Poison> {
        let Input::Record(record) = input else { panic!("nothing is due or called") };
        let Message::Dispatch(work) = &record.message else { panic!("no other work") };
        let (id, mut decision) = (work.operation_id, Decision::nothing());
        let told = match view.recall(&Key::Operation(id)) {
            Some(_) => "again",
            None => "first",
        };
        if told == "first" {
            let operation = Operation { effect: Effect::None, ..Operation::new(Step::Send) };
            decision.put(Key::Operation(id), Entry::Underway { operation });
        }
        let route = Key::Route(route(id.0[0]));
        if work.context.source.as_str() == "forget" {
            decision.forget(route);
        } else {
            let load = Load { outstanding: 0, next_place: 0, breaker: Breaker::Flowing { failures: 0 }, released: 0 };
            decision.put(route, Entry::Loaded { load });
        }
        let reference = told.to_owned();
        decision.event(work.context.request_id, EventBody::Acknowledged { operation_id: id, reference });
        Ok(decision)
    }

    fn is_settled(key: &Key) -> bool {
        matches!(key, Key::Operation(_))
    }
}
