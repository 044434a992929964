//! Edits that the server holds, as far as the to-review list asks about them.

use std::collections::{BTreeMap, BTreeSet};

use super::Stamp;
use crate::change::Provenance;
use crate::codec::Malformed;
use crate::entry::{EntryState, Write};
use crate::policy::Role;
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
    /// The changes that its author had in front of them: all that it follows, held or not. As read,
    /// those that it names; see [`HeldForReview::read_all`] and [`HeldForReview::follow`].
    pub follows: BTreeSet<ChangeHash>,
}

impl HeldForReview {
    /// Reads a held edit as it travels; nothing when it was decided on already, or is not for this
    /// person to decide on.
    ///
    /// # Errors
    /// When it is no edit the guard lets through.
    pub fn read(held: &HeldEdit) -> Result<Option<Self>, Malformed> {
        if held.settled.is_some() || held.yours {
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

    /// Reads the held edits of an answer or a store of which nothing was decided, each with all
    /// that it follows among them, decided or not.
    ///
    /// # Errors
    /// When one of which nothing was decided is no edit the guard lets through.
    pub fn read_all(held: &[HeldEdit]) -> Result<Vec<Self>, Malformed> {
        let deps = |held: &HeldEdit| {
            // Of one whose entry was destroyed nothing is left to read.
            let inspected = guard::inspect(&held.edit.change).ok()?;
            Some((inspected.hash(), inspected.past.deps))
        };
        let deps: BTreeMap<ChangeHash, Vec<ChangeHash>> = held.iter().filter_map(deps).collect();
        let mut all = Vec::new();
        for held in held {
            let Some(mut read) = HeldForReview::read(held)? else {
                continue;
            };
            let mut open: Vec<ChangeHash> = read.follows.iter().copied().collect();
            while let Some(change) = open.pop() {
                let deps = deps.get(&change).into_iter().flatten();
                open.extend(deps.filter(|dep| read.follows.insert(**dep)));
            }
            all.push(read);
        }
        Ok(all)
    }

    /// Adds what the changes follow that it follows, in an entry of this state; and the edits by
    /// which the holder took up what it follows: its author had in front of them what those say.
    pub fn follow(&mut self, state: &EntryState, provenance: &BTreeMap<ChangeHash, Provenance>) {
        let takes_up = |made: &Provenance| {
            let mut cites = made.origin.cites.iter();
            made.origin.role == Role::Holder && cites.any(|cited| self.follows.contains(cited))
        };
        let taken_up = provenance.iter().filter(|(_, made)| takes_up(made));
        let taken_up: Vec<ChangeHash> = taken_up.map(|(change, _)| *change).collect();
        let seen = state.closure(self.follows.iter().copied());
        self.follows.extend(seen);
        self.follows.extend(taken_up);
    }
}
