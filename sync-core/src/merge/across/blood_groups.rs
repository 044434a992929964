//! Blood groups beside each other.

use std::collections::BTreeMap;

use super::super::{EntryView, FlagCode};
use super::Link;
use crate::EntryId;
use crate::kind::blood_group::BLOOD_GROUP;
use crate::kind::{BloodGroup, Kind};

/// Every blood group that stands in entries not in error, with its source.
pub(in super::super) fn blood_groups(views: &[EntryView]) -> Vec<(&EntryView, BloodGroup)> {
    let entries = views
        .iter()
        .filter(|view| view.kind == Kind::BloodGroup && !view.in_error());
    let all = entries.flat_map(|view| {
        view.all(BLOOD_GROUP)
            .into_iter()
            .map(move |group| (view, group))
    });
    all.collect()
}

/// Distinct groups among entries not in error.
pub(super) fn discordant(views: &[EntryView]) -> Vec<Link<'_>> {
    let groups = blood_groups(views);
    let agree = groups.windows(2).all(|pair| pair[0].1.agrees(&pair[1].1));
    let entries: BTreeMap<EntryId, &EntryView> =
        groups.iter().map(|(view, _)| (view.id, *view)).collect();
    if agree || entries.len() < 2 {
        return Vec::new();
    }
    let entries = entries.into_values().collect();
    vec![Link::among(FlagCode::DiscordantBloodGroup, entries)]
}
