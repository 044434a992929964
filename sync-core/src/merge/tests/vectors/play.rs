//! Plays a vector and compares what each viewer finds with what the file expects.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, date};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::file::{Edit, Expected, Vector};
use super::rules_without;
use crate::change::{Actor, Origin, Provenance};
use crate::checkpoint::{CheckpointDigest, Seen};
use crate::entry::{EntryClass, EntryDocument, EntryState, Value, Write};
use crate::kind::{self, Kind, Verdict};
use crate::merge::across::{directives, documents};
use crate::merge::card::card_by;
use crate::merge::destroyed::destroys_by;
use crate::merge::resolve::resolve_by;
use crate::merge::review::review_by;
use crate::merge::shown::shown_by;
use crate::merge::vital::vital_by;
use crate::merge::{
    Choice, EntryView, FieldClaim, FlagCode, HeldForReview, ReviewItem, Rule, Rules, Stamp, Viewer,
    view_by,
};
use crate::policy::{
    DelegationType, Matrix, RightFact, RightKind, Rights, Role, Standing, Subject,
};
use crate::sync::HoldReason;
use crate::views::problems;
use crate::{
    Bytes, ChangeHash, DeviceId, DeviceTime, EntryId, Incarnation, LogIncarnation, PersonId, Tick,
};

/// Who looks, unless the vector names somebody of the role.
const VIEWERS: [&str; 4] = ["holder", "caregiver", "physician", "pharmacist"];

/// At most so many orders of arrival an entry.
const ORDERS: usize = 500;

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

    fn name(&self, entry: EntryId) -> Option<String> {
        let mut all = self.made.values().map(|made| &made.entry);
        all.find(|name| entry_id(name) == entry).cloned()
    }

    fn viewer(&self, role: &str) -> Viewer {
        let parties = &self.vector.parties;
        let party = parties.iter().find(|(_, party)| party.role == role);
        Viewer {
            person: person(self.vector, party.map_or("", |(name, _)| name)),
            role: Role::from(role),
        }
    }

    fn standing(&self, role: &str, now: Tick) -> Standing {
        let viewer = self.viewer(role);
        let holder = match role {
            "holder" => viewer.person,
            _ => PersonId(Uuid::from_u128(1)),
        };
        let treating = self.vector.parties.values();
        let treating = treating.into_iter().any(|p| p.role == role && p.treating);
        let kind = match role {
            "caregiver" => RightKind::Delegation,
            _ if treating => RightKind::TreatingPhysician,
            _ => RightKind::Grant,
        };
        let fact = RightFact {
            accepted: Tick(1),
            entry: EntryId(Uuid::nil()),
            kind,
            person: viewer.person,
            delegation_type: Some(DelegationType::Caregiver),
            starts: None,
            ends: None,
            write: true,
            revoked: false,
        };
        let subject = Subject {
            person: viewer.person,
            profession: match viewer.role {
                Role::Professional(profession) => Some(profession),
                _ => None,
            },
        };
        Rights::new(holder, [fact]).standing(&subject, now)
    }

    /// All changes that a change follows.
    fn followed(&self, made: &Made) -> BTreeSet<ChangeHash> {
        let mut followed = BTreeSet::new();
        let mut open = vec![made.hash];
        while let Some(hash) = open.pop() {
            let made = self.made.values().find(|made| made.hash == hash);
            let made = made.expect("a change follows what was made");
            let change = automerge::Change::from_bytes(made.bytes.to_vec()).expect("made here");
            let deps = change.deps().iter().map(|dep| ChangeHash(dep.0));
            open.extend(deps.filter(|dep| followed.insert(*dep)));
        }
        followed
    }

    /// Whether the holder took up a held edit by one of the edits that are looked at.
    fn is_taken_up(&self, held: &Made, included: &dyn Fn(&Made) -> bool) -> bool {
        let mut all = self.made.values().filter(|made| included(made));
        all.any(|made| made.provenance.origin.cites.contains(&held.hash))
    }

    /// What a viewer sees of the edits that `included` says, and what is held for them.
    fn views(
        &self,
        role: &str,
        included: &dyn Fn(&Made) -> bool,
    ) -> (Vec<EntryView>, Vec<HeldForReview>) {
        let now = Tick(30_000 * DAY);
        let standing = self.standing(role, now);
        let matrix = Matrix::default();
        let mut entries: BTreeMap<&str, Vec<&Made>> = BTreeMap::new();
        let mut held = Vec::new();
        for made in self.order.iter().map(|name| &self.made[name]) {
            match made.held {
                _ if !included(made) => {}
                None => entries.entry(&made.entry).or_default().push(made),
                Some(reason) if role == "holder" && !self.is_taken_up(made, included) => {
                    held.push(HeldForReview {
                        entry: entry_id(&made.entry),
                        change: made.hash,
                        by: Stamp::from(&made.provenance),
                        reason,
                        received: made.tick,
                        writes: made.writes.clone(),
                        follows: self.followed(made),
                    })
                }
                Some(_) => {}
            }
        }
        let mut views = Vec::new();
        for (name, changes) in entries {
            let provenance = changes.iter().map(|m| (m.hash, m.provenance.clone()));
            let provenance: BTreeMap<_, _> = provenance.collect();
            let state = state(&changes);
            let author = state.creation().map(|past| past.hash);
            let author = author.map_or(PersonId(Uuid::nil()), |hash| {
                provenance[&hash].origin.author
            });
            let class = EntryClass::of(&state, author);
            let unseen = self.without == Some(Rule::FlagsPerViewer);
            if unseen || standing.may_read(&class, &matrix, now) {
                views.push(view_by(self.rules(), entry_id(name), &state, &provenance));
            }
        }
        self.plant(&mut views);
        (views, held)
    }

    /// What would come of a record without a rule that its very form keeps.
    fn plant(&self, views: &mut Vec<EntryView>) {
        let accepted = |view: &EntryView| view.created.as_ref().and_then(|stamp| stamp.accepted);
        match self.without {
            Some(Rule::OneValue) => {
                let fields = views.iter_mut().flat_map(|view| &mut view.fields);
                fields.for_each(|field| mix(&mut field.current));
            }
            Some(Rule::AllergiesUnion) => {
                let allergies = views.iter().filter(|view| view.kind == Kind::Allergy);
                let last = allergies.filter_map(accepted).max();
                views.retain(|view| view.kind != Kind::Allergy || accepted(view) == last);
            }
            Some(Rule::ReactionsUnion) => views.iter_mut().for_each(|view| {
                let is_reaction = |key: &str| key.starts_with("reaction/");
                let said = |field: &crate::merge::FieldView| {
                    let by = field.claims.first().and_then(|claim| claim.by.clone());
                    by.and_then(|by| by.accepted)
                };
                let reactions = view.fields.iter().filter(|field| is_reaction(&field.key));
                let last = reactions.filter_map(said).max();
                view.fields
                    .retain(|field| !is_reaction(&field.key) || said(field) == last);
            }),
            Some(Rule::ContactByField) => views.iter_mut().for_each(|view| {
                let last = view.edited.clone().and_then(|stamp| stamp.accepted);
                let said = |claim: &FieldClaim| claim.by.clone().and_then(|by| by.accepted);
                if view.kind == Kind::EmergencyContact {
                    view.fields
                        .retain(|field| field.claims.iter().any(|claim| said(claim) == last));
                }
            }),
            _ => {}
        }
    }

    fn compare(&mut self, role: &str, expected: &Expected) {
        let (views, held) = self.views(role, &|_| true);
        let mut wrong = Vec::new();
        let names: Vec<String> = views.iter().filter_map(|view| self.name(view.id)).collect();
        let mut wanted: Vec<&String> = expected.entries.keys().collect();
        let mut found: Vec<&String> = names.iter().collect();
        wanted.sort();
        found.sort();
        if wanted != found {
            wrong.push(format!("sees {found:?}, not {wanted:?}"));
        }
        let shown = shown_by(self.rules(), &views);
        for (name, wanted) in &expected.entries {
            if let Some(view) = views.iter().find(|view| view.id == entry_id(name)) {
                let view = shown.get(&view.id).unwrap_or(view);
                let mut wanted = wanted.clone();
                let defaults = [
                    ("standing", json!("active")),
                    ("flags", json!([])),
                    ("destroyed", json!(false)),
                ];
                for (key, value) in defaults {
                    let members = wanted.as_object_mut().expect("an object");
                    members.entry(key).or_insert(value);
                }
                differ(name, &wanted, &self.told(view), &mut wrong);
            }
        }
        let viewer = self.viewer(role);
        let list = review_by(self.rules(), &views, &held, &viewer, self.today());
        let told = Json::Array(list.iter().map(|item| self.item(item)).collect());
        differ("review", &json!(expected.review), &told, &mut wrong);
        let vital = vital_by(self.rules(), &views, self.today());
        let vital = serde_json::to_value(&vital).expect("vital facts are JSON");
        look("vital", &expected.vital, &vital, &mut wrong);
        let chosen = self.vector.chosen.iter().map(|name| entry_id(name));
        let card = card_by(self.rules(), &views, &chosen.collect(), self.today());
        let card = serde_json::to_value(&card).expect("a card is JSON");
        look("card", &expected.card, &card, &mut wrong);
        let problems = problems(&views, self.today());
        let problems = serde_json::to_value(&problems).expect("problems are JSON");
        look("problems", &expected.problems, &problems, &mut wrong);
        let documents = documents(self.rules(), &views);
        let documents = documents.iter().map(|group| {
            let entries = group.entries.iter().map(|entry| self.name(*entry));
            json!({ "entries": entries.collect::<Vec<_>>(), "current": group.current })
        });
        let documents = documents.collect();
        look("documents", &expected.documents, &documents, &mut wrong);
        let told = directives(self.rules(), &views);
        let names = |entries: &[EntryId]| -> Vec<Option<String>> {
            entries.iter().map(|entry| self.name(*entry)).collect()
        };
        let doubts = told.in_force.iter().map(|entry| {
            let codes = told.doubts(entry).into_iter().map(FlagCode::code);
            (self.name(*entry).unwrap_or_default(), codes.collect())
        });
        let doubts: BTreeMap<String, Vec<&str>> = doubts.collect();
        let told = json!({
            "doubts": doubts,
            "in-force": names(&told.in_force),
            "superseded": names(&told.superseded),
            "revoked": names(&told.revoked),
            "undated": names(&told.undated),
            "unordered": names(&told.unordered),
            "withdrawn": names(&told.withdrawn),
            "revived": names(&told.revived),
            "contested": names(&told.contested),
            "closed": names(&told.closed),
            "disputed": told
                .disputed
                .iter()
                .map(|(entry, code)| json!([self.name(*entry), code.code()]))
                .collect::<Vec<Json>>(),
        });
        look("directives", &expected.directives, &told, &mut wrong);
        if self.without.is_none() {
            self.in_every_order(&views, &list, &held, &viewer, &mut wrong);
        }
        let wrong = wrong.into_iter().map(|wrong| format!("{role}: {wrong}"));
        self.wrong.extend(wrong);
    }

    /// Neither the order in which changes arrived nor that of the entries matters.
    fn in_every_order(
        &self,
        views: &[EntryView],
        list: &[ReviewItem],
        held: &[HeldForReview],
        viewer: &Viewer,
        wrong: &mut Vec<String>,
    ) {
        for view in views {
            let made = self.order.iter().map(|name| &self.made[name]);
            let changes: Vec<&Made> = made
                .filter(|made| entry_id(&made.entry) == view.id && made.held.is_none())
                .collect();
            let provenance = changes.iter().map(|m| (m.hash, m.provenance.clone()));
            let provenance: BTreeMap<_, _> = provenance.collect();
            let mut left = ORDERS;
            arrivals(&EntryDocument::new(), &changes, &mut left, &mut |state| {
                if view_by(Rules::ALL, view.id, &state, &provenance) != *view {
                    wrong.push(format!("{}: the order of arrival shows", view.label));
                }
            });
        }
        let mut turned = views.to_vec();
        for _ in 0..views.len() {
            turned.rotate_left(1);
            let backwards: Vec<EntryView> = turned.iter().rev().cloned().collect();
            for order in [&turned, &backwards] {
                if review_by(Rules::ALL, order, held, viewer, self.today()) != list {
                    wrong.push("the order of the entries shows in the list".to_owned());
                }
            }
        }
    }

    fn who(&self, person_id: PersonId) -> String {
        let mut parties = self.vector.parties.keys();
        let name = parties.find(|name| person(self.vector, name) == person_id);
        name.cloned().unwrap_or_default()
    }

    fn claim(&self, claim: &FieldClaim) -> Json {
        let by = claim.by.as_ref().map(|by| self.who(by.author));
        json!({ "value": plain(&claim.value), "by": by })
    }

    /// A view, freed of identifiers.
    /// Whether the content of an entry must be destroyed, by what was accepted.
    fn is_destroyed(&self, entry: EntryId) -> bool {
        let made = self.order.iter().map(|name| &self.made[name]);
        let accepted = made.filter(|made| made.held.is_none() && entry_id(&made.entry) == entry);
        let accepted: Vec<&Made> = accepted.collect();
        let provenance = accepted.iter().map(|m| (m.hash, m.provenance.clone()));
        destroys_by(self.rules(), &state(&accepted), &provenance.collect())
    }

    fn told(&self, view: &EntryView) -> Json {
        let fields = |of: &dyn Fn(&crate::merge::FieldView) -> Json| -> Json {
            let fields = view.fields.iter();
            Json::Object(fields.map(|field| (field.key.clone(), of(field))).collect())
        };
        let current = fields(&|field| field.current.iter().map(plain).collect());
        let claims = fields(&|field| field.claims.iter().map(|c| self.claim(c)).collect());
        let proposals = fields(&|field| field.proposals.iter().map(|c| self.claim(c)).collect());
        let flags: Vec<&str> = view.flags.iter().map(|flag| flag.code.code()).collect();
        json!({
            "label": view.label,
            "standing": view.standing,
            "status": view.status,
            "confirmed": view.confirmed,
            "created": view.created.as_ref().map(|stamp| self.who(stamp.author)),
            "edited": view.edited.as_ref().map(|stamp| self.who(stamp.author)),
            "visibility": view.visibility,
            "current": current,
            "claims": claims,
            "proposals": proposals,
            "flags": flags,
            "destroyed": self.is_destroyed(view.id),
            "keys": view.fields.iter().map(|field| &field.key).collect::<Vec<_>>(),
            "right": crate::merge::right_fact(view).map(|fact| json!({
                "revoked": fact.revoked,
                "starts": fact.starts,
                "ends": fact.ends,
                "write": fact.write,
            })),
        })
    }

    fn item(&self, item: &ReviewItem) -> Json {
        let sides = item.claims.iter().map(|side| {
            let mut told = self.claim(&side.claim);
            told["field"] = json!(side.field);
            told
        });
        let names = item.entries.iter().map(|entry| self.name(*entry));
        let in_force = item.in_force.iter().map(|entry| self.name(*entry));
        json!({
            "code": item.code.code(),
            "in-force": in_force.collect::<Vec<_>>(),
            "danger": item.danger,
            "entries": names.collect::<Vec<_>>(),
            "verdicts": item.verdicts,
            "assigned": item.assigned.iter().map(|one| self.who(one.to)).collect::<Vec<_>>(),
            "sides": sides.collect::<Vec<_>>(),
        })
    }
}

/// What merging a structured value member by member would make of several.
fn mix(values: &mut Vec<Value>) {
    let objects = values.iter().map(plain);
    let objects: Option<Vec<_>> = objects.map(|v| v.as_object().cloned()).collect();
    if let Some(all) = objects.filter(|all| all.len() > 1) {
        let mixed: serde_json::Map<String, Json> = all.into_iter().flatten().collect();
        *values = vec![Value::Text(Json::Object(mixed).to_string())];
    }
}

fn plain(value: &Value) -> Json {
    match value {
        Value::Text(text) if text.starts_with('{') => {
            serde_json::from_str(text).unwrap_or_else(|_| json!(text))
        }
        Value::Text(text) => json!(text),
        Value::Bool(flag) => json!(flag),
        Value::Uint(number) => json!(number),
        Value::Int(number) => json!(number),
        Value::Null | Value::Bytes(_) => Json::Null,
    }
}

fn apply(document: &mut EntryDocument, made: &Made) {
    let change = automerge::Change::from_bytes(made.bytes.to_vec()).expect("made here");
    document.apply(change).expect("after those it follows");
}

fn state(changes: &[&Made]) -> EntryState {
    let mut document = EntryDocument::new();
    for made in changes {
        apply(&mut document, made);
    }
    document.state()
}

/// Every order that brings each change after those it follows, as far as the count goes.
fn arrivals(
    document: &EntryDocument,
    left: &[&Made],
    count: &mut usize,
    done: &mut dyn FnMut(EntryState),
) {
    if left.is_empty() {
        *count -= 1;
        return done(document.state());
    }
    for place in 0..left.len() {
        let change = automerge::Change::from_bytes(left[place].bytes.to_vec()).expect("made here");
        let mut next = document.clone();
        if *count > 0 && next.apply(change).is_ok() {
            let mut rest = left.to_vec();
            rest.remove(place);
            arrivals(&next, &rest, count, done);
        }
    }
}

/// [`differ`], where the file says anything of it.
fn look(path: &str, wanted: &Json, found: &Json, wrong: &mut Vec<String>) {
    if !wanted.is_null() {
        differ(path, wanted, found, wrong);
    }
}

/// Where what was found lacks something wanted: of objects the members named, of lists all; `*` is
/// anything.
fn differ(path: &str, wanted: &Json, found: &Json, wrong: &mut Vec<String>) {
    match (wanted, found) {
        (Json::String(any), _) if any == "*" => {}
        (Json::Object(wanted), Json::Object(found)) => {
            for (key, wanted) in wanted {
                let path = format!("{path}.{key}");
                let nothing = json!([]);
                let found = found.get(key).unwrap_or(&nothing);
                differ(&path, wanted, found, wrong);
            }
        }
        (Json::Array(wanted), Json::Array(found)) if wanted.len() == found.len() => {
            for (place, (wanted, found)) in wanted.iter().zip(found).enumerate() {
                differ(&format!("{path}[{place}]"), wanted, found, wrong);
            }
        }
        _ if wanted == found => {}
        _ => wrong.push(format!("{path} is {found}, not {wanted}")),
    }
}
