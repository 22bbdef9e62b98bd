//! Values as numbers: every text that a roster holds, once.

use xxhash_rust::xxh3::xxh3_64;

/// A text's number.
pub(super) type Symbol = u32;

/// A place in the table: a text's number, and the upper half of its hash, which spares looking at most other texts.
#[derive(Clone, Copy)]
struct Slot {
    tag: u32,
    symbol: Symbol,
}

/// A place without a text.
const FREE: Slot = Slot { tag: 0, symbol: Symbol::MAX };

/// A table of texts, for four thousand million of them at most.
pub(super) struct Symbols {
    text: String,
    /// Where each text ends.
    ends: Vec<usize>,
    /// Open addressing by tag; a power of two, at most half full.
    slots: Vec<Slot>,
}

// === impl Symbols ===

impl Symbols {
    /// An empty table.
    pub(super) fn new() -> Self {
        Self { text: String::new(), ends: Vec::new(), slots: vec![FREE; 16] }
    }

    /// The number of a text, a new one where it has none.
    pub(super) fn intern(&mut self, text: &str) -> Symbol {
        let tag = tag(text);
        let at = self.slot(tag, text);
        if self.slots[at].symbol != FREE.symbol {
            return self.slots[at].symbol;
        }
        let symbol = self.ends.len() as Symbol;
        self.text.push_str(text);
        self.ends.push(self.text.len());
        self.slots[at] = Slot { tag, symbol };
        if self.slots.len() < 2 * self.ends.len() {
            self.grow();
        }
        symbol
    }

    /// The number of a text; none where no record holds it.
    pub(super) fn find(&self, text: &str) -> Option<Symbol> {
        Some(self.slots[self.slot(tag(text), text)].symbol).filter(|symbol| *symbol != FREE.symbol)
    }

    /// The text of a number.
    pub(super) fn text(&self, symbol: Symbol) -> &str {
        let at = symbol as usize;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[at]]
    }

    /// What it takes in memory, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.text.len() + size_of::<usize>() * self.ends.len() + size_of::<Slot>() * self.slots.len()
    }

    /// Where a text stands, or would.
    fn slot(&self, tag: u32, text: &str) -> usize {
        let is = |slot: Slot| slot.symbol == FREE.symbol || slot.tag == tag && self.text(slot.symbol) == text;
        probe(&self.slots, tag, is)
    }

    fn grow(&mut self) {
        let mut slots = vec![FREE; 2 * self.slots.len()];
        for slot in self.slots.iter().filter(|slot| slot.symbol != FREE.symbol) {
            let at = probe(&slots, slot.tag, |other| other.symbol == FREE.symbol);
            slots[at] = *slot;
        }
        self.slots = slots;
    }
}

/// The first place from a tag's own on that is what is looked for.
fn probe(slots: &[Slot], tag: u32, is: impl Fn(Slot) -> bool) -> usize {
    let mask = slots.len() - 1;
    let mut at = tag as usize & mask;
    while !is(slots[at]) {
        at = (at + 1) & mask;
    }
    at
}

fn tag(text: &str) -> u32 {
    (xxh3_64(text.as_bytes()) >> 32) as u32
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
            assert_eq!(
                (symbols.intern(text), symbols.find(text), symbols.text(*number)),
                (*number, Some(*number), &**text)
            );
        }
        assert_eq!(symbols.find("-"), None);
    }
}
