//! What requests that are not done yet take up: bytes in memory and turns at the stores, bounded for
//! each person and for all of them together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sync_core::PersonId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::{Problem, ProblemType};

/// How many bytes one person's requests and live connections may take up at once: four of the
/// largest requests, packed and unpacked.
pub const SHARE: usize = 32 * 1024 * 1024;

/// How many bytes of one person's always fit, whatever others take up: a small request is never kept
/// out by those who take all they may; a larger one may be.
pub const OWN: usize = 256 * 1024;

/// How many syncs, pushed answers and other looks at a record of one person are worked on at once;
/// others wait.
pub const AT_ONCE: usize = 4;

/// What is under way in this process.
#[derive(Clone)]
pub struct Load {
    most: usize,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// What people take up together, but for what always fits.
    bytes: usize,
    people: HashMap<PersonId, Share>,
}

struct Share {
    bytes: usize,
    holders: usize,
    turns: Arc<Semaphore>,
}

/// What one request, or one live connection, takes up, until it is dropped.
pub struct Held {
    load: Load,
    person: PersonId,
    bytes: usize,
    turns: Arc<Semaphore>,
}

/// There is no room for so much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The person has as much under way as one person may.
    Share,
    /// All people together have.
    All,
}

/// One of a person's turns, with the memory of the request that has it, until it is dropped. The
/// default is nobody's.
#[derive(Default)]
pub struct Turn {
    // Given back before what is held: who holds nothing has no turn.
    _permit: Option<OwnedSemaphorePermit>,
    _held: Option<Held>,
}

impl From<Full> for Problem {
    fn from(full: Full) -> Self {
        match full {
            Full::Share => Problem::new(ProblemType::TooMany)
                .detail("you have too much under way; try again when some of it is done"),
            Full::All => Problem::new(ProblemType::Unavailable)
                .detail("the server has too much under way; try again"),
        }
        .retry_after(1)
    }
}

impl Load {
    /// Nothing under way, of so many bytes at most.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            state: Arc::default(),
        }
    }

    /// Begins something of a person's; it takes up nothing yet.
    pub fn begin(&self, person: PersonId) -> Held {
        let mut state = self.state();
        let share = state.people.entry(person).or_insert_with(|| Share {
            bytes: 0,
            holders: 0,
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        });
        share.holders += 1;
        let turns = share.turns.clone();
        drop(state);
        Held {
            load: self.clone(),
            person,
            bytes: 0,
            turns,
        }
    }

    /// How many requests and connections of a person hold something.
    #[cfg(test)]
    pub(crate) fn holders(&self, person: PersonId) -> usize {
        self.state()
            .people
            .get(&person)
            .map_or(0, |share| share.holders)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds this.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Takes up so many bytes from now on, more or fewer than before.
    ///
    /// # Errors
    /// When there is no room for more; then it stays as it was.
    pub fn resize(&mut self, bytes: usize) -> Result<(), Full> {
        let mut state = self.load.state();
        let Some(before) = state.people.get(&self.person).map(|share| share.bytes) else {
            return Err(Full::All);
        };
        let mine = before - self.bytes + bytes;
        let all = state.bytes - shared(before) + shared(mine);
        if bytes > self.bytes {
            if mine > SHARE {
                return Err(Full::Share);
            }
            if mine > OWN && all > self.load.most {
                return Err(Full::All);
            }
        }
        state.bytes = all;
        if let Some(share) = state.people.get_mut(&self.person) {
            share.bytes = mine;
        }
        drop(state);
        self.bytes = bytes;
        Ok(())
    }

    /// Waits for one of the person's turns, and keeps what this takes up until the turn is over.
    pub async fn into_turn(self) -> Turn {
        // Nobody closes it.
        let permit = self.turns.clone().acquire_owned().await.ok();
        Turn {
            _permit: permit,
            _held: Some(self),
        }
    }
}

/// What of a person's bytes counts among all.
fn shared(bytes: usize) -> usize {
    bytes.saturating_sub(OWN)
}

impl Drop for Held {
    fn drop(&mut self) {
        // Less always fits.
        let _ = self.resize(0);
        let mut state = self.load.state();
        let Some(share) = state.people.get_mut(&self.person) else {
            return;
        };
        share.holders -= 1;
        // Whoever has a turn, or waits for one, holds something.
        if share.holders == 0 {
            state.people.remove(&self.person);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use uuid::Uuid;

    use super::*;

    const MIB: usize = 1024 * 1024;

    fn person(number: u128) -> PersonId {
        PersonId(Uuid::from_u128(number))
    }

    #[test]
    fn a_person_has_a_share_and_all_have_a_whole_and_both_come_free() {
        let load = Load::new(SHARE + MIB);
        let (mut one, mut same, mut other) = (
            load.begin(person(1)),
            load.begin(person(1)),
            load.begin(person(2)),
        );
        assert_eq!(one.resize(SHARE - MIB), Ok(()));
        assert_eq!(same.resize(MIB + 1), Err(Full::Share));
        assert_eq!(same.resize(MIB), Ok(()));
        // Of each person's, so much counts for them alone.
        let left = MIB + 2 * OWN;
        assert_eq!(other.resize(left + 1), Err(Full::All));
        assert_eq!(other.resize(left), Ok(()));
        // What is refused stays as it was.
        assert_eq!(other.resize(2 * left), Err(Full::All));
        assert_eq!(load.state().bytes, SHARE + MIB);
        assert_eq!(one.resize(0), Ok(()));
        assert_eq!(other.resize(2 * left), Ok(()));
        drop((one, same, other));
        assert_eq!(load.state().bytes, 0);
        assert!(load.state().people.is_empty());
    }

    /// However many take all they may.
    #[test]
    fn nobody_is_kept_out_by_those_who_take_all_they_may() {
        let load = Load::new(2 * SHARE);
        let mut greedy: Vec<Held> = (1..=8).map(|number| load.begin(person(number))).collect();
        for held in &mut greedy {
            for bytes in (OWN..=SHARE).step_by(MIB) {
                let _ = held.resize(bytes);
            }
        }
        let mut small = load.begin(person(9));
        assert_eq!(small.resize(OWN), Ok(()));
        assert_eq!(small.resize(SHARE), Err(Full::All));
        drop(greedy);
        assert_eq!(small.resize(SHARE), Ok(()));
    }

    #[test]
    fn a_person_has_so_many_turns_and_others_have_their_own() {
        let load = Load::new(MIB);
        let turn = |number| load.begin(person(number)).into_turn().now_or_never();
        let mut turns: Vec<Turn> = (0..AT_ONCE).filter_map(|_| turn(1)).collect();
        assert_eq!(turns.len(), AT_ONCE);
        assert!(turn(1).is_none());
        assert!(turn(2).is_some());
        turns.pop();
        assert!(turn(1).is_some());
        drop(turns);
        assert!(load.state().people.is_empty());
    }

    #[test]
    fn a_turn_keeps_what_its_request_takes_up() {
        let load = Load::new(MIB);
        let mut held = load.begin(person(1));
        held.resize(MIB + OWN).expect("fits");
        let turn = held.into_turn().now_or_never().expect("a turn");
        assert_eq!(load.begin(person(2)).resize(OWN + 1), Err(Full::All));
        drop(turn);
        assert_eq!(load.begin(person(2)).resize(OWN + 1), Ok(()));
    }
}
