//! Households of people, and what a payer's roster holds of them.

use super::chance::Chance;
use super::names::Culture;

/// What a record says; empty fields say nothing. The names of the fields are those of the columns of rosters.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Record {
    /// The id on the card.
    pub member_id: String,
    /// The contract.
    pub subscriber_id: String,
    /// The group.
    pub group: String,
    /// Given name.
    pub given: String,
    /// Middle name or initial.
    pub middle: String,
    /// Family name.
    pub family: String,
    /// Generation.
    pub suffix: String,
    /// Birth date, `YYYY-MM-DD`.
    pub dob: String,
    /// `F` or `M`.
    pub sex: String,
    /// Street and unit.
    pub street: String,
    /// City.
    pub city: String,
    /// State.
    pub state: String,
    /// ZIP.
    pub zip: String,
    /// Phone.
    pub phone: String,
    /// Email.
    pub email: String,
    /// Last four digits of the social security number.
    pub ssn4: String,
}

/// Somebody, as they truly are.
#[derive(Clone)]
pub(super) struct Human {
    pub(super) record: Record,
    pub(super) culture: Culture,
    /// The family name at birth.
    pub(super) born_as: String,
    /// The member ids under which the roster knows them.
    pub(super) ids: Vec<String>,
    pub(super) household: usize,
}

/// A day, `YYYY-MM-DD`.
pub(super) fn day(year: usize, chance: &mut Chance) -> String {
    format!("{year:04}-{:02}-{:02}", chance.within(1, 12), chance.within(1, 28))
}

/// Somewhere to live.
pub(super) fn address(record: &mut Record, chance: &mut Chance) {
    const STREETS: [&str; 12] = [
        "Main",
        "Oak",
        "Second",
        "Lincoln",
        "Prairie View",
        "Martin Luther King",
        "Old Mill",
        "Bay",
        "Sunset",
        "Canal",
        "Quarry",
        "Fern",
    ];
    const KINDS: [&str; 6] = ["Street", "Avenue", "Road", "Lane", "Boulevard", "Court"];
    const STATES: [(&str, usize); 8] =
        [("WA", 980), ("OH", 430), ("TX", 750), ("FL", 320), ("NY", 100), ("CA", 900), ("IL", 600), ("GA", 300)];
    let (state, zone) = STATES[chance.below(3).min(chance.below(STATES.len()))];
    let town = chance.below(60).min(chance.below(60));
    record.state = state.into();
    record.zip = format!("{zone:03}{:02}", town);
    record.city = format!(
        "{}{}",
        ["North", "Lake", "Fort ", "Mount ", "New "][town % 5],
        ["haven", "side", "Hill", "wood", "dale", "bridge"][town / 5 % 6]
    );
    let direction = if chance.hits(2000) { *chance.one(&["N ", "South ", "E ", "West "]) } else { "" };
    let name = if chance.hits(6000) {
        format!("{} {}", chance.one(&STREETS), chance.one(&["", "", "Park", "Ridge"]))
    } else {
        Culture::English.family(chance)
    };
    record.street = format!("{} {direction}{} {}", chance.within(1, 9800), name.trim(), chance.one(&KINDS));
    match chance.below(100) {
        0..22 => record.street.push_str(&format!(" Apt {}{}", chance.within(1, 60), chance.one(&["", "A", "B"]))),
        22..25 => record.street = format!("PO Box {}", chance.within(1, 9000)),
        25..27 => record.street = format!("RR {} Box {}", chance.within(1, 6), chance.within(1, 400)),
        _ => {}
    }
}

/// Moves somebody: three in five stay in town, one in five in the state (US Census Bureau, geographical mobility).
pub(super) fn move_house(record: &mut Record, chance: &mut Chance) {
    let before = record.clone();
    let reach = chance.below(5);
    for _ in 0..400 {
        address(record, chance);
        let is_town = record.zip == before.zip;
        if reach == 4 || reach == 3 && record.state == before.state || is_town {
            return;
        }
    }
    (record.city, record.state, record.zip) = (before.city, before.state, before.zip);
}

/// A phone number.
pub(super) fn phone(chance: &mut Chance) -> String {
    format!("{}{}{:04}", chance.within(201, 989), chance.within(201, 999), chance.below(10_000))
}

/// An email address of somebody's own.
pub(super) fn email(given: &str, family: &str, chance: &mut Chance) -> String {
    let plain = |text: &str| text.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_lowercase();
    let (given, family) = (plain(given), plain(family));
    let local = match chance.below(4) {
        0 => format!("{given}.{family}{}", chance.within(1, 99)),
        1 => format!("{}{family}{}", &given[..given.len().min(1)], chance.within(1, 9999)),
        2 => format!("{family}{}", chance.within(1940, 2012)),
        _ => format!("{}{}", chance.one(&["sunny", "river", "bluebird", "coach", "nana", "xx"]), chance.below(100_000)),
    };
    format!("{local}@{}", chance.early(&["mail.example", "post.example", "inbox.example", "work.example"]))
}

/// One household.
pub(super) struct Household<'a> {
    pub(super) number: usize,
    pub(super) chance: &'a mut Chance,
    pub(super) english_in_hundred: usize,
    pub(super) humans: Vec<Human>,
}

// === impl Household ===

impl Household<'_> {
    /// Fills a household with people.
    pub(super) fn settle(mut self) -> Vec<Human> {
        let culture = Culture::draw(self.chance, self.english_in_hundred);
        let family = culture.family(self.chance);
        let mut home = Record { phone: phone(self.chance), ..Record::default() };
        address(&mut home, self.chance);
        home.subscriber_id = format!("H{:08}", 10_000_000 + self.number * 37 % 89_999_999);
        home.group = format!("GRP{}", 100 + self.chance.below(400).min(self.chance.below(400)));
        let year = self.chance.within(1935, 2003);
        let man = self.chance.hits(5000);
        let head = self.add(culture, &family, &home, year, man);
        let mut children_named = family.clone();
        if self.chance.hits(5500) {
            let partner_culture =
                if self.chance.hits(8500) { culture } else { Culture::draw(self.chance, self.english_in_hundred) };
            let own = partner_culture.family(self.chance);
            let takes = self.chance.hits(6500);
            let partner_year = (year + self.chance.below(9)).saturating_sub(4);
            let born = self.chance.hits(9700) != man;
            let partner = self.add(partner_culture, if takes { &family } else { &own }, &home, partner_year, born);
            self.humans[partner].born_as = own.clone();
            if !takes && self.chance.hits(2500) {
                children_named = format!("{family}-{own}");
            }
        }
        if self.chance.hits(5500) && (1945..1999).contains(&year) {
            self.children(culture, &children_named, &home, year, head);
        }
        // A parent who moved in, or a friend who shares the flat and nothing else.
        if self.chance.hits(500) {
            self.add(culture, &family, &home, (year - 28).max(1922), self.humans.len().is_multiple_of(2));
        }
        self.humans
    }

    fn children(&mut self, culture: Culture, family: &str, home: &Record, year: usize, head: usize) {
        let (mut born, mut count) = ((year + self.chance.within(19, 38)).min(2025), self.chance.within(1, 4));
        let mut last: Option<usize> = None;
        // A child of an earlier marriage bears that one's name.
        let step = self.chance.hits(800).then(|| culture.family(self.chance));
        while 0 < count && born <= 2025 {
            let is_boy = self.chance.hits(5000);
            let family = step.as_deref().filter(|_| last.is_none()).unwrap_or(family);
            let child = self.add(culture, family, home, born, is_boy);
            if let Some(twin) = last.filter(|_| self.chance.hits(350)) {
                let first = self.humans[twin].record.clone();
                // Twins are often given names that begin alike.
                if self.chance.hits(3000) {
                    let is_male = first.sex == "M";
                    let alike = (0..60).map(|_| culture.given(self.chance, is_male));
                    let fits = |name: &String| name.get(..1) == first.given.get(..1) && *name != first.given;
                    if let Some(name) = alike.collect::<Vec<_>>().into_iter().find(fits) {
                        self.humans[child].record.given = name;
                        self.humans[child].record.sex.clone_from(&first.sex);
                    }
                }
                let child = &mut self.humans[child].record;
                child.dob = first.dob;
                child.sex = if self.chance.hits(7000) { first.sex } else { child.sex.clone() };
            } else if is_boy && self.humans[head].record.sex == "M" && self.chance.hits(600) {
                let father = self.humans[head].record.given.clone();
                self.humans[child].record.given = father;
                self.humans[child].record.suffix = if self.chance.hits(8000) { "Jr".into() } else { "II".into() };
                if self.humans[head].record.suffix.is_empty() && self.chance.hits(4000) {
                    self.humans[head].record.suffix = "Sr".into();
                }
            }
            last = Some(child);
            born += self.chance.within(1, 4);
            count -= 1;
        }
    }

    fn add(&mut self, culture: Culture, family: &str, home: &Record, year: usize, is_male: bool) -> usize {
        let chance = &mut *self.chance;
        let given = culture.given(chance, is_male);
        let mut record = Record { given, family: family.into(), dob: day(year, chance), ..home.clone() };
        record.sex = if is_male { "M" } else { "F" }.into();
        if chance.hits(if culture == Culture::English { 8000 } else { 3500 }) {
            record.middle = culture.given(chance, is_male);
        }
        if 2026 - year > 15 && chance.hits(6500) {
            record.phone = phone(chance);
        }
        if 2026 - year > 12 {
            record.email = email(&record.given, family, chance);
        }
        record.ssn4 = format!("{:04}", chance.within(1, 9999));
        record.member_id = format!("{}{:02}", record.subscriber_id, self.humans.len() + 1);
        self.humans.push(Human { record, culture, born_as: family.into(), ids: Vec::new(), household: self.number });
        self.humans.len() - 1
    }
}
