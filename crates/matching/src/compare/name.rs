//! Names: given and family, which may have changed places, and the middle name.

use super::{Comparison, Field, MiddleLevel, NameLevel, Sex};
use crate::claim::{Side, Spelling};
use crate::distance::{is_one_edit, jaro_winkler};
use crate::lexicon::{Entry, Lexicon, Role};
use crate::normal::{Word, nickname};
use crate::packed::Packed;

/// From this Jaro-Winkler similarity on two names are alike: Winkler's customary .88.
const SIMILAR: u32 = 880;

/// A level and how many bear the name in which the two agree.
type Found = (NameLevel, u32);

/// Compares all three names.
pub(super) fn names(side: &Side, member: &Packed, lexicon: &Lexicon) -> Comparison {
    let (given, family) = (lexicon.get(member.given), lexicon.get(member.family));
    let mut of_given = one(&side.given, member.given, given, Role::Given, lexicon);
    let mut of_family = one(&side.family, member.family, family, Role::Family, lexicon);
    if is_poor(of_given.0) {
        if is_poor(of_family.0) && have_changed_places(side, member, given, family) {
            of_given = (NameLevel::Swapped, given.map_or(1, |entry| entry.counts[Role::Given as usize]));
            of_family = (NameLevel::Swapped, family.map_or(1, |entry| entry.counts[Role::Family as usize]));
        } else if is_middle(side, member, given, lexicon) {
            of_given.0 = NameLevel::Middle;
        }
    }
    if of_family.0 == NameLevel::Different && member.sex() != Sex::Male {
        of_family.0 = NameLevel::Renamed;
    }
    let mut found = Comparison { bearers: [of_given.1, of_family.1], ..Comparison::default() };
    found.levels.0[Field::Given as usize] = of_given.0 as u8;
    found.levels.0[Field::Family as usize] = of_family.0 as u8;
    found.levels.0[Field::Middle as usize] = middle(side, member, lexicon) as u8;
    found
}

/// Whether a level leaves room for a better explanation.
fn is_poor(level: NameLevel) -> bool {
    match level {
        NameLevel::Exact | NameLevel::Variant | NameLevel::Part | NameLevel::Near => false,
        NameLevel::Missing
        | NameLevel::Initial
        | NameLevel::Truncated
        | NameLevel::Similar
        | NameLevel::Middle
        | NameLevel::Swapped
        | NameLevel::FirstLetter
        | NameLevel::Different
        | NameLevel::Renamed => true,
    }
}

fn one(claimed: &Spelling, id: u32, known: Option<&Entry>, role: Role, lexicon: &Lexicon) -> Found {
    let Some(known) = known.filter(|_| claimed.id != 0) else { return (NameLevel::Missing, 1) };
    let bearers = known.counts[role as usize];
    if claimed.id == id || claimed.word == known.word {
        return (NameLevel::Exact, bearers);
    }
    if role == Role::Given
        && let Some(group) = nickname::share(claimed.groups, known.groups)
    {
        return (NameLevel::Variant, lexicon.group_count(group));
    }
    if let Some(part) = common_part(claimed, id, known) {
        let bearers = lexicon.get(part).map_or(1, |entry| entry.counts[role as usize]);
        return (NameLevel::Part, bearers);
    }
    (spelt(claimed, known), bearers)
}

/// The part that two names have in common, where at least one of them is a compound.
fn common_part(claimed: &Spelling, id: u32, known: &Entry) -> Option<u32> {
    if claimed.parts == [0; 2] && known.parts == [0; 2] {
        return None;
    }
    let theirs = [id, known.parts[0], known.parts[1]];
    let ours = [claimed.id, claimed.parts[0], claimed.parts[1]];
    ours.into_iter().find(|part| *part != 0 && *part != crate::lexicon::UNKNOWN && theirs.contains(part))
}

fn spelt(claimed: &Spelling, known: &Entry) -> NameLevel {
    let (one, other) = (claimed.word.bytes(), known.word.bytes());
    let shorter = one.len().min(other.len());
    let same_first = one.first() == other.first();
    if shorter == 1 {
        return if same_first { NameLevel::Initial } else { NameLevel::Different };
    }
    if 2 < shorter && is_one_edit(one, other) {
        return NameLevel::Near;
    }
    if 2 < shorter && one[..shorter] == other[..shorter] {
        return NameLevel::Truncated;
    }
    let is_alike = || can_be_similar(claimed, known) && SIMILAR <= jaro_winkler(one, other);
    if claimed.sound == known.sound && 2 < shorter || is_alike() {
        return NameLevel::Similar;
    }
    if same_first { NameLevel::FirstLetter } else { NameLevel::Different }
}

/// Whether two names have letters enough in common to be similar, which most have not: a bound on what comparing them would find.
fn can_be_similar(claimed: &Spelling, known: &Entry) -> bool {
    let common = |word: &Word, own: u32, others: u32| word.len() - (own & !others).count_ones() as usize;
    let matches =
        common(&claimed.word, claimed.letters, known.letters).min(common(&known.word, known.letters, claimed.letters));
    let (one, other) = (claimed.word.len(), known.word.len());
    let same = claimed.word.bytes().iter().zip(known.word.bytes()).take(4).take_while(|(a, b)| a == b).count();
    // Jaro's similarity in thousandths is at most this, rounded up, and Winkler adds a tenth of the rest for each letter in front.
    let jaro = 1000 * (matches * (one + other) + one * other) / (3 * one * other) + 1;
    SIMILAR as usize <= jaro + same * 1000usize.saturating_sub(jaro) / 10 + 1
}

fn have_changed_places(side: &Side, member: &Packed, given: Option<&Entry>, family: Option<&Entry>) -> bool {
    let (Some(given), Some(family)) = (given, family) else { return false };
    let agree = |claimed: &Spelling, id: u32, known: &Entry| {
        claimed.id == id
            || common_part(claimed, id, known).is_some()
            || 3 < claimed.word.len() && is_one_edit(claimed.word.bytes(), known.word.bytes())
            || nickname::share(claimed.groups, known.groups).is_some()
    };
    side.given.id != 0
        && side.family.id != 0
        && agree(&side.given, member.family, family)
        && agree(&side.family, member.given, given)
}

/// Whether a claim gives the middle name as the given name, or the roster does.
fn is_middle(side: &Side, member: &Packed, given: Option<&Entry>, lexicon: &Lexicon) -> bool {
    let same = |one: &[u8], other: &[u8]| {
        1 < one.len() && 1 < other.len() && (one == other || is_one_edit(one, other) && 3 < one.len())
    };
    let middle = lexicon.get(member.middle).map(|entry| entry.word).unwrap_or_default();
    let claimed = side.normal.middle;
    same(side.given.word.bytes(), middle.bytes())
        || given.is_some_and(|given| same(claimed.bytes(), given.word.bytes()) && !side.given.word.is_empty())
}

fn middle(side: &Side, member: &Packed, lexicon: &Lexicon) -> MiddleLevel {
    let claimed = &side.normal.middle;
    let Some(known) = lexicon.get(member.middle).filter(|_| !claimed.is_empty()) else { return MiddleLevel::Missing };
    let (one, other) = (claimed.bytes(), known.word.bytes());
    if one.len() == 1 || other.len() == 1 {
        return if one[0] == other[0] { MiddleLevel::Initial } else { MiddleLevel::Different };
    }
    let is_same =
        one == other || is_one_edit(one, other) || nickname::share(nickname::groups(claimed), known.groups).is_some();
    if is_same { MiddleLevel::Exact } else { MiddleLevel::Different }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Person;
    use crate::normal::Normal;
    use crate::packed::Lexicons;

    #[test]
    fn the_bound_never_rules_out_what_is_similar() {
        let names = [
            "martha", "marhta", "dwayne", "duane", "gonzalez", "gonzales", "lee", "leeann", "anna", "hannah", "aab",
            "baa", "xu",
        ];
        for one in names {
            for other in names {
                let mut lexicons = Lexicons::default();
                let known = Packed::intern(&Normal::of(&Person { given: other, ..Person::default() }), &mut lexicons);
                let side = Side::of(&Normal::of(&Person { given: one, ..Person::default() }), &lexicons);
                let entry = lexicons.names.get(known.given).expect("it was taken in");
                let is_similar = SIMILAR <= jaro_winkler(one.as_bytes(), other.as_bytes());
                assert!(!is_similar || can_be_similar(&side.given, entry), "{one} {other}");
            }
        }
    }
}
