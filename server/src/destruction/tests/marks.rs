//! Marks that may yet be taken back, and what a turn with destructions costs.

use super::*;

/// Between two turns of a request somebody else's edit of the entry arrives: the mark is still the
/// request's to take back.
#[tokio::test]
async fn a_mark_in_the_middle_of_its_request_is_left_to_it() {
    let (world, mut holder, _, mut doctor, wrong, _) = known().await;
    doctor.wrong_patient(wrong);
    doctor.write(wrong, &[Write::set("status", r#"{"status":"active"}"#)]);
    assert!(!one_pass(&world.slowed(), &mut doctor).await.done);
    holder.write(wrong, &[Write::set("notes", "meanwhile")]);
    holder.sync().await;
    assert_eq!(kept(&world, &holder, wrong).await, (true, true));
    doctor.sync().await;
    assert_eq!(kept(&world, &holder, wrong).await, (true, true));
    assert!(doctor.has(wrong));
}

/// Two doctors say so, without knowing of each other: the one who takes it back speaks for themself
/// alone, and nobody waits for what they do.
#[tokio::test]
async fn a_mark_of_somebody_elses_does_not_wait_for_a_request_in_the_middle() {
    for by_clinician in [true, false] {
        let (world, mut holder, _, mut doctor, wrong, _) = known().await;
        let (person, role) = (doctor.author.person, doctor.author.role.clone());
        let record = holder.head.record;
        let mut other = world.phone(record, person, role, holder.author.person);
        other.sync().await;
        doctor.wrong_patient(wrong);
        doctor.write(wrong, &[Write::set("status", r#"{"status":"active"}"#)]);
        assert!(!one_pass(&world.slowed(), &mut doctor).await.done);
        let second = match by_clinician {
            true => &mut other,
            // They did not write it: their word destroys nothing, and that of the request may yet be
            // taken back.
            false => &mut holder,
        };
        second.wrong_patient(wrong);
        second.sync().await;
        let stays = (!by_clinician, !by_clinician);
        assert_eq!(kept(&world, &holder, wrong).await, stays);
        doctor.sync().await;
        assert_eq!(kept(&world, &holder, wrong).await, stays);
        assert_eq!(doomed(&world).await, 0);
        is_sound(&world, &holder).await;
    }
}

/// Has the store's writer do something with its connection.
async fn have(world: &World, statement: &'static str) {
    use diesel::connection::SimpleConnection as _;
    let job =
        move |c: &mut SqliteConnection| -> Result<_, Fault> { Ok(c.batch_execute(statement)?) };
    world.records.db.write(job).await.expect("done");
}

/// As a disk that is full for a moment.
const TAKES_NOTHING: &str = "CREATE TEMP TRIGGER takes_nothing BEFORE INSERT ON main.log
    BEGIN SELECT RAISE(ABORT, 'as the test wants'); END";

/// Between two turns the store begins to take nothing, for a moment. The device comes again with all of it,
/// and only then is it known whether the mark stands.
#[tokio::test]
async fn a_mark_whose_request_meets_a_passing_failure_waits_for_it_to_come_again() {
    for (status, stays) in [("active", true), ("wrong-patient", false)] {
        let (mut world, mut holder, _, mut doctor, wrong, _) = known_in(World::slow()).await;
        let mut gate = world.gated(&mut [&mut doctor]);
        doctor.wrong_patient(wrong);
        let status = format!(r#"{{"status":"{status}","reason":"looked at again"}}"#);
        doctor.write(wrong, &[Write::set("status", status.as_str())]);
        let request = doctor.request();
        {
            let mut answer = std::pin::pin!(doctor.ask(request));
            let mut full = std::pin::pin!(have(&world, TAKES_NOTHING));
            tokio::select! {
                _ = &mut answer => panic!("answered before it was taken in"),
                taking = &mut gate.reached => taking.expect("taken in"),
            }
            assert!(futures_util::poll!(&mut full).is_pending());
            gate.open();
            full.await;
            let failed = answer.await.map(drop).expect_err("nothing is taken");
            assert!(matches!(failed, crate::records::AccessError::Fault(_)));
        }
        have(&world, "DROP TRIGGER takes_nothing").await;
        assert_eq!(kept(&world, &holder, wrong).await, (true, true));
        assert_eq!(doomed(&world).await, 1);
        // Others see it as withdrawn, and may write in it.
        holder.sync().await;
        assert_eq!(kept(&world, &holder, wrong).await, (true, true));
        doctor.sync().await;
        assert_eq!(kept(&world, &holder, wrong).await, (stays, stays));
        is_sound(&world, &holder).await;
    }
}

/// Does something whenever the store's writer is asked something of this kind.
async fn whenever(world: &World, asked: &'static str, does: impl Fn() + Send + 'static) {
    use diesel::Connection as _;
    use diesel::connection::InstrumentationEvent;
    let watch = move |c: &mut SqliteConnection| -> Result<(), Fault> {
        c.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event
                && query.to_string().starts_with(asked)
            {
                does();
            }
        });
        Ok(())
    };
    world.records.db.write(watch).await.expect("watched");
}

/// Somebody marks many entries at once: others have their turn in between.
#[tokio::test]
async fn destructions_count_against_the_turn() {
    let (world, holder, _, mut doctor, wrong, right) = known().await;
    let clock = world.clock.clone();
    whenever(&world, "INSERT INTO `destroyed`", move || {
        clock.advance_micros(30_000)
    })
    .await;
    for entry in [wrong, right] {
        doctor.wrong_patient(entry);
    }
    let passed = one_pass(&world.records, &mut doctor).await;
    assert!(!passed.done);
    let gone: Vec<_> = passed
        .taken
        .destroyed
        .iter()
        .map(|(entry, _)| *entry)
        .collect();
    assert_eq!(gone, [wrong]);
    doctor.sync().await;
    assert!(!kept(&world, &holder, right).await.0);
}

/// How many times entries are read for a request of so many marks, with a later edit of each entry,
/// of which every turn takes one edit.
async fn entries_read(marks: usize) -> usize {
    let (world, mut holder, _, mut doctor, _, _) = known_in(World::slow()).await;
    let entries: Vec<EntryId> = (0..marks).map(|_| doctor.allergy(PLANTED)).collect();
    doctor.sync().await;
    for entry in &entries {
        doctor.wrong_patient(*entry);
    }
    for entry in &entries {
        doctor.write(*entry, &[Write::set("notes", "still to come")]);
    }
    let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counts = count.clone();
    whenever(&world, "SELECT `entries`", move || {
        counts.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    })
    .await;
    doctor.round().await;
    for entry in entries {
        assert_eq!(kept(&world, &doctor, entry).await, (false, false));
    }
    assert_eq!(doomed(&world).await, 0);
    is_sound(&world, &holder).await;
    holder.sync().await;
    count.load(std::sync::atomic::Ordering::SeqCst)
}

/// What a turn takes follows its own edits, and not how many marks wait for theirs.
#[tokio::test]
async fn marks_that_wait_cost_a_turn_nothing() {
    let (few, more, many) = (
        entries_read(3).await,
        entries_read(6).await,
        entries_read(12).await,
    );
    assert!(few > 0);
    assert_eq!(many - more, 2 * (more - few));
}

/// However many shelves there are, of one entry they are asked once.
#[tokio::test]
async fn what_an_entry_left_is_asked_once() {
    let (world, mut holder, _, mut doctor, wrong, _) = known().await;
    for title in ["one", "two"] {
        holder.note(title);
        holder.hidden_allergy(title);
    }
    holder.sync().await;
    let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counts = count.clone();
    whenever(&world, "SELECT `departures`", move || {
        counts.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    })
    .await;
    doctor.wrong_patient(wrong);
    one_pass(&world.records, &mut doctor).await;
    assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), 1);
    assert!(!kept(&world, &holder, wrong).await.0);
}

#[tokio::test]
async fn a_mark_whose_later_edit_is_not_taken_destroys() {
    let (world, holder, _, mut doctor, wrong, right) = known_in(World::slow()).await;
    for entry in [wrong, right] {
        doctor.wrong_patient(entry);
    }
    doctor.write(wrong, &[Write::set("notes", "damaged on its way")]);
    let mut request = doctor.request();
    let frame = request.edits.take().expect("edits");
    let mut items = frame.unpack(&doctor.head.record).expect("a frame");
    let last = items.last_mut().expect("three");
    let end = last.edit.change.0.len() - 1;
    last.edit.change.0[end] ^= 1;
    let packed = Frame::pack(&doctor.head.record, &items);
    request.edits = Some(packed.expect("packs"));
    let answer = doctor.ask(request).await.expect("answers");
    assert_eq!(
        verdicts(&answer.outcomes)[2],
        Verdict::Refused(Refusal::Malformed)
    );
    for entry in [wrong, right] {
        assert_eq!(kept(&world, &holder, entry).await, (false, false));
    }
    is_sound(&world, &holder).await;
}

/// Between two turns of a request its session ends: what is in the record already stands.
#[tokio::test]
async fn a_mark_whose_request_is_cut_short_destroys() {
    let (mut world, mut holder, _, mut doctor, wrong, _) = known_in(World::slow()).await;
    let mut gate = world.gated(&mut [&mut doctor]);
    doctor.wrong_patient(wrong);
    doctor.write(wrong, &[Write::set("status", r#"{"status":"active"}"#)]);
    let request = doctor.request();
    let signed_in = doctor.clone();
    {
        let mut answer = std::pin::pin!(doctor.ask(request));
        let mut out = std::pin::pin!(world.sign_out(&signed_in));
        tokio::select! {
            _ = &mut answer => panic!("answered before it was taken in"),
            taking = &mut gate.reached => taking.expect("taken in"),
        }
        tokio::select! {
            biased;
            () = &mut out => panic!("the writer is kept"),
            () = std::future::ready(()) => {}
        }
        gate.open();
        out.await;
        let refused = answer.await.map(drop).expect_err("signed out");
        assert!(matches!(refused, crate::records::AccessError::SignedOut));
    }
    assert_eq!(kept(&world, &holder, wrong).await, (false, false));
    is_sound(&world, &holder).await;
    holder.sync().await;
    is_gone(&holder, wrong);
}

/// The key store is an older copy than the data: what was marked stays noted until the right one is
/// back.
#[tokio::test]
async fn a_mark_waits_for_a_key_that_is_missing() {
    let (mut world, mut holder, _, mut doctor, wrong, _) = known().await;
    doctor.wrong_patient(wrong);
    doctor.write(wrong, &[Write::set("notes", "still to come")]);
    assert!(!one_pass(&world.slowed(), &mut doctor).await.done);
    let record = holder.head.record;
    let noted = async |world: &World| {
        let noted = |c: &mut SqliteConnection| -> Result<_, Fault> { Ok(c.doomed()?) };
        world.records.db.read(noted).await.expect("reads")
    };
    let before = noted(&world).await;
    let [(_, _, marks)] = &before[..] else {
        panic!("one mark: {before:?}");
    };
    let marks: ingest::OpenMarks = [(wrong, marks.clone())].into();
    // By a start, and by the end of a request.
    let decided = async |world: &World, of_request: bool| {
        let (records, marks) = (world.records.clone(), marks.clone());
        let only = move |c: &mut SqliteConnection| {
            decide(c, &records, of_request.then_some((record, &marks)))
        };
        let gone = world.records.db.write(only).await.expect("decides");
        gone.into_iter().map(|(entry, _)| entry).collect::<Vec<_>>()
    };
    let phones = &mut [&mut holder, &mut doctor];
    let right = world.lose_entry_key((record, wrong), phones);
    for without_record in [false, true] {
        if without_record {
            world.lose_key(record, phones);
        }
        for of_request in [false, true] {
            assert_eq!(decided(&world, of_request).await, []);
            assert_eq!(noted(&world).await, before);
        }
    }
    world.put_keys_back(&right, phones);
    assert_eq!(kept(&world, &holder, wrong).await, (true, true));
    assert_eq!(decided(&world, false).await, [wrong]);
    assert_eq!(noted(&world).await, []);
    assert_eq!(kept(&world, &holder, wrong).await, (false, true));
}

/// Of a mark that waited, the start of the server destroys, and no change of the log says so: what
/// somebody was about to be given then is worked out anew.
#[tokio::test]
async fn what_is_destroyed_while_an_answer_is_worked_out_is_not_given() {
    let (mut world, mut holder, _, mut doctor, wrong, right) = known().await;
    doctor.wrong_patient(wrong);
    doctor.write(wrong, &[Write::set("notes", "still to come")]);
    assert!(!one_pass(&world.slowed(), &mut doctor).await.done);
    let mut gate = world.gated_reader(&mut [&mut holder]);
    holder.head.forget_cursor();
    let mut request = holder.request();
    request.reconcile = None;
    let answer = {
        let mut answer = std::pin::pin!(holder.ask(request));
        tokio::select! {
            _ = &mut answer => panic!("answered before it was worked out"),
            reached = &mut gate.reached => reached.expect("being worked out"),
        }
        let records = world.records.clone();
        let decide = move |c: &mut SqliteConnection| decide(c, &records, None);
        assert_eq!(
            world.records.db.write(decide).await.expect("decided").len(),
            1
        );
        gate.open();
        answer.await.expect("answers")
    };
    let log = answer.checkpoint.seen().expect("a checkpoint").log;
    let news = answer.news.as_ref().expect("some");
    let news = news.unpack_attested(&holder.head.record, log, &holder.head.server_keys);
    let given: BTreeSet<EntryId> = news
        .expect("a frame")
        .items
        .iter()
        .map(|i| i.edit.entry)
        .collect();
    assert!(given.contains(&right) && !given.contains(&wrong));
}

/// Whoever asked goes away between two turns: what they took back was never meant to stand.
#[tokio::test]
async fn a_dropped_request_is_taken_in_to_its_end() {
    let (mut world, mut holder, _, mut doctor, wrong, _) = known_in(World::slow()).await;
    let mut gate = world.gated(&mut [&mut doctor]);
    let mut heard = world.records.hub.listen(holder.head.record);
    doctor.wrong_patient(wrong);
    doctor.write(wrong, &[Write::set("status", r#"{"status":"active"}"#)]);
    let request = doctor.request();
    {
        let answer = std::pin::pin!(doctor.ask(request));
        tokio::select! {
            _ = answer => panic!("answered before it was taken in"),
            taking = &mut gate.reached => taking.expect("taken in"),
        }
    }
    gate.open();
    // Both turns are told of, though nobody waits for them.
    for _ in 0..2 {
        heard.changed().await;
    }
    writes_next(&world).await;
    assert_eq!(kept(&world, &doctor, wrong).await, (true, true));
    is_sound(&world, &holder).await;
    holder.sync().await;
    let status = holder.kept.entries[&wrong].state();
    assert!(format!("{status:?}").contains("active"));
}

/// A mark that stands, and that no request may take back, is not to be found beside its entry.
#[tokio::test]
async fn a_mark_that_should_have_destroyed_does_not_verify() {
    let (world, holder, _, mut doctor, wrong, _) = known().await;
    doctor.wrong_patient(wrong);
    doctor.write(wrong, &[Write::set("notes", "still to come")]);
    assert!(!one_pass(&world.slowed(), &mut doctor).await.done);
    assert_eq!(is_sound(&world, &holder).await.marked, 1);
    have(&world, "DELETE FROM doomed").await;
    let found = findings(&world, &holder).await;
    let wrongs: Vec<_> = found.wrong.iter().map(|wrong| wrong.entry).collect();
    assert_eq!((wrongs, found.marked), (vec![Some(wrong)], 0));
}
