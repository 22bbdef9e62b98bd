//! Patterns of placeholders.

/// Whether one of some patterns describes a text.
pub(super) fn any(patterns: &[String], text: &str) -> bool {
    patterns.iter().any(|pattern| describes(pattern.as_bytes(), text.as_bytes()))
}

/// `*` stands for any bytes, `?` for one.
fn describes(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), None) => describes(rest, text),
        (Some((b'*', rest)), Some((_, shorter))) => describes(rest, text) || describes(pattern, shorter),
        (Some((b'?', rest)), Some((_, shorter))) => describes(rest, shorter),
        (Some((letter, rest)), Some((first, shorter))) => letter == first && describes(rest, shorter),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// Whether a text is one character, so often or more.
pub(super) fn repeats(text: &str, times: usize) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|first| times <= text.chars().count() && letters.all(|letter| letter == first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_describe_what_they_look_like() {
        let any = |pattern: &str, text| any(&[pattern.to_owned()], text);
        assert!(any("baby*", "baby") && any("baby*", "babyboy") && !any("baby*", "bab"));
        assert!(any("*@example.com", "a@example.com") && !any("*@example.com", "a@example.com.au"));
        assert!(any("???555????", "6175551234") && !any("???555????", "16175551234"));
        assert!(any("", "") && !any("", "x") && any("*", ""));
    }

    #[test]
    fn repetition_is_of_one_character() {
        assert!(repeats("zzz", 3) && repeats("zzzz", 3));
        assert!(!repeats("zz", 3) && !repeats("zza", 3) && !repeats("", 0));
    }
}
