use domain::State;
use domain::messages::CommandAction;

use super::judge;

const ACTIONS: [CommandAction; 7] = [
    CommandAction::Cancel,
    CommandAction::Hold,
    CommandAction::Release,
    CommandAction::DecideReview,
    CommandAction::ResolveUnknown,
    CommandAction::ReplayLetter,
    CommandAction::DiscardLetter,
];

/// The whole table, as people read it.
#[test]
fn every_command_has_an_outcome_in_every_state() {
    let mut table = String::from("| state |");
    ACTIONS.iter().for_each(|action| table += &format!(" {} |", action.as_str()));
    table += &format!("\n|{}", "---|".repeat(ACTIONS.len() + 1));
    for state in State::ALL {
        table += &format!("\n| {} |", state.as_str());
        ACTIONS.iter().for_each(|action| table += &format!(" {} |", judge(state, *action)));
    }
    insta::assert_snapshot!(table);
}
