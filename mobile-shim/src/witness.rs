//! Heads of the access log that the server signed, kept to check the log against them: the newest
//! ones, and ever fewer the older they are. A log that was written anew in between, and looks well
//! from the newest head only, lacks one of these.

use serde::{Deserialize, Serialize};
use sync_core::checkpoint::{Checkpoint, SignedCheckpoint};
use sync_core::codec::Malformed;

use crate::error::Error;
use crate::store::{RecordRows, Shelf};

/// As many newer heads are noted before every second one goes; twice as many before three of four
/// do, and so on.
const RECENT: u64 = 8;

/// A head that the server signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    /// How many heads were noted before it.
    number: u64,
    /// The statement that names it.
    checkpoint: SignedCheckpoint,
    /// The log was fetched after it, so what is here of the log must contain it.
    fetched: bool,
}

impl Witness {
    /// What was signed.
    ///
    /// # Errors
    /// When it is of a version that is not known.
    pub fn checkpoint(&self) -> Result<Checkpoint, Malformed> {
        self.checkpoint.0.read()
    }
}

/// Notes the head that a checkpoint names, unless it is the one noted last.
///
/// # Errors
/// When the store is broken.
pub fn note(rows: &mut RecordRows<'_>, checkpoint: &SignedCheckpoint) -> Result<(), Error> {
    let kept: Vec<Witness> = rows.notes(Shelf::Witness)?;
    let head = checkpoint.0.read::<Checkpoint>()?.access_log;
    let number = match kept.last() {
        Some(last) if last.checkpoint()?.access_log == head => return Ok(()),
        Some(last) => last.number + 1,
        None => 0,
    };
    let witness = Witness {
        number,
        checkpoint: checkpoint.clone(),
        fetched: false,
    };
    put(rows, &witness)?;
    for old in kept.iter().filter(|old| !stays(old.number, number)) {
        rows.remove_note(Shelf::Witness, &old.number.to_be_bytes())?;
    }
    Ok(())
}

/// The heads noted so far, the newest last.
///
/// # Errors
/// When the store is broken.
pub fn noted(rows: &mut RecordRows<'_>) -> Result<Vec<Witness>, Error> {
    Ok(rows.notes(Shelf::Witness)?)
}

/// The heads that what was fetched of the log must contain, the newest last.
///
/// # Errors
/// When the store is broken.
pub fn to_check(rows: &mut RecordRows<'_>) -> Result<Vec<Checkpoint>, Error> {
    let mut kept = noted(rows)?;
    kept.retain(|witness| witness.fetched);
    let read = kept.iter().map(Witness::checkpoint);
    Ok(read.collect::<Result<_, _>>()?)
}

/// Says that the log was fetched after these heads were noted.
///
/// # Errors
/// When the store is broken.
pub fn fetched(rows: &mut RecordRows<'_>, noted: &[Witness]) -> Result<(), Error> {
    for witness in noted.iter().filter(|witness| !witness.fetched) {
        let fetched = Witness {
            fetched: true,
            ..witness.clone()
        };
        put(rows, &fetched)?;
    }
    Ok(())
}

fn put(rows: &mut RecordRows<'_>, witness: &Witness) -> Result<(), Error> {
    let place = i64::try_from(witness.number).unwrap_or(i64::MAX);
    let name = witness.number.to_be_bytes();
    Ok(rows.put_note(Shelf::Witness, &name, place, witness)?)
}

/// Whether a head is kept when so many were noted: the oftener two divides its number, the longer.
fn stays(number: u64, newest: u64) -> bool {
    let lasts = RECENT.checked_shl(number.trailing_zeros());
    lasts.is_none_or(|lasts| lasts == 0 || newest - number < lasts)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn heads_are_kept_ever_more_thinly_and_never_without_bound() {
        let mut kept: BTreeSet<u64> = BTreeSet::new();
        for newest in 0..100_000 {
            kept.insert(newest);
            kept.retain(|number| stays(*number, newest));
            assert!(kept.len() <= 96, "{} of {newest}", kept.len());
        }
        let newest = 99_999;
        assert!((newest - 7..=newest).all(|number| kept.contains(&number)));
        // However far back, there is one no further than a quarter of the way from it.
        for age in (8..newest).step_by(97) {
            let near = newest - age..=newest - age + age / 4;
            assert!(kept.range(near).next().is_some(), "none of age {age}");
        }
        assert!(kept.contains(&0));
    }
}
