//! The options of `add` and `edit`, from the tables that declare the kinds.
//!
//! Every field is an option of its key's name. The main field of a kind comes first and without a
//! name; if it is made of parts, each part is an option, and they are written as one value.

use sync_core::kind::{Codes, FieldSpec, Join, Kind, Member, MemberShape, Shape, Structure, Words};

/// What people call a kind for short.
const SHORT: [(&str, &str); 6] = [
    ("medication-taken", "medication"),
    ("medication-prescribed", "prescription"),
    ("medication-dispensed", "dispensation"),
    ("emergency-contact", "contact"),
    ("own-note", "note"),
    ("advance-directive", "directive"),
];

/// Common fields that people name otherwise than by their keys.
const SAID: [(&str, &str); 3] = [
    ("occurred", "when"),
    ("source", "from"),
    ("hidden-from-professionals", "hidden"),
];

/// Names that mean something else on the command line.
const TAKEN: [&str; 11] = [
    "status", "reason", "clear", "patch", "entry", "json", "lang", "store", "type", "source",
    "help",
];

/// What an option takes.
#[derive(Clone, Copy)]
pub(super) enum Takes {
    /// Yes or no.
    Flag,
    /// A whole number of at most this.
    Number(u32),
    /// Text.
    Text,
    /// Digits with at most one point or comma; perhaps a minus sign.
    Decimal(bool),
    /// One of these codes, or its words.
    Code(&'static Codes),
    /// A year, month, day or instant.
    Date,
    /// A whole day.
    Day,
    /// An identifier.
    Person,
    /// An entry of the record.
    Entry,
    /// Parts that belong together, in one text.
    Parts(&'static Structure),
    /// An ABO group with its RhD.
    Group,
}

/// An option of an entry of one kind.
#[derive(Clone)]
pub(super) struct Opt {
    /// Its name on the command line.
    pub name: String,
    /// Its other name, if it has one.
    pub also: Option<String>,
    /// The field it writes.
    pub spec: &'static FieldSpec,
    /// The part of the field it writes; the whole field without it.
    pub member: Option<&'static Member>,
    /// What it takes.
    pub takes: Takes,
    /// What people call it.
    pub title: Words,
    /// Whether it may be given several times.
    pub many: bool,
    /// Whether a new entry must have it.
    pub required: bool,
    /// Whether `add` takes it without its name.
    pub positional: bool,
}

/// What people call a kind for short, if not by its code.
pub(super) fn short_name(kind: &Kind) -> Option<&'static str> {
    let found = SHORT.iter().find(|(code, _)| *code == kind.code());
    found.map(|(_, short)| *short)
}

/// The options of a kind, the main field's first.
pub(super) fn options(kind: &Kind) -> Vec<Opt> {
    let mut all = Vec::new();
    for (place, spec) in kind.form().enumerate() {
        match spec.shape {
            Shape::Json(structure) if place == 0 && has_options(structure) => {
                parts(kind, spec, structure, &mut all);
            }
            _ => all.push(whole(kind, spec, place == 0)),
        }
    }
    // What tells itself when it happened does so once.
    let own_when = all
        .iter()
        .any(|opt| opt.name == "when" && opt.member.is_some());
    all.retain(|opt| !(own_when && opt.name == "when" && opt.member.is_none()));
    if !all.iter().any(|opt| opt.name == "label") {
        let main = all.iter_mut().find(|opt| opt.positional);
        if let Some(main) = main.filter(|main| main.also.is_none()) {
            main.also = Some("label".to_owned());
        }
    }
    all
}

/// Whether the parts of a main field are options: not of a label, which is one text, nor of a
/// document's content, which is a file.
fn has_options(structure: &Structure) -> bool {
    !["label", "content"].contains(&structure.name)
}

fn whole(kind: &Kind, spec: &'static FieldSpec, main: bool) -> Opt {
    let takes = match spec.shape {
        Shape::Flag => Takes::Flag,
        Shape::Number(most) => Takes::Number(most),
        Shape::Tick => Takes::Number(u32::MAX),
        Shape::Text(_) => Takes::Text,
        Shape::Code(codes) => Takes::Code(codes),
        Shape::Date => Takes::Date,
        Shape::Day => Takes::Day,
        Shape::Person => Takes::Person,
        Shape::Entry => Takes::Entry,
        Shape::Json(structure) => Takes::Parts(structure),
    };
    let named = matches!(takes, Takes::Text | Takes::Code(_) | Takes::Parts(_));
    let (name, also) = said(kind, spec.key, false);
    Opt {
        name,
        also,
        spec,
        member: None,
        takes,
        title: spec.title,
        many: spec.join == Join::Union,
        required: spec.required,
        positional: main && spec.required && named,
    }
}

fn parts(kind: &Kind, spec: &'static FieldSpec, structure: &'static Structure, all: &mut Vec<Opt>) {
    let first = structure.members.iter().find(|member| member.required);
    for member in structure.members {
        let grouped = structure.name == "blood-group";
        if grouped && member.name == "rhd" {
            continue;
        }
        let group = grouped && member.name == "abo";
        let list = matches!(member.shape, MemberShape::List(..));
        let dates = matches!(member.shape, MemberShape::Date);
        let (mut name, mut also) = said(kind, member.name, true);
        if list {
            name = name.trim_end_matches('s').to_owned();
        }
        if member.name == "name" {
            name = spec.key.to_owned();
        } else if dates && member.required {
            name = "when".to_owned();
        } else if TAKEN.contains(&name.as_str()) {
            name = format!("{}-{}", spec.key, member.name);
        }
        if group {
            (name, also) = ("group".to_owned(), None);
        }
        let names = first.is_some_and(|first| first.name == member.name) && !list && !dates;
        all.push(Opt {
            name,
            also,
            spec,
            member: Some(member),
            takes: if group {
                Takes::Group
            } else {
                takes(member.shape)
            },
            title: if group { spec.title } else { member.title },
            many: list,
            required: member.required && spec.required,
            positional: names,
        });
    }
}

/// What a part takes.
pub(super) fn takes(shape: MemberShape) -> Takes {
    match shape {
        MemberShape::Flag => Takes::Flag,
        MemberShape::Number => Takes::Number(u32::MAX),
        MemberShape::Decimal => Takes::Decimal(false),
        MemberShape::Signed => Takes::Decimal(true),
        MemberShape::Text(_) => Takes::Text,
        MemberShape::Code(codes) => Takes::Code(codes),
        MemberShape::Date => Takes::Date,
        MemberShape::Value(inner) | MemberShape::List(_, inner) => Takes::Parts(inner),
    }
}

/// The name of an option of a field or of a part, and another it has.
fn said(kind: &Kind, key: &str, part: bool) -> (String, Option<String>) {
    match (kind, key) {
        (Kind::BloodGroup, "source") if part => ("group-source".to_owned(), None),
        (Kind::Allergy, "no-known-allergy") => (key.to_owned(), Some("none-known".to_owned())),
        (Kind::Document(_), "content") => ("file".to_owned(), None),
        _ => {
            let said = SAID.iter().find(|(said, _)| !part && *said == key);
            (said.map_or(key, |(_, name)| name).to_owned(), None)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn kinds() -> impl Iterator<Item = Kind> {
        let all = Kind::ALL.iter().cloned();
        all.filter(crate::face::may_be_added)
            .chain(Kind::documents().take(1))
    }

    #[test]
    fn no_two_options_of_a_kind_have_one_name() {
        for kind in kinds() {
            let all = options(&kind);
            let mut names: Vec<&str> = all
                .iter()
                .flat_map(|opt| [Some(opt.name.as_str()), opt.also.as_deref()])
                .flatten()
                .collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{kind}");
            assert!(names.iter().all(|name| !TAKEN.contains(name)), "{kind}");
            assert!(
                all.iter().filter(|opt| opt.positional).count() <= 1,
                "{kind}"
            );
        }
    }

    #[test]
    fn every_field_of_every_kind_has_an_option() {
        for kind in kinds() {
            let all = options(&kind);
            for spec in kind.form() {
                let own_when = spec.key == "occurred" && all.iter().any(|opt| opt.name == "when");
                let has = all.iter().any(|opt| opt.spec.key == spec.key);
                assert!(has || own_when, "{kind}: {}", spec.key);
                let Shape::Json(structure) = spec.shape else {
                    continue;
                };
                let parted = all
                    .iter()
                    .any(|opt| opt.spec.key == spec.key && opt.member.is_some());
                for member in structure.members.iter().filter(|_| parted) {
                    let written = |opt: &Opt| opt.member.is_some_and(|one| one.name == member.name);
                    let with_group = member.name == "rhd";
                    assert!(
                        all.iter().any(written) || with_group,
                        "{kind}: {}",
                        member.name
                    );
                }
            }
        }
    }

    #[test]
    fn a_name_is_a_flag_of_every_kind_or_of_none() {
        let mut flags = BTreeMap::new();
        for (kind, opt) in kinds().flat_map(|kind| {
            options(&kind)
                .into_iter()
                .map(move |opt| (kind.clone(), opt))
        }) {
            let flag = matches!(opt.takes, Takes::Flag);
            let known = flags.insert(opt.name.clone(), flag);
            assert!(
                known.is_none_or(|known| known == flag),
                "{kind}: {}",
                opt.name
            );
        }
    }
}
