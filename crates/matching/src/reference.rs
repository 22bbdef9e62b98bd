//! The plain way to a decision: every record of the roster is looked at, every word compared letter by letter, every explanation
//! weighed, nothing left out. What is done to be fast must come to the same, bit by bit.

use proptest::prelude::*;
use sandbox::roster::{Mood, Record, World};

use crate::claim::{Claim, Side, Spelling};
use crate::compare::{Comparison, numbers};
use crate::decide::{Decision, Matcher, Outcome, RunnerUp};
use crate::distance::{is_one_edit, jaro_winkler};
use crate::fixed::power;
use crate::levels::{Field, Levels, MiddleLevel, NameLevel};
use crate::lexicon::{Entry, Role, UNKNOWN};
use crate::normal::{Sex, Word, nickname};
use crate::packed::Packed;
use crate::roster::keys::{self, Probes};
use crate::roster::{KINDS, Roster};
use crate::score::Scored;
use crate::weights::{Each, Explanation, Rarity, Weights};
use crate::{Person, Policy};

fn policy() -> Policy {
    Policy::parse(include_str!("../../../deploy/policy/matching.toml")).expect("the deployed policy")
}

fn person<'a>(record: &'a Record, also: &'a [Person<'a>]) -> Person<'a> {
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
        also,
    }
}

// === Gathering ===

/// Heads of all members that share a key, how many share a value by kind, and how many blocks are too large.
fn gathered(claim: &Claim, roster: &Roster) -> (Vec<u32>, [u32; KINDS], u32) {
    let (mut heads, mut shared, mut skipped) = (Vec::new(), [0u32; KINDS], 0);
    for side in claim.sides() {
        let mut probes = Probes::default();
        probes.add_side(side, &roster.lexicons.names);
        for probe in probes.all() {
            let is_kept = |record: &u32| {
                let packed = &roster.records[*record as usize];
                !packed.is_gone() && keys::of_kind(probe.kind, packed, &roster.lexicons) == probe.key
            };
            let block: Vec<u32> = (0..roster.records.len() as u32).filter(is_kept).collect();
            let count = &mut shared[probe.kind as usize];
            *count = (*count).max(block.len() as u32);
            if probe.kind.block_max() < block.len() as u32 {
                skipped += u32::from(!probe.kind.is_place());
            } else {
                heads.extend(block.into_iter().map(|record| roster.head(record)));
            }
        }
    }
    heads.sort_unstable();
    heads.dedup();
    (heads, shared, skipped)
}

// === Comparing ===

fn name_level(claimed: &Spelling, id: u32, role: Role, roster: &Roster) -> (NameLevel, u32) {
    let names = &roster.lexicons.names;
    let Some(known) = names.get(id).filter(|_| claimed.id != 0) else { return (NameLevel::Missing, 1) };
    let bearers = |id| names.get(id).map_or(1, |entry| entry.counts[role as usize]);
    if claimed.word == known.word {
        return (NameLevel::Exact, bearers(id));
    }
    let group = claimed.groups.into_iter().find(|group| *group != 0 && known.groups.contains(group));
    if let Some(group) = group.filter(|_| role == Role::Given) {
        return (NameLevel::Variant, names.group_count(group));
    }
    if let Some(part) = common_part(claimed, id, known) {
        return (NameLevel::Part, bearers(part));
    }
    (spelt(claimed, known), 1)
}

fn common_part(claimed: &Spelling, id: u32, known: &Entry) -> Option<u32> {
    let (ours, theirs) = ([claimed.id, claimed.parts[0], claimed.parts[1]], [id, known.parts[0], known.parts[1]]);
    let is_compound = claimed.parts != [0; 2] || known.parts != [0; 2];
    ours.into_iter().find(|part| is_compound && *part != 0 && *part != UNKNOWN && theirs.contains(part))
}

fn spelt(claimed: &Spelling, known: &Entry) -> NameLevel {
    let (one, other) = (claimed.word.bytes(), known.word.bytes());
    let (shorter, same_first) = (one.len().min(other.len()), one[0] == other[0]);
    if shorter == 1 {
        if same_first { NameLevel::Initial } else { NameLevel::Different }
    } else if 2 < shorter && is_one_edit(one, other) {
        NameLevel::Near
    } else if 2 < shorter && one[..shorter] == other[..shorter] {
        NameLevel::Truncated
    } else if claimed.sound == known.sound && 2 < shorter || 880 <= jaro_winkler(one, other) {
        NameLevel::Similar
    } else if same_first {
        NameLevel::FirstLetter
    } else {
        NameLevel::Different
    }
}

fn is_poor(level: NameLevel) -> bool {
    level == NameLevel::Missing || NameLevel::Near < level
}

fn have_changed_places(side: &Side, member: &Packed, roster: &Roster) -> bool {
    let is_other = |claimed: &Spelling, id: u32| {
        let Some(known) = roster.lexicons.names.get(id).filter(|_| claimed.id != 0) else { return false };
        claimed.id == id
            || common_part(claimed, id, known).is_some()
            || 3 < claimed.word.len() && is_one_edit(claimed.word.bytes(), known.word.bytes())
            || claimed.groups.iter().any(|group| *group != 0 && known.groups.contains(group))
    };
    is_other(&side.given, member.family) && is_other(&side.family, member.given)
}

fn is_same_given(one: &Word, other: &Word) -> bool {
    let is_edit = 3 < one.len() && is_one_edit(one.bytes(), other.bytes());
    1 < one.len() && 1 < other.len() && (one == other || is_edit)
}

fn middle_level(claimed: &Word, known: Option<&Entry>) -> MiddleLevel {
    let Some(known) = known.filter(|_| !claimed.is_empty()) else { return MiddleLevel::Missing };
    let (one, other) = (claimed.bytes(), known.word.bytes());
    if one.len() == 1 || other.len() == 1 {
        return if one[0] == other[0] { MiddleLevel::Initial } else { MiddleLevel::Different };
    }
    let groups = nickname::groups(claimed);
    let is_variant = groups.into_iter().any(|group| group != 0 && known.groups.contains(&group));
    if one == other || is_one_edit(one, other) || is_variant { MiddleLevel::Exact } else { MiddleLevel::Different }
}

fn compared(side: &Side, member: &Packed, roster: &Roster) -> Comparison {
    let names = &roster.lexicons.names;
    let word = |id| names.get(id).map(|entry| entry.word).unwrap_or_default();
    let mut given = name_level(&side.given, member.given, Role::Given, roster);
    let mut family = name_level(&side.family, member.family, Role::Family, roster);
    let claimed_middle = &side.normal.middle;
    let is_middle = is_same_given(&side.given.word, &word(member.middle))
        || !side.given.word.is_empty() && is_same_given(claimed_middle, &word(member.given));
    if is_poor(given.0) && is_poor(family.0) && have_changed_places(side, member, roster) {
        let bearers = |id, role| names.get(id).map_or(1, |entry| entry.counts[role as usize]);
        given = (NameLevel::Swapped, bearers(member.given, Role::Given));
        family = (NameLevel::Swapped, bearers(member.family, Role::Family));
    } else if is_poor(given.0) && is_middle {
        given.0 = NameLevel::Middle;
    }
    let is_other = |level| level == NameLevel::FirstLetter || level == NameLevel::Different;
    let mailbox = side.normal.mailbox.as_str();
    let is_mailbox = |word: Word| 4 <= word.len() && mailbox.contains(word.as_str());
    let middle = word(member.middle);
    if is_other(given.0) && is_mailbox(word(member.given)) {
        given.0 = NameLevel::Mailbox;
    } else if is_other(given.0)
        && middle.len() == 1
        && 1 < side.given.word.len()
        && middle.first() == side.given.word.first()
    {
        given.0 = NameLevel::MiddleInitial;
    }
    if is_other(family.0) && is_mailbox(word(member.family)) {
        family.0 = NameLevel::Mailbox;
    }
    if family.0 == NameLevel::Different && member.sex() != Sex::Male {
        family.0 = NameLevel::Renamed;
    }
    let mut found = Comparison { levels: numbers(side, member, &roster.lexicons), bearers: [given.1, family.1] };
    found.levels.0[Field::Given as usize] = given.0 as u8;
    found.levels.0[Field::Family as usize] = family.0 as u8;
    found.levels.0[Field::Middle as usize] = middle_level(claimed_middle, names.get(member.middle)) as u8;
    found
}

/// The best of all readings and records, names together, the other fields each by itself.
fn best(claim: &Claim, roster: &Roster, head: u32, weights: &Weights, rarity: &Rarity) -> Comparison {
    let weigh = |found: &Comparison, field| weights.field(field, found, rarity)[Explanation::Member as usize];
    let says = |found: &Comparison, field| found.levels.of(field) != 0;
    let names = |found: &Comparison| {
        let says_names = says(found, Field::Given) || says(found, Field::Family);
        says_names.then(|| weigh(found, Field::Given) + weigh(found, Field::Family))
    };
    let mut best = compared(&claim.first, &roster.records[head as usize], roster);
    for side in claim.sides() {
        for record in roster.variants(head) {
            let other = compared(side, &roster.records[record as usize], roster);
            if names(&best) < names(&other) {
                best.levels.0[..2].copy_from_slice(&other.levels.0[..2]);
                best.bearers = other.bearers;
            }
            for field in Field::ALL.into_iter().skip(2) {
                let is_better = !says(&best, field) || weigh(&best, field) < weigh(&other, field);
                if says(&other, field) && is_better {
                    best.levels.0[field as usize] = other.levels.0[field as usize];
                }
            }
        }
    }
    best
}

// === Deciding ===

/// What the plain way comes to.
fn decide<'r>(matcher: &mut Matcher<'r>, person: &Person<'_>) -> Decision<'r> {
    let roster = matcher.roster;
    let claim = Claim::of(person, &roster.lexicons);
    let (heads, shared, blocks_skipped) = gathered(&claim, roster);
    let candidates = heads.len() as u32;
    let rarity = matcher.rarity_of(&claim, &shared);
    let scored: Vec<Scored> = heads
        .into_iter()
        .map(|head| {
            let found = best(&claim, roster, head, &matcher.weights, &rarity);
            Scored { head, found, weights: matcher.weights.explain(&found, &rarity) }
        })
        .collect();
    weigh(matcher, &scored, candidates, blocks_skipped)
}

fn weigh<'r>(matcher: &Matcher<'r>, scored: &[Scored], candidates: u32, blocks_skipped: u32) -> Decision<'r> {
    let (roster, stranger) = (matcher.roster, matcher.weights.stranger);
    let mut decision = Decision {
        outcome: Outcome::NoMatch,
        member: None,
        probability: 0,
        weight: stranger,
        levels: Levels::default(),
        runner_up: None,
        candidates,
        blocks_skipped,
    };
    let key = |scored: &Scored| roster.account(scored.head);
    let Some(best) = scored.iter().min_by_key(|scored| (-scored.weights[0], key(scored))) else { return decision };
    let most = scored.iter().flat_map(|scored: &Scored| -> Each { scored.weights }).fold(stranger, i32::max);
    let part = |weight: i32| u128::from(power(most.abs_diff(weight)));
    // Strangers come first, then by account, then in the order of explanations, where weights are alike.
    let mut others = vec![(-stranger, "", None)];
    let (mut own, mut anybody, mut total) = (0, 0, part(stranger));
    for one in scored {
        for explanation in Explanation::ALL {
            let weight = one.weights[explanation as usize];
            total += part(weight);
            anybody += if explanation == Explanation::Member { part(weight) } else { 0 };
            if explanation == Explanation::Member && (one.head == best.head || matcher.are_one(one, best)) {
                own += part(weight);
            } else {
                others.push((-weight, key(one), Some(explanation)));
            }
        }
    }
    let in_million = |share: u128| (share * 1_000_000 / total) as u32;
    let (weight, member, explanation) = others.into_iter().min().expect("a stranger");
    decision.runner_up = Some(RunnerUp {
        member: explanation.map(|_| member),
        explanation,
        probability: in_million(part(-weight)),
        margin: best.weights[0] + weight,
    });
    decision.probability = in_million(own);
    decision.outcome = matcher.outcome(decision.probability);
    if decision.outcome == Outcome::NoMatch && matcher.outcome(in_million(anybody)) != Outcome::NoMatch {
        decision.outcome = Outcome::Review;
    }
    (decision.member, decision.weight, decision.levels) = (Some(key(best)), best.weights[0], best.found.levels);
    decision
}

// === Tests ===

/// Decides claims of a world both ways; every fourth member and every third claim knows something else of the same person.
fn both_ways(world: &World, removed: usize) -> Result<(), TestCaseError> {
    let policy = policy();
    let mut roster = Roster::default();
    let also = |at: usize, every: usize| {
        let other = &world.roster[(at * 7 + 3) % world.roster.len()];
        let known = Person { family: &other.family, phone: &other.phone, dob: &other.dob, ..Person::default() };
        if at.is_multiple_of(every) { vec![known] } else { Vec::new() }
    };
    for (at, record) in world.roster.iter().enumerate() {
        roster.put(&record.member_id, &person(record, &also(at, 4)));
        if at == world.roster.len() / 2 {
            roster.settle();
        }
    }
    for record in world.roster.iter().take(removed) {
        roster.remove(&record.member_id);
    }
    let (mut matcher, mut plain) = (Matcher::new(&policy, &roster), Matcher::new(&policy, &roster));
    for (at, claim) in world.claims.iter().enumerate() {
        let also = also(at, 3);
        let claim = person(&claim.record, &also);
        let (fast, slow) = (matcher.decide(&claim), decide(&mut plain, &claim));
        prop_assert_eq!(fast, slow, "claim {}", at);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 16))]

    #[test]
    fn fast_and_plain_come_to_the_same(seed in any::<u64>(), mood in 0usize..4, removed in 0usize..40) {
        let mood = [Mood::Mixed, Mood::Careful, Mood::Careless, Mood::Immigrant][mood];
        both_ways(&World::new(seed, mood, 500, 120), removed)?;
    }
}

#[test]
fn what_is_too_large_to_be_looked_at_is_left_out_either_way() {
    let crowd: Vec<_> = (0..1_100).map(|number| (format!("K{number}"), format!("{}", 1930 + number % 70))).collect();
    let member =
        |dob| Person { given: "Ann", family: "Smith", dob, zip: "90210", phone: "2063331234", ..Person::default() };
    let roster = Roster::build(crowd.iter().map(|(key, dob)| (key.as_str(), member(dob))));
    let policy = policy();
    let (mut matcher, mut plain) = (Matcher::new(&policy, &roster), Matcher::new(&policy, &roster));
    let claim = member("1950-07-04");
    assert_eq!(matcher.decide(&claim), decide(&mut plain, &claim));
    assert_eq!(matcher.decide(&claim).blocks_skipped, 3);
}
