//! The to-review list.

use std::sync::Arc;

use sync_core::EntryId;
use sync_core::entry::{self, Value, Write};
use sync_core::kind::{Draft, JsonScalar as _, Kind, Status, Verdict, Words};
use sync_core::merge::{self, Choice, FlagCode, ReviewClaim, ReviewItem};

use super::assign::{Assignee, assignees};
use super::may::Asked;
use super::show::{Names, join, same};
use super::{Bilingual, Claim, DangerLevel, Record};
use crate::error::{CarnetError, Error, field_in_words};
use crate::store::Views;

/// One side of an item to review.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct ReviewSide {
    /// In which entry.
    pub entry: String,
    /// Under which field.
    pub field: String,
    /// What people call that field.
    pub title: Bilingual,
    /// What, and who says so.
    pub claim: Claim,
    /// Whether it is proposed, and does not stand.
    pub proposed: bool,
    /// Whether the item can be settled by taking this side, and this person may.
    pub may_be_taken: bool,
    /// What taking this side would do, in words; nothing when it cannot be taken.
    pub effect: Option<Bilingual>,
}

/// Something that people must settle because machines must not.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct ReviewEntry {
    /// Names it as long as it is about the same.
    pub key: String,
    /// What it is: a stable word.
    pub code: String,
    /// How dangerous it is to leave it alone.
    pub danger: DangerLevel,
    /// What it means.
    pub words: Bilingual,
    /// The entries it is about.
    pub entries: Vec<String>,
    /// What they are called, each in one line.
    pub labels: Vec<Bilingual>,
    /// Of advance directives: those of the entries that are in force.
    pub in_force: Vec<String>,
    /// The field it is about.
    pub field: Option<String>,
    /// The sides, with who and when.
    pub sides: Vec<ReviewSide>,
    /// What this person may decide besides editing: `accept`, `discard`, `confirm`,
    /// `not-a-duplicate`.
    pub verdicts: Vec<String>,
    /// Whether it may be this person's to settle: whether a wish counts, what is held and what is
    /// hidden is for the holder alone.
    pub decides: bool,
    /// Those of the entries that this person may edit. Where it is asked whether a directive counts
    /// that was closed or withdrawn, only those whose status would stand if this person made them
    /// active: what the holder ended is brought back by a proposal, which answers nothing.
    pub editable: Vec<String>,
    /// Whether this person may say who looks after it.
    pub assignable: bool,
    /// Who looks after it; several when that was said apart.
    pub assigned: Vec<Assignee>,
}

/// How an item is settled.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Enum)]
pub enum ReviewChoice {
    /// Takes the side that this change said.
    Take {
        /// The change, as the side's claim names it.
        change: String,
    },
    /// Decides on the item as it stands.
    Decide {
        /// One of the item's verdicts.
        verdict: String,
    },
}

#[uniffi::export]
impl Record {
    /// What has to be settled, the most dangerous first.
    pub fn to_review(&self) -> Result<Vec<ReviewEntry>, CarnetError> {
        let (views, items) = self.review()?;
        let profile = self.profile()?;
        let names = self.names(&profile)?;
        let asked = self.asked()?;
        let may = |item: &ReviewItem, verdict: &&Verdict| {
            let choice = Choice::Decide((*verdict).clone());
            asked.settle(item, &choice).allowed
        };
        let label = |item: &ReviewItem, entry: &EntryId| match views.find(entry) {
            Some(view) => names.summary(view),
            None => called(&names, item.kind.as_ref(), &item.claims),
        };
        Ok(items
            .iter()
            .map(|item| ReviewEntry {
                key: item.key.clone(),
                code: item.code.code().to_owned(),
                danger: item.danger.into(),
                words: item.words().into(),
                entries: item.entries.iter().map(ToString::to_string).collect(),
                labels: item.entries.iter().map(|id| label(item, id)).collect(),
                in_force: item.in_force.iter().map(ToString::to_string).collect(),
                field: item.field.clone(),
                sides: sides(&names, item, &views, &asked),
                verdicts: item
                    .verdicts
                    .iter()
                    .filter(|verdict| may(item, verdict))
                    .map(ToString::to_string)
                    .collect(),
                decides: asked.decides(item),
                editable: item
                    .entries
                    .iter()
                    .filter(|entry| asked.edit(entry) && asked.answers(item, entry))
                    .map(ToString::to_string)
                    .collect(),
                assignable: asked.assign(item).allowed,
                assigned: assignees(&names, item, profile.card.person, &asked.unseen_by(item)),
            })
            .collect())
    }

    /// Settles an item: both sides stay in the history.
    pub fn resolve(&self, key: String, choice: ReviewChoice) -> Result<(), CarnetError> {
        let items = self.review_items()?;
        let item = items.iter().find(|item| item.key == key);
        let item = item.ok_or(CarnetError::NotFound)?;
        self.settle(item, &chosen(item, &choice)?)
    }
}

impl Record {
    /// The items of the to-review list.
    ///
    /// # Errors
    /// When the profile is locked or the store is broken.
    pub fn review_items(&self) -> Result<Arc<Vec<ReviewItem>>, CarnetError> {
        Ok(self.review()?.1)
    }

    /// Carries out a choice on an item.
    pub(super) fn settle(&self, item: &ReviewItem, choice: &Choice) -> Result<(), CarnetError> {
        let resolution = merge::resolve(item, choice).ok_or(Error::NotPermitted {
            reason: "not-offered",
        })?;
        let decision = match &resolution.decision {
            Some(decision) => {
                let writes = Draft::ReviewDecision(decision.clone()).writes();
                Some((self.device.new_entry_id()?, writes.map_err(Error::from)?))
            }
            None => None,
        };
        let edits = resolution.edits.iter().chain(&decision);
        let edits: Vec<_> = edits
            .map(|(entry, writes)| (*entry, writes.as_slice()))
            .collect();
        self.carry_out(false, &edits, &resolution.cites)
    }

    fn review(&self) -> Result<(Arc<Views>, Arc<Vec<ReviewItem>>), CarnetError> {
        let profile = self.profile()?;
        let today = self.device.today();
        let mut store = self.device.store();
        Ok(store.review(&profile, &self.record, today)?)
    }
}

/// A choice on an item, as an app names it.
pub(super) fn chosen(item: &ReviewItem, choice: &ReviewChoice) -> Result<Choice, CarnetError> {
    Ok(match choice {
        ReviewChoice::Take { change } => {
            let mut sides = item.claims.iter().map(|side| side.claim.change);
            let side = sides.find(|side| side.to_string() == *change);
            Choice::Take(side.ok_or(CarnetError::NotFound)?)
        }
        ReviewChoice::Decide { verdict } => Choice::Decide(Verdict::from(verdict.clone())),
    })
}

fn sides(names: &Names, item: &ReviewItem, views: &Views, asked: &Asked) -> Vec<ReviewSide> {
    // A change may have proposed one field and written another: what is proposed is taken up.
    let takeable = |side: &ReviewClaim| item.code != FlagCode::Proposal || side.proposed;
    let taking = |side: &ReviewClaim| asked.settle(item, &Choice::Take(side.claim.change));
    // What is held may make the entry: then it says of what kind it is.
    let unknown = Kind::Unknown(String::new());
    let unknown = item.kind.as_ref().unwrap_or(&unknown);
    let kind = |entry| views.find(entry).map_or(unknown, |view| &view.kind);
    item.claims
        .iter()
        .filter(|side| side.field != entry::SCHEMA)
        .map(|side| {
            let kind = kind(&side.entry);
            let may = taking(side);
            let effect = effect(names, item, side, kind);
            ReviewSide {
                entry: side.entry.to_string(),
                title: title(kind, &side.field),
                field: side.field.clone(),
                claim: names.claim(kind, &side.field, &side.claim),
                proposed: side.proposed,
                may_be_taken: takeable(side) && may.allowed,
                effect: effect.map(|effect| match may.as_proposal {
                    true => as_proposal(&effect),
                    false => effect,
                }),
            }
        })
        .collect()
}

/// What taking a side does: of two sides of a status, one is not said again but leaves the entry
/// active.
fn effect(names: &Names, item: &ReviewItem, side: &ReviewClaim, kind: &Kind) -> Option<Bilingual> {
    const STAYS: Words = Words::new("it stays active", "cela reste actif");
    let resolution = merge::resolve(item, &Choice::Take(side.claim.change))?;
    if item.code == FlagCode::Proposal {
        if !side.proposed {
            return None;
        }
        let text = names.text(kind, &side.field, &side.claim.value);
        return Some(title(kind, &side.field).spaced(&text));
    }
    let (_, writes) = resolution.edits.last()?;
    let cleared = |write: &&Write| matches!(write.value, None | Some(Value::Null));
    let mut effects = writes.iter().filter(|write| !cleared(write)).map(|write| {
        let value = write.value.as_ref().unwrap_or(&Value::Null);
        let status = Status::from_value(value).filter(|_| write.key == entry::STATUS);
        match status {
            Some(status) if status.status.is_active() => STAYS.into(),
            _ => title(kind, &write.key).spaced(&names.text(kind, &write.key, value)),
        }
    });
    let cleared = writes.iter().filter(cleared);
    let cleared = cleared.map(|write| title(kind, &write.key));
    match (effects.next(), join(&cleared.collect::<Vec<_>>())) {
        (Some(effect), _) => Some(effect),
        (None, titles) => Some(Bilingual {
            en: format!("it is not over; cleared: {}", titles.en),
            fr: format!("ce n’est pas terminé ; effacé : {}", titles.fr),
        }),
    }
}

/// An effect that waits for somebody to take it up.
fn as_proposal(effect: &Bilingual) -> Bilingual {
    Bilingual {
        en: format!("{}, as a proposal", effect.en),
        fr: format!("{}, comme proposition", effect.fr),
    }
}

/// What people call a field of a kind. Out of its entry, "hidden" does not say from whom.
pub(super) fn title(kind: &Kind, field: &str) -> Bilingual {
    const HIDDEN: Words = Words::new("Hidden from professionals", "Masqué aux professionnels");
    if field == entry::HIDDEN_FROM_PROFESSIONALS {
        return HIDDEN.into();
    }
    let title = kind.field(field).map(|spec| spec.title);
    let title = title.or_else(|| field_in_words(field.split('/').next().unwrap_or(field)));
    title.map_or_else(|| same(field.to_owned()), Bilingual::from)
}

/// What an entry is called that is not on this device, by what an edit would write of it.
pub(super) fn called(names: &Names, kind: Option<&Kind>, claims: &[ReviewClaim]) -> Bilingual {
    let Some(kind) = kind else {
        return ELSEWHERE.into();
    };
    let main = sync_core::kind::main_field(kind);
    let named = claims.iter().find(|side| side.field == main);
    match named {
        Some(side) => names.text(kind, main, &side.claim.value),
        None => kind.title().into(),
    }
}

/// An entry of which this device knows nothing.
const ELSEWHERE: Words = Words::new(
    "an entry that is not on this device",
    "un élément qui n’est pas sur cet appareil",
);

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sync_core::ChangeHash;
    use sync_core::entry::STATUS;
    use sync_core::kind::StatusCode;
    use sync_core::kind::pregnancy::{DUE, OUTCOME};
    use sync_core::merge::{FieldClaim, Inherited};

    use super::*;

    fn side(number: u8, field: &str, value: impl Into<Value>) -> ReviewClaim {
        ReviewClaim {
            entry: EntryId(uuid::Uuid::from_u128(1)),
            field: field.to_owned(),
            claim: FieldClaim {
                value: value.into(),
                change: ChangeHash([number; 32]),
                by: None,
            },
            proposed: false,
        }
    }

    fn item(code: FlagCode, kind: &Kind, field: &str, claims: &[ReviewClaim]) -> ReviewItem {
        ReviewItem {
            key: "key".to_owned(),
            topic: "topic".to_owned(),
            danger: merge::Danger::High,
            code,
            entries: vec![EntryId(uuid::Uuid::from_u128(1))],
            in_force: Vec::new(),
            kind: Some(kind.clone()),
            by_nurse: false,
            crosses_holder: false,
            unseen: Vec::new(),
            edited: None,
            field: Some(field.to_owned()),
            claims: claims.to_vec(),
            verdicts: vec![Verdict::Accept],
            assigned: Vec::new(),
            inherited: Inherited::default(),
        }
    }

    /// What taking either side of an ending does.
    fn effects(kind: Kind, field: &str, claims: [ReviewClaim; 2]) -> [String; 2] {
        let item = item(FlagCode::StatusAgainstEdit, &kind, field, &claims);
        let names = Names(BTreeMap::new());
        claims.map(|side| effect(&names, &item, &side, &kind).unwrap().en)
    }

    /// What somebody wrote elsewhere with a proposal is not what is taken up.
    #[test]
    fn of_a_proposal_what_is_proposed_is_taken() {
        let proposed = |side: ReviewClaim| ReviewClaim {
            proposed: true,
            ..side
        };
        let claims = [
            side(1, "label", "Amoxicilline"),
            proposed(side(1, "criticality", "high")),
            proposed(side(2, "criticality", "unable-to-assess")),
        ];
        let item = item(FlagCode::Proposal, &Kind::Allergy, "criticality", &claims);
        let names = Names(BTreeMap::new());
        let effect = |side| Some(effect(&names, &item, side, &Kind::Allergy)?.en);
        assert_eq!(effect(&claims[0]), None);
        assert_eq!(effect(&claims[1]).as_deref(), Some("Criticality high"));
        let other = effect(&claims[2]);
        assert_eq!(other.as_deref(), Some("Criticality cannot be assessed"));
    }

    #[test]
    fn taking_a_side_says_what_becomes_of_the_entry() {
        let resolved = Status::from(StatusCode::Resolved).to_value();
        let sides = [side(1, STATUS, resolved), side(2, "severity", "severe")];
        assert_eq!(
            effects(Kind::Condition, STATUS, sides),
            ["Status resolved (no reason given)", "it stays active"]
        );
        let sides = [side(1, OUTCOME, "miscarriage"), side(2, DUE, "2025-01-02")];
        assert_eq!(
            effects(Kind::Pregnancy, OUTCOME, sides),
            ["Outcome miscarriage", "it is not over; cleared: Outcome"]
        );
    }
}
