//! What people decided on items of the to-review list, and what comes of two who decide at once.

use super::ended::endings;
use super::review::may_decide;
use super::{
    EntryView, FieldClaim, FlagCode, Inherited, ReviewClaim, ReviewItem, Rule, Rules, Stamp,
    Standing,
};
use crate::EntryId;
use crate::entry::{STATUS, Value};
use crate::kind::decision::{CHANGE, DECISION, ITEM};
use crate::kind::{Kind, Verdict};

/// What a review-decision entry says.
pub(super) struct Decision<'v> {
    pub view: &'v EntryView,
    pub item: &'v str,
    pub verdict: Verdict,
    pub by: &'v Stamp,
}

/// The decisions among the views that count.
pub(super) fn decisions(rules: Rules, views: &[EntryView]) -> Vec<Decision<'_>> {
    let all = views.iter();
    all.filter_map(|view| decision(rules, view)).collect()
}

/// A decision is of whoever wrote its verdict, about what they wrote with it. It counts as long as
/// nobody took it back. That anybody else says it counts again is not their word.
fn decision(rules: Rules, view: &EntryView) -> Option<Decision<'_>> {
    if view.kind != Kind::ReviewDecision || !view.counts() {
        return None;
    }
    let [verdict] = view.claims(DECISION) else {
        return None;
    };
    let by = verdict.by.as_ref()?;
    let own = |claim: &FieldClaim| {
        claim
            .by
            .as_ref()
            .is_some_and(|said| said.author == by.author)
    };
    if rules.has(Rule::DecisionOwn) && !view.claims(STATUS).iter().all(own) {
        return None;
    }
    Some(Decision {
        view,
        item: said_with(view, verdict, ITEM)?.as_text()?,
        verdict: Verdict::from(verdict.value.as_text()?),
        by,
    })
}

/// The one value that stands under a key, if it was written with this claim.
fn said_with<'v>(view: &'v EntryView, claim: &FieldClaim, key: &str) -> Option<&'v Value> {
    match view.claims(key) {
        [one] if one.change == claim.change => Some(&one.value),
        _ => None,
    }
}

impl<'v> Decision<'v> {
    /// What else was said with the verdict.
    pub fn says(&self, key: &str) -> Option<&'v Value> {
        let verdict = self.view.claims(DECISION).first()?;
        said_with(self.view, verdict, key)
    }
}

/// Whether an item was settled. Taking something up is an edit of its entry, which by itself takes
/// the item off the list; only the other verdicts settle by being said.
pub(super) fn settled(rules: Rules, item: &ReviewItem, decisions: &[Decision<'_>]) -> bool {
    let remembered = |decision: &Decision<'_>| {
        decision.verdict != Verdict::NotADuplicate || rules.has(Rule::NotADuplicate)
    };
    let mut about = decisions.iter().filter(|one| one.item == item.key);
    about.any(|one| {
        let by = one.by;
        one.verdict != Verdict::Accept
            && remembered(one)
            && item.code.verdicts().contains(&one.verdict)
            && may_decide(rules, item, &one.verdict, &by.role, by.author)
    })
}

/// The decisions that somebody crossed who did not know of them, nor was known of: a proposal
/// or a held edit discarded by one and taken up by another; two entries told apart by one, and one
/// of them closed by another; what one confirmed as it stands, and another settled by an edit.
/// `items` are those there are otherwise, settled or not.
pub(super) fn differently(
    rules: Rules,
    views: &[EntryView],
    decisions: &[Decision<'_>],
    items: &[ReviewItem],
) -> Vec<ReviewItem> {
    let crossed = |decision: &Decision<'_>| -> Option<ReviewItem> {
        let mut parts = decision.item.split('/');
        let code = parts.next()?;
        let about: Vec<EntryId> = parts.filter_map(|part| part.parse().ok()).collect();
        let entries = views.iter().filter(|view| about.contains(&view.id));
        let mut entries: Vec<&EntryView> = entries.collect();
        entries.sort_by_key(|view| view.id);
        let mut entries = entries.into_iter();
        match decision.verdict {
            Verdict::Discard if code == FlagCode::Proposal.code() => {
                let view = entries.next()?;
                let (view, by) = taken_up(decision, view)?;
                Some(item(decision, view, written_by(view, by)))
            }
            Verdict::Discard if code == FlagCode::HeldEdit.code() => {
                let (view, by) = views.iter().find_map(|view| taken_up(decision, view))?;
                Some(item(decision, view, written_by(view, by)))
            }
            Verdict::NotADuplicate => entries.find_map(|view| {
                let ended = matches!(view.standing, Standing::InError | Standing::Ended);
                let mut said = view.claims(STATUS).iter();
                let claim = said.find(|claim| apart(decision.by, claim.by.as_ref()))?;
                ended.then(|| item(decision, view, [(STATUS, claim)]))
            }),
            Verdict::Confirm => entries.find_map(|view| overwritten(rules, decision, view, items)),
            _ => None,
        }
    };
    decisions.iter().filter_map(crossed).collect()
}

/// What somebody wrote in an entry over what a decision confirms, neither having seen the other.
/// They had it in front of them: otherwise the field would be in doubt by what they wrote.
fn overwritten(
    rules: Rules,
    decision: &Decision<'_>,
    view: &EntryView,
    items: &[ReviewItem],
) -> Option<ReviewItem> {
    let (code, about) = decision.item.split_once('/')?;
    let code = FlagCode::ALL.iter().find(|known| known.code() == code)?;
    // What is about a field names it between the entry and the changes.
    let rest = about.split_once('/').map(|(_, rest)| rest);
    let field = rest.and_then(|rest| Some(rest.rsplit_once('/')?.0));
    let still_asks = |item: &ReviewItem| {
        let of_field = field.is_some() && item.field.as_deref() == field;
        item.key == decision.item || (of_field && item.entries.contains(&view.id))
    };
    if *code == FlagCode::DecidedDifferently || items.iter().any(still_asks) {
        return None;
    }
    let by_status = field.is_none_or(|field| endings(&view.kind).contains(&field));
    let keys = field.into_iter().chain(by_status.then_some(STATUS));
    let mut said = keys.flat_map(|key| view.claims(key).iter().map(move |claim| (key, claim)));
    let said = said.find(|(_, claim)| apart(decision.by, claim.by.as_ref()))?;
    let crossed = item(decision, view, [said]);
    let by = decision.by;
    let asked = ReviewItem {
        code: *code,
        ..crossed.clone()
    };
    may_decide(rules, &asked, &decision.verdict, &by.role, by.author).then_some(crossed)
}

/// Who took up in an entry what a decision leaves out, neither having seen the other.
fn taken_up<'v>(
    decision: &Decision<'_>,
    view: &'v EntryView,
) -> Option<(&'v EntryView, &'v Stamp)> {
    let discarded = decision.says(CHANGE)?.as_text()?;
    let same = view.taken_up.iter();
    let same = same.filter(|taken| taken.proposal.to_string() == discarded);
    let mut by = same.filter_map(|taken| taken.by.as_ref());
    Some((view, by.find(|by| apart(decision.by, Some(by)))?))
}

/// What somebody wrote that stands in an entry.
fn written_by<'v>(
    view: &'v EntryView,
    by: &'v Stamp,
) -> impl Iterator<Item = (&'v str, &'v FieldClaim)> {
    view.fields.iter().flat_map(move |field| {
        let said = field.claims.iter();
        let said = said.filter(move |claim| claim.by.as_ref() == Some(by));
        said.map(|claim| (field.key.as_str(), claim))
    })
}

/// Whether neither had seen the other.
fn apart(one: &Stamp, other: Option<&Stamp>) -> bool {
    other.is_some_and(|other| !one.had_seen(other) && !other.had_seen(one))
}

fn item<'v>(
    decision: &Decision<'v>,
    view: &EntryView,
    claims: impl IntoIterator<Item = (&'v str, &'v FieldClaim)>,
) -> ReviewItem {
    let code = FlagCode::DecidedDifferently;
    let side = |entry, field: &str, claim: &FieldClaim| ReviewClaim {
        entry,
        field: field.to_owned(),
        claim: claim.clone(),
    };
    let decided = decision.view.claims(DECISION).iter();
    let decided = decided.map(|claim| side(decision.view.id, DECISION, claim));
    let other = claims.into_iter();
    let other = other.map(|(field, claim)| side(view.id, field, claim));
    let key = format!("{}/{}/{}", code.code(), view.id, decision.view.id);
    ReviewItem {
        topic: key.clone(),
        key,
        danger: code.danger(),
        code,
        entries: vec![view.id],
        kind: Some(view.kind.clone()),
        field: None,
        claims: decided.chain(other).collect(),
        verdicts: Vec::new(),
        assigned: Vec::new(),
        inherited: Inherited::default(),
    }
}
