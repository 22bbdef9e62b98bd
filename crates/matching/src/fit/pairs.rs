//! What a roster shows by itself: how strangers agree, and how relatives do.

use super::Tally;
use crate::Person;
use crate::claim::Side;
use crate::compare::{Comparison, compare};
use crate::levels::{DateLevel, FIELDS, Field, LEVELS_MAX};
use crate::normal::{Normal, mix};
use crate::policy::Policy;
use crate::roster::Roster;
use crate::roster::keys::{self, Kind};
use crate::weights::{Rarity, Weights};

/// How many random pairs are compared, at most.
const RANDOM_PAIRS: u64 = 2_000_000;
/// Of at most so many claims.
const RANDOM_CLAIMS: usize = 20_000;
/// From so many claims on, against so many records, random pairs are of both: fewer would be too alike, or hit whom they claim.
const CLAIMS_LEAST: usize = 1_000;
const RECORDS_LEAST: u64 = 20_000;
/// How many pairs of relatives are compared, at most.
const RELATIVE_PAIRS: u64 = 500_000;
/// Of a contract or address, pairs are taken with the next few records only: a nursing home is no family.
const FAMILY_MAX: usize = 12;

fn count(tally: &mut Tally, found: &Comparison) {
    for (levels, level) in tally.iter_mut().zip(found.levels.0) {
        levels[usize::from(level)] += 1;
    }
}

/// Claims held against records that are drawn by a fixed rule from all over the roster: who is claimed is nearly never drawn, and
/// claims show much that no roster does, as initials. Without claims enough, pairs of records.
pub(super) fn random(roster: &Roster, claims: &[Person<'_>]) -> (Tally, u64) {
    let records = roster.records.len() as u64;
    if claims.len() < CLAIMS_LEAST || records < RECORDS_LEAST {
        return random_records(roster);
    }
    let mut tally = [[0; LEVELS_MAX]; FIELDS];
    let draws = RANDOM_PAIRS / claims.len().min(RANDOM_CLAIMS) as u64;
    let mut compared = 0;
    for (number, person) in (0u64..).zip(claims.iter().take(RANDOM_CLAIMS)) {
        let side = Side::of(&Normal::of(person), &roster.lexicons);
        for draw in 0..draws {
            let record = &roster.records[(mix(mix(number) ^ draw) % records) as usize];
            count(&mut tally, &compare(&side, record, &roster.lexicons));
            compared += 1;
        }
    }
    (tally, compared)
}

fn random_records(roster: &Roster) -> (Tally, u64) {
    let mut tally = [[0; LEVELS_MAX]; FIELDS];
    let records = roster.records.len() as u64;
    let pairs = if records < 2 { 0 } else { RANDOM_PAIRS.min(records * 40) };
    let mut compared = 0;
    for pair in 0..pairs {
        let (one, other) = (mix(pair) % records, mix(mix(pair) ^ pair) % records);
        let (one, other) = (&roster.records[one as usize], &roster.records[other as usize]);
        if one == other || keys::contract(one) != 0 && keys::contract(one) == keys::contract(other) {
            continue;
        }
        count(&mut tally, &compare(&Side::of_record(one, &roster.lexicons), other, &roster.lexicons));
        compared += 1;
    }
    (tally, compared)
}

/// Pairs of one contract, or where the roster has none, of one address, those born on one day apart from the others; without those that are one person enrolled twice.
pub(super) fn relatives(roster: &Roster, policy: &Policy) -> (Tally, Tally, u64) {
    let mut tallies = [[[0; LEVELS_MAX]; FIELDS]; 2];
    let weights = Weights::of(policy);
    let rarity = Rarity::plain(roster);
    let has_contracts = roster.records.iter().take(1000).any(|record| keys::contract(record) != 0);
    let kind = if has_contracts { Kind::Contract } else { Kind::Address };
    let mut compared = 0;
    let step = (roster.records.len() as u64 / RELATIVE_PAIRS).max(1);
    for number in (0..roster.records.len() as u32).step_by(step as usize) {
        let record = &roster.records[number as usize];
        let key = keys::of_kind(kind, record, &roster.lexicons);
        if key == 0 {
            continue;
        }
        let side = Side::of_record(record, &roster.lexicons);
        for mate in roster
            .block(key)
            .take(FAMILY_MAX)
            .filter(|mate| *mate != number && roster.head(*mate) != roster.head(number))
        {
            let mate = &roster.records[mate as usize];
            if keys::of_kind(kind, mate, &roster.lexicons) != key {
                continue;
            }
            let found = compare(&side, mate, &roster.lexicons);
            if !weights.are_one(&found, &rarity) {
                let is_twin = found.levels.of(Field::BirthDate) == DateLevel::Exact as u8;
                count(&mut tallies[usize::from(is_twin)], &found);
                compared += 1;
            }
        }
    }
    (tallies[0], tallies[1], compared)
}
