//! What changed on the roster is nobody's business: it stands on no topic but sealed.

use contracts::Topic;
use tests::World;
use tests::leak::Searcher;
use tests::leak::places::on_topic;
use tests::reading::read;

use crate::enrolment::canaries;

/// Where something of it is found.
pub(crate) fn leaks(world: &World) -> Vec<String> {
    let searcher = Searcher::of(&canaries());
    let mut found = Vec::new();
    for topic in world.all_topics().iter().filter(|topic| !matches!(topic, Topic::Intake(_))) {
        for record in read(world, topic) {
            on_topic(&record, &mut |place, bytes| {
                found.extend(searcher.search(bytes).into_iter().map(|hit| format!("{place}: {hit}")));
            });
        }
    }
    found
}
