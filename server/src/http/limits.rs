//! How much one peer, or one session, may ask for in a time. Approximate, in memory, forgotten at
//! a restart; what guards a secret is counted in the store instead.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use sync_core::PersonId;
use uuid::Uuid;

use super::{Problem, ProblemType};
use crate::config::Config;

/// Keys after which those that have not been seen lately are forgotten.
const REMEMBERED: usize = 50_000;

/// The rate limits in force.
pub struct Limits {
    clock: DefaultClock,
    peers: DefaultKeyedRateLimiter<IpAddr>,
    sessions: DefaultKeyedRateLimiter<Uuid>,
    people: DefaultKeyedRateLimiter<PersonId>,
}

impl Limits {
    /// Limits as configured.
    pub fn new(config: &Config) -> Self {
        let a_minute = |n| Quota::per_minute(NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN));
        Self {
            clock: DefaultClock::default(),
            peers: DefaultKeyedRateLimiter::keyed(a_minute(config.peer_rate)),
            sessions: DefaultKeyedRateLimiter::keyed(a_minute(config.session_rate)),
            people: DefaultKeyedRateLimiter::keyed(a_minute(LOOK_UPS)),
        }
    }

    /// Counts a request of a peer.
    pub fn peer(&self, address: IpAddr) -> Result<(), Problem> {
        check(&self.peers, &network(address), &self.clock)
    }

    /// Counts a request in a session.
    pub fn session(&self, session: Uuid) -> Result<(), Problem> {
        check(&self.sessions, &session, &self.clock)
    }

    /// Counts a person's look-up of somebody else.
    pub fn look_up(&self, person: PersonId) -> Result<(), Problem> {
        check(&self.people, &person, &self.clock)
    }
}

/// Look-ups of professionals a minute and a person: enough to fill in a form, too few to copy the
/// directory.
const LOOK_UPS: u32 = 30;

fn check<K: std::hash::Hash + Eq + Clone>(
    limiter: &DefaultKeyedRateLimiter<K>,
    key: &K,
    clock: &DefaultClock,
) -> Result<(), Problem> {
    if limiter.len() > REMEMBERED {
        limiter.retain_recent();
    }
    limiter.check_key(key).map_err(|until| {
        let wait = until.wait_time_from(clock.now()).as_secs() + 1;
        Problem::new(ProblemType::TooMany)
            .detail("wait as long as Retry-After says")
            .retry_after(wait)
    })
}

/// What counts as one peer: an IPv4 address, or an IPv6 network of 64 bits, which one line has.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let mut segments = v6.segments();
            segments[4..].fill(0);
            IpAddr::V6(Ipv6Addr::from(segments))
        }
        v4 => v4,
    }
}
