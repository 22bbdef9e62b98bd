//! How many live where: in a ZIP, in a city, in a state. Neighbours agree in these by chance, in a big city more often.

use crate::packed::Packed;

/// Counts of members by place.
#[derive(Clone)]
pub(crate) struct Places {
    zips: Vec<u32>,
    /// By the hash of the city's name.
    cities: Vec<u32>,
    states: Vec<u32>,
}

impl Default for Places {
    fn default() -> Self {
        Self { zips: vec![0; 1 << 17], cities: vec![0; 1 << 16], states: vec![0; 1 << 10] }
    }
}

// === impl Places ===

impl Places {
    /// Counts a record in, or out again.
    pub(crate) fn count(&mut self, record: &Packed, comes: bool) {
        let [zip, city, state] = Self::of(record);
        for count in [&mut self.zips[zip], &mut self.cities[city], &mut self.states[state]] {
            *count = if comes { *count + 1 } else { count.saturating_sub(1) };
        }
    }

    /// How many records share a record's ZIP, its city, its state.
    pub(crate) fn sharing(&self, record: &Packed) -> [u32; 3] {
        let [zip, city, state] = Self::of(record);
        [self.zips[zip], self.cities[city], self.states[state]]
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        (self.zips.len() + self.cities.len() + self.states.len()) * size_of::<u32>()
    }

    fn of(record: &Packed) -> [usize; 3] {
        [record.zip() as usize, usize::from(record.city), record.state() as usize & 1023]
    }
}
