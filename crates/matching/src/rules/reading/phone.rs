//! Phone numbers (C.3, C.4).

use super::pattern;
use crate::rules::book::Placeholders;

/// So many equal digits are no number.
const REPEATS_MIN: usize = 7;

/// A number in the form of E.164: ten digits of the North American plan, or what stands behind a plus sign. Extensions are cut off.
pub(super) fn read(text: &str, placeholders: &Placeholders) -> Option<String> {
    let text = without_extension(text.trim());
    let text = text.strip_prefix("tel:").unwrap_or(text);
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let abroad = text.starts_with('+') && !digits.starts_with('1');
    if pattern::repeats(&digits, REPEATS_MIN) || !abroad && pattern::any(&placeholders.phones, &digits) {
        return None;
    }
    if abroad {
        return (8..=15).contains(&digits.len()).then(|| format!("+{digits}"));
    }
    let national = if digits.len() == 11 { digits.strip_prefix('1')? } else { digits.as_str() };
    (national.len() == 10 && is_area(&national[..3])).then(|| format!("+1{national}"))
}

/// What an area code can be: its first digit is 2 to 9, and it ends in no 11 (those are services). Which of them are assigned changes
/// every year, and a table of them that lags behind would lose real numbers.
fn is_area(code: &str) -> bool {
    !code.starts_with(['0', '1']) && !code.ends_with("11")
}

/// The number before `x12`, `ext. 12`, `;ext=12`, `#12` or `,12`.
fn without_extension(text: &str) -> &str {
    let before = text.trim_end_matches(|letter: char| letter.is_ascii_digit()).trim_end();
    if before.len() == text.len() {
        return text;
    }
    let bare = before.trim_end_matches('.');
    for mark in [";ext=", "extension", "ext", "x", "#", ","] {
        let cut = bare.len().checked_sub(mark.len()).filter(|at| bare.is_char_boundary(*at));
        if let Some(at) = cut.filter(|at| bare[*at..].eq_ignore_ascii_case(mark)) {
            return bare[..at].trim_end();
        }
    }
    text
}
