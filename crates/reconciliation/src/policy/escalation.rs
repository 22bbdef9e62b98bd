//! Who owns an exception, and which runbook entry says what to do.

use std::collections::BTreeMap;

use domain::lifecycle::PolicyRef;
use domain::{Code, EventBody};
use toml::Value;

use super::PolicyError;
use super::reading::Reading;

/// The policy of `deploy/policy/escalation.toml`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Escalation {
    /// Its version and digest.
    pub reference: PolicyRef,
    /// The ladder of every exception that has none of its own.
    pub standard: Ladder,
    /// The ladders of particular codes.
    pub by_code: BTreeMap<Code, Ladder>,
}

/// The owners of an exception, one after the other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ladder {
    /// The first owns it at once; the next each time the exception clock runs out.
    pub tiers: Vec<String>,
    /// The runbook entry; none is the one named like the code.
    pub runbook: Option<String>,
}

impl Escalation {
    /// The name it is activated under.
    pub const NAME: &str = "escalation";

    /// Reads the text.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let mut reading = Reading::begin(Self::NAME, text)?;
        let reference = reading.reference(text);
        let standard = ladder(&mut reading);
        let mut by_code = BTreeMap::new();
        match reading.take("codes") {
            None => {}
            Some(Value::Table(codes)) => reading.within("codes", codes.clone(), |reading| {
                for name in codes.keys() {
                    if let Some((code, ladder)) = ladder_of(reading, name) {
                        by_code.insert(code, ladder);
                    }
                }
            }),
            Some(_) => reading.mistake("codes", "must be a table for each code"),
        }
        reading.end(Self { reference, standard, by_code })
    }

    /// The owner of an exception of this code at this tier, from 0; none beyond the last.
    pub fn owner(&self, code: Code, tier: u32) -> Option<&str> {
        let tier = usize::try_from(tier).unwrap_or(usize::MAX);
        self.ladder(code).tiers.get(tier).map(String::as_str)
    }

    /// The runbook entry of an exception of this code.
    pub fn runbook(&self, code: Code) -> &str {
        self.ladder(code).runbook.as_deref().unwrap_or(code.as_str())
    }

    /// The fact that an exception of this code has its first owner.
    pub fn raised(&self, code: Code) -> EventBody {
        let owner = self.owner(code, 0).unwrap_or_default().to_owned();
        EventBody::ExceptionRaised { code, owner, runbook: self.runbook(code).to_owned() }
    }

    fn ladder(&self, code: Code) -> &Ladder {
        self.by_code.get(&code).unwrap_or(&self.standard)
    }
}

fn ladder_of(reading: &mut Reading, name: &str) -> Option<(Code, Ladder)> {
    let Some(Value::Table(table)) = reading.take(name) else {
        reading.mistake(name, "must be a table");
        return None;
    };
    let ladder = reading.within(name, table, ladder);
    let code = Code::of(name);
    if code == Code::Unknown {
        reading.mistake(name, "is no reason code");
        return None;
    }
    Some((code, ladder))
}

fn ladder(reading: &mut Reading) -> Ladder {
    let tiers = reading.names("tiers").unwrap_or_default();
    if tiers.is_empty() || tiers.iter().any(|owner| owner.trim().is_empty()) {
        reading.mistake("tiers", "must be a list of at least one name");
    }
    let runbook = reading.take("runbook");
    if runbook.as_ref().is_some_and(|runbook| !runbook.is_str()) {
        reading.mistake("runbook", "must be the name of a runbook entry");
    }
    Ladder { tiers, runbook: runbook.as_ref().and_then(Value::as_str).map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_climbs_its_own_ladder_or_the_common_one() {
        let text = "version = 3\ntiers = ['operations', 'compliance']\n\
                    [codes.count-mismatch]\ntiers = ['data-quality']\nrunbook = 'verification'";
        let policy = Escalation::parse(text).expect("a policy");
        assert_eq!(policy.owner(Code::StageOverdue, 1), Some("compliance"));
        assert_eq!(policy.owner(Code::StageOverdue, 2), None);
        assert_eq!(policy.runbook(Code::StageOverdue), "stage-overdue");
        assert_eq!(policy.owner(Code::CountMismatch, 0), Some("data-quality"));
        assert_eq!(policy.owner(Code::CountMismatch, 1), None);
        assert_eq!(policy.runbook(Code::CountMismatch), "verification");
    }

    #[test]
    fn every_mistake_is_named_with_its_place() {
        let text =
            "tiers = []\nrunbook = 3\nowner = 'jo'\n[codes]\nhold-overdue = 1\n[codes.lunch-overdue]\ntiers = ['cook']";
        let error = Escalation::parse(text).expect_err("mistakes");
        let places: Vec<_> = error.0.iter().map(|mistake| mistake.at.as_str()).collect();
        let wanted = ["version", "tiers", "runbook", "codes.hold-overdue", "codes.lunch-overdue", "owner"];
        assert_eq!(places, wanted.map(|place| format!("escalation.{place}")));
    }
}
