//! How far two spellings lie apart. Called only for the few candidates whose numbers already agree in something.

/// Whether one edit leads from one spelling to the other: a letter put in, left out or mistaken, or two neighbours swapped
/// (Damerau 1964).
pub(crate) fn is_one_edit(one: &[u8], other: &[u8]) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    if 1 < long.len() - short.len() || short.is_empty() {
        return false;
    }
    let same = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let (short, long) = (&short[same..], &long[same..]);
    if short.len() < long.len() {
        return short == &long[1..];
    }
    match (short, long) {
        ([], []) => false,
        ([a, b, rest @ ..], [c, d, others @ ..]) if a == d && b == c => rest == others,
        _ => short[1..] == long[1..],
    }
}

/// The similarity of Jaro (1989) and Winkler (1990) in thousandths, with the common prefix of up to four letters worth a tenth each.
pub(crate) fn jaro_winkler(one: &[u8], other: &[u8]) -> u32 {
    let (one, other) = (&one[..one.len().min(32)], &other[..other.len().min(32)]);
    if one.is_empty() || other.is_empty() {
        return 0;
    }
    let reach = (one.len().max(other.len()) / 2).saturating_sub(1);
    let (mut of_one, mut of_other) = (0u32, 0u32);
    for (at, letter) in one.iter().enumerate() {
        let from = at.saturating_sub(reach);
        let to = (at + reach + 1).min(other.len());
        let found = (from..to).find(|place| of_other & 1 << place == 0 && other[*place] == *letter);
        if let Some(place) = found {
            of_one |= 1 << at;
            of_other |= 1 << place;
        }
    }
    let matches = of_one.count_ones() as usize;
    if matches == 0 {
        return 0;
    }
    let marked = |letters: &'_ [u8], marks: u32| -> [u8; 32] {
        let mut chosen = [0; 32];
        let picked = letters.iter().enumerate().filter(|(at, _)| marks & 1 << at != 0);
        picked.zip(&mut chosen).for_each(|((_, letter), place)| *place = *letter);
        chosen
    };
    let (chosen, others) = (marked(one, of_one), marked(other, of_other));
    let moved = chosen[..matches].iter().zip(&others[..matches]).filter(|(a, b)| a != b).count() / 2;
    let jaro = 1000 * (matches * matches * (one.len() + other.len()) + (matches - moved) * one.len() * other.len())
        / (3 * matches * one.len() * other.len());
    let prefix = one.iter().zip(other).take(4).take_while(|(a, b)| a == b).count();
    (jaro + prefix * (1000 - jaro) / 10) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_edit_and_no_more() {
        for (one, other) in
            [("smith", "smyth"), ("smith", "smit"), ("smith", "simth"), ("smith", "ssmith"), ("ng", "mg")]
        {
            assert!(
                is_one_edit(one.as_bytes(), other.as_bytes()) && is_one_edit(other.as_bytes(), one.as_bytes()),
                "{one} {other}"
            );
        }
        for (one, other) in [("smith", "smith"), ("smith", "smots"), ("", "a"), ("smith", "smithers"), ("abcd", "badc")]
        {
            assert!(!is_one_edit(one.as_bytes(), other.as_bytes()), "{one} {other}");
        }
    }

    #[test]
    fn similarities_are_those_of_the_literature() {
        for (one, other, similarity) in
            [("martha", "marhta", 961), ("dixon", "dicksonx", 813), ("dwayne", "duane", 840), ("abc", "xyz", 0)]
        {
            let found = jaro_winkler(one.as_bytes(), other.as_bytes());
            assert!(found.abs_diff(similarity) <= 1, "{one} {other}: {found}");
        }
    }
}
