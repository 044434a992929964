//! The lives of a record's log: [`RecordStore`](super::RecordStore)'s part about it.

use std::collections::BTreeMap;

use diesel::prelude::*;
use sync_core::{LogIncarnation, RecordId};

use super::Result;
use super::rows::{self, LifeTuple, bytes, int};
use crate::storage::records::Life;
use crate::storage::schema::records::{lives, records};

pub(super) fn lives(
    connection: &mut SqliteConnection,
    record: RecordId,
) -> Result<BTreeMap<LogIncarnation, Life>> {
    let found: Vec<LifeTuple> = lives::table
        .filter(lives::record_id.eq(bytes(&record)))
        .select((
            lives::log_incarnation,
            lives::ended,
            lives::kept,
            lives::had,
        ))
        .load(connection)?;
    found.into_iter().map(rows::life).collect()
}

pub(super) fn end_life(
    connection: &mut SqliteConnection,
    record: RecordId,
    log: LogIncarnation,
    life: Life,
) -> Result<()> {
    let Life { ended, kept, had } = life;
    diesel::insert_or_ignore_into(lives::table)
        .values((
            lives::record_id.eq(bytes(&record)),
            lives::log_incarnation.eq(log.as_bytes()),
            lives::ended.eq(int(ended.0)),
            lives::kept.eq(kept.map(int)),
            lives::had.eq(int(had)),
        ))
        .execute(connection)?;
    let life = lives::table.find((bytes(&record), log.as_bytes()));
    diesel::update(life.filter(lives::ended.lt(int(ended.0))))
        .set(lives::ended.eq(int(ended.0)))
        .execute(connection)?;
    diesel::update(life.filter(lives::had.lt(int(had))))
        .set(lives::had.eq(int(had)))
        .execute(connection)?;
    Ok(())
}

pub(super) fn begin_life(
    connection: &mut SqliteConnection,
    record: RecordId,
    log: LogIncarnation,
) -> Result<()> {
    diesel::update(records::table.find(bytes(&record)))
        .set(records::log_incarnation.eq(log.as_bytes()))
        .execute(connection)?;
    Ok(())
}
