//! From rows to what they mean.

use sync_core::sync::Settlement;
use sync_core::{Digest32, EntryId, LogIncarnation, PersonId, RecordId, Tick};

use crate::keys::EntryKeyId;
use crate::storage::StorageError;
use crate::storage::records::{
    ApartRow, AuditRow, Blind, DestroyedRow, EntryRow, HeldAboutRow, HeldRow, Life, LogRow,
    RecordClock, RecordRow,
};
use crate::storage::schema::records::{audit_apart, entries, held, log};

type Result<T> = std::result::Result<T, StorageError>;
type B = Vec<u8>;

#[rustfmt::skip]
pub(super) type RecordTuple =
    (B, B, B, i64, i64, i64, B, String, B, i64, i64, Option<B>, i64, i64);
pub(super) type EntryTuple = (B, B, i64, Option<i64>, i32, i64, i64, B);
pub(super) type ContentTuple = (B, Option<B>);
pub(super) type LifeTuple = (B, i64, Option<i64>, i64);
pub(super) type LogTuple = (i64, B, B, B, i64, B, B);
pub(super) type HeldTuple = (B, B, B, i64, i64, Option<String>, Option<i64>, B, B);
pub(super) type HeldAboutTuple = (B, i64, Option<i64>, bool, B);
pub(super) type DestroyedTuple = (B, B, B, i64, B);
pub(super) type AuditTuple = (i64, i64, B, B);
pub(super) type ApartTuple = (i64, i64, B, B, i64, Option<i64>, B);

/// The columns of an entry's row, its document apart.
pub(super) struct Entry;

pub(super) type EntryColumns = (
    entries::entry_id,
    entries::key_id,
    entries::touched,
    entries::due,
    entries::is_right,
    entries::changes,
    entries::bytes,
    entries::class,
);

impl Entry {
    pub(super) const COLUMNS: EntryColumns = (
        entries::entry_id,
        entries::key_id,
        entries::touched,
        entries::due,
        entries::is_right,
        entries::changes,
        entries::bytes,
        entries::class,
    );
}

pub(super) fn life((log, ended, kept, had): LifeTuple) -> Result<(LogIncarnation, Life)> {
    let log = LogIncarnation::from_slice(&log).ok_or(StorageError::Malformed("lives"))?;
    let life = Life {
        ended: tick(ended),
        kept: kept.map(uint),
        had: uint(had),
    };
    Ok((log, life))
}

pub(super) fn destroyed(
    (record, entry, key, at, sealed): DestroyedTuple,
) -> Result<(RecordId, DestroyedRow)> {
    let key = EntryKeyId::from_slice(&key).ok_or(StorageError::Malformed("destroyed.key_id"))?;
    let row = DestroyedRow {
        entry: entry_id(&entry)?,
        key,
        at: tick(at),
        sealed,
    };
    Ok((id(&record)?, row))
}

type LogColumns = (
    log::tick,
    log::entry_id,
    log::change_blind,
    log::actor_blind,
    log::seq,
    log::about,
    log::change,
);

pub(super) const LOG: LogColumns = (
    log::tick,
    log::entry_id,
    log::change_blind,
    log::actor_blind,
    log::seq,
    log::about,
    log::change,
);

type HeldColumns = (
    held::change_blind,
    held::entry_id,
    held::author_blind,
    held::received,
    held::changed,
    held::settlement,
    held::due,
    held::about,
    held::sealed,
);

pub(super) const HELD: HeldColumns = (
    held::change_blind,
    held::entry_id,
    held::author_blind,
    held::received,
    held::changed,
    held::settlement,
    held::due,
    held::about,
    held::sealed,
);

type ApartColumns = (
    audit_apart::seq,
    audit_apart::tick,
    audit_apart::hash,
    audit_apart::entry_id,
    audit_apart::due,
    audit_apart::told,
    audit_apart::sealed,
);

pub(super) const APART: ApartColumns = (
    audit_apart::seq,
    audit_apart::tick,
    audit_apart::hash,
    audit_apart::entry_id,
    audit_apart::due,
    audit_apart::told,
    audit_apart::sealed,
);

pub(super) fn bytes(record: &RecordId) -> &[u8] {
    record.as_bytes()
}

pub(super) fn id(bytes: &[u8]) -> Result<RecordId> {
    RecordId::from_slice(bytes).ok_or(StorageError::Malformed("record identifier"))
}

/// Numbers are kept as the signed ones SQLite has; ours stay far below the sign.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn tick(number: i64) -> Tick {
    Tick(uint(number))
}

fn uint(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

pub(super) fn entry_id(bytes: &[u8]) -> Result<EntryId> {
    EntryId::from_slice(bytes).ok_or(StorageError::Malformed("entry identifier"))
}

fn blind(bytes: &[u8]) -> Result<Blind> {
    Blind::from_slice(bytes).ok_or(StorageError::Malformed("blind index"))
}

fn digest(bytes: &[u8]) -> Result<Digest32> {
    Digest32::from_slice(bytes).ok_or(StorageError::Malformed("digest"))
}

pub(super) fn record(row: RecordTuple) -> Result<RecordRow> {
    let (
        record,
        holder,
        log,
        last,
        rights,
        audit_len,
        head,
        status,
        opening,
        created,
        apart_len,
        apart_head,
        shelves,
        bytes,
    ) = row;
    Ok(RecordRow {
        record: id(&record)?,
        holder: PersonId::from_slice(&holder).ok_or(StorageError::Malformed("holder"))?,
        log: LogIncarnation::from_slice(&log).ok_or(StorageError::Malformed("log incarnation"))?,
        clock: RecordClock {
            last: tick(last),
            rights: tick(rights),
            audit_len: uint(audit_len),
            audit_head: digest(&head)?,
            apart_len: uint(apart_len),
            apart_head: apart_head.as_deref().map(digest).transpose()?,
            shelves: uint(shelves),
            bytes: uint(bytes),
        },
        open: status == "open",
        opening,
        created: tick(created),
    })
}

pub(super) fn entry(row: EntryTuple) -> Result<EntryRow> {
    #[cfg(test)]
    crate::storage::met::one();
    let (entry, key, touched, due, is_right, changes, bytes, class) = row;
    Ok(EntryRow {
        entry: entry_id(&entry)?,
        key: EntryKeyId::from_slice(&key).ok_or(StorageError::Malformed("entry key"))?,
        touched: tick(touched),
        due: due.map(tick),
        is_right: is_right != 0,
        changes: uint(changes),
        bytes: uint(bytes),
        class,
    })
}

pub(super) fn entry_with_document(
    (row, document): (EntryTuple, Option<Vec<u8>>),
) -> Result<(EntryRow, Vec<u8>)> {
    Ok((entry(row)?, document.unwrap_or_default()))
}

pub(super) fn log_row(row: LogTuple) -> Result<LogRow> {
    #[cfg(test)]
    crate::storage::met::one();
    let (at, entry, change_blind, actor_blind, seq, about, change) = row;
    Ok(LogRow {
        tick: tick(at),
        entry: entry_id(&entry)?,
        change_blind: blind(&change_blind)?,
        actor_blind: blind(&actor_blind)?,
        seq: uint(seq),
        about,
        change,
    })
}

pub(super) fn held_row(row: HeldTuple) -> Result<HeldRow> {
    #[cfg(test)]
    crate::storage::met::one();
    let (change_blind, entry, author_blind, received, changed, settlement, due, about, sealed) =
        row;
    let settlement = match settlement.as_deref() {
        None => None,
        Some("released") => Some(Settlement::Released),
        Some("discarded") => Some(Settlement::Discarded),
        Some(_) => return Err(StorageError::Malformed("settlement")),
    };
    Ok(HeldRow {
        change_blind: blind(&change_blind)?,
        entry: entry_id(&entry)?,
        author_blind: blind(&author_blind)?,
        received: tick(received),
        changed: tick(changed),
        settlement,
        due: due.map(tick),
        about,
        sealed,
    })
}

pub(super) fn held_about(
    (author, received, due, open, about): HeldAboutTuple,
) -> Result<HeldAboutRow> {
    #[cfg(test)]
    crate::storage::met::one();
    Ok(HeldAboutRow {
        author_blind: blind(&author)?,
        received: tick(received),
        due: due.map(tick),
        open,
        about,
    })
}

pub(super) fn settlement_code(settlement: Settlement) -> &'static str {
    match settlement {
        Settlement::Released => "released",
        Settlement::Discarded => "discarded",
    }
}

pub(super) fn audit_row((seq, at, hash, sealed): AuditTuple) -> Result<AuditRow> {
    #[cfg(test)]
    crate::storage::met::one();
    Ok(AuditRow {
        seq: uint(seq),
        tick: tick(at),
        hash: digest(&hash)?,
        sealed,
    })
}

pub(super) fn apart_row(row: ApartTuple) -> Result<ApartRow> {
    #[cfg(test)]
    crate::storage::met::one();
    let (seq, at, hash, entry, due, told, sealed) = row;
    Ok(ApartRow {
        seq: uint(seq),
        tick: tick(at),
        hash: digest(&hash)?,
        entry: entry_id(&entry)?,
        due: tick(due),
        told: told.map(tick),
        sealed,
    })
}
