//! What is known of an ask, over the ends of the processes that work on it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use sync_core::Bytes;
use sync_core::guard::{Trial, Unsafe};

use super::talk::{Ask, MOST_BYTES, Tries, Verdicts};

/// A step of an ask.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Inspect(usize),
    Add { entry: usize, change: usize },
}

/// What is known of an ask so far.
pub(super) struct Progress {
    ask: Ask,
    pub verdicts: Verdicts,
    /// Those that were known to do harm; they are not looked at.
    known: BTreeSet<usize>,
    /// The entries as far as changes were added to them.
    documents: BTreeMap<usize, Bytes>,
    /// How many bytes of entries may still be saved.
    room: usize,
    next: usize,
    steps: Vec<Step>,
}

impl Progress {
    /// Of an ask of which nothing is known but that some of its changes do harm.
    pub fn new(mut ask: Ask, is_harmful: impl Fn(&Bytes) -> bool) -> Self {
        let count = ask.changes.len();
        let mut known = BTreeSet::new();
        for (number, change) in ask.changes.iter_mut().enumerate() {
            if is_harmful(change) {
                known.insert(number);
                *change = Bytes::default();
            }
        }
        let inspect = (0..count).map(Step::Inspect);
        let add = ask.entries.iter().enumerate().flat_map(|(entry, tries)| {
            let changes = tries.changes.iter();
            changes.map(move |change| Step::Add {
                entry,
                change: *change,
            })
        });
        Progress {
            steps: inspect.chain(add).collect(),
            verdicts: Verdicts {
                inspected: vec![Err(Unsafe::Harmful); count],
                tried: vec![None; count],
            },
            known,
            documents: BTreeMap::new(),
            room: MOST_BYTES,
            next: 0,
            ask,
        }
    }

    fn is_sound(&self, change: usize) -> bool {
        self.verdicts.inspected.get(change) == Some(&Ok(()))
    }

    /// The step that is next, if there is one.
    pub fn step(&mut self) -> Option<Step> {
        self.skip_unsound();
        self.steps.get(self.next).copied()
    }

    /// How many bytes of entries may still be saved.
    pub fn room(&self) -> usize {
        self.room
    }

    /// The ask of one step alone.
    pub fn alone(&self, step: Step) -> Ask {
        let (Step::Inspect(wanted) | Step::Add { change: wanted, .. }) = step;
        let only = |(number, change): (usize, &Bytes)| match number == wanted {
            true => change.clone(),
            false => Bytes::default(),
        };
        let entry = match step {
            Step::Inspect(_) => None,
            Step::Add { entry, change } => self.ask.entries.get(entry).map(|tries| Tries {
                document: self.document(entry, tries).cloned(),
                changes: vec![change],
            }),
        };
        Ask {
            changes: self.ask.changes.iter().enumerate().map(only).collect(),
            entries: entry.into_iter().collect(),
        }
    }

    /// An entry as far as changes were added to it.
    fn document<'p>(&'p self, entry: usize, tries: &'p Tries) -> Option<&'p Bytes> {
        self.documents.get(&entry).or(tries.document.as_ref())
    }

    /// The ask that is left: what was inspected is inspected again where it is still to be added.
    pub fn left(&self) -> Ask {
        if self.next == 0 {
            return self.ask.clone();
        }
        // What is known not to be sound is not looked at again: it may be what ended the process.
        let steps = &self.steps[self.next.min(self.steps.len())..];
        let wanted = |step: &&Step| match step {
            Step::Inspect(_) => true,
            Step::Add { change, .. } => self.next <= *change || self.is_sound(*change),
        };
        let left: BTreeSet<Step> = steps.iter().filter(wanted).copied().collect();
        let wanted: BTreeSet<usize> = left
            .iter()
            .map(|step| match step {
                Step::Inspect(change) | Step::Add { change, .. } => *change,
            })
            .collect();
        // What is not wanted any more stands there empty, so that numbers stay as they are.
        let whole = |(number, change): (usize, &Bytes)| match wanted.contains(&number) {
            true => change.clone(),
            false => sync_core::Bytes::default(),
        };
        let changes = self.ask.changes.iter().enumerate().map(whole).collect();
        let entries = self.ask.entries.iter().enumerate().map(|(entry, tries)| {
            let still = |change: &&usize| {
                let change = **change;
                left.contains(&Step::Add { entry, change })
            };
            Tries {
                document: self.document(entry, tries).cloned(),
                changes: tries.changes.iter().filter(still).copied().collect(),
            }
        });
        Ask {
            changes,
            entries: entries.collect(),
        }
    }

    /// What a process says of a change by itself.
    pub fn inspected(&mut self, number: usize, verdict: Result<(), Unsafe>) {
        // What was inspected before was told then.
        if self.steps.get(self.next) == Some(&Step::Inspect(number)) {
            if !self.known.contains(&number) {
                self.verdicts.inspected[number] = verdict;
            }
            self.next += 1;
        }
    }

    /// What a process says of adding one.
    ///
    /// # Errors
    /// When it says more than there is room for.
    pub fn tried(&mut self, number: usize, trial: Trial) -> io::Result<()> {
        if let Some(Step::Add { entry, change }) = self.step()
            && change == number
        {
            if let Ok(saved) = &trial.outcome {
                let left = self.room.checked_sub(saved.len());
                self.room = left.ok_or(io::ErrorKind::InvalidData)?;
                self.documents.insert(entry, saved.clone());
            }
            self.verdicts.tried[number] = Some(trial);
            self.next += 1;
        }
        Ok(())
    }

    /// Nothing is added of what is not sound.
    fn skip_unsound(&mut self) {
        while let Some(Step::Add { change, .. }) = self.steps.get(self.next)
            && !self.is_sound(*change)
        {
            self.next += 1;
        }
    }

    /// Refuses the change of the step that is next, and gives it.
    pub fn blame(&mut self) -> Option<&Bytes> {
        let (Step::Inspect(change) | Step::Add { change, .. }) = self.step()?;
        self.verdicts.inspected[change] = Err(Unsafe::Harmful);
        self.verdicts.tried[change] = None;
        self.next += 1;
        self.ask.changes.get(change)
    }
}
