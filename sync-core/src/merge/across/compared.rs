//! What two entries that may be one seemed to be when they were compared.

use std::collections::BTreeSet;

use super::super::{EntryView, FlagCode};
use super::{Link, immunizations, treatments};
use crate::Digest32;
use crate::kind::{Kind, Label, normalise};

/// Names what was compared, of two entries that may be about the same thing: their substances, or
/// their vaccines with the dates. Nothing of any other link.
pub(in super::super) fn compared(link: &Link<'_>) -> Option<Digest32> {
    if !matches!(
        link.code,
        FlagCode::PossibleDuplicate | FlagCode::SubstanceTwice
    ) {
        return None;
    }
    let each = link.entries.iter().map(|view| told(view));
    let texts: Vec<String> = each
        .map(|told| told.into_iter().map(|one| one + "\0").collect::<String>() + "\x01")
        .collect();
    let parts: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
    Some(Digest32::of(&parts))
}

/// What an entry says that it is about.
fn told(view: &EntryView) -> BTreeSet<String> {
    match view.kind {
        Kind::MedicationTaken => treatments::taken(view).iter().map(called).collect(),
        Kind::Immunization => immunizations::doses(view)
            .map(|dose| format!("{} {}", dose.date, called(&dose.vaccine)))
            .collect(),
        _ => view.labels().iter().map(called).collect(),
    }
}

fn called(label: &Label) -> String {
    let part = |text: &Option<String>| text.clone().unwrap_or_default();
    let text = normalise(&label.text);
    format!("{text}|{}|{}", part(&label.system), part(&label.code))
}
