//! Protected health information stays where it belongs, in the real process: canaries in every marked field of requests and roster
//! meet the fates that can be met from outside, and then everything the deployment has written, logged and answered is searched.
//!
//! What lies in the log's own files holds the intake topics in plain, by design; so topics are searched record by record, all but
//! those of intake.

mod asking;
mod fates;

use std::collections::BTreeSet;
use std::path::Path;

use contracts::Topic;
use domain::Lane;
use tests::SOURCE;
use tests::leak::places::{files, on_topic};
use tests::leak::{Canary, Searcher};

use crate::deployment::{Deployment, OpenLog};

/// What is no secret and shows in many places, so that the search is known to look at what it should.
fn shown() -> [Canary; 2] {
    [fates::CORRELATION, SOURCE].map(|value| Canary { name: "no secret".to_owned(), value: value.to_owned() })
}

/// What was searched, and what was found there.
struct Search {
    secret: Searcher,
    shown: Searcher,
    hits: BTreeSet<String>,
    places_shown: BTreeSet<String>,
    bytes: usize,
}

impl Search {
    fn look(&mut self, place: &str, bytes: &[u8]) {
        self.bytes += bytes.len();
        self.hits.extend(self.secret.search(bytes).into_iter().map(|hit| format!("{place}: {hit}")));
        if !self.shown.search(bytes).is_empty() {
            self.places_shown.insert(place.to_owned());
        }
    }

    /// Every file of the data directory but those of the log.
    fn data_directory(&mut self, deployment: &Deployment) {
        let log = deployment.path("log").display().to_string();
        files(&deployment.path(""), &mut |place, bytes| {
            if !place.starts_with(&log) {
                let place = Path::new(place).file_name().map_or(place.to_owned(), |name| name.display().to_string());
                self.look(&place, bytes);
            }
        });
    }
}

fn is_intake(log: &OpenLog, name: &str) -> bool {
    Lane::ALL.iter().any(|lane| *log.topics.name(&Topic::Intake(*lane)) == *name)
}

#[test]
fn no_canary_is_found_in_anything_a_process_writes_logs_or_answers() {
    let (deployment, process, canaries) = fates::run();
    let searcher = Searcher::of(&canaries);
    let mut search = Search {
        secret: Searcher::of(&canaries),
        shown: Searcher::of(&shown()),
        hits: BTreeSet::new(),
        places_shown: BTreeSet::new(),
        bytes: 0,
    };
    asking::everything(&deployment, &canaries, &mut |place, bytes| search.look(place, bytes));
    // Once while it runs, with what SQLite has not put in its place yet, and once after its end.
    search.data_directory(&deployment);
    assert_eq!(process.stop(), Some(0));
    search.data_directory(&deployment);
    let logged = deployment.logged();
    assert!(logged.contains("\"level\":\"TRACE\"") && logged.contains("the admin endpoint is open"));
    search.look("the log lines", logged.as_bytes());

    let log = deployment.log();
    let mut known = BTreeSet::new();
    for name in log.names() {
        for record in log.read(&name) {
            if is_intake(&log, &name) {
                known.extend(searcher.search(record.value.as_deref().unwrap_or_default()));
            } else {
                on_topic(&record, &mut |place, bytes| search.look(place, bytes));
            }
        }
    }
    // Where canaries may be, the same search finds every one of them.
    let whole = canaries.iter().filter(|canary| canary.name.contains(" of good "));
    let missed: Vec<_> = whole.filter(|canary| !known.iter().any(|hit| hit.is(canary))).map(|one| &one.name).collect();
    assert!(missed.is_empty(), "the search does not find what was sent: {missed:#?}");

    let hits: Vec<_> = search.hits.iter().take(20).collect();
    assert!(hits.is_empty(), "{} leaks, such as {hits:#?}", search.hits.len());
    assert!(1_000_000 < search.bytes, "only {} bytes were searched", search.bytes);
    for place in ["the answer to [\"--json\", \"outcomes\"", "waybill.outcomes.enrolment", "projections.sqlite"] {
        let is_seen = search.places_shown.iter().any(|seen| seen.contains(place));
        assert!(is_seen, "what shows everywhere was not seen in {place}, but in {:?}", search.places_shown);
    }
}
