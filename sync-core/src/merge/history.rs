//! An entry's history with who came before whom, and what of it stands.

mod bits;
mod certainty;
mod holders;
mod met;
mod taking;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::str::FromStr as _;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::ended::{endings, holds_up, standing_ends};
use super::view::Written;
use super::{Rule, Rules, Stamp, authority, treatment};
use crate::change::Provenance;
use crate::entry::{self, EntryState, PastChange, SCHEMA, STATUS, Value, Write, work};
use crate::kind::allergy::REACTION;
use crate::kind::common::{self, ACCEPTS, BESIDE, VERIFICATION};
use crate::kind::medication::REGIMEN;
use crate::kind::{FieldSpec, Join, JsonScalar as _, Kind, Status, same_value};
use crate::policy::{Profession, Role};
use crate::{ChangeHash, PersonId};

use authority::Editor;
use bits::Bits;
pub(super) use certainty::Certainty;
use met::Then;
use taking::Taking;

/// The changes of an entry, by their place in its history.
pub(super) struct History<'a> {
    pub kind: Kind,
    pub rules: Rules,
    pub changes: Vec<&'a PastChange>,
    provenance: Vec<Option<&'a Provenance>>,
    before: Vec<Bits>,
    /// What each change follows and does not replace: it takes up a held edit whose author had not
    /// seen it.
    beside: Vec<Vec<usize>>,
    /// Which changes are of somebody whose word confirms a fact of this kind.
    authority: Vec<bool>,
    /// What each change takes up of proposals.
    accepted: Vec<Taking<'a>>,
    /// What of it takes effect.
    adopted: Vec<Taking<'a>>,
    /// What each change says of the fact's certainty.
    verdicts: Vec<Option<Certainty>>,
    /// Of these words of clinicians, those that stood when each change was made, and in the end.
    words: Vec<Bits>,
    last_words: Bits,
    /// The holder's last words on the status of a wish, when each change was made and in the end.
    holders: Vec<Bits>,
    last_holders: Bits,
    /// The writes that took effect, key by key, in the order of the history.
    taken: Writes<'a>,
    /// The writes that are proposals only.
    proposed: Writes<'a>,
}

type Writes<'a> = BTreeMap<&'a str, Vec<Said<'a>>>;

/// A value written under a key; nothing for a removal.
#[derive(Clone, Copy)]
pub(super) struct Said<'a> {
    pub change: usize,
    pub value: Option<&'a Value>,
}

/// What stands under one key, and what is proposed in its stead.
#[derive(Default)]
pub(super) struct Field<'a> {
    pub standing: Vec<Said<'a>>,
    pub proposals: Vec<Said<'a>>,
    pub written: Written,
}

/// The day (UTC) of a time in milliseconds.
fn day_of(at: i64) -> Option<Date> {
    let at = Timestamp::from_millisecond(at).ok()?;
    Some(at.to_zoned(TimeZone::UTC).date())
}

impl<'a> History<'a> {
    pub fn new(
        rules: Rules,
        state: &'a EntryState,
        provenance: &'a BTreeMap<ChangeHash, Provenance>,
    ) -> Self {
        let mut places = HashMap::new();
        let mut before: Vec<Bits> = Vec::with_capacity(state.history.len());
        for (place, past) in state.history.iter().enumerate() {
            let mut mine = Bits::new(place);
            for dep in past.deps.iter().filter_map(|dep| places.get(dep)) {
                mine.join(&before[*dep]);
                mine.insert(*dep);
            }
            before.push(mine);
            places.insert(past.hash, place);
        }
        let mut history = History {
            kind: Kind::of(state).unwrap_or_else(|| Kind::Unknown(String::new())),
            rules,
            changes: state.history.iter().collect(),
            provenance: state
                .history
                .iter()
                .map(|c| provenance.get(&c.hash))
                .collect(),
            before,
            beside: Vec::new(),
            authority: Vec::new(),
            accepted: Vec::new(),
            adopted: Vec::new(),
            verdicts: Vec::new(),
            words: Vec::new(),
            last_words: Bits::new(0),
            holders: Vec::new(),
            last_holders: Bits::new(0),
            taken: BTreeMap::new(),
            proposed: BTreeMap::new(),
        };
        let all = 0..history.changes.len();
        history.beside = all
            .clone()
            .map(|at| history.stands_beside(at, &places))
            .collect();
        history.authority = all.clone().map(|at| history.judges(at)).collect();
        history.accepted = all
            .clone()
            .map(|at| history.takes_up(at, &places))
            .collect();
        history.adopted = all.clone().map(|at| history.adopts(at)).collect();
        history.verdicts = all.map(|at| history.verdict(at)).collect();
        (history.words, history.last_words) = history.words_before(&places);
        history.tell_apart(&places);
        history
    }

    pub fn hash(&self, change: usize) -> ChangeHash {
        self.changes[change].hash
    }

    /// What the program's tables say of a key.
    pub fn field(&self, key: &str) -> Option<&'static FieldSpec> {
        self.rules.tables.field(&self.kind, key)
    }

    pub fn stamp(&self, change: usize) -> Option<Stamp> {
        self.provenance[change].map(Stamp::from)
    }

    /// The day (UTC) on which a change was made, by its device's clock.
    pub fn day(&self, change: usize) -> Option<Date> {
        let at = self.provenance[change].map(|provenance| provenance.origin.at.0);
        day_of(at?)
    }

    /// The same, but for a clock that was ahead: no later than the day on which it was accepted.
    pub fn day_at_most(&self, change: usize) -> Option<Date> {
        let accepted = self.provenance[change].and_then(|provenance| provenance.accepted);
        let accepted = accepted.and_then(|tick| day_of(i64::try_from(tick.0 / 1_000).ok()?));
        self.day(change).into_iter().chain(accepted).min()
    }

    /// The first change.
    pub fn creation(&self) -> Option<usize> {
        self.changes.iter().position(|past| past.deps.is_empty())
    }

    /// Whether the author of `later` had `earlier` in front of them; of what takes up a held edit,
    /// that edit's author.
    pub fn saw(&self, later: usize, earlier: usize) -> bool {
        self.before[later].contains(earlier) && !self.beside[later].contains(&earlier)
    }

    pub fn concurrent(&self, one: usize, other: usize) -> bool {
        one != other && !self.saw(one, other) && !self.saw(other, one)
    }

    /// Whether the word of whoever made a change confirms a fact of this kind.
    pub fn has_authority(&self, change: usize) -> bool {
        self.authority[change]
    }

    fn judges(&self, change: usize) -> bool {
        let role = self.provenance[change].map(|p| &p.origin.role);
        let created = self.creation().and_then(|first| self.provenance[first]);
        let by_nurse =
            created.is_some_and(|p| p.origin.role == Role::Professional(Profession::Nurse));
        role.is_some_and(|role| authority::confirms(self.rules, &self.kind, by_nurse, role))
    }

    pub fn author(&self, change: usize) -> Option<PersonId> {
        self.provenance[change].map(|p| p.origin.author)
    }

    /// Whether a change is on this device only.
    pub fn is_unsent(&self, change: usize) -> bool {
        self.provenance[change].is_some_and(|p| p.accepted.is_none())
    }

    /// Whether a change is of a physician, midwife or dentist within competence.
    pub fn is_of_clinician(&self, change: usize) -> bool {
        let role = self.provenance[change].map(|p| &p.origin.role);
        self.has_authority(change) && role.is_some_and(Role::is_clinician)
    }

    /// The changes of anybody but whoever made this one.
    pub fn of_others(&self, change: usize) -> impl Iterator<Item = usize> {
        let author = self.author(change);
        (0..self.changes.len()).filter(move |other| {
            *other != change && (author.is_none() || self.author(*other) != author)
        })
    }

    /// Whether `change` is of the person who created the entry.
    pub fn is_of_author(&self, change: usize) -> bool {
        let author = self.creation().and_then(|first| self.author(first));
        author.is_some() && self.author(change) == author
    }

    /// What somebody says of the entry with a change: what it writes, and what it takes up.
    pub fn says(&self, change: usize) -> impl Iterator<Item = &'a Write> {
        let writes: &'a [Write] = &self.changes[change].writes;
        let own = writes.iter();
        let own = own.filter(|write| !is_bookkeeping(&write.key));
        own.chain(self.adopted(change).map(|(_, write)| write))
    }

    /// What took effect under a key.
    pub fn taken(&self, key: &str) -> &[Said<'a>] {
        self.taken.get(key).map_or(&[], Vec::as_slice)
    }

    /// Tells the writes that take effect from those that are proposals, and what of these is taken
    /// up: not what was answered before it was accepted.
    fn tell_apart(&mut self, places: &HashMap<ChangeHash, usize>) {
        let mut holders_after: Vec<Bits> = Vec::with_capacity(self.changes.len());
        let mut proposals: BTreeSet<(usize, &str)> = BTreeSet::new();
        for change in 0..self.changes.len() {
            let past: &'a PastChange = self.changes[change];
            self.holders
                .push(self.holders_before(change, places, &holders_after));
            for write in &past.writes {
                let said = Said {
                    change,
                    value: write.value.as_ref(),
                };
                let to = if self.is_proposal(&write.key, said, self.taken(&write.key)) {
                    proposals.insert((change, write.key.as_str()));
                    &mut self.proposed
                } else {
                    &mut self.taken
                };
                to.entry(&write.key).or_default().push(said);
            }
            let mut adopted = std::mem::take(&mut self.adopted[change]);
            for (key, taken) in &mut adopted {
                taken.retain(|(proposal, _)| {
                    proposals.contains(&(*proposal, *key))
                        && !self.is_overtaken(*proposal, key, change)
                });
            }
            for (_, write) in adopted.values().flatten() {
                let value = write.value.as_ref();
                let taken = self.taken.entry(&write.key).or_default();
                taken.push(Said { change, value });
            }
            adopted.retain(|_, taken| !taken.is_empty());
            self.adopted[change] = adopted;
            holders_after.push(self.holders_after(change, &self.holders[change]));
        }
        self.last_holders = self.holders_last(&holders_after);
    }

    /// What each key's writes amount to.
    pub fn fields(&self) -> BTreeMap<&'a str, Field<'a>> {
        let mut fields: BTreeMap<&str, Field<'_>> = BTreeMap::new();
        for (key, said) in &self.taken {
            let holders = *key == STATUS && authority::is_holders(self.rules, &self.kind, key);
            let mut standing = match holders {
                true => self.latest(&self.not_taken_back(said)),
                false => self.latest(said),
            };
            // Where nothing else stands, what was removed is not there.
            if standing.iter().all(|said| said.value.is_none()) {
                standing.clear();
            }
            let field = fields.entry(key).or_default();
            field.standing = standing;
            let by_holder = holders.then(|| self.ended_by_holder(&self.last_holders));
            let otherwise = || self.written(key, said, &self.last_words);
            field.written = by_holder.flatten().unwrap_or_else(otherwise);
        }
        let regimens = fields.get(REGIMEN).map(|field| field.standing.clone());
        let regimens = regimens.unwrap_or_default();
        let ends = standing_ends(&self.kind, &fields);
        for (key, said) in &self.proposed {
            let answers = self.taken(key);
            let field = fields.entry(key).or_default();
            let standing = &field.standing;
            let more =
                |p: &Said<'_>| *key == STATUS && treatment::says_more(self, &regimens, standing, p);
            let mut open = self.open(said);
            open.retain(|p| {
                !self.is_answered(key, *p, answers, &ends) && (!agrees(standing, p) || more(p))
            });
            field.proposals = open;
        }
        fields
    }

    /// Those that no other had in front of it, removals too. They are given in an order in which
    /// nobody saw what comes after.
    fn latest(&self, said: &[Said<'a>]) -> Vec<Said<'a>> {
        let mut latest: Vec<Said<'a>> = Vec::new();
        for one in said {
            if self.rules.has(Rule::ReplacesSeen) {
                latest.retain(|earlier| !self.saw(one.change, earlier.change));
            }
            latest.push(*one);
        }
        latest.sort_by_key(|said| self.order(said.change));
        latest.dedup_by(|a, b| a.change == b.change && a.value == b.value);
        latest
    }

    /// The last that whoever made a change knew of a key, with that change too: of what took effect,
    /// and of what they said themselves. What somebody else only proposes is no more than that.
    pub fn last_known(&self, change: usize, key: &str) -> Vec<Said<'a>> {
        let proposed = self.proposed.get(key).map_or(&[][..], Vec::as_slice);
        let author = self.author(change);
        let own = proposed.iter();
        let own = own.filter(|said| self.author(said.change) == author);
        let said = self.taken(key).iter().chain(own);
        let said = said.inspect(|_| work::steps(1));
        let knew = |said: &&Said<'_>| said.change == change || self.saw(change, said.change);
        let mut known: Vec<Said<'a>> = said.filter(knew).copied().collect();
        known.sort_by_key(|said| said.change);
        self.latest(&known)
    }

    /// The proposals that no other of their author had in front of it: nobody plays down another's
    /// warning.
    fn open(&self, said: &[Said<'a>]) -> Vec<Said<'a>> {
        let mut by_author: BTreeMap<Option<PersonId>, Vec<Said<'a>>> = BTreeMap::new();
        for one in said {
            let author = self.author(one.change);
            by_author.entry(author).or_default().push(*one);
        }
        let own = by_author.values();
        let mut open: Vec<Said<'a>> = own.flat_map(|own| self.latest(own)).collect();
        open.sort_by_key(|said| self.order(said.change));
        open
    }

    /// The order in which changes are told: as the record got them.
    pub fn order(&self, change: usize) -> (u64, ChangeHash) {
        let accepted = self.provenance[change].and_then(|p| p.accepted);
        (accepted.map_or(u64::MAX, |tick| tick.0), self.hash(change))
    }

    /// What a change of the holder's that takes up a held edit leaves standing beside it.
    fn stands_beside(&self, change: usize, places: &HashMap<ChangeHash, usize>) -> Vec<usize> {
        if self.takes_up_held(change).is_empty() || !self.rules.has(Rule::HeldBeside) {
            return Vec::new();
        }
        let named = self.named(change, BESIDE, places);
        let named = named.filter(|(_, value)| *value == Some(&Value::Bool(true)));
        named.map(|(other, _)| other).collect()
    }

    /// The changes that a change names as members of a set, with what it writes of each; only those
    /// that it follows.
    fn named(
        &self,
        change: usize,
        set: &'static str,
        places: &HashMap<ChangeHash, usize>,
    ) -> impl Iterator<Item = (usize, Option<&'a Value>)> {
        let writes: &'a [Write] = &self.changes[change].writes;
        writes.iter().filter_map(move |write| {
            let name = write.key.strip_prefix(set)?.strip_prefix('/')?;
            let other = *places.get(&ChangeHash::from_str(name).ok()?)?;
            let follows = self.before[change].contains(other);
            follows.then_some((other, write.value.as_ref()))
        })
    }

    /// The held edits that a change takes up: only the holder does.
    fn takes_up_held(&self, change: usize) -> &'a [ChangeHash] {
        let origin = self.provenance[change].map(|provenance| &provenance.origin);
        let origin = origin.filter(|origin| origin.role == Role::Holder);
        origin.map_or(&[], |origin| &origin.cites)
    }

    /// Whether somebody who had the proposal in front of them wrote the field, or a clinician
    /// confirmed the fact as it stood. A professional's, and anybody's of a danger, is answered by
    /// themselves or by somebody whose word decides: nobody else leaves their warning out. To
    /// confirm the fact answers nothing that is the holder's, nor that it is not over after all, or
    /// not by one of the `ends` that stand.
    fn is_answered(
        &self,
        key: &str,
        proposal: Said<'_>,
        taken: &[Said<'_>],
        ends: &[usize],
    ) -> bool {
        let later = |change| {
            let open = self.leaves_open(change, proposal.change, key);
            self.saw(change, proposal.change) && !open
        };
        let highest = self
            .field(key)
            .is_some_and(|spec| matches!(spec.join, Join::Highest(_)));
        let danger = highest || is_member(key, REACTION);
        let holders = authority::is_holders(self.rules, &self.kind, key);
        let warns = danger || holders || self.is_of_professional(proposal.change);
        let own = |change| self.author(change) == self.author(proposal.change);
        let answers = |change| !warns || self.decides(change, key) || own(change);
        // What is taken up of a proposal answers nothing else of it.
        let revives = self.revives(key, proposal, ends);
        let confirms = |change: usize| {
            let says = self.confirms(change) && self.changes[change].wrote(VERIFICATION).is_some();
            says && !holders && !revives
        };
        let mut written = taken.iter().map(|said| said.change);
        written.any(|change| later(change) && answers(change))
            || (0..self.changes.len()).any(|change| later(change) && confirms(change))
    }

    /// Whether it says of an entry that it is not over, or no error, or ends otherwise than by what
    /// stands of it, of which neither author knew.
    fn revives(&self, key: &str, proposal: Said<'_>, ends: &[usize]) -> bool {
        let value = proposal.value;
        let clears = value.is_none_or(|value| *value == Value::Null);
        let status = value.and_then(Status::from_value);
        match key {
            STATUS => status.is_none_or(|status| status.status.is_active()),
            key if !endings(&self.kind).contains(&key) => false,
            _ => clears || holds_up(self, ends, proposal.change),
        }
    }

    /// Whether this write is a proposal only.
    fn is_proposal(&self, key: &str, said: Said<'_>, taken: &[Said<'_>]) -> bool {
        let change = said.change;
        if self.creation() == Some(change) {
            return false;
        }
        let editor = Editor {
            confirms: self.has_authority(change),
            professional: self.is_of_professional(change),
            author: self.is_of_author(change),
            holder: self.is_of_holder(change),
        };
        let history = self;
        let then = Then {
            history,
            key,
            change,
            taken,
        };
        authority::is_proposal(self.rules, &self.kind, editor, (key, said.value), &then)
    }

    fn is_of_holder(&self, change: usize) -> bool {
        let role = self.provenance[change].map(|p| &p.origin.role);
        role == Some(&Role::Holder)
    }

    fn is_of_professional(&self, change: usize) -> bool {
        let role = self.provenance[change].map(|p| &p.origin.role);
        matches!(role, Some(Role::Professional(_)))
    }
}

/// Whether a key is of a member of a set.
pub(super) fn is_member(key: &str, set: &str) -> bool {
    key.split_once('/').is_some_and(|(name, _)| name == set)
}

/// Keys that say nothing of the fact itself.
pub(super) fn is_apart(key: &str) -> bool {
    key == SCHEMA || key == entry::KIND || common::is_visibility(key) || is_bookkeeping(key)
}

/// Keys by which an edit says how it stands to others.
pub(super) fn is_bookkeeping(key: &str) -> bool {
    is_member(key, ACCEPTS) || is_member(key, BESIDE)
}

/// Whether a proposal says what stands anyway.
fn agrees(standing: &[Said<'_>], proposal: &Said<'_>) -> bool {
    match (standing, proposal.value) {
        ([one], Some(value)) => one.value.is_some_and(|stands| same_value(stands, value)),
        ([], None) => true,
        _ => false,
    }
}
