//! A claim made ready: normalised, looked up in the lexicons of a roster, its names taken apart.

use crate::Person;
use crate::lexicon::{Entry, Lexicon, Shape, WordId};
use crate::normal::name::Name;
use crate::normal::nickname::{self, GROUPS_MAX};
use crate::normal::sound::sound;
use crate::normal::{Normal, Word};
use crate::packed::{Lexicons, Packed};

/// A claim ready to be compared with the members of one roster.
#[derive(Clone)]
pub(crate) struct Claim {
    /// What the record itself says.
    pub(crate) first: Side,
    /// What else is known of the same person.
    pub(crate) others: Vec<Side>,
}

/// One reading of a claim.
#[derive(Clone, Copy)]
pub(crate) struct Side {
    pub(crate) normal: Normal,
    pub(crate) packed: Packed,
    pub(crate) given: Spelling,
    pub(crate) family: Spelling,
    /// The letters of the middle name, and the groups it belongs to.
    pub(crate) middle: (Shape, [u16; GROUPS_MAX]),
    pub(crate) street: Shape,
    pub(crate) mailbox: Shape,
}

/// A name of a claim, with all that comparing it takes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Spelling {
    pub(crate) id: WordId,
    pub(crate) word: Word,
    pub(crate) sound: u32,
    pub(crate) shape: Shape,
    pub(crate) groups: [u16; GROUPS_MAX],
    pub(crate) parts: [WordId; 2],
}

/// What a claim says, normalised: nothing of it has been looked up yet.
#[derive(Default)]
pub(crate) struct Said {
    first: Normal,
    others: Vec<Normal>,
}

// === impl Said ===

impl Said {
    /// Normalises a claim.
    pub(crate) fn of(person: &Person<'_>) -> Self {
        Self { first: Normal::of(person), others: person.also.iter().map(Normal::of).collect() }
    }

    /// Asks memory for where the lexicons look for its texts.
    pub(crate) fn prefetch_places(&self, lexicons: &Lexicons) {
        Packed::prefetch_places(&self.first, lexicons);
    }

    /// Asks memory for the words that stand there.
    pub(crate) fn prefetch_words(&self, lexicons: &Lexicons) {
        Packed::prefetch_words(&self.first, lexicons);
    }
}

// === impl Claim ===

impl Claim {
    /// Makes a claim ready.
    pub(crate) fn of(person: &Person<'_>, lexicons: &Lexicons) -> Self {
        let said = Said::of(person);
        said.prefetch_places(lexicons);
        said.prefetch_words(lexicons);
        Self::of_said(&said, lexicons)
    }

    /// Makes a claim ready that was normalised.
    pub(crate) fn of_said(said: &Said, lexicons: &Lexicons) -> Self {
        let others = said.others.iter().map(|also| Side::of(also, lexicons)).collect();
        Self { first: Side::of(&said.first, lexicons), others }
    }

    /// All readings.
    pub(crate) fn sides(&self) -> impl Iterator<Item = &Side> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

// === impl Side ===

impl Side {
    pub(crate) fn of(normal: &Normal, lexicons: &Lexicons) -> Self {
        let packed = Packed::look_up(normal, lexicons);
        Self {
            normal: *normal,
            packed,
            given: Spelling::of(&normal.given, packed.given, &lexicons.names),
            family: Spelling::of(&normal.family, packed.family, &lexicons.names),
            middle: middle(&normal.middle),
            street: shape(&normal.address.street),
            mailbox: shape(&normal.mailbox),
        }
    }
}

impl Side {
    /// A record of the roster as a claim, to be held against another record.
    pub(crate) fn of_record(record: &Packed, lexicons: &Lexicons) -> Self {
        let word = |id| lexicons.names.get(id).map(|entry| entry.word).unwrap_or_default();
        let mut normal = Normal { middle: word(record.middle), ..Normal::default() };
        normal.address.street = lexicons.places.get(record.street).map(|entry| entry.word).unwrap_or_default();
        let name = |id| Spelling::of(&Name { whole: word(id), ..Name::default() }, id, &lexicons.names);
        let (middle, street) = (middle(&normal.middle), shape(&normal.address.street));
        let (given, family, mailbox) = (name(record.given), name(record.family), Shape::default());
        Self { normal, packed: *record, given, family, middle, street, mailbox }
    }
}

fn middle(word: &Word) -> (Shape, [u16; GROUPS_MAX]) {
    let groups = if 1 < word.len() { nickname::groups(word) } else { [0; GROUPS_MAX] };
    (shape(word), groups)
}

fn shape(word: &Word) -> Shape {
    Shape::of(word.letters(), word.len())
}

// === impl Spelling ===

impl Spelling {
    fn of(name: &Name, id: WordId, lexicon: &Lexicon) -> Self {
        match lexicon.get(id) {
            Some(known) => {
                let Entry { word, sound, letters, groups, parts, .. } = *known;
                Self { id, word, sound, shape: Shape::of(letters, word.len()), groups, parts }
            }
            None => Self {
                id,
                word: name.whole,
                sound: sound(&name.whole),
                shape: shape(&name.whole),
                groups: name.groups(),
                parts: name.parts.map(|part| lexicon.find(&part)),
            },
        }
    }
}
