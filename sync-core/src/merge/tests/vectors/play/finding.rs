//! What a viewer of a role finds of what was made.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use uuid::Uuid;

use super::telling::plain;
use super::{DAY, Made, Play, apply, entry_id, person};
use crate::entry::{EntryClass, EntryDocument, EntryState, Value};
use crate::kind::Kind;
use crate::merge::{EntryView, FieldClaim, HeldForReview, Rule, Stamp, Viewer, view_by};
use crate::policy::{
    DelegationType, Matrix, RightFact, RightKind, Rights, Role, Standing, Subject,
};
use crate::{ChangeHash, EntryId, PersonId, Tick};

impl Play<'_> {
    pub(super) fn name(&self, entry: EntryId) -> Option<String> {
        let mut all = self.made.values().map(|made| &made.entry);
        all.find(|name| entry_id(name) == entry).cloned()
    }

    pub(super) fn viewer(&self, role: &str) -> Viewer {
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
    pub(super) fn views(
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

pub(super) fn state(changes: &[&Made]) -> EntryState {
    let mut document = EntryDocument::new();
    for made in changes {
        apply(&mut document, made);
    }
    document.state()
}
