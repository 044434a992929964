//! A clock that does not follow another one that is set far ahead.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sync_core::Tick;

use super::{Clock, SystemClock};

/// By how much the time of day may get ahead of the time that passes before it is not believed.
pub const LEAP: Duration = Duration::from_secs(3_600);

/// Tells how much time has passed since some moment; nobody sets it.
pub trait Steady: Send + Sync {
    /// How much.
    fn passed(&self) -> Duration;
}

/// The machine's count of the time since it was started, its sleep included.
#[derive(Clone, Copy, Debug, Default)]
pub struct SinceBoot;

impl Steady for SinceBoot {
    fn passed(&self) -> Duration {
        #[cfg(target_os = "linux")]
        let clock = rustix::time::ClockId::Boottime;
        #[cfg(not(target_os = "linux"))]
        let clock = rustix::time::ClockId::Monotonic;
        let now = rustix::time::clock_gettime(clock);
        let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
        Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or_default())
    }
}

/// A time of day that is watched: once it is set ahead by more than [`LEAP`], the time that passes
/// is added to what it said before, until it comes back.
///
/// A clock that was set back is believed again when it is put right: what is far ahead is measured
/// from the time that would be if it had never gone back.
///
/// Ticks of records never go back, so one request under a clock that is years ahead would take its
/// record there for good, and end every right that ends by then.
#[derive(Debug)]
pub struct WatchedClock<C = SystemClock, S = SinceBoot> {
    clock: C,
    steady: S,
    believed: Mutex<Believed>,
    astray: AtomicBool,
}

/// What a clock said, and when by the steady one.
type Reading = (Tick, Duration);

/// What was believed of a clock.
#[derive(Clone, Copy, Debug)]
struct Believed {
    last: Reading,
    /// The one that was furthest ahead.
    furthest: Reading,
}

/// What a clock would say by now if it went on from a reading.
fn gone_on((said, at): Reading, passed: Duration) -> Tick {
    let since = passed.saturating_sub(at);
    Tick(said.0.saturating_add(micros(since)))
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl WatchedClock {
    /// The machine's clock, believed as it stands now.
    pub fn system() -> Self {
        WatchedClock::new(SystemClock, SinceBoot)
    }
}

impl<C: Clock, S: Steady> WatchedClock<C, S> {
    /// A watched clock, believed as it stands now.
    pub fn new(clock: C, steady: S) -> Self {
        let now = (clock.now(), steady.passed());
        WatchedClock {
            clock,
            steady,
            believed: Mutex::new(Believed {
                last: now,
                furthest: now,
            }),
            astray: AtomicBool::new(false),
        }
    }
}

impl<C: Clock, S: Steady> Clock for WatchedClock<C, S> {
    fn now(&self) -> Tick {
        let (said, passed) = (self.clock.now(), self.steady.passed());
        let mut believed = self.believed.lock().unwrap_or_else(PoisonError::into_inner);
        let furthest = gone_on(believed.furthest, passed);
        let astray = said.0 > furthest.0.saturating_add(micros(LEAP));
        if astray != self.astray.swap(astray, Ordering::Relaxed) {
            if astray {
                tracing::error!(
                    "the machine's clock was set ahead by more than an hour and is not followed: \
                     set it right, or restart the server if it is right"
                );
            } else {
                tracing::info!("the machine's clock is followed again");
            }
        }
        if astray {
            return gone_on(believed.last, passed);
        }
        believed.last = (said, passed);
        if said >= furthest {
            believed.furthest = believed.last;
        }
        said
    }

    fn is_astray(&self) -> bool {
        self.now();
        self.astray.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::ManualClock;

    const START: Tick = Tick(1_790_000_000_000_000);

    struct Passes(Arc<ManualClock>);

    impl Steady for Passes {
        fn passed(&self) -> Duration {
            Duration::from_micros(self.0.now().0)
        }
    }

    impl Clock for Arc<ManualClock> {
        fn now(&self) -> Tick {
            self.as_ref().now()
        }
    }

    #[test]
    fn a_clock_that_is_set_far_ahead_is_not_followed() {
        let day = Arc::new(ManualClock::at(START));
        let passes = Arc::new(ManualClock::at(Tick(5)));
        let watched = WatchedClock::new(day.clone(), Passes(passes.clone()));
        let pass = |seconds| {
            day.advance_seconds(seconds);
            passes.advance_seconds(seconds);
        };
        // The machine slept for a week, and its clock was corrected by a minute.
        pass(7 * 86_400);
        day.advance_seconds(60);
        assert_eq!((watched.now(), watched.is_astray()), (day.now(), false));
        let right = day.now();
        day.advance_seconds(10 * 365 * 86_400);
        assert_eq!((watched.now(), watched.is_astray()), (right, true));
        pass(60);
        assert_eq!(watched.now().0, right.0 + 60_000_000);
        day.set(Tick(right.0 + 60_000_000));
        assert_eq!((watched.now(), watched.is_astray()), (day.now(), false));
        // One that is set back is followed: ticks do not go back with it.
        let right = day.now();
        day.set(START);
        assert_eq!((watched.now(), watched.is_astray()), (START, false));
        // So it is when it is put right, however far that is; but no further.
        pass(60);
        day.set(Tick(right.0 + 60_000_000));
        assert_eq!((watched.now(), watched.is_astray()), (day.now(), false));
        day.advance_micros(micros(LEAP) + 1);
        let believed = Tick(right.0 + 60_000_000);
        assert_eq!((watched.now(), watched.is_astray()), (believed, true));
    }
}
