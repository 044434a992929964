//! The readers that meet the outside, and what must hold of whatever they let through.

use std::collections::{BTreeMap, BTreeSet};

use clap::ValueEnum;
use jiff::civil::date;
use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sync_core::authority::Cursor;
use sync_core::change::{Origin, Provenance};
use sync_core::checkpoint::Checkpoint;
use sync_core::codec::{self, Encoding};
use sync_core::entry::{EntryDocument, EntryState, Value, Write};
use sync_core::identity::{Birthplace, Departement, Finess, IdentityTraits, Ins, InsDomain, Rpps};
use sync_core::kind::{self, Occurred};
use sync_core::merge::{self, EntryView, Viewer};
use sync_core::sign::PublicKey;
use sync_core::sync::limits::MAX_REQUEST;
use sync_core::sync::{Frame, Item, SyncAnswer, SyncRequest};
use sync_core::{Bytes, ChangeHash, DeviceTime, EntryId, Tick, guard, text, views};

use super::compare;
use super::face;
use super::mutate;
use super::passkey;
use super::seeds::{self, Base, Seeds};

/// What reads input from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// Changes: the guard, Automerge behind it, and what makes of an entry what is shown.
    Change,
    /// Entries whose changes are in order and whose values are not: their check and every view.
    Entry,
    /// Frames, as a device sends them and as the server signs them.
    Frame,
    /// Requests in CBOR.
    Request,
    /// Requests in JSON.
    RequestJson,
    /// Answers, as a phone takes them.
    Answer,
    /// What is signed: origins and checkpoints.
    Statement,
    /// Cursors in clear.
    Cursor,
    /// Identifiers, units and times as people type them.
    Text,
    /// Frames of a WebSocket, and the requests in them.
    Live,
    /// Headers that say whose a request is.
    Credentials,
    /// Cursors as they arrive, sealed.
    SealedCursor,
    /// Bodies and queries of the HTTP face but for a sync.
    Body,
    /// Passkeys and assertions, as the server checks them.
    Passkey,
    /// Assertions, as a phone checks them by itself.
    Unlock,
    /// What a phone is answered in JSON.
    Told,
    /// Messages by which two copies are compared.
    Compare,
}

/// What became of one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Let through, and good.
    Passed,
    /// Refused.
    Refused,
    /// Let through, and it does harm: says which law it breaks.
    Poison(&'static str),
}

/// Hostile input: which valid one it was made from, and its bytes.
pub(super) struct Input {
    pub seed: usize,
    pub bytes: Vec<u8>,
}

/// An entry that is written by honest programs, with dishonest values: a creation and two edits at
/// once.
#[derive(Serialize, Deserialize)]
struct Told {
    creation: Vec<Pair>,
    edits: [Vec<Pair>; 2],
}

/// A key and what is written under it.
type Pair = (String, Option<Value>);

fn pairs(writes: &[Write]) -> Vec<Pair> {
    let pair = |write: &Write| (write.key.clone(), write.value.clone());
    writes.iter().map(pair).collect()
}

fn writes(pairs: &[Pair]) -> Vec<Write> {
    let write = |(key, value): &Pair| Write {
        key: key.clone(),
        value: value.clone(),
    };
    pairs.iter().map(write).collect()
}

impl Target {
    /// All of them.
    pub fn all() -> &'static [Target] {
        Target::value_variants()
    }

    /// How much of a run it is worth: the more, the more there is behind it. Entries take the
    /// longest by far.
    pub fn weight(self) -> u64 {
        match self {
            Target::Change => 30,
            Target::Frame | Target::Request | Target::Answer | Target::Text | Target::Live => 8,
            Target::Entry => 1,
            _ => 4,
        }
    }

    /// Makes hostile input.
    pub(super) fn make(self, seeds: &Seeds, dice: &mut ChaCha8Rng) -> Input {
        let mut some = |length: usize| dice.random_range(0..length.max(1));
        let (seed, valid) = match self {
            Target::Change => {
                let at = some(seeds.bases.len());
                let next = &seeds.bases[at].next;
                (
                    at,
                    next.choose(dice).map_or(Vec::new(), |next| next.0.clone()),
                )
            }
            Target::Entry => (some(seeds.written.len()), Vec::new()),
            Target::Frame => (some(seeds.items.len()), Vec::new()),
            Target::Request => {
                let at = some(seeds.requests.len());
                (at, codec::to_cbor(&seeds.requests[at]))
            }
            Target::RequestJson => {
                let at = some(seeds.requests.len());
                (at, Encoding::Json.write(&seeds.requests[at]))
            }
            Target::Answer => {
                let at = some(seeds.answers.len());
                (at, codec::to_cbor(&seeds.answers[at]))
            }
            Target::Statement => {
                let device = some(3) as u8;
                let answer = &seeds.answers[0].checkpoint.0.payload.0;
                match dice.random_bool(0.5) {
                    true => (0, codec::to_cbor(&seeds::origin(device))),
                    false => (1, answer.clone()),
                }
            }
            Target::Cursor => {
                let at = some(seeds.cursors.len());
                (at, seeds.cursors[at].encode())
            }
            Target::Text => {
                let at = some(seeds.texts.len());
                (at, seeds.texts[at].clone().into_bytes())
            }
            Target::SealedCursor => (some(seeds.cursors.len()), Vec::new()),
            Target::Body => (some(face::BODIES), Vec::new()),
            Target::Passkey => (some(2), Vec::new()),
            Target::Told => (some(face::ANSWERS), Vec::new()),
            Target::Live | Target::Credentials | Target::Unlock | Target::Compare => {
                (0, Vec::new())
            }
        };
        let bytes = match self {
            Target::Change => mutate::change(dice, &valid),
            Target::Entry => codec::to_cbor(&told(seeds, seed, dice)),
            Target::Frame => frame(&seeds.items[seed], dice),
            Target::RequestJson | Target::Text => {
                mutate::text(dice, &String::from_utf8_lossy(&valid))
            }
            Target::Cursor => {
                let mut bytes = valid;
                mutate::bytes(dice, &mut bytes);
                bytes
            }
            Target::Request | Target::Answer | Target::Statement => mutate::cbor(dice, &valid),
            Target::Live => face::frames(seeds, dice),
            Target::Credentials => face::headers(dice),
            Target::SealedCursor => face::cursors(seeds, seed, dice),
            Target::Body => face::body(seed, dice),
            Target::Passkey => passkey::credential(seed == 0, dice),
            Target::Unlock => passkey::credential(false, dice),
            Target::Told => face::answer(seeds, seed, dice),
            Target::Compare => compare::message(dice),
        };
        Input { seed, bytes }
    }

    /// Reads it, as what meets the outside does.
    pub(super) fn run(self, seeds: &Seeds, input: &Input) -> Verdict {
        let Input { seed, bytes } = input;
        match self {
            Target::Change => change(&seeds.bases[*seed], bytes),
            Target::Entry => entry(bytes, *seed),
            Target::Frame => read_frame(bytes),
            Target::Request => same_again::<SyncRequest>(Encoding::Cbor, bytes),
            Target::RequestJson => same_again::<SyncRequest>(Encoding::Json, bytes),
            Target::Answer => match codec::from_cbor::<SyncAnswer>(bytes) {
                Ok(answer) => read_answer(&answer),
                Err(_) => Verdict::Refused,
            },
            Target::Statement if *seed == 0 => same_again::<Origin>(Encoding::Cbor, bytes),
            Target::Statement => same_again::<Checkpoint>(Encoding::Cbor, bytes),
            Target::Cursor => match Cursor::decode(bytes) {
                Some(cursor) if Cursor::decode(&cursor.encode()).is_none() => {
                    Verdict::Poison("a cursor that was read is read again")
                }
                Some(_) => Verdict::Passed,
                None => Verdict::Refused,
            },
            Target::Text => read_text(bytes),
            Target::Live => face::live(bytes),
            Target::Credentials => face::credentials(&seeds.server, bytes),
            Target::SealedCursor => face::open_cursor(&seeds.server, bytes),
            Target::Body => face::read_body(*seed, bytes),
            Target::Passkey => passkey::at_server(&seeds.ceremonies, *seed == 0, bytes),
            Target::Unlock => passkey::on_phone(&seeds.ceremonies, bytes),
            Target::Told => face::read_answer(*seed, bytes),
            Target::Compare => compare::read(bytes),
        }
    }
}

/// A message that was read says the same when it is written and read again.
pub(super) fn same_again<T: Serialize + DeserializeOwned + PartialEq>(
    encoding: Encoding,
    bytes: &[u8],
) -> Verdict {
    let Ok(message) = encoding.read::<T>(bytes) else {
        return Verdict::Refused;
    };
    match encoding.read::<T>(&encoding.write(&message)) {
        Ok(again) if again == message => Verdict::Passed,
        _ => Verdict::Poison("a message that was read says the same when it is written"),
    }
}

fn change(base: &Base, bytes: &[u8]) -> Verdict {
    let Ok(inspected) = guard::inspect(bytes) else {
        return Verdict::Refused;
    };
    let Ok((document, state, saved)) = guard::admit(&base.document, &base.state, &inspected) else {
        return Verdict::Refused;
    };
    match EntryDocument::load(&saved) {
        Ok(again) if again.state() == state && again.heads() == document.heads() => {}
        _ => return Verdict::Poison("what is let in can be loaded again"),
    }
    if kind::validate(&state).is_err() {
        return Verdict::Refused;
    }
    if let Err(law) = goes_on(&base.entry, &document, &state) {
        return Verdict::Poison(law);
    }
    look_at(&[view(base.entry, &state)]);
    Verdict::Passed
}

/// Whatever was let in, an honest device can go on from it.
fn goes_on(
    entry: &EntryId,
    document: &EntryDocument,
    state: &EntryState,
) -> Result<(), &'static str> {
    let note = [Write::set("notes", "Et ensuite.")];
    let mut mine = document.clone();
    let at = DeviceTime(1_790_000_100_000);
    let Ok((_, change)) = mine.edit(seeds::actor(77, entry), &note, at) else {
        return Err("an honest device can edit what was let in");
    };
    let admitted = guard::inspect(&change).and_then(|next| guard::admit(document, state, &next));
    match admitted {
        Ok(_) | Err(guard::Unsafe::Full) => Ok(()),
        Err(_) => Err("an honest edit of what was let in is let in"),
    }
}

/// Values that honest programs could have written, changed.
fn told(seeds: &Seeds, seed: usize, dice: &mut ChaCha8Rng) -> Told {
    let written = &seeds.written[seed];
    let other = seeds.written.choose(dice).unwrap_or(written);
    let mut told = Told {
        creation: pairs(&written.creation),
        edits: [pairs(&written.edit), pairs(&other.edit)],
    };
    for _ in 0..dice.random_range(1..4) {
        let list = match dice.random_range(0..3) {
            0 => &mut told.creation,
            1 => &mut told.edits[0],
            _ => &mut told.edits[1],
        };
        let at = dice.random_range(0..list.len().max(1));
        let Some((key, held)) = list.get_mut(at) else {
            continue;
        };
        match dice.random_range(0..8) {
            0 => drop(list.remove(at)),
            1 => *held = None,
            2 => *key = mutate::some_text(dice, key),
            3 => {
                let other = written.creation.choose(dice);
                *key = other.map(|write| write.key.clone()).unwrap_or_default();
            }
            _ => *held = Some(value(dice, held.as_ref())),
        }
    }
    told
}

fn value(dice: &mut ChaCha8Rng, was: Option<&Value>) -> Value {
    match (was, dice.random_range(0..8)) {
        (_, 0) => Value::Bool(dice.random()),
        (_, 1) => Value::Uint(mutate::some_number(dice, 3)),
        (_, 2) => Value::Int(mutate::some_number(dice, 3) as i64),
        (_, 3) => Value::Null,
        (Some(Value::Uint(was)), _) => Value::Uint(mutate::some_number(dice, *was)),
        (Some(Value::Text(was)), _) => {
            let changed = mutate::text(dice, was);
            Value::Text(String::from_utf8_lossy(&changed).into_owned())
        }
        _ => Value::Text(mutate::some_text(dice, "Pénicilline")),
    }
}

fn entry(bytes: &[u8], number: usize) -> Verdict {
    let Ok(told) = codec::from_cbor::<Told>(bytes) else {
        return Verdict::Refused;
    };
    let entry = seeds::entry_id(number);
    let at = DeviceTime(1_790_000_000_123);
    let mut begun = EntryDocument::new();
    let creation = begun.edit(seeds::actor(0, &entry), &writes(&told.creation), at);
    let Some(begun) = creation.ok().and_then(|(_, change)| {
        let none = EntryDocument::new();
        taken(&none, &none.state(), &change)
    }) else {
        return Verdict::Refused;
    };
    let mut all = begun.clone();
    for (device, told) in (1..).zip(&told.edits) {
        let actor = seeds::actor(device, &entry);
        let made = begun.clone().edit(actor, &writes(told), at);
        if let Some(next) = made
            .ok()
            .and_then(|(_, change)| taken(&all, &all.state(), &change))
        {
            all = next;
        }
    }
    let state = all.state();
    if let Err(law) = goes_on(&entry, &all, &state) {
        return Verdict::Poison(law);
    }
    let one = view(entry, &state);
    let mut other = one.clone();
    other.id = seeds::entry_id(number + 1);
    look_at(&[one, other]);
    Verdict::Passed
}

/// The document with a change, if server and phones would take it.
fn taken(document: &EntryDocument, state: &EntryState, change: &Bytes) -> Option<EntryDocument> {
    let inspected = guard::inspect(change).ok()?;
    let (document, state, _) = guard::admit(document, state, &inspected).ok()?;
    kind::validate(&state).ok()?;
    Some(document)
}

fn view(entry: EntryId, state: &EntryState) -> EntryView {
    let provenance: BTreeMap<ChangeHash, Provenance> = state
        .history
        .iter()
        .zip((0..3_u8).cycle())
        .zip(1..)
        .map(|((past, device), later)| {
            let provenance = Provenance {
                origin: seeds::origin(device),
                accepted: Some(Tick(seeds::TICK.0 + later)),
            };
            (past.hash, provenance)
        })
        .collect();
    merge::view(entry, state, &provenance)
}

/// Everything that a phone shows of them.
fn look_at(all: &[EntryView]) {
    let today = date(2026, 11, 25);
    let viewer = |device| {
        let origin = seeds::origin(device);
        Viewer {
            person: origin.author,
            role: origin.role,
        }
    };
    let facts = merge::vital(all, today);
    for device in 0..3 {
        for item in merge::review(all, &[], &viewer(device), today) {
            let _words = item.words();
        }
    }
    drop(merge::cross_flags(all, today));
    drop(merge::card(all, &BTreeSet::new(), today));
    drop(views::treatments(all, &facts, today));
    drop(views::problems(all, today));
    drop(views::timeline(all));
    drop(views::professionals_seen(all));
    drop(views::documents(all));
    drop(views::directives(all));
}

/// A frame whose content or whose shell is changed.
fn frame(items: &[Item], dice: &mut ChaCha8Rng) -> Vec<u8> {
    let mut items = items.to_vec();
    if dice.random_bool(0.3) {
        for item in &mut items {
            match dice.random_range(0..4) {
                0 => item.edit.change = mutate::change(dice, &item.edit.change.0).into(),
                1 => mutate::bytes(dice, &mut item.edit.origin.payload.0),
                2 => item.accepted = Some(Tick(mutate::some_number(dice, seeds::TICK.0))),
                _ => {}
            }
        }
    }
    let as_sent = dice.random_bool(0.5);
    let packed = match as_sent {
        true => Frame::pack(&seeds::record(), &items).ok(),
        false => seeds::pack(&items),
    };
    let Some(Frame(Bytes(mut bytes))) = packed else {
        return Vec::new();
    };
    // What is under the compression, changed, with a head that fits it.
    let head = 12;
    let tail = bytes.len() - if as_sent { 8 } else { 64 };
    match (dice.random_range(0..3), bytes.get(head..tail)) {
        (0, _) => mutate::bytes(dice, &mut bytes),
        (1, Some(body)) => {
            let body = zstd::bulk::decompress(body, 1 << 24).unwrap_or_default();
            let body = columns(dice, body);
            let Ok(small) = zstd::bulk::compress(&body, 1) else {
                return bytes;
            };
            let tail = bytes.split_off(tail);
            bytes.truncate(head);
            let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
            bytes[4..8].copy_from_slice(&length.to_le_bytes());
            if dice.random_bool(0.5) {
                let content = u32::try_from(mutate::some_number(dice, 1 << 12));
                bytes[8..12].copy_from_slice(&content.unwrap_or(u32::MAX).to_le_bytes());
            }
            bytes.extend(small);
            bytes.extend(tail);
        }
        _ => {}
    }
    bytes
}

/// The body of a frame with one of its columns changed, and the lengths that go with it.
fn columns(dice: &mut ChaCha8Rng, mut body: Vec<u8>) -> Vec<u8> {
    const COLUMNS: usize = 13;
    let mut rest = &body[..];
    let mut number = || leb128::read::unsigned(&mut rest).ok();
    let read: Option<Vec<u64>> = (0..=COLUMNS).map(|_| number()).collect();
    let Some(numbers) = read.filter(|_| dice.random_bool(0.9)) else {
        mutate::bytes(dice, &mut body);
        return body;
    };
    let mut columns = Vec::new();
    for length in &numbers[1..] {
        let length = usize::try_from(*length).unwrap_or(usize::MAX);
        let (column, after) = rest.split_at(length.min(rest.len()));
        columns.push(column.to_vec());
        rest = after;
    }
    let which = dice.random_range(0..COLUMNS);
    mutate::bytes(dice, &mut columns[which]);
    let mut changed = Vec::new();
    let mut number = |number| leb128::write::unsigned(&mut changed, number).is_ok();
    let count = match dice.random_bool(0.1) {
        true => mutate::some_number(dice, numbers[0]),
        false => numbers[0],
    };
    number(count);
    for column in &columns {
        number(column.len() as u64);
    }
    changed.extend(columns.concat());
    changed
}

fn read_frame(bytes: &[u8]) -> Verdict {
    let frame = Frame(bytes.to_vec().into());
    let record = seeds::record();
    let server = PublicKey::of(&seeds::server_key());
    let attested = frame.unpack_attested(&record, seeds::LOG, &[server]);
    let sent = frame.unpack(&record);
    let items = match (&attested, &sent) {
        (Ok(attested), _) => &attested.items,
        (_, Ok(items)) => items,
        _ => return Verdict::Refused,
    };
    // What it names are places in what it carries, whoever wrote it.
    match Frame::pack(&record, items).map(|again| again.unpack(&record)) {
        Ok(Ok(again)) if again == *items => Verdict::Passed,
        _ if items.iter().map(|item| item.edit.bytes()).sum::<usize>() > MAX_REQUEST / 2 => {
            Verdict::Passed
        }
        _ => Verdict::Poison("what was in a frame comes out of one as it was"),
    }
}

fn read_answer(answer: &SyncAnswer) -> Verdict {
    let server = PublicKey::of(&seeds::server_key());
    if let Some(news) = &answer.news {
        drop(news.unpack_attested(&seeds::record(), seeds::LOG, &[server]));
    }
    for held in &answer.held {
        drop((held.change(), held.origin()));
    }
    drop(merge::HeldForReview::read_all(&answer.held));
    drop(answer.checkpoint.open(&[server]));
    same_again::<SyncAnswer>(Encoding::Cbor, &codec::to_cbor(answer))
}

fn read_text(bytes: &[u8]) -> Verdict {
    let Ok(typed) = std::str::from_utf8(bytes) else {
        return Verdict::Refused;
    };
    drop((text::shown(typed), kind::normalise(typed)));
    let time = typed.parse::<Occurred>();
    if let Ok(time) = &time
        && (time.first_day() > time.last_day()
            || time.to_string().parse::<Occurred>().as_ref() != Ok(time))
    {
        return Verdict::Poison(
            "a time that was read has its first day before its last, and is read again",
        );
    }
    let traits = IdentityTraits::parse(typed, typed, typed, typed, typed);
    let read = [
        time.is_ok(),
        Ins::parse(typed, InsDomain::Nir).is_ok(),
        Ins::parse(typed, InsDomain::Test).is_ok(),
        Rpps::parse(typed).is_ok(),
        Finess::parse(typed).is_ok(),
        Departement::parse(typed).is_ok(),
        Birthplace::parse(typed).is_ok(),
        traits.is_ok(),
    ];
    match read.contains(&true) {
        true => Verdict::Passed,
        false => Verdict::Refused,
    }
}
