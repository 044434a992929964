//! One page of what is new to a visitor. Reads, decrypts and packs; writes nothing.

use std::collections::{BTreeMap, BTreeSet};

use diesel::SqliteConnection;
use sync_core::authority::{Touched, What, forget_own, news};
use sync_core::change::Edit;
use sync_core::checkpoint::CheckpointDigest;
use sync_core::entry::EntryClass;
use sync_core::sync::limits::{ANSWER, LEAST_ANSWER};
use sync_core::sync::{Frame, HeldEdit, Item};
use sync_core::{EntryId, PersonId, RecordId, Tick};

use super::{Cursor, Witness, held};
use crate::fault::Fault;
use crate::keys::SealingKey;
use crate::records::{AccessError, Admitted, Records};
use crate::storage::records::{EntryRow, RecordStore as _};

/// Entries looked at in one go.
const CHUNK: u32 = 256;

/// What an edit weighs besides its change: origin, signature, names.
const OVERHEAD: usize = 192;

/// Where a page starts.
pub struct Since<'a> {
    /// As the device last had it, opened.
    pub cursor: Option<Cursor>,
    /// The visitor may be told that they saw everything up to here, once they did.
    pub floor: Tick,
    /// Edits that the device just handed in.
    pub own: &'a BTreeSet<Tick>,
    /// The entries that they name, those included that were accepted before.
    pub answered: &'a BTreeSet<EntryId>,
    /// How many bytes it can take.
    pub limit: Option<u32>,
}

/// What is new, as far as one answer goes.
pub struct Page {
    /// A full resend starts here.
    pub reset: bool,
    /// Changes, signed.
    pub news: Option<Frame>,
    /// Entries to forget.
    pub forget: BTreeSet<EntryId>,
    /// Held edits to tell of.
    pub held: Vec<HeldEdit>,
    /// There is more.
    pub more: bool,
    /// How far this goes; the digest of its checkpoint is still to come.
    pub cursor: Cursor,
    /// The record's time when this was worked out.
    pub until: Tick,
    /// Every entry of which something is given to read, and how many changes.
    pub entries: BTreeMap<EntryId, u64>,
}

impl Page {
    /// Whether anything of the record is given to read.
    pub fn gives(&self) -> bool {
        !self.entries.is_empty()
    }

    /// Whether a device has anything to do about it.
    pub fn tells(&self) -> bool {
        self.gives() || !self.forget.is_empty() || self.reset || self.more
    }
}

/// Works a page out, as the record stands in this snapshot.
///
/// # Errors
/// [`AccessError::NotYours`] for strangers.
pub fn page(
    records: &Records,
    connection: &mut SqliteConnection,
    record: RecordId,
    person: PersonId,
    since: &Since<'_>,
) -> Result<Page, AccessError> {
    let admitted = records.admit(connection, record, person)?;
    records.remember(&admitted.row, admitted.known.clone());
    let limit = since.limit.map_or(ANSWER, |limit| limit as usize);
    let mut walk = Walk::new(records, &admitted, since, limit.clamp(LEAST_ANSWER, ANSWER));
    if admitted.standing.may_open() {
        walk.entries(connection)?;
    }
    walk.forget_own(connection, since.answered)?;
    walk.tell_held(connection)?;
    walk.finish(since.floor)
}

struct Walk<'a> {
    records: &'a Records,
    admitted: &'a Admitted<'a>,
    own: &'a BTreeSet<Tick>,
    budget: usize,
    until: Tick,
    reset: bool,
    cursor: Cursor,
    /// How far earlier pages of this walk went.
    passed: Tick,
    items: Vec<Item>,
    forget: BTreeSet<EntryId>,
    held: Vec<HeldEdit>,
    entries: BTreeMap<EntryId, u64>,
    reached: Tick,
    more: bool,
}

impl<'a> Walk<'a> {
    fn new(
        records: &'a Records,
        admitted: &'a Admitted<'a>,
        since: &Since<'a>,
        budget: usize,
    ) -> Self {
        let row = &admitted.row;
        let same = |cursor: &Cursor| (cursor.log, cursor.epoch) == (row.log, admitted.epoch);
        let going_on = since.cursor.filter(same);
        let of_this_log = since.cursor.filter(|cursor| cursor.log == row.log);
        let fresh = Cursor {
            log: row.log,
            base: Tick(0),
            upto: Tick(0),
            started: Tick(0),
            held: Tick(0),
            // What was once said stays said: a checkpoint never goes back.
            told: of_this_log.map_or(Tick(0), |cursor| cursor.told),
            epoch: admitted.epoch,
            digest: CheckpointDigest([0; 16]),
            resending: true,
            witness: Witness::default(),
        };
        Walk {
            records,
            admitted,
            own: since.own,
            budget,
            until: row.clock.last,
            reset: going_on.is_none(),
            passed: going_on.map_or(Tick(0), |cursor| cursor.upto),
            cursor: going_on.unwrap_or(fresh),
            items: Vec::new(),
            forget: BTreeSet::new(),
            held: Vec::new(),
            entries: BTreeMap::new(),
            reached: Tick(0),
            more: false,
        }
    }

    /// Goes through the entries by their last touch until the budget is spent.
    fn entries(&mut self, connection: &mut SqliteConnection) -> Result<(), AccessError> {
        let record = self.admitted.row.record;
        while !self.more {
            let touched = connection.touched(record, self.cursor.upto, self.until, CHUNK)?;
            let whole = touched.len() == CHUNK as usize;
            let end = match touched.last() {
                Some(last) if whole => last.touched,
                _ => self.until,
            };
            let mut candidates: Vec<_> = touched.into_iter().map(|r| (r.touched, r)).collect();
            if self.cursor.base > Tick(0) {
                let due = connection.fallen_due(record, self.cursor.upto, end)?;
                candidates.extend(due.into_iter().filter_map(|row| Some((row.due?, row))));
                candidates.sort_by_key(|(key, row)| (*key, row.entry));
            }
            let ids: Vec<_> = candidates.iter().map(|(_, row)| row.key).collect();
            let keys = self.admitted.vault.entry_keys(&ids)?;
            for ((at, row), key) in candidates.into_iter().zip(keys) {
                if self.budget == 0 {
                    self.more = true;
                    break;
                }
                if let Some(key) = key {
                    self.entry(connection, at, &row, &key)?;
                }
                self.cursor.upto = at;
            }
            if !self.more {
                self.cursor.upto = end;
            }
            if !whole {
                break;
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        connection: &mut SqliteConnection,
        at: Tick,
        row: &EntryRow,
        key: &SealingKey,
    ) -> Result<(), AccessError> {
        if self.entries.contains_key(&row.entry) || self.forget.contains(&row.entry) {
            return Ok(());
        }
        let now = self.admitted.vault.open_class(key, row)?;
        let before = self.class_at(connection, key, row.entry, self.cursor.base)?;
        let base = self.cursor.base;
        let touched = Touched {
            entry: row.entry,
            last: at,
            before,
            now,
        };
        let told = news(
            [touched],
            |class| self.may_read(class, base),
            |class| self.may_read(class, self.until),
        );
        let what = match told.first() {
            Some(told) => Some(told.what),
            None if self.was_given(connection, key, row.entry)? => Some(What::Forget),
            None => None,
        };
        match what {
            Some(What::Whole) => self.give(connection, at, row, key, Tick(0)),
            Some(What::Since) => self.give(connection, at, row, key, base),
            Some(What::Forget) => {
                self.forget.insert(row.entry);
                self.reached = self.reached.max(at);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// What the device wrote while it could and may no longer see.
    fn forget_own(
        &mut self,
        connection: &mut SqliteConnection,
        answered: &BTreeSet<EntryId>,
    ) -> Result<(), AccessError> {
        let vault = &self.admitted.vault;
        let mut own = Vec::new();
        let given = |entry: &&EntryId| self.entries.contains_key(entry);
        for entry in answered.iter().filter(|entry| !given(entry)) {
            let Some((row, _)) = connection.entry(vault.record(), *entry)? else {
                continue;
            };
            if let Some(key) = vault.entry_key(row.key)? {
                own.push((*entry, vault.open_class(&key, &row)?));
            }
        }
        let gone = forget_own(own, |class| self.may_read(class, self.until));
        self.forget.extend(gone);
        Ok(())
    }

    fn may_read(&self, class: &EntryClass, at: Tick) -> bool {
        let matrix = &self.records.matrix;
        self.admitted.standing.may_read(class, matrix, at)
    }

    fn class_at(
        &self,
        connection: &mut SqliteConnection,
        key: &SealingKey,
        entry: EntryId,
        at: Tick,
    ) -> Result<Option<EntryClass>, Fault> {
        if at == Tick(0) {
            return Ok(None);
        }
        let vault = &self.admitted.vault;
        let Some((tick, sealed)) = connection.about_at(vault.record(), entry, at)? else {
            return Ok(None);
        };
        Ok(Some(vault.open_about(key, (entry, tick), &sealed)?.class))
    }

    /// Whether an entry may have been given earlier in this walk: it was to be seen as it was
    /// touched when an earlier page passed it.
    fn was_given(
        &self,
        connection: &mut SqliteConnection,
        key: &SealingKey,
        entry: EntryId,
    ) -> Result<bool, Fault> {
        let started = self.cursor.started;
        if self.cursor.rests() || started == Tick(0) {
            return Ok(false);
        }
        let vault = &self.admitted.vault;
        let rows = connection.about_entry(vault.record(), entry)?;
        let first = rows.iter().map(|(tick, _)| *tick);
        let first = first.filter(|tick| *tick <= started).max();
        for (tick, sealed) in rows {
            if first <= Some(tick) && tick <= self.passed {
                let class = vault.open_about(key, (entry, tick), &sealed)?.class;
                if self.may_read(&class, tick.max(started)) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Gives the changes of an entry after a tick, but those that the device just handed in.
    fn give(
        &mut self,
        connection: &mut SqliteConnection,
        at: Tick,
        row: &EntryRow,
        key: &SealingKey,
        after: Tick,
    ) -> Result<(), AccessError> {
        let vault = &self.admitted.vault;
        let entry = row.entry;
        for row in connection.log_of_entry(vault.record(), entry, after)? {
            if after > Tick(0) && self.own.contains(&row.tick) {
                continue;
            }
            let origin = vault.open_about(key, (entry, row.tick), &row.about)?.origin;
            let change = vault.open_change(key, &row)?;
            self.spend(change.len());
            self.items.push(Item {
                edit: Edit {
                    entry,
                    change,
                    origin,
                },
                accepted: Some(row.tick),
            });
            *self.entries.entry(entry).or_default() += 1;
            self.reached = self.reached.max(at);
        }
        Ok(())
    }

    fn spend(&mut self, bytes: usize) {
        self.budget = self.budget.saturating_sub(bytes + OVERHEAD);
    }

    /// Tells of held edits, once all entries are given.
    fn tell_held(&mut self, connection: &mut SqliteConnection) -> Result<(), AccessError> {
        if self.more {
            return Ok(());
        }
        let told = held::tell(
            connection,
            self.admitted,
            (self.cursor.held, self.until),
            self.budget,
        )?;
        for held in &told.edits {
            self.entries.entry(held.edit.entry).or_default();
        }
        self.more = told.more;
        self.cursor.held = told.upto;
        self.reached = self.reached.max(told.reached);
        self.held = told.edits;
        Ok(())
    }

    fn finish(mut self, floor: Tick) -> Result<Page, AccessError> {
        let cursor = &mut self.cursor;
        if self.more {
            if cursor.started == Tick(0) {
                cursor.started = self.until;
            }
        } else {
            cursor.base = self.until;
            cursor.upto = self.until;
            cursor.held = self.until;
            cursor.started = Tick(0);
            cursor.resending = false;
            // No later than what the visitor may know of: the time of what is hidden from them
            // stays hidden too.
            cursor.told = cursor.told.max(floor).max(self.reached);
        }
        let key = &self.records.keys.server_signing_key().signing;
        let news = match self.items.as_slice() {
            [] => None,
            items => Some(
                Frame::pack(&self.admitted.row.record, items, Some(key))
                    .map_err(|_| Fault::malformed("an entry too large for a frame"))?,
            ),
        };
        Ok(Page {
            reset: self.reset,
            news,
            forget: self.forget,
            held: self.held,
            more: self.more,
            cursor: self.cursor,
            until: self.until,
            entries: self.entries,
        })
    }
}
