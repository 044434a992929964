//! What is bounded of rights: how many people one caregiver helps, which no single record can tell,
//! and how many a record has.

use std::collections::btree_map::IntoValues;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use diesel::SqliteConnection;
use sync_core::authority::{Admission, HeldChange, Judged, Kept, RightsLedger, VerifiedEdit};
use sync_core::entry::{self, Value};
use sync_core::policy::is_right;
use sync_core::sync::HoldReason;
use sync_core::sync::limits::MAX_ENTRY;
use sync_core::{EntryId, RecordId, Tick};

use super::gather::Gathered;
use crate::records::vault::helper_blind;
use crate::records::{AccessError, Admitted, KEPT_BYTES, KnownRights, Records};
use crate::storage::records::{RecordRow, RecordStore as _};

/// How many people one caregiver may help at a time.
pub(super) const MOST_HELPED: usize = 5;

/// How many entries of a record may be rights, in force or not: all are read to say what anybody may
/// do. A new one every week for ninety years fits.
pub(super) const MOST_RIGHTS: usize = 5_000;

/// How many bytes the changes of all rights of a record may take: they are kept at hand. Beyond it a
/// right that is not over can be taken back, once, and nothing else.
pub(super) const MOST_RIGHTS_BYTES: usize = 8 * 1024 * 1024;

/// How many bytes more than the right had taken an edit may take that takes it back beyond that: it
/// may have to name each of its changes. So all rights take twice [`MOST_RIGHTS_BYTES`], and this of
/// each of [`MOST_RIGHTS`], at most: 36 MiB.
pub(super) const MOST_ENDING_BYTES: usize = 4 * 1024;

/// The rights of other records, as a pass found them: no more than are kept at hand of all records.
#[derive(Default)]
pub struct Others {
    found: BTreeMap<RecordId, (RecordRow, Arc<KnownRights>)>,
    bytes: usize,
}

impl Others {
    fn get(&self, record: &RecordId) -> Option<&KnownRights> {
        self.found.get(record).map(|(_, known)| &**known)
    }

    fn keep(&mut self, row: RecordRow, known: Arc<KnownRights>) {
        let bytes = self.bytes.saturating_add(known.ledger.bytes());
        if bytes <= KEPT_BYTES {
            self.bytes = bytes;
            self.found.insert(row.record, (row, known));
        }
    }
}

impl IntoIterator for Others {
    type Item = (RecordRow, Arc<KnownRights>);
    type IntoIter = IntoValues<RecordId, Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.found.into_values()
    }
}

/// The state before an edit that may name a caregiver, be one right too many, or not fit.
pub(super) struct Before {
    pub(super) kept: Option<Kept>,
    pub(super) ledger: RightsLedger,
}

/// Keeps what an edit of a right would have to be undone to: it may make somebody a caregiver, by a
/// delegation or by the lifting of a block, or be a right that the record has no room for. Of any
/// edit, where there is little room.
pub(super) fn remember(
    gathered: &Gathered,
    ledger: &RightsLedger,
    edit: &VerifiedEdit,
    short: bool,
) -> Option<Before> {
    (is_about_right(gathered, edit) || short).then(|| Before {
        kept: gathered.kept.get(&edit.entry()).cloned(),
        ledger: ledger.clone(),
    })
}

fn is_about_right(gathered: &Gathered, edit: &VerifiedEdit) -> bool {
    match gathered.stored.get(&edit.entry()) {
        Some(stored) => stored.is_right,
        None => match edit.past().wrote(entry::KIND).flatten() {
            Some(Value::Text(kind)) => is_right(kind),
            _ => false,
        },
    }
}

impl Before {
    /// Whether the edit of `entry`, which was accepted, is one right more than a record takes, or
    /// makes its rights larger than they may be and does not just take one back.
    pub(super) fn was_full(&self, entry: &EntryId, ledger: &RightsLedger) -> bool {
        let took = self
            .kept
            .as_ref()
            .map_or(0, |kept| MAX_ENTRY.saturating_sub(kept.room));
        let grew = ledger.bytes().saturating_sub(self.ledger.bytes());
        let ends = !self.ledger.is_over(entry) && ledger.is_over(entry);
        ledger.count() > MOST_RIGHTS.max(self.ledger.count())
            || ledger.bytes() > MOST_RIGHTS_BYTES && !(ends && grew <= took + MOST_ENDING_BYTES)
    }

    /// Undoes the edit, and holds it; one that was held stays so.
    pub(super) fn hold(
        self,
        admission: &Admission,
        (entry, tick): (EntryId, Tick),
        gathered: &mut Gathered,
        ledger: &mut RightsLedger,
    ) -> Judged {
        let held = HeldChange {
            actor: admission.actor,
            seq: admission.seq,
            reason: HoldReason::NotPermitted,
            received: tick,
            open: true,
        };
        self.undo(entry, gathered, ledger);
        let kept = gathered.kept.entry(entry).or_default();
        let before = kept.held.get(&admission.change).copied();
        let held = *kept.held.entry(admission.change).or_insert(held);
        Judged::Held {
            change: admission.change,
            held,
            again: before.is_some(),
        }
    }

    /// Undoes the edit.
    pub(super) fn undo(self, entry: EntryId, gathered: &mut Gathered, ledger: &mut RightsLedger) {
        match self.kept {
            Some(kept) => gathered.kept.insert(entry, kept),
            None => gathered.kept.remove(&entry),
        };
        *ledger = self.ledger;
    }
}

/// Whether an edit of a right that was just accepted gives its person more people to help than
/// allowed, at any moment from `tick` on. What it takes follows how many records were ever delegated
/// to them, and not how many name them; the rights of each are read once, and kept in `known` as long
/// as there is room.
pub(super) fn helps_too_many(
    records: &Records,
    connection: &mut SqliteConnection,
    admitted: &Admitted<'_>,
    (before, ledger, known): (&mut Before, &mut RightsLedger, &mut Others),
    (admission, tick): (&Admission, Tick),
) -> Result<bool, AccessError> {
    let Some(person) = admission.class.concerns else {
        return Ok(false);
    };
    let before = before.ledger.latest().delegated_times(person);
    let after = ledger.latest().delegated_times(person);
    let gained = |at: Tick| helps(&after, at) && !helps(&before, at);
    let here = [tick].into_iter().chain(before.keys().copied());
    let here: BTreeSet<Tick> = here.chain(after.keys().copied()).collect();
    // What is gained at any moment is gained at one of these: nothing here turns in between.
    if !here.iter().any(|at| *at >= tick && gained(*at)) {
        return Ok(false);
    }
    let mut others = Vec::new();
    let helper = helper_blind(&records.keys, person);
    let delegated = connection.records_naming(helper, None, u32::MAX)?;
    for record in delegated.into_iter().filter(|r| *r != admitted.row.record) {
        if let Some(known) = known.get(&record) {
            others.push(known.latest.delegated_times(person));
            continue;
        }
        let Some(row) = connection.record(record)?.filter(|row| row.open) else {
            continue;
        };
        // Nobody helps with what nobody can open.
        let Some(rights) = records.rights_if_readable(connection, &row)? else {
            continue;
        };
        others.push(rights.latest.delegated_times(person));
        known.keep(row, rights);
    }
    let elsewhere = others.iter().flat_map(|times| times.keys().copied());
    let moments: BTreeSet<Tick> = here.iter().copied().chain(elsewhere).collect();
    let too_many = |at: &Tick| {
        let helped = others.iter().filter(|times| helps(times, *at));
        *at >= tick && gained(*at) && helped.count() >= MOST_HELPED
    };
    Ok(moments.iter().any(too_many))
}

/// Whether somebody helps at a moment, by the times of a record at which they do. One whose
/// delegation waits for a place counts too: they get it without an edit that could be held.
fn helps(times: &BTreeMap<Tick, bool>, at: Tick) -> bool {
    let last = times.range(..=at).next_back();
    last.is_some_and(|(_, helps)| *helps)
}

#[cfg(test)]
mod tests {
    use sync_core::authority::RightEntry;
    use sync_core::entry::EntryState;
    use sync_core::{PersonId, RecordId};
    use uuid::Uuid;

    use super::*;
    use crate::records::world::World;

    /// However large the rights of other records are, what is kept of them is bounded in all.
    #[tokio::test]
    async fn the_rights_of_other_records_are_kept_as_far_as_there_is_room() {
        let world = World::new();
        let record = world.holder(1).await.head.record;
        let row = move |c: &mut SqliteConnection| c.record(record);
        let row = world
            .records
            .db
            .read(row)
            .await
            .expect("reads")
            .expect("there");
        let mut others = Others::default();
        let names = [1, 2, 3, 4].map(|name| RecordId(Uuid::from_u128(name)));
        let sizes = [KEPT_BYTES / 2, KEPT_BYTES / 2 + 1, KEPT_BYTES / 2, 1];
        for (record, bytes) in names.into_iter().zip(sizes) {
            let right = RightEntry {
                entry: EntryId(Uuid::from_u128(1)),
                state: EntryState::default(),
                provenance: BTreeMap::new(),
                bytes,
            };
            let ledger = RightsLedger::new(PersonId(Uuid::nil()), vec![right]);
            let known = Arc::new(KnownRights::new(ledger));
            let row = RecordRow {
                record,
                ..row.clone()
            };
            others.keep(row, known);
        }
        let kept = names.map(|name| others.get(&name).is_some());
        assert_eq!(kept, [true, false, true, false]);
        let bytes = others.into_iter().map(|(_, known)| known.ledger.bytes());
        assert_eq!(bytes.sum::<usize>(), KEPT_BYTES);
    }
}
