//! Which changes of an entry had seen which, and what of their writes therefore stands.

use std::collections::{BTreeMap, HashMap};

use super::{PastChange, Value, work};
use crate::ChangeHash;

/// For every change of a history, by its place there, all that its author had before them: one bit
/// a pair.
struct Ancestry(Vec<Places>);

impl Ancestry {
    /// The ancestry of a history in which each change comes after those it depends on.
    fn of(history: &[&PastChange]) -> Self {
        let mut index: HashMap<ChangeHash, usize> = HashMap::with_capacity(history.len());
        let mut before: Vec<Places> = Vec::with_capacity(history.len());
        for (place, past) in history.iter().enumerate() {
            let mut mine = Places::default();
            for dep in past.deps.iter().filter_map(|dep| index.get(dep)) {
                mine.join(&before[*dep]);
                mine.insert(*dep);
            }
            before.push(mine);
            index.insert(past.hash, place);
        }
        Ancestry(before)
    }
}

/// A set of places in a history.
#[derive(Default)]
struct Places(Vec<u64>);

impl Places {
    fn insert(&mut self, place: usize) {
        let word = place / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (place % 64);
    }

    fn contains(&self, place: usize) -> bool {
        let word = self.0.get(place / 64);
        word.is_some_and(|word| word & (1 << (place % 64)) != 0)
    }

    fn join(&mut self, other: &Places) {
        work::steps(other.0.len());
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine |= theirs;
        }
    }
}

/// What a change, by its place in a history, wrote under a key: a value, or nothing for a removal.
struct Written<'h> {
    place: usize,
    counter: u64,
    value: Option<&'h Value>,
}

/// A write that stands.
#[derive(Clone, Copy)]
pub(crate) struct Standing<'h> {
    /// The change that made it.
    pub(crate) change: &'h PastChange,
    /// The number of its operation.
    pub(crate) counter: u64,
    /// What it says.
    pub(crate) value: &'h Value,
}

/// The values that stand after a history, in which each change comes after those it depends on: of
/// every wanted key that has some, those that no change which wrote the key had before it.
///
/// It takes a step an operation and dependency and 64 changes, however many of them are concurrent.
pub(crate) fn standing<'h>(
    history: &[&'h PastChange],
    wanted: impl Fn(&str) -> bool,
) -> BTreeMap<&'h str, Vec<Standing<'h>>> {
    let Ancestry(before) = Ancestry::of(history);
    let mut written: BTreeMap<&str, Vec<Written<'_>>> = BTreeMap::new();
    for (place, past) in history.iter().enumerate() {
        for (index, write) in (0..).zip(&past.writes) {
            if wanted(&write.key) {
                let writes = written.entry(&write.key).or_default();
                writes.push(Written {
                    place,
                    counter: past.start_op.saturating_add(index),
                    value: write.value.as_ref(),
                });
            }
        }
    }
    let of_key = |writes: Vec<Written<'h>>| {
        let mut stand = Vec::new();
        let mut overwritten = Places::default();
        for Written {
            place,
            counter,
            value,
        } in writes.into_iter().rev()
        {
            work::steps(1);
            if let Some(value) = value.filter(|_| !overwritten.contains(place)) {
                let change = history[place];
                stand.push(Standing {
                    change,
                    counter,
                    value,
                });
            }
            overwritten.join(&before[place]);
        }
        stand
    };
    let all = written
        .into_iter()
        .map(|(key, writes)| (key, of_key(writes)));
    all.filter(|(_, stand)| !stand.is_empty()).collect()
}
