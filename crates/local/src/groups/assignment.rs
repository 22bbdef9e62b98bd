//! Which member gets which partitions.

use std::collections::BTreeMap;

use fleet::bus::TopicPartition;

use super::Subscription;

/// For each member, in their order, its partitions: contiguous ranges of partition numbers, the first members one number more
/// if they do not divide evenly. Topics with the same subscribers are cut at the same numbers, even if they differ in size, so
/// that equal numbers always meet at one member.
pub(crate) fn by_range(wanted: &[&[Subscription]]) -> Vec<Vec<TopicPartition>> {
    let mut subscribers: BTreeMap<_, (u32, Vec<usize>)> = BTreeMap::new();
    for (member, subscriptions) in wanted.iter().enumerate() {
        for Subscription { topic, partitions } in *subscriptions {
            let (_, members) = subscribers.entry(topic).or_insert((*partitions, Vec::new()));
            if members.last() != Some(&member) {
                members.push(member);
            }
        }
    }
    let mut widths: BTreeMap<&[usize], u32> = BTreeMap::new();
    for (partitions, members) in subscribers.values() {
        let width = widths.entry(members).or_default();
        *width = (*width).max(*partitions);
    }
    let mut assigned = vec![Vec::new(); wanted.len()];
    for (topic, (partitions, members)) in &subscribers {
        let width = widths[members.as_slice()];
        for number in 0..*partitions {
            let owner = members[place(number, width, members.len())];
            assigned[owner].push(TopicPartition::new((*topic).clone(), number));
        }
    }
    assigned
}

/// Whose turn a number is, among `members` that share `width` numbers.
fn place(number: u32, width: u32, members: usize) -> usize {
    let (number, width) = (number as usize, width as usize);
    let (share, larger) = (width / members, width % members);
    let in_larger_shares = larger * (share + 1);
    if number < in_larger_shares { number / (share + 1) } else { larger + (number - in_larger_shares) / share }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics(topics: &[(&str, u32)]) -> Vec<Subscription> {
        topics
            .iter()
            .map(|(topic, partitions)| Subscription { topic: (*topic).into(), partitions: *partitions })
            .collect()
    }

    fn shown(assigned: &[Vec<TopicPartition>]) -> Vec<String> {
        assigned.iter().map(|member| member.iter().map(|partition| format!("{partition:?} ")).collect()).collect()
    }

    #[test]
    fn ranges_are_contiguous_and_the_first_get_more() {
        let both = topics(&[("t", 5)]);
        assert_eq!(shown(&by_range(&[&both, &both])), ["t-0 t-1 t-2 ", "t-3 t-4 "]);
    }

    #[test]
    fn equal_numbers_meet_although_the_topics_differ_in_size() {
        let both = topics(&[("a", 4), ("b", 2)]);
        assert_eq!(shown(&by_range(&[&both, &both])), ["a-0 a-1 b-0 b-1 ", "a-2 a-3 "]);
    }

    #[test]
    fn members_get_only_what_they_subscribe_to() {
        let (first, second) = (topics(&[("a", 2)]), topics(&[("a", 2), ("b", 2)]));
        assert_eq!(shown(&by_range(&[&first, &second])), ["a-0 ", "a-1 b-0 b-1 "]);
    }

    #[test]
    fn more_members_than_partitions_leave_some_idle() {
        let all = topics(&[("a", 2)]);
        assert_eq!(shown(&by_range(&[&all, &all, &all])), ["a-0 ", "a-1 ", ""]);
    }
}
