//! Values as numbers: every text that a roster holds, once.

use xxhash_rust::xxh3::xxh3_64;

/// A text's number.
pub(super) type Symbol = u32;

/// No text.
const FREE: Symbol = Symbol::MAX;

/// A table of texts, for four thousand million of them at most.
pub(super) struct Symbols {
    text: String,
    /// Where each text ends.
    ends: Vec<usize>,
    /// Open addressing by the text's hash; a power of two, at most half full.
    slots: Vec<Symbol>,
}

// === impl Symbols ===

impl Symbols {
    /// An empty table.
    pub(super) fn new() -> Self {
        Self { text: String::new(), ends: Vec::new(), slots: vec![FREE; 16] }
    }

    /// The number of a text, a new one where it has none.
    pub(super) fn intern(&mut self, text: &str) -> Symbol {
        let slot = self.slot(text);
        if self.slots[slot] != FREE {
            return self.slots[slot];
        }
        let symbol = self.ends.len() as Symbol;
        self.text.push_str(text);
        self.ends.push(self.text.len());
        self.slots[slot] = symbol;
        if self.slots.len() < 2 * self.ends.len() {
            self.grow();
        }
        symbol
    }

    /// The number of a text; none where no record holds it.
    pub(super) fn find(&self, text: &str) -> Option<Symbol> {
        Some(self.slots[self.slot(text)]).filter(|symbol| *symbol != FREE)
    }

    /// The text of a number.
    pub(super) fn text(&self, symbol: Symbol) -> &str {
        let at = symbol as usize;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[at]]
    }

    /// Where a text stands, or would.
    fn slot(&self, text: &str) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = xxh3_64(text.as_bytes()) as usize & mask;
        while self.slots[slot] != FREE && self.text(self.slots[slot]) != text {
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn grow(&mut self) {
        self.slots = vec![FREE; 2 * self.slots.len()];
        for symbol in 0..self.ends.len() as Symbol {
            let slot = self.slot(self.text(symbol));
            self.slots[slot] = symbol;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_has_one_number() {
        let mut symbols = Symbols::new();
        let texts: Vec<String> = (0..1_000).map(|number: u32| number.pow(2).to_string()).collect();
        let numbers: Vec<Symbol> = texts.iter().map(|text| symbols.intern(text)).collect();
        for (text, number) in texts.iter().zip(&numbers) {
            assert_eq!((symbols.intern(text), symbols.find(text), symbols.text(*number)), (*number, Some(*number), &**text));
        }
        assert_eq!(symbols.find("-"), None);
    }
}
