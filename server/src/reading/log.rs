//! The log in the store, as the walk asks for it.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use diesel::SqliteConnection;
use sync_core::authority::{Among, Found, HeldFacts, Log, Met, MetHeld};
use sync_core::change::Edit;
use sync_core::entry::EntryClass;
use sync_core::reconcile::Version;
use sync_core::sync::{HoldReason, Stripped};
use sync_core::{EntryId, PersonId, Tick};

use crate::fault::Fault;
use crate::keys::SealingKey;
use crate::records::vault::{Filed, Vault};
use crate::records::{Admitted, histories};
use crate::storage::records::{EntryRow, HeldRow, RecordStore as _, ShelfId};

/// A record's log in one snapshot of the store, for one visitor.
pub(super) struct StoredLog<'a, 'k> {
    pub(super) connection: &'a mut SqliteConnection,
    pub(super) admitted: &'a Admitted<'k>,
    /// Those on which the visitor looks for news.
    pub(super) shelves: Arc<[ShelfId]>,
    /// Whom the entries name that were given whole.
    pub(super) named: Named,
}

/// Whom entries name: who made their changes, and whom they give or take a right.
#[derive(Default)]
pub(super) struct Named {
    pub(super) people: BTreeSet<PersonId>,
    /// Of some it is not said in short.
    pub(super) is_partial: bool,
}

/// An entry and its key.
pub(super) struct Opened {
    row: EntryRow,
    key: SealingKey,
    filed: OnceCell<Filed>,
}

impl Opened {
    fn new(row: EntryRow, key: SealingKey) -> Self {
        let filed = OnceCell::new();
        Opened { row, key, filed }
    }

    fn filed(&self, vault: &Vault<'_>) -> Result<&Filed, Fault> {
        if let Some(filed) = self.filed.get() {
            return Ok(filed);
        }
        let filed = vault.open_filed(&self.key, &self.row)?;
        Ok(self.filed.get_or_init(|| filed))
    }
}

impl StoredLog<'_, '_> {
    fn meet(&mut self, (at, row): (Tick, EntryRow)) -> Result<(Tick, Met<EntryRow>), Fault> {
        let made = if row.is_destroyed() {
            let record = self.admitted.row.record;
            let rows = self.connection.about_entry(record, row.entry)?;
            Some(rows.first().map_or(row.touched, |(tick, _)| *tick))
        } else {
            None
        };
        let met = Met {
            entry: row.entry,
            touched: row.touched,
            due: row.due,
            destroyed: made,
            row,
        };
        Ok((at, met))
    }
}

impl Log for StoredLog<'_, '_> {
    type Error = Fault;
    type Row = EntryRow;
    type Entry = Opened;
    type Held = HeldRow;
    type Change = Stripped;

    const CHUNK: usize = 1_024;

    fn met(
        &mut self,
        among: Among,
        after: Tick,
        left: Tick,
        until: Tick,
    ) -> Result<Found<EntryRow>, Fault> {
        let record = self.admitted.row.record;
        let all = &self.admitted.shelves;
        let is_among = |id: &&ShelfId| all.get(id).is_some_and(|shelf| shelf.is_among(among));
        let some: Vec<ShelfId>;
        let shelves = match among {
            Among::All => &*self.shelves,
            Among::Vital | Among::Others => {
                some = self.shelves.iter().filter(is_among).copied().collect();
                &some
            }
        };
        let limit = Self::CHUNK as u32;
        let placed = self
            .connection
            .placed(record, shelves, after, until, limit)?;
        let end = match placed.last() {
            Some((last, _)) if placed.len() >= Self::CHUNK => *last,
            _ => until,
        };
        let mut rows = placed;
        if left < end {
            rows.extend(self.connection.departed(record, shelves, left, end)?);
            rows.sort_by_key(|(at, row)| (*at, row.entry));
        }
        rows.into_iter().map(|row| self.meet(row)).collect()
    }

    fn open(&mut self, rows: Vec<EntryRow>) -> Result<Vec<Option<Opened>>, Fault> {
        let keys = self.admitted.vault.keys_of(&rows)?;
        let opened = rows.into_iter().zip(keys);
        Ok(opened
            .map(|(row, key)| key.map(|key| Opened::new(row, key)))
            .collect())
    }

    fn class(&mut self, entry: &Opened) -> Result<EntryClass, Fault> {
        Ok(entry.filed(&self.admitted.vault)?.class.clone())
    }

    fn class_at(
        &mut self,
        Opened { row, key, .. }: &Opened,
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
        Opened { row, key, .. }: &Opened,
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
        opened: &Opened,
        after: Tick,
        but: &BTreeSet<Tick>,
    ) -> Result<Vec<Stripped>, Fault> {
        let vault = &self.admitted.vault;
        let Opened { row, key, .. } = opened;
        if after == Tick(0) {
            let filed = opened.filed(vault)?;
            self.named.people.extend(filed.class.concerns);
            self.named.people.extend(filed.people.iter().flatten());
            self.named.is_partial |= filed.people.is_none();
        }
        if after == Tick(0)
            && but.is_empty()
            && let Some(history) = histories::find(self.connection, vault, (row, key))?
        {
            return Ok(history.into_changes());
        }
        let mut changes = histories::by_log(self.connection, vault, (row, key), after)?;
        changes.retain(|change| change.accepted().is_none_or(|tick| !but.contains(&tick)));
        Ok(changes)
    }

    fn version(&mut self, opened: &Opened) -> Result<Version, Fault> {
        let vault = &self.admitted.vault;
        if let Some(version) = opened.filed(vault)?.version {
            return Ok(version);
        }
        let entry = opened.row.entry;
        let rows = self.connection.about_entry(vault.record(), entry)?;
        let mut version = Version::NONE;
        for (tick, sealed) in rows {
            let about = vault.open_about(&opened.key, (entry, tick), &sealed)?;
            version = version.and(tick, &about.change);
        }
        Ok(version)
    }

    fn find(&mut self, entry: EntryId) -> Result<Option<Opened>, Fault> {
        let vault = &self.admitted.vault;
        let Some((row, _)) = self.connection.entry(vault.record(), entry)? else {
            return Ok(None);
        };
        Ok(vault.key_of(&row)?.map(|key| Opened::new(row, key)))
    }

    fn is_destroyed(&mut self, entry: EntryId) -> Result<bool, Fault> {
        let record = self.admitted.row.record;
        Ok(self.connection.destroyed(record, entry)?.is_some())
    }

    fn held_changed(&mut self, after: Tick, until: Tick) -> Result<Vec<MetHeld<HeldRow>>, Fault> {
        let vault = &self.admitted.vault;
        let me = vault.author_blind(self.admitted.subject.person);
        let record = vault.record();
        let mut rows = self.connection.held_settled(record, me, after, until)?;
        if self.admitted.is_holder() {
            let shown = self.connection.held_shown(record, after, until)?;
            let own = |row: &HeldRow| row.author_blind == me && row.settlement.is_some();
            rows.extend(shown.into_iter().filter(|row| !own(row)));
        } else {
            rows.extend(self.connection.held_open(record, me, after, until)?);
        }
        let rows = rows.into_iter();
        Ok(rows
            .map(|row| MetHeld {
                entry: row.entry,
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

    fn held_facts(&mut self, row: &HeldRow) -> Result<HeldFacts, Fault> {
        let named = (row.entry, row.received);
        let about = self.admitted.vault.open_held_about(named, &row.about)?;
        Ok(HeldFacts {
            change: about.change,
            for_holder: about.for_holder,
            destroyed: about.destroyed,
        })
    }
}
