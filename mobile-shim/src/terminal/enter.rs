//! Commands that add and edit.

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use sync_core::kind::{
    AllergyCategory, BloodGroupSource, Criticality, Kind, Occurred, Severity, StatusCode,
    Verification,
};

use super::PhoneError;
use super::cli::Here;
use super::read::find;
use crate::error::CarnetError;
use crate::face::{
    AllergyDraft, AllergyEdit, BloodGroupDraft, CodedText, Common, ConditionDraft, ConditionEdit,
    ContactDraft, ContactEdit, Details, MedicationDraft, NoteDraft, NoteEdit, PhoneNumber,
    Reaction, Wish,
};

/// What every entry may carry.
#[derive(Args, Clone, Default)]
pub struct Anything {
    /// When it happened: 2024, 2024-05 or 2024-05-03.
    #[arg(long, value_parser = day)]
    when: Option<String>,
    /// Where you have it from, in words.
    #[arg(long)]
    from: Option<String>,
    /// Free remarks.
    #[arg(long)]
    notes: Option<String>,
    /// Hidden from professionals from the start.
    #[arg(long)]
    hidden: bool,
}

/// A medication's regimen.
#[derive(Args, Clone, Default)]
pub struct Dosage {
    /// How much each time, e.g. 1 or 0.5
    #[arg(long, value_parser = amount)]
    dose: Option<String>,
    /// Of what, e.g. comprimé
    #[arg(long)]
    unit: Option<String>,
    /// How often, e.g. "matin et soir"
    #[arg(long)]
    frequency: Option<String>,
    /// By mouth, on the skin …
    #[arg(long)]
    route: Option<String>,
    /// Active substance; may be repeated.
    #[arg(long = "substance")]
    substances: Vec<String>,
    /// Only when needed.
    #[arg(long)]
    as_needed: bool,
    /// First day.
    #[arg(long, value_parser = day)]
    starts: Option<String>,
    /// Last day.
    #[arg(long, value_parser = day)]
    ends: Option<String>,
}

/// What to add.
#[derive(Subcommand)]
pub enum Add {
    /// An allergy (allergie).
    Allergy {
        /// To what.
        substance: String,
        /// How dangerous.
        #[arg(long, value_parser = codes(Criticality::CODES))]
        criticality: Option<String>,
        /// Of what kind.
        #[arg(long, value_parser = codes(AllergyCategory::CODES))]
        category: Option<String>,
        /// How certain.
        #[arg(long, value_parser = codes(Verification::CODES))]
        verification: Option<String>,
        /// What it did; may be repeated, with a severity after a colon: urticaire:mild
        #[arg(long = "reaction")]
        reactions: Vec<String>,
        /// State that no allergy is known.
        #[arg(long)]
        none_known: bool,
        #[command(flatten)]
        anything: Anything,
    },
    /// A condition (maladie, antécédent).
    Condition {
        /// Which.
        label: String,
        /// How severe.
        #[arg(long, value_parser = codes(Severity::CODES))]
        severity: Option<String>,
        /// How certain.
        #[arg(long, value_parser = codes(Verification::CODES))]
        verification: Option<String>,
        #[command(flatten)]
        anything: Anything,
    },
    /// A medication taken (traitement).
    Medication {
        /// The product.
        product: String,
        #[command(flatten)]
        dosage: Dosage,
        #[command(flatten)]
        anything: Anything,
    },
    /// An emergency contact (personne à prévenir).
    Contact {
        /// Who.
        name: String,
        /// A number; may be repeated, first to call first.
        #[arg(long = "phone")]
        phones: Vec<String>,
        /// Who they are to the person.
        #[arg(long)]
        relationship: Option<String>,
        #[command(flatten)]
        anything: Anything,
    },
    /// A blood group (groupe sanguin), e.g. "A+"
    BloodGroup {
        /// ABO and RhD.
        #[arg(value_parser = codes(GROUPS), ignore_case = true)]
        group: String,
        /// Who says so: a laboratory, or the person.
        #[arg(long, default_value = DECLARED, value_parser = codes(BloodGroupSource::CODES))]
        group_source: String,
        #[command(flatten)]
        anything: Anything,
    },
    /// An own note.
    Note {
        /// Its title.
        title: String,
        /// What it says.
        #[arg(long)]
        text: Option<String>,
        #[command(flatten)]
        anything: Anything,
    },
    /// Any kind, from a JSON draft.
    Json {
        /// The draft.
        draft: String,
    },
}

/// What to change of an entry.
#[derive(Args)]
pub struct Change {
    /// The end of its identifier, or enough of its label.
    entry: String,
    /// Call it otherwise: label, substance, product, name or title.
    #[arg(long)]
    label: Option<String>,
    /// What stands of it.
    #[arg(long, value_parser = codes(StatusCode::CODES))]
    status: Option<String>,
    /// Why it has that status.
    #[arg(long, requires = "status")]
    reason: Option<String>,
    /// An allergy's criticality.
    #[arg(long, value_parser = codes(Criticality::CODES))]
    criticality: Option<String>,
    /// A condition's severity.
    #[arg(long, value_parser = codes(Severity::CODES))]
    severity: Option<String>,
    /// How certain it is.
    #[arg(long, value_parser = codes(Verification::CODES))]
    verification: Option<String>,
    /// A reaction to add.
    #[arg(long = "reaction")]
    reactions: Vec<String>,
    /// A contact's number to add.
    #[arg(long = "phone")]
    phones: Vec<String>,
    /// A contact's number to take back.
    #[arg(long = "remove-phone")]
    remove_phones: Vec<String>,
    /// A contact's relationship.
    #[arg(long)]
    relationship: Option<String>,
    /// A note's text.
    #[arg(long)]
    text: Option<String>,
    /// A blood group.
    #[arg(long, value_parser = codes(GROUPS), ignore_case = true)]
    group: Option<String>,
    /// Who says that it is this blood group.
    #[arg(long, value_parser = codes(BloodGroupSource::CODES))]
    group_source: Option<String>,
    #[command(flatten)]
    dosage: Dosage,
    #[command(flatten)]
    anything: Anything,
    /// A field to empty.
    #[arg(long)]
    clear: Vec<String>,
    /// Any change, as a JSON patch.
    #[arg(long, conflicts_with_all = ["label", "status"])]
    patch: Option<String>,
}

impl Here<'_> {
    pub(super) fn add(&self, add: Add) -> Result<(), PhoneError> {
        let record = self.record()?;
        if let Some(kind) = add.kind() {
            self.allowed(&record, Wish::Add { kind })?;
        }
        let id = match add {
            Add::Allergy {
                substance,
                criticality,
                category,
                verification,
                reactions,
                none_known,
                anything,
            } => {
                let draft = AllergyDraft {
                    substance: text(substance),
                    no_known_allergy: none_known,
                    category,
                    criticality,
                    verification,
                    reactions: reactions.iter().map(|text| reaction(text)).collect(),
                };
                record.add_allergy(draft, anything.common())?
            }
            Add::Condition {
                label,
                severity,
                verification,
                anything,
            } => {
                let draft = ConditionDraft {
                    label: text(label),
                    severity,
                    verification,
                    ended: None,
                };
                record.add_condition(draft, anything.common())?
            }
            Add::Medication {
                product,
                dosage,
                anything,
            } => record.add_medication(dosage.regimen(product), anything.common())?,
            Add::Contact {
                name,
                phones,
                relationship,
                anything,
            } => {
                let draft = ContactDraft {
                    name,
                    relationship,
                    phones: (1..).zip(phones).map(number).collect(),
                    ..ContactDraft::default()
                };
                record.add_contact(draft, anything.common())?
            }
            Add::BloodGroup {
                group,
                group_source,
                anything,
            } => {
                let (abo, rhd) = abo_and_rhd(&group)?;
                let source = group_source;
                record.add_blood_group(BloodGroupDraft { abo, rhd, source }, anything.common())?
            }
            Add::Note {
                title,
                text,
                anything,
            } => record.add_note(NoteDraft { title, text }, anything.common())?,
            Add::Json { draft } => record.add_json(draft)?,
        };
        let entry = record.entry(id)?;
        self.output.print(&entry, |output| output.entry(&entry));
        Ok(())
    }

    pub(super) fn change(&self, change: Change) -> Result<(), PhoneError> {
        let record = self.record()?;
        let entry = find(&record, &change.entry)?;
        let id = entry.id.clone();
        change.check(&entry.kind)?;
        self.allowed(&record, Wish::Edit { entry: id.clone() })?;
        if let Some(patch) = change.patch {
            record.edit_json(id, patch)?;
        } else {
            if let Some(status) = &change.status {
                record.set_status(id.clone(), status.clone(), change.reason.clone())?;
            }
            if change.touches_common() {
                record.edit_details(id.clone(), change.details())?;
            }
            if !change.named().is_empty() {
                match entry.kind.as_str() {
                    "allergy" => record.edit_allergy(id, change.allergy())?,
                    "condition" => record.edit_condition(id, change.condition())?,
                    "medication-taken" => {
                        let regimen = change.regimen(&entry);
                        record.edit_json(id, regimen.to_string())?;
                    }
                    "emergency-contact" => record.edit_contact(id, change.contact())?,
                    "own-note" => record.edit_note(id, change.note())?,
                    "blood-group" => record.edit_blood_group(id, change.blood_group(&entry)?)?,
                    _ => return Err(PhoneError::NotForThisKind),
                }
            }
        }
        let entry = record.entry(entry.id)?;
        self.output.print(&entry, |output| output.entry(&entry));
        Ok(())
    }
}

impl Add {
    /// The code of the kind that is added; nothing if the draft names none, which is refused later.
    fn kind(&self) -> Option<String> {
        let kind = match self {
            Add::Allergy { .. } => Kind::Allergy,
            Add::Condition { .. } => Kind::Condition,
            Add::Medication { .. } => Kind::MedicationTaken,
            Add::Contact { .. } => Kind::EmergencyContact,
            Add::BloodGroup { .. } => Kind::BloodGroup,
            Add::Note { .. } => Kind::OwnNote,
            Add::Json { draft } => {
                let draft: Value = serde_json::from_str(draft).ok()?;
                return Some(draft.get("kind")?.as_str()?.to_owned());
            }
        };
        Some(kind.code().to_owned())
    }
}

impl Anything {
    fn common(self) -> Option<Common> {
        Some(Common {
            occurred: self.when,
            source: self.from,
            notes: self.notes,
            hidden: self.hidden,
        })
    }
}

impl Dosage {
    fn regimen(self, product: String) -> MedicationDraft {
        MedicationDraft {
            product: text(product),
            substances: self.substances.into_iter().map(text).collect(),
            route: self.route,
            dose: self.dose,
            unit: self.unit,
            frequency: self.frequency,
            as_needed: self.as_needed,
            starts: self.starts,
            ends: self.ends,
            ..MedicationDraft::default()
        }
    }

    fn is_empty(&self) -> bool {
        let texts = [&self.dose, &self.unit, &self.frequency, &self.route];
        let dates = [&self.starts, &self.ends];
        let none = texts.into_iter().chain(dates).all(Option::is_none);
        none && self.substances.is_empty() && !self.as_needed
    }
}

impl Change {
    fn touches_common(&self) -> bool {
        let texts = [
            &self.anything.when,
            &self.anything.from,
            &self.anything.notes,
        ];
        texts.into_iter().any(Option::is_some) || self.clear.iter().any(|name| is_common(name))
    }

    /// The options given that only some kinds have, by name.
    fn named(&self) -> Vec<&'static str> {
        let given = [
            ("label", self.label.is_some()),
            ("criticality", self.criticality.is_some()),
            ("severity", self.severity.is_some()),
            ("verification", self.verification.is_some()),
            ("reaction", !self.reactions.is_empty()),
            ("phone", !self.phones.is_empty()),
            ("remove-phone", !self.remove_phones.is_empty()),
            ("relationship", self.relationship.is_some()),
            ("text", self.text.is_some()),
            ("group", self.group.is_some()),
            ("group-source", self.group_source.is_some()),
            ("dosage", !self.dosage.is_empty()),
            ("clear", !self.clear_kind().is_empty()),
        ];
        let given = given.into_iter().filter(|(_, given)| *given);
        given.map(|(name, _)| name).collect()
    }

    /// Whether something is to be changed, and an entry of this kind has it.
    fn check(&self, kind: &str) -> Result<(), PhoneError> {
        let named = self.named();
        let common = self.patch.is_some() || self.status.is_some() || self.touches_common();
        if named.is_empty() {
            return common.then_some(()).ok_or(PhoneError::NothingNamed);
        }
        let has: &[&str] = match kind {
            "allergy" => &["label", "criticality", "verification", "reaction", "clear"],
            "condition" => &["label", "severity", "verification", "clear"],
            "medication-taken" => &["label", "dosage", "clear"],
            "emergency-contact" => &["label", "phone", "remove-phone", "relationship", "clear"],
            "own-note" => &["label", "text", "clear"],
            "blood-group" => &["group", "group-source"],
            _ => &[],
        };
        let known = named.iter().all(|name| has.contains(name));
        known.then_some(()).ok_or(PhoneError::NotForThisKind)
    }

    fn clear_kind(&self) -> Vec<String> {
        let names = self.clear.iter().filter(|name| !is_common(name));
        names.cloned().collect()
    }

    fn details(&self) -> Details {
        let names = self.clear.iter().filter(|name| is_common(name));
        Details {
            occurred: self.anything.when.clone(),
            source: self.anything.from.clone(),
            notes: self.anything.notes.clone(),
            hidden_from_representatives: None,
            clear: names.cloned().collect(),
        }
    }

    fn allergy(&self) -> AllergyEdit {
        AllergyEdit {
            substance: self.label.clone().map(text),
            category: None,
            criticality: self.criticality.clone(),
            verification: self.verification.clone(),
            reactions: self.reactions.iter().map(|text| reaction(text)).collect(),
            clear: self.clear_kind(),
        }
    }

    fn condition(&self) -> ConditionEdit {
        ConditionEdit {
            label: self.label.clone().map(text),
            severity: self.severity.clone(),
            verification: self.verification.clone(),
            ended: None,
            clear: self.clear_kind(),
        }
    }

    fn contact(&self) -> ContactEdit {
        ContactEdit {
            name: self.label.clone(),
            relationship: self.relationship.clone(),
            phones: (1..).zip(self.phones.clone()).map(number).collect(),
            remove_phones: self.remove_phones.clone(),
            clear: self.clear_kind(),
            ..ContactEdit::default()
        }
    }

    fn note(&self) -> NoteEdit {
        NoteEdit {
            title: self.label.clone(),
            text: self.text.clone(),
            clear: self.clear_kind(),
        }
    }

    /// The whole blood group anew: what stands, with what was named changed in it.
    fn blood_group(&self, entry: &crate::face::Entry) -> Result<BloodGroupDraft, CarnetError> {
        let standing = standing(entry, "blood-group");
        let kept = |name: &str| {
            let value = standing.get(name).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        let (abo, rhd) = match &self.group {
            Some(group) => abo_and_rhd(group)?,
            None => (kept("abo"), kept("rhd")),
        };
        let source = self.group_source.clone();
        let source = source.unwrap_or_else(|| kept("source"));
        Ok(BloodGroupDraft { abo, rhd, source })
    }

    /// The whole regimen anew, as a JSON patch: what stands, with what was named changed in it.
    fn regimen(&self, entry: &crate::face::Entry) -> Value {
        let mut regimen = standing(entry, "regimen");
        let texts = [
            ("dose", &self.dosage.dose),
            ("unit", &self.dosage.unit),
            ("frequency", &self.dosage.frequency),
            ("route", &self.dosage.route),
            ("starts", &self.dosage.starts),
            ("ends", &self.dosage.ends),
        ];
        for (name, value) in texts {
            if let Some(value) = value {
                regimen.insert(name.to_owned(), json!(value));
            }
        }
        if let Some(product) = &self.label {
            regimen.insert("product".to_owned(), json!({ "text": product }));
        }
        if !self.dosage.substances.is_empty() {
            let substances = self.dosage.substances.iter();
            let labels: Vec<_> = substances.map(|text| json!({ "text": text })).collect();
            regimen.insert("substances".to_owned(), json!(labels));
        }
        if self.dosage.as_needed {
            regimen.insert("as-needed".to_owned(), json!(true));
        }
        for name in self.clear_kind() {
            regimen.remove(&name);
        }
        json!({ "kind": "medication-taken", "regimen": regimen })
    }
}

fn is_common(name: &str) -> bool {
    ["occurred", "source", "notes"].contains(&name)
}

fn text(text: String) -> CodedText {
    CodedText {
        text,
        ..CodedText::default()
    }
}

fn reaction(words: &str) -> Reaction {
    let (manifestation, severity) = match words.rsplit_once(':') {
        Some((words, severity)) => (words, Some(severity.trim().to_owned())),
        None => (words, None),
    };
    Reaction {
        manifestation: text(manifestation.trim().to_owned()),
        severity,
    }
}

fn number((rank, number): (u32, String)) -> PhoneNumber {
    PhoneNumber {
        number,
        rank,
        used_for: None,
    }
}

/// The members of a field that is one value.
fn standing(entry: &crate::face::Entry, key: &str) -> Map<String, Value> {
    let field = entry.fields.iter().find(|field| field.key == key);
    let claim = field.and_then(|field| field.claims.last());
    claim
        .and_then(|claim| serde_json::from_str(&claim.json).ok())
        .unwrap_or_default()
}

const GROUPS: &[&str] = &["A+", "A-", "B+", "B-", "AB+", "AB-", "O+", "O-"];
const DECLARED: &str = "declared";

fn day(text: &str) -> Result<String, &'static str> {
    let day = text.parse::<Occurred>();
    day.map(|_| text.to_owned())
        .map_err(|_| "a date is 2024, 2024-05 or 2024-05-03")
}

fn amount(text: &str) -> Result<String, &'static str> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let fits = digits(whole) && digits(part);
    fits.then(|| text.to_owned())
        .ok_or("an amount is digits with at most one point, like 1 or 0.5")
}

/// Takes one of these codes.
fn codes(codes: &'static [&'static str]) -> PossibleValuesParser {
    PossibleValuesParser::new(codes.iter().copied())
}

fn abo_and_rhd(group: &str) -> Result<(String, String), CarnetError> {
    let group = group.to_lowercase();
    let split = |sign, rhd: &str| Some((group.strip_suffix(sign)?.to_owned(), rhd.to_owned()));
    let parts = split('+', "positive").or_else(|| split('-', "negative"));
    parts.ok_or(CarnetError::Invalid {
        field: "blood-group".to_owned(),
        problem: "unusable".to_owned(),
    })
}
