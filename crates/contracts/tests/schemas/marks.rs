//! The marks of protected health information stand where they must, and nowhere else.

use std::collections::BTreeSet;

use contracts::phi::Holds;
use contracts::{Catalogue, PhiClass, Subject, schema};

fn paths(subject: Subject) -> BTreeSet<String> {
    Catalogue::bundled().phi_fields(subject).into_iter().map(|field| field.path).collect()
}

/// The parts of a submission that identify somebody, beneath their records.
const SECRET: [(&str, &[&str]); 7] = [
    ("member.name", &["family", "given[]", "prefix", "suffix"]),
    ("member.other_names[]", &["family", "given[]", "prefix", "suffix"]),
    ("member", &["birth_date", "sex", "phones[]", "emails[]", "identifiers[].value"]),
    ("member.addresses[]", &["lines[]", "city", "state", "postal_code", "country"]),
    ("consent", &["reference", "performer"]),
    ("attestation", &["attester", "statement"]),
    ("payload", &["body"]),
];
const COVERAGE: &[&str] = &["member_id", "subscriber_id", "group", "plan", "start", "end", "relationship"];

fn beneath<'a>(record: &'a str, fields: &'a [&'a str]) -> impl Iterator<Item = String> + use<'a> {
    fields.iter().map(move |field| format!("{record}.{field}"))
}

#[test]
fn everything_that_identifies_somebody_is_marked() {
    let dossier: BTreeSet<_> = SECRET
        .into_iter()
        .chain([("coverage_to_match", COVERAGE), ("coverage_to_link", COVERAGE)])
        .flat_map(|(record, fields)| beneath(record, fields))
        .collect();
    assert_eq!(paths(Subject::Dossier), dossier);
    assert_eq!(paths(Subject::IntakeRequest), dossier, "a submission is as secret as the dossier made of it");
    let member = SECRET.into_iter().take(4).chain([("coverages[]", COVERAGE)]);
    let member: Vec<_> = member.flat_map(|(record, fields)| beneath(record, fields)).collect();
    let of_others: Vec<_> = member.iter().map(|field| format!("others[].{field}")).collect();
    let member: BTreeSet<_> = member.into_iter().chain(of_others).collect();
    assert_eq!(paths(Subject::RosterMember), member);
}

#[test]
fn nothing_else_holds_any() {
    for subject in Subject::ALL {
        let secret = matches!(subject, Subject::IntakeRequest | Subject::Dossier | Subject::RosterMember);
        assert_eq!(!paths(subject).is_empty(), secret, "{subject}");
    }
}

/// Sealed content is named, so that a reader knows which schema lies beneath.
#[test]
fn every_sealed_field_says_what_it_seals() {
    let catalogue = Catalogue::bundled();
    for subject in Subject::ALL {
        let fields = schema::fields(catalogue.schema(subject));
        for hidden in fields.iter().filter(|field| field.path.ends_with(".ciphertext")) {
            let holder = hidden.path.trim_end_matches(".ciphertext");
            let holder = fields.iter().find(|field| field.path == holder).expect("a field holds it");
            let sealed = holder.text("sealed").unwrap_or_default();
            assert!(["dossier", "roster-member", "record"].contains(&sealed), "{subject}: {}", holder.path);
        }
    }
}

#[test]
fn a_mark_tells_class_and_content() {
    let fields = Catalogue::bundled().phi_fields(Subject::IntakeRequest);
    let find = |path: &str| {
        let field = fields.iter().find(|field| field.path == path).expect("a marked field");
        (field.class, field.holds)
    };
    assert_eq!(find("member.name.given[]"), (PhiClass::Direct, Holds::Text));
    assert_eq!(find("member.sex"), (PhiClass::Quasi, Holds::Symbol));
    assert_eq!(find("payload.body"), (PhiClass::Direct, Holds::Bytes));
}
