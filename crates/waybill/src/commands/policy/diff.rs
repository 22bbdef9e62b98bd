//! In what two matching policies differ, and what each difference weighs.

use std::path::Path;

use matching::Policy;
use matching::fixed::{BILLION, ratio};
use matching::levels::Field;
use matching::policy::{Chances, Prior};
use matching::survivorship::{Part, Rule, Survivorship};
use serde::Serialize;

use super::read;
use crate::exit::Failure;
use crate::show;

/// The differences.
#[derive(Serialize)]
struct Diff {
    before: String,
    after: String,
    differ: bool,
    thresholds: Vec<Threshold>,
    priors: Vec<Weight>,
    levels: Vec<Weight>,
    survivorship: Vec<Word>,
}

/// Whose word stands, in the policies' own words.
#[derive(Serialize)]
struct Word {
    what: String,
    before: String,
    after: String,
    meaning: &'static str,
}

/// A threshold, in parts per million.
#[derive(Serialize)]
struct Threshold {
    what: &'static str,
    before_ppm: u32,
    after_ppm: u32,
    meaning: String,
}

/// A weight in bits, each of which doubles the odds.
#[derive(Serialize)]
struct Weight {
    what: String,
    before_bits: f64,
    after_bits: f64,
    change_bits: f64,
    meaning: String,
}

/// Prints the differences.
pub(super) fn run((before, after): (&Path, &Path), json: bool) -> Result<(), Failure> {
    let answer = serde_json::to_value(of(&read(before)?.0, &read(after)?.0));
    let answer = answer.map_err(|error| Failure::Other(error.into()))?;
    show::print(&answer, json)
}

fn of(before: &Policy, after: &Policy) -> Diff {
    let named = |policy: &Policy| format!("version {}, {:016x}", policy.version, policy.digest);
    let (thresholds, priors, levels) =
        (thresholds(before, after), priors(&before.prior, &after.prior), levels(before, after));
    let survivorship = survivorship(&before.survivorship, &after.survivorship);
    let differ = !(thresholds.is_empty() && priors.is_empty() && levels.is_empty() && survivorship.is_empty());
    Diff { before: named(before), after: named(after), differ, thresholds, priors, levels, survivorship }
}

/// Where other sources' words stand, or others are dropped.
fn survivorship(before: &Survivorship, after: &Survivorship) -> Vec<Word> {
    let mut found = Vec::new();
    let mut compare = |what: String, before: String, after: String, meaning| {
        if before != after {
            found.push(Word { what, before, after, meaning });
        }
    };
    compare("sources".into(), before.sources.join(", "), after.sources.join(", "), "other sources are trusted more");
    for part in Part::ALL {
        let (old, new) = (before.rule(part), after.rule(part));
        let wins = |rule: &Rule| rule.wins.iter().map(|wins| wins.as_str()).collect::<Vec<_>>().join(", ");
        let name = |what| format!("{}.{what}", part.as_str());
        compare(name("wins"), wins(old), wins(new), "where sources differ another's word may stand");
        let meaning = match new.match_others {
            true => "claims may also agree with what does not stand",
            false => "claims agree with what stands alone",
        };
        compare(name("match_others"), old.match_others.to_string(), new.match_others.to_string(), meaning);
    }
    found
}

fn thresholds(before: &Policy, after: &Policy) -> Vec<Threshold> {
    let (old, new) = (before.decide, after.decide);
    let all = [
        (
            "matches",
            old.matches,
            new.matches,
            ["fewer requests match without a reviewer", "more requests match without a reviewer"],
        ),
        (
            "review",
            old.review,
            new.review,
            ["fewer doubtful requests reach a reviewer", "more doubtful requests reach a reviewer"],
        ),
    ];
    let differing = all.into_iter().filter(|(_, before, after, _)| before != after);
    differing
        .map(|(what, before_ppm, after_ppm, [higher, lower])| {
            let meaning = if before_ppm < after_ppm { higher } else { lower }.to_owned();
            Threshold { what, before_ppm, after_ppm, meaning }
        })
        .collect()
}

fn priors(before: &Prior, after: &Prior) -> Vec<Weight> {
    let all = |prior: &Prior| {
        [
            ("member", prior.member, "that a claim speaks of a member"),
            ("relative", prior.relative, "that it speaks of an absent relative"),
            ("twin", prior.twin, "that it speaks of an absent relative born the same day"),
            ("namesake", prior.namesake, "that it speaks of an absent namesake"),
            ("stranger", prior.stranger, "that it speaks of a stranger"),
            ("namesake_same_birth_date", prior.namesake_same_birth_date, "that a namesake is born the same day"),
            ("duplicate", prior.duplicate, "that two records are one person"),
        ]
    };
    let pairs = all(before).into_iter().zip(all(after)).filter(|((_, before, _), (_, after, _))| before != after);
    pairs
        .map(|((what, before, meaning), (_, after, _))| {
            let [before, after] = [before, after].map(|chance| ratio(chance, BILLION));
            Weight::of(what.to_owned(), (before, after), &|more| format!("{more} likely beforehand {meaning}"))
        })
        .collect()
}

/// The levels that weigh otherwise, the largest change first.
fn levels(before: &Policy, after: &Policy) -> Vec<Weight> {
    let mut found = Vec::new();
    for field in Field::ALL {
        for (level, name) in field.levels().iter().enumerate().skip(1) {
            let [before, after] = [before, after].map(|policy| weights(&policy.levels[field as usize][level]));
            for ((who, before), (_, after)) in before.into_iter().zip(after).filter(|(before, after)| before != after) {
                let what = format!("{}.{name}", field.as_str());
                let meaning = |more: &str| format!("{} {name} speaks {more} for {who}", field.as_str());
                found.push(Weight::of(what, (before, after), &meaning));
            }
        }
    }
    found.sort_by(|one, other| other.change_bits.abs().total_cmp(&one.change_bits.abs()));
    found
}

/// What a level says for each explanation against a stranger, in centibits. Where the frequency of the value takes the place of an
/// average, it stays out of this: it is the roster's, and no policy's.
fn weights(chances: &Chances) -> [(&'static str, i32); 3] {
    let random = if chances.random == 0 { BILLION } else { chances.random };
    [("the member", chances.member), ("a relative", chances.relative), ("a twin", chances.twin)]
        .map(|(who, chance)| (who, ratio(chance, random)))
}

impl Weight {
    /// A change of weight, both in centibits.
    fn of(what: String, (before, after): (i32, i32), meaning: &dyn Fn(&str) -> String) -> Self {
        let bits = |centibits: i32| f64::from(centibits) / 100.0;
        let change_bits = bits(after - before);
        let more = match change_bits {
            change if change < 0.0 => format!("{:.2} bits less", -change),
            change => format!("{change:.2} bits more"),
        };
        Self { what, before_bits: bits(before), after_bits: bits(after), change_bits, meaning: meaning(&more) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPLOYED: &str = include_str!("../../../../../deploy/policy/matching.toml");

    #[test]
    fn differences_are_told_with_what_they_weigh() {
        let before = Policy::parse(DEPLOYED).expect("the deployed policy");
        let same = of(&before, &before);
        assert!(!same.differ && same.thresholds.is_empty() && same.priors.is_empty() && same.levels.is_empty());
        let mut after = before.clone();
        after.decide.matches = 990_000;
        after.prior.duplicate *= 4;
        let phone = &mut after.levels[Field::Phone as usize][1];
        phone.member /= 2;
        let Diff { differ, thresholds, priors, levels, .. } = of(&before, &after);
        assert!(differ);
        assert_eq!((thresholds.len(), thresholds[0].after_ppm), (1, 990_000));
        assert_eq!((priors.len(), priors[0].change_bits), (1, 2.0), "four times as likely is two bits");
        assert_eq!((levels.len(), &*levels[0].what, levels[0].change_bits), (1, "phone.same", -1.0));
        assert_eq!(levels[0].meaning, "phone same speaks 1.00 bits less for the member");
    }

    #[test]
    fn whose_word_stands_is_told_part_by_part() {
        let before = Policy::parse(DEPLOYED).expect("the deployed policy");
        let mut after = before.clone();
        after.survivorship.sources.swap(0, 1);
        after.survivorship.rules[Part::Name as usize].match_others = false;
        let Diff { differ, survivorship, .. } = of(&before, &after);
        assert!(differ);
        let told: Vec<_> = survivorship.iter().map(|word| (word.what.as_str(), word.after.as_str())).collect();
        assert_eq!(told, [("sources", "claims, enrolment, portal"), ("name.match_others", "false")]);
    }
}
