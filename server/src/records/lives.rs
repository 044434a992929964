//! The lives of a record's log.
//!
//! A data store that was put back from an older copy has lost the end of every log in it, and the
//! copy alone does not show that. What does: the mark that `carnet backup` leaves in a copy, and
//! the devices, whose cursors say how far the access logs had come; whatever was accepted or given
//! is in those. The log then begins another life: devices are sent all they may see, and hand back
//! what is missing.

use diesel::SqliteConnection;
use sync_core::audit::{AccessAction, LogHead};
use sync_core::authority::{Cursor, Witness};
use sync_core::policy::Role;
use sync_core::{LogIncarnation, RecordId, Tick};

use super::vault::Vault;
use crate::audit::{self, Actor};
use crate::fault::Fault;
use crate::keys::{KeyError, Keys};
use crate::settings;
use crate::storage::records::{ApartRow, AuditRow, RecordRow, RecordStore};

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
    let log = match then.log {
        0 => Some(LogHead::genesis(&row.record)),
        seq if seq == len => Some(audit::head(clock)),
        seq => log_at(store, row.record, seq)?,
    };
    let apart = match then.apart {
        0 => Some(LogHead::genesis_apart(&row.record)),
        seq if seq == apart_len => Some(audit::apart_head(&row.record, clock)),
        seq => apart_at(store, row.record, seq)?,
    };
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
    let found = store.audit_after(record, seq - 1, 1)?.into_iter();
    let mut heads = found.map(|AuditRow { seq, hash, .. }| LogHead { seq, hash });
    Ok(heads.find(|head| head.seq == seq))
}

fn apart_at(
    store: &mut impl RecordStore,
    record: RecordId,
    seq: u64,
) -> Result<Option<LogHead>, Fault> {
    let found = store.apart_after(record, seq - 1, 1)?.into_iter();
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
    let mut clock = row.clock;
    let told = witness.map_or(Tick(0), Cursor::latest);
    let at = clock.last.max(told).next(now);
    clock.last = at;
    let mut fresh = [0; 16];
    getrandom::fill(&mut fresh)?;
    for ended in [row.log]
        .into_iter()
        .chain(witness.map(|cursor| cursor.log))
    {
        connection.end_life(row.record, ended, at)?;
    }
    connection.begin_life(row.record, LogIncarnation(fresh))?;
    let server = Actor::new(row.holder, Role::System, None, row.holder);
    audit::append(
        connection,
        vault,
        &mut clock,
        server.event(AccessAction::Restore, at),
    )?;
    connection.move_clock(row.record, &clock)?;
    settings::note(connection, settings::RESTORED, &at.0.to_string())?;
    tracing::warn!(
        "the data store was put back from an older copy: the log of a record begins anew, and \
         devices hand back what is missing"
    );
    Ok(())
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
    let ended = store.lives(row.record)?.get(&cursor.log).copied();
    Ok(ended.is_some_and(|ended| ended < cursor.latest()))
}

/// Notes how far a former life of a record's log had come, as a cursor shows; a clock that was set
/// back must not give its ticks again.
///
/// # Errors
/// When the store fails.
pub fn lengthen(
    store: &mut impl RecordStore,
    row: &RecordRow,
    cursor: &Cursor,
) -> Result<(), Fault> {
    let told = cursor.latest();
    store.end_life(row.record, cursor.log, told)?;
    let mut clock = row.clock;
    clock.last = clock.last.max(told);
    Ok(store.move_clock(row.record, &clock)?)
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
                    Err(Fault::Keys(KeyError::Absent)) => keyless += 1,
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

/// When this store was put back last, as far as it knows.
///
/// # Errors
/// When the store fails.
pub fn restored(connection: &mut SqliteConnection) -> Result<Option<Tick>, Fault> {
    let noted = settings::find(connection, settings::RESTORED)?;
    Ok(noted.and_then(|at| at.parse().ok()).map(Tick))
}
