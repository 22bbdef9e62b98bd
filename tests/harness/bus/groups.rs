//! The coordinator of consumer groups, as Kafka's classic protocol has it with static members and an eager range assignor.
//!
//! A member that comes or goes opens a rebalance: everybody is to give up what they own and to join again. Once all have, or the
//! sessions of those who don't have ended, the generation rises and partitions are dealt out anew, topic by topic. Until then
//! commits of the old generation are good. A static member that comes back while the group is at rest takes over its partitions in
//! the same generation under a new member id, and the old id is fenced.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fleet::bus::{GroupMetadata, Membership, TopicPartition};

/// All groups.
#[derive(Default)]
pub(super) struct Groups {
    groups: BTreeMap<String, Group>,
    members_made: u64,
}

/// What a consumer has to show for itself.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Seat {
    pub(super) group: String,
    pub(super) instance: String,
    pub(super) member: String,
}

/// What a member hears when it asks.
pub(super) enum News {
    None,
    /// These are its partitions in this generation.
    Assigned(u64, Vec<TopicPartition>),
    /// It is to give these up.
    Revoked(Vec<TopicPartition>),
    /// The group has put it out.
    Expired,
    /// Somebody else has its name.
    Fenced,
}

#[derive(Default)]
struct Group {
    generation: u64,
    members: BTreeMap<String, Member>,
}

struct Member {
    id: String,
    process: Arc<str>,
    wanted: Vec<(Arc<str>, u32)>,
    session: Duration,
    /// When it was last heard of, by the brokers' clock.
    seen: Duration,
    /// When its last heartbeat was sent, by its own.
    heard: Duration,
    generation: u64,
    standing: Standing,
    owned: Vec<TopicPartition>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Has joined and waits for the others.
    Joined,
    /// Has its partitions; whether it knows.
    Stable { told: bool },
    /// Is to give up and join again; whether it knows.
    Rejoining { told: bool },
}

// === impl Groups ===

impl Groups {
    /// A consumer joins.
    pub(super) fn join(
        &mut self,
        membership: &Membership,
        process: &Arc<str>,
        wanted: Vec<(Arc<str>, u32)>,
        (now, heard): (Duration, Duration),
    ) -> Seat {
        self.members_made += 1;
        let id = format!("{}-{}", membership.instance, self.members_made);
        let group = self.groups.entry(membership.group.clone()).or_default();
        let is_at_rest = group.members.values().all(|member| matches!(member.standing, Standing::Stable { .. }));
        let earlier = group.members.remove(&membership.instance);
        let kept = earlier.filter(|earlier| is_at_rest && earlier.wanted == wanted).map(|earlier| earlier.owned);
        let is_replacing = kept.is_some();
        let member = Member {
            id: id.clone(),
            process: Arc::clone(process),
            wanted,
            session: membership.session_timeout,
            seen: now,
            heard,
            generation: group.generation,
            standing: if is_replacing { Standing::Stable { told: false } } else { Standing::Joined },
            owned: kept.unwrap_or_default(),
        };
        group.members.insert(membership.instance.clone(), member);
        if !is_replacing {
            group.rebalance();
        }
        Seat { group: membership.group.clone(), instance: membership.instance.clone(), member: id }
    }

    /// What is new for a member.
    pub(super) fn ask(&mut self, seat: &Seat, may_start: impl FnOnce(&[TopicPartition]) -> bool) -> News {
        let Some(group) = self.groups.get_mut(&seat.group) else { return News::Expired };
        let Some(member) = group.members.get_mut(&seat.instance) else { return News::Expired };
        if member.id != seat.member {
            return News::Fenced;
        }
        match member.standing {
            Standing::Stable { told: false } if may_start(&member.owned) => {
                member.standing = Standing::Stable { told: true };
                News::Assigned(member.generation, member.owned.clone())
            }
            Standing::Rejoining { told: false } => {
                member.standing = Standing::Rejoining { told: true };
                News::Revoked(member.owned.clone())
            }
            Standing::Joined | Standing::Stable { .. } | Standing::Rejoining { told: true } => News::None,
        }
    }

    /// A member has given up what it was asked for, and joins again.
    pub(super) fn release(&mut self, seat: &Seat) {
        let Some(group) = self.groups.get_mut(&seat.group) else { return };
        if let Some(member) = group.member(seat)
            && matches!(member.standing, Standing::Rejoining { .. })
        {
            member.put_down();
            group.deal();
        }
    }

    /// A member goes.
    pub(super) fn leave(&mut self, seat: &Seat) {
        let Some(group) = self.groups.get_mut(&seat.group) else { return };
        if group.member(seat).is_some() {
            group.members.remove(&seat.instance);
            group.rebalance();
        }
    }

    /// Heartbeats of all members of a process.
    pub(super) fn beat(&mut self, process: &Arc<str>, heard: Duration, now: Duration) {
        let members = self.groups.values_mut().flat_map(|group| group.members.values_mut());
        for member in members.filter(|member| member.process == *process) {
            (member.seen, member.heard) = (now, heard);
        }
    }

    /// A heartbeat of one member.
    pub(super) fn touch(&mut self, seat: &Seat, heard: Duration, now: Duration) {
        let member = self.groups.get_mut(&seat.group).and_then(|group| group.member(seat));
        if let Some(member) = member {
            (member.seen, member.heard) = (now, heard);
        }
    }

    /// When the last heartbeat was sent of a member that the group still knows.
    pub(super) fn heard(&self, seat: &Seat) -> Option<Duration> {
        let member = self.groups.get(&seat.group)?.members.get(&seat.instance)?;
        (member.id == seat.member).then_some(member.heard)
    }

    pub(super) fn has(&self, group: &str, instance: &str) -> bool {
        self.groups.get(group).is_some_and(|group| group.members.contains_key(instance))
    }

    /// The member that owns a partition and knows it.
    pub(super) fn owner(&self, group: &str, partition: &TopicPartition) -> Option<String> {
        let is_owner =
            |member: &Member| member.standing == (Standing::Stable { told: true }) && member.owned.contains(partition);
        let mut members = self.groups.get(group)?.members.iter();
        members.find(|(_, member)| is_owner(member)).map(|(instance, _)| instance.clone())
    }

    /// Puts out whoever was silent for too long; whether there was anybody.
    pub(super) fn expire(&mut self, now: Duration) -> bool {
        let mut have_gone = false;
        for group in self.groups.values_mut() {
            let before = group.members.len();
            group.members.retain(|_, member| now <= member.seen + member.session);
            if group.members.len() < before {
                group.rebalance();
                have_gone = true;
            }
        }
        have_gone
    }

    /// Whether a membership is one of the present generation.
    pub(super) fn is_current(&self, shown: &GroupMetadata) -> bool {
        let Some(group) = self.groups.get(&shown.group) else { return false };
        let member = group.members.values().find(|member| member.id == shown.member);
        let is_member = |member: &Member| member.standing != Standing::Joined;
        member.is_some_and(|member| is_member(member) && shown.generation == group.generation)
    }
}

// === impl Group ===

impl Group {
    fn member(&mut self, seat: &Seat) -> Option<&mut Member> {
        self.members.get_mut(&seat.instance).filter(|member| member.id == seat.member)
    }

    /// Everybody is to give up and join again.
    fn rebalance(&mut self) {
        for member in self.members.values_mut() {
            match member.standing {
                Standing::Stable { told: true } if !member.owned.is_empty() => {
                    member.standing = Standing::Rejoining { told: false };
                }
                // Who does not know of its partitions, or has none, has nothing to finish.
                Standing::Stable { .. } => member.put_down(),
                Standing::Joined | Standing::Rejoining { .. } => {}
            }
        }
        self.deal();
    }

    /// Deals partitions out once all have joined.
    fn deal(&mut self) {
        if self.members.is_empty() || self.members.values().any(|member| member.standing != Standing::Joined) {
            return;
        }
        self.generation += 1;
        let mut topics: BTreeMap<&Arc<str>, (u32, Vec<&String>)> = BTreeMap::new();
        for (instance, member) in &self.members {
            for (topic, partitions) in &member.wanted {
                topics.entry(topic).or_insert((*partitions, Vec::new())).1.push(instance);
            }
        }
        let mut dealt: BTreeMap<String, Vec<TopicPartition>> = BTreeMap::new();
        for (topic, (partitions, instances)) in topics {
            let count = u32::try_from(instances.len()).expect("few members");
            for (place, instance) in (0..).zip(instances) {
                // The first ones get one more where they don't divide evenly.
                let begin = |place: u32| place * (partitions / count) + place.min(partitions % count);
                let numbers = begin(place)..begin(place + 1);
                let share = numbers.map(|number| TopicPartition::new(Arc::clone(topic), number));
                dealt.entry(instance.clone()).or_default().extend(share);
            }
        }
        for (instance, member) in &mut self.members {
            member.generation = self.generation;
            member.standing = Standing::Stable { told: false };
            member.owned = dealt.remove(instance).unwrap_or_default();
        }
    }
}

// === impl Member ===

impl Member {
    fn put_down(&mut self) {
        self.standing = Standing::Joined;
        self.owned.clear();
    }
}
