//! What must be left of entries that were destroyed: that they were there, and nothing they held.

use std::collections::{BTreeMap, BTreeSet};

use sync_core::audit::{AccessAction, AccessEvent};
use sync_core::{EntryId, merge};

use super::{Check, Made, PAGE};
use crate::fault::Fault;
use crate::storage::records::{DestroyedRow, EntryRow, RecordStore as _};

/// The entries of a record that were destroyed.
pub(super) type Destroyed = BTreeMap<EntryId, DestroyedRow>;

impl Check<'_, '_> {
    /// The entries that were destroyed, here or before this store was put back; and that they stand
    /// nowhere.
    pub(super) fn destroyed(&mut self) -> Result<Destroyed, Fault> {
        let record = self.row.record;
        let mut all = Destroyed::new();
        let mut after = (record, EntryId(uuid::Uuid::nil()));
        loop {
            let rows = self.connection.destroyed_after(Some(after), PAGE)?;
            let more = rows.len() == PAGE as usize;
            for (of, row) in rows {
                after = (of, row.entry);
                if of == record {
                    self.check_destroyed(&row)?;
                    all.insert(row.entry, row);
                }
            }
            if !more || after.0 != record {
                break;
            }
        }
        for (id, _) in self.connection.shelves(record)? {
            let standing = self.connection.standing_on(record, id)?.stand;
            for (entry, _) in standing {
                if all.contains_key(&entry) {
                    let what = "it was destroyed, and stands on a shelf";
                    self.findings.note(Some(entry), what);
                }
            }
        }
        Ok(all)
    }

    fn check_destroyed(&mut self, row: &DestroyedRow) -> Result<(), Fault> {
        self.findings.destroyed += 1;
        self.unreadable.insert(row.entry);
        if !self.keys.is_destroyed(row.key)? {
            self.findings.unfinished += 1;
        }
        if self.vault.open_stood(row).is_err() {
            let what = "where it stood when it was destroyed does not open";
            self.findings.note(Some(row.entry), what);
        }
        Ok(())
    }

    /// An entry that was destroyed, or should have been: its rows are empty.
    pub(super) fn emptied(
        &mut self,
        row: &EntryRow,
        gone: Option<&DestroyedRow>,
        has_key: bool,
    ) -> Result<(), Fault> {
        let record = self.row.record;
        let changes = self
            .connection
            .log_of_entry(record, row.entry, sync_core::Tick(0))?;
        self.findings.changes += changes.len() as u64;
        self.unreadable.insert(row.entry);
        let Some(gone) = gone else {
            let what = match (self.keys.is_destroyed(row.key)?, has_key) {
                (true, _) => "its key was destroyed and its rows were not: serving mends that",
                (false, true) => "it is empty, and nothing says that it was destroyed",
                (false, false) => "its key does not exist",
            };
            self.findings.note(Some(row.entry), what);
            return Ok(());
        };
        let document = self.connection.entry(record, row.entry)?;
        let history = self.connection.history(self.row.record, row.entry)?;
        let empty = document.is_some_and(|(_, document)| document.is_empty())
            && history.is_none()
            && changes
                .iter()
                .all(|c| c.about.is_empty() && c.change.is_empty());
        if !row.is_destroyed() || !empty {
            let what = "it was destroyed, and something of it is left";
            self.findings.note(Some(row.entry), what);
        }
        if (row.key, row.touched, changes.len() as u64) != (gone.key, gone.at, row.changes) {
            let what = "what is left of it is not what was there when it was destroyed";
            self.findings.note(Some(row.entry), what);
        }
        Ok(())
    }

    /// That no mark stands which should have destroyed an entry that is here.
    pub(super) fn marks(&mut self, entry: EntryId, made: &Made) -> Result<(), Fault> {
        let marks = merge::destroyers(&made.document.state(), &made.provenance);
        if marks.is_empty() {
            return Ok(());
        }
        let noted = self.connection.doomed_by(self.row.record, entry)?;
        let accepted = |mark| made.provenance.get(mark)?.accepted;
        if marks
            .iter()
            .all(|mark| accepted(mark).is_some_and(|at| noted.contains(&at)))
        {
            self.findings.marked += 1;
        } else {
            let what = "it is marked as another patient's, and was not destroyed";
            self.findings.note(Some(entry), what);
        }
        Ok(())
    }

    /// Takes note of what an event of an access log says was destroyed or given up.
    pub(super) fn hears_what_is_gone(&mut self, event: &AccessEvent) {
        match event.action {
            AccessAction::Destroy => self.told_destroyed.extend(&event.entries),
            AccessAction::GiveUp => self.told_given_up.extend(&event.entries),
            _ => {}
        }
    }

    /// The entries that were given up, again there or not.
    pub(super) fn given_up(&mut self) -> Result<BTreeSet<EntryId>, Fault> {
        let record = self.row.record;
        let all = self.connection.given_up(record)?;
        self.held_before = all.iter().map(|row| row.held).sum();
        let all: BTreeSet<EntryId> = all.into_iter().map(|row| row.entry).collect();
        for entry in &all {
            let here = self.connection.entry(record, *entry)?.is_some();
            self.findings.given_up += u64::from(!here);
        }
        Ok(all)
    }
}
