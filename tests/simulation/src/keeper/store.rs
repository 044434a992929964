//! The books as rows of a store: each sealed where it stands, and written in transactions that are
//! there whole or not at all.

use std::collections::BTreeMap;
use std::rc::Rc;

use sync_core::audit::{AccessEvent, Apart, ChainedEvent, LogHead};
use sync_core::authority::{Gone, HeldChange, Kept, RightsLedger, Shelf};
use sync_core::change::{Actor, Edit, Provenance};
use sync_core::codec;
use sync_core::entry::{EntryClass, EntryDocument};
use sync_core::sync::{HoldReason, Settlement};
use sync_core::{Bytes, ChangeHash, Digest32, EntryId, PersonId, RecordId, Tick};

use super::books::{Books, HeldRow, Line, OpenMarks, Row};
use super::push::right_entries;
use crate::dice::Dice;

/// Where a row stands: in which table, and under what name there.
pub type Place = (u8, Vec<u8>);

const RECORD: u8 = 0;
const LOG: u8 = 1;
const ENTRIES: u8 = 2;
const HELD: u8 = 3;
const ACCESS: u8 = 4;
const APART: u8 = 5;

/// A row cannot be read: its seal is not that of its content and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged;

/// All rows, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows(BTreeMap<Place, Vec<u8>>);

type RecordRow = (
    PersonId,
    Tick,
    LogHead,
    u64,
    BTreeMap<EntryId, Tick>,
    OpenMarks,
);
type LogRow = (EntryId, ChangeHash, Actor, u64, Edit, EntryClass);
type EntryRow = (
    Bytes,
    Vec<(ChangeHash, Provenance)>,
    Vec<(ChangeHash, Actor, u64, HoldReason, Tick, bool)>,
    Option<(Vec<Shelf>, Vec<(Shelf, Tick)>)>,
    u64,
);
type HeldOne = (
    Edit,
    PersonId,
    HoldReason,
    Vec<ChangeHash>,
    Tick,
    Tick,
    Option<Tick>,
    Option<Settlement>,
);
type ApartRow = (EntryId, Tick, AccessEvent);

fn seal(place: &Place, content: &[u8]) -> Digest32 {
    Digest32::of(&[&[place.0], &place.1, content])
}

const SEAL: usize = 32;

impl Rows {
    /// The rows of these books.
    pub fn of(books: &Books) -> Self {
        let mut rows = Rows(BTreeMap::new());
        let Books {
            log,
            entries,
            held,
            audit,
            head,
            apart,
            last,
            ledger,
            rights,
            destroyed,
            doomed,
            ..
        } = books;
        let record: RecordRow = (
            ledger.holder(),
            *last,
            *head,
            *rights,
            destroyed.clone(),
            doomed.clone(),
        );
        rows.put((RECORD, Vec::new()), codec::to_cbor(&record));
        for row in log {
            let Row {
                tick,
                entry,
                change,
                actor,
                seq,
                edit,
                class,
            } = &**row;
            let content = codec::to_cbor(&(entry, change, actor, seq, edit, class));
            rows.put((LOG, tick.0.to_be_bytes().to_vec()), content);
        }
        for (entry, kept) in entries {
            let held = kept.held.iter().map(|(change, held)| {
                let HeldChange {
                    actor,
                    seq,
                    reason,
                    received,
                    open,
                } = *held;
                (*change, actor, seq, reason, received, open)
            });
            let gone = kept.destroyed.as_ref();
            let row: EntryRow = (
                kept.document.save_plain().into(),
                kept.provenance
                    .iter()
                    .map(|(c, p)| (*c, p.clone()))
                    .collect(),
                held.collect(),
                gone.map(|gone| (gone.stood.clone(), gone.left.clone())),
                kept.room as u64,
            );
            let place = (ENTRIES, entry.as_bytes().to_vec());
            rows.put(place, codec::to_cbor(&row));
        }
        for (change, row) in held {
            let row = (**row).clone();
            let row: HeldOne = (
                row.edit,
                row.author,
                row.reason,
                row.follows,
                row.received,
                row.changed,
                row.due,
                row.settlement,
            );
            let place = (HELD, change.as_bytes().to_vec());
            rows.put(place, codec::to_cbor(&row));
        }
        for (at, line) in (0_u64..).zip(audit) {
            let place = (ACCESS, at.to_be_bytes().to_vec());
            rows.put(place, codec::to_cbor(&line.chained));
        }
        for (at, apart) in (0_u64..).zip(apart) {
            let row = (apart.entry, apart.until, &apart.event);
            rows.put((APART, at.to_be_bytes().to_vec()), codec::to_cbor(&row));
        }
        rows
    }

    fn put(&mut self, place: Place, mut content: Vec<u8>) {
        let seal = seal(&place, &content);
        content.extend_from_slice(&seal.0);
        self.0.insert(place, content);
    }

    /// The books of a record, read from its rows; each must be the one that was written where it
    /// stands, unless nobody looks.
    ///
    /// # Errors
    /// When one is not.
    pub fn read(&self, record: RecordId, looks: bool) -> Result<Books, Damaged> {
        let opened = |(place, sealed): (&Place, &Vec<u8>)| {
            let at = sealed.len().checked_sub(SEAL).ok_or(Damaged)?;
            let (content, sealed) = sealed.split_at(at);
            let whole = sealed == seal(place, content).0;
            match whole || !looks {
                true => Ok((place.clone(), content.to_vec())),
                false => Err(Damaged),
            }
        };
        let opened = self.0.iter().map(opened).collect::<Result<Vec<_>, _>>()?;
        let (.., content) = opened.first().map(|(p, c)| (p, c)).ok_or(Damaged)?;
        let (holder, last, head, rights, destroyed, doomed): RecordRow =
            codec::from_cbor(content).map_err(damaged)?;
        let mut books = Books::new(record, holder);
        (books.last, books.head, books.rights) = (last, head, rights);
        (books.destroyed, books.doomed) = (destroyed, doomed);
        for ((table, name), content) in &opened {
            match *table {
                LOG => books.log.push(Rc::new(log_row(number(name)?, content)?)),
                ENTRIES => {
                    let entry = EntryId::from_slice(name).ok_or(Damaged)?;
                    books.entries.insert(entry, Rc::new(kept(content)?));
                }
                HELD => {
                    let change = ChangeHash::from_slice(name).ok_or(Damaged)?;
                    books.held.insert(change, Rc::new(held(content)?));
                }
                ACCESS => {
                    let chained: ChainedEvent = codec::from_cbor(content).map_err(damaged)?;
                    let event = AccessEvent::decode(&chained.event).map_err(damaged)?;
                    books.audit.push(Rc::new(Line { chained, event }));
                }
                APART => {
                    let (entry, until, event): ApartRow =
                        codec::from_cbor(content).map_err(damaged)?;
                    books.apart.push(Apart {
                        entry,
                        until,
                        event,
                    });
                }
                _ => {}
            }
        }
        books.ledger = Rc::new(RightsLedger::new(holder, right_entries(&books)));
        Ok(books)
    }

    /// One row is not what was written there: a bit of it turned over, or another row stands there.
    pub fn rot(&mut self, dice: &mut Dice) {
        let places: Vec<Place> = self.0.keys().cloned().collect();
        let Some(place) = dice.pick(&places).cloned() else {
            return;
        };
        let misplaced = dice.percent(30);
        let others = places.iter().filter(|(table, _)| *table == place.0);
        let others: Vec<&Place> = others
            .filter(|other| misplaced && **other != place)
            .collect();
        let other = dice.pick(&others).and_then(|other| self.0.get(*other));
        if let Some(other) = other.cloned() {
            self.0.insert(place, other);
            return;
        }
        if let Some(row) = self.0.get_mut(&place) {
            let at = dice.below(row.len().max(1) as u64) as usize;
            row[at] ^= 1 << dice.below(8);
        }
    }
}

fn number(name: &[u8]) -> Result<u64, Damaged> {
    let name = name.try_into().map_err(damaged)?;
    Ok(u64::from_be_bytes(name))
}

fn damaged<E>(_: E) -> Damaged {
    Damaged
}

fn log_row(tick: u64, content: &[u8]) -> Result<Row, Damaged> {
    let (entry, change, actor, seq, edit, class): LogRow =
        codec::from_cbor(content).map_err(damaged)?;
    Ok(Row {
        tick: Tick(tick),
        entry,
        change,
        actor,
        seq,
        edit,
        class,
    })
}

fn kept(content: &[u8]) -> Result<Kept, Damaged> {
    let (document, provenance, held, gone, room): EntryRow =
        codec::from_cbor(content).map_err(damaged)?;
    if let Some((stood, left)) = gone {
        return Ok(Kept::destroyed(Gone { stood, left }));
    }
    let held = held.into_iter().map(|held| {
        let (change, actor, seq, reason, received, open) = held;
        let held = HeldChange {
            actor,
            seq,
            reason,
            received,
            open,
        };
        (change, held)
    });
    let document = EntryDocument::load(&document).map_err(damaged)?;
    let mut kept = Kept::new(document, provenance.into_iter().collect(), held.collect());
    kept.room = usize::try_from(room).map_err(damaged)?;
    Ok(kept)
}

fn held(content: &[u8]) -> Result<HeldRow, Damaged> {
    let (edit, author, reason, follows, received, changed, due, settlement): HeldOne =
        codec::from_cbor(content).map_err(damaged)?;
    Ok(HeldRow {
        edit,
        author,
        reason,
        follows,
        received,
        changed,
        due,
        settlement,
    })
}

/// What a transaction puts in a place, or that it empties it.
type Write = (Place, Option<Vec<u8>>);

/// A transaction as it is written, one write after the other, before the disk is told to sync.
pub struct Journal {
    writes: Vec<Write>,
    /// Its end names all that belongs to it.
    end: Digest32,
}

/// How a store reads what a crash left of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// All of it, if all of it is there, and else nothing.
    Whole,
    /// What there is of it.
    AnyPart,
    /// What there is of it if its end is there.
    IfItEnds,
}

impl Journal {
    /// What leads from these rows to those.
    pub fn new(before: &Rows, after: &Rows) -> Self {
        let changed = after.0.iter();
        let changed = changed.filter(|(place, row)| before.0.get(*place) != Some(*row));
        let put = changed.map(|(place, row)| (place.clone(), Some(row.clone())));
        let gone = before
            .0
            .keys()
            .filter(|place| !after.0.contains_key(*place));
        let gone = gone.map(|place| (place.clone(), None));
        let writes: Vec<Write> = put.chain(gone).collect();
        let end = digest(writes.iter().map(Some));
        Journal { writes, end }
    }

    /// The power goes before the disk has synced: of the writes that were made by then any may be
    /// there, and the last of them torn. Answers what the store reads then.
    pub fn cut(&self, before: &Rows, dice: &mut Dice, reads: Reads) -> Rows {
        let all = self.writes.len();
        // Often all of them: it is the sync that takes time.
        let made = match dice.percent(50) {
            true => all + 1,
            false => dice.below(all as u64 + 2) as usize,
        };
        let in_order = dice.percent(50);
        let mut is_left = |at: usize| at < made && (in_order || dice.percent(70));
        let left = self.writes.iter().enumerate();
        let left = left.map(|(at, write)| is_left(at).then(|| write.clone()));
        let mut left: Vec<Option<Write>> = left.collect();
        let mut ends = is_left(all);
        if made > 0 && dice.percent(30) {
            match left.get_mut(made - 1) {
                Some(Some((_, Some(row)))) => row.truncate(row.len() / 2),
                Some(write) => *write = None,
                None => ends = false,
            }
        }
        let is_taken = match reads {
            Reads::Whole => ends && digest(left.iter().map(Option::as_ref)) == self.end,
            Reads::AnyPart => true,
            Reads::IfItEnds => ends,
        };
        let mut rows = before.clone();
        for (place, row) in left.into_iter().flatten().filter(|_| is_taken) {
            match row {
                Some(row) => rows.0.insert(place, row),
                None => rows.0.remove(&place),
            };
        }
        rows
    }
}

/// What names writes: how many there are, and each as it is.
fn digest<'w>(writes: impl Iterator<Item = Option<&'w Write>>) -> Digest32 {
    let mut all = Vec::new();
    for write in writes {
        let Some(((table, name), row)) = write else {
            all.push(0);
            continue;
        };
        all.extend([1, *table, u8::from(row.is_some())]);
        for part in [name, row.as_ref().unwrap_or(&Vec::new())] {
            all.extend((part.len() as u64).to_be_bytes());
            all.extend(part);
        }
    }
    Digest32::of(&[&all])
}
