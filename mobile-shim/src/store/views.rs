//! What people see of a record, kept ready: decoded in memory while the record is in use, and sealed
//! beside each entry for the next start.
//!
//! What is in memory is given out only while no other connection has written to the file
//! (SQLite's `data_version`), and follows each own transaction once that is durable.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use jiff::civil::Date;
use sync_core::merge::{self, EntryView, Flag, ReviewItem, Viewer};
use sync_core::policy::Role;
use sync_core::replica::Entries as _;
use sync_core::{EntryId, RecordId};

use super::{RecordRows, Store, StoreError, Unlocked};
use crate::seal::RowKey;

/// How many records are kept in memory: a clinic's tablet goes to and fro between a few.
const KEPT: usize = 4;

/// What entries cast on each other, in the order of those on which.
type Cast = Arc<[(EntryId, Flag)]>;

/// The views of a record, in the order its entries were created.
#[derive(Clone, Debug, Default)]
pub struct Views {
    views: Vec<EntryView>,
    /// What entries cast on each other, on the day that was asked for last.
    linked: Arc<Mutex<Option<(Date, Cast)>>>,
    shown: OnceLock<BTreeMap<EntryId, EntryView>>,
}

impl Deref for Views {
    type Target = [EntryView];

    fn deref(&self) -> &[EntryView] {
        &self.views
    }
}

impl Views {
    pub(super) fn new(mut views: Vec<EntryView>) -> Self {
        views.sort_by_key(|view| view.id);
        Views {
            views,
            ..Views::default()
        }
    }

    /// One of them.
    pub fn find(&self, entry: &EntryId) -> Option<&EntryView> {
        let at = self.views.binary_search_by_key(entry, |view| view.id);
        at.ok().map(|at| &self.views[at])
    }

    /// They as they are shown: without what people settled of them.
    pub fn shown(&self) -> impl Iterator<Item = &EntryView> {
        self.views.iter().map(|view| self.as_shown(view))
    }

    /// One of them as it is shown.
    pub fn find_shown(&self, entry: &EntryId) -> Option<&EntryView> {
        self.find(entry).map(|view| self.as_shown(view))
    }

    fn as_shown<'v>(&'v self, view: &'v EntryView) -> &'v EntryView {
        let shown = self.shown.get_or_init(|| merge::shown(&self.views));
        shown.get(&view.id).unwrap_or(view)
    }

    /// What other entries, and the day (UTC), cast on an entry.
    pub fn cast_on(&self, entry: &EntryId, today: Date) -> Vec<(EntryId, Flag)> {
        let mut linked = self.linked.lock().unwrap_or_else(PoisonError::into_inner);
        let known = linked.as_ref().filter(|(day, _)| *day == today);
        let flags = match known {
            Some((_, flags)) => flags.clone(),
            None => {
                let flags: Cast = merge::cross_flags(&self.views, today).into();
                *linked = Some((today, flags.clone()));
                flags
            }
        };
        let start = flags.partition_point(|(id, _)| id < entry);
        let length = flags[start..].partition_point(|(id, _)| id == entry);
        flags[start..start + length].to_vec()
    }

    fn apply(&mut self, changed: BTreeMap<EntryId, Option<EntryView>>) {
        self.linked = Arc::default();
        self.shown = OnceLock::new();
        for (entry, view) in changed {
            match (
                self.views.binary_search_by_key(&entry, |view| view.id),
                view,
            ) {
                (Ok(at), Some(view)) => self.views[at] = view,
                (Ok(at), None) => drop(self.views.remove(at)),
                (Err(at), Some(view)) => self.views.insert(at, view),
                (Err(_), None) => {}
            }
        }
    }
}

/// A record in memory.
pub(super) struct Kept {
    record: RowKey,
    profile: RowKey,
    version: i64,
    views: Arc<Views>,
    /// The to-review list, as read in a role.
    review: Option<(Role, Date, Arc<Vec<ReviewItem>>)>,
}

/// What a transaction did to a record.
#[derive(Default)]
pub(super) struct Touched {
    pub views: BTreeMap<EntryId, Option<EntryView>>,
    pub held: bool,
    /// An entry was destroyed: nothing of it may stay in the file's journal.
    pub destroyed: bool,
}

impl Store {
    /// The views of all entries of a record.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn views(
        &mut self,
        profile: &Unlocked,
        record: &RecordId,
    ) -> Result<Arc<Views>, StoreError> {
        Ok(self.kept(profile, record)?.views.clone())
    }

    /// What has to be settled in a record on a day (UTC), the most dangerous first, and the views
    /// it is about.
    ///
    /// # Errors
    /// When the record is not here or the store is broken.
    pub fn review(
        &mut self,
        profile: &Unlocked,
        record: &RecordId,
        today: Date,
    ) -> Result<(Arc<Views>, Arc<Vec<ReviewItem>>), StoreError> {
        let card = self.record(profile, record)?.ok_or(StoreError::Absent)?;
        let kept = self.kept(profile, record)?;
        let views = kept.views.clone();
        if let Some((role, day, items)) = &kept.review
            && (role, *day) == (&card.role, today)
        {
            return Ok((views, items.clone()));
        }
        let held = self.rows(profile, record).held_open()?;
        let viewer = Viewer {
            person: profile.card.person,
            role: card.role.clone(),
        };
        let items = Arc::new(merge::review(&views, &held, &viewer, today));
        let row = profile.record_row(record);
        if let Some(kept) = self.kept.iter_mut().find(|kept| kept.record == row) {
            kept.review = Some((card.role, today, items.clone()));
        }
        Ok((views, items))
    }

    fn kept(&mut self, profile: &Unlocked, record: &RecordId) -> Result<&mut Kept, StoreError> {
        let row = profile.record_row(record);
        let known = self.take_kept(&row);
        let (kept, derived) = self.connection.transaction(|connection| {
            let version = data_version(connection)?;
            if let Some(known) = known.filter(|known| known.version == version) {
                return Ok((known, Vec::new()));
            }
            let (views, derived) = RecordRows::new(connection, &profile.key, row).load_views()?;
            let kept = Kept {
                record: row,
                profile: profile.row,
                version,
                views: Arc::new(Views::new(views)),
                review: None,
            };
            Ok::<_, StoreError>((kept, derived))
        })?;
        self.keep_derived(profile, row, &derived);
        Ok(self.put_kept(kept))
    }

    /// Keeps views that were derived anew. Failing that, the next start derives them again.
    fn keep_derived(&mut self, profile: &Unlocked, row: RowKey, derived: &[EntryId]) {
        if derived.is_empty() {
            return;
        }
        let _ = self.connection.immediate_transaction(|connection| {
            let mut rows = RecordRows::new(connection, &profile.key, row);
            for entry in derived {
                if let Some(local) = rows.load(entry)? {
                    rows.store(entry, &local)?;
                }
            }
            Ok::<_, StoreError>(())
        });
    }

    /// Takes a record out of memory, so that whatever goes wrong meanwhile leaves nothing stale.
    pub(super) fn take_kept(&mut self, row: &RowKey) -> Option<Kept> {
        let at = self.kept.iter().position(|kept| kept.record == *row)?;
        Some(self.kept.remove(at))
    }

    pub(super) fn put_kept(&mut self, kept: Kept) -> &mut Kept {
        if self.kept.len() >= KEPT {
            self.kept.remove(0);
        }
        self.kept.push(kept);
        self.kept.last_mut().expect("it was just put there")
    }

    /// Forgets what is in memory of a profile.
    pub fn forget_views(&mut self, profile: &RowKey) {
        self.kept.retain(|kept| kept.profile != *profile);
    }
}

impl Kept {
    /// Whether nobody else has written since, asked within a transaction.
    pub(super) fn is_current(&self, connection: &mut SqliteConnection) -> Result<bool, StoreError> {
        Ok(self.version == data_version(connection)?)
    }

    /// Follows a transaction that is durable.
    pub(super) fn apply(&mut self, touched: Touched) {
        if touched.held || !touched.views.is_empty() {
            self.review = None;
        }
        if !touched.views.is_empty() {
            Arc::make_mut(&mut self.views).apply(touched.views);
        }
    }
}

#[derive(QueryableByName)]
struct DataVersion {
    #[diesel(sql_type = BigInt)]
    data_version: i64,
}

/// A number that changes when another connection writes to the file.
fn data_version(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    let found: DataVersion = diesel::sql_query("PRAGMA data_version").get_result(connection)?;
    Ok(found.data_version)
}
