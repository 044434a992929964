//! Vital facts: what a first screen shows, with doubt shown as doubt.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::across::{
    Directives, blood_groups, directives_as_shown, flags_on, states_none, states_none_at_all,
    trusted_persons,
};
use super::ended::is_ended_by;
use super::review::an_allergy_waits;
use super::shown::shown_by;
use super::{EntryView, FlagCode, Rule, Rules, Standing, condition, pregnancy, treatment};
use crate::EntryId;
use crate::entry::STATUS;
use crate::kind::allergy::{CRITICALITY, REACTION};
use crate::kind::contact::{NAME, PHONE, RELATIONSHIP};
use crate::kind::device::REMOVED;
use crate::kind::medication::REGIMEN;
use crate::kind::{
    BloodGroup, Criticality, JsonScalar, Kind, Phone, Reaction, Read, Regimen, Status,
};

/// What matters first, of the entries one viewer may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VitalFacts {
    /// Active allergies, the most dangerous first.
    pub allergies: Vec<AllergyFact>,
    /// That none is known: stated of all categories, and no allergy beside it, nor one that was
    /// closed and waits to be looked at again.
    pub no_known_allergy: bool,
    /// What is taken: not what was to end by a day that has passed.
    pub treatments: Vec<TreatmentFact>,
    /// Active conditions: those that stand and are not said to be over.
    pub conditions: Vec<ConditionFact>,
    /// Never valid for transfusion.
    pub blood_group: BloodGroupFact,
    /// What is in doubt of those that say it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blood_group_doubts: Vec<(EntryId, Vec<FlagCode>)>,
    /// Pregnancies not known to be over.
    pub pregnancies: Vec<PregnancyFact>,
    /// Medical devices in the body or worn: what a scanner or a surgeon must know.
    pub devices: Vec<DeviceFact>,
    /// Whom to call.
    pub contacts: Vec<ContactFact>,
    /// The trusted person; several when disputed: the patient confirms one.
    pub trusted_persons: Vec<ContactFact>,
    /// The advance directives, and which is in force.
    pub directives: Directives,
}

/// A pregnancy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PregnancyFact {
    /// The entry.
    pub entry: EntryId,
    /// All due dates that stand.
    pub due: Vec<Date>,
    /// Past the due date for so long that nobody can rely on it: off the card.
    pub to_confirm: bool,
    /// What is in doubt.
    pub doubts: Vec<FlagCode>,
}

/// A medical device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceFact {
    /// The entry.
    pub entry: EntryId,
    /// What it is called; several names when disputed.
    pub label: String,
    /// What is in doubt.
    pub doubts: Vec<FlagCode>,
}

/// An active allergy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllergyFact {
    /// The entry.
    pub entry: EntryId,
    /// To what; several names when disputed.
    pub label: String,
    /// The highest stated.
    pub criticality: Option<Criticality>,
    /// All reactions not taken back.
    pub reactions: Vec<Reaction>,
    /// Whether a clinician's confirmation stands.
    pub confirmed: bool,
    /// What is in doubt.
    pub doubts: Vec<FlagCode>,
}

/// A treatment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreatmentFact {
    /// The entry.
    pub entry: EntryId,
    /// What it is called; several names when disputed.
    pub label: String,
    /// The regimen in force; none when it is disputed, the treatment is to be reconciled, or two
    /// people disagree that it is over.
    pub current: Option<Regimen>,
    /// Every regimen that stands, each as one person wrote it.
    pub regimens: Vec<Regimen>,
    /// The stop it is to be reconciled with.
    pub stop: Option<Status>,
    /// What is in doubt.
    pub doubts: Vec<FlagCode>,
}

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionFact {
    /// The entry.
    pub entry: EntryId,
    /// Which; several names when disputed.
    pub label: String,
    /// Whether a clinician's confirmation stands.
    pub confirmed: bool,
    /// What is in doubt.
    pub doubts: Vec<FlagCode>,
}

/// What is known of the blood group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BloodGroupFact {
    /// Nothing.
    Unknown,
    /// All who say something say the same; each with its source.
    Agreed(Vec<BloodGroup>),
    /// They differ: all of them, none to be relied on.
    Discordant(Vec<(EntryId, BloodGroup)>),
}

/// Whom to call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactFact {
    /// The entry.
    pub entry: EntryId,
    /// All names that stand.
    pub names: Vec<String>,
    /// All relationships that stand.
    pub relationships: Vec<String>,
    /// Numbers not taken back, in the order to call them.
    pub phones: Vec<Phone>,
    /// What is in doubt.
    pub doubts: Vec<FlagCode>,
}

/// The vital facts among the entries a viewer may see, on a day (UTC).
pub fn vital(views: &[EntryView], today: Date) -> VitalFacts {
    vital_by(Rules::ALL, views, today)
}

/// [`vital`] by some of the rules.
pub(super) fn vital_by(rules: Rules, views: &[EntryView], today: Date) -> VitalFacts {
    let mut linked: BTreeMap<EntryId, Vec<FlagCode>> = BTreeMap::new();
    for (entry, flag) in flags_on(rules, views, today) {
        linked.entry(entry).or_default().push(flag.code);
    }
    let doubts = |view: &EntryView| {
        let own = view.flags.iter().map(|flag| flag.code);
        let linked = linked.get(&view.id).into_iter().flatten().copied();
        let mut all: Vec<FlagCode> = own.chain(linked).collect();
        all.sort();
        all.dedup();
        all
    };
    let otherwise = shown_by(rules, views);
    // Whether a field ended it by a day is asked of the entry as it is too: by its flags it is known
    // what stands against that. What two people settled in two ways is not settled: what one of them
    // closed, or said to be over, stays, in doubt.
    let still = |kind: Kind, over: fn(Rules, (&EntryView, &EntryView), Date) -> bool| {
        let of_kind = views.iter().filter(move |view| view.kind == kind);
        let shown = of_kind.map(|view| (view, otherwise.get(&view.id).unwrap_or(view)));
        let left = shown.filter(move |(view, shown)| {
            let stands = shown.counts() && !over(rules, (view, shown), today);
            stands || (shown.is_contested() && !shown.in_error())
        });
        left.map(|(_, shown)| shown)
    };
    let of = |kind: Kind| still(kind, |_, _, _| false);
    let mut allergies: Vec<AllergyFact> = of(Kind::Allergy)
        .filter(|view| !states_none(view))
        .map(|view| allergy(view, doubts(view)))
        .collect();
    allergies.sort_by_key(|fact| std::cmp::Reverse(level(fact.criticality.as_ref())));
    let no_known_allergy = if rules.has(Rule::NoneKnownErasesNothing) {
        allergies.is_empty()
            && of(Kind::Allergy).any(states_none_at_all)
            && !an_allergy_waits(rules, views)
    } else {
        let stated = of(Kind::Allergy).any(states_none);
        allergies.retain(|_| !stated);
        stated
    };
    VitalFacts {
        no_known_allergy,
        allergies,
        // Whether its regimen ran out is asked of a treatment as it is shown.
        treatments: of(Kind::MedicationTaken)
            .map(|view| (view, treatment::is_over(rules, view, today)))
            .filter(|(view, over)| !over || view.is_contested())
            .map(|(view, over)| {
                let doubts = doubts(view);
                let open = over || doubts.contains(&FlagCode::ToReconcile);
                treatment(view, open, doubts)
            })
            .collect(),
        conditions: still(Kind::Condition, condition::is_over)
            .map(|view| ConditionFact {
                entry: view.id,
                label: view.label.clone(),
                confirmed: view.confirmed,
                doubts: doubts(view),
            })
            .collect(),
        blood_group: blood_group(rules, views),
        blood_group_doubts: still(Kind::BloodGroup, |_, _, _| false)
            .map(|view| (view.id, doubts(view)))
            .filter(|(_, doubts)| !doubts.is_empty())
            .collect(),
        pregnancies: still(Kind::Pregnancy, pregnancy::is_over)
            .map(|view| PregnancyFact {
                entry: view.id,
                due: pregnancy::due(view),
                to_confirm: pregnancy::is_long_past(rules, view, today),
                doubts: doubts(view),
            })
            .collect(),
        devices: still(Kind::Device, |rules, told, today| {
            is_ended_by(rules, told, REMOVED, today)
        })
        .map(|view| DeviceFact {
            entry: view.id,
            label: view.label.clone(),
            doubts: doubts(view),
        })
        .collect(),
        contacts: of(Kind::EmergencyContact)
            .map(|view| contact(view, doubts(view)))
            .collect(),
        trusted_persons: trusted_persons(rules, views)
            .into_iter()
            .map(|view| contact(view, doubts(view)))
            .collect(),
        directives: directives_as_shown(rules, views, &otherwise),
    }
}

fn level(criticality: Option<&Criticality>) -> u8 {
    match criticality {
        Some(Criticality::High) => 4,
        Some(Criticality::Other(_)) => 3,
        // What nobody stated may be anything.
        None | Some(Criticality::UnableToAssess) => 2,
        Some(Criticality::Low) => 1,
    }
}

fn allergy(view: &EntryView, doubts: Vec<FlagCode>) -> AllergyFact {
    let from: &dyn Read = view;
    let mut reactions: Vec<Reaction> = standing(view, REACTION);
    reactions.retain(|reaction| reaction.removed.is_none());
    AllergyFact {
        entry: view.id,
        label: view.label.clone(),
        criticality: from.code(CRITICALITY),
        reactions,
        confirmed: view.confirmed,
        doubts,
    }
}

/// A treatment; `over` when two people disagree whether its regimen ended it.
fn treatment(view: &EntryView, over: bool, doubts: Vec<FlagCode>) -> TreatmentFact {
    let from: &dyn Read = view;
    // Also one that was stopped and is here because that was not settled.
    let reconcile = view.standing != Standing::Active;
    let mut regimens: Vec<Regimen> = view.all(REGIMEN);
    regimens.dedup();
    let ends = |status: &Status| !status.status.is_active();
    TreatmentFact {
        entry: view.id,
        label: view.label.clone(),
        current: from.json(REGIMEN).filter(|_| !reconcile && !over),
        regimens,
        stop: view
            .all(STATUS)
            .into_iter()
            .find(ends)
            .filter(|_| reconcile),
        doubts,
    }
}

fn blood_group(rules: Rules, views: &[EntryView]) -> BloodGroupFact {
    let all = blood_groups(views);
    let agree = all.windows(2).all(|pair| pair[0].1.agrees(&pair[1].1));
    if !agree && rules.has(Rule::BloodGroupDiscordant) {
        let all = all.into_iter().map(|(view, group)| (view.id, group));
        return BloodGroupFact::Discordant(all.collect());
    }
    let counting = all.into_iter().filter(|(view, _)| view.counts());
    let mut groups: Vec<BloodGroup> = counting.map(|(_, group)| group).collect();
    groups.dedup();
    if groups.is_empty() {
        BloodGroupFact::Unknown
    } else {
        BloodGroupFact::Agreed(groups)
    }
}

fn contact(view: &EntryView, doubts: Vec<FlagCode>) -> ContactFact {
    let texts = |key| {
        let current = view.field(key).map_or(&[][..], |field| &field.current);
        current
            .iter()
            .filter_map(|value| Some(value.as_text()?.to_owned()))
            .collect()
    };
    let mut phones: Vec<Phone> = standing(view, PHONE);
    phones.retain(|phone| phone.removed.is_none());
    ContactFact {
        entry: view.id,
        names: texts(NAME),
        relationships: texts(RELATIONSHIP),
        phones,
        doubts,
    }
}

/// All values of the members of a set, in the order of the view.
fn standing<T: JsonScalar>(view: &EntryView, name: &str) -> Vec<T> {
    let values = view.members(name).flat_map(|field| &field.current);
    values.filter_map(T::from_value).collect()
}
