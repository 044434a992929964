pub(crate) mod samples;
mod tables;
mod values;

use super::*;
use crate::change::Actor;
use crate::entry::{EntryDocument, Write};
use crate::{DeviceTime, EntryId, PersonId, Tick};

fn entry(writes: &[Write]) -> EntryState {
    let mut document = EntryDocument::new();
    document
        .edit(Actor([1; 16]), writes, DeviceTime(0))
        .expect("writes make a change");
    document.state()
}

/// One filled-in draft at least of every kind.
pub(crate) fn drafts() -> Vec<Draft> {
    let common = Common {
        occurred: Some(Occurred::Month(2019, 4)),
        source: Some("told by his daughter".into()),
        notes: Some("since the summer".into()),
        ..Common::default()
    };
    let person = PersonId(uuid::Uuid::from_u128(7));
    let mut drafts: Vec<Draft> = vec![
        AllergyDraft {
            substance: Label::coded("Pénicilline", "http://snomed.info/sct", "91936005"),
            category: Some(AllergyCategory::Medication),
            criticality: Some(Criticality::High),
            verification: Some(Verification::Presumed),
            reactions: vec![Reaction::new("Urticaire", Some(Severity::Mild))],
            common: common.clone(),
            ..AllergyDraft::default()
        }
        .into(),
        AllergyDraft::none_known("Aucune allergie connue").into(),
        ConditionDraft {
            label: "Asthme".into(),
            severity: Some(Severity::Moderate),
            ended: Some(Occurred::Year(2021)),
            common: common.clone(),
            ..ConditionDraft::default()
        }
        .into(),
        MedicationTakenDraft {
            regimen: Regimen {
                product: "Doliprane 500 mg".into(),
                substances: vec!["paracétamol".into()],
                dose: Some("1.5".into()),
                unit: Some("comprimé".into()),
                frequency: Some("matin et soir".into()),
                ..Regimen::default()
            },
            common: common.clone(),
        }
        .into(),
        EmergencyContactDraft {
            name: "Jeanne Martin".into(),
            phones: vec![
                Phone::new("06 12 34 56 78", 0),
                Phone::new("+33140000000", 1),
            ],
            ..EmergencyContactDraft::default()
        }
        .into(),
        BloodGroupDraft {
            blood_group: BloodGroup::new(Abo::AB, RhD::Negative, BloodGroupSource::Laboratory),
            common,
        }
        .into(),
        OwnNoteDraft {
            title: "Questions".into(),
            text: Some("Ask about the dose.".into()),
            ..OwnNoteDraft::default()
        }
        .into(),
        ReviewDecisionDraft {
            assignee: Some(person),
            about: Some("allergy".to_owned()),
            ..ReviewDecisionDraft::new("possible-duplicate/a/b", Verdict::Assign)
        }
        .into(),
    ];
    for right in [
        RightKind::Grant,
        RightKind::Block,
        RightKind::Delegation,
        RightKind::TreatingPhysician,
        RightKind::Administrator,
    ] {
        drafts.push(
            RightDraft {
                ends: Some(Tick(9)),
                ..RightDraft::new(right, person)
            }
            .into(),
        );
    }
    drafts.extend(samples::more());
    drafts
}

#[test]
fn every_draft_makes_a_valid_entry_of_its_kind_and_reads_back() {
    for draft in drafts() {
        let state = entry(&draft.writes().expect("a good draft"));
        assert_eq!(Kind::of(&state), Some(draft.kind()));
        assert_eq!(validate(&state), Ok(()));
        let again = Draft::read(&draft.kind(), &state).expect("a kind of this version");
        assert_eq!(entry(&again.writes().expect("still good")), state);
        // A draft that says nothing of its status is active; the entry says so.
        let says = r#""status":{"status":"active"}"#;
        let json = serde_json::to_string(&again).expect("drafts are JSON");
        assert!(json.contains(says));
    }
}

#[test]
fn drafts_are_json_for_those_who_want_it() {
    for draft in drafts() {
        let text = serde_json::to_string(&draft).expect("drafts are JSON");
        assert_eq!(
            serde_json::from_str::<Draft>(&text).expect("and back"),
            draft
        );
    }
    let patch: Patch =
        serde_json::from_str(r#"{"kind": "allergy", "notes": null, "criticality": "high"}"#)
            .expect("a patch");
    let expected = AllergyPatch {
        criticality: Edit::Set(Criticality::High),
        common: CommonPatch {
            notes: Edit::Clear,
            ..CommonPatch::default()
        },
        ..AllergyPatch::default()
    };
    assert_eq!(patch, expected.into());
}

#[test]
fn every_kind_is_known_by_its_code() {
    for kind in Kind::ALL {
        assert_eq!(Kind::from(kind.code()), *kind);
    }
    assert_eq!(
        Kind::from("of-a-newer-version"),
        Kind::Unknown("of-a-newer-version".into())
    );
}

#[test]
fn a_draft_that_says_nothing_or_too_much_is_refused_by_field() {
    let long = "x".repeat(LABEL_MAX + 1);
    let refused = [
        (
            AllergyDraft::default().writes(),
            Invalid::Missing { field: "label" },
        ),
        (
            ConditionDraft {
                label: long.as_str().into(),
                ..ConditionDraft::default()
            }
            .writes(),
            Invalid::TooLong {
                field: "label",
                max: LABEL_MAX,
            },
        ),
        (
            MedicationTakenDraft {
                regimen: Regimen {
                    product: "Doliprane".into(),
                    dose: Some("one".into()),
                    ..Regimen::default()
                },
                ..MedicationTakenDraft::default()
            }
            .writes(),
            Invalid::Malformed { field: "regimen" },
        ),
        (
            AllergyDraft {
                substance: "x".into(),
                criticality: Some(Criticality::Other("extreme".into())),
                ..AllergyDraft::default()
            }
            .writes(),
            Invalid::UnknownCode {
                field: "criticality",
            },
        ),
        (
            EmergencyContactDraft {
                name: "x".into(),
                phones: vec![Phone::new("call me", 0)],
                ..EmergencyContactDraft::default()
            }
            .writes(),
            Invalid::Malformed { field: "phone" },
        ),
    ];
    for (result, expected) in refused {
        assert_eq!(result, Err(expected));
        assert!(
            !expected.to_string().contains("xx"),
            "an error repeats no content"
        );
    }
}

fn changed(base: &[Write], key: &str, value: impl Into<Value>) -> EntryState {
    let mut writes = base.to_vec();
    writes.retain(|write| write.key != key);
    writes.push(Write::set(key, value));
    entry(&writes)
}

#[test]
fn unknown_keys_and_kinds_are_tolerated() {
    let base = drafts()[0].writes().expect("a good draft");
    assert_eq!(
        validate(&changed(&base, "of-a-newer-version", true)),
        Ok(())
    );
    assert_eq!(validate(&changed(&base, "label/odd", true)), Ok(()));
    let unknown = entry(&[
        Write::set("kind", "of-a-newer-version"),
        Write::set("anything", "2027-01"),
    ]);
    assert_eq!(validate(&unknown), Ok(()));
    assert_eq!(
        validate(&entry(&[Write::set("anything", "2027-01")])),
        Err(Invalid::Missing { field: "kind" })
    );
}

#[test]
fn known_keys_with_other_types_are_refused_in_any_version() {
    let base = drafts()[0].writes().expect("a good draft");
    for version in [1, 2] {
        let mut base = base.clone();
        base.retain(|write| write.key != "schema");
        base.push(Write::set("schema", Value::Uint(version)));
        let wrong = |key, value: Value| validate(&changed(&base, key, value));
        assert_eq!(
            wrong("criticality", Value::Int(3)),
            Err(Invalid::WrongType {
                field: "criticality"
            })
        );
        assert_eq!(
            wrong("label", "no JSON".into()),
            Err(Invalid::Malformed { field: "label" })
        );
        assert_eq!(
            wrong("label", Value::Null),
            Err(Invalid::Missing { field: "label" })
        );
        assert_eq!(wrong("notes", Value::Null), Ok(()));
        let long = "x".repeat(common::NOTES_MAX + 1);
        let max = common::NOTES_MAX;
        assert_eq!(
            wrong("notes", long.into()),
            Err(Invalid::TooLong {
                field: "notes",
                max
            })
        );
        assert_eq!(
            wrong("occurred", "soon".into()),
            Err(Invalid::Date { field: "occurred" })
        );
        assert_eq!(
            wrong("reaction/1", "{}".into()),
            Err(Invalid::Malformed { field: "reaction" })
        );
    }
}

#[test]
fn the_codes_of_a_newer_schema_are_tolerated() {
    let base = drafts()[0].writes().expect("a good draft");
    let code = changed(&base, "criticality", "extreme");
    assert_eq!(
        validate(&code),
        Err(Invalid::UnknownCode {
            field: "criticality"
        })
    );
    let mut newer = base.clone();
    newer.retain(|write| write.key != "schema");
    newer.push(Write::set("schema", Value::Uint(2)));
    assert_eq!(validate(&changed(&newer, "criticality", "extreme")), Ok(()));
    assert_eq!(
        validate(&changed(&newer, "status", r#"{"status":"paused"}"#)),
        Ok(())
    );
}

#[test]
fn members_a_newer_version_put_into_a_value_survive_its_rewriting() {
    let text = r#"{"product":{"text":"X","brand":"Y"},"dose":"1","taper":[1,2]}"#;
    let regimen = Regimen::from_value(&text.into()).expect("a regimen");
    let again = Regimen::from_value(&regimen.to_value()).expect("a regimen");
    assert_eq!(regimen, again);
    assert_eq!(again.other["taper"], serde_json::json!([1, 2]));
    assert_eq!(again.product.other["brand"], "Y");
}

fn later(first: &[Write], then: &[Write]) -> EntryState {
    let mut document = EntryDocument::new();
    for writes in [first, then] {
        document
            .edit(Actor([1; 16]), writes, DeviceTime(0))
            .expect("writes make a change");
    }
    document.state()
}

#[test]
fn no_allergy_becomes_the_statement_that_none_is_known() {
    let allergy = drafts()[0].writes().expect("a good draft");
    let none = drafts()[1].writes().expect("a good draft");
    let field = allergy::NO_KNOWN_ALLERGY;
    for (first, value) in [
        (&allergy, Value::Bool(true)),
        (&allergy, Value::Bool(false)),
        (&none, Value::Bool(false)),
        (&none, Value::Null),
    ] {
        let writes = [Write::set(field, value)];
        let fixed = Err(Invalid::Fixed { field });
        assert_eq!(validate(&later(first, &writes)), fixed);
    }
    for (field, key, value) in [
        ("criticality", "criticality", "high"),
        (
            "reaction",
            "reaction/urticaire",
            r#"{"manifestation":{"text":"Urticaire"}}"#,
        ),
    ] {
        let told = later(&none, &[Write::set(key, value)]);
        assert_eq!(validate(&told), Err(Invalid::Excluded { field }));
    }
    let mut both = AllergyDraft::none_known("Aucune");
    both.criticality = Some(Criticality::High);
    let field = "criticality";
    assert_eq!(both.writes(), Err(Invalid::Excluded { field }));
}

#[test]
fn texts_steer_no_screen() {
    for (text, fits) in [
        ("\u{1b}[2Jgone", false),
        ("a\u{9b}b", false),
        ("\u{202e}nillicinéP", false),
        ("10 \u{2066}mg\u{2069}", false),
        ("\u{200f}بنسلين\u{200e}", true),
    ] {
        let draft = OwnNoteDraft {
            title: "Questions".into(),
            text: Some(text.into()),
            ..OwnNoteDraft::default()
        };
        assert_eq!(draft.writes().is_ok(), fits, "{text:?}");
        let label = Label::text(text).to_value();
        let label = label.as_text().expect("a text");
        assert_eq!(Label::STRUCTURE.check("label", label).is_ok(), fits);
    }
}

/// The second line of a label would stand in a list, or on the emergency card, as another entry.
#[test]
fn lines_end_in_long_texts_only() {
    let lines = "Doliprane\n⚠ Groupe sanguin : O+\r\n\tvalable";
    let note = OwnNoteDraft {
        title: "Questions".into(),
        text: Some(lines.into()),
        ..OwnNoteDraft::default()
    };
    let first = note.writes().expect("a note has paragraphs");
    assert_eq!(validate(&entry(&first)), Ok(()));
    for (field, value) in [
        ("label", Label::text(lines).to_value()),
        ("source", Value::Text(lines.into())),
    ] {
        let refused = later(&first, &[Write::set(field, value)]);
        assert_eq!(validate(&refused), Err(Invalid::Control { field }));
    }
    let remarks = later(&first, &[Write::set("notes", lines)]);
    assert_eq!(validate(&remarks), Ok(()));
}

#[test]
fn a_tick_fits_where_it_is_stored() {
    let most = i64::MAX.cast_unsigned();
    let note = OwnNoteDraft::new("Questions")
        .writes()
        .expect("a good draft");
    let field = crate::entry::HIDDEN_FROM_PATIENT_UNTIL;
    for (tick, judged) in [
        (most, Ok(())),
        (most + 1, Err(Invalid::OutOfBounds { field })),
    ] {
        assert_eq!(
            validate(&later(&note, &[Write::set(field, Value::Uint(tick))])),
            judged
        );
    }
}
