//! Advance directives beside each other: which is in force.

use serde::{Deserialize, Serialize};

use super::super::review::of_link;
use super::super::{EntryView, FieldClaim, FlagCode, Rule, Rules, decided};
use super::Link;
use crate::EntryId;
use crate::entry::STATUS;
use crate::kind::wishes::{DIRECTIVE, DOCUMENT_DATE, REVOKES};
use crate::kind::{DirectiveType, JsonScalar as _, Kind, Occurred, Read, Status, StatusCode};
use crate::policy::Role;

/// The advance directives of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directives {
    /// In force: one, or several when their dates do not tell which; none when there is none or it
    /// was revoked.
    pub in_force: Vec<EntryId>,
    /// Revocations that may have come before or after what is in force: their dates do not tell,
    /// or belie that they name it.
    #[serde(default)]
    pub unordered: Vec<EntryId>,
    /// Overtaken by a later one.
    pub superseded: Vec<EntryId>,
    /// Taken back.
    pub revoked: Vec<EntryId>,
    /// Without a date, never in force; also revocations without one.
    pub undated: Vec<EntryId>,
    /// Closed by a status, which takes nothing back: in force in doubt, or a revocation of what
    /// would be in force without it.
    #[serde(default)]
    pub closed: Vec<EntryId>,
    /// Withdrawn as an error by somebody else than the holder: without that it would be in
    /// force, or take back what is. What is in force is so in doubt.
    #[serde(default)]
    pub withdrawn: Vec<EntryId>,
    /// Of those in force, the ones that are so only because a later one was revoked by its name,
    /// until the holder confirms them.
    #[serde(default)]
    pub revived: Vec<EntryId>,
}

struct Document {
    entry: EntryId,
    closed: bool,
    revocation: bool,
    revokes: Option<EntryId>,
    date: Option<Occurred>,
}

/// A document, unless it should never have been written.
fn read(rules: Rules, view: &EntryView) -> Option<Document> {
    let closed = !view.counts();
    let unmade = view.in_error() || (closed && !rules.has(Rule::DirectiveRevocation));
    if unmade { None } else { document(view, closed) }
}

/// A document that somebody else than the holder says should never have been written.
fn read_withdrawn(rules: Rules, view: &EntryView) -> Option<Document> {
    let in_error = |claim: &&FieldClaim| {
        let status = Status::from_value(&claim.value);
        status.is_some_and(|status| status.status == StatusCode::EnteredInError)
    };
    let mut said = view.claims(STATUS).iter().filter(in_error).peekable();
    // Whose wish it is may say so themselves, whoever deposited the scan.
    let others = |claim: &FieldClaim| {
        let by = claim.by.as_ref();
        by.is_none_or(|by| by.role != Role::Holder)
    };
    let by_others = said.peek().is_some() && said.all(others);
    let withdrawn = view.in_error() && by_others && rules.has(Rule::DirectiveWithdrawn);
    if withdrawn {
        document(view, true)
    } else {
        None
    }
}

fn document(view: &EntryView, closed: bool) -> Option<Document> {
    if view.kind != Kind::AdvanceDirective {
        return None;
    }
    let from: &dyn Read = view;
    Some(Document {
        entry: view.id,
        closed,
        revocation: from.code::<DirectiveType>(DIRECTIVE)? == DirectiveType::Revocation,
        revokes: from.text(REVOKES).and_then(|text| text.parse().ok()),
        date: from.text(DOCUMENT_DATE).and_then(|text| text.parse().ok()),
    })
}

/// Whether a date is certainly after another, as exactly as both are known.
fn after(one: &Occurred, other: &Occurred) -> bool {
    match (one, other) {
        (Occurred::Instant(one), Occurred::Instant(other)) => one > other,
        _ => one.first_day() > other.last_day(),
    }
}

/// What a revocation says of a directive.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Revokes {
    /// It takes it back: it names it, or came after it.
    Yes,
    /// It takes back all, and nobody can tell which of the two came first; or it names it, and
    /// bears a date before it.
    Perhaps,
    /// It is not about it.
    No,
}

fn revokes(rules: Rules, one: &Document, directive: &Document) -> Revokes {
    let (Some(date), true) = (&one.date, one.revocation) else {
        return Revokes::No;
    };
    let Some(of) = &directive.date else {
        return match one.revokes.is_none_or(|entry| entry == directive.entry) {
            true => Revokes::Yes,
            false => Revokes::No,
        };
    };
    match one.revokes {
        // Whoever names a directive has it in front of them: then one of the dates is wrong.
        Some(entry) if entry == directive.entry && after(of, date) => Revokes::Perhaps,
        Some(entry) if entry == directive.entry => Revokes::Yes,
        Some(_) => Revokes::No,
        None if after(of, date) => Revokes::No,
        None if after(date, of) || !rules.has(Rule::DirectiveSameDate) => Revokes::Yes,
        None => Revokes::Perhaps,
    }
}

/// Which directives are in force, by the dates of the documents (Code de la santé publique,
/// L. 1111-11 and R. 1111-18: the latest one counts; it can be revoked at any time).
pub(in super::super) fn directives(rules: Rules, views: &[EntryView]) -> Directives {
    told(rules, views).0
}

/// A directive in force because a later one was revoked: it, and with it those two documents.
type Revival = (EntryId, Vec<EntryId>);

fn told(rules: Rules, views: &[EntryView]) -> (Directives, Vec<Revival>) {
    let mut all: Vec<Document> = views.iter().filter_map(|view| read(rules, view)).collect();
    all.sort_by_key(|document| document.entry);
    let mut told = Directives::default();
    let undated = |document: &&Document| document.date.is_none() && !document.closed;
    told.undated = all.iter().filter(undated).map(|one| one.entry).collect();
    let counts = |document: &&Document| {
        !document.revocation && (document.date.is_some() || !rules.has(Rule::DirectiveUndated))
    };
    let revoked_by = |document: &Document, says: Revokes| -> Vec<EntryId> {
        let revocations = all
            .iter()
            .filter(|one| revokes(rules, one, document) == says);
        let revocations = revocations.filter(|_| rules.has(Rule::DirectiveRevocation));
        revocations.map(|one| one.entry).collect()
    };
    let revoked = |document: &Document| !revoked_by(document, Revokes::Yes).is_empty();
    let (back, standing): (Vec<&Document>, Vec<&Document>) =
        all.iter().filter(counts).partition(|one| revoked(one));
    let open = back.iter().filter(|one| !one.closed);
    told.revoked = open.map(|one| one.entry).collect();
    let overtaken = |document: &Document| {
        standing
            .iter()
            .any(|other| match (&other.date, &document.date) {
                (Some(later), Some(date)) => after(later, date),
                (later, date) => later.is_some() && date.is_none(),
            })
    };
    for document in &standing {
        match overtaken(document) && rules.has(Rule::DirectiveLatest) {
            true if document.closed => {}
            true => told.superseded.push(document.entry),
            false => told.in_force.push(document.entry),
        }
    }
    if !rules.has(Rule::DirectiveSameDate) {
        told.in_force.truncate(1);
    }
    if !rules.has(Rule::DirectiveLatest) {
        let recorded = |entry: &EntryId| views.iter().find(|view| view.id == *entry)?.recorded;
        told.in_force.sort_by_key(recorded);
        told.in_force.drain(..told.in_force.len().saturating_sub(1));
    }
    let in_force = standing
        .iter()
        .filter(|one| told.in_force.contains(&one.entry));
    told.unordered = in_force
        .flat_map(|one| revoked_by(one, Revokes::Perhaps))
        .collect();
    told.unordered.sort();
    told.unordered.dedup();
    let holds_back = |one: &Document| {
        let mut held = all
            .iter()
            .filter(|other| !other.revocation && !other.closed);
        held.any(|other| revokes(rules, one, other) != Revokes::No && !overtaken(other))
    };
    let closed = all.iter().filter(|one| one.closed);
    let matters = closed.filter(|one| told.in_force.contains(&one.entry) || holds_back(one));
    told.closed = matters.map(|one| one.entry).collect();
    let withdrawn = views.iter().filter_map(|view| read_withdrawn(rules, view));
    let mut withdrawn: Vec<Document> = withdrawn.collect();
    withdrawn.sort_by_key(|document| document.entry);
    withdrawn.retain(|one| match one.revocation {
        true => standing.iter().any(|other| {
            told.in_force.contains(&other.entry) && revokes(rules, one, other) != Revokes::No
        }),
        false => one.date.is_some() && !revoked(one) && !overtaken(one),
    });
    told.withdrawn = withdrawn.iter().map(|one| one.entry).collect();
    let by_name = |one: &Document| -> Vec<EntryId> {
        let names = all.iter().filter(|other| other.revokes == Some(one.entry));
        let names = names.filter(|other| revokes(rules, other, one) == Revokes::Yes);
        names.map(|other| other.entry).collect()
    };
    let later_than = |other: &Document, one: &Document| match (&other.date, &one.date) {
        (Some(later), Some(date)) => after(later, date),
        _ => false,
    };
    let in_force = standing
        .iter()
        .filter(|one| told.in_force.contains(&one.entry) && rules.has(Rule::DirectiveRevived));
    let mut revivals: Vec<Revival> = Vec::new();
    for one in in_force {
        for later in back.iter().filter(|later| later_than(later, one)) {
            let named = by_name(later);
            if !named.is_empty() {
                let mut about = named;
                about.extend([one.entry, later.entry]);
                about.sort();
                revivals.push((one.entry, about));
            }
        }
    }
    told.revived = unconfirmed(rules, views, &revivals);
    (told, revivals)
}

/// Of those in force because a later one was revoked, the ones that the holder has not confirmed
/// since.
fn unconfirmed(rules: Rules, views: &[EntryView], revivals: &[Revival]) -> Vec<EntryId> {
    let mut revived = Vec::new();
    if revivals.is_empty() {
        return revived;
    }
    let decisions = decided::decisions(rules, views);
    for (entry, about) in revivals {
        let item = of_link(&revival(views, about));
        if !decided::settled(rules, &item, &decisions) {
            revived.push(*entry);
        }
    }
    revived.sort();
    revived.dedup();
    revived
}

fn revival<'v>(views: &'v [EntryView], about: &[EntryId]) -> Link<'v> {
    let find = |entry: &EntryId| views.iter().find(|view| view.id == *entry);
    Link {
        code: FlagCode::DirectiveRevived,
        entries: about.iter().filter_map(find).collect(),
    }
}

/// What nobody can put in order, what was closed but not revoked, what was withdrawn by others, and
/// what has no date.
pub(super) fn links(rules: Rules, views: &[EntryView]) -> Vec<Link<'_>> {
    let (told, revivals) = told(rules, views);
    let find = |entry: &EntryId| views.iter().find(|view| view.id == *entry);
    let mut links = Vec::new();
    for withdrawn in &told.withdrawn {
        let mut entries = told.in_force.clone();
        entries.push(*withdrawn);
        entries.sort();
        links.push(Link {
            code: FlagCode::DirectiveWithdrawn,
            entries: entries.iter().filter_map(find).collect(),
        });
    }
    let mut together = [told.in_force, told.unordered].concat();
    together.sort();
    if together.len() > 1 {
        links.push(Link {
            code: FlagCode::DirectivesSameDate,
            entries: together.iter().filter_map(find).collect(),
        });
    }
    links.extend(revivals.iter().map(|(_, about)| revival(views, about)));
    let closed = told.closed.iter().filter_map(find);
    links.extend(closed.map(|view| Link::alone(FlagCode::DirectiveClosed, view)));
    if rules.has(Rule::DirectiveUndated) {
        let undated = told.undated.iter().filter_map(find);
        links.extend(undated.map(|view| Link::alone(FlagCode::DirectiveUndated, view)));
    }
    links
}
