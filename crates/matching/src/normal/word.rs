//! A short text in the form in which texts are compared: ASCII, lower case, letters and digits only.

/// At most 23 letters and digits; what goes beyond is cut off.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Word {
    bytes: [u8; Word::MAX],
    length: u8,
}

// === impl Word ===

impl Word {
    /// The most letters a word has.
    pub const MAX: usize = 23;

    /// The letters and digits of a text, diacritics and case taken off, other scripts spelt in Latin letters.
    pub fn of(text: &str) -> Self {
        let mut word = Self::default();
        if text.is_ascii() {
            text.bytes().for_each(|byte| word.push(byte));
        } else {
            let latin = deunicode::AsciiChars::ascii_chars(text);
            latin.flatten().flat_map(str::bytes).for_each(|byte| word.push(byte));
        }
        word
    }

    /// Adds a letter or digit; anything else, and what no longer fits, is left out.
    #[inline]
    pub(crate) fn push(&mut self, byte: u8) {
        if byte.is_ascii_alphanumeric() && usize::from(self.length) < Self::MAX {
            self.bytes[usize::from(self.length)] = byte.to_ascii_lowercase();
            self.length += 1;
        }
    }

    /// Adds all of another word.
    pub(crate) fn append(&mut self, other: &Self) {
        other.bytes().iter().for_each(|byte| self.push(*byte));
    }

    /// Its letters.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.bytes()).unwrap_or_default()
    }

    /// How many letters it has.
    pub fn len(&self) -> usize {
        usize::from(self.length)
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Which letters it has: a bit for each letter, and one for all digits.
    pub(crate) fn letters(&self) -> u32 {
        self.bytes().iter().fold(0, |letters, byte| letters | 1 << byte.wrapping_sub(b'a').min(26))
    }

    /// A hash that is the same on every machine.
    pub(crate) fn hash(&self) -> u64 {
        let (chunks, _) = self.bytes.as_chunks::<8>();
        let last = u64::from_le_bytes(std::array::from_fn(|at| self.bytes.get(16 + at).copied().unwrap_or(0)));
        mix(mix(mix(u64::from_le_bytes(chunks[0])) ^ u64::from_le_bytes(chunks[1])) ^ last)
    }
}

impl std::fmt::Debug for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Word(secret)")
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every input bit reaches every output bit.
pub(crate) const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The words of a text, in its order: what stands between spaces, hyphens, commas, slashes, full stops; apostrophes join.
pub(crate) fn words(text: &str) -> impl Iterator<Item = Word> + '_ {
    let apart = |letter: char| {
        let is_mark = matches!(letter, ' ' | '-' | ',' | '/' | '.' | '_' | ';' | '(' | ')' | '\u{2010}' | '\u{2013}');
        is_mark || letter.is_whitespace()
    };
    text.split(apart).map(Word::of).filter(|word| !word.is_empty())
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
