//! Advance directives beside each other: which is in force.

mod papers;
mod questions;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::super::shown::shown_by;
use super::super::{EntryView, FlagCode, Rule, Rules, authority};
use super::Link;
use crate::EntryId;
use crate::kind::Kind;
use papers::{Document, Latest, Papers, Revokes, revokes};
use questions::{LINKED_AT_MOST, Question, answered, revivals, unsettled};

/// The advance directives of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directives {
    /// In force: one, or several when their dates do not tell which, in the order of their
    /// identifiers; none when there is none or it was revoked.
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
    /// force, or take back what is. What is in force is so in doubt, until the holder confirms
    /// that it was an error.
    #[serde(default)]
    pub withdrawn: Vec<EntryId>,
    /// Of those in force, the ones that are so only because one that may be later was revoked by
    /// its name, or called an error by the holder, until the holder confirms them.
    #[serde(default)]
    pub revived: Vec<EntryId>,
    /// Those of which two people settled something in two ways: of those in force, and of others
    /// that would be in force or take back what is.
    #[serde(default)]
    pub contested: Vec<EntryId>,
    /// What is open of whether one counts, by the flag that says so: of those in force, and of
    /// others that would be in force or take back what is.
    #[serde(default)]
    pub disputed: Vec<(EntryId, FlagCode)>,
}

impl Directives {
    /// What is in doubt of a directive that is in force.
    pub fn doubts(&self, entry: &EntryId) -> Vec<FlagCode> {
        let alone = self.in_force.len() + self.unordered.len() < 2;
        // What is open of one that is not in force puts all in doubt that are.
        let bears = |of: &EntryId| of == entry || self.in_force.binary_search(of).is_err();
        let doubts = [
            (
                FlagCode::DecidedDifferently,
                self.contested.iter().any(bears),
            ),
            (FlagCode::DirectivesSameDate, !alone),
            (FlagCode::DirectiveClosed, self.closed.iter().any(bears)),
            (FlagCode::DirectiveWithdrawn, !self.withdrawn.is_empty()),
            (FlagCode::DirectiveRevived, self.revived.contains(entry)),
        ];
        let so = doubts.into_iter().filter(|(_, so)| *so);
        let so = so.map(|(code, _)| code);
        let disputed = self.disputed.iter().filter(|(of, _)| bears(of));
        let all: BTreeSet<FlagCode> = so.chain(disputed.map(|(_, code)| *code)).collect();
        all.into_iter().collect()
    }
}

/// Which directives are in force, by the dates of the documents (Code de la santé publique,
/// L. 1111-11 and R. 1111-18: the latest one counts; it can be revoked at any time).
pub(in super::super) fn directives(rules: Rules, views: &[EntryView]) -> Directives {
    directives_as_shown(rules, views, &shown_by(rules, views))
}

/// [`directives`], where it is known which entries are shown otherwise than they are.
pub(in super::super) fn directives_as_shown(
    rules: Rules,
    views: &[EntryView],
    shown: &BTreeMap<EntryId, EntryView>,
) -> Directives {
    let by_id = by_id(views);
    let Told {
        directives: mut told,
        questions,
        bears,
    } = told(rules, views, &by_id);
    let open = |code| {
        let of_code = questions.get(&code).map_or(&[][..], Vec::as_slice);
        unsettled(rules, views, &by_id, of_code)
    };
    told.withdrawn = open(FlagCode::DirectiveWithdrawn);
    told.revived = open(FlagCode::DirectiveRevived);
    let view = |entry: &EntryId| shown.get(entry).or_else(|| by_id.get(entry).copied());
    for view in bears.iter().filter_map(view) {
        let open = view.flags.iter().filter(|flag| {
            let field = flag.field.as_deref();
            field.is_some_and(|field| authority::is_holders(rules, &view.kind, field))
        });
        let codes: BTreeSet<FlagCode> = open.map(|flag| flag.code).collect();
        let disputed = codes.into_iter().map(|code| (view.id, code));
        told.disputed.extend(disputed);
        told.contested
            .extend(view.is_contested().then_some(view.id));
    }
    told
}

fn by_id(views: &[EntryView]) -> BTreeMap<EntryId, &EntryView> {
    let directives = views
        .iter()
        .filter(|view| view.kind == Kind::AdvanceDirective);
    directives.map(|view| (view.id, view)).collect()
}

/// The questions to the holder, by their code.
type Questions = BTreeMap<FlagCode, Vec<Question>>;

/// What is in force and why.
struct Told {
    directives: Directives,
    /// What the holder is asked about it, answered or not.
    questions: Questions,
    /// What is in force, and what would be or would take it back if it counted, or does.
    bears: BTreeSet<EntryId>,
}

fn told(rules: Rules, views: &[EntryView], by_id: &BTreeMap<EntryId, &EntryView>) -> Told {
    let papers = Papers::read(rules, views);
    let all = &papers.written;
    let mut told = Directives::default();
    let undated = |document: &&Document| document.date.is_none() && !document.closed;
    told.undated = all.iter().filter(undated).map(|one| one.entry).collect();
    let counts = |document: &&Document| {
        !document.revocation && (document.date.is_some() || !rules.has(Rule::DirectiveUndated))
    };
    let revocations: Vec<&Document> = match rules.has(Rule::DirectiveRevocation) {
        true => all.iter().filter(|one| one.revocation).collect(),
        false => Vec::new(),
    };
    let is_revoked = |document: &Document, says: Revokes| {
        let mut all = revocations.iter();
        all.any(|one| revokes(rules, one, document) == says)
    };
    let (back, standing): (Vec<&Document>, Vec<&Document>) = all
        .iter()
        .filter(counts)
        .partition(|one| is_revoked(one, Revokes::Yes));
    let open = back.iter().filter(|one| !one.closed);
    told.revoked = open.map(|one| one.entry).collect();
    let latest = Latest::of(standing.iter().copied());
    for document in &standing {
        match latest.overtakes(document) && rules.has(Rule::DirectiveLatest) {
            true if document.closed => {}
            true => told.superseded.push(document.entry),
            false => told.in_force.push(document.entry),
        }
    }
    if !rules.has(Rule::DirectiveSameDate) {
        told.in_force.truncate(1);
    }
    if !rules.has(Rule::DirectiveLatest) {
        let recorded = |entry: &EntryId| by_id.get(entry)?.recorded;
        told.in_force.sort_by_key(recorded);
        told.in_force.drain(..told.in_force.len().saturating_sub(1));
    }
    let holds: BTreeSet<EntryId> = told.in_force.iter().copied().collect();
    let in_force = standing.iter().filter(|one| holds.contains(&one.entry));
    let in_force: Vec<&Document> = in_force.copied().collect();
    let perhaps = revocations.iter().filter(|one| {
        let mut in_force = in_force.iter();
        in_force.any(|other| revokes(rules, one, other) == Revokes::Perhaps)
    });
    told.unordered = perhaps.map(|one| one.entry).collect();
    let may_hold = all.iter().filter(|other| {
        let directive = !other.revocation && !other.closed;
        directive && !latest.overtakes(other)
    });
    let may_hold: Vec<&Document> = may_hold.collect();
    let holds_back = |one: &Document, of: &[&Document]| {
        let mut of = of.iter();
        of.any(|other| revokes(rules, one, other) != Revokes::No)
    };
    let closed = all.iter().filter(|one| one.closed);
    let matters = closed.filter(|one| holds.contains(&one.entry) || holds_back(one, &may_hold));
    told.closed = matters.map(|one| one.entry).collect();
    let would_count = |one: &&Document| match one.revocation {
        true => holds_back(one, &in_force),
        false => one.date.is_some() && !is_revoked(one, Revokes::Yes) && !latest.overtakes(one),
    };
    let gone = papers.withdrawn.iter().chain(&papers.retracted);
    let gone = gone.filter(would_count);
    let back = revocations.iter().copied();
    let back = back.filter(|one| holds_back(one, &may_hold));
    let others = gone.chain(back).map(|one| one.entry);
    let bears: BTreeSet<EntryId> = holds.iter().copied().chain(others).collect();
    let withdrawn = papers.withdrawn.iter().filter(would_count);
    let few = || holds.iter().copied().take(LINKED_AT_MOST);
    let withdrawn = withdrawn.map(|one| {
        let code = FlagCode::DirectiveWithdrawn;
        Question::new(code, one.entry, few())
    });
    let mut questions = Questions::new();
    if rules.has(Rule::DirectiveWithdrawn) {
        questions.insert(FlagCode::DirectiveWithdrawn, withdrawn.collect());
    }
    if rules.has(Rule::DirectiveRevived) {
        let answered = answered(rules, views, &papers);
        let revived = revivals(rules, &papers, &in_force, &answered);
        questions.insert(FlagCode::DirectiveRevived, revived);
    }
    Told {
        directives: told,
        questions,
        bears,
    }
}

/// What nobody can put in order, what was closed but not revoked, what was withdrawn by others, what
/// counts only because another does not, and what has no date.
pub(super) fn links(rules: Rules, views: &[EntryView]) -> Vec<Link<'_>> {
    let by_id = by_id(views);
    let Told {
        directives: told,
        questions,
        ..
    } = told(rules, views, &by_id);
    let find = |entry: &EntryId| by_id.get(entry).copied();
    let in_force: BTreeSet<EntryId> = told.in_force.iter().copied().collect();
    let mut links = Vec::new();
    let mut together = [told.in_force, told.unordered].concat();
    together.sort();
    if together.len() > 1 {
        let entries = together.iter().filter_map(find).collect();
        let code = FlagCode::DirectivesSameDate;
        links.push(Link::of_wishes(code, entries, &in_force));
    }
    let questions = questions.values().flatten();
    links.extend(questions.map(|question| question.link(&by_id, &in_force)));
    let closed = told.closed.iter().filter_map(find);
    let closed = closed.map(|view| (FlagCode::DirectiveClosed, view));
    let undated = told.undated.iter().filter_map(find);
    let undated = undated.filter(|_| rules.has(Rule::DirectiveUndated));
    let undated = undated.map(|view| (FlagCode::DirectiveUndated, view));
    let alone = closed.chain(undated);
    links.extend(alone.map(|(code, view)| Link::of_wishes(code, vec![view], &in_force)));
    links
}
