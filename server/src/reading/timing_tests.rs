//! The work of an answer follows what its viewer may see, and nothing else: it is counted, in
//! statements, rows and what is opened, beside none and beside many entries that are hidden from
//! them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use diesel::connection::{Connection as _, InstrumentationEvent};
use sync_core::authority::Cursor;
use sync_core::entry::{HIDDEN_FROM_PROFESSIONALS, Write};
use sync_core::kind::{AllergyDraft, Label, OwnNoteDraft};
use sync_core::policy::RightKind;
use sync_core::reconcile::{Compare, Inventory};
use sync_core::sync::SyncRequest;

use super::answer::Start;
use super::{cursor, page};
use crate::clock::Clock as _;
use crate::ingest::{self, HandedIn, Submission, Taken};
use crate::records::AccessError;
use crate::records::world::{Phone, World, fresh_entry};
use crate::storage::met;
use crate::storage::sqlite::open_connection;

/// What an answer took.
#[derive(Debug, PartialEq, Eq)]
struct Work {
    statements: Vec<String>,
    met: u64,
    quiet: bool,
}

/// How many hidden entries there are in the one case, and in the other none.
const MANY: usize = 1_000;

/// Works an answer out on a connection of the test's own, and undoes it.
fn work(world: &World, phone: &Phone, request: SyncRequest) -> Work {
    let records = &world.records;
    let (record, person) = (phone.head.record, phone.visitor.person);
    let (sealed, compare) = (request.cursor.clone(), request.reconcile.clone());
    let cursor = sealed.and_then(|c| cursor::open(&records.keys, record, person, &c));
    let key = phone.visitor.device.expect("a key").public_key;
    let handed_in = HandedIn::unpack(record, request).expect("unpacks");
    let (server, authors) = (records.server_keys(), BTreeMap::new());
    let by = (person, &key);
    let submission = Submission::new(record, handed_in, by, cursor.as_ref(), &server, authors);
    let mut connection = open_connection(records.db.path()).expect("opens");
    let statements = Arc::new(Mutex::new(Vec::new()));
    let noted = statements.clone();
    connection.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let query = query.to_string();
            let (text, _) = query.split_once(" -- binds").unwrap_or((&query, ""));
            noted.lock().expect("not poisoned").push(text.to_owned());
        }
    });
    let before = met::all();
    let mut quiet = false;
    let undone = connection.transaction::<(), AccessError, _>(|connection| {
        let taken = Taken::default();
        let visitor = &phone.visitor;
        let pass = ingest::pass(
            records,
            connection,
            record,
            visitor,
            &submission,
            cursor.as_ref(),
            taken,
        )?;
        quiet = pass.quiet;
        page(
            records,
            connection,
            record,
            person,
            &start(cursor, compare, &pass.taken),
        )?;
        Err(AccessError::Changing)
    });
    assert!(matches!(undone, Err(AccessError::Changing)));
    let met = met::all() - before;
    let statements = statements.lock().expect("not poisoned").clone();
    Work {
        statements,
        met,
        quiet,
    }
}

fn start(cursor: Option<Cursor>, compare: Option<Compare>, taken: &Taken) -> Start {
    Start {
        floor: cursor.map_or_else(Default::default, |cursor| cursor.told),
        cursor,
        own: taken.own.clone(),
        answered: BTreeSet::new(),
        held: BTreeSet::new(),
        limit: None,
        returning: cursor.is_some(),
        compare,
        turn: Arc::default(),
    }
}

/// What four requests of a phone take: with nothing, with an edit, of a phone that is new, and of one
/// that compares its copy.
fn works(world: &World, phone: &mut Phone) -> [Work; 4] {
    let asks = phone.request();
    let fresh = SyncRequest {
        cursor: None,
        ..asks.clone()
    };
    let first = Inventory::default().first().expect("a message");
    let compares = SyncRequest {
        reconcile: Some(Compare {
            message: first.into(),
            wanted: Vec::new(),
        }),
        ..fresh.clone()
    };
    phone.allergy("Latex");
    let edits = phone.request();
    [asks, edits, fresh, compares].map(|request| work(world, phone, request))
}

fn hidden_allergy(phone: &mut Phone) {
    let mut draft = AllergyDraft {
        substance: Label::text("Pénicilline"),
        ..AllergyDraft::default()
    };
    draft.common.visibility.hidden_from_professionals = true;
    phone.write(fresh_entry(), &draft.writes().expect("an allergy"));
}

/// What an answer takes for a caregiver and for a doctor beside so many entries that the holder
/// keeps to herself, and for her beside so many results that she may not know of yet; there is one
/// of each before, since the kinds of entry there are may be told by the time.
async fn beside(hidden: usize) -> Vec<Work> {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let mut doctor = world.doctor(&mut holder).await;
    let (mut caregiver, _) = world.caregiver(&mut holder).await;
    let until = world.clock.now().plus_days(30);
    let once_seen = holder.allergy("Arachide");
    hidden_allergy(&mut holder);
    holder.note("Rien que pour moi");
    holder.sync().await;
    doctor.result("À annoncer", until);
    for phone in [&mut doctor, &mut caregiver] {
        phone.sync().await;
    }
    // Who comes later never saw this.
    holder.write(once_seen, &[Write::set(HIDDEN_FROM_PROFESSIONALS, true)]);
    holder.sync().await;
    for phone in [&mut doctor, &mut caregiver] {
        phone.sync().await;
        phone.sync().await;
    }
    for each in 0..hidden {
        match each % 2 {
            0 => hidden_allergy(&mut holder),
            _ => drop(holder.note("Rien que pour moi")),
        }
        // What is hidden is written again, too.
        let again = Write::set("notes", format!("encore {each}"));
        holder.write(once_seen, &[again]);
    }
    holder.sync().await;
    holder.sync().await;
    let mut found = Vec::new();
    for phone in [&mut caregiver, &mut doctor] {
        found.extend(works(&world, phone));
        phone.kept.unsent.clear();
    }
    for _ in 0..hidden {
        doctor.result("À annoncer", until);
    }
    doctor.sync().await;
    found.extend(works(&world, &mut holder));
    found
}

#[tokio::test]
async fn the_work_of_an_answer_does_not_follow_what_is_hidden_from_its_viewer() {
    let (none, many) = (beside(0).await, beside(MANY).await);
    for (place, (none, many)) in none.into_iter().zip(many).enumerate() {
        // The holder's new phone is given all that she wrote.
        if place < 8 {
            assert_eq!(none, many, "the answer {place}");
        }
    }
}

/// What it takes to delegate to somebody whom the rights of so many other records name.
async fn beside_named(records: u32) -> Work {
    let world = World::new();
    let person = world.person(None).await;
    for n in 0..records {
        let mut holder = world.holder(2 + n).await;
        holder.right(RightKind::Grant, person);
        holder.sync().await;
    }
    let mut holder = world.holder(1).await;
    holder.sync().await;
    holder.right(RightKind::Delegation, person);
    let request = holder.request();
    work(&world, &holder, request)
}

#[tokio::test]
async fn the_work_of_a_delegation_does_not_follow_how_many_records_name_its_person() {
    assert_eq!(beside_named(0).await, beside_named(7).await);
}

/// What it takes to hand in so many edits that are held, and then to tell the holder and to be told
/// oneself.
async fn beside_held(edits: usize) -> [u64; 4] {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let (mut caregiver, _) = world.caregiver(&mut holder).await;
    caregiver.sync().await;
    holder.sync().await;
    // Own notes are the holder's.
    let note = caregiver.note("Not mine to write");
    for each in 1..edits {
        let text = format!("once more {each}");
        caregiver.write(note, &[Write::set("text", text)]);
    }
    let request = caregiver.request();
    let handed_in = work(&world, &caregiver, request.clone()).met;
    let answer = caregiver.ask(request.clone()).await.expect("answers");
    assert_eq!(answer.outcomes.len(), edits);
    let again = work(&world, &caregiver, request).met;
    let asks = holder.request();
    let told = work(&world, &holder, asks).met;
    // An edit of another that names the entry.
    let draft = OwnNoteDraft {
        title: Label::text("Mine"),
        ..OwnNoteDraft::default()
    };
    holder.write(note, &draft.writes().expect("a note"));
    let request = holder.request();
    [handed_in, again, told, work(&world, &holder, request).met]
}

/// Anybody who once had a right may have much held: each edit of it costs the same.
#[tokio::test]
async fn the_work_beside_held_edits_is_linear() {
    let found = [
        beside_held(40).await,
        beside_held(80).await,
        beside_held(160).await,
    ];
    for place in 0..4 {
        let [few, more, many] = found.map(|found| found[place]);
        assert_eq!(many - more, 2 * (more - few), "{place}: {found:?}");
        assert!(more - few <= 40 * 8, "{place}: {found:?}");
    }
}
