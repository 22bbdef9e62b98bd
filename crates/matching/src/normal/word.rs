//! A short text in the form in which texts are compared: ASCII, lower case, letters and digits only.

/// At most 23 letters and digits; what goes beyond is cut off.
///
/// The letters lie in three lanes of eight, zeros behind the last; the last byte is their number. So words are compared, hashed and
/// held against each other eight letters at a time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[repr(align(8))]
pub struct Word {
    bytes: [u8; Word::MAX + 1],
}

/// What a byte of a text is: the letter it stands for, or one of the marks below.
const CLASS: [u8; 256] = {
    let mut class = [LEFT_OUT; 256];
    let mut byte = 0;
    while byte < 256 {
        let of = byte as u8;
        if of.is_ascii_alphanumeric() {
            class[byte] = of.to_ascii_lowercase();
        } else if !of.is_ascii() {
            class[byte] = FOREIGN;
        } else if matches!(of, b' ' | b'\t'..=b'\r' | b'-' | b',' | b'/' | b'.' | b'_' | b';' | b'(' | b')') {
            class[byte] = BETWEEN;
        }
        byte += 1;
    }
    class
};
/// Nothing that is compared: an apostrophe, say, which joins what stands round it.
const LEFT_OUT: u8 = 0;
/// It stands between two words.
const BETWEEN: u8 = 1;
/// A part of a letter that is not ASCII.
const FOREIGN: u8 = 2;

// === impl Word ===

impl Word {
    /// The most letters a word has.
    pub const MAX: usize = 23;

    /// The letters and digits of a text, diacritics and case taken off, other scripts spelt in Latin letters.
    pub fn of(text: &str) -> Self {
        let mut letters = Letters::default();
        for byte in text.bytes() {
            match CLASS[usize::from(byte)] {
                LEFT_OUT | BETWEEN => {}
                FOREIGN => return Self::of_foreign(text),
                letter => letters.take(letter),
            }
        }
        letters.word()
    }

    #[cold]
    fn of_foreign(text: &str) -> Self {
        let mut word = Self::default();
        let latin = deunicode::AsciiChars::ascii_chars(text);
        latin.flatten().flat_map(str::bytes).for_each(|byte| word.push(byte));
        word
    }

    /// Adds a letter or digit; anything else, and what no longer fits, is left out.
    #[inline]
    pub(crate) fn push(&mut self, byte: u8) {
        if byte.is_ascii_alphanumeric() {
            self.take(byte.to_ascii_lowercase());
        }
    }

    #[inline]
    fn take(&mut self, letter: u8) {
        let length = self.len();
        if length < Self::MAX {
            self.bytes[length] = letter;
            self.bytes[Self::MAX] += 1;
        }
    }

    /// Adds all of another word.
    pub(crate) fn append(&mut self, other: &Self) {
        if self.is_empty() {
            *self = *other;
        } else {
            let (from, to) = (self.len(), (self.len() + other.len()).min(Self::MAX));
            self.bytes[from..to].copy_from_slice(&other.bytes[..to - from]);
            self.bytes[Self::MAX] = to as u8;
        }
    }

    /// Its letters.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len()]
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.bytes()).unwrap_or_default()
    }

    /// How many letters it has.
    #[inline]
    pub fn len(&self) -> usize {
        usize::from(self.bytes[Self::MAX]).min(Self::MAX)
    }

    /// Whether it says nothing.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.bytes[Self::MAX] == 0
    }

    /// Its first letter; zero where it has none.
    #[inline]
    pub(crate) fn first(&self) -> u8 {
        self.bytes[0]
    }

    /// How many letters two words have in common from the front.
    #[inline]
    pub(crate) fn common_front(&self, other: &Self) -> usize {
        let shorter = self.len().min(other.len());
        let mut common = 0;
        for (one, other) in self.lanes().into_iter().zip(other.lanes()) {
            let differing = one ^ other;
            if differing != 0 {
                return shorter.min(common + differing.trailing_zeros() as usize / 8);
            }
            common += 8;
        }
        shorter
    }

    /// Which letters it has: a bit for each letter, and one for all digits.
    pub(crate) fn letters(&self) -> u32 {
        self.bytes().iter().fold(0, |letters, byte| letters | 1 << byte.wrapping_sub(b'a').min(26))
    }

    /// A hash that is the same on every machine.
    #[inline]
    pub(crate) fn hash(&self) -> u64 {
        let [one, two, three] = self.lanes();
        let rest = two.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) ^ three.wrapping_mul(0xd6e8_feb8_6659_fd93);
        mix(one ^ rest)
    }

    /// Its letters eight at a time, the number of them in the last byte.
    #[inline]
    fn lanes(&self) -> [u64; 3] {
        let (lanes, _) = self.bytes.as_chunks::<8>();
        [u64::from_le_bytes(lanes[0]), u64::from_le_bytes(lanes[1]), u64::from_le_bytes(lanes[2])]
    }
}

/// A word that is being read: its letters are gathered eight at a time, and go to memory as they will be read from it.
#[derive(Default)]
struct Letters {
    lanes: [u64; 3],
    /// The letters of the lane that is not full yet.
    lane: u64,
    count: usize,
}

// === impl Letters ===

impl Letters {
    #[inline]
    fn take(&mut self, letter: u8) {
        if Word::MAX <= self.count {
            return;
        }
        self.lane |= u64::from(letter) << (self.count % 8 * 8);
        self.count += 1;
        if self.count.is_multiple_of(8) {
            self.lanes[self.count / 8 - 1] = self.lane;
            self.lane = 0;
        }
    }

    #[inline]
    fn word(mut self) -> Word {
        self.lanes[(self.count / 8).min(2)] = self.lane;
        self.lanes[2] |= (self.count as u64) << 56;
        let mut bytes = [0; Word::MAX + 1];
        let (lanes, _) = bytes.as_chunks_mut::<8>();
        lanes.iter_mut().zip(self.lanes).for_each(|(bytes, lane)| *bytes = lane.to_le_bytes());
        Word { bytes }
    }
}

impl std::fmt::Debug for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Word(secret)")
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every input bit reaches every output bit.
#[inline]
pub(crate) const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The words of a text, in its order: what stands between spaces, hyphens, commas, slashes, full stops; apostrophes join.
pub(crate) fn words(text: &str) -> Words<'_> {
    Words { rest: text }
}

/// What [`words`] gives.
pub(crate) struct Words<'a> {
    rest: &'a str,
}

// === impl Words ===

impl Words<'_> {
    /// The word that `rest` begins with, letters of any script.
    #[cold]
    fn next_foreign(&mut self) -> Word {
        let apart = |letter: char| {
            let is_between = letter.is_ascii() && CLASS[letter as usize & 127] == BETWEEN;
            is_between || matches!(letter, '\u{2010}' | '\u{2013}') || letter.is_whitespace()
        };
        let (token, rest) = self.rest.split_once(apart).unwrap_or((self.rest, ""));
        self.rest = rest;
        Word::of(token)
    }
}

impl Iterator for Words<'_> {
    type Item = Word;

    fn next(&mut self) -> Option<Word> {
        while !self.rest.is_empty() {
            let (mut letters, mut taken, mut foreign) = (Letters::default(), 0, None);
            for byte in self.rest.bytes() {
                match CLASS[usize::from(byte)] {
                    LEFT_OUT => taken += 1,
                    BETWEEN => break,
                    FOREIGN => {
                        (foreign, taken) = (Some(self.next_foreign()), 0);
                        break;
                    }
                    letter => {
                        letters.take(letter);
                        taken += 1;
                    }
                }
            }
            let word = foreign.unwrap_or_else(|| letters.word());
            // What stands between is ASCII, and is gone past with the word.
            let past = taken
                + usize::from(self.rest.as_bytes().get(taken).is_some_and(|byte| CLASS[usize::from(*byte)] == BETWEEN));
            self.rest = self.rest.get(past..).unwrap_or_default();
            if !word.is_empty() {
                return Some(word);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dress_and_script_are_taken_off() {
        for (text, plain) in [
            ("Muñoz", "munoz"),
            ("O'Brien", "obrien"),
            ("ŁUKASZ", "lukasz"),
            ("Nguyễn", "nguyen"),
            ("Straße", "strasse"),
            ("Иванов", "ivanov"),
            ("e\u{301}mile", "emile"),
        ] {
            assert_eq!(Word::of(text).as_str(), plain);
            assert_eq!(Word::of(plain).as_str(), plain, "twice is as once");
        }
        assert_eq!(
            words("de la Cruz-Lopez").map(|word| word.as_str().to_owned()).collect::<Vec<_>>(),
            ["de", "la", "cruz", "lopez"]
        );
        assert_eq!(Word::of(&"x".repeat(99)).len(), Word::MAX);
    }
}
