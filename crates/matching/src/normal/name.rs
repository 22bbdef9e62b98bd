//! Names: given, middle, family, and the generation that stands behind one of them.

use std::sync::LazyLock;

use super::nickname;
use super::placeholder;
use super::vocabulary::Vocabulary;
use super::word::{Word, words};

/// The generation: a father and a son of one name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub enum Suffix {
    /// None is named.
    #[default]
    None,
    /// Jr, II.
    Junior,
    /// Sr, I.
    Senior,
    /// III.
    Third,
    /// IV and beyond.
    Later,
}

/// One name: as it is compared whole, and the parts of a compound.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Name {
    /// All parts joined.
    pub(crate) whole: Word,
    /// The parts of a compound without its particles: `garcia` and `lopez`, `cruz` of `de la Cruz`. Empty where the name is simple.
    pub(crate) parts: [Word; 2],
}

/// The names of one record.
#[derive(Clone, Copy, Default)]
pub(crate) struct Names {
    pub(crate) given: Name,
    pub(crate) middle: Word,
    pub(crate) family: Name,
    pub(crate) suffix: Suffix,
}

/// What stands in a family name and is none itself, in Romance, Germanic, Celtic, Arabic and Hebrew names.
static PARTICLES: LazyLock<Vocabulary<()>> = LazyLock::new(|| {
    Vocabulary::set(&[
        "de", "del", "dela", "la", "las", "los", "el", "le", "les", "du", "des", "da", "das", "do", "dos", "di",
        "della", "dal", "van", "von", "der", "den", "ter", "ten", "vom", "zu", "zum", "af", "av", "al", "ul", "ad",
        "ibn", "bin", "bint", "binti", "ben", "bar", "bat", "abu", "abd", "abdul", "mac", "mc", "o", "st", "san",
        "santa", "saint", "y", "e", "i", "ap", "ab",
    ])
});

/// What stands before a given name and is none.
static TITLES: LazyLock<Vocabulary<()>> = LazyLock::new(|| {
    Vocabulary::set(&["mr", "mrs", "ms", "miss", "dr", "prof", "rev", "sr", "sra", "hon", "fr", "sister", "brother"])
});

/// Degrees and the like behind a family name.
static DEGREES: LazyLock<Vocabulary<()>> =
    LazyLock::new(|| Vocabulary::set(&["md", "phd", "esq", "rn", "dds", "cpa", "jd", "do", "dvm", "np", "pa"]));

// === impl Names ===

impl Names {
    /// Reads the names of a record. `Smith, John` in one field is taken apart, a generation is found wherever it stands.
    pub(crate) fn of(given: &str, middle: &str, family: &str, suffix: &str) -> Self {
        let (given, family) = match (apart(given), apart(family)) {
            (Some((before, after)), _) if family.trim().is_empty() && generation_in(after).is_none() => (after, before),
            (_, Some((before, after))) if given.trim().is_empty() && generation_in(after).is_none() => (after, before),
            _ => (given, family),
        };
        let mut names = Self { suffix: Suffix::of(suffix), ..Self::default() };
        names.family = names.take_family(family);
        names.take_given(given, middle);
        if placeholder::is_nobody(&names.given.whole, &names.family.whole) {
            (names.given, names.family) = (Name::default(), Name::default());
        }
        names
    }

    fn take_family(&mut self, text: &str) -> Name {
        let mut tokens = Tokens::of(text);
        while let Some(last) = tokens.last().filter(|_| 1 < tokens.count) {
            let generation = Suffix::written(&last);
            if generation == Suffix::None && !DEGREES.contains(&last) {
                break;
            }
            if self.suffix == Suffix::None {
                self.suffix = generation;
            }
            tokens.count -= 1;
        }
        tokens.name(true)
    }

    fn take_given(&mut self, text: &str, middle: &str) {
        let mut tokens = Tokens::of(text);
        if 1 < tokens.count && TITLES.contains(&tokens.words[0]) {
            tokens.drop_first();
        }
        while let Some(last) = tokens.last().filter(|_| 1 < tokens.count) {
            let generation = Suffix::written(&last);
            if generation == Suffix::None || last.len() < 2 {
                break;
            }
            if self.suffix == Suffix::None {
                self.suffix = generation;
            }
            tokens.count -= 1;
        }
        let middle = Word::of(middle);
        self.middle = if placeholder::is_no_name(&middle) { Word::default() } else { middle };
        // `Mary A` holds an initial, not a second given name.
        if 1 < tokens.count && tokens.last().is_some_and(|last| last.len() == 1) {
            let initial = tokens.last().unwrap_or_default();
            tokens.count -= 1;
            if self.middle.is_empty() {
                self.middle = initial;
            }
        }
        self.given = tokens.name(false);
        if self.middle.is_empty() {
            self.middle = self.given.parts[1];
        }
    }
}

/// The words of a field, the first eight of them.
struct Tokens {
    words: [Word; Tokens::MAX],
    count: usize,
}

// === impl Tokens ===

impl Tokens {
    const MAX: usize = 8;

    fn of(text: &str) -> Self {
        let mut tokens = Self { words: Default::default(), count: 0 };
        for word in words(text).take(Self::MAX) {
            tokens.words[tokens.count] = word;
            tokens.count += 1;
        }
        tokens
    }

    fn last(&self) -> Option<Word> {
        self.count.checked_sub(1).map(|last| self.words[last])
    }

    fn drop_first(&mut self) {
        self.words.rotate_left(1);
        self.count -= 1;
    }

    /// The name these words make, its parts being those that are no particles.
    fn name(&self, has_particles: bool) -> Name {
        let words = &self.words[..self.count];
        let mut whole = Word::default();
        words.iter().for_each(|word| whole.append(word));
        if placeholder::is_no_name(&whole) {
            return Name::default();
        }
        let mut parts = [Word::default(); 2];
        if 1 < words.len() {
            let mut weighty =
                words.iter().filter(|word| 1 < word.len() && !(has_particles && PARTICLES.contains(word)));
            parts[0] = weighty.next().copied().unwrap_or_default();
            parts[1] = weighty.next_back().copied().unwrap_or_default();
        }
        Name { whole, parts }
    }
}

/// What stands before the first comma, and what behind it.
fn apart(text: &str) -> Option<(&str, &str)> {
    let comma = text.bytes().position(|byte| byte == b',')?;
    Some((&text[..comma], &text[comma + 1..]))
}

fn generation_in(text: &str) -> Option<Suffix> {
    Some(Suffix::of(text)).filter(|suffix| *suffix != Suffix::None)
}

// === impl Name ===

impl Name {
    /// The groups of names that may stand for this one.
    pub(crate) fn groups(&self) -> [u16; nickname::GROUPS_MAX] {
        let groups = nickname::groups(&self.whole);
        if groups[0] == 0 && !self.parts[0].is_empty() { nickname::groups(&self.parts[0]) } else { groups }
    }
}

// === impl Suffix ===

impl Suffix {
    /// Reads a suffix field.
    pub(crate) fn of(text: &str) -> Self {
        match Word::of(text).bytes() {
            b"jr" | b"junior" | b"ii" | b"2" | b"2nd" | b"jnr" | b"hijo" => Self::Junior,
            b"sr" | b"senior" | b"i" | b"1" | b"1st" | b"snr" => Self::Senior,
            b"iii" | b"3" | b"3rd" => Self::Third,
            b"iv" | b"v" | b"vi" | b"4" | b"5" | b"4th" | b"5th" => Self::Later,
            _ => Self::None,
        }
    }

    /// A generation written behind a name. Single letters and full words are names: somebody's initial, the family Senior.
    fn written(word: &Word) -> Self {
        match word.bytes() {
            b"jr" | b"ii" | b"2nd" | b"jnr" => Self::Junior,
            b"sr" | b"snr" => Self::Senior,
            b"iii" | b"3rd" => Self::Third,
            b"iv" | b"4th" => Self::Later,
            _ => Self::None,
        }
    }

    pub(crate) const ALL: [Self; 5] = [Self::None, Self::Junior, Self::Senior, Self::Third, Self::Later];
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(text: &str) -> (String, [String; 2], Suffix) {
        let names = Names::of("Ana", "", text, "");
        (names.family.whole.as_str().into(), names.family.parts.map(|part| part.as_str().into()), names.suffix)
    }

    #[test]
    fn family_names_keep_their_parts() {
        assert_eq!(family("De La Cruz"), ("delacruz".into(), ["cruz".into(), String::new()], Suffix::None));
        assert_eq!(family("García-López"), ("garcialopez".into(), ["garcia".into(), "lopez".into()], Suffix::None));
        assert_eq!(family("al-Hassan").1[0], "hassan");
        assert_eq!(family("Smith Jr."), ("smith".into(), Default::default(), Suffix::Junior));
        assert_eq!(family("Senior").0, "senior", "a family of that name");
        assert_eq!(family("Unknown").0, "");
        assert_eq!(family("O'Brien").0, "obrien");
    }

    #[test]
    fn given_names_lose_titles_and_initials() {
        let names = Names::of("Mr. John Q", "", "Public", "III");
        assert_eq!((names.given.whole.as_str(), names.middle.as_str(), names.suffix), ("john", "q", Suffix::Third));
        let names = Names::of("Mary Ann", "", "Lee", "");
        assert_eq!((names.given.whole.as_str(), names.middle.as_str()), ("maryann", "ann"));
        let names = Names::of("SMITH, JOHN", "", "", "");
        assert_eq!((names.given.whole.as_str(), names.family.whole.as_str()), ("john", "smith"));
        let names = Names::of("Baby Boy", "", "Smith", "");
        assert!(names.given.whole.is_empty());
    }
}
