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

/// How many requests of one person are worked on at once; others wait.
pub const AT_ONCE: usize = 4;

/// What is under way in this process.
#[derive(Clone)]
pub struct Load {
    most: usize,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
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
        let all = state.bytes - self.bytes + bytes;
        let Some(share) = state.people.get_mut(&self.person) else {
            return Err(Full::All);
        };
        let mine = share.bytes - self.bytes + bytes;
        if bytes > self.bytes {
            if mine > SHARE {
                return Err(Full::Share);
            }
            if all > self.load.most {
                return Err(Full::All);
            }
        }
        share.bytes = mine;
        state.bytes = all;
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

    /// Likewise, for a part of what is under way here.
    pub async fn turn(&self) -> Turn {
        self.load.begin(self.person).into_turn().await
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut state = self.load.state();
        state.bytes -= self.bytes;
        let Some(share) = state.people.get_mut(&self.person) else {
            return;
        };
        share.bytes -= self.bytes;
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
        assert_eq!(other.resize(MIB + 1), Err(Full::All));
        assert_eq!(other.resize(MIB), Ok(()));
        // What is refused stays as it was.
        assert_eq!(other.resize(2 * MIB), Err(Full::All));
        assert_eq!(load.state().bytes, SHARE + MIB);
        assert_eq!(one.resize(0), Ok(()));
        assert_eq!(other.resize(2 * MIB), Ok(()));
        drop((one, same, other));
        assert_eq!(load.state().bytes, 0);
        assert!(load.state().people.is_empty());
    }

    #[test]
    fn a_person_has_so_many_turns_and_others_have_their_own() {
        let load = Load::new(MIB);
        let held = load.begin(person(1));
        let mut turns: Vec<Turn> = (0..AT_ONCE)
            .filter_map(|_| held.turn().now_or_never())
            .collect();
        assert_eq!(turns.len(), AT_ONCE);
        assert!(load.begin(person(1)).into_turn().now_or_never().is_none());
        assert!(load.begin(person(2)).into_turn().now_or_never().is_some());
        turns.pop();
        assert!(load.begin(person(1)).into_turn().now_or_never().is_some());
        drop((turns, held));
    }

    /// A turn outlives the connection that began it: the person's others still count it.
    #[test]
    fn turns_are_counted_though_nothing_is_held_any_more() {
        let load = Load::new(MIB);
        let held = load.begin(person(1));
        let turns: Vec<Turn> = (0..AT_ONCE)
            .filter_map(|_| held.turn().now_or_never())
            .collect();
        drop(held);
        assert!(load.begin(person(1)).into_turn().now_or_never().is_none());
        drop(turns);
        assert!(load.state().people.is_empty());
    }

    #[test]
    fn a_turn_keeps_what_its_request_takes_up() {
        let load = Load::new(MIB);
        let mut held = load.begin(person(1));
        held.resize(MIB).expect("fits");
        let turn = held.into_turn().now_or_never().expect("a turn");
        assert_eq!(load.begin(person(2)).resize(1), Err(Full::All));
        drop(turn);
        assert_eq!(load.begin(person(2)).resize(1), Ok(()));
    }
}
