//! A roster, claims against it, and the truth about them: read from a folder or made by the sandbox.

use std::collections::BTreeMap;
use std::path::Path;

use matching::Person;
use sandbox::roster::{Mood, Record, World};

/// A roster, claims and truth.
pub(crate) struct Set {
    pub(crate) name: String,
    pub(crate) roster: Vec<Record>,
    pub(crate) claims: Vec<Record>,
    /// For each claim, the member ids that are right; none for somebody who is absent.
    pub(crate) right: Vec<Vec<String>>,
    /// What the claims are called where they come from.
    pub(crate) names: Vec<String>,
}

/// The fields of a record, borrowed.
pub(crate) fn person(record: &Record) -> Person<'_> {
    Person {
        member_id: &record.member_id,
        subscriber_id: &record.subscriber_id,
        group: &record.group,
        given: &record.given,
        middle: &record.middle,
        family: &record.family,
        suffix: &record.suffix,
        dob: &record.dob,
        sex: &record.sex,
        street: &record.street,
        city: &record.city,
        state: &record.state,
        zip: &record.zip,
        phone: &record.phone,
        email: &record.email,
        ssn: &record.ssn4,
        mbi: "",
        also: &[],
    }
}

pub(crate) fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    reader.deserialize().map(|row| row.unwrap_or_else(|error| panic!("{}: {error}", path.display()))).collect()
}

fn record(mut row: BTreeMap<String, String>) -> Record {
    let mut take = |column: &str| row.remove(column).unwrap_or_default();
    Record {
        member_id: take("member_id"),
        subscriber_id: take("subscriber_id"),
        group: take("group"),
        given: take("given"),
        middle: take("middle"),
        family: take("family"),
        suffix: take("suffix"),
        dob: take("dob"),
        sex: take("sex"),
        street: take("street"),
        city: take("city"),
        state: take("state"),
        zip: take("zip"),
        phone: take("phone"),
        email: take("email"),
        ssn4: take("ssn4"),
    }
}

// === impl Set ===

impl Set {
    /// Reads `roster.csv`, `queries.csv` and `truth.csv` of a folder.
    pub(crate) fn read(folder: &Path) -> Self {
        let truth = rows(&folder.join("truth.csv")).into_iter().map(|row| {
            let ids =
                row["all_member_ids"].split('|').filter(|id| !id.is_empty()).map(str::to_owned).collect::<Vec<_>>();
            (row["query_id"].clone(), ids)
        });
        let truth: BTreeMap<String, Vec<String>> = truth.collect();
        let claims = rows(&folder.join("queries.csv"));
        let names: Vec<String> = claims.iter().map(|row| row["query_id"].clone()).collect();
        Self {
            name: folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            roster: rows(&folder.join("roster.csv")).into_iter().map(record).collect(),
            claims: claims.into_iter().map(record).collect(),
            right: names.iter().map(|name| truth.get(name).cloned().unwrap_or_default()).collect(),
            names,
        }
    }

    /// Makes a world in the sandbox.
    pub(crate) fn make(mood: Mood, seed: u64, members: usize, claims: usize) -> Self {
        let world = World::new(seed, mood, members, claims);
        let (claims, right) = world.claims.into_iter().map(|claim| (claim.record, claim.right)).unzip();
        let name = format!("{mood:?}-{seed} {}k", members / 1000).to_lowercase();
        let mut set = Self { name, roster: world.roster, claims, right, names: Vec::new() };
        set.names = (0..set.claims.len()).map(|number| format!("Q{number}")).collect();
        set
    }
}
