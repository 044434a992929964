//! A second version of the allergy and a kind of tomorrow, as an exercise: what a program of one
//! version keeps, shows and lets through of what one of another version wrote.

mod meet;

use std::sync::LazyLock;

use super::*;
use crate::EntryId;
use crate::entry::{SCHEMA, Value, Write};
use crate::guard;
use crate::kind::allergy::CRITICALITY;

use crate::kind::common::{LABEL, NOTES, VERIFICATION};
use crate::kind::write::Drafted;
use crate::kind::{
    AllergyDraft, AllergyPatch, Codes, CommonPatch, Criticality, Draft, Edit, Extra, Invalid,
    JsonScalar as _, Label, Reaction, Read, Severity, Shape, Words, schema,
};
use crate::merge::{Choice, FlagCode, resolve};
use crate::policy::Role;
use crate::replica::AsideReason;
use crate::sync::{HoldReason, Refusal};
use meet::{DOCTOR, Phone, Server, stands, unheard, written};

/// When it began: a key of version 2.
const ONSET: &str = "onset";
/// What sets it off: a set of version 2.
const TRIGGER: &str = "trigger";
/// How it is being treated: a key of version 2, with a rule that version 1 has not.
const PROTOCOL: &str = "protocol";
/// A kind that version 1 has not.
const SLEEP: &str = "sleep";

static VERIFIED: Codes = Codes {
    codes: &["unconfirmed", "presumed", "confirmed", "provoked"],
    words: &[
        Words::new("unconfirmed", "non confirmé"),
        Words::new("presumed", "présumé"),
        Words::new("confirmed", "confirmé"),
        Words::new("provoked", "provoqué"),
    ],
};

static FIELDS: LazyLock<Vec<FieldSpec>> = LazyLock::new(|| {
    let known = AllergyDraft::FIELDS.iter().map(|spec| match spec.key {
        VERIFICATION => FieldSpec {
            shape: Shape::Code(&VERIFIED),
            ..*spec
        },
        _ => *spec,
    });
    let new = [
        FieldSpec::new(ONSET, Shape::Date, "Onset", "Début"),
        FieldSpec::new(PROTOCOL, Shape::Text(200), "Protocol", "Protocole").joins(Join::NeverMixed),
        FieldSpec::new(TRIGGER, Shape::Text(200), "Triggers", "Déclencheurs").joins(Join::Union),
    ];
    known.chain(new).collect()
});

const SLEEPS: &[FieldSpec] = &[
    FieldSpec::new("hours", Shape::Number(24), "Hours", "Heures").required(),
    FieldSpec::new(LABEL, Shape::Json(&Label::STRUCTURE), "Label", "Libellé"),
];

static NEW: LazyLock<[Edition; 2]> = LazyLock::new(|| {
    let edition = |code, schema, fields| Edition {
        code,
        schema,
        fields,
    };
    [
        edition("allergy", 2, FIELDS.as_slice()),
        edition(SLEEP, 1, SLEEPS),
    ]
});

/// What today's programs know.
const OLD: Tables = Tables::CURRENT;

/// What tomorrow's programs know.
fn new() -> Tables {
    Tables(NEW.as_slice())
}

/// An allergy as version 2 writes it.
fn second_version() -> Result<Vec<Write>, Invalid> {
    let mut reaction = Reaction::new("Urticaire", Some(Severity::Mild));
    reaction.other = Extra::from([("grade".to_owned(), 2.into())]);
    let mut out = Drafted::new_by(new(), Kind::Allergy);
    out.scalar(LABEL, &Label::from("Venin de guêpe"));
    out.put(CRITICALITY, "low");
    out.put(VERIFICATION, "provoked");
    out.put(ONSET, "2025-07");
    out.put("trigger/stade", "au stade");
    out.members("reaction", &[reaction]);
    out.finish()
}

fn patch_2(key: &str, value: &str) -> Result<Vec<Write>, Invalid> {
    let mut out = Drafted::patch_by(new(), Kind::Allergy);
    out.put(key, value);
    out.finish()
}

fn notes(text: &str) -> Result<Vec<Write>, Invalid> {
    CommonPatch {
        notes: Edit::Set(text.to_owned()),
        ..CommonPatch::default()
    }
    .writes()
}

/// The holder's phone is of the old version, the doctor's and the caregiver's of the new one.
fn record(server: Tables) -> (Server, Phone, Phone, Phone) {
    let mut server = Server::new(server);
    let mut holder = Phone::new(10, Role::Holder, OLD);
    let mut doctor = Phone::new(12, DOCTOR, new());
    let mut caregiver = Phone::new(11, Role::Caregiver, new());
    server.let_in(&mut holder, &[&doctor, &caregiver]);
    doctor.sync(&mut server);
    caregiver.sync(&mut server);
    (server, holder, doctor, caregiver)
}

fn settle(server: &mut Server, phones: &mut [&mut Phone]) {
    for _ in 0..2 {
        for phone in phones.iter_mut() {
            phone.sync(server);
        }
    }
}

/// What everybody has of an entry is what was made of it, on whatever version.
fn same_everywhere(server: &Server, phones: &[&Phone], entry: EntryId) -> bool {
    let kept = written(&server.state(entry));
    let first = stands(&phones[0].view(entry));
    phones
        .iter()
        .all(|phone| written(&phone.state(entry)) == kept && stands(&phone.view(entry)) == first)
}

#[test]
fn both_versions_edit_one_entry_apart_and_nothing_is_lost() {
    for tables in [OLD, new()] {
        let (mut server, mut holder, mut doctor, mut caregiver) = record(tables);
        let entry = doctor.create(second_version());
        settle(&mut server, &mut [&mut doctor, &mut holder, &mut caregiver]);
        assert!(
            doctor.aside().is_empty(),
            "an old server keeps what it does not know"
        );

        // The old phone fills in the form it has; the reaction it edits keeps what it does not know.
        let view = holder.view(entry);
        let form = Draft::read(&Kind::Allergy, &view);
        let Some(Draft::Allergy(mut form)) = form else {
            panic!("the form of the old version opens")
        };
        let mut reaction = form.reactions.remove(0);
        reaction.severity = Some(Severity::Severe);
        let edited = AllergyPatch {
            criticality: Edit::Set(Criticality::High),
            reactions: vec![reaction, Reaction::new("Œdème", None)],
            ..AllergyPatch::default()
        };
        holder.edit(entry, edited.writes());
        holder.edit(entry, notes("Deux piqûres le même jour."));
        // The new ones go on meanwhile, in what the old one does not know too.
        doctor.edit(entry, patch_2(ONSET, "2024-07"));
        caregiver.edit(entry, patch_2("trigger/jardin", "au jardin"));
        settle(&mut server, &mut [&mut holder, &mut doctor, &mut caregiver]);

        let phones = [&holder, &doctor, &caregiver];
        assert!(same_everywhere(&server, &phones, entry));
        for phone in phones {
            assert!(phone.aside().is_empty());
            let (state, view) = (phone.state(entry), phone.view(entry));
            let from: &dyn Read = &view;
            assert_eq!(from.text(ONSET).as_deref(), Some("2024-07"));
            assert_eq!(from.text(VERIFICATION).as_deref(), Some("provoked"));
            assert_eq!(view.members(TRIGGER).count(), 2);
            assert_eq!(
                schema(&state),
                2,
                "an old edit does not take the version back"
            );
            let grades = view.all::<Reaction>(&Reaction::new("Urticaire", None).key());
            assert!(grades.iter().all(|reaction| reaction.other["grade"] == 2));
            // A danger told on the old version counts on the new one, as a clinician's word does.
            assert_eq!(view.members("reaction").count(), 2);
        }
    }
}

#[test]
fn an_edit_that_drops_what_it_does_not_know_would_be_noticed() {
    let (mut server, mut holder, mut doctor, _) = record(OLD);
    let entry = doctor.create(second_version());
    settle(&mut server, &mut [&mut doctor, &mut holder]);
    let before = stands(&holder.view(entry));
    // A program that rewrote the whole entry would do this.
    let removes = Write {
        key: ONSET.to_owned(),
        value: None,
    };
    doctor.edit(entry, Ok(vec![removes]));
    assert!(!same_everywhere(&server, &[&doctor, &holder], entry));
    settle(&mut server, &mut [&mut doctor, &mut holder]);
    let after = stands(&holder.view(entry));
    let lost: Vec<&String> = before
        .keys()
        .filter(|key| !after.contains_key(*key))
        .collect();
    assert_eq!(lost, [ONSET]);
}

#[test]
fn a_dispute_that_only_the_new_version_understands_is_shown_and_settled_on_the_old_one() {
    for tables in [OLD, new()] {
        let (mut server, mut holder, mut doctor, mut caregiver) = record(tables);
        let entry = doctor.create(second_version());
        settle(&mut server, &mut [&mut doctor, &mut holder, &mut caregiver]);
        let slow = doctor.edit(entry, patch_2(PROTOCOL, "lent"));
        let mut other = doctor_of(13, &mut server, &mut holder);
        other.edit(entry, patch_2(PROTOCOL, "rush"));
        settle(
            &mut server,
            &mut [&mut doctor, &mut other, &mut holder, &mut caregiver],
        );

        // The new version lets neither stand; the old one has no rule for it and chooses neither.
        assert_eq!(
            doctor.view(entry).field(PROTOCOL).map(|f| f.current.len()),
            Some(0)
        );
        assert_eq!(
            holder.view(entry).field(PROTOCOL).map(|f| f.current.len()),
            Some(2)
        );
        let list = holder.review();
        let item = list
            .iter()
            .find(|item| item.field.as_deref() == Some(PROTOCOL));
        let item = item.expect("the old version shows the dispute");
        assert_eq!(item.code, FlagCode::ConcurrentValues);
        assert_eq!(item.claims.len(), 2);

        // Whoever has authority settles it on an old program: a doctor's whose tablet was not updated.
        let mut tablet = doctor;
        tablet.tables = OLD;
        let list = tablet.review();
        let item = list
            .iter()
            .find(|item| item.field.as_deref() == Some(PROTOCOL));
        let taken = resolve(item.expect("shown"), &Choice::Take(slow)).expect("offered");
        let [(of, writes)] = taken.edits.as_slice() else {
            panic!("one edit")
        };
        tablet.edit(*of, Ok(writes.clone()));
        settle(
            &mut server,
            &mut [&mut tablet, &mut other, &mut holder, &mut caregiver],
        );
        for phone in [&tablet, &other, &holder, &caregiver] {
            let view = phone.view(entry);
            let field = view.field(PROTOCOL).expect("there");
            assert_eq!(field.current, [Value::from("lent")]);
            assert!(
                phone
                    .state(entry)
                    .history
                    .iter()
                    .any(|past| past.wrote(PROTOCOL) == Some(Some(&Value::from("rush"))))
            );
        }
        assert!(same_everywhere(
            &server,
            &[&tablet, &other, &holder, &caregiver],
            entry
        ));
    }
}

/// Another doctor on the new version, let in by the holder, with all there is.
fn doctor_of(number: u8, server: &mut Server, holder: &mut Phone) -> Phone {
    let mut doctor = Phone::new(number, DOCTOR, new());
    server.let_in(holder, &[&doctor]);
    doctor.sync(server);
    doctor
}

#[test]
fn a_code_of_a_newer_version_passes_only_under_that_version() {
    let (mut server, _, mut doctor, _) = record(OLD);
    let mut unsaid = second_version().expect("a good draft");
    unsaid.retain(|write| write.key != SCHEMA);
    unsaid.push(Write::set(SCHEMA, Value::Uint(1)));
    let entry = doctor.create(Ok(unsaid));
    doctor.sync(&mut server);
    assert_eq!(doctor.aside(), [AsideReason::Refused(Refusal::Invalid)]);
    assert!(
        unheard(&doctor.store.aside[0].edit, &server),
        "kept on its device"
    );
    assert!(!doctor.store.entries.contains_key(&entry));
}

#[test]
fn whatever_the_version_a_known_key_keeps_its_type_and_a_change_its_bounds() {
    let (mut server, _, mut doctor, _) = record(OLD);
    let entry = doctor.create(second_version());
    doctor.sync(&mut server);
    let kept = written(&server.state(entry));
    let wrong = [
        Write::set(CRITICALITY, true),
        Write::set(NOTES, "n".repeat(8_001)),
        Write::set(VERIFICATION, "v".repeat(65)),
    ];
    for write in wrong {
        doctor.edit(entry, Ok(vec![write, Write::set(SCHEMA, Value::Uint(3))]));
        doctor.sync(&mut server);
    }
    assert_eq!(doctor.aside(), [AsideReason::Refused(Refusal::Invalid); 3]);
    // What nobody knows is bounded all the same.
    let huge = Write::set("of-tomorrow", "h".repeat(guard::MAX_CHANGE));
    assert!(!doctor.may_edit(entry, &[huge]));
    assert!(written(&server.state(entry)).is_superset(&kept));
}

#[test]
fn a_kind_of_tomorrow_is_kept_and_gives_no_right_but_the_safe_ones() {
    let night = || {
        let mut out = Drafted::new_by(new(), Kind::from(SLEEP));
        out.put("hours", Value::Uint(5));
        out.scalar(LABEL, &Label::from("Nuit du 4"));
        out.finish()
    };
    let (mut server, mut holder, mut doctor, mut caregiver) = record(OLD);
    // Nobody but the holder writes what no habilitation names; it is held, not lost.
    caregiver.create(night());
    doctor.create(night());
    settle(&mut server, &mut [&mut caregiver, &mut doctor]);
    let held = AsideReason::Held(HoldReason::NotPermitted);
    assert_eq!(
        (caregiver.aside(), doctor.aside()),
        (vec![held], vec![held])
    );
    holder.tables = new();
    let entry = holder.create(night());
    settle(&mut server, &mut [&mut holder, &mut doctor]);
    assert!(holder.aside().is_empty());
    assert!(server.gives(&holder, entry) && server.gives(&doctor, entry));
    assert!(!server.gives(&caregiver, entry));
    // The old program shows it by what every entry has, and edits that.
    holder.tables = OLD;
    assert_eq!(holder.view(entry).label, "Nuit du 4");
    holder.edit(entry, notes("Chaleur."));
    let hours = || {
        holder
            .view(entry)
            .field("hours")
            .map(|field| field.current.clone())
    };
    assert_eq!(hours(), Some(vec![Value::Uint(5)]));
    settle(&mut server, &mut [&mut holder, &mut doctor]);
    assert!(same_everywhere(&server, &[&holder, &doctor], entry));
}

#[test]
fn an_old_phone_hands_back_to_a_restored_server_what_neither_understands() {
    for tables in [OLD, new()] {
        let (mut server, mut holder, mut doctor, mut caregiver) = record(tables);
        let before = server.len();
        let entry = doctor.create(second_version());
        settle(&mut server, &mut [&mut doctor, &mut holder, &mut caregiver]);
        holder.edit(entry, notes("Vu à l’hôpital."));
        settle(&mut server, &mut [&mut holder, &mut doctor]);
        let (kept, made) = (written(&server.state(entry)), server.len() - before);
        server.lose_all_after(before);
        let report = holder.sync(&mut server);
        assert_eq!(report.handed_back, made);
        assert_eq!(written(&server.state(entry)), kept);
        settle(&mut server, &mut [&mut doctor, &mut holder, &mut caregiver]);
        assert!(same_everywhere(
            &server,
            &[&holder, &doctor, &caregiver],
            entry
        ));
    }
}

#[test]
fn an_edit_says_its_version_only_beyond_the_first_and_not_by_itself() {
    let said = patch_2(ONSET, "2024").expect("a patch");
    assert!(said.contains(&Write::set(SCHEMA, Value::Uint(2))));
    let first = AllergyPatch {
        criticality: Edit::Set(Criticality::High),
        ..AllergyPatch::default()
    };
    let first = first.writes().expect("a patch");
    assert!(first.iter().all(|write| write.key != SCHEMA));
    let nothing = Drafted::patch_by(new(), Kind::Allergy).finish();
    assert_eq!(nothing, Ok(Vec::new()));
}
