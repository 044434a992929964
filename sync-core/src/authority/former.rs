//! The lives of a log that ended, and what devices hand back of them.

use std::collections::BTreeMap;

use super::VerifiedEdit;
use crate::checkpoint::Seen;
use crate::{LogIncarnation, Tick};

/// The lives of a log that ended without their keeper's knowing how: the end of each was lost when
/// the keeper's store was put back from an older copy.
#[derive(Clone, Copy, Debug)]
pub struct Former<'f> {
    /// The life it is in now.
    pub log: LogIncarnation,
    /// Those the keeper knows of, and when each had ended at the latest.
    pub lives: &'f BTreeMap<LogIncarnation, Tick>,
    /// For how many days after the last of them edits are taken back.
    pub days: u64,
}

impl Former<'_> {
    /// Whether an edit, of which it is said that it was accepted once, is taken for one of these
    /// lives at `now`. Its device was registered at `registered`.
    ///
    /// What the keeper itself signed for was in another life, and is believed. Any other must name a checkpoint of such a life, and one that can have been given: whoever names
    /// one of this life says that the edit was made in it. An edit that names none was made before
    /// its device had ever been answered, so the device must be older than the loss.
    pub fn takes_back(&self, edit: &VerifiedEdit, registered: Tick, now: Tick) -> bool {
        let Some(lost) = self.lives.values().max() else {
            return false;
        };
        now <= lost.plus_days(self.days)
            && match (edit.was_in(), &edit.origin().seen) {
                (Some(log), _) => log != self.log,
                (None, Some(seen)) => self.gave(seen),
                (None, None) => registered <= *lost,
            }
    }

    /// Whether a checkpoint can have been given in one of these lives, or in another that the keeper
    /// has lost with its beginning. Nobody can prove it any more but its viewer.
    pub(super) fn gave(&self, seen: &Seen) -> bool {
        let ended = match self.lives.get(&seen.log) {
            Some(ended) => Some(ended),
            None => self.lives.values().max().filter(|_| seen.log != self.log),
        };
        ended.is_some_and(|ended| seen.tick <= *ended)
    }
}

#[cfg(test)]
mod tests;
