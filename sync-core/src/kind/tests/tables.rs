//! What holds of all kinds, by their tables.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn all_kinds() -> Vec<Kind> {
    let kinds = Kind::ALL.iter().cloned().chain(Kind::documents());
    kinds.collect()
}

/// Structured values and those in them.
fn structures(of: &'static Structure, found: &mut Vec<&'static Structure>) {
    found.push(of);
    for member in of.members {
        if let MemberShape::Value(inner) | MemberShape::List(_, inner) = member.shape {
            structures(inner, found);
        }
    }
}

#[test]
fn every_kind_has_a_sample_and_a_table() {
    let sampled: BTreeSet<Kind> = drafts().iter().map(Draft::kind).collect();
    for kind in Kind::ALL {
        assert!(sampled.contains(kind), "{kind}");
        let main = kind.field(main_field(kind)).expect("a first row");
        let named = kind.own_fields().iter().any(|spec| spec.required);
        assert!(named || *kind == Kind::EmergencySwitches, "{kind}");
        assert!(main.required || !named, "{kind}");
        let keys: BTreeSet<_> = kind.own_fields().iter().map(|spec| spec.key).collect();
        assert_eq!(keys.len(), kind.own_fields().len(), "{kind}");
    }
    assert!(sampled.iter().any(|kind| matches!(kind, Kind::Document(_))));
}

#[test]
fn every_kind_field_member_and_code_is_said_in_both_languages() {
    let said = |words: Words| {
        assert!(!words.en.trim().is_empty() && !words.fr.trim().is_empty());
    };
    let all = |codes: &Codes| {
        assert_eq!(codes.codes.len(), codes.words.len());
        codes.words.iter().copied().for_each(said);
    };
    let mut found = Vec::new();
    for kind in all_kinds() {
        said(kind.title());
        for spec in kind.own_fields().iter().chain(common::FIELDS) {
            said(spec.title);
            match spec.shape {
                Shape::Json(structure) => structures(structure, &mut found),
                Shape::Code(codes) => all(codes),
                _ => {}
            }
        }
    }
    for member in found.iter().flat_map(|structure| structure.members) {
        said(member.title);
        if let MemberShape::Code(codes) = member.shape {
            all(codes);
        }
    }
    for sign in VitalSign::ALL {
        said(sign.title);
        assert!(sign.units.iter().all(|unit| ucum::is_unit(unit)));
    }
}

#[test]
fn what_is_fixed_is_in_no_edit_and_refused_in_any() {
    for draft in drafts() {
        let kind = draft.kind();
        let first = draft.writes().expect("a good draft");
        for spec in kind.own_fields().iter().filter(|spec| spec.fixed) {
            let of_field = |write: &&Write| write.key.split('/').next() == Some(spec.key);
            for write in first.iter().filter(of_field) {
                let again = later(&first, &[Write::set(write.key.clone(), Value::Null)]);
                // What is required may not be emptied either: that is noticed first.
                let refused = match spec.required {
                    true => Invalid::Missing { field: spec.key },
                    false => Invalid::Fixed { field: spec.key },
                };
                assert_eq!(validate(&again), Err(refused), "{kind}");
                let other = later(&first, &[Write::remove(write.key.clone())]);
                let fixed = Err(Invalid::Fixed { field: spec.key });
                assert_eq!(validate(&other), fixed, "{kind}");
            }
        }
    }
}

#[test]
fn every_bound_of_every_table_refuses_by_the_name_of_its_field() {
    for draft in drafts() {
        let base = draft.writes().expect("a good draft");
        for spec in draft.kind().own_fields() {
            let key = match spec.join {
                Join::Union => format!("{}/0", spec.key),
                _ => spec.key.to_owned(),
            };
            let bad: Value = match spec.shape {
                Shape::Text(max) => "x".repeat(max + 1).into(),
                Shape::Number(max) => Value::Uint(u64::from(max) + 1),
                Shape::Tick => Value::Uint(u64::MAX),
                Shape::Flag => "yes".into(),
                Shape::Day => "2027-01".into(),
                Shape::Code(_) | Shape::Date | Shape::Person | Shape::Entry => "no".into(),
                Shape::Json(_) => "{}".into(),
            };
            for bad in [bad, Value::Int(-1)] {
                let error = validate(&changed(&base, &key, bad)).expect_err("out of bounds");
                assert_eq!(error.field(), spec.key);
            }
            if spec.required {
                let missing = Err(Invalid::Missing { field: spec.key });
                assert_eq!(validate(&changed(&base, &key, Value::Null)), missing);
                let mut without = base.clone();
                without.retain(|write| write.key != key);
                assert_eq!(validate(&entry(&without)), missing);
            }
        }
    }
}

/// Any JSON near a draft: one of the samples, with one member put another way.
fn near_a_draft() -> impl Strategy<Value = serde_json::Value> {
    let json = |draft: &Draft| serde_json::to_value(draft).expect("drafts are JSON");
    let samples: Vec<serde_json::Value> = drafts().iter().map(json).collect();
    let text = prop_oneof![
        ".{0,12}",
        Just("x".repeat(600)),
        Just("2027-01-05".to_owned()),
        Just("2027".to_owned()),
        Just("-12.50".to_owned()),
        Just("mm[Hg]".to_owned()),
        Just("refuses".to_owned()),
        Just("revocation".to_owned()),
    ];
    let put = prop_oneof![
        text.prop_map(serde_json::Value::from),
        any::<u32>().prop_map(serde_json::Value::from),
        any::<bool>().prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
        Just(serde_json::json!([])),
        Just(serde_json::json!({"text": "x"})),
    ];
    let which = (prop::sample::select(samples), any::<prop::sample::Index>());
    (which, any::<prop::sample::Index>(), put).prop_map(|((mut sample, outer), inner, put)| {
        let members = sample.as_object_mut().expect("an object");
        let names: Vec<String> = members
            .keys()
            .filter(|name| *name != "kind")
            .cloned()
            .collect();
        let member = members.get_mut(outer.get(&names)).expect("a member");
        let place = match member {
            serde_json::Value::Array(items) if !items.is_empty() => &mut items[0],
            member => member,
        };
        match place {
            serde_json::Value::Object(parts) if !parts.is_empty() => {
                let names: Vec<String> = parts.keys().cloned().collect();
                parts.insert(inner.get(&names).clone(), put);
            }
            place => *place = put,
        }
        sample
    })
}

proptest! {
    #[test]
    fn a_draft_that_can_be_written_makes_an_entry_that_stands(json in near_a_draft()) {
        let Ok(draft) = serde_json::from_value::<Draft>(json) else { return Ok(()) };
        let Ok(writes) = draft.writes() else { return Ok(()) };
        let state = entry(&writes);
        prop_assert_eq!(validate(&state), Ok(()));
        let again = Draft::read(&draft.kind(), &state).expect("reads back");
        prop_assert_eq!(entry(&again.writes().expect("still good")), state);
    }

    #[test]
    fn any_text_is_a_kind_and_keeps_its_name(text in "(document/)?.{0,20}") {
        let kind = Kind::from(text.as_str());
        prop_assert_eq!(kind.code(), text.as_str());
        let _ = (kind.title(), kind.own_fields());
    }
}
