//! Plays a vector and compares what each viewer finds with what the file expects.

mod finding;
mod telling;

use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::file::{Edit, Vector};
use super::rules_without;
use crate::change::{Actor, Origin, Provenance};
use crate::checkpoint::{CheckpointDigest, Seen};
use crate::entry::{EntryDocument, Value, Write};
use crate::kind::{self, Verdict};
use crate::merge::resolve::resolve_by;
use crate::merge::review::review_by;
use crate::merge::{Choice, Rule, Rules};
use crate::policy::Role;
use crate::sync::HoldReason;
use crate::{
    Bytes, ChangeHash, DeviceId, DeviceTime, EntryId, Incarnation, LogIncarnation, PersonId, Tick,
};

/// Who looks, unless the vector names somebody of the role.
const VIEWERS: [&str; 4] = ["holder", "caregiver", "physician", "pharmacist"];

const DAY: u64 = 24 * 3600 * 1_000_000;

/// A change that was made.
struct Made {
    entry: String,
    by: String,
    hash: ChangeHash,
    bytes: Bytes,
    writes: Vec<Write>,
    provenance: Provenance,
    tick: Tick,
    held: Option<HoldReason>,
}

/// What settling writes in which entry, and the held edits that it takes up.
type Settled = (String, Vec<Write>, Vec<ChangeHash>);

struct Play<'v> {
    vector: &'v Vector,
    without: Option<Rule>,
    made: BTreeMap<String, Made>,
    order: Vec<String>,
    wrong: Vec<String>,
}

/// What is found to be otherwise than a vector says, with all rules or without one.
pub fn play(vector: &Vector, without: Option<Rule>) -> Vec<String> {
    let mut play = Play {
        vector,
        without,
        made: BTreeMap::new(),
        order: Vec::new(),
        wrong: Vec::new(),
    };
    for (number, edit) in vector.edits.iter().enumerate() {
        play.make(number as u64, edit);
    }
    let mut seen: Vec<&str> = Vec::new();
    for (roles, expected) in &vector.expect {
        for role in roles.split(' ') {
            seen.push(role);
            play.compare(role, expected);
        }
    }
    let missing: Vec<_> = VIEWERS.iter().filter(|role| !seen.contains(role)).collect();
    if !missing.is_empty() {
        play.wrong.push(format!("says nothing of {missing:?}"));
    }
    play.wrong
}

fn person(vector: &Vector, name: &str) -> PersonId {
    let party = vector.parties.get(name);
    let other = party.and_then(|party| party.also.as_deref());
    PersonId(Uuid::from_u128(place(vector, other.unwrap_or(name))))
}

fn place(vector: &Vector, name: &str) -> u128 {
    let place = vector.parties.keys().position(|party| party == name);
    place.map_or(900, |place| place as u128 + 1000)
}

fn entry_id(name: &str) -> EntryId {
    let bytes = name.bytes().fold(0_u128, |sum, byte| {
        sum.wrapping_mul(257).wrapping_add(u128::from(byte))
    });
    EntryId(Uuid::from_u128(bytes))
}

impl Play<'_> {
    fn rules(&self) -> Rules {
        rules_without(self.without)
    }

    fn today(&self) -> Date {
        self.vector.today.unwrap_or(date(2024, 10, 5))
    }

    /// The edits that a party's device knows when it makes one.
    fn known(&self, by: &str, knew: Option<&str>) -> Vec<&Made> {
        let until = knew.and_then(|name| self.made.get(name)).map(|m| m.tick);
        let all = self.order.iter().map(|name| &self.made[name]);
        all.filter(|made| {
            let told = made.held.is_none() && until.is_some_and(|until| made.tick <= until);
            made.by == by || told
        })
        .collect()
    }

    fn make(&mut self, number: u64, edit: &Edit) {
        let tick = Tick(20_000 * DAY + number * 60_000_000);
        let role = Role::from(self.vector.parties[&edit.by].role.as_str());
        let written = if edit.settles.is_some() {
            self.settle(edit, &role)
        } else {
            let entry = edit.entry.clone().unwrap_or_else(|| edit.name.clone());
            let writes = edit.writes.iter();
            let writes = writes.map(|(key, value)| self.write(key, value));
            let removed = edit.removes.iter().map(Write::remove);
            vec![(entry, writes.chain(removed).collect(), Vec::new())]
        };
        if written.is_empty() {
            self.wrong.push(format!("{}: nothing to settle", edit.name));
        }
        // Of what settles by several edits the last is named as the file says.
        let last = written.len().saturating_sub(1);
        for (place, settled) in written.into_iter().enumerate() {
            let name = match place == last {
                true => edit.name.clone(),
                false => format!("{} {place}", edit.name),
            };
            self.write_down(name, Tick(tick.0 + place as u64), edit, settled);
        }
    }

    fn write_down(&mut self, name: String, tick: Tick, edit: &Edit, settled: Settled) {
        let (entry, writes, cites) = settled;
        let role = Role::from(self.vector.parties[&edit.by].role.as_str());
        let seen = edit.knew.as_ref().and_then(|name| self.made.get(name));
        let seen = seen.map(|made| Seen {
            log: LogIncarnation([0; 16]),
            tick: made.tick,
            digest: CheckpointDigest([0; 16]),
        });
        let mut document = EntryDocument::new();
        let missing = |name: &&String| !self.made.contains_key(*name);
        if let Some(name) = edit.knew.as_ref().filter(missing) {
            let lost = format!("{}: {name} was not made", edit.name);
            return self.wrong.push(lost);
        }
        for made in self.known(&edit.by, edit.knew.as_deref()) {
            if made.entry == entry {
                apply(&mut document, made);
            }
        }
        let device = place(self.vector, &edit.by);
        let actor = Actor(device.to_be_bytes());
        let at = DeviceTime(i64::try_from(tick.0 / 1_000).expect("a date"));
        let made = document.edit(actor, &writes, at);
        let Ok((hash, bytes)) = made else {
            return self.wrong.push(format!("{}: changes nothing", edit.name));
        };
        let invalid = kind::validate(&document.state()).err();
        let field = invalid.map(|invalid| invalid.field().to_owned());
        let planted = self.planted_validity(edit);
        if field != edit.refused || planted {
            let name = &edit.name;
            self.wrong.push(format!("{name}: refused for {field:?}"));
        }
        if field.is_some() {
            return;
        }
        let held = edit.held.as_ref().map(|reason| {
            let reason = serde_json::from_value(json!(reason));
            reason.expect("a reason to hold")
        });
        let origin = Origin {
            author: person(self.vector, &edit.by),
            role,
            on_behalf_of: None,
            device: DeviceId(actor.0),
            incarnation: Incarnation([0; 16]),
            seen,
            at,
            cites,
        };
        let provenance = Provenance {
            origin,
            accepted: held.is_none().then_some(tick),
        };
        let made = Made {
            entry,
            by: edit.by.clone(),
            hash,
            bytes,
            writes,
            provenance,
            tick,
            held,
        };
        self.order.push(name.clone());
        self.made.insert(name, made);
    }

    /// A value of the record: objects are JSON texts, `@name` names an entry, a party or an edit.
    fn write(&self, key: &str, value: &Json) -> Write {
        let text = |text: &str| match text.strip_prefix('@') {
            Some(name) if self.vector.parties.contains_key(name) => {
                person(self.vector, name).to_string()
            }
            Some(name) if self.made.contains_key(name) && key.starts_with("accepts") => {
                self.made[name].hash.to_string()
            }
            Some(name) => entry_id(name).to_string(),
            None => text.to_owned(),
        };
        let key = match key.split_once("/@") {
            Some((set, name)) => format!("{set}/{}", self.made[name].hash),
            None => key.to_owned(),
        };
        let value = match value {
            Json::Null => Value::Null,
            Json::Bool(flag) => Value::Bool(*flag),
            Json::Number(number) => Value::Uint(number.as_u64().expect("an unsigned number")),
            Json::String(string) => Value::Text(text(string)),
            structured => Value::Text(structured.to_string()),
        };
        Write::set(key, value)
    }

    /// Whether a rule that validation keeps is switched off and would have refused this edit.
    fn planted_validity(&self, edit: &Edit) -> bool {
        let rule = match edit.refused.as_deref() {
            Some("prescription" | "dispensation") => Rule::PrescriptionFixed,
            Some("at-holders-request") => Rule::DirectiveDeposit,
            Some("text" | "content") => Rule::DirectiveFixed,
            Some("item" | "decision" | "change") => Rule::DecisionOwn,
            _ => return false,
        };
        self.without == Some(rule)
    }

    /// What settling an item of a party's own list writes.
    fn settle(&self, edit: &Edit, role: &Role) -> Vec<Settled> {
        self.settled(edit, role).unwrap_or_default()
    }

    fn settled(&self, edit: &Edit, role: &Role) -> Option<Vec<Settled>> {
        let knew = edit.knew.as_deref();
        // Held edits are no part of the record, and told to whoever decides on them.
        let until = knew.and_then(|name| self.made.get(name)).map(|m| m.tick);
        let told = self
            .made
            .values()
            .filter(|made| made.held.is_some() && until.is_some_and(|until| made.tick <= until));
        let known = self.known(&edit.by, knew).into_iter().chain(told);
        let known: Vec<ChangeHash> = known.map(|made| made.hash).collect();
        let (views, held) = self.views(role.as_str(), &|made| known.contains(&made.hash));
        let viewer = self.viewer(role.as_str());
        let list = review_by(self.rules(), &views, &held, &viewer, self.today());
        let item = list
            .iter()
            .find(|item| Some(item.code.code()) == edit.settles.as_deref())?;
        let choice = match (&edit.verdict, &edit.takes, &edit.assigns) {
            (Some(verdict), ..) => Choice::Decide(Verdict::from(verdict.as_str())),
            (None, Some(takes), _) => Choice::Take(self.made[takes].hash),
            (None, None, to) => {
                let to = to.as_deref()?;
                let party = self.vector.parties.contains_key(to);
                Choice::Assign(party.then(|| person(self.vector, to)))
            }
        };
        let resolution = resolve_by(self.rules(), item, &choice)?;
        let edits = resolution.edits.into_iter().map(|(entry, writes)| {
            let cites = resolution.cites.clone();
            Some((self.name(entry)?, writes, cites))
        });
        let decision = resolution.decision.map(|decision| {
            let writes = decision.writes().expect("a decision can stand");
            Some((edit.name.clone(), writes, Vec::new()))
        });
        edits.chain(decision).collect()
    }
}

fn apply(document: &mut EntryDocument, made: &Made) {
    let change = automerge::Change::from_bytes(made.bytes.to_vec()).expect("made here");
    document.apply(change).expect("after those it follows");
}
