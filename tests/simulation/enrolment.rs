//! The enrolment system of the simulated world: whom it puts on the roster, and how it changes its mind while requests about them are
//! under way.

use std::collections::BTreeMap;
use std::fmt;

use domain::person::{Address, PersonName, RosterMember};
use fleet::clock::Clock;
use sandbox::upstream::population;
use tests::leak::Canary;
use tests::{Feed, PAYER, World};

use crate::sending::MEMBERS;

/// What becomes of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// Its row is written again as it is.
    Touch,
    /// The member has moved: address, telephone and email are others.
    Move,
    /// The member has another family name.
    Rename,
    /// Somebody else has the account.
    Replace,
    /// It is taken off the roster.
    Remove,
    /// It is merged into another account of the same person.
    Merge,
    /// The same, and the row of that other account comes later.
    MergeEarly,
    /// It is merged into an account that nobody has.
    Dangle,
    /// It was merged, and stands for itself again.
    Split,
    /// The account beside it is taken off the roster.
    RemoveNext,
}

/// All changes there are.
pub(crate) const CHANGES: [Change; 10] = [
    Change::Touch,
    Change::Move,
    Change::Rename,
    Change::Replace,
    Change::Remove,
    Change::Merge,
    Change::MergeEarly,
    Change::Dangle,
    Change::Split,
    Change::RemoveNext,
];

/// Who is on the roster, and what is still to be changed.
#[derive(Default)]
pub(crate) struct Enrolment {
    rows: BTreeMap<String, RosterMember>,
    /// Accounts that are still to change, and when.
    changes: Vec<(i64, String, Step)>,
    /// What has changed at which moments.
    pub(crate) done: BTreeMap<(Change, &'static str), u64>,
}

/// A change as it is carried out.
enum Step {
    Change(Change),
    /// The row is to be as it was.
    Back(Option<Box<RosterMember>>),
}

/// Every so many accounts one was merged into another account of the same person before the run began.
const MERGED_EVERY: usize = 4;
/// The accounts whose heir's row is equal to theirs end so.
const SAME_AS_THEIR_HEIR: [char; 3] = ['1', '4', '7'];
/// What changed rows say, and nothing that was written may tell.
const FAMILY: &str = "Zwxqvfamily";
const GIVEN: &str = "Zwxqvgiven";
const STREET: &str = "Zwxqvstreet";
const EMAIL: &str = "zwxqvmail@canary.example";
const PHONE: &str = "70912384650179";
const NUMBER: &str = "Zwxqvnumber";

// === impl Enrolment ===

impl Enrolment {
    /// Puts everybody on the roster. Where it will change, some accounts stand for others already.
    pub(crate) fn begin(seed: u64, changes: bool, (world, feed): (&World, &mut Feed)) -> Self {
        let mut enrolment = Self::default();
        for (index, person) in population(seed, PAYER, MEMBERS).into_iter().enumerate() {
            enrolment.put(&person.member_key, person.member, (world, feed));
            if changes && index % MERGED_EVERY == 1 {
                enrolment.merge(&person.member_key, (world, feed));
            }
        }
        feed.commit();
        enrolment
    }

    /// An account is to change, and to be as it was after so long.
    pub(crate) fn order(
        &mut self,
        (at, on): (i64, &'static str),
        account: &str,
        (change, back_ms): (Change, Option<u32>),
    ) {
        *self.done.entry((change, on)).or_default() += 1;
        let account = if change == Change::RemoveNext { beside(account) } else { account.to_owned() };
        if let Some(after) = back_ms {
            let before = self.rows.get(&account).cloned().map(Box::new);
            self.changes.push((at + i64::from(after), account.clone(), Step::Back(before)));
        }
        self.changes.push((at, account, Step::Change(change)));
    }

    /// Changes what is to be changed by now; how much it was.
    pub(crate) fn act(&mut self, world: &World, feed: &mut Feed) -> usize {
        let now = world.clock.now_ms();
        let (due, later) = std::mem::take(&mut self.changes).into_iter().partition(|(at, ..)| *at <= now);
        self.changes = later;
        let due: Vec<(i64, String, Step)> = due;
        for (_, account, step) in &due {
            match step {
                Step::Change(change) => self.change(account, *change, (world, feed)),
                Step::Back(Some(row)) => self.put(account, (**row).clone(), (world, feed)),
                Step::Back(None) => {}
            }
            // Each is a transaction of its own, as enrolment systems publish what happens.
            feed.commit();
        }
        due.len()
    }

    /// When the next account changes.
    pub(crate) fn next_ms(&self) -> Option<i64> {
        self.changes.iter().map(|(at, ..)| *at).min()
    }

    fn change(&mut self, account: &str, change: Change, (world, feed): (&World, &mut Feed)) {
        let Some(mut row) = self.rows.get(account).cloned() else { return };
        match change {
            Change::Touch => {}
            Change::Move => moves(&mut row),
            Change::Rename => row.member.name.family = FAMILY.to_owned(),
            Change::Replace => replace(&mut row),
            Change::Remove | Change::RemoveNext => {
                self.rows.remove(account);
                return feed.remove(world, account);
            }
            Change::Merge => return self.merge(account, (world, feed)),
            Change::MergeEarly => {
                let (heir, other) = heir_of(account, &row);
                // Mostly while it is waited for, now and then too late.
                let late_ms = [0, 400, 600_000, 7_200_000][account.bytes().last().map_or(0, usize::from) % 4];
                let come = Step::Back(Some(Box::new(other)));
                self.changes.push((world.clock.now_ms() + late_ms, heir.clone(), come));
                row.merged_into = Some(heir);
            }
            Change::Dangle => row.merged_into = Some("nobody-has-it".to_owned()),
            Change::Split => row.merged_into = None,
        }
        self.put(account, row, (world, feed));
    }

    fn merge(&mut self, account: &str, (world, feed): (&World, &mut Feed)) {
        let Some(mut row) = self.rows.get(account).cloned() else { return };
        let (heir, other) = heir_of(account, &row);
        self.put(&heir, other, (world, feed));
        row.merged_into = Some(heir);
        self.put(account, row, (world, feed));
    }

    fn put(&mut self, account: &str, row: RosterMember, (world, feed): (&World, &mut Feed)) {
        feed.enrol(world, account, &row);
        self.rows.insert(account.to_owned(), row);
    }
}

/// What nothing that was written may tell.
pub(crate) fn canaries() -> Vec<Canary> {
    let named = |value: &str| Canary { name: "a changed row".to_owned(), value: value.to_owned() };
    [FAMILY, GIVEN, STREET, EMAIL, PHONE, NUMBER].map(named).to_vec()
}

fn moves(row: &mut RosterMember) {
    row.member.addresses = vec![Address {
        lines: vec![format!("7 {STREET}")],
        city: Some("Fairbanks".to_owned()),
        state: Some("AK".to_owned()),
        postal_code: Some("99701".to_owned()),
        country: Some("US".to_owned()),
    }];
    row.member.phones = vec![PHONE.to_owned()];
    row.member.emails = vec![EMAIL.to_owned()];
}

fn replace(row: &mut RosterMember) {
    moves(row);
    row.member.name =
        PersonName { family: FAMILY.to_owned(), given: vec![GIVEN.to_owned()], prefix: None, suffix: None };
    row.member.birth_date = Some("1921-11-30".to_owned());
    row.member.identifiers.iter_mut().for_each(|it| it.value = NUMBER.to_owned());
    for coverage in &mut row.coverages {
        coverage.member_id = Some(format!("{NUMBER}1"));
        coverage.subscriber_id = Some(format!("{NUMBER}2"));
        coverage.group = Some(format!("{NUMBER}3"));
    }
}

/// Another account of the same person, under another number; now and then its row says the same in everything.
fn heir_of(account: &str, row: &RosterMember) -> (String, RosterMember) {
    let mut other = RosterMember { merged_into: None, ..row.clone() };
    if !account.ends_with(SAME_AS_THEIR_HEIR) {
        for coverage in &mut other.coverages {
            coverage.member_id = coverage.member_id.as_ref().map(|number| number.replace('M', "H"));
        }
    }
    (account.replace("member", "heir"), other)
}

/// The account beside this one: a housemate's, mostly.
fn beside(account: &str) -> String {
    let number: u64 = account.rsplit('-').next().and_then(|digits| digits.parse().ok()).unwrap_or(0);
    format!("member-{:08}", number ^ 1)
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Touch => "its account's row is written again",
            Self::Move => "its member moves",
            Self::Rename => "its member takes another name",
            Self::Replace => "its account is somebody else's",
            Self::Remove => "its account is removed",
            Self::Merge => "its account is merged into another one",
            Self::MergeEarly => "its account is merged into another one that comes later",
            Self::Dangle => "its account is merged into one that nobody has",
            Self::Split => "its account stands for itself again",
            Self::RemoveNext => "the account beside its own is removed",
        })
    }
}
