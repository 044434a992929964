//! Edits that the server holds, as far as the to-review list asks about them.

use std::collections::{BTreeMap, BTreeSet};

use super::Stamp;
use crate::codec::Malformed;
use crate::entry::{EntryState, Write};
use crate::sync::{HeldEdit, HoldReason};
use crate::{ChangeHash, EntryId, Tick, guard};

/// An edit held by the server, for whoever may decide on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldForReview {
    /// The entry it is about.
    pub entry: EntryId,
    /// The change.
    pub change: ChangeHash,
    /// Who made it, when, having seen what.
    pub by: Stamp,
    /// Why it is held.
    pub reason: HoldReason,
    /// When the server received it.
    pub received: Tick,
    /// What it would write.
    pub writes: Vec<Write>,
    /// The changes of the entry that its author had in front of them: all that it follows. As read,
    /// those that it names; see [`HeldForReview::follow`].
    pub follows: BTreeSet<ChangeHash>,
}

impl HeldForReview {
    /// Reads a held edit as it travels; nothing when it was decided on already.
    ///
    /// # Errors
    /// When it is no edit the guard lets through.
    pub fn read(held: &HeldEdit) -> Result<Option<Self>, Malformed> {
        if held.settled.is_some() {
            return Ok(None);
        }
        let origin = held.origin()?;
        let inspected =
            guard::inspect(&held.edit.change).map_err(|_| Malformed("held edit: change"))?;
        let provenance = crate::change::Provenance {
            origin,
            accepted: None,
        };
        Ok(Some(HeldForReview {
            entry: held.edit.entry,
            change: inspected.hash(),
            by: Stamp::from(&provenance),
            reason: held.reason,
            received: held.received,
            writes: inspected.past.writes,
            follows: inspected.past.deps.into_iter().collect(),
        }))
    }

    /// Adds what the changes follow that it names, in an entry of this state, and those it follows
    /// among the edits that are held as well.
    pub fn follow(&mut self, state: &EntryState, held: &BTreeMap<ChangeHash, Vec<ChangeHash>>) {
        let mut open: Vec<ChangeHash> = self.follows.iter().copied().collect();
        while let Some(change) = open.pop() {
            let deps = held.get(&change).into_iter().flatten();
            open.extend(deps.filter(|dep| self.follows.insert(**dep)));
        }
        let seen = state.closure(self.follows.iter().copied());
        self.follows.extend(seen);
    }
}
