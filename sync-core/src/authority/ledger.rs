//! The rights of a record as they stood at any moment.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use crate::change::Provenance;
use crate::entry::EntryState;
use crate::merge;
use crate::policy::{RightFact, Rights};
use crate::{ChangeHash, EntryId, PersonId, Tick};

#[cfg(test)]
mod tests;

/// A rights entry, with where each of its changes comes from.
#[derive(Clone, Debug)]
pub struct RightEntry {
    /// Its name.
    pub entry: EntryId,
    /// What it says.
    pub state: EntryState,
    /// Where its changes come from.
    pub provenance: BTreeMap<ChangeHash, Provenance>,
    /// How many bytes its changes take.
    pub bytes: usize,
}

impl RightEntry {
    /// What it says by what was accepted up to `tick`; nothing if it gives and takes nothing.
    fn fact_at(&self, tick: Tick) -> Option<RightFact> {
        let accepted = |hash: &ChangeHash| self.provenance.get(hash)?.accepted;
        let state = self
            .state
            .as_of(|hash| accepted(hash).is_some_and(|at| at <= tick));
        merge::right_fact(&merge::view(self.entry, &state, &self.provenance))
    }
}

/// A right, and what it says from each moment on at which a change of it was accepted, in order;
/// worked out when that is asked first.
#[derive(Debug)]
struct Known {
    right: RightEntry,
    facts: Vec<(Tick, OnceLock<Option<RightFact>>)>,
}

impl Known {
    fn new(right: RightEntry) -> Self {
        let accepted = right.provenance.values().filter_map(|p| p.accepted);
        let mut accepted: Vec<Tick> = accepted.collect();
        accepted.sort();
        accepted.dedup();
        let facts = accepted.into_iter().map(|at| (at, OnceLock::new()));
        Known {
            facts: facts.collect(),
            right,
        }
    }

    fn fact_at(&self, tick: Tick) -> Option<&RightFact> {
        let later = self.facts.partition_point(|(at, _)| *at <= tick);
        let (at, fact) = self.facts.get(later.checked_sub(1)?)?;
        fact.get_or_init(|| self.right.fact_at(*at)).as_ref()
    }
}

/// All rights entries of a record. A copy costs nothing; what an entry says is worked out once, and
/// again only when that entry changes.
#[derive(Clone, Debug)]
pub struct RightsLedger {
    holder: PersonId,
    rights: Arc<BTreeMap<EntryId, Arc<Known>>>,
    bytes: usize,
    latest: Option<Arc<Rights>>,
    /// What was asked last of an earlier moment.
    then: Option<(Tick, Arc<Rights>)>,
}

impl RightsLedger {
    /// The ledger of a record of `holder`.
    pub fn new(holder: PersonId, entries: Vec<RightEntry>) -> Self {
        let bytes = entries.iter().map(|right| right.bytes).sum();
        let known = |right: RightEntry| (right.entry, Arc::new(Known::new(right)));
        RightsLedger {
            holder,
            rights: Arc::new(entries.into_iter().map(known).collect()),
            bytes,
            latest: None,
            then: None,
        }
    }

    /// Whose record it is.
    pub fn holder(&self) -> PersonId {
        self.holder
    }

    /// How many rights entries there are, in force or not.
    pub fn count(&self) -> usize {
        self.rights.len()
    }

    /// How many bytes the changes of all of them take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether a rights entry gives and takes nothing: it was revoked, or there is none.
    pub fn is_over(&self, entry: &EntryId) -> bool {
        let known = self.rights.get(entry);
        let fact = known.and_then(|known| known.fact_at(Tick(u64::MAX)));
        fact.is_none_or(|fact| fact.revoked)
    }

    /// Takes in the new state of a rights entry.
    pub fn put(&mut self, right: RightEntry) {
        let entry = right.entry;
        self.bytes += right.bytes;
        let known = Arc::new(Known::new(right));
        if let Some(latest) = &mut self.latest {
            let fact = known.fact_at(Tick(u64::MAX)).cloned();
            Arc::make_mut(latest).put(entry, fact);
        }
        self.then = None;
        if let Some(before) = Arc::make_mut(&mut self.rights).insert(entry, known) {
            self.bytes -= before.right.bytes;
        }
    }

    /// The rights by all that was accepted.
    pub fn latest(&mut self) -> &Arc<Rights> {
        let latest = self.latest.take();
        let latest = latest.unwrap_or_else(|| Arc::new(self.facts_at(Tick(u64::MAX))));
        self.latest.insert(latest)
    }

    /// The rights by what was accepted up to `tick`.
    pub fn at(&mut self, tick: Tick) -> Arc<Rights> {
        let then = self.then.take().filter(|(at, _)| *at == tick);
        let (_, rights) = then.unwrap_or_else(|| (tick, Arc::new(self.facts_at(tick))));
        self.then = Some((tick, rights.clone()));
        rights
    }

    fn facts_at(&self, tick: Tick) -> Rights {
        let facts = self.rights.values().filter_map(|known| known.fact_at(tick));
        Rights::new(self.holder, facts.cloned())
    }
}
