//! Numbers and bytes in the columns of a frame.

use std::collections::HashMap;
use std::hash::Hash;

use super::{FrameError, NOT_A_FRAME};
use crate::reader::CutShort;

/// A column that is being written.
#[derive(Default)]
pub(super) struct Column(pub Vec<u8>);

impl Column {
    pub fn number(&mut self, value: u64) {
        leb128::write::unsigned(&mut self.0, value).expect("written to memory");
    }

    pub fn signed(&mut self, value: i64) {
        leb128::write::signed(&mut self.0, value).expect("written to memory");
    }

    /// A number by its difference to another.
    pub fn difference(&mut self, value: u64, before: u64) {
        self.signed(value.wrapping_sub(before).cast_signed());
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Bytes after their number.
    pub fn prefixed(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.bytes(bytes);
    }
}

impl From<CutShort> for FrameError {
    fn from(CutShort: CutShort) -> Self {
        NOT_A_FRAME
    }
}

/// Things that a frame has named, as its writer knows them.
pub(super) struct Named<T> {
    places: HashMap<T, u64>,
    count: u64,
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Named {
            places: HashMap::new(),
            count: 0,
        }
    }
}

impl<T: Eq + Hash> Named<T> {
    /// How far back a thing is: 1 for the last that was named; 0 for one that was not.
    pub fn back(&self, thing: &T) -> u64 {
        self.places.get(thing).map_or(0, |place| self.count - place)
    }

    pub fn add(&mut self, thing: T) {
        self.places.insert(thing, self.count);
        self.count += 1;
    }
}

/// Things that a frame has named, as its reader knows them.
pub(super) struct Known<T>(Vec<T>);

impl<T> Default for Known<T> {
    fn default() -> Self {
        Known(Vec::new())
    }
}

impl<T: Clone> Known<T> {
    pub fn add(&mut self, thing: T) {
        self.0.push(thing);
    }

    /// The thing that is so far back; the one that `new` reads where that is 0.
    pub fn at<E>(&mut self, back: u64, new: impl FnOnce() -> Result<T, E>) -> Result<T, FrameError>
    where
        FrameError: From<E>,
    {
        if back == 0 {
            let thing = new()?;
            self.add(thing.clone());
            return Ok(thing);
        }
        self.find(back).ok_or(NOT_A_FRAME)
    }

    /// The thing that is so far back, if there is one.
    pub fn find(&self, back: u64) -> Option<T> {
        let place = self.0.len().checked_sub(usize::try_from(back).ok()?)?;
        self.0.get(place).cloned()
    }
}
