//! The to-review list.

use std::sync::Arc;

use sync_core::EntryId;
use sync_core::entry;
use sync_core::kind::{Draft, Kind, Verdict, Words};
use sync_core::merge::{self, Choice, ReviewClaim, ReviewItem};

use super::assign::{Assignee, assignees};
use super::may::Asked;
use super::show::{Names, same};
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
    /// Whether the item can be settled by taking this side, and this person may.
    pub may_be_taken: bool,
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
    /// The field it is about.
    pub field: Option<String>,
    /// The sides, with who and when.
    pub sides: Vec<ReviewSide>,
    /// What this person may decide besides editing: `accept`, `discard`, `confirm`,
    /// `not-a-duplicate`.
    pub verdicts: Vec<String>,
    /// Those of the entries that this person may edit.
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
                field: item.field.clone(),
                sides: sides(&names, item, &views, &asked),
                verdicts: item
                    .verdicts
                    .iter()
                    .filter(|verdict| may(item, verdict))
                    .map(ToString::to_string)
                    .collect(),
                editable: item
                    .entries
                    .iter()
                    .filter(|entry| asked.edit(entry))
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
    let may_be_taken = |change| asked.settle(item, &Choice::Take(change)).allowed;
    // What is held may make the entry: then it says of what kind it is.
    let unknown = Kind::Unknown(String::new());
    let unknown = item.kind.as_ref().unwrap_or(&unknown);
    let kind = |entry| views.find(entry).map_or(unknown, |view| &view.kind);
    item.claims
        .iter()
        .filter(|side| side.field != entry::SCHEMA)
        .map(|side| ReviewSide {
            entry: side.entry.to_string(),
            title: title(kind(&side.entry), &side.field),
            field: side.field.clone(),
            claim: names.claim(kind(&side.entry), &side.field, &side.claim),
            may_be_taken: may_be_taken(side.claim.change),
        })
        .collect()
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
