//! The to-review list: what people must settle because machines must not.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::{Danger, EntryView, FieldClaim, Flag, FlagCode, Stamp, across};
use crate::codec::Malformed;
use crate::entry::{STATUS, Value, Write};
use crate::kind::decision::{DECISION, ITEM};
use crate::kind::{Kind, Verdict, Words};
use crate::policy::Role;
use crate::sync::{HeldEdit, HoldReason};
use crate::{ChangeHash, Digest32, EntryId, PersonId, Tick, guard};

/// Who reads the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewer {
    /// Who.
    pub person: PersonId,
    /// In what role.
    pub role: Role,
}

/// An edit held by the server, for whoever may decide on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldForReview {
    /// The entry it is about.
    pub entry: EntryId,
    /// The change.
    pub change: ChangeHash,
    /// Who made it, when, having seen what.
    pub by: Stamp,
    /// Why it is held.
    pub reason: HoldReason,
    /// When the server received it.
    pub received: Tick,
    /// What it would write.
    pub writes: Vec<Write>,
}

impl HeldForReview {
    /// Reads a held edit as it travels; nothing when it was decided on already.
    ///
    /// # Errors
    /// When it is no edit the guard lets through.
    pub fn read(held: &HeldEdit) -> Result<Option<Self>, Malformed> {
        if held.settled.is_some() {
            return Ok(None);
        }
        let origin = held.origin()?;
        let inspected =
            guard::inspect(&held.edit.change).map_err(|_| Malformed("held edit: change"))?;
        let provenance = crate::change::Provenance {
            origin,
            accepted: None,
        };
        Ok(Some(HeldForReview {
            entry: held.edit.entry,
            change: inspected.hash(),
            by: Stamp::from(&provenance),
            reason: held.reason,
            received: held.received,
            writes: inspected.past.writes,
        }))
    }
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
}

/// One item of the to-review list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewItem {
    /// Names it as long as it is about the same: decisions cite it.
    pub key: String,
    /// How dangerous it is to leave it alone.
    pub danger: Danger,
    /// What it is.
    pub code: FlagCode,
    /// The entries it is about.
    pub entries: Vec<EntryId>,
    /// The key it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The sides, with who and when.
    pub claims: Vec<ReviewClaim>,
    /// What this viewer may decide, beside editing the entries.
    pub verdicts: Vec<Verdict>,
}

impl ReviewItem {
    /// What it means, in plain words.
    pub fn words(&self) -> Words {
        self.code.words()
    }
}

/// What has to be settled among the entries a viewer may see and the edits held for them, the
/// most dangerous first. A function of what is given and nothing else.
pub fn review(views: &[EntryView], held: &[HeldForReview], viewer: &Viewer) -> Vec<ReviewItem> {
    let mut items: Vec<ReviewItem> = Vec::new();
    for view in views {
        items.extend(view.flags.iter().filter_map(|flag| of_flag(view, flag)));
    }
    items.extend(across::links(views).iter().map(of_link));
    items.extend(held.iter().filter_map(of_held));
    let decisions: Vec<Decision<'_>> = views.iter().filter_map(decision).collect();
    items.retain(|item| {
        let mut about = decisions
            .iter()
            .filter(|decision| decision.item == item.key);
        !about.any(|decision| settles(item, decision))
    });
    for item in &mut items {
        let verdicts = item.code.verdicts().iter();
        let open =
            verdicts.filter(|verdict| may_decide(item, verdict, &viewer.role, viewer.person));
        item.verdicts = open.cloned().collect();
    }
    items.sort_by(|a, b| (Reverse(a.danger), &a.key).cmp(&(Reverse(b.danger), &b.key)));
    items.dedup_by(|a, b| a.key == b.key);
    items
}

fn of_flag(view: &EntryView, flag: &Flag) -> Option<ReviewItem> {
    // What is withdrawn as an error needs no more care than the edits it overtook.
    if view.in_error() && flag.code != FlagCode::EditedWhileInError {
        return None;
    }
    let hashes: Vec<&[u8]> = flag.changes.iter().map(|change| &change.0[..]).collect();
    let about = Digest32::of(&hashes).to_string();
    let field = flag.field.as_deref().unwrap_or("-");
    Some(ReviewItem {
        key: format!("{}/{}/{field}/{}", flag.code.code(), view.id, &about[..16]),
        danger: danger(view, flag),
        code: flag.code,
        entries: vec![view.id],
        field: flag.field.clone(),
        claims: sides(view, flag),
        verdicts: Vec::new(),
    })
}

/// A contact or a note in doubt harms less than a treatment; a proposal to withdraw more than one
/// to rename.
fn danger(view: &EntryView, flag: &Flag) -> Danger {
    let usual = flag.code.danger();
    match flag.code {
        FlagCode::Proposal if flag.field.as_deref() == Some(STATUS) => Danger::High,
        FlagCode::ConcurrentValues if view.kind == Kind::Allergy => Danger::High,
        _ if view.kind.is_clinical() => usual,
        _ => usual.min(Danger::Low),
    }
}

/// What the changes behind a flag said and what stands beside it.
fn sides(view: &EntryView, flag: &Flag) -> Vec<ReviewClaim> {
    let mut sides = Vec::new();
    for field in &view.fields {
        let about = flag.field.as_deref() == Some(&field.key);
        let named = |claim: &&FieldClaim| about || flag.changes.contains(&claim.change);
        let proposals = field
            .proposals
            .iter()
            .filter(|claim| flag.changes.contains(&claim.change));
        for claim in field.claims.iter().filter(named).chain(proposals) {
            sides.push(ReviewClaim {
                entry: view.id,
                field: field.key.clone(),
                claim: claim.clone(),
            });
        }
    }
    sides
}

fn of_link(link: &across::Link<'_>) -> ReviewItem {
    let ids: Vec<EntryId> = link.entries.iter().map(|view| view.id).collect();
    let names: Vec<String> = ids.iter().map(EntryId::to_string).collect();
    let bytes: Vec<&[u8]> = ids.iter().map(|id| &id.as_bytes()[..]).collect();
    let about = match names.as_slice() {
        [one, other] => format!("{one}/{other}"),
        _ => Digest32::of(&bytes).to_string(),
    };
    let claims = link.entries.iter().flat_map(|view| {
        let main = crate::kind::main_field(&view.kind);
        view.claims(main).iter().map(move |claim| ReviewClaim {
            entry: view.id,
            field: main.to_owned(),
            claim: claim.clone(),
        })
    });
    ReviewItem {
        key: format!("{}/{about}", link.code.code()),
        danger: link.code.danger(),
        code: link.code,
        entries: ids,
        field: None,
        claims: claims.collect(),
        verdicts: Vec::new(),
    }
}

/// A held edit asks for a decision only when it was made in good faith.
fn of_held(held: &HeldForReview) -> Option<ReviewItem> {
    if held.reason != HoldReason::NoLongerPermitted {
        return None;
    }
    let claims = held.writes.iter().map(|write| ReviewClaim {
        entry: held.entry,
        field: write.key.clone(),
        claim: FieldClaim {
            value: write.value.clone().unwrap_or(Value::Null),
            change: held.change,
            by: Some(held.by.clone()),
        },
    });
    Some(ReviewItem {
        key: format!("{}/{}", FlagCode::HeldEdit.code(), held.change),
        danger: FlagCode::HeldEdit.danger(),
        code: FlagCode::HeldEdit,
        entries: vec![held.entry],
        field: None,
        claims: claims.collect(),
        verdicts: Vec::new(),
    })
}

/// What a review-decision entry says.
struct Decision<'v> {
    item: &'v str,
    verdict: Verdict,
    by: &'v Stamp,
}

fn decision(view: &EntryView) -> Option<Decision<'_>> {
    if view.kind != Kind::ReviewDecision || !view.counts() {
        return None;
    }
    let only = |key| match view.field(key)?.current.as_slice() {
        [one] => one.as_text(),
        _ => None,
    };
    Some(Decision {
        item: only(ITEM)?,
        verdict: Verdict::from(only(DECISION)?),
        by: view.created.as_ref()?,
    })
}

/// Taking something up is an edit of its entry, which by itself takes the item off the list; only
/// the other verdicts settle by being said.
fn settles(item: &ReviewItem, decision: &Decision<'_>) -> bool {
    decision.verdict != Verdict::Accept
        && item.code.verdicts().contains(&decision.verdict)
        && may_decide(
            item,
            &decision.verdict,
            &decision.by.role,
            decision.by.author,
        )
}

/// Where a clinician's word is at stake a clinician decides; whoever proposed may withdraw; held
/// edits are the holder's, or their legal representative's.
fn may_decide(item: &ReviewItem, verdict: &Verdict, role: &Role, person: PersonId) -> bool {
    let by = || item.claims.iter().filter_map(|side| side.claim.by.as_ref());
    match item.code {
        FlagCode::HeldEdit => matches!(role, Role::Holder | Role::Representative),
        FlagCode::PossibleDuplicate | FlagCode::SubstanceTwice => true,
        FlagCode::Proposal => {
            let lay = || by().filter(|stamp| !stamp.role.is_clinician());
            let own = lay().next().is_some() && lay().all(|stamp| stamp.author == person);
            role.is_clinician() || (*verdict == Verdict::Discard && own)
        }
        _ => role.is_clinician() || !by().any(|stamp| stamp.role.is_clinician()),
    }
}
