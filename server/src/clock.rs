//! The time of day, handed in so that tests can move it.

mod watched;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use sync_core::Tick;

pub use watched::{LEAP, SinceBoot, Steady, WatchedClock};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Tick;

    /// Whether what the machine says is the time is not believed.
    fn is_astray(&self) -> bool {
        false
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that the application hands in"
    )]
    fn now(&self) -> Tick {
        // A clock set before 1970 reads as 1970.
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Tick(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }
}

/// A clock that moves only when told to.
#[derive(Debug)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn at(start: Tick) -> Self {
        Self(AtomicU64::new(start.0))
    }

    /// Sets the clock.
    pub fn set(&self, to: Tick) {
        self.0.store(to.0, Ordering::SeqCst);
    }

    /// Moves the clock forward by so many seconds.
    pub fn advance_seconds(&self, seconds: u64) {
        self.advance_micros(seconds * 1_000_000);
    }

    /// Moves the clock forward by so many microseconds.
    pub fn advance_micros(&self, micros: u64) {
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Tick {
        Tick(self.0.load(Ordering::SeqCst))
    }
}
