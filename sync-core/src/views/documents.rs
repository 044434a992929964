//! Documents and wishes, as lists of a screen.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use crate::EntryId;
use crate::kind::document::{AUTHOR, CONTENT, REPLACES};
use crate::kind::wishes::{AT_HOLDERS_REQUEST, DEPOSITED_BY, DIRECTIVE, DOCUMENT_DATE, TEXT};
use crate::kind::{Content, DirectiveType, Kind, Occurred, Professional, Read, wishes};
use crate::merge::{self, EntryView};

/// A document, however often it was deposited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentLine {
    /// The entries that hold these bytes, the first deposited first.
    pub entries: Vec<EntryId>,
    /// Of what type.
    pub kind: Kind,
    /// Its title.
    pub title: String,
    /// Its own date.
    pub date: Option<Occurred>,
    /// Who wrote it.
    pub author: Option<Professional>,
    /// What it holds; nothing when this version does not understand it.
    pub content: Option<Content>,
    /// What it replaces.
    pub replaces: Option<EntryId>,
    /// Whether nothing replaces it.
    pub current: bool,
}

/// The documents among the entries one viewer may see: the current ones first, then those that
/// were replaced; the latest deposited first.
pub fn documents(views: &[EntryView]) -> Vec<DocumentLine> {
    let mut lines: Vec<DocumentLine> = merge::documents(views)
        .into_iter()
        .filter_map(|group| {
            let first = group.entries.first()?;
            let view = views.iter().find(|view| view.id == *first)?;
            let from: &dyn Read = view;
            Some(DocumentLine {
                kind: view.kind.clone(),
                title: view.label.clone(),
                date: view.kind.happened(view),
                author: from.json(AUTHOR),
                content: from.json(CONTENT),
                replaces: from.text(REPLACES).and_then(|text| text.parse().ok()),
                current: group.current,
                entries: group.entries,
            })
        })
        .collect();
    lines.sort_by_key(|line| !line.current);
    lines
}

/// What counts of an advance directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DirectiveState {
    /// In force, alone or with others of its date.
    InForce,
    /// Without a date: never in force.
    Undated,
    /// A later one took its place.
    Superseded,
    /// It was taken back.
    Revoked,
    /// It takes others back.
    Revocation,
}

/// An advance directive, or the revocation of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectiveLine {
    /// The entry.
    pub entry: EntryId,
    /// What counts of it.
    pub state: DirectiveState,
    /// The date of the document.
    pub date: Option<Occurred>,
    /// What it says.
    pub text: Option<String>,
    /// The scan.
    pub content: Option<Content>,
    /// The professional who deposited it.
    pub deposited_by: Option<Professional>,
    /// Whether the holder asked them to.
    pub at_holders_request: bool,
}

/// The advance directives among the entries one viewer may see: what is in force first, then by
/// state, the latest of its own date first.
pub fn directives(views: &[EntryView]) -> Vec<DirectiveLine> {
    let told = merge::directives(views);
    // One that was closed, but not revoked, is in force in doubt.
    let counts = |view: &EntryView| view.counts() || told.in_force.contains(&view.id);
    let counting = views
        .iter()
        .filter(|view| view.kind == Kind::AdvanceDirective && counts(view));
    let mut lines: Vec<DirectiveLine> = counting
        .filter_map(|view| {
            let from: &dyn Read = view;
            let revocation =
                from.code::<DirectiveType>(DIRECTIVE) == Some(DirectiveType::Revocation);
            let states = [
                (DirectiveState::InForce, told.in_force.contains(&view.id)),
                (DirectiveState::Revoked, told.revoked.contains(&view.id)),
                (DirectiveState::Undated, told.undated.contains(&view.id)),
                (
                    DirectiveState::Superseded,
                    told.superseded.contains(&view.id),
                ),
                (DirectiveState::Revocation, revocation),
            ];
            let state = states.into_iter().find(|(_, so)| *so)?.0;
            Some(DirectiveLine {
                entry: view.id,
                state,
                date: from.text(DOCUMENT_DATE).and_then(|text| text.parse().ok()),
                text: from.text(TEXT),
                content: from.json(wishes::CONTENT),
                deposited_by: from.json(DEPOSITED_BY),
                at_holders_request: from.flag(AT_HOLDERS_REQUEST).unwrap_or(false),
            })
        })
        .collect();
    lines.sort_by_key(|line| {
        let date = line.date.map(|date| date.first_day());
        (line.state, Reverse(date), line.entry)
    });
    lines
}
