//! What holds of every roster: its order, its history and where it was kept do not matter.

use matching::{Decision, Matcher, Person, Policy, Roster};

const GIVEN: [&str; 12] =
    ["Ann", "Anna", "Robert", "Bob", "Mary Ann", "José", "Jose", "Minh", "Li", "Olga", "Ahmed", "Zoë"];
const FAMILY: [&str; 12] = [
    "Smith",
    "Smyth",
    "García-López",
    "Garcia",
    "Nguyen",
    "de la Cruz",
    "Delacruz",
    "Lee",
    "Li",
    "al-Hassan",
    "Hassan",
    "Jones Jr",
];
const STREETS: [&str; 5] = ["12 Main St", "12 Main Street Apt 3", "PO Box 9", "7 Fifth Ave", "unknown"];

/// Strings of a record, made from a number.
struct Made(Vec<String>);

fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    value ^ (value >> 29)
}

fn made(seed: u64) -> Made {
    let draw = |part: u64, bound: usize| (mix(mix(seed + 1) ^ mix(part + 77)) >> 20) as usize % bound;
    let household = draw(0, 40);
    Made(vec![
        format!("W{:09}{:02}", 100_000_000 + household * 7919, draw(1, 4) + 1),
        format!("W{:09}", 100_000_000 + household * 7919),
        GIVEN[draw(2, GIVEN.len())].to_owned(),
        ["", "A", "Lee", "Marie"][draw(3, 4)].to_owned(),
        FAMILY[draw(4, FAMILY.len())].to_owned(),
        format!("{}-{:02}-{:02}", 1950 + draw(5, 3), draw(6, 3) + 1, draw(7, 4) + 1),
        ["F", "M", ""][draw(8, 3)].to_owned(),
        STREETS[draw(9, STREETS.len())].to_owned(),
        ["90210", "10001", ""][draw(10, 3)].to_owned(),
        ["", "5552017788", "5552017789", "2063331234"][draw(11, 4)].to_owned(),
        ["", "ann@mail.example", "lee@mail.example"][draw(12, 3)].to_owned(),
        ["", "1235", "8642", "1253"][draw(13, 4)].to_owned(),
    ])
}

fn person(made: &Made) -> Person<'_> {
    let at = |at: usize| made.0[at].as_str();
    Person {
        member_id: at(0),
        subscriber_id: at(1),
        given: at(2),
        middle: at(3),
        family: at(4),
        dob: at(5),
        sex: at(6),
        street: at(7),
        state: "WA",
        zip: at(8),
        phone: at(9),
        email: at(10),
        ssn: at(11),
        ..Person::default()
    }
}

fn policy() -> Policy {
    Policy::parse(include_str!("../../../deploy/policy/matching.toml")).expect("the deployed policy")
}

fn members(count: u64) -> Vec<(String, Made)> {
    (0..count).map(|number| (format!("K{number}"), made(number))).collect()
}

fn build<'a>(members: impl Iterator<Item = &'a (String, Made)>) -> Roster {
    Roster::build(members.map(|(key, made)| (key.as_str(), person(made))))
}

fn decide_all<'r>(roster: &'r Roster, policy: &Policy) -> Vec<Decision<'r>> {
    let mut matcher = Matcher::new(policy, roster);
    (5_000..5_400).map(|number| matcher.decide(&person(&made(number)))).collect()
}

/// How many decisions differ: told in place of the decisions, which nobody would read.
fn differing(some: &[Decision<'_>], others: &[Decision<'_>]) -> usize {
    some.iter().zip(others).filter(|(one, other)| one != other).count()
}

#[test]
fn the_order_of_a_roster_does_not_matter() {
    let (policy, members) = (policy(), members(600));
    let (one, other) = (build(members.iter()), build(members.iter().rev()));
    assert_eq!(differing(&decide_all(&one, &policy), &decide_all(&other, &policy)), 0);
}

#[test]
fn many_claims_are_judged_as_each_one_is() {
    let (policy, members) = (policy(), members(600));
    let mut roster = build(members.iter());
    // Some are found beside the table, some are gone from it.
    for (key, made) in &members[..60] {
        roster.put(key, &person(&crate::made(mix(key.len() as u64 + made.0.len() as u64))));
    }
    let claims: Vec<Made> = (5_000..5_400).map(made).collect();
    let also = [Person { family: "Okafor", phone: "2063331234", ..Person::default() }];
    let claim = |at: usize| Person { also: if at.is_multiple_of(7) { &also } else { &[] }, ..person(&claims[at]) };
    let mut matcher = Matcher::new(&policy, &roster);
    let each: Vec<_> = (0..claims.len()).map(|at| matcher.decide(&claim(at))).collect();
    // Whatever the number of claims, and whoever was judged before.
    for count in [0, 1, 5, 12, 13, 400] {
        let all = matcher.decide_all((0..count).map(claim));
        assert_eq!((all.len(), differing(&all, &each[..count])), (count, 0));
    }
}

#[test]
fn a_block_that_is_too_large_is_left_out_however_it_came_to_be_so() {
    let policy = policy();
    let lodger = |number: usize| (format!("L{number}"), format!("Lodger{}", "x".repeat(number % 9 + 2)));
    let lodgers: Vec<_> = (0..200).map(lodger).collect();
    let person = |name: &'_ str| -> Person<'static> {
        let family = ["Abel", "Bright", "Cole", "Drew", "Ewing", "Frost", "Gale", "Hale", "Ives"][name.len() % 9];
        Person { given: "Lou", family, street: "12 Main St", zip: "98101", phone: "2063331234", ..Person::default() }
    };
    let claim = Person { phone: "206-333-1234", given: "Zed", ..Person::default() };
    let standing = |from: usize, to: usize| {
        Roster::build(lodgers[from..to].iter().map(|(key, name)| (key.as_str(), person(name))))
    };
    let judged = |roster: &Roster| {
        let decision = Matcher::new(&policy, roster).decide(&claim).clone();
        (decision.candidates, decision.blocks_skipped, decision.probability)
    };
    // It grows past the limit beside the table, and shrinks below it within.
    let mut growing = standing(0, 20);
    lodgers[20..].iter().for_each(|(key, name)| growing.put(key, &person(name)));
    assert_eq!(judged(&growing), judged(&standing(0, 200)));
    assert_eq!(judged(&growing).1, 1);
    let mut shrinking = standing(0, 200);
    lodgers[30..].iter().for_each(|(key, _)| assert!(shrinking.remove(key)));
    assert_eq!(judged(&shrinking), judged(&standing(0, 30)));
    assert_eq!(judged(&shrinking).1, 0);
}

#[test]
fn updates_and_removals_lead_where_building_does() {
    let (policy, members) = (policy(), members(600));
    let mut updated = build(members[..300].iter());
    for (key, _) in &members[..100] {
        assert!(updated.remove(key));
    }
    assert!(!updated.remove("nobody"));
    for (key, made) in &members[..600] {
        // Everybody was somebody else before.
        updated.put(key, &person(&crate::made(mix(made.0.len() as u64 + key.len() as u64))));
        updated.put(key, &person(made));
    }
    let built = build(members.iter());
    assert_eq!((updated.len(), built.len()), (600, 600));
    assert_eq!(differing(&decide_all(&updated, &policy), &decide_all(&built, &policy)), 0, "before it is settled");
    updated.settle();
    assert_eq!(differing(&decide_all(&updated, &policy), &decide_all(&built, &policy)), 0, "after it is settled");
}

#[test]
fn a_snapshot_brings_back_the_same_roster() {
    let (policy, members) = (policy(), members(500));
    let mut roster = build(members.iter());
    roster.remove("K7");
    let bytes = roster.to_snapshot();
    let mut back = Roster::of_snapshot(&bytes).expect("a roster");
    assert_eq!(differing(&decide_all(&back, &policy), &decide_all(&roster, &policy)), 0);
    assert_eq!(back.to_snapshot(), bytes);
    let mut damaged = bytes.to_vec();
    damaged[bytes.len() / 2] ^= 1;
    assert!(Roster::of_snapshot(&damaged.into()).is_err());
    assert!(Roster::of_snapshot(&bytes.slice(..bytes.len() - 3)).is_err());
}

#[test]
fn the_same_input_gives_the_same_policy() {
    let (policy, members) = (policy(), members(400));
    let roster = build(members.iter());
    let claims: Vec<Made> = (900..1_100).map(made).collect();
    let fit = || matching::fit(&roster, claims.iter().map(person), &policy);
    assert_eq!(fit(), fit());
}

#[test]
fn what_else_is_known_of_a_person_counts() {
    let policy = policy();
    let maiden = [Person { family: "Okafor", phone: "2063331234", ..Person::default() }];
    let member = Person {
        given: "Ngozi",
        family: "Bright",
        dob: "1984-02-28",
        zip: "98101",
        also: &maiden,
        ..Person::default()
    };
    let others: Vec<_> = members(300);
    let roster =
        Roster::build(others.iter().map(|(key, made)| (key.as_str(), person(made))).chain([("married", member)]));
    let claim =
        Person { given: "Ngozi", family: "Okafor", dob: "1984-02-28", phone: "206-333-1234", ..Person::default() };
    let mut matcher = Matcher::new(&policy, &roster);
    let decision = matcher.decide(&claim);
    assert_eq!(decision.member, Some("married"));
    assert_eq!(decision.levels.name(matching::levels::Field::Family), "exact");
    let explained = matcher.explain(&claim);
    assert_eq!(explained.probability_ppm, decision.probability);
    let told: i32 = explained.fields.iter().map(|field| field.weight).sum();
    assert_eq!(told + explained.prior, explained.weight, "the weights add up");
}

/// Two accounts among others: who they are together, and what a claim that says no more than name, sex and birth date comes to.
fn two_accounts(one: Person<'_>, other: Person<'_>) -> (matching::Outcome, u32) {
    let others = members(1_500);
    let both = [("one", one), ("other", other)];
    let roster = Roster::build(others.iter().map(|(key, made)| (key.as_str(), person(made))).chain(both));
    let claim =
        Person { given: "Thelonious", family: "Featherstonehaugh", dob: "1961-08-19", sex: "M", ..Person::default() };
    let decision = Matcher::new(&policy(), &roster).decide(&claim);
    assert!(matches!(decision.member, Some("one" | "other")), "{decision:?}");
    (decision.outcome, decision.probability)
}

/// A rare name and a birth date in common are what namesakes have too who were named after the same grandfather: where all else is
/// different a person has to look, however rare the name. One thing more that people keep makes them one.
#[test]
fn a_rare_name_and_a_birth_date_alone_make_no_two_accounts_one_person() {
    let one = Person {
        member_id: "W55512312301",
        subscriber_id: "W555123123",
        given: "Thelonious",
        family: "Featherstonehaugh",
        dob: "1961-08-19",
        sex: "M",
        street: "12 Main St",
        city: "Cambridge",
        state: "MA",
        zip: "02139",
        phone: "5552017788",
        email: "theo@mail.example",
        ssn: "4436",
        ..Person::default()
    };
    let elsewhere = Person {
        member_id: "W77790790701",
        subscriber_id: "W777907907",
        street: "7 Fifth Ave",
        city: "Seattle",
        state: "WA",
        zip: "98101",
        phone: "2063331234",
        email: "jazz@post.example",
        ssn: "4321",
        ..one
    };
    let (outcome, probability) = two_accounts(one, elsewhere);
    assert_eq!(outcome, matching::Outcome::Review, "{probability}");
    let moved = Person { phone: "", email: "", ssn: "", ..elsewhere };
    for (what, alike) in [
        ("a number", Person { ssn: one.ssn, ..moved }),
        ("a phone", Person { phone: one.phone, ..moved }),
        ("an address", Person { street: one.street, city: one.city, state: one.state, zip: one.zip, ..moved }),
    ] {
        let (outcome, probability) = two_accounts(one, alike);
        assert_eq!(outcome, matching::Outcome::Match, "{what}: {probability}");
    }
}
