//! Readers outside any group.

use std::sync::atomic::Ordering;
use std::time::Duration;

use fleet::bus::{Allowance, BusError, Delivered, Isolation, Limit, Reader, TopicPartition};

use super::Client;
use super::state::unknown;

/// Positions in partitions.
pub(super) struct ModelReader {
    client: Client,
    isolation: Isolation,
    positions: Vec<(TopicPartition, u64)>,
    /// Whose turn it is to be read first.
    turn: usize,
    /// How many transactions had ended when it last found nothing: until another one does there is nothing.
    drained_at: Option<u64>,
    /// It was last brought less than there was.
    is_short: bool,
}

// === impl ModelReader ===

impl ModelReader {
    pub(super) fn new(client: Client, isolation: Isolation) -> Self {
        Self { client, isolation, positions: Vec::new(), turn: 0, drained_at: None, is_short: false }
    }

    fn set_short(&mut self, is_short: bool) {
        match (std::mem::replace(&mut self.is_short, is_short), is_short) {
            (false, true) => drop(self.client.short.fetch_add(1, Ordering::Relaxed)),
            (true, false) => drop(self.client.short.fetch_sub(1, Ordering::Relaxed)),
            (true, true) | (false, false) => {}
        }
    }
}

impl Drop for ModelReader {
    fn drop(&mut self) {
        self.set_short(false);
    }
}

impl Reader for ModelReader {
    fn assign(&mut self, from: &[(TopicPartition, u64)]) -> Result<(), BusError> {
        let state = self.client.state();
        from.iter().try_for_each(|(at, _)| state.log(at).map(drop))?;
        drop(state);
        (self.positions, self.drained_at) = (from.to_vec(), None);
        Ok(())
    }

    fn read(&mut self, limit: Limit, timeout: Duration, out: &mut Vec<Delivered>) -> Result<(), BusError> {
        let Self { client, isolation, positions, turn, drained_at, .. } = self;
        let count = positions.len();
        // A fetch brings what it brings: of the fleet's own readers nobody has all there is at once.
        let few = [usize::MAX, 3, 40, 0, 7, usize::MAX, 1][*turn % 7];
        let limit = if client.is_of_the_fleet() { Limit { records: limit.records.min(few), ..limit } } else { limit };
        let mut is_short = false;
        client.shared.wait(timeout, |state| {
            state.reachable()?;
            if *drained_at == Some(state.ended) {
                return Ok(None);
            }
            let mut allowance = Allowance::new(limit);
            let mut has_moved = false;
            is_short = false;
            for nth in 0..count {
                let (at, position) = &mut positions[(*turn + nth) % count];
                let next = state.log(at)?.read(*position, *isolation, &mut allowance, out);
                has_moved |= *position < next;
                *position = next;
                is_short |= next < state.log(at)?.end_for(*isolation);
            }
            let is_drained = !has_moved && *isolation == Isolation::ReadCommitted && limit.records != 0;
            *drained_at = is_drained.then_some(state.ended);
            Ok(has_moved.then_some(()))
        })?;
        *turn = turn.wrapping_add(1);
        self.set_short(is_short);
        Ok(())
    }

    fn position(&self, partition: &TopicPartition) -> Result<u64, BusError> {
        let found = self.positions.iter().find(|(at, _)| at == partition);
        found.map(|(_, position)| *position).ok_or_else(|| unknown(partition))
    }
}
