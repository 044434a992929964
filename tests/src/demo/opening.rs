//! A life is written on one phone, and fetched by the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use carnet_mobile::face::{SyncListener, SyncResult};
use indicatif::ProgressBar;
use sync_core::EntryId;
use sync_core::kind::medication::REGIMEN;
use sync_core::kind::{
    Common, ConditionDraft, EmergencyContactDraft, MedicationTakenDraft, Phone, Regimen,
};
use sync_core::merge::EntryView;

use super::Arguments;
use super::care::Care;
use super::screen::{Screen, bytes, count, seconds};
use super::stage::{Actor, Stage};
use crate::life::{self, Life, Plan};
use crate::support::{Copy, Identity, SupportError, open_record};

/// The entries that the story is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene {
    /// Amlodipine against high blood pressure.
    pub amlodipine: EntryId,
    /// A neighbour to call.
    pub neighbour: EntryId,
    /// What the patient will hide.
    pub depression: EntryId,
    /// Treatments and papers.
    pub care: Care,
}

/// Tells how far a sync has come.
struct Bar(ProgressBar);

impl SyncListener for Bar {
    fn progressed(&self, so_far: SyncResult, _waiting: u64) {
        self.0
            .set_position(u64::from(so_far.accepted + so_far.received));
    }
}

/// Writes the lives, sends them, and fetches the first on every other device.
pub(super) fn play(
    screen: &Screen,
    stage: &Stage<'_>,
    arguments: &Arguments,
) -> Result<Scene, SupportError> {
    screen.chapter("2  A life is written");
    let plan = Plan::new(arguments.seed, arguments.entries as usize);
    let life = Life::generate(&plan);
    let changes = life.acts.len();
    let started = Instant::now();
    write(screen, &stage.old.copy, &life)?;
    let scene = Scene::of(&stage.old.copy)?;
    let written = started.elapsed();
    screen.line(
        "Jeanne Martin",
        &format!(
            "{} over {} years, {}, on her old phone in {}",
            count(plan.entries, "entry", "entries"),
            life::YEARS,
            count(changes, "change", "changes"),
            seconds(written)
        ),
    );
    let kinds = life.kinds();
    let kinds = kinds.iter().map(|(kind, number)| {
        let name = kind.title().en.to_lowercase();
        format!("{number} × {name}")
    });
    let kinds: Vec<String> = kinds.collect();
    for three in kinds.chunks(3) {
        screen.more(&three.join(", "));
    }
    for act in life.acts.iter().filter_map(sample).take(4) {
        screen.more(&format!("  {act}"));
    }
    send(screen, "Jeanne Martin", &stage.old.copy, changes)?;
    for number in 1..arguments.records {
        another(screen, stage, arguments, number)?;
    }

    screen.chapter("3  A new phone, and everybody else, fetch it");
    let others = [
        &stage.new,
        &stage.camille,
        &stage.luc,
        &stage.doctor,
        &stage.nurse,
        &stage.pharmacist,
    ];
    fetch_all(screen, &others, changes)?;
    screen.say(
        "A nurse and a pharmacist read neither conditions nor own notes; a caregiver no own notes.",
    );
    Ok(scene)
}

/// What a moment of the life was about, in a line, if it is a good example.
fn sample(act: &life::Act) -> Option<String> {
    use sync_core::kind::Draft;
    let life::Deed::Create(draft) = &act.deed else {
        return None;
    };
    let label = match draft {
        Draft::Allergy(allergy) => &allergy.substance,
        Draft::Condition(condition) => &condition.label,
        Draft::MedicationTaken(taken) => &taken.regimen.product,
        _ => return None,
    };
    let code = label.code.as_deref()?;
    let system = match label.system.as_deref()? {
        system if system.contains("snomed") => "SNOMED CT",
        _ => "CIS",
    };
    Some(format!("{}  {}  ({system} {code})", act.day, label.text))
}

fn write(screen: &Screen, copy: &Copy, life: &Life) -> Result<(), SupportError> {
    let bar = screen.bar("writing", life.acts.len() as u64);
    copy.write_life(life, |written| bar.set_position(written as u64))?;
    bar.finish_and_clear();
    Ok(())
}

fn send(screen: &Screen, name: &str, copy: &Copy, changes: usize) -> Result<(), SupportError> {
    let bar = screen.bar("sending", changes as u64);
    let started = Instant::now();
    let done = copy
        .record
        .sync_now(Some(Arc::new(Bar(bar.clone()))), None)?;
    bar.finish_and_clear();
    screen.line(
        name,
        &format!(
            "sent {}: {} up, {} down, {}, {}",
            count(done.accepted as usize, "change", "changes"),
            bytes(done.bytes_up),
            bytes(done.bytes_down),
            count(done.round_trips as usize, "round trip", "round trips"),
            seconds(started.elapsed())
        ),
    );
    Ok(())
}

/// Another person with a record and a life of their own.
fn another(
    screen: &Screen,
    stage: &Stage<'_>,
    arguments: &Arguments,
    number: u16,
) -> Result<(), SupportError> {
    let holder = Identity {
        family_name: "DURAND",
        given_names: "PAUL",
        sex: "M",
        order: 100 + number,
    };
    let opened = open_record(stage.server, &holder)?;
    let folder = stage.server.data().with_file_name("others");
    let phone = crate::support::Phone::open(&folder.join(number.to_string()))?;
    let profile = phone.enrol(stage.server.url(), &opened.code)?;
    let copy = phone.copy(&profile, opened.record)?;
    let seed = arguments.seed.wrapping_add(u64::from(number));
    let life = Life::generate(&Plan::new(seed, arguments.entries as usize));
    write(screen, &copy, &life)?;
    send(
        screen,
        &format!("Paul Durand {number}"),
        &copy,
        life.acts.len(),
    )
}

/// All at once, as people do; each on their own device.
fn fetch_all(screen: &Screen, actors: &[&Actor], changes: usize) -> Result<(), SupportError> {
    let bar = screen.bar("fetching", (changes * actors.len()) as u64);
    let fetched: Vec<Result<Fetched, SupportError>> = std::thread::scope(|scope| {
        let fetch = |actor: &&Actor| {
            let (copy, bar) = (actor.copy.clone(), bar.clone());
            scope.spawn(move || fetch(&copy, bar))
        };
        let running: Vec<_> = actors.iter().map(fetch).collect();
        let ended = running.into_iter().map(|thread| {
            let ended = thread.join();
            ended.unwrap_or(Err(SupportError::Missing("a fetch that ends")))
        });
        ended.collect()
    });
    bar.finish_and_clear();
    for (actor, fetched) in actors.iter().zip(fetched) {
        let Fetched {
            done,
            entries,
            elapsed,
        } = fetched?;
        screen.line(
            actor.name,
            &format!(
                "{}: {} ({}), {} up, {} down, {}, {}",
                actor.device,
                count(entries, "entry", "entries"),
                count(done.received as usize, "change", "changes"),
                bytes(done.bytes_up),
                bytes(done.bytes_down),
                count(done.round_trips as usize, "round trip", "round trips"),
                seconds(elapsed)
            ),
        );
    }
    Ok(())
}

struct Fetched {
    done: SyncResult,
    entries: usize,
    elapsed: Duration,
}

fn fetch(copy: &Copy, bar: ProgressBar) -> Result<Fetched, SupportError> {
    let started = Instant::now();
    let listener = Arc::new(Part {
        bar,
        counted: AtomicU64::new(0),
    });
    let done = copy.record.sync_now(Some(listener), None)?;
    let entries = copy.views()?.len();
    let elapsed = started.elapsed();
    Ok(Fetched {
        done,
        entries,
        elapsed,
    })
}

/// Tells how far one of several syncs has come.
struct Part {
    bar: ProgressBar,
    counted: AtomicU64,
}

impl SyncListener for Part {
    fn progressed(&self, so_far: SyncResult, _waiting: u64) {
        let now = u64::from(so_far.received);
        let before = self.counted.swap(now, Ordering::Relaxed);
        self.bar.inc(now.saturating_sub(before));
    }
}

impl Scene {
    /// Finds what the story is about in the life, and adds what this life has not.
    fn of(copy: &Copy) -> Result<Self, SupportError> {
        let views = copy.views()?;
        let find = |matches: &dyn Fn(&EntryView) -> bool| {
            let found = views.iter().find(|view| view.counts() && matches(view));
            found.map(|view| view.id)
        };
        let regimen = life::regimen("amlor-5").ok_or(SupportError::Missing("amlodipine"))?;
        let product = regimen.product.clone();
        let takes = |view: &EntryView| {
            let regimens: Vec<Regimen> = view.all(REGIMEN);
            regimens.iter().any(|taken| taken.product.same(&product))
        };
        let amlodipine = match find(&takes) {
            Some(found) => found,
            None => copy.add(MedicationTakenDraft {
                regimen,
                ..MedicationTakenDraft::default()
            })?,
        };
        let neighbour = match find(&|view| view.label == "Nadia Benali") {
            Some(found) => found,
            None => copy.add(EmergencyContactDraft {
                name: "Nadia Benali".into(),
                relationship: Some("voisine".into()),
                phones: vec![Phone::new("06 39 98 10 20", 0)],
                ..EmergencyContactDraft::default()
            })?,
        };
        let depression = views
            .iter()
            .find(|view| view.label == "Épisode dépressif")
            .map(|view| view.id);
        let depression = match depression {
            Some(found) => found,
            None => copy.add(ConditionDraft {
                label: life::label("Épisode dépressif"),
                common: Common::default(),
                ..ConditionDraft::default()
            })?,
        };
        Ok(Scene {
            amlodipine,
            neighbour,
            depression,
            care: Care::write(copy)?,
        })
    }
}
