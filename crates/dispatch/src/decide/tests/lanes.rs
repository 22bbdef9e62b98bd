//! Lanes behind a partner's window: urgent first, and nobody last for ever.

use proptest::prelude::*;

use super::*;

/// How many places may be given to others before a lower lane's next item has its turn.
const BOUND: usize = 8;

proptest! {
    /// With urgent work without end, every item of a lower lane is released within a bound, in the order of its lane.
    #[test]
    fn lower_lanes_move_on_whatever_comes_in_above_them(standard in 0..6_u8, bulk in 0..6_u8, urgent in 3..12_u8) {
        let mut bench = Bench::new([poller()]);
        let mut next = 0;
        let mut arrive = |bench: &mut Bench, lane: Lane| {
            next += 1;
            bench.work(work(next, route("a"), lane, send()));
        };
        (0..urgent).for_each(|_| arrive(&mut bench, Lane::Urgent));
        (0..standard).for_each(|_| arrive(&mut bench, Lane::Standard));
        (0..bulk).for_each(|_| arrive(&mut bench, Lane::Bulk));
        let lower: Vec<_> = (urgent + 1..=urgent + standard + bulk).map(operation_id).collect();
        let mut order = Vec::new();
        for _ in 0..lower.len() * BOUND + 2 {
            order.push(bench.calls[0].operation_id);
            bench.answer(completed());
            arrive(&mut bench, Lane::Urgent);
        }
        let place = |id: &OperationId| order.iter().position(|other| other == id);
        for lane in [&lower[..usize::from(standard)], &lower[usize::from(standard)..]] {
            let places: Vec<_> = lane.iter().map(place).collect();
            for (index, place) in places.iter().enumerate() {
                let place = place.unwrap_or(usize::MAX);
                prop_assert!(place < (index + 1) * BOUND + 2, "item {index} has place {place}: {places:?}");
            }
            prop_assert!(places.is_sorted());
        }
    }
}

#[test]
fn the_share_of_a_lane_that_is_empty_goes_to_the_most_urgent() {
    let mut bench = Bench::new([poller()]);
    for number in 1..=20 {
        bench.work(work(number, route("a"), Lane::Urgent, send()));
    }
    for number in 1..=20 {
        assert_eq!(bench.calls[0].operation_id, operation_id(number));
        bench.answer(completed());
    }
}
