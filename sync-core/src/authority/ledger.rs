//! The rights of a record as they stood at any moment.

use std::collections::BTreeMap;

use crate::change::Provenance;
use crate::entry::EntryState;
use crate::merge;
use crate::policy::Rights;
use crate::{ChangeHash, EntryId, PersonId, Tick};

/// A rights entry, with where each of its changes comes from.
#[derive(Clone, Debug)]
pub struct RightEntry {
    /// Its name.
    pub entry: EntryId,
    /// What it says.
    pub state: EntryState,
    /// Where its changes come from.
    pub provenance: BTreeMap<ChangeHash, Provenance>,
}

/// All rights entries of a record.
#[derive(Clone, Debug)]
pub struct RightsLedger {
    holder: PersonId,
    entries: Vec<RightEntry>,
    latest: Option<Rights>,
}

impl RightsLedger {
    /// The ledger of a record of `holder`.
    pub fn new(holder: PersonId, entries: Vec<RightEntry>) -> Self {
        RightsLedger {
            holder,
            entries,
            latest: None,
        }
    }

    /// Whose record it is.
    pub fn holder(&self) -> PersonId {
        self.holder
    }

    /// How many rights entries there are, in force or not.
    pub fn count(&self) -> usize {
        self.entries.len()
    }

    /// Takes in the new state of a rights entry.
    pub fn put(&mut self, entry: RightEntry) {
        self.entries.retain(|kept| kept.entry != entry.entry);
        self.entries.push(entry);
        self.latest = None;
    }

    /// The rights by all that was accepted.
    pub fn latest(&mut self) -> &Rights {
        let latest = self.latest.take();
        let latest = latest.unwrap_or_else(|| self.at(Tick(u64::MAX)));
        self.latest.insert(latest)
    }

    /// The rights by what was accepted up to `tick`.
    pub fn at(&self, tick: Tick) -> Rights {
        let facts = self.entries.iter().filter_map(|right| {
            let accepted = |hash: &ChangeHash| right.provenance.get(hash)?.accepted;
            let state = right
                .state
                .as_of(|hash| accepted(hash).is_some_and(|at| at <= tick));
            merge::right_fact(&merge::view(right.entry, &state, &right.provenance))
        });
        Rights::new(self.holder, facts)
    }
}
