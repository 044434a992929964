//! The to-review list: every conflict is on it, the most dangerous first.

use std::collections::BTreeSet;

use super::super::random::{Edited, Raw};
use super::ended::may_be_in_error;
use super::look::Look;
use super::*;
use crate::entry::Value;
use crate::merge::review::review_by;

/// Keys whose values never contradict each other.
fn is_apart(key: &str) -> bool {
    let names = ["kind", "schema", "status"];
    names.contains(&key) || key.starts_with("hidden-") || key.starts_with("accepts/")
}

/// Two values of one key by people of equal standing who did not know of each other, over which
/// nobody wrote, are to review, until somebody decided on them. So is a lone proposal.
pub fn conflicts_are_on_the_list(look: &Look<'_>) -> Option<String> {
    let open = |raw: &&Raw<'_>| !may_be_in_error(raw) && !look.is_decided(raw.entry);
    let rights = ["grant", "block", "delegation"];
    let raws = look
        .raws
        .iter()
        .filter(|raw| !rights.contains(&raw.kind.as_str()));
    raws.filter(open).find_map(|raw| {
        let mut keys = raw.keys().into_iter().filter(|key| !is_apart(key));
        let untold = keys.find(|key| {
            let equal = |edit: &&Edited| {
                let later = raw
                    .edits
                    .iter()
                    .any(|later| later.saw(edit) && later.accepts_any());
                (raw.confirms(edit) || raw.is_lay() || !raw.is_clinical()) && !later
            };
            let last = raw.last(key).into_iter().filter(equal);
            let values: BTreeSet<&Value> =
                last.filter_map(|edit| edit.wrote(key).flatten()).collect();
            let about = |item: &ReviewItem| {
                item.entries == [raw.entry] && item.field.as_deref() == Some(*key)
            };
            values.len() > 1 && !look.review.iter().any(about)
        });
        let proposed = || {
            let view = look.view(raw.entry);
            let mut open = view
                .fields
                .iter()
                .filter(|field| !field.proposals.is_empty());
            open.find(|field| {
                let about = |item: &ReviewItem| {
                    item.code == FlagCode::Proposal
                        && item.entries == [raw.entry]
                        && item.field.as_ref() == Some(&field.key)
                };
                !look.review.iter().any(about)
            })
            .map(|field| field.key.clone())
        };
        let key = untold.map(str::to_owned).or_else(proposed);
        key.map(|key| format!("{key} of {} {}", raw.kind, raw.entry))
    })
}

/// What may kill comes before all else, what may harm before the rest, and nothing comes twice.
pub fn the_list_is_ordered_by_danger(look: &Look<'_>) -> Option<String> {
    let codes: Vec<&str> = look.review.iter().map(|item| item.code.code()).collect();
    let kills = [
        "discordant-blood-group",
        "no-known-allergy-contradicted",
        "refutation-against-danger",
    ];
    let mut after = codes.iter().skip_while(|code| kills.contains(code));
    let late = after.any(|code| kills.contains(code));
    let dangers = look.review.iter().map(|item| item.danger);
    let falling = dangers.is_sorted_by(|one, other| one >= other);
    let keys: BTreeSet<&str> = look.review.iter().map(|item| item.key.as_str()).collect();
    (late || !falling || keys.len() != codes.len()).then(|| format!("{codes:?}"))
}

/// The list is the same in whatever order the entries are looked at.
pub fn the_order_of_entries_does_not_matter(look: &Look<'_>) -> Option<String> {
    let mut views = look.views.clone();
    views.reverse();
    let viewer = look.world.viewer(look.device);
    let other = review_by(look.rules, &views, &[], &viewer, TODAY);
    (other != look.review).then(|| "the list depends on the order of the entries".to_owned())
}
