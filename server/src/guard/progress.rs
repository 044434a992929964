//! What is known of an ask, over the ends of the processes that work on it.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

use sync_core::guard::{Trial, Unsafe};
use sync_core::{Bytes, Digest32};

use super::talk::{Ask, MOST_BYTES, Tries, Verdicts, Work};

/// A step of an ask.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Inspect(usize),
    Add { entry: usize, change: usize },
}

impl Step {
    fn change(&self) -> usize {
        let (Step::Inspect(change) | Step::Add { change, .. }) = self;
        *change
    }
}

/// What is known of an ask so far.
pub(super) struct Progress {
    ask: Ask,
    pub verdicts: Verdicts,
    /// Those that were known to do harm; they are not looked at.
    known: BTreeSet<usize>,
    /// The names of the steps, once they are asked for.
    names: OnceCell<Vec<Digest32>>,
    /// The entries as far as changes were added to them.
    documents: BTreeMap<usize, Bytes>,
    /// How many bytes of entries may still be saved.
    room: usize,
    next: usize,
    steps: Vec<Step>,
}

impl Progress {
    /// Of an ask of which nothing is known.
    pub fn new(ask: Ask) -> Self {
        let count = ask.changes.len();
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
            known: BTreeSet::new(),
            names: OnceCell::new(),
            documents: BTreeMap::new(),
            room: MOST_BYTES,
            next: 0,
            ask,
        }
    }

    /// Refuses the changes of which a step is known to do harm.
    pub fn leave_out(&mut self, is_known: impl Fn(&Digest32) -> bool) {
        let names = self.names.get_or_init(|| names(&self.ask));
        let known = self
            .steps
            .iter()
            .zip(names)
            .filter(|(_, name)| is_known(name));
        self.known.extend(known.map(|(step, _)| step.change()));
    }

    fn is_sound(&self, change: usize) -> bool {
        self.verdicts.inspected.get(change) == Some(&Ok(()))
    }

    /// The step that is next, if there is one.
    pub fn step(&mut self) -> Option<Step> {
        self.skip();
        self.steps.get(self.next).copied()
    }

    /// The work of one step alone.
    pub fn alone(&self, step: Step) -> Work {
        let wanted = step.change();
        let only = |(number, change): (usize, &Bytes)| match number == wanted {
            true => change.clone(),
            false => Bytes::default(),
        };
        let (inspect, entry) = match step {
            Step::Inspect(change) => (vec![change], None),
            Step::Add { entry, change } => {
                let tries = self.ask.entries.get(entry).map(|tries| Tries {
                    document: self.document(entry, tries).cloned(),
                    changes: vec![change],
                });
                (Vec::new(), tries)
            }
        };
        let ask = Ask {
            changes: self.ask.changes.iter().enumerate().map(only).collect(),
            entries: entry.into_iter().collect(),
        };
        self.work(ask, inspect)
    }

    fn work(&self, ask: Ask, inspect: Vec<usize>) -> Work {
        Work {
            ask,
            inspect,
            room: self.room,
        }
    }

    /// An entry as far as changes were added to it.
    fn document<'p>(&'p self, entry: usize, tries: &'p Tries) -> Option<&'p Bytes> {
        self.documents.get(&entry).or(tries.document.as_ref())
    }

    /// The work that is left: what was inspected is inspected again where it is still to be added.
    pub fn left(&self) -> Work {
        // What is known not to be sound is not looked at again: it may be what ended the process.
        let steps = &self.steps[self.next.min(self.steps.len())..];
        let wanted = |step: &&Step| match step {
            _ if self.known.contains(&step.change()) => false,
            Step::Inspect(_) => true,
            Step::Add { change, .. } => self.next <= *change || self.is_sound(*change),
        };
        let left: BTreeSet<Step> = steps.iter().filter(wanted).copied().collect();
        let wanted: BTreeSet<usize> = left.iter().map(|step| step.change()).collect();
        // What is not wanted any more stands there empty, so that numbers stay as they are.
        let whole = |(number, change): (usize, &Bytes)| match wanted.contains(&number) {
            true => change.clone(),
            false => Bytes::default(),
        };
        let inspect = left.iter().filter_map(|step| match step {
            Step::Inspect(change) => Some(*change),
            Step::Add { .. } => None,
        });
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
        let ask = Ask {
            changes,
            entries: entries.collect(),
        };
        self.work(ask, inspect.collect())
    }

    /// What a process says of a change by itself.
    pub fn inspected(&mut self, number: usize, verdict: Result<(), Unsafe>) {
        if self.step() == Some(Step::Inspect(number)) {
            self.verdicts.inspected[number] = verdict;
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

    /// Nothing is added of what is not sound, nor looked at what is known.
    fn skip(&mut self) {
        while self.steps.get(self.next).is_some_and(|step| match step {
            Step::Inspect(change) => self.known.contains(change),
            Step::Add { change, .. } => !self.is_sound(*change),
        }) {
            self.next += 1;
        }
    }

    /// Refuses the change of the step that is next, and gives the name of that step.
    pub fn blame(&mut self) -> Option<Digest32> {
        let step = self.step()?;
        let harm = self
            .names
            .get_or_init(|| names(&self.ask))
            .get(self.next)
            .copied();
        let change = step.change();
        self.verdicts.inspected[change] = Err(Unsafe::Harmful);
        self.verdicts.tried[change] = None;
        self.next += 1;
        harm
    }
}

/// The names of the steps of an ask, in their order: inspecting that change, and adding it to that entry
/// after those that are added before it. A change that does harm in one place may be good in others.
fn names(ask: &Ask) -> Vec<Digest32> {
    let change = |number: &usize| ask.changes.get(*number).map_or(&[][..], |bytes| bytes);
    let inspect = ask.changes.iter();
    let mut names: Vec<_> = inspect
        .map(|bytes| Digest32::of(&[b"inspect", bytes]))
        .collect();
    for tries in &ask.entries {
        let document = tries.document.as_ref().map_or(&[][..], |bytes| bytes);
        let mut so_far = Digest32::of(&[b"add", document]);
        for number in &tries.changes {
            so_far = Digest32::of(&[&so_far.0, change(number)]);
            names.push(so_far);
        }
    }
    names
}
