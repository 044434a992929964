//! Items of the to-review list that several entries make together.

use std::cmp::Reverse;

use super::super::{EntryView, FlagCode, across};
use super::{Inherited, ReviewClaim, ReviewItem};
use crate::entry::STATUS;
use crate::kind::common::NOTES;
use crate::kind::{Kind, Occurred, Read, wishes};
use crate::{Digest32, EntryId};

/// What entries are asked about together, by their names.
fn named(link: &across::Link<'_>) -> String {
    let ids: Vec<EntryId> = link.entries.iter().map(|view| view.id).collect();
    let about = match ids.as_slice() {
        [one, other] => format!("{one}/{other}"),
        _ => {
            let bytes: Vec<&[u8]> = ids.iter().map(|id| &id.as_bytes()[..]).collect();
            Digest32::of(&bytes).to_string()
        }
    };
    format!("{}/{about}", link.code.code())
}

/// The key of the item that entries make together.
pub(in super::super) fn key_of(link: &across::Link<'_>) -> String {
    let named = named(link);
    let said = match link.code {
        FlagCode::DirectiveWithdrawn => Some(withdrawals(link)),
        _ => across::compared(link),
    };
    match said {
        // What was told apart is asked anew once either is said to be something else, and what was
        // confirmed to be an error once it is called one again.
        Some(said) => format!("{named}/{}", &said.to_string()[..16]),
        None => named,
    }
}

/// The words by which the entries of a link that are errors are so.
fn withdrawals(link: &across::Link<'_>) -> Digest32 {
    let gone = link.entries.iter().filter(|view| view.in_error());
    let said = gone.flat_map(|view| view.claims(STATUS));
    let mut said: Vec<&[u8]> = said.map(|claim| &claim.change.0[..]).collect();
    said.sort_unstable();
    Digest32::of(&said)
}

/// What each of some entries says in an item about them: of a wish its date and its text too.
fn told_of(code: FlagCode, view: &EntryView) -> impl Iterator<Item = &'static str> {
    let wish = view.kind == Kind::AdvanceDirective;
    let more = [wishes::DOCUMENT_DATE, wishes::TEXT];
    // Of what was withdrawn, also by whom.
    let run_out = code == FlagCode::ToReconcile;
    let status = (view.in_error() || run_out).then_some(STATUS);
    let notes = run_out.then_some(NOTES);
    let main = crate::kind::main_field(&view.kind);
    let keys = [main]
        .into_iter()
        .chain(more.into_iter().filter(move |_| wish));
    keys.chain(status).chain(notes)
}

pub(in super::super) fn of_link(link: &across::Link<'_>) -> ReviewItem {
    let mut told = link.entries.clone();
    if !link.in_force.is_empty() {
        // What is in force first, then what may have replaced it, then what takes that back.
        told.sort_by_cached_key(|view| {
            let from: &dyn Read = *view;
            let date: Option<Occurred> = from.scalar(wishes::DOCUMENT_DATE);
            let what = from.text(wishes::DIRECTIVE);
            let other = !link.in_force.contains(&view.id);
            (other, what, Reverse(date.map(|date| date.first_day())))
        });
    }
    let claims = told.into_iter().flat_map(|view| {
        told_of(link.code, view).flat_map(move |key| {
            view.claims(key).iter().map(move |claim| ReviewClaim {
                entry: view.id,
                field: key.to_owned(),
                claim: claim.clone(),
                proposed: false,
            })
        })
    });
    let ids: Vec<EntryId> = link.entries.iter().map(|view| view.id).collect();
    ReviewItem {
        key: key_of(link),
        // Of all blood groups together there is one item, whichever they are; of what contradicts
        // a statement one, or few where that is very much.
        topic: match (link.code, ids.as_slice()) {
            (FlagCode::DiscordantBloodGroup, _) => link.code.code().to_owned(),
            (FlagCode::NoKnownAllergyContradicted, [statement, ..]) => {
                format!("{}/{statement}", link.code.code())
            }
            _ => named(link),
        },
        danger: link.code.danger(),
        code: link.code,
        entries: ids,
        in_force: link.in_force.clone(),
        kind: link.entries.first().map(|view| view.kind.clone()),
        by_nurse: link.entries.first().is_some_and(|view| view.is_by_nurse()),
        crosses_holder: false,
        field: None,
        claims: claims.collect(),
        unseen: Vec::new(),
        edited: None,
        verdicts: Vec::new(),
        assigned: Vec::new(),
        inherited: Inherited::default(),
    }
}
