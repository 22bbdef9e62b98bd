//! What a registry lets versions change, once it was told what to hold them to.

use contracts::Compatibility;
use serde_json::Value;

use crate::changes::{CHANGES, old};
use crate::server::Server;

#[test]
fn a_registry_judges_changes_as_we_do() {
    let server = Server::fresh();
    for (compatibility, column) in [(Compatibility::FullTransitive, 0), (Compatibility::BackwardTransitive, 1)] {
        let name = format!("waybill.test.{compatibility}");
        server.holds(&name, compatibility.as_str());
        server.registers(&name, &old()).expect("the first version");
        for (what, change, events, work) in CHANGES {
            let mut new: Value = old();
            change(&mut new);
            assert_eq!(server.would_take(&name, &new), [events, work][column], "{compatibility}: {what}");
        }
    }
}
