//! What the holder says of what is theirs: whether a wish counts.

use std::collections::{BTreeSet, HashMap};

use super::super::authority;
use super::super::view::Written;
use super::bits::Bits;
use super::{History, Said};
use crate::ChangeHash;
use crate::entry::STATUS;
use crate::kind::{JsonScalar as _, Status};

impl<'a> History<'a> {
    /// Whether the word of whoever made a change decides what becomes of a field.
    pub(super) fn decides(&self, change: usize, key: &str) -> bool {
        match authority::is_holders(self.rules, &self.kind, key) {
            true => self.is_of_holder(change),
            false => self.has_authority(change),
        }
    }

    /// The holder's last words on the status before the change at a place.
    pub(super) fn holders_before(
        &self,
        place: usize,
        places: &HashMap<ChangeHash, usize>,
        after: &[Bits],
    ) -> Bits {
        if !authority::is_holders(self.rules, &self.kind, STATUS) {
            return Bits::new(place);
        }
        let deps = self.changes[place].deps.iter();
        let deps = deps.filter_map(|dep| places.get(dep).copied());
        self.words_after(place, &deps.collect::<Vec<usize>>(), after)
    }

    /// Those after it, of which there were these before it.
    pub(super) fn holders_after(&self, place: usize, before: &Bits) -> Bits {
        let mut after = Bits::new(place + 1);
        after.join(before);
        if self.is_holders_word(place) {
            // What they left standing beside it stands.
            after.retain(|word| !self.saw(place, word));
            after.insert(place);
        }
        after
    }

    /// Those after all changes.
    pub(super) fn holders_last(&self, after: &[Bits]) -> Bits {
        let changes = self.changes.len();
        if !authority::is_holders(self.rules, &self.kind, STATUS) {
            return Bits::new(changes);
        }
        self.words_after(changes, &self.heads(), after)
    }

    /// Whether the holder says with a change whether the entry counts: by a status, or by one they
    /// take up.
    fn is_holders_word(&self, change: usize) -> bool {
        let adopts = self.adopted[change].contains_key(STATUS);
        self.is_of_holder(change) && (adopts || self.changes[change].wrote(STATUS).is_some())
    }

    /// How the holder ended the entry, by one of these words of theirs. An error is the stronger.
    pub(super) fn ended_by_holder(&self, words: &Bits) -> Option<Written> {
        let status = |change: usize| {
            let adopted = self.adopted[change].get(STATUS).into_iter().flatten();
            let adopted = adopted.map(|(_, write)| write.value.as_ref()).next();
            let said = self.changes[change].wrote(STATUS).or(adopted);
            said.flatten().and_then(Status::from_value)
        };
        let ends = words.iter().filter_map(status);
        let ends = ends.filter(|status| !status.status.is_active());
        let ends = ends.map(|status| match status.status.is_error() {
            true => Written::ErrorByHolder,
            false => Written::ByHolder,
        });
        ends.max_by_key(|ended| *ended == Written::ErrorByHolder)
    }

    /// Of the statuses of a wish, those that stand though it is the holder's. Whoever called it an
    /// error and then says that it is none takes that back, also where they may only propose what
    /// it is: the holder's word stands again.
    pub(super) fn not_taken_back(&self, said: &[Said<'a>]) -> Vec<Said<'a>> {
        let proposed = self.proposed.get(STATUS).map_or(&[][..], Vec::as_slice);
        let code = |said: &Said<'_>| said.value.and_then(Status::from_value);
        let is_error = |said: &Said<'_>| code(said).is_some_and(|said| said.status.is_error());
        let back: Vec<&Said<'_>> = proposed.iter().filter(|said| !is_error(said)).collect();
        let taken_back = |error: &Said<'_>| {
            let author = self.author(error.change);
            let mut back = back
                .iter()
                .filter(|said| self.author(said.change) == author);
            author.is_some() && back.any(|said| self.saw(said.change, error.change))
        };
        let stands = said.iter();
        let stands = stands.filter(|said| !is_error(said) || !taken_back(said));
        stands.copied().collect()
    }
}

impl History<'_> {
    /// The changes that no other follows.
    pub(super) fn heads(&self) -> Vec<usize> {
        let deps = self.changes.iter().flat_map(|past| &past.deps);
        let followed: BTreeSet<&ChangeHash> = deps.collect();
        let is_last = |place: &usize| !followed.contains(&self.changes[*place].hash);
        (0..self.changes.len()).filter(is_last).collect()
    }
}
