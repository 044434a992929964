//! The law once more, in the plainest words, to check the other one by.
//!
//! Shares no rule with `sync_core::policy` and `sync_core::merge`: it keeps the accepted changes
//! and says from them alone who may read and write what. Only as wide as the simulation's kinds.

mod table;

pub use table::RIGHTS;

use std::collections::{BTreeMap, BTreeSet};

use sync_core::entry::{PastChange, Value, Write};
use sync_core::policy::{Profession, Role};
use sync_core::{ChangeHash, EntryId, PersonId, Tick};

use super::cast::{self, Cast, Who};
use table::{is_right, reads, writes};

/// An accepted change.
#[derive(Clone, Debug)]
struct Deed {
    tick: Tick,
    change: ChangeHash,
    author: PersonId,
    /// All changes of the entry that it follows, directly or not.
    follows: BTreeSet<ChangeHash>,
    writes: Vec<Write>,
}

/// All accepted changes.
#[derive(Clone, Debug, Default)]
pub struct Oracle {
    /// Who plays.
    cast: Cast,
    entries: BTreeMap<EntryId, Vec<Deed>>,
    /// What was destroyed, and when.
    destroyed: BTreeMap<EntryId, Tick>,
}

/// What somebody is to the record at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Powers {
    who: PersonId,
    roles: BTreeSet<Role>,
    writes: bool,
    sees_hidden: bool,
}

/// What an edit wants.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'w> {
    /// Who.
    pub person: PersonId,
    /// In what role.
    pub role: &'w Role,
    /// Which entry.
    pub entry: EntryId,
    /// What it writes.
    pub past: &'w PastChange,
}

/// A moment: what had been accepted, and what time it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// By all that was accepted up to here.
    pub log: Tick,
    /// At this time.
    pub time: Tick,
}

impl Moment {
    /// Log and time at one tick.
    pub fn at(tick: Tick) -> Self {
        Moment {
            log: tick,
            time: tick,
        }
    }
}

fn is_mark(status: &Value) -> bool {
    let text = status.as_text();
    text.is_some_and(|text| text.contains("\"wrong-patient\""))
}

fn is_physicians(deed: &Deed) -> bool {
    cast::profession(deed.author) == Some(Profession::Physician)
}

impl Oracle {
    /// An oracle of a record of which nothing was accepted yet.
    pub fn new(cast: Cast) -> Self {
        Oracle {
            cast,
            ..Oracle::default()
        }
    }

    /// Takes an accepted change in.
    pub fn accept(&mut self, entry: EntryId, past: &PastChange, author: PersonId, tick: Tick) {
        let deeds = self.entries.entry(entry).or_default();
        let mut follows: BTreeSet<ChangeHash> = past.deps.iter().copied().collect();
        for deed in deeds.iter().filter(|deed| past.deps.contains(&deed.change)) {
            follows.extend(&deed.follows);
        }
        deeds.push(Deed {
            tick,
            change: past.hash,
            author,
            follows,
            writes: past.writes.clone(),
        });
    }

    /// Knows no more of what was destroyed than that it was: the store was put back, and what
    /// destroyed it may be lost.
    pub fn destroy_again(&mut self, entry: EntryId, at: Tick) {
        self.destroyed.insert(entry, at);
    }

    /// Forgets what came after `tick`: it was never durable.
    pub fn roll_back(&mut self, tick: Tick) {
        for deeds in self.entries.values_mut() {
            deeds.retain(|deed| deed.tick <= tick);
        }
        self.entries.retain(|_, deeds| !deeds.is_empty());
        self.destroyed.retain(|_, at| *at <= tick);
    }

    /// Notes that an entry was destroyed; whether a word stands that it is another patient's: a
    /// physician's, or its author's, if nobody else wrote in it. One that is not here was destroyed
    /// before the store was put back.
    pub fn destroy(&mut self, entry: EntryId, at: Tick) -> bool {
        if self.destroyed.contains_key(&entry) {
            return true;
        }
        let deeds = self.entries.get(&entry);
        let destroys = deeds.is_none_or(|deeds| {
            let author = self.created(&entry).map(|deed| deed.author);
            let alone = deeds.iter().all(|deed| Some(deed.author) == author);
            let mut standing = self.standing(&entry, "status", Tick(u64::MAX));
            standing.any(|(deed, value)| is_mark(value) && (is_physicians(deed) || alone))
        });
        self.destroyed.insert(entry, at);
        destroys
    }

    /// Whether the last that anybody said of what becomes of an entry is a physician's word that it
    /// is another patient's.
    pub fn is_marked(&self, entry: &EntryId) -> bool {
        let deeds = self.entries.get(entry).into_iter().flatten();
        let said = deeds.filter_map(|deed| {
            let mut writes = deed.writes.iter().filter(|write| write.key == "status");
            Some((deed, writes.next()?.value.as_ref()?))
        });
        let last = said.max_by_key(|(deed, _)| deed.tick);
        last.is_some_and(|(deed, value)| is_mark(value) && is_physicians(deed))
    }

    /// Whether this person wrote the beginning of an entry.
    pub fn is_author(&self, entry: &EntryId, person: PersonId) -> bool {
        self.created(entry)
            .is_some_and(|deed| deed.author == person)
    }

    /// Whether it was destroyed.
    pub fn is_destroyed(&self, entry: &EntryId) -> bool {
        self.destroyed.contains_key(entry)
    }

    /// The changes of an entry that were accepted up to a tick.
    pub fn changes(&self, entry: &EntryId, until: Tick) -> impl Iterator<Item = ChangeHash> {
        let deeds = self.entries.get(entry).into_iter().flatten();
        deeds
            .take_while(move |deed| deed.tick <= until)
            .map(|deed| deed.change)
    }

    /// When something was accepted after a tick and not after another.
    pub fn ticks(&self, after: Tick, until: Tick) -> BTreeSet<Tick> {
        let deeds = self.entries.values().flatten();
        let ticks = deeds.map(|deed| deed.tick);
        ticks.filter(|at| after < *at && *at <= until).collect()
    }

    /// Whether a change was accepted.
    pub fn has(&self, entry: &EntryId, change: &ChangeHash) -> bool {
        let mut all = self.changes(entry, Tick(u64::MAX));
        all.any(|accepted| accepted == *change)
    }

    /// The values that stand for a key: written by a change that no other writer of it follows.
    fn values(&self, entry: &EntryId, key: &str, log: Tick) -> Vec<&Value> {
        self.standing(entry, key, log)
            .map(|(_, value)| value)
            .collect()
    }

    /// The same, with who wrote them.
    fn standing<'o>(
        &'o self,
        entry: &EntryId,
        key: &str,
        log: Tick,
    ) -> impl Iterator<Item = (&'o Deed, &'o Value)> + use<'o> {
        let deeds = self.entries.get(entry).into_iter().flatten();
        let writers: Vec<(&Deed, &Write)> = deeds
            .filter(|deed| deed.tick <= log)
            .filter_map(|deed| Some((deed, deed.writes.iter().find(|w| w.key == key)?)))
            .collect();
        let stands = |deed: &Deed| {
            !writers
                .iter()
                .any(|(w, _)| w.follows.contains(&deed.change))
        };
        let standing = writers.iter().filter(|(deed, _)| stands(deed));
        let said = standing.filter_map(|(deed, w)| Some((*deed, w.value.as_ref()?)));
        said.collect::<Vec<_>>().into_iter()
    }

    /// Whether somebody said who is blocked, when, or that they are, and neither they nor whoever
    /// lifted the block had seen the other do it.
    fn blocked_beside(&self, entry: &EntryId, lifting: &Deed, log: Tick) -> bool {
        let blocks = |write: &Write| match write.key.as_str() {
            "person" | "starts" | "ends" => true,
            "status" => {
                let text = write.value.as_ref().and_then(Value::as_text);
                text.is_none_or(|text| text.contains("\"active\""))
            }
            _ => false,
        };
        let deeds = self.entries.get(entry).into_iter().flatten();
        let mut beside = deeds.filter(|deed| {
            deed.tick <= log
                && deed.change != lifting.change
                && !deed.follows.contains(&lifting.change)
                && !lifting.follows.contains(&deed.change)
        });
        beside.any(|deed| deed.writes.iter().any(blocks))
    }

    fn text(&self, entry: &EntryId, key: &str, log: Tick) -> Option<&str> {
        self.values(entry, key, log).first()?.as_text()
    }

    /// What flags an entry has; a decision keeps each that it ever had.
    fn flags(&self, entry: &EntryId, key: &str, log: Tick) -> Vec<&Value> {
        if self.text(entry, "kind", log) != Some("review-decision") {
            return self.values(entry, key, log);
        }
        let deeds = self.entries.get(entry).into_iter().flatten();
        let until = deeds.filter(|deed| deed.tick <= log);
        let writes = until.flat_map(|deed| &deed.writes);
        let said = writes.filter(|write| write.key == key);
        said.filter_map(|write| write.value.as_ref()).collect()
    }

    fn any_true(&self, entry: &EntryId, key: &str, log: Tick) -> bool {
        self.flags(entry, key, log).contains(&&Value::Bool(true))
    }

    fn numbers(&self, entry: &EntryId, key: &str, log: Tick) -> impl Iterator<Item = u64> {
        let values = self.flags(entry, key, log).into_iter();
        values.filter_map(|value| match value {
            Value::Uint(number) => Some(*number),
            _ => None,
        })
    }

    fn created(&self, entry: &EntryId) -> Option<&Deed> {
        self.entries.get(entry)?.first()
    }

    /// Whether a right counts.
    fn in_force(&self, entry: &EntryId, moment: Moment) -> bool {
        let Moment { log, time } = moment;
        if self.created(entry).is_none_or(|deed| deed.tick > log) {
            return false;
        }
        let taken_back = |value: &Value| {
            let text = value.as_text().unwrap_or_default();
            text.contains("\"revoked\"") || text.contains("\"entered-in-error\"")
        };
        let mut status = self.standing(entry, "status", log);
        let block = self.text(entry, "kind", log) == Some("block");
        // A block is lifted by somebody who had seen all that says that it is one.
        let revoked = status.any(|(deed, value)| {
            taken_back(value) && (!block || !self.blocked_beside(entry, deed, log))
        });
        let started = self
            .numbers(entry, "starts", log)
            .all(|from| from <= time.0);
        let ended = self.numbers(entry, "ends", log).any(|end| end <= time.0);
        !revoked && started && !ended
    }

    fn powers(&self, person: PersonId, moment: Moment) -> Powers {
        let mut powers = Powers {
            who: person,
            roles: BTreeSet::new(),
            writes: false,
            sees_hidden: false,
        };
        if person == self.cast.id(Who::Holder) {
            powers.roles.insert(Role::Holder);
            powers.writes = true;
            powers.sees_hidden = true;
            return powers;
        }
        let names = |entry: &EntryId| {
            let named = self.text(entry, "person", moment.log)?;
            named.parse::<PersonId>().ok()
        };
        let rights: Vec<(&str, EntryId, PersonId)> = self
            .entries
            .keys()
            .filter(|entry| self.in_force(entry, moment))
            .filter_map(|entry| {
                let kind = self.text(entry, "kind", moment.log)?;
                is_right(kind).then_some((kind, *entry, names(entry)?))
            })
            .collect();
        let blocked = |who| {
            let mut blocks = rights.iter().filter(|(kind, ..)| *kind == "block");
            blocks.any(|(_, _, named)| *named == who)
        };
        if blocked(person) {
            return powers;
        }
        if self.three_caregivers(&rights, blocked).contains(&person) {
            powers.roles.insert(Role::Caregiver);
        }
        let profession = cast::profession(person);
        for (kind, entry, _) in rights.iter().filter(|(_, _, named)| *named == person) {
            match (*kind, profession) {
                ("grant", Some(profession)) => {
                    powers.roles.insert(Role::Professional(profession));
                    let write = self.values(entry, "write", moment.log);
                    let may = write.iter().all(|value| **value == Value::Bool(true));
                    powers.writes |= may && !write.is_empty();
                }
                ("treating-physician", Some(Profession::Physician)) => {
                    let role = Role::Professional(Profession::Physician);
                    powers.roles.insert(role);
                    powers.writes = true;
                    powers.sees_hidden = true;
                }
                ("administrator", profession) => {
                    powers.roles.extend(profession.map(Role::Professional));
                    powers.writes |= profession.is_some();
                    powers.sees_hidden = true;
                }
                _ => {}
            }
        }
        powers
    }

    /// At most three people help at a time: those whose delegations came first.
    fn three_caregivers(
        &self,
        rights: &[(&str, EntryId, PersonId)],
        blocked: impl Fn(PersonId) -> bool,
    ) -> BTreeSet<PersonId> {
        let delegations = rights.iter().filter(|(kind, ..)| *kind == "delegation");
        let mut by_age: Vec<(Tick, PersonId)> = delegations
            .filter(|(_, _, person)| !blocked(*person))
            .filter_map(|(_, entry, person)| Some((self.created(entry)?.tick, *person)))
            .collect();
        by_age.sort();
        let mut caregivers = BTreeSet::new();
        for (_, person) in by_age {
            if caregivers.len() < 3 {
                caregivers.insert(person);
            }
        }
        caregivers
    }

    /// All entries there are.
    pub fn existing(&self) -> BTreeSet<EntryId> {
        self.entries.keys().copied().collect()
    }

    /// All entries a person may read.
    pub fn readable(&self, person: PersonId, moment: Moment) -> BTreeSet<EntryId> {
        let powers = self.powers(person, moment);
        let all = self.entries.keys();
        all.filter(|entry| self.may_read_as(&powers, &powers.roles, entry, moment))
            .copied()
            .collect()
    }

    fn may_read_as(
        &self,
        powers: &Powers,
        roles: &BTreeSet<Role>,
        entry: &EntryId,
        Moment { log, time }: Moment,
    ) -> bool {
        let Some(created) = self.created(entry).filter(|deed| deed.tick <= log) else {
            return false;
        };
        if self.destroyed.get(entry).is_some_and(|at| *at <= log) {
            return false;
        }
        let kind = self.text(entry, "kind", log).unwrap_or_default();
        let right = is_right(kind);
        let names_them = || {
            let named = self.text(entry, "person", log);
            named == Some(powers.who.to_string().as_str()) && kind != "block"
        };
        if self.any_true(entry, "hidden-from-professionals", log)
            && !powers.sees_hidden
            && created.author != powers.who
        {
            return false;
        }
        let delayed = self
            .numbers(entry, "hidden-from-patient-until", log)
            .any(|until| time.0 < until);
        let from_delegates = self.any_true(entry, "hidden-from-representatives", log);
        roles.iter().any(|role| {
            let by_kind = match role {
                Role::Holder => true,
                _ if right => names_them(),
                role => reads(role, kind),
            };
            let kept_back = match role {
                Role::Holder => delayed && !right,
                Role::Caregiver => delayed || from_delegates,
                _ => false,
            };
            by_kind && !kept_back
        })
    }

    /// Whether an edit was within its author's rights at the checkpoint that it names. What it
    /// follows its author had seen, if only in a page.
    pub fn might_write(&self, wish: Wish<'_>, seen: Tick) -> bool {
        let created = self.created(&wish.entry).map(|deed| deed.tick);
        if wish.past.deps.is_empty() || created.is_none_or(|made| made <= seen) {
            return self.may_write(wish, Moment::at(seen));
        }
        let mut then = self.clone();
        let deeds = then.entries.entry(wish.entry).or_default();
        let mut known: BTreeSet<ChangeHash> = wish.past.deps.iter().copied().collect();
        for deed in deeds
            .iter()
            .filter(|deed| wish.past.deps.contains(&deed.change))
        {
            known.extend(&deed.follows);
        }
        deeds.retain(|deed| known.contains(&deed.change));
        deeds.iter_mut().for_each(|deed| deed.tick = seen);
        then.may_write(wish, Moment::at(seen))
    }

    /// Whether an edit is within its author's rights.
    pub fn may_write(&self, wish: Wish<'_>, moment: Moment) -> bool {
        let Wish {
            person,
            role,
            entry,
            past,
        } = wish;
        let powers = self.powers(person, moment);
        if !powers.roles.contains(role) {
            return false;
        }
        let wrote = |key| past.wrote(key).flatten();
        let created = self.created(&entry).filter(|deed| deed.tick <= moment.log);
        let kind = match created {
            Some(_) => self.text(&entry, "kind", moment.log),
            None => wrote("kind").and_then(Value::as_text),
        };
        let kind = kind.unwrap_or_default();
        let holder = *role == Role::Holder;
        if is_right(kind) {
            return holder;
        }
        let professional = matches!(role, Role::Professional(_));
        if !holder && (!writes(role, kind) || professional && !powers.writes) {
            return false;
        }
        let author = created.map_or(person, |deed| deed.author);
        let own = professional && author == person;
        let raises = |key| match (created, past.wrote(key)) {
            (None, Some(Some(value))) => *value != Value::Bool(false),
            (None, _) => false,
            (Some(_), wrote) => wrote.is_some(),
        };
        let flags = (!raises("hidden-from-professionals") || holder)
            && (!raises("hidden-from-patient-until") || own)
            && (!raises("hidden-from-representatives") || holder || own);
        let only_them = BTreeSet::from([role.clone()]);
        flags && (created.is_none() || self.may_read_as(&powers, &only_them, &entry, moment))
    }

    /// Whether an entry is, or would be, a right.
    pub fn about_rights(&self, entry: &EntryId, past: &PastChange) -> bool {
        let made = past.wrote("kind").flatten().and_then(Value::as_text);
        let kind = self.text(entry, "kind", Tick(u64::MAX)).or(made);
        kind.is_some_and(is_right)
    }
}
