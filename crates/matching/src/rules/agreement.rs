//! When values agree that are not the same (section V.E).

use super::book::Fuzzy;
use super::field::Field;
use super::reading::day;

/// Parts the street from its ZIP code; neither holds it.
const BEFORE_ZIP: char = '|';

/// Whether two values of a field are within the limits of fuzzy comparison. Equal values are, as far as they are long enough.
pub(super) fn near(field: Field, left: &str, right: &str, limits: Fuzzy) -> bool {
    if field == Field::BirthDate {
        return matches!((day(left), day(right)), (Some(left), Some(right)) if left.abs_diff(right) <= limits.days);
    }
    if field == Field::Street {
        let (left, right) = (left.rsplit_once(BEFORE_ZIP), right.rsplit_once(BEFORE_ZIP));
        return matches!((left, right), (Some((left, zip)), Some((right, other)))
            if !zip.is_empty() && zip == other && within_one_edit(left, right, limits.length_min));
    }
    within_one_edit(left, right, limits.length_min)
}

/// The ZIP code of a street.
pub(super) fn zip_of(street: &str) -> &str {
    street.rsplit_once(BEFORE_ZIP).map_or("", |(_, zip)| zip)
}

/// Whether a Damerau-Levenshtein distance is at most one, of texts of so many characters at least.
fn within_one_edit(left: &str, right: &str, length_min: usize) -> bool {
    if left.is_ascii() && right.is_ascii() {
        return one_edit(left.as_bytes(), right.as_bytes(), length_min);
    }
    let letters = |text: &str| text.chars().collect::<Vec<_>>();
    one_edit(&letters(left), &letters(right), length_min)
}

fn one_edit<T: PartialEq>(left: &[T], right: &[T], length_min: usize) -> bool {
    let (short, long) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    if short.len() < length_min || 1 < long.len() - short.len() {
        return false;
    }
    let same = short.iter().zip(long).take_while(|(left, right)| left == right).count();
    let (short, long) = (&short[same..], &long[same..]);
    match (short, long) {
        ([], _) => true,
        _ if short.len() < long.len() => *short == long[1..],
        ([first, second, rest @ ..], [other, another, end @ ..]) if first == another && second == other => rest == end,
        _ => short[1..] == long[1..],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Fuzzy = Fuzzy { edits: 1, length_min: 5, days: 1 };

    #[test]
    fn one_edit_of_long_names_is_near() {
        for (left, right) in
            [("jayden", "jaden"), ("smith", "smyth"), ("smiht", "smith"), ("smith", "smiths"), ("smith", "smith")]
        {
            assert!(near(Field::Family, left, right, LIMITS), "{left} {right}");
        }
        for (left, right) in
            [("john", "johns"), ("jon", "john"), ("smith", "smythe"), ("abcdef", "badcfe"), ("smith", "htims")]
        {
            assert!(!near(Field::Family, left, right, LIMITS), "{left} {right}");
        }
    }

    #[test]
    fn streets_are_near_within_a_zip_and_dates_by_days() {
        assert!(near(Field::Street, "12 main st|02139", "12 maine st|02139", LIMITS));
        assert!(!near(Field::Street, "12 main st|02139", "12 main st|02138", LIMITS));
        assert!(!near(Field::Street, "12 a|02139", "12 b|02139", LIMITS), "four characters");
        assert!(near(Field::BirthDate, "2000-02-29", "2000-03-01", LIMITS));
        assert!(near(Field::BirthDate, "1999-12-31", "2000-01-01", LIMITS));
        assert!(!near(Field::BirthDate, "2001-02-28", "2001-03-02", LIMITS));
        assert!(!near(Field::BirthDate, "2001-02", "2001-02", LIMITS), "no date");
    }

    /// The textbook's table, without any limit.
    fn distance(left: &[u8], right: &[u8]) -> usize {
        let mut table = vec![vec![0; right.len() + 1]; left.len() + 1];
        for i in 0..=left.len() {
            for j in 0..=right.len() {
                table[i][j] = if i.min(j) == 0 {
                    i.max(j)
                } else {
                    let replaced = table[i - 1][j - 1] + usize::from(left[i - 1] != right[j - 1]);
                    let mut best = replaced.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1);
                    if 1 < i.min(j) && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                        best = best.min(table[i - 2][j - 2] + 1);
                    }
                    best
                };
            }
        }
        table[left.len()][right.len()]
    }

    proptest! {
        #[test]
        fn one_edit_is_what_the_textbook_calls_distance_one(left in "[ab]{0,7}", right in "[ab]{0,7}") {
            prop_assert_eq!(within_one_edit(&left, &right, 0), distance(left.as_bytes(), right.as_bytes()) <= 1);
        }
    }
}
