//! US addresses: number, street, unit, ZIP, city, state. Forms follow USPS Publication 28.

use std::sync::LazyLock;

use super::placeholder;
use super::vocabulary::Vocabulary;
use super::word::{Word, words};

/// An address as it is compared.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Address {
    /// House, box or route box number with its letter, as a small hash of its text; zero where there is none.
    pub(crate) number: u32,
    /// Street name without number, direction, suffix and unit; `pobox`, `rr4`.
    pub(crate) street: Word,
    /// A hash of the unit; zero where there is none.
    pub(crate) unit: u16,
    /// Five-digit ZIP (or another postal code's digits) plus one; zero where there is none.
    pub(crate) zip: u32,
    /// City.
    pub(crate) city: Word,
    /// The state's two letters as a number in base 26 plus one; zero where there is none.
    pub(crate) state: u16,
}

/// Words behind a street name that say what kind of street it is, in full and short (Publication 28, appendix C1).
static SUFFIXES: LazyLock<Vocabulary<()>> = LazyLock::new(|| {
    Vocabulary::set_of(
        "street st str avenue ave av avenida drive dr drv road rd lane ln court ct crt boulevard blvd boul place pl \
     plaza plz circle cir circ way wy terrace ter terr trail trl parkway pkwy pky highway hwy square sq loop \
     alley aly path pike row run crescent cres close cl crossing xing expressway expy freeway fwy turnpike tpke \
     heights hts point pt ridge rdg cove cv bend bnd glen gln grove grv calle via walk mews parade",
    )
});

/// Directions before or behind a street name.
static DIRECTIONS: LazyLock<Vocabulary<()>> = LazyLock::new(|| {
    Vocabulary::set_of("n s e w ne nw se sw north south east west northeast northwest southeast southwest")
});

/// Words before a unit (Publication 28, appendix C2).
static UNITS: LazyLock<Vocabulary<()>> = LazyLock::new(|| {
    Vocabulary::set_of(
        "apt apartment unit ste suite rm room fl floor lot trlr trailer bldg building spc space dept ph penthouse no \
     num number slip hngr",
    )
});

/// The first ten ordinals as people write them.
static ORDINALS: LazyLock<Vocabulary<Word>> = LazyLock::new(|| {
    Vocabulary::pairs_of(
        "first:1st second:2nd third:3rd fourth:4th fifth:5th sixth:6th seventh:7th eighth:8th ninth:9th tenth:10th \
     mount:mt saint:st fort:ft",
    )
});

/// The states' names beside their letters.
static STATES: LazyLock<Vocabulary<Word>> = LazyLock::new(|| {
    Vocabulary::pairs_of(
        "alabama:al alaska:ak arizona:az arkansas:ar california:ca colorado:co connecticut:ct delaware:de \
     districtofcolumbia:dc florida:fl georgia:ga hawaii:hi idaho:id illinois:il indiana:in iowa:ia kansas:ks \
     kentucky:ky louisiana:la maine:me maryland:md massachusetts:ma michigan:mi minnesota:mn mississippi:ms \
     missouri:mo montana:mt nebraska:ne nevada:nv newhampshire:nh newjersey:nj newmexico:nm newyork:ny \
     northcarolina:nc northdakota:nd ohio:oh oklahoma:ok oregon:or pennsylvania:pa puertorico:pr rhodeisland:ri \
     southcarolina:sc southdakota:sd tennessee:tn texas:tx utah:ut vermont:vt virginia:va washington:wa \
     westvirginia:wv wisconsin:wi wyoming:wy",
    )
});

// === impl Address ===

impl Address {
    /// Reads an address.
    pub(crate) fn of(street: &str, city: &str, state: &str, zip: &str) -> Self {
        let mut address = Self { zip: zip_of(zip), city: city_of(city), state: state_of(state), ..Self::default() };
        if !placeholder::is_no_street(&Word::of(street)) {
            address.take_street(street);
        }
        address
    }

    fn take_street(&mut self, line: &str) {
        let mut tokens = [Word::default(); 12];
        let mut count = 0;
        // `#5` is a unit without a word before it.
        for (at, part) in line.split('#').enumerate() {
            let sign = (at != 0).then(|| Word::of("unit"));
            for word in sign.into_iter().chain(words(part)).take(tokens.len() - count) {
                tokens[count] = word;
                count += 1;
            }
        }
        let tokens = self.take_unit(&tokens[..count]);
        self.take_name(tokens);
    }

    /// Takes the unit off the end; gives what stands before it.
    fn take_unit<'a>(&mut self, tokens: &'a [Word]) -> &'a [Word] {
        let found = tokens.iter().skip(1).position(|token| UNITS.contains(token));
        let Some(at) = found.map(|at| at + 1) else { return tokens };
        let mut unit = Word::default();
        let named = tokens[at..].iter().filter(|token| !UNITS.contains(token));
        named.for_each(|token| unit.append(token));
        if unit.is_empty() {
            return tokens;
        }
        self.unit = (unit.hash() >> 48) as u16 | 1;
        &tokens[..at]
    }

    fn take_name(&mut self, tokens: &[Word]) {
        let is = |at: usize, text: &str| tokens.get(at).is_some_and(|token| token.bytes() == text.as_bytes());
        let tail = |at: usize| tokens.get(at..).unwrap_or_default();
        if is(0, "pobox") || is(0, "box") || is(0, "po") && is(1, "box") || is(0, "p") && is(1, "o") && is(2, "box") {
            let at = tokens.iter().position(|token| token.bytes().ends_with(b"box")).unwrap_or(0) + 1;
            return self.boxed("pobox", tail(at).first());
        }
        let is_route = is(0, "rr") || is(0, "hc") || is(0, "rural") && is(1, "route");
        if let Some(at) = tokens.iter().position(|token| token.bytes() == b"box").filter(|_| is_route) {
            let mut route = Word::of(if is(0, "hc") { "hc" } else { "rr" });
            tokens[..at].iter().filter(|token| token.bytes()[0].is_ascii_digit()).for_each(|token| route.append(token));
            return self.boxed(route.as_str(), tail(at + 1).first());
        }
        let numbered = tokens.first().is_some_and(|first| first.bytes()[0].is_ascii_digit()) && 1 < tokens.len();
        if numbered {
            self.number = number_of(&tokens[0]);
        }
        self.street = street_name(if numbered { &tokens[1..] } else { tokens });
    }

    fn boxed(&mut self, kind: &str, number: Option<&Word>) {
        self.street = Word::of(kind);
        self.number = number.map(number_of).unwrap_or_default();
    }
}

/// Short numbers keep their digits, so that they can be told and compared; others become a hash with the highest bit set.
fn number_of(word: &Word) -> u32 {
    let bytes = word.bytes();
    if bytes.len() <= 9 && bytes.iter().all(u8::is_ascii_digit) {
        bytes.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
    } else {
        (word.hash() >> 32) as u32 | 1 << 31
    }
}

/// The name: what is left when directions at either end and the kind of street are taken off, as long as something is left.
fn street_name(tokens: &[Word]) -> Word {
    let mut name = tokens;
    while let [rest @ .., last] = name {
        let is_dress = SUFFIXES.contains(last) || DIRECTIONS.contains(last);
        if rest.is_empty() || !is_dress {
            break;
        }
        name = rest;
    }
    if let [first, rest @ ..] = name
        && !rest.is_empty()
        && DIRECTIONS.contains(first)
    {
        name = rest;
    }
    let mut word = Word::default();
    for token in name {
        word.append(&ORDINALS.get(token).unwrap_or(*token));
    }
    word
}

fn zip_of(text: &str) -> u32 {
    let mut digits = text.bytes().filter(u8::is_ascii_digit).take(5);
    let number =
        digits.by_ref().fold((0u32, 0u32), |(number, count), digit| (number * 10 + u32::from(digit - b'0'), count + 1));
    match number {
        (0 | 99_999, _) | (_, 0..=2) => 0,
        (number, _) => number + 1,
    }
}

fn city_of(text: &str) -> Word {
    let mut city = Word::default();
    for token in words(text) {
        city.append(&ORDINALS.get(&token).unwrap_or(token));
    }
    if placeholder::is_no_name(&city) { Word::default() } else { city }
}

fn state_of(text: &str) -> u16 {
    let word = Word::of(text);
    let letters = STATES.get(&word).unwrap_or(word);
    match letters.bytes() {
        [one @ b'a'..=b'z', two @ b'a'..=b'z'] => u16::from(one - b'a') * 26 + u16::from(two - b'a') + 1,
        [one @ b'a'..=b'z', two @ b'a'..=b'z', b'a'..=b'z'] => u16::from(one - b'a') * 26 + u16::from(two - b'a') + 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> (u32, String, bool) {
        let address = Address::of(line, "", "", "");
        (address.number, address.street.as_str().to_owned(), address.unit != 0)
    }

    #[test]
    fn streets_are_read_however_they_are_written() {
        for line in ["12 North Main Street", "12 N. Main St.", "12 MAIN ST", "12 Main"] {
            assert_eq!(read(line), (12, "main".into(), false), "{line}");
        }
        for line in ["7 Fifth Avenue Apt 3B", "7 5th Ave #3B", "7 5th ave., unit 3-b"] {
            assert_eq!(read(line), (7, "5th".into(), true), "{line}");
            assert_eq!(Address::of(line, "", "", "").unit, Address::of("7 5th Ave Apt 3B", "", "", "").unit, "{line}");
        }
        for line in ["PO Box 99", "P.O. Box 99", "POBOX 99", "Box 99"] {
            assert_eq!(read(line), (99, "pobox".into(), false), "{line}");
        }
        assert_eq!(read("RR 4 Box 87"), (87, "rr4".into(), false));
        assert_eq!(read("Rural Route 4, Box 87"), (87, "rr4".into(), false));
        assert_eq!(read("12 Court Street"), (12, "court".into(), false));
        assert_eq!(read("unknown"), (0, String::new(), false));
        assert_eq!(read("12 Avenue"), (12, "avenue".into(), false));
    }

    #[test]
    fn places_are_read_however_they_are_written() {
        let place = |city, state, zip| {
            let address = Address::of("", city, state, zip);
            (address.city.as_str().to_owned(), address.state, address.zip)
        };
        assert_eq!(place("Mount Vernon", "New York", "10550-1234"), place("MT VERNON", "ny", "10550"));
        assert_eq!(place("", "", "00000"), (String::new(), 0, 0));
    }
}
