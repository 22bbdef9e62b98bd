//! The scale on which all candidates of one claim are weighed: the weights of a policy at the frequencies of the claim's own values.

use crate::compare::Comparison;
use crate::fixed::centibits_of_count;
use crate::levels::{DateLevel, FIELDS, Field, LEVELS_MAX, Levels, NameLevel};
use crate::lexicon::{UNKNOWN, WordId};
use crate::packed::Packed;
use crate::weights::{EXPLANATIONS, Each, Explanation, NEVER, Rarity, Weights, at_frequency, is_named_alike};

/// Weights by field and level. For a claim only those are set anew that depend on how common its values are; the two names' depend
/// on the candidate too.
#[derive(Clone)]
pub(crate) struct Scale {
    rows: [[Each; LEVELS]; FIELDS],
    by_frequency: Vec<ByFrequency>,
    names_by_frequency: [[bool; LEVELS]; 2],
    /// The most that each of the three names can weigh.
    names_most: [Each; 3],
    /// The claim's given and family name where the roster has them, and what they weigh letter by letter.
    exact: [(WordId, Each); 2],
    before: Each,
    single: i32,
}

/// A level that weighs as its value is rare.
#[derive(Clone, Copy)]
struct ByFrequency {
    field: u8,
    level: u8,
    /// Where its rarity stands in [`Rarity::in_one`].
    rarity: u8,
    /// What it weighs where all have the value.
    least: Each,
}

/// Room for the levels of a field, a power of two.
const LEVELS: usize = LEVELS_MAX.next_power_of_two();

// === impl Scale ===

impl Scale {
    pub(crate) fn of(weights: &Weights) -> Self {
        let others = Field::ALL.into_iter().skip(Field::Middle as usize);
        let all = others.flat_map(|field| (1..field.levels().len() as u8).map(move |level| (field, level)));
        let by_frequency = all.filter(|(field, level)| weights.by_frequency[*field as usize][usize::from(*level)]);
        let by_frequency = by_frequency.map(|(field, level)| ByFrequency {
            field: field as u8,
            level,
            rarity: Rarity::place(field, level) as u8,
            least: weights.table[field as usize][usize::from(level)],
        });
        Self {
            rows: weights.table.map(wide),
            by_frequency: by_frequency.collect(),
            names_by_frequency: [Field::Given, Field::Family].map(|field| wide(weights.by_frequency[field as usize])),
            names_most: [[0; EXPLANATIONS]; 3],
            exact: [(UNKNOWN, [0; EXPLANATIONS]); 2],
            before: [0; EXPLANATIONS],
            single: 0,
        }
    }

    /// Sets the scale for a claim whose values are as rare as this, and whose given and family name are these where the roster has
    /// them, and borne by so many.
    pub(crate) fn set(&mut self, weights: &Weights, rarity: &Rarity, names: [Option<(WordId, u32)>; 2]) {
        self.before = weights.prior.map(|prior| prior - rarity.single);
        if self.single != rarity.single || self.names_most == [[0; EXPLANATIONS]; 3] {
            self.single = rarity.single;
            self.names_most = [Field::Given, Field::Family, Field::Middle].map(|field| self.most(field));
        }
        for (field, (exact, name)) in [Field::Given, Field::Family].into_iter().zip(self.exact.iter_mut().zip(names)) {
            let bearers = name.map_or(1, |(_, bearers)| bearers);
            let level = NameLevel::Exact as usize;
            let row = self.rows[field as usize][level];
            let is_free = self.names_by_frequency[field as usize][level];
            let weight =
                if is_free { at_frequency(row, self.single - centibits_of_count(bearers.into())) } else { row };
            *exact = (name.map_or(UNKNOWN, |(id, _)| id), weight);
        }
        let rarities = rarity.in_one();
        for ByFrequency { field, level, rarity, least } in &self.by_frequency {
            self.rows[usize::from(*field)][usize::from(*level) % LEVELS] =
                at_frequency(*least, rarities[usize::from(*rarity)]);
        }
    }

    /// The most that a name can weigh at any level, for each explanation: it is borne once, and agrees as well as can be.
    fn most(&self, field: Field) -> Each {
        let levels = 1..field.levels().len();
        let weights = levels.map(|level| self.name(field, level as u8, 1));
        weights.fold([0; EXPLANATIONS], |most, weights| std::array::from_fn(|at| most[at].max(weights[at])))
    }

    /// What a name weighs.
    #[inline]
    fn name(&self, field: Field, level: u8, bearers: u32) -> Each {
        let level = usize::from(level) % LEVELS;
        let row = self.rows[field as usize][level];
        if field < Field::Middle && self.names_by_frequency[field as usize][level] {
            at_frequency(row, self.single - centibits_of_count(bearers.into()))
        } else {
            row
        }
    }

    /// The weights of the prior and of all fields but the names.
    #[inline]
    pub(crate) fn numbers(&self, levels: &Levels) -> Each {
        let mut sum = self.before;
        for field in Field::Suffix as usize..FIELDS {
            add(&mut sum, self.rows[field][usize::from(levels.0[field]) % LEVELS]);
        }
        if levels.of(Field::BirthDate) != DateLevel::Exact as u8 {
            sum[Explanation::Twin as usize] = NEVER;
        }
        sum
    }

    /// The most that a record can weigh whose numbers weigh this, for each explanation: where a name is the claim's, it is known what
    /// it weighs.
    #[inline]
    pub(crate) fn most_with_names(&self, numbers: Each, record: &Packed) -> Each {
        let mut sum = numbers;
        for ((id, (exact, weight)), most) in [record.given, record.family].iter().zip(&self.exact).zip(&self.names_most)
        {
            add(&mut sum, if id == exact { *weight } else { *most });
        }
        add(&mut sum, self.names_most[Field::Middle as usize]);
        sum
    }

    /// The weights of all explanations of the claim that concern one member, priors included: as [`Weights::explain`] gives them.
    /// What all but the names weigh is known.
    #[inline]
    pub(crate) fn with_names(&self, numbers: Each, found: &Comparison) -> Each {
        let mut sum = numbers;
        for field in [Field::Given, Field::Family] {
            add(&mut sum, self.name(field, found.levels.of(field), found.bearers[field as usize]));
        }
        add(&mut sum, self.name(Field::Middle, found.levels.of(Field::Middle), 1));
        if !is_named_alike(&found.levels) {
            sum[Explanation::Namesake as usize] = NEVER;
        }
        if found.levels.of(Field::BirthDate) != DateLevel::Exact as u8 {
            sum[Explanation::Twin as usize] = NEVER;
        }
        sum
    }
}

#[inline]
fn add(sum: &mut Each, weights: Each) {
    sum.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight);
}

fn wide<T: Copy + Default>(levels: [T; LEVELS_MAX]) -> [T; LEVELS] {
    std::array::from_fn(|level| levels.get(level).copied().unwrap_or_default())
}
