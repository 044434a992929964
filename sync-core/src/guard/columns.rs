//! How much a change chunk claims to hold, counted before Automerge unpacks it.
//!
//! The columns of a chunk are run-length encoded, so that seventy bytes can claim more operations
//! than any memory holds. Here the runs are counted and not unrolled. The layout is that of
//! "Change chunks" in Automerge's description of its binary format.

use super::{MAX_DEPENDENCIES, MAX_OPERATIONS, MAX_PREDECESSORS, Unsafe};
use crate::reader::{CutShort, Reader};

/// The columns that an edit of a flat map has, by their specification: identity, kind of content.
mod column {
    pub const KEY: u64 = 0x15;
    pub const INSERT: u64 = 0x34;
    pub const ACTION: u64 = 0x42;
    pub const VALUE_META: u64 = 0x56;
    pub const VALUE: u64 = 0x57;
    pub const PREDECESSORS: u64 = 0x70;
    pub const PREDECESSOR_ACTOR: u64 = 0x71;
    pub const PREDECESSOR_COUNTER: u64 = 0x73;
}

/// How many columns there are at most.
const COLUMNS: u64 = 8;

/// Checks what the contents of a change chunk claim.
///
/// # Errors
/// [`Unsafe::NotFlat`] for parts that a flat edit has not, [`Unsafe::TooLarge`] for more operations
/// or overwritten values than a change may have, [`Unsafe::Unreadable`] for anything cut short.
pub(super) fn check(contents: &[u8]) -> Result<(), Unsafe> {
    let mut chunk = Reader(contents);
    let dependencies = chunk.count()?;
    if dependencies > MAX_DEPENDENCIES {
        return Err(Unsafe::NotFlat);
    }
    chunk.take(32 * dependencies)?;
    if chunk.prefixed()?.len() != 16 {
        return Err(Unsafe::NotFlat);
    }
    let (_number, _first_operation, _time) = (chunk.number()?, chunk.number()?, chunk.signed()?);
    if !chunk.prefixed()?.is_empty() {
        return Err(Unsafe::NotFlat);
    }
    for _ in 0..at_most(chunk.number()?, MAX_PREDECESSORS)? {
        chunk.prefixed()?;
    }
    let mut columns = Vec::new();
    for _ in 0..at_most(chunk.number()?, COLUMNS as usize)? {
        columns.push((chunk.number()?, chunk.count()?));
    }
    if !columns.is_sorted_by(|(one, _), (next, _)| one < next) {
        return Err(Unsafe::NotFlat);
    }
    for (specification, length) in columns {
        check_column(specification, Reader(chunk.take(length)?))?;
    }
    match chunk.0 {
        [] => Ok(()),
        _ => Err(Unsafe::NotFlat),
    }
}

fn check_column(specification: u64, mut data: Reader<'_>) -> Result<(), Unsafe> {
    let data = &mut data;
    let number = |data: &mut Reader<'_>| data.number();
    let (claimed, most) = match specification {
        column::VALUE => return Ok(()),
        column::INSERT => (switches(data)?, MAX_OPERATIONS),
        column::KEY => {
            let text = |data: &mut Reader<'_>| data.prefixed().map(|_| 0);
            (runs(data, text)?.rows, MAX_OPERATIONS)
        }
        column::ACTION | column::VALUE_META => (runs(data, number)?.rows, MAX_OPERATIONS),
        column::PREDECESSORS => {
            let Runs { rows, sum } = runs(data, number)?;
            at_most(rows, MAX_OPERATIONS)?;
            (sum, MAX_PREDECESSORS)
        }
        column::PREDECESSOR_ACTOR => (runs(data, number)?.rows, MAX_PREDECESSORS),
        column::PREDECESSOR_COUNTER => {
            let step = |data: &mut Reader<'_>| data.signed().map(|_| 0);
            (runs(data, step)?.rows, MAX_PREDECESSORS)
        }
        _ => return Err(Unsafe::NotFlat),
    };
    at_most(claimed, most).map(drop)
}

fn at_most(claimed: u64, most: usize) -> Result<u64, Unsafe> {
    if claimed > most as u64 {
        return Err(Unsafe::TooLarge);
    }
    Ok(claimed)
}

/// What a run-length encoded column claims.
#[derive(Default)]
struct Runs {
    /// How many rows.
    rows: u64,
    /// The sum of their values.
    sum: u64,
}

impl From<CutShort> for Unsafe {
    fn from(CutShort: CutShort) -> Self {
        Unsafe::Unreadable
    }
}

/// Reads a column of runs: a positive length and one value, a negative length and as many values, or
/// zero and a number of rows without a value.
fn runs(
    column: &mut Reader<'_>,
    mut value: impl FnMut(&mut Reader<'_>) -> Result<u64, CutShort>,
) -> Result<Runs, CutShort> {
    let mut claimed = Runs::default();
    while !column.0.is_empty() {
        let length = column.signed()?;
        let (times, different) = match length {
            0 => {
                claimed.rows = claimed.rows.saturating_add(column.number()?);
                continue;
            }
            1.. => (length.unsigned_abs(), 1),
            _ => (1, length.unsigned_abs()),
        };
        claimed.rows = claimed.rows.saturating_add(length.unsigned_abs());
        // Each takes a byte at least: what is cut short ends this.
        for _ in 0..different {
            let all = value(column)?.saturating_mul(times);
            claimed.sum = claimed.sum.saturating_add(all);
        }
    }
    Ok(claimed)
}

/// Reads a column of truth values: how many are false, how many then true, and so on.
fn switches(column: &mut Reader<'_>) -> Result<u64, CutShort> {
    let mut claimed = 0_u64;
    while !column.0.is_empty() {
        claimed = claimed.saturating_add(column.number()?);
    }
    Ok(claimed)
}

#[cfg(test)]
mod tests;
