use super::*;

const SESSION: Duration = Duration::from_secs(10);

/// A group of a topic with four partitions, and a clock.
#[derive(Default)]
struct Fixture {
    groups: Groups,
    now: Duration,
}

impl Fixture {
    fn join(&mut self, instance: &str) -> Seat {
        let topic = Subscription { topic: "t".into(), partitions: 4 };
        self.groups.join(("g", instance), vec![topic], SESSION, self.now)
    }

    fn ask(&mut self, seat: &Seat) -> News {
        self.groups.ask(seat, self.now)
    }

    /// The generation and the partition numbers of an assignment that must be told now.
    fn assigned(&mut self, seat: &Seat) -> (u64, Vec<u32>) {
        match self.ask(seat) {
            News::Assigned { generation, partitions } => (generation, numbers(&partitions)),
            other @ (News::None | News::Revoked(_) | News::Expired | News::Fenced) => panic!("{other:?}"),
        }
    }

    fn release(&mut self, seat: &Seat) {
        self.groups.release(seat, self.now);
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
    }

    fn is_current(&mut self, seat: &Seat, generation: u64) -> bool {
        self.groups.is_current("g", &seat.member, generation, self.now)
    }

    /// Two members that know their halves, and the generation.
    fn pair(&mut self) -> (Seat, Seat, u64) {
        let (a, b) = (self.join("a"), self.join("b"));
        let (generation, _) = self.assigned(&a);
        self.assigned(&b);
        (a, b, generation)
    }
}

fn numbers(partitions: &[TopicPartition]) -> Vec<u32> {
    partitions.iter().map(|partition| partition.partition).collect()
}

fn revoked(numbers: &[u32]) -> News {
    News::Revoked(numbers.iter().map(|number| TopicPartition::new("t", *number)).collect())
}

#[test]
fn a_lone_member_gets_everything_once() {
    let mut fixture = Fixture::default();
    let a = fixture.join("a");
    assert_eq!(fixture.assigned(&a), (1, vec![0, 1, 2, 3]));
    assert_eq!(fixture.ask(&a), News::None);
}

#[test]
fn who_does_not_know_its_partitions_yet_has_nothing_to_release() {
    let mut fixture = Fixture::default();
    let (a, b) = (fixture.join("a"), fixture.join("b"));
    assert_eq!(fixture.assigned(&a), (2, vec![0, 1]));
    assert_eq!(fixture.assigned(&b), (2, vec![2, 3]));
}

#[test]
fn a_newcomer_waits_until_the_others_have_released() {
    let mut fixture = Fixture::default();
    let a = fixture.join("a");
    fixture.assigned(&a);
    let b = fixture.join("b");
    assert_eq!(fixture.ask(&b), News::None);
    assert_eq!(fixture.ask(&a), revoked(&[0, 1, 2, 3]));
    assert_eq!(fixture.ask(&b), News::None);
    assert!(fixture.is_current(&a, 1), "the turn under way may still commit");
    fixture.release(&a);
    assert!(!fixture.is_current(&a, 1));
    assert_eq!(fixture.assigned(&b), (2, vec![2, 3]));
    assert_eq!(fixture.assigned(&a), (2, vec![0, 1]));
}

#[test]
fn who_has_released_commits_no_more_though_others_have_not() {
    let mut fixture = Fixture::default();
    let (a, b, generation) = fixture.pair();
    fixture.join("c");
    fixture.ask(&a);
    fixture.release(&a);
    assert_eq!([&a, &b].map(|seat| fixture.is_current(seat, generation)), [false, true]);
}

#[test]
fn a_release_that_was_not_asked_for_changes_nothing() {
    let mut fixture = Fixture::default();
    let (a, _, generation) = fixture.pair();
    fixture.release(&a);
    assert_eq!(fixture.ask(&a), News::None);
    assert!(fixture.is_current(&a, generation));
}

#[test]
fn leaving_hands_everything_to_the_others() {
    let mut fixture = Fixture::default();
    let (a, b, _) = fixture.pair();
    fixture.groups.leave(&a);
    assert_eq!(fixture.ask(&b), revoked(&[2, 3]));
    fixture.release(&b);
    assert_eq!(fixture.assigned(&b), (3, vec![0, 1, 2, 3]));
    assert_eq!(fixture.ask(&a), News::Expired);
}

#[test]
fn silence_ends_a_session_and_the_generation() {
    let mut fixture = Fixture::default();
    let (a, b, generation) = fixture.pair();
    fixture.pass(SESSION);
    assert_eq!(fixture.ask(&b), News::None, "the session lasts up to its timeout");
    fixture.pass(Duration::from_millis(1));
    assert_eq!(fixture.ask(&b), revoked(&[2, 3]));
    assert!(!fixture.is_current(&a, generation));
    fixture.release(&b);
    assert_eq!(fixture.assigned(&b), (3, vec![0, 1, 2, 3]));
    assert_eq!(fixture.ask(&a), News::Expired);
}

#[test]
fn the_late_one_notices_by_itself() {
    let mut fixture = Fixture::default();
    let a = fixture.join("a");
    fixture.assigned(&a);
    fixture.pass(SESSION + Duration::from_millis(1));
    assert!(!fixture.groups.touch(&a, fixture.now));
    assert_eq!(fixture.ask(&a), News::Expired);
}

#[test]
fn who_does_not_release_holds_the_others_up_until_its_session_ends() {
    let mut fixture = Fixture::default();
    let a = fixture.join("a");
    fixture.assigned(&a);
    let b = fixture.join("b");
    assert_eq!(fixture.ask(&a), revoked(&[0, 1, 2, 3]));
    fixture.pass(SESSION);
    assert_eq!(fixture.ask(&b), News::None);
    fixture.pass(Duration::from_millis(1));
    assert_eq!(fixture.assigned(&b), (2, vec![0, 1, 2, 3]));
    assert_eq!(fixture.ask(&a), News::Expired);
}

#[test]
fn a_sleeper_does_not_expire() {
    let mut fixture = Fixture::default();
    let (a, b, generation) = fixture.pair();
    assert_eq!(fixture.groups.sleep(&a), Some(SESSION), "b is awake and has until then");
    fixture.pass(SESSION * 5);
    assert_eq!(fixture.ask(&b), News::Expired);
    assert_eq!(fixture.ask(&a), revoked(&[0, 1]), "b is gone");
    assert!(fixture.is_current(&a, generation));
}

#[test]
fn an_instance_that_comes_back_takes_its_partitions_over_and_nobody_else_notices() {
    let mut fixture = Fixture::default();
    let (a, b, generation) = fixture.pair();
    let again = fixture.join("a");
    assert_eq!(fixture.assigned(&again), (generation + 1, vec![0, 1]));
    assert_eq!(fixture.ask(&a), News::Fenced);
    assert!(!fixture.is_current(&a, generation));
    assert!(fixture.is_current(&again, generation + 1));
    assert_eq!(fixture.ask(&b), News::None);
    assert!(fixture.is_current(&b, generation));
}

#[test]
fn an_instance_that_comes_back_during_a_rebalance_joins_it() {
    let mut fixture = Fixture::default();
    let (a, b, _) = fixture.pair();
    let c = fixture.join("c");
    assert_eq!(fixture.ask(&b), revoked(&[2, 3]));
    let again = fixture.join("a");
    assert_eq!(fixture.ask(&a), News::Fenced);
    assert_eq!(fixture.ask(&again), News::None);
    fixture.release(&b);
    assert_eq!(fixture.assigned(&again).1, [0, 1]);
    assert_eq!(fixture.assigned(&b).1, [2]);
    assert_eq!(fixture.assigned(&c).1, [3]);
}

#[test]
fn what_belongs_to_one_group_does_not_concern_another() {
    let mut fixture = Fixture::default();
    let (_, b, _) = fixture.pair();
    let topic = Subscription { topic: "t".into(), partitions: 4 };
    let other = fixture.groups.join(("other", "a"), vec![topic], SESSION, fixture.now);
    assert_eq!(fixture.assigned(&other), (1, vec![0, 1, 2, 3]));
    assert_eq!(fixture.ask(&b), News::None);
}

#[test]
fn who_has_slept_and_woken_up_can_fall_silent_again() {
    let mut fixture = Fixture::default();
    let (a, b, _) = fixture.pair();
    fixture.groups.sleep(&a);
    fixture.pass(SESSION);
    assert_eq!((fixture.ask(&a), fixture.ask(&b)), (News::None, News::None));
    fixture.pass(SESSION);
    assert_eq!(fixture.ask(&b), News::None);
    fixture.pass(Duration::from_millis(1));
    assert_eq!(fixture.ask(&b), revoked(&[2, 3]), "a is gone");
}
