//! Fixed sets of words, looked up by hash.

use super::word::Word;

/// Words with a value each. Open addressing, at most half full.
pub(crate) struct Vocabulary<V> {
    slots: Vec<(Word, V)>,
    /// By the lower five bits of a first letter, a bit for each length that a word so beginning has: most words asked about are
    /// none of these, and that is known without hashing them.
    lengths: [u32; 32],
}

// === impl Vocabulary ===

impl<V: Copy + Default> Vocabulary<V> {
    /// A vocabulary of these words; of two entries for a word the first one stands.
    pub(crate) fn of(entries: impl IntoIterator<Item = (Word, V)>) -> Self {
        let entries: Vec<_> = entries.into_iter().collect();
        let slots = vec![Default::default(); (entries.len() * 2).next_power_of_two().max(2)];
        let mut vocabulary = Self { slots, lengths: [0; 32] };
        for (word, value) in entries.into_iter().filter(|(word, _)| !word.is_empty()) {
            let place = vocabulary.place(&word);
            if vocabulary.slots[place].0.is_empty() {
                vocabulary.slots[place] = (word, value);
                vocabulary.lengths[usize::from(word.first() & 31)] |= 1 << word.len();
            }
        }
        vocabulary
    }

    /// The value of a word.
    #[inline]
    pub(crate) fn get(&self, word: &Word) -> Option<V> {
        if self.lengths[usize::from(word.first() & 31)] >> word.len() & 1 == 0 {
            return None;
        }
        let (found, value) = &self.slots[self.place(word)];
        (!found.is_empty()).then_some(*value)
    }

    fn place(&self, word: &Word) -> usize {
        let mask = self.slots.len() - 1;
        let mut place = word.hash() as usize & mask;
        while !self.slots[place].0.is_empty() && self.slots[place].0 != *word {
            place = (place + 1) & mask;
        }
        place
    }
}

impl Vocabulary<()> {
    /// A plain set of words.
    pub(crate) fn set(words: &[&str]) -> Self {
        Self::of(words.iter().map(|word| (Word::of(word), ())))
    }

    /// The set of the words of a text.
    pub(crate) fn set_of(words: &str) -> Self {
        Self::of(words.split_whitespace().map(|word| (Word::of(word), ())))
    }

    /// Whether a word is one of them.
    pub(crate) fn contains(&self, word: &Word) -> bool {
        self.get(word).is_some()
    }
}

impl Vocabulary<Word> {
    /// Words with what stands for them: `long:short`, apart by spaces.
    pub(crate) fn pairs_of(pairs: &str) -> Self {
        let pairs = pairs.split_whitespace().filter_map(|pair| pair.split_once(':'));
        Self::of(pairs.map(|(long, short)| (Word::of(long), Word::of(short))))
    }
}
