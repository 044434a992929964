//! Of a generated life: it is repeatable, it stands, and its codes are used for one thing each.

use std::collections::{BTreeMap, BTreeSet};

use sync_core::change::Actor;
use sync_core::entry::EntryDocument;
use sync_core::kind::{self, Label};
use sync_core::{ChangeHash, DeviceTime};

use super::*;

#[test]
fn the_same_seed_lives_the_same_life_and_another_seed_another() {
    let plan = Plan::new(7, 300);
    assert_eq!(Life::generate(&plan), Life::generate(&plan));
    assert_ne!(
        Life::generate(&plan),
        Life::generate(&Plan { seed: 8, ..plan })
    );
}

#[test]
fn a_life_has_the_entries_and_changes_it_was_planned_with() {
    for (entries, changes) in [(0, 0), (1, 4), (10, 10), (200, 800), (2_000, 2_100)] {
        let life = Life::generate(&Plan {
            seed: 1,
            entries,
            changes,
        });
        assert_eq!(life.acts.len(), changes);
        let named: BTreeSet<_> = life.acts.iter().map(|act| act.entry).collect();
        assert_eq!(named.len(), entries);
        assert!(life.acts.is_sorted_by_key(|act| act.day));
    }
}

#[test]
fn even_a_small_life_has_every_kind() {
    assert_eq!(Life::generate(&Plan::new(3, 20)).kinds().len(), 7);
}

#[test]
fn every_act_stands_on_those_before_it() {
    let life = Life::generate(&Plan {
        seed: 5,
        entries: 400,
        changes: 1_600,
    });
    let mut documents: BTreeMap<usize, EntryDocument> = BTreeMap::new();
    for (number, act) in life.acts.iter().enumerate() {
        let writes = match &act.deed {
            Deed::Create(draft) => draft.writes(),
            Deed::Change(patch) => patch.writes(),
        };
        let document = documents.entry(act.entry).or_default();
        let at = DeviceTime(i64::try_from(number).expect("few acts"));
        let actor = Actor::from_slice(&[1; 16]).expect("sixteen bytes");
        let written: Result<(ChangeHash, _), _> =
            document.edit(actor, &writes.expect("a good draft"), at);
        assert!(written.is_ok(), "{act:?}");
        assert_eq!(kind::validate(&document.state()), Ok(()), "{act:?}");
    }
}

#[test]
fn what_care_adds_stands_and_has_its_kinds() {
    let drafts = care(3, 160);
    assert_eq!(drafts, care(3, 160));
    let kinds: BTreeSet<Kind> = drafts.iter().map(Draft::kind).collect();
    assert_eq!(kinds.len(), 7);
    for draft in drafts {
        let mut document = EntryDocument::default();
        let actor = Actor::from_slice(&[1; 16]).expect("sixteen bytes");
        let writes = draft.writes().expect("a good draft");
        assert!(document.edit(actor, &writes, DeviceTime(0)).is_ok());
        assert_eq!(kind::validate(&document.state()), Ok(()), "{draft:?}");
    }
}

#[test]
fn the_treatments_of_the_catalogue_are_in_it() {
    let catalogue = Catalogue::read();
    let chronic = catalogue.chronic.iter().flat_map(|c| c.steps.concat());
    let episodes = catalogue.episode.iter().flat_map(|e| e.medicines.clone());
    for medicine in chronic.chain(episodes) {
        assert!(catalogue.medicine.contains_key(&medicine), "{medicine}");
    }
}

#[test]
fn no_code_has_two_labels_and_no_label_two_codes() {
    let catalogue = Catalogue::read();
    let mut names: Vec<Label> = Vec::new();
    names.extend(catalogue.allergy.iter().map(|a| catalogue.label(&a.name)));
    names.extend(catalogue.reaction.iter().map(|r| catalogue.label(r)));
    names.extend(catalogue.chronic.iter().map(|c| catalogue.label(&c.name)));
    names.extend(catalogue.episode.iter().map(|e| catalogue.label(&e.name)));
    let medicines = catalogue.medicine.keys();
    names.extend(medicines.filter_map(|key| Some(catalogue.regimen(key)?.product)));
    let mut by_code = BTreeMap::new();
    let mut by_text = BTreeMap::new();
    for name in names {
        let (text, code) = (name.text.clone(), name.code.clone());
        if let Some(code) = &code {
            let known = by_code.insert(code.clone(), text.clone());
            assert!(known.is_none_or(|known| known == text), "{code}");
        }
        let known = by_text.insert(text.clone(), code.clone());
        assert!(known.is_none_or(|known| known == code), "{text}");
    }
}
