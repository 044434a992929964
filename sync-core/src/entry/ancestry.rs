//! Which changes of an entry had seen which.

use std::collections::{BTreeMap, BTreeSet};

use super::PastChange;
use crate::ChangeHash;

/// For every change of a history, all that its author had before them; one bit a pair.
#[derive(Clone, Debug)]
pub struct Ancestry {
    index: BTreeMap<ChangeHash, usize>,
    seen: Vec<Vec<u64>>,
}

impl Ancestry {
    /// The ancestry of a history in which each change comes after those it depends on.
    pub fn of(history: &[PastChange]) -> Self {
        let words = history.len().div_ceil(64);
        let mut index = BTreeMap::new();
        let mut seen: Vec<Vec<u64>> = Vec::with_capacity(history.len());
        for (position, past) in history.iter().enumerate() {
            let mut bits = vec![0; words];
            for dep in past.deps.iter().filter_map(|dep| index.get(dep)) {
                let dep: usize = *dep;
                bits[dep / 64] |= 1 << (dep % 64);
                for (word, of_dep) in bits.iter_mut().zip(&seen[dep]) {
                    *word |= of_dep;
                }
            }
            index.insert(past.hash, position);
            seen.push(bits);
        }
        Ancestry { index, seen }
    }

    /// Whether the author of `later` had `earlier` before them.
    pub fn had_seen(&self, later: &ChangeHash, earlier: &ChangeHash) -> bool {
        let (Some(later), Some(earlier)) = (self.index.get(later), self.index.get(earlier)) else {
            return false;
        };
        self.seen[*later][earlier / 64] & (1 << (earlier % 64)) != 0
    }

    /// Whether neither of two changes had seen the other.
    pub fn concurrent(&self, one: &ChangeHash, other: &ChangeHash) -> bool {
        one != other && !self.had_seen(one, other) && !self.had_seen(other, one)
    }

    /// All that the author of a change had before them.
    pub fn before(&self, change: &ChangeHash) -> BTreeSet<ChangeHash> {
        let earlier = self.index.keys().copied();
        earlier.filter(|hash| self.had_seen(change, hash)).collect()
    }
}
