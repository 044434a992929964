//! The emergency card, with doubt shown as doubt.

use std::collections::BTreeSet;

use sync_core::kind::BloodGroup;
use sync_core::merge::{self, BloodGroupFact, ContactFact, NOT_FOR_TRANSFUSION};
use sync_core::views;

use super::papers::directive;
use super::{DirectiveInfo, Told, TreatmentInfo};
use crate::error::CarnetError;
use crate::face::record::entry_id;
use crate::face::show::{blood_group, phone, reaction};
use crate::face::{Bilingual, EntryLine, Record};

/// An allergy on the card.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct CardAllergy {
    /// The entry, with what is in doubt.
    pub line: EntryLine,
    /// The highest criticality stated.
    pub criticality: Option<Bilingual>,
    /// Its reactions, each with its severity.
    pub reactions: Vec<Bilingual>,
}

/// What is known of the blood group; never valid for transfusion.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Enum)]
#[serde(rename_all = "kebab-case")]
pub enum BloodGroups {
    /// Nothing.
    Unknown,
    /// All who say something say the same.
    Agreed {
        /// The group with each of its sources.
        groups: Vec<Bilingual>,
    },
    /// They differ: none can be relied on.
    Discordant {
        /// Each with its source.
        groups: Vec<Bilingual>,
    },
}

/// Whom to call.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct CardContact {
    /// The entry, with what is in doubt.
    pub line: EntryLine,
    /// All names that stand.
    pub names: Vec<String>,
    /// Who they are to the person, by all who say it.
    pub relationships: Vec<String>,
    /// Their numbers, in the order to call them.
    pub phones: Vec<Bilingual>,
}

/// What an emergency card says.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct CardScreen {
    /// Active allergies, the most dangerous first.
    pub allergies: Vec<CardAllergy>,
    /// That none is known: stated, and contradicted by nothing. With no allergy and without this,
    /// nothing is known.
    pub no_known_allergy: bool,
    /// What is taken.
    pub treatments: Vec<TreatmentInfo>,
    /// Conditions that stand.
    pub conditions: Vec<EntryLine>,
    /// Blood groups.
    pub blood_groups: BloodGroups,
    /// Those of their entries of which something is in doubt, with what.
    pub blood_groups_in_doubt: Vec<EntryLine>,
    /// What stands beside every blood group, and always on the card.
    pub not_for_transfusion: Bilingual,
    /// Pregnancies; not those to be confirmed. The due dates that stand, with each.
    pub pregnancies: Vec<EntryLine>,
    /// Medical devices.
    pub devices: Vec<EntryLine>,
    /// Whom to call.
    pub contacts: Vec<CardContact>,
    /// The trusted person; several when disputed.
    pub trusted_persons: Vec<CardContact>,
    /// Advance directives in force; several of one date when nobody can tell.
    pub directives: Vec<DirectiveInfo>,
}

#[uniffi::export]
impl Record {
    /// What the emergency card says today. Of what is hidden, only entries that the holder `chose`
    /// for it, by their names; no doubt of it comes from an entry that is not on it.
    #[uniffi::method(default(chosen = []))]
    pub fn card(&self, chosen: Vec<String>) -> Result<CardScreen, CarnetError> {
        let chosen = chosen.iter().map(|entry| entry_id(entry));
        let chosen: BTreeSet<_> = chosen.collect::<Result<_, _>>()?;
        let told = self.told()?;
        if chosen.iter().any(|entry| told.views.find(entry).is_none()) {
            return Err(CarnetError::NotFound);
        }
        let facts = merge::card(&told.views, &chosen, self.device.today()).facts;
        let allergies = facts.allergies.iter().filter_map(|fact| {
            let criticality = fact.criticality.as_ref();
            Some(CardAllergy {
                line: told.doubted(&fact.entry, &fact.doubts)?,
                criticality: criticality.and_then(|code| Some(code.words()?.into())),
                reactions: fact.reactions.iter().map(reaction).collect(),
            })
        });
        let conditions = facts.conditions.iter();
        let pregnancies = facts.pregnancies.iter();
        let devices = facts.devices.iter();
        let treatments = facts.treatments.iter();
        let papers = views::directives(&told.views);
        let in_force = papers
            .iter()
            .filter(|one| facts.directives.in_force.contains(&one.entry));
        let wishes = &facts.directives;
        Ok(CardScreen {
            allergies: allergies.collect(),
            no_known_allergy: facts.no_known_allergy,
            treatments: treatments.filter_map(|fact| told.treatment(fact)).collect(),
            conditions: conditions
                .filter_map(|fact| told.doubted(&fact.entry, &fact.doubts))
                .collect(),
            blood_groups: blood_groups(&facts.blood_group),
            blood_groups_in_doubt: facts
                .blood_group_doubts
                .iter()
                .filter_map(|(entry, doubts)| told.doubted(entry, doubts))
                .collect(),
            not_for_transfusion: NOT_FOR_TRANSFUSION.into(),
            pregnancies: pregnancies
                .filter_map(|fact| told.doubted(&fact.entry, &fact.doubts))
                .collect(),
            devices: devices
                .filter_map(|fact| told.doubted(&fact.entry, &fact.doubts))
                .collect(),
            contacts: contacts(&told, &facts.contacts),
            trusted_persons: contacts(&told, &facts.trusted_persons),
            directives: in_force
                .filter_map(|one| {
                    let line = told.doubted(&one.entry, &wishes.doubts(&one.entry))?;
                    Some(directive(one, line))
                })
                .collect(),
        })
    }
}

fn blood_groups(fact: &BloodGroupFact) -> BloodGroups {
    let words = |groups: &mut dyn Iterator<Item = &BloodGroup>| groups.map(blood_group).collect();
    match fact {
        BloodGroupFact::Unknown => BloodGroups::Unknown,
        BloodGroupFact::Agreed(groups) => BloodGroups::Agreed {
            groups: words(&mut groups.iter()),
        },
        BloodGroupFact::Discordant(groups) => BloodGroups::Discordant {
            groups: words(&mut groups.iter().map(|(_, group)| group)),
        },
    }
}

fn contacts(told: &Told, facts: &[ContactFact]) -> Vec<CardContact> {
    let contact = |fact: &ContactFact| {
        Some(CardContact {
            line: told.doubted(&fact.entry, &fact.doubts)?,
            names: fact.names.clone(),
            relationships: fact.relationships.clone(),
            phones: fact.phones.iter().map(phone).collect(),
        })
    };
    facts.iter().filter_map(contact).collect()
}
