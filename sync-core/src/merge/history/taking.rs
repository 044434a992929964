//! What whoever decides takes up of proposals.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::super::{Rule, TakenUp};
use super::History;
use crate::ChangeHash;
use crate::entry::{Value, Write, work};
use crate::kind::common::ACCEPTS;
use crate::kind::same_value;

/// What a change takes up, key by key, each write with the change that proposed it.
pub(super) type Taking<'a> = BTreeMap<&'a str, Vec<(usize, &'a Write)>>;

impl<'a> History<'a> {
    /// What takes effect of what a change takes up, each write with the change that proposed it.
    pub(super) fn adopted(&self, change: usize) -> impl Iterator<Item = (usize, &'a Write)> {
        self.adopted[change].values().flatten().copied()
    }

    /// What a change takes up of proposals, of whoever decides on the field: the fields that it
    /// names.
    pub(super) fn takes_up(
        &self,
        change: usize,
        places: &HashMap<ChangeHash, usize>,
    ) -> Taking<'a> {
        let mut taking: Taking<'a> = BTreeMap::new();
        if !self.has_authority(change) && !self.is_of_holder(change) {
            return taking;
        }
        let whole = !self.rules.has(Rule::ProposalByField);
        for (proposal, value) in self.named(change, ACCEPTS, places) {
            // What is no field of it tells one acceptance from another that was to no effect.
            let named = value.and_then(Value::as_text).unwrap_or_default();
            let named: BTreeSet<&str> = named.split_whitespace().collect();
            let writes: &'a [Write] = &self.changes[proposal].writes;
            let taken = writes.iter();
            let taken = taken.filter(|write| self.decides(change, &write.key));
            for write in taken.filter(|write| whole || named.contains(write.key.as_str())) {
                let taken = taking.entry(&write.key).or_default();
                taken.push((proposal, write));
            }
        }
        for taken in taking.values_mut() {
            taken.sort_by_key(|(proposal, _)| *proposal);
        }
        taking
    }

    /// What a change takes up of the proposals it accepts. Whoever takes up two values of one field
    /// at once says neither, and whoever writes a third one says that.
    pub(super) fn adopts(&self, change: usize) -> Taking<'a> {
        let says = |value: Option<&'a Value>| value.filter(|value| **value != Value::Null);
        let same = |one: Option<&Value>, other: Option<&Value>| match (one, other) {
            (Some(one), Some(other)) => same_value(one, other),
            (one, other) => one == other,
        };
        let mut own: BTreeMap<&str, Option<&Value>> = BTreeMap::new();
        for write in &self.changes[change].writes {
            own.insert(&write.key, write.value.as_ref());
        }
        let agree = |key: &str, taken: &[(usize, &'a Write)]| {
            let first = taken
                .first()
                .and_then(|(_, write)| says(write.value.as_ref()));
            work::steps(taken.len());
            let mut others = taken.iter().map(|(_, write)| says(write.value.as_ref()));
            let written = own.get(key).copied().map(says);
            others.all(|other| same(other, first)) && written.is_none_or(|own| same(own, first))
        };
        let taking = self.accepted[change].iter();
        let taking = taking.filter(|(key, taken)| agree(key, taken));
        taking.map(|(key, taken)| (*key, taken.clone())).collect()
    }

    /// Whether a change takes up a field of a proposal to no effect, because it says something else
    /// of it at once.
    pub(super) fn leaves_open(&self, change: usize, proposal: usize, key: &str) -> bool {
        let has = |taking: &Taking<'_>| {
            let mut taken = taking.get(key).into_iter().flatten();
            taken.any(|(other, _)| *other == proposal)
        };
        has(&self.accepted[change]) && !has(&self.adopted[change])
    }

    /// Whether somebody whose word decides wrote a key, or took up another proposal of it, with
    /// the proposal in front of them, and its acceptance came after that.
    pub(super) fn is_overtaken(&self, proposal: usize, key: &str, acceptance: usize) -> bool {
        let wrote = |change: usize| {
            let adopted = self.adopted[change].get(key).into_iter().flatten();
            let mut adopted = adopted.inspect(|_| work::steps(1));
            self.changes[change].wrote(key).is_some()
                || adopted.any(|(other, _)| *other != proposal)
        };
        (proposal..acceptance).any(|change| {
            self.decides(change, key)
                && self.saw(acceptance, change)
                && self.saw(change, proposal)
                && wrote(change)
                && !self.leaves_open(change, proposal, key)
        })
    }

    /// The proposals and the held edits that were taken up, each with the change that did. Held
    /// edits are taken up by the holder.
    pub fn taken_up(&self) -> Vec<TakenUp> {
        let all = 0..self.changes.len();
        let taken = all.flat_map(|change| {
            let proposals = self.adopted(change).map(|(proposal, write)| TakenUp {
                proposal: self.hash(proposal),
                field: Some(write.key.clone()),
                of: self.author(proposal),
                by: None,
            });
            let held = self.takes_up_held(change).iter();
            let held = held.map(|held| TakenUp {
                proposal: *held,
                field: None,
                of: None,
                by: None,
            });
            proposals.chain(held).map(move |taken| TakenUp {
                by: self.stamp(change),
                ..taken
            })
        });
        let mut taken: Vec<TakenUp> = taken.collect();
        taken.sort_by_key(|taken| {
            let at = taken.by.as_ref().map(|by| by.at);
            (taken.proposal, taken.field.clone(), at)
        });
        taken
    }
}
