//! Medians and spreads.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// A spread of durations, in milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Spread {
    /// Half are shorter.
    pub p50: f64,
    /// Nine of ten are shorter.
    pub p90: f64,
    /// Ninety-nine of a hundred are shorter.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

impl Spread {
    /// The spread of some durations.
    pub fn of(durations: &[Duration]) -> Self {
        let mut histogram: Histogram<u64> = Histogram::new_with_max(60_000_000_000, 3)
            .expect("three digits up to a minute in nanoseconds are within what it takes");
        for duration in durations {
            histogram.saturating_record(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
        }
        let milliseconds = |nanoseconds: u64| nanoseconds as f64 / 1e6;
        Spread {
            p50: milliseconds(histogram.value_at_quantile(0.5)),
            p90: milliseconds(histogram.value_at_quantile(0.9)),
            p99: milliseconds(histogram.value_at_quantile(0.99)),
            max: milliseconds(histogram.max()),
        }
    }
}

/// The middle one; of none, nought.
pub(super) fn median(mut numbers: Vec<u64>) -> u64 {
    numbers.sort_unstable();
    numbers.get(numbers.len() / 2).copied().unwrap_or(0)
}

/// Milliseconds.
pub(super) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
