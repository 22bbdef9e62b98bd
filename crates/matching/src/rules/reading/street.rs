//! The street of an address in USPS abbreviations (Publication 28): `12 North Main Street, Apt 4` becomes `12 n main st`.

use super::text::spaced;

/// Each line an abbreviation and the words that it stands for.
const TYPES: &str = include_str!("street_types.txt");

/// What a unit is called.
const UNITS: [&str; 40] = [
    "apartment", "apt", "basement", "bldg", "bsmt", "building", "department", "dept", "fl", "floor", "front", "frnt", "hangar",
    "hngr", "key", "lbby", "lobby", "lot", "lower", "lowr", "ofc", "office", "penthouse", "ph", "pier", "rear", "rm", "room", "slip",
    "space", "spc", "ste", "stop", "suite", "trailer", "trlr", "unit", "upper", "uppr", "side",
];

/// Whether a word names a unit.
pub(super) fn is_unit_word(word: &str) -> bool {
    UNITS.contains(&word)
}

/// The street of an address of two lines: the one that begins with a house number, else the first that is no unit.
pub(super) fn read(line1: &str, line2: &str) -> Option<String> {
    if line1.is_empty() {
        return None;
    }
    let lines: Vec<String> =
        [line1, line2].into_iter().map(standard).filter(|line| !line.is_empty() && !is_unit(line)).collect();
    let numbered = lines.iter().find(|line| line.starts_with(|letter: char| letter.is_ascii_digit()));
    numbered.or(lines.first()).cloned()
}

/// Whether a line is a unit alone: `apt 4`, `4b`, `3rd floor`.
fn is_unit(line: &str) -> bool {
    let words: Vec<&str> = line.split(' ').collect();
    let numbered = |word: &str| word.starts_with(|letter: char| letter.is_ascii_digit());
    let names = |word: &&str| numbered(word) || word.len() == 1;
    match words.as_slice() {
        [word] => word.len() <= 4 && word.bytes().any(|byte| byte.is_ascii_digit()),
        [word, rest @ ..] if is_unit_word(word) || word.starts_with('#') => rest.len() <= 2 && rest.iter().all(|word| names(word)),
        [number, "floor" | "fl", ..] => numbered(number) && number.ends_with(|letter: char| letter.is_ascii_alphabetic()),
        _ => false,
    }
}

/// A line in its standard form, without the unit.
fn standard(line: &str) -> String {
    let line = line.replace('#', " # ").replace(',', " , ");
    let words: Vec<String> = line.split_whitespace().map(word).filter(|word| !word.is_empty()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let end = unit_at(&words).unwrap_or(words.len());
    let words: Vec<&str> = words[..end].iter().copied().filter(|word| *word != ",").collect();
    spaced(&abbreviated(&words).join(" "))
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

/// Directions and street types shortened where they stand for such: not in `12 North Avenue`, nor in `12 Court Street`.
fn abbreviated(words: &[&str]) -> Vec<String> {
    let mut out: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let Some(start) = words.first().filter(|word| word.starts_with(|letter: char| letter.is_ascii_digit())).map(|_| 1) else {
        return short_type(words, 0, out);
    };
    if let Some(short) = words.get(start).and_then(|word| direction(word))
        && !words.get(start + 1).is_none_or(|next| kind(next).is_some() && words.len() == start + 2)
    {
        out[start] = short.to_owned();
    }
    short_type(words, start, out)
}

fn short_type(words: &[&str], start: usize, mut out: Vec<String>) -> Vec<String> {
    let mut end = words.len();
    if start + 2 < end
        && let Some(short) = direction(words[end - 1])
        && kind(words[end - 2]).is_some()
    {
        end -= 1;
        out[end] = short.to_owned();
    }
    let before = match words.get(start..end) {
        Some([first, "of", ..]) => kind(first).map(|short| (start, short)),
        Some([first, last]) if last.bytes().all(|byte| byte.is_ascii_digit()) => kind(first).map(|short| (start, short)),
        Some(["county" | "state" | "us", second, last]) if last.bytes().all(|byte| byte.is_ascii_digit()) => {
            kind(second).map(|short| (start + 1, short))
        }
        _ => None,
    };
    if let Some((at, short)) = before {
        out[at] = short.to_owned();
    } else if start + 1 < end
        && let Some(short) = kind(words[end - 1])
    {
        out[end - 1] = short.to_owned();
        if end == start + 2 {
            out[start] = ordinal(words[start]);
        }
    }
    out
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

/// The abbreviation of a street type.
fn kind(word: &str) -> Option<&'static str> {
    TYPES.lines().find(|line| line.split(' ').any(|name| name == word)).and_then(|line| line.split(' ').next())
}
