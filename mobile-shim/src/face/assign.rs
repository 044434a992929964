//! Who looks after an item of the to-review list.

use sync_core::PersonId;
use sync_core::merge::{Assignment, Choice, ReviewItem};

use super::show::Names;
use super::{Record, Stamp};
use crate::error::CarnetError;

/// To whom an item is assigned.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct Assignee {
    /// Who.
    pub person: String,
    /// Their name, if this device knows it.
    pub name: Option<String>,
    /// Whether it is this person.
    pub own: bool,
    /// Who said so, and when.
    pub by: Stamp,
    /// To the holder: this person may not see what the item is about, and learns nothing of it; it
    /// is as good as assigned to nobody.
    pub unseen: bool,
}

#[uniffi::export]
impl Record {
    /// Assigns an item of the to-review list to a person, instead of whom it is assigned to; takes
    /// it back without one. Nothing is done when it is assigned so already. Whoever may not see
    /// what the item is about does not learn of it, and the holder's list says so.
    pub fn assign(&self, key: String, person: Option<String>) -> Result<(), CarnetError> {
        let to = person.map(|person| person.parse::<PersonId>());
        let to = to.transpose().map_err(|_| CarnetError::Invalid {
            field: "assignee".to_owned(),
            problem: "malformed".to_owned(),
        })?;
        let items = self.review_items()?;
        let item = items.iter().find(|item| item.key == key);
        let item = item.ok_or(CarnetError::NotFound)?;
        if item.is_assigned_to(to) {
            return Ok(());
        }
        self.settle(item, &Choice::Assign(to))
    }
}

/// To whom an item is assigned, as a screen of this person shows it; `unseen` may not see it.
pub(super) fn assignees(
    names: &Names,
    item: &ReviewItem,
    own: PersonId,
    unseen: &[PersonId],
) -> Vec<Assignee> {
    let cast = |Assignment { to, by }: &Assignment| Assignee {
        person: to.to_string(),
        name: names.0.get(to).cloned(),
        own: *to == own,
        by: names.stamp(by),
        unseen: unseen.contains(to),
    };
    item.assigned.iter().map(cast).collect()
}
