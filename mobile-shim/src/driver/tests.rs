use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sync_core::EntryId;
use sync_core::entry::{KIND, Write};

use super::sync::{ask, take};
use super::*;
use crate::device::{Watching, lock};
use crate::error::{CarnetError, Error};
use crate::testing::{FakeServer, PatientClock, Phone, RECORD, Trouble, problem};
use crate::witness;

fn note(phone: &Phone, text: &str) -> EntryId {
    let id = phone.device.new_entry_id().unwrap();
    let now = phone.device.clock().now();
    let mut store = phone.device.store();
    let author = store.author(&phone.profile, &RECORD).unwrap();
    store
        .with_replica::<_, Error>(&phone.profile, &RECORD, |head, rows| {
            let writes = [
                Write::set(KIND, "own-note"),
                Write::set("label", r#"{"text":"note"}"#),
                Write::set("text", text),
            ];
            Ok(head.edit(rows, &author, id, &writes, Vec::new(), now)?)
        })
        .unwrap();
    drop(store);
    phone
        .device
        .lane(&phone.profile, &RECORD)
        .edited
        .notify_one();
    id
}

async fn sync(phone: &Phone, attempts: u32) -> Result<SyncResult, Error> {
    let patience = Patience::Attempts(attempts);
    let cancel = Cancel::default();
    synchronise(
        &phone.device,
        &phone.profile,
        &RECORD,
        patience,
        &cancel,
        None,
    )
    .await
}

fn entries(phone: &Phone) -> usize {
    let mut store = phone.device.store();
    store.rows(&phone.profile, &RECORD).count().unwrap()
}

fn waiting(phone: &Phone) -> usize {
    let mut store = phone.device.store();
    store.rows(&phone.profile, &RECORD).waiting().unwrap()
}

#[tokio::test]
async fn an_edit_made_offline_reaches_another_phone_in_one_round_trip_each() {
    let server = FakeServer::new();
    let (one, other) = (Phone::new(&server, 1), Phone::new(&server, 2));
    note(&one, "first");
    note(&one, "second");
    let sent = sync(&one, 1).await.unwrap();
    // What the device made itself is no news, though the server names it.
    assert_eq!((sent.accepted, sent.received, sent.round_trips), (2, 0, 1));
    assert!(sent.bytes_up > 0 && sent.bytes_down > 0);
    let got = sync(&other, 1).await.unwrap();
    assert_eq!((got.changed, got.received, got.round_trips), (2, 2, 1));
    assert_eq!((entries(&other), waiting(&one)), (2, 0));
}

#[tokio::test]
async fn what_was_sent_but_not_answered_is_sent_again_and_recognised() {
    let server = FakeServer::new();
    let phone = Phone::new(&server, 1);
    note(&phone, "once");
    server.next(Trouble::AnswerLost);
    let summary = sync(&phone, 2).await.unwrap();
    assert_eq!((summary.accepted, summary.round_trips), (1, 1));
    assert_eq!((server.log_length(), waiting(&phone)), (1, 0));
}

#[tokio::test]
async fn a_long_record_comes_page_by_page_and_goes_on_where_it_was_broken_off() {
    let server = FakeServer::new();
    let (one, other) = (Phone::new(&server, 1), Phone::new(&server, 2));
    for number in 0..10 {
        note(&one, &number.to_string());
    }
    sync(&one, 1).await.unwrap();
    server.pages_of(3);
    let cancel = Cancel::default();
    let seen = Arc::new(Seen(cancel.clone(), Mutex::default()));
    let broken_off = synchronise(
        &other.device,
        &other.profile,
        &RECORD,
        Patience::Endless,
        &cancel,
        Some(&*seen),
    );
    assert!(matches!(broken_off.await, Err(Error::Cancelled)));
    assert_eq!((entries(&other), *lock(&seen.1)), (3, 1));
    let rest = sync(&other, 1).await.unwrap();
    assert_eq!((rest.changed, rest.round_trips), (7, 3));
    assert_eq!(entries(&other), 10);
}

#[tokio::test]
async fn a_request_that_is_never_answered_is_cancelled() {
    let server = FakeServer::new();
    let phone = Phone::new(&server, 1);
    note(&phone, "kept");
    server.next(Trouble::Silence);
    let cancel = Cancel::default();
    let (device, profile) = (&phone.device, &phone.profile);
    let endless = Patience::Endless;
    let syncing = synchronise(device, profile, &RECORD, endless, &cancel, None);
    let stopping = async {
        server.silent().await;
        cancel.cancel();
    };
    let (ended, ()) = tokio::join!(syncing, stopping);
    assert!(matches!(ended, Err(Error::Cancelled)));
    assert_eq!(sync(&phone, 1).await.unwrap().accepted, 1);
}

/// Cancels after the first round.
struct Seen(Cancel, Mutex<u32>);

impl Progress for Seen {
    fn progressed(&self, so_far: &SyncResult, _: usize) {
        *lock(&self.1) += so_far.round_trips;
        self.0.cancel();
    }
}

#[tokio::test]
async fn a_queue_larger_than_a_request_goes_out_in_several() {
    let server = FakeServer::new();
    let phone = Phone::new(&server, 1);
    let long = "é".repeat(30_000);
    for _ in 0..20 {
        note(&phone, &long);
    }
    let summary = sync(&phone, 1).await.unwrap();
    assert_eq!((summary.accepted, summary.round_trips), (20, 2));
    assert_eq!(waiting(&phone), 0);
}

/// Text that does not compress to much less.
fn long_text(rng: &mut fastrand::Rng) -> String {
    (0..4_000).map(|_| rng.alphanumeric()).collect()
}

#[tokio::test]
async fn a_line_too_slow_for_large_messages_carries_the_record_in_small_ones() {
    let server = FakeServer::new();
    let (one, other) = (Phone::new(&server, 1), Phone::new(&server, 2));
    let mut rng = fastrand::Rng::with_seed(5);
    for _ in 0..60 {
        note(&one, &long_text(&mut rng));
    }
    server.narrow(40_000);
    let sent = sync(&one, 4).await.unwrap();
    assert_eq!((sent.accepted, waiting(&one)), (60, 0));
    let got = sync(&other, 4).await.unwrap();
    assert_eq!((got.received, entries(&other)), (60, 60));
    // What went through quickly was followed by more at once, and what broke by less.
    let asked = server.requests();
    assert!(asked.iter().any(|request| request.limit.is_none()));
    assert!(
        asked
            .iter()
            .all(|request| request.limit.is_none_or(|limit| limit >= 1 << 14))
    );
}

#[tokio::test]
async fn a_body_that_is_too_large_for_a_proxy_goes_in_parts_without_waiting() {
    let server = FakeServer::new();
    let phone = Phone::new(&server, 1);
    note(&phone, "kept");
    (0..3).for_each(|_| server.next(Trouble::Reply(problem(413, "too-large"))));
    assert_eq!(sync(&phone, 1).await.unwrap().accepted, 1);
    assert!(lock(&phone.clock.waits).is_empty());
    (0..9).for_each(|_| server.next(Trouble::Reply(problem(413, "too-large"))));
    assert!(matches!(
        sync(&phone, 1).await,
        Err(Error::Problem { status: 413, .. })
    ));
}

#[tokio::test]
async fn retries_wait_longer_and_longer_then_give_up() {
    let server = FakeServer::new();
    let phone = Phone::new(&server, 1);
    (0..3).for_each(|_| server.next(Trouble::Unreachable));
    assert!(matches!(
        sync(&phone, 3).await,
        Err(Error::Net(NetError::Unreachable))
    ));
    let waits = lock(&phone.clock.waits).clone();
    assert_eq!(waits.len(), 2);
    let backoff = Backoff::default();
    assert!(
        waits
            .iter()
            .enumerate()
            .all(|(n, wait)| *wait <= backoff.bound(n as u32))
    );
    sync(&phone, 1).await.unwrap();
}

#[tokio::test]
async fn a_server_that_asks_for_time_gets_it() {
    let server = FakeServer::new();
    let phone = Phone::new(&server, 1);
    let mut busy = problem(503, "unavailable");
    busy.retry_after = Some(Duration::from_secs(7));
    server.next(Trouble::Reply(busy));
    sync(&phone, 2).await.unwrap();
    assert!(lock(&phone.clock.waits)[0] >= Duration::from_secs(7));
}

/// What others wrote does not wait for the room that one's own edits need.
#[tokio::test]
async fn a_server_without_room_for_edits_still_tells_what_is_new() {
    let server = FakeServer::new();
    let (phone, other) = (Phone::new(&server, 1), Phone::new(&server, 2));
    for text in ["one", "two", "three"] {
        note(&other, text);
    }
    sync(&other, 1).await.unwrap();
    server.pages_of(1);
    server.no_room(true);
    note(&phone, "mine");
    let refused = sync(&phone, 1).await;
    assert!(matches!(refused, Err(Error::Problem { status: 507, .. })));
    assert_eq!((entries(&phone), waiting(&phone)), (4, 1));
    server.no_room(false);
    sync(&phone, 1).await.unwrap();
    assert_eq!((waiting(&phone), server.log_length()), (0, 4));
}

/// What takes something back is taken where other edits wait, so it has to come along with them,
/// however often they were told to.
#[tokio::test]
async fn edits_that_wait_for_room_do_not_make_requests_smaller() {
    let server = FakeServer::new();
    let phone = Phone::new(&server, 1);
    for each in 0..100 {
        note(&phone, &format!("{each} {}", "long ".repeat(200)));
    }
    server.no_room(true);
    for _ in 0..4 {
        let refused = sync(&phone, 3).await;
        assert!(matches!(refused, Err(Error::Problem { status: 507, .. })));
    }
    server.no_room(false);
    let done = sync(&phone, 1).await.unwrap();
    assert_eq!((done.accepted, done.round_trips), (100, 1));
}

/// Nor does a live line that is closed for want of room.
#[tokio::test]
async fn a_line_closed_for_want_of_room_does_not_make_requests_smaller() {
    let server = FakeServer::new();
    server.no_room(true);
    let phone = Phone::with_clock(&server, 2, true, PatientClock::default());
    for each in 0..100 {
        note(&phone, &format!("{each} {}", "long ".repeat(200)));
    }
    let (stop, waits) = (Cancel::default(), AtomicUsize::new(0));
    let told = |live| {
        if live == LiveState::Waiting && waits.fetch_add(1, Ordering::Relaxed) == 3 {
            stop.cancel();
        }
    };
    let ended = follow(&phone.device, &phone.profile, &RECORD, &stop, &told).await;
    assert!(matches!(ended, Err(Error::Cancelled)));
    server.no_room(false);
    let done = sync(&phone, 1).await.unwrap();
    assert_eq!((done.accepted, done.round_trips), (100, 1));
}

#[tokio::test]
async fn an_ended_session_asks_for_a_sign_in_and_keeps_the_edits() {
    let server = FakeServer::new();
    let phone = Phone::new(&server, 1);
    note(&phone, "kept");
    server.next(Trouble::Reply(problem(401, "not-signed-in")));
    assert!(matches!(sync(&phone, 5).await, Err(Error::SignInNeeded)));
    assert!(matches!(sync(&phone, 5).await, Err(Error::SignInNeeded)));
    assert_eq!((waiting(&phone), server.requests().len()), (1, 0));
}

#[tokio::test]
async fn offline_by_choice_asks_nobody() {
    let server = FakeServer::new();
    let phone = Phone::new(&server, 1);
    phone.device.set_offline(true).unwrap();
    assert!(matches!(sync(&phone, 5).await, Err(Error::StayingOffline)));
    assert!(server.requests().is_empty());
    phone.device.set_offline(false).unwrap();
    sync(&phone, 1).await.unwrap();
}

#[tokio::test]
async fn a_held_edit_is_set_aside_and_others_go_on() {
    let server = FakeServer::new();
    let phone = Phone::new(&server, 1);
    note(&phone, "held");
    server.hold_edits(true);
    let summary = sync(&phone, 1).await.unwrap();
    assert_eq!((summary.held, entries(&phone), waiting(&phone)), (1, 0, 0));
    server.hold_edits(false);
    note(&phone, "welcome");
    assert_eq!(sync(&phone, 1).await.unwrap().accepted, 1);
}

#[tokio::test]
async fn an_answer_that_another_overtook_is_asked_for_again() {
    let server = FakeServer::new();
    let (one, other) = (Phone::new(&server, 1), Phone::new(&server, 2));
    let late = sync::ask(&one.device, &one.profile, &RECORD).unwrap();
    let late = server.answer(&late);
    note(&other, "meanwhile");
    sync(&other, 1).await.unwrap();
    sync(&one, 1).await.unwrap();
    let cancel = Cancel::default();
    let taken = sync::take(&one.device, &one.profile, &RECORD, &late, &cancel);
    assert!(matches!(taken, Err(Error::Overtaken)));
    assert_eq!(entries(&one), 1);
}

struct Told(tokio::sync::mpsc::UnboundedSender<Vec<EntryId>>);

impl Watching for Told {
    fn entries_changed(&self, changed: &[EntryId], _: &[EntryId]) {
        let _ = self.0.send(changed.to_vec());
    }
}

#[tokio::test]
async fn live_phones_see_each_others_edits_as_they_are_made() {
    let server = FakeServer::new();
    let phone = |number| Phone::with_clock(&server, number, true, PatientClock::by_hand());
    let (one, other) = (phone(1), phone(2));
    let (told, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let row = other.profile.row;
    let _watch = other.device.watch(row, RECORD, Arc::new(Told(told)));
    let stop = Cancel::default();
    let (state, mut states) = tokio::sync::mpsc::unbounded_channel();
    let lives: Vec<_> = [&one, &other]
        .map(|phone| {
            let (device, profile) = (phone.device.clone(), phone.profile.clone());
            let (stop, state) = (stop.clone(), state.clone());
            tokio::spawn(async move {
                let told = move |live| state.send(live).unwrap();
                follow(&device, &profile, &RECORD, &stop, &told).await
            })
        })
        .into();
    assert_eq!(states.recv().await, Some(LiveState::Live));
    assert_eq!(states.recv().await, Some(LiveState::Live));
    let id = note(&one, "now");
    assert_eq!(hears.recv().await, Some(vec![id]));
    stop.cancel();
    for live in lives {
        assert!(matches!(live.await.unwrap(), Err(Error::Cancelled)));
    }
}

/// A phone that follows the record, on a clock that is moved by hand.
struct Following {
    phone: Phone,
    states: tokio::sync::mpsc::UnboundedReceiver<LiveState>,
    _live: tokio::task::JoinHandle<()>,
}

impl Following {
    async fn new(server: &Arc<FakeServer>) -> Self {
        let phone = Phone::with_clock(server, 1, true, PatientClock::by_hand());
        let (device, profile) = (phone.device.clone(), phone.profile.clone());
        let (state, mut states) = tokio::sync::mpsc::unbounded_channel();
        let live = tokio::spawn(async move {
            let told = move |live| {
                let _ = state.send(live);
            };
            let _ = follow(&device, &profile, &RECORD, &Cancel::default(), &told).await;
        });
        assert_eq!(states.recv().await, Some(LiveState::Live));
        // One wait begins with the line, the next when its first answer is taken.
        phone.clock.begun(live::SILENCE, 2).await;
        Following {
            phone,
            states,
            _live: live,
        }
    }
}

/// What a server that was put back has lost goes to it over the line, though it is more than one
/// request carries and nothing else happens.
#[tokio::test]
async fn a_line_carries_all_that_is_handed_back() {
    let server = FakeServer::new();
    let phone = Phone::with_clock(&server, 1, true, PatientClock::by_hand());
    let mut rng = fastrand::Rng::with_seed(8);
    for _ in 0..300 {
        note(&phone, &long_text(&mut rng));
    }
    assert!(sync(&phone, 1).await.unwrap().round_trips > 1);
    server.put_back();
    note(&phone, "new");
    let stop = Cancel::default();
    let told = |state| assert_eq!(state, LiveState::Live);
    let live = follow(&phone.device, &phone.profile, &RECORD, &stop, &told);
    let stopping = async {
        server.has(301).await;
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(live, stopping);
    assert!(matches!(ended, Err(Error::Cancelled)));
}

#[tokio::test]
async fn a_line_on_which_the_server_pings_stays_and_a_silent_one_is_opened_anew() {
    let server = FakeServer::new();
    let mut following = Following::new(&server).await;
    let clock = following.phone.clock.clone();
    let second = Duration::from_secs(1);
    for pings in 1..=3 {
        clock.pass(live::SILENCE - second);
        server.ping();
        clock.begun(live::SILENCE, 2 + pings).await;
    }
    assert!(following.states.try_recv().is_err());
    clock.pass(live::SILENCE);
    assert_eq!(following.states.recv().await, Some(LiveState::Polling));
    assert_eq!(server.lines_opened(), 1);
    clock.pass(live::SILENCE);
    assert_eq!(following.states.recv().await, Some(LiveState::Live));
    assert_eq!(server.lines_opened(), 2);
}

#[tokio::test]
async fn edits_made_while_the_line_was_dead_go_out_once_it_is_known_to_be() {
    let server = FakeServer::new();
    let mut following = Following::new(&server).await;
    let clock = following.phone.clock.clone();
    server.kill_lines();
    note(&following.phone, "into the dead line");
    clock.begun(live::ANSWER, 2).await;
    note(&following.phone, "behind it");
    assert_eq!((server.log_length(), waiting(&following.phone)), (0, 2));
    clock.pass(live::ANSWER);
    assert_eq!(following.states.recv().await, Some(LiveState::Polling));
    assert_eq!((server.log_length(), waiting(&following.phone)), (2, 0));
}

#[tokio::test]
async fn without_a_line_live_asks_now_and_then() {
    let server = FakeServer::new();
    let phone = Phone::with_lines(&server, 1, false);
    let stop = Cancel::default();
    let seen = Mutex::new(0);
    let state = |live| {
        assert_eq!(live, LiveState::Polling);
        *lock(&seen) += 1;
        if *lock(&seen) == 3 {
            stop.cancel();
        }
    };
    let ended = follow(&phone.device, &phone.profile, &RECORD, &stop, &state).await;
    assert!(matches!(ended, Err(Error::Cancelled)));
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn errors_repeat_neither_content_nor_identity() {
    let server = FakeServer::new();
    let phone = Phone::new(&server, 1);
    note(&phone, "pénicilline");
    let mut odd = problem(403, "Jeanne Martin");
    for reply in [problem(403, "not-permitted"), odd.clone(), {
        odd.status = 200;
        odd
    }] {
        server.next(Trouble::Reply(reply));
        let error = sync(&phone, 1).await.unwrap_err();
        let inner = format!("{error} {error:?}");
        let public = CarnetError::from(error);
        let texts = format!("{inner} {public} {public:?}");
        // The person who asked may be shown it.
        if let CarnetError::ServerProblem { detail, .. } = &public {
            assert_eq!(detail.as_deref(), Some("Jeanne Martin"));
        }
        for planted in [
            "Jeanne",
            "Martin",
            "nicilline",
            "a-bearer-token",
            "localhost",
        ] {
            assert!(!texts.contains(planted), "{texts}");
        }
    }
}

#[tokio::test]
async fn the_heads_that_the_server_signs_are_kept_each_once() {
    let server = FakeServer::new();
    let phone = Phone::new(&server, 1);
    let noted = || {
        let mut store = phone.device.store();
        let mut rows = store.rows(&phone.profile, &RECORD);
        let noted = witness::noted(&mut rows).unwrap();
        assert!(witness::to_check(&mut rows).unwrap().is_empty());
        let heads = noted.iter().map(|one| one.checkpoint().unwrap().access_log);
        heads.collect::<BTreeSet<_>>().len() == noted.len() && noted.len() == server.log_length()
    };
    for title in ["first", "second"] {
        note(&phone, title);
        sync(&phone, 1).await.unwrap();
        sync(&phone, 1).await.unwrap();
        assert!(noted());
    }
}

#[tokio::test]
async fn a_record_of_many_pages_comes_anew_once_the_right_is_renewed() {
    let server = FakeServer::new();
    let (one, other) = (Phone::new(&server, 1), Phone::new(&server, 2));
    for number in 0..10 {
        note(&one, &number.to_string());
    }
    sync(&one, 1).await.unwrap();
    server.pages_of(3);
    assert_eq!(sync(&other, 1).await.unwrap().round_trips, 4);
    let seen = {
        let mut store = other.device.store();
        let card = store.record(&other.profile, &RECORD).unwrap().unwrap();
        store.put_records(&other.profile, &[]).unwrap();
        store.put_records(&other.profile, &[card]).unwrap();
        store.head(&other.profile, &RECORD).unwrap().seen_until()
    };
    assert!(seen.is_some(), "the server must not go back behind it");
    assert_eq!(entries(&other), 0);
    let again = sync(&other, 1).await.unwrap();
    assert_eq!((again.received, again.round_trips), (10, 4));
    // Also when it ends in the middle.
    note(&one, "another");
    sync(&one, 1).await.unwrap();
    let cancel = Cancel::default();
    let seen = Arc::new(Seen(cancel.clone(), Mutex::default()));
    let (device, profile) = (&other.device, &other.profile);
    let card = device.store().record(profile, &RECORD).unwrap().unwrap();
    for cards in [vec![], vec![card.clone()]] {
        device.store().put_records(profile, &cards).unwrap();
    }
    let endless = Patience::Endless;
    let broken_off = synchronise(device, profile, &RECORD, endless, &cancel, Some(&*seen));
    assert!(matches!(broken_off.await, Err(Error::Cancelled)));
    for cards in [vec![], vec![card]] {
        device.store().put_records(profile, &cards).unwrap();
    }
    let again = sync(&other, 1).await.unwrap();
    assert_eq!((again.received, entries(&other)), (11, 11));
}

#[tokio::test]
async fn an_answer_is_taken_with_the_doubt_that_it_raises_or_not_at_all() {
    use diesel::connection::SimpleConnection as _;
    use diesel::{Connection as _, SqliteConnection};

    let server = FakeServer::new();
    let phone = Phone::new(&server, 1);
    note(&phone, "sent");
    sync(&phone, 1).await.unwrap();
    let (device, profile) = (&phone.device, &phone.profile);
    let asked = ask(device, profile, &RECORD).unwrap();
    let mut answer = server.answer(&asked);
    // Over other rights.
    answer.reset = true;
    let folder = std::fs::read_dir(phone._folder.path()).unwrap();
    let file = folder
        .map(|file| file.unwrap().path())
        .find(|path| path.extension().is_some_and(|kind| kind == "sqlite"))
        .unwrap();
    let mut beside = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    let fails = "CREATE TRIGGER dies BEFORE UPDATE OF card ON records \
                 BEGIN SELECT RAISE(ABORT, 'killed'); END";
    beside.batch_execute(fails).unwrap();
    let before = device.store().head(profile, &RECORD).unwrap();
    let cancel = Cancel::default();
    take(device, profile, &RECORD, &answer, &cancel).unwrap_err();
    assert_eq!(device.store().head(profile, &RECORD).unwrap(), before);
    beside.batch_execute("DROP TRIGGER dies").unwrap();
    take(device, profile, &RECORD, &answer, &cancel).unwrap();
    assert!(device.store().is_doubted(profile, &RECORD).unwrap());
}

#[tokio::test]
async fn a_live_line_too_slow_for_large_messages_gets_small_ones() {
    let server = FakeServer::new();
    let phone = Phone::with_clock(&server, 1, true, PatientClock::default());
    let mut rng = fastrand::Rng::with_seed(6);
    for _ in 0..30 {
        note(&phone, &long_text(&mut rng));
    }
    server.narrow(40_000);
    let (stop, all) = (Cancel::default(), tokio::sync::Notify::new());
    let told = |live| {
        if live == LiveState::Polling {
            all.notify_one();
        }
    };
    let live = follow(&phone.device, &phone.profile, &RECORD, &stop, &told);
    let stopping = async {
        all.notified().await;
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(live, stopping);
    assert!(matches!(ended, Err(Error::Cancelled)));
    assert_eq!((waiting(&phone), server.log_length()), (0, 30));
}
