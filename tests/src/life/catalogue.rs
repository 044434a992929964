//! What lives are made of: `tests/data/life.toml`, as the file has it.

use std::collections::BTreeMap;

use serde::Deserialize;
use sync_core::kind::{AllergyCategory, Criticality, Label, Regimen, Severity, Verification};

const FILE: &str = include_str!("../../data/life.toml");

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Catalogue {
    pub system: Systems,
    pub allergy: Vec<Allergy>,
    pub reaction: Vec<Coded>,
    pub medicine: BTreeMap<String, Medicine>,
    pub chronic: Vec<Chronic>,
    pub episode: Vec<Episode>,
    pub remarks: Remarks,
    pub note: Vec<Note>,
    pub contact: Vec<Contact>,
}

/// The terminologies, as URIs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Systems {
    pub snomed: String,
    pub cis: String,
}

/// A label, with its SNOMED CT code if it has one.
#[derive(Debug, Deserialize)]
pub(super) struct Coded {
    pub label: String,
    #[serde(default)]
    pub code: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Allergy {
    #[serde(flatten)]
    pub name: Coded,
    pub category: AllergyCategory,
    pub criticality: Criticality,
    pub verification: Verification,
    pub age: i16,
    pub reactions: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Medicine {
    pub cis: String,
    pub product: String,
    pub substances: Vec<String>,
    pub form: String,
    pub route: String,
    #[serde(default)]
    pub dose: Option<String>,
    #[serde(default)]
    pub unit: Option<String>,
    pub frequency: String,
    #[serde(default)]
    pub as_needed_maximum: Option<String>,
}

/// A disease that stays, and its treatments: each a line of medicines, one after the other.
#[derive(Debug, Deserialize)]
pub(super) struct Chronic {
    #[serde(flatten)]
    pub name: Coded,
    #[serde(default)]
    pub severity: Option<Severity>,
    pub age: i16,
    #[serde(default)]
    pub until: Option<i16>,
    #[serde(default)]
    pub steps: Vec<Vec<String>>,
}

/// Something that comes and goes, and what is taken for it.
#[derive(Debug, Deserialize)]
pub(super) struct Episode {
    #[serde(flatten)]
    pub name: Coded,
    pub severity: Severity,
    pub ages: (i16, i16),
    pub months: Vec<i8>,
    pub days: i16,
    pub weight: u32,
    #[serde(default)]
    pub medicines: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Remarks {
    pub episode: Vec<String>,
    pub treatment: Vec<String>,
    pub disease: Vec<String>,
    pub stopped: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Note {
    pub title: String,
    pub texts: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contact {
    pub name: String,
    pub relationship: String,
    pub ages: (i16, i16),
}

impl Catalogue {
    /// Reads the file that is compiled in.
    pub fn read() -> Self {
        toml::from_str(FILE).expect("the tests read this very text")
    }

    /// A label with its code.
    pub fn label(&self, name: &Coded) -> Label {
        match &name.code {
            Some(code) => Label::coded(&name.label, &self.system.snomed, code),
            None => Label::text(&name.label),
        }
    }

    /// A manifestation, coded if the file has a code for it.
    pub fn manifestation(&self, text: &str) -> Label {
        let known = self.reaction.iter().find(|known| known.label == text);
        known.map_or_else(|| Label::text(text), |known| self.label(known))
    }

    /// What is taken, and how; nothing for a medicine the file has not.
    pub fn regimen(&self, medicine: &str) -> Option<Regimen> {
        let found = self.medicine.get(medicine)?;
        Some(Regimen {
            product: Label::coded(&found.product, &self.system.cis, &found.cis),
            substances: found.substances.iter().map(Label::text).collect(),
            form: Some(found.form.clone()),
            route: Some(found.route.clone()),
            dose: found.dose.clone(),
            unit: found.unit.clone(),
            frequency: Some(found.frequency.clone()),
            as_needed: found.as_needed_maximum.is_some(),
            as_needed_maximum: found.as_needed_maximum.clone(),
            ..Regimen::default()
        })
    }
}
