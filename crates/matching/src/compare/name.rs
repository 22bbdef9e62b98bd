//! Names: given and family, which may have changed places, and the middle name.

use super::words::Words;
use super::{Comparison, Field, MiddleLevel, NameLevel, Sex};
use crate::claim::{Side, Spelling};
use crate::distance::{is_one_edit, jaro_winkler};
use crate::lexicon::{self, Entry, Lexicon, Role, Shape, Sketch, WordId};
use crate::normal::{Word, nickname};
use crate::packed::Packed;

/// From this Jaro-Winkler similarity on two names are alike: Winkler's customary .88.
pub(super) const SIMILAR: u32 = 880;

/// What comparing a given or a family name with one of the roster finds.
#[derive(Clone, Copy)]
pub(crate) struct Named {
    level: NameLevel,
    /// How many bear the name in which the two agree.
    bearers: u32,
    /// The roster's name is the claim's middle name; of given names only.
    is_middle: bool,
    /// The claim's mailbox is called so.
    is_mailbox: bool,
}

/// What comparing a middle name with one of the roster finds.
#[derive(Clone, Copy)]
pub(crate) struct MiddleNamed {
    level: MiddleLevel,
    /// The roster's middle name is the claim's given name.
    is_given: bool,
    /// The roster's middle name is an initial, with which the claim's given name begins.
    is_initial_of_given: bool,
}

impl Default for Named {
    fn default() -> Self {
        Self { level: NameLevel::Missing, bearers: 1, is_middle: false, is_mailbox: false }
    }
}

impl Default for MiddleNamed {
    fn default() -> Self {
        Self { level: MiddleLevel::Missing, is_given: false, is_initial_of_given: false }
    }
}

/// Compares all three names.
#[inline]
pub(super) fn names(side: &Side, member: &Packed, words: &mut impl Words, lexicon: &Lexicon) -> Comparison {
    let mut given = words.given(side, member.given, lexicon);
    let mut family = words.family(side, member.family, lexicon);
    let middle = words.middle(side, member.middle, lexicon);
    if is_poor(given.level) {
        if is_poor(family.level) && have_changed_places(side, member, lexicon) {
            let bearers = |id, role| lexicon.get(id).map_or(1, |entry| entry.counts[role as usize]);
            (given.level, given.bearers) = (NameLevel::Swapped, bearers(member.given, Role::Given));
            (family.level, family.bearers) = (NameLevel::Swapped, bearers(member.family, Role::Family));
        } else if middle.is_given || given.is_middle {
            given.level = NameLevel::Middle;
        } else if is_other(given.level) && given.is_mailbox {
            given.level = NameLevel::Mailbox;
        } else if is_other(given.level) && middle.is_initial_of_given {
            given.level = NameLevel::MiddleInitial;
        }
    }
    if is_other(family.level) && family.is_mailbox {
        family.level = NameLevel::Mailbox;
    }
    if family.level == NameLevel::Different && member.sex() != Sex::Male {
        family.level = NameLevel::Renamed;
    }
    let mut found = Comparison { bearers: [given.bearers, family.bearers], ..Comparison::default() };
    found.levels.0[Field::Given as usize] = given.level as u8;
    found.levels.0[Field::Family as usize] = family.level as u8;
    found.levels.0[Field::Middle as usize] = middle.level as u8;
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
        | NameLevel::Renamed
        | NameLevel::Mailbox
        | NameLevel::MiddleInitial => true,
    }
}

/// Whether two names have nothing but a first letter in common.
fn is_other(level: NameLevel) -> bool {
    matches!(level, NameLevel::FirstLetter | NameLevel::Different)
}

/// Compares a claim's given name with one of the roster.
pub(super) fn given(side: &Side, id: WordId, lexicon: &Lexicon) -> Named {
    let claimed = &side.normal.middle;
    let is_middle = 1 < claimed.len()
        && !side.given.word.is_empty()
        && side.middle.0.can_be_one_edit(lexicon.sketch(id).shape)
        && lexicon.get(id).is_some_and(|known| is_same_given(claimed, &known.word));
    let named = one(&side.given, id, Role::Given, lexicon);
    Named { is_middle, is_mailbox: is_other(named.level) && is_mailbox(side, id, lexicon), ..named }
}

/// Compares a claim's family name with one of the roster.
pub(super) fn family(side: &Side, id: WordId, lexicon: &Lexicon) -> Named {
    let named = one(&side.family, id, Role::Family, lexicon);
    Named { is_mailbox: is_other(named.level) && is_mailbox(side, id, lexicon), ..named }
}

/// Whether a claim's mailbox is called as somebody of this name is: it holds the name, which is no short one.
fn is_mailbox(side: &Side, id: WordId, lexicon: &Lexicon) -> bool {
    let (mailbox, name) = (&side.normal.mailbox, lexicon.sketch(id).shape);
    MAILBOX_LEAST <= name.len()
        && name.can_be_part_of(side.mailbox)
        && lexicon
            .get(id)
            .is_some_and(|known| mailbox.bytes().windows(known.word.len()).any(|part| part == known.word.bytes()))
}

/// So many letters a name has at least that is looked for in a mailbox: shorter ones are found in other words.
const MAILBOX_LEAST: usize = 4;

/// Compares a given or family name with one of the roster.
pub(super) fn one(claimed: &Spelling, id: WordId, role: Role, lexicon: &Lexicon) -> Named {
    if claimed.id == 0 || id == 0 {
        return Named::default();
    }
    let sketch = lexicon.sketch(id);
    if are_apart(claimed, &sketch, role) {
        let level = if claimed.word.first() == sketch.first { NameLevel::FirstLetter } else { NameLevel::Different };
        return Named { level, ..Named::default() };
    }
    one_by_letters(claimed, id, role, lexicon)
}

/// Whether a sketch already tells that two names have a first letter in common at most.
#[inline]
fn are_apart(claimed: &Spelling, known: &Sketch, role: Role) -> bool {
    let shorter = claimed.shape.len().min(known.shape.len());
    let same_first = claimed.word.first() == known.first;
    let front = if same_first { shorter.min(4) } else { 0 };
    let can_be_variant = role == Role::Given && known.groups & lexicon::mask(claimed.groups) != 0;
    1 < shorter
        && !can_be_variant
        && claimed.parts == [0; 2]
        && !known.is_compound
        && claimed.sound != known.own
        && !claimed.shape.can_be_one_edit(known.shape)
        && !(same_first && claimed.shape.can_be_front(known.shape))
        && !claimed.shape.can_be_similar(known.shape, front)
}

/// As [`one`], letter by letter.
fn one_by_letters(claimed: &Spelling, id: WordId, role: Role, lexicon: &Lexicon) -> Named {
    let found = |level, bearers| Named { level, bearers, ..Named::default() };
    let Some(known) = lexicon.get(id).filter(|_| claimed.id != 0) else { return Named::default() };
    if claimed.id == id || claimed.word == known.word {
        return found(NameLevel::Exact, known.counts[role as usize]);
    }
    if role == Role::Given
        && let Some(group) = nickname::share(claimed.groups, known.groups)
    {
        return found(NameLevel::Variant, lexicon.group_count(group));
    }
    if let Some(part) = common_part(claimed, id, known) {
        let bearers = lexicon.get(part).map_or(1, |entry| entry.counts[role as usize]);
        return found(NameLevel::Part, bearers);
    }
    found(spelt(claimed, known), 1)
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
    let (one, other) = (&claimed.word, &known.word);
    let shorter = one.len().min(other.len());
    let common = one.common_front(other);
    if shorter == 1 {
        return if common == 1 { NameLevel::Initial } else { NameLevel::Different };
    }
    let known_shape = Shape::of(known.letters, other.len());
    if 2 < shorter && claimed.shape.can_be_one_edit(known_shape) && is_one_edit(one.bytes(), other.bytes()) {
        return NameLevel::Near;
    }
    if 2 < shorter && common == shorter {
        return NameLevel::Truncated;
    }
    let is_alike =
        || claimed.shape.can_be_similar(known_shape, common) && SIMILAR <= jaro_winkler(one.bytes(), other.bytes());
    if claimed.sound == known.sound && 2 < shorter || is_alike() {
        return NameLevel::Similar;
    }
    if common != 0 { NameLevel::FirstLetter } else { NameLevel::Different }
}

fn have_changed_places(side: &Side, member: &Packed, lexicon: &Lexicon) -> bool {
    side.given.id != 0
        && side.family.id != 0
        && can_have_taken_place(&side.given, &lexicon.sketch(member.family))
        && can_have_taken_place(&side.family, &lexicon.sketch(member.given))
        && has_taken_place(&side.given, member.family, lexicon)
        && has_taken_place(&side.family, member.given, lexicon)
}

/// Whether a sketch leaves it open that a name stands in the other one's place.
#[inline]
fn can_have_taken_place(claimed: &Spelling, known: &Sketch) -> bool {
    claimed.parts != [0; 2]
        || known.is_compound
        || claimed.shape.can_be_one_edit(known.shape)
        || lexicon::mask(claimed.groups) & known.groups != 0
}

/// Whether sketches leave it open that the given and family names of two records agree well, where they stand or with places changed:
/// to the letter, as nicknames, in a part, or but for an edit.
pub(crate) fn can_be_named_alike(one: &Packed, other: &Packed, lexicon: &Lexicon) -> bool {
    let can_agree = |one: WordId, other: WordId| {
        let sketches = (lexicon.sketch(one), lexicon.sketch(other));
        one == other || {
            let (one, other) = sketches;
            one.is_compound
                || other.is_compound
                || one.groups & other.groups != 0
                || one.shape.can_be_one_edit(other.shape)
        }
    };
    let says_both = |record: &Packed| record.given != 0 && record.family != 0;
    says_both(one)
        && says_both(other)
        && (can_agree(one.given, other.given) && can_agree(one.family, other.family)
            || can_agree(one.given, other.family) && can_agree(one.family, other.given))
}

/// Whether a name stands in the other one's place.
fn has_taken_place(claimed: &Spelling, id: WordId, lexicon: &Lexicon) -> bool {
    let Some(known) = lexicon.get(id) else { return false };
    claimed.id == id
        || common_part(claimed, id, known).is_some()
        || 3 < claimed.word.len() && is_one_edit(claimed.word.bytes(), known.word.bytes())
        || nickname::share(claimed.groups, known.groups).is_some()
}

/// Whether a middle name, on either side, is the given name of the other.
fn is_same_given(one: &Word, other: &Word) -> bool {
    1 < one.len() && 1 < other.len() && (one == other || 3 < one.len() && is_one_edit(one.bytes(), other.bytes()))
}

/// Compares a claim's middle name with one of the roster, which may be its given name too.
pub(super) fn middle(side: &Side, id: WordId, lexicon: &Lexicon) -> MiddleNamed {
    if id == 0 {
        return MiddleNamed::default();
    }
    let (sketch, claimed) = (lexicon.sketch(id), &side.normal.middle);
    let known = || lexicon.get(id).map(|known| known.word).unwrap_or_default();
    let is_given = side.given.shape.can_be_one_edit(sketch.shape) && is_same_given(&side.given.word, &known());
    let level = if claimed.is_empty() {
        MiddleLevel::Missing
    } else if claimed.len() == 1 || sketch.shape.len() == 1 {
        if claimed.first() == sketch.first { MiddleLevel::Initial } else { MiddleLevel::Different }
    } else if is_same_middle(side, &sketch, id, lexicon) {
        MiddleLevel::Exact
    } else {
        MiddleLevel::Different
    };
    let is_initial_of_given =
        sketch.shape.len() == 1 && 1 < side.given.word.len() && side.given.word.first() == sketch.first;
    MiddleNamed { level, is_given, is_initial_of_given }
}

fn is_same_middle(side: &Side, sketch: &Sketch, id: WordId, lexicon: &Lexicon) -> bool {
    let (claimed, (shape, groups)) = (&side.normal.middle, side.middle);
    if !shape.can_be_one_edit(sketch.shape) && lexicon::mask(groups) & sketch.groups == 0 {
        return false;
    }
    lexicon.get(id).is_some_and(|known| {
        *claimed == known.word
            || is_one_edit(claimed.bytes(), known.word.bytes())
            || nickname::share(groups, known.groups).is_some()
    })
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
                let (claimed, shape) = (&side.given, Shape::of(entry.letters, entry.word.len()));
                let front = claimed.word.common_front(&entry.word);
                assert!(!is_similar || claimed.shape.can_be_similar(shape, front), "{one} {other}");
            }
        }
    }
}
