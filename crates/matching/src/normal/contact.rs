//! Phones and email addresses.

use super::placeholder::{is_filler, is_no_mailbox};
use super::word::{Word, mix};

/// The ten digits of a US number; zero for what is none. A leading 1 is the country, an extension behind ten digits is left out.
pub(crate) fn phone(text: &str) -> u64 {
    let base = text.bytes().take_while(|byte| !matches!(byte, b'x' | b'X' | b';'));
    let mut digits = [0u8; 11];
    let mut count = 0;
    for digit in base.filter(u8::is_ascii_digit) {
        if count == digits.len() {
            return 0;
        }
        digits[count] = digit;
        count += 1;
    }
    let digits = match &digits[..count] {
        [b'1', rest @ ..] if rest.len() == 10 => rest,
        whole if whole.len() == 10 => whole,
        _ => return 0,
    };
    // Neither an area nor an exchange begins with 0 or 1 (North American Numbering Plan).
    if digits[0] < b'2' || is_filler(digits) || is_filler(&digits[3..]) {
        return 0;
    }
    digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}

/// An email address: all of it and the mailbox alone, each as a hash, and what the mailbox is called. Zeros and no word for what is
/// none.
pub(crate) fn email(text: &str) -> (u32, u16, Word) {
    if text.is_empty() {
        return Default::default();
    }
    let Some((local, domain)) = text.trim().rsplit_once('@') else { return Default::default() };
    // What stands behind a plus sign is the owner's own filing.
    let own = local.bytes().position(|byte| byte == b'+').unwrap_or(local.len());
    let local = Word::of(&local[..own]);
    if is_no_mailbox(&local) || domain.is_empty() {
        return Default::default();
    }
    let mailbox = local.hash();
    let whole = mix(mailbox ^ Word::of(domain).hash());
    ((whole >> 32) as u32 | 1, (mailbox >> 48) as u16 | 1, local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_lose_their_dress() {
        for text in ["(555) 201-7788", "+1 555 201 7788", "555.201.7788 x12", "15552017788"] {
            assert_eq!(phone(text), 5_552_017_788, "{text}");
        }
        for text in ["201-7788", "+44 20 7946 0000", "000-000-0000", "999-999-9999", "1234567890", ""] {
            assert_eq!(phone(text), 0, "{text}");
        }
    }

    #[test]
    fn mailboxes_are_told_from_addresses() {
        assert_eq!(email("Ann.Lee@Example.org"), email("annlee+shop@example.ORG"));
        assert_eq!(email("annlee@example.org").1, email("annlee@example.com").1);
        assert_ne!(email("annlee@example.org").0, email("annlee@example.com").0);
        assert_eq!([email("none@none.com"), email("somebody"), email("")].map(|none| none.0), [0; 3]);
    }
}
