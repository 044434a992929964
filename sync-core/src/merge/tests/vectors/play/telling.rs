//! Compares what a viewer finds with what the file expects, freed of identifiers.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::super::file::Expected;
use super::finding::state;
use super::{Made, Play, entry_id, person};
use crate::entry::{EntryDocument, EntryState, Value};
use crate::merge::across::{directives, documents};
use crate::merge::card::card_by;
use crate::merge::destroyed::destroys_by;
use crate::merge::review::review_by;
use crate::merge::shown::shown_by;
use crate::merge::vital::vital_by;
use crate::merge::{
    EntryView, FieldClaim, FlagCode, HeldForReview, ReviewItem, Rules, Viewer, view_by,
};
use crate::views::problems;
use crate::{EntryId, PersonId};

/// At most so many orders of arrival an entry.
const ORDERS: usize = 500;

impl Play<'_> {
    pub(super) fn compare(&mut self, role: &str, expected: &Expected) {
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

    /// Whether the content of an entry must be destroyed, by what was accepted.
    fn is_destroyed(&self, entry: EntryId) -> bool {
        let made = self.order.iter().map(|name| &self.made[name]);
        let accepted = made.filter(|made| made.held.is_none() && entry_id(&made.entry) == entry);
        let accepted: Vec<&Made> = accepted.collect();
        let provenance = accepted.iter().map(|m| (m.hash, m.provenance.clone()));
        destroys_by(self.rules(), &state(&accepted), &provenance.collect())
    }

    /// A view, freed of identifiers.
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

pub(super) fn plain(value: &Value) -> Json {
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
