//! What an emergency card says: vital facts, of hidden entries only those the holder chose.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::vital::vital_by;
use super::{EntryView, Rule, Rules, VitalFacts};
use crate::EntryId;
use crate::kind::Words;

/// What is printed beside every blood group on a card.
pub const NOT_FOR_TRANSFUSION: Words = Words::new(
    "Not valid for transfusion.",
    "Non valable pour transfusion.",
);

/// What an emergency card says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The facts.
    pub facts: VitalFacts,
    /// Whether it must bear [`NOT_FOR_TRANSFUSION`]: it always does.
    pub not_for_transfusion: bool,
}

/// The card of a record on a day (UTC), from the entries its holder may see now: of what is hidden
/// from professionals or representatives, only what the holder `chose`.
///
/// It never says that no allergy is known while it keeps one back.
pub fn card(views: &[EntryView], chosen: &BTreeSet<EntryId>, today: Date) -> Card {
    card_by(Rules::ALL, views, chosen, today)
}

/// [`card`] by some of the rules.
pub(super) fn card_by(
    rules: Rules,
    views: &[EntryView],
    chosen: &BTreeSet<EntryId>,
    today: Date,
) -> Card {
    let open = |view: &&EntryView| {
        let flags = &view.visibility;
        let hidden = flags.hidden_from_professionals || flags.hidden_from_representatives;
        !hidden || chosen.contains(&view.id) || !rules.has(Rule::CardByChoice)
    };
    let shown: Vec<EntryView> = views.iter().filter(open).cloned().collect();
    let mut facts = vital_by(rules, &shown, today);
    facts.pregnancies.retain(|pregnancy| !pregnancy.to_confirm);
    facts.no_known_allergy &= vital_by(rules, views, today).no_known_allergy;
    Card {
        facts,
        not_for_transfusion: rules.has(Rule::NotForTransfusion),
    }
}
