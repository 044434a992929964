//! All that the rights entries of a record say.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{DelegationType, Profession, RightFact, RightKind, Role, Standing, Subject};
use crate::{EntryId, Epoch, PersonId, Tick};

/// How many caregivers may help one person at a time.
pub const MOST_CAREGIVERS: usize = 3;

/// The rights of a record: whose it is, and what its rights entries say.
///
/// Each right stands on its own: two grants to one person give what either gives. A block takes
/// everything from its person, unless that is the holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    holder: PersonId,
    facts: Vec<RightFact>,
}

impl Rights {
    /// The rights of the record of `holder`; the order of the facts does not matter.
    pub fn new(holder: PersonId, facts: impl IntoIterator<Item = RightFact>) -> Self {
        let mut facts: Vec<RightFact> = facts.into_iter().collect();
        facts.sort();
        facts.dedup();
        Rights { holder, facts }
    }

    /// Puts in the place of what an entry said what it says now; nothing takes it out.
    pub fn put(&mut self, entry: EntryId, fact: Option<RightFact>) {
        self.facts.retain(|kept| kept.entry != entry);
        if let Some(fact) = fact {
            let before = self.facts.partition_point(|kept| *kept < fact);
            self.facts.insert(before, fact);
        }
    }

    /// Whose record it is.
    pub fn holder(&self) -> PersonId {
        self.holder
    }

    /// What the rights entries say, in the order in which they were accepted.
    pub fn facts(&self) -> &[RightFact] {
        &self.facts
    }

    /// What a subject is to this record at `now`.
    pub fn standing(&self, subject: &Subject, now: Tick) -> Standing {
        let person = subject.person;
        let nobody = Standing::nobody(person);
        if *subject == Subject::SYSTEM {
            return nobody.with_role(Role::System);
        }
        // The holder is nothing else to their own record: a doctor does not get round "not yet
        // visible to the patient" by a grant to themself.
        if person == self.holder {
            return nobody.with_role(Role::Holder).writing().seeing_hidden();
        }
        if self.blocked(person, now) {
            return nobody;
        }
        let mut standing = nobody;
        if self.caregivers(now).0.contains(&person) {
            standing = standing.with_role(Role::Caregiver);
        }
        for fact in self.in_force(now).filter(|fact| fact.person == person) {
            standing = match (&fact.kind, &fact.delegation_type, subject.profession) {
                (
                    RightKind::Delegation,
                    Some(DelegationType::Parent | DelegationType::Guardian),
                    _,
                ) => standing.with_role(Role::Representative),
                (RightKind::Grant, _, Some(profession)) => {
                    let granted = standing.with_role(Role::Professional(profession));
                    if fact.write {
                        granted.writing()
                    } else {
                        granted
                    }
                }
                (RightKind::TreatingPhysician, _, Some(Profession::Physician)) => standing
                    .with_role(Role::Professional(Profession::Physician))
                    .writing()
                    .seeing_hidden(),
                (RightKind::Administrator, _, Some(profession)) => standing
                    .with_role(Role::Professional(profession))
                    .writing()
                    .seeing_hidden(),
                (RightKind::Administrator, _, None) => standing.seeing_hidden(),
                // A caregiver is settled above; a block too; a grant or the treating physician's
                // place means nothing to somebody whose profession nobody verified.
                (
                    RightKind::Grant
                    | RightKind::Block
                    | RightKind::Delegation
                    | RightKind::TreatingPhysician,
                    _,
                    _,
                ) => standing,
            };
        }
        standing
    }

    /// The roles a subject may act in at `now`, in a fixed order; none for a stranger.
    pub fn roles(&self, subject: &Subject, now: Tick) -> Vec<Role> {
        self.standing(subject, now).roles().cloned().collect()
    }

    /// Names what decides a subject's rights at `now`: equal as long as nothing of it changes,
    /// whatever changes for others.
    ///
    /// Where the matrix can change too, [`super::Context::epoch`] names both.
    pub fn epoch(&self, subject: &Subject, now: Tick) -> Epoch {
        self.standing(subject, now).epoch()
    }

    /// The delegations to caregivers that would be in force at `now` but for the limit of
    /// [`MOST_CAREGIVERS`]: the latest accepted wait until a place is free.
    pub fn waiting_caregivers(&self, now: Tick) -> Vec<EntryId> {
        self.caregivers(now).1
    }

    /// When a delegation makes a person a caregiver, or will once one of the [`MOST_CAREGIVERS`]
    /// places is free: from each of these moments to before the next one does, or none does. The
    /// first is the beginning of time. It takes about a step a right, however many moments there are.
    pub fn delegated_times(&self, person: PersonId) -> BTreeMap<Tick, bool> {
        let theirs = self.facts.iter().filter(|fact| fact.person == person);
        let theirs = theirs.filter(|fact| !fact.revoked && person != self.holder);
        // How many delegations and how many blocks more or fewer are in force from a moment on.
        let mut turns: BTreeMap<Tick, (i64, i64)> = BTreeMap::from([(Tick(0), (0, 0))]);
        for fact in theirs {
            let starts = fact.starts.unwrap_or(Tick(0));
            if fact.ends.is_some_and(|ends| ends <= starts) {
                continue;
            }
            let counts = (
                i64::from(fact.is_caregiver()),
                i64::from(fact.kind == RightKind::Block),
            );
            let at = turns.entry(starts).or_default();
            *at = (at.0 + counts.0, at.1 + counts.1);
            if let Some(ends) = fact.ends {
                let at = turns.entry(ends).or_default();
                *at = (at.0 - counts.0, at.1 - counts.1);
            }
        }
        let (mut delegations, mut blocks) = (0, 0);
        let holds = turns.into_iter().map(|(at, more)| {
            delegations += more.0;
            blocks += more.1;
            (at, delegations > 0 && blocks == 0)
        });
        holds.collect()
    }

    /// Who is a caregiver at `now`, and which delegations wait.
    fn caregivers(&self, now: Tick) -> (BTreeSet<PersonId>, Vec<EntryId>) {
        let mut caregivers = BTreeSet::new();
        let mut waiting = Vec::new();
        let blocks = self.in_force(now).filter(|f| f.kind == RightKind::Block);
        let blocked: BTreeSet<PersonId> = blocks.map(|fact| fact.person).collect();
        for fact in self.in_force(now).filter(|fact| fact.is_caregiver()) {
            if fact.person == self.holder || blocked.contains(&fact.person) {
                continue;
            }
            if caregivers.len() < MOST_CAREGIVERS || caregivers.contains(&fact.person) {
                caregivers.insert(fact.person);
            } else {
                waiting.push(fact.entry);
            }
        }
        (caregivers, waiting)
    }

    fn blocked(&self, person: PersonId, now: Tick) -> bool {
        self.in_force(now)
            .any(|fact| fact.kind == RightKind::Block && fact.person == person)
    }

    fn in_force(&self, now: Tick) -> impl Iterator<Item = &RightFact> {
        self.facts.iter().filter(move |fact| fact.in_force(now))
    }
}
