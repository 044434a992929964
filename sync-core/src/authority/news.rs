//! What a viewer is to be told of entries touched since they last came.

use crate::entry::EntryClass;
use crate::{EntryId, Tick};

/// An entry touched since a cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touched {
    /// The entry.
    pub entry: EntryId,
    /// When it was touched last.
    pub last: Tick,
    /// Its class at the cursor; nothing if it was not there.
    pub before: Option<EntryClass>,
    /// Its class now.
    pub now: EntryClass,
}

/// What to tell of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// All its changes: the viewer did not see it before.
    Whole,
    /// Its changes since the cursor.
    Since,
    /// That it must be forgotten: the viewer saw it before.
    Forget,
}

/// What to tell of one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryNews {
    /// The entry.
    pub entry: EntryId,
    /// When it was touched last: the order in which news are told.
    pub last: Tick,
    /// What to tell.
    pub what: What,
}

/// What to tell a viewer who sees what `may_read` says, under rights that were the same at the
/// cursor; in the order of the last touch. Of what the viewer neither sees nor saw, nothing.
///
/// `at_cursor` decides with the time of the cursor, `now` with the present: a result that was
/// delayed until between the two is new.
pub fn news(
    touched: impl IntoIterator<Item = Touched>,
    at_cursor: impl Fn(&EntryClass) -> bool,
    now: impl Fn(&EntryClass) -> bool,
) -> Vec<EntryNews> {
    let mut news: Vec<EntryNews> = touched
        .into_iter()
        .filter_map(|touched| {
            let saw = touched.before.as_ref().is_some_and(&at_cursor);
            let what = match (saw, now(&touched.now)) {
                (false, true) => What::Whole,
                (true, true) => What::Since,
                (true, false) => What::Forget,
                (false, false) => return None,
            };
            let Touched { entry, last, .. } = touched;
            Some(EntryNews { entry, last, what })
        })
        .collect();
    news.sort_by_key(|news| (news.last, news.entry));
    news
}

/// Which entries a viewer must forget with the answer to their own edits, of those that accepted
/// edits of this answer name, each with its class now.
///
/// The device wrote them while it could, the answer was lost, and since then they were hidden or
/// the right ended. No cursor of the device knows of them, so [`news`] does not tell.
pub fn forget_own(
    own: impl IntoIterator<Item = (EntryId, EntryClass)>,
    now: impl Fn(&EntryClass) -> bool,
) -> Vec<EntryId> {
    own.into_iter()
        .filter(|(_, class)| !now(class))
        .map(|(entry, _)| entry)
        .collect()
}
