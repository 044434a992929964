//! How much a change chunk claims to hold, counted before Automerge unpacks it.
//!
//! The columns of a chunk are run-length encoded, so that seventy bytes can claim more operations
//! than any memory holds. Here the runs are counted and not unrolled. The layout is that of
//! "Change chunks" in Automerge's description of its binary format.

use super::{MAX_DEPENDENCIES, MAX_OPERATIONS, MAX_PREDECESSORS, Unsafe};

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
    let dependencies = chunk.number()?;
    if dependencies > MAX_DEPENDENCIES as u64 {
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
        columns.push((chunk.number()?, chunk.number()?));
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
    let number = |data: &mut Reader<'_>| data.number();
    let (claimed, most) = match specification {
        column::VALUE => return Ok(()),
        column::INSERT => (data.switches()?, MAX_OPERATIONS),
        column::KEY => {
            let text = |data: &mut Reader<'_>| data.prefixed().map(|_| 0);
            (data.runs(text)?.rows, MAX_OPERATIONS)
        }
        column::ACTION | column::VALUE_META => (data.runs(number)?.rows, MAX_OPERATIONS),
        column::PREDECESSORS => {
            let Runs { rows, sum } = data.runs(number)?;
            at_most(rows, MAX_OPERATIONS)?;
            (sum, MAX_PREDECESSORS)
        }
        column::PREDECESSOR_ACTOR => (data.runs(number)?.rows, MAX_PREDECESSORS),
        column::PREDECESSOR_COUNTER => {
            let step = |data: &mut Reader<'_>| data.signed().map(|_| 0);
            (data.runs(step)?.rows, MAX_PREDECESSORS)
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

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8, Unsafe> {
        let (first, rest) = self.0.split_first().ok_or(Unsafe::Unreadable)?;
        self.0 = rest;
        Ok(*first)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Unsafe> {
        let length = usize::try_from(length).map_err(|_| Unsafe::Unreadable)?;
        let split = self.0.split_at_checked(length);
        let (taken, rest) = split.ok_or(Unsafe::Unreadable)?;
        self.0 = rest;
        Ok(taken)
    }

    /// The bits of a LEB128 number and how many there are.
    fn leb128(&mut self) -> Result<(u64, u32), Unsafe> {
        let mut value = 0;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            value |= bits << shift;
            if byte & 0x80 == 0 {
                let fits = shift < 63 || bits == 0 || bits == 1 || bits == 0x7f;
                return fits.then_some((value, shift + 7)).ok_or(Unsafe::Unreadable);
            }
        }
        Err(Unsafe::Unreadable)
    }

    fn number(&mut self) -> Result<u64, Unsafe> {
        Ok(self.leb128()?.0)
    }

    fn signed(&mut self) -> Result<i64, Unsafe> {
        let (value, bits) = self.leb128()?;
        let unused = 64_u32.saturating_sub(bits);
        Ok((value << unused).cast_signed() >> unused)
    }

    /// Bytes after their length.
    fn prefixed(&mut self) -> Result<&'a [u8], Unsafe> {
        let length = self.number()?;
        self.take(length)
    }

    /// Reads a column of runs: a positive length and one value, a negative length and as many
    /// values, or zero and a number of rows without a value.
    fn runs(
        &mut self,
        mut value: impl FnMut(&mut Self) -> Result<u64, Unsafe>,
    ) -> Result<Runs, Unsafe> {
        let mut claimed = Runs::default();
        while !self.0.is_empty() {
            let length = self.signed()?;
            let (times, different) = match length {
                0 => {
                    claimed.rows = claimed.rows.saturating_add(self.number()?);
                    continue;
                }
                1.. => (length.unsigned_abs(), 1),
                _ => (1, length.unsigned_abs()),
            };
            claimed.rows = claimed.rows.saturating_add(length.unsigned_abs());
            // Each takes a byte at least: what is cut short ends this.
            for _ in 0..different {
                let all = value(self)?.saturating_mul(times);
                claimed.sum = claimed.sum.saturating_add(all);
            }
        }
        Ok(claimed)
    }

    /// Reads a column of truth values: how many are false, how many then true, and so on.
    fn switches(&mut self) -> Result<u64, Unsafe> {
        let mut claimed = 0_u64;
        while !self.0.is_empty() {
            claimed = claimed.saturating_add(self.number()?);
        }
        Ok(claimed)
    }
}

#[cfg(test)]
mod tests;
