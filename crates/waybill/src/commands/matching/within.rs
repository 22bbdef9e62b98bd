//! `waybill match --within`: the rows of one file that speak of the same person.

use std::collections::BTreeMap;
use std::path::Path;

use matching::{Matcher, Outcome, Policy, Roster};

use super::progress::Progress;
use super::sheet::Sheet;
use crate::exit::Failure;
use crate::show;

/// Holds every row of a roster against all others, and writes the pairs. Each pair is looked at from both of its rows; it is as likely
/// as the one says that thinks it likelier, which may know more.
pub(super) fn run(
    policy: &Policy,
    roster: &Roster,
    members: &Sheet,
    (out, threads): (&Path, usize),
    progress: &Progress,
    json: bool,
) -> Result<(), Failure> {
    progress.count("rows held against the others", members.len());
    let found = super::in_threads(members.len(), threads, progress, |rows, found| {
        let mut matcher = Matcher::new(policy, roster);
        for row in rows.flatten() {
            let key = members.key(row);
            found.extend(matcher.duplicates(key, &members.person(row)).into_iter().map(|duplicate| (key, duplicate)));
        }
    })?;
    let mut pairs: BTreeMap<(&str, &str), (u32, Outcome)> = BTreeMap::new();
    for (key, duplicate) in &found {
        let pair = (duplicate.member.min(key), duplicate.member.max(key));
        let likelier = pairs.entry(pair).or_insert((duplicate.probability, duplicate.outcome));
        if likelier.0 < duplicate.probability {
            *likelier = (duplicate.probability, duplicate.outcome);
        }
    }
    progress.next("writing the answers");
    super::write_rows(
        out,
        pairs.iter().map(|((one, other), (probability, outcome))| (*one, *other, *probability, *outcome)),
    )?;
    progress.end();
    let count = |outcome| pairs.values().filter(|(_, found)| *found == outcome).count();
    let answer = serde_json::json!({
        "rows": members.len(),
        "match": count(Outcome::Match),
        "review": count(Outcome::Review),
    });
    show::print(&answer, json)
}
