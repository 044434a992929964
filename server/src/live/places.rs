//! How many connections one person may keep open in this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sync_core::PersonId;

/// Connections of one person at once, by all their sessions: a device keeps one a record, and a few
/// records open.
pub const MOST: usize = 32;

/// The connections that are open, by person.
#[derive(Clone, Default)]
pub struct Places(Arc<Mutex<HashMap<PersonId, usize>>>);

/// One open connection's place, until dropped.
pub struct Place {
    places: Places,
    person: PersonId,
}

impl Places {
    /// Takes a place for one more connection of a person; nothing if they have as many as they may.
    pub fn take(&self, person: PersonId) -> Option<Place> {
        let mut open = self.open();
        let taken = open.entry(person).or_default();
        if *taken >= MOST {
            return None;
        }
        *taken += 1;
        Some(Place {
            places: self.clone(),
            person,
        })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<PersonId, usize>> {
        // Nothing panics while it holds this.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.places.open();
        match open.get_mut(&self.person) {
            Some(taken) if *taken > 1 => *taken -= 1,
            _ => drop(open.remove(&self.person)),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_person_has_so_many_places_and_they_come_free() {
        let places = Places::default();
        let (one, other) = (PersonId(Uuid::from_u128(1)), PersonId(Uuid::from_u128(2)));
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
