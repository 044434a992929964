//! From what was given after options to what is filled in of an entry.

use serde_json::{Map, Value as Json, json};
use sync_core::entry::Value;
use sync_core::kind::contact::PHONE;
use sync_core::kind::measurement::MEASUREMENT;
use sync_core::kind::vital_sign::{BLOOD_PRESSURE, DIASTOLIC, SYSTOLIC};
use sync_core::kind::{FieldSpec, Filled, Kind, Status, StatusCode, VitalSign, normalise};

use super::PhoneError;
use super::here::Here;
use super::options::{Opt, Takes, options};
use super::output::Language;
use super::read::find;
use super::values::{Unfit, value};
use crate::error::{CarnetError, Error};
use crate::face::{Entry, Record};

/// Who says so of a blood group, when nobody says who does.
const DECLARED: &str = "declared";

/// What was given, by the names of options.
#[derive(Clone, Debug, Default)]
pub struct Given {
    values: Vec<(String, Vec<String>)>,
    taken_back: Vec<(String, Vec<String>)>,
}

impl Given {
    pub(super) fn add(&mut self, name: &str, values: Vec<String>) {
        self.values.push((name.to_owned(), values));
    }

    pub(super) fn take_back(&mut self, set: &str, members: Vec<String>) {
        if !members.is_empty() {
            self.taken_back.push((set.to_owned(), members));
        }
    }
}

impl Given {
    /// Whether an entry of this kind has all that was given, and it may change.
    pub(super) fn fits(&self, kind: &Kind) -> bool {
        let options = options(kind);
        let has = |name: &String| {
            let named = |opt: &&Opt| opt.name == *name || opt.also.as_ref() == Some(name);
            options
                .iter()
                .find(named)
                .is_some_and(|opt| !opt.spec.fixed)
        };
        let given = self.values.iter().chain(&self.taken_back);
        given.map(|(name, _)| name).all(has)
    }
}

/// A status by its code, or by its words.
pub(super) fn status(text: &str, reason: Option<String>) -> Result<Status, PhoneError> {
    let code = value(Takes::Code(StatusCode::LIST), text).map_err(|why| unfit("status", why))?;
    let code = StatusCode::from(code.as_str().unwrap_or_default());
    Ok(Status {
        reason,
        ..Status::from(code)
    })
}

fn unfit(option: &str, why: Unfit) -> PhoneError {
    let option = option.to_owned();
    PhoneError::Unfit { option, why }
}

impl Here<'_> {
    /// What is given of a new entry, with nothing required left out.
    pub(super) fn new_entry(
        &self,
        record: &Record,
        kind: &Kind,
        given: &Given,
    ) -> Result<Filled, PhoneError> {
        let options = options(kind);
        let has = |opt: &Opt| given.values.iter().any(|(name, _)| *name == opt.name);
        let assumed = |opt: &Opt| opt.name == "group-source";
        let missing = options
            .iter()
            .filter(|opt| opt.required && !has(opt) && !assumed(opt));
        let missing: Vec<String> = missing.map(|opt| format!("--{}", opt.name)).collect();
        if !missing.is_empty() {
            return Err(PhoneError::Missing { options: missing });
        }
        let filling = Filling {
            here: self,
            record,
            kind,
            options: &options,
            entry: None,
        };
        filling.fill(given, &[])
    }

    /// What is given of an entry that is there: the parts of a value that is written as a whole are
    /// changed in what stands.
    pub(super) fn edited(
        &self,
        record: &Record,
        entry: &Entry,
        given: &Given,
        clear: &[String],
    ) -> Result<Filled, PhoneError> {
        let kind = Kind::from(entry.kind.as_str());
        let filling = Filling {
            here: self,
            record,
            kind: &kind,
            options: &options(&kind),
            entry: Some(entry),
        };
        filling.fill(given, clear)
    }
}

struct Filling<'f> {
    here: &'f Here<'f>,
    record: &'f Record,
    kind: &'f Kind,
    options: &'f [Opt],
    entry: Option<&'f Entry>,
}

impl Filling<'_> {
    fn fill(&self, given: &Given, clear: &[String]) -> Result<Filled, PhoneError> {
        let mut filled = Filled::new(self.kind.clone());
        let mut main: Option<(&'static FieldSpec, Map<String, Json>)> = None;
        for name in clear {
            let opt = self.cleared(name)?;
            match opt.member {
                Some(member) => {
                    let (_, parts) =
                        main.get_or_insert_with(|| (opt.spec, self.standing(opt.spec)));
                    parts.remove(member.name);
                }
                None => put(&mut filled, opt.spec, Value::Null)?,
            }
        }
        for (name, texts) in &given.values {
            let opt = self.option(name)?;
            match opt.member {
                Some(_) => {
                    let (_, parts) =
                        main.get_or_insert_with(|| (opt.spec, self.standing(opt.spec)));
                    self.part(opt, texts, parts)?;
                }
                None => {
                    for (place, text) in texts.iter().enumerate() {
                        let value = self.whole(opt, text, place)?;
                        put(&mut filled, opt.spec, value)?;
                    }
                }
            }
        }
        for (set, members) in &given.taken_back {
            for member in members {
                self.take_back(&mut filled, set, member)?;
            }
        }
        if let Some((spec, mut parts)) = main {
            match spec.key {
                MEASUREMENT => measured(&mut parts, self.here.output.language)?,
                "blood-group" => {
                    parts.entry("source").or_insert_with(|| json!(DECLARED));
                }
                _ => {}
            }
            put(
                &mut filled,
                spec,
                Value::Text(Json::Object(parts).to_string()),
            )?;
        }
        Ok(filled)
    }

    fn option(&self, name: &str) -> Result<&Opt, PhoneError> {
        let mut options = self.options.iter();
        let found = options.find(|opt| opt.name == name || opt.also.as_deref() == Some(name));
        found.ok_or_else(|| PhoneError::NotForThisKind {
            option: name.to_owned(),
            kind: self.kind.code().to_owned(),
        })
    }

    /// The option of a field to empty, by its name or by its key.
    fn cleared(&self, name: &str) -> Result<&Opt, PhoneError> {
        let by_key = |opt: &&Opt| match opt.member {
            Some(member) => member.name == name,
            None => opt.spec.key == name,
        };
        let by_key = self.options.iter().find(by_key);
        by_key.map_or_else(|| self.option(name), Ok)
    }

    /// The parts that stand of a field; where several stand, those written last.
    fn standing(&self, spec: &FieldSpec) -> Map<String, Json> {
        let fields = self.entry.map_or(&[][..], |entry| &entry.fields);
        let field = fields.iter().find(|field| field.key == spec.key);
        let claim = field.and_then(|field| field.claims.last());
        claim
            .and_then(|claim| serde_json::from_str(&claim.json).ok())
            .unwrap_or_default()
    }

    fn part(
        &self,
        opt: &Opt,
        texts: &[String],
        parts: &mut Map<String, Json>,
    ) -> Result<(), PhoneError> {
        let Some(member) = opt.member else {
            return Ok(());
        };
        let values = texts.iter().map(|text| match (opt.spec.key, member.name) {
            // Of a blood pressure they are two numbers; see below.
            (MEASUREMENT, "value") if text.contains('/') => Ok(json!(text)),
            _ => value(opt.takes, text).map_err(|why| unfit(&opt.name, why)),
        });
        let mut values = values.collect::<Result<Vec<Json>, _>>()?;
        if opt.many {
            parts.insert(member.name.to_owned(), Json::Array(values));
        } else if let Some(value) = values.pop() {
            match (opt.takes, value) {
                (Takes::Group, Json::Object(group)) => parts.extend(group),
                (Takes::Flag, Json::Bool(false)) => drop(parts.remove(member.name)),
                (_, value) => drop(parts.insert(member.name.to_owned(), value)),
            }
        }
        Ok(())
    }

    fn whole(&self, opt: &Opt, text: &str, place: usize) -> Result<Value, PhoneError> {
        if matches!(opt.takes, Takes::Entry) {
            return Ok(Value::Text(find(self.record, text)?.id));
        }
        let mut value = value(opt.takes, text).map_err(|why| unfit(&opt.name, why))?;
        if let (PHONE, Json::Object(phone)) = (opt.spec.key, &mut value) {
            let rank = self.last_rank() + 1 + place as u64;
            phone.entry("rank").or_insert_with(|| json!(rank));
        }
        Ok(match value {
            Json::Bool(flag) => Value::Bool(flag),
            Json::Number(number) => Value::Uint(number.as_u64().unwrap_or_default()),
            Json::String(text) => Value::Text(text),
            other => Value::Text(other.to_string()),
        })
    }

    /// The rank of the number that is called last.
    fn last_rank(&self) -> u64 {
        let numbers = self.members(PHONE);
        let ranks = numbers.iter().filter_map(|phone| phone["rank"].as_u64());
        ranks.max().unwrap_or_default()
    }

    /// The members of a set that stand and were not taken back.
    fn members(&self, set: &str) -> Vec<Json> {
        let fields = self.entry.map_or(&[][..], |entry| &entry.fields);
        let of_set = fields.iter().filter(|field| {
            let member = field.key.strip_prefix(set);
            member.is_some_and(|member| member.starts_with('/'))
        });
        let claims = of_set.filter_map(|field| field.claims.last());
        let members = claims.filter_map(|claim| serde_json::from_str::<Json>(&claim.json).ok());
        members
            .filter(|member| member["removed"].is_null())
            .collect()
    }

    fn take_back(&self, filled: &mut Filled, set: &str, name: &str) -> Result<(), PhoneError> {
        let opt = self.option(set)?;
        let digits = |text: &str| {
            text.chars()
                .filter(char::is_ascii_digit)
                .collect::<String>()
        };
        let is_it = |member: &Json| match set {
            PHONE => member["number"].as_str().map(digits) == Some(digits(name)),
            _ => {
                let text = member["manifestation"]["text"].as_str();
                text.map(normalise) == Some(normalise(name))
            }
        };
        let found = self.members(set).into_iter().find(is_it);
        let mut member = found.ok_or(PhoneError::NoneCalled)?;
        member["removed"] = json!("removed");
        put(filled, opt.spec, Value::Text(member.to_string()))
    }
}

fn put(filled: &mut Filled, spec: &FieldSpec, value: Value) -> Result<(), PhoneError> {
    let put = filled.put(spec, value);
    Ok(put.map_err(Error::from).map_err(CarnetError::from)?)
}

/// What is often measured is known by its name, with its code and its usual unit; a blood pressure
/// is two numbers, written `128/79`.
fn measured(parts: &mut Map<String, Json>, language: Language) -> Result<(), PhoneError> {
    let what = parts.get("what").cloned().unwrap_or_default();
    let text = normalise(what["text"].as_str().unwrap_or_default());
    let named = |sign: &&VitalSign| {
        [sign.title.en, sign.title.fr]
            .map(normalise)
            .contains(&text)
    };
    let coded = |sign: &&VitalSign| what["code"].as_str() == Some(sign.code);
    let known = VitalSign::ALL
        .iter()
        .find(|sign| match what["code"].is_null() {
            true => named(sign),
            false => coded(sign),
        });
    let tag = match language {
        Language::En => "en",
        Language::Fr => "fr",
    };
    let label = |sign: &VitalSign| serde_json::to_value(sign.label(tag)).unwrap_or_default();
    if let (Some(sign), true) = (known, what["code"].is_null()) {
        parts.insert("what".to_owned(), label(sign));
    }
    let Some(value) = parts.get("value").and_then(Json::as_str).map(str::to_owned) else {
        return Ok(());
    };
    let pressure = known.is_some_and(|sign| sign.code == BLOOD_PRESSURE.code);
    match (value.split_once('/'), known) {
        (Some((high, low)), _) if pressure => {
            let unit = parts
                .remove("unit")
                .unwrap_or_else(|| json!(BLOOD_PRESSURE.units[0]));
            parts.remove("value");
            let part = |sign: &VitalSign, text: &str| {
                let number = super::values::value(Takes::Decimal(false), text.trim());
                let number = number.map_err(|why| unfit("value", why))?;
                Ok::<_, PhoneError>(json!({ "what": label(sign), "value": number, "unit": unit }))
            };
            let both = json!([part(&SYSTOLIC, high)?, part(&DIASTOLIC, low)?]);
            parts.insert("components".to_owned(), both);
        }
        (Some(_), _) => return Err(unfit("value", Unfit::Decimal)),
        (None, Some(sign)) if !pressure => {
            parts.entry("unit").or_insert_with(|| json!(sign.units[0]));
        }
        _ => {}
    }
    Ok(())
}
