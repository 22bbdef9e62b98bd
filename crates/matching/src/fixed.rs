//! Logarithms and powers in integers, so that a weight is the same on any machine.
//!
//! Weights are centibits: hundredths of a bit, 100 of which double the odds.

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

/// The logarithms of small numbers, which are counted most.
const SMALL: [i32; 4096] = {
    let mut table = [0; 4096];
    let mut value = 0;
    while value < table.len() {
        table[value] = centibits(value as u64);
        value += 1;
    }
    table
};

/// As [`centibits`], looked up where the value is small.
pub(crate) fn centibits_of_count(count: u32) -> i32 {
    SMALL.get(count as usize).copied().unwrap_or_else(|| centibits(u64::from(count)))
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
