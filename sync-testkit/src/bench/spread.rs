//! A median, and how far the rounds were apart.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The results of several rounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Sums up rounds; `None` when there were none.
    pub(crate) fn of(rounds: &[f64]) -> Option<Self> {
        let mut sorted = rounds.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        let middle = sorted.len() / 2;
        let median = match sorted.len() % 2 {
            1 => sorted[middle],
            _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
        };
        Some(Self { median, min, max })
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { median, min, max } = self;
        write!(f, "{} ({}–{})", short(*median), short(*min), short(*max))
    }
}

/// A number with three or four significant digits.
pub(crate) fn short(number: f64) -> String {
    match number {
        n if n >= 10_000_000.0 => format!("{:.1}M", n / 1e6),
        n if n >= 1_000_000.0 => format!("{:.2}M", n / 1e6),
        n if n >= 10_000.0 => format!("{:.1}k", n / 1e3),
        n if n >= 100.0 => format!("{n:.0}"),
        n if n >= 10.0 => format!("{n:.1}"),
        n => format!("{n:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_stands_in_the_middle() {
        let spread = Spread::of(&[3.0, 1.0, 2.0]).unwrap();
        assert_eq!(spread, Spread { median: 2.0, min: 1.0, max: 3.0 });
        assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 3.0]).unwrap().median, 2.5);
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn numbers_are_short() {
        let numbers = [1.234, 12.34, 123.4, 12_340.0, 1_234_000.0, 12_340_000.0];
        assert_eq!(numbers.map(short), ["1.23", "12.3", "123", "12.3k", "1.23M", "12.3M"]);
    }
}
