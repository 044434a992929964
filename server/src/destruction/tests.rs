mod catch_up;
mod marks;

use std::collections::BTreeSet;

use sync_core::audit::AccessEvent;
use sync_core::entry::Write;
use sync_core::guard;
use sync_core::kind::Kind;
use sync_core::policy::{Profession, RightKind, Role};
use sync_core::replica::AsideReason;
use sync_core::sync::{Frame, Outcome, Refusal, Verdict};

use super::*;
use crate::clock::Clock as _;
use crate::ingest::{self, HandedIn, Submission, Taken};
use crate::reading::cursor;
use crate::records::world::{Phone, World};
use crate::storage::sqlite::open_connection;
use crate::{audit, verify};

/// What must never be found again.
const PLANTED: &str = "Zylophénicilline";

fn verdicts(outcomes: &[Outcome]) -> Vec<Verdict> {
    outcomes
        .iter()
        .map(|outcome| outcome.verdict.clone())
        .collect()
}

/// A holder, a caregiver and a doctor, who all have two allergies that the doctor wrote.
async fn known() -> (World, Phone, Phone, Phone, EntryId, EntryId) {
    known_in(World::new()).await
}

async fn known_in(world: World) -> (World, Phone, Phone, Phone, EntryId, EntryId) {
    let mut holder = world.holder(1).await;
    let (mut caregiver, _) = world.caregiver(&mut holder).await;
    let mut doctor = world.doctor(&mut holder).await;
    let (wrong, right) = (doctor.allergy(PLANTED), doctor.allergy("Arachide"));
    for phone in [&mut doctor, &mut holder, &mut caregiver] {
        phone.sync().await;
    }
    (world, holder, caregiver, doctor, wrong, right)
}

/// The rows of an entry, and the state of its key.
async fn kept(world: &World, phone: &Phone, entry: EntryId) -> (bool, bool) {
    let (record, keys) = (phone.head.record, world.records.keys.clone());
    let job = move |c: &mut SqliteConnection| -> Result<_, Fault> {
        let (row, document) = c.entry(record, entry)?.expect("its trace stays");
        let log = c.log_of_entry(record, entry, Tick(0))?;
        assert!(!log.is_empty());
        let full = !row.class.is_empty()
            || !document.is_empty()
            || log
                .iter()
                .any(|row| !row.about.is_empty() || !row.change.is_empty());
        let vault = Vault::new(&keys, record)?;
        Ok((full, vault.entry_key(row.key)?.is_some()))
    };
    world.records.db.read(job).await.expect("reads")
}

/// How many entries a note says are to be destroyed.
async fn doomed(world: &World) -> usize {
    let noted = |c: &mut SqliteConnection| -> Result<_, Fault> { Ok(c.doomed()?.len()) };
    world.records.db.read(noted).await.expect("reads")
}

async fn writes_next(world: &World) {
    let nothing = |_: &mut SqliteConnection| -> Result<_, Fault> { Ok(()) };
    world.records.db.write(nothing).await.expect("writes");
}

async fn events(world: &World, phone: &Phone) -> Vec<AccessEvent> {
    let (record, keys) = (phone.head.record, world.records.keys.clone());
    let job = move |c: &mut SqliteConnection| -> Result<_, Fault> {
        audit::page(c, &Vault::new(&keys, record)?, 0, u32::MAX)
    };
    let chained = world.records.db.read(job).await.expect("reads");
    let read = |chained: &sync_core::audit::ChainedEvent| AccessEvent::decode(&chained.event);
    chained
        .iter()
        .map(|one| read(one).expect("an event"))
        .collect()
}

fn destroyed(events: &[AccessEvent]) -> Vec<&AccessEvent> {
    let mut all: Vec<_> = events.iter().collect();
    all.retain(|event| event.action == AccessAction::Destroy);
    all
}

async fn findings(world: &World, phone: &Phone) -> verify::Findings {
    let (record, keys) = (phone.head.record, world.records.keys.clone());
    let job = move |c: &mut SqliteConnection| {
        let mut unknown = |_: &mut SqliteConnection, _| Ok(None);
        verify::record(c, &keys, &mut unknown, record)
    };
    world.records.db.read(job).await.expect("reads")
}

async fn is_sound(world: &World, phone: &Phone) -> verify::Findings {
    let found = findings(world, phone).await;
    assert_eq!(found.wrong, []);
    found
}

/// Nothing of an entry is left on a phone.
fn is_gone(phone: &Phone, entry: EntryId) {
    assert!(!phone.has(entry));
    assert!(
        phone
            .kept
            .unsent
            .iter()
            .all(|unsent| unsent.edit.entry != entry)
    );
    assert!(
        phone
            .kept
            .aside
            .iter()
            .all(|aside| aside.edit.entry != entry)
    );
    assert!(phone.kept.held.iter().all(|held| held.edit.entry != entry));
}

/// The notes that a phone keeps of its own in what was destroyed; nothing else is left of that.
fn set_aside(phone: &Phone, entry: EntryId) -> Vec<String> {
    let aside = phone.kept.aside.iter();
    let aside = aside.filter(|aside| aside.edit.entry == entry);
    let gone = AsideReason::Refused(Refusal::Destroyed);
    let notes = aside.map(|aside| {
        assert_eq!(aside.why, gone);
        let inspected = guard::inspect(&aside.edit.change).expect("made here");
        let notes = inspected.past.wrote("notes").flatten();
        let notes = notes.and_then(|notes| notes.as_text());
        notes.expect("it wrote one").to_owned()
    });
    notes.collect()
}

#[tokio::test]
async fn a_clinicians_word_destroys_it_everywhere() {
    let (world, mut holder, mut caregiver, mut doctor, wrong, right) = known().await;
    doctor.wrong_patient(wrong);
    let (answer, report) = doctor.round().await;
    assert!(matches!(
        verdicts(&answer.outcomes)[..],
        [Verdict::Accepted(_)]
    ));
    assert_eq!(answer.destroyed, [wrong]);
    assert_eq!(report.destroyed, BTreeSet::from([wrong]));
    assert_eq!(kept(&world, &doctor, wrong).await, (false, false));
    assert_eq!(kept(&world, &doctor, right).await, (true, true));
    for phone in [&mut holder, &mut caregiver] {
        let (answer, report) = phone.round().await;
        assert_eq!(
            (answer.forget, answer.destroyed),
            (vec![wrong], vec![wrong])
        );
        assert_eq!((report.destroyed.len(), report.not_kept), (1, 0));
    }
    for phone in [&holder, &caregiver, &doctor] {
        is_gone(phone, wrong);
        assert!(phone.has(right));
        assert_eq!(phone.kept.destroyed[&wrong].not_kept, 0);
    }
    // A phone that never had it hears nothing of it.
    let (person, record) = (holder.author.person, holder.head.record);
    let mut fresh = world.phone(record, person, Role::Holder, person);
    let (answer, _) = fresh.round().await;
    assert!(answer.forget.is_empty() && answer.destroyed.is_empty());
    let events = events(&world, &holder).await;
    let [event] = destroyed(&events)[..] else {
        panic!("one destruction, one event: {events:?}");
    };
    assert_eq!(
        (event.person, &event.entries[..]),
        (doctor.author.person, &[wrong][..])
    );
    assert_eq!(event.role, Role::Professional(Profession::Physician));
    assert_eq!(event.reason.as_deref(), Some(REASON));
    let found = is_sound(&world, &holder).await;
    assert_eq!((found.destroyed, found.unfinished), (1, 0));
}

#[tokio::test]
async fn nobody_elses_word_destroys() {
    let (world, mut holder, mut caregiver, mut doctor, wrong, _) = known().await;
    // The holder did not write it, nor did the caregiver.
    holder.wrong_patient(wrong);
    holder.sync().await;
    caregiver.wrong_patient(wrong);
    caregiver.sync().await;
    // An entry of the caregiver's own, in which the doctor wrote meanwhile.
    let own = caregiver.allergy("Pollen");
    caregiver.sync().await;
    doctor.sync().await;
    doctor.write(own, &[Write::set("notes", "choc en 2019")]);
    doctor.sync().await;
    caregiver.wrong_patient(own);
    caregiver.sync().await;
    // A doctor whose right ended: held, for the holder to decide.
    let right = holder
        .kept
        .entries
        .iter()
        .find_map(|(entry, local)| (local.state().kind() == Some("grant")).then_some(*entry));
    holder.sync().await;
    holder.write(
        right.expect("granted"),
        &[Write::set("status", r#"{"status":"revoked"}"#)],
    );
    holder.sync().await;
    doctor.wrong_patient(wrong);
    let (answer, _) = doctor.round().await;
    assert!(matches!(verdicts(&answer.outcomes)[..], [Verdict::Held(_)]));
    for entry in [wrong, own] {
        assert_eq!(kept(&world, &holder, entry).await, (true, true));
    }
    assert!(destroyed(&events(&world, &holder).await).is_empty());
    is_sound(&world, &holder).await;
}

#[tokio::test]
async fn a_mark_that_was_taken_back_before_it_was_sent_destroys_nothing() {
    let (world, _, _, mut doctor, wrong, right) = known().await;
    doctor.wrong_patient(wrong);
    doctor.write(wrong, &[Write::set("status", r#"{"status":"active"}"#)]);
    doctor.wrong_patient(right);
    doctor.sync().await;
    assert_eq!(kept(&world, &doctor, wrong).await, (true, true));
    assert_eq!(kept(&world, &doctor, right).await, (false, false));
}

#[tokio::test]
async fn a_later_edit_is_refused_and_goes_with_the_entry_alone() {
    let (world, mut holder, mut caregiver, mut doctor, wrong, right) = known().await;
    for entry in [wrong, right] {
        caregiver.write(entry, &[Write::set("notes", "one")]);
        caregiver.write(entry, &[Write::set("notes", "two")]);
    }
    let late = caregiver.request();
    doctor.wrong_patient(wrong);
    doctor.sync().await;
    let answer = caregiver.ask(late).await.expect("answers");
    let gone = Verdict::Refused(Refusal::Destroyed);
    let told = verdicts(&answer.outcomes);
    assert_eq!(told[..2], [gone.clone(), gone]);
    assert!(told[2..].iter().all(|verdict| verdict.accepted().is_some()));
    let report = caregiver.receive(&answer);
    assert_eq!((report.not_kept, report.accepted.len()), (0, 2));
    assert_eq!(set_aside(&caregiver, wrong), ["one", "two"]);
    let mut kinds = report.aside.iter().map(|aside| aside.kind.clone());
    assert!(kinds.all(|kind| kind == Some(Kind::Allergy)));
    assert!(!caregiver.has(wrong) && caregiver.has(right));
    assert_eq!(caregiver.kept.destroyed[&wrong].not_kept, 0);
    holder.sync().await;
    is_gone(&holder, wrong);
    is_sound(&world, &holder).await;
    // Whoever could not see it does not learn of it.
    let stranger = world.person(None).await;
    holder.right(RightKind::Delegation, stranger);
    holder.sync().await;
    let (record, person) = (holder.head.record, holder.author.person);
    let mut stranger = world.phone(record, stranger, Role::Caregiver, person);
    stranger.sync().await;
    let hidden = holder.hidden_allergy("Cachée");
    holder.sync().await;
    holder.wrong_patient(hidden);
    holder.sync().await;
    stranger.write(
        hidden,
        &[
            Write::set("kind", "allergy"),
            Write::set("schema", sync_core::entry::Value::Uint(1)),
        ],
    );
    let (answer, _) = stranger.round().await;
    assert_eq!(
        verdicts(&answer.outcomes),
        [Verdict::Refused(Refusal::Incomplete)]
    );
    assert!(answer.destroyed.is_empty());
}

#[tokio::test]
async fn what_a_clinician_wrote_before_they_knew_of_its_authors_mark_is_not_lost() {
    let (world, mut holder, mut caregiver, mut doctor, ..) = known().await;
    let theirs = caregiver.allergy(PLANTED);
    caregiver.sync().await;
    doctor.sync().await;
    // The clinic is offline while the author takes back what nobody else has written in.
    doctor.write(theirs, &[Write::set("notes", "choc en 2019")]);
    caregiver.wrong_patient(theirs);
    caregiver.sync().await;
    assert_eq!(kept(&world, &caregiver, theirs).await, (false, false));
    let report = doctor.sync().await;
    assert_eq!(report.not_kept, 0);
    assert_eq!(set_aside(&doctor, theirs), ["choc en 2019"]);
    // Told again, it stays; and it is in the record nowhere.
    doctor.sync().await;
    assert_eq!(set_aside(&doctor, theirs), ["choc en 2019"]);
    holder.sync().await;
    is_gone(&holder, theirs);
    is_gone(&caregiver, theirs);
    is_sound(&world, &holder).await;
}

#[tokio::test]
async fn what_is_held_of_it_goes_too_and_its_author_is_told() {
    let (world, mut holder, mut caregiver, mut doctor, wrong, right) = known().await;
    let delegation =
        holder.kept.entries.iter().find_map(|(entry, local)| {
            (local.state().kind() == Some("delegation")).then_some(*entry)
        });
    caregiver.write(wrong, &[Write::set("notes", "hers")]);
    caregiver.write(right, &[Write::set("notes", "kept")]);
    let revoked = r#"{"status":"revoked"}"#;
    holder.write(
        delegation.expect("delegated"),
        &[Write::set("status", revoked)],
    );
    holder.sync().await;
    caregiver.sync().await;
    assert_eq!(caregiver.kept.aside.len(), 2);
    holder.sync().await;
    assert_eq!(holder.kept.held.len(), 2);
    doctor.wrong_patient(wrong);
    doctor.sync().await;
    for phone in [&mut holder, &mut caregiver] {
        phone.sync().await;
        assert!(!phone.has(wrong));
    }
    is_gone(&holder, wrong);
    assert_eq!(set_aside(&caregiver, wrong), ["hers"]);
    assert_eq!((caregiver.kept.aside.len(), holder.kept.held.len()), (2, 1));
    is_sound(&world, &holder).await;
}

#[tokio::test]
async fn what_the_holder_may_not_know_of_is_told_when_they_may() {
    let (world, mut holder, _, mut doctor, ..) = known().await;
    let until = world.clock.now().plus_days(1);
    let result = doctor.result(PLANTED, until);
    doctor.sync().await;
    doctor.wrong_patient(result);
    doctor.sync().await;
    let (answer, _) = holder.round().await;
    assert!(answer.forget.is_empty() && answer.destroyed.is_empty());
    let named = |events: &[AccessEvent]| {
        events
            .iter()
            .filter(|event| event.entries.contains(&result))
            .count()
    };
    assert_eq!(named(&events(&world, &holder).await), 0);
    world.clock.advance_seconds(2 * 86_400);
    holder.note("A day later");
    let (answer, _) = holder.round().await;
    assert!(answer.forget.is_empty() && answer.destroyed.is_empty());
    let events = events(&world, &holder).await;
    assert_eq!(destroyed(&events).len(), 1);
    assert_eq!(named(&events), 3);
    is_sound(&world, &holder).await;
}

/// One pass of a phone's next request through the writer; then the process ends.
async fn one_pass(records: &std::sync::Arc<Records>, phone: &mut Phone) -> ingest::Passed {
    let request = phone.request();
    let (records, visitor) = (records.clone(), phone.visitor);
    let record = phone.head.record;
    let device = visitor.device.expect("has a key");
    let handed_in = HandedIn::unpack(record, request).expect("a frame");
    let sealed = phone.head.cursor.clone().expect("it synced");
    let cursor = cursor::open(&records.keys, record, visitor.person, &sealed);
    let submission = Submission::new(
        record,
        handed_in,
        (visitor.person, &device.public_key),
        cursor.as_ref(),
        &records.server_keys(),
        std::collections::BTreeMap::new(),
    );
    let db = records.db.clone();
    let job = move |c: &mut SqliteConnection| {
        let taken = Taken::default();
        let cursor = cursor.as_ref();
        ingest::pass(&records, c, record, &visitor, &submission, cursor, taken)
    };
    db.write(job).await.expect("durable")
}

/// A pass is durable, and the process ends before the key is destroyed.
#[actix_web::test]
async fn a_start_finishes_what_a_crash_left() {
    let (mut world, running) = World::serving().await;
    let mut holder = world.holder(1).await;
    let mut doctor = world.doctor(&mut holder).await;
    let wrong = doctor.allergy(PLANTED);
    doctor.sync().await;
    doctor.wrong_patient(wrong);
    assert!(one_pass(&world.records, &mut doctor).await.done);
    assert_eq!(kept(&world, &holder, wrong).await, (false, true));
    let found = is_sound(&world, &holder).await;
    assert_eq!((found.destroyed, found.unfinished), (1, 1));
    // Not read in the meantime, though its key is there.
    let (answer, _) = holder.round().await;
    assert!(answer.news.is_none());
    let running = world
        .start_again(running, &mut [&mut holder, &mut doctor])
        .await;
    assert_eq!(kept(&world, &holder, wrong).await, (false, false));
    assert_eq!(is_sound(&world, &holder).await.unfinished, 0);
    // The answer was lost: the mark goes again, and the phone learns what became of it.
    let (answer, _) = doctor.round().await;
    assert_eq!(
        verdicts(&answer.outcomes),
        [Verdict::Refused(Refusal::Destroyed)]
    );
    is_gone(&doctor, wrong);
    running.stop().await;
}

/// The mark is taken in, and what follows it in the same request is not.
#[actix_web::test]
async fn a_start_destroys_what_a_mark_was_to_destroy() {
    let (mut world, running) = World::serving().await;
    let mut holder = world.holder(1).await;
    let mut doctor = world.doctor(&mut holder).await;
    let wrong = doctor.allergy(PLANTED);
    doctor.sync().await;
    doctor.wrong_patient(wrong);
    doctor.write(wrong, &[Write::set("notes", "seen by nobody")]);
    assert!(!one_pass(&world.slowed(), &mut doctor).await.done);
    assert_eq!(kept(&world, &holder, wrong).await, (true, true));
    let running = world
        .start_again(running, &mut [&mut holder, &mut doctor])
        .await;
    assert_eq!(kept(&world, &holder, wrong).await, (false, false));
    let found = is_sound(&world, &holder).await;
    assert_eq!((found.destroyed, found.unfinished), (1, 0));
    holder.sync().await;
    assert_eq!(destroyed(&events(&world, &holder).await).len(), 1);
    running.stop().await;
}

/// Whoever asked goes away while the writer takes the mark in: it is destroyed all the same.
#[tokio::test]
async fn a_request_that_is_dropped_leaves_no_key() {
    let (mut world, mut holder, _, mut doctor, wrong, right) = known().await;
    let mut gate = world.gated(&mut [&mut doctor]);
    doctor.wrong_patient(wrong);
    let request = doctor.request();
    {
        let answer = std::pin::pin!(doctor.ask(request));
        tokio::select! {
            _ = answer => panic!("answered before it was taken in"),
            taking = &mut gate.reached => taking.expect("taken in"),
        }
    }
    gate.open();
    // Whoever writes next finds it done.
    writes_next(&world).await;
    assert_eq!(kept(&world, &doctor, wrong).await, (false, false));
    assert_eq!(kept(&world, &doctor, right).await, (true, true));
    let lines = world.records.keys.destroyed_after(0, 10).expect("reads");
    assert_eq!(
        lines.iter().map(|line| line.entry).collect::<Vec<_>>(),
        [wrong]
    );
    let found = is_sound(&world, &holder).await;
    assert_eq!((found.destroyed, found.unfinished), (1, 0));
    holder.sync().await;
    is_gone(&holder, wrong);
}

#[tokio::test]
async fn a_store_put_back_destroys_it_again() {
    for made_before in [true, false] {
        let mut world = World::new();
        let mut holder = world.holder(1).await;
        let mut doctor = world.doctor(&mut holder).await;
        let (mut caregiver, _) = world.caregiver(&mut holder).await;
        caregiver.sync().await;
        let before = world.copy();
        let wrong = doctor.allergy(PLANTED);
        doctor.sync().await;
        for phone in [&mut holder, &mut caregiver] {
            phone.sync().await;
        }
        let after = world.copy();
        caregiver.write(wrong, &[Write::set("notes", "handed in late")]);
        doctor.wrong_patient(wrong);
        doctor.sync().await;
        let copy = if made_before { &after } else { &before };
        world.put_back(copy, &mut [&mut holder, &mut caregiver, &mut doctor]);
        let again =
            |records: std::sync::Arc<Records>| move |c: &mut SqliteConnection| replay(c, &records);
        for wanted in [1, 0] {
            let job = again(world.records.clone());
            assert_eq!(world.records.db.write(job).await.expect("replays"), wanted);
        }
        // The doctor's cursor shows that something was lost; others may come first.
        for phone in [&mut doctor, &mut caregiver, &mut holder] {
            phone.sync().await;
            phone.sync().await;
            assert!(!phone.has(wrong));
        }
        is_gone(&doctor, wrong);
        is_gone(&holder, wrong);
        assert_eq!(set_aside(&caregiver, wrong), ["handed in late"]);
        let events = events(&world, &holder).await;
        let [event] = destroyed(&events)[..] else {
            panic!("told once: {events:?}");
        };
        assert_eq!(event.role, Role::System);
        is_sound(&world, &holder).await;
    }
}

/// Neither in clear nor sealed is anything of it in the data store's files afterwards.
#[tokio::test]
async fn nothing_of_it_is_left_in_the_files() {
    let (world, holder, _, mut doctor, wrong, _) = known().await;
    let record = holder.head.record;
    let job = move |c: &mut SqliteConnection| -> Result<_, Fault> {
        let (row, document) = c.entry(record, wrong)?.expect("there");
        let log = c.log_of_entry(record, wrong, Tick(0))?;
        let log = log.into_iter().flat_map(|row| [row.about, row.change]);
        Ok([row.class, document]
            .into_iter()
            .chain(log)
            .collect::<Vec<_>>())
    };
    let sealed: Vec<Vec<u8>> = world.records.db.read(job).await.expect("reads");
    let files = |world: &World| {
        let found = std::fs::read_dir(world.dir()).expect("its directory");
        let paths = found.map(|file| file.expect("a file").path());
        let files = paths.filter(|path| path.is_file());
        files
            .flat_map(|path| std::fs::read(path).expect("a file"))
            .collect::<Vec<u8>>()
    };
    let holds = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).any(|part| part == what);
    // Ciphertexts longer than a page are split over several; their heads are not.
    let head = |sealed: &Vec<u8>| sealed[..sealed.len().min(64)].to_vec();
    let bytes = files(&world);
    assert!(sealed.iter().all(|sealed| holds(&bytes, &head(sealed))));
    doctor.wrong_patient(wrong);
    doctor.sync().await;
    // Folded in by the next writes at which nobody reads.
    for _ in 0..2 {
        writes_next(&world).await;
    }
    let bytes = files(&world);
    assert!(sealed.iter().all(|sealed| !holds(&bytes, &head(sealed))));
    assert!(!holds(&bytes, PLANTED.as_bytes()));
    let mut store = open_connection(world.records.db.path()).expect("opens");
    let whole: String = diesel::RunQueryDsl::get_result::<Integrity>(
        diesel::sql_query("PRAGMA integrity_check"),
        &mut store,
    )
    .expect("checks")
    .integrity_check;
    assert_eq!(whole, "ok");
}

#[derive(diesel::QueryableByName)]
struct Integrity {
    #[diesel(sql_type = diesel::sql_types::Text)]
    integrity_check: String,
}
