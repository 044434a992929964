//! How many connections one session may keep open in this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

/// Connections of one session at once: a phone keeps one a record, and a few records open.
pub const MOST: usize = 16;

/// The connections that are open, by session.
#[derive(Clone, Default)]
pub struct Places(Arc<Mutex<HashMap<Uuid, usize>>>);

/// One open connection's place, until dropped.
pub struct Place {
    places: Places,
    session: Uuid,
}

impl Places {
    /// Takes a place for one more connection of a session; nothing if it has as many as it may.
    pub fn take(&self, session: Uuid) -> Option<Place> {
        let mut open = self.open();
        let taken = open.entry(session).or_default();
        if *taken >= MOST {
            return None;
        }
        *taken += 1;
        Some(Place {
            places: self.clone(),
            session,
        })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Uuid, usize>> {
        // Nothing panics while it holds this.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.places.open();
        match open.get_mut(&self.session) {
            Some(taken) if *taken > 1 => *taken -= 1,
            _ => drop(open.remove(&self.session)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_so_many_places_and_they_come_free() {
        let places = Places::default();
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut taken: Vec<Place> = (0..MOST).filter_map(|_| places.take(one)).collect();
        assert_eq!(taken.len(), MOST);
        assert!(places.take(one).is_none());
        assert!(places.take(other).is_some());
        taken.pop();
        assert!(places.take(one).is_some());
        drop(taken);
        assert!(places.open().is_empty());
    }
}
