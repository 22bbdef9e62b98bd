//! Canaries: a distinctive value for each marked field of each story, planted by the paths the schemas give.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use contracts::json::{from_json, to_json_value};
use contracts::phi::Holds;
use contracts::{Catalogue, PhiField, Subject};
use domain::messages::IntakeRequest;
use domain::person::{Payload, RosterMember, SourceRecord};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// One value that must not turn up.
#[derive(Clone, Debug)]
pub struct Canary {
    /// Whose it is and where it was planted, for whoever has to find the leak.
    pub name: String,
    /// The value.
    pub value: String,
}

/// The canaries of a story and its field. Symbols are too few to be told apart.
pub fn canary(story: &str, field: &PhiField) -> Option<Canary> {
    let value = match field.holds {
        Holds::Symbol => return None,
        Holds::Text | Holds::Bytes => value(story, &field.path),
    };
    Some(Canary { name: format!("{} of {story}", field.path), value })
}

/// The marked fields of a subject.
pub fn marked(subject: Subject) -> Vec<PhiField> {
    Catalogue::bundled().phi_fields(subject)
}

/// A request whose every marked field holds its canary.
pub fn request(story: &str, good: &IntakeRequest) -> (IntakeRequest, Vec<Canary>) {
    let mut good = good.clone();
    good.payload = Some(Payload { format: "text/plain".to_owned(), body: Vec::new().into() });
    let planted = plant_all(story, Subject::IntakeRequest, to_json_value(&good).expect("JSON"));
    let canaries = marked(Subject::IntakeRequest).iter().filter_map(|field| canary(story, field)).collect();
    (from_json(planted).expect("a request"), canaries)
}

/// The same person as the request of that story tells of, as our roster knows them.
pub fn member(story: &str, enrolled: &RosterMember) -> RosterMember {
    let mut enrolled = enrolled.clone();
    let (member, coverages) = (enrolled.member.clone(), enrolled.coverages.clone());
    enrolled.others = vec![SourceRecord { source: "portal".to_owned(), member, coverages, ..SourceRecord::default() }];
    from_json(plant_all(story, Subject::RosterMember, to_json_value(&enrolled).expect("JSON"))).expect("a member")
}

/// Somebody who is like that person in all but the number under which they are covered by the same contract.
pub fn twin(story: &str, enrolled: &RosterMember) -> RosterMember {
    let mut twin = member(story, enrolled);
    for coverage in &mut twin.coverages {
        coverage.member_id = coverage.member_id.as_ref().map(|number| format!("Twin{number}"));
    }
    twin
}

/// Leaves out of a request which of the twins it is about.
pub fn of_either_twin(mut request: IntakeRequest) -> IntakeRequest {
    if let Some(coverage) = &mut request.coverage_to_link {
        coverage.member_id = None;
    }
    request
}

fn plant_all(story: &str, subject: Subject, mut json: Value) -> Value {
    for field in marked(subject) {
        let Some(canary) = canary(story, &field) else { continue };
        let leaf = match field.holds {
            Holds::Bytes => STANDARD.encode(canary.value),
            Holds::Text | Holds::Symbol => canary.value,
        };
        plant(&mut json, &field.path, leaf.into());
    }
    json
}

/// Puts a leaf at a path such as `member.addresses[].city`, making what is missing on the way.
fn plant(at: &mut Value, path: &str, leaf: Value) {
    let (step, rest) = path.split_once('.').unwrap_or((path, ""));
    let name = step.trim_end_matches("[]");
    if !at.is_object() {
        *at = json!({});
    }
    let mut next = &mut at[name];
    if name != step {
        if next.as_array().is_none_or(Vec::is_empty) {
            *next = json!([null]);
        }
        next = &mut next[0];
    }
    if rest.is_empty() { *next = leaf } else { plant(next, rest, leaf) }
}

/// A value that occurs nowhere else, of the kind its field takes. Our coverage and the roster's name one person alike, and so do all
/// sources.
fn value(story: &str, path: &str) -> String {
    let path = path.trim_start_matches("others[].").replace("coverages[]", "coverage_to_link");
    let digest: [u8; 32] = Sha256::digest(format!("{story}/{path}")).into();
    let [month, day, year] = [digest[0] % 12 + 1, digest[1] % 28 + 1, digest[2] % 50];
    match path.rsplit('.').next().unwrap_or_default() {
        "birth_date" => format!("19{:02}-{month:02}-{day:02}", 20 + year),
        "start" => format!("17{:02}-{month:02}-{day:02}", 20 + year),
        "end" => format!("18{:02}-{month:02}-{day:02}", 20 + year),
        "emails[]" => format!("Canary{}@canary.example", hex::encode(&digest[..10])),
        "phones[]" => digest.iter().take(14).map(|byte| char::from(b'0' + byte % 10)).collect(),
        _ => format!("Canary{}", hex::encode(&digest[..10])),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sandbox::upstream::population;

    use super::*;
    use crate::leak::good_at_start;

    /// What lies at a path, in the first item of every list.
    fn look<'v>(at: &'v Value, path: &str) -> Option<&'v Value> {
        path.split('.').try_fold(at, |at, step| {
            let name = step.trim_end_matches("[]");
            let next = at.get(name)?;
            if name == step { Some(next) } else { next.get(0) }
        })
    }

    fn holds_its_canaries(story: &str, subject: Subject, json: &Value) {
        for field in marked(subject) {
            let found = look(json, &field.path).unwrap_or_else(|| panic!("nothing at {}", field.path));
            match canary(story, &field) {
                None => assert!(field.path.ends_with("member.sex"), "only sex is a symbol"),
                Some(canary) if field.holds == Holds::Bytes => assert_eq!(*found, STANDARD.encode(canary.value)),
                Some(canary) => assert_eq!(*found, canary.value, "{}", field.path),
            }
        }
    }

    #[test]
    fn every_marked_field_holds_its_canary() {
        let (request, canaries) = request("test", &good_at_start(1, 1)[0]);
        holds_its_canaries("test", Subject::IntakeRequest, &to_json_value(&request).expect("JSON"));
        assert_eq!(canaries.len() + 1, marked(Subject::IntakeRequest).len());
        let enrolled = population(1, "home", 1).remove(0).member;
        holds_its_canaries("test", Subject::RosterMember, &to_json_value(&member("test", &enrolled)).expect("JSON"));
    }

    #[test]
    fn canaries_differ_and_are_long_enough_to_be_no_accident() {
        let fields = marked(Subject::IntakeRequest);
        let stories = (0..40).map(|number| format!("story {number}"));
        let canaries =
            stories.flat_map(|story| fields.iter().filter_map(|field| canary(&story, field)).collect::<Vec<_>>());
        let values: Vec<String> = canaries.map(|canary| canary.value).collect();
        assert!(values.iter().all(|value| 10 <= value.len()));
        let texts: BTreeSet<&String> = values.iter().filter(|value| value.starts_with("Canary")).collect();
        assert!(values.len() * 3 / 4 < texts.len(), "{} of {}", texts.len(), values.len());
    }
}
