//! One entry through time.

use jiff::ToSpan as _;
use jiff::civil::Date;
use sync_core::kind::{CommonPatch, Draft, Edit, OwnNotePatch, Patch};

use super::{BORN, Deed, YEARS};

/// What was written in one entry: its creation first, then changes, each on a later day.
#[derive(Debug)]
pub(super) struct Thread {
    pub acts: Vec<(Date, Deed)>,
    note: bool,
}

impl Thread {
    /// Starts an entry.
    pub fn new(day: Date, draft: impl Into<Draft>) -> Self {
        let draft = draft.into();
        let note = matches!(draft, Draft::OwnNote(_));
        let acts = vec![(day, Deed::Create(draft))];
        Thread { acts, note }
    }

    /// Changes it on a day, or on the first day after what was written last.
    pub fn change(&mut self, day: Date, patch: impl Into<Patch>) {
        let next = self.last().saturating_add(1.day());
        self.acts.push((day.max(next), Deed::Change(patch.into())));
    }

    /// Adds a remark so many days after what was written last. Remarks carry their day, so that no
    /// two are the same.
    pub fn remark(&mut self, days: i64, words: &str) {
        let day = self.last().saturating_add(days.days()).min(end());
        let day = day.max(self.last().saturating_add(1.day()));
        let text = format!("{} : {words}", day.strftime("%d/%m/%Y"));
        if self.note {
            let text = Edit::Set(text);
            self.change(
                day,
                OwnNotePatch {
                    text,
                    ..OwnNotePatch::default()
                },
            );
        } else {
            let notes = Edit::Set(text);
            self.change(
                day,
                CommonPatch {
                    notes,
                    ..CommonPatch::default()
                },
            );
        }
    }

    fn last(&self) -> Date {
        self.acts.last().map_or(BORN, |(day, _)| *day)
    }
}

/// The last day that is told.
pub(super) fn end() -> Date {
    BORN.saturating_add(i64::from(YEARS).years())
}
