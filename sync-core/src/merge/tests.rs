//! One named vector for every sentence of the rules that applies to the kinds there are. Every
//! view in them is computed under all orders of arrival.

mod all_kinds;
mod allergy;
mod assigned;
mod blood_group;
mod contact;
mod laws;
mod medication;
mod proposals;
mod random;
mod rights;
mod to_review;
mod vectors;
mod wishes;

use super::support::{DOCTOR, PHARMACIST, Party, Story};
use super::*;
use crate::Tick;
use crate::kind::*;
use crate::policy::Role;

/// The day on which the stories are looked at.
pub(super) const TODAY: jiff::civil::Date = jiff::civil::date(2024, 10, 5);

fn vital(views: &[EntryView]) -> VitalFacts {
    super::vital(views, TODAY)
}

fn review(views: &[EntryView], held: &[HeldForReview], viewer: &Viewer) -> Vec<ReviewItem> {
    super::review(views, held, viewer, TODAY)
}

/// A record with its holder, a caregiver and a physician, none of whom has met the server.
fn three() -> (Story, Party, Party, Party) {
    let mut story = Story::default();
    let holder = story.party(Role::Holder);
    let caregiver = story.party(Role::Caregiver);
    let doctor = story.party(DOCTOR);
    (story, holder, caregiver, doctor)
}

fn penicillin() -> AllergyDraft {
    AllergyDraft {
        substance: Label::coded("Pénicilline", "http://snomed.info/sct", "764146007"),
        criticality: Some(Criticality::Low),
        ..AllergyDraft::default()
    }
}

fn status(status: StatusCode) -> CommonPatch {
    CommonPatch {
        status: Some(Status::because(status, "why")),
        ..CommonPatch::default()
    }
}

fn notes(text: &str) -> CommonPatch {
    CommonPatch {
        notes: Edit::Set(text.to_owned()),
        ..CommonPatch::default()
    }
}

fn criticality(criticality: Criticality) -> AllergyPatch {
    AllergyPatch {
        criticality: Edit::Set(criticality),
        ..AllergyPatch::default()
    }
}

fn reaction(manifestation: &str, severity: Option<Severity>) -> AllergyPatch {
    AllergyPatch {
        reactions: vec![Reaction::new(manifestation, severity)],
        ..AllergyPatch::default()
    }
}

fn verification(verification: Verification) -> AllergyPatch {
    AllergyPatch {
        verification: Edit::Set(verification),
        ..AllergyPatch::default()
    }
}

fn current(view: &EntryView, key: &str) -> Vec<String> {
    let values = view.field(key).map_or(&[][..], |field| &field.current);
    let text = |value: &crate::entry::Value| value.as_text().unwrap_or("?").to_owned();
    values.iter().map(text).collect()
}

fn codes(view: &EntryView) -> Vec<&'static str> {
    let mut codes: Vec<_> = view.flags.iter().map(|flag| flag.code.code()).collect();
    codes.dedup();
    codes
}

fn items(list: &[ReviewItem]) -> Vec<&'static str> {
    list.iter().map(|item| item.code.code()).collect()
}
