//! Logarithms and powers in integers, so that a weight is the same on any machine.
//!
//! Weights are centibits: hundredths of a bit, 100 of which double the odds.

use std::sync::LazyLock;

/// Probabilities in policies are parts per billion.
pub const BILLION: u64 = 1_000_000_000;

/// The binary logarithm of `value` in centibits, rounded down to 1/65,536 bit first; of zero as of one.
pub const fn centibits(value: u64) -> i32 {
    if value <= 1 {
        return 0;
    }
    let whole = 63 - value.leading_zeros();
    // The mantissa as a fraction in [1, 2) with 63 binary places; squaring it yields one digit of the logarithm at a time.
    let mut mantissa = value << (63 - whole);
    let mut digits: u64 = whole as u64;
    let mut place = 0;
    while place < 16 {
        let square = (mantissa as u128) * (mantissa as u128);
        digits <<= 1;
        if square >> 127 == 1 {
            digits |= 1;
            mantissa = (square >> 64) as u64;
        } else {
            mantissa = (square >> 63) as u64;
        }
        place += 1;
    }
    ((digits * 100 + (1 << 15)) >> 16) as i32
}

/// The least mantissas, with 63 binary places, that a part of an octave begins at: the logarithm of what reaches `STEPS_UP[n]` and no
/// further is n + 1 centibits after that of the octave.
static STEPS_UP: LazyLock<[u64; 100]> = LazyLock::new(|| {
    std::array::from_fn(|step| {
        let (mut below, mut reached) = ((1u64 << 63) - 1, u64::MAX);
        while 1 < reached - below {
            let middle = below + (reached - below) / 2;
            let is_reached = centibits(middle) - 6_300 > step as i32;
            (below, reached) = if is_reached { (below, middle) } else { (middle, reached) };
        }
        reached
    })
});

/// By the seven bits behind the first of a mantissa, how many steps what begins so has reached at least.
static STEPS_TAKEN: LazyLock<[u8; 128]> = LazyLock::new(|| {
    std::array::from_fn(|bits| {
        let least = (128 | bits as u64) << 56;
        STEPS_UP.iter().take_while(|step| **step <= least).count() as u8
    })
});

/// As [`centibits`], looked up instead of computed.
#[inline]
pub(crate) fn centibits_of_count(count: u64) -> i32 {
    if count <= 1 {
        return 0;
    }
    let whole = 63 - count.leading_zeros();
    let mantissa = count << (63 - whole);
    let (steps, taken) = (&*STEPS_UP, &*STEPS_TAKEN);
    let mut step = usize::from(taken[(mantissa >> 56 & 127) as usize]);
    while steps.get(step).is_some_and(|next| *next <= mantissa) {
        step += 1;
    }
    whole as i32 * 100 + step as i32
}

/// The weight of evidence that is `numerator / denominator` times as likely, in centibits.
pub const fn ratio(numerator: u64, denominator: u64) -> i32 {
    centibits(numerator) - centibits(denominator)
}

/// How many binary places a [`power`] has.
const PLACES: u32 = 40;

/// 2^(-n/100) for n in 0..100, with 63 binary places.
const STEPS: [u64; 100] = {
    // 2^(-1/100), with 63 binary places.
    const STEP: u128 = 9_159_661_552_424_285_973;
    let mut steps = [1 << 63; 100];
    let mut index = 1;
    while index < 100 {
        steps[index] = ((steps[index - 1] as u128 * STEP) >> 63) as u64;
        index += 1;
    }
    steps
};

/// 2 to the power of minus `centibits`, with 40 binary places; zero where nothing is left.
pub const fn power(centibits: u32) -> u64 {
    let shift = centibits / 100 + (63 - PLACES);
    if shift < 64 { STEPS[(centibits % 100) as usize] >> shift } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_right_to_the_centibit() {
        for value in [2u64, 3, 7, 10, 1000, 999_999_937, BILLION, u64::MAX] {
            let exact = (value as f64).log2() * 100.0;
            assert!((f64::from(centibits(value)) - exact).abs() < 0.6, "{value}: {} and {exact}", centibits(value));
        }
        assert_eq!([centibits(0), centibits(1), ratio(1, 8)], [0, 0, -300]);
    }

    #[test]
    fn what_is_looked_up_is_what_would_be_computed() {
        let steps = STEPS_UP.iter().flat_map(|step| [*step - 1, *step, *step >> 40, (*step >> 40) + 1]);
        let powers = (0..64).flat_map(|bit| [1u64 << bit, (1 << bit) | 1, (1 << bit) - 1]);
        for value in (0..100_000).chain(steps).chain(powers).chain([u64::MAX]) {
            assert_eq!(centibits_of_count(value), centibits(value), "{value}");
        }
    }

    #[test]
    fn powers_undo_logarithms() {
        assert_eq!(power(0), 1 << PLACES);
        assert_eq!(power(100), 1 << (PLACES - 1));
        assert_eq!(power(10_000), 0);
        for weight in 0..2_000 {
            let exact = 2f64.powf(f64::from(weight) / -100.0) * (1u64 << PLACES) as f64;
            assert!((power(weight) as f64 - exact).abs() <= exact * 1e-5 + 1.0, "{weight}");
        }
    }
}
