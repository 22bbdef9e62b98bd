//! Reading the log of a simulated world into its accounts.

use contracts::Topic;
use contracts::headers::event_type;
use domain::Message;
use sandbox::accounts::Accounts;
use tests::reading::{outcomes, read};
use tests::{SOURCE, World};

/// The accounts as of now.
pub(crate) fn draw_up(world: &World) -> Accounts {
    let mut accounts = Accounts::default();
    for record in read(world, &Topic::Events) {
        let value = record.value.expect("a value");
        let message = world.codec.decode(&Topic::Events, &value).expect("a readable record").1;
        let Message::Event(event) = message else { panic!("{message:?} is no fact") };
        accounts.event(&event, event_type(&event.body), &value);
    }
    outcomes(world, SOURCE).iter().for_each(|outcome| accounts.outcome(outcome));
    for (operation, effects) in world.partners.effects() {
        accounts.effect(operation, effects);
    }
    accounts
}
