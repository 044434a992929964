//! The to-review list, and edits that are not part of the record.

use sync_core::kind::wishes::DIRECTIVE;
use sync_core::merge::FlagCode;

use super::{Output, moment, short};
use crate::face::{DangerLevel, DestroyedEntry, HeldChange, ReviewEntry};

impl Output {
    /// The to-review list.
    pub fn review(&self, numbers: &[usize], items: &[ReviewEntry]) {
        if items.is_empty() {
            out!("{}", self.say("Nothing to review.", "Rien à vérifier."));
        }
        for (number, item) in numbers.iter().zip(items) {
            self.review_item(*number, item);
        }
    }

    /// An item of the to-review list, by its number in it.
    pub fn review_item(&self, number: usize, item: &ReviewEntry) {
        let danger = match item.danger {
            DangerLevel::Critical => self.say("critical", "critique"),
            DangerLevel::High => self.say("high", "élevé"),
            DangerLevel::Moderate => self.say("moderate", "modéré"),
            DangerLevel::Low => self.say("low", "faible"),
            DangerLevel::Notice => self.say("notice", "information"),
        };
        let labels: Vec<_> = item.labels.iter().map(|label| self.of(label)).collect();
        out!("{}. [{danger}] {}", number, labels.join(" | "));
        out!("   {}", self.of(&item.words));
        for side in &item.sides {
            let by = match item.code == FlagCode::HeldEdit.code() {
                true => self.by_held(side.claim.by.as_ref()),
                false => self.by(side.claim.by.as_ref()),
            };
            let text = self.of(&side.claim.text);
            let (title, colon) = (self.of(&side.title), self.say(":", " :"));
            let proposed = match side.proposed {
                true => self.say("  [proposed]", "  [proposé]"),
                false => "",
            };
            let names = side.field == DIRECTIVE && item.in_force.contains(&side.entry);
            let in_force = match names {
                true => self.say("  [in force]", "  [en vigueur]"),
                false => "",
            };
            out!("     {title}{colon} {text}{proposed}{in_force}  {by}");
        }
        if let Some(assigned) = self.assigned(&item.assigned) {
            out!("   {assigned}");
        }
        for step in self.steps(number, item) {
            out!("   → {step}");
        }
    }

    /// Held edits.
    pub fn held(&self, held: &[HeldChange]) {
        if held.is_empty() {
            out!(
                "{}",
                self.say("No edit is held.", "Aucune modification retenue.")
            );
        }
        for change in held {
            let whose = match change.own {
                true => self.say("yours", "la vôtre"),
                false => self.say("for your decision", "à décider"),
            };
            out!(
                "{}  [{whose}] {}",
                &change.change[..8],
                self.by_held(change.by.as_ref())
            );
            out!("   {}", self.of(&change.words));
            out!("   {}", self.of(&change.label));
            let colon = self.say(":", " :");
            for field in &change.fields {
                let (title, text) = (self.of(&field.title), self.of(&field.text));
                out!("     {title}{colon} {text}");
            }
            if let Some(settled) = &change.settled {
                out!("   → {}", self.settled(settled));
            }
        }
    }

    /// What was destroyed.
    pub fn destroyed(&self, destroyed: &[DestroyedEntry]) {
        for gone in destroyed {
            let (entry, at) = (short(&gone.entry), moment(gone.at));
            out!("{entry}  {at}  {}", self.of(&gone.words));
        }
    }
}
