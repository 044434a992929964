//! How much work a thread did in the stores: rows read, and sealed bytes opened. For tests of what
//! the time of an answer must not tell.

use std::cell::Cell;

thread_local! {
    static MET: Cell<u64> = const { Cell::new(0) };
}

/// Counts a row, or something opened.
pub(crate) fn one() {
    MET.set(MET.get() + 1);
}

/// What this thread counted so far.
pub(crate) fn all() -> u64 {
    MET.get()
}
