//! How a name sounds, roughly: a blocking key that survives most slips of the pen and most transliterations.

use super::word::Word;

/// The sound of a name as up to six digits of base 16: the class of its first letter, then those of its consonants, doubles and
/// vowels left out. Zero for nothing.
///
/// Classes are wider than Soundex's at the front (`C`, `K` and `Q` are one, `PH` is `F`, a leading vowel is any vowel) and narrower
/// behind (`B` and `V` differ), since blocks stay small by the other fields of a key.
pub(crate) fn sound(word: &Word) -> u32 {
    let bytes = word.bytes();
    let mut code = 0u32;
    let mut last = 0u8;
    let mut count = 0;
    let mut at = 0;
    while at < bytes.len() && count < 6 {
        let (class, taken) = class(&bytes[at..], at == 0);
        at += taken;
        if class == VOWEL && count != 0 {
            // A vowel between two alike consonants keeps them apart: Lilly sounds otherwise than Lil.
            last = 0;
            continue;
        }
        if class != 0 && class != last {
            code = code << 4 | u32::from(class);
            count += 1;
        }
        if class != 0 {
            last = class;
        }
    }
    code
}

const VOWEL: u8 = 1;

/// The class of what stands first in `rest`, and how many letters it takes.
fn class(rest: &[u8], is_first: bool) -> (u8, usize) {
    let next = rest.get(1).copied().unwrap_or(0);
    match (rest[0], next) {
        (b'p', b'h') | (b'g', b'h') if is_first || rest[0] == b'p' => (if rest[0] == b'p' { 3 } else { 7 }, 2),
        (b'g', b'h') => (0, 2),
        (b'c', b'h') | (b's', b'h') | (b't', b'j') => (8, 2),
        (b's', b'c') if rest.get(2) == Some(&b'h') => (8, 3),
        (b't', b'h') => (9, 2),
        (b'c', b'k') => (6, 2),
        (b'k', b'n') | (b'w', b'r') | (b'p', b's') if is_first => class(&rest[1..], false),
        (b'c', b'e' | b'i' | b'y') => (10, 1),
        (b'a' | b'e' | b'i' | b'o' | b'u', _) => (VOWEL, 1),
        (b'y', _) => (if is_first { 11 } else { VOWEL }, 1),
        (b'b', _) => (2, 1),
        (b'f' | b'v', _) => (3, 1),
        (b'p', _) => (4, 1),
        (b'c' | b'k' | b'q', _) => (6, 1),
        (b'g', _) => (7, 1),
        (b'j', _) => (if is_first { 11 } else { 8 }, 1),
        (b'd' | b't', _) => (9, 1),
        (b's' | b'z' | b'x', _) => (10, 1),
        (b'l', _) => (12, 1),
        (b'm' | b'n', _) => (13, 1),
        (b'r', _) => (14, 1),
        (b'h' | b'w', _) => (if is_first { 15 } else { 0 }, 1),
        _ => (5, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alike_names_sound_alike() {
        let sound = |name: &str| sound(&Word::of(name));
        for (one, other) in [
            ("Smith", "Smyth"),
            ("Catherine", "Katherine"),
            ("Stephen", "Stefan"),
            ("Meyer", "Maier"),
            ("Schmidt", "Shmit"),
            ("Knight", "Nite"),
        ] {
            assert_eq!(sound(one), sound(other), "{one} {other}");
        }
        assert_ne!(sound("Robert"), sound("Richard"));
        assert_eq!(sound(""), 0);
    }
}
