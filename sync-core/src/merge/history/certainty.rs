//! What clinicians say of a fact's certainty, and whose word of it stands.

use std::collections::HashMap;

use super::bits::Bits;
use super::{History, is_apart};
use crate::ChangeHash;
use crate::entry::{STATUS, Value, Write, work};
use crate::kind::Verification;
use crate::kind::common::{NOTES, SOURCE, VERIFICATION};

/// What somebody says of a fact's certainty, from least to most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Certainty {
    /// It is called unconfirmed.
    Doubted,
    /// Neither: presumed, for instance. It takes a confirmation or a doubt back.
    Open,
    Confirmed,
}

impl<'a> History<'a> {
    /// The words of clinicians on the fact's certainty that stood when each change was made: those
    /// in front of it that nobody took back. And those that stand after all of them.
    ///
    /// A word stands after all that a change follows if it stands after each of them that has it.
    pub(super) fn words_before(&self, places: &HashMap<ChangeHash, usize>) -> (Vec<Bits>, Bits) {
        let mut before: Vec<Bits> = Vec::with_capacity(self.changes.len());
        let mut after: Vec<Bits> = Vec::with_capacity(self.changes.len());
        for (place, past) in self.changes.iter().enumerate() {
            let deps = past.deps.iter().filter_map(|dep| places.get(dep).copied());
            let words = self.words_after(place, &deps.collect::<Vec<usize>>(), &after);
            let mut then = Bits::new(place + 1);
            then.join(&words);
            if let Some(said) = self.word(place) {
                then.retain(|word| self.word(word) == Some(said));
                then.insert(place);
            }
            before.push(words);
            after.push(then);
        }
        let last = self.words_after(self.changes.len(), &self.heads(), &after);
        (before, last)
    }

    /// The words that stand after each of these changes that has them, of so many changes.
    pub(super) fn words_after(&self, changes: usize, deps: &[usize], after: &[Bits]) -> Bits {
        let mut words = Bits::new(changes);
        for dep in deps {
            words.join(&after[*dep]);
        }
        for dep in deps {
            work::steps(changes.div_ceil(64));
            let has = |word: usize| word == *dep || self.before[*dep].contains(word);
            words.retain(|word| !has(word) || after[*dep].contains(word));
        }
        words
    }

    /// What these words of clinicians say of the fact: a confirmation is stronger than a doubt.
    pub(super) fn certainty(&self, words: &Bits) -> Option<Certainty> {
        let said = words.iter().filter_map(|word| self.word(word));
        said.filter(|word| *word != Certainty::Open).max()
    }

    /// What a clinician says with a change of the fact's certainty.
    pub(super) fn word(&self, change: usize) -> Option<Certainty> {
        self.verdicts[change].filter(|_| self.has_authority(change))
    }

    /// Whether a clinician wrote what the fact is, not in doubt, with one of the changes that are
    /// seen: their doubt was not said with it nor by one who knew it, or was taken back.
    pub(super) fn clinicians_content(
        &self,
        changes: impl Iterator<Item = usize>,
        words: &Bits,
        seen: impl Fn(usize) -> bool,
    ) -> bool {
        let doubts = words.iter();
        let doubts = doubts.filter(|word| self.word(*word) == Some(Certainty::Doubted));
        let doubts: Vec<usize> = doubts.collect();
        let doubted = |content: usize| {
            let mut doubts = doubts.iter();
            doubts.any(|doubt| *doubt == content || self.saw(*doubt, content))
        };
        let mut changes = changes;
        changes.any(|other| {
            self.has_authority(other)
                && seen(other)
                && self.says_of_the_fact(other)
                && !doubted(other)
        })
    }

    /// Whether a clinician wrote into the entry what the fact is, and none called it unconfirmed.
    pub fn has_clinicians_content(&self) -> bool {
        self.clinicians_content(0..self.changes.len(), &self.last_words, |_| true)
    }

    /// Whether a change, or a proposal it takes up, writes what the fact is.
    fn says_of_the_fact(&self, change: usize) -> bool {
        let says = |write: &Write| {
            let key = write.key.as_str();
            !is_apart(key)
                && ![STATUS, VERIFICATION, NOTES, SOURCE].contains(&key)
                && write
                    .value
                    .as_ref()
                    .is_some_and(|value| *value != Value::Null)
        };
        self.says(change).any(says)
    }

    /// Whether a clinician says with this change that the fact is so.
    pub fn confirms(&self, change: usize) -> bool {
        self.word(change) == Some(Certainty::Confirmed)
    }

    /// What this change says of the fact's certainty: by its verification or one it takes up, or by
    /// creating the entry without a word of it.
    pub(super) fn verdict(&self, change: usize) -> Option<Certainty> {
        let code =
            |value: Option<&'a Value>| value.and_then(Value::as_text).map(Verification::from);
        let certain = |value| match code(value) {
            Some(Verification::Confirmed) => Certainty::Confirmed,
            Some(Verification::Unconfirmed) => Certainty::Doubted,
            _ => Certainty::Open,
        };
        let own = self.changes[change].wrote(VERIFICATION).map(certain);
        let taken_up = || {
            let adopted = self.adopted[change].get(VERIFICATION).into_iter().flatten();
            let said = adopted.filter(|(proposal, _)| {
                self.creation() != Some(*proposal)
                    && !self.is_overtaken(*proposal, VERIFICATION, change)
            });
            let mut said = said.map(|(_, write)| certain(write.value.as_ref()));
            // Of two words taken up at once, neither is.
            let first = said.next()?;
            said.all(|other| other == first).then_some(first)
        };
        let created = || (self.creation() == Some(change)).then_some(Certainty::Confirmed);
        own.or_else(taken_up).or_else(created)
    }

    /// Whether a clinician's word of the fact's certainty stands, and is this.
    pub fn is_certain(&self, certainty: Certainty) -> bool {
        self.kind.is_clinical() && self.certainty(&self.last_words) == Some(certainty)
    }
}
