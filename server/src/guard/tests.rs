use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ed25519_dalek::SigningKey;
use rustix::process::{Resource, getrlimit};
use sync_core::change::Actor;
use sync_core::entry::{EntryDocument, EntryState, Value, Write};
use sync_core::guard::{self, Inspected, Trial, Unsafe};
use sync_core::sign::PublicKey;
use sync_core::{Bytes, DeviceTime, Digest32, EntryId, Incarnation, PersonId};
use uuid::Uuid;

use super::keeper::{Asker, Keeper};
use super::pool::Recent;
use super::progress::Progress;
use super::*;

/// Not a test: what a trying process does, which is this program started again to run only this. It
/// does harm where a change says so.
#[test]
fn trying_process() {
    if std::env::args().any(|argument| argument == ROLE) {
        let _ = work_with(Steps { inspect, attempt });
        std::process::exit(0);
    }
}

fn inspect(bytes: &[u8]) -> Result<Inspected, Unsafe> {
    let used = INSPECTED.swap(true, Ordering::Relaxed);
    let says = |mark: &[u8]| bytes.windows(mark.len()).any(|part| part == mark);
    if says(b"!inspect") || (used && says(b"!only-first")) {
        std::process::abort();
    }
    guard::inspect(bytes)
}

/// Whether this process has inspected anything before.
static INSPECTED: AtomicBool = AtomicBool::new(false);

/// Whether this process has tried anything before.
static USED: AtomicBool = AtomicBool::new(false);

fn attempt(
    document: &EntryDocument,
    state: &EntryState,
    inspected: &Inspected,
) -> (Trial, Option<(EntryDocument, EntryState)>) {
    let used = USED.swap(true, Ordering::Relaxed);
    let mut large = false;
    for write in &inspected.past.writes {
        match &write.value {
            Some(Value::Text(text)) if text.contains("!abort") => std::process::abort(),
            Some(Value::Text(text)) if text.contains("!hang") => spin(),
            Some(Value::Text(text)) if text.contains("!memory") => drop(vec![1_u8; 16 << 30]),
            Some(Value::Text(text)) if text.contains("!unless-first") && used => {
                std::process::abort()
            }
            // It follows what the entry has, and nothing beside it.
            Some(Value::Text(text))
                if text.contains("!straight") && document.heads() == inspected.past.deps =>
            {
                std::process::abort();
            }
            Some(Value::Text(text)) if text.contains("!files") => {
                let most = getrlimit(Resource::Nofile).current;
                if most.is_none_or(|most| most > 64) {
                    std::process::abort();
                }
            }
            Some(Value::Text(text)) if text.contains("!large") => large = true,
            Some(Value::Text(text)) if text.contains("!exit") => std::process::exit(1),
            Some(Value::Text(text)) if text.contains("!silent") => loop {
                std::thread::park();
            },
            _ => {}
        }
    }
    let (mut trial, next) = guard::attempt(document, state, inspected);
    if large {
        trial.outcome = Ok(vec![0; MOST_BYTES / 2 + 1].into());
    }
    (trial, next)
}

fn spin() -> ! {
    let mut number = 0_u64;
    loop {
        number = std::hint::black_box(number.wrapping_add(1));
    }
}

/// Processes that do harm where a change says so.
pub(crate) fn pool(processes: usize, patience: Duration) -> Pool {
    let (program, limits) = trying(patience);
    Pool::new(&program, processes, limits).expect("threads")
}

fn trying(patience: Duration) -> (Program, Limits) {
    let name = format!(
        "{}::trying_process",
        module_path!().split_once("::").expect("a crate").1
    );
    let program = Program {
        path: std::env::current_exe().expect("this program"),
        arguments: vec!["--exact".into(), name.into(), ROLE.into()],
    };
    let limits = Limits {
        cpu_seconds: 1,
        memory: 4 << 30,
        patience,
    };
    (program, limits)
}

/// Longer than a test takes.
pub(crate) const PATIENT: Duration = Duration::from_secs(600);

fn person(number: u128) -> PersonId {
    PersonId(Uuid::from_u128(number))
}

fn edit(document: &mut EntryDocument, number: u128, text: &str) -> Bytes {
    let entry = EntryId(Uuid::from_u128(number));
    let key = PublicKey::of(&SigningKey::from_bytes(&[1; 32]));
    let mut writes = vec![Write::set("notes", text)];
    if document.heads().is_empty() {
        writes.push(Write::set("kind", "note"));
    }
    let actor = Actor::of(&key, &Incarnation([2; 16]), &entry);
    let at = DeviceTime(1_790_000_000_000);
    document.edit(actor, &writes, at).expect("edits").1
}

/// Entries of their own, each begun with one of these texts.
fn ask(texts: &[&str]) -> Ask {
    let begin =
        |(number, text): (usize, &&str)| edit(&mut EntryDocument::new(), number as u128, text);
    let tries = |number| Tries {
        document: None,
        changes: vec![number],
    };
    Ask {
        changes: texts.iter().enumerate().map(begin).collect(),
        entries: (0..texts.len()).map(tries).collect(),
    }
}

fn is_taken(verdicts: &Verdicts, number: usize) -> bool {
    let trial = verdicts.tried[number].as_ref();
    trial.is_some_and(|trial| trial.outcome.is_ok())
}

/// An abort, at either step, a hang and a claim of memory: each ends its process, and costs itself.
#[tokio::test]
async fn what_ends_a_process_is_refused_and_nothing_else() {
    let pool = pool(1, PATIENT);
    let texts = ["one", "!abort", "two", "!hang", "!memory", "three"];
    let verdicts = pool.answer(person(1), ask(&texts)).await.expect("answers");
    for (number, text) in texts.iter().enumerate() {
        match text.starts_with('!') {
            true => assert_eq!(verdicts.inspected[number], Err(Unsafe::Harmful), "{text}"),
            false => assert!(is_taken(&verdicts, number), "{text}: {verdicts:?}"),
        }
    }
    let verdicts = pool.answer(person(1), ask(&["!inspect", "four"])).await;
    let verdicts = verdicts.expect("answers");
    assert_eq!(verdicts.inspected[0], Err(Unsafe::Harmful));
    assert!(is_taken(&verdicts, 1));
}

/// Changes of one entry follow each other also over the end of a process.
#[tokio::test]
async fn an_entry_goes_on_from_what_was_taken_before_a_process_ended() {
    let mut document = EntryDocument::new();
    let first = edit(&mut document, 1, "one");
    let mut harmful = document.clone();
    let changes = vec![
        first,
        edit(&mut harmful, 1, "!abort"),
        edit(&mut document, 1, "two"),
    ];
    let ask = Ask {
        changes,
        entries: vec![Tries {
            document: None,
            changes: vec![0, 1, 2],
        }],
    };
    let verdicts = pool(1, PATIENT)
        .answer(person(1), ask)
        .await
        .expect("answers");
    assert!(
        is_taken(&verdicts, 0) && is_taken(&verdicts, 2),
        "{verdicts:?}"
    );
    assert_eq!(verdicts.inspected[1], Err(Unsafe::Harmful));
}

/// What is tried elsewhere is what would be made here, and counts for the entry as it was only.
#[tokio::test]
async fn what_is_taken_over_is_what_would_be_made_here() {
    let mut document = EntryDocument::new();
    edit(&mut document, 1, "one");
    let base = document.clone();
    let change = edit(&mut document, 1, "two");
    let ask = Ask {
        changes: vec![change.clone()],
        entries: vec![Tries {
            document: Some(base.save().into()),
            changes: vec![0],
        }],
    };
    let verdicts = pool(1, PATIENT)
        .answer(person(1), ask)
        .await
        .expect("answers");
    let trial = verdicts.tried[0].clone().expect("tried");
    let inspected = guard::inspect(&change).expect("sound");
    let here = guard::admit(&base, &base.state(), &inspected).expect("let in");
    let there = guard::adopt(&base, &base.state(), &inspected, &trial).expect("taken over");
    assert_eq!((here.1, here.2), (there.1, there.2));
    let mut other = base.clone();
    edit(&mut other, 1, "three");
    let late = guard::adopt(&other, &other.state(), &inspected, &trial).map(drop);
    assert_eq!(late, Err(Unsafe::Unfit));
}

/// Somebody whose changes ended a process is apart from then on: while theirs hang, others are
/// answered.
#[tokio::test]
async fn whoever_harms_waits_apart() {
    let pool = pool(1, PATIENT);
    let harmful = ["!abort", "!abort", "!abort", "!abort"];
    let refused = pool.answer(person(1), ask(&harmful)).await;
    assert_eq!(refused, Err(Unanswered::Harmful));
    // They are known now, so that what follows them has its turn.
    let again = [&harmful[..], &["one"]].concat();
    let again = pool.answer(person(1), ask(&again)).await.expect("answers");
    assert_eq!(again.inspected[..4], [Err(Unsafe::Harmful); 4]);
    assert!(is_taken(&again, 4), "{again:?}");
    // One is silent for ever; it has the only process there is, but for others.
    let stuck = pool.answer(person(1), ask(&["!silent"]));
    let other = async { pool.answer(person(2), ask(&["one"])).await };
    tokio::select! {
        biased;
        _ = stuck => panic!("it is silent"),
        answered = other => assert!(is_taken(&answered.expect("answers"), 0)),
    }
}

/// What ends a process only because of what it did before is not refused.
#[tokio::test]
async fn what_an_earlier_change_left_behind_is_no_later_changes_fault() {
    let pool = pool(1, PATIENT);
    let texts = ["one", "!unless-first", "two", "!unless-first"];
    for number in 0..2 {
        let verdicts = pool.answer(person(number), ask(&texts)).await;
        let verdicts = verdicts.expect("answers");
        assert!((0..4).all(|one| is_taken(&verdicts, one)), "{verdicts:?}");
    }
}

/// The same where it is the inspection that ends it: neither that change nor what is behind it is
/// refused.
#[tokio::test]
async fn an_inspection_that_was_to_blame_for_nothing_costs_nothing() {
    let pool = pool(1, PATIENT);
    let texts = ["one", "!only-first", "two", "three"];
    let verdicts = pool.answer(person(1), ask(&texts)).await.expect("answers");
    assert_eq!(verdicts.inspected, [Ok(()); 4]);
    assert!((0..4).all(|one| is_taken(&verdicts, one)), "{verdicts:?}");
}

/// What turned out to be no change's fault is not counted with what does harm, and many of it are a
/// reason to come again, not to be refused.
#[tokio::test]
async fn ends_that_were_no_changes_fault_are_counted_apart() {
    let pool = pool(1, PATIENT);
    let some = ["!abort", "!abort", "!abort", "one"];
    let texts = [&some[..], &["!unless-first"; 3]].concat();
    let verdicts = pool.answer(person(1), ask(&texts)).await.expect("answers");
    assert_eq!(verdicts.inspected[..3], [Err(Unsafe::Harmful); 3]);
    assert!((3..7).all(|one| is_taken(&verdicts, one)), "{verdicts:?}");
    let texts = [&["one"][..], &["!unless-first"; 20]].concat();
    let none = pool.answer(person(2), ask(&texts)).await;
    assert_eq!(none, Err(Unanswered::Unavailable));
}

/// What does harm in an entry as it stood is refused at once when it comes again to that, and tried
/// where the entry stands otherwise.
#[tokio::test]
async fn harm_is_known_where_it_was_done_only() {
    let pool = pool(1, PATIENT);
    let mut document = EntryDocument::new();
    edit(&mut document, 1, "one");
    let base = document.clone();
    let change = edit(&mut document, 1, "!straight");
    let mut other = base.clone();
    edit(&mut other, 2, "two");
    let onto = |document: &EntryDocument| Ask {
        changes: vec![change.clone()],
        entries: vec![Tries {
            document: Some(document.save().into()),
            changes: vec![0],
        }],
    };
    for _ in 0..2 {
        let verdicts = pool.answer(person(1), onto(&base)).await.expect("answers");
        assert_eq!(verdicts.inspected, [Err(Unsafe::Harmful)]);
    }
    let verdicts = pool.answer(person(2), onto(&other)).await.expect("answers");
    assert!(is_taken(&verdicts, 0), "{verdicts:?}");
}

#[test]
fn room_is_made_by_the_oldest() {
    let mut recent = Recent::new(2);
    [1, 2, 1, 3].into_iter().for_each(|one| recent.add(one));
    assert_eq!([1, 2, 3].map(|one| recent.has(&one)), [false, true, true]);
}

#[tokio::test]
async fn a_trying_process_may_open_few_files() {
    let answered = pool(1, PATIENT).answer(person(1), ask(&["!files"])).await;
    assert!(is_taken(&answered.expect("answers"), 0));
}

/// What is kept of an ask is bounded, by the process and by who listens to it; what follows is
/// inspected, and tried when it is asked for again.
#[tokio::test]
async fn of_an_ask_no_more_is_kept_than_there_is_room_for() {
    let asked = ask(&["one", "!large", "!large", "two"]);
    let verdicts = pool(1, PATIENT).answer(person(1), asked.clone()).await;
    let verdicts = verdicts.expect("answers");
    assert_eq!(verdicts.inspected, [Ok(()); 4]);
    let tried: Vec<bool> = verdicts.tried.iter().map(Option::is_some).collect();
    assert_eq!(tried, [true, true, false, false]);
    let mut progress = Progress::new(asked);
    (0..4).for_each(|number| progress.inspected(number, Ok(())));
    let large = Trial {
        onto: Vec::new(),
        outcome: Ok(vec![0; MOST_BYTES + 1].into()),
    };
    assert!(progress.tried(0, large).is_err());
}

/// Somebody who has gone.
struct Gone;

impl Asker for Gone {
    fn waits(&self) -> bool {
        false
    }

    fn knows_any(&self) -> bool {
        false
    }

    fn knows(&self, _: &Digest32) -> bool {
        false
    }

    fn harmed(&self, _: Digest32) {
        panic!("nothing is refused for it, and nobody set apart");
    }
}

#[test]
fn nothing_more_is_tried_for_somebody_who_has_gone() {
    let (program, limits) = trying(PATIENT);
    let mut keeper = Keeper::new(program, limits);
    // It would never come back from the second.
    for texts in [["one", "!silent"], ["!abort", "!silent"]] {
        let none = keeper.answer(ask(&texts), &Gone);
        assert_eq!(none, Err(Unanswered::Unavailable));
    }
}

/// That a process is ended by others, or does not answer, is no change's fault: it is to come again.
#[tokio::test]
async fn what_is_no_changes_fault_refuses_none() {
    let pool = pool(1, Duration::from_millis(300));
    for text in ["!exit", "!silent"] {
        let none = pool.answer(person(1), ask(&[text])).await;
        assert_eq!(none, Err(Unanswered::Unavailable), "{text}");
    }
    let nowhere = Program {
        path: "/nonexistent".into(),
        arguments: Vec::new(),
    };
    let none = Pool::new(&nowhere, 1, Limits::default()).expect("threads");
    let none = none.answer(person(1), ask(&["one"])).await;
    assert_eq!(none, Err(Unanswered::Unavailable));
}
