//! How long to wait before trying again.

use std::time::Duration;

/// Exponential backoff with full jitter: attempt `n` (from 0) waits a uniformly random time below
/// `base × 2ⁿ`, never above `cap`.
///
/// Full jitter spreads the phones of a region that all lost the server at once (M. Brooker,
/// *Exponential Backoff And Jitter*, AWS Architecture Blog, 2015).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first bound.
    pub base: Duration,
    /// The last bound.
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Backoff {
            base: Duration::from_millis(400),
            cap: Duration::from_secs(60),
        }
    }
}

impl Backoff {
    /// The longest that attempt `attempt` may wait.
    pub fn bound(&self, attempt: u32) -> Duration {
        let factor = 1_u32.checked_shl(attempt).unwrap_or(u32::MAX);
        self.base.saturating_mul(factor).min(self.cap)
    }

    /// How long to wait before attempt `attempt` is made again; never less than the server asked.
    pub fn wait(
        &self,
        attempt: u32,
        retry_after: Option<Duration>,
        rng: &mut fastrand::Rng,
    ) -> Duration {
        let bound = u64::try_from(self.bound(attempt).as_micros()).unwrap_or(u64::MAX);
        let jittered = Duration::from_micros(rng.u64(0..=bound));
        retry_after.map_or(jittered, |least| least.saturating_add(jittered))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_double_up_to_the_cap_and_never_overflow() {
        let backoff = Backoff::default();
        assert_eq!(backoff.bound(0), Duration::from_millis(400));
        assert_eq!(backoff.bound(3), Duration::from_millis(3200));
        for attempt in [8, 31, 32, 33, u32::MAX] {
            assert_eq!(backoff.bound(attempt), backoff.cap);
        }
    }

    #[test]
    fn waits_are_below_the_bound_and_fill_it() {
        let backoff = Backoff::default();
        let mut rng = fastrand::Rng::with_seed(7);
        for attempt in 0..10 {
            let bound = backoff.bound(attempt);
            let waits: Vec<_> = (0..400)
                .map(|_| backoff.wait(attempt, None, &mut rng))
                .collect();
            assert!(waits.iter().all(|wait| *wait <= bound));
            assert!(waits.iter().any(|wait| *wait < bound / 10));
            assert!(waits.iter().any(|wait| *wait > bound * 9 / 10));
        }
    }

    #[test]
    fn the_server_may_ask_for_more_time() {
        let mut rng = fastrand::Rng::with_seed(7);
        let asked = Duration::from_secs(90);
        let wait = Backoff::default().wait(0, Some(asked), &mut rng);
        assert!(wait >= asked && wait <= asked + Duration::from_millis(400));
    }

    #[test]
    fn the_same_seed_waits_the_same() {
        let waits = |seed| {
            let mut rng = fastrand::Rng::with_seed(seed);
            (0..20)
                .map(|n| Backoff::default().wait(n, None, &mut rng))
                .collect::<Vec<_>>()
        };
        assert_eq!(waits(1), waits(1));
        assert_ne!(waits(1), waits(2));
    }
}
