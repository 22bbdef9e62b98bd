//! Probabilities as exact decimals: a u-value, a product of them, the threshold.
//!
//! Five of the proposal's rules come to exactly the threshold (`.02 × 1e-4 × 1e-6 = 2e-12`). In binary floating point that product
//! is 2.0000000000000004e-12 and the rule would be refused; here it is 2e-12 on every machine, and what equals the threshold is
//! approved, as the proposal says ("at most").

use std::cmp::Ordering;
use std::fmt;

/// A decimal `digits × 10^exponent`, without rounding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Product {
    /// Ends in no zero, but for zero itself.
    digits: u64,
    exponent: i32,
}

/// A u-value has at most so many significant digits, so that `FACTORS_MAX` of them multiply without overflow.
pub(super) const DIGITS_MAX: u32 = 3;

/// A rule asks for at most so many fields.
pub(super) const FACTORS_MAX: usize = 6;

// === impl Product ===

impl Product {
    /// One, the empty product.
    pub const ONE: Self = Self { digits: 1, exponent: 0 };

    /// Reads `0.00003`, `3e-5` or `1.5e-12`; none if it is no such number, has more than three significant digits, or is
    /// not above 0 and at most 1.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        let plain = !whole.is_empty() && whole.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit());
        if !plain || 18 < whole.len() + part.len() {
            return None;
        }
        let digits: u64 = format!("{whole}{part}").parse().ok()?;
        let exponent: i32 = exponent.parse().ok().filter(|exponent| (-30..=0).contains(exponent))?;
        let value = Self::of(digits, exponent - i32::try_from(part.len()).ok()?);
        (value.digits != 0 && value.digits < 10_u64.pow(DIGITS_MAX) && value <= Self::ONE).then_some(value)
    }

    /// The product of two; none if it has more digits than fit, which the six factors of a rule never have.
    pub fn times(self, other: Self) -> Option<Self> {
        Some(Self::of(self.digits.checked_mul(other.digits)?, self.exponent + other.exponent))
    }

    fn of(mut digits: u64, mut exponent: i32) -> Self {
        while digits != 0 && digits.is_multiple_of(10) {
            (digits, exponent) = (digits / 10, exponent + 1);
        }
        Self { digits, exponent: if digits == 0 { 0 } else { exponent } }
    }

    /// The power of ten of its first digit.
    fn magnitude(self) -> i32 {
        self.exponent + self.digits.checked_ilog10().map_or(-1_000, u32::cast_signed)
    }

    /// Its digits, as if its exponent were the given, lower one.
    fn scaled(self, exponent: i32) -> u128 {
        u128::from(self.digits) * 10_u128.pow(self.exponent.abs_diff(exponent))
    }
}

impl Ord for Product {
    fn cmp(&self, other: &Self) -> Ordering {
        let exponent = self.exponent.min(other.exponent);
        self.magnitude().cmp(&other.magnitude()).then_with(|| self.scaled(exponent).cmp(&other.scaled(exponent)))
    }
}

impl PartialOrd for Product {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.digits.to_string();
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        write!(f, "{first}{point}{rest}e{}", self.magnitude())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(text: &str) -> Product {
        Product::parse(text).expect(text)
    }

    #[test]
    fn what_equals_the_threshold_is_within_it() {
        let tie = ["0.02", "0.0001", "0.000001"].map(product).into_iter().try_fold(Product::ONE, Product::times);
        assert_eq!(tie, Some(product("2e-12")));
        let floating = ["0.02", "0.0001", "0.000001"].map(|text| text.parse::<f64>().expect(text));
        assert!(2e-12 < floating.iter().product(), "floating point would refuse it");
    }

    #[test]
    fn decimals_compare_by_value() {
        let rising = ["1e-15", "9.99e-13", "1e-12", "1.5e-12", "2e-12", "0.00003", "3.1e-5", "0.5", "1"].map(product);
        for (at, value) in rising.iter().enumerate() {
            for (other_at, other) in rising.iter().enumerate() {
                assert_eq!(value.cmp(other), at.cmp(&other_at));
            }
        }
        assert_eq!(product("0.0100"), product("1e-2"));
        assert_eq!(rising.map(|value| value.to_string())[2..4], ["1e-12", "1.5e-12"]);
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        for text in ["", "0", "1.1", "-1", "x", "1e5", "0.1234", ".5", "1e", "1e-99", "1_0"] {
            assert_eq!(Product::parse(text), None, "{text}");
        }
    }
}
