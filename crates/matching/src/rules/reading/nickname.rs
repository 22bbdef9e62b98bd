//! What people are called beside their name (B.1).

use std::collections::BTreeMap;

use super::text::solid;

/// A table of given names and their nicknames. One way: a Robert may be called Bob, a Bob is not called Robert.
#[derive(Clone, Default)]
pub struct Nicknames(BTreeMap<String, Vec<String>>);

// === impl Nicknames ===

impl Nicknames {
    /// Reads lines of the form `robert: bob, rob`; what stands behind `#` is a remark, and a line without a colon says nothing.
    pub fn parse(text: &str) -> Self {
        let mut table: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in text.lines().map(|line| line.split('#').next().unwrap_or("")) {
            let Some((name, nicknames)) = line.split_once(':') else { continue };
            let nicknames = nicknames.split(',').map(solid).filter(|nickname| !nickname.is_empty());
            table.entry(solid(name)).or_default().extend(nicknames);
        }
        Self(table)
    }

    /// The nicknames of a name, as reading leaves it.
    pub fn of(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
}
