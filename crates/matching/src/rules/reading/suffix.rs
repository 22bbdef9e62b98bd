//! Generations: what stands behind a name and tells father from son (B.5, B.6).

use super::text::solid;
use crate::rules::values::Generations;

/// The generations that a suffix names: `Jr., MD` is junior, `the 2nd` the second, `PhD` none.
pub(super) fn read(text: &str) -> Generations {
    text.split([' ', '\t', ',', ';', '/', '-', '.'])
        .filter_map(generation)
        .fold(Generations::default(), Generations::or)
}

/// A family name and the generations written behind it: `King, Jr.` is `King` and junior. Only what is no name by itself counts.
pub(super) fn behind(family: &str) -> (String, Generations) {
    let mut words: Vec<&str> = family.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let mut found = Generations::default();
    while 1 < words.len() {
        let Some(generation) = words.last().filter(|word| is_unmistakable(word)).and_then(|word| generation(word))
        else {
            break;
        };
        found = found.or(generation);
        words.pop();
    }
    (words.join(" "), found)
}

fn is_unmistakable(word: &str) -> bool {
    matches!(solid(word).as_str(), "jr" | "jnr" | "sr" | "snr" | "ii" | "iii" | "iv" | "2nd" | "3rd" | "4th")
}

fn generation(word: &str) -> Option<Generations> {
    let word = solid(word);
    match word.as_str() {
        "jr" | "junior" | "jnr" => return Some(Generations::JUNIOR),
        "sr" | "senior" | "snr" => return Some(Generations::SENIOR),
        _ => {}
    }
    let words = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];
    let number = match words.iter().zip(1..).find(|(name, _)| **name == word) {
        Some((_, number)) => Some(number),
        None => numeral(&word).or_else(|| roman(&word)),
    };
    number.and_then(Generations::number)
}

/// `2`, `2nd`, `3d`.
fn numeral(word: &str) -> Option<u32> {
    let digits = word.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    matches!(&word[digits.len()..], "" | "st" | "nd" | "rd" | "th" | "d").then(|| digits.parse().ok()).flatten()
}

/// `iv`, `xii`.
fn roman(word: &str) -> Option<u32> {
    let mut letters = Vec::new();
    for letter in word.chars() {
        letters.push(match letter {
            'i' => 1_u32,
            'v' => 5,
            'x' => 10,
            _ => return None,
        });
    }
    let less = |at: usize| letters.get(at + 1).is_some_and(|next| letters[at] < *next);
    let (minus, plus): (Vec<usize>, Vec<usize>) = (0..letters.len()).partition(|at| less(*at));
    let sum = |places: Vec<usize>| places.into_iter().map(|at| letters[at]).sum::<u32>();
    sum(plus).checked_sub(sum(minus))
}
