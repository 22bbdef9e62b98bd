//! Texts without case, diacritics and punctuation (A.1 to A.4).

use std::borrow::Cow;

use deunicode::deunicode_with_tofu;

/// A text in lower-case ASCII letters and digits, its spaces kept: `Señora  O'Brien` becomes `senora  obrien`. Other scripts are
/// transliterated.
pub(super) fn plain(text: &str) -> String {
    let kept = |letter: &char| letter.is_ascii_alphanumeric() || letter.is_ascii_whitespace() || *letter == '_';
    let folded =
        if text.is_ascii() { Cow::Borrowed(text) } else { deunicode_with_tofu(&text.to_lowercase(), "").into() };
    folded.chars().filter(kept).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// The same without spaces.
pub(super) fn solid(text: &str) -> String {
    let mut text = plain(text);
    text.retain(|letter| !letter.is_ascii_whitespace());
    text
}

/// A text whose words are parted by single spaces.
pub(super) fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
