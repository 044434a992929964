//! The books, as the walk asks for them, with the bugs that may be in them.

use std::collections::BTreeSet;
use std::convert::Infallible;

use sync_core::authority::{
    Among, Found, HeldFacts, Log, Met, MetHeld, Shelf, Viewer, leaves_all, stands,
};
use sync_core::change::Edit;
use sync_core::entry::{EntryClass, Visibility};
use sync_core::reconcile::Version;
use sync_core::sync::{HoldReason, Item};
use sync_core::{ChangeHash, EntryId, PersonId, Tick};

use super::Bug;
use super::books::{Books, HeldRow, Row};

/// The books for one viewer.
pub(super) struct BooksLog<'b> {
    pub books: &'b Books,
    pub viewer: Viewer<'b>,
    pub person: PersonId,
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

    /// When an entry was placed on a shelf of the viewer's, and when it left one.
    fn on_shelves(&self, entry: &EntryId) -> (Vec<Tick>, Vec<Tick>) {
        let Ok(touches) = self.all_classes(entry);
        let theirs = |(shelf, at): (Shelf, Tick)| {
            let theirs = shelf.is_for(self.viewer.standing, self.viewer.matrix);
            theirs.then_some(at)
        };
        let (mut present, mut left) = stands(&touches);
        if let (Some(at), Some((touched, class))) =
            (self.books.destroyed.get(entry), touches.last())
        {
            present.clear();
            let gone = leaves_all((class, *touched), *at).into_iter();
            left.extend(gone.map(|shelf| (shelf, *at)));
        }
        let present = present.into_iter().filter_map(theirs).collect();
        (present, left.into_iter().filter_map(theirs).collect())
    }

    fn all_classes(&self, entry: &EntryId) -> Answer<Vec<(Tick, EntryClass)>> {
        let rows = self.books.rows(entry);
        Ok(rows.map(|row| (row.tick, self.of(row))).collect())
    }
}

type Answer<T> = Result<T, Infallible>;

impl Log for BooksLog<'_> {
    type Error = Infallible;
    type Row = EntryId;
    type Entry = EntryId;
    type Held = ChangeHash;
    type Change = Item;

    // Few, so that a history has walks over several of them.
    const CHUNK: usize = 3;

    fn met(
        &mut self,
        among: Among,
        after: Tick,
        left_after: Tick,
        until: Tick,
    ) -> Answer<Found<EntryId>> {
        let mut found = Vec::new();
        for entry in self.books.existing() {
            let Some(row) = self.books.last_of(&entry) else {
                continue;
            };
            if !among.has(&row.class.kind) {
                continue;
            }
            let due = row.class.visibility.hidden_from_patient_until;
            let (present, left) = self.on_shelves(&entry);
            let present = present.into_iter().filter(|at| after < *at);
            let unnoticed = self.bug == Some(Bug::DueUnnoticed);
            let present = present.filter(|at| !unnoticed || *at == row.tick);
            let left = left.into_iter().filter(|at| left_after < *at);
            for at in present.chain(left).filter(|at| *at <= until) {
                let gone = self.books.destroyed.get(&entry).copied();
                let made = self.books.rows(&entry).next().map(|row| row.tick);
                let met = Met {
                    entry,
                    touched: gone.unwrap_or(row.tick),
                    due,
                    destroyed: made.filter(|_| gone.is_some()),
                    row: entry,
                };
                found.push((at, met));
            }
        }
        found.sort_by_key(|(at, met)| (*at, met.entry));
        if let Some((last, _)) = found.get(Self::CHUNK - 1) {
            let last = *last;
            found.retain(|(at, _)| *at <= last);
        }
        Ok(found)
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

    fn version(&mut self, entry: &EntryId) -> Answer<Version> {
        let rows = self.books.rows(entry);
        let mut changes: Vec<_> = rows.map(|row| (row.tick, &row.change)).collect();
        if changes.len() > 1 && self.bug == Some(Bug::LastChangeNotCompared) {
            changes.pop();
        }
        Ok(Version::of(changes))
    }

    fn find(&mut self, entry: EntryId) -> Answer<Option<EntryId>> {
        let here = !self.books.destroyed.contains_key(&entry);
        Ok(self.books.last_of(&entry).filter(|_| here).map(|_| entry))
    }

    fn is_destroyed(&mut self, entry: EntryId) -> Answer<bool> {
        Ok(self.books.destroyed.contains_key(&entry))
    }

    fn held_changed(&mut self, after: Tick, until: Tick) -> Answer<Vec<MetHeld<ChangeHash>>> {
        let within = |tick: Tick| after < tick && tick <= until;
        let rows = self.books.held.iter();
        let own = |row: &HeldRow| row.author == self.person;
        let changed = rows.filter(|(_, row)| match row.settlement {
            Some(_) if own(row) => within(row.changed),
            _ if self.viewer.holder => within(row.due.unwrap_or_default().max(row.changed)),
            None => own(row) && within(row.received),
            Some(_) => false,
        });
        Ok(changed
            .map(|(change, row)| MetHeld {
                entry: row.edit.entry,
                received: row.received,
                changed: row.changed,
                due: row.due,
                settlement: row.settlement,
                own: row.author == self.person,
                row: *change,
            })
            .collect())
    }

    fn open_held(&mut self, change: &ChangeHash) -> Answer<(Edit, HoldReason)> {
        let row = &self.books.held[change];
        Ok((row.edit.clone(), row.reason))
    }

    fn held_facts(&mut self, change: &ChangeHash) -> Answer<HeldFacts> {
        let row = &self.books.held[change];
        Ok(HeldFacts {
            change: *change,
            for_holder: self.books.is_for_holder(change),
            destroyed: row.edit.change.is_empty(),
        })
    }
}
