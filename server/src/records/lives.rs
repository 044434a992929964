//! The lives of a record's log.
//!
//! A data store that was put back from an older copy has lost the end of every log in it, and the
//! copy alone does not show that. What does: the mark that `carnet backup` leaves in a copy, and
//! the devices, whose cursors say how far the access logs had come; whatever was accepted or given
//! is in those. The log then begins another life: devices are sent all they may see, and hand back
//! what is missing.

use std::collections::BTreeMap;

use diesel::SqliteConnection;
use sync_core::audit::{AccessAction, Gap, LogHead, WitnessedHeads};
use sync_core::authority::{Cursor, Witness};
use sync_core::policy::Role;
use sync_core::{LogIncarnation, RecordId, Tick};

use super::shelves;
use super::vault::Vault;
use crate::audit::{self, Actor};
use crate::fault::Fault;
use crate::keys::{KeyError, Keys};
use crate::settings;
use crate::storage::records::{ApartRow, AuditRow, Life, RecordClock, RecordRow, RecordStore};

/// Records looked at in one go.
const CHUNK: u32 = 256;

/// Whether the store has lost something that it had when it gave a cursor.
pub fn has_lost(
    store: &mut impl RecordStore,
    row: &RecordRow,
    cursor: &Cursor,
) -> Result<bool, Fault> {
    if cursor.log != row.log {
        // Of a life that it knows nothing of, it has lost the beginning too.
        return Ok(!store.lives(row.record)?.contains_key(&cursor.log));
    }
    let (clock, then) = (&row.clock, &cursor.witness);
    let (len, apart_len) = (clock.audit_len, clock.apart_len);
    if cursor.latest() > clock.last || then.log > len || then.apart > apart_len {
        return Ok(true);
    }
    // Looked up also where it is known, so that the time this takes does not tell whether anything
    // was done since.
    let log = log_at(store, row.record, then.log)?;
    let apart = apart_at(store, row.record, then.apart)?;
    let (Some(log), Some(apart)) = (log, apart) else {
        return Ok(true);
    };
    Ok(Witness::of(&log, &apart) != *then)
}

/// What a cursor given now witnesses.
pub fn witness(row: &RecordRow) -> Witness {
    let apart = audit::apart_head(&row.record, &row.clock);
    Witness::of(&audit::head(&row.clock), &apart)
}

fn log_at(
    store: &mut impl RecordStore,
    record: RecordId,
    seq: u64,
) -> Result<Option<LogHead>, Fault> {
    let found = store.audit_after(record, seq.saturating_sub(1), 1)?;
    if seq == 0 {
        return Ok(Some(LogHead::genesis(&record)));
    }
    let found = found.into_iter();
    let mut heads = found.map(|AuditRow { seq, hash, .. }| LogHead { seq, hash });
    Ok(heads.find(|head| head.seq == seq))
}

fn apart_at(
    store: &mut impl RecordStore,
    record: RecordId,
    seq: u64,
) -> Result<Option<LogHead>, Fault> {
    let found = store.apart_after(record, seq.saturating_sub(1), 1)?;
    if seq == 0 {
        return Ok(Some(LogHead::genesis_apart(&record)));
    }
    let found = found.into_iter();
    let mut heads = found.map(|ApartRow { seq, hash, .. }| LogHead { seq, hash });
    Ok(heads.find(|head| head.seq == seq))
}

/// Begins another life of a record's log, and says so in the access log. `witness` is a cursor that
/// shows what is lost. No tick of the new life is one of a former.
///
/// # Errors
/// When the store or a key fails.
pub fn begin_anew(
    connection: &mut SqliteConnection,
    vault: &Vault<'_>,
    row: &RecordRow,
    witness: Option<&Cursor>,
    now: Tick,
) -> Result<(), Fault> {
    let (mut clock, gap) = another_life(connection, row, witness, now)?;
    let server = Actor::new(row.holder, Role::System, None, row.holder);
    let mut event = server.event(AccessAction::Restore, clock.last);
    event.gap = gap;
    audit::append(connection, vault, &mut clock, event)?;
    connection.move_clock(row.record, &clock)?;
    tracing::warn!(
        "the data store was put back from an older copy: the log of a record begins anew, and \
         devices hand back what is missing"
    );
    Ok(())
}

/// Begins another life of a record's log, as [`begin_anew`]; the access log is not told. Answers the
/// record's clock, which is still to be moved, and what is known to be lost of the access log.
///
/// # Errors
/// When the store fails.
pub fn another_life(
    connection: &mut SqliteConnection,
    row: &RecordRow,
    witness: Option<&Cursor>,
    now: Tick,
) -> Result<(RecordClock, Option<Gap>), Fault> {
    let mut clock = row.clock;
    let told = witness.map_or(Tick(0), Cursor::latest);
    let at = clock.last.max(told).next(now);
    clock.last = at;
    let mut fresh = [0; 16];
    getrandom::fill(&mut fresh)?;
    let kept = clock.audit_len;
    let had = witness.map(|cursor| (cursor.log, cursor.witness));
    let had = had.filter(|(_, witness)| witness.log > 0);
    let mut ended = BTreeMap::from([(row.log, Some(kept))]);
    if let Some(cursor) = witness {
        // Its store may have parted from this one long before.
        let parted = cursor.log != row.log || cursor.witness.log <= kept;
        ended.insert(cursor.log, Some(kept).filter(|_| !parted));
    }
    for (log, kept) in &ended {
        let had = had.filter(|(of, _)| of == log);
        let life = Life {
            ended: at,
            kept: *kept,
            had: had.map_or(0, |(_, witness)| witness.log),
        };
        connection.end_life(row.record, *log, life)?;
    }
    connection.begin_life(row.record, LogIncarnation(fresh))?;
    if restored(connection)? < Some(at) {
        settings::note(connection, settings::RESTORED, &at.0.to_string())?;
    }
    let gap = had.map(|(log, witness)| gap(ended.get(&log).copied().flatten(), witness));
    Ok((clock, gap))
}

/// Whether a cursor shows that a former life of a record's log had come further than is known.
///
/// # Errors
/// When the store fails.
pub fn was_longer(
    store: &mut impl RecordStore,
    row: &RecordRow,
    cursor: &Cursor,
) -> Result<bool, Fault> {
    let known = store.lives(row.record)?.get(&cursor.log).copied();
    Ok(known.is_some_and(|life| life.ended < cursor.latest() || life.had < cursor.witness.log))
}

/// What a restore lost of the access log, as a cursor shows.
fn gap(kept: Option<u64>, witness: Witness) -> Gap {
    Gap {
        kept,
        had: witness.log,
        heads: WitnessedHeads(witness.heads),
    }
}

/// Notes how far a former life of a record's log had come, as a cursor shows: a clock that was set
/// back must not give its ticks again, and the access log tells if more is lost than it said.
///
/// # Errors
/// When the store or a key fails.
pub fn lengthen(
    store: &mut impl RecordStore,
    vault: &Vault<'_>,
    row: &RecordRow,
    cursor: &Cursor,
    now: Tick,
) -> Result<(), Fault> {
    let Some(known) = store.lives(row.record)?.get(&cursor.log).copied() else {
        return Ok(());
    };
    let (told, witness) = (cursor.latest(), cursor.witness);
    let mut clock = row.clock;
    clock.last = clock.last.max(told);
    let life = Life {
        ended: known.ended.max(told),
        had: known.had.max(witness.log),
        ..known
    };
    if life == known {
        return Ok(());
    }
    store.end_life(row.record, cursor.log, life)?;
    if life.had > known.had.max(known.kept.unwrap_or_default()) {
        clock.last = clock.last.next(now);
        let server = Actor::new(row.holder, Role::System, None, row.holder);
        let mut event = server.event(AccessAction::Loss, clock.last);
        event.gap = Some(gap(known.kept, witness));
        audit::append(store, vault, &mut clock, event)?;
    }
    store.move_clock(row.record, &clock)?;
    Ok(())
}

/// If this store is a copy that `carnet backup` made: begins another life of every log in it.
/// Answers how many there are, if so.
///
/// # Errors
/// When the store or a key fails.
pub fn begin_all_anew(
    connection: &mut SqliteConnection,
    keys: &Keys,
    now: Tick,
) -> Result<Option<usize>, Fault> {
    if settings::find(connection, settings::COPIED)?.is_none() {
        return Ok(None);
    }
    let (mut after, mut count, mut keyless) = (None, 0, 0_usize);
    loop {
        let records = connection.records_after(after, CHUNK)?;
        for record in &records {
            if let Some(row) = connection.record(*record)? {
                match Vault::new(keys, *record) {
                    Ok(vault) => {
                        begin_anew(connection, &vault, &row, None, now)?;
                        count += 1;
                    }
                    // Of one that was destroyed that is known.
                    Err(Fault::Keys(KeyError::Absent)) => {
                        keyless += usize::from(!keys.is_record_destroyed(*record)?);
                    }
                    Err(fault) => return Err(fault),
                }
            }
        }
        after = records.last().copied();
        if after.is_none() {
            break;
        }
    }
    if keyless > 0 {
        tracing::error!(
            records = keyless,
            "records have no key and cannot be opened: was the key store put back from an older \
             copy than the data store?"
        );
    }
    settings::remove(connection, settings::COPIED)?;
    Ok(Some(count))
}

/// Puts the entries of records of an older release on shelves.
///
/// # Errors
/// When the store or a key fails.
pub fn fill_shelves(connection: &mut SqliteConnection, keys: &Keys) -> Result<(), Fault> {
    let mut after = None;
    loop {
        let records = connection.records_after(after, CHUNK)?;
        for record in &records {
            if let Some(row) = connection.record(*record)?
                && let Ok(vault) = Vault::new(keys, *record)
            {
                shelves::fill(connection, &vault, &row)?;
            }
        }
        after = records.last().copied();
        if after.is_none() {
            return Ok(());
        }
    }
}

/// When this store was put back last, as far as it knows.
///
/// # Errors
/// When the store fails.
pub fn restored(connection: &mut SqliteConnection) -> Result<Option<Tick>, Fault> {
    let noted = settings::find(connection, settings::RESTORED)?;
    Ok(noted.and_then(|at| at.parse().ok()).map(Tick))
}
