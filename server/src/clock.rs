//! The time of day, handed in so that tests can move it.

mod watched;

use std::pin::Pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sync_core::Tick;
use tokio::sync::watch;

use crate::sessions::after;
pub use watched::{LEAP, SinceBoot, Steady, WatchedClock};

/// A wait for some time to pass.
pub type Pause = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Tick;

    /// Comes back once so much time has passed.
    fn pause(&self, lasts: Duration) -> Pause {
        Box::pin(tokio::time::sleep(lasts))
    }

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
pub struct ManualClock(watch::Sender<Tick>);

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn at(start: Tick) -> Self {
        Self(watch::Sender::new(start))
    }

    /// Sets the clock.
    pub fn set(&self, to: Tick) {
        self.0.send_replace(to);
    }

    /// Moves the clock forward by so many seconds.
    pub fn advance_seconds(&self, seconds: u64) {
        self.advance_micros(seconds * 1_000_000);
    }

    /// Moves the clock forward by so many microseconds.
    pub fn advance_micros(&self, micros: u64) {
        self.0.send_modify(|now| now.0 += micros);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Tick {
        *self.0.borrow()
    }

    fn pause(&self, lasts: Duration) -> Pause {
        let mut moves = self.0.subscribe();
        let until = after(self.now(), lasts);
        Box::pin(async move {
            // A clock that is gone moves no more.
            if moves.wait_for(|now| *now >= until).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}
