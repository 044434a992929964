//! What a write finds in a history, as far as it decides whether it is a proposal.

use super::super::authority::Met;
use super::super::view::Written;
use super::{Bits, Certainty, History, Said};
use crate::entry::STATUS;
use crate::kind::Join;
use crate::kind::common::{NOTES, SOURCE};

/// What a write of a history meets.
pub(super) struct Then<'h, 'a> {
    pub history: &'h History<'a>,
    pub key: &'h str,
    pub change: usize,
    /// What took effect under the key, of the changes that come before it in the history.
    pub taken: &'h [Said<'a>],
}

impl Met for Then<'_, '_> {
    fn ended_by_holder(&self) -> bool {
        let history = self.history;
        let said = &history.holders[self.change];
        self.key == STATUS && history.ended_by_holder(said).is_some()
    }

    fn written(&self) -> Written {
        let history = self.history;
        let seen = |said: &&Said<'_>| history.saw(self.change, said.change);
        let known: Vec<Said<'_>> = self.taken.iter().filter(seen).copied().collect();
        history.written(self.key, &known, &history.words[self.change])
    }

    fn certainty(&self) -> Option<Certainty> {
        self.history.certainty(&self.history.words[self.change])
    }

    fn clinicians_content(&self) -> bool {
        let seen = |other: usize| self.history.saw(self.change, other);
        let words = &self.history.words[self.change];
        self.history.clinicians_content(0..self.change, words, seen)
    }

    fn clinician_beside(&self) -> bool {
        let history = self.history;
        // Two values of a field that has a rule of its own meet by that rule. What becomes of an
        // entry that is closed while it is confirmed, the rules of statuses say.
        let ruled = history.field(self.key);
        let ruled = ruled.is_some_and(|spec| spec.join != Join::Both);
        let remark = [NOTES, SOURCE].contains(&self.key);
        let beside = |other: usize| {
            let wrote = !ruled && history.changes[other].wrote(self.key).is_some();
            let confirmed = !remark && self.key != STATUS && history.confirms(other);
            history.concurrent(self.change, other) && (wrote || confirmed)
        };
        let mut all = 0..history.changes.len();
        all.any(|other| history.has_authority(other) && beside(other))
    }
}

impl History<'_> {
    /// What a field is by these of its writes, where these words of clinicians on the fact stand.
    pub(super) fn written(&self, key: &str, known: &[Said<'_>], words: &Bits) -> Written {
        if known.is_empty() {
            return Written::Never;
        }
        let over = |one: &Said<'_>, other: &Said<'_>| self.saw(other.change, one.change);
        let stands = |one: &Said<'_>| !known.iter().rev().any(|other| over(one, other));
        let theirs = known.iter().rev();
        let theirs = theirs.filter(|said| self.has_authority(said.change) && stands(said));
        // Whoever records a fact says with it that it is there, which a doubt of it calls in question.
        let recorded = |change| key == STATUS && self.creation() == Some(change);
        let mut written = Written::ByOthers;
        for said in theirs {
            if !recorded(said.change) && !self.doubts(said.change, words) {
                return Written::ByClinician;
            }
            written = Written::InDoubt;
        }
        written
    }

    /// Whether whoever made a change called the fact unconfirmed with it or since, by one of these
    /// words.
    fn doubts(&self, change: usize, words: &Bits) -> bool {
        let mut words = words.iter();
        words.any(|word| {
            self.word(word) == Some(Certainty::Doubted)
                && self.author(word) == self.author(change)
                && (word == change || self.saw(word, change))
        })
    }
}
