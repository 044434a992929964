//! The log in the store, as the walk asks for it.

use std::collections::BTreeSet;

use diesel::SqliteConnection;
use sync_core::authority::{Log, Met, MetHeld};
use sync_core::change::Edit;
use sync_core::entry::EntryClass;
use sync_core::sync::{HoldReason, Item};
use sync_core::{EntryId, Tick};

use crate::fault::Fault;
use crate::keys::SealingKey;
use crate::records::Admitted;
use crate::storage::records::{EntryRow, HeldRow, RecordStore as _};

/// A record's log in one snapshot of the store, for one visitor.
pub(super) struct StoredLog<'a, 'k> {
    pub(super) connection: &'a mut SqliteConnection,
    pub(super) admitted: &'a Admitted<'k>,
}

/// An entry and its key.
pub(super) struct Opened {
    row: EntryRow,
    key: SealingKey,
}

fn met(row: EntryRow) -> Met<EntryRow> {
    Met {
        entry: row.entry,
        touched: row.touched,
        due: row.due,
        row,
    }
}

impl Log for StoredLog<'_, '_> {
    type Error = Fault;
    type Row = EntryRow;
    type Entry = Opened;
    type Held = HeldRow;

    const CHUNK: usize = 256;

    fn touched(&mut self, after: Tick, until: Tick) -> Result<Vec<Met<EntryRow>>, Fault> {
        let record = self.admitted.row.record;
        let limit = Self::CHUNK as u32;
        let rows = self.connection.touched(record, after, until, limit)?;
        Ok(rows.into_iter().map(met).collect())
    }

    fn fallen_due(&mut self, after: Tick, until: Tick) -> Result<Vec<Met<EntryRow>>, Fault> {
        let record = self.admitted.row.record;
        let rows = self.connection.fallen_due(record, after, until)?;
        Ok(rows.into_iter().map(met).collect())
    }

    fn open(&mut self, rows: Vec<EntryRow>) -> Result<Vec<Option<Opened>>, Fault> {
        let ids: Vec<_> = rows.iter().map(|row| row.key).collect();
        let keys = self.admitted.vault.entry_keys(&ids)?;
        let opened = rows.into_iter().zip(keys);
        Ok(opened
            .map(|(row, key)| key.map(|key| Opened { row, key }))
            .collect())
    }

    fn class(&mut self, Opened { row, key }: &Opened) -> Result<EntryClass, Fault> {
        self.admitted.vault.open_class(key, row)
    }

    fn class_at(
        &mut self,
        Opened { row, key }: &Opened,
        at: Tick,
    ) -> Result<Option<EntryClass>, Fault> {
        let vault = &self.admitted.vault;
        let entry = row.entry;
        let Some((tick, sealed)) = self.connection.about_at(vault.record(), entry, at)? else {
            return Ok(None);
        };
        Ok(Some(vault.open_about(key, (entry, tick), &sealed)?.class))
    }

    fn classes(
        &mut self,
        Opened { row, key }: &Opened,
        until: Tick,
    ) -> Result<Vec<(Tick, EntryClass)>, Fault> {
        let vault = &self.admitted.vault;
        let entry = row.entry;
        let rows = self.connection.about_entry(vault.record(), entry)?;
        rows.into_iter()
            .take_while(|(tick, _)| *tick <= until)
            .map(|(tick, sealed)| Ok((tick, vault.open_about(key, (entry, tick), &sealed)?.class)))
            .collect()
    }

    fn changes(
        &mut self,
        Opened { row, key }: &Opened,
        after: Tick,
        but: &BTreeSet<Tick>,
    ) -> Result<Vec<Item>, Fault> {
        let vault = &self.admitted.vault;
        let entry = row.entry;
        let rows = self
            .connection
            .log_of_entry(vault.record(), entry, after)?
            .into_iter();
        rows.filter(|row| !but.contains(&row.tick))
            .map(|row| {
                let origin = vault.open_about(key, (entry, row.tick), &row.about)?.origin;
                let change = vault.open_change(key, &row)?;
                Ok(Item {
                    edit: Edit {
                        entry,
                        change,
                        origin,
                    },
                    accepted: Some(row.tick),
                })
            })
            .collect()
    }

    fn class_of(&mut self, entry: EntryId) -> Result<Option<EntryClass>, Fault> {
        let vault = &self.admitted.vault;
        let Some((row, _)) = self.connection.entry(vault.record(), entry)? else {
            return Ok(None);
        };
        let key = vault.entry_key(row.key)?;
        key.map(|key| vault.open_class(&key, &row)).transpose()
    }

    fn held_changed(&mut self, after: Tick, until: Tick) -> Result<Vec<MetHeld<HeldRow>>, Fault> {
        let vault = &self.admitted.vault;
        let me = vault.author_blind(self.admitted.subject.person);
        let rows = self
            .connection
            .held_changed(vault.record(), after, until)?
            .into_iter();
        Ok(rows
            .map(|row| MetHeld {
                received: row.received,
                changed: row.changed,
                due: row.due,
                settlement: row.settlement,
                own: row.author_blind == me,
                row,
            })
            .collect())
    }

    fn open_held(&mut self, row: &HeldRow) -> Result<(Edit, HoldReason), Fault> {
        let held = self.admitted.vault.open_held(row)?;
        Ok((held.edit, held.reason))
    }

    fn held_before(&mut self, row: &HeldRow) -> Result<Vec<HoldReason>, Fault> {
        let vault = &self.admitted.vault;
        let rows = self.connection.held_of_entry(vault.record(), row.entry)?;
        rows.iter()
            .filter(|other| other.author_blind == row.author_blind)
            .filter(|other| other.received < row.received)
            .map(|other| Ok(vault.open_held(other)?.reason))
            .collect()
    }
}
