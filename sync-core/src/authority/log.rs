//! What the walk asks of whoever keeps a log, as the log stands at one moment.

use std::collections::BTreeSet;

use crate::change::Edit;
use crate::entry::EntryClass;
use crate::kind::Kind;
use crate::reconcile::Version;
use crate::sync::{HoldReason, Settlement, Weighs};
use crate::{ChangeHash, EntryId, Tick};

/// Which entries are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Among {
    /// All.
    All,
    /// Those of vital kinds (see [`crate::kind::Kind::is_vital`]).
    Vital,
    /// The others.
    Others,
}

impl Among {
    /// Whether entries of a kind are among these.
    pub fn has(self, kind: &str) -> bool {
        match self {
            Among::All => true,
            Among::Vital => Kind::is_vital(kind),
            Among::Others => !Kind::is_vital(kind),
        }
    }
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Met<R> {
    /// The entry.
    pub entry: EntryId,
    /// The tick of its last change.
    pub touched: Tick,
    /// Until when it is kept from the patient.
    pub due: Option<Tick>,
    /// It was destroyed at its last touch: the tick of its first change.
    pub destroyed: Option<Tick>,
    /// What [`Log::open`] needs.
    pub row: R,
}

/// Entries as they are met, with the ticks of it.
pub type Found<R> = Vec<(Tick, Met<R>)>;

/// A held edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetHeld<H> {
    /// Of which entry.
    pub entry: EntryId,
    /// When it came.
    pub received: Tick,
    /// When it came, was settled or was put off.
    pub changed: Tick,
    /// Until when it is kept from the patient.
    pub due: Option<Tick>,
    /// What was decided.
    pub settlement: Option<Settlement>,
    /// The viewer made it.
    pub own: bool,
    /// What [`Log::open_held`] needs.
    pub row: H,
}

/// What there is to know of a held edit without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldFacts {
    /// Its name.
    pub change: ChangeHash,
    /// The holder is told of it and decides: it was made in good faith, or follows one that is for
    /// them to decide on.
    pub for_holder: bool,
    /// Its entry was destroyed, and its change with it.
    pub destroyed: bool,
}

/// A record's log and what is held beside it, asked for one viewer. It says what there is; what
/// the viewer is given of it is for the [`super::walk`] to say.
pub trait Log {
    /// How asking fails.
    type Error;
    /// An entry as it is found.
    type Row;
    /// An entry that was opened.
    type Entry;
    /// A held edit as it is found.
    type Held;
    /// A change as it is given.
    type Change: Weighs;

    /// How many entries [`Log::met`] answers at least, if there are as many; more than none.
    const CHUNK: usize;

    /// Of these entries, those on the viewer's shelves (see [`super::Shelf`]) since ticks after `after` and not
    /// after `until`, and those that left one at a tick after `left` too: with these ticks, in the
    /// order of these and within a tick in the order of the entries' names, and for each tick all of
    /// them or none: a page may end within a tick, and the next goes on after the last entry it
    /// passed. An entry may be among them more than once.
    fn met(
        &mut self,
        among: Among,
        after: Tick,
        left: Tick,
        until: Tick,
    ) -> Result<Found<Self::Row>, Self::Error>;

    /// Opens entries, in the order asked; nothing where the key of one is gone.
    fn open(&mut self, rows: Vec<Self::Row>) -> Result<Vec<Option<Self::Entry>>, Self::Error>;

    /// An entry's class now.
    fn class(&mut self, entry: &Self::Entry) -> Result<EntryClass, Self::Error>;

    /// An entry's class at a tick; nothing if it was not there.
    fn class_at(
        &mut self,
        entry: &Self::Entry,
        at: Tick,
    ) -> Result<Option<EntryClass>, Self::Error>;

    /// The class of an entry after each of its changes up to a tick, with the change's tick, in
    /// order.
    fn classes(
        &mut self,
        entry: &Self::Entry,
        until: Tick,
    ) -> Result<Vec<(Tick, EntryClass)>, Self::Error>;

    /// The changes of an entry after a tick, in order, but those accepted at `but`.
    fn changes(
        &mut self,
        entry: &Self::Entry,
        after: Tick,
        but: &BTreeSet<Tick>,
    ) -> Result<Vec<Self::Change>, Self::Error>;

    /// Which changes an entry has, and when they were accepted (see [`Version::of`]).
    fn version(&mut self, entry: &Self::Entry) -> Result<Version, Self::Error>;

    /// Opens the entry of this name; nothing if there is none, or no more.
    fn find(&mut self, entry: EntryId) -> Result<Option<Self::Entry>, Self::Error>;

    /// Whether the entry of this name was destroyed.
    fn is_destroyed(&mut self, entry: EntryId) -> Result<bool, Self::Error>;

    /// The held edits that the viewer may have to be told of since ticks after `after` and not after
    /// `until`: if they are the holder, their own that were settled and of the others those that
    /// came, changed or fell due, whatever came last; else their own that were settled, and those
    /// that came and were not.
    fn held_changed(
        &mut self,
        after: Tick,
        until: Tick,
    ) -> Result<Vec<MetHeld<Self::Held>>, Self::Error>;

    /// A held edit, and why it is held; its change is empty once its entry was destroyed.
    fn open_held(&mut self, held: &Self::Held) -> Result<(Edit, HoldReason), Self::Error>;

    /// What there is to know of a held edit; asked of many, and so to cost little.
    fn held_facts(&mut self, held: &Self::Held) -> Result<HeldFacts, Self::Error>;
}
