//! A generated life: the entries of one person over sixty years, as drafts and later edits.
//!
//! The same plan gives the same life. Labels, codes and words come from `tests/data/life.toml`.

mod care;
mod catalogue;
mod chapters;
#[cfg(test)]
mod tests;
mod thread;

use jiff::civil::{Date, date};
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sync_core::kind::{Draft, Kind, Label, Patch, Regimen};

pub use care::care;
use catalogue::Catalogue;
use chapters::Chapters;
use thread::Thread;

/// When the person was born.
pub const BORN: Date = date(1966, 3, 14);
/// How many years are told.
pub const YEARS: i16 = 60;

/// Which life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Decides everything that chance decides.
    pub seed: u64,
    /// How many entries it has.
    pub entries: usize,
    /// How many changes they have together; never fewer than one an entry.
    pub changes: usize,
}

impl Plan {
    /// A life of so many entries that changed as often as entries do: two and a half changes each.
    pub fn new(seed: u64, entries: usize) -> Self {
        let changes = entries * 5 / 2;
        Plan {
            seed,
            entries,
            changes,
        }
    }
}

/// One life, in the order in which it was lived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// Everything that was written.
    pub acts: Vec<Act>,
}

/// Something that was written on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// When.
    pub day: Date,
    /// In which entry: they are numbered from 0.
    pub entry: usize,
    /// What.
    pub deed: Deed,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A new entry.
    Create(Draft),
    /// A change of one.
    Change(Patch),
}

impl Life {
    /// Lives the life of a plan.
    pub fn generate(plan: &Plan) -> Self {
        let catalogue = Catalogue::read();
        let mut rng = ChaCha8Rng::seed_from_u64(plan.seed);
        let chapters = Chapters::new(&catalogue, &mut rng);
        let mut threads = chapters.threads(plan.entries);
        fit(
            &mut threads,
            plan.changes.max(plan.entries),
            &catalogue,
            &mut rng,
        );
        let acts = threads.into_iter().enumerate();
        let acts = acts.flat_map(|(entry, thread)| {
            let acts = thread.acts.into_iter();
            acts.map(move |(day, deed)| Act { day, entry, deed })
        });
        let mut acts: Vec<Act> = acts.collect();
        acts.sort_by_key(|act| act.day);
        Life { acts }
    }

    /// How many entries of each kind it has, most first.
    pub fn kinds(&self) -> Vec<(Kind, usize)> {
        let mut counts: Vec<(Kind, usize)> = Vec::new();
        for act in &self.acts {
            let Deed::Create(draft) = &act.deed else {
                continue;
            };
            match counts.iter_mut().find(|(kind, _)| *kind == draft.kind()) {
                Some((_, count)) => *count += 1,
                None => counts.push((draft.kind(), 1)),
            }
        }
        counts.sort_by(|(_, a), (_, b)| b.cmp(a));
        counts
    }
}

/// How a medicine of `tests/data/life.toml` is taken.
pub fn regimen(medicine: &str) -> Option<Regimen> {
    Catalogue::read().regimen(medicine)
}

/// An allergy, a disease or an episode of `tests/data/life.toml`, with its code if it has one.
pub fn label(text: &str) -> Label {
    let catalogue = Catalogue::read();
    let allergies = catalogue.allergy.iter().map(|allergy| &allergy.name);
    let diseases = catalogue.chronic.iter().map(|disease| &disease.name);
    let episodes = catalogue.episode.iter().map(|episode| &episode.name);
    let mut names = allergies.chain(diseases).chain(episodes);
    let found = names.find(|name| name.label == text);
    found.map_or_else(|| Label::text(text), |name| catalogue.label(name))
}

/// Takes away late edits, or adds remarks, until the changes are as many as planned.
fn fit(threads: &mut [Thread], changes: usize, catalogue: &Catalogue, rng: &mut ChaCha8Rng) {
    let mut count: usize = threads.iter().map(|thread| thread.acts.len()).sum();
    while count > changes {
        let at = rng.random_range(0..threads.len());
        if threads[at].acts.len() > 1 {
            threads[at].acts.pop();
            count -= 1;
        }
    }
    while count < changes && !threads.is_empty() {
        let at = rng.random_range(0..threads.len());
        let words = catalogue.remarks.disease.choose(rng);
        let words = words.map_or("", String::as_str);
        threads[at].remark(rng.random_range(20..400), words);
        count += 1;
    }
}
