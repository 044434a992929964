//! `docs/kinds.md` says what the code checks: the same keys, types and codes, in both directions.

use std::collections::{BTreeMap, BTreeSet};

use sync_core::change::Actor;
use sync_core::entry::{EntryDocument, Value, Write};
use sync_core::kind::{
    self, Codes, FieldSpec, Join, Kind, Member, MemberShape, Shape, Structure, common, validate,
};
use sync_core::sign::PublicKey;
use sync_core::{DeviceTime, EntryId, Incarnation};

const PAGE: &str = include_str!("../../docs/kinds.md");

/// The parts of the page under headings, by heading.
fn sections() -> BTreeMap<&'static str, &'static str> {
    let parts = PAGE.split("\n## ").flat_map(|part| part.split("\n### "));
    parts
        .filter_map(|part| part.split_once('\n'))
        .map(|(heading, body)| (heading.trim().trim_matches('`'), body))
        .collect()
}

/// The first cells of the rows that begin with a name in backquotes.
fn rows(section: &str, cells: usize) -> BTreeSet<String> {
    let lines = section.lines().filter(|line| line.starts_with("| `"));
    lines
        .map(|line| {
            let all = line.trim_matches('|').split('|').map(str::trim);
            all.take(cells).collect::<Vec<_>>().join(" | ")
        })
        .collect()
}

/// The fenced block of a section.
fn block<'s>(section: &'s str, language: &str) -> &'s str {
    let fence = format!("```{language}\n");
    let (_, rest) = section.split_once(&fence).expect("has an example");
    rest.split_once("```").expect("the block ends").0
}

fn quoted(codes: &[&str]) -> String {
    let quoted: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
    quoted.join(" ")
}

fn coded(codes: &Codes) -> String {
    format!("code: {}", quoted(codes.codes))
}

/// The kinds that have a section of their own, and one for all documents.
fn kinds() -> Vec<Kind> {
    let mut kinds = Kind::ALL.to_vec();
    kinds.push(Kind::from("document/11502-2"));
    kinds
}

/// The heading of a kind's section.
fn heading(kind: &Kind) -> &str {
    match kind {
        Kind::Document(_) => "document/…",
        kind => kind.code(),
    }
}

fn field_row(spec: &FieldSpec) -> String {
    let key = match spec.join {
        Join::Union => format!("`{}/…`", spec.key),
        _ => format!("`{}`", spec.key),
    };
    let value = match spec.shape {
        Shape::Flag => "flag".to_owned(),
        Shape::Tick => "tick".to_owned(),
        Shape::Text(most) => format!("text, {most}"),
        Shape::Number(most) => format!("number, {most}"),
        Shape::Code(known) => coded(known),
        Shape::Date => "date".to_owned(),
        Shape::Day => "day".to_owned(),
        Shape::Person => "person".to_owned(),
        Shape::Entry => "entry".to_owned(),
        Shape::Json(structure) => format!("`{}`", structure.name),
    };
    let required = if spec.required { ", required" } else { "" };
    let fixed = if spec.fixed { ", fixed" } else { "" };
    let concurrent = match spec.join {
        Join::Both => "both".to_owned(),
        Join::Status => "by status".to_owned(),
        Join::Highest(order) => format!("highest: {}", quoted(order)),
        Join::Union => "all members".to_owned(),
        Join::NeverMixed => "neither".to_owned(),
        Join::YesWins => "true".to_owned(),
        Join::NoWins => "false".to_owned(),
        Join::Earlier => "earlier".to_owned(),
        Join::Later => "later".to_owned(),
    };
    format!("{key} | {value}{required}{fixed} | {concurrent}")
}

fn member_row(member: &Member) -> String {
    let value = match member.shape {
        MemberShape::Flag => "flag".to_owned(),
        MemberShape::Number => "number".to_owned(),
        MemberShape::Decimal => "decimal".to_owned(),
        MemberShape::Signed => "signed decimal".to_owned(),
        MemberShape::Text(most) => format!("text, {most}"),
        MemberShape::Code(known) => coded(known),
        MemberShape::Date => "date".to_owned(),
        MemberShape::Value(structure) => format!("`{}`", structure.name),
        MemberShape::List(most, structure) => format!("list of `{}`, {most}", structure.name),
    };
    let required = if member.required { ", required" } else { "" };
    format!("`{}` | {value}{required}", member.name)
}

/// All structured values that the kinds' keys hold, and those these hold.
fn structures() -> Vec<&'static Structure> {
    let kinds = kinds();
    let own = kinds.iter().flat_map(Kind::own_fields);
    let mut found: Vec<&Structure> = own
        .chain(common::FIELDS)
        .filter_map(|spec| match spec.shape {
            Shape::Json(structure) => Some(structure),
            _ => None,
        })
        .collect();
    let mut next = 0;
    while let Some(structure) = found.get(next) {
        found.extend(structure.members.iter().filter_map(|m| match m.shape {
            MemberShape::Value(inner) | MemberShape::List(_, inner) => Some(inner),
            _ => None,
        }));
        next += 1;
    }
    found
}

/// The section of a kind; `blood-group` is also the name of a structured value.
fn of_kind(kind: &Kind) -> &'static str {
    let heading = format!("\n## `{}`\n", heading(kind));
    let (_, rest) = PAGE.split_once(&heading).expect("every kind has a section");
    rest.split("\n## ").next().unwrap_or(rest)
}

fn of_structure(name: &str) -> &'static str {
    let heading = format!("\n### `{name}`\n");
    let (_, rest) = PAGE
        .split_once(&heading)
        .expect("every value has a section");
    rest.split("\n##").next().unwrap_or(rest)
}

fn example(kind: &Kind) -> Vec<Write> {
    let text = block(of_kind(kind), "json");
    let members: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(text).expect("an example is JSON");
    let value = |value: serde_json::Value| match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(flag) => Value::Bool(flag),
        serde_json::Value::String(text) => Value::Text(text),
        other => Value::Uint(other.as_u64().expect("numbers are unsigned")),
    };
    let writes = members.into_iter();
    writes.map(|(key, v)| Write::set(key, value(v))).collect()
}

#[test]
fn the_tables_have_what_the_code_has() {
    let expected = common::FIELDS.iter().map(field_row).collect();
    assert_eq!(rows(sections()["Common"], 3), expected);
    for kind in &kinds() {
        let expected = kind.own_fields().iter().map(field_row).collect();
        assert_eq!(rows(of_kind(kind), 3), expected, "{kind}");
    }
    for structure in structures() {
        let expected = structure.members.iter().map(member_row).collect();
        assert_eq!(rows(of_structure(structure.name), 2), expected);
    }
}

#[test]
fn the_page_has_nothing_else() {
    let quoted = |prefix: &str| -> BTreeSet<&str> {
        let lines = PAGE.lines().filter_map(|line| line.strip_prefix(prefix));
        lines.map(|rest| rest.trim_matches('`')).collect()
    };
    assert_eq!(quoted("## `"), kinds().iter().map(heading).collect());
    assert_eq!(
        quoted("### `"),
        structures()
            .iter()
            .map(|structure| structure.name)
            .collect()
    );
}

#[test]
fn the_examples_stand_and_show_every_key() {
    for kind in &kinds() {
        let writes = example(kind);
        let mut document = EntryDocument::new();
        let made = document.edit(Actor([1; 16]), &writes, DeviceTime(0));
        made.expect("an example makes a change");
        let state = document.state();
        assert_eq!(Kind::of(&state).as_ref(), Some(kind));
        assert_eq!(validate(&state), Ok(()), "{kind}");
        for write in &writes {
            let known = write.key == "kind" || kind.field(&write.key).is_some();
            assert!(known, "{kind}: {}", write.key);
        }
        for spec in kind.own_fields() {
            let set = spec.join == Join::Union;
            let shown = writes.iter().any(|write| match write.key.split_once('/') {
                Some((name, _)) => set && name == spec.key,
                None => write.key == spec.key,
            });
            assert!(shown, "{kind} does not show {}", spec.key);
        }
    }
}

#[test]
fn the_members_of_the_examples_are_named_as_the_page_says() {
    let named = |kind: &Kind, name: &str| {
        let writes = example(kind).into_iter();
        let mut keys = writes.filter(|write| write.key.starts_with(name));
        keys.next().expect("a member").key
    };
    let reaction = kind::Reaction::new("Urticaire", None);
    assert_eq!(named(&Kind::Allergy, "reaction/"), reaction.key());
    let phone = kind::Phone::new("06 12 34 56 78", 0);
    assert_eq!(named(&Kind::EmergencyContact, "phone/"), phone.key());
    let document = kinds().pop().expect("documents");
    let key = named(&document, "attachment/");
    let text = example(&document)
        .into_iter()
        .find_map(|write| (write.key == key).then(|| write.value?.as_text().map(str::to_owned))?);
    let attachment: kind::Attachment =
        serde_json::from_str(&text.expect("a text")).expect("an attachment");
    use kind::SetMember as _;
    assert_eq!(key, format!("attachment/{}", attachment.member()));
}

#[test]
fn the_bytes_of_the_change_are_those_of_the_example() {
    let secret = ed25519_dalek::SigningKey::from_bytes(&[2; 32]);
    let entry: EntryId = "01930000-0000-7000-8000-000000000002"
        .parse()
        .expect("an entry");
    let actor = Actor::of(&PublicKey::of(&secret), &Incarnation([6; 16]), &entry);
    let made = EntryDocument::new().edit(actor, &example(&Kind::BloodGroup), DeviceTime(0));
    let (_, change) = made.expect("the example makes a change");
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("{b:02x}")).collect() };
    let lines = block(sections()["A change, byte by byte"], "hex").lines();
    let shown: String = lines
        .flat_map(|line| line.split("  ").next().unwrap_or_default().split(' '))
        .collect();
    assert_eq!(shown, hex(&change));
}

#[test]
fn the_page_of_terminologies_has_the_measurements() {
    let page = include_str!("../../docs/terminologies.md");
    let rows = kind::VitalSign::ALL.iter().map(|sign| {
        let units: Vec<String> = sign.units.iter().map(|unit| format!("`{unit}`")).collect();
        format!("| {} | {} | {} |", sign.code, sign.display, units.join(" "))
    });
    let shown = page.lines().filter(|line| {
        let cell = line.trim_start_matches("| ");
        line.starts_with("| ") && cell.starts_with(|c: char| c.is_ascii_digit())
    });
    assert_eq!(
        shown.map(str::to_owned).collect::<Vec<_>>(),
        rows.collect::<Vec<_>>()
    );
}
