//! What an emergency card says: vital facts, of hidden entries only those the holder chose.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::vital::vital_by;
use super::{BloodGroupFact, ContactFact, Directives, EntryView, Rule, Rules, VitalFacts, decided};
use crate::EntryId;
use crate::kind::{Kind, Words};

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
/// from professionals or representatives, only what the holder `chose`, and what was decided on that
/// alone.
///
/// It never says that no allergy is known while it keeps one back, and shows no blood group,
/// trusted person or directive when what is kept back contradicts or replaces it. A doubt that is
/// only there because of what is kept back is not on it.
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
    let hidden = |view: &EntryView| {
        let flags = &view.visibility;
        flags.hidden_from_professionals || flags.hidden_from_representatives
    };
    let kept_back = |view: &EntryView| {
        hidden(view) && !chosen.contains(&view.id) && rules.has(Rule::CardByChoice)
    };
    let decisions = decided::decisions(rules, views);
    let about: BTreeMap<EntryId, BTreeSet<EntryId>> = decisions
        .iter()
        .map(|decision| (decision.view.id, decision.entries()))
        .collect();
    let back = views
        .iter()
        .filter(|view| view.kind != Kind::ReviewDecision);
    let back: BTreeSet<EntryId> = back
        .filter(|view| kept_back(view))
        .map(|view| view.id)
        .collect();
    // What was decided on an entry that is kept back would tell of it. Where all that it was about is
    // on the card it tells of nothing else, though it is hidden: for good, once one of them was.
    let known: BTreeSet<EntryId> = views.iter().map(|view| view.id).collect();
    let tells = |view: &EntryView| {
        let about = about.get(&view.id).filter(|about| !about.is_empty());
        let on_card = |entry: &EntryId| known.contains(entry) && !back.contains(entry);
        let all = about.map(|about| about.iter().all(on_card));
        all.map_or(kept_back(view), |all| !all)
    };
    let open = |view: &&EntryView| match view.kind {
        Kind::ReviewDecision => !tells(view) || !rules.has(Rule::CardHidesNoDoubt),
        _ => !kept_back(view),
    };
    let shown: Vec<EntryView> = views.iter().filter(open).cloned().collect();
    let mut facts = vital_by(rules, &shown, today);
    facts.pregnancies.retain(|pregnancy| !pregnancy.to_confirm);
    let all = vital_by(rules, views, today);
    facts.no_known_allergy &= all.no_known_allergy;
    if rules.has(Rule::CardHidesNoDoubt) {
        leave_out_what_is_doubted(&mut facts, &all);
    }
    Card {
        facts,
        not_for_transfusion: rules.has(Rule::NotForTransfusion),
    }
}

/// Leaves out what would stand otherwise among all entries, without a word that tells.
fn leave_out_what_is_doubted(facts: &mut VitalFacts, all: &VitalFacts) {
    let agreed = matches!(facts.blood_group, BloodGroupFact::Agreed(_));
    if agreed && matches!(all.blood_group, BloodGroupFact::Discordant(_)) {
        facts.blood_group = BloodGroupFact::Unknown;
        facts.blood_group_doubts.clear();
    }
    let named = |facts: &[ContactFact]| facts.iter().map(|one| one.entry).collect::<Vec<_>>();
    if named(&facts.trusted_persons) != named(&all.trusted_persons) {
        facts.trusted_persons.clear();
    }
    let wishes = |facts: &VitalFacts| {
        let wishes = &facts.directives;
        let doubts = [
            &wishes.unordered,
            &wishes.closed,
            &wishes.withdrawn,
            &wishes.revived,
            &wishes.contested,
        ]
        .map(Vec::clone);
        (wishes.in_force.clone(), doubts, wishes.disputed.clone())
    };
    if wishes(facts) != wishes(all) {
        facts.directives = Directives::default();
    }
}
