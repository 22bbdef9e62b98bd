//! Which given names may stand for each other: short forms, pet names, spellings, and what a name becomes in another language.
//!
//! Compiled by hand for Waybill from general knowledge. A name may stand in several groups: `chris` is short for Christopher and for
//! Christine, who are not each other.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::sound::sound;
use super::vocabulary::Vocabulary;
use super::word::Word;

/// At most so many groups a name belongs to; further ones are left out.
pub(crate) const GROUPS_MAX: usize = 5;

/// One group a line; the first name of a line names the group.
const TABLE: &str = include_str!("nickname.txt");

type Groups = [u16; GROUPS_MAX];

static GROUPS: LazyLock<Vocabulary<Groups>> = LazyLock::new(|| {
    let mut groups: BTreeMap<Word, Groups> = BTreeMap::new();
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    for (line, number) in lines.zip(1u16..) {
        for name in line.split_whitespace() {
            let of_name = groups.entry(Word::of(name)).or_default();
            if let Some(free) = of_name.iter_mut().find(|group| **group == 0 || **group == number) {
                *free = number;
            }
        }
    }
    Vocabulary::of(groups)
});

/// The name that stands for each group, and its sound.
static CANONICAL: LazyLock<Vec<(Word, u32)>> = LazyLock::new(|| {
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let first = lines.map(|line| Word::of(line.split_whitespace().next().unwrap_or_default()));
    first.map(|word| (word, sound(&word))).collect()
});

/// The groups a given name belongs to, numbered from 1; zeros after the last.
pub(crate) fn groups(name: &Word) -> Groups {
    GROUPS.get(name).unwrap_or_default()
}

/// How the name that stands for a group sounds.
pub(crate) fn canonical_sound(group: u16) -> Option<u32> {
    usize::from(group).checked_sub(1).and_then(|index| CANONICAL.get(index)).map(|(_, sound)| *sound)
}

/// How many groups there are.
pub(crate) fn count() -> usize {
    CANONICAL.len()
}

/// Whether two lists of groups have one in common.
pub(crate) fn share(some: Groups, others: Groups) -> Option<u16> {
    if some[0] == 0 || others[0] == 0 {
        return None;
    }
    some.into_iter().find(|group| *group != 0 && others.contains(group))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn are_one(one: &str, other: &str) -> bool {
        share(groups(&Word::of(one)), groups(&Word::of(other))).is_some()
    }

    #[test]
    fn names_that_stand_for_each_other() {
        for (one, other) in [
            ("Bob", "Robert"),
            ("Peggy", "Margaret"),
            ("Chris", "Christine"),
            ("Chris", "Christopher"),
            ("Mohammed", "Muhammad"),
        ] {
            assert!(are_one(one, other), "{one} {other}");
        }
        for (one, other) in [("Christine", "Christopher"), ("Robert", "Richard"), ("Zebedee", "Zebedee")] {
            assert!(!are_one(one, other), "{one} {other}");
        }
        assert_eq!(canonical_sound(groups(&Word::of("Bob"))[0]), Some(sound(&Word::of("robert"))));
        assert_eq!([canonical_sound(0), canonical_sound(60_000)], [None; 2]);
    }
}
