//! Medians and spreads.

use std::time::Duration;

use hdrhistogram::Histogram;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use crate::support::SupportError;

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

/// How many durations are in one range of a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Bucket {
    /// The range, in microseconds: shorter than this and at least half of it; the first range
    /// begins at nought.
    pub below_micros: u64,
    /// How many.
    pub count: usize,
}

/// The histogram of some durations over powers of two of microseconds, from the first range that
/// holds any to the last.
pub(super) fn histogram(durations: &[Duration]) -> Vec<Bucket> {
    let mut counts = [0; u64::BITS as usize];
    for duration in durations {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let range = (u64::BITS - micros.leading_zeros()).min(u64::BITS - 1);
        counts[range as usize] += 1;
    }
    let first = counts.iter().position(|count| *count > 0);
    let last = counts.iter().rposition(|count| *count > 0);
    let Some((first, last)) = first.zip(last) else {
        return Vec::new();
    };
    let buckets = (first..=last).map(|range| Bucket {
        below_micros: 1 << range,
        count: counts[range],
    });
    buckets.collect()
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

/// The processor time of this thread for some work.
pub(super) fn used<T>(work: impl FnOnce() -> T) -> Result<(T, Duration), SupportError> {
    used_by(ClockId::ThreadCPUTime, work)
}

/// The processor time of all threads of this process for some work.
pub(super) fn used_by_all<T>(work: impl FnOnce() -> T) -> Result<(T, Duration), SupportError> {
    used_by(ClockId::ProcessCPUTime, work)
}

fn used_by<T>(clock: ClockId, work: impl FnOnce() -> T) -> Result<(T, Duration), SupportError> {
    let now = || Duration::try_from(clock_gettime(clock));
    let untold = |_| SupportError::Missing("processor time");
    let before = now().map_err(untold)?;
    let done = work();
    let after = now().map_err(untold)?;
    Ok((done, after.saturating_sub(before)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_fall_into_powers_of_two() {
        let micros = [3, 4, 7, 31, 16].map(Duration::from_micros);
        let bucket = |below_micros, count| Bucket {
            below_micros,
            count,
        };
        let found = histogram(&micros);
        assert_eq!(
            found,
            [bucket(4, 1), bucket(8, 2), bucket(16, 0), bucket(32, 2)]
        );
        assert_eq!(histogram(&[Duration::from_nanos(900)]), [bucket(1, 1)]);
        assert_eq!(histogram(&[Duration::MAX])[0].count, 1);
        assert_eq!(histogram(&[]), []);
    }
}
