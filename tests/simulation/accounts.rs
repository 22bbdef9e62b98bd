//! Reading the log of a simulated world into its accounts.

use contracts::Topic;
use contracts::headers::event_type;
use domain::Message;
use sandbox::accounts::Accounts;
use tests::reading::read;
use tests::{SOURCE, World};

/// The accounts as of now.
pub(crate) fn draw_up(world: &World) -> Accounts {
    let mut accounts = Accounts::default();
    for topic in [Topic::Events, Topic::Outcomes(SOURCE.into())] {
        for record in read(world, &topic) {
            let value = record.value.expect("a value");
            match world.codec.decode(&topic, &value).expect("a readable record").1 {
                Message::Event(event) => accounts.event(&event, event_type(&event.body), &value),
                Message::Outcome(outcome) => accounts.outcome(&outcome),
                other => panic!("{other:?} does not belong on {topic:?}"),
            }
        }
    }
    for (operation, effects) in world.partners.effects() {
        accounts.effect(operation, effects);
    }
    accounts
}
