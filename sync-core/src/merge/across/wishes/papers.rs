//! Directives and revocations as they are written, and what one says of another.

use jiff::Timestamp;
use jiff::civil::Date;

use super::super::super::{EntryView, FieldClaim, Rule, Rules, Written};
use crate::EntryId;
use crate::entry::STATUS;
use crate::kind::wishes::{DIRECTIVE, DOCUMENT_DATE, REVOKES};
use crate::kind::{DirectiveType, JsonScalar as _, Kind, Occurred, Read, Status};
use crate::policy::Role;

/// A directive or a revocation.
pub struct Document {
    pub entry: EntryId,
    pub closed: bool,
    pub revocation: bool,
    pub revokes: Option<EntryId>,
    pub date: Option<Occurred>,
}

/// All of a record, each part in the order of identifiers.
#[derive(Default)]
pub struct Papers {
    /// Those that nobody says should never have been written.
    pub written: Vec<Document>,
    /// Those of which somebody else than the holder says so.
    pub withdrawn: Vec<Document>,
    /// Those of which the holder says so.
    pub retracted: Vec<Document>,
}

impl Papers {
    pub fn read(rules: Rules, views: &[EntryView]) -> Self {
        let mut papers = Papers::default();
        for view in views {
            let closed = !view.counts();
            let part = match view.in_error() {
                true if is_by_others(view) => &mut papers.withdrawn,
                true => &mut papers.retracted,
                false if closed && !rules.has(Rule::DirectiveRevocation) => continue,
                false => &mut papers.written,
            };
            part.extend(document(view, closed));
        }
        let parts = [
            &mut papers.written,
            &mut papers.withdrawn,
            &mut papers.retracted,
        ];
        for part in parts {
            part.sort_by_key(|document| document.entry);
        }
        papers
    }
}

/// Whether only others than the holder say that it should never have been written. Whose wish it
/// is may say so themselves, whoever deposited the scan; what they called an error needs no other
/// word.
fn is_by_others(view: &EntryView) -> bool {
    let in_error = |claim: &&FieldClaim| {
        let status = Status::from_value(&claim.value);
        status.is_some_and(|status| status.status.is_error())
    };
    let others = |claim: &FieldClaim| {
        let by = claim.by.as_ref();
        by.is_none_or(|by| by.role != Role::Holder)
    };
    let field = view.field(STATUS);
    let holders = field.is_some_and(|field| field.written == Written::ErrorByHolder);
    !holders && view.claims(STATUS).iter().filter(in_error).all(others)
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
pub fn after(one: &Occurred, other: &Occurred) -> bool {
    match (one, other) {
        (Occurred::Instant(one), Occurred::Instant(other)) => one > other,
        _ => one.first_day() > other.last_day(),
    }
}

/// What a revocation says of a directive.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Revokes {
    /// It takes it back: it names it, or came after it.
    Yes,
    /// It takes back all, and nobody can tell which of the two came first; or it names it, and
    /// bears a date before it.
    Perhaps,
    /// It is not about it.
    No,
}

pub fn revokes(rules: Rules, one: &Document, directive: &Document) -> Revokes {
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

/// The latest dates among documents, by which one is known to be overtaken.
#[derive(Default)]
pub struct Latest {
    instant: Option<Timestamp>,
    /// The latest first day of those that are known to the instant, and of all others.
    day: [Option<Date>; 2],
}

impl Latest {
    pub fn of<'d>(documents: impl Iterator<Item = &'d Document>) -> Self {
        let mut latest = Latest::default();
        for date in documents.filter_map(|document| document.date.as_ref()) {
            let exact = matches!(date, Occurred::Instant(_));
            if let Occurred::Instant(instant) = date {
                latest.instant = latest.instant.max(Some(*instant));
            }
            let day = &mut latest.day[usize::from(!exact)];
            *day = (*day).max(Some(date.first_day()));
        }
        latest
    }

    /// Whether one of them is certainly after a document; one with a date is after one without.
    pub fn overtakes(&self, document: &Document) -> bool {
        let [exact, others] = self.day;
        match &document.date {
            None => exact.or(others).is_some(),
            Some(Occurred::Instant(instant)) => {
                let day = document.date.map(|date| date.last_day());
                self.instant > Some(*instant) || others > day
            }
            Some(date) => exact.max(others) > Some(date.last_day()),
        }
    }
}
