//! Entries as a screen shows them: every value in words, in English and in French.

use std::collections::BTreeMap;

use sync_core::entry::{self, Value};
use sync_core::kind::{
    BloodGroup, JsonScalar as _, Kind, Label, Phone, Reaction, Regimen, RhD, Said, Severity, Shape,
    Status, Words,
};
use sync_core::merge::{self, Danger, EntryView, FieldClaim, FieldView, Standing};
use sync_core::{EntryId, PersonId, Tick};

/// The same in English and in French.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct Bilingual {
    /// English.
    pub en: String,
    /// French.
    pub fr: String,
}

/// Who did something, and when.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct Stamp {
    /// Who.
    pub person: String,
    /// Their name, if this device knows it.
    pub name: Option<String>,
    /// In what role.
    pub role: String,
    /// For whom, when for somebody else.
    pub on_behalf_of: Option<String>,
    /// When, by the device's clock.
    pub at: i64,
    /// When the record got it; nothing while it is on this device only.
    pub accepted: Option<i64>,
}

/// A value and who says so.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct Claim {
    /// In words.
    pub text: Bilingual,
    /// As it is kept.
    pub json: String,
    /// Who says so.
    pub by: Option<Stamp>,
    /// Names the edit, to take this side of a conflict.
    pub change: String,
}

/// A field of an entry.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct Field {
    /// Its key.
    pub key: String,
    /// What people call it.
    pub title: Bilingual,
    /// What may be shown as so: one value, several that are all kept, or none when none is
    /// current.
    pub current: Vec<Bilingual>,
    /// All values that stand.
    pub claims: Vec<Claim>,
    /// What is proposed in their stead.
    pub proposals: Vec<Claim>,
}

/// How dangerous it is to leave something alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, uniffi::Enum)]
pub enum DangerLevel {
    /// Good to know.
    Notice,
    /// Somebody should look.
    Low,
    /// May mislead treatment.
    Moderate,
    /// May harm.
    High,
    /// May kill.
    Critical,
}

/// What to know before trusting an entry.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct FlagInfo {
    /// A stable word.
    pub code: String,
    /// How dangerous it is to leave it alone.
    pub danger: DangerLevel,
    /// What it means.
    pub words: Bilingual,
    /// The field it is about.
    pub field: Option<String>,
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, uniffi::Enum)]
pub enum EntryStanding {
    /// It counts.
    Active,
    /// It no longer counts.
    Ended,
    /// Stopped and changed at once: neither.
    ToReconcile,
    /// It should never have been written.
    InError,
}

/// An entry as a screen shows it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct Entry {
    /// Names it.
    pub id: String,
    /// Its kind's code.
    pub kind: String,
    /// What people call its kind.
    pub kind_title: Bilingual,
    /// What it is called.
    pub label: String,
    /// In one line: what it is called and what matters most of it.
    pub summary: Bilingual,
    /// What became of it.
    pub standing: EntryStanding,
    /// Its status, in words.
    pub status: Bilingual,
    /// Why it has that status.
    pub reason: Option<String>,
    /// Whether a clinician's confirmation stands.
    pub confirmed: bool,
    /// Whether it is hidden from professionals.
    pub hidden: bool,
    /// Whether it is hidden from caregivers and representatives.
    pub hidden_from_representatives: bool,
    /// What to know before trusting it.
    pub flags: Vec<FlagInfo>,
    /// Its fields.
    pub fields: Vec<Field>,
    /// Who created it.
    pub created: Option<Stamp>,
    /// Who edited it last.
    pub edited: Option<Stamp>,
    /// When the record got it; nothing while it is on this device only.
    pub recorded: Option<i64>,
    /// How many of its changes are on this device only.
    pub unsent: u32,
}

/// An entry in a list.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct EntryLine {
    /// Names it.
    pub id: String,
    /// Its kind's code.
    pub kind: String,
    /// What people call its kind.
    pub kind_title: Bilingual,
    /// What it is called.
    pub label: String,
    /// In one line: what it is called and what matters most of it.
    pub summary: Bilingual,
    /// What became of it.
    pub standing: EntryStanding,
    /// Its status, in words.
    pub status: Bilingual,
    /// Whether a clinician's confirmation stands.
    pub confirmed: bool,
    /// Whether it is hidden from professionals.
    pub hidden: bool,
    /// What to know before trusting it: stable words.
    pub flags: Vec<String>,
    /// How many of its changes are on this device only.
    pub unsent: u32,
}

impl From<&Entry> for EntryLine {
    fn from(entry: &Entry) -> Self {
        EntryLine {
            id: entry.id.clone(),
            kind: entry.kind.clone(),
            kind_title: entry.kind_title.clone(),
            label: entry.label.clone(),
            summary: entry.summary.clone(),
            standing: entry.standing,
            status: entry.status.clone(),
            confirmed: entry.confirmed,
            hidden: entry.hidden,
            flags: entry.flags.iter().map(|flag| flag.code.clone()).collect(),
            unsent: entry.unsent,
        }
    }
}

/// The names known on this device.
pub(super) struct Names(pub BTreeMap<PersonId, String>);

impl Names {
    /// An entry, with what others cast on it.
    pub fn linked(&self, view: &EntryView, linked: &[(EntryId, merge::Flag)]) -> Entry {
        let mut entry = self.entry(view);
        entry
            .flags
            .extend(linked.iter().map(|(_, found)| flag(found)));
        entry
    }

    /// An entry in a list, with what others cast on it.
    pub fn line(&self, view: &EntryView, linked: &[(EntryId, merge::Flag)]) -> EntryLine {
        let flags = view.flags.iter().chain(linked.iter().map(|(_, flag)| flag));
        EntryLine {
            id: view.id.to_string(),
            kind: view.kind.code().to_owned(),
            kind_title: view.kind.title().into(),
            label: view.label.clone(),
            summary: self.summary(view),
            standing: view.standing.into(),
            status: status(view),
            confirmed: view.confirmed,
            hidden: view.visibility.hidden_from_professionals,
            flags: flags.map(|flag| flag.code.code().to_owned()).collect(),
            unsent: unsent(view),
        }
    }

    /// An entry by itself.
    pub fn entry(&self, view: &EntryView) -> Entry {
        let fields: Vec<Field> = view
            .fields
            .iter()
            .map(|field| self.field(view, field))
            .collect();
        Entry {
            id: view.id.to_string(),
            kind: view.kind.code().to_owned(),
            kind_title: view.kind.title().into(),
            label: view.label.clone(),
            summary: self.summary(view),
            standing: view.standing.into(),
            status: status(view),
            reason: view.status.reason.clone(),
            confirmed: view.confirmed,
            hidden: view.visibility.hidden_from_professionals,
            hidden_from_representatives: view.visibility.hidden_from_representatives,
            flags: view.flags.iter().map(flag).collect(),
            fields,
            created: view.created.as_ref().map(|stamp| self.stamp(stamp)),
            edited: view.edited.as_ref().map(|stamp| self.stamp(stamp)),
            recorded: view.recorded.map(Tick::millis),
            unsent: unsent(view),
        }
    }

    /// In one line: what an entry is called and what matters most of it.
    pub fn summary(&self, view: &EntryView) -> Bilingual {
        let main = sync_core::kind::main_field(&view.kind);
        let current = view.field(main).map_or(&[][..], |field| &field.current);
        let texts: Vec<_> = current
            .iter()
            .map(|value| self.text(&view.kind, main, value))
            .collect();
        match texts.as_slice() {
            [] => same(view.label.clone()),
            texts => join(texts),
        }
    }

    fn field(&self, view: &EntryView, field: &FieldView) -> Field {
        let title = view.kind.field(&field.key).map(|spec| spec.title);
        let claims = |claims: &[FieldClaim]| {
            let claims = claims.iter();
            claims
                .map(|claim| self.claim(&view.kind, &field.key, claim))
                .collect()
        };
        Field {
            title: title.map_or_else(|| same(field.key.clone()), Bilingual::from),
            current: field
                .current
                .iter()
                .map(|value| self.text(&view.kind, &field.key, value))
                .collect(),
            claims: claims(&field.claims),
            proposals: claims(&field.proposals),
            key: field.key.clone(),
        }
    }

    pub fn claim(&self, kind: &Kind, key: &str, claim: &FieldClaim) -> Claim {
        Claim {
            text: self.text(kind, key, &claim.value),
            json: json(&claim.value),
            by: claim.by.as_ref().map(|stamp| self.stamp(stamp)),
            change: claim.change.to_string(),
        }
    }

    pub fn stamp(&self, stamp: &merge::Stamp) -> Stamp {
        Stamp {
            person: stamp.author.to_string(),
            name: self.0.get(&stamp.author).cloned(),
            role: stamp.role.as_str().to_owned(),
            on_behalf_of: stamp.on_behalf_of.map(|person| person.to_string()),
            at: stamp.at.0,
            accepted: stamp.accepted.map(Tick::millis),
        }
    }

    /// A value of a key of a kind in words.
    pub fn text(&self, kind: &Kind, key: &str, value: &Value) -> Bilingual {
        let name = key.split('/').next().unwrap_or(key);
        let said = || Some(Bilingual::from(kind.field(key)?.say(value)?));
        match (name, value) {
            (_, Value::Null) => same("—".to_owned()),
            (_, Value::Bool(true)) => words(Words::new("yes", "oui")),
            (_, Value::Bool(false)) => words(Words::new("no", "non")),
            ("person", Value::Text(text)) => {
                let name = text.parse().ok().and_then(|person| self.0.get(&person));
                same(name.unwrap_or(text).clone())
            }
            (entry::KIND, Value::Text(text)) => Kind::from(text.clone()).title().into(),
            (_, Value::Text(text)) if text.starts_with('{') => {
                let worded = structured(name, value).or_else(said);
                worded.unwrap_or_else(|| same(text.clone()))
            }
            (_, Value::Text(text)) => said().unwrap_or_else(|| same(text.clone())),
            (_, Value::Uint(number)) => match kind.field(key).map(|spec| spec.shape) {
                Some(Shape::Number(_)) => same(number.to_string()),
                _ => same(moment(Tick(*number))),
            },
            (_, Value::Int(number)) => same(number.to_string()),
            (_, Value::Bytes(bytes)) => Bilingual {
                en: format!("{} bytes", bytes.len()),
                fr: format!("{} octets", bytes.len()),
            },
        }
    }
}

fn status(view: &EntryView) -> Bilingual {
    let status = &view.status.status;
    let code = || same(status.code().to_owned());
    status.words().map_or_else(code, Bilingual::from)
}

fn unsent(view: &EntryView) -> u32 {
    u32::try_from(view.unsent).unwrap_or(u32::MAX)
}

/// Of a removal, which has a reason.
const NO_REASON: Words = Words::new(" (no reason given)", " (sans motif)");

/// A value of several parts that is better said otherwise than part by part; nothing for another,
/// nor when it is of a newer version.
fn structured(name: &str, value: &Value) -> Option<Bilingual> {
    Some(match name {
        "label" => same(Label::from_value(value)?.text),
        "status" => {
            let status = Status::from_value(value)?;
            let words = status.status.words().map(Bilingual::from);
            let words = words.unwrap_or_else(|| same(status.status.code().to_owned()));
            match status.reason {
                None if status.lacks_reason() => words.with(&NO_REASON.into()),
                None => words,
                Some(reason) => words.with(&same(format!(" ({reason})"))),
            }
        }
        "regimen" => regimen(&Regimen::from_value(value)?),
        "reaction" => reaction(&Reaction::from_value(value)?),
        "phone" => phone(&Phone::from_value(value)?),
        "blood-group" => blood_group(&BloodGroup::from_value(value)?),
        _ => return None,
    })
}

pub(super) fn reaction(reaction: &Reaction) -> Bilingual {
    let severity = reaction.severity.as_ref().and_then(Severity::words);
    let text = same(reaction.manifestation.text.clone()).and(severity);
    taken_back(text, reaction.removed.is_some())
}

pub(super) fn phone(phone: &Phone) -> Bilingual {
    let used = phone.used_for.as_ref().map(|used| format!(" ({used})"));
    let text = same(format!("{}{}", phone.number, used.unwrap_or_default()));
    taken_back(text, phone.removed.is_some())
}

pub(super) fn blood_group(group: &BloodGroup) -> Bilingual {
    let abo = group.abo.words().map_or("?", |words| words.en);
    let sign = match group.rhd {
        RhD::Positive => "+",
        RhD::Negative => "−",
        RhD::Other(_) => "?",
    };
    same(format!("{abo}{sign}")).and(group.source.words())
}

pub(super) fn regimen(regimen: &Regimen) -> Bilingual {
    let mut text = same(regimen.product.text.clone());
    let dose = [&regimen.dose, &regimen.unit].map(|part| part.as_deref().unwrap_or_default());
    let parts = [
        Some(dose.join(" ").trim().to_owned()),
        regimen.frequency.clone(),
        regimen.route.clone(),
    ];
    for part in parts.into_iter().flatten().filter(|part| !part.is_empty()) {
        text = text.with(&same(format!(", {part}")));
    }
    if regimen.as_needed {
        text = text.with(&words(Words::new(", when needed", ", si besoin")));
    }
    if let Some(most) = &regimen.as_needed_maximum {
        text = text.with(&Bilingual {
            en: format!(", at most {most} a day"),
            fr: format!(", au plus {most} par jour"),
        });
    }
    match (regimen.starts, regimen.ends) {
        (Some(starts), Some(ends)) => text.with(&same(format!(", {starts} → {ends}"))),
        (Some(starts), None) => text.with(&Bilingual {
            en: format!(", since {starts}"),
            fr: format!(", depuis {starts}"),
        }),
        (None, Some(ends)) => text.with(&same(format!(", → {ends}"))),
        (None, None) => text,
    }
}

fn taken_back(text: Bilingual, removed: bool) -> Bilingual {
    if removed {
        text.with(&words(Words::new(" [taken back]", " [retiré]")))
    } else {
        text
    }
}

fn flag(flag: &merge::Flag) -> FlagInfo {
    FlagInfo {
        code: flag.code.code().to_owned(),
        danger: flag.code.danger().into(),
        words: flag.code.words().into(),
        field: flag.field.clone(),
    }
}

impl Bilingual {
    fn with(&self, more: &Bilingual) -> Self {
        Bilingual {
            en: format!("{}{}", self.en, more.en),
            fr: format!("{}{}", self.fr, more.fr),
        }
    }

    /// Both, with a space between them.
    pub(super) fn spaced(&self, more: &Bilingual) -> Self {
        self.with(&same(" ".to_owned())).with(more)
    }

    fn and(self, more: Option<Words>) -> Self {
        match more {
            Some(more) => self.with(&Bilingual {
                en: format!(" ({})", more.en),
                fr: format!(" ({})", more.fr),
            }),
            None => self,
        }
    }
}

impl From<Said> for Bilingual {
    fn from(said: Said) -> Self {
        Bilingual {
            en: said.en,
            fr: said.fr,
        }
    }
}

impl From<Words> for Bilingual {
    fn from(words: Words) -> Self {
        Bilingual {
            en: words.en.to_owned(),
            fr: words.fr.to_owned(),
        }
    }
}

impl From<Danger> for DangerLevel {
    fn from(danger: Danger) -> Self {
        match danger {
            Danger::Notice => DangerLevel::Notice,
            Danger::Low => DangerLevel::Low,
            Danger::Moderate => DangerLevel::Moderate,
            Danger::High => DangerLevel::High,
            Danger::Critical => DangerLevel::Critical,
        }
    }
}

impl From<Standing> for EntryStanding {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Active => EntryStanding::Active,
            Standing::Ended => EntryStanding::Ended,
            Standing::ToReconcile => EntryStanding::ToReconcile,
            Standing::InError => EntryStanding::InError,
        }
    }
}

fn words(words: Words) -> Bilingual {
    words.into()
}

pub(super) fn same(text: String) -> Bilingual {
    Bilingual {
        en: text.clone(),
        fr: text,
    }
}

pub(super) fn join(texts: &[Bilingual]) -> Bilingual {
    let each = |text: fn(&Bilingual) -> &str| {
        let texts: Vec<_> = texts.iter().map(text).collect();
        texts.join(" / ")
    };
    Bilingual {
        en: each(|text| &text.en),
        fr: each(|text| &text.fr),
    }
}

/// A moment in UTC, to the minute.
pub(super) fn moment(tick: Tick) -> String {
    let moment = jiff::Timestamp::from_millisecond(tick.millis());
    moment.map_or_else(
        |_| tick.0.to_string(),
        |moment| moment.strftime("%Y-%m-%d %H:%M").to_string(),
    )
}

fn json(value: &Value) -> String {
    match value {
        Value::Text(text) if text.starts_with('{') => text.clone(),
        Value::Text(text) => serde_json::Value::from(text.as_str()).to_string(),
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Bytes(bytes) => {
            serde_json::to_string(&sync_core::Bytes(bytes.clone())).unwrap_or_default()
        }
    }
}
