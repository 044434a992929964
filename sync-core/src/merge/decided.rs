//! What people decided on items of the to-review list, and what comes of two who decide at once.

use std::collections::BTreeSet;

use super::across::Link;
use super::ended::endings;
use super::review::{asks_holder, may_decide, of_link};
use super::{
    EntryView, FieldClaim, FlagCode, Inherited, ReviewClaim, ReviewItem, Rule, Rules, Stamp,
    Standing, authority,
};
use crate::entry::{STATUS, Value};
use crate::kind::decision::{CHANGE, DECISION, ITEM, ON};
use crate::kind::{Kind, Verdict};
use crate::policy::Role;
use crate::{ChangeHash, Digest32, EntryId};

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

    /// The entries it is about: those its item names, and those it lists.
    pub fn entries(&self) -> BTreeSet<EntryId> {
        let listed = self.says(ON).and_then(Value::as_text).unwrap_or_default();
        named(self.item, listed)
    }

    /// The field its item is about, if it is about one: it names it between the entry and the
    /// changes.
    fn field(&self) -> Option<&'v str> {
        let (_, about) = self.item.split_once('/')?;
        let (_, rest) = about.split_once('/')?;
        let (field, _) = rest.rsplit_once('/')?;
        // Where it names a second entry it is about no field.
        Some(field).filter(|field| field.parse::<EntryId>().is_err())
    }
}

/// The entries that an item's key names, and those of a list.
pub(super) fn named(item: &str, listed: &str) -> BTreeSet<EntryId> {
    let all = item.split('/').chain(listed.split_whitespace());
    all.filter_map(|id| id.parse().ok()).collect()
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
    let crossed = |decision: &Decision<'_>| -> Vec<ReviewItem> {
        let code = decision.item.split('/').next().unwrap_or_default();
        let about = decision.entries();
        let entries = views.iter().filter(|view| about.contains(&view.id));
        match decision.verdict {
            Verdict::Discard if code == FlagCode::Proposal.code() => entries
                .filter_map(|view| retaken(rules, decision, view, decision.field()))
                .collect(),
            Verdict::Discard if code == FlagCode::HeldEdit.code() => {
                // Held edits are the holder's to decide on.
                let holds = decision.by.role == Role::Holder;
                let all = views.iter().filter(|_| holds);
                all.filter_map(|view| retaken(rules, decision, view, None))
                    .collect()
            }
            Verdict::NotADuplicate => {
                // Only those that the item names were compared, whatever else is listed.
                let compared = named(decision.item, "");
                let told = entries.filter(|view| compared.contains(&view.id));
                let mut told: Vec<&EntryView> = told.collect();
                told.sort_by_key(|view| view.id);
                let crossed = told.iter().filter_map(|view| closed(decision, view));
                let crossed: Vec<ReviewItem> = crossed.collect();
                match crossed.is_empty() || may_tell_apart(rules, decision, code, &told) {
                    true => crossed,
                    false => Vec::new(),
                }
            }
            Verdict::Confirm => entries
                .filter_map(|view| overwritten(rules, decision, view, items))
                .collect(),
            _ => Vec::new(),
        }
    };
    decisions.iter().flat_map(crossed).collect()
}

/// What somebody wrote in an entry over what a decision confirms, neither having seen the other.
/// They had it in front of them: otherwise the field would be in doubt by what they wrote.
fn overwritten(
    rules: Rules,
    decision: &Decision<'_>,
    view: &EntryView,
    items: &[ReviewItem],
) -> Option<ReviewItem> {
    let (code, _) = decision.item.split_once('/')?;
    let code = FlagCode::ALL.iter().find(|known| known.code() == code)?;
    let field = decision.field();
    let still_asks = |item: &ReviewItem| {
        let of_field = field.is_some() && item.field.as_deref() == field;
        item.key == decision.item || (of_field && item.entries.contains(&view.id))
    };
    if *code == FlagCode::DecidedDifferently || items.iter().any(still_asks) {
        return None;
    }
    let by_status = field.is_none_or(|field| endings(&view.kind).contains(&field));
    // The holder who confirms that a wish is none says so by its status: that asks by itself.
    let holders = by_status && authority::is_holders(rules, &view.kind, STATUS);
    let asks = |item: &ReviewItem| {
        item.field.as_deref() == Some(STATUS) && item.entries.contains(&view.id)
    };
    if holders && items.iter().any(asks) {
        return None;
    }
    let keys = field.into_iter().chain(by_status.then_some(STATUS));
    let said = keys.flat_map(|key| view.claims(key).iter().map(move |claim| (key, claim)));
    let crossed = item(decision, view, said)?;
    counted(rules, decision, code.code(), crossed)
}

/// A decision that told an entry apart, crossed by somebody who closed it.
fn closed(decision: &Decision<'_>, view: &EntryView) -> Option<ReviewItem> {
    let ended = matches!(view.standing, Standing::InError | Standing::Ended);
    let said = view.claims(STATUS).iter().map(|claim| (STATUS, claim));
    item(decision, view, said.filter(|_| ended))
}

/// Whether whoever told entries apart might, by who wrote what they are; not by who closed one.
fn may_tell_apart(
    rules: Rules,
    decision: &Decision<'_>,
    code: &str,
    entries: &[&EntryView],
) -> bool {
    let known = FlagCode::ALL.iter().find(|known| known.code() == code);
    let by = decision.by;
    known.is_some_and(|code| {
        let mut asked = of_link(&Link {
            code: *code,
            entries: entries.to_vec(),
            in_force: Vec::new(),
        });
        asked.claims.retain(|side| side.field != STATUS);
        may_decide(rules, &asked, &decision.verdict, &by.role, by.author)
    })
}

/// A crossed decision, if whoever made it might have made it.
fn counted(
    rules: Rules,
    decision: &Decision<'_>,
    code: &str,
    crossed: ReviewItem,
) -> Option<ReviewItem> {
    let code = FlagCode::ALL.iter().find(|known| known.code() == code)?;
    let asked = ReviewItem {
        code: *code,
        ..crossed.clone()
    };
    let by = decision.by;
    may_decide(rules, &asked, &decision.verdict, &by.role, by.author).then_some(crossed)
}

/// What those wrote who took up in an entry what a decision leaves out, neither they nor whoever
/// decided having seen the other: of a proposal, any proposal of that field, because the decision
/// was about all there were, and of who does not decide on it their own; of a held edit, that one.
fn retaken(
    rules: Rules,
    decision: &Decision<'_>,
    view: &EntryView,
    field: Option<&str>,
) -> Option<ReviewItem> {
    let by = decision.by;
    let decides = field.is_none_or(|field| {
        authority::decides(rules, &view.kind, view.is_by_nurse(), field, &by.role)
    });
    let discarded = match field {
        Some(_) => None,
        None => Some(decision.says(CHANGE)?.as_text()?),
    };
    let same = view.taken_up.iter().filter(|taken| {
        let named = discarded.is_none_or(|name| taken.proposal.to_string() == name);
        let theirs = decides || taken.of == Some(by.author);
        named && theirs && taken.field.as_deref() == field
    });
    let by: Vec<&Stamp> = same.filter_map(|taken| taken.by.as_ref()).collect();
    let claims = view
        .fields
        .iter()
        .filter(|told| field.is_none_or(|field| told.key == field));
    let claims = claims.flat_map(|field| {
        let said = field.claims.iter();
        said.map(|claim| (field.key.as_str(), claim))
    });
    let theirs = |claim: &FieldClaim| claim.by.as_ref().is_some_and(|said| by.contains(&said));
    item(decision, view, claims.filter(|(_, claim)| theirs(claim)))
}

/// Whether neither had seen the other.
fn apart(one: &Stamp, other: Option<&Stamp>) -> bool {
    other.is_some_and(|other| one.is_apart(other))
}

/// A decision beside what those said in an entry who crossed it, of these claims; nothing when
/// nobody did. It asks anew when somebody else crosses it.
fn item<'v>(
    decision: &Decision<'v>,
    view: &EntryView,
    claims: impl Iterator<Item = (&'v str, &'v FieldClaim)>,
) -> Option<ReviewItem> {
    let code = FlagCode::DecidedDifferently;
    let side = |entry, field: &str, claim: &FieldClaim| ReviewClaim {
        entry,
        field: field.to_owned(),
        claim: claim.clone(),
        proposed: false,
    };
    let decided = decision.view.claims(DECISION).iter();
    let decided = decided.map(|claim| side(decision.view.id, DECISION, claim));
    let crossed = claims.filter(|(_, claim)| apart(decision.by, claim.by.as_ref()));
    let crossed: Vec<ReviewClaim> = crossed
        .map(|(field, claim)| side(view.id, field, claim))
        .collect();
    if crossed.is_empty() {
        return None;
    }
    let by: BTreeSet<ChangeHash> = crossed.iter().map(|side| side.claim.change).collect();
    let by: Vec<&[u8]> = by.iter().map(|change| &change.0[..]).collect();
    let about = Digest32::of(&by).to_string();
    let topic = format!("{}/{}/{}", code.code(), view.id, decision.view.id);
    // What was not settled is as dangerous as it was.
    let asked = decision.item.split('/').next();
    let asked = FlagCode::ALL.iter().find(|one| Some(one.code()) == asked);
    let danger = asked.map_or(code.danger(), |one| one.danger().max(code.danger()));
    Some(ReviewItem {
        key: format!("{topic}/{}", &about[..16]),
        topic,
        danger,
        code,
        entries: vec![view.id],
        in_force: Vec::new(),
        kind: Some(view.kind.clone()),
        by_nurse: view.is_by_nurse(),
        crosses_holder: asked.is_some_and(|code| asks_holder(*code)),
        field: None,
        claims: decided.chain(crossed).collect(),
        unseen: Vec::new(),
        edited: None,
        verdicts: Vec::new(),
        assigned: Vec::new(),
        inherited: Inherited::default(),
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{DeviceId, DeviceTime, PersonId, Tick};

    fn stamp(device: u8, accepted: Option<u64>) -> Stamp {
        Stamp {
            author: PersonId(Uuid::from_u128(1)),
            role: Role::Holder,
            on_behalf_of: None,
            device: DeviceId([device; 16]),
            at: DeviceTime(5),
            accepted: accepted.map(Tick),
            seen: Some(Tick(1)),
        }
    }

    /// What is written at once on one device, a decision and an edit with it, is nobody's doubt, also
    /// before it was sent.
    #[test]
    fn nobody_disagrees_with_themselves_on_one_device() {
        for (one, other) in [(None, None), (Some(7), None), (Some(7), Some(8))] {
            let (one, other) = (stamp(1, one), stamp(1, other));
            assert!(!apart(&one, Some(&other)) && !apart(&other, Some(&one)));
        }
        assert!(apart(&stamp(1, Some(7)), Some(&stamp(2, Some(8)))));
    }
}
