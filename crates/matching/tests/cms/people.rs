//! Households with what tells their people apart, and what does not: twins, Jr and Sr, a shared phone, a shared subscriber id.

use super::dice::Dice;

pub(crate) const GIVEN: [&str; 44] = [
    "Robert",
    "William",
    "Elizabeth",
    "Katherine",
    "Michael",
    "Margaret",
    "James",
    "Jennifer",
    "Jayden",
    "Jaden",
    "Kayla",
    "Kaylee",
    "Ana",
    "Li",
    "José",
    "Zoë",
    "Mary Ann",
    "Jean-Luc",
    "D'Angelo",
    "Olivia",
    "Oliver",
    "Sofia",
    "Sophia",
    "Mateo",
    "Aaliyah",
    "Aliyah",
    "Thomas",
    "Susan",
    "Daniel",
    "Daniela",
    "Christopher",
    "Christina",
    "Bob",
    "Liz",
    "Kim",
    "Noah",
    "Emma",
    "Anthony",
    "Alexander",
    "Alexandra",
    "Samuel",
    "Samantha",
    "Benjamin",
    "王芳",
];
pub(crate) const FAMILY: [&str; 32] = [
    "Smith",
    "Smyth",
    "Johnson",
    "Johnston",
    "Garcia",
    "García",
    "Martinez",
    "Lee",
    "Chen",
    "Kim",
    "O'Brien",
    "De La Cruz",
    "Smith-Jones",
    "Müller",
    "Nguyen",
    "Doe",
    "Na",
    "Infante",
    "Babyak",
    "Sample",
    "Jones",
    "Brown",
    "Browne",
    "Williams",
    "Anderson",
    "Andersen",
    "Thompson",
    "Thomson",
    "Washington",
    "Hernandez",
    "Fernandez",
    "Ng",
];
const MIDDLE: [&str; 14] = [
    "Marie",
    "James",
    "Lee",
    "Ann",
    "Robert",
    "J",
    "Elizabeth",
    "Ray",
    "Lynn",
    "Paul",
    "Grace",
    "Rose",
    "Thomas",
    "M.",
];
const STREETS: [&str; 17] = [
    "Maple",
    "Oak Ridge",
    "Washington",
    "Saint Marks",
    "5th",
    "Lake Shore",
    "Elm",
    "Martin Luther King",
    "Court",
    "Birch",
    "Cherry Hill",
    "Park",
    "O'Hara",
    "Juniper",
    "North",
    "21",
    "Circle",
];
const TYPES: [(&str, &str); 15] = [
    ("Street", "St"),
    ("Avenue", "Ave"),
    ("Road", "Rd"),
    ("Boulevard", "Blvd"),
    ("Lane", "Ln"),
    ("Drive", "Dr"),
    ("Place", "Pl"),
    ("Court", "Ct"),
    ("Parkway", "Pkwy"),
    ("Circle", "Cir"),
    ("Terrace", "Ter"),
    ("Square", "Sq"),
    ("Trail", "Trl"),
    ("Way", "Way"),
    ("Highway", "Hwy"),
];
const DIRECTIONS: [(&str, &str); 4] = [("North", "N"), ("South", "S."), ("East", "E"), ("Northwest", "NW")];
const AREAS: [&str; 6] = ["617", "212", "415", "303", "787", "800"];
const PAYERS: [&str; 3] = ["urn:payer:blue", "urn:payer:green", "https://payer.example/ids"];

/// An address, in its parts.
#[derive(Clone)]
pub(crate) struct Home {
    pub(crate) number: String,
    pub(crate) direction: Option<(&'static str, &'static str)>,
    pub(crate) street: &'static str,
    pub(crate) kind: (&'static str, &'static str),
    pub(crate) unit: Option<String>,
    pub(crate) zip: String,
}

/// A person, as they are.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) given: &'static str,
    pub(crate) middle: Option<&'static str>,
    pub(crate) family: &'static str,
    pub(crate) born_as: Option<&'static str>,
    pub(crate) suffix: Option<&'static str>,
    /// Year, month, day.
    pub(crate) born: (i32, u32, u32),
    pub(crate) home: Home,
    pub(crate) phone: String,
    pub(crate) email: String,
    pub(crate) ssn: String,
    pub(crate) itin: String,
    pub(crate) mbi: String,
    pub(crate) legal_id: (String, String),
    pub(crate) member_id: (String, String),
    pub(crate) subscriber_id: (String, String),
    pub(crate) record_number: (String, String),
    pub(crate) guardian: Option<String>,
    pub(crate) mother: Option<String>,
    pub(crate) encounter: Option<String>,
}

/// Two to six people of one address; the last may not live there.
pub(crate) fn household(dice: &mut Dice) -> Vec<Person> {
    let first = person(dice);
    let mut people = vec![first.clone()];
    for _ in 0..1 + dice.below(4) {
        let mut other = person(dice);
        other.home = first.home.clone();
        (other.subscriber_id, other.member_id.0) = (first.subscriber_id.clone(), first.member_id.0.clone());
        if dice.percent(85) {
            other.family = first.family;
        }
        if dice.percent(60) {
            other.phone = first.phone.clone();
        }
        if dice.percent(40) {
            other.email = first.email.clone();
        }
        if dice.percent(8) {
            other.ssn = first.ssn.clone();
        }
        if dice.percent(25) {
            other.guardian = Some(first.record_number.1.clone());
        }
        people.push(other);
    }
    if dice.percent(45) {
        let twin = twin(dice, &people[people.len() - 1]);
        people.push(twin);
    }
    if dice.percent(30) {
        let (father, son) = (0, people.len() - 1);
        people[son].given = people[father].given;
        people[father].suffix = Some(*dice.pick(&["Sr", "Sr.", "Senior", "I"]));
        people[son].suffix = Some(*dice.pick(&["Jr", "Jr.", "II", "the 2nd", "Jr., MD"]));
    }
    people
}

fn twin(dice: &mut Dice, of: &Person) -> Person {
    let mut twin = Person { home: of.home.clone(), ..person(dice) };
    (twin.family, twin.born, twin.phone, twin.email) = (of.family, of.born, of.phone.clone(), of.email.clone());
    (twin.subscriber_id, twin.mother, twin.encounter) =
        (of.subscriber_id.clone(), of.mother.clone(), of.encounter.clone());
    twin.guardian.clone_from(&of.guardian);
    match dice.below(4) {
        0 => (twin.given, twin.middle) = (of.given, Some(*dice.pick(&MIDDLE))),
        1 => twin.given = near(of.given),
        _ => {}
    }
    if dice.percent(40) {
        twin.ssn = of.ssn.clone();
    }
    twin
}

fn near(given: &'static str) -> &'static str {
    match given {
        "Jayden" => "Jaden",
        "Olivia" => "Oliver",
        "Kayla" => "Kaylee",
        "Daniel" => "Daniela",
        "Alexander" => "Alexandra",
        _ => "Jayden",
    }
}

/// Somebody.
pub(crate) fn person(dice: &mut Dice) -> Person {
    let (given, family) = (*dice.pick(&GIVEN), *dice.pick(&FAMILY));
    let payer = (*dice.pick(&PAYERS)).to_owned();
    let number = dice.digits(5);
    let born = born(dice);
    let mother = dice.percent(20).then(|| dice.digits(6));
    Person {
        given,
        middle: dice.percent(50).then(|| *dice.pick(&MIDDLE)),
        family,
        born_as: dice.percent(15).then(|| *dice.pick(&FAMILY)),
        suffix: None,
        born,
        home: home(dice),
        phone: format!("{}{}{}", dice.pick(&AREAS), dice.pick(&["234", "734", "134", "622"]), dice.digits(4)),
        email: format!("{}{number}@mail.org", dice.pick(&["kayla.", "home", "the.smiths-"])),
        ssn: format!("{}{}{}", 100 + dice.below(700), dice.digits(2), dice.digits(4)),
        itin: format!("9{}{}", dice.digits(4), dice.digits(4)),
        mbi: format!("1EG4TE{}", dice.digits(5)),
        legal_id: ((*dice.pick(&["MA RMV", "NY DMV"])).to_owned(), format!("S{}", dice.digits(8))),
        member_id: (payer.clone(), format!("W{}", dice.digits(8))),
        subscriber_id: (payer, format!("G{}", dice.digits(8))),
        record_number: ((*dice.pick(&["urn:hospital:1", "urn:hospital:2"])).to_owned(), dice.digits(7)),
        guardian: None,
        encounter: mother.as_ref().map(|_| dice.digits(9)),
        mother,
    }
}

/// A day; ends of months and years and leap days come often.
fn born(dice: &mut Dice) -> (i32, u32, u32) {
    let year = 1_935 + dice.below(90) as i32;
    match dice.below(10) {
        0 => (year, 12, 31),
        1 => (year, 2, 28),
        2 if year % 4 == 0 => (year, 2, 29),
        3 => (year, 1, 1),
        _ => (year, 1 + dice.below(12) as u32, 1 + dice.below(28) as u32),
    }
}

fn home(dice: &mut Dice) -> Home {
    Home {
        number: dice.digits(2),
        direction: dice.percent(30).then(|| *dice.pick(&DIRECTIONS)),
        street: dice.pick::<&str>(&STREETS),
        kind: *dice.pick(&TYPES),
        unit: dice.percent(30).then(|| dice.digits(1)),
        zip: format!("0{}", dice.digits(4)),
    }
}
