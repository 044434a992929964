//! Whose the items of the to-review list are.

use clap::Args;

use super::PhoneError;
use super::here::Here;
use super::output::Output;
use crate::face::{Assignee, ReviewEntry, Wish};

/// Which items to show, and whose one becomes.
#[derive(Args, Default)]
pub struct Review {
    /// Only those assigned to this person.
    #[arg(long)]
    mine: bool,
    /// Assign this item, by its number in the list.
    #[arg(long, value_name = "ITEM", requires = "to", conflicts_with = "mine")]
    assign: Option<usize>,
    /// To whom: `me`, `nobody`, an identifier, or a professional's RPPS number.
    #[arg(long, value_name = "PERSON", requires = "assign")]
    to: Option<String>,
}

impl Here<'_> {
    pub(super) fn review(&self, review: &Review) -> Result<(), PhoneError> {
        let record = self.record()?;
        let mut items = record.to_review()?;
        if let (Some(item), Some(to)) = (review.assign, &review.to) {
            let at = item.checked_sub(1);
            let item = at.and_then(|at| items.get(at)).ok_or(PhoneError::NoItem)?;
            let person = match to.as_str() {
                "me" => Some(self.profile()?.info()?.person),
                "nobody" => None,
                who => Some(self.person(who)?),
            };
            let item = item.key.clone();
            self.allowed(&record, Wish::Assign { item: item.clone() })?;
            record.assign(item, person)?;
            items = record.to_review()?;
        }
        let mine = |item: &ReviewEntry| item.assigned.iter().any(|one| one.own);
        // The numbers are those of the whole list: `resolve` takes them.
        let numbered = (1..).zip(items);
        let shown = numbered.filter(|(_, item)| !review.mine || mine(item));
        let (numbers, items): (Vec<usize>, Vec<ReviewEntry>) = shown.unzip();
        self.output
            .print(&items, |output| output.review(&numbers, &items));
        Ok(())
    }
}

impl Output {
    /// Who looks after an item; nothing when nobody does.
    pub(super) fn assigned(&self, assigned: &[Assignee]) -> Option<String> {
        let one = |one: &Assignee| {
            let name = one.name.as_deref().unwrap_or(&one.person);
            let unseen = match one.unseen {
                true => self.say(" [may not see this]", " [ne peut pas le voir]"),
                false => "",
            };
            format!("{name}{unseen}  {}", self.by(Some(&one.by)))
        };
        let all: Vec<String> = assigned.iter().map(one).collect();
        let said = self.say("Assigned to:", "Confié à :");
        (!all.is_empty()).then(|| format!("{said} {}", all.join(", ")))
    }
}
