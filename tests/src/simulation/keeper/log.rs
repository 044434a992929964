//! The books, as the walk asks for them, with the bugs that may be in them.

use std::collections::BTreeSet;
use std::convert::Infallible;

use sync_core::authority::{Log, Met, MetHeld};
use sync_core::change::Edit;
use sync_core::entry::{EntryClass, Visibility};
use sync_core::sync::{HoldReason, Item};
use sync_core::{ChangeHash, EntryId, PersonId, Tick};

use super::Bug;
use super::books::{Books, Row};

/// The books for one viewer.
pub(super) struct BooksLog<'b> {
    pub books: &'b Books,
    pub viewer: PersonId,
    /// The walk is a full resend.
    pub resending: bool,
    pub bug: Option<Bug>,
}

impl BooksLog<'_> {
    /// The class after a row, as this server takes it.
    fn of(&self, row: &Row) -> EntryClass {
        let mut class = row.class.clone();
        if self.resending && self.bug == Some(Bug::ResendShowsHidden) {
            class.visibility = Visibility::default();
        }
        class
    }

    /// The last row of each entry.
    fn last(&self) -> impl Iterator<Item = Met<EntryId>> {
        let existing = self.books.existing().into_iter();
        existing.filter_map(|entry| {
            let row = self.books.last_of(&entry)?;
            Some(Met {
                entry,
                touched: row.tick,
                due: row.class.visibility.hidden_from_patient_until,
                row: entry,
            })
        })
    }
}

type Answer<T> = Result<T, Infallible>;

impl Log for BooksLog<'_> {
    type Error = Infallible;
    type Row = EntryId;
    type Entry = EntryId;
    type Held = ChangeHash;

    // Few, so that a history has walks over several of them.
    const CHUNK: usize = 3;

    fn touched(&mut self, after: Tick, until: Tick) -> Answer<Vec<Met<EntryId>>> {
        let touched = |met: &Met<EntryId>| after < met.touched && met.touched <= until;
        let mut found: Vec<_> = self.last().filter(touched).collect();
        found.sort_by_key(|met| met.touched);
        found.truncate(Self::CHUNK);
        Ok(found)
    }

    fn fallen_due(&mut self, after: Tick, until: Tick) -> Answer<Vec<Met<EntryId>>> {
        if self.bug == Some(Bug::DueUnnoticed) {
            return Ok(Vec::new());
        }
        let due = |met: &Met<EntryId>| {
            let due = met.due.filter(|due| after < *due && *due <= until);
            due.is_some_and(|due| met.touched <= due)
        };
        Ok(self.last().filter(due).collect())
    }

    fn open(&mut self, rows: Vec<EntryId>) -> Answer<Vec<Option<EntryId>>> {
        Ok(rows.into_iter().map(Some).collect())
    }

    fn class(&mut self, entry: &EntryId) -> Answer<EntryClass> {
        let last = self.books.last_of(entry);
        Ok(last.map_or_else(|| unreachable!("the walk met it"), |row| self.of(row)))
    }

    fn class_at(&mut self, entry: &EntryId, at: Tick) -> Answer<Option<EntryClass>> {
        let mut rows = self.books.rows(entry);
        Ok(rows.rfind(|row| row.tick <= at).map(|row| self.of(row)))
    }

    fn classes(&mut self, entry: &EntryId, until: Tick) -> Answer<Vec<(Tick, EntryClass)>> {
        if self.bug == Some(Bug::PagesForgotten) {
            return Ok(Vec::new());
        }
        let rows = self.books.rows(entry).filter(|row| row.tick <= until);
        Ok(rows.map(|row| (row.tick, self.of(row))).collect())
    }

    fn changes(&mut self, entry: &EntryId, after: Tick, but: &BTreeSet<Tick>) -> Answer<Vec<Item>> {
        let rows = self.books.rows(entry);
        let new = rows.filter(|row| after < row.tick && !but.contains(&row.tick));
        Ok(new
            .map(|row| Item {
                edit: row.edit.clone(),
                accepted: Some(row.tick),
            })
            .collect())
    }

    fn class_of(&mut self, entry: EntryId) -> Answer<Option<EntryClass>> {
        Ok(self.books.last_of(&entry).map(|row| row.class.clone()))
    }

    fn held_changed(&mut self, after: Tick, until: Tick) -> Answer<Vec<MetHeld<ChangeHash>>> {
        let within = |tick: Tick| after < tick && tick <= until;
        let rows = self.books.held.iter();
        let changed = rows.filter(|(_, row)| within(row.changed) || row.due.is_some_and(within));
        Ok(changed
            .map(|(change, row)| MetHeld {
                received: row.received,
                changed: row.changed,
                due: row.due,
                settlement: row.settlement,
                own: row.author == self.viewer,
                row: *change,
            })
            .collect())
    }

    fn open_held(&mut self, change: &ChangeHash) -> Answer<(Edit, HoldReason)> {
        let row = &self.books.held[change];
        Ok((row.edit.clone(), row.reason))
    }

    fn held_before(&mut self, change: &ChangeHash) -> Answer<Vec<HoldReason>> {
        Ok(self.books.held_before(change).collect())
    }
}
