//! What matches rest on: the roster as its topic tells it, and whether what a match was made by still holds. Nothing here knows
//! weights. A change is told apart by what must follow from it: nothing at all may be withdrawn while what the roster says of the
//! member stays as it was; a match must be withdrawn once the account is gone, leads elsewhere, or is somebody else's in every
//! respect; of all between nothing is said, but that it happens once at most.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use contracts::Topic;
use domain::person::RosterMember;
use domain::phi::{Phi, Purpose};
use domain::{EventBody, LifecycleEvent, Message, RequestId, Token};
use fleet::bus::{Delivered, Isolation, Reader, TopicPartition};
use fleet::clock::Clock;
use tests::World;

use crate::sending::MEMBERS;

/// The roster as it grew, and the matches that rest on it.
pub(super) struct Grounds {
    reader: Box<dyn Reader>,
    /// What each account's row came to be, and after how many rows of the whole roster.
    accounts: BTreeMap<String, Vec<(usize, Option<Row>)>>,
    /// The sums of offsets that the roster's versions are, after each row, and the partition of that row.
    versions: Vec<u64>,
    partitions: Vec<u32>,
    /// When each row was seen, in the run's time.
    seen: Vec<Duration>,
    /// Accounts by their tokens.
    tokens: BTreeMap<Token, String>,
    /// When the roster last changed, in sound time.
    pub(super) changed_at: Duration,
    matches: BTreeMap<RequestId, Match>,
}

#[derive(Clone)]
struct Row {
    offset: u64,
    member: RosterMember,
}

/// A match, and what was seen of it since.
struct Match {
    /// The account of whom the claim speaks, where it led to the member and the machine found it.
    account: Option<String>,
    /// The account that was named.
    member: String,
    /// After how many rows of the roster it was made, where that is certain.
    made_at: Option<usize>,
    /// When it can't be withdrawn any more, in the run's time.
    until: Duration,
    is_withdrawn: bool,
    /// What follows for it from the roster after so many rows, as it was last asked.
    judged: Option<(usize, Holds)>,
    /// Since when its ground is lost, in sound time, and for how long that may go on.
    lost_since: Option<(Duration, Duration)>,
}

/// What must follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Holds {
    Yes,
    No,
    /// Its member leads to an account that is not on the roster: it must be withdrawn in some time, and not before this one.
    Awaits(Duration),
    Perhaps,
}

/// How long a lost ground may go unnoticed in sound time: nobody has to do more than one turn.
const NOTICED_WITHIN: Duration = Duration::from_secs(600);
/// `remember_days` in `deploy/policy/identity.toml`, less what clocks may differ by.
const REMEMBERED: Duration = Duration::from_secs(30 * 86_400 - 600);
/// `heir_awaited_s` in `deploy/policy/identity.toml`, and what clocks may differ by.
const AWAITED: Duration = Duration::from_secs(3_600);
const SKEW: Duration = Duration::from_secs(600);
/// More merges than any account has gone through.
const MERGES: usize = 8;

// === impl Grounds ===

impl Grounds {
    pub(super) fn new(world: &World) -> Self {
        let name = world.topics.name(&Topic::Members);
        let partitions = 0..world.topics.partitions(&Topic::Members);
        let from: Vec<_> = partitions.map(|number| (TopicPartition::new(name.clone(), number), 0)).collect();
        let mut reader = world.bus.reader(Isolation::ReadCommitted).expect("a reader");
        reader.assign(&from).expect("assigned");
        Self {
            reader,
            accounts: BTreeMap::new(),
            versions: Vec::new(),
            partitions: Vec::new(),
            seen: Vec::new(),
            tokens: BTreeMap::new(),
            changed_at: Duration::ZERO,
            matches: BTreeMap::new(),
        }
    }

    /// Reads the roster on.
    pub(super) fn follow(&mut self, world: &World, sound: Duration) {
        let mut rows: Vec<Delivered> = Vec::new();
        if self.reader.read(super::LIMIT, Duration::ZERO, &mut rows).is_err() {
            return;
        }
        for row in rows {
            let account = String::from_utf8(row.key.as_deref().unwrap_or_default().to_vec()).expect("an account");
            let read = row.value.map(|value| match world.codec.decode(&Topic::Members, &value) {
                Ok((_, Message::Member(record))) => world.vault.open_member(&account, &record.member).expect("sealed"),
                other => panic!("no row of the roster: {other:?}"),
            });
            let token = world.vault.token(Purpose::Member, &[account.as_bytes()]);
            self.tokens.insert(token, account.clone());
            let before = self.row(&account, usize::MAX).map_or(0, |row| row.offset);
            let version = self.versions.last().copied().unwrap_or(0) - before;
            self.versions.push(version + read.as_ref().map_or(0, |_| row.offset));
            self.partitions.push(row.partition);
            self.seen.push(world.clock.since_boot());
            let read = read.map(|member| Row { offset: row.offset, member });
            self.accounts.entry(account).or_default().push((self.versions.len(), read));
            self.changed_at = sound;
        }
    }

    /// Takes a fact in; `about` is the account that the request's claim speaks of. What is wrong with it.
    pub(super) fn judge(&mut self, event: &LifecycleEvent, about: Option<&str>, seen: Duration) -> Option<String> {
        match &event.body {
            EventBody::IdentityMatched { member_token, roster_version, rule, .. } => {
                let Some(member) = self.tokens.get(member_token).cloned() else {
                    return Some("matched to an account that was never on the roster".to_owned());
                };
                let made_at = self.state(*roster_version);
                if let Some(state) = made_at
                    && self.survivor(&member, state) != Some(member.as_str())
                {
                    return Some(
                        "matched to an account that stands for nobody by the roster of that moment".to_owned(),
                    );
                }
                // The fact names the member, and not which of the accounts merged into one it was that fitted.
                let is_certain = |about: &&str| {
                    let is_as_enrolled = made_at.is_some_and(|state| self.is_as_enrolled(about, state));
                    rule != "reviewed" && *about == member && is_as_enrolled
                };
                let found = Match {
                    account: about.filter(is_certain).map(str::to_owned),
                    member,
                    made_at,
                    until: seen + REMEMBERED,
                    is_withdrawn: false,
                    judged: None,
                    lost_since: None,
                };
                self.matches.insert(event.request_id, found);
                None
            }
            EventBody::VerificationFailed { withdrawn: Some(withdrawal), .. } => {
                let Some(found) = self.matches.get(&event.request_id) else {
                    return Some("a match was withdrawn that was never made".to_owned());
                };
                let now = self.state(withdrawal.roster_version);
                let holds = now.map_or(Holds::Perhaps, |now| self.holds(found, now));
                let is_another = self.tokens.get(&withdrawal.member_token) != Some(&found.member);
                let found = self.matches.get_mut(&event.request_id)?;
                if std::mem::replace(&mut found.is_withdrawn, true) {
                    return Some("its match was withdrawn twice".to_owned());
                }
                if is_another {
                    return Some("the match that was withdrawn names another member".to_owned());
                }
                match holds {
                    Holds::Yes => Some("its match was withdrawn, and nothing it rests on has changed".to_owned()),
                    Holds::Awaits(until) if seen < until => {
                        Some("its match was withdrawn before its heir's time was over".to_owned())
                    }
                    Holds::Awaits(_) | Holds::No | Holds::Perhaps => None,
                }
            }
            _ => None,
        }
    }

    /// Matches whose ground is lost and that nobody has withdrawn in time, all at rest; in the end at once.
    pub(super) fn overlooked(&mut self, (sound, now): (Duration, Duration), within: Option<Duration>) -> Vec<String> {
        self.judge_again();
        let mut wrong = Vec::new();
        for (id, found) in &mut self.matches {
            let allowed = match found.judged.map(|(_, holds)| holds) {
                Some(Holds::No) => Some(within.unwrap_or(NOTICED_WITHIN)),
                // Whoever came back from a crash waits from then on.
                Some(Holds::Awaits(_)) => within.is_none().then_some(AWAITED + SKEW + NOTICED_WITHIN),
                Some(Holds::Yes | Holds::Perhaps) | None => None,
            };
            let Some(allowed) = allowed.filter(|_| !found.is_withdrawn && now < found.until) else {
                found.lost_since = None;
                continue;
            };
            let (since, _) = found.lost_since.filter(|(_, of)| *of == allowed).unwrap_or((sound, allowed));
            found.lost_since = Some((since, allowed));
            if allowed <= sound - since {
                wrong.push(format!(
                    "{id}: its match with {} has lost its ground, and nobody withdraws it",
                    found.member
                ));
            }
        }
        wrong
    }

    /// Finds what follows for each match from the roster as it is: that changes with the roster alone.
    fn judge_again(&mut self) {
        let state = self.versions.len();
        let is_due = |found: &&Match| found.judged.is_none_or(|(at, _)| at != state);
        let due = self.matches.iter().filter(|(_, found)| is_due(found));
        let judged: Vec<_> = due.map(|(id, found)| (*id, self.holds(found, state))).collect();
        for (id, holds) in judged {
            self.matches.get_mut(&id).into_iter().for_each(|found| found.judged = Some((state, holds)));
        }
    }

    /// Whom a chosen account stands for by the roster that a match was made by.
    pub(super) fn stands_for(&self, chosen: Token, matched: &LifecycleEvent) -> Token {
        let EventBody::IdentityMatched { roster_version, member_token, .. } = &matched.body else { return chosen };
        let (Some(account), Some(state)) = (self.tokens.get(&chosen), self.state(*roster_version)) else {
            return *member_token;
        };
        let stands = self.survivor(account, state).unwrap_or(account);
        self.tokens.iter().find(|(_, of)| *of == stands).map_or(chosen, |(token, _)| *token)
    }

    /// After how many rows the roster had this version, where only one state had.
    fn state(&self, version: u64) -> Option<usize> {
        let mut states = self.versions.iter().enumerate().filter(|(_, of)| **of == version).map(|(at, _)| at + 1);
        states.next().filter(|_| states.next().is_none() && self.ways(version) == 1)
    }

    /// In how many ways the roster may have come to this version for who read its partitions in another order, each as far as it
    /// liked, and had read what the roster was made of at first.
    fn ways(&self, version: u64) -> usize {
        let first = (MEMBERS as usize).min(self.versions.len());
        let mut ways = BTreeMap::from([(self.versions[first - 1], 1)]);
        let changes = |partition| (first..self.versions.len()).filter(move |at| self.partitions[*at] == partition);
        for partition in self.partitions.iter().copied().collect::<BTreeSet<u32>>() {
            let before = std::mem::take(&mut ways);
            let mut version = 0u64;
            let deltas = changes(partition).map(|at| self.versions[at].wrapping_sub(self.versions[at - 1]));
            for delta in std::iter::once(0).chain(deltas) {
                version = version.wrapping_add(delta);
                for (sum, count) in &before {
                    *ways.entry(sum.wrapping_add(version)).or_default() += count;
                }
            }
        }
        ways.get(&version).copied().unwrap_or(0)
    }

    fn row(&self, account: &str, state: usize) -> Option<&Row> {
        let rows = self.accounts.get(account)?;
        rows.iter().rev().find(|(at, _)| *at <= state)?.1.as_ref()
    }

    /// The account that stands for this one.
    fn survivor<'a>(&'a self, account: &'a str, state: usize) -> Option<&'a str> {
        let mut account = account;
        for _ in 0..MERGES {
            match &self.row(account, state)?.member.merged_into {
                Some(into) => account = into,
                None => return Some(account),
            }
        }
        None
    }

    fn holds(&self, found: &Match, now: usize) -> Holds {
        let Some(made_at) = found.made_at else { return Holds::Perhaps };
        let Some(member) = self.survivor(&found.member, now) else { return self.awaits(found, (made_at, now)) };
        if let Some(account) = &found.account {
            let is_one = self.survivor(account, now) == Some(member);
            return if is_one { self.alike(account, (made_at, now)) } else { Holds::No };
        }
        // Of those who stood for the member any may have been meant.
        let meant: Vec<&String> =
            self.accounts.keys().filter(|it| self.survivor(it, made_at) == Some(found.member.as_str())).collect();
        if let [account] = meant[..] {
            return self.alike(account, (made_at, now));
        }
        let is_same = |it: &&String| {
            self.alike(it, (made_at, now)) == Holds::Yes && self.survivor(it, now) == Some(found.member.as_str())
        };
        if meant.iter().all(is_same) { Holds::Yes } else { Holds::Perhaps }
    }

    /// What must follow where the member leads to nobody. There is a time to wait only where all else is as it was when the match was
    /// made, and the account that is missing has never been there.
    fn awaits(&self, found: &Match, (made_at, now): (usize, usize)) -> Holds {
        let Some(Row { member, .. }) = self.row(&found.member, now) else { return Holds::No };
        let first = (made_at..=now).find(|state| self.survivor(&found.member, *state).is_none());
        let is_new = member
            .merged_into
            .as_ref()
            .is_some_and(|into| !self.accounts.get(into).is_some_and(|rows| rows.iter().any(|(at, _)| *at <= now)));
        let is_same = found.account.is_some() && self.alike(&found.member, (made_at, now)) == Holds::Yes;
        let until = first.filter(|_| is_new && is_same).map(|state| self.seen[state - 1] + AWAITED - SKEW);
        Holds::Awaits(until.unwrap_or_default())
    }

    /// Whether an account's row says what it said at first, as the claims do.
    fn is_as_enrolled(&self, account: &str, state: usize) -> bool {
        let first = self.accounts.get(account).and_then(|rows| rows.first()).map_or(0, |(at, _)| *at);
        self.alike(account, (first, state)) == Holds::Yes
    }

    fn alike(&self, account: &str, (then, now): (usize, usize)) -> Holds {
        match (self.row(account, then), self.row(account, now)) {
            (Some(then), Some(today)) => alike(&then.member, &today.member),
            _ => Holds::Perhaps,
        }
    }
}

/// Whether what was said of a member bears them out that is said today.
fn alike(then: &RosterMember, today: &RosterMember) -> Holds {
    if (&then.member, &then.coverages) == (&today.member, &today.coverages) {
        return Holds::Yes;
    }
    let card = |row: &RosterMember| row.coverages.first().and_then(|coverage| coverage.member_id.clone());
    let is_another = then.member.name != today.member.name
        && then.member.birth_date != today.member.birth_date
        && then.member.addresses != today.member.addresses
        && then.member.phones != today.member.phones
        && card(then) != card(today);
    if is_another { Holds::No } else { Holds::Perhaps }
}
