//! How much goes over the network at once, by what got through before.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sync_core::sync::limits::{ANSWER, LEAST_ANSWER};

use super::NetError;
use crate::error::Error;

const MOST: u32 = ANSWER as u32;
const LEAST: u32 = LEAST_ANSWER as u32;

/// What went through in less than this was not much for the network.
const QUICK: Duration = Duration::from_secs(10);

/// How much of a record goes over the network at once, each way, before compression.
///
/// Requests and answers have to be through within a time. On a slow line a large one never is,
/// however often it is tried: after one that did not get through the next are smaller, after one
/// that got through quickly larger again. So it is with a server that has no room for more: little is
/// taken while others take all they may.
#[derive(Debug)]
pub struct Portion(AtomicU32);

impl Default for Portion {
    fn default() -> Self {
        Portion(AtomicU32::new(MOST))
    }
}

impl Portion {
    /// The bytes; nothing if as much may go as the protocol takes.
    pub fn limit(&self) -> Option<u32> {
        let bytes = self.0.load(Ordering::Relaxed);
        (bytes < MOST).then_some(bytes)
    }

    /// An exchange ended so. Answers whether the next will be smaller for it.
    pub fn failed(&self, error: &Error) -> bool {
        let by_size = matches!(
            error,
            Error::Net(NetError::Broken)
                | Error::Problem {
                    status: 408 | 413 | 429 | 503,
                    ..
                }
        );
        let before = self.0.load(Ordering::Relaxed);
        if by_size {
            self.0.store((before / 8).max(LEAST), Ordering::Relaxed);
        }
        by_size && before > LEAST
    }

    /// An exchange went through, and took so long.
    pub fn passed(&self, took: Duration) {
        if took < QUICK {
            let before = self.0.load(Ordering::Relaxed);
            self.0
                .store(before.saturating_mul(2).min(MOST), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Told;

    #[test]
    fn it_shrinks_by_what_was_too_much_and_grows_by_what_was_quick() {
        let portion = Portion::default();
        assert_eq!(portion.limit(), None);
        let broken = Error::Net(NetError::Broken);
        let sizes: Vec<_> = (0..4)
            .map(|_| (portion.failed(&broken), portion.limit().expect("smaller")))
            .collect();
        let expected = [
            (true, MOST / 8),
            (true, MOST / 64),
            (true, LEAST),
            (false, LEAST),
        ];
        assert_eq!(sizes, expected);
        portion.passed(QUICK);
        assert_eq!(portion.limit(), Some(LEAST));
        portion.passed(QUICK / 2);
        assert_eq!(portion.limit(), Some(2 * LEAST));
        for _ in 0..7 {
            portion.passed(Duration::ZERO);
        }
        assert_eq!(portion.limit(), None);
    }

    fn problem(status: u16) -> Error {
        Error::Problem {
            status,
            problem: String::new(),
            retry_after: None,
            told: Told::default(),
        }
    }

    /// What came too late to be taken or was too large (408, 413), from somebody who has too much
    /// under way (429), to a server that has (503); and a line that broke, as one does on which the
    /// time ran out.
    #[test]
    fn each_of_what_may_be_for_its_size_makes_the_next_smaller_until_it_is_small() {
        let by_size = [408, 413, 429, 503].map(problem);
        for error in by_size.into_iter().chain([Error::Net(NetError::Broken)]) {
            let portion = Portion::default();
            assert!(portion.failed(&error), "{error:?}");
            assert_eq!(portion.limit(), Some(MOST / 8), "{error:?}");
            assert!(portion.failed(&error), "{error:?}, again");
            assert!(portion.failed(&error), "{error:?}, to the smallest");
            assert!(!portion.failed(&error), "{error:?}: no smaller than that");
            assert_eq!(portion.limit(), Some(LEAST), "{error:?}");
        }
    }

    /// From the smallest, and after every kind of failure: so many quick exchanges later as much goes
    /// as before; one that was slow changes nothing, and one that fails again costs what it did.
    #[test]
    fn it_grows_again_by_what_gets_through_quickly() {
        for status in [408, 413, 429, 503] {
            let portion = Portion::default();
            while portion.failed(&problem(status)) {}
            let mut grown = Vec::new();
            while let Some(limit) = portion.limit() {
                grown.push(limit);
                portion.passed(QUICK);
                assert_eq!(portion.limit(), Some(limit));
                portion.passed(QUICK.checked_sub(Duration::from_nanos(1)).expect("longer"));
            }
            let doubled = grown.windows(2).all(|pair| pair[1] == 2 * pair[0]);
            assert!(doubled && grown.first() == Some(&LEAST), "{grown:?}");
            // And no more than the protocol takes.
            portion.passed(Duration::ZERO);
            assert_eq!(portion.limit(), None);
            assert!(portion.failed(&problem(status)));
            assert_eq!(portion.limit(), Some(MOST / 8));
        }
    }

    #[test]
    fn a_server_that_is_away_or_refuses_says_nothing_of_sizes() {
        let portion = Portion::default();
        let others = [400, 401, 403, 404, 409, 422, 500, 502, 504].map(problem);
        let others = others.into_iter().chain([
            Error::Net(NetError::Unreachable),
            Error::Overtaken,
            Error::SignInNeeded,
        ]);
        for error in others {
            assert!(!portion.failed(&error), "{error:?}");
        }
        assert_eq!(portion.limit(), None);
    }
}
