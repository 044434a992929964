//! How many steps a thread took over histories, counted for tests of what a hostile history costs.

#[cfg(test)]
use std::cell::Cell;

#[cfg(test)]
thread_local! {
    static TAKEN: Cell<u64> = const { Cell::new(0) };
}

/// Counts steps.
pub(crate) fn steps(_steps: usize) {
    #[cfg(test)]
    TAKEN.set(TAKEN.get() + _steps as u64);
}

/// How many steps some work takes on this thread.
#[cfg(test)]
pub(crate) fn of<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let before = TAKEN.get();
    let done = work();
    (done, TAKEN.get() - before)
}
