//! What somebody is shown of a record, beside what the book has of it.

use std::collections::{BTreeMap, BTreeSet};

use super::super::random::{Device, Edited, Place, Raw, World};
use super::*;
use crate::merge::across::{documents, flags_on};
use crate::merge::card::card_by;
use crate::merge::review::review_by;
use crate::merge::vital::vital_by;

/// A record, or the part of it that is on a device, as some of the rules have it.
pub struct Record<'w> {
    world: &'w World,
    rules: Rules,
    known: Vec<Place>,
    raws: BTreeMap<EntryId, Raw<'w>>,
    views: Vec<EntryView>,
    states: BTreeMap<EntryId, crate::entry::EntryState>,
}

/// What one person is shown.
pub struct Look<'w> {
    pub world: &'w World,
    pub device: Device,
    pub rules: Rules,
    /// The edits there are, in the order in which they arrived.
    pub known: Vec<Place>,
    /// What they may see, as the book has it.
    pub raws: Vec<Raw<'w>>,
    /// What they may not see.
    pub unseen: Vec<Raw<'w>>,
    /// What they are shown.
    pub views: Vec<EntryView>,
    pub vital: VitalFacts,
    pub card: Card,
    pub review: Vec<ReviewItem>,
    pub flags: Vec<(EntryId, Flag)>,
    pub documents: Vec<DocumentGroup>,
    /// What whoever keeps the record must destroy.
    pub destroyed: BTreeSet<EntryId>,
}

impl<'w> Record<'w> {
    /// The whole record.
    pub fn of(world: &'w World, rules: Rules) -> Self {
        Self::new(world, (0..world.book.len()).collect(), rules)
    }

    /// What is on a device, where it arrived the other way round.
    pub fn on(world: &'w World, device: Device, rules: Rules) -> Self {
        let known = world.known_at(device).into_iter().rev();
        Self::new(world, known.collect(), rules)
    }

    fn new(world: &'w World, known: Vec<Place>, rules: Rules) -> Self {
        let mut edits: BTreeMap<EntryId, Vec<&Edited>> = BTreeMap::new();
        let sorted: BTreeSet<&Place> = known.iter().collect();
        for place in sorted {
            let edit = &world.book[*place];
            edits.entry(edit.entry).or_default().push(edit);
        }
        let raws = edits.into_iter().map(|(id, edits)| (id, Raw::new(edits)));
        let states = world.states(&known);
        Record {
            world,
            rules,
            raws: raws.collect(),
            views: world.views(rules, &states),
            states,
            known,
        }
    }

    /// What somebody is shown of it.
    pub fn look(&self, device: Device) -> Look<'w> {
        let Record { world, rules, .. } = *self;
        let sees = |entry: &EntryId| world.may_see(device, &self.states[entry]);
        let all = self.raws.values().cloned();
        let (raws, unseen): (Vec<Raw<'_>>, Vec<Raw<'_>>) = all.partition(|raw| sees(&raw.entry));
        let mut views = self.views.clone();
        // Without that rule, flags would be computed once for all.
        if rules.has(Rule::FlagsPerViewer) {
            views.retain(|view| sees(&view.id));
        }
        Look {
            vital: vital_by(rules, &views, TODAY),
            card: card_by(rules, &views, &BTreeSet::new(), TODAY),
            review: review_by(rules, &views, &[], &world.viewer(device), TODAY),
            flags: flags_on(rules, &views, TODAY),
            documents: documents(rules, &views),
            destroyed: world.destroyed(rules, &self.states),
            world,
            device,
            rules,
            known: self.known.clone(),
            raws,
            unseen,
            views,
        }
    }
}

impl<'w> Look<'w> {
    pub fn view(&self, entry: EntryId) -> &EntryView {
        let view = self.views.iter().find(|view| view.id == entry);
        view.expect("what one may see is shown")
    }

    pub fn of_kind<'l>(&'l self, kind: &'l str) -> impl Iterator<Item = &'l Raw<'w>> {
        self.raws.iter().filter(move |raw| raw.kind == kind)
    }

    /// Whether somebody settled an item about an entry: then it may be off the list.
    pub fn is_decided(&self, entry: EntryId) -> bool {
        let name = entry.to_string();
        let groups = self
            .raws
            .iter()
            .any(|raw| raw.entry == entry && raw.kind == "blood-group");
        self.of_kind("review-decision").any(|raw| {
            let item = raw.first().wrote_text("item").unwrap_or_default();
            let settles = raw.first().wrote_text("decision") != Some("assign");
            settles
                && may_stand(raw)
                && (item.contains(&name) || (groups && item.starts_with("discordant")))
        })
    }

    /// Whether an item of this code about all these entries is on the list, or was decided on.
    pub fn asks(&self, code: FlagCode, entries: &[EntryId]) -> bool {
        let about = |item: &ReviewItem| {
            item.code == code && entries.iter().all(|entry| item.entries.contains(entry))
        };
        self.review.iter().any(about) || entries.iter().any(|entry| self.is_decided(*entry))
    }

    /// Whether the vital facts list an entry.
    pub fn is_vital(&self, entry: EntryId) -> bool {
        let vital = &self.vital;
        let mut all = vital.allergies.iter().map(|fact| fact.entry);
        let mut treatments = vital.treatments.iter().map(|fact| fact.entry);
        let mut conditions = vital.conditions.iter().map(|fact| fact.entry);
        let mut pregnancies = vital.pregnancies.iter().map(|fact| fact.entry);
        let mut devices = vital.devices.iter().map(|fact| fact.entry);
        all.any(|id| id == entry)
            || treatments.any(|id| id == entry)
            || conditions.any(|id| id == entry)
            || pregnancies.any(|id| id == entry)
            || devices.any(|id| id == entry)
    }
}

/// Whether a decision may count: not when all last words of its status take it back, nor when
/// anybody else than its maker says that it counts again.
pub fn may_stand(raw: &Raw<'_>) -> bool {
    let last = raw.last("status");
    let back = last
        .iter()
        .all(|edit| edit.status().as_deref() != Some("active"));
    let own = last
        .iter()
        .all(|edit| edit.person() == raw.first().person());
    own && !back
}

/// An edit, told for whoever reads why a law broke.
pub fn told(edit: &Edited) -> String {
    let writes = edit.writes.iter().filter(|write| write.key != "schema");
    let writes: Vec<String> = writes
        .map(|write| match &write.value {
            Some(value) => format!("{}={}", write.key, plain(value)),
            None => format!("{} removed", write.key),
        })
        .collect();
    let entry = edit.entry.0.as_u128();
    let knew: Vec<String> = edit.knew.iter().map(ToString::to_string).collect();
    format!(
        "  {:>3} device {} ({}) entry {entry}: {}  [knew {}]",
        edit.place,
        edit.device,
        edit.role().as_str(),
        writes.join(", "),
        knew.join(" ")
    )
}

fn plain(value: &crate::entry::Value) -> String {
    let text = value.as_text().map(str::to_owned);
    text.unwrap_or_else(|| format!("{value:?}"))
}
