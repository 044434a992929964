//! Time, handed in.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sync_core::DeviceTime;

use super::Pending;

/// A clock and a way to wait.
pub trait Clock: Send + Sync {
    /// The device's time.
    fn now(&self) -> DeviceTime;
    /// Comes back after a while.
    fn pause(&self, length: Duration) -> Pending<'_, ()>;
    /// How long ago a time was; no time if the clock was set back since.
    fn since(&self, then: DeviceTime) -> Duration {
        let millis = self.now().0.saturating_sub(then.0);
        Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that is handed in"
    )]
    fn now(&self) -> DeviceTime {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        DeviceTime(since.map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        }))
    }

    fn pause(&self, length: Duration) -> Pending<'_, ()> {
        Box::pin(tokio::time::sleep(length))
    }
}
