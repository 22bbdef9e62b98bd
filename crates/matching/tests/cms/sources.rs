//! How sources write a person down: in other dress, with slips at the limits of fuzzy comparison, with placeholders, with gaps.

use matching::rules::{Address, Identifier, Kind, Name, Record};

use super::dice::Dice;
use super::people::{FAMILY, Home, Person};

/// What a source says of a person. Each field is there so many times in a hundred; `slips` is how often one is wrong.
pub(crate) fn written(dice: &mut Dice, person: &Person, there: usize, slips: usize) -> Record {
    let mut record = Record { names: vec![name(dice, person, slips)], ..Record::default() };
    if let Some(earlier) = person.born_as.filter(|_| dice.percent(50)) {
        let family = Some(earlier.to_owned());
        record.names.push(Name { family, ..record.names[0].clone() });
    }
    if dice.percent(there.max(85)) {
        record.birth_date = Some(birth_date(dice, person.born, slips));
    }
    if dice.percent(there) {
        record.addresses.push(address(dice, &person.home, slips));
    }
    if dice.percent(there) {
        let phone = slip_or(dice, slips / 2, &person.phone, swapped_digit);
        record.phones.push(dressed_phone(dice, &phone));
    }
    if dice.percent(8) {
        record.phones.push(format!("617234{}", dice.digits(4)));
    }
    if dice.percent(there) {
        record.emails.push(email(dice, &person.email));
    }
    for identifier in identifiers(dice, person, there) {
        record.identifiers.push(identifier);
    }
    record.child_of = person.guardian.is_some() && dice.percent(70);
    record.newborn_of = person.mother.is_some() && dice.percent(70);
    record
}

fn name(dice: &mut Dice, person: &Person, slips: usize) -> Name {
    let mut given = slip_or(dice, slips, person.given, slip);
    if dice.percent(8) {
        given = nickname(person.given).to_owned();
    }
    if dice.percent(4) {
        given = (*dice.pick(&["Baby Boy", "Babygirl", "Unknown", "Test", "ZZZ", "X", "Twin A", "N/A", "Infant", "-"]))
            .to_owned();
    }
    let mut family = slip_or(dice, slips, person.family, slip);
    if dice.percent(3) {
        family = (*dice.pick(&["Unknown", "XX", "Q", "Anonymous", "Test", "Patient", "zzz", "None"])).to_owned();
    }
    if dice.percent(2) {
        family = (*dice.pick(&FAMILY)).to_owned();
    }
    let mut middle: Vec<String> = person.middle.filter(|_| dice.percent(70)).map(str::to_owned).into_iter().collect();
    if dice.percent(2) {
        (given, middle) = (given.chars().take(1).collect(), vec![given]);
    }
    let mut suffix = person.suffix.filter(|_| dice.percent(75)).map(str::to_owned);
    if dice.percent(3) {
        suffix = Some((*dice.pick(&["MD", "III", "Jr/Sr", "IV", "PhD", "3rd", "2", "Esq.", "Jr"])).to_owned());
    }
    if person.suffix.is_some() && suffix.is_some() && dice.percent(6) {
        family = format!("{family} {}", suffix.take().unwrap_or_default());
    }
    let keep = |dice: &mut Dice, text: String| dice.percent(96).then_some(text);
    let (given, family) = (dressed(dice, &given), dressed(dice, &family));
    Name { given: keep(dice, given), middle, family: keep(dice, family), suffix }
}

fn nickname(given: &str) -> &str {
    match given {
        "Robert" => "Bob",
        "William" => "Bill",
        "Elizabeth" => "Liz",
        "Katherine" => "Kate",
        "Michael" => "Mike",
        "Margaret" => "Peggy",
        "James" => "Jim",
        "Christopher" => "Chris",
        "Samuel" => "Sam",
        other => other,
    }
}

fn slip_or(dice: &mut Dice, percent: usize, text: &str, slip: impl Fn(&mut Dice, &str) -> String) -> String {
    if dice.percent(percent) { slip(dice, text) } else { text.to_owned() }
}

/// One edit, seldom two.
fn slip(dice: &mut Dice, text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for _ in 0..if dice.percent(25) { 2 } else { 1 } {
        let at = dice.below(letters.len());
        match dice.below(4) {
            0 => letters.insert(at, *dice.pick(&['a', 'e', 'n', 's'])),
            1 if 1 < letters.len() => {
                letters.remove(at);
            }
            2 if at + 1 < letters.len() => letters.swap(at, at + 1),
            _ => letters[at] = *dice.pick(&['b', 'i', 'r', 't']),
        }
    }
    letters.into_iter().collect()
}

fn swapped_digit(dice: &mut Dice, text: &str) -> String {
    let at = text.len() - 1 - dice.below(4);
    let digit = dice.below(10).to_string();
    format!("{}{digit}{}", &text[..at], &text[at + 1..])
}

fn dressed(dice: &mut Dice, text: &str) -> String {
    match dice.below(8) {
        0 => text.to_uppercase(),
        1 => format!(" {} ", text.to_lowercase()),
        2 => text.replace(' ', "-"),
        _ => text.to_owned(),
    }
}

fn birth_date(dice: &mut Dice, (year, month, day): (i32, u32, u32), slips: usize) -> String {
    let full = |year: i32, month: u32, day: u32| format!("{year:04}-{month:02}-{day:02}");
    match dice.below(100) {
        roll if roll < slips => match (dice.below(5), month, day) {
            (0, 12, 31) => full(year + 1, 1, 1),
            (0, 2, 28) if year % 4 == 0 => full(year, 2, 29),
            (0, 2, 28 | 29) => full(year, 3, 1),
            (0, 1, 1) => full(year - 1, 12, 31),
            (0 | 1, _, _) => full(year, month, (day % 28) + 1),
            (2, _, _) => full(year, month, day.max(3) - 2),
            (3, _, _) => full(year, day.min(12), month),
            _ => full(year + 1, month, day),
        },
        97 => (*dice.pick(&[
            "1900-01-01",
            "2000-01-01",
            "1901-01-01",
            "unknown",
            "2031-05-05",
            "1899-03-03",
            "1980-02-30",
        ]))
        .to_owned(),
        98 => format!("{year:04}-{month:02}"),
        99 => format!("{year:04}"),
        _ => full(year, month, day),
    }
}

fn address(dice: &mut Dice, home: &Home, slips: usize) -> Address {
    let long = dice.percent(50);
    let written = |(long_form, short): (&'static str, &'static str)| if long { long_form } else { short };
    let street = slip_or(dice, slips, home.street, slip);
    let direction = home.direction.map(|direction| format!("{} ", written(direction))).unwrap_or_default();
    let mut line1 = match home.number.as_str() {
        "11" => format!("11-{} {street} {}", home.zip, written(home.kind)),
        "12" => format!("12 {} {}", written(("Highway", "Hwy")), home.zip),
        "13" => format!("13 {street} {} {}", written(home.kind), written(("West", "W"))),
        "14" => format!("14 {} of the Americas", written(("Avenue", "Ave"))),
        "15" => format!("15 1/2 {street} {}", written(home.kind)),
        number => format!("{number} {direction}{street} {}", written(home.kind)),
    };
    let mut line2 = None;
    if let Some(unit) = home.unit.as_ref().filter(|_| dice.percent(70)) {
        let unit = format!("{}{unit}", dice.pick(&["Apt ", "Apartment ", "Unit ", "#", "Ste "]));
        if dice.percent(50) { line2 = Some(unit) } else { line1 = format!("{line1} {unit}") }
    }
    match dice.below(60) {
        0 => {
            line1 =
                (*dice.pick(&["123 Main St", "PO Box 0", "Unknown", "Homeless", "General Delivery", "N/A"])).to_owned();
        }
        1 => line1 = format!("PO Box {}", home.zip),
        2 => (line1, line2) = ("Apt 5".to_owned(), None),
        3 => (line1, line2) = ("c/o Jane Roe".to_owned(), Some(line1)),
        4..10 => line1 = line1.to_uppercase(),
        10..14 => line1 = format!("{line1}."),
        _ => {}
    }
    let zip = match dice.below(40) {
        0 => (*dice.pick(&["00000", "99999", "0213", "x"])).to_owned(),
        1..6 => format!("{}-{}", home.zip, dice.digits(4)),
        6 => format!("{}1234", home.zip),
        7 => swapped_digit(dice, &home.zip),
        _ => home.zip.clone(),
    };
    let keep = |dice: &mut Dice, text: String| dice.percent(95).then_some(text);
    let (street, zip) = (keep(dice, line1), keep(dice, zip));
    Address { street, line2, city: Some("Springfield".to_owned()), state: Some("MA".to_owned()), zip }
}

fn dressed_phone(dice: &mut Dice, phone: &str) -> String {
    let (area, exchange, line) = (&phone[..3], &phone[3..6], &phone[6..]);
    match dice.below(60) {
        0 => format!("{area}-555-{line}"),
        1 => {
            (*dice.pick(&["0000000", "5555555555", "123", "+44 20 7946 0018", "1234567890", "999-999-9999"])).to_owned()
        }
        2 => format!("298{exchange}{line}"),
        3..9 => format!("({area}) {exchange}-{line}"),
        9..15 => format!("+1 {area} {exchange} {line}"),
        15..20 => format!("1-{area}-{exchange}-{line}"),
        20..24 => format!("{area}.{exchange}.{line} x12"),
        24 => format!("{area} {exchange} {line} ext. 4"),
        _ => phone.to_owned(),
    }
}

fn email(dice: &mut Dice, email: &str) -> String {
    match dice.below(40) {
        0 => (*dice.pick(&["none@none.com", "test@mail.org", "noreply@mail.org", "a@example.com", "unknown@mail.org"]))
            .to_owned(),
        1 => (*dice.pick(&["n/a", "declined", "no email"])).to_owned(),
        2..8 => format!(" {}", email.to_uppercase()),
        _ => email.to_owned(),
    }
}

fn identifiers(dice: &mut Dice, person: &Person, there: usize) -> Vec<Identifier> {
    let mut kept = Vec::new();
    let mut add = |kind, system: Option<&str>, value: &str| {
        kept.push(Identifier { kind, system: system.map(str::to_owned), value: value.to_owned() });
    };
    if dice.percent(there * 2 / 3) {
        add(Kind::Ssn, None, &ssn(dice, &person.ssn));
    }
    if dice.percent(there / 4) {
        add(Kind::Itin, None, &person.itin);
    }
    if dice.percent(there / 4) {
        let mbi = &person.mbi;
        let dashed = format!("{}-{}-{}", &mbi[..4], &mbi[4..7], &mbi[7..]);
        add(Kind::Mbi, None, if dice.percent(10) { &dashed } else { mbi });
    }
    let scoped = [
        (Kind::LegalId, 4, &person.legal_id),
        (Kind::MemberId, 2, &person.member_id),
        (Kind::SubscriberId, 2, &person.subscriber_id),
        (Kind::Namespaced, 5, &person.record_number),
    ];
    for (kind, rare, (system, value)) in scoped {
        if dice.percent(there / rare) {
            let value = if dice.percent(2) {
                dice.pick(&["PENDING", "000000", "none", "9999", "unknown"])
            } else {
                value.as_str()
            };
            add(kind, Some(system.as_str()).filter(|_| dice.percent(93)), value);
        }
    }
    let kin =
        [(Kind::Guardian, &person.guardian), (Kind::Mother, &person.mother), (Kind::BirthEncounter, &person.encounter)];
    for (kind, value) in kin {
        if let Some(value) = value.as_ref().filter(|_| dice.percent(80)) {
            add(kind, Some("urn:kin"), value);
        }
    }
    kept
}

fn ssn(dice: &mut Dice, ssn: &str) -> String {
    match dice.below(30) {
        0 => (*dice.pick(&["999-99-9999", "000-00-0000", "123-45-1234", "000-12-3456", "7777", "0004", "9992", "12"]))
            .to_owned(),
        1..10 => ssn[5..].to_owned(),
        10..16 => format!("{}-{}-{}", &ssn[..3], &ssn[3..5], &ssn[5..]),
        _ => ssn.to_owned(),
    }
}
