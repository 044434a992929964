//! The to-review list: what people must settle because machines must not.

mod flagged;
mod held;
mod inherited;
mod linked;
mod may;

use std::cmp::Reverse;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{
    Assignment, Danger, EntryView, FieldClaim, FlagCode, HeldForReview, Rule, Rules, across,
    assigned, authority, decided, pregnancy, waiting,
};
use crate::entry::{STATUS, Visibility};
use crate::kind::decision::DECISION;
use crate::kind::{Kind, Verdict, Words};
use crate::policy::Role;
use crate::{ChangeHash, EntryId, PersonId, Tick};

pub(super) use flagged::of_flag;
use held::{ask_in_order, of_held};
use inherited::inherited;
pub(super) use linked::{key_of, of_link};
use may::is_holders;
pub(super) use may::{asks_holder, may_decide};

/// Who reads the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewer {
    /// Who.
    pub person: PersonId,
    /// In what role.
    pub role: Role,
}

/// One side of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewClaim {
    /// In which entry.
    pub entry: EntryId,
    /// Under which key.
    pub field: String,
    /// What, and who says so.
    pub claim: FieldClaim,
    /// Of a proposal: whether this is what is proposed of its field, rather than what it is about.
    /// Of possible duplicates: that they are none, said by somebody whose word does not settle it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub proposed: bool,
}

/// One item of the to-review list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewItem {
    /// Names it as long as it is about the same: decisions cite it.
    pub key: String,
    /// Names what it is about, whatever else is said of that: assignments cite it.
    pub topic: String,
    /// How dangerous it is to leave it alone.
    pub danger: Danger,
    /// What it is.
    pub code: FlagCode,
    /// The entries it is about.
    pub entries: Vec<EntryId>,
    /// Of advance directives: those of the entries that are in force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_force: Vec<EntryId>,
    /// Of what kind they are; nothing for a held edit of an entry this viewer has not got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Whether a nurse recorded the entry, the first of several.
    #[serde(default)]
    pub by_nurse: bool,
    /// Of a decision that somebody crossed: whether only the holder might make it, whatever kind
    /// of entry it is about.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub crosses_holder: bool,
    /// The key it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The sides, with who and when; of a held edit what it says, and then what stands.
    pub claims: Vec<ReviewClaim>,
    /// Of a held edit: the changes among those that stand which its author had not seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<ChangeHash>,
    /// Of what is flagged on one entry: when the record got the last edit of that. What takes a
    /// proposal up says so with the item, so that nobody can have written the very same before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<Tick>,
    /// What this viewer may decide, beside editing the entries.
    pub verdicts: Vec<Verdict>,
    /// Who looks after it, as assigned; several when that was said apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assigned: Vec<Assignment>,
    /// What a decision of this viewer on it inherits.
    pub inherited: Inherited,
}

/// What a decision on an item inherits of the entries it is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inherited {
    /// The strictest of their visibility. A delay that is over for the viewer is none.
    pub visibility: Visibility,
    /// Their kinds, as written, a space between two.
    pub about: String,
}

impl ReviewItem {
    /// What it means, in plain words.
    pub fn words(&self) -> Words {
        self.code.words()
    }

    /// Whether it is for nobody but the holder to settle: whether a wish of theirs counts, a right,
    /// an edit that is held, and what they hide.
    pub fn is_holders(&self) -> bool {
        is_holders(Rules::ALL, self)
    }

    /// Whether the word of somebody in this role confirms what it is about.
    pub(super) fn confirms(&self, rules: Rules, role: &Role) -> bool {
        match &self.kind {
            Some(kind) => authority::confirms(rules, kind, self.by_nurse, role),
            None => role.is_clinician(),
        }
    }

    /// Whether it is assigned to this person and nobody else; to nobody at all, without one.
    pub fn is_assigned_to(&self, person: Option<PersonId>) -> bool {
        let assigned = self.assigned.iter().map(|assignment| assignment.to);
        assigned.eq(person)
    }
}

/// What has to be settled among the entries a viewer may see and the edits held for them, the
/// most dangerous first, on a day (UTC). A function of what is given and nothing else.
pub fn review(
    views: &[EntryView],
    held: &[HeldForReview],
    viewer: &Viewer,
    today: Date,
) -> Vec<ReviewItem> {
    review_by(Rules::ALL, views, held, viewer, today)
}

/// [`review`] by some of the rules.
pub(super) fn review_by(
    rules: Rules,
    views: &[EntryView],
    held: &[HeldForReview],
    viewer: &Viewer,
    today: Date,
) -> Vec<ReviewItem> {
    let mut items = found(rules, views, Some(today));
    let late = pregnancy::all_to_confirm(rules, views, today);
    items.extend(
        late.into_iter()
            .map(|(code, view)| of_link(&across::Link::alone(code, view))),
    );
    let waiting = waiting::for_a_place(rules, views, viewer, today);
    items.extend(waiting.map(|(code, view)| of_link(&across::Link::alone(code, view))));
    if rules.has(Rule::HeldAsks) {
        items.extend(held.iter().filter_map(|held| of_held(rules, views, held)));
    }
    let decisions = decided::decisions(rules, views);
    settle(rules, views, &decisions, &mut items);
    ask_in_order(held, &mut items);
    if viewer.role != Role::Holder && rules.has(Rule::HolderDecides) {
        items.retain(|item| !may::is_of_right(item));
    }
    let assignments = assigned::assignments(&decisions);
    for item in &mut items {
        item.claims.extend(told_apart(item, &decisions));
        item.assigned = assigned::stand(rules, &item.topic, &assignments);
        item.inherited = inherited(item, views, &viewer.role);
        let verdicts = item.code.verdicts().iter();
        let open = verdicts
            .filter(|verdict| may_decide(rules, item, verdict, &viewer.role, viewer.person));
        item.verdicts = open.cloned().collect();
    }
    if rules.has(Rule::DangerFirst) {
        items.sort_by(|a, b| (Reverse(a.danger), &a.key).cmp(&(Reverse(b.danger), &b.key)));
    } else {
        items.sort_by(|a, b| a.key.cmp(&b.key));
    }
    items.dedup_by(|a, b| a.key == b.key);
    items
}

/// What asks by itself among the entries: what is flagged on each, and what they say together.
pub(super) fn found(rules: Rules, views: &[EntryView], today: Option<Date>) -> Vec<ReviewItem> {
    let mut items: Vec<ReviewItem> = Vec::new();
    for view in views {
        items.extend(view.flags.iter().filter_map(|flag| of_flag(view, flag)));
    }
    items.extend(across::links(rules, views, today).iter().map(of_link));
    items
}

/// Leaves what is open of items, with the decisions on them that somebody crossed.
fn settle(
    rules: Rules,
    views: &[EntryView],
    decisions: &[decided::Decision<'_>],
    items: &mut Vec<ReviewItem>,
) {
    if rules.has(Rule::DecisionsDiffer) {
        let crossed = decided::differently(rules, views, decisions, items);
        items.extend(crossed);
    }
    items.retain(|item| !decided::settled(rules, item, decisions));
}

/// What those propose of an item who told two entries apart and may not: the words of clinicians.
fn told_apart(item: &ReviewItem, decisions: &[decided::Decision<'_>]) -> Vec<ReviewClaim> {
    let apart = decisions
        .iter()
        .filter(|one| one.item == item.key && one.verdict == Verdict::NotADuplicate);
    let apart = apart.filter(|one| item.code.verdicts().contains(&one.verdict));
    let said = apart.flat_map(|one| {
        let claims = one.view.claims(DECISION).iter();
        claims.map(|claim| ReviewClaim {
            entry: one.view.id,
            field: DECISION.to_owned(),
            claim: claim.clone(),
            proposed: true,
        })
    });
    let mut said: Vec<ReviewClaim> = said.collect();
    said.sort_by_key(|side| side.entry);
    said
}

/// Whether anything waits to be settled that speaks for an allergy though none is active: a danger
/// against its closing, what was written into one while it was withdrawn, or a status that is
/// proposed.
pub(super) fn an_allergy_waits(rules: Rules, views: &[EntryView]) -> bool {
    let told = || views.iter().filter(|view| view.kind == Kind::Allergy);
    let flagged = told().flat_map(|view| view.flags.iter().filter_map(|flag| of_flag(view, flag)));
    let mut items: Vec<ReviewItem> = flagged.collect();
    settle(rules, views, &decided::decisions(rules, views), &mut items);
    items.iter().any(|item| match item.code {
        FlagCode::DangerAfterEnding
        | FlagCode::RefutationAgainstDanger
        | FlagCode::RefutedAgainstEdit
        | FlagCode::EditedWhileInError
        | FlagCode::StatusAgainstEdit => true,
        FlagCode::Proposal => item.field.as_deref() == Some(STATUS),
        FlagCode::DecidedDifferently => told().any(|view| item.entries.contains(&view.id)),
        _ => false,
    })
}
