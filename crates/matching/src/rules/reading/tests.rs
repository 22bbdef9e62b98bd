use super::*;
use crate::rules::record::{Address, Identifier, Kind, Name};
use crate::rules::values::Generations;

/// 2026-11-27.
const TODAY: i32 = 20_784;

fn reader() -> Reader {
    let book =
        RuleBook::parse(include_str!("../../../../../deploy/policy/cms-matching.toml")).expect("the deployed rules");
    let nicknames = Nicknames::parse(include_str!("../../../../../deploy/policy/nicknames.txt"));
    Reader::new(&Arc::new(book), nicknames, TODAY)
}

fn values(record: &Record, field: Field) -> Vec<String> {
    reader().read(record).of(field).map(str::to_owned).collect()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn named(given: &str, family: &str) -> Record {
    Record { names: vec![Name { given: some(given), family: some(family), ..Name::default() }], ..Record::default() }
}

fn family(given: &str, name: &str) -> Vec<String> {
    values(&named(given, name), Field::Family)
}

#[test]
fn names_lose_case_diacritics_and_punctuation() {
    for (written, read) in [
        ("O'Brien", "obrien"),
        ("  GARCÍA ", "garcia"),
        ("De La Cruz", "delacruz"),
        ("Weiß-Łuk", "weissluk"),
        ("王芳", "wangfang"),
    ] {
        assert_eq!(family("Olivia", written), [read]);
    }
}

#[test]
fn nicknames_count_one_way() {
    let robert = values(&named("Robert", "King"), Field::Given);
    assert!(["robert", "bob", "rob"].iter().all(|name| robert.iter().any(|known| known == name)), "{robert:?}");
    let table = Nicknames::parse("# names\nlee: Lee Roy, L.R.\nRobert: bob");
    assert_eq!(
        (table.of("lee"), table.of("robert"), table.of("bob")),
        (&["leeroy".into(), "lr".into()][..], &["bob".into()][..], &[][..])
    );
}

#[test]
fn middle_names_are_first_names_as_the_policy_says() {
    let text = include_str!("../../../../../deploy/policy/cms-matching.toml");
    let name = Name { given: some("Olivia"), middle: vec!["J.".to_owned()], family: some("King"), ..Name::default() };
    let read = |text: &str| {
        let reader = Reader::new(&Arc::new(RuleBook::parse(text).expect("rules")), Nicknames::default(), TODAY);
        let values = reader.read(&Record { names: vec![name.clone()], ..Record::default() });
        (values.of(Field::Given).map(str::to_owned).collect::<Vec<_>>(), values.of(Field::Middle).count())
    };
    assert_eq!(read(text), (vec!["j".to_owned(), "olivia".to_owned()], 1));
    assert_eq!(read(&text.replace("given_names = \"all\"", "given_names = \"first\"")), (vec!["olivia".to_owned()], 1));
}

#[test]
fn placeholder_names_are_missing_and_real_ones_are_not() {
    assert_eq!(values(&named("Baby Boy", "King"), Field::Given), [""; 0]);
    assert_eq!(family("Baby Boy", "King"), ["king"]);
    for (given, name, read) in [
        ("Olivia", "Infante", &["infante"][..]),
        ("Olivia", "Doe", &["doe"]),
        ("Olivia", "Sample", &["sample"]),
        ("Olivia", "Unknown", &[]),
        ("Olivia", "Q", &[]),
        ("Jane", "Doe", &[]),
        ("Test", "Patient", &[]),
        ("ZZZ", "King", &["king"]),
    ] {
        assert_eq!(family(given, name), read, "{given} {name}");
    }
    assert_eq!(values(&named("Jane", "Doe"), Field::Given), [""; 0]);
    assert_eq!(values(&named("J", "King"), Field::Given), ["j"], "an initial");
}

#[test]
fn generations_are_read_from_suffixes_and_behind_names() {
    let generations = |family: &str, suffix: Option<&str>| {
        let name =
            Name { given: some("John"), family: some(family), suffix: suffix.map(str::to_owned), ..Name::default() };
        reader().read(&Record { names: vec![name], ..Record::default() }).generations
    };
    let second = Generations::number(2).expect("small");
    for (family, suffix, read) in [
        ("King", Some("Jr., MD"), Generations::JUNIOR),
        ("King", Some("the 2nd"), second),
        ("King", Some("II"), second),
        ("King", Some("2"), second),
        ("King", Some("XIV"), Generations::number(14).expect("small")),
        ("King", Some("Jr/Sr"), Generations::JUNIOR.or(Generations::SENIOR)),
        ("King", Some("PhD"), Generations::default()),
        ("King", Some("99th"), Generations::default()),
        ("King, Jr.", None, Generations::JUNIOR),
        ("King III", None, Generations::number(3).expect("small")),
        ("Junior", None, Generations::default()),
    ] {
        assert_eq!(generations(family, suffix), read, "{family} {suffix:?}");
    }
    assert!(Generations::JUNIOR.conflict(second), "as the reference has it");
    assert!(!Generations::JUNIOR.conflict(Generations::default()));
    assert_eq!(family("John", "King, Jr."), ["king"]);
}

#[test]
fn birth_dates_are_whole_and_within_bounds() {
    let read = |text: &str| values(&Record { birth_date: some(text), ..Record::default() }, Field::BirthDate);
    for text in ["1984-02-29", "1906-01-01", "2026-11-29"] {
        assert_eq!(read(text), [text]);
    }
    for text in [
        "1985-02-29",
        "1900-01-01",
        "2000-01-01",
        "1905-12-31",
        "2026-11-30",
        "1984",
        "1984-02",
        "29.2.1984",
        "0000-01-01",
        "unknown",
    ] {
        assert_eq!(read(text), [""; 0], "{text}");
    }
}

#[test]
fn phones_become_e164() {
    let read = |text: &str| values(&Record { phones: vec![text.to_owned()], ..Record::default() }, Field::Phone);
    for text in [
        "(617) 234-5678",
        "1-617-234-5678",
        "+1 617 234 5678",
        "617.234.5678 x12",
        "617 234 5678 ext. 3",
        "tel:617-234-5678;ext=4",
    ] {
        assert_eq!(read(text), ["+16172345678"], "{text}");
    }
    assert_eq!(read("+44 20 7946 0018"), ["+442079460018"]);
    for text in ["617-555-1234", "123-456-7890", "555-555-5555", "0000000", "617 234", "511 234 5678", "", "x12"] {
        assert_eq!(read(text), [""; 0], "{text}");
    }
}

#[test]
fn emails_have_two_sides() {
    let read = |text: &str| values(&Record { emails: vec![text.to_owned()], ..Record::default() }, Field::Email);
    assert_eq!(read(" Kayla@Mail.org "), ["kayla@mail.org"]);
    for text in ["n/a", "declined", "none@none.com", "a@example.com", "test.me@mail.org", "@", ""] {
        assert_eq!(read(text), [""; 0], "{text}");
    }
}

#[test]
fn streets_are_shortened_as_usps_does() {
    let read = |street: &str, line2: &str| {
        let address =
            Address { street: some(street), line2: some(line2), zip: some("02139-4307"), ..Address::default() };
        values(&Record { addresses: vec![address], ..Record::default() }, Field::Street)
    };
    for (street, line2, short) in [
        ("12 North Main Street", "Apt 4", "12 n main st"),
        ("12 N. Main St. #4", "", "12 n main st"),
        ("12 Main St, Apartment 4B", "", "12 main st"),
        ("12 North Avenue", "", "12 north ave"),
        ("12 Court Street", "", "12 court st"),
        ("12 Elm Street West", "", "12 elm st w"),
        ("1600 Pennsylvania Avenue NW", "", "1600 pennsylvania ave nw"),
        ("12 Avenue of the Americas", "", "12 ave of the americas"),
        ("7 County Road 12", "", "7 county rd 12"),
        ("7 Highway 61", "", "7 hwy 61"),
        ("77 5 Avenue", "", "77 5th ave"),
        ("77 East 21 Place", "", "77 e 21st pl"),
        ("15 1/2 Elm Road", "", "15 1/2 elm rd"),
        ("12-34 Peña Ln", "", "12-34 pena ln"),
        ("c/o Jane Roe", "12 Main Street", "12 main st"),
        ("123 Main St", "Apt 4", "123 main st"),
        ("PO Box 12", "", "po box 12"),
    ] {
        assert_eq!(read(street, line2), [format!("{short}|02139")], "{street}");
    }
    for (street, line2) in [
        ("123 Main St", ""),
        ("123 Main Street.", "n/a"),
        ("Apt 4", ""),
        ("4B", ""),
        ("3rd floor", ""),
        ("P.O. Box 0", ""),
        ("Unknown", ""),
        ("", "12 Main St"),
    ] {
        assert_eq!(read(street, line2), [""; 0], "{street}");
    }
}

#[test]
fn identifiers_count_within_their_namespace() {
    let read = |kind: Kind, system: Option<&str>, value: &str, field: Field| {
        let identifier = Identifier { kind, system: system.map(str::to_owned), value: value.to_owned() };
        values(&Record { identifiers: vec![identifier], ..Record::default() }, field)
    };
    assert_eq!(read(Kind::Ssn, None, "123-45-6789", Field::Ssn4), ["6789"]);
    assert_eq!(read(Kind::Ssn, None, "0004", Field::Ssn4), ["0004"], "no area stands before it");
    for value in ["999-99-9999", "000-12-3456", "123-45-1234", "7777", "12", "unknown"] {
        assert_eq!(read(Kind::Ssn, None, value, Field::Ssn4), [""; 0], "{value}");
    }
    assert_eq!(read(Kind::Itin, None, "912-70-4567", Field::Itin4), ["4567"]);
    assert_eq!(read(Kind::Mbi, None, "1eg4-te5-mk73", Field::Mbi), ["1EG4TE5MK73"]);
    assert_eq!(read(Kind::MemberId, Some("urn:payer"), "W1", Field::MemberId), ["urn:payer|W1"]);
    for (kind, field) in
        [(Kind::MemberId, Field::MemberId), (Kind::LegalId, Field::LegalId), (Kind::Namespaced, Field::NamespacedId)]
    {
        assert_eq!(read(kind, None, "W1", field), [""; 0], "without a namespace");
    }
    for value in ["000000", "9999", "PENDING", "none", "N/A"] {
        assert_eq!(read(Kind::SubscriberId, Some("urn:payer"), value, Field::SubscriberId), [""; 0], "{value}");
    }
}
