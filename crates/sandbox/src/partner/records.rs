//! Synthetic member records, shaped like FHIR resources, made again from the same dice whenever they are asked for.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::dice::Dice;

/// Which record types an exchange covers. Types that the sandbox does not make are left out; none at all
/// means every one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceSet(u16);

/// What a manifest states about a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) records: u32,
    pub(super) sha256: [u8; 32],
}

/// How records of one type are written.
struct Shape {
    resource_type: &'static str,
    member_field: &'static str,
    date_field: &'static str,
    code_field: &'static str,
    system: &'static str,
    codes: [&'static str; 4],
}

const RECORDS_MIN: u64 = 3;
const RECORDS_MAX: u64 = 16;

const LOINC: &str = "http://loinc.org";
const SNOMED: &str = "http://snomed.info/sct";

const SHAPES: [Shape; 9] = [
    shape("Coverage", "beneficiary", "recorded", "type", SNOMED, ["70862002", "133877004", "408494005", "224093009"]),
    shape("Condition", "subject", "recordedDate", "code", SNOMED, ["44054006", "38341003", "195967001", "73211009"]),
    shape("Observation", "subject", "effectiveDateTime", "code", LOINC, ["4548-4", "8480-6", "2093-3", "39156-5"]),
    shape("DiagnosticReport", "subject", "issued", "code", LOINC, ["58410-2", "24323-8", "57698-3", "24356-8"]),
    shape("Encounter", "subject", "recorded", "type", SNOMED, ["185345009", "50849002", "185347001", "270427003"]),
    shape(
        "Procedure",
        "subject",
        "performedDateTime",
        "code",
        SNOMED,
        ["73761001", "80146002", "265764009", "34068001"],
    ),
    shape(
        "Immunization",
        "patient",
        "occurrenceDateTime",
        "vaccineCode",
        SNOMED,
        ["86198006", "871875004", "836374004", "836398006"],
    ),
    shape(
        "MedicationRequest",
        "subject",
        "authoredOn",
        "reasonCode",
        SNOMED,
        ["59621000", "44054006", "13645005", "55822004"],
    ),
    shape(
        "ExplanationOfBenefit",
        "patient",
        "created",
        "type",
        SNOMED,
        ["185349003", "32485007", "25656009", "86181006"],
    ),
];

const fn shape(
    resource_type: &'static str,
    member_field: &'static str,
    date_field: &'static str,
    code_field: &'static str,
    system: &'static str,
    codes: [&'static str; 4],
) -> Shape {
    Shape { resource_type, member_field, date_field, code_field, system, codes }
}

// === impl ResourceSet ===

impl ResourceSet {
    /// Every type the sandbox makes.
    pub const ALL: Self = Self((1 << SHAPES.len()) - 1);

    /// The types of these names.
    pub fn named<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let places = names.filter_map(|name| SHAPES.iter().position(|shape| shape.resource_type == name));
        match places.fold(0, |set, place| set | 1 << place) {
            0 => Self::ALL,
            set => Self(set),
        }
    }

    fn shapes(self) -> Vec<&'static Shape> {
        SHAPES.iter().enumerate().filter(|(place, _)| self.0 & (1 << place) != 0).map(|(_, shape)| shape).collect()
    }
}

/// The data of an exchange as newline-delimited JSON: the member first, then what happened to them.
pub(super) fn ndjson(dice: Dice, resources: ResourceSet) -> String {
    let shapes = resources.shapes();
    let count = RECORDS_MIN + dice.draw(0).below(RECORDS_MAX - RECORDS_MIN + 1);
    let member = dice.draw(1).value();
    let mut body = String::with_capacity(256 * count as usize);
    line(&mut body, format_args!(r#"{{"resourceType":"Patient","id":"{member:016x}","active":true}}"#));
    for number in 1..count {
        let dice = dice.at(number);
        let shape = shapes[dice.draw(0).below(shapes.len() as u64) as usize];
        let Shape { resource_type, member_field, date_field, code_field, system, codes } = shape;
        let id = dice.draw(1).value();
        let code = codes[dice.draw(2).below(codes.len() as u64) as usize];
        let (year, month, day) = (2021 + dice.draw(3).below(5), 1 + dice.draw(4).below(12), 1 + dice.draw(5).below(28));
        line(
            &mut body,
            format_args!(
                r#"{{"resourceType":"{resource_type}","id":"{id:016x}","{member_field}":{{"reference":"Patient/{member:016x}"}},"{date_field}":"{year}-{month:02}-{day:02}","{code_field}":{{"coding":[{{"system":"{system}","code":"{code}"}}]}}}}"#
            ),
        );
    }
    body
}

fn line(body: &mut String, record: std::fmt::Arguments<'_>) {
    writeln!(body, "{record}").expect("writing to a string does not fail");
}

// === impl Extent ===

impl Extent {
    /// Counts and digests a body.
    pub(super) fn of(body: &str) -> Self {
        let records = body.bytes().filter(|byte| *byte == b'\n').count();
        Self {
            records: u32::try_from(records).expect("an exchange has few records"),
            sha256: Sha256::digest(body).into(),
        }
    }

    /// The same with a mistake in the count or in the digest.
    pub(super) fn mistaken(mut self, dice: Dice) -> Self {
        if dice.draw(0).hits(500) {
            self.records += 1;
        } else {
            self.sha256[0] ^= 1;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn records_are_json_of_the_types_asked_for_and_the_same_each_time() {
        let asked = ResourceSet::named(["Observation", "Nonsense"].into_iter());
        for seed in 0..200 {
            let body = ndjson(Dice::new(seed), asked);
            assert_eq!(body, ndjson(Dice::new(seed), asked));
            let records: Vec<Value> = body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert_eq!(records.len(), Extent::of(&body).records as usize);
            assert_eq!(records[0]["resourceType"], "Patient");
            assert!(records[1..].iter().all(|record| record["resourceType"] == "Observation"));
        }
    }

    #[test]
    fn asking_for_nothing_known_brings_every_type() {
        assert_eq!(ResourceSet::named(std::iter::empty()), ResourceSet::ALL);
    }
}
