//! The roster of a world, and claims that speak of its members, or of people who are not among them.

use super::chance::Chance;
use super::people::{Household, Human, Record, address, move_house, phone};
use super::slips::{Care, enrol, write_down};

/// What kind of a world: how careful its sources are, and who lives there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mood {
    /// Sources of every care, a country of many cultures.
    Mixed,
    /// Careful sources.
    Careful,
    /// Careless sources.
    Careless,
    /// Most people are not of English name.
    Immigrant,
}

/// A claim, and the truth about it.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// What it says.
    pub record: Record,
    /// The member ids that are right; none where the person is not on the roster.
    pub right: Vec<String>,
    /// What went wrong.
    pub slips: Vec<&'static str>,
    /// Who it is: `member`, `relative`, `namesake`, `twin-date namesake`, `stranger`.
    pub kind: &'static str,
}

/// A roster and claims against it.
pub struct World {
    /// The roster, in no order.
    pub roster: Vec<Record>,
    /// The claims.
    pub claims: Vec<Claimed>,
}

struct Making {
    chance: Chance,
    english_in_hundred: usize,
    households: usize,
    present: Vec<Human>,
    absent: Vec<Human>,
    cares: &'static [usize],
}

// === impl World ===

impl World {
    /// Makes a world of about so many members.
    pub fn new(seed: u64, mood: Mood, members: usize, claims: usize) -> Self {
        let english_in_hundred = if mood == Mood::Immigrant { 20 } else { 62 };
        let cares: &[usize] = match mood {
            Mood::Mixed | Mood::Immigrant => &[25, 60, 60, 110, 110, 220],
            Mood::Careful => &[15, 30, 60],
            Mood::Careless => &[110, 220, 220, 330],
        };
        let chance = Chance::new(seed, "roster");
        let mut making =
            Making { chance, english_in_hundred, households: 0, present: Vec::new(), absent: Vec::new(), cares };
        let roster = making.roster(members);
        let claims = (0..claims).map(|_| making.claim()).collect();
        Self { roster, claims }
    }
}

// === impl Making ===

impl Making {
    fn household(&mut self) -> Vec<Human> {
        self.households += 1;
        let home = Household {
            number: self.households,
            chance: &mut self.chance,
            english_in_hundred: self.english_in_hundred,
            humans: Vec::new(),
        };
        home.settle()
    }

    fn roster(&mut self, members: usize) -> Vec<Record> {
        let mut roster = Vec::new();
        while roster.len() < members {
            let institution = self.chance.hits(40).then(|| self.institution());
            for (number, mut human) in self.household().into_iter().enumerate() {
                if let Some(home) = &institution {
                    (human.record.street, human.record.zip) = (home.street.clone(), home.zip.clone());
                    (human.record.city, human.record.state) = (home.city.clone(), home.state.clone());
                    human.record.phone.clone_from(&home.phone);
                }
                if number != 0 && self.chance.hits(400) {
                    self.absent.push(human);
                    continue;
                }
                self.enter(&mut human, &mut roster);
                self.present.push(human);
            }
        }
        roster
    }

    /// A nursing home: one of a few.
    fn institution(&mut self) -> Record {
        let mut chance = Chance::new(self.chance.below(12) as u64, "institution");
        let mut home = Record { phone: phone(&mut chance), ..Record::default() };
        address(&mut home, &mut chance);
        home
    }

    fn enter(&mut self, human: &mut Human, roster: &mut Vec<Record>) {
        let mut record = human.record.clone();
        enrol(&mut record, human.culture, &mut self.chance);
        human.ids.push(record.member_id.clone());
        roster.push(record);
        if self.chance.hits(150) {
            let mut again = human.record.clone();
            enrol(&mut again, human.culture, &mut self.chance);
            again.subscriber_id = format!("H{:08}", self.chance.within(10_000_000, 99_999_999));
            again.member_id = format!("{}01", again.subscriber_id);
            again.group = format!("GRP{}", 100 + self.chance.below(400));
            if self.chance.hits(4000) {
                move_house(&mut again, &mut self.chance);
            }
            human.ids.push(again.member_id.clone());
            roster.push(again);
        }
    }

    fn claim(&mut self) -> Claimed {
        let (human, kind) = self.somebody();
        let care = Care(*self.chance.one(self.cares) * 10);
        let mut record = human.record.clone();
        let slips = write_down(&mut record, human.culture, &human.born_as, care, &mut self.chance);
        self.card(&mut record, &human);
        self.dress(&mut record);
        Claimed { record, right: human.ids, slips, kind }
    }

    fn somebody(&mut self) -> (Human, &'static str) {
        let at = self.chance.below(self.present.len());
        match self.chance.below(1000) {
            0..810 => (self.present[at].clone(), "member"),
            810..885 if !self.absent.is_empty() => {
                let at = self.chance.below(self.absent.len());
                (self.absent.swap_remove(at), "relative")
            }
            885..920 => {
                let model = self.present[at].record.clone();
                let mut other = self.stranger();
                (other.record.given, other.record.family, other.record.sex) = (model.given, model.family, model.sex);
                if self.chance.hits(500) {
                    other.record.dob = model.dob;
                    return (other, "twin-date namesake");
                }
                (other, "namesake")
            }
            _ => (self.stranger(), "stranger"),
        }
    }

    fn stranger(&mut self) -> Human {
        let mut somebody = self.household().swap_remove(0);
        somebody.household = 0;
        somebody
    }

    /// What the claim quotes from a card: the own one, a relative's, one of another payer, none.
    fn card(&mut self, record: &mut Record, human: &Human) {
        let (member, subscriber) = (std::mem::take(&mut record.member_id), std::mem::take(&mut record.subscriber_id));
        let group = std::mem::take(&mut record.group);
        let own = if human.ids.is_empty() { None } else { Some(self.chance.one(&human.ids).clone()) };
        match (self.chance.below(100), own) {
            (0..38, Some(id)) => record.member_id = id,
            (38..52, Some(_)) => record.subscriber_id = subscriber,
            (52..56, Some(_)) => (record.subscriber_id, record.group) = (subscriber, group),
            (56..58, Some(_)) | (0..10, None) if human.household != 0 => {
                record.member_id = format!("{}{:02}", &member[..member.len() - 2], self.chance.within(1, 3));
            }
            (10..35, None) => {
                record.member_id =
                    format!("H{:08}{:02}", self.chance.within(10_000_000, 99_999_999), self.chance.within(1, 4));
            }
            _ => {}
        }
        if !record.member_id.is_empty() && self.chance.hits(250) {
            let mut letters: Vec<char> = record.member_id.chars().collect();
            let at = self.chance.within(1, letters.len() - 2);
            letters.swap(at, at + 1);
            record.member_id = letters.into_iter().collect();
        }
    }

    /// The dress in which a source writes: case, punctuation, the order of a date.
    fn dress(&mut self, record: &mut Record) {
        match self.chance.below(6) {
            0 => {
                for field in [&mut record.given, &mut record.family, &mut record.street, &mut record.city] {
                    *field = field.to_uppercase();
                }
            }
            1 if record.dob.len() == 10 => {
                record.dob = format!("{}/{}/{}", &record.dob[5..7], &record.dob[8..], &record.dob[..4]);
            }
            2 if record.phone.len() == 10 => {
                record.phone = format!("({}) {}-{}", &record.phone[..3], &record.phone[3..6], &record.phone[6..]);
            }
            3 if !record.suffix.is_empty() => {
                record.family = format!("{}, {}", record.family, std::mem::take(&mut record.suffix));
            }
            4 => record.street = record.street.replace("Street", "St.").replace("Avenue", "Ave").replace(" Apt ", " #"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::names::Culture;
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_world_and_another_seed_another() {
        let make = |seed| World::new(seed, Mood::Mixed, 400, 200);
        assert_eq!(make(1).roster, make(1).roster);
        assert_ne!(make(1).roster, make(2).roster);
        let world = make(1);
        assert_eq!(world.claims.len(), 200);
        let known = |id: &String| world.roster.iter().any(|record| record.member_id == *id);
        assert!(world.claims.iter().all(|claim| claim.right.iter().all(known)));
        assert!(world.claims.iter().any(|claim| claim.right.is_empty()));
    }

    #[test]
    fn cultures_are_those_asked_for() {
        let mut chance = Chance::new(1, "test");
        let english = (0..1000).filter(|_| Culture::draw(&mut chance, 20) == Culture::English).count();
        assert!((150..260).contains(&english), "{english}");
    }
}
