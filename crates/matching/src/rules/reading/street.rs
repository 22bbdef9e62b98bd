//! The street of an address in USPS abbreviations (Publication 28): `12 North Main Street, Apt 4` becomes `12 n main st`.

use std::collections::BTreeMap;

use super::text::spaced;

/// The street types and their abbreviations.
pub(super) struct StreetTypes(BTreeMap<&'static str, &'static str>);

/// Each line an abbreviation and the words that it stands for.
const TYPES: &str = include_str!("street_types.txt");

/// What a unit is called.
const UNITS: [&str; 40] = [
    "apartment",
    "apt",
    "basement",
    "bldg",
    "bsmt",
    "building",
    "department",
    "dept",
    "fl",
    "floor",
    "front",
    "frnt",
    "hangar",
    "hngr",
    "key",
    "lbby",
    "lobby",
    "lot",
    "lower",
    "lowr",
    "ofc",
    "office",
    "penthouse",
    "ph",
    "pier",
    "rear",
    "rm",
    "room",
    "slip",
    "space",
    "spc",
    "ste",
    "stop",
    "suite",
    "trailer",
    "trlr",
    "unit",
    "upper",
    "uppr",
    "side",
];

/// Whether a word names a unit.
pub(super) fn is_unit_word(word: &str) -> bool {
    UNITS.contains(&word)
}

// === impl StreetTypes ===

impl StreetTypes {
    /// Those of appendix C1.
    pub(super) fn new() -> Self {
        let lines = TYPES.lines().filter_map(|line| Some((line.split(' ').next()?, line)));
        Self(lines.flat_map(|(short, line)| line.split(' ').map(move |word| (word, short))).collect())
    }

    /// The street of an address of two lines: the one that begins with a house number, else the first that is no unit.
    pub(super) fn read(&self, line1: &str, line2: &str) -> Option<String> {
        if line1.is_empty() {
            return None;
        }
        let lines = [line1, line2].into_iter().map(|line| self.standard(line));
        let lines: Vec<String> = lines.filter(|line| !line.is_empty() && !is_unit(line)).collect();
        lines.iter().find(|line| is_numbered(line)).or(lines.first()).cloned()
    }

    /// A line in its standard form, without the unit.
    fn standard(&self, line: &str) -> String {
        let line = line.replace('#', " # ").replace(',', " , ");
        let words: Vec<String> = line.split_whitespace().map(word).filter(|word| !word.is_empty()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let end = unit_at(&words).unwrap_or(words.len());
        let words: Vec<&str> = words[..end].iter().copied().filter(|word| *word != ",").collect();
        spaced(&self.abbreviated(&words).join(" "))
    }

    /// The abbreviation of a street type.
    fn short(&self, word: &str) -> Option<&'static str> {
        self.0.get(word).copied()
    }

    /// Directions and street types shortened where they stand for such: not in `12 North Avenue`, nor in `12 Court Street`.
    fn abbreviated(&self, words: &[&str]) -> Vec<String> {
        let mut out: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let start = usize::from(words.first().is_some_and(|word| is_numbered(word)));
        let named = |next: &&str| self.short(next).is_none() || words.len() != start + 2;
        if start == 1
            && let Some(short) = words.get(1).and_then(|word| direction(word))
            && words.get(2).is_some_and(named)
        {
            out[1] = short.to_owned();
        }
        let end = self.shorten_last_direction(words, start, &mut out);
        match self.type_before_name(&words[start..end]) {
            Some((at, short)) => out[start + at] = short.to_owned(),
            None => self.shorten_last_type(words, start, end, &mut out),
        }
        out
    }

    /// Shortens the direction behind the type, and says where the rest ends.
    fn shorten_last_direction(&self, words: &[&str], start: usize, out: &mut [String]) -> usize {
        match words {
            [.., kind, last] if start + 2 < words.len() && self.short(kind).is_some() => match direction(last) {
                Some(short) => {
                    out[words.len() - 1] = short.to_owned();
                    words.len() - 1
                }
                None => words.len(),
            },
            _ => words.len(),
        }
    }

    /// `avenue of the americas`, `highway 61`, `county road 12`: where the type stands, and its abbreviation.
    fn type_before_name(&self, words: &[&str]) -> Option<(usize, &'static str)> {
        let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
        match words {
            [kind, "of", ..] => Some((0, self.short(kind)?)),
            [kind, number] if is_number(number) => Some((0, self.short(kind)?)),
            ["county" | "state" | "us", kind, number] if is_number(number) => Some((1, self.short(kind)?)),
            _ => None,
        }
    }

    fn shorten_last_type(&self, words: &[&str], start: usize, end: usize, out: &mut [String]) {
        let Some(short) = (start + 1 < end).then(|| self.short(words[end - 1])).flatten() else { return };
        out[end - 1] = short.to_owned();
        let is_no_name = |at: usize| at == start && direction(words[at]).is_some() || words[at] == "1/2";
        if (start..end - 2).all(is_no_name) {
            out[end - 2] = ordinal(words[end - 2]);
        }
    }
}

fn is_numbered(line: &str) -> bool {
    line.starts_with(|letter: char| letter.is_ascii_digit())
}

/// Whether a line is a unit alone: `apt 4`, `4b`, `3rd floor`.
fn is_unit(line: &str) -> bool {
    let words: Vec<&str> = line.split(' ').collect();
    let names = |word: &&str| is_numbered(word) || word.len() == 1;
    match words.as_slice() {
        [word] => word.len() <= 4 && word.bytes().any(|byte| byte.is_ascii_digit()),
        [word, rest @ ..] if is_unit_word(word) || word.starts_with('#') => rest.len() <= 2 && rest.iter().all(names),
        [number, "floor" | "fl", ..] => {
            is_numbered(number) && number.ends_with(|letter: char| letter.is_ascii_alphabetic())
        }
        _ => false,
    }
}

/// A word in lower-case ASCII; hyphens, slashes and the marks of units stay.
fn word(word: &str) -> String {
    let folded = deunicode::deunicode_with_tofu(&word.to_lowercase(), "");
    folded.chars().filter(|letter| letter.is_ascii_alphanumeric() || "-/#,".contains(*letter)).collect()
}

/// Where a unit begins behind the street.
fn unit_at(words: &[&str]) -> Option<usize> {
    (2..words.len()).find(|at| {
        let names = |word: &&str| word.bytes().any(|byte| byte.is_ascii_digit()) || word.len() == 1;
        words[*at] == "#" || is_unit_word(words[*at]) && words.get(at + 1).is_some_and(names)
    })
}

/// `5` of a `5 Avenue` is the fifth.
fn ordinal(word: &str) -> String {
    let Ok(number) = word.parse::<u32>() else { return word.to_owned() };
    let ending = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

fn direction(word: &str) -> Option<&'static str> {
    Some(match word {
        "north" | "n" => "n",
        "south" | "s" => "s",
        "east" | "e" => "e",
        "west" | "w" => "w",
        "northeast" | "north-east" | "ne" => "ne",
        "northwest" | "north-west" | "nw" => "nw",
        "southeast" | "south-east" | "se" => "se",
        "southwest" | "south-west" | "sw" => "sw",
        _ => return None,
    })
}
