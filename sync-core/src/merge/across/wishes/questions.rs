//! What only the holder can say of what is in force: whether it counts.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::super::super::review::{key_of, of_link};
use super::super::super::{EntryView, FlagCode, Rules, decided};
use super::super::Link;
use super::papers::{Document, Papers, Revokes, after, revokes};
use crate::EntryId;
use crate::kind::{Occurred, Verdict};
use crate::policy::Role;

/// At most so many documents of a sort are named in one question, so that it can be read and
/// decided on.
pub const LINKED_AT_MOST: usize = 16;

/// A question to the holder.
pub struct Question {
    pub code: FlagCode,
    /// The document in doubt.
    pub of: EntryId,
    /// It and the others that the question is about, in the order of their identifiers.
    pub about: Vec<EntryId>,
}

impl Question {
    pub fn new(code: FlagCode, of: EntryId, others: impl Iterator<Item = EntryId>) -> Self {
        let about: BTreeSet<EntryId> = others.chain([of]).collect();
        let about = about.into_iter().collect();
        Question { code, of, about }
    }

    pub fn link<'v>(
        &self,
        views: &BTreeMap<EntryId, &'v EntryView>,
        in_force: &BTreeSet<EntryId>,
    ) -> Link<'v> {
        let entries = self.about.iter().filter_map(|entry| views.get(entry));
        Link::of_wishes(self.code, entries.copied().collect(), in_force)
    }
}

/// Of each directive that counts whether it does: what may have taken its place was revoked by
/// name, or the holder says that it should never have been written. One question a directive,
/// about the latest of these.
///
/// What somebody else withdrew and the holder confirmed to be an error asks no more of those that
/// they confirmed with it.
pub fn revivals(
    rules: Rules,
    papers: &Papers,
    in_force: &[&Document],
    answered: &Answered,
) -> Vec<Question> {
    let mut revoked_by: BTreeMap<EntryId, Vec<&Document>> = BTreeMap::new();
    for one in &papers.written {
        if let Some(named) = one.revokes {
            revoked_by.entry(named).or_default().push(one);
        }
    }
    // The latest revocation of each says enough.
    let by_name = |document: &Document| {
        let named = revoked_by.get(&document.entry).into_iter().flatten();
        let revoking = named.filter(|one| revokes(rules, one, document) == Revokes::Yes);
        revoking.max_by_key(|one| latest(one)).map(|one| one.entry)
    };
    let directive = |document: &&Document| !document.revocation;
    let others = papers.written.iter().chain(&papers.withdrawn);
    let others = others.filter(directive);
    let revoked = others.filter_map(|one| Some((one, Some(by_name(one)?))));
    let retracted = papers.retracted.iter().filter(directive);
    let retracted = retracted.map(|one| (one, by_name(one)));
    let mut gone: Vec<(&Document, Option<EntryId>)> = revoked.chain(retracted).collect();
    gone.sort_by_key(|(document, _)| Reverse(latest(document)));
    let question = |one: &&Document| {
        let asks = |other: &Document, by: &Option<EntryId>| {
            let known = answered.get(&other.entry);
            by.is_some() || known.is_none_or(|with| !with.contains(&one.entry))
        };
        let replaced = gone
            .iter()
            .filter(|(other, by)| may_have_replaced(other, one) && asks(other, by));
        let about: Vec<EntryId> = replaced
            .take(LINKED_AT_MOST)
            .flat_map(|(other, by)| by.iter().copied().chain([other.entry]))
            .collect();
        let code = FlagCode::DirectiveRevived;
        (!about.is_empty()).then(|| Question::new(code, one.entry, about.into_iter()))
    };
    in_force.iter().filter_map(question).collect()
}

/// Of what the holder says should never have been written, the directives beside which they confirmed
/// that of it when somebody else had withdrawn it.
pub type Answered = BTreeMap<EntryId, BTreeSet<EntryId>>;

/// What of it is [`Answered`].
pub fn answered(rules: Rules, views: &[EntryView], papers: &Papers) -> Answered {
    let mut answered = Answered::new();
    if papers.retracted.is_empty() {
        return answered;
    }
    let code = FlagCode::DirectiveWithdrawn.code();
    let decisions = decided::decisions(rules, views).into_iter();
    let confirmed = decisions.filter(|one| {
        one.verdict == Verdict::Confirm
            && one.by.role == Role::Holder
            && one.item.split('/').next() == Some(code)
    });
    for about in confirmed.map(|one| one.entries()) {
        let gone = papers.retracted.iter();
        for one in gone.filter(|one| about.contains(&one.entry)) {
            answered.entry(one.entry).or_default().extend(&about);
        }
    }
    answered
}

fn latest(document: &Document) -> impl Ord + use<> {
    let days = document
        .date
        .map(|date| (date.last_day(), date.first_day()));
    (days, document.entry)
}

/// Whether a directive may have taken the place of another by its date. Of one and the same day
/// neither does: both stood.
fn may_have_replaced(other: &Document, one: &Document) -> bool {
    let (Some(later), Some(date)) = (&other.date, &one.date) else {
        return false;
    };
    let exact = matches!(date, Occurred::Day(_) | Occurred::Instant(_));
    !(after(date, later) || (exact && later == date))
}

/// Of the documents asked about, those of which the holder did not confirm it.
pub fn unsettled(
    rules: Rules,
    views: &[EntryView],
    by_id: &BTreeMap<EntryId, &EntryView>,
    questions: &[Question],
) -> Vec<EntryId> {
    if questions.is_empty() {
        return Vec::new();
    }
    let decisions = decided::decisions(rules, views);
    let answered: BTreeSet<&str> = decisions.iter().map(|one| one.item).collect();
    let open = questions.iter().filter(|question| {
        let link = question.link(by_id, &BTreeSet::new());
        let asked = answered.contains(key_of(&link).as_str());
        !(asked && decided::settled(rules, &of_link(&link), &decisions))
    });
    open.map(|question| question.of).collect()
}
