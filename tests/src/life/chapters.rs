//! What happens in a life, by chapters: each yields its entries one after the other.

use std::collections::VecDeque;

use jiff::ToSpan as _;
use jiff::civil::{Date, date};
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, RngExt as _};
use rand_chacha::ChaCha8Rng;
use sync_core::kind::{
    Abo, AllergyDraft, AllergyPatch, BloodGroup, BloodGroupDraft, BloodGroupSource, Common,
    CommonPatch, ConditionDraft, ConditionPatch, Criticality, Edit, EmergencyContactDraft,
    EmergencyContactPatch, MedicationTakenDraft, MedicationTakenPatch, Occurred, OwnNoteDraft,
    Phone, Reaction, Regimen, RhD, RightDraft, RightPatch, Severity, Status, StatusCode,
    Verification,
};
use sync_core::policy::RightKind;
use sync_core::{PersonId, Tick};
use uuid::Builder;

use super::catalogue::{Allergy, Catalogue, Chronic, Contact, Episode, Note};
use super::thread::{Thread, end};
use super::{BORN, YEARS};

/// How many doctors have had access over the years.
const DOCTORS: usize = 9;

/// A life in the making: chapters that end, and after them what happens again and again.
pub(super) struct Chapters<'a> {
    catalogue: &'a Catalogue,
    rng: &'a mut ChaCha8Rng,
    chapters: Vec<VecDeque<Thread>>,
}

impl<'a> Chapters<'a> {
    /// Starts one.
    pub fn new(catalogue: &'a Catalogue, rng: &'a mut ChaCha8Rng) -> Self {
        let mut life = Chapters {
            catalogue,
            rng,
            chapters: Vec::new(),
        };
        let allergies = catalogue.allergy.iter().map(|a| life.allergy(a)).collect();
        let contacts = catalogue.contact.iter().map(|c| life.contact(c)).collect();
        let mut diseases: Vec<_> = catalogue.chronic.iter().collect();
        diseases.sort_by_key(|disease| disease.age);
        let diseases = diseases.into_iter().flat_map(|d| life.disease(d)).collect();
        let blood = VecDeque::from([life.blood_group()]);
        let doctors = (0..DOCTORS).map(|n| life.doctor(n)).collect();
        life.chapters = vec![allergies, diseases, contacts, blood, doctors];
        life
    }

    /// The first so many entries: every chapter in its turn, then episodes and notes.
    pub fn threads(mut self, entries: usize) -> Vec<Thread> {
        let mut threads = Vec::with_capacity(entries);
        while threads.len() < entries {
            let first_round = threads.is_empty();
            for chapter in &mut self.chapters {
                threads.extend(chapter.pop_front());
            }
            if first_round || self.rng.random_bool(0.3) {
                let notes = &self.catalogue.note;
                threads.extend(notes.choose(self.rng).map(|note| self.note(note)));
            } else {
                threads.extend(self.episode());
            }
        }
        threads.truncate(entries);
        threads
    }

    fn allergy(&mut self, allergy: &Allergy) -> Thread {
        let day = self.day_at(allergy.age);
        let mut reactions = allergy.reactions.iter().map(|text| {
            let severity = [Severity::Mild, Severity::Moderate].choose(self.rng);
            Reaction::new(self.catalogue.manifestation(text), severity.cloned())
        });
        let first = reactions.next();
        let later: Vec<Reaction> = reactions.collect();
        let mut thread = Thread::new(
            day,
            AllergyDraft {
                substance: self.catalogue.label(&allergy.name),
                category: Some(allergy.category.clone()),
                criticality: Some(Criticality::UnableToAssess),
                verification: Some(Verification::Unconfirmed),
                reactions: first.into_iter().collect(),
                common: on(day),
                ..AllergyDraft::default()
            },
        );
        for reaction in later {
            let reactions = vec![reaction];
            let seen = self.later(day, 300..2_000);
            thread.change(
                seen,
                AllergyPatch {
                    reactions,
                    ..AllergyPatch::default()
                },
            );
        }
        let tested = self.later(day, 30..900);
        thread.change(
            tested,
            AllergyPatch {
                criticality: Edit::Set(allergy.criticality.clone()),
                verification: Edit::Set(allergy.verification.clone()),
                ..AllergyPatch::default()
            },
        );
        thread
    }

    /// The disease and its treatments, which change over the years.
    fn disease(&mut self, disease: &Chronic) -> Vec<Thread> {
        let day = self.day_at(disease.age);
        let until = disease.until.map(|age| self.day_at(age));
        let mut entry = Thread::new(
            day,
            ConditionDraft {
                label: self.catalogue.label(&disease.name),
                severity: disease.severity.clone(),
                verification: Some(Verification::Confirmed),
                common: on(day),
                ..ConditionDraft::default()
            },
        );
        for _ in 0..self.rng.random_range(1..6) {
            let days = self.rng.random_range(300..800);
            let words = pick(&self.catalogue.remarks.disease, self.rng);
            entry.remark(days, words);
        }
        if let Some(until) = until {
            entry.change(until, over(until, "N’a plus cours."));
        }
        let mut threads = vec![entry];
        let lines = disease.steps.iter();
        threads.extend(lines.filter_map(|steps| self.treatment(day, until, steps)));
        threads
    }

    fn treatment(&mut self, from: Date, until: Option<Date>, steps: &[String]) -> Option<Thread> {
        let mut day = self.later(from, 0..60);
        let mut steps = steps.iter();
        let mut regimen = starting(self.catalogue.regimen(steps.next()?)?, day);
        let mut thread = Thread::new(
            day,
            MedicationTakenDraft {
                regimen: regimen.clone(),
                common: on(day),
            },
        );
        for step in steps {
            let days = self.rng.random_range(60..400);
            let words = pick(&self.catalogue.remarks.treatment, self.rng);
            thread.remark(days, words);
            day = self.later(day, 400..1_600);
            regimen = starting(self.catalogue.regimen(step)?, day);
            thread.change(
                day,
                MedicationTakenPatch {
                    regimen: Some(regimen.clone()),
                    ..MedicationTakenPatch::default()
                },
            );
        }
        if let Some(until) = until {
            let why = pick(&self.catalogue.remarks.stopped, self.rng);
            thread.change(until.max(day), stopped(why));
        }
        Some(thread)
    }

    fn contact(&mut self, contact: &Contact) -> Thread {
        let day = self.day_at(contact.ages.0);
        let mut phone = self.phone();
        let mut thread = Thread::new(
            day,
            EmergencyContactDraft {
                name: contact.name.clone(),
                relationship: Some(contact.relationship.clone()),
                phones: vec![phone.clone()],
                common: on(day),
                ..EmergencyContactDraft::default()
            },
        );
        let mut moved = day;
        for _ in 0..self.rng.random_range(1..4) {
            moved = self.later(moved, 900..4_000);
            let old = Phone {
                removed: Some("ancien numéro".into()),
                ..phone
            };
            phone = self.phone();
            thread.change(
                moved,
                EmergencyContactPatch {
                    phones: vec![old, phone.clone()],
                    ..EmergencyContactPatch::default()
                },
            );
        }
        if contact.ages.1 < YEARS {
            let status = Status::because(StatusCode::Inactive, "ne peut plus être appelé");
            let last = self.day_at(contact.ages.1);
            thread.change(last, standing(status));
        }
        thread
    }

    fn blood_group(&mut self) -> Thread {
        let day = self.day_at(27);
        let blood_group = BloodGroup::new(Abo::A, RhD::Positive, BloodGroupSource::Laboratory);
        let mut thread = Thread::new(
            day,
            BloodGroupDraft {
                blood_group,
                common: on(day),
            },
        );
        thread.remark(3, "Carte de groupe rangée avec la carte Vitale.");
        thread
    }

    /// A doctor who could read and write for some years, and then no longer.
    fn doctor(&mut self, number: usize) -> Thread {
        let age = i16::try_from(number).unwrap_or(0) * (YEARS - 4) / 9 + 2;
        let day = self.day_at(age);
        let mut bytes = [0; 16];
        self.rng.fill_bytes(&mut bytes);
        let person = PersonId(Builder::from_random_bytes(bytes).into_uuid());
        let mut thread = Thread::new(
            day,
            RightDraft {
                starts: Some(tick(day)),
                common: on(day),
                ..RightDraft::new(RightKind::Grant, person)
            },
        );
        let last = self.later(day, 1_000..2_500);
        let status = Status::because(StatusCode::Revoked, "départ à la retraite");
        let common = CommonPatch {
            status: Some(status),
            ..CommonPatch::default()
        };
        thread.change(
            last,
            RightPatch {
                common,
                ..RightPatch::new(RightKind::Grant)
            },
        );
        thread
    }

    fn note(&mut self, note: &Note) -> Thread {
        let day = self.day_between(14, YEARS - 1);
        let mut thread = Thread::new(
            day,
            OwnNoteDraft {
                title: note.title.as_str().into(),
                text: note.texts.choose(self.rng).cloned(),
                common: on(day),
            },
        );
        for _ in 0..self.rng.random_range(0..3) {
            let days = self.rng.random_range(5..60);
            thread.remark(days, pick(&note.texts, self.rng));
        }
        thread
    }

    /// Something that comes and goes, with what was taken for it.
    fn episode(&mut self) -> Vec<Thread> {
        let weight = |episode: &Episode| episode.weight;
        let episodes = &self.catalogue.episode;
        let Ok(episode) = episodes.choose_weighted(self.rng, weight) else {
            return Vec::new();
        };
        let day = self.day_in_season(episode);
        let healed = day.saturating_add(i64::from(episode.days).days());
        let mut entry = Thread::new(
            day,
            ConditionDraft {
                label: self.catalogue.label(&episode.name),
                severity: Some(episode.severity.clone()),
                common: on(day),
                ..ConditionDraft::default()
            },
        );
        if self.rng.random_bool(0.5) {
            let days = self.rng.random_range(1..4);
            entry.remark(days, pick(&self.catalogue.remarks.episode, self.rng));
        }
        entry.change(healed, over(healed, "Guéri."));
        let mut threads = vec![entry];
        for medicine in &episode.medicines {
            if !self.rng.random_bool(0.6) {
                continue;
            }
            let Some(regimen) = self.catalogue.regimen(medicine) else {
                continue;
            };
            let mut taken = Thread::new(
                day,
                MedicationTakenDraft {
                    regimen: starting(regimen, day),
                    common: on(day),
                },
            );
            taken.change(
                healed,
                stopped(pick(&self.catalogue.remarks.stopped, self.rng)),
            );
            threads.push(taken);
        }
        threads
    }

    fn phone(&mut self) -> Phone {
        // 01 99 00, 02 61 91, 03 53 01, 04 65 71, 05 36 49 and 06 39 98 are kept free for fiction
        // by the French regulator (Arcep, decision 2018-0881).
        let starts = ["01 99 00", "02 61 91", "03 53 01", "06 39 98"];
        let start = starts.choose(self.rng).unwrap_or(&starts[0]);
        let (a, b) = (self.rng.random_range(0..100), self.rng.random_range(0..100));
        Phone::new(format!("{start} {a:02} {b:02}"), 0)
    }

    fn day_at(&mut self, age: i16) -> Date {
        let birthday = BORN.saturating_add(i64::from(age).years());
        self.later(birthday, 0..360)
    }

    fn day_between(&mut self, from: i16, to: i16) -> Date {
        let age = self.rng.random_range(from..=to);
        self.day_at(age)
    }

    fn day_in_season(&mut self, episode: &Episode) -> Date {
        let (from, to) = episode.ages;
        let year = BORN.year() + self.rng.random_range(from..=to.min(YEARS - 1));
        let month = episode.months.choose(self.rng).copied().unwrap_or(1);
        let day = Date::new(year, month, self.rng.random_range(1..=28)).unwrap_or(BORN);
        day.max(BORN.saturating_add(7.days()))
    }

    fn later(&mut self, day: Date, days: std::ops::Range<i64>) -> Date {
        let day = day.saturating_add(self.rng.random_range(days).days());
        day.min(end())
    }
}

fn pick<'w>(words: &'w [String], rng: &mut ChaCha8Rng) -> &'w str {
    words.choose(rng).map_or("", String::as_str)
}

fn on(day: Date) -> Common {
    Common {
        occurred: Some(Occurred::Day(day)),
        ..Common::default()
    }
}

fn starting(mut regimen: Regimen, day: Date) -> Regimen {
    regimen.starts = Some(Occurred::Day(day));
    regimen
}

fn standing(status: Status) -> CommonPatch {
    CommonPatch {
        status: Some(status),
        ..CommonPatch::default()
    }
}

fn stopped(why: &str) -> CommonPatch {
    standing(Status::because(StatusCode::Stopped, why))
}

fn over(day: Date, why: &str) -> ConditionPatch {
    ConditionPatch {
        ended: Edit::Set(Occurred::Day(day)),
        common: standing(Status::because(StatusCode::Resolved, why)),
        ..ConditionPatch::default()
    }
}

fn tick(day: Date) -> Tick {
    let days = date(1970, 1, 1)
        .until(day)
        .map_or(0, |span| span.get_days());
    Tick(u64::try_from(days).unwrap_or(0) * 86_400_000_000)
}
