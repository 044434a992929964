//! Random histories of three people who edit apart and meet now and then.

use proptest::prelude::*;

use super::*;
use crate::entry::{Value, Write};
use crate::kind::medication::REGIMEN;

/// What somebody does next, to the how-manieth entry.
#[derive(Clone, Debug)]
enum Step {
    Sync,
    Status(usize, u8),
    Notes(usize),
    Criticality(usize, u8),
    Verification(usize, bool),
    Reaction(usize, u8),
    Regimen(u8),
    Unknown(usize),
    Accept,
}

fn step() -> impl Strategy<Value = Step> {
    let entry = 0_usize..3;
    prop_oneof![
        3 => Just(Step::Sync),
        2 => (entry.clone(), 0_u8..5).prop_map(|(e, s)| Step::Status(e, s)),
        1 => entry.clone().prop_map(Step::Notes),
        2 => (entry.clone(), 0_u8..3).prop_map(|(e, c)| Step::Criticality(e, c)),
        2 => (entry.clone(), any::<bool>()).prop_map(|(e, v)| Step::Verification(e, v)),
        1 => (entry.clone(), 0_u8..3).prop_map(|(e, r)| Step::Reaction(e, r)),
        2 => (0_u8..4).prop_map(Step::Regimen),
        1 => entry.prop_map(Step::Unknown),
        1 => Just(Step::Accept),
    ]
}

/// Who does what.
fn steps() -> impl Strategy<Value = Vec<(Party, Step)>> {
    prop::collection::vec((0_usize..3, step()), 1..12)
}

fn regimen(number: u8) -> Regimen {
    Regimen {
        product: format!("Product {number}").as_str().into(),
        dose: Some(number.to_string()),
        unit: Some(format!("unit {number}")),
        ..Regimen::default()
    }
}

/// Two allergies, a medication and two blood groups, then the steps; everybody has all in the end.
fn play(steps: &[(Party, Step)]) -> (Story, Vec<EntryId>) {
    let (mut story, holder, caregiver, doctor) = three();
    story.orders = 4;
    let nuts = AllergyDraft {
        substance: "Arachide".into(),
        ..AllergyDraft::default()
    };
    let medication = MedicationTakenDraft {
        regimen: regimen(9),
        ..MedicationTakenDraft::default()
    };
    let entries = vec![
        story.create(holder, penicillin()),
        story.create(doctor, nuts),
        story.create(caregiver, medication),
    ];
    for (party, abo) in [(holder, Abo::A), (doctor, Abo::B)] {
        let blood_group = BloodGroup::new(abo, RhD::Positive, BloodGroupSource::Declared);
        let common = Common::default();
        story.create(
            party,
            BloodGroupDraft {
                blood_group,
                common,
            },
        );
    }
    story.settle();
    for (number, (party, step)) in steps.iter().enumerate() {
        act(&mut story, &entries, *party, step, number);
    }
    story.settle();
    (story, entries)
}

fn act(story: &mut Story, entries: &[EntryId], party: Party, step: &Step, number: usize) {
    let allergy = |entry: &usize| entries[entry % 2];
    match step {
        Step::Sync => story.sync(party),
        Step::Status(entry, which) => {
            let all = [
                StatusCode::Active,
                StatusCode::Inactive,
                StatusCode::Refuted,
                StatusCode::Stopped,
                StatusCode::EnteredInError,
            ];
            let status = Status::because(all[usize::from(*which)].clone(), number.to_string());
            let patch = CommonPatch {
                status: Some(status),
                ..CommonPatch::default()
            };
            story.edit(party, entries[*entry], patch);
        }
        Step::Notes(entry) => {
            story.edit(party, entries[*entry], notes(&number.to_string()));
        }
        Step::Criticality(entry, which) => {
            let patch = criticality(Criticality::ALL[usize::from(*which)].clone());
            story.try_edit(party, allergy(entry), patch);
        }
        Step::Verification(entry, confirmed) => {
            let doubt = Verification::Unconfirmed;
            let said = if *confirmed {
                Verification::Confirmed
            } else {
                doubt
            };
            story.try_edit(party, allergy(entry), verification(said));
        }
        Step::Reaction(entry, which) => {
            story.try_edit(
                party,
                allergy(entry),
                reaction(&format!("reaction {which}"), None),
            );
        }
        Step::Regimen(which) => {
            let patch = MedicationTakenPatch {
                regimen: Some(regimen(*which)),
                ..MedicationTakenPatch::default()
            };
            story.try_edit(party, entries[2], patch);
        }
        Step::Unknown(entry) => {
            let key = format!("of-a-newer-version/{number}");
            let value = Value::Uint(number as u64);
            story.write(party, entries[*entry], &[Write::set(key, value)]);
        }
        Step::Accept => accept(story),
    }
}

/// The doctor catches up and takes up the first proposal there is.
fn accept(story: &mut Story) {
    let doctor = 2;
    story.sync(doctor);
    let list = story.review(doctor);
    let offered = |item: &ReviewItem| item.verdicts.contains(&Verdict::Accept);
    if let Some(place) = list.iter().position(offered) {
        story.resolve(doctor, place, &Choice::Decide(Verdict::Accept));
    }
}

/// Every value ever written under a key of an entry.
fn ever(story: &Story, entry: EntryId, key: &str) -> Vec<Value> {
    let history = story.state(entry).history;
    let written = history.iter().filter_map(|past| past.wrote(key).flatten());
    written.cloned().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn views_and_lists_are_the_same_whatever_the_order(steps in steps()) {
        let (story, _) = play(&steps);
        let views = story.views();
        for party in 0..3 {
            prop_assert_eq!(&story.views_at(party), &views);
        }
        let mut backwards = views.clone();
        backwards.reverse();
        let viewer = story.viewer(0);
        prop_assert_eq!(review(&views, &[], &viewer), review(&backwards, &[], &viewer));
    }

    #[test]
    fn an_active_allergy_never_vanishes_from_the_vital_facts(steps in steps()) {
        let (story, entries) = play(&steps);
        let views = story.views();
        let shown = vital(&views).allergies;
        for entry in &entries[..2] {
            let view = story.view(*entry);
            let listed = shown.iter().any(|fact| fact.entry == *entry);
            prop_assert_eq!(listed, view.standing == Standing::Active);
            // It ends only by somebody's word that still stands.
            if !listed {
                prop_assert!(!view.status.status.is_active());
            }
        }
    }

    #[test]
    fn the_criticality_shown_is_at_least_what_any_standing_claim_says(steps in steps()) {
        let (story, entries) = play(&steps);
        for entry in &entries[..2] {
            let view = story.view(*entry);
            let high = |claim: &FieldClaim| claim.value.as_text() == Some("high");
            let field = view.field("criticality");
            if field.is_some_and(|f| f.claims.iter().chain(&f.proposals).any(high)) {
                prop_assert_eq!(current(&view, "criticality"), ["high"]);
            }
        }
    }

    #[test]
    fn no_regimen_is_a_mixture_of_two(steps in steps()) {
        let (story, entries) = play(&steps);
        let written = ever(&story, entries[2], REGIMEN);
        for treatment in vital(&story.views()).treatments {
            for regimen in treatment.regimens.iter().chain(&treatment.current) {
                prop_assert!(written.contains(&regimen.to_value()));
            }
            prop_assert!(treatment.current.is_none() || treatment.regimens.len() == 1);
        }
    }

    #[test]
    fn discordant_blood_groups_are_never_one_value(steps in steps()) {
        let (story, _) = play(&steps);
        let fact = vital(&story.views()).blood_group;
        prop_assert!(matches!(fact, BloodGroupFact::Discordant(all) if all.len() == 2));
    }

    #[test]
    fn unknown_keys_survive(steps in steps()) {
        let (story, entries) = play(&steps);
        for (number, (party, step)) in steps.iter().enumerate() {
            if let Step::Unknown(entry) = step {
                let view = story.view(entries[*entry]);
                let field = view.field(&format!("of-a-newer-version/{number}"));
                let claims = field.iter().flat_map(|f| f.claims.iter().chain(&f.proposals));
                let author = Story::person(*party);
                let mut by = claims.filter_map(|claim| Some(claim.by.as_ref()?.author));
                prop_assert!(by.any(|by| by == author || by == Story::person(2)));
            }
        }
    }

    #[test]
    fn a_lay_edit_never_lowers_a_clinicians_confirmation(steps in steps()) {
        let (story, entries) = play(&steps);
        for entry in &entries[..2] {
            let view = story.view(*entry);
            let doctor = story.viewer(2).person;
            let doctors = view.claims("verification").iter().filter(|claim| {
                claim.by.as_ref().is_some_and(|by| by.author == doctor)
            });
            if view.confirmed {
                prop_assert!(doctors.clone().all(|c| c.value.as_text() == Some("confirmed")));
                let lay = view.claims("verification").len() - doctors.count();
                prop_assert_eq!(lay, 0);
            }
        }
    }

    #[test]
    fn every_conflict_is_on_the_list(steps in steps()) {
        let (story, _) = play(&steps);
        let list = story.review(0);
        for view in story.views().iter().filter(|view| !view.in_error()) {
            for flag in &view.flags {
                let told = |item: &&ReviewItem| item.entries == [view.id] && item.code == flag.code;
                prop_assert!(list.iter().any(|item| told(&item)));
            }
        }
    }

    #[test]
    fn the_review_of_a_viewer_depends_only_on_what_they_may_see(
        steps in steps(),
        hidden in 0_usize..5,
    ) {
        let (story, _) = play(&steps);
        let mut views = story.views();
        let hidden = views.remove(hidden).id;
        let list = review(&views, &[], &story.viewer(2));
        let named = |item: &ReviewItem| {
            item.entries.contains(&hidden) || item.claims.iter().any(|side| side.entry == hidden)
        };
        prop_assert!(!list.iter().any(named));
        let linked = |flag: &Flag| flag.entries.contains(&hidden);
        prop_assert!(!cross_flags(&views).iter().any(|(id, flag)| *id == hidden || linked(flag)));
    }
}
