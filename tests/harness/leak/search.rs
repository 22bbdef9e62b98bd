//! Looks for canaries in bytes, in every form in which a value gets into a record or a log line by mistake: as it is, in either
//! case, encoded, hashed without a secret, or shown as a list of numbers.

use std::fmt;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use sha2::{Digest, Sha256};

use super::canaries::Canary;

/// Finds any of many canaries in any form.
pub struct Searcher {
    automaton: AhoCorasick,
    /// For each pattern whose it is and its form.
    patterns: Vec<(String, Form)>,
}

/// How a value appears.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Form {
    /// As it is, upper or lower case.
    Plain,
    /// In base64, at one of three alignments.
    Base64,
    /// In base64 for URLs.
    Base64Url,
    /// In hexadecimal, upper or lower case.
    Hex,
    /// As a list of decimal numbers, as bytes are shown in debugging.
    Numbers,
    /// Its unsalted SHA-256: raw, in hexadecimal or in base64.
    Sha256,
}

/// A canary where none may be. The value itself is not repeated.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Hit {
    name: String,
    form: Form,
}

// === impl Searcher ===

impl Searcher {
    /// A searcher for these.
    pub fn of(canaries: &[Canary]) -> Self {
        let (mut patterns, mut needles) = (Vec::new(), Vec::new());
        for canary in canaries {
            for (form, needle) in forms(&canary.value) {
                patterns.push((canary.name.clone(), form));
                needles.push(needle);
            }
        }
        // Every form counts without case, which base64 can afford: its needles are long.
        let automaton = AhoCorasickBuilder::new().ascii_case_insensitive(true).build(needles).expect("an automaton");
        Self { automaton, patterns }
    }

    /// The canaries in these bytes.
    pub fn search(&self, bytes: &[u8]) -> Vec<Hit> {
        let found = self.automaton.find_overlapping_iter(bytes);
        let hit = |pattern: usize| Hit { name: self.patterns[pattern].0.clone(), form: self.patterns[pattern].1 };
        found.map(|found| hit(found.pattern().as_usize())).collect()
    }
}

impl Hit {
    /// Whether it is this canary, as it was planted.
    pub fn is(&self, canary: &Canary) -> bool {
        self.name == canary.name && self.form == Form::Plain
    }
}

impl fmt::Display for Hit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as {:?}", self.name, self.form)
    }
}

/// All needles of a value.
fn forms(value: &str) -> Vec<(Form, Vec<u8>)> {
    let bytes = value.as_bytes();
    let mut forms = vec![
        (Form::Plain, bytes.to_vec()),
        (Form::Hex, hex::encode(bytes).into_bytes()),
        (Form::Numbers, bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ").into_bytes()),
    ];
    for skipped in 0..3 {
        forms.push((Form::Base64, aligned(&STANDARD, bytes, skipped)));
        forms.push((Form::Base64Url, aligned(&URL_SAFE, bytes, skipped)));
    }
    for said in [value.to_owned(), value.to_lowercase(), value.to_uppercase()] {
        let digest = Sha256::digest(said);
        forms.push((Form::Sha256, digest.to_vec()));
        forms.push((Form::Sha256, hex::encode(digest).into_bytes()));
        forms.push((Form::Sha256, aligned(&STANDARD, &digest, 0)));
    }
    forms
}

/// The characters that stand for these bytes wherever they follow `skipped` others, modulo three, and whatever follows them.
fn aligned(engine: &impl Engine, bytes: &[u8], skipped: usize) -> Vec<u8> {
    let text = engine.encode([&vec![0; skipped], bytes].concat());
    let first = (skipped * 8).div_ceil(6);
    let last = (skipped + bytes.len()) * 8 / 6;
    text.as_bytes()[first..last].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUE: &str = "Canary-7f3aQ/9";

    fn searcher() -> Searcher {
        Searcher::of(&[Canary { name: "field of test".to_owned(), value: VALUE.to_owned() }])
    }

    #[test]
    fn every_form_is_found_wherever_it_stands() {
        let bytes = VALUE.as_bytes();
        let swapped = |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        let mut planted: Vec<(Form, Vec<u8>)> = vec![
            (Form::Plain, bytes.to_vec()),
            (Form::Plain, VALUE.to_lowercase().into_bytes()),
            (Form::Plain, VALUE.to_uppercase().into_bytes()),
            (Form::Plain, VALUE.chars().map(swapped).collect::<String>().into_bytes()),
            (Form::Hex, hex::encode(bytes).into_bytes()),
            (Form::Hex, hex::encode_upper(bytes).into_bytes()),
            (Form::Numbers, format!("{bytes:?}").into_bytes()),
            (Form::Sha256, Sha256::digest(bytes).to_vec()),
            (Form::Sha256, hex::encode_upper(Sha256::digest(bytes)).into_bytes()),
            (Form::Sha256, hex::encode(Sha256::digest(VALUE.to_lowercase())).into_bytes()),
            (Form::Sha256, STANDARD.encode(Sha256::digest(bytes)).into_bytes()),
        ];
        for before in 0..6 {
            for after in 0..3 {
                let longer = [&b"before"[..before], bytes, &b"after"[..after]].concat();
                planted.push((Form::Base64, STANDARD.encode(&longer).into_bytes()));
                planted.push((Form::Base64Url, URL_SAFE.encode(&longer).into_bytes()));
            }
        }
        for (form, needle) in planted {
            let hay = [&[0xc3, 0, b'C', b'a'][..], &needle, b"Canary"].concat();
            let hit = Hit { name: "field of test".to_owned(), form };
            assert!(searcher().search(&hay).contains(&hit), "{form:?} in {:?}", String::from_utf8_lossy(&hay));
        }
    }

    #[test]
    fn nothing_else_is_found() {
        let hay: Vec<u8> =
            (0..200_000_u32).flat_map(|number| Sha256::digest(number.to_be_bytes()).to_vec()).take(1 << 20).collect();
        assert_eq!(searcher().search(&hay), []);
        assert_eq!(searcher().search(b"Canary-7f3aQ 9, Canary-7f3aQ/8"), []);
        let told = Hit { name: "field of test".to_owned(), form: Form::Hex }.to_string();
        assert_eq!(told, "field of test as Hex", "a hit does not repeat the value");
    }
}
