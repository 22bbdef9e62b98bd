//! The words of a roster, each kept once: names with how often they are borne and how they sound, streets and cities.

use prefetch_index::prefetch_index;

use crate::normal::Word;
use crate::normal::name::Name;
use crate::normal::nickname::{self, GROUPS_MAX};
use crate::normal::sound::sound;

/// A word's number in its lexicon, from 1. Zero says nothing; [`UNKNOWN`] is a word that the lexicon does not hold.
pub(crate) type WordId = u32;

/// The number of a word that the lexicon does not hold.
pub(crate) const UNKNOWN: WordId = WordId::MAX;

/// What a name is borne as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    Given = 0,
    Family = 1,
}

/// What the lexicon knows of a word.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
pub(crate) struct Entry {
    pub(crate) word: Word,
    pub(crate) sound: u32,
    /// Which letters it has, a bit each.
    pub(crate) letters: u32,
    pub(crate) groups: [u16; GROUPS_MAX],
    /// The parts of a compound name.
    pub(crate) parts: [WordId; 2],
    /// How many records bear it, by [`Role`]; a part of a compound counts as well.
    pub(crate) counts: [u32; 2],
}

/// What tells most words apart without looking at their letters.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sketch {
    /// How it sounds as a given name: as the name does that its first group is named after, so that nicknames meet.
    pub(crate) lead: u32,
    /// How it sounds.
    pub(crate) own: u32,
    /// Which letters it has, and how many.
    pub(crate) shape: Shape,
    /// A bit for each of its groups of given names, several groups to a bit.
    pub(crate) groups: u16,
    pub(crate) first: u8,
    pub(crate) is_compound: bool,
}

/// Which letters a word has, a bit each, and above them how many.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Shape(u32);

/// Words, numbered in the order in which they came.
#[derive(Clone, Default)]
pub(crate) struct Lexicon {
    entries: Vec<Entry>,
    /// A sketch of each word: apart from the rest and small, since it is all that most comparisons need.
    sketches: Vec<Sketch>,
    /// Open addressing over [`Word::hash`]; zero is free.
    slots: Vec<WordId>,
    /// How many records bear a name of a group of given names.
    groups: Vec<u32>,
}

// === impl Sketch ===

impl Sketch {
    fn of(entry: &Entry) -> Self {
        Self {
            lead: nickname::canonical_sound(entry.groups[0]).unwrap_or(entry.sound),
            own: entry.sound,
            shape: Shape::of(entry.letters, entry.word.len()),
            groups: mask(entry.groups),
            first: entry.word.first(),
            is_compound: entry.parts != [0; 2],
        }
    }
}

/// A bit for each group, several groups to a bit.
pub(crate) fn mask(groups: [u16; GROUPS_MAX]) -> u16 {
    groups.into_iter().filter(|group| *group != 0).fold(0, |mask, group| mask | 1 << (group % 16))
}

// === impl Shape ===

impl Shape {
    const LENGTH: u32 = 27;

    /// The shape of a word of these letters.
    #[inline]
    pub(crate) fn of(letters: u32, length: usize) -> Self {
        Self(letters | (length as u32) << Self::LENGTH)
    }

    /// How many letters it has.
    #[inline]
    pub(crate) fn len(self) -> usize {
        (self.0 >> Self::LENGTH) as usize
    }

    #[inline]
    fn letters(self) -> u32 {
        self.0 & ((1 << Self::LENGTH) - 1)
    }

    /// Whether one edit may lead from one word to the other, or none: it takes at most one letter away and brings at most one.
    #[inline]
    pub(crate) fn can_be_one_edit(self, other: Self) -> bool {
        self.len().abs_diff(other.len()) <= 1 && (self.letters() ^ other.letters()).count_ones() <= 2
    }

    /// Whether one word may begin with the other.
    #[inline]
    pub(crate) fn can_be_front(self, other: Self) -> bool {
        self.letters() & !other.letters() == 0 || other.letters() & !self.letters() == 0
    }

    /// Whether the other word may hold this one.
    #[inline]
    pub(crate) fn can_be_part_of(self, other: Self) -> bool {
        self.len() <= other.len() && self.letters() & !other.letters() == 0
    }

    /// Whether two words have letters enough in common for a Jaro-Winkler similarity of .88, which most have not: a bound on what
    /// comparing them would find.
    #[inline]
    pub(crate) fn can_be_similar(self, other: Self, common_front: usize) -> bool {
        // Winkler adds a tenth of what Jaro's similarity lacks for each letter in front, so that this much of Jaro's, in thousandths
        // and but for rounding, is needed to come to .88.
        const JARO: [usize; 5] = [878, 864, 847, 826, 797];
        let (ones, others) = (self.len(), other.len());
        let jaro = 1000 * (self.common(other) * (ones + others) + ones * others);
        JARO[common_front.min(4)] * 3 * ones * others <= jaro
    }

    /// How many letters two words have in common at most, wherever they stand.
    #[inline]
    fn common(self, other: Self) -> usize {
        let common = |own: Self, others: Self| own.len() - (own.letters() & !others.letters()).count_ones() as usize;
        common(self, other).min(common(other, self))
    }
}

// === impl Lexicon ===

impl Lexicon {
    /// The number of a word; zero for an empty one, [`UNKNOWN`] where it is not held.
    pub(crate) fn find(&self, word: &Word) -> WordId {
        self.find_compound(word, [0; 2])
    }

    /// Asks memory for where a word without parts is looked for.
    #[inline]
    pub(crate) fn prefetch_place(&self, word: &Word) {
        let mask = self.slots.len().wrapping_sub(1);
        prefetch_index(&self.slots, word.hash() as usize & mask);
    }

    /// Asks memory for the word that stands there.
    #[inline]
    pub(crate) fn prefetch_word(&self, word: &Word) {
        let mask = self.slots.len().wrapping_sub(1);
        let id = self.slots.get(word.hash() as usize & mask).copied().unwrap_or(0);
        prefetch_index(&self.entries, (id as usize).wrapping_sub(1));
    }

    /// Asks memory for the sketch of a word.
    #[inline]
    pub(crate) fn prefetch_sketch(&self, id: WordId) {
        prefetch_index(&self.sketches, (id as usize).wrapping_sub(1));
    }

    /// The number of a name with its parts, as [`find`](Self::find) gives it.
    pub(crate) fn find_name(&self, name: &Name) -> WordId {
        self.find_compound(&name.whole, name.parts.map(|part| self.find(&part)))
    }

    fn find_compound(&self, word: &Word, parts: [WordId; 2]) -> WordId {
        if word.is_empty() {
            return 0;
        }
        if self.slots.is_empty() {
            return UNKNOWN;
        }
        let id = self.slots[self.place(word, parts)];
        if id == 0 { UNKNOWN } else { id }
    }

    /// What is known of a word; `None` for nothing and for what is not held.
    pub(crate) fn get(&self, id: WordId) -> Option<&Entry> {
        (id as usize).checked_sub(1).and_then(|index| self.entries.get(index))
    }

    /// The sketch of a word; an empty one for nothing and for what is not held.
    #[inline]
    pub(crate) fn sketch(&self, id: WordId) -> Sketch {
        (id as usize).checked_sub(1).and_then(|index| self.sketches.get(index)).copied().unwrap_or_default()
    }

    /// Gives back room that no word fills.
    pub(crate) fn shrink_to_fit(&mut self) {
        self.entries.shrink_to_fit();
        self.sketches.shrink_to_fit();
    }

    /// How many words there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// How many records bear a name of this group.
    pub(crate) fn group_count(&self, group: u16) -> u32 {
        self.groups.get(usize::from(group)).copied().unwrap_or(0)
    }

    /// Takes in a word.
    pub(crate) fn intern(&mut self, word: &Word) -> WordId {
        self.add(word, [0; 2])
    }

    /// Takes in a name with its parts.
    pub(crate) fn intern_name(&mut self, name: &Name) -> WordId {
        let parts = name.parts.map(|part| self.add(&part, [0; 2]));
        self.add(&name.whole, parts)
    }

    /// Counts a bearer of a name in, or out again.
    pub(crate) fn count(&mut self, id: WordId, role: Role, comes: bool) {
        let step = |count: &mut u32| *count = if comes { count.saturating_add(1) } else { count.saturating_sub(1) };
        let Some(entry) = (id as usize).checked_sub(1).and_then(|index| self.entries.get_mut(index)) else { return };
        step(&mut entry.counts[role as usize]);
        let parts = entry.parts.into_iter().filter(|part| *part != 0 && *part != id);
        if role == Role::Given && self.groups.is_empty() {
            self.groups = vec![0; nickname::count() + 1];
        }
        for bearer in parts.chain([id]) {
            let entry = &mut self.entries[bearer as usize - 1];
            if bearer != id {
                step(&mut entry.counts[role as usize]);
            }
            if role == Role::Given {
                let groups = entry.groups.into_iter().filter(|group| *group != 0);
                groups.for_each(|group| step(&mut self.groups[usize::from(group)]));
            }
        }
    }

    /// All words in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Takes in a word as a snapshot has it.
    pub(crate) fn restore(&mut self, word: &Word, parts: [WordId; 2], counts: [u32; 2]) {
        let id = self.add(word, parts) as usize;
        if let Some(entry) = id.checked_sub(1).and_then(|index| self.entries.get_mut(index)) {
            entry.counts = counts;
        }
    }

    /// Counts the bearers of each group of given names anew.
    pub(crate) fn count_groups(&mut self) {
        self.groups = vec![0; nickname::count() + 1];
        for entry in &self.entries {
            for group in entry.groups.into_iter().filter(|group| *group != 0) {
                self.groups[usize::from(group)] += entry.counts[Role::Given as usize];
            }
        }
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
            + self.sketches.capacity() * size_of::<Sketch>()
            + (self.slots.capacity() + self.groups.capacity()) * size_of::<u32>()
    }

    fn add(&mut self, word: &Word, parts: [WordId; 2]) -> WordId {
        if word.is_empty() {
            return 0;
        }
        if self.slots.len() <= self.entries.len() * 2 {
            self.grow();
        }
        let place = self.place(word, parts);
        if self.slots[place] == 0 {
            let groups = nickname::groups(word);
            let own = sound(word);
            let entry = Entry { word: *word, sound: own, letters: word.letters(), groups, parts, counts: [0; 2] };
            self.sketches.push(Sketch::of(&entry));
            self.entries.push(entry);
            self.slots[place] = self.entries.len() as WordId;
        }
        self.slots[place]
    }

    /// Where a word stands or would: `delacruz` apart from `de la Cruz`, whose parts are known.
    fn place(&self, word: &Word, parts: [WordId; 2]) -> usize {
        let mask = self.slots.len() - 1;
        let mut place = (word.hash() ^ u64::from(parts[0]).wrapping_mul(31) ^ u64::from(parts[1])) as usize & mask;
        while let Some(entry) = self.get(self.slots[place])
            && (entry.word != *word || entry.parts != parts)
        {
            place = (place + 1) & mask;
        }
        place
    }

    fn grow(&mut self) {
        self.slots = vec![0; (self.entries.len() * 4).next_power_of_two().max(64)];
        for index in 0..self.entries.len() {
            let Entry { word, parts, .. } = self.entries[index];
            let place = self.place(&word, parts);
            self.slots[place] = index as WordId + 1;
        }
    }
}
