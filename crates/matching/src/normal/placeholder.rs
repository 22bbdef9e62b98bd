//! What people write where they know nothing. It counts as missing: two records that are both `unknown` have nothing in common.
//!
//! The lists follow the placeholders that the CMS patient matching proposal names, and what intake desks and test systems enter.

use std::sync::LazyLock;

use super::vocabulary::Vocabulary;
use super::word::Word;

/// Words that are no name.
static NO_NAME: LazyLock<Vocabulary<()>> = LazyLock::new(|| {
    Vocabulary::set_of(
        "babyboy babygirl baby boy girl infant infantboy infantgirl newborn babya babyb twina twinb unknown unk unkn \
     none null nil na nan blank empty missing notprovided notavailable notgiven unspecified undefined anonymous \
     anon test testing tester testpatient patient member dummy fake sample demo xxx xxxx xx zzz zzzz zztest \
     noname nolastname nofirstname nomiddlename nmn nmi fnu lnu firstname lastname fname lname asdf qwerty tbd \
     declined refused deceased",
    )
});

/// Words that are no name beside another such word: John Doe is nobody, John Smith and Cameron Doe are somebody.
const NOBODY: &[(&str, &str)] =
    &[("john", "doe"), ("jane", "doe"), ("jon", "doe"), ("mickey", "mouse"), ("donald", "duck")];

/// Streets that are none.
static NO_STREET: LazyLock<Vocabulary<()>> = LazyLock::new(|| {
    Vocabulary::set_of(
        "unknown none na null homeless nofixedaddress nofixedabode generaldelivery undomiciled transient test \
     123mainst 123mainstreet 123anystreet 123anyst badaddress returnedmail addressunknown xxx x",
    )
});

/// Mailboxes that belong to nobody in particular.
static NO_MAILBOX: LazyLock<Vocabulary<()>> = LazyLock::new(|| {
    Vocabulary::set_of(
        "none noemail no na noreply donotreply unknown test declined refused noone nobody null noemailaddress \
     notprovided patient example abc x xx xxx a",
    )
});

/// Whether a name says nothing.
pub(crate) fn is_no_name(name: &Word) -> bool {
    let bytes = name.bytes();
    let is_one_letter = bytes.first().is_some_and(|first| 2 < bytes.len() && bytes.iter().all(|byte| byte == first));
    name.is_empty() || is_one_letter || bytes.iter().all(u8::is_ascii_digit) || NO_NAME.contains(name)
}

/// Whether given and family name together stand for nobody.
pub(crate) fn is_nobody(given: &Word, family: &Word) -> bool {
    NOBODY.iter().any(|(first, last)| given.bytes() == first.as_bytes() && family.bytes() == last.as_bytes())
}

/// Whether a street line says nothing.
pub(crate) fn is_no_street(line: &Word) -> bool {
    line.is_empty() || NO_STREET.contains(line)
}

/// Whether a mailbox (what stands before the `@`) says nothing.
pub(crate) fn is_no_mailbox(local: &Word) -> bool {
    local.is_empty() || NO_MAILBOX.contains(local)
}

/// Whether a string of digits was typed to fill a field: one digit over and over, or counting up or down, as 123456789.
pub(crate) fn is_filler(digits: &[u8]) -> bool {
    let steps_by =
        |step: u8| digits.windows(2).all(|pair| (pair[0] + step).wrapping_sub(b'0') % 10 == pair[1].wrapping_sub(b'0'));
    digits.is_empty() || steps_by(0) || 4 < digits.len() && (steps_by(1) || steps_by(9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_is_known() {
        for name in ["Baby Boy", "unknown", "TEST", "xxx", "zzzzz", "n/a", "123"] {
            assert!(is_no_name(&Word::of(name)), "{name}");
        }
        assert!(!is_no_name(&Word::of("Bo")) && !is_no_name(&Word::of("Ng")));
        assert!(is_nobody(&Word::of("John"), &Word::of("Doe")) && !is_nobody(&Word::of("John"), &Word::of("Dow")));
        for digits in ["999999999", "123456789", "987654321", "0000", "1234567890"] {
            assert!(is_filler(digits.as_bytes()), "{digits}");
        }
        assert!(!is_filler(b"123456780") && !is_filler(b"1234") && !is_filler(b"1213"));
    }
}
