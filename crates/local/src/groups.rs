//! The coordinator of consumer groups, as a state machine: time comes in as an argument, and nobody is called.
//!
//! Rebalances are eager, as Kafka's range assignor has them. When a member comes or goes, all others are told to release what they
//! own; once each has done so, or its session has ended, the generation rises and all is assigned anew. Until then commits of
//! the old generation are good, so that a turn under way can finish. A member that comes back under the name of its instance
//! while nothing else changes takes over its own partitions, and nobody else notices.

mod assignment;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fleet::bus::TopicPartition;

/// All groups of a log.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    groups: BTreeMap<String, Group>,
    members_made: u64,
}

/// Where a consumer sits: what it has to show for each call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seat {
    /// The group.
    pub(crate) group: String,
    /// The stable name of the member.
    pub(crate) instance: String,
    /// The id the member got when it joined.
    pub(crate) member: String,
}

/// A topic a member wants, and how many partitions it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subscription {
    /// The topic.
    pub(crate) topic: Arc<str>,
    /// Its partitions.
    pub(crate) partitions: u32,
}

/// What a member is told when it asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Nothing new.
    None,
    /// These are its partitions in this generation.
    Assigned { generation: u64, partitions: Vec<TopicPartition> },
    /// It has to release these.
    Revoked(Vec<TopicPartition>),
    /// Its session has ended; it may join again.
    Expired,
    /// Another holder of its instance has joined.
    Fenced,
}

#[derive(Debug, Default)]
struct Group {
    generation: u64,
    /// How often somebody's standing changed.
    changes: u64,
    /// By instance, so that assignments come out the same whatever the order of joining.
    members: BTreeMap<String, Member>,
}

#[derive(Debug)]
struct Member {
    id: String,
    subscriptions: Vec<Subscription>,
    session_timeout: Duration,
    /// When it was last heard of.
    seen: Duration,
    /// Its thread sleeps in `wait`, where it can be neither late nor dead.
    sleeping: bool,
    generation: u64,
    standing: Standing,
    owned: Vec<TopicPartition>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Owns nothing and waits for the assignment.
    Joining,
    /// Has an assignment, and perhaps knows it.
    Assigned { told: bool },
    /// Has to release what it owns, and perhaps knows it.
    Revoking { told: bool },
}

// === impl Groups ===

impl Groups {
    /// A consumer joins. An earlier holder of its instance is fenced.
    pub(crate) fn join(
        &mut self,
        (group, instance): (&str, &str),
        subscriptions: Vec<Subscription>,
        session_timeout: Duration,
        now: Duration,
    ) -> Seat {
        self.members_made += 1;
        let id = format!("{instance}-{}", self.members_made);
        let seat = Seat { group: group.to_owned(), instance: instance.to_owned(), member: id.clone() };
        let group = self.groups.entry(seat.group.clone()).or_default();
        group.expire(now);
        let is_settled = group.is_settled();
        let earlier = group.members.remove(instance);
        let owned =
            earlier.filter(|earlier| is_settled && earlier.subscriptions == subscriptions).map(|earlier| earlier.owned);
        let standing = if owned.is_some() { Standing::Assigned { told: false } } else { Standing::Joining };
        group.generation += u64::from(owned.is_some());
        group.changes += 1;
        let (generation, owned) = (group.generation, owned.unwrap_or_default());
        let seen = now;
        let member = Member { id, subscriptions, session_timeout, seen, sleeping: false, generation, standing, owned };
        group.members.insert(seat.instance.clone(), member);
        if standing == Standing::Joining {
            group.rebalance();
        }
        seat
    }

    /// A member shows that it lives and asks what is new.
    pub(crate) fn ask(&mut self, seat: &Seat, now: Duration) -> News {
        let Some(group) = self.groups.get_mut(&seat.group) else { return News::Expired };
        group.touch(seat, now);
        group.expire(now);
        let Some(member) = group.members.get_mut(&seat.instance) else { return News::Expired };
        if member.id != seat.member {
            return News::Fenced;
        }
        match member.standing {
            Standing::Assigned { told: false } => {
                member.standing = Standing::Assigned { told: true };
                News::Assigned { generation: member.generation, partitions: member.owned.clone() }
            }
            Standing::Revoking { told: false } => {
                member.standing = Standing::Revoking { told: true };
                News::Revoked(member.owned.clone())
            }
            Standing::Joining | Standing::Assigned { told: true } | Standing::Revoking { told: true } => News::None,
        }
    }

    /// A member shows that it lives; false if its session has ended or somebody else sits there.
    pub(crate) fn touch(&mut self, seat: &Seat, now: Duration) -> bool {
        self.groups.get_mut(&seat.group).is_some_and(|group| group.touch(seat, now))
    }

    /// A member falls asleep until it is stirred or asks again. The answer is when the first of the others will have expired.
    pub(crate) fn sleep(&mut self, seat: &Seat) -> Option<Duration> {
        let group = self.groups.get_mut(&seat.group)?;
        if let Some(member) = group.member(seat) {
            member.sleeping = true;
        }
        group.members.values().filter(|member| !member.sleeping).map(Member::expires).min()
    }

    /// A member releases what it was told to.
    pub(crate) fn release(&mut self, seat: &Seat, now: Duration) {
        let Some(group) = self.groups.get_mut(&seat.group) else { return };
        group.touch(seat, now);
        group.expire(now);
        if let Some(member) = group.member(seat)
            && member.standing == (Standing::Revoking { told: true })
        {
            member.put_down();
            group.settle();
        }
    }

    /// A member goes.
    pub(crate) fn leave(&mut self, seat: &Seat) {
        let Some(group) = self.groups.get_mut(&seat.group) else { return };
        if group.member(seat).is_some() {
            group.members.remove(&seat.instance);
            group.rebalance();
        }
    }

    /// How often the standing of a member changed. When this has grown, members have something to ask for.
    pub(crate) fn changes(&self) -> u64 {
        self.groups.values().map(|group| group.changes).sum()
    }

    /// Removes the members whose sessions have ended.
    pub(crate) fn expire(&mut self, now: Duration) {
        for group in self.groups.values_mut() {
            group.expire(now);
        }
    }

    /// Whether a member may commit under this generation.
    pub(crate) fn is_current(&mut self, group: &str, member: &str, generation: u64, now: Duration) -> bool {
        let Some(group) = self.groups.get_mut(group) else { return false };
        group.expire(now);
        let member = group.members.values().find(|candidate| candidate.id == member);
        member.is_some_and(|member| member.generation == generation && member.standing != Standing::Joining)
    }
}

// === impl Group ===

impl Group {
    fn member(&mut self, seat: &Seat) -> Option<&mut Member> {
        self.members.get_mut(&seat.instance).filter(|member| member.id == seat.member)
    }

    fn touch(&mut self, seat: &Seat, now: Duration) -> bool {
        let Some(member) = self.member(seat).filter(|member| member.is_alive(now)) else { return false };
        member.seen = now;
        member.sleeping = false;
        true
    }

    fn expire(&mut self, now: Duration) {
        let before = self.members.len();
        self.members.retain(|_, member| member.is_alive(now));
        if self.members.len() < before {
            self.rebalance();
        }
    }

    fn is_settled(&self) -> bool {
        self.members.values().all(|member| matches!(member.standing, Standing::Assigned { .. }))
    }

    /// Asks all members to release what they own.
    fn rebalance(&mut self) {
        self.changes += 1;
        for member in self.members.values_mut() {
            match member.standing {
                Standing::Assigned { told: true } if !member.owned.is_empty() => {
                    member.standing = Standing::Revoking { told: false };
                }
                // Who does not know of its partitions, or has none, has nothing to finish.
                Standing::Assigned { .. } => member.put_down(),
                Standing::Joining | Standing::Revoking { .. } => {}
            }
        }
        self.settle();
    }

    /// Assigns everything anew once nobody owns anything.
    fn settle(&mut self) {
        if self.members.is_empty() || self.members.values().any(|member| member.standing != Standing::Joining) {
            return;
        }
        self.changes += 1;
        self.generation += 1;
        let wanted: Vec<&[Subscription]> = self.members.values().map(|member| &*member.subscriptions).collect();
        let assignments = assignment::by_range(&wanted);
        for (member, owned) in self.members.values_mut().zip(assignments) {
            member.generation = self.generation;
            member.standing = Standing::Assigned { told: false };
            member.owned = owned;
        }
    }
}

// === impl Member ===

impl Member {
    fn expires(&self) -> Duration {
        self.seen + self.session_timeout
    }

    fn is_alive(&self, now: Duration) -> bool {
        self.sleeping || now <= self.expires()
    }

    fn put_down(&mut self) {
        self.standing = Standing::Joining;
        self.owned.clear();
    }
}

#[cfg(test)]
mod tests;
